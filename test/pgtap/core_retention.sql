-- omni.prune_history(): the feed forgets its oldest events, by whole ticks.
SELECT plan(40);

SELECT omni.adopt() AS era \gset
CREATE FUNCTION events(n int) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(omni_internal.write_event('a', 'thing', (SELECT last_value FROM omni_internal.feed_id_seq), NULL)) FROM generate_series(1, n) $$;
-- Prune, and wait; where one call has waited in vain the others do not.
CREATE TABLE late (at timestamptz);
CREATE FUNCTION prune_to(before timestamptz) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
    rest bigint := omni.prune_history(before,
        CASE WHEN EXISTS (SELECT FROM late) THEN interval '1 s' ELSE '40 s' END);
BEGIN
    INSERT INTO late SELECT now() WHERE rest <> 0;
    RETURN rest;
END
$$;
-- what is left to do, and where the feed starts then
CREATE FUNCTION prune(keep interval, OUT rest bigint, OUT start bigint) LANGUAGE plpgsql AS
$$
BEGIN
    rest := prune_to(omni_internal.clock() - keep);
    start := COALESCE((SELECT position FROM omni_internal.feed_start), 1);
END
$$;

CREATE TABLE bad(call text, code text, name text);
INSERT INTO bad VALUES
    ($$ SELECT omni.prune_history(NULL) $$, 'OM002', 'before must not be null'),
    ($$ SELECT omni.prune_history(now(), NULL) $$, 'OM002', 'nor timeout'),
    ($$ SELECT omni.prune_history(now(), '-1 s') $$, 'OM007', 'which must not be negative'),
    ($$ SELECT omni.limit_consumer(NULL, '1 day') $$, 'OM002', 'a consumer must be named'),
    ($$ SELECT omni.limit_consumer('nobody', '1 day') $$, 'OM002', 'and exist'),
    ($$ SELECT omni.limit_consumer('nobody', NULL) $$, 'OM002', 'a limit must not be null'),
    ($$ SELECT omni.limit_consumer('nobody', '-1 day') $$, 'OM007', 'nor negative');
SELECT throws_ok(call, code, NULL, name) FROM bad;
SELECT is(prune('0')::text, '(0,1)', 'an empty feed starts at position 1');

-- three ticks, a day apart: positions 1..5, 6..10, 11..15
SELECT events(5), omni.wait_for_tick() AS position \gset
SELECT omni.wait_for_tick() AS position \gset
SELECT omni_internal.move_clock('1 day') AS clock \gset
SELECT events(5) AS n \gset
SELECT omni.wait_for_tick() AS position \gset
SELECT omni_internal.move_clock('1 day') AS clock \gset
SELECT events(5) AS n \gset
SELECT omni.wait_for_tick() AS position \gset
SELECT is((SELECT count(*) FROM omni.tick), 3::bigint, 'three ticks to begin with');
-- the ledger is folded up to the last of them, though it has no row
SELECT omni_internal.move_clock('0') AS clock \gset
DO $$
BEGIN
    FOR i IN 1 .. 2000 LOOP
        EXIT WHEN (SELECT tick FROM omni_internal.fold_state) = 3;
        PERFORM omni.wait_for_tick();
    END LOOP;
END $$;
CREATE TABLE before AS SELECT * FROM omni.event;
SELECT count(*) AS n FROM omni.read_events('slow') \gset
SELECT count(*) AS n FROM omni.read_events('quick') \gset
SELECT omni.ack_events('quick', 15) AS void \gset

SELECT is(prune('30 days')::text, '(0,1)', 'what is not old enough stays');
SELECT is(prune('0')::text, '(0,1)', 'what a consumer has not read stays');
SELECT is((SELECT count(*) FROM omni_internal.outbox), 15::bigint, 'and no row is gone');
SELECT omni.ack_events('slow', 7) AS void \gset
SELECT is(prune('1 hour')::text, '(0,6)', 'what all have read goes, by whole ticks');
SELECT results_eq($$ SELECT * FROM omni.event ORDER BY position $$, $$ SELECT * FROM before WHERE position >= 6 ORDER BY position $$, 'the view starts there, and the rest is what it was');
SELECT is((SELECT count(*) FROM omni_internal.outbox), 10::bigint, 'the rows are gone');
SELECT is((SELECT count(*) FROM omni_internal.tick_page), 2::bigint, 'with their pages');
SELECT is((SELECT min(id) FROM omni.tick), 1::bigint, 'the tick before the first that is kept stays');
SELECT is(prune('1 hour')::text, '(0,6)', 'once more: nothing happens');
SELECT is((SELECT count(*) FROM omni_internal.outbox), 10::bigint, 'nothing at all');
SELECT throws_ok($$ SELECT omni.ack_events('slow', 4) $$, 'OM014', 'events after position 4 are not kept any more', 'one cannot rewind before the start');
SELECT lives_ok($$ SELECT omni.ack_events('slow', 5) $$, 'but to it');
SELECT results_eq($$ SELECT * FROM omni.read_events('slow') $$, $$ SELECT * FROM before WHERE position >= 6 ORDER BY position $$, 'and read on');
SELECT results_eq($$ SELECT min(position), count(*) FROM omni.read_events('new') $$, $$ VALUES (6::bigint, 10::bigint) $$, 'a new consumer starts at the oldest event kept');
SELECT omni.drop_consumer('new') AS void \gset

