-- The queue of lines that wait for units: who is in it, whose turn it is, and
-- how it is served when units come in.
SELECT plan(70);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.channel(code, kind, may_refuse, priority) VALUES ('market', 'marketplace', false, 10);
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 44.9, -93.2), ('S2', 'store', 41.9, -87.6);
INSERT INTO omni.item(sku) SELECT i FROM unnest(ARRAY['A', 'B', 'C', 'D']) i;
-- an order: lines as {"sku": quantity}
CREATE FUNCTION pg_temp.place(id text, lines jsonb, options jsonb DEFAULT '{}', patch jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
    SELECT omni.place_order(jsonb_build_object('channel', 'web', 'currency', 'USD', 'external_id', id, 'options', '{"backorder": true}'::jsonb || options,
        'fulfilment', '{"kind": "ship", "address": {"country": "US", "latitude": 44.9, "longitude": -93.2}}'::jsonb,
        'lines', (SELECT jsonb_agg(jsonb_build_object('sku', key, 'quantity', value, 'unit_price', '1') ORDER BY key) FROM jsonb_each(lines))) || patch) $$;
CREATE FUNCTION pg_temp.queue() RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(concat_ws(' ', external_id, sku || open + backordered, CASE WHEN reason <> 'insufficient_stock' THEN reason END), ', ' ORDER BY priority DESC, placed_at, order_id, line), '') FROM omni.parked_line $$;
CREATE FUNCTION pg_temp.lines(id text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(i.sku || ' ' || concat_ws('/', l.open, l.backordered, l.allocated, l.cancelled) || COALESCE(' ' || l.reason, ''), ', ' ORDER BY l.line)
    FROM omni.order_line l JOIN omni.sales_order o ON o.id = l.order_id JOIN omni.item i ON i.id = l.item_id WHERE o.external_id = $1 $$;
CREATE FUNCTION pg_temp.order(id text) RETURNS bigint LANGUAGE sql AS $$ SELECT o.id FROM omni.sales_order o WHERE o.external_id = $1 $$;
CREATE FUNCTION pg_temp.events(id text) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(concat_ws(' ', substr(kind, 7), payload ->> 'units', payload ->> 'waiting'), ', ' ORDER BY e.id), '')
    FROM omni_internal.outbox e WHERE entity = 'order' AND entity_id = pg_temp.order($1) AND kind IN ('order.backordered', 'order.parked', 'order.unparked') $$;
CREATE FUNCTION pg_temp.receive(node text, sku text, n int) RETURNS bigint LANGUAGE sql AS $$ SELECT omni.receive_stock(node, sku, n) $$;
-- what has to hold at every moment
CREATE VIEW wrong AS
    SELECT l.id, 'waits and is not in the queue' AS what FROM omni.order_line l WHERE l.open + l.backordered > 0 AND NOT EXISTS (SELECT FROM omni_internal.parked_line p WHERE p.order_line_id = l.id)
    UNION ALL SELECT p.order_line_id, 'is in the queue and does not wait' FROM omni_internal.parked_line p JOIN omni.order_line l ON l.id = p.order_line_id WHERE l.open + l.backordered = 0
    UNION ALL SELECT p.order_line_id, 'is somebody else''s' FROM omni_internal.parked_line p JOIN omni.order_line l ON l.id = p.order_line_id JOIN omni.sales_order o ON o.id = l.order_id
        WHERE (p.order_id, p.item_id, p.priority, p.placed_at) IS DISTINCT FROM (o.id, l.item_id, o.priority, o.placed_at);

-- The worker serves the queue, too: what it must not see happens in one
-- transaction.  Later it has its turn.
BEGIN;

-- ---- who waits ----

