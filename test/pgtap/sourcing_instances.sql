-- The cost model against the open instances: each is loaded into the tables of
-- the network, and every term that an order then meets is the one that the
-- instance's own numbers give.  Needs the data folder.
SET client_min_messages = warning;
\getenv data OMNI_DATA
\if :{?data}
\else
    SELECT plan(1);
    SELECT skip('the data folder is not given (make test DATA=folder)');
    SELECT * FROM finish();
    \q
\endif
SELECT (pg_stat_file(:'data' || '/sourcing/orders/open-A-000.json', true)).size IS NULL AS is_missing \gset
\if :is_missing
    SELECT plan(1);
    SELECT skip('the data folder lacks sourcing/orders');
    SELECT * FROM finish();
    \q
\endif
SET TimeZone = 'UTC';
SELECT plan(21);

CREATE TEMP TABLE instance (name text, doc jsonb);
INSERT INTO instance SELECT n, pg_read_file(:'data' || '/sourcing/orders/open-' || n || '.json')::jsonb
FROM unnest('{A-003,C-001,D-001,E-002,G-001}'::text[]) n;
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');

-- Nodes and lines of an instance, by index.
CREATE FUNCTION pg_temp.nodes(doc jsonb) RETURNS TABLE(n int, kind text, zone int, ship_day int, shipment_cost bigint, unit_cost bigint,
    unit_cap int, soft_cap int, over_cost bigint) LANGUAGE sql AS $$
    SELECT (o - 1)::int, CASE k WHEN 'dc' THEN 'warehouse' WHEN 'vendor' THEN 'dropship' WHEN 'future' THEN 'virtual' ELSE 'store' END,
        (doc #>> ARRAY['nodes', 'zone', (o - 1)::text])::int, (doc #>> ARRAY['nodes', 'ship_day', (o - 1)::text])::int,
        (doc #>> ARRAY['nodes', 'shipment_cost', (o - 1)::text])::bigint, (doc #>> ARRAY['nodes', 'unit_cost', (o - 1)::text])::bigint,
        NULLIF((doc #>> ARRAY['nodes', 'unit_cap', (o - 1)::text])::int, -1), NULLIF((doc #>> ARRAY['nodes', 'soft_cap', (o - 1)::text])::int, -1),
        (doc #>> ARRAY['nodes', 'over_cost', (o - 1)::text])::bigint
    FROM jsonb_array_elements_text(doc #> '{nodes,type}') WITH ORDINALITY t(k, o) $$;
CREATE FUNCTION pg_temp.services(doc jsonb) RETURNS TABLE(s int, code text, types jsonb, transit jsonb, rate jsonb) LANGUAGE sql AS $$
    SELECT o::int, s ->> 'code', s -> 'types', s -> 'transit', s -> 'rate' FROM jsonb_array_elements(doc #> '{params,services}') WITH ORDINALITY t(s, o) $$;

-- Everything of an instance into the tables.
CREATE FUNCTION pg_temp.load(doc jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM omni.carrier;
    DELETE FROM omni.zone_chart;
    DELETE FROM omni.sourcing_policy;
    DELETE FROM omni.node;
    DELETE FROM omni.item;
    INSERT INTO omni.sourcing_policy(split_penalty, late_fixed, late_per_day)
    SELECT (p ->> 'split_penalty')::bigint, (p ->> 'late_fixed')::bigint, (p ->> 'late_per_day')::bigint FROM (SELECT doc -> 'params') x(p);
    INSERT INTO omni.node(id, code, kind, postal_code) SELECT n + 1, 'N' || n, kind, 'N' || n FROM pg_temp.nodes(doc);
    INSERT INTO omni.node_policy(node, shipment_cost, unit_cost, lead_days, daily_units, soft_daily_units, over_cost)
    SELECT 'N' || n, shipment_cost, unit_cost, ship_day, unit_cap, soft_cap, over_cost FROM pg_temp.nodes(doc);
    INSERT INTO omni.zone_chart(code, origin_length, destination_length) VALUES ('zones', 16, 16);
    INSERT INTO omni.postal_zone(chart, origin, destination, zone) SELECT 'zones', 'N' || n, 'D', zone FROM pg_temp.nodes(doc);
    INSERT INTO omni.carrier(code, zone_chart) VALUES ('C', 'zones');
    INSERT INTO omni.service(code, carrier, node_kinds, parcel_max_g, bracket_g, pickup_days, delivery_days)
    SELECT code, 'C', ARRAY(SELECT CASE k WHEN 'dc' THEN 'warehouse' WHEN 'vendor' THEN 'dropship' WHEN 'future' THEN 'virtual' ELSE 'store' END
            FROM jsonb_array_elements_text(types) k), (doc #>> '{params,parcel_max_g}')::int, (doc #>> '{params,bracket_g}')::int,
        '{1,2,3,4,5,6,7}', '{1,2,3,4,5,6,7}' FROM pg_temp.services(doc);
    INSERT INTO omni.service_zone SELECT code, z - 1, d::int FROM pg_temp.services(doc), jsonb_array_elements_text(transit) WITH ORDINALITY t(d, z);
    INSERT INTO omni.service_rate SELECT code, z - 1, (b - 1) * (doc #>> '{params,bracket_g}')::int, r::bigint
    FROM pg_temp.services(doc), jsonb_array_elements(rate) WITH ORDINALITY t(rates, z), jsonb_array_elements_text(rates) WITH ORDINALITY u(r, b) WHERE b > 1;
    INSERT INTO omni.item(id, sku, weight_g, splittable, unfilled_cost)
    SELECT l, 'L' || l, (line ->> 'weight_g')::int, (line ->> 'splittable')::bool, (line ->> 'unfilled_cost')::bigint
    FROM jsonb_array_elements(doc #> '{order,lines}') WITH ORDINALITY t(line, l);
    INSERT INTO omni.shadow_price(item, node, shadow, markdown)
    SELECT (r ->> 1)::int + 1, (r ->> 0)::int + 1, (r ->> 3)::bigint, (r ->> 4)::bigint FROM jsonb_array_elements(doc -> 'stock') r;
END $$;

-- The network's word on the instance's order, with so many lines of it.
CREATE FUNCTION pg_temp.explain(doc jsonb, nlines int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT omni.explain_routing(jsonb_build_object('channel', 'web', 'placed_at', '2026-11-02T00:00:00Z',
        'promise_by', (date '2026-11-02' + (doc #>> '{order,promise_day}')::int)::text || 'T00:00:00Z', 'destination', '{"postal_code": "D"}'::jsonb,
        'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'L' || l, 'quantity', (line ->> 'qty')::int))
            FROM jsonb_array_elements(doc #> '{order,lines}') WITH ORDINALITY t(line, l) WHERE l <= nlines))) $$;

-- G of a node for these lines, by the definition: the cheapest of freight and lateness.
CREATE FUNCTION pg_temp.expected(doc jsonb, nlines int) RETURNS TABLE(n int, cost bigint) LANGUAGE sql AS $$
    WITH p AS (SELECT (doc #>> '{params,bracket_g}')::bigint AS bracket, (doc #>> '{params,parcel_max_g}')::bigint / (doc #>> '{params,bracket_g}')::bigint AS full,
            (doc #>> '{params,late_fixed}')::bigint AS fixed, (doc #>> '{params,late_per_day}')::bigint AS per_day, (doc #>> '{order,promise_day}')::int AS promise,
            (SELECT sum((line ->> 'qty')::bigint * (line ->> 'weight_g')::bigint) FROM jsonb_array_elements(doc #> '{order,lines}') WITH ORDINALITY t(line, l) WHERE l <= nlines)::bigint AS grams),
        b AS (SELECT *, GREATEST(1, (grams + bracket - 1) / bracket) AS brackets FROM p)
    SELECT x.n, min(brackets / b.full * (s.rate -> x.zone ->> b.full::int)::bigint
        + CASE WHEN brackets % b.full > 0 THEN (s.rate -> x.zone ->> (brackets % b.full)::int)::bigint ELSE 0 END
        + CASE WHEN x.ship_day + (s.transit ->> x.zone)::int > promise THEN fixed + per_day * (x.ship_day + (s.transit ->> x.zone)::int - promise) ELSE 0 END)
    FROM b, pg_temp.nodes(doc) x JOIN pg_temp.services(doc) s
        ON s.types ? CASE x.kind WHEN 'warehouse' THEN 'dc' WHEN 'dropship' THEN 'vendor' WHEN 'virtual' THEN 'future' ELSE 'store' END
    GROUP BY x.n $$;
CREATE FUNCTION pg_temp.said(explained jsonb) RETURNS TABLE(n int, cost bigint) LANGUAGE sql AS $$
    SELECT substr(x ->> 'node', 2)::int, (SELECT min((s ->> 'freight')::bigint + (s ->> 'lateness_cost')::bigint) FROM jsonb_array_elements(x -> 'services') s)
    FROM jsonb_array_elements(explained -> 'nodes') x WHERE x -> 'services' <> '[]' $$;

-- What it says of each node, and of each unit, and what the instance says.
CREATE FUNCTION pg_temp.said_nodes(explained jsonb) RETURNS TABLE(n int, zone int, ship_day int, shipment_cost bigint, unit_cap int, soft_cap int, over_cost bigint)
LANGUAGE sql AS $$
    SELECT substr(x ->> 'node', 2)::int, (x ->> 'zone')::int, (x ->> 'ship_day')::date - date '2026-11-02', (x ->> 'shipment_cost')::bigint,
        (x ->> 'unit_cap')::int, (x ->> 'soft_cap')::int, (x ->> 'over_cost')::bigint
    FROM jsonb_array_elements(explained -> 'nodes') x WHERE x ->> 'excluded' IS NULL $$;
CREATE FUNCTION pg_temp.expected_nodes(doc jsonb) RETURNS TABLE(n int, zone int, ship_day int, shipment_cost bigint, unit_cap int, soft_cap int, over_cost bigint)
LANGUAGE sql AS $$ SELECT n, zone, ship_day, shipment_cost, unit_cap, soft_cap, over_cost FROM pg_temp.nodes(doc) WHERE unit_cap IS DISTINCT FROM 0 $$;
CREATE FUNCTION pg_temp.said_units(explained jsonb) RETURNS TABLE(n int, line int, cost bigint) LANGUAGE sql AS $$
    SELECT substr(x ->> 'node', 2)::int, (l - 1)::int, c::bigint
    FROM jsonb_array_elements(explained -> 'nodes') x, jsonb_array_elements_text(x -> 'unit_costs') WITH ORDINALITY t(c, l) WHERE x ->> 'excluded' IS NULL $$;
CREATE FUNCTION pg_temp.expected_units(doc jsonb) RETURNS TABLE(n int, line int, cost bigint) LANGUAGE sql AS $$
    SELECT n, l, unit_cost + COALESCE(v, 0) FROM pg_temp.nodes(doc)
    CROSS JOIN generate_series(0, jsonb_array_length(doc #> '{order,lines}') - 1) l
    LEFT JOIN (SELECT (r ->> 0)::int AS vn, (r ->> 1)::int AS vl, (r ->> 3)::bigint - (r ->> 4)::bigint AS v FROM jsonb_array_elements(doc -> 'stock') r) w
        ON vn = n AND vl = l WHERE unit_cap IS DISTINCT FROM 0 $$;

-- Four tests of an instance: rows of both sides, and how many differ.
CREATE FUNCTION pg_temp.compare(name text, doc jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    all_lines int := jsonb_array_length(doc #> '{order,lines}');
    explained jsonb;
BEGIN
    PERFORM pg_temp.load(doc);
    explained := pg_temp.explain(doc, all_lines);
    RETURN NEXT is((SELECT count(*) FROM (SELECT * FROM pg_temp.said(explained) FULL JOIN pg_temp.expected(doc, all_lines) e(n, expected) USING (n)) x
        WHERE cost IS DISTINCT FROM expected), 0::bigint, name || ': freight and lateness of the whole order, node by node');
    RETURN NEXT is((SELECT count(*) FROM (SELECT * FROM pg_temp.said(pg_temp.explain(doc, 1)) FULL JOIN pg_temp.expected(doc, 1) e(n, expected) USING (n)) x
        WHERE cost IS DISTINCT FROM expected), 0::bigint, name || ': and of its first line alone');
    RETURN NEXT is((SELECT count(*) FROM (
        (SELECT * FROM pg_temp.said_nodes(explained) EXCEPT SELECT * FROM pg_temp.expected_nodes(doc)) UNION ALL
        (SELECT * FROM pg_temp.expected_nodes(doc) EXCEPT SELECT * FROM pg_temp.said_nodes(explained))) x), 0::bigint,
        name || ': handling, zones, ship days and capacities');
    RETURN NEXT is((SELECT count(*) FROM (
        (SELECT * FROM pg_temp.said_units(explained) EXCEPT SELECT * FROM pg_temp.expected_units(doc)) UNION ALL
        (SELECT * FROM pg_temp.expected_units(doc) EXCEPT SELECT * FROM pg_temp.said_units(explained))) x), 0::bigint,
        name || ': what each unit costs where it lies');
END $$;

SELECT pg_temp.compare(name, doc) FROM instance ORDER BY name;
SELECT cmp_ok((SELECT count(*) FROM omni.node), '>', 10::bigint, 'there was something to compare');

SELECT * FROM finish();
