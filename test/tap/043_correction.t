# The quality loop: a validation that finds errors has a second picture drawn, once; the better one
# is kept, and both are recorded. What dies in between is paid for once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use RenderchainScript;
use RenderchainTest;
use Test::More;

my $node = new_server('correction');
my $url = model_server();
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '100');

# A rule that answers a validation with a score.
sub judgement
{
	my ($score, @errors) = @_;
	my $json = JSON::PP->new->encode({ valid => @errors ? JSON::PP::false : JSON::PP::true, score => $score, errors => \@errors,
		warnings => [], corrections => [ map { "mend: $_" } @errors ] });
	return { body => '"valid"', times => 1, reply => { candidates => [ { content => { parts => [ { text => $json } ] }, finishReason => 'STOP' } ] } };
}

# Render against rules: the result, and the requests for pictures.
sub render
{
	my ($rules, @words) = @_;
	my $server = scripted_server($url, @$rules);
	my ($code, $out, $err) = driver('render', '--prompt', 'a brick house', '--user', $user, '--quality', 'high', '--provider', 'local',
		'--provider-url', $server, '--json', @words);
	is($code, 0, 'completes') or diag($err);
	return (result_of($out)->{data}, grep { $_->{body} =~ /responseModalities/ } asked($server));
}

# All rows of a render, as words.
sub rows
{
	my ($data) = @_;
	return sql($node, "SELECT string_agg(concat_ws(' ', stage, NULLIF(part, ''), status), ', ' ORDER BY stage, part) FROM render_stages
		WHERE render_id = '$data->{renderId}' AND stage IN ('image_generation', 'validation', 'memory_extraction', 'storage')");
}

my @both = ('image_generation correction success', 'image_generation success');
my ($data, @sent) = render([ judgement(0.4, 'no door'), judgement(0.9) ], '--chain', 'villa');
is(scalar(@sent), 2, 'errors: drawn twice');
like($sent[1]{body}, qr/Correct: mend: no door/, 'the second time with the corrections');
is($data->{correction}{kept}, 'correction', 'the better one is kept');
is($data->{correction}{first}{score} . ' ' . $data->{correction}{correction}{score}, '0.4 0.9', 'both judgements are in the result');
is($data->{validation}{score}, 0.9, 'its validation is the result\'s');
like($data->{outputKey}, qr/output-1-correction\.png$/, 'and so is its picture');
like(rows($data), qr/image_generation success, image_generation correction success, memory_extraction success, memory_extraction correction success/,
	'both are recorded');
is(sql($node, "SELECT string_agg(state || ' ' || (key ~ 'correction')::text, ', ' ORDER BY key) FROM stored_objects WHERE render_id = '$data->{renderId}'
	AND state = 'live'"), 'live true', 'one picture is live');
is($data->{creditsCost}, sql($node, "SELECT credits FROM models WHERE id = 'local-image-flash'"), 'at the price of one');
my ($code, $out) = driver('show', $data->{renderId}, '--text');
like($out, qr/drawn twice, score 0.40 and 0.90; the second one is kept/, 'show says so');
is((driver('gc', '--json'))[0], 0, 'the other one is removed');

($data, @sent) = render([ judgement(0.4, 'no door'), judgement(0.2, 'no roof', 'no sky') ], '--chain', 'villa');
is(scalar(@sent), 2, 'never drawn more than twice');
is($data->{correction}{kept}, 'first', 'a second one that is worse is not kept');
is($data->{validation}{score}, 0.4, 'nor its validation');
unlike($data->{outputKey}, qr/correction/, 'nor its picture');
ok($data->{consistency}{score} > 0, 'how near it is to the chain is in the result');
($code, $out) = driver('show', $data->{renderId}, '--text');
like($out, qr/consistent +\d+ %, palette \d+ %/, 'and shown');
is(sql($node, "SELECT metadata -> 'consistency' ->> 'score' FROM renders WHERE id = '$data->{renderId}'") > 0, 1, 'and stored');

($data, @sent) = render([ judgement(1) ], '--chain', 'villa');
is(scalar(@sent), 1, 'no errors: drawn once');
unlike(rows($data), qr/correction/, 'and nothing is recorded of a second one');
($data, @sent) = render([ judgement(0.1, 'no door') ], '--quality', 'standard');
is(scalar(@sent), 1, 'standard quality is not validated, nor drawn twice');

# A second picture that fails leaves the first one.
($data, @sent) = render([ judgement(0.4, 'no door'), { body => 'Correct: ', status => 400, reply => { error => { code => 400, message => 'no' } } } ]);
is($data->{validation}{score}, 0.4, 'a second one that fails leaves the first');
like(rows($data), qr/image_generation correction failed/, 'which is recorded');

# A driver that dies while the second one is drawn: the first is taken over, the second not sent again.
my $server = scripted_server($url, judgement(0.4, 'no door'), { body => 'Correct: ', act => 'hang' });
my $id = submit('--prompt', 'a brick house', '--user', $user, '--quality', 'high');
my $worker = start_worker('--provider', 'local', '--provider-url', $server);
wait_until(sub { scalar grep { $_->{body} =~ /Correct: / } asked($server) }, 'the second picture is asked for');
wait_until(sub { sql($node, "SELECT count(*) FROM render_stages WHERE render_id = '$id' AND stage = 'storage' AND status = 'success'") > 0 }, 'the first is stored');
$worker->{run}->signal('KILL');
end_of($worker);
expire_leases($node);
my $second = scripted_server($url);
($code, $out) = driver('worker', '--drain', '--provider', 'local', '--provider-url', $second, '--json');
is($code, 0, 'another worker goes on') or diag($out);
is(sql($node, "SELECT status || ' ' || (output_key ~ 'output-1[.]') FROM renders WHERE id = '$id'"), 'completed true', 'with the first picture');
is(scalar(my @again = grep { $_->{body} =~ /responseModalities/ } asked($second)), 0, 'and draws none');

is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
done_testing();
