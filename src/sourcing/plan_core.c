/*
 * plan_core.c
 *	  The cheapest single node that serves all, else few nodes, greedily.
 *
 * Pure C over plain arrays: no server, no allocation.  The exact solver will
 * stand behind the same interface.
 *
 * - One node that has everything wins, the cheapest of them.
 * - Else nodes are taken one by one, each time the one that serves most of
 *	 what is left, until nothing is left, nobody has more, or max_nodes are
 *	 taken.  A node without which the others serve just as much is dropped
 *	 again, the dearest first.
 * - Units are then assigned from the cheapest chosen node upwards.
 * - An item never gets more than its limit: nodes may hold more together than
 *	 the pool may still promise.
 * - The bound is proven: every item needs a parcel from one of the nodes that
 *	 have it, so the dearest of the items' cheapest parcels is never undercut.
 * - Equal choices are decided by cost, then by the node's place in the array,
 *	 so the same problem always has the same plan.
 */
#include <math.h>
#include <string.h>

#include "sourcing/plan_core.h"

#define LESSER(a, b) ((a) < (b) ? (a) : (b))
#define GREATER(a, b) ((a) > (b) ? (a) : (b))

#define EARTH_RADIUS 6371008.8	/* metres */
#define NOT_CHOSEN (-1)

typedef struct Workspace
{
	int64_t	   *served;			/* by node: units it could serve of what is left */
	int64_t	   *left;			/* by item: units not planned yet */
	int32_t	   *rank;			/* by node: place among the chosen */
	int32_t	   *offered;		/* by rank: offer of the item at hand */
} Workspace;

/* Bytes to work in. */
size_t
omni_sourcing_workspace(const OmniPlanProblem *problem)
{
	return sizeof(int64_t) * ((size_t) problem->nnodes + problem->nitems) +
		sizeof(int32_t) * 2 * (size_t) problem->nnodes;
}

/* Divide the room. */
static Workspace
divide_workspace(const OmniPlanProblem *problem, void *room)
{
	Workspace	work;

	work.served = room;
	work.left = work.served + problem->nnodes;
	work.rank = (int32_t *) (work.left + problem->nitems);
	work.offered = work.rank + problem->nnodes;
	return work;
}

/* What of an item can be planned at all. */
static int64_t
item_target(const OmniPlanItem *item)
{
	return GREATER(0, LESSER(item->wanted, item->limit));
}

/* Is node a to be preferred to node b, which serves as much? */
static bool
cheaper(const OmniPlanProblem *problem, int a, int b)
{
	if (problem->nodes[a].cost != problem->nodes[b].cost)
		return problem->nodes[a].cost < problem->nodes[b].cost;
	return a < b;
}

/* Units of what is left that each node not chosen could serve. */
static void
count_served(const OmniPlanProblem *problem, Workspace *work)
{
	memset(work->served, 0, sizeof(int64_t) * problem->nnodes);
	for (int i = 0; i < problem->nitems; i++)
	{
		const OmniPlanItem *item = &problem->items[i];
		const OmniPlanOffer *offer = &problem->offers[item->first_offer];

		if (work->left[i] == 0)
			continue;
		for (int o = 0; o < item->noffers; o++, offer++)
			work->served[offer->node] += LESSER(offer->units, work->left[i]);
	}
}

/* The node not chosen that serves most, NOT_CHOSEN when none serves any. */
static int
pick_best(const OmniPlanProblem *problem, const Workspace *work)
{
	int			best = NOT_CHOSEN;

	for (int n = 0; n < problem->nnodes; n++)
	{
		if (work->served[n] == 0 || work->rank[n] != NOT_CHOSEN)
			continue;
		if (best == NOT_CHOSEN || work->served[n] > work->served[best] ||
			(work->served[n] == work->served[best] &&
			 cheaper(problem, n, best)))
			best = n;
	}
	return best;
}

