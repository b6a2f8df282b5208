# The S3 service of S3Server.pm as a process beside a test, and what a test tells and asks it.
package RenderchainS3;

use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(dirname);
use IPC::Run qw(start kill_kill timeout);
use JSON::PP;
use RenderchainTest;

our @EXPORT = qw(s3_service s3_tell s3_ask s3_objects web_server);

my $lib = dirname(__FILE__);
my @services;
my $url;

# Start a program of this directory that prints its port and ends with its input; its URL.
sub service
{
	my ($program, @words) = @_;
	my ($in, $out, $err) = ('', '', '');
	my $run = start([ 'perl', "$lib/$program", @words ], '<', \$in, '>', \$out, '2>', \$err, timeout(600));
	wait_until(sub { $run->pump_nb; return $out =~ /^\d+\n/ || !$run->pumpable }, "$program listens");
	$out =~ /^(\d+)\n/ or die "$program did not start: $err";
	push @services, { run => $run, in => \$in };
	return "http://127.0.0.1:$1";
}

# Start the service; drivers find it and the right keys in their environment.
sub s3_service
{
	my (@words) = @_;
	$url = service('S3Server.pm', @words);
	delete @ENV{ grep { /^AWS_/ } keys %ENV };
	$ENV{AWS_ENDPOINT_URL_S3} = $url;
	$ENV{AWS_ACCESS_KEY_ID} = 'AKIATEST';
	$ENV{AWS_SECRET_ACCESS_KEY} = 'test/secret+key';
	$ENV{RENDERCHAIN_STORAGE} = 's3://media/renders';
	return $url;
}

# Start a web server that has an image; its URL.
sub web_server
{
	my ($image) = @_;
	return service('WebServer.pm', $image);
}

# Tell the service's control something.
sub s3_tell
{
	my ($what, $body) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'curl', '-s', '--data-binary', '@-', "$url/-/$what" ], '<', \$body, '>', \$out, '2>', \$err)
	  or die "could not tell the service: $err";
	return;
}

# Ask the service's control something.
sub s3_ask
{
	my ($what) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'curl', '-s', "$url/-/$what" ], '>', \$out, '2>', \$err) or die "could not ask the service: $err";
	return JSON::PP->new->allow_nonref->utf8->decode($out);
}

# The keys in the bucket below the prefix, without the driver's own mark.
sub s3_objects
{
	my $all = s3_ask('objects');
	my @keys = sort grep { $_ !~ m{^\.} } map { m{^media/renders/(.*)$} ? $1 : () } keys %$all;
	return @keys;
}

END { kill_kill($_->{run}) for @services }

1;
