/*
 * gather.h
 *	  An order on its way to a plan; between gather.c, sourcing.c and outcome.c.
 */
#ifndef OMNI_SOURCING_GATHER_H
#define OMNI_SOURCING_GATHER_H

#include "master/master.h"
#include "sourcing/capacity.h"
#include "sourcing/sourcing.h"

/* in place of a candidate's index */
#define OMNI_PLACE_UNSEEN				(-1)
#define OMNI_PLACE_NOT_SHIPPING	(-2)
#define OMNI_PLACE_REJECTED		(-3)

/* Units of a line at an active node. */
typedef struct OmniStocked
{
	int32		info;			/* index among all active nodes */
	int32		units;
} OmniStocked;

/* What is known of a line before and after the network was asked. */
typedef struct OmniLineFacts
{
	int32		first;			/* in stocked */
	int32		n;
	int64		limit;			/* of all nodes together: the pool's counter */
	int64		stocked;		/* units of its candidates */
	int64		offered;		/* and of those that may serve it */
	bool		by_rule;		/* a rule, nobody who carries, or capacity … */
	bool		by_service;
	bool		by_capacity;	/* … kept units from being offered */
	int32		line;			/* of the problem, or -1 */
} OmniLineFacts;

typedef struct OmniGathering
{
	const OmniSourcingRequest *request;
	OmniSourcing *sourcing;
	const OmniNodeInfo *infos;	/* every active node, ascending by id */
	int			ninfos;
	int32	   *place;			/* by info: index in ids, or why it has none */
	int64	   *ids;			/* of candidates, ascending */
	int			nids;
	int32	   *units;			/* by info: scratch of one line */
	OmniLineFacts  *facts;
	OmniStocked    *stocked;
	int			nstocked;
	int			maxstocked;
	int32	   *solved;			/* by candidate: node of the problem, or -1 */
	OmniSolveLine *lines;
	OmniSolveOffer *offers;
	OmniSolveNode *nodes;
	int64	   *real_unfilled;	/* by line of the problem */
} OmniGathering;

/* ---- gather.c ---- */

/* Who has units, what the network says of them, and the solver's problem. */
extern void omni_sourcing_gather(OmniGathering *gathering);
/* Counting used capacity: for OmniNetworkRequest.used. */
typedef struct OmniCounting
{
	const OmniSourcingRequest *request;
	OmniCapacityUsed *used;
} OmniCounting;

extern int64 omni_sourcing_count_used(void *context, int64 node, int32 day);
/* The day on which units count against its capacity; OMNI_NO_DAY: none. */
extern int32 omni_sourcing_capacity_day(const OmniNetworkNode *node);
/* Place of a node among all active ones, or -1. */
extern int	omni_sourcing_find_info(const OmniGathering *gathering,
									int64 node);

/* ---- outcome.c ---- */

/*
 * Parts, reasons, cost and bound, losers.  "shown": the solution that says
 * what is missing; room NULL: nothing is known of extra costs.
 */
extern void omni_sourcing_conclude(OmniGathering *gathering,
								   const OmniSolution *shown, bool too_small,
								   void *room);

#endif							/* OMNI_SOURCING_GATHER_H */
