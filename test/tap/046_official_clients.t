# The providers' official JavaScript clients talk to the local model server and get what they
# expect, errors as their own types included: what they accept is what the real services send.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainNode;
use RenderchainTest;
use Test::More;

plan skip_all => 'tools/node-modules has installed no clients (no Node.js of version 20 or later)' unless node_scripts();

my $photo = write_file('photo.png', png_bytes(160, 90, [ 178, 84, 40 ]));

my $url = model_server();
run_checks('gemini', 'gemini_client.mjs', $url, $photo, scratch(), qw(texts pictures errors));
run_checks('openai', 'openai_client.mjs', $url, $photo, qw(chats pictures errors));

# Small videos will do.
$url = model_server('--canned');
run_checks('gemini', 'gemini_client.mjs', $url, $photo, scratch(), qw(videos interactions));

$url = model_server('--canned', map { ('--fault', "image_generation#$_") } '1=429', '2=503', '3=refused-image', '4=empty');
run_checks('openai', 'openai_client.mjs', $url, $photo, 'faults');

done_testing();
