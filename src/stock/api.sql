-- stock: views and functions.

-- Rows about capacity stand in the same tables: their item_id is below 0.
CREATE FUNCTION omni_internal.capacity_day(item_id bigint) RETURNS date
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN item_id < 0 THEN date '1999-12-31' - item_id::integer END;
COMMENT ON FUNCTION omni_internal.capacity_day(bigint) IS
    'the day whose capacity a ledger row is about; null for a row about an item';

-- Rows of the current era that are not folded yet.  Those of transactions that
-- were running are looked up one by one: the fence (OFFSET 0) keeps the planner
-- from going over the whole era and comparing.
CREATE VIEW omni_internal.unfolded AS
    SELECT l.*
    FROM omni.stock_ledger l
    WHERE l.era = (SELECT f.era FROM omni_internal.fold_state f)
      AND l.xid >= (SELECT f.seen_xmax FROM omni_internal.fold_state f)
    UNION ALL
    SELECT l.*
    FROM omni_internal.fold_state f
    CROSS JOIN LATERAL pg_catalog.unnest(f.seen_xip) x (xid)
    CROSS JOIN LATERAL (SELECT r.* FROM omni.stock_ledger r
                        WHERE r.era = f.era AND r.xid = x.xid OFFSET 0) l;
COMMENT ON VIEW omni_internal.unfolded IS
    'ledger rows that the balances do not contain yet';

-- Open promises under the caller's own snapshot.
CREATE VIEW omni_internal.reservation_state AS
    SELECT u.id, max(u.item_id) AS item_id,
           (array_agg(u.node_id ORDER BY u.last_id DESC))[1] AS node_id,
           sum(u.quantity)::integer AS quantity,
           (array_agg(u.expires_at ORDER BY u.last_id DESC))[1] AS expires_at,
           (array_agg(u.reference ORDER BY u.last_id))[1] AS reference,
           (array_agg(u.channel_id ORDER BY u.last_id))[1] AS channel_id,
           min(u.opened_at) AS opened_at,
           max(u.last_id) AS last_id
    FROM (SELECT o.id, o.item_id, o.node_id, o.quantity, o.expires_at,
                 o.reference, o.channel_id, o.opened_at, o.last_id
          FROM omni_internal.open_reservation o
          UNION ALL
          SELECT l.reservation, l.item_id, l.node_id, l.reserved, l.expires_at,
                 l.reference, l.channel_id, l.recorded_at, l.id
          FROM omni_internal.unfolded l
          WHERE l.reservation IS NOT NULL) u
    GROUP BY u.id
    HAVING sum(u.quantity) > 0;
COMMENT ON VIEW omni_internal.reservation_state IS
    'open promises, expired ones that nobody has tidied up included';

CREATE VIEW omni.stock AS
    SELECT b.item_id, i.sku, NULLIF(b.node_id, 0) AS node_id, n.code AS node,
           b.on_hand + COALESCE(a.on_hand, 0) AS on_hand,
           b.reserved + COALESCE(a.reserved, 0) AS reserved,
           (SELECT t.first_position + t.count - 1
            FROM omni_internal.fold_state f
            JOIN omni.tick t ON t.id = f.tick) AS position
    FROM omni_internal.stock_balance b
    LEFT JOIN (SELECT d.item_id, d.node_id, sum(d.on_hand)::bigint AS on_hand,
                      sum(d.reserved)::bigint AS reserved
               FROM omni_internal.stock_balance d
               WHERE d.tick > 0
               GROUP BY d.item_id, d.node_id) a
        ON a.item_id = b.item_id AND a.node_id = b.node_id
    LEFT JOIN omni.item i ON i.id = b.item_id
    LEFT JOIN omni.node n ON n.id = b.node_id
    WHERE b.tick = 0 AND b.item_id > 0;
COMMENT ON VIEW omni.stock IS
    'what is on hand and reserved per item and node (null: the pool) at the last fold, with its position in the feed';
COMMENT ON COLUMN omni.stock.item_id IS 'item';
COMMENT ON COLUMN omni.stock.sku IS 'its sku';
COMMENT ON COLUMN omni.stock.node_id IS 'node; null: the pool';
COMMENT ON COLUMN omni.stock.node IS 'its code; null: the pool';
COMMENT ON COLUMN omni.stock.on_hand IS 'physically there';
COMMENT ON COLUMN omni.stock.reserved IS 'promised and still there';
COMMENT ON COLUMN omni.stock.position IS 'position in the feed up to which the row counts';

CREATE VIEW omni.stock_now AS
    SELECT u.item_id, i.sku, NULLIF(u.node_id, 0) AS node_id, n.code AS node,
           u.on_hand, u.reserved
    FROM (SELECT s.item_id, s.node_id, sum(s.on_hand)::bigint AS on_hand,
                 sum(s.reserved)::bigint AS reserved
          FROM (SELECT b.item_id, b.node_id, b.on_hand, b.reserved
                FROM omni_internal.stock_balance b
                UNION ALL
                SELECT l.item_id, l.node_id, l.quantity, l.reserved
                FROM omni_internal.unfolded l) s
          WHERE s.item_id > 0
          GROUP BY s.item_id, s.node_id) u
    LEFT JOIN omni.item i ON i.id = u.item_id
    LEFT JOIN omni.node n ON n.id = u.node_id;
