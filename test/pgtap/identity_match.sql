-- Who is who: omni.match_table() on a shop's customers, read like a story.
SELECT no_plan();

CREATE TABLE customer (
    key text PRIMARY KEY, first text, last text, mail text, phone text,
    mobile text, born text, sex text, house text, street text, town text,
    zip text, note text);
CREATE TABLE roles AS SELECT '{"key": "id", "first": "given_name",
    "last": "family_name", "mail": "email", "phone": "phone",
    "mobile": "phone", "born": "birth_date", "sex": "sex",
    "house": "house_number", "street": "street", "town": "city",
    "zip": "postal_code"}'::jsonb AS customer;
CREATE FUNCTION pg_temp.name(kind int, n int) RETURNS text LANGUAGE sql AS
    $$SELECT string_agg((ARRAY['ba','ro','lin','ta','mer','ko','su','van',
        'del','fi'])[1 + (hashint4(n * 7 + kind * 1000 + i) & 1023) % 10], '')
      FROM generate_series(1, 3) i$$;
-- Two hundred neighbours who are nobody twice, in households of two.
INSERT INTO customer
    SELECT 'n' || i, pg_temp.name(1, i % 60), pg_temp.name(2, i / 2),
        NULL, '+1303555' || lpad((i / 2 * 37 % 9973)::text, 4, '0'), NULL,
        (date '1940-01-01' + (hashint4(i) & 16383))::text,
        CASE i % 2 WHEN 0 THEN 'f' ELSE 'm' END, (i / 2 * 7 % 90 + 1)::text,
        pg_temp.name(3, i / 2) || ' street', pg_temp.name(4, i / 2 % 20),
        (80000 + i / 2 % 20)::text, 'neighbour'
    FROM generate_series(1, 200) i;
INSERT INTO customer (key, first, last, mail, phone, mobile, born, sex, house,
    street, town, zip) VALUES
    ('anna-1', 'Margarete', 'Oberhuber', 'm.oberhuber@example.net', '+13035551111', NULL, '1961-03-14', 'f', '12', 'Larch Lane', 'Boulder', '80301'),
    ('anna-2', 'Margrete', 'Oberhuber', NULL, NULL, '+13035551111', '1961-03-14', NULL, '12', 'Larch Ln', 'Boulder', '80301'),
    ('anna-3', 'Oberhuber', 'Margarete', 'm.oberhuber@example.net', NULL, NULL, '1961-03-14', 'f', NULL, NULL, NULL, NULL),
    ('bob-1', 'Robert', 'Achterberg', 'bob77@example.org', '+13035552222', NULL, '1977-11-02', 'm', '4', 'Mill Road', 'Golden', '80401'),
    ('bob-2', 'Bob', 'Achterberg', 'bob77@example.org', NULL, NULL, '1977-11-02', 'm', '88', 'High Street', 'Denver', '80202'),
    ('wife', 'Paula', 'Achterberg', NULL, '+13035552222', NULL, '1979-05-30', 'f', '4', 'Mill Road', 'Golden', '80401'),
    ('senior', 'Hans Sr', 'Liebknecht', NULL, '+13035553333', NULL, '1938-01-09', 'm', '7', 'Oak Court', 'Aspen', '81611'),
    ('junior', 'Hans Jr', 'Liebknecht', NULL, '+13035553333', NULL, NULL, 'm', '7', 'Oak Court', 'Aspen', '81611');

CREATE TABLE cluster AS
    SELECT m.* FROM roles, omni.match_table('customer', roles.customer) m;
CREATE FUNCTION pg_temp.together(a text, b text) RETURNS boolean LANGUAGE sql
    AS $$SELECT x.cluster = y.cluster FROM cluster x, cluster y
         WHERE x.record = a AND y.record = b$$;

SELECT set_eq('SELECT record FROM cluster', 'SELECT key FROM customer',
    'every record is there');
SELECT is((SELECT count(*) FROM cluster), (SELECT count(*) FROM customer),
    'and once');
SELECT is(min(cluster), 1::bigint, 'clusters are numbered from 1') FROM cluster;
SELECT is(max(cluster), count(DISTINCT cluster), 'without gaps') FROM cluster;
SELECT ok(pg_temp.together('anna-1', 'anna-2'), 'a typo, and the phone in another column of its role');
SELECT ok(pg_temp.together('anna-1', 'anna-3'), 'given and family name exchanged');
SELECT ok(pg_temp.together('bob-1', 'bob-2'), 'a nickname, and a new address');
SELECT ok(NOT pg_temp.together('bob-1', 'wife'), 'husband and wife are two');
SELECT ok(NOT pg_temp.together('senior', 'junior'), 'father and son are two');
SELECT is((SELECT count(DISTINCT cluster) FROM cluster WHERE record LIKE 'n%'),
    200::bigint, 'neighbours and households are as many as they are');

