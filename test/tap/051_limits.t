# What a model cannot do is told before anything is paid: at submission, and by whoever runs a
# render whose models have changed since; and videos that go on from others.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use RenderchainScript;
use RenderchainTest;
use Test::More;

my $node = new_server('limits');
my $url = model_server('--canned');
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
my $photo = write_file('photo.png', png_bytes(64, 48, [ 178, 84, 40 ]));
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '1000');

# Run a command at a server: exit code, result, standard error.
sub run_at
{
	my ($at, $command, @words) = @_;
	my ($code, $out, $err) = driver($command, '--user', $user, '--provider', 'local', '--provider-url', $at, '--json', @words);
	return ($code, result_of($out), $err);
}

# Change a model.
sub set_model
{
	my ($id, $members) = @_;
	return sql($node, "UPDATE models SET definition = definition || '$members' WHERE id = '$id'");
}

set_model('local-image-flash', '{"maxReferences": 1, "maxPromptChars": 30}');
my ($code, $result, $err) = run_at($url, 'render', '--prompt', 'a house', '--quick', '--reference', $photo, '--style', $photo);
is($code, 0, 'more references than the fast model takes') or diag($err);
is($result->{data}{selectedModel}, 'local-image-pro', 'go to one that takes them');
is(sql($node, "SELECT output ->> 'reason' FROM render_stages WHERE stage = 'model_routing' AND render_id = '$result->{data}{renderId}'"),
	'the only model that takes so many references', 'as is recorded');
my $server = scripted_server($url);
for my $case ([ [ '--prompt', 'a house', '--reference', $photo, '--style', $photo ], qr/there are 2 references and style images, more than model "local-image-flash" takes.*At most 1/s ],
	[ [ '--prompt', 'a house with more words than it takes' ], qr/prompt has 37 characters, more than model "local-image-flash" takes.*At most 30: shorten it, or name another model/s ])
{
	($code, undef, $err) = run_at($server, 'render', '--model', 'local-image-flash', @{ $case->[0] });
	is($code, 3, 'one that is insisted on');
	like($err, $case->[1], 'is refused with what to do');
}
is(scalar(my @none = asked($server)), 0, 'nothing is asked of a model');

# An optimised prompt that the model does not take gives way to the user's own.
set_model('local-image-flash', '{"maxReferences": 14, "maxPromptChars": 10}');
($code, $result, $err) = run_at($url, 'render', '--prompt', 'a house', '--quick', '--model', 'local-image-flash');
is($code, 0, 'an optimised prompt that is too long') or diag($err);
cmp_ok(length $result->{data}{optimizedPrompt}, '>', 10, 'is not drawn');
is(sql($node, "SELECT renderchain.get_recipe('$result->{data}{renderId}') ->> 'finalPrompt'"), 'a house', 'but the prompt as it was asked');

# A worker whose models have changed since the render was submitted.
my $id = submit('--prompt', 'a house', '--user', $user, '--provider', 'local', '--model', 'local-image-flash', '--reference', $photo);
set_model('local-image-flash', '{"maxReferences": 0}');
$server = scripted_server($url);
is(end_of(start_worker('--drain', '--provider', 'local', '--provider-url', $server)), 0, 'a worker finds that out');
like(sql($node, "SELECT status || ': ' || error_message FROM renders WHERE id = '$id'"),
	qr/^failed: the number of references and style images is 1, and model "local-image-flash" has maxReferences 0 in the registry: leave some out, or take another model/, 'and says so');
is(scalar(@none = asked($server)), 0, 'before it asks a model');

# Lengths of videos.
set_model('local-video-fast', '{"durations": [4]}');
($code, $result, $err) = run_at($url, 'video', '--prompt', 'a house', '--quick', '--duration', '8');
is($result->{data}{selectedModel}, 'local-video', 'a length that the fast model has not goes to another') or diag($err);
my $videos = $result->{data};
set_model('local-video', '{"durations": [8]}');
($code, undef, $err) = run_at($url, 'video', '--prompt', 'a house', '--duration', '6');
is($code, 3, 'a length that none has');
like($err, qr/durationSeconds is 6, not a length of any model/, 'is refused');

