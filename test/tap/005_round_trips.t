# The critical path waits for the database three times: claim, commit of generation's
# start, completion. A wait is a time in which no model call is out.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Test::More;

my $node = new_server('trips');
model_server('--canned', '--latency-ms', '60');
my $trace = scratch() . '/trace';
my $photo = write_file('photo.png', png_bytes(64, 64, [ 178, 84, 40 ]));
my ($code, $out, $err) = driver('render', '--chain', 'villa', '--prompt', 'a house', '--quality', 'high',
	'--reference', $photo, '--trace', $trace, '--json');
is($code, 0, 'render exits 0') or diag($err);

my ($http, $db, $waiting, $waits) = (0, 0, 0, 0);
my (%sent, @waited_for);
for my $line (events_of(read_file($trace)))
{
	$http++ if $line->{kind} eq 'http_send';
	$http-- if $line->{kind} eq 'http_done';
	$db++ if $line->{kind} eq 'db_send';
	$db-- if $line->{kind} eq 'db_done';
	$sent{ $line->{id} } = $line->{what} if $line->{kind} eq 'db_send';
	if ($line->{kind} eq 'db_done' && $waiting)
	{
		push @waited_for, $sent{ $line->{id} } unless $db;
		$waits++ unless $db;
	}
	$waiting = $db > 0 && $http == 0;
}
is($waits, 3, 'three waits for the database');
my @kinds = map { /renderchain\.(\w+)/ ? $1 : () } @waited_for;
is_deeply(\@kinds, [qw(run_render record_stages complete_render)],
	'claim (with the models, in one flight), start of generation, completion')
  or diag(join "\n", @waited_for);

done_testing();
