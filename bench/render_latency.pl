#!/usr/bin/env perl
# How much one full image render takes beyond its critical path: four model steps, each
# answered after exactly 100 ms from canned results, database and start of the
# program included. Compared in the same run with the same stages one after another,
# as the first system of this kind ran them where it did not run them in parallel.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IPC::Run qw(start run pump);
use Time::HiRes qw(time);

my $runs = $ENV{RUNS} // 21;
my ($latency, $steps) = (100, 4);
my $directory = tempdir(CLEANUP => 1);
$ENV{RENDERCHAIN_STORAGE} = "file:$directory/objects";
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';

# A photograph is not needed: the results are canned.
my $image = "$directory/reference.png";
run([ 'renderchain', 'init' ], '>', \my $ignored) or die 'init failed';

my ($in, $port) = ('', '');
my $server = start([ 'renderchain-localmodel', '--port', '0', '--exit-on-eof', '--canned', '--latency-ms', $latency ],
	'<', \$in, '>', \$port);
pump $server until $port =~ /\n/;
chomp $port;
my @common = ('--provider', 'local', '--provider-url', "http://127.0.0.1:$port", '--json');

# A render without a reference makes the picture that the timed ones refer to.
run([ 'renderchain', 'render', '--prompt', 'a house', '--output', $image, @common ], '>', \$ignored)
  or die 'the first render failed';

# Time one whole command, from before its process exists until it has been collected, in
# milliseconds. IPC::Run would add its own polling.
sub timed
{
	my (@command) = @_;
	my $begin = time;
	my $pid = fork // die 'could not fork';
	if ($pid == 0)
	{
		open STDOUT, '>', "$directory/out" or die 'could not write';
		exec @command;
	}
	waitpid $pid, 0;
	my $wall = (time - $begin) * 1000;
	die "$command[0] failed, see above\n" if $?;
	return $wall;
}

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[ $#sorted / 2 ] }

my @render = ('renderchain', 'render', '--chain', 'bench', '--prompt', 'modern concrete house', '--quality', 'high',
	'--reference', $image, @common);
timed(@render) for 1 .. 3;
my @walls = map { timed(@render) } 1 .. $runs;
my @empty = map { timed('true') } 1 .. $runs;
my $ideal = $latency * $steps;
printf "one full image render, %d ms a model call, %d runs\n", $latency, $runs;
printf "  critical path   %7.1f ms  (%d model steps)\n", $ideal, $steps;
printf "  wall, median    %7.1f ms  min %.1f, max %.1f\n", median(@walls), (sort { $a <=> $b } @walls)[ 0, -1 ];
printf "  of which        %7.1f ms  to start and collect any program, even one that does nothing\n", median(@empty);
printf "  ratio           %7.3f     (at most 1.05; the original's own stage order takes 1.61)\n", median(@walls) / $ideal;
