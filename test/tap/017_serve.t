# The HTTP side: who may ask what, what is answered, events as they happen, pictures in parts. What
# is somebody else's does not exist.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainServe;
use RenderchainTest;
use IO::Select;
use IO::Socket::INET;
use IPC::Run qw(start finish timeout kill_kill);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

# A server that closes while we write is to be told from an answer, and not to end this test.
$SIG{PIPE} = 'IGNORE';
my $node = new_server('serve');
my ($code, $out, $err);
my ($alice, $bob) = ('11111111-2222-3333-4444-55555555555a', '11111111-2222-3333-4444-55555555555b');

%token = (alice => token('--user', $alice), bob => token('--user', $bob), reader => token('--user', $alice, '--level', 'read'),
	admin => token('--user', $bob, '--level', 'admin', '--name', 'operator'));
like($token{alice}, qr/^rct_[0-9a-f]{64}$/, 'a token is random');
is(sql($node, "SELECT count(*) FROM api_tokens t WHERE t::text LIKE '%' || substr('$token{alice}', 5, 20) || '%'"), '0', 'and not in the database');

$serve = serve();

# Letting in.
is(status_of('', 'GET', '/healthz'), 200, 'health needs no token');
my @answer = ask('', 'GET', '/api/chains');
is($answer[0], 401, 'all else does');
like($answer[2], qr/^WWW-Authenticate: Bearer\r?$/m, 'and says so');
like($answer[2], qr{^Content-Type: application/problem\+json\r?$}m, 'errors are problems');
is(json_of(@answer)->{status}, 401, 'with their status');
is(status_of('rct_' . '0' x 64, 'GET', '/api/chains'), 401, 'an unknown token is none');
is(status_of('x' x 4000, 'GET', '/api/chains'), 401, 'nor is a long one');
is(status_of('', 'GET', "/api/chains?token=$token{alice}"), 400, 'a token in a URL is refused');
is(status_of('alice', 'GET', '/api/chains'), 200, 'a valid one is let in');
is(status_of('reader', 'GET', '/metrics'), 403, 'figures are for admins');
like((ask('admin', 'GET', '/metrics'))[1], qr/^renderchain_up 1$/m, 'who get them');
is((send_json('reader', 'POST', '/api/renders', { prompt => 'x' }))[0], 403, 'reading is not writing');

# Paths and methods.
is(status_of('alice', 'GET', '/nowhere'), 404, 'what is not there');
is(status_of('alice', 'GET', '/api/renders/x'), 404, 'what is no id');
is(status_of('alice', 'GET', '/api/renders/x/../../healthz'), 404, 'paths are not walked');
@answer = ask('alice', 'DELETE', '/api/chains');
is($answer[0], 405, 'a method that is not there');
like($answer[2], qr/^Allow: GET\r?$/m, 'says which are');
unlike($answer[2], qr/Access-Control/i, 'other origins may not ask');

# The page for people, which needs no token as there is nothing of anybody in it.
for my $case ([ '/', 'text/html; charset=utf-8' ], [ '/renderchain.js', 'text/javascript; charset=utf-8' ], [ '/page/page.css', 'text/css; charset=utf-8' ], [ '/page/icon.svg', 'image/svg+xml' ])
{
	my ($path, $type) = @$case;
	@answer = ask('', 'GET', $path);
	is($answer[0], 200, "$path is given out");
	like($answer[2], qr/^\Q$_\E\r?$/m, "... with $_") for "Content-Type: $type", 'Cache-Control: no-cache', 'Referrer-Policy: no-referrer', 'X-Content-Type-Options: nosniff';
	like($answer[2], qr/^Content-Security-Policy: default-src 'none'; script-src 'self';/m, '... and may do little');
	my ($etag) = $answer[2] =~ /^ETag: (\S+)/m;
	@answer = ask('', 'GET', $path, '-H', "If-None-Match: $etag");
	is("$answer[0] $answer[1]", '304 ', '... once');
}
is(status_of('', 'GET', "/?token=$token{alice}"), 400, 'not with a token in its address');
is(status_of('', 'POST', '/', '-d', 'x'), 405, 'and nothing is posted to it');
is(status_of('', 'GET', $_), 404, "$_ is none of it") for '/page/', '/page/nothing.js', '/page/../page/page.css', '/page/page.css%00';
is(status_of('', 'GET', $_), 401, "$_ is none of it") for '/renderchain.jsx', '/renderchainXXX', '/openapi.jsonx';
is(status_of('alice', 'GET', $_), 404, "$_ is not there") for '/page/nothing.js', '/renderchainXXX', '/page/page.css/x';

