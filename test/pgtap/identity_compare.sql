-- Comparators: what they say, both ways round, and of missing values.
SELECT plan(96);

CREATE FUNCTION pg_temp.both(f text, a text, b text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    x text;
    y text;
BEGIN
    EXECUTE format('SELECT omni.%I($1, $2)::text, omni.%I($2, $1)::text', f, f) INTO x, y USING a, b;
    RETURN CASE WHEN x IS NOT DISTINCT FROM y THEN x ELSE x || ' but ' || y END;
END $$;

SELECT is(pg_temp.both(f, a, b), r, format('%s(%s, %s)', f, a, b)) FROM (VALUES
    ('compare_given_names', 'Bob', 'BOB', 'exact'), ('compare_given_names', 'Bob', 'Robert', 'nickname'), ('compare_given_names', 'R.', 'Robert', 'initial'),
    ('compare_given_names', 'Yuri', 'Iouri', 'variant'), ('compare_given_names', 'Oliver', 'Olivar', 'typo'), ('compare_given_names', 'Steven', 'Stephan', 'nickname'),
    ('compare_given_names', 'Tom', 'Anna', 'different'), ('compare_given_names', NULL, 'Anna', 'missing'), ('compare_given_names', ' ', 'Anna', 'missing'),
    ('compare_family_names', 'Garcia Lopez', 'Garcia', 'part'), ('compare_family_names', 'Steven', 'Stephan', 'sound'), ('compare_family_names', 'de la Cruz', 'Delacruz', 'variant'),
    ('compare_family_names', 'Hamilton', 'Hamiltenson', 'similar'), ('compare_family_names', NULL, NULL, 'missing'), ('compare_family_names', 'Bob', 'Robert', 'different'),
    ('compare_dates', '1951-06-17', '17 June 1951', 'exact'), ('compare_dates', '1951-06-17', '1951', 'partial'), ('compare_dates', '1951-06-07', '1951-07-06', 'swapped'),
    ('compare_dates', '1951-06-17', '1961-06-17', 'one_digit'), ('compare_dates', '1951-06-12', '1951-06-21', 'permuted'), ('compare_dates', '1951-06-17', '1988-06-17', 'two_parts'),
    ('compare_dates', '1951-12-31', '1952-01-01', 'close'), ('compare_dates', '1951-06-17', '1984-01-02', 'different'), ('compare_dates', 'never', '1984', 'missing'),
    ('compare_emails', 'J.Roe@gmail.com', 'jroe+x@googlemail.com', 'exact'), ('compare_emails', 'jane.roe@a.com', 'jane.roe@b.org', 'same_local'),
    ('compare_emails', 'jane.roe@a.com', 'jane.ro@a.com', 'typo'), ('compare_emails', 'jane.roe@a.com', 'jane.roe2@b.com', 'similar_local'),
    ('compare_emails', 'a@b.c', 'xyz@d.e', 'different'), ('compare_emails', 'nobody', 'a@b.c', 'missing'),
    ('compare_phones', '+1 612 555 0101', '001 612-555-0101', 'exact'), ('compare_phones', '+1 612 555 0101', '612 555 0101', 'national'),
    ('compare_phones', '6125550101 x1', '6125550101 x2', 'extension'), ('compare_phones', '+1 612 555 0101', '+1 612 555 0110', 'typo'),
    ('compare_phones', '+1 612 555 0101', '+1 763 555 0101', 'suffix'), ('compare_phones', '+1 612 555 0101', '+49 30 123456', 'different'), ('compare_phones', NULL, '+49 30 123456', 'missing'),
    ('compare_national_ids', '123-45-6780', '123456780', 'exact'), ('compare_national_ids', '123456780', '6780', 'last_four'), ('compare_national_ids', '123456780', '123456708', 'typo'),
    ('compare_national_ids', '123456780', '223456790', 'two_typos'), ('compare_national_ids', '5341983', '7041983', 'different'), ('compare_national_ids', '000000000', '7041983', 'missing'),
    ('compare_addresses', '12 Main St, Reno NV 89501', '12 MAIN STREET, Reno, NV 89501', 'exact'), ('compare_addresses', '12 Main St Apt 4, Reno NV 89501', '12 Main St, Reno NV 89501', 'same_house'),
    ('compare_addresses', '12 Main St Apt 4, Reno NV 89501', '12 Main St Apt 5, Reno NV 89501', 'other_unit'), ('compare_addresses', '12 Featherstone St, Reno NV 89501', '12 Fetherston St, Reno NV 89501', 'typo'),
    ('compare_addresses', '12 Main St, Reno NV 89501', '777 Main St, Reno NV 89501', 'same_street'), ('compare_addresses', '12 Main St, Reno NV 89501', '5 Oak Ln, Reno NV 89501', 'same_place'),
    ('compare_addresses', '12 Main St, Reno NV 89501', '5 Oak Ln, Boston MA 02115', 'different'), ('compare_addresses', '', '5 Oak Ln, Boston MA 02115', 'missing')) t(f, a, b, r);

SELECT is(round(pg_temp.both('compare_jaro_winkler', a, b)::numeric, 4), r, format('Jaro-Winkler of %s and %s', a, b)) FROM (VALUES
    ('MARTHA', 'MARHTA', 0.9611), ('DWAYNE', 'DUANE', 0.8400), ('DIXON', 'DICKSONX', 0.8133), ('', '', 1), ('a', '', 0), (U&'Jos\00e9', 'JOSE', 1)) t(a, b, r);
SELECT is(pg_temp.both('count_edits', a, b), r, format('edits of %s and %s', a, b)) FROM (VALUES
    ('martha', 'marhta', '1'), ('kitten', 'sitting', '3'), ('ca', 'abc', '3'), ('', 'abc', '3')) t(a, b, r);
SELECT is(omni.count_edits('kitten', 'sitting', 1), 2, 'more than the bound is one more');
SELECT is(omni.count_edits('kitten', 'kitten', 0), 0, 'none');
SELECT throws_ok($$ SELECT omni.count_edits('a', 'b', -1) $$, 'OM007', 'argument "max_edits" must not be negative', 'a negative bound');
SELECT is(omni.count_edits(repeat('a', 1000000), repeat('a', 999999) || 'b'), 0, 'of long texts the folded 256 bytes are compared');
SELECT is(round(pg_temp.both('compare_grams', a, b)::numeric, 4), r, format('grams of %s and %s', a, b)) FROM (VALUES
    ('night', 'nacht', 0.5000), ('', '', 1), ('abc', '', 0)) t(a, b, r);
SELECT is(round(omni.compare_tokens(a, b, w, g)::numeric, 3), r, format('tokens of %s and %s, %s', a, b, w)) FROM (VALUES
    ('acme corp', 'ACME Inc.', NULL::text[], NULL::float8[], 0.333), ('acme corp', 'ACME Inc.', '{Corp,Inc}', '{0.1,0.1}', 0.833), ('a b', 'b a', NULL, NULL, 1),
    ('', '', NULL, NULL, 1), ('a', NULL, NULL, NULL, NULL)) t(a, b, w, g, r);
SELECT throws_ok(q, 'OM007', NULL, q) FROM (VALUES
    ($$ SELECT omni.compare_tokens('a', 'b', '{a}', NULL) $$), ($$ SELECT omni.compare_tokens('a', 'b', '{a}', '{1,2}') $$),
    ($$ SELECT omni.compare_tokens('a', 'b', '{a}', '{-1}') $$), ($$ SELECT omni.compare_tokens('a', 'b', '{a}', '{NaN}') $$),
    ($$ SELECT omni.compare_tokens('a', 'b', '{NULL}', '{1}') $$), ($$ SELECT omni.compare_numbers(1, 2, 0) $$),
    ($$ SELECT omni.compare_numbers(1, 2, 'NaN') $$), ($$ SELECT omni.measure_distance(91, 0, 0, 0) $$), ($$ SELECT omni.measure_distance(0, 0, 0, 'NaN') $$)) t(q);
SELECT is(omni.compare_numbers(40, 45, 10), 0.5::float8, 'half the scale apart');
SELECT is(omni.compare_numbers('Infinity', 'Infinity', 1), 1::float8, 'equal is equal');
SELECT is(round(omni.measure_distance(44.98, -93.27, 41.88, -87.63)::numeric), 571::numeric, 'Minneapolis to Chicago');
SELECT ok(omni.measure_distance(10, 180, 10, -180) < 0.001, 'the date line is one line');

SELECT ok(omni.are_names_swapped('Li', 'Wang', 'Wang', 'Li'), 'given and family name exchanged');
SELECT ok(NOT omni.are_names_swapped('Li', 'Wang', 'Li', 'Wang'), 'not exchanged');
SELECT ok((omni.compare_names(a, b) >= 0.75) = same AND omni.compare_names(a, b) = omni.compare_names(b, a), format('%s and %s', a, b)) FROM (VALUES
    ('John Smith', 'SMITH, John', true), ('Bob Smith', 'Robert Smith', true), ('John M. Smith', 'John Michael Smith', true), ('John Smith Jr', 'John Smith Sr', false),
    ('John Smith', 'Jane Doe', false), ('John Peter Smith', 'John Michael Smith', false)) t(a, b, same);
SELECT ok(omni.compare_organizations('Siemens AG', 'Siemens Aktiengesellschaft') > 0.99, 'the same company');
SELECT ok(omni.compare_organizations('Fund 1 LP', 'Fund 2 LP') < 0.75, 'another number, another company');
SELECT * FROM finish();
