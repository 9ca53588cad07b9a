-- What the functions of stock promise: results, transactions, time limits.
--
-- Every call of the first parts is a transaction of its own, as a channel's
-- system makes it; savepoints and rollbacks stand where they are tested.
SELECT plan(108);

INSERT INTO omni.channel (code, kind) VALUES ('web', 'web');
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES
    ('S1', 'store', 44.9, -93.2), ('W1', 'warehouse', 41.8, -87.6);
INSERT INTO omni.item (sku)
SELECT 'SKU' || g FROM generate_series(1, 20) g;

-- What is on hand, reserved and available, as "on_hand/reserved/available".
CREATE FUNCTION pg_temp.at(text, text) RETURNS text LANGUAGE sql AS
    $$ SELECT a.on_hand || '/' || a.reserved || '/' || a.available
       FROM omni.availability(ARRAY[$1]) a WHERE a.node = $2 $$;
-- The last promise of a reference.
CREATE FUNCTION pg_temp.promise(text) RETURNS bigint LANGUAGE sql AS
    $$ SELECT max(l.reservation) FROM omni.stock_ledger l
       WHERE l.reference = $1 AND l.kind = 'reserve' $$;

-- ---- arriving, selling, adjusting, setting ----

SELECT is(omni.available('SKU1'), 0, 'a sku that was never stocked: pool 0');
SELECT is(omni.available('SKU1', 'S1'), 0, 'and 0 at a node');
SELECT is_empty($$ SELECT * FROM omni.availability(ARRAY['SKU1']) $$,
    'and no row of availability');
SELECT ok(omni.receive_stock('S1', 'SKU1', 10, 'PO-1') > 0,
    'receive_stock gives a ledger id');
SELECT is(omni.available('SKU1', 'S1'), 10, 'received units are available');
SELECT is(omni.available('SKU1'), 10, 'in the pool too');
SELECT ok(omni.receive_stock('W1', 'SKU1', 5) > 0, 'short form of receive_stock');
SELECT is(omni.available('SKU1'), 15, 'the pool is the sum of nodes');
SELECT is(omni.available('SKU1', 'W1', 'web'), 5, 'for a channel the same');
SELECT ok(omni.sell_stock('S1', 'SKU1', 4) > 0, 'short form of sell_stock');
SELECT is(pg_temp.at('SKU1', 'S1'), '6/0/6', 'a sale takes from what is on hand');
SELECT ok(omni.sell_stock('S1', 'SKU1', 1, 'T-1', 'web',
    '2026-01-02 03:04:05+00') > 0, 'long form of sell_stock');
SELECT results_eq(
    $$ SELECT quantity, reserved, kind, reference, channel_id,
              occurred_at, actor
       FROM omni.stock_ledger WHERE reference = 'T-1' $$,
    $$ SELECT -1, 0, 'sell', 'T-1', (SELECT id FROM omni.channel),
              timestamptz '2026-01-02 03:04:05+00', current_user::text COLLATE "default" $$,
    'the ledger says what, when, for whom and by whom');
SELECT ok(omni.adjust_stock('S1', 'SKU1', -2, 'damage') > 0,
    'short form of adjust_stock');
SELECT is(pg_temp.at('SKU1', 'S1'), '3/0/3', 'damage leaves');
SELECT ok(omni.adjust_stock('S1', 'SKU1', 4, 'found', 'N-1') > 0,
    'long form of adjust_stock');
SELECT is(pg_temp.at('SKU1', 'S1'), '7/0/7', 'found units arrive');
SELECT ok(omni.set_stock('S1', 'SKU1', 12) > 0, 'short form of set_stock');
SELECT is(pg_temp.at('SKU1', 'S1'), '12/0/12', 'set_stock sets what is on hand');
SELECT ok(omni.set_stock('S1', 'SKU1', 12) > 0, 'setting the same again');
SELECT is(pg_temp.at('SKU1', 'S1'), '12/0/12', 'changes nothing');
SELECT ok(omni.sell_stock('W1', 'SKU1', 8) > 0,
    'the till may sell more than the books have');
SELECT is(pg_temp.at('SKU1', 'W1'), '-3/0/0', 'on hand falls below zero');
SELECT is(omni.available('SKU1'), 12,
    'and a node below zero without promises does not weigh on the pool');

-- set_stock as of a count: what moved afterwards stays on top
SELECT omni.receive_stock('S1', 'SKU2', 20);
SELECT omni.sell_stock('S1', 'SKU2', 3, NULL, NULL,
    omni_internal.clock() + interval '1 hour');
