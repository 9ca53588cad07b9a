-- Retention deletes whole promises that are closed, folded, old and read by
-- every consumer that is not past its limit; what is on hand and promised, and
-- the proof of it, stay.
SELECT plan(30);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES ('N1', 'store', 44.9, -93.2), ('N2', 'store', 41.9, -87.6);
INSERT INTO omni.item (sku) VALUES ('A'), ('B');
CREATE FUNCTION settle() RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM omni.wait_for_tick();
    PERFORM omni_internal.move_clock('0');
    FOR i IN 1 .. 2000 LOOP
        EXIT WHEN (SELECT tick FROM omni_internal.fold_state) = (SELECT max(id) FROM omni.tick);
        PERFORM omni.wait_for_tick();
    END LOOP;
END
$$;
-- Prune, and wait; where one call has waited in vain the others do not.
CREATE TABLE late (at timestamptz);
CREATE FUNCTION prune_to(before timestamptz) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
    rest bigint := omni.prune_history(before,
        CASE WHEN EXISTS (SELECT FROM late) THEN interval '1 s' ELSE '40 s' END);
BEGIN
    INSERT INTO late SELECT now() WHERE rest <> 0;
    RETURN rest;
END
$$;
-- prune what is older than an hour; the positions that are left to go over
CREATE FUNCTION prune() RETURNS bigint LANGUAGE sql AS
$$ SELECT prune_to(omni_internal.clock() - interval '1 hour') $$;
CREATE FUNCTION state() RETURNS TABLE(what text, value text) LANGUAGE sql AS
$$
    SELECT 'available ' || sku || ' ' || COALESCE(node, 'pool'), omni.available(sku, node)::text
    FROM (VALUES ('A', NULL), ('A', 'N1'), ('A', 'N2'), ('B', NULL), ('B', 'N1')) v(sku, node)
    UNION ALL SELECT 'stock', s::text FROM (SELECT sku, node, on_hand, reserved FROM omni.stock) s
    UNION ALL SELECT 'stock_now', s::text FROM omni.stock_now s
    UNION ALL SELECT 'reservation', r::text FROM omni.reservation r
    UNION ALL SELECT 'verify', v::text FROM omni.verify_stock() v
$$;

-- day 1: a sale, promises of every kind
SELECT omni.receive_stock('N1', 'A', 100) AS a \gset
SELECT omni.receive_stock('N2', 'A', 100) AS a \gset
SELECT omni.receive_stock('N1', 'B', 10) AS a \gset
SELECT omni.sell_stock('N1', 'A', 3, 'till') AS a \gset
SELECT omni.reserve_stock('A', 1, 'N1', NULL, 'open') AS open \gset
SELECT omni.reserve_stock('A', 2, NULL, NULL, 'open pool') AS open_pool \gset
SELECT omni.reserve_stock('A', 4, 'N1', NULL, 'released') AS released \gset
SELECT omni.reserve_stock('A', 5, NULL, NULL, 'pinned, consumed') AS consumed \gset
SELECT omni.reserve_stock('A', 6, NULL, NULL, 'pinned') AS pinned \gset
SELECT omni.reserve_stock('A', 7, 'N2', '1 minute', 'expires') AS expires \gset
SELECT omni.reserve_stock('A', 8, 'N2', NULL, 'closed later') AS later \gset
SELECT omni.reserve_stock('B', 1, 'N1', '40 days', 'extended') AS extended \gset
SELECT settle() AS a \gset
SELECT omni.release_reservation(:released) AS a \gset
SELECT omni.pin_reservation(:consumed, 'N2') AS a \gset
SELECT omni.consume_reservation(:consumed) AS a \gset
SELECT omni.pin_reservation(:pinned, 'N2') AS a \gset
SELECT omni.extend_reservation(:extended, '50 days') AS a \gset
SELECT settle() AS a \gset
SELECT omni_internal.move_clock('2 minutes') AS a \gset
DO $$
BEGIN
    FOR i IN 1 .. 2000 LOOP
        EXIT WHEN EXISTS (SELECT FROM omni.stock_ledger WHERE kind = 'expire');
        PERFORM omni.wait_for_tick();
    END LOOP;
END $$;
SELECT settle() AS a \gset
-- day 2
SELECT omni_internal.move_clock('1 day') AS a \gset
SELECT omni.release_reservation(:later) AS a \gset
SELECT settle() AS a \gset
CREATE TABLE before AS SELECT * FROM state();
CREATE TABLE rows_before AS SELECT * FROM omni.stock_ledger;
CREATE TABLE events_before AS SELECT * FROM omni.event;

