/*
 * solve_core.c
 *	  One order from problem to solution: what is done when, and what it costs.
 *
 * Prices give a floor and a first solution; what cannot be part of a better
 * one is thrown out; the rest is searched with a gap that grows until it holds
 * the whole distance between floor and best solution, or something was found
 * below it.  Both prove the optimum.
 *
 * Sources: Erlenkotter, "A dual-based procedure for uncapacitated facility
 * location" (1978); fixing by reduced cost as in any text on integer
 * programming; the search is set partitioning by lists (Garfinkel and
 * Nemhauser 1969) over counted lines.
 */
#include <string.h>

#include "sourcing/solve_work.h"

/* the first gap that is searched, as a part of the floor */
#define FIRST_GAP_PART	64
/* a gap is too large to be searched above this part of the cost */
#define DUAL_GAP_PART	32
/* so few offers of survivors are searched as they are */
#define FEW_HELD		320

/* with more lines, nodes have too many columns to list them */
#define MOST_LISTED		20
/* with so few, columns come first */
#define LISTED_FIRST		8

/* ---- what parts cost ---- */

/* Order parts by node, then by line (few: insertion). */
static void
sort_parts(OmniSolvePart *parts, int nparts)
{
	for (int i = 1; i < nparts; i++)
	{
		OmniSolvePart part = parts[i];
		int			place = i;

		for (; place > 0 && (parts[place - 1].node > part.node ||
							 (parts[place - 1].node == part.node &&
							  parts[place - 1].line > part.line)); place--)
			parts[place] = parts[place - 1];
		parts[place] = part;
	}
}

/* Make one of parts of the same node and line; how many there are then. */
int
omni_sourcing_merge_parts(OmniSolvePart *parts, int nparts)
{
	int			kept = 0;

	sort_parts(parts, nparts);
	for (int p = 0; p < nparts; p++)
	{
		if (kept > 0 && parts[kept - 1].node == parts[p].node &&
			parts[kept - 1].line == parts[p].line)
			parts[kept - 1].units += parts[p].units;
		else
			parts[kept++] = parts[p];
	}
	return kept;
}

/* The offer of a line at a node, or NULL. */
const OmniSolveOffer *
omni_sourcing_find_offer(const OmniSolveProblem *problem, int l, int32_t node)
{
	int			low = problem->lines[l].first_offer;
	int			end = low + problem->lines[l].noffers;
	int			high = end;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (problem->offers[middle].node < node)
			low = middle + 1;
		else
			high = middle;
	}
	return low < end && problem->offers[low].node == node ?
		&problem->offers[low] : NULL;
}

/* Close a shipment: freight and what goes over the soft cap. */
static bool
close_shipment(const OmniSolveProblem *problem, OmniSolveShipment *shipment)
{
	const OmniSolveNode *node = &problem->nodes[shipment->node];

	if (problem->freights[node->freight].noptions == 0)
		return false;
	if (node->unit_cap >= 0 && shipment->units > node->unit_cap)
		return false;
	shipment->fixed = node->fixed;
	shipment->brackets = brackets_of(problem, shipment->weight);
	shipment->freight = omni_sourcing_freight(problem, node->freight,
											  shipment->brackets,
											  &shipment->option);
	shipment->surcharge = problem->options[shipment->option].surcharge;
	shipment->freight -= shipment->surcharge;
	if (node->soft_cap >= 0 && shipment->units > node->soft_cap)
		shipment->over = (shipment->units - node->soft_cap) * node->over_cost;
	return true;
}

/* Units of a line among the parts; -1: a rule is broken. */
static int64_t
shipped_units(const OmniSolveProblem *problem, int l,
			  const OmniSolvePart *parts, int nparts)
{
	const OmniSolveLine *line = &problem->lines[l];
	int64_t		units = 0;

	for (int p = 0; p < nparts; p++)
	{
		if (parts[p].line != l)
			continue;
		if (!line->splittable && parts[p].units != line->quantity)
			return -1;
		units += parts[p].units;
	}
	return units > line->quantity ? -1 : units;
}

/*
 * Price parts into "priced", which has room for them, and sort them there.
 * False: a rule of the problem is broken.
 */
