-- core: calls that are made exactly once.

-- Role and key in clear: who asks chooses keys that tell nothing of a person,
-- and keys that ascend keep the index's insertions together.
CREATE TABLE omni_internal.request (
    role_name text COLLATE "C" NOT NULL,
    request text COLLATE "C" NOT NULL,
    function text NOT NULL,
    digest bytea NOT NULL,
    answer bigint[],
    recorded_at timestamptz NOT NULL,
    CONSTRAINT request_pkey PRIMARY KEY (role_name, request)
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 200000,
    autovacuum_freeze_min_age = 0
);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.request', '');
REVOKE ALL ON TABLE omni_internal.request FROM PUBLIC;
COMMENT ON TABLE omni_internal.request IS
    'calls that named a request, with a digest of their arguments and the answer; appended by the call''s own transaction';
COMMENT ON COLUMN omni_internal.request.role_name IS 'role that asked';
COMMENT ON COLUMN omni_internal.request.request IS 'its key';
COMMENT ON COLUMN omni_internal.request.function IS 'function that was called';
COMMENT ON COLUMN omni_internal.request.digest IS
    'SHA-256 over function and arguments';
COMMENT ON COLUMN omni_internal.request.answer IS
    'ids that the call returned; null: it returns nothing';
COMMENT ON COLUMN omni_internal.request.recorded_at IS
    'when; kept until retention deletes it';
