-- Who may see and do what with orders: profiles, row policies, personal data.
SELECT plan(86);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('app', 'app'), ('pos', 'pos');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 44.9, -93.2), ('S2', 'store', 41.9, -87.6), ('S3', 'store', 30, -90);
INSERT INTO omni.item(sku) VALUES ('A');
SELECT omni.receive_stock(n, 'A', 100) > 0 AS received FROM unnest(ARRAY['S1', 'S2', 'S3']) n \g /dev/null

CREATE ROLE orders_access_web;
CREATE ROLE orders_access_app;
CREATE ROLE orders_access_till;
CREATE ROLE orders_access_s1;
CREATE ROLE orders_access_s2;
CREATE ROLE orders_access_reader;
CREATE ROLE orders_access_support;
CREATE ROLE orders_access_support_app;
CREATE ROLE orders_access_admin;
CREATE ROLE orders_access_none;
SELECT omni.grant_access('orders_access_web', 'channel', 'web'), omni.grant_access('orders_access_app', 'channel', 'app'),
    omni.grant_access('orders_access_till', 'channel', 'pos', 'S1'),
    omni.grant_access('orders_access_s1', 'store', NULL, 'S1'), omni.grant_access('orders_access_s2', 'store', NULL, 'S2'),
    omni.grant_access('orders_access_reader', 'reader'), omni.grant_access('orders_access_support', 'support'),
    omni.grant_access('orders_access_support_app', 'support', 'app'), omni.grant_access('orders_access_admin', 'admin') \g /dev/null
GRANT ALL ON SCHEMA public TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;

