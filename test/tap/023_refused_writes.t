# What a worker has found and the database does not take (a constraint or trigger of the application's, a value that no column
# holds): the render fails at once, with the database's words, instead of being paid for once more when its lease has ended.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Test::More;

my $node = new_server('refused');
my $url = model_server('--canned');
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '1000');

# Run a render under a constraint: the worker's last line about it, and what was recorded.
sub run_under
{
	my ($table, $check, $free) = @_;
	sql($node, "ALTER TABLE $table ADD CONSTRAINT picky CHECK ($check) NOT VALID");
	my $before = grep { $_->{stage} eq 'image_generation' } calls_of($url);
	my $id = submit('--prompt', 'a house', '--user', $user, '--quick');
	my $worker = start_worker('--lease', '600');
	$worker->{says}->(qr/"event":"end","renderId":"$id"/);
	$worker->{run}->signal('TERM');
	end_of($worker);
	my ($end) = grep { $_->{event} eq 'end' } events_of($worker->{out});
	is((grep { $_->{stage} eq 'image_generation' } calls_of($url)) - $before, 1, 'asked for one picture');
	is($end->{status}, $free ? 'dropped' : 'failed', "the worker's line") or diag($worker->{out});
	like($end->{error}, qr/violates check constraint "picky"/, 'has the reason');
	return ($id, split /\|/, sql($node, qq{SELECT status || '|' || attempt || '|' || (SELECT balance - reserved FROM credit_accounts) || '|' ||
		coalesce(error_message, '') || '|' || coalesce((SELECT status || ' ' || outcome || ' ' || (cost IS NOT NULL) FROM render_stages
			WHERE render_id = renders.id AND stage = 'image_generation'), '') FROM renders JOIN render_jobs ON render_id = id WHERE id = '$id'}));
}

# Stop being so.
sub relent { sql($node, "ALTER TABLE $_[0] DROP CONSTRAINT picky") }

# The completion.
my ($id, @found) = run_under('renders', q{status <> 'completed'});
is("@found[0 .. 2]", 'failed 1 1000', 'a completion that is refused: failed at once, refunded');
like($found[3], qr/^the database refused .*relation "renders" violates check constraint "picky" \(23514\)$/, 'with the reason');
unlike($found[3], qr/Failing row/, 'but without rows');
is($found[4], 'success ok true', 'what was spent is recorded');
is(sql($node, "SELECT state FROM stored_objects WHERE render_id = '$id'"), 'doomed', 'the picture is doomed');
relent('renders');
is(sql($node, "SELECT renderchain.retry_render('$id')"), 'pending', 'it can be retried');
end_of(start_worker('--drain'));
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'completed', 'and then completes');

# What a stage has found: its cost is recorded without it.
($id, @found) = run_under('render_stages', q{output->'sha256' IS NULL});
is("@found[0 .. 1]", 'failed 1', 'a stage that is refused: failed at once');
is($found[4], 'success ok true', 'what was spent is recorded without what was found');
relent('render_stages');

# It is not recorded in any form.
($id, @found) = run_under('render_stages', q{stage <> 'image_generation' OR status <> 'success'});
is("@found[0 .. 1]", 'failed 1', 'stages that are refused in any form: failed all the same');
is($found[4], 'failed unknown false', 'that nobody knows what was spent is recorded');
relent('render_stages');

# Not even the failure can be written: that is left to the lease.
($id, @found) = run_under('renders', q{status NOT IN ('completed', 'failed')}, 1);
is("@found[0 .. 1]", 'processing 1', 'an end that is refused in any form waits for its lease');
relent('renders');
expire_leases($node);
end_of(start_worker('--drain'));
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'completed', 'and is taken over then');

# A trigger that refuses every completion: after three renders no more are claimed, but one now and then to see.
my $count = q{SELECT string_agg(s, ' ' ORDER BY s) FROM (SELECT status || '=' || count(*) AS s FROM renders WHERE prompt = 'many' GROUP BY status) x};
sql($node, q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no completions today'; END$$;
	CREATE TRIGGER picky BEFORE UPDATE ON renders FOR EACH ROW WHEN (NEW.status = 'completed') EXECUTE FUNCTION refuse()});
submit('--prompt', 'many', '--user', $user, '--quick') for 1 .. 8;
my $worker = start_worker('--concurrency', '1');
my $refusals = qr/"event":"refusals"[^\n]*/;
$worker->{says}->(qr/$refusals"4 renders in a row were refused by the database \([^\n]*no completions today \(P0001\)\); nothing is claimed/s);
my @claims = map { scalar(() = /"event":"render"/g) } split /$refusals/, $worker->{out};
is("@claims[0, 1]", '3 1', 'after three renders one more is tried') or diag($worker->{out});
sql($node, 'DROP TRIGGER picky ON renders');
$worker->{says}->(qr/$refusals"the database takes completions again"/);
wait_until(sub { sql($node, $count) !~ /pending|processing/ }, 'the others run');
like(sql($node, $count), qr/^completed=[1-4] failed=[4-7]$/, 'when the database takes them again all go on');
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'the worker ends');

# Who is to drain the queue cannot wait for that. Other refusals, which leave renders to their lease, count as well.
sql($node, q{DELETE FROM renders WHERE prompt = 'many';
	CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no completions today' USING ERRCODE = 'insufficient_privilege'; END$$;
	CREATE TRIGGER picky BEFORE UPDATE ON renders FOR EACH ROW WHEN (NEW.status = 'completed') EXECUTE FUNCTION refuse()});
submit('--prompt', 'many', '--user', $user, '--quick') for 1 .. 4;
is(end_of(start_worker('--drain', '--concurrency', '1')), 4, 'a worker that drains gives up');
is(sql($node, $count), 'pending=1 processing=3', 'after three renders');
my $pictures = grep { $_->{stage} eq 'image_generation' } calls_of($url);
sql($node, 'DROP TRIGGER picky ON renders');
expire_leases($node);
end_of(start_worker('--drain'));
is(sql($node, $count), 'completed=4', 'which go on when the database takes them');
is((grep { $_->{stage} eq 'image_generation' } calls_of($url)) - $pictures, 1, 'with the pictures that were paid for');

is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is proven');

done_testing();
