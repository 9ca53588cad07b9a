/*
 * tick.c
 *	  Closing ticks: what has committed gets its positions.
 *
 * - A tick's snapshot is the only snapshot of its transaction (REPEATABLE
 *	 READ), taken after the tick lock, so that it sees the tick before, and
 *	 before the transaction has an id: with an id it would count itself as
 *	 running and the next tick would look for its rows for ever.
 * - A row is new when it is visible now and was not to the last tick's
 *	 snapshot: its transaction is at or above that snapshot's xmax and below
 *	 this one's, or was in its list of running ones and is not running now
 *	 (PgQ's technique).  Both are ranges of the index (era, xid); transactions
 *	 that are still running cost next to nothing, whatever they have written.
 * - Ids of transactions compare within one era only.  The first tick of an era
 *	 has no predecessor: every visible row of that era is new.
 * - Positions are handed out by the tick row and its pages, in one transaction
 *	 with the snapshot that defines them.  A crash before its commit leaves
 *	 nothing, and the next tick takes the same rows.
 * - A tick over nothing is not written, nor is anything else; but the ticking
 *	 process remembers the snapshot, and goes on from it: so the rows of a long
 *	 transaction are not gone over at every idle turn.
 * - Lock order: the extension (the worker), the tick lock, relations.
 */
#include "omni.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "core/feed_read.h"
#include "core/test_point.h"

/*
 * A page ends after this many rows, or where the next id is that far away:
 * between two ids of a page the reader goes over rows of other ticks (an old
 * transaction that drew an id now and then), and a page bounds that.
 */
#define PAGE_ROWS "1000"
#define PAGE_GAP "128"

/* The last tick, and what the next one has to look for. */
typedef struct LastTick
{
	int64		id;				/* 0: none */
	int32		era;
	TimestampTz closed_at;
	int64		last_position;
	Datum		snapshot;
	Datum		now;			/* pg_snapshot of this transaction */
	bool		seen;			/* something of this era was looked at: */
	uint64		seen_xmax;		/* xmax of that snapshot */
	Datum		seen_running;	/* xid8[]: its running transactions, without
								 * those that are still running */
} LastTick;

/*
 * The snapshot under which this process last looked and found nothing new
 * after the last tick: what that did not see is what the tick did not see.
 */
static struct
{
	Oid			extension;
	int32		era;
	int64		tick;			/* the last one, then */
	struct varlena *snapshot;	/* NULL: none */
} idle;

/* Remember that there was nothing new, or forget it. */
static void
remember_idle(int32 era, const LastTick *last, bool found_nothing)
{
	if (idle.snapshot)
	{
		pfree(idle.snapshot);
		idle.snapshot = NULL;
	}
	if (!found_nothing)
		return;
	idle.extension = omni_core_extension_oid();
	idle.era = era;
	idle.tick = last->id;
	idle.snapshot = MemoryContextAlloc(TopMemoryContext,
									   VARSIZE_ANY(DatumGetPointer(last->now)));
	memcpy(idle.snapshot, DatumGetPointer(last->now),
		   VARSIZE_ANY(DatumGetPointer(last->now)));
}

/*
 * Read the last tick, and what of "era" was looked at.  all_running keeps the
 * whole list of running transactions: after a restore none of them runs,
 * whatever their ids say.
 */
static void
read_last_tick(int32 era, bool all_running, LastTick *last)
{
	static OmniQuery query = {
		.sql = "SELECT t.id, t.era, t.closed_at, t.first_position + t.count - 1,"
		" t.snapshot, pg_current_snapshot(),"
		" l.seen IS NOT NULL, pg_snapshot_xmax(l.seen),"
		" ARRAY(SELECT r.xid FROM pg_snapshot_xip(l.seen) AS r(xid)"
		" WHERE $2 OR pg_visible_in_snapshot(r.xid, pg_current_snapshot()))"
		" FROM (VALUES (1)) AS one LEFT JOIN (SELECT * FROM omni.tick"
		" ORDER BY id DESC LIMIT 1) AS t ON true CROSS JOIN LATERAL (SELECT"
		" CASE WHEN $4 IS NOT NULL AND COALESCE(t.id, 0) = $3 THEN $4"
		" WHEN t.era = $1 THEN t.snapshot END) AS l(seen)",
		.nargs = 4,
		.argtypes = {INT4OID, BOOLOID, INT8OID, PG_SNAPSHOTOID},
	};
	OmniRows	rows;
	Datum		values[4];
	char		nulls[4] = "   n";

	values[0] = Int32GetDatum(era);
	values[1] = BoolGetDatum(all_running);
	values[2] = Int64GetDatum(idle.tick);
	values[3] = PointerGetDatum(idle.snapshot);
	if (idle.snapshot && !all_running && idle.era == era &&
		idle.extension == omni_core_extension_oid())
		nulls[3] = ' ';
	omni_core_query(&query, values, nulls, true, &rows);

	memset(last, 0, sizeof(*last));
	if (!OMNI_ISNULL(&rows, 0, 0))
	{
		last->id = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
		last->era = DatumGetInt32(OMNI_VALUE(&rows, 0, 1));
		last->closed_at = DatumGetTimestampTz(OMNI_VALUE(&rows, 0, 2));
		last->last_position = DatumGetInt64(OMNI_VALUE(&rows, 0, 3));
		last->snapshot = OMNI_VALUE(&rows, 0, 4);
	}
	last->now = OMNI_VALUE(&rows, 0, 5);
	last->seen = DatumGetBool(OMNI_VALUE(&rows, 0, 6));
	if (last->seen)
	{
		last->seen_xmax = U64FromFullTransactionId(DatumGetFullTransactionId(OMNI_VALUE(&rows, 0, 7)));
		last->seen_running = OMNI_VALUE(&rows, 0, 8);
	}
}

