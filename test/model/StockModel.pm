# A naive model of the stock engine: what each session must see, and what each
# call must answer, worked out from a list of facts every time.
#
# A fact is a change of on_hand or reserved at an item and node ('' is the
# pool).  What takes is "shared": it counts for everybody from the moment it is
# made.  What gives counts for its own transaction alone until that commits.
# Where a transaction takes what it has given itself, that part of the promise
# is not shared either (rule 3: netted first).  Facts of a transaction that
# commits go into "base"; those of one that aborts, or of a part of it that is
# rolled back, vanish.  There are no counters, no ledger, no queue of deadlines
# and no locks here: that is the point.
#
# Time is counted in whole hours; a promise for k hours ends at k and a half.
package StockModel;

use strict;
use warnings;

use List::Util qw(max min);

# The rest of this class: what is called.
use StockCalls;

sub new
{
	my ($class, %opt) = @_;
	my $self = bless {
		items => $opt{items},
		nodes => $opt{nodes},
		clock => 0,
		base => {},          # sku => node => [on_hand, reserved]
		hours => {},         # sku => node => hour => on_hand that came then
		active => {},        # node => counts at all
		safety => {},        # node => units
		policy => {},        # sku => node => units
		promise => {},       # name => what it is
		session => {},       # number => its transaction
		prepared => {},      # gid => transaction
		requests => {},      # keys of calls that have committed
	}, $class;

	$self->{active}{$_} = 1 for @{ $opt{nodes} };
	$self->{safety}{$_} = 0 for @{ $opt{nodes} };
	return $self;
}

# ---- reading ----

sub transactions
{
	my ($self) = @_;

	return (values %{ $self->{session} }, values %{ $self->{prepared} });
}

# Does a fact count (its promise, if any, has not run out)?
sub counts
{
	my ($fact) = @_;

	return $fact->{is} eq 'fact'
	  && !($fact->{promise} && $fact->{promise}{lapsed});
}

# on_hand and reserved at a node as a transaction (or nobody) sees it.
sub at
{
	my ($self, $tx, $sku, $node) = @_;
	my ($on_hand, $reserved) = @{ $self->{base}{$sku}{$node} // [ 0, 0 ] };

	for my $t ($self->transactions)
	{
		for my $fact (@{ $t->{log} })
		{
			next if !counts($fact) || $fact->{sku} ne $sku
			  || $fact->{node} ne $node
			  || !$fact->{shared} && (!$tx || $t != $tx);
			$on_hand += $fact->{on_hand};
			$reserved += $fact->{reserved};
		}
	}
	return ($on_hand, $reserved);
}

sub kept_back
{
	my ($self, $sku, $node) = @_;

	return $self->{policy}{$sku}{$node} // $self->{safety}{$node};
}

# Rule 8: what a node offers.
sub offers
{
	my ($self, $tx, $sku, $node) = @_;
	my ($on_hand, $reserved) = $self->at($tx, $sku, $node);
	my $safety = $self->kept_back($sku, $node);
	my $free = $on_hand - $reserved;

	return 0 if !$self->{active}{$node};
	return $free >= $safety ? $free - $safety
	  : min(0, max($on_hand, 0) - $reserved);
}

sub pool
{
	my ($self, $tx, $sku) = @_;
	my $pool = -($self->at($tx, $sku, ''))[1];

	$pool += $self->offers($tx, $sku, $_) for @{ $self->{nodes} };
	return $pool;
}

# What could be reserved, before it is cut off at zero.
sub free
{
	my ($self, $tx, $sku, $node) = @_;
	my $pool = $self->pool($tx, $sku);

	return $pool if $node eq '';
	return 0 if !$self->{active}{$node};
	return min($pool, $self->offers($tx, $sku, $node));
}

# As omni.available() must answer to a session: of each node, '' for the pool.
sub available
{
	my ($self, $session, $sku) = @_;
	my $tx = $self->{session}{$session};

	$self->lapse;
	return { map { $_ => max(0, $self->free($tx, $sku, $_)) }
		  '', @{ $self->{nodes} } };
}

# As omni.availability(): "on_hand reserved safety available" of each node.
sub parts
{
	my ($self, $session, $sku) = @_;
	my $tx = $self->{session}{$session};
	my $available = $self->available($session, $sku);

	return { map {
		($_ => join(' ', $self->at($tx, $sku, $_), $self->kept_back($sku, $_),
			$available->{$_}))
	} @{ $self->{nodes} } };
}

# ---- the clock ----

# Promises whose time has come count no more; one that is claimed goes on.
sub lapse
{
	my ($self) = @_;

	for my $p (values %{ $self->{limited} })
	{
		next if $p->{lapsed} || $p->{claimer} || $p->{deadline} > $self->{clock};
		$p->{lapsed} = 1;
		delete $self->{limited}{ $p->{name} };
		next if $p->{opener};
		$self->{base}{ $p->{sku} }{ $p->{node} }[1] -= $p->{quantity};
	}
	return;
}

# ---- transactions ----

sub end_promise
{
	my ($self, $p) = @_;

	$p->{over} = 1;
	delete $self->{limited}{ $p->{name} };
	return;
}

sub commit
{
	my ($self, $tx) = @_;

	$self->lapse;
	for my $entry (@{ $tx->{log} })
	{
		my $p = $entry->{promise};

		if (counts($entry))
		{
			my $base = $self->{base}{ $entry->{sku} }{ $entry->{node} } //=
			  [ 0, 0 ];

			$base->[0] += $entry->{on_hand};
			$base->[1] += $entry->{reserved};
			$self->{hours}{ $entry->{sku} }{ $entry->{node} }{ $entry->{hour} }
			  += $entry->{on_hand} if $entry->{on_hand} != 0;
		}
		elsif ($entry->{is} eq 'open') { $p->{opener} = undef; }
		elsif ($entry->{is} eq 'claim') { $p->{claimer} = undef; }
		elsif ($entry->{is} eq 'result')
		{
			@$p{qw(node quantity deadline)} =
			  @$entry{qw(node quantity deadline)};
			$self->end_promise($p) if $p->{quantity} == 0;
		}
		elsif ($entry->{is} eq 'policy') { $entry->{apply}->(); }
		elsif ($entry->{is} eq 'request')
		{
			$self->{requests}{ $entry->{name} } = 1;
		}
	}
	$tx->{log} = [];
	return;
}

# Undo what came after so many entries.
sub undo
{
	my ($self, $tx, $to) = @_;

	while (@{ $tx->{log} } > $to)
	{
		my $entry = pop @{ $tx->{log} };

		if ($entry->{is} eq 'open')
		{
			$entry->{promise}{void} = 1;
			$self->end_promise($entry->{promise});
		}
		$entry->{promise}{claimer} = undef if $entry->{is} eq 'claim';
	}
	return;
}

# An error: what the current (sub)transaction did is undone at once.
sub fail
{
	my ($self, $tx) = @_;
	my $to = 0;

	for my $i (0 .. $#{ $tx->{log} })
	{
		$to = $i + 1 if $tx->{log}[$i]{is} eq 'savepoint';
	}
	$self->undo($tx, $to);
	$tx->{failed} = 1;
	return;
}

1;
