# Objects in a directory: what is there is in the table, whatever goes wrong with renders or disks.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use IPC::Run qw(start finish timeout);
use Test::More;

my $node = new_server('files');
my $user = '11111111-2222-3333-4444-555555555555';
my $objects = scratch() . '/objects';
driver('credits', 'grant', '--user', $user, '--amount', '100');
my $credits = "SELECT balance || '/' || reserved FROM credit_accounts WHERE user_id = '$user'";
my @render = ('render', '--prompt', 'a brick house', '--user', $user, '--quick', '--json');

# Every file below the storage directory, those that are being written too.
sub files
{
	my @found = split /\n/, `find '$objects' -type f -printf '%P\\n' 2>/dev/null | sort`;
	return @found;
}

# The rows of the table.
sub rows { return sql($node, "SELECT string_agg(key || ' ' || state, E'\\n' ORDER BY key) FROM stored_objects") }

# What gc --verify says: exit code and problems.
sub verified
{
	my ($code, $out) = driver('gc', '--verify', '--json');
	my @lines = events_of($out);
	return join ' ', $code, $lines[-1]{objects}, map { "$_->{problem}:" . ($_->{key} // '') } @lines[ 0 .. $#lines - 1 ];
}

# Nothing yet, not even a directory.
is(verified(), '0 0', 'nothing to compare');
is_deeply([ (driver('gc', '--text'))[ 0, 1 ] ], [ 0, "removed 0 objects\n" ], 'nothing to remove');

# A render that completes.
model_server();
my ($code, $out) = driver(@render);
my $data = result_of($out)->{data};
is($code, 0, 'a render');
is(rows(), "$data->{outputKey} live", 'has one object');
is_deeply([ files() ], [ $data->{outputKey} ], 'which is there');
is(sql($node, 'SELECT bytes FROM stored_objects'), -s "$objects/$data->{outputKey}", 'with its size');
is(verified(), '0 1', 'storage and table agree');
my $balance = sql($node, $credits);

# What differs is found, each way.
my $kept = $data->{outputKey};
write_file("objects/stray", 'x');
rename "$objects/$kept", scratch() . '/away';
is(verified(), "8 1 missing:$kept unknown:stray", 'missing and unknown') ;
my (undef, $text) = driver('gc', '--verify', '--text');
like($text, qr/^stray is in storage, but not in the table: 1 bytes in storage$/m, 'as text');
like($text, qr/^1 object in storage, 1 bytes; 2 problems$/m, 'with a sum');
write_file("objects/$kept", 'short');
is(verified(), "8 2 size:$kept unknown:stray", 'another size');
rename scratch() . '/away', "$objects/$kept";
unlink "$objects/stray";

# An application can register what is no key; it is missing, and all else is compared.
my $odd = sql($node, "SELECT render_id FROM renderchain.run_render('{\"prompt\": \"odd\"}', 'w', '1 minute')");
my $objects_of_it = '[{"key": "../odd", "backend": "file", "bytes": 1}]';
sql($node, "SELECT renderchain.register_objects('$odd', 1, '$objects_of_it')");
sql($node, "SELECT renderchain.complete_render('$odd', 1, '{\"outputUrl\": \"u\", \"outputKey\": \"../odd\", \"objects\": $objects_of_it}')");
write_file('objects/stray', 'x');
is(verified(), '8 2 missing:../odd unknown:stray', 'what is no key in the table');
unlink "$objects/stray";
sql($node, "DELETE FROM renders WHERE id = '$odd'");
sql($node, "DELETE FROM stored_objects WHERE key = '../odd'");

# Also what no object can be called: names with control characters, or none in UTF-8.
for my $name ("two\nlines", "red\e[31m", "latin\xe9")
{
	write_file("objects/$name", 'x');
	like(verified(), qr/^8 2 unknown:/, 'a name that is no key: ' . $name =~ s/[^a-z]/?/gr);
	unlink "$objects/$name";
}
sql($node, "UPDATE stored_objects SET state = 'doomed' WHERE key = '$kept'");
is(verified(), '8 1 table:', 'a completed render whose object is doomed');
sql($node, "UPDATE stored_objects SET state = 'live' WHERE key = '$kept'");
is(verified(), '0 1', 'all is well again');

# A full disk: an error that says so, nothing paid, nothing left.
my $err;
{
	my ($o, $e) = ('', '');
	my $run = start([ 'bash', '-c', 'ulimit -f 1; exec renderchain "$@"', 'bash', @render, '--trace', scratch() . '/cut' ], '<', \undef, '>', \$o, '2>', \$e, timeout(180));
	finish($run);
	($code, $out, $err) = ($run->result(0), $o, $e);
}
is($code, 1, 'a full disk fails the render') or diag($out);
like($err, qr/storage failed.*Make room there/, 'and says so');
is(sql($node, $credits), $balance, 'refunded');
is_deeply([ files() ], [$kept], 'nothing is left of it');
is(rows(), "$kept live", 'nor in the table');

# Where the disk is full nothing is uploaded, but what makes room can be run.
SKIP: {
	skip 'user namespaces are not allowed here', 3 if system('unshare -Urm true 2>/dev/null') != 0;
	my $full = sub {
		my ($o, $e) = ('', '');
		local $ENV{PGUSER} = $ENV{PGUSER} // getpwuid($<);    # root there is nobody the database knows
		my $run = start([ qw(unshare -Urm bash -c), 'mount -t tmpfs -o size=512k full "$0" && exec renderchain "$@"', $objects, @_ ], '<', \undef, '>', \$o, '2>', \$e, timeout(180));
		finish($run);
		return ($run->result(0), $o, $e);
	};
	my $photo = write_file('photo.png', png_bytes(64, 64, [ 178, 84, 40 ]));
	like(join(' ', $full->('submit', '--prompt', 'a house', '--upload', '--reference', $photo)), qr/^8 .*no room left/s, 'nothing is stored on a full disk');
	is_deeply([ ($full->('gc', '--text'))[ 0, 1 ] ], [ 0, "removed 0 objects\n" ], 'gc runs there');
	is(($full->('gc', '--verify'))[2], '', 'and so does what compares');
}

# A directory that vanishes while the render runs is not made anew.
stop_models();
model_server('--latency-ms', '2000');
{
	my ($o, $e) = ('', '');
	my $run = start([ 'renderchain', @render ], '<', \undef, '>', \$o, '2>', \$e, timeout(180));
	wait_until(sub { $run->pump_nb; $o =~ /"image_generation","status":"running"/ }, 'generation runs');
	rename $objects, "$objects.away";
	finish($run);
	($code, $err) = ($run->result(0), $e);
}
is($code, 1, 'a vanished directory fails the render');
like($err, qr/storage directory .* is gone/, 'and says so');
ok(!-e $objects, 'it is not made anew');
is(sql($node, $credits), $balance, 'refunded');
rename "$objects.away", $objects;
like(rows(), qr/^$kept live\n?(\S+ doomed)?$/m, 'what it had registered is doomed');
$node->append_conf('postgresql.conf', "renderchain.clock = '" . sql($node, "SELECT now() + interval '20 minutes'") . "'");
$node->reload;
wait_until(sub { sql($node, 'SELECT renderchain.clock() > now()') eq 't' }, 'the clock is set');
is((driver('gc'))[0], 0, 'gc removes what is due');
is(rows(), "$kept live", 'then only the live one is left');
is(verified(), '0 1', 'and storage agrees');

# A driver that dies while it writes leaves what gc removes.
my $dead = sql($node, "SELECT render_id FROM renderchain.run_render('{\"prompt\": \"dies\"}', 'w', '1 minute')");
my $key = substr($dead, 0, 2) . "/$dead-output-1.png";
sql($node, "SELECT renderchain.register_objects('$dead', 1, '[{\"key\": \"$key\", \"backend\": \"file\"}]')");
mkdir "$objects/" . substr($dead, 0, 2);
write_file("objects/$key" =~ s{/([^/]*)$}{/.$1}r . '~', 'half a pict');
is(verified(), '0 1', 'what is being written is no problem');
driver('gc');
is(scalar(files()), 2, 'nor is it removed while its lease lasts');
$node->append_conf('postgresql.conf', "renderchain.clock = '" . sql($node, "SELECT now() + interval '25 minutes'") . "'");
$node->reload;
wait_until(sub { sql($node, "SELECT renderchain.clock() > now() + interval '24 minutes'") eq 't' }, 'the lease is over');
sql($node, 'SELECT renderchain.expire_renders()');
sql($node, "SELECT renderchain.cancel_render('$dead')");
driver('gc');
is(scalar(files()), 2, 'nor while it may still be being written');
$node->append_conf('postgresql.conf', "renderchain.clock = '" . sql($node, "SELECT now() + interval '40 minutes'") . "'");
$node->reload;
wait_until(sub { sql($node, "SELECT renderchain.clock() > now() + interval '39 minutes'") eq 't' }, 'time has passed');
is_deeply([ (driver('gc', '--text'))[ 0, 1 ] ], [ 0, "removed 1 object\n" ], 'then it is');
is_deeply([ files() ], [$kept], 'whole');
ok(!-e "$objects/" . substr($dead, 0, 2), 'with its directory');
is(rows(), "$kept live", 'and its row');

# What cannot be removed is said, and tried again.
$node->append_conf('postgresql.conf', "renderchain.clock = ''");
$node->reload;
wait_until(sub { sql($node, "SELECT renderchain.clock() < now() + interval '1 minute'") eq 't' }, 'the clock is real');
sql($node, "DELETE FROM renders WHERE output_key = '$kept'");
rename "$objects/$kept", scratch() . '/away';
mkdir "$objects/$kept";
($code, $out, $err) = driver('gc', '--json');
is($code, 8, 'an object that cannot be removed');
is_deeply([ @{ result_of($out) }{qw(removed failed)} ], [ 0, 1 ], 'is counted');
like($err, qr/could not remove ".*\Q$kept\E"/, 'and named');
is(sql($node, 'SELECT state, tries FROM stored_objects'), 'doomed|1', 'and kept');
rmdir "$objects/$kept";
rename scratch() . '/away', "$objects/$kept";
sql($node, 'UPDATE stored_objects SET due_at = now()');
is((driver('gc'))[0], 0, 'later it can be');
is_deeply([ files() ], [], 'then nothing is left');
is(rows(), '', 'nowhere');
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');

done_testing();
