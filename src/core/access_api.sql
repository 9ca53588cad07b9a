-- core: access profiles.

CREATE FUNCTION omni.grant_access(role name, profile text,
    channel text DEFAULT NULL, node text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'omni_core_grant_access'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni.grant_access(name, text, text, text) IS
    'give a role an access profile (reader, channel, store, support, admin), for one channel or node or for all';

CREATE FUNCTION omni.revoke_access(role name, profile text,
    channel text DEFAULT NULL, node text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'omni_core_revoke_access'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni.revoke_access(name, text, text, text) IS
    'take an access profile from a role: for one channel or node, or for all of them when none is named';

CREATE FUNCTION omni.refresh_access()
RETURNS void
AS 'MODULE_PATHNAME', 'omni_core_refresh_access'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni.refresh_access() IS
    'give every role what its profiles allow in this version, as after ALTER EXTENSION omni UPDATE';

CREATE VIEW omni.access AS
SELECT role_name, profile, NULLIF(channel_id, 0) AS channel_id,
    NULLIF(node_id, 0) AS node_id
FROM omni_internal.access;
COMMENT ON VIEW omni.access IS 'who has which access profile';
COMMENT ON COLUMN omni.access.role_name IS 'name of the role';
COMMENT ON COLUMN omni.access.profile IS
    'reader, channel, store, support or admin';
COMMENT ON COLUMN omni.access.channel_id IS
    'the one channel that it covers; null: every channel';
COMMENT ON COLUMN omni.access.node_id IS
    'the one node that it covers; null: every node';

-- For row policies, which are evaluated with the rights of who reads.
CREATE FUNCTION omni_internal.may(profiles text[], channel_id bigint,
    node_id bigint)
RETURNS boolean
AS 'MODULE_PATHNAME', 'omni_core_may_sql'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION omni_internal.may(text[], bigint, bigint) IS
    'has the asking role one of these profiles, for this channel and this node (null: none in play)?';

CREATE FUNCTION omni_internal.may_see_channel(channel_id bigint)
RETURNS boolean
AS 'MODULE_PATHNAME', 'omni_core_may_see_channel'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION omni_internal.may_see_channel(bigint) IS
    'may the asking role see what belongs to this channel? (reader, channel, support, admin)';

CREATE FUNCTION omni_internal.may_see_node(node_id bigint)
RETURNS boolean
AS 'MODULE_PATHNAME', 'omni_core_may_see_node'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION omni_internal.may_see_node(bigint) IS
    'may the asking role see what happens at this node? (reader, store, support, admin)';

CREATE FUNCTION omni_internal.may_see_person(channel_id bigint)
RETURNS boolean
AS 'MODULE_PATHNAME', 'omni_core_may_see_person'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION omni_internal.may_see_person(bigint) IS
    'may the asking role see personal data that came by this channel (null: any)? (support, admin)';

CREATE FUNCTION omni_internal.access_changed()
RETURNS trigger
AS 'MODULE_PATHNAME', 'omni_core_access_changed'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION omni_internal.access_changed() IS
    'tells every session that access profiles have changed';

CREATE TRIGGER access_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON omni_internal.access
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.access_changed();
ALTER TABLE omni_internal.access ENABLE ALWAYS TRIGGER access_changed;

REVOKE ALL ON FUNCTION omni.grant_access(name, text, text, text),
    omni.revoke_access(name, text, text, text), omni.refresh_access(),
    omni_internal.may(text[], bigint, bigint),
    omni_internal.may_see_channel(bigint), omni_internal.may_see_node(bigint),
    omni_internal.may_see_person(bigint), omni_internal.access_changed()
    FROM PUBLIC;
REVOKE ALL ON TABLE omni.access FROM PUBLIC;

SELECT omni_internal.allow_functions('{admin}',
    '{omni.grant_access,omni.revoke_access,omni.refresh_access}');
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni_internal.may,omni_internal.may_see_channel,omni_internal.may_see_node,omni_internal.may_see_person}');
SELECT omni_internal.allow_relations('{admin}', '{select}', '{omni.access}');

