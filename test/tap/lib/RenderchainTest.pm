# What the end-to-end tests share: a server with the extension, the driver as a person
# would call it, and the local model server as a test double.
package RenderchainTest;

use strict;
use warnings;
use Exporter 'import';
use File::Temp qw(tempdir);
use IPC::Run qw(start finish kill_kill timeout);
use JSON::PP;
use POSIX qw(WNOHANG);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_server driver result_of events_of model_server calls_of stop_models
  write_file read_file png_bytes wait_until sql one_value scratch start_worker end_of submit expire_leases restart_server started overheard);

my $scratch = tempdir(CLEANUP => 1);
my @models;
my ($owner, @started, @overheard) = ($$);

# Note a program or process that was started, so that a test that dies leaves nothing behind.
sub started { my ($run) = @_; push @started, $run; return $run }

# Note where the errors of a program come: what a sanitizer finds is said at the end of the test, also of a program that
# was killed, whose errors nobody reads.
sub overheard { my ($errors) = @_; push @overheard, $errors; return $errors }

END
{
	# Not in a process of the test's own, which has a copy of this. What has ended is passed over: a number may be
	# another's by now.
	if ($$ == $owner)
	{
		local $?;
		for my $it (grep { ref } @started) { eval { $it->pump_nb if $it->pumpable } }
		for my $it (@started) { ref $it ? eval { kill_kill($it) if $it->pumpable } : waitpid($it, WNOHANG) == 0 && kill 'KILL', $it }
		print STDERR $$_ for grep { $$_ =~ /runtime error: |AddressSanitizer/ } @overheard;
	}
}

# A directory for files of this test.
sub scratch { return $scratch }

