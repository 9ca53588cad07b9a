-- orders: functions, views and rights of holds and of the queue.

-- ---- functions ----

CREATE FUNCTION omni.hold_order(order_id bigint, reason text,
        note text DEFAULT NULL, held_until timestamptz DEFAULT NULL)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_hold_order';
COMMENT ON FUNCTION omni.hold_order(bigint, text, text, timestamptz) IS
    'Hold an order: until it is released, or held_until has come, no step of its fulfilments is taken; what is promised stays so. Returns the hold''s id; one that is open for this reason already gets note and held_until of this call. OM002, OM004 completed or cancelled, OM005, OM007.';

CREATE FUNCTION omni.release_hold(order_id bigint, reason text)
    RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_release_hold';
COMMENT ON FUNCTION omni.release_hold(bigint, text) IS
    'End the order''s hold for this reason; false when there is none (any more). OM002, OM005, OM007.';

CREATE FUNCTION omni.prioritise_order(order_id bigint, priority integer)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_prioritise_order';
COMMENT ON FUNCTION omni.prioritise_order(bigint, integer) IS
    'Change an order''s priority in the queue; higher first. OM002, OM004 completed or cancelled, OM005, OM007 beyond 1,000,000 in either direction.';

CREATE FUNCTION omni.retry_parked(max_orders integer DEFAULT 100)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_retry_parked';
COMMENT ON FUNCTION omni.retry_parked(integer) IS
    'Try parked orders now, from the head of the queue, at most so many of those that something can be had for; returns the units allocated. The worker does so by itself when units arrive. OM002, OM005, OM007.';

REVOKE ALL ON FUNCTION
    omni.hold_order(bigint, text, text, timestamptz),
    omni.release_hold(bigint, text),
    omni.prioritise_order(bigint, integer),
    omni.retry_parked(integer)
    FROM PUBLIC;

SELECT omni_internal.allow_functions('{channel,support,admin}',
    '{omni.hold_order,omni.release_hold,omni.prioritise_order}');
SELECT omni_internal.allow_functions('{support,admin}',
    '{omni.retry_parked}');

-- ---- row policies and views ----

ALTER TABLE omni.order_hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY order_hold_read ON omni.order_hold FOR SELECT
    USING (omni_internal.may_see_order(order_id));
COMMENT ON POLICY order_hold_read ON omni.order_hold IS
    'who may see the order';

-- Read with the owner's rights, so the views ask who may see the order.
CREATE VIEW omni.parked_line WITH (security_barrier = true) AS
    SELECT p.order_id, c.code AS channel, o.external_id, l.line,
           p.order_line_id, i.sku, l.open, l.backordered, l.reason,
           p.priority, p.placed_at, p.since, p.attempts, p.last_tried_at,
           p.next_try_at
    FROM omni_internal.parked_line p
    JOIN omni.order_line l ON l.id = p.order_line_id
    JOIN omni.sales_order o ON o.id = p.order_id
    LEFT JOIN omni.channel c ON c.id = o.channel_id
    LEFT JOIN omni.item i ON i.id = p.item_id
    WHERE omni_internal.may_see_order(p.order_id);

CREATE VIEW omni.work_list WITH (security_barrier = true) AS
    SELECT f.id, n.code AS node, f.kind, f.status, f.order_id,
           c.code AS channel, o.external_id, o.priority, r.promise_by,
           f.created_at, f.changed_at,
           (SELECT sum(fl.quantity)::bigint FROM omni.fulfilment_line fl
            WHERE fl.fulfilment_id = f.id) AS units,
           CASE WHEN o.holds > 0 THEN
               (SELECT array_agg(h.reason ORDER BY h.id)
                FROM omni.order_hold h
                WHERE h.order_id = o.id AND h.released_at IS NULL
                  AND (h.held_until <= omni_internal.clock()) IS NOT TRUE)
           END AS holds
    FROM omni.fulfilment f
    JOIN omni.sales_order o ON o.id = f.order_id
    JOIN omni.order_request r
        ON r.order_id = f.order_id AND r.request = f.request
    LEFT JOIN omni.node n ON n.id = f.node_id
    LEFT JOIN omni.channel c ON c.id = o.channel_id
    WHERE f.status IN ('allocated', 'accepted', 'picked', 'packed', 'ready')
      AND omni_internal.may_see_order(f.order_id);

-- ---- comments ----

COMMENT ON TABLE omni.order_hold IS
    'what keeps orders from being fulfilled, or did';
