# A database of which everything is asked before and after it went elsewhere: by a dump, or
# by pg_upgrade. What it holds and what it is asked are in kept/.
package RenderchainKept;

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Exporter 'import';
use File::Basename qw(dirname);
use RenderchainTest;
use Test::More;

our @EXPORT = qw(fill_kept same_answers);

my $kept = dirname(__FILE__) . '/../kept';

# Make the database; what it answers, which is checked for signs of life only.
sub fill_kept
{
	my ($node) = @_;
	$node->safe_psql('postgres', 'CREATE DATABASE kept');
	$node->safe_psql('kept', read_file("$kept/fill.sql"));
	my $answers = answers_of($node);
	like($answers, qr/\n# lookups\nvilla\|2\|at dusk\|.*\n# the attached tables\n.*\n2\|t$/s, 'the database answers');
	return $answers;
}

# Ask everything. A long line is cut, with a digest of the whole.
sub answers_of
{
	my ($node) = @_;
	return join "\n", map { length > 1000 ? substr($_, 0, 200) . ' ... ' . md5_hex($_) : $_ }
	  split /\n/, $node->safe_psql('kept', read_file("$kept/answers.sql"));
}

# Ask everything again; only lines that differ are shown.
sub same_answers
{
	my ($node, $before, $name) = @_;
	my $after = answers_of($node);
	return if ok($after eq $before, $name);
	my ($old, $new) = (write_file('before', "$before\n"), write_file('after', "$after\n"));
	diag(scalar `diff -U 2 $old $new`);
	return;
}

1;
