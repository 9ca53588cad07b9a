-- Access profiles: what each gives, who is asking, and that a right that is
-- taken away is gone.
SELECT plan(69);

SELECT omni.adopt() AS era \gset
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('app', 'app');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 1, 1), ('S2', 'store', 2, 2);
SELECT id AS web FROM omni.channel WHERE code = 'web' \gset
SELECT id AS app FROM omni.channel WHERE code = 'app' \gset
SELECT id AS s1 FROM omni.node WHERE code = 'S1' \gset
SELECT id AS s2 FROM omni.node WHERE code = 'S2' \gset

CREATE ROLE core_access_reader;
CREATE ROLE core_access_channel;
CREATE ROLE core_access_store;
CREATE ROLE core_access_support;
CREATE ROLE core_access_admin;
CREATE ROLE core_access_none;
CREATE ROLE "core_access ""odd"" Röle";
CREATE ROLE core_access_member IN ROLE core_access_channel;
CREATE ROLE core_access_noinherit NOINHERIT IN ROLE core_access_channel;
GRANT ALL ON SCHEMA public TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;

-- nothing without a profile
SELECT is_empty($$ SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'omni'
    WHERE has_function_privilege('core_access_none', p.oid, 'execute') AND p.proname IN
        ('read_events', 'ack_events', 'drop_consumer', 'limit_consumer', 'prune_events', 'grant_access', 'revoke_access',
         'refresh_access', 'set_cell', 'write_event', 'may', 'may_see_channel', 'may_see_node', 'may_see_person', 'feed_handler') $$,
    'PUBLIC may call nothing of the feed and of access');
SELECT is_empty($$ SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('omni', 'omni_internal') AND c.relkind IN ('r', 'v', 'f') AND has_table_privilege('core_access_none', c.oid, 'select,insert,update,delete') $$,
    'and read nothing');

-- bad input
CREATE TABLE bad(call text, code text, name text);
INSERT INTO bad VALUES
    ($$ SELECT omni.grant_access(NULL, 'reader') $$, 'OM002', 'a role must be named'),
    ($$ SELECT omni.grant_access('core_access_nobody', 'reader') $$, 'OM002', 'and exist'),
    ($$ SELECT omni.grant_access('public', 'reader') $$, 'OM002', 'PUBLIC is no role'),
    ($$ SELECT omni.grant_access('core_access_reader', NULL) $$, 'OM002', 'a profile must be named'),
    ($$ SELECT omni.grant_access('core_access_reader', 'king') $$, 'OM007', 'and exist'),
    ($$ SELECT omni.grant_access('core_access_reader', 'READER') $$, 'OM007', 'as it is written'),
    ($$ SELECT omni.grant_access('core_access_channel', 'channel', 'fax') $$, 'OM002', 'a channel must exist'),
    ($$ SELECT omni.grant_access('core_access_channel', 'channel', '') $$, 'OM002', 'an empty code is none'),
    ($$ SELECT omni.grant_access('core_access_store', 'store', NULL, 'S9') $$, 'OM002', 'a node must exist'),
    ($$ SELECT omni.revoke_access('core_access_reader', 'reader') $$, 'OM002', 'what a role does not have cannot be taken');
SELECT throws_ok(call, code, NULL, name) FROM bad;
SELECT is_empty($$ SELECT * FROM omni.access $$, 'none of them left anything');

-- granting
SELECT omni.grant_access('core_access_reader', 'reader') AS void \gset
SELECT omni.grant_access('core_access_channel', 'channel', 'web') AS void \gset
SELECT omni.grant_access('core_access_store', 'store', NULL, 'S1') AS void \gset
SELECT omni.grant_access('core_access_support', 'support') AS void \gset
SELECT omni.grant_access('core_access_admin', 'admin') AS void \gset
SELECT lives_ok($$ SELECT omni.grant_access('core_access "odd" Röle', 'reader') $$, 'names of roles are names, whatever they hold');
SELECT lives_ok($$ SELECT omni.grant_access('core_access_reader', 'reader') $$, 'granting twice is no error');
SELECT results_eq($$ SELECT role_name, profile, channel_id, node_id FROM omni.access WHERE role_name LIKE 'core_access\_%' ORDER BY role_name $$,
    format($$ VALUES ('core_access_admin', 'admin', NULL::bigint, NULL::bigint), ('core_access_channel', 'channel', %s, NULL),
        ('core_access_reader', 'reader', NULL, NULL), ('core_access_store', 'store', NULL, %s), ('core_access_support', 'support', NULL, NULL) $$, :'web', :'s1'),
    'the view shows who has what');

