# What a worker records of many renders goes to the database together; each of them lives or dies by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Test::More;

my $node = new_server('together');
my $url = model_server('--canned', '--latency-ms', '20');
my $states = q{SELECT string_agg(s, ' ' ORDER BY s) FROM (SELECT status || '=' || count(*) AS s FROM renders GROUP BY status) x};

# Starts of generations wait in the database for as long as a session holds a lock, and some are refused.
sql($node, q{CREATE TABLE unwritable (id uuid);
	CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_advisory_xact_lock_shared(1);
		IF EXISTS (SELECT FROM public.unwritable u WHERE u.id = NEW.render_id) THEN
			RAISE EXCEPTION 'not this one' USING ERRCODE = 'insufficient_privilege'; -- which leaves it to its lease
		END IF;
		RETURN NEW;
	END $$;
	CREATE TRIGGER hold BEFORE INSERT ON render_stages FOR EACH ROW WHEN (NEW.stage = 'image_generation') EXECUTE FUNCTION hold()});
my $holder = $node->background_psql('postgres');
$holder->query_safe('SELECT pg_advisory_lock(1)');

# Of sixteen renders the first to generate waits there, and what the others have to say gathers behind it. Meanwhile
# one of those is cancelled, one is taken over, and one may not be written any more.
submit('--prompt', "a house $_", '--quick') for 1 .. 16;
my $worker = start_worker('--connections', '1', '--concurrency', '16');
wait_until(sub { sql($node, q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}) == 1 }, 'one waits');
wait_until(sub { calls_of($url) == 16 }, 'all have their prompts');
my ($cancelled, $taken, $unwritable) =
  split /\n/, sql($node, q{SELECT render_id FROM render_jobs WHERE state = 'running' LIMIT 3 FOR NO KEY UPDATE SKIP LOCKED});
# By the tables, so that nobody is notified.
sql($node, "INSERT INTO unwritable VALUES ('$unwritable'); UPDATE render_jobs SET cancel_requested = true WHERE render_id = '$cancelled';
	UPDATE render_jobs SET attempt = attempt + 1, lease_owner = 'another' WHERE render_id = '$taken'");
$holder->query_safe('SELECT pg_advisory_unlock(1)');
$worker->{says}->(qr/(?:"status":"completed".*){13}/s);
is(sql($node, $states), 'completed=13 processing=3', 'all are completed but those three');
for ([ $cancelled, 'is cancelled' ], [ $taken, 'has lost its lease' ], [ $unwritable, 'not this one' ])
{
	my ($id, $why) = @$_;
	$worker->{says}->(qr/"event":"end","renderId":"$id"[^\n]*$why/);
	pass("the end of one: $why");
}
my @pictures = grep { $_->{stage} eq 'image_generation' } calls_of($url);
is(scalar(@pictures), 13, 'no picture was asked for whose start is not recorded');
is(sql($node, q{SELECT count(*) FROM render_stages WHERE stage = 'storage' AND status = 'success'}), '13', 'and each is recorded');
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'the worker ends');
is(sql($node, "SELECT count(*) FROM render_stages WHERE render_id = '$unwritable' AND stage = 'image_generation'"), '0', 'of what may not be written nothing is');
is(sql($node, 'SELECT * FROM renderchain.check_ledger() UNION ALL SELECT * FROM renderchain.check_objects()'), '', 'all is consistent');
$holder->quit;

# One that another session has locked, or whose errors pass and come again, keeps none of the others waiting, neither at
# its start nor at its end. What the first had to say in the meantime is all there in the end.
sql($node, q{TRUNCATE unwritable; DROP TRIGGER hold ON render_stages;
	SELECT renderchain.cancel_render(id) FROM renders WHERE status = 'processing';
	CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF EXISTS (SELECT FROM public.unwritable u WHERE u.id = NEW.id) THEN
			RAISE EXCEPTION 'not now' USING ERRCODE = 'serialization_failure';
		END IF;
		RETURN NEW;
	END $$;
	CREATE TRIGGER hold BEFORE UPDATE ON renders FOR EACH ROW WHEN (NEW.status = 'completed') EXECUTE FUNCTION hold()});
for my $lock ('render_jobs', 'renders')
{
	my @ids = map { submit('--prompt', "a barn $_") } 1 .. 16;
	my $barns = 'SELECT count(*) FROM renders WHERE id IN (' . join(',', map { "'$_'" } @ids) . q{) AND status = 'completed'};
	my $key = $lock eq 'renders' ? 'id' : 'render_id';
	sql($node, "INSERT INTO unwritable VALUES ('$ids[3]')");
	my $holder = $node->background_psql('postgres');
	my $before = calls_of($url);
	$worker = start_worker('--connections', '1', '--concurrency', '16');
	wait_until(sub { calls_of($url) > $before }, 'it runs');
	$holder->query_safe("BEGIN; SELECT FROM $lock WHERE $key = '$ids[5]' FOR UPDATE");
	wait_until(sub { sql($node, $barns) == 14 }, "all others are completed while one has its row of $lock locked");
	is(sql($node, "SELECT string_agg(status, ' ') FROM renders WHERE id IN ('$ids[3]', '$ids[5]')"), 'processing processing', 'those are not');
	$holder->query_safe('COMMIT');
	$holder->quit;
	sql($node, 'TRUNCATE unwritable');
	wait_until(sub { sql($node, $barns) == 16 }, 'then they are, too');
	$worker->{run}->signal('TERM');
	is(end_of($worker), 0, 'the worker ends');
	is(sql($node, q{SELECT count(*) FROM render_stages s JOIN renders r ON r.id = s.render_id WHERE s.status = 'running' AND r.status = 'completed'}), '0', 'no stage of theirs is open');
	is(sql($node, q{SELECT count(DISTINCT c) FROM (SELECT count(*) AS c FROM render_stages s JOIN renders r ON r.id = s.render_id
		WHERE r.prompt LIKE 'a barn%' GROUP BY r.id) x}), '1', 'each has all of its stages');
	is(sql($node, 'SELECT * FROM renderchain.check_ledger() UNION ALL SELECT * FROM renderchain.check_objects()'), '', 'all is consistent');
}
done_testing();