SELECT pg_temp.receive('S1', 'A', 3) AS void \gset
SELECT pg_temp.place('m1', '{"A": 5}', '{"backorder": false}', '{"channel": "market"}') AS void \gset
SELECT is(pg_temp.lines('m1'), 'A 2/0/3/0 insufficient_stock', 'a marketplace has sold what nobody has: it stays open');
SELECT pg_temp.place('w1', '{"A": 2, "B": 1}') AS void \gset
SELECT pg_temp.place('w2', '{"B": 4}', '{"park": true, "backorder": false}') AS void \gset
SELECT is(pg_temp.queue(), 'm1 A2, w1 A2, w1 B1, w2 B4', 'all of it is in the queue, the channel''s priority first');
SELECT results_eq($$ SELECT external_id, channel, line, sku, open, backordered, reason, priority, attempts, since IS NOT NULL, last_tried_at IS NULL, next_try_at IS NULL FROM omni.parked_line ORDER BY order_id, line $$,
    $$ VALUES ('m1', 'market', 1, 'A', 2, 0, 'insufficient_stock', 10, 0, true, true, true), ('w1', 'web', 1, 'A', 0, 2, 'insufficient_stock', 0, 0, true, true, true),
        ('w1', 'web', 2, 'B', 0, 1, 'insufficient_stock', 0, 0, true, true, true), ('w2', 'web', 1, 'B', 4, 0, 'insufficient_stock', 0, 0, true, true, true) $$, 'with what, how many, why and since when');
SELECT is(omni.retry_parked(), 0::bigint, 'nothing has come in');
SELECT is((SELECT sum(attempts) FROM omni.parked_line), 0::bigint, 'so nothing was tried');

-- ---- priority, then age ----

SELECT pg_temp.receive('S2', 'A', 3) AS void \gset
SELECT is(omni.retry_parked(), 3::bigint, 'three units come in');
SELECT is(pg_temp.lines('m1'), 'A 0/0/5/0', 'the highest priority is served first');
SELECT is(pg_temp.lines('w1'), 'A 0/1/1/0 insufficient_stock, B 0/1/0/0 insufficient_stock', 'then the next, as far as it goes');
SELECT is(pg_temp.events('m1'), 'parked 2, unparked 2 0', 'the feed has it');
SELECT is(pg_temp.events('w1'), 'backordered 3, unparked 1 2', 'with what still waits');
SELECT is((SELECT count(*) FROM omni.fulfilment WHERE order_id = pg_temp.order('m1')), 2::bigint, 'another node sends the rest');
SELECT is((SELECT count(*) FROM omni.order_plan WHERE order_id = pg_temp.order('m1')), 2::bigint, 'and the plan says why');
SELECT is_empty('SELECT * FROM wrong', 'queue and lines agree');

-- the older one first, though it came in later: age is when the customer ordered
SELECT pg_temp.place('late', '{"C": 1}', '{}', '{"placed_at": "2026-11-02T10:00:00Z"}') AS void \gset
SELECT pg_temp.place('early', '{"C": 1}', '{}', '{"placed_at": "2026-11-01T10:00:00Z"}') AS void \gset
SELECT pg_temp.place('vip', '{"C": 1}', '{"priority": 1}', '{"placed_at": "2026-11-03T10:00:00Z"}') AS void \gset
SELECT pg_temp.place('patient', '{"C": 1}', '{"priority": -1}', '{"placed_at": "2026-10-01T10:00:00Z"}') AS void \gset
SELECT pg_temp.receive('S1', 'C', 1) AS void, omni.retry_parked() AS units \gset
SELECT is(pg_temp.lines('vip'), 'C 0/0/1/0', 'first comes who is important');
SELECT pg_temp.receive('S1', 'C', 1) AS void, omni.retry_parked() AS units \gset
SELECT is(pg_temp.lines('early'), 'C 0/0/1/0', 'then who has waited longest');
SELECT pg_temp.receive('S1', 'C', 1) AS void, omni.retry_parked() AS units \gset
SELECT is(pg_temp.lines('late'), 'C 0/0/1/0', 'then the next');
SELECT is(pg_temp.lines('patient'), 'C 0/1/0/0 insufficient_stock', 'and last who can wait');

