/*
 * document.c
 *	  omni.order_document: an order as its channel gave it, and where it is.
 *
 * One statement, with a snapshot of its own: an order that the calling
 * statement has just placed is there.  Money is text with the
 * currency's decimals; times are UTC, whatever the session's settings.  No
 * personal data: those stand in tables of their own.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "orders/orders.h"

PG_FUNCTION_INFO_V1(omni_orders_order_document);

/* codes by sub-select: one index probe each, however the tables grow */
#define LINES \
	"(SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(" \
	"'id', l.id, 'line', l.line, 'sku'," \
	" (SELECT i.sku FROM omni.item i WHERE i.id = l.item_id)," \
	" 'quantity', l.quantity, 'open', l.open," \
	" 'backordered', l.backordered, 'allocated', l.allocated," \
	" 'picked', l.picked, 'shipped', l.shipped, 'collected', l.collected," \
	" 'cancelled', l.cancelled, 'returned', l.returned," \
	" 'reason', l.reason, 'unit_price', l.unit_price::text," \
	" 'goods', l.goods::text, 'discount', l.discount::text," \
	" 'tax', l.tax::text, 'total', l.total::text) ORDER BY l.line)" \
	" FROM omni.order_line l WHERE l.order_id = o.id)"

#define FULFILMENT_LINES \
	"(SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(" \
	"'line', l.line, 'sku'," \
	" (SELECT i.sku FROM omni.item i WHERE i.id = l.item_id)," \
	" 'quantity', fl.quantity) ORDER BY l.line)" \
	" FROM omni.fulfilment_line fl" \
	" JOIN omni.order_line l ON l.id = fl.order_line_id" \
	" WHERE fl.fulfilment_id = f.id AND fl.quantity > 0)"

#define FULFILMENTS \
	"(SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(" \
	"'id', f.id, 'kind', f.kind, 'node'," \
	" (SELECT n.code FROM omni.node n WHERE n.id = f.node_id)," \
	" 'status', f.status, 'reason', f.reason," \
	" 'lines', COALESCE(" FULFILMENT_LINES ", '[]')) ORDER BY f.id)" \
	" FROM omni.fulfilment f WHERE f.order_id = o.id)"

#define TOTALS \
	"pg_catalog.jsonb_build_object('goods', o.goods::text," \
	" 'discount', o.discount::text, 'shipping', o.shipping::text," \
	" 'tax', o.tax::text, 'fees', o.fees::text, 'total', o.total::text," \
	" 'refunded', pg_catalog.round(o.refunded, o.decimals)::text)"

#define PLAN \
	"(SELECT p.plan FROM omni.order_plan p WHERE p.order_id = o.id" \
	" ORDER BY p.plan_number DESC LIMIT 1)"

#define UTC(column) \
	"pg_catalog.to_char(" column " AT TIME ZONE 'UTC'," \
	" 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

/* those in force */
#define HOLDS \
	"(SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(" \
	"'id', h.id, 'reason', h.reason, 'note', h.note," \
	" 'held_at', " UTC("h.held_at") ", 'held_until', " \
	UTC("h.held_until") ") ORDER BY h.id) FROM omni.order_hold h" \
	" WHERE h.order_id = o.id AND h.released_at IS NULL" \
	" AND (h.held_until <= $2) IS NOT TRUE)"

/*
 * omni.order_document(order_id bigint) RETURNS jsonb
 *
 * OM002 for NULL, and when there is no such order or the role may not see it.
 */
Datum
omni_orders_order_document(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "SELECT o.channel_id, pg_catalog.jsonb_build_object("
		"'order_id', o.id, 'channel',"
		" (SELECT c.code FROM omni.channel c WHERE c.id = o.channel_id),"
		" 'external_id', o.external_id, 'status', o.status,"
		" 'placed_at', " UTC("o.placed_at") ", 'currency', o.currency,"
		" 'taxes_included', o.taxes_included, 'customer_id', o.customer_id,"
		" 'priority', o.priority, 'holds', CASE WHEN o.holds > 0"
		" THEN COALESCE(" HOLDS ", '[]') ELSE '[]' END,"
		" 'lines', " LINES ", 'fulfilments', COALESCE(" FULFILMENTS ", '[]'),"
		" 'totals', " TOTALS ", 'plan', " PLAN ")"
		" FROM omni.sales_order o WHERE o.id = $1",
		.nargs = 2,
		.argtypes = {INT8OID, TIMESTAMPTZOID}
	};
	int64		id = omni_core_required_int64(fcinfo, 0, "order_id");
	Datum		values[2];
	OmniRows	rows;

	values[0] = Int64GetDatum(id);
	values[1] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.nrows == 0 ||
		!omni_orders_may_see(id, DatumGetInt64(OMNI_VALUE(&rows, 0, 0))))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("order " INT64_FORMAT " does not exist", id)));
	PG_RETURN_DATUM(OMNI_VALUE(&rows, 0, 1));
}
