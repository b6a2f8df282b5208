# A small S3 service for tests, in memory, that believes nothing: every request's signature,
# body hash, region, clock and header order are checked as the protocol's documents say
# (Signature Version 4 in headers), in both URL styles; failures can be ordered. Only modules
# that come with perl.
#
#   GET  /-/objects            what is stored, as JSON {"bucket/key": bytes}
#   GET  /-/uploads            how many uploads in parts are open
#   GET  /-/calls              what was asked, as JSON [{"method","path","status"}]
#   POST /-/fault              body "METHOD REGEX TIMES ACTION": what happens to matching requests:
#        503, 403:ExpiredToken   that status, with that error code, and Retry-After: 0
#        cut                     the connection is closed without an answer
#        late                    the request is done, then the connection is closed
#        hold                    the request waits until /-/release
#   POST /-/forget             no failure that was ordered happens any more
#   POST /-/release            do what was held, answered or not
#   POST /-/clock              body: seconds that the service's clock is ahead
package S3Server;

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex hmac_sha256 hmac_sha256_hex);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX qw(strftime);
use Time::Local qw(timegm);

my $empty_hash = sha256_hex('');
my %words = (
	AccessDenied => 'Access Denied',
	AuthorizationHeaderMalformed => 'The authorization header is malformed',
	EntityTooSmall => 'Your proposed upload is smaller than the minimum allowed size',
	ExpiredToken => 'The provided token has expired.',
	InternalError => 'We encountered an internal error. Please try again.',
	InvalidAccessKeyId => 'The AWS Access Key Id you provided does not exist in our records.',
	InvalidPart => 'One or more of the specified parts could not be found.',
	InvalidRequest => 'Missing required header for this request: x-amz-content-sha256',
	InvalidToken => 'The provided token is malformed or otherwise invalid.',
	MethodNotAllowed => 'The specified method is not allowed against this resource.',
	NoSuchBucket => 'The specified bucket does not exist',
	NoSuchKey => 'The specified key does not exist.',
	NoSuchUpload => 'The specified multipart upload does not exist.',
	RequestTimeTooSkewed => 'The difference between the request time and the current time is too large.',
	SignatureDoesNotMatch => 'The request signature we calculated does not match the signature you provided.',
	SlowDown => 'Please reduce your request rate.',
	XAmzContentSHA256Mismatch => "The provided 'x-amz-content-sha256' header does not match what was computed.",
);
my %status_of = (SlowDown => 503, InternalError => 500, NoSuchBucket => 404, NoSuchKey => 404, NoSuchUpload => 404,
	AuthorizationHeaderMalformed => 400, InvalidRequest => 400, XAmzContentSHA256Mismatch => 400, InvalidPart => 400,
	EntityTooSmall => 400, ExpiredToken => 400, InvalidToken => 400, MethodNotAllowed => 405);
my %code_of = (503 => 'SlowDown', 500 => 'InternalError', 403 => 'AccessDenied', 404 => 'NoSuchKey');

sub new
{
	my ($class, %options) = @_;
	my $self = bless {
		key => 'AKIATEST', secret => 'test/secret+key', token => undef, region => 'us-east-1', buckets => ['media'],
		clock => 0, objects => {}, uploads => {}, calls => [], faults => [], held => [], %options }, $class;
	$self->{listener} = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64, ReuseAddr => 1)
	  or die "listen: $!";
	return $self;
}

sub port { return $_[0]{listener}->sockport }

# Percent-encode everything that is not unreserved.
sub encode
{
	my ($text, $kept) = @_;
	$kept //= '';
	$text =~ s/([^A-Za-z0-9\-._~$kept])/sprintf '%%%02X', ord $1/ge;
	return $text;
}

sub decode
{
	my ($text) = @_;
	$text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	return $text;
}

# Answer until standard input ends.
sub run
{
	my ($self) = @_;
	my $select = IO::Select->new($self->{listener}, \*STDIN);
	local $SIG{PIPE} = 'IGNORE';
	while (1)
	{
		for my $ready ($select->can_read)
		{
			if ($ready == \*STDIN)
			{
				return unless sysread(STDIN, my $ignored, 1024);
			}
			elsif ($ready == $self->{listener})
			{
				my $client = $ready->accept or next;
				$self->{in}{ fileno $client } = '';
				$select->add($client);
			}
			elsif (!$self->read_some($ready))
			{
				$select->remove($ready);
				delete $self->{in}{ fileno $ready };
				close $ready;
			}
		}
	}
}

