-- Whatever happens to orders, in whatever order: quantities add up, lines,
-- fulfilments and promises agree, stock is neither lost nor made.
SELECT plan(20);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.channel(code, kind, may_refuse) VALUES ('market', 'marketplace', false);
INSERT INTO omni.node(code, kind, latitude, longitude, safety) VALUES ('S1', 'store', 44.9, -93.2, 0), ('S2', 'store', 41.9, -87.6, 2), ('S3', 'store', 30, -90, 0), ('W1', 'warehouse', 39, -94, 0);
INSERT INTO omni.item(sku) SELECT 'I' || i FROM generate_series(1, 6) i;
SELECT setseed(0.4711) \g /dev/null

CREATE TABLE done(what text, answer text, n int, PRIMARY KEY (what, answer));
CREATE FUNCTION pg_temp.pick(VARIADIC anyarray) RETURNS anyelement LANGUAGE sql AS $$ SELECT $1[1 + floor(random() * cardinality($1))::int] $$;
CREATE FUNCTION pg_temp.wish() RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE floor(random() * 5)::int
        WHEN 0 THEN jsonb_build_object('kind', 'pickup', 'node', pg_temp.pick('S1'::text, 'S2', 'S3'))
        WHEN 1 THEN jsonb_build_object('kind', 'take_away', 'node', pg_temp.pick('S1'::text, 'S2', 'S3'))
        WHEN 2 THEN '{"kind": "ship", "address": {"country": "US"}}'::jsonb
        ELSE jsonb_build_object('kind', 'ship', 'address', jsonb_build_object('latitude', 30 + floor(random() * 15), 'longitude', -100 + floor(random() * 15))) END $$;
CREATE FUNCTION pg_temp.document(n int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('channel', pg_temp.pick('web'::text, 'market'), 'external_id', n::text, 'currency', 'USD', 'fulfilment', pg_temp.wish(),
        'options', jsonb_build_object('backorder', random() < 0.3, 'park', random() < 0.1, 'ship_complete', random() < 0.2, 'priority', floor(random() * 5) - 2)
            || CASE WHEN random() < 0.3 THEN jsonb_build_object('max_splits', floor(random() * 3)) ELSE '{}' END,
        'discounts', jsonb_build_array(jsonb_build_object('amount', floor(random() * 30)::text)),
        'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'I' || 1 + floor(random() * 6), 'quantity', 1 + floor(random() * 5), 'unit_price', round(random()::numeric * 20, 4)::text,
                'tax', '{"rate": "0.0725"}'::jsonb) || CASE WHEN random() < 0.2 THEN jsonb_build_object('fulfilment', pg_temp.wish()) ELSE '{}' END)
            FROM generate_series(1, 1 + floor(random() * 4)::int))) $$;
-- a random statement
CREATE FUNCTION pg_temp.action(n int, OUT what text, OUT call text) LANGUAGE plpgsql AS $$
DECLARE
    o bigint := 1 + floor(random() * (SELECT count(*) FROM omni.sales_order));
    f bigint;
