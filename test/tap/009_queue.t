# The queue under load: one render a key however many submit it at once; under many submitters and
# claimers no cap is ever exceeded, no render is claimed twice and none is forgotten.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Test::More;

my $node = new_server('queue', conf => "max_connections = 100\nrenderchain.max_running_per_user = 3\nrenderchain.max_running_per_provider = 7\n");

# Run scripts in many sessions at once.
sub pgbench
{
	my ($name, $sessions, $times, @scripts) = @_;
	$node->command_ok([ 'pgbench', '-n', '-c', $sessions, '-j', 2, '-t', $times, map { ('-f', $_) } @scripts ], $name);
	return;
}

pgbench('32 sessions submit with one key', 32, 1, write_file('once.sql', <<'SQL'));
SELECT renderchain.submit_render('{"prompt": "once", "idempotencyKey": "k", "chainName": "c"}');
SQL
is(sql($node, 'SELECT count(*), min(chain_position), max(chain_position) FROM renders'), '1|1|1', 'one render is made');
is(sql($node, 'SELECT count(*) FROM render_chains'), '1', 'and one chain');
sql($node, 'SELECT renderchain.cancel_render(id) FROM renders');

# Five users, two providers and renders that name none; what runs is counted again and again.
sql($node, 'CREATE TABLE exceeded (what text, running bigint)');
my $submit = write_file('submit.sql', <<'SQL');
\set user random(1, 5)
\set provider random(1, 3)
SELECT renderchain.submit_render(jsonb_build_object('prompt', 'x', 'priority', :user::integer % 2, 'userId', '00000000-0000-0000-0000-00000000000' || :user)
    || CASE :provider WHEN 1 THEN '{"provider": "local"}' WHEN 2 THEN '{"provider": "gemini"}' ELSE '{}' END::jsonb);
SQL
my $work = write_file('work.sql', <<'SQL');
\set n random(1, 4)
SELECT count(*) FROM renderchain.claim_renders('w' || :client_id, :n, '1 hour');
SELECT count(renderchain.fail_render(render_id, attempt, '{"message": "x", "retryAfterSeconds": 0}', render_id::text < '1'))
FROM render_jobs WHERE state = 'running' AND lease_owner = 'w' || :client_id;
SQL
my $count = write_file('count.sql', <<'SQL');
INSERT INTO exceeded SELECT 'user', count(*) FROM render_jobs WHERE state = 'running' GROUP BY user_id HAVING count(*) > 3;
INSERT INTO exceeded SELECT 'provider', count(*) FROM render_jobs WHERE state = 'running' GROUP BY provider HAVING count(*) > 7;
SQL
pgbench('sessions submit, claim and count', 24, 120, $submit, $work, $count);
is(sql($node, 'SELECT * FROM exceeded'), '', 'no cap was exceeded');
pgbench('workers drain the queue', 8, 400, $work);
is(sql($node, "SELECT count(*) FROM render_jobs WHERE state <> 'ended'"), '0', 'no render is forgotten');
is(sql($node, "SELECT count(*) FROM render_jobs WHERE attempt = 0 AND idempotency_key IS NULL"), '0', 'each was claimed');
is(sql($node, "SELECT count(*) FROM render_jobs WHERE attempt > CASE WHEN render_id::text < '1' THEN 3 ELSE 1 END"), '0', 'and no more often than it was given back');
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger holds');

# Who has waited for a table for longer than a lease gets one that is not over yet, whether it claims or extends.
my $held = sql($node, q{SELECT renderchain.submit_render('{"prompt": "held"}')::text; SELECT render_id FROM renderchain.claim_renders('extends', 1, '1 hour')}) =~ s/.*\n//sr;
sql($node, q{SELECT renderchain.submit_render('{"prompt": "waits"}')});
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE render_jobs');
my @waiting = map { my $out = ''; { out => \$out, run => started(IPC::Run::start([ 'psql', '-qXAtc', $_ ], '<', \undef, '>', \$out)) } }
  "DO \$\$ BEGIN PERFORM renderchain.extend_leases('extends', '{$held}', '3 seconds'); END \$\$; SELECT lease_until > clock_timestamp() FROM render_jobs WHERE render_id = '$held'",
  q{DO $$ BEGIN PERFORM renderchain.claim_renders('claims', 1, '3 seconds'); END $$; SELECT lease_until > clock_timestamp() FROM render_jobs WHERE lease_owner = 'claims'};
wait_until(sub { sql($node, q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'claim_renders|extend_leases' AND clock_timestamp() > query_start + interval '3 seconds'}) == 2 },
	'both have waited for as long as their leases');
$holder->query_safe('COMMIT');
$holder->quit;
IPC::Run::finish($_->{run}) for @waiting;
is(${ $waiting[0]{out} }, "t\n", 'an extended lease counts from when it could be extended');
is(${ $waiting[1]{out} }, "t\n", 'and one that is claimed from when it is given');

done_testing();
