/*
 * solve_greedy_core.c
 *	  Solutions from prices: nodes one by one, each that with the least reduced
 *	  cost for what is left.
 *
 * What a unit is worth is its line's price, not what it costs unfilled: else
 * a node that has everything would win however dear it is.  When prices are
 * good, the nodes of a good solution have reduced costs near zero.
 */
#include <string.h>

#include "sourcing/solve_work.h"

/* Reduced cost of what a survivor would ship of what is left; gain: levels. */
static int64_t
reduced_cost(const OmniSolveWork *work, const OmniSolveSurvivor *survivor,
			 const int64_t *left, bool *any)
{
	const OmniSolveHeld *held = &work->held[survivor->first];
	int64_t		reduced = survivor->base + survivor->piece[survivor->best_piece];

	*any = false;
	for (int h = 0; h < survivor->nheld; h++)
	{
		int64_t		gain = work->lines[held[h].line].price - held[h].low[survivor->best_piece];
		int64_t		levels = held[h].levels;

		if (gain < 0 || left[held[h].line] == 0)
			continue;
		if (levels > left[held[h].line])
			levels = left[held[h].line];
		reduced -= gain * levels;
		*any = true;
	}
	return reduced;
}

/* The survivor to be taken next, or -1. */
static int
best_survivor(OmniSolveWork *work, const int64_t *left)
{
	int64_t		least = INT64_MAX;
	int			best = -1;
	int64_t		looked = 1;

	for (int s = 0; s < work->nsurvivors; s++)
	{
		bool		any;
		int64_t		reduced;

		if (work->used[s] || !work->survivors[s].active)
			continue;
		looked += work->survivors[s].nheld;
		reduced = reduced_cost(work, &work->survivors[s], left, &any);
		if (any && reduced < least)
		{
			least = reduced;
			best = s;
		}
	}
	spend(work, looked);
	return best;
}

/* Parts for what pays at the survivor; "all": for whatever it has. */
static int
take_from(OmniSolveWork *work, int s, bool all, int64_t *left,
		  OmniSolvePart *parts)
{
	const OmniSolveSurvivor *survivor = &work->survivors[s];
	const OmniSolveHeld *held = &work->held[survivor->first];
	int64_t		cap = work->nodes[survivor->node].cap;
	int			nparts = 0;

	for (int h = 0; h < survivor->nheld; h++)
	{
		const OmniSolveWorkLine *line = &work->lines[held[h].line];
		int64_t		levels = held[h].levels;

		if (levels > left[held[h].line])
			levels = left[held[h].line];
		if (levels * line->per_level > cap)
			levels = cap / line->per_level;
		if (levels == 0 || held[h].low[survivor->best_piece] > (all ? line->unfilled : line->price))
			continue;
		left[held[h].line] -= levels;
		cap -= levels * line->per_level;
		parts[nparts].node = survivor->node;
		parts[nparts].line = held[h].line;
		parts[nparts++].units = (int32_t) (levels * line->per_level);
	}
	return nparts;
}

/*
 * Try it with the survivors and prices at hand, and keep what is found if it
 * is the best so far.  How many nodes it takes; they are in work->path.
 */
int
omni_sourcing_greedy(OmniSolveWork *work)
{
	const OmniSolveProblem *problem = work->problem;
	OmniSolvePart *parts = work->trial_parts;
	int64_t    *left = work->scratch + 5 * (problem->nlines + 1);
	int			nparts = 0;
	int			used = 0;

	for (int l = 0; l < problem->nlines; l++)
		left[l] = work->lines[l].levels;
	memset(work->used, 0, work->nsurvivors);
	while (problem->max_nodes == 0 || used < problem->max_nodes)
	{
		int			s = best_survivor(work, left);
		int			taken;

		if (s < 0)
			break;
		work->used[s] = 1;
		work->path[used] = s;
		taken = take_from(work, s, false, left, parts + nparts);
		nparts += taken;
		used++;
	}
	/* what nobody gains by, the chosen may still ship */
	for (int u = 0; u < used; u++)
		nparts += take_from(work, work->path[u], true, left, parts + nparts);
	nparts = omni_sourcing_merge_parts(parts, nparts);
	omni_sourcing_offer_parts(work, parts, nparts);
	return used;
}