bool
omni_sourcing_price_parts(const OmniSolveProblem *problem,
						  const OmniSolvePart *parts, int nparts,
						  OmniSolution *priced)
{
	OmniSolveShipment *shipment = NULL;
	int64_t		shipped = 0;

	memmove(priced->parts, parts, sizeof(OmniSolvePart) * nparts);
	sort_parts(priced->parts, nparts);
	priced->nparts = nparts;
	priced->nshipments = 0;
	priced->cost = 0;
	for (int p = 0; p < nparts; p++)
	{
		const OmniSolvePart *part = &priced->parts[p];
		const OmniSolveOffer *offer = omni_sourcing_find_offer(problem,
															   part->line,
															   part->node);

		if (offer == NULL || part->units <= 0 || part->units > offer->units)
			return false;
		if (p > 0 && part[-1].node == part->node && part[-1].line == part->line)
			return false;
		if (p == 0 || part[-1].node != part->node)
		{
			if (shipment && !close_shipment(problem, shipment))
				return false;
			shipment = &priced->shipments[priced->nshipments++];
			memset(shipment, 0, sizeof(*shipment));
			shipment->node = part->node;
		}
		shipment->units += part->units;
		shipment->weight += part->units * problem->lines[part->line].weight;
		shipment->unit_costs += part->units * offer->cost;
	}
	if (shipment && !close_shipment(problem, shipment))
		return false;
	for (int s = 0; s < priced->nshipments; s++)
	{
		shipment = &priced->shipments[s];
		priced->cost += shipment->fixed + shipment->freight +
			shipment->surcharge + shipment->unit_costs + shipment->over;
	}
	priced->unfilled_units = 0;
	priced->unfilled_cost = 0;
	for (int l = 0; l < problem->nlines; l++)
	{
		int64_t		units = shipped_units(problem, l, priced->parts, nparts);

		if (units < 0)
			return false;
		shipped += units;
		units = problem->lines[l].quantity - units;
		priced->unfilled_units += units;
		priced->unfilled_cost += units * problem->lines[l].unfilled;
	}
	if (problem->ship_complete && shipped > 0 && priced->unfilled_units > 0)
		return false;
	if (problem->max_nodes > 0 && priced->nshipments > problem->max_nodes)
		return false;
	priced->split_cost = priced->nshipments > 1 ?
		(priced->nshipments - 1) * problem->split_penalty : 0;
	priced->cost += priced->unfilled_cost + priced->split_cost;
	return true;
}

/* How many parts and shipments a solution may have. */
size_t
omni_sourcing_solution_room(const OmniSolveProblem *problem)
{
	return (size_t) problem->noffers + 1;
}

/* ---- the room ---- */

/* Give out "bytes" of the room; without room, only count. */
static void *
give(char *room, size_t *used, size_t bytes)
{
	void	   *given = room ? room + *used : NULL;

	*used += (bytes + 15) & ~(size_t) 15;
	return given;
}

/* Divide the room, or (NULL) see how much it must be. */
static size_t
divide_room(const OmniSolveProblem *problem, OmniSolveWork *work, char *room)
{
	size_t		used = 0;
	size_t		nlines = problem->nlines;
	size_t		nnodes = problem->nnodes;

	give(room, &used, sizeof(OmniSolveWork));
#define GIVE(field, n) \
	work->field = give(room, &used, sizeof(*work->field) * (n))
	GIVE(lines, nlines);
	GIVE(order, nlines);
	GIVE(nodes, nnodes);
	GIVE(looks, problem->noffers);
	GIVE(alone, nnodes);
	GIVE(intercept, problem->nfreights);
	GIVE(slope, problem->nfreights * nlines);
	GIVE(parcel_start, problem->noptions);
	GIVE(parcel_rise, problem->noptions);
	GIVE(survivors, nnodes);
	GIVE(slot, nnodes);
	GIVE(held, problem->noffers);
	GIVE(best_parts, problem->noffers + 1);
	GIVE(trial_parts, 2 * problem->noffers + 1);
	GIVE(list_start, nlines + 1);
	GIVE(used, nnodes);
	GIVE(path, nnodes + nlines);
	GIVE(path_best, nnodes + nlines);
	GIVE(scratch, 6 * (nlines + 1));
	GIVE(segments, nlines * (OMNI_SOLVE_CHOSEN + 1));
	GIVE(nsegments, nlines);
	GIVE(columns, OMNI_SOLVE_COLUMNS);
	GIVE(list, OMNI_SOLVE_COLUMNS);
#undef GIVE
	return used;
}

