/*
 * consumer.c
 *	  Consumers of the feed: read, acknowledge, rewind, keep.
 *
 * - Delivery is at-least-once.  A read starts after the position that the
 *	 consumer has acknowledged, takes no lock and moves nothing: two sessions
 *	 that read as one consumer get the same events.
 * - The consumer, the feed's start, ticks, pages and rows of one call are read
 *	 under one snapshot: the statement's own latest in READ COMMITTED, the
 *	 transaction's above it.
 * - A consumer belongs to the role that made it by its first read; members of
 *	 that role and the profile admin may use it.
 * - Nobody acknowledges forward on a timeline of the feed on which nothing was
 *	 read yet in the consumer's name: who has read in another world, before a
 *	 failover or a recovery to a point in time, is told (timeline.c).  The
 *	 first read there writes that into the consumer's row; a read-only
 *	 transaction does not.
 * - Retention moves the start of the feed first, in a commit of its own, and
 *	 deletes only what lies before a start that has committed.
 */
#include "omni.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/feed_read.h"

PG_FUNCTION_INFO_V1(omni_core_read_events);
PG_FUNCTION_INFO_V1(omni_core_ack_events);
PG_FUNCTION_INFO_V1(omni_core_drop_consumer);

/* A row of omni.consumer. */
typedef struct Consumer
{
	int64		position;
	char	   *role_name;
	int32		timeline_id;	/* the last on which it has read */
} Consumer;

/*
 * Where the last read of this session ended: the id of the row at "position".
 * Pages and ranks never change, so the next read need not count up to it.
 */
static struct
{
	Oid			extension;
	int64		page;			/* first position of its page */
	int64		position;
	int64		id;
} read_mark;

/* Take the snapshot that the rest of a call reads under; it is active then. */
static void
push_call_snapshot(void)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	UpdateActiveSnapshotCommandId();
}

/* Find a consumer by name. */
static bool
find_consumer(const char *name, Consumer *consumer)
{
	static OmniQuery query = {
		.sql = "SELECT position, role_name, timeline_id FROM omni.consumer"
		" WHERE name = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	OmniRows	rows;
	Datum		values[1];

	values[0] = CStringGetTextDatum(name);
	omni_core_query(&query, values, NULL, true, &rows);
	if (rows.nrows == 0)
		return false;
	consumer->position = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	consumer->role_name = TextDatumGetCString(OMNI_VALUE(&rows, 0, 1));
	consumer->timeline_id = DatumGetInt32(OMNI_VALUE(&rows, 0, 2));
	return true;
}

/* OM005 unless the consumer belongs to who is asking. */
static void
require_consumer(const char *name, const Consumer *consumer)
{
	Oid			role = get_role_oid(consumer->role_name, true);

	if (OidIsValid(role) && has_privs_of_role(omni_core_asker(), role))
		return;
	if (omni_core_may(OMNI_PROFILE_ADMIN, 0, 0))
		return;
	ereport(ERROR,
			(errcode(OMNI_ERR_NOT_PERMITTED),
			 errmsg("consumer \"%s\" belongs to another role", name)));
}

/* Make a consumer that starts at the oldest event kept. */
static void
create_consumer(const char *name)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.consumer (name, role_name, position,"
		" created_at, timeline_id) SELECT $1, $2, COALESCE((SELECT position"
		" FROM omni_internal.feed_start WHERE singleton), 1) - 1, $3,"
		" COALESCE((SELECT max(id) FROM omni.feed_timeline), 0)"
		" ON CONFLICT ON CONSTRAINT consumer_pkey DO NOTHING",
		.nargs = 3,
		.argtypes = {TEXTOID, TEXTOID, TIMESTAMPTZOID},
	};
	Datum		values[3];

	values[0] = CStringGetTextDatum(name);
	values[1] = CStringGetTextDatum(GetUserNameFromId(omni_core_asker(),
													  false));
	values[2] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, NULL, false, NULL);
}

/* Name of a consumer: OM002 when NULL, OM007 when empty. */
static char *
consumer_argument(FunctionCallInfo fcinfo, int arg)
{
	char	   *name = omni_core_required_text(fcinfo, arg, "consumer");

	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("name of a consumer must not be empty")));
	return name;
}

/* The kinds wanted, or NULL for all: OM007 when not a plain list. */
static ArrayType *
kinds_argument(FunctionCallInfo fcinfo, int arg)
{
	ArrayType  *kinds;

	if (PG_ARGISNULL(arg))
		return NULL;
	kinds = PG_GETARG_ARRAYTYPE_P(arg);
	if (ARR_NDIM(kinds) > 1 || array_contains_nulls(kinds))
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("kinds must be a one-dimensional array without nulls")));
	return kinds;
}

/* The consumer reads on a timeline for the first time. */
static void
note_timeline(const char *name, int32 timeline_id)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.consumer SET timeline_id = $2"
		" WHERE name = $1 AND timeline_id < $2",
		.nargs = 2,
		.argtypes = {TEXTOID, INT4OID},
	};
	Datum		values[2];

	values[0] = CStringGetTextDatum(name);
	values[1] = Int32GetDatum(timeline_id);
	omni_core_query(&query, values, NULL, false, NULL);
}

