-- omni.solve_sourcing: orders whose optimum is worked out by hand, what must
-- hold for every order, errors, rights.
SELECT plan(75);

-- Two units of a light line (500 g each), one of a heavy one (1,500 g).
-- Brackets of 1,000 g. Node 0 (dc) and 1 (store) are in zone 1, node 2
-- (store) is where the order goes: zone 0, free.
CREATE TABLE base(instance jsonb);
INSERT INTO base VALUES ('{
  "params": {"bracket_g": 1000, "parcel_max_g": 4000, "split_penalty": 50, "late_fixed": 40, "late_per_day": 10,
    "services": [{"code": "ground", "types": ["dc", "store"], "transit": [0, 1], "rate": [[0, 0, 0, 0, 0], [0, 100, 150, 190, 220]]},
                 {"code": "express", "types": ["dc"], "transit": [0, 0], "rate": [[0, 0, 0, 0, 0], [0, 300, 320, 340, 360]]}]},
  "order": {"mode": "ship", "promise_day": 3, "max_nodes": 0, "ship_complete": false, "lines": [
    {"item": 7, "qty": 2, "weight_g": 500, "price": 500, "unfilled_cost": 400, "splittable": true},
    {"item": 9, "qty": 1, "weight_g": 1500, "price": 300, "unfilled_cost": 300, "splittable": false}]},
  "nodes": {"id": ["a", "b", "c"], "type": ["dc", "store", "store"], "zone": [1, 1, 0], "ship_day": [0, 0, 0],
    "shipment_cost": [20, 30, 10], "unit_cost": [5, 2, 4], "unit_cap": [-1, -1, -1], "soft_cap": [-1, -1, -1], "over_cost": [0, 0, 0]},
  "stock": [[0, 0, 2, 0, 0], [0, 1, 1, 0, 0], [1, 0, 2, 0, 0], [2, 1, 1, 0, 0]]}');

-- the base, changed at one path
CREATE FUNCTION but(path text, value jsonb) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT jsonb_set(instance, path::text[], value) FROM base $$;
CREATE FUNCTION solved(instance jsonb) RETURNS text LANGUAGE sql AS
    $$ SELECT format('%s %s %s', r ->> 'cost', r ->> 'proven', r -> 'solution') FROM omni.solve_sourcing(instance) r $$;

