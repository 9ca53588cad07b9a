/*
 * sourcing_draw.h
 *	  Small drawn orders with every feature of the cost model, and brute force.
 *
 * The naive solver here shares nothing with the real one but the structs: it
 * tries every way to ship, node by node, and prices each by the formula.
 */
#ifndef OMNI_SOURCING_DRAW_H
#define OMNI_SOURCING_DRAW_H

#include <stdlib.h>
#include <string.h>

#include "sourcing/solve_core.h"

#define DRAW_NODES 6
#define DRAW_LINES 5
#define DRAW_OPTIONS 3
#define DRAW_BRACKETS 4

typedef struct Drawn
{
	OmniSolveProblem problem;
	OmniSolveLine lines[DRAW_LINES];
	OmniSolveNode nodes[DRAW_NODES];
	OmniSolveFreight freights[DRAW_NODES];
	OmniSolveOption options[DRAW_NODES * DRAW_OPTIONS];
	OmniSolveOffer offers[DRAW_NODES * DRAW_LINES];
	int64_t		cost[DRAW_NODES * DRAW_OPTIONS][DRAW_BRACKETS + 1];
	int64_t		slope[DRAW_NODES * DRAW_OPTIONS][DRAW_BRACKETS + 1];
	int			stock[DRAW_LINES][DRAW_NODES];
	int64_t		unit_cost[DRAW_LINES][DRAW_NODES];
} Drawn;

/* The next of a sequence of numbers below "below", given by "next". */
typedef int (*DrawNext) (void *source, int below);

/* Offers from the table of stock; only zero stock may be left out. */
static void
draw_offers(Drawn *drawn)
{
	OmniSolveProblem *problem = &drawn->problem;

	problem->noffers = 0;
	for (int l = 0; l < problem->nlines; l++)
	{
		drawn->lines[l].first_offer = problem->noffers;
		for (int n = 0; n < problem->nnodes; n++)
		{
			OmniSolveOffer *offer = &drawn->offers[problem->noffers];

			if (drawn->stock[l][n] < 0)
				continue;
			offer->node = n;
			offer->units = drawn->stock[l][n];
			offer->cost = drawn->unit_cost[l][n];
			problem->noffers++;
		}
		drawn->lines[l].noffers = problem->noffers -
			drawn->lines[l].first_offer;
	}
}

/* Rates: rising, or anything. */
static void
draw_rate(Drawn *drawn, int o, DrawNext next, void *source, int scale)
{
	bool		any = next(source, 6) == 0;
	int			first = next(source, 50);

	drawn->cost[o][0] = 0;
	for (int b = 1; b <= DRAW_BRACKETS; b++)
		drawn->cost[o][b] = scale * (int64_t)
			(any ? next(source, 60) : first + (b - 1) * (1 + next(source, 9)));
	omni_sourcing_rate_slopes(drawn->cost[o], drawn->problem.brackets,
							  drawn->slope[o]);
	drawn->options[o].cost = drawn->cost[o];
	drawn->options[o].slope = drawn->slope[o];
	drawn->options[o].surcharge = next(source, 3) == 0 ?
		scale * (int64_t) next(source, 40) : 0;
}

/* A problem of at most so many nodes, lines and units. */
static void
draw_problem(Drawn *drawn, DrawNext next, void *source, int max_nodes,
			 int max_lines, int max_units)
{
	OmniSolveProblem *problem = &drawn->problem;
	int			scale = next(source, 20) == 0 ? 1000000007 : 1;
	int			limited = next(source, 3);

	memset(drawn, 0, sizeof(*drawn));
	problem->nlines = 1 + next(source, max_lines);
	problem->nnodes = next(source, max_nodes + 1);
	problem->nfreights = problem->nnodes;
	problem->bracket = 1 + next(source, 500);
	problem->brackets = 1 + next(source, DRAW_BRACKETS);
	problem->split_penalty = next(source, 3) == 0 ? 0 :
		scale * (int64_t) next(source, 40);
	problem->max_nodes = next(source, 3) == 0 ? 1 + next(source, 3) : 0;
	problem->ship_complete = next(source, 4) == 0;
	for (int l = 0; l < problem->nlines; l++)
	{
		OmniSolveLine *line = &drawn->lines[l];

		line->quantity = 1 + next(source, max_units);
		line->splittable = next(source, 3) != 0;
		line->weight = next(source, 5) == 0 ? 0 : next(source, 900);
		line->unfilled = next(source, 5) == 0 ? 0 :
			scale * (int64_t) next(source, 150);
		for (int n = 0; n < problem->nnodes; n++)
		{
			drawn->stock[l][n] = next(source, 4) == 0 ? -1 :
				next(source, max_units + 2);
			drawn->unit_cost[l][n] = scale * (int64_t) (next(source, 60) - 20);
		}
	}
	for (int n = 0; n < problem->nnodes; n++)
	{
		OmniSolveNode *node = &drawn->nodes[n];

		node->fixed = scale * (int64_t) next(source, 40);
		node->freight = n;
		node->unit_cap = limited == 1 && next(source, 2) ?
			next(source, 5) : -1;
		node->soft_cap = limited == 1 && next(source, 2) ?
			next(source, 4) : -1;
		node->over_cost = scale * (int64_t) next(source, 30);
		drawn->freights[n].first_option = n * DRAW_OPTIONS;
		drawn->freights[n].noptions = next(source, 8) == 0 ? 0 :
			1 + next(source, DRAW_OPTIONS);
		for (int o = 0; o < DRAW_OPTIONS; o++)
			draw_rate(drawn, n * DRAW_OPTIONS + o, next, source, scale);
	}
	problem->noptions = problem->nnodes * DRAW_OPTIONS;
	draw_offers(drawn);
	problem->lines = drawn->lines;
	problem->nodes = drawn->nodes;
	problem->freights = drawn->freights;
	problem->options = drawn->options;
	problem->offers = drawn->offers;
}

