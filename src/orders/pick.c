/*
 * pick.c
 *	  omni.pick_fulfilment, in full or short.
 *
 * A short pick ends the promise for what was not found, at that node, and
 * plans those units again elsewhere; the fulfilment goes on with what there
 * is.  When nothing at all was found, the fulfilment is rejected.  What the
 * shortage says about the node's stock is not decided here: the stock stays
 * as it is until somebody counts it.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "orders/orders.h"
#include "stock/stock.h"

PG_FUNCTION_INFO_V1(omni_orders_pick_fulfilment);

typedef struct PickedLine
{
	int32		line;
	int32		quantity;
} PickedLine;

static const OmniField picked_fields[] = {
	{"line", OMNI_FIELD_INTEGER, offsetof(PickedLine, line), true, 1},
	{"quantity", OMNI_FIELD_INTEGER, offsetof(PickedLine, quantity), true, 0},
};

static const OmniShape picked_shape = {
	picked_fields, lengthof(picked_fields), sizeof(PickedLine), 0,
	OMNI_ORDER_MAX_LINES
};

/* All of it was found: lines go from allocated to picked. */
static void
pick_all(const OmniLockedFulfilment *fulfilment)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.order_line l"
		" SET allocated = l.allocated - f.quantity,"
		" picked = l.picked + f.quantity FROM omni.fulfilment_line f"
		" WHERE f.fulfilment_id = $1 AND f.quantity > 0"
		" AND l.id = f.order_line_id AND l.order_id = $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID}
	};
	Datum		values[2];

	omni_orders_announce_status(fulfilment, "picked");
	values[0] = Int64GetDatum(fulfilment->id);
	values[1] = Int64GetDatum(fulfilment->order.id);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* qsort and bsearch comparator: by number of the line */
static int
compare_lines(const void *a, const void *b)
{
	int32		left = ((const OmniStepLine *) a)->line;
	int32		right = ((const OmniStepLine *) b)->line;

	return left < right ? -1 : left > right;
}

/*
 * Note what was found of each line; what is not named was not found.  Returns
 * the units in all.
 */
static int64
note_picked(OmniStepLine *lines, int nlines, const OmniList *list)
{
	const PickedLine *picked = list->items;
	int64		units = 0;

	for (int l = 0; l < nlines; l++)
		lines[l].given = -1;
	qsort(lines, nlines, sizeof(OmniStepLine), compare_lines);
	for (int p = 0; p < list->n; p++)
	{
		OmniStepLine key = {.line = picked[p].line};
		OmniStepLine *line = bsearch(&key, lines, nlines,
									 sizeof(OmniStepLine), compare_lines);

		if (line == NULL)
			ereport(ERROR,
					(errcode(OMNI_ERR_NOT_FOUND),
					 errmsg("line %d is not part of the fulfilment",
							picked[p].line)));
		if (line->given >= 0)
			ereport(ERROR,
					(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
					 errmsg("line %d stands twice in the list of what was picked",
							picked[p].line)));
		if (picked[p].quantity > line->quantity)
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("line %d of the fulfilment wants %d, not %d",
							picked[p].line, line->quantity,
							picked[p].quantity)));
		line->given = picked[p].quantity;
		units += line->given;
	}
	for (int l = 0; l < nlines; l++)
		lines[l].given = Max(0, lines[l].given);
	return units;
}

/* The fulfilment is for less from now on. */
static void
shrink_lines(const OmniLockedFulfilment *fulfilment, const OmniStepLine *lines,
			 int n)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.fulfilment_line f SET quantity = d.quantity"
		" FROM unnest($2, $3) AS d(id, quantity)"
		" WHERE f.fulfilment_id = $1 AND f.order_line_id = d.id",
		.nargs = 3,
		.argtypes = {INT8OID, INT8ARRAYOID, INT4ARRAYOID}
	};
	OmniColumn	id;
	OmniColumn	quantity;
	Datum		values[3];

	omni_orders_column_begin(&id, INT8OID, n);
	omni_orders_column_begin(&quantity, INT4OID, n);
	for (int l = 0; l < n; l++)
	{
		if (lines[l].given == lines[l].quantity)
			continue;
		omni_orders_column_add(&id, Int64GetDatum(lines[l].order_line));
		omni_orders_column_add(&quantity, Int32GetDatum(lines[l].given));
	}
	values[0] = Int64GetDatum(fulfilment->id);
	values[1] = omni_orders_column_end(&id);
	values[2] = omni_orders_column_end(&quantity);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* Remember that this node found too little; see resource.c. */
