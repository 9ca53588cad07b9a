-- Zones by the real postal chart: what is loaded is what an order meets, by
-- three-digit and by five-digit destinations.  Needs the data folder.
SET client_min_messages = warning;
\getenv data OMNI_DATA
\if :{?data}
\else
    SELECT plan(1);
    SELECT skip('the data folder is not given (make test DATA=folder)');
    SELECT * FROM finish();
    \q
\endif
SELECT (pg_stat_file(:'data' || '/network/usps_zip3_zones.csv.gz', true)).size IS NULL AS is_missing \gset
\if :is_missing
    SELECT plan(1);
    SELECT skip('the data folder lacks network/usps_zip3_zones.csv.gz');
    SELECT * FROM finish();
    \q
\endif
SELECT plan(6);

-- Three origins of the file are enough here.
CREATE TEMP TABLE file (origin text, destination text, zone text, rest1 text, rest2 text, rest3 text);
SELECT format('COPY file FROM PROGRAM %L CSV', 'gzip -dc ''' || :'data' || '/network/usps_zip3_zones.csv.gz'' | grep -E ''^(005|010|100),''') AS copy \gset
:copy;
SELECT cmp_ok((SELECT count(*) FROM file), '>', 1000::bigint, 'the file has pairs');
-- A destination that has lost its leading zero gets it back; no zone, no pair.
CREATE TEMP TABLE pair AS
SELECT origin, lpad(destination, CASE WHEN length(destination) > 3 THEN 5 ELSE 3 END, '0') AS destination, min(zone::smallint) AS zone
FROM file WHERE zone <> '' GROUP BY 1, 2;
INSERT INTO omni.zone_chart(code, country, destination_length) VALUES ('usps', 'US', 5);
INSERT INTO omni.postal_zone(chart, origin, destination, zone) SELECT 'usps', origin, destination, zone FROM pair;
INSERT INTO omni.node(code, kind, country, postal_code) VALUES ('A', 'store', 'US', '00501'), ('B', 'store', 'US', '01002'), ('C', 'store', 'US', '10001-0001');
INSERT INTO omni.carrier(code, zone_chart) VALUES ('USPS', 'usps');
INSERT INTO omni.service(code, carrier) VALUES ('parcel', 'USPS');
INSERT INTO omni.service_rate SELECT 'parcel', z, 20000, 100 FROM generate_series(1, 9) z;
INSERT INTO omni.item(sku) VALUES ('I');

CREATE FUNCTION pg_temp.said(destination text) RETURNS TABLE(origin text, zone int) LANGUAGE sql AS $$
    SELECT left(o.postal_code, 3), (n ->> 'zone')::int FROM jsonb_array_elements(omni.explain_routing(jsonb_build_object(
        'lines', '[{"sku": "I", "quantity": 1}]'::jsonb, 'destination', jsonb_build_object('postal_code', destination))) -> 'nodes') n
    JOIN omni.node o ON o.code = n ->> 'node' $$;
-- The longest destination that fits, pair by pair.
CREATE FUNCTION pg_temp.expected(postal text) RETURNS TABLE(origin text, zone int) LANGUAGE sql AS $$
    SELECT left(o.postal_code, 3), (SELECT p.zone::int FROM pair p WHERE p.origin = left(o.postal_code, 3) AND postal LIKE p.destination || '%'
        ORDER BY length(p.destination) DESC LIMIT 1) FROM omni.node o $$;

CREATE TEMP TABLE asked AS
(SELECT destination AS postal FROM pair WHERE length(destination) = 5 ORDER BY md5(destination) LIMIT 300)
UNION (SELECT destination || '01' FROM pair WHERE length(destination) = 3 ORDER BY md5(destination) LIMIT 300);
SELECT is_empty($$ SELECT postal, origin, s.zone, e.zone FROM asked, pg_temp.said(postal) s FULL JOIN pg_temp.expected(postal) e USING (origin)
    WHERE s.zone IS DISTINCT FROM e.zone $$, 'the zone of every pair that was asked for');
SELECT cmp_ok((SELECT count(*) FROM asked, pg_temp.expected(postal) e WHERE zone IS NOT NULL), '>', 300::bigint, 'of which there were many');
-- once more, from memory, in another order
SELECT is_empty($$ SELECT postal, origin, s.zone, e.zone FROM (SELECT * FROM asked ORDER BY postal DESC LIMIT 50) a, pg_temp.said(postal) s
    FULL JOIN pg_temp.expected(postal) e USING (origin) WHERE s.zone IS DISTINCT FROM e.zone $$, 'again, from memory');
-- a change is seen at once
UPDATE omni.postal_zone SET zone = 9 WHERE origin = '100';
UPDATE pair SET zone = 9 WHERE origin = '100';
SELECT is_empty($$ SELECT postal, origin, s.zone, e.zone FROM (SELECT * FROM asked LIMIT 50) a, pg_temp.said(postal) s
    FULL JOIN pg_temp.expected(postal) e USING (origin) WHERE s.zone IS DISTINCT FROM e.zone $$, 'a change counts at once');
TRUNCATE omni.postal_zone;
SELECT is((SELECT count(zone) FROM asked, pg_temp.said(postal)), 0::bigint, 'and so does TRUNCATE');

SELECT * FROM finish();
