-- What master data may not be, table by table: each bad value with its
-- SQLSTATE, good ones beside them, and nothing left behind.
\set QUIET 1
SET client_min_messages = warning;
SELECT no_plan();

-- A row that is fine, with one column set to something else.
CREATE TEMP TABLE good (target text, columns text, row_values text);
INSERT INTO good VALUES
    ('channel', 'code, kind', $$'c', 'web'$$),
    ('node', 'code, kind', $$'n', 'store'$$),
    ('item', 'sku', $$'i'$$);

CREATE FUNCTION pg_temp.insert_with(target text, col text, value text)
RETURNS text LANGUAGE sql AS $$
    SELECT CASE
        WHEN col = 'nothing' THEN format('INSERT INTO omni.%I (%s) VALUES (%s)',
            target, g.columns, g.row_values)
        WHEN col IN ('code', 'sku') THEN format('INSERT INTO omni.%I (%s) VALUES (%s)',
            target, g.columns, regexp_replace(g.row_values, $r$^'[a-z]'$r$, replace(value, '\', '\\')))
        WHEN col = 'kind' THEN format('INSERT INTO omni.%I (code, kind) VALUES (''k'', %s)',
            target, value)
        ELSE format('INSERT INTO omni.%I (%s, %s) VALUES (%s, %s)',
            target, g.columns, col, g.row_values, value) END
    FROM good AS g WHERE g.target = insert_with.target
$$;

CREATE TEMP TABLE bad (target text, col text, value text, state text);
INSERT INTO bad VALUES
    ('channel', 'code', $$''$$, 'OM007'),
    ('channel', 'code', 'NULL', '23502'),
    ('channel', 'code', $$' web'$$, 'OM007'),
    ('channel', 'code', $$'web '$$, 'OM007'),
    ('channel', 'code', $$E'we\tb'$$, 'OM007'),
    ('channel', 'code', $$E'web\r'$$, 'OM007'),
    ('channel', 'code', $$repeat('x', 129)$$, 'OM007'),
    ('channel', 'kind', $$'shop'$$, 'OM007'),
    ('channel', 'kind', $$'Web'$$, 'OM007'),
    ('channel', 'kind', $$''$$, 'OM007'),
    ('channel', 'kind', 'NULL', '23502'),
    ('channel', 'currency', $$'usd'$$, 'OM007'),
    ('channel', 'currency', $$'US'$$, 'OM007'),
    ('channel', 'currency', $$'QQQ'$$, 'OM007'),
    ('channel', 'currency', $$''$$, 'OM007'),
    ('channel', 'currency', $$'XAU'$$, 'OM007'),
    ('channel', 'may_refuse', 'NULL', '23502'),
    ('channel', 'status', $$'closed'$$, 'OM007'),
    ('channel', 'status', 'NULL', '23502'),
    ('channel', 'id', '0', '23514'),
    ('channel', 'id', '9007199254740992', '23514'),
    ('node', 'code', $$''$$, 'OM007'),
    ('node', 'code', 'NULL', '23502'),
    ('node', 'code', $$U&'\00A0S1'$$, 'OM007'),
    ('node', 'code', $$U&'S1\200B'$$, 'OM007'),
    ('node', 'code', $$U&'\FEFFS1'$$, 'OM007'),
    ('node', 'code', $$U&'S\0085'$$, 'OM007'),
    ('node', 'code', $$E'S1\x7f'$$, 'OM007'),
    ('node', 'kind', $$'shop'$$, 'OM007'),
    ('node', 'kind', 'NULL', '23502'),
    ('node', 'latitude, longitude', '90.0001, 0', 'OM007'),
    ('node', 'latitude, longitude', '-90.0001, 0', 'OM007'),
    ('node', 'latitude, longitude', '0, 180.0001', 'OM007'),
    ('node', 'latitude, longitude', '0, -180.0001', 'OM007'),
    ('node', 'latitude, longitude', $$'NaN', 0$$, 'OM007'),
    ('node', 'latitude, longitude', $$0, 'NaN'$$, 'OM007'),
    ('node', 'latitude, longitude', $$'Infinity', 0$$, 'OM007'),
    ('node', 'latitude, longitude', $$0, '-Infinity'$$, 'OM007'),
    ('node', 'latitude', '1', 'OM007'),
    ('node', 'longitude', '1', 'OM007'),
    ('node', 'country', $$'us'$$, 'OM007'),
    ('node', 'country', $$'USA'$$, 'OM007'),
    ('node', 'country', $$'U'$$, 'OM007'),
    ('node', 'country', $$''$$, 'OM007'),
    ('node', 'country', $$'UK'$$, 'OM007'),
    ('node', 'country', $$'AA'$$, 'OM007'),
    ('node', 'country', $$'ZZ'$$, 'OM007'),
    ('node', 'country', $$'EU'$$, 'OM007'),
    ('node', 'country', $$'SU'$$, 'OM007'),
    ('node', 'country', $$'U1'$$, 'OM007'),
    ('node', 'country', $$'1U'$$, 'OM007'),
    ('node', 'country', $$'ÄT'$$, 'OM007'),
    ('node', 'region', $$''$$, 'OM007'),
    ('node', 'region', $$' MN'$$, 'OM007'),
    ('node', 'region', $$repeat('x', 33)$$, 'OM007'),
    ('node', 'postal_code', $$''$$, 'OM007'),
    ('node', 'postal_code', $$'55423 '$$, 'OM007'),
    ('node', 'postal_code', $$repeat('1', 17)$$, 'OM007'),
    ('node', 'timezone', $$'Mars/Olympus'$$, 'OM007'),
    ('node', 'timezone', $$''$$, 'OM007'),
    ('node', 'timezone', $$'Mars5'$$, 'OM007'),
    ('node', 'timezone', $$'EST+5'$$, 'OM007'),
    ('node', 'timezone', $$'UTC+3'$$, 'OM007'),
    ('node', 'timezone', $$'<A>5'$$, 'OM007'),
    ('node', 'timezone', $$'+02:00'$$, 'OM007'),
    ('node', 'timezone', $$'Etc/GMT+13'$$, 'OM007'),
    ('node', 'timezone', $$'Etc/FOO+3'$$, 'OM007'),
    ('node', 'timezone', $$'localtime'$$, 'OM007'),
    ('node', 'timezone', $$'../../../etc/passwd'$$, 'OM007'),
    ('node', 'timezone', $$'right/America/Chicago'$$, 'OM007'),
    ('node', 'timezone', $$repeat('x', 300)$$, 'OM007'),
    ('node', 'timezone', 'NULL', '23502'),
    ('node', 'status', $$'shut'$$, 'OM007'),
    ('node', 'status', 'NULL', '23502'),
    ('node', 'safety', '-1', 'OM007'),
    ('node', 'safety', 'NULL', '23502'),
    ('node', 'safety', '2147483648', '22003'),
    ('node', 'ships', 'NULL', '23502'),
    ('node', 'id', '-1', '23514'),
    ('item', 'sku', $$''$$, 'OM007'),
    ('item', 'sku', 'NULL', '23502'),
    ('item', 'sku', $$' '$$, 'OM007'),
    ('item', 'sku', $$' A'$$, 'OM007'),
    ('item', 'sku', $$U&'A\3000'$$, 'OM007'),
    ('item', 'sku', $$E'A\nB'$$, 'OM007'),
    ('item', 'sku', $$repeat('ä', 65)$$, 'OM007'),
    ('item', 'unit', $$'box'$$, 'OM007'),
    ('item', 'unit', 'NULL', '23502'),
    ('item', 'status', $$'gone'$$, 'OM007'),
    ('item', 'status', 'NULL', '23502'),
    ('item', 'category', $$''$$, 'OM007'),
    ('item', 'category', $$' toys'$$, 'OM007'),
    ('item', 'category', $$repeat('x', 65)$$, 'OM007'),
    ('item', 'weight_g', '-1', 'OM007'),
    ('item', 'weight_g', '100000001', '23514'),
    ('item', 'splittable', 'NULL', '23502'),
    ('item', 'unfilled_cost', '-1', '23514'),
    ('item', 'id', '0', '23514');

SELECT throws_ok(pg_temp.insert_with(target, col, value), state, NULL,
    format('%s: %s = %s is %s', target, col, value, state))
FROM bad;

-- The same holds for UPDATE (ids apart, which are OM004 there).
INSERT INTO omni.channel(code, kind) VALUES ('u', 'web');
INSERT INTO omni.node(code, kind) VALUES ('u', 'store');
INSERT INTO omni.item(sku) VALUES ('u');
SELECT throws_ok(format('UPDATE omni.%I SET (%s) = ROW(%s) WHERE %I = ''u''',
        target, col, value, CASE target WHEN 'item' THEN 'sku' ELSE 'code' END),
    CASE col WHEN 'id' THEN 'OM004' ELSE state END, NULL,
    format('%s: UPDATE to %s = %s', target, col, value))
FROM bad;
SELECT throws_ok($$UPDATE omni.node SET pickup = NULL$$, '23502', NULL,
    'node: pickup is decided by INSERT alone');

SELECT is((SELECT count(*) FROM omni.channel) + (SELECT count(*) FROM omni.node)
    + (SELECT count(*) FROM omni.item), 3::bigint, 'nothing was left behind');

-- What is fine.
CREATE TEMP TABLE fine (target text, col text, value text);
INSERT INTO fine VALUES
    ('channel', 'code', $$'x y'$$),
    ('channel', 'code', $$repeat('x', 128)$$),
    ('channel', 'code', $$'Müller & Söhne / Shop #1 "online"'$$),
    ('channel', 'currency', $$'USD'$$),
    ('channel', 'currency', $$'JPY'$$),
    ('channel', 'currency', $$'KWD'$$),
    ('channel', 'may_refuse', 'false'),
    ('node', 'code', $$'東京'$$),
    ('node', 'latitude, longitude', '90, 180'),
    ('node', 'latitude, longitude', '-90, -180'),
    ('node', 'latitude, longitude', '0, 0'),
    ('node', 'country', $$'US'$$),
    ('node', 'country', $$'XK'$$),
    ('node', 'region', $$'US-MN'$$),
    ('node', 'postal_code', $$'SW1A 1AA'$$),
    ('node', 'timezone', $$'America/Argentina/Buenos_Aires'$$),
    ('node', 'timezone', $$'Europe/Berlin'$$),
    ('node', 'timezone', $$'Etc/GMT+12'$$),
    ('node', 'timezone', $$'Etc/GMT-14'$$),
    ('node', 'timezone', $$'CET'$$),
    ('node', 'status', $$'inactive'$$),
    ('node', 'status', $$'paused'$$),
    ('node', 'status', $$'closed'$$),
    ('node', 'safety', '2147483647'),
    ('node', 'ships', 'false'),
    ('item', 'sku', $$repeat('ä', 64)$$),
    ('item', 'sku', $$'85123A'$$),
    ('item', 'unit', $$'gram'$$),
    ('item', 'id', '9007199254740991'),
    ('item', 'category', $$'toys/outdoor'$$),
    ('item', 'weight_g', '0'),
    ('item', 'splittable', 'false'),
    ('item', 'unfilled_cost', '0'),
    ('item', 'status', $$'inactive'$$);
SELECT lives_ok(pg_temp.insert_with(target, col, value),
    format('%s: %s = %s is fine', target, col, value))
FROM fine WHERE col IN ('code', 'sku', 'id');
SELECT lives_ok(format('UPDATE omni.%I SET (%s) = ROW(%s) WHERE %I = ''u''',
        target, col, value, CASE target WHEN 'item' THEN 'sku' ELSE 'code' END),
    format('%s: UPDATE to %s = %s is fine', target, col, value))
FROM fine WHERE col NOT IN ('code', 'sku', 'id');

-- Every kind of the contract.
SELECT lives_ok(format('INSERT INTO omni.channel(code, kind) VALUES (%L, %L)', 'k-' || k, k),
    'channel of kind ' || k)
FROM unnest('{web,app,pos,marketplace,social,service,dropship}'::text[]) AS k;
SELECT lives_ok(format('INSERT INTO omni.node(code, kind) VALUES (%L, %L)', 'k-' || k, k),
    'node of kind ' || k)
FROM unnest('{store,warehouse,dropship,virtual}'::text[]) AS k;

-- Countries: exactly 249 codes of the standard, and XK.
CREATE FUNCTION pg_temp.takes_country(letters text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE omni.node SET country = letters WHERE node.code = 'u';
    RETURN true;
EXCEPTION WHEN SQLSTATE 'OM007' THEN
    RETURN false;
END $$;
UPDATE omni.node SET country = NULL WHERE code = 'u';
SELECT is(count(*) FILTER (WHERE pg_temp.takes_country(chr(a) || chr(b))), 250::bigint,
    '250 of 676 pairs of letters are countries')
FROM generate_series(ascii('A'), ascii('Z')) AS a, generate_series(ascii('A'), ascii('Z')) AS b;

-- Every zone that the server lists by name is taken, but those that are not
-- one: leap-second variants and files that stand for another zone.
CREATE FUNCTION pg_temp.takes_timezone(zone text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE omni.node SET timezone = zone WHERE node.code = 'u';
    RETURN true;
EXCEPTION WHEN SQLSTATE 'OM007' THEN
    RETURN false;
END $$;
SELECT is(array_agg(name ORDER BY name) FILTER (WHERE NOT pg_temp.takes_timezone(name)
        AND name NOT LIKE 'right/%' AND name NOT LIKE 'posix/%'
        AND name NOT IN ('localtime', 'posixrules', 'Factory')),
    NULL, 'every named zone of the server is taken')
FROM pg_timezone_names;

-- Codes are told apart byte by byte.
SELECT lives_ok($$INSERT INTO omni.item(sku) VALUES ('case'), ('Case'), ('CASE')$$,
    'skus that differ in case are different');
SELECT throws_ok($$INSERT INTO omni.item(sku) VALUES ('case')$$, '23505', NULL,
    'the same sku twice is refused');
SELECT throws_ok($$INSERT INTO omni.node(code, kind) VALUES ('u', 'store')$$, '23505', NULL,
    'the same node code twice is refused');
SELECT throws_ok($$INSERT INTO omni.channel(code, kind) VALUES ('u', 'web')$$, '23505', NULL,
    'the same channel code twice is refused');

-- Barcodes and stock policies.
SELECT lives_ok($$INSERT INTO omni.item_code(code, sku, pack_quantity) VALUES ('4006381333931', 'u', 12)$$,
    'a barcode of a pack of twelve');
SELECT throws_ok($$INSERT INTO omni.item_code(code, sku, pack_quantity) VALUES ('96385074', 'u', 0)$$,
    'OM007', NULL, 'a pack of none is refused');
SELECT throws_ok($$INSERT INTO omni.item_code(code, sku, pack_quantity) VALUES ('96385074', 'u', -1)$$,
    'OM007', NULL, 'a pack of less than none is refused');
SELECT throws_ok($$INSERT INTO omni.item_code(code, sku, pack_quantity) VALUES ('96385074', 'u', NULL)$$,
    '23502', NULL, 'a pack of NULL is refused');
SELECT throws_ok($$INSERT INTO omni.item_code(code, sku) VALUES ('96385075', 'u')$$,
    'OM010', NULL, 'a wrong check digit is refused');
SELECT throws_ok($$INSERT INTO omni.item_code(code, sku) VALUES ('96385074', 'nobody')$$,
    '23503', NULL, 'a barcode of no item is refused');
SELECT throws_ok($$INSERT INTO omni.item_code(code, sku) VALUES ('4006381333931', 'case')$$,
    '23505', NULL, 'one barcode, two items: refused');
SELECT throws_ok(
    $$INSERT INTO omni.stock_policy(item, node, safety)
      SELECT i.id, n.id, -1 FROM omni.item AS i, omni.node AS n WHERE i.sku = 'u' AND n.code = 'u'$$,
    'OM007', NULL, 'a negative safety is refused');
SELECT throws_ok($$SELECT omni.set_stock_policy('u', 'u', -1)$$, 'OM007', NULL,
    'by the function, too');
SELECT throws_ok($$SELECT omni.set_stock_policy('nobody', 'u', 1)$$, 'OM002', NULL,
    'set_stock_policy: unknown sku');
SELECT throws_ok($$SELECT omni.set_stock_policy('u', 'nowhere', 1)$$, 'OM002', NULL,
    'set_stock_policy: unknown node');
SELECT throws_ok($$SELECT omni.set_stock_policy(NULL, 'u', 1)$$, 'OM002', NULL,
    'set_stock_policy: NULL for a sku');
SELECT throws_ok($$SELECT omni.set_stock_policy('u', NULL, 1)$$, 'OM002', NULL,
    'set_stock_policy: NULL for a node');
SELECT throws_ok($$INSERT INTO omni.stock_policy(item, node, safety) VALUES (4711, 4712, 1)$$,
    '23503', NULL, 'a policy for no item is refused');

-- CHECK constraints hold where the triggers are off.
SET session_replication_role = replica;
SELECT throws_ok(format('UPDATE omni.%I SET (%s) = ROW(%s) WHERE %I = ''u''',
        target, col, value, CASE target WHEN 'item' THEN 'sku' ELSE 'code' END),
    '23514', NULL, format('%s: %s = %s by constraint', target, col, value))
FROM bad
WHERE state = 'OM007' AND col NOT IN ('latitude', 'longitude')
    AND (col IN ('kind', 'status', 'unit', 'safety', 'latitude, longitude')
    OR value IN ($$''$$, $$'us'$$, $$'usd'$$, $$' web'$$, $$' A'$$));
SELECT throws_ok($$UPDATE omni.node SET latitude = NULL WHERE code = 'u'$$, '23514', NULL,
    'node: one coordinate without the other, by constraint');
SELECT throws_ok($$INSERT INTO omni.item_code(code, sku, pack_quantity) VALUES ('96385074', 'u', 0)$$,
    '23514', NULL, 'item_code: pack_quantity by constraint');
RESET session_replication_role;

-- On UPDATE only what changes is looked at.
SET session_replication_role = replica;
UPDATE omni.node SET timezone = 'No/Longer' WHERE code = 'u';
RESET session_replication_role;
SELECT lives_ok($$UPDATE omni.node SET name = 'still here' WHERE code = 'u'$$,
    'a row stays changeable when its zone has gone');

SELECT * FROM finish();
