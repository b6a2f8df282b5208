#!/usr/bin/env perl
# What looking on costs. Rows of viewers:
#   event       from just before a stage is recorded until it has reached a viewer: median over all
#               viewers and 50 events, and the last viewer's median
#   memory      of the server, beyond what it took without viewers
#   connections of the server to the database
# and how long renderchain report takes for a chain of 100 renders with pictures.
# Arguments: rows as VIEWERS:RENDERS, the viewers being spread over so many renders.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IPC::Run qw(start run pump);
use Time::HiRes qw(time);

my @rows = @ARGV ? @ARGV : qw(1:1 500:1 500:500);
my $events = 50;
my $user = '11111111-2222-3333-4444-555555555555';
my $directory = tempdir(CLEANUP => 1);
chmod 0755, $directory;
$ENV{RENDERCHAIN_STORAGE} = "file:$directory/objects";
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';

# The middle of some numbers.
sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[ $#sorted / 2 ];
}

# A session that stays open: a statement goes in, and its output comes back.
my ($session_in, $session_out) = ('', '');
my $session = start([ 'psql', '-qXAt', '-v', 'ON_ERROR_STOP=1' ], '<', \$session_in, '>', \$session_out);
sub sql
{
	my ($query) = @_;
	$session_out = '';
	$session_in .= "$query;\n\\echo done\n";
	pump $session until $session_out =~ s/^done\n\z//m;
	chomp $session_out;
	return $session_out;
}

# Run the driver; what it says.
sub driver
{
	my (@words) = @_;
	my ($out, $err) = ("", "");
	run([ "renderchain", @words ], "<", \undef, ">", \$out, "2>", \$err) or die "renderchain @words: $out$err\n";
	return $out;
}

# Start a program and wait for what it says first.
my @programs;
sub program
{
	my ($first, @words) = @_;
	my ($in, $out) = ('', '');
	my $run = start(\@words, '<', \$in, '>', \$out);
	pump $run until $out =~ $first;
	push @programs, [ $run, \$in ];
	return ($run, $1);
}
END { $_->[0]->kill_kill for @programs }

# The memory of a process in MB.
sub memory
{
	my ($pid) = @_;
	open my $status, '<', "/proc/$pid/status" or die $!;
	my ($kilobytes) = map { /^VmRSS:\s+(\d+)/ ? $1 : () } <$status>;
	return $kilobytes / 1024;
}

# Have some renders run.
sub renders
{
	my ($count) = @_;
	sql("SELECT renderchain.submit_render('{\"prompt\": \"x\", \"userId\": \"$user\"}') FROM generate_series(1, $count)");
	return split /\n/, sql("SELECT render_id FROM renderchain.claim_renders('bench', $count, '1 hour')");
}

# Open a stream; it is there when its first event is.
sub viewer
{
	my ($port, $token, $render) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die "no viewer: $!";
	syswrite $socket, "GET /api/renders/$render/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $token\r\n\r\n";
	my $text = '';
	while ($text !~ /"status":"processing"/)
	{
		sysread($socket, $text, 65536, length $text) or die "no stream: $text";
	}
	return $socket;
}

# One event: when it reached each viewer of a render.
sub event
{
	my ($render, $sockets) = @_;
	my $select = IO::Select->new(@$sockets);
	my (%text, @took);
	my $began = time();
	sql("SELECT renderchain.record_stages('$render', 1, '[{\"stage\": \"image_generation\", \"status\": \"running\"}]')");
	while ($select->count)
	{
		for my $socket ($select->can_read(60))
		{
			sysread($socket, $text{$socket}, 65536, length($text{$socket} // '')) or die 'a stream has ended';
			next unless $text{$socket} =~ /event: stage\n.*\n\n/;
			push @took, time() - $began;
			$select->remove($socket);
		}
	}
	return @took;
}

# A row of viewers.
sub row
{
	my ($viewers, $count) = @_;
	my $token = (driver('token', 'create', '--user', $user, '--json') =~ /"secret":"([^"]+)"/)[0];
	my ($serve, $port) = program(qr/http:\/\/127\.0\.0\.1:(\d+)/, 'renderchain', 'serve', '--listen', '127.0.0.1:0', '--rate=0');
	my $pid = $serve->{KIDS}[0]{PID};
	my @renders = renders($count);
	close viewer($port, $token, $renders[0]);
	my $before = memory($pid);
	my %sockets;
	push @{ $sockets{ $renders[ $_ % $count ] } }, viewer($port, $token, $renders[ $_ % $count ]) for 0 .. $viewers - 1;
	my (@all, @last);
	for my $number (1 .. $events)
	{
		my $render = $renders[ $number % $count ];
		my @took = event($render, $sockets{$render});
		push @all, @took;
		push @last, (sort { $b <=> $a } @took)[0];
	}
	my $connections = sql(q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()));
	printf "%7d viewers of %3d renders: event after %5.1f ms, last viewer %5.1f ms; %5.1f MB more than %.1f; %d connections\n", $viewers, $count,
	  median(@all) * 1e3, median(@last) * 1e3, memory($pid) - $before, $before, $connections;
	$serve->signal('TERM');
	$serve->finish;
	sql("SELECT renderchain.cancel_render(id) FROM renders WHERE status = 'processing'");
	return;
}

# A chain of 100 renders with their pictures, and a report of it.
sub report
{
	my ($server, $port) = program(qr/^(\d+)\n/, 'renderchain-localmodel', '--port', '0', '--exit-on-eof', '--canned');
	my @model = ('--provider', 'local', '--provider-url', "http://127.0.0.1:$port");
	driver('submit', '--json', '--prompt', 'a house', '--chain', 'hundred', '--user', $user, @model) for 1 .. 100;
	driver('worker', '--json', '--drain', '--concurrency', '8', @model);
	my $completed = sql("SELECT count(*) FROM renders r JOIN render_chains c ON c.id = r.chain_id WHERE c.name = 'hundred' AND r.status = 'completed'");
	my @took;
	for (1 .. 7)
	{
		my $began = time();
		driver('report', 'hundred', '-o', "$directory/report.html");
		push @took, time() - $began;
	}
	printf "report of a chain of %d renders: %.0f ms, %.1f MB\n", $completed, median(@took) * 1e3, (-s "$directory/report.html") / 1e6;
	return;
}

sql('CREATE EXTENSION renderchain');
sql('SELECT renderchain.create_tables()');
print "median of all viewers, of $events events each:\n";
row(split /:/) for @rows;
report();