-- The same rows in another order, through a view with odd names.
CREATE VIEW "Odd ""View""" AS
    SELECT note, key AS "the ""key""", first AS "select", last, mail, phone,
        mobile, born, sex, house, street, town, zip
    FROM customer ORDER BY md5(key);
SELECT results_eq($$SELECT string_agg(record, ',' ORDER BY record COLLATE "C")
    FROM cluster GROUP BY cluster ORDER BY 1$$,
    $$SELECT string_agg(record, ',' ORDER BY record COLLATE "C")
    FROM omni.match_table('"Odd ""View"""', '{"the \"key\"": "id",
    "select": "given_name", "last": "family_name", "mail": "email",
    "phone": "phone", "mobile": "phone", "born": "birth_date", "sex": "sex",
    "house": "house_number", "street": "street", "town": "city",
    "zip": "postal_code"}') GROUP BY cluster ORDER BY 1$$,
    'another order and quoted names: the same clusters');

-- The model can be read.
SELECT is((SELECT records FROM omni.match_run ORDER BY id LIMIT 1),
    (SELECT count(*) FROM customer), 'match_run: records');
SELECT is(source, 'public.customer', 'match_run: source') FROM omni.match_run
    ORDER BY id LIMIT 1;
SELECT is(refused, NULL, 'match_run: nothing was refused') FROM omni.match_run
    ORDER BY id LIMIT 1;
SELECT set_eq($$SELECT DISTINCT field FROM omni.match_model$$,
    $$VALUES ('given_name'), ('family_name'), ('name_suffix'), ('birth_date'),
    ('sex'), ('phone'), ('email'), ('address'), ('locality')$$,
    'match_model: a field for all that was compared');
SELECT ok(bool_and(abs(m - 1) < 0.01 AND abs(u - 1) < 0.01),
    'match_model: levels add up to one') FROM (SELECT sum(m) AS m, sum(u) AS u
    FROM omni.match_model GROUP BY run_id, field) s;
SELECT ok((SELECT weight FROM omni.match_model WHERE field = 'email'
           AND level = 1 ORDER BY run_id LIMIT 1) > 5,
    'match_model: the same mailbox tells much');

-- Why, and why not.
CREATE TABLE explained AS SELECT e.* FROM roles,
    omni.explain_match('customer', roles.customer, 'bob-1', 'bob-2') e;
SELECT is((SELECT level FROM explained WHERE field = 'given_name'),
    'variant or nickname', 'explain: Bob is Robert');
SELECT is((SELECT level FROM explained WHERE field = 'email'), 'same',
    'explain: the mailbox');
SELECT is((SELECT level FROM explained WHERE field = 'verdict'), 'same',
    'explain: so they are one');
SELECT ok((SELECT frequency BETWEEN 0.001 AND 0.02 FROM explained
           WHERE field = 'family_name'), 'explain: how frequent the name is');
SELECT is((SELECT e.level FROM roles, omni.explain_match('customer',
    roles.customer, 'bob-1', 'wife') e WHERE e.field = 'verdict'),
    'apart: more likely two of one household', 'explain: husband and wife');
SELECT matches((SELECT e.level FROM roles, omni.explain_match('customer',
    roles.customer, 'senior', 'junior') e WHERE e.field = 'verdict'),
    '^apart: a rule forbids it', 'explain: father and son');
SELECT throws_ok($$SELECT omni.explain_match('customer', customer, 'bob-1',
    'nobody') FROM roles$$, 'OM002');

-- People decide, and the next run respects it.
SELECT omni.decide_match('customer', 'wife', 'bob-1', true, 'they said so');
SELECT omni.decide_match('customer', 'anna-1', 'anna-2', false);
SELECT omni.decide_match('customer', 'anna-3', 'anna-2', false);
TRUNCATE cluster;
INSERT INTO cluster
    SELECT m.* FROM roles, omni.match_table('customer', roles.customer) m;
SELECT ok(pg_temp.together('bob-1', 'wife'), 'decided: together');
SELECT ok(NOT pg_temp.together('anna-1', 'anna-2'), 'decided: apart');
SELECT ok(pg_temp.together('anna-1', 'anna-3'), 'the others are as before');
SELECT is((SELECT decided_by FROM omni.match_decision
           WHERE record_a = 'bob-1' AND record_b = 'wife'),
    session_user::text, 'a decision says who');
