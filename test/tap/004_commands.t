# What people look at and change: chains, renders, memory, credits, models.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainTest;
use Test::More;

my $node = new_server('commands');
model_server();
my $user = '11111111-2222-3333-4444-555555555555';
my ($code, $out, $err);

($code, $out) = driver('render', '--chain', 'villa', '--prompt', 'white house with slate roof', '--json');
my $first = result_of($out)->{data};
($code, $out) = driver('render', '--chain', 'villa', '--prompt', 'the same at night', '--json');
my $second = result_of($out)->{data};

($code, $out) = driver('chain', 'list', '--json');
is($code, 0, 'chain list exits 0');
like($out, qr/"villa"/, 'chain list names the chain');
for my $name ('villa', $first->{chainId})
{
	($code, $out, $err) = driver('chain', 'show', $name, '--json');
	is($code, 0, "chain show by " . ($name eq 'villa' ? 'name' : 'id')) or diag($err);
	like($out, qr/\Q$first->{renderId}\E.*\Q$second->{renderId}\E/s, 'both renders in order');
}
($code, $out) = driver('chain', 'show', 'villa', '--text');
like($out, qr/completed.*%/s, 'the table has status and consistency');

for my $database ([ '-d', 'postgres' ], ['-dpostgres'], [ '--dbname', 'postgres' ], ['--dbname=postgres'])
{
	is((driver(@$database, 'chain', 'list', '--json'))[0], 0, "@$database before the command");
	isnt((driver(map({ s/postgres/nowhere/r } @$database), 'chain', 'list'))[0], 0, 'names the database');
}

($code, $out) = driver('show', $first->{renderId}, '--json');
is(result_of($out)->{data}{renderId}, $first->{renderId}, 'show gives the result');
($code, $out) = driver('show', $first->{renderId}, '--text');
like($out, qr/image_generation/, 'show lists the stages');

my $patch = write_file('pin.json', '{"palette": ["signal red #ff0000"], "note": "door"}');
($code, $out, $err) = driver('memory', 'pin', 'villa', $patch);
is($code, 0, 'memory pin exits 0') or diag($err);
($code, $out) = driver('memory', 'get', 'villa', '--json');
like($out, qr/signal red #ff0000/, 'the pin is in the memory at once');
($code, $out) = driver('render', '--chain', 'villa', '--prompt', 'the same in fog', '--json');
is(result_of($out)->{data}{pipelineMemory}{palette}[0], 'signal red #ff0000', 'a pinned palette survives extraction');
is((driver('memory', 'unpin', 'villa', 'palette', 'note'))[0], 0, 'memory unpin exits 0');
is(sql($node, "SELECT count(*) FROM memory_pins WHERE pins <> '{}'"), '0', 'nothing is pinned any more');

$patch = write_file('merge.json', '{"materials": ["cork"]}');
is((driver('memory', 'merge', $second->{renderId}, $patch))[0], 0, 'memory merge exits 0');
is(sql($node, "SELECT renderchain.get_memory_from_render('$second->{renderId}')->'materials'"), '["cork"]', 'and merges');

is((driver('credits', 'grant', '--user', $user, '--amount', '10'))[0], 0, 'credits grant exits 0');
($code, $out) = driver('credits', 'balance', '--user', $user, '--json');
like($out, qr/10/, 'credits balance shows them');
is((driver('credits', 'grant', '--user', $user, '--amount', '-5'))[0], 3, 'a negative grant is refused');
is((driver('credits', 'grant', '--user', $user, '--amount', 'ten'))[0], 3, 'a grant of words is refused')
  or diag('usage is fine as well');

# The ledger that explains a balance.
my ($reserved) = sql($node, qq(SELECT render_id FROM renderchain.submit_render('{"prompt": "x", "forceModel": "local-image-pro", "userId": "$user"}')));
($code, $out) = driver('credits', 'list', '--user', $user, '--json');
is($code, 0, 'credits list exits 0');
is_deeply([ map { [ @$_{qw(kind amount balance reserved renderId)} ] } events_of($out) ],
	[ [ 'reserve', 2, 8, 2, $reserved ], [ 'grant', 10, 10, 0, undef ] ], 'and explains the balance, the newest first');
($code, $out) = driver('credits', 'list', '--user', $user, '--text', '--limit', '1');
like($out, qr/^when +entry +credits +balance +reserved +render\n\S+ \S+ +reserve +2 +8 +2 +\Q$reserved\E\n\z/, 'as a table, too');
is((driver('credits', 'list', '--user', '00000000-0000-0000-0000-0000000000ff'))[0], 5, 'no account is not found');
is((driver('credits', 'list'))[0], 2, 'whose it is must be said');
is((driver('credits', 'list', '--user', $user, '--limit', '0'))[0], 3, 'a limit of none is refused');

# What waits and what runs.
sql($node, q(SELECT renderchain.run_render('{"prompt": "running"}', 'host:1', '1 hour')));
($code, $out) = driver('status', '--json');
is($code, 0, 'status exits 0');
my $status = result_of($out);
is_deeply([ @$status{qw(queued ready running expiredLeases creditsReserved)} ], [ 1, 1, 1, 0, 2 ], 'status counts');
is($status->{oldestWaiting}{renderId}, $reserved, 'and names what waits longest');
is($status->{workers}[0]{worker}, 'host:1', 'and who runs');
($code, $out) = driver('status', '--text', '--limit', '0');
like($out, qr/^queued     1: 1 ready, 0 for later, 0 held back by caps, 0 behind others of their chain\noldest     \S+ s, render \Q$reserved\E\nrunning    1\n/, 'status for people');
like($out, qr/^worker +running +oldest +lease left +stages\nhost:1 +1 +\S+ s +60 min +none 1\n\z/m, 'with a table of workers');
($code, $out) = driver('status', '--text');
like($out, qr/^render +type +worker +attempt +age\n[-0-9a-f]{36} +image +host:1 +1 +\S+ s\n\z/m, 'and of renders');
is((driver('status', '--limit', 'x'))[0], 3, 'a limit of words is refused');

($code, $out) = driver('models', '--text');
like($out, qr/local-image-flash.*gemini-3-pro-image/s, 'models lists the registry');
like($out, qr/^gemini-3-pro-image .* 15, 4K 27  /m, 'with what depends on the size');
my $registry = write_file('models.json', '{"version": 1, "models": [{"id": "my-model", "provider": "gemini", "wire": "gemini",
	"kind": "image", "tier": "flash", "qualities": ["standard"], "aspectRatios": ["1:1"], "sizes": ["1K"], "maxReferences": 1,
	"maxPromptChars": 1000, "credits": 3, "price": null, "timeoutSeconds": 60}]}');
is((driver('models', '--load', $registry))[0], 0, 'models --load exits 0');
($code, $out) = driver('models', '--json');
like($out, qr/my-model/, 'and the model is there');
is((driver('models', '--load', write_file('bad.json', '{"models": [{"id": 1}]}')))[0], 3, 'a registry with a mistake is refused');

done_testing();
