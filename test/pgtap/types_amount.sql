-- omni.amount: text and binary, order and hash, arithmetic, sums, division
-- into parts.  Every table of cases is one query with one test per row.
SET search_path = omni, public;
SET client_min_messages = warning;
SELECT plan(454);

-- ---- text ----

CREATE TEMP TABLE good (input text, output text);
INSERT INTO good VALUES
    ('USD 12.34', 'USD 12.34'),
    ('USD 12.3', 'USD 12.30'),
    ('USD 12', 'USD 12.00'),
    ('USD 0', 'USD 0.00'),
    ('USD 0.05', 'USD 0.05'),
    ('USD -0.05', 'USD -0.05'),
    ('USD -0.00', 'USD 0.00'),
    ('JPY 1200', 'JPY 1200'),
    ('JPY -1', 'JPY -1'),
    ('KWD 1.5', 'KWD 1.500'),
    ('KWD 0.001', 'KWD 0.001'),
    ('CLF 1.2345', 'CLF 1.2345'),
    ('DEM 1.95', 'DEM 1.95'),
    ('ITL 1936', 'ITL 1936'),
    ('USD 92233720368547758.07', 'USD 92233720368547758.07'),
    ('USD -92233720368547758.08', 'USD -92233720368547758.08'),
    ('JPY 9223372036854775807', 'JPY 9223372036854775807'),
    ('JPY -9223372036854775808', 'JPY -9223372036854775808'),
    -- another exponent than the currency has today
    ('ISK/2 12.50', 'ISK/2 12.50'),
    ('ISK/2 12', 'ISK/2 12.00'),
    ('ISK/0 12', 'ISK 12'),
    ('USD/2 1.5', 'USD 1.50'),
    ('USD/0 1', 'USD/0 1'),
    ('ISK/6 -9223372036854.775808', 'ISK/6 -9223372036854.775808');

SELECT is(input::amount::text, output, format('"%s" is read', input))
FROM good;
SELECT is(output::amount::text, output, format('"%s" is its own text', output))
FROM good;
SELECT ok(is_amount(input), format('is_amount: "%s"', input)) FROM good;

CREATE TEMP TABLE bad (input text, state text);
INSERT INTO bad VALUES
    ('', 'OM010'), (' ', 'OM010'), ('USD', 'OM010'), ('USD ', 'OM010'),
    ('12.34', 'OM010'), ('12.34 USD', 'OM010'), ('USD12.34', 'OM010'),
    ('usd 12.34', 'OM010'), ('Usd 12.34', 'OM010'), ('US 12.34', 'OM010'),
    ('USDX 12.34', 'OM010'), ('U$D 1', 'OM010'), ('$ 1', 'OM010'),
    (' USD 12.34', 'OM010'), ('USD 12.34 ', 'OM010'), ('USD  12.34', 'OM010'),
    (E'USD\t12.34', 'OM010'), (E'USD 12.34\n', 'OM010'),
    (E'USD\u00A012.34', 'OM010'),
    ('USD +12.34', 'OM010'), ('USD --1', 'OM010'), ('USD - 1', 'OM010'),
    ('USD 12.', 'OM010'), ('USD .5', 'OM010'), ('USD -.5', 'OM010'),
    ('USD -', 'OM010'), ('USD .', 'OM010'), ('USD 1.2.3', 'OM010'),
    ('USD 012.34', 'OM010'), ('USD 00', 'OM010'), ('USD -01', 'OM010'),
    ('USD 12,34', 'OM010'), ('USD 1,234.00', 'OM010'), ('USD 1 234', 'OM010'),
    ('USD 1e2', 'OM010'), ('USD 0x10', 'OM010'), ('USD NaN', 'OM010'),
    ('USD Infinity', 'OM010'), (E'USD \u0661', 'OM010'),
    ('USD 12.345', 'OM010'), ('USD 12.340', 'OM010'),
    ('JPY 12.0', 'OM010'), ('KWD 1.2345', 'OM010'), ('ISK 12.50', 'OM010'),
    ('QQQ 1', 'OM010'), ('ZZZ 1', 'OM010'), ('AAA 1', 'OM010'),
    ('XAU 1', 'OM010'), ('XXX 1', 'OM010'), ('XTS 1', 'OM010'),
    ('XAU/2 1', 'OM010'), ('QQQ/2 1', 'OM010'),
    ('USD/ 1', 'OM010'), ('USD/7 1', 'OM010'), ('USD/02 1', 'OM010'),
    ('USD/-1 1', 'OM010'), ('USD /2 1', 'OM010'), ('USD/2', 'OM010'),
    ('USD/2 1.234', 'OM010'), ('USD/x 1', 'OM010'),
    ('USD 92233720368547758.08', 'OM008'),
    ('USD -92233720368547758.09', 'OM008'),
    ('USD 92233720368547759', 'OM008'),
    ('JPY 9223372036854775808', 'OM008'),
    ('JPY 18446744073709551616', 'OM008'),
    ('JPY 18446744073709551617', 'OM008'),
    ('JPY 184467440737095516170', 'OM008'),
    ('CLF 922337203685477.5808', 'OM008'),
    ('USD ' || repeat('9', 1000), 'OM008');