COMMENT ON VIEW omni.stock_now IS
    'what is on hand and reserved per item and node (null: the pool), exact under the caller''s own snapshot';
COMMENT ON COLUMN omni.stock_now.item_id IS 'item';
COMMENT ON COLUMN omni.stock_now.sku IS 'its sku';
COMMENT ON COLUMN omni.stock_now.node_id IS 'node; null: the pool';
COMMENT ON COLUMN omni.stock_now.node IS 'its code; null: the pool';
COMMENT ON COLUMN omni.stock_now.on_hand IS 'physically there';
COMMENT ON COLUMN omni.stock_now.reserved IS 'promised and still there';

CREATE VIEW omni.reservation AS
    SELECT r.id, r.item_id, i.sku, NULLIF(r.node_id, 0) AS node_id,
           n.code AS node, r.quantity, r.expires_at, r.reference,
           r.channel_id, c.code AS channel, r.opened_at
    FROM omni_internal.reservation_state r
    LEFT JOIN omni.item i ON i.id = r.item_id
    LEFT JOIN omni.node n ON n.id = r.node_id
    LEFT JOIN omni.channel c ON c.id = r.channel_id
    WHERE r.item_id > 0;
COMMENT ON VIEW omni.reservation IS
    'promises that are open, under the caller''s own snapshot (node null: pool-level); past expires_at they no longer count';
COMMENT ON COLUMN omni.reservation.id IS 'as omni.reserve_stock() returned it';
COMMENT ON COLUMN omni.reservation.item_id IS 'item';
COMMENT ON COLUMN omni.reservation.sku IS 'its sku';
COMMENT ON COLUMN omni.reservation.node_id IS 'node; null: the pool';
COMMENT ON COLUMN omni.reservation.node IS 'its code; null: the pool';
COMMENT ON COLUMN omni.reservation.quantity IS 'units still promised';
COMMENT ON COLUMN omni.reservation.expires_at IS 'until when it stands; null: without limit';
COMMENT ON COLUMN omni.reservation.reference IS 'the caller''s own reference';
COMMENT ON COLUMN omni.reservation.channel_id IS 'channel that asked';
COMMENT ON COLUMN omni.reservation.channel IS 'its code';
COMMENT ON COLUMN omni.reservation.opened_at IS 'when it was made';

CREATE VIEW omni.capacity_now AS
    SELECT u.node_id, n.code AS node,
           omni_internal.capacity_day(u.item_id) AS day, u.promised, u.done
    FROM (SELECT s.item_id, s.node_id, sum(s.reserved)::bigint AS promised,
                 -sum(s.on_hand)::bigint AS done
          FROM (SELECT b.item_id, b.node_id, b.on_hand, b.reserved
                FROM omni_internal.stock_balance b
                WHERE b.item_id < 0
                UNION ALL
                SELECT l.item_id, l.node_id, l.quantity, l.reserved
                FROM omni_internal.unfolded l
                WHERE l.item_id < 0) s
          GROUP BY s.item_id, s.node_id) u
    LEFT JOIN omni.node n ON n.id = u.node_id;
COMMENT ON VIEW omni.capacity_now IS
    'units of capacity given away per node and day, exact under the caller''s own snapshot; limits stand in omni.node_policy and omni.node_capacity';
COMMENT ON COLUMN omni.capacity_now.node_id IS 'node';
COMMENT ON COLUMN omni.capacity_now.node IS 'its code';
COMMENT ON COLUMN omni.capacity_now.day IS 'date, local to the node';
COMMENT ON COLUMN omni.capacity_now.promised IS
    'units promised for the day and not done, expired promises that nobody has tidied up included';
COMMENT ON COLUMN omni.capacity_now.done IS
    'units done: their promise was consumed; they count for the day, until retention has cleared a day that is past';

CREATE VIEW omni.capacity_reservation AS
    SELECT r.id, r.node_id, n.code AS node,
           omni_internal.capacity_day(r.item_id) AS day, r.quantity AS units,
           r.expires_at, r.reference, r.channel_id, c.code AS channel,
           r.opened_at
    FROM omni_internal.reservation_state r
    LEFT JOIN omni.node n ON n.id = r.node_id
    LEFT JOIN omni.channel c ON c.id = r.channel_id
    WHERE r.item_id < 0;
COMMENT ON VIEW omni.capacity_reservation IS
    'promises of capacity that are open, under the caller''s own snapshot; past expires_at they no longer count';
COMMENT ON COLUMN omni.capacity_reservation.id IS
    'id of the promise; released, consumed and extended as one of stock';