SELECT is(pg_temp.at('SKU2', 'S1'), '17/0/17', 'before the count arrives');
SELECT omni.set_stock('S1', 'SKU2', 18, 'COUNT',
    omni_internal.clock() + interval '30 minutes');
SELECT is(pg_temp.at('SKU2', 'S1'), '15/0/15',
    'a count of 18 before a sale of 3 leaves 15');
SELECT is((SELECT quantity FROM omni.stock_ledger WHERE reference = 'COUNT'),
    -2, 'the ledger gets the difference alone');

-- ---- promises ----

SELECT omni.receive_stock('S1', 'SKU3', 10), omni.receive_stock('W1', 'SKU3', 10);
SELECT ok(omni.reserve_stock('SKU3', 4) > 0, 'short form: of the pool');
SELECT is(omni.available('SKU3'), 16, 'a pool-level promise takes from the pool');
SELECT is(pg_temp.at('SKU3', 'S1'), '10/0/10', 'and from no node');
SELECT ok(omni.reserve_stock('SKU3', 10, 'S1', NULL, 'R-1', 'web') > 0,
    'at a node');
SELECT is(pg_temp.at('SKU3', 'S1'), '10/10/0', 'reserved there');
SELECT is(omni.available('SKU3'), 6, 'and in the pool');
SELECT is(omni.available('SKU3', 'W1'), 6,
    'a node offers no more than the pool: the rest is held without a node');
SELECT throws_ok($$ SELECT omni.reserve_stock('SKU3', 7, 'W1') $$, 'OM001',
    NULL, 'a store cannot eat a basket held of the pool');
SELECT ok(omni.reserve_stock('SKU3', 6, 'W1') > 0, 'exactly the rest goes');
SELECT throws_ok($$ SELECT omni.reserve_stock('SKU3', 1) $$, 'OM001', NULL,
    'then there is nothing');
SELECT results_eq(
    $$ SELECT sku, node, quantity, reference, channel, expires_at IS NULL
       FROM omni.reservation WHERE reference = 'R-1' $$,
    $$ VALUES ('SKU3', 'S1', 10, 'R-1', 'web', true) $$,
    'omni.reservation shows an open promise');
SELECT lives_ok($$ SELECT omni.release_reservation(pg_temp.promise('R-1')) $$,
    'release');
SELECT is(pg_temp.at('SKU3', 'S1'), '10/0/10', 'gives the units back');
SELECT is_empty($$ SELECT 1 FROM omni.reservation WHERE reference = 'R-1' $$,
    'and the promise is gone');
SELECT ok(omni.reserve_stock('SKU3', 3, 'S1', NULL, 'R-2') > 0, 'another one');
SELECT lives_ok($$ SELECT omni.consume_reservation(pg_temp.promise('R-2')) $$,
    'consume');
SELECT is(pg_temp.at('SKU3', 'S1'), '7/0/7', 'on hand and reserved fall');
SELECT ok(omni.reserve_stock('SKU3', 5, NULL, NULL, 'R-3') > 0, 'of the pool');
SELECT is(omni.available('SKU3'), 2, 'the pool before pinning');
SELECT lives_ok($$ SELECT omni.pin_reservation(pg_temp.promise('R-3'), 'S1') $$,
    'pin');
SELECT is(omni.available('SKU3'), 2, 'pinning leaves the pool as it is');
SELECT is(pg_temp.at('SKU3', 'S1'), '7/5/2', 'and takes at the node');
SELECT is((SELECT id::text || node FROM omni.reservation WHERE reference = 'R-3'),
    pg_temp.promise('R-3') || 'S1', 'under the same id');
SELECT lives_ok($$ SELECT omni.consume_reservation(pg_temp.promise('R-3')) $$,
    'a pinned one can be consumed');

-- several lines
SELECT is(array_length(omni.reserve_lines(ARRAY['SKU3', 'SKU1', 'SKU3'],
    ARRAY[1, 2, 1], ARRAY['S1', NULL, NULL], NULL, 'L-1'), 1), 3,
    'reserve_lines gives an id for each line');
SELECT results_eq(
    $$ SELECT sku, node, quantity FROM omni.reservation
       WHERE reference = 'L-1' ORDER BY id $$,
    $$ VALUES ('SKU3', 'S1', 1), ('SKU1', NULL, 2), ('SKU3', NULL, 1) $$,
    'id n belongs to line n, a null node is the pool');