SELECT throws_ok(format('SELECT %L::omni.amount', input), state, NULL,
    format('%s is refused', to_json(left(input, 40))))
FROM bad;
SELECT ok(NOT is_amount(input), format('is_amount: %s', to_json(left(input, 40))))
FROM bad;

SELECT throws_ok($$SELECT 'USD 12.345'::omni.amount$$, 'OM010',
    'invalid amount: "USD 12.345"', 'the message shows the text');
SELECT throws_ok(format('SELECT %L::omni.amount', 'USD ' || repeat('é', 500)),
    'OM010', 'invalid amount: "USD ' || repeat('é', 30) || '..."',
    'a long text is cut between characters');

-- Assignment casts both ways; varchar goes by an explicit one.
CREATE TEMP TABLE assigned (a amount, t text);
INSERT INTO assigned SELECT 'USD 5.00'::text, 'USD 6.00'::amount;
SELECT results_eq('SELECT a::text, t FROM assigned',
    $$VALUES ('USD 5.00', 'USD 6.00')$$, 'text and amount assign to each other');
SELECT is('EUR 1'::varchar(10)::amount, 'EUR 1.00'::amount, 'varchar casts');
SELECT is(amount('EUR 1'), 'EUR 1.00'::amount,
    'the type''s name works as a cast');
SELECT is(NULL::text::amount, NULL::amount, 'null text is a null amount');
SELECT is(to_jsonb('EUR 1'::amount), '"EUR 1.00"'::jsonb, 'jsonb has the text');
SELECT is('{USD 1.00,"EUR 2.50"}'::amount[]::text, '{"USD 1.00","EUR 2.50"}',
    'arrays');

-- ---- binary ----

SELECT is(amount_send('USD 12.34'), '\x00000000000004d255534402'::bytea,
    'sent as minor units, currency, exponent');
SELECT is(amount_send('ISK/2 -0.01'), '\xffffffffffffffff49534b02'::bytea,
    'negative, another exponent');

-- A binary value is put in by COPY: the file is made of the bytes.
SELECT current_setting('data_directory') || '/omni_types_amount.bin' AS file \gset
CREATE FUNCTION pg_temp.read_binary(bytes bytea) RETURNS amount
LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/omni_types_amount.bin';
    large oid;
    result omni.amount;
BEGIN
    large := lo_from_bytea(0, '\x5047434f50590aff0d0a000000000000000000'::bytea
        || '\x0001'::bytea || int4send(length(bytes)) || bytes
        || '\xffff'::bytea);
    PERFORM lo_export(large, file);
    PERFORM lo_unlink(large);
    CREATE TEMP TABLE arrived (a omni.amount);
    EXECUTE format('COPY arrived FROM %L (FORMAT binary)', file);
    SELECT a INTO result FROM arrived;
    DROP TABLE arrived;
    RETURN result;
END $$;

SELECT is(pg_temp.read_binary(amount_send(output::amount))::text, output,
    format('"%s" goes through binary', output))
FROM good;
SELECT throws_ok(format('SELECT pg_temp.read_binary(%L)', bytes), 'OM010',
    NULL, 'binary refused: ' || what)
FROM (VALUES
    ('\x00000000000004d2555344'::bytea, 'too short'),
    ('\x00000000000004d25553440200', 'too long'),
    ('\x', 'empty'),
    ('\x00000000000004d251515102', 'unknown currency'),
    ('\x00000000000004d275736402', 'small letters'),
    ('\x00000000000004d258415502', 'gold'),
    ('\x00000000000004d200000002', 'no letters'),
    ('\x00000000000004d255534407', 'exponent beyond the largest'),
    ('\x00000000000004d2555344ff', 'exponent 255')
    ) AS v(bytes, what);

