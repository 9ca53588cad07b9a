-- Capacity per node and day: counted like stock, so it cannot be passed.
SELECT plan(94);
SET TimeZone = 'UTC';

INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES
    ('S1', 'store', 1, 1), ('S2', 'store', 2, 2), ('W1', 'warehouse', 3, 3);
INSERT INTO omni.item(sku) VALUES ('MUG'), ('CUP');
SELECT omni.receive_stock('S1', 'MUG', 50);
INSERT INTO omni.node_policy(node_kind, daily_units, soft_daily_units) VALUES ('store', 10, 6);
INSERT INTO omni.node_policy(node, daily_units) VALUES ('S2', 20);
INSERT INTO omni.node_capacity(node, day, units) VALUES ('S1', '2026-12-24', 4), ('S2', '2026-12-24', 0);

-- Promise units of a node's day; the id.
CREATE FUNCTION pg_temp.take(node text, day date, units int, seconds int DEFAULT NULL, reference text DEFAULT NULL)
RETURNS bigint LANGUAGE sql AS $$
    SELECT (omni_internal.reserve_capacity(ARRAY[node], ARRAY[day], ARRAY[units], ARRAY[NULL::text], seconds, reference))[1] $$;
CREATE FUNCTION pg_temp.capacity(node text, day date) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', COALESCE(units::text, '-'), COALESCE(soft_units::text, '-'), promised, done, COALESCE(available::text, '-'))
    FROM omni.capacity(node, day) $$;

-- What planning sees of a node, for an order that ships on that day.
CREATE FUNCTION pg_temp.route(code text, day date) RETURNS text LANGUAGE sql AS $$
    SELECT (n ->> 'unit_cap') || ' ' || (n ->> 'soft_cap') || ' ' || COALESCE(n ->> 'excluded', '')
    FROM jsonb_array_elements(omni.explain_routing(jsonb_build_object('placed_at', day || 'T12:00:00Z',
        'lines', jsonb_build_array(jsonb_build_object('sku', 'MUG', 'quantity', 1)),
        'destination', jsonb_build_object('latitude', 1, 'longitude', 1))) -> 'nodes') n WHERE n ->> 'node' = code $$;

-- ---- what is configured ----

SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 0 0 10', 'a node takes its kind''s limits');
SELECT is(pg_temp.capacity('S2', '2026-12-01'), '20 6 0 0 20', 'its own row goes before');
SELECT is(pg_temp.capacity('S1', '2026-12-24'), '4 6 0 0 4', 'and the day''s before that');
SELECT is(pg_temp.capacity('S2', '2026-12-24'), '0 6 0 0 0', 'a closed day');
SELECT is(pg_temp.capacity('W1', '2026-12-01'), '- - 0 0 -', 'no limit');
SELECT throws_ok($$ SELECT omni.capacity('X', '2026-12-01') $$, 'OM002', NULL, 'an unknown node');
SELECT throws_ok($$ SELECT omni.capacity('S1', NULL) $$, 'OM002', NULL, 'no day');
SELECT throws_ok($$ SELECT omni.capacity('S1', '1999-12-31') $$, 'OM007', NULL, 'a day too early');
SELECT throws_ok($$ SELECT omni.capacity('S1', 'infinity') $$, 'OM007', NULL, 'no day at all');
SELECT is(pg_temp.capacity('S1', '2000-01-01'), '10 6 0 0 10', 'the first day');
SELECT is(pg_temp.capacity('S1', '2999-12-31'), '10 6 0 0 10', 'the last day');

-- ---- promising ----

SELECT pg_temp.take('S1', '2026-12-01', 7, NULL, 'first') AS first \gset
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 7 0 3', 'seven are given away');
SELECT is(pg_temp.capacity('S1', '2026-12-02'), '10 6 0 0 10', 'of that day alone');
SELECT is(pg_temp.route('S1', '2026-12-01'), '3 0 ', 'planning sees what is left, soft and hard');
SELECT is(pg_temp.route('S2', '2026-12-01'), '20 6 ', 'of each node');
SELECT is(pg_temp.route('S1', '2026-12-02'), '10 6 ', 'and day');
SELECT is(pg_temp.capacity('S2', '2026-12-01'), '20 6 0 0 20', 'of that node alone');
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-01', 4) $$, 'OM018',
    'insufficient capacity of node "S1" on 2026-12-01', 'four more are too many');
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 7 0 3', 'and the refusal took nothing');
SELECT isnt(pg_temp.take('S1', '2026-12-01', 3, NULL, 'second'), NULL, 'three are not');
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-01', 1) $$, 'OM018', NULL, 'the day is full');
SELECT is(pg_temp.route('S1', '2026-12-01'), '0 0 no_capacity', 'planning keeps off');
SELECT throws_ok($$ SELECT pg_temp.take('S2', '2026-12-24', 1) $$, 'OM018', NULL, 'a limit of 0 takes nothing');
SELECT isnt(pg_temp.take('W1', '2026-12-01', 1000000), NULL, 'without a limit anything goes');
SELECT is(pg_temp.capacity('W1', '2026-12-01'), '- - 1000000 0 -', 'and is counted');
SELECT isnt(pg_temp.take('S2', '2026-12-01', 20), NULL, 'a full day of another node');
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 10 0 0', 'is no matter for the first');

