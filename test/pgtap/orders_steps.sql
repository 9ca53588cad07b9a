-- Fulfilment steps: every step from every state, what each does to quantities
-- and stock, and that nobody gets around the states.
SELECT plan(169);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 44.9, -93.2), ('S2', 'store', 41.9, -87.6), ('S3', 'store', 30, -90);
INSERT INTO omni.item(sku) VALUES ('A'), ('B');
SELECT omni.receive_stock('S1', s, 1000) > 0 AS received FROM unnest(ARRAY['A', 'B']) s \g /dev/null

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
-- take one step; the error's code, or ok
CREATE FUNCTION pg_temp.step(name text, id bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(CASE name WHEN 'reject' THEN 'SELECT omni.%s_fulfilment(%s, %L)' ELSE 'SELECT omni.%s_fulfilment(%s)' END, name, id, 'why');
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE FUNCTION pg_temp.walk(id bigint, VARIADIC names text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(pg_temp.step(name, id), ' ' ORDER BY n) FROM unnest(names) WITH ORDINALITY u(name, n) $$;

-- ---- the way of each kind ----

SELECT pg_temp.place('ship') AS o \gset
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT is(pg_temp.quantities(:o), '0/0/2/0/0/0/0, 0/0/3/0/0/0/0', 'born allocated');
SELECT is(omni.available('A', 'S1'), 998, 'and promised');
SELECT lives_ok('SELECT omni.accept_fulfilment(' || :f || ')', 'accept');
SELECT is(pg_temp.quantities(:o), '0/0/2/0/0/0/0, 0/0/3/0/0/0/0', 'an accepted unit counts as allocated');
SELECT lives_ok('SELECT omni.pick_fulfilment(' || :f || ')', 'pick');
SELECT is(pg_temp.quantities(:o), '0/0/0/2/0/0/0, 0/0/0/3/0/0/0', 'picked');
SELECT lives_ok('SELECT omni.pack_fulfilment(' || :f || $$, '[{"weight_g": 500}]')$$, 'pack');
SELECT is(pg_temp.quantities(:o), '0/0/0/2/0/0/0, 0/0/0/3/0/0/0', 'a packed unit counts as picked');
SELECT is((SELECT on_hand FROM omni.availability(ARRAY['A'])), 1000, 'still there');
SELECT lives_ok('SELECT omni.ship_fulfilment(' || :f || $$, '{"carrier": "X", "number": "1"}')$$, 'ship');
SELECT is(pg_temp.quantities(:o), '0/0/0/0/2/0/0, 0/0/0/0/3/0/0', 'shipped');
SELECT results_eq($$ SELECT on_hand, reserved FROM omni.availability(ARRAY['A']) $$, $$ VALUES (998, 0) $$, 'gone, and the promise with it');
SELECT is(omni.order_document(:o) ->> 'status', 'completed', 'nothing left: completed');
SELECT results_eq('SELECT parcels, tracking FROM omni.fulfilment WHERE id = ' || :f,
    $$ VALUES ('[{"weight_g": 500}]'::jsonb, '{"carrier": "X", "number": "1"}'::jsonb) $$, 'what the node said is kept');
SELECT is(pg_temp.events(:o), 'order.placed fulfilment.allocated fulfilment.accepted fulfilment.picked fulfilment.packed fulfilment.shipped order.completed', 'every step is an event');
SELECT is((SELECT payload FROM omni_internal.outbox WHERE entity_id = :o AND kind = 'fulfilment.shipped'),
    jsonb_build_object('fulfilment', :f::bigint, 'kind', 'ship', 'node', 'S1', 'units', 5), 'with ids and quantities');

SELECT pg_temp.place('pickup') AS o \gset
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT is(pg_temp.walk(:f, 'accept', 'pick', 'ready'), 'ok ok ok', 'a pickup until it is ready');
SELECT is(pg_temp.quantities(:o), '0/0/0/2/0/0/0, 0/0/0/3/0/0/0', 'a ready unit counts as picked');
SELECT lives_ok('SELECT omni.collect_fulfilment(' || :f || $$, 'Jane Roe')$$, 'collect');
SELECT is(pg_temp.quantities(:o), '0/0/0/0/0/2/0, 0/0/0/0/0/3/0', 'collected');
SELECT results_eq($$ SELECT on_hand, reserved FROM omni.availability(ARRAY['A']) $$, $$ VALUES (996, 0) $$, 'gone');
SELECT is((SELECT collected_by FROM omni.pickup_person WHERE fulfilment_id = :f), 'Jane Roe', 'by whom');
SELECT is_empty($$ SELECT 1 FROM omni_internal.outbox WHERE payload::text LIKE '%Jane%' $$, 'which is in no event');
SELECT is(pg_temp.events(:o), 'order.placed fulfilment.allocated fulfilment.accepted fulfilment.picked fulfilment.ready fulfilment.collected order.completed', 'events of a pickup');

