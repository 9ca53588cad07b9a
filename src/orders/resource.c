/*
 * resource.c
 *	  Re-sourcing: units that a node could not give are planned again.
 *
 * - Nodes that have rejected the order, or found too little of it, are not
 *	 asked again.
 * - What another node can give becomes a new fulfilment there, in the same
 *	 transaction.  The order has been accepted, so nothing is refused: what
 *	 nobody has is backordered where the customer agreed to that, else it stays
 *	 open with the reason.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "orders/orders.h"

/* The order's requests as places; *n of them. */
static OmniWishPlace *
read_wishes(int64 order, int *n)
{
	static OmniQuery query = {
		.sql = "SELECT r.request, r.kind, r.node_id, a.latitude, a.longitude,"
		" a.country FROM omni.order_request r"
		" LEFT JOIN omni.delivery_address a"
		" ON a.order_id = r.order_id AND a.request = r.request"
		" WHERE r.order_id = $1 ORDER BY r.request",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order);
	OmniRows	rows;
	OmniWishPlace *wishes;

	omni_core_query(&query, &value, NULL, false, &rows);
	wishes = palloc0(sizeof(OmniWishPlace) * Max(1, rows.nrows));
	for (int r = 0; r < rows.nrows; r++)
	{
		OmniWishPlace *wish = &wishes[r];

		wish->number = DatumGetInt32(OMNI_VALUE(&rows, r, 0));
		wish->kind =
			omni_orders_kind(TextDatumGetCString(OMNI_VALUE(&rows, r, 1)));
		if (!OMNI_ISNULL(&rows, r, 2))
			wish->node = DatumGetInt64(OMNI_VALUE(&rows, r, 2));
		wish->located = !OMNI_ISNULL(&rows, r, 3);
		if (wish->located)
		{
			wish->latitude = DatumGetFloat8(OMNI_VALUE(&rows, r, 3));
			wish->longitude = DatumGetFloat8(OMNI_VALUE(&rows, r, 4));
		}
		if (!OMNI_ISNULL(&rows, r, 5))
			strlcpy(wish->country,
					TextDatumGetCString(OMNI_VALUE(&rows, r, 5)),
					sizeof(wish->country));
	}
	*n = rows.nrows;
	return wishes;
}

/*
 * Nodes that must not be asked again, and how many parcels are under way or
 * have left.
 */
static int64 *
read_history(int64 order, int *nrejected, int *parcels)
{
	static OmniQuery query = {
		.sql = "SELECT node_id, kind = 'ship' AND status NOT IN"
		" ('rejected', 'cancelled'),"
		" status = 'rejected' OR reason = '" OMNI_REASON_SHORT "'"
		" FROM omni.fulfilment WHERE order_id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order);
	OmniRows	rows;
	int64	   *nodes;

	omni_core_query(&query, &value, NULL, false, &rows);
	nodes = palloc(sizeof(int64) * Max(1, rows.nrows));
	*nrejected = 0;
	*parcels = 0;
	for (int r = 0; r < rows.nrows; r++)
	{
		if (DatumGetBool(OMNI_VALUE(&rows, r, 1)))
			(*parcels)++;
		if (!OMNI_ISNULL(&rows, r, 2) &&
			DatumGetBool(OMNI_VALUE(&rows, r, 2)))
			nodes[(*nrejected)++] =
				DatumGetInt64(OMNI_VALUE(&rows, r, 0));
	}
	return nodes;
}

/* Index of a request. */
static int
find_wish(const OmniWishPlace *wishes, int n, int number)
{
	for (int w = 0; w < n; w++)
	{
		if (wishes[w].number == number)
			return w;
	}
	elog(ERROR, "order has no request %d", number);
}

/* Plan units again; see orders.h. */
void
omni_orders_resource(const OmniLockedOrder *order, const OmniStepLine *lines,
					 int n, const char *reason, OmniLineDelta *deltas)
{
	OmniAllocation allocation = {
		.complete = order->ship_complete,
		.channel = order->channel,
		.reference = order->reference,
		.max_splits = -1
	};
	int64	   *order_lines = palloc(sizeof(int64) * n);
	int		   *delta_of = palloc(sizeof(int) * n);
	int			parcels;
	bool		no_parcel_left;
	int64		missing = 0;

	allocation.wishes = read_wishes(order->id, &allocation.nwishes);
	allocation.rejected = read_history(order->id, &allocation.nrejected,
									   &parcels);
	if (order->max_splits >= 0)
		allocation.max_splits = Max(0, order->max_splits - parcels);
	no_parcel_left = order->max_splits >= 0 && parcels > order->max_splits;

	allocation.demands = palloc0(sizeof(OmniDemand) * n);
	for (int l = 0; l < n; l++)
	{
		OmniDemand *demand = &allocation.demands[allocation.ndemands];

		if (lines[l].quantity == lines[l].given)
			continue;
		demand->item = lines[l].item;
		demand->quantity = lines[l].quantity - lines[l].given;
		demand->wish = find_wish(allocation.wishes, allocation.nwishes,
								 lines[l].request);
		if (no_parcel_left &&
			allocation.wishes[demand->wish].kind == OMNI_FULFILMENT_SHIP)
		{
			demand->barred = true;
			demand->reason = OMNI_REASON_SPLITS;
		}
		order_lines[allocation.ndemands] = lines[l].order_line;
		delta_of[allocation.ndemands++] = l;
	}
	if (allocation.ndemands == 0)
		return;

	omni_orders_allocate(&allocation);
	omni_orders_insert_plan(order->id, false, allocation.plan.data);
	omni_orders_record_grants(order->id, &allocation, order_lines);
	for (int d = 0; d < allocation.ndemands; d++)
	{
		const OmniDemand *demand = &allocation.demands[d];
		OmniLineDelta *delta = &deltas[delta_of[d]];

		delta->allocated += demand->quantity - demand->missing;
		if (order->backorder)
			delta->backordered += demand->missing;
		else
			delta->open += demand->missing;
		if (demand->missing > 0)
			delta->reason = reason;
		missing += demand->missing;
	}
	if (missing > 0)
		omni_orders_order_event(order->backorder ? "order.backordered" :
								"order.parked", order->id,
								"\"units\":" INT64_FORMAT, missing);
}
