#!/usr/bin/env perl
# What a durable render costs a worker and its database: 7 model calls, of which 5 carry a
# picture of 50 kB, answered from canned results (bench/model_mock.c). Two kinds of rows:
#   no latency   how many renders a second go through at 1, 16, 64 and 256 in flight, the CPU of
#                driver and database, statements and WAL a render, and how much of that are images
#                of pages: the renders are submitted before a checkpoint and run after it, so that
#                each page is logged as a whole once more
#   latency      how much longer than the critical path the whole takes with many in flight, the
#                driver's memory, and how busy it is
# Each render has a chain of its own, since those of one chain follow each other.
# Arguments: rows as IN_FLIGHT:LATENCY_MS:RENDERS.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IPC::Run qw(start run pump finish);
use POSIX qw(WNOHANG);
use Time::HiRes qw(time sleep);

my @rows = @ARGV ? @ARGV : qw(1:0:200 16:0:1200 64:0:2000 256:0:2000 1:100:30 1000:1000:1000);
my $steps = 4;
my $build = dirname(__FILE__) . '/../build/bench';
my $directory = tempdir(CLEANUP => 1);
chmod 0755, $directory;
my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());
$ENV{RENDERCHAIN_STORAGE} = "file:$directory/objects";
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';

# Run SQL and give what it prints.
sub sql
{
	my ($query) = @_;
	run([ 'psql', '-qXAt', '-v', 'ON_ERROR_STOP=1', '-c', $query ], '>', \my $out) or die "psql failed\n";
	chomp $out;
	return $out;
}

# Make a picture of about 50 kB, and copies that differ, so that no analysis is known before; and a
# table of their hashes, which a driver that submits says as well.
sub make_pictures
{
	my ($count) = @_;
	return if -e "$directory/$count.png";
	if (!-e "$directory/first.png")
	{
		my ($in, $port) = ('', '');
		my $server = start([ 'renderchain-localmodel', '--port', '0', '--exit-on-eof', '--canned' ], '<', \$in, '>', \$port);
		pump $server until $port =~ /\n/;
		chomp $port;
		run([ 'renderchain', 'render', '--prompt', 'a house', '--quick', '--output', "$directory/first.png", '--provider', 'local',
				'--provider-url', "http://127.0.0.1:$port" ], '>', \my $ignored) or die "no picture\n";
		$server->kill_kill;
	}
	open my $file, '<:raw', "$directory/first.png" or die "no picture\n";
	my $bytes = do { local $/; <$file> };
	$bytes .= 'x' x (50_000 - length $bytes) if length $bytes < 50_000;
	$bytes = substr $bytes, 0, 50_000 if length $bytes > 60_000;
	for my $number (1 .. $count)
	{
		open my $copy, '>:raw', "$directory/$number.png" or die "could not write\n";
		print $copy $bytes, $number;
		close $copy;
	}
	sql('DROP TABLE IF EXISTS pictures');
	sql(qq{CREATE TABLE pictures AS SELECT n, encode(sha256(pg_read_binary_file('$directory/' || n || '.png')), 'hex') AS sha256
		FROM generate_series(1, $count) n});
	return;
}

# CPU seconds of a process, with that of the children it has collected.
sub cpu_of
{
	my ($pid) = @_;
	open my $stat, '<', "/proc/$pid/stat" or return 0;
	my @fields = split ' ', (<$stat> =~ s/^.*\) //r);
	return ($fields[11] + $fields[12] + $fields[13] + $fields[14]) / $ticks;
}

# CPU seconds of the whole server.
sub server_cpu
{
	my ($postmaster) = @_;
	my $sum = cpu_of($postmaster);
	for my $pid (map { m{/proc/(\d+)/} } glob '/proc/[0-9]*/stat')
	{
		open my $stat, '<', "/proc/$pid/stat" or next;
		my @fields = split ' ', (<$stat> =~ s/^.*\) //r);
		$sum += cpu_of($pid) if $fields[1] == $postmaster;
	}
	return $sum;
}