static void
mark_short(int64 id)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.fulfilment"
		" SET reason = '" OMNI_REASON_SHORT "' WHERE id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(id);

	omni_core_query(&query, &value, NULL, false, NULL);
}

/* Promises for what was not found end. */
static void
release_missing(const OmniLockedFulfilment *fulfilment,
				const OmniStepLine *lines, int n)
{
	int64	   *whole = palloc(sizeof(int64) * 2 * n);
	int			nwhole = 0;

	for (int l = 0; l < n; l++)
	{
		int64		promises[2] = {lines[l].reservation, lines[l].capacity};

		for (int p = 0; p < 2; p++)
		{
			if (promises[p] == 0)
				continue;
			if (lines[l].given == 0)
				whole[nwhole++] = promises[p];
			else if (lines[l].given < lines[l].quantity)
				omni_stock_release_part(promises[p],
										lines[l].quantity - lines[l].given,
										fulfilment->order.reference);
		}
	}
	if (nwhole > 0)
		omni_stock_release(whole, nwhole, fulfilment->order.reference);
	pfree(whole);
}

/* Something was found, but not all. */
static void
pick_short(const OmniLockedFulfilment *fulfilment, const OmniStepLine *lines,
		   int n)
{
	OmniLineDelta *deltas = palloc0(sizeof(OmniLineDelta) * n);

	shrink_lines(fulfilment, lines, n);
	omni_orders_announce_status(fulfilment, "picked");
	mark_short(fulfilment->id);
	release_missing(fulfilment, lines, n);
	for (int l = 0; l < n; l++)
	{
		deltas[l].order_line = lines[l].order_line;
		deltas[l].allocated = -lines[l].quantity;
		deltas[l].picked = lines[l].given;
	}
	omni_orders_resource(&fulfilment->order, lines, n, OMNI_REASON_SHORT,
						 deltas);
	omni_orders_apply_deltas(fulfilment->order.id, deltas, n);
}

/*
 * Nothing was found.  Only where it could have been picked: the states would
 * also let a fulfilment be rejected that nobody has accepted yet.
 */
static void
pick_nothing(const OmniLockedFulfilment *fulfilment)
{
	omni_orders_require_step(fulfilment, "picked");
	omni_orders_give_back(fulfilment, OMNI_REASON_SHORT, OMNI_REASON_SHORT);
}

/*
 * omni.pick_fulfilment(id bigint, picked jsonb) RETURNS void
 *
 * The units are off the shelf.  picked NULL: all of them; else an array of
 * {"line": 1, "quantity": 2}: what was found, lines that it does not name not
 * at all.  What is missing is planned again at other nodes.  OM002 when there
 * is no such fulfilment, or it has no such line; OM004 unless it is accepted;
 * OM005 when the role may not; OM006 for a malformed array; OM007 for more
 * than the fulfilment is for; OM017 while the order is held.
 */
Datum
omni_orders_pick_fulfilment(PG_FUNCTION_ARGS)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "id");
	OmniLockedFulfilment fulfilment;
	OmniList	list = {0};
	OmniStepLine *lines;
	int64		wanted = 0;
	int64		found;
	int			n;

	if (!PG_ARGISNULL(1))
		omni_core_read_document_list(PG_GETARG_JSONB_P(1), &picked_shape,
									 "list of what was picked", &list);
	omni_core_gate();
	omni_orders_lock_fulfilment(id, "pick the fulfilment", &fulfilment);
	omni_orders_require_no_hold(&fulfilment.order);
	if (PG_ARGISNULL(1))
	{
		pick_all(&fulfilment);
		PG_RETURN_VOID();
	}

	lines = omni_orders_step_lines(id, &n);
	for (int l = 0; l < n; l++)
		wanted += lines[l].quantity;
	found = note_picked(lines, n, &list);
	if (found == wanted)
		pick_all(&fulfilment);
	else if (found == 0)
		pick_nothing(&fulfilment);
	else
		pick_short(&fulfilment, lines, n);
	PG_RETURN_VOID();
}
