# Open connections to a server and hold them until standard input ends: crowd.pl PORT COUNT TEXT...
# Each sends one of the texts, in turn. Says how many there are when all are open.
use strict;
use warnings;
use Socket;

my ($port, $count, @texts) = @ARGV;
my @sockets;
for my $i (0 .. $count - 1)
{
	socket(my $socket, PF_INET, SOCK_STREAM, 0) or last;
	connect($socket, sockaddr_in($port, INADDR_LOOPBACK)) or last;
	my $text = $texts[$i % @texts] =~ s/\\r\\n/\r\n/gr;
	syswrite($socket, $text) if length $text;
	push @sockets, $socket;
}
$| = 1;
print scalar(@sockets), "\n";
my $end = <STDIN>;
