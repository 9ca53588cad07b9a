/*
 * retention.c
 *	  Forgetting the oldest events, by whole ticks.
 *
 * - A tick may go when it is old enough and every consumer has read it, but
 *	 for consumers that are past their own limit.  The last tick stays, so
 *	 does the one before the first that is kept: its snapshot tells whose rows
 *	 are whose.
 * - The start of the feed moves first, and a call deletes only what lies
 *	 before a start that has committed: a reader takes start and rows from one
 *	 snapshot, and a row that is gone while its position is readable would
 *	 shift all positions after it.
 * - Rows of other sources are deleted by their own domain, before the same
 *	 start.
 */
#include "omni.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/feed_read.h"
#include "core/owner.h"

PG_FUNCTION_INFO_V1(omni_core_prune_events);
PG_FUNCTION_INFO_V1(omni_core_limit_consumer);

/* The committed start of the feed. */
static int64
committed_start(void)
{
	static OmniQuery query = {
		.sql = "SELECT position FROM omni_internal.feed_start WHERE singleton",
	};
	OmniRows	rows;
	Snapshot	snapshot = omni_core_latest_snapshot(false);

	omni_core_query_snapshot(&query, NULL, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	return rows.nrows == 0 ? 1 : DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/* Run a DELETE that takes $1 start, $2 how many at most; returns how many. */
static int64
delete_some(OmniQuery *query, int64 start, int64 max_rows)
{
	OmniRows	rows;
	Datum		values[2];

	if (max_rows <= 0)
		return 0;
	values[0] = Int64GetDatum(start);
	values[1] = Int64GetDatum(max_rows);
	omni_core_query(query, values, NULL, false, &rows);
	return (int64) rows.processed;
}

/*
 * Delete at most max_rows rows before the start: events first, then the pages
 * that tell where they are, then ticks.  Events of the kept tick's era go by
 * the snapshot of the tick before it; those of older eras all go.
 */
static void
delete_before(int64 start, int64 max_rows)
{
	static OmniQuery old_eras = {
		.sql = "DELETE FROM omni_internal.outbox WHERE id IN (SELECT o.id"
		" FROM omni_internal.tick_page AS p JOIN omni.tick AS t"
		" ON t.id = p.tick_id JOIN omni_internal.outbox AS o ON o.era < t.era"
		" WHERE p.first_position = $1 LIMIT $2)",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	static OmniQuery this_era = {
		.sql = "DELETE FROM omni_internal.outbox WHERE id IN (SELECT o.id"
		" FROM omni_internal.tick_page AS p JOIN omni.tick AS t"
		" ON t.id = p.tick_id JOIN omni.tick AS b"
		" ON b.id = t.id - 1 AND b.era = t.era"
		" JOIN omni_internal.outbox AS o ON o.era = t.era"
		" AND o.xid < pg_snapshot_xmax(b.snapshot)"
		" AND pg_visible_in_snapshot(o.xid, b.snapshot)"
		" WHERE p.first_position = $1 LIMIT $2)",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	static OmniQuery pages = {
		.sql = "DELETE FROM omni_internal.tick_page WHERE first_position IN"
		" (SELECT first_position FROM omni_internal.tick_page"
		" WHERE first_position < $1 ORDER BY first_position LIMIT $2)",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	static OmniQuery ticks = {
		.sql = "DELETE FROM omni.tick WHERE id IN (SELECT o.id"
		" FROM omni_internal.tick_page AS p JOIN omni.tick AS o"
		" ON o.id < p.tick_id - 1"
		" WHERE p.first_position = $1 ORDER BY o.id LIMIT $2)",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	OmniQuery  *steps[] = {&old_eras, &this_era, &pages, &ticks};

	for (int i = 0; i < lengthof(steps); i++)
		max_rows -= delete_some(steps[i], start, max_rows);
}

/* Where the feed may start, given how long everything is kept. */
static int64
find_start(int64 start, const Interval *keep)
{
	static OmniQuery query = {
		.sql = "SELECT t.first_position FROM omni.tick AS t"
		" WHERE t.id >= (SELECT p.tick_id FROM omni_internal.tick_page AS p"
		" WHERE p.first_position = $1)"
		" AND (t.closed_at >= $2 - $3"
		" OR EXISTS (SELECT FROM omni.consumer AS c"
		" WHERE c.position < t.first_position + t.count - 1"
		" AND t.closed_at >= $2 - c.keep)"
		" OR NOT EXISTS (SELECT FROM omni.tick AS n WHERE n.id = t.id + 1))"
		" ORDER BY t.id LIMIT 1",
		.nargs = 3,
		.argtypes = {INT8OID, TIMESTAMPTZOID, INTERVALOID},
	};
	OmniRows	rows;
	Datum		values[3];

	values[0] = Int64GetDatum(start);
	values[1] = TimestampTzGetDatum(omni_core_now());
	values[2] = IntervalPGetDatum(keep);
	omni_core_query(&query, values, NULL, false, &rows);
	return rows.nrows == 0 ? start : DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
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
	Datum		values[1];

	values[0] = Int64GetDatum(start);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* An interval argument that is not negative: OM002, OM007. */
static Interval *
interval_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	Interval	zero = {0};

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
	return PG_GETARG_INTERVAL_P(arg);
}

/*
 * omni.prune_events(keep interval DEFAULT '30 days', max_rows int DEFAULT
 * 100000) RETURNS bigint: delete events before the start of the feed, max_rows
 * rows at most, then move the start past ticks that are older than "keep" and
 * read by every consumer within its limit.  What a call leaves behind the
 * start, later calls delete.  Returns the oldest position kept.  Calls exclude
 * each other until commit.  OM002: NULL; OM005; OM007: negative keep, max_rows
 * not positive.
 */
Datum
omni_core_prune_events(PG_FUNCTION_ARGS)
{
	Interval   *keep = interval_argument(fcinfo, 0, "keep");
	int32		max_rows = omni_core_required_quantity(fcinfo, 1, "max_rows");
	OmniOwnerScope scope;
	int64		start;
	int64		next;

	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "prune the feed");
	(void) omni_core_gate();
	LockDatabaseObject(RelationRelationId,
					   omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
											  "feed_start"), 0,
					   ExclusiveLock);

	omni_core_owner_begin(&scope, true);
	start = committed_start();
	delete_before(start, max_rows);
	next = find_start(start, keep);
	if (next > start)
		move_start(next);
	omni_core_owner_end(&scope);
	PG_RETURN_INT64(next);
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
	Interval   *keep = interval_argument(fcinfo, 1, "keep");
	OmniOwnerScope scope;
	OmniRows	rows;
	Datum		values[2];

	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "limit a consumer");
	(void) omni_core_gate();

	omni_core_owner_begin(&scope, true);
	values[0] = CStringGetTextDatum(name);
	values[1] = IntervalPGetDatum(keep);
	omni_core_query(&query, values, NULL, false, &rows);
	omni_core_owner_end(&scope);
	if (rows.processed == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("consumer \"%s\" does not exist", name)));
	PG_RETURN_VOID();
}
