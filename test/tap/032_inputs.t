# The images of a request: URLs, data URIs and stored objects besides files. What cannot be had
# fails the render with a refund, and nothing is fetched from where it must not be.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use RenderchainS3;
use MIME::Base64 qw(encode_base64);
use Test::More;

my $node = new_server('inputs');
my $models = model_server();
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '100');
my $credits = "SELECT balance || '/' || reserved FROM credit_accounts WHERE user_id = '$user'";
my $photo = write_file('photo.png', png_bytes(64, 48, [ 178, 84, 40 ]));
my $web = web_server($photo);
my $data = 'data:image/png;base64,' . encode_base64(read_file($photo), '');
my @render = ('render', '--prompt', 'a brick house', '--user', $user, '--json');
my $trace = scratch() . '/trace';

# How often each path of the web server was asked for.
sub served { return split /\n/, `curl -s $web/-/served` }

# Refused: nothing is sent, not even to ports where a model server listens.
for my $case ([ 'a private URL', "$web/image" ], [ 'by a name', $web =~ s/127\.0\.0\.1/localhost/r . '/image' ],
	[ 'where a connection is open', $ENV{RENDERCHAIN_PROVIDER_URL} . '/control/calls' ])
{
	my ($what, $url) = @$case;
	my ($code, $out, $err) = driver(@render, '--reference', $url);
	is($code, 1, "$what: exit code");
	like($err, qr/reference 1: http\S+ cannot be fetched: its address is not one of the public internet.*--allow-private-urls/,
		"$what: said");
	is(sql($node, $credits), '100/0', "$what: refunded");
	ok(!result_of($out)->{success}, "$what: no success");
}
is_deeply([ served() ], [], 'the server was not asked');
is(scalar(grep { $_->{stage} eq 'image_generation' } calls_of($models)), 0, 'no model was paid');

# Allowed.
$ENV{RENDERCHAIN_ALLOW_PRIVATE_URLS} = 1;
my ($code, $out, $err) = driver(@render, '--reference', "$web/hop2", '--reference', $data, '--style', "$web/image?secret=1",
	'--trace', $trace);
is($code, 0, 'URLs and data URIs') or diag($err);
is(scalar(@{ result_of($out)->{data}{imageAnalysis}{references} }), 2, 'are analysed');
is_deeply([ sort(served()) ], [ sort qw(/hop2 /hop1 /hop0 /image /image?secret=1) ], 'redirects are followed');
unlike(read_file($trace), qr/secret=1/, 'what may be secret in a URL is in no trace');
my $key = result_of($out)->{data}{outputKey};
($code, $out, $err) = driver(@render, '--reference', "key:$key", '--mask', $photo);
is($code, 0, 'a stored object and a file') or diag($err);
delete $ENV{RENDERCHAIN_ALLOW_PRIVATE_URLS};
is((driver(@render, '--reference', "$web/image", '--allow-private-urls'))[0], 0, 'allowed by an option');

# What is redirected to an address that is not good any more is asked for anew, thrice in all.
for my $case ([ 403, 1, 0 ], [ 400, 2, 0 ], [ 503, 2, 0 ], [ 403, 3, 1 ], [ 404, 1, 1 ])
{
	my ($status, $times, $exit) = @$case;
	my $before = () = served();
	($code, $out, $err) = driver(@render, '--reference', "$web/signing$status-$times", '--allow-private-urls');
	is($code, $exit, "$status where a redirect leads, $times times") or diag($err);
	my @asked = served();
	is(join(' ', map { m{^/(signing|signed)} } @asked[$before .. $#asked]), join(' ', ('signing signed') x ($status == 404 ? 1 : $exit ? 3 : $times + 1)), 'is asked for anew');
}

# What cannot be had.
my $balance = sql($node, $credits);
my $objects = sql($node, "SELECT count(*) FROM stored_objects");
for my $case ([ 'no image', 1, qr/style image: what the URL leads to cannot be used: it is not a PNG/, '--style', "$web/page" ],
	[ 'half an image', 1, qr/mask: .*truncated/, '--mask', "$web/half" ],
	[ 'nothing there', 1, qr/reference 2: .*HTTP status 404/, '--reference', "$web/image", '--reference', "$web/gone" ],
	[ 'too large', 1, qr/larger than the limit/, '--reference', "$web/large" ],
	[ 'endless redirects', 1, qr/redirected too often/, '--reference', "$web/hop9" ],
	[ 'a redirect to a file', 1, qr/begins with http/, '--reference', "$web/file" ],
	[ 'no such object', 1, qr/reference 1: could not open/, '--reference', 'key:ab/none.png' ],
	[ 'a key that leads elsewhere', 1, qr/is no key of an object/, '--reference', 'key:../photo.png' ],
	[ 'broken base64', 3, qr/base64 of the data: URI is damaged/, '--reference', 'data:;base64,%%%%' ],
	[ 'data that is no image', 3, qr/not a PNG, JPEG or WebP/, '--style', 'data:,words' ],
	[ 'no such file', 3, qr/could not open file/, '--mask', '/nowhere.png' ])
{
	my ($what, $exit, $words, @words) = @$case;
	($code, $out, $err) = driver(@render, '--allow-private-urls', @words);
	is($code, $exit, "$what: exit code") or diag($out);
	like($err, $words, "$what: said");
	is(sql($node, $credits), $balance, "$what: nothing paid");
}
is(sql($node, 'SELECT count(*) FROM stored_objects'), $objects, 'and nothing stored');

is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
done_testing();