# Going on from a video that was rendered here: by the name that its provider has for it, and by a
# model of its protocol.
$server = scripted_server($url);
($code, $result, $err) = run_at($server, 'video', '--prompt', 'it goes on', '--quick', '--duration', '8', '--previous-video', "key:$videos->{outputKey}");
is($code, 0, 'a video that goes on from one of Veo') or diag($err);
is($result->{data}{selectedModel}, 'local-video', 'is made by Veo');
my ($start) = grep { $_->{path} =~ /predictLongRunning/ } asked($server);
my $file = sql($node, "SELECT output ->> 'file' FROM render_stages WHERE render_id = '$videos->{renderId}' AND stage = 'video_generation'");
is(JSON::PP->new->decode($start->{body})->{instances}[0]{video}{uri}, "https://generativelanguage.googleapis.com/v1beta/$file:download?alt=media", 'from its file');
($code, $result, $err) = run_at($url, 'video', '--prompt', 'a house', '--quick', '--duration', '4');
my $first = $result->{data};
is($first->{selectedModel}, 'local-video-fast', 'a video of Interactions');
$server = scripted_server($url);
($code, $result, $err) = run_at($server, 'video', '--prompt', 'it goes on', '--quality', 'high', '--quick', '--duration', '4', '--previous-video', "key:$first->{outputKey}");
is($code, 0, 'and one that goes on from it') or diag($err);
($start) = grep { $_->{path} =~ m{/interactions$} } asked($server);
is(JSON::PP->new->decode($start->{body})->{previous_interaction_id},
	sql($node, "SELECT output ->> 'operation' FROM render_stages WHERE render_id = '$first->{renderId}' AND stage = 'video_generation' AND status = 'success'"), 'by its name');
is(sql($node, "SELECT output ->> 'reason' FROM render_stages WHERE stage = 'model_routing' AND render_id = '$result->{data}{renderId}'"),
	'the only model that supports the length', 'and by a model that can');

# What no service goes on from.
($code, undef, $err) = run_at($url, 'video', '--prompt', 'a house', '--previous-video', $photo);
is($code, 2, 'a file');
like($err, qr/services go on only from videos of their own: key:KEY/, 'is refused with what there is');
$server = scripted_server($url);
($code, undef, $err) = run_at($server, 'video', '--prompt', 'a house', '--duration', '4', '--previous-video', 'key:no/such');
is($code, 1, 'a key that is no video');
like($err, qr/"no\/such" is no video whose name at its provider is known here/, 'is told');
$id = sql($node, qq{SELECT render_id FROM renderchain.submit_render('{"prompt": "x", "type": "video", "provider": "local", "durationSeconds": 4, "previousVideo": {"path": "/tmp/x.mp4"}}')});
is(end_of(start_worker('--drain', '--provider', 'local', '--provider-url', $server)), 0, 'a worker is given a file');
like(sql($node, "SELECT error_message FROM renders WHERE id = '$id'"), qr/previousVideo is a file, and services go on only from videos of their own/, 'and refuses it');
($code, undef, $err) = run_at($server, 'video', '--prompt', 'a house', '--duration', '8', '--model', 'local-video', '--previous-video', 'interactions/x');
is($code, 1, 'a video of another protocol');
like($err, qr/the video to go on from is interactions\/x, and model "local-video" has wire "veo"/, 'is told, too');
is(scalar(@none = asked($server)), 0, 'and nothing of it is paid');

# A frame that makes the request of a video larger than its model takes.
set_model('local-video', '{"maxInlineBytes": 400}');
($code, undef, $err) = run_at($server, 'video', '--prompt', 'a house', '--quick', '--duration', '8', '--model', 'local-video', '--first-frame', $photo);
is($code, 1, 'a request that is too large');
like($err, qr/the request is \d+ bytes with its images, and model "local-video" takes 400/, 'is told');
is(scalar(grep { $_->{path} =~ /predictLongRunning/ } asked($server)), 0, 'and not sent');
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
done_testing();
