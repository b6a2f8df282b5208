# What a model server does wrong: an optional stage falls back, generation fails the
# render with a refund, and money is never spent twice.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Test::More;

my $node = new_server('faults');
my $user = '11111111-2222-3333-4444-555555555555';
my $photo = write_file('photo.png', png_bytes(64, 48, [ 178, 84, 40 ]));
driver('credits', 'grant', '--user', $user, '--amount', '100');

# Render against a server with faults: exit code, result, calls, standard error.
sub render_with
{
	my ($faults, @words) = @_;
	my $url = model_server(map { ('--fault', $_) } @$faults);
	# Nothing is known of the photograph, so that it is looked at.
	sql($node, 'DELETE FROM analysis_cache');
	my ($code, $out, $err) = driver('render', '--chain', 'villa', '--prompt', 'a brick house', '--user', $user,
		'--reference', $photo, '--quality', 'high', '--json', @words);
	my @calls = $faults->[0] && grep(/hang/, @$faults) ? () : calls_of($url);
	stop_models();
	return ($code, result_of($out), \@calls, $err);
}

# Balance and reservation of the user, and the problems of the ledger.
sub credits
{
	return sql($node, "SELECT balance || '/' || reserved || ' ' || (SELECT count(*) FROM renderchain.check_ledger())
		FROM credit_accounts WHERE user_id = '$user'");
}

# The rows of one stage of a render.
sub recorded
{
	my ($result, $stage) = @_;
	return sql($node, "SELECT string_agg(status || ' ' || coalesce(outcome, ''), ', ' ORDER BY part) FROM render_stages
		WHERE render_id = '$result->{data}{renderId}' AND stage = '$stage'");
}

# Optional stages: the failure is recorded and the render goes on.
for my $case ([ 'semantic_parsing', '404', 'failed rejected' ], [ 'image_understanding', 'malformed', 'failed malformed' ],
	[ 'prompt_optimization', 'blocked', 'failed blocked' ], [ 'validation', 'truncated-json', 'failed malformed' ],
	[ 'memory_extraction', 'empty', 'failed empty' ])
{
	my ($stage, $fault, $recorded) = @$case;
	# the reference must be looked at each time
	sql($node, 'DELETE FROM analysis_cache');
	my ($code, $result) = render_with(["$stage=$fault"]);
	is($code, 0, "$stage $fault: the render completes");
	is(recorded($result, $stage), $recorded, "$stage $fault: recorded");
}
is(sql($node, "SELECT context_data ? 'pipelineMemory' FROM renders r WHERE EXISTS (SELECT FROM render_stages s
	WHERE s.render_id = r.id AND s.stage = 'memory_extraction' AND s.status = 'failed')"), 'f',
	'a failed extraction saves no memory');

# How long a stage waits is said by the server's settings.
sql($node, "ALTER DATABASE postgres SET renderchain.stage_timeouts = 'validation=1s'");
{
	my ($code, $result) = render_with(['validation=hang']);
	is($code, 0, 'a stage that hangs is given up after its timeout');
	is(recorded($result, 'validation'), 'failed unknown', 'which is recorded');
	cmp_ok(sql($node, "SELECT duration_ms FROM render_stages WHERE render_id = '$result->{data}{renderId}' AND stage = 'validation'"),
		'<', 60000, 'long before that of its model');
}
sql($node, 'ALTER DATABASE postgres RESET renderchain.stage_timeouts');

# What certainly was not done is sent again.
for my $fault ('503', '429', '500')
{
	my ($code, $result, $calls) = render_with(["image_generation#1=$fault"]);
	is($code, 0, "generation $fault once: completes");
	is(scalar(grep { $_->{stage} eq 'image_generation' } @$calls), 2, "generation $fault once: sent twice");
}

# What fails generation fails the render, refunds, and leaves no object.
my $before = credits();
my $objects = sql($node, 'SELECT count(*) FROM stored_objects');
# On a chain a request that is refused for what it holds goes once more without the last turn.
for my $case ([ '400', 'rejected', 2 ], [ 'blocked', 'blocked', 1 ], [ 'refused-image', 'blocked', 1 ], [ 'text', 'empty', 2 ],
	[ 'malformed', 'malformed', 1 ], [ 'cut', 'unknown', 1 ], [ 'reset', 'unknown', 1 ], [ 'huge', 'malformed', 1 ])
{
	my ($fault, $outcome, $sent) = @$case;
	my ($code, $result, $calls, $err) = render_with(["image_generation=$fault"]);
	is($code, 1, "generation $fault: exit code");
	ok(!$result->{success}, "generation $fault: not a success");
	is(recorded($result, 'image_generation'), "failed $outcome", "generation $fault: outcome");
	is(scalar(grep { $_->{stage} eq 'image_generation' } @$calls), $sent, "generation $fault: sent $sent times");
	like($err, qr/image_generation failed \($outcome\)/, "generation $fault: said");
	is(credits(), $before, "generation $fault: refunded");
}
is(sql($node, 'SELECT count(*) FROM stored_objects'), $objects, 'no object is left');
is(sql($node, "SELECT string_agg(r.id || ' ' || s.stage || ' ' || s.status || coalesce(' ' || s.error::text, ''), E'\\n') FROM renders r LEFT JOIN render_stages s ON s.render_id = r.id WHERE r.status IN ('pending', 'processing')"), '', 'nothing is left running');
my @files = split /\n/, `find '@{[ scratch() ]}/objects' -type f`;
is(scalar(@files), sql($node, "SELECT count(*) FROM stored_objects WHERE state = 'live'"), 'files and objects agree');

# A server that is not there at all.
{
	local $ENV{RENDERCHAIN_PROVIDER_URL} = 'http://127.0.0.1:9';
	local $ENV{RENDERCHAIN_PROVIDER} = 'local';
	my ($code, $out, $err) = driver('render', '--prompt', 'a house', '--user', $user, '--json');
	is($code, 1, 'unreachable provider: exit code');
	like($err, qr/unreachable/, 'unreachable provider: said');
	is(credits(), $before, 'unreachable provider: refunded');
}

done_testing();
