/*
 * solve_work.h
 *	  What the phases of the solver share; included by solve_*_core.c alone.
 *
 * Inside, money is scaled by 2^OMNI_SOLVE_SCALE so that prices of lines may
 * have fractions; a bound is rounded up to whole cents at the very end, which
 * is sound because every cost is whole.
 *
 * A line is counted in levels: a splittable one has a level for each unit, an
 * unsplittable one has a single level, all units.
 *
 * Prices p (one for each line, per level) stand behind every bound.  With
 * base = fixed + split penalty + toll, the reduced cost of node n shipping x is
 *
 *	 rc(n, x) = base + freight + over + sum over levels of (cost - p)
 *
 * and every way to serve the order with at least one node costs
 *
 *	 sum of levels * p - split penalty - toll * max_nodes
 *		 - sum of all refunds									 (the floor)
 *	 + sum of rc + refund over its nodes, sum of refund over all others
 *	 + sum of (unfilled - p) over what is left
 *	 + toll * (max_nodes - nodes used)
 *
 * where a node's refund is what its least rc is below zero, if it is.  Prices
 * never exceed "unfilled", so no term after the floor is negative: the floor
 * is a lower bound, and whoever spends more than (best - floor) on one of
 * these terms is not in a better solution.  That is the whole method: raise
 * the floor, throw out what is too dear, search the rest completely.
 */
#ifndef OMNI_SOURCING_SOLVE_WORK_H
#define OMNI_SOURCING_SOLVE_WORK_H

#include "sourcing/solve_core.h"

#define OMNI_SOLVE_SCALE	8
#define OMNI_SOLVE_ONE		((int64_t) 1 << OMNI_SOLVE_SCALE)
/* more than any scaled cost that omni_sourcing_problem_fault() lets pass */
#define OMNI_SOLVE_NEVER	((int64_t) 1 << 60)

/* What remains of an order, and what a column takes: fields with guards. */
#define OMNI_SOLVE_WORDS	4
#define OMNI_SOLVE_COLUMNS	65536

typedef struct OmniSolveSet
{
	uint64_t	word[OMNI_SOLVE_WORDS];
} OmniSolveSet;

typedef struct OmniSolveWorkLine
{
	int64_t		price;			/* scaled, per level */
	int64_t		unfilled;		/* scaled, per level; NEVER: must be shipped */
	int64_t		weight;			/* grams per level */
	int64_t		part;			/* the same in brackets, times 2^16, or less */
	int32_t		levels;
	int32_t		per_level;		/* units */
	int32_t		first_offer;
	int32_t		noffers;
	int32_t		nlooks;			/* from first_offer on, too */
	int32_t		word;			/* where its field is */
	int32_t		shift;
	int32_t		bits;			/* without the guard */
} OmniSolveWorkLine;

typedef struct OmniSolveWorkNode
{
	int64_t		slack;			/* a lower bound of its rc, scaled, >= 0 */
	int32_t		freight;
	int32_t		cap;			/* units; 0: cannot ship */
} OmniSolveWorkNode;

/* An offer as prices see it: only those that can ship. */
typedef struct OmniSolveLook
{
	int64_t		cost;			/* scaled, per level, or less: with freight */
	int32_t		node;
	int32_t		levels;
} OmniSolveLook;

/* Straight lines under a survivor's freight: at least one of them holds. */
#define OMNI_SOLVE_PIECES	3

/*
 * Beyond a full parcel freight bends upwards, and one line is far below it.
 * There are two, one from the first bracket on and one along full parcels, and
 * everything between them is below freight, too.
 */
#define OMNI_SOLVE_LEAN		16

