-- Retention takes days of capacity that are past and done; days with a promise,
-- days to come, and the proof of the rest stay.
SELECT plan(13);
SET TimeZone = 'UTC';

SELECT omni.adopt() AS era \gset
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('N', 'store', 1, 1), ('M', 'store', 2, 2);
INSERT INTO omni.node_policy(node_kind, daily_units) VALUES ('store', 10);
INSERT INTO omni.item(sku) VALUES ('A');
SELECT omni.receive_stock('N', 'A', 9) AS a \gset
CREATE FUNCTION settle() RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM omni.wait_for_tick();
    PERFORM omni_internal.move_clock('0');
    WHILE clock_timestamp() < now() + interval '1 minute' LOOP
        EXIT WHEN (SELECT tick FROM omni_internal.fold_state) = (SELECT max(id) FROM omni.tick);
        PERFORM omni.wait_for_tick();
    END LOOP;
END
$$;
CREATE FUNCTION take(node text, after int, units int, reference text) RETURNS bigint LANGUAGE sql AS $$
    SELECT (omni_internal.reserve_capacity(ARRAY[node], ARRAY[(omni_internal.clock() AT TIME ZONE 'UTC')::date + after],
        ARRAY[units], ARRAY[NULL], NULL, reference))[1] $$;
-- the days by their distance from the first one
CREATE TABLE first AS SELECT (omni_internal.clock() AT TIME ZONE 'UTC')::date AS day;
CREATE VIEW days AS SELECT string_agg(concat_ws(' ', c.node, c.day - f.day, c.promised, c.done), ', ' ORDER BY c.node, c.day) AS list
    FROM omni.capacity_now c, first f;

SELECT take('N', 0, 4, 'done'), take('N', 0, 3, 'released'), take('N', 1, 5, 'open'), take('M', 0, 2, 'half'), take('M', 30, 1, 'later') AS a \gset
SELECT settle() AS a \gset
SELECT omni.consume_reservation(id) FROM omni.capacity_reservation WHERE reference IN ('done', 'later');
SELECT omni.release_reservation(id) FROM omni.capacity_reservation WHERE reference = 'released';
SELECT settle() AS a \gset
SELECT is((SELECT list FROM days), 'M 0 2 0, M 30 0 1, N 0 0 4, N 1 5 0', 'what there is');
SELECT is((SELECT promised || ' ' || done FROM first, omni.capacity('N', day)), '0 4', 'and in memory');

SELECT omni_internal.move_clock('10 days') AS a \gset
-- the last tick stays, whatever its age: so there must be a later one
SELECT omni.receive_stock('N', 'A', 1) AS a \gset
SELECT settle() AS a \gset
SELECT is((SELECT list FROM days), 'M 0 2 0, M 30 0 1, N 0 0 4, N 1 5 0', 'time alone takes nothing');
SELECT is(omni.prune_history(omni_internal.clock() - interval '1 hour'), 0::bigint, 'retention');
-- each turn is a transaction: an old snapshot would keep balances as they are
DO $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    WHILE clock_timestamp() < began + interval '1 minute' LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM omni.capacity_now c, first f WHERE c.node = 'N' AND c.day = f.day);
        PERFORM omni.wait_for_tick();
        COMMIT;
    END LOOP;
END $$;
SELECT is((SELECT list FROM days), 'M 0 2 0, M 30 0 1, N 1 5 0', 'a past day that is done goes, promises and days to come stay');
SELECT is((SELECT promised || ' ' || done FROM first, omni.capacity('N', day)), '0 0', 'from memory, too');
SELECT is((SELECT promised || ' ' || done FROM first, omni.capacity('M', day + 30)), '0 1', 'not what is to come');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'nothing is wrong');
SELECT is_empty('SELECT * FROM omni.repair_stock()', 'or to repair');
SELECT is((SELECT on_hand FROM omni.stock_now WHERE sku = 'A'), 10::bigint, 'stock is as it was');
SELECT is((SELECT on_hand FROM omni_internal.pruned_stock WHERE item_id > 0), 9::bigint, 'and its proof');

-- a promise that ends late is counted, and goes with the next retention
SELECT omni.consume_reservation(id) FROM omni.capacity_reservation WHERE reference = 'half';
SELECT settle() AS a \gset
SELECT is((SELECT list FROM days), 'M 0 0 2, M 30 0 1, N 1 5 0', 'a promise that ends late');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'nothing is wrong then');
SELECT finish();
