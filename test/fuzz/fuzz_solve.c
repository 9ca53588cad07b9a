/*
 * fuzz_solve.c
 *	  libFuzzer target for the sourcing solver, src/sourcing/solve_*_core.c.
 *
 * The bytes draw a small order (test/unit/sourcing_draw.h); the first chooses
 * its size and the budget.  Checked: parts keep the rules and cost what the
 * solution says, the bound is never above the optimum that brute force finds,
 * and with enough budget the solution is that optimum.
 */
#include "check.h"

#include "sourcing/solve_core.h"

#include "../unit/sourcing_draw.h"

typedef struct Bytes
{
	const uint8_t *at;
	size_t		left;
} Bytes;

/* Two bytes make a number; after the last all numbers are 0. */
static int
next_bytes(void *source, int below)
{
	Bytes	   *bytes = source;
	int			number;

	if (bytes->left < 2)
		return 0;
	number = bytes->at[0] | bytes->at[1] << 8;
	bytes->at += 2;
	bytes->left -= 2;
	return number % below;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Drawn drawn;
	static OmniSolvePart parts[2][DRAW_NODES * DRAW_LINES + 1];
	static OmniSolveShipment shipments[2][DRAW_NODES * DRAW_LINES + 1];
	static void *room = NULL;
	static size_t room_size = 0;
	OmniSolveLimits limits = {.budget = INT64_MAX / 2};
	OmniSolution solution = {.parts = parts[0],.shipments = shipments[0]};
	OmniSolution again = {.parts = parts[1],.shipments = shipments[1]};
	Bytes		bytes = {data + 1, size - 1};
	int64_t		optimum;

	if (size < 1)
		return 0;
	draw_problem(&drawn, next_bytes, &bytes, data[0] % 2 ? 4 : 3,
				 data[0] % 2 ? 2 : 3, data[0] % 2 ? 3 : 2);
	if (omni_sourcing_problem_fault(&drawn.problem) != NULL)
		return 0;
	limits.thorough = (data[0] & 4) != 0;
	if (data[0] & 2)
		limits.budget = data[0] * 4;
	if (omni_sourcing_minimise_room(&drawn.problem, &limits) > room_size)
	{
		free(room);
		room_size = omni_sourcing_minimise_room(&drawn.problem, &limits);
		room = malloc(room_size);
	}
	omni_sourcing_minimise(&drawn.problem, &limits, &solution, room);
	CHECK(omni_sourcing_price_parts(&drawn.problem, solution.parts,
									solution.nparts, &again));
	CHECK(again.cost == solution.cost);
	CHECK(solution.proven == (solution.lower_bound == solution.cost));
	optimum = naive_optimum(&drawn);
	CHECK(solution.lower_bound <= optimum && solution.cost >= optimum);
	CHECK((data[0] & 2) || (solution.proven && solution.cost == optimum));
	for (int n = 0; n < drawn.problem.nnodes; n++)
	{
		int64_t		extra = omni_sourcing_extra_cost(&drawn.problem, &solution,
													 n, room);

		CHECK(extra >= 0);
		for (int s = 0; s < again.nshipments && solution.proven; s++)
			CHECK(again.shipments[s].node != n || extra == 0);
	}
	return 0;
}
