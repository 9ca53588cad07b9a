/*
 * solve_explain_core.c
 *	  "Why not this node?", from the prices that the solution has left.
 *
 * Prices bound every way to serve the order, also those that use one given
 * node: the floor over all nodes, plus that node's reduced cost where it is
 * positive.
 */
#include "sourcing/solve_work.h"

/* At least so much more than the solution, for every node. */
void
omni_sourcing_extra_costs(const OmniSolveProblem *problem,
						  const OmniSolution *solution, int64_t *extra,
						  void *room)
{
	OmniSolveWork *work = room;
	int64_t		floor;

	work->problem = problem;
	for (int n = 0; n < problem->nnodes; n++)
	{
		extra[n] = INT64_MAX;
		/* all that can ship at all */
		if (work->nodes[n].cap > 0)
			work->nodes[n].slack = 0;
	}
	omni_sourcing_pick_survivors(work, 1);
	floor = omni_sourcing_evaluate_prices(work, work->scratch, true);
	for (int s = 0; s < work->nsurvivors; s++)
	{
		const OmniSolveSurvivor *survivor = &work->survivors[s];
		int64_t		least = floor;

		if (survivor->nheld == 0)
			continue;
		if (survivor->reduced > 0)
			least += survivor->reduced;
		least = whole_cents(least) - solution->cost;
		extra[survivor->node] = least > 0 ? least : 0;
	}
}

/* For one node; see solve_core.h. */
int64_t
omni_sourcing_extra_cost(const OmniSolveProblem *problem,
						 const OmniSolution *solution, int node, void *room)
{
	OmniSolveWork *work = room;
	int64_t		reduced = INT64_MAX;
	int64_t		floor;

	work->problem = problem;
	if (node < 0 || node >= problem->nnodes)
		return INT64_MAX;
	for (int n = 0; n < problem->nnodes; n++)
	{
		/* all that can ship at all */
		if (work->nodes[n].cap > 0)
			work->nodes[n].slack = 0;
	}
	omni_sourcing_pick_survivors(work, 1);
	floor = omni_sourcing_evaluate_prices(work, work->scratch, true);
	for (int s = 0; s < work->nsurvivors; s++)
	{
		if (work->survivors[s].node == node && work->survivors[s].nheld > 0)
			reduced = work->survivors[s].reduced;
	}
	if (reduced == INT64_MAX)
		return INT64_MAX;
	if (reduced > 0)
		floor += reduced;
	floor = whole_cents(floor) - solution->cost;
	return floor > 0 ? floor : 0;
}
