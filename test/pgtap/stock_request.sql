-- Calls that carry a request: made exactly once, whatever becomes of the
-- client's connection (design: the same request with the same arguments
-- answers as the first time, with others it is an error).
SELECT plan(55);

INSERT INTO omni.channel (code, kind) VALUES ('web', 'web'), ('app', 'app');
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES
    ('N', 'store', 1, 1), ('M', 'store', 2, 2);
INSERT INTO omni.item (sku) VALUES ('A'), ('B'), ('Käse');
SELECT omni.receive_stock('N', s, 100) FROM unnest(ARRAY['A', 'B', 'Käse']) s;

CREATE FUNCTION pg_temp.rows() RETURNS bigint LANGUAGE sql AS
    $$ SELECT count(*) FROM omni.stock_ledger $$;
CREATE FUNCTION pg_temp.keys() RETURNS bigint LANGUAGE sql AS
    $$ SELECT count(*) FROM omni_internal.request $$;
CREATE TEMP TABLE kept (name text PRIMARY KEY, id bigint, ids bigint[]);

-- ---- every function that changes stock, twice ----

INSERT INTO kept SELECT 'receive', omni.receive_stock('N', 'A', 5, request => 'r1');
INSERT INTO kept SELECT 'sell', omni.sell_stock('N', 'A', 2, 'T', 'web',
    '2026-01-02 03:04:05+00', 'r2');
INSERT INTO kept SELECT 'adjust', omni.adjust_stock('N', 'A', -3, 'damage', request => 'r3');
INSERT INTO kept SELECT 'set', omni.set_stock('N', 'A', 50, request => 'r4');
INSERT INTO kept SELECT 'reserve', omni.reserve_stock('A', 1, NULL, '1 hour', 'c', 'web', 'r5');
INSERT INTO kept SELECT 'lines', NULL, omni.reserve_lines(ARRAY['A', 'B', 'B'],
    ARRAY[1, 2, 3], ARRAY['N', NULL, 'N'], request => 'r6');
SELECT lives_ok($$ SELECT omni.extend_reservation(id, '2 hours', 'r7')
    FROM kept WHERE name = 'reserve' $$, 'extend carries a request');
SELECT lives_ok($$ SELECT omni.pin_reservation(id, 'N', 'r8')
    FROM kept WHERE name = 'reserve' $$, 'pin');
SELECT lives_ok($$ SELECT omni.consume_reservation(id, 'r9')
    FROM kept WHERE name = 'reserve' $$, 'consume');
SELECT lives_ok($$ SELECT omni.release_reservation(ids[2], 'r10')
    FROM kept WHERE name = 'lines' $$, 'release');
SELECT is(pg_temp.keys(), 10::bigint, 'ten keys are recorded');

CREATE TEMP TABLE before AS SELECT pg_temp.rows() AS n;
SELECT is(omni.receive_stock('N', 'A', 5, request => 'r1'),
    (SELECT id FROM kept WHERE name = 'receive'), 'receive answers as the first time');
SELECT is(omni.sell_stock('N', 'A', 2, 'T', 'web', '2026-01-02 03:04:05+00', 'r2'),
    (SELECT id FROM kept WHERE name = 'sell'), 'sell');
SELECT is(omni.adjust_stock('N', 'A', -3, 'damage', request => 'r3'),
    (SELECT id FROM kept WHERE name = 'adjust'), 'adjust');
SELECT is(omni.set_stock('N', 'A', 50, request => 'r4'),
    (SELECT id FROM kept WHERE name = 'set'), 'set');
SELECT is(omni.reserve_stock('A', 1, NULL, '1 hour', 'c', 'web', 'r5'),
    (SELECT id FROM kept WHERE name = 'reserve'),
    'reserve, although the promise has been consumed since');
SELECT is(omni.reserve_lines(ARRAY['A', 'B', 'B'], ARRAY[1, 2, 3],
    ARRAY['N', NULL, 'N'], request => 'r6'),
    (SELECT ids FROM kept WHERE name = 'lines'), 'reserve_lines, all ids');
SELECT lives_ok($$ SELECT omni.extend_reservation(id, '2 hours', 'r7')
    FROM kept WHERE name = 'reserve' $$, 'extend, although the promise is over');
