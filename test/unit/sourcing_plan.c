/*
 * sourcing_plan.c
 *	  Plans: cases worked out by hand, and drawn ones against brute force.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sourcing/plan_core.c"

#define MAX_NODES 8
#define MAX_ITEMS 5
#define MAX_OFFERS (MAX_NODES * MAX_ITEMS)

static int	ntests = 0;
static int	nfailed = 0;

static void
ok(bool good, const char *what)
{
	ntests++;
	if (!good)
		nfailed++;
	printf("%sok %d - %s\n", good ? "" : "not ", ntests, what);
}

/* A problem as a table of stock: units[item][node]. */
typedef struct Table
{
	int			nnodes;
	int			nitems;
	int			max_nodes;
	int64_t		cost[MAX_NODES];
	int			wanted[MAX_ITEMS];
	int			limit[MAX_ITEMS];	/* 0: as much as the nodes have */
	int			units[MAX_ITEMS][MAX_NODES];
} Table;

typedef struct Solved
{
	OmniPlan	plan;
	OmniPlanPart parts[MAX_OFFERS];
	int32_t		chosen[MAX_NODES];
	OmniPlanNode nodes[MAX_NODES];
	OmniPlanItem items[MAX_ITEMS];
	OmniPlanOffer offers[MAX_OFFERS];
} Solved;

static void
solve(const Table *table, Solved *solved)
{
	OmniPlanProblem problem = {0};
	void	   *room;

	problem.nnodes = table->nnodes;
	problem.nodes = solved->nodes;
	problem.nitems = table->nitems;
	problem.items = solved->items;
	problem.offers = solved->offers;
	problem.max_nodes = table->max_nodes;
	for (int n = 0; n < table->nnodes; n++)
	{
		solved->nodes[n].id = 100 + n;
		solved->nodes[n].cost = table->cost[n];
	}
	for (int i = 0; i < table->nitems; i++)
	{
		int64_t		sum = 0;

		solved->items[i].id = i;
		solved->items[i].wanted = table->wanted[i];
		solved->items[i].first_offer = problem.noffers;
		for (int n = 0; n < table->nnodes; n++)
		{
			if (table->units[i][n] == 0)
				continue;
			solved->offers[problem.noffers].node = n;
			solved->offers[problem.noffers++].units = table->units[i][n];
			sum += table->units[i][n];
		}
		solved->items[i].noffers =
			problem.noffers - solved->items[i].first_offer;
		solved->items[i].limit = table->limit[i] ? table->limit[i] : sum;
	}
	memset(&solved->plan, 0x5a, sizeof(OmniPlan));
	solved->plan.parts = solved->parts;
	solved->plan.chosen = solved->chosen;
	room = malloc(omni_sourcing_workspace(&problem));
	omni_sourcing_solve(&problem, &solved->plan, room);
	free(room);
}

/* Units of an item that the plan takes from a node. */
static int
planned(const Solved *solved, int item, int node)
{
	int			units = 0;

	for (int p = 0; p < solved->plan.nparts; p++)
	{
		if (solved->parts[p].item == item && solved->parts[p].node == node)
			units += solved->parts[p].units;
	}
	return units;
}

static void
test_by_hand(void)
{
	Solved		solved;
	const OmniPlan *plan = &solved.plan;

	solve(&(Table) {.nnodes = 3, .nitems = 1, .cost = {30, 10, 20},
		  .wanted = {2}, .units = {{5, 1, 2}}}, &solved);
	ok(plan->single && plan->nchosen == 1 && solved.chosen[0] == 2 &&
	   plan->cost == 20 && planned(&solved, 0, 2) == 2,
	   "the cheapest node that has all");
	ok(plan->nlosers == 2 && plan->losers[0].node == 0 &&
	   plan->losers[0].units == 2 && plan->losers[1].node == 1 &&
	   plan->losers[1].units == 1, "the others lost, the better one first");
	ok(plan->bound == 10, "no plan costs less than the cheapest parcel");

	solve(&(Table) {.nnodes = 2, .nitems = 1, .cost = {10, 10},
		  .wanted = {2}, .units = {{2, 2}}}, &solved);
	ok(solved.chosen[0] == 0, "equal nodes: the first");

	solve(&(Table) {.nnodes = 3, .nitems = 2, .cost = {1, 50, 60},
		  .wanted = {1, 1}, .units = {{1, 0, 1}, {0, 1, 1}}}, &solved);
	ok(plan->single && solved.chosen[0] == 2, "one node goes before two nearer ones");

	solve(&(Table) {.nnodes = 3, .nitems = 1, .cost = {1, 2, 3},
		  .wanted = {13}, .units = {{0, 10, 15}}}, &solved);
	ok(plan->single && planned(&solved, 0, 2) == 13, "13 of 10 + 15 is one parcel");
	solve(&(Table) {.nnodes = 2, .nitems = 1, .cost = {1, 2},
		  .wanted = {13}, .units = {{10, 10}}}, &solved);
	ok(planned(&solved, 0, 0) == 10 && planned(&solved, 0, 1) == 3,
	   "13 of 10 + 10 is 10 + 3, the nearer one first");

	solve(&(Table) {.nnodes = 2, .nitems = 1, .cost = {1, 2},
		  .wanted = {4}, .limit = {3}, .units = {{3, 3}}}, &solved);
	ok(plan->units == 3 && !plan->single && plan->nchosen == 1,
	   "the pool's limit holds over the nodes' sum");

	solve(&(Table) {.nnodes = 2, .nitems = 1, .cost = {1, 2},
		  .wanted = {4}, .units = {{3, 3}}, .max_nodes = 1}, &solved);
	ok(plan->units == 3 && plan->stopped && plan->nchosen == 1,
	   "max_nodes stops it");

	solve(&(Table) {.nnodes = 0, .nitems = 1, .wanted = {4}}, &solved);
	ok(plan->units == 0 && plan->nparts == 0 && plan->wanted == 4 &&
	   plan->nlosers == 0, "nobody has any");

	/* node 0 serves 3 items and is taken first; then 1 and 2 serve all */
	solve(&(Table) {.nnodes = 3, .nitems = 4, .cost = {100, 10, 10},
		  .wanted = {1, 1, 1, 1},
		  .units = {{1, 1, 0}, {1, 0, 1}, {1, 1, 0}, {0, 0, 1}}}, &solved);
	ok(plan->units == 4 && plan->nchosen == 2, "few nodes");
	solve(&(Table) {.nnodes = 3, .nitems = 5, .cost = {100, 10, 11},
		  .wanted = {1, 1, 1, 1, 1},
		  .units = {{1, 1, 0}, {1, 0, 1}, {1, 1, 0}, {0, 1, 0}, {0, 0, 1}}},
		  &solved);
	ok(plan->units == 5 && plan->nchosen == 2 && plan->cost == 21,
	   "a node that the others make superfluous is dropped");
	ok(omni_sourcing_distance(52.5, 13.4, 52.5, 13.4) == 0, "here is here");
	ok(llabs(omni_sourcing_distance(40.6413, -73.7781, 51.4700, -0.4543) -
			 5540000) < 20000, "New York to London is about 5,540 km");
	ok(llabs(omni_sourcing_distance(0, 0, 0, 180) - 20015115) < 1000,
	   "half way round");
}

