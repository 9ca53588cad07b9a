# Clients of the soak test: what each of them does, and what it knows of it.
#
# A client runs one transaction after the other and writes down what the server
# has confirmed, after it has.  A transaction is a list of steps; most are sent
# as one statement, some step by step, so that a fault finds them open.  In the
# end each transaction is one of
#
#   committed   the server said so: every row of it must be in the ledger
#   aborted     no COMMIT was sent, or it was refused: no row may be there
#   unknown     the connection broke at the COMMIT: all of its rows, or none
#   prepared    the same, for a two-phase commit that nobody has decided
#
# The rows that a step writes are known beforehand: kind, what names it (the
# step's own reference, or the promise that it ends), sku, node, and the two
# deltas.  Promises belong to the client that made them.
package SoakLoad;

use strict;
use warnings;

use OmniRandom;
use OmniSession;
use Time::HiRes qw(time);

our @items = map { "HOT$_" } 1 .. 4;      # never sold at the till
our @till = map { "TILL$_" } 1 .. 2;      # may fall below zero
our @nodes = map { "N$_" } 1 .. 3;
our $short = 0.4;                         # seconds, of promises that lapse
our $may_prepare = 0;                     # so many more may be left in doubt

sub new
{
	my ($class, %opt) = @_;
	my $self = bless {
		%opt,
		random => OmniRandom->new($opt{seed}, 'client', $opt{number}),
		made => 0,
		promises => [],
		ended => [],       # transactions since the last check
	}, $class;

	return $self;
}

# Nothing is under way.
sub idle
{
	my ($self) = @_;

	return !$self->{tx};
}

sub reference
{
	my ($self) = @_;

	return sprintf('c%d-%d', $self->{number}, ++$self->{made});
}

# A promise of this client's that no step of the transaction uses yet.
sub own_promise
{
	my ($self, $tx) = @_;
	my @free = grep { !$_->{busy} } @{ $self->{promises} };
	my $promise = @free ? $self->{random}->pick(@free) : return;

	$promise->{busy} = 1;
	push @{ $tx->{used} }, $promise;
	return $promise;
}

# One more random step of a transaction; what has no promise to work on
# becomes a reservation.
sub step
{
	my ($self, $tx, %only) = @_;
	my $r = $self->{random};
	my $kind = $only{kind} // $r->weighted(reserve => 12, lines => 3,
		receive => 4, release => 6, consume => 2, pin => 3, extend => 2,
		till => 3);
	my $sku = $r->pick(@items);
	my $node = $r->chance(0.5) ? $r->pick(@nodes) : undef;
	my $quantity = 1 + $r->below(3);
	my %step = (kind => $kind);

	if ($kind =~ /^(?:release|consume|pin|extend)$/)
	{
		my $promise = $self->own_promise($tx);
		my $wrong = !$promise
		  || $kind eq 'consume' && !defined $promise->{node}
		  || $kind eq 'pin' && defined $promise->{node}
		  || $kind eq 'extend' && !$promise->{limit}
		  # what lapses while it is being changed is another test's
		  || $only{lasting} && $promise->{lapses};

		return { %step, promise => $promise,
			node => $kind eq 'pin' ? $r->pick(@nodes) : $promise->{node} }
		  if !$wrong;
		if ($promise)
		{
			$promise->{busy} = 0;
			pop @{ $tx->{used} };
		}
		return if $only{kind};
		$step{kind} = $kind = 'reserve';
	}
	$step{reference} = $self->reference;
	if ($kind eq 'receive')
	{
		@step{qw(sku node quantity)} = ($sku, $r->pick(@nodes), $quantity + 1);
	}
	elsif ($kind eq 'till')
	{
		$step{kind} = $r->pick(qw(sell adjust));
		@step{qw(sku node quantity)} =
		  ($r->pick(@till), $r->pick(@nodes), $quantity);
		$step{quantity} = -$quantity
		  if $step{kind} eq 'sell' || $r->chance(0.4);
	}
	else
	{
		my $count = $kind eq 'lines' ? 2 + $r->below(4) : 1;

		$step{limit} = $only{lasting} ? '' : $r->pick('', '', '2 years',
			"$short s");
		$step{lapses} = $step{limit} eq "$short s";
		$step{lines} = [ map {
			{ sku => $r->pick(@items), quantity => 1 + $r->below(2),
				node => $r->chance(0.5) ? $r->pick(@nodes) : undef }
		} 1 .. $count ];
	}
	return \%step;
}

