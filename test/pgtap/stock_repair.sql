-- omni.verify_stock() names what is wrong and of which class; omni.repair_stock()
-- makes balances and open promises what the ledger says, and says what it did.
SELECT plan(38);

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
SELECT omni.receive_stock('N1', 'A', 100) AS a \gset
SELECT omni.receive_stock('N2', 'A', 50) AS a \gset
SELECT omni.receive_stock('N1', 'B', 10) AS a \gset
SELECT omni.reserve_stock('A', 3, 'N1', '1 day', 'p') AS p \gset
SELECT omni.reserve_stock('A', 4, NULL, NULL, 'q') AS q \gset
SELECT omni.reserve_stock('B', 5, 'N1') AS r \gset
SELECT omni.release_reservation(:r) AS a \gset
SELECT settle() AS a \gset
-- part of it is proven by what retention has deleted
SELECT omni_internal.move_clock('1 hour') AS a \gset
SELECT omni.receive_stock('N1', 'B', 1) AS a \gset
SELECT settle() AS a \gset
SELECT omni.prune_history(omni_internal.clock() - interval '30 minutes') AS a \gset
SELECT is((SELECT sum(on_hand) FROM omni_internal.pruned_stock), 160::numeric, 'retention has deleted');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'nothing is wrong');
SELECT is_empty('SELECT * FROM omni.repair_stock()', 'so there is nothing to repair');
CREATE TABLE good AS SELECT 'stock' AS what, s::text AS value FROM omni.stock_now s
UNION ALL SELECT 'promise', o::text FROM omni_internal.open_reservation o;

-- Damage by the owner's hand, what verify_stock() must say of it in the tables,
-- and repair_stock() likewise.
CREATE TABLE damage(name text, statement text, differences text[]);
INSERT INTO damage VALUES
    ('a balance that was changed', $$ UPDATE omni_internal.stock_balance SET on_hand = 17 WHERE item_id = 1 AND node_id = 1 AND tick = 0 $$,
     ARRAY['A N1 balance on_hand 17 100']),
    ('a balance''s promises', $$ UPDATE omni_internal.stock_balance SET reserved = reserved + 1 WHERE item_id = 1 AND node_id = 0 AND tick = 0 $$,
     ARRAY['A - balance reserved 5 4']),
    ('a balance that was deleted', $$ DELETE FROM omni_internal.stock_balance WHERE item_id = 1 AND node_id = 1 $$,
     ARRAY['A N1 balance on_hand 0 100', 'A N1 balance reserved 0 3']),
    ('a balance that was invented', $$ INSERT INTO omni_internal.stock_balance VALUES (2, 2, 0, 9, 0) $$,
     ARRAY['B N2 balance on_hand 9 0']),
    ('a balance beside', $$ INSERT INTO omni_internal.stock_balance VALUES (1, 2, 1, 5, 0) $$,
     ARRAY['A N2 balance on_hand 55 50']),
    ('an open promise''s quantity', $$ UPDATE omni_internal.open_reservation SET quantity = 9 WHERE reference = 'p' $$,
     ARRAY['A N1 open promise quantity (p) 9 3']),
    ('its node', $$ UPDATE omni_internal.open_reservation SET node_id = 2 WHERE reference = 'p' $$,
     ARRAY['A N1 open promise node (p) 3 3']),
    ('its deadline', $$ UPDATE omni_internal.open_reservation SET expires_at = expires_at + interval '1 year' WHERE reference = 'p' $$,
     ARRAY['A N1 open promise deadline (p) 3 3']),
    ('its last row', $$ UPDATE omni_internal.open_reservation SET last_id = last_id + 1 WHERE reference = 'p' $$,
     ARRAY['A N1 open promise last row (p) 3 3']),
    ('its item', $$ UPDATE omni_internal.open_reservation SET item_id = 2 WHERE reference = 'q' $$,
     ARRAY['A - open promise item (q) 4 4']),
    ('a promise that was deleted', $$ DELETE FROM omni_internal.open_reservation WHERE reference = 'q' $$,
     ARRAY['A - open promise quantity (q) 0 4']),
    ('a promise that was invented', $$ INSERT INTO omni_internal.open_reservation VALUES (999, 2, 1, 1, NULL, NULL, NULL, now(), 999) $$,
     ARRAY['B N1 open promise quantity (999) 1 0']),
    ('all of them at once', $$ TRUNCATE omni_internal.open_reservation, omni_internal.stock_balance $$,
     ARRAY['A - balance reserved 0 4', 'A - open promise quantity (q) 0 4', 'A N1 balance on_hand 0 100', 'A N1 balance reserved 0 3', 'A N1 open promise quantity (p) 0 3', 'A N2 balance on_hand 0 50', 'B N1 balance on_hand 0 11']);