SELECT omni.withdraw_match_decision('customer', 'anna-2', 'anna-1');
SELECT omni.withdraw_match_decision('customer', 'anna-2', 'anna-3');
TRUNCATE cluster;
INSERT INTO cluster
    SELECT m.* FROM roles, omni.match_table('customer', roles.customer) m;
SELECT ok(pg_temp.together('anna-1', 'anna-2'), 'withdrawn: the model decides');
SELECT throws_ok($$SELECT omni.withdraw_match_decision('customer', 'a', 'b')$$, 'OM002');
SELECT throws_ok($$SELECT omni.decide_match('customer', 'a', 'a', true)$$, 'OM007');
SELECT throws_ok($$SELECT omni.decide_match('customer', 'a', 'b', NULL)$$, 'OM002');

-- A pair that nobody can be sure of is put up for review, until decided.
INSERT INTO customer (key, first, last, born, town, zip) VALUES
    ('grey-1', 'Ottilie', 'Zweistein', NULL, 'Vail', '81657'),
    ('grey-2', 'O', 'Zweistein', NULL, NULL, NULL);
SELECT count(*) FROM roles, omni.match_table('customer', roles.customer) m;
SELECT ok(count(*) = 1, 'review: the pair is there') FROM omni.match_review
    WHERE source = 'public.customer' AND record_a = 'grey-1' AND record_b = 'grey-2';
SELECT ok(bool_and(probability BETWEEN 0.04 AND 0.96),
    'review: only what is unsure') FROM omni.match_review;
SELECT omni.decide_match('customer', 'grey-2', 'grey-1', false);
SELECT is(count(*), 0::bigint, 'review: a decision takes it off')
    FROM omni.match_review WHERE record_a = 'grey-1' AND record_b = 'grey-2';
SELECT count(*) FROM roles, omni.match_table('customer', roles.customer) m;
SELECT is(count(*), 0::bigint, 'review: and it does not come back')
    FROM omni.match_review WHERE record_a = 'grey-1' AND record_b = 'grey-2';
SELECT count(*) FROM roles, omni.match_table('customer', roles.customer,
    '{"review_pairs": 0}') m;
SELECT is(count(*), 0::bigint, 'review: none when none are wanted')
    FROM omni.match_review;
DO $$BEGIN
    FOR i IN 1..12 LOOP
        PERFORM count(*) FROM roles, omni.match_table('customer', roles.customer);
    END LOOP;
END$$;
SELECT is(count(*), 10::bigint, 'the last ten runs of a source are kept')
    FROM omni.match_run WHERE source = 'public.customer';
SELECT is(count(*), 0::bigint, 'their models with them') FROM omni.match_model
    WHERE run_id NOT IN (SELECT id FROM omni.match_run);
CREATE TABLE runs AS SELECT count(*) AS n, max(id) AS last FROM omni.match_run;
SELECT count(*) FROM roles, omni.match_table('customer', roles.customer,
    '{"keep": false}');
SELECT is((SELECT max(id) FROM omni.match_run), (SELECT last FROM runs),
    'keep false: nothing is kept');
BEGIN READ ONLY;
SELECT is((SELECT count(*) FROM roles, omni.match_table('customer',
    roles.customer)), 210::bigint, 'a read-only transaction may match');
COMMIT;
SELECT is((SELECT max(id) FROM omni.match_run), (SELECT last FROM runs),
    'and nothing is kept');

-- Two sources without duplicates within.
SELECT omni.withdraw_match_decision('customer', 'bob-1', 'wife');
ALTER TABLE customer ADD shop text;
UPDATE customer SET shop = CASE WHEN key IN ('anna-2', 'bob-2') THEN 'b' ELSE 'a' END;
TRUNCATE cluster;
INSERT INTO cluster SELECT m.* FROM roles,
    omni.match_table('customer', roles.customer || '{"shop": "source"}',
        '{"unique_within": ["source"]}') m;
SELECT ok(pg_temp.together('bob-1', 'bob-2'), 'unique_within: over the sources');
SELECT ok(NOT pg_temp.together('anna-1', 'anna-3'), 'unique_within: never within one');
SELECT is((SELECT count(*) FROM (SELECT FROM cluster
    JOIN customer ON key = record GROUP BY cluster, shop HAVING count(*) > 1) s),
    0::bigint, 'unique_within: nowhere');

