# Many real sessions and few units: never one too many, never a deadlock, and
# in the end exactly what there was.  Then random steps of every kind in many
# sessions, against a naive model; the counters in memory must say what the
# ledger says, before a restart and after it.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('stock_race',
	conf => "max_connections = 60\nmax_prepared_transactions = 5\n"
	  . "log_min_messages = warning\n");

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude, safety)
SELECT 'N' || g, 'store', g, g, CASE WHEN g = 4 THEN 2 ELSE 0 END
FROM generate_series(1, 4) g;
INSERT INTO omni.item (sku) SELECT 'SKU' || g FROM generate_series(1, 40) g;

-- One attempt; false when it was refused.
CREATE FUNCTION try_reserve(sku text, quantity int, node text,
        ttl interval DEFAULT NULL) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM omni.reserve_stock(sku, quantity, node, ttl);
    RETURN true;
EXCEPTION WHEN SQLSTATE 'OM001' THEN
    RETURN false;
END $$;
CREATE FUNCTION try_lines(skus text[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM omni.reserve_lines(skus, array_fill(1, ARRAY[cardinality(skus)]));
    RETURN true;
EXCEPTION WHEN SQLSTATE 'OM001' THEN
    RETURN false;
END $$;

-- What rule 8 says of the ledger's sums, written down naively: sku, node
-- (null: the pool) and what could be reserved.
CREATE VIEW model AS
    WITH c AS (
        SELECT s.item_id, s.sku, s.node_id, n.code AS node,
               CASE WHEN n.status <> 'active' THEN 0
                    WHEN s.on_hand - s.reserved >= COALESCE(p.safety, n.safety)
                    THEN s.on_hand - s.reserved - COALESCE(p.safety, n.safety)
                    ELSE least(0, greatest(s.on_hand, 0) - s.reserved)
               END AS c
        FROM (SELECT l.item_id, i.sku, l.node_id, sum(l.quantity) AS on_hand,
                     sum(l.reserved) AS reserved
              FROM (SELECT item_id, node_id, quantity, reserved
                    FROM omni.stock_ledger
                    UNION ALL
                    SELECT item_id, COALESCE(node_id, 0), 0, -quantity
                    FROM omni.reservation
                    WHERE expires_at <= omni_internal.clock()) l
              JOIN omni.item i ON i.id = l.item_id
              GROUP BY 1, 2, 3) s
        JOIN omni.node n ON n.id = s.node_id
        LEFT JOIN omni.stock_policy p
            ON p.item = s.item_id AND p.node = s.node_id),
    pool AS (
        SELECT i.id AS item_id, i.sku, COALESCE((SELECT sum(c.c) FROM c
                   WHERE c.item_id = i.id), 0)
               - COALESCE((SELECT sum(r.quantity) FROM omni.reservation r
                   WHERE r.item_id = i.id AND r.node_id IS NULL
                   AND (r.expires_at > omni_internal.clock()) IS NOT FALSE), 0)
               AS c
        FROM omni.item i)
    SELECT sku, NULL::text AS node, greatest(c, 0)::int AS available FROM pool
    UNION ALL
    SELECT c.sku, c.node, greatest(least(c.c, p.c), 0)::int
    FROM c JOIN pool p USING (item_id);
CREATE VIEW model_difference AS
    SELECT m.*, omni.available(m.sku, m.node) AS counter FROM model m
    WHERE m.available <> omni.available(m.sku, m.node);
SQL

my $dir = PostgreSQL::Test::Utils::tempdir();

sub script
{
	my ($name, $text) = @_;

	append_to_file("$dir/$name", $text);
	return "$dir/$name";
}

# Run pgbench; its exit status, its report, and what it must not say.
sub bench
{
	my ($name, $options, @arguments) = @_;
	my ($out, $err);

	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	local $ENV{PGOPTIONS} = $options;
	my $ok = IPC::Run::run([ 'pgbench', '-n', '-M', 'prepared', '-j', '2',
			@arguments ], '>', \$out, '2>', \$err,
		IPC::Run::timeout(200));
	ok($ok && $out =~ /number of failed transactions: 0 /, $name)
	  or diag($out, $err);
	return;
}

sub clean
{
	my ($name) = @_;

	is(value($node, 'SELECT string_agg(v::text, E\'\n\')'
			  . ' FROM omni.verify_stock() v'), '', "$name: verify_stock()");
	is(value($node, 'SELECT string_agg(d::text, E\'\n\')'
			  . ' FROM model_difference d'), '', "$name: the model");
	return;
}

# ---- 32 sessions, 100 units ----

my $commit = script('commit', <<'E');
BEGIN;
SELECT try_reserve(:sku, 1, :node);
COMMIT;
E
my $rollback = script('rollback', <<'E');
BEGIN;
SELECT try_reserve(:sku, 2, :node);
SELECT try_reserve(:sku, 1, NULL);
ROLLBACK;
E
my $savepoint = script('savepoint', <<'E');
BEGIN;
SAVEPOINT a;
SELECT try_reserve(:sku, 3, :node);
SAVEPOINT b;
SELECT try_reserve(:sku, 1, NULL);
RELEASE SAVEPOINT b;
ROLLBACK TO SAVEPOINT a;
SELECT try_reserve(:sku, 1, NULL);
COMMIT;
E

my $sku = 0;
for my $level ('read committed', 'repeatable read')
{
	my $options = '-c default_transaction_isolation=' . ($level =~ s/ /\\ /r);
	my $name = 'SKU' . ++$sku;

	$node->safe_psql('postgres', "SELECT omni.receive_stock('N1', '$name', 100)");
	bench("32 sessions at $level, no error and no deadlock", $options,
		'-c', '32', '-t', '12', '-D', "sku=$name", '-D', 'node=N1',
		'-f', "$commit\@1", '-f', "$rollback\@3", '-f', "$savepoint\@2");
	is( value(
			$node,
			"SELECT omni.available('$name') + (SELECT COALESCE(sum(quantity), 0)"
			  . " FROM omni.reservation WHERE sku = '$name')"),
		'100', "$level: promised and available are 100 together");
	# each tries again until it is refused, nobody rolls back any more
	bench("$level: the rest", $options, '-c', '32', '-t', '12',
		'-D', "sku=$name", '-D', 'node=N1', '-f', $commit);
	is( value(
			$node,
			"SELECT sum(reserved) || ' ' || omni.available('$name')"
			  . " FROM omni.stock_ledger WHERE item_id ="
			  . " (SELECT id FROM omni.item WHERE sku = '$name')"),
		'100 0', "$level: exactly 100 units are promised");
}
clean('100 units');

# ---- two baskets, every order ----

$node->safe_psql('postgres', <<'SQL');
SELECT omni.receive_stock('N1', 'SKU' || g, 5000)
FROM generate_series(11, 16) g;
SQL
my $forth = script('forth', <<'E');
BEGIN;
SELECT try_lines(ARRAY['SKU11', 'SKU12', 'SKU13', 'SKU14']);
SELECT try_reserve('SKU15', 1, NULL);
SELECT try_reserve('SKU16', 1, NULL);
END;
E
my $back = script('back', <<'E');
BEGIN;
SELECT try_reserve('SKU16', 1, 'N1');
SELECT try_reserve('SKU15', 1, 'N1');
SELECT try_lines(ARRAY['SKU14', 'SKU13', 'SKU12', 'SKU11']);
END;
E
bench('baskets in opposite orders never wait for each other',
	'-c deadlock_timeout=1s', '-c', '24', '-t', '20', '-f', $forth, '-f', $back);
is( value(
		$node,
		"SELECT sum(quantity) FROM omni.reservation"
		  . " WHERE sku BETWEEN 'SKU11' AND 'SKU16'"),
	24 * 20 * 6, 'every basket got its six');

# ---- an arrival and what its own transaction takes of it ----

# Units arrive and are promised at once, while others try to take them: nobody
# may get one between the arrival and the promise.
my $arrive = script('arrive', <<'E');
BEGIN;
SELECT omni.receive_stock('N2', 'SKU20', 2);
SELECT omni.reserve_stock('SKU20', 2, 'N2');
COMMIT;
E
my $thief = script('thief', <<'E');
SELECT try_reserve('SKU20', 1, 'N2');
E
bench('arrivals that are promised at once', '', '-c', '16', '-t', '150',
	'-f', $arrive, '-f', "$thief\@3");
is( value(
		$node,
		"SELECT sum(quantity) - sum(reserved) FROM omni.stock_ledger"
		  . " WHERE item_id = (SELECT id FROM omni.item WHERE sku = 'SKU20')"),
	'0', 'as many as arrived are promised, not one more');
clean('arrivals');

# ---- random steps against the model ----

$node->safe_psql('postgres', <<'SQL');
SELECT omni.receive_stock('N' || n, 'SKU' || g, 40)
FROM generate_series(31, 34) g, generate_series(1, 4) n;
-- One random step; what may be refused, is.
CREATE FUNCTION step() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s text := 'SKU' || 31 + floor(random() * 4)::int;
    n text := 'N' || 1 + floor(random() * 4)::int;
    q int := 1 + floor(random() * 6)::int;
    r bigint;
    t interval := CASE WHEN random() < 0.5 THEN random() * interval '2 s'
                       + interval '1 ms' END;
BEGIN
    SELECT id INTO r FROM omni.reservation
    WHERE sku BETWEEN 'SKU31' AND 'SKU34' ORDER BY random() LIMIT 1;
    CASE floor(random() * 14)::int
        WHEN 0 THEN PERFORM omni.receive_stock(n, s, q);
        WHEN 1 THEN PERFORM omni.sell_stock(n, s, q);
        WHEN 2 THEN PERFORM omni.adjust_stock(n, s, q - 7, 'x');
        WHEN 3 THEN PERFORM omni.adjust_stock(n, s, q, 'x');
        WHEN 4, 5 THEN PERFORM omni.reserve_stock(s, q, n, t);
        WHEN 6, 7 THEN PERFORM omni.reserve_stock(s, q, NULL, t);
        WHEN 8 THEN PERFORM omni.reserve_lines(
            ARRAY[s, 'SKU31', 'SKU32'], ARRAY[q, 1, 1], ARRAY[n, n, NULL], t);
        WHEN 9, 10 THEN PERFORM omni.release_reservation(r);
        WHEN 11 THEN PERFORM omni.consume_reservation(r);
        WHEN 12 THEN PERFORM omni.pin_reservation(r, n);
        ELSE PERFORM omni.extend_reservation(r, '1 s');
    END CASE;
EXCEPTION WHEN SQLSTATE 'OM001' OR SQLSTATE 'OM002' OR SQLSTATE 'OM004'
        OR SQLSTATE 'OM013' THEN
    NULL;
END $$;
SQL
my $kept = script('kept', "BEGIN;\nSELECT step();\nSELECT step();\nCOMMIT;\n");
my $undone = script('undone', "BEGIN;\nSELECT step();\nSELECT step();\nROLLBACK;\n");
my $partly = script('partly', <<'E');
BEGIN;
SELECT step();
SAVEPOINT a;
SELECT step();
SELECT step();
SAVEPOINT b;
SELECT step();
ROLLBACK TO SAVEPOINT a;
SELECT step();
COMMIT;
E
my $count = script('count', <<'E');
SELECT omni.set_stock('N' || 1 + floor(random() * 4)::int,
    'SKU' || 31 + floor(random() * 4)::int, 20);
E
my $clock = script('clock', "SELECT omni_internal.move_clock('50 ms');\n");
my $policy = script('policy', <<'E');
SELECT omni.set_stock_policy('SKU' || 31 + floor(random() * 4)::int, 'N3',
    floor(random() * 5)::int);
E
for my $round (1 .. 2)
{
	bench("random steps, round $round", '', '-c', '12', '-t', '60',
		'-f', "$kept\@8", '-f', "$undone\@4", '-f', "$partly\@6",
		'-f', "$count\@1", '-f', "$clock\@1", '-f', "$policy\@1");
	# deadlines that pass between two readings would be differences
	$node->safe_psql('postgres', "SELECT omni_internal.move_clock('1 minute')")
	  if $round == 1;
	clean("random steps, round $round") if $round == 1;
}

# What is in memory is what a restart reads from the tables.  The moved clock
# does not outlive the server, so nothing with a limit may be left.
$node->safe_psql('postgres', "SELECT omni_internal.move_clock('1 hour')");
my $all = "SELECT string_agg(a::text, ',' ORDER BY a.sku, a.node) FROM "
  . "omni.availability((SELECT array_agg(sku) FROM omni.item)) a";
my $pools = "SELECT string_agg(omni.available(sku)::text, ',' ORDER BY id)"
  . " FROM omni.item";
my ($nodes_before, $pools_before) = (value($node, $all), value($node, $pools));
clean('all limits over');
ok( $node->poll_query_until(
		'postgres',
		'SELECT omni.wait_for_tick() IS NOT NULL AND NOT EXISTS (SELECT FROM'
		  . ' omni.reservation WHERE expires_at <= omni_internal.clock())'),
	'the worker tidies up what has expired');
clean('tidied up');
$node->restart;
is(value($node, $all), $nodes_before, 'nodes are the same after a restart');
is(value($node, $pools), $pools_before, 'pools are the same after a restart');
clean('after a restart');

# ---- nothing to prepare ----

my $before = value($node, "SELECT omni.available('SKU12')");
is( value(
		$node,
		"BEGIN; SELECT omni.available('SKU12'); PREPARE TRANSACTION 'p';"
		  . " ROLLBACK PREPARED 'p'"),
	$before, 'a transaction that only read may be prepared');

# ---- a session that goes away while it loads ----

$node->restart;
my ($locked, $lerr) = ('', '');
my $commands = "BEGIN;\nLOCK TABLE omni_internal.stock_balance;\n\\echo locked\n";
my $locker = IPC::Run::start(
	[ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ],
	'<', \$commands, '>', \$locked, '2>', \$lerr);
$locker->pump until $locked =~ /locked/;
my $loader = IPC::Run::start(
	[ 'psql', '-X', '-d', $node->connstr('postgres'), '-c',
		"SELECT omni.available('SKU12')" ], '>', \my $out, '2>', \my $err);
ok( $node->poll_query_until(
		'postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'relation'"
		  . " AND query LIKE 'SELECT omni.available%'"),
	'a loader waits for a lock');
$node->safe_psql('postgres',
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	  . " WHERE query LIKE 'SELECT omni.available%'");
$loader->finish;
$commands .= "COMMIT;\n\\q\n";
$locker->finish;
is(value($node, "SET statement_timeout = '10s'; SELECT omni.available('SKU12')"),
	$before, 'the next one loads the item all the same');
clean('in the end');

my $log = slurp_file($node->logfile);
unlike($log, qr/deadlock detected/, 'no deadlock in the log');
unlike($log, qr/PANIC|TRAP|signal 11/, 'no crash in the log');

done_testing();