CREATE TEMP TABLE sent AS SELECT output::amount AS a FROM good;
COPY sent TO :'file' (FORMAT binary);
CREATE TEMP TABLE received (a amount);
COPY received FROM :'file' (FORMAT binary);
SELECT results_eq('SELECT a::text FROM received', 'SELECT a::text FROM sent',
    'COPY BINARY round trip');

-- ---- constructors and parts ----

SELECT is(amount(value, currency)::text, expected,
    format('amount(%s, %s)', value, currency))
FROM (VALUES (12.34, 'USD', 'USD 12.34'), (12.3400, 'USD', 'USD 12.34'),
    (12, 'USD', 'USD 12.00'), (-0.01, 'USD', 'USD -0.01'),
    (1200, 'JPY', 'JPY 1200'), (1200.000, 'JPY', 'JPY 1200'),
    (1e3, 'KWD', 'KWD 1000.000'), (0, 'EUR', 'EUR 0.00'),
    (92233720368547758.07, 'USD', 'USD 92233720368547758.07'),
    (-92233720368547758.08, 'USD', 'USD -92233720368547758.08')
    ) AS v(value, currency, expected);
SELECT throws_ok(format('SELECT omni.amount(%L::numeric, %L)', value, currency),
    state, NULL, format('amount(%s, %s) is refused', value, currency))
FROM (VALUES ('12.345', 'USD', 'OM007'), ('0.5', 'JPY', 'OM007'),
    ('1', 'usd', 'OM007'), ('1', 'XAU', 'OM007'), ('1', '', 'OM007'),
    ('1', 'USDX', 'OM007'), ('NaN', 'USD', 'OM007'),
    ('Infinity', 'USD', 'OM007'), ('-Infinity', 'USD', 'OM007'),
    ('92233720368547758.08', 'USD', 'OM008'),
    ('-92233720368547758.09', 'USD', 'OM008'), ('1e100', 'USD', 'OM008'),
    ('1e-100', 'USD', 'OM007')
    ) AS v(value, currency, state);

SELECT is(round_amount(value, currency)::text, expected,
    format('round_amount(%s, %s)', value, currency))
FROM (VALUES (12.345, 'USD', 'USD 12.34'), (12.355, 'USD', 'USD 12.36'),
    (12.345000001, 'USD', 'USD 12.35'), (-12.345, 'USD', 'USD -12.34'),
    (-12.355, 'USD', 'USD -12.36'), (0.5, 'JPY', 'JPY 0'),
    (1.5, 'JPY', 'JPY 2'), (2.5, 'JPY', 'JPY 2'), (-0.5, 'JPY', 'JPY 0'),
    (-1.5, 'JPY', 'JPY -2'), (0.49999999999999999999, 'JPY', 'JPY 0'),
    (9.995, 'USD', 'USD 10.00'), (0.0005, 'KWD', 'KWD 0.000'),
    (0.0015, 'KWD', 'KWD 0.002'), (1e-1000, 'USD', 'USD 0.00'),
    (3 * 0.3333, 'USD', 'USD 1.00'),
    (92233720368547758.074999, 'USD', 'USD 92233720368547758.07'),
    (-92233720368547758.085, 'USD', 'USD -92233720368547758.08')
    ) AS v(value, currency, expected);
SELECT throws_ok($$SELECT omni.round_amount(92233720368547758.075, 'USD')$$,
    'OM008', NULL, 'rounding up beyond the range is refused');
SELECT throws_ok($$SELECT omni.round_amount('NaN', 'USD')$$, 'OM007', NULL,
    'NaN cannot be rounded');
SELECT throws_ok($$SELECT omni.round_amount(1, 'QQQ')$$, 'OM007',
    'unknown currency "QQQ"', 'nor an unknown currency');
SELECT is(round_amount(NULL, 'USD'), NULL, 'null value');
SELECT is(round_amount(1, NULL), NULL, 'null currency');

SELECT is(amount_currency('KWD -1.5'), 'KWD', 'amount_currency');
SELECT is(amount_value('KWD -1.5')::text, '-1.500', 'amount_value');
SELECT is(amount_value('JPY 5')::text, '5', 'amount_value without decimals');
SELECT is(amount_value('USD -92233720368547758.08')::text,
    '-92233720368547758.08', 'amount_value of the smallest');
