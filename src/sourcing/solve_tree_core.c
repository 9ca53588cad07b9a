/*
 * solve_tree_core.c
 *	  A bound for what no price can prove: which nodes are used, by branching.
 *
 * A few nodes must share a large order, and prices alone prove little there:
 * they let tenths of many nodes serve together what whole ones cannot.  So here
 * nodes are taken in or left out, one at a time, and prices follow: what a node
 * that is in has in full costs no more than it asks, so that all other nodes
 * gain less by it; what is still open may then become dearer.
 *
 * Each straight line under a node's freight is a site: a base cost and costs
 * per level.  A site's slack is its reduced cost.  For any prices, whatever
 * sites are in, every solution that uses them and none that is out costs
 *
 *	 sum of levels * p + (reduced cost of each site that is in)
 *		 + sum of negative slacks - split penalty - toll * max_nodes
 *
 * or more (the floor of solve_work.h), so a branch ends where that reaches the
 * target, and so does a site whose slack reaches what is left of it.
 *
 * The target grows: each complete search proves that nothing is below it.
 */
#include <string.h>

#include "sourcing/solve_tree.h"

/* How much of the distance to the best solution is aimed at, in 16ths … */
#define AIM			4
/* … but all of it where that is such a part of the cost */
#define SMALL_PART	128
/* steps towards a better slope, and how often that is done for all of them */
#define TURNS		6
#define SWEEPS		2
/* steps of the first attempt to share an order among known nodes */
#define MOST_SHARING	4000

#define PIECE_OF(name)		((name) % OMNI_SOLVE_PIECES)
#define SURVIVOR_OF(name)	((name) / OMNI_SOLVE_PIECES)

/* Room for a frame of so many sites and holders. */
static bool
make_frame(OmniSolveTree *tree, OmniSolveFrame *frame, int ninside, int32_t nsites,
		   int32_t nholders)
{
	size_t		nlines = tree->work->problem->nlines;

	frame->nsites = 0;
	frame->ninside = ninside;
	frame->inside = omni_sourcing_tree_room(tree, sizeof(OmniSolveInside) * ninside);
	for (int i = 0; i < ninside; i++)
	{
		OmniSolveHolder *row =
			omni_sourcing_tree_room(tree, sizeof(OmniSolveHolder) * nlines);


		if (row == NULL)
			return false;
		frame->inside[i].row = row;
	}
	frame->top = omni_sourcing_tree_room(tree, sizeof(int64_t) * nlines);
	frame->cap = omni_sourcing_tree_room(tree, sizeof(int64_t) * nlines);
	frame->price = omni_sourcing_tree_room(tree, sizeof(int64_t) * nlines);
	frame->start = omni_sourcing_tree_room(tree, sizeof(int32_t) * (nlines + 1));
	frame->slack = omni_sourcing_tree_room(tree, sizeof(int64_t) * nsites);
	frame->name = omni_sourcing_tree_room(tree, sizeof(int32_t) * nsites);
	frame->holders = omni_sourcing_tree_room(tree, sizeof(OmniSolveHolder) * nholders);
	return frame->holders != NULL;
}

static inline int64_t
above(int64_t a, int64_t b)
{
	return a > b ? a - b : 0;
}

/* What those that are in gain when a line's price goes from a to b. */
static int64_t
gain_inside(const OmniSolveFrame *frame, int l, int64_t a, int64_t b)
{
	int64_t		gain = 0;

	for (int i = 0; i < frame->ninside; i++)
	{
		const OmniSolveHolder *row = &frame->inside[i].row[l];

		gain += row->levels * (above(b, row->low) - above(a, row->low));
	}
	return gain;
}

/* Set a line's price in a frame. */
static void
move_price(OmniSolveTree *tree, OmniSolveFrame *frame, int l, int64_t price)
{
	int64_t		before = frame->price[l];
	const OmniSolveHolder *end = &frame->holders[frame->start[l + 1]];

	frame->floor += tree->work->lines[l].levels * (price - before) -
		gain_inside(frame, l, before, price);
	for (const OmniSolveHolder *h = &frame->holders[frame->start[l]]; h < end; h++)
		frame->slack[h->site] -= h->levels *
			(above(price, h->low) - above(before, h->low));
	frame->price[l] = price;
}

