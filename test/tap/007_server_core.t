# The server's part under load and on a standby: sixty-four sessions that save to one
# row lose nothing, and whatever only reads works on a hot standby.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RenderchainTest;
use Test::More;

my ($sessions, $saves) = (64, 100);
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
# The standby comes after a lot of WAL: a checkpoint must not take away what it starts from.
$node->append_conf('postgresql.conf', "fsync = off\nmax_connections = 100\nwal_keep_size = '2GB'\n");
$node->start;
sql($node, 'CREATE EXTENSION renderchain; SELECT renderchain.create_tables()');

my $chain = '00000000-0000-0000-0000-00000000000c';
my $render = '00000000-0000-0000-0000-00000000000a';
sql($node, <<SQL);
INSERT INTO render_chains (id, name) VALUES ('$chain', 'busy');
INSERT INTO renders (id, prompt, chain_id, chain_position, status, context_data)
VALUES ('$render', 'busy', '$chain', 1, 'completed', '{"pipelineMemory": {"palette": ["oak"]}, "other": 1}');
SQL

# Every session adds keys of its own; nothing else is touched.
my $script = write_file('save.sql', <<'SQL');
SELECT renderchain.save_memory('00000000-0000-0000-0000-00000000000a',
    jsonb_build_object(format('s%s %s', :client_id::integer, (SELECT count(*) FROM jsonb_object_keys(renderchain.get_memory_from_render('00000000-0000-0000-0000-00000000000a')) k
                                                     WHERE k LIKE format('s%s %%', :client_id::integer))), true)) IS NOT NULL;
SQL
for my $way ('on', 'off')
{
	sql($node, qq(UPDATE renders SET context_data = '{"pipelineMemory": {"palette": ["oak"]}, "other": 1}'));
	local $ENV{PGOPTIONS} = "-c renderchain.direct_scan=$way";
	$node->command_ok([ 'pgbench', '-n', '-c', $sessions, '-j', 2, '-t', $saves, '-M', 'prepared', '-f', $script ],
		"$sessions sessions save $saves times each (direct_scan $way)");
	is( sql($node, "SELECT count(*) FROM jsonb_object_keys(renderchain.get_memory_from_chain('$chain')) k WHERE k <> 'palette'"),
		$sessions * $saves, "no key is lost (direct_scan $way)");
	is( sql($node, q(SELECT context_data -> 'other', context_data #> '{pipelineMemory,palette}' FROM renders)),
		'1|["oak"]', "and nothing else is touched (direct_scan $way)");
}

# On a standby.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
sql($node, <<SQL);
SELECT renderchain.pin_memory('$chain', '{"materials": ["oak"]}');
UPDATE renders SET context_data = '{"pipelineMemory": {"n": 1}}';
INSERT INTO renders (id, prompt, chain_id, chain_position, status, parent_render_id)
VALUES ('00000000-0000-0000-0000-00000000000b', 'branch', '$chain', 2, 'completed', '$render');
SQL
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));

my $lookups = <<SQL;
SELECT renderchain.get_memory_from_chain('$chain');
SELECT renderchain.get_memory_from_render('$render');
SELECT renderchain.get_memory_from_ancestors('00000000-0000-0000-0000-00000000000b');
SELECT chain_position, prompt, memory FROM renderchain.get_latest_completed_render_with_memory('$chain');
SELECT render_id, memory FROM renderchain.get_memories_from_chains(ARRAY['$chain']::uuid[]);
SELECT renderchain.get_chain('$chain') ->> 'name', renderchain.find_chain('busy');
SQL
for my $way ('on', 'off')
{
	my $setting = "SET renderchain.direct_scan = $way;\n";
	is(sql($standby, $setting . $lookups), sql($node, $setting . $lookups), "lookups answer on a standby (direct_scan $way)");
	for my $call ("save_memory('$render', '{}')", "merge_context('$render', '{\"a\": 1}')", "pin_memory('$chain', '{\"b\": 1}')")
	{
		my ($code, $out, $err) = $standby->psql('postgres', "$setting \\set VERBOSITY sqlstate\nSELECT renderchain.$call");
		like($err, qr/25006/, "$call is refused as read-only (direct_scan $way)");
	}
}
$standby->promote;
is(sql($standby, "SELECT renderchain.save_memory('$render', '{\"after\": true}')"),
	'{"n": 1, "after": true, "materials": ["oak"]}', 'a promoted standby saves, pins included');

done_testing();
