/*
 * solve_dual_core.c
 *	  Better prices by subgradient steps, over the nodes that still matter.
 *
 * Where several nodes share an order, raising prices one by one gets stuck
 * below what prices could prove.  Here they move all at once: a line that the
 * nodes with a negative reduced cost would ship too often becomes cheaper, one
 * that too few would ship becomes dearer (Held and Karp 1971; step by Polyak).
 *
 * For any prices, sum of levels * price - split penalty + the sum of all
 * negative reduced costs is a lower bound.  A node whose reduced cost exceeds
 * the distance from that bound to the best known solution is in no better one,
 * whatever the prices do later, so it leaves for good.
 *
 * The prices that were best are then made such that no reduced cost is
 * negative, as the search needs it, and raised once more.
 */
#include <string.h>

#include "sourcing/solve_work.h"

#define MOST_STEPS		60
#define FIRST_STRIDE	32		/* of the distance to the best, in 256ths */
#define LAST_STRIDE		3
#define PATIENCE		4		/* steps without progress before it is halved */

/* Lower bound at the prices, and by how much each line is under-shipped. */
static int64_t
evaluate_prices(OmniSolveWork *work, int64_t *shortage)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		sum = -(problem->split_penalty << OMNI_SOLVE_SCALE) -
		work->toll * problem->max_nodes;

	for (int l = 0; l < problem->nlines; l++)
	{
		shortage[l] = work->lines[l].levels;
		sum += work->lines[l].price * shortage[l];
	}
	for (int s = 0; s < work->nsurvivors; s++)
	{
		OmniSolveSurvivor *survivor = &work->survivors[s];
		const OmniSolveHeld *held = &work->held[survivor->first];
		int64_t		reduced = survivor->base;

		for (int h = 0; h < survivor->nheld; h++)
		{
			int64_t		gain = work->lines[held[h].line].price - held[h].low;

			if (gain > 0)
				reduced -= gain * held[h].levels;
		}
		survivor->reduced = reduced;
		if (reduced >= 0)
			continue;
		sum += reduced;
		for (int h = 0; h < survivor->nheld; h++)
		{
			if (work->lines[held[h].line].price > held[h].low)
				shortage[held[h].line] -= held[h].levels;
		}
	}
	return sum;
}

/* Nodes that no better solution uses leave. */
static void
drop_survivors(OmniSolveWork *work, int64_t distance)
{
	int			kept = 0;

	for (int s = 0; s < work->nsurvivors; s++)
	{
		if (work->survivors[s].reduced >= distance)
			work->nodes[work->survivors[s].node].cap = 0;
		else
			work->survivors[kept++] = work->survivors[s];
	}
	work->nsurvivors = kept;
}

/* Move prices along the shortages; false: there is nowhere to go. */
static bool
step_prices(OmniSolveWork *work, const int64_t *shortage, int64_t *course,
			int64_t distance, int64_t stride)
{
	int			nlines = work->problem->nlines;
	__int128	norm = 0;

	for (int l = 0; l < nlines; l++)
	{
		const OmniSolveWorkLine *line = &work->lines[l];

		/* half of where it was going before: fewer zigzags */
		course[l] = course[l] / 2 + shortage[l] * 256;
		if (course[l] > 0 && line->price >= line->unfilled)
			course[l] = 0;
		norm += (__int128) course[l] * course[l];
	}
	if (norm == 0)
		return false;
	for (int l = 0; l < nlines; l++)
	{
		OmniSolveWorkLine *line = &work->lines[l];

		line->price += (int64_t)
			((__int128) distance * stride * course[l] / norm);
		if (line->price > line->unfilled)
			line->price = line->unfilled;
	}
	return true;
}

/*
 * Improve prices, floor and bound; nodes that drop out get cap = 0.  Leaves
 * prices at which no node that is left has a negative reduced cost.
 */
void
omni_sourcing_improve_prices(OmniSolveWork *work)
{
	int			nlines = work->problem->nlines;
	int64_t    *shortage = work->scratch;
	int64_t    *course = shortage + nlines;
	int64_t    *best = course + nlines;
	int64_t		highest = work->floor;
	int64_t		stride = FIRST_STRIDE;
	int			idle = 0;
	int64_t		target = (work->best - 1) << OMNI_SOLVE_SCALE;

	omni_sourcing_pick_survivors(work, target + 1 - work->floor);
	for (int n = 0; n < work->problem->nnodes; n++)
	{
		if (work->slot[n] < 0)
			work->nodes[n].cap = 0;
	}
	for (int l = 0; l < nlines; l++)
	{
		best[l] = work->lines[l].price;
		course[l] = 0;
	}
	for (int step = 0; step < MOST_STEPS && stride >= LAST_STRIDE; step++)
	{
		int64_t		now = evaluate_prices(work, shortage);

		spend(work, work->nheld);
		if (now > target)
		{
			/* nothing better is left */
			work->nsurvivors = 0;
			work->bound = work->best;
			return;
		}
		drop_survivors(work, target + 1 - now);
		if (now > highest)
		{
			highest = now;
			stride += stride / 4;
			for (int l = 0; l < nlines; l++)
				best[l] = work->lines[l].price;
			idle = 0;
		}
		else if (++idle >= PATIENCE)
		{
			idle = 0;
			stride /= 2;
			for (int l = 0; l < nlines; l++)
			{
				work->lines[l].price = best[l];
				course[l] = 0;
			}
			continue;
		}
		if (!step_prices(work, shortage, course, target + 1 - now, stride))
			break;
	}
	if (whole_cents(highest) > work->bound)
		work->bound = whole_cents(highest);
	omni_sourcing_settle_prices(work, best);
}
