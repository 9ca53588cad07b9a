-- stock: the ledger, and what is folded from it.

-- Append-only; written by functions alone.  No foreign keys to item and node:
-- key-share locks on a hot parent cost a third of the throughput; deletes are
-- refused at the parent.
CREATE TABLE omni.stock_ledger (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    node_id bigint NOT NULL,
    quantity integer NOT NULL,
    reserved integer NOT NULL,
    era integer NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    closes bigint,
    reservation bigint,
    channel_id bigint,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    expires_at timestamptz,
    kind text NOT NULL,
    reference text,
    actor text NOT NULL,
    CONSTRAINT stock_ledger_pkey PRIMARY KEY (id)
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 200000,
    autovacuum_freeze_min_age = 0
);
SELECT pg_catalog.pg_extension_config_dump('omni.stock_ledger', '');
CREATE INDEX stock_ledger_era_xid_idx ON omni.stock_ledger (era, xid);
CREATE UNIQUE INDEX stock_ledger_chain_idx
    ON omni.stock_ledger (reservation, closes) WHERE closes IS NOT NULL;
-- What moved at a node since a count.  Promises are not in it: what reserves
-- writes no entry here.
CREATE INDEX stock_ledger_moved_idx
    ON omni.stock_ledger (item_id, node_id, occurred_at) WHERE quantity <> 0;
COMMENT ON TABLE omni.stock_ledger IS
    'every change of what is on hand or reserved, append-only; balances are its sums';
COMMENT ON COLUMN omni.stock_ledger.id IS
    'drawn from the sequence that ledger rows and business events share';
COMMENT ON COLUMN omni.stock_ledger.item_id IS
    'item; below 0: a day, and the row is about the node''s capacity then (-1 is 2000-01-01)';
COMMENT ON COLUMN omni.stock_ledger.node_id IS 'node; 0: the pool';
COMMENT ON COLUMN omni.stock_ledger.quantity IS
    'change of what is on hand; of capacity: less what was done';
COMMENT ON COLUMN omni.stock_ledger.reserved IS 'change of what is promised';
COMMENT ON COLUMN omni.stock_ledger.era IS
    'stamp under which the row was written: xid compares within one era only';
COMMENT ON COLUMN omni.stock_ledger.xid IS 'top-level transaction that wrote the row';
COMMENT ON COLUMN omni.stock_ledger.closes IS
    'row of the same promise that this one ends or carries on';
COMMENT ON COLUMN omni.stock_ledger.reservation IS
    'id of the promise that the row opens, carries on or ends';
COMMENT ON COLUMN omni.stock_ledger.channel_id IS 'channel, where one asked';
COMMENT ON COLUMN omni.stock_ledger.occurred_at IS 'when it happened';
COMMENT ON COLUMN omni.stock_ledger.recorded_at IS 'when it was written';
COMMENT ON COLUMN omni.stock_ledger.expires_at IS
    'until when the promise stands; null: without limit';
COMMENT ON COLUMN omni.stock_ledger.kind IS
    'receive, sell, adjust, set, return, reserve, extend, unpool, pin, release, consume or expire';
COMMENT ON COLUMN omni.stock_ledger.reference IS 'the caller''s own reference';
COMMENT ON COLUMN omni.stock_ledger.actor IS 'role that asked';

-- Sums of the folded part of the ledger.  Each item and node has a row with
-- tick 0; while an old snapshot keeps versions of rows from being removed, a
-- fold adds rows with its tick instead of changing that one.  No index on what
-- an update changes: updates stay HOT.
CREATE TABLE omni_internal.stock_balance (
    item_id bigint NOT NULL,
    node_id bigint NOT NULL,
    tick bigint NOT NULL DEFAULT 0,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    CONSTRAINT stock_balance_pkey PRIMARY KEY (item_id, node_id, tick)
) WITH (fillfactor = 70);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.stock_balance', '');
CREATE INDEX stock_balance_apart_idx
    ON omni_internal.stock_balance (item_id, node_id) WHERE tick > 0;
COMMENT ON TABLE omni_internal.stock_balance IS
    'sums of the folded ledger rows per item (below 0: day) and node (0: the pool): all rows of an item and node together';
COMMENT ON COLUMN omni_internal.stock_balance.tick IS
    '0, or the tick whose fold has not been added to the row with 0 yet';

-- What retention has deleted from the ledger: with it, the ledger alone
-- proves the balances.  Only whole closed promises go, so nothing is reserved.
-- A batch only adds rows; they are added up to the one with batch 0 later.
CREATE TABLE omni_internal.pruned_stock (
    item_id bigint NOT NULL,
    node_id bigint NOT NULL,
    batch bigint NOT NULL DEFAULT 0,
    on_hand bigint NOT NULL,
    last_occurred_at timestamptz NOT NULL,
    CONSTRAINT pruned_stock_pkey PRIMARY KEY (item_id, node_id, batch)
) WITH (fillfactor = 70);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.pruned_stock', '');
CREATE INDEX pruned_stock_batch_idx
    ON omni_internal.pruned_stock (item_id, node_id) WHERE batch > 0;
