-- omni.set_cell(): ids of different cells never collide.
SELECT plan(19);

CREATE TABLE bad(call text, code text, name text);
INSERT INTO bad VALUES
    ($$ SELECT omni.set_cell(NULL) $$, 'OM002', 'a cell has a number'),
    ($$ SELECT omni.set_cell(-1) $$, 'OM007', 'that is not negative'),
    ($$ SELECT omni.set_cell(1024) $$, 'OM007', 'and below 1024');
SELECT throws_ok(call, code, NULL, name) FROM bad;

SELECT lives_ok($$ SELECT omni.set_cell(1023) $$, 'an empty database can be the last cell');
SELECT is((SELECT min(last_value) FROM pg_sequences WHERE schemaname IN ('omni', 'omni_internal')), NULL, 'no id was drawn by that');
SELECT is((SELECT count(*) FROM pg_sequences WHERE schemaname IN ('omni', 'omni_internal') AND pg_get_serial_sequence('omni.item', 'id') IS NOT NULL) > 1, true, 'there is more than one sequence');
SELECT lives_ok($$ SELECT omni.set_cell(0) $$, 'as long as it is empty, it can change');

-- setval() is not undone by a rollback: the next id is refused, not wrong
BEGIN;
SELECT omni.set_cell(8) AS void \gset
SELECT lives_ok($$ SELECT omni_internal.write_event('a', 'thing', 1, NULL) $$, 'ids of the new cell can be drawn at once');
ROLLBACK;
SELECT throws_ok($$ SELECT omni_internal.write_event('a', 'thing', 1, NULL) $$, 'OM008', NULL, 'after a rollback the sequences do not fit the cell, and no id is given');
SELECT lives_ok($$ SELECT omni.set_cell(5) $$, 'setting it repairs that');

BEGIN;
SELECT omni_internal.write_event('a', 'thing', 1, NULL) AS id \gset
SELECT is(:id::bigint, 5 * (1::bigint << 43) + 1, 'the first id of an event in cell 5');
INSERT INTO omni.item(sku) VALUES ('A') RETURNING id AS item \gset
SELECT is(:item::bigint, 5 * (1::bigint << 43) + 1, 'the first id of an item in cell 5');
SELECT throws_ok($$ SELECT omni.set_cell(6) $$, 'OM004', 'the cell can be set on an empty database only', 'one''s own uncommitted rows count');
ROLLBACK;

INSERT INTO omni.item(sku) VALUES ('A');
SELECT throws_ok($$ SELECT omni.set_cell(6) $$, 'OM004', 'the cell can be set on an empty database only', 'with an item the database is not empty');
SELECT is((SELECT cell FROM omni_internal.cell), 5, 'the number stays');
SELECT ok(id > 5 * (1::bigint << 43) AND id < 6 * (1::bigint << 43), 'and ids go on in the cell') FROM omni.item;
DELETE FROM omni.item;
SELECT omni.wait_for_tick() AS position \gset
SELECT throws_ok($$ SELECT omni.set_cell(6) $$, 'OM004', 'the cell can be set on an empty database only', 'nor is it when the feed has events');


SELECT setval('omni_internal.feed_id_seq', 6 * (1::bigint << 43) - 1, true) AS last \gset
SELECT throws_ok($$ SELECT omni_internal.write_event('a', 'thing', 1, NULL) $$, 'OM008', NULL, 'a cell that has used up its ids gives none of the next');
SELECT throws_ok($$ SELECT omni_internal.write_event('a', 'thing', 1, NULL) $$, 'OM008', NULL, 'however often one asks');

SELECT * FROM finish();
