/*
 * solve.c
 *	  omni.solve_sourcing: the solver alone, as a pure function of its argument.
 *
 * No tables, no counters, no locks.  What the instance means is in
 * doc/sourcing.md, what the solver does in README.md.
 */
#include "omni.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "core/core.h"
#include "sourcing/capacity.h"
#include "sourcing/instance.h"
#include "sourcing/sourcing.h"

PG_FUNCTION_INFO_V1(omni_sourcing_solve_instance);

int			omni_sourcing_budget = 2000000;

/* Define sourcing's settings, and say how limits of capacity are read. */
void
omni_sourcing_init(void)
{
	omni_sourcing_capacity_init();
	if (!omni_core_preloaded())
		return;
	DefineCustomIntVariable("omni.sourcing_budget",
							"Units of work to find the cheapest plan of one "
							"order.",
							"When they are used up, the best plan found so "
							"far is taken, with the bound proven so far.",
							&omni_sourcing_budget,
							2000000, 1000, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);
}

/* For the solver, now and then. */
static void
breathe(void *context)
{
	CHECK_FOR_INTERRUPTS();
}

/* Solve in the current memory context; *room stays for explanations. */
static OmniSolution *
solve_problem(const OmniSolveProblem *problem, void **room)
{
	OmniSolveLimits limits = {.budget = omni_sourcing_budget,
	.breathe = breathe};
	OmniSolution *solution = palloc0(sizeof(OmniSolution));
	Size		n = omni_sourcing_solution_room(problem);

	solution->parts = palloc_extended(sizeof(OmniSolvePart) * n,
									  MCXT_ALLOC_HUGE);
	solution->shipments = palloc_extended(sizeof(OmniSolveShipment) * n,
										  MCXT_ALLOC_HUGE);
	*room = palloc_extended(omni_sourcing_minimise_room(problem, &limits),
							MCXT_ALLOC_HUGE);
	omni_sourcing_minimise(problem, &limits, solution, *room);
	return solution;
}

/* A shipment's place among the solution's, in the order of the document. */
static int *
order_shipments(const OmniInstance *instance, const OmniSolution *solution)
{
	int		   *order = palloc(sizeof(int) * (solution->nshipments + 1));

	for (int s = 0; s < solution->nshipments; s++)
	{
		int			number =
			instance->node_number[solution->shipments[s].node];
		int			place = s;

		for (; place > 0 && instance->node_number
			 [solution->shipments[order[place - 1]].node] > number; place--)
			order[place] = order[place - 1];
		order[place] = s;
	}
	return order;
}