-- a marketplace order may say that it can wait, too
SELECT pg_temp.place('m2', '{"C": 1}', '{"priority": 0}', '{"channel": "market"}') AS void \gset
SELECT is((SELECT priority FROM omni.sales_order WHERE id = pg_temp.order('m2')), 0, 'what the order says counts');
-- priorities change
SELECT omni.prioritise_order(pg_temp.order('patient'), 99) AS void \gset
SELECT is((SELECT external_id FROM omni.parked_line ORDER BY priority DESC, placed_at LIMIT 1), 'patient', 'somebody has lost his patience');
SELECT is((SELECT string_agg(payload::text, ' ') FROM omni_internal.outbox WHERE kind = 'order.prioritised' AND entity_id = pg_temp.order('patient')), '{"priority": 99}', 'which is told');
SELECT omni.prioritise_order(pg_temp.order('patient'), 99) AS void \gset
SELECT is((SELECT count(*) FROM omni_internal.outbox WHERE kind = 'order.prioritised'), 1::bigint, 'once');
SELECT pg_temp.receive('S1', 'C', 1) AS void, omni.retry_parked() AS units \gset
SELECT is(pg_temp.lines('patient'), 'C 0/0/1/0', 'and he is served');
SELECT omni.cancel_order(pg_temp.order('m2'), NULL) AS void \gset
SELECT throws_ok($$ SELECT omni.prioritise_order(pg_temp.order('m2'), 5) $$, 'OM004', NULL, 'a cancelled order waits for nothing');

-- 7 there, 11 ordered, 5 arrive: the 4 that were backordered are filled, and 1 is left
SELECT pg_temp.receive('S1', 'D', 7) AS void \gset
SELECT pg_temp.place('eleven', '{"D": 11}') AS void \gset
SELECT is(pg_temp.lines('eleven'), 'D 0/4/7/0 insufficient_stock', 'seven of eleven');
SELECT pg_temp.receive('S1', 'D', 5) AS void, omni.retry_parked() AS units \gset
SELECT is(pg_temp.lines('eleven'), 'D 0/0/11/0', 'the rest is filled');
SELECT is(omni.available('D'), 1, 'no more than that');
SELECT is(omni.retry_parked(), 0::bigint, 'and not twice');

-- ---- all or nothing, several items ----

SELECT omni.cancel_order(pg_temp.order(id), NULL) AS void FROM unnest(ARRAY['w1', 'w2', 'eleven']) id \g /dev/null
SELECT is(pg_temp.queue(), '', 'who is cancelled waits no more');
SELECT omni.adjust_stock('S1', 'D', -(SELECT omni.available('D')), 'lost') AS void, omni.set_stock('S1', 'A', 0) + omni.set_stock('S2', 'A', 0) AS void2 \gset
SELECT omni.set_stock(n, 'A', (SELECT reserved FROM omni.availability(ARRAY['A']) WHERE node = n)) FROM unnest(ARRAY['S1', 'S2']) n \g /dev/null
SELECT omni.set_stock('S1', 'D', 0) AS void \gset
SELECT pg_temp.place('whole', '{"A": 2, "B": 2}', '{"ship_complete": true}') AS void \gset
SELECT pg_temp.place('part', '{"A": 1}') AS void \gset
SELECT pg_temp.receive('S1', 'A', 1) AS void, omni.retry_parked() AS units \gset
SELECT is(pg_temp.lines('part'), 'A 0/0/1/0', 'what is of no use to the first goes to the second');
SELECT is(pg_temp.lines('whole') LIKE 'A 0/2/0/0 %, B 0/2/0/0 %', true, 'the first gets nothing yet');
SELECT is((SELECT string_agg(concat_ws(' ', attempts, last_tried_at IS NOT NULL, next_try_at - last_tried_at), ', ') FROM omni.parked_line WHERE external_id = 'whole'), '1 t 00:00:05, 1 t 00:00:05', 'it was tried once');
SELECT pg_temp.receive('S1', 'A', 2) AS void, omni.retry_parked() AS units \gset
SELECT pg_temp.receive('S2', 'B', 1) AS void, omni.retry_parked() AS units \gset
SELECT is((SELECT string_agg(concat_ws(' ', attempts, next_try_at - last_tried_at), ', ') FROM omni.parked_line WHERE external_id = 'whole'), '3 00:00:20, 3 00:00:20', 'tried again, each time later');
SELECT is(omni.available('A'), 2, 'nothing is kept that it cannot use');
SELECT pg_temp.receive('S2', 'B', 1) AS void, omni.retry_parked() AS units \gset
SELECT is(pg_temp.lines('whole'), 'A 0/0/2/0, B 0/0/2/0', 'then it gets all at once');
SELECT is(pg_temp.events('whole'), 'backordered 4, unparked 4 0', 'and is told once');

