# Figures for Prometheus: in its text format, by its conventions, with those of the queue, which
# the database is not asked for at every scrape.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainServe;
use RenderchainTest;
use Test::More;

my $node = new_server('metrics', conf => "track_functions = all\n");
my $alice = '11111111-2222-3333-4444-55555555555a';
my @problems;

# Read the text format (0.0.4) as Prometheus does, noting what is against it or against its
# conventions; a hash of samples.
sub figures
{
	my ($text) = @_;
	my (%sample, %type, %help, %closed, $current);
	my $name = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
	push @problems, 'the last line has no end' unless $text =~ /\n\z/;
	for my $line (split /\n/, $text)
	{
		if ($line =~ /^# HELP ($name) (.+)$/)
		{
			my $of = $1;
			push @problems, "$of is explained twice" if $help{$of}++;
			$closed{$current}++ if defined $current && $current ne $of;
			$current = $of;
		}
		elsif ($line =~ /^# TYPE ($name) (counter|gauge)$/)
		{
			my ($of, $is) = ($1, $2);
			push @problems, "the type of $of stands elsewhere" if $type{$of} || $current ne $of;
			$type{$of} = $is;
			push @problems, "$of is a counter by name or by type only" if ($is eq 'counter') != ($of =~ /_total$/);
		}
		elsif ($line =~ /^($name)(\{$name="(?:[^"\\]|\\[\\"n])*"(?:,$name="(?:[^"\\]|\\[\\"n])*")*\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/)
		{
			my ($of, $labels, $value) = ($1, $2 // '', $3);
			push @problems, "$of has no type" unless $type{$of};
			push @problems, "$of is not in one place" if $closed{$of} || $current ne $of;
			push @problems, "$of is not ours" if $of !~ /^renderchain_[a-z_]+$/;
			push @problems, "$line comes twice" if exists $sample{"$of$labels"};
			$sample{"$of$labels"} = $value;
		}
		else
		{
			push @problems, "not understood: $line";
		}
	}
	return \%sample;
}

%token = (alice => token('--user', $alice), admin => token('--user', $alice, '--level', 'admin'));
sql($node, qq(SELECT renderchain.grant_credits('$alice', 1000, 'test')));
sql($node, qq(SELECT renderchain.submit_render('{"prompt": "x", "userId": "$alice"}') FROM generate_series(1, 5)));
sql($node, qq(SELECT renderchain.submit_render('{"prompt": "x", "userId": "$alice", "chainName": "villa"}') FROM generate_series(1, 3)));
sql($node, q(SELECT renderchain.claim_renders('w', 2, '1 hour')));
sql($node, q(UPDATE render_jobs SET run_after = now() + interval '1 hour' WHERE render_id = (SELECT render_id FROM render_jobs WHERE state = 'queued' LIMIT 1)));
sql($node, q(UPDATE render_jobs SET lease_until = now() - interval '1 second' WHERE render_id = (SELECT render_id FROM render_jobs WHERE state = 'running' LIMIT 1)));
sql($node, q(INSERT INTO stored_objects (key, backend, render_id, state, created_at, updated_at)
	SELECT 'k' || i, 'file', (SELECT id FROM renders LIMIT 1), 'doomed', now(), now() FROM generate_series(1, 3) i));
my $reserved = sql($node, "SELECT reserved FROM credit_accounts WHERE user_id = '$alice'");
$serve = serve('--rate=0');
my @answer = ask('admin', 'GET', '/metrics');
is($answer[0], 200, 'figures are given');
like($answer[2], qr{^Content-Type: text/plain; version=0\.0\.4\r?$}m, 'in the text format');
my $figures = figures($answer[1]);
is(join("\n", @problems), '', 'which a parser reads');
my %wanted = ('renderchain_up' => 1, 'renderchain_queue_known' => 1, 'renderchain_queue_renders{state="ready"}' => 3, 'renderchain_queue_renders{state="chained"}' => 2, 'renderchain_queue_renders{state="later"}' => 1,
	'renderchain_queue_renders{state="capped"}' => 0, 'renderchain_queue_renders{state="running"}' => 2, 'renderchain_queue_expired_leases' => 1,
	'renderchain_queue_past_deadline' => 0, 'renderchain_credits_reserved' => $reserved, 'renderchain_objects{state="doomed"}' => 3,
	'renderchain_objects{state="pending"}' => 0, 'renderchain_workers_busy' => 1, 'renderchain_http_streams' => 0);
is($figures->{$_}, $wanted{$_}, $_) for sort keys %wanted;
cmp_ok($reserved, '>', 0, 'credits are reserved');
cmp_ok($figures->{'renderchain_queue_oldest_waiting_seconds'}, '>', 0, 'somebody waits');
ok((grep { /^renderchain_build_info\{version="\d+\.\d+\.\d+[^"]*"\}$/ } keys %$figures), 'the version is told');

# However many ask, the database is asked every 5 s at most.
my $began = time();
ask('admin', 'GET', '/metrics') for 1 .. 40;
my $asked = 'SELECT COALESCE(max(calls), 0) FROM pg_stat_user_functions WHERE funcname = \'queue_status\'';
wait_until(sub { sql($node, $asked) > 0 }, 'calls are counted');
cmp_ok(sql($node, $asked), '<=', (time() - $began) / 5 + 2, 'the database is not asked at every scrape');

# What cannot be known is left out, and said to be unknown.
sql($node, q(ALTER FUNCTION renderchain.queue_status(integer) RENAME TO moved));
wait_until(sub { (ask('admin', 'GET', '/metrics'))[1] =~ /^renderchain_queue_known 0$/m }, 'the queue is not known');
$figures = figures((ask('admin', 'GET', '/metrics'))[1]);
ok(!(grep { /^renderchain_(?:queue_renders|objects|credits)/ } keys %$figures), 'no old figures are told');
$node->stop('immediate');
$serve->{says}->(qr/"database_lost"/);
@answer = ask('admin', 'GET', '/metrics');
like($answer[1], qr/^renderchain_up 0$/m, 'without the database it says so') if $answer[0] == 200;
is(join("\n", @problems), '', 'all of this is read by a parser');
done_testing();
