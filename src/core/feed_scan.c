/*
 * feed_scan.c
 *	  The access path of omni.event: the feed as a foreign table.
 *
 * A position is a rank, so no index holds it and no plain view could turn
 * "position BETWEEN a AND b" into a look at the right pages.  The interface
 * for foreign tables gives this code the conditions, the order and, row by
 * row, the LIMIT of a query:
 *
 * - comparisons of position with a value bound the pages that are read;
 * - kind = value or = ANY (array) passes over pages that hold none of them;
 * - ORDER BY position, in both directions, costs no sort;
 * - a query that uses positions alone (count(*)) reads no rows at all.
 *
 * Conditions are only used to read less: the executor checks them all again.
 * Rows are read with the extension's owner's rights, which the view lends, and
 * under the query's own snapshot.
 */
#include "omni.h"

#include "access/stratnum.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_opfamily_d.h"
#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/feed_read.h"

#define POSITION_ATTNO 1
#define KIND_ATTNO 2
#define FEED_NATTS 6

/* What an expression pushed down is compared by; strategies are btree's. */
#define PUSH_KIND 100			/* kind = value */
#define PUSH_KINDS 101			/* kind = ANY (value) */

/* Cost of one row beside what the executor does with it. */
#define ROW_COST 0.02

/* From the planner's first look to its last. */
typedef struct FeedPlan
{
	List	   *codes;			/* of PUSH_ codes or btree strategies */
	List	   *exprs;			/* what each compares with */
	List	   *bounds;			/* RestrictInfos on position alone */
	bool		positions_only;
} FeedPlan;

/* A scan under way. */
typedef struct FeedScan
{
	List	   *codes;
	List	   *exprs;			/* ExprStates */
	bool		backward;
	bool		positions_only;

	bool		started;
	int64		from;			/* what is left to read */
	int64		to;
	ArrayType  *kinds;			/* NULL: all */

	MemoryContext scan_context; /* kinds */
	MemoryContext page_context; /* the rows of the page being read */
	OmniFeedPage page;
	OmniRows	rows;
	int			next;			/* row to give next, counted in the
								 * direction of the scan */
	int32		skip;			/* ranks before the first of the rows */
} FeedScan;

PG_FUNCTION_INFO_V1(omni_core_feed_handler);

/* ---- planning ---- */

/* The attribute of this relation that the expression is, or 0. */
static AttrNumber
feed_attribute(Expr *expr, Index relid)
{
	Var		   *var;

	while (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	if (!IsA(expr, Var))
		return 0;
	var = (Var *) expr;
	if (var->varno != relid || var->varlevelsup != 0)
		return 0;
	return var->varattno;
}

/* Is it known before the scan starts? */
static bool
is_known(Node *expr)
{
	return !contain_var_clause(expr) && !contain_volatile_functions(expr) &&
		!contain_subplans(expr);
}

/* Remember a condition. */
static void
push_down(FeedPlan *plan, int code, Node *expr)
{
	plan->codes = lappend_int(plan->codes, code);
	plan->exprs = lappend(plan->exprs, expr);
}

/* Use a comparison, if it is one of position or kind. */
static void
examine_operator(FeedPlan *plan, Index relid, RestrictInfo *info, OpExpr *op)
{
	Node	   *left;
	Node	   *right;
	Oid			opno = op->opno;
	AttrNumber	attno;
	int			strategy;

	if (list_length(op->args) != 2)
		return;
	left = linitial(op->args);
	right = lsecond(op->args);
	attno = feed_attribute((Expr *) left, relid);
	if (attno == 0)
	{
		Node	   *swap = left;

		left = right;
		right = swap;
		attno = feed_attribute((Expr *) left, relid);
		opno = get_commutator(opno);
	}
	if (attno == 0 || !OidIsValid(opno) || !is_known(right))
		return;

	if (attno == KIND_ATTNO && opno == TextEqualOperator &&
		get_collation_isdeterministic(op->inputcollid))
		push_down(plan, PUSH_KIND, right);
	if (attno == POSITION_ATTNO)
	{
		strategy = get_op_opfamily_strategy(opno, INTEGER_BTREE_FAM_OID);
		if (strategy == 0)
			return;
		push_down(plan, strategy, right);
		plan->bounds = lappend(plan->bounds, info);
	}
}

/* Use a condition, if it is one that can be used. */
static void
examine_clause(FeedPlan *plan, Index relid, RestrictInfo *info)
{
	Expr	   *clause = info->clause;

	if (IsA(clause, OpExpr))
		examine_operator(plan, relid, info, (OpExpr *) clause);
	else if (IsA(clause, ScalarArrayOpExpr))
	{
		ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) clause;

		if (any->useOr && any->opno == TextEqualOperator &&
			feed_attribute(linitial(any->args), relid) == KIND_ATTNO &&
			is_known(lsecond(any->args)) &&
			get_collation_isdeterministic(any->inputcollid))
			push_down(plan, PUSH_KINDS, lsecond(any->args));
	}
}