SELECT is(omni.available('SKU3'), 0, 'all of it is promised now');
SELECT omni.receive_stock('S1', 'SKU4', 3);
SELECT throws_ok(
    $$ SELECT omni.reserve_lines(ARRAY['SKU4', 'SKU4'], ARRAY[2, 2]) $$,
    'OM001', NULL, 'the same sku twice counts twice');
SELECT is(omni.available('SKU4'), 3, 'and nothing of it is taken');
SELECT throws_ok(
    $$ SELECT omni.reserve_lines(ARRAY['SKU4', 'SKU3'], ARRAY[2, 1]) $$,
    'OM001', NULL, 'one line that lacks stock refuses all');
SELECT is(omni.available('SKU4'), 3, 'all or nothing');
SELECT lives_ok(
    $$ SELECT omni.reserve_lines(ARRAY['SKU4', 'SKU4'], ARRAY[2, 1]) $$,
    'what is there can be taken in two lines');

-- ---- transactions and savepoints ----

SELECT omni.receive_stock('S1', 'SKU5', 10);
BEGIN;
SELECT omni.reserve_stock('SKU5', 4, 'S1');
SELECT omni.reserve_stock('SKU5', 6);
SELECT is(omni.available('SKU5'), 0, 'own promises count at once');
ROLLBACK;
SELECT is(pg_temp.at('SKU5', 'S1'), '10/0/10', 'a rollback gives all back');
BEGIN;
SELECT omni.reserve_stock('SKU5', 4, 'S1', NULL, 'S-1');
SAVEPOINT a;
SELECT omni.reserve_stock('SKU5', 3, 'S1');
SAVEPOINT b;
SELECT omni.reserve_stock('SKU5', 3);
RELEASE SAVEPOINT b;
SELECT is(omni.available('SKU5'), 0, 'nested savepoints take');
ROLLBACK TO SAVEPOINT a;
SELECT is(omni.available('SKU5'), 6,
    'rolling back to the outer gives back what the released inner one took');
SELECT omni.reserve_stock('SKU5', 1, 'S1');
COMMIT;
SELECT is(pg_temp.at('SKU5', 'S1'), '10/5/5', 'what was kept is promised');

-- own additions are netted first
BEGIN;
SELECT omni.receive_stock('S1', 'SKU6', 10);
SELECT is(omni.available('SKU6'), 10, 'own arrival counts at once');
SELECT omni.reserve_stock('SKU6', 4, 'S1');
SAVEPOINT a;
SELECT omni.receive_stock('W1', 'SKU6', 5);
SELECT omni.reserve_stock('SKU6', 11);
SELECT is(omni.available('SKU6'), 0, 'pool-level against arrivals at two nodes');
ROLLBACK TO SAVEPOINT a;
SELECT is(omni.available('SKU6'), 6, 'the arrival and what used it go together');
SELECT omni.reserve_stock('SKU6', 6, NULL, NULL, 'N-6');
SELECT omni.pin_reservation(pg_temp.promise('N-6'), 'S1');
COMMIT;
SELECT is(pg_temp.at('SKU6', 'S1'), '10/10/0', 'all of it is promised at commit');
SELECT is(omni.available('SKU6'), 0, 'and the pool is empty');

-- release, then reserve what was released, in one transaction
SELECT omni.receive_stock('S1', 'SKU7', 5);
SELECT omni.reserve_stock('SKU7', 5, 'S1', NULL, 'X-7');
BEGIN;
SELECT omni.release_reservation(pg_temp.promise('X-7'));
SELECT is(omni.available('SKU7'), 5, 'what one releases is one''s own at once');
SELECT omni.reserve_stock('SKU7', 5, 'S1', NULL, 'Y-7');
ROLLBACK;
SELECT is((SELECT string_agg(reference, ',') FROM omni.reservation
    WHERE sku = 'SKU7'), 'X-7', 'a rollback leaves the old promise');
SELECT is(pg_temp.at('SKU7', 'S1'), '5/5/0', 'and the counters as they were');
BEGIN;
SELECT omni.release_reservation(pg_temp.promise('X-7'));
SELECT omni.reserve_stock('SKU7', 5, 'S1', NULL, 'Y-7');
COMMIT;
SELECT is((SELECT string_agg(reference, ',') FROM omni.reservation
    WHERE sku = 'SKU7'), 'Y-7', 'a commit leaves the new one');
