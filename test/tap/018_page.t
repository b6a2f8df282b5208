# The page of serve in a real browser: first with the test as the worker, so that each stage begins
# and ends when the test says so, then with a worker and models that take their time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainNode;
use RenderchainServe;
use RenderchainTest;
use Test::More;

need_browser();
my $node = new_server('page');
my $user = '11111111-2222-3333-4444-55555555555a';
mkdir scratch() . "/$_" for qw(objects objects/aa);
write_file("objects/aa/picture-$_.png", png_bytes(320, 180, [ 60 * $_, 80, 120 ])) for 1 .. 3;
my $photo = write_file('photo.png', png_bytes(64, 64, [ 178, 84, 40 ]));
my $serve = serve('--rate=0');
node_tests('page.mjs', URL => $serve->{url}, TOKEN => token('--user', $user), USER_ID => $user, PHOTO => $photo);
stop_serve($serve);
is($serve->{err}, '', 'the server has nothing to complain of');

# The first picture takes its time, so that its stage is seen to run also by a browser that has little of it.
model_server('--latency-ms', '150', '--fault', 'image_generation#1=slow');
$serve = serve('--rate=0', '--with-worker');
sql($node, 'TRUNCATE renders, render_chains CASCADE');
node_tests('renders.mjs', URL => $serve->{url}, TOKEN => token('--user', '11111111-2222-3333-4444-55555555555b'), PHOTO => $photo);
is(stop_serve($serve), 0, 'the server and its worker end in good order');
done_testing();
