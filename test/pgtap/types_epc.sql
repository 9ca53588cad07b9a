-- omni.epc: hexadecimal digits, tag URI, pure identity, binary, order and
-- hash, GTIN and serial number.  Every table of cases is one query with one
-- test per row.
SET search_path = omni, public;
SET client_min_messages = warning;
SELECT plan(304);

-- ---- text ----

-- As tags and documents have them.
CREATE TEMP TABLE good (hex text, uri text, gtin text, serial text);
INSERT INTO good VALUES
    ('3034257BF7194E4000001A85', 'urn:epc:tag:sgtin-96:1.0614141.812345.6789',
     '80614141123458', '6789'),
    ('3074257BF7194E4000001A85', 'urn:epc:tag:sgtin-96:3.0614141.812345.6789',
     '80614141123458', '6789'),
    ('30C579D5D4ADB60000000000', 'urn:epc:tag:sgtin-96:6.50712192365.88.0',
     '85071219236581', '0'),
    ('3036142C8C008F8000053244', 'urn:epc:tag:sgtin-96:1.8719139.000574.340548',
     '8719139005740', '340548'),
    ('301800004000004000000001', 'urn:epc:tag:sgtin-96:0.000001.0000001.1',
     '10000014', '1'),
    ('300000000000000000000000', 'urn:epc:tag:sgtin-96:0.000000000000.0.0',
     '00000000', '0'),
    ('30E3A352943FFE7FFFFFFFFF', 'urn:epc:tag:sgtin-96:7.999999999999.9.274877906943',
     '99999999999997', '274877906943');

SELECT is(hex::epc::text, hex, format('%s is read', hex)) FROM good;
SELECT is(lower(hex)::epc::text, hex, format('%s is read', lower(hex))) FROM good;
SELECT is(uri::epc::text, hex, format('%s is read', uri)) FROM good;
SELECT is(epc_tag_uri(hex::epc), uri, format('URI of %s', hex)) FROM good;
SELECT is(epc_gtin(hex::epc)::text, gtin, format('GTIN of %s', hex)) FROM good;
SELECT is(epc_serial(hex::epc), serial, format('serial number of %s', hex))
FROM good;
SELECT ok(is_epc(hex) AND is_epc(uri), format('is_epc: %s', hex)) FROM good;
SELECT is(epc_filter(hex::epc)::text || '.' || epc_company_prefix(hex::epc),
    substring(uri FROM 'sgtin-96:(.*)\.[0-9]+\.[0-9]+$'),
    format('filter and company prefix of %s', hex))
FROM good;
SELECT is(epc_identity_uri(hex::epc),
    regexp_replace(uri, 'tag:sgtin-96:[0-7]\.', 'id:sgtin:'),
    format('pure identity of %s', hex))
FROM good;
SELECT is(epc_from_identity(epc_identity_uri(hex::epc), epc_filter(hex::epc)),
    hex::epc, format('pure identity and filter make %s', hex))
FROM good;
SELECT is(make_sgtin_96(gtin::gtin, serial::bigint,
    length(epc_company_prefix(hex::epc)), epc_filter(hex::epc)), hex::epc,
    format('GTIN, serial number, prefix and filter make %s', hex))
FROM good;
SELECT is(epc_scheme(hex::epc), 'sgtin-96', 'epc_scheme') FROM good LIMIT 1;

-- Every partition, both ends, through every form.
CREATE TEMP TABLE made AS
SELECT make_sgtin_96(gtin, serial, digits, filter) AS epc, gtin, serial, digits,
    filter
FROM generate_series(6, 12) AS digits
CROSS JOIN (VALUES (0), (1), (7)) AS f(filter)
CROSS JOIN (VALUES (0::bigint), (1), (274877906943)) AS s(serial)
CROSS JOIN unnest('{00000000,12345670,012345678905,4006381333931,
    80614141123458,99999999999997,10000000000007}'::gtin[]) AS gtin;
SELECT is(count(*)::int, 441, 'EPCs of every partition') FROM made;
SELECT is(count(*)::int, 0, 'their parts come back')
FROM made
WHERE epc_gtin(epc) <> gtin OR epc_serial(epc) <> serial::text
   OR epc_filter(epc) <> filter OR length(epc_company_prefix(epc)) <> digits
   OR epc_tag_uri(epc)::epc <> epc OR epc::text::epc <> epc
   OR epc_from_identity(epc_identity_uri(epc), filter) <> epc
   -- company prefix: the digits of the GTIN behind the indicator
   OR epc_company_prefix(epc) <> substr(gtin_14(gtin), 2, digits);
SELECT is(count(DISTINCT epc)::int, 441, 'and all differ') FROM made;