/* Raise a line's price, half as far as it can or all the way. */
static void
raise_line(OmniSolveTree *tree, OmniSolveFrame *frame, int l, bool half)
{
	const OmniSolveWorkLine *line = &tree->work->lines[l];
	int64_t		price = frame->price[l];
	int64_t		most = frame->top[l];
	const OmniSolveHolder *end = &frame->holders[frame->start[l + 1]];

	if (price >= most)
		return;
	for (const OmniSolveHolder *h = &frame->holders[frame->start[l]]; h < end; h++)
	{
		int64_t		limit = h->low > price ? h->low : price;

		if (limit >= most)
			continue;
		if (frame->slack[h->site] > 0)
			limit += h->levels == 1 ? frame->slack[h->site] :
				frame->slack[h->site] / h->levels;
		if (limit < most)
			most = limit;
	}
	if (half)
		most = price + (most - price) / 2;
	if (most <= price || line->levels * (most - price) <=
		gain_inside(frame, l, price, most))
		return;
	move_price(tree, frame, l, most);
}

/*
 * Raise prices and drop the sites that are too dear; the bound that results.
 */
static int64_t
raise_frame(OmniSolveTree *tree, OmniSolveFrame *frame)
{
	OmniSolveWork *work = tree->work;
	int64_t		bound = frame->floor;

	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 0; i < work->problem->nlines; i++)
		{
			raise_line(tree, frame, work->order[i], pass == 0);
		}
	}
	bound = frame->floor;
	for (int s = 0; s < frame->nsites; s++)
		bound += frame->slack[s] < 0 ? frame->slack[s] : 0;
	for (int s = 0; s < frame->nsites && bound < tree->target; s++)
	{
		if (frame->slack[s] >= tree->target - bound)
			frame->slack[s] = OMNI_SOLVE_NEVER;
	}
	spend(work, frame->nsites + 2 * frame->start[work->problem->nlines]);
	return bound;
}

/* The site to branch on; -1: nothing is left to decide. */
static int32_t
branch_site(const OmniSolveTree *tree, const OmniSolveFrame *frame)
{
	const OmniSolveWork *work = tree->work;
	int32_t		fewest = INT32_MAX;
	int32_t		best = -1;
	int64_t		least = 0;

	for (int l = 0; l < work->problem->nlines; l++)
	{
		const OmniSolveHolder *end = &frame->holders[frame->start[l + 1]];
		int32_t		count = 0;
		int32_t		site = -1;
		int64_t		least_slack = OMNI_SOLVE_NEVER / 2;

		if (frame->price[l] >= frame->top[l])
			continue;
		for (const OmniSolveHolder *h = &frame->holders[frame->start[l]]; h < end; h++)
		{
			if (frame->slack[h->site] >= OMNI_SOLVE_NEVER / 2)
				continue;
			count++;
			if (frame->slack[h->site] < least_slack)
			{
				least_slack = frame->slack[h->site];
				site = h->site;
			}
		}
		if (site >= 0 && count < fewest)
		{
			fewest = count;
			best = site;
		}
	}
	for (int s = 0; s < frame->nsites && best < 0; s++)
	{
		if (frame->slack[s] < least)
		{
			least = frame->slack[s];
			best = s;
		}
	}
	return best;
}

/* Let a site that is in have this slope: its base and what levels cost. */
static void
set_slope(const OmniSolveTree *tree, OmniSolveInside *inside, int64_t slope)
{
	const OmniSolveWork *work = tree->work;
	OmniSolveSurvivor *survivor = &work->survivors[inside->survivor];
	const OmniSolveHeld *held = &work->held[survivor->first];
	int64_t		least = INT64_MAX;

	for (int32_t b = inside->lo; b <= inside->hi; b++)
	{
		int64_t		over = inside->freight[b] - b * slope;

		least = over < least ? over : least;
	}
	inside->slope = slope;
	inside->base = survivor->base + work->toll + least;
	for (int h = 0; h < survivor->nheld; h++)
		inside->row[held[h].line].low = held[h].cost +
			rise_of(&work->lines[held[h].line], slope);
}

/*
 * What those that are in cost with all that they have, at prices that make
 * them even; sets the tops and loads.
 */
