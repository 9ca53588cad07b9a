-- core: state of access.  Policies made at run time are not dumped, so who may
-- what is kept in a dumped table, by role name, and the policies of the
-- install scripts ask it.

CREATE TABLE omni_internal.access (
    role_name text NOT NULL,
    profile text NOT NULL,
    channel_id bigint NOT NULL DEFAULT 0,
    node_id bigint NOT NULL DEFAULT 0,
    CONSTRAINT access_pkey PRIMARY KEY (role_name, profile, channel_id, node_id),
    CONSTRAINT access_profile_check CHECK (profile IN
        ('reader', 'channel', 'store', 'support', 'admin'))
);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.access', '');
COMMENT ON TABLE omni_internal.access IS
    'access profiles of roles, as granted by omni.grant_access()';
COMMENT ON COLUMN omni_internal.access.channel_id IS '0: every channel';
COMMENT ON COLUMN omni_internal.access.node_id IS '0: every node';

-- What a profile may call and read: each domain's install script says it by
-- omni_internal.allow_functions() and omni_internal.allow_relations().
CREATE TABLE omni_internal.profile_grant (
    profile text NOT NULL,
    object_kind text NOT NULL,
    object_schema text NOT NULL,
    object_name text NOT NULL,
    privilege text NOT NULL,
    built_in boolean NOT NULL DEFAULT false,
    CONSTRAINT profile_grant_pkey PRIMARY KEY
        (profile, object_kind, object_schema, object_name, privilege),
    CONSTRAINT profile_grant_profile_check CHECK (profile IN
        ('reader', 'channel', 'store', 'support', 'admin')),
    CONSTRAINT profile_grant_privilege_check CHECK (CASE object_kind
        WHEN 'function' THEN privilege = 'execute'
        WHEN 'relation' THEN privilege IN ('select', 'insert', 'update', 'delete')
        ELSE false END)
);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.profile_grant',
    'WHERE NOT built_in');
COMMENT ON TABLE omni_internal.profile_grant IS
    'rights that omni.grant_access() gives with a profile';

REVOKE ALL ON TABLE omni_internal.access, omni_internal.profile_grant
    FROM PUBLIC;

-- For install scripts: functions, and relations with privileges, that the
-- profiles may use.  Functions are named without arguments: none of omni's is
-- overloaded.  An unknown name fails.
CREATE FUNCTION omni_internal.allow_functions(profiles text[], functions text[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    INSERT INTO omni_internal.profile_grant
    SELECT p.profile, 'function', n.nspname, f.proname, 'execute', true
    FROM unnest(profiles) AS p(profile)
    CROSS JOIN unnest(functions) AS w(name)
    JOIN pg_proc AS f ON f.oid = CAST(CAST(w.name AS regproc) AS oid)
    JOIN pg_namespace AS n ON n.oid = f.pronamespace
    ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION omni_internal.allow_functions(text[], text[]) IS
    'for install scripts: functions that roles with one of these profiles may call';

CREATE FUNCTION omni_internal.allow_relations(profiles text[],
    privileges text[], relations text[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    INSERT INTO omni_internal.profile_grant
    SELECT p.profile, 'relation', n.nspname, c.relname, v.privilege, true
    FROM unnest(profiles) AS p(profile)
    CROSS JOIN unnest(privileges) AS v(privilege)
    CROSS JOIN unnest(relations) AS w(name)
    JOIN pg_class AS c ON c.oid = CAST(CAST(w.name AS regclass) AS oid)
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION omni_internal.allow_relations(text[], text[], text[]) IS
    'for install scripts: relations that roles with one of these profiles may use';

REVOKE ALL ON FUNCTION omni_internal.allow_functions(text[], text[]),
    omni_internal.allow_relations(text[], text[], text[]) FROM PUBLIC;