-- stock and capacity in one call: all or nothing
SELECT throws_ok($$ SELECT omni_internal.reserve_capacity('{S1,S1}', '{NULL,2026-12-24}', '{5,5}', '{MUG,NULL}') $$, 'OM018', NULL,
    'stock is there, capacity is not');
SELECT is(omni.available('MUG', 'S1'), 50, 'no stock was taken');
SELECT throws_ok($$ SELECT omni_internal.reserve_capacity('{S1,S1}', '{2026-12-24,NULL}', '{4,5}', '{NULL,CUP}') $$, 'OM001', NULL,
    'capacity is there, stock is not');
SELECT is(pg_temp.capacity('S1', '2026-12-24'), '4 6 0 0 4', 'no capacity was taken');
SELECT throws_ok($$ SELECT omni_internal.reserve_capacity('{S1,S1}', '{2026-12-24,2026-12-24}', '{3,3}', '{NULL,NULL}') $$, 'OM018', NULL,
    'the same day twice counts twice');
SELECT is(pg_temp.capacity('S1', '2026-12-24'), '4 6 0 0 4', 'and leaves nothing');
SELECT omni_internal.reserve_capacity('{S1,S1}', '{NULL,2026-12-24}', '{4,4}', '{MUG,NULL}', NULL, 'order 1') AS ids \gset
SELECT is(pg_temp.capacity('S1', '2026-12-24') || ' ' || omni.available('MUG', 'S1'), '4 6 4 0 0 46', 'both, together');

-- ---- ending ----

SELECT omni.consume_reservation((:'ids'::bigint[])[2]);
SELECT is(pg_temp.capacity('S1', '2026-12-24'), '4 6 0 4 0', 'work that was done stays counted');
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-24', 1) $$, 'OM018', NULL, 'the day is as full as before');
SELECT omni.release_reservation(:first);
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 3 0 7', 'what is released can be promised again');
SELECT throws_ok(format('SELECT omni.release_reservation(%s)', :first), 'OM004', NULL, 'once');
SELECT throws_ok(format('SELECT omni.pin_reservation(%s, %L)', (SELECT id FROM omni.capacity_reservation WHERE reference = 'second'), 'S2'),
    'OM004', NULL, 'a promise of capacity has its node');

-- a time limit is the clock's business, nobody need tidy up
SELECT pg_temp.take('S1', '2026-12-01', 7, 60, 'limited');
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-01', 1) $$, 'OM018', NULL, 'a promise with a time limit counts');
SELECT omni_internal.move_clock('2 minutes');
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 3 0 7', 'until its time has passed');

-- ---- transactions ----

BEGIN;
SELECT pg_temp.take('S1', '2026-12-01', 5);
SAVEPOINT s;
SELECT pg_temp.take('S1', '2026-12-01', 2);
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 10 0 0', 'one''s own count at once');
ROLLBACK TO s;
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 8 0 2', 'a savepoint gives back');
-- what is released here can be taken again here, and by nobody else before the commit
SELECT omni.release_reservation(id) FROM omni.capacity_reservation WHERE reference = 'second';
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 5 0 5', 'a release counts for oneself');
SELECT isnt(pg_temp.take('S1', '2026-12-01', 5), NULL, 'and can be promised');
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-01', 1) $$, 'OM018', NULL, 'not twice');
ROLLBACK;
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 3 0 7', 'and so does the rollback');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT omni.release_reservation(id) FROM omni.capacity_reservation WHERE reference = 'second';
SELECT pg_temp.take('S1', '2026-12-01', 10, NULL, 'third');
COMMIT;
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '10 6 10 0 0', 'a release and a promise in one transaction');

-- ---- limits that change ----