-- Organisations are not the people who work there.
CREATE TABLE party (id int, company text, name text, phone text, street text, town text);
INSERT INTO party
    SELECT i, pg_temp.name(5, i) || ' ' || pg_temp.name(6, i) || ' Inc', NULL,
        '+1415555' || lpad((i * 13)::text, 4, '0'), i || ' ' || pg_temp.name(7, i) || ' st',
        pg_temp.name(8, i % 9) FROM generate_series(1, 80) i;
INSERT INTO party VALUES
    (101, 'Zumstein Machine Tools Ltd.', NULL, '+14155559001', '5 Dock Road', 'Oakland'),
    (102, 'ZUMSTEIN MACHINE TOOLS LIMITED', NULL, NULL, '5 Dock Rd', 'Oakland'),
    (103, NULL, 'Walter Zumstein', '+14155559001', '5 Dock Road', 'Oakland');
TRUNCATE cluster;
INSERT INTO cluster SELECT * FROM omni.match_table('party',
    '{"id": "id", "company": "organization_name", "name": "full_name",
      "phone": "phone", "street": "street", "town": "city"}');
SELECT ok(pg_temp.together('101', '102'), 'a company in two spellings');
SELECT ok(NOT pg_temp.together('101', '103'), 'its owner is somebody else');
SELECT is((SELECT count(DISTINCT cluster) FROM cluster), 82::bigint, 'nobody else is the same');

-- Whose rights: the caller's on the source, a profile for the function.
CREATE ROLE identity_match_support;
CREATE ROLE identity_match_reader;
SELECT omni.grant_access('identity_match_support', 'support');
SELECT omni.grant_access('identity_match_reader', 'reader');
GRANT SELECT ON roles TO identity_match_support, identity_match_reader;
SET ROLE identity_match_reader;
SELECT throws_ok($$SELECT omni.match_table('customer', customer) FROM roles$$, '42501');
SELECT throws_ok('SELECT FROM omni.match_review', '42501');
SET ROLE identity_match_support;
SELECT throws_ok($$SELECT omni.match_table('customer', customer) FROM roles$$,
    '42501', 'permission denied for table customer',
    'the table is read with the caller''s rights');
RESET ROLE;
GRANT SELECT (key, first, last) ON customer TO identity_match_support;
SET ROLE identity_match_support;
SELECT is((SELECT count(*) FROM omni.match_table('customer',
    '{"key": "id", "first": "given_name", "last": "family_name"}')), 210::bigint,
    'columns that he may read suffice');
SELECT throws_ok($$SELECT omni.match_table('customer', customer) FROM roles$$, '42501');
RESET ROLE;
GRANT SELECT ON customer TO identity_match_support;
ALTER TABLE customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON customer USING (key LIKE 'bob%');
SET ROLE identity_match_support;
SELECT set_eq($$SELECT m.record FROM roles, omni.match_table('customer', customer) m$$,
    $$VALUES ('bob-1'), ('bob-2')$$, 'row policies hold');
SELECT is((SELECT count(*) FROM omni.stat_match), 0::bigint, 'no run is left in stat_match');
RESET ROLE;
ALTER TABLE customer DISABLE ROW LEVEL SECURITY;

-- What is wrong is named.
SELECT throws_ok($$SELECT omni.match_table(NULL, '{}')$$, 'OM002');
SELECT throws_ok($$SELECT omni.match_table('party', NULL)$$, 'OM002');
PREPARE bad (jsonb, jsonb) AS SELECT omni.match_table('party', $1, $2);
SELECT throws_ok(format('EXECUTE bad(%L, %L)', r, o), 'OM006', m, d) FROM (VALUES
    ('[]', '{}', 'roles must be a JSON object', 'roles: an array'),
    ('{}', '{}', 'malformed roles: "id"', 'roles: no id'),
    ('{"name": "full_name"}', '{}', 'malformed roles: "id"', 'roles: no id among them'),
    ('{"id": "id", "nmae": "full_name"}', '{}', 'malformed roles: "nmae"', 'roles: no such column'),
    ('{"id": "id", "name": "fullname"}', '{}', 'malformed roles: "name"', 'roles: no such role'),
    ('{"id": "id", "name": 1}', '{}', 'malformed roles: "name"', 'roles: no string'),
    ('{"id": "id", "ctid": "other"}', '{}', 'malformed roles: "ctid"', 'roles: a system column'),
    ('{"id": "id"}', '[]', 'options must be a JSON object', 'options: an array'),
    ('{"id": "id"}', '{"unique": true}', 'malformed options: "unique"', 'options: unknown'),
    ('{"id": "id"}', '{"unique_within": "source"}', 'malformed options: "unique_within"', 'options: no array'),
    ('{"id": "id"}', '{"unique_within": ["city"]}', 'malformed options: "unique_within"', 'options: another role'),
    ('{"id": "id"}', '{"unique_within": ["source"]}', 'malformed options: "unique_within"', 'options: no source'),
    ('{"id": "id"}', '{"threshold": 1.5}', 'malformed options: "threshold"', 'options: beyond one'),
    ('{"id": "id"}', '{"threshold": "0.5"}', 'malformed options: "threshold"', 'options: a string'),
    ('{"id": "id"}', '{"review_pairs": -1}', 'malformed options: "review_pairs"', 'options: negative'),
    ('{"id": "id"}', '{"keep": 1}', 'malformed options: "keep"', 'options: no boolean')
    ) AS v (r, o, m, d);
