-- Change events of master data: what raises one, what does not, what is in it.
\set QUIET 1
SET client_min_messages = warning;
SELECT no_plan();

-- Loaded before the feed began: announced when it does.
INSERT INTO omni.channel(code, kind) VALUES ('early', 'web');
INSERT INTO omni.node(code, kind) VALUES ('early', 'store');
INSERT INTO omni.item(sku) SELECT 'early' || g FROM generate_series(1, 2500) AS g;
INSERT INTO omni.item_code(code, sku) VALUES ('4006381333931', 'early1'), ('96385074', 'early2');
SELECT omni.set_stock_policy('early1', 'early', 2) \g /dev/null
SELECT is(omni.adopt(), 1, 'the feed begins');
SELECT cmp_ok(omni.wait_for_tick(), '>=', 2505::bigint, 'with a tick');
SELECT results_eq(
    $$SELECT kind, count(*), count(DISTINCT entity_id) FROM omni.event
      GROUP BY kind ORDER BY kind$$,
    $$VALUES ('channel.created', 1::bigint, 1::bigint),
        ('item.created', 2500::bigint, 2500::bigint),
        ('item_code.created', 2::bigint, 2::bigint),
        ('node.created', 1::bigint, 1::bigint),
        ('stock_policy.created', 1::bigint, 1::bigint)$$,
    'rows from before the feed are announced, each once');
SELECT is((SELECT count(*) FROM omni.event AS e JOIN omni.item AS i ON i.id = e.entity_id
        WHERE e.kind = 'item.created' AND e.payload = jsonb_build_object('sku', i.sku)),
    2500::bigint, 'by their id and sku');

CREATE TEMP TABLE seen AS SELECT max(position) AS position FROM omni.event;
-- What came since the last call.
CREATE FUNCTION pg_temp.news() RETURNS TABLE(kind text, entity text, code text, payload jsonb)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM omni.wait_for_tick();
    RETURN QUERY SELECT e.kind, e.entity,
        CASE e.entity WHEN 'channel' THEN omni_internal.channel_code(e.entity_id)
            WHEN 'node' THEN omni_internal.node_code(e.entity_id)
            WHEN 'item' THEN omni_internal.item_sku(e.entity_id)
            WHEN 'item_code' THEN e.entity_id::text END, e.payload
        FROM omni.event AS e, seen AS s WHERE e.position > s.position ORDER BY e.position;
    UPDATE seen SET position = COALESCE((SELECT max(e.position) FROM omni.event AS e), 0);
END $$;

-- INSERT
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.node(code, kind) VALUES ('S1', 'store');
INSERT INTO omni.item(sku) VALUES ('A'), ('B');
INSERT INTO omni.item_code(code, sku) VALUES ('4006381333948', 'A');
SELECT omni.set_stock_policy('A', 'S1', 2) \g /dev/null
SELECT results_eq($$SELECT kind, entity, code, payload - 'item_id' - 'node_id' FROM pg_temp.news()$$,
    $$VALUES ('channel.created', 'channel', 'web', '{"code": "web"}'::jsonb),
        ('node.created', 'node', 'S1', '{"code": "S1"}'),
        ('item.created', 'item', 'A', '{"sku": "A"}'),
        ('item.created', 'item', 'B', '{"sku": "B"}'),
        ('item_code.created', 'item_code', '4006381333948', '{"code": "4006381333948", "sku": "A"}'),
        ('stock_policy.created', 'stock_policy', NULL, '{"sku": "A", "node": "S1"}')$$,
    'an INSERT is one event per row');

-- UPDATE
UPDATE omni.item SET name = 'Apple', unit = 'gram' WHERE sku = 'A';
UPDATE omni.node SET status = 'inactive' WHERE code = 'S1';
UPDATE omni.channel SET currency = 'EUR' WHERE code = 'web';
SELECT omni.set_stock_policy('A', 'S1', 3) \g /dev/null
SELECT results_eq($$SELECT kind, code, payload - 'item_id' - 'node_id' FROM pg_temp.news()$$,
    $$VALUES ('item.updated', 'A', '{"sku": "A", "changed": ["name", "unit"]}'::jsonb),
        ('node.updated', 'S1', '{"code": "S1", "changed": ["status"]}'),
        ('channel.updated', 'web', '{"code": "web", "changed": ["currency"]}'),
        ('stock_policy.updated', NULL, '{"sku": "A", "node": "S1", "changed": ["safety"]}')$$,
    'an UPDATE names what changed');

