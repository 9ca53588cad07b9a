-- Bad input to the functions of stock: each has its SQLSTATE, and none changes
-- anything.
CREATE TEMP TABLE bad (id serial PRIMARY KEY, state text, call text);
INSERT INTO omni.channel (code, kind) VALUES ('web', 'web');
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES
    ('N', 'store', 1, 1), ('M', 'store', 2, 2);
INSERT INTO omni.item (sku) VALUES ('A'), ('B');
SELECT omni.receive_stock('N', 'A', 10);
SELECT omni.receive_stock('N', 'B', 10);
SELECT omni.reserve_stock('A', 1, NULL, NULL, 'pool');
SELECT omni.reserve_stock('A', 1, 'N', NULL, 'node');
SELECT omni.reserve_stock('A', 2, 'N', '1 hour', 'limit');
SELECT omni.reserve_stock('A', 1, 'N', NULL, 'closed');
CREATE FUNCTION pg_temp.promise(text) RETURNS bigint LANGUAGE sql AS
    $$ SELECT max(l.reservation) FROM omni.stock_ledger l
       WHERE l.reference = $1 AND l.kind = 'reserve' $$;
SELECT omni.release_reservation(pg_temp.promise('closed'));

INSERT INTO bad (state, call) VALUES
-- unknown, or NULL where a value is required
('OM002', $$omni.receive_stock('nowhere', 'A', 1)$$),
('OM002', $$omni.receive_stock('N', 'nothing', 1)$$),
('OM002', $$omni.receive_stock(NULL, 'A', 1)$$),
('OM002', $$omni.receive_stock('N', NULL, 1)$$),
('OM002', $$omni.receive_stock('N', 'A', NULL)$$),
('OM002', $$omni.sell_stock('nowhere', 'A', 1)$$),
('OM002', $$omni.sell_stock('N', 'nothing', 1)$$),
('OM002', $$omni.sell_stock('N', 'A', 1, NULL, 'no channel')$$),
('OM002', $$omni.sell_stock(NULL, 'A', 1)$$),
('OM002', $$omni.sell_stock('N', NULL, 1)$$),
('OM002', $$omni.sell_stock('N', 'A', NULL)$$),
('OM002', $$omni.adjust_stock('nowhere', 'A', 1, 'r')$$),
('OM002', $$omni.adjust_stock('N', 'nothing', 1, 'r')$$),
('OM002', $$omni.adjust_stock(NULL, 'A', 1, 'r')$$),
('OM002', $$omni.adjust_stock('N', NULL, 1, 'r')$$),
('OM002', $$omni.adjust_stock('N', 'A', NULL, 'r')$$),
('OM002', $$omni.adjust_stock('N', 'A', 1, NULL)$$),
('OM002', $$omni.set_stock('nowhere', 'A', 1)$$),
('OM002', $$omni.set_stock('N', 'nothing', 1)$$),
('OM002', $$omni.set_stock(NULL, 'A', 1)$$),
('OM002', $$omni.set_stock('N', NULL, 1)$$),
('OM002', $$omni.set_stock('N', 'A', NULL)$$),
('OM002', $$omni.available('nothing')$$),
('OM002', $$omni.available(NULL)$$),
('OM002', $$omni.available('A', 'nowhere')$$),
('OM002', $$omni.available('A', NULL, 'no channel')$$),
('OM002', $$omni.availability(ARRAY['A', 'nothing'])$$),
('OM002', $$omni.availability(ARRAY['A', NULL])$$),
('OM002', $$omni.availability(NULL)$$),
('OM002', $$omni.availability(ARRAY['A'], 'no channel')$$),
('OM002', $$omni.reserve_stock('nothing', 1)$$),
('OM002', $$omni.reserve_stock(NULL, 1)$$),
('OM002', $$omni.reserve_stock('A', NULL)$$),
('OM002', $$omni.reserve_stock('A', 1, 'nowhere')$$),
('OM002', $$omni.reserve_stock('A', 1, NULL, NULL, NULL, 'no channel')$$),
('OM002', $$omni.reserve_lines(ARRAY['A', 'nothing'], ARRAY[1, 1])$$),
('OM002', $$omni.reserve_lines(ARRAY['A', NULL], ARRAY[1, 1])$$),
('OM002', $$omni.reserve_lines(ARRAY['A', 'B'], ARRAY[1, NULL])$$),
('OM002', $$omni.reserve_lines(ARRAY['A'], ARRAY[1], ARRAY['nowhere'])$$),
('OM002', $$omni.reserve_lines(NULL, ARRAY[1])$$),
('OM002', $$omni.reserve_lines(ARRAY['A'], NULL)$$),
('OM002', $$omni.reserve_lines(ARRAY['A'], ARRAY[1], NULL, NULL, NULL, 'no channel')$$),
('OM002', $$omni.extend_reservation(NULL, '1 hour')$$),
('OM002', $$omni.extend_reservation(999999, '1 hour')$$),
('OM002', $$omni.extend_reservation(pg_temp.promise('limit'), NULL)$$),
('OM002', $$omni.pin_reservation(NULL, 'N')$$),
('OM002', $$omni.pin_reservation(999999, 'N')$$),
('OM002', $$omni.pin_reservation(pg_temp.promise('pool'), 'nowhere')$$),
('OM002', $$omni.pin_reservation(pg_temp.promise('pool'), NULL)$$),
('OM002', $$omni.release_reservation(NULL)$$),
('OM002', $$omni.release_reservation(999999)$$),
('OM002', $$omni.release_reservation(-1)$$),
('OM002', $$omni.release_reservation(9223372036854775807)$$),
('OM002', $$omni.release_reservation(1)$$), -- a ledger row, but no promise
('OM002', $$omni.consume_reservation(NULL)$$),
('OM002', $$omni.consume_reservation(999999)$$),
-- negative, zero, of the wrong form
('OM007', $$omni.receive_stock('N', 'A', 0)$$),
('OM007', $$omni.receive_stock('N', 'A', -1)$$),
('OM007', $$omni.sell_stock('N', 'A', 0)$$),
('OM007', $$omni.sell_stock('N', 'A', -2147483648)$$),
('OM007', $$omni.sell_stock('N', 'A', 1, occurred_at => 'infinity')$$),
('OM007', $$omni.sell_stock('N', 'A', 1, occurred_at => '-infinity')$$),
('OM007', $$omni.set_stock('N', 'A', 1, as_of => 'infinity')$$),
('OM007', $$omni.set_stock('N', 'A', 1, as_of => '-infinity')$$),
('OM007', $$omni.adjust_stock('N', 'A', 0, 'r')$$),
('OM007', $$omni.reserve_stock('A', 0)$$),
('OM007', $$omni.reserve_stock('A', -5, 'N')$$),
('OM007', $$omni.reserve_stock('A', 1, 'N', '0 s')$$),
('OM007', $$omni.reserve_stock('A', 1, 'N', '-1 hour')$$),
('OM007', $$omni.reserve_stock('A', 1, 'N', '170000000 years')$$),
('OM007', $$omni.reserve_stock('A', 1, 'N', '-170000000 years')$$),
('OM007', $$omni.reserve_lines(ARRAY['A'], ARRAY[1], NULL, '170000000 years')$$),
('OM007', $$omni.reserve_lines(ARRAY['A'], ARRAY[1], NULL, '-170000000 years')$$),
('OM007', $$omni.reserve_lines('{}', '{}')$$),
('OM007', $$omni.reserve_lines(ARRAY['A'], ARRAY[1, 2])$$),
('OM007', $$omni.reserve_lines(ARRAY['A', 'B'], ARRAY[1])$$),
('OM007', $$omni.reserve_lines(ARRAY['A'], '{}')$$),
('OM007', $$omni.reserve_lines(ARRAY['A'], ARRAY[1], '{}')$$),
('OM007', $$omni.reserve_lines(ARRAY['A', 'B'], ARRAY[1, 1], ARRAY['N'])$$),
('OM007', $$omni.reserve_lines(ARRAY[['A'], ['B']], ARRAY[1, 1])$$),
('OM007', $$omni.reserve_lines(ARRAY['A', 'B'], ARRAY[[1], [1]])$$),
('OM007', $$omni.reserve_lines(ARRAY['A'], ARRAY[0])$$),
('OM007', $$omni.reserve_lines(ARRAY['A', 'B'], ARRAY[1, -1])$$),
('OM007', $$omni.reserve_lines(ARRAY['A'], ARRAY[1], NULL, '-1 s')$$),
('OM007', $$omni.availability(ARRAY[['A'], ['B']])$$),
('OM007', $$omni.extend_reservation(pg_temp.promise('limit'), '-1 s')$$),
('OM007', $$omni.extend_reservation(pg_temp.promise('limit'), '170000000 years')$$),
('OM007', $$omni.extend_reservation(pg_temp.promise('limit'), '-170000000 years')$$),
('OM007', $$omni.wait_for_tick('-170000000 years')$$),
('OM007', $$omni.prune_history(now(), '-170000000 years')$$),
('OM007', $$omni.limit_consumer('c', '-170000000 years')$$),
-- out of range
('OM008', $$omni.receive_stock('N', 'A', 2147483647)$$),
('OM008', $$omni.adjust_stock('N', 'A', 2147483647, 'r')$$),
('OM008', $$omni.adjust_stock('N', 'B', -2147483648, 'r') + omni.adjust_stock('N', 'B', -2147483648, 'r')$$),
('OM008', $$omni.set_stock('N', 'A', -2147483648)$$),
-- not there
('OM001', $$omni.reserve_stock('A', 7)$$),
('OM001', $$omni.reserve_stock('A', 2147483647)$$),
('OM001', $$omni.reserve_stock('A', 1, 'M')$$),
('OM001', $$omni.reserve_lines(ARRAY['A', 'B'], ARRAY[1, 11])$$),
('OM001', $$omni.reserve_lines(array_fill('A'::text, ARRAY[10000]), array_fill(1, ARRAY[10000]))$$),
('OM001', $$omni.pin_reservation(pg_temp.promise('pool'), 'M')$$),
-- over, or not the kind of promise that can do this
('OM004', $$omni.extend_reservation(pg_temp.promise('node'), '1 hour')$$),
('OM004', $$omni.extend_reservation(pg_temp.promise('closed'), '1 hour')$$),
('OM004', $$omni.pin_reservation(pg_temp.promise('node'), 'N')$$),
('OM004', $$omni.pin_reservation(pg_temp.promise('closed'), 'N')$$),
('OM004', $$omni.release_reservation(pg_temp.promise('closed'))$$),
('OM004', $$omni.consume_reservation(pg_temp.promise('closed'))$$),
('OM004', $$omni.consume_reservation(pg_temp.promise('pool'))$$);

