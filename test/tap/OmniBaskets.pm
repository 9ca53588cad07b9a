# Many sessions, random baskets over the same few items, in any order and any
# number of calls: no deadlock and no wait that is long enough to notice.
#
#   my $report = OmniBaskets::run($node, seconds => 60, sessions => 64,
#       seed => 1, tell => sub { … });
#
# "tell" is called with each violation: a deadlock or a lock timeout in an
# answer or in pg_stat_database, a refusal that there is no reason for, and
# differences in the end; "say" with a format and its values.  In the report: transactions, promises and what was
# refused for a reason.
package OmniBaskets;

use strict;
use warnings;

use OmniRandom;
use OmniSession;
use Time::HiRes qw(time);

my $items = 12;
my $nodes = 3;

# A transaction: one to four calls, some after a savepoint, some ending what an
# earlier transaction of the session has promised.
sub statements
{
	my ($r, $mine) = @_;
	my @sql = ('BEGIN');
	my @ended;

	for (1 .. 1 + $r->below(4))
	{
		my $n = 1 + $r->below(8);
		my @lines = map {
			{ sku => 'B' . (1 + $r->below($items)),
				node => $r->chance(0.6) ? "'B" . (1 + $r->below($nodes)) . "'"
				: 'NULL' }
		} 1 .. $n;
		my $id = @$mine && $r->chance(0.4)
		  ? splice(@$mine, $r->below(scalar @$mine), 1) : undef;

		push @sql, 'SAVEPOINT a' if $r->chance(0.2);
		push @sql, 'SELECT unnest(omni.reserve_lines(ARRAY['
		  . join(',', map { "'$_->{sku}'" } @lines) . '], array_fill(1, ARRAY['
		  . "$n]), ARRAY[" . join(',', map { $_->{node} } @lines)
		  . "]::text[], '1 hour'))";
		push @sql, "SELECT omni.release_reservation($id)" if defined $id;
		push @sql, "SELECT omni.receive_stock('B" . (1 + $r->below($nodes))
		  . "', '$lines[-1]{sku}', $n)" if $r->chance(0.3);
	}
	push @sql, $r->chance(0.15) ? 'ROLLBACK' : 'COMMIT';
	return \@sql;
}

sub run
{
	my ($node, %opt) = @_;
	my $tell = $opt{tell};
	my $say = $opt{say} // sub { };
	my %to = (host => $node->host, port => $node->port);
	my $s = OmniSession->new(%to);
	my %report = (transactions => 0, promises => 0, refused => 0);
	my $deadlocks = "SELECT deadlocks FROM pg_stat_database"
	  . ' WHERE datname = current_database()';

	$s->rows("INSERT INTO omni.node (code, kind, latitude, longitude)"
		  . " SELECT 'B' || g, 'store', g, g FROM generate_series(1, $nodes) g");
	$s->rows("INSERT INTO omni.item (sku) SELECT 'B' || g"
		  . " FROM generate_series(1, $items) g");
	$s->rows("SELECT omni.receive_stock('B' || n, 'B' || g, 60)"
		  . " FROM generate_series(1, $nodes) n, generate_series(1, $items) g");
	my $before = $s->value($deadlocks);

	my %player;
	for my $n (1 .. $opt{sessions})
	{
		my $session = OmniSession->new(%to, name => "basket $n",
			options => '-c lock_timeout=2s -c deadlock_timeout=200ms'
			  . ($n % 4 == 0 ? ' -c default_transaction_isolation=repeatable\ read'
				: ''));

		$player{ $session->pid } = { session => $session, mine => [],
			random => OmniRandom->new($opt{seed}, 'basket', $n), todo => [] };
	}
	my $until = time() + $opt{seconds};
	my $told = time();
	for my $p (values %player)
	{
		$p->{todo} = statements($p->{random}, $p->{mine});
		$p->{session}->send(shift @{ $p->{todo} });
	}
	while (%player)
	{
		my @ready = OmniSession::wait_any(1,
			map { $_->{session} } values %player);

		if (time() > $until + 60)
		{
			$tell->('baskets: sessions stand still');
			last;
		}
		if (time() - $told > 15)
		{
			$told = time();
			$say->("baskets: %d transactions, %d s to go\n",
			  $report{transactions}, $until - $told) if $until > $told;
		}
		for my $session (@ready)
		{
			my $answer = $session->receive or next;
			my $p = $player{ $session->pid };
			my $error = $answer->{error};

			if ($answer->{lost})
			{
				$tell->('baskets: a session was lost');
				delete $player{ $session->pid };
				next;
			}
			if (defined $error)
			{
				# too little stock; another session's promise is never ours
				if ($error eq 'OM001') { $report{refused}++; }
				else { $tell->("baskets: $error $answer->{message}"); }
				$p->{todo} = ['ROLLBACK'];
				$p->{new} = [];
			}
			my $set = $answer->{sets}[-1];
			push @{ $p->{new} }, map { $_->[0] } @{ $set->{rows} }
			  if $set && @{ $set->{rows} } && ($set->{rows}[0][0] // '') ne ''
			  && $p->{said} =~ /reserve_lines/;
			if (!@{ $p->{todo} })
			{
				$report{transactions}++;
				if ($set && $set->{tag} eq 'COMMIT')
				{
					push @{ $p->{mine} }, @{ $p->{new} // [] };
					$report{promises} += @{ $p->{new} // [] };
				}
				$p->{new} = [];
				if (time() > $until)
				{
					$session->close;
					delete $player{ $session->pid };
					next;
				}
				$p->{todo} = statements($p->{random}, $p->{mine});
			}
			$p->{said} = shift @{ $p->{todo} };
			$session->send($p->{said});
		}
	}
	$s->rows('SELECT pg_stat_clear_snapshot()');
	my $after = $s->value($deadlocks);
	$tell->('baskets: ' . ($after - $before) . ' deadlocks')
	  if $after != $before;
	$tell->("baskets: verify_stock(): @{[ map { $_ // '' } @$_ ]}")
	  for @{ $s->rows('SELECT * FROM omni.verify_stock()') };
	# what is promised can be given back, so that nothing is left of it
	$s->rows('SELECT omni.release_reservation(id) FROM omni.reservation'
		  . " WHERE sku LIKE 'B%'");
	$s->close;
	$say->("baskets: %d sessions, %d s: %d transactions, %d promises, %d refused,"
	  . " %d deadlocks\n", $opt{sessions}, $opt{seconds},
	  @report{qw(transactions promises refused)}, $after - $before);
	return \%report;
}

1;
