# While an account or a chain is locked by somebody else, what its user wants to change waits, and nobody else does:
# reads and the changes of other users are answered meanwhile. It gets through when the lock is released, or its client
# is told clearly.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainServe;
use RenderchainTest;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Test::More;

my $node = new_server('locked');
my ($alice, $bob) = map { "11111111-2222-3333-4444-55555555555$_" } qw(a b);
%token = (alice => token('--user', $alice), bob => token('--user', $bob));
driver('credits', 'grant', '--user', $_, '--amount', 100_000) for $alice, $bob;
$serve = serve('--rate=0');
my ($villa, $barn) = map { json_of(send_json('alice', 'POST', '/api/renders', { prompt => 'x', chainName => $_ }))->{chainId} } qw(villa barn);
my $submitted = "SELECT count(*) FROM renders WHERE user_id = '$alice'";

# Submit without waiting for the answer.
sub begin
{
	my ($who, $request) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => $serve->{url} =~ s{^http://}{}r, Timeout => 20) or die "no connection: $!";
	my $body = JSON::PP->new->encode($request);
	$socket->print("POST /api/renders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $token{$who}\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body");
	$socket->flush;
	return { socket => $socket, text => '', open => 1 };
}

# How many of them are answered by now?
sub answered
{
	my (@begun) = @_;
	for my $one (@begun)
	{
		while ($one->{open} && IO::Select->new($one->{socket})->can_read(0))
		{
			$one->{open} = sysread $one->{socket}, $one->{text}, 4096, length $one->{text};
		}
	}
	return scalar grep { !$_->{open} } @begun;
}

# Their statuses, with how often each was given.
sub statuses
{
	my (@begun) = @_;
	my %count;
	wait_until(sub { answered(@begun) == @begun }, 'every request is answered');
	$count{ $_->{text} =~ m{^HTTP/1\.1 (\d+)} ? $1 : "none: $_->{text}" }++ for @begun;
	return \%count;
}

sub wait_for_lock { return wait_until(sub { sql($node, q(SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock')) > 0 }, 'somebody waits for a lock') }

# An account.
my $before = sql($node, $submitted);
my $holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; SELECT FROM credit_accounts WHERE user_id = '$alice' FOR UPDATE");
my @held = map { begin('alice', { prompt => "held $_" }) } 1 .. 8;
wait_for_lock();
is(status_of('bob', 'GET', '/api/chains'), 200, 'another user is answered while an account is locked');
is(status_of('alice', 'GET', '/api/chains'), 200, 'and so is its own user who reads');
is((send_json('bob', 'POST', '/api/renders', { prompt => 'of bob', chainName => 'bobs' }))[0], 202, 'another user submits') for 1 .. 3;
is(answered(@held), 0, 'all of that before one of those who wait was told anything');
$holder->query_safe('COMMIT');
is_deeply(statuses(@held), { 202 => 8 }, 'they are submitted when it is released');
is(sql($node, $submitted), $before + 8, 'each of them once');

# Of one user only so many wait: the others are told at once.
$holder->query_safe("BEGIN; SELECT FROM credit_accounts WHERE user_id = '$alice' FOR UPDATE");
my @many = map { begin('alice', { prompt => "one of many $_" }) } 1 .. 105;
wait_until(sub { answered(@many) >= 5 }, 'some are told that too many wait');
my @told = grep { !$_->{open} } @many;
is((send_json('bob', 'POST', '/api/renders', { prompt => 'beside many' }))[0], 202, 'which is no matter to another user');
$holder->query_safe('COMMIT');
is_deeply(statuses(@told), { 503 => 5 }, 'those beyond a hundred');
like($_->{text}, qr/^Retry-After: 5\r\n(?:.*\n)*.*"title":"too many changes wait already"/m, 'are to come back') for @told;
is_deeply(statuses(@many), { 202 => 100, 503 => 5 }, 'the others are submitted');

# A chain: its user goes on with his others, and whoever waits for too long is told.
$holder->query_safe("BEGIN; SELECT FROM render_chains WHERE id = '$villa' FOR UPDATE");
my ($late, @later) = map { begin('alice', { prompt => 'late', chainId => $villa }) } 1 .. 3;
wait_for_lock();
is((send_json('alice', 'POST', '/api/renders', { prompt => 'beside it', chainId => $barn }))[0], 202, 'what its user does in another chain gets through');
is(answered($late, @later), 0, 'before what waits');
is((send_json('bob', 'POST', '/api/renders', { prompt => 'of bob' }))[0], 202, 'and what another user does');
is_deeply(statuses($late, @later), { 503 => 3 }, 'in the end those who wait are told');
like($late->{text}, qr/^Retry-After: 5\r\n(?:.*\n)*.*"title":"what this would change is locked"/m, 'why, and when to come back');
$holder->query_safe('COMMIT');
$holder->quit;
is(sql($node, "SELECT count(*) FROM renders WHERE prompt = 'late'"), 0, 'it is not submitted after that');
is((send_json('alice', 'POST', '/api/renders', { prompt => 'again', chainId => $villa }))[0], 202, 'until it is asked for again');

# Without its connection for changes serve says so, and connects again.
$holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; SELECT FROM credit_accounts WHERE user_id = '$alice' FOR UPDATE");
my @lost = map { begin('alice', { prompt => "lost $_" }) } 1 .. 3;
wait_until(sub { sql($node, q(SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock')) > 0 }, 'the connection is ended');
my $given = statuses(@lost);
is_deeply([ keys %$given ], ['503'], 'those who wait are told');
$holder->query_safe('COMMIT');
$holder->quit;
wait_until(sub { status_of('', 'GET', '/healthz') == 200 }, 'it is there again');
is((send_json('alice', 'POST', '/api/renders', { prompt => 'after' }))[0], 202, 'and takes changes');
is(stop_serve($serve), 0, 'it ends in good order');
is($serve->{err}, '', 'with nothing to complain of');
done_testing();
