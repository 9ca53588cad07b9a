-- availability() makes rows from one another: codes of all lengths, in any
-- order, and the numbers of each node are its own.
SELECT plan(3);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.node(code, kind, latitude, longitude)
SELECT v, 'store', 1, 1 FROM unnest(ARRAY['a', 'bb', 'c', 'ddd', repeat('e', 125), repeat('f', 126), repeat('g', 128), 'hh', 'i', 'Köln', 'jjjj']) v;
INSERT INTO omni.item(sku) VALUES ('S'), (repeat('T', 127)), ('UVW'), (repeat('X', 125));
SELECT count(omni.receive_stock(n.code, i.sku, (10 * n.id + i.id)::int)) AS a FROM omni.node n, omni.item i \gset
SELECT count(omni.reserve_stock(i.sku, (n.id + 1)::int, n.code)) AS a FROM omni.node n, omni.item i \gset
SELECT results_eq(
    $$ SELECT sku, node, on_hand, reserved, safety, available
       FROM omni.availability(ARRAY(SELECT sku FROM omni.item)) ORDER BY sku COLLATE "C", node COLLATE "C" $$,
    $$ SELECT i.sku, n.code, (10 * n.id + i.id)::int, (n.id + 1)::int, 0, (9 * n.id + i.id - 1)::int
       FROM omni.node n, omni.item i ORDER BY i.sku COLLATE "C", n.code COLLATE "C" $$,
    'each node''s numbers under its own code');
SELECT results_eq(
    $$ SELECT sku, node, available FROM omni.availability(ARRAY['S', 'UVW', 'S']) ORDER BY 1, 2, 3 $$,
    $$ SELECT x.sku, n.code, omni.available(x.sku, n.code) FROM unnest(ARRAY['S', 'UVW', 'S']) AS x(sku), omni.node n ORDER BY 1, 2, 3 $$,
    'as available() says, and a sku that comes twice comes twice');
SELECT is((SELECT count(*) FROM omni.availability('{}')), 0::bigint, 'no skus, no rows');
SELECT finish();
