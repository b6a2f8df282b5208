# Workers: the queue is drained, signals stop in good order, a database that restarts loses
# nothing, a render that was cancelled or taken over is dropped.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run qw(start finish timeout);
use POSIX qw(mkfifo);
use RenderchainTest;
use Test::More;

my $node = new_server('worker');
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '1000');

# How often a stage was asked of a model since a number of calls.
sub asked
{
	my ($url, $stage) = @_;
	return scalar grep { $_->{stage} eq $stage } calls_of($url);
}
my $states = q{SELECT string_agg(s, ' ' ORDER BY s) FROM (SELECT status || '=' || count(*) AS s FROM renders GROUP BY status) x};

# A queue is drained, several at once.
my $url = model_server('--canned', '--latency-ms', '50');
submit('--prompt', "a house $_", '--chain', $_ % 2 ? 'odd' : 'even', '--user', $user) for 1 .. 8;
my $worker = start_worker('--drain', '--concurrency', '3');
is(end_of($worker), 0, 'a drained queue is exit code 0') or diag($worker->{err});
is(sql($node, $states), 'completed=8', 'all are completed');
my @ends = grep { $_->{event} eq 'end' } events_of($worker->{out});
is(scalar(@ends), 8, 'a line for each that ends');
is(sql($node, q{SELECT string_agg(chain_position::text, ',' ORDER BY chain_position) FROM renders r JOIN render_chains c ON c.id = r.chain_id
	WHERE name = 'odd'}), '1,2,3,4', 'positions without gaps');
is(sql($node, 'SELECT max(attempt) FROM render_jobs'), '1', 'each at the first attempt');

# A signal lets running renders end, and claims no more. Renders take long enough for it to come before one of them ends.
stop_models();
model_server('--canned', '--latency-ms', '1000');
submit('--prompt', "a house $_", '--user', $user) for 1 .. 4;
$worker = start_worker('--concurrency', '2');
$worker->{says}->(qr/"renderId".*"renderId"/s);
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'SIGTERM is exit code 0') or diag($worker->{err});
is(sql($node, $states), 'completed=10 pending=2', 'what ran has ended, what was queued still is');
stop_models();
model_server('--canned');
end_of(start_worker('--drain'));
stop_models();

# The second signal gives back at once: what was only read about is queued again and has used
# up no attempt.
$url = model_server('--canned', '--fault', 'semantic_parsing=hang');
my $id = submit('--prompt', 'a house', '--user', $user, '--chain', 'returned');
$worker = start_worker();
$worker->{says}->(qr/"renderId":"$id"/);
wait_until(sub { asked($url, 'semantic_parsing') == 1 }, 'parsing hangs');
$worker->{run}->signal('TERM');
$worker->{says}->(qr/"stopping"/);
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'processing', 'the first signal waits');
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'the second one is exit code 0') or diag($worker->{err});
is(sql($node, "SELECT status || ' ' || state || ' ' || (max_attempts - attempt) FROM renders JOIN render_jobs ON render_id = id WHERE id = '$id'"),
	'pending queued 3', 'given back with all its attempts');

# So does the end of the grace time.
$worker = start_worker('--grace', '0');
$worker->{says}->(qr/"renderId":"$id"/);
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'no grace is exit code 0');
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'pending', 'given back at once');
stop_models();

# A render that is cancelled elsewhere is dropped by the notification, while its request hangs.
$url = model_server('--canned', '--fault', 'image_generation=hang');
$worker = start_worker('--lease', '600');
wait_until(sub { asked($url, 'image_generation') == 1 }, 'generation hangs');
is(sql($node, "SELECT renderchain.cancel_render('$id')"), 'cancelled', 'cancelled elsewhere');
$worker->{says}->(qr/"event":"end","renderId":"$id","status":"cancelled"/);
pass('the worker drops it long before its lease ends');

# A generation in flight when time is up is not sent again by itself.
$id = submit('--prompt', 'a house', '--user', $user);
wait_until(sub { asked($url, 'image_generation') == 2 }, 'generation hangs');
$worker->{run}->signal('TERM');
$worker->{says}->(qr/"stopping"/);
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'a worker that gives up a generation is exit code 0');
like(sql($node, "SELECT status || ': ' || error_message FROM renders WHERE id = '$id'"), qr/^failed: .*nobody knows how it ended/,
	'which fails with that said');
stop_models();

