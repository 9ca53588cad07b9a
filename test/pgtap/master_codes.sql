-- Codes to ids and back, in one session: what it remembers, and what it must
-- forget.  (What other sessions see: isolation spec master_rename.)
\set QUIET 1
SET client_min_messages = warning;
SELECT no_plan();

INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 1, 2), ('S2', 'store', 3, 4);
INSERT INTO omni.item(sku) VALUES ('A'), ('B'), ('C');

SELECT is(omni_internal.item_id('A'), 1::bigint, 'item');
SELECT is(omni_internal.node_id('S2'), 2::bigint, 'node');
SELECT is(omni_internal.channel_id('web'), 1::bigint, 'channel');
SELECT is(omni_internal.item_sku(2), 'B', 'sku of an id');
SELECT is(omni_internal.node_code(1), 'S1', 'code of a node');
SELECT is(omni_internal.channel_code(1), 'web', 'code of a channel');
SELECT is(omni_internal.item_sku(99), NULL, 'no sku of an unknown id');

-- OM002
SELECT throws_ok(format('SELECT omni_internal.%s(%s)', f, a), 'OM002', NULL,
    format('%s(%s) is an error', f, a))
FROM unnest('{item_id,node_id,channel_id}'::text[]) AS f,
    unnest(ARRAY['NULL', $$'nobody'$$, $$''$$, $$' '$$, $$'a'$$, $$'A '$$, $$'s1'$$,
        $$'WEB'$$, $$repeat('x', 100000)$$, $$repeat('ä', 10000)$$, $$E'A\n'$$]) AS a;
SELECT throws_ok(format('SELECT omni_internal.%s(NULL)', f), 'OM002', NULL, f || '(NULL) is an error')
FROM unnest('{item_sku,node_code,channel_code,describe_node,describe_channel,describe_item}'::text[]) AS f;
SELECT throws_ok(format('SELECT omni_internal.%s(99)', f), 'OM002', NULL, f || '(99) is an error')
FROM unnest('{describe_node,describe_channel,describe_item}'::text[]) AS f;
SELECT throws_ok($$SELECT omni_internal.item_id('nobody')$$, 'OM002',
    'sku "nobody" does not exist', 'the message names the sku');

-- An error that is remembered would be wrong as soon as the row comes.
SELECT throws_ok($$SELECT omni_internal.item_id('late')$$, 'OM002', NULL, 'not there yet');
INSERT INTO omni.item(sku) VALUES ('late');
SELECT is(omni_internal.item_sku(omni_internal.item_id('late')), 'late', 'there now');

-- A transaction sees its own rows, and their end.
BEGIN;
INSERT INTO omni.item(id, sku) VALUES (9001001, 'mine');
INSERT INTO omni.node(id, code, kind) VALUES (9001001, 'mine', 'store');
INSERT INTO omni.channel(id, code, kind) VALUES (9001001, 'mine', 'web');
SELECT is(omni_internal.item_id('mine') + omni_internal.node_id('mine')
    + omni_internal.channel_id('mine'), 27003003::bigint, 'own rows count at once');
SELECT ok(9001001 = ANY (omni_internal.active_nodes()), 'in the list of nodes, too');
ROLLBACK;
SELECT throws_ok(format('SELECT omni_internal.%s_id(''mine'')', t), 'OM002', NULL,
    t || ': forgotten with the rollback')
FROM unnest('{item,node,channel}'::text[]) AS t;
SELECT is(omni_internal.item_sku(9001001), NULL, 'by its id, too');
SELECT is(omni_internal.active_nodes(), '{1,2}'::bigint[], 'and in the list of nodes');