static int64_t
cost_inside(const OmniSolveTree *tree, OmniSolveFrame *frame)
{
	const OmniSolveWork *work = tree->work;
	int64_t		cost = 0;

	for (int i = 0; i < frame->ninside; i++)
	{
		cost += frame->inside[i].base;
		frame->inside[i].load = 0;
	}
	for (int l = 0; l < work->problem->nlines; l++)
	{
		int32_t		levels = work->lines[l].levels;
		int64_t		top = work->lines[l].unfilled < OMNI_SOLVE_NEVER ?
			work->lines[l].unfilled : work->missing;
		int64_t		price;
		int			owner = -1;

		for (int i = 0; i < frame->ninside; i++)
		{
			const OmniSolveHolder *row = &frame->inside[i].row[l];

			if (row->levels == levels && row->low < top)
			{
				top = row->low;
				owner = i;
			}
		}
		frame->top[l] = top;
		price = frame->price[l] < top ? frame->price[l] : top;
		cost += levels * price;
		if (owner >= 0)
			frame->inside[owner].load += levels * work->lines[l].weight;
		for (int i = 0; i < frame->ninside; i++)
		{
			const OmniSolveHolder *row = &frame->inside[i].row[l];

			if (row->levels == 0 || row->low >= price)
				continue;
			cost -= row->levels * (price - row->low);
			if (owner < 0)
				frame->inside[i].load += row->levels * work->lines[l].weight;
		}
	}
	spend(tree->work, frame->ninside * work->problem->nlines / 4);
	return cost;
}

/* The brackets that a site would like at its slope. */
static int32_t
wanted_brackets(const OmniSolveInside *inside)
{
	int64_t		least = INT64_MAX;
	int32_t		wanted = inside->lo;

	for (int32_t b = inside->lo; b <= inside->hi; b++)
	{
		if (inside->freight[b] - b * inside->slope < least)
		{
			least = inside->freight[b] - b * inside->slope;
			wanted = b;
		}
	}
	return wanted;
}

/*
 * Move one slope to where those that are in cost most: up where more is to be
 * shipped than the site would like, down where less.  Is it any better now?
 */
static bool
fit_slope(const OmniSolveTree *tree, OmniSolveFrame *frame,
		  OmniSolveInside *inside, int64_t *most)
{
	const OmniSolveProblem *problem = tree->work->problem;
	int64_t		wanted = wanted_brackets(inside) * problem->bracket;
	int64_t		best = inside->slope;
	int64_t		step = best / 4 + OMNI_SOLVE_ONE;
	bool		better = false;

	if (inside->load <= wanted)
	{
		if (inside->load > wanted - problem->bracket || best == 0)
			return false;
		step = -step;
	}
	for (int turn = 0; turn < TURNS; turn++)
	{
		int64_t		slope = best + step;
		int64_t		cost;

		slope = slope < 0 ? 0 : slope;
		slope = slope > tree->steepest ? tree->steepest : slope;
		if (slope == best)
			break;
		set_slope(tree, inside, slope);
		cost = cost_inside(tree, frame);
		if (cost > *most)
		{
			*most = cost;
			best = slope;
			better = true;
			step *= 2;
		}
		else
			step = better ? -step / 4 : step / 2;
	}
	spend(tree->work, (inside->hi - inside->lo) * TURNS / 4);
	if (inside->slope != best)
	{
		set_slope(tree, inside, best);
		cost_inside(tree, frame);
	}
	return better;
}

/* Find slopes that make those that are in cost most. */
static void
fit_slopes(const OmniSolveTree *tree, OmniSolveFrame *frame, int sweeps)
{
	int64_t		most = cost_inside(tree, frame);

	for (int sweep = 0; sweep < sweeps; sweep++)
	{
		bool		better = false;

		for (int i = 0; i < frame->ninside; i++)
			better |= fit_slope(tree, frame, &frame->inside[i], &most);
		if (!better)
			break;
	}
}