SELECT is(amount_minor_units('KWD -1.5'), -1500::bigint, 'amount_minor_units');
SELECT is(amount_exponent('KWD -1.5'), 3, 'amount_exponent');
SELECT is(amount_exponent('ISK/2 1'), 2, 'amount_exponent is the value''s own');
SELECT is(array_agg(amount_sign(a) ORDER BY a), '{-1,0,1}', 'amount_sign')
FROM unnest('{USD -0.01,USD 0,USD 0.01}'::amount[]) AS a;
SELECT is(amount_abs('USD -1')::text, 'USD 1.00', 'amount_abs, negative');
SELECT is(amount_abs('USD 1')::text, 'USD 1.00', 'amount_abs, positive');
SELECT throws_ok($$SELECT omni.amount_abs('USD -92233720368547758.08')$$,
    'OM008', NULL, 'the smallest has no opposite');

-- ---- order ----

-- In ascending order; = within a row.
CREATE TEMP TABLE ascending (place int, a amount);
INSERT INTO ascending VALUES
    (1, 'EUR -5'), (2, 'EUR 0'), (3, 'EUR 1000000'),
    (4, 'ISK/2 -0.01'), (5, 'ISK 0'), (5, 'ISK/2 0.00'), (5, 'ISK/6 0'),
    (6, 'ISK/6 0.000001'), (7, 'ISK/2 11.99'), (8, 'ISK 12'),
    (8, 'ISK/2 12.00'), (8, 'ISK/4 12.0000'), (9, 'ISK/2 12.01'),
    (10, 'ISK/6 9223372036854.775807'), (11, 'ISK 9223372036854775807'),
    (12, 'USD -92233720368547758.08'), (13, 'USD 0.01'), (14, 'USD 1'),
    (15, 'USD 92233720368547758.07');

SELECT is(count(*)::int, 0, 'every operator agrees with the order')
FROM ascending AS x, ascending AS y
WHERE (x.a < y.a) <> (x.place < y.place)
   OR (x.a <= y.a) <> (x.place <= y.place)
   OR (x.a = y.a) <> (x.place = y.place)
   OR (x.a <> y.a) <> (x.place <> y.place)
   OR (x.a >= y.a) <> (x.place >= y.place)
   OR (x.a > y.a) <> (x.place > y.place)
   OR amount_cmp(x.a, y.a) <> sign(x.place - y.place);
SELECT is(count(*)::int, 0, 'equal amounts hash alike')
FROM ascending AS x, ascending AS y
WHERE x.place = y.place
  AND (amount_hash(x.a) <> amount_hash(y.a)
    OR amount_hash_extended(x.a, 7) <> amount_hash_extended(y.a, 7));
SELECT ok(count(DISTINCT amount_hash(a)) > 10, 'hashes differ')
FROM ascending;
SELECT isnt(amount_hash_extended('USD 1', 0), amount_hash_extended('USD 1', 1),
    'the seed counts');
SELECT is(array_agg(place ORDER BY a, place),
    array_agg(place ORDER BY place), 'ORDER BY')
FROM ascending;
SELECT is(array_agg(place ORDER BY a DESC, place DESC),
    array_agg(place ORDER BY place DESC), 'ORDER BY DESC')
FROM ascending;
SELECT is(count(DISTINCT a)::int, 15, 'DISTINCT') FROM ascending;
SELECT is(count(*)::int, 15, 'GROUP BY')
FROM (SELECT FROM ascending GROUP BY a) AS g;

-- A plan as text.
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

CREATE TEMP TABLE price (id int, a amount);
INSERT INTO price SELECT i, amount(i / 100.0, CASE i % 2 WHEN 0 THEN 'USD' ELSE 'EUR' END)
FROM generate_series(1, 5000) AS i;
CREATE INDEX price_btree ON price USING btree (a);
CREATE INDEX price_hash ON price USING hash (a);
ANALYZE price;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT matches(pg_temp.plan_of($$SELECT id FROM price WHERE a BETWEEN 'USD 1' AND 'USD 2'$$),
    'price_btree', 'btree serves a range');
SELECT is(count(*)::int, 51, 'and finds it')
FROM price WHERE a BETWEEN 'USD 1' AND 'USD 2';
SELECT matches(pg_temp.plan_of('SELECT max(a) FROM price'), 'Index.*Scan.*price_btree',
    'max() is the end of the index');
SELECT is(max(a)::text, 'USD 50.00', 'max()') FROM price;
SELECT is(min(a)::text, 'EUR 0.01', 'min()') FROM price;
DROP INDEX price_btree;
SELECT matches(pg_temp.plan_of($$SELECT id FROM price WHERE a = 'USD 1'$$),
    'price_hash', 'hash serves equality');
