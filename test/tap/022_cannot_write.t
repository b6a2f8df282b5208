# What a worker cannot write to. Storage that takes nothing: a worker pays for a few pictures and then for none until storage can be
# written again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(mkfifo);
use RenderchainTest;
use Test::More;

plan skip_all => 'root may write anywhere' if $> == 0;
my $node = new_server('down');
my $objects = scratch() . '/objects';
my $url = model_server('--canned');
my $states = q{SELECT string_agg(s, ' ' ORDER BY s) FROM (SELECT status || '=' || count(*) AS s FROM renders GROUP BY status) x};

# How often a picture was asked for.
sub pictures { return scalar grep { $_->{stage} eq 'image_generation' } calls_of($url) }

# Let all of storage be written, or nothing of it; what is in it is in directories by the first digits of renders.
sub let_write { my ($may) = @_; return chmod $may ? 0700 : 0500, $objects, grep { -d } glob "$objects/*" }

# One picture, so that the directory is there; then nobody may write into it.
my $worker = start_worker('--concurrency', '1');
submit('--prompt', 'a house', '--quick');
$worker->{says}->(qr/"status":"completed"/);
let_write(0) or die "could not change $objects\n";
submit('--prompt', "a house $_", '--quick') for 1 .. 7;
$worker->{says}->(qr/"event":"storage".*3 renders in a row could not be stored.*"event":"storage".*nothing is claimed yet/s);
is(sql($node, $states), 'completed=1 failed=3 pending=4', 'after three renders no more are claimed');
is(pictures(), 4, 'and no more paid for');
let_write(1);
$worker->{says}->(qr/one render will tell.*"status":"completed".*storage takes objects again.*(?:"status":"completed".*){3}/s);
is(sql($node, $states), 'completed=5 failed=3', 'when it can be written again all go on');

# The disk is unmounted, and an empty directory is in its place: nothing is written there.
rename $objects, "$objects.away";
mkdir $objects;
submit('--prompt', "a house $_", '--quick') for 1 .. 4;
$worker->{says}->(qr/3 renders in a row could not be stored.*3 renders in a row could not be stored[^\n]*is its disk mounted/s);
is(join(' ', glob "$objects/*"), '', 'nothing is written into another directory of that name');
# In one step, as the worker looks all the while.
rename "$objects.away", $objects or die "could not put $objects back: $!\n";
$worker->{says}->(qr/storage takes objects again.*storage takes objects again/s);
is(sql($node, $states), 'completed=6 failed=6', 'with the disk it goes on');
$worker->{run}->signal('TERM');
is(end_of($worker), 0, 'the worker ends');

# Who cannot write from the beginning claims nothing at all.
let_write(0);
submit('--prompt', 'a house', '--quick');
is(end_of(start_worker('--drain')), 8, 'a worker that cannot write does not even start');
let_write(1);
is(end_of(start_worker('--drain')), 0, 'and drains when it can');
# A database that cannot be written, as a standby is, or for a role: said once, with what is needed.
{
	local $ENV{PGOPTIONS} = '-c default_transaction_read_only=on';
	$worker = start_worker();
	is(end_of($worker), 4, 'a database that cannot be written ends a worker');
	like($worker->{err}, qr/25006.*target_session_attrs=read-write/s, 'with what is needed');
}

# What a link in the storage leads to is nobody's object, nor is it walked.
mkdir scratch() . '/elsewhere';
write_file('elsewhere/private.png', 'x');
symlink scratch() . '/elsewhere', "$objects/link";
symlink $objects, "$objects/loop";
my ($code, $out) = driver('gc', '--verify', '--json');
is($code, 0, 'gc --verify follows no links') or diag($out);

# A pipe that is named to submit would keep it waiting, and give its bytes to it alone.
mkfifo(scratch() . '/pipe', 0600);
my $err;
($code, $out, $err) = driver('submit', '--prompt', 'a house', '--reference', scratch() . '/pipe');
is($code, 3, 'submit does not wait for a pipe');
like($err, qr/is a pipe or device, not a file/, 'and says why');

is(sql($node, 'SELECT * FROM renderchain.check_ledger()'), '', 'the ledger is right');
done_testing();
