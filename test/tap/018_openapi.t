# The description of the HTTP side: it is OpenAPI 3.1 by a validator, and what a real server answers
# to every operation, with every status that is described, is what it says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainServe;
use RenderchainTest;
use IPC::Run qw(start timeout);
use JSON::PP;
use Test::More;

my $node_dir = "$FindBin::Bin/../node";
my $node = new_server('openapi');
my ($alice, $bob, $poor) = map { "11111111-2222-3333-4444-55555555555$_" } qw(a b c);
my ($photo, $large) = (write_file('photo.png', png_bytes(64, 64, [ 178, 84, 40 ])), write_file('large.json', '{"prompt": "' . 'x' x (2 << 20) . '"}'));
my @json = ('-H', 'Content-Type: application/json');
my $nothing = '00000000-0000-0000-0000-000000000001';
%token = (alice => token('--user', $alice), bob => token('--user', $bob), poor => token('--user', $poor),
	reader => token('--user', $alice, '--level', 'read'), admin => token('--user', $bob, '--level', 'admin'));
$serve = serve('--rate=0');

# It is given to anybody, in the version of the program.
my @answer = ask('', 'GET', '/openapi.json');
is($answer[0], 200, 'the description is given to anybody');
like($answer[2], qr{^Content-Type: application/json\r?$}m, 'as JSON');
my $description = json_of(@answer);
my ($version) = (driver('--version'))[1] =~ /(\d+\.\d+\.\d+\S*)/;
is($description->{info}{version}, $version, 'in the version of the program');
is(status_of('', 'POST', '/openapi.json'), 405, 'nobody changes it');
is(status_of('', 'GET', '/openapi.jsonx'), 401, 'it is one path');