SELECT is(array_agg(id), '{100}', 'and finds it') FROM price WHERE a = 'USD/4 1.0000';
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT is(min(a)::text || ' ' || max(a)::text, 'EUR 0.01 USD 50.00',
    'min() and max() without an index')
FROM price WHERE id > 0;
SELECT is(min(a), NULL, 'min() of nothing') FROM price WHERE id < 0;

SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT matches(pg_temp.plan_of('SELECT FROM price AS x JOIN price AS y USING (a)'),
    'Hash Join', 'hash join');
SELECT is(count(*)::int, 5000, 'its rows') FROM price AS x JOIN price AS y USING (a);
RESET enable_mergejoin;
SET enable_hashjoin = off;
SELECT matches(pg_temp.plan_of('SELECT FROM price AS x JOIN price AS y USING (a)'),
    'Merge Join', 'merge join');
SELECT is(count(*)::int, 5000, 'its rows') FROM price AS x JOIN price AS y USING (a);
RESET enable_hashjoin;
RESET enable_nestloop;
CREATE TEMP TABLE parted (a amount) PARTITION BY HASH (a);
CREATE TEMP TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TEMP TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT a FROM ascending;
SELECT is(count(*)::int, 3, 'equal amounts lie in one hash partition')
FROM parted WHERE a = 'ISK 12';
SELECT is(count(DISTINCT tableoid)::int, 1, 'whatever their exponents')
FROM parted WHERE a = 'ISK 12';
CREATE TEMP TABLE keyed (a amount PRIMARY KEY);
INSERT INTO keyed VALUES ('ISK 12');
SELECT throws_ok($$INSERT INTO keyed VALUES ('ISK/2 12.00')$$, '23505', NULL,
    'a unique index holds them equal');

-- ---- arithmetic ----

SELECT is(result::text, expected, what)
FROM (VALUES
    ('USD 1'::amount + 'USD 2.50'::amount, 'USD 3.50', 'plus'),
    ('USD 1'::amount - 'USD 2.50'::amount, 'USD -1.50', 'minus'),
    (- 'USD 1'::amount, 'USD -1.00', 'unary minus'),
    (- 'USD 92233720368547758.07'::amount, 'USD -92233720368547758.07',
     'unary minus of the largest'),
    ('USD 92233720368547758.07'::amount + 'USD -92233720368547758.08'::amount,
     'USD -0.01', 'plus at the edges'),
    ('USD -0.01'::amount - 'USD 92233720368547758.07'::amount,
     'USD -92233720368547758.08', 'minus to the edge'),
    ('ISK 1'::amount + 'ISK/2 0.50'::amount, 'ISK/2 1.50', 'the finer exponent'),
    ('ISK/2 0.50'::amount - 'ISK 1'::amount, 'ISK/2 -0.50', 'either way'),
    ('ISK 92233720368547759'::amount - 'ISK/2 1.00'::amount,
     'ISK/2 92233720368547758.00', 'only the result has to fit'),
    ('USD 19.99'::amount * 3, 'USD 59.97', 'times an integer'),
    (3 * 'USD 19.99'::amount, 'USD 59.97', 'integer times'),
    ('USD 19.99'::amount * 3::smallint, 'USD 59.97', 'times a smallint'),
    ('USD 19.99'::amount * 3::bigint, 'USD 59.97', 'times a bigint'),
    ('USD 19.99'::amount * '3', 'USD 59.97', 'times an unknown literal'),
    ('USD 19.99'::amount * -1, 'USD -19.99', 'times minus one'),
    ('USD 19.99'::amount * 0, 'USD 0.00', 'times zero'),
    ('USD 0.01'::amount * 0.5, 'USD 0.00', 'half to even, down'),
    ('USD 0.03'::amount * 0.5, 'USD 0.02', 'half to even, up'),
    ('USD -0.03'::amount * 0.5, 'USD -0.02', 'half to even, negative'),
    ('USD -0.01'::amount * 0.5, 'USD 0.00', 'no negative zero'),
    (0.0825 * 'USD 19.99'::amount, 'USD 1.65', 'a tax'),
    ('USD 0.01'::amount * 0.50000000000000000000000001, 'USD 0.01',
     'just above a half'),
    ('USD -92233720368547758.08'::amount * 1, 'USD -92233720368547758.08',
     'the smallest times one'),
    ('USD 0'::amount * 1e131000, 'USD 0.00', 'nothing times very much'),
    ('USD 92233720368547758.07'::amount * 1e-16383, 'USD 0.00',
     'very much times almost nothing'),
    ('ISK/2 12.50'::amount * 1.1, 'ISK/2 13.75', 'times keeps the exponent')
    ) AS v(result, expected, what);

