-- What an order costs: as given, rounded once per line, adding up.
SELECT plan(39);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 44.9, -93.2);
INSERT INTO omni.item(sku) VALUES ('A'), ('B'), ('C');
CREATE FUNCTION pg_temp.place(external_id text, patch jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT omni.order_document(omni.place_order('{"channel": "web", "currency": "USD", "fulfilment": {"kind": "take_away", "node": "S1"}}'::jsonb
        || jsonb_build_object('external_id', external_id) || patch)) $$;

-- each row: what is sent, the totals and the amounts of the lines that come back
CREATE TABLE cases(name text, patch jsonb, totals jsonb, lines jsonb);
INSERT INTO cases VALUES
    ('nothing but goods', '{"lines": [{"sku": "A", "quantity": 2, "unit_price": "19.99"}]}',
        '{"goods": "39.98", "discount": "0.00", "shipping": "0.00", "tax": "0.00", "fees": "0.00", "total": "39.98", "refunded": "0.00"}',
        '[["19.99", "39.98", "0.00", "0.00", "39.98"]]'),
    ('100 × 2, discount 20, tax 10 %', '{"lines": [{"sku": "A", "quantity": 2, "unit_price": "100", "tax": {"rate": "0.10"}}], "discounts": [{"code": "X", "amount": "20.00"}]}',
        '{"goods": "200.00", "discount": "20.00", "shipping": "0.00", "tax": "18.00", "fees": "0.00", "total": "198.00", "refunded": "0.00"}',
        '[["100.00", "200.00", "20.00", "18.00", "198.00"]]'),
    ('the same with the tax inside', '{"taxes_included": true, "lines": [{"sku": "A", "quantity": 2, "unit_price": "100", "tax": {"rate": "0.10"}}], "discounts": [{"amount": "20"}]}',
        '{"goods": "200.00", "discount": "20.00", "shipping": "0.00", "tax": "16.36", "fees": "0.00", "total": "180.00", "refunded": "0.00"}',
        '[["100.00", "200.00", "20.00", "16.36", "180.00"]]'),
    ('discounts of order and line, shipping, fees', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "10", "discounts": [{"amount": "1"}, {"code": "L", "amount": "2"}], "tax": {"amount": "0.70"}},
            {"sku": "B", "quantity": 3, "unit_price": "1"}], "discounts": [{"amount": "1"}], "shipping": {"amount": "5.00", "tax": {"rate": "0.2"}},
            "fees": [{"code": "bag", "amount": "0.25"}, {"code": "gift", "amount": "1"}]}',
        '{"goods": "13.00", "discount": "4.00", "shipping": "5.00", "tax": "1.70", "fees": "1.25", "total": "16.95", "refunded": "0.00"}',
        '[["10.00", "10.00", "3.70", "0.70", "7.00"], ["1.00", "3.00", "0.30", "0.00", "2.70"]]'),
    ('an order discount over three equal lines', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "10"}, {"sku": "B", "quantity": 1, "unit_price": "10"}, {"sku": "C", "quantity": 1, "unit_price": "10"}],
            "discounts": [{"amount": "10"}]}',
        '{"goods": "30.00", "discount": "10.00", "shipping": "0.00", "tax": "0.00", "fees": "0.00", "total": "20.00", "refunded": "0.00"}',
        '[["10.00", "10.00", "3.34", "0.00", "6.66"], ["10.00", "10.00", "3.33", "0.00", "6.67"], ["10.00", "10.00", "3.33", "0.00", "6.67"]]'),
    ('more discount than goods', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "10", "discounts": [{"amount": "15"}]}, {"sku": "B", "quantity": 1, "unit_price": "1"}],
            "discounts": [{"amount": "100"}], "shipping": {"amount": "5"}}',
        '{"goods": "11.00", "discount": "11.00", "shipping": "5.00", "tax": "0.00", "fees": "0.00", "total": "5.00", "refunded": "0.00"}',
        '[["10.00", "10.00", "10.00", "0.00", "0.00"], ["1.00", "1.00", "1.00", "0.00", "0.00"]]'),
    ('halves go to the even cent', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "0.125"}, {"sku": "B", "quantity": 1, "unit_price": "0.135"}, {"sku": "C", "quantity": 1, "unit_price": "0.1350001"}]}', NULL, NULL),
    ('halves go to the even cent ', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "0.125"}, {"sku": "B", "quantity": 1, "unit_price": "0.135"}, {"sku": "C", "quantity": 1, "unit_price": "0.125001"}]}',
        '{"goods": "0.39", "discount": "0.00", "shipping": "0.00", "tax": "0.00", "fees": "0.00", "total": "0.39", "refunded": "0.00"}',
        '[["0.125", "0.12", "0.00", "0.00", "0.12"], ["0.135", "0.14", "0.00", "0.00", "0.14"], ["0.125001", "0.13", "0.00", "0.00", "0.13"]]'),
    ('a line is rounded, not its unit', '{"lines": [{"sku": "A", "quantity": 1000, "unit_price": "0.333333"}]}',
        '{"goods": "333.33", "discount": "0.00", "shipping": "0.00", "tax": "0.00", "fees": "0.00", "total": "333.33", "refunded": "0.00"}',
        '[["0.333333", "333.33", "0.00", "0.00", "333.33"]]'),
    ('a currency without decimals', '{"currency": "JPY", "lines": [{"sku": "A", "quantity": 3, "unit_price": "99.5", "tax": {"rate": "0.08"}}]}',
        '{"goods": "298", "discount": "0", "shipping": "0", "tax": "24", "fees": "0", "total": "322", "refunded": "0"}',
        '[["99.5", "298", "0", "24", "322"]]'),
    ('a currency with three', '{"currency": "KWD", "lines": [{"sku": "A", "quantity": 3, "unit_price": "1.2345678"}], "fees": [{"code": "x", "amount": "0.001"}]}',
        '{"goods": "3.704", "discount": "0.000", "shipping": "0.000", "tax": "0.000", "fees": "0.001", "total": "3.705", "refunded": "0.000"}',
        '[["1.2345678", "3.704", "0.000", "0.000", "3.704"]]'),
    ('for nothing', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "0", "tax": {"rate": "0.1"}}], "discounts": [{"amount": "1"}]}',
        '{"goods": "0.00", "discount": "0.00", "shipping": "0.00", "tax": "0.00", "fees": "0.00", "total": "0.00", "refunded": "0.00"}',
        '[["0.00", "0.00", "0.00", "0.00", "0.00"]]'),
    ('trailing zeros', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "0001.500000000"}], "shipping": {"amount": "2.5000"}}',
        '{"goods": "1.50", "discount": "0.00", "shipping": "2.50", "tax": "0.00", "fees": "0.00", "total": "4.00", "refunded": "0.00"}',
        '[["1.50", "1.50", "0.00", "0.00", "1.50"]]'),
    ('a rate and an amount: the amount', '{"lines": [{"sku": "A", "quantity": 1, "unit_price": "10", "tax": {"rate": "0.10", "amount": "0.99"}}]}',
        '{"goods": "10.00", "discount": "0.00", "shipping": "0.00", "tax": "0.99", "fees": "0.00", "total": "10.99", "refunded": "0.00"}',
        '[["10.00", "10.00", "0.00", "0.99", "10.99"]]'),
    ('shipping with its tax inside', '{"taxes_included": true, "lines": [{"sku": "A", "quantity": 1, "unit_price": "12", "tax": {"rate": "0.2"}}], "shipping": {"amount": "6", "tax": {"rate": "0.2"}}}',
        '{"goods": "12.00", "discount": "0.00", "shipping": "6.00", "tax": "3.00", "fees": "0.00", "total": "18.00", "refunded": "0.00"}',
        '[["12.00", "12.00", "0.00", "2.00", "12.00"]]'),
    ('large amounts', '{"lines": [{"sku": "A", "quantity": 1000, "unit_price": "9000000000000"}]}',
        '{"goods": "9000000000000000.00", "discount": "0.00", "shipping": "0.00", "tax": "0.00", "fees": "0.00", "total": "9000000000000000.00", "refunded": "0.00"}',
        '[["9000000000000.00", "9000000000000000.00", "0.00", "0.00", "9000000000000000.00"]]');