/* Keep the five best of all others, as they stood at the start. */
static void
note_losers(const OmniPlanProblem *problem, const Workspace *work, int winner,
			OmniPlan *plan)
{
	for (int n = 0; n < problem->nnodes; n++)
	{
		int			place = plan->nlosers;

		if (work->served[n] == 0 || n == winner)
			continue;
		while (place > 0)
		{
			const OmniPlanLoser *other = &plan->losers[place - 1];

			if (other->units > work->served[n] ||
				(other->units == work->served[n] &&
				 cheaper(problem, other->node, n)))
				break;
			place--;
		}
		if (place == OMNI_PLAN_MAX_LOSERS)
			continue;
		if (plan->nlosers < OMNI_PLAN_MAX_LOSERS)
			plan->nlosers++;
		memmove(&plan->losers[place + 1], &plan->losers[place],
				sizeof(OmniPlanLoser) * (plan->nlosers - place - 1));
		plan->losers[place].node = n;
		plan->losers[place].units = work->served[n];
	}
}

/* A chosen node is no loser. */
static void
forget_winners(const Workspace *work, OmniPlan *plan)
{
	int			kept = 0;

	for (int l = 0; l < plan->nlosers; l++)
	{
		if (work->rank[plan->losers[l].node] == NOT_CHOSEN)
			plan->losers[kept++] = plan->losers[l];
	}
	plan->nlosers = kept;
}

/* Take the node's units off what is left. */
static void
take_node(const OmniPlanProblem *problem, Workspace *work, int node)
{
	for (int i = 0; i < problem->nitems; i++)
	{
		const OmniPlanItem *item = &problem->items[i];
		const OmniPlanOffer *offer = &problem->offers[item->first_offer];

		if (work->left[i] == 0)
			continue;
		for (int o = 0; o < item->noffers; o++, offer++)
		{
			if (offer->node == node)
			{
				work->left[i] -= LESSER(offer->units, work->left[i]);
				break;
			}
		}
	}
}

/* Would the chosen nodes serve as much without this one? */
static bool
is_superfluous(const OmniPlanProblem *problem, const Workspace *work,
			   int node)
{
	for (int i = 0; i < problem->nitems; i++)
	{
		const OmniPlanItem *item = &problem->items[i];
		const OmniPlanOffer *offer = &problem->offers[item->first_offer];
		int64_t		target = item_target(item);
		int64_t		with = 0;
		int64_t		without = 0;

		for (int o = 0; o < item->noffers; o++, offer++)
		{
			if (work->rank[offer->node] == NOT_CHOSEN)
				continue;
			with += offer->units;
			if (offer->node != node)
				without += offer->units;
		}
		if (LESSER(without, target) < LESSER(with, target))
			return false;
	}
	return true;
}

/* Drop what is not needed, the dearest first, and rank the rest by cost. */
static void
settle_nodes(const OmniPlanProblem *problem, Workspace *work, OmniPlan *plan)
{
	int			kept = 0;

	/* insertion sort: the chosen are few */
	for (int c = 1; c < plan->nchosen; c++)
	{
		int32_t		node = plan->chosen[c];
		int			place = c;

		for (; place > 0 && cheaper(problem, node, plan->chosen[place - 1]);
			 place--)
			plan->chosen[place] = plan->chosen[place - 1];
		plan->chosen[place] = node;
	}
	for (int c = plan->nchosen - 1; c >= 0 && plan->nchosen > 1; c--)
	{
		if (is_superfluous(problem, work, plan->chosen[c]))
			work->rank[plan->chosen[c]] = NOT_CHOSEN;
	}
	for (int c = 0; c < plan->nchosen; c++)
	{
		if (work->rank[plan->chosen[c]] == NOT_CHOSEN)
			continue;
		work->rank[plan->chosen[c]] = kept;
		plan->chosen[kept++] = plan->chosen[c];
	}
	plan->nchosen = kept;
}

