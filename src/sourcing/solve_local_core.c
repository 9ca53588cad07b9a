/*
 * solve_local_core.c
 *	  Better solutions by changing the set of nodes.
 *
 * What prices choose one by one is seldom the best choice of several nodes.
 * So a set of nodes is changed as long as that helps: a node comes, goes or
 * takes the place of another; where none of these helps, two go and up to two
 * others come.  A set is judged along straight lines under freight, each line
 * of the order by whoever of the set ships it cheapest; what is kept is priced
 * exactly, as always.
 *
 * For each line the set's ways to ship are segments, cheapest first, the last
 * being what is left unfilled.  A node that comes takes over from the dearest.
 */
#include <string.h>

#include "sourcing/solve_work.h"

#define CANDIDATES		64		/* survivors that may come */
#define MOST_MOVES		64
#define UNFILLED		(-1)

typedef struct Local
{
	OmniSolveWork *work;
	int			nchosen;
	int32_t		chosen[OMNI_SOLVE_CHOSEN];	/* survivors */
	int32_t		piece[OMNI_SOLVE_CHOSEN];	/* the line under its freight */
	int			ncandidates;
	int32_t    *candidates;		/* survivors */
} Local;

/* The segments of a line. */
static inline OmniSolveSegment *
segments_of(const OmniSolveWork *work, int l)
{
	return work->segments + (size_t) l * (OMNI_SOLVE_CHOSEN + 1);
}

/* Put what a chosen node holds into the segments, by cost. */
static void
insert_held(Local *local, int u)
{
	OmniSolveWork *work = local->work;
	const OmniSolveSurvivor *survivor = &work->survivors[local->chosen[u]];
	const OmniSolveHeld *held = &work->held[survivor->first];

	for (int h = 0; h < survivor->nheld; h++)
	{
		int			l = held[h].line;
		OmniSolveSegment *segments = segments_of(work, l);
		int64_t		cost = held[h].low[local->piece[u]];
		int			place = work->nsegments[l]++;

		for (; place > 0 && segments[place - 1].cost > cost; place--)
			segments[place] = segments[place - 1];
		segments[place].cost = cost;
		segments[place].levels = held[h].levels;
		segments[place].by = u;
	}
}

/*
 * The segments of the chosen nodes without two of them (-1: none left out);
 * what that costs, along straight lines.
 */
static int64_t
fill_segments(Local *local, int without, int nor)
{
	OmniSolveWork *work = local->work;
	int64_t		cost = 0;
	int64_t		looked = work->problem->nlines;

	memset(work->nsegments, 0, sizeof(int32_t) * work->problem->nlines);
	for (int u = 0; u < local->nchosen; u++)
	{
		const OmniSolveSurvivor *survivor = &work->survivors[local->chosen[u]];

		if (u == without || u == nor)
			continue;
		insert_held(local, u);
		cost += survivor->base + work->toll + survivor->piece[local->piece[u]];
		looked += survivor->nheld;
	}
	for (int l = 0; l < work->problem->nlines; l++)
	{
		const OmniSolveWorkLine *line = &work->lines[l];
		OmniSolveSegment *segments = segments_of(work, l);
		int64_t		unfilled = line->unfilled < OMNI_SOLVE_NEVER ?
			line->unfilled : work->missing;
		int32_t		open = line->levels;
		int			n = 0;

		for (; n < work->nsegments[l] && open > 0 &&
			 segments[n].cost < unfilled; n++)
		{
			if (segments[n].levels > open)
				segments[n].levels = open;
			open -= segments[n].levels;
			cost += segments[n].cost * segments[n].levels;
		}
		if (open > 0)
		{
			segments[n].cost = unfilled;
			segments[n].levels = open;
			segments[n++].by = UNFILLED;
			cost += unfilled * open;
		}
		work->nsegments[l] = n;
	}
	spend(work, looked);
	return cost;
}

