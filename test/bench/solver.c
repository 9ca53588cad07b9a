/*
 * solver.c
 *	  Figures of the sourcing solver, measured around the C core alone.
 *
 *	solver [FOLDER [BUDGET]]	the folder holds sourcing/orders, as $OMNI_DATA
 *
 * Timed is what the live path does for each order once its candidates are
 * known: the freight options of each group of nodes (service, zone, day, late
 * fee) and omni_sourcing_minimise().  Not timed: reading JSON, and rate tables,
 * which do not change with the order.  Each time is the least of several runs
 * in a row: what the machine does besides is not the solver's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "solver_draw.h"

#define RUNS 7
#define BUDGET INT64_C(1500000)
#define MAX_TIMES 4000

static double
microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static void *
room_for(size_t size)
{
	static void *room = NULL;
	static size_t room_size = 0;

	if (size > room_size)
	{
		free(room);
		room = malloc(size);
		room_size = size;
	}
	return room;
}

/* Solve several times; the least time, and the solution. */
static double
timed(Instance *instance, OmniSolution *solution, int64_t budget)
{
	OmniSolveLimits limits = {.budget = budget};
	size_t		n = omni_sourcing_solution_room(&instance->problem);
	void	   *room = room_for(omni_sourcing_minimise_room(&instance->problem,
															&limits));
	double		least = 1e12;

	solution->parts = malloc(sizeof(OmniSolvePart) * n);
	solution->shipments = malloc(sizeof(OmniSolveShipment) * n);
	for (int i = 0; i < RUNS; i++)
	{
		double		start = microseconds();
		double		taken;

		instance_freights(instance);
		omni_sourcing_minimise(&instance->problem, &limits, solution, room);
		taken = microseconds() - start;
		if (taken < least)
			least = taken;
	}
	free(solution->parts);
	free(solution->shipments);
	return least;
}

/* ---- percentiles ---- */

typedef struct Figures
{
	double		values[MAX_TIMES];
	int			n;
} Figures;

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static double
percentile(Figures *figures, double part)
{
	int			at = (int) (part * figures->n);

	qsort(figures->values, figures->n, sizeof(double), compare_doubles);
	return figures->values[at < figures->n ? at : figures->n - 1];
}

static double
mean(const Figures *figures)
{
	double		sum = 0;

	for (int i = 0; i < figures->n; i++)
		sum += figures->values[i];
	return figures->n ? sum / figures->n : 0;
}

/* ---- what rules would do ---- */

typedef enum Rule
{
	RULE_NEAREST,				/* nearest first */
	RULE_PRIORITY,				/* a list: dcs, then stores, by number */
	RULE_FEWEST,				/* most of what is left first, then nearest */
	RULE_GREEDY,				/* each time what costs least, less unfilled */
	RULES
} Rule;

static const char *const rule_names[RULES] =
{"nearest first", "priority list", "fewest splits", "cost-aware greedy"};

/* What a node would ship of what is left. */
static int
fill_parts(const Instance *instance, int n, const int *left,
		   OmniSolvePart *parts)
{
	const OmniSolveProblem *problem = &instance->problem;
	int64_t		cap = problem->nodes[n].unit_cap < 0 ? INT32_MAX :
		problem->nodes[n].unit_cap;
	int			nparts = 0;

	for (int l = 0; l < problem->nlines; l++)
	{
		const OmniSolveLine *line = &problem->lines[l];
		int			low = line->first_offer;
		int			high = low + line->noffers;
		int			units;

		while (low < high)
		{
			int			middle = (low + high) / 2;

			if (problem->offers[middle].node < n)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == line->first_offer + line->noffers ||
			problem->offers[low].node != n)
			continue;
		units = problem->offers[low].units;
		if (units > left[l])
			units = left[l];
		if (units > cap)
			units = (int) cap;
		if (units <= 0 || (!line->splittable && units < line->quantity))
			continue;
		cap -= units;
		parts[nparts].node = n;
		parts[nparts].line = l;
		parts[nparts++].units = units;
	}
	return nparts;
}

/* How good the rule finds a node: less is better. */
static double
judge(const Instance *instance, Rule rule, int n, const OmniSolvePart *parts,
	  int nparts, OmniSolution *room)
{
	const OmniSolveProblem *problem = &instance->problem;
	OmniSolveProblem any = *problem;
	int64_t		units = 0;
	int64_t		saved = 0;

	for (int p = 0; p < nparts; p++)
	{
		units += parts[p].units;
		saved += parts[p].units * problem->lines[parts[p].line].unfilled;
	}
	switch (rule)
	{
		case RULE_NEAREST:
			return (double) instance->distance[n];
		case RULE_PRIORITY:
			return instance->groups[problem->nodes[n].freight].type * 1e6 + n;
		case RULE_FEWEST:
			return -1e6 * units + instance->distance[n];
		default:
			break;
	}
	/* part of an order is an order that need not be complete */
	any.ship_complete = false;
	any.max_nodes = 0;
	if (!omni_sourcing_price_parts(&any, parts, nparts, room))
		return 1e18;
	return (double) (room->cost - room->unfilled_cost +
					 problem->split_penalty - saved);
}

