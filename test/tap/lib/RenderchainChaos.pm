# Chaos: workers, submitters, cancellers and people who save memory are at work while workers are
# killed, stopped and put to sleep past their leases, the model fails now and then, transactions keep
# rows locked, and PostgreSQL restarts. When it is over, everything has to be as if nothing had happened: every render in an end
# state, the ledger proven, storage equal to the table, no position missing or doubled, no memory
# lost, no picture drawn without a trace. Storage is a directory, or an S3 service that refuses,
# cuts off and answers too late.
package RenderchainChaos;

use strict;
use warnings;
use Exporter 'import';
use IPC::Run qw(run start finish kill_kill timeout);
use POSIX qw(WNOHANG);
use RenderchainS3;
use RenderchainTest;
use Test::More;
use Time::HiRes qw(time sleep);

our @EXPORT = qw(chaos);

my @users = map { sprintf '11111111-2222-3333-4444-%012d', $_ } 1 .. 3;
my ($node, $directory, $stop_file, %count);

# Ask with psql, also while the server is away: what it prints, or undef.
sub ask
{
	my ($query) = @_;
	my ($out, $err) = ('', '');
	my $ok = run([ 'psql', '-qXAt', '-v', 'ON_ERROR_STOP=1', '-c', $query ], '<', \undef, '>', \$out, '2>', \$err);
	chomp $out;
	return $ok ? $out : undef;
}

# Run something in a process of its own, again and again until the stop file is there; what it
# gives goes into a file of its name.
sub actor
{
	my ($name, $seed, $pause, $act) = @_;
	my $pid = fork // die "could not fork\n";
	return started($pid) if $pid;
	srand $seed;
	open my $file, '>', "$directory/$name" or POSIX::_exit(1);
	for (my $turn = 1; !-e $stop_file; $turn++)
	{
		# What fails here must not end what the test itself has started.
		my $line = eval { $act->($turn) };
		syswrite $file, "$line\n" if defined $line;
		sleep rand $pause;
	}
	POSIX::_exit(0);
}

# Lines that an actor has written.
sub lines_of
{
	my ($name) = @_;
	return split /\n/, read_file("$directory/$name");
}

# Submit until the database says that it has it: the key, and the render that it names.
sub submit_surely
{
	my ($who, $turn) = @_;
	my $user = $users[ rand @users ];
	my $chain = 'chain ' . int rand 7;
	my $quality = rand() < 0.5 ? 'high' : 'standard';
	my $request = qq({"prompt": "a house", "userId": "$user", "chainName": "$chain", "quality": "$quality", "idempotencyKey": "$who/$turn"});
	my $id;
	wait_until(sub { $id = ask("SELECT render_id FROM renderchain.submit_render('$request')") }, 'it is submitted');
	return "$who/$turn $id";
}

# Cancel something that runs or waits, or start something again that has failed.
sub meddle
{
	return ask(rand() < 0.7
		? "SELECT 'cancel ' || id || ' ' || renderchain.cancel_render(id) FROM (SELECT id FROM renders WHERE status IN ('pending', 'processing') ORDER BY random() LIMIT 1) r"
		: "SELECT 'retry ' || id || ' ' || renderchain.retry_render(id) FROM (SELECT id FROM renders WHERE status IN ('failed', 'cancelled') ORDER BY random() LIMIT 1) r");
}

# Save a key of our own into the memory of something that is completed.
sub remember
{
	my ($who, $turn) = @_;
	my $id = ask(qq(SELECT id FROM (SELECT id, renderchain.save_memory(id, '{"$who $turn": $turn}') FROM
		(SELECT id FROM renders WHERE status = 'completed' ORDER BY random() LIMIT 1) c) s));
	return $id ? "$id $who $turn" : undef;
}

# Keep some of what runs locked for a while, as an application does whose transaction stays open: in the order of no other.
# How long that is, is what others are tried with: nothing here waits for anything to have happened by then.
sub hold
{
	my ($table, $key) = @{ ([ 'render_jobs', 'render_id' ], [ 'renders', 'id' ])[ rand 2 ] };
	my $manner = (qw(UPDATE SHARE))[ rand 2 ] . (rand() < 0.5 ? ' SKIP LOCKED' : '');
	my $seconds = rand() < 0.1 ? 4 : rand 0.5;
	ask("BEGIN; SELECT count(*) FROM (SELECT FROM $table t WHERE t.$key IN (SELECT render_id FROM render_jobs WHERE state = 'running' ORDER BY random() LIMIT 4)
		ORDER BY random() FOR $manner) x; SELECT pg_sleep($seconds); COMMIT");
	return;
}