UPDATE omni.item SET sku = 'A2' WHERE sku = 'A';
SELECT set_eq($$SELECT kind, code, payload FROM pg_temp.news()$$,
    $$VALUES ('item_code.updated', '4006381333948', '{"code": "4006381333948", "sku": "A2", "changed": ["sku"]}'::jsonb),
        ('item.updated', 'A2', '{"sku": "A2", "old_sku": "A", "changed": ["sku"]}')$$,
    'a new sku: the old one is named, the barcode follows');

-- What is no change
UPDATE omni.item SET name = name, unit = 'gram', sku = 'A2' WHERE sku = 'A2';
UPDATE omni.node SET status = status, latitude = NULL;
UPDATE omni.channel SET currency = currency;
UPDATE omni.item_code SET pack_quantity = 1;
UPDATE omni.stock_policy SET safety = safety;
SELECT omni.set_stock_policy('A2', 'S1', 3) \g /dev/null
BEGIN;
INSERT INTO omni.item(sku) VALUES ('rolled back');
UPDATE omni.item SET name = 'rolled back';
ROLLBACK;
BEGIN;
SAVEPOINT s;
INSERT INTO omni.item(sku) VALUES ('rolled back');
ROLLBACK TO s;
COMMIT;
SELECT throws_ok($$INSERT INTO omni.item(sku) VALUES ('C'), (' C')$$, 'OM007');
SELECT is_empty($$SELECT * FROM pg_temp.news()$$,
    'an UPDATE that changes nothing, a rollback and an error raise no event');

-- DELETE
DELETE FROM omni.item WHERE sku = 'A2';
DELETE FROM omni.channel WHERE code = 'web';
SELECT set_eq($$SELECT kind, payload ->> 'sku' AS sku, payload ->> 'code' AS code,
            payload ->> 'node' AS node FROM pg_temp.news()$$,
    $$VALUES ('item.deleted', 'A2', NULL, NULL),
        ('item_code.deleted', 'A2', '4006381333948', NULL),
        ('stock_policy.deleted', NULL, NULL, 'S1'),
        ('channel.deleted', NULL, 'web', NULL)$$,
    'a DELETE tells of what goes with the row, too');

-- One transaction, several changes of a row: in order.
BEGIN;
INSERT INTO omni.item(sku) VALUES ('D');
UPDATE omni.item SET name = 'Date' WHERE sku = 'D';
DELETE FROM omni.item WHERE sku = 'D';
COMMIT;
SELECT results_eq($$SELECT kind FROM pg_temp.news()$$,
    $$VALUES ('item.created'), ('item.updated'), ('item.deleted')$$, 'events are in order');

-- MERGE and ON CONFLICT, as loaders use them.
INSERT INTO omni.item(sku, name) VALUES ('B', 'Bean'), ('E', 'Egg')
    ON CONFLICT (sku) DO UPDATE SET name = excluded.name;
INSERT INTO omni.item(sku, name) VALUES ('B', 'Bean'), ('E', 'Egg')
    ON CONFLICT (sku) DO UPDATE SET name = excluded.name;
SELECT set_eq($$SELECT kind, code FROM pg_temp.news()$$,
    $$VALUES ('item.updated', 'B'), ('item.created', 'E')$$,
    'loading the same again raises nothing');

-- Under replication's role the rows are changes all the same.
SET session_replication_role = replica;
INSERT INTO omni.item(sku) VALUES ('F');
RESET session_replication_role;
SELECT results_eq($$SELECT kind, code FROM pg_temp.news()$$, $$VALUES ('item.created', 'F')$$,
    'rows that arrive by replication raise events');

-- No values but codes, ids and column names.
SELECT is_empty($$SELECT * FROM omni.event
        WHERE payload::text ~ 'Apple|Bean|Egg|Date|EUR|inactive'$$,
    'no payload holds a value of a row but its codes');

SELECT * FROM finish();