SELECT is(pg_temp.at('SKU7', 'S1'), '5/5/0', 'and the counters fit');
-- promised and released in the same transaction, with a limit and without
BEGIN;
SELECT omni.receive_stock('S1', 'SKU7', 4);
SELECT omni.reserve_stock('SKU7', 4, 'S1', '1 hour', 'Z-7');
SELECT omni.release_reservation(pg_temp.promise('Z-7'));
COMMIT;
SELECT is(pg_temp.at('SKU7', 'S1'), '9/5/4',
    'opened against an own arrival and released in one transaction');

-- ---- one script that makes everything ----

BEGIN;
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES
    ('NEW', 'store', 1, 1);
INSERT INTO omni.item (sku) VALUES ('NEWSKU');
SELECT omni.set_stock_policy('NEWSKU', 'NEW', 2);
SELECT omni.receive_stock('NEW', 'NEWSKU', 10);
SELECT is(omni.available('NEWSKU', 'NEW'), 8, 'item, node, policy and stock in one transaction');
SELECT omni.reserve_stock('NEWSKU', 8, 'NEW');
COMMIT;
SELECT is(pg_temp.at('NEWSKU', 'NEW'), '10/8/0', 'and after its commit');

-- ---- time limits, by a clock that moves ----

SELECT omni.receive_stock('S1', 'SKU8', 10);
SELECT omni.reserve_stock('SKU8', 4, 'S1', '10 minutes', 'T-8');
SELECT omni.reserve_stock('SKU8', 4, NULL, '20 minutes', 'P-8');
SELECT is(omni.available('SKU8'), 2, 'promises with a limit count');
-- The worker has nothing to tidy before its next fold, and the answer must
-- not wait for it.
SELECT omni_internal.move_clock('599 seconds');
SELECT is(omni.available('SKU8'), 2, 'until their time has come');
SELECT lives_ok(
    $$ SELECT omni.extend_reservation(pg_temp.promise('T-8'), '5 minutes') $$,
    'extend');
SELECT omni_internal.move_clock('2 seconds');
SELECT is(omni.available('SKU8'), 2, 'an extended promise stands');
SELECT omni_internal.move_clock('299 seconds');
SELECT is(omni.available('SKU8'), 6, 'and ends at now + ttl of the extension');
SELECT throws_ok(
    $$ SELECT omni.extend_reservation(pg_temp.promise('T-8'), '1 hour') $$,
    'OM004', NULL, 'an expired one cannot be extended');
SELECT throws_ok(
    $$ SELECT omni.release_reservation(pg_temp.promise('T-8')) $$,
    'OM004', NULL, 'nor released');
SELECT throws_ok(
    $$ SELECT omni.consume_reservation(pg_temp.promise('T-8')) $$,
    'OM004', NULL, 'nor consumed');
SELECT lives_ok(
    $$ SELECT omni.pin_reservation(pg_temp.promise('P-8'), 'S1') $$,
    'pinning keeps the limit');
SELECT is(pg_temp.at('SKU8', 'S1'), '10/4/6', 'pinned');
SELECT omni_internal.move_clock('10 minutes');
SELECT is(pg_temp.at('SKU8', 'S1'), '10/0/10', 'a pinned promise expires, too');
SELECT is(omni.available('SKU8'), 10, 'and the pool has all');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$,
    'expired and not tidied up: no difference');
-- inside one transaction
BEGIN;
SELECT omni.receive_stock('S1', 'SKU9', 5);
SELECT omni.reserve_stock('SKU9', 5, 'S1', '1 minute', 'T-9');
SELECT is(omni.available('SKU9'), 0, 'own arrival promised with a limit');
SELECT omni_internal.move_clock('2 minutes');
SELECT is(omni.available('SKU9'), 5,
    'expired in flight: back to one''s own additions');
SELECT throws_ok(
    $$ SELECT omni.release_reservation(pg_temp.promise('T-9')) $$,
    'OM004', NULL, 'and over, in its own transaction too');
COMMIT;
SELECT is(pg_temp.at('SKU9', 'S1'), '5/0/5', 'the commit counts it no more');

