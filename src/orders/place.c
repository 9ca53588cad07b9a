/*
 * place.c
 *	  omni.place_order and its dry run, omni.plan_order.
 *
 * - (channel, external_id) is the key of an order.  Its row is inserted before
 *	 anything is reserved: a second session with the same key waits there, and
 *	 then finds the first one's order, or places its own when the first has
 *	 failed.  So nobody reserves twice, and nobody is refused because of units
 *	 that the same order holds.
 * - The row keeps a digest of the document, not the document.
 * - Whatever fails takes everything with it; the key stays free.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "master/master.h"
#include "orders/orders.h"
#include "stock/stock.h"

PG_FUNCTION_INFO_V1(omni_orders_place_order);
PG_FUNCTION_INFO_V1(omni_orders_plan_order);

/*
 * The order that has this key, 0 when there is none.  OM003 when it was
 * placed with another body.
 */
static int64
find_order(const OmniOrder *order)
{
	static OmniQuery query = {
		.sql = "SELECT id, digest FROM omni.sales_order"
		" WHERE channel_id = $1 AND external_id = $2",
		.nargs = 2,
		.argtypes = {INT8OID, TEXTOID}
	};
	Datum		values[2];
	OmniRows	rows;
	bytea	   *digest;

	values[0] = Int64GetDatum(order->channel);
	values[1] = CStringGetTextDatum(order->external_id);
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.nrows == 0)
		return 0;
	digest = DatumGetByteaPP(OMNI_VALUE(&rows, 0, 1));
	if (VARSIZE_ANY_EXHDR(digest) != OMNI_DIGEST_LENGTH ||
		memcmp(VARDATA_ANY(digest), order->digest, OMNI_DIGEST_LENGTH) != 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_CONFLICT),
				 errmsg("order \"%s\" of channel \"%s\" was placed with another document",
						order->external_id, order->channel_code)));
	return DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/* Sold over the counter: the units have left their nodes. */
static void
sell_lines(const OmniOrder *order, const int *demand_of_line,
		   const char *reference)
{
	OmniStockChange *changes = palloc(sizeof(OmniStockChange) * order->nlines);
	int			n = 0;

	for (int i = 0; i < order->nlines; i++)
	{
		const OmniOrderLine *line = &order->lines[i];

		if (demand_of_line[i] >= 0)
			continue;
		changes[n].item = line->item;
		changes[n].node = order->wishes[line->wish]->node;
		changes[n].quantity = -line->quantity;
		changes[n].ledger_id = 0;
		n++;
	}
	if (n > 0)
		omni_stock_change(changes, n, "sell", reference, order->channel,
						  order->placed_at.given ? &order->placed_at.value :
						  NULL);
	pfree(changes);
}

/* The fulfilments of what was sold over the counter, born collected. */
static void
record_sales(const OmniOrder *order, const int *demand_of_line)
{
	OmniNewFulfilment *fulfilments;
	OmniNewFulfilmentLine *lines;
	int		   *of_wish = palloc(sizeof(int) * order->nwishes);
	int			nfulfilments = 0;
	int			nlines = 0;

	fulfilments = palloc(sizeof(OmniNewFulfilment) * order->nwishes);
	lines = palloc(sizeof(OmniNewFulfilmentLine) * order->nlines);
	for (int w = 0; w < order->nwishes; w++)
	{
		OmniNewFulfilment *fulfilment = &fulfilments[nfulfilments];

		if (order->wishes[w]->kind != OMNI_FULFILMENT_TAKE_AWAY)
			continue;
		of_wish[w] = nfulfilments++;
		fulfilment->request = w + 1;
		fulfilment->kind = OMNI_FULFILMENT_TAKE_AWAY;
		fulfilment->node = order->wishes[w]->node;
		fulfilment->units = 0;
	}
	for (int i = 0; i < order->nlines; i++)
	{
		const OmniOrderLine *line = &order->lines[i];

		if (demand_of_line[i] >= 0)
			continue;
		fulfilments[of_wish[line->wish]].units += line->quantity;
		lines[nlines].fulfilment = of_wish[line->wish];
		lines[nlines].order_line = line->id;
		lines[nlines].quantity = line->quantity;
		lines[nlines].reservation = 0;
		lines[nlines].capacity = 0;
		nlines++;
	}
	omni_orders_insert_fulfilments(order->id, "collected", fulfilments,
								   nfulfilments, lines, nlines);
}

