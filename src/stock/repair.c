/*
 * repair.c
 *	  omni.repair_stock(): balances and open promises from the ledger, counters
 *	  from them.
 *
 * - The ledger, with what retention has deleted of it (pruned_stock), is the
 *	 truth.  It is not changed here: where a promise's chain is broken, or an
 *	 item or node is not in the master data, somebody must decide.
 * - The worker's folds wait until the transaction's end: SHARE ROW EXCLUSIVE on
 *	 balances and open promises, taken before the snapshot that says what is
 *	 wrong.  Sessions only read these tables: they go on.
 * - Counters are compared with the tables as they are then, and all are read
 *	 anew at commit where one differs (or a table was changed: reload.c).  While
 *	 transactions are in flight some differ that are right: no harm is done.
 * - Differences are applied as deltas of what that snapshot saw, so above READ
 *	 COMMITTED a fold that came before is a serialization failure (40001), and
 *	 never lost.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "stock/block.h"

PG_FUNCTION_INFO_V1(omni_stock_repair);

/* Keep the worker's folds away until the transaction's end. */
static void
lock_table(const char *name)
{
	LockRelationOid(omni_core_relation_oid(OMNI_INTERNAL_SCHEMA, name),
					ShareRowExclusiveLock);
}

/* Balances that are not the sums of the ledger. */
static void
repair_balances(ReturnSetInfo *rsinfo, Snapshot snapshot)
{
	static OmniQuery find = {
		.sql = "SELECT d.item_id, d.node_id, d.on_hand, d.reserved,"
		" d.expected_on_hand, d.expected_reserved"
		" FROM omni_internal.balance_difference d",
		.custom_plan = true,
	};
	static OmniQuery change = {
		.sql = "INSERT INTO omni_internal.stock_balance AS s"
		" (item_id, node_id, on_hand, reserved) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT ON CONSTRAINT stock_balance_pkey DO UPDATE"
		" SET on_hand = s.on_hand + excluded.on_hand,"
		" reserved = s.reserved + excluded.reserved",
		.nargs = 4,
		.argtypes = {INT8OID, INT8OID, INT8OID, INT8OID},
	};
	OmniRows	rows;

	omni_core_query_snapshot(&find, NULL, NULL, snapshot, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		int64		v[6];
		Datum		values[4];

		CHECK_FOR_INTERRUPTS();
		for (int c = 0; c < 6; c++)
			v[c] = DatumGetInt64(OMNI_VALUE(&rows, r, c));
		values[0] = Int64GetDatum(v[0]);
		values[1] = Int64GetDatum(v[1]);
		values[2] = Int64GetDatum(v[4] - v[2]);
		values[3] = Int64GetDatum(v[5] - v[3]);
		omni_core_query(&change, values, NULL, false, NULL);
		if (v[2] != v[4])
			omni_stock_put_difference(rsinfo, v[0], v[1], "balance on_hand",
									  v[2], v[4]);
		if (v[3] != v[5])
			omni_stock_put_difference(rsinfo, v[0], v[1], "balance reserved",
									  v[3], v[5]);
	}
}

/* Open promises that are not what their rows say. */
static void
repair_promises(ReturnSetInfo *rsinfo, Snapshot snapshot)
{
	static OmniQuery find = {
		.sql = "SELECT d.item_id, d.node_id, d.what, d.object, d.counter,"
		" d.expected FROM omni_internal.table_difference d"
		" WHERE d.what LIKE 'open promise%'",
		.custom_plan = true,
	};
	static OmniQuery remove = {
		.sql = "DELETE FROM omni_internal.open_reservation WHERE id = ANY ($1)",
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	static OmniQuery insert = {
		.sql = "INSERT INTO omni_internal.open_reservation (id, item_id,"
		" node_id, quantity, expires_at, reference, channel_id, opened_at,"
		" last_id) SELECT d.id, d.item_id, d.node_id, d.expected_quantity,"
		" d.expected_expires_at, d.reference, d.channel_id, d.opened_at,"
		" d.expected_last_id FROM omni_internal.promise_difference d"
		" WHERE d.expected_quantity > 0",
		.custom_plan = true,
	};
	OmniRows	rows;
	int64	   *ids;
	Datum		value;

	omni_core_query_snapshot(&find, NULL, NULL, snapshot, &rows);
	if (rows.nrows == 0)
		return;
	ids = palloc(sizeof(int64) * rows.nrows);
	for (int r = 0; r < rows.nrows; r++)
	{
		ids[r] = DatumGetInt64(OMNI_VALUE(&rows, r, 3));
		omni_stock_put_difference(rsinfo,
								  DatumGetInt64(OMNI_VALUE(&rows, r, 0)),
								  DatumGetInt64(OMNI_VALUE(&rows, r, 1)),
								  psprintf("%s (%lld)",
										   TextDatumGetCString(OMNI_VALUE(&rows, r, 2)),
										   (long long) ids[r]),
								  DatumGetInt64(OMNI_VALUE(&rows, r, 4)),
								  DatumGetInt64(OMNI_VALUE(&rows, r, 5)));
	}
	value = omni_core_int64_array(ids, rows.nrows);
	omni_core_query(&remove, &value, NULL, false, NULL);
	/* what is missing now is what was wrong */
	omni_core_query(&insert, NULL, NULL, false, NULL);
}

/* Counters that are not what the tables say now. */
static void
repair_counters(ReturnSetInfo *rsinfo)
{
	int64		before = tuplestore_tuple_count(rsinfo->setResult);

	omni_stock_verify_counters(rsinfo, true);
	if (tuplestore_tuple_count(rsinfo->setResult) > before)
		omni_stock_reload_at_commit();
}

/* repair_stock() → sku, node (NULL: the pool), what, was, became.  OM005. */
Datum
omni_stock_repair(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Snapshot	snapshot;

	(void) omni_core_gate();
	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "repair stock");
	InitMaterializedSRF(fcinfo, 0);
	lock_table("stock_balance");
	lock_table("open_reservation");
	snapshot = omni_core_latest_snapshot(true);
	repair_balances(rsinfo, snapshot);
	repair_promises(rsinfo, snapshot);
	UnregisterSnapshot(snapshot);
	repair_counters(rsinfo);
	return (Datum) 0;
}
