/*
 * solve_columns_core.c
 *	  What nodes may ship and what it costs, exactly.
 *
 * A column is one thing that a node might ship.  All columns whose reduced
 * cost stays below a gap are listed by walking through what the node holds,
 * line by line; a branch ends where even the straight line under its freight
 * leaves the gap.
 */
#include <string.h>

#include "sourcing/solve_work.h"

/* The cheapest way to send so many brackets, and which it is. */
int64_t
omni_sourcing_freight(const OmniSolveProblem *problem, int32_t freight,
					  int64_t brackets, int32_t *option)
{
	const OmniSolveFreight *group = &problem->freights[freight];
	int64_t		parcels = 0;
	int64_t		rest = brackets;
	int64_t		best = INT64_MAX;

	if (brackets >= problem->brackets)
	{
		parcels = brackets / problem->brackets;
		rest = brackets % problem->brackets;
	}
	for (int32_t o = 0; o < group->noptions; o++)
	{
		const OmniSolveOption *way = &problem->options[group->first_option + o];
		int64_t		cost = way->surcharge;

		if (parcels > 0)
			cost += parcels * way->cost[problem->brackets];
		if (rest > 0)
			cost += way->cost[rest];
		if (cost < best)
		{
			best = cost;
			if (option)
				*option = group->first_option + o;
		}
	}
	return best;
}

/* A walk through what one survivor holds. */
typedef struct ColumnWalk
{
	OmniSolveWork *work;
	const OmniSolveNode *node;
	const OmniSolveHeld *held;
	int32_t		nheld;
	int32_t		survivor;
	int64_t		gap;
	int64_t		base;			/* scaled, without freight */
	int64_t		intercept;
	int64_t	   *gain;			/* by held: price - cost, per level */
	int64_t	   *rise;			/* by held: at least so much freight per level */
	int64_t	   *rest;			/* by held: the most that it and later ones gain */
} ColumnWalk;

/* Keep the column, if its exact reduced cost allows. */
static bool
add_column(ColumnWalk *walk, const OmniSolveSet *set, int64_t units,
		   int64_t weight, int64_t sum)
{
	OmniSolveWork *work = walk->work;
	OmniSolveColumn *column;
	int64_t		reduced = walk->base + sum;

	if (walk->node->soft_cap >= 0 && units > walk->node->soft_cap)
		reduced += ((units - walk->node->soft_cap) *
					walk->node->over_cost) << OMNI_SOLVE_SCALE;
	if (reduced >= walk->gap)
		return true;
	reduced += omni_sourcing_freight(work->problem, walk->node->freight,
									 brackets_of(work->problem, weight),
									 NULL) << OMNI_SOLVE_SCALE;
	if (reduced >= walk->gap)
		return true;
	if (work->ncolumns == OMNI_SOLVE_COLUMNS)
		return false;
	column = &work->columns[work->ncolumns++];
	column->set = *set;
	column->reduced = reduced;
	column->survivor = walk->survivor;
	return true;
}

/*
 * All columns that take what "set" has, and anything of held[at] and later.
 * "sum" is the exact part without freight, "low" with the line under it.
 */
static bool
walk_held(ColumnWalk *walk, int32_t at, OmniSolveSet set, int64_t units,
		  int64_t weight, int64_t sum, int64_t low)
{
	OmniSolveWork *work = walk->work;

	if (!spend(work, 1))
		return false;
	for (; at < walk->nheld; at++)
	{
		const OmniSolveHeld *held = &walk->held[at];
		const OmniSolveWorkLine *line = &work->lines[held->line];
		OmniSolveSet more = set;

		if (walk->base + walk->intercept + low - walk->rest[at] >= walk->gap)
			return true;
		for (int32_t levels = 1; levels <= held->levels; levels++)
		{
			int64_t		now = units + (int64_t) levels * line->per_level;
			int64_t		heavy = weight + levels * line->weight;
			int64_t		exact = sum - levels * walk->gain[at];
			int64_t		bound = low + levels *
				(walk->rise[at] - walk->gain[at]);

			if (walk->node->unit_cap >= 0 && now > walk->node->unit_cap)
				break;
			more.word[line->word] += (uint64_t) 1 << line->shift;
			if (walk->base + walk->intercept + bound - walk->rest[at + 1] >=
				walk->gap)
			{
				/* one more only helps where it gains */
				if (walk->gain[at] <= walk->rise[at])
					break;
				if (!spend(work, 1))
					return false;
				continue;
			}
			if (!add_column(walk, &more, now, heavy, exact))
				return false;
			if (!walk_held(walk, at + 1, more, now, heavy, exact, bound))
				return false;
		}
	}
	return true;
}

/*
 * List the columns of all survivors with a reduced cost below the gap.  False:
 * too many, or the budget is used up.
 */
bool
omni_sourcing_make_columns(OmniSolveWork *work, int64_t gap)
{
	const OmniSolveProblem *problem = work->problem;

	work->ncolumns = 0;
	for (int s = 0; s < work->nsurvivors; s++)
	{
		const OmniSolveSurvivor *survivor = &work->survivors[s];
		const OmniSolveNode *node = &problem->nodes[survivor->node];
		ColumnWalk	walk = {.work = work,.node = node,.survivor = s,
			.gap = gap,.held = &work->held[survivor->first],
		.nheld = survivor->nheld};
		OmniSolveSet none = {{0}};

		walk.base = ((problem->split_penalty + node->fixed) <<
					 OMNI_SOLVE_SCALE) + work->toll;
		walk.intercept = work->intercept[node->freight];
		walk.gain = work->scratch;
		walk.rise = walk.gain + problem->nlines;
		walk.rest = walk.rise + problem->nlines;
		walk.rest[walk.nheld] = 0;
		for (int h = walk.nheld - 1; h >= 0; h--)
		{
			const OmniSolveHeld *held = &walk.held[h];

			walk.gain[h] = work->lines[held->line].price - held->cost;
			walk.rise[h] = work->slope[(size_t) node->freight *
									   problem->nlines + held->line];
			walk.rest[h] = walk.rest[h + 1];
			if (walk.gain[h] > walk.rise[h])
				walk.rest[h] += held->levels *
					(walk.gain[h] - walk.rise[h]);
		}
		if (!walk_held(&walk, 0, none, 0, 0, 0, 0))
			return false;
	}
	return true;
}
