# A driver that is stopped or killed: the signal cancels and refunds; a kill is healed by
# whoever comes next, and an image whose outcome nobody knows is not paid for again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use IPC::Run qw(start finish timeout);
use Test::More;

my $node = new_server('interrupted');
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '10');

# Start a driver whose generation hangs, and wait until it has been sent.
sub start_hanging
{
	my (@words) = @_;
	my %run = (out => '', err => '');
	my $url = model_server('--fault', 'image_generation=hang');
	$run{run} = start([ 'renderchain', 'render', '--chain', 'villa', '--prompt', 'a house', '--user', $user, '--json', @words ],
		'<', \undef, '>', \$run{out}, '2>', \$run{err}, timeout(180));
	wait_until(sub { $run{run}->pump_nb; $run{out} =~ /"image_generation","status":"running"/ }, 'generation runs');
	wait_until(sub { sql($node, "SELECT count(*) FROM render_stages WHERE stage = 'image_generation' AND status = 'running'") >= 1 },
		'its start is committed');
	return \%run;
}
my $balance = "SELECT balance || '/' || reserved FROM credit_accounts WHERE user_id = '$user'";

my $run = start_hanging();
isnt(sql($node, $balance), '10/0', 'credits are reserved while it runs');
$run->{run}->signal('INT');
finish($run->{run});
is($run->{run}->result(0), 9, 'an interrupt exits 9');
is(sql($node, 'SELECT status FROM renders'), 'cancelled', 'and cancels the render');
is(sql($node, $balance), '10/0', 'and refunds');
stop_models();

$run = start_hanging('--idempotency-key', 'killed');
$run->{run}->signal('KILL');
finish($run->{run});
stop_models();
is(sql($node, "SELECT status FROM renders WHERE chain_position = 2"), 'processing', 'a killed driver leaves it processing');
my $id = sql($node, "SELECT id FROM renders WHERE chain_position = 2");

# An hour later its lease is over.
$node->append_conf('postgresql.conf', "renderchain.clock = '" . sql($node, "SELECT now() + interval '10 minutes'") . "'");
$node->reload;
wait_until(sub { sql($node, 'SELECT renderchain.clock() > now()') eq 't' }, 'the clock is set');
my $url = model_server();
my ($code, $out, $err) = driver('render', '--chain', 'villa', '--prompt', 'a house', '--user', $user,
	'--idempotency-key', 'killed', '--json');
my @calls = calls_of($url);
is($code, 1, 'the next driver ends it as failed') or diag("$out\n$err");
is(scalar(grep { $_->{stage} eq 'image_generation' } @calls), 0, 'generation is not paid for again');
like($err, qr/nobody knows how it ended/, 'and says that the outcome is unknown');
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'failed', 'the render has failed');
is(sql($node, $balance), '10/0', 'and is refunded');
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');

# What a dead driver left is ended by any other driver that comes by.
stop_models();
$run = start_hanging();
$run->{run}->signal('KILL');
finish($run->{run});
stop_models();
$node->append_conf('postgresql.conf', "renderchain.clock = '" . sql($node, "SELECT now() + interval '20 minutes'") . "'");
$node->reload;
wait_until(sub { sql($node, "SELECT renderchain.clock() > now() + interval '15 minutes'") eq 't' }, 'the clock is set again');
model_server();
is((driver('render', '--chain', 'other', '--prompt', 'a house', '--quick', '--json'))[0], 0, 'a render of another chain');
is(sql($node, "SELECT count(*) FROM renders WHERE status IN ('pending', 'processing')"), '0', 'ends what a dead driver left');
is(sql($node, $balance), '10/0', 'and refunds it');

stop_models();
$node->append_conf('postgresql.conf', "renderchain.clock = ''");
$node->reload;
wait_until(sub { sql($node, "SELECT renderchain.clock() < now() + interval '1 minute'") eq 't' }, 'the clock is back');

# The driver's own server ends with the driver, also when that is killed. It is told from
# other tests' servers by what it inherits.
sub own_servers
{
	return grep { my $mark = eval { read_file($_) } // ''; $mark =~ /RENDERCHAIN_TEST_MARK=own\0/ } glob '/proc/[0-9]*/environ';
}
{
	delete local @ENV{qw(RENDERCHAIN_PROVIDER RENDERCHAIN_PROVIDER_URL)};
	local $ENV{RENDERCHAIN_TEST_MARK} = 'own';
	my ($status) = driver('render', '--chain', 'own', '--prompt', 'a house', '--quick', '--json');
	is($status, 0, 'a render with the driver\'s own model server');
	wait_until(sub { !own_servers() }, 'the server has ended');
	my ($text, $errors) = ('', '');
	my $killed = start([ 'renderchain', 'render', '--chain', 'own', '--prompt', 'a house', '--quality', 'ultra', '--json' ],
		'<', \undef, '>', \$text, '2>', \$errors, timeout(180));
	wait_until(sub { $killed->pump_nb if $killed->pumpable; $text =~ /"status":"running"/ && own_servers() >= 2 }, 'driver and server run');
	$killed->signal('KILL');
	finish($killed);
	wait_until(sub { !own_servers() }, 'the server of a killed driver has ended');
	pass('the server of a killed driver has ended');
}

done_testing();
