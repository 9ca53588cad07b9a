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

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "stock/block.h"

#define LEDGER_COLUMNS \
	"(id, item_id, node_id, quantity, reserved, kind, channel_id, reference," \
	" actor, occurred_at, recorded_at, expires_at, era, closes, reservation)"

/* Arguments 1 to 15 in the order of LEDGER_COLUMNS. */
#define NCOLUMNS 15

/* One row's values. */
static void
row_values(const OmniLedgerRow *row, TimestampTz now, int32 era, Datum actor,
		   Datum *values, bool *isnull)
{
	memset(isnull, 0, sizeof(bool) * NCOLUMNS);
	values[0] = Int64GetDatum(row->id);
	values[1] = Int64GetDatum(row->item);
	values[2] = Int64GetDatum(row->node);
	values[3] = Int32GetDatum(row->quantity);
	values[4] = Int32GetDatum(row->reserved);
	values[5] = CStringGetTextDatum(row->kind);
	values[6] = Int64GetDatum(row->channel);
	isnull[6] = row->channel == 0;
	isnull[7] = row->reference == NULL;
	values[7] = row->reference ? CStringGetTextDatum(row->reference) : (Datum) 0;
	values[8] = actor;
	values[9] = TimestampTzGetDatum(row->occurred_at ? row->occurred_at : now);
	values[10] = TimestampTzGetDatum(now);
	values[11] = TimestampTzGetDatum(row->expires_at);
	isnull[11] = TIMESTAMP_IS_NOEND(row->expires_at);
	values[12] = Int32GetDatum(era);
	values[13] = Int64GetDatum(row->closes);
	isnull[13] = row->closes == 0;
	values[14] = Int64GetDatum(row->reservation);
	isnull[14] = row->reservation == 0;
}

/* The single-row statement: the hot path. */
static void
insert_one(const OmniLedgerRow *row, TimestampTz now, int32 era, Datum actor)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.stock_ledger " LEDGER_COLUMNS
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
		" $14, $15)",
		.nargs = NCOLUMNS,
		.argtypes = {INT8OID, INT8OID, INT8OID, INT4OID, INT4OID, TEXTOID,
			INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
		TIMESTAMPTZOID, INT4OID, INT8OID, INT8OID},
	};
	Datum		values[NCOLUMNS];
	bool		isnull[NCOLUMNS];
	char		nulls[NCOLUMNS];

	row_values(row, now, era, actor, values, isnull);
	for (int i = 0; i < NCOLUMNS; i++)
		nulls[i] = isnull[i] ? 'n' : ' ';
	omni_core_query(&query, values, nulls, false, NULL);
}

/* Many rows by one statement. */
static void
insert_many(const OmniLedgerRow *rows, int n, TimestampTz now, int32 era,
			Datum actor)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.stock_ledger " LEDGER_COLUMNS
		" SELECT * FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2),"
		" pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),"
		" pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8),"
		" pg_catalog.unnest($9), pg_catalog.unnest($10), pg_catalog.unnest($11),"
		" pg_catalog.unnest($12), pg_catalog.unnest($13), pg_catalog.unnest($14),"
		" pg_catalog.unnest($15))",
		.nargs = NCOLUMNS,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID,
			INT4ARRAYOID, TEXTARRAYOID, INT8ARRAYOID, TEXTARRAYOID,
			TEXTARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID,
		TIMESTAMPTZARRAYOID, INT4ARRAYOID, INT8ARRAYOID, INT8ARRAYOID},
	};
	static const Oid types[NCOLUMNS] = {INT8OID, INT8OID, INT8OID, INT4OID,
		INT4OID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
	TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, INT8OID, INT8OID};
	Datum	   *values[NCOLUMNS];
	bool	   *isnull[NCOLUMNS];
	Datum		arrays[NCOLUMNS];
	int			lbs = 1;

	for (int c = 0; c < NCOLUMNS; c++)
	{
		values[c] = palloc(sizeof(Datum) * n);
		isnull[c] = palloc(sizeof(bool) * n);
	}
	for (int r = 0; r < n; r++)
	{
		Datum		row[NCOLUMNS];
		bool		rownull[NCOLUMNS];

		row_values(&rows[r], now, era, actor, row, rownull);
		for (int c = 0; c < NCOLUMNS; c++)
		{
			values[c][r] = row[c];
			isnull[c][r] = rownull[c];
		}
	}
	for (int c = 0; c < NCOLUMNS; c++)
	{
		bool		text = types[c] == TEXTOID;
		bool		four = types[c] == INT4OID;

		arrays[c] = PointerGetDatum(construct_md_array(values[c], isnull[c],
													   1, &n, &lbs, types[c],
													   text ? -1 : four ? 4 : 8,
													   !text,
													   text || four ? 'i' : 'd'));
	}
	omni_core_query(&query, arrays, NULL, false, NULL);
}

/*
 * Append rows; the caller has pinned and loaded the blocks of their items and
 * passed the gate.
 */
void
omni_stock_ledger_insert(const OmniLedgerRow *rows, int n)
{
	TimestampTz now = omni_core_now();
	int32		era = omni_core_gate();
	Datum		actor;

	actor = CStringGetTextDatum(GetUserNameFromId(GetOuterUserId(), false));
	omni_stock_own_write(true);
	if (n == 1)
		insert_one(rows, now, era, actor);
	else if (n > 1)
		insert_many(rows, n, now, era, actor);
	omni_stock_own_write(false);
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
