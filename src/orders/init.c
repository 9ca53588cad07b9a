/*
 * init.c
 *	  What orders do in _PG_init.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "master/master.h"
#include "orders/orders.h"

/* What of this domain refers to a row of master data; see master.h. */
static const char *
find_reference(OmniMasterKind kind, int64 id)
{
	static OmniQuery queries[] = {
		{
			.sql = "SELECT EXISTS (SELECT FROM omni.sales_order"
			" WHERE channel_id = $1)",
			.nargs = 1,
			.argtypes = {INT8OID}
		},
		{
			.sql = "SELECT EXISTS (SELECT FROM omni.fulfilment"
			" WHERE node_id = $1) OR EXISTS (SELECT FROM omni.order_request"
			" WHERE node_id = $1)",
			.nargs = 1,
			.argtypes = {INT8OID}
		},
		{
			.sql = "SELECT EXISTS (SELECT FROM omni.order_line"
			" WHERE item_id = $1)",
			.nargs = 1,
			.argtypes = {INT8OID}
		}
	};
	Datum		value = Int64GetDatum(id);
	OmniRows	rows;

	/* in the order of OmniMasterKind */
	omni_core_query(&queries[kind], &value, NULL, false, &rows);
	return DatumGetBool(OMNI_VALUE(&rows, 0, 0)) ? "an order" : NULL;
}

void
omni_orders_init(void)
{
	omni_master_register_reference_check(find_reference);
	omni_orders_hold_init();
	omni_orders_arrival_init();
}