CREATE FUNCTION said(call text) RETURNS text[] LANGUAGE plpgsql AS
$$
DECLARE
    result text[];
BEGIN
    EXECUTE format('SELECT COALESCE(array_agg(concat_ws('' '', a, COALESCE(b, ''-''), regexp_replace(replace(replace(c, %L, ''(p)''), %L, ''(q)''), '''', ''''), d, e) ORDER BY a, COALESCE(b, ''-''), c), ''{}'') FROM %s v(a, b, c, d, e) WHERE c NOT LIKE ''counter %%''',
        (SELECT '(' || max(reservation) || ')' FROM omni.stock_ledger WHERE reference = 'p'),
        (SELECT '(' || max(reservation) || ')' FROM omni.stock_ledger WHERE reference = 'q'), call) INTO result;
    RETURN result;
END
$$;
CREATE FUNCTION try(statement text) RETURNS TABLE(verified text[], repaired text[], clean bigint, same bigint) LANGUAGE plpgsql AS
$$
BEGIN
    LOCK TABLE omni_internal.stock_balance, omni_internal.open_reservation IN ACCESS EXCLUSIVE MODE;
    EXECUTE statement;
    verified := said('omni.verify_stock()');
    repaired := said('omni.repair_stock()');
    SELECT count(*) INTO clean FROM omni_internal.table_difference;
    SELECT count(*) INTO same FROM (
        (TABLE good EXCEPT ALL (SELECT 'stock', s::text FROM omni.stock_now s
            UNION ALL SELECT 'promise', o::text FROM omni_internal.open_reservation o))) d;
    RETURN NEXT;
END
$$;
SELECT format('SELECT is(t::text, (d.differences, d.differences, 0, 0)::text, d.name || '' is named, and repaired'') FROM damage d CROSS JOIN LATERAL try(d.statement) t WHERE d.name = %L', name) FROM damage \gexec
SELECT settle() AS a \gset
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'committed, nothing is wrong, counters included');

-- committed damage that the counters have taken over
UPDATE omni_internal.stock_balance SET on_hand = 17 WHERE item_id = 1 AND node_id = 1 AND tick = 0;
SELECT is(omni.available('A', 'N1'), 14, 'counters follow what was committed');
SELECT set_eq('SELECT sku, node, what, was, became FROM omni.repair_stock()',
    $$ VALUES ('A', 'N1', 'balance on_hand', 17::bigint, 100::bigint), ('A', 'N1', 'counter on_hand', 17, 100), ('A', NULL, 'counter pool', 60, 143) $$,
    'the balance is repaired, and the counters after it');
SELECT is(omni.available('A', 'N1'), 97, 'which is so once it has committed');
-- counters alone: the tables were wrong when they were read, unnoticed
SET session_replication_role = replica;
ALTER TABLE omni_internal.stock_balance DISABLE TRIGGER ALL;
UPDATE omni_internal.stock_balance SET on_hand = 99 WHERE item_id = 1 AND node_id = 1 AND tick = 0;
SELECT omni.reload_stock() AS a \gset
SELECT is(omni.available('A', 'N1'), 96, 'counters read from wrong tables');
UPDATE omni_internal.stock_balance SET on_hand = 100 WHERE item_id = 1 AND node_id = 1 AND tick = 0;
ALTER TABLE omni_internal.stock_balance ENABLE TRIGGER ALL;
ALTER TABLE omni_internal.stock_balance ENABLE ALWAYS TRIGGER stock_balance_notice;
RESET session_replication_role;
SELECT set_eq('SELECT sku, node, what, was, became FROM omni.repair_stock()',
    $$ VALUES ('A', 'N1', 'counter on_hand', 99::bigint, 100::bigint), ('A', NULL, 'counter pool', 142, 143) $$,
    'differ from the tables that were put right, and are repaired');
