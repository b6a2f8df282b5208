# A web server for tests of fetching: what good and bad servers answer, by path. It prints its
# port and ends with its standard input. GET /-/served gives the paths that were asked for.
package WebServer;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

# What is answered: (status, headers, body). %s in a header is this server's address.
sub answer_to
{
	my ($self, $path) = @_;
	my $own = 'http://127.0.0.1:' . $self->{listener}->sockport;
	my $image = $self->{image};
	my ($what, $rest) = $path =~ m{^/([a-z]+)(.*)$} or return (404, {}, '');
	return (200, { 'Content-Type' => 'image/png' }, $image) if $what eq 'image';
	return (200, {}, $image . "\0" x ((3 << 20) - length $image)) if $what eq 'more';
	return (200, { 'Content-Type' => 'text/html' }, '<html>no image</html>') if $what eq 'page';
	return (200, {}, substr $image, 0, 40) if $what eq 'half';
	return (200, {}, '') if $what eq 'empty';
	return (200, {}, "\x89PNG\r\n\x1a\n" . ('x' x (21 << 20))) if $what eq 'large';
	return (302, { Location => $rest > 0 ? '/hop' . ($rest - 1) : '/image' }, '') if $what eq 'hop';
	return (307, { Location => "$own/image?secret=1" }, '') if $what eq 'absolute';
	return (302, { Location => 'file:///etc/passwd' }, '') if $what eq 'file';
	return (302, { Location => 'ftp://127.0.0.1/x' }, '') if $what eq 'ftp';
	return (302, { Location => "http://user:word\@127.0.0.1/" }, '') if $what eq 'user';
	return (302, {}, '') if $what eq 'nowhere';
	# Addresses that are good once they have been asked for anew.
	return (302, { Location => "/signed$rest" . ++$self->{failed}{"signed$rest"} }, '') if $what eq 'signing';
	return $rest =~ /^(\d{3})-(\d)(\d)$/ && $3 <= $2 ? ($1, {}, '') : (200, {}, $image) if $what eq 'signed';
	return (304, {}, '') if $what eq 'unchanged';
	return ($rest, {}, '') if $what eq 'status';
	return ($self->{failed}{$path}++ ? (200, {}, $image) : (503, {}, '')) if $what eq 'once';
	return (0) if $what eq 'cut';
	return (-1) if $what eq 'hang';
	return (404, {}, '');
}

sub new
{
	my ($class, $image) = @_;
	my $self = bless { image => $image, served => [], failed => {} }, $class;
	$self->{listener} = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64, ReuseAddr => 1)
	  or die "listen: $!";
	return $self;
}

sub run
{
	my ($self) = @_;
	my $select = IO::Select->new($self->{listener}, \*STDIN);
	local $SIG{PIPE} = 'IGNORE';
	my %in;
	while (1)
	{
		for my $ready ($select->can_read)
		{
			if ($ready == \*STDIN) { return unless sysread(STDIN, my $ignored, 1024); next }
			if ($ready == $self->{listener})
			{
				my $client = $ready->accept or next;
				$select->add($client);
				$in{$client} = '';
				next;
			}
			my $open = sysread($ready, $in{$ready}, 65536, length $in{$ready});
			while ($open && $in{$ready} =~ s{^GET (\S+) HTTP/1.1\r\n.*?\r\n\r\n}{}s)
			{
				$open = $self->answer($ready, $1);
			}
			next if $open;
			$select->remove($ready);
			delete $in{$ready};
			close $ready;
		}
	}
}

# Answer one request; false where the connection is to end.
sub answer
{
	my ($self, $client, $path) = @_;
	push @{ $self->{served} }, $path if $path ne '/-/served';
	my ($status, $headers, $body) = $path eq '/-/served' ? (200, {}, join "\n", @{ $self->{served} }) : $self->answer_to($path);
	return 0 if $status == 0;
	return 1 if $status < 0;
	my $out = "HTTP/1.1 $status Answer\r\nContent-Length: " . length($body) . "\r\n"
	  . join('', map { "$_: $headers->{$_}\r\n" } keys %$headers) . "\r\n$body";
	while (length $out)
	{
		my $wrote = syswrite $client, $out or return 0;
		substr($out, 0, $wrote) = '';
	}
	return 1;
}

unless (caller)
{
	local $/ = undef;
	open my $file, '<:raw', $ARGV[0] or die "$ARGV[0]: $!";
	my $server = WebServer->new(scalar <$file>);
	$| = 1;
	print $server->{listener}->sockport, "\n";
	$server->run;
}

1;
