/*
 * solve_dual_core.c
 *	  Better prices by subgradient steps, over the nodes that still matter.
 *
 * Where several nodes share an order, raising prices one by one gets stuck
 * below what prices could prove.  Here they move all at once: a line that the
 * nodes with a negative reduced cost would ship too often becomes cheaper, one
 * that too few would ship becomes dearer, and the toll follows the number of
 * nodes where that is bounded (Held and Karp 1971; step by Polyak).
 *
 * For any prices, sum of levels * price - split penalty - toll * max_nodes
 * + the sum of all negative reduced costs is a lower bound.  A node whose
 * reduced cost exceeds the distance from that bound to the best known solution
 * is in no better one, whatever the prices do later, so it leaves for good.
 *
 * A node's least reduced cost is bounded more tightly here than when prices
 * are raised: by a line for each option that is not dominated, as steep as
 * what the node itself holds allows, and by what its caps let it ship.
 *
 * After every round the prices at hand are made into a solution, greedily, and
 * that is improved (solve_local_core.c).
 */
#include <string.h>

#include "sourcing/solve_work.h"

#define ROUNDS			10
#define STEPS			40
#define ACTIVE			48		/* survivors that steps look at, to begin with */
#define FIRST_STRIDE	64		/* of the distance to the best, in 256ths */
#define LAST_STRIDE		4
#define PATIENCE		4		/* steps without progress before it is halved */
#define DUAL_BUDGET_PART 2		/* of the budget: the rest is for later */
#define FEW_LINES		6		/* their solutions are good as they are */
#define FAR_PART		4		/* of the bound: no step aims further */

/* By what a survivor's reduced cost was bounded. */
#define BOUND_LINE		0
#define BOUND_CAP		1

/*
 * The most that "units" of what pays can gain along a line, each beyond the
 * limit less "beyond"; levels may be cut, so the answer may be too high but
 * never too low.  Takes from "left" what it ships, unless that is NULL.
 */
static int64_t
gain_within(const OmniSolveWork *work, const OmniSolveSurvivor *survivor,
			int piece, int64_t *left)
{
	const OmniSolveHeld *held = &work->held[survivor->first];
	int64_t		limit = survivor->limit;
	int64_t		sum = 0;
	int64_t		last = INT64_MAX;
	int			last_held = -1;

	/* dearest units first; few are held, so look for each again */
	for (;;)
	{
		int64_t		best = 0;
		int			at = -1;
		int64_t		units;
		int32_t		per_level;

		for (int h = 0; h < survivor->nheld; h++)
		{
			const OmniSolveWorkLine *line = &work->lines[held[h].line];
			int64_t		gain = line->price - held[h].low[piece];

			if (gain <= 0)
				continue;
			/* per unit, rounded up */
			gain = (gain - 1) / line->per_level + 1;
			if (gain > last || (gain == last && h <= last_held) ||
				(at >= 0 && gain <= best))
				continue;
			best = gain;
			at = h;
		}
		if (at < 0)
			return sum;
		per_level = work->lines[held[at].line].per_level;
		units = (int64_t) held[at].levels * per_level;
		if (units > limit)
		{
			int64_t		over = units - limit;

			sum += limit * best;
			if (best > survivor->beyond)
				sum += over * (best - survivor->beyond);
			else
				units = limit;
			limit = 0;
		}
		else
		{
			sum += units * best;
			limit -= units;
		}
		if (left)
			left[held[at].line] -= units * 256 / per_level;
		last = best;
		last_held = at;
	}
}

/*
 * Bound of a survivor's reduced cost at the present prices: along the lines
 * under its freight, with its caps.
 */
static int64_t
bound_survivor(const OmniSolveWork *work, OmniSolveSurvivor *survivor)
{
	const OmniSolveHeld *held = &work->held[survivor->first];
	int64_t		least = INT64_MAX;

	for (int i = 0; i < survivor->npieces; i++)
	{
		int64_t		reduced = survivor->piece[i];
		int64_t		units = 0;

		for (int h = 0; h < survivor->nheld; h++)
		{
			const OmniSolveWorkLine *line = &work->lines[held[h].line];
			int64_t		gain = line->price - held[h].low[i];

			if (gain <= 0)
				continue;
			reduced -= gain * held[h].levels;
			units += (int64_t) held[h].levels * line->per_level;
		}
		if (units > survivor->limit)
			reduced = survivor->piece[i] -
				gain_within(work, survivor, i, NULL);
		if (reduced < least)
		{
			least = reduced;
			survivor->best_piece = i;
			survivor->kind = units > survivor->limit ? BOUND_CAP : BOUND_LINE;
		}
	}
	least += survivor->base + work->toll;
	return least;
}

