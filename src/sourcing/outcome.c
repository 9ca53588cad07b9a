/*
 * outcome.c
 *	  What became of a plan: parts, what is missing and why, cost and bound,
 *	  and those that were not chosen.
 */
#include "omni.h"

#include "common/int.h"

#include "sourcing/gather.h"

/* what is left of a sum that leaves its range */
#define SUM_MAX			(INT64CONST(1) << 60)

/* Parts by line, with ids. */
static void
make_parts(OmniGathering *gathering)
{
	OmniSourcing *sourcing = gathering->sourcing;
	const OmniSolution *solution = &sourcing->solution;
	int			nlines = sourcing->problem.nlines;
	int32	   *start = palloc0(sizeof(int32) * (nlines + 2));

	sourcing->nparts = solution->nparts;
	sourcing->parts = palloc(sizeof(OmniSourcingPart) *
							 (solution->nparts + 1));
	for (int p = 0; p < solution->nparts; p++)
		start[solution->parts[p].line + 1]++;
	for (int l = 0; l < nlines; l++)
		start[l + 1] += start[l];
	for (int p = 0; p < solution->nparts; p++)
	{
		const OmniSolvePart *part = &solution->parts[p];
		OmniSourcingPart *out = &sourcing->parts[start[part->line]++];
		const OmniNetworkNode *node = &sourcing->network->nodes
			[sourcing->candidates[part->node]];

		out->line = sourcing->lines[part->line];
		out->units = part->units;
		out->node = node->id;
		out->capacity_day = omni_sourcing_capacity_day(node);
		sourcing->planned += part->units;
	}
	pfree(start);
}

/* Why units of a line are missing. */
static const char *
explain_short(const OmniGathering *gathering, int l, int64 planned,
			  bool all_shipments_used, bool too_small)
{
	const OmniSourcing *sourcing = gathering->sourcing;
	const OmniLineFacts *facts = &gathering->facts[l];
	int64		wanted = gathering->request->lines[l].wanted;

	if (Min(facts->stocked, facts->limit) < wanted &&
		planned >= Min(facts->stocked, facts->limit))
		return OMNI_SHORT_STOCK;
	if (planned >= Min(facts->offered, facts->limit))
		return facts->by_rule ? OMNI_SHORT_RULE :
			facts->by_service ? OMNI_SHORT_SERVICE :
			facts->by_capacity ? OMNI_SHORT_CAPACITY : OMNI_SHORT_STOCK;
	if (all_shipments_used)
		return OMNI_SHORT_SPLITS;
	if (!sourcing->network->lines[l].splittable)
		return OMNI_SHORT_WHOLE;
	if (too_small)
		return OMNI_SHORT_VALUE;
	return facts->by_capacity ? OMNI_SHORT_CAPACITY : OMNI_SHORT_COST;
}

/* Reasons of what is missing, from the solution that shows them. */
static void
explain_shorts(OmniGathering *gathering, const OmniSolution *shown, bool too_small)
{
	OmniSourcing *sourcing = gathering->sourcing;
	const OmniSourcingRequest *request = gathering->request;
	int64	   *planned = palloc0(sizeof(int64) * request->nlines);
	bool		used;

	used = sourcing->problem.max_nodes > 0 &&
		shown->nshipments >= sourcing->problem.max_nodes;
	for (int p = 0; p < shown->nparts; p++)
		planned[sourcing->lines[shown->parts[p].line]] +=
			shown->parts[p].units;
	for (int l = 0; l < request->nlines; l++)
	{
		if (planned[l] >= request->lines[l].wanted)
			continue;
		sourcing->shorts[l] = explain_short(gathering, l, planned[l], used,
											too_small);
		if (strcmp(sourcing->shorts[l], OMNI_SHORT_SPLITS) == 0)
			sourcing->stopped = true;
	}
	pfree(planned);
}

/* a * b added to *sum, at most SUM_MAX */
static void
add_product(int64 *sum, int64 a, int64 b)
{
	int64		product;

	if (pg_mul_s64_overflow(a, b, &product) ||
		pg_add_s64_overflow(*sum, product, sum) || *sum > SUM_MAX)
		*sum = SUM_MAX;
}

/*
 * Cost and bound of all that was wanted: with units that are in no problem,
 * and the configured cost of what is unfilled.
 */
static void
price_plan(OmniGathering *gathering)
{
	OmniSourcing *sourcing = gathering->sourcing;
	const OmniSolution *solution = &sourcing->solution;
	int			nlines = gathering->request->nlines;
	int64	   *left = palloc(sizeof(int64) * nlines);
	int64		outside = 0;

	for (int l = 0; l < nlines; l++)
	{
		int			line = gathering->facts[l].line;
		int64		unfilled = sourcing->network->lines[l].unfilled;

		left[l] = gathering->request->lines[l].wanted;
		sourcing->wanted += left[l];
		add_product(&outside, left[l] -
					(line < 0 ? 0 : gathering->lines[line].quantity),
					unfilled);
	}
	for (int p = 0; p < sourcing->nparts; p++)
		left[sourcing->parts[p].line] -= sourcing->parts[p].units;
	for (int l = 0; l < nlines; l++)
		add_product(&sourcing->unfilled_cost, left[l],
					sourcing->network->lines[l].unfilled);
	sourcing->cost = Min(solution->cost - solution->unfilled_cost +
						 sourcing->unfilled_cost, SUM_MAX);
	sourcing->lower_bound = Min(outside + solution->lower_bound, SUM_MAX);
	sourcing->proven = sourcing->cost == sourcing->lower_bound &&
		sourcing->cost < SUM_MAX;
	pfree(left);
}

