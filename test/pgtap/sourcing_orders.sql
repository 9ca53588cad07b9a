-- What buyers and retailers see of sourcing: orders take the cheapest way, keep
-- the retailer's rules, capacity and policies, and say why.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SELECT plan(60);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('outlet', 'web');
INSERT INTO omni.node(code, kind, latitude, longitude, country) VALUES
    ('NEAR', 'store', 44.9, -93.2, 'US'), ('MID', 'store', 44.0, -93.0, 'US'), ('FAR', 'warehouse', 41.9, -87.6, 'US');
INSERT INTO omni.item(sku, category) VALUES ('A', 'kitchen'), ('B', 'kitchen/mugs'), ('C', 'garden'), ('D', NULL), ('E', NULL), ('P', NULL);
SELECT omni.receive_stock(n, s, q) > 0 AS received FROM (VALUES ('NEAR', 'A', 10), ('MID', 'A', 15), ('FAR', 'A', 40), ('NEAR', 'B', 5), ('FAR', 'B', 50),
    ('FAR', 'C', 20), ('MID', 'C', 20), ('NEAR', 'D', 8), ('MID', 'D', 8), ('FAR', 'D', 8)) t(n, s, q) \g /dev/null

CREATE SEQUENCE pg_temp.numbers;
CREATE FUNCTION pg_temp.document(lines jsonb, patch jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('channel', 'web', 'currency', 'USD', 'external_id', nextval('pg_temp.numbers')::text,
        'fulfilment', '{"kind": "ship", "address": {"country": "US", "latitude": 44.9, "longitude": -93.2, "postal_code": "55401", "region": "MN"}}'::jsonb,
        'lines', (SELECT jsonb_agg(jsonb_build_object('sku', key, 'quantity', value, 'unit_price', '10.00')) FROM jsonb_each(lines))) || patch $$;
CREATE FUNCTION pg_temp.place(lines jsonb, patch jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
    SELECT omni.place_order(pg_temp.document(lines, patch)) $$;
CREATE FUNCTION pg_temp.plan(lines jsonb, patch jsonb DEFAULT '{}', explain text[] DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT omni.plan_order(pg_temp.document(lines, patch), explain) #> '{plan,requests,0}' $$;
-- "NEAR 3, FAR 1": who would ship how much
CREATE FUNCTION pg_temp.ways(plan jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg((n ->> 'node') || ' ' || (n ->> 'units'), ', ') FROM jsonb_array_elements(plan -> 'nodes') n $$;
CREATE FUNCTION pg_temp.fulfilments(order_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', n.code, f.status, (SELECT sum(quantity) FROM omni.fulfilment_line WHERE fulfilment_id = f.id)), ', ' ORDER BY f.id)
    FROM omni.fulfilment f JOIN omni.node n ON n.id = f.node_id WHERE f.order_id = $1 $$;
-- what waits and why; the order is cancelled then, lest the queue serves it
CREATE FUNCTION pg_temp.waits(order_id bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text := (SELECT string_agg(concat_ws(' ', line, open + backordered, reason), ', ' ORDER BY line) FROM omni.order_line l WHERE l.order_id = $1 AND open + backordered > 0);
BEGIN
    PERFORM omni.cancel_order(order_id, NULL);
    RETURN answer;
END $$;
CREATE FUNCTION pg_temp.fulfilment(order_id bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT max(id) FROM omni.fulfilment f WHERE f.order_id = $1 $$;
CREATE FUNCTION pg_temp.today() RETURNS date LANGUAGE sql AS $$ SELECT (pg_temp.plan('{"A": 1}') #>> '{nodes,0,ship_day}')::date $$;

-- ---- "13 over 10 + 15 became 10 + 13": what is allocated is what was asked for ----

SELECT is(pg_temp.ways(pg_temp.plan('{"A": 13}')), 'MID 13', 'one parcel from the next store, not two');
SELECT is((SELECT count(*) FROM jsonb_array_elements(pg_temp.plan('{"A": 60}') -> 'nodes')), 3::bigint, 'three stores where two do not have as much');
SELECT is((SELECT sum((n ->> 'units')::int) FROM jsonb_array_elements(pg_temp.plan(jsonb_build_object('A', q)) -> 'nodes') n), q::bigint, 'and ' || q || ' are ' || q)
    FROM unnest('{1,10,11,25,26,64,65}'::int[]) q;

-- ---- "it was for sale, and could not be ordered": what is available can be promised, to the unit ----

SELECT throws_ok(format($$ SELECT pg_temp.place('{"A": %s}') $$, omni.available('A') + 1), 'OM001', NULL, 'one more than is available');
SELECT lives_ok(format($$ SELECT pg_temp.place('{"A": %s}') $$, omni.available('A')), 'all that is available');
SELECT is(omni.available('A'), 0, 'is gone then');
SELECT omni.cancel_order(max(id), NULL) AS void FROM omni.sales_order \gset
SELECT omni.reserve_stock('D', 20) > 0 AS held \g /dev/null
SELECT is((SELECT sum(on_hand - reserved) FROM omni.availability('{D}')), 24::bigint, 'units held for nobody''s node lie at all of them');
SELECT is(pg_temp.plan('{"D": 6}', '{"options": {"backorder": true}}') ->> 'planned', '4', 'no more is planned than the pool has');
SELECT throws_ok($$ SELECT pg_temp.place('{"D": 6}') $$, 'OM001', NULL, 'nor promised');

-- ---- costs: routing at placement, by what it costs, not by what is near ----

INSERT INTO omni.node_policy(node, shipment_cost) VALUES ('NEAR', 700);
SELECT is(pg_temp.ways(pg_temp.plan('{"A": 2}')), 'MID 2', 'a store that packs dearly is passed over for one that is 100 km further');
SELECT is((SELECT (n ->> 'cost')::int - (n ->> 'freight')::int - (n ->> 'distance_cost')::int FROM jsonb_array_elements(pg_temp.plan('{"A": 2}') -> 'nodes') n), 0, 'its cost is its terms');
SELECT is((SELECT e ->> 'extra_cost' FROM jsonb_array_elements(pg_temp.plan('{"A": 2}', '{}', '{NEAR}') -> 'explain') e)::int,
    (SELECT 1200 - (pg_temp.plan('{"A": 2}') ->> 'cost')::int), 'why not the near one: it would cost just so much more');
DELETE FROM omni.node_policy;
SELECT is(pg_temp.ways(pg_temp.plan('{"A": 2}')), 'NEAR 2', 'the change counts at once');
INSERT INTO omni.shadow_price(item, node, shadow) SELECT i.id, n.id, 600 FROM omni.item i, omni.node n WHERE i.sku = 'A' AND n.code = 'NEAR';
SELECT is(pg_temp.ways(pg_temp.plan('{"A": 2}')), 'MID 2', 'units that would sell where they lie stay there');
DELETE FROM omni.shadow_price;
SELECT is(pg_temp.plan('{"A": 2}') -> 'proven', 'true'::jsonb, 'the plan is proven');

-- ---- "unwanted split shipments, and nobody can see why" ----

SELECT is(pg_temp.ways(pg_temp.plan('{"A": 2, "B": 6}')), 'FAR 8', 'one parcel from far is cheaper than two');
INSERT INTO omni.sourcing_policy(split_penalty) VALUES (0);
INSERT INTO omni.node_policy(node, shipment_cost) VALUES ('FAR', 400), ('MID', 0);
SELECT is(pg_temp.ways(pg_temp.plan('{"B": 2, "C": 2}')), 'NEAR 2, MID 2', 'without a penalty two near ones are');
UPDATE omni.sourcing_policy SET min_split_value = 'USD 50.00';
SELECT is(pg_temp.ways(pg_temp.plan('{"B": 2, "C": 2}')), 'FAR 4', 'parcels of less than 50 dollars are not worth it');
SELECT is(pg_temp.ways(pg_temp.plan('{"B": 5, "C": 5}')), 'NEAR 5, MID 5', 'those of 50 are');
UPDATE omni.sourcing_policy SET min_split_value = NULL, max_shipments = 1;
SELECT is(pg_temp.ways(pg_temp.plan('{"B": 2, "C": 2}')), 'FAR 4', 'one shipment an order');
UPDATE omni.sourcing_policy SET max_shipments = NULL;
SELECT is(pg_temp.ways(pg_temp.plan('{"B": 2, "C": 2}', '{"options": {"max_splits": 0}}')), 'FAR 4', 'or the buyer says so');
UPDATE omni.sourcing_policy SET whole_lines = true;
SELECT throws_ok($$ SELECT pg_temp.place('{"A": 41}') $$, 'OM001', NULL, 'a line that is not divided');
SELECT is(pg_temp.waits(pg_temp.place('{"A": 41}', '{"options": {"park": true}}')), '1 41 whole_line', 'and says why it waits');
UPDATE omni.sourcing_policy SET whole_lines = false, ship_complete = true;
SELECT is(pg_temp.waits(pg_temp.place('{"B": 2, "E": 1}', '{"options": {"park": true}}')), '1 2 ship_complete, 2 1 insufficient_stock', 'everything or nothing');
DELETE FROM omni.sourcing_policy;
DELETE FROM omni.node_policy;

-- ---- rules ----

INSERT INTO omni.routing_rule(position, name, action, node) VALUES (10, 'the near one is being moved', 'exclude', 'NEAR');
INSERT INTO omni.routing_rule(position, name, action, node_kind, item_category) VALUES (20, 'garden from warehouses', 'only', 'warehouse', 'garden');
SELECT is(pg_temp.ways(pg_temp.plan('{"A": 1}')), 'MID 1', 'a rule keeps a node out');
SELECT is(pg_temp.plan('{"A": 1}') #> '{excluded,rules}', '[{"position": 10, "name": "the near one is being moved", "nodes": 1}]', 'and is named with how many');
SELECT is((SELECT concat_ws(' ', e ->> 'verdict', e ->> 'position', e ->> 'rule') FROM jsonb_array_elements(pg_temp.plan('{"A": 1}', '{}', '{NEAR}') -> 'explain') e),
    'routing_rule 10 the near one is being moved', 'why not this store');
SELECT is(pg_temp.ways(pg_temp.plan('{"C": 1}')), 'FAR 1', 'a rule about a category');
SELECT throws_ok($$ SELECT pg_temp.place('{"C": 21}') $$, 'OM001', NULL, 'what others have of it does not help');
SELECT is(pg_temp.waits(pg_temp.place('{"C": 21}', '{"options": {"park": true}}')), '1 1 routing_rule', 'the unit that a rule keeps back says so');
DELETE FROM omni.routing_rule;
UPDATE omni.node SET status = 'paused' WHERE code = 'NEAR';
SELECT is(pg_temp.ways(pg_temp.plan('{"A": 1}')), 'MID 1', 'a paused node is asked for nothing, at once');
UPDATE omni.node SET status = 'active' WHERE code = 'NEAR';

-- ---- when it comes ----

INSERT INTO omni.carrier(code) VALUES ('VAN');
INSERT INTO omni.service(code, carrier, transit_days, pickup_days, delivery_days) VALUES ('slow', 'VAN', 4, '{1,2,3,4,5,6,7}', '{1,2,3,4,5,6,7}'), ('fast', 'VAN', 1, '{1,2,3,4,5,6,7}', '{1,2,3,4,5,6,7}');
INSERT INTO omni.service_rate(service, zone, up_to_g, rate) SELECT s, z, 20000, r FROM (VALUES ('slow', 500), ('fast', 900)) t(s, r), generate_series(1, 9) z;
SELECT is(pg_temp.plan('{"A": 1}') #>> '{nodes,0,service}', 'slow', 'the cheap service where nobody is in a hurry');
SELECT is((pg_temp.plan('{"A": 1}') #>> '{nodes,0,delivery_day}')::date - (pg_temp.plan('{"A": 1}') #>> '{nodes,0,ship_day}')::date, 4, 'with its day');
SELECT is(pg_temp.plan('{"A": 1}', jsonb_build_object('fulfilment', jsonb_build_object('kind', 'ship', 'address', '{"country": "US", "latitude": 44.9, "longitude": -93.2}'::jsonb,
    'promise_by', (pg_temp.today() + 2)::text || 'T12:00:00Z'))) #>> '{nodes,0,service}', 'fast', 'the fast one where a promise was made');
DELETE FROM omni.carrier;

-- ---- what serving may cost ----

UPDATE omni.item SET unfilled_cost = 50 WHERE sku = 'B';
SELECT is(pg_temp.waits(pg_temp.place('{"B": 1}', '{"options": {"backorder": true}}')), '1 1 unfilled_cost', 'a unit that costs more to send than to leave waits');
SELECT is(pg_temp.fulfilments(pg_temp.place('{"B": 1}')), 'NEAR allocated 1', 'but nobody is refused for it');
UPDATE omni.item SET unfilled_cost = NULL WHERE sku = 'B';

-- ---- capacity: counted, taken with the units, given back ----

SELECT pg_temp.today() AS today \gset
INSERT INTO omni.node_capacity(node, day, units) VALUES ('NEAR', :'today', 5);
CREATE FUNCTION pg_temp.day() RETURNS date LANGUAGE sql AS $$ SELECT day FROM omni.node_capacity WHERE node = 'NEAR' $$;
CREATE FUNCTION pg_temp.capacity() RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(' ', promised, done, available) FROM omni.capacity('NEAR', pg_temp.day()) $$;
SELECT pg_temp.place('{"A": 4}') AS o1 \gset
SELECT is(pg_temp.fulfilments(:o1), 'NEAR allocated 4', 'the first order goes to the near store');
SELECT is(pg_temp.capacity(), '4 0 1', 'and takes of its day');
SELECT is(pg_temp.ways(pg_temp.plan('{"A": 4}')), 'MID 4', 'the next goes elsewhere: there is room for one only');
SELECT is(pg_temp.fulfilments(pg_temp.place('{"A": 1}')), 'NEAR allocated 1', 'one unit fits');
SELECT is(pg_temp.plan('{"A": 1}') #>> '{excluded,no_capacity}', '1', 'then the store is full, and the plan says so');
SELECT is(pg_temp.waits(pg_temp.place('{"A": 1}', '{"fulfilment": {"kind": "pickup", "node": "NEAR"}, "options": {"backorder": true}}')), '1 1 no_capacity', 'for pickups, too');
SELECT omni.accept_fulfilment(pg_temp.fulfilment(:o1)), omni.pick_fulfilment(pg_temp.fulfilment(:o1), '[{"line": 1, "quantity": 3}]') \g /dev/null
SELECT is(pg_temp.capacity(), '4 0 1', 'a unit that was not found gives its place back');
SELECT omni.pack_fulfilment(id), omni.ship_fulfilment(id) FROM omni.fulfilment WHERE order_id = :o1 AND status = 'picked' \g /dev/null
SELECT is(pg_temp.capacity(), '1 3 1', 'what was shipped was done');
SELECT omni.cancel_order(max(order_id), NULL) AS void FROM omni.fulfilment f JOIN omni.node n ON n.id = f.node_id WHERE n.code = 'NEAR' AND f.status = 'allocated' AND order_id > :o1 \gset
SELECT is(pg_temp.capacity(), '0 3 2', 'what is cancelled gives it back');
SELECT pg_temp.place('{"A": 2}') AS o2 \gset
SELECT omni.reject_fulfilment(pg_temp.fulfilment(:o2), NULL) AS void \gset
SELECT is(pg_temp.fulfilments(:o2) || ', ' || pg_temp.capacity(), 'NEAR rejected 2, MID allocated 2, 0 3 2', 'what is rejected moves, with its place');
SELECT pg_temp.place('{"A": 2}') AS o3 \gset
SELECT omni.cancel_order_line(min(id), 1, NULL) AS void FROM omni.order_line WHERE order_id = :o3 \gset
SELECT is(pg_temp.fulfilments(:o3) || ', ' || pg_temp.capacity(), 'NEAR allocated 1, 1 3 1', 'and a unit of a line');
SELECT is(pg_temp.fulfilments(pg_temp.place('{}', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "1"},
    {"sku": "A", "quantity": 1, "unit_price": "1", "fulfilment": {"kind": "ship", "address": {"country": "US", "latitude": 44.91, "longitude": -93.2}}}]}')),
    'NEAR allocated 1, MID allocated 1', 'two addresses of one order do not share the last place');
DELETE FROM omni.node_capacity;
INSERT INTO omni.node_policy(node, soft_daily_units, over_cost) VALUES ('NEAR', 0, 300);
SELECT is(pg_temp.ways(pg_temp.plan('{"A": 1}')), 'MID 1', 'a store above its soft limit is dearer');
SELECT is((SELECT string_agg(DISTINCT k, ',') FROM jsonb_array_elements(pg_temp.plan('{"A": 1}', '{}', '{NEAR}') -> 'explain') e, jsonb_object_keys(e) k WHERE k = 'extra_cost'), 'extra_cost', 'and that is explained');
DELETE FROM omni.node_policy;

-- ---- the dry run is the same without effect ----

SELECT pg_temp.plan('{"A": 3, "C": 1}') AS planned \gset
SELECT pg_temp.place('{"A": 3, "C": 1}') AS o4 \gset
SELECT is(omni.order_document(:o4) #> '{plan,requests,0}', :'planned'::jsonb, 'placing does what the dry run said');
SELECT cmp_ok(length((omni.order_document(:o4) -> 'plan')::text), '<', 2000, 'a plan is small');
SELECT throws_ok($$ SELECT omni.plan_order(pg_temp.document('{"A": 1}'), '{NOWHERE}') $$, 'OM002', NULL, 'asking about a node that there is not');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'the stock is right');
SELECT * FROM finish();