DELETE FROM cases WHERE totals IS NULL;

CREATE TABLE answers AS SELECT name, pg_temp.place(name, patch) AS document, totals, lines FROM cases;
SELECT is(document -> 'totals', totals, name || ': totals') FROM answers;
SELECT is((SELECT jsonb_agg(jsonb_build_array(l -> 'unit_price', l -> 'goods', l -> 'discount', l -> 'tax', l -> 'total')) FROM jsonb_array_elements(document -> 'lines') l),
    lines, name || ': lines') FROM answers;

SELECT is_empty($$ SELECT o.id FROM omni.sales_order o WHERE o.goods <> (SELECT sum(goods) FROM omni.order_line WHERE order_id = o.id)
    OR o.discount <> (SELECT sum(discount) FROM omni.order_line WHERE order_id = o.id)
    OR o.tax <> o.shipping_tax + (SELECT sum(tax) FROM omni.order_line WHERE order_id = o.id)
    OR o.total <> o.shipping + o.fees + (SELECT sum(total) FROM omni.order_line WHERE order_id = o.id) + CASE WHEN taxes_included THEN 0 ELSE shipping_tax END $$,
    'lines add up to their order');

-- stored as given
SELECT omni.place_order('{"channel": "web", "currency": "USD", "external_id": "given", "fulfilment": {"kind": "take_away", "node": "S1"}, "coupons": ["XMAS", "X"],
    "lines": [{"sku": "A", "quantity": 1, "unit_price": "10", "discounts": [{"code": "L", "amount": "50.00"}]}], "discounts": [{"code": "O", "amount": "2"}, {"amount": "0"}],
    "fees": [{"code": "bag", "amount": "0.1"}], "tenders": [{"kind": "card", "reference": "tok_1", "amount": "3"}, {"kind": "cash", "amount": "1.5"}]}') AS given \gset