/* Units of a node, each line for itself. */
int64
omni_sourcing_units_at(const OmniSourcing *sourcing, int node)
{
	const OmniSolveProblem *problem = &sourcing->problem;
	int32		cap = problem->nodes[node].unit_cap;
	int64		units = 0;

	for (int l = 0; l < problem->nlines; l++)
	{
		const OmniSolveLine *line = &problem->lines[l];
		int			low = line->first_offer;
		int			high = line->first_offer + line->noffers;

		while (low < high)
		{
			int			middle = low + (high - low) / 2;

			if (problem->offers[middle].node < node)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < line->first_offer + line->noffers &&
			problem->offers[low].node == node)
			units += Min(problem->offers[low].units, line->quantity);
	}
	return cap >= 0 ? Min(units, cap) : units;
}

/* Put a node among the best losers, if it is one. */
static void
offer_loser(OmniSourcing *sourcing, int node, int64 extra)
{
	int			place = sourcing->nlosers;
	int64		fixed = sourcing->problem.nodes[node].fixed;

	for (; place > 0; place--)
	{
		const OmniSourcingLoser *other = &sourcing->losers[place - 1];

		if (other->extra_cost < extra ||
			(other->extra_cost == extra &&
			 sourcing->problem.nodes[other->node].fixed <= fixed))
			break;
		if (place < OMNI_SOURCING_MAX_LOSERS)
			sourcing->losers[place] = *other;
	}
	if (place == OMNI_SOURCING_MAX_LOSERS)
		return;
	sourcing->losers[place].node = node;
	sourcing->losers[place].extra_cost = extra;
	if (sourcing->nlosers < OMNI_SOURCING_MAX_LOSERS)
		sourcing->nlosers++;
}

/* What is known of a node that somebody asks about. */
static void
answer_node(OmniGathering *gathering, OmniSourcingAnswer *answer,
			const int64 *extra)
{
	OmniSourcing *sourcing = gathering->sourcing;
	const OmniNetworkNode *node;
	int			info = omni_sourcing_find_info(gathering, answer->node);
	int			place = info < 0 ? OMNI_PLACE_UNSEEN : gathering->place[info];
	int			solved;

	answer->candidate = -1;
	answer->extra_cost = -1;
	if (place < 0 || place >= sourcing->network->nnodes ||
		sourcing->network->nodes[place].id != answer->node)
	{
		answer->verdict = info < 0 ? OMNI_NODE_NOT_ACTIVE :
			place == OMNI_PLACE_NOT_SHIPPING ? OMNI_NODE_NOT_SHIPPING :
			place == OMNI_PLACE_REJECTED ? OMNI_NODE_REJECTED : OMNI_NODE_NO_STOCK;
		return;
	}
	answer->candidate = place;
	node = &sourcing->network->nodes[place];
	solved = gathering->solved[place];
	if (solved < 0)
	{
		answer->verdict = node->freight < 0 ? OMNI_NODE_NO_SERVICE :
			node->unit_cap == 0 ? OMNI_NODE_NO_CAPACITY : OMNI_NODE_RULE;
		return;
	}
	answer->units = omni_sourcing_units_at(sourcing, solved);
	/* line rules may keep it from everything that it has */
	answer->verdict = answer->units > 0 ? OMNI_NODE_CANDIDATE :
		OMNI_NODE_RULE;
	if (extra[solved] != PG_INT64_MAX)
		answer->extra_cost = extra[solved];
	for (int s = 0; s < sourcing->solution.nshipments; s++)
	{
		if (sourcing->solution.shipments[s].node == solved)
		{
			answer->verdict = OMNI_NODE_CHOSEN;
			answer->extra_cost = 0;
		}
	}
}

/* The best of those not chosen, and those that were asked about. */
static void
explain_nodes(OmniGathering *gathering, void *room)
{
	OmniSourcing *sourcing = gathering->sourcing;
	const OmniSolveProblem *problem = &sourcing->problem;
	const OmniSolution *solution = &sourcing->solution;
	const OmniSourcingRequest *request = gathering->request;
	int64	   *extra = palloc(sizeof(int64) * (problem->nnodes + 1));
	int			s = 0;

	if (room)
		omni_sourcing_extra_costs(problem, solution, extra, room);
	else
	{
		for (int n = 0; n < problem->nnodes; n++)
			extra[n] = PG_INT64_MAX;
	}
	for (int n = 0; n < problem->nnodes; n++)
	{
		if (s < solution->nshipments && solution->shipments[s].node == n)
			s++;
		else if (extra[n] != PG_INT64_MAX)
			offer_loser(sourcing, n, extra[n]);
	}
	for (int l = 0; l < sourcing->nlosers; l++)
		sourcing->losers[l].units =
			omni_sourcing_units_at(sourcing, sourcing->losers[l].node);

	sourcing->nanswers = request->nexplain;
	sourcing->answers = palloc0(sizeof(OmniSourcingAnswer) *
								(request->nexplain + 1));
	/* the array may have been read anew */
	gathering->ninfos = omni_master_nodes(&gathering->infos);
	for (int i = 0; i < request->nexplain; i++)
	{
		sourcing->answers[i].node = request->explain[i];
		answer_node(gathering, &sourcing->answers[i], extra);
	}
	pfree(extra);
}

/* All of it. */
void
omni_sourcing_conclude(OmniGathering *gathering, const OmniSolution *shown,
					   bool too_small, void *room)
{
	make_parts(gathering);
	explain_shorts(gathering, shown, too_small);
	price_plan(gathering);
	explain_nodes(gathering, room);
}