# A request whose end can be told in two ways, or in none, is refused, and nothing behind it is read. libmicrohttpd 1.0
# refuses codings that it does not know by itself, with 400 or 501 as its version goes; 0.9 leaves them to us.
sub raw
{
	my ($text) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => $serve->{url} =~ s{^http://}{}r, Timeout => 20) or die;
	$socket->print($text);
	$socket->flush;
	return $socket;
}
my $behind = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
for my $case ([ "Content-Length: 2\r\nContent-Length: 4", '400' ], [ "Content-Length: 4\r\nContent-Length: 2", '400' ],
	[ "Content-Length: 4\r\nTransfer-Encoding: chunked", '400' ], [ "Content-Length : 2", '400' ], [ "Content-Length: 2\r\nTransfer-Encoding\t: chunked", '400' ], [ "Content-Length: 2\r\nContent-Length: 2", '401 200' ],
	[ "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", '400' ], [ "Transfer-Encoding: gzip\r\nContent-Length: 2", '400|501' ],
	(map { [ "Transfer-Encoding: $_", '400|501' ] } 'gzip', 'gzip, chunked', 'chunked, gzip', 'identity', 'xchunked', ''), [ "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", '400' ], [ "Transfer-Encoding: Chunked", '401' ])
{
	my ($headers, $statuses) = @$case;
	my $socket = raw("POST /api/renders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n$headers\r\n\r\n{}$behind");
	my $text = do { local $/; <$socket> };
	like(join(' ', $text =~ m{HTTP/1\.1 (\d+)}g), qr/^(?:$statuses)$/, $headers =~ s/\r\n/, /r) or diag($text);
}
# Who stops in the middle of a head is let go; that is looked at below.
my @halves = map { raw($_) } 'GET', "GET /healthz HTTP/1.1\r\nHost: x\r\nX-", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nX-";
$_->shutdown(1) for @halves;

# Submitting.
@answer = send_json('alice', 'POST', '/api/renders', { prompt => 'white house', chainName => 'villa', fullPipeline => JSON::PP::false });
is($answer[0], 202, 'a render is queued') or diag($answer[1]);
my $render = json_of(@answer);
like($answer[2], qr{^Location: /api/renders/$render->{renderId}\r?$}m, 'and says where it is');
is(sql($node, "SELECT user_id || ' ' || (settings ->> 'quick') FROM renders WHERE id = '$render->{renderId}'"), "$alice true", 'the token says whose, fullPipeline that it is quick');
my %bad = (
	'no body' => [ 400, '' ], 'no JSON' => [ 400, '{' ], 'an array' => [ 400, '[]' ], 'no prompt' => [ 400, '{}' ], 'a NUL' => [ 400, '{"prompt": "a\u0000b"}' ],
	'an unknown member' => [ 400, '{"prompt": "x", "nothing": 1}' ], 'a path' => [ 400, '{"prompt": "x", "references": [{"path": "/etc/passwd"}]}' ],
	'a text that is a path' => [ 400, '{"prompt": "x", "style": "/etc/passwd"}' ], 'too deep' => [ 400, '{"prompt": "x", "toolContext": {"toolId": "t", "toolSettings": ' . '{"a":' x 1500 . '1' . '}' x 1500 . '}}' ], 'a name too long' => [ 400, '{"prompt": "x", "chainName": "' . 'x' x 201 . '"}' ],
	(map { ("the URL $_" => [ 400, qq({"prompt": "x", "references": [{"url": "https://example.test/a.png"}, {"url": "$_"}]}), qr/"detail":"reference 2: it /s ]) } 'file:///etc/passwd', 'ftp://example.test/a.png', '/a.png', 'http://u:p@example.test/a.png'),
	'another user' => [ 400, qq({"prompt": "x", "userId": "$bob"}) ], 'a wrong flag' => [ 400, '{"prompt": "x", "fullPipeline": "no"}' ],
	'an unknown chain' => [ 404, '{"prompt": "x", "chainId": "00000000-0000-0000-0000-000000000001"}' ], 'an unknown model' => [ 422, '{"prompt": "x", "forceModel": "nothing"}' ]);
for my $what (sort keys %bad)
{
	@answer = send_json('alice', 'POST', '/api/renders', $bad{$what}[1]);
	is($answer[0], $bad{$what}[0], "refused: $what") or diag($answer[1]);
	like($answer[1], $bad{$what}[2] // qr/^/, "refused in these words: $what");
}
is((ask('alice', 'POST', '/api/renders', '-H', 'Content-Type: text/plain', '-d', '{}'))[0], 415, 'a body of another type');
my $large = write_file('large.json', '{"prompt": "' . 'x' x (2 << 20) . '"}');
is((ask('alice', 'POST', '/api/renders', '-H', 'Content-Type: application/json', '--data-binary', "\@$large"))[0], 413, 'a body that is too large');
is((ask('alice', 'POST', '/api/renders', '-H', 'Content-Type: application/json', '-H', 'Transfer-Encoding: chunked', '-H', 'Expect:', '--data-binary', "\@$large"))[0], 413, 'in pieces, too');

# With files: they are stored, and belong to the render.
my $photo = write_file('photo.png', png_bytes(64, 64, [ 178, 84, 40 ]));
@answer = ask('alice', 'POST', '/api/renders', '-F', 'prompt=like this', '-F', "reference=\@$photo", '-F', "reference=\@$photo;filename=\"; evil\"", '-F', "style=\@$photo", '-F', 'fullPipeline=true',
	'-F', 'request={"chainName": "forms", "quality": "high", "prompt": "not this"}');
is($answer[0], 202, 'a form with files is taken') or diag($answer[1]);
my $form = json_of(@answer)->{renderId};
is(sql($node, "SELECT prompt || ' ' || (settings ->> 'quality') || ' ' || (settings ->> 'quick') || ' ' || jsonb_array_length(settings -> 'references') FROM renders WHERE id = '$form'"), 'like this high false 2', 'with its fields');
is(sql($node, "SELECT string_agg(kind || ' ' || state || ' ' || mime || ' ' || bytes, ', ') FROM stored_objects WHERE render_id = '$form'"), join(', ', ('input live image/png ' . -s $photo) x 3), 'and its files');
my ($input) = sql($node, "SELECT settings #>> '{style,key}' FROM renders WHERE id = '$form'");
is((ask('alice', 'GET', "/outputs/$input"))[1], read_file($photo), 'which are the user\'s');
is(status_of('bob', 'GET', "/outputs/$input"), 404, 'and nobody else\'s');
is((send_json('bob', 'POST', '/api/renders', { prompt => 'x', style => { key => $input } }))[0], 404, 'nor for renders');
is((send_json('alice', 'POST', '/api/renders', { prompt => 'again', style => { key => $input } }))[0], 202, 'but for the user\'s');
my $none = qq(--b\r\nContent-Disposition: form-data; name="%s"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n);
@answer = ask('alice', 'POST', '/api/renders', '-H', 'Content-Type: multipart/form-data; boundary=b', '--data-binary', sprintf($none, 'style') . sprintf($none, 'reference') . qq(--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nnone chosen\r\n--b--\r\n));
is($answer[0], 202, 'fields in which no file was chosen are none') or diag($answer[1]);
my $text = write_file('text.txt', 'no picture');
my $huge = write_file('huge.png', read_file($photo) . 'x' x (20 << 20));
my $nul = write_file('nul.txt', "8\0 seconds");
for my $case ([ qr/"detail":"style: the file cannot be used: it is not a PNG/, '-F', 'prompt=x', '-F', "style=\@$text" ], [ qr/"detail":"reference 2: the file cannot be used: it is not a PNG/, '-F', 'prompt=x', map { ('-F', "references=\@$_") } $photo, $text ],
	[ qr/"detail":"mask: the data: URI cannot be used/, '-F', 'prompt=x', '-F', 'request={"mask": {"url": "data:,x"}}' ], [ qr/"detail":"firstFrame: it is no URL/, '-F', 'prompt=x', '-F', 'request={"firstFrame": {"url": "file:///etc/passwd"}}' ],
	[ qr/"title":"the file in the field style is larger than 20 MB"/, '-F', 'prompt=x', '-F', "style=\@$huge" ],
	[ qr/there are too many images/, '-F', 'prompt=x', '--form-string', 'request=' . JSON::PP->new->encode({ references => [ ({ url => 'data:image/png;base64,' . encode_base64(read_file($photo), '') }) x 20 ] }) ], [ 'an unknown field', '-F', 'prompt=x', '-F', 'nothing=1' ], [ 'half a number', '-F', 'prompt=x', '-F', 'durationSeconds=8s' ], [ 'a doubtful flag', '-F', 'prompt=x', '-F', 'quick=perhaps' ], [ 'a field that is no text', '-F', 'prompt=x', '-F', "\xff\xfe=1" ],
	[ 'a number and a NUL', '-F', 'prompt=x', '-F', "durationSeconds=<$nul" ],
	[ 'text for a file', '-F', 'prompt=x', '-F', 'style=x' ],
	[ 'a file for text', '-F', "prompt=\@$text" ], [ 'too many', '-F', 'prompt=x', map { ('-F', "reference=\@$photo") } 1 .. 4 ], [ 'a path', '-F', 'prompt=x', '-F', 'request={"style": {"path": "/etc/passwd"}}' ],
	[ 'a text that is a path', '-F', 'prompt=x', '-F', qq(request={"style": "$photo"}) ], [ 'such a reference', '-F', 'prompt=x', '-F', qq(request={"references": ["$photo"]}) ],
	[ 'a key', '-F', 'prompt=x', '-F', qq(request={"style": {"key": "$input", "sha256": "x"}}) ], [ 'no JSON', '-F', 'request=x' ], [ qr/there is more than one field request/, map { ('-F', qq(request={"prompt": "$_"})) } 1 .. 2 ], [ 'no boundary', '-H', 'Content-Type: multipart/form-data', '-d', 'x' ],
	[ 'a cut body', '-H', 'Content-Type: multipart/form-data; boundary=b', '--data-binary', "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nx" ],
	[ 'another boundary', '-H', 'Content-Type: multipart/form-data; boundary=b', '--data-binary', "--c\r\n\r\nx\r\n--c--\r\n" ])
{
	my ($what, @words) = @$case;
	@answer = ask('alice', 'POST', '/api/renders', @words);
	is($answer[0], 400, "a form with $what is refused") or diag($answer[1]);
	like($answer[1], $what, 'in these words') if ref $what;
}
# References that a form names and those that it has as files are one list, whichever come first; what is no list is not replaced.
for my $case ([ qq("$photo"), 400 ], [ '{"url": "https://example.test/a.png"}', 400 ], [ '7', 400 ], [ 'null', 202, 1 ], [ '[{"url": "https://example.test/a.png"}]', 202, 2 ],
	[ '[' . join(', ', ('{"url": "https://example.test/a.png"}') x 3) . ']', 400 ])
{
	my ($references, $status, $count) = @$case;
	my @parts = ([ '-F', "reference=\@$photo" ], [ '--form-string', qq(request={"prompt": "x", "references": $references}) ]);
	for my $order ([ 0, 1 ], [ 1, 0 ])
	{
		@answer = ask('alice', 'POST', '/api/renders', map { @{ $parts[$_] } } @$order);
		is($answer[0], $status, "references that are " . substr($references, 0, 60) . ' and a file, ' . ($order->[0] ? 'behind them' : 'before them')) or diag($answer[1]);
		like($answer[1], qr/"title":"the member references in the field request is not a list"/, 'in these words') if $references !~ /^\[/ && $status == 400;
		is(sql($node, "SELECT jsonb_array_length(settings -> 'references') FROM renders WHERE id = '" . json_of(@answer)->{renderId} . "'"), $count, 'all of them') if $count;
	}
}
# A field that comes twice counts as it comes last, and takes no place from others.
@answer = ask('alice', 'POST', '/api/renders', '-F', 'prompt=x', (map { ('-F', "style=\@$_") } ($text) x 20, $photo), map { ('-F', "$_=\@$photo") } 'reference', 'mask');
is($answer[0], 202, 'a file that takes the place of others') or diag($answer[1]);
is(sql($node, "SELECT count(*) FROM stored_objects WHERE render_id = '" . json_of(@answer)->{renderId} . "'"), '3', 'is stored alone');
# Many large uploads at once do not take all memory: some are to come back later, and small things are taken all the while. Those,
# which come last, end first: who is refused is not waited for as long as who is not.
sub begin_upload
{
	my ($length) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => $serve->{url} =~ s{^http://}{}r, Timeout => 20) or die;
	$socket->print("POST /api/renders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $token{alice}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: $length\r\nConnection: close\r\n\r\n");
	my $piece = ' ' x (1 << 20);
	$socket->print($piece) or die "cut: $!" for 1 .. ($length >> 20) - 1;
	$socket->flush;
	return $socket;
}
sub end_upload
{
	my ($socket) = @_;
	$socket->print(' ' x (1 << 20)) && $socket->flush or die "cut: $!";
	my $text = do { local $/; <$socket> };
	my ($status) = $text =~ m{^HTTP/1\.1 (\d+)};
	return ($status // 'none') . ($text =~ /^Retry-After: 5\r?$/m ? ' later' : '');
}
{
	my @uploads = map { begin_upload(60 << 20) } 1 .. 6;
	is((send_json('alice', 'POST', '/api/renders', { prompt => 'small' }))[0], 202, 'a small request is taken while large ones come');
	my %seen = map { $_ => 1 } map { end_upload($_) } reverse @uploads;
	is_deeply(\%seen, { '400' => 1, '503 later' => 1 }, 'some of many large ones are to come back');
	is(end_upload(begin_upload(60 << 20)), '400', 'there is room again');
}
# Nothing that a stranger sends is kept, but all is read, as who is still sending when the connection is reset loses the answer.
sub send_to_the_end
{
	my ($length) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => $serve->{url} =~ s{^http://}{}r, Timeout => 20) or die;
	$socket->print("POST /api/renders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: $length\r\nConnection: close\r\n\r\n");
	for (my $sent = 0; $sent < $length; $sent += 1 << 16)
	{
		$socket->print(' ' x (1 << 16)) && $socket->flush or return "reset: $!";
	}
	return do { local $/; <$socket> } =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'none';
}
is(send_to_the_end($_ << 20), 401, "a stranger who sends $_ MB is told") for 12, 40;
# The answer does not wait for the rest, nor is that read without end. Who neither sends it nor closes is let go; that is looked at below.
my @stalled = map { raw("POST /api/renders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n$_\r\n\r\n") } 'Content-Length: 1000000', 'Transfer-Encoding: chunked',
	"Content-Length: 100000000\r\nAuthorization: Bearer $token{alice}", 'Content-Length: 10', "Transfer-Encoding: gzip";
like(join(' ', map { my $socket = $_; (do { local $/; <$socket> }) =~ m{^HTTP/1\.1 (\d+)} } @stalled[0, 1, 2, 4]), qr/^401 401 413 (?:400|501)$/, 'at once');
{
	my $endless = raw("POST /api/renders HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
	my $sent = 0;
	while ($sent < 1000 && defined syswrite $endless, ' ' x (1 << 20)) { $sent++ }
	cmp_ok($sent, '<', 100, 'and not without end');
}
# Who was let in and sends pieces without end is told as soon as that shows, and may send on for a while.
{
	local $SIG{PIPE} = 'IGNORE';
	my $endless = raw("POST /api/renders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $token{alice}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
	my ($sent, $chunk) = (0, "100000\r\n" . ' ' x (1 << 20) . "\r\n");
	while ($sent < 100 && !IO::Select->new($endless)->can_read(0) && $endless->print($chunk) && $endless->flush) { $sent++ }
	cmp_ok($sent, '<', 100, 'pieces without end are not read without end');
	ok($endless->print($chunk) && $endless->flush, 'nor is their sender cut off');
	my $answer = do { local $/; <$endless> };
	like($answer, qr/^HTTP\/1\.1 413 /, 'who is told why');
	like($answer, qr/^\Q$_\E\r?$/m, "... with $_") for 'Connection: close', 'Content-Type: application/problem+json', 'X-Content-Type-Options: nosniff';
	my ($head, $body) = split /\r\n\r\n/, $answer, 2;
	is(length $body, $head =~ /^Content-Length: (\d+)\r?$/m ? $1 : -1, '... whole');
	is(decode_json($body)->{title}, 'the request is too large', '... in words');
}
is((ask('', 'POST', '/api/renders', '-H', 'Expect:', '-H', 'Transfer-Encoding: chunked', '-F', "style=\@$large"))[0], 401, 'in pieces, too');
is((ask('', 'POST', '/api/renders', '-F', "style=\@$large"))[0], 401, 'and who asks first');
sql($node, "SELECT renderchain.cancel_render(id) FROM renders WHERE id <> '$render->{renderId}' AND status = 'pending'");

# What happens, as it happens: two viewers, one of which comes late and one that comes back.
sub viewer
{
	my ($who, $id, @more) = @_;
	my %viewer = (out => '');
	$viewer{run} = start([ 'curl', '-sN', '--max-time', $PostgreSQL::Test::Utils::timeout_default, '-H', "Authorization: Bearer $token{$who}", @more, "$serve->{url}/api/renders/$id/events" ], '>', \$viewer{out}, '2>', \my $said, timeout($PostgreSQL::Test::Utils::timeout_default * 2));
	$viewer{sees} = sub { my ($what) = @_; wait_until(sub { $viewer{run}->pump_nb if $viewer{run}->pumpable; $viewer{out} =~ $what }, "viewer sees $what") };
	return \%viewer;
}
sub stages
{
	my ($id, @events) = @_;
	return sql($node, "SELECT renderchain.record_stages('$id', 1, \$x\$" . JSON::PP->new->encode(\@events) . "\$x\$)");
}
my $id = $render->{renderId};
my $first = viewer('alice', $id);
$first->{sees}->(qr/^event: render\ndata: .*"status":"pending"/m);
sql($node, q(SELECT renderchain.claim_renders('w', 10, '1 hour')));
$first->{sees}->(qr/"status":"processing"/);
my $seq = stages($id, { stage => 'semantic_parsing', status => 'running' });
$first->{sees}->(qr/^id: $seq\nevent: stage\ndata: .*"status":"running"/m);
{
	my $socket = IO::Socket::INET->new(PeerAddr => $serve->{url} =~ s{^http://}{}r, Timeout => 20) or die;
	$socket->print("HEAD /api/renders/$id/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $token{alice}\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	$socket->flush;
	local $/;
	like(<$socket>, qr!^HTTP/1\.1 200 [^{]*\r\n\r\nHTTP/1\.1 200 !, 'the head of a stream is nothing but a head');
}
# An id that is none of ours is none, and what the database refuses once is not lost for good.
{
	my $strange = viewer('reader', $id, '-H', 'Last-Event-ID: 99999999999999999999');
	$strange->{sees}->(qr/^id: $seq$/m);
	my $signature = '(jsonb, uuid, timestamptz, integer)';
	sql($node, "ALTER FUNCTION renderchain.watch_renders$signature RENAME TO watch_nothing");
	is(($strange->{run}->finish, $strange->{run}->result(0))[1], 0, 'a refusal of the database ends streams');
	sql($node, "ALTER FUNCTION renderchain.watch_nothing$signature RENAME TO watch_renders");
	is(($first->{run}->finish, $first->{run}->result(0))[1], 0, 'all of them');
	$first = viewer('alice', $id);
	$first->{sees}->(qr/^id: $seq$/m);
}
my $second = viewer('admin', uc $id);
$second->{sees}->(qr/^id: $seq$/m);
my $later = stages($id, { stage => 'semantic_parsing', status => 'success', durationMs => 5 });
$_->{sees}->(qr/^id: $later\nevent: stage\ndata: .*"durationMs":5/m) for $first, $second;
kill_kill($second->{run});
restart_server($node, 'immediate');
$serve->{says}->(qr/"database_back"/);
my $third;
wait_until(sub { status_of('', 'GET', '/healthz') == 200 }, 'the database is back');
$third = viewer('alice', $id, '-H', "Last-Event-ID: $seq");
my $last = stages($id, { stage => 'image_generation', status => 'running' });
sql($node, qq(SELECT renderchain.complete_render('$id', 1, '{"outputKey": "k", "memory": {"palette": ["red"]}}')));
$_->{sees}->(qr/^id: $last\.end\nevent: end\ndata: .*"completed"/m) for $first, $third;
is(($_->{run}->finish, $_->{run}->result(0))[1], 0, 'a stream ends with its render') for $first, $third;
is(join(' ', $first->{out} =~ /^id: (\S+)$/mg), "$seq $later $last $last.end", 'each change once, across a restart of the database');
is(join(' ', $third->{out} =~ /^id: (\S+)$/mg), "$later $last $last.end", 'who comes back is told what is new to him');
is(status_of('alice', 'GET', "/api/renders/$id/events", '-H', "Last-Event-ID: $last.end"), 204, 'and is told when there is no more to come');
my $connections = q(SELECT count(*) FROM pg_stat_activity WHERE datname = 'postgres' AND pid <> pg_backend_pid() AND backend_type = 'client backend');
wait_until(sub { sql($node, $connections) == 3 }, 'three connections in all, when those of this test have ended');

# The rest of a render and a chain.
my $result = json_of(ask('alice', 'GET', "/api/renders/$id"));
is($result->{data}{imageUrl}, '/outputs/k', 'a render says where its picture is');
ok($result->{success} && @{ $result->{data}{stageEvents} } == 1, 'in the shape of get_render');
is(join(' ', sort map { $_->{name} } @{ json_of(ask('alice', 'GET', "/api/chains")) }), 'forms villa', 'chains are listed');
is(scalar(@{ json_of(ask('alice', 'GET', "/api/chains/$render->{chainId}"))->{renders} }), 1, 'and shown');
is_deeply(json_of(ask('alice', 'GET', "/api/chains/$render->{chainId}/memory")), { palette => ['red'] }, 'with their memory');
is_deeply(json_of(send_json('alice', 'PATCH', "/api/renders/$id/memory", { materials => ['oak'] })), { palette => ['red'], materials => ['oak'] }, 'which can be merged into');
is((send_json('alice', 'PATCH', "/api/chains/$render->{chainId}/pins", { palette => ['blue'] }))[0], 200, 'and pinned');
is_deeply(json_of(ask('alice', 'GET', "/api/renders/$id/memory"))->{palette}, ['blue'], 'at once');
is((send_json('alice', 'POST', "/api/chains/$render->{chainId}/unpin", $_))[0], 400, 'what is to be released has to be said') for {}, { keys => 'palette' };
is((send_json('alice', 'POST', "/api/chains/$render->{chainId}/unpin", { keys => ['palette'] }))[0], 200, 'and released');
is(sql($node, q(SELECT count(*) FROM memory_pins WHERE pins <> '{}')), '0', 'nothing is pinned any more');
sql($node, q(INSERT INTO models (id, provider, kind, tier, credits, definition, updated_at)
	VALUES ('film', 'local', 'video', 'fast', 1, '{"id": "film", "kind": "video", "qualities": ["standard"], "aspectRatios": ["16:9"], "durations": [8]}', now())));
@answer = send_json('alice', 'POST', '/api/video', { prompt => 'a film', durationSeconds => 8 });
my $other = json_of(@answer);
is($answer[0], 202, 'a video is queued') or diag($answer[1]);
is(sql($node, "SELECT type FROM renders WHERE id = '$other->{renderId}'"), 'video', 'videos have a path of their own');
is(json_of(ask('alice', 'POST', "/api/renders/$other->{renderId}/cancel"))->{status}, 'cancelled', 'cancelled');
is(json_of(ask('alice', 'POST', "/api/renders/$other->{renderId}/retry"))->{status}, 'pending', 'and started again');
is(status_of('alice', 'POST', "/api/renders/$id/retry"), 409, 'what is completed is not');

# Pictures, whole and in parts.
my $key = 'aa/picture.png';
mkdir scratch() . '/objects/aa';
write_file("objects/$key", join '', map { chr } 0 .. 255);
sql($node, "INSERT INTO stored_objects (key, backend, render_id, mime, bytes, sha256, state, created_at, updated_at)
	VALUES ('$key', 'file', '$id', 'image/png', 256, repeat('a', 64), 'live', now(), now())");
@answer = ask('alice', 'GET', "/outputs/$key");
is($answer[0], 200, 'a picture is given out');
is($answer[1], join('', map { chr } 0 .. 255), 'byte for byte');
like($answer[2], qr/^$_\r?$/m, "with $_") for 'Content-Type: image/png', 'X-Content-Type-Options: nosniff', 'Accept-Ranges: bytes', 'Vary: Authorization', 'ETag: "a{64}"', "Content-Security-Policy: default-src 'none'; sandbox";
for my $range ([ '0-9', 206, 0, 10, '0-9/256' ], [ '250-', 206, 250, 6, '250-255/256' ], [ '-4', 206, 252, 4, '252-255/256' ], [ '250-999', 206, 250, 6, '250-255/256' ], [ '-999', 206, 0, 256, '0-255/256' ],
	[ '256-', 416 ], [ '-0', 416 ], [ '9-0', 200, 0, 256 ], [ 'x', 200, 0, 256 ], [ '0-1,3-4', 200, 0, 256 ], [ '--5', 200, 0, 256 ], [ '5-6x', 200, 0, 256 ])
{
	my ($text, $status, $from, $length, $said) = @$range;
	@answer = ask('alice', 'GET', "/outputs/$key", '-H', "Range: bytes=$text");
	is($answer[0], $status, "bytes=$text");
	is($answer[1], substr(join('', map { chr } 0 .. 255), $from, $length), '... the right ones') if defined $length;
	like($answer[2], qr{^Content-Range: bytes $said\r?$}m, '... and says which') if $said;
}
is(status_of('alice', 'GET', "/outputs/$key", '-H', "If-None-Match: $_"), 304, "what is known is not sent again: $_") for map { my $tag = '"' . 'a' x 64 . '"'; ($tag, "W/$tag", "\"b\", $tag", '*') } 1;
is(status_of('alice', 'GET', "/outputs/$key", '-H', 'Range: bytes=0-9', '-H', "If-Range: \"$_->[0]\""), $_->[1], "a part of a version: $_->[1]") for [ 'a' x 64, 206 ], [ 'b', 200 ];
# What is no file keeps nobody waiting, and no bytes are an answer, too.
write_file('objects/aa/empty.png', '');
POSIX::mkfifo(scratch() . '/objects/aa/pipe.png', 0666) or die "no pipe: $!";
sql($node, "INSERT INTO stored_objects (key, backend, render_id, mime, bytes, sha256, state, created_at, updated_at)
	SELECT 'aa/' || k || '.png', 'file', '$id', 'image/png', 0, repeat('a', 64), 'live', now(), now() FROM unnest('{empty,pipe,missing}'::text[]) k");
@answer = ask('alice', 'GET', '/outputs/aa/empty.png');
is("$answer[0] $answer[1]", '200 ', 'an empty file');
is(status_of('alice', 'GET', '/outputs/aa/pipe.png'), 502, 'a pipe');
is(status_of('alice', 'GET', '/outputs/aa/missing.png'), 404, 'a file that is gone');
for my $path ('/outputs/../objects', '/outputs/aa/../../../etc/passwd', '/outputs/%2e%2e/%2e%2e/etc/passwd', '/outputs//etc/passwd', '/outputs/', '/outputs/aa%00', '/outputs/aa%0d%0aX-Bad:1', "/outputs/$key%00", "/outputs/$key%00/../x", "/api/renders/$id%00/x", '/api/chains%00', '/healthz%00')
{
	@answer = ask('alice', 'GET', $path);
	is($answer[0], 404, "$path is not there");
	unlike($answer[2], qr/X-Bad/, '... and breaks nothing');
}

# What is somebody else's does not exist, in the very words of what does not exist.
my $nothing = '00000000-0000-0000-0000-000000000001';
for my $case ([ 'GET', '/api/renders/%s' ], [ 'GET', '/api/renders/%s/events' ], [ 'POST', '/api/renders/%s/cancel' ], [ 'POST', '/api/renders/%s/retry' ], [ 'GET', '/api/renders/%s/memory' ],
	[ 'PATCH', '/api/renders/%s/memory' ], [ 'GET', '/api/chains/%s', 1 ], [ 'GET', '/api/chains/%s/memory', 1 ], [ 'PATCH', '/api/chains/%s/pins', 1 ], [ 'POST', '/api/chains/%s/unpin', 1 ])
{
	my ($method, $path, $of_chain) = @$case;
	my ($theirs, $none) = map { join "\n", (send_json('bob', $method, sprintf($path, $_), '{"keys": []}'))[0, 1] } $of_chain ? $render->{chainId} : $id, $nothing;
	like($theirs, qr/^404/, "$method $path of another user");
	is($theirs, $none, '... is as if it did not exist');
}
is(join("\n", (ask('bob', 'GET', "/outputs/$key"))[0, 1]), join("\n", (ask('bob', 'GET', '/outputs/aa/nothing.png'))[0, 1]), 'nor are pictures');
is_deeply(json_of(ask('bob', 'GET', '/api/chains')), [], 'nor are chains listed');
is(status_of('admin', 'GET', "/api/renders/$id"), 200, 'an admin sees everything');

# What is not HTTP, or slow, or too much.
for my $bytes ("\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", "POST /api/renders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 'GET /' . 'x' x 60000 . " HTTP/1.1\r\n\r\n")
{
	my $socket = IO::Socket::INET->new(PeerAddr => $serve->{url} =~ s{http://}{}r) or die $!;
	print $socket $bytes;
	$socket->flush;
	sysread $socket, my $answer, 4096 if IO::Select->new($socket)->can_read(1);
}
my @idle = map { IO::Socket::INET->new(PeerAddr => $serve->{url} =~ s{http://}{}r) } 1 .. 500;
is(status_of('alice', 'GET', '/api/chains'), 200, 'it goes on with 500 idle connections and nonsense');
undef @idle;

# A token that is revoked, and one that asks too often.
my $short = serve('--rate', '1', '--cors', 'https://example.org');
{
	local $serve = $short;
	my $asks = "GET /api/credits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $token{alice}\r\n";
	my $socket = raw("$asks\r\n" x 20 . "${asks}Connection: close\r\n\r\n");
	my @statuses = (do { local $/; <$socket> }) =~ m{HTTP/1\.1 (\d+)}g;
	is($statuses[0], 200, 'a token may ask');
	ok((grep { $_ == 429 } @statuses), 'but not too often') or diag("@statuses");
	wait_until(sub {
		for (1 .. 20) { last if status_of('alice', 'GET', '/api/credits') == 429 }
		my $socket = IO::Socket::INET->new(PeerAddr => $serve->{url} =~ s{^http://}{}r, Timeout => 20) or die;
		$socket->print(map { "GET /api/credits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer none$_\r\n" . ($_ == 300 ? "Connection: close\r\n" : '') . "\r\n" } 1 .. 300);
		$socket->flush;
		local $/;
		return <$socket> =~ /^HTTP/ && status_of('alice', 'GET', '/api/credits') == 429;
	}, 'asking with many tokens that are none gives no new allowance');
	is(status_of('bob', 'GET', '/api/chains'), 200, 'which is no matter to another');
	@answer = ask('', 'OPTIONS', '/api/renders', '-H', 'Origin: https://example.org', '-H', 'Access-Control-Request-Method: POST');
	is($answer[0], 204, 'a page may ask what it may ask');
	like($answer[2], qr{^Access-Control-Allow-Origin: https://example\.org\r?$}m, 'from that origin');
	@answer = ask('', 'GET', '/renderchain.js');
	like($answer[2], qr{^Access-Control-Allow-Origin: https://example\.org\r?$}m, 'and take the module');
	like($answer[2], qr/^Access-Control-Expose-Headers: .*Retry-After/m, 'and read when to come back');
	my $bobs = json_of(send_json('bob', 'POST', '/api/renders', { prompt => 'of bob' }))->{renderId};
	my $looks = viewer('bob', $bobs);
	$looks->{sees}->(qr/event: render/);
	my ($of_bob) = map { $_->{token} } grep { $_->{userId} eq $bob && $_->{level} eq 'write' } events_of((driver('token', 'list', '--json'))[1]);
	is((driver('token', 'revoke', $of_bob))[0], 0, 'a token is revoked');
	is((driver('token', 'revoke', $of_bob))[0], 5, 'once');
	wait_until(sub { status_of('bob', 'GET', '/api/chains') == 401 }, 'it is not good any more');
	pass('a revoked token is not good any more');
	is(($looks->{run}->finish, $looks->{run}->result(0))[1], 0, 'nor for streams that were open');
	sql($node, "SELECT renderchain.cancel_render('$bobs')");
}
$short->{run}->signal('TERM');
is(($short->{run}->finish, $short->{run}->result(0))[1], 0, 'a signal ends it');

# With a worker beside it, the whole way: submit, watch, look.
sql($node, "SELECT renderchain.cancel_render('$other->{renderId}')");
sql($node, q(DELETE FROM models WHERE id = 'film'));
{
	model_server('--canned');
	local $serve = serve('--with-worker', '--rate=0');
	my $whole = json_of(send_json('alice', 'POST', '/api/renders', { prompt => 'a barn', chainName => 'farm' }))->{renderId};
	my $watcher = viewer('alice', $whole);
	$watcher->{sees}->(qr/^event: end/m);
	my %seen = map { $_ => 1 } $watcher->{out} =~ /"stage":"(\w+)"/g;
	ok($seen{image_generation} && $seen{storage}, 'its stages are seen as they run');
	my $data = json_of(ask('alice', 'GET', "/api/renders/$whole"))->{data};
	like($data->{imageUrl}, qr{^/outputs/}, 'it has a picture');
	like((ask('alice', 'GET', $data->{imageUrl}))[1], qr/^\x89PNG/, 'which is given out');
	$serve->{run}->signal('TERM');
	is(($serve->{run}->finish, $serve->{run}->result(0))[1], 0, 'both end by a signal');
	like($serve->{out}, qr/"event":"stopped"/, 'the worker in good order');
	$serve = serve('--with-worker');
	$serve->{says}->(qr/"event":"worker"/);
	my ($pid) = $serve->{out} =~ /"worker":"[^"]*:(\d+):[0-9a-f]+"/;
	kill 'KILL', $pid or die "no worker: $serve->{out}";
	isnt(($serve->{run}->finish, $serve->{run}->result(0))[1], 0, 'a worker that dies takes the server with it, so that it is noticed');
	stop_models();
}

# By now those who stopped in the middle of a head have been let go, or soon are: long before a client that says nothing is. So is
# who was refused and does not send the few bytes that are waited for.
for my $half (@halves, splice @stalled, 3, 1)
{
	my $closed = 0;
	my $select = IO::Select->new($half);
	while ($select->can_read(45)) { sysread($half, my $text, 4096) or $closed = 1, last }
	ok($closed, 'a request that never ends');
}

# So have those been who did not send what was refused, for which nobody waits for longer than 30 s whatever they send.
for my $socket (@stalled) { wait_until(sub { !defined syswrite $socket, ' ' }, 'a refused client is let go') }

# It ends in good order with viewers, and without the database.
my $open = viewer('admin', json_of(send_json('alice', 'POST', '/api/renders', { prompt => 'waits' }))->{renderId});
$open->{sees}->(qr/event: render/);
$node->stop('immediate');
$serve->{says}->(qr/"database_lost"/);
is(status_of('admin', 'GET', '/api/chains'), 503, 'without the database it says so');
is(status_of('', 'GET', '/healthz'), 503, 'and is not healthy');
$serve->{run}->signal('TERM');
is(($serve->{run}->finish, $serve->{run}->result(0))[1], 0, 'a signal ends it, viewers or not');
is(($open->{run}->finish, $open->{run}->result(0))[1], 0, 'a viewer is told in good order');
unlike($serve->{out} . $serve->{err}, qr/$token{alice}|$token{bob}|$token{admin}/, 'no token is ever said');
$node->start;
is((driver('serve', '--listen', 'nowhere.invalid:1'))[0], 2, 'an address that is none');
is((driver('serve', '--rate', 'x'))[0], 2, 'a rate that is none');
is((driver('token', 'create'))[0], 2, 'a token is somebody\'s');
is((driver('token', 'create', '--user', $alice, '--level', 'owner'))[0], 3, 'of a level that there is');
done_testing();
