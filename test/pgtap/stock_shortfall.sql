-- Rule 7: what a shop floor did cannot be refused; the shortfall raises an
-- event, once while it lasts, again when it deepens, and one when it is over.
SELECT plan(29);

INSERT INTO omni.node (code, kind, latitude, longitude) VALUES
    ('N', 'store', 1, 1), ('M', 'store', 2, 2);
INSERT INTO omni.item (sku) SELECT 'SKU' || g FROM generate_series(1, 9) g;
SELECT omni.receive_stock('N', 'SKU' || g, 10) FROM generate_series(1, 8) g;

-- The events of an item in order: what, node, and how much.
CREATE FUNCTION pg_temp.told(sku text) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(concat_ws(' ', NULLIF(substr(kind, 17), ''),
        COALESCE(payload ->> 'node', 'pool'), payload ->> 'short',
        payload ->> 'broken', payload ->> 'promises'), ', '
        ORDER BY payload ->> 'node' NULLS LAST, position), '')
    FROM omni.event WHERE kind LIKE 'stock.shortfall%' AND payload ->> 'sku' = $1 $$;

-- The same, once it says "what", in a bounded time.
CREATE FUNCTION pg_temp.wait_told(sku text, what text) RETURNS text
    LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        PERFORM omni.wait_for_tick();
        EXIT WHEN clock_timestamp() > now() + interval '60 s';
        EXIT WHEN pg_temp.told(sku) = what;
    END LOOP;
    RETURN pg_temp.told(sku);
END $$;

-- Until so many units are known to be short at the item's node.
CREATE FUNCTION pg_temp.wait_short(sku text, n bigint) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    r bigint;
BEGIN
    LOOP
        PERFORM omni.wait_for_tick();
        EXIT WHEN clock_timestamp() > now() + interval '60 s';
        SELECT a.short INTO r FROM omni_internal.announced_shortfall a
        WHERE a.item_id = (SELECT id FROM omni.item t WHERE t.sku = $1)
          AND a.node_id <> 0;
        EXIT WHEN r = n;
    END LOOP;
    RETURN r;
END $$;

-- ---- a sale below what is promised ----

SELECT omni.reserve_stock('SKU1', 3, 'N', NULL, 'first');
SELECT omni.reserve_stock('SKU1', 3, 'N', NULL, 'second');
SELECT omni.reserve_stock('SKU1', 3, 'N', NULL, 'third');
SELECT ok(omni.sell_stock('N', 'SKU1', 6) > 0, 'rule 7: the till sells promised units');
SELECT results_eq(
    $$ SELECT node, on_hand, reserved, short, broken FROM omni.shortfall
       WHERE sku = 'SKU1' ORDER BY node $$,
    $$ VALUES ('N', 4::bigint, 9::bigint, 5::bigint, 5::bigint),
              (NULL, NULL, 0::bigint, 5::bigint, 5::bigint) $$,
    'omni.shortfall shows node and pool at once');
SELECT is(pg_temp.wait_told('SKU1', 'N 5 5 2, pool 5 5 0'),
    'N 5 5 2, pool 5 5 0',
    'the event says units, broken units, and promises that cannot be kept, oldest first');
SELECT results_eq($$ SELECT entity, entity_id = (SELECT id FROM omni.item WHERE sku = 'SKU1')
    FROM omni.event WHERE kind = 'stock.shortfall' AND payload ->> 'sku' = 'SKU1' $$,
    $$ VALUES ('item', true), ('item', true) $$, 'its entity is the item');
SELECT bag_eq($$ SELECT DISTINCT k FROM omni.event, jsonb_object_keys(payload) k
    WHERE kind = 'stock.shortfall' $$,
    $$ VALUES ('sku'), ('node'), ('short'), ('broken'), ('promises') $$,
    'and its payload has these keys alone');
SELECT is(omni.available('SKU1'), 0, 'nothing of it can be promised');

-- ---- it lasts, deepens, lessens, and is over ----

SELECT omni.receive_stock('M', 'SKU1', 5);
SELECT is(pg_temp.wait_told('SKU1', 'N 5 5 2, pool 5 5 0, over pool'),
    'N 5 5 2, pool 5 5 0, over pool',
    'while it lasts it is not told again; another node''s units end that of the pool');
SELECT omni.receive_stock('N', 'SKU1', 2);
SELECT is(pg_temp.wait_short('SKU1', 3), 3::bigint, 'what lessens is known');
SELECT omni.sell_stock('N', 'SKU1', 1);
SELECT is(pg_temp.wait_told('SKU1', 'N 5 5 2, N 4 4 2, pool 5 5 0, over pool'),
    'N 5 5 2, N 4 4 2, pool 5 5 0, over pool',
    'one that lessens is silent; when it deepens again it is told');
SELECT omni.release_reservation(id) FROM omni.reservation WHERE reference = 'second';
SELECT omni.receive_stock('N', 'SKU1', 1);
SELECT is(pg_temp.wait_told('SKU1', 'N 5 5 2, N 4 4 2, over N, pool 5 5 0, over pool'),
    'N 5 5 2, N 4 4 2, over N, pool 5 5 0, over pool',
    'and its end, when promises or units make it good');
SELECT is_empty($$ SELECT * FROM omni.shortfall WHERE sku = 'SKU1' $$, 'the view agrees');

-- ---- more sold than there was, nothing promised ----

