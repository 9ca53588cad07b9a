-- Plans against the solver: instances of the cost model are loaded into the
-- tables of the network and the stock, an order is planned there, and it costs
-- what omni.solve_sourcing says of the instance.  Own instances, and, with the
-- data folder, some of each class of the open set.
SET client_min_messages = warning;
\getenv data OMNI_DATA
\if :{?data}
\else
    \set data /nonexistent
\endif
SET TimeZone = 'UTC';
CREATE TEMP TABLE instance (name text PRIMARY KEY, doc jsonb);

-- Own ones: made of a seed, with everything that the tables can express.
CREATE FUNCTION pg_temp.make(seed int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    nnodes int := 4 + seed % 9;
    nlines int := 1 + seed % 4;
BEGIN
    PERFORM setseed(seed / 1000.0);
    RETURN jsonb_build_object(
        'params', jsonb_build_object('bracket_g', 500, 'parcel_max_g', 3000, 'split_penalty', 20 * (seed % 8), 'late_fixed', 100, 'late_per_day', 30,
            'services', (SELECT jsonb_agg(jsonb_build_object('code', 'S' || s, 'types', CASE s WHEN 1 THEN '["dc", "store", "vendor"]'::jsonb ELSE '["dc", "store"]'::jsonb END,
                'transit', jsonb_build_array(4 - 2 * s, 5 - 2 * s), 'rate', (SELECT jsonb_agg((SELECT jsonb_agg(CASE b WHEN 0 THEN 0 ELSE s * 150 + z * 100 + b * (20 + 40 * s) END)
                    FROM generate_series(0, 6) b)) FROM generate_series(0, 1) z))) FROM generate_series(1, 2) s)),
        'order', jsonb_build_object('promise_day', 2, 'max_nodes', CASE seed % 5 WHEN 0 THEN 2 ELSE 0 END, 'ship_complete', seed % 7 = 3, 'lines',
            (SELECT jsonb_agg(jsonb_build_object('qty', 1 + floor(random() * 4)::int, 'weight_g', 200 + floor(random() * 1500)::int,
                'unfilled_cost', 300 + floor(random() * 3000)::int, 'splittable', random() < 0.7)) FROM generate_series(1, nlines))),
        'nodes', (SELECT jsonb_build_object('type', jsonb_agg((ARRAY['dc', 'store', 'store', 'vendor'])[1 + floor(random() * 4)::int]), 'zone', jsonb_agg(floor(random() * 2)::int),
            'ship_day', jsonb_agg(floor(random() * 3)::int), 'shipment_cost', jsonb_agg(floor(random() * 300)::int), 'unit_cost', jsonb_agg(floor(random() * 60)::int),
            'unit_cap', jsonb_agg(CASE WHEN random() < 0.3 THEN 1 + floor(random() * 4)::int ELSE -1 END), 'soft_cap', jsonb_agg(CASE WHEN random() < 0.3 THEN 1 ELSE -1 END),
            'over_cost', jsonb_agg(floor(random() * 90)::int)) FROM generate_series(1, nnodes)),
        'stock', (SELECT COALESCE(jsonb_agg(jsonb_build_array(n, l, 1 + floor(random() * 4)::int, floor(random() * 100)::int, floor(random() * 50)::int)), '[]')
            FROM generate_series(0, nnodes - 1) n, generate_series(0, nlines - 1) l WHERE random() < 0.6));
END $$;
INSERT INTO instance SELECT 'own-' || lpad(s::text, 2, '0'), pg_temp.make(s) FROM generate_series(1, 40) s;
INSERT INTO instance SELECT n, pg_read_file(:'data' || '/sourcing/orders/open-' || n || '.json')::jsonb
FROM unnest('{A-003,A-031,B-001,B-020,C-001,C-017,D-001,D-022,E-002,E-013,F-004,G-001,G-005,G-011,G-016}'::text[]) n
WHERE (pg_stat_file(:'data' || '/sourcing/orders/open-' || n || '.json', true)).size IS NOT NULL;
SELECT count(*) AS instances FROM instance \gset
SELECT plan(:instances * 2 + 2);
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');

CREATE FUNCTION pg_temp.kind(k text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE k WHEN 'dc' THEN 'warehouse' WHEN 'vendor' THEN 'dropship' WHEN 'future' THEN 'virtual' ELSE 'store' END $$;
CREATE FUNCTION pg_temp.nodes(doc jsonb) RETURNS TABLE(n int, kind text, zone int, ship_day int, shipment_cost bigint, unit_cost bigint,
    unit_cap int, soft_cap int, over_cost bigint) LANGUAGE sql AS $$
    SELECT (o - 1)::int, pg_temp.kind(k),
        (doc #>> ARRAY['nodes', 'zone', (o - 1)::text])::int, (doc #>> ARRAY['nodes', 'ship_day', (o - 1)::text])::int,
        (doc #>> ARRAY['nodes', 'shipment_cost', (o - 1)::text])::bigint, (doc #>> ARRAY['nodes', 'unit_cost', (o - 1)::text])::bigint,
        NULLIF((doc #>> ARRAY['nodes', 'unit_cap', (o - 1)::text])::int, -1), NULLIF((doc #>> ARRAY['nodes', 'soft_cap', (o - 1)::text])::int, -1),
        (doc #>> ARRAY['nodes', 'over_cost', (o - 1)::text])::bigint
    FROM jsonb_array_elements_text(doc #> '{nodes,type}') WITH ORDINALITY t(k, o) $$;

-- An instance into the tables: nodes and items of its own, carriers instead of
-- those of the one before.
CREATE FUNCTION pg_temp.load(prefix text, doc jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM omni.carrier;
    DELETE FROM omni.zone_chart;
    DELETE FROM omni.sourcing_policy;
    INSERT INTO omni.sourcing_policy(split_penalty, late_fixed, late_per_day)
    SELECT (p ->> 'split_penalty')::bigint, (p ->> 'late_fixed')::bigint, (p ->> 'late_per_day')::bigint FROM (SELECT doc -> 'params') x(p);
    INSERT INTO omni.node(code, kind, postal_code) SELECT prefix || '/' || n, kind, 'N' || n FROM pg_temp.nodes(doc) ORDER BY n;
    INSERT INTO omni.node_policy(node, shipment_cost, unit_cost, lead_days, daily_units, soft_daily_units, over_cost)
    SELECT prefix || '/' || n, shipment_cost, unit_cost, ship_day, unit_cap, soft_cap, over_cost FROM pg_temp.nodes(doc);
    INSERT INTO omni.zone_chart(code, origin_length, destination_length) VALUES ('zones', 16, 16);
    INSERT INTO omni.postal_zone(chart, origin, destination, zone) SELECT 'zones', 'N' || n, 'D', zone FROM pg_temp.nodes(doc);
    INSERT INTO omni.carrier(code, zone_chart) VALUES ('C', 'zones');
    INSERT INTO omni.service(code, carrier, node_kinds, parcel_max_g, bracket_g, pickup_days, delivery_days)
    SELECT s ->> 'code', 'C', ARRAY(SELECT pg_temp.kind(k) FROM jsonb_array_elements_text(s -> 'types') k), (doc #>> '{params,parcel_max_g}')::int,
        (doc #>> '{params,bracket_g}')::int, '{1,2,3,4,5,6,7}', '{1,2,3,4,5,6,7}' FROM jsonb_array_elements(doc #> '{params,services}') s;
    INSERT INTO omni.service_zone SELECT s ->> 'code', z - 1, d::int
    FROM jsonb_array_elements(doc #> '{params,services}') s, jsonb_array_elements_text(s -> 'transit') WITH ORDINALITY t(d, z);
    INSERT INTO omni.service_rate SELECT s ->> 'code', z - 1, (b - 1) * (doc #>> '{params,bracket_g}')::int, r::bigint
    FROM jsonb_array_elements(doc #> '{params,services}') s, jsonb_array_elements(s -> 'rate') WITH ORDINALITY t(rates, z),
        jsonb_array_elements_text(rates) WITH ORDINALITY u(r, b) WHERE b > 1;
    INSERT INTO omni.item(sku, weight_g, splittable, unfilled_cost)
    SELECT prefix || '/' || l - 1, (line ->> 'weight_g')::int, (line ->> 'splittable')::bool, (line ->> 'unfilled_cost')::bigint
    FROM jsonb_array_elements(doc #> '{order,lines}') WITH ORDINALITY t(line, l);
    INSERT INTO omni.shadow_price(item, node, shadow, markdown)
    SELECT i.id, n.id, (r ->> 3)::bigint, (r ->> 4)::bigint FROM jsonb_array_elements(doc -> 'stock') r
    JOIN omni.item i ON i.sku = prefix || '/' || (r ->> 1) JOIN omni.node n ON n.code = prefix || '/' || (r ->> 0);
    PERFORM omni.receive_stock(prefix || '/' || (r ->> 0), prefix || '/' || (r ->> 1), (r ->> 2)::int) FROM jsonb_array_elements(doc -> 'stock') r WHERE (r ->> 2)::int > 0;
END $$;

-- An order as the instance's: it may not be refused, so that what is not
-- served costs what the instance says.
CREATE FUNCTION pg_temp.plan(name text, doc jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT omni.plan_order(jsonb_build_object('channel', 'web', 'external_id', name, 'currency', 'USD',
        'fulfilment', jsonb_build_object('kind', 'ship', 'address', '{"country": "US", "postal_code": "D"}'::jsonb,
            'promise_by', (current_date + (doc #>> '{order,promise_day}')::int)::text || 'T00:00:00Z'),
        'options', jsonb_build_object('park', true, 'ship_complete', doc #> '{order,ship_complete}')
            || CASE WHEN (doc #>> '{order,max_nodes}')::int > 0 THEN jsonb_build_object('max_splits', (doc #>> '{order,max_nodes}')::int - 1) ELSE '{}' END,
        'lines', (SELECT jsonb_agg(jsonb_build_object('sku', name || '/' || l - 1, 'quantity', (line ->> 'qty')::int, 'unit_price', '1.00') ORDER BY l)
            FROM jsonb_array_elements(doc #> '{order,lines}') WITH ORDINALITY t(line, l)))) -> 'plan' -> 'requests' -> 0 $$;

CREATE TEMP TABLE outcome (name text, planned jsonb, solved jsonb);
CREATE FUNCTION pg_temp.compare(name text, doc jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    planned jsonb;
    solved jsonb := omni.solve_sourcing(doc);
BEGIN
    PERFORM pg_temp.load(name, doc);
    planned := pg_temp.plan(name, doc);
    INSERT INTO outcome VALUES (name, planned, solved);
    RETURN NEXT is(format('%s, at least %s', planned ->> 'cost', planned ->> 'bound'), format('%s, at least %s', solved ->> 'cost', solved ->> 'lower_bound'),
        name || ': an order in the tables costs what the instance does');
    RETURN NEXT is((planned ->> 'cost')::bigint, (SELECT COALESCE(sum((n ->> 'cost')::bigint), 0)::bigint FROM jsonb_array_elements(planned -> 'nodes') n)
        + COALESCE((planned ->> 'split_cost')::bigint, 0) + COALESCE((planned ->> 'unfilled_cost')::bigint, 0), name || ': and its terms add up');
END $$;
SELECT pg_temp.compare(name, doc) FROM instance ORDER BY name;
SELECT cmp_ok((SELECT count(*) FROM outcome WHERE jsonb_array_length(planned -> 'nodes') > 1), '>', 5::bigint, 'several were split');
SELECT cmp_ok((SELECT count(*) FROM outcome WHERE planned -> 'unfilled_cost' IS NOT NULL), '>', 3::bigint, 'and some were not served in full');
SELECT * FROM finish();