BEGIN;
INSERT INTO omni.item(id, sku) VALUES (9001002, 'outer');
SELECT is(omni_internal.item_id('outer'), 9001002::bigint, 'learned in the transaction');
SAVEPOINT one;
INSERT INTO omni.item(id, sku) VALUES (9001003, 'inner');
SELECT is(omni_internal.item_id('inner'), 9001003::bigint, 'learned under a savepoint');
SAVEPOINT two;
INSERT INTO omni.item(id, sku) VALUES (9001004, 'innermost');
SELECT is(omni_internal.item_id('innermost'), 9001004::bigint, 'and under another');
RELEASE two;
SELECT is(omni_internal.item_id('innermost'), 9001004::bigint, 'still there after its release');
SELECT is(omni_internal.item_id('B'), 2::bigint, 'a committed one, learned under the savepoint');
ROLLBACK TO one;
CREATE FUNCTION pg_temp.knows(sku text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN omni_internal.item_id(sku) IS NOT NULL;
EXCEPTION WHEN SQLSTATE 'OM002' THEN
    RETURN false;
END $$;
SELECT is(ARRAY[pg_temp.knows('outer'), pg_temp.knows('inner'), pg_temp.knows('innermost'),
    pg_temp.knows('B')], '{t,f,f,t}'::boolean[], 'ROLLBACK TO forgets what it undid, and that alone');
INSERT INTO omni.item(id, sku) VALUES (9001005, 'inner');
SELECT is(omni_internal.item_id('inner'), 9001005::bigint, 'the same sku again is another item');
COMMIT;
SELECT is(ARRAY[omni_internal.item_id('outer'), omni_internal.item_id('inner')],
    '{9001002,9001005}'::bigint[], 'COMMIT keeps');

-- An exception block is a subtransaction.
DO $$
BEGIN
    INSERT INTO omni.item(id, sku) VALUES (9001006, 'caught');
    PERFORM omni_internal.item_id('caught');
    RAISE EXCEPTION 'stop';
EXCEPTION WHEN raise_exception THEN
    NULL;
END $$;
SELECT throws_ok($$SELECT omni_internal.item_id('caught')$$, 'OM002', NULL,
    'an exception block forgets');

-- A new code
UPDATE omni.item SET sku = 'A2' WHERE sku = 'A';
UPDATE omni.node SET code = 'S1b' WHERE code = 'S1';
UPDATE omni.channel SET code = 'shop' WHERE code = 'web';
SELECT is(ARRAY[omni_internal.item_id('A2'), omni_internal.node_id('S1b'), omni_internal.channel_id('shop')],
    '{1,1,1}'::bigint[], 'the new code works at once');
SELECT is(ARRAY[omni_internal.item_sku(1), omni_internal.node_code(1), omni_internal.channel_code(1)],
    '{A2,S1b,shop}'::text[], 'ids give the new code');
SELECT throws_ok(format('SELECT omni_internal.%s_id(%L)', t, c), 'OM002', NULL, 'the old one does not')
FROM (VALUES ('item', 'A'), ('node', 'S1'), ('channel', 'web')) AS v(t, c);
INSERT INTO omni.item(id, sku) VALUES (9001007, 'A');
SELECT is(omni_internal.item_id('A'), 9001007::bigint, 'the old code given to another item');

-- Swapped within a transaction, then taken back.
BEGIN;
UPDATE omni.item SET sku = 'swap' WHERE sku = 'B';
UPDATE omni.item SET sku = 'B' WHERE sku = 'C';
UPDATE omni.item SET sku = 'C' WHERE sku = 'swap';
SELECT is(omni_internal.item_ids('{B,C}'), '{3,2}'::bigint[], 'swapped');
ROLLBACK;
SELECT is(omni_internal.item_ids('{B,C}'), '{2,3}'::bigint[], 'and back after ROLLBACK');
BEGIN;
SAVEPOINT s;
UPDATE omni.item SET sku = 'other' WHERE sku = 'B';
SELECT is(omni_internal.item_id('other'), 2::bigint, 'renamed under a savepoint');
ROLLBACK TO s;
SELECT is(omni_internal.item_id('B'), 2::bigint, 'and back');
COMMIT;

-- DELETE
SELECT is(omni_internal.item_id('late'), 4::bigint, 'known');
DELETE FROM omni.item WHERE sku = 'late';
SELECT throws_ok($$SELECT omni_internal.item_id('late')$$, 'OM002', NULL, 'gone');
SELECT is(omni_internal.item_sku(4), NULL, 'its id, too');

-- TRUNCATE, where somebody has switched the refusal off.
BEGIN;
SET LOCAL session_replication_role = replica;
SELECT is(omni_internal.channel_id('shop'), 1::bigint, 'known');
TRUNCATE omni.channel CASCADE;
SELECT throws_ok($$SELECT omni_internal.channel_id('shop')$$, 'OM002', NULL, 'gone');
ROLLBACK;
SELECT is(omni_internal.channel_id('shop'), 1::bigint, 'back again');

-- What is remembered of a row follows the row.
SELECT is(omni_internal.describe_node(1),
    '{"kind": "store", "ships": true, "active": true, "pickup": true, "region": "", "safety": 0,
      "country": "", "latitude": 1, "timezone": "UTC", "longitude": 2, "postal_code": ""}'::jsonb,
    'a node');
