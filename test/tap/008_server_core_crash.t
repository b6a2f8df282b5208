# The server's part when a process of the server is killed in the middle of its work, and
# when what is on disk is damaged: what was acknowledged is there, nothing is half there,
# and damage is an error.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run qw(start finish timeout);
use RenderchainTest;
use Test::More;

my ($clients, $kills) = (4, 3);
my $node = new_server('crash', conf => "restart_after_crash = on\n");
sub id { return sprintf '00000000-0000-0000-0000-%012d', shift }
sub number { return sql($node, shift) || 0 }

# Render 0 is saved to by all clients, each with a key of its own, the others by one client each: a
# number, and a text that is longer than a page and follows from it.
sql($node, "INSERT INTO render_chains (id, name) SELECT '" . id(0) . "', 'busy'");
sql($node, "INSERT INTO renders (id, prompt, chain_id, chain_position, status, context_data) VALUES ('" . id($_) . "', 'busy', '"
	. id(0) . "', $_ + 1, 'completed', '{\"pipelineMemory\": {\"n\": 0}, \"other\": 1}')") for 0 .. $clients;
sql($node, q(CREATE FUNCTION long_text(n integer) RETURNS text LANGUAGE sql IMMUTABLE
	AS $$ SELECT string_agg(md5(n || ' ' || i), '') FROM generate_series(1, 300) i $$));

# Start a client that saves from a number on, and prints each number when it is saved.
sub start_client
{
	my ($client, $from) = @_;
	my $script = write_file("client$client.sql", join '', map {
		"SELECT renderchain.save_memory('" . id($client) . "', jsonb_build_object('n', $_, 'text', long_text($_))) ->> 'n';\n"
		  . "SELECT renderchain.save_memory('" . id(0) . "', jsonb_build_object('client$client', $_)) ->> 'client$client';\n"
	} $from .. $from + 5000);
	my %run = (out => '', err => '', client => $client);
	$run{run} = start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', $script ], '<', \undef, '>', \$run{out}, '2>', \$run{err}, timeout(180));
	return \%run;
}

# What each client has been told, by the order of its answers: the last number of its own render, and of the shared one.
sub told
{
	my ($run, $from) = @_;
	my @numbers = $run->{out} =~ /^(\d+)\n/mg;
	my $saved = $from - 1 + int((@numbers + 1) / 2);
	return ($saved, $from - 1 + int(@numbers / 2));
}

my $amcheck = number("SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'");
sql($node, 'CREATE EXTENSION amcheck') if $amcheck;
my $from = 1;
for my $kill (1 .. $kills)
{
	my @runs = map { start_client($_, $from) } 1 .. $clients;
	wait_until(sub { $_->{run}->pump_nb for @runs; !grep { (told($_, $from))[1] < $from + 20 } @runs }, 'everybody is saving');
	my $victim;
	wait_until(sub { $_->{run}->pump_nb for @runs; $victim = sql($node, "SELECT pid FROM pg_stat_activity
		WHERE state = 'active' AND query LIKE '%save_memory%' AND pid <> pg_backend_pid() LIMIT 1") }, 'somebody is saving now');
	kill 'KILL', $victim or die "kill: $!";
	finish($_->{run}) for @runs;
	wait_until(sub { $node->poll_query_until('postgres', 'SELECT 1', '1') }, 'the server is back');

	my ($torn, $lost) = (0, 0);
	for my $run (@runs)
	{
		my ($own, $shared) = told($run, $from);
		my $has_own = number("SELECT context_data #> '{pipelineMemory,n}' FROM renders WHERE id = '" . id($run->{client}) . "'");
		my $has_shared = number("SELECT context_data #> '{pipelineMemory,client$run->{client}}' FROM renders WHERE id = '" . id(0) . "'");
		$lost++ if $has_own < $own || $has_own > $own + 1 || $has_shared < $shared || $has_shared > $shared + 1;
	}
	is($lost, 0, "kill $kill: what was acknowledged is there, and at most what was under way");
	is(number(qq(SELECT count(*) FROM renders WHERE context_data -> 'other' IS DISTINCT FROM '1' OR id <> ') . id(0) . qq('
		AND context_data #>> '{pipelineMemory,text}' IS DISTINCT FROM long_text((context_data #>> '{pipelineMemory,n}')::integer))),
		0, "kill $kill: no row is half saved");
	my $look = "SELECT renderchain.get_memory_from_chain('" . id(0) . "'), renderchain.get_memory_from_render('" . id(0) . "')";
	is(sql($node, "SET enable_indexscan = off; SET enable_bitmapscan = off; SET renderchain.direct_scan = off; $look"), sql($node, $look),
		"kill $kill: the indexes have what the table has");
  SKIP:
	{
		skip 'amcheck is not installed', 1 unless $amcheck;
		my $tables = "SELECT unnest(ARRAY[oid, reltoastrelid]) FROM pg_class WHERE oid = 'renders'::regclass";
		is(sql($node, "SELECT count(v::text) FROM (SELECT bt_index_check(indexrelid, true) AS v FROM pg_index JOIN pg_class c ON c.oid = indexrelid
			WHERE indrelid IN ($tables) AND c.relam = 403 OFFSET 0) s") > 3 && sql($node, "SELECT count(*) FROM ($tables) t (o), verify_heapam(o)"),
			'0', "kill $kill: table and indexes are sound");
	}
	$from += 6000;
	sql($node, "UPDATE renders SET context_data = jsonb_set(context_data, '{pipelineMemory}', jsonb_build_object('n', $from - 1, 'text', long_text($from - 1),
		'client1', $from - 1, 'client2', $from - 1, 'client3', $from - 1, 'client4', $from - 1))");
}

# A compressed document whose bytes were overwritten is refused or read as what it has become; the server lives on.
sql($node, <<'SQL');
ALTER TABLE renders ALTER context_data SET STORAGE MAIN, ALTER context_data SET COMPRESSION pglz;
INSERT INTO renders (id, prompt, status, context_data)
SELECT ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, 'damaged', 'pending',
    jsonb_build_object('filler', repeat('DAMAGED ' || n || ' ', 400), 'pipelineMemory', jsonb_build_object('n', n, 'text', repeat('more ' || n, 50)))
FROM generate_series(1, 200) n;
CHECKPOINT;
SQL
# from PostgreSQL 18 on the server has checksums, unless told otherwise
$node->append_conf('postgresql.conf', 'ignore_checksum_failure = on');
my $file = $node->data_dir . '/' . sql($node, "SELECT pg_relation_filepath('renders')");
$node->stop;
my ($bytes, $places) = (read_file($file), 0);
while ($bytes =~ /DAMAGED /g)
{
	my $place = pos($bytes) + 2 + $places % 40;
	substr($bytes, $place, 4) = join '', map { chr((37 * $places + 91 * $_) % 256) } 1 .. 4;
	pos($bytes) = $place;
	$places++;
}
open my $out, '>:raw', $file or die "$file: $!";
print $out $bytes;
close $out;
$node->start;
cmp_ok($places, '>=', 200, 'documents were damaged');
my $outcome = sql($node, <<'SQL');
CREATE FUNCTION outcome(id uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN renderchain.get_memory_from_render(id) IS NULL THEN 'none' ELSE 'read' END;
EXCEPTION WHEN data_corrupted THEN
    RETURN 'refused';
END $$;
SELECT string_agg(DISTINCT outcome(id), ' ' ORDER BY outcome(id)) FROM renders WHERE prompt = 'damaged';
SQL
like($outcome, qr/refused/, 'damage is noticed');
is(number('SELECT 1'), 1, 'and the server lives on');

done_testing();