BEGIN
    -- sorted before it is shuffled: the rows' places on disk must not matter
    SELECT id INTO f FROM (SELECT id FROM omni.fulfilment WHERE status NOT IN ('collected', 'shipped', 'cancelled') ORDER BY id) x ORDER BY random() LIMIT 1;
    what := pg_temp.pick('place'::text, 'place', 'place', 'receive', 'receive', 'receive', 'cancel', 'cancel_line', 'cancel_line', 'accept', 'accept', 'accept', 'accept', 'reject',
        'pick', 'pick', 'pick', 'pick_short', 'pack', 'pack', 'ship', 'ready', 'ready', 'collect', 'adjust', 'hold', 'release', 'release', 'prioritise', 'retry');
    IF what IN ('accept', 'pick', 'pick_short', 'pack', 'ship', 'ready', 'collect') AND random() < 0.8 THEN
        -- a step that has a chance
        SELECT id INTO f FROM (SELECT id FROM omni.fulfilment WHERE status = CASE what WHEN 'accept' THEN 'allocated' WHEN 'pick' THEN 'accepted' WHEN 'pick_short' THEN 'accepted' WHEN 'pack' THEN 'picked'
            WHEN 'ship' THEN 'packed' WHEN 'ready' THEN 'picked' ELSE 'ready' END ORDER BY id) x ORDER BY random() LIMIT 1;
    END IF;
    call := CASE what
        WHEN 'place' THEN format('omni.place_order(%L)', (SELECT CASE WHEN random() < 0.1 AND d::text NOT LIKE '%take_away%' THEN jsonb_set(d, '{options,hold}', '["payment"]') ELSE d END FROM pg_temp.document(n) d))
        WHEN 'receive' THEN format('omni.receive_stock(%L, %L, %s)', pg_temp.pick('S1'::text, 'S2', 'S3', 'W1'), 'I' || 1 + floor(random() * 6), 1 + floor(random() * 8))
        WHEN 'adjust' THEN format('omni.adjust_stock(%L, %L, %s, %L)', pg_temp.pick('S1'::text, 'S2', 'S3', 'W1'), 'I' || 1 + floor(random() * 6), -1 - floor(random() * 2), 'lost')
        WHEN 'cancel' THEN format('omni.cancel_order(%s, NULL)', o)
        WHEN 'cancel_line' THEN format('omni.cancel_order_line(%s, %s, NULL)', COALESCE((SELECT id FROM (SELECT id FROM omni.order_line ORDER BY id) x ORDER BY random() LIMIT 1), 1), 1 + floor(random() * 3))
        WHEN 'hold' THEN format('omni.hold_order(%s, %L, NULL, %s)', o, pg_temp.pick('payment'::text, 'fraud'), CASE WHEN random() < 0.3 THEN 'clock_timestamp() + interval ''0.1 s''' ELSE 'NULL' END)
        WHEN 'release' THEN format('omni.release_hold(%s, %L)', COALESCE((SELECT order_id FROM (SELECT order_id FROM omni.order_hold WHERE released_at IS NULL ORDER BY order_id) x ORDER BY random() LIMIT 1), o), pg_temp.pick('payment'::text, 'fraud'))
        WHEN 'prioritise' THEN format('omni.prioritise_order(%s, %s)', o, floor(random() * 5) - 2)
        WHEN 'retry' THEN format('omni.retry_parked(%s)', 1 + floor(random() * 20))
        WHEN 'reject' THEN format('omni.reject_fulfilment(%s, %L)', COALESCE(f::text, 'NULL'), 'no')
        WHEN 'pick_short' THEN format('omni.pick_fulfilment(%s, %L)', COALESCE(f::text, 'NULL'), (SELECT COALESCE(jsonb_agg(jsonb_build_object('line', l.line, 'quantity', floor(random() * (fl.quantity + 1)))), '[]')
            FROM (SELECT * FROM omni.fulfilment_line WHERE fulfilment_id = f AND quantity > 0 ORDER BY order_line_id) fl JOIN omni.order_line l ON l.id = fl.order_line_id WHERE random() < 0.8))
        ELSE format('omni.%s_fulfilment(%s)', what, COALESCE(f::text, 'NULL')) END;
END $$;
CREATE PROCEDURE pg_temp.run(n int) LANGUAGE plpgsql AS $$
DECLARE
    what text;
    call text;
    answer text;
BEGIN
    FOR i IN 1..n LOOP
        SELECT * INTO what, call FROM pg_temp.action(i);
        BEGIN
            EXECUTE 'SELECT ' || COALESCE(call, 'omni.order_document(NULL)');
            answer := 'ok';
            -- some are undone
            IF random() < 0.1 THEN
                RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDO0';
            END IF;
        EXCEPTION WHEN OTHERS THEN
            answer := SQLSTATE;
            IF answer NOT IN ('OM001', 'OM002', 'OM004', 'OM007', 'OM017', 'UNDO0') THEN
                RAISE WARNING '% %: % %', i, call, SQLSTATE, SQLERRM;
            END IF;
        END;
        INSERT INTO done VALUES (what, answer, 1) ON CONFLICT ON CONSTRAINT done_pkey DO UPDATE SET n = done.n + 1;
        IF i % 7 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END $$;
CALL pg_temp.run(4000);

SELECT is_empty($$ SELECT * FROM done WHERE answer NOT IN ('ok', 'OM001', 'OM002', 'OM004', 'OM007', 'OM017', 'UNDO0') $$, 'no other error than those that the contract has');
SELECT is((SELECT count(*) FROM done WHERE answer = 'ok'), (SELECT count(DISTINCT what) FROM done), 'every kind of call has succeeded');
SELECT cmp_ok((SELECT count(*) FROM omni.sales_order), '>', 200::bigint, 'many orders');
SELECT is((SELECT count(DISTINCT status) FROM omni.sales_order), 3::bigint, 'in every status');
SELECT is((SELECT count(DISTINCT (payload ->> 'kind', kind)) FROM omni_internal.outbox WHERE kind LIKE 'fulfilment.%'), 15::bigint, 'fulfilments have been in each of theirs');

SELECT is_empty($$ SELECT id FROM omni.order_line WHERE quantity <> open + backordered + allocated + picked + shipped + collected + cancelled $$, 'quantities add up');
SELECT is_empty($$
    SELECT l.id FROM omni.order_line l LEFT JOIN LATERAL (
        SELECT COALESCE(sum(fl.quantity) FILTER (WHERE f.status IN ('allocated', 'accepted')), 0) AS allocated,
            COALESCE(sum(fl.quantity) FILTER (WHERE f.status IN ('picked', 'packed', 'ready')), 0) AS picked,
            COALESCE(sum(fl.quantity) FILTER (WHERE f.status = 'shipped'), 0) AS shipped,
            COALESCE(sum(fl.quantity) FILTER (WHERE f.status = 'collected'), 0) AS collected
        FROM omni.fulfilment_line fl JOIN omni.fulfilment f ON f.id = fl.fulfilment_id WHERE fl.order_line_id = l.id) s ON true
    WHERE (l.allocated, l.picked, l.shipped, l.collected) IS DISTINCT FROM (s.allocated, s.picked, s.shipped, s.collected) $$, 'lines and fulfilments agree');
