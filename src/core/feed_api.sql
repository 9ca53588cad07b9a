-- core: the feed as people and consumers see it.

CREATE FUNCTION omni.read_events(consumer text, max_rows integer DEFAULT 100,
    kinds text[] DEFAULT NULL)
RETURNS TABLE("position" bigint, kind text, entity text, entity_id bigint,
    payload jsonb, occurred_at timestamptz)
AS 'MODULE_PATHNAME', 'omni_core_read_events'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni.read_events(text, integer, text[]) IS
    'the next events of a consumer, after the position that it has acknowledged';

CREATE FUNCTION omni.ack_events(consumer text, "position" bigint)
RETURNS void
AS 'MODULE_PATHNAME', 'omni_core_ack_events'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni.ack_events(text, bigint) IS
    'acknowledge events up to a position, or rewind to it: reading goes on after it';

CREATE FUNCTION omni.drop_consumer(consumer text)
RETURNS void
AS 'MODULE_PATHNAME', 'omni_core_drop_consumer'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni.drop_consumer(text) IS
    'forget a consumer of the feed: retention does not wait for it any more';

CREATE FUNCTION omni.limit_consumer(consumer text, keep interval)
RETURNS void
AS 'MODULE_PATHNAME', 'omni_core_limit_consumer'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni.limit_consumer(text, interval) IS
    'how old an event may become before it may be dropped although this consumer has not read it';

CREATE FUNCTION omni.prune_events(keep interval DEFAULT '30 days',
    max_rows integer DEFAULT 100000)
RETURNS bigint
AS 'MODULE_PATHNAME', 'omni_core_prune_events'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni.prune_events(interval, integer) IS
    'drop the oldest events: move the start of the feed, and delete what earlier calls have left behind it; returns the oldest position kept';

CREATE FUNCTION omni_internal.write_event(kind text, entity text,
    entity_id bigint, payload jsonb)
RETURNS bigint
AS 'MODULE_PATHNAME', 'omni_core_write_event_sql'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni_internal.write_event(text, text, bigint, jsonb) IS
    'record a business event in this transaction';

-- The view of the feed asks for a range of positions: conditions on position
-- and kind, ORDER BY position and LIMIT reach the code that reads pages
-- through the interface for foreign tables.
CREATE FUNCTION omni_internal.feed_handler()
RETURNS fdw_handler
AS 'MODULE_PATHNAME', 'omni_core_feed_handler'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION omni_internal.feed_handler() IS
    'reads the feed by ranges of positions';

CREATE FOREIGN DATA WRAPPER omni_feed
    HANDLER omni_internal.feed_handler NO VALIDATOR;
COMMENT ON FOREIGN DATA WRAPPER omni_feed IS
    'access path of omni.event; for no other tables';
CREATE SERVER omni_feed FOREIGN DATA WRAPPER omni_feed;
COMMENT ON SERVER omni_feed IS 'access path of omni.event';

CREATE FOREIGN TABLE omni_internal.feed (
    "position" bigint NOT NULL,
    kind text NOT NULL,
    entity text NOT NULL,
    entity_id bigint,
    payload jsonb NOT NULL,
    occurred_at timestamptz NOT NULL
) SERVER omni_feed;
COMMENT ON FOREIGN TABLE omni_internal.feed IS
    'every event that has a position and is kept';

CREATE VIEW omni.event AS
SELECT "position", kind, entity, entity_id, payload, occurred_at
FROM omni_internal.feed;
COMMENT ON VIEW omni.event IS
    'the feed for people: business events and stock changes by position; fast for ranges of positions';
COMMENT ON COLUMN omni.event."position" IS
    'place in the feed, from 1, without gaps';
COMMENT ON COLUMN omni.event.kind IS 'what happened, such as order.placed';
COMMENT ON COLUMN omni.event.entity IS 'what it happened to, such as order';
COMMENT ON COLUMN omni.event.entity_id IS 'its id';
COMMENT ON COLUMN omni.event.payload IS
    'ids and quantities, never personal data';
COMMENT ON COLUMN omni.event.occurred_at IS 'when it happened';

CREATE FUNCTION omni.set_cell(cell integer)
RETURNS void
AS 'MODULE_PATHNAME', 'omni_core_set_cell'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION omni.set_cell(integer) IS
    'number of this cell, 0 to 1023, on an empty database: ids of different cells never collide';

REVOKE ALL ON FUNCTION omni.read_events(text, integer, text[]),
    omni.ack_events(text, bigint), omni.drop_consumer(text),
    omni.limit_consumer(text, interval), omni.prune_events(interval, integer),
    omni_internal.write_event(text, text, bigint, jsonb),
    omni_internal.feed_handler(), omni.set_cell(integer) FROM PUBLIC;
REVOKE ALL ON TABLE omni_internal.feed, omni.event FROM PUBLIC;
REVOKE ALL ON FOREIGN DATA WRAPPER omni_feed FROM PUBLIC;
REVOKE ALL ON FOREIGN SERVER omni_feed FROM PUBLIC;

SELECT omni_internal.allow_functions('{reader,channel,support,admin}',
    '{omni.read_events,omni.ack_events,omni.drop_consumer}');
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni.wait_for_tick}');
SELECT omni_internal.allow_functions('{admin}',
    '{omni.adopt,omni.describe_worker}');
SELECT omni_internal.allow_relations('{reader,channel,support,admin}',
    '{select}', '{omni.event,omni.tick,omni.feed_timeline,omni.consumer}');
SELECT omni_internal.allow_functions('{admin}',
    '{omni.set_cell,omni.limit_consumer,omni.prune_events}');