/* What the feed says of a new order. */
static void
announce_order(const OmniOrder *order, const OmniAllocation *allocation)
{
	StringInfoData names;
	int64		units = 0;
	int64		backordered = 0;
	int64		parked = 0;

	for (int i = 0; i < order->nlines; i++)
		units += order->lines[i].quantity;
	for (int d = 0; d < allocation->ndemands; d++)
	{
		const OmniDemand *demand = &allocation->demands[d];

		if (order->options.backorder && !demand->barred)
			backordered += demand->missing;
		else
			parked += demand->missing;
	}

	initStringInfo(&names);
	appendStringInfoString(&names, "\"channel\":");
	escape_json(&names, order->channel_code);
	appendStringInfoString(&names, ",\"external_id\":");
	escape_json(&names, order->external_id);
	omni_orders_order_event("order.placed", order->id,
							"%s,\"lines\":%d,\"units\":" INT64_FORMAT,
							names.data, order->nlines, units);
	if (backordered > 0)
		omni_orders_order_event("order.backordered", order->id,
								"\"units\":" INT64_FORMAT, backordered);
	if (parked > 0)
		omni_orders_order_event("order.parked", order->id,
								"\"units\":" INT64_FORMAT, parked);
}

/* Lines that wait go to the queue. */
static void
park_missing(const OmniOrder *order, const OmniAllocation *allocation)
{
	int64	   *lines = palloc(sizeof(int64) * Max(1, allocation->ndemands));
	int			n = 0;

	for (int d = 0; d < allocation->ndemands; d++)
	{
		if (allocation->demands[d].missing > 0)
			lines[n++] = order->lines[allocation->demands[d].line].id;
	}
	omni_orders_park_lines(order->id, lines, n);
	pfree(lines);
}

/* Stock and rows of an order whose own row has just been inserted. */
static void
fill_order(OmniOrder *order, OmniAllocation *allocation, int *demand_of_line)
{
	bool		completed = allocation->ndemands == 0;
	int64	   *order_lines;

	allocation->reference = omni_orders_reference(order->id);
	if (!completed)
		omni_orders_allocate(allocation);
	sell_lines(order, demand_of_line, allocation->reference);

	omni_orders_insert_parts(order);
	omni_orders_insert_lines(order, allocation->demands, demand_of_line);
	park_missing(order, allocation);
	announce_order(order, allocation);
	omni_orders_insert_holds(order);
	if (!completed)
	{
		omni_orders_insert_plan(order->id, true, allocation->plan.data);
		order_lines = palloc(sizeof(int64) * allocation->ndemands);
		for (int d = 0; d < allocation->ndemands; d++)
			order_lines[d] = order->lines[allocation->demands[d].line].id;
		omni_orders_record_grants(order->id, allocation, order_lines);
	}
	record_sales(order, demand_of_line);
	if (completed)
		omni_orders_order_event("order.completed", order->id, "%s", "");
}

/* Place a parsed order that has no row yet; false when another was quicker. */
static bool
place_new(OmniOrder *order)
{
	OmniAllocation allocation;
	int		   *demand_of_line = palloc(sizeof(int) * order->nlines);

	omni_orders_look_up_codes(order);
	omni_orders_make_demands(order, &allocation, demand_of_line);
	if (order->customer)
		order->customer_id = omni_customer_resolve(order->customer,
												   order->channel);
	if (!omni_orders_insert_order(order, allocation.ndemands == 0))
		return false;
	fill_order(order, &allocation, demand_of_line);
	return true;
}

/* The document argument; OM002 when NULL. */
static Jsonb *
get_document(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"document\" must not be null")));
	return PG_GETARG_JSONB_P(0);
}

/*
 * omni.place_order(document jsonb) RETURNS bigint
 *
 * Record an order, decide where its units come from and promise them there,
 * all or nothing; returns its id.  Idempotent on channel and external_id: the
 * same document again answers the same id, another one is OM003.  OM001 when
 * it cannot be allocated and may be refused; OM002 for unknown codes; OM004
 * for inactive ones; OM005 for another's channel; OM006 and OM008 for what is
 * wrong with the document.  May wait for a session that is placing the same
 * order, or making the same customer.
 */
