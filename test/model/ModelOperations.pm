# The operations of the model test: as SQL, and chosen at random.
package ModelDriver;

use strict;
use warnings;

our (@items, @nodes, $sessions);

# ---- operations as SQL ----

sub node
{
	my ($self, $node) = @_;

	return $node eq '' ? 'NULL' : "'$self->{prefix}$node'";
}

sub sql
{
	my ($self, $op) = @_;
	my $what = $op->{op};

	if ($what eq 'again')
	{
		my %same = %{ $op->{of} };

		# other arguments under the same key
		$same{quantity}++ if $op->{other};
		return $self->sql(\%same);
	}
	my $sql = $self->call_sql($op);
	$sql =~ s/\)(\)?)$/, request => '$self->{prefix}$op->{request}')$1/
	  if defined $op->{request};
	return $sql;
}

sub call_sql
{
	my ($self, $op) = @_;
	my $what = $op->{op};
	my $sku = "'$self->{prefix}" . ($op->{sku} // '') . "'";
	my $node = $self->node($op->{node} // '');
	my $id = defined $op->{promise} ? $self->{id}{ $op->{promise} } : 0;
	my $ttl = $op->{hours}
	  ? "interval '$op->{hours} hours 30 minutes'" : 'NULL';

	return "BEGIN ISOLATION LEVEL $op->{level}" if $what eq 'begin';
	return uc $what if $what =~ /^(?:commit|rollback)$/;
	return "SAVEPOINT $op->{name}" if $what eq 'savepoint';
	return "ROLLBACK TO SAVEPOINT $op->{name}" if $what eq 'back';
	return "RELEASE SAVEPOINT $op->{name}" if $what eq 'forget';
	return "PREPARE TRANSACTION '$op->{gid}'" if $what eq 'prepare';
	return ($op->{commit} ? 'COMMIT' : 'ROLLBACK') . " PREPARED '$op->{gid}'"
	  if $what eq 'decide';
	return "SELECT omni_internal.move_clock('$op->{hours} hours')"
	  if $what eq 'clock';
	return "SELECT omni.${what}_stock($node, $sku, $op->{quantity})"
	  if $what =~ /^(?:receive|sell)$/;
	return "SELECT omni.adjust_stock($node, $sku, $op->{quantity}, 'model')"
	  if $what eq 'adjust';
	return "SELECT omni.set_stock($node, $sku, $op->{quantity}"
	  . (defined $op->{as_of} ? ", NULL, timestamptz '$self->{began}' + interval"
		. " '$op->{as_of} hours 45 minutes')" : ')') if $what eq 'set';
	return "SELECT omni.reserve_stock('$self->{prefix}$op->{lines}[0]{sku}',"
	  . " $op->{lines}[0]{quantity}, " . $self->node($op->{lines}[0]{node})
	  . ", $ttl)" if $what eq 'reserve';
	return 'SELECT unnest(omni.reserve_lines(ARRAY['
	  . join(',', map { "'$self->{prefix}$_->{sku}'" } @{ $op->{lines} })
	  . '], ARRAY[' . join(',', map { $_->{quantity} } @{ $op->{lines} })
	  . '], ARRAY[' . join(',', map { $self->node($_->{node}) } @{ $op->{lines} })
	  . "]::text[], $ttl))" if $what eq 'lines';
	return "SELECT omni.${what}_reservation($id)"
	  if $what =~ /^(?:release|consume)$/;
	return "SELECT omni.extend_reservation($id, $ttl)" if $what eq 'extend';
	return "SELECT omni.pin_reservation($id, $node)" if $what eq 'pin';
	return "UPDATE omni.node SET status = '"
	  . ($op->{active} ? 'active' : 'inactive') . "' WHERE code = $node"
	  if $what eq 'status';
	return "UPDATE omni.node SET safety = $op->{quantity} WHERE code = $node"
	  if $what eq 'safety';
	return "SELECT omni.set_stock_policy($sku, $node, $op->{quantity})"
	  if $what eq 'policy';
	return 'SELECT omni.reload_stock()' if $what eq 'reload';
	return 'SELECT 1';
}

# ---- random operations ----

sub random_op
{
	my ($self, $r) = @_;
	my $model = $self->{model};
	my $s = 1 + $r->below($sessions);
	my $tx = $model->{session}{$s};
	my %op = (s => $s);
	my $what;

	if ($tx && ($tx->{failed} || $r->chance(0.22)))
	{
		my @names = map { $_->{name} }
		  grep { $_->{is} eq 'savepoint' } @{ $tx->{log} };

		$what = $r->weighted(commit => 5, rollback => $tx->{failed} ? 4 : 3,
			savepoint => 6, back => @names ? 8 : 0, forget => @names ? 3 : 0,
			prepare => $self->{two_phase} ? 1 : 0);
		return { %op, op => 'savepoint', name => 'p' . (1 + $r->below(3)) }
		  if $what eq 'savepoint';
		return { %op, op => $what, name => $r->pick(@names) }
		  if $what =~ /^(?:back|forget)$/;
		return { %op, op => $what, gid => 'g' . ++$self->{made} }
		  if $what eq 'prepare';
		return { %op, op => $what };
	}
	return { %op, op => 'begin', level => $r->weighted('READ COMMITTED' => 6,
			'REPEATABLE READ' => 3, 'SERIALIZABLE' => 1) }
	  if !$tx && $r->chance(0.35);
	return { s => 0, op => 'clock', hours => 1 + $r->below(3) }
	  if $r->chance(0.03);
	my @prepared = sort keys %{ $model->{prepared} };
	return { s => 0, op => 'decide', commit => $r->below(2),
		gid => $r->pick(@prepared) }
	  if @prepared && $r->chance(@prepared > 3 ? 0.3 : 0.05);

	if (@{ $self->{asked} } && $r->chance(0.03))
	{
		my $of = $r->pick(@{ $self->{asked} });

		return { %op, op => 'again', of => $of, request => $of->{request},
			sku => $of->{sku},
			other => $of->{op} eq 'receive' && $r->chance(0.3) ? 1 : 0 };
	}
	return { s => 0, op => 'reload' }
	  if $self->{reload} && $r->chance(0.5) && !%{ $model->{session} };
	# a session stays with an item and a node for a while, so that what it
	# gives and takes meets
	$self->{focus}{$s} = [ $r->pick(@items), $r->pick(@nodes) ]
	  if !$self->{focus}{$s} || $r->chance(0.15);
	@op{qw(sku node)} = @{ $self->{focus}{$s} };
	$op{node} = $r->pick(@nodes) if $r->chance(0.2);
	$what = $r->weighted(receive => 9, sell => 4, adjust => 4, set => 3,
		reserve => 26, lines => 8, release => 10, consume => 7, extend => 6,
		pin => 9, status => 1, safety => 1, policy => 1, look => 4);
	$op{quantity} = 1 + $r->below(8);
	$op{quantity} = $r->pick(-5 .. -1, 1 .. 5) if $what eq 'adjust';
	if ($what eq 'set')
	{
		$op{quantity} = $r->below(15);
		$op{as_of} = $model->{clock} - 1 - $r->below(4) if $r->chance(0.4);
	}
	elsif ($what =~ /^(?:status|safety|policy)$/)
	{
		# one session's alone: others would wait for its row locks
		$op{s} = 1;
		$op{quantity} = $r->below(5);
		$op{active} = $r->chance(0.7) ? 1 : 0;
	}
	elsif ($what eq 'reserve' || $what eq 'lines')
	{
		$op{hours} = 1 + $r->below(5) if $r->chance(0.5);
		$op{lines} = [ map {
			{ sku => $r->chance(0.5) ? $op{sku} : $r->pick(@items),
				node => $r->pick('', $op{node}, $r->pick(@nodes)),
				quantity => 1 + $r->below($what eq 'lines' ? 3 : 6),
				name => 'r' . ++$self->{made} }
		} 1 .. ($what eq 'lines' ? 2 + $r->below(4) : 1) ];
		$op{sku} = $op{lines}[0]{sku};
	}
	elsif ($what =~ /^(?:release|consume|extend|pin)$/)
	{
		# mostly one that is open, and late ones more often than early ones
		my $list = $self->{names};
		my $p;

		for (1 .. 6)
		{
			last if !@$list;
			my $name = $list->[ -1 - $r->below(@$list > 40 ? 40 : scalar @$list) ];

			$p = $model->{promise}{$name} or next;
			last if !$p->{over} && !$p->{lapsed} && !$p->{void};
		}
		my @claimed = sort { $a->{name} cmp $b->{name} }
		  map { $_->{promise} } grep { $_->{is} eq 'claim' }
		  map { @{ $_->{log} } } $model->transactions;
		$p = $r->pick(@claimed) if @claimed && $r->chance(0.1);
		return { %op, op => 'look' } if !$p;
		$op{promise} = $p->{name};
		$op{sku} = $p->{sku};
		$op{hours} = 1 + $r->below(5);
	}
	$op{request} = 'q' . ++$self->{made}
	  if $self->{requests} && $what !~ /^(?:status|safety|policy|look)$/
	  && $r->chance(0.15);
	return { %op, op => $what };
}

1;
