# A chain explained in one file: its pictures are in it, whatever people and models wrote is
# escaped, what is missing is said, and a file that cannot be written leaves what was there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use MIME::Base64;
use Test::More;

my $node = new_server('report');
my ($code, $out, $err);
my $file = scratch() . '/report.html';

# Ask about the page; it is well-formed, so programs can.
sub xpath
{
	my ($query, $of) = @_;
	my ($answer, $said) = ('', '');
	IPC::Run::run([ 'xmllint', '--huge', '--xpath', $query , $of // $file ], '>', \$answer, '2>', \$said);
	chomp $answer;
	return $answer;
}
sub well_formed
{
	my ($of) = @_;
	my $said = '';
	return IPC::Run::run([ 'xmllint', '--huge', '--noout', $of ], '>', \$said, '2>', \$said) || !diag($said);
}
sub report
{
	my (@words) = @_;
	($code, $out, $err) = driver('report', @words);
	return $code;
}

# A chain without renders.
sql($node, q(INSERT INTO render_chains (name, description) VALUES ('empty', 'nothing <yet>')));
is(report('empty', '-o', $file), 0, 'an empty chain has a report') or diag($err);
ok(well_formed($file), 'which is well-formed');
like(read_file($file), qr/no renders yet.*remembers nothing yet|remembers nothing yet.*no renders yet/s, 'and says that it is empty');
like(read_file($file), qr/nothing &lt;yet&gt;/, 'its description is escaped');

# Pictures, a branch, pins.
model_server();
my $first = result_of((driver('render', '--chain', 'villa', '--prompt', 'white house', '--json'))[1])->{data};
my $second = result_of((driver('render', '--chain', 'villa', '--prompt', 'the same at dusk', '--json'))[1])->{data};
driver('memory', 'pin', 'villa', write_file('pin.json', '{"palette": ["signal red #c8102e"], "geometry": {"cameraAngle": "aerial"}}'));
result_of((driver('render', '--chain', 'villa', '--parent', $first->{renderId}, '--prompt', 'another branch', '--quick', '--json'))[1]);
is(report('villa', '--output', $file), 0, 'a chain has a report') or diag($err);
is_deeply([ @{ result_of($out) }{qw(renders pictures missing bytes)} ], [ 3, 3, 0, -s $file ], 'it says what is in it');
ok(well_formed($file), 'well-formed');
my $page = read_file($file);
for my $render ($first, $second)
{
	my $bytes = read_file(scratch() . "/objects/$render->{outputKey}");
	ok(index($page, 'data:image/png;base64,' . encode_base64($bytes, '')) > 0, "picture $render->{chainPosition} is in it, byte for byte");
}
is(xpath('count(//*[local-name()="article"])'), 3, 'an article for each render');
is(xpath('count(//*[local-name()="img"])'), 3, 'a picture in each');
is(xpath('count(//*[local-name()="script"])'), 0, 'no script');
is(xpath('count(//@*[(name()="src" or name()="href" or name()="action") and not(starts-with(., "data:") or starts-with(., "#"))])'), 0, 'nothing from elsewhere');
is(xpath('string(//*[@id="render-2"]//*[@class="chip gone"][1]/@title)'), $first->{pipelineMemory}{palette}[0], 'what changed: a colour is gone');
is(xpath('string(//*[@id="render-2"]//*[@class="chip added"][1]/@title)'), 'signal red #c8102e', 'another is new');
is(xpath('string(//*[@id="render-2"]//*[@class="chip added"]/*[local-name()="i"]/@style)'), 'background:rgb(200,16,46)', 'with its swatch');
is(xpath('count(//*[@id="render-2"]//*[@class="pinned"])'), 2, 'pins are marked where they hold');
is(xpath('count(//*[@id="render-1"]//*[@class="pinned"])'), 0, 'and not where they did not yet');
like(xpath('string(//*[@id="render-2"]//*[local-name()="dd"][contains(., "aerial")])'), qr/^\S.* → aerial$/, 'a value was another one');
like(xpath('string(//*[@id="render-3"]//*[local-name()="h3"])'), qr/branches from 1/, 'a branch says where from');
is(xpath('count(//*[@id="consistency"]//*[local-name()="circle"])'), 1, 'the line of consistency has a dot for what can be compared');
like(xpath('string(//*[@id="render-1"]//*[local-name()="svg"])'), qr/image generation/, 'the stages are drawn');

# Waits, tries, attempts, answers that were known already, failures; the bars by their places.
my $id = submit('--prompt', 'timed', '--chain', 'timed');
sql($node, "UPDATE render_jobs SET created_at = '2026-01-01 00:00:00+00'");
sql($node, "SELECT renderchain.claim_renders('w', 1, '1 hour')");
sub at { return sprintf '2026-01-01T00:00:%06.3fZ', shift }
sub stages
{
	my ($attempt, @events) = @_;
	my $json = JSON::PP->new->encode(\@events);
	return sql($node, "SELECT renderchain.record_stages('$id', $attempt, \$x\$$json\$x\$)");
}
stages(1, { stage => 'semantic_parsing', status => 'success', startedAt => at(10), durationMs => 2000, model => 'm', cost => 0.25, output => { tries => 3 } },
	{ stage => 'image_understanding', part => 'style', status => 'success', outcome => 'cached', startedAt => at(10), durationMs => 1000, model => 'm' },
	{ stage => 'image_generation', status => 'failed', outcome => 'overloaded', startedAt => at(12), durationMs => 8000, model => 'p', error => { message => 'too <many>' } });
sql($node, "SELECT renderchain.fail_render('$id', 1, '{\"message\": \"x\"}', true)");
sql($node, "UPDATE render_jobs SET run_after = now()");
sql($node, "SELECT renderchain.claim_renders('w', 1, '1 hour')");
stages(2, { stage => 'image_generation', status => 'success', outcome => 'ok', startedAt => at(40), durationMs => 10000, model => 'p', cost => 1.5 },
	{ stage => 'validation', status => 'skipped', outcome => 'skipped' });
is(report('timed', '-o', $file), 0, 'a render with two attempts') or diag($err);
ok(well_formed($file), 'well-formed');
my $svg = '//*[@id="render-1"]//*[@class="timeline"]';
is(xpath("count($svg/*[local-name()='rect'])"), 4, 'a bar for each stage of each attempt');
# 10 s and 20 s were waited, 10 s and 10 s ran; waits take 18 % of the width: 6, 41, 12 and 41.
sub bar { my ($class, $what) = @_; return xpath("string($svg/*[local-name()='rect'][\@class='$class']/\@$what)") }
is(join(' ', map { bar('wave0 ', $_) } qw(x width)), '6.00% 8.20%', 'parsing stands after the first wait');
is(join(' ', map { bar('wave0 cached', $_) } qw(x width)), '6.00% 4.10%', 'understanding beside it, as known already');
is(join(' ', map { bar('wave2 failed', $_) } qw(x width)), '14.20% 32.80%', 'generation after it, as failed');
is(join(' ', map { bar('wave2 ', $_) } qw(x width)), '59.00% 41.00%', 'and in the second attempt after the second wait');
like(xpath("string($svg)"), qr/waited 20\.0 s.*3 tries.*known already.*too <many>.*attempt 2/s, 'in words, too');
like(xpath('string(//*[@id="render-1"])'), qr/Skipped: validation/, 'what was skipped is said');
like(xpath('string(//*[@id="models"])'), qr/semantic parsingm10.*\$0\.25.*image generationp21.*\$1\.50/s, 'models with calls, failures and costs') or diag(xpath('string(//*[@id="models"])'));
like(xpath('string(//*[@class="facts"][1])'), qr/cost\$1\.75/, 'the cost of the chain');

# The timelines alone.
my $drawing = scratch() . '/timed.svg';
is(report('timed', '-o', $drawing, '--svg'), 0, 'as an SVG file') or diag($err);
ok(well_formed($drawing), 'well-formed');
is(xpath('count(//*[local-name()="svg"])', $drawing), 4, 'with its timeline and waits');

# Whatever people and models wrote.
my $hostile = q{<script>alert(1)</script>"'><img src=x onerror=alert(1)>]]> &amp; </style></svg>};
sql($node, qq{INSERT INTO render_chains (name) VALUES (\$x\$$hostile\$x\$)});
my ($chain) = sql($node, q(SELECT id FROM render_chains WHERE name LIKE '<script>%'));
my $bad = submit('--chain', $chain, '--prompt', $hostile);
sql($node, "SELECT renderchain.claim_renders('w', 1, '1 hour')");
my $json = JSON::PP->new->encode({ outputKey => '../../etc/passwd', selectedModel => $hostile, memory => { palette => [ "$hostile #ff0000", "\e]0;x\a" ], materials => [$hostile], $hostile => { $hostile => $hostile }, number => 1e300, nothing => [ undef ] } });
sql($node, "SELECT renderchain.complete_render('$bad', 1, \$x\$$json\$x\$)");
my $failed = submit('--chain', $chain, '--prompt', 'x');
sql($node, "SELECT renderchain.claim_renders('w', 1, '1 hour')");
sql($node, "SELECT renderchain.fail_render('$failed', 1, jsonb_build_object('message', \$x\$$hostile\$x\$), false)");
is(report($chain, '-o', $file), 0, 'a hostile chain has a report') or diag($err);
ok(well_formed($file), 'well-formed');
is(xpath('count(//*[local-name()="script"])'), 0, 'no script');
is(xpath('count(//@*[starts-with(name(), "on")])'), 0, 'no handler');
is(xpath('count(//*[local-name()="img"])'), 0, 'no picture that is none');
like(xpath('string(//*[@id="render-1"]//*[local-name()="blockquote"])'), qr/\Q$hostile\E/, 'the prompt is there as it was written');
like(xpath('string(//*[@id="render-2"])'), qr/\Q$hostile\E/, 'and the message of the failure');
unlike(read_file($file), qr/[\x00-\x08\x0b-\x1f]/, 'no control characters');
like(xpath('string(//*[@id="render-1"]//*[@class="none"])'), qr/^picture missing/, 'a key that leads out of storage is not read');
like(xpath('string(//*[@id="render-2"]//*[@class="none"])'), qr/^no picture: the render is failed/, 'a render that failed has none');

# A picture that is gone.
unlink scratch() . "/objects/$second->{outputKey}" or die $!;
is(report('villa', '-o', $file), 0, 'a missing picture is no failure');
is_deeply([ @{ result_of($out) }{qw(pictures missing)} ], [ 2, 1 ], 'it is counted');
like(xpath('string(//*[@id="render-2"]//*[@class="none"])'), qr/^picture missing: /, 'and said');

# What cannot be.
is(report('villa'), 2, 'where it goes has to be said');
is(report('nowhere', '-o', $file), 5, 'an unknown chain is not found');
is(report('villa', '-o', scratch() . '/no/such/report.html'), 8, 'a directory that is not there');
my $kept = write_file('kept.html', 'kept');
is(report('nowhere', '-o', $kept), 5, 'an unknown chain');
is(read_file($kept), 'kept', 'leaves what was there');
is(report('villa', '-o', '/dev/full'), 8, 'a full disk is said');
is(report('empty', '-o', '-'), 0, 'standard output');
like($out, qr/\A<!DOCTYPE html>.*<\/html>\n\z/s, 'gets the page and nothing else');
is(join(' ', glob(scratch() . '/.renderchain-*')), '', 'nothing is left beside');

# A long chain.
sql($node, q(INSERT INTO render_chains (name) VALUES ('long')));
sql($node, q(INSERT INTO renders (prompt, status, chain_id, chain_position, output_key, context_data) SELECT 'p' || n, 'completed', (SELECT id FROM render_chains WHERE name = 'long'), n,
	(SELECT output_key FROM renders WHERE prompt = 'white house'), jsonb_build_object('pipelineMemory', jsonb_build_object('palette', jsonb_build_array('c' || n % 3))) FROM generate_series(1, 100) n));
is(report('long', '-o', $file), 0, 'a hundred renders');
is(result_of($out)->{pictures}, 100, 'with their pictures');
is(xpath('count(//*[local-name()="article"])'), 100, 'are all there');
done_testing();