SELECT pg_temp.place('take_away') AS o \gset
SELECT is(pg_temp.events(:o), 'order.placed fulfilment.collected order.completed', 'events of a till sale');

-- ---- every step from every state: only these are legal ----

CREATE TABLE legal(kind text, status text, step text);
INSERT INTO legal VALUES
    ('ship', 'allocated', 'accept'), ('ship', 'allocated', 'reject'), ('ship', 'accepted', 'pick'), ('ship', 'accepted', 'reject'),
    ('ship', 'picked', 'pack'), ('ship', 'packed', 'ship'),
    ('pickup', 'allocated', 'accept'), ('pickup', 'allocated', 'reject'), ('pickup', 'accepted', 'pick'), ('pickup', 'accepted', 'reject'),
    ('pickup', 'picked', 'ready'), ('pickup', 'ready', 'collect');
CREATE TABLE ways(kind text, status text, way text[]);
INSERT INTO ways VALUES
    ('ship', 'allocated', '{}'), ('ship', 'accepted', '{accept}'), ('ship', 'picked', '{accept,pick}'), ('ship', 'packed', '{accept,pick,pack}'),
    ('ship', 'shipped', '{accept,pick,pack,ship}'), ('ship', 'rejected', '{reject}'),
    ('pickup', 'allocated', '{}'), ('pickup', 'accepted', '{accept}'), ('pickup', 'picked', '{accept,pick}'), ('pickup', 'ready', '{accept,pick,ready}'),
    ('pickup', 'collected', '{accept,pick,ready,collect}'), ('pickup', 'rejected', '{reject}'),
    ('take_away', 'collected', '{}');
