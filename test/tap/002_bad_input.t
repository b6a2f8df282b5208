# Whatever is wrong: a message that says what, a documented exit code, nothing written.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Test::More;

my $node = new_server('bad');
model_server();
my $user = '11111111-2222-3333-4444-555555555555';
my $nobody = '99999999-9999-9999-9999-999999999999';
my $photo = write_file('photo.png', png_bytes(32, 32, [ 10, 20, 30 ]));
my $whole = read_file($photo);
my %file = (
	empty => write_file('empty.png', ''),
	text => write_file('text.png', 'this is not an image'),
	truncated => write_file('truncated.png', substr($whole, 0, length($whole) - 20)),
	huge => write_file('huge.png', png_bytes(20000, 20000, [ 0, 0, 0 ])),
);
is((driver('credits', 'grant', '--user', $user, '--amount', '1'))[0], 0, 'a user has one credit');

# Everything that a refused render could have left behind.
sub footprint
{
	return sql($node, q{SELECT (SELECT count(*) FROM renders), (SELECT count(*) FROM render_chains),
		(SELECT count(*) FROM render_jobs), (SELECT count(*) FROM stored_objects), (SELECT count(*) FROM credit_entries),
		(SELECT string_agg(balance || '/' || reserved, ',') FROM credit_accounts)});
}

my @prompt = ('--prompt', 'a house');
my @cases = (
	[ 'no prompt', 2, qr/--prompt is missing/, 'render' ],
	[ 'empty prompt', 3, qr/prompt.*RC005/, 'render', '--prompt', '' ],
	[ 'over-long prompt', 3, qr/prompt.*RC005/, 'render', '--prompt', 'x' x 20001 ],
	[ 'unknown chain', 5, qr/RC006/, 'render', @prompt, '--chain', $nobody ],
	[ 'unknown parent', 5, qr/RC006/, 'render', @prompt, '--parent', $nobody ],
	[ 'malformed parent', 3, qr/parentRenderId.*RC005/, 'render', @prompt, '--parent', 'xyz' ],
	[ 'malformed user', 3, qr/userId.*RC005/, 'render', @prompt, '--user', 'someone' ],
	[ 'unknown model', 6, qr/no-such-model.*RC004/, 'render', @prompt, '--model', 'no-such-model' ],
	[ 'retired model', 6, qr/gemini-2\.5-flash-image.*RC004.*gemini-nano-banana-2\.1/s, 'render', @prompt, '--model', 'gemini-2.5-flash-image' ],
	[ 'unknown aspect ratio', 3, qr/aspectRatio.*RC005/, 'render', @prompt, '--aspect-ratio', '7:5' ],
	[ 'unknown quality', 3, qr/quality.*RC005/, 'render', @prompt, '--quality', 'best' ],
	[ 'fourth reference', 2, qr/4 references.*at most 3/, 'render', @prompt, ('--reference', $photo) x 4 ],
	[ 'missing file', 3, qr/could not open file.*nowhere\.png/, 'render', @prompt, '--reference', '/nowhere.png' ],
	[ 'directory', 3, qr/is a directory/, 'render', @prompt, '--reference', scratch() ],
	[ 'empty file', 3, qr/empty\.png.*it is empty/, 'render', @prompt, '--reference', $file{empty} ],
	[ 'not an image', 3, qr/not a PNG, JPEG or WebP/, 'render', @prompt, '--style', $file{text} ],
	[ 'truncated image', 3, qr/truncated or damaged/, 'render', @prompt, '--mask', $file{truncated} ],
	[ 'enormous image', 3, qr/20000 x 20000 pixels is too large/, 'render', @prompt, '--reference', $file{huge} ],
	[ 'unknown stage to skip', 2, qr/cannot be skipped/, 'render', @prompt, '--skip', 'image_generation' ],
	[ 'insufficient credits', 6, qr/RC003/, 'render', @prompt, '--user', $user, '--quality', 'ultra' ],
	[ 'unwritable output', 8, qr/cannot write to/, 'render', @prompt, '--output', '/nowhere/out.png' ],
	[ 'unwritable storage', 8, qr/could not make directory|cannot write/, 'render', @prompt, '--storage', 'file:/proc/nowhere' ],
	[ 'no directory of images', 3, qr/--images "\/nowhere" is not a directory/, 'worker', '--drain', '--images', '/nowhere' ],
	[ 'unknown storage', 8, qr/not of the form file:/, 'render', @prompt, '--storage', 'ftp:x' ],
	[ 'unknown provider', 7, qr/unknown provider "acme"/, 'render', @prompt, '--provider', 'acme' ],
	[ 'bad priority', 3, qr/priority.*RC005/, 'render', @prompt, '--priority', 'high' ],
	[ 'unknown option', 2, qr/unknown option --colour/, 'render', @prompt, '--colour', 'red' ],
	[ 'option without value', 2, qr/--chain needs a value/, 'render', @prompt, '--chain' ],
	[ 'unknown command', 2, qr/unknown command "paint"/, 'paint' ],
	[ 'unknown second word', 2, qr/unknown command "chain burn"/, 'chain', 'burn' ],
	[ 'memory of an unknown chain', 5, qr/RC006|no chain/, 'memory', 'get', $nobody ],
	[ 'invalid JSON', 3, qr/JSON/, 'memory', 'merge', $nobody, $file{text} ],
	[ 'show of an unknown render', 5, qr/RC006/, 'show', $nobody ],
	[ 'invalid UTF-8', 2, qr/not valid UTF-8/, 'render', '--prompt', "\xff\xfe" ],
	[ 'server down', 4, qr/could not connect/, 'render', @prompt, '-d', 'host=/nowhere' ],
);
my $before = footprint();
for my $case (@cases)
{
	my ($what, $code, $words, @command) = @$case;
	my ($got, $out, $err) = driver(@command);
	is($got, $code, "$what: exit code") or diag("$out\n$err");
	like($err, $words, "$what: message");
	my $last = eval { result_of($out) };
	ok($last && exists $last->{success} && !$last->{success} && $last->{error}, "$what: the last line of JSON says so") or diag($out);
}
is(footprint(), $before, 'nothing was written by any of them');
opendir(my $objects, scratch() . '/objects');
is(scalar(grep { !/^\./ } readdir $objects), 0, 'and no file');

