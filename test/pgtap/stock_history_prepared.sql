-- Retention while transactions are prepared that close, open or move old
-- promises: nothing goes that one of them may still need, and what it decides
-- is right before and after the batches.
SELECT plan(32);
SELECT omni.adopt() AS era \gset
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES ('N', 'store', 1, 1), ('M', 'store', 2, 2);
INSERT INTO omni.item (sku) VALUES ('A'), ('B');
CREATE FUNCTION settle() RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM omni.wait_for_tick();
    PERFORM omni_internal.move_clock('0');
    FOR i IN 1 .. 2000 LOOP
        EXIT WHEN (SELECT tick FROM omni_internal.fold_state) = (SELECT max(id) FROM omni.tick);
        PERFORM omni.wait_for_tick();
    END LOOP;
END
$$;
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
CREATE TABLE promise (name text, id bigint);
CREATE FUNCTION rows_of(name text) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM omni.stock_ledger WHERE reservation =
    (SELECT id FROM promise p WHERE p.name = rows_of.name) $$;
CREATE FUNCTION state() RETURNS TABLE(what text, value text) LANGUAGE sql AS
$$
    SELECT 'available ' || sku || ' ' || COALESCE(node, 'pool'), omni.available(sku, node)::text
    FROM (VALUES ('A', NULL), ('A', 'N'), ('A', 'M'), ('B', NULL)) v(sku, node)
    UNION ALL SELECT 'stock_now', s::text FROM omni.stock_now s
    UNION ALL SELECT 'reservation', r::text FROM omni.reservation r
    UNION ALL SELECT 'verify', v::text FROM omni.verify_stock() v
$$;

-- old promises, folded; then transactions that are prepared on them
SELECT omni.receive_stock('N', 'A', 100) AS a \gset
SELECT omni.receive_stock('M', 'A', 100) AS a \gset
SELECT omni.receive_stock('N', 'B', 10) AS a \gset
INSERT INTO promise SELECT name, omni.reserve_stock('A', 1, node, NULL, name) AS id
    FROM (VALUES ('commit', 'N'), ('rollback', 'N'), ('pin', NULL), ('pin back', NULL),
        ('other', 'M'), ('gone', 'M')) v(name, node);
SELECT settle() AS a \gset
SELECT omni.release_reservation((SELECT id FROM promise WHERE name = 'gone')) AS a \gset
BEGIN;
SELECT omni.release_reservation((SELECT id FROM promise WHERE name = 'commit')) AS a \gset
SELECT omni.sell_stock('N', 'A', 5) AS a \gset
SELECT omni.reserve_stock('A', 10, 'M', '10 days', 'new') AS a \gset
PREPARE TRANSACTION 'history commit';
BEGIN;
SELECT omni.consume_reservation((SELECT id FROM promise WHERE name = 'rollback')) AS a \gset
SELECT omni.receive_stock('N', 'A', 50) AS a \gset
PREPARE TRANSACTION 'history rollback';
BEGIN;
SELECT omni.pin_reservation((SELECT id FROM promise WHERE name = 'pin'), 'M') AS a \gset
PREPARE TRANSACTION 'history pin';
BEGIN;
SELECT omni.pin_reservation((SELECT id FROM promise WHERE name = 'pin back'), 'M') AS a \gset
PREPARE TRANSACTION 'history pin back';
-- the feed goes on, over many ticks, while they are open
DO $$
BEGIN
    FOR i IN 1 .. 5 LOOP
        PERFORM omni.receive_stock('N', 'B', 1);
        COMMIT;
        PERFORM omni.wait_for_tick();
        COMMIT;
    END LOOP;
END $$;
SELECT settle() AS a \gset
CREATE TABLE before AS SELECT * FROM state();
SELECT is((SELECT count(*) FROM before WHERE what = 'verify'), 0::bigint, 'nothing is wrong before');

