-- orders: functions, triggers, row policies, comments and rights.

-- ---- functions ----

CREATE FUNCTION omni.place_order(document jsonb)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_place_order';
COMMENT ON FUNCTION omni.place_order(jsonb) IS
    'Record an order, decide where its units come from and promise them there, all or nothing; returns its id. Idempotent on channel and external_id. OM001 insufficient stock, OM002 unknown codes, OM003 another document under the same key, OM004 inactive channel, node or item, OM005 not permitted, OM006 malformed document, OM008 out of range.';

CREATE FUNCTION omni.plan_order(document jsonb, explain text[] DEFAULT NULL)
    RETURNS jsonb LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_plan_order';
COMMENT ON FUNCTION omni.plan_order(jsonb, text[]) IS
    'What omni.place_order would do with the document now, and why; reserves and writes nothing. "explain" has codes of nodes of which the plan then says why they were not chosen. Errors as omni.place_order, but for OM001: then "complete" is false.';

CREATE FUNCTION omni.order_document(order_id bigint)
    RETURNS jsonb LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_order_document';
COMMENT ON FUNCTION omni.order_document(bigint) IS
    'The order as a document: lines with their quantities by state, fulfilments, totals, plan; no personal data. OM002 when there is none, or none that the role may see.';

CREATE FUNCTION omni.cancel_order(order_id bigint, reason text)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_cancel_order';
COMMENT ON FUNCTION omni.cancel_order(bigint, text) IS
    'Cancel all of an order that has not been shipped or collected, and end its promises. OM002, OM004 completed or cancelled, OM005.';

CREATE FUNCTION omni.cancel_order_line(order_line_id bigint, quantity integer,
        reason text)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_cancel_order_line';
COMMENT ON FUNCTION omni.cancel_order_line(bigint, integer, text) IS
    'Cancel units of an order line that have not been shipped or collected. OM002, OM004 fewer can be cancelled, OM005, OM007 quantity not positive.';

CREATE FUNCTION omni.accept_fulfilment(id bigint)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_accept_fulfilment';
COMMENT ON FUNCTION omni.accept_fulfilment(bigint) IS
    'The node takes the work on: allocated to accepted. OM002, OM004, OM005.';

CREATE FUNCTION omni.reject_fulfilment(id bigint, reason text)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_reject_fulfilment';
COMMENT ON FUNCTION omni.reject_fulfilment(bigint, text) IS
    'The node cannot serve it: its units are planned again elsewhere; what nobody has is backordered or stays open. OM002, OM004 unless allocated or accepted, OM005.';

