-- The feed's contract: positions, consumers, the view.  Not in one transaction:
-- what a feed shows is what has committed.
SELECT plan(78);

SELECT omni.adopt() AS era \gset
CREATE FUNCTION event(kind text, n bigint, payload jsonb DEFAULT NULL)
RETURNS bigint LANGUAGE sql AS
$$ SELECT omni_internal.write_event($1, 'thing', $2, $3) $$;
CREATE FUNCTION events(kind text, first bigint, last bigint)
RETURNS bigint LANGUAGE sql AS
$$ SELECT count(event($1, n)) FROM generate_series($2, $3) n $$;

-- an empty feed
SELECT is_empty($$ SELECT * FROM omni.event $$, 'a fresh feed has no event');
SELECT is_empty($$ SELECT * FROM omni.read_events('main') $$, 'nor has a consumer any to read');
SELECT results_eq($$ SELECT name, role_name = current_user, position, acked_at FROM omni.consumer $$,
    $$ VALUES ('main', true, 0::bigint, NULL::timestamptz) $$,
    'the first read makes the consumer, before the first position');
SELECT lives_ok($$ SELECT omni.ack_events('main', 0) $$, 'position 0 of an empty feed can be acknowledged');
SELECT throws_ok($$ SELECT omni.ack_events('main', 1) $$, 'OM014',
    'position 1 is beyond the end of the feed', 'position 1 of an empty feed cannot');

-- what was committed has a position
BEGIN;
SELECT event('a.one', 1, '{"n": 1}') < event('a.two', 2) AS ordered \gset
SELECT ok(:'ordered', 'ids of events ascend');
SELECT is_empty($$ SELECT * FROM omni.event $$, 'an event is not in the feed before its commit');
COMMIT;
SELECT event('a.one', 3) AS id \gset
SELECT is(omni.wait_for_tick(), 3::bigint, 'after a tick the last position is the number of events');
SELECT results_eq($$ SELECT position, kind, entity, entity_id, payload FROM omni.event ORDER BY position $$,
    $$ VALUES (1::bigint, 'a.one', 'thing', 1::bigint, '{"n": 1}'::jsonb),
              (2, 'a.two', 'thing', 2, '{}'), (3, 'a.one', 'thing', 3, '{}') $$,
    'the view shows them by position');
SELECT results_eq($$ SELECT * FROM omni.read_events('main') $$,
    $$ SELECT * FROM omni.event ORDER BY position $$, 'a consumer reads the same');
SELECT results_eq($$ SELECT * FROM omni.read_events('main') $$,
    $$ SELECT * FROM omni.event ORDER BY position $$, 'and again, as long as it acknowledges nothing');
SELECT ok(occurred_at BETWEEN now() - interval '1 hour' AND clock_timestamp(), 'occurred_at is the time of the event')
    FROM omni.event WHERE position = 1;
SELECT is((SELECT count(*) FROM omni.tick), (SELECT max(id) FROM omni.tick), 'ticks are numbered without gaps');

-- an idle turn writes nothing
SELECT count(*) AS ticks, (SELECT xmin::text FROM omni.tick ORDER BY id DESC LIMIT 1) AS xmin FROM omni.tick \gset
SELECT is(omni.wait_for_tick(), 3::bigint, 'an idle turn answers with the same position');
SELECT is((SELECT count(*) FROM omni.tick), :ticks::bigint, 'and writes no tick');