/* Take off what a survivor would ship, in 256ths of levels. */
static void
ship_from(const OmniSolveWork *work, const OmniSolveSurvivor *survivor,
		  int64_t *left)
{
	const OmniSolveHeld *held = &work->held[survivor->first];

	if (survivor->kind != BOUND_LINE)
	{
		gain_within(work, survivor, survivor->best_piece, left);
		return;
	}
	for (int h = 0; h < survivor->nheld; h++)
	{
		if (work->lines[held[h].line].price >
			held[h].low[survivor->best_piece])
			left[held[h].line] -= (int64_t) held[h].levels * 256;
	}
}

/*
 * Lower bound at the prices, of the active nodes' problem unless "all"; by how
 * much each line is under-shipped, in 256ths of levels, and, at the end, by how
 * much nodes are too many.
 */
int64_t
omni_sourcing_evaluate_prices(OmniSolveWork *work, int64_t *shortage,
							  bool all)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		sum = -(problem->split_penalty * OMNI_SOLVE_ONE) -
		work->toll * problem->max_nodes;
	int64_t		used = 0;
	int64_t		looked = 1;

	for (int l = 0; l < problem->nlines; l++)
	{
		shortage[l] = (int64_t) work->lines[l].levels * 256;
		sum += work->lines[l].price * work->lines[l].levels;
	}
	for (int s = 0; s < work->nsurvivors; s++)
	{
		OmniSolveSurvivor *survivor = &work->survivors[s];

		if (!all && !survivor->active)
			continue;
		looked += survivor->nheld;
		survivor->reduced = bound_survivor(work, survivor);
		if (survivor->reduced < 0 && all &&
			survivor->brackets > problem->brackets)
		{
			omni_sourcing_fit_leans(work, survivor);
			survivor->reduced = bound_survivor(work, survivor);
		}
		if (survivor->reduced >= 0)
			continue;
		sum += survivor->reduced;
		used++;
		ship_from(work, survivor, shortage);
	}
	shortage[problem->nlines] = problem->max_nodes > 0 ?
		(used - problem->max_nodes) * 256 : 0;
	spend(work, looked);
	return sum;
}

