# The stream of a chain: what there is, what comes, whoever has submitted it and whether or not it is notified; and what
# a viewer has missed who comes back.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainServe;
use RenderchainTest;
use IO::Socket::INET;
use IPC::Run qw(start timeout kill_kill);
use JSON::PP;
use Test::More;

my $node = new_server('chain_events');
my ($alice, $bob) = map { "11111111-2222-3333-4444-55555555555$_" } qw(a b);
%token = (alice => token('--user', $alice, '--level', 'read'), bob => token('--user', $bob), admin => token('--user', $bob, '--level', 'admin'));
my $trace = scratch() . '/serve.trace';
$serve = serve('--rate=0', '--trace', $trace);

sub add { my ($chain, $user) = @_; return sql($node, qq(SELECT renderchain.submit_own('{"prompt": "x", "chainName": "$chain"}', '@{[ $user // $alice ]}') ->> 'renderId')) }
sub chain_of { my ($id) = @_; return sql($node, "SELECT chain_id FROM renders WHERE id = '$id'") }
sub stage { my ($id, $name, $status) = @_; return sql($node, qq(SELECT renderchain.record_stages('$id', attempt, '[{"stage": "$name", "status": "$status"}]') FROM render_jobs WHERE render_id = '$id')) }
sub cancel { my ($id) = @_; return sql($node, "SELECT renderchain.cancel_render('$id')") }

# How often has the server looked at chains?
sub looks { return scalar(() = read_file($trace) =~ /jsonb_each_text/g) }

# Look at a chain.
sub viewer
{
	my ($who, $id, @more) = @_;
	my %viewer = (out => '');
	$viewer{run} = start([ 'curl', '-sN', '--max-time', $PostgreSQL::Test::Utils::timeout_default, '-H', "Authorization: Bearer $token{$who}", @more, "$serve->{url}/api/chains/$id/events" ], '>', \$viewer{out}, '2>', \my $said, timeout($PostgreSQL::Test::Utils::timeout_default * 2));
	return \%viewer;
}