COMMENT ON COLUMN omni.capacity_reservation.node_id IS 'node';
COMMENT ON COLUMN omni.capacity_reservation.node IS 'its code';
COMMENT ON COLUMN omni.capacity_reservation.day IS 'date, local to the node';
COMMENT ON COLUMN omni.capacity_reservation.units IS 'units still promised';
COMMENT ON COLUMN omni.capacity_reservation.expires_at IS
    'until when it stands; null: without limit';
COMMENT ON COLUMN omni.capacity_reservation.reference IS
    'the caller''s own reference';
COMMENT ON COLUMN omni.capacity_reservation.channel_id IS 'channel that asked';
COMMENT ON COLUMN omni.capacity_reservation.channel IS 'its code';
COMMENT ON COLUMN omni.capacity_reservation.opened_at IS 'when it was made';

-- Open promises by item, under the caller's own snapshot.
CREATE VIEW omni_internal.open_promise AS
    SELECT u.item_id, u.id,
           (array_agg(u.node_id ORDER BY u.last_id DESC))[1] AS node_id,
           sum(u.quantity)::bigint AS quantity,
           (array_agg(u.expires_at ORDER BY u.last_id DESC))[1] AS expires_at
    FROM (SELECT o.item_id, o.id, o.node_id, o.quantity, o.expires_at, o.last_id
          FROM omni_internal.open_reservation o
          UNION ALL
          SELECT l.item_id, l.reservation, l.node_id, l.reserved, l.expires_at,
                 l.id
          FROM omni_internal.unfolded l
          WHERE l.reservation IS NOT NULL) u
    GROUP BY u.item_id, u.id
    HAVING sum(u.quantity) > 0;
COMMENT ON VIEW omni_internal.open_promise IS
    'open promises by item, expired ones that nobody has tidied up included; a condition on item_id reaches the tables';

-- Those with a time limit: few, and found by an index.
CREATE VIEW omni_internal.limited_promise AS
    SELECT u.item_id, u.id,
           (array_agg(u.node_id ORDER BY u.last_id DESC))[1] AS node_id,
           sum(u.quantity)::bigint AS quantity,
           (array_agg(u.expires_at ORDER BY u.last_id DESC))[1] AS expires_at
    FROM (SELECT o.item_id, o.id, o.node_id, o.quantity, o.expires_at, o.last_id
          FROM omni_internal.open_reservation o
          WHERE o.expires_at IS NOT NULL
          UNION ALL
          SELECT l.item_id, l.reservation, l.node_id, l.reserved, l.expires_at,
                 l.id
          FROM omni_internal.unfolded l
          WHERE l.reservation IS NOT NULL AND l.expires_at IS NOT NULL) u
    GROUP BY u.item_id, u.id
    HAVING sum(u.quantity) > 0;
COMMENT ON VIEW omni_internal.limited_promise IS
    'open promises with a time limit by item, expired ones that nobody has tidied up included';

-- What the counters say when nothing is in flight: what has expired is off.
CREATE VIEW omni_internal.stock_position AS
    SELECT u.item_id, u.node_id, sum(u.on_hand)::bigint AS on_hand,
           sum(u.reserved)::bigint AS reserved
    FROM (SELECT b.item_id, b.node_id, b.on_hand, b.reserved
          FROM omni_internal.stock_balance b
          UNION ALL
          SELECT l.item_id, l.node_id, l.quantity, l.reserved
          FROM omni_internal.unfolded l
          UNION ALL
          SELECT p.item_id, p.node_id, 0, -p.quantity
          FROM omni_internal.limited_promise p
          WHERE p.expires_at <= omni_internal.clock()) u
    WHERE u.item_id > 0
    GROUP BY u.item_id, u.node_id;
COMMENT ON VIEW omni_internal.stock_position IS
    'on hand and reserved per item and node (0: the pool), expired promises left out, under the caller''s own snapshot';

-- A node is short of what it has promised, or of what it has sold; the pool,
-- when its counter (what nodes offer, less what is promised of the pool) is
-- below zero.
CREATE VIEW omni_internal.shortfall_now AS
    SELECT p.item_id, p.node_id, p.on_hand, p.reserved,
           p.reserved - p.on_hand AS short,
           GREATEST(p.reserved - GREATEST(p.on_hand, 0), 0) AS broken,
           GREATEST(p.on_hand, 0) AS served
    FROM omni_internal.stock_position p
    WHERE p.node_id <> 0 AND p.on_hand < p.reserved
    UNION ALL
    SELECT q.item_id, 0, NULL, q.reserved, q.reserved - q.offered,
           q.reserved - q.offered, GREATEST(q.offered, 0)
    FROM (SELECT p.item_id,
                 sum(CASE WHEN p.node_id = 0 THEN p.reserved ELSE 0 END)::bigint
                     AS reserved,
                 sum(CASE WHEN p.node_id = 0 OR n.status IS DISTINCT FROM 'active'
                          THEN 0
                          WHEN p.on_hand - p.reserved
                               >= COALESCE(o.safety, n.safety)
                          THEN p.on_hand - p.reserved
                               - COALESCE(o.safety, n.safety)
                          ELSE LEAST(GREATEST(p.on_hand, 0) - p.reserved, 0)
                     END)::bigint AS offered
          FROM omni_internal.stock_position p
          LEFT JOIN omni.node n ON n.id = p.node_id
          LEFT JOIN omni.stock_policy o
              ON o.item = p.item_id AND o.node = p.node_id
          GROUP BY p.item_id) q
    WHERE q.offered < q.reserved;
