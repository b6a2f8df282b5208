# The same short chaos with an S3 service for storage, which fails now and then as well.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainChaos;
use Test::More;

chaos(8, $ENV{CHAOS_SEED} || time, 's3');
done_testing();