COMMENT ON COLUMN omni.order_hold.id IS 'id, given by the database';
COMMENT ON COLUMN omni.order_hold.order_id IS 'id of the order';
COMMENT ON COLUMN omni.order_hold.reason IS
    'payment, fraud, address, customer, or any other text';
COMMENT ON COLUMN omni.order_hold.note IS 'for people';
COMMENT ON COLUMN omni.order_hold.held_at IS 'since when';
COMMENT ON COLUMN omni.order_hold.held_by IS 'role that asked';
COMMENT ON COLUMN omni.order_hold.held_until IS
    'from then on it does not count; null: until it is released';
COMMENT ON COLUMN omni.order_hold.released_at IS
    'when it was closed; null: open';
COMMENT ON COLUMN omni.order_hold.released_by IS
    'role that released it, or ended the order; null: its time was up';

COMMENT ON TABLE omni_internal.parked_line IS
    'order lines that wait for units, while they do';

COMMENT ON VIEW omni.parked_line IS
    'the queue: order lines with units that wait; served by priority, highest first, then placed_at, then order_id';
COMMENT ON COLUMN omni.parked_line.order_id IS 'id of the order';
COMMENT ON COLUMN omni.parked_line.channel IS
    'code of the channel that sold it';
COMMENT ON COLUMN omni.parked_line.external_id IS
    'the channel''s own number for the order';
COMMENT ON COLUMN omni.parked_line.line IS 'number within the order';
COMMENT ON COLUMN omni.parked_line.order_line_id IS 'id of the order line';
COMMENT ON COLUMN omni.parked_line.sku IS 'what it waits for';
COMMENT ON COLUMN omni.parked_line.open IS
    'units that nobody could promise, of an order that could not be refused';
COMMENT ON COLUMN omni.parked_line.backordered IS
    'units that the customer agreed to wait for';
COMMENT ON COLUMN omni.parked_line.reason IS
    'why, as of the last time that it was planned';
COMMENT ON COLUMN omni.parked_line.priority IS
    'priority of the order; higher first';
COMMENT ON COLUMN omni.parked_line.placed_at IS
    'when the customer placed the order';
COMMENT ON COLUMN omni.parked_line.since IS 'when it began to wait';
COMMENT ON COLUMN omni.parked_line.attempts IS
    'how often units were there, were tried, and did not do';
COMMENT ON COLUMN omni.parked_line.last_tried_at IS 'when last';
COMMENT ON COLUMN omni.parked_line.next_try_at IS
    'tried by then with units that are there already; earlier when more arrive. Null: when some arrive';

COMMENT ON VIEW omni.work_list IS
    'fulfilments that are under way, of orders that the role may see';
COMMENT ON COLUMN omni.work_list.id IS 'id of the fulfilment';
COMMENT ON COLUMN omni.work_list.node IS 'code of the node whose work it is';
COMMENT ON COLUMN omni.work_list.kind IS 'ship or pickup';
COMMENT ON COLUMN omni.work_list.status IS 'where it is';
COMMENT ON COLUMN omni.work_list.order_id IS 'id of the order';
COMMENT ON COLUMN omni.work_list.channel IS 'code of the channel that sold it';
COMMENT ON COLUMN omni.work_list.external_id IS
    'the channel''s own number for the order';
COMMENT ON COLUMN omni.work_list.priority IS
    'priority of the order; higher first';
COMMENT ON COLUMN omni.work_list.promise_by IS
    'promised until; null: nothing promised';
COMMENT ON COLUMN omni.work_list.created_at IS 'when the fulfilment was made';
COMMENT ON COLUMN omni.work_list.changed_at IS
    'when its status last changed';
COMMENT ON COLUMN omni.work_list.units IS 'how many units it is for';
COMMENT ON COLUMN omni.work_list.holds IS
    'reasons for which the order is held: no step but reject is taken; null: go ahead';

-- ---- rights ----

REVOKE ALL ON TABLE omni.order_hold, omni_internal.parked_line,
    omni.parked_line, omni.work_list FROM PUBLIC;
REVOKE ALL ON SEQUENCE omni.order_hold_id_seq FROM PUBLIC;

SELECT omni_internal.allow_relations('{reader,channel,store,support,admin}',
    '{select}', '{omni.order_hold,omni.parked_line,omni.work_list}');
-- the view asks for the time with the reader's own rights
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni_internal.clock}');