/*
 * The statement that closes a tick: $1 era, $2 from this xid on, $3 or these
 * xids, $4 snapshot, $5 the tick's id, $6 its first position, $7 its time, $8
 * the server's timeline.
 */
static const char *
sql_of_tick(void)
{
	StringInfoData sql;
	const char *columns = "x.id, x.source, x.kind";

	initStringInfo(&sql);
	appendStringInfoString(&sql, "WITH fresh AS MATERIALIZED (");
	omni_core_feed_union(&sql, columns, "x.era = $1 AND x.xid >= $2"
						 " AND x.xid < pg_snapshot_xmax($4)");
	/*
	 * The fence leaves the planner no choice: with one, while the tables are
	 * small, it would go over all rows of the era and compare.
	 */
	appendStringInfoString(&sql, " UNION ALL SELECT u.*"
						   " FROM pg_catalog.unnest($3) AS r(xid)"
						   " CROSS JOIN LATERAL (SELECT v.* FROM (");
	omni_core_feed_union(&sql, columns, "x.era = $1 AND x.xid = r.xid");
	appendStringInfoString(&sql, ") AS v OFFSET 0) AS u");
	appendStringInfoString(&sql,
						   "), ranked AS ("
						   " SELECT id, kind, row_number() OVER w AS rank,"
						   " id - lag(id) OVER w AS gap"
						   " FROM fresh WINDOW w AS (ORDER BY id)"
						   "), opened AS ("
						   " SELECT id, kind, rank, max(CASE WHEN rank = 1"
						   " OR gap > " PAGE_GAP " THEN rank END) OVER"
						   " (ORDER BY id ROWS UNBOUNDED PRECEDING) AS opened"
						   " FROM ranked"
						   "), pages AS ("
						   " INSERT INTO omni_internal.tick_page"
						   " (first_position, count, tick_id, first_id,"
						   " last_id, kinds)"
						   " SELECT $6 + min(rank) - 1, count(*), $5, min(id),"
						   " max(id), array_agg(DISTINCT kind) FROM opened"
						   " GROUP BY opened, (rank - opened) / " PAGE_ROWS
						   "), summary AS ("
						   " SELECT count(*) AS count,"
						   " bit_or(1 << source) AS sources FROM fresh"
						   "), closed AS ("
						   " INSERT INTO omni.tick (id, era, snapshot,"
						   " closed_at, first_position, count, timeline)"
						   " SELECT $5, $1, $4, $7, $6, count, $8 FROM summary"
						   " WHERE count > 0"
						   ") SELECT count, sources FROM summary");
	return sql.data;
}

/*
 * Close a tick of "era" over the rows that "last" had not seen, all of which
 * "snapshot" sees.
 */
static void
write_tick(const LastTick *last, int32 era, Datum snapshot,
		   OmniTickResult *result)
{
	static OmniQuery query = {
		.nargs = 8,
		.argtypes = {INT4OID, XID8OID, XID8ARRAYOID, PG_SNAPSHOTOID, INT8OID,
		INT8OID, TIMESTAMPTZOID, INT4OID},
	};
	OmniRows	rows;
	Datum		values[8];
	char		nulls[8] = "        ";
	int64		count;
	TimestampTz now = omni_core_now();

	if (query.sql == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		query.sql = sql_of_tick();
		MemoryContextSwitchTo(old);
	}
	if (now < last->closed_at)
		now = last->closed_at;

	values[0] = Int32GetDatum(era);
	values[1] = FullTransactionIdGetDatum(FullTransactionIdFromU64(last->seen_xmax));
	values[2] = last->seen_running;
	if (!last->seen)
		nulls[2] = 'n';
	values[3] = snapshot;
	values[4] = Int64GetDatum(last->id + 1);
	values[5] = Int64GetDatum(last->last_position + 1);
	values[6] = TimestampTzGetDatum(now);
	values[7] = Int32GetDatum((int32) GetWALInsertionTimeLine());
	omni_core_query(&query, values, nulls, false, &rows);

	count = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	memset(result, 0, sizeof(*result));
	result->last_position = last->last_position + count;
	result->closed_at = last->closed_at;
	if (count > 0)
	{
		result->closed = true;
		result->closed_at = now;
		result->sources = DatumGetInt32(OMNI_VALUE(&rows, 0, 1));
	}
}