COMMENT ON VIEW omni_internal.shortfall_now IS
    'items and nodes (0: the pool) that are short: by how much, how many promised units are broken, how many can be served';

CREATE VIEW omni.shortfall AS
    SELECT s.item_id, i.sku, NULLIF(s.node_id, 0) AS node_id, n.code AS node,
           s.on_hand, s.reserved, s.short, s.broken
    FROM omni_internal.shortfall_now s
    LEFT JOIN omni.item i ON i.id = s.item_id
    LEFT JOIN omni.node n ON n.id = s.node_id;
COMMENT ON VIEW omni.shortfall IS
    'where more is promised or sold than there is, per item and node (null: the pool), exact under the caller''s own snapshot';
COMMENT ON COLUMN omni.shortfall.item_id IS 'item';
COMMENT ON COLUMN omni.shortfall.sku IS 'its sku';
COMMENT ON COLUMN omni.shortfall.node_id IS 'node; null: the pool';
COMMENT ON COLUMN omni.shortfall.node IS 'its code; null: the pool';
COMMENT ON COLUMN omni.shortfall.on_hand IS
    'physically there by the records, below zero where more was sold; null for the pool';
COMMENT ON COLUMN omni.shortfall.reserved IS
    'promised and still there; for the pool: promised without a node';
COMMENT ON COLUMN omni.shortfall.short IS
    'units that are missing; for the pool: by how much its counter is below zero';
COMMENT ON COLUMN omni.shortfall.broken IS
    'promised units among them, which nothing on hand stands behind';

-- Rows that the balances contain: the complement of "unfolded".
CREATE VIEW omni_internal.folded AS
    SELECT l.*
    FROM omni.stock_ledger l
    WHERE l.era < (SELECT f.era FROM omni_internal.fold_state f)
       OR l.era = (SELECT f.era FROM omni_internal.fold_state f)
          AND l.xid < (SELECT f.seen_xmax FROM omni_internal.fold_state f)
          AND l.xid <> ALL ((SELECT f.seen_xip
                             FROM omni_internal.fold_state f)::xid8[]);
COMMENT ON VIEW omni_internal.folded IS
    'ledger rows that the balances contain';

-- What the balances must be, of what retention has left and deleted.
CREATE VIEW omni_internal.balance_difference AS
    SELECT COALESCE(l.item_id, b.item_id) AS item_id,
           COALESCE(l.node_id, b.node_id) AS node_id,
           COALESCE(b.on_hand, 0) AS on_hand,
           COALESCE(b.reserved, 0) AS reserved,
           COALESCE(l.on_hand, 0) AS expected_on_hand,
           COALESCE(l.reserved, 0) AS expected_reserved
    FROM (SELECT g.item_id, g.node_id, sum(g.on_hand)::bigint AS on_hand,
                 sum(g.reserved)::bigint AS reserved
          FROM (SELECT f.item_id, f.node_id, f.quantity::bigint AS on_hand,
                       f.reserved::bigint AS reserved
                FROM omni_internal.folded f
                UNION ALL
                SELECT p.item_id, p.node_id, p.on_hand, 0
                FROM omni_internal.pruned_stock p) g
          GROUP BY g.item_id, g.node_id) l
    FULL JOIN (SELECT s.item_id, s.node_id, sum(s.on_hand)::bigint AS on_hand,
                      sum(s.reserved)::bigint AS reserved
               FROM omni_internal.stock_balance s
               GROUP BY s.item_id, s.node_id) b
        ON b.item_id = l.item_id AND b.node_id = l.node_id
    WHERE COALESCE(b.on_hand, 0) <> COALESCE(l.on_hand, 0)
       OR COALESCE(b.reserved, 0) <> COALESCE(l.reserved, 0);
COMMENT ON VIEW omni_internal.balance_difference IS
    'balances that are not the sums of the ledger: none, ever';

