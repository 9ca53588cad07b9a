-- core: what the feed's state carries with it, and the check that comes before
-- anything is made.

CREATE FUNCTION omni_internal.require_preload() RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_core_require_preload';
REVOKE ALL ON FUNCTION omni_internal.require_preload() FROM PUBLIC;
COMMENT ON FUNCTION omni_internal.require_preload() IS
    'called by the install script: an error unless the library is preloaded';

SELECT omni_internal.require_preload();

CREATE TABLE omni_internal.feed_state (
    singleton boolean NOT NULL DEFAULT true
        CONSTRAINT feed_state_pkey PRIMARY KEY
        CONSTRAINT feed_state_singleton CHECK (singleton),
    system_identifier bigint NOT NULL,
    database_oid oid NOT NULL,
    extension_oid oid NOT NULL,
    timeline integer NOT NULL,
    era integer NOT NULL
        CONSTRAINT feed_state_era CHECK (era > 0),
    adopted_at timestamptz NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.feed_state', '');
REVOKE ALL ON TABLE omni_internal.feed_state FROM PUBLIC;
COMMENT ON TABLE omni_internal.feed_state IS
    'the stamp: which database the feed''s state belongs to; written by the worker alone, one row once the first write has asked for it';
COMMENT ON COLUMN omni_internal.feed_state.singleton IS
    'always true: there is one row at most';
COMMENT ON COLUMN omni_internal.feed_state.system_identifier IS
    'identifier of the database cluster, as in pg_control_system()';
COMMENT ON COLUMN omni_internal.feed_state.database_oid IS
    'oid of the database';
COMMENT ON COLUMN omni_internal.feed_state.extension_oid IS
    'oid of the extension';
COMMENT ON COLUMN omni_internal.feed_state.timeline IS
    'timeline on which the worker runs; changes at a promotion';
COMMENT ON COLUMN omni_internal.feed_state.era IS
    'number of the stamp; ids of transactions can be compared within one era only';
COMMENT ON COLUMN omni_internal.feed_state.adopted_at IS
    'when the era began, by the server''s clock';