/* A node that may still be part of a better solution. */
typedef struct OmniSolveSurvivor
{
	int32_t		node;
	int32_t		first;			/* in "held" */
	int32_t		nheld;
	int32_t		npieces;
	int64_t		piece[OMNI_SOLVE_PIECES];	/* where each line starts */
	/* two lines between which each may lean: starts and rises by bracket */
	int64_t		start[OMNI_SOLVE_PIECES][2];
	int64_t		rise[OMNI_SOLVE_PIECES][2];
	int8_t		lean[OMNI_SOLVE_PIECES];	/* 0 … OMNI_SOLVE_LEAN */
	int64_t		base;			/* of rc: fixed and split penalty */
	int64_t		reduced;		/* bound of its rc at the present prices */
	int64_t		refund;			/* what of it was negative: see the floor */
	int64_t		limit;			/* units beyond which units cost more, or end */
	int64_t		beyond;			/* cost of each such unit; NEVER: none */
	int64_t		brackets;		/* of all that it holds */
	int32_t		best_piece;		/* that of "reduced" */
	int8_t		kind;			/* and how it was bounded */
	bool		active;			/* the dual steps look at it */
} OmniSolveSurvivor;

/* What a survivor holds of a line. */
typedef struct OmniSolveHeld
{
	int32_t		line;
	int32_t		levels;
	int64_t		cost;			/* scaled, per level */
	int64_t		low[OMNI_SOLVE_PIECES];	/* with freight along each line */
} OmniSolveHeld;

/* One thing that a survivor might ship. */
typedef struct OmniSolveColumn
{
	OmniSolveSet set;
	int64_t		reduced;		/* scaled rc and the survivor's refund, >= 0 */
	int32_t		survivor;
	int32_t		place;			/* of its first line */
} OmniSolveColumn;

/* Nodes of a solution that is improved by changing them. */
#define OMNI_SOLVE_CHOSEN	24

/* So many levels of a line come from one of them. */
typedef struct OmniSolveSegment
{
	int64_t		cost;			/* scaled, per level */
	int32_t		levels;
	int32_t		by;
} OmniSolveSegment;

typedef struct OmniSolveWork
{
	const OmniSolveProblem *problem;
	OmniSolveLimits limits;
	OmniSolution *solution;
	int64_t		work;
	int64_t		next_breath;
	bool		exhausted;		/* the budget is used up */

	OmniSolveWorkLine *lines;
	int32_t    *order;			/* lines, scarce ones first */
	OmniSolveWorkNode *nodes;
	OmniSolveLook *looks;
	int64_t    *alone;			/* by node: bound of its cost when it ships all */
	int64_t    *intercept;		/* by freight: what the first bracket costs */
	int64_t    *slope;			/* by freight and line, per level */
	int64_t    *parcel_start;	/* by option: the line along full parcels */
	int64_t    *parcel_rise;
	int64_t		missing;		/* stands for NEVER where nodes are compared */
	int64_t		toll;			/* for max_nodes; scaled */
	int64_t		floor;			/* scaled; see above */
	int64_t		nothing;		/* cost of shipping nothing, in cents */
	int64_t		best;			/* cost of the solution at hand, in cents */
	int64_t		bound;			/* proven so far, in cents */

	/* the solution at hand, parts in any order */
	OmniSolvePart *best_parts;
	OmniSolvePart *trial_parts;
	int			nbest_parts;

	OmniSolveSurvivor *survivors;
	int			nsurvivors;
	int32_t    *slot;			/* by node: its survivor; for those alone */
	OmniSolveHeld *held;
	int			nheld;
	int			words;			/* of a set in use; 0: does not fit */
	int64_t		refunds;		/* of all survivors */
	OmniSolveSet all;			/* every level of every line */
	OmniSolveSet guards;
	OmniSolveColumn *columns;
	int			ncolumns;
	int32_t    *list;			/* columns by first line, by reduced cost */
	int32_t    *list_start;		/* by place */
	uint8_t    *used;			/* by survivor: in the partial solution */
	int32_t    *path;			/* columns of the partial solution */
	int32_t    *path_best;
	uint8_t		place_of_bit[OMNI_SOLVE_WORDS * 64];
	int64_t    *scratch;		/* by line, six times */
	OmniSolveSegment *segments; /* by line */
	int32_t    *nsegments;		/* by line */
} OmniSolveWork;

/* ---- shared helpers ---- */

/* a * b / 2^shift for products beyond 64 bits; shift > 0, result fits. */
static inline int64_t
multiply_shift(int64_t a, int64_t b, int shift)
{
	return (int64_t) (((__int128) a * b) >> shift);
}