/* Wait for another ticker to end; taken before the snapshot. */
static void
lock_ticks(void)
{
	/*
	 * Not the relation's own lock: VACUUM would wait for it, and be waited
	 * for.
	 */
	LockDatabaseObject(RelationRelationId,
					   omni_core_relation_oid(OMNI_SCHEMA, "tick"), 0,
					   ExclusiveLock);
}

/* Close a tick over what committed since the last one; see feed.h. */
void
omni_core_tick_close(int32 era, OmniTickResult *result)
{
	LastTick	last;

	if (!IsolationUsesXactSnapshot() || FirstSnapshotSet ||
		TransactionIdIsValid(GetTopTransactionIdIfAny()))
		elog(ERROR, "a tick needs a REPEATABLE READ transaction that has done nothing yet");

	lock_ticks();
	PushActiveSnapshot(GetTransactionSnapshot());

	read_last_tick(era, false, &last);
	if (last.era > era)
		elog(ERROR, "tick of era %d after one of era %d", era, last.era);
	OMNI_TEST_POINT("tick");
	write_tick(&last, era, last.now, result);
	remember_idle(era, &last, !result->closed);

	PopActiveSnapshot();
}

/* The highest xid of an era, in any source; 0: no row. */
static uint64
last_xid_of_era(int32 era)
{
	static OmniQuery query = {
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	OmniRows	rows;
	Datum		values[1];

	if (query.sql == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
		const OmniFeedSource *sources;
		int			nsources = omni_core_feed_sources(&sources);
		StringInfoData sql;

		initStringInfo(&sql);
		for (int i = 0; i < nsources; i++)
			appendStringInfo(&sql, "%s(SELECT s.xid FROM %s AS s"
							 " WHERE s.era = $1 ORDER BY s.xid DESC LIMIT 1)",
							 i == 0 ? "SELECT u.xid FROM (" : " UNION ALL ",
							 sources[i].relation);
		appendStringInfoString(&sql,
							   ") AS u ORDER BY u.xid DESC LIMIT 1");
		query.sql = sql.data;
		MemoryContextSwitchTo(old);
	}

	values[0] = Int32GetDatum(era);
	omni_core_query(&query, values, NULL, true, &rows);
	if (rows.nrows == 0)
		return 0;
	return U64FromFullTransactionId(DatumGetFullTransactionId(OMNI_VALUE(&rows, 0, 0)));
}

/*
 * Close a tick over what the last tick of old_era had not seen; see feed.h.
 * Every row of that era that is here has committed, and no more will come: so
 * the tick's snapshot is one that sees all ids up to the highest there is.
 */
void
omni_core_tick_close_old_era(int32 old_era)
{
	LastTick	last;
	OmniTickResult result;
	uint64		xmax;
	bool		pushed = false;

	if (old_era == 0)
		return;

	lock_ticks();
	if (!ActiveSnapshotSet())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		pushed = true;
	}

	read_last_tick(old_era, true, &last);
	if (last.era > old_era)
		elog(ERROR, "tick of era %d after one of era %d", old_era, last.era);
	xmax = Max(last_xid_of_era(old_era) + 1, last.seen_xmax);
	if (xmax > 1)
	{
		char	   *text = psprintf(UINT64_FORMAT ":" UINT64_FORMAT ":",
									xmax, xmax);
		Datum		snapshot = DirectFunctionCall1(pg_snapshot_in,
												   CStringGetDatum(text));

		write_tick(&last, old_era, snapshot, &result);
	}

	if (pushed)
		PopActiveSnapshot();
}

/* The wake-ups of a tick, after its commit; see feed.h. */
void
omni_core_tick_notify(const OmniTickResult *result)
{
	const OmniFeedSource *sources;
	int			nsources = omni_core_feed_sources(&sources);
	char		payload[32];

	if (!result->closed)
		return;
	snprintf(payload, sizeof(payload), INT64_FORMAT, result->last_position);
	Async_Notify("omni_event", payload);
	for (int i = 0; i < nsources; i++)
	{
		if (sources[i].wake_channel && (result->sources & (1U << i)))
			Async_Notify(sources[i].wake_channel, payload);
	}
}

/* The last closed tick, as the calling transaction sees it; see core.h. */
void
omni_core_last_tick(OmniTick *tick)
{
	LastTick	last;

	read_last_tick(0, true, &last);

	memset(tick, 0, sizeof(*tick));
	if (last.id == 0)
		return;
	tick->id = last.id;
	tick->era = last.era;
	tick->last_position = last.last_position;
	tick->snapshot = DatumGetCString(DirectFunctionCall1(pg_snapshot_out,
														 last.snapshot));
}
