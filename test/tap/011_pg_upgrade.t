# A server that pg_upgrade took to this version answers as before. The older one, with the
# extension installed, is that below RENDERCHAIN_OLD_SERVER, as tools/check-versions has it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainKept;
use RenderchainTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $old_path = $ENV{RENDERCHAIN_OLD_SERVER}
  or plan skip_all => 'RENDERCHAIN_OLD_SERVER names no older server';

# The libraries of its JIT are not in that system.
my $old = new_server('older', bare => 1, install_path => $old_path, conf => "jit = off\n");
my $before = fill_kept($old);
my $old_bin = $old->config_data('--bindir');
note('from ' . $old->safe_psql('postgres', 'SELECT version()'));
$old->stop;

my $new = PostgreSQL::Test::Cluster->new('newer');
# From 18 on pages have checksums unless one says otherwise, and pg_upgrade wants both alike.
$new->init(extra => $new->config_data('--version') =~ / (\d+)/ && $1 >= 18 ? ['--no-data-checksums'] : []);
chdir scratch() or die $!;
for my $words ([ 'checks', '--check' ], [ 'upgrades', '--jobs', '2' ])
{
	my ($does, @options) = @$words;
	command_ok([ 'pg_upgrade', '--no-sync', '-b', $old_bin, '-B', $new->config_data('--bindir'),
			'-d', $old->data_dir, '-D', $new->data_dir, '-s', $new->host, '-p', $old->port, '-P', $new->port, @options ],
		"pg_upgrade $does");
}
$new->start;
note('to ' . $new->safe_psql('postgres', 'SELECT version()'));
same_answers($new, $before, 'answers as before');
$new->safe_psql('kept', 'ALTER EXTENSION renderchain UPDATE; VACUUM ANALYZE');
same_answers($new, $before, 'and after the update of the extension, which is none');

# What pg_upgrade noted about the extension's rights decides what a dump says of them.
my $dump = scratch() . '/kept.dump';
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $new->connstr('kept') ], 'dumped from there');
$new->safe_psql('postgres', 'DROP DATABASE kept');
command_ok([ 'pg_restore', '--create', '--exit-on-error', $dump, '-d', $new->connstr('postgres') ], 'and restored');
same_answers($new, $before, 'answers as before');
$new->stop;

done_testing();
