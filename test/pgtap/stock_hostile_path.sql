-- The functions that are not SECURITY DEFINER run their statements as the
-- owner all the same: a caller's search_path leads none of them astray, and a
-- caller needs no right on any table.
SELECT plan(13);
SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel (code, kind) VALUES ('web', 'web');
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES ('N', 'store', 1, 1);
INSERT INTO omni.item (sku) SELECT 'H' || g FROM generate_series(1, 9) g;
CREATE ROLE stock_hostile_admin;
CREATE ROLE stock_hostile_none;
SELECT omni.grant_access('stock_hostile_admin', 'admin');

-- every operator that the statements use, better matching than any cast
CREATE SCHEMA evil;
CREATE FUNCTION evil.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$;
CREATE FUNCTION evil.trap(integer, integer) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$;
CREATE FUNCTION evil.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$;
CREATE FUNCTION evil.trap(xid8, xid8) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$;
SELECT format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %2$s,'
              ' FUNCTION = evil.trap)', o, t)
FROM unnest('{=,<,>,>=,<=,<>}'::text[]) o,
     unnest('{bigint,integer,text,xid8}'::text[]) t
\gexec
CREATE TABLE evil.item (id bigint, sku text);
GRANT USAGE ON SCHEMA evil TO PUBLIC;

SET ROLE stock_hostile_admin;
SET search_path = evil, pg_catalog;
SELECT omni.receive_stock('N', 'H1', 10) AS received \gset
SELECT omni.sell_stock('N', 'H1', 1, channel => 'web') AS sold \gset
SELECT omni.reserve_stock('H1', 2, 'N', ttl => '1 hour', channel => 'web') AS promised \gset
SELECT omni.reserve_stock('H1', 1, request => 'once') AS pooled \gset
SELECT omni.reserve_stock('H1', 1, request => 'once') AS again \gset
SELECT omni.reserve_lines('{H1,H1}', '{1,1}', '{N,NULL}') AS lines \gset
SELECT omni.available('H1', 'N') AS available \gset
SELECT count(*) AS stocked FROM omni.availability('{H1}') \gset
SELECT omni.pin_reservation(:pooled, 'N');
SELECT omni.release_reservation(:pooled);
RESET search_path;
SELECT current_user AS who \gset
RESET ROLE;

SELECT ok(:received > 0, 'receive_stock');
SELECT ok(:sold > 0, 'sell_stock');
SELECT ok(:promised > 0, 'reserve_stock');
SELECT is(:again, :pooled, 'a request');
SELECT is(cardinality(:'lines'::bigint[]), 2, 'reserve_lines');
SELECT is(:available, 4, 'available');
SELECT is(:stocked, 1, 'availability');
SELECT is(:'who'::text, 'stock_hostile_admin', 'and the caller is the caller again');

-- without a profile, and without EXECUTE
SET ROLE stock_hostile_none;
SELECT throws_ok($$ SELECT omni.reserve_stock('H1', 1, 'N') $$, '42501', NULL,
    'nobody else may call them');
RESET ROLE;
GRANT USAGE ON SCHEMA omni TO stock_hostile_none;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA omni TO stock_hostile_none;
SET ROLE stock_hostile_none;
SELECT throws_ok($$ SELECT omni.reserve_stock('H1', 1, 'N') $$, 'OM005', NULL,
    'EXECUTE alone is no access profile');
RESET ROLE;

-- an error in the middle gives the caller's rights back
SET ROLE stock_hostile_admin;
SELECT throws_ok($$ SELECT omni.reserve_stock('nothing', 1) $$, 'OM002', NULL,
    'an unknown sku');
SELECT throws_ok($$ INSERT INTO omni.stock_ledger SELECT * FROM omni.stock_ledger $$,
    '42501', NULL, 'after it the ledger is closed as before');
RESET ROLE;
SELECT is_empty($$ SELECT * FROM omni.verify_stock() $$, 'counters fit');
DROP SCHEMA evil CASCADE;
DROP OWNED BY stock_hostile_admin, stock_hostile_none;
DROP ROLE stock_hostile_admin, stock_hostile_none;
