/*
 * resource.c
 *	  Re-sourcing: units that a node could not give, or that have waited, are
 *	  planned again.
 *
 * - Nodes that have rejected the order, or found too little of it, are not
 *	 asked again.
 * - What another node can give becomes a new fulfilment there, in the same
 *	 transaction.  The order has been accepted, so nothing is refused: what
 *	 nobody has is backordered where the customer agreed to that, else it stays
 *	 open with the reason.
 * - Units that waited stay what they were, backordered or open, as far as
 *	 nobody has them.  They are not planned where placing the order would not
 *	 have been: an inactive item, a node that hands nothing out.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "master/master.h"
#include "orders/orders.h"

/* A text column, or NULL. */
static char *
read_text(const OmniRows *rows, int r, int c)
{
	return OMNI_ISNULL(rows, r, c) ? NULL :
		TextDatumGetCString(OMNI_VALUE(rows, r, c));
}

/* The order's requests as places; *n of them. */
static OmniWishPlace *
read_wishes(int64 order, int *n)
{
	static OmniQuery query = {
		.sql = "SELECT r.request, r.kind, r.node_id, r.promise_by,"
		" a.latitude, a.longitude, a.country, a.region, a.postal_code,"
		" (SELECT pg_catalog.count(*) FROM omni.fulfilment f"
		" WHERE f.order_id = r.order_id AND f.request = r.request"
		" AND f.kind = 'ship' AND f.status NOT IN ('rejected', 'cancelled'))"
		" FROM omni.order_request r LEFT JOIN omni.delivery_address a"
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
		wish->promised = !OMNI_ISNULL(&rows, r, 3);
		if (wish->promised)
			wish->promise_by = DatumGetTimestampTz(OMNI_VALUE(&rows, r, 3));
		wish->place.located = !OMNI_ISNULL(&rows, r, 4);
		if (wish->place.located)
		{
			wish->place.latitude = DatumGetFloat8(OMNI_VALUE(&rows, r, 4));
			wish->place.longitude = DatumGetFloat8(OMNI_VALUE(&rows, r, 5));
		}
		wish->place.country = read_text(&rows, r, 6);
		wish->place.region = read_text(&rows, r, 7);
		wish->place.postal_code = read_text(&rows, r, 8);
		wish->parcels = DatumGetInt64(OMNI_VALUE(&rows, r, 9));
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

/* An allocation of units of an order that exists. */
typedef struct Again
{
	OmniAllocation allocation;
	int64	   *order_lines;	/* of each demand */
	int		   *delta_of;		/* index of each demand's line and delta */
	bool		no_parcel_left; /* max_splits is used up */
} Again;

/* What the order is worth, and a unit of each line with a demand. */
static void
read_prices(const OmniLockedOrder *order, Again *again)
{
	static OmniQuery query = {
		.sql = "SELECT o.currency,"
		" pg_catalog.trunc((o.goods - o.discount) * 10::numeric ^ o.decimals)"
		"::int8, l.id,"
		" pg_catalog.trunc(l.unit_price * 10::numeric ^ o.decimals)::int8"
		" FROM omni.sales_order o LEFT JOIN omni.order_line l"
		" ON l.order_id = o.id AND l.id = ANY ($2) WHERE o.id = $1"
		" ORDER BY l.id",
		.nargs = 2,
		.argtypes = {INT8OID, INT8ARRAYOID}
	};
	OmniAllocation *allocation = &again->allocation;
	Datum		values[2];
	OmniRows	rows;

	values[0] = Int64GetDatum(order->id);
	values[1] = omni_core_int64_array(again->order_lines,
									  allocation->ndemands);
	omni_core_query(&query, values, NULL, false, &rows);
	allocation->currency = read_text(&rows, 0, 0);
	allocation->value = DatumGetInt64(OMNI_VALUE(&rows, 0, 1));
	for (int d = 0; d < allocation->ndemands; d++)
	{
		int			low = 0;
		int			high = rows.nrows - 1;

		allocation->demands[d].price = -1;
		while (low <= high)
		{
			int			middle = low + (high - low) / 2;
			int64		id = OMNI_ISNULL(&rows, middle, 2) ? 0 :
				DatumGetInt64(OMNI_VALUE(&rows, middle, 2));

			if (id == again->order_lines[d])
			{
				allocation->demands[d].price =
					DatumGetInt64(OMNI_VALUE(&rows, middle, 3));
				break;
			}
			if (id < again->order_lines[d])
				low = middle + 1;
			else
				high = middle - 1;
		}
	}
}

/* Begin one, with room for n demands. */
static void
begin_again(const OmniLockedOrder *order, int n, Again *again)
{
	OmniAllocation *allocation = &again->allocation;
	int			parcels;

	memset(again, 0, sizeof(Again));
	allocation->complete = order->ship_complete;
	allocation->channel = order->channel;
	allocation->reference = order->reference;
	allocation->max_splits = -1;
	allocation->wishes = read_wishes(order->id, &allocation->nwishes);
	allocation->rejected = read_history(order->id, &allocation->nrejected,
										&parcels);
	if (order->max_splits >= 0)
		allocation->max_splits = Max(0, order->max_splits - parcels);
	again->no_parcel_left = order->max_splits >= 0 &&
		parcels > order->max_splits;
	allocation->demands = palloc0(sizeof(OmniDemand) * n);
	again->order_lines = palloc(sizeof(int64) * n);
	again->delta_of = palloc(sizeof(int) * n);
}

/* What is missing of line l becomes a demand. */
static OmniDemand *
add_demand(Again *again, const OmniStepLine *lines, int l)
{
	OmniAllocation *allocation = &again->allocation;
	OmniDemand *demand = &allocation->demands[allocation->ndemands];

	demand->item = lines[l].item;
	demand->quantity = lines[l].quantity - lines[l].given;
	demand->wish = find_wish(allocation->wishes, allocation->nwishes,
							 lines[l].request);
	if (again->no_parcel_left &&
		allocation->wishes[demand->wish].kind == OMNI_FULFILMENT_SHIP)
	{
		demand->barred = true;
		demand->reason = OMNI_REASON_SPLITS;
	}
	again->order_lines[allocation->ndemands] = lines[l].order_line;
	again->delta_of[allocation->ndemands++] = l;
	return demand;
}

/* Plan units again; see orders.h. */
void
omni_orders_resource(const OmniLockedOrder *order, const OmniStepLine *lines,
					 int n, const char *reason, OmniLineDelta *deltas)
{
	Again		again;
	OmniAllocation *allocation = &again.allocation;
	int64		missing = 0;

	begin_again(order, n, &again);
	for (int l = 0; l < n; l++)
	{
		if (lines[l].quantity != lines[l].given)
			(void) add_demand(&again, lines, l);
	}
	if (allocation->ndemands == 0)
		return;

	read_prices(order, &again);
	omni_orders_allocate(allocation);
	omni_orders_insert_plan(order->id, false, allocation->plan.data);
	omni_orders_record_grants(order->id, allocation, again.order_lines);
	for (int d = 0; d < allocation->ndemands; d++)
	{
		const OmniDemand *demand = &allocation->demands[d];
		OmniLineDelta *delta = &deltas[again.delta_of[d]];

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

/* What keeps a line from being planned, whatever the stock; NULL: nothing. */
static const char *
find_bar(int64 item, const OmniWishPlace *wish)
{
	OmniItemInfo item_info;
	OmniNodeInfo node_info;

	omni_master_item_info(item, &item_info);
	if (!item_info.active)
		return OMNI_REASON_ITEM;
	if (wish->kind == OMNI_FULFILMENT_SHIP)
		return NULL;
	omni_master_node_info(wish->node, &node_info);
	return node_info.active && node_info.pickup ? NULL : OMNI_REASON_PICKUP;
}

/* Plan units that have waited; see orders.h. */
int64
omni_orders_plan_waiting(const OmniLockedOrder *order,
						 const OmniStepLine *lines, int n,
						 OmniLineDelta *deltas)
{
	Again		again;
	OmniAllocation *allocation = &again.allocation;
	int64		units = 0;
	int64		missing = 0;

	begin_again(order, n, &again);
	for (int l = 0; l < n; l++)
	{
		OmniDemand *demand = add_demand(&again, lines, l);
		const char *bar =
			find_bar(demand->item, &allocation->wishes[demand->wish]);

		if (bar == NULL)
			continue;
		demand->barred = true;
		demand->reason = bar;
	}
	read_prices(order, &again);
	omni_orders_allocate(allocation);
	for (int d = 0; d < n; d++)
	{
		const OmniDemand *demand = &allocation->demands[d];

		deltas[d].allocated = demand->quantity - demand->missing;
		deltas[d].reason = demand->missing > 0 ? demand->reason : NULL;
		units += deltas[d].allocated;
		missing += demand->missing;
	}
	if (units == 0)
		return 0;
	omni_orders_order_event("order.unparked", order->id,
							"\"units\":" INT64_FORMAT ",\"waiting\":"
							INT64_FORMAT, units, missing);
	omni_orders_insert_plan(order->id, false, allocation->plan.data);
	omni_orders_record_grants(order->id, allocation, again.order_lines);
	return units;
}
