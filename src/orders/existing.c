/*
 * existing.c
 *	  Finding, guarding and locking orders that exist.
 *
 * Lock order, for every step on an order: the row of omni.sales_order (FOR NO
 * KEY UPDATE), then rows of its fulfilments, then rows of its lines, then its
 * promises, for which the stock engine never waits.  Two steps on one order
 * follow each other; steps on different orders never meet.
 *
 * What a role may not see answers like what does not exist, and is not
 * locked.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "orders/orders.h"

/* Kind by its name. */
OmniFulfilmentKind
omni_orders_kind(const char *name)
{
	for (int kind = 0; omni_fulfilment_kinds[kind] != NULL; kind++)
	{
		if (strcmp(omni_fulfilment_kinds[kind], name) == 0)
			return kind;
	}
	elog(ERROR, "unexpected fulfilment kind: %s", name);
}

/* OM002: no such thing, or none that the role may know of. */
static void
refuse_unknown(const char *entity, int64 id)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_NOT_FOUND),
			 errmsg("%s " INT64_FORMAT " does not exist", entity, id)));
}

/* OM002 or OM005 when a role may not do something to an order. */
static void
refuse_step(const char *entity, int64 id, int64 order, int64 channel,
			const char *what)
{
	if (!omni_orders_may_see(order, channel))
		refuse_unknown(entity, id);
	ereport(ERROR,
			(errcode(OMNI_ERR_NOT_PERMITTED),
			 errmsg("permission denied to %s", what)));
}

/* "order 17": what the stock ledger shows as the cause. */
char *
omni_orders_reference(int64 order)
{
	return psprintf("order " INT64_FORMAT, order);
}

/* What a locked row says. */
#define LOCKED_COLUMNS \
	"channel_id, status, backorder, ship_complete, max_splits, priority, holds"

/* LOCKED_COLUMNS */
static void
read_locked(const OmniRows *rows, int64 id, OmniLockedOrder *order)
{
	order->id = id;
	order->channel = DatumGetInt64(OMNI_VALUE(rows, 0, 0));
	order->status = TextDatumGetCString(OMNI_VALUE(rows, 0, 1));
	order->open = strcmp(order->status, "open") == 0;
	order->backorder = DatumGetBool(OMNI_VALUE(rows, 0, 2));
	order->ship_complete = DatumGetBool(OMNI_VALUE(rows, 0, 3));
	order->max_splits = OMNI_ISNULL(rows, 0, 4) ? -1 :
		DatumGetInt32(OMNI_VALUE(rows, 0, 4));
	order->priority = DatumGetInt32(OMNI_VALUE(rows, 0, 5));
	order->holds = DatumGetInt32(OMNI_VALUE(rows, 0, 6));
	order->reference = omni_orders_reference(id);
}