/* Planner: what can be used, and how many rows. */
static void
feed_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	FeedPlan   *plan = palloc0(sizeof(FeedPlan));
	OmniFeedBounds bounds;
	Bitmapset  *used = NULL;
	ListCell   *lc;
	int			member = -1;

	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *info = lfirst_node(RestrictInfo, lc);

		examine_clause(plan, rel->relid, info);
		pull_varattnos((Node *) info->clause, rel->relid, &used);
	}
	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	plan->positions_only = true;
	while ((member = bms_next_member(used, member)) >= 0)
	{
		if (member + FirstLowInvalidHeapAttributeNumber != POSITION_ATTNO)
			plan->positions_only = false;
	}
	rel->fdw_private = plan;

	omni_core_feed_bounds(&bounds);
	rel->tuples = Max(bounds.last - bounds.start + 1, 1);
	set_baserel_size_estimates(root, rel);
}

/* The first key by which the query wants its rows, if it is position. */
static PathKey *
position_pathkey(PlannerInfo *root, RelOptInfo *rel)
{
	PathKey    *key;
	ListCell   *lc;

	if (root->query_pathkeys == NIL)
		return NULL;
	key = linitial(root->query_pathkeys);
	foreach(lc, key->pk_eclass->ec_members)
	{
		EquivalenceMember *member = lfirst(lc);

		if (feed_attribute(member->em_expr, rel->relid) == POSITION_ATTNO)
			return key;
	}
	return NULL;
}

/* Planner: forward, and backward where the query orders so. */
static void
feed_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	FeedPlan   *plan = rel->fdw_private;
	PathKey    *key = position_pathkey(root, rel);
	List	   *pathkeys = NIL;
	bool		backward = false;
	double		read;
	Cost		total;

	read = rel->tuples * clauselist_selectivity(root, plan->bounds,
												rel->relid, JOIN_INNER, NULL);
	total = 1 + clamp_row_est(read) * (ROW_COST + cpu_tuple_cost);
	if (key)
	{
		pathkeys = list_make1(key);
		backward = OMNI_PATHKEY_DESCENDS(key);
	}
	add_path(rel, (Path *)
			 omni_create_foreignscan_path(root, rel, rel->rows, 1, total,
										  pathkeys,
										  list_make1(makeInteger(backward))));
}

/* Planner: the plan node. */
static ForeignScan *
feed_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path,
		  List *tlist, List *clauses, Plan *outer_plan)
{
	FeedPlan   *plan = rel->fdw_private;
	List	   *private;

	private = list_make3(plan->codes, linitial(path->fdw_private),
						 makeInteger(plan->positions_only));
	return make_foreignscan(tlist, extract_actual_clauses(clauses, false),
							rel->relid, plan->exprs, private, NIL, NIL,
							outer_plan);
}

/* ---- scanning ---- */