-- what each profile may call and read
CREATE TABLE expected(object text, profiles text);
INSERT INTO expected VALUES
    ('omni.read_events(text,integer,text[])', 'admin channel reader support'),
    ('omni.ack_events(text,bigint)', 'admin channel reader support'),
    ('omni.drop_consumer(text)', 'admin channel reader support'),
    ('omni.wait_for_tick(interval)', 'admin channel reader store support'),
    ('omni.limit_consumer(text,interval)', 'admin'),
    ('omni.prune_events(interval,integer)', 'admin'),
    ('omni.set_cell(integer)', 'admin'),
    ('omni.grant_access(name,text,text,text)', 'admin'),
    ('omni.revoke_access(name,text,text,text)', 'admin'),
    ('omni.refresh_access()', 'admin'),
    ('omni_internal.write_event(text,text,bigint,jsonb)', NULL),
    ('omni_internal.may_see_channel(bigint)', 'admin channel reader store support'),
    ('omni.event', 'admin channel reader support'),
    ('omni.tick', 'admin channel reader support'),
    ('omni.feed_timeline', 'admin channel reader support'),
    ('omni.consumer', 'admin channel reader support'),
    ('omni.access', 'admin'),
    ('omni_internal.outbox', NULL),
    ('omni_internal.feed', NULL),
    ('omni_internal.access', NULL);
SELECT is((SELECT string_agg(substr(rolname, 13), ' ' ORDER BY rolname COLLATE "C") FROM pg_roles
        WHERE rolname = ANY ('{core_access_reader,core_access_channel,core_access_store,core_access_support,core_access_admin}')
        AND CASE WHEN object LIKE '%(%' THEN has_function_privilege(rolname, object, 'execute') ELSE has_table_privilege(rolname, object, 'select') END),
    profiles, 'who may use ' || object)
    FROM expected;

-- it works for a role, with nothing more than that
SELECT omni.wait_for_tick() AS last \gset
SET ROLE core_access_reader;
SELECT isnt_empty($$ SELECT * FROM omni.event $$, 'a reader reads the view');
SELECT isnt_empty($$ SELECT * FROM omni.read_events('core_access', 1) $$, 'and as a consumer');
SELECT lives_ok($$ SELECT omni.ack_events('core_access', 1) $$, 'and acknowledges');
SELECT throws_ok($$ SELECT * FROM omni_internal.feed $$, '42501', NULL, 'but not what is behind the view');
SELECT throws_ok($$ UPDATE omni.consumer SET position = 0 $$, '42501', NULL, 'nor the consumer''s row');
SELECT throws_ok($$ SELECT omni.grant_access('core_access_reader', 'admin') $$, '42501', NULL, 'nor can it make itself an administrator');
SET search_path = public;
CREATE FUNCTION public.trap(xid8, xid8) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE OPERATOR public.>= (LEFTARG = xid8, RIGHTARG = xid8, FUNCTION = public.trap);
CREATE FUNCTION public.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE OPERATOR public.<= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = public.trap);
CREATE OPERATOR public.>= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = public.trap);
SET search_path = public, pg_catalog;
SELECT public.lives_ok($$ SELECT pg_catalog.count(*) FROM omni.event $$, 'a planted operator is not led to by the view');
SELECT public.lives_ok($$ SELECT pg_catalog.count(*) FROM omni.read_events('core_access') $$, 'nor by a read');
RESET search_path;
RESET ROLE;

-- consumers belong to the role that made them
SET ROLE core_access_support;
SELECT throws_ok($$ SELECT * FROM omni.read_events('core_access') $$, 'OM005', 'consumer "core_access" belongs to another role', 'another role''s consumer cannot be read by');
SELECT throws_ok($$ SELECT omni.ack_events('core_access', 1) $$, 'OM005', NULL, 'nor acknowledged');
SELECT throws_ok($$ SELECT omni.drop_consumer('core_access') $$, 'OM005', NULL, 'nor dropped');
SET ROLE core_access_admin;
SELECT lives_ok($$ SELECT omni.ack_events('core_access', 0) $$, 'an administrator may');
SET ROLE core_access_store;
SELECT throws_ok($$ SELECT * FROM omni.read_events('core_access') $$, '42501', NULL, 'a store does not read the feed');
RESET ROLE;
GRANT EXECUTE ON FUNCTION omni.read_events(text, integer, text[]) TO core_access_store;
SET ROLE core_access_store;
SELECT throws_ok($$ SELECT * FROM omni.read_events('core_access') $$, 'OM005', NULL, 'not even if it may call the function');
RESET ROLE;

-- what a policy asks
CREATE TABLE guarded(n int, channel bigint, node bigint);
INSERT INTO guarded VALUES (1, :web, NULL), (2, :app, NULL), (3, NULL, NULL), (4, NULL, :s1), (5, NULL, :s2), (6, NULL, NULL);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY guarded ON guarded USING (CASE WHEN n <= 3 THEN omni_internal.may_see_channel(channel)
    WHEN n <= 5 THEN omni_internal.may_see_node(node) ELSE omni_internal.may_see_person(NULL) END);
