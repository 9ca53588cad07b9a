/*
 * cancel.c
 *	  Cancelling an order, or units of a line, until they have left.
 *
 * What has been shipped or collected is a fact: cancelling leaves it alone,
 * and the order ends as completed when something reached the customer.
 * Promises end with the cancellation.  The money stays as it was agreed;
 * giving it back is a matter of refunds.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "orders/orders.h"
#include "stock/stock.h"

PG_FUNCTION_INFO_V1(omni_orders_cancel_order);
PG_FUNCTION_INFO_V1(omni_orders_cancel_order_line);

/* Statuses in which a fulfilment can still be cancelled, for SQL. */
#define LIVE_STATUS \
	"('allocated', 'accepted', 'picked', 'packed', 'ready')"

/* OM004 unless the order is open. */
static void
require_open(const OmniLockedOrder *order)
{
	if (!order->open)
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("order " INT64_FORMAT " is \"%s\" and cannot be cancelled",
						order->id, order->status)));
}

/* End all promises of the order. */
static void
release_all(const OmniLockedOrder *order)
{
	static OmniQuery query = {
		.sql = "SELECT l.reservation_id, l.capacity_reservation_id"
		" FROM omni.fulfilment f"
		" JOIN omni.fulfilment_line l ON l.fulfilment_id = f.id"
		" WHERE f.order_id = $1 AND f.status IN " LIVE_STATUS
		" AND l.quantity > 0 AND l.reservation_id IS NOT NULL",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order->id);
	OmniRows	rows;
	int64	   *reservations;
	int			n;

	omni_core_query(&query, &value, NULL, false, &rows);
	reservations = omni_orders_promises(&rows, &n);
	if (n > 0)
		omni_stock_release(reservations, n, order->reference);
}

/* Cancel every fulfilment that has not left. */
static void
cancel_fulfilments(const OmniLockedOrder *order, const char *reason)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.fulfilment f SET status = 'cancelled',"
		" changed_at = $2, reason = $3"
		" WHERE order_id = $1 AND status IN " LIVE_STATUS
		" RETURNING id, kind, node_id,"
		" (SELECT COALESCE(pg_catalog.sum(l.quantity), 0)::pg_catalog.int8"
		" FROM omni.fulfilment_line l WHERE l.fulfilment_id = f.id)",
		.nargs = 3,
		.argtypes = {INT8OID, TIMESTAMPTZOID, TEXTOID}
	};
	Datum		values[3];
	char		nulls[] = "   ";
	OmniRows	rows;

	values[0] = Int64GetDatum(order->id);
	values[1] = TimestampTzGetDatum(omni_core_now());
	values[2] = omni_orders_text(reason, &nulls[2]);
	omni_core_query(&query, values, nulls, false, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		char	   *kind = TextDatumGetCString(OMNI_VALUE(&rows, r, 1));

		omni_orders_fulfilment_event("fulfilment.cancelled", order->id,
									 DatumGetInt64(OMNI_VALUE(&rows, r, 0)),
									 omni_orders_kind(kind),
									 DatumGetInt64(OMNI_VALUE(&rows, r, 2)),
									 DatumGetInt64(OMNI_VALUE(&rows, r, 3)));
	}
}

/* All units that have not left are cancelled. */
static void
cancel_lines(const OmniLockedOrder *order)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.order_line SET open = 0, backordered = 0,"
		" allocated = 0, picked = 0, reason = NULL,"
		" cancelled = cancelled + open + backordered + allocated + picked"
		" WHERE order_id = $1"
		" AND open + backordered + allocated + picked > 0",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order->id);

	omni_core_query(&query, &value, NULL, false, NULL);
}

/*
 * omni.cancel_order(order_id bigint, reason text) RETURNS void
 *
 * Cancel all that has not been shipped or collected; reason is free text, NULL
 * for none.  OM002 when there is no such order, OM004 when it is completed or
 * cancelled, OM005 when the role may not.
 */
