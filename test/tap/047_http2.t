# HTTP/2 over TLS: connections are made once and kept, and a server that says goodbye (GOAWAY,
# refused streams) ends every call in its outcome, none of a picture in two requests that may both
# have been taken.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run qw(start kill_kill timeout);
use JSON::PP;
use RenderchainNode;
use RenderchainTest;
use Test::More;

plan skip_all => 'tools/node-modules has found no Node.js of version 20 or later' unless node_scripts();

my $node = new_server('http2');
my $upstream = model_server('--canned');
my ($key, $certificate) = map { scratch() . "/$_.pem" } qw(key certificate);
my $quiet = '';
IPC::Run::run([ qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext),
		'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', $key, '-out', $certificate ], '>&', \$quiet) or die $quiet;
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
delete @ENV{qw(RENDERCHAIN_PROVIDER RENDERCHAIN_PROVIDER_URL)};

my @servers;

# Start a server with rules: its URL, and what it has noted.
sub h2_server
{
	my (@rules) = @_;
	my ($in, $out, $err) = ('', '', '');
	my $log = scratch() . '/h2.' . @servers;
	my $run = start([ 'node', node_scripts() . '/h2_server.mjs', $key, $certificate, $upstream, $log, @rules ], '<', \$in, '>', \$out, '2>', \$err, timeout(300));
	wait_until(sub { $run->pump_nb; return $out =~ /^\d+\n/ || !$run->pumpable }, 'the server listens');
	$out =~ /^(\d+)\n/ or die "the server did not start: $err";
	push @servers, { run => $run, in => \$in };
	return ("https://127.0.0.1:$1", sub { -e $log ? map { JSON::PP->new->decode($_) } split /\n/, read_file($log) : () });
}
END { kill_kill($_->{run}) for @servers }

# Render: exit code, result, standard error.
sub render
{
	my ($at, @words) = @_;
	my ($code, $out, $err) = driver('render', '--prompt', 'a house', '--provider', 'local', '--provider-url', $at, '--json', @words);
	return ($code, result_of($out), $err);
}

# The outcome of the picture and how often it was sent, as words.
sub fate
{
	my ($result, $notes) = @_;
	my $id = $result->{data}{renderId};
	my $sent = grep { $_->{draws} } $notes->();
	return sql($node, "SELECT outcome FROM render_stages WHERE render_id = '$id' AND stage = 'image_generation' AND part = ''") . " $sent";
}

# Nobody vouches for the server until a file says so.
delete @ENV{qw(CURL_CA_BUNDLE SSL_CERT_FILE)};
my ($url, $notes) = h2_server();
my ($code, $result, $err) = render($url, '--quick');
is($code, 1, 'a certificate that nobody vouches for');
like($err, qr/certificate/, 'is not trusted');
is(fate($result, $notes), 'unreachable 0', 'nothing is sent');
{
	local $ENV{SSL_CERT_FILE} = $certificate;
	($code, $result, $err) = render($url, '--quick');
	is($code, 0, 'SSL_CERT_FILE says whom to trust') or diag($err);
}
$ENV{CURL_CA_BUNDLE} = $certificate;

# One handshake a driver: for calls that are made at once, in a row, and over many renders.
my @references = map { ('--reference', write_file("$_.png", png_bytes(64, 48, [ $_, 84, 40 ]))) } 1 .. 3;
($url, $notes) = h2_server();
($code, $result, $err) = render($url, '--quality', 'high', @references);
is($code, 0, 'a whole render') or diag($err);
my @noted = $notes->();
cmp_ok(scalar(grep { $_->{path} } @noted), '>=', 8, 'asks many times');
is(scalar(grep { $_->{handshake} } @noted), 1, 'over one connection');
($url, $notes) = h2_server();
submit('--prompt', "house $_", '--quality', 'high') for 1 .. 6;
is(end_of(start_worker('--drain', '--concurrency', '3', '--provider', 'local', '--provider-url', $url)), 0, 'a worker runs six renders');
@noted = $notes->();
cmp_ok(scalar(grep { $_->{path} } @noted), '>=', 30, 'which ask many times');
is(scalar(grep { $_->{handshake} } @noted), 1, 'over one connection');

# Goodbyes around the picture. Without its answer it is not sent again, also where the server says
# that it has not taken it, which libcurl does not tell us.
for my $case ([ 'after', 0, 'ok 1', 2 ], [ 'middle', 0, 'ok 1', 2 ], [ 'cut', 1, 'unknown 1' ], [ 'taken', 1, 'unknown 1' ],
	[ 'refused', 1, 'unknown 1' ], [ 'reset', 1, 'unknown 1' ])
{
	my ($what, $wanted, $fate, $handshakes) = @$case;
	($url, $notes) = h2_server("responseModalities=$what");
	($code, $result, $err) = render($url);
	is($code, $wanted, "$what: exit code") or diag($err);
	is(fate($result, $notes), $fate, "$what: outcome, and how often it was sent");
	is(scalar(grep { $_->{handshake} } $notes->()), $handshakes, "$what: connections") if $handshakes;
	like($err, qr/may have been billed/, "$what: said") if $wanted;
}

# The same of a call for text, which is asked again, and of a video, which is paid for.
for my $what (qw(cut taken refused reset))
{
	($url, $notes) = h2_server("User prompt=$what");
	($code, $result, $err) = render($url);
	is($code, 0, "$what: a text") or diag($err);
	is(scalar(my @twice = grep { $_->{rule} } $notes->()), 1, "$what: it happened");
	is(sql($node, "SELECT count(*) FROM render_stages WHERE render_id = '$result->{data}{renderId}' AND status = 'failed'"), '0', "$what: no stage fails");
}
for my $what (qw(taken refused))
{
	($url, $notes) = h2_server("video_config=$what");
	($code, my $out, $err) = driver('video', '--prompt', 'a house', '--duration', '4', '--provider', 'local', '--provider-url', $url, '--json');
	is($code, 1, "$what: a video");
	is(scalar(grep { ($_->{path} // '') =~ m{/interactions$} } $notes->()), 1, "$what: is started once");
}

done_testing();