/* What a survivor adds to the cost if it comes and takes over what it may. */
static int64_t
cost_of_coming(const Local *local, const OmniSolveSurvivor *survivor)
{
	const OmniSolveWork *work = local->work;
	const OmniSolveHeld *held = &work->held[survivor->first];
	int32_t		piece = survivor->best_piece;
	int64_t		cost = survivor->base + work->toll + survivor->piece[piece];

	for (int h = 0; h < survivor->nheld; h++)
	{
		int			l = held[h].line;
		const OmniSolveSegment *segments = segments_of(work, l);
		int32_t		levels = held[h].levels;

		for (int i = work->nsegments[l] - 1; i >= 0 && levels > 0; i--)
		{
			int64_t		gain = segments[i].cost - held[h].low[piece];
			int32_t		taken = segments[i].levels;

			if (gain <= 0)
				break;
			taken = taken < levels ? taken : levels;
			cost -= gain * taken;
			levels -= taken;
		}
	}
	return cost;
}

/* The candidate that lowers the cost most, or -1. */
static int32_t
best_coming(Local *local, int64_t *change)
{
	OmniSolveWork *work = local->work;
	int32_t		best = -1;
	int64_t		looked = 0;

	*change = 0;
	for (int c = 0; c < local->ncandidates; c++)
	{
		const OmniSolveSurvivor *survivor =
			&work->survivors[local->candidates[c]];
		int64_t		cost;

		if (work->used[local->candidates[c]])
			continue;
		cost = cost_of_coming(local, survivor);
		looked += survivor->nheld;
		if (cost < *change)
		{
			*change = cost;
			best = local->candidates[c];
		}
	}
	spend(work, looked);
	return best;
}

/* May one more come? */
static inline bool
has_place(const Local *local, int n)
{
	int			most = local->work->problem->max_nodes;

	return n < OMNI_SOLVE_CHOSEN && (most == 0 || n < most);
}

/* Take one off the set. */
static void
let_go(Local *local, int u)
{
	local->work->used[local->chosen[u]] = 0;
	local->nchosen--;
	local->chosen[u] = local->chosen[local->nchosen];
	local->piece[u] = local->piece[local->nchosen];
}

static void
let_come(Local *local, int32_t s)
{
	local->work->used[s] = 1;
	local->chosen[local->nchosen] = s;
	local->piece[local->nchosen++] = local->work->survivors[s].best_piece;
}

/* Give each chosen node the line that is lowest for what it ships. */
static void
fit_pieces(Local *local)
{
	OmniSolveWork *work = local->work;

	fill_segments(local, -1, -1);
	for (int u = 0; u < local->nchosen; u++)
	{
		const OmniSolveSurvivor *survivor = &work->survivors[local->chosen[u]];
		const OmniSolveHeld *held = &work->held[survivor->first];
		int64_t		least = INT64_MAX;

		for (int i = 0; i < survivor->npieces; i++)
		{
			int64_t		cost = survivor->piece[i];

			for (int h = 0; h < survivor->nheld; h++)
			{
				const OmniSolveSegment *segments =
					segments_of(work, held[h].line);

				for (int n = 0; n < work->nsegments[held[h].line]; n++)
				{
					if (segments[n].by == u)
						cost += held[h].low[i] * segments[n].levels;
				}
			}
			if (cost < least)
			{
				least = cost;
				local->piece[u] = i;
			}
		}
	}
}

/* Price the set exactly, and keep it if it is the best so far. */
static void
offer_chosen(Local *local)
{
	OmniSolveWork *work = local->work;
	OmniSolvePart *parts = work->trial_parts;
	int64_t		cap[OMNI_SOLVE_CHOSEN];
	int			nparts = 0;

	fit_pieces(local);
	fill_segments(local, -1, -1);
	for (int u = 0; u < local->nchosen; u++)
		cap[u] = work->nodes[work->survivors[local->chosen[u]].node].cap;
	for (int l = 0; l < work->problem->nlines; l++)
	{
		const OmniSolveSegment *segments = segments_of(work, l);
		int32_t		per_level = work->lines[l].per_level;

		for (int i = 0; i < work->nsegments[l]; i++)
		{
			int			u = segments[i].by;
			int64_t		levels = segments[i].levels;

			if (u == UNFILLED)
				continue;
			if (levels * per_level > cap[u])
				levels = cap[u] / per_level;
			if (levels == 0)
				continue;
			cap[u] -= levels * per_level;
			parts[nparts].node = work->survivors[local->chosen[u]].node;
			parts[nparts].line = l;
			parts[nparts++].units = (int32_t) (levels * per_level);
		}
	}
	spend(work, 4 * nparts);
	omni_sourcing_offer_parts(work, parts, nparts);
}

