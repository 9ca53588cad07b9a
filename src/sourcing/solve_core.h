/*
 * solve_core.h
 *	  The cheapest way to serve one order, and the proof; no PostgreSQL in it.
 *
 * A problem is one order over plain arrays; doc/sourcing.md has the cost
 * model.  All money is whole cents, all weights are whole grams.  What filters
 * nodes (rules, radius, a rejection) happened before: who is in the array may
 * serve.
 *
 * Cost of a used node that ships U > 0 units of together W grams:
 *
 *	 fixed + G(b) + sum over units of (the offer's cost)
 *	 + over_cost * max(0, U - soft_cap),	b = max(1, ceil(W / bracket))
 *
 * where G(b) is the cheapest of the node's freight options.  The order costs
 * the sum over used nodes, split_penalty for each used node but the first, and
 * a line's unfilled for each unit that nobody ships.
 */
#ifndef OMNI_SOURCING_SOLVE_CORE_H
#define OMNI_SOURCING_SOLVE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One way to send parcels.  cost[b] is the price of a parcel of b brackets,
 * b = 0 … brackets (the full parcel); cost[0] is not used.  More than a full
 * parcel is full ones and the rest.  "slope" belongs to the rate alone and is
 * worked out once for all orders by omni_sourcing_rate_slopes().
 */
typedef struct OmniSolveOption
{
	const int64_t *cost;
	const int64_t *slope;
	int64_t		surcharge;		/* once a node, such as what lateness costs */
} OmniSolveOption;

/* How a group of nodes sends to this address: same zone, days and services. */
typedef struct OmniSolveFreight
{
	int32_t		first_option;
	int32_t		noptions;		/* 0: cannot send at all */
} OmniSolveFreight;

typedef struct OmniSolveNode
{
	int64_t		fixed;			/* picking, packing, priority … once a node */
	int64_t		over_cost;		/* >= 0; for each unit above soft_cap */
	int32_t		freight;		/* index in freights */
	int32_t		unit_cap;		/* units at most; -1: no limit */
	int32_t		soft_cap;		/* -1: none */
} OmniSolveNode;

/* So many units of a line lie at a node. */
typedef struct OmniSolveOffer
{
	int32_t		node;
	int32_t		units;			/* >= 0 */
	int64_t		cost;			/* of shipping one: labour + shadow - markdown */
} OmniSolveOffer;

typedef struct OmniSolveLine
{
	int32_t		quantity;		/* > 0 */
	bool		splittable;		/* false: whole from one node, or not at all */
	int64_t		weight;			/* of a unit, >= 0 */
	int64_t		unfilled;		/* cost of a unit that is not shipped, >= 0 */
	int32_t		first_offer;	/* its offers, ascending by node, each once */
	int32_t		noffers;
} OmniSolveLine;

typedef struct OmniSolveProblem
{
	int			nlines;
	int			nnodes;
	int			nfreights;
	int			noptions;
	int			noffers;
	const OmniSolveLine *lines;
	const OmniSolveNode *nodes;
	const OmniSolveFreight *freights;
	const OmniSolveOption *options;
	const OmniSolveOffer *offers;
	int64_t		bracket;		/* grams, > 0 */
	int32_t		brackets;		/* of a full parcel, > 0 */
	int64_t		split_penalty;	/* >= 0 */
	int			max_nodes;		/* 0: any number */
	bool		ship_complete;	/* everything or nothing */
} OmniSolveProblem;

/* How much may be done, and how to be stopped. */
typedef struct OmniSolveLimits
{
	/*
	 * Work units: about one column looked at, or one step of a search; on
	 * today's machines some nanoseconds.  Counted, not timed, so that the same
	 * problem has the same answer on a busy machine.
	 */
	int64_t		budget;
	/* work on prices also where few nodes are left; for tests */
	bool		thorough;
	/* called now and then, may not return; NULL: not called */
	void		(*breathe) (void *context);
	void	   *context;
} OmniSolveLimits;

/* So many units of a line come from a node. */
typedef struct OmniSolvePart
{
	int32_t		node;
	int32_t		line;
	int32_t		units;
} OmniSolvePart;

/* One node's shipment, and what it costs. */
typedef struct OmniSolveShipment
{
	int32_t		node;
	int32_t		option;			/* index in options: how it is sent */
	int64_t		units;
	int64_t		weight;
	int64_t		brackets;
	int64_t		fixed;
	int64_t		freight;		/* without the surcharge */
	int64_t		surcharge;
	int64_t		unit_costs;
	int64_t		over;
} OmniSolveShipment;

typedef struct OmniSolution
{
	/* room given by the caller: omni_sourcing_solution_room() of each */
	OmniSolvePart *parts;		/* ascending by node, then by line */
	OmniSolveShipment *shipments;	/* ascending by node */

	int			nparts;
	int			nshipments;
	int64_t		cost;
	int64_t		lower_bound;	/* no way to serve the order costs less */
	bool		proven;			/* they are equal: this is the optimum */
	int64_t		unfilled_units;
	int64_t		unfilled_cost;
	int64_t		split_cost;
	int64_t		work;			/* units of work done */
} OmniSolution;

/*
 * Fill slope[0 … brackets] from cost[0 … brackets]; costs are >= 0.
 */
extern void omni_sourcing_rate_slopes(const int64_t *cost, int32_t brackets,
									  int64_t *slope);

/*
 * Could sums leave 64 bits, or do arrays not fit together?  NULL if all is
 * well, else what is wrong.  The solver relies on it and does not ask itself:
 * a caller whose tables guarantee it need not call.
 */
extern const char *omni_sourcing_problem_fault(const OmniSolveProblem *problem);

/* How many parts and shipments a solution may have. */
extern size_t omni_sourcing_solution_room(const OmniSolveProblem *problem);

/* Bytes to work in; untouched bytes cost nothing. */
extern size_t omni_sourcing_minimise_room(const OmniSolveProblem *problem,
										  const OmniSolveLimits *limits);

/* Solve. */
extern void omni_sourcing_minimise(const OmniSolveProblem *problem,
								   const OmniSolveLimits *limits,
								   OmniSolution *solution, void *room);

/*
 * "Why not this node?"  At least so much more than the solution costs every
 * way of serving the order in which the node ships something; to be called
 * after omni_sourcing_minimise() with the same room.  INT64_MAX: the node
 * cannot ship anything.
 */
extern int64_t omni_sourcing_extra_cost(const OmniSolveProblem *problem,
										const OmniSolution *solution,
										int node, void *room);

/* The same of every node at once: extra[0 ... nnodes - 1]. */
extern void omni_sourcing_extra_costs(const OmniSolveProblem *problem,
									  const OmniSolution *solution,
									  int64_t *extra, void *room);

/* What given parts cost; false: they break a rule.  For tests and reports. */
extern bool omni_sourcing_price_parts(const OmniSolveProblem *problem,
									  const OmniSolvePart *parts, int nparts,
									  OmniSolution *priced);

#endif							/* OMNI_SOURCING_SOLVE_CORE_H */