# Have the S3 service fail at one of the next requests of a kind.
sub spoil_storage
{
	my $method = (qw(PUT PUT GET HEAD DELETE))[ rand 5 ];
	s3_tell('fault', "$method ^/media/renders/[^.] 1 " . (qw(503 cut late))[ rand 3 ]);
	return;
}

# Start a worker whose leases are short.
sub new_worker
{
	my ($number) = @_;
	my $pid = fork // die "could not fork\n";
	return { pid => started($pid) } if $pid;
	open STDOUT, '>>', "$directory/worker.$number" or POSIX::_exit(1);
	open STDERR, '>&', \*STDOUT or POSIX::_exit(1);
	exec 'renderchain', 'worker', '--json', '--concurrency', '8', '--lease', '3', '--grace', '2', '--name', "chaos $number";
}

# Do something bad to one worker.
sub harm
{
	my ($workers) = @_;
	my $worker = $workers->[ rand @$workers ];
	my $kind = rand();
	if ($kind < 0.6) { kill 'KILL', $worker->{pid}; $count{killed}++ }
	elsif ($kind < 0.8) { kill 'TERM', $worker->{pid}; $count{terminated}++ }
	elsif (!$worker->{asleep}) { kill 'STOP', $worker->{pid}; $worker->{asleep} = time + 3 + rand 2; $count{'put to sleep'}++ }
	return;
}

