# What must hold after a fault: model = tables = counters, and the feed.
#
# The model is what the clients know (SoakLoad): the rows of every transaction
# that was confirmed, and of those among the unknown ones that turn out to be
# there, whole.  Nothing else may be in the ledger but the closing rows of
# promises that lapsed.  Each check reads the ledger from where the last one
# ended, and carries its sums on; the sums of the tables and the counters are
# of everything.
package SoakCheck;

use strict;
use warnings;

use SoakLoad;

sub new
{
	my ($class, %opt) = @_;

	return bless {
		%opt,              # tell => sub, called with each violation
		last => 0,         # ledger id up to which everything is checked
		seen => {},        # ids after it that are (a transaction in doubt
		                   # may commit smaller ones later)
		sums => {},        # "sku|node" => [on_hand, reserved]; '' is the pool
		open => {},        # promise id => sku, node, quantity, lapses
		rows => 0,
		confirmed => 0,
		position => 0,     # of the feed: read up to here
		acknowledged => 0, # and confirmed to be
		unread => {},      # position => event, not yet acknowledged
		events => 0,
		feed_sums => {},
	}, $class;
}

sub violation
{
	my ($self, $what) = @_;

	$self->{tell}->($what);
	return;
}

sub add
{
	my ($self, $sums, $sku, $node, $quantity, $reserved) = @_;
	my $sum = $sums->{"$sku|$node"} //= [ 0, 0 ];

	$sum->[0] += $quantity;
	$sum->[1] += $reserved;
	return;
}

# Count what is there already: nothing is open but what is in the sums.
sub start_from
{
	my ($self, $s) = @_;

	$self->read_ledger($s);
	for my $row (@{ $s->rows('SELECT id, sku, node, quantity'
				  . ' FROM omni.reservation') })
	{
		$self->{open}{ $row->[0] } =
		  { sku => $row->[1], node => $row->[2], quantity => $row->[3] };
	}
	return;
}

# Units for an empty shelf.
sub restock
{
	my ($self, $s, $sku, $node) = @_;

	$s->rows("SELECT omni.receive_stock('$node', '$sku', 100, 'restock')");
	$self->read_ledger($s);
	return;
}

# ---- the feed's reader ----

