# A database that was dumped and restored on another server answers as before.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainKept;
use RenderchainTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('dumped', bare => 1);
my $before = fill_kept($node);

my $other = new_server('restored', bare => 1);
my $dir = scratch();
command_ok([ 'pg_dumpall', '--roles-only', '-d', $node->connstr, '-f', "$dir/roles.sql" ], 'roles dumped');
$other->psql('postgres', read_file("$dir/roles.sql"));

# How each format is dumped, and how restored.
my %formats = (
	plain => [ ['-Fp'], [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f' ] ],
	custom => [ ['-Fc'], [ 'pg_restore', '--create', '--exit-on-error' ] ],
	parallel => [ [ '-Fd', '-j', '2' ], [ 'pg_restore', '--create', '--exit-on-error', '-j', '2' ] ]);
for my $format (sort keys %formats)
{
	my ($how, $restore) = @{ $formats{$format} };
	my $file = "$dir/$format";
	command_ok([ 'pg_dump', '--create', @$how, '-f', $file, $node->connstr('kept') ], "$format: dumped");
	command_ok([ @$restore, $file, '-d', $other->connstr('postgres') ], "$format: restored without an error");
	same_answers($other, $before, "$format: answers as before");
	$other->safe_psql('postgres', 'DROP DATABASE kept');
}

done_testing();
