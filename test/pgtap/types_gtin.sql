-- omni.gtin: text and binary, order and hash, check digits.  Every table of
-- cases is one query with one test per row.
SET search_path = omni, public;
SET client_min_messages = warning;
SELECT plan(246);

-- ---- text ----

CREATE TEMP TABLE good (input text, output text);
INSERT INTO good VALUES
    -- as written
    ('12345670', '12345670'), ('96385074', '96385074'),
    ('012345678905', '012345678905'), ('416000336108', '416000336108'),
    ('4006381333931', '4006381333931'), ('9783161484100', '9783161484100'),
    ('80614141123458', '80614141123458'), ('12345678901231', '12345678901231'),
    ('99999999999997', '99999999999997'),
    -- longer than need be
    ('000012345670', '12345670'), ('0000012345670', '12345670'),
    ('00000012345670', '12345670'),
    ('0012345678905', '012345678905'), ('00012345678905', '012345678905'),
    ('04006381333931', '4006381333931'),
    -- the borders of the four forms
    ('00000000', '00000000'), ('00000000000000', '00000000'),
    ('0000000000000', '00000000'), ('000000000000', '00000000'),
    ('99999995', '99999995'), ('000100000009', '000100000009'),
    ('00000100000009', '000100000009'),
    ('999999999993', '999999999993'), ('1000000000009', '1000000000009'),
    ('01000000000009', '1000000000009'),
    ('9999999999994', '9999999999994'), ('10000000000007', '10000000000007');
SELECT is(input::gtin::text, output, format('"%s" is read', input)) FROM good;
SELECT is(output::gtin::text, output, format('"%s" is its own text', output))
FROM good;
SELECT is(gtin_14(input::gtin), lpad(input, 14, '0'), format('gtin_14(%s)', input))
FROM good;
SELECT ok(is_gtin(input), format('is_gtin: "%s"', input)) FROM good;

CREATE TEMP TABLE bad (input text, message text);
INSERT INTO bad VALUES
    ('', NULL), ('0', NULL), ('1', NULL), ('1234567', NULL),
    ('123456789', NULL), ('1234567890', NULL), ('12345678901', NULL),
    ('123456789012345', NULL), ('123456789012345675', NULL),
    (repeat('0', 15), NULL), (repeat('0', 1000), NULL),
    ('-2345670', NULL), ('+2345670', NULL), (' 12345670', NULL),
    ('12345670 ', NULL), (E'12345670\n', NULL), ('1234567O', NULL),
    ('1234-5670', NULL), ('978-3-16-148410-0', NULL), ('4 006381 333931', NULL),
    ('0x345670', NULL), ('12345670.0', NULL), ('1.2345670', NULL),
    (E'\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0660', NULL),
    ('12345678', 'invalid GTIN: "12345678"'),
    ('12345679', NULL), ('416000336109', NULL), ('4006381333932', NULL),
    ('4006381333913', NULL), ('12345678901232', NULL), ('00000001', NULL),
    ('99999999999999', NULL);
SELECT throws_ok(format('SELECT %L::omni.gtin', input), 'OM010', message,
    format('%s is refused', to_json(left(input, 40))))
FROM bad;
SELECT ok(NOT is_gtin(input), format('is_gtin: %s', to_json(left(input, 40))))
FROM bad;