static uint64_t state = 4711;

static int
draw(int below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int) ((state >> 33) % below);
}

/* Units that a set of nodes can serve. */
static int64_t
served_by(const Table *table, const Solved *solved, int set)
{
	int64_t		units = 0;

	for (int i = 0; i < table->nitems; i++)
	{
		int64_t		sum = 0;

		for (int n = 0; n < table->nnodes; n++)
			sum += set & (1 << n) ? table->units[i][n] : 0;
		sum = LESSER(sum, LESSER(solved->items[i].wanted, solved->items[i].limit));
		units += sum;
	}
	return units;
}

/* What holds for every plan; NULL, or what does not. */
static const char *
fault(const Table *table, const Solved *solved)
{
	const OmniPlan *plan = &solved->plan;
	int			set = 0;
	int64_t		cost = 0;
	int64_t		best_single = INT64_MAX;
	int64_t		all = served_by(table, solved, (1 << table->nnodes) - 1);

	for (int c = 0; c < plan->nchosen; c++)
	{
		if (set & (1 << plan->chosen[c]))
			return "a node chosen twice";
		set |= 1 << plan->chosen[c];
		cost += table->cost[plan->chosen[c]];
	}
	for (int i = 0; i < table->nitems; i++)
	{
		int64_t		sum = 0;

		for (int n = 0; n < table->nnodes; n++)
		{
			int			units = planned(solved, i, n);

			if (units > table->units[i][n])
				return "more than the node has";
			if (units > 0 && !(set & (1 << n)))
				return "a part from a node not chosen";
			sum += units;
		}
		if (sum > LESSER(solved->items[i].wanted, solved->items[i].limit))
			return "more than wanted, or than the pool has";
	}
	if (cost != plan->cost)
		return "another cost";
	if (plan->units != served_by(table, solved, set))
		return "chosen nodes could serve more";
	if (table->max_nodes > 0 && plan->nchosen > table->max_nodes)
		return "too many nodes";
	if (table->max_nodes == 0 && plan->units != all)
		return "less than all nodes have";
	for (int c = 0; c < plan->nchosen; c++)
	{
		if (served_by(table, solved, set & ~(1 << plan->chosen[c])) ==
			plan->units)
			return "a node too many";
	}
	for (int n = 0; n < table->nnodes; n++)
	{
		if (served_by(table, solved, 1 << n) == plan->wanted)
			best_single = LESSER(best_single, table->cost[n]);
	}
	if (best_single != INT64_MAX &&
		(!plan->single || plan->cost != best_single))
		return "not the cheapest single node";
	if (plan->units == plan->wanted)
	{
		for (int s = 0; s < (1 << table->nnodes); s++)
		{
			int64_t		sum = 0;

			for (int n = 0; n < table->nnodes; n++)
				sum += s & (1 << n) ? table->cost[n] : 0;
			if (served_by(table, solved, s) == plan->wanted &&
				sum < plan->bound)
				return "a plan below the bound";
		}
	}
	return NULL;
}

static void
test_any(void)
{
	int			bad = 0;

	for (int t = 0; t < 5000; t++)
	{
		Table		table = {0};
		Solved		solved;
		const char *why;

		table.nnodes = draw(MAX_NODES + 1);
		table.nitems = 1 + draw(MAX_ITEMS);
		table.max_nodes = draw(3) == 0 ? 1 + draw(3) : 0;
		for (int n = 0; n < table.nnodes; n++)
			table.cost[n] = draw(50);
		for (int i = 0; i < table.nitems; i++)
		{
			table.wanted[i] = 1 + draw(6);
			table.limit[i] = draw(4) == 0 ? 1 + draw(6) : 0;
			for (int n = 0; n < table.nnodes; n++)
				table.units[i][n] = draw(2) ? draw(5) : 0;
		}
		solve(&table, &solved);
		why = fault(&table, &solved);
		if (why)
		{
			bad++;
			printf("# problem %d: %s\n", t, why);
		}
	}
	ok(bad == 0, "5,000 drawn problems");
}

int
main(void)
{
	test_by_hand();
	test_any();
	printf("1..%d\n", ntests);
	return nfailed != 0;
}
