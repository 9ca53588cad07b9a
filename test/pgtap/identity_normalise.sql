-- Normalisation of names, e-mail addresses, telephone numbers, dates and
-- addresses; what NULL, dirt and very long texts give.
SELECT plan(66);

SELECT is(omni.fold_text(v), r, 'folds ' || v) FROM (VALUES
    (U&'M\00FCller-L\00FCdenscheidt', 'muller ludenscheidt'), (U&'\0410\043B\0435\043A\0441\0435\0439', 'aleksey'),
    ('O''Brien & Sons', 'obrien and sons'), (U&'\674E', U&'\674E'), ('...', NULL), ('', NULL)) t(v, r);
SELECT is(omni.loosen_text('Mueller'), omni.loosen_text(U&'M\00FCller'), 'umlauts, however written');

SELECT is(omni.normalise_name(v), r, 'name ' || v) FROM (VALUES
    ('SMITH, Dr. John Michael Jr.', 'john michael smith jr'), ('John "Jack" Smith', 'john smith'), ('Beethoven, Ludwig van', 'ludwig van beethoven'),
    ('Mr', 'mr'), ('', NULL)) t(v, r);
SELECT results_eq($$ SELECT * FROM omni.parse_name('Dr. William "Bill" Henry Gates III') $$,
    $$ VALUES ('dr', 'william', 'henry', 'gates', 'iii', 'bill', 3) $$, 'parts of a name');
SELECT results_eq($$ SELECT * FROM omni.parse_name('') $$,
    $$ VALUES (NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::int) $$, 'of nothing');
SELECT is(omni.normalise_organization(v), r, 'organisation ' || v) FROM (VALUES
    ('The Acme Mfg. Co., Inc.', 'acme manufacturing'), ('Siemens Aktiengesellschaft', 'siemens'), ('AG', 'ag')) t(v, r);
SELECT is(omni.find_chief_names('Peggy'), '{margaret}', 'whose form is peggy');
SELECT is(omni.find_chief_names('Zzyzx'), '{}', 'and a name that nobody knows');
SELECT is(omni.encode_sound('Schmidt'), '{XMT,SMT}', 'two ways to say it');
SELECT is(omni.encode_sound('Robert'), '{RPRT}', 'one way');
SELECT is(omni.encode_sound('42'), '{}', 'none');

SELECT is(omni.normalise_email(v), r, 'e-mail ' || v) FROM (VALUES
    ('Joe.Public+Shop@GMail.com', 'joepublic@gmail.com'), ('Joe.Public+Shop@Example.com', 'joe.public+shop@example.com'), ('nobody', NULL)) t(v, r);

SELECT is(omni.normalise_phone(v, c), r, format('phone %s %s', c, v)) FROM (VALUES
    ('(612) 555-0101', 'US', '+16125550101'), ('+1 612 555 0101', NULL, '+16125550101'), ('001 612 555 0101', NULL, '+16125550101'),
    ('020 7946 0000', 'GB', '+442079460000'), ('612 555 0101', NULL, NULL), ('n/a', 'US', NULL), (NULL, 'US', NULL),
    (repeat('1', 1000), 'US', NULL)) t(v, c, r);
SELECT throws_ok($$ SELECT omni.normalise_phone('1', 'usa') $$, 'OM007', 'argument "country" must be two capital letters', 'a country of three letters');
-- Without the library omni_phone, and with it where it was built.
SET dynamic_library_path = '/nowhere';
SELECT throws_ok($$ SELECT omni.normalise_phone('1-800-FLOWERS', 'US') $$, 'OM011', 'library "omni_phone" is needed for this telephone number and cannot be loaded', 'no library');
RESET dynamic_library_path;
CREATE TEMPORARY TABLE phone_error (code text, hint text);
DO $$
DECLARE
    the_hint text;
BEGIN
    PERFORM omni.normalise_phone('1-800-FLOWERS', 'US');
EXCEPTION WHEN SQLSTATE 'OM011' THEN
    GET STACKED DIAGNOSTICS the_hint = PG_EXCEPTION_HINT;
    INSERT INTO phone_error VALUES (SQLSTATE, the_hint);