CREATE FUNCTION public.document(channel text, external_id text, fulfilment jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('channel', channel, 'currency', 'USD', 'external_id', external_id, 'fulfilment', fulfilment,
        'customer', '{"email": "jane@example.com", "name": {"given": "Jane"}}'::jsonb,
        'lines', '[{"sku": "A", "quantity": 2, "unit_price": "1", "discounts": [{"amount": "0.1"}]}]'::jsonb,
        'fees', '[{"code": "bag", "amount": "1"}]'::jsonb, 'tenders', '[{"kind": "card", "reference": "t", "amount": "3"}]'::jsonb) $$;
CREATE FUNCTION public.ship(channel text, external_id text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT public.document(channel, external_id, '{"kind": "ship", "address": {"country": "US", "name": "Jane Roe", "latitude": 44.9, "longitude": -93.2}}') $$;

-- one order of each: at S1 for web, at S2 for app
SELECT omni.place_order(public.ship('web', '1')) AS web_order \gset
SELECT omni.place_order(public.document('app', '1', '{"kind": "pickup", "node": "S2"}')) AS app_order \gset
SELECT id AS web_f FROM omni.fulfilment WHERE order_id = :web_order \gset
SELECT id AS app_f FROM omni.fulfilment WHERE order_id = :app_order \gset
SELECT id AS web_line FROM omni.order_line WHERE order_id = :web_order \gset
SELECT id AS app_line FROM omni.order_line WHERE order_id = :app_order \gset

-- what a role sees: orders, lines, fulfilments, their lines, requests, plans, fees, discounts
CREATE TABLE seen(role text, orders text, tenders text, people text);
CREATE FUNCTION public.look(role text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
    counts text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    SELECT string_agg(c.code, ' ' ORDER BY o.id) INTO found FROM omni.sales_order o JOIN omni.channel c ON c.id = o.channel_id;
    SELECT concat_ws('/', (SELECT count(*) FROM omni.order_line), (SELECT count(*) FROM omni.order_request), (SELECT count(*) FROM omni.order_discount),
        (SELECT count(*) FROM omni.order_fee), (SELECT count(*) FROM omni.order_plan), (SELECT count(*) FROM omni.fulfilment), (SELECT count(*) FROM omni.fulfilment_line)) INTO counts;
    RESET ROLE;
    RETURN COALESCE(found, '-') || ' ' || counts;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(public.look('orders_access_' || role), expected, role || ' sees ' || expected) FROM (VALUES
    ('web', 'web 1/1/1/1/1/1/1'), ('app', 'app 1/1/1/1/1/1/1'), ('till', '- 0/0/0/0/0/0/0'), ('s1', 'web 1/1/1/1/1/1/1'), ('s2', 'app 1/1/1/1/1/1/1'),
    ('reader', 'web app 2/2/2/2/2/2/2'), ('support', 'web app 2/2/2/2/2/2/2'), ('support_app', 'app 1/1/1/1/1/1/1'), ('admin', 'web app 2/2/2/2/2/2/2'), ('none', '42501')) v(role, expected);

CREATE FUNCTION public.count_as(role text, relation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE 'SELECT count(*) FROM ' || relation INTO n;
    RESET ROLE;
    RETURN n;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(public.count_as('orders_access_' || role, relation), expected, role || ' and ' || relation) FROM (VALUES
    ('web', 'omni.order_tender', '1'), ('s1', 'omni.order_tender', '42501'), ('reader', 'omni.order_tender', '42501'), ('support', 'omni.order_tender', '2'),
    ('web', 'omni.order_contact', '42501'), ('s1', 'omni.order_contact', '42501'), ('reader', 'omni.order_contact', '42501'),
    ('support', 'omni.order_contact', '2'), ('support_app', 'omni.order_contact', '1'), ('admin', 'omni.order_contact', '2'),
    ('web', 'omni.delivery_address', '42501'), ('s1', 'omni.delivery_address', '42501'), ('support', 'omni.delivery_address', '1'), ('support_app', 'omni.delivery_address', '0'),
    ('s1', 'omni.pickup_person', '42501'), ('support', 'omni.pickup_person', '0'),
    ('web', 'omni.customer', '42501'), ('s1', 'omni.customer_identifier', '42501'), ('support', 'omni.customer', '1'), ('support', 'omni.customer_identifier', '1'),
    ('web', 'omni_internal.fulfilment_transition', '42501')) v(role, relation, expected);

-- calls, each in a transaction that is undone
CREATE FUNCTION public.call(role text, call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE 'SELECT ' || call;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN 'ok';
WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE TABLE calls(role text, call text, expected text);
INSERT INTO calls SELECT role, replace(replace(replace(replace(replace(replace(call, 'WO', :'web_order'), 'AO', :'app_order'), 'WF', :'web_f'), 'AF', :'app_f'), 'WL', :'web_line'), 'AL', :'app_line'), expected FROM (VALUES
    ('web', $$omni.place_order(public.ship('web', '2'))$$, 'ok'),
    ('web', $$omni.place_order(public.ship('web', '1'))$$, 'ok'),
    ('web', $$omni.plan_order(public.ship('web', '2'))$$, 'ok'),
    ('web', $$omni.place_order(public.ship('app', '2'))$$, 'OM005'),
    ('web', $$omni.place_order(public.ship('app', '1'))$$, 'OM005'),
    ('web', $$omni.plan_order(public.ship('app', '2'))$$, 'OM005'),
    ('support', $$omni.place_order(public.ship('app', '2'))$$, 'ok'),
    ('support_app', $$omni.place_order(public.ship('web', '2'))$$, 'OM005'),
    ('s1', $$omni.place_order(public.ship('web', '2'))$$, '42501'),
    ('reader', $$omni.place_order(public.ship('web', '2'))$$, '42501'),
    ('none', $$omni.place_order(public.ship('web', '2'))$$, '42501'),
    ('till', $$omni.place_order(public.document('pos', '1', '{"kind": "take_away", "node": "S1"}'))$$, 'ok'),
    ('till', $$omni.place_order(public.document('pos', '1', '{"kind": "take_away", "node": "S2"}'))$$, 'OM005'),
    ('web', 'omni.order_document(WO)', 'ok'),
    ('web', 'omni.order_document(AO)', 'OM002'),
    ('s1', 'omni.order_document(WO)', 'ok'),
    ('s1', 'omni.order_document(AO)', 'OM002'),
    ('reader', 'omni.order_document(AO)', 'ok'),
    ('support_app', 'omni.order_document(WO)', 'OM002'),
    ('none', 'omni.order_document(WO)', '42501'),
    ('web', $$omni.cancel_order(WO, 'x')$$, 'ok'),
    ('web', $$omni.cancel_order(AO, 'x')$$, 'OM002'),
    ('support', $$omni.cancel_order(AO, 'x')$$, 'ok'),
    ('s1', $$omni.cancel_order(WO, 'x')$$, '42501'),
    ('web', $$omni.cancel_order_line(WL, 1, 'x')$$, 'ok'),
    ('web', $$omni.cancel_order_line(AL, 1, 'x')$$, 'OM002'),
    ('s1', 'omni.accept_fulfilment(WF)', 'ok'),
    ('s2', 'omni.accept_fulfilment(WF)', 'OM002'),
    ('s2', 'omni.accept_fulfilment(AF)', 'ok'),
    ('web', 'omni.accept_fulfilment(WF)', 'ok'),
    ('app', 'omni.accept_fulfilment(WF)', 'OM002'),
    ('reader', 'omni.accept_fulfilment(WF)', '42501'),
    ('s1', $$omni.reject_fulfilment(WF, 'x')$$, 'ok'),
    ('s1', $$omni.resolve_customer('{"email": "jane@example.com"}')$$, '42501'),
    ('web', $$omni.resolve_customer('{"email": "jane@example.com"}', 'web')$$, 'ok'),
    ('web', $$omni.resolve_customer('{"email": "jane@example.com"}', 'app')$$, 'OM005'),
    ('web', $$(SELECT id FROM omni.sales_order LIMIT 1 FOR UPDATE)$$, '42501'),
    ('admin', $$omni.cancel_order(WO, 'x')$$, 'ok')) v(role, call, expected);
SELECT is(public.call('orders_access_' || role, call), expected, role || ': ' || call) FROM calls;
SELECT is(public.call('orders_access_' || role, format(dml, relation)), '42501', role || ' cannot ' || format(dml, relation))
    FROM unnest(ARRAY['web', 's1', 'support', 'admin']) role,
        (VALUES ('1 FROM (SELECT 1) x; UPDATE %s SET order_id = order_id', 'omni.order_line'), ('1 FROM (SELECT 1) x; DELETE FROM %s', 'omni.fulfilment'),
            ('1 FROM (SELECT 1) x; INSERT INTO %s DEFAULT VALUES', 'omni.sales_order')) v(dml, relation);

-- one order over two stores: both see it, each works on its own part
SELECT omni.place_order(public.document('web', '9', '{"kind": "pickup", "node": "S1"}') || '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "1"},
    {"sku": "A", "quantity": 1, "unit_price": "1", "fulfilment": {"kind": "pickup", "node": "S2"}}]}') AS both_order \gset
SELECT f.id AS f1 FROM omni.fulfilment f JOIN omni.node n ON n.id = f.node_id WHERE order_id = :both_order AND n.code = 'S1' \gset
SELECT is(public.call('orders_access_s2', 'omni.order_document(' || :both_order || ')'), 'ok', 'a store sees an order of which it has a part');
SELECT is(public.call('orders_access_s2', 'omni.accept_fulfilment(' || :f1 || ')'), 'OM005', 'but does not work on another''s part');
SELECT is_empty($$ SELECT 1 FROM omni.order_plan WHERE plan::text ~* 'jane' UNION ALL SELECT 1 FROM omni_internal.outbox WHERE payload::text ~* 'jane' $$,
    'no personal data in plans and events');
SELECT unalike(omni.order_document(:web_order)::text, '%ane%', 'nor in the document');
SELECT is_empty($$ SELECT c.oid::regclass FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
    WHERE c.relkind = 'r' AND NOT c.relrowsecurity AND c.oid::regclass::text ~ '^omni\.(sales_order|order_|fulfilment|delivery_|pickup_|customer)' $$, 'every table has its row policies');

RESET ROLE;
DROP OWNED BY orders_access_web, orders_access_app, orders_access_till, orders_access_s1, orders_access_s2, orders_access_reader, orders_access_support,
    orders_access_support_app, orders_access_admin, orders_access_none;
DROP ROLE orders_access_web, orders_access_app, orders_access_till, orders_access_s1, orders_access_s2, orders_access_reader, orders_access_support,
    orders_access_support_app, orders_access_admin, orders_access_none;
SELECT * FROM finish();
