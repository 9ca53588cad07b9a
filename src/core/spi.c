/*
 * spi.c
 *	  The one way in which omni's C code runs SQL.
 *
 * - A statement is parsed once per session and its plan is kept; the plan
 *	 cache revalidates it, by name, when an object it uses has changed or the
 *	 extension was dropped and created again.
 * - Values are parameters, never text.  Parameter types are built-in types,
 *	 because their oids are part of the kept plan.
 * - Results are copied, detoasted, into the caller's memory context, and SPI
 *	 is finished before the caller sees them.
 * - Plans are generic unless the query asks otherwise: with
 *	 an array parameter the server would plan anew at every call, and planning
 *	 costs more than running.
 * - A generic plan is made for tables of any size: index probes and nested
 *	 loops.  A session that starts with empty tables would otherwise keep
 *	 reading whole tables, or hashing them, until the first ANALYZE.
 */
#include "omni.h"

#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/core.h"

/* Parse and keep the plan; SPI is connected. */
static void
prepare_query(OmniQuery *query)
{
	SPIPlanPtr	plan;
	int			options;

	options = query->custom_plan ? CURSOR_OPT_CUSTOM_PLAN :
		CURSOR_OPT_GENERIC_PLAN;
	plan = SPI_prepare_cursor(query->sql, query->nargs, query->argtypes,
							  options);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s",
			 SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_keepplan failed");
	query->plan = plan;
}

/* Set a setting until the level ends. */
static void
pin_setting(const char *name)
{
	(void) set_config_option(name, "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Before a statement that the server is about to plan; returns the level to
 * end after it, 0 for none.  An error ends it with the (sub)transaction.
 */
static int
begin_planning(OmniQuery *query)
{
	int			level;

	if (query->custom_plan ||
		(query->plan != NULL && SPI_plan_is_valid(query->plan)))
		return 0;
	level = NewGUCNestLevel();
	pin_setting("enable_seqscan");
	pin_setting("enable_bitmapscan");
	pin_setting("enable_hashjoin");
	pin_setting("enable_mergejoin");
	pin_setting("jit");
	return level;
}

/* Copy what SPI returned into "context". */
static void
copy_rows(OmniRows *rows, MemoryContext context)
{
	SPITupleTable *table = SPI_tuptable;
	TupleDesc	desc;
	MemoryContext old;

	rows->processed = SPI_processed;
	rows->nrows = 0;
	rows->natts = 0;
	rows->values = NULL;
	rows->isnull = NULL;
	if (table == NULL)
		return;

	desc = table->tupdesc;
	rows->natts = desc->natts;
	if (table->numvals == 0)
		return;
	if (table->numvals > PG_INT32_MAX / Max(1, desc->natts))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("result has too many rows")));
	rows->nrows = (int) table->numvals;

	old = MemoryContextSwitchTo(context);
	rows->values = (Datum *)
		palloc_extended(sizeof(Datum) * rows->nrows * rows->natts,
						MCXT_ALLOC_HUGE);
	rows->isnull = (bool *)
		palloc_extended(sizeof(bool) * rows->nrows * rows->natts,
						MCXT_ALLOC_HUGE);
	for (int r = 0; r < rows->nrows; r++)
	{
		Datum	   *values = rows->values + (Size) r * rows->natts;
		bool	   *isnull = rows->isnull + (Size) r * rows->natts;

		heap_deform_tuple(table->vals[r], desc, values, isnull);
		for (int c = 0; c < rows->natts; c++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, c);

			if (isnull[c] || att->attbyval)
				continue;
			if (att->attlen == -1)
				values[c] = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[c]));
			else
				values[c] = datumCopy(values[c], false, att->attlen);
		}
	}
	MemoryContextSwitchTo(old);
}

/* Run, copy the result out, and finish SPI. */
static void
run_query(OmniQuery *query, const Datum *values, const char *nulls,
		  Snapshot snapshot, bool read_only, OmniRows *rows)
{
	MemoryContext context = CurrentMemoryContext;
	bool		pushed = false;
	int			guc_level;
	int			result;

	/* a worker has no portal whose snapshot could serve */
	if (snapshot == InvalidSnapshot && !ActiveSnapshotSet())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		pushed = true;
	}

	SPI_connect();
	guc_level = begin_planning(query);
	if (unlikely(query->plan == NULL))
		prepare_query(query);

	if (snapshot != InvalidSnapshot)
		result = SPI_execute_snapshot(query->plan, (Datum *) values, nulls,
									  snapshot, InvalidSnapshot,
									  true, true, 0);
	else
		result = SPI_execute_plan(query->plan, (Datum *) values, nulls,
								  read_only, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s",
			 SPI_result_code_string(result));

	if (unlikely(guc_level != 0))
		AtEOXact_GUC(true, guc_level);
	if (rows)
		copy_rows(rows, context);
	SPI_finish();

	if (pushed)
		PopActiveSnapshot();
}

/*
 * Run "query" with its kept plan.  rows may be NULL where the result does not
 * matter.  Errors are the statement's own.
 */
void
omni_core_query(OmniQuery *query, const Datum *values, const char *nulls,
				bool read_only, OmniRows *rows)
{
	run_query(query, values, nulls, InvalidSnapshot, read_only, rows);
}

/* The same, read-only, under a registered snapshot. */
void
omni_core_query_snapshot(OmniQuery *query, const Datum *values,
						 const char *nulls, Snapshot snapshot, OmniRows *rows)
{
	run_query(query, values, nulls, snapshot, true, rows);
}

/*
 * A registered copy of the latest snapshot.
 *
 * GetLatestSnapshot() answers from static storage, so the copy that
 * RegisterSnapshot() makes is the one whose command id may be changed.  Only
 * the transaction's first snapshot may be no copy of static storage (above
 * READ COMMITTED it is the transaction's own, kept until its end): so that is
 * taken first, apart.
 *
 * With curcid = FirstCommandId no row that this transaction inserted is
 * visible, and every row that it deleted or updated still is, as it was.
 */
Snapshot
omni_core_latest_snapshot(bool own_rows)
{
	Snapshot	snapshot;

	if (!FirstSnapshotSet)
		(void) GetTransactionSnapshot();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (!own_rows)
		snapshot->curcid = FirstCommandId;
	return snapshot;
}