SELECT is(omni.available('A', 'N1'), 97, 'so they are right');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'and all is');

-- stock goes on, also of what was repaired
SELECT lives_ok(format('SELECT omni.release_reservation(%s)', :p), 'a repaired promise is released');
SELECT is(omni.available('A', 'N1'), 100, 'and its units are there');
SELECT settle() AS a \gset
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'nothing is wrong');

-- what is not folded yet is no difference
BEGIN;
SELECT omni.receive_stock('N2', 'B', 7) AS a \gset
SELECT is_empty('SELECT * FROM omni_internal.table_difference', 'one''s own rows are no difference');
SELECT is_empty('SELECT * FROM omni_internal.balance_difference', 'and would not be repaired');
ROLLBACK;

-- what nobody but a person can decide is named, and stays
BEGIN;
INSERT INTO omni.stock_ledger (id, item_id, node_id, quantity, reserved, era, xid, closes, reservation, occurred_at, recorded_at, kind, actor)
SELECT v.id, 1, 0, 0, v.reserved, 0, '3', v.closes, v.reservation, now(), now(), 'x', 'x'
FROM (VALUES (1001, 1, NULL, 1001), (1003, -1, 1002, 1001),     -- closes what is not there
             (1011, 1, NULL, 1010),                             -- nobody opened it
             (1021, 1, NULL, 1021), (1022, 0, NULL, 1021),      -- closes nothing
             (1031, 1, NULL, 1031), (1032, -2, 1031, 1031)) v(id, reserved, closes, reservation);   -- less than nothing
SELECT results_eq($$ SELECT what FROM omni.verify_stock() WHERE what LIKE 'promise chain%' ORDER BY 1 $$,
    ARRAY['promise chain (1001)', 'promise chain (1010)', 'promise chain (1021)', 'promise chain (1031)'], 'broken chains are named');
SELECT is_empty($$ SELECT * FROM omni.repair_stock() WHERE what LIKE 'promise chain%' $$, 'repair leaves them alone');
SELECT isnt_empty($$ SELECT * FROM omni.verify_stock() WHERE what LIKE 'promise chain%' $$, 'so they are still there');
ROLLBACK;
BEGIN;
ALTER TABLE omni.item DISABLE TRIGGER USER;
ALTER TABLE omni.node DISABLE TRIGGER USER;
DELETE FROM omni.item WHERE sku = 'B';
DELETE FROM omni.node WHERE code = 'N2';
SELECT bag_eq($$ SELECT sku, node, what, counter FROM omni.verify_stock() WHERE what LIKE 'unknown%' $$,
    $$ VALUES (NULL, 'N1', 'unknown item (2)', 11::bigint), ('A', NULL, 'unknown node (2)', 50) $$, 'unknown items and nodes are named');
ROLLBACK;

-- who may, and how it waits
CREATE ROLE stock_repair_reader;
SELECT omni.grant_access('stock_repair_reader', 'reader') AS a \gset
SET ROLE stock_repair_reader;
SELECT throws_ok('SELECT * FROM omni.repair_stock()', '42501', NULL, 'a reader may not repair');
SELECT throws_ok($$ SELECT omni.prune_history(now()) $$, '42501', NULL, 'nor prune');
RESET ROLE;
SELECT omni.revoke_access('stock_repair_reader', 'reader') AS a \gset
DROP ROLE stock_repair_reader;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT is_empty('SELECT * FROM omni.repair_stock()', 'at any isolation level');
COMMIT;
SELECT omni.receive_stock('N2', 'B', 1) AS a \gset
SELECT settle() AS a \gset
SELECT is((SELECT on_hand FROM omni.stock WHERE sku = 'B' AND node = 'N2'), 1::bigint, 'folding goes on');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'and nothing is wrong in the end');
SELECT * FROM finish();
