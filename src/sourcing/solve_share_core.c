/*
 * solve_share_core.c
 *	  Who ships what, when it is known who ships.
 *
 * Along straight lines the cheapest way for each line of the order is known;
 * every other way adds what it is dearer by.  All ways whose sum stays below
 * the target are tried, those lines first where a second way is dearest, and
 * each is priced with the freight itself.  So there is no better way among the
 * same nodes, unless the steps run out.
 */
#include <string.h>

#include "sourcing/solve_tree.h"

/* A walk through the ways in which those that are in may ship all lines. */
typedef struct Sharing
{
	OmniSolveTree	   *tree;
	const OmniSolveFrame *frame;
	int32_t    *order;			/* lines */
	int32_t    *levels;			/* by line and site: who ships what */
	int64_t		weight[OMNI_SOLVE_CHOSEN];
	int64_t		units[OMNI_SOLVE_CHOSEN];
	int64_t		left;			/* steps that may still be made */
} Sharing;

/* Everything is shared out: what it costs, exactly. */
static void
close_sharing(Sharing *sharing)
{
	OmniSolveTree	   *tree = sharing->tree;
	OmniSolveWork *work = tree->work;
	const OmniSolveProblem *problem = work->problem;
	const OmniSolveFrame *frame = sharing->frame;
	OmniSolvePart *parts = work->trial_parts;
	int64_t		cost = -(problem->split_penalty * OMNI_SOLVE_ONE);
	int			nparts = 0;

	sharing->left -= problem->nlines * frame->ninside / 8;

	for (int i = 0; i < frame->ninside; i++)
	{
		const OmniSolveInside *inside = &frame->inside[i];
		int64_t		b = brackets_of(problem, sharing->weight[i]);

		cost += work->survivors[inside->survivor].base;
		if (b <= work->survivors[inside->survivor].brackets)
			cost += inside->freight[b];
	}
	for (int l = 0; l < problem->nlines; l++)
	{
		const OmniSolveWorkLine *line = &work->lines[l];
		int32_t		open = line->levels;

		for (int i = 0; i < frame->ninside; i++)
		{
			const OmniSolveInside *inside = &frame->inside[i];
			int32_t		levels = sharing->levels[l * frame->ninside + i];

			if (levels == 0)
				continue;
			open -= levels;
			cost += levels * (inside->row[l].low -
							  rise_of(line, inside->slope));
			parts[nparts].node = work->survivors[inside->survivor].node;
			parts[nparts].line = l;
			parts[nparts++].units = levels * line->per_level;
		}
		if (open > 0 && line->unfilled == OMNI_SOLVE_NEVER)
			return;
		cost += open * line->unfilled;
	}
	/* soft caps are left to the exact price */
	if (cost < work->best * OMNI_SOLVE_ONE)
	{
		spend(work, 4 * nparts);
		omni_sourcing_offer_parts(work, parts, nparts);
		lower_target(tree);
	}
}

/* The cheapest way for a line that was not asked: a site, or (last) nobody. */
static int
next_way(const Sharing *sharing, int l, uint32_t asked, int64_t *cost)
{
	const OmniSolveFrame *frame = sharing->frame;
	int			best = -1;

	*cost = sharing->tree->work->lines[l].unfilled;
	if (*cost < OMNI_SOLVE_NEVER && !(asked >> frame->ninside & 1))
		best = frame->ninside;
	for (int i = 0; i < frame->ninside; i++)
	{
		const OmniSolveHolder *row = &frame->inside[i].row[l];

		if (row->levels > 0 && !(asked >> i & 1) &&
			(best < 0 || row->low < *cost))
		{
			best = i;
			*cost = row->low;
		}
	}
	return best;
}

/* How many of the open levels a way may take at most. */
static int32_t
most_levels(const Sharing *sharing, int l, int way, int32_t open)
{
	const OmniSolveFrame *frame = sharing->frame;
	const OmniSolveWork *work = sharing->tree->work;
	int32_t		most;
	int64_t		room;

	if (way == frame->ninside)
		return open;
	most = frame->inside[way].row[l].levels;
	room = (work->nodes[work->survivors[frame->inside[way].survivor].node].cap -
			sharing->units[way]) / work->lines[l].per_level;
	most = most < open ? most : open;
	return most < room ? most : (int32_t) room;
}

