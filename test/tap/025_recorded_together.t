# What a worker records of many renders goes to the database together; each of them lives or dies by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainS3;
use RenderchainTest;
use Test::More;

my $node = new_server('together');
my $url = model_server('--canned', '--latency-ms', '20');
my $states = q{SELECT string_agg(s, ' ' ORDER BY s) FROM (SELECT status || '=' || count(*) AS s FROM renders GROUP BY status) x};

# Have a session lock the row of a render in a table as soon as that runs.
sub lock_running
{
	my ($session, $table, $id, $strength) = @_;
	my ($key, $status) = $table eq 'renders' ? ('id', q(status = 'processing')) : ('render_id', q(state = 'running'));
	$session->query_safe('BEGIN');
	wait_until(sub { $session->query_safe("SELECT 1 FROM $table WHERE $key = '$id' AND $status FOR $strength") eq '1' }, 'a render runs');
	return;
}

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
# Calls take long enough for the lock to be there before the end.
model_server('--canned', '--latency-ms', '700');
for my $lock ('render_jobs', 'renders')
{
	my @ids = map { submit('--prompt', "a barn $_") } 1 .. 16;
	my $barns = 'SELECT count(*) FROM renders WHERE id IN (' . join(',', map { "'$_'" } @ids) . q{) AND status = 'completed'};
	sql($node, "INSERT INTO unwritable VALUES ('$ids[3]')");
	my $holder = $node->background_psql('postgres');
	$worker = start_worker('--connections', '1', '--concurrency', '16');
	lock_running($holder, $lock, $ids[5], 'UPDATE');
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

# Locked for longer than a lease: the leases of the others are kept, and so is that of one whose end is held back.
for my $lock ('render_jobs', 'renders')
{
	my @ids = map { submit('--prompt', "a shed $_") } 1 .. 4;
	my $of = sub { sql($node, "SELECT count(*) FROM renders JOIN render_jobs ON render_id = id WHERE id IN ('" . join("','", @_) . "') AND status = 'completed' AND attempt = 1") };
	my $holder = $node->background_psql('postgres');
	# A lease that also a slow machine keeps.
	$worker = start_worker('--connections', '1', '--concurrency', '4', '--lease', '8');
	lock_running($holder, $lock, $ids[2], 'NO KEY UPDATE');
	wait_until(sub { $of->(@ids) == 3 }, "all others are completed while one has its row of $lock locked");
	sql($node, "CREATE TABLE lease AS SELECT now() + interval '8 seconds' AS gone");
	wait_until(sub { sql($node, 'SELECT gone < now() FROM lease') eq 't' }, 'its lease would be over');
	my @more = map { submit('--prompt', "a hut $_") } 1 .. 4;
	wait_until(sub { $of->(@more) == 4 }, 'what comes later is completed, too');
	is(sql($node, "SELECT status FROM renders WHERE id = '$ids[2]'"), 'processing', 'that one is not');
	$holder->query_safe('COMMIT');
	$holder->quit;
	sql($node, 'DROP TABLE lease');
	# Its lease could not be kept where the job was locked: then whoever comes first when it is free decides.
	wait_until(sub { sql($node, "SELECT status FROM renders WHERE id = '$ids[2]'") =~ /^(completed|failed)$/ }, 'then it ends, too');
	is($of->($ids[2]), '1', 'by its first attempt') if $lock eq 'renders';
	$worker->{run}->signal('TERM');
	is(end_of($worker), 0, 'the worker ends');
	is(sql($node, 'SELECT * FROM renderchain.check_ledger() UNION ALL SELECT * FROM renderchain.check_objects()'), '', 'all is consistent');
}

# What is refused of a render while its end waits already keeps it from being completed without.
sql($node, q{DROP TRIGGER hold ON renders;
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_advisory_xact_lock_shared(1);
		RAISE EXCEPTION 'not this one' USING ERRCODE = 'check_violation';
	END $$;
	CREATE TRIGGER refuse BEFORE INSERT ON render_stages FOR EACH ROW WHEN (NEW.stage = 'storage') EXECUTE FUNCTION refuse()});
