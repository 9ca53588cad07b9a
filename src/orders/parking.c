/*
 * parking.c
 *	  The queue: lines of orders that wait for units.
 *
 * - omni_internal.parked_line has a row for a line exactly while units of it
 *	 are open or backordered.  How many, and why, the line says; the row says
 *	 since when, whose turn it is, and how often it was tried.  It changes in
 *	 the transaction, and under the order's lock, in which the line does.
 * - So a row that is served or cancelled is gone; what has been stands in the
 *	 feed.
 * - The priority is the order's, repeated here for the index.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "orders/orders.h"

PG_FUNCTION_INFO_V1(omni_orders_prioritise_order);

/* Rows for those of the lines that wait. */
void
omni_orders_park_lines(int64 order, const int64 *lines, int n)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni_internal.parked_line"
		" (order_line_id, order_id, item_id, priority, placed_at, since,"
		" attempts)"
		" SELECT l.id, o.id, l.item_id, o.priority, o.placed_at, $3, 0"
		" FROM omni.order_line l JOIN omni.sales_order o ON o.id = l.order_id"
		" WHERE l.id = ANY ($2) AND l.order_id = $1"
		" AND (l.open > 0 OR l.backordered > 0)"
		" ON CONFLICT (order_line_id) DO NOTHING",
		.nargs = 3,
		.argtypes = {INT8OID, INT8ARRAYOID, TIMESTAMPTZOID}
	};
	Datum		values[3];

	if (n == 0)
		return;
	values[0] = Int64GetDatum(order);
	values[1] = omni_core_int64_array(lines, n);
	values[2] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, NULL, false, NULL);
}

/* The same for lines that may be in the queue, and wait no more. */
void
omni_orders_update_queue(int64 order, const int64 *lines, int n)
{
	/* a join might begin with all lines of all orders */
	static OmniQuery query = {
		.sql = "DELETE FROM omni_internal.parked_line p"
		" WHERE p.order_line_id = ANY ($1) AND"
		" (SELECT l.open = 0 AND l.backordered = 0"
		" FROM omni.order_line l WHERE l.id = p.order_line_id)",
		.nargs = 1,
		.argtypes = {INT8ARRAYOID}
	};
	Datum		value;

	if (n == 0)
		return;
	omni_orders_park_lines(order, lines, n);
	value = omni_core_int64_array(lines, n);
	omni_core_query(&query, &value, NULL, false, NULL);
}

/* The whole order leaves the queue. */
void
omni_orders_unpark_order(int64 order)
{
	static OmniQuery query = {
		.sql = "DELETE FROM omni_internal.parked_line WHERE order_id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order);

	omni_core_query(&query, &value, NULL, false, NULL);
}

/*
 * omni.prioritise_order(order_id bigint, priority integer) RETURNS void
 *
 * From now on the order has this priority in the queue; higher comes first.
 * OM002 for NULL and when there is no such order, OM004 when it is completed
 * or cancelled, OM005 when the role may not, OM007 for a priority beyond
 * 1,000,000 in either direction.  Locks the order's row.
 */
Datum
omni_orders_prioritise_order(PG_FUNCTION_ARGS)
{
	static OmniQuery order_query = {
		.sql = "UPDATE omni.sales_order SET priority = $2 WHERE id = $1",
		.nargs = 2,
		.argtypes = {INT8OID, INT4OID}
	};
	static OmniQuery queue_query = {
		.sql = "UPDATE omni_internal.parked_line SET priority = $2"
		" WHERE order_id = $1",
		.nargs = 2,
		.argtypes = {INT8OID, INT4OID}
	};
	int64		id = omni_core_required_int64(fcinfo, 0, "order_id");
	int32		priority = omni_core_required_int32(fcinfo, 1, "priority");
	OmniLockedOrder order;
	Datum		values[2];

	if (priority < -OMNI_ORDER_MAX_PRIORITY ||
		priority > OMNI_ORDER_MAX_PRIORITY)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must lie between %d and %d",
						"priority", -OMNI_ORDER_MAX_PRIORITY,
						OMNI_ORDER_MAX_PRIORITY)));
	omni_core_gate();
	omni_orders_lock(id, "prioritise the order", &order);
	if (!order.open)
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("order " INT64_FORMAT " is \"%s\" and waits for nothing",
						id, order.status)));
	if (order.priority == priority)
		PG_RETURN_VOID();
	values[0] = Int64GetDatum(id);
	values[1] = Int32GetDatum(priority);
	omni_core_query(&order_query, values, NULL, false, NULL);
	omni_core_query(&queue_query, values, NULL, false, NULL);
	omni_orders_order_event("order.prioritised", id, "\"priority\":%d",
							priority);
	PG_RETURN_VOID();
}