SELECT results_eq($$ SELECT discount, line, code, amount::text FROM omni.order_discount WHERE order_id = $$ || :given || ' ORDER BY 1',
    $$ VALUES (1, NULL, 'O', '2.00'), (2, NULL, NULL, '0.00'), (3, 1, 'L', '50.00') $$, 'discounts');
SELECT results_eq($$ SELECT fee, code, amount::text FROM omni.order_fee WHERE order_id = $$ || :given, $$ VALUES (1, 'bag', '0.10') $$, 'fees');
SELECT results_eq($$ SELECT tender, kind, reference, amount::text FROM omni.order_tender WHERE order_id = $$ || :given || ' ORDER BY 1',
    $$ VALUES (1, 'card', 'tok_1', '3.00'), (2, 'cash', NULL, '1.50') $$, 'tenders, which need not reach the total');
SELECT is((SELECT coupons FROM omni.sales_order WHERE id = :given), '{XMAS,X}', 'coupons');
SELECT omni.place_order('{"channel": "web", "currency": "USD", "external_id": "time", "placed_at": "2026-11-01T10:00:00.25+02:00",
    "fulfilment": {"kind": "take_away", "node": "S1"}, "lines": [{"sku": "A", "quantity": 1, "unit_price": "1"}]}') AS t \gset
SELECT is((SELECT placed_at FROM omni.sales_order WHERE id = :t), '2026-11-01 08:00:00.25+00', 'the time that the channel gave');
SET timezone = 'Asia/Tokyo';
SELECT is((SELECT omni.order_document(id) ->> 'placed_at' FROM omni.sales_order WHERE external_id = 'time'), '2026-11-01T08:00:00.250000Z', 'times are UTC, whatever the session''s zone');
RESET timezone;

-- a constraint holds the sums against the owner, too
SELECT throws_ok('UPDATE omni.sales_order SET total = total + 1', '23514', NULL, 'a total that does not add up');
SELECT throws_ok('UPDATE omni.sales_order SET refunded = total + 1', '23514', NULL, 'more refunded than paid');
SELECT * FROM finish();
