# Videos that are larger than the memory that a worker may have: they are never in it as a whole, on
# their way from the provider through a file to storage, and when another worker takes them over.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run qw(run timeout);
use RenderchainScript;
use RenderchainTest;
use Test::More;

my $node = new_server('large_video');
my $url = model_server('--canned');
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
my $user = '11111111-2222-3333-4444-555555555555';
driver('credits', 'grant', '--user', $user, '--amount', '1000');
my $file = scratch() . '/large.mp4';
my ($code, $out, $err) = driver('video', '--prompt', 'a brick house', '--user', $user, '--duration', '4', '--json', '--output', $file);
is($code, 0, 'a video') or diag($err);

# Make it large by a box that players pass over (ISO/IEC 14496-12, 8.1.2).
my $megabytes = 80;
open my $video, '>>:raw', $file or die "$file: $!";
print $video pack('N', 8 + $megabytes * 1048576), 'free', "\0" x ($megabytes * 1048576);
close $video;
my $bytes = -s $file;

# AddressSanitizer has terabytes of addresses of its own: no limit leaves a program that it is in alive.
my $is_limited = !defined $ENV{ASAN_OPTIONS};

# A worker that may have so much memory: (exit code, standard error).
sub work
{
	my ($memory, $server, %environment) = @_;
	local %ENV = (%ENV, %environment);
	my ($said, $wrong) = ('', '');
	run([ 'bash', '-c', 'ulimit -d "$1"; shift; exec renderchain worker --drain --json --provider local --provider-url "$@"', 'bash',
			$is_limited ? $memory * 1024 : 'unlimited', $server ], '>', \$said, '2>', \$wrong, timeout(300));
	return ($? & 127 ? 'killed' : $? >> 8, $wrong);
}

my $server = scripted_server($url, { path => 'download', file => $file });
my @ids = map { submit('--video', '--prompt', "a brick house, number $_", '--user', $user, '--duration', '4') } 1 .. 2;
my $enough = $megabytes;
($code, $err) = work($enough, $server);
is($code, 0, "a worker with $enough MB") or diag($err);
my $completed = "SELECT count(*) FROM renders WHERE status = 'completed' AND id IN ('" . join("', '", @ids) . "')";
is(sql($node, $completed), '2', "makes two videos of more than $megabytes MB at once");
for my $stored (split /\n/, sql($node, "SELECT output_url FROM renders WHERE id IN ('" . join("', '", @ids) . "')"))
{
	$stored =~ s/^file://;
	is(-s $stored, $bytes, 'stored whole');
	is(system('cmp', '-s', $stored, $file), 0, 'to the byte');
}
my ($looked) = grep { $_->{body} =~ /Rendered video/ } asked($server);
like($looked->{body}, qr{one of its frames:.*"image/png"}s, 'a frame of it was shown');

# A worker that dies after it has stored one: the next goes on with what is stored.
my $id = submit('--video', '--prompt', 'a brick house, taken over', '--user', $user, '--duration', '4');
my $again = scripted_server($url, { path => 'download', file => $file }, { body => 'Rendered video', times => 1, act => 'hang' });
my $worker = start_worker('--provider', 'local', '--provider-url', $again);
wait_until(sub { sql($node, "SELECT count(*) FROM render_stages WHERE render_id = '$id' AND stage = 'storage' AND status = 'success'") eq '1' },
	'it is stored');
$worker->{run}->signal('KILL');
end_of($worker);
expire_leases($node);
($code, $err) = work($enough, $server);
is($code, 0, 'another worker') or diag($err);
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'completed', 'takes the video over');
is(scalar(grep { $_->{path} =~ /download/ } asked($server)), 2, 'without fetching it again');

# Where no temporary file can be had it is kept in memory, for which that is too little.
submit('--video', '--prompt', 'a brick house, number 3', '--user', $user, '--duration', '4');
SKIP:
{
	skip 'no limit can be set', 1 unless $is_limited;
	($code, $err) = work($enough, $server, TMPDIR => '/nowhere/at/all');
	is($code, 70, 'without a directory for temporary files that is not enough');
	expire_leases($node);
}
($code, $err) = work(8 * $megabytes, $server, TMPDIR => '/nowhere/at/all');
is($code, 0, 'with more it goes on in memory') or diag($err);
is(sql($node, "SELECT count(*) FROM renders WHERE status <> 'completed'"), '0', 'and completes');
is(sql($node, 'SELECT count(*) FROM renderchain.check_ledger()'), '0', 'the ledger is sound');
done_testing();
