# Recipes: what a render keeps makes the same picture once more, to the byte, whoever ran it; inputs
# are held against their hashes, and what a recipe must not hold is not in it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use MIME::Base64 ();
use RenderchainScript;
use RenderchainTest;
use Test::More;

my $node = new_server('recipes');
my $url = model_server();
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
my $photo = write_file('photo.png', png_bytes(64, 48, [ 178, 84, 40 ]));
my $style = write_file('style.png', png_bytes(48, 48, [ 30, 60, 120 ]));

# Run a command against a model server: exit code, result, standard error.
sub run_at
{
	my ($at, $command, @words) = @_;
	my ($code, $out, $err) = driver($command, '--provider', 'local', '--provider-url', $at, '--json', @words);
	return ($code, result_of($out), $err);
}

# The recipe of a render, and its text.
sub recipe_of
{
	my ($id) = @_;
	my ($code, $out, $err) = driver('show', $id, '--recipe', '--json');
	is($code, 0, 'a recipe is shown') or diag($err);
	return (JSON::PP->new->utf8->decode($out), $out);
}

# The bytes of a render's picture.
sub picture
{
	my ($result) = @_;
	return read_file(scratch() . "/objects/$result->{data}{outputKey}");
}

# The stages that were run, and those that were skipped.
sub stages
{
	my ($id, $status) = @_;
	return sql($node, "SELECT string_agg(stage || rtrim(' ' || part), ', ' ORDER BY stage, part) FROM render_stages WHERE render_id = '$id' AND status = '$status'");
}

# The second render of a chain has a memory and a last turn besides its inputs.
run_at($url, 'render', '--chain', 'villa', '--prompt', 'a brick house by the sea');
my ($code, $first, $err) = run_at($url, 'render', '--chain', 'villa', '--prompt', 'the same house at dusk', '--reference', $photo, '--style', $style,
	'--quality', 'high', '--skip', 'validation', '--aspect-ratio', '4:3', '--tool', 'sketch,weight=2');
is($code, 0, 'a render with everything') or diag($err);
my $id = $first->{data}{renderId};
my ($recipe, $text) = recipe_of($id);
is($recipe->{prompt}, 'the same house at dusk', 'the recipe has the prompt as asked');
is($recipe->{finalPrompt}, $first->{data}{optimizedPrompt}, 'and as drawn');
is_deeply($recipe->{model}, { id => 'local-image-flash', provider => 'local', version => $recipe->{model}{version} }, 'the model');
like($recipe->{model}{version}, qr/./, 'with its version');
is_deeply($recipe->{parameters}, { quality => 'high', aspectRatio => '4:3', size => '1K', skipStages => { validation => JSON::PP::true },
		toolContext => { toolId => 'sketch', toolSettings => { weight => '2' } } }, 'the parameters');
is_deeply($recipe->{inputs}{references}, [ { path => $photo, mime => 'image/png', bytes => -s $photo, sha256 => sha256_hex(read_file($photo)) } ],
	'the reference with its hash');
is($recipe->{inputs}{style}{sha256}, sha256_hex(read_file($style)), 'the style with its');
ok(@{ $recipe->{memory}{palette} } > 0, 'the memory that was used');
is($recipe->{history}{sha256}, sha256_hex(read_file(scratch() . "/objects/$recipe->{history}{key}")), 'the picture that it goes on from');
ok($recipe->{history}{turn}{parts}, 'with what the model wrote around it');
is($recipe->{output}{sha256}, sha256_hex(picture($first)), 'what came of it');
like("$recipe->{driverVersion} $recipe->{extensionVersion} $recipe->{promptVersion}", qr/^\d+\.\d+\.\d+ \d+\.\d+\S* \d+/, 'and all versions');
is(sql($node, "SELECT metadata -> 'recipe' -> 'history' ? 'turn' FROM renders WHERE id = '$id'"), 'f', 'the last turn itself is kept only once');