SELECT throws_ok('SELECT ' || expression, state, NULL, expression)
FROM (VALUES
    ($$'USD 1'::amount + 'EUR 1'::amount$$, 'OM009'),
    ($$'USD 1'::amount - 'EUR 1'::amount$$, 'OM009'),
    ($$'USD 0'::amount + 'EUR 0'::amount$$, 'OM009'),
    ($$'USD 92233720368547758.07'::amount + 'USD 0.01'::amount$$, 'OM008'),
    ($$'USD -92233720368547758.08'::amount - 'USD 0.01'::amount$$, 'OM008'),
    ($$'USD 0'::amount - 'USD -92233720368547758.08'::amount$$, 'OM008'),
    ($$- 'USD -92233720368547758.08'::amount$$, 'OM008'),
    ($$'ISK 92233720368547759'::amount + 'ISK/2 0.00'::amount$$, 'OM008'),
    ($$'USD 92233720368547758.07'::amount * 2$$, 'OM008'),
    ($$'USD -92233720368547758.08'::amount * -1$$, 'OM008'),
    ($$'USD 1'::amount * 1e131000$$, 'OM008'),
    ($$'USD 92233720368547758.07'::amount * 9e131071$$, 'OM008'),
    ($$'USD 1'::amount * 'NaN'::numeric$$, 'OM007'),
    ($$'USD 1'::amount * 'Infinity'::numeric$$, 'OM007'),
    ($$'USD 0'::amount * 'Infinity'::numeric$$, 'OM007'),
    ($$'USD 1'::amount * 1.5::float8$$, '42883'),
    ($$'USD 1'::amount * 'USD 1'::amount$$, '42883')
    ) AS v(expression, state);
SELECT throws_ok($$SELECT 'USD 1'::omni.amount + 'EUR 1'::omni.amount$$, 'OM009',
    'amounts in "USD" and "EUR" do not add up', 'the message names both');
PREPARE times AS SELECT ('USD 2'::omni.amount * $1)::text;
SELECT results_eq('EXECUTE times(4)', $$VALUES ('USD 8.00')$$,
    'a parameter of unknown type is a number');

-- ---- sums ----

SELECT is(sum(a)::text, expected, what)
FROM (VALUES
    ('USD 3.50', 'sum', '{USD 1,USD 2.50,NULL}'::amount[]),
    (NULL, 'sum of nulls', '{NULL,NULL}'),
    ('USD 92233720368547758.07', 'overflow on the way does not matter',
     '{USD 92233720368547758.07,USD 92233720368547758.07,USD -92233720368547758.07}'),
    ('USD -92233720368547758.08', 'down to the smallest',
     '{USD -92233720368547758.07,USD -0.01}'),
    ('ISK/2 13.50', 'the finest exponent', '{ISK 12,ISK/2 1.50}'),
    ('ISK/2 12.00', 'even when its decimals are zero', '{ISK 12,ISK/2 0.00}')
    ) AS v(expected, what, amounts)
CROSS JOIN LATERAL unnest(amounts) AS a
GROUP BY expected, what;
SELECT is(sum(a), NULL, 'sum of nothing') FROM price WHERE id < 0;
SELECT throws_ok($$SELECT sum(a) FROM price$$, 'OM009', NULL,
    'two currencies in one sum');
SELECT throws_ok($$SELECT omni.sum(a) FROM unnest('{USD 92233720368547758.07,USD 0.01}'::amount[]) AS a$$,
    'OM008', NULL, 'a sum out of range');
SELECT results_eq(
    'SELECT amount_currency(a), sum(a)::text FROM price GROUP BY 1 ORDER BY 1',
    $$VALUES ('EUR', 'EUR 62500.00'), ('USD', 'USD 62525.00')$$,
    'one sum per currency');

-- Frames that move take amounts out again: compared with sums made anew.
CREATE TEMP TABLE moving (i int, a amount);
INSERT INTO moving VALUES (1, 'ISK/2 1.50'), (2, 'ISK 2'), (3, NULL),
    (4, 'ISK 9223372036854775807'), (5, 'ISK -9223372036854775807'), (6, NULL),
    (7, NULL), (8, 'EUR 8'), (9, 'EUR 9.99'), (10, 'EUR -8');