# A transaction to come.  Whoever may be prepared takes only or gives only, so
# that what it weighs while in doubt is plain.
sub begin
{
	my ($self) = @_;
	my $r = $self->{random};
	my $tx = { client => $self->{number}, used => [], sent => 0, steps => [] };
	my $how = $may_prepare > 0 && $r->chance(0.25) ? 'prepare'
	  : $r->weighted(single => 6, batch => 5, slow => 3);

	$tx->{how} = $how;
	if ($how eq 'prepare')
	{
		my $gives = $r->chance(0.4);

		$may_prepare--;
		for (1 .. 1 + $r->below(3))
		{
			my $step = $self->step($tx, lasting => 1, kind => $gives
				? $r->pick(qw(receive release consume)) : 'reserve');
			push @{ $tx->{steps} }, $step if $step;
		}
		push @{ $tx->{steps} }, $self->step($tx, lasting => 1,
			kind => 'receive') if !@{ $tx->{steps} };
		$tx->{gid} = 'g' . $self->reference;
		$tx->{end} = "PREPARE TRANSACTION '$tx->{gid}'";
	}
	elsif ($how eq 'single')
	{
		$tx->{steps} = [ $self->step($tx) ];
	}
	else
	{
		for my $n (1 .. 1 + $r->below(4))
		{
			push @{ $tx->{steps} }, { kind => 'savepoint' }
			  if $r->chance(0.3);
			push @{ $tx->{steps} }, $self->step($tx);
			push @{ $tx->{steps} }, { kind => 'back' }
			  if $r->chance(0.2)
			  && grep { $_->{kind} eq 'savepoint' } @{ $tx->{steps} };
		}
		$tx->{end} = $r->chance(0.15) ? 'ROLLBACK' : 'COMMIT';
	}
	$self->{tx} = $tx;
	my @sql = map { step_sql($_) } @{ $tx->{steps} };
	@sql = ('BEGIN', @sql, $tx->{end}) if $how ne 'single';
	$tx->{todo} = $how eq 'single' || $how eq 'slow' ? \@sql
	  : [ join(";\n", @sql) ];
	return;
}

sub quote { return defined $_[0] ? "'$_[0]'" : 'NULL'; }

sub step_sql
{
	my ($step) = @_;
	my $kind = $step->{kind};
	my $id = $step->{promise} && $step->{promise}{id};

	return 'SAVEPOINT s' if $kind eq 'savepoint';
	return 'ROLLBACK TO SAVEPOINT s' if $kind eq 'back';
	return "SELECT omni.${kind}_reservation($id)"
	  if $kind =~ /^(?:release|consume)$/;
	return "SELECT omni.pin_reservation($id, '$step->{node}')"
	  if $kind eq 'pin';
	return "SELECT omni.extend_reservation($id, '2 years')"
	  if $kind eq 'extend';
	if ($step->{lines})
	{
		my @lines = @{ $step->{lines} };
		my $rest = ($step->{limit} ? "'$step->{limit}'" : 'NULL')
		  . ", '$step->{reference}'";

		return "SELECT omni.reserve_stock('$lines[0]{sku}',"
		  . " $lines[0]{quantity}, " . quote($lines[0]{node}) . ", $rest)"
		  if $kind eq 'reserve';
		return 'SELECT unnest(omni.reserve_lines(ARRAY['
		  . join(',', map { "'$_->{sku}'" } @lines) . '], ARRAY['
		  . join(',', map { $_->{quantity} } @lines) . '], ARRAY['
		  . join(',', map { quote($_->{node}) } @lines) . "]::text[], $rest))";
	}
	return "SELECT omni.adjust_stock('$step->{node}', '$step->{sku}',"
	  . " $step->{quantity}, 'soak', '$step->{reference}')"
	  if $kind eq 'adjust';
	return "SELECT omni.${kind}_stock('$step->{node}', '$step->{sku}', "
	  . abs($step->{quantity}) . ", '$step->{reference}')";
}