-- acknowledging
SELECT results_eq($$ SELECT position FROM omni.read_events('main', 2) $$, ARRAY[1, 2]::bigint[], 'max_rows bounds a read');
SELECT omni.ack_events('main', 2) AS void \gset
SELECT results_eq($$ SELECT position FROM omni.read_events('main', 2) $$, ARRAY[3]::bigint[], 'reading goes on after what was acknowledged');
SELECT omni.ack_events('main', 3) AS void \gset
SELECT is_empty($$ SELECT * FROM omni.read_events('main') $$, 'until there is no more');
SELECT isnt((SELECT acked_at FROM omni.consumer WHERE name = 'main'), NULL, 'the time of acknowledging is kept');
SELECT results_eq($$ SELECT position FROM omni.read_events('other') $$, ARRAY[1, 2, 3]::bigint[], 'another consumer is not concerned, and starts at the oldest event');
SELECT omni.ack_events('main', 1) AS void \gset
SELECT results_eq($$ SELECT position FROM omni.read_events('main') $$, ARRAY[2, 3]::bigint[], 'acknowledging backwards rewinds');
SELECT throws_ok($$ SELECT omni.ack_events('main', 4) $$, 'OM014', 'position 4 is beyond the end of the feed', 'beyond the last position is an error');
SELECT results_eq($$ SELECT position FROM omni.read_events('main') $$, ARRAY[2, 3]::bigint[], 'which changes nothing');
BEGIN;
SELECT omni.ack_events('main', 3) AS void \gset
SELECT is_empty($$ SELECT * FROM omni.read_events('main') $$, 'one''s own acknowledgement counts at once');
ROLLBACK;
SELECT results_eq($$ SELECT position FROM omni.read_events('main') $$, ARRAY[2, 3]::bigint[], 'a rollback takes it back');

-- bad input: each error has its code, and changes nothing
CREATE TABLE bad(call text, code text, name text);
INSERT INTO bad VALUES
    ($$ SELECT * FROM omni.read_events(NULL) $$, 'OM002', 'a consumer must be named'),
    ($$ SELECT * FROM omni.read_events('') $$, 'OM007', 'by a name that is not empty'),
    ($$ SELECT * FROM omni.read_events('main', NULL) $$, 'OM002', 'max_rows must not be null'),
    ($$ SELECT * FROM omni.read_events('main', 0) $$, 'OM007', 'nor 0'),
    ($$ SELECT * FROM omni.read_events('main', -1) $$, 'OM007', 'nor negative'),
    ($$ SELECT * FROM omni.read_events('main', 1, ARRAY[NULL]::text[]) $$, 'OM007', 'kinds must not hold nulls'),
    ($$ SELECT * FROM omni.read_events('main', 1, '{{a},{b}}') $$, 'OM007', 'nor have two dimensions'),
    ($$ SELECT omni.ack_events(NULL, 1) $$, 'OM002', 'acknowledging needs a consumer'),
    ($$ SELECT omni.ack_events('main', NULL) $$, 'OM002', 'and a position'),
    ($$ SELECT omni.ack_events('nobody', 1) $$, 'OM002', 'and a consumer that exists'),
    ($$ SELECT omni.ack_events('main', -1) $$, 'OM014', 'and a position that is not negative'),
    ($$ SELECT omni.ack_events('main', 9223372036854775807) $$, 'OM014', 'and one that exists'),
    ($$ SELECT omni.drop_consumer('nobody') $$, 'OM002', 'what does not exist cannot be dropped'),
    ($$ SELECT omni_internal.write_event(NULL, 'thing', 1, NULL) $$, 'OM002', 'an event has a kind'),
    ($$ SELECT omni_internal.write_event('', 'thing', 1, NULL) $$, 'OM007', 'that is not empty'),
    ($$ SELECT omni_internal.write_event('a', NULL, 1, NULL) $$, 'OM002', 'and an entity'),
    ($$ SELECT omni_internal.write_event('a', 'thing', NULL, NULL) $$, 'OM002', 'and the entity''s id');
SELECT throws_ok(call, code, NULL, name) FROM bad;
SELECT is((SELECT count(*) FROM omni.consumer), 2::bigint, 'no consumer was made by them');

