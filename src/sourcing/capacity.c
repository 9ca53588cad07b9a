/*
 * capacity.c
 *	  Between the limits that are configured and the counters that keep them.
 *
 * The stock engine counts what a node has promised on a day, and asks here for
 * the limits: under the snapshot of its load, so straight from the tables and
 * not from the session's copy (config.c).  A day's row goes before the node's,
 * that before its kind's, as in omni_sourcing_capacity().  A change of one of
 * these tables has the counters read anew: omni_sourcing_config_changed().
 */
#include "omni.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "master/master.h"
#include "sourcing/capacity.h"
#include "stock/stock.h"

PG_FUNCTION_INFO_V1(omni_sourcing_count_capacity);

#define MAY_READ (OMNI_PROFILE_READER | OMNI_PROFILE_STORE | \
				  OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN)

/* ---- limits ---- */

/* Rows of node id, limit and soft limit on a day (null: none). */
static void
query_limits(int32 day, const int64 *nodes, int n, Snapshot snapshot,
			 OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT n.id, COALESCE(c.units, p.daily_units, k.daily_units),"
		" COALESCE(c.soft_units, p.soft_daily_units, k.soft_daily_units)"
		" FROM omni.node n"
		" LEFT JOIN omni.node_capacity c ON c.node = n.code AND c.day = $1"
		" LEFT JOIN omni.node_policy p ON p.node = n.code"
		" LEFT JOIN omni.node_policy k ON k.node_kind = n.kind"
		" WHERE n.id = ANY ($2)",
		.nargs = 2,
		.argtypes = {DATEOID, INT8ARRAYOID},
	};
	Datum		values[2];

	values[0] = DateADTGetDatum(day);
	values[1] = omni_core_int64_array(nodes, n);
	omni_core_query_snapshot(&query, values, NULL, snapshot, rows);
}

/* Compare for qsort and bsearch. */
static int
compare_ids(const void *a, const void *b)
{
	int64		ia = *(const int64 *) a;
	int64		ib = *(const int64 *) b;

	return (ia > ib) - (ia < ib);
}

/* The reader that the stock engine calls. */
static void
read_limits(int32 day, const int64 *nodes, int n, Snapshot snapshot,
			int32 *limits)
{
	OmniRows	rows;
	int64	   *pairs;

	query_limits(day, nodes, n, snapshot, &rows);
	pairs = palloc(sizeof(int64) * 2 * Max(rows.nrows, 1));
	for (int r = 0; r < rows.nrows; r++)
	{
		pairs[2 * r] = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
		pairs[2 * r + 1] = OMNI_ISNULL(&rows, r, 1) ? OMNI_NO_LIMIT :
			DatumGetInt32(OMNI_VALUE(&rows, r, 1));
	}
	qsort(pairs, rows.nrows, 2 * sizeof(int64), compare_ids);
	for (int i = 0; i < n; i++)
	{
		int64	   *pair = bsearch(&nodes[i], pairs, rows.nrows,
								   2 * sizeof(int64), compare_ids);

		limits[i] = pair ? (int32) pair[1] : OMNI_NO_LIMIT;
	}
	pfree(pairs);
}

/* The value of a column by name. */
static Datum
get_column(const TriggerData *data, HeapTuple tuple, const char *name,
		   Form_pg_attribute *att, bool *isnull)
{
	Relation	rel = data->tg_relation;
	AttrNumber	attno = get_attnum(RelationGetRelid(rel), name);

	*att = TupleDescAttr(RelationGetDescr(rel), attno - 1);
	return heap_getattr(tuple, attno, RelationGetDescr(rel), isnull);
}

/*
 * A row that says no limit is none, and an update that leaves the limit and
 * whom it is about changes none.
 */