SELECT lives_ok($$ SELECT omni.pin_reservation(id, 'N', 'r8')
    FROM kept WHERE name = 'reserve' $$, 'pin, although it is pinned');
SELECT lives_ok($$ SELECT omni.consume_reservation(id, 'r9')
    FROM kept WHERE name = 'reserve' $$, 'consume');
SELECT lives_ok($$ SELECT omni.release_reservation(ids[2], 'r10')
    FROM kept WHERE name = 'lines' $$, 'release');
SELECT is(pg_temp.rows(), (SELECT n FROM before), 'and none of them did anything');
SELECT is(pg_temp.keys(), 10::bigint, 'nor recorded anything');

-- ---- what makes arguments the same ----

SELECT is(omni.reserve_stock(sku => 'A', quantity => 1, ttl => '60 minutes',
    reference => 'c', channel => 'web', request => 'r5'),
    (SELECT id FROM kept WHERE name = 'reserve'),
    'a value is the same however it is written, an omitted argument is NULL');
SET timezone = 'Asia/Tokyo';
SELECT is(omni.sell_stock('N', 'A', 2, 'T', 'web', '2026-01-02 12:04:05', 'r2'),
    (SELECT id FROM kept WHERE name = 'sell'), 'a moment is the same in every time zone');
RESET timezone;
SELECT omni_internal.move_clock('3 hours');
SELECT is(omni.reserve_stock('A', 1, NULL, '1 hour', 'c', 'web', 'r5'),
    (SELECT id FROM kept WHERE name = 'reserve'),
    'a ttl is compared as given, not by the deadline that it makes');
SELECT is(omni.reserve_lines('[0:2]={A,B,B}'::text[], '[5:7]={1,2,3}'::int[],
    ARRAY['N', NULL, 'N'], request => 'r6'),
    (SELECT ids FROM kept WHERE name = 'lines'), 'bounds of an array do not count');
SELECT is(omni.sell_stock('N', 'Käse', 1, 'Theke', request => 'Schlüssel 1'),
    omni.sell_stock('N', 'Käse', 1, 'Theke', request => 'Schlüssel 1'),
    'keys and arguments may have any letters');