/* Put a site in: its freight and row, and what no price may exceed then. */
static bool
put_inside(OmniSolveTree *tree, OmniSolveFrame *frame, int32_t name)
{
	const OmniSolveWork *work = tree->work;
	const OmniSolveProblem *problem = work->problem;
	int32_t		piece = PIECE_OF(name);
	const OmniSolveSurvivor *survivor = &work->survivors[SURVIVOR_OF(name)];
	const OmniSolveHeld *held = &work->held[survivor->first];
	OmniSolveInside	   *inside = &frame->inside[frame->ninside - 1];
	int64_t		lean = survivor->lean[piece];
	int64_t		slope;
	int64_t    *freight;

	inside->survivor = SURVIVOR_OF(name);
	inside->lo = 1;
	inside->hi = (int32_t) survivor->brackets;
	freight = omni_sourcing_tree_room(tree, sizeof(int64_t) * (inside->hi + 1));
	if (freight == NULL)
		return false;
	for (int32_t b = 1; b <= inside->hi; b++)
		freight[b] = omni_sourcing_freight(problem,
										   problem->nodes[survivor->node].freight,
										   b, NULL) * OMNI_SOLVE_ONE;
	inside->freight = freight;
	memset(inside->row, 0, sizeof(OmniSolveHolder) * problem->nlines);
	for (int h = 0; h < survivor->nheld; h++)
		inside->row[held[h].line].levels = held[h].levels;
	set_slope(tree, inside, tree->steepest);
	for (int h = 0; h < survivor->nheld; h++)
	{
		int			l = held[h].line;

		if (held[h].levels == work->lines[l].levels &&
			inside->row[l].low < frame->cap[l])
			frame->cap[l] = inside->row[l].low;
	}
	slope = ((OMNI_SOLVE_LEAN - lean) * survivor->rise[piece][0] +
			 lean * survivor->rise[piece][1]) >> 4;
	set_slope(tree, inside, slope < tree->steepest ? slope : tree->steepest);
	spend(tree->work, inside->hi * 2);
	return true;
}

/* Where no other site can block it, a covered line may be as dear as it gets. */
static void
free_prices(const OmniSolveWork *work, OmniSolveFrame *frame)
{
	for (int l = 0; l < work->problem->nlines; l++)
	{
		for (int i = 0; i < frame->ninside; i++)
		{
			if (frame->inside[i].row[l].levels == work->lines[l].levels)
				frame->price[l] = frame->cap[l];
		}
	}
}

/*
 * The frame in which a site is in, too, or (no site) one that is in has other
 * limits.
 */
static bool
make_child(OmniSolveTree *tree, const OmniSolveFrame *frame, int32_t site,
		   const OmniSolveInside *changed, OmniSolveFrame *child)
{
	OmniSolveWork *work = tree->work;
	int			nlines = work->problem->nlines;
	OmniSolveFrame		trial = *frame;
	int64_t		bound;
	int32_t    *number = work->path;
	int32_t		n = 0;

	if ((site >= 0 && frame->ninside == OMNI_SOLVE_CHOSEN) ||
		!make_frame(tree, child, frame->ninside + (site >= 0), frame->nsites,
					frame->start[nlines]))
		return false;
	for (int i = 0; i < frame->ninside; i++)
	{
		OmniSolveHolder	   *row = child->inside[i].row;

		child->inside[i] = frame->inside[i];
		child->inside[i].row = row;
		memcpy(row, frame->inside[i].row, sizeof(OmniSolveHolder) * nlines);
		if (changed && changed->survivor == child->inside[i].survivor)
		{
			child->inside[i].lo = changed->lo;
			child->inside[i].hi = changed->hi;
			set_slope(tree, &child->inside[i], changed->slope);
		}
	}
	/* the child's prices and slacks, with the old lists */
	memcpy(child->cap, frame->cap, sizeof(int64_t) * nlines);
	memcpy(child->price, frame->price, sizeof(int64_t) * nlines);
	memcpy(child->slack, frame->slack, sizeof(int64_t) * frame->nsites);
	if (site >= 0 && !put_inside(tree, child, frame->name[site]))
		return false;
	if (frame->nsites == 0)
		free_prices(work, child);
	fit_slopes(tree, child, site >= 0 ? 1 : SWEEPS);
	trial.price = child->price;
	trial.slack = child->slack;
	trial.ninside = 0;
	for (int l = 0; l < nlines; l++)
	{
		if (child->price[l] > child->top[l])
			move_price(tree, &trial, l, child->top[l]);
	}
	child->floor = tree->fixed + cost_inside(tree, child);
	for (int s = 0; s < frame->nsites && site >= 0; s++)
	{
		if (SURVIVOR_OF(frame->name[s]) == SURVIVOR_OF(frame->name[site]))
			child->slack[s] = OMNI_SOLVE_NEVER;
	}
	bound = child->floor;
	for (int s = 0; s < frame->nsites; s++)
		bound += child->slack[s] < 0 ? child->slack[s] : 0;
	for (int s = 0; s < frame->nsites; s++)
	{
		number[s] = -1;
		if (child->slack[s] >= tree->target - bound)
			continue;
		number[s] = n;
		child->slack[n] = child->slack[s];
		child->name[n++] = frame->name[s];
	}
	child->nsites = n;
	n = 0;
	for (int l = 0; l < nlines; l++)
	{
		const OmniSolveHolder *end = &frame->holders[frame->start[l + 1]];

		child->start[l] = n;
		for (const OmniSolveHolder *h = &frame->holders[frame->start[l]]; h < end; h++)
		{
			if (number[h->site] < 0 || h->low >= child->cap[l])
				continue;
			child->holders[n] = *h;
			child->holders[n++].site = number[h->site];
		}
	}
	child->start[nlines] = n;
	spend(work, frame->nsites + 2 * frame->start[nlines]);
	return true;
}

