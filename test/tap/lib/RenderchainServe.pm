# What the tests of the HTTP server share: tokens, a server, and asking it as curl does.
package RenderchainServe;

use strict;
use warnings;
use Exporter 'import';
use IPC::Run qw(start finish timeout);
use JSON::PP;
use PostgreSQL::Test::Utils;
use RenderchainTest;
use Test::More ();

# $serve is the server that is asked (as a whole glob, so that a test may say local $serve), %token
# has the tokens by the names that a test gives them, @answers what was answered, where a test
# sets $keep_answers.
our @EXPORT = qw(*serve %token $keep_answers @answers token ask json_of send_json status_of serve stop_serve viewer seen sees told);
our ($serve, %token, $keep_answers, @answers);

# Make a token.
sub token
{
	my (@words) = @_;
	my ($code, $out, $err) = driver('token', 'create', '--json', @words);
	die "no token: $out$err" if $code;
	return result_of($out)->{secret};
}

# Start a server.
sub serve
{
	my (@words) = @_;
	my %serve = (out => '', err => '');
	$serve{run} = start([ 'renderchain', 'serve', '--json', '--listen', '127.0.0.1:0', @words ], '<', \undef, '>', \$serve{out}, '2>', overheard(\$serve{err}), timeout(900));
	started($serve{run});
	$serve{says} = sub { my ($what) = @_; wait_until(sub { $serve{run}->pump_nb if $serve{run}->pumpable; $serve{out} =~ $what }, "serve says $what: $serve{err}") };
	$serve{says}->(qr/"listening"/);
	($serve{url}) = $serve{out} =~ m{(http://[^"]+)};
	return \%serve;
}

# Stop it; its exit code.
sub stop_serve
{
	my ($serve) = @_;
	$serve->{run}->signal('TERM');
	finish($serve->{run});
	return $serve->{run}->result(0);
}

# Ask: (status, body, head).
sub ask
{
	my ($who, $method, $path, @more) = @_;
	my ($answer, $said) = ('', '');
	my @auth = $who ? ('-H', "Authorization: Bearer " . ($token{$who} // $who)) : ();
	IPC::Run::run([ 'curl', '-s', '-i', '--max-time', $PostgreSQL::Test::Utils::timeout_default, '--path-as-is', '-X', $method, @auth, @more, "$serve->{url}$path" ], '>', \$answer, '2>', \$said);
	$answer =~ s{^HTTP/1\.1 100 .*?\r\n\r\n}{}s;
	my ($head, $body) = split /\r\n\r\n/, $answer, 2;
	my ($status) = ($head // '') =~ m{^HTTP/1\.1 (\d+)};
	push @answers, { method => $method, path => $path, status => $status // 'none', head => $head // '', body => $body // '' } if $keep_answers;
	return ($status // "none: $said", $body // '', $head // '');
}

# The same with a body of JSON.
sub send_json
{
	my ($who, $method, $path, $data) = @_;
	return ask($who, $method, $path, '-H', 'Content-Type: application/json', '-d', ref $data ? JSON::PP->new->encode($data) : $data);
}

# What was answered, as JSON, and its status.
sub json_of { my ($status, $body) = @_; return JSON::PP->new->utf8->allow_nonref->decode($body) }
sub status_of { return (ask(@_))[0] }

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
	return Test::More::pass("$event" . ($name ? ", $name $wanted{$name}" : ''));
}

# Where he would go on from, once he has been told so often.
sub told
{
	my ($viewer, $times) = @_;
	my @ids;
	wait_until(sub { @ids = map { $_->[0] } grep { $_->[1] eq 'chain' } seen($viewer); @ids >= $times }, 'a viewer is told how far he is');
	return $ids[-1];
}

1;