# How many bytes between two places in the WAL are images of pages.
sub images
{
	my ($from, $to) = @_;
	sql('SELECT pg_switch_wal()'); # so that all of it has been written
	run([ 'pg_waldump', '--stats', '-p', sql('SHOW data_directory') . '/pg_wal', '-s', $from, '-e', $to ], '>', \my $out) or die "pg_waldump failed\n";
	my ($bytes) = $out =~ /^Total +\d+ +\d+ \[\S+\] +(\d+) \[/m or die "pg_waldump said something else\n";
	return $bytes;
}

# Run a worker until the queue is empty: wall and CPU seconds, peak memory in MB.
sub drain
{
	my ($in_flight, $url, @more) = @_;
	my (undef, undef, $user, $system) = times;
	my ($begin, $peak) = (time, 0);
	my $pid = fork // die "could not fork\n";
	if ($pid == 0)
	{
		open STDOUT, '>', "$directory/out" or die;
		exec 'renderchain', 'worker', '--drain', '--concurrency', $in_flight, '--provider', 'local', '--provider-url', $url, @more;
	}
	while (waitpid($pid, WNOHANG) == 0)
	{
		if (open my $status, '<', "/proc/$pid/status")
		{
			my ($kilobytes) = do { local $/; <$status> =~ /VmHWM:\s+(\d+)/ };
			$peak = $kilobytes if $kilobytes && $kilobytes > $peak;
		}
		sleep 0.02;
	}
	my $wall = time - $begin;
	die "the worker failed\n" if $?;
	my (undef, undef, $user_after, $system_after) = times;
	return ($wall, $user_after + $system_after - $user - $system, $peak / 1024);
}

run([ 'renderchain', 'init' ], '>', \my $ignored) or die "init failed\n";
my ($postmaster) = split /\n/, sql(q{SELECT pg_read_file('postmaster.pid')});
printf "%9s %8s %8s %10s %12s %12s %10s %10s %10s %9s\n", 'in flight', 'ms/call', 'renders', 'renders/s', 'driver ms', 'server ms',
  'statements', 'WAL kB', 'images kB', 'MB';
for my $row (@rows)
{
	my ($in_flight, $latency, $count) = split /:/, $row;
	make_pictures(2 * $count);
	my ($in, $port, $said) = ('', '', '');
	my $model = start([ "$build/model_mock", $latency, "$directory/1.png" ], '<', \$in, '>', \$port, '2>', \$said);
	pump $model until $port =~ /\n/;
	chomp $port;
	sql(qq{SELECT count(*) FROM generate_series(1, $count) i JOIN pictures a ON a.n = i JOIN pictures b ON b.n = $count + i, renderchain.submit_render(jsonb_build_object(
		'prompt', 'modern concrete house with oak door, number ' || i, 'quality', 'high', 'chainName', 'chain ' || i,
		'provider', 'local', 'userId', '00000000-0000-0000-0000-0000000000' || lpad((i % 50)::text, 2, '0'),
		'references', jsonb_build_array(jsonb_build_object('path', '$directory/' || a.n || '.png', 'sha256', a.sha256),
			jsonb_build_object('path', '$directory/' || b.n || '.png', 'sha256', b.sha256))))});
	sql('DELETE FROM analysis_cache');
	sql('CHECKPOINT');
	my ($wal, $server) = (sql('SELECT pg_current_wal_insert_lsn()'), server_cpu($postmaster));
	my ($wall, $driver, $memory) = drain($in_flight, "http://127.0.0.1:$port", $ENV{TRACE} ? ('--trace', "$directory/trace") : ());
	my $end = sql('SELECT pg_current_wal_insert_lsn()');
	$server = server_cpu($postmaster) - $server;
	my $bytes = sql("SELECT pg_wal_lsn_diff('$end', '$wal')");
	my $done = sql(q{SELECT count(*) FROM renders WHERE status = 'completed'});
	my $left = sql(q{SELECT count(*) FROM renders WHERE status <> 'completed'});
	die "$left renders did not complete:\n", sql(q{SELECT count(*), min(error_message) FROM renders WHERE status <> 'completed' GROUP BY left(error_message, 50)}), "\n" if $left;
	$model->kill_kill;
	my $statements = $ENV{TRACE} ? sprintf('%.1f', `grep -c db_send $directory/trace` / $count) : '-';
	printf "%9d %8d %8d %10.0f %12.2f %12.2f %10s %10.1f %10.1f %9.0f\n", $in_flight, $latency, $count, $count / $wall, $driver / $count * 1e3,
	  $server / $count * 1e3, $statements, $bytes / $count / 1024, images($wal, $end) / $count / 1024, $memory;
	if ($latency)
	{
		my $ideal = $latency * $steps;
		my $median = sql('SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - started_at)) * 1000 FROM renders');
		my $rounds = POSIX::ceil($count / $in_flight);
		printf "%9s all in %.2f s, %.3f of the critical path; a render in %.1f ms (median), %.3f; the driver used %.0f %% of a core\n", '',
		  $wall, $wall * 1e3 / $ideal / $rounds, $median, $median / $ideal, $driver / $wall * 100;
	}
	sql('DELETE FROM renders');
}