/* {"node": [units per line], ...} */
static void
append_solution(const OmniInstance *instance, const OmniSolution *solution,
				const int *order, StringInfo json)
{
	int			nlines = instance->problem.nlines;
	int		   *units = palloc(sizeof(int) * nlines);

	appendStringInfoString(json, ",\"solution\":{");
	for (int s = 0; s < solution->nshipments; s++)
	{
		int32		node = solution->shipments[order[s]].node;

		memset(units, 0, sizeof(int) * nlines);
		for (int p = 0; p < solution->nparts; p++)
		{
			if (solution->parts[p].node == node)
				units[instance->line_number[solution->parts[p].line]] =
					solution->parts[p].units;
		}
		appendStringInfo(json, "%s\"%d\":[", s > 0 ? "," : "",
						 instance->node_number[node]);
		for (int l = 0; l < nlines; l++)
			appendStringInfo(json, "%s%d", l > 0 ? "," : "", units[l]);
		appendStringInfoChar(json, ']');
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(json, '}');
}

/* What is left of each line. */
static void
append_unfilled(const OmniInstance *instance, const OmniSolution *solution,
				StringInfo json)
{
	int			nlines = instance->problem.nlines;
	int		   *units = palloc(sizeof(int) * nlines);

	for (int l = 0; l < nlines; l++)
		units[instance->line_number[l]] = instance->problem.lines[l].quantity;
	for (int p = 0; p < solution->nparts; p++)
		units[instance->line_number[solution->parts[p].line]] -=
			solution->parts[p].units;
	appendStringInfoString(json, ",\"unfilled\":[");
	for (int l = 0; l < nlines; l++)
		appendStringInfo(json, "%s%d", l > 0 ? "," : "", units[l]);
	appendStringInfo(json, "],\"unfilled_cost\":" INT64_FORMAT
					 ",\"split_cost\":" INT64_FORMAT,
					 solution->unfilled_cost, solution->split_cost);
}

/* Each shipment with its service and cost terms. */
static void
append_shipments(const OmniInstance *instance, const OmniSolution *solution,
				 const int *order, StringInfo json)
{
	appendStringInfoString(json, ",\"shipments\":[");
	for (int s = 0; s < solution->nshipments; s++)
	{
		const OmniSolveShipment *shipment = &solution->shipments[order[s]];

		appendStringInfo(json, "%s{\"node\":%d,\"service\":", s > 0 ? "," : "",
						 instance->node_number[shipment->node]);
		escape_json(json, instance->services
					[instance->option_service[shipment->option]]);
		appendStringInfo(json, ",\"units\":" INT64_FORMAT
						 ",\"weight_g\":" INT64_FORMAT
						 ",\"brackets\":" INT64_FORMAT
						 ",\"shipment_cost\":" INT64_FORMAT
						 ",\"freight\":" INT64_FORMAT
						 ",\"late\":" INT64_FORMAT
						 ",\"unit_costs\":" INT64_FORMAT
						 ",\"over\":" INT64_FORMAT "}",
						 shipment->units, shipment->weight,
						 shipment->brackets, shipment->fixed,
						 shipment->freight, shipment->surcharge,
						 shipment->unit_costs, shipment->over);
	}
	appendStringInfoChar(json, ']');
}

/* "Why not this node?" for each that was asked for. */
static void
append_explain(const OmniInstance *instance, const OmniSolution *solution,
			   void *room, StringInfo json)
{
	if (instance->nexplain == 0)
		return;
	appendStringInfoString(json, ",\"explain\":[");
	for (int i = 0; i < instance->nexplain; i++)
	{
		int			number = instance->explain[i];
		int64		extra = omni_sourcing_extra_cost(&instance->problem,
													 solution,
													 instance->node_place[number],
													 room);

		appendStringInfo(json, "%s{\"node\":%d,\"extra_cost\":",
						 i > 0 ? "," : "", number);
		if (extra == PG_INT64_MAX)
			appendStringInfoString(json, "null}");
		else
			appendStringInfo(json, INT64_FORMAT "}", extra);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(json, ']');
}

/*
 * omni.solve_sourcing(instance jsonb) RETURNS jsonb
 *
 * The cheapest way to serve one order; format and answer are in
 * doc/sourcing.md.  Money is whole cents, weight whole grams.  OM002 NULL,
 * OM006 malformed, with the path, OM008 sums out of range.  Takes no lock and
 * reads no table.
 */
Datum
omni_sourcing_solve_instance(PG_FUNCTION_ARGS)
{
	OmniInstance *instance;
	OmniSolution *solution;
	StringInfoData json;
	void	   *room;
	int		   *order;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"instance\" must not be null")));
	instance = omni_sourcing_read_instance(PG_GETARG_JSONB_P(0));
	solution = solve_problem(&instance->problem, &room);
	order = order_shipments(instance, solution);

	initStringInfo(&json);
	appendStringInfo(&json, "{\"cost\":" INT64_FORMAT ",\"lower_bound\":"
					 INT64_FORMAT ",\"proven\":%s,\"gap\":" INT64_FORMAT
					 ",\"work\":" INT64_FORMAT ",\"unfilled_units\":"
					 INT64_FORMAT,
					 solution->cost, solution->lower_bound,
					 solution->proven ? "true" : "false",
					 solution->cost - solution->lower_bound, solution->work,
					 solution->unfilled_units);
	append_solution(instance, solution, order, &json);
	append_unfilled(instance, solution, &json);
	append_shipments(instance, solution, order, &json);
	append_explain(instance, solution, room, &json);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in,
										CStringGetDatum(json.data)));
}