Datum
omni_orders_cancel_order(PG_FUNCTION_ARGS)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "order_id");
	char	   *reason = omni_core_optional_text(fcinfo, 1);
	OmniLockedOrder order;

	omni_core_gate();
	omni_orders_lock(id, "cancel the order", &order);
	require_open(&order);
	release_all(&order);
	cancel_fulfilments(&order, reason);
	cancel_lines(&order);
	omni_orders_unpark_order(id);
	omni_orders_close_if_done(&order, reason);
	PG_RETURN_VOID();
}

/* What can still be cancelled of a line, by state. */
typedef struct LineState
{
	int32		line;
	int32		open;
	int32		backordered;
	int32		allocated;
	int32		picked;
} LineState;

/* Read a line of a locked order. */
static void
read_line(int64 id, LineState *state)
{
	static OmniQuery query = {
		.sql = "SELECT line, open, backordered, allocated, picked"
		" FROM omni.order_line WHERE id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(id);
	OmniRows	rows;

	omni_core_query(&query, &value, NULL, false, &rows);
	if (rows.nrows == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("order line " INT64_FORMAT " does not exist", id)));
	state->line = DatumGetInt32(OMNI_VALUE(&rows, 0, 0));
	state->open = DatumGetInt32(OMNI_VALUE(&rows, 0, 1));
	state->backordered = DatumGetInt32(OMNI_VALUE(&rows, 0, 2));
	state->allocated = DatumGetInt32(OMNI_VALUE(&rows, 0, 3));
	state->picked = DatumGetInt32(OMNI_VALUE(&rows, 0, 4));
}

/*
 * Fulfilment lines of a line from which units can be taken, those first whose
 * work has gone least far: fulfilment, its kind and node, quantity, promise,
 * whether its units count as picked, and the promise of capacity.
 */
static void
read_sources(int64 order, int64 order_line, OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT f.id, f.kind, f.node_id, l.quantity, l.reservation_id,"
		" f.status NOT IN ('allocated', 'accepted'),"
		" l.capacity_reservation_id"
		" FROM omni.fulfilment f"
		" JOIN omni.fulfilment_line l ON l.fulfilment_id = f.id"
		" WHERE f.order_id = $1 AND l.order_line_id = $2 AND l.quantity > 0"
		" AND f.status IN " LIVE_STATUS
		" ORDER BY CASE f.status WHEN 'allocated' THEN 0 WHEN 'accepted'"
		" THEN 1 WHEN 'picked' THEN 2 ELSE 3 END, f.id DESC",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID}
	};
	Datum		values[2];

	values[0] = Int64GetDatum(order);
	values[1] = Int64GetDatum(order_line);
	omni_core_query(&query, values, NULL, false, rows);
}

/* A fulfilment line is for less now; a fulfilment without units is cancelled. */
static void
shrink_fulfilment(const OmniLockedOrder *order, const OmniRows *rows, int r,
				  int64 order_line, int32 units, const char *reason)
{
	static OmniQuery shrink_query = {
		.sql = "UPDATE omni.fulfilment_line SET quantity = quantity - $3"
		" WHERE fulfilment_id = $1 AND order_line_id = $2",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, INT4OID}
	};
	static OmniQuery cancel_query = {
		.sql = "UPDATE omni.fulfilment SET status = 'cancelled',"
		" changed_at = $2, reason = $3 WHERE id = $1 AND NOT EXISTS ("
		" SELECT FROM omni.fulfilment_line l"
		" WHERE l.fulfilment_id = $1 AND l.quantity > 0)",
		.nargs = 3,
		.argtypes = {INT8OID, TIMESTAMPTZOID, TEXTOID}
	};
	int64		fulfilment = DatumGetInt64(OMNI_VALUE(rows, r, 0));
	char	   *kind = TextDatumGetCString(OMNI_VALUE(rows, r, 1));
	Datum		values[3];
	char		nulls[] = "   ";
	OmniRows	cancelled;

	values[0] = Int64GetDatum(fulfilment);
	values[1] = Int64GetDatum(order_line);
	values[2] = Int32GetDatum(units);
	omni_core_query(&shrink_query, values, NULL, false, NULL);

	values[1] = TimestampTzGetDatum(omni_core_now());
	values[2] = omni_orders_text(reason, &nulls[2]);
	omni_core_query(&cancel_query, values, nulls, false, &cancelled);
	if (cancelled.processed > 0)
		omni_orders_fulfilment_event("fulfilment.cancelled", order->id,
									 fulfilment, omni_orders_kind(kind),
									 DatumGetInt64(OMNI_VALUE(rows, r, 2)),
									 units);
}

