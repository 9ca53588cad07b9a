-- Cancelling orders and units of lines, until they have left.
SELECT plan(54);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 44.9, -93.2), ('S2', 'store', 41.9, -87.6), ('S3', 'store', 30, -90);
INSERT INTO omni.item(sku) VALUES ('A'), ('B'), ('C');
CREATE SEQUENCE pg_temp.numbers;
CREATE FUNCTION pg_temp.place(kind text, patch jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
    SELECT omni.place_order(jsonb_build_object('channel', 'web', 'currency', 'USD', 'external_id', nextval('pg_temp.numbers')::text,
        'fulfilment', CASE kind WHEN 'ship' THEN '{"kind": "ship", "address": {"country": "US", "latitude": 44.9, "longitude": -93.2}}'::jsonb
            ELSE jsonb_build_object('kind', kind, 'node', 'S1') END,
        'lines', '[{"sku": "A", "quantity": 2, "unit_price": "1"}, {"sku": "B", "quantity": 3, "unit_price": "1"}]'::jsonb) || patch) $$;
CREATE FUNCTION pg_temp.quantities(order_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws('/', open, backordered, allocated, picked, shipped, collected, cancelled) || COALESCE(' ' || reason, ''), ', ' ORDER BY line)
    FROM omni.order_line WHERE order_line.order_id = $1 $$;
CREATE FUNCTION pg_temp.fulfilments(order_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', n.code, f.status, (SELECT sum(quantity) FROM omni.fulfilment_line WHERE fulfilment_id = f.id), f.reason), ', ' ORDER BY f.id)
    FROM omni.fulfilment f JOIN omni.node n ON n.id = f.node_id WHERE f.order_id = $1 $$;
CREATE FUNCTION pg_temp.fulfilment(order_id bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT max(id) FROM omni.fulfilment f WHERE f.order_id = $1 $$;
CREATE FUNCTION pg_temp.events(order_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(kind, ' ' ORDER BY id) FROM omni_internal.outbox WHERE entity = 'order' AND entity_id = $1 $$;

SELECT omni.receive_stock('S1', s, 10) > 0 AS a, omni.receive_stock('S2', s, 10) > 0 AS b FROM unnest(ARRAY['A', 'B']) s \g /dev/null
CREATE FUNCTION pg_temp.line(order_id bigint, line int) RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM omni.order_line l WHERE l.order_id = $1 AND l.line = $2 $$;

-- ---- orders ----

SELECT pg_temp.place('ship') AS o \gset
SELECT lives_ok('SELECT omni.cancel_order(' || :o || $$, 'changed mind')$$, 'cancel');
SELECT is(pg_temp.quantities(:o), '0/0/0/0/0/0/2, 0/0/0/0/0/0/3', 'all units');
SELECT is(pg_temp.fulfilments(:o), 'S1 cancelled 5 changed mind', 'a cancelled fulfilment stays');
SELECT is(omni.order_document(:o) -> 'fulfilments' -> 0 ->> 'status', 'cancelled', 'with that status');
SELECT is(omni.order_document(:o) ->> 'status', 'cancelled', 'and so is the order');
SELECT is((SELECT cancel_reason FROM omni.sales_order WHERE id = :o), 'changed mind', 'and why');
SELECT is(omni.available('A', 'S1'), 10, 'the promise ended');
SELECT is(pg_temp.events(:o), 'order.placed fulfilment.allocated fulfilment.cancelled order.cancelled', 'events');
SELECT throws_ok('SELECT omni.cancel_order(' || :o || $$, '')$$, 'OM004', 'order ' || :o || ' is "cancelled" and cannot be cancelled', 'once is enough');
SELECT throws_ok('SELECT omni.accept_fulfilment(' || pg_temp.fulfilment(:o) || ')', 'OM004', NULL, 'no step leads back');
SELECT throws_ok('SELECT omni.cancel_order_line(' || pg_temp.line(:o, 1) || $$, 1, '')$$, 'OM004', NULL, 'and none on its lines');
SELECT is(pg_temp.place('ship', jsonb_build_object('external_id', (SELECT external_id FROM omni.sales_order WHERE id = :o))), :o::bigint, 'its key stays taken');

SELECT pg_temp.place('ship') AS o \gset
SELECT omni.accept_fulfilment(pg_temp.fulfilment(:o)), omni.pick_fulfilment(pg_temp.fulfilment(:o)), omni.pack_fulfilment(pg_temp.fulfilment(:o)) \g /dev/null
SELECT lives_ok('SELECT omni.cancel_order(' || :o || ', NULL)', 'even packed');
SELECT is(pg_temp.fulfilments(:o), 'S1 cancelled 5', 'without a reason');
SELECT is(omni.available('A', 'S1'), 10, 'back on sale');
SELECT pg_temp.place('pickup') AS o \gset
SELECT omni.accept_fulfilment(pg_temp.fulfilment(:o)), omni.pick_fulfilment(pg_temp.fulfilment(:o)), omni.ready_fulfilment(pg_temp.fulfilment(:o)) \g /dev/null
SELECT lives_ok('SELECT omni.cancel_order(' || :o || ', NULL)', 'even ready');

SELECT pg_temp.place('ship') AS o \gset
SELECT omni.accept_fulfilment(pg_temp.fulfilment(:o)), omni.pick_fulfilment(pg_temp.fulfilment(:o)), omni.pack_fulfilment(pg_temp.fulfilment(:o)), omni.ship_fulfilment(pg_temp.fulfilment(:o)) \g /dev/null
SELECT throws_ok('SELECT omni.cancel_order(' || :o || ', NULL)', 'OM004', 'order ' || :o || ' is "completed" and cannot be cancelled', 'not what has left');
SELECT pg_temp.place('take_away', '{"lines": [{"sku": "B", "quantity": 1, "unit_price": "1"}]}') AS o \gset
SELECT throws_ok('SELECT omni.cancel_order(' || :o || ', NULL)', 'OM004', NULL, 'not what was taken away');

SELECT pg_temp.place('ship', '{"lines": [{"sku": "A", "quantity": 10, "unit_price": "1"}, {"sku": "B", "quantity": 1, "unit_price": "1"}]}') AS o \gset
SELECT is(pg_temp.fulfilments(:o), 'S2 allocated 11', 'one parcel');
SELECT omni.cancel_order(:o, NULL) AS void \gset
SELECT pg_temp.place('ship', '{"options": {"backorder": true}, "lines": [{"sku": "A", "quantity": 19, "unit_price": "1"}, {"sku": "C", "quantity": 1, "unit_price": "1"}]}') AS o \gset
SELECT is(pg_temp.fulfilments(:o), 'S1 allocated 8, S2 allocated 10', 'two parcels');
SELECT min(id) AS f FROM omni.fulfilment WHERE order_id = :o \gset
SELECT omni.accept_fulfilment(:f), omni.pick_fulfilment(:f), omni.pack_fulfilment(:f), omni.ship_fulfilment(:f) \g /dev/null
SELECT lives_ok('SELECT omni.cancel_order(' || :o || $$, 'too late')$$, 'cancel when one has left');
SELECT is(pg_temp.quantities(:o), '0/0/0/0/8/0/11, 0/0/0/0/0/0/1', 'cancels the rest');
SELECT is(omni.order_document(:o) ->> 'status', 'completed', 'and completes the order');

