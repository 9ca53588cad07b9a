-- omni.resolve_customer: exact identifiers, which of them wins, and errors.
SELECT plan(62);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('app', 'app');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 1, 1);
INSERT INTO omni.item(sku) VALUES ('A');

SELECT throws_ok(format('SELECT omni.resolve_customer(%L, %L)', person, channel), code, message, name) FROM (VALUES
    (NULL, 'web', 'OM002', 'argument "person" must not be null', 'no person'),
    ('{}', NULL, 'OM006', 'the person has no identifier', 'nothing known'),
    ('{"name": {"given": "Jane"}}', 'web', 'OM006', 'the person has no identifier', 'a name alone'),
    ('{"email": "", "phone": "  ", "loyalty_id": " "}', NULL, 'OM006', 'the person has no identifier', 'blanks'),
    ('[]', NULL, 'OM006', 'person must be a JSON object', 'an array'),
    ('{"mail": "a@b.c"}', NULL, 'OM006', 'unknown key "mail" in the person', 'an unknown key'),
    ('{"name": {"first": "x"}, "email": "a@b.c"}', NULL, 'OM006', 'unknown key "name.first" in the person', 'in the name'),
    ('{"email": 5}', NULL, 'OM006', 'key "email" of the person must be a string', 'a number'),
    ('{"email": null}', NULL, 'OM006', 'key "email" of the person must not be null', 'a null'),
    ('{"email": "jane"}', NULL, 'OM006', 'key "email" of the customer must be an e-mail address', 'no @'),
    ('{"email": "jane@"}', NULL, 'OM006', NULL, 'nothing behind it'),
    ('{"email": "jane roe@example.com"}', NULL, 'OM006', NULL, 'a blank inside'),
    ('{"phone": "n/a"}', NULL, 'OM006', 'key "phone" of the customer must be a telephone number', 'no number'),
    ('{"phone": "+1 234"}', NULL, 'OM006', NULL, 'too short'),
    ('{"external_id": "7"}', NULL, 'OM002', 'argument "channel" must not be null', 'an external id of nobody'),
    ('{"email": "a@b.c"}', 'fax', 'OM002', NULL, 'an unknown channel'),
    (jsonb_build_object('loyalty_id', repeat('x', 256))::text, NULL, 'OM006', NULL, 'a very long one'),
    (jsonb_build_object('email', repeat('x', 320) || '@b.c')::text, NULL, 'OM006', NULL, 'a very long address')) v(person, channel, code, message, name);
SELECT is_empty($$ SELECT id FROM omni.customer UNION ALL SELECT id FROM omni.customer_identifier $$, 'none of them left anything');

-- one person, however written
SELECT omni.resolve_customer('{"email": "Jane.Roe@Example.com", "phone": "+1 (612) 555-0101", "name": {"given": "Jane", "family": "Roe"}}') AS jane \gset
SELECT is(omni.resolve_customer(person::jsonb, channel), :jane::bigint, person) FROM (VALUES
    ('{"email": "jane.roe@example.com"}', NULL), ('{"email": "  JANE.ROE@EXAMPLE.COM "}', 'web'), ('{"phone": "001 612 555 0101"}', NULL),
    ('{"phone": "+16125550101", "email": "jane.roe@example.com"}', 'app'), ('{"phone": "+1.612.555.0101", "name": {"given": "J."}}', NULL)) v(person, channel);
SELECT isnt(omni.resolve_customer(person::jsonb), :jane::bigint, person || ' is another') FROM (VALUES
    ('{"email": "janeroe@example.com"}'), ('{"email": "jane.roe+x@example.com"}'), ('{"phone": "6125550101"}'), ('{"phone": "+16125550101 x1"}'), ('{"loyalty_id": "+16125550101"}')) v(person);
SELECT results_eq($$ SELECT given_name, family_name FROM omni.customer WHERE id = $$ || :jane, $$ VALUES ('Jane', 'Roe') $$, 'the name first heard stays');
SELECT results_eq($$ SELECT kind, value FROM omni.customer_identifier WHERE customer_id = $$ || :jane || ' ORDER BY 1',
    $$ VALUES ('email', 'jane.roe@example.com'), ('phone', '+16125550101') $$, 'in normal form');

-- new identifiers are attached
SELECT is(omni.resolve_customer('{"email": "jane.roe@example.com", "external_id": "C7", "loyalty_id": " L1 "}', 'web'), :jane::bigint, 'more of the same person');
SELECT is(omni.resolve_customer('{"external_id": "C7"}', 'web'), :jane::bigint, 'is found by it');
SELECT is(omni.resolve_customer('{"loyalty_id": "L1"}', 'app'), :jane::bigint, 'in every channel');
SELECT omni.resolve_customer('{"external_id": "C7"}', 'app') AS other \gset
SELECT isnt(:other::bigint, :jane::bigint, 'an external id belongs to its channel');
SELECT isnt(omni.resolve_customer('{"external_id": "c7"}', 'web'), :jane::bigint, 'and is taken as it is written');

