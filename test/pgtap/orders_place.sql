-- omni.place_order: the document and every error in it, idempotence, kinds,
-- and what happens to units that nobody has.
SELECT plan(160);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('app', 'app'), ('pos', 'pos');
INSERT INTO omni.channel(code, kind, may_refuse) VALUES ('market', 'marketplace', false);
INSERT INTO omni.channel(code, kind, status) VALUES ('old', 'web', 'inactive');
INSERT INTO omni.node(code, kind, latitude, longitude, country) VALUES
    ('S1', 'store', 44.9, -93.2, 'US'), ('S2', 'store', 41.9, -87.6, 'US');
INSERT INTO omni.node(code, kind, latitude, longitude, country, pickup) VALUES ('W1', 'warehouse', 39.1, -94.6, 'US', false);
INSERT INTO omni.item(sku) VALUES ('A'), ('B'), ('C'), ('odd "sku" é');
INSERT INTO omni.item(sku, status) VALUES ('GONE', 'inactive');
SELECT omni.receive_stock(n, s, 100) > 0 AS received FROM unnest(ARRAY['S1', 'S2', 'W1']) n, unnest(ARRAY['A', 'B', 'odd "sku" é']) s \g /dev/null

-- a good document, changed by "patch"; a NULL in it takes a key away
CREATE FUNCTION pg_temp.document(external_id text, patch jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls('{"channel": "web", "currency": "USD",
        "fulfilment": {"kind": "ship", "address": {"country": "US", "latitude": 44.9, "longitude": -93.2}},
        "lines": [{"sku": "A", "quantity": 1, "unit_price": "19.99"}]}'::jsonb
        || jsonb_build_object('external_id', external_id) || patch) $$;