Datum
omni_orders_place_order(PG_FUNCTION_ARGS)
{
	Jsonb	   *document = get_document(fcinfo);
	OmniOrder	order;

	omni_orders_parse(document, &order);
	omni_orders_look_up_channel(&order, "place an order");
	omni_core_gate();
	for (;;)
	{
		int64		id = find_order(&order);

		if (id != 0)
			PG_RETURN_INT64(id);
		if (place_new(&order))
			PG_RETURN_INT64(order.id);
		/* the one that was quicker is visible now, unless it is gone again */
		CHECK_FOR_INTERRUPTS();
	}
}

/* The dry run's answer, line by line. */
static void
describe_lines(const OmniOrder *order, const OmniAllocation *allocation,
			   const int *demand_of_line, StringInfo json)
{
	appendStringInfoString(json, "\"lines\":[");
	for (int i = 0; i < order->nlines; i++)
	{
		const OmniOrderLine *line = &order->lines[i];
		const OmniDemand *demand = demand_of_line[i] < 0 ? NULL :
			&allocation->demands[demand_of_line[i]];
		int32		missing = demand ? demand->missing : 0;

		appendStringInfo(json, "%s{\"line\":%d,\"sku\":", i > 0 ? "," : "",
						 line->line);
		escape_json(json, line->sku);
		appendStringInfo(json, ",\"quantity\":%d,\"planned\":%d,\"missing\":%d",
						 line->quantity, line->quantity - missing, missing);
		if (missing > 0)
			appendStringInfo(json, ",\"reason\":\"%s\"", demand->reason);
		appendStringInfoChar(json, '}');
	}
	appendStringInfoChar(json, ']');
}

/* Ids of the nodes to be explained; OM002 for one that is NULL or unknown. */
static void
read_explain(FunctionCallInfo fcinfo, OmniAllocation *allocation)
{
	ArrayType  *array;
	Datum	   *codes;
	bool	   *nulls;
	int64	   *ids;
	int			n;

	if (PG_ARGISNULL(1))
		return;
	array = PG_GETARG_ARRAYTYPE_P(1);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &codes, &nulls,
					  &n);
	ids = palloc(sizeof(int64) * Max(1, n));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(OMNI_ERR_NOT_FOUND),
					 errmsg("argument \"explain\" must not have null elements")));
		ids[i] = omni_master_node_id(TextDatumGetCString(codes[i]));
	}
	allocation->nexplain = n;
	allocation->explain = ids;
}

/*
 * omni.plan_order(document jsonb, explain text[] DEFAULT NULL) RETURNS jsonb
 *
 * What omni.place_order would do with the document now: where each unit would
 * come from and why, without reserving or writing anything.  An order that
 * would be refused for lack of stock is answered with "complete": false; all
 * other errors are those of place_order.  "explain" has codes of nodes of which
 * each plan then says why not, and at least how much more it would cost.
 */
Datum
omni_orders_plan_order(PG_FUNCTION_ARGS)
{
	Jsonb	   *document = get_document(fcinfo);
	OmniOrder	order;
	OmniAllocation allocation;
	int		   *demand_of_line;
	int64		missing = 0;
	StringInfoData json;

	omni_orders_parse(document, &order);
	omni_orders_look_up_channel(&order, "plan an order");
	omni_core_gate();
	omni_orders_look_up_codes(&order);
	demand_of_line = palloc(sizeof(int) * order.nlines);
	omni_orders_make_demands(&order, &allocation, demand_of_line);
	allocation.dry_run = true;
	read_explain(fcinfo, &allocation);
	omni_orders_allocate(&allocation);
	for (int d = 0; d < allocation.ndemands; d++)
		missing += allocation.demands[d].missing;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"complete\":%s,\"missing\":" INT64_FORMAT
					 ",\"plan\":%s,", missing == 0 ? "true" : "false",
					 missing, allocation.plan.data);
	describe_lines(&order, &allocation, demand_of_line, &json);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
