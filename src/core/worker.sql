-- core: what a session may ask of its database's worker.

CREATE FUNCTION omni.adopt() RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_core_adopt_database';
COMMENT ON FUNCTION omni.adopt() IS
    'let the feed go on in this database after a restore or in a copy, as the first write would; returns the era';

CREATE FUNCTION omni.wait_for_tick(timeout interval DEFAULT '5 s')
    RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_core_wait_for_tick_sql';
COMMENT ON FUNCTION omni.wait_for_tick(interval) IS
    'wait until everything that committed before the call has a position in the feed; returns the last position';

CREATE FUNCTION omni.describe_worker(
    OUT state text,
    OUT pid integer,
    OUT era integer,
    OUT last_position bigint,
    OUT last_tick_at timestamptz,
    OUT turns bigint,
    OUT clock_offset interval,
    OUT problem text,
    OUT last_turn_at timestamptz)
    RETURNS record
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_core_describe_worker';
COMMENT ON FUNCTION omni.describe_worker() IS
    'this database''s worker: none, wanted, starting, running or barred; its process, the era it has let writes through for, its ticks since the server''s start and when the last one ran, over nothing or not, and what keeps it from its work';

CREATE FUNCTION omni_internal.clock() RETURNS timestamptz
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'omni_core_read_clock';
COMMENT ON FUNCTION omni_internal.clock() IS
    'the database''s time, by which every deadline is measured';

CREATE FUNCTION omni_internal.move_clock("by" interval) RETURNS timestamptz
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_core_move_clock';
COMMENT ON FUNCTION omni_internal.move_clock(interval) IS
    'for tests, superusers only: move the database''s clock for all sessions until the server restarts; returns the new time';

REVOKE ALL ON FUNCTION omni.adopt(), omni.wait_for_tick(interval),
    omni.describe_worker(), omni_internal.clock(),
    omni_internal.move_clock(interval) FROM PUBLIC;

SELECT omni_internal.allow_functions('{admin}',
    '{omni.adopt,omni.describe_worker}');
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni.wait_for_tick}');