-- the same with one line changed
CREATE FUNCTION pg_temp.line(patch jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('lines', jsonb_build_array('{"sku": "A", "quantity": 1, "unit_price": "19.99"}'::jsonb || patch)) $$;
CREATE FUNCTION pg_temp.place(external_id text, patch jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
    SELECT omni.place_order(pg_temp.document(external_id, patch)) $$;
CREATE FUNCTION pg_temp.quantities(order_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', line, 'open', open, 'back', backordered, 'alloc', allocated, 'coll', collected, reason), ', ' ORDER BY line)
    FROM omni.order_line WHERE order_line.order_id = $1 $$;
CREATE FUNCTION pg_temp.fulfilments(order_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', f.kind, n.code, f.status, (SELECT sum(quantity) FROM omni.fulfilment_line WHERE fulfilment_id = f.id)), ', ' ORDER BY f.id)
    FROM omni.fulfilment f JOIN omni.node n ON n.id = f.node_id WHERE f.order_id = $1 $$;

-- ---- what is wrong with a document ----

CREATE TABLE bad(patch jsonb, code text, message text, name text);
INSERT INTO bad VALUES
    ('{"chanel": "web"}', 'OM006', 'unknown key "chanel" in the order document', 'an unknown key is named'),
    ('{"customer": {"mail": "a@b.c"}}', 'OM006', 'unknown key "customer.mail" in the order document', 'with its path'),
    (pg_temp.line('{"qty": 1}'), 'OM006', 'unknown key "lines[0].qty" in the order document', 'in a line'),
    (pg_temp.line('{"fulfilment": {"kind": "ship", "address": {"zip": "1"}}}'), 'OM006', 'unknown key "lines[0].fulfilment.address.zip" in the order document', 'deep down'),
    ('{"options": {"backorders": true}}', 'OM006', 'unknown key "options.backorders" in the order document', 'in the options'),
    ('{"channel": null}', 'OM006', 'key "channel" of the order document is missing', 'channel is required'),
    ('{"external_id": null}', 'OM006', 'key "external_id" of the order document is missing', 'external_id is required'),
    ('{"currency": null}', 'OM006', 'key "currency" of the order document is missing', 'currency is required'),
    ('{"lines": null}', 'OM006', 'key "lines" of the order document is missing', 'lines are required'),
    ('{"fulfilment": null}', 'OM006', 'key "lines[0].fulfilment" of the order document is missing', 'fulfilment is required'),
    ('{"lines": []}', 'OM006', 'key "lines" of the order document must have at least one element', 'no lines'),
    ('{"lines": {}}', 'OM006', 'key "lines" of the order document must be an array', 'lines as an object'),
    ('{"lines": [1]}', 'OM006', 'key "lines[0]" of the order document must be an object', 'a line as a number'),
    ('{"lines": [{"sku": "A", "quantity": 1, "unit_price": "1"}, null]}', 'OM006', 'key "lines[1]" of the order document must not be null', 'a line that is null'),
    ('{"channel": 7}', 'OM006', 'key "channel" of the order document must be a string', 'a number as channel'),
    ('{"channel": ""}', 'OM006', 'key "channel" of the order document must be a string that is not empty', 'an empty channel'),
    ('{"channel": "fax"}', 'OM002', NULL, 'an unknown channel'),
    ('{"channel": "old"}', 'OM004', 'channel "old" is not active', 'an inactive channel'),
    (jsonb_build_object('external_id', repeat('x', 256)), 'OM006', 'key "external_id" of the order document must be a string of at most 255 bytes', 'a very long external_id'),
    ('{"currency": "XXQ"}', 'OM006', 'key "currency" of the order document must be an ISO 4217 code, such as "USD"', 'an unknown currency'),
    ('{"currency": "usd"}', 'OM006', 'key "currency" of the order document must be an ISO 4217 code, such as "USD"', 'a currency in small letters'),
    ('{"currency": "XAU"}', 'OM006', 'key "currency" of the order document must be a currency with a minor unit', 'gold'),
    ('{"placed_at": "yesterday"}', 'OM006', NULL, 'placed_at in words'),
    ('{"placed_at": "2026-11-01T10:00:00"}', 'OM006', NULL, 'placed_at without an offset'),
    ('{"placed_at": "2026-02-30T10:00:00Z"}', 'OM006', NULL, 'a day that there is not'),
    ('{"placed_at": "2026-11-01T24:00:00Z"}', 'OM006', NULL, 'an hour that there is not'),
    ('{"placed_at": "2026-11-01T10:00:00+99:00"}', 'OM006', NULL, 'an offset that there is not'),
    ('{"placed_at": "infinity"}', 'OM006', NULL, 'placed_at at the end of time'),
    ('{"placed_at": 1793527200}', 'OM006', NULL, 'placed_at as a number'),
    ('{"taxes_included": "yes"}', 'OM006', 'key "taxes_included" of the order document must be true or false', 'a word as a boolean'),
    (pg_temp.line('{"sku": "ZZZ"}'), 'OM002', NULL, 'an unknown sku'),
    (pg_temp.line('{"sku": "a"}'), 'OM002', NULL, 'a sku in other letters'),
    (pg_temp.line('{"sku": "GONE"}'), 'OM004', 'item "GONE" is not active', 'an inactive item'),
    (pg_temp.line('{"sku": 5}'), 'OM006', 'key "lines[0].sku" of the order document must be a string', 'a number as sku'),
    (pg_temp.line('{"quantity": 0}'), 'OM006', 'key "lines[0].quantity" of the order document must be a whole number of at least 1', 'quantity 0'),
    (pg_temp.line('{"quantity": -1}'), 'OM006', NULL, 'a negative quantity'),
    (pg_temp.line('{"quantity": 1.5}'), 'OM006', 'key "lines[0].quantity" of the order document must be a whole number', 'a fraction'),
    (pg_temp.line('{"quantity": "1"}'), 'OM006', NULL, 'a quantity as a string'),
    (pg_temp.line('{"quantity": 2147483648}'), 'OM008', 'key "lines[0].quantity" of the order document is out of range', 'a quantity beyond int4'),
    (pg_temp.line('{"quantity": 1e300}'), 'OM008', NULL, 'a quantity beyond everything'),
    (pg_temp.line('{"quantity": -1e300}'), 'OM006', NULL, 'and below'),
    (pg_temp.line('{"quantity": [1]}'), 'OM006', NULL, 'a quantity as an array'),
    (pg_temp.line('{"unit_price": 19.99}'), 'OM006', NULL, 'a price as a number'),
    (pg_temp.line('{"unit_price": "-1.00"}'), 'OM006', NULL, 'a negative price'),
    (pg_temp.line('{"unit_price": ""}'), 'OM006', NULL, 'an empty price'),
    (pg_temp.line('{"unit_price": "."}'), 'OM006', NULL, 'a lone point'),
    (pg_temp.line('{"unit_price": "1."}'), 'OM006', NULL, 'a price that ends in a point'),
    (pg_temp.line('{"unit_price": ".5"}'), 'OM006', NULL, 'a price that starts with one'),
    (pg_temp.line('{"unit_price": "1,50"}'), 'OM006', NULL, 'a comma'),
    (pg_temp.line('{"unit_price": "1e3"}'), 'OM006', NULL, 'an exponent'),
    (pg_temp.line('{"unit_price": " 1"}'), 'OM006', NULL, 'a blank'),
    (pg_temp.line('{"unit_price": "NaN"}'), 'OM006', NULL, 'not a number'),
    (pg_temp.line('{"unit_price": "1.1234567"}'), 'OM006', 'key "lines[0].unit_price" of the order document has more than 6 decimal places', 'seven decimals'),
    (pg_temp.line('{"unit_price": "99999999999999999999"}'), 'OM008', NULL, 'a price beyond 18 digits'),
    (pg_temp.line('{"unit_price": "999999999999999999"}'), 'OM008', NULL, 'a price beyond 64 bits'),
    (pg_temp.line('{"unit_price": "9000000000000", "quantity": 2000000000}'), 'OM008', 'line 1 of the order comes to more than an amount can hold', 'a line beyond 64 bits'),
    (pg_temp.line('{"line": 0}'), 'OM006', NULL, 'line 0'),
    ('{"lines": [{"sku": "A", "quantity": 1, "unit_price": "1", "line": 2}, {"sku": "A", "quantity": 1, "unit_price": "1"}]}', 'OM006', 'line 2 stands twice in the order document', 'a line twice'),
    (pg_temp.line('{"tax": {}}'), 'OM006', 'key "lines[0].tax" of the order document must have a "rate" or an "amount"', 'a tax of nothing'),
    (pg_temp.line('{"tax": {"rate": "20"}}'), 'OM006', 'key "lines[0].tax.rate" of the order document must be at most "1"', 'a tax of 2000 %'),
    (pg_temp.line('{"tax": {"rate": 0.2}}'), 'OM006', NULL, 'a rate as a number'),
    (pg_temp.line('{"tax": {"amount": "1.234"}}'), 'OM006', 'key "lines[0].tax.amount" of the order document has more than 2 decimal places', 'a tax with three decimals'),
    (pg_temp.line('{"tax": {"amount": "20.00"}}') || '{"taxes_included": true}', 'OM006', NULL, 'an included tax above the price'),
    (pg_temp.line('{"discounts": [{"amount": "-1"}]}'), 'OM006', NULL, 'a negative discount'),
    (pg_temp.line('{"discounts": [{"code": "X"}]}'), 'OM006', 'key "lines[0].discounts[0].amount" of the order document is missing', 'a discount without amount'),
    ('{"discounts": [{"amount": "1.005"}]}', 'OM006', 'key "discounts[0].amount" of the order document has more than 2 decimal places', 'a discount with three decimals'),
    ('{"discounts": {"amount": "1"}}', 'OM006', NULL, 'a discount as an object'),
    ('{"fees": [{"amount": "1"}]}', 'OM006', 'key "fees[0].code" of the order document is missing', 'a fee without code'),
    ('{"fees": [{"code": "x", "amount": "-1"}]}', 'OM006', NULL, 'a negative fee'),
    ('{"shipping": {"amount": "-5"}}', 'OM006', NULL, 'negative shipping'),
    ('{"shipping": {}}', 'OM006', 'key "shipping.amount" of the order document is missing', 'shipping without amount'),
    ('{"tenders": [{"kind": "card", "amount": "1.234"}]}', 'OM006', 'key "tenders[0].amount" of the order document has more than 2 decimal places', 'a tender with three decimals'),
    ('{"tenders": [{"amount": "1"}]}', 'OM006', 'key "tenders[0].kind" of the order document is missing', 'a tender of no kind'),
    ('{"coupons": "X"}', 'OM006', NULL, 'a coupon that is no array'),
    ('{"coupons": [1]}', 'OM006', 'key "coupons[0]" of the order document must be a string', 'a coupon that is a number'),
    ('{"options": {"max_splits": -1}}', 'OM006', NULL, 'negative max_splits'),
    ('{"options": {"park": 1}}', 'OM006', NULL, 'park as a number'),
    ('{"fulfilment": {"kind": "teleport"}}', 'OM006', 'key "fulfilment.kind" of the order document must be "ship", "pickup" or "take_away"', 'an unknown kind'),
    ('{"fulfilment": {"kind": "ship"}}', 'OM006', 'key "fulfilment.address" of the order document must be given for kind "ship"', 'a shipment without address'),
    ('{"fulfilment": {"kind": "ship", "address": {}}}', 'OM006', 'key "fulfilment.address.country" of the order document must be given, or the coordinates', 'an empty address'),
    ('{"fulfilment": {"kind": "ship", "address": {"postal_code": "1"}}}', 'OM006', NULL, 'a postal code alone'),
    ('{"fulfilment": {"kind": "ship", "address": {"country": "us"}}}', 'OM006', NULL, 'a country in small letters'),
    ('{"fulfilment": {"kind": "ship", "address": {"country": "ZZ"}}}', 'OM006', NULL, 'an unknown country'),
    ('{"fulfilment": {"kind": "ship", "address": {"latitude": 1}}}', 'OM006', 'key "fulfilment.address.longitude" of the order document must be given where the other coordinate is', 'half a position'),
    ('{"fulfilment": {"kind": "ship", "address": {"latitude": 91, "longitude": 0}}}', 'OM006', NULL, 'beyond the pole'),
    ('{"fulfilment": {"kind": "ship", "address": {"latitude": 0, "longitude": -180.1}}}', 'OM006', NULL, 'beyond the date line'),
    ('{"fulfilment": {"kind": "ship", "address": {"latitude": "44", "longitude": 0}}}', 'OM006', NULL, 'a coordinate as a string'),
    ('{"fulfilment": {"kind": "ship", "address": {"latitude": 1e400, "longitude": 0}}}', 'OM008', NULL, 'a coordinate beyond everything'),
    ('{"fulfilment": {"kind": "ship", "node": "S1", "address": {"country": "US"}}}', 'OM006', NULL, 'a shipment with a node'),
    ('{"fulfilment": {"kind": "pickup"}}', 'OM006', 'key "fulfilment.node" of the order document must be given for kind "pickup"', 'a pickup without node'),
    ('{"fulfilment": {"kind": "pickup", "node": "S1", "address": {"country": "US"}}}', 'OM006', NULL, 'a pickup with an address'),
    ('{"fulfilment": {"kind": "take_away"}}', 'OM006', NULL, 'a till sale without node'),
    ('{"fulfilment": {"kind": "pickup", "node": "S9"}}', 'OM002', NULL, 'an unknown node'),
    ('{"fulfilment": {"kind": "take_away", "node": "S9"}}', 'OM002', NULL, 'an unknown node at the till'),
    ('{"fulfilment": {"kind": "pickup", "node": "W1"}}', 'OM004', 'nothing can be picked up at node "W1"', 'a node without pickup'),
    ('{"fulfilment": {"kind": "pickup", "node": "S1", "promise_by": "soon"}}', 'OM006', NULL, 'a vague promise'),
    ('{"customer": {"email": "nobody"}}', 'OM006', NULL, 'an address without @'),
    ('{"customer": {"phone": "call me"}}', 'OM006', NULL, 'a number without digits'),
    ('{"customer": {"name": "Joe"}}', 'OM006', 'key "customer.name" of the order document must be an object', 'a name that is a string'),
    ('{"customer": "Joe"}', 'OM006', NULL, 'a customer who is a string'),
    (pg_temp.line('{"quantity": 301}'), 'OM001', 'insufficient stock for the order', 'more than there is'),
    ('{"lines": [{"sku": "A", "quantity": 200, "unit_price": "1"}, {"sku": "A", "quantity": 101, "unit_price": "1"}]}', 'OM001', NULL, 'the same sku on two lines counts twice'),
    (pg_temp.line('{"sku": "C"}'), 'OM001', NULL, 'an item that was never stocked'),
    ('{"fulfilment": {"kind": "pickup", "node": "S1"}, "lines": [{"sku": "A", "quantity": 101, "unit_price": "1"}]}', 'OM001', NULL, 'a pickup of more than the node has'),
    (pg_temp.line('{"quantity": 101}') || '{"options": {"max_splits": 0}}', 'OM001', NULL, 'more than one node has, in one parcel');
SELECT throws_ok(format('SELECT omni.place_order(%L)', pg_temp.document('bad', patch)), code, message, name) FROM bad;

SELECT throws_ok($$ SELECT omni.place_order(NULL) $$, 'OM002', NULL, 'no document');
SELECT throws_ok(format('SELECT omni.place_order(%L)', d), 'OM006', 'order document must be a JSON object', 'a document that is ' || d)
    FROM unnest(ARRAY['[]', '"x"', '1', 'null']) d;
-- nulls are not stripped here
SELECT throws_ok(format('SELECT omni.place_order(%L)', pg_temp.document('bad') || patch), 'OM006', message, name)
    FROM (VALUES ('{"placed_at": null}'::jsonb, 'key "placed_at" of the order document must not be null', 'a null where a key could be left out'),
        ('{"customer": null}', 'key "customer" of the order document must not be null', 'a null customer'),
        ('{"lines": [{"sku": null, "quantity": 1, "unit_price": "1"}]}', 'key "lines[0].sku" of the order document must not be null', 'a null sku'),
        ('{"lines": [{"sku": "A", "quantity": null, "unit_price": "1"}]}', 'key "lines[0].quantity" of the order document must not be null', 'a null quantity')) v(patch, message, name);
SELECT throws_ok(format('SELECT omni.place_order(%L)', jsonb_set(pg_temp.document('bad'), '{lines}',
        (SELECT jsonb_agg('{"sku": "A", "quantity": 1, "unit_price": "1"}'::jsonb) FROM generate_series(1, 50001)))),
    'OM006', 'key "lines" of the order document must be an array of at most 50000 elements', 'too many lines');

SELECT is_empty($$ SELECT id FROM omni.sales_order $$, 'none of them left an order');
SELECT is_empty($$ SELECT order_id FROM omni.order_request UNION ALL SELECT id FROM omni.order_line UNION ALL SELECT id FROM omni.fulfilment
    UNION ALL SELECT id FROM omni.customer $$, 'or a part of one');
SELECT is(omni.available('A'), 300, 'or a promise');
SELECT is_empty($$ SELECT * FROM omni.reservation $$, 'of any kind');

-- ---- idempotence ----

SELECT pg_temp.place('W-1') AS w1 \gset
SELECT is(pg_temp.place('W-1'), :w1::bigint, 'the same document again is the same order');
SELECT is(omni.place_order('{ "lines" : [ {"unit_price": "19.99", "quantity": 1.0, "sku": "A"} ], "external_id": "W-1", "currency": "USD", "channel": "web",
    "fulfilment": {"address": {"longitude": -93.20, "country": "US", "latitude": 44.9}, "kind": "ship"}}'), :w1::bigint, 'written in another way, too');
SELECT throws_ok($$ SELECT pg_temp.place('W-1', '{"currency": "EUR"}') $$, 'OM003',
    'order "W-1" of channel "web" was placed with another document', 'another document with the same key');
SELECT throws_ok($$ SELECT pg_temp.place('W-1', '{"coupons": []}') $$, 'OM003', NULL, 'an empty list is a difference');
SELECT isnt(pg_temp.place('W-1', '{"channel": "app"}'), :w1::bigint, 'another channel, another key');
SELECT is(omni.available('A'), 298, 'each was promised once');
SELECT throws_ok($$ SELECT pg_temp.place('W-2', pg_temp.line('{"quantity": 1000}')) $$, 'OM001', NULL, 'a refused order');
SELECT isnt(pg_temp.place('W-2'), NULL, 'leaves its key free');
UPDATE omni.channel SET status = 'inactive' WHERE code = 'web';
UPDATE omni.item SET status = 'inactive' WHERE sku = 'A';
SELECT is(pg_temp.place('W-1'), :w1::bigint, 'a repeated call asks nothing anew');
UPDATE omni.channel SET status = 'active' WHERE code = 'web';
UPDATE omni.item SET status = 'active' WHERE sku = 'A';

-- ---- kinds ----

SELECT is(pg_temp.fulfilments(pg_temp.place('K-1', pg_temp.line('{"quantity": 3}'))), 'ship S1 allocated 3', 'shipped from the nearest');
SELECT is(pg_temp.fulfilments(pg_temp.place('K-2', '{"fulfilment": {"kind": "ship", "address": {"latitude": 39, "longitude": -94}}}')),
    'ship W1 allocated 1', 'coordinates alone suffice');
SELECT is(pg_temp.fulfilments(pg_temp.place('K-3', '{"fulfilment": {"kind": "ship", "address": {"country": "US"}}}')),
    'ship W1 allocated 1', 'a country alone: its warehouse first');
SELECT is(pg_temp.fulfilments(pg_temp.place('K-4', '{"fulfilment": {"kind": "pickup", "node": "S2"}}')), 'pickup S2 allocated 1', 'picked up where the customer said');
SELECT pg_temp.place('K-5', '{"channel": "pos", "fulfilment": {"kind": "take_away", "node": "S2"}, "lines": [{"sku": "B", "quantity": 130, "unit_price": "1"}]}') AS k5 \gset
SELECT is(pg_temp.fulfilments(:k5), 'take_away S2 collected 130', 'a till sale is never refused');
SELECT is((SELECT status FROM omni.sales_order WHERE id = :k5), 'completed', 'and complete');
SELECT is((SELECT on_hand FROM omni.availability(ARRAY['B']) WHERE node = 'S2'), -30, 'the units are gone');
SELECT is(pg_temp.quantities(:k5), '1 open 0 back 0 alloc 0 coll 130', 'and collected');
SELECT pg_temp.place('K-6', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "1"},
    {"sku": "A", "quantity": 2, "unit_price": "1", "fulfilment": {"kind": "pickup", "node": "S2"}},
    {"sku": "A", "quantity": 4, "unit_price": "1", "fulfilment": {"kind": "take_away", "node": "S1"}},
    {"sku": "A", "quantity": 8, "unit_price": "1", "fulfilment": {"kind": "pickup", "node": "S2"}}]}') AS k6 \gset
SELECT is(pg_temp.fulfilments(:k6), 'ship S1 allocated 1, pickup S2 allocated 10, take_away S1 collected 4', 'a line''s fulfilment overrides the order''s');
SELECT is((SELECT count(*) FROM omni.order_request WHERE order_id = :k6), 3::bigint, 'equal wishes are one');
SELECT is((SELECT status FROM omni.sales_order WHERE id = :k6), 'open', 'open while something is under way');
SELECT isnt(pg_temp.place('K-7', pg_temp.line('{"sku": "GONE"}') || '{"channel": "pos", "fulfilment": {"kind": "take_away", "node": "S1"}}'), NULL,
    'what was sold was sold, inactive or not');
SELECT is(omni.order_document(pg_temp.place('K-8', pg_temp.line('{"sku": "odd \"sku\" é"}'))) #>> '{lines,0,sku}', 'odd "sku" é', 'odd skus');
SELECT is(jsonb_path_query_array(omni.order_document(pg_temp.place('K-9',
    '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "1", "line": 7}, {"sku": "A", "quantity": 1, "unit_price": "1"}]}')), '$.lines[*].line'),
    '[2, 7]', 'lines may bear numbers');

-- ---- units that nobody has ----

INSERT INTO omni.item(sku) VALUES ('R');
SELECT omni.receive_stock('S1', 'R', 5) > 0 AS a, omni.receive_stock('S2', 'R', 3) > 0 AS b \g /dev/null
SELECT pg_temp.place('B-1', pg_temp.line('{"sku": "R", "quantity": 6}')) AS b1 \gset
SELECT is(pg_temp.fulfilments(:b1), 'ship S1 allocated 5, ship S2 allocated 1', 'split over two nodes, the nearer one first');
SELECT pg_temp.place('B-2', pg_temp.line('{"sku": "R", "quantity": 6}') || '{"options": {"backorder": true}}') AS b2 \gset
SELECT is(pg_temp.quantities(:b2), '1 open 0 back 4 alloc 2 coll 0 insufficient_stock', 'backorder: the rest waits');
SELECT is(pg_temp.quantities(pg_temp.place('B-3', pg_temp.line('{"sku": "R"}') || '{"options": {"park": true}}')),
    '1 open 1 back 0 alloc 0 coll 0 insufficient_stock', 'park: the rest stays open');
SELECT is(pg_temp.quantities(pg_temp.place('B-4', pg_temp.line('{"sku": "R"}') || '{"channel": "market"}')),
    '1 open 1 back 0 alloc 0 coll 0 insufficient_stock', 'a channel that may not refuse parks');
SELECT is(pg_temp.quantities(pg_temp.place('B-5', pg_temp.line('{"sku": "GONE"}') || '{"channel": "market"}')),
    '1 open 1 back 0 alloc 0 coll 0 inactive_item', 'inactive items, too');
SELECT is(pg_temp.quantities(pg_temp.place('B-6', '{"channel": "market", "fulfilment": {"kind": "pickup", "node": "W1"}}')),
    '1 open 1 back 0 alloc 0 coll 0 no_pickup', 'and nodes without pickup');
SELECT is(pg_temp.quantities(pg_temp.place('B-7', '{"channel": "market", "options": {"ship_complete": true},
    "lines": [{"sku": "A", "quantity": 1, "unit_price": "1"}, {"sku": "R", "quantity": 1, "unit_price": "1"}]}')),
    '1 open 1 back 0 alloc 0 coll 0 ship_complete, 2 open 1 back 0 alloc 0 coll 0 insufficient_stock', 'ship_complete: everything or nothing');
SELECT is(pg_temp.quantities(pg_temp.place('B-8', pg_temp.line('{"quantity": 250}') || '{"options": {"max_splits": 1, "backorder": true}}')),
    '1 open 0 back ' || 250 - n || ' alloc ' || n || ' coll 0 max_splits', 'max_splits: what two parcels can hold')
    FROM (SELECT sum(available)::int AS n FROM (SELECT available FROM omni.availability(ARRAY['A']) ORDER BY available DESC LIMIT 2) t) u;
SELECT is(pg_temp.quantities(pg_temp.place('B-9', '{"options": {"backorder": true}, "lines": [
    {"sku": "C", "quantity": 2, "unit_price": "1"}, {"sku": "C", "quantity": 3, "unit_price": "1"}]}')),
    '1 open 0 back 2 alloc 0 coll 0 insufficient_stock, 2 open 0 back 3 alloc 0 coll 0 insufficient_stock', 'nothing at all');

-- ---- the dry run ----

SELECT is(omni.plan_order(pg_temp.document('P-1')) #>> '{plan,requests,0,nodes,0,node}', (SELECT n.code FROM omni.availability(ARRAY['A']) a JOIN omni.node n ON n.code = a.node
    WHERE a.available > 0 ORDER BY n.code = 'S1' DESC, n.code = 'S2' DESC LIMIT 1), 'a plan says where from');
SELECT is(omni.plan_order(pg_temp.document('P-2', pg_temp.line('{"quantity": 1000}'))) ->> 'complete', 'false', 'and that it is not enough');
SELECT is_empty($$ SELECT id FROM omni.sales_order WHERE external_id LIKE 'P-%' $$, 'and writes nothing');
SELECT throws_ok($$ SELECT omni.plan_order(pg_temp.document('P-3', pg_temp.line('{"sku": "ZZZ"}'))) $$, 'OM002', NULL, 'its errors are those of placing');

-- ---- a large order ----

SELECT omni.receive_stock('W1', 'C', 2000000) > 0 AS received \g /dev/null
SELECT omni.place_order(pg_temp.document('L-1', jsonb_build_object('lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'C', 'quantity', 1 + g % 3, 'unit_price', '0.01'))
    FROM generate_series(1, 10000) g)))) AS l1 \gset
SELECT is((SELECT sum(allocated) FROM omni.order_line WHERE order_id = :l1), (SELECT sum(1 + g % 3) FROM generate_series(1, 10000) g), '10,000 lines');
SELECT is(jsonb_array_length(omni.order_document(:l1) -> 'lines'), 10000, 'all of them in the document');

SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'the stock is right');
SELECT is_empty($$ SELECT l.id FROM omni.order_line l WHERE l.allocated <> (SELECT COALESCE(sum(fl.quantity), 0) FROM omni.fulfilment_line fl
    JOIN omni.fulfilment f ON f.id = fl.fulfilment_id WHERE fl.order_line_id = l.id AND f.status = 'allocated') $$, 'what is allocated lies at a node');
SELECT is_empty($$ SELECT fl.* FROM omni.fulfilment_line fl JOIN omni.fulfilment f ON f.id = fl.fulfilment_id
    LEFT JOIN omni.reservation r ON r.id = fl.reservation_id WHERE f.status = 'allocated' AND r.quantity IS DISTINCT FROM fl.quantity $$, 'with a promise of its own');
SELECT * FROM finish();
