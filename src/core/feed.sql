-- core: state of the feed.  Ticks give rows that have committed their
-- positions; see doc/architecture.md, "Ticks, pages, the feed".

-- Ids of ledger and event rows.  Not cached per session: an entity's events
-- are ordered by ids that were drawn under its row lock.
CREATE SEQUENCE omni_internal.feed_id_seq AS bigint
    MINVALUE 1 MAXVALUE 9007199254740991 CACHE 1;
SELECT pg_catalog.pg_extension_config_dump('omni_internal.feed_id_seq', '');
COMMENT ON SEQUENCE omni_internal.feed_id_seq IS
    'ids that ledger rows and business events share';

CREATE TABLE omni_internal.outbox (
    id bigint NOT NULL,
    era integer NOT NULL,
    xid xid8 NOT NULL,
    kind text NOT NULL,
    entity text NOT NULL,
    entity_id bigint NOT NULL,
    payload jsonb NOT NULL,
    occurred_at timestamptz NOT NULL,
    actor text NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT outbox_kind_check CHECK (kind <> ''),
    CONSTRAINT outbox_entity_check CHECK (entity <> '')
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_freeze_min_age = 0
);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.outbox', '');
CREATE INDEX outbox_era_xid_idx ON omni_internal.outbox (era, xid);
COMMENT ON TABLE omni_internal.outbox IS
    'business events, appended by the transaction that made them happen';

CREATE TABLE omni.tick (
    id bigint NOT NULL,
    era integer NOT NULL,
    snapshot pg_snapshot NOT NULL,
    closed_at timestamptz NOT NULL,
    first_position bigint NOT NULL,
    count bigint NOT NULL,
    timeline integer NOT NULL,
    CONSTRAINT tick_pkey PRIMARY KEY (id),
    CONSTRAINT tick_count_check CHECK (count > 0),
    CONSTRAINT tick_first_position_check CHECK (first_position > 0)
);
SELECT pg_catalog.pg_extension_config_dump('omni.tick', '');
COMMENT ON TABLE omni.tick IS
    'moments at which committed changes were given positions in the feed';
COMMENT ON COLUMN omni.tick.id IS 'number of the tick, without gaps';
COMMENT ON COLUMN omni.tick.era IS
    'era of the rows of this tick: transaction ids compare within one era only';
COMMENT ON COLUMN omni.tick.snapshot IS
    'what had committed: the rows of a tick are those that its snapshot sees and that of the tick before does not';
COMMENT ON COLUMN omni.tick.closed_at IS 'when; never before the tick before';
COMMENT ON COLUMN omni.tick.first_position IS 'position of the first row';
COMMENT ON COLUMN omni.tick.count IS 'number of rows';
COMMENT ON COLUMN omni.tick.timeline IS
    'timeline of the server; see omni.feed_timeline';

CREATE TABLE omni.feed_timeline (
    id integer NOT NULL,
    era integer NOT NULL,
    timeline integer NOT NULL,
    after_position bigint NOT NULL,
    began_at timestamptz NOT NULL,
    CONSTRAINT feed_timeline_pkey PRIMARY KEY (id),
    CONSTRAINT feed_timeline_id_check CHECK (id > 0),
    CONSTRAINT feed_timeline_after_position_check CHECK (after_position >= 0)
);
SELECT pg_catalog.pg_extension_config_dump('omni.feed_timeline', '');
COMMENT ON TABLE omni.feed_timeline IS
    'where the feed went on under another stamp, or on another timeline of the server: what was read elsewhere beyond that position is not what is here';
COMMENT ON COLUMN omni.feed_timeline.id IS 'number, without gaps';
COMMENT ON COLUMN omni.feed_timeline.era IS 'era, which a restore or a copy raises';
COMMENT ON COLUMN omni.feed_timeline.timeline IS
    'timeline of the server, which a promotion and a point-in-time recovery change';
COMMENT ON COLUMN omni.feed_timeline.after_position IS
    'last position that it shares with what was before; those after it were given anew';
COMMENT ON COLUMN omni.feed_timeline.began_at IS 'when';

CREATE TABLE omni_internal.tick_page (
    first_position bigint NOT NULL,
    count integer NOT NULL,
    tick_id bigint NOT NULL,
    first_id bigint NOT NULL,
    last_id bigint NOT NULL,
    kinds text[] NOT NULL,
    CONSTRAINT tick_page_pkey PRIMARY KEY (first_position)
);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.tick_page', '');
COMMENT ON TABLE omni_internal.tick_page IS
    'at most 1,000 consecutive positions of a tick, and between which ids they are';

CREATE TABLE omni.consumer (
    name text NOT NULL,
    role_name text NOT NULL,
    position bigint NOT NULL,
    keep interval NOT NULL DEFAULT '7 days',
    created_at timestamptz NOT NULL,
    acked_at timestamptz,
    timeline_id integer NOT NULL,
    CONSTRAINT consumer_pkey PRIMARY KEY (name),
    CONSTRAINT consumer_name_check CHECK (name <> ''),
    CONSTRAINT consumer_position_check CHECK (position >= 0),
    CONSTRAINT consumer_keep_check CHECK (keep >= '0')
) WITH (fillfactor = 50);
SELECT pg_catalog.pg_extension_config_dump('omni.consumer', '');
COMMENT ON TABLE omni.consumer IS
    'who reads the feed, and up to where; made by the first omni.read_events()';
COMMENT ON COLUMN omni.consumer.name IS 'as given to omni.read_events()';
COMMENT ON COLUMN omni.consumer.role_name IS 'role that the consumer belongs to';
COMMENT ON COLUMN omni.consumer.position IS
    'last position that was acknowledged; reading goes on after it';
COMMENT ON COLUMN omni.consumer.keep IS
    'how old an unread event may become before it may be dropped all the same';
COMMENT ON COLUMN omni.consumer.created_at IS 'when it first read';
COMMENT ON COLUMN omni.consumer.acked_at IS 'when it last acknowledged';
COMMENT ON COLUMN omni.consumer.timeline_id IS
    'of omni.feed_timeline, the last one on which it has read; it acknowledges nothing of a later one before it has read there';

-- No row: the feed starts at position 1.
CREATE TABLE omni_internal.feed_start (
    singleton boolean NOT NULL DEFAULT true,
    position bigint NOT NULL,
    CONSTRAINT feed_start_pkey PRIMARY KEY (singleton),
    CONSTRAINT feed_start_singleton_check CHECK (singleton),
    CONSTRAINT feed_start_position_check CHECK (position > 0)
);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.feed_start', '');
COMMENT ON TABLE omni_internal.feed_start IS
    'first position that is kept; what lies before may be deleted at any time';

-- No row: cell 0.
CREATE TABLE omni_internal.cell (
    singleton boolean NOT NULL DEFAULT true,
    cell integer NOT NULL,
    CONSTRAINT cell_pkey PRIMARY KEY (singleton),
    CONSTRAINT cell_singleton_check CHECK (singleton),
    CONSTRAINT cell_cell_check CHECK (cell BETWEEN 0 AND 1023)
);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.cell', '');
COMMENT ON TABLE omni_internal.cell IS
    'number of this cell: every id is cell x 2^43 + sequence';

REVOKE ALL ON SEQUENCE omni_internal.feed_id_seq FROM PUBLIC;
REVOKE ALL ON TABLE omni_internal.outbox, omni.tick, omni.feed_timeline,
    omni_internal.tick_page, omni.consumer, omni_internal.feed_start, omni_internal.cell FROM PUBLIC;

