# An image is looked at once: a reference that was used before, and one that is the output of an
# earlier render, cost no call; another image, model or changed file does.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Test::More;

my $node = new_server('analyses');
my $url = model_server();
my $photo = write_file('photo.png', png_bytes(320, 240, [ 178, 84, 40 ]));
my $seen = 0;

# Render, and give the result with how often each task was asked.
sub render
{
	my (@words) = @_;
	my ($code, $out, $err) = driver('render', '--prompt', 'a modern house', '--json', @words);
	is($code, 0, "render @words") or diag("$out\n$err");
	my @calls = calls_of($url);
	my %asked;
	$asked{ $_->{stage} }++ for @calls[ $seen .. $#calls ];
	$seen = @calls;
	my $data = result_of($out)->{data};
	my %stages = map { ($_->{stage} . ($_->{part} ? " $_->{part}" : '') => $_) } @{ $data->{stageEvents} };
	return ($data, \%stages, \%asked);
}

my ($first, $stages, $asked) = render('--chain', 'villa', '--reference', $photo);
is($asked->{image_understanding}, 1, 'a new reference is looked at');
is($stages->{'image_understanding reference 1'}{outcome}, undef, 'and recorded as such');
my $looked = $first->{imageAnalysis}{references}[0];

(my $second, $stages, $asked) = render('--chain', 'villa', '--reference', $photo);
is($asked->{image_understanding}, undef, 'the same reference is not looked at again');
is($stages->{'image_understanding reference 1'}{outcome}, 'cached', 'which is recorded');
is($stages->{'image_understanding reference 1'}{status}, 'success', 'as a success');
is_deeply($second->{imageAnalysis}{references}[0], $looked, 'with the same analysis');

# The usual iteration: the reference is the last output.
(my $output = $second->{imageUrl}) =~ s{^file://}{};
(my $third, $stages, $asked) = render('--chain', 'villa', '--reference', $output);
is($asked->{image_understanding}, undef, 'an output is not looked at again when it is the reference');
is($stages->{'image_understanding reference 1'}{outcome}, 'cached', 'since extraction has seen it');
for my $key (qw(palette materials lighting temperature style geometry description))
{
	is(ref $third->{imageAnalysis}{references}[0]{$key}, ref $looked->{$key}, "its analysis has $key");
	ok(defined $third->{imageAnalysis}{references}[0]{$key}, 'and it is there');
}
is_deeply([ sort keys %{ $third->{pipelineMemory} } ], [qw(extractedAt geometry materials palette styleCodes)],
	'and what is remembered has no more than a memory has');

# Both at once, as references and as style.
(undef, $stages, $asked) = render('--reference', $photo, '--reference', $output, '--style', $photo);
is($asked->{image_understanding}, undef, 'several known images cost no call');
is($stages->{"image_understanding $_"}{outcome}, 'cached', "$_ is known") for 'reference 1', 'reference 2', 'style';

# By content, not by name.
my $copy = write_file('copy.png', read_file($photo));
(undef, undef, $asked) = render('--reference', $copy);
is($asked->{image_understanding}, undef, 'a copy is the same image');
write_file('copy.png', png_bytes(320, 240, [ 20, 84, 140 ]));
(undef, undef, $asked) = render('--reference', $copy);
is($asked->{image_understanding}, 1, 'another image of the same name is not');

# By model and by the version of the prompts.
sql($node, "UPDATE analysis_cache SET prompt_version = '0'");
(undef, undef, $asked) = render('--reference', $photo);
is($asked->{image_understanding}, 1, 'what other words have asked for is asked again');
sql($node, "UPDATE analysis_cache SET model = 'another'");
(undef, undef, $asked) = render('--reference', $photo);
is($asked->{image_understanding}, 1, 'what another model has seen is looked at again');

# What failed is not kept.
stop_models();
$url = model_server('--fault', 'image_understanding=400');
$seen = 0;
sql($node, 'DELETE FROM analysis_cache');
(undef, $stages, $asked) = render('--reference', $photo, '--skip', 'memory_extraction');
is($stages->{'image_understanding reference 1'}{status}, 'failed', 'a failed look is recorded');
is(sql($node, 'SELECT count(*) FROM analysis_cache'), '0', 'and not kept');

is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger holds');
done_testing();