CREATE TABLE tried(kind text, status text, step text, before text, answer text);
CREATE FUNCTION pg_temp.try(a_kind text, a_status text, way text[], a_step text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    o bigint := pg_temp.place(a_kind);
    f bigint;
    was text;
BEGIN
    SELECT min(id) INTO f FROM omni.fulfilment WHERE order_id = o;
    IF cardinality(way) > 0 THEN
        PERFORM pg_temp.walk(f, VARIADIC way);
    END IF;
    SELECT status INTO was FROM omni.fulfilment WHERE id = f;
    INSERT INTO tried VALUES (a_kind, a_status, a_step, was, pg_temp.step(a_step, f));
END $$;
SELECT pg_temp.try(kind, status, way, step) FROM ways, unnest(ARRAY['accept', 'reject', 'pick', 'pack', 'ship', 'ready', 'collect']) step \g /dev/null
SELECT is(before, status, 'a ' || kind || ' that is ' || status || ' can be made') FROM (SELECT DISTINCT kind, status, before FROM tried) t;
SELECT is(answer, CASE WHEN EXISTS (SELECT FROM legal l WHERE (l.kind, l.status, l.step) = (t.kind, t.status, t.step)) THEN 'ok' ELSE 'OM004' END,
    step || ' a ' || kind || ' that is ' || status) FROM tried t;

-- ---- nobody gets around them, the owner neither ----

SELECT pg_temp.place('ship') AS o \gset
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT throws_ok('UPDATE omni.fulfilment SET status = ''shipped'' WHERE id = ' || :f, 'OM004', 'fulfilment ' || :f || ' is "allocated" and cannot become "shipped"', 'the owner cannot skip a step');
SELECT throws_ok('UPDATE omni.fulfilment SET status = ''ready'' WHERE id = ' || :f, 'OM004', NULL, 'or take one of another kind');
SELECT throws_ok('UPDATE omni.fulfilment SET status = ''lost'' WHERE id = ' || :f, 'OM004', NULL, 'or invent one');
SELECT throws_ok('UPDATE omni.fulfilment SET kind = ''pickup'' WHERE id = ' || :f, 'OM004', NULL, 'or change the kind');
SELECT throws_ok('UPDATE omni.fulfilment SET node_id = node_id + 1 WHERE id = ' || :f, 'OM004', NULL, 'or the node');
SELECT throws_ok('UPDATE omni.sales_order SET status = ''open'' WHERE status = ''completed''', 'OM004', NULL, 'or open an order again');
SELECT throws_ok('UPDATE omni.sales_order SET external_id = ''x'' WHERE id = ' || :o, 'OM004', NULL, 'or change its key');
SELECT throws_ok('UPDATE omni.order_line SET shipped = shipped - 1, open = open + 1 WHERE shipped > 0', 'OM004', NULL, 'or bring back what was shipped');
SELECT throws_ok('UPDATE omni.order_line SET picked = picked + 1 WHERE order_id = ' || :o, '23514', NULL, 'or break the sum');
SELECT throws_ok('UPDATE omni.order_line SET open = -1, picked = picked + 1 WHERE order_id = ' || :o, '23514', NULL, 'or go below zero');
SELECT throws_ok('UPDATE omni.order_line SET returned = 1 WHERE order_id = ' || :o, '23514', NULL, 'or return what has not left');
SET session_replication_role = replica;
SELECT throws_ok('UPDATE omni.fulfilment SET status = ''shipped'' WHERE id = ' || :f, 'OM004', NULL, 'not as a replica either');
RESET session_replication_role;
SELECT throws_ok($$ INSERT INTO omni.fulfilment(order_id, request, node_id, kind, status, created_at, changed_at) VALUES ($$ || :o || $$, 1, 1, 'take_away', 'allocated', now(), now()) $$,
    '23514', NULL, 'a row must be right by itself');
-- the states are data
INSERT INTO omni_internal.fulfilment_transition(kind, from_status, to_status) VALUES ('ship', 'allocated', 'picked');
SELECT is(pg_temp.step('pick', :f), 'ok', 'a retailer may add a step');
DELETE FROM omni_internal.fulfilment_transition WHERE NOT built_in;

-- ---- arguments ----

SELECT throws_ok(format('SELECT omni.%s', call), code, NULL, call) FROM (VALUES
    ('accept_fulfilment(NULL)', 'OM002'), ('accept_fulfilment(0)', 'OM002'), ('accept_fulfilment(987654321)', 'OM002'),
    ('reject_fulfilment(NULL, NULL)', 'OM002'), ('pick_fulfilment(NULL)', 'OM002'), ('pack_fulfilment(987654321)', 'OM002'),
    ('ship_fulfilment(-1)', 'OM002'), ('ready_fulfilment(NULL)', 'OM002'), ('collect_fulfilment(NULL, ''x'')', 'OM002'),
    ('order_document(NULL)', 'OM002'), ('order_document(987654321)', 'OM002')) v(call, code);
SELECT pg_temp.place('ship') AS o \gset
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT is(pg_temp.walk(:f, 'accept'), 'ok', 'an accepted one');
SELECT throws_ok(format('SELECT omni.pick_fulfilment(%s, %L)', :f, picked), code, NULL, 'picked: ' || picked) FROM (VALUES
    ('{}', 'OM006'), ('1', 'OM006'), ('[1]', 'OM006'), ('[{}]', 'OM006'), ('[{"line": 1}]', 'OM006'), ('[{"line": 1, "quantity": -1}]', 'OM006'),
    ('[{"line": 1, "quantity": 1, "sku": "A"}]', 'OM006'), ('[{"line": 1, "quantity": 1}, {"line": 1, "quantity": 1}]', 'OM006'),
    ('[{"line": 9, "quantity": 1}]', 'OM002'), ('[{"line": 1, "quantity": 3}]', 'OM007')) v(picked, code);
SELECT lives_ok(format('SELECT omni.pick_fulfilment(%s, %L)', :f, '[{"line": 2, "quantity": 3}, {"line": 1, "quantity": 2}]'), 'all of it, named');
SELECT throws_ok(format('SELECT omni.pack_fulfilment(%s, %L)', :f, '"box"'), 'OM006', NULL, 'parcels as a string');
SELECT is((SELECT status FROM omni.fulfilment WHERE id = :f), 'picked', 'an error leaves the step undone');

SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'the stock is right');
SELECT * FROM finish();