# Once more, after the chain has gone on: the same picture, without the stages before it.
run_at($url, 'render', '--chain', 'villa', '--prompt', 'a green glass tower');
my $server = scripted_server($url);
($code, my $again, $err) = run_at($server, 'render', '--from-recipe', $id, '--output', scratch() . '/again.png');
is($code, 0, 'from the recipe of a render') or diag($err);
is($err, '', 'without a word');
is(sha256_hex(picture($again)), sha256_hex(picture($first)), 'the same picture to the byte');
is(sha256_hex(read_file(scratch() . '/again.png')), sha256_hex(picture($first)), 'which is written out, too');
is($again->{data}{chainId}, $first->{data}{chainId}, 'in the same chain');
is($again->{data}{chainPosition}, 4, 'at its end');
is($again->{data}{repeats}, $id, 'recorded as made from that recipe');
is(stages($again->{data}{renderId}, 'success'), 'image_generation, memory_extraction, model_routing, storage', 'only what makes the picture is run');
is(stages($again->{data}{renderId}, 'skipped'), 'image_understanding reference 1, image_understanding style, prompt_optimization, semantic_parsing, validation',
	'the rest is skipped');
is(scalar(my @sent = asked($server)), 2, 'two requests are all that is paid');
like((driver('show', $again->{data}{renderId}, '--text'))[1], qr/^  repeats +$id$/m, 'show says what it repeats');
my ($its) = recipe_of($again->{data}{renderId});
is_deeply({ %$its, map { $_ => 0 } qw(renderId chainPosition repeats output) }, { %$recipe, map { $_ => 0 } qw(renderId chainPosition repeats output) },
	'its own recipe is the same');

# From a file, into another chain, by a worker.
my $file = write_file('recipe.json', $text);
my $queued = submit('--from-recipe', $file, '--chain', 'elsewhere', '--provider', 'local');
is(end_of(start_worker('--drain', '--provider', 'local', '--provider-url', $url)), 0, 'a worker draws a recipe');
my $done = result_of((driver('show', $queued, '--json'))[1]);
is(sha256_hex(picture($done)), sha256_hex(picture($first)), 'to the byte');
is($done->{data}{chainPosition}, 1, 'where it was asked to');
my ($from_worker) = recipe_of($queued);
is($from_worker->{finalPrompt}, $recipe->{finalPrompt}, 'and keeps one of its own');

# The stages are paid again where that is asked for.
($code, my $anew, $err) = run_at($url, 'render', '--from-recipe', $file, '--analyze', '--chain', 'anew');
is($code, 0, 'analyzed anew') or diag($err);
like(stages($anew->{data}{renderId}, 'success'), qr/prompt_optimization, semantic_parsing/, 'with the stages before the picture');
is(sha256_hex(picture($anew)), sha256_hex(picture($first)), 'which say the same again here');

# Inputs that are not what they were.
my $renders = sql($node, 'SELECT count(*) FROM renders');
rename $photo, "$photo.moved" or die $!;
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $file);
is($code, 3, 'a reference that is gone');
like($err, qr/photo\.png.*Say where .*--reference FILE/s, 'is named, with what to do');
write_file('photo.png', png_bytes(64, 48, [ 1, 2, 3 ]));
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $file);
is($code, 3, 'a reference that has changed');
like($err, qr/"\Q$photo\E" is not the image of the recipe: its SHA-256 is [0-9a-f]{64}, not $recipe->{inputs}{references}[0]{sha256}/, 'is told from the first');
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $file, '--reference', $photo, '--reference', $photo);
like($err, qr/2 references were given, and the recipe has 1/, 'as many as there were');
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $file, '--mask', $photo);
like($err, qr/--mask was given, and the recipe has no such image/, 'and none that were not');
is(sql($node, 'SELECT count(*) FROM renders'), $renders, 'before anything is reserved');
($code, my $moved, $err) = run_at($url, 'render', '--from-recipe', $file, '--reference', "$photo.moved");
is($code, 0, 'one that has moved is found where the option says') or diag($err);
is(sha256_hex(picture($moved)), sha256_hex(picture($first)), 'and gives the same picture');
my $gone = scratch() . "/objects/$recipe->{history}{key}";
rename $gone, "$gone.moved" or die $!;
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $file, '--reference', "$photo.moved");
is($code, 1, 'without the picture that it goes on from');
like($err, qr/the picture that the recipe goes on from cannot be had/, 'it is not drawn');
rename "$gone.moved", $gone or die $!;

