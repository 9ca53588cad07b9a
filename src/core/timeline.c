/*
 * timeline.c
 *	  The feed carries the timeline: where it goes on after a promotion, a
 *	  point-in-time recovery, a restore, and how consumers are told.
 *
 * - Positions up to that of the last tick that came along are the same in both
 *	 worlds; those after it are given anew.  A row of omni.feed_timeline says
 *	 where that was, an event (feed.timeline, feed.adopted) tells the readers.
 * - Both are committed before the first write passes the gate, and before the
 *	 first tick on the new timeline.
 * - A consumer whose process has seen the other world would acknowledge
 *	 positions of that one.  So nobody acknowledges forward on a timeline on
 *	 which nothing was read yet in the consumer's name: its row remembers the
 *	 last one (consumer.c).
 */
#include "omni.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "core/private.h"

/*
 * Record that the feed goes on in this era on the server's timeline; returns
 * the last position that was given before.  By the worker, once per change.
 */
int64
omni_core_begin_timeline(int32 era)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.feed_timeline AS f (id, era, timeline,"
		" after_position, began_at) SELECT 1 + COALESCE((SELECT max(o.id)"
		" FROM omni.feed_timeline AS o), 0), $1, $2, COALESCE((SELECT"
		" t.first_position + t.count - 1 FROM omni.tick AS t"
		" ORDER BY t.id DESC LIMIT 1), 0), $3 RETURNING f.after_position",
		.nargs = 3,
		.argtypes = {INT4OID, INT4OID, TIMESTAMPTZOID},
	};
	OmniRows	rows;
	Datum		values[3];

	values[0] = Int32GetDatum(era);
	values[1] = Int32GetDatum((int32) GetWALInsertionTimeLine());
	values[2] = TimestampTzGetDatum(GetCurrentTimestamp());
	omni_core_query(&query, values, NULL, false, &rows);
	return DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/* Add a number to the object that is being built. */
static void
push_number(JsonbParseState **state, const char *key, int64 value)
{
	JsonbValue	jv;

	jv.type = jbvString;
	jv.val.string.val = (char *) key;
	jv.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &jv);

	jv.type = jbvNumeric;
	jv.val.numeric = int64_to_numeric(value);
	pushJsonbValue(state, WJB_VALUE, &jv);
}

/*
 * The event that tells readers; the worker's era is set.  "position" is the
 * last one that was given before.
 */
void
omni_core_write_timeline_event(const char *kind, int64 entity_id, int32 era,
							   int64 position)
{
	JsonbParseState *state = NULL;
	JsonbValue *payload;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_number(&state, "era", era);
	push_number(&state, "timeline", GetWALInsertionTimeLine());
	push_number(&state, "position", position);
	payload = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	(void) omni_core_write_event(kind, "feed", entity_id,
								 JsonbValueToJsonb(payload));
}
