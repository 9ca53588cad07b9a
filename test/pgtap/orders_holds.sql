-- Holds: what keeps an order from being fulfilled, and what it leaves alone.
SELECT plan(124);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('app', 'app');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 44.9, -93.2), ('S2', 'store', 41.9, -87.6);
INSERT INTO omni.item(sku) VALUES ('A');
SELECT omni.receive_stock(n, 'A', 100) > 0 AS received FROM unnest(ARRAY['S1', 'S2']) n \g /dev/null
CREATE SEQUENCE pg_temp.numbers;
CREATE FUNCTION pg_temp.document(kind text, options jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('channel', 'web', 'currency', 'USD', 'external_id', nextval('pg_temp.numbers')::text, 'options', options,
        'fulfilment', CASE kind WHEN 'ship' THEN '{"kind": "ship", "address": {"country": "US", "latitude": 44.9, "longitude": -93.2}}'::jsonb
            ELSE jsonb_build_object('kind', kind, 'node', 'S1') END,
        'lines', '[{"sku": "A", "quantity": 2, "unit_price": "1"}]'::jsonb) $$;
CREATE FUNCTION pg_temp.place(kind text, options jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$ SELECT omni.place_order(pg_temp.document(kind, options)) $$;
CREATE FUNCTION pg_temp.fulfilment(order_id bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT max(id) FROM omni.fulfilment f WHERE f.order_id = $1 $$;
CREATE FUNCTION pg_temp.holds(order_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(h ->> 'reason', ', ' ORDER BY n), '') FROM jsonb_array_elements(omni.order_document(order_id) -> 'holds') WITH ORDINALITY x(h, n) $$;
CREATE FUNCTION pg_temp.events(order_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(concat_ws(' ', substr(kind, 7), payload ->> 'reason', payload ->> 'holds', CASE payload ->> 'expired' WHEN 'true' THEN 'expired' END), ', ' ORDER BY id), '')
    FROM omni_internal.outbox WHERE entity = 'order' AND entity_id = $1 AND kind IN ('order.held', 'order.released') $$;

-- ---- an order that is placed on hold: payment has not come yet ----

SELECT pg_temp.document('ship', '{"hold": ["payment", "fraud"], "priority": 5}') AS document \gset
SELECT omni.place_order(:'document') AS o \gset
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT is(omni.place_order(:'document'), :o::bigint, 'the same document again: the same order');
SELECT throws_ok(format('SELECT omni.place_order(%L)', jsonb_set(:'document', '{options,hold}', '["payment"]')), 'OM003', NULL, 'another hold is another document');
SELECT throws_ok(format('SELECT omni.place_order(%L)', jsonb_set(:'document', '{options,priority}', '6')), 'OM003', NULL, 'and so is another priority');
SELECT is(pg_temp.holds(:o), 'payment, fraud', 'it is held for both reasons');
SELECT is(omni.order_document(:o) -> 'priority', '5', 'and has its priority');
SELECT is((SELECT string_agg(concat_ws(' ', reason, held_by = current_user, released_at), ', ' ORDER BY id) FROM omni.order_hold WHERE order_id = :o), 'payment t, fraud t', 'who held it is known');
SELECT is((SELECT status FROM omni.fulfilment WHERE id = :f), 'allocated', 'its units are allocated all the same');
SELECT is((SELECT reserved FROM omni.availability(ARRAY['A']) WHERE node = 'S1'), 2, 'and promised');
SELECT is(pg_temp.events(:o), 'held payment, held fraud', 'the feed says so');

-- no step towards the customer, whatever the state
SELECT throws_ok(format('SELECT omni.%s_fulfilment(%s)', step, :f), 'OM017', 'order ' || :o || ' is on hold', 'a held order: ' || step)
    FROM unnest(ARRAY['accept', 'pick', 'pack', 'ready', 'ship', 'collect']) step;
SELECT is((SELECT array_to_string(holds, ' ') FROM omni.work_list WHERE id = :f), 'payment fraud', 'the store''s work list says why');
CREATE FUNCTION pg_temp.error_of(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE call;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, detail, hint);
END $$;
SELECT is(pg_temp.error_of('SELECT omni.ship_fulfilment(' || :f || ')'),
    'OM017 | It is held for these reasons: payment, fraud. | Release it with omni.release_hold(' || :o || ', reason).', 'the error names reasons and remedy');

-- one reason goes, the other stays
SELECT is(omni.release_hold(:o, 'payment'), true, 'the payment came');
SELECT is(omni.release_hold(:o, 'payment'), false, 'again: nothing to do');
SELECT is(pg_temp.holds(:o), 'fraud', 'still held for fraud');
SELECT is(pg_temp.error_of('SELECT omni.accept_fulfilment(' || :f || ')') LIKE 'OM017 | It is held for these reasons: fraud.%', true, 'and the error says that alone');
SELECT is(omni.release_hold(:o, 'nonsense'), false, 'a reason that it is not held for');
SELECT is(omni.release_hold(:o, 'fraud'), true, 'the last one');
SELECT is(omni.order_document(:o) -> 'holds', '[]', 'no hold is left');
SELECT is((SELECT holds FROM omni.work_list WHERE id = :f), NULL, 'nor in the work list');
SELECT is(pg_temp.events(:o), 'held payment, held fraud, released payment 1, released fraud 0', 'each was told, with what is left');
SELECT lives_ok(format('SELECT omni.accept_fulfilment(%1$s), omni.pick_fulfilment(%1$s), omni.pack_fulfilment(%1$s)', :f), 'work goes on');

-- ---- held late: packed already, then the address turns out wrong ----

SELECT omni.hold_order(:o, 'address', 'ask for the flat') AS h \gset
SELECT is(omni.hold_order(:o, 'address', 'ask for the flat'), :h::bigint, 'the same call again: the same hold');
SELECT is(pg_temp.events(:o), 'held payment, held fraud, released payment 1, released fraud 0, held address', 'which is told once');
SELECT is(omni.hold_order(:o, 'address', 'asked twice'), :h::bigint, 'another note: still the same hold');
SELECT is((SELECT note FROM omni.order_hold WHERE id = :h), 'asked twice', 'with the new note');
SELECT throws_ok('SELECT omni.ship_fulfilment(' || :f || ')', 'OM017', NULL, 'it does not leave');
SELECT is((SELECT status FROM omni.fulfilment WHERE id = :f), 'packed', 'it is where it was');
SELECT omni.release_hold(:o, 'address') AS released \gset
SELECT lives_ok('SELECT omni.ship_fulfilment(' || :f || ')', 'released, it leaves');
SELECT throws_ok('SELECT omni.hold_order(' || :o || $$, 'fraud')$$, 'OM004', 'order ' || :o || ' is "completed" and cannot be held', 'too late to hold it');
SELECT is(omni.release_hold(:o, 'fraud'), false, 'releasing what has left does no harm');

-- ---- a hold blocks fulfilment, not allocation ----

SELECT pg_temp.place('ship', '{"hold": ["customer"]}') AS o \gset
SELECT lives_ok(format('SELECT omni.reject_fulfilment(%s, %L)', pg_temp.fulfilment(:o), 'no'), 'the node may give a held order back');
SELECT is((SELECT string_agg(status, ', ' ORDER BY id) FROM omni.fulfilment WHERE order_id = :o), 'rejected, allocated', 'it is planned again elsewhere');
SELECT lives_ok(format('SELECT omni.cancel_order_line(min(id), 1, NULL) FROM omni.order_line WHERE order_id = %s', :o), 'a unit is cancelled');
SELECT lives_ok(format('SELECT omni.cancel_order(%s, NULL)', :o), 'and the rest');
SELECT is((SELECT concat_ws(' ', status, holds) FROM omni.sales_order WHERE id = :o), 'cancelled 0', 'its holds end with it');
SELECT is((SELECT concat_ws(' ', released_at IS NOT NULL, released_by = current_user) FROM omni.order_hold WHERE order_id = :o), 't t', 'closed by who cancelled');
SELECT is(pg_temp.events(:o), 'held customer, released customer 0', 'held and released come in pairs');
SELECT is((SELECT sum(reserved) FROM omni.availability(ARRAY['A'])), 0::bigint, 'nothing stays promised');

-- picking up in a store
SELECT pg_temp.place('pickup') AS o \gset
SELECT pg_temp.fulfilment(:o) AS f \gset
SELECT omni.accept_fulfilment(:f), omni.pick_fulfilment(:f), omni.ready_fulfilment(:f) \g /dev/null
SELECT omni.hold_order(:o, 'identity') AS h \gset
SELECT throws_ok('SELECT omni.collect_fulfilment(' || :f || ')', 'OM017', NULL, 'nothing is handed over while it is held');
SELECT is((SELECT payload FROM omni_internal.outbox WHERE kind = 'order.held' AND entity_id = :o), jsonb_build_object('hold', :h::bigint, 'reason', 'other'), 'free text stays out of the feed');
SELECT omni.release_hold(:o, 'identity') AS released \gset
SELECT lives_ok('SELECT omni.collect_fulfilment(' || :f || ')', 'then it is');

-- one order's hold is no other's
SELECT pg_temp.place('ship') AS o \gset
SELECT pg_temp.place('ship') AS other \gset
SELECT omni.hold_order(:o, 'fraud') AS h \gset
SELECT lives_ok('SELECT omni.accept_fulfilment(' || pg_temp.fulfilment(:other) || ')', 'another order goes on');

-- ---- until a time ----

SELECT omni_internal.clock() AS t0 \gset
SELECT omni.hold_order(:o, 'payment', NULL, :'t0'::timestamptz + interval '1 day') AS h \gset
SELECT omni.release_hold(:o, 'fraud') AS released \gset
SELECT is(pg_temp.holds(:o), 'payment', 'held until tomorrow');
SELECT is(omni.order_document(:o) #>> '{holds,0,held_until}', to_char((:'t0'::timestamptz + interval '1 day') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'and the document says so');
SELECT throws_ok('SELECT omni.accept_fulfilment(' || pg_temp.fulfilment(:o) || ')', 'OM017', NULL, 'until then nothing is done');
BEGIN;
SELECT omni.hold_order(:other, 'payment', NULL, :'t0'::timestamptz + interval '1 day') AS other_h \gset
-- the clock counts, not the worker: of this transaction's hold it knows nothing
SELECT omni_internal.move_clock(interval '25 hours') AS t1 \gset
SELECT is(pg_temp.holds(:other), '', 'tomorrow it does not count');
SELECT is((SELECT holds FROM omni.work_list WHERE order_id = :other), NULL, 'nor in the work list');
SELECT lives_ok('SELECT omni.pick_fulfilment(' || pg_temp.fulfilment(:other) || ')', 'the order goes on by itself');
SELECT isnt(omni.hold_order(:other, 'payment'), :other_h::bigint, 'held again for that reason: another hold');
SELECT is(pg_temp.events(:other), 'held payment, released payment 0 expired, held payment', 'the first one has ended before');
ROLLBACK;
-- the worker closes what is over
CREATE FUNCTION pg_temp.wait_released(hold bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    LOOP
        PERFORM omni.wait_for_tick();
        SELECT concat_ws(' ', released_at = held_until, released_by IS NULL) INTO answer FROM omni.order_hold WHERE id = hold AND released_at IS NOT NULL;
        EXIT WHEN answer IS NOT NULL OR clock_timestamp() > now() + interval '60 s';
    END LOOP;
    RETURN answer;
END $$;
SELECT is(pg_temp.wait_released(:h), 't t', 'the worker closes the row, with the time at which it was over');
SELECT is(pg_temp.events(:o), 'held fraud, held payment, released fraud 1, released payment 0 expired', 'and tells it');
SELECT lives_ok('SELECT omni.accept_fulfilment(' || pg_temp.fulfilment(:o) || ')', 'the order goes on');
SELECT is(omni.release_hold(:o, 'payment'), false, 'nothing is left to release');

-- ---- what is wrong with a call ----

SELECT throws_ok(call, code, NULL, call) FROM (VALUES
    ('SELECT omni.hold_order(NULL, ''fraud'')', 'OM002'), ('SELECT omni.hold_order(1, NULL)', 'OM002'), ('SELECT omni.hold_order(999999, ''fraud'')', 'OM002'),
    ('SELECT omni.hold_order(' || :o || ', '''')', 'OM007'), ('SELECT omni.hold_order(' || :o || ', repeat(''x'', 256))', 'OM007'),
    ('SELECT omni.hold_order(' || :o || ', ''fraud'', NULL, ''2001-01-01'')', 'OM007'), ('SELECT omni.hold_order(' || :o || ', ''fraud'', NULL, ''-infinity'')', 'OM007'),
    ('SELECT omni.release_hold(NULL, ''fraud'')', 'OM002'), ('SELECT omni.release_hold(' || :o || ', NULL)', 'OM002'), ('SELECT omni.release_hold(999999, ''fraud'')', 'OM002'),
    ('SELECT omni.prioritise_order(NULL, 1)', 'OM002'), ('SELECT omni.prioritise_order(' || :o || ', NULL)', 'OM002'), ('SELECT omni.prioritise_order(999999, 1)', 'OM002'),
    ('SELECT omni.prioritise_order(' || :o || ', 1000001)', 'OM007'), ('SELECT omni.retry_parked(NULL)', 'OM002'), ('SELECT omni.retry_parked(0)', 'OM007')) v(call, code);
SELECT throws_ok(format('SELECT pg_temp.place(%L, %L)', kind, options), 'OM006', NULL, options) FROM (VALUES
    ('ship', '{"hold": "payment"}'), ('ship', '{"hold": [""]}'), ('ship', '{"hold": [null]}'), ('ship', '{"hold": ["a", "b", "a"]}'), ('ship', '{"hold": [1]}'),
    ('take_away', '{"hold": ["payment"]}'), ('ship', '{"priority": "high"}'), ('ship', '{"priority": 1.5}'), ('ship', '{"priority": 1000001}'), ('ship', '{"priority": -1000001}')) v(kind, options);
SELECT lives_ok(format('SELECT pg_temp.place(%L, %L)', kind, options), options) FROM (VALUES
    ('ship', '{"hold": []}'), ('take_away', '{"hold": []}'), ('ship', '{"priority": -1000000}'), ('ship', '{"priority": 1000000}'), ('take_away', '{"priority": 1}')) v(kind, options);
SELECT lives_ok(format('SELECT omni.plan_order(%L)', pg_temp.document('ship', '{"hold": ["payment"], "priority": 3}')), 'a dry run of a held order');

-- ---- who may ----

CREATE ROLE orders_holds_web;
CREATE ROLE orders_holds_app;
CREATE ROLE orders_holds_s1;
CREATE ROLE orders_holds_s2;
CREATE ROLE orders_holds_reader;
CREATE ROLE orders_holds_support;
CREATE ROLE orders_holds_support_app;
CREATE ROLE orders_holds_none;
SELECT omni.grant_access('orders_holds_web', 'channel', 'web'), omni.grant_access('orders_holds_app', 'channel', 'app'),
    omni.grant_access('orders_holds_s1', 'store', NULL, 'S1'), omni.grant_access('orders_holds_s2', 'store', NULL, 'S2'),
    omni.grant_access('orders_holds_reader', 'reader'), omni.grant_access('orders_holds_support', 'support'),
    omni.grant_access('orders_holds_support_app', 'support', 'app') \g /dev/null
SELECT pg_temp.place('pickup', '{"hold": ["fraud"]}') AS o \gset
CREATE FUNCTION pg_temp.call(role text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE 'SELECT ' || call INTO answer;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN COALESCE(answer, 'null');
WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.call('orders_holds_' || role, replace(call, '#', :'o')), expected, role || ': ' || call) FROM (VALUES
    ('web', $$omni.hold_order(#, 'x') > 0$$, 'true'), ('web', $$omni.release_hold(#, 'fraud')$$, 'true'), ('web', 'omni.prioritise_order(#, 1)', ''),
    ('app', $$omni.hold_order(#, 'x')$$, 'OM002'), ('app', $$omni.release_hold(#, 'fraud')$$, 'OM002'), ('app', 'omni.prioritise_order(#, 1)', 'OM002'),
    ('s1', $$omni.hold_order(#, 'x')$$, '42501'), ('s1', $$omni.release_hold(#, 'fraud')$$, '42501'),
    ('reader', $$omni.release_hold(#, 'fraud')$$, '42501'), ('none', $$omni.release_hold(#, 'fraud')$$, '42501'),
    ('support', $$omni.hold_order(#, 'x') > 0$$, 'true'), ('support', $$omni.release_hold(#, 'fraud')$$, 'true'), ('support_app', $$omni.release_hold(#, 'fraud')$$, 'OM002'),
    ('web', 'omni.retry_parked()', '42501'), ('support_app', 'omni.retry_parked()', 'OM005'), ('support', 'omni.retry_parked()', '0'),
    ('web', 'count(*) FROM omni.order_hold WHERE order_id = #', '1'), ('app', 'count(*) FROM omni.order_hold', '0'), ('s1', 'count(*) FROM omni.order_hold WHERE order_id = #', '1'),
    ('s2', 'count(*) FROM omni.order_hold WHERE order_id = #', '0'), ('reader', 'count(*) > 1 FROM omni.order_hold', 'true'), ('none', 'count(*) FROM omni.order_hold', '42501'),
    ('s1', 'array_to_string(holds, '','') FROM omni.work_list WHERE order_id = # AND node = ''S1''', 'fraud'), ('s2', 'count(*) FROM omni.work_list WHERE order_id = #', '0'),
    ('app', 'count(*) FROM omni.work_list', '0'), ('none', 'count(*) FROM omni.work_list', '42501'),
    ('web', 'count(*) FROM omni.parked_line', '0'), ('none', 'count(*) FROM omni.parked_line', '42501'), ('support', 'count(*) FROM omni_internal.parked_line', '42501'),
    ('support', $$1 FROM (SELECT 1) x; UPDATE omni.order_hold SET released_at = now()$$, '42501')) v(role, call, expected);

SELECT is_empty($$ SELECT o.id FROM omni.sales_order o WHERE o.holds <> (SELECT count(*) FROM omni.order_hold h WHERE h.order_id = o.id AND h.released_at IS NULL) $$, 'orders count their holds');
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'the stock is right');
DROP OWNED BY orders_holds_web, orders_holds_app, orders_holds_s1, orders_holds_s2, orders_holds_reader, orders_holds_support, orders_holds_support_app, orders_holds_none;
DROP ROLE orders_holds_web, orders_holds_app, orders_holds_s1, orders_holds_s2, orders_holds_reader, orders_holds_support, orders_holds_support_app, orders_holds_none;
SELECT * FROM finish();
