# The naive model's second half: the functions that change stock, and the
# operations that a session can send.  (StockModel.pm has what they are told
# by.)
package StockModel;

use strict;
use warnings;

use List::Util qw(max min);

# ---- calls; each returns '' or the SQLSTATE that it must raise ----

sub fact
{
	my ($self, $tx, $sku, $node, $on_hand, $reserved, $shared, $promise) = @_;

	push @{ $tx->{log} }, { is => 'fact', sku => $sku, node => $node,
		on_hand => $on_hand, reserved => $reserved, shared => $shared,
		promise => $promise, hour => $self->{clock} };
	return;
}

# What the transaction has given at a node and not taken again.
sub given
{
	my ($self, $tx, $sku, $node) = @_;
	my $given = 0;

	for my $fact (grep { counts($_) && !$_->{shared} } @{ $tx->{log} })
	{
		$given += $fact->{on_hand} - $fact->{reserved}
		  if $fact->{sku} eq $sku && $fact->{node} eq $node;
	}
	return $given;
}

# The same of the pool as a whole, and the pool-level promises in it.
sub given_pool
{
	my ($self, $tx, $sku) = @_;

	return ($self->pool($tx, $sku) - $self->pool(undef, $sku),
		-$self->given($tx, $sku, ''));
}

sub take
{
	my ($self, $tx, $sku, $node, $quantity, $promise) = @_;

	return 0 if $self->free($tx, $sku, $node) < $quantity;
	my ($pool) = $self->given_pool($tx, $sku);
	my $netted = min($quantity,
		max(0, $node eq '' ? $pool : $self->given($tx, $sku, $node)));

	$self->fact($tx, $sku, $node, 0, $netted, 0, $promise) if $netted > 0;
	$self->fact($tx, $sku, $node, 0, $quantity - $netted, 1, $promise)
	  if $quantity > $netted;
	# what was given may have been the cover of the transaction's own
	# pool-level promises: these then weigh on everybody
	my $promised;
	($pool, $promised) = $self->given_pool($tx, $sku);
	my $excess = min(-$pool, $promised);
	if ($excess > 0)
	{
		$self->fact($tx, $sku, '', 0, $excess, 1);
		$self->fact($tx, $sku, '', 0, -$excess, 0);
	}
	return 1;
}

sub change
{
	my ($self, $tx, $op, $quantity) = @_;

	$self->fact($tx, $op->{sku}, $op->{node}, $quantity, 0, $quantity <= 0);
	return '';
}