SELECT omni.sell_stock('N', 'SKU2', 12);
SELECT is(pg_temp.wait_told('SKU2', 'N 2 0 0'),
    'N 2 0 0', 'below zero: the records are wrong, no promise is broken');
SELECT omni.set_stock('N', 'SKU2', 0);
SELECT is(pg_temp.wait_told('SKU2', 'N 2 0 0, over N'),
    'N 2 0 0, over N', 'a count ends it');

-- ---- promises of the pool, and those that expire ----

SELECT omni.reserve_stock('SKU3', 4);
SELECT omni.reserve_stock('SKU3', 4, NULL, '1 hour');
SELECT omni.sell_stock('N', 'SKU3', 5);
SELECT is(pg_temp.wait_told('SKU3', 'pool 3 3 1'),
    'pool 3 3 1', 'the pool alone is short: no node has promised');
SELECT omni_internal.move_clock('2 hours');
SELECT is_empty($$ SELECT * FROM omni.shortfall WHERE sku = 'SKU3' $$,
    'a promise that has expired is owed nothing, tidied up or not');
SELECT omni.receive_stock('M', 'SKU3', 1);
SELECT is(pg_temp.wait_told('SKU3', 'pool 3 3 1, over pool'),
    'pool 3 3 1, over pool', 'so the shortfall is over');

-- ---- what does not commit, and what commits with it ----

BEGIN;
SELECT omni.sell_stock('N', 'SKU4', 11);
ROLLBACK;
BEGIN;
SELECT omni.sell_stock('N', 'SKU5', 11);
SELECT omni.receive_stock('N', 'SKU5', 5);
COMMIT;
BEGIN;
SAVEPOINT s;
SELECT omni.sell_stock('N', 'SKU6', 11);
ROLLBACK TO SAVEPOINT s;
SELECT omni.sell_stock('N', 'SKU6', 10);
COMMIT;
-- a later one is told when these have been looked at
SELECT omni.sell_stock('N', 'SKU8', 11);
SELECT is(pg_temp.wait_told('SKU8', 'N 1 0 0'), 'N 1 0 0', 'a sale that commits');
SELECT is(pg_temp.told('SKU4'), '', 'a sale that is rolled back is no shortfall');
SELECT is(pg_temp.told('SKU5'), '', 'nor one made good in its own transaction');
SELECT is(pg_temp.told('SKU6'), '', 'nor a savepoint that is rolled back');

-- ---- a prepared sale whose item left memory before it was decided ----

BEGIN;
SELECT omni.sell_stock('N', 'SKU9', 1);
PREPARE TRANSACTION 'stock_shortfall';
SELECT omni.reload_stock();
-- the worker looks at everything, below, before it is decided

-- ---- a node's status and safety ----

SELECT omni.reserve_stock('SKU7', 8);
UPDATE omni.node SET status = 'inactive' WHERE code = 'N';
SELECT is((SELECT short FROM omni.shortfall WHERE sku = 'SKU7' AND node IS NULL), 8::bigint,
    'a node that closes leaves the pool short');
SELECT is(pg_temp.wait_told('SKU7', 'pool 8 8 1'), 'pool 8 8 1',
    'and is told, although nobody touches the item');
UPDATE omni.node SET status = 'active' WHERE code = 'N';
SELECT is(pg_temp.wait_told('SKU7', 'pool 8 8 1, over pool'),
    'pool 8 8 1, over pool', 'so is the end, when it opens again');
COMMIT PREPARED 'stock_shortfall';
SELECT is(pg_temp.wait_told('SKU9', 'N 1 0 0'), 'N 1 0 0',
    'a prepared sale is told when it is committed, though nobody touches the item');

-- ---- many at once, and rights ----

INSERT INTO omni.item (sku) SELECT 'MANY' || g FROM generate_series(1, 1100) g;
SELECT count(omni.sell_stock('N', 'MANY' || g, 1)) FROM generate_series(1, 1100) g;
CREATE FUNCTION pg_temp.wait_many(n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    r bigint;
BEGIN
    LOOP
        PERFORM omni.wait_for_tick();
        EXIT WHEN clock_timestamp() > now() + interval '60 s';
        SELECT count(*) INTO r FROM omni.event
        WHERE kind = 'stock.shortfall' AND payload ->> 'sku' LIKE 'MANY%';
        EXIT WHEN r >= n;
    END LOOP;
    RETURN r;
END $$;
SELECT is(pg_temp.wait_many(1100), 1100::bigint,
    'more items than the list holds: each is told once');
CREATE ROLE stock_shortfall_reader;
SELECT omni.grant_access('stock_shortfall_reader', 'reader');
SET ROLE stock_shortfall_reader;
SELECT is((SELECT count(*) FROM omni.shortfall WHERE sku LIKE 'MANY%'), 1100::bigint,
    'a reader sees omni.shortfall');
SELECT throws_ok($$ SELECT * FROM omni_internal.announced_shortfall $$, '42501',
    NULL, 'but not what it is made of');
RESET ROLE;
SELECT omni.revoke_access('stock_shortfall_reader', 'reader');
DROP ROLE stock_shortfall_reader;
SELECT is((SELECT count(*) FROM omni.shortfall s FULL JOIN
    omni_internal.announced_shortfall a ON a.item_id = s.item_id
    AND a.node_id = COALESCE(s.node_id, 0) WHERE s.short IS DISTINCT FROM a.short),
    0::bigint, 'what was told last is what is');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'verify_stock is empty');
SELECT * FROM finish();