/* Nodes that no better solution uses leave. */
static void
drop_survivors(OmniSolveWork *work, int64_t distance)
{
	int			kept = 0;

	for (int s = 0; s < work->nsurvivors; s++)
	{
		if (work->survivors[s].reduced < distance)
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

	for (int l = 0; l <= nlines; l++)
	{
		/* half of where it was going before: fewer zigzags */
		course[l] = course[l] / 2 + shortage[l];
		if (l < nlines ? course[l] > 0 &&
			work->lines[l].price >= work->lines[l].unfilled :
			course[l] < 0 && work->toll == 0)
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
	work->toll += (int64_t)
		((__int128) distance * stride * course[nlines] / norm);
	if (work->toll < 0)
		work->toll = 0;
	return true;
}

/* Remember or restore the prices of all lines, and the toll. */
static void
save_prices(const OmniSolveWork *work, int64_t *prices)
{
	for (int l = 0; l < work->problem->nlines; l++)
		prices[l] = work->lines[l].price;
	prices[work->problem->nlines] = work->toll;
}

static void
load_prices(OmniSolveWork *work, const int64_t *prices)
{
	for (int l = 0; l < work->problem->nlines; l++)
		work->lines[l].price = prices[l];
	work->toll = prices[work->problem->nlines];
}

/* The floor at the present prices, with every refund. */
static void
set_floor(OmniSolveWork *work, int64_t *shortage)
{
	work->floor = omni_sourcing_evaluate_prices(work, shortage, true);
	work->refunds = 0;
	for (int s = 0; s < work->nsurvivors; s++)
	{
		OmniSolveSurvivor *survivor = &work->survivors[s];

		survivor->refund = survivor->reduced < 0 ? -survivor->reduced : 0;
		work->refunds += survivor->refund;
	}
}

/* A better solution would cost at most so much, scaled. */
static int64_t
target_of(const OmniSolveWork *work)
{
	return (work->best - 1) * OMNI_SOLVE_ONE;
}

/*
 * Prices that share each node's base among all that it holds: no node gains,
 * and nothing depends on the order of lines.
 */
static void
share_prices(OmniSolveWork *work)
{
	for (int l = 0; l < work->problem->nlines; l++)
		work->lines[l].price = work->lines[l].unfilled;
	for (int s = 0; s < work->nsurvivors; s++)
	{
		const OmniSolveSurvivor *survivor = &work->survivors[s];
		const OmniSolveHeld *held = &work->held[survivor->first];
		int64_t		levels = 0;

		for (int h = 0; h < survivor->nheld; h++)
			levels += held[h].levels;
		for (int h = 0; h < survivor->nheld; h++)
		{
			OmniSolveWorkLine *line = &work->lines[held[h].line];

			for (int i = 0; i < survivor->npieces; i++)
			{
				int64_t		price = held[h].low[i] +
					(survivor->base + survivor->piece[i]) / levels;

				if (price < line->price)
					line->price = price;
			}
		}
	}
	spend(work, 2 * work->nheld);
}

/* Of many survivors, let the steps look at the most likely ones alone. */
static void
activate_likely(OmniSolveWork *work)
{
	int64_t    *reduced = work->alone;
	int64_t		most = INT64_MAX;
	int			n = work->nsurvivors;

	if (n > ACTIVE)
	{
		/* the ACTIVE-th least, by bisection of values */
		int64_t		low = INT64_MAX;
		int64_t		high = INT64_MIN;

		for (int s = 0; s < n; s++)
		{
			reduced[s] = work->survivors[s].reduced;
			low = reduced[s] < low ? reduced[s] : low;
			high = reduced[s] > high ? reduced[s] : high;
		}
		for (int i = 0; i < 12 && low < high; i++)
		{
			int64_t		middle = low + (high - low) / 2;
			int			below = 0;

			for (int s = 0; s < n; s++)
				below += reduced[s] <= middle;
			if (below > ACTIVE)
				high = middle;
			else
				low = middle + 1;
		}
		most = high;
	}
	for (int s = 0; s < n; s++)
		work->survivors[s].active = work->survivors[s].reduced <= most;
}

/* Steps over the active nodes from the present prices, which become the best. */
static void
step_along(OmniSolveWork *work, int64_t *shortage, int64_t *course,
		   int64_t *best, int64_t highest, int64_t *stride)
{
	int			nlines = work->problem->nlines;
	int			idle = 0;

	save_prices(work, best);
	memset(course, 0, sizeof(int64_t) * (nlines + 1));
	for (int step = 1; step <= STEPS && *stride >= LAST_STRIDE; step++)
	{
		int64_t		now = omni_sourcing_evaluate_prices(work, shortage, false);
		int64_t		target = target_of(work);
		int64_t		distance;

		if (now > highest)
		{
			highest = now;
			*stride += *stride / 8;
			save_prices(work, best);
			idle = 0;
		}
		else if (++idle >= PATIENCE)
		{
			idle = 0;
			*stride /= 2;
			load_prices(work, best);
			memset(course, 0, sizeof(int64_t) * (nlines + 1));
			continue;
		}
		if (now > target || work->exhausted)
			break;
		/* the best may be far too high as yet */
		distance = target + 1 - now;
		if (now > 0 && distance > now / FAR_PART)
			distance = now / FAR_PART;
		if (!step_prices(work, shortage, course, distance, *stride))
			break;
	}
	load_prices(work, best);
}

/*
 * Improve prices, floor and bound for the survivors that were picked with the
 * whole gap; leaves those that remain with their refunds.
 */
void
omni_sourcing_improve_prices(OmniSolveWork *work)
{
	int			nlines = work->problem->nlines;
	int64_t    *shortage = work->scratch;
	int64_t    *course = shortage + nlines + 1;
	int64_t    *trial = course + nlines + 1;
	int64_t    *best = trial + nlines + 1;
	int64_t		stride = FIRST_STRIDE;
	/* a part of the budget: most is for what comes after */
	int64_t		enough = work->work +
		(work->limits.budget - work->work) / DUAL_BUDGET_PART;
	int64_t		highest;
	int64_t		now;

	highest = omni_sourcing_evaluate_prices(work, shortage, true);
	save_prices(work, best);
	share_prices(work);
	now = omni_sourcing_evaluate_prices(work, shortage, true);
	if (now > highest)
	{
		highest = now;
		save_prices(work, best);
	}
	load_prices(work, best);
	activate_likely(work);
	omni_sourcing_greedy(work);
	for (int round = 0; round < ROUNDS; round++)
	{
		now = omni_sourcing_evaluate_prices(work, shortage, true);
		if (now >= highest)
		{
			highest = now;
			save_prices(work, best);
		}
		if (now > target_of(work) || work->work > enough ||
			stride < LAST_STRIDE)
			break;
		for (int s = 0; s < work->nsurvivors; s++)
			work->survivors[s].active |= work->survivors[s].reduced < 0;
		drop_survivors(work, target_of(work) + 1 - now);
		if (round > 0 && nlines > FEW_LINES)
			omni_sourcing_change_set(work, omni_sourcing_greedy(work), false);
		step_along(work, shortage, course, trial, now, &stride);
	}
	if (whole_cents(highest) > work->bound)
		work->bound = whole_cents(highest);
	if (work->bound >= work->best)
		return;
	load_prices(work, best);
	omni_sourcing_change_set(work, omni_sourcing_greedy(work),
							 nlines > FEW_LINES);
	set_floor(work, shortage);
	drop_survivors(work, target_of(work) + 1 - work->floor);
}