sub set_stock
{
	my ($self, $tx, $op) = @_;
	my ($sku, $node) = @$op{qw(sku node)};
	my $now = ($self->{base}{$sku}{$node} // [0])->[0];
	my %since = %{ $self->{hours}{$sku}{$node} // {} };

	for my $fact (grep { $_->{is} eq 'fact' } @{ $tx->{log} })
	{
		next if $fact->{sku} ne $sku || $fact->{node} ne $node;
		$now += $fact->{on_hand};
		$since{ $fact->{hour} } += $fact->{on_hand};
	}
	if (defined $op->{as_of})
	{
		$now -= $since{$_} for grep { $_ > $op->{as_of} } keys %since;
	}
	$tx->{locks}{"$sku|$node"} = 1;
	return $self->change($tx, $op, $op->{quantity} - $now);
}

sub reserve
{
	my ($self, $tx, $op) = @_;
	my $mark = @{ $tx->{log} };

	for my $line (@{ $op->{lines} })
	{
		my $p = { name => $line->{name}, sku => $line->{sku},
			node => $line->{node}, quantity => $line->{quantity},
			opener => $tx };

		$self->{promise}{ $line->{name} } = $p;
		push @{ $tx->{log} }, { is => 'open', promise => $p };
		if ($op->{hours})
		{
			$p->{deadline} = $self->{clock} + $op->{hours} + 0.5;
			$self->{limited}{ $p->{name} } = $p;
		}
		next if $self->take($tx, @$line{qw(sku node quantity)},
			$op->{hours} ? $p : undef);
		$self->undo($tx, $mark);
		return 'OM001';
	}
	return '';
}

# The promise as its transaction has left it so far.
sub own_state
{
	my ($tx, $p) = @_;
	my %state = map { $_ => $p->{$_} } qw(node quantity deadline);

	for my $entry (@{ $tx->{log} })
	{
		@state{qw(node quantity deadline)} =
		  @$entry{qw(node quantity deadline)}
		  if $entry->{is} eq 'result' && $entry->{promise} == $p;
	}
	return \%state;
}

# Release, consume, extend and pin begin with a claim.
sub alter
{
	my ($self, $tx, $op) = @_;
	my $p = $self->{promise}{ $op->{promise} };
	my $what = $op->{op};

	return 'OM002' if $p->{void} || $p->{opener} && $p->{opener} != $tx;
	return 'OM013' if $p->{claimer} && $p->{claimer} != $tx;
	return 'OM004' if $p->{over} || $p->{lapsed};
	if (!$p->{claimer})
	{
		$p->{claimer} = $tx;
		push @{ $tx->{log} }, { is => 'claim', promise => $p };
	}
	my $state = own_state($tx, $p);
	my ($sku, $node, $quantity) = ($p->{sku}, @$state{qw(node quantity)});

	return 'OM004' if $quantity == 0;
	if ($what eq 'extend')
	{
		return 'OM004' if !defined $state->{deadline};
		$state->{deadline} = $self->{clock} + $op->{hours} + 0.5;
	}
	elsif ($what eq 'pin')
	{
		my $given = $self->given($tx, $sku, $op->{node});
		my $netted = min($quantity, max(0, $given));

		return 'OM004' if $node ne '';
		return 'OM001' if !$self->{active}{ $op->{node} }
		  || $self->offers($tx, $sku, $op->{node}) < $quantity;
		for my $part ([ $netted, 0 ], [ $quantity - $netted, 1 ])
		{
			next if $part->[0] == 0;
			$self->fact($tx, $sku, $op->{node}, 0, @$part);
			$self->fact($tx, $sku, '', 0, -$part->[0], $part->[1]);
		}
		$state->{node} = $op->{node};
	}
	else
	{
		return 'OM004' if $what eq 'consume' && $node eq '';
		$self->fact($tx, $sku, $node, $what eq 'consume' ? -$quantity : 0,
			-$quantity, 0);
		$state->{quantity} = 0;
	}
	push @{ $tx->{log} }, { is => 'result', promise => $p, %$state };
	return '';
}

sub set_policy
{
	my ($self, $tx, $op) = @_;

	# even when a savepoint takes it back
	$tx->{policies} = 1;
	push @{ $tx->{log} }, { is => 'policy', apply => sub {
		if ($op->{op} eq 'status')
		{
			$self->{active}{ $op->{node} } = $op->{active};
		}
		elsif ($op->{op} eq 'safety')
		{
			$self->{safety}{ $op->{node} } = $op->{quantity};
		}
		else
		{
			$self->{policy}{ $op->{sku} }{ $op->{node} } = $op->{quantity};
		}
	} };
	return '';
}

my %call = (
	receive => sub { $_[0]->change(@_[ 1, 2 ], $_[2]{quantity}) },
	sell => sub { $_[0]->change(@_[ 1, 2 ], -$_[2]{quantity}) },
	adjust => sub { $_[0]->change(@_[ 1, 2 ], $_[2]{quantity}) },
	set => \&set_stock,
	reserve => \&reserve,
	lines => \&reserve,
	(map { $_ => \&alter } qw(release consume extend pin)),
	(map { $_ => \&set_policy } qw(status safety policy)),
	# a retailer's view of the shelf changes nothing
	look => sub { '' });

# ---- requests: a call under a key of the caller's, done once ----

# The call that a transaction would get the answer of; none when nobody made
# it, when it was rolled back, or while another transaction has it.
sub done_before
{
	my ($self, $tx, $request) = @_;
	my ($own) = grep { $_->{is} eq 'request' && $_->{name} eq $request }
	  $tx ? @{ $tx->{log} } : ();

	return $own || $self->{requests}{$request} ? 1 : 0;
}

# ---- operations ----

# Can the operation be sent at all?  (A waiting session would stop the test.)
sub possible
{
	my ($self, $op) = @_;
	my $tx = $self->{session}{ $op->{s} };
	my $what = $op->{op};

	return 1 if $what eq 'clock';
	# a reload waits for whoever uses a counter
	return !%{ $self->{session} } && !%{ $self->{prepared} }
	  if $what eq 'reload';
	return exists $self->{prepared}{ $op->{gid} } if $what eq 'decide';
	return !$tx if $what eq 'begin';
	if ($what =~ /^(?:commit|rollback|prepare|savepoint|back|forget)$/)
	{
		return 0 if !$tx;
		return 1 if $what eq 'commit' || $what eq 'rollback';
		return 0 if $tx->{failed} && $what ne 'back';
		return 1 if $what eq 'savepoint';
		# one that has changed policies cannot be prepared
		return !$tx->{policies} if $what eq 'prepare';
		return scalar grep { $_->{is} eq 'savepoint'
			  && $_->{name} eq $op->{name} } @{ $tx->{log} };
	}
	return 0 if $tx && $tx->{failed};
	if ($what eq 'again')
	{
		return 0 if !$self->done_before($tx, $op->{request});
		# it may take the same lock before it looks
		$op = $op->{of};
		$what = $op->{op};
	}
	elsif (defined $op->{request})
	{
		# a key is used once, but for repetitions
		return 0 if $self->{used}{ $op->{request} };
	}
	return 0 if defined $op->{promise} && !$self->{promise}{ $op->{promise} };
	return 0 if !$call{$what};
	return !grep { $_->{locks}{"$op->{sku}|$op->{node}"} && (!$tx || $_ != $tx) }
	  $self->transactions
	  if $what eq 'set';
	return 1;
}

# Do it; '' or the SQLSTATE.  "forced" is one that a serializable transaction
# may get at any time.
sub apply
{
	my ($self, $op, $forced) = @_;
	my $s = $op->{s};
	my $tx = $self->{session}{$s};
	my $what = $op->{op};
	my $error;

	$self->lapse;
	$self->{used}{ $op->{request} } = 1 if defined $op->{request};
	if ($what eq 'clock') { $self->{clock} += $op->{hours}; }
	elsif ($what eq 'reload') { }
	elsif ($what eq 'begin')
	{
		$self->{session}{$s} = { log => [], level => $op->{level} };
	}
	elsif ($what eq 'commit' || $what eq 'rollback')
	{
		if ($what eq 'commit' && !$tx->{failed} && !$forced)
		{
			$self->commit($tx);
		}
		else { $self->undo($tx, 0); }
		delete $self->{session}{$s};
		return $forced // '';
	}
	elsif ($what eq 'prepare')
	{
		delete $self->{session}{$s};
		if ($forced) { $self->undo($tx, 0); return $forced; }
		$self->{prepared}{ $op->{gid} } = $tx;
	}
	elsif ($what eq 'decide')
	{
		my $done = delete $self->{prepared}{ $op->{gid} };

		if ($op->{commit}) { $self->commit($done); }
		else { $self->undo($done, 0); }
	}
	elsif ($what eq 'savepoint')
	{
		push @{ $tx->{log} }, { is => 'savepoint', name => $op->{name} };
	}
	elsif ($what eq 'back' || $what eq 'forget')
	{
		my ($at) = grep { $tx->{log}[$_]{is} eq 'savepoint'
			  && $tx->{log}[$_]{name} eq $op->{name} }
		  reverse 0 .. $#{ $tx->{log} };

		if ($what eq 'back')
		{
			$self->undo($tx, $at + 1);
			$tx->{failed} = 0;
		}
		else
		{
			# its entries, and those of later ones, are the parent's now
			my @log = @{ $tx->{log} };

			@{ $tx->{log} } = (@log[ 0 .. $at - 1 ],
				grep { $_->{is} ne 'savepoint' } @log[ $at + 1 .. $#log ]);
		}
	}
	else
	{
		my $alone = !$tx;

		$self->{session}{$s} = $tx = { log => [], level => '' } if $alone;
		if ($what eq 'again')
		{
			$tx->{locks}{"$op->{of}{sku}|$op->{of}{node}"} = 1
			  if $op->{of}{op} eq 'set';
			$error = $op->{other} ? 'OM003' : '';
		}
		else
		{
			$error = $call{$what}->($self, $tx, $op);
			push @{ $tx->{log} }, { is => 'request', name => $op->{request} }
			  if defined $op->{request};
		}
		$error = $forced if $forced;
		if ($error ne '') { $self->fail($tx); }
		elsif ($alone) { $self->commit($tx); }
		delete $self->{session}{$s} if $alone;
	}
	$self->lapse;
	return $error // '';
}

1;