/* Offer the sites that are in as a solution. */
static void
offer_sites(OmniSolveTree *tree, const OmniSolveFrame *frame)
{
	OmniSolveWork *work = tree->work;
	OmniSolvePart *parts = work->trial_parts;
	int64_t		cap[OMNI_SOLVE_CHOSEN];
	int			nparts = 0;

	for (int i = 0; i < frame->ninside; i++)
		cap[i] = work->nodes[work->survivors[frame->inside[i].survivor].node].cap;
	for (int l = 0; l < work->problem->nlines; l++)
	{
		const OmniSolveWorkLine *line = &work->lines[l];
		int64_t		open = line->levels;
		uint32_t	asked = 0;

		while (open > 0)
		{
			int			best = -1;
			int64_t		levels;

			for (int i = 0; i < frame->ninside; i++)
			{
				const OmniSolveHolder *row = &frame->inside[i].row[l];

				if (row->levels > 0 && !(asked >> i & 1) &&
					(best < 0 || row->low < frame->inside[best].row[l].low))
					best = i;
			}
			if (best < 0 || frame->inside[best].row[l].low >= line->unfilled)
				break;
			asked |= (uint32_t) 1 << best;
			levels = frame->inside[best].row[l].levels;
			levels = levels < open ? levels : open;
			if (levels * line->per_level > cap[best])
				levels = cap[best] / line->per_level;
			if (levels == 0)
				continue;
			cap[best] -= levels * line->per_level;
			open -= levels;
			parts[nparts].node =
				work->survivors[frame->inside[best].survivor].node;
			parts[nparts].line = l;
			parts[nparts++].units = (int32_t) (levels * line->per_level);
		}
	}
	spend(work, 4 * nparts);
	omni_sourcing_offer_parts(work, parts, nparts);
	lower_target(tree);
}

/*
 * The site that is in whose freight is furthest above its line, of those whose
 * limits hold a different number of parcels; false: there is none.
 */
static bool
find_split(const OmniSolveTree *tree, const OmniSolveFrame *frame,
		   OmniSolveInside *below)
{
	const OmniSolveProblem *problem = tree->work->problem;
	int64_t		furthest = 0;

	for (int i = 0; i < frame->ninside; i++)
	{
		const OmniSolveInside *inside = &frame->inside[i];
		int64_t		b = brackets_of(problem, inside->load);
		int64_t		parcel = (b + problem->brackets / 2) / problem->brackets *
			problem->brackets;
		int64_t		line = inside->base - tree->work->toll -
			tree->work->survivors[inside->survivor].base +
			inside->slope * b;
		int64_t		away;

		if (parcel == 0)
			parcel = problem->brackets;
		if (parcel < inside->lo || parcel >= inside->hi)
			continue;
		b = b < inside->lo ? inside->lo : b > inside->hi ? inside->hi : b;
		away = inside->freight[b] - line;
		if (away <= furthest)
			continue;
		furthest = away;
		*below = *inside;
		below->hi = (int32_t) parcel;
	}
	return furthest > 0;
}