# Wake workers that have slept past their leases, and start again what has ended.
sub revive
{
	my ($workers) = @_;
	for my $each (0 .. $#$workers)
	{
		my $it = $workers->[$each];
		if ($it->{asleep} && $it->{asleep} < time) { kill 'CONT', $it->{pid}; delete $it->{asleep} }
		$workers->[$each] = new_worker($each) if waitpid($it->{pid}, WNOHANG) > 0;
	}
	return;
}

# How much the workers have said, which grows with what they have done.
sub said { my $sum = 0; $sum += -s $_ for glob "$directory/worker.*"; return $sum }

# Let it all happen for that long.
sub rage
{
	my ($seconds, $seed, $storage) = @_;
	my @actors = map { my $who = "submitter $_"; actor($who, $seed + $_, 0.15, sub { submit_surely($who, @_) }) } 1 .. 2;
	push @actors, actor('meddler', $seed + 10, 0.5, \&meddle);
	push @actors, map { my $who = "rememberer $_"; actor($who, $seed + 20 + $_, 0.3, sub { remember($who, @_) }) } 1 .. 2;
	push @actors, actor('holder', $seed + 40, 1, \&hold);
	push @actors, actor('spoiler', $seed + 30, 1, \&spoil_storage) if $storage eq 's3';
	my @workers = map { new_worker($_) } 0 .. 2;
	my ($end, $restart) = (time + $seconds, time + $seconds / 3);
	while (time < $end)
	{
		# Something has been done since, so that there is something to harm.
		my $enough = said() + 1000 + rand 4000;
		wait_until(sub { revive(\@workers); time >= $end || said() > $enough }, 'workers do something');
		harm(\@workers);
		if (time > $restart)
		{
			restart_server($node, rand() < 0.5 ? 'immediate' : 'fast');
			$count{'restarts of the database'}++;
			$restart = time + 5 + rand 10;
		}
	}
	write_file('stop', '');
	waitpid $_, 0 for @actors;
	kill 'CONT', $_->{pid} for @workers;
	kill 'TERM', $_->{pid} for @workers;
	waitpid $_->{pid}, 0 for @workers;
	return;
}

# Bring everything to its end, with a model that does as it is told.
sub calm_down
{
	my ($url) = @_;
	wait_until(
		sub {
			my ($code, $out, $err) = driver('worker', '--drain', '--concurrency', '16', '--provider-url', $url);
			die "the last worker failed: $out$err" if $code;
			return sql($node, "SELECT count(*) FROM render_jobs WHERE state <> 'ended'") == 0;
		},
		'everything has ended');
	return;
}

# Look at everything.
sub judge
{
	my ($drawn) = @_;
	my %ids;
	my @submitted = map { [ m{^(\S+ \d+/\d+) (\S+)$} ] } map { lines_of("submitter $_") } 1 .. 2;
	is(sql($node, 'SELECT count(*) FROM renders'), scalar(@submitted), scalar(@submitted) . ' renders, one for every key that was submitted');
	is(sql($node, "SELECT count(*) FROM render_jobs j JOIN renders r ON r.id = j.render_id WHERE j.state <> 'ended'
		OR r.status NOT IN ('completed', 'failed', 'cancelled')"), '0', 'every render is in an end state');
	is(sql($node, "SELECT count(*) FROM render_stages WHERE status = 'running'"), '0', 'no stage is left open');
	is(sql($node, 'SELECT string_agg(problem, E\'\\n\') FROM renderchain.check_ledger()'), '', 'the ledger is proven');
	is(sql($node, 'SELECT sum(reserved) FROM credit_accounts'), '0', 'nothing is left reserved');
	is(sql($node, 'SELECT count(*) FROM (SELECT FROM renders GROUP BY chain_id HAVING max(chain_position) <> count(*)
		OR count(DISTINCT chain_position) <> count(*)) x'), '0', 'no position is missing or doubled');
	is(sql($node, "SELECT count(*) FROM renders r WHERE (status = 'completed') <> (SELECT count(*) = 1 FROM stored_objects o
		WHERE o.render_id = r.id AND o.kind = 'output' AND o.state = 'live')"), '0', 'an output for each that is completed, and for no other');
	is(sql($node, "SELECT count(*) FROM renders r JOIN render_jobs j ON j.render_id = r.id WHERE r.status = 'completed' AND 1 <> (SELECT count(*)
		FROM render_stages s WHERE s.render_id = r.id AND s.stage = 'image_generation' AND s.status = 'success' AND s.attempt > j.base_attempt)"),
		'0', 'whose generation has succeeded once since a person started it last');
	is(sql($node, "SELECT count(*) FROM renders r WHERE status = 'completed' AND NOT EXISTS (SELECT FROM render_stages s
		WHERE s.render_id = r.id AND s.stage = 'memory_extraction' AND s.status IN ('success', 'failed'))"), '0', 'none of a completed one is missing');
	my $recorded = sql($node, "SELECT sum(COALESCE((output ->> 'tries')::integer, 1)) FROM render_stages WHERE stage = 'image_generation'");
	cmp_ok($drawn, '<=', $recorded, "$drawn pictures were drawn, $recorded times it was recorded before");
	my ($lost, $saved) = (0, 0);
	for my $line (map { lines_of("rememberer $_") } 1 .. 2)
	{
		my ($id, $key) = $line =~ /^(\S+) (.*)$/;
		$saved++;
		$lost++ if sql($node, "SELECT context_data -> 'pipelineMemory' ? '$key' FROM renders WHERE id = '$id'") ne 't';
	}
	is($lost, 0, "of $saved keys saved into memories none is lost");
	return;
}

# Compare storage with the table, after everything doomed was removed.
sub judge_storage
{
	my ($code, $out, $err) = driver('gc', '--json');
	is($code, 0, 'everything doomed can be removed') or diag("$out$err");
	($code, $out, $err) = driver('gc', '--verify', '--json');
	is($code, 0, 'storage is what the table says') or diag("$out$err");
	is(sql($node, "SELECT count(*) FROM stored_objects WHERE state <> 'live'"), '0', 'nothing else is left');
	return;
}

# All of it; prints its figures.
sub chaos
{
	my ($seconds, $seed, $storage) = @_;
	note("chaos for $seconds seconds, seed $seed, storage $storage");
	srand $seed;
	$directory = scratch();
	$stop_file = "$directory/stop";
	$node = new_server('chaos', conf => "renderchain.upload_grace = 0\nrenderchain.max_attempts = 10\n");
	s3_service() if $storage eq 's3';
	driver('credits', 'grant', '--user', $_, '--amount', '1000000') for @users;
	my %fault = map { 5 + int rand 2000 => (qw(503 429 reset cut 500 empty malformed))[ rand 7 ] } 1 .. 60;
	my $url = model_server('--canned', '--latency-ms', '60', map { ('--fault', "$_=$fault{$_}") } keys %fault);
	rage($seconds, $seed, $storage);
	s3_tell('forget', '') if $storage eq 's3';
	my $calm = model_server('--canned');
	calm_down($calm);
	# An empty answer has no picture, and is asked for again before what it was is recorded.
	my @answers = ((grep { ($fault{ $_->{n} } // '') ne 'empty' } calls_of($url)), calls_of($calm));
	judge(scalar grep { $_->{stage} eq 'image_generation' && ($_->{status} // 0) == 200 } @answers);
	judge_storage();
	$count{'requests spoiled by storage'} = grep { $_->{status} =~ /^(?:503|cut|late)$/ } @{ s3_ask('calls') } if $storage eq 's3';
	my $states = sql($node, q{SELECT string_agg(s, ', ' ORDER BY s) FROM (SELECT count(*) || ' ' || status AS s FROM renders GROUP BY status) x});
	my $attempts = sql($node, 'SELECT max(attempt) FROM render_jobs');
	note("renders: $states; up to $attempts attempts; " . join ', ', map { "$count{$_} $_" } sort keys %count);
	return;
}

1;