# Images that were part of the request, and addresses with secrets, are known by their hash.
my $data = 'data:image/png;base64,' . MIME::Base64::encode_base64(read_file($style), '');
($code, my $inline, $err) = run_at($url, 'render', '--prompt', 'a house', '--quick', '--reference', $data);
my ($small, $small_text) = recipe_of($inline->{data}{renderId});
unlike($small_text, qr/base64/, 'bytes are not in a recipe');
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $inline->{data}{renderId});
is($code, 3, 'such an image');
like($err, qr/does not hold an image of its inputs \(data\).*--reference; its SHA-256 is $small->{inputs}{references}[0]{sha256}/s, 'has to be given again');
($code, my $given, $err) = run_at($url, 'render', '--from-recipe', $inline->{data}{renderId}, '--reference', $style);
is(sha256_hex(picture($given)), sha256_hex(picture($inline)), 'for the same picture');
my $pictures = scripted_server($url, { path => '^/style', reply => read_file($style), headers => { 'Content-Type' => 'image/png' } });
(my $signed = $pictures) =~ s{^http://}{http://someone:password@};
($code, my $fetched, $err) = run_at($url, 'render', '--prompt', 'a house', '--quick', '--reference', "$pictures/style.png?X-Signature=secret", '--allow-private-urls');
is($code, 0, 'an image by an address with a signature') or diag($err);
($small, $small_text) = recipe_of($fetched->{data}{renderId});
unlike($small_text, qr/secret/, 'the signature is not kept');
is($small->{inputs}{references}[0]{name}, "$pictures/style.png", 'the rest of the address is');
ok(!exists $small->{inputs}{references}[0]{url}, 'and is none to fetch from');

# A corrected picture is told what it was told.
my $strict = scripted_server($url, { path => 'generateContent', body => '"valid"', times => 1, reply => { candidates => [ { finishReason => 'STOP',
		content => { role => 'model', parts => [ { text => JSON::PP->new->encode({ valid => JSON::PP::false, score => 0.1, errors => ['too dark'],
			warnings => [], corrections => ['make it brighter'] }) } ] } } ] } });
($code, my $bright, $err) = run_at($strict, 'render', '--prompt', 'a dark house', '--quality', 'high');
is($bright->{data}{correction}{kept}, 'correction', 'a second picture is kept');
($small) = recipe_of($bright->{data}{renderId});
is_deeply($small->{corrections}, ['make it brighter'], 'with what had to be corrected');
($code, $again, $err) = run_at($url, 'render', '--from-recipe', $bright->{data}{renderId});
is(sha256_hex(picture($again)), sha256_hex(picture($bright)), 'it is drawn once more, at once');

# A picture that another driver took over has the recipe of when it was drawn.
for my $case ([ 'as it was', sub { } ], [ 'that has changed', sub { sql($node, "SELECT renderchain.pin_memory(id, '{\"note\": \"later\"}') FROM render_chains WHERE name = 'villa'") } ])
{
	my ($what, $change) = @$case;
	my $hanging = model_server('--fault', 'memory_extraction=hang');
	my $taken = submit('--prompt', 'the house in spring', '--chain', 'villa', '--provider', 'local');
	my $worker = start_worker('--provider', 'local', '--provider-url', $hanging);
	wait_until(sub { sql($node, "SELECT count(*) FROM render_stages WHERE render_id = '$taken' AND stage = 'storage' AND status = 'success'") eq '1' }, 'the picture is recorded');
	$worker->{run}->signal('KILL');
	end_of($worker);
	expire_leases($node);
	$change->();
	is(end_of(start_worker('--drain', '--provider', 'local', '--provider-url', $url)), 0, 'another worker takes a picture over');
	my $whole = result_of((driver('show', $taken, '--json'))[1]);
	($small) = recipe_of($taken);
	ok($small->{history}{sha256} && $small->{history}{turn}, 'with the last turn that was told');
	like($small->{model}{version}, qr/./, 'and the version of the model');
	($code, $again, $err) = run_at($url, 'render', '--from-recipe', $taken);
	is($code, $what eq 'as it was' ? 0 : 3, "a memory $what") or diag($err);
	if ($code) { like($err, qr/it was kept without memory/, 'is not known any more'); }
	else { is(sha256_hex(picture($again)), sha256_hex(picture($whole)), 'gives the same picture'); }
}

# Videos.
($code, my $video, $err) = run_at($url, 'video', '--prompt', 'a brick house at dusk', '--duration', '4', '--first-frame', $style, '--aspect-ratio', '9:16');
is($code, 0, 'a video') or diag($err);
($small) = recipe_of($video->{data}{renderId});
is_deeply($small->{parameters}, { aspectRatio => '9:16', quality => 'standard', durationSeconds => 4, size => '720p' }, 'has its parameters');
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $video->{data}{renderId});
like($err, qr/the recipe is of a video.*Use renderchain video/s, 'and is no image');
($code, $again, $err) = run_at($url, 'video', '--from-recipe', $video->{data}{renderId});
is($code, 0, 'it is made once more') or diag($err);
is(stages($again->{data}{renderId}, 'success'), 'memory_extraction, model_routing, storage, video_generation', 'without the stages before it');
is($again->{data}{selectedModel}, $video->{data}{selectedModel}, 'by its model');
is(sha256_hex(picture($again)), sha256_hex(picture($video)), 'to the byte');