-- Intervals without an end exist from version 17 on.
INSERT INTO bad (state, call)
SELECT 'OM007', replace(replace(call, '-170000000 years', '-infinity'),
    '170000000 years', 'infinity')
FROM bad WHERE call ~ '170000000' AND current_setting('server_version_num')::int >= 170000;

SELECT plan((SELECT count(*)::int + 16 FROM bad));
-- Every public function of stock and core that takes a time or an interval is
-- above, or below.
SELECT bag_eq($$ SELECT DISTINCT p.proname::text FROM pg_proc p, unnest(p.proargtypes) t
    WHERE p.pronamespace = 'omni'::regnamespace
    AND p.prosrc ~ '^omni_(stock|core)_' AND t IN ('timestamptz'::regtype, 'interval'::regtype) $$,
    $$ SELECT unnest('{sell_stock,set_stock,reserve_stock,reserve_lines,
    extend_reservation,wait_for_tick,prune_history,limit_consumer}'::text[]) $$,
    'the functions that take a time');
CREATE TEMP TABLE before AS
    SELECT * FROM omni.availability(ARRAY['A', 'B']);
CREATE TEMP TABLE rows_before AS SELECT count(*) AS n FROM omni.stock_ledger;
SELECT is(omni.available('A'), 6, 'to begin with');