/* Lock the order's row and read it as it is then. */
static void
lock_row(int64 id, OmniLockedOrder *order)
{
	static OmniQuery query = {
		.sql = "SELECT " LOCKED_COLUMNS
		" FROM omni.sales_order WHERE id = $1 FOR NO KEY UPDATE",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(id);
	OmniRows	rows;

	omni_core_query(&query, &value, NULL, false, &rows);
	if (rows.nrows == 0)
		refuse_unknown("order", id);
	read_locked(&rows, id, order);
}

/* The same without waiting, and for whoever has checked rights. */
bool
omni_orders_try_lock(int64 id, OmniLockedOrder *order)
{
	static OmniQuery query = {
		.sql = "SELECT " LOCKED_COLUMNS " FROM omni.sales_order"
		" WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(id);
	OmniRows	rows;

	omni_core_query(&query, &value, NULL, false, &rows);
	if (rows.nrows == 0)
		return false;
	read_locked(&rows, id, order);
	return true;
}

/* Lock an order for a step on the whole of it. */
void
omni_orders_lock(int64 id, const char *what, OmniLockedOrder *order)
{
	static OmniQuery query = {
		.sql = "SELECT channel_id FROM omni.sales_order WHERE id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(id);
	OmniRows	rows;
	int64		channel;

	omni_core_query(&query, &value, NULL, false, &rows);
	if (rows.nrows == 0)
		refuse_unknown("order", id);
	channel = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	if (!omni_orders_may_act(channel, OMNI_NO_NODE))
		refuse_step("order", id, id, channel, what);
	lock_row(id, order);
}

/* Lock the order of a line. */
void
omni_orders_lock_of_line(int64 order_line, const char *what,
						 OmniLockedOrder *order)
{
	static OmniQuery query = {
		.sql = "SELECT o.id, o.channel_id FROM omni.order_line l"
		" JOIN omni.sales_order o ON o.id = l.order_id WHERE l.id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order_line);
	OmniRows	rows;
	int64		id;
	int64		channel;

	omni_core_query(&query, &value, NULL, false, &rows);
	if (rows.nrows == 0)
		refuse_unknown("order line", order_line);
	id = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	channel = DatumGetInt64(OMNI_VALUE(&rows, 0, 1));
	if (!omni_orders_may_act(channel, OMNI_NO_NODE))
		refuse_step("order line", order_line, id, channel, what);
	lock_row(id, order);
}

/* Lock the order of a fulfilment: its node's role may, too. */
void
omni_orders_lock_fulfilment(int64 id, const char *what,
							OmniLockedFulfilment *fulfilment)
{
	static OmniQuery query = {
		.sql = "SELECT o.id, o.channel_id, f.node_id, f.kind"
		" FROM omni.fulfilment f JOIN omni.sales_order o ON o.id = f.order_id"
		" WHERE f.id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(id);
	OmniRows	rows;
	int64		order;
	int64		channel;

	/* what is read here never changes; the status does, under the lock */
	omni_core_query(&query, &value, NULL, false, &rows);
	if (rows.nrows == 0)
		refuse_unknown("fulfilment", id);
	order = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	channel = DatumGetInt64(OMNI_VALUE(&rows, 0, 1));
	fulfilment->id = id;
	fulfilment->node = DatumGetInt64(OMNI_VALUE(&rows, 0, 2));
	fulfilment->kind =
		omni_orders_kind(TextDatumGetCString(OMNI_VALUE(&rows, 0, 3)));
	if (!omni_orders_may_act(channel, fulfilment->node))
		refuse_step("fulfilment", id, order, channel, what);
	lock_row(order, &fulfilment->order);
}

/* Close the order when nothing of it is under way any more. */
void
omni_orders_close_if_done(const OmniLockedOrder *order, const char *reason)
{
	static OmniQuery sum_query = {
		.sql = "SELECT pg_catalog.bool_or(open > 0 OR backordered > 0"
		" OR allocated > 0 OR picked > 0),"
		" pg_catalog.bool_or(shipped > 0 OR collected > 0)"
		" FROM omni.order_line WHERE order_id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	static OmniQuery close_query = {
		.sql = "UPDATE omni.sales_order SET status = $2, cancel_reason = $3,"
		" holds = 0 WHERE id = $1",
		.nargs = 3,
		.argtypes = {INT8OID, TEXTOID, TEXTOID}
	};
	Datum		values[3];
	char		nulls[] = "   ";
	OmniRows	rows;
	const char *status;

	values[0] = Int64GetDatum(order->id);
	omni_core_query(&sum_query, values, NULL, false, &rows);
	if (DatumGetBool(OMNI_VALUE(&rows, 0, 0)))
		return;
	status = DatumGetBool(OMNI_VALUE(&rows, 0, 1)) ? "completed" : "cancelled";
	values[1] = CStringGetTextDatum(status);
	values[2] = omni_orders_text(reason, &nulls[2]);
	omni_core_query(&close_query, values, nulls, false, NULL);
	if (order->holds > 0)
		omni_orders_end_holds(order);
	omni_orders_order_event(psprintf("order.%s", status), order->id, "%s", "");
}