/*
 * OM014 for an acknowledgement by who has not read on this timeline: it may
 * be about events of another one.
 */
static void
report_other_timeline(const char *name, const Consumer *consumer)
{
	static OmniQuery query = {
		.sql = "SELECT min(after_position) FROM omni.feed_timeline"
		" WHERE id > $1",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	OmniRows	rows;
	Datum		values[1];

	values[0] = Int32GetDatum(consumer->timeline_id);
	omni_core_query(&query, values, NULL, true, &rows);
	ereport(ERROR,
			(errcode(OMNI_ERR_FEED_POSITION),
			 errmsg("consumer \"%s\" has not read on this timeline of the feed yet",
					name),
			 errdetail("Positions after " INT64_FORMAT " were given anew, by a failover, a recovery to a point in time, or a restore; the consumer stands at position " INT64_FORMAT ".",
					   DatumGetInt64(OMNI_VALUE(&rows, 0, 0)),
					   consumer->position),
			 errhint("Read on from there: SELECT * FROM omni.read_events(%s);",
					 quote_literal_cstr(name))));
}

/* Put the rows of one page to the result; returns how many. */
static int
put_rows(ReturnSetInfo *rsinfo, const OmniFeedPage *page, int32 skip,
		 const OmniRows *rows)
{
	for (int r = 0; r < rows->nrows; r++)
	{
		Datum		values[6];
		bool		nulls[6] = {false};
		int64		rank = skip + r;

		if (!OMNI_ISNULL(rows, r, OMNI_FEED_ROW_RANK))
			rank = DatumGetInt64(OMNI_VALUE(rows, r, OMNI_FEED_ROW_RANK)) - 1;
		values[0] = Int64GetDatum(page->first_position + rank);
		for (int c = 1; c < 6; c++)
		{
			values[c] = OMNI_VALUE(rows, r, OMNI_FEED_ROW_KIND + c - 1);
			nulls[c] = OMNI_ISNULL(rows, r, OMNI_FEED_ROW_KIND + c - 1);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
		if (r == rows->nrows - 1)
		{
			read_mark.extension = omni_core_extension_oid();
			read_mark.page = page->first_position;
			read_mark.position = page->first_position + rank;
			read_mark.id = DatumGetInt64(OMNI_VALUE(rows, r,
													OMNI_FEED_ROW_ID));
		}
	}
	return rows->nrows;
}

/* Read up to max_rows events from position "from" on into the result. */
static void
read_pages(ReturnSetInfo *rsinfo, int64 from, int32 max_rows,
		   ArrayType *kinds)
{
	MemoryContext context;
	MemoryContext old;

	context = AllocSetContextCreate(CurrentMemoryContext, "omni feed page",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	while (max_rows > 0)
	{
		OmniFeedPage page;
		OmniRows	rows;
		int32		skip;
		int64		after_id = 0;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
		if (!omni_core_feed_page(from, PG_INT64_MAX, kinds, false, &page))
			break;

		skip = (int32) Max(from - page.first_position, 0);
		if (skip > 0 && read_mark.extension == omni_core_extension_oid() &&
			read_mark.page == page.first_position &&
			read_mark.position == from - 1)
			after_id = read_mark.id;
		omni_core_feed_rows(&page, skip, after_id,
							Min(max_rows, page.count - skip), kinds, &rows);
		max_rows -= put_rows(rsinfo, &page, skip, &rows);
		from = page.first_position + page.count;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * omni.read_events(consumer text, max_rows int DEFAULT 100, kinds text[]
 * DEFAULT NULL) RETURNS TABLE(position, kind, entity, entity_id, payload,
 * occurred_at): the next events after the acknowledged position, in order of
 * position; kinds NULL: all.  An unknown consumer is made, and starts at the
 * oldest event kept.  Nothing is acknowledged and no lock is taken, but by the
 * first read on a timeline of the feed, which notes it in the consumer's row.
 *
 * With kinds, pages that hold none of them are passed over as a whole (one
 * look for 1,000 positions), so a call goes as far as it must and says what it
 * found: fewer rows than max_rows means that there are no more up to the last
 * position that had been given before the call.
 *
 * OM002: NULL consumer or max_rows; OM007: empty name, max_rows < 1, bad
 * kinds; OM005: not one's consumer, or no right to the feed; OM014: events
 * that the consumer has not acknowledged are not kept any more.
 */
Datum
omni_core_read_events(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *name = consumer_argument(fcinfo, 0);
	int32		max_rows = omni_core_required_quantity(fcinfo, 1, "max_rows");
	ArrayType  *kinds = kinds_argument(fcinfo, 2);
	OmniFeedBounds bounds;
	Consumer	consumer;

	omni_core_require(OMNI_FEED_PROFILES, 0, 0, "read the feed");
	InitMaterializedSRF(fcinfo, 0);

	push_call_snapshot();
	if (!find_consumer(name, &consumer))
	{
		PopActiveSnapshot();
		(void) omni_core_gate();
		create_consumer(name);
		push_call_snapshot();
		if (!find_consumer(name, &consumer))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("consumer \"%s\" was made or dropped by another transaction",
							name)));
	}
	require_consumer(name, &consumer);

	omni_core_feed_bounds(&bounds);
	if (consumer.position < bounds.start - 1)
		ereport(ERROR,
				(errcode(OMNI_ERR_FEED_POSITION),
				 errmsg("events that consumer \"%s\" has not acknowledged are not kept any more",
						name),
				 errdetail("It has acknowledged position " INT64_FORMAT "; the oldest event kept has position " INT64_FORMAT ".",
						   consumer.position, bounds.start),
				 errhint("To go on from there, run: SELECT omni.ack_events(%s, " INT64_FORMAT ");",
						 quote_literal_cstr(name), bounds.start - 1)));
	read_pages(rsinfo, consumer.position + 1, max_rows, kinds);
	if (consumer.timeline_id < bounds.timeline_id && !XactReadOnly &&
		!RecoveryInProgress())
	{
		(void) omni_core_gate();
		note_timeline(name, bounds.timeline_id);
	}

	PopActiveSnapshot();
	return (Datum) 0;
}

/* OM002 for an unknown consumer. */
static void
report_unknown_consumer(const char *name)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_NOT_FOUND),
			 errmsg("consumer \"%s\" does not exist", name),
			 errhint("The first omni.read_events(%s) makes it.",
					 quote_literal_cstr(name))));
}