# A size that was not reserved for is not asked for.
for my $case ([ 'render', '4K', sub { } ], [ 'render', 'huge', sub { } ], [ 'video', '1080p', sub { $_[0]->{model}{id} = $video->{data}{selectedModel}; $_[0]->{type} = 'video' } ])
{
	my ($command, $size, $change) = @$case;
	my %larger = (%$recipe, inputs => {}, history => undef, parameters => { quality => 'standard', size => $size }, model => { %{ $recipe->{model} } });
	$change->(\%larger);
	my $asked = calls_of($url);
	($code, my $refused, $err) = run_at($url, $command, '--from-recipe', write_file('larger.json', JSON::PP->new->encode(\%larger)));
	is($code, 1, "a recipe of size $size at standard quality") or diag($err);
	like($err, qr/model_routing failed \(rejected\): the recipe's size is "$size", which \S+ does not make at quality standard/, 'is refused');
	is(scalar(calls_of($url)), $asked, 'before anything is asked of the model');
	is($refused->{data}{creditsCost}, 0, 'and costs nothing');
}

# A final prompt that the model does not take is not changed for another one.
($code, undef, $err) = run_at($url, 'render', '--from-recipe', write_file('wordy.json', JSON::PP->new->encode({ %$recipe, inputs => {}, history => undef, finalPrompt => 'brick ' x 4000 })));
is($code, 1, 'a final prompt that is too long') or diag($err);
like($err, qr/model_routing failed \(rejected\): the recipe's final prompt has more characters than local-image-flash takes.*--analyze/, 'is refused');

# What cannot be followed.
sql($node, "UPDATE models SET retired = '2020-01-01', successor = 'local-image-pro', definition = definition || '{\"retired\": \"2020-01-01\", \"successor\": \"local-image-pro\"}' WHERE id = 'local-image-flash'");
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $id, '--reference', "$photo.moved");
is($code, 6, 'a model that is retired');
like($err, qr/model "local-image-flash" is retired.*Its successor is local-image-pro/s, 'is refused with its successor');
($code, $again, $err) = run_at($url, 'render', '--from-recipe', $id, '--reference', "$photo.moved", '--model', 'local-image-pro');
is($again->{data}{selectedModel}, 'local-image-pro', 'which may be named') or diag($err);
my $failed = sql($node, "SELECT id FROM renders WHERE status = 'failed' LIMIT 1");
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $failed);
is($code, 5, 'a render without a recipe');
like($err, qr/has no recipe.*It is failed/s, 'is said to have none');
for my $case ([ '{"version": 2}', qr/this is no recipe of version 1/ ], [ '[]', qr/JSON/ ],
	[ JSON::PP->new->encode({ %$recipe, leftOut => ['memory'] }), qr/not whole: it was kept without memory/ ])
{
	($code, undef, $err) = run_at($url, 'render', '--from-recipe', write_file('odd.json', $case->[0]));
	is($code, 3, 'a file that is no recipe');
	like($err, $case->[1], 'is refused');
}
for my $option ([ '--prompt', 'x' ], [ '--quality', 'high' ], ['--quick'])
{
	($code, undef, $err) = run_at($url, 'render', '--from-recipe', $id, @$option);
	is($code, 2, "@$option");
	like($err, qr/$option->[0] cannot be given with --from-recipe/, 'is for the recipe to say');
}