CREATE TEMP TABLE other (id serial PRIMARY KEY, call text, what text);
INSERT INTO other (call, what) VALUES
('omni.receive_stock(''N'', ''A'', 6, request => ''r1'')', 'another quantity'),
('omni.receive_stock(''M'', ''A'', 5, request => ''r1'')', 'another node'),
('omni.receive_stock(''N'', ''B'', 5, request => ''r1'')', 'another sku'),
('omni.receive_stock(''N'', ''A'', 5, ''x'', request => ''r1'')', 'another reference'),
('omni.receive_stock(''N'', ''A'', 5, '''', request => ''r1'')', 'an empty text is not NULL'),
('omni.sell_stock(''N'', ''A'', 5, request => ''r1'')', 'another function, same arguments'),
('omni.sell_stock(''N'', ''A'', 2, ''T'', ''app'', ''2026-01-02 03:04:05+00'', ''r2'')', 'another channel'),
('omni.sell_stock(''N'', ''A'', 2, ''T'', ''web'', ''2026-01-02 03:04:06+00'', ''r2'')', 'another moment'),
('omni.reserve_stock(''A'', 1, NULL, ''61 minutes'', ''c'', ''web'', ''r5'')', 'another ttl'),
('omni.reserve_stock(''A'', 1, NULL, NULL, ''c'', ''web'', ''r5'')', 'no ttl'),
('omni.reserve_stock(''A'', 1, ''N'', ''1 hour'', ''c'', ''web'', ''r5'')', 'a node in place of the pool'),
('omni.reserve_lines(ARRAY[''A'', ''B'', ''B''], ARRAY[1, 3, 2], ARRAY[''N'', NULL, ''N''], request => ''r6'')', 'other lines'),
('omni.reserve_lines(ARRAY[''A'', ''B'', ''B''], ARRAY[1, 2, 3], ARRAY[NULL, ''N'', ''N''], request => ''r6'')', 'other nodes'),
('omni.reserve_lines(ARRAY[''A'', ''BB''], ARRAY[1, 2], ARRAY[''N'', NULL], request => ''r6'')', 'fewer lines'),
('omni.release_reservation(4711, ''r10'')', 'another reservation'),
('omni.consume_reservation((SELECT ids[2] FROM kept WHERE name = ''lines''), ''r10'')', 'consumed in place of released');
SELECT throws_ok('SELECT ' || call, 'OM003', NULL, what || ': OM003')
FROM other ORDER BY id;
SELECT is(pg_temp.rows(), (SELECT n + 1 FROM before), 'and nothing was done');
SELECT throws_like($$ SELECT omni.receive_stock('N', 'A', 6, request => 'r1') $$,
    'request "r1" was made before with other content', 'the message names the key');

-- ---- the key ----

SELECT throws_ok($$ SELECT omni.receive_stock('N', 'A', 1, request => '') $$,
    'OM007', 'request must have 1 to 200 characters', 'an empty key is refused');
SELECT throws_ok(
    $$ SELECT omni.receive_stock('N', 'A', 1, request => repeat('x', 201)) $$,
    'OM007', NULL, 'one of 201 characters, too');
SELECT lives_ok(
    $$ SELECT omni.receive_stock('N', 'A', 1, request => repeat('ß', 200)) $$,
    'one of 200 is not');
SELECT throws_ok(
    $$ SELECT omni.reserve_stock('A', 100000, 'N', request => 'too much') $$,
    'OM001', NULL, 'a call that is refused');
SELECT lives_ok($$ SELECT omni.reserve_stock('A', 1, 'N', request => 'too much') $$,
    'leaves the key free');
BEGIN;
SAVEPOINT s;
SELECT omni.sell_stock('N', 'B', 10, request => 'undone');
ROLLBACK TO SAVEPOINT s;
SELECT omni.sell_stock('N', 'B', 1, request => 'undone');
SELECT is(omni.sell_stock('N', 'B', 1, request => 'undone'),
    (SELECT max(id) FROM omni.stock_ledger),
    'so does a savepoint that is rolled back; the same transaction repeats its own');
ROLLBACK;
SELECT omni.sell_stock('N', 'B', 3, request => 'undone');
SELECT is((SELECT sum(l.quantity) FROM omni.stock_ledger l
    JOIN omni.item i ON i.id = l.item_id WHERE i.sku = 'B' AND l.kind = 'sell'),
    -3::bigint, 'and a transaction that is');
SELECT is((SELECT count(DISTINCT omni.sell_stock('N', 'B', 1, request => 'loop'))
    FROM generate_series(1, 5)), 1::bigint, 'five calls of one statement are one');
SELECT is((SELECT count(DISTINCT omni.sell_stock('N', 'B', 1, request => 'many ' || g))
    FROM generate_series(1, 20) g), 20::bigint, 'twenty keys are twenty');
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), 0::bigint,
    'no lock outlives a call');

-- ---- whose key it is ----

CREATE ROLE stock_request_web;
CREATE ROLE stock_request_app;
SELECT omni.grant_access('stock_request_web', 'channel', 'web');
SELECT omni.grant_access('stock_request_app', 'channel', 'app');
SET ROLE stock_request_web;
SELECT omni.reserve_stock('B', 1, NULL, NULL, 'web basket', 'web', 'k1') AS web \gset
RESET ROLE;
SET ROLE stock_request_app;
SELECT omni.reserve_stock('B', 1, NULL, NULL, 'app basket', 'app', 'k1') AS app \gset
SELECT isnt(:web::bigint, :app::bigint,
    'a key belongs to the role: another channel''s neither collides nor is read');
RESET ROLE;
SET ROLE stock_request_web;
SELECT is(omni.reserve_stock('B', 1, NULL, NULL, 'web basket', 'web', 'k1'),
    :web::bigint, 'each role has its own answer');
SELECT throws_ok($$ SELECT * FROM omni_internal.request $$, '42501', NULL,
    'and nobody reads the table');
RESET ROLE;
SELECT omni.revoke_access('stock_request_web', 'channel', 'web');
SELECT omni.revoke_access('stock_request_app', 'channel', 'app');
DROP ROLE stock_request_web, stock_request_app;
SELECT is((SELECT count(*) FROM omni_internal.request
    WHERE octet_length(digest) <> 32 OR recorded_at IS NULL), 0::bigint,
    'what is kept of arguments is a digest');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'verify_stock is empty');
SELECT * FROM finish();