/* Executor: start. */
static void
feed_begin(ForeignScanState *node, int eflags)
{
	ForeignScan *fs = (ForeignScan *) node->ss.ps.plan;
	FeedScan   *scan = palloc0(sizeof(FeedScan));

	if (RelationGetRelid(node->ss.ss_currentRelation) !=
		omni_core_relation_oid(OMNI_INTERNAL_SCHEMA, "feed"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
				 errmsg("server \"omni_feed\" serves omni.event alone")));

	scan->codes = linitial(fs->fdw_private);
	scan->backward = intVal(lsecond(fs->fdw_private)) != 0;
	scan->positions_only = intVal(lthird(fs->fdw_private)) != 0;
	scan->exprs = ExecInitExprList(fs->fdw_exprs, (PlanState *) node);
	scan->scan_context = AllocSetContextCreate(CurrentMemoryContext,
											   "omni feed scan",
											   ALLOCSET_SMALL_SIZES);
	scan->page_context = AllocSetContextCreate(CurrentMemoryContext,
											   "omni feed page",
											   ALLOCSET_DEFAULT_SIZES);
	node->fdw_state = scan;
}

/* An integer of any of the three types. */
static int64
integer_value(Datum value, Oid type)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* Narrow from..to by one comparison; below and above any int64 are empty. */
static void
narrow(FeedScan *scan, int strategy, int64 value)
{
	if (strategy == BTEqualStrategyNumber ||
		strategy == BTGreaterEqualStrategyNumber)
		scan->from = Max(scan->from, value);
	if (strategy == BTEqualStrategyNumber ||
		strategy == BTLessEqualStrategyNumber)
		scan->to = Min(scan->to, value);
	if (strategy == BTGreaterStrategyNumber)
		scan->from = value == PG_INT64_MAX ? value :
			Max(scan->from, value + 1);
	if (strategy == BTLessStrategyNumber)
		scan->to = value == PG_INT64_MIN ? value : Min(scan->to, value - 1);
}

/* Evaluate what was pushed down; a NULL in it matches nothing. */
static void
evaluate_conditions(ForeignScanState *node, FeedScan *scan)
{
	ForeignScan *fs = (ForeignScan *) node->ss.ps.plan;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	ListCell   *code;
	ListCell   *state;
	ListCell   *expr;

	forthree(code, scan->codes, state, scan->exprs, expr, fs->fdw_exprs)
	{
		bool		isnull;
		Datum		value;
		MemoryContext old;

		value = ExecEvalExprSwitchContext(lfirst(state), econtext, &isnull);
		if (isnull)
		{
			scan->to = 0;
			return;
		}
		if (lfirst_int(code) < PUSH_KIND)
		{
			narrow(scan, lfirst_int(code),
				   integer_value(value, exprType(lfirst(expr))));
			continue;
		}

		/* one list is enough to read less */
		if (scan->kinds)
			continue;
		old = MemoryContextSwitchTo(scan->scan_context);
		if (lfirst_int(code) == PUSH_KIND)
			scan->kinds = construct_array(&value, 1, TEXTOID, -1, false,
										  TYPALIGN_INT);
		else if (!array_contains_nulls(DatumGetArrayTypeP(value)))
			scan->kinds = DatumGetArrayTypePCopy(value);
		MemoryContextSwitchTo(old);
	}
}

/* Find out what is to be read. */
static void
start_scan(ForeignScanState *node, FeedScan *scan)
{
	OmniFeedBounds bounds;

	omni_core_feed_bounds(&bounds);
	scan->from = bounds.start;
	scan->to = bounds.last;
	scan->kinds = NULL;
	scan->rows.nrows = 0;
	scan->next = 0;
	MemoryContextReset(scan->scan_context);
	evaluate_conditions(node, scan);
	scan->started = true;
}

/* Read the next page that has rows for us; false at the end. */
static bool
next_page(FeedScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->page_context);

	scan->next = 0;
	do
	{
		OmniFeedPage *page = &scan->page;
		int64		last;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(scan->page_context);
		scan->rows.nrows = 0;
		if (scan->from > scan->to ||
			!omni_core_feed_page(scan->from, scan->to, scan->kinds,
								 scan->backward, page))
			break;

		last = page->first_position + page->count - 1;
		scan->skip = (int32) Max(scan->from - page->first_position, 0);
		omni_core_feed_rows(page, scan->skip, 0,
							(int32) (Min(last, scan->to) + 1 -
									 page->first_position) - scan->skip,
							scan->kinds, &scan->rows);
		if (scan->backward)
			scan->to = page->first_position - 1;
		else
			scan->from = last + 1;
	} while (scan->rows.nrows == 0);
	MemoryContextSwitchTo(old);
	return scan->rows.nrows > 0;
}

