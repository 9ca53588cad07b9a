/*
 * sourcing.c
 *	  The cheapest plan of one address.
 *
 * - An order that must be served (or be refused) is: what its units cost when
 *	 nobody serves them is raised above everything else, as long as they can be
 *	 had at all.
 * - A least value of each shipment is no part of the solver's problem: nodes
 *	 that fall short are taken out until none does, and the best of what was
 *	 found is taken.  The bound is that of the problem without it.
 * - Planning takes no lock and promises nothing.
 */
#include "omni.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/core.h"
#include "sourcing/gather.h"

/* all that is unfilled may cost so much where an order must be served */
#define MUST_SERVE_COST (INT64CONST(1) << 45)
/* how often nodes below the least value are taken out */
#define VALUE_ROUNDS	8
/* bytes that a session keeps for the solver */
#define ROOM_KEPT		(16 * 1024 * 1024)

/* Room for the solver, kept by the session; used between two calls alone. */
static void *kept_room = NULL;
static Size kept_size = 0;

/* For the solver, now and then. */
static void
breathe(void *context)
{
	CHECK_FOR_INTERRUPTS();
}

/* Room to solve in: the session's own, unless it is very large. */
static void *
get_room(Size size)
{
	if (size > ROOM_KEPT)
		return palloc_extended(size, MCXT_ALLOC_HUGE);
	if (size > kept_size)
	{
		if (kept_room)
			pfree(kept_room);
		kept_room = NULL;
		kept_size = 0;
		kept_room = MemoryContextAlloc(TopMemoryContext, size);
		kept_size = size;
	}
	return kept_room;
}

/* Solve into a solution of its own; the room stays for explanations. */
static void
solve_problem(const OmniSolveProblem *problem, OmniSolution *solution,
			  void **room)
{
	OmniSolveLimits limits = {.budget = omni_sourcing_budget,
	.breathe = breathe};
	Size		n = omni_sourcing_solution_room(problem);

	memset(solution, 0, sizeof(OmniSolution));
	solution->parts = palloc_extended(sizeof(OmniSolvePart) * n,
									  MCXT_ALLOC_HUGE);
	solution->shipments = palloc_extended(sizeof(OmniSolveShipment) * n,
										  MCXT_ALLOC_HUGE);
	*room = get_room(omni_sourcing_minimise_room(problem, &limits));
	omni_sourcing_minimise(problem, &limits, solution, *room);
}

/* Set what a unit costs that nobody serves: as configured, at most "cap". */
static void
cap_unfilled(OmniGathering *gathering, int64 cap)
{
	for (int l = 0; l < gathering->sourcing->problem.nlines; l++)
		gathering->lines[l].unfilled = Min(gathering->real_unfilled[l], cap);
}

/* Units of all lines of the problem. */
static int64
problem_units(const OmniSolveProblem *problem)
{
	int64		units = 0;

	for (int l = 0; l < problem->nlines; l++)
		units += problem->lines[l].quantity;
	return units;
}

/*
 * Costs that leave the solver's range are brought into it: first those of
 * what is unfilled; OM008 when that is not enough.
 */
static void
fit_costs(OmniGathering *gathering)
{
	const OmniSolveProblem *problem = &gathering->sourcing->problem;

	if (omni_sourcing_problem_fault(problem) == NULL)
		return;
	cap_unfilled(gathering, Max(1, MUST_SERVE_COST / problem_units(problem)));
	if (omni_sourcing_problem_fault(problem) == NULL)
		return;
	ereport(ERROR,
			(errcode(OMNI_ERR_OUT_OF_RANGE),
			 errmsg("costs of serving the order are out of range"),
			 errhint("See omni.explain_routing() for the terms of its cost.")));
}

/* Can each line be had in full, as far as lines can be seen alone? */
static bool
may_be_full(const OmniGathering *gathering)
{
	const OmniSourcingRequest *request = gathering->request;

	for (int l = 0; l < request->nlines; l++)
	{
		const OmniLineFacts *facts = &gathering->facts[l];

		if (facts->line < 0 ||
			Min(facts->offered, facts->limit) < request->lines[l].wanted)
			return false;
	}
	return true;
}

