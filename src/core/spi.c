/*
 * spi.c
 *	  The one way in which omni's C code runs SQL.
 *
 * - A statement is parsed once per session and its plan is kept; the plan
 *	 cache revalidates it, by name, when an object it uses has changed or the
 *	 extension was dropped and created again.
 * - A statement runs as the extension's owner under a pinned search_path,
 *	 whoever called: the caller's rights were checked before, in C.  One that
 *	 reads a table of the caller's runs as the caller.
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

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/core.h"
#include "core/private.h"

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
pin_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* What a statement changed around itself. */
typedef struct QueryScope
{
	Oid			user;
	int			context;
	bool		switched;		/* user and context are to be given back */
	int			guc_level;		/* 0: settings were left alone */
} QueryScope;

/*
 * Have the statement run as the extension's owner, under the search_path that
 * it was written for, and be planned for tables of any size.  Functions that
 * are SECURITY DEFINER have seen to the first two already; those that seldom
 * run a statement are spared the cost at every call.  An error gives all back
 * with the (sub)transaction.
 */
static void
begin_scope(const OmniQuery *query, QueryScope *scope)
{
	Oid			owner = omni_core_owner_if_any();
	bool		path;
	bool		planning;

	GetUserIdAndSecContext(&scope->user, &scope->context);
	scope->switched = OidIsValid(owner) && scope->user != owner;
	if (scope->switched)
		SetUserIdAndSecContext(owner, scope->context |
							   SECURITY_LOCAL_USERID_CHANGE);

	scope->guc_level = 0;
	path = strcmp(namespace_search_path, OMNI_SEARCH_PATH) != 0;
	planning = !query->custom_plan &&
		(query->plan == NULL || !SPI_plan_is_valid(query->plan));
	if (!path && !planning && !query->custom_plan)
		return;
	scope->guc_level = NewGUCNestLevel();
	if (path)
		pin_setting("search_path", OMNI_SEARCH_PATH);
	/* compiling costs more than most of our statements */
	if (planning || query->custom_plan)
		pin_setting("jit", "off");
	if (planning)
	{
		pin_setting("enable_seqscan", "off");
		pin_setting("enable_bitmapscan", "off");
		pin_setting("enable_hashjoin", "off");
		pin_setting("enable_mergejoin", "off");
	}
}

/* Give back what begin_scope() changed. */
static void
end_scope(const QueryScope *scope)
{
	if (unlikely(scope->guc_level != 0))
		AtEOXact_GUC(true, scope->guc_level);
	if (scope->switched)
		SetUserIdAndSecContext(scope->user, scope->context);
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
	QueryScope	scope;
	int			result;

	/* a worker has no portal whose snapshot could serve */
	if (snapshot == InvalidSnapshot && !ActiveSnapshotSet())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		pushed = true;
	}

	SPI_connect();
	begin_scope(query, &scope);
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

	end_scope(&scope);
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

/* A receiver that hands its rows to a callback. */
typedef struct EachReceiver
{
	DestReceiver pub;
	OmniRowCallback callback;
	void	   *arg;
} EachReceiver;

static void
each_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

static bool
each_receive(TupleTableSlot *slot, DestReceiver *self)
{
	EachReceiver *each = (EachReceiver *) self;

	slot_getallattrs(slot);
	each->callback(slot->tts_values, slot->tts_isnull, each->arg);
	return true;
}

static void
each_ignore(DestReceiver *self)
{
}

/* Hand each row of the result to a callback; see core.h. */
void
omni_core_query_each(OmniQuery *query, const Datum *values,
					 OmniRowCallback callback, void *arg)
{
	EachReceiver each = {
		.pub = {
			.receiveSlot = each_receive, .rStartup = each_startup,
			.rShutdown = each_ignore, .rDestroy = each_ignore,
			.mydest = DestNone
		},
		.callback = callback,
		.arg = arg
	};
	SPIExecuteOptions options;
	QueryScope	scope;
	int			result;

	SPI_connect();
	begin_scope(query, &scope);
	if (unlikely(query->plan == NULL))
		prepare_query(query);
	memset(&options, 0, sizeof(options));
	options.params = makeParamList(query->nargs);
	for (int i = 0; i < query->nargs; i++)
	{
		ParamExternData *param = &options.params->params[i];

		param->value = values[i];
		param->isnull = false;
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = query->argtypes[i];
	}
	options.read_only = false;
	options.dest = &each.pub;
	result = SPI_execute_plan_extended(query->plan, &options);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan_extended failed: %s",
			 SPI_result_code_string(result));
	end_scope(&scope);
	SPI_finish();
}

/* Read with the caller's rights, row by row; see core.h. */
void
omni_core_query_as_caller(const char *sql, OmniRowCallback callback,
						  void *arg)
{
	EachReceiver each = {
		.pub = {
			.receiveSlot = each_receive, .rStartup = each_startup,
			.rShutdown = each_ignore, .rDestroy = each_ignore,
			.mydest = DestNone
		},
		.callback = callback,
		.arg = arg
	};
	SPIExecuteOptions options;
	int			result;

	SPI_connect();
	memset(&options, 0, sizeof(options));
	options.read_only = true;
	options.dest = &each.pub;
	result = SPI_execute_extended(sql, &options);
	if (result < 0)
		elog(ERROR, "SPI_execute_extended failed: %s",
			 SPI_result_code_string(result));
	SPI_finish();
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
