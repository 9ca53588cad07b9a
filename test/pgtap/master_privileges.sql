-- Who may read and change master data.
\set QUIET 1
SET client_min_messages = warning;
SELECT no_plan();

CREATE FUNCTION pg_temp.role_of(profile text) RETURNS text LANGUAGE sql AS
    $$ SELECT 'master_test_' || profile $$;
CREATE TEMP TABLE profile (profile text);
INSERT INTO profile SELECT unnest('{nobody,reader,channel,store,support,admin}'::text[]);
SELECT format('DROP ROLE IF EXISTS %I', pg_temp.role_of(profile)) FROM profile \gexec
SELECT format('CREATE ROLE %I', pg_temp.role_of(profile)) FROM profile \gexec
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.node(code, kind) VALUES ('S1', 'store');
INSERT INTO omni.item(sku) VALUES ('A');
INSERT INTO omni.item_code(code, sku) VALUES ('4006381333931', 'A');
SELECT omni.set_stock_policy('A', 'S1', 1) \g /dev/null
SELECT omni.adopt() \g /dev/null
SELECT omni.grant_access(pg_temp.role_of(profile)::name, profile,
    CASE profile WHEN 'channel' THEN 'web' END, CASE profile WHEN 'store' THEN 'S1' END)
FROM profile WHERE profile <> 'nobody' \g /dev/null

-- Nothing for PUBLIC.
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class AS c, aclexplode(c.relacl) AS a
        WHERE c.relname ~ '^(channel|node|item|item_code|stock_policy)(_id_seq)?$'
            AND c.relnamespace IN ('omni'::regnamespace) AND a.grantee = 0$$,
    'no relation of master data is PUBLIC''s');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc AS p
        WHERE p.prosrc ~ '^omni_master_'
            AND EXISTS (SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS a
                WHERE a.grantee = 0)$$,
    'no function of master data is PUBLIC''s');
SELECT cmp_ok((SELECT count(*) FROM pg_proc WHERE prosrc ~ '^omni_master_'), '>', 15::bigint,
    'there are some');

-- What a role may do, by trying it as that role.
CREATE FUNCTION pg_temp.try(profile text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text := 'fine';
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', pg_temp.role_of(profile));
    BEGIN
        EXECUTE statement;
        RAISE EXCEPTION SQLSTATE 'ZZ999';
    EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
        NULL;
    WHEN OTHERS THEN
        state := SQLSTATE;
    END;
    EXECUTE 'RESET ROLE';
    RETURN state;
END $$;
SELECT is(pg_temp.try(profile, 'TABLE omni.' || t),
    CASE profile WHEN 'nobody' THEN '42501' ELSE 'fine' END,
    format('%s reads omni.%s', profile, t))
FROM profile, unnest('{channel,node,item,item_code,stock_policy}'::text[]) AS t;
SELECT is(pg_temp.try(profile, statement),
    CASE profile WHEN 'admin' THEN 'fine' ELSE '42501' END,
    format('%s: %s', profile, statement))
FROM profile, unnest(ARRAY[
    $$INSERT INTO omni.channel(code, kind) VALUES ('x', 'web')$$,
    $$INSERT INTO omni.node(code, kind) VALUES ('x', 'store')$$,
    $$INSERT INTO omni.item(sku) VALUES ('x')$$,
    $$INSERT INTO omni.item_code(code, sku) VALUES ('96385074', 'A')$$,
    $$UPDATE omni.channel SET name = 'x'$$,
    $$UPDATE omni.node SET safety = 1$$,
    $$UPDATE omni.item SET sku = 'x'$$,
    $$UPDATE omni.stock_policy SET safety = 9$$,
    $$DELETE FROM omni.item_code$$,
    $$DELETE FROM omni.stock_policy$$,
    $$DELETE FROM omni.item$$]) AS statement;
SELECT is(pg_temp.try(profile, $$SELECT omni.set_stock_policy('A', 'S1', 2)$$),
    CASE profile WHEN 'admin' THEN 'fine' ELSE '42501' END, profile || ' sets a stock policy')
FROM profile;
SELECT is(pg_temp.try(profile, $$SELECT omni.scan_barcode('4006381333931')$$),
    CASE profile WHEN 'nobody' THEN '42501' ELSE 'fine' END, profile || ' scans a barcode')
FROM profile;
SELECT is(pg_temp.try(profile, 'TRUNCATE omni.item_code'), '42501', profile || ' cannot TRUNCATE')
FROM profile;
SELECT is(pg_temp.try(profile, $$SELECT omni_internal.item_id('A')$$), '42501',
    profile || ' has no business with the maps')
FROM profile;

-- A right to change one table, without any profile, is enough for that table:
-- the triggers bring their own rights.
GRANT USAGE ON SCHEMA omni TO master_test_nobody;
GRANT SELECT, INSERT, UPDATE ON omni.stock_policy, omni.item TO master_test_nobody;
SELECT is(pg_temp.try('nobody', $$UPDATE omni.stock_policy SET safety = 3$$), 'fine',
    'a plain GRANT works, event and all');
SELECT is(pg_temp.try('nobody', $$INSERT INTO omni.item(sku) VALUES ('granted')$$), 'fine',
    'for items, too');
REVOKE ALL ON omni.stock_policy, omni.item FROM master_test_nobody;
REVOKE ALL ON SCHEMA omni FROM master_test_nobody;

-- Functions that lend rights pin their search_path.
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc AS p
        WHERE p.prosrc ~ '^omni_master_' AND p.prosecdef
            AND NOT 'search_path=pg_catalog, pg_temp' = ANY (COALESCE(p.proconfig, '{}'))$$,
    'SECURITY DEFINER goes with a pinned search_path');

SELECT omni.revoke_access(pg_temp.role_of(profile)::name, profile) FROM profile
WHERE profile <> 'nobody' \g /dev/null
SELECT format('DROP OWNED BY %I; DROP ROLE %I', pg_temp.role_of(profile), pg_temp.role_of(profile))
FROM profile \gexec
SELECT * FROM finish();
