# Many who do nothing, and many who are slow: everybody else is served meanwhile, and memory is bounded.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainServe;
use RenderchainTest;
use IPC::Run qw(start finish timeout);
use JSON::PP;
use Test::More;

my $node = new_server('crowds');
my $alice = '11111111-2222-3333-4444-55555555555a';
%token = (alice => token('--user', $alice), admin => token('--user', $alice, '--level', 'admin'));
# What is freed AddressSanitizer keeps for a while, which is not what the server needs.
$ENV{ASAN_OPTIONS} .= ':quarantine_size_mb=1' if defined $ENV{ASAN_OPTIONS};
$serve = serve('--rate=0');
my ($port) = $serve->{url} =~ /:(\d+)$/;
my $pid = $serve->{run}{KIDS}[0]{PID};
# As many as issue from one machine, but for what the limit of descriptors leaves us and the server.
my $limit = `bash -c 'ulimit -Hn'`;
my $most = $limit =~ /^\d+/ && $limit < 10500 ? $limit - 500 : 10000;

# The memory of the server in kB.
sub memory
{
	my ($status) = map { read_file($_) } "/proc/$_[0]/status";
	return $status =~ /^VmRSS:\s+(\d+)/m ? $1 : die 'no VmRSS';
}

# Start a crowd; how many they are.
sub crowd
{
	my ($count, @texts) = @_;
	my %crowd = (in => '', out => '', err => '');
	$crowd{run} = start([ 'bash', '-c', 'ulimit -n "$(ulimit -Hn)"; exec perl "$@"', 'crowd', "$FindBin::Bin/lib/crowd.pl", $port, $count, @texts ],
		'<', \$crowd{in}, '>', \$crowd{out}, '2>', \$crowd{err}, timeout(300));
	wait_until(sub { $crowd{run}->pump_nb; $crowd{out} =~ /^\d+\n/ }, "a crowd stands: $crowd{err}");
	($crowd{count}) = $crowd{out} =~ /^(\d+)/;
	return \%crowd;
}

# What everybody else does.
sub all_is_well
{
	my ($when) = @_;
	is(status_of('', 'GET', '/healthz'), 200, "health is told $when");
	my @answer = send_json('alice', 'POST', '/api/renders', { prompt => 'x', chainName => 'villa' });
	is($answer[0], 202, "a render is submitted $when");
	is(json_of(ask('alice', 'GET', '/api/renders/' . json_of(@answer)->{renderId}))->{data}{status}, 'pending', "and seen $when");
	return;
}

all_is_well('before');
my $before = memory($pid);
my $idle = crowd($most, '');
is($idle->{count}, $most, "$most connections are open");
all_is_well("beside $most that are idle");
my $each = (memory($pid) - $before) / $most;
note(sprintf '%.1f kB of memory for an idle connection', $each);
cmp_ok($each, '<', 16, 'an idle connection costs little memory');
$idle->{run}->kill_kill;

# Who sends a head, or a body, without ever ending it.
my $head = "POST /api/renders HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer $token{alice}\\r\\nContent-Type: application/json\\r\\n";
my $slow = crowd($most > 2000 ? 2000 : $most, 'GET /api/chains HTT', $head, "${head}Content-Length: 1000000\\r\\n\\r\\n{", "${head}Transfer-Encoding: chunked\\r\\n\\r\\n5\\r\\n{\"p");
all_is_well("beside $slow->{count} that are slow");
my $slow_each = (memory($pid) - $before) / $slow->{count};
note(sprintf '%.1f kB of memory for a slow connection', $slow_each);
cmp_ok($slow_each, '<', 64, 'nor does a slow one');
$slow->{run}->kill_kill;
all_is_well('after');
wait_until(sub { (ask('admin', 'GET', '/metrics'))[1] =~ /^renderchain_http_streams 0$/m }, 'no stream is open');
my $connections = q(SELECT count(*) FROM pg_stat_activity WHERE datname = 'postgres' AND pid <> pg_backend_pid() AND backend_type = 'client backend');
wait_until(sub { sql($node, $connections) == 3 }, 'none of them was a connection to the database, and those of this test have ended');
$serve->{run}->signal('TERM');
is(($serve->{run}->finish, $serve->{run}->result(0))[1], 0, 'it ends in good order');
done_testing();