# Read what a client sent, and answer whole requests; false where the connection ends.
sub read_some
{
	my ($self, $client) = @_;
	my $in = \$self->{in}{ fileno $client };
	return 0 unless sysread($client, $$in, 1 << 20, length $$in);
	while ((my $end = index $$in, "\r\n\r\n") >= 0)
	{
		my ($line, @lines) = split /\r\n/, substr($$in, 0, $end);
		my ($method, $target) = split / /, $line;
		my %headers;
		for (@lines)
		{
			my ($name, $value) = /^([^:]+):\s*(.*?)\s*$/ or next;
			$headers{ lc $name } = defined $headers{ lc $name } ? "$headers{lc $name},$value" : $value;
		}
		my $length = $headers{'content-length'} // 0;
		if (length $$in < $end + 4 + $length)
		{
			if (($headers{expect} // '') =~ /100-continue/i && !$self->{continued}{ fileno $client }++)
			{
				syswrite $client, "HTTP/1.1 100 Continue\r\n\r\n";
			}
			return 1;
		}
		delete $self->{continued}{ fileno $client };
		my $request = { method => $method, target => $target, headers => \%headers, body => substr($$in, $end + 4, $length) };
		substr($$in, 0, $end + 4 + $length) = '';
		return 0 unless $self->handle($client, $request);
	}
	return 1;
}

# Write an answer; false where the client is gone.
sub answer
{
	my ($self, $client, $request, $status, $headers, $body) = @_;
	push @{ $self->{calls} }, { method => $request->{method}, path => $request->{target}, status => $status };
	my %all = ('Content-Length' => length $body, 'Date' => strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + $self->{clock})), %$headers);
	my $out = "HTTP/1.1 $status Answer\r\n" . join('', map { "$_: $all{$_}\r\n" } sort keys %all) . "\r\n";
	$out .= $body unless $request->{method} eq 'HEAD' || $status == 204;
	while (length $out)
	{
		my $wrote = syswrite $client, $out or return 0;
		substr($out, 0, $wrote) = '';
	}
	return 1;
}

