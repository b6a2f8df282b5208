# One command makes a picture, a row, its stages, its object and its memory; the next
# render of the chain is told that memory.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Digest::SHA qw(sha256_hex);
use Test::More;

my $node = new_server('render');
my $url = model_server();
my $photo = write_file('photo.png', png_bytes(320, 240, [ 178, 84, 40 ]));

my ($code, $out, $err) = driver('render', '--chain', 'villa', '--prompt',
	'modern concrete house with oak door, morning', '--reference', $photo, '--quality', 'high', '--json');
is($code, 0, 'render exits 0') or diag("$out\n$err");
my $result = result_of($out);
ok($result->{success}, 'the last line is the result');
my $data = $result->{data};
is($data->{chainPosition}, 1, 'first position of a new chain');
for my $key (qw(imageUrl designIntent imageAnalysis validation pipelineMemory selectedModel processingTime stageEvents))
{
	ok(defined $data->{$key}, "the result has $key");
}
my %stages = map { $_->{stage} => $_ } @{ $data->{stageEvents} };
for my $stage (qw(semantic_parsing image_understanding prompt_optimization model_routing
	image_generation validation memory_extraction storage))
{
	is($stages{$stage}{status}, 'success', "$stage succeeded");
	cmp_ok($stages{$stage}{durationMs}, '>=', 0, "$stage has a duration");
}

(my $path = $data->{imageUrl}) =~ s{^file://}{};
my $picture = read_file($path);
is(substr($picture, 0, 8), "\x89PNG\r\n\x1a\n", 'the picture is a PNG');
is(sql($node, "SELECT sha256 FROM stored_objects WHERE state = 'live' AND key = '$data->{outputKey}'"),
	sha256_hex($picture), 'its hash is in stored_objects');
is(sql($node, "SELECT status || ' ' || chain_position FROM renders WHERE id = '$data->{renderId}'"),
	'completed 1', 'its row is complete');
is(sql($node, "SELECT count(*) FROM render_stages WHERE render_id = '$data->{renderId}' AND duration_ms IS NULL AND status <> 'skipped'"),
	'0', 'every stage has its duration');
my $remembered = sql($node, "SELECT renderchain.get_memory_from_chain(chain_id)->'palette'->>0 FROM renders WHERE id = '$data->{renderId}'");
like($remembered, qr/^.+ #[0-9a-f]{6}$/, 'the chain remembers a measured palette');

like(sql($node, "SELECT renderchain.get_memory_from_chain(chain_id)->>'extractedAt' FROM renders WHERE id = '$data->{renderId}'"),
	qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'and when it was extracted');

my @palette = @{ $data->{pipelineMemory}{palette} };
my %values = map { /(#[0-9a-f]{6})$/ ? ($1 => 1) : () } @palette;
is(scalar(keys %values), scalar(@palette), 'no colour is in a palette twice') or diag("@palette");

my @before = calls_of($url);
my ($code2, $out2, $err2) = driver('render', '--chain', 'villa', '--prompt', 'the same at dusk', '--json');
is($code2, 0, 'the second render exits 0') or diag("$out2\n$err2");
is(result_of($out2)->{data}{chainPosition}, 2, 'it has the next position');
my @calls = calls_of($url);
@calls = @calls[ scalar(@before) .. $#calls ];
for my $stage (qw(prompt_optimization image_generation))
{
	my ($call) = grep { $_->{stage} eq $stage } @calls;
	like($call->{prompt}, qr/Memory of this chain \(JSON\): .*\Q$remembered\E/s, "$stage was told the memory");
}
ok(!(grep { $_->{stage} eq 'validation' } @calls), 'standard quality is not validated');

my ($code3, $out3) = driver('render', '--chain', $data->{chainId}, '--parent', $data->{renderId},
	'--prompt', 'the same in snow', '--quick', '--reference', $photo, '--style', $photo, '--json');
is($code3, 0, 'a quick branch exits 0');
my $quick = result_of($out3);
my %quick = map { $_->{stage} => 1 } @{ $quick->{data}{stageEvents} };
ok($quick{prompt_optimization_simple}, 'quick uses the simple optimization');
ok(!$quick{semantic_parsing} && !$quick{memory_extraction} && !$quick{validation} && !$quick{prompt_optimization},
	'and leaves the others out');
is(sql($node, "SELECT parent_render_id FROM renders WHERE id = '$quick->{data}{renderId}'"), $data->{renderId},
	'it branches from the first render');

my ($code4, $out4) = driver('render', '--chain', 'tools', '--prompt', 'section of the house', '--tool',
	'render-section-drawing,scale=1:50', '--skip', 'semantic_parsing', '--output', scratch() . '/out.png', '--json');
is($code4, 0, 'a tool render exits 0');
is(result_of($out4)->{data}{selectedModel}, 'local-image-pro', 'exact tools are routed to the pro model');
is(substr(read_file(scratch() . '/out.png'), 1, 3), 'PNG', '--output writes the picture');

my ($code5, $out5) = driver('render', '--chain', 'tools', '--prompt', 'a house', '--model', 'local-image-pro', '--json');
is(result_of($out5)->{data}{selectedModel}, 'local-image-pro', '--model forces the model');

my @key = ('render', '--chain', 'once', '--prompt', 'a house', '--idempotency-key', 'k1', '--json');
my (undef, $first) = driver(@key);
my ($again, $second) = driver(@key);
is($again, 0, 'the same idempotency key exits 0');
is(result_of($second)->{data}{renderId}, result_of($first)->{data}{renderId}, 'and gives the same render');
is(sql($node, "SELECT count(*) FROM renders r JOIN render_chains c ON c.id = r.chain_id WHERE c.name = 'once'"), '1', 'only one was made');
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');

done_testing();