-- what was rolled back never has a position
BEGIN;
SELECT events('gone', 1, 3) AS n \gset
ROLLBACK;
BEGIN;
SELECT event('kept', 4) AS id \gset
SAVEPOINT s;
SELECT events('gone', 1, 3) AS n \gset
ROLLBACK TO s;
SAVEPOINT s;
SELECT event('kept', 5) AS id \gset
RELEASE s;
SELECT event('kept', 6) AS id \gset
COMMIT;
SELECT is(omni.wait_for_tick(), 6::bigint, 'rows of transactions and savepoints that were rolled back have no position');
SELECT results_eq($$ SELECT position, kind, entity_id FROM omni.event WHERE position > 3 ORDER BY position $$,
    $$ VALUES (4::bigint, 'kept', 4::bigint), (5, 'kept', 5), (6, 'kept', 6) $$, 'the others have, without gaps');

-- kinds
SELECT results_eq($$ SELECT position FROM omni.read_events('kinds', 100, '{a.two,kept}') $$, ARRAY[2, 4, 5, 6]::bigint[], 'a read of some kinds gives the positions that these have');
SELECT results_eq($$ SELECT position FROM omni.read_events('kinds', 2, '{a.two,kept}') $$, ARRAY[2, 4]::bigint[], 'max_rows counts these alone');
SELECT is_empty($$ SELECT * FROM omni.read_events('kinds', 100, '{}') $$, 'an empty list wants none');
SELECT is_empty($$ SELECT * FROM omni.read_events('kinds', 100, '{a}') $$, 'a kind is compared as a whole');