COMMENT ON TABLE omni_internal.pruned_stock IS
    'sums of the ledger rows that retention has deleted: all rows of an item and node together';
COMMENT ON COLUMN omni_internal.pruned_stock.batch IS
    '0, or the position up to which the batch went whose row has not been added to that one yet';
COMMENT ON COLUMN omni_internal.pruned_stock.last_occurred_at IS
    'when the latest of them happened: a count of an earlier time cannot be compared any more';

-- Open promises as of the last fold.
CREATE TABLE omni_internal.open_reservation (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    node_id bigint NOT NULL,
    quantity integer NOT NULL,
    expires_at timestamptz,
    reference text,
    channel_id bigint,
    opened_at timestamptz NOT NULL,
    last_id bigint NOT NULL,
    CONSTRAINT open_reservation_pkey PRIMARY KEY (id),
    CONSTRAINT open_reservation_quantity_check CHECK (quantity > 0)
) WITH (fillfactor = 80);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.open_reservation', '');
CREATE INDEX open_reservation_expires_idx
    ON omni_internal.open_reservation (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX open_reservation_item_idx
    ON omni_internal.open_reservation (item_id) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE omni_internal.open_reservation IS
    'open promises as of the last fold';

-- One row, made by adoption: up to where the ledger is folded.
CREATE TABLE omni_internal.fold_state (
    singleton boolean NOT NULL DEFAULT true,
    era integer NOT NULL,
    tick bigint NOT NULL,
    seen_xmax xid8 NOT NULL,
    seen_xip xid8[] NOT NULL,
    CONSTRAINT fold_state_pkey PRIMARY KEY (singleton),
    CONSTRAINT fold_state_singleton_check CHECK (singleton)
);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.fold_state', '');
COMMENT ON TABLE omni_internal.fold_state IS
    'the tick up to which the ledger is folded into balances, and its snapshot';

-- Written by the worker alone: few rows, none while nothing is short.
CREATE TABLE omni_internal.announced_shortfall (
    item_id bigint NOT NULL,
    node_id bigint NOT NULL,
    short bigint NOT NULL,
    since timestamptz NOT NULL,
    CONSTRAINT announced_shortfall_pkey PRIMARY KEY (item_id, node_id),
    CONSTRAINT announced_shortfall_short_check CHECK (short > 0)
) WITH (fillfactor = 70);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.announced_shortfall', '');
COMMENT ON TABLE omni_internal.announced_shortfall IS
    'shortfalls that the feed has told of and that are not over, per item and node (0: the pool)';

CREATE FUNCTION omni_internal.refuse_ledger_change() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_refuse_change';
COMMENT ON FUNCTION omni_internal.refuse_ledger_change() IS
    'trigger: the ledger is append-only, for its owner too (OM005); retention alone deletes';
REVOKE ALL ON FUNCTION omni_internal.refuse_ledger_change() FROM PUBLIC;
CREATE TRIGGER stock_ledger_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON omni.stock_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.refuse_ledger_change();

-- Changes by hand are noticed, also where session_replication_role would keep
-- triggers silent: counters in memory are then read anew.
CREATE FUNCTION omni_internal.notice_stock_change() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_notice_change';
COMMENT ON FUNCTION omni_internal.notice_stock_change() IS
    'trigger: what omni itself did not write makes the counters of this database be read anew, at commit';
REVOKE ALL ON FUNCTION omni_internal.notice_stock_change() FROM PUBLIC;
CREATE TRIGGER stock_ledger_notice
    BEFORE INSERT ON omni.stock_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.notice_stock_change();
ALTER TABLE omni.stock_ledger ENABLE ALWAYS TRIGGER stock_ledger_notice;
CREATE TRIGGER stock_balance_notice
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON omni_internal.stock_balance
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.notice_stock_change();
ALTER TABLE omni_internal.stock_balance
    ENABLE ALWAYS TRIGGER stock_balance_notice;
CREATE TRIGGER open_reservation_notice
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON omni_internal.open_reservation
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.notice_stock_change();
ALTER TABLE omni_internal.open_reservation
    ENABLE ALWAYS TRIGGER open_reservation_notice;
CREATE TRIGGER fold_state_notice
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON omni_internal.fold_state
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.notice_stock_change();
ALTER TABLE omni_internal.fold_state
    ENABLE ALWAYS TRIGGER fold_state_notice;