SELECT is_empty($$
    SELECT fl.* FROM omni.fulfilment_line fl JOIN omni.fulfilment f ON f.id = fl.fulfilment_id LEFT JOIN omni.reservation r ON r.id = fl.reservation_id
    WHERE f.status IN ('allocated', 'accepted', 'picked', 'packed', 'ready') AND fl.quantity > 0
        AND (r.quantity, r.node_id) IS DISTINCT FROM (fl.quantity, f.node_id) $$, 'what is under way has its promise');
SELECT is((SELECT count(*) FROM omni.reservation), (SELECT count(*) FROM omni.fulfilment_line fl JOIN omni.fulfilment f ON f.id = fl.fulfilment_id
    WHERE f.status IN ('allocated', 'accepted', 'picked', 'packed', 'ready') AND fl.quantity > 0), 'and nothing else is promised');
SELECT is_empty($$ SELECT o.id FROM omni.sales_order o JOIN (SELECT order_id, bool_or(open + backordered + allocated + picked > 0) AS live, bool_or(shipped + collected > 0) AS left
        FROM omni.order_line GROUP BY order_id) l ON l.order_id = o.id
    WHERE o.status <> CASE WHEN live THEN 'open' WHEN l.left THEN 'completed' ELSE 'cancelled' END $$, 'an order''s status says what its lines are');
SELECT is_empty($$ SELECT id FROM omni.order_line WHERE (open + backordered > 0) <> (reason IS NOT NULL) $$, 'what waits has a reason, and nothing else');
SELECT is_empty($$ SELECT l.id FROM omni.order_line l LEFT JOIN omni_internal.parked_line p ON p.order_line_id = l.id JOIN omni.sales_order o ON o.id = l.order_id
    WHERE (l.open + l.backordered > 0) <> (p.order_line_id IS NOT NULL) OR (p.order_id, p.item_id, p.priority, p.placed_at) IS DISTINCT FROM (o.id, l.item_id, o.priority, o.placed_at) AND p.order_line_id IS NOT NULL $$,
    'what waits is in the queue, and nothing else');
SELECT is_empty($$ SELECT o.id FROM omni.sales_order o WHERE o.holds <> (SELECT count(*) FROM omni.order_hold h WHERE h.order_id = o.id AND h.released_at IS NULL) OR o.holds > 0 AND o.status <> 'open' $$, 'orders count their holds, and end without');
SELECT is_empty($$ SELECT h.id FROM omni.order_hold h LEFT JOIN omni_internal.outbox e ON e.entity = 'order' AND e.entity_id = h.order_id AND e.payload -> 'hold' = to_jsonb(h.id)
    GROUP BY h.id HAVING count(*) FILTER (WHERE e.kind = 'order.held') = 0 OR count(*) FILTER (WHERE e.kind = 'order.released') <> count(DISTINCT h.released_at) $$, 'holds were told when they began and when they ended');
SELECT isnt_empty($$ SELECT FROM done WHERE answer = 'OM017' $$, 'held orders were not fulfilled');
SELECT is_empty($$ SELECT f.id FROM omni.fulfilment f WHERE status NOT IN ('cancelled', 'rejected') AND NOT EXISTS (SELECT FROM omni.fulfilment_line WHERE fulfilment_id = f.id AND quantity > 0) $$,
    'no fulfilment is empty');
SELECT is_empty($$ SELECT i.sku, a.node FROM omni.item i, LATERAL omni.availability(ARRAY[i.sku]) a JOIN omni.node n ON n.code = a.node
    WHERE a.on_hand <> (SELECT COALESCE(sum(quantity), 0) FROM omni.stock_ledger s WHERE s.item_id = i.id AND s.node_id = n.id) $$, 'stock is what the ledger says');
SELECT is((SELECT -sum(quantity) FROM omni.stock_ledger WHERE kind IN ('sell', 'consume')), (SELECT sum(shipped + collected) FROM omni.order_line), 'what left is what was shipped and collected');
SELECT is_empty($$ SELECT entity_id FROM omni_internal.outbox WHERE entity = 'order' AND kind = 'order.placed' GROUP BY 1 HAVING count(*) > 1
    UNION ALL SELECT o.id FROM omni.sales_order o WHERE NOT EXISTS (SELECT FROM omni_internal.outbox e WHERE e.entity = 'order' AND e.kind = 'order.placed' AND e.entity_id = o.id) $$, 'each order was announced once');
-- at rest, that is: the worker may be serving the queue
CREATE FUNCTION pg_temp.settle() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        EXIT WHEN clock_timestamp() > now() + interval '60 s' OR NOT EXISTS (SELECT FROM omni.verify_stock());
        PERFORM omni.wait_for_tick();
    END LOOP;
    RETURN true;
END $$;
SELECT pg_temp.settle() AS settled \gset
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'the stock is right');
SELECT * FROM finish();
