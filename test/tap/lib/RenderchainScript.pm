# Servers that fail by a script, for tests.
package RenderchainScript;

use strict;
use warnings;
use Exporter 'import';
use Fcntl qw(:flock);
use FindBin;
use IPC::Run qw(start kill_kill timeout);
use JSON::PP;
use RenderchainTest;

our @EXPORT = qw(scripted_server asked stop_scripts);

my @servers;
my $count = 0;

# Start one in front of another server's URL, with rules; gives its URL.
sub scripted_server
{
	my ($upstream, @rules) = @_;
	my ($port) = $upstream =~ /:(\d+)$/;
	my ($in, $out, $err) = ('', '', '');
	$count++;
	my $script = write_file("script.$count", JSON::PP->new->encode(\@rules));
	my $log = scratch() . "/log.$count";
	my $run = start([ 'perl', "$FindBin::Bin/lib/ScriptedServer.pm", $script, $log, $port ], '<', \$in, '>', \$out, '2>', \$err, timeout(600));
	wait_until(sub { $run->pump_nb; return $out =~ /^\d+\n/ || !$run->pumpable }, 'scripted server listens');
	$out =~ /^(\d+)\n/ or die "the scripted server did not start: $err";
	push @servers, { run => $run, in => \$in };
	my $url = "http://127.0.0.1:$1";
	$RenderchainScript::logs{$url} = $log;
	return $url;
}

our %logs;

# What a server was asked, as a list of requests; none that it is just writing down.
sub asked
{
	my ($url) = @_;
	open my $log, '<:raw', $logs{$url} or return ();
	flock $log, LOCK_SH or die "could not lock $logs{$url}: $!";
	return map { JSON::PP->new->latin1->decode($_) } <$log>;
}

sub stop_scripts
{
	kill_kill($_->{run}) for @servers;
	@servers = ();
	return;
}

END { stop_scripts() }

1;