/* Fill the slot from a row of the page. */
static void
store_row(FeedScan *scan, int r, TupleTableSlot *slot)
{
	const OmniRows *rows = &scan->rows;
	int64		rank = scan->skip + r;

	if (!OMNI_ISNULL(rows, r, OMNI_FEED_ROW_RANK))
		rank = DatumGetInt64(OMNI_VALUE(rows, r, OMNI_FEED_ROW_RANK)) - 1;
	slot->tts_values[0] = Int64GetDatum(scan->page.first_position + rank);
	slot->tts_isnull[0] = false;
	for (int c = 1; c < FEED_NATTS; c++)
	{
		slot->tts_values[c] = OMNI_VALUE(rows, r, OMNI_FEED_ROW_KIND + c - 1);
		slot->tts_isnull[c] = OMNI_ISNULL(rows, r, OMNI_FEED_ROW_KIND + c - 1);
	}
}

/* Fill the slot with the next position and nothing else; false at the end. */
static bool
store_position(FeedScan *scan, TupleTableSlot *slot)
{
	if (scan->from > scan->to)
		return false;
	memset(slot->tts_isnull, true, FEED_NATTS * sizeof(bool));
	slot->tts_values[0] = Int64GetDatum(scan->backward ? scan->to-- :
										scan->from++);
	slot->tts_isnull[0] = false;
	return true;
}

/* Executor: the next row. */
static TupleTableSlot *
feed_iterate(ForeignScanState *node)
{
	FeedScan   *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	bool		found = true;

	ExecClearTuple(slot);
	if (!scan->started ||
		(!scan->positions_only && scan->next >= scan->rows.nrows))
	{
		PushActiveSnapshot(node->ss.ps.state->es_snapshot);
		if (!scan->started)
			start_scan(node, scan);
		if (!scan->positions_only)
			found = next_page(scan);
		PopActiveSnapshot();
	}

	if (scan->positions_only)
		found = store_position(scan, slot);
	else if (found)
	{
		store_row(scan, scan->backward ? scan->rows.nrows - 1 - scan->next :
				  scan->next, slot);
		scan->next++;
	}
	if (found)
		ExecStoreVirtualTuple(slot);
	return slot;
}

/* Executor: start again, maybe with other parameters. */
static void
feed_rescan(ForeignScanState *node)
{
	FeedScan   *scan = node->fdw_state;

	scan->started = false;
}

/* Executor: end. */
static void
feed_end(ForeignScanState *node)
{
	FeedScan   *scan = node->fdw_state;

	if (scan == NULL)
		return;
	MemoryContextDelete(scan->page_context);
	MemoryContextDelete(scan->scan_context);
}

/* EXPLAIN: what is used. */
static void
feed_explain(ForeignScanState *node, ExplainState *es)
{
	FeedScan   *scan = node->fdw_state;

	ExplainPropertyText("Feed Direction",
						scan->backward ? "backward" : "forward", es);
	ExplainPropertyInteger("Feed Conditions", NULL,
						   list_length(scan->codes), es);
	if (scan->positions_only)
		ExplainPropertyText("Feed Columns", "position", es);
}

/* omni_internal.feed_handler(): the foreign data wrapper's routines. */
Datum
omni_core_feed_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = feed_rel_size;
	routine->GetForeignPaths = feed_paths;
	routine->GetForeignPlan = feed_plan;
	routine->BeginForeignScan = feed_begin;
	routine->IterateForeignScan = feed_iterate;
	routine->ReScanForeignScan = feed_rescan;
	routine->EndForeignScan = feed_end;
	routine->ExplainForeignScan = feed_explain;
	PG_RETURN_POINTER(routine);
}