/* Count work; false when the budget is used up. */
static inline bool
spend(OmniSolveWork *work, int64_t units)
{
	work->work += units;
	if (work->work >= work->next_breath)
	{
		work->next_breath = work->work + 10000;
		if (work->limits.breathe)
			work->limits.breathe(work->limits.context);
	}
	if (work->work > work->limits.budget)
		work->exhausted = true;
	return !work->exhausted;
}

/* Levels of a line that a node can ship by itself. */
static inline int32_t
levels_at(const OmniSolveWorkLine *line, int32_t units, int32_t cap)
{
	int32_t		most = units < cap ? units : cap;

	if (most >= line->levels * line->per_level)
		return line->levels;
	return line->per_level == 1 ? most : 0;
}

/* Brackets of a weight. */
static inline int64_t
brackets_of(const OmniSolveProblem *problem, int64_t weight)
{
	if (weight <= problem->bracket)
		return 1;
	if (weight <= INT32_MAX && problem->bracket <= INT32_MAX)
		return ((uint32_t) weight - 1) / (uint32_t) problem->bracket + 1;
	return (weight - 1) / problem->bracket + 1;
}

/* What a level of a line adds along a line that rises so much a bracket. */
static inline int64_t
rise_of(const OmniSolveWorkLine *line, int64_t rise)
{
	/* the usual case is many times faster */
	if (rise <= INT32_MAX && line->part <= INT32_MAX)
		return (rise * line->part) >> 16;
	return multiply_shift(rise, line->part, 16);
}

/* A scaled bound in whole cents: rounded up. */
static inline int64_t
whole_cents(int64_t scaled)
{
	return (scaled + OMNI_SOLVE_ONE - 1) >> OMNI_SOLVE_SCALE;
}

/* ---- solve_core.c ---- */
extern const OmniSolveOffer *omni_sourcing_find_offer(const OmniSolveProblem *problem,
													  int l, int32_t node);
extern void omni_sourcing_offer_parts(OmniSolveWork *work,
									  const OmniSolvePart *parts, int nparts);

extern int	omni_sourcing_merge_parts(OmniSolvePart *parts, int nparts);

/* ---- solve_greedy_core.c ---- */
extern int	omni_sourcing_greedy(OmniSolveWork *work);

/* ---- solve_local_core.c ---- */
extern void omni_sourcing_change_set(OmniSolveWork *work, int nchosen,
									 bool two);
extern void omni_sourcing_offer_set(OmniSolveWork *work, int nchosen);

/* ---- solve_tree_core.c ---- */
extern void omni_sourcing_branch(OmniSolveWork *work);

/* ---- solve_columns_core.c ---- */
extern int64_t omni_sourcing_freight(const OmniSolveProblem *problem,
								  int32_t freight, int64_t brackets,
								  int32_t *option);
extern bool omni_sourcing_make_columns(OmniSolveWork *work, int64_t gap);

/* ---- solve_bound_core.c ---- */
extern bool omni_sourcing_prepare_bound(OmniSolveWork *work);
extern void omni_sourcing_raise_prices(OmniSolveWork *work, int32_t guide);
extern void omni_sourcing_price_single(OmniSolveWork *work);
extern void omni_sourcing_pick_survivors(OmniSolveWork *work, int64_t gap);
extern void omni_sourcing_lean(OmniSolveWork *work,
							   OmniSolveSurvivor *survivor, int piece,
							   int lean);
extern void omni_sourcing_fit_leans(OmniSolveWork *work,
									OmniSolveSurvivor *survivor);

/* ---- solve_dual_core.c ---- */
extern int64_t omni_sourcing_evaluate_prices(OmniSolveWork *work,
											 int64_t *shortage, bool all);
extern void omni_sourcing_improve_prices(OmniSolveWork *work);

/* ---- solve_search_core.c ---- */
extern bool omni_sourcing_search(OmniSolveWork *work, int64_t gap);

#endif							/* OMNI_SOURCING_SOLVE_WORK_H */