/* Solve so that all is served, if it can be; false: it cannot. */
static bool
solve_must_serve(OmniGathering *gathering, OmniSolution *solution, void **room)
{
	OmniSolveProblem *problem = &gathering->sourcing->problem;
	int64		dear;

	if (!may_be_full(gathering))
		return false;
	dear = MUST_SERVE_COST / Max(1, problem_units(problem));
	for (int l = 0; l < problem->nlines; l++)
		gathering->lines[l].unfilled = Max(gathering->real_unfilled[l], dear);
	if (omni_sourcing_problem_fault(problem) == NULL)
	{
		solve_problem(problem, solution, room);
		if (solution->unfilled_units == 0)
			return true;
	}
	return false;
}

/* ---- the least value of a shipment ---- */

/* Value of the goods that a node ships. */
static int64
shipment_value(const OmniGathering *gathering, const OmniSolution *solution,
			   int32 node)
{
	int64		value = 0;

	for (int p = 0; p < solution->nparts; p++)
	{
		const OmniSolvePart *part = &solution->parts[p];
		int64		price;
		int64		goods;

		if (part->node != node)
			continue;
		price = gathering->request->lines
			[gathering->sourcing->lines[part->line]].price;
		if (pg_mul_s64_overflow(Max(price, 0), part->units, &goods) ||
			pg_add_s64_overflow(value, goods, &value))
			return PG_INT64_MAX;
	}
	return value;
}

/* Does the policy bound the value of this order's shipments? */
static bool
has_least_value(const OmniGathering *gathering)
{
	const OmniNetworkPolicy *policy = &gathering->sourcing->network->policy;

	return policy->min_split_currency[0] != '\0' &&
		gathering->request->currency &&
		strcmp(policy->min_split_currency, gathering->request->currency) == 0;
}

/*
 * Bar nodes whose shipment is worth too little in a split solution; how many
 * there were.
 */
static int
bar_small(OmniGathering *gathering, const OmniSolution *solution)
{
	int64		least =
		gathering->sourcing->network->policy.min_split_value;
	int			n = 0;

	if (solution->nshipments < 2)
		return 0;
	for (int s = 0; s < solution->nshipments; s++)
	{
		int32		node = solution->shipments[s].node;

		if (shipment_value(gathering, solution, node) >= least)
			continue;
		gathering->nodes[node].unit_cap = 0;
		n++;
	}
	return n;
}

/* Solve again until every shipment of a split order is worth its while. */
static void
respect_least_value(OmniGathering *gathering, OmniSolution *solution, void **room)
{
	OmniSolveProblem *problem = &gathering->sourcing->problem;
	Size		size = sizeof(OmniSolveNode) * (problem->nnodes + 1);
	OmniSolveNode *original = palloc(size);
	OmniSolution relaxed = *solution;
	OmniSolution split = *solution;
	OmniSolution single;
	int			max_nodes = problem->max_nodes;
	bool		valid = false;

	memcpy(original, gathering->nodes, size);
	for (int round = 0; round < VALUE_ROUNDS && !valid; round++)
	{
		if (bar_small(gathering, &split) == 0)
			valid = true;
		else
			solve_problem(problem, &split, room);
	}
	memcpy(gathering->nodes, original, size);
	pfree(original);
	problem->max_nodes = 1;
	solve_problem(problem, &single, room);
	problem->max_nodes = max_nodes;
	*solution = valid && split.cost <= single.cost ? split : single;
	solution->lower_bound = relaxed.lower_bound;
	solution->proven = solution->cost == relaxed.lower_bound;

	/* leave the room as explanations need it */
	solve_problem(problem, &relaxed, room);
}

/* Is a split solution against the least value? */
static bool
is_too_small(const OmniGathering *gathering, const OmniSolution *solution)
{
	if (!has_least_value(gathering) || solution->nshipments < 2)
		return false;
	for (int s = 0; s < solution->nshipments; s++)
	{
		if (shipment_value(gathering, solution,
						   solution->shipments[s].node) <
			gathering->sourcing->network->policy.min_split_value)
			return true;
	}
	return false;
}

