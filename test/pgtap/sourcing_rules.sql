-- Routing rules: who is kept out, who is preferred, for which orders and lines,
-- and how it is explained.
SELECT plan(43);
SET TimeZone = 'UTC';

INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('market', 'marketplace');
INSERT INTO omni.node(code, kind, latitude, longitude, country, region) VALUES
    ('MSP', 'store', 44.97, -93.27, 'US', 'MN'), ('STP', 'store', 44.95, -93.09, 'US', 'MN'),
    ('CHI', 'warehouse', 41.88, -87.63, 'US', 'IL'), ('TOR', 'store', 43.65, -79.38, 'CA', 'ON'),
    ('VEN', 'dropship', NULL, NULL, 'US', 'MN');
INSERT INTO omni.item(sku, category) VALUES ('MUG', 'kitchen'), ('TENT', 'toys/outdoor'), ('PLAIN', NULL);

-- Who is left, and who is out by what, for an order to Minneapolis.
CREATE FUNCTION pg_temp.explain(request jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT omni.explain_routing('{"channel": "web", "lines": [{"sku": "MUG", "quantity": 1}], "currency": "USD", "value": "80.00",
        "destination": {"postal_code": "55401", "country": "US", "region": "MN", "latitude": 44.98, "longitude": -93.26}}'::jsonb || request) $$;
CREATE FUNCTION pg_temp.left(request jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(n ->> 'node', ' ' ORDER BY o) FROM jsonb_array_elements(pg_temp.explain(request) -> 'nodes') WITH ORDINALITY x(n, o)
    WHERE n ->> 'excluded' IS NULL $$;
CREATE FUNCTION pg_temp.costs(request jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg((n ->> 'node') || ' ' || (n ->> 'rule_cost'), ', ' ORDER BY o)
    FROM jsonb_array_elements(pg_temp.explain(request) -> 'nodes') WITH ORDINALITY x(n, o) WHERE n ->> 'excluded' IS NULL $$;
CREATE FUNCTION pg_temp.lines(code text, request jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT n ->> 'unit_costs' FROM jsonb_array_elements(pg_temp.explain(request) -> 'nodes') n WHERE n ->> 'node' = code $$;
CREATE FUNCTION pg_temp.rule(name text, request jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', r ->> 'applied', r ->> 'dropped', r ->> 'nodes') FROM jsonb_array_elements(pg_temp.explain(request) -> 'rules') r WHERE r ->> 'name' = name $$;

SELECT is(pg_temp.left(), 'MSP STP CHI TOR VEN', 'without rules everybody is a candidate');

-- ---- filters, each condition on whom ----

INSERT INTO omni.routing_rule(position, name, action, same_country) VALUES (10, 'stay within the market', 'only', true);
SELECT is(pg_temp.left(), 'MSP STP CHI VEN', 'nobody ships over the border');
SELECT is(pg_temp.left('{"destination": {"country": "CA"}}'), 'TOR', 'to Canada, Canada''s nodes');
SELECT is(pg_temp.rule('stay within the market'), 'true false 1', 'the rule says whom it kept out');
SELECT is(pg_temp.explain() #>> '{nodes,3,excluded}', 'rule 10', 'and the node by which rule');
INSERT INTO omni.routing_rule(position, name, action, node_kind) VALUES (20, 'no dropship', 'exclude', 'dropship');
SELECT is(pg_temp.left(), 'MSP STP CHI', 'by kind');
SELECT is(pg_temp.rule('no dropship', '{"destination": {"country": "CA"}}'), 'true false 0', 'who is out already is not counted again');
UPDATE omni.routing_rule SET node_kind = NULL, within_km = 100, action = 'only' WHERE position = 20;
SELECT is(pg_temp.left(), 'MSP STP', 'by radius; a node without coordinates is within none');
UPDATE omni.routing_rule SET within_km = NULL, same_region = true WHERE position = 20;
SELECT is(pg_temp.left(), 'MSP STP VEN', 'by the destination''s region');
UPDATE omni.routing_rule SET same_region = false, node_region = 'IL' WHERE position = 20;
SELECT is(pg_temp.left(), 'CHI', 'by a region of their own');
UPDATE omni.routing_rule SET node_region = NULL, node = 'MSP', action = 'exclude' WHERE position = 20;
SELECT is(pg_temp.left(), 'STP CHI VEN', 'by name');
INSERT INTO omni.node_group(code) VALUES ('flagship');
INSERT INTO omni.node_group_member VALUES ('flagship', 'MSP'), ('flagship', 'CHI');
UPDATE omni.routing_rule SET node = NULL, node_group = 'flagship', action = 'only' WHERE position = 20;
SELECT is(pg_temp.left(), 'MSP CHI', 'by group');
DELETE FROM omni.node_group_member WHERE node = 'CHI';
SELECT is(pg_temp.left(), 'MSP', 'of which the members of now count');
UPDATE omni.routing_rule SET active = false WHERE position = 20;
SELECT is(pg_temp.left(), 'MSP STP CHI VEN', 'an inactive rule does nothing');
DELETE FROM omni.routing_rule WHERE position = 20;

-- the service that they offer
INSERT INTO omni.carrier(code) VALUES ('VAN');
INSERT INTO omni.service(code, carrier, node_kinds) VALUES ('sameday', 'VAN', '{store}'), ('ground', 'VAN', DEFAULT);
INSERT INTO omni.service_rate SELECT s, z, 20000, 500 FROM unnest('{sameday,ground}'::text[]) s, generate_series(1, 9) z WHERE s = 'ground' OR z = 1;
INSERT INTO omni.routing_rule(position, name, action, service) VALUES (20, 'same day', 'only', 'sameday');
SELECT is(pg_temp.left(), 'MSP STP', 'stores that are near enough for it');
UPDATE omni.service SET status = 'inactive' WHERE code = 'sameday';
SELECT is(pg_temp.left(), NULL, 'strict: nobody is better than the wrong one');
UPDATE omni.routing_rule SET strict = false WHERE position = 20;
SELECT is(pg_temp.left(), 'MSP STP CHI VEN', 'not strict: the wrong one is better than nobody');
SELECT is(pg_temp.rule('same day'), 'true true 0', 'and the explanation says that the rule was dropped');
DELETE FROM omni.routing_rule WHERE position = 20;

-- ---- conditions on the order ----

INSERT INTO omni.routing_rule(position, name, action, node_kind, channel) VALUES (20, 'marketplace from stores', 'only', 'store', 'market');
SELECT is(pg_temp.left(), 'MSP STP CHI VEN', 'another channel''s rule');
SELECT is(pg_temp.left('{"channel": "market"}'), 'MSP STP', 'its own');
SELECT is(pg_temp.rule('marketplace from stores'), 'false false 0', 'a rule that was not applied says so');
UPDATE omni.routing_rule SET channel = NULL, min_value = 'USD 100.00' WHERE position = 20;
SELECT is(pg_temp.left(), 'MSP STP CHI VEN', 'an order of 80 is below 100');
SELECT is(pg_temp.left('{"value": "100.00"}'), 'MSP STP', 'one of 100 is not');
SELECT is(pg_temp.left('{"value": "100", "currency": "JPY"}'), 'MSP STP CHI VEN', 'dollars say nothing about yen');
UPDATE omni.routing_rule SET min_value = NULL, region = 'WI' WHERE position = 20;
SELECT is(pg_temp.left(), 'MSP STP CHI VEN', 'another region');
UPDATE omni.routing_rule SET region = 'MN', postal_prefix = '554' WHERE position = 20;
SELECT is(pg_temp.left(), 'MSP STP', 'its region and postal code');
DELETE FROM omni.routing_rule WHERE position = 20;

-- ---- lines of a category ----

INSERT INTO omni.routing_rule(position, name, action, node_kind, item_category) VALUES (20, 'bulky from the warehouse', 'only', 'warehouse', 'toys');
SELECT is(pg_temp.left('{"lines": [{"sku": "MUG", "quantity": 1}, {"sku": "TENT", "quantity": 1}]}'), 'MSP STP CHI VEN',
    'stores stay candidates for the other lines');
SELECT is(pg_temp.lines('MSP', '{"lines": [{"sku": "MUG", "quantity": 1}, {"sku": "TENT", "quantity": 1}, {"sku": "PLAIN", "quantity": 1}]}'),
    '[0, null, 0]', 'but not for this one');
SELECT is(pg_temp.lines('CHI', '{"lines": [{"sku": "MUG", "quantity": 1}, {"sku": "TENT", "quantity": 1}]}'), '[0, 0]', 'which is the warehouse''s');
SELECT is(pg_temp.rule('bulky from the warehouse'), 'false false 0', 'no such line, no such rule');
UPDATE omni.routing_rule SET action = 'prefer', surcharge = 300 WHERE position = 20;
SELECT is(pg_temp.lines('MSP', '{"lines": [{"sku": "MUG", "quantity": 1}, {"sku": "TENT", "quantity": 1}]}'), '[0, 300]',
    'as a preference: each unit from elsewhere costs more');
DELETE FROM omni.routing_rule WHERE position = 20;

-- ---- preferences and ranks ----

INSERT INTO omni.routing_rule(position, name, action, node_kind, surcharge) VALUES (20, 'stores first', 'prefer', 'store', 400);
SELECT is(pg_temp.costs(), 'MSP 0, STP 0, CHI 400, VEN 400', 'others cost more, and stay');
SELECT is(pg_temp.rule('stores first'), 'true false 2', 'how many it preferred');
DELETE FROM omni.node_group_member;
INSERT INTO omni.node_group_member VALUES ('flagship', 'STP', 0), ('flagship', 'CHI', 1), ('flagship', 'VEN', 2);
UPDATE omni.routing_rule SET node_kind = NULL, node_group = 'flagship', surcharge = 100 WHERE position = 20;
SELECT is(pg_temp.costs(), 'MSP 300, STP 0, CHI 100, VEN 200', 'ranked nodes: each rank one surcharge, who has none comes last');
INSERT INTO omni.routing_rule(position, name, action, node, surcharge) VALUES (30, 'and Minneapolis', 'prefer', 'MSP', 50);
SELECT is(pg_temp.costs(), 'MSP 300, STP 50, CHI 150, VEN 250', 'rules add up');

-- ---- what is refused ----

SELECT throws_ok($$ DELETE FROM omni.node_group WHERE code = 'flagship' $$, '23503', NULL, 'a group that a rule names does not go, for the rule would go with it');
SELECT throws_ok($$ DELETE FROM omni.node WHERE code = 'MSP' $$, '23503', NULL, 'nor does a node');

SELECT throws_ok($$ INSERT INTO omni.routing_rule(position, name, action) VALUES (40, 'x', 'only') $$, '23514', NULL, 'a rule about nobody');
SELECT throws_ok($$ INSERT INTO omni.routing_rule(position, name, action, node) VALUES (40, 'x', 'prefer', 'MSP') $$, '23514', NULL, 'a preference that costs nothing');
SELECT throws_ok($$ INSERT INTO omni.routing_rule(position, name, action, node, surcharge) VALUES (40, 'x', 'only', 'MSP', 1) $$, '23514', NULL, 'a filter with a price');
SELECT throws_ok($$ INSERT INTO omni.routing_rule(position, name, action, node, min_value, max_value) VALUES (40, 'x', 'only', 'MSP', 'USD 1', 'EUR 2') $$, '23514', NULL, 'bounds in two currencies');
SELECT throws_ok($$ INSERT INTO omni.routing_rule(position, name, action, node) VALUES (40, 'x', 'only', 'NOWHERE') $$, '23503', NULL, 'a node that is not there');
SELECT throws_ok($$ INSERT INTO omni.service(code, carrier) SELECT 's' || g, 'VAN' FROM generate_series(1, 64) g $$, 'OM008', NULL, 'more services than a session has bits for');

SELECT * FROM finish();
