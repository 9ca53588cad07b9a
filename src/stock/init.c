/*
 * init.c
 *	  What stock does in _PG_init.
 */
#include "omni.h"

#include "stock/block.h"

static const OmniFeedSource ledger_source = {
	.relation = "omni.stock_ledger",
	/* rows of a day's capacity stand under the node's id */
	.columns = "CASE WHEN s.item_id > 0 THEN 'stock.' ELSE 'capacity.' END"
	" || s.kind,"
	" CASE WHEN s.item_id > 0 THEN 'item' ELSE 'capacity' END,"
	" CASE WHEN s.item_id > 0 THEN s.item_id ELSE s.node_id END,"
	" CASE WHEN s.item_id > 0 THEN"
	" jsonb_build_object('sku', (SELECT i.sku FROM omni.item i"
	" WHERE i.id = s.item_id), 'node', (SELECT n.code FROM omni.node n"
	" WHERE n.id = s.node_id), 'quantity', s.quantity,"
	" 'reserved', s.reserved)"
	" ELSE jsonb_build_object('node', (SELECT n.code FROM omni.node n"
	" WHERE n.id = s.node_id),"
	" 'date', omni_internal.capacity_day(s.item_id),"
	" 'promised', s.reserved, 'done', -s.quantity)"
	" END, s.occurred_at",
	.wake_channel = "omni_stock",
	.prune = omni_stock_prune,
	.last_done = omni_stock_folded_tick
};

void
omni_stock_init(void)
{
	omni_stock_table_init();
	omni_stock_stat_init();
	omni_stock_doubt_init();
	omni_stock_xact_init();
	omni_stock_fold_init();
	omni_stock_shortfall_init();
	omni_stock_reference_init();
	omni_stock_reload_init();
	omni_stock_capacity_init();
	omni_core_register_feed_source(&ledger_source);
}