/*
 * Share what is open of the "at"-th line and all later ones; "asked" are the
 * ways that it has been offered to.  "cost" is what everything costs along the
 * lines if the rest goes the cheapest way.  False: too many steps.
 */
static bool
share_lines(Sharing *sharing, int at, int32_t open, uint32_t asked,
			int64_t cost)
{
	OmniSolveTree	   *tree = sharing->tree;
	int			nsites = sharing->frame->ninside;
	const OmniSolveWorkLine *line;
	int			way;
	int			l;
	int32_t		most;
	int64_t		price;
	int64_t		rise = 0;

	if (--sharing->left < 0)
		return false;
	while (open == 0)
	{
		if (++at == tree->work->problem->nlines)
		{
			close_sharing(sharing);
			return true;
		}
		open = tree->work->lines[sharing->order[at]].levels;
		asked = 0;
	}
	l = sharing->order[at];
	line = &tree->work->lines[l];
	way = next_way(sharing, l, asked, &price);
	if (way < 0)
		return true;
	asked |= (uint32_t) 1 << way;
	most = most_levels(sharing, l, way, open);
	if (next_way(sharing, l, asked, &rise) < 0)
	{
		/* the last way must take all */
		if (most < open)
			return true;
		rise = OMNI_SOLVE_NEVER;
	}
	else
		rise -= price;
	for (int32_t levels = most; levels >= 0; levels--)
	{
		bool		went_on;

		if (cost >= tree->target)
			break;
		if (way < nsites)
		{
			sharing->levels[l * nsites + way] = levels;
			sharing->units[way] += (int64_t) levels * line->per_level;
			sharing->weight[way] += levels * line->weight;
		}
		went_on = share_lines(sharing, at, open - levels, asked, cost);
		if (way < nsites)
		{
			sharing->units[way] -= (int64_t) levels * line->per_level;
			sharing->weight[way] -= levels * line->weight;
			sharing->levels[l * nsites + way] = 0;
		}
		if (!went_on)
			return false;
		if (rise >= tree->target - cost)
			break;
		cost += rise;
	}
	return true;
}

/* How much dearer is a line's second way than its first? */
static int64_t
regret_of(const OmniSolveTree *tree, const OmniSolveFrame *frame, int l)
{
	int64_t		first = tree->work->lines[l].unfilled;
	int64_t		second = first;

	for (int i = 0; i < frame->ninside; i++)
	{
		const OmniSolveHolder *row = &frame->inside[i].row[l];

		if (row->levels == 0 || row->low >= second)
			continue;
		if (row->low < first)
		{
			second = first;
			first = row->low;
		}
		else
			second = row->low;
	}
	return second - first;
}

/* Try all ways to share the order below the target; false: too many. */
bool
omni_sourcing_share_order(OmniSolveTree *tree, const OmniSolveFrame *frame,
						  int64_t bound)
{
	OmniSolveWork *work = tree->work;
	int			nlines = work->problem->nlines;
	Sharing		sharing = {.tree = tree,.frame = frame,.left = tree->most_sharing};
	size_t		used = tree->used;
	int64_t    *regret = work->scratch;
	int64_t		steps;
	bool		done;

	if (sharing.left > (work->limits.budget - work->work) / 4)
		sharing.left = (work->limits.budget - work->work) / 4;
	steps = sharing.left;
	sharing.order = omni_sourcing_tree_room(tree, sizeof(int32_t) * nlines);
	sharing.levels = omni_sourcing_tree_room(tree, sizeof(int32_t) * nlines *
							   frame->ninside);
	if (sharing.levels == NULL)
		return false;
	memset(sharing.levels, 0, sizeof(int32_t) * nlines * frame->ninside);
	for (int l = 0; l < nlines; l++)
	{
		int			place = l;

		regret[l] = regret_of(tree, frame, l);
		for (; place > 0 && regret[sharing.order[place - 1]] < regret[l];
			 place--)
			sharing.order[place] = sharing.order[place - 1];
		sharing.order[place] = l;
	}
	done = share_lines(&sharing, 0,
					   work->lines[sharing.order[0]].levels, 0, bound);
	spend(work, 4 * (steps - sharing.left));
	tree->used = used;
	return done;
}
