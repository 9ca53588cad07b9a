/*
 * solve_check_core.c
 *	  Is a problem one that the solver's arithmetic is made for?
 *
 * The solver adds and multiplies without looking: scaled by 2^8, every sum
 * stays below 2^60 if the sums here stay below 2^47 cents.
 */
#include "sourcing/solve_work.h"

#define MONEY_LIMIT		((__int128) 1 << 47)
#define WEIGHT_LIMIT	((__int128) 1 << 60)
#define LEVELS_LIMIT	((int64_t) 1 << 40)

static inline __int128
distance_of(int64_t value)
{
	return value < 0 ? -(__int128) value : value;
}

/* Indexes and signs. */
static const char *
find_misfit(const OmniSolveProblem *problem)
{
	if (problem->bracket <= 0 || problem->brackets <= 0 ||
		problem->split_penalty < 0 || problem->max_nodes < 0)
		return "a parameter is out of range";
	for (int f = 0; f < problem->nfreights; f++)
	{
		const OmniSolveFreight *freight = &problem->freights[f];

		if (freight->first_option < 0 || freight->noptions < 0 ||
			freight->noptions > problem->noptions - freight->first_option)
			return "a freight has options that are not there";
	}
	for (int n = 0; n < problem->nnodes; n++)
	{
		const OmniSolveNode *node = &problem->nodes[n];

		if (node->fixed < 0 || node->over_cost < 0 || node->freight < 0 ||
			node->freight >= problem->nfreights || node->unit_cap < -1 ||
			node->soft_cap < -1)
			return "a node is out of range";
	}
	for (int l = 0; l < problem->nlines; l++)
	{
		const OmniSolveLine *line = &problem->lines[l];

		if (line->quantity <= 0 || line->weight < 0 || line->unfilled < 0 ||
			line->first_offer < 0 || line->noffers < 0 ||
			line->noffers > problem->noffers - line->first_offer)
			return "a line is out of range";
		for (int o = 0; o < line->noffers; o++)
		{
			const OmniSolveOffer *offer =
				&problem->offers[line->first_offer + o];

			if (offer->node < 0 || offer->node >= problem->nnodes ||
				offer->units < 0 || (o > 0 && offer[-1].node >= offer->node))
				return "an offer is out of range or order";
		}
	}
	return NULL;
}

/* The dearest freight of a whole order, by any option. */
static __int128
dearest_freight(const OmniSolveProblem *problem, __int128 brackets)
{
	__int128	dearest = 0;

	for (int o = 0; o < problem->noptions; o++)
	{
		const OmniSolveOption *option = &problem->options[o];
		__int128	most = 0;

		if (option->surcharge < 0)
			return -1;
		for (int32_t b = 1; b <= problem->brackets; b++)
		{
			if (option->cost[b] < 0)
				return -1;
			if (option->cost[b] > most)
				most = option->cost[b];
		}
		most = most * (brackets / problem->brackets + 1) + option->surcharge;
		if (most > dearest)
			dearest = most;
	}
	return dearest;
}

/* NULL if all is well. */
const char *
omni_sourcing_problem_fault(const OmniSolveProblem *problem)
{
	const char *misfit = find_misfit(problem);
	__int128	money = 0;
	__int128	weight = 0;
	__int128	node_money = 0;
	__int128	freight;
	__int128	used;
	int64_t		units = 0;
	int64_t		levels = 0;

	if (misfit)
		return misfit;
	for (int l = 0; l < problem->nlines; l++)
	{
		const OmniSolveLine *line = &problem->lines[l];
		__int128	dearest = 0;

		for (int o = 0; o < line->noffers; o++)
		{
			__int128	cost =
				distance_of(problem->offers[line->first_offer + o].cost);

			if (cost > dearest)
				dearest = cost;
		}
		money += line->quantity * (dearest + line->unfilled);
		weight += (__int128) line->quantity * line->weight;
		units += line->quantity;
		levels += line->splittable ? line->quantity : 1;
		if (money > MONEY_LIMIT || weight > WEIGHT_LIMIT ||
			units > LEVELS_LIMIT)
			return "sums leave their range";
	}
	used = problem->nnodes < levels ? problem->nnodes : levels;
	for (int n = 0; n < problem->nnodes; n++)
	{
		const OmniSolveNode *node = &problem->nodes[n];
		__int128	most = node->fixed + (__int128) node->over_cost * units;

		if (most > node_money)
			node_money = most;
	}
	freight = dearest_freight(problem, weight / problem->bracket + 1);
	if (freight < 0)
		return "a freight is out of range";
	if (freight > MONEY_LIMIT || node_money > MONEY_LIMIT ||
		money + used * (node_money + freight + problem->split_penalty) >
		MONEY_LIMIT)
		return "sums leave their range";
	return NULL;
}