CREATE TEMP TABLE bad (input text);
INSERT INTO bad VALUES
    (''), ('30'), ('3034257BF7194E4000001A8'), ('3034257BF7194E4000001A855'),
    ('3034257BF7194E4000001A8500'), ('3034257BF7194E4000001A8G'),
    (' 3034257BF7194E4000001A85'), ('3034257BF7194E4000001A85 '),
    ('0x3034257BF7194E4000001A85'), ('3034 257B F719 4E40 0000 1A85'),
    (repeat('30', 1000)), ('sgtin'),
    -- header, partition
    ('F45349FB11DF49FA935AB6FF'), ('3134257BF7194E4000001A85'),
    ('36500001DB011169E5E5A70E'), ('303C83F1B7DD441678901234'),
    ('303FFFFFFFFFFFFFFFFFFFFF'),
    -- company prefix, then item reference, of each partition: just beyond its
    -- digits, and all bits
    ('3023A3529440000000000000'), ('3023FFFFFFFFFC0000000000'),
    ('302000000000028000000000'), ('30200000000003C000000000'),
    ('3026E90EDD00000000000000'), ('3027FFFFFFFFE00000000000'),
    ('302400000000190000000000'), ('3024000000001FC000000000'),
    ('302A540BE400000000000000'), ('302BFFFFFFFF000000000000'),
    ('302800000000FA0000000000'), ('302800000000FFC000000000'),
    ('302FB9ACA000000000000000'), ('302FFFFFFFF0000000000000'),
    ('302C00000009C40000000000'), ('302C0000000FFFC000000000'),
    ('3032FAF08000000000000000'), ('3033FFFFFF80000000000000'),
    ('303000000061A80000000000'), ('30300000007FFFC000000000'),
    ('3036625A0000000000000000'), ('3037FFFFFC00000000000000'),
    ('3034000003D0900000000000'), ('3034000003FFFFC000000000'),
    ('303BD0900000000000000000'), ('303BFFFFC000000000000000'),
    ('303800002625A00000000000'), ('303800003FFFFFC000000000'),
    -- tag URIs
    ('urn:epc:tag:sgtin-96:'), ('urn:epc:tag:sgtin-96:3'),
    ('urn:epc:tag:sgtin-96:3.0614141'), ('urn:epc:tag:sgtin-96:3.0614141.812345'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.'),
    ('urn:epc:tag:sgtin-96:8.0614141.812345.6789'),
    ('urn:epc:tag:sgtin-96:03.0614141.812345.6789'),
    ('urn:epc:tag:sgtin-96:.0614141.812345.6789'),
    ('urn:epc:tag:sgtin-96:-1.0614141.812345.6789'),
    ('urn:epc:tag:sgtin-96:3.06141.41812345.6789'),
    ('urn:epc:tag:sgtin-96:3.0614141123456..6789'),
    ('urn:epc:tag:sgtin-96:3.0614141.81234.6789'),
    ('urn:epc:tag:sgtin-96:3.0614141.8123456.6789'),
    ('urn:epc:tag:sgtin-96:3.0614141.81234X.6789'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.06789'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.00'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.274877906944'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.999999999999'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.1000000000000'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.18446744073709551616'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.-1'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.ABC'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.6789 '),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.6789.1'),
    (' urn:epc:tag:sgtin-96:3.0614141.812345.6789'),
    ('URN:EPC:TAG:SGTIN-96:3.0614141.812345.6789'),
    ('urn:epc:tag:sgtin-198:3.0614141.812345.6789'),
    ('urn:epc:tag:sscc-96:3.0614141.1234567890'),
    ('urn:epc:id:sgtin:0614141.812345.6789'),
    ('urn:epc:raw:96.x3034257BF7194E4000001A85'),
    ('urn:epc:idpat:sgtin:0614141.812345.*');
SELECT throws_ok(format('SELECT %L::omni.epc', input), 'OM010', NULL,
    format('"%s" is refused', left(input, 60)))
FROM bad;
SELECT ok(NOT is_epc(input), format('is_epc: "%s"', left(input, 60))) FROM bad;

CREATE FUNCTION pg_temp.detail_of(statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' ', detail, nullif(hint, ''));
END $$;
SELECT is(pg_temp.detail_of(format('SELECT %L::omni.epc', input)), detail, detail)
FROM (VALUES
    ('30', 'An SGTIN-96 has 24 hexadecimal digits (12 bytes).'),
    ('xyz', 'An EPC is written in hexadecimal digits, or as a tag URI: "urn:epc:tag:sgtin-96:...".'),
    ('F45349FB11DF49FA935AB6FF', 'Its header is not that of an SGTIN-96 (hexadecimal 30).'),
    ('303C83F1B7DD441678901234', 'Its partition is 7, which does not exist.'),
    ('3003FFFFFFFFC00000000000', 'Its company prefix has more digits than its partition says.'),
    ('300000000000028000000000', 'Its item reference has more digits than its partition says.'),
    ('urn:epc:tag:sscc-96:0.1', 'The URI is not one of an SGTIN-96.'),
    ('urn:epc:tag:sgtin-96:8.0614141.812345.6789', 'A filter value is one digit from 0 to 7.'),
    ('urn:epc:tag:sgtin-96:3.06141.41812345.6789', 'A company prefix has 6 to 12 digits.'),
    ('urn:epc:tag:sgtin-96:3.0614141.81234.6789', 'Company prefix and item reference together have 13 digits.'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.06789', 'A serial number is from 0 to 274877906943, without leading zeros.'),
    ('urn:epc:id:sgtin:0614141.812345.6789', 'A pure identity does not say what the tag''s filter value is. Use omni.epc_from_identity(uri, filter).')
    ) AS v(input, detail);

SELECT throws_ok(format('SELECT omni.make_sgtin_96(''80614141123458'', %s, %s, %s)',
    serial, digits, filter), 'OM007', NULL,
    format('serial %s, %s digits, filter %s: refused', serial, digits, filter))
FROM (VALUES (-1::bigint, 7, 1), (274877906944, 7, 1), (9223372036854775807, 7, 1),
    (1, 5, 1), (1, 13, 1), (1, -1, 1), (1, 0, 1), (1, 2147483647, 1),
    (1, -2147483648, 1), (1, 7, -1), (1, 7, 8), (1, 7, 2147483647))
    AS v(serial, digits, filter);
SELECT throws_ok(format('SELECT omni.epc_from_identity(%L, %s)', uri, filter),
    state, NULL, format('epc_from_identity(%s, %s): refused', uri, filter))
FROM (VALUES
    ('urn:epc:id:sgtin:0614141.812345.6789', 8, 'OM007'),
    ('urn:epc:id:sgtin:0614141.812345.6789', -1, 'OM007'),
    ('urn:epc:id:sgtin:0614141.812345.32a%2Fb', 1, 'OM010'),
    ('urn:epc:id:sgtin:0614141.812345.0', 1, NULL),
    ('urn:epc:id:sgtin:0614141.812345.007', 1, 'OM010'),
    ('urn:epc:id:sgtin:0614141.812345.274877906944', 1, 'OM010'),
    ('urn:epc:id:sgtin:0614141.812345', 1, 'OM010'),
    ('urn:epc:id:sgtin:0614141.*.*', 1, 'OM010'),
    ('urn:epc:tag:sgtin-96:3.0614141.812345.6789', 1, 'OM010'),
    ('urn:epc:id:sscc:0614141.1234567890', 1, 'OM010'),
    ('', 1, 'OM010')) AS v(uri, filter, state)
WHERE state IS NOT NULL;
SELECT is(make_sgtin_96(NULL, 1, 7, 1), NULL, 'null GTIN');
SELECT is(epc_from_identity(NULL, 1), NULL, 'null URI');
SELECT is(NULL::text::epc, NULL::epc, 'null text');

CREATE TEMP TABLE assigned (e epc, t text);
INSERT INTO assigned SELECT hex, hex::epc FROM good;
SELECT is(count(*)::int, 7, 'text and EPC assign to each other')
FROM assigned WHERE e::text = t;
SELECT is(max(pg_column_size(e)), 13, 'a stored EPC takes 13 bytes') FROM assigned;

-- ---- binary ----

SELECT is(epc_send(hex::epc), decode(hex, 'hex'), 'sent as the tag''s bytes')
FROM good LIMIT 1;
SELECT current_setting('data_directory') || '/omni_types_epc.bin' AS file \gset
CREATE FUNCTION pg_temp.read_binary(bytes bytea) RETURNS epc
LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/omni_types_epc.bin';
    large oid;
    result omni.epc;
BEGIN
    large := lo_from_bytea(0, '\x5047434f50590aff0d0a000000000000000000'::bytea
        || '\x0001'::bytea || int4send(length(bytes)) || bytes
        || '\xffff'::bytea);
    PERFORM lo_export(large, file);
    PERFORM lo_unlink(large);
    CREATE TEMP TABLE arrived (e omni.epc);
    EXECUTE format('COPY arrived FROM %L (FORMAT binary)', file);
    SELECT e INTO result FROM arrived;
    DROP TABLE arrived;
    RETURN result;
END $$;
SELECT is(pg_temp.read_binary(decode(hex, 'hex'))::text, hex,
    format('%s goes through binary', hex))
FROM good;
SELECT throws_ok(format('SELECT pg_temp.read_binary(%L)', bytes), 'OM010', NULL,
    'binary refused: ' || what)
FROM (VALUES
    ('\x'::bytea, 'empty'), ('\x30', 'one byte'),
    ('\x3034257bf7194e4000001a', 'too short'),
    ('\x3034257bf7194e4000001a8500', 'too long'),
    ('\xf45349fb11df49fa935ab6ff', 'header'),
    ('\x303c83f1b7dd441678901234', 'partition'),
    ('\x3003ffffffffc00000000000', 'company prefix'),
    ('\x300000000000028000000000', 'item reference')) AS v(bytes, what);
COPY made (epc) TO :'file' (FORMAT binary);
CREATE TEMP TABLE received (epc epc);
COPY received FROM :'file' (FORMAT binary);
SELECT results_eq('SELECT epc::text FROM received', 'SELECT epc::text FROM made',
    'COPY BINARY round trip');

-- ---- order ----

SELECT is(count(*)::int, 0, 'every operator agrees with the bytes')
FROM made AS x, made AS y
CROSS JOIN LATERAL (SELECT epc_send(x.epc), epc_send(y.epc)) AS v(s, t)
WHERE (x.epc < y.epc) <> (s < t) OR (x.epc <= y.epc) <> (s <= t)
   OR (x.epc = y.epc) <> (s = t) OR (x.epc <> y.epc) <> (s <> t)
   OR (x.epc >= y.epc) <> (s >= t) OR (x.epc > y.epc) <> (s > t)
   OR epc_cmp(x.epc, y.epc) <> (s > t)::int - (s < t)::int;
-- A stored EPC has a short header, a new one a long one: they hash alike.
SELECT is(count(*)::int, 0, 'equal EPCs hash alike')
FROM assigned
WHERE epc_hash(e) <> epc_hash(t::epc) OR e <> t::epc
   OR epc_hash_extended(e, 5) <> epc_hash_extended(t::epc, 5);
SELECT isnt(epc_hash_extended(e, 0), epc_hash_extended(e, 1), 'the seed counts')
FROM assigned LIMIT 1;
SELECT is(array_agg(epc_send(epc) ORDER BY epc), array_agg(epc_send(epc) ORDER BY epc_send(epc)),
    'ORDER BY')
FROM made;
SELECT ok(epc_cmp(a, b) <> 0 AND epc_gtin(a) = epc_gtin(b)
    AND epc_serial(a) = epc_serial(b) AND epc_identity_uri(a) = epc_identity_uri(b),
    'another filter value is another EPC of one identity')
FROM (VALUES ('3034257BF7194E4000001A85'::epc, '3074257BF7194E4000001A85'::epc))
    AS v(a, b);

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
CREATE TEMP TABLE tag AS
SELECT i AS id, make_sgtin_96('4006381333931', i, 7, 1) AS epc
FROM generate_series(1, 5000) AS i;
CREATE UNIQUE INDEX tag_btree ON tag USING btree (epc);
CREATE INDEX tag_hash ON tag USING hash (epc);
CREATE INDEX tag_gtin ON tag USING btree (epc_gtin(epc));
ANALYZE tag;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT matches(pg_temp.plan_of($$SELECT id FROM tag
        WHERE epc < omni.make_sgtin_96('4006381333931', 10, 7, 1)$$),
    'tag_btree', 'btree serves a range');
SELECT is(count(*)::int, 9, 'and finds it')
FROM tag WHERE epc < make_sgtin_96('4006381333931', 10, 7, 1);
SELECT matches(pg_temp.plan_of($$SELECT id FROM tag
        WHERE omni.epc_gtin(epc) = '12345670'$$),
    'tag_gtin', 'an index on the GTIN');
SELECT is(count(*)::int, 5000, 'finds its pieces')
FROM tag WHERE epc_gtin(epc) = '4006381333931';
SELECT throws_ok('INSERT INTO tag SELECT 0, epc FROM tag WHERE id = 7', '23505',
    NULL, 'a tag is unique');
DROP INDEX tag_btree;
SELECT matches(pg_temp.plan_of($$SELECT id FROM tag
        WHERE epc = omni.make_sgtin_96('4006381333931', 1234, 7, 1)$$),
    'tag_hash', 'hash serves equality');
SELECT is(array_agg(id), '{1234}', 'and finds it')
FROM tag WHERE epc = make_sgtin_96('4006381333931', 1234, 7, 1);
RESET enable_seqscan;
RESET enable_bitmapscan;
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT matches(pg_temp.plan_of('SELECT FROM tag AS x JOIN tag AS y USING (epc)'),
    'Hash Join', 'hash join');
SELECT is(count(*)::int, 5000, 'its rows') FROM tag AS x JOIN tag AS y USING (epc);
RESET enable_mergejoin;
SET enable_hashjoin = off;
SELECT is(count(*)::int, 5000, 'merge join') FROM tag AS x JOIN tag AS y USING (epc);

SELECT * FROM finish();
