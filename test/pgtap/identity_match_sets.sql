-- omni.match_table() on public sets with known truth: pairwise F1 of its
-- clusters, one run each with the defaults, and how right its certainty is.
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
FROM unnest('{identity/febrl3,identity/febrl4,identity/febrl_us_households,identity/historical}'::text[]) AS folder,
    unnest('{records.csv,truth.csv}'::text[]) AS name,
    LATERAL (SELECT folder || '/' || name AS file) f
WHERE (pg_stat_file(:'data' || '/' || file, true)).size IS NULL \gset
\if :is_missing
    SELECT plan(1);
    SELECT skip('the data folder lacks ' || :'missing');
    SELECT * FROM finish();
    \q
\endif

SELECT plan(12);

-- Each set as a table of texts with the columns of its header.
CREATE FUNCTION pg_temp.load(folder text, set_name text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    file text := folder || '/identity/' || set_name || '/records.csv';
    header text := split_part(pg_read_file(file, 0, 1000), E'\n', 1);
BEGIN
    EXECUTE format('CREATE TABLE %I (%s)', set_name, (
        SELECT string_agg(format('%I text', c), ', ' ORDER BY n)
        FROM unnest(string_to_array(trim(E'\r' FROM header), ',')) WITH ORDINALITY AS h (c, n)));
    EXECUTE format('COPY %I FROM %L (FORMAT csv, HEADER)', set_name, file);
    EXECUTE format('CREATE TABLE %I (record text, truth text)', set_name || '_truth');
    EXECUTE format('COPY %I FROM %L (FORMAT csv, HEADER)', set_name || '_truth',
        folder || '/identity/' || set_name || '/truth.csv');
END$$;
CREATE TABLE result (set_name text, record text, cluster bigint);
CREATE FUNCTION pg_temp.run(set_name text, roles jsonb, options jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO result SELECT set_name, m.record, m.cluster
        FROM omni.match_table(set_name::regclass, roles, options) m;
END$$;
CREATE FUNCTION pg_temp.f1(name text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    f numeric;
BEGIN
    EXECUTE format($q$
        WITH j AS (SELECT r.cluster, t.truth FROM result r JOIN %I t USING (record)
                   WHERE r.set_name = %L)
        SELECT 2 * b.n / (c.n + t.n) FROM
            (SELECT sum(n * (n - 1)) AS n FROM (SELECT count(*) AS n FROM j GROUP BY cluster, truth) s) b,
            (SELECT sum(n * (n - 1)) AS n FROM (SELECT count(*) AS n FROM j GROUP BY cluster) s) c,
            (SELECT sum(n * (n - 1)) AS n FROM (SELECT count(*) AS n FROM j GROUP BY truth) s) t
        $q$, name || '_truth', name) INTO f;
    RETURN f;
END$$;

SELECT pg_temp.load(:'data', s) FROM unnest('{febrl3,febrl4,febrl_us_households,historical}'::text[]) s;
CREATE TABLE febrl AS SELECT '{"rec_id": "id", "given_name": "given_name",
    "surname": "family_name", "street_number": "house_number",
    "address_1": "street", "address_2": "unit", "suburb": "city",
    "postcode": "postal_code", "state": "region",
    "date_of_birth": "birth_date", "soc_sec_id": "national_id"}'::jsonb AS roles;
SELECT pg_temp.run('febrl3', roles) FROM febrl;
SELECT pg_temp.run('febrl4', roles || '{"source": "source"}', '{"unique_within": ["source"]}') FROM febrl;
SELECT pg_temp.run('febrl_us_households', roles || '{"sex": "sex", "phone_number": "phone"}') FROM febrl;
SELECT pg_temp.run('historical', '{"rec_id": "id", "full_name": "full_name",
    "first_name": "given_name", "surname": "family_name", "dob": "birth_date",
    "birth_place": "birth_place", "postcode_fake": "postal_code",
    "gender": "sex", "occupation": "occupation"}');

SELECT is(count(*), 60585::bigint, 'every record once') FROM (SELECT DISTINCT set_name, record FROM result) s;
SELECT cmp_ok(pg_temp.f1('febrl3'), '>=', 0.998, 'febrl3');
SELECT cmp_ok(pg_temp.f1('febrl4'), '>=', 0.9996, 'febrl4, unique within source');
SELECT cmp_ok(pg_temp.f1('febrl_us_households'), '>=', 0.999, 'febrl_us_households');
SELECT cmp_ok(pg_temp.f1('historical'), '>=', 0.900, 'historical');
SELECT is(classes, 3, 'households are a class of their own') FROM omni.match_run
    WHERE source = 'public.febrl_us_households';
SELECT is(count(refused), 0::bigint, 'nothing was refused') FROM omni.match_run;
SELECT ok(bool_and(key_recall BETWEEN 0.85 AND 1), 'keys find most matches') FROM omni.match_run;

-- Without the number that decides nearly all.
DELETE FROM result;
SELECT pg_temp.run('febrl3', roles - 'soc_sec_id') FROM febrl;
SELECT cmp_ok(pg_temp.f1('febrl3'), '>=', 0.995, 'febrl3 without national id');
SELECT pg_temp.run('febrl_us_households', roles - 'soc_sec_id' - 'date_of_birth'
    || '{"sex": "sex", "phone_number": "phone"}') FROM febrl;
SELECT cmp_ok(pg_temp.f1('febrl_us_households'), '>=', 0.98,
    'febrl_us_households without national id and date of birth');

-- What is up for review is unsure, on the average as much as it says.
SELECT ok(count(*) BETWEEN 1 AND 1000, 'review: historical') FROM omni.match_review
    WHERE source = 'public.historical';
SELECT ok(abs(avg(v.probability) - avg((a.truth = b.truth)::int)) < 0.2,
    'review: half of it is right, as its probabilities say')
FROM omni.match_review v JOIN historical_truth a ON a.record = v.record_a
    JOIN historical_truth b ON b.record = v.record_b
WHERE v.source = 'public.historical';
SELECT * FROM finish();
