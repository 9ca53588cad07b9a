/*
 * init.c
 *	  What stock does in _PG_init.
 */
#include "omni.h"

#include "catalog/pg_type.h"

#include "master/master.h"
#include "stock/block.h"

static const OmniFeedSource ledger_source = {
	.relation = "omni.stock_ledger",
	.columns = "'stock.' || s.kind, 'item'::text, s.item_id,"
	" jsonb_build_object('sku', (SELECT i.sku FROM omni.item i"
	" WHERE i.id = s.item_id), 'node', (SELECT n.code FROM omni.node n"
	" WHERE n.id = s.node_id), 'quantity', s.quantity,"
	" 'reserved', s.reserved), s.occurred_at",
	.wake_channel = "omni_stock"
};

/* What of stock refers to a row that is to be deleted. */
static const char *
find_reference(OmniMasterKind kind, int64 id)
{
	static OmniQuery item_query = {
		.sql = "SELECT EXISTS (SELECT FROM omni_internal.stock_balance b"
		" WHERE b.item_id = $1) OR EXISTS (SELECT"
		" FROM omni_internal.unfolded l WHERE l.item_id = $1)",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	static OmniQuery node_query = {
		.sql = "SELECT EXISTS (SELECT FROM omni_internal.stock_balance b"
		" WHERE b.node_id = $1) OR EXISTS (SELECT"
		" FROM omni_internal.unfolded l WHERE l.node_id = $1)",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	static OmniQuery channel_query = {
		.sql = "SELECT EXISTS (SELECT FROM omni.stock_ledger l"
		" WHERE l.channel_id = $1)",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum		value = Int64GetDatum(id);
	OmniRows	rows;

	omni_core_query(kind == OMNI_MASTER_ITEM ? &item_query :
					kind == OMNI_MASTER_NODE ? &node_query : &channel_query,
					&value, NULL, false, &rows);
	return DatumGetBool(OMNI_VALUE(&rows, 0, 0)) ? "the stock ledger" : NULL;
}

void
omni_stock_init(void)
{
	omni_stock_block_init();
	omni_stock_xact_init();
	omni_stock_fold_init();
	omni_stock_reference_init();
	omni_core_register_feed_source(&ledger_source);
	omni_master_register_reference_check(find_reference);
}
