-- Safety stock, nodes that do not sell, and broken promises: what a node and
-- the pool offer (c = a - safety if a >= safety, else only broken promises
-- weigh on the pool).
SELECT plan(41);
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES
    ('N', 'store', 1, 1), ('M', 'warehouse', 2, 2);
INSERT INTO omni.item (sku)
SELECT 'P' || g FROM generate_series(1, 9) g;
CREATE FUNCTION pg_temp.offers(text) RETURNS text LANGUAGE sql AS
    $$ SELECT concat_ws(' ', omni.available($1, 'N'), omni.available($1, 'M'),
              omni.available($1)) $$;

SELECT omni.receive_stock('N', 'P1', 10), omni.receive_stock('M', 'P1', 10);
SELECT is(pg_temp.offers('P1'), '10 10 20', 'without a policy');
SELECT omni.set_stock_policy('P1', 'N', 3);
SELECT is(pg_temp.offers('P1'), '7 10 17', 'safety is kept back, pool included');
SELECT is((SELECT safety FROM omni.availability(ARRAY['P1']) WHERE node = 'N'),
    3, 'availability shows it');
SELECT throws_ok($$ SELECT omni.reserve_stock('P1', 8, 'N') $$, 'OM001', NULL,
    'it cannot be promised');
SELECT omni.reserve_stock('P1', 7, 'N', NULL, 'r1');
SELECT is(pg_temp.offers('P1'), '0 10 10', 'what is above it can');
SELECT omni.set_stock_policy('P1', 'N', 5);
SELECT is(pg_temp.offers('P1'), '0 10 10',
    'an undercut safety gives nothing and takes nothing from the pool');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'counters fit');
SELECT omni.sell_stock('N', 'P1', 3);
SELECT is(pg_temp.offers('P1'), '0 10 10', 'the till may sell the safety stock');
SELECT omni.sell_stock('N', 'P1', 2);
SELECT is(pg_temp.offers('P1'), '0 8 8',
    'two promises broken: the pool offers two fewer');
SELECT omni.sell_stock('N', 'P1', 9);
SELECT is(pg_temp.offers('P1'), '0 3 3',
    'below zero on hand: all seven promises weigh, not the debt');
SELECT throws_ok($$ SELECT omni.reserve_stock('P1', 4, 'M') $$, 'OM001', NULL,
    'another node must not promise what the pool needs');
SELECT omni.release_reservation((SELECT id FROM omni.reservation
    WHERE reference = 'r1'));
SELECT is(pg_temp.offers('P1'), '0 10 10', 'broken promises released');
SELECT omni.set_stock_policy('P1', 'N', NULL);
SELECT omni.set_stock('N', 'P1', 4);
SELECT is(pg_temp.offers('P1'), '4 10 14', 'policy taken away');

-- the node's own safety, and the policy in its place
UPDATE omni.node SET safety = 1 WHERE code = 'N';
SELECT is(pg_temp.offers('P1'), '3 10 13', 'a node''s own safety');
SELECT omni.set_stock_policy('P1', 'N', 0);
SELECT is(pg_temp.offers('P1'), '4 10 14', 'a policy of 0 stands above it');
UPDATE omni.node SET safety = 0 WHERE code = 'N';

-- status
UPDATE omni.node SET status = 'inactive' WHERE code = 'M';
SELECT is(pg_temp.offers('P1'), '4 0 4', 'an inactive node sells nothing');
SELECT throws_ok($$ SELECT omni.reserve_stock('P1', 1, 'M') $$, 'OM001', NULL,
    'no promise there');
SELECT lives_ok($$ SELECT omni.receive_stock('M', 'P1', 5) $$,
    'but goods may arrive');
SELECT is(pg_temp.offers('P1'), '4 0 4', 'and do not count');
UPDATE omni.node SET status = 'active' WHERE code = 'M';
SELECT is(pg_temp.offers('P1'), '4 15 19', 'until it is active again');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'counters fit');

-- a change counts at its commit, not before, and not after a rollback
BEGIN;
SELECT omni.set_stock_policy('P1', 'M', 10);
ROLLBACK;
SELECT is(pg_temp.offers('P1'), '4 15 19', 'rolled back: as it was');
BEGIN;
UPDATE omni.node SET status = 'inactive' WHERE code = 'M';
SAVEPOINT a;
ROLLBACK TO SAVEPOINT a;
COMMIT;
SELECT is(pg_temp.offers('P1'), '4 0 4', 'committed: counts');
UPDATE omni.node SET status = 'active' WHERE code = 'M';

-- a policy that comes before any stock
SELECT omni.set_stock_policy('P2', 'N', 4);
SELECT omni.receive_stock('N', 'P2', 3);
SELECT is(pg_temp.offers('P2'), '0 0 0', 'less than the safety: nothing');
SELECT omni.receive_stock('N', 'P2', 3);
SELECT is(pg_temp.offers('P2'), '2 0 2', 'above it: the rest');
SELECT is((SELECT safety FROM omni.availability(ARRAY['P2'])), 4, 'as set');

-- own arrivals with a safety stock
BEGIN;
SELECT omni.receive_stock('N', 'P2', 10);
SELECT omni.reserve_stock('P2', 12, 'N');
SELECT is(pg_temp.offers('P2'), '0 0 0', 'own arrival and what was there');
ROLLBACK;
SELECT is(pg_temp.offers('P2'), '2 0 2', 'rolled back');
BEGIN;
SELECT omni.receive_stock('N', 'P2', 10);
SELECT omni.reserve_stock('P2', 12);
COMMIT;
SELECT is(pg_temp.offers('P2'), '0 0 0', 'of the pool, committed');
SELECT is((SELECT available FROM omni.availability(ARRAY['P2'])), 0,
    'a node offers no more than the pool');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'counters fit');

-- cover of the pool: one's own pool-level promise, then the node
SELECT omni.receive_stock('M', 'P3', 10);
BEGIN;
SELECT omni.receive_stock('N', 'P3', 10);
SELECT omni.reserve_stock('P3', 10);
SELECT is(pg_temp.offers('P3'), '10 10 10', 'pool-level against the arrival');
SELECT omni.reserve_stock('P3', 10, 'N');
SELECT is(pg_temp.offers('P3'), '0 0 0', 'then the node itself');
SAVEPOINT a;
SELECT throws_ok($$ SELECT omni.reserve_stock('P3', 1, 'M') $$, 'OM001', NULL,
    'the rest is the pool''s');
COMMIT;
SELECT is(pg_temp.offers('P3'), '0 0 0', 'and so after the commit');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'counters fit');

-- what refers to stock cannot be deleted
SELECT throws_ok($$ DELETE FROM omni.item WHERE sku = 'P3' $$, 'OM004', NULL,
    'an item with stock cannot be deleted');
SELECT throws_ok($$ DELETE FROM omni.node WHERE code = 'N' $$, 'OM004', NULL,
    'nor a node');
SELECT lives_ok($$ DELETE FROM omni.item WHERE sku = 'P9' $$,
    'one that was never stocked can');
SELECT throws_ok($$ SELECT omni.available('P9') $$, 'OM002', NULL,
    'and is unknown then');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'verify_stock is empty');
SELECT * FROM finish();