SELECT is((SELECT count(*) FROM before WHERE what = 'verify'), 0::bigint, 'nothing is wrong before');
SELECT omni.read_events('reader', 1) IS NOT NULL AS a \gset
SELECT is(prune(), 0::bigint, 'a consumer has read nothing: nothing is to be done');
SELECT results_eq('SELECT * FROM omni.stock_ledger ORDER BY id', 'SELECT * FROM rows_before ORDER BY id', 'and nothing goes');
SELECT omni.ack_events('reader', (SELECT max(position) FROM omni.event)) AS a \gset

SELECT is(prune(), 0::bigint, 'what is old, folded and read is gone over');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reservation IS NULL AND kind IN ('receive', 'sell')), 0::bigint, 'what arrived and was sold goes');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reservation = :released), 0::bigint, 'a released promise goes, all of it');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reservation = :consumed), 0::bigint, 'a pinned and consumed one');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reservation = :expires), 0::bigint, 'an expired one');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reservation = :open), 1::bigint, 'an open promise stays');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reservation = :open_pool), 1::bigint, 'of the pool, too');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reservation = :pinned), 3::bigint, 'with all of its rows');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reservation = :extended), 2::bigint, 'an extended one, too');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reservation = :later), 2::bigint, 'and one whose end is not old enough');
SELECT results_eq('SELECT * FROM omni.stock_ledger ORDER BY id', 'SELECT r.* FROM rows_before r JOIN omni.stock_ledger l ON l = r ORDER BY r.id', 'what stays is as it was');
SELECT results_eq('SELECT * FROM omni.event ORDER BY position', 'SELECT * FROM events_before WHERE position >= (SELECT position FROM omni_internal.feed_start) ORDER BY position', 'the feed is what it was, from its new start on');
SELECT bag_eq('SELECT * FROM state()', 'SELECT * FROM before', 'availability, balances and open promises are unaffected, and proven');

-- open promises can still be closed, closed ones are not known any more
SELECT throws_ok(format('SELECT omni.release_reservation(%s)', :released), 'OM002', NULL, 'a promise that is gone does not exist');
SELECT lives_ok(format('SELECT omni.consume_reservation(%s)', :pinned), 'one whose first rows have left the feed is consumed');
SELECT lives_ok(format('SELECT omni.release_reservation(%s)', :open_pool), 'or released');
SELECT lives_ok(format($$ SELECT omni.extend_reservation(%s, '60 days') $$, :extended), 'or extended');
SELECT settle() AS a \gset
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'all that is right');
SELECT omni_internal.move_clock('1 day') AS a \gset
SELECT omni.receive_stock('N1', 'A', 1) AS a \gset
SELECT settle() AS a \gset
SELECT omni.ack_events('reader', (SELECT max(position) FROM omni.event)) AS a \gset
CREATE TABLE day_after AS SELECT * FROM state();
SELECT is(prune(), 0::bigint, 'a day later');
SELECT results_eq('SELECT reservation, count(*) FROM omni.stock_ledger WHERE reservation IS NOT NULL GROUP BY 1 ORDER BY 1', format('SELECT * FROM (VALUES (%s::bigint, 1::bigint), (%s, 3)) v ORDER BY 1', :open, :extended), 'they go as a whole, earlier rows included');
SELECT bag_eq('SELECT * FROM state()', 'SELECT * FROM day_after', 'and nothing else changes');

-- a count of a time of which rows are gone cannot be compared
SELECT throws_ok($$ SELECT omni.set_stock('N1', 'A', 90, NULL, omni_internal.clock() - interval '2 days 12 hours') $$, 'OM007', NULL, 'a count from before what was deleted is refused');
SELECT lives_ok($$ SELECT omni.set_stock('N1', 'A', 90, NULL, omni_internal.clock() - interval '1 hour') $$, 'a later one is not');
SELECT is((SELECT on_hand FROM omni.stock_now WHERE sku = 'A' AND node = 'N1'), 91::bigint, 'and keeps what moved since');

-- nobody else deletes, in the worker's session or another
SELECT throws_ok('DELETE FROM omni.stock_ledger', 'OM005', NULL, 'the ledger still refuses DELETE');
SELECT throws_ok('UPDATE omni.stock_ledger SET quantity = 0', 'OM005', NULL, 'and UPDATE');
SELECT throws_ok('TRUNCATE omni.stock_ledger', 'OM005', NULL, 'and TRUNCATE');
SELECT * FROM finish();
