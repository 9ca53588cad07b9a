# Retention and old snapshots where it takes more than one session: nothing
# goes before it is folded; under load, batches disturb nobody and a reader
# loses nothing; an old snapshot sees what it saw; a crash in between costs
# nothing; a restored database goes on.  And while an old snapshot is open,
# folds are written beside the balances, which are right all the same.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('history',
	conf => "max_connections = 40\nomni.fold_interval = 1h\n"
	  . "omni.tick_interval = 50ms\nautovacuum = off\n");
my $dir = PostgreSQL::Test::Utils::tempdir();
my $rows = 'SELECT count(*) FROM omni.stock_ledger';
my $wrong = "SELECT string_agg(v::text, ' ') FROM omni.verify_stock() v";
my $folded = 'SELECT tick = (SELECT max(id) FROM omni.tick) FROM omni_internal.fold_state';

# A session that stays, to hold a snapshot.
sub session
{
	my ($in, $out) = ('', '');
	my $psql = IPC::Run::start(
		[ 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d',
			$node->connstr('postgres') ],
		'<', \$in, '>', \$out, '2>&1', IPC::Run::timeout(120));

	return sub {
		my ($sql) = @_;

		$in .= "$sql\n\\echo done\n";
		$psql->pump until $out =~ /done\n/;
		$out =~ s/done\n//;
		chomp(my $result = $out);
		$out = '';
		return $result;
	};
}

