# Objects in a bucket, by a service that checks every signature: what is wrong with keys or bucket
# is said before anything is paid for, nothing is uploaded that is not known, and a driver that
# wakes up too late leaves nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use RenderchainS3;
use Digest::SHA qw(sha256_hex);
use IPC::Run qw(start finish timeout);
use Test::More;

my $node = new_server('bucket');
s3_service();
model_server();
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '100');
my $credits = "SELECT balance || '/' || reserved FROM credit_accounts WHERE user_id = '$user'";
my @render = ('render', '--prompt', 'a brick house', '--user', $user, '--quick', '--json');
my $trace = scratch() . '/trace';

# The rows of the table.
sub rows { return sql($node, "SELECT string_agg(key || ' ' || state, E'\\n' ORDER BY key) FROM stored_objects") }

# Set the server's clock some minutes ahead.
sub advance_clock
{
	my ($minutes) = @_;
	$node->append_conf('postgresql.conf',
		"renderchain.clock = '" . sql($node, "SELECT now() + interval '$minutes minutes'") . "'");
	$node->reload;
	wait_until(sub { sql($node, "SELECT renderchain.clock() > now() + interval '$minutes minutes' - interval '1 minute'") eq 't' },
		'the clock is set');
	return;
}

# A render that completes.
my ($code, $out, $err) = driver(@render, '--trace', $trace);
is($code, 0, 'a render') or diag($err);
my $data = result_of($out)->{data};
my $kept = $data->{outputKey};
is($data->{imageUrl}, "s3://media/renders/$kept", 'says where its picture is');
is_deeply([ s3_objects() ], [$kept], 'it is in the bucket');
is(rows(), "$kept live", 'and in the table');
is(sql($node, 'SELECT backend, bytes FROM stored_objects'), 's3|' . s3_ask('objects')->{"media/renders/$kept"}, 'with its size');
is((driver('gc', '--verify'))[0], 0, 'both agree');

# It is known before it is uploaded.
my ($registered, $uploaded, %sent);
my $place = 0;
for my $line (events_of(read_file($trace)))
{
	$place++;
	$sent{ $line->{id} } = $line->{what} if $line->{kind} eq 'db_send';
	$registered //= $place if $line->{kind} eq 'db_done' && $sent{ $line->{id} } =~ /register_objects/;
	$uploaded //= $place if $line->{kind} eq 'http_send' && $line->{what} =~ /output-1/;
}
cmp_ok($registered, '<', $uploaded, 'the registration is committed before the upload begins');
is(scalar(grep { /register_objects/ } values %sent), 1, 'by the statement that commits generation');

# The next render takes it as a reference.
($code, $out, $err) = driver(@render, '--reference', "key:$kept");
is($code, 0, 'a stored object as reference') or diag($err);
ok(sql($node, 'SELECT count(*) FROM stored_objects') == 2, 'is not stored again');
my @before = s3_objects();

# Failures of the moment cost nothing.
s3_tell('fault', 'PUT output 2 503');
is((driver(@render))[0], 0, 'a service that is busy is asked again');
is(scalar(s3_objects()), @before + 1, 'and takes it');
@before = s3_objects();
my $table = rows();
my $balance = sql($node, $credits);

# What is wrong with the keys or the bucket is said, and nothing is begun.
my $renders = sql($node, 'SELECT count(*) FROM renders');
for my $case (
	[ 'a wrong secret', qr/SignatureDoesNotMatch.*AWS_SECRET_ACCESS_KEY/, AWS_SECRET_ACCESS_KEY => 'wrong' ],
	[ 'an unknown key', qr/InvalidAccessKeyId.*AWS_ACCESS_KEY_ID/, AWS_ACCESS_KEY_ID => 'NOBODY' ],
	[ 'no keys', qr/no access keys.*--storage-key-file/, AWS_ACCESS_KEY_ID => '' ],
	[ 'half of the keys', qr/AWS_SECRET_ACCESS_KEY is not/, AWS_SECRET_ACCESS_KEY => '' ],
	[ 'a token that is none', qr/InvalidToken.*AWS_SESSION_TOKEN/, AWS_SESSION_TOKEN => 'token' ],
	[ 'no such bucket', qr/bucket "none": NoSuchBucket.*Make the bucket/, RENDERCHAIN_STORAGE => 's3://none' ],
	[ 'another region', qr/to "us-east-1", where the bucket is/, AWS_REGION => 'eu-west-3' ],
	[ 'a bad style', qr/neither path nor virtual/, RENDERCHAIN_STORAGE_STYLE => 'round' ],
	[ 'a bad endpoint', qr/storage endpoint/, AWS_ENDPOINT_URL_S3 => 'nowhere' ])
{
	my ($what, $words, $name, $value) = @$case;
	local $ENV{$name} = $value;
	($code, $out, $err) = driver(@render);
	is($code, 8, "$what: exit code");
	like($err, $words, "$what: said") ;
	unlike("$out$err", qr/secret\+key|"wrong"/, "$what: without the secret");
}
for my $fault ([ '400:ExpiredToken', qr/has expired: get new/ ], [ '403:AccessDenied', qr/AccessDenied.*s3:PutObject/ ])
{
	s3_tell('fault', "PUT .renderchain 1 $fault->[0]");
	($code, undef, $err) = driver(@render);
	is($code, 8, "$fault->[0]: exit code");
	like($err, $fault->[1], "$fault->[0]: said");
}
s3_tell('clock', 3600);
($code, undef, $err) = driver(@render);
is($code, 8, 'clocks an hour apart: exit code');
like($err, qr/RequestTimeTooSkewed.*60 minutes behind/, 'clocks an hour apart: said');
s3_tell('clock', 0);
is(sql($node, 'SELECT count(*) FROM renders'), $renders, 'no render was begun by any of them');
is(sql($node, $credits), $balance, 'and nothing paid');