bool
omni_sourcing_changes_limit(TriggerData *data)
{
	static const char *const policy[] = {"daily_units", "node", "node_kind"};
	static const char *const day[] = {"units", "node", "day"};
	const char *name = RelationGetRelationName(data->tg_relation);
	const char *const *columns;

	if (strcmp(name, "node_policy") == 0)
		columns = policy;
	else if (strcmp(name, "node_capacity") == 0)
		columns = day;
	else
		return false;
	if (TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		return true;			/* TRUNCATE */
	for (int c = 0; c < lengthof(policy); c++)
	{
		Form_pg_attribute att;
		bool		was_null;
		bool		is_null;
		Datum		was;
		Datum		is;

		was = get_column(data, data->tg_trigtuple, columns[c], &att,
						 &was_null);
		if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
			return !was_null;
		is = get_column(data, data->tg_newtuple, columns[c], &att, &is_null);
		if (was_null != is_null ||
			(!is_null && !datum_image_eq(was, is, att->attbyval,
										 att->attlen)))
			return true;
	}
	return false;
}

/* Called in _PG_init. */
void
omni_sourcing_capacity_init(void)
{
	omni_stock_register_capacity(read_limits);
}

/* ---- for planning ---- */

/* What candidates have given away on one day. */
typedef struct UsedDay
{
	int32		day;
	OmniCapacityUse *uses;		/* by candidate */
	struct UsedDay *next;
} UsedDay;

struct OmniCapacityUsed
{
	int			n;
	const int64 *candidates;	/* ascending */
	int			last;			/* the one asked for last */
	UsedDay    *days;
};

OmniCapacityUsed *
omni_sourcing_used_begin(const int64 *candidates, int n)
{
	OmniCapacityUsed *used = palloc0(sizeof(OmniCapacityUsed));

	used->candidates = candidates;
	used->n = n;
	return used;
}

/* The candidates' counters on a day, read once. */
static const UsedDay *
read_day(OmniCapacityUsed *used, int32 day)
{
	UsedDay    *entry;

	for (entry = used->days; entry; entry = entry->next)
		if (entry->day == day)
			return entry;
	entry = palloc(sizeof(UsedDay));
	entry->day = day;
	entry->uses = palloc(sizeof(OmniCapacityUse) * Max(used->n, 1));
	for (int i = 0; i < used->n; i++)
		entry->uses[i].node = used->candidates[i];
	omni_stock_capacity(day, entry->uses, used->n);
	entry->next = used->days;
	used->days = entry;
	return entry;
}

/* Units given away; the candidates are mostly asked for in their order. */
int64
omni_sourcing_used(void *context, int64 node, int32 day)
{
	OmniCapacityUsed *used = context;
	const UsedDay *entry = read_day(used, day);
	int			i = used->last;

	if (i < used->n && used->candidates[i] < node)
		i++;
	if (i >= used->n || used->candidates[i] != node)
	{
		const int64 *hit = bsearch(&node, used->candidates, used->n,
								   sizeof(int64), compare_ids);

		if (hit == NULL)
			return 0;
		i = hit - used->candidates;
	}
	used->last = i;
	return entry->uses[i].promised + entry->uses[i].done;
}

/* ---- SQL ---- */

/*
 * omni.capacity(node, day, OUT units, OUT soft_units, OUT promised, OUT done,
 * OUT available): limits as configured (null: none; one's own uncommitted rows
 * count) and what the counters say, others' promises in flight included.
 * available is what could be promised now: null without a limit, 0 where the
 * node is not active.  OM002 unknown node or NULL, OM005, OM007 a day before
 * 2000 or after 2999.
 */
Datum
omni_sourcing_count_capacity(PG_FUNCTION_ARGS)
{
	OmniCapacityUse use;
	OmniNodeInfo info;
	Snapshot	snapshot;
	OmniRows	rows;
	TupleDesc	desc;
	Datum		values[5];
	bool		nulls[5] = {0};
	int32		limit = OMNI_NO_LIMIT;
	int64		left;
	DateADT		day;

	(void) omni_core_gate();
	use.node = omni_master_node_id(omni_core_required_text(fcinfo, 0, "node"));
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "day")));
	day = PG_GETARG_DATEADT(1);
	omni_core_require(MAY_READ, 0, use.node, "read capacity");
	if (day < 0 || day >= OMNI_CAPACITY_DAYS)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("day must lie between 2000-01-01 and 2999-12-31")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	omni_master_node_info(use.node, &info);
	omni_stock_capacity(day, &use, 1);
	snapshot = omni_core_latest_snapshot(true);
	query_limits(day, &use.node, 1, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	nulls[0] = rows.nrows == 0 || OMNI_ISNULL(&rows, 0, 1);
	if (!nulls[0])
	{
		values[0] = OMNI_VALUE(&rows, 0, 1);
		limit = DatumGetInt32(values[0]);
	}
	nulls[1] = rows.nrows == 0 || OMNI_ISNULL(&rows, 0, 2);
	if (!nulls[1])
		values[1] = OMNI_VALUE(&rows, 0, 2);
	values[2] = Int64GetDatum(use.promised);
	values[3] = Int64GetDatum(use.done);

	/* a node that has promised nothing has no counter of its own yet */
	if (use.counted)
	{
		left = use.available;
		nulls[4] = use.open && use.limit == OMNI_NO_LIMIT;
	}
	else
	{
		left = info.active ? limit : 0;
		nulls[4] = info.active && limit == OMNI_NO_LIMIT;
	}
	values[4] = Int32GetDatum((int32) left);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
