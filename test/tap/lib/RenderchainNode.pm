# Tests that are scripts for node (test/node): whether they can run here, and their results as those
# of the test that runs them.
package RenderchainNode;

use strict;
use warnings;
use Exporter 'import';
use FindBin;
use IPC::Run qw(start finish timeout);
use JSON::PP;
use RenderchainTest;
use Test::More;

our @EXPORT = qw(need_node need_browser node_tests node_scripts run_checks);

my $scripts = "$FindBin::Bin/../node";

# Skip all where there is no node with its packages.
sub need_node
{
	plan skip_all => 'tools/node-modules found no Node.js of version 20 or later' unless -d "$scripts/node_modules/playwright-core";
	return;
}

# Skip all where there is no browser either.
sub need_browser
{
	need_node();
	my ($chromium) = grep { -x } '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome';
	plan skip_all => 'there is no chromium' unless $chromium;
	$ENV{CHROMIUM} = $chromium;
	return;
}

# Run a script, with settings in its environment; its tests are ours.
sub node_tests
{
	my ($script, %settings) = @_;
	local @ENV{ keys %settings } = values %settings;
	# Profiles of browsers, too, belong to this test.
	local $ENV{TMPDIR} = scratch();
	my ($out, $err, $count, $planned) = ('', '', 0, -1);
	my $run = start([ 'node', "$scripts/$script" ], '<', \undef, '>', \$out, '2>', \$err, timeout(600));
	my $read = sub {
		while ($out =~ s/^(.*)\n//)
		{
			my $line = $1;
			if ($line =~ /^(not )?ok \d+ - (.*)/) { ok(!$1, $2); $count++ }
			elsif ($line =~ /^1\.\.(\d+)$/) { $planned = $1 }
			else { diag($line =~ s/^# //r) }
		}
	};
	while ($run->pumpable) { $run->pump; $read->() }
	finish($run);
	$read->();
	is($count, $planned, "$script has run to its end") or diag($err);
	return;
}

# The folder of the scripts, or nothing where they cannot be run.
sub node_scripts
{
	return -d "$scripts/node_modules" ? $scripts : undef;
}

# Run a script, each of whose lines is a check.
sub run_checks
{
	my ($what, $script, @words) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ 'node', node_scripts() . "/$script", @words ], '<', \undef, '>', \$out, '2>', \$err,
		timeout($PostgreSQL::Test::Utils::timeout_default * 2));
	ok($ok, "$what: $script ends well") or diag($err);
	for my $check (map { JSON::PP->new->utf8->decode($_) } grep { /^\{/ } split /\n/, $out)
	{
		ok($check->{ok}, "$what: $check->{name}") or diag($check->{detail});
	}
	return;
}

1;
