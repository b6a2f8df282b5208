# renderchain.js outside of a browser: as node runs it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainNode;
use RenderchainServe;
use RenderchainTest;
use Test::More;

need_node();
my $node = new_server('client');
mkdir scratch() . "/$_" for qw(objects objects/aa);
write_file("objects/aa/picture-$_.png", png_bytes(320, 180, [ 60 * $_, 80, 120 ])) for 1 .. 2;
my $photo = write_file('photo.png', png_bytes(64, 64, [ 178, 84, 40 ]));
my $serve = serve('--rate=0');
node_tests('client.mjs', URL => $serve->{url}, TOKEN => token('--user', '11111111-2222-3333-4444-55555555555a'), PHOTO => $photo);
is(stop_serve($serve), 0, 'the server ends in good order');
is($serve->{err}, '', 'with nothing to complain of');
done_testing();