/* Give every chosen node its units, the cheapest first. */
static void
assign_units(const OmniPlanProblem *problem, Workspace *work, OmniPlan *plan)
{
	for (int i = 0; i < problem->nitems; i++)
	{
		const OmniPlanItem *item = &problem->items[i];
		const OmniPlanOffer *offer = &problem->offers[item->first_offer];
		int64_t		left = item_target(item);

		memset(work->offered, 0, sizeof(int32_t) * plan->nchosen);
		for (int o = 0; o < item->noffers; o++, offer++)
		{
			if (work->rank[offer->node] != NOT_CHOSEN)
				work->offered[work->rank[offer->node]] = offer->units;
		}
		for (int c = 0; c < plan->nchosen && left > 0; c++)
		{
			OmniPlanPart *part = &plan->parts[plan->nparts];

			if (work->offered[c] == 0)
				continue;
			part->item = i;
			part->node = plan->chosen[c];
			part->units = (int32_t) LESSER(work->offered[c], left);
			left -= part->units;
			plan->units += part->units;
			plan->nparts++;
		}
	}
}

/* The dearest of the items' cheapest parcels. */
static int64_t
lower_bound(const OmniPlanProblem *problem)
{
	int64_t		bound = 0;

	for (int i = 0; i < problem->nitems; i++)
	{
		const OmniPlanItem *item = &problem->items[i];
		const OmniPlanOffer *offer = &problem->offers[item->first_offer];
		int64_t		cheapest = INT64_MAX;

		for (int o = 0; o < item->noffers; o++, offer++)
			cheapest = LESSER(cheapest, problem->nodes[offer->node].cost);
		if (item->noffers > 0)
			bound = GREATER(bound, cheapest);
	}
	return bound;
}

/* Plan.  See the file header for the rules. */
void
omni_sourcing_solve(const OmniPlanProblem *problem, OmniPlan *plan,
					void *workspace)
{
	Workspace	work = divide_workspace(problem, workspace);
	int64_t		target = 0;
	int64_t		planned = 0;

	plan->nparts = 0;
	plan->nchosen = 0;
	plan->wanted = 0;
	plan->units = 0;
	plan->cost = 0;
	plan->single = false;
	plan->stopped = false;
	plan->nlosers = 0;
	for (int n = 0; n < problem->nnodes; n++)
		work.rank[n] = NOT_CHOSEN;
	for (int i = 0; i < problem->nitems; i++)
	{
		plan->wanted += problem->items[i].wanted;
		work.left[i] = item_target(&problem->items[i]);
		target += work.left[i];
	}

	while (planned < target)
	{
		int			best;

		count_served(problem, &work);
		best = pick_best(problem, &work);
		if (best == NOT_CHOSEN)
			break;
		if (plan->nchosen == 0)
			note_losers(problem, &work, best, plan);
		if (problem->max_nodes > 0 && plan->nchosen >= problem->max_nodes)
		{
			plan->stopped = true;
			break;
		}
		planned += work.served[best];
		work.rank[best] = plan->nchosen;
		plan->chosen[plan->nchosen++] = best;
		take_node(problem, &work, best);
	}

	settle_nodes(problem, &work, plan);
	forget_winners(&work, plan);
	assign_units(problem, &work, plan);
	for (int c = 0; c < plan->nchosen; c++)
		plan->cost += problem->nodes[plan->chosen[c]].cost;
	plan->bound = lower_bound(problem);
	plan->single = plan->nchosen == 1 && plan->units == plan->wanted;
}

/* Haversine: exact enough for near points, too. */
int64_t
omni_sourcing_distance(double latitude_a, double longitude_a,
					   double latitude_b, double longitude_b)
{
	double		radians = M_PI / 180.0;
	double		lat = sin((latitude_b - latitude_a) * radians / 2);
	double		lon = sin((longitude_b - longitude_a) * radians / 2);
	double		h = lat * lat + cos(latitude_a * radians) *
		cos(latitude_b * radians) * lon * lon;

	return (int64_t) llround(2 * EARTH_RADIUS * asin(sqrt(LESSER(1.0, h))));
}