-- ---- what else keeps units from an order ----

SELECT pg_temp.place('pickup', '{"A": 1}', '{}', '{"fulfilment": {"kind": "pickup", "node": "S1"}}') AS void \gset
SELECT pg_temp.receive('S2', 'A', 1) AS void \gset
SELECT is(omni.retry_parked(), 0::bigint, 'units elsewhere are of no use to who picks up here');
SELECT is(pg_temp.lines('pickup'), 'A 0/1/0/0 insufficient_stock', 'so it waits');
SELECT pg_temp.receive('S1', 'A', 1) AS void, omni.retry_parked() AS units \gset
SELECT is(pg_temp.lines('pickup'), 'A 0/0/1/0', 'until there is one here');

UPDATE omni.item SET status = 'inactive' WHERE sku = 'A';
SELECT pg_temp.place('inactive', '{"A": 1}', '{"park": true}') AS void \gset
SELECT is(omni.retry_parked(), 0::bigint, 'nobody sells an inactive item');
SELECT is(pg_temp.queue(), 'inactive A1 inactive_item', 'the order waits for that');
UPDATE omni.item SET status = 'active' WHERE sku = 'A';
SELECT is(omni.retry_parked(), 1::bigint, 'until it is sold again');

UPDATE omni.node SET pickup = false WHERE code = 'S1';
SELECT pg_temp.place('closed', '{"D": 1}', '{"park": true}', '{"fulfilment": {"kind": "pickup", "node": "S1"}}') AS void \gset
SELECT pg_temp.receive('S1', 'D', 1) AS void \gset
SELECT is(omni.retry_parked(), 0::bigint, 'nothing is handed out at a node that does not');
SELECT is(pg_temp.queue(), 'closed D1 no_pickup', 'the order says why');
UPDATE omni.node SET pickup = true WHERE code = 'S1';
SELECT is(omni.retry_parked(), 1::bigint, 'until it does');

SELECT omni.set_stock('S1', 'A', (SELECT reserved FROM omni.availability(ARRAY['A']) WHERE node = 'S1')) AS void, omni.set_stock('S2', 'A', (SELECT reserved FROM omni.availability(ARRAY['A']) WHERE node = 'S2')) AS void2 \gset
SELECT omni.set_stock('S1', 'B', 5) AS void \gset
SELECT pg_temp.place('rejected', '{"B": 2}') AS void \gset
SELECT omni.reject_fulfilment(max(id), 'none') AS void FROM omni.fulfilment WHERE order_id = pg_temp.order('rejected') \gset
SELECT is(pg_temp.queue(), 'rejected B2 rejected', 'the only node gave it back: it waits');
SELECT is(omni.retry_parked(), 0::bigint, 'and is not sent there again');
SELECT is(pg_temp.queue(), 'rejected B2 rejected', 'the reason stays');
SELECT pg_temp.receive('S2', 'B', 2) AS void, omni.retry_parked() AS units \gset
SELECT is((SELECT string_agg(n.code || ' ' || f.status, ', ' ORDER BY f.id) FROM omni.fulfilment f JOIN omni.node n ON n.id = f.node_id WHERE order_id = pg_temp.order('rejected')), 'S1 rejected, S2 allocated', 'another node gets it');

-- a held order takes its turn
SELECT pg_temp.place('held', '{"A": 1}', '{"hold": ["payment"]}') AS void \gset
SELECT pg_temp.receive('S1', 'A', 1) AS void, omni.retry_parked() AS units \gset
SELECT is(pg_temp.lines('held'), 'A 0/0/1/0', 'a hold keeps nobody from being served');