-- The worker may be tidying up the very promise: that is no reason to try
-- again.  It is held at its insert, with the promise claimed.
INSERT INTO omni.item(sku) VALUES ('SKU8B');
SELECT omni.receive_stock('S1', 'SKU8B', 1) > 0 AS received \g /dev/null
SELECT omni.reserve_stock('SKU8B', 1, ttl => '1 minute', reference => 'T-8b') > 0 AS held \g /dev/null
DO $$ BEGIN
    FOR i IN 1 .. 200 LOOP
        PERFORM omni.wait_for_tick();
        EXIT WHEN EXISTS (SELECT FROM omni_internal.open_reservation WHERE reference = 'T-8b');
        COMMIT;
        PERFORM pg_catalog.count(*) FROM pg_catalog.generate_series(1, 100000);
    END LOOP;
END $$;
BEGIN;
LOCK TABLE omni.stock_ledger IN SHARE MODE;
SELECT omni_internal.move_clock('61 seconds') IS NOT NULL AS moved \g /dev/null
DO $$ BEGIN
    FOR i IN 1 .. 100000 LOOP
        EXIT WHEN EXISTS (SELECT FROM pg_catalog.pg_locks
            WHERE relation = 'omni.stock_ledger'::regclass AND NOT granted);
    END LOOP;
END $$;
SELECT isnt_empty($$ SELECT FROM pg_catalog.pg_locks
    WHERE relation = 'omni.stock_ledger'::regclass AND NOT granted $$,
    'the worker is tidying up');
SELECT throws_ok(
    $$ SELECT omni.release_reservation(pg_temp.promise('T-8b')) $$,
    'OM004', NULL, 'an expired promise that the worker has in hand is expired');
ROLLBACK;

-- ---- the same under the other isolation levels ----

SELECT omni.receive_stock('S1', 'SKU10', 2);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT omni.reserve_stock('SKU10', 1, NULL, NULL, 'RR');
SELECT is((SELECT count(*) FROM omni.reservation WHERE reference = 'RR'), 1::bigint,
    'REPEATABLE READ: a reader sees its own promise at once');
SELECT omni.pin_reservation(pg_temp.promise('RR'), 'S1');
SELECT omni.consume_reservation(pg_temp.promise('RR'));
COMMIT;
SELECT is(pg_temp.at('SKU10', 'S1'), '1/0/1', 'and went through');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT omni.reserve_stock('SKU10', 1, 'S1', NULL, 'SER');
COMMIT;
SELECT is(pg_temp.at('SKU10', 'S1'), '1/1/0', 'SERIALIZABLE too');

-- ---- what the feed and the views say ----

SELECT ok(omni.wait_for_tick() > 0, 'a tick closes');
SELECT is((SELECT array_agg(DISTINCT kind ORDER BY kind) FROM omni.event
    WHERE kind LIKE 'stock.%'
       AND kind NOT LIKE 'stock.shortfall%' AND kind <> 'stock.expire'),
    ARRAY['stock.adjust', 'stock.consume', 'stock.extend', 'stock.pin',
        'stock.receive', 'stock.release', 'stock.reserve', 'stock.sell',
        'stock.set', 'stock.unpool'], 'the feed has each kind');
SELECT results_eq(
    $$ SELECT entity, payload FROM omni.event
       WHERE kind IN ('stock.reserve', 'stock.unpool', 'stock.pin')
         AND entity_id = (SELECT id FROM omni.item WHERE sku = 'SKU10')
       ORDER BY position LIMIT 3 $$,
    $$ VALUES
       ('item', '{"sku": "SKU10", "node": null, "quantity": 0, "reserved": 1}'::jsonb),
       ('item', '{"sku": "SKU10", "node": null, "quantity": 0, "reserved": -1}'),
       ('item', '{"sku": "SKU10", "node": "S1", "quantity": 0, "reserved": 1}') $$,
    'with signed deltas, node null for the pool');
SELECT is((SELECT count(*) FROM omni.event WHERE kind LIKE 'stock.%'
       AND kind NOT LIKE 'stock.shortfall%'),
    (SELECT count(*) FROM omni.stock_ledger), 'one event for each ledger row');
SELECT is((SELECT sum(on_hand) FROM omni.stock_now),
    (SELECT sum(quantity) FROM omni.stock_ledger)::numeric,
    'omni.stock_now is the sum of the ledger');
SELECT throws_ok($$ UPDATE omni.stock_ledger SET quantity = 1 $$, 'OM005', NULL,
    'the ledger cannot be updated');
SELECT throws_ok($$ DELETE FROM omni.stock_ledger $$, 'OM005', NULL,
    'nor deleted from');
SELECT throws_ok($$ TRUNCATE omni.stock_ledger $$, 'OM005', NULL,
    'nor emptied');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'verify_stock is empty');
SELECT * FROM finish();