SKIP:
{
	skip 'there is no Node.js for the validators (tools/node-modules)', 1 unless -d "$node_dir/node_modules" && `node --version` =~ /^v(?:2\d|[3-9]\d)/;
	$keep_answers = 1;

	# What goes well.
	status_of('', 'GET', '/healthz');
	status_of('', 'GET', '/openapi.json');
	status_of('admin', 'GET', '/metrics');
	my $id = json_of(send_json('alice', 'POST', '/api/renders', { prompt => 'white house', chainName => 'villa', idempotencyKey => 'k' }))->{renderId};
	send_json('alice', 'POST', '/api/renders', { prompt => 'another', idempotencyKey => 'k' });
	ask('alice', 'POST', '/api/renders', '-F', 'prompt=like this', '-F', "reference=\@$photo");
	sql($node, q(INSERT INTO models (id, provider, kind, tier, credits, definition, updated_at)
		VALUES ('film', 'local', 'video', 'fast', 1, '{"id": "film", "kind": "video", "qualities": ["standard"], "aspectRatios": ["16:9"], "durations": [8]}', now())));
	my $video = json_of(send_json('alice', 'POST', '/api/video', { prompt => 'a film', durationSeconds => 8, idempotencyKey => 'v' }))->{renderId};
	send_json('alice', 'POST', '/api/video', { prompt => 'another film', idempotencyKey => 'v' });
	status_of('alice', 'GET', "/api/renders/$video");
	status_of('alice', 'POST', "/api/renders/$video/cancel");
	status_of('alice', 'POST', "/api/renders/$video/retry");
	status_of('alice', 'POST', "/api/renders/$video/cancel");

	# A render with its events, before and after its end.
	sql($node, q(SELECT renderchain.claim_renders('w', 10, '1 hour')));
	sql($node, qq(SELECT renderchain.record_stages('$id', 1, '[{"stage": "semantic_parsing", "status": "running"}, {"stage": "image_understanding", "part": "style", "status": "running", "model": "m"}]')));
	my ($stream, $said) = ('', '');
	my $viewer = start([ 'curl', '-sN', '--max-time', $PostgreSQL::Test::Utils::timeout_default, '-H', "Authorization: Bearer $token{alice}", "$serve->{url}/api/renders/$id/events" ], '>', \$stream, '2>', \$said, timeout($PostgreSQL::Test::Utils::timeout_default * 2));
	wait_until(sub { $viewer->pump_nb if $viewer->pumpable; $stream =~ /image_understanding/ }, 'a viewer sees a stage');
	my $chain = json_of(ask('alice', 'GET', "/api/renders/$id"))->{data}{chainId};
	my $of_chain = '';
	my $other_viewer = start([ 'curl', '-siN', '--max-time', $PostgreSQL::Test::Utils::timeout_default, '-H', "Authorization: Bearer $token{alice}", "$serve->{url}/api/chains/$chain/events" ], '>', \$of_chain, '2>', \$said, timeout($PostgreSQL::Test::Utils::timeout_default * 2));
	wait_until(sub { $other_viewer->pump_nb if $other_viewer->pumpable; $of_chain =~ /^event: chain$/m }, 'a viewer of the chain is told how far he is');
	sql($node, qq(SELECT renderchain.record_stages('$id', 1, '[{"stage": "semantic_parsing", "status": "success", "durationMs": 5, "output": {"style": "modern"}, "cost": 0.25}, {"stage": "image_understanding", "part": "style", "status": "failed", "durationMs": 5, "outcome": "empty", "error": {"message": "nothing"}}]')));
	sql($node, qq(SELECT renderchain.complete_render('$id', 1, '{"outputUrl": "file:///x", "outputKey": "aa/picture.png", "memory": {"palette": ["red #ff0000"], "geometry": {"perspective": "isometric"}}, "designIntent": {"style": "modern"}}')));
	$viewer->finish;
	like($stream, qr/^event: end$/m, 'a stream to its end');
	ask('alice', 'GET', "/api/renders/$id/events");
	ask('alice', 'GET', "/api/renders/$id/events", '-H', 'Last-Event-ID: 9.end');
	wait_until(sub { $other_viewer->pump_nb if $other_viewer->pumpable; $of_chain =~ /^event: end\ndata: .*\n\n/m }, 'and of the end of the render');
	$other_viewer->kill_kill;
	my ($head, $events) = split /\r\n\r\n/, $of_chain, 2;
	push @answers, { method => 'GET', path => "/api/chains/$chain/events", status => $head =~ m{^HTTP/1\.1 (\d+)}, head => $head, body => $events };
	status_of('alice', 'GET', $_) for '/api/chains', "/api/chains/$chain", "/api/chains/$chain/memory", "/api/renders/$id/memory", "/api/renders/$video/memory", '/api/credits';
	send_json('alice', 'PATCH', "/api/renders/$id/memory", { materials => ['oak'] });
	send_json('alice', 'PATCH', "/api/chains/$chain/pins", { palette => ['blue'] });
	status_of('alice', 'GET', "/api/chains/$chain");
	send_json('alice', 'POST', "/api/chains/$chain/unpin", { keys => ['palette'] });
	driver('credits', 'grant', '--user', $poor, '--amount', 1);
	status_of('poor', 'GET', '/api/credits');
	status_of('alice', 'POST', "/api/renders/$id/retry");

	# What is stored.
	mkdir scratch() . "/objects/$_" for 'aa', 'aa/folder.png';
	write_file('objects/aa/picture.png', 'bytes');
	sql($node, qq(INSERT INTO stored_objects (key, backend, render_id, mime, bytes, sha256, state, created_at, updated_at)
		SELECT k, 'file', '$id', 'image/png', 5, repeat('a', 64), 'live', now(), now() FROM unnest('{aa/picture.png,aa/folder.png}'::text[]) k));
	ask('alice', 'GET', '/outputs/aa/picture.png', @$_) for [], [ '-H', 'Range: bytes=1-2' ], [ '-H', 'Range: bytes=9-' ], [ '-H', 'If-None-Match: "' . 'a' x 64 . '"' ];
	is(status_of('alice', 'GET', '/outputs/aa/folder.png'), 502, 'storage that does not give out');

	# The page.
	for my $path ('/', '/renderchain.js', '/page/main.js')
	{
		my ($etag) = (ask('', 'GET', $path))[2] =~ /^ETag: (.*?)\r?$/mi;
		ask('', 'GET', $path, '-H', "If-None-Match: $etag");
	}
	ask('', 'GET', '/page/nothing');

	# Every operation, refused in every way that is described.
	for my $path (sort keys %{ $description->{paths} })
	{
		for my $method (map { uc } sort keys %{ $description->{paths}{$path} })
		{
			my $operation = $description->{paths}{$path}{ lc $method };
			my $real = $path =~ s/\{key\}/aa%2Fpicture.png/r =~ s/\{id\}/$path =~ m{chains} ? $chain : $id/er;
			my $unknown = $path =~ s/\{key\}/aa%2Fnothing.png/r =~ s/\{id\}/$nothing/r;
			ask('', $method, "$real?token=x");
			next if !@{ $operation->{security} };
			ask('', $method, $real);
			ask('reader', $method, $real) if $operation->{responses}{403};
			ask('alice', $method, $unknown, @json, '-d', '{"keys": []}') if $path =~ /\{/;
			next if !$operation->{requestBody};
			ask('alice', $method, $real, '-H', 'Content-Type: text/plain', '-d', 'x');
			ask('alice', $method, $real, @json, '-d', 'x');
			ask('alice', $method, $real, @json, '-H', 'Expect:', '--data-binary', "\@$large");
		}
	}
	send_json('alice', 'POST', $_, { prompt => 'x', chainId => $nothing }) for '/api/renders', '/api/video';
	send_json('poor', 'POST', '/api/renders', { prompt => 'x', quality => 'ultra' });
	sql($node, q(UPDATE models SET credits = 2 WHERE id = 'film'));
	send_json('poor', 'POST', '/api/video', { prompt => 'x' });
	driver('credits', 'grant', '--user', $poor, '--amount', 1);
	my $paid = json_of(send_json('poor', 'POST', '/api/video', { prompt => 'x', forceModel => 'film' }))->{renderId};
	status_of('poor', 'POST', "/api/renders/$paid/cancel");
	send_json('poor', 'POST', '/api/video', { prompt => 'y', forceModel => 'film' });
	is(status_of('poor', 'POST', "/api/renders/$paid/retry"), 402, 'credits are needed to start again');
	sql($node, q(DELETE FROM models));
	status_of('alice', 'POST', "/api/renders/$video/retry");
	send_json('alice', 'POST', $_, { prompt => 'x' }) for '/api/renders', '/api/video';
	{
		local $serve = serve('--rate', '1');
		status_of('alice', 'GET', '/api/chains') for 1 .. 7;
	}
	sql($node, 'ALTER FUNCTION renderchain.list_own_chains(uuid, integer) RENAME TO moved');
	is(status_of('alice', 'GET', '/api/chains'), 500, 'what nobody expects');
	$node->stop('immediate');
	$serve->{says}->(qr/"database_lost"/);
	status_of('', 'GET', '/healthz');
	status_of('alice', 'GET', '/api/chains');

	# The members of a request are those that the database knows, but for what is not for users.
	$keep_answers = 0;
	$node->start;
	wait_until(sub { status_of('', 'GET', '/healthz') == 200 }, 'the database is back');
	my ($known) = json_of(send_json('alice', 'POST', '/api/renders', { prompt => 'x', nothing => 1 }))->{hint} =~ /^Known are (.*)\.$/;
	is(join(' ', sort grep { !/^fullPipeline$/ } keys %{ $description->{components}{schemas}{RenderRequest}{properties} }),
		join(' ', sort grep { !/^(?:userId|projectId|priority|recipe)$/ } split /, | and /, $known), 'the members of a request');
	my @requests = (
		{ name => 'a short request', value => { prompt => 'x' }, valid => JSON::PP::true },
		{ name => 'a long request', value => { prompt => 'x', references => [ { url => 'https://example.org/a.png' }, { key => 'k', mime => 'image/png' } ], style => undef, durationSeconds => 8, toolContext => { toolId => 't' }, fullPipeline => JSON::PP::true }, valid => JSON::PP::true },
		map { { name => "a request with $_->[0]", value => { prompt => 'x', $_->[0] => $_->[1] }, valid => JSON::PP::false } } [ userId => $bob ], [ quality => 'best' ], [ style => { path => '/x' } ], [ mask => '/x' ], [ references => [ {} ] ], [ durationSeconds => 5 ], [ prompt => '' ]);
	is((send_json('alice', 'POST', '/api/renders', $_->{value}))[0] == 400 ? 0 : 1, $_->{valid} ? 1 : 0, "$_->{name}, for the server") for @requests;

	# The judge.
	my @events;
	for ([ renders => $stream ], [ chains => $of_chain ])
	{
		my ($of, $text) = @$_;
		push @events, map { /^event: (.*)\ndata: (.*)$/m ? { of => $of, event => $1, data => $2 } : () } split /\n\n/, $text;
	}
	my %kinds = map { ("$_->{of} $_->{event}" => 1) } @events;
	is(join(', ', sort keys %kinds), 'chains chain, chains end, chains render, chains stage, renders end, renders render, renders stage', 'events of every kind');
	my %seen;
	my @different = grep { !$seen{"$_->{method} $_->{path} $_->{status} $_->{body}"}++ } @answers;
	utf8::decode($_->{body}) || ($_->{body} = 'bytes') for @different;
	my $file = write_file('answers.json', JSON::PP->new->utf8->encode({ description => $description, answers => \@different,
		events => \@events, requests => [ map { { %$_, schema => 'RenderRequest' } } @requests ] }));
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'node', "$node_dir/openapi.js", $file ], '>', \$out, '2>', \$err) or diag($err);
	my @said = events_of($out);
	my ($rest) = grep { $_->{unseen} } @said;
	ok($_->{ok}, $_->{name}) or diag($_->{problem}) for grep { $_->{name} } @said;
	cmp_ok(scalar(@said), '>', 100, 'all were looked at');
	# These are one answer for all operations, and were seen with one of them.
	my @unseen = grep { !/ (?:429|500|503)$/ } @{ $rest->{unseen} // ['nothing was judged'] };
	is(join(', ', @unseen), '', 'every answer that is described was given');
	for my $shared (qw(429 500 503))
	{
		ok((grep { $_->{status} eq $shared } @answers), "$shared was given");
	}
}
done_testing();