$holder = $node->background_psql('postgres');
$holder->query_safe('SELECT pg_advisory_lock(1)');
my $refused = submit('--prompt', 'a mill');
my $trace = scratch() . '/refused.trace';
model_server('--canned', '--fault', 'memory_extraction=slow');
$worker = start_worker('--connections', '1', '--trace', $trace);
wait_until(sub { sql($node, q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}) == 1 }, 'it waits');
# Of a line that is just being written the rest is still to come.
wait_until(sub { my @lines = events_of(read_file($trace) =~ s/[^\n]*\z//r);
	return grep({ $_->{kind} eq 'http_send' } @lines) == 4 && grep({ $_->{kind} eq 'http_done' } @lines) == 4 }, 'its memory is known');
$holder->query_safe('SELECT pg_advisory_unlock(1)');
$holder->quit;
$worker->{says}->(qr/"event":"end","renderId":"$refused"[^\n]*not this one/);
is(sql($node, "SELECT status FROM renders WHERE id = '$refused'"), 'failed', 'it is not completed without what was refused');
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'the worker ends');
is(sql($node, 'SELECT * FROM renderchain.check_ledger() UNION ALL SELECT * FROM renderchain.check_objects()'), '', 'all is consistent');

# What is on its way when a render fails, and is answered that somebody has its job locked, is recorded all the same. The
# stages that begin with the picture are on their way, behind a lock on the table, when storing it fails.
sql($node, 'DROP TRIGGER refuse ON render_stages');
s3_service();
s3_tell('fault', 'PUT output 1 hold');
$url = model_server('--canned', '--latency-ms', '1500', '--fault', 'memory_extraction=hang');
my $lost = submit('--prompt', 'a pier');
$trace = scratch() . '/lost.trace';
$worker = start_worker('--connections', '1', '--concurrency', '1', '--lease', '600', '--trace', $trace);
wait_until(sub { grep { $_->{stage} eq 'image_generation' } calls_of($url) }, 'the picture is drawn');
$holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; SELECT FROM render_jobs WHERE render_id = '$lost' FOR UPDATE; SAVEPOINT s; LOCK TABLE render_jobs");
wait_until(sub { grep { $_->{stage} eq 'memory_extraction' } calls_of($url) }, 'its memory is asked for');
wait_until(sub { grep { $_->{status} eq 'hold' } @{ s3_ask('calls') } }, 'it is being stored');
wait_until(sub { sql($node, q{SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'render_jobs'::regclass}) == 1 }, 'that is on its way');
s3_tell('clock', 86400);
s3_tell('release', '');
wait_until(sub { grep { $_->{kind} eq 'http_drop' } events_of(read_file($trace)) }, 'the render fails');
$holder->query_safe('ROLLBACK TO s');
wait_until(sub { sql($node, q{SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'}) == 1 }, 'it waits to be told so');
# Who waits for a lock asks again after a second: the end would overtake what it is asked after.
my $sent = sub { my ($what) = @_; return scalar grep { $_->{kind} eq 'db_send' && $_->{what} =~ $what } events_of(read_file($trace)) };
wait_until(sub { $sent->(qr/record_stages\(\$1::uuid/) > 2 }, 'it asks again');
is($sent->(qr/fail_render/), 0, 'the end is not asked for before that');
$holder->query_safe('COMMIT');
$holder->quit;
$worker->{says}->(qr/"event":"end","renderId":"$lost","status":"failed"/);
is(sql($node, "SELECT string_agg(stage, ' ' ORDER BY stage) FROM render_stages WHERE render_id = '$lost' AND stage IN ('storage', 'validation', 'memory_extraction')"),
	'memory_extraction storage validation', 'none of its stages is lost');
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'the worker ends');
is(sql($node, 'SELECT * FROM renderchain.check_ledger() UNION ALL SELECT * FROM renderchain.check_objects()'), '', 'all is consistent');
done_testing();
