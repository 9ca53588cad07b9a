/*
 * feed.c
 *	  What the feed shows, and how a page of it is read.
 *
 * - A position is its tick's first position + the rank of the row's id among
 *	 the tick's rows.  Rows do not carry it, so it is readable by rank only.
 *	 The rows of a tick are those of its era that its snapshot sees and the
 *	 snapshot of the tick before does not; between a tick's ids lie rows of
 *	 other ticks, rows not committed, and gaps.
 * - A page is at most 1,000 consecutive positions of a tick, whose ids lie
 *	 close together (tick.c): so reading from anywhere is one look into the
 *	 pages and a scan of few ids.
 * - What a caller reads in one call it reads under one snapshot: the start of
 *	 the feed moves before rows are deleted, and who sees the old start still
 *	 sees the rows.
 * - Sources are registered in _PG_init and never change after that, so the
 *	 statements over them are put together once, from literals.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/feed_read.h"

#define MAX_SOURCES 8

static OmniFeedSource sources[MAX_SOURCES] = {
	{
		.relation = "omni_internal.outbox",
		.columns = "s.kind, s.entity, s.entity_id, s.payload, s.occurred_at",
		.wake_channel = NULL,
	},
};
static int	nsources = 1;

/* Add a source; from a domain's init function. */
void
omni_core_register_feed_source(const OmniFeedSource *source)
{
	if (nsources >= MAX_SOURCES)
		elog(ERROR, "too many sources of omni's feed");
	sources[nsources++] = *source;
}

/* The registered sources, 0 being the outbox. */
int
omni_core_feed_sources(const OmniFeedSource **result)
{
	*result = sources;
	return nsources;
}

/* Append one SELECT per source; see feed_read.h. */
void
omni_core_feed_union(StringInfo sql, const char *columns,
					 const char *condition)
{
	for (int i = 0; i < nsources; i++)
		appendStringInfo(sql,
						 "%s(SELECT %s FROM (SELECT s.id, s.era, s.xid, %d, %s"
						 " FROM %s AS s) AS x(id, era, xid, source, kind,"
						 " entity, entity_id, payload, occurred_at) WHERE %s)",
						 i == 0 ? "" : " UNION ALL ", columns, i,
						 sources[i].columns, sources[i].relation, condition);
}

/*
 * Rows of a page: $1..$2 ids, $3 era, $4 snapshot, $5 the one before.  The
 * plan is made once, for tables that may still be small, so it gets no choice:
 * "era + 0" keeps it from the index that starts with era.
 */
#define ROW_OF_PAGE \
	"x.id BETWEEN $1 AND $2 AND x.era + 0 = $3" \
	" AND pg_visible_in_snapshot(x.xid, $4)" \
	" AND ($5 IS NULL OR NOT pg_visible_in_snapshot(x.xid, $5))"

/* All rows of a page, in order.  Each source stops where the last can be. */
static const char *
sql_of_rows(void)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   "SELECT id, NULL::bigint, kind, entity, entity_id,"
						   " payload, occurred_at FROM (");
	omni_core_feed_union(&sql, "x.*",
						 ROW_OF_PAGE " ORDER BY x.id LIMIT $6 + $7");
	appendStringInfoString(&sql, ") AS u ORDER BY id OFFSET $6 LIMIT $7");
	return sql.data;
}

/*
 * Rows of some kinds, with their ranks: ranks are counted over ids and kinds
 * alone, and what a row shows is worked out for those that are wanted.
 */
static const char *
sql_of_kinds(void)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   "SELECT r.id, r.rank, e.kind, e.entity, e.entity_id,"
						   " e.payload, e.occurred_at FROM"
						   " (SELECT u.id, u.kind, u.source,"
						   " row_number() OVER (ORDER BY u.id) AS rank"
						   " FROM (");
	omni_core_feed_union(&sql, "x.id, x.kind, x.source", ROW_OF_PAGE);
	appendStringInfoString(&sql, ") AS u OFFSET 0) AS r CROSS JOIN LATERAL (");
	omni_core_feed_union(&sql, "x.*", "x.id = r.id AND x.source = r.source");
	appendStringInfoString(&sql,
						   ") AS e WHERE r.rank > $6 AND r.kind = ANY ($8)"
						   " ORDER BY r.rank LIMIT $7");
	return sql.data;
}

/* First and last position, and the timeline that they are on. */
void
omni_core_feed_bounds(OmniFeedBounds *bounds)
{
	static OmniQuery query = {
		.sql = "SELECT COALESCE((SELECT position"
		" FROM omni_internal.feed_start WHERE singleton), 1),"
		" COALESCE((SELECT first_position + count - 1 FROM omni.tick"
		" ORDER BY id DESC LIMIT 1), 0),"
		" COALESCE((SELECT max(id) FROM omni.feed_timeline), 0)",
	};
	OmniRows	rows;

	omni_core_query(&query, NULL, NULL, true, &rows);
	bounds->start = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	bounds->last = DatumGetInt64(OMNI_VALUE(&rows, 0, 1));
	bounds->timeline_id = DatumGetInt32(OMNI_VALUE(&rows, 0, 2));
}