/* ---- brute force ---- */

typedef struct Naive
{
	const Drawn *drawn;
	int64_t		best;
	int			left[DRAW_LINES];
	int			ships[DRAW_LINES];
} Naive;

/* f of the node for what it ships; INT64_MAX: not allowed. */
static int64_t
naive_shipment(const Naive *naive, int n)
{
	const Drawn *drawn = naive->drawn;
	const OmniSolveProblem *problem = &drawn->problem;
	const OmniSolveNode *node = &drawn->nodes[n];
	int64_t		units = 0;
	int64_t		weight = 0;
	int64_t		cost = node->fixed;
	int64_t		best = INT64_MAX;
	int64_t		brackets;

	for (int l = 0; l < problem->nlines; l++)
	{
		units += naive->ships[l];
		weight += naive->ships[l] * drawn->lines[l].weight;
		cost += naive->ships[l] * drawn->unit_cost[l][n];
	}
	if (node->unit_cap >= 0 && units > node->unit_cap)
		return INT64_MAX;
	brackets = weight / problem->bracket +
		(weight % problem->bracket != 0 ? 1 : 0);
	if (brackets < 1)
		brackets = 1;
	for (int o = 0; o < drawn->freights[n].noptions; o++)
	{
		const int64_t *rate = drawn->cost[n * DRAW_OPTIONS + o];
		int64_t		way = drawn->options[n * DRAW_OPTIONS + o].surcharge +
			brackets / problem->brackets * rate[problem->brackets];

		if (brackets % problem->brackets > 0)
			way += rate[brackets % problem->brackets];
		if (way < best)
			best = way;
	}
	if (best == INT64_MAX)
		return INT64_MAX;
	if (node->soft_cap >= 0 && units > node->soft_cap)
		cost += (units - node->soft_cap) * node->over_cost;
	return cost + best;
}

/* The order is decided: what does it cost? */
static void
naive_close(Naive *naive, int64_t cost, int used)
{
	const OmniSolveProblem *problem = &naive->drawn->problem;
	bool		all = true;
	bool		none = true;

	if (used > 1)
		cost += (used - 1) * problem->split_penalty;
	if (problem->max_nodes > 0 && used > problem->max_nodes)
		return;
	for (int l = 0; l < problem->nlines; l++)
	{
		cost += naive->left[l] * naive->drawn->lines[l].unfilled;
		all = all && naive->left[l] == 0;
		none = none && naive->left[l] == naive->drawn->lines[l].quantity;
	}
	if (problem->ship_complete && !all && !none)
		return;
	if (cost < naive->best)
		naive->best = cost;
}

/* Try all that node n may ship of line l and later ones, then later nodes. */
static void
naive_try(Naive *naive, int n, int l, int64_t cost, int used)
{
	const OmniSolveProblem *problem = &naive->drawn->problem;
	const OmniSolveLine *line = &naive->drawn->lines[l];

	if (n == problem->nnodes)
	{
		naive_close(naive, cost, used);
		return;
	}
	if (l == problem->nlines)
	{
		int			ships[DRAW_LINES];
		int			units = 0;
		int64_t		shipment = 0;

		for (int i = 0; i < problem->nlines; i++)
			units += naive->ships[i];
		if (units > 0)
			shipment = naive_shipment(naive, n);
		if (shipment == INT64_MAX)
			return;
		memcpy(ships, naive->ships, sizeof(ships));
		memset(naive->ships, 0, sizeof(ships));
		naive_try(naive, n + 1, 0, cost + shipment, used + (units > 0));
		memcpy(naive->ships, ships, sizeof(ships));
		return;
	}
	for (int u = 0; u <= naive->left[l] && (u == 0 || u <= naive->drawn->stock[l][n]); u++)
	{
		if (u > 0 && !line->splittable && u < line->quantity)
			continue;
		naive->ships[l] = u;
		naive->left[l] -= u;
		naive_try(naive, n, l + 1, cost, used);
		naive->left[l] += u;
		naive->ships[l] = 0;
	}
}

/* The optimum. */
static int64_t
naive_optimum(const Drawn *drawn)
{
	Naive		naive = {.drawn = drawn,.best = INT64_MAX};

	for (int l = 0; l < drawn->problem.nlines; l++)
		naive.left[l] = drawn->lines[l].quantity;
	naive_try(&naive, 0, 0, 0, 0);
	return naive.best;
}

#endif							/* OMNI_SOURCING_DRAW_H */