UPDATE omni.node_policy SET daily_units = 6 WHERE node_kind = 'store';
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '6 6 10 0 0', 'a limit below what is promised');
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-01', 1) $$, 'OM018', NULL, 'gives nothing more');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'and breaks nothing');
SELECT omni.release_reservation(id) FROM omni.capacity_reservation WHERE reference = 'third';
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '6 6 0 0 6', 'promises end as ever');
UPDATE omni.node_policy SET daily_units = 12 WHERE node_kind = 'store';
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '12 6 0 0 12', 'a limit that rises');
INSERT INTO omni.node_capacity(node, day, units, soft_units) VALUES ('S1', '2026-12-01', 3, 2);
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '3 2 0 0 3', 'a row for the day');
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-01', 4) $$, 'OM018', NULL, 'holds at once');
BEGIN;
UPDATE omni.node_capacity SET units = 100 WHERE node = 'S1' AND day = '2026-12-01';
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-01', 4) $$, 'OM018', NULL, 'a limit holds when it has been committed');
ROLLBACK;
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-01', 4) $$, 'OM018', NULL, 'and a rollback changes nothing');
DELETE FROM omni.node_capacity WHERE day = '2026-12-01';
DELETE FROM omni.node_policy WHERE node_kind = 'store';
SELECT is(pg_temp.capacity('S1', '2026-12-01'), '- - 0 0 -', 'a limit that goes');
SELECT isnt(pg_temp.take('S1', '2026-12-01', 500), NULL, 'is none');
BEGIN;
INSERT INTO omni.node_policy(node_kind, shipment_cost) VALUES ('dropship', 10);
UPDATE omni.node_policy SET shipment_cost = 12, soft_daily_units = 7;
DELETE FROM omni.node_policy WHERE node_kind = 'dropship';
PREPARE TRANSACTION 'sourcing_capacity';
SELECT is((SELECT count(*) FROM pg_prepared_xacts WHERE gid = 'sourcing_capacity'), 1::bigint, 'what is no limit may be changed and prepared');
ROLLBACK PREPARED 'sourcing_capacity';
TRUNCATE omni.node_capacity;
SELECT is(pg_temp.capacity('S1', '2026-12-24'), '- - 0 4 -', 'TRUNCATE, too');
INSERT INTO omni.node_policy(node_kind, daily_units) VALUES ('warehouse', 1), ('store', 10);
SELECT throws_ok($$ SELECT pg_temp.take('W1', '2026-12-01', 1) $$, 'OM018', NULL, 'a limit that comes');
UPDATE omni.node SET kind = 'warehouse' WHERE code = 'S1';
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-05', 2) $$, 'OM018', NULL, 'a node that becomes another kind takes that kind''s limit');
UPDATE omni.node SET kind = 'store' WHERE code = 'S1';
UPDATE omni.node SET status = 'paused' WHERE code = 'S1';
SELECT is(pg_temp.capacity('S1', '2026-12-05'), '10 - 0 0 0', 'a paused node takes nothing');
SELECT throws_ok($$ SELECT pg_temp.take('S1', '2026-12-05', 1) $$, 'OM018', NULL, 'at once');
UPDATE omni.node SET status = 'active' WHERE code = 'S1';
SELECT isnt(pg_temp.take('S1', '2026-12-05', 10), NULL, 'and is open again');
SELECT throws_ok($$ DELETE FROM omni.node WHERE code = 'S2' $$, 'OM004', NULL, 'a node that has promised capacity stays');

-- each node by itself: one that has promised too much takes nothing from others
SELECT pg_temp.take('S1', '2026-12-07', 1), pg_temp.take('S2', '2026-12-07', 20);
INSERT INTO omni.node_capacity(node, day, units) VALUES ('S2', '2026-12-07', 5);
SELECT is(pg_temp.capacity('S1', '2026-12-07'), '10 - 1 0 9', 'another node is over its limit');
SELECT isnt(pg_temp.take('S1', '2026-12-07', 9), NULL, 'and that is no matter');
SELECT omni.release_reservation(id) FROM omni.capacity_reservation WHERE day = '2026-12-07';

-- ---- it is no stock ----

SELECT results_eq('SELECT sku, node FROM omni.stock_now', $$ VALUES ('MUG', 'S1') $$, 'omni.stock_now shows items alone');
SELECT omni.wait_for_tick() > 0 AS ticked \gset
SELECT is_empty('SELECT * FROM omni.stock WHERE sku IS NULL', 'so does omni.stock');
SELECT results_eq('SELECT sku, quantity FROM omni.reservation', $$ VALUES ('MUG', 4) $$, 'and omni.reservation');
SELECT is_empty('SELECT * FROM omni.shortfall', 'nothing is short');
SELECT is_empty($$ SELECT * FROM omni.event WHERE kind LIKE '%shortfall%' $$, 'and nothing was told to be');
SELECT is_empty('SELECT * FROM omni_internal.announced_shortfall', 'or announced');
SELECT results_eq($$ SELECT node, day, promised, done FROM omni.capacity_now WHERE promised + done > 0 ORDER BY 1, 2 $$,
    $$ VALUES ('S1', '2026-12-01'::date, 500::bigint, 0::bigint), ('S1', '2026-12-05', 10, 0), ('S1', '2026-12-24', 0, 4),
              ('S2', '2026-12-01', 20, 0), ('W1', '2026-12-01', 1000000, 0) $$, 'omni.capacity_now says the same as the counters');
