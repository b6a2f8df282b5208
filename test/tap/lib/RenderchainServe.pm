# renderchain serve for tests of what it serves.
package RenderchainServe;

use strict;
use warnings;
use Exporter 'import';
use IPC::Run qw(start finish kill_kill timeout);
use RenderchainTest;

our @EXPORT = qw(start_serve stop_serve make_token);

my @running;

# Make a token.
sub make_token
{
	my (@words) = @_;
	my ($code, $out, $err) = driver('token', 'create', '--json', @words);
	die "no token: $out$err" if $code;
	return result_of($out)->{secret};
}

# Start a server on a free port; its address is in {url}.
sub start_serve
{
	my (@words) = @_;
	my %serve = (out => '', err => '');
	$serve{run} = start([ 'renderchain', 'serve', '--json', '--listen', '127.0.0.1:0', @words ], '<', \undef, '>', \$serve{out}, '2>', \$serve{err}, timeout(900));
	wait_until(sub { $serve{run}->pump_nb if $serve{run}->pumpable; $serve{out} =~ /"listening"/ }, "serve listens: $serve{err}");
	push @running, \%serve;
	($serve{url}) = $serve{out} =~ m{(http://[^"]+)};
	return \%serve;
}

# Stop it; its exit code.
sub stop_serve
{
	my ($serve) = @_;
	$serve->{run}->signal('TERM');
	finish($serve->{run});
	@running = grep { $_ != $serve } @running;
	return $serve->{run}->result(0);
}

# What a test that died has left.
END { kill_kill($_->{run}) for @running }

1;