-- ---- by hand ----
-- all from 0: 20 + 190 (2,500 g: 3 brackets) + 3 * 5 = 225
-- light from 0: 20 + 100 + 10 = 130; from 1: 30 + 100 + 4 = 134; heavy from 2: 10 + 0 + 4 = 14; split 50
SELECT is(solved(instance), '194 true {"0": [2, 0], "2": [0, 1]}', 'two shipments are cheaper than one: 130 + 14 + 50') FROM base;
SELECT is(solved(but('{order,max_nodes}', '1')), '225 true {"0": [2, 1]}', 'with one node at most, one ships all');
SELECT is(solved(but('{params,split_penalty}', '82')), '225 true {"0": [2, 1]}', 'a split that costs 82 does not pay: 144 + 82 > 225');
SELECT is(solved(but('{params,split_penalty}', '80')), '224 true {"0": [2, 0], "2": [0, 1]}', 'one of 80 does');
-- 0 ships one unit of the light line at most: 134 + 14 + 50
SELECT is(solved(but('{nodes,unit_cap}', '[1, -1, -1]')), '198 true {"1": [2, 0], "2": [0, 1]}', 'a hard cap');
SELECT is(solved(but('{nodes,unit_cap}', '[0, 0, 0]')), '1100 true {}', 'nobody may ship: 2 * 400 + 300');
-- above the soft cap 7 more: 137 + 14 + 50 = 201 > 198
SELECT is(solved(jsonb_set(but('{nodes,soft_cap}', '[1, -1, -1]'), '{nodes,over_cost}', '[7, 0, 0]')), '198 true {"1": [2, 0], "2": [0, 1]}', 'a soft cap costs');
SELECT is(solved(jsonb_set(but('{nodes,soft_cap}', '[1, -1, -1]'), '{nodes,over_cost}', '[3, 0, 0]')), '197 true {"0": [2, 0], "2": [0, 1]}', 'and may be worth it');
-- 2 ships on day 5, two days late: 40 + 20; 130 + 74 + 50 > 225
SELECT is(solved(but('{nodes,ship_day}', '[0, 0, 5]')), '225 true {"0": [2, 1]}', 'late shipments cost');
-- 0 ships on day 3: ground is a day late (+ 50): 180 + 14 + 50 = 244; express is on time: 20 + 300 + 10; so 1 ships: 198
SELECT is(solved(but('{nodes,ship_day}', '[3, 0, 0]')), '198 true {"1": [2, 0], "2": [0, 1]}', 'so another node may be cheaper');
SELECT is((SELECT r -> 'shipments' -> 0 ->> 'service' FROM omni.solve_sourcing(jsonb_set(jsonb_set(but('{nodes,ship_day}', '[60, 60, 60]'), '{params,services,1,types}', '["dc", "store"]'), '{params,services,1,transit}', '[0, 0]')) r), 'ground', 'the cheaper service is taken when both are late');
SELECT is((SELECT string_agg(s ->> 'service', ' ') FROM omni.solve_sourcing(jsonb_set(but('{params,late_fixed}', '500'), '{nodes,ship_day}', '[3, 3, 9]')) r, jsonb_array_elements(r -> 'shipments') s), 'express', 'and the faster one when lateness costs more');
-- B's light units are overstock: 30 + 100 + 2 * (2 - 100) = -66; + 14 + 50
SELECT is(solved(but('{stock,2,4}', '100')), '-2 true {"1": [2, 0], "2": [0, 1]}', 'clearing overstock may pay');
SELECT is(solved(but('{stock,0,3}', '3')), '198 true {"1": [2, 0], "2": [0, 1]}', 'a unit worth 3 more where it lies costs 3 more');
-- one light unit at 0 and one at 1: 0 ships one and the heavy one, 20 + 150 + 10; 1 ships one, 30 + 100 + 2; split 50
SELECT is(solved(jsonb_set(but('{stock,0,2}', '1'), '{stock,2,2}', '1')), '362 true {"0": [1, 1], "1": [1, 0]}', 'a line may come from two nodes');
SELECT is(solved(jsonb_set(jsonb_set(but('{stock,0,2}', '1'), '{stock,2,2}', '1'), '{order,lines,0,splittable}', 'false')), '814 true {"2": [0, 1]}', 'unless it must not be split: 2 * 400 + 14');
-- nobody has the heavy one: 130 + 300
SELECT is(solved(but('{stock}', '[[0, 0, 2, 0, 0], [1, 0, 2, 0, 0]]')), '430 true {"0": [2, 0]}', 'what nobody has is unfilled');
SELECT is(solved(jsonb_set(but('{stock}', '[[0, 0, 2, 0, 0], [1, 0, 2, 0, 0]]'), '{order,ship_complete}', 'true')), '1100 true {}', 'everything or nothing: nothing');
SELECT is(solved(but('{order,ship_complete}', 'true')), '194 true {"0": [2, 0], "2": [0, 1]}', 'everything');
SELECT is(solved(but('{order,lines,0,unfilled_cost}', '0')), '14 true {"2": [0, 1]}', 'what costs nothing unfilled is not shipped');
SELECT is(solved(but('{stock}', '[]')), '1100 true {}', 'no stock');
SELECT is(solved(but('{stock,0,2}', '-3')), '198 true {"1": [2, 0], "2": [0, 1]}', 'less than no stock is none');
SELECT is(solved(but('{nodes,type}', '["future", "store", "store"]')), '198 true {"1": [2, 0], "2": [0, 1]}', 'a type that no service serves cannot ship');
SELECT is(solved(but('{params,services}', '[]')), '1100 true {}', 'no services at all');
-- 9 heavy units from 2 are free beyond handling: 10 + 9 * 4
SELECT is(solved(jsonb_set(jsonb_set(but('{order,lines,1,qty}', '9'), '{stock,3,2}', '9'), '{order,lines,1,splittable}', 'true')), '226 true {"0": [2, 0], "2": [0, 9]}', 'many units');
-- 0 alone, heavy parcels: 2 * 500 + 6 * 1500 = 10,000 g = 10 brackets: two parcels of 4 and one of 2: 220 * 2 + 150; + 20 + 8 * 5
SELECT is(solved(jsonb_set(jsonb_set(but('{order,lines,1,qty}', '6'), '{stock,1,2}', '6'), '{order,max_nodes}', '1')), '650 true {"0": [2, 6]}', 'more than a full parcel');
-- amounts of 10^12: 225 with every term times 10^10
SELECT is((omni.solve_sourcing('{"params": {"bracket_g": 1, "parcel_max_g": 1, "split_penalty": 0, "late_fixed": 0, "late_per_day": 0, "services": [{"code": "x", "types": ["t"], "transit": [0], "rate": [[0, 3000000000000]]}]},
  "order": {"promise_day": 0, "max_nodes": 0, "ship_complete": false, "lines": [{"qty": 1, "weight_g": 0, "unfilled_cost": 9000000000000, "splittable": true}]},
  "nodes": {"type": ["t"], "zone": [0], "ship_day": [0], "shipment_cost": [1000000000000], "unit_cost": [1]}, "stock": [[0, 0, 1, 0, 0]]}') ->> 'cost'), '4000000000001', 'large amounts, and the shortest form of an instance');

-- ---- the answer ----
SELECT is(omni.solve_sourcing(instance) - 'work', '{"cost": 194, "lower_bound": 194, "proven": true, "gap": 0, "unfilled_units": 0, "unfilled_cost": 0, "split_cost": 50, "unfilled": [0, 0],
    "solution": {"0": [2, 0], "2": [0, 1]}, "shipments": [
    {"node": 0, "service": "ground", "units": 2, "weight_g": 1000, "brackets": 1, "shipment_cost": 20, "freight": 100, "late": 0, "unit_costs": 10, "over": 0},
    {"node": 2, "service": "ground", "units": 1, "weight_g": 1500, "brackets": 2, "shipment_cost": 10, "freight": 0, "late": 0, "unit_costs": 4, "over": 0}]}'::jsonb, 'all of it') FROM base;
-- with node 1 the best is 134 + 14 + 50 = 198: 4 more; node 2 is in the optimum
SELECT is(e -> 2 ->> 'extra_cost', '0', 'a node of the solution costs nothing extra') FROM base, LATERAL (SELECT omni.solve_sourcing(instance || '{"explain": [0, 1, 2]}') -> 'explain' AS e) x;
SELECT cmp_ok((e -> 0 ->> 'extra_cost')::int, '<=', 4, 'why not node 1: at most the 4 that it does cost') FROM base, LATERAL (SELECT omni.solve_sourcing(instance || '{"explain": [1]}') -> 'explain' AS e) x;
SELECT cmp_ok((e -> 0 ->> 'extra_cost')::int, '>', 500, 'why not a dear node') FROM LATERAL (SELECT omni.solve_sourcing(but('{nodes,shipment_cost}', '[20, 830, 10]') || '{"explain": [1]}') -> 'explain' AS e) x;
SELECT is(omni.solve_sourcing(jsonb_set(instance, '{stock,2,2}', '0') || '{"explain": [1]}') -> 'explain', '[{"node": 1, "extra_cost": null}]', 'a node that can ship nothing') FROM base;
-- the order of nodes, lines and services changes the numbers alone
SELECT is(solved('{"params": {"bracket_g": 1000, "parcel_max_g": 4000, "split_penalty": 50, "late_fixed": 40, "late_per_day": 10,
    "services": [{"code": "express", "types": ["dc"], "transit": [0, 0], "rate": [[0, 0, 0, 0, 0], [0, 300, 320, 340, 360]]},
                 {"code": "ground", "types": ["store", "dc"], "transit": [0, 1], "rate": [[0, 0, 0, 0, 0], [0, 100, 150, 190, 220]]}]},
  "order": {"promise_day": 3, "max_nodes": 0, "ship_complete": false, "lines": [
    {"item": 9, "qty": 1, "weight_g": 1500, "unfilled_cost": 300, "splittable": false},
    {"item": 7, "qty": 2, "weight_g": 500, "unfilled_cost": 400, "splittable": true}]},
  "nodes": {"id": ["c", "a", "b"], "type": ["store", "dc", "store"], "zone": [0, 1, 1], "ship_day": [0, 0, 0], "shipment_cost": [10, 20, 30], "unit_cost": [4, 5, 2]},
  "stock": [[2, 1, 2, 0, 0], [0, 0, 1, 0, 0], [1, 1, 2, 0, 0], [1, 0, 1, 0, 0]]}'), '194 true {"0": [1, 0], "1": [0, 2]}', 'another order of nodes, lines, services and stock');
-- two nodes alike but for their ids: the one whose id comes first, wherever it stands
SELECT is(solved(but('{nodes}', '{"id": ["y", "x", "c"], "type": ["dc", "dc", "store"], "zone": [1, 1, 0], "ship_day": [0, 0, 0], "shipment_cost": [20, 20, 10], "unit_cost": [5, 5, 4]}')), '194 true {"1": [2, 0], "2": [0, 1]}', 'equal nodes: the first by id');
SELECT is(solved(but('{nodes}', '{"id": ["x", "y", "c"], "type": ["dc", "dc", "store"], "zone": [1, 1, 0], "ship_day": [0, 0, 0], "shipment_cost": [20, 20, 10], "unit_cost": [5, 5, 4]}')), '194 true {"0": [2, 0], "2": [0, 1]}', 'also when it stands first');

-- ---- a large order on a small budget: still a plan, and a true bound ----
CREATE TABLE large AS SELECT (SELECT jsonb_set(jsonb_set(jsonb_set(instance, '{order,lines}',
        (SELECT jsonb_agg(jsonb_build_object('item', l, 'qty', 1 + l % 3, 'weight_g', 100 + 37 * l, 'unfilled_cost', 900, 'splittable', l % 2 = 0)) FROM generate_series(0, 29) l)),
        '{nodes}', (SELECT jsonb_build_object('type', jsonb_agg('store'::text), 'zone', jsonb_agg(1), 'ship_day', jsonb_agg(0), 'shipment_cost', jsonb_agg(20 + n % 17), 'unit_cost', jsonb_agg(2 + n % 5)) FROM generate_series(0, 59) n)),
        '{stock}', (SELECT jsonb_agg(jsonb_build_array(n, l, 1 + (n * l) % 3, (n * 7 + l) % 11, 0)) FROM generate_series(0, 59) n, generate_series(0, 29) l WHERE (n * 31 + l * 17) % 4 = 0)) FROM base) AS instance;
SET omni.sourcing_budget = 1000;
CREATE TABLE small AS SELECT omni.solve_sourcing(instance) AS r FROM large;
RESET omni.sourcing_budget;
SELECT cmp_ok((r ->> 'lower_bound')::bigint, '<=', (r ->> 'cost')::bigint, 'the bound is not above the cost') FROM small;
SELECT is((r ->> 'gap')::bigint, (r ->> 'cost')::bigint - (r ->> 'lower_bound')::bigint, 'the gap is their distance') FROM small;
SELECT cmp_ok((SELECT (r ->> 'lower_bound')::bigint FROM small), '<=', (omni.solve_sourcing(instance) ->> 'cost')::bigint, 'what a large budget finds is not below the small one''s bound') FROM large;
SELECT is(omni.solve_sourcing(instance), omni.solve_sourcing(instance), 'the same again') FROM large;

-- ---- errors: table-driven ----
SELECT throws_ok('SELECT omni.solve_sourcing(NULL)', 'OM002', NULL, 'NULL');
CREATE TABLE bad(instance jsonb, path text);
INSERT INTO bad VALUES ('[]', 'sourcing instance must be an object'), ('1', 'sourcing instance must be an object'),
    ('{}', 'key "params" of the sourcing instance must be there');
INSERT INTO bad SELECT but(path, value), message FROM (VALUES
    ('{oops}', '1'::jsonb, 'unknown key "oops" in the sourcing instance'),
    ('{order,lines,1,oops}', '1', 'unknown key "order.lines[1].oops" in the sourcing instance'),
    ('{params}', '[]', 'key "params" of the sourcing instance must be an object'),
    ('{params,bracket_g}', '0', 'key "params.bracket_g" of the sourcing instance must be a whole number from 1 to 1000000000000000'),
    ('{params,parcel_max_g}', '999', 'key "params.parcel_max_g" of the sourcing instance must be a whole number from 1000 to 1000000000000000'),
    ('{params,split_penalty}', '1.5', 'key "params.split_penalty" of the sourcing instance must be a whole number'),
    ('{params,split_penalty}', '"1"', 'key "params.split_penalty" of the sourcing instance must be a whole number'),
    ('{params,late_fixed}', 'null', 'key "params.late_fixed" of the sourcing instance must be a whole number'),
    ('{params,services,0,types,1}', '5', 'key "params.services[0].types[1]" of the sourcing instance must be a string'),
    ('{params,services,0,rate}', '[[0, 1, 1, 1, 1]]', 'key "params.services[0].rate" of the sourcing instance must be an array of 2 zones, as "transit"'),
    ('{params,services,1,rate,1}', '[0, 1]', 'key "params.services[1].rate[1]" of the sourcing instance must be an array of 5 numbers'),
    ('{params,services,1,rate,1,3}', '-1', 'key "params.services[1].rate[1][3]" of the sourcing instance must be a whole number from 0 to 1000000000000000'),
    ('{order,lines}', '[]', 'key "order.lines" of the sourcing instance must be an array of 1 to 10000 lines'),
    ('{order,lines,0,qty}', '0', 'key "order.lines[0].qty" of the sourcing instance must be a whole number from 1 to 2147483647'),
    ('{order,lines,0,qty}', '1e30', 'key "order.lines[0].qty" of the sourcing instance must be a whole number from 1 to 2147483647'),
    ('{order,lines,1,splittable}', '1', 'key "order.lines[1].splittable" of the sourcing instance must be true or false'),
    ('{order,lines,1,weight_g}', '-1', 'key "order.lines[1].weight_g" of the sourcing instance must be a whole number from 0 to 1000000000000000'),
    ('{order,max_nodes}', '-1', 'key "order.max_nodes" of the sourcing instance must be a whole number from 0 to 2147483647'),
    ('{nodes,zone,2}', '2', 'key "nodes.zone[2]" of the sourcing instance must be a zone that every service has'),
    ('{nodes,zone}', '[1, 1]', 'key "nodes.zone" of the sourcing instance must be an array of 3 numbers'),
    ('{nodes,unit_cap}', '[1, 1, -2]', 'key "nodes.unit_cap[2]" of the sourcing instance must be a whole number from -1 to 2147483647'),
    ('{nodes,id}', '[1, 2, 3]', 'key "nodes.id[0]" of the sourcing instance must be a string'),
    ('{nodes,lat}', '[1]', 'key "nodes.lat" of the sourcing instance must be an array of 3 numbers'),
    ('{stock}', '{}', 'key "stock" of the sourcing instance must be an array'),
    ('{stock,1}', '[0, 1, 1]', 'key "stock[1]" of the sourcing instance must be an array of node, line, atp, shadow, markdown'),
    ('{stock,1,0}', '3', 'key "stock[1][0]" of the sourcing instance must be a whole number from 0 to 2'),
    ('{stock,1,1}', '2', 'key "stock[1][1]" of the sourcing instance must be a whole number from 0 to 1'),
    ('{stock,1}', '[0, 0, 1, 0, 0]', 'key "stock[1]" of the sourcing instance must be the only row of its node and line'),
    ('{explain}', '[3]', 'key "explain[0]" of the sourcing instance must be a whole number from 0 to 2')) AS v(path, value, message);
SELECT throws_ok(format('SELECT omni.solve_sourcing(%L)', instance), 'OM006', path, path) FROM bad;
SELECT throws_ok(format('SELECT omni.solve_sourcing(%L)', but('{order,lines,0,unfilled_cost}', '999999999999999')), 'OM008', 'sourcing instance is out of range', 'sums beyond the solver''s range');

-- ---- rights ----
CREATE ROLE sourcing_solve_none;
CREATE ROLE sourcing_solve_channel;
SELECT omni.adopt() AS era \gset
SELECT omni.grant_access('sourcing_solve_channel', 'channel') AS void \gset
GRANT SELECT ON base TO PUBLIC;
SET ROLE sourcing_solve_none;
SELECT throws_ok('SELECT omni.solve_sourcing(instance) FROM base', '42501', NULL, 'not for everybody');
SET ROLE sourcing_solve_channel;
SELECT lives_ok('SELECT omni.solve_sourcing(instance) FROM base', 'a channel may call it');
RESET ROLE;
SELECT * FROM finish();