# The events that came: [id, event, data].
sub seen { my ($viewer) = @_; $viewer->{run}->pump_nb if $viewer->{run}->pumpable; return map { [ (/^id: (.*)$/m)[0] // '', /^event: (.*)$/m, JSON::PP->new->utf8->decode((/^data: (.*)$/m)[0]) ] } $viewer->{out} =~ /^((?:.+\n)*data: .*)\n\n/mg }

# Wait for an event about a render in which a member has a value.
sub sees
{
	my ($viewer, $event, $id, %wanted) = @_;
	my ($name) = keys %wanted;
	wait_until(sub { grep { $_->[1] eq $event && ($_->[2]{renderId} // '') eq $id && (!$name || ($_->[2]{$name} // '') eq $wanted{$name}) } seen($viewer) }, "a viewer sees $event of $id" . ($name ? " with $wanted{$name}" : ''));
	return pass("$event" . ($name ? ", $name $wanted{$name}" : ''));
}

# Where he would go on from, once he has been told so often.
sub told
{
	my ($viewer, $times) = @_;
	my @ids;
	wait_until(sub { @ids = map { $_->[0] } grep { $_->[1] eq 'chain' } seen($viewer); @ids >= $times }, 'a viewer is told how far he is');
	return $ids[-1];
}

# What there is.
my $ended = add('villa');
cancel($ended);
my $first = add('villa');
my $villa = chain_of($first);
my $elsewhere = add('barn');
my $viewer = viewer('alice', uc $villa);
sees($viewer, 'render', $first, status => 'pending');
like(told($viewer, 1), qr/^\d{13}$/, 'he is told how far he is');
is(join(' ', map { $_->[1] } seen($viewer)), 'render chain', 'of what has ended before, and of other chains, nothing is told');

# What comes: stages say of which render they are, and the stream goes on after the end of one.
sql($node, q(SELECT renderchain.claim_renders('w', 10, '1 hour')));
sees($viewer, 'render', $first, status => 'processing');
stage($first, 'semantic_parsing', 'running');
sees($viewer, 'stage', $first, stage => 'semantic_parsing');
my $second = add('villa');
sees($viewer, 'render', $second, status => 'pending');
# It is heard of, not found: between its submission and the event chains were not looked at, but for once in a while.
my $heard = 0;
for (1 .. 3)
{
	my $before = looks();
	my $short = add('villa');
	wait_until(sub { grep { ($_->[2]{renderId} // '') eq $short } seen($viewer) }, 'it is seen');
	$heard ||= looks() == $before;
	cancel($short);
	sees($viewer, 'end', $short);
}
ok($heard, 'it is heard of at once');
my $late = viewer('admin', $villa);
sees($late, 'stage', $first, stage => 'semantic_parsing');
sees($late, 'render', $second);
sql($node, qq(SELECT renderchain.complete_render('$first', 1, '{"outputKey": "k", "memory": {"palette": ["red"]}}')));
sees($_, 'end', $first, status => 'completed') for $viewer, $late;
cancel($second);
sees($_, 'end', $second, status => 'cancelled') for $viewer, $late;
sql($node, "SELECT renderchain.retry_render('$second')");
sees($_, 'render', $second, chainPosition => 3) for $viewer, $late;
sql($node, q(SELECT renderchain.claim_renders('w', 10, '1 hour')));
stage($second, 'image_generation', 'running');
sees($viewer, 'stage', $second, stage => 'image_generation');
# One that is claimed as it is submitted is notified in another way.
my $third = sql($node, qq(SELECT render_id FROM renderchain.run_render('{"prompt": "x", "chainId": "$villa", "userId": "$alice"}', 'w', '1 hour')));
sees($viewer, 'render', $third, status => 'processing');
is(scalar(grep { ($_->[2]{renderId} // '') =~ /$ended|$elsewhere/ } seen($viewer)), 0, 'of what had ended and of other chains still nothing');
is(join(' ', map { $_->[1] } grep { ($_->[2]{renderId} // '') eq $first } seen($viewer)), 'render render stage end', 'each change once, though another viewer came later');

# Who comes back is told what he has missed, who comes anew is not.
my $from = told($viewer, 1);
kill_kill($viewer->{run});
cancel($third);
my $fourth = add('villa');
my ($back, $new, $strange) = (viewer('alice', $villa, '-H', "Last-Event-ID: $from"), viewer('alice', $villa), viewer('alice', $villa, '-H', 'Last-Event-ID: 9999999999999999999'));
told($_, 1) for $back, $new, $strange;
sees($back, 'end', $third, status => 'cancelled');
sees($_, 'render', $fourth) for $back, $new, $strange;
is(scalar(grep { $_->[1] eq 'end' && $_->[2]{renderId} eq $ended } seen($strange)), 0, 'an id that is none of ours is none');

# A database that restarts.
restart_server($node, 'immediate');
$serve->{says}->(qr/"database_back"/);
my $fifth = add('villa');
cancel($fourth);
sees($back, 'render', $fifth);
sees($back, 'end', $fourth);
cmp_ok(told($back, 2), '>', $from, 'he is told that he is further');

# Without notifications the chain is looked at now and then.
$node->append_conf('postgresql.conf', "renderchain.notify = off\n");
$node->reload;
wait_until(sub { sql($node, 'SHOW renderchain.notify') eq 'off' }, 'nothing is notified');
my $sixth = add('villa');
sees($back, 'render', $sixth);
cancel($sixth);
sees($back, 'end', $sixth);

# What is somebody else's does not exist, and a head is a head.
is(status_of('bob', 'GET', "/api/chains/$villa/events"), 404, 'a chain of another user');
is(status_of('alice', 'GET', '/api/chains/00000000-0000-0000-0000-000000000001/events'), 404, 'is as if it did not exist');
is(status_of('alice', 'POST', "/api/chains/$villa/events"), 405, 'nobody posts to it');
{
	my $socket = IO::Socket::INET->new(PeerAddr => $serve->{url} =~ s{^http://}{}r, Timeout => 20) or die;
	$socket->print("HEAD /api/chains/$villa/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $token{alice}\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	$socket->flush;
	local $/;
	like(<$socket>, qr!^HTTP/1\.1 200 [^{]*\r\n\r\nHTTP/1\.1 200 !, 'the head of it is nothing but a head');
}
is(stop_serve($serve), 0, 'a signal ends the server, viewers or not');
is(($_->{run}->finish, $_->{run}->result(0))[1], 0, 'viewers are told in good order') for $back, $new, $strange, $late;
is($serve->{err}, '', 'there was nothing to complain of');
done_testing();