-- (a frame that holds 1.50 and the largest would be out of range)
SELECT results_eq(
    $$SELECT i, (sum(a) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW))::text
      FROM moving$$,
    $$SELECT x.i, (SELECT sum(a) FROM moving AS y WHERE y.i BETWEEN x.i - 1 AND x.i)::text
      FROM moving AS x ORDER BY 1$$,
    'moving sums');
SELECT throws_ok($$SELECT sum(a) OVER (ORDER BY i ROWS 3 PRECEDING) FROM moving WHERE i > 4$$,
    'OM009', NULL, 'two currencies in one frame');

-- Partial sums of parallel workers.
CREATE TABLE parallel_price AS
SELECT amount(i / 100.0 - 700, CASE WHEN i % 3 = 0 THEN 'KWD' ELSE 'USD' END) AS a
FROM generate_series(1, 60000) AS i;
ALTER TABLE parallel_price SET (parallel_workers = 2);
ANALYZE parallel_price;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT matches(pg_temp.plan_of($$SELECT sum(a) FROM parallel_price WHERE a > 'USD -700'$$),
    'Gather.*Partial Aggregate', 'sums are made in parallel');
-- (a query that calls a pgTAP function is never parallel, so the results are
-- kept first)
CREATE TEMP TABLE summed AS SELECT sum(a), min(a), max(a)
FROM parallel_price WHERE a > 'USD -700';
CREATE TEMP TABLE summed_kwd AS SELECT sum(a), min(a), max(a)
FROM parallel_price WHERE a < 'USD -700';
CREATE TEMP TABLE summed_nothing AS SELECT sum(a), min(a), max(a)
FROM parallel_price WHERE a < 'EUR 0';
SELECT is(s::text, '("USD -16000000.00","USD -699.99","USD -100.01")', 'and are right')
FROM (SELECT sum, min, max FROM summed) AS s;
SELECT is(s::text, '("KWD -7999700.000","KWD -699.970","KWD -100.000")', 'also below zero')
FROM (SELECT sum, min, max FROM summed_kwd) AS s;
SELECT is(s::text, '(,,)', 'and null over nothing')
FROM (SELECT sum, min, max FROM summed_nothing) AS s;
-- Partial sums beyond 64 bits travel whole.
CREATE TABLE parallel_large AS
SELECT i, CASE WHEN i <= 20000 THEN 'USD 92233720368547758.07' ELSE 'USD -92233720368547758.07' END::amount AS a
FROM generate_series(1, 40001) AS i;
ALTER TABLE parallel_large SET (parallel_workers = 2);
ANALYZE parallel_large;
SELECT matches(pg_temp.plan_of('SELECT sum(a) FROM parallel_large'),
    'Gather.*Partial Aggregate', 'large sums are made in parallel');
CREATE TEMP TABLE summed_large AS SELECT sum(a) FROM parallel_large;
SELECT is(sum::text, 'USD -92233720368547758.07',
    'partial sums beyond 64 bits travel whole')
FROM summed_large;
SELECT throws_ok('SELECT sum(a) FROM parallel_price', 'OM009', NULL,
    'two currencies, found in a worker or between them');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET parallel_leader_participation;

-- ---- division into parts ----

SELECT is(allocate(whole, weights)::text, expected,
    format('allocate(%s, %s)', whole, weights))
FROM (VALUES
    ('USD 10.00'::amount, '{1,1,1}'::bigint[], '{"USD 3.34","USD 3.33","USD 3.33"}'),
    ('USD -10.00', '{1,1,1}', '{"USD -3.34","USD -3.33","USD -3.33"}'),
    ('USD 0.05', '{0,3,1}', '{"USD 0.00","USD 0.04","USD 0.01"}'),
    ('USD 0.01', '{1,1}', '{"USD 0.01","USD 0.00"}'),
    ('USD 0.01', '{0,0,5}', '{"USD 0.00","USD 0.00","USD 0.01"}'),
    ('USD 0.00', '{1,2}', '{"USD 0.00","USD 0.00"}'),
    ('USD 1.00', '{7}', '{"USD 1.00"}'),
    ('JPY 100', '{1,2,3}', '{"JPY 17","JPY 33","JPY 50"}'),
    ('ISK/2 1.00', '{1,2}', '{"ISK/2 0.33","ISK/2 0.67"}'),
    -- remainders .2 .4 .4: the tie goes to the earlier part
    ('USD 0.11', '{1,2,2}', '{"USD 0.02","USD 0.05","USD 0.04"}'),
    ('USD -92233720368547758.08', '{1,1}',
     '{"USD -46116860184273879.04","USD -46116860184273879.04"}'),
    ('USD -92233720368547758.08', '{5,0}',
     '{"USD -92233720368547758.08","USD 0.00"}'),
    ('USD 92233720368547758.07', '{9223372036854775807,9223372036854775807,1}',
     '{"USD 46116860184273879.03","USD 46116860184273879.03","USD 0.01"}')
    ) AS v(whole, weights, expected);