static bool search_frame(OmniSolveTree *tree, OmniSolveFrame *frame);

/* Search below a frame with one more site. */
static bool
search_child(OmniSolveTree *tree, const OmniSolveFrame *frame, int32_t site)
{
	size_t		used = tree->used;
	OmniSolveFrame		child;
	bool		done = make_child(tree, frame, site, NULL, &child) &&
		search_frame(tree, &child);

	tree->used = used;
	return done;
}

/*
 * What those that are in can do among themselves: divide by parcels, then try
 * all ways to share.  False: no room.
 */
static bool
search_alone(OmniSolveTree *tree, const OmniSolveFrame *frame,
			 const OmniSolveInside *changed)
{
	size_t		used = tree->used;
	OmniSolveFrame		alone;
	int64_t		bound;
	OmniSolveInside		part;
	bool		done = true;

	if (!make_child(tree, frame, -1, changed, &alone))
		return false;
	bound = raise_frame(tree, &alone);
	if (bound < tree->target)
	{
		offer_sites(tree, &alone);
		if (find_split(tree, &alone, &part))
		{
			int32_t		hi = part.hi;

			done = search_alone(tree, &alone, &part);
			part.lo = hi + 1;
			for (int i = 0; i < alone.ninside; i++)
			{
				if (alone.inside[i].survivor == part.survivor)
					part.hi = alone.inside[i].hi;
			}
			done = done && search_alone(tree, &alone, &part);
		}
		else if (!omni_sourcing_share_order(tree, &alone, bound))
		{
			if (bound < tree->least)
				tree->least = bound;
		}
	}
	tree->used = used;
	return done && !tree->work->exhausted;
}

/* The cheapest site that could still come, or -1. */
static int32_t
least_site(const OmniSolveFrame *frame, int64_t room)
{
	int32_t		best = -1;

	for (int s = 0; s < frame->nsites; s++)
	{
		if (frame->slack[s] < room)
		{
			room = frame->slack[s];
			best = s;
		}
	}
	return best;
}

/* Search below a frame; false: the budget or the room is used up. */
static bool
search_frame(OmniSolveTree *tree, OmniSolveFrame *frame)
{
	bool		tried = false;

	for (;;)
	{
		int64_t		bound = raise_frame(tree, frame);
		int32_t		site;

		if (tree->work->exhausted)
			return false;
		if (bound >= tree->target)
			return true;
		site = branch_site(tree, frame);
		if (site < 0)
		{
			/* all is served, but others may still do it better */
			if (!tried)
			{
				OmniSolveFrame		few = *frame;

				few.nsites = 0;
				few.start = tree->nowhere;
				tried = true;
				if (!search_alone(tree, &few, NULL))
					return false;
			}
			site = least_site(frame, tree->target - bound);
			if (site < 0)
				return true;
		}
		if (!search_child(tree, frame, site))
			return false;
		/* whoever is in may choose among its lines: they are done, too */
		for (int s = 0; s < frame->nsites; s++)
		{
			if (SURVIVOR_OF(frame->name[s]) == SURVIVOR_OF(frame->name[site]))
				frame->slack[s] = OMNI_SOLVE_NEVER;
		}
	}
}