# An upload that is refused: the render fails, refunds, and leaves nothing.
s3_tell('fault', 'PUT output 1 403:AccessDenied');
($code, undef, $err) = driver(@render);
is($code, 1, 'an upload that is refused fails the render');
like($err, qr/storage failed.*AccessDenied/, 'and says why');
is(sql($node, $credits), $balance, 'refunded');
is_deeply([ s3_objects() ], \@before, 'with nothing in the bucket');
is(rows(), $table, 'or in the table');

# A picture that has been uploaded, and a render that then fails: it goes from both.
my $id = sql($node, "DELETE FROM renders WHERE output_key = '$kept' RETURNING id");
s3_tell('fault', 'DELETE output 1 403:AccessDenied');
($code, $out, $err) = driver('gc', '--json');
is($code, 8, 'an object that cannot be removed');
like($err, qr/could not remove.*AccessDenied/, 'is said');
is(sql($node, "SELECT state, tries FROM stored_objects WHERE key = '$kept'"), 'doomed|1', 'and kept for later');
is((driver('gc', '--json'))[0], 0, 'but not tried again at once');
advance_clock(5);

# Two collectors at once: each object is removed once.
sql($node, "INSERT INTO stored_objects (key, backend, render_id, state, created_at, updated_at)
	SELECT 'zz/' || n, 's3', '00000000-0000-0000-0000-000000000001', 'doomed', now(), now() FROM generate_series(1, 300) n");
{
	my @runs = map { my $o = ''; { run => start([ 'renderchain', 'gc', '--json' ], '<', \undef, '>', \$o, '2>', \my $e, timeout(180)), out => \$o } } 1 .. 3;
	finish($_->{run}) for @runs;
	my $removed = 0;
	$removed += result_of(${ $_->{out} })->{removed} for @runs;
	is($removed, 301, 'several collectors remove everything');
	my %times;
	$times{ $_->{path} }++ for grep { $_->{method} eq 'DELETE' && $_->{path} =~ m{/zz/} } @{ s3_ask('calls') };
	is(scalar(keys %times), 300, 'each of them');
	is_deeply([ grep { $_ != 1 } values %times ], [], 'once');
}
is_deeply([ s3_objects() ], [ grep { $_ ne $kept } @before ], 'then it is gone');
@before = s3_objects();
$table = rows();

# A driver that is stopped in its upload, and wakes when its render is lost: what arrives late is
# found and removed.
s3_tell('fault', 'PUT output 1 hold');
{
	my ($o, $e) = ('', '');
	my $run = start([ 'renderchain', @render, '--idempotency-key', 'zombie' ], '<', \undef, '>', \$o, '2>', \$e, timeout(180));
	wait_until(sub { grep { $_->{status} eq 'hold' } @{ s3_ask('calls') } }, 'the upload has left');
	$run->signal('STOP');
	advance_clock(15);
	sql($node, 'SELECT renderchain.expire_renders()');
	my $zombie = sql($node, "SELECT r.id FROM renders r JOIN render_jobs j ON j.render_id = r.id WHERE j.idempotency_key = 'zombie'");
	is(sql($node, "SELECT status FROM renders WHERE id = '$zombie'"), 'failed', 'its render has failed');
	is(sql($node, $credits), $balance, 'refunded');
	advance_clock(30);
	is((driver('gc'))[0], 0, 'what it had registered is given up');
	is(rows(), $table, 'and forgotten');
	s3_tell('release', '');
	is(scalar(s3_objects()), @before + 1, 'then its upload arrives');
	($code, $out) = driver('gc', '--verify', '--json');
	is($code, 8, 'which a comparison finds');
	like($out, qr/"unknown"/, 'as unknown');
	$run->signal('CONT');
	finish($run);
	is($run->result(0), 1, 'the driver wakes and finds its render lost');
	is_deeply([ s3_objects() ], \@before, 'and has its object removed');
	is(rows(), $table, 'from the table too');
}
is((driver('gc', '--verify'))[0], 0, 'bucket and table agree');

# An interrupt in an upload leaves nothing either.
s3_tell('fault', 'PUT output 1 hold');
{
	my ($o, $e) = ('', '');
	my $holds = grep { $_->{status} eq 'hold' } @{ s3_ask('calls') };
	my $run = start([ 'renderchain', @render ], '<', \undef, '>', \$o, '2>', \$e, timeout(180));
	wait_until(sub { $holds < grep { $_->{status} eq 'hold' } @{ s3_ask('calls') } }, 'the upload has left');
	$run->signal('INT');
	finish($run);
	is($run->result(0), 9, 'an interrupt in an upload');
	is_deeply([ s3_objects() ], \@before, 'leaves nothing in the bucket');
	is(rows(), $table, 'or in the table');
	is(sql($node, $credits), $balance, 'and refunds');
}

# The keys are nowhere.
my $dump = `pg_dump --data-only -d postgres 2>&1`;
unlike($dump . read_file($trace), qr/secret\+key/, 'the secret is in no trace and no table');
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
is(sql($node, 'SELECT count(*) FROM renderchain.check_objects()'), '0', 'and so are the objects');

# A session token is sent and signed.
s3_service('--token', 'the/token');
$ENV{AWS_SESSION_TOKEN} = 'the/token';
is((driver(@render))[0], 0, 'keys with a session token');
is((driver(@render, '--storage-style', 'virtual', '--storage-endpoint', $ENV{AWS_ENDPOINT_URL_S3} =~ s/127\.0\.0\.1/s3.localhost/r))[0],
	0, 'and the bucket in the host\'s name');

done_testing();
