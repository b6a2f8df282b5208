# What goes wrong on the wire between driver and provider, beside what 003 has the model server do:
# when to try again, answers that come slowly, answers that are no HTTP, redirects.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64;
use POSIX qw(strftime);
use RenderchainScript;
use RenderchainTest;
use Test::More;
use Time::HiRes qw(time);

my $node = new_server('wire');
my $url = model_server();
$ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
my $busy = { error => { code => 503, message => 'The model is overloaded.', status => 'UNAVAILABLE' } };
my $limited = { error => { code => 429, message => 'quota', status => 'RESOURCE_EXHAUSTED',
		details => [ { '@type' => 'type.googleapis.com/google.rpc.RetryInfo', retryDelay => '1.25s' } ] } };

# Render against rules: exit code, the requests for the picture, standard error, the stage's outcome.
sub render
{
	my ($rule) = @_;
	my $server = scripted_server($url, { body => 'responseModalities', %$rule });
	my ($code, $out, $err) = driver('render', '--prompt', 'a house', '--quick', '--provider', 'local', '--provider-url', $server, '--json');
	my $id = result_of($out)->{data}{renderId};
	my $outcome = sql($node, "SELECT outcome FROM render_stages WHERE render_id = '$id' AND stage = 'image_generation'");
	return ($code, [ grep { $_->{body} =~ /responseModalities/ } asked($server) ], $err, $outcome);
}

# A date has whole seconds, so it may come up to one early. How long it is until then when it is read is up to the machine.
my $date;
for my $case ([ 'Retry-After in seconds', { times => 1, status => 503, headers => { 'Retry-After' => 1 }, reply => $busy }, 1 ],
	[ 'Retry-After as a date', sub { +{ times => 1, status => 503, reply => $busy,
			headers => { 'Retry-After' => strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime($date = int(time) + 5)) } } } ],
	[ 'RetryInfo', { times => 1, status => 429, reply => $limited }, 1.25 ])
{
	my ($what, $rule, $least) = @$case;
	my ($code, $sent, $err) = render(ref $rule eq 'CODE' ? $rule->() : $rule);
	is($code, 0, "$what: completes") or diag($err);
	is(scalar(@$sent), 2, "$what: sent twice");
	cmp_ok($sent->[1]{time}, '>=', defined $least ? $sent->[0]{time} + $least : $date - 1, "$what: not sooner than asked");
}

# What is slow but whole is fine; what is cut, empty or no HTTP may have been drawn and is not sent again.
my $refusal = { error => { code => 400, message => 'slow words', status => 'INVALID_ARGUMENT' } };
for my $case ([ 'a slow drip', { act => 'drip', status => 400, reply => $refusal }, 'rejected', qr/slow words/ ],
	[ 'a connection cut', { act => 'cut', reply => $busy }, 'unknown', qr/may have been billed/ ],
	[ 'a connection closed', { act => 'reset' }, 'unknown', qr/may have been billed/ ],
	[ 'an answer that is no HTTP', { act => 'garbage' }, 'unknown', qr/may have been billed/ ],
	[ 'a redirect', { status => 302, headers => { Location => 'http://127.0.0.1:9/' }, reply => '' }, 'rejected', qr/redirects are not followed/ ])
{
	my ($what, $rule, $wanted, $words) = @$case;
	my ($code, $sent, $err, $outcome) = render($rule);
	is($code, 1, "$what: fails");
	is($outcome, $wanted, "$what: outcome");
	like($err, $words, "$what: said");
	is(scalar(@$sent), 1, "$what: sent once");
}

# A key goes into a header and nowhere else.
my (undef, $sent) = render({ times => 0 });
is($sent->[0]{headers}{'x-goog-api-key'}, 'local', 'the key is in its header');
unlike("$sent->[0]{path} $sent->[0]{body}", qr/local["&?]|key=/, 'and not in path or body');

# A provider that repeats it in its words, as some do of a key that is wrong.
{
	my $key = local $ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'a-key-that-nobody-may-see';
	(my $code, $sent, my $err) = render({ status => 400, reply => { error => { code => 400, message => "API key not valid: $key." } } });
	is($sent->[0]{headers}{'x-goog-api-key'}, $key, 'a key that the provider repeats');
	like($err, qr/API key not valid: \*+\./, 'is blotted out of its words');
	is(sql($node, "SELECT count(*) FROM render_stages WHERE to_jsonb(render_stages)::text ~ '$key'"), '0', 'and not recorded');
}

# A zero byte cannot be recorded; the answer is refused, not the render lost.
(my $code, $sent, my $err, my $outcome) = render({ reply => "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\0" . 'x' x 5000 .
	  '"},{"inlineData":{"mimeType":"image/png","data":"' . encode_base64(png_bytes(16, 9, [ 1, 2, 3 ]), '') . '"}}]}}]}' });
is($code, 1, 'a zero byte in a long text: fails');
is($outcome, 'malformed', 'a zero byte in a long text: outcome');

done_testing();
