/*
 * solve_greedy_core.c
 *	  A first solution: nodes one by one, each the cheapest for what is left.
 *
 * "Cheapest" is what the node costs (its base, the straight line under its
 * freight, its units), less what the same units cost unfilled; a node is taken
 * with everything that pays.  The search improves on it; a good first solution
 * only means that less is left to be searched.
 */
#include <string.h>

#include "sourcing/solve_work.h"

/* What a unit is worth to nobody: its cost unfilled, per level and scaled. */
static inline int64_t
worth_of(const OmniSolveWork *work, int l)
{
	int64_t		unfilled = work->lines[l].unfilled;

	return unfilled < OMNI_SOLVE_NEVER ? unfilled : work->missing;
}

/* alone[n] for what is left; the least of them, or -1 when nobody pays. */
static int32_t
cheapest_node(OmniSolveWork *work, const int64_t *left)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		base = (problem->split_penalty << OMNI_SOLVE_SCALE) +
		work->toll;
	int32_t		best = -1;

	for (int n = 0; n < problem->nnodes; n++)
		work->alone[n] = base +
			(problem->nodes[n].fixed << OMNI_SOLVE_SCALE) +
			work->intercept[problem->nodes[n].freight];
	for (int l = 0; l < problem->nlines; l++)
	{
		const OmniSolveWorkLine *line = &work->lines[l];
		const OmniSolveOffer *offer = &problem->offers[line->first_offer];
		int64_t		worth = worth_of(work, l);

		if (left[l] == 0)
			continue;
		for (int o = 0; o < line->noffers; o++, offer++)
		{
			const OmniSolveWorkNode *node = &work->nodes[offer->node];
			int64_t		levels = levels_at(line, offer->units, node->cap);
			int64_t		cost;

			if (levels > left[l])
				levels = left[l];
			cost = ((offer->cost * line->per_level) << OMNI_SOLVE_SCALE) +
				work->slope[(size_t) node->freight * problem->nlines + l];
			if (levels > 0 && cost < worth)
				work->alone[offer->node] += levels * (cost - worth);
		}
	}
	spend(work, problem->noffers + problem->nnodes);
	for (int n = 0; n < problem->nnodes; n++)
	{
		if (work->alone[n] < (best < 0 ? 0 : work->alone[best]) &&
			work->nodes[n].cap > 0)
			best = n;
	}
	return best;
}

/* Parts for everything of what is left that pays at the node. */
static int
take_all(OmniSolveWork *work, int32_t n, int64_t *left, OmniSolvePart *parts)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		cap = work->nodes[n].cap;
	int			nparts = 0;

	for (int i = 0; i < problem->nlines; i++)
	{
		int			l = work->order[i];
		const OmniSolveWorkLine *line = &work->lines[l];
		const OmniSolveOffer *offer = omni_sourcing_find_offer(problem, l, n);
		int64_t		levels;

		if (left[l] == 0 || offer == NULL)
			continue;
		levels = levels_at(line, offer->units,
						   cap < INT32_MAX ? (int32_t) cap : INT32_MAX);
		if (levels > left[l])
			levels = left[l];
		if (levels == 0 ||
			((offer->cost * line->per_level) << OMNI_SOLVE_SCALE) >=
			worth_of(work, l))
			continue;
		left[l] -= levels;
		if (work->nodes[n].cap < INT32_MAX)
			cap -= levels * line->per_level;
		parts[nparts].node = n;
		parts[nparts].line = l;
		parts[nparts++].units = (int32_t) (levels * line->per_level);
	}
	return nparts;
}

/*
 * Try it, and keep what is found if it is the best so far.  "parts" of the
 * solution are used to work in.
 */
void
omni_sourcing_greedy(OmniSolveWork *work)
{
	const OmniSolveProblem *problem = work->problem;
	OmniSolvePart *parts = work->trial_parts;
	int64_t    *left = work->scratch;
	int			nparts = 0;
	int			used = 0;

	for (int l = 0; l < problem->nlines; l++)
		left[l] = work->lines[l].levels;
	while (problem->max_nodes == 0 || used < problem->max_nodes)
	{
		int32_t		n = cheapest_node(work, left);
		int			taken = n < 0 ? 0 :
			take_all(work, n, left, parts + nparts);

		if (taken == 0)
			break;
		nparts += taken;
		used++;
	}
	omni_sourcing_offer_parts(work, parts, nparts);
}