# One event as read_events() gave it.
sub event
{
	my ($self, $position, $kind, $text) = @_;

	if ($position <= $self->{position})
	{
		$self->violation("event $position came again, after it was acknowledged")
		  if $position <= $self->{acknowledged};
		$self->violation("event $position has changed")
		  if ($self->{unread}{$position} // $text) ne $text;
		return;
	}
	$self->violation("the feed goes from $self->{position} to $position")
	  if $position != $self->{position} + 1;
	$self->{position} = $position;
	$self->{unread}{$position} = $text;
	return if $kind !~ /^stock\.(?!shortfall)/;
	$self->{events}++;
	my ($sku) = $text =~ /"sku": "(\w+)"/;
	my ($node) = $text =~ /"node": "(\w+)"/;
	my ($quantity) = $text =~ /"quantity": (-?\d+)/;
	my ($reserved) = $text =~ /"reserved": (-?\d+)/;
	$self->add($self->{feed_sums}, $sku, $node // '', $quantity, $reserved);
	return;
}

# The server has confirmed the acknowledgement.
sub acknowledge
{
	my ($self, $position) = @_;

	$self->{acknowledged} = $position;
	delete @{ $self->{unread} }{ grep { $_ <= $position }
		  keys %{ $self->{unread} } };
	return;
}

our $read_events = 'SELECT "position", kind, concat_ws(\'|\', kind, entity,'
  . ' entity_id, payload) FROM omni.read_events(\'soak\', 1000)';

sub read_feed
{
	my ($self, $s) = @_;

	$s->rows('SELECT omni.wait_for_tick()');
	for (1 .. 10000)
	{
		my $rows = $s->rows($read_events);

		last if !@$rows;
		$self->event(@$_) for @$rows;
		$s->rows("SELECT omni.ack_events('soak', $rows->[-1][0])");
		$self->acknowledge($rows->[-1][0]);
	}
	return;
}

# ---- the ledger against the transactions ----

# Row as SoakLoad::step_rows() writes it => ids of such rows.
sub read_ledger
{
	my ($self, $s) = @_;
	my %found;
	my $last = $self->{last};

	for my $row (@{ $s->rows(<<"SQL") })
SELECT l.id, l.kind, CASE WHEN l.kind IN ('release', 'consume', 'extend', 'unpool', 'pin', 'expire')
       THEN l.reservation::text ELSE l.reference END, i.sku, n.code, l.quantity, l.reserved
FROM omni.stock_ledger l JOIN omni.item i ON i.id = l.item_id
LEFT JOIN omni.node n ON n.id = l.node_id WHERE l.id > $last ORDER BY l.id
SQL
	{
		my ($id, @rest) = @$row;

		next if $self->{seen}{$id}++;
		push @{ $found{ join('|', map { $_ // '' } @rest) } }, $id;
		$self->add($self->{sums}, $rest[2], $rest[3] // '', @rest[ 4, 5 ]);
		$self->{rows}++;
	}
	return \%found;
}

# Take a transaction's rows out of those found; the ones that are missing.
sub take_rows
{
	my ($self, $found, $tx) = @_;
	my @missing;

	for my $row (@{ $tx->{rows} })
	{
		my $ids = $found->{$row};

		if ($ids && @$ids) { push @{ $tx->{taken}{$row} }, shift @$ids; }
		else { push @missing, $row; }
	}
	return @missing;
}

# The model's promises after a committed transaction.
sub follow
{
	my ($self, $tx) = @_;

	for my $step (SoakLoad::kept_steps($tx))
	{
		my ($kind, $p) = ($step->{kind}, $step->{promise});

		for my $line (@{ $step->{lines} // [] })
		{
			my $key = "reserve|$step->{reference}|$line->{sku}|"
			  . ($line->{node} // '') . "|0|$line->{quantity}";
			my $ids = $tx->{taken}{$key};
			my ($at) = grep { !defined $line->{id} || $ids->[$_] == $line->{id} }
			  0 .. $#$ids;

			# what was answered must be what was written
			$self->violation("$key: answered as $line->{id}, written as @$ids")
			  if !defined $at;
			my $id = splice(@$ids, $at // 0, 1);
			$self->{open}{$id} = { %$line, lapses => $step->{lapses} };
		}
		next if !$p;
		delete $self->{open}{ $p->{id} } if $kind =~ /^(?:release|consume)$/;
		$self->{open}{ $p->{id} }{node} = $step->{node} if $kind eq 'pin';
		$self->{open}{ $p->{id} }{lapses} = 0 if $kind eq 'extend';
	}
	return;
}

# All transactions that have ended since the last check, none in doubt.
sub check_ledger
{
	my ($self, $s, @clients) = @_;
	my $found = $self->read_ledger($s);
	my @ended = map { splice(@{ $_->{ended} }) } @clients;
	my %client = map { $_->{number} => $_ } @clients;

	# an order in which each promise is made before it is changed: each
	# client's own; nobody else touches its promises
	for my $tx (@ended)
	{
		my $state = $tx->{state};
		my @rows = @{ $tx->{rows} };
		my @missing = $state eq 'aborted' ? () : $self->take_rows($found, $tx);

		if ($state eq 'committed')
		{
			$self->{confirmed}++;
			$self->violation("confirmed, but not there: $missing[0]")
			  if @missing;
		}
		elsif ($state eq 'unknown')
		{
			$self->violation("half a transaction: $missing[0] is missing")
			  if @missing && @missing < @rows;
			$tx->{state} = @missing ? 'aborted' : 'committed';
			$client{ $tx->{client} }->settle($tx);
		}
		$self->follow($tx) if $tx->{state} eq 'committed' && !@missing;
	}
	for my $row (sort grep { @{ $found->{$_} } } keys %$found)
	{
		my ($kind, $id) = split(/\|/, $row);
		my $p = $kind eq 'expire' ? $self->{open}{$id} : undef;
		my $want = $p ? "expire|$id|$p->{sku}|" . ($p->{node} // '')
		  . "|0|-$p->{quantity}" : '';

		$self->violation("not confirmed, rolled back or twice, but there: $row")
		  if !$p || !$p->{lapses} || $row ne $want || @{ $found->{$row} } > 1;
		delete $self->{open}{$id};
	}
	my @stay = grep { $self->{open}{$_}{lapses} } keys %{ $self->{open} };
	$self->violation("promise $stay[0] has lapsed and was not tidied up")
	  if @stay;
	# the promises that the model has open are the ones in the sums
	my %reserved;
	$reserved{"$_->{sku}|" . ($_->{node} // '')} += $_->{quantity}
	  for values %{ $self->{open} };
	for my $key (keys %{ $self->{sums} })
	{
		$self->violation("$key: the ledger promises $self->{sums}{$key}[1],"
			  . ' the model ' . ($reserved{$key} // 0))
		  if $self->{sums}{$key}[1] != ($reserved{$key} // 0);
	}
	return;
}

# ---- tables and counters against the sums ----

sub compare
{
	my ($self, $name, $got) = @_;
	my %all = (%{ $self->{sums} }, %$got);

	for my $key (sort keys %all)
	{
		my @model = @{ $self->{sums}{$key} // [ 0, 0 ] };
		my @is = @{ $got->{$key} // [ 0, 0 ] };

		$self->violation("$key: $name has @is, the model @model")
		  if "@is" ne "@model";
	}
	return;
}

sub query_sums
{
	my ($self, $s, $sql) = @_;

	return { map { ("$_->[0]|" . ($_->[1] // '') => [ @$_[ 2, 3 ] ]) }
		  @{ $s->rows($sql) } };
}

# What the model says could be reserved: of each node and of the pool.
sub available
{
	my ($self, $sku) = @_;
	my $pool = 0;
	my %node;

	for my $n (@SoakLoad::nodes)
	{
		my ($on_hand, $reserved) = @{ $self->{sums}{"$sku|$n"} // [ 0, 0 ] };
		my $free = $on_hand - $reserved;
		my $least = ($on_hand > 0 ? $on_hand : 0) - $reserved;

		$node{$n} = $free >= 0 ? $free : $least < 0 ? $least : 0;
		$pool += $node{$n};
	}
	$pool -= ($self->{sums}{"$sku|"} // [ 0, 0 ])->[1];
	for my $n (keys %node)
	{
		$node{$n} = $pool if $pool < $node{$n};
		$node{$n} = 0 if $node{$n} < 0;
	}
	$node{''} = $pool < 0 ? 0 : $pool;
	return \%node;
}

# What each item's counters answer, against the model less what others hold
# in doubt ("sku|node" => units).
sub check_counters
{
	my ($self, $s, $held) = @_;
	my $sums = $self->{sums};

	local $self->{sums} = { map { $_ => [ @{ $sums->{$_} } ] } keys %$sums };
	for my $key (keys %$held)
	{
		$self->add($self->{sums}, split(/\|/, $key, 2), 0, $held->{$key});
	}
	for my $sku (@SoakLoad::items, @SoakLoad::till)
	{
		my $want = $self->available($sku);

		for my $node ('', @SoakLoad::nodes)
		{
			my $got = $s->value("SELECT omni.available('$sku', "
				  . ($node eq '' ? 'NULL' : "'$node'") . ')');

			$self->violation("$sku at " . ($node || 'the pool')
				  . ": available $got, the model says $want->{$node}"
				  . (%$held ? ' (transactions in doubt)' : ''))
			  if $got != $want->{$node};
		}
	}
	return;
}

sub check_state
{
	my ($self, $s) = @_;

	# nothing is in doubt any more
	for my $id (keys %{ $self->{seen} })
	{
		$self->{last} = $id if $id > $self->{last};
	}
	$self->{seen} = {};
	my %skus = map { (split(/\|/, $_))[0] => 1 } keys %{ $self->{sums} };
	my $list = join(',', map { "'$_'" } sort keys %skus);

	$self->compare('omni.stock_now', $self->query_sums($s,
		'SELECT sku, node, on_hand, reserved FROM omni.stock_now'));
	$self->compare('omni.reservation', { map {
		($_ => [ $self->{sums}{$_}[0], $self->{promised}{$_} // 0 ])
	} keys %{ $self->{sums} } }) if $self->read_promised($s);
	$self->check_counters($s, {});
	my $nodes = $self->query_sums($s, 'SELECT sku, node, on_hand, reserved'
		  . " FROM omni.availability(ARRAY[$list])");
	$nodes->{$_} = $self->{sums}{$_}
	  for grep { /\|$/ } keys %{ $self->{sums} };
	$self->compare('omni.availability()', $nodes);
	$self->violation("verify_stock(): @{[ map { $_ // '' } @$_ ]}")
	  for @{ $s->rows('SELECT * FROM omni.verify_stock()') };

	# promised <= stock, where no till sells
	for my $sku (@SoakLoad::items)
	{
		my ($on_hand, $reserved) = (0, 0);

		for my $node ('', @SoakLoad::nodes)
		{
			my $sum = $self->{sums}{"$sku|$node"} // [ 0, 0 ];

			$on_hand += $sum->[0];
			$reserved += $sum->[1];
			$self->violation("$sku at $node: $sum->[1] of $sum->[0] promised")
			  if $node ne '' && $sum->[1] > $sum->[0];
		}
		$self->violation("$sku: $reserved of $on_hand promised")
		  if $reserved > $on_hand;
	}
	$self->read_feed($s);
	$self->compare('the feed', $self->{feed_sums});
	$self->violation("$self->{rows} rows in the ledger, $self->{events} events")
	  if $self->{rows} != $self->{events};
	return;
}

sub read_promised
{
	my ($self, $s) = @_;

	$self->{promised} = { map { ("$_->[0]|" . ($_->[1] // '') => $_->[2]) }
		  @{ $s->rows('SELECT sku, node, sum(quantity) FROM omni.reservation'
				  . ' GROUP BY 1, 2') } };
	return 1;
}

1;