SELECT results_eq($$ SELECT kind, entity, payload FROM omni.event WHERE entity = 'capacity' AND payload ->> 'date' = '2026-12-24' ORDER BY position $$,
    $$ VALUES ('capacity.reserve', 'capacity', '{"node": "S1", "date": "2026-12-24", "promised": 4, "done": 0}'::jsonb),
              ('capacity.consume', 'capacity', '{"node": "S1", "date": "2026-12-24", "promised": -4, "done": 4}') $$, 'events of their own');
SELECT is((SELECT DISTINCT entity_id FROM omni.event WHERE entity = 'capacity' AND payload ->> 'node' = 'S2'),
    (SELECT id FROM omni.node WHERE code = 'S2'), 'under the node''s id');
SELECT is((SELECT count(*) FROM omni.read_events('r', 1000, '{stock.reserve}')), 1::bigint, 'stock.reserve is of stock alone');
SELECT is((SELECT count(*) FROM omni.read_events('r', 1000, '{capacity.expire}')), (SELECT count(*) FROM omni.stock_ledger
    WHERE kind = 'expire'), 'and others of capacity');
SELECT is((SELECT sum((payload ->> 'promised')::int) || ' ' || sum((payload ->> 'done')::int) FROM omni.event WHERE entity = 'capacity'
    AND payload ->> 'node' = 'S1' AND payload ->> 'date' = '2026-12-01'), '500 0', 'events add up to what is promised');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'verify_stock() finds nothing');

-- ---- what is wrong is named, and repaired ----

UPDATE omni_internal.stock_balance SET on_hand = on_hand - 5, reserved = reserved + 2
WHERE omni_internal.capacity_day(item_id) = '2026-12-24';
SELECT results_eq($$ SELECT sku, node, what, counter, expected FROM omni.verify_stock() ORDER BY what $$,
    $$ VALUES (NULL, 'S1', 'balance on_hand of the capacity on 2026-12-24', -9::bigint, -4::bigint),
              (NULL, 'S1', 'balance reserved of the capacity on 2026-12-24', 2, 0) $$, 'verify_stock() names node and day');
SELECT is((SELECT count(*) FROM omni.repair_stock()), 2::bigint, 'repair_stock() mends them');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'and nothing is left');
SELECT is(pg_temp.capacity('S1', '2026-12-24'), '10 - 0 4 6', 'nor in the counters');

-- ---- rights ----

CREATE ROLE sourcing_capacity_s1;
CREATE ROLE sourcing_capacity_web;
SELECT omni.grant_access('sourcing_capacity_s1', 'store', NULL, 'S1'), omni.grant_access('sourcing_capacity_web', 'channel', 'web');
SET ROLE sourcing_capacity_s1;
SELECT is((SELECT promised || ' ' || available FROM omni.capacity('S1', '2026-12-05')), '10 0', 'a store sees its own day');
SELECT throws_ok($$ SELECT omni.capacity('S2', '2026-12-05') $$, 'OM005', NULL, 'not another''s');
SELECT throws_ok($$ SELECT * FROM omni.capacity_now $$, '42501', NULL, 'nor the list');
SELECT throws_ok($$ SELECT omni_internal.reserve_capacity('{S1}', '{2026-12-05}', '{1}', '{NULL}') $$, '42501', NULL, 'it promises through orders alone');
RESET ROLE;
SELECT omni.grant_access('sourcing_capacity_s1', 'support');
SET ROLE sourcing_capacity_s1;
SELECT is((SELECT count(*) FROM omni.capacity_now), (SELECT count(DISTINCT (node, day)) FROM omni.capacity_now), 'support reads the list');
SELECT is((SELECT count(*) FROM omni.capacity_reservation WHERE day = '2026-12-05'), 1::bigint, 'and the promises');
SET ROLE sourcing_capacity_web;
SELECT isnt((SELECT count(*) FROM omni.event WHERE entity = 'capacity' AND payload ->> 'date' = '2026-12-05'), 0::bigint, 'a channel reads events of capacity');
SELECT throws_ok($$ SELECT omni.capacity('S1', '2026-12-05') $$, '42501', NULL, 'a channel sees none');
RESET ROLE;
SELECT omni.revoke_access('sourcing_capacity_s1', 'store', NULL, 'S1'), omni.revoke_access('sourcing_capacity_s1', 'support'), omni.revoke_access('sourcing_capacity_web', 'channel', 'web');
DROP ROLE sourcing_capacity_s1, sourcing_capacity_web;

SELECT finish();
