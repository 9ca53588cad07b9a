/*
 * events.c
 *	  Ids of the feed's rows, and the outbox of business events.
 *
 * - Ledger and event rows draw their ids from one sequence, one by one: an
 *	 entity's events are ordered by ids drawn under its row lock, and a range
 *	 kept by a session would break that order.
 * - An event is a row of the transaction that made it happen, so it is there
 *	 exactly when that transaction commits.  Writing it takes no lock that
 *	 another writer waits for, and never calls NOTIFY: the worker does that.
 * - Ids stay within their cell.  A session remembers its cell, and looks again
 *	 when an id lies in another one.
 */
#include "omni.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "core/cell.h"
#include "core/core.h"

PG_FUNCTION_INFO_V1(omni_core_write_event_sql);

/* An id outside of the cell: the cell is another one, or used up. */
static void
check_cell(int64 id)
{
	static int	cell = -1;

	if (likely(OMNI_CELL_OF(id) == cell))
		return;
	cell = omni_core_cell(true);
	/* one's own set_cell() counts, but may be rolled back */
	if (OMNI_CELL_OF(id) != cell &&
		OMNI_CELL_OF(id) != omni_core_cell(false))
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_RANGE),
				 errmsg("id " INT64_FORMAT " lies outside of cell %d",
						id, cell),
				 errdetail("The sequences do not fit the cell that this database was given, or it has used up its ids."),
				 errhint("On an empty database, run: SELECT omni.set_cell(%d);",
						 cell)));
}

/* Next id of the sequence that ledger and event rows share. */
int64
omni_core_next_feed_id(void)
{
	int64		id;

	omni_core_next_feed_ids(&id, 1);
	return id;
}

/* The same for n ids, in ascending order; others may draw in between. */
void
omni_core_next_feed_ids(int64 *ids, int n)
{
	Oid			sequence = omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
												  "feed_id_seq");

	for (int i = 0; i < n; i++)
	{
		ids[i] = nextval_internal(sequence, false);
		check_cell(ids[i]);
	}
}

/*
 * Record a business event in this transaction; see core.h.  entity_id and
 * payload are the caller's business; a NULL payload is {}.
 */
int64
omni_core_write_event(const char *kind, const char *entity, int64 entity_id,
					  Jsonb *payload)
{
	static const OmniTable outbox = {
		.schema = OMNI_INTERNAL_SCHEMA,
		.name = "outbox",
		.columns = "id, era, xid, kind, entity, entity_id, payload,"
		" occurred_at, actor"
	};
	OmniInsertion insertion;
	char	   *actor;
	int32		era = omni_core_gate();
	int64		id;

	id = omni_core_next_feed_id();
	actor = GetUserNameFromId(omni_core_asker(), true);
	if (payload == NULL)
		payload = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
													 CStringGetDatum("{}")));
	omni_core_insert_begin(&insertion, &outbox);
	omni_core_put(&insertion, Int64GetDatum(id));
	omni_core_put(&insertion, Int32GetDatum(era));
	omni_core_put(&insertion,
				  FullTransactionIdGetDatum(GetTopFullTransactionId()));
	omni_core_put_text(&insertion, kind);
	omni_core_put_text(&insertion, entity);
	omni_core_put(&insertion, Int64GetDatum(entity_id));
	omni_core_put(&insertion, JsonbPGetDatum(payload));
	omni_core_put(&insertion, TimestampTzGetDatum(omni_core_now()));
	omni_core_put_text(&insertion, actor ? actor : "");
	omni_core_put_row(&insertion);
	omni_core_insert_end(&insertion);
	return id;
}

/*
 * omni_internal.write_event(kind text, entity text, entity_id bigint, payload
 * jsonb) RETURNS bigint: the same for what is written in SQL; internal.  OM002
 * for NULL (payload may be: {}), OM007 for an empty kind or entity.
 */
Datum
omni_core_write_event_sql(PG_FUNCTION_ARGS)
{
	char	   *kind = omni_core_required_text(fcinfo, 0, "kind");
	char	   *entity = omni_core_required_text(fcinfo, 1, "entity");
	int64		entity_id = omni_core_required_int64(fcinfo, 2, "entity_id");
	Jsonb	   *payload = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);

	if (kind[0] == '\0' || entity[0] == '\0')
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("kind and entity of an event must not be empty")));
	(void) omni_core_gate();
	PG_RETURN_INT64(omni_core_write_event(kind, entity, entity_id, payload));
}