# The database restarts while a picture is drawn: it is recorded when the database is back.
$url = model_server('--canned', '--latency-ms', '1500');
$id = submit('--prompt', 'a house', '--user', $user, '--quick');
$worker = start_worker('--drain');
wait_until(sub { sql($node, "SELECT count(*) FROM render_stages WHERE render_id = '$id' AND stage = 'image_generation'") == 1 }, 'generation is sent');
restart_server($node, 'immediate');
$worker->{says}->(qr/"database_lost"/);
$worker->{says}->(qr/"database_back"/);
is(end_of($worker), 0, 'the worker survives a restart of the database') or diag($worker->{err});
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'completed', 'the render is completed');
is(asked($url, 'image_generation'), 1, 'and drawn once');
stop_models();

# A worker that slept past its lease changes nothing when it wakes.
$url = model_server('--canned', '--fault', 'semantic_parsing#1=slow');
$id = submit('--prompt', 'a house', '--user', $user);
$worker = start_worker('--name', 'twin');
wait_until(sub { asked($url, 'semantic_parsing') == 1 }, 'parsing is slow');
$worker->{run}->signal('STOP');
expire_leases($node);
my $second = start_worker('--name', 'twin', '--drain');
is(end_of($second), 0, 'another worker of the same name takes over');
my $before = sql($node, "SELECT r::text || j::text FROM renders r JOIN render_jobs j ON j.render_id = r.id WHERE r.id = '$id'");
like($before, qr/completed/, 'and completes it');
$worker->{run}->signal('CONT');
$worker->{says}->(qr/"event":"end","renderId":"$id","status":"dropped"/);
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'the one that slept drops it');
is(sql($node, "SELECT r::text || j::text FROM renders r JOIN render_jobs j ON j.render_id = r.id WHERE r.id = '$id'"), $before, 'nothing was changed');
is(asked($url, 'image_generation'), 1, 'it was drawn once');

# What passes by itself puts a render back into the queue, until its attempts are used up.
stop_models();
$url = model_server('--canned', '--fault', 'image_generation#1=503', '--fault', 'image_generation#2=503',
	'--fault', 'image_generation#3=503', '--fault', 'image_generation#4=503');
$id = submit('--prompt', 'a house', '--user', $user);
$worker = start_worker('--drain');
$worker->{says}->(qr/"event":"end","renderId":"$id","status":"requeued"/);
$worker->{says}->(qr/"event":"end","renderId":"$id","status":"completed"/);
is(end_of($worker), 0, 'a queue in which something waits for its next attempt is not empty');
is(sql($node, "SELECT attempt FROM render_jobs WHERE render_id = '$id'"), '2', 'an overloaded model is asked again later');
stop_models();

# Images that are uploaded with the request need not be where the worker is; they go with the render.
$url = model_server('--canned');
my $photo = write_file('photo.png', png_bytes(64, 64, [ 178, 84, 40 ]));
$id = submit('--prompt', 'a house', '--user', $user, '--upload', '--reference', $photo, '--style', $photo);
unlink $photo;
is(end_of(start_worker('--drain')), 0, 'a worker runs it');
is(sql($node, "SELECT status || ' ' || coalesce(error_message, '') FROM renders WHERE id = '$id'"), 'completed ', 'the file is not needed any more');
is(sql($node, "SELECT string_agg(kind || ' ' || state, ', ' ORDER BY kind, key) FROM stored_objects WHERE render_id = '$id'"),
	'input live, input live, output live', 'its objects are its own');
stop_models();

# A render that is deleted while it runs is dropped at the next look at its lease.
$url = model_server('--canned', '--fault', 'semantic_parsing=hang');
$id = submit('--prompt', 'a house', '--user', $user);
$worker = start_worker('--lease', '3');
wait_until(sub { asked($url, 'semantic_parsing') == 1 }, 'parsing hangs');
sql($node, "DELETE FROM renders WHERE id = '$id'");
$worker->{says}->(qr/"event":"end","renderId":"$id","status":"dropped"/);
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'a worker survives that its render is deleted');
stop_models();

# The database's clock may be hours ahead of the worker's.
$node->append_conf('postgresql.conf', "renderchain.clock = '" . sql($node, "SELECT now() + interval '3 hours'") . "'");
$node->reload;
wait_until(sub { sql($node, 'SELECT renderchain.clock() > now()') eq 't' }, 'the clock is set');
$url = model_server('--canned');
$id = submit('--prompt', 'a house', '--user', $user);
is(end_of(start_worker('--drain')), 0, 'clocks disagree');
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'completed', 'and nothing is lost by it');
$node->append_conf('postgresql.conf', "renderchain.clock = ''");
$node->reload;
stop_models();

# A path may lead to a pipe or a device, which nobody waits for: the worker goes on.
$url = model_server('--canned');
mkfifo(scratch() . '/pipe', 0666);
my %no_files = map { $_ => sql($node, "SELECT render_id FROM renderchain.submit_render(jsonb_build_object('prompt', 'a house', 'references', jsonb_build_array(jsonb_build_object('path', '$_'))))") }
	scratch() . '/pipe', '/dev/zero';