/*
 * A statement that finds a page.  The tick before is kept as long as the tick
 * itself, so that a missing one is told from none.
 */
#define SQL_OF_PAGE(lowest, order) \
	"SELECT p.first_position, p.count, p.first_id, p.last_id, t.era," \
	" t.snapshot, b.era, b.snapshot, t.id" \
	" FROM (SELECT q.* FROM omni_internal.tick_page AS q" \
	" WHERE q.first_position >= " lowest \
	" AND q.first_position + q.count > $1 AND q.first_position <= $2" \
	" AND ($3 IS NULL OR q.kinds && $3)" \
	" ORDER BY q.first_position " order " LIMIT 1) AS p" \
	" JOIN omni.tick AS t ON t.id = p.tick_id" \
	" LEFT JOIN omni.tick AS b ON b.id = p.tick_id - 1"

/* The page that holds position $1, or 0. */
#define LOWEST_PAGE \
	"COALESCE((SELECT l.first_position FROM omni_internal.tick_page AS l" \
	" WHERE l.first_position <= $1 ORDER BY l.first_position DESC LIMIT 1), 0)"

/* Find a page; see feed_read.h. */
bool
omni_core_feed_page(int64 from, int64 to, ArrayType *kinds, bool backward,
					OmniFeedPage *page)
{
	static OmniQuery forward_query = {
		.sql = SQL_OF_PAGE(LOWEST_PAGE, "ASC"),
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, TEXTARRAYOID},
	};
	static OmniQuery backward_query = {
		.sql = SQL_OF_PAGE(LOWEST_PAGE, "DESC"),
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, TEXTARRAYOID},
	};
	OmniRows	rows;
	Datum		values[3];
	char		nulls[3] = "   ";

	values[0] = Int64GetDatum(from);
	values[1] = Int64GetDatum(to);
	values[2] = PointerGetDatum(kinds);
	if (kinds == NULL)
		nulls[2] = 'n';
	omni_core_query(backward ? &backward_query : &forward_query, values,
					nulls, true, &rows);
	if (rows.nrows == 0)
		return false;

	page->first_position = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	page->count = DatumGetInt32(OMNI_VALUE(&rows, 0, 1));
	page->first_id = DatumGetInt64(OMNI_VALUE(&rows, 0, 2));
	page->last_id = DatumGetInt64(OMNI_VALUE(&rows, 0, 3));
	page->era = DatumGetInt32(OMNI_VALUE(&rows, 0, 4));
	page->snapshot = OMNI_VALUE(&rows, 0, 5);
	page->has_previous = false;
	if (OMNI_ISNULL(&rows, 0, 6))
	{
		if (DatumGetInt64(OMNI_VALUE(&rows, 0, 8)) != 1)
			elog(ERROR, "tick before tick " INT64_FORMAT " is missing",
				 DatumGetInt64(OMNI_VALUE(&rows, 0, 8)));
	}
	else if (DatumGetInt32(OMNI_VALUE(&rows, 0, 6)) == page->era)
	{
		page->has_previous = true;
		page->previous = OMNI_VALUE(&rows, 0, 7);
	}
	return true;
}

/* Rows of a page; see feed_read.h. */
void
omni_core_feed_rows(const OmniFeedPage *page, int32 skip, int64 after_id,
					int32 limit, ArrayType *kinds, OmniRows *rows)
{
	static OmniQuery rows_query = {
		.nargs = 7,
		.argtypes = {INT8OID, INT8OID, INT4OID, PG_SNAPSHOTOID,
		PG_SNAPSHOTOID, INT8OID, INT8OID},
	};
	static OmniQuery kinds_query = {
		.nargs = 8,
		.argtypes = {INT8OID, INT8OID, INT4OID, PG_SNAPSHOTOID,
		PG_SNAPSHOTOID, INT8OID, INT8OID, TEXTARRAYOID},
	};
	OmniQuery  *query = kinds ? &kinds_query : &rows_query;
	Datum		values[8];
	char		nulls[8] = "        ";

	if (query->sql == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		query->sql = kinds ? sql_of_kinds() : sql_of_rows();
		MemoryContextSwitchTo(old);
	}

	/* ranks need the whole page; without them the skipped rows need not be */
	if (kinds == NULL && after_id != 0)
	{
		values[0] = Int64GetDatum(after_id + 1);
		values[5] = Int64GetDatum(0);
	}
	else
	{
		values[0] = Int64GetDatum(page->first_id);
		values[5] = Int64GetDatum(skip);
	}
	values[1] = Int64GetDatum(page->last_id);
	values[2] = Int32GetDatum(page->era);
	values[3] = page->snapshot;
	values[4] = page->has_previous ? page->previous : (Datum) 0;
	if (!page->has_previous)
		nulls[4] = 'n';
	values[6] = Int64GetDatum(limit);
	values[7] = PointerGetDatum(kinds);
	omni_core_query(query, values, nulls, true, rows);

	/* what the pages count must be there: a loss must not shift positions */
	if (kinds == NULL && rows->nrows != Min(limit, page->count - skip))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("feed lacks rows at position " INT64_FORMAT,
						page->first_position + skip),
				 errdetail("Rows were deleted from a table of the feed, whose positions count them.")));
}
