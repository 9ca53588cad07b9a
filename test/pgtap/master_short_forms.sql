-- The short forms of the contract, their defaults, COPY, and barcodes.
\set QUIET 1
SET client_min_messages = warning;
SELECT no_plan();

SELECT lives_ok($$INSERT INTO omni.channel(code, kind) VALUES ('web', 'web')$$, 'channel');
SELECT lives_ok($$INSERT INTO omni.node(code, kind, latitude, longitude)
    VALUES ('S1', 'store', 44.97, -93.27)$$, 'node');
SELECT lives_ok($$INSERT INTO omni.item(sku) VALUES ('A')$$, 'item');
SELECT lives_ok($$INSERT INTO omni.item_code(code, sku, pack_quantity)
    VALUES ('4006381333931', 'A', 6)$$, 'item_code');

SELECT row_eq($$SELECT id, code, kind, name, currency, may_refuse, status FROM omni.channel$$,
    ROW(1::bigint, 'web'::text, 'web'::text, NULL::text, NULL::text, true, 'active'::text),
    'defaults of a channel');
SELECT row_eq($$SELECT id, name, country, region, city, street, postal_code, timezone, status,
        safety, ships, pickup FROM omni.node$$,
    ROW(1::bigint, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
        'UTC'::text, 'active'::text, 0, true, true),
    'defaults of a node');
SELECT row_eq($$SELECT id, sku, name, unit, status FROM omni.item$$,
    ROW(1::bigint, 'A'::text, NULL::text, 'piece'::text, 'active'::text),
    'defaults of an item');

INSERT INTO omni.node(code, kind) VALUES ('W1', 'warehouse'), ('D1', 'dropship'), ('V1', 'virtual');
SELECT results_eq($$SELECT code, pickup FROM omni.node ORDER BY id$$,
    $$VALUES ('S1', true), ('W1', false), ('D1', false), ('V1', false)$$,
    'customers collect in stores');
INSERT INTO omni.node(code, kind, pickup) VALUES ('W2', 'warehouse', true), ('S2', 'store', false);
SELECT results_eq($$SELECT code, pickup FROM omni.node WHERE code IN ('W2', 'S2') ORDER BY id$$,
    $$VALUES ('W2', true), ('S2', false)$$, 'unless the row says otherwise');

-- COPY
COPY omni.item(sku, name, unit) FROM stdin;
B	Beans	gram
C	\N	piece
\.
COPY omni.item_code FROM stdin;
96385074	B	500
\.
SELECT results_eq($$SELECT sku, name, unit FROM omni.item WHERE sku IN ('B', 'C') ORDER BY sku$$,
    $$VALUES ('B', 'Beans', 'gram'), ('C', NULL, 'piece')$$, 'COPY of items');

-- What a dump does: ids and all.
COPY omni.node(id, code, kind, latitude, longitude, timezone, status, safety, ships, pickup) FROM stdin;
900	S900	store	1	2	UTC	active	0	t	f
\.
SELECT row_eq($$SELECT id, pickup FROM omni.node WHERE code = 'S900'$$, ROW(900::bigint, false),
    'COPY with an id of one''s own');

-- barcodes
SELECT row_eq($$SELECT * FROM omni.scan_barcode('4006381333931')$$, ROW('A'::text, 6),
    'a scan gives the sku and the pack');
SELECT row_eq($$SELECT * FROM omni.scan_barcode('04006381333931')$$, ROW('A'::text, 6),
    'however the GTIN is written');
SELECT throws_ok($$SELECT * FROM omni.scan_barcode('4006381333948')$$, 'OM002', NULL,
    'unknown barcode');
SELECT throws_ok($$SELECT * FROM omni.scan_barcode('4006381333932')$$, 'OM010', NULL,
    'wrong check digit');
SELECT throws_ok($$SELECT * FROM omni.scan_barcode(NULL)$$, 'OM002', NULL, 'NULL');
UPDATE omni.item SET sku = 'A2' WHERE sku = 'A';
SELECT row_eq($$SELECT * FROM omni.scan_barcode('4006381333931')$$, ROW('A2'::text, 6),
    'a barcode follows the sku of its item');
DELETE FROM omni.item WHERE sku = 'A2';
SELECT throws_ok($$SELECT * FROM omni.scan_barcode('4006381333931')$$, 'OM002', NULL,
    'and goes with it');

-- stock policies by code
SELECT lives_ok($$SELECT omni.set_stock_policy('B', 'S1', 4)$$, 'a policy');
SELECT lives_ok($$SELECT omni.set_stock_policy('B', 'S1', 5)$$, 'another number');
SELECT lives_ok($$SELECT omni.set_stock_policy('C', 'S1', 0)$$, 'none kept back of one item');
SELECT results_eq($$SELECT i.sku, n.code, p.safety FROM omni.stock_policy AS p
        JOIN omni.item AS i ON i.id = p.item JOIN omni.node AS n ON n.id = p.node ORDER BY 1$$,
    $$VALUES ('B', 'S1', 5), ('C', 'S1', 0)$$, 'one row per item and node');
SELECT lives_ok($$SELECT omni.set_stock_policy('B', 'S1', NULL)$$, 'take it away');
SELECT lives_ok($$SELECT omni.set_stock_policy('B', 'S1', NULL)$$, 'twice is no error');
SELECT is((SELECT count(*) FROM omni.stock_policy), 1::bigint, 'it has gone');

SELECT * FROM finish();
