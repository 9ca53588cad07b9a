-- omni.prune_events(): the feed forgets its oldest events, by whole ticks.
SELECT plan(35);

SELECT omni.adopt() AS era \gset
CREATE FUNCTION events(n int) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(omni_internal.write_event('a', 'thing', (SELECT last_value FROM omni_internal.feed_id_seq), NULL)) FROM generate_series(1, n) $$;

CREATE TABLE bad(call text, code text, name text);
INSERT INTO bad VALUES
    ($$ SELECT omni.prune_events(NULL) $$, 'OM002', 'keep must not be null'),
    ($$ SELECT omni.prune_events('-1 day') $$, 'OM007', 'nor negative'),
    ($$ SELECT omni.prune_events('1 day', NULL) $$, 'OM002', 'max_rows must not be null'),
    ($$ SELECT omni.prune_events('1 day', 0) $$, 'OM007', 'nor 0'),
    ($$ SELECT omni.limit_consumer(NULL, '1 day') $$, 'OM002', 'a consumer must be named'),
    ($$ SELECT omni.limit_consumer('nobody', '1 day') $$, 'OM002', 'and exist'),
    ($$ SELECT omni.limit_consumer('nobody', NULL) $$, 'OM002', 'a limit must not be null'),
    ($$ SELECT omni.limit_consumer('nobody', '-1 day') $$, 'OM007', 'nor negative');
SELECT throws_ok(call, code, NULL, name) FROM bad;
SELECT is(omni.prune_events('0'), 1::bigint, 'an empty feed starts at position 1');

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
CREATE TABLE before AS SELECT * FROM omni.event;
SELECT count(*) AS n FROM omni.read_events('slow') \gset
SELECT count(*) AS n FROM omni.read_events('quick') \gset
SELECT omni.ack_events('quick', 15) AS void \gset

SELECT is(omni.prune_events('30 days'), 1::bigint, 'what is not old enough stays');
SELECT is(omni.prune_events('0'), 1::bigint, 'what a consumer has not read stays');
SELECT omni.ack_events('slow', 7) AS void \gset
SELECT is(omni.prune_events('1 hour'), 6::bigint, 'what all have read goes, by whole ticks');
SELECT results_eq($$ SELECT * FROM omni.event ORDER BY position $$, $$ SELECT * FROM before WHERE position >= 6 ORDER BY position $$, 'the view starts there, and the rest is what it was');
SELECT is((SELECT count(*) FROM omni_internal.outbox), 15::bigint, 'no row is deleted before the new start has committed');
SELECT throws_ok($$ SELECT omni.ack_events('slow', 4) $$, 'OM014', 'events after position 4 are not kept any more', 'one cannot rewind before the start');
SELECT lives_ok($$ SELECT omni.ack_events('slow', 5) $$, 'but to it');
SELECT results_eq($$ SELECT * FROM omni.read_events('slow') $$, $$ SELECT * FROM before WHERE position >= 6 ORDER BY position $$, 'and read on');
SELECT results_eq($$ SELECT min(position), count(*) FROM omni.read_events('new') $$, $$ VALUES (6::bigint, 10::bigint) $$, 'a new consumer starts at the oldest event kept');
SELECT omni.drop_consumer('new') AS void \gset

-- the rows behind the start, in batches
SELECT is(omni.prune_events('1 hour', 2), 6::bigint, 'the next call deletes a batch');
SELECT is((SELECT count(*) FROM omni_internal.outbox), 13::bigint, 'of as many rows as was said');
SELECT omni.prune_events('1 hour') AS start \gset
SELECT is((SELECT count(*) FROM omni_internal.outbox), 10::bigint, 'then all of them are gone');
SELECT is((SELECT count(*) FROM omni_internal.tick_page), 2::bigint, 'with their pages');
SELECT is((SELECT min(id) FROM omni.tick), 1::bigint, 'the tick before the first that is kept stays');
SELECT results_eq($$ SELECT * FROM omni.event ORDER BY position $$, $$ SELECT * FROM before WHERE position >= 6 ORDER BY position $$, 'nothing else has changed');
BEGIN;
SELECT omni.ack_events('slow', 15) AS void \gset
SELECT is(omni.prune_events('1 hour'), 11::bigint, 'the start moves');
SELECT is(omni.prune_events('1 hour'), 11::bigint, 'and moves once');
SELECT is((SELECT count(*) FROM omni_internal.outbox), 10::bigint, 'in one transaction nothing behind it is deleted');
ROLLBACK;
SELECT is((SELECT count(*) FROM omni.event), 10::bigint, 'a rollback takes the start back');

-- a consumer past its limit
SELECT omni.limit_consumer('slow', '12 hours') AS void \gset
SELECT is(omni.prune_events('1 hour'), 11::bigint, 'a consumer past its limit is not waited for');
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
SELECT is(omni.prune_events('0'), 11::bigint, 'the last tick is kept, however old');
SELECT omni.prune_events('0') AS start \gset
SELECT omni.prune_events('0') AS start \gset
SELECT events(1) AS n \gset
SELECT omni.wait_for_tick() AS position \gset
SELECT results_eq($$ SELECT position FROM omni.event ORDER BY 1 $$, $$ SELECT generate_series(11::bigint, 16) $$, 'positions go on');
SELECT * FROM finish();
