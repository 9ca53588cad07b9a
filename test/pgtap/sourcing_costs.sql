-- What a shipment costs: rates by zone and weight, postal zones and distance
-- bands, handling, capacity, shadow prices, policies; and one currency for all.
SELECT plan(61);
SET TimeZone = 'UTC';

INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('market', 'marketplace');
INSERT INTO omni.node(code, kind, latitude, longitude, country, region, postal_code) VALUES
    ('MSP', 'store', 44.97, -93.27, 'US', 'MN', '55425'),
    ('CHI', 'warehouse', 41.88, -87.63, 'US', 'IL', '60601-1234'),
    ('DEN', 'dropship', 39.74, -104.98, 'US', 'CO', '80202');
INSERT INTO omni.item(sku, weight_g, category) VALUES ('MUG', 450, 'kitchen'), ('TENT', 9000, 'toys/outdoor'), ('PLAIN', NULL, NULL);

-- What explain_routing says of a node, or of the first line.
CREATE FUNCTION pg_temp.explain(request jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT omni.explain_routing('{"placed_at": "2026-11-02T12:00:00Z", "lines": [{"sku": "MUG", "quantity": 2}],
        "destination": {"postal_code": "55401", "country": "US", "latitude": 44.98, "longitude": -93.26}}'::jsonb || request) $$;
CREATE FUNCTION pg_temp.node(code text, key text, request jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT n -> key FROM jsonb_array_elements(pg_temp.explain(request) -> 'nodes') n WHERE n ->> 'node' = code $$;
CREATE FUNCTION pg_temp.freight(code text, request jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg((s ->> 'service') || ' ' || (s ->> 'zone') || ' ' || (s ->> 'freight'), ', ' ORDER BY s ->> 'service')
    FROM jsonb_array_elements(pg_temp.node(code, 'services', request)) s $$;

-- ---- nothing configured ----

SELECT is(pg_temp.explain() -> 'built_in', 'true', 'the built-in tariff');
SELECT ok((pg_temp.node('MSP', 'distance_cost'))::int < (pg_temp.node('CHI', 'distance_cost'))::int
    AND (pg_temp.node('CHI', 'distance_cost'))::int < (pg_temp.node('DEN', 'distance_cost'))::int, 'the nearer the cheaper');
SELECT is((pg_temp.node('CHI', 'distance_cost'))::int, ceil((pg_temp.node('CHI', 'distance_km'))::numeric)::int, 'a minor unit for each kilometre');
SELECT is(pg_temp.freight('DEN'), 'standard 5 500', 'and 500 for the parcel');
SELECT is(pg_temp.freight('DEN', '{"lines": [{"sku": "TENT", "quantity": 3}]}'), 'standard 5 1000', '27 kg are two of them');
SELECT ok((pg_temp.node('DEN', 'distance_cost', '{"destination": {"country": "US"}}'))::int >
    (pg_temp.node('MSP', 'distance_cost', '{"destination": {"country": "US"}}'))::int
    AND (pg_temp.node('MSP', 'distance_cost', '{"destination": {"country": "US"}}'))::int >
    (pg_temp.node('CHI', 'distance_cost', '{"destination": {"country": "US"}}'))::int,
    'where only the country is known: warehouse, store, dropship');
SELECT is(pg_temp.explain('{"lines": [{"sku": "PLAIN", "quantity": 1}]}') #> '{lines,0}',
    '{"weight_g": 500, "splittable": true, "unfilled_cost": 1000000}', 'defaults of a line');

-- ---- zones by postal codes ----

INSERT INTO omni.zone_chart(code, country) VALUES ('usps', 'US');
INSERT INTO omni.postal_zone(chart, destination, origin, zone) VALUES
    ('usps', '554', '554', 1), ('usps', '554', '606', 4), ('usps', '902', '606', 8);
INSERT INTO omni.carrier(code, zone_chart) VALUES ('USPS', 'usps');
INSERT INTO omni.service(code, carrier) VALUES ('parcel', 'USPS');
-- up to 1 kg, 5 kg, 20 kg
INSERT INTO omni.service_rate SELECT 'parcel', z, w, z * 100 + w / 100
    FROM generate_series(1, 9) z, unnest('{1000,5000,20000}'::int[]) w;
SELECT is(pg_temp.freight('MSP'), 'parcel 1 110', 'zone 1, 900 g');
SELECT is(pg_temp.freight('CHI'), 'parcel 4 410', 'zone 4');
SELECT is(pg_temp.node('DEN', 'excluded'), '"no_service"', 'a pair that the chart lacks is not served');
SELECT is(pg_temp.explain() -> 'no_service', '1', 'and counted');
SELECT is(pg_temp.freight('CHI', '{"lines": [{"sku": "MUG", "quantity": 3}]}'), 'parcel 4 450', 'the next bracket is dearer');
SELECT is(pg_temp.freight('CHI', '{"lines": [{"sku": "TENT", "quantity": 5}]}'), 'parcel 4 1650', '45 kg: two full parcels and five kilos');
SELECT is(pg_temp.freight('CHI', '{"destination": {"postal_code": "90210", "country": "US"}}'), 'parcel 8 810', 'another destination');
SELECT is(pg_temp.freight('CHI', '{"destination": {"postal_code": "90210"}}'), 'parcel 8 810', 'the country may be left out');
SELECT is(pg_temp.freight('CHI', '{"destination": {"postal_code": "90210", "country": "CA"}}'), NULL, 'the chart is for one country');
INSERT INTO omni.postal_zone VALUES ('usps', '9', '8', 5), ('usps', '902', '802', 6);
SELECT is(pg_temp.freight('DEN', '{"destination": {"postal_code": "90210", "country": "US"}}'), 'parcel 6 610', 'the longest destination counts');
SELECT is(pg_temp.freight('DEN', '{"destination": {"postal_code": "91000", "country": "US"}}'), 'parcel 5 510', 'shorter ones serve the rest');
SELECT is(pg_temp.freight('CHI', '{"destination": {"postal_code": "90210", "country": "US"}}'), 'parcel 8 810',
    'each node by its own origin');

-- ---- zones by distance, where there is no pair ----

INSERT INTO omni.distance_band VALUES ('usps', 500, 2), ('usps', 1500, 5);
SELECT is(pg_temp.freight('DEN'), 'parcel 5 510', 'within 1,500 km');
SELECT is(pg_temp.freight('CHI'), 'parcel 4 410', 'a pair goes before a band');
SELECT is(pg_temp.freight('DEN', '{"destination": {"latitude": 25.7, "longitude": -80.2}}'), NULL, 'beyond the last band: not served');
UPDATE omni.zone_chart SET default_zone = 9, abroad_zone = 7, country = NULL;
SELECT is(pg_temp.freight('DEN', '{"destination": {"latitude": 25.7, "longitude": -80.2}}'), 'parcel 9 910', 'unless the chart has a default');
SELECT is(pg_temp.freight('DEN', '{"destination": {"country": "CA"}}'), 'parcel 7 710', 'and a zone for abroad');

-- ---- two services: each says its own, on one scale ----

INSERT INTO omni.service(code, carrier, bracket_g, parcel_max_g, node_kinds) VALUES ('bulk', 'USPS', 2000, 40000, '{warehouse}');
INSERT INTO omni.service_rate VALUES ('bulk', 4, 40000, 300);
SELECT is(pg_temp.freight('CHI'), 'bulk 4 300, parcel 4 410', 'two ways to send it');
SELECT is(pg_temp.freight('CHI', '{"lines": [{"sku": "TENT", "quantity": 5}]}'), 'bulk 4 600, parcel 4 1650', 'exactly, though brackets and parcels differ');
SELECT is(pg_temp.explain() -> 'bracket_g', '500', 'the common bracket');
SELECT results_eq($$ SELECT service_code, zone, rate FROM omni.shipping_rates('CHI', '{"postal_code": "55401"}', 45000) $$,
    $$ VALUES ('bulk', 4, 600::bigint), ('parcel', 4, 1650) $$, 'the rate cards can be asked');
SELECT throws_ok($$ SELECT * FROM omni.shipping_rates('CHI', '{}', -1) $$, 'OM007', NULL, 'weights are not negative');

-- ---- handling and labour ----

INSERT INTO omni.node_policy(node_kind, shipment_cost, unit_cost) VALUES ('store', 250, 40);
INSERT INTO omni.node_policy(node, unit_cost) VALUES ('MSP', 55);
SELECT is(pg_temp.node('MSP', 'shipment_cost'), '250', 'handling by kind');
SELECT is(pg_temp.node('MSP', 'unit_costs'), '[55]', 'labour of the node itself');
SELECT is(pg_temp.node('CHI', 'unit_costs'), '[0]', 'nothing said: nothing');

-- ---- shadow prices ----

INSERT INTO omni.shadow_price(item, node, shadow, markdown)
SELECT i.id, n.id, 300, 0 FROM omni.item i, omni.node n WHERE sku = 'MUG' AND code = 'MSP'
UNION ALL SELECT i.id, n.id, 0, 80 FROM omni.item i, omni.node n WHERE sku = 'MUG' AND code = 'CHI';
SELECT is(pg_temp.node('MSP', 'unit_costs'), '[355]', 'taking the unit that would have been sold here');
SELECT is(pg_temp.node('CHI', 'unit_costs'), '[-80]', 'clearing what would be marked down');
DELETE FROM omni.shadow_price;
SELECT is(pg_temp.node('MSP', 'unit_costs'), '[55]', 'at once');

-- ---- capacity ----

SELECT is(pg_temp.node('CHI', 'unit_cap'), 'null', 'no limit');
INSERT INTO omni.node_policy(node, daily_units, soft_daily_units, over_cost) VALUES ('CHI', 100, 60, 25);
INSERT INTO omni.node_capacity(node, day, units) VALUES ('CHI', '2026-11-03', 0), ('CHI', '2026-11-02', 80);
SELECT is(pg_temp.node('CHI', 'unit_cap'), '80', 'the day''s own');
SELECT is(pg_temp.node('CHI', 'soft_cap'), '60', 'what it does not say is as on other days');
SELECT is(pg_temp.node('CHI', 'unit_cap', '{"placed_at": "2026-11-05T12:00:00Z"}'), '100', 'another day: the usual');
SELECT is(pg_temp.node('CHI', 'excluded', '{"placed_at": "2026-11-03T12:00:00Z"}'), '"no_capacity"', 'a day without capacity');
SELECT row_eq($$ SELECT * FROM omni.read_capacity('CHI', '2026-11-02') $$, ROW(80, 60, 25::bigint), 'the same, asked');
SELECT row_eq($$ SELECT * FROM omni.read_capacity('MSP', '2026-11-02') $$, ROW(NULL::int, NULL::int, NULL::bigint), 'and no limit');

-- ---- lateness ----

SELECT is(pg_temp.node('MSP', 'services', '{"promise_by": "2026-11-04T20:00:00Z"}') #> '{0,late_days}', '1', 'three days from Monday is Thursday: one late');
SELECT is(pg_temp.node('MSP', 'services', '{"promise_by": "2026-11-04T20:00:00Z"}') #> '{0,lateness_cost}', '1500', 'by default it costs');
INSERT INTO omni.sourcing_policy(late_fixed, late_per_day) VALUES (10, 3);
SELECT is(pg_temp.node('MSP', 'services', '{"promise_by": "2026-11-03T20:00:00Z"}') #> '{0,lateness_cost}', '16', 'what the retailer says');
SELECT is(pg_temp.node('MSP', 'services', '{"promise_by": "2026-11-05T01:00:00Z"}') #> '{0,late_days}', '0', 'the day itself is in time');

-- ---- collected at a store ----

SELECT is(pg_temp.freight('MSP', '{"pickup_node": "MSP", "destination": {"country": "CA"}}'), ' 0 0', 'the store itself sends no parcel');
SELECT is(pg_temp.node('MSP', 'services', '{"pickup_node": "MSP"}') #> '{0,ship_day}', '"2026-11-02"', 'and is ready the same day');
SELECT is(pg_temp.freight('CHI', '{"pickup_node": "MSP", "destination": {"country": "CA"}}'), 'bulk 4 300, parcel 4 410',
    'another node sends its units there, wherever the customer lives');
SELECT is(pg_temp.node('MSP', 'shipment_cost', '{"pickup_node": "MSP"}'), '250', 'handling is to be paid all the same');
UPDATE omni.node SET status = 'paused' WHERE code = 'MSP';
SELECT throws_ok($$ SELECT pg_temp.explain('{"pickup_node": "MSP"}') $$, 'OM002', NULL, 'a paused store is no place to collect');
SELECT is(pg_temp.node('MSP', 'excluded', '{"nodes": ["MSP", "CHI"]}'), '"not_active"', 'nor does it ship');
UPDATE omni.node SET status = 'active' WHERE code = 'MSP';

-- ---- how a channel's orders may be split ----

UPDATE omni.sourcing_policy SET split_penalty = 700, unfilled_cost = 1000, unfilled_percent = 150;
INSERT INTO omni.sourcing_policy(channel, ship_complete, max_shipments, whole_lines, min_split_value) VALUES ('market', true, 2, true, 'USD 25.00');
SELECT is(pg_temp.explain('{"channel": "market"}') -> 'policy',
    '{"split_penalty": 700, "ship_complete": true, "max_shipments": 2, "min_split_value": 2500, "min_split_currency": "USD"}',
    'a channel''s own, over that of all');
SELECT is(pg_temp.explain('{"channel": "web"}') -> 'policy',
    '{"split_penalty": 700, "ship_complete": false, "max_shipments": null, "min_split_value": null}', 'another channel''s');
SELECT is(pg_temp.explain('{"channel": "market"}') #> '{lines,0,splittable}', 'false', 'lines are not split');
SELECT is(pg_temp.explain('{"currency": "USD", "lines": [{"sku": "MUG", "quantity": 1, "unit_price": "20.00"}]}') #> '{lines,0,unfilled_cost}', '4000',
    'a unit that nobody serves: 10.00 and one and a half times its price');
UPDATE omni.item SET unfilled_cost = 77 WHERE sku = 'MUG';
SELECT is(pg_temp.explain() #> '{lines,0,unfilled_cost}', '77', 'or what the item says');

-- ---- one currency ----

INSERT INTO omni.cost_currency(currency) VALUES ('USD');
SELECT throws_ok($$ INSERT INTO omni.cost_currency(currency) VALUES ('EUR') $$, '23505', NULL, 'there is one cost currency');
SELECT throws_ok($$ INSERT INTO omni.carrier(code, currency) VALUES ('DHL', 'EUR') $$, '23503', NULL, 'a carrier that charges in another is refused');
UPDATE omni.item SET unfilled_cost = NULL WHERE sku = 'MUG';
SELECT is(pg_temp.explain('{"currency": "EUR", "lines": [{"sku": "MUG", "quantity": 1, "unit_price": "20.00"}]}') #> '{lines,0,unfilled_cost}', '1000',
    'prices in another currency are not added to costs');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'none of this touched stock');

SELECT * FROM finish();
