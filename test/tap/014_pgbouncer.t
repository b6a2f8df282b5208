# Through PgBouncer in transaction mode: nothing may depend on a session. A worker does not listen
# there, since somebody else would be told, and finds new work by polling.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Cluster;
use Test::More;

my ($pgbouncer) = grep { -x } qw(/usr/sbin/pgbouncer /usr/bin/pgbouncer);
plan skip_all => 'pgbouncer is not here' unless $pgbouncer;

my $node = new_server('behind');
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $scratch = scratch();
my $user = getpwuid $<;
my $config = write_file('pgbouncer.ini', <<"INI");
[databases]
* = host=@{[ $node->host ]} port=@{[ $node->port ]} user=$user
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters = extra_float_digits
logfile = $scratch/pgbouncer.log
INI
my ($log) = '';
my $pool = started(start([ $pgbouncer, $config ], '>', \$log, '2>', \$log));

# End it, whoever is connected: what SIGTERM waits for is not the same in all its versions.
sub end_pool { $pool->signal('KILL'); return finish($pool) }

# Connect through the pool, as the server's owner, who is the only role.
sub through_pool
{
	local $ENV{PGHOST} = '127.0.0.1';
	local $ENV{PGPORT} = $port;
	local $ENV{PGUSER} = $user;
	return $_[0]->();
}
sub pool_says
{
	my ($query) = @_;
	my ($out, $err) = ('', '');
	through_pool(sub { IPC::Run::run([ 'psql', '-qXAtc', $query ], '>', \$out, '2>', \$err) });
	chomp $out;
	return $out;
}
wait_until(sub { pool_says('SELECT 1') eq '1' }, 'pgbouncer serves');

model_server('--canned', '--latency-ms', '50');
my $worker = through_pool(sub { start_worker('--concurrency', '8') });
$worker->{says}->(qr/"event":"worker"/);
my @ids = map { my $n = $_; through_pool(sub { submit('--prompt', "a house $n", '--chain', 'villa', '--quality', 'high') }) } 1 .. 12;
wait_until(sub { sql($node, q{SELECT count(*) FROM renders WHERE status = 'completed'}) == 12 }, 'everything is completed');
pass('a worker behind the pool finds and completes everything');
is(sql($node, q{SELECT string_agg(chain_position::text, ',' ORDER BY chain_position) FROM renders}), join(',', 1 .. 12), 'positions without gaps');
is(join(' ', map { pool_says('SELECT count(*) FROM pg_listening_channels()') } 1 .. 4), '0 0 0 0', 'no session of the pool listens');

# Settings and the schema of one client must not leak to another.
my ($code) = through_pool(sub { driver('init', '--schema', 'other') });
is($code, 0, 'a second schema is made through the pool');
my $other = through_pool(sub { submit('--prompt', 'elsewhere', '--schema', 'other') });
my $both = through_pool(sub { start_worker('--schema', 'other', '--drain') });
is(end_of($both), 0, 'a worker of another schema');
is(sql($node, "SELECT status FROM other.renders WHERE id = '$other'"), 'completed', 'finds its own renders');
is(pool_says(q{SELECT count(*) FROM generate_series(1, 9) WHERE current_setting('renderchain.schema', true) = 'other'}), '0', 'and no setting is left in the pool');

# The pool itself goes away and comes back.
my $id = through_pool(sub { submit('--prompt', 'the last', '--user', '11111111-2222-3333-4444-555555555555') });
wait_until(sub { sql($node, "SELECT status FROM renders WHERE id = '$id'") ne 'pending' }, 'it runs');
end_pool();
$worker->{says}->(qr/"database_lost"/);
$pool = started(start([ $pgbouncer, $config ], '>', \$log, '2>', \$log));
$worker->{says}->(qr/"database_back"/);
wait_until(sub { sql($node, "SELECT status FROM renders WHERE id = '$id'") eq 'completed' }, 'it is completed');
pass('a pool that restarts loses nothing');
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'the worker ends in good order');
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
end_pool();
done_testing();