/* What the order costs by a rule. */
static int64_t
cost_by_rule(const Instance *instance, Rule rule)
{
	const OmniSolveProblem *problem = &instance->problem;
	size_t		n = omni_sourcing_solution_room(problem);
	OmniSolvePart *parts = malloc(sizeof(OmniSolvePart) * (n + 1000));
	OmniSolution room = {.parts = malloc(sizeof(OmniSolvePart) * n),
	.shipments = malloc(sizeof(OmniSolveShipment) * n)};
	int		   *left = malloc(sizeof(int) * problem->nlines);
	char	   *used = calloc(problem->nnodes + 1, 1);
	int			nparts = 0;
	int64_t		nothing = 0;

	for (int l = 0; l < problem->nlines; l++)
	{
		left[l] = problem->lines[l].quantity;
		nothing += left[l] * problem->lines[l].unfilled;
	}
	for (int k = 0; problem->max_nodes == 0 || k < problem->max_nodes; k++)
	{
		double		best = rule == RULE_GREEDY ? 0 : 1e18;
		int			taken = -1;

		for (int m = 0; m < problem->nnodes; m++)
		{
			int			more;
			double		value;

			if (used[m] ||
				problem->freights[problem->nodes[m].freight].noptions == 0)
				continue;
			more = fill_parts(instance, m, left, parts + nparts);
			if (more == 0)
				continue;
			value = judge(instance, rule, m, parts + nparts, more, &room);
			if (value < best)
			{
				best = value;
				taken = m;
			}
		}
		if (taken < 0)
			break;
		used[taken] = 1;
		for (int more = fill_parts(instance, taken, left, parts + nparts);
			 more > 0; more--, nparts++)
			left[parts[nparts].line] -= parts[nparts].units;
	}
	if (omni_sourcing_price_parts(problem, parts, nparts, &room))
		nothing = room.cost;
	free(parts);
	free(room.parts);
	free(room.shipments);
	free(left);
	free(used);
	return nothing;
}

/* ---- the three sets ---- */

static void
print_times(const char *what, Figures *times, const char *targets)
{
	printf("%-34s median %7.1f us, p90 %7.1f, p99 %7.1f, worst %8.1f  (%d"
		   " orders; target: %s)\n", what, percentile(times, 0.5),
		   percentile(times, 0.9), percentile(times, 0.99),
		   percentile(times, 1), times->n, targets);
}

static void
open_set(const char *data)
{
	static Figures times;
	static double by_rule[RULES];
	int			optimal[RULES] = {0};
	double		best = 0;
	int			unproven = 0;
	char		path[4096];

	for (int class = 'A'; class <= 'G'; class++)
	{
		for (int i = 0; i < 1000 && times.n < MAX_TIMES; i++)
		{
			OmniSolution solution = {0};
			Instance   *instance;
			char	   *text;

			snprintf(path, sizeof(path), "%s/sourcing/orders/open-%c-%03d.json",
					 data, class, i);
			text = instance_file(path);
			if (text == NULL)
				break;
			instance = instance_read(text);
			free(text);
			times.values[times.n++] = timed(instance, &solution, BUDGET);
			unproven += !solution.proven;
			best += solution.cost;
			for (int r = 0; r < RULES; r++)
			{
				int64_t		cost = cost_by_rule(instance, r);

				by_rule[r] += cost;
				optimal[r] += cost == solution.cost;
			}
			instance_free(instance);
		}
	}
	if (times.n == 0)
	{
		printf("open set: left out (no orders below %s)\n", data);
		return;
	}
	print_times("open set", &times, "median 15, p99 1,500, worst 15,000");
	printf("open set, not proven: %d\n", unproven);
	for (int r = 0; r < RULES; r++)
		printf("open set, %-24s costs %5.1f %% more than the optimum,"
			   " and is optimal for %.0f %% of orders\n", rule_names[r],
			   100 * (by_rule[r] / best - 1), 100.0 * optimal[r] / times.n);
}

/* Six orders in ten have one line, two in ten two, the rest 3 to 6. */
static void
easy_mix(void)
{
	static Figures times;
	int			unproven = 0;

	draw_state = 7;
	for (int i = 0; i < 1000; i++)
	{
		OmniSolution solution = {0};
		int			kind = draw_below(10);
		Instance   *instance = draw_instance(kind < 6 ? 1 : kind < 8 ? 2 :
											 3 + draw_below(4));

		times.values[times.n++] = timed(instance, &solution, BUDGET);
		unproven += !solution.proven;
		instance_free(instance);
	}
	print_times("easy mix, 1,000 nodes", &times, "median 8, p99 100");
	printf("easy mix, not proven: %d\n", unproven);
}

static void
large_orders(int64_t budget, bool alike)
{
	Figures	   *times = calloc(1, sizeof(Figures));
	Figures	   *gaps = calloc(1, sizeof(Figures));
	const char *what = alike ? "large orders, as the open set" :
		"large orders, 17 to 60 lines";
	int			proven = 0;
	double		rule = 0;
	double		best = 0;

	draw_state = 17;
	draw_alike = alike;
	for (int i = 0; i < 44; i++)
	{
		OmniSolution solution = {0};
		Instance   *instance = draw_instance(17 + i);

		times->values[times->n++] = timed(instance, &solution, budget);
		gaps->values[gaps->n++] = 100.0 *
			(solution.cost - solution.lower_bound) / solution.cost;
		proven += solution.proven;
		best += solution.cost;
		rule += cost_by_rule(instance, RULE_NEAREST);
		instance_free(instance);
	}
	printf("%-34s certified gap: mean %.2f %%, p90 %.2f, worst"
		   " %.2f %%, proven %d of %d (target: mean 1, worst 5, in 5,000 us)\n",
		   what, mean(gaps), percentile(gaps, 0.9), percentile(gaps, 1),
		   proven, gaps->n);
	print_times(what, times, "5,000");
	printf("large orders, nearest first costs %.1f %% more\n",
		   100 * (rule / best - 1));
	free(times);
	free(gaps);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		open_set(argv[1]);
	else
		printf("open set: left out (OMNI_DATA is not set)\n");
	easy_mix();
	large_orders(argc > 2 ? atoll(argv[2]) : BUDGET, false);
	large_orders(argc > 2 ? atoll(argv[2]) : BUDGET, true);
	return 0;
}
