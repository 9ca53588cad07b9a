/*
 * retention.c
 *	  Forgetting the oldest of the feed: omni.prune_history().
 *
 * - What may go are whole ticks: closed before the time that was asked for,
 *	 read by every consumer that is not past its own limit, and dealt with by
 *	 every source (the ledger: folded).  The last tick stays; so does the one
 *	 before the first that is kept: its snapshot tells whose rows are whose.
 * - The start of the feed moves first, in a commit of its own.  A reader takes
 *	 start and rows from one snapshot, so whoever sees the old start still sees
 *	 the rows.
 * - Then the worker goes over the pages behind the start, oldest first, for about
 *	 20 ms in a transaction (a page at least), and rests as long as it worked: ticks come
 *	 in between, and no lock outlives a batch.  Each source deletes of a page's
 *	 rows what it needs no more.  How far this came ("cleared") is written with
 *	 each batch, so a crash costs a batch, and a restart goes on.
 * - The worker alone does this.  A session leaves its wish in shared memory
 *	 and may wait; a wish that a crash took is repeated by the next call.
 * - Requests (request.c) that are older go last, by ranges of the table's pages:
 *	 no index leads to them, and every call that bears one would pay for it.
 *	 None goes within a day: a client may still ask.
 * - Pages are found by ranges of their key that start at "cleared": under an
 *	 old snapshot, what was deleted before is not gone over again.
 */
#include "omni.h"

#include <limits.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "core/feed_read.h"
#include "core/private.h"

PG_FUNCTION_INFO_V1(omni_core_prune_history);
PG_FUNCTION_INFO_V1(omni_core_limit_consumer);

/* pages of a batch, and rows, within which its size follows what it takes */
#define BATCH_PAGES 200
#define MIN_BATCH 1000			/* a page */
#define MAX_BATCH 16000
/* how long a batch shall take, in ms */
#define BATCH_MS 20
/* pages of the table of requests that are gone over at once */
#define REQUEST_PAGES 64
/* how often the chore is called when it has nothing to do */
#define IDLE_MS 60000

/* where the feed starts, and what lies behind that has been gone over */
typedef struct FeedStart
{
	int64		position;
	int64		cleared;
} FeedStart;

/* ---- for the sources ---- */

/* Ids as an array; see core.h. */
Datum
omni_core_int64_array(const int64 *values, int n)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		datums[i] = Int64GetDatum(values[i]);
	return PointerGetDatum(construct_array(datums, n, INT8OID, 8,
										   FLOAT8PASSBYVAL, 'd'));
}

/* Delete by id; see core.h. */
int64
omni_core_delete_ids(OmniQuery *query, const OmniRows *rows)
{
	int64	   *ids = palloc(sizeof(int64) * Max(rows->nrows, 1));
	OmniRows	deleted;
	Datum		value;

	if (rows->nrows == 0)
		return 0;
	for (int r = 0; r < rows->nrows; r++)
		ids[r] = DatumGetInt64(OMNI_VALUE(rows, r, 0));
	value = omni_core_int64_array(ids, rows->nrows);
	omni_core_query(query, &value, NULL, false, &deleted);
	return (int64) deleted.processed;
}

/*
 * The outbox: every event of these pages.  (The fence keeps the planner from
 * any other order than page by page.)
 */
