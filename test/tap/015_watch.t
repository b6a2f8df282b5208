# Watching: what a terminal shows while stages run, side by side where they run at the same time;
# lines of JSON in a pipe; nothing missed and nothing told twice while the database restarts.
# What happens is done by SQL, so that the test decides when.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use IPC::Run qw(start finish timeout);
use JSON::PP;
use Terminal;
use Test::More;

$ENV{TERM} = 'xterm-256color';
$ENV{COLORTERM} = 'truecolor';
delete $ENV{NO_COLOR};
my $node = new_server('watch');
my ($code, $out, $err);

# Claim all that waits, of a chain too; record stages; end a render.
sub claim { return sql($node, q(SET renderchain.chain_order = off; SELECT count(*) FROM renderchain.claim_renders('w', 100, '1 hour'))) }
sub stages
{
	my ($id, @events) = @_;
	my $json = JSON::PP->new->encode(\@events);
	return sql($node, "SELECT renderchain.record_stages('$id', (SELECT attempt FROM render_jobs WHERE render_id = '$id'), \$x\$$json\$x\$) > 0");
}
sub running { my ($stage, %more) = @_; return { stage => $stage, status => 'running', %more } }
sub success { my ($stage, $ms, %more) = @_; return { stage => $stage, status => 'success', outcome => 'ok', durationMs => $ms, %more } }
sub complete
{
	my ($id, @palette) = @_;
	my $result = JSON::PP->new->encode({ outputKey => "k-$id", memory => { palette => \@palette }, processingMs => 4200 });
	return sql($node, "SELECT renderchain.complete_render('$id', (SELECT attempt FROM render_jobs WHERE render_id = '$id'), \$x\$$result\$x\$) IS NOT NULL");
}

# Start to watch into a pipe.
sub watch
{
	my (@words) = @_;
	my %watch = (out => '', err => '');
	$watch{run} = start([ 'renderchain', 'watch', @words ], '<', \undef, '>', \$watch{out}, '2>', \$watch{err}, timeout(120));
	started($watch{run});
	$watch{says} = sub {
		my ($what) = @_;
		wait_until(sub { $watch{run}->pump_nb if $watch{run}->pumpable; $watch{out} =~ $what }, "watch says $what: $watch{out}$watch{err}");
	};
	return \%watch;
}

# A render that has ended gives usual times: long ones, so that none is over before it is looked at.
my $past = submit('--prompt', 'past', '--chain', 'past');
claim();
stages($past, success('semantic_parsing', 90000, model => 'm'), success('image_generation', 6000000, model => 'painter'), success('prompt_optimization', 2000, model => 'm'),
	success('memory_extraction', 300000, model => 'm'));
complete($past, 'sand #c2b280');

# Lines of JSON.
my $id = submit('--prompt', 'a house', '--chain', 'villa');
my $watch = watch($id);
$watch->{says}->(qr/"event":"render".*"status":"pending"/);
my $other = submit('--prompt', 'of no concern', '--chain', 'other');
claim();
$watch->{says}->(qr/"event":"render".*"status":"processing"/);
stages($id, running('semantic_parsing', model => 'm'), running('image_understanding', part => 'style'));
$watch->{says}->(qr/"event":"stage".*"part":"style".*"status":"running"/);
stages($id, success('semantic_parsing', 95000, model => 'm', cost => 0.25),
	{ stage => 'image_understanding', part => 'style', status => 'failed', outcome => 'overloaded', durationMs => 9, error => { message => 'too many' } });
$watch->{says}->(qr/"status":"failed"/);
complete($other, 'sand');
complete($id, 'navy #1f2a44');
is(($watch->{run}->finish, $watch->{run}->result(0))[1], 0, 'a render that completes is exit code 0') or diag($watch->{err});
my @events = events_of($watch->{out});
is_deeply([ map { join ' ', grep { defined } @$_{qw(event stage status)} } @events ], [
	'render pending', 'render processing', 'stage semantic_parsing running', 'stage image_understanding running', 'stage image_understanding failed', 'stage semantic_parsing success', 'end completed', '' ], 'each change once, in order')
  or diag($watch->{out});
