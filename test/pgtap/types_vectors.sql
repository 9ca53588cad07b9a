-- The types against public vectors: GS1 check digits, EPC encodings, ISO 4217,
-- and the barcodes of real shelves.  Needs the data folder; every row of every
-- file is read, and those that are not for these types are counted by kind.
SET search_path = omni, public;
SET client_min_messages = warning;
\getenv data OMNI_DATA
\if :{?data}
\else
    SELECT plan(1);
    SELECT skip('the data folder is not given (make test DATA=folder)');
    SELECT * FROM finish();
    \q
\endif

SELECT coalesce(string_agg(file, ', '), '') AS missing, count(*) > 0 AS is_missing
FROM unnest('{gs1/gs1_lint_vectors.csv,gs1/sgtin96_vectors.csv,gs1/epc_vectors.csv,gs1/iso4217.csv,catalogue/prices_day1.csv.gz}'::text[]) AS file
WHERE (pg_stat_file(:'data' || '/' || file, true)).size IS NULL \gset
\if :is_missing
    SELECT plan(1);
    SELECT skip('the data folder lacks ' || :'missing');
    SELECT * FROM finish();
    \q
\endif

SELECT plan(326);

-- An error of a statement, for rows that must be refused.
CREATE FUNCTION pg_temp.state_of(statement text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

-- ---- GS1 check digits ----

\set path :data '/gs1/gs1_lint_vectors.csv'
CREATE TEMP TABLE lint (n int GENERATED ALWAYS AS IDENTITY, linter text,
    expect text, input text, error text);
COPY lint (linter, expect, input, error) FROM :'path' (FORMAT csv, HEADER);
UPDATE lint SET input = coalesce(input, '');

SELECT is(CASE pg_temp.state_of(format('SELECT omni.gs1_check_digit(%L)', left(input, -1)))
        WHEN '00000' THEN
            CASE right(input, 1) WHEN gs1_check_digit(left(input, -1))::text THEN 'pass' ELSE 'fail' END
        ELSE 'fail' END,
    expect, format('check digit of "%s": %s', input, expect))
FROM lint WHERE linter = 'gs1_lint_csum' ORDER BY n;
SELECT is(is_gtin(input), expect = 'pass', format('"%s" as a GTIN: %s', input, expect))
FROM lint WHERE linter = 'gs1_lint_csum' AND length(input) IN (8, 12, 13, 14)
ORDER BY n;
SELECT ok(NOT is_gtin(input), format('"%s" has no GTIN''s length', input))
FROM lint WHERE linter = 'gs1_lint_csum' AND length(input) NOT IN (8, 12, 13, 14)
ORDER BY n;
SELECT results_eq(
    'SELECT linter, count(*)::int FROM lint GROUP BY 1 ORDER BY 1',
    $$VALUES ('gs1_lint_couponcode', 397), ('gs1_lint_couponposoffer', 71),
             ('gs1_lint_csum', 14), ('gs1_lint_csumalpha', 44)$$,
    'every row is of a known kind');
SELECT diag(format('%s rows of %s are not for these types', count(*), linter))
FROM lint WHERE linter <> 'gs1_lint_csum' GROUP BY linter ORDER BY linter;

-- ---- SGTIN-96 ----

\set path :data '/gs1/sgtin96_vectors.csv'
CREATE TEMP TABLE vector (n int GENERATED ALWAYS AS IDENTITY, hex text,
    uri_in_source text, uri text, gtin text, source text);
COPY vector (hex, uri_in_source, uri, gtin, source) FROM :'path' (FORMAT csv, HEADER);
SELECT is(epc_tag_uri(hex::epc), uri, format('URI of %s', hex))
FROM vector WHERE uri <> 'ERROR' ORDER BY n;
SELECT is(uri::epc::text, hex, format('bits of %s', uri))
FROM vector WHERE uri <> 'ERROR' ORDER BY n;
SELECT is(uri_in_source::epc::text, hex, format('bits of %s, as its source has it', uri_in_source))
FROM vector WHERE uri_in_source <> 'ERROR' ORDER BY n;
SELECT is(gtin_14(epc_gtin(hex::epc)), gtin, format('GTIN of %s', hex))
FROM vector WHERE uri <> 'ERROR' ORDER BY n;
SELECT is(make_sgtin_96(gtin::gtin, split_part(uri, '.', 4)::bigint,
        length(split_part(uri, '.', 2)), right(split_part(uri, '.', 1), 1)::int)::text,
    hex, format('bits of GTIN %s and serial number %s', gtin, split_part(uri, '.', 4)))
FROM vector WHERE uri <> 'ERROR' ORDER BY n;
SELECT throws_ok(format('SELECT %L::omni.epc', hex), 'OM010', NULL,
    format('%s is refused', hex))
FROM vector WHERE uri = 'ERROR' ORDER BY n;
SELECT results_eq(
    $$SELECT uri = 'ERROR', count(*)::int FROM vector GROUP BY 1 ORDER BY 1$$,
    'VALUES (false, 9), (true, 2)', '9 encodings and 2 that are none');

-- ---- other EPC schemes, and SGTINs of other lengths ----

\set path :data '/gs1/epc_vectors.csv'
CREATE TEMP TABLE scheme (n int GENERATED ALWAYS AS IDENTITY, scheme text,
    tag_encodable text, gs1_keyed text, gs1_element text, uri text,
    tag_uri text, hex text, kind text, element_string text, gs1_key text,
    company_prefix_length text, kwargs text, idpat text);
COPY scheme (scheme, tag_encodable, gs1_keyed, gs1_element, uri, tag_uri, hex,
    kind, element_string, gs1_key, company_prefix_length, kwargs, idpat)
FROM :'path' (FORMAT csv, HEADER);

-- SGTIN rows: the GTIN in its three forms, and pure identities whose serial
-- numbers have letters.
SELECT is(gtin_14(gs1_key::gtin), substr(element_string, 5, 14),
    format('GTIN %s', gs1_key))
FROM scheme WHERE scheme = 'SGTIN' AND kind = 'VALID_TEST_DATA' ORDER BY n;
SELECT throws_ok(format('SELECT omni.epc_from_identity(%L, 2)', uri), 'OM010',
    NULL, format('%s needs a longer scheme', uri))
FROM scheme WHERE scheme = 'SGTIN' AND kind = 'VALID_TEST_DATA' ORDER BY n;
SELECT is(epc_identity_uri(make_sgtin_96(gs1_key::gtin, 77,
        company_prefix_length::int, 2)),
    regexp_replace(uri, '[^.]*$', '77'),
    format('%s with a serial number of digits', uri))
FROM scheme WHERE scheme = 'SGTIN' AND kind = 'VALID_TEST_DATA' ORDER BY n;
SELECT ok(NOT is_epc(idpat) AND pg_temp.state_of(
        format('SELECT omni.epc_from_identity(%L, 2)', idpat)) = 'OM010',
    format('%s is a pattern, no EPC', idpat))
FROM scheme WHERE scheme = 'SGTIN' AND kind LIKE '%ID_PATTERNS' ORDER BY n;
-- No row of any scheme is an SGTIN-96: all are refused.
SELECT ok(NOT is_epc(coalesce(hex, '')) AND NOT is_epc(coalesce(tag_uri, ''))
    AND NOT is_epc(coalesce(uri, '')) AND NOT is_epc(coalesce(idpat, '')),
    format('%s row %s is no SGTIN-96', scheme, n))
FROM scheme ORDER BY n;
SELECT is(count(*)::int, 51, 'every row is read') FROM scheme;
SELECT results_eq(
    $$SELECT kind, count(*)::int FROM scheme WHERE scheme = 'SGTIN' GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('INVALID_ID_PATTERNS', 3), ('VALID_ID_PATTERNS', 3), ('VALID_TEST_DATA', 3)$$,
    'SGTIN rows by kind');
SELECT diag(format('%s rows are of other schemes: %s', count(*),
    string_agg(DISTINCT scheme, ' ' ORDER BY scheme)))
FROM scheme WHERE scheme <> 'SGTIN';

-- ---- ISO 4217 ----

\set path :data '/gs1/iso4217.csv'
CREATE TEMP TABLE iso (n int GENERATED ALWAYS AS IDENTITY, entity text,
    currency text, code text, numeric_code text, minor_unit text, withdrawn text);
COPY iso (entity, currency, code, numeric_code, minor_unit, withdrawn)
FROM :'path' (FORMAT csv, HEADER);

SELECT results_eq(
    $$SELECT code, exponent FROM omni.currencies()
      WHERE code IN (SELECT code FROM iso WHERE withdrawn IS NULL) ORDER BY code$$,
    $$SELECT DISTINCT code, nullif(minor_unit, '-')::int FROM iso
      WHERE withdrawn IS NULL AND code IS NOT NULL ORDER BY code$$,
    'current currencies with their exponents');
SELECT results_eq(
    'SELECT code FROM omni.currencies() ORDER BY code',
    'SELECT DISTINCT code FROM iso WHERE code IS NOT NULL ORDER BY code',
    'historic ones too, and none besides');
SELECT is((code || ' 1')::amount::text,
    code || ' 1' || rtrim('.' || repeat('0', minor_unit::int), '.'),
    format('an amount in %s', code))
FROM (SELECT DISTINCT code, minor_unit FROM iso
      WHERE withdrawn IS NULL AND minor_unit <> '-') AS c
ORDER BY code;
SELECT throws_ok(format('SELECT %L::omni.amount', code || ' 1'), 'OM010', NULL,
    format('no amount in %s', code))
FROM (SELECT DISTINCT code FROM iso WHERE minor_unit = '-') AS c ORDER BY code;
SELECT results_eq(
    $$SELECT withdrawn IS NOT NULL, code IS NULL, count(*)::int FROM iso
      GROUP BY 1, 2 ORDER BY 1, 2$$,
    'VALUES (false, false, 277), (false, true, 3), (true, false, 169)',
    'current and historic rows, and three places without a currency');
SELECT is(count(*)::int, 449, 'every row is read') FROM iso;
SELECT diag(format('%s current rows, %s historic ones (their exponents are not in the file), %s without a code',
    count(*) FILTER (WHERE withdrawn IS NULL AND code IS NOT NULL),
    count(*) FILTER (WHERE withdrawn IS NOT NULL),
    count(*) FILTER (WHERE code IS NULL)))
FROM iso;

-- ---- barcodes of real shelves ----

\set path 'gzip -dc ''' :data '/catalogue/prices_day1.csv.gz'''
CREATE TEMP TABLE shelf (c1 text, c2 text, c3 text, barcode text, c5 text,
    c6 text, c7 text, c8 text, c9 text, c10 text, c11 text, c12 text, c13 text,
    c14 text, c15 text, c16 text, c17 text);
COPY shelf FROM PROGRAM :'path' (FORMAT csv, HEADER);
-- By the definition, digit by digit, in SQL.
CREATE TEMP TABLE judged AS
SELECT barcode, is_gtin(barcode) AS taken,
    barcode ~ '^([0-9]{8}|[0-9]{12,14})$' AND (
        SELECT sum(digit::int * CASE WHEN (length(barcode) - place) % 2 = 1 THEN 3 ELSE 1 END) % 10 = 0
        FROM string_to_table(barcode, NULL) WITH ORDINALITY AS d(digit, place))
    AS expected
FROM (SELECT DISTINCT coalesce(barcode, '') FROM shelf) AS b(barcode);
SELECT is(count(*)::int, 0, 'every barcode is judged as the definition says')
FROM judged WHERE taken IS DISTINCT FROM coalesce(expected, false);
SELECT is(count(*)::int, 0, 'those that are GTINs print as they came, leading zeros aside')
FROM judged WHERE taken AND ltrim(barcode::gtin::text, '0') <> ltrim(barcode, '0');
SELECT ok(count(*) > 10000, 'there are many') FROM judged WHERE taken;
SELECT diag(format('%s barcodes: %s GTINs, %s of a GTIN''s length with another check digit, %s of other lengths',
    count(*), count(*) FILTER (WHERE taken),
    count(*) FILTER (WHERE NOT taken AND barcode ~ '^([0-9]{8}|[0-9]{12,14})$'),
    count(*) FILTER (WHERE barcode !~ '^([0-9]{8}|[0-9]{12,14})$')))
FROM judged;

SELECT * FROM finish();
