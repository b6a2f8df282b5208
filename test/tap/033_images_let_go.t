# Images are not kept in memory while models work, but had again when the next request needs them:
# the same bytes as at first, whatever becomes of their files, or a clear error.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run qw(run timeout);
use MIME::Base64 qw(encode_base64);
use RenderchainScript;
use RenderchainTest;
use Test::More;

my $node = new_server('let_go');
my $models = model_server();
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '100');
my $credits = "SELECT balance || '/' || reserved FROM credit_accounts WHERE user_id = '$user'";
my $look = 'keep this subject[^\0]*responseJsonSchema';
my $draw = 'responseModalities';
my $number = 0;

# An image that is let go: a small one with noise behind its end, so that it is larger than what a
# worker of one render keeps in memory.
sub image
{
	my ($colour, $bytes) = @_;
	return write_file('image-' . ++$number . '.png', png_bytes(16, 16, $colour) . join('', map { chr(33 + $_ * 7 % 90) } 1 .. $bytes // 250000));
}

# Have a worker render against rules; how the render ended, its error, and the requests.
sub work
{
	my ($rules, @words) = @_;
	my $server = scripted_server($models, @$rules);
	my $id = submit('--prompt', 'a brick house', '--user', $user, '--quality', 'high', @words);
	my ($code, $out, $err) = driver('worker', '--drain', '--json', '--concurrency', '1', '--provider', 'local', '--provider-url', $server);
	is($code, 0, 'the worker goes on') or diag($err);
	my ($status, $error) = split /\|/, sql($node, "SELECT status, error_message FROM renders WHERE id = '$id'"), 2;
	return ($status, $error, asked($server));
}

# How many requests of a kind carry these bytes.
sub carry
{
	my ($bytes, $kind, @asked) = @_;
	my $base64 = encode_base64($bytes, '');
	return scalar grep { $_->{body} =~ /$kind/ && index($_->{body}, $base64) >= 0 } @asked;
}

# Removed after the first request, while the second one is tried twice.
my $file = image([ 178, 84, 40 ]);
my $bytes = read_file($file);
my ($status, $error, @asked) = work([ { body => $look, times => 1, change => [$file] },
	{ body => $draw, times => 1, status => 503, headers => { 'Retry-After' => 0 }, reply => '{}' } ], '--reference', $file);
is("$status $error", 'completed ', 'a file that is removed');
is(carry($bytes, $look, @asked), 1, 'was shown');
is(carry($bytes, $draw, @asked), 2, 'and drawn from, twice');

# Changed between two requests.
$file = image([ 40, 84, 178 ]);
my $before = sql($node, $credits);
($status, $error, @asked) = work([ { body => $look, times => 1, change => [ $file, 20000, 'other' ] } ], '--reference', $file);
is($status, 'failed', 'a file that is changed');
like($error, qr/"\Q$file\E" has been changed since it was read for this render\.? *$/, 'is named, without advice about keys');
is(scalar(grep { $_->{body} =~ /$draw/ } @asked), 0, 'nothing is drawn from it');
is(sql($node, $credits), $before, 'and nothing paid');

# Changed and put back: what it holds counts.
$file = image([ 40, 178, 84 ]);
$bytes = read_file($file);
($status, $error, @asked) = work([ { body => $look, times => 1, change => [ $file, 20000, substr($bytes, 20000, 5) ] } ], '--reference', $file);
is("$status $error", 'completed ', 'a file that is written over with what it held');
is(carry($bytes, $draw, @asked), 1, 'is drawn from');

# What came from no file is put into one, if there is a place for it. (One argument of a program
# takes no more than that; the last one is more than what is kept.)
for my $directory (scratch(), '/nowhere/at/all')
{
	local $ENV{TMPDIR} = $directory;
	my @images = map { read_file(image([ 4, 17 * $_, 84 + $number ], 90000)) } 1 .. 3;
	($status, $error, @asked) = work([ { body => $draw, times => 1, status => 503, headers => { 'Retry-After' => 0 }, reply => '{}' } ],
		map { ('--reference', 'data:image/png;base64,' . encode_base64($_, '')) } @images);
	is("$status $error", 'completed ', "data: URIs, temporary files in $directory");
	for my $each (@images)
	{
		is(carry($each, $look, @asked), 1, 'each is shown');
		is(carry($each, $draw, @asked), 2, 'and drawn from, twice');
	}
}

# An uploaded image, read from storage, and the picture, which is stored when it is shown again.
$file = image([ 200, 190, 20 ]);
$bytes = read_file($file);
($status, $error, @asked) = work([ { body => $draw, times => 1, status => 503, headers => { 'Retry-After' => 0 }, reply => '{}' },
	{ body => '"corrections"', times => 2, status => 503, headers => { 'Retry-After' => 0 }, reply => '{}' } ], '--upload', '--reference', $file);
is("$status $error", 'completed ', 'an uploaded image');
is(carry($bytes, $draw, @asked), 2, 'is drawn from, twice');
my ($picture) = split /\n/, sql($node, "SELECT output_url FROM renders ORDER BY created_at DESC LIMIT 1");
is(carry(read_file($picture =~ s/^file://r), '"corrections"', @asked), 3, 'the picture is judged at the third try');

# Many that are stored, which together are larger than what a worker may have of memory: they pass through files.
my $quick = model_server('--canned');
my ($renders, $megabytes) = (16, 12);
for my $number (1 .. $renders)
{
	my $large = write_file('large.png', png_bytes(16, 16, [ 1, 2, $number ]) . "\0" x ($megabytes << 20));
	submit('--prompt', 'a brick house', '--user', $user, '--upload', '--reference', $large);
}
# AddressSanitizer has terabytes of addresses of its own: no limit leaves a program that it is in alive.
my $limit = defined $ENV{ASAN_OPTIONS} ? 'unlimited' : $renders * $megabytes / 2 * 1024;
run([ 'bash', '-c', 'ulimit -d "$1"; shift; exec "$@"', 'bash', $limit, 'renderchain', 'worker', '--drain', '--concurrency', $renders,
		'--provider', 'local', '--provider-url', $quick ], '>', \my $said, '2>', \my $wrong, timeout(300));
is($?, 0, 'a worker that has half of the memory that they would take') or diag($said, $wrong);
is(sql($node, "SELECT count(*) FROM renders WHERE status IN ('pending', 'processing')"), '0', 'renders them all');
is(sql($node, "SELECT count(*) FROM renders WHERE status = 'failed'"), '1', 'well');

is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
done_testing();
