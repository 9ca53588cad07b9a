# Many sessions from one process: a small client of PostgreSQL's protocol.
#
#   my $s = OmniSession->new(host => $dir, port => $port, dbname => 'postgres');
#   my $r = $s->query('SELECT 1');         wait for the answer
#   $s->send('SELECT 1');                  go on; later:
#   my $r = $s->receive;                   undef while it is not complete
#   OmniSession::wait_any($seconds, @s);   those that have something to read
#
# A test that plays sixty clients must know to the byte what the server has
# confirmed to each of them, and must never block on one.  So this speaks the
# simple query protocol over a Unix socket by itself (trust authentication
# only) and needs nothing that is not in Perl.
#
# An answer is a hash: "sets", for each statement that was completed its tag
# and its rows; "error", the SQLSTATE of the one that failed, with "message";
# "status", I, T or E as the server says; "lost" when the connection broke, and
# then "sets" holds what had been confirmed until then.
package OmniSession;

use strict;
use warnings;

use Errno;
use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

sub new
{
	my ($class, %opt) = @_;
	my $path = "$opt{host}/.s.PGSQL.$opt{port}";
	my $socket = IO::Socket::UNIX->new(Peer => $path)
	  // die "cannot connect to $path: $!\n";
	my $self = bless {
		socket => $socket,
		input => '',
		status => '',
		pid => 0,
		answer => { sets => [] },
	}, $class;
	my $parameters = join("\0", 'user', $opt{user} // 'postgres', 'database',
		$opt{dbname} // 'postgres', 'application_name',
		$opt{name} // 'omni session',
		defined $opt{options} ? ('options', $opt{options}) : ()) . "\0\0";

	$self->write_all(pack('NN', 8 + length $parameters, 196608) . $parameters);
	my $answer = $self->wait;
	die "cannot connect: "
	  . ($answer->{message} // 'the connection broke') . "\n"
	  if $answer->{lost} || defined $answer->{error};
	return $self;
}

# As new(), but false where there is no server to connect to.
sub try_new
{
	my ($class, %opt) = @_;

	return eval { $class->new(%opt) };
}

sub pid { return $_[0]{pid}; }
sub status { return $_[0]{status}; }
sub socket { return $_[0]{socket}; }
sub busy { return $_[0]{busy}; }

sub write_all
{
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';

	$self->{busy} = 1;
	while (length $bytes)
	{
		my $n = syswrite($self->{socket}, $bytes);

		# a broken connection shows when the answer is read
		return if !defined $n;
		substr($bytes, 0, $n) = '';
	}
	return;
}

sub send
{
	my ($self, $sql) = @_;

	utf8::encode($sql) if utf8::is_utf8($sql);
	$self->{answer} = { sets => [] };
	$self->write_all('Q' . pack('N', 5 + length $sql) . "$sql\0");
	return;
}

# One message of the server's.
sub message
{
	my ($self, $type, $body) = @_;
	my $answer = $self->{answer};

	if ($type eq 'D')
	{
		my @row;
		my $at = 2;

		for (1 .. unpack('n', $body))
		{
			my $length = unpack('l>', substr($body, $at, 4));

			$at += 4;
			push @row, $length < 0 ? undef : substr($body, $at, $length);
			$at += $length if $length > 0;
		}
		push @{ $self->{rows} }, \@row;
	}
	elsif ($type eq 'C')
	{
		push @{ $answer->{sets} },
		  { tag => substr($body, 0, -1), rows => delete $self->{rows} // [] };
	}
	elsif ($type eq 'E')
	{
		my %field = map { substr($_, 0, 1) => substr($_, 1) }
		  grep { length } split(/\0/, $body);

		$answer->{error} = $field{C};
		$answer->{message} = $field{M};
		$answer->{detail} = $field{D};
		delete $self->{rows};
	}
	elsif ($type eq 'K')
	{
		$self->{pid} = unpack('N', $body);
	}
	elsif ($type eq 'R' && unpack('N', $body) != 0)
	{
		die "only trust authentication is known here\n";
	}
	elsif ($type eq 'Z')
	{
		$self->{status} = $answer->{status} = $body;
		return 1;
	}
	return 0;
}

# What has come; the answer, or undef when it is not complete.
sub receive
{
	my ($self) = @_;
	my $n = sysread($self->{socket}, $self->{input}, 65536,
		length $self->{input});

	return undef if !defined $n && $!{EINTR};
	my $lost = !$n;

	while (length $self->{input} >= 5)
	{
		my ($type, $length) = unpack('aN', $self->{input});

		last if length $self->{input} < $length + 1;
		my $body = substr($self->{input}, 5, $length - 4);
		substr($self->{input}, 0, $length + 1) = '';
		if ($self->message($type, $body))
		{
			$self->{busy} = 0;
			return $self->{answer};
		}
	}
	return undef if !$lost;
	$self->{busy} = 0;
	$self->{lost} = 1;
	$self->{answer}{lost} = 1;
	return $self->{answer};
}

sub wait
{
	my ($self) = @_;
	my $answer;

	1 until $answer = $self->receive;
	return $answer;
}

sub query
{
	my ($self, $sql) = @_;

	$self->send($sql);
	return $self->wait;
}

# The rows of the last statement; dies when something failed.
sub rows
{
	my ($self, $sql) = @_;
	my $answer = $self->query($sql);

	die "$sql\n" . ($answer->{error} // '') . ' '
	  . ($answer->{message} // 'the connection broke') . "\n"
	  if $answer->{lost} || defined $answer->{error};
	return $answer->{sets}[-1]{rows};
}

# One value.
sub value
{
	my ($self, $sql) = @_;
	my $rows = $self->rows($sql);

	return @$rows ? $rows->[0][0] : undef;
}

sub close
{
	my ($self) = @_;

	$self->write_all('X' . pack('N', 4));
	CORE::close($self->{socket});
	return;
}

# The sessions that have something to read within so many seconds.
sub wait_any
{
	my ($seconds, @sessions) = @_;
	my %by_handle = map { $_->{socket} => $_ } @sessions;
	my $select = IO::Select->new(map { $_->{socket} } @sessions);

	return map { $by_handle{$_} } $select->can_read($seconds);
}

1;
