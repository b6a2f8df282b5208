# Renders of one chain that wait in the queue together: each is claimed when the one before has
# ended, and is made with what that one has left.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run qw(run);
use RenderchainTest;
use Test::More;

my $node = new_server('chains');

# Pairs of renders of a chain that were at work at the same time.
my $overlaps = q{SELECT count(*) FROM renders a JOIN renders b ON a.chain_id = b.chain_id AND a.chain_position < b.chain_position
	WHERE a.completed_at > b.started_at};
# How many colours a render has left in its memory, and how many of these the prompt of another one keeps.
sub colours
{
	my ($left, $kept) = @_;
	return sql($node, qq{SELECT count(*) > 0 AND count(*) = count(*) FILTER (WHERE strpos(k.metadata ->> 'optimizedPrompt', c) > 0)
		FROM renders l, jsonb_array_elements_text(l.context_data #> '{pipelineMemory,palette}') c, renders k
		WHERE l.prompt = '$left' AND k.prompt = '$kept'});
}

# Three of one chain at once, to a worker that has room for all, and one beside them.
my $url = model_server();
submit('--prompt', "$_ house", '--chain', 'villa') for 'first red brick', 'second', 'third';
submit('--prompt', 'other house', '--chain', 'hut');
my ($code, $out) = driver('status');
is(join(' ', map { result_of($out)->{$_} } qw(queued ready chained)), '4 2 2', 'status says how many wait for their chain');
my $worker = start_worker('--drain', '--concurrency', '8');
is(end_of($worker), 0, 'all are drained') or diag($worker->{err});
is(sql($node, q{SELECT string_agg(prompt, ', ' ORDER BY completed_at) FROM renders WHERE status = 'completed' AND prompt <> 'other house'}),
	'first red brick house, second house, third house', 'one after the other');
is(sql($node, $overlaps), '0', 'never two of a chain at once');
is(sql($node, q{SELECT string_agg(coalesce(s.output -> 'history' ->> 'sent', 'none'), ' ' ORDER BY r.chain_position)
	FROM renders r JOIN render_stages s ON s.render_id = r.id AND s.stage = 'image_generation' WHERE r.chain_id = renderchain.find_chain('villa')}),
	'none true true', 'the second and the third are shown the picture before them');
is(colours('first red brick house', 'second house'), 't', 'the second keeps every colour that the first has left');
is(colours('second house', 'third house'), 't', 'and the third those of the second');
is(colours('first red brick house', 'other house'), 'f', 'which others do not');
stop_models();

# Two workers that have room for all of a chain, whose renders come while they are at it.
$url = model_server('--canned', '--latency-ms', '20');
my @workers = map { start_worker('--concurrency', '8') } 1 .. 2;
$_->{says}->(qr/"event":"worker"/) for @workers;
submit('--prompt', "of $_", '--chain', 'long ' . $_ % 2, '--quick') for 1 .. 12;
wait_until(sub { sql($node, q{SELECT count(*) FROM renders WHERE status = 'completed' AND prompt LIKE 'of %'}) == 12 }, 'all are completed');
is(sql($node, $overlaps), '0', 'never two of a chain at once, of two workers');
is(sql($node, q{SELECT max(attempt) FROM render_jobs}), '1', 'each at the first attempt');
$_->{run}->signal('TERM') for @workers;
is(end_of($_), 0, 'a worker ends') for @workers;

# What somebody else runs: a worker that drains waits for it, since there is more behind it.
my $runs = sql($node, q{SELECT render_id FROM renderchain.run_render('{"prompt": "elsewhere", "chainName": "shared"}', 'somebody', '1 hour')});
my $behind = submit('--prompt', 'behind it', '--chain', 'shared', '--quick');
$worker = start_worker('--drain');
wait_until(sub { sql($node, q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%queue_status%' AND pid <> pg_backend_pid()}) == 1 },
	'it has found nothing to claim');
my $heard = '';
run([ 'psql', '-qXAt', '-c', 'LISTEN renderchain', '-c',
		qq(SELECT renderchain.complete_render('$runs', 1, '{"outputUrl": "u"}') ->> 'success') ], '>', \$heard) or die "psql failed\n";
like($heard, qr/notification "renderchain" with payload "\{"event": "ended", "render": "$runs", "schema": "public", "queued": true\}"/,
	'who listens hears that there is something to claim');
is(end_of($worker), 0, 'the worker ends') or diag($worker->{err});
is(sql($node, "SELECT status FROM renders WHERE id = '$behind'"), 'completed', 'and has run what was behind it');

# The other one ends between a claim that finds nothing and the look at what else there is, which is held up meanwhile.
$runs = sql($node, q{SELECT render_id FROM renderchain.run_render('{"prompt": "elsewhere", "chainName": "between"}', 'somebody', '1 hour')});
$behind = submit('--prompt', 'freed in between', '--chain', 'between', '--quick');
wait_until(sub { sql($node, q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'renderchain'}) == 0 }, 'no session of the first worker is left');
$worker = start_worker('--drain');
my $looking = q{FROM pg_stat_activity WHERE query LIKE '%queue_status%' AND pid <> pg_backend_pid()};
wait_until(sub { sql($node, "SELECT count(*) $looking") == 1 }, 'it waits for the other one');
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE stored_objects');
wait_until(sub { sql($node, "SELECT count(*) $looking AND wait_event_type = 'Lock'") == 1 }, 'it looks again');
$holder->query_safe(qq(SELECT renderchain.complete_render('$runs', 1, '{"outputUrl": "u"}') ->> 'success'; COMMIT));
is(end_of($worker), 0, 'the worker ends') or diag($worker->{err});
is(sql($node, "SELECT status FROM renders WHERE id = '$behind'"), 'completed', 'and has run what became free in between');
$holder->quit;

# Without an order they need not wait for each other.
stop_models();
$url = model_server('--canned', '--fault', 'image_generation=hang');
{
	local $ENV{PGOPTIONS} = '-c renderchain.chain_order=off';
	submit('--prompt', "at once $_", '--chain', 'loose', '--quick') for 1 .. 3;
	$worker = start_worker('--grace', '0');
	wait_until(sub { (grep { $_->{stage} eq 'image_generation' } calls_of($url)) == 3 }, 'all are generated at once');
}
pass('renderchain.chain_order = off');
$worker->{run}->signal('TERM');
end_of($worker);

is(sql($node, 'SELECT * FROM renderchain.check_ledger()'), '', 'the ledger is right');
done_testing();