/* Release some units of a promise of "quantity", or all. */
static void
release_units(const OmniLockedOrder *order, int64 promise, int32 units,
			  int32 quantity)
{
	if (units == quantity)
		omni_stock_release(&promise, 1, order->reference);
	else
		omni_stock_release_part(promise, units, order->reference);
}

/* Take units from the line's fulfilments; notes them in "delta". */
static void
take_from_fulfilments(const OmniLockedOrder *order, int64 order_line,
					  int32 units, const char *reason, OmniLineDelta *delta)
{
	OmniRows	rows;

	read_sources(order->id, order_line, &rows);
	for (int r = 0; r < rows.nrows && units > 0; r++)
	{
		int32		quantity = DatumGetInt32(OMNI_VALUE(&rows, r, 3));
		int64		reservation = DatumGetInt64(OMNI_VALUE(&rows, r, 4));
		int32		part = Min(units, quantity);

		release_units(order, reservation, part, quantity);
		if (!OMNI_ISNULL(&rows, r, 6))
			release_units(order, DatumGetInt64(OMNI_VALUE(&rows, r, 6)), part,
						  quantity);
		shrink_fulfilment(order, &rows, r, order_line, part, reason);
		if (DatumGetBool(OMNI_VALUE(&rows, r, 5)))
			delta->picked -= part;
		else
			delta->allocated -= part;
		units -= part;
	}
	if (units > 0)
		elog(ERROR, "order line " INT64_FORMAT " has too few fulfilment lines",
			 order_line);
}

/*
 * omni.cancel_order_line(order_line_id bigint, quantity int, reason text)
 * RETURNS void
 *
 * Cancel units of a line that have not been shipped or collected: first those
 * that nobody has promised, then those whose work has gone least far.  OM002
 * when there is no such line, OM004 when fewer units can still be cancelled,
 * OM005 when the role may not, OM007 for a quantity below 1.
 */
Datum
omni_orders_cancel_order_line(PG_FUNCTION_ARGS)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "order_line_id");
	int32		quantity = omni_core_required_quantity(fcinfo, 1, "quantity");
	char	   *reason = omni_core_optional_text(fcinfo, 2);
	OmniLineDelta delta = {.order_line = id};
	OmniLockedOrder order;
	LineState	state;
	int64		left;

	omni_core_gate();
	omni_orders_lock_of_line(id, "cancel the order line", &order);
	require_open(&order);
	read_line(id, &state);
	left = (int64) state.open + state.backordered + state.allocated +
		state.picked;
	if (quantity > left)
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("%d units of line %d cannot be cancelled", quantity,
						state.line),
				 errdetail("Only " INT64_FORMAT " have not been shipped, collected or cancelled.",
						   left)));

	delta.cancelled = quantity;
	delta.open = -Min(quantity, state.open);
	delta.backordered = -Min(quantity + delta.open, state.backordered);
	if (quantity + delta.open + delta.backordered > 0)
		take_from_fulfilments(&order, id,
							  quantity + delta.open + delta.backordered,
							  reason, &delta);
	omni_orders_apply_deltas(order.id, &delta, 1);
	omni_orders_order_event("order.line_cancelled", order.id,
							"\"line\":%d,\"units\":%d", state.line, quantity);
	omni_orders_close_if_done(&order, reason);
	PG_RETURN_VOID();
}
