# A fold backlog that takes many steps: after each of them, and over a crash
# between two, balances, open promises and counters are what the ledger says.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $at_once = 40;
my $node = omni_node('backlog',
	conf => "max_prepared_transactions = 5\nautovacuum = off\n"
	  . "omni.tick_interval = 20ms\nomni.fold_interval = 100ms\n"
	  . "omni.test_at_once = $at_once\nstatement_timeout = 60s\n");

sub sql
{
	return $node->safe_psql('postgres', @_);
}

sql(<<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N', 'store', 1, 1), ('M', 'store', 2, 2);
INSERT INTO omni.item (sku) SELECT 'S' || g FROM generate_series(1, 5) g;
SELECT omni.receive_stock(n, 'S' || g, 1000)
FROM generate_series(1, 5) g, unnest('{N,M}'::text[]) n;
CREATE FUNCTION r(name text) RETURNS bigint LANGUAGE sql AS
    'SELECT id FROM omni.reservation WHERE reference = name';

-- Each step of a fold is written down; from one tick on they wait for a lock.
CREATE TABLE step (tick bigint, n serial);
CREATE TABLE pause_at (tick bigint);
INSERT INTO pause_at VALUES (9000000);
CREATE FUNCTION write_step() RETURNS trigger LANGUAGE plpgsql
SET search_path = public AS $$ BEGIN
    IF NEW.tick >= (SELECT tick FROM pause_at) THEN
        PERFORM pg_advisory_xact_lock(7);
    END IF;
    INSERT INTO step (tick) VALUES (NEW.tick);
    RETURN NULL;
END $$;
CREATE TRIGGER write_step AFTER UPDATE ON omni_internal.fold_state
    FOR EACH ROW EXECUTE FUNCTION write_step();
SQL

# ---- a backlog ----

my $folded = 'SELECT tick = (SELECT max(id) FROM omni.tick)'
  . ' FROM omni_internal.fold_state';
ok($node->poll_query_until('postgres', $folded), 'folded to begin with');
# nobody can fold, nor after a crash
sql('BEGIN; LOCK TABLE omni_internal.stock_balance IN SHARE MODE;'
	  . " PREPARE TRANSACTION 'no folds'");
my $first = value($node, 'SELECT tick FROM omni_internal.fold_state');

# Promises live over one tick, several, and to the end; two transactions stay
# open over many ticks, so that later ticks bring older rows.
sql(<<'SQL');
BEGIN;
SELECT omni.receive_stock('M', 'S1', 7);
SELECT omni.reserve_stock('S2', 4, 'M', '1 day', 'late');
PREPARE TRANSACTION 'late';
BEGIN;
SELECT omni.reserve_stock('S3', 50, 'M', NULL, 'never');
PREPARE TRANSACTION 'never';
DO $$
DECLARE
    sku text;
BEGIN
    FOR t IN 1 .. 16 LOOP
        FOR i IN 1 .. 5 LOOP
            sku := 'S' || i;
            PERFORM omni.reserve_stock(sku, t, 'N', NULL, sku || ' next ' || t);
            PERFORM omni.reserve_stock(sku, 1, NULL, '1 day', sku || ' pool ' || t);
            PERFORM omni.release_reservation(
                omni.reserve_stock(sku, 3, 'M', '1 day'));
            PERFORM omni.sell_stock('M', sku, 1);
            IF t > 1 THEN
                PERFORM omni.consume_reservation(r(sku || ' next ' || t - 1));
            END IF;
            IF t > 3 THEN
                PERFORM omni.pin_reservation(r(sku || ' pool ' || t - 3), 'M');
            END IF;
            IF t > 8 THEN
                PERFORM omni.extend_reservation(r(sku || ' pool ' || t - 8), '2 days');
            END IF;
        END LOOP;
        COMMIT;
        PERFORM omni.wait_for_tick();
        COMMIT;
    END LOOP;
END $$;
COMMIT PREPARED 'late';
SELECT omni.wait_for_tick();
SQL
is(value($node, 'SELECT tick FROM omni_internal.fold_state'), $first,
	'nothing is folded meanwhile');
my $last = value($node, 'SELECT max(id) FROM omni.tick');
cmp_ok($last - $first, '>=', 17, 'a backlog of many ticks');

# What must not change, whoever asks: the exact view, the counters, the promises.
my @asked = (
	'SELECT sku, node, on_hand, reserved FROM omni.stock_now ORDER BY 1, 2',
	"SELECT i, n, omni.available('S' || i, n) FROM generate_series(1, 5) i,"
	  . " unnest(ARRAY['N', 'M', NULL]) n ORDER BY 1, 2",
	'SELECT sku, node, quantity, expires_at, reference FROM omni.reservation'
	  . ' ORDER BY 5');
my @before = map { value($node, $_) } @asked;

sub unchanged
{
	my ($name) = @_;

	is(value($node, $asked[0]), $before[0], "$name: stock");
	is(value($node, $asked[1]), $before[1], "$name: what can be promised");
	is(value($node, $asked[2]), $before[2], "$name: open promises");
	is( value(
			$node,
			"SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
		'', "$name: verify_stock()");
	return;
}

unchanged('before');

# ---- some steps ----

my $middle = $first + 9;
sql("UPDATE pause_at SET tick = $middle; BEGIN;"
	  . " SELECT pg_advisory_xact_lock(7); PREPARE TRANSACTION 'pause';"
	  . " ROLLBACK PREPARED 'no folds'");
ok( $node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type ="
		  . " 'omni worker' AND wait_event = 'advisory'"),
	'the worker folds, and stands in the middle');
my ($steps, $tick) = split(/\|/, value($node,
		"SELECT count(*), max(tick) FROM step WHERE tick > $first"));
cmp_ok($steps, '>', 2, 'several steps are done');
ok($tick < $middle, 'and not the rest');
is(value($node, 'SELECT tick FROM omni_internal.fold_state'), $tick,
	'the fold state is the last of them');
unchanged('in the middle');
is(value($node, 'SELECT omni.reload_stock() > 0'), 't', 'counters are dropped');
unchanged('read anew in the middle');

# ---- a crash between two steps ----

kill_server($node);
sql("UPDATE pause_at SET tick = 9000000; ROLLBACK PREPARED 'pause'");
unchanged('after a crash');
# a promise whose rows are folded, and those whose rows are not
is( value(
		$node,
		'SELECT count(omni.release_reservation(r(x))) FROM unnest('
		  . "ARRAY['S1 pool 1', 'S1 pool 16', 'S1 next 16']) x"),
	'3', 'promises end whether they are folded or not');
ok($node->poll_query_until('postgres', "$folded WHERE tick > $last"),
	'the worker folds the rest');
is( value($node, 'SELECT sku, node, on_hand, reserved FROM omni.stock ORDER BY 1, 2'),
	value($node, $asked[0]), 'balances are the ledger\'s sums');
is( value($node, 'SELECT count(*) FROM (SELECT reservation, sum(reserved) AS n'
		  . ' FROM omni.stock_ledger WHERE reservation IS NOT NULL GROUP BY 1'
		  . ' HAVING sum(reserved) > 0) l FULL JOIN'
		  . ' omni_internal.open_reservation o ON o.id = l.reservation'
		  . ' WHERE o.quantity IS DISTINCT FROM l.n'),
	'0', 'open promises are the ledger\'s');
sql("ROLLBACK PREPARED 'never'");
is( value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
	'', 'verify_stock() in the end');
is(value($node, 'SELECT omni.reload_stock() > 0'), 't', 'counters are dropped');
is( value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v,"
		  . ' (SELECT count(omni.available(sku)) FROM omni.item) a'),
	'', 'and verified once more when they have been read again');

# A step takes whole ticks, no more rows than it may, and one tick at least.
is( value($node, <<"SQL"), '0', 'each step was a small one');
SELECT count(*) FROM (SELECT tick, lag(tick) OVER (ORDER BY n) AS before
	FROM step) s
WHERE s.tick > $first AND s.tick <= $last
AND (SELECT sum(t.count) > $at_once AND count(*) FILTER (WHERE t.count > 0) > 1
	FROM omni.tick t WHERE t.id > s.before AND t.id <= s.tick)
SQL
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11/, 'no crash of its own in the log');
$node->stop;
done_testing();
