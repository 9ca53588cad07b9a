-- Rejected and short fulfilments: the units are planned again elsewhere.
SELECT plan(43);

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

SELECT omni.receive_stock(n, s, 10) > 0 AS received FROM unnest(ARRAY['S1', 'S2', 'S3']) n, unnest(ARRAY['A', 'B']) s \g /dev/null

-- ---- rejected ----

SELECT pg_temp.place('ship') AS o \gset
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT lives_ok('SELECT omni.reject_fulfilment(' || :f || $$, 'shelf is empty')$$, 'a node rejects');
SELECT is(pg_temp.fulfilments(:o), 'S1 rejected 5 shelf is empty, S2 allocated 5', 'the next one gets it');
SELECT is(pg_temp.quantities(:o), '0/0/2/0/0/0/0, 0/0/3/0/0/0/0', 'still allocated');
SELECT results_eq($$ SELECT node, reserved FROM omni.availability(ARRAY['A']) ORDER BY 1 $$, $$ VALUES ('S1', 0), ('S2', 2), ('S3', 0) $$, 'the promise moved with it');
SELECT is(omni.order_document(:o) #>> '{plan,requests,0,excluded,rejected}', '1', 'the new plan says whom it did not ask');
SELECT is((SELECT count(*) FROM omni.order_plan WHERE order_id = :o), 2::bigint, 'both plans are kept');
SELECT lives_ok('SELECT omni.accept_fulfilment(' || pg_temp.fulfilment(:o) || ')', 'the next one accepts');
SELECT lives_ok('SELECT omni.reject_fulfilment(' || pg_temp.fulfilment(:o) || ', NULL)', 'and rejects after all');
SELECT is(pg_temp.fulfilments(:o), 'S1 rejected 5 shelf is empty, S2 rejected 5, S3 allocated 5', 'neither is asked again');
SELECT lives_ok('SELECT omni.reject_fulfilment(' || pg_temp.fulfilment(:o) || ', NULL)', 'the last one rejects');
SELECT is(pg_temp.quantities(:o), '2/0/0/0/0/0/0 rejected, 3/0/0/0/0/0/0 rejected', 'nobody is left: open');
SELECT is(omni.order_document(:o) ->> 'status', 'open', 'and so is the order');
SELECT is(pg_temp.events(:o), 'order.placed fulfilment.allocated fulfilment.rejected fulfilment.allocated fulfilment.accepted fulfilment.rejected fulfilment.allocated fulfilment.rejected', 'all of it is in the feed');
SELECT is_empty($$ SELECT * FROM omni.reservation $$, 'nothing is promised');

SELECT pg_temp.place('ship', '{"options": {"backorder": true}}') AS o \gset
SELECT omni.reject_fulfilment(pg_temp.fulfilment(:o), NULL) AS void \gset
SELECT omni.reject_fulfilment(pg_temp.fulfilment(:o), NULL) AS void \gset
SELECT omni.reject_fulfilment(pg_temp.fulfilment(:o), NULL) AS void \gset
SELECT is(pg_temp.quantities(:o), '0/2/0/0/0/0/0 rejected, 0/3/0/0/0/0/0 rejected', 'backordered where the customer agreed');
SELECT omni.cancel_order(:o, NULL) AS void \gset
SELECT is(pg_temp.quantities(:o), '0/0/0/0/0/0/2, 0/0/0/0/0/0/3', 'and may be cancelled');

SELECT pg_temp.place('pickup') AS o \gset
SELECT omni.reject_fulfilment(pg_temp.fulfilment(:o), NULL) AS void \gset
SELECT is(pg_temp.quantities(:o), '2/0/0/0/0/0/0 rejected, 3/0/0/0/0/0/0 rejected', 'a pickup has no other node');

-- split, part of it rejected, ship_complete, max_splits
SELECT pg_temp.place('ship', '{"lines": [{"sku": "A", "quantity": 15, "unit_price": "1"}]}') AS o \gset
SELECT is(pg_temp.fulfilments(:o), 'S1 allocated 10, S2 allocated 5', 'an order over two nodes');
SELECT omni.reject_fulfilment(min(id), NULL) AS void FROM omni.fulfilment WHERE order_id = :o \gset
SELECT is(pg_temp.fulfilments(:o), 'S1 rejected 10, S2 allocated 5, S3 allocated 10', 'the rejected part alone is planned again');
SELECT omni.cancel_order(:o, NULL) AS void \gset
SELECT pg_temp.place('ship', '{"options": {"ship_complete": true}, "lines": [{"sku": "A", "quantity": 25, "unit_price": "1"}]}') AS o \gset
SELECT omni.reject_fulfilment(min(id), NULL) AS void FROM omni.fulfilment WHERE order_id = :o \gset
SELECT is(pg_temp.quantities(:o), '10/0/15/0/0/0/0 rejected', 'ship_complete: what is rejected is planned whole or not at all');
SELECT omni.cancel_order(:o, NULL) AS void \gset
SELECT pg_temp.place('ship', '{"options": {"max_splits": 1}, "lines": [{"sku": "A", "quantity": 12, "unit_price": "1"}]}') AS o \gset
SELECT is(pg_temp.fulfilments(:o), 'S1 allocated 10, S2 allocated 2', 'two parcels');
SELECT omni.reject_fulfilment(max(id), NULL) AS void FROM omni.fulfilment WHERE order_id = :o \gset
SELECT is(pg_temp.fulfilments(:o), 'S1 allocated 10, S2 rejected 2, S3 allocated 2', 'still two');
SELECT omni.cancel_order(:o, NULL) AS void \gset

-- ---- short ----

SELECT pg_temp.place('ship', '{"lines": [{"sku": "A", "quantity": 4, "unit_price": "1"}, {"sku": "A", "quantity": 2, "unit_price": "1"}, {"sku": "B", "quantity": 3, "unit_price": "1"}]}') AS o \gset
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT throws_ok(format('SELECT omni.pick_fulfilment(%s, %L)', :f, '[]'), 'OM004', 'fulfilment ' || :f || ' is "allocated" and cannot become "picked"', 'nothing is found before it was accepted');
SELECT omni.accept_fulfilment(:f) AS void \gset
SELECT lives_ok(format('SELECT omni.pick_fulfilment(%s, %L)', :f, '[{"line": 1, "quantity": 3}, {"line": 3, "quantity": 0}]'), 'a short pick');
SELECT is(pg_temp.fulfilments(:o), 'S1 picked 3 short_pick, S2 allocated 6', 'it goes on with what there is, the rest elsewhere');
SELECT is(pg_temp.quantities(:o), '0/0/1/3/0/0/0, 0/0/2/0/0/0/0, 0/0/3/0/0/0/0', 'what the lines say');
SELECT results_eq($$ SELECT sku, node, sum(quantity) FROM omni.reservation GROUP BY 1, 2 ORDER BY 1, 2 $$,
    $$ VALUES ('A', 'S1', 3::bigint), ('A', 'S2', 3), ('B', 'S2', 3) $$, 'and the promises');
SELECT is(pg_temp.events(:o), 'order.placed fulfilment.allocated fulfilment.accepted fulfilment.picked fulfilment.allocated', 'and the feed');
SELECT is((SELECT payload -> 'units' FROM omni_internal.outbox WHERE entity_id = :o AND kind = 'fulfilment.picked'), '3', 'with the units that were found');
SELECT omni.pack_fulfilment(:f) AS void \gset
SELECT omni.ship_fulfilment(:f) AS void \gset
SELECT is(pg_temp.quantities(:o), '0/0/1/0/3/0/0, 0/0/2/0/0/0/0, 0/0/3/0/0/0/0', 'what was found is shipped');
SELECT omni.reject_fulfilment(pg_temp.fulfilment(:o), NULL) AS void \gset
SELECT is(pg_temp.fulfilments(:o), 'S1 shipped 3 short_pick, S2 rejected 6, S3 allocated 6', 'a node that found too little is not asked again');
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT omni.accept_fulfilment(:f) AS void \gset
SELECT lives_ok(format('SELECT omni.pick_fulfilment(%s, %L)', :f, '[]'), 'nothing found at all');
SELECT is(pg_temp.fulfilments(:o), 'S1 shipped 3 short_pick, S2 rejected 6, S3 rejected 6 short_pick', 'is rejected');
SELECT is(pg_temp.quantities(:o), '1/0/0/0/3/0/0 short_pick, 2/0/0/0/0/0/0 short_pick, 3/0/0/0/0/0/0 short_pick', 'and leaves the rest open');
SELECT is(omni.order_document(:o) #>> '{lines,0,reason}', 'short_pick', 'with the reason in the document');
SELECT omni.cancel_order(:o, 'sold out') AS void \gset
SELECT is(omni.order_document(:o) ->> 'status', 'completed', 'cancelling the rest completes it');
SELECT is(pg_temp.quantities(:o), '0/0/0/0/3/0/1, 0/0/0/0/0/0/2, 0/0/0/0/0/0/3', 'what was shipped stays shipped');

SELECT pg_temp.place('pickup') AS o \gset
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT omni.accept_fulfilment(:f) AS void \gset
SELECT omni.pick_fulfilment(:f, '[{"line": 1, "quantity": 1}, {"line": 2, "quantity": 3}]') AS void \gset
SELECT is(pg_temp.quantities(:o), '1/0/0/1/0/0/0 short_pick, 0/0/0/3/0/0/0', 'a short pickup: the rest stays open');
SELECT omni.ready_fulfilment(:f) AS void \gset
SELECT omni.collect_fulfilment(:f) AS void \gset
SELECT is(omni.order_document(:o) ->> 'status', 'open', 'which keeps the order open');
SELECT omni.cancel_order_line(min(id), 1, NULL) AS void FROM omni.order_line WHERE order_id = :o \gset
SELECT is(omni.order_document(:o) ->> 'status', 'completed', 'until it is cancelled');

SELECT results_eq($$ SELECT sku, node, on_hand, reserved FROM omni.availability(ARRAY['A', 'B']) ORDER BY 1, 2 $$,
    $$ VALUES ('A', 'S1', 6, 0), ('A', 'S2', 10, 0), ('A', 'S3', 10, 0), ('B', 'S1', 7, 0), ('B', 'S2', 10, 0), ('B', 'S3', 10, 0) $$, 'what left is gone, nothing else');
SELECT is_empty($$ SELECT * FROM omni.reservation $$, 'no promise is left over');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'the stock is right');
SELECT * FROM finish();
