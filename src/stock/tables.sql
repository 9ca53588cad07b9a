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
COMMENT ON TABLE omni.stock_ledger IS
    'every change of what is on hand or reserved, append-only; balances are its sums';
COMMENT ON COLUMN omni.stock_ledger.id IS
    'drawn from the sequence that ledger rows and business events share';
COMMENT ON COLUMN omni.stock_ledger.item_id IS 'item';
COMMENT ON COLUMN omni.stock_ledger.node_id IS 'node; 0: the pool';
COMMENT ON COLUMN omni.stock_ledger.quantity IS 'change of what is on hand';
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

-- Sums of the folded part of the ledger.  No further index: updates stay HOT.
CREATE TABLE omni_internal.stock_balance (
    item_id bigint NOT NULL,
    node_id bigint NOT NULL,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    CONSTRAINT stock_balance_pkey PRIMARY KEY (item_id, node_id)
) WITH (fillfactor = 70);
SELECT pg_catalog.pg_extension_config_dump('omni_internal.stock_balance', '');
COMMENT ON TABLE omni_internal.stock_balance IS
    'sums of the folded ledger rows per item and node (0: the pool)';

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
    'trigger: the ledger is append-only, for its owner too (OM005)';
REVOKE ALL ON FUNCTION omni_internal.refuse_ledger_change() FROM PUBLIC;
CREATE TRIGGER stock_ledger_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON omni.stock_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.refuse_ledger_change();