-- What open_reservation must hold, of what is folded.
CREATE VIEW omni_internal.promise_difference AS
    SELECT COALESCE(l.id, o.id) AS id,
           COALESCE(l.item_id, o.item_id) AS item_id,
           COALESCE(l.node_id, o.node_id) AS node_id,
           COALESCE(o.quantity, 0) AS quantity,
           COALESCE(l.quantity, 0) AS expected_quantity,
           o.node_id AS table_node_id, o.expires_at, o.last_id,
           l.expires_at AS expected_expires_at, l.last_id AS expected_last_id,
           l.reference, l.channel_id, l.opened_at
    FROM (SELECT f.reservation AS id, min(f.item_id) AS item_id,
                 sum(f.reserved) AS quantity, max(f.id) AS last_id,
                 (array_agg(f.node_id ORDER BY f.id DESC))[1] AS node_id,
                 (array_agg(f.expires_at ORDER BY f.id DESC))[1] AS expires_at,
                 (array_agg(f.reference ORDER BY f.id))[1] AS reference,
                 (array_agg(f.channel_id ORDER BY f.id))[1] AS channel_id,
                 min(f.recorded_at) AS opened_at
          FROM omni_internal.folded f
          WHERE f.reservation IS NOT NULL
          GROUP BY f.reservation
          HAVING sum(f.reserved) > 0) l
    FULL JOIN omni_internal.open_reservation o ON o.id = l.id
    WHERE (o.item_id, o.node_id, o.quantity, o.expires_at, o.last_id)
          IS DISTINCT FROM
          (l.item_id, l.node_id, l.quantity, l.expires_at, l.last_id);
COMMENT ON VIEW omni_internal.promise_difference IS
    'open promises that are not what their ledger rows say: none, ever';

-- A promise's rows are one chain: one opens it, each other one closes the one
-- before; they are of one item, and never hold less than nothing.
CREATE VIEW omni_internal.broken_promise AS
    SELECT l.reservation AS id, min(l.item_id) AS item_id,
           (array_agg(l.node_id ORDER BY l.id DESC))[1] AS node_id,
           count(*) AS rows, count(l.closes) AS closing,
           count(*) FILTER (WHERE l.id = l.reservation) AS opening
    FROM omni.stock_ledger l
    WHERE l.reservation IS NOT NULL
    GROUP BY l.reservation
    HAVING count(*) FILTER (WHERE l.id = l.reservation) <> 1
        OR COALESCE(array_agg(l.closes ORDER BY l.closes)
                    FILTER (WHERE l.closes IS NOT NULL), '{}')
           <> (array_agg(l.id ORDER BY l.id))[:count(*)::integer - 1]
        OR min(l.item_id) <> max(l.item_id)
        OR sum(l.reserved) < 0;
COMMENT ON VIEW omni_internal.broken_promise IS
    'promises whose ledger rows are no chain: none, ever';

-- Everything that can be wrong in the tables, one row each; "object" is the id
-- of what it is about, where item and node do not say it.
CREATE VIEW omni_internal.table_difference AS
    SELECT b.item_id, b.node_id, w.what, NULL::bigint AS object, w.counter,
           w.expected
    FROM omni_internal.balance_difference b
    CROSS JOIN LATERAL (VALUES
        ('balance on_hand', b.on_hand, b.expected_on_hand),
        ('balance reserved', b.reserved, b.expected_reserved)
    ) w (what, counter, expected)
    WHERE w.counter <> w.expected
    UNION ALL
    SELECT p.item_id, p.node_id,
           CASE WHEN p.quantity <> p.expected_quantity
                THEN 'open promise quantity'
                WHEN p.table_node_id <> p.node_id THEN 'open promise node'
                WHEN p.expires_at IS DISTINCT FROM p.expected_expires_at
                THEN 'open promise deadline'
                WHEN p.last_id <> p.expected_last_id
                THEN 'open promise last row'
                ELSE 'open promise item' END, p.id,
           p.quantity, p.expected_quantity
    FROM omni_internal.promise_difference p
    UNION ALL
    SELECT c.item_id, c.node_id, 'promise chain', c.id, c.closing, c.rows - 1
    FROM omni_internal.broken_promise c
    UNION ALL
    SELECT s.item_id, s.node_id, 'unknown item', s.item_id, s.on_hand, 0
    FROM omni_internal.stock_balance s
    WHERE s.tick = 0 AND s.item_id > 0
      AND NOT EXISTS (SELECT FROM omni.item i WHERE i.id = s.item_id)
    UNION ALL
    SELECT s.item_id, s.node_id, 'unknown node', s.node_id, s.on_hand, 0
    FROM omni_internal.stock_balance s
    WHERE s.tick = 0 AND s.node_id <> 0
      AND NOT EXISTS (SELECT FROM omni.node n WHERE n.id = s.node_id);
COMMENT ON VIEW omni_internal.table_difference IS
    'differences between ledger, balances, open promises and master data: none, ever';

-- The functions that channels call most often are not SECURITY DEFINER: they
-- check the caller's rights and append to the ledger in C, and any statement
-- that they run in passing is run as the owner (see core/spi.c).
CREATE FUNCTION omni.receive_stock(node text, sku text, quantity integer,
        reference text DEFAULT NULL, request text DEFAULT NULL)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_receive_stock';
COMMENT ON FUNCTION omni.receive_stock(text, text, integer, text, text) IS
    'Units arrived at a node: on_hand rises, for others once this has committed. quantity > 0, in the item''s unit. Returns the ledger row''s id. OM002 unknown node or sku, OM005 not permitted, OM007 quantity not positive, OM008 out of range.';

CREATE FUNCTION omni.sell_stock(node text, sku text, quantity integer,
        reference text DEFAULT NULL, channel text DEFAULT NULL,
        occurred_at timestamptz DEFAULT NULL, request text DEFAULT NULL)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_sell_stock';
