# kill -9 of a backend, and of the whole server, while many sessions reserve,
# release and receive: nothing that was committed is lost, nothing is promised
# twice, the feed has no gap and no repeat, and the counters fit.
#
# Each client writes down what the server has confirmed, after it has: that is
# the least that the ledger must hold.  A reader follows the feed through the
# crashes and writes down what it got before it acknowledges it.
#
# fsync is off, as in all servers of these tests: processes are killed, not the
# machine, so what a process has written stays with the kernel.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 6;
my $node = omni_node('crash',
	conf => "max_connections = 60\nrestart_after_crash = on\n"
	  . "synchronous_commit = on\nmax_prepared_transactions = 5\n");

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
SELECT 'N' || g, 'store', g, g FROM generate_series(1, 3) g;
INSERT INTO omni.item (sku) SELECT 'SKU' || g FROM generate_series(1, 4) g;
SELECT omni.receive_stock('N' || n, 'SKU' || g, 100000)
FROM generate_series(1, 3) n, generate_series(1, 4) g;
SQL

my $dir = PostgreSQL::Test::Utils::tempdir();
my %confirmed;     # kind and id => how often a client saw it confirmed
my %read;          # position => what the reader got there

# What a client does, over and over; "k id" stands for a confirmed step.
my $work = '';
for my $n (1 .. 4000)
{
	my $sku = 'SKU' . (1 + $n % 4);
	my $shop = 'N' . (1 + $n % 3);

	$work .= $n % 5 == 0
	  ? "SELECT 'received', omni.receive_stock('$shop', '$sku', 1);\n"
	  : $n % 5 == 1
	  ? "BEGIN;\nSELECT omni.reserve_stock('$sku', 1, '$shop') AS r \\gset\n"
	  . "SAVEPOINT a;\nSELECT omni.reserve_stock('$sku', 1);\n"
	  . "ROLLBACK TO SAVEPOINT a;\nCOMMIT;\n\\echo reserved|:r\n"
	  : $n % 5 == 2
	  ? "SELECT omni.reserve_stock('$sku', 1) AS r \\gset\n"
	  . "\\echo reserved|:r\n"
	  . "SELECT omni.release_reservation(:r);\n"
	  . "\\if :ERROR\n\\else\n\\echo released|:r\n\\endif\n"
	  : $n % 5 == 3
	  ? "BEGIN;\nSELECT omni.reserve_stock('$sku', 2, '$shop');\nROLLBACK;\n"
	  : "SELECT 'reserved', omni.reserve_stock('$sku', 1, NULL, '1 day');\n";
}
append_to_file("$dir/work.sql", $work);
append_to_file("$dir/read.sql", <<'SQL' x 3000);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM omni.read_events('reader', 300);
SELECT omni.ack_events('reader', (SELECT max(position) FROM omni.read_events('reader', 300))) WHERE EXISTS (SELECT FROM omni.read_events('reader', 1)) \g /dev/null
COMMIT;
SELECT omni.wait_for_tick() \g /dev/null
SQL

sub start_psql
{
	my ($file, $log) = @_;

	return IPC::Run::start(
		[ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres'),
			'-f', $file ], '>', $log, '2>', "$log.err");
}

# Is the process there, and not dead already?
sub alive
{
	my ($pid) = @_;

	return kill(0, $pid)
	  && eval { slurp_file("/proc/$pid/stat") } !~ /\) Z /;
}

sub ledger_rows
{
	return value($node, 'SELECT count(*) FROM omni.stock_ledger');
}

# Load until "kill" has killed something under it; then read what was
# confirmed.
sub crash
{
	my ($name, $kill) = @_;
	my $before = ledger_rows();
	my @running = map { start_psql("$dir/work.sql", "$dir/$name.$_") }
	  1 .. $clients;
	my $reader = start_psql("$dir/read.sql", "$dir/$name.read");

	ok( $node->poll_query_until(
			'postgres',
			"SELECT count(*) > $before + 500 FROM omni.stock_ledger"),
		"$name: under load");
	$kill->();
	# they end because their connections do
	$_->finish for @running, $reader;

	my $seen = 0;
	for my $client (1 .. $clients)
	{
		for my $line (split(/\n/, slurp_file("$dir/$name.$client")))
		{
			next if $line !~ /^(received|reserved|released)\|(\d+)$/;
			$confirmed{"$1 $2"}++;
			$seen++;
		}
		my $errors = slurp_file("$dir/$name.$client.err");
		is( join("\n", grep { /ERROR|PANIC/ && !/insufficient stock/ }
				  split(/\n/, $errors)), '', "$name: client $client");
	}
	cmp_ok($seen, '>', 100, "$name: $seen steps were confirmed");
	for my $line (split(/\n/, slurp_file("$dir/$name.read")))
	{
		my ($position, $rest) = $line =~ /^(\d+)\|(.*)$/ or next;

		fail("position $position changed") if exists $read{$position}
		  && $read{$position} ne $rest;
		$read{$position} = $rest;
	}
	return;
}