/* Bytes to work in. */
size_t
omni_sourcing_minimise_room(const OmniSolveProblem *problem,
							const OmniSolveLimits *limits)
{
	OmniSolveWork work;

	(void) limits;				/* columns are bounded by their number */
	return divide_room(problem, &work, NULL);
}

/* A weight in brackets, times 2^16, rounded down. */
static inline int64_t
part_of(int64_t weight, int64_t bracket)
{
	__int128	part;

	if (weight <= INT32_MAX)
		return (weight << 16) / bracket;
	part = ((__int128) weight << 16) / bracket;
	/* less is as good; what costs something is far from this */
	return part < INT64_MAX / 2 ? (int64_t) part : INT64_MAX / 2;
}

/* Lines in levels; what nothing costs. */
static void
start_lines(OmniSolveWork *work)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		levels = 0;

	work->nothing = 0;
	for (int l = 0; l < problem->nlines; l++)
	{
		const OmniSolveLine *given = &problem->lines[l];
		OmniSolveWorkLine *line = &work->lines[l];

		line->levels = given->splittable ? given->quantity : 1;
		line->per_level = given->splittable ? 1 : given->quantity;
		line->weight = given->weight * line->per_level;
		line->part = part_of(line->weight, problem->bracket);
		line->unfilled = problem->ship_complete ? OMNI_SOLVE_NEVER :
			(given->unfilled * line->per_level) * OMNI_SOLVE_ONE;
		line->first_offer = given->first_offer;
		line->noffers = given->noffers;
		work->nothing += given->unfilled * given->quantity;
		levels += line->levels;
	}
	work->missing = ((int64_t) 1 << 57) / (levels > 0 ? levels : 1);
}

/* Fields of sets, in the order of the search; words = 0: they do not fit. */
static void
lay_out_sets(OmniSolveWork *work)
{
	int			word = 0;
	int			shift = 0;

	memset(&work->all, 0, sizeof(work->all));
	memset(&work->guards, 0, sizeof(work->guards));
	work->words = 0;
	for (int i = 0; i < work->problem->nlines; i++)
	{
		OmniSolveWorkLine *line = &work->lines[work->order[i]];

		line->bits = 32 - __builtin_clz((unsigned int) line->levels);
		if (shift + line->bits + 1 > 64)
		{
			word++;
			shift = 0;
		}
		if (word == OMNI_SOLVE_WORDS)
			return;
		line->word = word;
		line->shift = shift;
		work->all.word[word] |= (uint64_t) line->levels << shift;
		work->guards.word[word] |= (uint64_t) 1 << (shift + line->bits);
		memset(&work->place_of_bit[word * 64 + shift], i, line->bits + 1);
		shift += line->bits + 1;
	}
	work->words = word + 1;
}

/* ---- solving ---- */

/* The node that serves most cheaply alone, as far as the bounds tell. */
static int32_t
find_guide(const OmniSolveWork *work)
{
	int32_t		guide = -1;

	for (int n = 0; n < work->problem->nnodes; n++)
	{
		if (work->nodes[n].cap > 0 &&
			(guide < 0 || work->alone[n] < work->alone[guide]))
			guide = n;
	}
	return guide;
}

/* Keep parts as the solution at hand if they are the best so far. */
void
omni_sourcing_offer_parts(OmniSolveWork *work, const OmniSolvePart *parts,
						  int nparts)
{
	if (nparts == 0 ||
		!omni_sourcing_price_parts(work->problem, parts, nparts,
								   work->solution) ||
		work->solution->cost >= work->best)
		return;
	work->best = work->solution->cost;
	work->nbest_parts = nparts;
	memcpy(work->best_parts, parts, sizeof(OmniSolvePart) * nparts);
}