COMMENT ON FUNCTION omni.sell_stock(text, text, integer, text, text, timestamptz, text) IS
    'A sale at the till: on_hand falls at once and may fall below zero; never refused for lack of stock. occurred_at: when the till sold it (now by default). Returns the ledger row''s id. OM002, OM005, OM007, OM008.';

CREATE FUNCTION omni.adjust_stock(node text, sku text, delta integer,
        reason text, reference text DEFAULT NULL,
        request text DEFAULT NULL)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_stock_adjust_stock';
COMMENT ON FUNCTION omni.adjust_stock(text, text, integer, text, text, text) IS
    'Correct on_hand by a signed, non-zero delta, with a reason (damage, found and so on). A negative one counts at once, a positive one once this has committed. Returns the ledger row''s id. OM002, OM005, OM007 zero delta, OM008.';

CREATE FUNCTION omni.set_stock(node text, sku text, on_hand integer,
        reference text DEFAULT NULL, as_of timestamptz DEFAULT NULL,
        request text DEFAULT NULL)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_stock_set_stock';
COMMENT ON FUNCTION omni.set_stock(text, text, integer, text, timestamptz, text) IS
    'Absolute feed of another system: on_hand becomes this; the ledger gets the difference. as_of: when it was counted; what moved after it is kept on top. Two of one item and node exclude each other until commit. Returns the ledger row''s id. OM002, OM005, OM007, OM008.';

CREATE FUNCTION omni.available(sku text, node text DEFAULT NULL,
        channel text DEFAULT NULL)
    RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_available_units';
COMMENT ON FUNCTION omni.available(text, text, text) IS
    'What could be reserved now, at a node or (node null) of the pool: the counter that reserving uses, others'' uncommitted promises taken off, one''s own uncommitted changes counted; never below 0. OM002, OM005.';

CREATE FUNCTION omni.availability(skus text[], channel text DEFAULT NULL,
        OUT sku text, OUT node text, OUT on_hand integer, OUT reserved integer,
        OUT safety integer, OUT available integer)
    RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_availability';
COMMENT ON FUNCTION omni.availability(text[], text) IS
    'One row per stocked sku and node, parts as they are; no row for the pool. OM002, OM005, OM007.';

CREATE FUNCTION omni.reserve_stock(sku text, quantity integer,
        node text DEFAULT NULL, ttl interval DEFAULT NULL,
        reference text DEFAULT NULL, channel text DEFAULT NULL,
        request text DEFAULT NULL)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_reserve_stock';
COMMENT ON FUNCTION omni.reserve_stock(text, integer, text, interval, text, text, text) IS
    'Promise units at a node, or of the pool (node null), until ttl has passed (null: without limit). No lock is held until commit; a rollback gives the units back. Returns the reservation''s id. OM001 insufficient stock, OM002, OM005, OM007, OM012 no memory for a time limit.';

CREATE FUNCTION omni.reserve_lines(skus text[], quantities integer[],
        nodes text[] DEFAULT NULL, ttl interval DEFAULT NULL,
        reference text DEFAULT NULL, channel text DEFAULT NULL,
        request text DEFAULT NULL)
    RETURNS bigint[] LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_reserve_lines';
COMMENT ON FUNCTION omni.reserve_lines(text[], integer[], text[], interval, text, text, text) IS
    'Promise all lines or none. Arrays are one-dimensional, equally long and not empty; a null node is a pool-level line; the same sku twice counts twice. Id n belongs to line n. Errors as omni.reserve_stock.';

