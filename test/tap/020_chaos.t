# A short chaos; make chaos has more of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainChaos;
use Test::More;

chaos($ENV{CHAOS_SECONDS} || 12, $ENV{CHAOS_SEED} || time, $ENV{CHAOS_STORAGE} || 'file');
done_testing();