/* All sites, at the prices at hand. */
static bool
root_frame(OmniSolveTree *tree, OmniSolveFrame *frame)
{
	OmniSolveWork *work = tree->work;
	const OmniSolveProblem *problem = work->problem;
	int32_t		n;
	int32_t		nholders;

	if (!make_frame(tree, frame, 0, work->nsurvivors * OMNI_SOLVE_PIECES,
					work->nheld * OMNI_SOLVE_PIECES))
		return false;
	frame->floor = tree->fixed;
	for (int l = 0; l < problem->nlines; l++)
	{
		frame->price[l] = work->lines[l].price;
		frame->top[l] = work->lines[l].unfilled < OMNI_SOLVE_NEVER ?
			work->lines[l].unfilled : work->missing;
		frame->cap[l] = frame->top[l];
		frame->floor += frame->price[l] * work->lines[l].levels;
	}
	memset(frame->start, 0, sizeof(int32_t) * (problem->nlines + 1));
	nholders = 0;
	for (int s = 0; s < work->nsurvivors; s++)
	{
		const OmniSolveSurvivor *survivor = &work->survivors[s];
		const OmniSolveHeld *held = &work->held[survivor->first];

		for (int i = 0; i < survivor->npieces; i++)
		{
			int64_t		slack = survivor->base + work->toll +
				survivor->piece[i];

			for (int h = 0; h < survivor->nheld; h++)
				slack -= held[h].levels *
					above(frame->price[held[h].line], held[h].low[i]);
			if (slack >= tree->target - work->floor)
				continue;
			for (int h = 0; h < survivor->nheld; h++)
				frame->start[held[h].line + 1]++;
			nholders += survivor->nheld;
			frame->slack[frame->nsites] = slack;
			frame->name[frame->nsites++] = s * OMNI_SOLVE_PIECES + i;
		}
	}
	for (int l = 0; l < problem->nlines; l++)
		frame->start[l + 1] += frame->start[l];
	for (n = frame->nsites - 1; n >= 0; n--)
	{
		const OmniSolveSurvivor *survivor =
			&work->survivors[SURVIVOR_OF(frame->name[n])];
		const OmniSolveHeld *held = &work->held[survivor->first];

		/* from the end of each list, which moves to its start */
		for (int h = 0; h < survivor->nheld; h++)
		{
			OmniSolveHolder	   *holder =
				&frame->holders[--frame->start[held[h].line + 1]];

			holder->site = n;
			holder->levels = held[h].levels;
			holder->low = held[h].low[PIECE_OF(frame->name[n])];
		}
	}
	/* the starts are one place too far */
	memmove(frame->start, frame->start + 1,
			sizeof(int32_t) * problem->nlines);
	frame->start[problem->nlines] = nholders;
	spend(work, 3 * work->nheld);
	return true;
}

/* No line needs to be steeper: twice what full parcels cost. */
static int64_t
steepest_slope(const OmniSolveWork *work)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		steepest = 0;

	for (int o = 0; o < problem->noptions; o++)
	{
		int64_t		slope = problem->options[o].cost[problem->brackets] *
			OMNI_SOLVE_ONE / problem->brackets;

		steepest = slope > steepest ? slope : steepest;
	}
	return 2 * steepest;
}

/*
 * Raise the bound by branching, with a target that grows.
 */
void
omni_sourcing_branch(OmniSolveWork *work)
{
	OmniSolveTree		tree = {.work = work,.room = (char *) work->columns,
		.size = sizeof(OmniSolveColumn) * OMNI_SOLVE_COLUMNS,
		.most_sharing = MOST_SHARING};

	tree.steepest = steepest_slope(work);
	tree.fixed = -(work->problem->split_penalty * OMNI_SOLVE_ONE) -
		work->toll * work->problem->max_nodes;
	while (work->bound < work->best && !work->exhausted)
	{
		int64_t		whole = (work->best - 1) * OMNI_SOLVE_ONE + 1;
		int64_t		proven = (work->bound - 1) * OMNI_SOLVE_ONE + 1;
		OmniSolveFrame		frame;

		tree.used = 0;
		tree.nowhere = omni_sourcing_tree_room(&tree, sizeof(int32_t) *
								 (work->problem->nlines + 1));
		memset(tree.nowhere, 0, sizeof(int32_t) * (work->problem->nlines + 1));
		tree.target = whole - (whole - proven) * (16 - AIM) / 16;
		if (tree.target < proven + OMNI_SOLVE_ONE)
			tree.target = proven + OMNI_SOLVE_ONE;
		if (tree.target > whole || whole - proven < whole / SMALL_PART)
			tree.target = whole;
		tree.least = INT64_MAX;
		if (!root_frame(&tree, &frame) || !search_frame(&tree, &frame))
			return;
		if (tree.target < tree.least)
			tree.least = tree.target;
		/* the same again, but try longer where that was not enough */
		else if (tree.most_sharing < work->limits.budget)
			tree.most_sharing *= 8;
		else
			return;
		if (whole_cents(tree.least) > work->bound)
			work->bound = whole_cents(tree.least);
	}
}