# A recipe has an end, whatever is remembered.
my $large = sql($node, "SELECT render_id FROM renderchain.submit_render('{\"prompt\": \"x\", \"chainName\": \"large\"}')");
driver('cancel', $large);
my ($chain) = sql($node, "SELECT chain_id FROM renders WHERE id = '$large'");
sql($node, "UPDATE renders SET status = 'completed', output_url = 'x', context_data = jsonb_build_object('pipelineMemory', jsonb_build_object('notes', repeat('x', 400000))) WHERE id = '$large'");
($code, my $bounded, $err) = run_at($url, 'render', '--prompt', 'a house', '--quick', '--chain', $chain, '--model', 'local-image-pro');
is($code, 0, 'a chain that remembers a lot') or diag($err);
($small, $small_text) = recipe_of($bounded->{data}{renderId});
cmp_ok(length $small_text, '<', 262144, 'has recipes of bounded size');
is_deeply($small->{leftOut}, [ 'memory' ], 'that say what is left out');

sql($node, "UPDATE models SET definition = definition - 'maxPromptChars'");
my $wordy = scripted_server($url, { body => '"optimizedPrompt"', times => 1, reply => { candidates => [ { finishReason => 'STOP', content => { role => 'model',
		parts => [ { text => JSON::PP->new->encode({ optimizedPrompt => 'a brick house, ' x 20000, negativePrompt => '' }) } ] } } ] } });
($code, $bounded, $err) = run_at($wordy, 'render', '--prompt', 'a house', '--quick', '--model', 'local-image-pro');
is($code, 0, 'a model that writes a lot') or diag($err);
($small, $small_text) = recipe_of($bounded->{data}{renderId});
cmp_ok(length $small_text, '<', 262144, 'gives a recipe of bounded size');
is_deeply($small->{leftOut}, ['finalPrompt'], 'that says so');
($code, undef, $err) = run_at($url, 'render', '--from-recipe', $bounded->{data}{renderId});
is($code, 3, 'and is not drawn as it stands');
like($err, qr/without finalPrompt.*--analyze/s, 'but with --analyze');

# Who acts for users does not take recipes from them: they name what is others'.
my $refusal = $node->psql('postgres', qq{SELECT renderchain.submit_own('{"prompt": "x", "recipe": {}}', '11111111-2222-3333-4444-555555555555')}, stderr => \my $words);
like($words, qr/recipe is not for users/, 'nor by HTTP');

done_testing();
