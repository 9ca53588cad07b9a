/*
 * ledger.c
 *	  The append-only ledger: writing rows, and reading a promise's chain.
 *
 * The write path appends and updates nothing.  A promise's rows form a chain:
 * the row that opens it (reservation = id), then rows that each close the one
 * before.  What is still promised is the sum of their reserved deltas; where
 * and until when, the last row says.  (As TigerBeetle's pending, posted and
 * voided transfers.)
 */
#include "omni.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "stock/block.h"

static const OmniTable ledger_table = {
	.schema = OMNI_SCHEMA,
	.name = "stock_ledger",
	.columns = "id, item_id, node_id, quantity, reserved, era, xid, closes,"
	" reservation, channel_id, occurred_at, recorded_at, expires_at, kind,"
	" reference, actor"
};

#define NCOLUMNS 16

/* What all rows of one call share. */
typedef struct RowConstants
{
	TimestampTz now;
	int32		era;
	FullTransactionId xid;
	Datum		actor;
} RowConstants;

/* One row's values, in the order of the table's columns above. */
static void
fill_row(Datum *values, bool *isnull, const OmniLedgerRow *row,
		 const RowConstants *constants)
{
	memset(isnull, 0, sizeof(bool) * NCOLUMNS);
	values[0] = Int64GetDatum(row->id);
	values[1] = Int64GetDatum(row->item);
	values[2] = Int64GetDatum(row->node);
	values[3] = Int32GetDatum(row->quantity);
	values[4] = Int32GetDatum(row->reserved);
	values[5] = Int32GetDatum(constants->era);
	values[6] = FullTransactionIdGetDatum(constants->xid);
	values[7] = Int64GetDatum(row->closes);
	isnull[7] = row->closes == 0;
	values[8] = Int64GetDatum(row->reservation);
	isnull[8] = row->reservation == 0;
	values[9] = Int64GetDatum(row->channel);
	isnull[9] = row->channel == 0;
	values[10] = TimestampTzGetDatum(row->occurred_at ? *row->occurred_at :
									 constants->now);
	values[11] = TimestampTzGetDatum(constants->now);
	values[12] = TimestampTzGetDatum(row->expires_at);
	isnull[12] = TIMESTAMP_IS_NOEND(row->expires_at);
	values[13] = CStringGetTextDatum(row->kind);
	isnull[14] = row->reference == NULL;
	values[14] = row->reference ? CStringGetTextDatum(row->reference) :
		(Datum) 0;
	values[15] = constants->actor;
}

/*
 * Append rows; the caller has pinned and loaded the blocks of their items and
 * passed the gate.
 *
 * The rows go to the table without a statement (core/insert.c), which would
 * cost as much as the row and its indexes (see doc/architecture.md).
 */
void
omni_stock_ledger_insert(const OmniLedgerRow *rows, int n)
{
	RowConstants constants;
	OmniInsertion insertion;

	if (n == 0)
		return;
	PreventCommandIfReadOnly("a change of stock");
	PreventCommandIfParallelMode("a change of stock");
	constants.era = omni_core_gate();
	constants.now = omni_core_now();
	constants.xid = GetTopFullTransactionId();
	constants.actor =
		CStringGetTextDatum(GetUserNameFromId(omni_core_asker(), false));
	omni_core_insert_begin(&insertion, &ledger_table);
	for (int i = 0; i < n; i++)
	{
		MemoryContext old;
		Datum		values[NCOLUMNS];
		bool		isnull[NCOLUMNS];

		old = MemoryContextSwitchTo(omni_core_insert_memory(&insertion));
		fill_row(values, isnull, &rows[i], &constants);
		MemoryContextSwitchTo(old);
		omni_core_insert_row(&insertion, values, isnull);
	}
	omni_core_insert_end(&insertion);
}

/*
 * Fill the chains of these reservations from the ledger, under a latest
 * snapshot with one's own rows; found = false where there is none.
 */
void
omni_stock_read_chains(OmniChain *chains, int n)
{
	static OmniQuery query = {
		.sql = "SELECT r.ordinality, c.id, c.item_id, c.node_id, c.reserved,"
		" c.expires_at, c.channel_id"
		" FROM pg_catalog.unnest($1) WITH ORDINALITY r (id, ordinality)"
		" CROSS JOIN LATERAL ("
		" SELECT l.id, l.item_id, l.node_id, l.reserved, l.expires_at,"
		" l.channel_id FROM omni.stock_ledger l"
		" WHERE l.id = r.id AND l.reservation = r.id"
		" UNION ALL"
		" SELECT l.id, l.item_id, l.node_id, l.reserved, l.expires_at,"
		" l.channel_id FROM omni.stock_ledger l"
		" WHERE l.reservation = r.id AND l.closes IS NOT NULL) c",
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	Datum	   *ids = palloc(sizeof(Datum) * n);
	Datum		array;
	OmniRows	rows;
	Snapshot	snapshot;

	for (int i = 0; i < n; i++)
	{
		chains[i].found = false;
		ids[i] = Int64GetDatum(chains[i].reservation);
	}
	array = PointerGetDatum(construct_array(ids, n, INT8OID, 8,
											FLOAT8PASSBYVAL, 'd'));
	snapshot = omni_core_latest_snapshot(true);
	omni_core_query_snapshot(&query, &array, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	for (int r = 0; r < rows.nrows; r++)
	{
		OmniChain  *chain;
		int64		id = DatumGetInt64(OMNI_VALUE(&rows, r, 1));

		chain = &chains[DatumGetInt64(OMNI_VALUE(&rows, r, 0)) - 1];
		if (!chain->found)
		{
			chain->found = true;
			chain->item = DatumGetInt64(OMNI_VALUE(&rows, r, 2));
			chain->quantity = 0;
			chain->last = 0;
			chain->channel = 0;
		}
		chain->quantity += DatumGetInt32(OMNI_VALUE(&rows, r, 4));
		if (!OMNI_ISNULL(&rows, r, 6))
			chain->channel = DatumGetInt64(OMNI_VALUE(&rows, r, 6));
		if (id < chain->last)
			continue;
		chain->last = id;
		chain->node = DatumGetInt64(OMNI_VALUE(&rows, r, 3));
		chain->expires_at = OMNI_ISNULL(&rows, r, 5) ? DT_NOEND :
			DatumGetTimestampTz(OMNI_VALUE(&rows, r, 5));
	}
}
