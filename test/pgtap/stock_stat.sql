-- What a DBA sees of the stock engine and of the worker, and who may.
SELECT no_plan();
CREATE ROLE stock_stat_reader;
CREATE ROLE stock_stat_admin;
CREATE ROLE stock_stat_channel;
INSERT INTO omni.channel (code, kind) VALUES ('web', 'web');
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES ('N', 'store', 1, 1);
INSERT INTO omni.item (sku) VALUES ('A'), ('B');
SELECT omni.grant_access('stock_stat_reader', 'reader');
SELECT omni.grant_access('stock_stat_admin', 'admin');
SELECT omni.grant_access('stock_stat_channel', 'channel', 'web');

-- Others use the same server: what is counted rises at least by this much.
CREATE TEMP TABLE before AS SELECT * FROM omni.stat_stock;
SELECT omni.receive_stock('N', 'A', 2);
SELECT is((SELECT count(*) FROM omni.stat_stock), 1::bigint, 'stat_stock is one row');
SELECT ok((SELECT s.loads > b.loads FROM omni.stat_stock s, before b),
    'loads: an item was read from the tables');
SELECT throws_ok($$SELECT omni.reserve_stock('A', 3)$$, 'OM001');
SELECT throws_ok($$SELECT omni.reserve_stock('A', 3, 'N')$$, 'OM001');
SELECT ok((SELECT s.refused >= b.refused + 2 FROM omni.stat_stock s, before b),
    'refused: two requests found too little');
BEGIN;
SELECT omni.available('A');
SELECT omni.available('B');
SELECT ok((SELECT pinned_blocks >= 2 FROM omni.stat_stock),
    'pinned_blocks: what this transaction uses');
COMMIT;
SELECT ok((SELECT blocks >= 2 AND blocks >= pinned_blocks FROM omni.stat_stock),
    'blocks: they stay in memory');
SELECT ok((SELECT memory_used >= 256 * blocks AND memory_used <= memory_total
           FROM omni.stat_stock), 'memory_used: at least so much for each');
SELECT is((SELECT memory_total FROM omni.stat_stock),
    (SELECT setting::bigint * 1024 FROM pg_settings
     WHERE name = 'omni.stock_memory'), 'memory_total: all of omni.stock_memory');
SELECT is((SELECT in_doubt FROM omni.stat_stock), 0::bigint, 'nothing is in doubt');
BEGIN READ ONLY;
SELECT throws_ok('SELECT omni.reload_stock()', '25006', NULL, 'reload_stock() changes what others use: not read-only');
ROLLBACK;
SELECT is(omni.reload_stock(), 2::bigint, 'reload_stock() counts this database''s items');
SELECT ok((SELECT s.reloads >= b.reloads + 2 FROM omni.stat_stock s, before b),
    'reloads: both');
SELECT ok((SELECT stats_reset <= now() FROM omni.stat_stock), 'stats_reset is a time');
SELECT set_has($$SELECT name FROM pg_shmem_allocations$$,
    $$VALUES ('omni stock arena'), ('omni stock table'), ('omni stock statistics')$$,
    'shared memory is named');

-- the worker
SELECT omni.wait_for_tick();
SELECT is((SELECT count(*) FROM omni.stat_worker), 1::bigint, 'stat_worker is one row');
SELECT is((SELECT state FROM omni.stat_worker), 'running', 'it runs');
SELECT is((SELECT count(*) FROM omni.stat_worker w
           JOIN pg_stat_activity a ON a.pid = w.pid
           WHERE a.backend_type = 'omni worker' AND a.datname = current_database()),
    1::bigint, 'pid is that of pg_stat_activity');
SELECT is((SELECT problem FROM omni.stat_worker), NULL, 'without a problem');
SELECT ok((SELECT tick_age BETWEEN '0' AND '1 minute' FROM omni.stat_worker),
    'tick_age: the last tick is a moment ago');
CREATE TEMP TABLE turn AS SELECT turns, last_tick_at FROM omni.stat_worker;
SELECT omni.wait_for_tick();
SELECT ok((SELECT w.turns > t.turns AND w.last_tick_at > t.last_tick_at
           FROM omni.stat_worker w, turn t),
    'last_tick_at: a tick over nothing counts');
SELECT is((SELECT tick_lag FROM omni.stat_worker), 0::bigint,
    'tick_lag: after a tick nothing waits for a position');
BEGIN;
SELECT omni.receive_stock('N', 'A', 1);
SELECT omni.receive_stock('N', 'B', 1);
SELECT is((SELECT tick_lag FROM omni.stat_worker), 2::bigint,
    'tick_lag: two rows have none yet');
SELECT ok((SELECT fold_lag >= 2 FROM omni.stat_worker),
    'fold_lag: nor are they folded');
ROLLBACK;
SELECT is((SELECT w.last_position FROM omni.stat_worker w),
    (SELECT max(first_position + count - 1) FROM omni.tick), 'last_position');

-- who may
SET ROLE stock_stat_reader;
SELECT is((SELECT count(*) FROM omni.stat_stock, omni.stat_worker), 1::bigint,
    'a reader sees both');
SELECT throws_ok('SELECT omni.reload_stock()', '42501');
SELECT throws_ok('SELECT omni.reset_stat_stock()', '42501');
RESET ROLE;
SET ROLE stock_stat_channel;
SELECT throws_ok('SELECT * FROM omni.stat_stock', '42501');
SELECT throws_ok('SELECT * FROM omni.stat_worker', '42501');
RESET ROLE;
SET ROLE stock_stat_admin;
SELECT lives_ok('SELECT * FROM omni.stat_stock, omni.stat_worker');
SELECT is(omni.reload_stock() >= 0, true, 'an admin reloads');
SELECT lives_ok('SELECT omni.reset_stat_stock()');
RESET ROLE;
SELECT ok((SELECT s.stats_reset > b.stats_reset FROM omni.stat_stock s, before b),
    'a reset is remembered');

SELECT * FROM finish();
SELECT omni.revoke_access('stock_stat_reader', 'reader');
SELECT omni.revoke_access('stock_stat_admin', 'admin');
SELECT omni.revoke_access('stock_stat_channel', 'channel');
DROP ROLE stock_stat_reader, stock_stat_admin, stock_stat_channel;