UPDATE omni.node SET status = 'inactive', country = 'US', region = 'MN', postal_code = '55423',
    timezone = 'America/Chicago', ships = false, pickup = false, safety = 7,
    latitude = NULL, longitude = NULL, kind = 'virtual' WHERE id = 1;
SELECT is(omni_internal.describe_node(1),
    '{"kind": "virtual", "ships": false, "active": false, "pickup": false, "region": "MN", "safety": 7,
      "country": "US", "timezone": "America/Chicago", "postal_code": "55423"}'::jsonb,
    'a node after its UPDATE');
SELECT is(omni_internal.active_nodes(), '{2}'::bigint[], 'an inactive node is not in the list');
UPDATE omni.node SET status = 'active' WHERE id = 1;
SELECT is(omni_internal.active_nodes(), '{1,2}'::bigint[], 'an active one is');
SELECT is(omni_internal.describe_channel(1),
    '{"kind": "web", "currency": "", "active": true, "may_refuse": true}'::jsonb, 'a channel');
UPDATE omni.channel SET kind = 'marketplace', currency = 'EUR', status = 'inactive', may_refuse = false;
SELECT is(omni_internal.describe_channel(1),
    '{"kind": "marketplace", "currency": "EUR", "active": false, "may_refuse": false}'::jsonb,
    'a channel after its UPDATE');
SELECT is(omni_internal.describe_item(2), '{"unit": "piece", "active": true}'::jsonb, 'an item');
UPDATE omni.item SET unit = 'square_centimetre', status = 'inactive' WHERE id = 2;
SELECT is(omni_internal.describe_item(2), '{"unit": "square_centimetre", "active": false}'::jsonb,
    'an item after its UPDATE');

-- Many at once
INSERT INTO omni.item(sku) SELECT 'bulk' || g FROM generate_series(1, 10000) AS g;
SELECT is((SELECT count(*) FROM (
        SELECT unnest(omni_internal.item_ids(array_agg('bulk' || g ORDER BY g))) AS id,
            unnest(array_agg('bulk' || g ORDER BY g)) AS sku
        FROM generate_series(1, 10000) AS g) AS v
    JOIN omni.item AS i USING (id, sku)), 10000::bigint, '10,000 skus, each its own id');
SELECT is(omni_internal.item_ids('{bulk2,C,bulk2,bulk1,C}'),
    (SELECT ARRAY[b2.id, 3, b2.id, b1.id, 3] FROM omni.item AS b1, omni.item AS b2
     WHERE b1.sku = 'bulk1' AND b2.sku = 'bulk2'), 'the same sku twice, in the caller''s order');
SELECT is(omni_internal.item_ids('{}'), '{}'::bigint[], 'none');
SELECT throws_ok($$SELECT omni_internal.item_ids('{C,nobody,nothing}')$$, 'OM002',
    'sku "nobody" does not exist', 'the first unknown one is named');
SELECT throws_ok($$SELECT omni_internal.item_ids('{C,NULL,nobody}')$$, 'OM002',
    'sku must not be null', 'NULL before an unknown one');
SELECT throws_ok($$SELECT omni_internal.item_ids('{C,nobody,NULL}')$$, 'OM002',
    'sku "nobody" does not exist', 'an unknown one before NULL');
SELECT throws_ok($$SELECT omni_internal.item_ids('{bulk7,C,NULL}')$$, 'OM002',
    'sku must not be null', 'NULL at the end');
