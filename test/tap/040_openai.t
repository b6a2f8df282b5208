# The provider openai end to end: the local model server speaks its protocol too. Servers that
# speak it without schemas, eyes or pictures are played by a script in front of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use RenderchainScript;
use RenderchainTest;
use Test::More;

my $node = new_server('openai');
my $url = model_server();
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '1000');
delete @ENV{qw(RENDERCHAIN_PROVIDER RENDERCHAIN_PROVIDER_URL)};
$ENV{OPENAI_API_KEY} = 'local';
my $photo = write_file('photo.png', png_bytes(64, 48, [ 178, 84, 40 ]));
my $mask = write_file('mask.png', png_bytes(64, 48, [ 255, 255, 255 ]));

# Render with the provider openai at a URL: exit code, result, standard error.
sub render
{
	my ($at, @words) = @_;
	sql($node, 'DELETE FROM analysis_cache');
	my ($code, $out, $err) = driver('render', '--prompt', 'a brick house with an oak door', '--user', $user, '--provider', 'openai',
		'--provider-url', $at, '--json', @words);
	return ($code, result_of($out), $err);
}

# A column of a stage's row.
sub stage
{
	my ($result, $stage, $what) = @_;
	return sql($node, "SELECT $what FROM render_stages WHERE render_id = '$result->{data}{renderId}' AND stage = '$stage' ORDER BY part LIMIT 1");
}

my ($code, $result, $err) = render($url, '--quality', 'high', '--chain', 'villa');
is($code, 0, 'a picture from words alone') or diag($err);
is($result->{data}{selectedModel}, 'gpt-image-2.6-flare', 'by the model that the rules choose');
is(stage($result, 'image_generation', "(output ->> 'width') || 'x' || (output ->> 'height')"), '2752x1536', 'as large as its quality');
is(stage($result, 'semantic_parsing', 'model'), 'gpt-4.1-mini', 'and parsed by the text model');
is(stage($result, 'semantic_parsing', "output ? 'schema'"), 'f', 'which took the schema');
is($result->{data}{validation}{valid}, JSON::PP::true, 'what the validation says') or diag(JSON::PP->new->encode($result));
ok(@{ $result->{data}{pipelineMemory}{palette} } >= 5, 'there is a memory');

($code, $result, $err) = render($url, '--reference', $photo, '--style', $photo, '--mask', $mask, '--inpainting-prompt', 'a door', '--chain', 'villa');
is($code, 0, 'a picture from others, with a mask') or diag($err);
is(stage($result, 'image_understanding', 'status'), 'success', 'which were looked at');
is(stage($result, 'image_generation', "usage ->> 'images'"), '1', 'usage is recorded');
my @drawn = grep { $_->{stage} eq 'image_generation' } calls_of($url);
is(scalar(@drawn), 2, 'two pictures were asked for');

# A mask of another kind is refused before it is sent.
my $jpeg = write_file('mask.jpg', "\xff\xd8\xff\xe0" . "\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" . "\xff\xc0\0\x0b\x08\0\x10\0\x10\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0\x12\xff\xd9");
($code, $result, $err) = render($url, '--reference', $photo, '--mask', $jpeg);
is($code, 1, 'a mask that is no PNG');
like($err, qr/image_generation failed \(rejected\): the mask cannot be read as PNG/, 'is refused with words');

# Mixed by stage: a text model of one's own, pictures from elsewhere.
{
	local $ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
	($code, $result, $err) = render($url, '--text-provider', 'local', '--text-provider-url', $url);
	is($code, 0, 'two providers') or diag($err);
	is(stage($result, 'semantic_parsing', 'model'), 'local-vision', 'one is asked for text');
	is(stage($result, 'image_generation', 'model'), 'gpt-image-2.6-flare', 'the other one for the picture');
}

# What a server lacks is found out and said.
my $no_schema = scripted_server($url, { path => 'chat', body => 'response_format', status => 400,
	reply => { error => { message => 'response_format is not supported', code => undef } } });
($code, $result, $err) = render($no_schema);
is($code, 0, 'no schema') or diag($err);
is(stage($result, 'semantic_parsing', "status || ' ' || (output ->> 'schema')"), 'success in words', 'is asked for in words')
  or diag(stage($result, 'semantic_parsing', 'error'));
my $no_eyes = scripted_server($url, { path => 'chat', body => 'image_url', status => 500,
	reply => { error => { message => 'image input is not supported - hint: you may need to provide the mmproj' } } });
($code, $result, $err) = render($no_eyes, '--reference', $photo);
is($code, 0, 'no eyes: the fallback holds') or diag($err);
like(stage($result, 'image_understanding', 'error'), qr/image input is not supported.*sees no images; name one that does/, 'and it is said');
my $no_pictures = scripted_server($url, { path => 'images', status => 404, reply => { error => { code => 404, message => 'File Not Found' } } });
($code, $result, $err) = render($no_pictures);
is($code, 1, 'no pictures');
like($err, qr/the server draws no pictures; name another provider for them with --provider/, 'and it is said');

# How long to wait is said in more than one way; what is no use is not tried again.
for my $case ([ 'retry-after-ms', { 'retry-after-ms' => '40', 'retry-after' => '400' }, 2, 0 ],
	[ 'x-ratelimit-reset', { 'x-ratelimit-remaining-requests' => '0', 'x-ratelimit-reset-requests' => '40ms' }, 2, 0 ],
	[ 'a wait that is too long', { 'retry-after' => '400' }, 1, 1 ], [ 'x-should-retry', { 'x-should-retry' => 'false' }, 1, 1 ])
{
	my ($what, $headers, $sent, $exit) = @$case;
	my $limited = scripted_server($url, { path => 'generations', times => 1, status => 429, headers => $headers,
		reply => { error => { message => 'Rate limit reached', code => 'rate_limit_exceeded' } } });
	($code, $result, $err) = render($limited, '--quick');
	is($code, $exit, "$what: exit code") or diag($err);
	my @sent = grep { $_->{path} =~ /generations/ } asked($limited);
	is(scalar(@sent), $sent, "$what: sent $sent times");
	cmp_ok($sent[1]{time} - $sent[0]{time}, '>=', 0.039, "$what: not sooner") if $sent == 2;
}

# Redirects are not followed, so that the key stays where it belongs.
my $other = scripted_server($url);
my $redirected = scripted_server($url, { path => 'generations', status => 307, headers => { Location => "$other/v1/images/generations" }, reply => '' });
($code, $result, $err) = render($redirected, '--quick');
like($err, qr/HTTP 307: redirects are not followed/, 'a redirect is not followed');
is(scalar(my @none = asked($other)), 0, 'and the key went nowhere else');

is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
done_testing();