SELECT is(count(*)::int, 0, 'parts add up to the whole')
FROM generate_series(-300, 300, 7) AS i
CROSS JOIN (VALUES ('{1,2,3,4,5}'::bigint[]), ('{1,1,1,1,1,1,1}'),
    ('{0,1000000007,3}'), ('{19,0,0,81}')) AS w(weights)
WHERE (SELECT sum(p) FROM unnest(allocate(amount(i / 100.0, 'USD'), weights)) AS p)
    <> amount(i / 100.0, 'USD');
SELECT throws_ok(format('SELECT omni.allocate(''USD 10'', %L)', weights), state,
    NULL, format('allocate by %s is refused', weights))
FROM (VALUES ('{}', 'OM007'), ('{0}', 'OM007'), ('{0,0}', 'OM007'),
    ('{1,-1}', 'OM007'), ('{-9223372036854775808}', 'OM007'),
    ('{1,NULL}', 'OM002'), ('{{1,2},{3,4}}', 'OM007')) AS v(weights, state);
SELECT throws_ok(
    $$SELECT omni.allocate('USD 10', array_fill(1::bigint, '{1000001}'))$$,
    'OM007', 'too many weights: 1000001', 'a million parts at most');
SELECT is(cardinality(allocate('USD 10000.01', array_fill(1::bigint, '{1000000}'))),
    1000000, 'but a million parts');
SELECT is(allocate(NULL, '{1}'), NULL, 'null amount');
SELECT is(allocate('USD 1', NULL), NULL, 'null weights');
SELECT is(allocate('USD 1', '[5:6]={1,1}')::text, '{"USD 0.50","USD 0.50"}',
    'the result counts from 1');
CREATE DOMAIN pg_temp.positive AS omni.amount CHECK (amount_sign(VALUE) > 0);
SELECT is(allocate('USD 1'::pg_temp.positive, '{1,1}')::text,
    '{"USD 0.50","USD 0.50"}', 'a domain over amount');

-- ---- currencies ----

SELECT is(currency_exponent(code), exponent, 'exponent of ' || code)
FROM (VALUES ('USD', 2), ('EUR', 2), ('JPY', 0), ('KWD', 3), ('CLF', 4),
    ('ITL', 0), ('DEM', 2), ('BGN', 2), ('ISK', 0)) AS v(code, exponent);
SELECT throws_ok(format('SELECT omni.currency_exponent(%L)', code), 'OM007',
    NULL, format('"%s" is no currency', code))
FROM unnest('{usd,"",US,USDX,XAU,XXX,QQQ}'::text[]) AS code;
SELECT ok(is_currency(code) = (code IN ('USD', 'DEM')),
    format('is_currency(%s)', code))
FROM unnest('{USD,DEM,usd,"",US,USDX,XAU,XXX,QQQ}'::text[]) AS code;
SELECT ok(bool_and(code COLLATE "C" > before), 'the list ascends')
FROM (SELECT code, lag(code) OVER () AS before FROM currencies()) AS c;
SELECT ok(bool_and(is_currency(code) = (exponent IS NOT NULL)
    AND code ~ '^[A-Z]{3}$' AND exponent BETWEEN 0 AND 4 IS NOT FALSE),
    'and agrees with is_currency()')
FROM currencies();
SELECT is(count(*)::int, 0, 'every exponent holds in text')
FROM currencies()
WHERE exponent IS NOT NULL
  AND (amount_exponent((code || ' 1')::amount) <> exponent
    OR is_amount(code || ' 0.' || repeat('0', exponent + 1))
    OR (exponent > 0 AND NOT is_amount(code || ' 0.' || repeat('0', exponent))));

SELECT * FROM finish();