-- parts are cancelled while it waits
SELECT pg_temp.place('less', '{"A": 5}') AS void \gset
SELECT omni.cancel_order_line(l.id, 2, NULL) AS void FROM omni.order_line l WHERE order_id = pg_temp.order('less') \gset
SELECT is(pg_temp.queue(), 'less A3', 'two fewer');
SELECT pg_temp.receive('S1', 'A', 9) AS void \gset
SELECT is(omni.retry_parked(), 3::bigint, 'just those that are still wanted');
SELECT is(pg_temp.lines('less'), 'A 0/0/3/2', 'as the line says');
SELECT omni.set_stock('S1', 'A', (SELECT reserved FROM omni.availability(ARRAY['A']) WHERE node = 'S1')) AS void \gset
SELECT pg_temp.place('none', '{"A": 5}') AS void \gset
SELECT omni.cancel_order_line(l.id, 5, NULL) AS void FROM omni.order_line l WHERE order_id = pg_temp.order('none') \gset
SELECT is(pg_temp.queue(), '', 'cancelled in whole, a line leaves the queue');

-- bounded
SELECT pg_temp.place('n' || g, '{"A": 1}') AS void FROM generate_series(1, 70) g \g /dev/null
SELECT pg_temp.receive('S1', 'A', 100) AS void \gset
SELECT is(omni.retry_parked(7), 7::bigint, 'at most as many orders as the call says');
SELECT is((SELECT count(*) FROM omni.parked_line), 63::bigint, 'the others wait');
SELECT is(omni.retry_parked(), 63::bigint, 'and have their turn');

SELECT is_empty('SELECT * FROM wrong', 'queue and lines still agree');
COMMIT;
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'the stock is right');

-- ---- the worker ----

