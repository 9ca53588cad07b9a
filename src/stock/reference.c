/*
 * reference.c
 *	  What keeps an item, a node or a channel from being deleted.
 *
 * The ledger has no foreign keys to them (key-share locks on a hot parent cost
 * a third of the throughput), so a delete is refused at the parent: where a
 * balance or a ledger row names it.  Rows that another transaction has not
 * committed yet are not seen: set the status to inactive, wait, then delete.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/snapmgr.h"

#include "master/master.h"
#include "stock/block.h"

/* Does the one-argument EXISTS query say yes, own rows included? */
static bool
refers(OmniQuery *query, int64 id)
{
	Datum		value = Int64GetDatum(id);
	Snapshot	snapshot = omni_core_latest_snapshot(true);
	OmniRows	rows;

	omni_core_query_snapshot(query, &value, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	return DatumGetBool(OMNI_VALUE(&rows, 0, 0));
}

/* Where stock names the object: the subject of "… refers to it", or NULL. */
static const char *
stock_refers(OmniMasterKind kind, int64 id)
{
	static OmniQuery item = {
		.sql = "SELECT EXISTS (SELECT FROM omni_internal.stock_balance b"
		" WHERE b.item_id = $1)"
		" OR EXISTS (SELECT FROM omni_internal.unfolded l"
		" WHERE l.item_id = $1)",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	static OmniQuery node = {
		.sql = "SELECT EXISTS (SELECT FROM omni_internal.stock_balance b"
		" WHERE b.node_id = $1)"
		" OR EXISTS (SELECT FROM omni_internal.unfolded l"
		" WHERE l.node_id = $1)",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	static OmniQuery channel = {
		.sql = "SELECT EXISTS (SELECT FROM omni.stock_ledger l"
		" WHERE l.channel_id = $1)",
		.nargs = 1,
		.argtypes = {INT8OID},
	};

	switch (kind)
	{
		case OMNI_MASTER_ITEM:
			return refers(&item, id) ? "stock" : NULL;
		case OMNI_MASTER_NODE:
			return refers(&node, id) ? "stock" : NULL;
		case OMNI_MASTER_CHANNEL:
			return refers(&channel, id) ? "the stock ledger" : NULL;
	}
	return NULL;
}

/* Called in _PG_init. */
void
omni_stock_reference_init(void)
{
	omni_master_register_reference_check(stock_refers);
}