CREATE POLICY generic ON guarded FOR UPDATE USING (omni_internal.may('{channel,admin}', channel, node));
GRANT SELECT, UPDATE ON guarded TO PUBLIC;
CREATE FUNCTION may(role text, OUT result text) LANGUAGE plpgsql AS
$$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    SELECT string_agg(CASE WHEN g.n IS NULL THEN 'f' ELSE 't' END, ' ' ORDER BY s) INTO result
        FROM generate_series(1, 6) s LEFT JOIN guarded g ON g.n = s;
    RESET ROLE;
END
$$;
SELECT is(may(role), expected, 'channels, nodes and persons that ' || role || ' may see')
    FROM (VALUES ('core_access_reader', 't t t t t f'), ('core_access_channel', 't f t f f f'),
        ('core_access_store', 'f f f t f f'), ('core_access_support', 't t t t t t'), ('core_access_admin', 't t t t t t'),
        ('core_access_member', 't f t f f f')) v(role, expected);
SELECT throws_ok($$ SELECT may('core_access_noinherit') $$, '42501', NULL, 'a role that does not inherit has nothing before SET ROLE');

-- a change counts at once, in this session and, by invalidation, in others
SELECT omni.grant_access('core_access_channel', 'channel', 'app') AS void \gset
SELECT is(may('core_access_channel'), 't t t f f f', 'a second channel counts at once');
SELECT omni.revoke_access('core_access_channel', 'channel', 'web') AS void \gset
SELECT is(may('core_access_member'), 'f t t f f f', 'one that was revoked no more');
BEGIN;
SELECT omni.grant_access('core_access_channel', 'support') AS void \gset
SELECT is(may('core_access_channel'), 't t t t t t', 'so does a profile');
ROLLBACK;
SELECT is(may('core_access_channel'), 'f t t f f f', 'until it is rolled back');
REVOKE core_access_channel FROM core_access_member;
SELECT throws_ok($$ SELECT may('core_access_member') $$, '42501', NULL, 'who is no member any more has nothing');
GRANT core_access_support TO core_access_channel;
SELECT is(may('core_access_channel'), 't t t t t t', 'who has become one has it all');
REVOKE core_access_support FROM core_access_channel;
UPDATE omni_internal.access SET channel_id = :web WHERE role_name = 'core_access_channel';
SELECT is(may('core_access_channel'), 't f t f f f', 'a change of the table by its owner counts as well');

-- revoking takes what no other profile gives
SELECT omni.grant_access('core_access_support', 'reader') AS void \gset
SELECT omni.grant_access('core_access_support', 'admin') AS void \gset
SELECT omni.revoke_access('core_access_support', 'admin') AS void \gset
SELECT ok(has_table_privilege('core_access_support', 'omni.event', 'select'), 'what the other profiles give stays');
SELECT ok(NOT has_function_privilege('core_access_support', 'omni.set_cell(integer)', 'execute'), 'what they do not give goes');
SELECT omni.revoke_access('core_access_support', 'reader') AS void \gset
SELECT omni.revoke_access('core_access_support', 'support') AS void \gset
SELECT ok(NOT has_schema_privilege('core_access_support', 'omni', 'usage') AND NOT has_table_privilege('core_access_support', 'omni.event', 'select'), 'with the last profile everything goes');

-- after an update the rights are given anew; what a dump leaves out as well
REVOKE SELECT ON omni.event FROM core_access_reader;
SET ROLE core_access_admin;
SELECT omni.refresh_access() AS void \gset
RESET ROLE;
SELECT ok(has_table_privilege('core_access_reader', 'omni.event', 'select'), 'omni.refresh_access() grants what is missing');

-- a dropped role's rows can go
SELECT omni.revoke_access('core_access "odd" Röle', 'reader') AS void \gset
INSERT INTO omni_internal.access(role_name, profile) VALUES ('core_access_gone', 'reader');
SELECT lives_ok($$ SELECT omni.revoke_access('core_access_gone', 'reader') $$, 'a profile can be taken from a role that is gone');

-- clean up
SELECT omni.revoke_access(role_name, profile) AS void FROM (SELECT DISTINCT role_name::name, profile FROM omni.access) a \g /dev/null
DROP OWNED BY core_access_reader, core_access_store, core_access_channel, core_access_admin, core_access_support;
DROP ROLE core_access_reader, core_access_channel, core_access_store, core_access_support, core_access_admin,
    core_access_none, core_access_member, core_access_noinherit, "core_access ""odd"" Röle";
SELECT * FROM finish();
