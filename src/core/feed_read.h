/*
 * feed_read.h
 *	  Between the feed's own files: sources as SQL, pages, rows of pages.
 */
#ifndef OMNI_CORE_FEED_READ_H
#define OMNI_CORE_FEED_READ_H

#include "lib/stringinfo.h"
#include "utils/array.h"

#include "core/feed.h"

/* Who may read the feed: payloads carry no personal data. */
#define OMNI_FEED_PROFILES (OMNI_PROFILE_READER | OMNI_PROFILE_CHANNEL | \
							OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN)

/* First position kept, last position given (start - 1: none), timeline. */
typedef struct OmniFeedBounds
{
	int64		start;
	int64		last;
	int32		timeline_id;	/* last one of omni.feed_timeline; 0: none */
} OmniFeedBounds;

/* A page, and what tells its rows from those of other ticks. */
typedef struct OmniFeedPage
{
	int64		first_position;
	int32		count;
	int64		first_id;
	int64		last_id;
	int32		era;
	Datum		snapshot;		/* pg_snapshot of the page's tick */
	bool		has_previous;	/* the tick before is of the same era */
	Datum		previous;
} OmniFeedPage;

/* Columns of the rows that omni_core_feed_rows() gives. */
enum
{
	OMNI_FEED_ROW_ID,
	OMNI_FEED_ROW_RANK,			/* within the page, from 1; NULL without
								 * kinds: rows are consecutive then */
	OMNI_FEED_ROW_KIND,
	OMNI_FEED_ROW_ENTITY,
	OMNI_FEED_ROW_ENTITY_ID,
	OMNI_FEED_ROW_PAYLOAD,
	OMNI_FEED_ROW_OCCURRED_AT,
	OMNI_FEED_ROW_NATTS
};

/*
 * All of these run read-only under the active snapshot.
 */
extern void omni_core_feed_bounds(OmniFeedBounds *bounds);
/*
 * The first (backward: last) page that holds one of the positions from..to
 * and, unless kinds is NULL, may hold one of the kinds.
 */
extern bool omni_core_feed_page(int64 from, int64 to, ArrayType *kinds,
								bool backward, OmniFeedPage *page);
/*
 * At most "limit" rows of the page, from the row number "skip" (0: the first)
 * on.  after_id 0, or the id of the row number skip - 1, which saves going
 * over the rows that are skipped.
 */
extern void omni_core_feed_rows(const OmniFeedPage *page, int32 skip,
								int64 after_id, int32 limit,
								ArrayType *kinds, OmniRows *rows);

/*
 * Append one SELECT per source, joined by UNION ALL.  "columns" is what each
 * gives, and "condition" which rows (ORDER BY and LIMIT may follow), over
 * x(id, era, xid, source, kind, entity, entity_id, payload, occurred_at);
 * source is its number.
 */
extern void omni_core_feed_union(StringInfo sql, const char *columns,
								 const char *condition);

#endif							/* OMNI_CORE_FEED_READ_H */