-- many pages, of a tick and of many
SELECT events('bulk', 7, 2506) AS n \gset
BEGIN;
SELECT event('rare', 2507) AS id \gset
SAVEPOINT s;
SELECT events('gone', 1, 300) AS n \gset
ROLLBACK TO s;
SELECT events('bulk', 2508, 2600) AS n \gset
COMMIT;
SELECT is(omni.wait_for_tick(), 2600::bigint, 'a tick of many events counts them');
SELECT ok(bool_and(count <= 1000), 'a page has 1,000 positions at most') FROM omni_internal.tick_page;
SELECT ok(count(*) > 0, 'a page ends where ids are far apart') FROM omni_internal.tick_page WHERE first_position = 2508;
SELECT results_eq($$ SELECT first_position FROM omni_internal.tick_page ORDER BY 1 $$,
    $$ SELECT 1 + COALESCE(sum(count) OVER (ORDER BY first_position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint
       FROM omni_internal.tick_page ORDER BY first_position $$, 'pages follow each other without gap');
-- entity_id is the position, by construction: so every way to read can be held to it
CREATE FUNCTION read_in_steps(step int, kinds text[]) RETURNS SETOF bigint LANGUAGE plpgsql AS
$$
DECLARE
    e record;
    n int;
BEGIN
    PERFORM count(*) FROM omni.read_events('steps', 1);
    PERFORM omni.ack_events('steps', 0);
    LOOP
        n := 0;
        FOR e IN SELECT * FROM omni.read_events('steps', step, kinds) LOOP
            IF e.position <> e.entity_id THEN
                RAISE 'position % has event %', e.position, e.entity_id;
            END IF;
            n := n + 1;
            RETURN NEXT e.position;
        END LOOP;
        EXIT WHEN n = 0;
        PERFORM omni.ack_events('steps', e.position);
    END LOOP;
END
$$;
SELECT results_eq(format('SELECT * FROM read_in_steps(%s, NULL)', step),
    'SELECT generate_series(1::bigint, 2600)', format('read in steps of %s, each event comes once and in order', step))
    FROM unnest(ARRAY[7, 100, 999, 1000, 1001, 5000]) step;
SELECT results_eq($$ SELECT * FROM read_in_steps(400, '{rare,a.one,bulk}') $$,
    $$ SELECT position FROM omni.event WHERE kind IN ('rare', 'a.one', 'bulk') ORDER BY position $$, 'so do those of some kinds');
SELECT results_eq($$ SELECT * FROM read_in_steps(1, '{rare,a.one}') $$, ARRAY[1, 3, 2507]::bigint[], 'and rare ones');
SELECT omni.ack_events('steps', 1234) AS void \gset
SELECT results_eq($$ SELECT position, entity_id FROM omni.read_events('steps', 3) $$,
    $$ VALUES (1235::bigint, 1235::bigint), (1236, 1236), (1237, 1237) $$, 'a read from the middle is exact');

-- the view
SELECT is((SELECT count(*) FROM omni.event WHERE position <> entity_id), 0::bigint, 'the view shows every event at its position');
SELECT is((SELECT count(*) FROM omni.event), 2600::bigint, 'and all of them');
SELECT results_eq($$ SELECT position, entity_id FROM omni.event WHERE position BETWEEN 999 AND 1009 $$,
    $$ SELECT n, n FROM generate_series(999::bigint, 1009) n $$, 'a range of positions');
SELECT results_eq($$ SELECT entity_id FROM omni.event WHERE 2598 < position $$, ARRAY[2599, 2600]::bigint[], 'a bound written the other way round');
SELECT results_eq($$ SELECT entity_id FROM omni.event ORDER BY position DESC LIMIT 2 $$, ARRAY[2600, 2599]::bigint[], 'the last events');
SELECT results_eq($$ SELECT entity_id FROM omni.event WHERE position < 2508 AND kind <> 'bulk' ORDER BY position DESC $$, ARRAY[2507, 6, 5, 4, 3, 2, 1]::bigint[], 'backwards over several pages');
SELECT results_eq($$ SELECT position FROM omni.event WHERE kind = 'rare' OR position = 2 ORDER BY 1 $$, ARRAY[2, 2507]::bigint[], 'a condition that cannot bound the range');
SELECT results_eq($$ SELECT position FROM omni.event WHERE kind = ANY ('{rare,a.two}') AND position >= 2.0 ORDER BY 1 $$, ARRAY[2, 2507]::bigint[], 'conditions of other types');
SELECT results_eq($$ SELECT p, (SELECT entity_id FROM omni.event WHERE position = p) FROM unnest('{5,NULL,2600,2601}'::bigint[]) p $$,
    $$ VALUES (5::bigint, 5::bigint), (NULL, NULL), (2600, 2600), (2601, NULL) $$, 'a position that comes from another table');
SELECT is((SELECT count(*) FROM omni.event WHERE position > 9223372036854775806), 0::bigint, 'bounds at the end of the type');
SELECT results_eq($$ SELECT min(position), max(position) FROM omni.event $$, $$ VALUES (1::bigint, 2600::bigint) $$, 'first and last position');
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
    line text;
    result text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
        result := result || line || E'\n';
    END LOOP;
    RETURN result;
END
$$;
SELECT alike(plan_of('SELECT * FROM omni.event WHERE position BETWEEN 3 AND 4'), 'Foreign Scan on feed (actual rows=2 %', 'rows outside of a range are not read');
SELECT alike(plan_of('SELECT * FROM omni.event ORDER BY position DESC LIMIT 1'), '%Foreign Scan on feed (actual rows=1 %', 'nor those behind a limit');
SELECT unalike(plan_of('SELECT * FROM omni.event ORDER BY position DESC LIMIT 1'), '%Sort%', 'nor sorted');

-- times
SELECT omni_internal.move_clock('-1 hour') AS clock \gset
SELECT event('late', 2601) AS id, omni.wait_for_tick() \gset
SELECT omni.wait_for_tick() AS position \gset
SELECT ok(bool_and(closed_at >= before), 'a clock that is set back does not take ticks back')
    FROM (SELECT closed_at, COALESCE(lag(closed_at) OVER (ORDER BY id), closed_at) AS before FROM omni.tick) t;

-- dropping a consumer
SELECT omni.drop_consumer('main') AS void \gset
SELECT is((SELECT count(*) FROM omni.consumer WHERE name = 'main'), 0::bigint, 'a consumer can be dropped');

SELECT * FROM finish();
