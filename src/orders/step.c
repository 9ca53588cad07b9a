/*
 * step.c
 *	  What the steps of a fulfilment share: its lines, its status, and changes
 *	  of quantities by state.
 *
 * Every function here expects the order's row to be locked.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "orders/orders.h"

/* The lines of a fulfilment that have units, ascending by order line. */
OmniStepLine *
omni_orders_step_lines(int64 fulfilment, int *n)
{
	static OmniQuery query = {
		.sql = "SELECT l.id, l.item_id, f.reservation_id, l.line, l.request,"
		" f.quantity, f.capacity_reservation_id FROM omni.fulfilment_line f"
		" JOIN omni.order_line l ON l.id = f.order_line_id"
		" WHERE f.fulfilment_id = $1 AND f.quantity > 0 ORDER BY l.id",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(fulfilment);
	OmniRows	rows;
	OmniStepLine *lines;

	omni_core_query(&query, &value, NULL, false, &rows);
	lines = palloc0(sizeof(OmniStepLine) * Max(1, rows.nrows));
	for (int r = 0; r < rows.nrows; r++)
	{
		lines[r].order_line = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
		lines[r].item = DatumGetInt64(OMNI_VALUE(&rows, r, 1));
		lines[r].reservation = OMNI_ISNULL(&rows, r, 2) ? 0 :
			DatumGetInt64(OMNI_VALUE(&rows, r, 2));
		lines[r].line = DatumGetInt32(OMNI_VALUE(&rows, r, 3));
		lines[r].request = DatumGetInt32(OMNI_VALUE(&rows, r, 4));
		lines[r].quantity = DatumGetInt32(OMNI_VALUE(&rows, r, 5));
		lines[r].capacity = OMNI_ISNULL(&rows, r, 6) ? 0 :
			DatumGetInt64(OMNI_VALUE(&rows, r, 6));
	}
	*n = rows.nrows;
	return lines;
}

/* Promises in rows of stock's and capacity's; *n of them. */
int64 *
omni_orders_promises(const OmniRows *rows, int *n)
{
	int64	   *promises = palloc(sizeof(int64) * Max(1, 2 * rows->nrows));

	*n = 0;
	for (int r = 0; r < rows->nrows; r++)
	{
		for (int c = 0; c < 2; c++)
		{
			if (!OMNI_ISNULL(rows, r, c))
				promises[(*n)++] = DatumGetInt64(OMNI_VALUE(rows, r, c));
		}
	}
	return promises;
}

/* OM004: the status does not allow the step. */
static void
refuse_status(int64 fulfilment, const char *status)
{
	static OmniQuery query = {
		.sql = "SELECT status FROM omni.fulfilment WHERE id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(fulfilment);
	OmniRows	rows;

	omni_core_query(&query, &value, NULL, false, &rows);
	ereport(ERROR,
			(errcode(OMNI_ERR_ILLEGAL_STEP),
			 errmsg("fulfilment " INT64_FORMAT " is \"%s\" and cannot become \"%s\"",
					fulfilment, rows.nrows == 0 ? "gone" :
					TextDatumGetCString(OMNI_VALUE(&rows, 0, 0)), status)));
}

/* OM004 unless the states allow the step now. */
void
omni_orders_require_step(const OmniLockedFulfilment *fulfilment,
						 const char *status)
{
	static OmniQuery query = {
		.sql = "SELECT 1 FROM omni.fulfilment f"
		" JOIN omni_internal.fulfilment_transition t"
		" ON t.kind = f.kind AND t.from_status = f.status"
		" WHERE f.id = $1 AND t.to_status = $2",
		.nargs = 2,
		.argtypes = {INT8OID, TEXTOID}
	};
	Datum		values[2];
	OmniRows	rows;

	values[0] = Int64GetDatum(fulfilment->id);
	values[1] = CStringGetTextDatum(status);
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.nrows == 0)
		refuse_status(fulfilment->id, status);
}

/* Change the status of a fulfilment; returns its units. */
int64
omni_orders_change_status(const OmniLockedFulfilment *fulfilment,
						  const char *status)
{
	/* the trigger on the table asks the states, too, for whoever is owner */
	static OmniQuery query = {
		.sql = "UPDATE omni.fulfilment f SET status = $2, changed_at = $3"
		" WHERE f.id = $1 AND EXISTS ("
		" SELECT FROM omni_internal.fulfilment_transition t"
		" WHERE t.kind = f.kind AND t.from_status = f.status"
		" AND t.to_status = $2) RETURNING"
		" (SELECT COALESCE(pg_catalog.sum(l.quantity), 0)::pg_catalog.int8"
		" FROM omni.fulfilment_line l WHERE l.fulfilment_id = $1)",
		.nargs = 3,
		.argtypes = {INT8OID, TEXTOID, TIMESTAMPTZOID}
	};
	Datum		values[3];
	OmniRows	rows;

	values[0] = Int64GetDatum(fulfilment->id);
	values[1] = CStringGetTextDatum(status);
	values[2] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.nrows == 0)
		refuse_status(fulfilment->id, status);
	return DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/* The same, and say so in the feed. */
void
omni_orders_announce_status(const OmniLockedFulfilment *fulfilment,
							const char *status)
{
	int64		units = omni_orders_change_status(fulfilment, status);

	omni_orders_fulfilment_event(psprintf("fulfilment.%s", status),
								 fulfilment->order.id, fulfilment->id,
								 fulfilment->kind, fulfilment->node, units);
}

/*
 * Change quantities of an order's lines, all by one statement, and the queue
 * with them.
 */
void
omni_orders_apply_deltas(int64 order, const OmniLineDelta *deltas, int n)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.order_line l SET open = l.open + d.open,"
		" backordered = l.backordered + d.backordered,"
		" allocated = l.allocated + d.allocated,"
		" picked = l.picked + d.picked,"
		" cancelled = l.cancelled + d.cancelled,"
		" reason = CASE WHEN l.open + d.open + l.backordered + d.backordered"
		" > 0 THEN COALESCE(d.reason, l.reason) END"
		" FROM unnest($2, $3, $4, $5, $6, $7, $8)"
		" AS d(id, open, backordered, allocated, picked, cancelled, reason)"
		" WHERE l.id = d.id AND l.order_id = $1",
		.nargs = 8,
		.argtypes = {INT8OID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID,
		INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID}
	};
	static const Oid types[7] = {
		INT8OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, TEXTOID
	};
	OmniColumn	columns[7];
	Datum		values[8];
	OmniRows	rows;
	int64	   *moved;			/* lines that wait for more, or less, now */
	int			nmoved = 0;

	if (n == 0)
		return;
	moved = palloc(sizeof(int64) * n);
	for (int c = 0; c < 7; c++)
		omni_orders_column_begin(&columns[c], types[c], n);
	for (int d = 0; d < n; d++)
	{
		const OmniLineDelta *delta = &deltas[d];

		if (delta->open != 0 || delta->backordered != 0)
			moved[nmoved++] = delta->order_line;
		omni_orders_column_add(&columns[0], Int64GetDatum(delta->order_line));
		omni_orders_column_add(&columns[1], Int32GetDatum(delta->open));
		omni_orders_column_add(&columns[2], Int32GetDatum(delta->backordered));
		omni_orders_column_add(&columns[3], Int32GetDatum(delta->allocated));
		omni_orders_column_add(&columns[4], Int32GetDatum(delta->picked));
		omni_orders_column_add(&columns[5], Int32GetDatum(delta->cancelled));
		omni_orders_column_add_text(&columns[6], delta->reason);
	}
	values[0] = Int64GetDatum(order);
	for (int c = 0; c < 7; c++)
		values[1 + c] = omni_orders_column_end(&columns[c]);
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.processed != n)
		elog(ERROR, "changed " UINT64_FORMAT " of %d order lines",
			 rows.processed, n);
	omni_orders_update_queue(order, moved, nmoved);
	pfree(moved);
}
