# The chain's last turn as conversation history: the picture and what the model wrote around it go
# back verbatim, and where that is refused the request goes without it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MIME::Base64 ();
use RenderchainScript;
use RenderchainTest;
use Test::More;

my $node = new_server('history');
my $url = model_server();
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';

# Render through a server: the result, and the request for the picture that was sent last.
sub render
{
	my ($at, @words) = @_;
	my ($code, $out, $err) = driver('render', '--prompt', 'a brick house', '--quick', '--provider', 'local', '--provider-url', $at, '--json', @words);
	is($code, 0, 'renders') or diag($err);
	my @asked = grep { $_->{body} =~ /responseModalities/ } asked($at);
	return (result_of($out)->{data}, map { JSON::PP->new->utf8->decode($_->{body}) } @asked);
}

# What is recorded of the history of a render.
sub recorded
{
	my ($data) = @_;
	return sql($node, "SELECT concat_ws(' ', output -> 'history' ->> 'sent', output -> 'history' ->> 'why') FROM render_stages
		WHERE render_id = '$data->{renderId}' AND stage = 'image_generation'");
}

my $server = scripted_server($url);
my ($first, $request) = render($server, '--chain', 'villa');
is(scalar(@{ $request->{contents} }), 1, 'a chain begins without history');
is(recorded($first), '', 'and nothing is recorded of it');

($server) = scripted_server($url);
my ($second, $again) = render($server, '--chain', 'villa');
my $contents = $again->{contents};
is(join(' ', map { $_->{role} } @$contents), 'user model user', 'then the last turn goes before');
my ($picture) = grep { $_->{inlineData} } @{ $contents->[1]{parts} };
ok($picture->{thoughtSignature}, 'with the signature of the picture');
is(unpack('H*', MIME::Base64::decode_base64($picture->{inlineData}{data})), unpack('H*', read_file(scratch() . "/objects/$first->{outputKey}")),
	'and the picture as it is stored');
is($contents->[0]{parts}[0]{text}, sql($node, "SELECT metadata ->> 'optimizedPrompt' FROM renders WHERE id = '$first->{renderId}'"), 'after what was said');
is(recorded($second), 'true', 'recorded as sent');

# A branch goes on from its parent.
($server) = scripted_server($url);
my ($branch, $from_parent) = render($server, '--parent', $first->{renderId});
my ($its) = grep { $_->{inlineData} } @{ $from_parent->{contents}[1]{parts} };
is($its->{inlineData}{data}, $picture->{inlineData}{data}, 'a branch is told the turn of its parent');

# Refused: once more without it, which is recorded; nothing is drawn twice.
($server) = scripted_server($url, { body => '"role":"model"', status => 400,
	reply => { error => { code => 400, message => 'Image part is missing a thought_signature in content position 2, part position 1.', status => 'INVALID_ARGUMENT' } } });
my ($third, @two) = render($server, '--chain', 'villa');
is(scalar(@two), 2, 'a refused history: asked twice');
is(scalar(@{ $two[1]{contents} }), 1, 'the second time without it');
is(recorded($third), 'false HTTP 400: Image part is missing a thought_signature in content position 2, part position 1.', 'recorded with the words');

# Not there any more, or too large with the rest.
sql($node, q{UPDATE renders SET output_key = 'ab/none.png' WHERE status = 'completed' AND chain_position = 4});
($server) = scripted_server($url);
my ($fourth, $plain) = render($server, '--chain', 'villa');
is(scalar(@{ $plain->{contents} }), 1, 'a picture that is gone: a plain request');
like(recorded($fourth), qr/^false could not open/, 'and why is recorded');
sql($node, q{UPDATE models SET definition = jsonb_set(definition, '{maxInlineBytes}', '10000') WHERE id = 'local-image-flash'});
($server) = scripted_server($url);
my ($fifth, $small) = render($server, '--chain', 'villa');
is(scalar(@{ $small->{contents} }), 1, 'more than the model takes: a plain request');
like(recorded($fifth), qr/^false with it the request would be larger/, 'and why is recorded');

# What the model wrote may be too much by itself.
sql($node, q{UPDATE models SET definition = jsonb_set(definition, '{maxInlineBytes}', '1000000') WHERE id = 'local-image-flash'});
($server) = scripted_server($url, { body => 'responseModalities', reply => { candidates => [ { content => { parts => [ { text => 'x' x 2000000 },
	{ inlineData => { mimeType => 'image/png', data => MIME::Base64::encode_base64(png_bytes(16, 9, [ 1, 2, 3 ]), '') } } ] } } ] } });
render($server, '--chain', 'talker');
($server) = scripted_server($url);
my ($sixth, $silent) = render($server, '--chain', 'talker');
is(scalar(@{ $silent->{contents} }), 1, 'more words than the model takes: a plain request');
like(recorded($sixth), qr/^false the request is \d+ bytes/, 'and why is recorded');

# What the model writes around a picture is kept up to a size; the picture is kept without more than that.
my $data = MIME::Base64::encode_base64(png_bytes(16, 9, [ 1, 2, 3 ]), '');
my $large = { candidates => [ { finishReason => 'STOP', content => { parts => [ { text => 'Here it is.' },
	{ inlineData => { mimeType => 'image/png', data => $data }, thoughtSignature => 'x' x (5 << 20) } ] } } ], modelVersion => 'v' x 5000 };
($server) = scripted_server($url, { body => 'responseModalities', times => 1, reply => $large });
my $id = submit('--prompt', 'a brick house', '--quick', '--chain', 'wordy');
my $worker = start_worker('--drain', '--provider', 'local', '--provider-url', $server);
is(end_of($worker), 0, 'a signature of 5 MB');
my ($end) = grep { $_->{event} eq 'end' } events_of($worker->{out});
is($end->{status}, 'completed', 'loses no picture') or diag($worker->{out});
like($end->{warning}, qr/has 52\d{5} bytes, of which at most 4194304 are kept/, 'and is warned of');
cmp_ok(sql($node, "SELECT length(metadata::text) + (SELECT max(length(output::text)) FROM render_stages WHERE render_id = '$id') FROM renders WHERE id = '$id'"),
	'<', 20000, 'without being stored');
like(sql($node, "SELECT output ->> 'turnLeftOut' FROM render_stages WHERE render_id = '$id' AND stage = 'image_generation'"), qr/bytes.*52\d{5}/,
	'which its stage says');
($server) = scripted_server($url);
my ($next, $without) = render($server, '--chain', 'wordy');
is(scalar(@{ $without->{contents} }), 1, 'the next render goes without it');
is(recorded($next), 'false what the model wrote with it was too large to be kept', 'and says why');

# A body over the limit is not sent at all.
my $noise = write_file('noise.png', png_bytes(64, 48, [ 1, 2, 3 ]));
sql($node, q{UPDATE models SET definition = jsonb_set(definition, '{maxInlineBytes}', '300') WHERE id = 'local-image-flash'});
($server) = scripted_server($url);
my ($code, $out, $err) = driver('render', '--prompt', 'a house', '--reference', $noise, '--quick', '--provider', 'local', '--provider-url', $server, '--json');
is($code, 1, 'a body over the limit');
like($err, qr/image_generation failed \(rejected\): the request is \d+ bytes with its images, and model "local-image-flash" takes 300/, 'is refused with both sizes');
is(scalar(my @none = grep { $_->{body} =~ /responseModalities/ } asked($server)), 0, 'and not sent');

done_testing();