# After the server is up again.
sub check
{
	my ($name) = @_;
	my %ledger;

	for my $row (split(/\n/, value($node, <<'SQL')))
SELECT CASE kind WHEN 'receive' THEN 'received ' WHEN 'reserve' THEN 'reserved '
       ELSE 'released ' END || CASE kind WHEN 'release' THEN reservation ELSE id END
FROM omni.stock_ledger WHERE kind IN ('receive', 'reserve', 'release')
SQL
	{
		$ledger{$row}++;
	}
	my @lost = grep { !$ledger{$_} } keys %confirmed;
	my @twice = grep { $ledger{$_} > 1 } keys %ledger;
	my @shared = grep { $confirmed{$_} > 1 } keys %confirmed;

	is("@lost[0 .. ($#lost > 5 ? 5 : $#lost)]", '',
		"$name: nothing that was confirmed is lost");
	is("@twice @shared", ' ', "$name: nothing was confirmed or ended twice");
	is(value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
		'', "$name: verify_stock()");
	is( value(
			$node,
			'SELECT count(*) FROM (SELECT i.sku,'
			  . ' sum(l.quantity) - sum(l.reserved) AS free FROM'
			  . ' omni.stock_ledger l JOIN omni.item i ON i.id = l.item_id'
			  . ' GROUP BY 1) s WHERE s.free < 0 OR'
			  . ' s.free <> omni.available(s.sku)'),
		'0', "$name: what is free is what the ledger leaves");
	return;
}

# The feed, read to its end, against the ledger.
sub check_feed
{
	my ($name) = @_;

	value($node, 'SELECT omni.wait_for_tick()');
	for (1 .. 1000)
	{
		my $rows = value($node, <<'SQL') or last;
SELECT * FROM omni.read_events('reader', 1000)
SQL
		my $last;
		for my $line (split(/\n/, $rows))
		{
			my ($position, $rest) = $line =~ /^(\d+)\|(.*)$/;

			fail("position $position changed") if exists $read{$position}
			  && $read{$position} ne $rest;
			$read{$position} = $rest;
			$last = $position;
		}
		value($node, "SELECT omni.ack_events('reader', $last)");
	}
	my @positions = sort { $a <=> $b } keys %read;
	my @gaps = grep { !exists $read{$_} } 1 .. $positions[-1];
	my $stock = grep { /^stock\./ } values %read;

	is("@gaps", '', "$name: the reader got every position");
	is($stock, ledger_rows(), "$name: each ledger row once");
	my (%sum, %want);
	for my $event (values %read)
	{
		my ($sku, $kind) = $event =~ /^(stock\.\w+)\|.*"sku": "(\w+)"/
		  ? ($2, $1) : next;
		my ($quantity) = $event =~ /"quantity": (-?\d+)/;
		my ($reserved) = $event =~ /"reserved": (-?\d+)/;

		$sum{$sku}[0] += $quantity;
		$sum{$sku}[1] += $reserved;
	}
	is( join(' ', map { "$_:$sum{$_}[0]:$sum{$_}[1]" } sort keys %sum),
		value($node, "SELECT string_agg(x, ' ' ORDER BY x) FROM (SELECT"
			  . " i.sku || ':' || sum(l.quantity) || ':' || sum(l.reserved) AS x"
			  . ' FROM omni.stock_ledger l JOIN omni.item i ON i.id = l.item_id'
			  . ' GROUP BY i.sku) s'),
		"$name: a reader's sums are the ledger's");
	return;
}

for my $round (1 .. 2)
{
	my $name = "backend $round";

	crash(
		$name,
		sub {
			my $pid;

			# between two statements a session may show another one
			for (1 .. 1000)
			{
				$pid = value($node,
					"SELECT pid FROM pg_stat_activity WHERE backend_type ="
					  . " 'client backend' AND pid <> pg_backend_pid()"
					  . " AND query LIKE '%reserve%' LIMIT 1");
				last if $pid;
			}
			ok(kill('KILL', $pid), "$name: kill -9");
		});
	ok( $node->poll_query_until('postgres', 'SELECT true'),
		"$name: the server comes back by itself");
	check($name);
}

for my $round (1 .. 2)
{
	my $name = "server $round";
	my @gone;

	# In the second round nobody can fold, before the crash or after it, so
	# what is loaded then is balances and a tail of rows.
	value($node, 'BEGIN; LOCK TABLE omni_internal.stock_balance IN SHARE MODE;'
		  . " PREPARE TRANSACTION 'no folds'") if $round == 2;

	crash(
		$name,
		sub {
			my @pids = split(/\n/, value($node,
				"SELECT pid FROM pg_stat_activity WHERE backend_type ="
				  . " 'client backend' AND pid <> pg_backend_pid()"
				  . " UNION ALL SELECT pid FROM pg_stat_activity"
				  . " WHERE backend_type LIKE 'omni%'"));
			push @gone, split(/\n/, slurp_file($node->data_dir . '/postmaster.pid'));
			$#gone = 0;
			$node->kill9;
			kill('KILL', @pids);
			push @gone, @pids;
		});
	# its lock files name a process that must not be there any more; where
	# nobody collects the dead, they keep their number and the files must go
	for (1 .. 300)
	{
		last if !grep { alive($_) } @gone;
		select(undef, undef, undef, 0.1);
	}
	unlink($node->data_dir . '/postmaster.pid',
		$node->host . '/.s.PGSQL.' . $node->port . '.lock')
	  if !alive($gone[0]);
	# the other children leave when they notice
	my $up = 0;
	for (1 .. 300)
	{
		last if $up = $node->start(fail_ok => 1);
		select(undef, undef, undef, 0.2);
	}
	ok($up, "$name: it starts again");
	cmp_ok(value($node, 'SELECT count(*) FROM omni_internal.unfolded'),
		'>', 500, "$name: with rows that are not folded") if $round == 2;
	check($name);
	value($node, "ROLLBACK PREPARED 'no folds'") if $round == 2;
}
check_feed('in the end');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP/, 'no PANIC in the log');

done_testing();