# The rows that a step must have written, as the check reads them.
sub step_rows
{
	my ($step) = @_;
	my $kind = $step->{kind};
	my $p = $step->{promise};

	return () if $kind eq 'savepoint' || $kind eq 'back';
	if ($p)
	{
		my ($node, $to) = ($p->{node} // '', $step->{node} // '');
		my $q = $p->{quantity};
		my $row = "$p->{id}|$p->{sku}";

		return "release|$row|$node|0|-$q" if $kind eq 'release';
		return "consume|$row|$node|-$q|-$q" if $kind eq 'consume';
		return "extend|$row|$node|0|0" if $kind eq 'extend';
		return ("unpool|$row||0|-$q", "pin|$row|$to|0|$q");
	}
	return map {
		"reserve|$step->{reference}|$_->{sku}|"
		  . ($_->{node} // '') . "|0|$_->{quantity}"
	} @{ $step->{lines} } if $step->{lines};
	my $reference = $kind eq 'adjust' ? "soak: $step->{reference}"
	  : $step->{reference};
	return "$kind|$reference|$step->{sku}|$step->{node}|$step->{quantity}|0";
}

# The steps that count: not those behind a savepoint that was rolled back to.
sub kept_steps
{
	my ($tx) = @_;
	my @kept;

	for my $step (@{ $tx->{steps} })
	{
		if ($step->{kind} eq 'back')
		{
			pop @kept while $kept[-1]{kind} ne 'savepoint';
			next;
		}
		push @kept, $step;
	}
	return grep { $_->{kind} ne 'savepoint' } @kept;
}

# Send the next statement of the transaction.
sub go_on
{
	my ($self, $session) = @_;
	my $tx = $self->{tx};
	my $sql = shift @{ $tx->{todo} };

	# from here on it may have committed without our knowing
	$tx->{sent} = 1
	  if !@{ $tx->{todo} } && ($tx->{end} // '') ne 'ROLLBACK';
	$session->send($sql);
	return;
}

# The transaction is over: "committed", "aborted", "unknown" or "prepared".
sub finish
{
	my ($self, $state) = @_;
	my $tx = delete $self->{tx};

	$tx->{state} = $state;
	# as its promises are now: later transactions change them
	$tx->{rows} = [ map { step_rows($_) } kept_steps($tx) ];
	push @{ $self->{ended} }, $tx;
	$self->settle($tx) if $state eq 'committed' || $state eq 'aborted';
	return;
}

# What became of a transaction: promises begin, change and end.
sub settle
{
	my ($self, $tx) = @_;

	$_->{busy} = 0 for @{ $tx->{used} };
	return if $tx->{state} ne 'committed';
	for my $step (kept_steps($tx))
	{
		my $p = $step->{promise};

		if ($p)
		{
			$p->{over} = 1 if $step->{kind} =~ /^(?:release|consume)$/;
			$p->{node} = $step->{node} if $step->{kind} eq 'pin';
			$p->{lapses} = 0 if $step->{kind} eq 'extend';
		}
		for my $line (@{ $step->{lines} // [] })
		{
			push @{ $self->{promises} }, {
				%$line,
				limit => $step->{limit},
				lapses => $step->{lapses},
			} if defined $line->{id};
		}
	}
	@{ $self->{promises} } = grep { !$_->{over} } @{ $self->{promises} };
	return;
}

# An answer has come; false when the session is of no use any more.
sub answer
{
	my ($self, $answer, $tell) = @_;
	my $tx = $self->{tx};

	# which statements were done: BEGIN and the last one are no steps
	for my $set (@{ $answer->{sets} })
	{
		next if $set->{tag} eq 'BEGIN';
		my $step = $tx->{steps}[ $tx->{at}++ // 0 ] or last;

		next if !$step->{lines};
		$step->{lines}[$_]{id} = $set->{rows}[$_][0]
		  for 0 .. $#{ $step->{lines} };
	}
	if ($answer->{lost})
	{
		$self->finish($self->done($answer) ? $tx->{gid} ? 'prepared'
			: 'committed' : $tx->{sent} ? 'unknown' : 'aborted');
		return 0;
	}
	if (defined $answer->{error})
	{
		# refusals: too little stock; over, or just being tidied up
		$tell->("client $self->{number}: $answer->{error} $answer->{message}")
		  if $answer->{error} !~ /^OM0(?:01|04|13)$/;
		# an expired one is of no use any more
		if ($answer->{error} eq 'OM004')
		{
			$_->{over} = $_->{lapses} for @{ $tx->{used} };
			@{ $self->{promises} } =
			  grep { !$_->{over} } @{ $self->{promises} };
		}
		@{ $tx->{todo} } = ();
		if ($answer->{status} ne 'I')
		{
			$tx->{end} = 'ROLLBACK';
			$tx->{sent} = 0;
			@{ $tx->{todo} } = ('ROLLBACK');
			return 1;
		}
		$self->finish('aborted');
		return 1;
	}
	return 1 if @{ $tx->{todo} };
	$self->finish(($tx->{end} // '') eq 'ROLLBACK' ? 'aborted'
		: $tx->{gid} ? 'prepared' : 'committed');
	return 1;
}

# Did the last statement of the transaction succeed?
sub done
{
	my ($self, $answer) = @_;
	my $tx = $self->{tx};
	my $last = $answer->{sets}[-1] or return 0;

	return 0 if @{ $tx->{todo} } || defined $answer->{error};
	return $tx->{how} eq 'single' ? 1 : $last->{tag} eq 'COMMIT'
	  || $last->{tag} eq 'PREPARE TRANSACTION';
}

1;
