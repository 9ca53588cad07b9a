/*
 * solver_draw.h
 *	  Orders over a drawn network: what the solver's figures need beyond the
 *	  open set.
 *
 * A thousand nodes, one in fifty a dc; zones 1 to 8; three services whose
 * price rises with zone and weight a little less than in proportion; every
 * node ships today or tomorrow; a dc has seven lines in ten, a store four,
 * as in the open set; some items lie in every third place, some nearly everywhere.
 *
 * draw_alike: quantities, weights, ranges and shadows have the distribution of
 * the open set instead: most lines one unit that is not divided, stores with
 * small and large ranges, scarce units worth more where they lie.
 */
#ifndef OMNI_BENCH_SOLVER_DRAW_H
#define OMNI_BENCH_SOLVER_DRAW_H

#include <math.h>
#include <stdlib.h>

#include "sourcing_instance.h"

#define NETWORK_NODES	1000
#define NETWORK_ZONES	9
#define NETWORK_PARCEL	40

static uint64_t draw_state = 1;
static bool draw_alike = false;

static int
draw_below(int below)
{
	draw_state = draw_state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (int) ((draw_state >> 33) % below);
}

static void
draw_rates(Instance *instance)
{
	static const double first[] = {520, 980, 1750};
	static const double zone_first[] = {38, 95, 160};
	static const double rise[] = {26, 72, 115};

	instance->nservices = 3;
	instance->nzones = NETWORK_ZONES;
	for (int s = 0; s < 3; s++)
	{
		instance->types[s] = s == 0 ? 15 : 3;
		instance->transit[s] = malloc(sizeof(int64_t) * NETWORK_ZONES);
		for (int z = 0; z < NETWORK_ZONES; z++)
		{
			int64_t    *cost = calloc(NETWORK_PARCEL + 1, sizeof(int64_t));

			for (int b = 1; b <= NETWORK_PARCEL && z > 0; b++)
				cost[b] = (int64_t) (first[s] + zone_first[s] * (z - 1) +
									 rise[s] * (0.8 + 0.15 * z) *
									 pow(b - 1, 0.93));
			instance->transit[s][z] = s == 0 ? (z * 3 + 3) / 4 : s == 1 ? 2 : 1;
			instance->cost[s][z] = cost;
			instance->slope[s][z] = malloc(sizeof(int64_t) *
										   (NETWORK_PARCEL + 1));
			omni_sourcing_rate_slopes(cost, NETWORK_PARCEL,
									  instance->slope[s][z]);
		}
	}
	instance->late_fixed = 400;
	instance->late_per_day = 250;
}

/* A value from its distribution: what each fifth ends with. */
static int
draw_quantile(const int *ends)
{
	int			fifth = draw_below(5);

	return ends[fifth] + draw_below(ends[fifth + 1] - ends[fifth] + 1);
}

/* An order of so many lines. */
static Instance *
draw_instance(int nlines)
{
	Instance   *instance = calloc(1, sizeof(Instance));
	OmniSolveProblem *problem = &instance->problem;
	int64_t    *unit_cost = malloc(sizeof(int64_t) * NETWORK_NODES);
	int		   *range = malloc(sizeof(int) * NETWORK_NODES);
	static const int weights[] = {50, 300, 500, 1300, 2500, 6000};
	static const int unfilled[] = {900, 1550, 2050, 2600, 3600, 8000};
	static const int shadows[] = {0, 0, 0, 10, 110, 500};

	problem->bracket = 500;
	problem->brackets = NETWORK_PARCEL;
	problem->split_penalty = 250;
	draw_rates(instance);
	instance->promise_day = 2 + draw_below(6);
	problem->nnodes = NETWORK_NODES;
	problem->nlines = nlines;
	instance->nodes = calloc(NETWORK_NODES, sizeof(OmniSolveNode));
	instance->lines = calloc(nlines, sizeof(OmniSolveLine));
	instance->offers = calloc((size_t) nlines * NETWORK_NODES,
							  sizeof(OmniSolveOffer));
	instance->groups = calloc(NETWORK_NODES, sizeof(*instance->groups));
	instance->distance = calloc(NETWORK_NODES, sizeof(int64_t));
	for (int n = 0; n < NETWORK_NODES; n++)
	{
		bool		dc = n % 50 == 0;
		/* far zones hold more nodes than near ones */
		int			zone = 1 + (int) (8 * sqrt(draw_below(1000) / 1000.0));

		instance->distance[n] = zone * 400 + draw_below(400);
		instance->nodes[n].fixed = dc ? 120 + draw_below(70) :
			250 + draw_below(170);
		instance->nodes[n].unit_cap = -1;
		instance->nodes[n].soft_cap = -1;
		instance->nodes[n].freight = instance_group(instance, dc ? 0 : 1, zone,
													draw_below(3) == 0);
		range[n] = draw_alike && !dc ? 60 + draw_below(81) : 100;
		unit_cost[n] = dc ? 40 + draw_below(20) : 60 + draw_below(80);
	}
	for (int l = 0; l < nlines; l++)
	{
		OmniSolveLine *line = &instance->lines[l];
		int			popular = 5 + draw_below(11);

		line->quantity = draw_below(10) < 7 ? 1 : 2 + draw_below(3);
		line->splittable = draw_below(2);
		line->weight = (int64_t) exp(4.0 + 4.5 * draw_below(1000) / 1000.0);
		line->unfilled = 900 + draw_below(3500);
		if (draw_alike)
		{
			line->quantity = draw_below(100) < 80 ? 1 : 2 + draw_below(4) / 3;
			line->splittable = false;
			line->weight = draw_quantile(weights);
			line->unfilled = draw_quantile(unfilled);
			popular = 7 + draw_below(7);
		}
		line->first_offer = problem->noffers;
		for (int n = 0; n < NETWORK_NODES; n++)
		{
			OmniSolveOffer *offer = &instance->offers[problem->noffers];

			if (draw_below(100) >= (n % 50 == 0 ? 7 : 4) * popular * range[n] / 100)
				continue;
			offer->node = n;
			offer->units = 1 + draw_below(8);
			offer->cost = unit_cost[n] + (draw_below(2) ? draw_below(120) :
										  draw_below(5) == 0 ?
										  -draw_below(200) : 0);
			if (draw_alike)
			{
				offer->units = 1 + draw_below(4) + draw_below(6);
				offer->cost = unit_cost[n] + draw_quantile(shadows) -
					(draw_below(10) == 0 ? draw_below(250) : 0);
			}
			problem->noffers++;
		}
		line->noffers = problem->noffers - line->first_offer;
	}
	instance->freights = calloc(problem->nfreights + 1,
								sizeof(OmniSolveFreight));
	instance->options = calloc((size_t) problem->nfreights * 3 + 1,
							   sizeof(OmniSolveOption));
	problem->lines = instance->lines;
	problem->nodes = instance->nodes;
	problem->offers = instance->offers;
	problem->freights = instance->freights;
	problem->options = instance->options;
	instance_freights(instance);
	free(unit_cost);
	free(range);
	return instance;
}

#endif							/* OMNI_BENCH_SOLVER_DRAW_H */