END $$;
SELECT CASE WHEN EXISTS (SELECT FROM phone_error WHERE hint LIKE 'Install libphonenumber%') THEN skip('omni_phone was not built', 4)
    ELSE collect_tap(ARRAY(SELECT is(omni.normalise_phone(v, c), r, 'by the library: ' || v) FROM (VALUES
        ('1-800-FLOWERS', 'US', '+18003569377'), ('030 1234567 ext 12', 'DE', '+49301234567x12'), ('06 12345678', 'IT', '+390612345678'),
        ('12345', 'US', NULL)) t(v, c, r))) END;

SELECT is(omni.normalise_date(v, d), r, format('date %s %s', v, d)) FROM (VALUES
    ('17. Juni 1951', NULL, '1951-06-17'), ('01/02/2003', NULL, '2003-01-02'), ('01/02/2003', true, '2003-02-01'), ('1951-06', NULL, '1951-06'),
    ('17 June', NULL, '--06-17'), ('30.02.2001', NULL, NULL), (NULL, true, NULL)) t(v, d, r);
SELECT results_eq($$ SELECT * FROM omni.parse_date('1/2/03') $$, $$ VALUES (2003, 1, 2, true, true) $$, 'parts of a date, and what is unsure');
SELECT results_eq($$ SELECT * FROM omni.parse_date('June 1951') $$, $$ VALUES (1951, 6, NULL::int, false, false) $$, 'no day');
SELECT ok((omni.parse_date('nonsense')) IS NULL, 'no date at all');

SELECT results_eq($$ SELECT * FROM omni.parse_address('12 Main Street Apt. 4B, Las Vegas NV 89132-1234, USA') $$,
    $$ VALUES ('12', 'main st', '4b', NULL::text, 'las vegas', 'nv', '89132', 'usa', NULL::text) $$, 'parts of an address');
SELECT is((omni.parse_address('PO Box 12, London SW1A 1AA')).postal_code, 'SW1A1AA', 'a code in capitals');
SELECT is((omni.parse_address('12 Main St, Berlin 1234', 'US')).postal_code, NULL, 'no code of this country');
SELECT is(omni.normalise_street('North Fifth Avenue'), 'n 5th ave', 'a street');
SELECT is(omni.normalise_postal_code('k1a 0b1'), 'K1A0B1', 'a postal code');
SELECT is(omni.normalise_national_id('123-45-6780'), '123456780', 'an id');
SELECT is(omni.normalise_national_id('000-00-0000'), NULL, 'a filler');

-- a megabyte of anything is read in no time and gives something
SELECT lives_ok(format('SELECT %s', f), 'a megabyte: ' || f) FROM (VALUES
    ('omni.fold_text(repeat(U&''\00e4 '', 400000))'), ('omni.normalise_name(repeat(''a, '', 400000))'),
    ('omni.normalise_organization(repeat(''co '', 400000))'), ('omni.normalise_email(repeat(''a'', 1000000) || ''@b.c'')'),
    ('omni.parse_address(repeat(''1 st, '', 200000))'), ('omni.normalise_date(repeat(''1 '', 500000))')) t(f);
SELECT is(length(omni.fold_text(repeat('x', 1000000))), 256, 'cut');

-- normalisers of one argument are strict, immutable and safe in parallel
SELECT is_empty($$ SELECT p.oid::regprocedure FROM pg_proc p WHERE prosrc LIKE 'omni\_identity\_%' AND proname !~ 'match' AND proparallel <> 's' $$, 'all are parallel safe');
SELECT is_empty($$ SELECT p.oid::regprocedure FROM pg_proc p WHERE prosrc LIKE 'omni\_identity\_%' AND proname ~ '^(normalise|fold|loosen|parse)_'
    AND NOT proisstrict AND pronargs = 1 $$, 'NULL in, NULL out');
SELECT is(provolatile, 's'::"char", 'a library''s answer may change with its version') FROM pg_proc WHERE proname = 'normalise_phone';
SELECT * FROM finish();