-- ---- lines ----

SELECT pg_temp.place('ship', '{"options": {"backorder": true}, "lines": [{"sku": "A", "quantity": 16, "unit_price": "1"}, {"sku": "B", "quantity": 2, "unit_price": "1"}]}') AS o \gset
SELECT is(pg_temp.quantities(:o), '0/6/10/0/0/0/0 insufficient_stock, 0/0/2/0/0/0/0', 'sixteen ordered, ten there');
SELECT lives_ok('SELECT omni.cancel_order_line(' || pg_temp.line(:o, 1) || $$, 4, 'fewer')$$, 'four less');
SELECT is(pg_temp.quantities(:o), '0/2/10/0/0/0/4 insufficient_stock, 0/0/2/0/0/0/0', 'of those that nobody has');
SELECT lives_ok('SELECT omni.cancel_order_line(' || pg_temp.line(:o, 1) || $$, 5, 'fewer')$$, 'five less');
SELECT is(pg_temp.quantities(:o), '0/0/7/0/0/0/9, 0/0/2/0/0/0/0', 'then of those that are promised');
SELECT is(pg_temp.fulfilments(:o), 'S2 allocated 9', 'the fulfilment is for less');
SELECT is((SELECT sum(quantity) FROM omni.reservation), 9::bigint, 'and so is the promise');
SELECT is(omni.available('A', 'S2'), 3, 'the rest is on sale');
SELECT is(pg_temp.events(:o), 'order.placed order.backordered fulfilment.allocated order.line_cancelled order.line_cancelled', 'events');
SELECT is((SELECT payload FROM omni_internal.outbox WHERE entity_id = :o AND kind = 'order.line_cancelled' ORDER BY id LIMIT 1), '{"line": 1, "units": 4}', 'with line and units');
SELECT omni.accept_fulfilment(pg_temp.fulfilment(:o)), omni.pick_fulfilment(pg_temp.fulfilment(:o)) \g /dev/null
SELECT lives_ok('SELECT omni.cancel_order_line(' || pg_temp.line(:o, 1) || $$, 1, NULL)$$, 'a picked one');
SELECT is(pg_temp.quantities(:o), '0/0/0/6/0/0/10, 0/0/0/2/0/0/0', 'counts as cancelled');
SELECT throws_ok('SELECT omni.cancel_order_line(' || pg_temp.line(:o, 1) || $$, 7, '')$$, 'OM004', '7 units of line 1 cannot be cancelled', 'no more than there are');
SELECT lives_ok('SELECT omni.cancel_order_line(' || pg_temp.line(:o, 1) || $$, 6, '')$$, 'a whole line');
SELECT is(pg_temp.fulfilments(:o), 'S2 picked 2', 'the other line goes on');
SELECT is(jsonb_array_length(omni.order_document(:o) #> '{fulfilments,0,lines}'), 1, 'the document shows what is left');
SELECT lives_ok('SELECT omni.cancel_order_line(' || pg_temp.line(:o, 2) || $$, 2, 'all')$$, 'the last line');
SELECT is(pg_temp.fulfilments(:o), 'S2 cancelled 0 all', 'cancels its fulfilment');
SELECT is(omni.order_document(:o) ->> 'status', 'cancelled', 'and the order');

SELECT omni.receive_stock('S1', 'A', 10) > 0 AS received \g /dev/null
SELECT pg_temp.place('ship', '{"lines": [{"sku": "A", "quantity": 12, "unit_price": "1"}]}') AS o \gset
SELECT is(pg_temp.fulfilments(:o), 'S1 allocated 10, S2 allocated 2', 'over two nodes');
SELECT min(id) AS f FROM omni.fulfilment WHERE order_id = :o \gset
SELECT omni.accept_fulfilment(:f), omni.pick_fulfilment(:f) \g /dev/null
SELECT omni.cancel_order_line(pg_temp.line(:o, 1), 3, NULL) AS void \gset
SELECT is(pg_temp.fulfilments(:o), 'S1 picked 9, S2 cancelled 0', 'the work that has gone least far goes first');
SELECT is(pg_temp.quantities(:o), '0/0/0/9/0/0/3', 'and the line agrees');

-- ---- arguments ----

SELECT throws_ok(format('SELECT omni.%s', call), code, NULL, call) FROM (VALUES
    ('cancel_order(NULL, ''x'')', 'OM002'), ('cancel_order(987654321, ''x'')', 'OM002'), ('cancel_order(-1, NULL)', 'OM002'),
    ('cancel_order_line(NULL, 1, ''x'')', 'OM002'), ('cancel_order_line(987654321, 1, ''x'')', 'OM002'),
    ('cancel_order_line(1, NULL, ''x'')', 'OM002'), ('cancel_order_line(1, 0, ''x'')', 'OM007'), ('cancel_order_line(1, -2, ''x'')', 'OM007')) v(call, code);

SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'the stock is right');
SELECT * FROM finish();