/* One comes, goes or takes another's place, as soon as that helps. */
static bool
change_one(Local *local)
{
	int64_t		now = fill_segments(local, -1, -1);
	bool		changed = false;

	if (has_place(local, local->nchosen))
	{
		int64_t		change;
		int32_t		s = best_coming(local, &change);

		if (s >= 0)
		{
			let_come(local, s);
			now += change;
			changed = true;
		}
	}
	for (int u = 0; u < local->nchosen && !local->work->exhausted; u++)
	{
		int64_t		cost = fill_segments(local, u, -1);
		int64_t		change;
		int32_t		s = best_coming(local, &change);

		if (cost + change >= now)
			continue;
		now = cost + change;
		changed = true;
		let_go(local, u);
		if (s >= 0)
			let_come(local, s);
		u--;
	}
	return changed;
}

/* Two go, up to two come. */
static bool
change_two(Local *local)
{
	OmniSolveWork *work = local->work;
	int64_t		now = fill_segments(local, -1, -1);
	Local		before = *local;

	for (int u = 0; u < before.nchosen; u++)
	{
		for (int v = u + 1; v < before.nchosen && !work->exhausted; v++)
		{
			int64_t		cost;
			int64_t		change;
			int32_t		s;
			int32_t		t = -1;

			*local = before;
			let_go(local, v);
			let_go(local, u);
			cost = fill_segments(local, -1, -1);
			s = best_coming(local, &change);
			if (s >= 0)
			{
				cost += change;
				let_come(local, s);
				fill_segments(local, -1, -1);
				t = best_coming(local, &change);
				cost += change;
			}
			if (t >= 0)
				let_come(local, t);
			if (cost < now)
				return true;
			if (t >= 0)
				work->used[t] = 0;
			if (s >= 0)
				work->used[s] = 0;
			work->used[before.chosen[u]] = 1;
			work->used[before.chosen[v]] = 1;
		}
	}
	*local = before;
	return false;
}

/* The likeliest survivors, by reduced cost (bisection of values). */
static void
find_candidates(Local *local)
{
	OmniSolveWork *work = local->work;
	int64_t		low = INT64_MAX;
	int64_t		high = INT64_MIN;

	for (int s = 0; s < work->nsurvivors; s++)
	{
		int64_t		reduced = work->survivors[s].reduced;

		low = reduced < low ? reduced : low;
		high = reduced > high ? reduced : high;
	}
	for (int i = 0; i < 12 && low < high && work->nsurvivors > CANDIDATES; i++)
	{
		int64_t		middle = low + (high - low) / 2;
		int			below = 0;

		for (int s = 0; s < work->nsurvivors; s++)
			below += work->survivors[s].reduced <= middle;
		if (below > CANDIDATES)
			high = middle;
		else
			low = middle + 1;
	}
	local->candidates = work->path_best;
	local->ncandidates = 0;
	for (int s = 0; s < work->nsurvivors; s++)
	{
		if (work->survivors[s].reduced <= high)
			local->candidates[local->ncandidates++] = s;
	}
	spend(work, work->nsurvivors);
}

/* Price a set of survivors, given in work->path, as it is. */
void
omni_sourcing_offer_set(OmniSolveWork *work, int nchosen)
{
	Local		local = {.work = work};

	if (nchosen > OMNI_SOLVE_CHOSEN)
		return;
	memset(work->used, 0, work->nsurvivors);
	for (int u = 0; u < nchosen; u++)
		let_come(&local, work->path[u]);
	offer_chosen(&local);
}

/*
 * Improve a set of survivors, given in work->path, and keep what is best;
 * "two": also by letting two go at once, which takes longer.
 */
void
omni_sourcing_change_set(OmniSolveWork *work, int nchosen, bool two)
{
	Local		local = {.work = work};

	if (nchosen > OMNI_SOLVE_CHOSEN || work->exhausted)
		return;
	memset(work->used, 0, work->nsurvivors);
	for (int u = 0; u < nchosen; u++)
		let_come(&local, work->path[u]);
	find_candidates(&local);
	for (int move = 0; move < MOST_MOVES && !work->exhausted; move++)
	{
		fit_pieces(&local);
		if (!change_one(&local) && !(two && change_two(&local)))
			break;
	}
	offer_chosen(&local);
}
