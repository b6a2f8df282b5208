# A server that fails as a script says, and otherwise hands each request on to another server. The
# script is a file of JSON: a list of rules, of which the first that fits a request counts:
#   path, body  what both have to match (regular expressions); not: what the body must not match
#   times       how often the rule is used; without it always
#   status, headers, reply   the answer; headers and reply may hold %URL%, this server's address
#   file        instead of reply: what it holds
#   change      a file that is written into first: [path, offset, text], or removed: [path]
#   act         instead: cut (half the reply, then closed), drip (the reply a byte at a time), hang,
#               reset (closed without an answer), garbage (no HTTP)
# It prints its port and ends with its standard input. Requests are logged as JSON lines: path,
# headers, body, and the time (seconds).
package ScriptedServer;

use strict;
use warnings;
use Fcntl qw(:flock);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Time::HiRes qw(time sleep);

my ($script, $log, $upstream, $listener);

# Read one request: (head, body), or nothing at the end.
sub read_request
{
	my ($client) = @_;
	my $in = '';
	until ($in =~ /\r\n\r\n/) { sysread($client, $in, 65536, length $in) or return }
	my ($head, $body) = split /\r\n\r\n/, $in, 2;
	syswrite $client, "HTTP/1.1 100 Continue\r\n\r\n" if $head =~ /^Expect: *100/mi;
	my ($length) = $head =~ /^Content-Length: *(\d+)/mi;
	while (length $body < ($length // 0)) { sysread($client, $body, 65536, length $body) or return }
	return ($head, $body);
}

# The first rule that fits, counted under a lock.
sub rule_for
{
	my ($path, $body) = @_;
	open my $file, '+>>', "$log.used" or die $!;
	flock $file, LOCK_EX;
	seek $file, 0, 0;
	my %used;
	$used{$_}++ for map { chomp; $_ } <$file>;
	for my $number (0 .. $#$script)
	{
		my $rule = $script->[$number];
		next if defined $rule->{path} && $path !~ /$rule->{path}/;
		next if defined $rule->{body} && $body !~ /$rule->{body}/;
		next if defined $rule->{not} && $body =~ /$rule->{not}/;
		next if defined $rule->{times} && ($used{$number} // 0) >= $rule->{times};
		syswrite $file, "$number\n";
		return $rule;
	}
	return;
}

# Hand a request on, and the answer back.
sub forward
{
	my ($client, $head, $body) = @_;
	my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $upstream) or return;
	$head =~ s/^(Connection|Expect):.*?\r\n//gmi;
	print $server "$head\r\nConnection: close\r\n\r\n$body";
	$server->flush;
	while (sysread $server, my $answer, 65536) { print $client $answer }
	$client->flush;
	return;
}

# Do to a file what a rule says, while whoever asks waits for the answer.
sub change
{
	my ($path, $at, $text) = @_;
	if (!defined $at) { unlink $path or die "$path: $!"; return }
	open my $file, '+<:raw', $path or die "$path: $!";
	sysseek $file, $at, 0;
	syswrite $file, $text;
	close $file;
	return;
}

# Answer by a rule; true where the connection goes on.
sub act
{
	my ($client, $rule) = @_;
	my $own = 'http://127.0.0.1:' . $listener->sockport;
	my $act = $rule->{act} // '';
	if ($act eq 'hang') { sysread STDIN, my $ignored, 1; return 0 }
	return 0 if $act eq 'reset';
	if ($act eq 'garbage') { syswrite $client, "What?\r\n\r\n"; return 0 }
	my $reply = ref $rule->{reply} ? JSON::PP->new->encode($rule->{reply}) : $rule->{reply} // '';
	$reply =~ s/%URL%/$own/g;
	if (defined $rule->{file}) { open my $file, '<:raw', $rule->{file} or die $!; local $/ = undef; $reply = <$file> }
	my $answer = "HTTP/1.1 " . ($rule->{status} // 200) . " Answer\r\nContent-Length: " . length($reply) . "\r\n";
	for my $name (sort keys %{ $rule->{headers} // {} })
	{
		(my $value = $rule->{headers}{$name}) =~ s/%URL%/$own/g;
		$answer .= "$name: $value\r\n";
	}
	$answer .= "\r\n";
	if ($act eq 'cut') { syswrite $client, $answer . substr($reply, 0, length($reply) / 2); return 0 }
	if ($act eq 'drip')
	{
		syswrite $client, $answer;
		# No wait for anything: that bytes come slowly is what the driver is tested with.
		for my $at (0 .. length($reply) - 1) { syswrite $client, substr($reply, $at, 1); sleep 0.002 }
		return 1;
	}
	$answer .= $reply;
	while (length $answer) { substr($answer, 0, syswrite($client, $answer) // return 0) = '' }
	return 1;
}

# Serve one connection to its end.
sub serve
{
	my ($client) = @_;
	local $SIG{PIPE} = 'IGNORE';
	while (my ($head, $body) = read_request($client))
	{
		my ($method, $path) = $head =~ m{^(\S+) (\S+)};
		my %headers = map { /^([^:]+): *(.*)$/ ? (lc $1, $2) : () } split /\r\n/, $head;
		open my $file, '>>', $log or die $!;
		flock $file, LOCK_EX;
		syswrite $file, JSON::PP->new->latin1->canonical->encode({ method => $method, path => $path, headers => \%headers, body => $body, time => time }) . "\n";
		close $file;
		my $rule = rule_for($path, $body);
		change(@{ $rule->{change} }) if $rule && $rule->{change};
		if (!$rule || ($rule->{change} && !$rule->{status})) { forward($client, $head, $body); return }
		act($client, $rule) or return;
	}
	return;
}

sub run
{
	(my $script_file, $log, $upstream) = @_;
	open my $file, '<', $script_file or die "$script_file: $!";
	local $/ = undef;
	$script = JSON::PP->new->decode(scalar <$file>);
	$/ = "\n";
	$listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64, ReuseAddr => 1) or die "listen: $!";
	$| = 1;
	print $listener->sockport, "\n";
	$SIG{CHLD} = 'IGNORE';
	my $select = IO::Select->new($listener, \*STDIN);
	while (1)
	{
		for my $ready ($select->can_read)
		{
			if ($ready == \*STDIN) { return unless sysread(STDIN, my $ignored, 1024); next }
			my $client = $ready->accept or next;
			my $pid = fork // die "could not fork";
			if (!$pid) { serve($client); POSIX::_exit(0) }
			close $client;
		}
	}
}

unless (caller)
{
	require POSIX;
	run(@ARGV);
}

1;