$id = submit('--prompt', 'a house', '--user', $user);
is(end_of(start_worker('--drain')), 0, 'a worker is done with pipes and devices');
like(sql($node, "SELECT error_message FROM renders WHERE id = '$no_files{$_}'"), qr/"\Q$_\E" is a pipe or device, not a file/, "$_ is refused") for sort keys %no_files;
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'completed', 'what stood behind them is rendered');
stop_models();

# Where a process may have few files open, requests wait for another attempt, but no picture that was made is lost.
$url = model_server('--canned', '--latency-ms', '200');
sql($node, "SELECT count(*) FROM generate_series(1, 60) i, LATERAL renderchain.submit_render(jsonb_build_object('prompt', 'few files', 'idempotencyKey', 'few ' || i))");
{
	my ($o, $e) = ('', '');
	my $run = start([ 'bash', '-c', 'ulimit -n 24; exec renderchain worker --drain --json', ], '<', \undef, '>', \$o, '2>', \$e, timeout(180));
	finish($run);
	is($run->result(0), 0, 'a worker with few files') or diag($e);
}
is(sql($node, q{SELECT count(*) FROM renders WHERE prompt = 'few files' AND error_message LIKE '%could not write%'}), '0', 'lose no picture');
sql($node, q{SELECT renderchain.cancel_render(id) FROM renders WHERE prompt = 'few files' AND status = 'pending'});
stop_models();

# A worker can be kept from reading images elsewhere; links do not help.
$url = model_server('--canned');
mkdir scratch() . '/images';
my $inside = write_file('images/photo.png', png_bytes(64, 64, [ 178, 84, 40 ]));
my $outside = write_file('outside.png', png_bytes(64, 64, [ 78, 84, 40 ]));
symlink $outside, scratch() . '/images/link.png';
my %may = map { $_ => submit('--prompt', 'a house', '--user', $user, '--reference', $_) } $inside, $outside, scratch() . '/images/link.png',
	scratch() . '/images/../outside.png';
is(end_of(start_worker('--drain', '--images', scratch() . '/images')), 0, 'a worker that may not read everywhere');
for my $path (sort keys %may)
{
	my $said = sql($node, "SELECT status || ' ' || coalesce(error_message, '') FROM renders WHERE id = '$may{$path}'");
	if ($path eq $inside) { is($said, 'completed ', 'reads what it may') }
	else { like($said, qr/^failed .*not below the directory of --images/, 'and nothing else') }
}
stop_models();

# Models that are loaded while a worker runs are known to it without a restart.
$url = model_server('--canned');
$worker = start_worker();
$worker->{says}->(qr/"event":"worker"/);
sql($node, q{SELECT renderchain.load_models(jsonb_build_object('version', 1, 'models', jsonb_agg(m || '{"id": "local-image-new"}'))) FROM jsonb_array_elements(renderchain.get_models()) m
	WHERE m ->> 'id' = 'local-image-flash'});
$worker->{run}->signal('HUP');
$worker->{says}->(qr/"event":"models"/);
$id = submit('--prompt', 'a house', '--user', $user, '--model', 'local-image-new');
$worker->{says}->(qr/"event":"end","renderId":"$id"/);
like(sql($node, "SELECT error_message FROM renders WHERE id = '$id'"), qr/HTTP 404.*"local-image-new"/, 'a new model is asked, which the server does not have');
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'and the worker goes on');
sql($node, q{DELETE FROM models WHERE id = 'local-image-new'});
stop_models();

# A person cancels and starts again.
$url = model_server('--canned');
$id = submit('--prompt', 'a house', '--user', $user);
my ($code, $out, $err) = driver('cancel', $id, '--json');
is("$code " . result_of($out)->{status}, '0 cancelled', 'cancelled');
($code, $out, $err) = driver('retry', $id, '--text');
is("$code $out", "0 render $id queued again\n", 'queued again');
end_of(start_worker('--drain'));
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'completed', 'and run');
($code, $out, $err) = driver('cancel', $id, '--text');
is("$code $out", "1 render $id was not cancelled: it had ended before, as completed\n", 'what is completed stays so');
($code, $out, $err) = driver('retry', $id);
is($code, 1, 'and is not run again') or diag($err);
like($err, qr/RC010/, 'with the reason');
is((driver('cancel', 'x'))[0], 3, 'what is no render is refused');
is((driver('retry', '00000000-0000-0000-0000-000000000000'))[0], 5, 'what does not exist is not found');
stop_models();