/* Solve with what the configuration says of units that nobody serves. */
static void
solve_as_configured(OmniGathering *gathering, bool complete,
					OmniSolution *solution, void **room)
{
	OmniSolveProblem *problem = &gathering->sourcing->problem;

	cap_unfilled(gathering, PG_INT64_MAX);
	fit_costs(gathering);
	problem->ship_complete = complete && may_be_full(gathering);
	solve_problem(problem, solution, room);
}

/* Solve what was gathered. */
static void
solve_gathered(OmniGathering *gathering)
{
	OmniSourcing *sourcing = gathering->sourcing;
	OmniSolveProblem *problem = &sourcing->problem;
	OmniSolution *solution = &sourcing->solution;
	OmniSolution shown;
	void	   *room = NULL;
	bool		too_small = false;
	bool		complete = gathering->request->complete ||
		sourcing->network->policy.ship_complete;

	if (problem->nlines > 0)
	{
		bool		served = gathering->request->must_serve &&
			solve_must_serve(gathering, solution, &room);

		if (!served)
			solve_as_configured(gathering, complete, solution, &room);
		too_small = is_too_small(gathering, solution);
		if (too_small)
			respect_least_value(gathering, solution, &room);
		if (served && solution->unfilled_units > 0)
		{
			/* it cannot be served in full after all */
			solve_as_configured(gathering, complete, solution, &room);
			if (is_too_small(gathering, solution))
				respect_least_value(gathering, solution, &room);
		}
	}
	shown = *solution;
	if (problem->ship_complete && solution->nparts == 0)
	{
		/* nothing, because it is not all: what is it that lacks? */
		problem->ship_complete = false;
		solve_problem(problem, &shown, &room);
		problem->ship_complete = true;
		room = NULL;
	}
	omni_sourcing_conclude(gathering, &shown, too_small, room);
}

/* How many shipments there may be; 0: any number, -1: none. */
static int
shipments_left(const OmniSourcing *sourcing)
{
	const OmniSourcingRequest *request = sourcing->request;
	int			most = request->max_shipments;
	int			policy = sourcing->network->policy.max_shipments;

	if (policy <= 0)
		return most;
	policy -= request->shipments;
	if (policy <= 0)
		return -1;
	return most == 0 ? policy : Min(most, policy);
}

/* Plan one address. */
OmniSourcing *
omni_sourcing_plan(const OmniSourcingRequest *request)
{
	OmniSourcing *sourcing = palloc0(sizeof(OmniSourcing));
	OmniGathering	gathering = {.request = request, .sourcing = sourcing};
	int			left;

	sourcing->request = request;
	sourcing->shorts = palloc0(sizeof(char *) * request->nlines);
	omni_sourcing_gather(&gathering);
	sourcing->problem.split_penalty =
		sourcing->network->policy.split_penalty;
	left = shipments_left(sourcing);
	sourcing->problem.max_nodes = Max(left, 0);
	if (left < 0)
	{
		/* its parcels are used up */
		for (int l = 0; l < request->nlines; l++)
			gathering.facts[l].line = -1;
		sourcing->problem.nlines = 0;
		sourcing->problem.noffers = 0;
	}
	solve_gathered(&gathering);
	for (int l = 0; left < 0 && l < request->nlines; l++)
	{
		sourcing->shorts[l] = OMNI_SHORT_SPLITS;
		sourcing->stopped = true;
	}
	return sourcing;
}

/* Ask about a node where an order is to be collected. */
void
omni_sourcing_pickup(const OmniSourcingRequest *request, int64 node,
					 OmniSourcingPickup *pickup)
{
	OmniCounting counting = {
		.request = request,
		.used = omni_sourcing_used_begin(&node, 1)
	};
	OmniNetworkRequest question = {
		.channel = request->channel,
		.at = request->at,
		.promised = request->promised,
		.promise_by = request->promise_by,
		.pickup_node = node,
		.currency = request->currency,
		.value = request->value,
		.ncandidates = 1,
		.candidates = &node,
		.used = omni_sourcing_count_used,
		.used_context = &counting
	};
	const OmniNetwork *network = omni_network_read(&question);
	const OmniNetworkNode *info = &network->nodes[0];

	pickup->ready_day = info->ship_day;
	pickup->unit_cap = info->unit_cap;
	pickup->capacity_day = omni_sourcing_capacity_day(info);
}