# Handle one request: control, a fault, or the service itself. False where the connection is to end.
sub handle
{
	my ($self, $client, $request) = @_;
	return $self->control($client, $request) if $request->{target} =~ m{^/-/};
	for my $fault (@{ $self->{faults} })
	{
		next if $fault->{times} <= 0 || $request->{method} ne $fault->{method} || $request->{target} !~ $fault->{regex};
		$fault->{times}--;
		my $action = $fault->{action};
		push @{ $self->{calls} }, { method => $request->{method}, path => $request->{target}, status => $action }
		  if $action =~ /^[a-z]/;
		return 0 if $action eq 'cut';
		if ($action eq 'late') { $self->serve($request); return 0 }
		if ($action eq 'hold') { push @{ $self->{held} }, [ $client, $request ]; return 1 }
		my ($status, $code) = split /:/, $action;
		return $self->answer($client, $request, $status, { 'Content-Type' => 'application/xml', 'Retry-After' => 0 },
			$self->error_body($code // $code_of{$status} // 'InternalError'));
	}
	return $self->answer($client, $request, $self->serve($request));
}

# What a test orders or asks.
sub control
{
	my ($self, $client, $request) = @_;
	my ($what) = $request->{target} =~ m{^/-/(\w+)};
	my $body = 'ok';
	if ($what eq 'objects') { $body = encode_json({ map { $_ => length $self->{objects}{$_}{body} } keys %{ $self->{objects} } }) }
	elsif ($what eq 'uploads') { $body = scalar keys %{ $self->{uploads} } }
	elsif ($what eq 'calls') { $body = encode_json($self->{calls}) }
	elsif ($what eq 'clock') { $self->{clock} = $request->{body} }
	elsif ($what eq 'put') { my ($id, $bytes) = split /\n/, $request->{body}, 2; $self->{objects}{$id} = { body => $bytes } }
	elsif ($what eq 'delete') { delete $self->{objects}{ $request->{body} } }
	elsif ($what eq 'fault')
	{
		my ($method, $regex, $times, $action) = split ' ', $request->{body};
		push @{ $self->{faults} }, { method => $method, regex => qr/$regex/, times => $times, action => $action };
	}
	elsif ($what eq 'forget') { $self->{faults} = [] }
	elsif ($what eq 'release')
	{
		my @held = @{ $self->{held} };
		$self->{held} = [];
		for (@held)
		{
			my @reply = $self->serve($_->[1]);
			$self->answer($_->[0], $_->[1], @reply) if $_->[0]->opened;
		}
	}
	my $calls = $self->{calls};
	$self->{calls} = [];
	my $kept = $self->answer($client, $request, 200, {}, $body);
	$self->{calls} = $calls;
	return $kept;
}

# The document that tells of an error.
sub error_body
{
	my ($self, $code) = @_;
	my $more = $code eq 'AuthorizationHeaderMalformed' ? "<Region>$self->{region}</Region>" : '';
	return qq{<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>$code</Code><Message>}
	  . ($words{$code} // $code) . "</Message>$more<RequestId>1</RequestId></Error>";
}

# (status, headers, body) of an error.
sub refuse
{
	my ($self, $code) = @_;
	return ($status_of{$code} // 403, { 'Content-Type' => 'application/xml' }, $self->error_body($code));
}

# Check a request; gives the code of what is wrong with it, or nothing.
sub misfit
{
	my ($self, $request) = @_;
	my %h = %{ $request->{headers} };
	my ($key, $date, $region, $service, $signed, $signature) = ($h{authorization} // '') =~
	  m{^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$}
	  or return 'AccessDenied';
	return 'InvalidAccessKeyId' if $key ne $self->{key};
	my $hash = $h{'x-amz-content-sha256'} or return 'InvalidRequest';
	my @signed = split /;/, $signed;
	return 'SignatureDoesNotMatch' if $signed ne join ';', sort @signed;
	my %is_signed = map { $_ => 1 } @signed;
	return 'SignatureDoesNotMatch' unless $is_signed{host} && defined $h{'x-amz-date'};
	return 'AccessDenied' if grep { /^x-amz-/ && !$is_signed{$_} } keys %h;
	return 'SignatureDoesNotMatch' if grep { !defined $h{$_} } @signed;
	return 'InvalidToken' if ($h{'x-amz-security-token'} // '') ne ($self->{token} // '');
	my ($path, $query) = split /\?/, $request->{target}, 2;
	my $canonical_path = join '/', map { encode(decode($_)) } split /\//, $path, -1;
	my $canonical_query = join '&', sort map { my ($n, $v) = split /=/, $_, 2; encode(decode($n)) . '=' . encode(decode($v // '')) }
	  split /&/, $query // '';
	my $canonical = join "\n", $request->{method}, $canonical_path, $canonical_query,
	  (map { my $value = $h{$_}; $value =~ s/ +/ /g; "$_:$value" } @signed), '', $signed, $hash;
	my $scope = "$date/$region/$service/aws4_request";
	my $to_sign = join "\n", 'AWS4-HMAC-SHA256', $h{'x-amz-date'}, $scope, sha256_hex($canonical);
	my $derived = hmac_sha256($date, "AWS4$self->{secret}");
	$derived = hmac_sha256($_, $derived) for $region, $service, 'aws4_request';
	return 'SignatureDoesNotMatch' if hmac_sha256_hex($to_sign, $derived) ne $signature;
	return 'AuthorizationHeaderMalformed' if $region ne $self->{region} || $service ne 's3';
	my ($y, $m, $d, $H, $M, $S) = $h{'x-amz-date'} =~ /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/ or return 'AccessDenied';
	return 'SignatureDoesNotMatch' if "$y$m$d" ne $date;
	return 'RequestTimeTooSkewed' if abs(timegm($S, $M, $H, $d, $m - 1, $y) - (time + $self->{clock})) > 900;
	return 'XAmzContentSHA256Mismatch' if $hash ne sha256_hex($request->{body});
	return;
}

# Which bucket and key a request is about, by both styles.
sub names_of
{
	my ($self, $request, $path) = @_;
	if ($request->{headers}{host} =~ /^([^.:]+)\.s3\./)
	{
		return ($1, decode(substr $path, 1));
	}
	my ($bucket, $key) = $path =~ m{^/([^/]*)/?(.*)$}s;
	return (decode($bucket), decode($key));
}

# Do what a request asks: (status, headers, body).
sub serve
{
	my ($self, $request) = @_;
	my $code = $self->misfit($request);
	return $self->refuse($code) if $code;
	my ($path, $query) = split /\?/, $request->{target}, 2;
	my %q = map { my ($n, $v) = split /=/, $_, 2; (decode($n) => decode($v // '')) } split /&/, $query // '';
	my ($bucket, $key) = $self->names_of($request, $path);
	return $self->refuse('NoSuchBucket') unless grep { $_ eq $bucket } @{ $self->{buckets} };
	my $method = $request->{method};
	return $self->list($bucket, \%q) if $key eq '' && $method eq 'GET';
	return $self->refuse('MethodNotAllowed') if $key eq '';
	return $self->parts("$bucket/$key", $request, \%q) if exists $q{uploads} || exists $q{uploadId};
	return $self->object("$bucket/$key", $request);
}

# Requests about one object.
sub object
{
	my ($self, $id, $request) = @_;
	my $method = $request->{method};
	if ($method eq 'PUT')
	{
		my $tag = '"' . md5_hex($request->{body}) . '"';
		$self->{objects}{$id} = { body => $request->{body}, type => $request->{headers}{'content-type'}, tag => $tag };
		return (200, { ETag => $tag }, '');
	}
	if ($method eq 'DELETE')
	{
		delete $self->{objects}{$id};
		return (204, {}, '');
	}
	my $object = $self->{objects}{$id} or return $self->refuse('NoSuchKey');
	return (200, { 'Content-Type' => $object->{type} // 'binary/octet-stream', ETag => $object->{tag} // '""',
		'Content-Length' => length $object->{body} }, $object->{body});
}

# Requests about an upload in parts.
sub parts
{
	my ($self, $id, $request, $q) = @_;
	my $method = $request->{method};
	if ($method eq 'POST' && exists $q->{uploads})
	{
		my $upload = 'upload/' . ++$self->{upload_count} . '=';
		$self->{uploads}{$upload} = { id => $id, type => $request->{headers}{'content-type'}, parts => {} };
		return (200, {}, "<InitiateMultipartUploadResult><UploadId>$upload</UploadId></InitiateMultipartUploadResult>");
	}
	my $upload = $self->{uploads}{ $q->{uploadId} };
	return $self->refuse('NoSuchUpload') unless $upload && $upload->{id} eq $id;
	if ($method eq 'PUT')
	{
		my $tag = '"' . md5_hex($request->{body}) . '"';
		$upload->{parts}{ $q->{partNumber} } = { body => $request->{body}, tag => $tag };
		return (200, { ETag => $tag }, '');
	}
	if ($method eq 'DELETE')
	{
		delete $self->{uploads}{ $q->{uploadId} };
		return (204, {}, '');
	}
	my ($body, $last) = ('', 0);
	my @named = $request->{body} =~ m{<Part><PartNumber>(\d+)</PartNumber><ETag>([^<]+)</ETag></Part>}g;
	my $count = @named / 2;
	for my $place (1 .. $count)
	{
		my ($number, $tag) = splice @named, 0, 2;
		my $part = $upload->{parts}{$number};
		return $self->refuse('InvalidPart') unless $part && $part->{tag} eq $tag && $number > $last;
		return $self->refuse('EntityTooSmall') if $place < $count && length $part->{body} < 5 << 20;
		$body .= $part->{body};
		$last = $number;
	}
	return $self->refuse('InvalidPart') unless $count;
	$self->{objects}{$id} = { body => $body, type => $upload->{type}, tag => '"' . md5_hex($body) . "-$count\"" };
	delete $self->{uploads}{ $q->{uploadId} };
	return (200, {}, "<CompleteMultipartUploadResult><Key>x</Key></CompleteMultipartUploadResult>");
}

# List a page of a bucket.
sub list
{
	my ($self, $bucket, $q) = @_;
	my ($prefix, $after, $most) = ($q->{prefix} // '', $q->{'start-after'} // '', $q->{'max-keys'} // 1000);
	my @keys = sort grep { index($_, $prefix) == 0 && $_ gt $after }
	  map { m{^\Q$bucket\E/(.*)$}s ? $1 : () } keys %{ $self->{objects} };
	my $more = @keys > $most ? 'true' : 'false';
	splice @keys, $most if @keys > $most;
	my $body = "<ListBucketResult><IsTruncated>$more</IsTruncated><EncodingType>url</EncodingType>";
	$body .= '<Contents><Key>' . (encode($_, '/') =~ s/%20/+/gr) . '</Key><Size>' . length($self->{objects}{"$bucket/$_"}{body})
	  . '</Size></Contents>' for @keys;
	return (200, { 'Content-Type' => 'application/xml' }, "$body</ListBucketResult>");
}

# As a program: print the port, answer until standard input ends.
unless (caller)
{
	my %options;
	while (@ARGV)
	{
		my ($name, $value) = splice @ARGV, 0, 2;
		$options{ substr $name, 2 } = $value;
	}
	$options{buckets} = [ split /,/, delete $options{buckets} ] if $options{buckets};
	my $server = S3Server->new(%options);
	$| = 1;
	print $server->port, "\n";
	$server->run;
}

1;