CREATE FUNCTION pg_temp.wait_for(lines text, VARIADIC ids text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    LOOP
        PERFORM omni.wait_for_tick();
        SELECT string_agg(pg_temp.lines(id), '; ' ORDER BY n) INTO answer FROM unnest(ids) WITH ORDINALITY x(id, n);
        EXIT WHEN answer = lines OR clock_timestamp() > now() + interval '60 s';
    END LOOP;
    RETURN answer;
END $$;
SELECT omni.set_stock('S1', 'A', (SELECT reserved FROM omni.availability(ARRAY['A']) WHERE node = 'S1')) AS void, omni.set_stock('S2', 'A', (SELECT reserved FROM omni.availability(ARRAY['A']) WHERE node = 'S2')) AS void2 \gset
SELECT omni.set_stock(n, s, (SELECT COALESCE(sum(reserved), 0)::int FROM omni.availability(ARRAY[s]) WHERE node = n)) FROM unnest(ARRAY['S1', 'S2']) n, unnest(ARRAY['B', 'C', 'D']) s \g /dev/null
SELECT pg_temp.place('p1', '{"A": 2}') AS void, pg_temp.place('p2', '{"A": 2}') AS void2, pg_temp.place('p3', '{"A": 2}', '{"priority": 7}') AS void3 \gset
SELECT pg_temp.receive('S1', 'A', 3) AS void \gset
SELECT is(pg_temp.wait_for('A 0/0/2/0; A 0/1/1/0 insufficient_stock; A 0/2/0/0 insufficient_stock', 'p3', 'p1', 'p2'),
    'A 0/0/2/0; A 0/1/1/0 insufficient_stock; A 0/2/0/0 insufficient_stock', 'units come in: the worker serves the queue in its order');
SELECT omni.cancel_order(pg_temp.order('p3'), NULL) AS void \gset
SELECT is(pg_temp.wait_for('A 0/0/2/0; A 0/1/1/0 insufficient_stock', 'p1', 'p2'), 'A 0/0/2/0; A 0/1/1/0 insufficient_stock', 'what a cancelled order gives back, too');
-- the older wants B alone, the younger B and C: both come in at once
SELECT pg_temp.place('q1', '{"B": 1}') AS void, pg_temp.place('q2', '{"B": 1, "C": 1}') AS void2 \gset
BEGIN;
SELECT pg_temp.receive('S1', 'C', 1) AS void, pg_temp.receive('S1', 'B', 1) AS void2 \gset
COMMIT;
SELECT is(pg_temp.wait_for('B 0/0/1/0; B 0/1/0/0 insufficient_stock, C 0/0/1/0', 'q1', 'q2'), 'B 0/0/1/0; B 0/1/0/0 insufficient_stock, C 0/0/1/0', 'nobody is overtaken because of another item');
-- so many items that the worker does not ask about all of them at once: the
-- younger wants one of the first and the last, the older the last alone
INSERT INTO omni.item(sku) SELECT 'I' || g FROM generate_series(1, 400) g;
SELECT pg_temp.place('filler', (SELECT jsonb_object_agg('I' || g, 1) FROM generate_series(1, 400) g), '{"priority": -9}') AS void,
    pg_temp.place('r1', '{"I400": 1}') AS void2, pg_temp.place('r2', '{"I1": 1, "I400": 1}') AS void3 \gset
BEGIN;
SELECT pg_temp.receive('S1', 'I1', 1) AS void, pg_temp.receive('S1', 'I400', 1) AS void2 \gset
COMMIT;
SELECT is(pg_temp.wait_for('I400 0/0/1/0; I1 0/0/1/0, I400 0/1/0/0 insufficient_stock', 'r1', 'r2'), 'I400 0/0/1/0; I1 0/0/1/0, I400 0/1/0/0 insufficient_stock', 'nor where there are many');
-- an order that cannot be allocated for a reason of its own keeps nobody else waiting
SELECT pg_temp.place('poison', '{"C": 1}') AS poison, pg_temp.place('next', '{"C": 1}') AS next \gset
SELECT format('ALTER TABLE omni.fulfilment ADD CONSTRAINT poison CHECK (order_id <> %s)', :poison) \gexec
SELECT omni.cancel_order_line(l.id, 1, NULL) AS void FROM omni.order_line l JOIN omni.item i ON i.id = l.item_id WHERE l.order_id = pg_temp.order('q2') AND i.sku = 'B' \gset
SELECT pg_temp.receive('S1', 'C', 2) AS void \gset
SELECT is(pg_temp.wait_for('C 0/1/0/0 insufficient_stock; C 0/0/1/0', 'poison', 'next'), 'C 0/1/0/0 insufficient_stock; C 0/0/1/0', 'an error costs the order that has it alone');
SELECT cmp_ok((SELECT attempts FROM omni.parked_line WHERE external_id = 'poison'), '>', 0, 'and counts as a try');
SELECT throws_ok('SELECT omni.retry_parked()', '23514', NULL, 'who tries it by hand is told');
ALTER TABLE omni.fulfilment DROP CONSTRAINT poison;
SELECT omni_internal.move_clock(interval '16 minutes') AS t \gset
SELECT is(pg_temp.wait_for('C 0/0/1/0', 'poison'), 'C 0/0/1/0', 'when its cause is gone it is served');
-- what it could not use it tries again, though no more comes in
SELECT omni_internal.move_clock(interval '1 hour') AS t \gset
UPDATE omni.item SET status = 'inactive' WHERE sku = 'D';
SELECT pg_temp.place('later', '{"D": 1}', '{"park": true}') AS void, pg_temp.receive('S1', 'D', 1) AS void2 \gset
CREATE FUNCTION pg_temp.wait_attempts(id text, n int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        PERFORM omni.wait_for_tick();
        EXIT WHEN (SELECT attempts FROM omni.parked_line WHERE external_id = id) >= n OR clock_timestamp() > now() + interval '60 s';
    END LOOP;
    RETURN (SELECT attempts FROM omni.parked_line WHERE external_id = id) >= n;
END $$;
SELECT is(pg_temp.wait_attempts('later', 1), true, 'it is tried in vain');
UPDATE omni.item SET status = 'active' WHERE sku = 'D';
SELECT omni_internal.move_clock(interval '16 minutes') AS t \gset
SELECT is(pg_temp.wait_for('D 0/0/1/0', 'later'), 'D 0/0/1/0', 'and again later');
SELECT is_empty('SELECT * FROM wrong', 'queue and lines agree at the end');
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
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'and so does the stock');
SELECT * FROM finish();
