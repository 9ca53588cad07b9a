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

#define PLACED_AT \
	"pg_catalog.to_char(o.placed_at AT TIME ZONE 'UTC'," \
	" 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

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
		" 'placed_at', " PLACED_AT ", 'currency', o.currency,"
		" 'taxes_included', o.taxes_included, 'customer_id', o.customer_id,"
		" 'lines', " LINES ", 'fulfilments', COALESCE(" FULFILMENTS ", '[]'),"
		" 'totals', " TOTALS ", 'plan', " PLAN ")"
		" FROM omni.sales_order o WHERE o.id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	int64		id = omni_core_required_int64(fcinfo, 0, "order_id");
	Datum		value = Int64GetDatum(id);
	OmniRows	rows;

	omni_core_query(&query, &value, NULL, false, &rows);
	if (rows.nrows == 0 ||
		!omni_orders_may_see(id, DatumGetInt64(OMNI_VALUE(&rows, 0, 0))))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("order " INT64_FORMAT " does not exist", id)));
	PG_RETURN_DATUM(OMNI_VALUE(&rows, 0, 1));
}
