# What a person would see: a program on a pseudo terminal, and what its output leaves on the
# screen. Knows the sequences that renderchain writes and no others.
package Terminal;

use strict;
use warnings;
use IPC::Run qw(start finish timeout);

# Start a program on a terminal of that size.
sub new
{
	my ($class, $columns, $rows, @words) = @_;
	my $self = bless { columns => $columns, rows => $rows, out => '', in => '', err => '' }, $class;
	$self->{run} = start([ 'sh', '-c', "stty cols $columns rows $rows; exec \"\$@\"", 'sh', @words ],
		'<pty<', \$self->{in}, '>pty>', \$self->{out}, '2>', \$self->{err},
		timeout($PostgreSQL::Test::Utils::timeout_default * 2));
	return $self;
}

# Everything that was written since the start.
sub raw
{
	my ($self) = @_;
	$self->{run}->pump_nb if $self->{run}->pumpable;
	return $self->{out};
}

# The lines that can be seen, those that have scrolled away too, with SGR sequences left out.
sub lines
{
	my ($self) = @_;
	my ($row, $column, @screen) = (0, 0, ('') );
	my $text = $self->raw;
	utf8::decode($text);
	# Of an unfinished sequence the rest is still to come.
	$text =~ s/\e(\[[0-9;]*)?\z//;
	while ($text =~ /\G(?:(\e\[([0-9;]*)([A-Za-z]))|(\r)|(\n)|([^\e\r\n]+))/gc)
	{
		if (defined $4) { $column = 0 }
		elsif (defined $5) { $row++; $screen[$row] //= '' }
		elsif (defined $6)
		{
			$screen[$row] .= ' ' x ($column - length $screen[$row]) if $column > length $screen[$row];
			substr($screen[$row], $column, length $6) = $6;
			$column += length $6;
		}
		elsif ($3 eq 'A') { $row -= $2 || 1; die 'the cursor left the screen' if $row < 0 }
		elsif ($3 eq 'J') { substr($screen[$row], $column) = ''; $#screen = $row }
		elsif ($3 eq 'K') { substr($screen[$row], $column) = '' if $column < length $screen[$row] }
		elsif ($3 ne 'm') { die "an unknown sequence: $3" }
	}
	die 'not understood: ' . substr($text, pos($text) // 0, 20) if (pos($text) // 0) < length $text;
	return @screen;
}

# The screen as one text.
sub text
{
	my ($self) = @_;
	return join "\n", $self->lines;
}

# Send a signal.
sub signal
{
	my ($self, $name) = @_;
	return $self->{run}->signal($name);
}

# Wait for its end; the exit code.
sub end
{
	my ($self) = @_;
	finish($self->{run});
	return $self->{run}->result(0);
}

1;