SELECT throws_ok($$SELECT omni_internal.item_ids(NULL)$$, 'OM002', NULL, 'no array');
BEGIN;
INSERT INTO omni.item(id, sku) VALUES (9099901, 'batch1'), (9099902, 'batch2');
SELECT is(omni_internal.item_ids('{batch1,batch2}'), '{9099901,9099902}'::bigint[], 'own rows in a batch');
ROLLBACK;
SELECT throws_ok($$SELECT omni_internal.item_ids('{batch1}')$$, 'OM002', NULL, 'forgotten with the rollback');

-- More than the map holds: it begins anew and goes on giving right answers.
INSERT INTO omni.item(id, sku) SELECT 2000000 + g, 'many' || g FROM generate_series(1, 140000) AS g;
SELECT is((SELECT count(*) FROM generate_series(1, 140000) AS g
        WHERE omni_internal.item_id('many' || g) <> 2000000 + g), 0::bigint, '140,000 look-ups');
SELECT is(omni_internal.item_id('many1'), 2000001::bigint, 'the first once more');
SELECT is((SELECT count(*) FROM unnest(omni_internal.item_ids(
        (SELECT array_agg('many' || g ORDER BY g) FROM generate_series(1, 140000) AS g)))
        WITH ORDINALITY AS u(id, n) WHERE id <> 2000000 + n), 0::bigint, 'in one call');

-- Policy generation
CREATE TEMP TABLE count AS SELECT omni_internal.policy_generation() AS n;
CREATE FUNCTION pg_temp.raised() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    now bigint := omni_internal.policy_generation();
    was bigint := (SELECT n FROM count);
BEGIN
    UPDATE count SET n = now;
    RETURN now > was;
END $$;
SELECT isnt(omni_internal.policy_generation(), 0::bigint, 'the count is there');
UPDATE omni.node SET safety = safety + 1 WHERE id = 2;
SELECT ok(pg_temp.raised(), 'raised by a node''s safety');
UPDATE omni.node SET status = 'inactive' WHERE id = 2;
SELECT ok(pg_temp.raised(), 'by its status');
INSERT INTO omni.node(code, kind) VALUES ('new', 'store');
SELECT ok(pg_temp.raised(), 'by a new node');
DELETE FROM omni.node WHERE code = 'new';
SELECT ok(pg_temp.raised(), 'by the end of one');
SELECT omni.set_stock_policy('C', 'S2', 1) \g /dev/null
SELECT ok(pg_temp.raised(), 'by a policy');
SELECT omni.set_stock_policy('C', 'S2', 2) \g /dev/null
SELECT ok(pg_temp.raised(), 'by its change');
SELECT omni.set_stock_policy('C', 'S2', NULL) \g /dev/null
SELECT ok(pg_temp.raised(), 'by its end');
UPDATE omni.node SET name = 'x' WHERE id = 2;
UPDATE omni.node SET safety = safety;
UPDATE omni.item SET unit = 'gram' WHERE id = 3;
SELECT ok(NOT pg_temp.raised(), 'not by anything else');
BEGIN;
UPDATE omni.node SET safety = safety + 1 WHERE id = 2;
SELECT ok(NOT pg_temp.raised(), 'not before COMMIT');
COMMIT;
SELECT ok(pg_temp.raised(), 'but then');
BEGIN;
UPDATE omni.node SET safety = safety + 1 WHERE id = 2;
ROLLBACK;
SELECT ok(NOT pg_temp.raised(), 'not by a ROLLBACK');

-- max_prepared_transactions is 0 here or not: the refusal comes first.
BEGIN;
UPDATE omni.node SET safety = 3 WHERE id = 2;
\set ON_ERROR_STOP 0
\set VERBOSITY sqlstate
\o /dev/null
PREPARE TRANSACTION 'master_codes';
\o
\set ON_ERROR_STOP 1
\set VERBOSITY default
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '0A000', 'a transaction that changed a policy cannot be prepared');
SELECT ok(NOT pg_temp.raised(), 'and has no effect');

SELECT * FROM finish();