CREATE FUNCTION omni.extend_reservation(reservation bigint, ttl interval,
        request text DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_stock_extend_reservation';
COMMENT ON FUNCTION omni.extend_reservation(bigint, interval, text) IS
    'The promise''s time limit becomes now + ttl. OM002, OM004 closed, expired or without a limit, OM007, OM013 another transaction is changing it.';

CREATE FUNCTION omni.pin_reservation(reservation bigint, node text,
        request text DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_stock_pin_reservation';
COMMENT ON FUNCTION omni.pin_reservation(bigint, text, text) IS
    'Choose the node of a pool-level promise; the pool stays the same. OM001 the node has too little, OM002, OM004 closed, expired or pinned, OM013.';

CREATE FUNCTION omni.release_reservation(reservation bigint,
        request text DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_stock_release_reservation';
COMMENT ON FUNCTION omni.release_reservation(bigint, text) IS
    'Give the promised units back; they count for others once this has committed. OM002, OM004 closed or expired, OM013.';

CREATE FUNCTION omni.consume_reservation(reservation bigint,
        request text DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_stock_consume_reservation';
COMMENT ON FUNCTION omni.consume_reservation(bigint, text) IS
    'The promised units left the building: on_hand and reserved fall. OM002, OM004 closed, expired or pool-level, OM013.';

CREATE FUNCTION omni.verify_stock(OUT sku text, OUT node text, OUT what text,
        OUT counter bigint, OUT expected bigint)
    RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
    AS 'MODULE_PATHNAME', 'omni_stock_verify';
COMMENT ON FUNCTION omni.verify_stock() IS
    'One row per difference: counters in memory against tables, balances and open promises against the ledger and what retention has deleted of it, chains of promises, unknown items and nodes; none, ever, while nobody changes stock (node null: the pool). What prepared transactions hold is left out on both sides. "what" names the class, and the id where sku and node do not. Reads the whole ledger.';

CREATE FUNCTION omni.repair_stock(OUT sku text, OUT node text, OUT what text,
        OUT was bigint, OUT became bigint)
    RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
    AS 'MODULE_PATHNAME', 'omni_stock_repair';
COMMENT ON FUNCTION omni.repair_stock() IS
    'Make balances and open promises what the ledger says, and have the counters read anew at commit where one differs; one row per change, as omni.verify_stock() names them. The ledger itself is not changed: broken chains and unknown items and nodes stay. Holds off folds until commit; promising and selling go on. Reads the whole ledger. OM005.';

CREATE FUNCTION omni.reload_stock() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_stock_reload_stock';
COMMENT ON FUNCTION omni.reload_stock() IS
    'Read the counters of this database anew, at their next use: after rows came by logical replication. Returns for how many items. Where open transactions use an item''s counters these go on with the old ones, others wait for them, 30 s at most (OM015). OM005.';

CREATE FUNCTION omni_internal.stat_stock(
    OUT loads bigint,
    OUT load_waits bigint,
    OUT evictions bigint,
    OUT reloads bigint,
    OUT refused bigint,
    OUT in_doubt bigint,
    OUT blocks bigint,
    OUT pinned_blocks bigint,
    OUT memory_used bigint,
    OUT memory_total bigint,
    OUT stats_reset timestamptz)
    RETURNS record LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'omni_stock_read_stat';
COMMENT ON FUNCTION omni_internal.stat_stock() IS
    'the row of omni.stat_stock';

CREATE VIEW omni.stat_stock AS
    SELECT s.loads, s.load_waits, s.evictions, s.reloads, s.refused,
           s.in_doubt, s.blocks, s.pinned_blocks, s.memory_used,
           s.memory_total, s.stats_reset
    FROM omni_internal.stat_stock() s;
COMMENT ON VIEW omni.stat_stock IS
    'one row about the counters of stock in shared memory: of the whole server, all databases together';
COMMENT ON COLUMN omni.stat_stock.loads IS
    'items whose counters were read from the tables';
COMMENT ON COLUMN omni.stat_stock.load_waits IS
    'waits for another session''s load, or for the end of transactions that held up a reload';
COMMENT ON COLUMN omni.stat_stock.evictions IS
    'items whose counters were dropped to make room';
COMMENT ON COLUMN omni.stat_stock.reloads IS
    'items whose counters were dropped to be read anew: omni.reload_stock(), changes by hand';
COMMENT ON COLUMN omni.stat_stock.refused IS
    'requests refused for lack of stock (OM001) or of capacity (OM018)';
COMMENT ON COLUMN omni.stat_stock.in_doubt IS
    'items that prepared transactions have changed, now; an item counts for each of them';
COMMENT ON COLUMN omni.stat_stock.blocks IS
    'items, and days of capacity, whose counters are in memory now';
COMMENT ON COLUMN omni.stat_stock.pinned_blocks IS
    'of these, in use by open transactions: not to be dropped';
COMMENT ON COLUMN omni.stat_stock.memory_used IS
    'bytes of omni.stock_memory in use';
COMMENT ON COLUMN omni.stat_stock.memory_total IS
    'bytes that there are; items nobody uses are dropped when they are used up';
COMMENT ON COLUMN omni.stat_stock.stats_reset IS
    'since when the counters count';

CREATE FUNCTION omni.reset_stat_stock() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_stock_reset_stat';
COMMENT ON FUNCTION omni.reset_stat_stock() IS
    'let the counters of omni.stat_stock start again at 0, for the whole server. OM005.';

CREATE FUNCTION omni_internal.stat_lag(
    OUT tick_lag bigint,
    OUT fold_lag bigint,
    OUT folded_at timestamptz)
    RETURNS record LANGUAGE c STABLE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_stock_read_lag';
COMMENT ON FUNCTION omni_internal.stat_lag() IS
    'how far ticks and folds are behind, for omni.stat_worker; lends the right to count what the tables hold';

CREATE VIEW omni.stat_worker AS
    SELECT w.pid, w.state, w.problem, w.era, w.turns,
           w.last_turn_at AS last_tick_at,
           pg_catalog.clock_timestamp() - w.last_turn_at AS tick_age,
           w.last_position, l.tick_lag, l.folded_at, l.fold_lag
    FROM omni.describe_worker() w
    CROSS JOIN omni_internal.stat_lag() l;
COMMENT ON VIEW omni.stat_worker IS
    'one row about this database''s worker, and how far the feed and the balances are behind';
COMMENT ON COLUMN omni.stat_worker.pid IS
    'its process, as in pg_stat_activity; null: none runs';
COMMENT ON COLUMN omni.stat_worker.state IS
    'none, wanted, starting, running or barred';
COMMENT ON COLUMN omni.stat_worker.problem IS
    'what keeps it from its work; null: nothing';
COMMENT ON COLUMN omni.stat_worker.era IS
    'era that it lets writes through for; null: none yet';
COMMENT ON COLUMN omni.stat_worker.turns IS
    'ticks that ran since the server''s start, those over nothing included';
COMMENT ON COLUMN omni.stat_worker.last_tick_at IS
    'when the last one ran';
COMMENT ON COLUMN omni.stat_worker.tick_age IS
    'how long that is ago: more than a few times omni.tick_interval means that the feed stands still';
COMMENT ON COLUMN omni.stat_worker.last_position IS
    'last position of the feed';
COMMENT ON COLUMN omni.stat_worker.tick_lag IS
    'committed ledger rows and events that have no position yet';
COMMENT ON COLUMN omni.stat_worker.folded_at IS
    'when the tick was closed up to which omni.stock counts; null: none that is kept';
COMMENT ON COLUMN omni.stat_worker.fold_lag IS
    'committed ledger rows that omni.stock does not count yet';

CREATE FUNCTION omni_internal.reserve_capacity(nodes text[], days date[],
        units integer[], skus text[], seconds integer DEFAULT NULL,
        reference text DEFAULT NULL)
    RETURNS bigint[] LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_reserve_capacity';
COMMENT ON FUNCTION omni_internal.reserve_capacity(text[], date[], integer[], text[], integer, text) IS
    'promise all lines or none: of a node''s capacity on a day, or, where the line has a sku, of stock; for tests of what orders do';

CREATE FUNCTION omni_internal.stock_in_doubt(OUT transactions bigint,
        OUT items bigint)
    RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_stock_in_doubt';
COMMENT ON FUNCTION omni_internal.stock_in_doubt() IS
    'prepared transactions that hold changes of stock, and the items they hold them of (an item counts for each transaction; from its first use after a restart)';

REVOKE ALL ON FUNCTION omni_internal.stock_in_doubt(),
    omni_internal.capacity_day(bigint),
    omni_internal.reserve_capacity(text[], date[], integer[], text[], integer,
        text)
    FROM PUBLIC;
REVOKE ALL ON FUNCTION
    omni_internal.stat_lag(),
    omni.reload_stock(),
    omni.reset_stat_stock(),
    omni_internal.stat_stock(),
    omni.receive_stock(text, text, integer, text, text),
    omni.sell_stock(text, text, integer, text, text, timestamptz, text),
    omni.adjust_stock(text, text, integer, text, text, text),
    omni.set_stock(text, text, integer, text, timestamptz, text),
    omni.available(text, text, text),
    omni.availability(text[], text),
    omni.reserve_stock(text, integer, text, interval, text, text, text),
    omni.reserve_lines(text[], integer[], text[], interval, text, text, text),
    omni.extend_reservation(bigint, interval, text),
    omni.pin_reservation(bigint, text, text),
    omni.release_reservation(bigint, text),
    omni.consume_reservation(bigint, text),
    omni.verify_stock(),
    omni.repair_stock()
    FROM PUBLIC;
REVOKE ALL ON omni.stock_ledger, omni.stock, omni.stock_now, omni.reservation,
    omni.capacity_now, omni.capacity_reservation,
    omni.shortfall, omni.stat_stock, omni.stat_worker FROM PUBLIC;

SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni.available,omni.availability}');
SELECT omni_internal.allow_functions('{channel,store,support,admin}',
    '{omni.reserve_stock,omni.reserve_lines,omni.extend_reservation,omni.pin_reservation,omni.release_reservation,omni.consume_reservation}');
SELECT omni_internal.allow_functions('{store,admin}',
    '{omni.receive_stock,omni.adjust_stock,omni.set_stock}');
SELECT omni_internal.allow_functions('{channel,store,admin}',
    '{omni.sell_stock}');
SELECT omni_internal.allow_functions('{admin}',
    '{omni.verify_stock,omni.repair_stock,omni.reload_stock,omni.reset_stat_stock}');
SELECT omni_internal.allow_functions('{reader,admin}',
    '{omni_internal.stat_stock,omni_internal.stat_lag,omni.describe_worker}');
SELECT omni_internal.allow_relations('{reader,admin}', '{select}',
    '{omni.stat_stock,omni.stat_worker}');
SELECT omni_internal.allow_relations('{reader,support,admin}', '{select}',
    '{omni.stock,omni.stock_now,omni.shortfall,omni.capacity_now}');
-- views ask for the time and the day with the reader's own rights
SELECT omni_internal.allow_functions('{reader,support,admin}',
    '{omni_internal.clock,omni_internal.capacity_day}');
SELECT omni_internal.allow_relations('{support,admin}', '{select}',
    '{omni.reservation,omni.capacity_reservation,omni.stock_ledger}');