CREATE TABLE dirt (id text, name text, born text, mail text);
CREATE INDEX dirt_id_idx ON dirt (id);
SELECT throws_ok($$SELECT omni.match_table('dirt_id_idx', '{}')$$, 'OM007');
SELECT is_empty($$SELECT * FROM omni.match_table('dirt', '{"id": "id", "name": "full_name"}')$$,
    'an empty table');
INSERT INTO dirt VALUES ('1', 'x');
SELECT results_eq($$SELECT * FROM omni.match_table('dirt', '{"id": "id", "name": "full_name"}')$$,
    $$VALUES ('1', 1::bigint)$$, 'one row');
INSERT INTO dirt VALUES (NULL, 'x');
SELECT throws_ok($$SELECT omni.match_table('dirt', '{"id": "id", "name": "full_name"}')$$,
    'OM007', 'a record of the source has no id', 'no id');
UPDATE dirt SET id = '1';
SELECT throws_ok($$SELECT omni.match_table('dirt', '{"id": "id", "name": "full_name"}')$$,
    'OM007', 'two records of the source have the same id', 'an id twice');
TRUNCATE dirt;
SET client_min_messages = error;
INSERT INTO dirt SELECT i::text, 'Same Name', NULL, NULL FROM generate_series(1, 3000) i;
SELECT is((SELECT count(DISTINCT cluster) FROM omni.match_table('dirt',
    '{"id": "id", "name": "full_name", "born": "birth_date", "mail": "email"}')),
    3000::bigint, 'all values equal, a column of NULLs: nobody is the same');
SELECT isnt((SELECT refused FROM omni.match_run ORDER BY id DESC LIMIT 1), NULL,
    'and the run says why');
UPDATE dirt SET name = CASE id::int % 6
    WHEN 0 THEN repeat('ж', 500000) WHEN 1 THEN '李小龍 Bruce' WHEN 2 THEN E'\x01\u202e%s'
    WHEN 3 THEN repeat('ab ', 200) WHEN 4 THEN 'محمد علي' ELSE '   ' END,
    born = CASE id::int % 5 WHEN 0 THEN '2024-02-30' WHEN 1 THEN '99/99/9999'
    WHEN 2 THEN 'yesterday' WHEN 3 THEN '00000000' ELSE '1.1.70' END,
    mail = CASE id::int % 3 WHEN 0 THEN '@@@@' WHEN 1 THEN repeat('a', 5000) || '@b' ELSE '' END
    WHERE id::int <= 120;
SELECT is((SELECT count(*) FROM omni.match_table('dirt',
    '{"id": "id", "name": "full_name", "born": "birth_date", "mail": "email"}')),
    3000::bigint, 'long strings, mixed scripts, invalid dates');
RESET client_min_messages;
SET omni.match_memory = '16MB';
INSERT INTO dirt SELECT i::text, md5(i::text), NULL, md5(i::text) || '@' || i
    FROM generate_series(3001, 60000) i;
SELECT throws_ok($$SELECT omni.match_table('dirt', '{"id": "id", "name": "full_name", "mail": "email"}')$$,
    'OM012', 'matching needs more memory than "omni.match_memory" allows', 'memory is bounded');
RESET omni.match_memory;

SELECT * FROM finish();
SELECT omni.revoke_access('identity_match_support', 'support');
SELECT omni.revoke_access('identity_match_reader', 'reader');
DROP OWNED BY identity_match_support, identity_match_reader;
DROP ROLE identity_match_support, identity_match_reader;
