# Videos end to end: both protocols, frames with which they begin and end, chains that videos and
# images share, operations that end badly, polls that fail, and drivers that die.
use strict;
use warnings;
use File::Copy;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run qw(start timeout);
use JSON::PP;
use POSIX qw(mkfifo);
use RenderchainScript;
use RenderchainTest;
use Test::More;

my $node = new_server('video');
my $url = model_server('--canned');
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '1000');
my $red = write_file('red.png', png_bytes(160, 90, [ 200, 30, 30 ]));
my $blue = write_file('blue.png', png_bytes(160, 90, [ 30, 30, 200 ]));

# Make a video through a server: exit code, result, standard error.
sub video
{
	my ($at, @words) = @_;
	my ($code, $out, $err) = driver('video', '--prompt', 'a brick house at dusk', '--user', $user, '--provider', 'local', '--provider-url', $at,
		'--json', @words);
	my $result = result_of($out);
	return ($code, $result, $err);
}

# The stages of a render, as words.
sub stages
{
	my ($id) = @_;
	return sql($node, "SELECT string_agg(concat_ws(' ', stage, NULLIF(part, ''), status), ', ' ORDER BY stage, part) FROM render_stages WHERE render_id = '$id'");
}

# Seconds and pictures a second of an MP4: its track's sample count and duration.
sub duration
{
	my ($bytes) = @_;
	my ($scale, $length) = $bytes =~ /mvhd....(?:.{8})(.{4})(.{4})/s or return 'no MP4';
	return unpack('N', $length) / unpack('N', $scale);
}

# Text alone, by the fast model over Interactions.
my $server = scripted_server($url);
my $file = scratch() . '/out.mp4';
my ($code, $result, $err) = video($server, '--chain', 'villa', '--duration', '4', '--output', $file);
is($code, 0, 'a video from words alone') or diag($err);
is($result->{data}{type}, 'video', 'is a video');
is($result->{data}{selectedModel}, 'local-video-fast', 'by the fast model');
like($result->{data}{videoUrl}, qr/output-1\.mp4$/, 'stored as MP4');
is(duration(read_file($file)), 4, 'as long as asked for');
is(stages($result->{data}{renderId}), 'memory_extraction success, model_routing success, prompt_optimization success, semantic_parsing success, '
	  . 'storage success, video_generation success', 'with the stages of a video');