int64
omni_core_prune_outbox(int64 from, int64 next)
{
	static OmniQuery find = {
		.sql = "SELECT x.id FROM omni_internal.feed_page AS p"
		" CROSS JOIN LATERAL (SELECT s.id FROM omni_internal.outbox AS s"
		" WHERE s.id BETWEEN p.first_id AND p.last_id AND s.era + 0 = p.era"
		" AND pg_visible_in_snapshot(s.xid, p.snapshot)"
		" AND (p.previous IS NULL"
		" OR NOT pg_visible_in_snapshot(s.xid, p.previous)) OFFSET 0) AS x"
		" WHERE p.first_position >= $1 AND p.first_position < $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	static OmniQuery delete = {
		.sql = "DELETE FROM omni_internal.outbox WHERE id = ANY ($1)",
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	OmniRows	rows;
	Datum		values[2];

	values[0] = Int64GetDatum(from);
	values[1] = Int64GetDatum(next);
	omni_core_query(&find, values, NULL, false, &rows);
	return omni_core_delete_ids(&delete, &rows);
}

/* ---- where the feed may start ---- */

/* The start as committed. */
static void
read_start(FeedStart *start)
{
	static OmniQuery query = {
		.sql = "SELECT position, cleared FROM omni_internal.feed_start"
		" WHERE singleton",
	};
	OmniRows	rows;
	Snapshot	snapshot = omni_core_latest_snapshot(false);

	omni_core_query_snapshot(&query, NULL, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	start->position = 1;
	start->cleared = 1;
	if (rows.nrows > 0)
	{
		start->position = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
		start->cleared = DatumGetInt64(OMNI_VALUE(&rows, 0, 1));
	}
}

/* The tick that has a position, or 0. */
static int64
tick_at(int64 position)
{
	static OmniQuery query = {
		.sql = "SELECT p.tick_id, p.first_position + p.count"
		" FROM omni_internal.tick_page AS p WHERE p.first_position <= $1"
		" ORDER BY p.first_position DESC LIMIT 1",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	OmniRows	rows;
	Datum		value = Int64GetDatum(position);

	omni_core_query(&query, &value, NULL, true, &rows);
	if (rows.nrows == 0 || DatumGetInt64(OMNI_VALUE(&rows, 0, 1)) <= position)
		return 0;
	return DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/*
 * The first of the ticks first..last that was not closed before "before";
 * last + 1 when there is none.  Ids have no gaps, and no tick closed before
 * the one before it.
 */
static int64
first_tick_since(int64 first, int64 last, TimestampTz before)
{
	static OmniQuery query = {
		.sql = "SELECT t.closed_at FROM omni.tick AS t WHERE t.id = $1",
		.nargs = 1,
		.argtypes = {INT8OID},
	};

	while (first <= last)
	{
		int64		middle = first + (last - first) / 2;
		Datum		value = Int64GetDatum(middle);
		OmniRows	rows;

		omni_core_query(&query, &value, NULL, true, &rows);
		if (rows.nrows > 0 &&
			DatumGetTimestampTz(OMNI_VALUE(&rows, 0, 0)) >= before)
			last = middle - 1;
		else
			first = middle + 1;
	}
	return first;
}

/* The first of the ticks first..last that some consumer within its limit has
 * not read; last + 1 when there is none. */
static int64
first_tick_unread(int64 start, int64 first, int64 last)
{
	static OmniQuery query = {
		.sql = "SELECT c.position, CASE WHEN c.keep < interval '1000 years'"
		" THEN $1 - c.keep ELSE '-infinity' END FROM omni.consumer AS c",
		.nargs = 1,
		.argtypes = {TIMESTAMPTZOID},
	};
	OmniRows	rows;
	Datum		value = TimestampTzGetDatum(omni_core_now());
	int64		result = last + 1;

	omni_core_query(&query, &value, NULL, true, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		int64		position = DatumGetInt64(OMNI_VALUE(&rows, r, 0)) + 1;
		int64		tick = tick_at(Max(position, start));

		if (tick == 0)
			continue;			/* it has read everything */
		result = Min(result,
					 Max(tick, first_tick_since(first, last,
												DatumGetTimestampTz(OMNI_VALUE(&rows, r, 1)))));
	}
	return result;
}

/* Where the feed may start, under the active snapshot. */
static int64
find_start(int64 start, TimestampTz before)
{
	static OmniQuery query = {
		.sql = "SELECT t.first_position FROM omni.tick AS t WHERE t.id = $1",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	const OmniFeedSource *sources;
	int			nsources = omni_core_feed_sources(&sources);
	OmniFeedBounds bounds;
	OmniRows	rows;
	int64		first;
	int64		last;
	int64		tick;
	Datum		value;

	omni_core_feed_bounds(&bounds);
	first = tick_at(start);
	last = tick_at(bounds.last);
	if (first == 0 || last == 0)
		return start;

	tick = Min(last, first_tick_since(first, last, before));
	tick = Min(tick, first_tick_unread(start, first, last));
	for (int i = 0; i < nsources; i++)
		if (sources[i].last_done)
			tick = Min(tick, sources[i].last_done() + 1);

	value = Int64GetDatum(tick);
	omni_core_query(&query, &value, NULL, true, &rows);
	if (tick <= first || rows.nrows == 0)
		return start;
	return DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/* Move the start of the feed. */
static void
move_start(int64 start)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni_internal.feed_start (position) VALUES ($1)"
		" ON CONFLICT ON CONSTRAINT feed_start_pkey DO UPDATE"
		" SET position = excluded.position",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum		value = Int64GetDatum(start);

	omni_core_query(&query, &value, NULL, false, NULL);
}

/* ---- deleting behind the start ---- */

/* Run a statement over two positions. */
static void
run_range(OmniQuery *query, int64 a, int64 b)
{
	Datum		values[2];

	values[0] = Int64GetDatum(a);
	values[1] = Int64GetDatum(b);
	omni_core_query(query, values, NULL, false, NULL);
}

/*
 * One batch: what the sources let go of the next pages, these pages, and the
 * ticks of which no page is left, but for the last of them.
 */
static void
clear_batch(const FeedStart *start, int64 max_rows)
{
	static OmniQuery batch = {
		.sql = "SELECT max(x.next) FROM ("
		" SELECT p.first_position + p.count AS next,"
		" sum(p.count) OVER w AS total, row_number() OVER w AS n FROM ("
		" SELECT q.first_position, q.count FROM omni_internal.tick_page AS q"
		" WHERE q.first_position >= $1 AND q.first_position < $2"
		" ORDER BY q.first_position LIMIT " CppAsString2(BATCH_PAGES) ") AS p"
		" WINDOW w AS (ORDER BY p.first_position)) AS x"
		" WHERE x.n = 1 OR x.total <= $3",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, INT8OID},
	};
	static OmniQuery ticks = {
		.sql = "DELETE FROM omni.tick WHERE id >= (SELECT p.tick_id - 1"
		" FROM omni_internal.tick_page AS p WHERE p.first_position >= $1"
		" ORDER BY p.first_position LIMIT 1)"
		" AND id < (SELECT p.tick_id - 1"
		" FROM omni_internal.tick_page AS p WHERE p.first_position >= $2"
		" ORDER BY p.first_position LIMIT 1)",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	static OmniQuery pages = {
		.sql = "DELETE FROM omni_internal.tick_page"
		" WHERE first_position >= $1 AND first_position < $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	static OmniQuery moved = {
		.sql = "UPDATE omni_internal.feed_start SET cleared = $2"
		" WHERE singleton AND cleared = $1",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	const OmniFeedSource *sources;
	int			nsources = omni_core_feed_sources(&sources);
	int64		next = start->position;
	Datum		values[3];
	OmniRows	rows;

	values[0] = Int64GetDatum(start->cleared);
	values[1] = Int64GetDatum(start->position);
	values[2] = Int64GetDatum(max_rows);
	omni_core_query(&batch, values, NULL, false, &rows);
	if (!OMNI_ISNULL(&rows, 0, 0))
		next = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	for (int i = 0; i < nsources; i++)
		if (sources[i].prune)
			(void) sources[i].prune(start->cleared, next);
	run_range(&ticks, start->cleared, next);
	run_range(&pages, start->cleared, next);
	run_range(&moved, start->cleared, next);
}

/*
 * Requests that were recorded before "before", in the next part of their
 * table; false: that was the last.
 */
static bool
clear_requests(BlockNumber *block, TimestampTz before)
{
	static OmniQuery query = {
		.sql = "DELETE FROM omni_internal.request WHERE ctid >= $1"
		" AND ctid < $2 AND recorded_at < LEAST($3, $4 - interval '1 day')",
		.nargs = 4,
		.argtypes = {TIDOID, TIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	};
	Relation	rel;
	BlockNumber nblocks;
	ItemPointerData from;
	ItemPointerData to;
	Datum		values[4];

	rel = table_open(omni_core_relation_oid(OMNI_INTERNAL_SCHEMA, "request"),
					 AccessShareLock);
	nblocks = RelationGetNumberOfBlocks(rel);
	table_close(rel, NoLock);
	if (*block >= nblocks)
		return false;

	ItemPointerSet(&from, *block, 0);
	*block = nblocks - *block > REQUEST_PAGES ? *block + REQUEST_PAGES : nblocks;
	ItemPointerSet(&to, *block, 0);
	values[0] = PointerGetDatum(&from);
	values[1] = PointerGetDatum(&to);
	values[2] = TimestampTzGetDatum(before);
	values[3] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, NULL, false, NULL);
	return true;
}

/* ---- the worker's part ---- */

/*
 * Chore: a batch behind the start, or else move the start as far as somebody
 * wants it, or else some requests, or else say that this is done.  Each is a transaction of its own,
 * so what is done has committed.
 */
static int
run_retention(void)
{
	static Oid	looked = InvalidOid;	/* extension without a rest */
	static int64 max_rows = MIN_BATCH;
	static uint64 requests_of = 0;	/* wish for which they are gone over, */
	static BlockNumber request_block = 0;	/* up to here */
	OmniDatabase *db = omni_core_my_database();
	FeedStart	start;
	uint64		asked;
	TimestampTz before;
	int64		begun = omni_core_monotonic_ms();
	int64		took;
	bool		working = true;

	LWLockAcquire(omni_core_registry->lock, LW_SHARED);
	asked = db->prune_asked > db->prune_done ? db->prune_asked : 0;
	before = db->prune_before;
	LWLockRelease(omni_core_registry->lock);
	if (asked == 0 && looked == omni_core_extension_oid())
		return IDLE_MS;

	read_start(&start);
	if (start.cleared < start.position)
		clear_batch(&start, max_rows);
	else
	{
		int64		next = asked == 0 ? start.position :
			find_start(start.position, before);

		working = next > start.position;
		if (working)
			move_start(next);
		else if (asked != 0)
		{
			if (asked != requests_of)
				request_block = 0;
			requests_of = asked;
			working = clear_requests(&request_block, before);
		}
	}

	looked = working ? InvalidOid : omni_core_extension_oid();
	took = omni_core_monotonic_ms() - begun;
	if (took > BATCH_MS)
		max_rows = Max(max_rows / 2, MIN_BATCH);
	else if (took < BATCH_MS / 2)
		max_rows = Min(max_rows * 2, MAX_BATCH);
	if (working)
		return Max(1, (int) took);
	if (asked != 0)
	{
		LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
		db->prune_done = asked;
		LWLockRelease(omni_core_registry->lock);
		ConditionVariableBroadcast(&db->cv);
	}
	return IDLE_MS;
}

static const OmniChore retention_chore = {
	.name = "retention", .run = run_retention
};

/* Called in _PG_init. */
void
omni_core_retention_init(void)
{
	omni_core_register_chore(&retention_chore);
}

/* ---- the session's part ---- */

/*
 * An interval argument that is not negative, and its milliseconds where
 * wanted: OM002, OM007.
 */
static Interval *
interval_argument(FunctionCallInfo fcinfo, int arg, const char *name,
				  int64 *ms)
{
	Interval	zero = {0};
	Interval   *result;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", name)));
	if (DatumGetBool(DirectFunctionCall2(interval_lt,
										 PG_GETARG_DATUM(arg),
										 IntervalPGetDatum(&zero))))
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must not be negative", name)));
	result = PG_GETARG_INTERVAL_P(arg);
	if (ms)
		*ms = (int64) Min(INT_MAX, result->time / 1000.0 +
						  (result->day + result->month *
						   (double) DAYS_PER_MONTH) * SECS_PER_DAY * 1000.0);
	return result;
}

/* Leave the wish with the worker, and wait until it is done or time is over. */
static void
ask_worker(TimestampTz before, int64 timeout_ms)
{
	int64		deadline = omni_core_monotonic_ms() + timeout_ms;
	uint64		asked = 0;

	for (;;)
	{
		OmniDatabase *db;
		bool		done;
		int64		rest;

		LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
		db = omni_core_make_database(MyDatabaseId, false);
		if (db == NULL)
		{
			LWLockRelease(omni_core_registry->lock);
			ConditionVariableCancelSleep();
			omni_core_report_full();
		}
		if (asked == 0 || db->prune_asked < asked)
		{
			if (db->prune_asked == db->prune_done)
				db->prune_before = before;
			db->prune_before = Max(db->prune_before, before);
			asked = ++db->prune_asked;
			pg_atomic_write_u32(&db->wake, 1);
			if (db->latch)
				SetLatch(db->latch);
		}
		omni_core_want_worker(db);
		done = db->prune_done >= asked;
		LWLockRelease(omni_core_registry->lock);

		rest = deadline - omni_core_monotonic_ms();
		if (done || rest <= 0)
			break;
		(void) ConditionVariableTimedSleep(&db->cv, Min(rest, 1000),
										   PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

/*
 * omni.prune_history(before timestamptz, timeout interval DEFAULT '1 minute')
 * RETURNS bigint: let the worker delete what is older; see the file's head.
 * Returns how many positions it has still to go over: 0 when it is done, more
 * when the time limit came first, and the worker goes on.  What consumers have
 * not read, or is not folded, does not count.  Takes no lock; what the
 * caller's own transaction has done is not seen.  OM002: NULL; OM005; OM007:
 * negative timeout; OM011 as every write.
 */
Datum
omni_core_prune_history(PG_FUNCTION_ARGS)
{
	TimestampTz before;
	FeedStart	start;
	Snapshot	snapshot;
	int64		timeout;
	int64		next;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "before")));
	before = PG_GETARG_TIMESTAMPTZ(0);
	(void) interval_argument(fcinfo, 1, "timeout", &timeout);
	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "prune the history");
	(void) omni_core_gate();

	ask_worker(before, timeout);

	snapshot = omni_core_latest_snapshot(false);
	PushActiveSnapshot(snapshot);
	read_start(&start);
	next = find_start(start.position, before);
	PopActiveSnapshot();
	UnregisterSnapshot(snapshot);
	PG_RETURN_INT64(next - start.cleared);
}

/*
 * omni.limit_consumer(consumer text, keep interval) RETURNS void: how old an
 * event may become before it may go although this consumer has not read it;
 * for the profile admin.  OM002: NULL or unknown; OM005; OM007: negative.
 */
Datum
omni_core_limit_consumer(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.consumer SET keep = $2 WHERE name = $1",
		.nargs = 2,
		.argtypes = {TEXTOID, INTERVALOID},
	};
	char	   *name = omni_core_required_text(fcinfo, 0, "consumer");
	Interval   *keep = interval_argument(fcinfo, 1, "keep", NULL);
	OmniRows	rows;
	Datum		values[2];

	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "limit a consumer");
	(void) omni_core_gate();

	values[0] = CStringGetTextDatum(name);
	values[1] = IntervalPGetDatum(keep);
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.processed == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("consumer \"%s\" does not exist", name)));
	PG_RETURN_VOID();
}