is($events[4]{error}, 'too many', 'with the reason of a failure');
is($events[-1]{data}{renderId}, $id, 'the last line is the result');
is($events[-2]{palette}[0], 'navy #1f2a44', 'the end has the palette');

# The same afterwards: a render that has ended is told from its beginning.
($code, $out) = driver('watch', $id);
is($code, 0, 'what has ended can be watched');
is(scalar(grep { ($_->{event} // '') eq 'stage' } events_of($out)), 2, 'its stages are told');

# Text in a pipe: what has ended, a line each.
($code, $out) = driver('watch', $id, '--text');
like($out, qr/\Avilla 1  ! image_understanding, style 0\.0 s too many\nvilla 1  \+ semantic_parsing 95\.0 s m\nvilla 1  completed in 4\.2 s  \$0\.2500  a house\n\z/, 'text in a pipe');

# What failed or was cancelled is exit code 1, what is not there 5; an interrupt is 9.
my $cancelled = submit('--prompt', 'never');
sql($node, "SELECT renderchain.cancel_render('$cancelled')");
is((driver('watch', $cancelled))[0], 1, 'a cancelled render is exit code 1');
is((driver('watch', '00000000-0000-0000-0000-000000000001'))[0], 5, 'an unknown id is not found');
is((driver('watch', 'nowhere'))[0], 5, 'nor is a chain of no such name');
is((driver('watch', 'villa'))[0], 0, 'a chain in which nothing runs ends at once');
$id = submit('--prompt', 'interrupted');
$watch = watch($id);
$watch->{says}->(qr/pending/);
$watch->{run}->signal('INT');
is(($watch->{run}->finish, $watch->{run}->result(0))[1], 9, 'an interrupt is exit code 9');
is(sql($node, "SELECT status FROM renders WHERE id = '$id'"), 'pending', 'and cancels nothing');
sql($node, "SELECT renderchain.cancel_render('$id')");

# A chain on a terminal: two renders at once.
my @ids = map { submit('--prompt', $_, '--chain', 'villa') } 'the house at dusk', 'the house in fog';
claim();
stages($ids[0], running('semantic_parsing', model => 'm'), success('image_understanding', 900, part => 'reference 1', model => 'v'), running('image_understanding', part => 'reference 2'));
stages($ids[1], success('semantic_parsing', 700, model => 'm', cost => 0.001), success('prompt_optimization', 1100, model => 'm', cost => 0.002), running('image_generation', model => 'painter'));
my $terminal = Terminal->new(120, 30, 'renderchain', 'watch', 'villa');
wait_until(sub { $terminal->text =~ /in fog/ && $terminal->text =~ /of 100:00 min/ }, 'both are drawn');
my $screen = $terminal->text;
like($screen, qr/^villa 2  runs [\d.]+ s.*the house at dusk$/m, 'the first render has a line');
like($screen, qr/^  \* semantic_parsing \[[#-]{10}\] [\d.]+ s of 90\.0 s m +\| \+ image_understanding, reference 1 0\.9 s v *\n +\* image_understanding, reference 2 [\d.]+ s$/m,
	'parallel parts stand side by side, as many as there is room for') or diag($screen);
like($screen, qr/^villa 3  runs [\d.]+ s, about 10[0-5]:\d\d min left  \$0\.0030  the house in fog$/m, 'with what is left and what it has cost') or diag($screen);
like($screen, qr/^  \* image_generation \[-{10}\] [\d.]+ s of 100:00 min painter$/m, 'what runs has a bar') or diag($screen);
ok(!grep({ length > 120 } $terminal->lines), 'no line is wider than the terminal');

# What has ended is printed once and for all, with swatches; the other goes on below it.
stages($ids[1], success('image_generation', 18000, model => 'painter', cost => 0.134));
complete($ids[1], 'navy #1f2a44', 'rust #b25428');
wait_until(sub { $terminal->text =~ /^villa 3  completed in 4\.2 s  \$0\.1370  the house in fog$/m }, 'the second has ended');
like($terminal->raw, qr/\e\[48;2;31;42;68m  \e\[0m navy #1f2a44/, 'swatches where the terminal can');
wait_until(sub { $terminal->text =~ /completed.*^villa 2  runs/ms }, 'the first is drawn below it');

# The database restarts: what happens while the connection is away is not missed.
restart_server($node, 'immediate');
stages($ids[0], success('semantic_parsing', 1300, model => 'm'), success('image_understanding', 1400, part => 'reference 2', model => 'v'), success('model_routing', 1, model => 'painter'));
complete($ids[0], 'fog #cccccc');
is($terminal->end, 0, 'a restart of the database is survived') or diag($terminal->raw);
$screen = $terminal->text;
like($screen, qr/^villa 2  completed.*the house at dusk$/m, 'the end was seen');
like($screen, qr/reference 2 1\.4 s v/, 'and what came before it');
is(scalar(() = $screen =~ /^villa \d/mg), 2, 'each render stands there once') or diag($screen);

# In a pipe it says so, and says every stage once.
$id = submit('--prompt', 'the restarted', '--chain', 'villa');
$watch = watch('villa');
claim();
stages($id, running('semantic_parsing'));
$watch->{says}->(qr/"status":"running"/);
$node->stop('immediate');
$watch->{says}->(qr/"database_lost"/);
$node->start;
stages($id, success('semantic_parsing', 5), running('image_generation'));
stages($id, success('image_generation', 6));
my $while = submit('--prompt', 'quick', '--chain', 'villa');
sql($node, "SELECT renderchain.cancel_render('$while')");
complete($id, 'x');
is(($watch->{run}->finish, $watch->{run}->result(0))[1], 1, 'one of them was cancelled');
like($watch->{out}, qr/"database_back"/, 'it says that it is connected again');
my %count;
$count{"$_->{stage} $_->{status}"}++ for grep { $_->{event} eq 'stage' } events_of($watch->{out});
is($count{'semantic_parsing success'}, 1, 'the end of a stage is told once');
is($count{'image_generation success'}, 1, 'and that of another');
like($watch->{out}, qr/"event":"end","renderId":"$while"|"renderId":"$while".*"event":"end"|"event":"end".*"renderId":"$while"/, 'what began and ended meanwhile is told too');

# Narrow, without colours: nothing is drawn in them, nothing is wider than the terminal.
$id = submit('--prompt', 'a very long prompt ' x 20, '--chain', 'villa');
claim();
stages($id, running('semantic_parsing', model => 'a-model-with-a-rather-long-name'), running('image_understanding', part => 'reference 1'));
{
	local $ENV{NO_COLOR} = '1';
	$terminal = Terminal->new(44, 12, 'renderchain', 'watch', $id);
	wait_until(sub { $terminal->text =~ /reference/ }, 'it is drawn');
	ok(!grep({ length > 44 } $terminal->lines), 'no line is wider than a narrow terminal') or diag($terminal->text);
	complete($id, 'navy #1f2a44');
	is($terminal->end, 0, 'it ends');
	unlike($terminal->raw, qr/\e\[[0-9;]*m/, 'NO_COLOR is obeyed');
	like($terminal->text, qr/^  navy #1f2a44$/m, 'the palette is there by name');
}

# Everything, more than there is room for, until a signal.
@ids = map { submit('--prompt', "many $_") } 1 .. 12;
claim();
stages($_, running('semantic_parsing')) for @ids;
$terminal = Terminal->new(80, 12, 'renderchain', 'watch');
wait_until(sub { $terminal->text =~ /^and \d+ more; 12 run, 0 wait$/m }, 'some are counted only');
cmp_ok(scalar($terminal->lines), '<=', 12, 'the screen is not overflown');
sql($node, "SELECT renderchain.cancel_render('$_')") for @ids[ 0 .. 10 ];
wait_until(sub { (() = $terminal->text =~ /^render \w+  cancelled/mg) == 11 }, 'each end is shown');
$terminal->signal('INT');
is($terminal->end, 0, 'a signal ends it');

# Without notifications it is a little slower.
sql($node, "SELECT renderchain.cancel_render('$ids[11]')");
$node->append_conf('postgresql.conf', 'renderchain.notify = off');
$node->reload;
$id = submit('--prompt', 'quiet');
$watch = watch($id);
$watch->{says}->(qr/pending/);
sql($node, "SELECT renderchain.cancel_render('$id')");
is(($watch->{run}->finish, $watch->{run}->result(0))[1], 1, 'without notifications the end is seen');
done_testing();