SELECT throws_ok('SELECT ' || call, state, NULL, state || ' ' || call)
FROM bad ORDER BY id;

SELECT results_eq('SELECT * FROM before ORDER BY sku, node',
    $$ SELECT * FROM omni.availability(ARRAY['A', 'B']) ORDER BY sku, node $$,
    'none of it changed availability');
SELECT is((SELECT count(*) FROM omni.stock_ledger), (SELECT n FROM rows_before),
    'or wrote a row');
SELECT is((SELECT count(*) FROM omni.reservation), 3::bigint,
    'and the promises stand');

-- Where there is nothing to be wrong a time may be as far away as it can.
SELECT ok(omni.prune_history('-infinity') = 0, 'the history of before all time is gone');
SELECT ok(omni.wait_for_tick('170000000 years') > 0, 'one may wait for ever');

-- The beginning of the server's count of time is a time like any other.
SELECT omni.sell_stock('M', 'B', 3, 'new year', occurred_at => '2000-01-01 00:00:00+00') AS id \gset
SELECT is((SELECT occurred_at FROM omni.stock_ledger WHERE id = :id),
    '2000-01-01 00:00:00+00'::timestamptz, 'sold when the millennium was celebrated');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE occurred_at IS NULL), 0::bigint,
    'what has no time of its own has that of its record');
SELECT omni.set_stock('M', 'B', 7, as_of => '2000-01-01 00:00:00+00') AS id \gset
SELECT is((SELECT quantity FROM omni.stock_ledger WHERE id = :id), 10,
    'counted then: what was sold is in the count');
SELECT omni.set_stock('M', 'B', 7, as_of => '1999-12-31 23:59:59.999999+00') AS id \gset
SELECT is((SELECT quantity FROM omni.stock_ledger WHERE id = :id), 7,
    'counted a moment before: it and the count have come since');

-- the message names the line, and no other customer's data
SELECT throws_ok(
    $$ SELECT omni.reserve_lines(ARRAY['A', 'B'], ARRAY[1, 11], ARRAY['N', 'N']) $$,
    'OM001', 'insufficient stock of "B" at node "N"', 'the message names sku and node');

-- two-phase commit is refused cleanly
BEGIN;
SELECT omni.reserve_stock('A', 1);
SELECT throws_ok($$ SELECT omni.available('A', 'nowhere') $$, 'OM002', NULL,
    'an error inside a transaction');
COMMIT;
SELECT is(omni.available('A'), 5, 'leaves the rest of it');
SELECT lives_ok(
    $$ SELECT omni.reserve_lines(array_fill('B'::text, ARRAY[10]), array_fill(1, ARRAY[10])) $$,
    'a long basket that fits');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'verify_stock is empty');
SELECT * FROM finish();