CREATE FUNCTION omni.pick_fulfilment(id bigint, picked jsonb DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_pick_fulfilment';
COMMENT ON FUNCTION omni.pick_fulfilment(bigint, jsonb) IS
    'The units are off the shelf: accepted to picked. picked null: all of them; else an array of {"line", "quantity"}, what was found; the rest is planned again elsewhere. OM002, OM004, OM005, OM006, OM007 more than the fulfilment is for.';

CREATE FUNCTION omni.pack_fulfilment(id bigint, parcels jsonb DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_pack_fulfilment';
COMMENT ON FUNCTION omni.pack_fulfilment(bigint, jsonb) IS
    'It is packed: picked to packed, of kind ship. parcels: any object or array, kept as it is. OM002, OM004, OM005, OM006.';

CREATE FUNCTION omni.ship_fulfilment(id bigint, tracking jsonb DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_ship_fulfilment';
COMMENT ON FUNCTION omni.ship_fulfilment(bigint, jsonb) IS
    'It has left the node: packed to shipped; its promises are consumed. tracking: any object or array, kept as it is. OM002, OM004, OM005, OM006.';

CREATE FUNCTION omni.ready_fulfilment(id bigint)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_ready_fulfilment';
COMMENT ON FUNCTION omni.ready_fulfilment(bigint) IS
    'It waits for the customer: picked to ready, of kind pickup. OM002, OM004, OM005.';

CREATE FUNCTION omni.collect_fulfilment(id bigint,
        collected_by text DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_collect_fulfilment';
COMMENT ON FUNCTION omni.collect_fulfilment(bigint, text) IS
    'The customer, or whoever collected_by names, has taken it: ready to collected; its promises are consumed. OM002, OM004, OM005.';

REVOKE ALL ON FUNCTION
    omni.place_order(jsonb),
    omni.plan_order(jsonb, text[]),
    omni.order_document(bigint),
    omni.cancel_order(bigint, text),
    omni.cancel_order_line(bigint, integer, text),
    omni.accept_fulfilment(bigint),
    omni.reject_fulfilment(bigint, text),
    omni.pick_fulfilment(bigint, jsonb),
    omni.pack_fulfilment(bigint, jsonb),
    omni.ship_fulfilment(bigint, jsonb),
    omni.ready_fulfilment(bigint),
    omni.collect_fulfilment(bigint, text)
    FROM PUBLIC;

SELECT omni_internal.allow_functions('{channel,support,admin}',
    '{omni.place_order,omni.plan_order,omni.cancel_order,omni.cancel_order_line}');
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni.order_document}');
SELECT omni_internal.allow_functions('{channel,store,support,admin}',
    '{omni.accept_fulfilment,omni.reject_fulfilment,omni.pick_fulfilment,omni.pack_fulfilment,omni.ship_fulfilment,omni.ready_fulfilment,omni.collect_fulfilment}');

-- ---- triggers: the states hold for everybody ----

-- As the owner: they read the states, which nobody else can.
CREATE FUNCTION omni_internal.check_sales_order() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_check_order';
COMMENT ON FUNCTION omni_internal.check_sales_order() IS
    'holds updates of orders to the states';
CREATE TRIGGER sales_order_check
    BEFORE UPDATE ON omni.sales_order
    FOR EACH ROW EXECUTE FUNCTION omni_internal.check_sales_order();
ALTER TABLE omni.sales_order ENABLE ALWAYS TRIGGER sales_order_check;

CREATE FUNCTION omni_internal.check_fulfilment() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_check_fulfilment';
COMMENT ON FUNCTION omni_internal.check_fulfilment() IS
    'holds updates of fulfilments to the states';
CREATE TRIGGER fulfilment_check
    BEFORE UPDATE ON omni.fulfilment
    FOR EACH ROW EXECUTE FUNCTION omni_internal.check_fulfilment();
ALTER TABLE omni.fulfilment ENABLE ALWAYS TRIGGER fulfilment_check;

CREATE FUNCTION omni_internal.check_order_line() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_orders_check_line';
COMMENT ON FUNCTION omni_internal.check_order_line() IS
    'what has left or was cancelled does not come back';
CREATE TRIGGER order_line_check
    BEFORE UPDATE ON omni.order_line
    FOR EACH ROW EXECUTE FUNCTION omni_internal.check_order_line();
ALTER TABLE omni.order_line ENABLE ALWAYS TRIGGER order_line_check;

-- ---- row policies ----

-- Not SECURITY DEFINER, which would hide who asks where a materialized view is
-- refreshed.  What they look up is read as the owner all the same: a role that
-- may see an order need not be able to read its channel or its nodes.
CREATE FUNCTION omni_internal.may_see_order(order_id bigint) RETURNS boolean
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'omni_orders_may_see_order';
COMMENT ON FUNCTION omni_internal.may_see_order(bigint) IS
    'may the asking role see this order? For row policies.';

CREATE FUNCTION omni_internal.may_see_order_person(order_id bigint)
    RETURNS boolean LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'omni_orders_may_see_order_person';
COMMENT ON FUNCTION omni_internal.may_see_order_person(bigint) IS
    'may the asking role see this order''s personal data? For row policies.';

REVOKE ALL ON FUNCTION
    omni_internal.check_sales_order(),
    omni_internal.check_fulfilment(),
    omni_internal.check_order_line(),
    omni_internal.may_see_order(bigint),
    omni_internal.may_see_order_person(bigint)
    FROM PUBLIC;
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni_internal.may_see_order,omni_internal.may_see_order_person}');

ALTER TABLE omni.sales_order ENABLE ROW LEVEL SECURITY;
CREATE POLICY sales_order_read ON omni.sales_order FOR SELECT
    USING (omni_internal.may_see_order(id));
ALTER TABLE omni.order_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY order_request_read ON omni.order_request FOR SELECT
    USING (omni_internal.may_see_order(order_id));
ALTER TABLE omni.order_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY order_line_read ON omni.order_line FOR SELECT
    USING (omni_internal.may_see_order(order_id));
ALTER TABLE omni.order_discount ENABLE ROW LEVEL SECURITY;
CREATE POLICY order_discount_read ON omni.order_discount FOR SELECT
    USING (omni_internal.may_see_order(order_id));
ALTER TABLE omni.order_fee ENABLE ROW LEVEL SECURITY;
CREATE POLICY order_fee_read ON omni.order_fee FOR SELECT
    USING (omni_internal.may_see_order(order_id));
ALTER TABLE omni.order_tender ENABLE ROW LEVEL SECURITY;
CREATE POLICY order_tender_read ON omni.order_tender FOR SELECT
    USING (omni_internal.may_see_order(order_id));
ALTER TABLE omni.order_plan ENABLE ROW LEVEL SECURITY;
CREATE POLICY order_plan_read ON omni.order_plan FOR SELECT
    USING (omni_internal.may_see_order(order_id));
ALTER TABLE omni.fulfilment ENABLE ROW LEVEL SECURITY;
CREATE POLICY fulfilment_read ON omni.fulfilment FOR SELECT
    USING (omni_internal.may_see_order(order_id));
ALTER TABLE omni.order_contact ENABLE ROW LEVEL SECURITY;
CREATE POLICY order_contact_read ON omni.order_contact FOR SELECT
    USING (omni_internal.may_see_order_person(order_id));
ALTER TABLE omni.delivery_address ENABLE ROW LEVEL SECURITY;
CREATE POLICY delivery_address_read ON omni.delivery_address FOR SELECT
    USING (omni_internal.may_see_order_person(order_id));
-- the order of a fulfilment, by a probe that the policy above answers
ALTER TABLE omni.fulfilment_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY fulfilment_line_read ON omni.fulfilment_line FOR SELECT
    USING (EXISTS (SELECT FROM omni.fulfilment AS f
        WHERE f.id = fulfilment_id));
ALTER TABLE omni.pickup_person ENABLE ROW LEVEL SECURITY;
CREATE POLICY pickup_person_read ON omni.pickup_person FOR SELECT
    USING (EXISTS (SELECT FROM omni.fulfilment AS f
        WHERE f.id = fulfilment_id
            AND omni_internal.may_see_order_person(f.order_id)));

-- ---- comments ----

COMMENT ON TABLE omni.sales_order IS
    'orders of every channel, one row each';
COMMENT ON COLUMN omni.sales_order.id IS 'id, given by the database';
COMMENT ON COLUMN omni.sales_order.channel_id IS
    'id of the channel that sold it';
COMMENT ON COLUMN omni.sales_order.external_id IS
    'the channel''s own number for it; unique within the channel';
COMMENT ON COLUMN omni.sales_order.status IS 'open, completed or cancelled';
COMMENT ON COLUMN omni.sales_order.customer_id IS
    'who bought it; null: not known';
COMMENT ON COLUMN omni.sales_order.placed_at IS
    'when the customer placed it, as the channel says';
COMMENT ON COLUMN omni.sales_order.recorded_at IS 'when omni took it';
COMMENT ON COLUMN omni.sales_order.currency IS
    'ISO 4217 code of all its amounts';
COMMENT ON COLUMN omni.sales_order.decimals IS 'decimal places of its amounts';
COMMENT ON COLUMN omni.sales_order.taxes_included IS
    'are taxes part of the prices?';
COMMENT ON COLUMN omni.sales_order.goods IS
    'sum of unit price x quantity, each line rounded once, half to even';
COMMENT ON COLUMN omni.sales_order.discount IS
    'taken off the goods, by discounts of lines and order';
COMMENT ON COLUMN omni.sales_order.shipping IS
    'what shipping costs the customer';
COMMENT ON COLUMN omni.sales_order.shipping_tax IS 'tax on shipping';
COMMENT ON COLUMN omni.sales_order.tax IS
    'all taxes, shipping_tax included; part of the prices where taxes_included';
COMMENT ON COLUMN omni.sales_order.fees IS 'sum of the fees';
COMMENT ON COLUMN omni.sales_order.total IS
    'what the customer owes: goods - discount + shipping + fees, and tax where it is not included';
COMMENT ON COLUMN omni.sales_order.refunded IS 'given back so far';
COMMENT ON COLUMN omni.sales_order.coupons IS
    'coupon codes that the customer gave';
COMMENT ON COLUMN omni.sales_order.ship_complete IS
    'allocate everything or nothing';
COMMENT ON COLUMN omni.sales_order.backorder IS
    'may units that nobody has be delivered later?';
COMMENT ON COLUMN omni.sales_order.park IS
    'may not be refused: what nobody has stays open';
COMMENT ON COLUMN omni.sales_order.max_splits IS
    'parcels beyond the first that an address may get; null: any number';
COMMENT ON COLUMN omni.sales_order.priority IS
    'whose turn comes first when units arrive that several orders wait for; higher first';
COMMENT ON COLUMN omni.sales_order.holds IS
    'rows of omni.order_hold that have not been closed; those whose time is up do not count any more';
COMMENT ON COLUMN omni.sales_order.digest IS
    'SHA-256 of the document that it was placed with, for repeated calls';
COMMENT ON COLUMN omni.sales_order.cancel_reason IS
    'why it was cancelled, as the caller said';

COMMENT ON TABLE omni.order_contact IS
    'whom to tell about an order; personal data';
COMMENT ON COLUMN omni.order_contact.order_id IS 'id of the order';
COMMENT ON COLUMN omni.order_contact.given_name IS 'given name';
COMMENT ON COLUMN omni.order_contact.family_name IS 'family name';
COMMENT ON COLUMN omni.order_contact.email IS 'e-mail address, normalised';
COMMENT ON COLUMN omni.order_contact.phone IS 'telephone number, normalised';

COMMENT ON TABLE omni.order_request IS
    'how the customer wants lines of an order: one row for each different wish';
COMMENT ON COLUMN omni.order_request.order_id IS 'id of the order';
COMMENT ON COLUMN omni.order_request.request IS
    'number within the order, from 1';
COMMENT ON COLUMN omni.order_request.kind IS 'ship, pickup or take_away';
COMMENT ON COLUMN omni.order_request.node_id IS
    'where it is picked up or was sold; null: shipped';
COMMENT ON COLUMN omni.order_request.promise_by IS
    'promised until; null: nothing promised';

COMMENT ON TABLE omni.delivery_address IS
    'where a request of kind ship goes; personal data';
COMMENT ON COLUMN omni.delivery_address.order_id IS 'id of the order';
COMMENT ON COLUMN omni.delivery_address.request IS 'number of the request';
COMMENT ON COLUMN omni.delivery_address.country IS 'ISO 3166-1 alpha-2 code';
COMMENT ON COLUMN omni.delivery_address.postal_code IS 'postal code';
COMMENT ON COLUMN omni.delivery_address.latitude IS 'degrees north';
COMMENT ON COLUMN omni.delivery_address.longitude IS 'degrees east';
COMMENT ON COLUMN omni.delivery_address.name IS 'addressee';
COMMENT ON COLUMN omni.delivery_address.company IS 'company';
COMMENT ON COLUMN omni.delivery_address.street IS 'street and number';
COMMENT ON COLUMN omni.delivery_address.street2 IS
    'further line of the street';
COMMENT ON COLUMN omni.delivery_address.city IS 'city';
COMMENT ON COLUMN omni.delivery_address.region IS 'state or province';
COMMENT ON COLUMN omni.delivery_address.phone IS 'telephone number, as given';
COMMENT ON COLUMN omni.delivery_address.email IS 'e-mail address, as given';
COMMENT ON COLUMN omni.delivery_address.instructions IS 'for whoever delivers';

COMMENT ON TABLE omni.order_line IS
    'lines of orders, with their quantities by state, which add up to quantity';
COMMENT ON COLUMN omni.order_line.id IS 'id, given by the database';
COMMENT ON COLUMN omni.order_line.order_id IS 'id of the order';
COMMENT ON COLUMN omni.order_line.item_id IS 'id of the item';
COMMENT ON COLUMN omni.order_line.line IS 'number within the order';
COMMENT ON COLUMN omni.order_line.request IS
    'number of the request that says how the customer wants it';
COMMENT ON COLUMN omni.order_line.quantity IS 'units ordered';
COMMENT ON COLUMN omni.order_line.open IS
    'units that nobody works on, for the reason given';
COMMENT ON COLUMN omni.order_line.backordered IS
    'units to be delivered once there are some';
COMMENT ON COLUMN omni.order_line.allocated IS
    'units promised at a node; accepted ones, too';
COMMENT ON COLUMN omni.order_line.picked IS
    'units off the shelf; packed and ready ones, too';
COMMENT ON COLUMN omni.order_line.shipped IS 'units that left by carrier';
COMMENT ON COLUMN omni.order_line.collected IS 'units that the customer took';
COMMENT ON COLUMN omni.order_line.cancelled IS
    'units cancelled before they left';
COMMENT ON COLUMN omni.order_line.returned IS
    'units that came back, of those shipped or collected';
COMMENT ON COLUMN omni.order_line.unit_price IS
    'price of one unit; may have four decimals more than the currency';
COMMENT ON COLUMN omni.order_line.goods IS
    'unit_price x quantity, rounded once, half to even';
COMMENT ON COLUMN omni.order_line.discount IS
    'taken off the goods, order_discount included';
COMMENT ON COLUMN omni.order_line.order_discount IS
    'the line''s part of the order''s discounts: largest remainder';
COMMENT ON COLUMN omni.order_line.tax_rate IS
    'rate of the tax, as a fraction; null: none, or an amount was given';
COMMENT ON COLUMN omni.order_line.tax IS 'tax of the line';
COMMENT ON COLUMN omni.order_line.total IS
    'what the customer owes for the line';
COMMENT ON COLUMN omni.order_line.reason IS
    'why units are open or backordered';

COMMENT ON TABLE omni.order_discount IS
    'discounts as the channel gave them';
COMMENT ON COLUMN omni.order_discount.order_id IS 'id of the order';
COMMENT ON COLUMN omni.order_discount.discount IS 'number within the order';
COMMENT ON COLUMN omni.order_discount.line IS
    'number of the line; null: the order';
COMMENT ON COLUMN omni.order_discount.code IS 'code of the discount';
COMMENT ON COLUMN omni.order_discount.amount IS
    'amount as given; a discount takes no more off than there is';

COMMENT ON TABLE omni.order_fee IS
    'fees as the channel gave them';
COMMENT ON COLUMN omni.order_fee.order_id IS 'id of the order';
COMMENT ON COLUMN omni.order_fee.fee IS 'number within the order';
COMMENT ON COLUMN omni.order_fee.code IS 'what it is for';
COMMENT ON COLUMN omni.order_fee.amount IS 'amount';

COMMENT ON TABLE omni.order_tender IS
    'how an order was paid, as the channel gave it';
COMMENT ON COLUMN omni.order_tender.order_id IS 'id of the order';
COMMENT ON COLUMN omni.order_tender.tender IS 'number within the order';
COMMENT ON COLUMN omni.order_tender.kind IS 'card, cash and so on';
COMMENT ON COLUMN omni.order_tender.reference IS
    'the payment''s number at whoever took it';
COMMENT ON COLUMN omni.order_tender.amount IS 'amount';

COMMENT ON TABLE omni.order_plan IS
    'why units come from where they come from: a row each time it was planned';
COMMENT ON COLUMN omni.order_plan.order_id IS 'id of the order';
COMMENT ON COLUMN omni.order_plan.plan_number IS
    '1: at placing; then each time units were planned again';
COMMENT ON COLUMN omni.order_plan.planned_at IS 'when';
COMMENT ON COLUMN omni.order_plan.plan IS
    'requests with their nodes, cost, bound, best losers and what rules excluded';

COMMENT ON TABLE omni.fulfilment IS
    'one node''s part of an order';
COMMENT ON COLUMN omni.fulfilment.id IS 'id, given by the database';
COMMENT ON COLUMN omni.fulfilment.order_id IS 'id of the order';
COMMENT ON COLUMN omni.fulfilment.request IS
    'number of the request that it serves';
COMMENT ON COLUMN omni.fulfilment.node_id IS 'id of the node';
COMMENT ON COLUMN omni.fulfilment.kind IS 'ship, pickup or take_away';
COMMENT ON COLUMN omni.fulfilment.status IS
    'where it is; omni_internal.fulfilment_transition has the steps';
COMMENT ON COLUMN omni.fulfilment.created_at IS 'when it was made';
COMMENT ON COLUMN omni.fulfilment.changed_at IS 'when its status last changed';
COMMENT ON COLUMN omni.fulfilment.reason IS
    'why it was rejected or cancelled; short_pick: not all was found';
COMMENT ON COLUMN omni.fulfilment.parcels IS 'what pack_fulfilment was told';
COMMENT ON COLUMN omni.fulfilment.tracking IS 'what ship_fulfilment was told';

COMMENT ON TABLE omni.fulfilment_line IS
    'what a fulfilment is for';
COMMENT ON COLUMN omni.fulfilment_line.fulfilment_id IS 'id of the fulfilment';
COMMENT ON COLUMN omni.fulfilment_line.order_line_id IS 'id of the order line';
COMMENT ON COLUMN omni.fulfilment_line.quantity IS
    'units; less after a short pick or a cancelled line';
COMMENT ON COLUMN omni.fulfilment_line.reservation_id IS
    'id of the promise at the node; null: sold over the counter';
COMMENT ON COLUMN omni.fulfilment_line.capacity_reservation_id IS
    'the promise of the node''s capacity on its day; null where the node has no limit';

COMMENT ON TABLE omni.pickup_person IS
    'who collected; personal data';
COMMENT ON COLUMN omni.pickup_person.fulfilment_id IS 'id of the fulfilment';
COMMENT ON COLUMN omni.pickup_person.collected_by IS
    'as collect_fulfilment was told';

COMMENT ON TABLE omni_internal.order_transition IS
    'steps that the status of an order can take';
COMMENT ON TABLE omni_internal.fulfilment_transition IS
    'steps that the status of a fulfilment can take, by kind';

COMMENT ON POLICY sales_order_read ON omni.sales_order IS
    'who may see the order';
COMMENT ON POLICY order_request_read ON omni.order_request IS
    'who may see the order';
COMMENT ON POLICY order_line_read ON omni.order_line IS
    'who may see the order';
COMMENT ON POLICY order_discount_read ON omni.order_discount IS
    'who may see the order';
COMMENT ON POLICY order_fee_read ON omni.order_fee IS
    'who may see the order';
COMMENT ON POLICY order_tender_read ON omni.order_tender IS
    'who may see the order';
COMMENT ON POLICY order_plan_read ON omni.order_plan IS
    'who may see the order';
COMMENT ON POLICY fulfilment_read ON omni.fulfilment IS
    'who may see the order';
COMMENT ON POLICY order_contact_read ON omni.order_contact IS
    'personal data: support and admin';
COMMENT ON POLICY delivery_address_read ON omni.delivery_address IS
    'personal data: support and admin';
COMMENT ON POLICY fulfilment_line_read ON omni.fulfilment_line IS
    'who may see the order';
COMMENT ON POLICY pickup_person_read ON omni.pickup_person IS
    'personal data: support and admin';
COMMENT ON TRIGGER sales_order_check ON omni.sales_order IS
    'holds updates of orders to the states';
COMMENT ON TRIGGER fulfilment_check ON omni.fulfilment IS
    'holds updates of fulfilments to the states';
COMMENT ON TRIGGER order_line_check ON omni.order_line IS
    'what has left or was cancelled does not come back';

-- ---- rights ----

REVOKE ALL ON TABLE omni.sales_order,
    omni.order_contact,
    omni.order_request,
    omni.delivery_address,
    omni.order_line,
    omni.order_discount,
    omni.order_fee,
    omni.order_tender,
    omni.order_plan,
    omni.fulfilment,
    omni.fulfilment_line,
    omni.pickup_person,
    omni_internal.order_transition, omni_internal.fulfilment_transition
    FROM PUBLIC;
REVOKE ALL ON SEQUENCE omni.sales_order_id_seq, omni.order_line_id_seq,
    omni.fulfilment_id_seq FROM PUBLIC;

SELECT omni_internal.allow_relations('{reader,channel,store,support,admin}',
    '{select}',
    '{omni.sales_order,omni.order_request,omni.order_line,omni.order_discount,omni.order_fee,omni.order_plan,omni.fulfilment,omni.fulfilment_line}');
SELECT omni_internal.allow_relations('{channel,support,admin}', '{select}',
    '{omni.order_tender}');
SELECT omni_internal.allow_relations('{support,admin}', '{select}',
    '{omni.order_contact,omni.delivery_address,omni.pickup_person}');
