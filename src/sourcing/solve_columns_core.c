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
	const OmniSolveSurvivor *survivor;
	const OmniSolveHeld *held;
	int32_t		number;			/* of the survivor */
	int64_t		room;			/* gap less base, toll and refund */
	/* by held and piece: the most that it and later ones can gain */
	int64_t   (*rest)[OMNI_SOLVE_PIECES];
} ColumnWalk;

/* What a partial column takes, and bounds of its cost so far. */
typedef struct ColumnPart
{
	OmniSolveSet set;
	int64_t		units;
	int64_t		weight;
	int64_t		sum;			/* cost - price, exact, without freight */
	int64_t		low[OMNI_SOLVE_PIECES]; /* with each line under freight */
} ColumnPart;

/* Keep the column, if its exact reduced cost allows; false: too many. */
static bool
add_column(ColumnWalk *walk, const ColumnPart *part)
{
	OmniSolveWork *work = walk->work;
	const OmniSolveNode *node = walk->node;
	OmniSolveColumn *column;
	int64_t		reduced = part->sum;

	if (node->soft_cap >= 0 && part->units > node->soft_cap)
		reduced += ((part->units - node->soft_cap) * node->over_cost) *
			OMNI_SOLVE_ONE;
	if (reduced >= walk->room)
		return true;
	reduced += omni_sourcing_freight(work->problem, node->freight,
									 brackets_of(work->problem, part->weight),
									 NULL) * OMNI_SOLVE_ONE;
	if (reduced >= walk->room)
		return true;
	if (work->ncolumns == OMNI_SOLVE_COLUMNS)
		return false;
	column = &work->columns[work->ncolumns++];
	column->set = part->set;
	column->reduced = reduced + walk->survivor->base + work->toll +
		walk->survivor->refund;
	column->survivor = walk->number;
	return true;
}

/* Can the part, with anything of held[at] and later, stay within the gap? */
static inline bool
has_room(const ColumnWalk *walk, const ColumnPart *part, int32_t at)
{
	for (int i = 0; i < walk->survivor->npieces; i++)
	{
		if (part->low[i] - walk->rest[at][i] < walk->room)
			return true;
	}
	return false;
}

/* Could one more level of this lower the cost, with any line? */
static inline bool
can_gain(const ColumnWalk *walk, const OmniSolveHeld *held, int64_t price)
{
	for (int i = 0; i < walk->survivor->npieces; i++)
	{
		if (price > held->low[i])
			return true;
	}
	return false;
}

/* All columns that take what "part" has, and anything of held[at] and later. */
static bool
walk_held(ColumnWalk *walk, int32_t at, const ColumnPart *part)
{
	OmniSolveWork *work = walk->work;

	if (!spend(work, 4))
		return false;
	for (; at < walk->survivor->nheld && has_room(walk, part, at); at++)
	{
		const OmniSolveHeld *held = &walk->held[at];
		const OmniSolveWorkLine *line = &work->lines[held->line];
		ColumnPart	more = *part;

		for (int32_t levels = 1; levels <= held->levels; levels++)
		{
			more.units += line->per_level;
			more.weight += line->weight;
			more.sum += held->cost - line->price;
			for (int i = 0; i < walk->survivor->npieces; i++)
				more.low[i] += held->low[i] - line->price;
			more.set.word[line->word] += (uint64_t) 1 << line->shift;
			if (walk->node->unit_cap >= 0 && more.units > walk->node->unit_cap)
				break;
			if (!has_room(walk, &more, at + 1))
			{
				if (!can_gain(walk, held, line->price))
					break;
				if (!spend(work, 2))
					return false;
				continue;
			}
			if (!add_column(walk, &more) || !walk_held(walk, at + 1, &more))
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
	work->ncolumns = 0;
	for (int s = 0; s < work->nsurvivors; s++)
	{
		const OmniSolveSurvivor *survivor = &work->survivors[s];
		ColumnWalk	walk = {.work = work,.survivor = survivor,.number = s};
		ColumnPart	none = {.units = 0};

		walk.node = &work->problem->nodes[survivor->node];
		walk.held = &work->held[survivor->first];
		walk.room = gap - survivor->base - work->toll - survivor->refund;
		walk.rest = (int64_t (*)[OMNI_SOLVE_PIECES]) work->scratch;
		for (int i = 0; i < survivor->npieces; i++)
		{
			none.low[i] = survivor->piece[i];
			walk.rest[survivor->nheld][i] = 0;
			for (int h = survivor->nheld - 1; h >= 0; h--)
			{
				int64_t		gain = work->lines[walk.held[h].line].price -
					walk.held[h].low[i];

				walk.rest[h][i] = walk.rest[h + 1][i] +
					(gain > 0 ? gain * walk.held[h].levels : 0);
			}
		}
		if (!walk_held(&walk, 0, &none))
			return false;
	}
	return true;
}
