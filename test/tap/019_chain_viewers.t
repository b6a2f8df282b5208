# Who looks at a chain: he is told all, however much it is at once; of what is somebody else's nothing; and what another
# viewer has missed is no news to him.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use RenderchainServe;
use RenderchainTest;
use IPC::Run qw(kill_kill);
use Test::More;

my $node = new_server('chain_viewers');
my ($alice, $bob) = map { "11111111-2222-3333-4444-55555555555$_" } qw(a b);
%token = (alice => token('--user', $alice, '--level', 'read'), admin => token('--user', $bob, '--level', 'admin'));
$serve = serve('--rate=0');

sub add { my ($chain) = @_; return sql($node, qq(SELECT renderchain.submit_own('{"prompt": "x", "chainName": "$chain"}', '$alice') ->> 'renderId')) }
sub chain_of { my ($id) = @_; return sql($node, "SELECT chain_id FROM renders WHERE id = '$id'") }

# More than waits to be read of a stream (1 MB), and more renders than are found at once, are told in parts.
my $long = chain_of(add('long'));
sql($node, qq(SELECT count(renderchain.submit_own(jsonb_build_object('prompt', repeat('x', 2000) || n, 'chainId', '$long'), '$alice')) FROM generate_series(1, 1099) n));
my $reader = viewer('alice', $long);
wait_until(sub { $reader->{run}->pump_nb if $reader->{run}->pumpable; $reader->{out} =~ /^event: chain$/m || !$reader->{run}->pumpable }, 'a viewer is told how far he is');
my %renders = map { $_ => 1 } $reader->{out} =~ /^event: render\n.*?"renderId":"([^"]+)"/mg;
is(scalar(keys %renders), 1100, 'a viewer is told of every render before he is told that it was all');
like(sql($node, "SELECT renderchain.cancel_render('" . (sort keys %renders)[0] . "')"), qr/cancelled/, 'what happens after it');
wait_until(sub { $reader->{run}->pump_nb if $reader->{run}->pumpable; $reader->{out} =~ /^event: end$/m }, 'the viewer sees an end');
kill_kill($reader->{run});

# Who comes back after long is told what has ended meanwhile; who is there knows what he has to.
my @old = map { add('old') } 1 .. 3;
my $old = chain_of($old[0]);
sql($node, "SELECT renderchain.cancel_render('$_')") for @old;
sql($node, "UPDATE render_jobs SET ended_at = ended_at - interval '1 hour' WHERE state = 'ended'");
my $there = viewer('alice', $old);
told($there, 1);
my $back = viewer('alice', $old, '-H', 'Last-Event-ID: ' . (time - 7200) . '000');
told($back, 1);
sees($back, 'end', $_) for @old;
my $last = add('old');
sees($_, 'render', $last) for $there, $back;
is(join(' ', map { $_->[1] } grep { $_->[1] ne 'chain' } seen($there)), 'render', 'who was there is told what is new, and nothing old');

# A chain that gets a render of another user is its viewer's no longer.
my $operator = viewer('admin', $old);
told($operator, 1);
my $foreign = sql($node, qq(SELECT render_id FROM renderchain.submit_render('{"prompt": "a secret", "chainId": "$old", "userId": "$bob"}')));
sees($operator, 'render', $foreign, prompt => 'a secret');
for my $viewer ($there, $back)
{
	wait_until(sub { seen($viewer); !$viewer->{run}->pumpable }, 'the stream ends');
	unlike($viewer->{out}, qr/secret|$foreign/, 'he is told nothing of it');
}
is(status_of('alice', 'GET', "/api/chains/$old/events"), 404, 'and does not find the chain again');
unlike($operator->{out}, qr/userId/, 'whose a render is nobody is told');
is(stop_serve($serve), 0, 'the server ends in good order');
is($serve->{err}, '', 'with nothing to complain of');
done_testing();
