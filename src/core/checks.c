/*
 * checks.c
 *	  CHECK constraints of omni's own tables, made ready once for a session.
 *
 * The executor reads and prepares a table's constraints anew for each
 * statement, which costs more than the rows of an order.  Here they are kept as
 * long as their text in the catalog stays what it was, and are handed to the
 * executor, which checks each row by them as ever.
 *
 * - An expression's text holds types, columns and functions by number; a table
 *	 that is made again has another oid.  So an equal text of the same table
 *	 means an equal expression.  omni's constraints use functions of the server
 *	 alone: none is ever replaced.
 * - A set that is in use is not freed: when its text has changed it is left to
 *	 the end of the session, which happens when somebody alters omni's tables.
 */
#include "omni.h"

#include "executor/executor.h"
#include "nodes/nodes.h"
#include "optimizer/optimizer.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "core/core.h"
#include "core/private.h"

/* the server, from 18 on, has more to say of a constraint */
#if PG_VERSION_NUM < 180000

/* more tables than omni has: somebody drops and creates the extension */
#define MAX_SETS 256

typedef struct CheckSet
{
	Oid			relid;			/* hash key */
	int			n;
	char	  **texts;
	ExprState **states;
} CheckSet;

static HTAB *sets = NULL;
static MemoryContext sets_context = NULL;

/* Is it what the catalog says now? */
static bool
is_current(const CheckSet *set, const TupleConstr *constr)
{
	if (set->n != constr->num_check)
		return false;
	for (int i = 0; i < set->n; i++)
	{
		if (strcmp(set->texts[i], constr->check[i].ccbin) != 0)
			return false;
	}
	return true;
}

/* Make the constraints ready, in a context that stays when it succeeds. */
static void
fill_set(CheckSet *set, const TupleConstr *constr)
{
	MemoryContext context;
	MemoryContext old;
	int			n = constr->num_check;
	char	  **texts;
	ExprState **states;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"omni check constraints",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	texts = palloc(sizeof(char *) * n);
	states = palloc(sizeof(ExprState *) * n);
	for (int i = 0; i < n; i++)
	{
		Expr	   *expression = stringToNode(constr->check[i].ccbin);

		texts[i] = pstrdup(constr->check[i].ccbin);
		states[i] = ExecInitExpr(expression_planner(expression), NULL);
	}
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, sets_context);
	set->texts = texts;
	set->states = states;
	set->n = n;
}

/* Give the executor the table's constraints. */
void
omni_core_prepare_checks(ResultRelInfo *target)
{
	Relation	relation = target->ri_RelationDesc;
	const TupleConstr *constr = RelationGetDescr(relation)->constr;
	Oid			relid = RelationGetRelid(relation);
	CheckSet   *set;
	bool		found;

	if (constr == NULL || constr->num_check == 0)
		return;
	if (sets == NULL)
	{
		HASHCTL		info = {
			.keysize = sizeof(Oid),
			.entrysize = sizeof(CheckSet)
		};

		if (sets_context == NULL)
			sets_context = AllocSetContextCreate(TopMemoryContext,
												 "omni check constraints",
												 ALLOCSET_DEFAULT_SIZES);
		info.hcxt = sets_context;
		sets = hash_create("omni check constraints", 64, &info,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	set = hash_search(sets, &relid, HASH_FIND, NULL);
	if (set == NULL)
	{
		if (hash_get_num_entries(sets) >= MAX_SETS)
			return;
		set = hash_search(sets, &relid, HASH_ENTER, &found);
		set->n = 0;
	}
	if (!is_current(set, constr))
	{
		set->n = 0;
		fill_set(set, constr);
	}
	target->ri_ConstraintExprs = set->states;
}

#else

/* Leave them to the executor. */
void
omni_core_prepare_checks(ResultRelInfo *target)
{
}

#endif
