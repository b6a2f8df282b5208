# Scripts of test/node: they run where tools/node-modules has installed what they need.
package RenderchainNode;

use strict;
use warnings;
use Exporter 'import';
use FindBin;
use IPC::Run ();
use JSON::PP;
use Test::More;

our @EXPORT = qw(node_scripts run_checks);

# The folder of the scripts, or nothing where they cannot be run.
sub node_scripts
{
	my $folder = "$FindBin::Bin/../node";
	return -d "$folder/node_modules" ? $folder : undef;
}

# Run a script, each of whose lines is a check.
sub run_checks
{
	my ($what, $script, @words) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ 'node', node_scripts() . "/$script", @words ], '<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default * 2));
	ok($ok, "$what: $script ends well") or diag($err);
	for my $check (map { JSON::PP->new->utf8->decode($_) } grep { /^\{/ } split /\n/, $out)
	{
		ok($check->{ok}, "$what: $check->{name}") or diag($check->{detail});
	}
	return;
}

1;
