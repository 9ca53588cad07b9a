-- What goes, what stays, and what never changes.
\set QUIET 1
SET client_min_messages = warning;
SELECT no_plan();

INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('idle', 'web');
INSERT INTO omni.node(code, kind) VALUES ('S1', 'store'), ('idle', 'store');
INSERT INTO omni.item(sku) VALUES ('A'), ('idle');
INSERT INTO omni.item_code(code, sku) VALUES ('4006381333931', 'A'), ('96385074', 'idle');
SELECT omni.set_stock_policy('A', 'S1', 1), omni.set_stock_policy('idle', 'idle', 1) \g /dev/null

-- Ids stay.
SELECT throws_ok(format('UPDATE omni.%I SET id = id + 1000', t), 'OM004', NULL,
    t || ': an id cannot change')
FROM unnest('{channel,node,item,stock_policy}'::text[]) AS t;
SELECT lives_ok(format('UPDATE omni.%I SET id = id', t), t || ': the same id is no change')
FROM unnest('{channel,node,item,stock_policy}'::text[]) AS t;

-- TRUNCATE
SELECT throws_ok(format('TRUNCATE omni.%I CASCADE', t), 'OM004', NULL, 'TRUNCATE of ' || t)
FROM unnest('{channel,node,item,item_code,stock_policy}'::text[]) AS t;
SELECT is((SELECT count(*) FROM omni.item) + (SELECT count(*) FROM omni.item_code)
    + (SELECT count(*) FROM omni.stock_policy), 6::bigint, 'nothing went');

-- What nothing refers to goes, with its barcodes and policies.
SELECT lives_ok($$DELETE FROM omni.channel WHERE code = 'idle'$$, 'an idle channel goes');
SELECT lives_ok($$DELETE FROM omni.item WHERE sku = 'idle'$$, 'an idle item goes');
SELECT lives_ok($$DELETE FROM omni.node WHERE code = 'idle'$$, 'an idle node goes');
SELECT results_eq($$SELECT sku FROM omni.item_code$$, $$VALUES ('A')$$, 'its barcode, too');
SELECT is((SELECT count(*) FROM omni.stock_policy), 1::bigint, 'and its policy');

-- What the ledger knows stays.
SELECT count(*) = 1 AS stock FROM pg_proc
WHERE proname = 'receive_stock' AND pronamespace = 'omni'::regnamespace \gset
\if :stock
SELECT omni.receive_stock('S1', 'A', 1) \g /dev/null
SELECT omni.adjust_stock('S1', 'A', -1, 'found to be missing') \g /dev/null
SELECT throws_ok($$DELETE FROM omni.item WHERE sku = 'A'$$, 'OM004', NULL,
    'an item that the ledger knows');
SELECT throws_ok($$DELETE FROM omni.node WHERE code = 'S1'$$, 'OM004', NULL,
    'a node that the ledger knows');
SELECT lives_ok($$UPDATE omni.item SET status = 'inactive' WHERE sku = 'A'$$, 'the way out');
\else
SELECT skip('no stock domain in this build', 3);
\endif

SELECT * FROM finish();