sub wait_until
{
	my ($sql, $name, $db) = @_;

	ok($node->poll_query_until($db // 'postgres', $sql), $name);
	return;
}

# Prune, and wait; where one call has waited in vain the others do not.
my $patience = '40 s';

sub prune
{
	my ($name, $dbname) = @_;
	my $rest = value($node, "SELECT omni.prune_history('infinity', '$patience')",
		dbname => $dbname // 'postgres');

	$patience = '1 s' if $rest ne '0';
	is($rest, 0, $name);
	return;
}

sub all_right
{
	my ($name) = @_;

	is(value($node, $wrong), '', $name);
	return;
}

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
SELECT 'N' || g, 'store', g, g FROM generate_series(1, 3) g;
INSERT INTO omni.item (sku) SELECT 'SKU' || g FROM generate_series(1, 20) g;
SELECT omni.receive_stock('N' || n, 'SKU' || g, 100000)
FROM generate_series(1, 3) n, generate_series(1, 20) g;
SELECT omni.wait_for_tick();
SELECT omni.receive_stock('N1', 'SKU1', 1);
SELECT omni.wait_for_tick();
SQL

# ---- what is not folded stays ----

my $holder = session();
$holder->('BEGIN; LOCK TABLE omni_internal.stock_balance IN SHARE MODE;');
value($node, "SELECT omni.sell_stock('N1', 'SKU1', 1)"),
  value($node, "SELECT omni.wait_for_tick('1 min')")
  for 1 .. 3;
prune('without a fold nothing is to be done');
is(value($node, "$rows WHERE kind = 'sell'"), 3, 'what is not folded stays');
is(value($node, "SELECT count(*) FROM omni.event WHERE kind = 'stock.sell'"), 3, 'in the feed, too');
$holder->('COMMIT;');
$node->append_conf('postgresql.conf', "omni.fold_interval = 100ms\n");
$node->reload;
wait_until($folded, 'folded');
prune('then');
is(value($node, $rows), 1, 'it goes, but for the last tick');
all_right('balances are proven');

# ---- under load, with a reader ----

append_to_file("$dir/load.sql", <<'SQL');
\set s random(1, 20)
\set n random(1, 3)
SELECT omni.reserve_stock('SKU' || :s, 1, 'N' || :n) AS r \gset
SELECT omni.sell_stock('N' || :n, 'SKU' || :s, 1);
SELECT omni.consume_reservation(:r);
SELECT omni.reserve_stock('SKU' || :s, 1, NULL, '1 hour');
SQL
append_to_file("$dir/read.sql", <<'SQL');
BEGIN;
CREATE TEMP TABLE r ON COMMIT DROP AS SELECT position FROM omni.read_events('reader', 2000);
INSERT INTO seen SELECT position FROM r;
SELECT omni.ack_events('reader', max(position)) FROM r HAVING count(*) > 0;
COMMIT;
SQL
append_to_file("$dir/prune.sql", <<'SQL');
SELECT omni.prune_history('infinity', '0');
SELECT omni.wait_for_tick();
SQL
$node->safe_psql('postgres', 'CREATE TABLE seen(position bigint)');
$node->safe_psql('postgres', q{SELECT count(*) FROM omni.read_events('reader', 1)});

# Start pgbench; went_well() of what it gives back waits for its end.
sub bench
{
	my ($clients, $file, @more) = @_;

	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	my $out = '';
	my $run = IPC::Run::start(
		[ 'pgbench', '-n', '-c', $clients, '-f', "$dir/$file", @more ],
		'>', \$out, '2>&1', IPC::Run::timeout(120));
	return [ $run, \$out ];
}

sub went_well
{
	my ($bench, $name) = @_;
	my $ok = IPC::Run::finish($bench->[0]);

	ok($ok && ${ $bench->[1] } =~ /number of failed transactions: 0 /, $name)
	  or diag(${ $bench->[1] });
	return;
}

sub read_to_end
{
	value($node, 'SELECT omni.wait_for_tick()');
	went_well(bench(1, 'read.sql', '-t', 30), 'read to the end');
	return;
}

my $load = bench(4, 'load.sql', '-T', 3);
my $reader = bench(1, 'read.sql', '-T', 4);
my $pruner = bench(1, 'prune.sql', '-T', 3);
went_well($load, 'promising and selling go on');
went_well($pruner, 'while history goes');
went_well($reader, 'and a consumer reads');
cmp_ok(value($node, 'SELECT cleared FROM omni_internal.feed_start'), '>', 1000, 'history did go');
read_to_end();
is( value($node, 'SELECT count(*) = count(DISTINCT position) AND count(*) ='
		  . ' max(position) - min(position) + 1 AND max(position) ='
		  . ' (SELECT first_position + count - 1 FROM omni.tick'
		  . ' ORDER BY id DESC LIMIT 1) FROM seen'),
	't', 'it has lost nothing and got nothing twice');
all_right('under load');
wait_until($folded, 'folded');
prune('in the end');
is( value($node, 'WITH k AS (SELECT pg_snapshot_xmin(snapshot) AS xid FROM'
		  . ' omni.tick ORDER BY id LIMIT 1) SELECT count(*) FROM k,'
		  . ' omni.stock_ledger l WHERE l.xid < k.xid AND NOT EXISTS (SELECT'
		  . ' FROM omni_internal.open_reservation o WHERE o.id = l.reservation)'
		  . ' AND NOT EXISTS (SELECT FROM omni.stock_ledger c WHERE'
		  . ' c.reservation = l.reservation AND c.xid >= k.xid)'),
	'0', 'of what is old only what is open, or was closed lately, is left');
all_right('when all has gone');

# ---- an old snapshot, and a crash in the middle ----

went_well(bench(4, 'load.sql', '-t', 800), 'more load');
read_to_end();
wait_until($folded, 'folded');
my $old = session();
my $sees = 'SELECT (SELECT count(*) FROM omni.stock_ledger), (SELECT count(*)'
  . ' FROM omni.event), (SELECT sum(position) FROM omni.event WHERE kind ='
  . " 'stock.sell'), (SELECT sum(on_hand) FROM omni.stock), (SELECT sum(on_hand)"
  . ' FROM omni_internal.pruned_stock), (SELECT count(*) FROM'
  . ' omni_internal.table_difference);';
my $before = $old->("BEGIN ISOLATION LEVEL REPEATABLE READ;\n$sees");
my $cleared = value($node, 'SELECT cleared FROM omni_internal.feed_start');
value($node, "SELECT omni.prune_history('infinity', '0')");
wait_until("SELECT cleared > $cleared FROM omni_internal.feed_start", 'history goes');
is($old->($sees), $before, 'an old snapshot sees what it saw');
$node->stop('immediate');
$node->start;
all_right('after a crash');
wait_until('SELECT cleared = position FROM omni_internal.feed_start', 'the worker goes on by itself');
prune('to the end');
cmp_ok(value($node, 'SELECT position FROM omni_internal.feed_start'), '>', $cleared + 1000, 'more has gone');
all_right('after the rest');

# ---- dump and restore ----

my $sum = 'SELECT sku, node, on_hand, reserved FROM omni.stock_now ORDER BY 1, 2';
my $stock = $node->safe_psql('postgres', $sum);
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/dump", 'postgres' ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'restored', "$dir/dump" ], 'restore');
$node->safe_psql('restored', 'SELECT omni.adopt()');
is($node->safe_psql('restored', $sum), $stock, 'the same stock');
is($node->safe_psql('restored', $wrong), '', 'proven by what was dumped');
$node->safe_psql('restored', <<'SQL');
SELECT omni.sell_stock('N1', 'SKU1', 1);
SELECT omni.wait_for_tick();
SELECT omni.sell_stock('N1', 'SKU1', 1);
SELECT omni.wait_for_tick();
SELECT omni.drop_consumer('reader');
SQL
wait_until($folded, 'folded', 'restored');
prune('history of the old era goes', 'restored');
is($node->safe_psql('restored', 'SELECT count(*) FROM omni_internal.tick_page'), 1, 'all of it');
is($node->safe_psql('restored', 'SELECT min(era) FROM omni.tick'), 2, 'with its ticks');
is($node->safe_psql('restored', $wrong), '', 'and all is right');
$node->safe_psql('postgres', 'DROP DATABASE restored');

# ---- folds under an old snapshot ----

my $apart = 'FROM omni_internal.stock_balance WHERE tick > 0';
$old = session();
$old->('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM omni.item;');
$load = bench(2, 'load.sql', '-T', 2);
wait_until("SELECT count(*) > 60 $apart", 'folds are written beside the balances');
is( value($node, 'SELECT count(*) FROM omni.stock s JOIN (SELECT item_id, node_id,'
		  . ' sum(on_hand) AS on_hand, sum(reserved) AS reserved FROM'
		  . ' omni_internal.stock_balance GROUP BY 1, 2) b ON s.item_id = b.item_id'
		  . ' AND COALESCE(s.node_id, 0) = b.node_id'
		  . ' WHERE (s.on_hand, s.reserved) <> (b.on_hand, b.reserved)'),
	'0', 'omni.stock counts them');
is(value($node, 'SELECT count(*) FROM omni_internal.table_difference'), '0', 'and they are the ledger');
went_well($load, 'load');
$node->safe_psql('postgres', <<'SQL');
INSERT INTO omni.item (sku) VALUES ('NEW');
SELECT omni.receive_stock('N1', 'NEW', 5);
SQL
wait_until(q{SELECT COALESCE((SELECT on_hand FROM omni.stock WHERE sku = 'NEW'), 0) = 5},
	'an item that is new meanwhile is there');
all_right('beside the balances');
prune('history goes also now');
all_right('and that');
$old->('COMMIT;');
wait_until("SELECT count(*) = 0 $apart", 'without the old snapshot they are added up');
all_right('added up');
$node->restart;
all_right('after a restart');

# ---- the worker tidies up all that has expired, whatever it has passed ----

value($node, "SELECT omni_internal.move_clock('2 hours')");
my $expired = 'SELECT omni.wait_for_tick() IS NOT NULL AND NOT EXISTS (SELECT'
  . ' FROM omni.reservation WHERE expires_at <= omni_internal.clock())';
wait_until($expired, 'what has expired is closed');
value($node, "SELECT omni.reserve_stock('SKU1', 1, 'N1', '2 hours')");
value($node, "SELECT omni_internal.move_clock('3 hours')");
value($node, "SELECT omni.reserve_stock('SKU1', 1, 'N1', '1 ms')");
wait_until($expired, 'a later one, and one that is over before it is folded');
all_right('tidied up');

$node->stop;
done_testing();