# What cannot be given back in time, as somebody has all jobs locked, is told, and so is what the database refuses to take back,
# or what alone is locked.
$url = model_server('--canned', '--fault', 'semantic_parsing=hang');
my @held = map { submit('--prompt', "a barn $_", '--user', $user) } 1 .. 3;
my $barns = "('" . join("','", @held) . "')";
$worker = start_worker('--concurrency', '3', '--lease', '600');
wait_until(sub { asked($url, 'semantic_parsing') == 3 }, 'parsing hangs');
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE render_jobs');
$worker->{run}->signal('TERM');
$worker->{says}->(qr/"stopping"/);
$worker->{run}->signal('TERM');
$worker->{says}->(qr/"warning"[^\n]*the database did not hear of 3 renders in time/);
$worker->{says}->(qr/"stopped"[^\n]*, 3 not given back/);
is(end_of($worker), 4, 'a worker that could not give back what it had says so by its exit code');
$holder->query_safe('COMMIT');
$holder->quit;
# The server may have been waiting for the lock still.
wait_until(sub { sql($node, "SELECT count(*) FROM pg_locks WHERE NOT granted") eq '0' }, 'nobody waits any more');
sql($node, "SELECT renderchain.cancel_render(id) FROM renders WHERE id IN $barns");
@held = map { submit('--prompt', "a shed $_", '--user', $user) } 1 .. 3;
$worker = start_worker('--concurrency', '3', '--grace', '0');
wait_until(sub { asked($url, 'semantic_parsing') == 6 }, 'parsing hangs again');
sql($node, q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = 'check_violation'; END $$;
	CREATE TRIGGER refuse BEFORE UPDATE ON render_jobs FOR EACH ROW WHEN (NEW.state = 'queued' AND NEW.render_id <> '} . $held[0] . q{') EXECUTE FUNCTION refuse()});
$worker->{run}->signal('TERM');
$worker->{says}->(qr/"warning"[^\n]*2 renders were not given back/);
$worker->{says}->(qr/"stopped"[^\n]*, 2 not given back/);
is(end_of($worker), 0, 'one that the database has heard ends well');
is(sql($node, "SELECT string_agg(status, ' ' ORDER BY status) FROM renders WHERE id IN ('" . join("','", @held) . "')"), 'pending processing processing', 'the other one is');
sql($node, 'DROP TRIGGER refuse ON render_jobs; DROP FUNCTION refuse()');
sql($node, 'SELECT renderchain.cancel_render(id) FROM renders WHERE id IN (' . join(',', map { "'$_'" } @held) . ')');
@held = map { submit('--prompt', "a stall $_", '--user', $user) } 1 .. 3;
$worker = start_worker('--concurrency', '3', '--grace', '0', '--lease', '600');
wait_until(sub { asked($url, 'semantic_parsing') == 9 }, 'parsing hangs once more');
$holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; SELECT FROM render_jobs WHERE render_id = '$held[1]' FOR UPDATE");
$worker->{run}->signal('TERM');
$worker->{says}->(qr/"warning"[^\n]*1 renders were not given back/);
is(end_of($worker), 0, 'one that is locked keeps a worker from ending no longer');
is(sql($node, "SELECT string_agg(status, ' ' ORDER BY prompt) FROM renders WHERE prompt LIKE 'a stall%'"), 'pending processing pending', 'nor the others from being given back');
$holder->query_safe('COMMIT');
$holder->quit;
sql($node, "SELECT renderchain.cancel_render(id) FROM renders WHERE prompt LIKE 'a stall%'");
stop_models();

# An error that speaks of a lost connection, on one that is there, keeps nobody from claiming again.
sql($node, q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no connection elsewhere' USING ERRCODE = '08006'; END $$;
	CREATE TRIGGER refuse BEFORE UPDATE ON render_jobs FOR EACH ROW WHEN (NEW.state = 'running') EXECUTE FUNCTION refuse()});
model_server('--canned');
$id = submit('--prompt', 'a mill', '--user', $user);
$worker = start_worker();
$worker->{says}->(qr/"warning"[^\n]*could not claim: no connection elsewhere/);
sql($node, 'DROP TRIGGER refuse ON render_jobs; DROP FUNCTION refuse()');
$worker->{says}->(qr/"renderId":"$id","status":"completed"/);
pass('it claims again');
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'and ends well');
stop_models();

# Bad options.
for my $case ([ '--concurrency', '0' ], [ '--concurrency', '10001' ], [ '--lease', '2' ], [ '--lease', 'x' ], [ '--grace', '-1' ],
	[ '--connections', '17' ], [ '--type', 'audio' ])
{
	($code, $out, $err) = driver('worker', '--text', @$case);
	is($code, 2, "@$case is refused") or diag($err);
	like($err, qr/\Q$case->[0]\E/, 'by name');
}
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
done_testing();