# Without extension and without tables.
sql($node, 'CREATE DATABASE bare');
my ($code, undef, $err) = driver('render', @prompt, '-d', 'dbname=bare');
is($code, 4, 'no extension: exit code');
like($err, qr/renderchain init/, 'no extension: says what to do');
$node->safe_psql('bare', 'CREATE EXTENSION renderchain');
($code, undef, $err) = driver('render', @prompt, '-d', 'dbname=bare');
is($code, 4, 'no tables: exit code');
like($err, qr/create_tables|renderchain init/, 'no tables: says what to do');
is((driver('init', '-d', 'dbname=bare'))[0], 0, 'init mends it');
is((driver('init', '-d', 'dbname=bare'))[0], 0, 'and can be repeated');
is((driver('render', @prompt, '-d', 'dbname=bare', '--json'))[0], 0, 'then a render runs');

# Every command explains itself.
for my $command ([], ['init'], ['render'], ['show'], [ 'chain', 'list' ], [ 'chain', 'show' ], [ 'memory', 'get' ],
	[ 'memory', 'merge' ], [ 'memory', 'pin' ], [ 'memory', 'unpin' ], [ 'credits', 'grant' ],
	[ 'credits', 'balance' ], ['gc'], ['models'])
{
	my ($status, $out) = driver(@$command, '--help');
	is($status, 0, "@$command --help exits 0");
	like($out, qr/^usage: renderchain/, "@$command --help shows its usage");
}

done_testing();