# Start a server with the extension and its tables (bare: without; install_path: another server's programs).
sub new_server
{
	my ($name, %options) = @_;
	my @installed = defined $options{install_path} ? (install_path => $options{install_path}) : ();
	my $node = PostgreSQL::Test::Cluster->new($name, @installed);
	$node->init;
	$node->append_conf('postgresql.conf', "fsync = off\n" . ($options{conf} // ''));
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION renderchain; SELECT renderchain.create_tables()')
	  unless $options{bare};
	$ENV{PGHOST} = $node->host;
	$ENV{PGPORT} = $node->port;
	$ENV{PGDATABASE} = 'postgres';
	$ENV{RENDERCHAIN_STORAGE} = "file:$scratch/objects";
	return $node;
}

# Restart the server, gently or not; the mode of restart() itself is not the same thing in all versions.
sub restart_server
{
	my ($node, $mode) = @_;
	$node->stop($mode);
	return $node->start;
}

# Run SQL and give what psql prints.
sub sql
{
	my ($node, $query) = @_;
	return $node->safe_psql('postgres', $query);
}

# Run the driver: (exit code, standard output, standard error).
sub driver
{
	my (@words) = @_;
	my ($out, $err) = ('', '');
	my $run = start([ 'renderchain', @words ], '<', \undef, '>', \$out, '2>', overheard(\$err),
		timeout($PostgreSQL::Test::Utils::timeout_default));
	finish($run);
	return ($run->result(0), $out, $err);
}

# All JSON lines of an output.
sub events_of
{
	my ($out) = @_;
	return map { JSON::PP->new->utf8->decode($_) } grep { /^\{/ } split /\n/, $out;
}

# The last JSON line: the result.
sub result_of
{
	my ($out) = @_;
	return (events_of($out))[-1];
}

# Queue a render; its id.
sub submit
{
	my (@words) = @_;
	my ($code, $out, $err) = driver('submit', '--json', @words);
	die "submit failed: $out$err" if $code;
	return result_of($out)->{renderId};
}

# Start a worker; what it says is in {out} as it comes, when it is pumped by wait_for_line.
sub start_worker
{
	my (@words) = @_;
	my %worker = (out => '', err => '');
	$worker{run} = start([ 'renderchain', 'worker', '--json', @words ], '<', \undef, '>', \$worker{out}, '2>', overheard(\$worker{err}),
		timeout(300));
	started($worker{run});
	$worker{says} = sub {
		my ($what) = @_;
		wait_until(sub { $worker{run}->pump_nb if $worker{run}->pumpable; $worker{out} =~ $what }, "worker says $what");
	};
	return \%worker;
}

# Wait for a worker's end: its exit code, 'killed' where a signal ended it.
sub end_of
{
	my ($worker) = @_;
	finish($worker->{run});
	return $worker->{run}->full_result(0) & 127 ? 'killed' : $worker->{run}->result(0);
}

# Have all leases run out, as if time had passed.
sub expire_leases
{
	my ($node) = @_;
	return sql($node, "UPDATE render_jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'");
}

# Start a local model server; its URL. Faults, latency and so on are its own words.
sub model_server
{
	my (@words) = @_;
	my ($in, $out, $err) = ('', '', '');
	local $ENV{RENDERCHAIN_LOCALMODEL_KEY} = 'local';
	my $run = start([ 'renderchain-localmodel', '--port', '0', '--exit-on-eof', @words ],
		'<', \$in, '>', \$out, '2>', overheard(\$err), timeout(600));
	wait_until(sub { $run->pump_nb; return $out =~ /^\d+\n/ || !$run->pumpable }, 'model server listens');
	$out =~ /^(\d+)\n/ or die "the model server did not start: $err";
	push @models, { run => $run, in => \$in };
	$ENV{RENDERCHAIN_PROVIDER} = 'local';
	$ENV{RENDERCHAIN_PROVIDER_URL} = "http://127.0.0.1:$1";
	return $ENV{RENDERCHAIN_PROVIDER_URL};
}

# Stop every model server that was started here.
sub stop_models
{
	for (@models) { eval { $_->{run}->pump_nb }; kill_kill($_->{run}) }
	@models = ();
	delete @ENV{qw(RENDERCHAIN_PROVIDER RENDERCHAIN_PROVIDER_URL)};
	return;
}

END { stop_models() }

# What the model server was asked.
sub calls_of
{
	my ($url) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'curl', '-s', '-H', 'x-goog-api-key: local', "$url/control/calls" ],
		'>', \$out, '2>', \$err) or die "could not read the calls: $err";
	return @{ JSON::PP->new->utf8->decode($out) };
}

# Try until a condition holds; dies with what was waited for.
sub wait_until
{
	my ($condition, $what) = @_;
	my $end = time() + $PostgreSQL::Test::Utils::timeout_default;
	while (time() < $end)
	{
		return if $condition->();
		select(undef, undef, undef, 0.02);
	}
	die "timed out waiting until: $what";
}

# Write a file into the scratch directory; its path.
sub write_file
{
	my ($name, $bytes) = @_;
	open my $file, '>:raw', "$scratch/$name" or die $!;
	print $file $bytes;
	close $file;
	return "$scratch/$name";
}

# Read a whole file.
sub read_file
{
	my ($path) = @_;
	open my $file, '<:raw', $path or die "$path: $!";
	local $/ = undef;
	return scalar <$file>;
}

# A real PNG of one colour, or only its header for sizes that are never decoded.
sub png_bytes
{
	my ($width, $height, $rgb) = @_;
	require Compress::Zlib;
	my $chunk = sub {
		my ($type, $data) = @_;
		return pack('N', length $data) . $type . $data
		  . pack('N', Compress::Zlib::crc32($type . $data));
	};
	my $rows = $width * $height > 1e6 ? '' : ("\0" . pack('C3', @$rgb) x $width) x $height;
	return "\x89PNG\r\n\x1a\n"
	  . $chunk->('IHDR', pack('NNC5', $width, $height, 8, 2, 0, 0, 0))
	  . $chunk->('IDAT', Compress::Zlib::compress($rows))
	  . $chunk->('IEND', '');
}

1;