-- what has not committed is not seen
BEGIN;
SELECT omni.ack_events('slow', 15) AS void \gset
SELECT is(prune('1 hour')::text, '(0,6)', 'what is read by a transaction that is open is not read yet');
ROLLBACK;

-- a consumer past its limit
SELECT omni.limit_consumer('slow', '200000 years') AS void \gset
SELECT is(prune('1 hour')::text, '(0,6)', 'a limit may lie before the beginning of time');
SELECT omni.limit_consumer('slow', '12 hours') AS void \gset
-- as long as nobody waits for it the caller is told how much is to be done
SELECT ok(omni.prune_history(omni_internal.clock() - interval '1 hour', '0') IN (0, 5), 'a call that does not wait says what is left');
SELECT is(prune('1 hour')::text, '(0,11)', 'a consumer past its limit is not waited for');
SELECT throws_ok($$ SELECT * FROM omni.read_events('slow') $$, 'OM014', 'events that consumer "slow" has not acknowledged are not kept any more', 'and is told');
CREATE FUNCTION hint_of(call text, OUT hint text) LANGUAGE plpgsql AS
$$
BEGIN
    EXECUTE call;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
END
$$;
SELECT is(hint_of($$ SELECT * FROM omni.read_events('slow') $$), $$To go on from there, run: SELECT omni.ack_events('slow', 10);$$, 'from where it can go on');
SELECT omni.ack_events('slow', 10) AS void \gset
SELECT results_eq($$ SELECT * FROM omni.read_events('slow') $$, $$ SELECT * FROM before WHERE position >= 11 ORDER BY position $$, 'which it does');

-- the last tick stays, and the feed goes on
SELECT omni.drop_consumer('slow') AS void \gset
SELECT omni_internal.move_clock('90 days') AS clock \gset
SELECT is(prune('0')::text, '(0,11)', 'the last tick is kept, however old');
SELECT is(prune_to('infinity'), 0::bigint, 'whatever was asked for');
SELECT events(1) AS n \gset
SELECT omni.wait_for_tick() AS position \gset
SELECT results_eq($$ SELECT position FROM omni.event ORDER BY 1 $$, $$ SELECT generate_series(11::bigint, 16) $$, 'positions go on');

-- many ticks, in many batches
DO $$
BEGIN
    FOR i IN 1 .. 8 LOOP
        PERFORM events(700);
        COMMIT;
        PERFORM omni.wait_for_tick();
        COMMIT;
    END LOOP;
END $$;
SELECT omni.ack_events('quick', (SELECT max(position) FROM omni.event)) AS void \gset
DO $$
BEGIN
    FOR i IN 1 .. 2000 LOOP
        EXIT WHEN (SELECT tick FROM omni_internal.fold_state) = (SELECT max(id) FROM omni.tick);
        PERFORM omni.wait_for_tick();
    END LOOP;
END $$;
SELECT is(prune_to('infinity'), 0::bigint, 'several batches, one call');
SELECT results_eq($$ SELECT count(*) FROM omni_internal.outbox $$, $$ SELECT count FROM omni.tick ORDER BY id DESC LIMIT 1 $$, 'the last tick''s rows are left');
SELECT is((SELECT count(*) FROM omni.tick), 2::bigint, 'with it and the one before');

-- requests that are older go too, but for those of the last day
INSERT INTO omni_internal.request (role_name, request, function, digest, recorded_at)
SELECT 'nobody', to_char(i, '00000'), 'f', '', omni_internal.clock() - i * interval '1 minute' FROM generate_series(1, 20000) i;
SELECT cmp_ok(pg_relation_size('omni_internal.request'), '>', 64 * 8192::bigint, 'more requests than go at once');
SELECT is(prune_to(omni_internal.clock() - interval '100 hours'), 0::bigint, 'they go last');
SELECT is((SELECT max(request) FROM omni_internal.request), to_char(5999, '00000'), 'those that are older');
SELECT prune_to('infinity') AS rest \gset
SELECT is((SELECT max(request) FROM omni_internal.request), to_char(1439, '00000'), 'none of the last day');
SELECT * FROM finish();
