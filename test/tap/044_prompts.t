# Instructions and schemas from a directory: they are what is sent, they enter the version that
# analyses are kept by, and what cannot be used is refused before anything is reserved.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(mkfifo);
use RenderchainScript;
use RenderchainTest;
use Test::More;

my $node = new_server('prompts');
my $url = model_server('--canned');
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
my $photo = write_file('photo.png', png_bytes(64, 48, [ 178, 84, 40 ]));
my $directory = scratch() . '/words';
mkdir $directory or die $!;

# Render with a directory: exit code, standard error, the request for the look at the photograph.
sub render
{
	my (@words) = @_;
	my $server = scripted_server($url);
	my ($code, $out, $err) = driver('render', '--prompt', 'a house', '--reference', $photo, '--provider', 'local', '--provider-url', $server, '--json', @words);
	my ($look) = grep { $_->{body} =~ /"Reference image 1/ && $_->{body} =~ /temperature/ } asked($server);
	my $version = sql($node, "SELECT output ->> 'promptVersion' FROM render_stages WHERE stage = 'image_understanding' ORDER BY seq DESC LIMIT 1");
	return ($code, $err, $look ? $look->{body} : '', $version);
}

my ($code, $err, $look, $version) = render();
is($code, 0, 'the built-in words') or diag($err);
is($version, '2', 'have their version');
(undef, undef, $look) = render();
is($look, '', 'a photograph is looked at once');

write_file('words/image_understanding.txt', "Look closely.");
($code, $err, $look, $version) = render('--prompts', $directory);
is($code, 0, 'words of one\'s own') or diag($err);
like($look, qr/"systemInstruction":\{"role":"user","parts":\[\{"text":"Look closely\."\}\]\}/, 'are what is sent, and asked again');
like($version, qr/^2-[0-9a-f]{12}$/, 'with a version of their own');
my $first = $version;
write_file('words/image_understanding.txt', "Look more closely.");
(undef, undef, undef, $version) = render('--prompts', $directory);
isnt($version, $first, 'which says what they say');
{
	local $ENV{RENDERCHAIN_PROMPTS} = $directory;
	(undef, undef, $look) = render();
	is($look, '', 'the same words are not asked again');
}

my $renders = sql($node, 'SELECT count(*) FROM renders');
write_file('words/validation.json', '{"type": "object", "properties": {"valid": {"type": "boolean"}}}');
($code, $err) = render('--prompts', $directory);
is($code, 3, 'a schema that lacks something');
like($err, qr/the schema of validation lacks the property "/, 'is refused with its name');
write_file('words/validation.json', '{');
like((render('--prompts', $directory))[1], qr/the schema of validation is no JSON object/, 'and so is one that is none');
unlink "$directory/validation.json";
mkfifo("$directory/validation.json", 0600) or die $!;
like((render('--prompts', $directory))[1], qr/is a pipe or device, not a file/, 'and a pipe, which nobody may ever write to');
unlink "$directory/validation.json", "$directory/image_understanding.txt";
like((render('--prompts', $directory))[1], qr/neither STAGE.txt nor STAGE.json/, 'and a directory without any');
is(sql($node, 'SELECT count(*) FROM renders'), $renders, 'before anything is reserved');
done_testing();