/* Let one node serve what it can. */
static void
try_alone(OmniSolveWork *work, int32_t n)
{
	const OmniSolveProblem *problem = work->problem;
	OmniSolvePart *parts = work->trial_parts;
	int			nparts = 0;
	int64_t		cap = work->nodes[n].cap;

	for (int l = 0; l < problem->nlines; l++)
	{
		const OmniSolveLine *line = &problem->lines[l];
		const OmniSolveOffer *offer = omni_sourcing_find_offer(problem, l, n);
		int64_t		units;

		if (offer == NULL)
			continue;
		units = line->quantity < offer->units ? line->quantity : offer->units;
		if (units > cap)
			units = cap;
		if (units <= 0 || (!line->splittable && units < line->quantity) ||
			(offer->cost > line->unfilled && !problem->ship_complete))
			continue;
		cap -= units;
		parts[nparts].node = n;
		parts[nparts].line = l;
		parts[nparts++].units = (int32_t) units;
	}
	omni_sourcing_offer_parts(work, parts, nparts);
}

/* What a better solution, a whole cent cheaper, stays below. */
static int64_t
whole_gap(const OmniSolveWork *work)
{
	return (work->best - 1) * OMNI_SOLVE_ONE - work->floor + 1;
}

/* Search the survivors with a growing gap. */
static void
search_gaps(OmniSolveWork *work, bool picked)
{
	int64_t		gap = work->floor / FIRST_GAP_PART;

	if (gap < OMNI_SOLVE_ONE)
		gap = OMNI_SOLVE_ONE;
	for (;; gap *= 4)
	{
		int64_t		whole = whole_gap(work);
		int64_t		before = work->best;

		if (whole <= 0)
			break;
		if (gap > whole)
			gap = whole;
		if (!picked)
			omni_sourcing_pick_survivors(work, gap);
		if (!omni_sourcing_make_columns(work, gap) ||
			!omni_sourcing_search(work, gap))
			return;
		if (work->best < before || gap == whole)
			break;
		if (whole_cents(work->floor + gap) > work->bound)
			work->bound = whole_cents(work->floor + gap);
	}
	work->bound = work->best;
}

/* Search the columns, if they fit and anything is left to prove. */
static void
list_columns(OmniSolveWork *work, bool picked)
{
	if (work->bound < work->best && !work->exhausted && work->words > 0)
		search_gaps(work, picked);
}

/* Solve. */
void
omni_sourcing_minimise(const OmniSolveProblem *problem,
					   const OmniSolveLimits *limits,
					   OmniSolution *solution, void *room)
{
	OmniSolveWork *work = room;
	bool		possible;
	int32_t		guide;

	work->problem = problem;
	work->limits = *limits;
	work->solution = solution;
	work->work = 0;
	work->next_breath = 0;
	work->exhausted = false;
	work->toll = 0;
	work->nbest_parts = 0;
	divide_room(problem, work, room);
	start_lines(work);
	work->best = work->nothing;
	possible = omni_sourcing_prepare_bound(work);
	lay_out_sets(work);
	guide = find_guide(work);
	if (guide < 0 || (problem->ship_complete && !possible))
		work->bound = work->nothing;
	else
	{
		bool		picked = false;

		try_alone(work, guide);
		if (problem->max_nodes == 1)
			omni_sourcing_price_single(work);
		else
			omni_sourcing_raise_prices(work, guide);
		work->bound = whole_cents(work->floor);
		if (problem->max_nodes != 1 &&
			(limits->thorough ? work->best > work->bound :
			 work->best - work->bound > work->best / DUAL_GAP_PART))
		{
			omni_sourcing_pick_survivors(work, whole_gap(work));
			picked = true;
			if (work->nheld > FEW_HELD || limits->thorough)
				omni_sourcing_improve_prices(work);
		}
		if (!picked || (problem->nlines <= LISTED_FIRST && !limits->thorough))
			list_columns(work, picked);
		if (picked && work->bound < work->best && !work->exhausted)
			omni_sourcing_branch(work);
		if (picked && problem->nlines <= MOST_LISTED)
			list_columns(work, picked);
	}
	if (work->bound > work->best)
		work->bound = work->best;
	omni_sourcing_price_parts(problem, work->best_parts, work->nbest_parts,
							  solution);
	solution->lower_bound = work->bound;
	solution->proven = work->bound == solution->cost;
	solution->work = work->work;
}