ok(@{ $result->{data}{pipelineMemory}{palette} } > 0, 'what it shows is remembered');
is($result->{data}{creditsCost}, 4, 'at its price');
my ($start) = grep { $_->{path} =~ /interactions$/ } asked($server);
my $body = JSON::PP->new->decode($start->{body});
is($body->{generation_config}{video_config}{task}, 'text_to_video', 'asked for as text_to_video');
is_deeply($body->{response_format}, { type => 'video', aspect_ratio => '16:9', resolution => '720p', delivery => 'uri' }, 'in its shape');
my @wrong = grep { ($_->{headers}{'x-goog-api-key'} // '') ne 'local' } grep { $_->{path} =~ /interactions|files/ } asked($server);
is(scalar(@wrong), 0, 'with the key in a header of every request');
ok((grep { $_->{path} =~ m{^/v1beta/files/[^/]+:download\?alt=media$} } asked($server)), 'fetched below our own base URL');

# What it shows is read from one of its frames; of a file that cannot be decoded the model is shown all, as it may know better.
my ($looked) = grep { $_->{body} =~ /Rendered video/ } asked($server);
like($looked->{body}, qr{Rendered video, one of its frames:.*"image/png"}s, 'from one of its frames');
unlike($looked->{body}, qr{video/mp4}, 'and not from the file');
$server = scripted_server($url, { path => 'download', reply => "\0\0\0\x18ftypisom\0\0\0\0isommp42\0\0\0\x10moov" . 'x' x 8 . "\0\0\3\xf0mdat" . 'x' x 1000 });
($code, $result, $err) = video($server, '--duration', '4');
is($code, 0, 'a file that cannot be decoded') or diag($err);
($looked) = grep { $_->{body} =~ /Rendered video/ } asked($server);
like($looked->{body}, qr{Rendered video \(one of its frames will do\):.*"video/mp4"}s, 'is shown as it is');

# A text model that looks at pictures only sees the frame too.
{
	local $ENV{OPENAI_API_KEY} = 'local';
	my $pictures_only = scripted_server($url);
	($code, $result, $err) = video($url, '--duration', '4', '--text-provider', 'openai', '--text-provider-url', $pictures_only);
	is($code, 0, 'videos with a text model of the openai protocol') or diag($err);
	ok(@{ $result->{data}{pipelineMemory}{palette} } > 0, 'are remembered');
	my ($seen) = grep { $_->{body} =~ /Rendered video/ } asked($pictures_only);
	like($seen->{body}, qr{data:image/png}, 'by their frame');
}

# References, first and last frame; the standard model over predictLongRunning.
$server = scripted_server($url);
($code, $result, $err) = video($server, '--chain', 'villa', '--duration', '8', '--quality', 'high', '--first-frame', $red, '--last-frame', $blue,
	'--reference', $red, '--reference', $blue, '--aspect-ratio', '9:16', '--output', $file);
is($code, 0, 'frames and references') or diag($err);
is($result->{data}{selectedModel}, 'local-video', 'by the standard model');
is(duration(read_file($file)), 8, 'eight seconds');
like(stages($result->{data}{renderId}), qr/image_understanding first frame success, image_understanding last frame success, image_understanding reference 1 success/,
	'every image was looked at');
ok($result->{data}{imageAnalysis}{merged}{palette}, 'what they say was merged');
my ($prompts) = grep { $_->{body} =~ /What the images agree on/ } asked($server);
is(scalar(() = $prompts->{body} =~ /inlineData/g), 4, 'the prompt was written by who saw all four images in one call');
($start) = grep { $_->{path} =~ /predictLongRunning/ } asked($server);
$body = JSON::PP->new->decode($start->{body});
is_deeply($body->{parameters}{durationSeconds}, 8, 'a length that is a number');
is($body->{parameters}{resolution} . ' ' . $body->{parameters}{aspectRatio}, '1080p 9:16', 'in its shape');
is(join(' ', sort keys %{ $body->{instances}[0] }), 'image lastFrame prompt', 'begins and ends with the frames');
like(sql($node, "SELECT output ->> 'operation' FROM render_stages WHERE render_id = '$result->{data}{renderId}' AND stage = 'video_generation'"),
	qr{^models/local-video/operations/}, 'its operation is recorded');

# An image goes on where the video ended, and the other way round.
my ($image_code, $image_out) = driver('render', '--prompt', 'the same', '--chain', 'villa', '--user', $user, '--provider', 'local', '--provider-url', $url, '--json');
is($image_code, 0, 'an image on the chain of a video');
is(result_of($image_out)->{data}{chainPosition}, 3, 'takes the next place');

# A poll that fails is no video that fails.
$server = scripted_server($url, { path => 'operations/', times => 1, status => 503, reply => { error => { code => 503, message => 'busy' } } },
	{ path => 'operations/', times => 1, act => 'reset' }, { path => 'operations/', times => 1, reply => 'no JSON' },
	{ path => 'download', times => 1, act => 'cut', reply => 'x' x 1000 });
($code, $result, $err) = video($server, '--quality', 'high', '--duration', '4', '--quick');
is($code, 0, 'polls that fail, and a download that is cut') or diag($err);
is(scalar(my @starts = grep { $_->{path} =~ /predictLongRunning/ } asked($server)), 1, 'it was started once');

# What is not there yet may come.
$server = scripted_server($url, map { { path => $_, times => 2, status => 404, reply => { error => { code => 404, message => 'not found' } } } }
	  'operations/', 'download');
($code, $result, $err) = video($server, '--quality', 'high', '--duration', '4', '--quick');
is($code, 0, 'an operation and a file that are not there at first') or diag($err);
is(scalar(@starts = grep { $_->{path} =~ /predictLongRunning/ } asked($server)), 1, 'are waited for');

# An operation that has ended without anything that can be fetched as a video is not asked for again; a video in part is, a few times.
for my $case (
	[ 'no MP4', { path => 'download', reply => 'x' x 1000 }, qr/no whole MP4 video \(1000 bytes\)/, 'download', 1 ],
	[ 'part of an MP4', { path => 'download', reply => "\0\0\0\x10ftypisom\0\0\0\0" }, qr/no whole MP4 video \(16 bytes\)/, 'download', 4 ],
	[ 'no file', { path => 'operations/', reply => { name => 'models/m/operations/o', done => JSON::PP::true, response => {
		generateVideoResponse => { generatedSamples => [ { video => { uri => 'https://example.test/a.mp4' } } ] } } } },
		qr/no file of the provider/, 'operations/', 1 ])
{
	my ($what, $rule, $words, $path, $times) = @$case;
	$server = scripted_server($url, $rule);
	($code, $result, $err) = video($server, '--quality', 'high', '--duration', '4', '--quick');
	is($code, 1, "$what: fails");
	like($err, qr/video_generation failed \(malformed\): .*$words/, "$what: said");
	is(scalar(my @asked = grep { $_->{path} =~ $path } asked($server)), $times, "$what: asked for $times times");
}

# A download that is elsewhere is followed without the key.
my $other = scripted_server($url);
$server = scripted_server($url, { path => 'download', status => 302, headers => { Location => "$other/v1beta/files/x:download" }, reply => '' });
($code, $result, $err) = video($server, '--duration', '4', '--quick');
is($code, 1, 'a redirect of the download');
my @elsewhere = asked($other);
is(scalar(@elsewhere) > 0, 1, 'is followed');
is((grep { defined $_->{headers}{'x-goog-api-key'} } @elsewhere) + 0, 0, 'without the key');

# Where it leads may be said by a path, and be good for a while only: each try begins where the provider has the file.
my $whole = "\0\0\0\x18ftypisom\0\0\0\0isommp42\0\0\0\x10moov" . 'x' x 8 . "\0\0\3\xf0mdat" . 'x' x 1000;
$server = scripted_server($url, { path => 'download', times => 1, status => 302, headers => { Location => '/signed/1' }, reply => '' },
	{ path => 'download', status => 302, headers => { Location => '/signed/2' }, reply => '' },
	{ path => 'signed/1', times => 1, act => 'cut', reply => $whole }, { path => 'signed/1', status => 403, reply => '{}' },
	{ path => 'signed/2', reply => $whole });
($code, $result, $err) = video($server, '--duration', '4', '--quick');
is($code, 0, 'a redirect to a path, which ends') or diag($err);
is(join(' ', map { $_->{path} =~ m{(signed/\d|download)} } asked($server)), 'download signed/1 download signed/2', 'is asked for anew');
is((grep { $_->{path} =~ /signed/ && defined $_->{headers}{'x-goog-api-key'} } asked($server)) + 0, 0, 'without the key');
# So is one that is refused where it leads, though not for ever: it may be meant so.
for my $case ([ 403, 1, 0 ], [ 400, 2, 0 ], [ 403, undef, 1, 3 ])
{
	my ($status, $times, $exit, $most) = @$case;
	$server = scripted_server($url, { path => 'download', status => 302, headers => { Location => '/signed/1' }, reply => '' },
		{ path => 'signed', ($times ? (times => $times) : ()), status => $status, reply => '{}' }, { path => 'signed', reply => $whole });
	($code, $result, $err) = video($server, '--duration', '4', '--quick');
	is($code, $exit, "a redirect to what is refused ($status, " . ($times // 'always') . ')') or diag($err);
	is(join(' ', map { $_->{path} =~ m{(signed|download)} } asked($server)), join(' ', ('download signed') x ($most // $times + 1)), 'begins where the provider has the file');
}
for my $odd ('httpx://127.0.0.1/', 'file:///etc/passwd', 'http://')
{
	$server = scripted_server($url, { path => 'download', status => 302, headers => { Location => $odd }, reply => '' });
	($code, $result, $err) = video($server, '--duration', '4', '--quick');
	is($code, 1, "a redirect to $odd");
	like($err, qr/HTTP 302/, 'is not followed');
}

# Neither to other addresses of this machine nor of its network, also where the provider is on this machine.
for my $private ('http://127.0.0.2:1/', 'http://[::1]:1/', 'http://10.0.0.1/', 'http://169.254.169.254/latest/')
{
	$server = scripted_server($url, { path => 'download', status => 302, headers => { Location => $private }, reply => '' });
	($code, $result, $err) = video($server, '--duration', '4', '--quick');
	is($code, 1, "a redirect to $private");
	like($err, qr/video_generation failed \(malformed\): the download is redirected to \Q$private\E, which is neither/, 'is refused at once');
	is(scalar(@elsewhere = grep { $_->{path} =~ /download/ } asked($server)), 1, 'and not asked for again');
}

# Operations that end badly.
my $credits = "SELECT balance || '/' || reserved FROM credit_accounts WHERE user_id = '$user'";
my $before = sql($node, $credits);
for my $case ([ 'blocked', 'high', 'blocked', qr/filtered/ ], [ 'empty', 'high', 'empty', qr/ended without a video/ ],
	[ 'text', 'high', 'overloaded', qr/internal server issue/ ], [ 'blocked', 'standard', 'blocked', qr/safety policy/ ],
	[ 'empty', 'standard', 'empty', qr/ended without a video/ ], [ '400', 'standard', 'rejected', qr/HTTP 400/ ])
{
	my ($fault, $quality, $outcome, $words) = @$case;
	my $faulty = model_server('--canned', '--fault', "video_generation=$fault");
	($code, $result, $err) = video($faulty, '--quality', $quality, '--duration', '4', '--quick');
	is($code, 1, "$quality, $fault: fails");
	like($err, qr/video_generation failed \($outcome\)/, "$quality, $fault: outcome");
	like($err, $words, "$quality, $fault: said");
	is(sql($node, $credits), $before, "$quality, $fault: refunded");
}

# A pause between polls that is longer than the model's time.
sql($node, q{SELECT renderchain.load_models('{"models": [{"id": "patient", "provider": "local", "kind": "video", "tier": "fast", "rank": -1, "wire": "veo",
	"credits": 1, "pollSeconds": 100000, "timeoutSeconds": 2}]}')});
$server = scripted_server($url, { path => 'predictLongRunning', reply => { name => 'operations/x' } }, { path => 'operations/x', reply => { name => 'operations/x' } });
($code, $result, $err) = video($server, '--model', 'patient', '--duration', '4', '--quick');
is($code, 1, 'a pause longer than the time of the model');
like($err, qr/has not ended in 2 s/, 'ends with that time');

my $id;
# Polls that fail to the end of that time, also those that ask for more patience: the operation may have ended well.
for my $case ([ 429, {} ], [ 429, { 'Retry-After' => 400 } ], [ 404, {} ])
{
	my ($status, $headers) = @$case;
	$server = scripted_server($url, { path => 'predictLongRunning', reply => { name => 'operations/x' } },
		{ path => 'operations/x', status => $status, headers => $headers, reply => { error => { code => $status, message => 'slow' } } });
	$id = submit('--video', '--prompt', 'a house', '--user', $user, '--model', 'patient', '--duration', '4', '--quick');
	driver('worker', '--drain', '--provider', 'local', '--provider-url', $server, '--json');
	is(sql($node, "SELECT r.status || ' ' || s.outcome FROM renders r JOIN render_stages s ON s.render_id = r.id AND s.stage = 'video_generation'
		WHERE r.id = '$id'"), 'failed unknown', 'polls that fail are no reason to start another operation');
	is(scalar(my @once = grep { $_->{path} =~ /predictLongRunning/ } asked($server)), 1, 'which is started once');
}

# Names that are none.
for my $name ('', 'operations/a b', "operations/\e[31m", 'operations/../x', 'operations/x?y', 'operations/' . 'x' x 2000)
{
	$server = scripted_server($url, { path => 'predictLongRunning', reply => { name => $name } });
	($code, $result, $err) = video($server, '--quality', 'high', '--duration', '4', '--quick');
	like($err, qr/video_generation failed \(malformed\): the answer names no operation/, 'an operation named ' . substr($name, 0, 20) =~ s/\e/ESC/r);
}

# A worker that dies: another one goes on with the operation.
$server = scripted_server($url, { path => 'operations/', act => 'hang' });
$id = submit('--video', '--prompt', 'a house', '--user', $user, '--quality', 'high', '--duration', '4');
my $worker = start_worker('--provider', 'local', '--provider-url', $server);
wait_until(sub { sql($node, "SELECT count(*) FROM render_stages WHERE render_id = '$id' AND output ? 'operation'") == 1 }, 'the operation is recorded');
$worker->{run}->signal('KILL');
end_of($worker);
expire_leases($node);
$server = scripted_server($url);
my ($drained, $said) = driver('worker', '--drain', '--provider', 'local', '--provider-url', $server, '--json');
is($drained, 0, 'another worker goes on') or diag($said);
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'completed', 'to the end');
is(scalar(my @again = grep { $_->{path} =~ /predictLongRunning/ } asked($server)), 0, 'without starting it again');
is(sql($node, "SELECT string_agg(DISTINCT output ->> 'operation', ' ') ~ ' ' FROM render_stages WHERE render_id = '$id' AND stage = 'video_generation'"), 'f',
	'by the operation\'s name');

# A worker that is told to stop while the program that takes the frame has ended its output, but not itself.
{
	my $dir = scratch() . '/stuck';
	mkdir $dir or die $!;
	# Which nobody opens for writing.
	mkfifo("$dir/never", 0600) or die $!;
	my ($program) = grep { -x } map { "$_/renderchain" } split /:/, $ENV{PATH};
	copy($program, "$dir/renderchain") or die $!;
	write_file('stuck/renderchain-localmodel', "#!/bin/sh\nexec >&-\n: > $dir/started\nexec cat <$dir/never\n");
	chmod 0755, "$dir/renderchain", "$dir/renderchain-localmodel";
	$id = submit('--video', '--prompt', 'a house', '--user', $user, '--duration', '4');
	$worker = { run => start([ "$dir/renderchain", 'worker', '--provider', 'local', '--provider-url', $url, '--grace', '1' ], '<', \undef,
			'>', \my $out, '2>', \my $said, timeout(180)) };
	wait_until(sub { -e "$dir/started" }, 'the frame is being taken');
	$worker->{run}->signal('TERM');
	is(end_of($worker), 0, 'a worker whose frame is never done ends when told');
	is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'pending', 'and gives its render back');
}

# Mistakes on the command line.
for my $case ([ [ '--duration', '5' ], qr/not 4, 6 or 8/ ], [ [ '--last-frame', $red ], qr/needs --first-frame/ ], [ [ '--mask', $red ], qr/unknown option/ ])
{
	($code, $result, $err) = video($url, @{ $case->[0] });
	is($code, 2, "@{$case->[0]}: refused");
	like($err, $case->[1], "@{$case->[0]}: said");
}

is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
done_testing();