SELECT is(prune_to('infinity'), 0::bigint, 'history goes, and waits for no prepared transaction');
SELECT is(rows_of('gone'), 0::bigint, 'a promise that nobody has touched goes');
SELECT is(rows_of('commit'), 1::bigint, 'one that is being released stays');
SELECT is(rows_of('rollback'), 1::bigint, 'or consumed');
SELECT is(rows_of('pin'), 1::bigint, 'or pinned');
SELECT is(rows_of('other'), 1::bigint, 'and one that is open');
SELECT bag_eq('SELECT * FROM state()', 'SELECT * FROM before', 'all else is as it was');
SELECT is(omni.reload_stock() > 0, true, 'also when counters are read anew');
SELECT bag_eq('SELECT * FROM state()', 'SELECT * FROM before', 'with what is in doubt');

-- they are decided
COMMIT PREPARED 'history commit';
ROLLBACK PREPARED 'history rollback';
COMMIT PREPARED 'history pin';
ROLLBACK PREPARED 'history pin back';
SELECT is(omni.available('A', 'N'), 94, 'five sold, one promise released, one not consumed');
SELECT is(omni.available('A', 'M'), 88, 'one pinned, ten promised, one open');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'decided');
-- their rows, written before those that are gone, have not been in the feed yet
SELECT is(prune_to('infinity'), 0::bigint, 'not folded yet, maybe');
SELECT is(rows_of('commit') IN (0, 2), true, 'a promise goes as a whole or not at all');
SELECT settle() AS a \gset
SELECT is((SELECT string_agg(kind, ' ' ORDER BY position) FROM omni.event
    WHERE position >= (SELECT max(first_position) FROM omni.tick WHERE count > 0)),
    'stock.release stock.sell stock.reserve stock.unpool stock.pin',
    'the feed tells of them, last of all');
CREATE TABLE decided AS SELECT * FROM state();
SELECT is((SELECT count(*) FROM decided WHERE what = 'verify'), 0::bigint, 'folded');
SELECT omni.receive_stock('N', 'B', 1) AS a \gset
SELECT settle() AS a \gset
SELECT is(prune_to('infinity'), 0::bigint, 'once more');
SELECT is(rows_of('commit'), 0::bigint, 'what was released goes, its first row too');
SELECT is(rows_of('rollback'), 1::bigint, 'what was not consumed stays');
SELECT is(rows_of('pin'), 3::bigint, 'what was pinned, with all rows');
SELECT is(rows_of('pin back'), 1::bigint, 'or not pinned');
SELECT bag_eq($$ SELECT * FROM state() WHERE what !~ '^stock_now|B' $$,
    $$ SELECT * FROM decided WHERE what !~ '^stock_now|B' $$, 'promises and availability as they were');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'proven by what is left');
SELECT is(omni.reload_stock() > 0, true, 'read anew');
SELECT bag_eq($$ SELECT * FROM state() WHERE what !~ '^stock_now|B' $$,
    $$ SELECT * FROM decided WHERE what !~ '^stock_now|B' $$, 'the same');
SELECT lives_ok(format('SELECT omni.consume_reservation(%s)', id), name || ' can be consumed')
    FROM promise WHERE name IN ('rollback', 'pin') ORDER BY name;

-- decided just before: its ids lie among those of pages that go, its rows do not
BEGIN;
SELECT omni.sell_stock('N', 'A', 1, 'late') AS a \gset
PREPARE TRANSACTION 'history late';
DO $$
BEGIN
    FOR i IN 1 .. 3 LOOP
        PERFORM omni.receive_stock('N', 'B', 1);
        COMMIT;
        PERFORM omni.wait_for_tick();
        COMMIT;
    END LOOP;
END $$;
SELECT settle() AS a \gset
COMMIT PREPARED 'history late';
SELECT is(prune_to('infinity'), 0::bigint, 'all around it goes');
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE reference = 'late'), 1::bigint,
    'a sale that has just been decided stays');
SELECT settle() AS a \gset
SELECT is((SELECT count(*) FROM omni.event WHERE kind = 'stock.sell'), 1::bigint,
    'and is told');
SELECT is_empty('SELECT * FROM omni.verify_stock()', 'in the end');
SELECT * FROM finish();