/*
 * omni.ack_events(consumer text, position bigint) RETURNS void: reading goes
 * on after "position".  Forward acknowledges, backward rewinds; the position
 * before the oldest event kept is the earliest.  Locks the consumer's row
 * until commit.
 *
 * OM002: NULL or unknown consumer; OM005 as in omni.read_events(); OM014:
 * beyond the last position, not kept any more, or forward on a timeline of the
 * feed on which the consumer has not read yet.
 */
Datum
omni_core_ack_events(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.consumer SET position = $2, acked_at = $3"
		" WHERE name = $1",
		.nargs = 3,
		.argtypes = {TEXTOID, INT8OID, TIMESTAMPTZOID},
	};
	char	   *name = consumer_argument(fcinfo, 0);
	int64		position = omni_core_required_int64(fcinfo, 1, "position");
	OmniFeedBounds bounds;
	Consumer	consumer;
	OmniRows	rows;
	Datum		values[3];

	omni_core_require(OMNI_FEED_PROFILES, 0, 0, "read the feed");
	(void) omni_core_gate();

	push_call_snapshot();
	if (!find_consumer(name, &consumer))
		report_unknown_consumer(name);
	require_consumer(name, &consumer);
	omni_core_feed_bounds(&bounds);
	if (position > consumer.position &&
		consumer.timeline_id < bounds.timeline_id)
		report_other_timeline(name, &consumer);
	PopActiveSnapshot();

	if (position > Max(bounds.last, bounds.start - 1))
		ereport(ERROR,
				(errcode(OMNI_ERR_FEED_POSITION),
				 errmsg("position " INT64_FORMAT " is beyond the end of the feed",
						position),
				 errdetail("The last position is " INT64_FORMAT ".",
						   bounds.last)));
	if (position < bounds.start - 1)
		ereport(ERROR,
				(errcode(OMNI_ERR_FEED_POSITION),
				 errmsg("events after position " INT64_FORMAT " are not kept any more",
						position),
				 errdetail("The oldest event kept has position " INT64_FORMAT ".",
						   bounds.start),
				 errhint("To go back as far as possible, run: SELECT omni.ack_events(%s, " INT64_FORMAT ");",
						 quote_literal_cstr(name), bounds.start - 1)));

	values[0] = CStringGetTextDatum(name);
	values[1] = Int64GetDatum(position);
	values[2] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.processed == 0)
		report_unknown_consumer(name);
	PG_RETURN_VOID();
}

/*
 * omni.drop_consumer(consumer text) RETURNS void: retention waits for it no
 * more; a read by that name makes a new one.  OM002: NULL or unknown; OM005.
 */
Datum
omni_core_drop_consumer(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "DELETE FROM omni.consumer WHERE name = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	char	   *name = consumer_argument(fcinfo, 0);
	Consumer	consumer;
	Datum		values[1];

	omni_core_require(OMNI_FEED_PROFILES, 0, 0, "read the feed");
	(void) omni_core_gate();

	push_call_snapshot();
	if (!find_consumer(name, &consumer))
		report_unknown_consumer(name);
	require_consumer(name, &consumer);
	PopActiveSnapshot();

	values[0] = CStringGetTextDatum(name);
	omni_core_query(&query, values, NULL, false, NULL);
	PG_RETURN_VOID();
}
