-- Who may read and change the network, and ask it: by profile.
SET client_min_messages = warning;
BEGIN;
SELECT no_plan();
CREATE ROLE sourcing_access_reader;
CREATE ROLE sourcing_access_channel;
CREATE ROLE sourcing_access_store;
CREATE ROLE sourcing_access_support;
CREATE ROLE sourcing_access_admin;
CREATE ROLE sourcing_access_nobody;
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 45, -93);
INSERT INTO omni.item(sku) VALUES ('A');
SELECT omni.grant_access(('sourcing_access_' || p)::name, p) FROM unnest('{reader,channel,store,support,admin}'::text[]) p;

-- SQLSTATE of a statement as a role, 00000 when it works.
CREATE FUNCTION pg_temp.try(profile text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE sourcing_access_%s', profile);
    EXECUTE statement;
    RESET ROLE;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RESET ROLE;
    RETURN SQLSTATE;
END $$;
CREATE TEMP TABLE wanted (statement text, allowed text[]);
INSERT INTO wanted VALUES
    ($$SELECT * FROM omni.promise_dates('S1', '{}')$$, '{reader,channel,store,support,admin}'),
    ($$SELECT omni.node_open('S1'), omni.next_opening('S1'), omni.pickup_ready('S1')$$, '{reader,channel,store,support,admin}'),
    ($$SELECT * FROM omni.shipping_rates('S1', '{}', 1)$$, '{reader,support,admin}'),
    ($$SELECT * FROM omni.read_capacity('S1', '2026-11-02')$$, '{reader,support,admin}'),
    ($$SELECT omni.explain_routing('{"lines": [{"sku": "A", "quantity": 1}]}')$$, '{reader,support,admin}'),
    ($$SELECT * FROM omni.service_rate, omni.routing_rule, omni.node_policy, omni.shadow_price$$, '{reader,support,admin}'),
    ($$INSERT INTO omni.node_policy(node, shipment_cost) VALUES ('S1', 5)$$, '{admin}'),
    ($$UPDATE omni.node_policy SET shipment_cost = 6$$, '{admin}'),
    ($$INSERT INTO omni.special_day(day) VALUES ('2026-12-25')$$, '{admin}'),
    ($$INSERT INTO omni.carrier(code) VALUES ('C'); INSERT INTO omni.service(code, carrier) VALUES ('s', 'C')$$, '{admin}'),
    ($$INSERT INTO omni.routing_rule(position, name, action, node) VALUES (1, 'r', 'only', 'S1')$$, '{admin}'),
    ($$DELETE FROM omni.routing_rule$$, '{admin}');
SELECT is(pg_temp.try(p, statement), CASE WHEN p = ANY (allowed) THEN '00000' ELSE '42501' END,
    p || CASE WHEN p = ANY (allowed) THEN ' may: ' ELSE ' may not: ' END || statement)
FROM wanted, unnest('{reader,channel,store,support,nobody,admin}'::text[]) p;
SELECT * FROM finish();
ROLLBACK;