-- What is wrong stands in the detail.
CREATE FUNCTION pg_temp.detail_of(statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN detail;
END $$;
SELECT is(pg_temp.detail_of(format('SELECT %L::omni.gtin', input)), detail, detail)
FROM (VALUES
    ('4006381333932', 'The check digit is 2, expected 1.'),
    ('4006381333930', 'The check digit is 0, expected 1.'),
    ('123', 'A GTIN has 8, 12, 13 or 14 digits, not 3.'),
    ('', 'A GTIN has 8, 12, 13 or 14 digits, not 0.'),
    ('1234-5670', 'A GTIN consists of digits alone.')) AS v(input, detail);

-- Every single wrong digit is noticed.
SELECT is(count(*)::int, 0, 'one digit changed: never taken')
FROM unnest('{12345670,012345678905,4006381333931,80614141123458}'::text[]) AS g
CROSS JOIN LATERAL generate_series(1, length(g)) AS place
CROSS JOIN generate_series(0, 9) AS digit
WHERE substr(g, place, 1) <> digit::text
  AND is_gtin(overlay(g PLACING digit::text FROM place));

CREATE TEMP TABLE assigned (g gtin, t text);
INSERT INTO assigned SELECT '12345670'::text, '12345670'::gtin;
SELECT results_eq('SELECT g::text, t FROM assigned',
    $$VALUES ('12345670', '12345670')$$, 'text and GTIN assign to each other');
SELECT is(NULL::text::gtin, NULL::gtin, 'null text is a null GTIN');
SELECT is(pg_column_size('80614141123458'::gtin), 8, '8 bytes');
SELECT is(lpad('10181040009', 14, '0')::gtin::text, '010181040009',
    'leading zeros that were lost are put back by lpad()');

-- ---- binary ----

SELECT is(gtin_send('4006381333931'), int8send(4006381333931), 'sent as bigint');

SELECT current_setting('data_directory') || '/omni_types_gtin.bin' AS file \gset
CREATE FUNCTION pg_temp.read_binary(bytes bytea) RETURNS gtin
LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/omni_types_gtin.bin';
    large oid;
    result omni.gtin;
BEGIN
    large := lo_from_bytea(0, '\x5047434f50590aff0d0a000000000000000000'::bytea
        || '\x0001'::bytea || int4send(length(bytes)) || bytes
        || '\xffff'::bytea);
    PERFORM lo_export(large, file);
    PERFORM lo_unlink(large);
    CREATE TEMP TABLE arrived (g omni.gtin);
    EXECUTE format('COPY arrived FROM %L (FORMAT binary)', file);
    SELECT g INTO result FROM arrived;
    DROP TABLE arrived;
    RETURN result;
END $$;
SELECT is(pg_temp.read_binary(gtin_send(output::gtin))::text, output,
    format('"%s" goes through binary', output))
FROM good;
SELECT throws_ok(format('SELECT pg_temp.read_binary(%L)', bytes), 'OM010',
    NULL, 'binary refused: ' || what)
FROM (VALUES
    (int8send(4006381333932), 'wrong check digit'),
    (int8send(-1), 'negative'),
    (int8send(-9223372036854775808), 'the smallest'),
    (int8send(9223372036854775807), 'the largest'),
    (int8send(100000000000000), '15 digits'),
    (int8send(100000000000007), '15 digits with a check digit'),
    (int4send(12345670), 'too short'),
    (int8send(12345670) || '\x00'::bytea, 'too long'),
    ('\x'::bytea, 'empty')) AS v(bytes, what);

CREATE TEMP TABLE sent AS SELECT output::gtin AS g FROM good;
COPY sent TO :'file' (FORMAT binary);
CREATE TEMP TABLE received (g gtin);
COPY received FROM :'file' (FORMAT binary);
SELECT results_eq('SELECT g::text FROM received', 'SELECT g::text FROM sent',
    'COPY BINARY round trip');

-- ---- order ----

SELECT is(count(*)::int, 0, 'every operator agrees with the 14 digits')
FROM good AS x, good AS y
CROSS JOIN LATERAL (SELECT x.input::gtin, y.input::gtin,
    lpad(x.input, 14, '0') COLLATE "C", lpad(y.input, 14, '0') COLLATE "C")
    AS v(a, b, s, t)
WHERE (a < b) <> (s < t) OR (a <= b) <> (s <= t) OR (a = b) <> (s = t)
   OR (a <> b) <> (s <> t) OR (a >= b) <> (s >= t) OR (a > b) <> (s > t)
   OR gtin_cmp(a, b) <> (s > t)::int - (s < t)::int
   OR (a = b AND gtin_hash(a) <> gtin_hash(b))
   OR (a = b AND gtin_hash_extended(a, 3) <> gtin_hash_extended(b, 3));
SELECT isnt(gtin_hash_extended('12345670', 0), gtin_hash_extended('12345670', 1),
    'the seed counts');
SELECT is(string_agg(g::text, ' ' ORDER BY g),
    '12345670 012345678905 4006381333931 80614141123458', 'ORDER BY')
FROM unnest('{80614141123458,012345678905,12345670,4006381333931}'::gtin[]) AS g;

CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    result text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
        result := result || line || E'\n';
    END LOOP;
    RETURN result;
END $$;
CREATE TEMP TABLE code AS
SELECT i AS id, (s || gs1_check_digit(s))::gtin AS g
FROM generate_series(1, 5000) AS i
CROSS JOIN LATERAL (SELECT (400638000000 + i)::text AS s) AS body;
CREATE UNIQUE INDEX code_btree ON code USING btree (g);
CREATE INDEX code_hash ON code USING hash (g);
ANALYZE code;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT matches(pg_temp.plan_of($$SELECT id FROM code WHERE g < '4006380000100'$$),
    'code_btree', 'btree serves a range');
SELECT is(count(*)::int, 9, 'and finds it') FROM code WHERE g < '4006380000100';
SELECT throws_ok($$INSERT INTO code SELECT 0, lpad(g::text, 14, '0') FROM code WHERE id = 7$$,
    '23505', NULL, 'one GTIN, however written, is unique');
DROP INDEX code_btree;
SELECT matches(pg_temp.plan_of($$SELECT id FROM code WHERE g = '4006380000070'$$),
    'code_hash', 'hash serves equality');
SELECT is(array_agg(id), '{1234}', 'and finds it')
FROM code WHERE g = (SELECT gtin_14(g)::gtin FROM code WHERE id = 1234);
RESET enable_seqscan;
RESET enable_bitmapscan;
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT matches(pg_temp.plan_of('SELECT FROM code AS x JOIN code AS y USING (g)'),
    'Hash Join', 'hash join');
SELECT is(count(*)::int, 5000, 'its rows') FROM code AS x JOIN code AS y USING (g);
RESET enable_mergejoin;
SET enable_hashjoin = off;
SELECT is(count(*)::int, 5000, 'merge join') FROM code AS x JOIN code AS y USING (g);
SELECT is(count(DISTINCT g)::int, 5000, 'DISTINCT') FROM code;

-- ---- check digits ----

SELECT is(gs1_check_digit(digits), expected, format('check digit of %s', digits))
FROM (VALUES ('1234567', 0), ('400638133393', 1), ('12345678901234567', 5),
    ('0', 0), ('1', 7), ('00', 0), ('10614141192837465', 7),
    (repeat('9', 1000), 0), (repeat('1', 3), 3)) AS v(digits, expected);
SELECT throws_ok(format('SELECT omni.gs1_check_digit(%L)', digits), 'OM010',
    NULL, format('no check digit for "%s"', digits))
FROM unnest('{"","12a","1 2","-1","12.5"}'::text[]) AS digits;

SELECT * FROM finish();
