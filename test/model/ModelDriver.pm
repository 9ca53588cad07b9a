# Random operations, in several sessions, on a server and on StockModel; after
# each the two must say the same.
#
#   my $d = ModelDriver->new(host => …, port => …, seed => 1, say => sub { … });
#   my $failure = $d->run(3000);     '' when there was no difference
#
# A failure is a text: what differed, and the shortest trail of operations that
# shows it again on fresh items, found by leaving out what does not matter.
#
# An operation is a hash that names its session, and promises by names of its
# own, so that a trail can be run again without those that were left out.
package ModelDriver;

use strict;
use warnings;

use ModelOperations;
use OmniRandom;
use OmniSession;
use StockModel;
use Time::HiRes qw(time);

our @items = qw(A B C);
our @nodes = qw(N1 N2 N3 N4);
our $sessions = 5;

sub new
{
	my ($class, %opt) = @_;
	my $self = bless {
		%opt, to => { host => $opt{host}, port => $opt{port},
			dbname => $opt{dbname} // 'postgres' },
		lives => 0, compared => 0, focus => {}, kinds => {}, refused => {},
	}, $class;
	my $r = $self->{admin} = OmniSession->new(%{ $self->{to} });

	return $self;
}

# The sessions that every life of the test begins with.
sub connect
{
	my ($self) = @_;

	$self->{session} = { map { ($_ => OmniSession->new(%{ $self->{to} },
			name => "model $_",
			options => '-c lock_timeout=5s -c synchronous_commit=off')) }
		  1 .. $sessions };
	return;
}

# After a restart of the server, with no transaction open.
sub reconnect
{
	my ($self) = @_;

	$self->{admin} = OmniSession->new(%{ $self->{to} });
	$self->connect;
	return;
}

# Fresh items and nodes, a fresh model, no transaction anywhere.
sub start
{
	my ($self) = @_;
	my $life = ++$self->{lives};
	my $admin = $self->{admin};

	$self->{prefix} = "m${life}_";
	$self->{model} = StockModel->new(items => \@items, nodes => \@nodes);
	$self->{id} = {};
	$self->{log} = [];
	$self->{said} = {};
	for my $row (@{ $admin->rows('SELECT gid FROM pg_prepared_xacts') })
	{
		$admin->rows("ROLLBACK PREPARED '$row->[0]'");
	}
	$_->close for values %{ $self->{session} // {} };
	$self->connect;
	$admin->rows("INSERT INTO omni.node (code, kind, latitude, longitude) VALUES "
		  . join(', ', map { "('$self->{prefix}$_', 'store', 1, 1)" } @nodes));
	$admin->rows('INSERT INTO omni.item (sku) VALUES '
		  . join(', ', map { "('$self->{prefix}$_')" } @items));
	$self->{began} = $admin->value('SELECT omni_internal.clock()');
	return;
}

# ---- one operation on both ----

# What differs after it; '' when nothing does, undef when it cannot be done.
sub step
{
	my ($self, $op, $r) = @_;
	my $model = $self->{model};

	# a promise whose making was left out of a trail, or refused
	return undef if defined $op->{promise} && !$self->{id}{ $op->{promise} };
	return undef if !$model->possible($op);
	my $session = $op->{s} ? $self->{session}{ $op->{s} } : $self->{admin};
	my $tx = $model->{session}{ $op->{s} };
	my $sql = $self->sql($op);
	my $answer = $session->query($sql);
	my $got = $answer->{error} // '';

	return "the connection broke: $sql" if $answer->{lost};
	my $forced = $got eq '40001' && $tx && $tx->{level} eq 'SERIALIZABLE'
	  ? $got : undef;
	my $want = $model->apply($op, $forced);

	$self->{kinds}{ $op->{op} }++;
	$self->{refused}{$got}++ if $got ne '';
	return "$sql\n  gave \"$got\" (" . ($answer->{message} // 'no error')
	  . "), the model \"$want\"" if $got ne $want;
	if ($op->{lines} && $got eq '')
	{
		my $rows = $answer->{sets}[-1]{rows};

		for my $i (0 .. $#{ $op->{lines} })
		{
			$self->{id}{ $op->{lines}[$i]{name} } = $rows->[$i][0];
			push @{ $self->{names} }, $op->{lines}[$i]{name};
		}
	}
	if ($got eq '' && defined $op->{request})
	{
		my $said = join(' ', map { $_->[0] // '' }
			  @{ $answer->{sets}[-1]{rows} });
		my $first = $self->{said}{ $op->{request} } //= $said;

		push @{ $self->{asked} }, $op if $op->{op} ne 'again';
		shift @{ $self->{asked} } if @{ $self->{asked} } > 30;
		return "$sql\n  was answered by \"$said\", the first time by \"$first\""
		  if $said ne $first;
	}
	my $open = $model->{session}{ $op->{s} } ? 'T' : 'I';
	$open = 'E' if $open eq 'T' && $model->{session}{ $op->{s} }{failed};
	return "$sql\n  left the session in \"$answer->{status}\", the model in"
	  . " \"$open\"" if $op->{s} && $answer->{status} ne $open;

	# as the session itself sees it, and as another one does
	my $sku = $op->{sku} // $items[ $self->{compared} % @items ];
	my $other = 1 + ($op->{s} + $self->{compared} % ($sessions - 1)) % $sessions;
	for my $viewer ($op->{s} || 1, $other)
	{
		my $difference = $self->compare($viewer, $sku);

		return "$difference\n  after $sql" if $difference ne '';
	}
	return '';
}

sub compare
{
	my ($self, $viewer, $sku) = @_;
	my $model = $self->{model};
	my $tx = $model->{session}{$viewer};
	my $session = $self->{session}{$viewer};
	my $name = "$self->{prefix}$sku";

	return '' if $tx && $tx->{failed};
	$self->{compared}++;
	my $answer = $session->query('SELECT '
		  . join(', ', map { "omni.available('$name', " . $self->node($_) . ')' }
			  '', @nodes)
		  . '; SELECT node, on_hand, reserved, safety, available'
		  . " FROM omni.availability(ARRAY['$name'])");
	if (defined $answer->{error})
	{
		return "session $viewer, reading $sku: $answer->{error} $answer->{message}"
		  if $answer->{error} ne '40001' || !$tx
		  || $tx->{level} ne 'SERIALIZABLE';
		$model->fail($tx);
		return '';
	}
	my @got = @{ $answer->{sets}[0]{rows}[0] };
	my $want = $model->available($viewer, $sku);
	my @want = map { $want->{$_} } '', @nodes;

	return "session $viewer sees $sku as pool, @nodes: @got; the model: @want"
	  if "@got" ne "@want";
	my $parts = $model->parts($viewer, $sku);
	for my $row (@{ $answer->{sets}[1]{rows} })
	{
		my ($node, @rest) = @$row;

		$node = substr($node, length $self->{prefix});
		my $model_says = delete $parts->{$node};
		return "session $viewer sees $sku at $node as @rest; the model: $model_says"
		  if "@rest" ne $model_says;
	}
	for my $node (sort keys %$parts)
	{
		return "session $viewer sees nothing of $sku at $node; the model:"
		  . " $parts->{$node}" if $parts->{$node} !~ /^0 0 \d+ 0$/;
	}
	return '';
}

# Every transaction ends; then counters, tables and ledger agree.
sub rest
{
	my ($self) = @_;
	my $model = $self->{model};
	my @ops = ((map { { s => 0, op => 'decide', gid => $_, commit => 1 } }
		  sort keys %{ $model->{prepared} }),
		(map { { s => $_, op => 'rollback' } }
			  sort keys %{ $model->{session} }));

	for my $op (@ops)
	{
		push @{ $self->{log} }, $op;
		my $difference = $self->step($op) // '';

		return $difference if $difference ne '';
	}
	for my $row (@{ $self->{admin}->rows('SELECT * FROM omni.verify_stock()') })
	{
		return "verify_stock(): @{[ map { $_ // '' } @$row ]}";
	}
	for my $sku (@items)
	{
		my $difference = $self->compare(1, $sku);

		return $difference if $difference ne '';
	}
	return '';
}

sub run
{
	my ($self, $operations) = @_;
	my $r = OmniRandom->new($self->{seed}, 'operations');
	my $done = 0;
	my $told = time();

	$self->start;
	$self->{names} = [];
	$self->{asked} = [];
	while ($done < $operations)
	{
		my $op = $self->random_op($r);

		push @{ $self->{log} }, $op;
		my $difference = $self->step($op);
		if (!defined $difference) { pop @{ $self->{log} }; next; }
		$done++;
		$difference = $self->rest if $difference eq '' && $done % 1000 == 0;
		return $self->explain($difference) if $difference ne '';
		if (time() - $told > 10)
		{
			$told = time();
			$self->{say}->("model: %d operations\n", $done);
		}
	}
	my $difference = $self->rest;
	return $difference eq '' ? '' : $self->explain($difference);
}

# ---- the shortest trail ----

# Run a trail on fresh items; how many operations it took to differ, or 0.
sub fails
{
	my ($self, @trail) = @_;
	my $n = 0;

	$self->start;
	for my $op (@trail)
	{
		$n++;
		my $difference = eval { $self->step($op) } // '';

		$difference = "died: $@" if $@;
		next if $difference eq '';
		$self->{shown} = $difference;
		return $n;
	}
	my $difference = $self->rest;
	$self->{shown} = $difference if $difference ne '';
	return $difference ne '' ? $n : 0;
}

sub explain
{
	my ($self, $difference) = @_;
	my @all = @{ $self->{log} };
	my $until = time() + ($self->{shrink} // 60);
	my @trail;

	$self->{say}->("model: a difference after %d operations; looking for the"
		  . " shortest trail\n", scalar @all);
	for my $size (40, 200, 1000, 5000, scalar @all)
	{
		my $from = @all > $size ? @all - $size : 0;
		my $n = $self->fails(@all[ $from .. $#all ]);

		if ($n) { @trail = @all[ $from .. $from + $n - 1 ]; last; }
		last if $from == 0 || time() > $until;
	}
	if (!@trail)
	{
		my $from = @all > 40 ? @all - 40 : 0;

		return "$difference\n  (does not show again on fresh items; the last"
		  . " operations:)\n" . $self->trail_text(@all[ $from .. $#all ]);
	}
	for (my $chunk = int(@trail / 2); $chunk >= 1; $chunk = int($chunk / 2))
	{
		for (my $at = @trail - $chunk; $at > -$chunk && time() < $until;
			$at -= $chunk)
		{
			my @less = @trail;

			splice(@less, $at < 0 ? 0 : $at, $at < 0 ? $at + $chunk : $chunk);
			my $n = @less ? $self->fails(@less) : 0;
			@trail = @less[ 0 .. $n - 1 ] if $n;
		}
	}
	$self->fails(@trail);
	return "$difference\n  The shortest trail found, which ends in:\n"
	  . "$self->{shown}\n" . $self->trail_text(@trail);
}

# For people: promises by their names, items and nodes as in the model.
sub trail_text
{
	my ($self, @trail) = @_;
	my $text = '';

	local $self->{prefix} = '';
	for my $op (@trail)
	{
		local $self->{id}{ $op->{promise} // '' } = $op->{promise};
		my $names = join(', ', map { $_->{name} } @{ $op->{lines} // [] });

		$text .= '    ' . ($op->{s} ? "session $op->{s}" : 'admin') . ': '
		  . $self->sql($op) . ($names ne '' ? "  -- $names" : '') . "\n";
	}
	return $text;
}

# What this version can do: what is left out for it, and why.
sub look_around
{
	my ($self) = @_;
	my $admin = $self->{admin};
	my @left;

	$self->{requests} = $admin->value("SELECT 'request' = ANY (proargnames)"
		  . " FROM pg_proc WHERE oid = 'omni.receive_stock'::regproc") eq 't';
	push @left, 'requests' if !$self->{requests};
	$self->{reload} =
	  $admin->value("SELECT to_regproc('omni.reload_stock') IS NOT NULL") eq 't';
	push @left, 'reload_stock()' if !$self->{reload};
	$self->start;
	my $answer = $admin->query("BEGIN; SELECT omni.receive_stock("
		  . $self->node('N1') . ", '$self->{prefix}A', 1);"
		  . " PREPARE TRANSACTION 'try'");
	$self->{two_phase} = !defined $answer->{error};
	if ($self->{two_phase})
	{
		$admin->rows("ROLLBACK PREPARED 'try'");
	}
	else
	{
		die "$answer->{error} $answer->{message}\n"
		  if $answer->{error} ne '0A000';
		$admin->query('ROLLBACK');
		push @left, 'two-phase commit';
	}
	return join(', ', @left);
}

# What was done, for the last line.
sub summary
{
	my ($self) = @_;
	my $list = sub {
		my ($count) = @_;

		return join(', ', map { "$_ $count->{$_}" } sort keys %$count);
	};

	return $list->($self->{kinds}) . '; errors as expected: '
	  . $list->($self->{refused});
}

1;
