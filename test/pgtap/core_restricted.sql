-- Who is asking (design: a profile's rights and no others) where the server
-- runs a role's code for somebody else: index expressions, materialized views.
SELECT plan(10);
SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel (code, kind) VALUES ('web', 'web'), ('pos', 'pos');
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES ('N', 'store', 1, 1);
INSERT INTO omni.item (sku) VALUES ('R1');
CREATE ROLE restricted_web;
SELECT omni.grant_access('restricted_web', 'channel', channel => 'web');
SELECT omni.receive_stock('N', 'R1', 10) AS received \gset
SELECT count(omni.place_order(jsonb_build_object('channel', c,
    'external_id', 'X', 'currency', 'USD',
    'fulfilment', '{"kind": "take_away", "node": "N"}'::jsonb,
    'lines', '[{"sku": "R1", "quantity": 1, "unit_price": "1.00"}]'::jsonb)))
    AS placed FROM unnest('{web,pos}'::text[]) c \gset

CREATE SCHEMA trap;
GRANT ALL ON SCHEMA trap TO restricted_web;
CREATE TABLE trap.other AS SELECT o.id FROM omni.sales_order o
    JOIN omni.channel c ON c.id = o.channel_id WHERE c.code = 'pos';
GRANT SELECT ON trap.other TO restricted_web;
SET ROLE restricted_web;
CREATE TABLE trap.loot (what text, value text);
CREATE FUNCTION trap.try(what text, query text) RETURNS void LANGUAGE plpgsql AS
    $$ DECLARE value text; BEGIN
        EXECUTE query INTO value;
        INSERT INTO trap.loot VALUES (what, value);
    EXCEPTION WHEN OTHERS THEN
        INSERT INTO trap.loot VALUES (what, sqlstate);
    END $$;
CREATE FUNCTION trap.take(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS
    $$ BEGIN
        PERFORM trap.try('orders', 'SELECT count(*) FROM omni.sales_order');
        PERFORM trap.try('document', 'SELECT omni.order_document(id) FROM trap.other');
        PERFORM trap.try('own', 'SELECT omni.available(''R1'', channel => ''web'')');
        PERFORM trap.try('other', 'SELECT omni.available(''R1'', channel => ''pos'')');
        PERFORM trap.try('sell', 'SELECT omni.sell_stock(''N'', ''R1'', 1, channel => ''pos'')');
        RETURN $1;
    END $$;
CREATE TABLE trap.bait (a integer);
CREATE INDEX ON trap.bait (trap.take(a));
INSERT INTO trap.bait VALUES (1);
CREATE MATERIALIZED VIEW trap.view AS SELECT trap.take(1) WITH NO DATA;
CREATE MATERIALIZED VIEW trap.orders AS SELECT channel_id FROM omni.sales_order
    WITH NO DATA;
TRUNCATE trap.loot;
RESET ROLE;

ANALYZE trap.bait;
SELECT results_eq($$ SELECT DISTINCT what, value FROM trap.loot ORDER BY 1 $$,
    $$ VALUES ('document', 'OM002'), ('orders', '1'), ('other', 'OM005'),
        ('own', '8'), ('sell', 'OM005') $$,
    'ANALYZE by a superuser lends the owner of the index no rights');
TRUNCATE trap.loot;
REFRESH MATERIALIZED VIEW trap.view;
SELECT results_eq($$ SELECT DISTINCT what, value FROM trap.loot ORDER BY 1 $$,
    $$ VALUES ('document', 'OM002'), ('orders', '1'), ('other', 'OM005'),
        ('own', '8'), ('sell', 'OM005') $$,
    'nor does REFRESH MATERIALIZED VIEW');
REFRESH MATERIALIZED VIEW trap.orders;
SELECT is((SELECT count(*) FROM trap.orders), 1::bigint,
    'a view holds what its owner may see, a superuser having refreshed it');
SET ROLE restricted_web;
REFRESH MATERIALIZED VIEW trap.orders;
RESET ROLE;
SELECT is((SELECT count(*) FROM trap.orders), 1::bigint, 'and she herself');
CREATE MATERIALIZED VIEW trap.mine AS SELECT omni.available('R1') AS units,
    (SELECT count(*) FROM omni.sales_order) AS orders;
SELECT results_eq('SELECT units, orders FROM trap.mine', 'VALUES (8, 2::bigint)',
    'a superuser''s own view sees all');
SET ROLE restricted_web;
SELECT throws_ok($$ SELECT omni.available('R1', channel => 'pos') $$, 'OM005',
    NULL, 'what was answered for others is not remembered');
SELECT is(omni.available('R1', channel => 'web'), 8, 'nor refused');
RESET ROLE;
SELECT is((SELECT count(*) FROM omni.stock_ledger WHERE actor = 'restricted_web'),
    0::bigint, 'nothing was written');
SELECT is(current_user::text, session_user::text, 'and everybody is who they were');
SELECT is((SELECT count(*) FROM omni.verify_stock()), 0::bigint, 'at rest');
DROP SCHEMA trap CASCADE;
DROP OWNED BY restricted_web;
DROP ROLE restricted_web;