-- two identifiers, two customers: the more telling wins, nothing merges
SELECT omni.resolve_customer('{"email": "joe@example.com", "phone": "+16125550199"}') AS joe \gset
SELECT omni.resolve_customer('{"loyalty_id": "L2"}') AS ann \gset
SELECT is(omni.resolve_customer('{"external_id": "C7", "email": "joe@example.com"}', 'web'), :jane::bigint, 'the channel''s external id goes before the address');
SELECT is(omni.resolve_customer('{"external_id": "C7", "loyalty_id": "L2"}', 'web'), :jane::bigint, 'and before the loyalty id');
SELECT is(omni.resolve_customer('{"loyalty_id": "L2", "email": "joe@example.com"}'), :ann::bigint, 'the loyalty id before the address');
SELECT is(omni.resolve_customer('{"email": "joe@example.com", "phone": "+16125550101"}'), :joe::bigint, 'the address before the number');
SELECT is(omni.resolve_customer('{"email": "joe@example.com"}'), :joe::bigint, 'nothing moved');
SELECT is(omni.resolve_customer('{"phone": "+16125550101"}'), :jane::bigint, 'at all');
SELECT is(omni.resolve_customer('{"external_id": "C8", "email": "joe@example.com"}', 'web'), :joe::bigint, 'a new external id of a known address');
SELECT is(omni.resolve_customer('{"external_id": "C8", "email": "new@example.com"}', 'web'), :joe::bigint, 'brings a new address');
SELECT is(omni.resolve_customer('{"email": "new@example.com"}'), :joe::bigint, 'to the same customer');
-- names
SELECT results_eq($$ SELECT given_name FROM omni.customer WHERE id = $$ || :joe, $$ VALUES (NULL::text) $$, 'no name yet');
SELECT is(omni.resolve_customer('{"email": "joe@example.com", "name": {"family": "Bloggs"}}'), :joe::bigint, 'a name comes later');
SELECT results_eq($$ SELECT given_name, family_name FROM omni.customer WHERE id = $$ || :joe, $$ VALUES (NULL::text, 'Bloggs') $$, 'and is kept');

-- orders
CREATE FUNCTION pg_temp.buyer(external_id text, customer jsonb) RETURNS bigint LANGUAGE sql AS $$
    SELECT (omni.order_document(omni.place_order(jsonb_build_object('channel', 'web', 'external_id', external_id, 'currency', 'USD', 'customer', customer,
        'fulfilment', '{"kind": "take_away", "node": "S1"}'::jsonb, 'lines', '[{"sku": "A", "quantity": 1, "unit_price": "1"}]'::jsonb))) ->> 'customer_id')::bigint $$;
SELECT is(pg_temp.buyer('1', '{"email": "jane.roe@example.com"}'), :jane::bigint, 'an order finds its customer');
SELECT is(pg_temp.buyer('2', '{"external_id": "C7"}'), :jane::bigint, 'by the id of its channel');
SELECT is(pg_temp.buyer('3', '{"name": {"given": "Somebody"}}'), NULL, 'a name alone makes none');
SELECT is((SELECT given_name FROM omni.order_contact JOIN omni.sales_order ON id = order_id WHERE external_id = '3'), 'Somebody', 'but is kept with the order');
SELECT isnt(pg_temp.buyer('4', '{"email": "first@example.com"}'), NULL, 'an order makes one');
SELECT is((SELECT count(*) FROM omni.customer_identifier WHERE value = 'first@example.com'), 1::bigint, 'once');

-- a rollback takes the customer along
BEGIN;
SELECT omni.resolve_customer('{"email": "gone@example.com"}') AS gone \gset
ROLLBACK;
SELECT is_empty($$ SELECT id FROM omni.customer_identifier WHERE value = 'gone@example.com' $$, 'rolled back');
SELECT isnt(omni.resolve_customer('{"email": "gone@example.com"}'), :gone::bigint, 'and made anew');

-- the table itself
SELECT throws_ok($$ INSERT INTO omni.customer_identifier(customer_id, kind, value) SELECT max(id), 'email', 'joe@example.com' FROM omni.customer $$, '23505', NULL, 'an identifier names one customer');
SELECT throws_ok($$ INSERT INTO omni.customer_identifier(customer_id, kind, value) SELECT max(id), 'external_id', 'x' FROM omni.customer $$, '23514', NULL, 'an external id needs its channel');
SELECT throws_ok($$ DELETE FROM omni.channel WHERE code = 'app' $$, 'OM004', NULL, 'a channel whose ids are known stays');

-- events without personal data
SELECT is((SELECT count(*) FROM omni_internal.outbox WHERE kind = 'customer.created'), (SELECT count(*) FROM omni.customer), 'each customer is announced once');
SELECT is_empty($$ SELECT 1 FROM omni_internal.outbox WHERE payload::text ~* 'example|jane|roe' $$, 'by id alone');
SELECT is_empty($$ SELECT c.id FROM omni.customer c WHERE NOT EXISTS (SELECT FROM omni.customer_identifier WHERE customer_id = c.id) $$, 'nobody is without identifier');
SELECT * FROM finish();
