# Kill -9 a worker at every one of its steps: before and after each request, each statement,
# each file. Another worker takes over, and the render ends as it would have, drawn and paid
# for once; or, where nobody can know whether it was drawn, failed and refunded.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Test::More;

my $node = new_server('killed');
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '10000');
my $photo = write_file('photo.png', png_bytes(64, 64, [ 178, 84, 40 ]));
my $url = model_server('--canned');
my @worker = ('--drain', '--concurrency', '1');

# Everything that must hold of a render that was killed and taken over, as one word, or what does not.
sub judge
{
	my ($id, $drawn) = @_;
	my ($status, $error) = split /\|/, sql($node, "SELECT status, error_message FROM renders WHERE id = '$id'");
	my $entries = sql($node, "SELECT string_agg(kind, ' ' ORDER BY id) FROM credit_entries WHERE render_id = '$id'");
	my $open = sql($node, "SELECT count(*) FROM render_stages WHERE render_id = '$id' AND status = 'running'");
	my $live = sql($node, "SELECT count(*) FROM stored_objects WHERE render_id = '$id' AND state = 'live'");
	return "$open stages are open" if $open;
	return "drawn $drawn times" if $drawn > 1;
	if ($status eq 'completed')
	{
		return "ledger: $entries" if $entries ne 'reserve settle';
		return "$live live objects" if $live != 1;
		return "drawn $drawn times" if $drawn != 1;
		my $ended = sql($node, "SELECT count(DISTINCT stage) FROM render_stages WHERE render_id = '$id' AND status = 'success'");
		return "$ended stages have succeeded" if $ended != 8;
		my $file = sql($node, "SELECT substr(output_url, 8) FROM renders WHERE id = '$id'");
		return "no file $file" unless -s $file;
		return 'completed';
	}
	return "ledger: $entries" if $entries ne 'reserve refund';
	return "$live live objects" if $live;
	return $status eq 'failed' && $error =~ /nobody knows how it ended/ ? 'unknown' : "$status: $error";
}

my ($step, $killed, %verdicts) = (0, 1);
while ($killed && $step < 200)
{
	$step++;
	my $before = grep { $_->{stage} eq 'image_generation' } calls_of($url);
	my $id = submit('--prompt', 'a house', '--user', $user, '--chain', 'villa', '--quality', 'high', '--reference', $photo);
	{
		local $ENV{RENDERCHAIN_KILL_AT} = $step;
		$killed = end_of(start_worker(@worker)) eq 'killed';
	}
	if ($killed)
	{
		# What it had asked before may still be done.
		wait_until(sub { sql($node, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'renderchain'") == 0 }, 'its sessions have ended');
		expire_leases($node);
		is(end_of(start_worker(@worker)), 0, "step $step: another worker ends in good order");
	}
	my $after = grep { $_->{stage} eq 'image_generation' } calls_of($url);
	my $verdict = judge($id, $after - $before);
	like($verdict, qr/^(completed|unknown)$/, "step $step: $verdict");
	$verdicts{$verdict}++;
}
cmp_ok($step, '>', 25, "every step was walked: $step");
cmp_ok($verdicts{completed}, '>', $verdicts{unknown} // 0, "completed $verdicts{completed}, unknown " . ($verdicts{unknown} // 0));
cmp_ok($verdicts{unknown} // 0, '>=', 1, 'the time in which nobody knows was seen');
is(sql($node, 'SELECT count(*) = max(chain_position) AND count(DISTINCT chain_position) = count(*) FROM renders'), 't',
	'positions without gaps, each once');
is(sql($node, "SELECT count(*) FROM render_jobs WHERE state <> 'ended'"), '0', 'everything has ended');
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
is(sql($node, "SELECT reserved FROM credit_accounts WHERE user_id = '$user'"), '0', 'nothing is left reserved');

# The storage has nothing that the table does not know, and once what is doomed is removed it is the
# pictures of completed renders.
$node->append_conf('postgresql.conf', 'renderchain.upload_grace = 0');
$node->reload;
sql($node, "UPDATE stored_objects SET due_at = now() WHERE state <> 'live'");
my ($code, $out, $err) = driver('gc');
is($code, 0, 'what is doomed can be removed') or diag("$out$err");
($code, $out, $err) = driver('gc', '--verify');
is($code, 0, 'storage is what the table says') or diag("$out$err");
my @files = split /\n/, `find \Q@{[ scratch() ]}\E/objects -type f`;
is(scalar(@files), $verdicts{completed}, 'a picture for each that is completed, and nothing else');
done_testing();
