/*
 * plan_core.h
 *	  Which nodes serve what, over plain arrays; no PostgreSQL in it.
 */
#ifndef OMNI_SOURCING_PLAN_CORE_H
#define OMNI_SOURCING_PLAN_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A node that may serve; in an array ascending by id. */
typedef struct OmniPlanNode
{
	int64_t		id;
	int64_t		cost;			/* of one parcel from it, >= 0 */
} OmniPlanNode;

/* So many units lie at a node. */
typedef struct OmniPlanOffer
{
	int32_t		node;			/* index in nodes */
	int32_t		units;			/* > 0 */
} OmniPlanOffer;

/* An item that is wanted; each item once. */
typedef struct OmniPlanItem
{
	int64_t		id;
	int64_t		wanted;			/* units, > 0 */
	int64_t		limit;			/* of all nodes together: the pool's counter */
	int32_t		first_offer;	/* its offers, each node once */
	int32_t		noffers;
} OmniPlanItem;

typedef struct OmniPlanProblem
{
	int			nnodes;
	const OmniPlanNode *nodes;
	int			nitems;
	const OmniPlanItem *items;
	int			noffers;
	const OmniPlanOffer *offers;
	int			max_nodes;		/* at most so many; 0: any number */
} OmniPlanProblem;

/* So many units of an item come from a node (both are indexes). */
typedef struct OmniPlanPart
{
	int32_t		item;
	int32_t		node;
	int32_t		units;
} OmniPlanPart;

#define OMNI_PLAN_MAX_LOSERS 5

/* A node that could have served but was not chosen. */
typedef struct OmniPlanLoser
{
	int32_t		node;
	int64_t		units;			/* that it could have served alone */
} OmniPlanLoser;

typedef struct OmniPlan
{
	/* room given by the caller; parts: one for each offer is enough */
	OmniPlanPart *parts;		/* ascending by item, then by node's rank */
	int32_t	   *chosen;			/* nodes in the order of their cost; nnodes */

	int			nparts;
	int			nchosen;
	int64_t		wanted;
	int64_t		units;			/* planned; wanted when the plan is complete */
	int64_t		cost;			/* of one parcel from each chosen node */
	int64_t		bound;			/* no plan for all units costs less */
	bool		single;			/* one node serves all */
	bool		stopped;		/* max_nodes kept units from being planned */
	int			nlosers;
	OmniPlanLoser losers[OMNI_PLAN_MAX_LOSERS];	/* best first */
} OmniPlan;

/* Bytes that omni_sourcing_solve() needs to work in. */
extern size_t omni_sourcing_workspace(const OmniPlanProblem *problem);
extern void omni_sourcing_solve(const OmniPlanProblem *problem,
								OmniPlan *plan, void *workspace);

/* Great-circle distance in metres; degrees, WGS 84's mean radius. */
extern int64_t omni_sourcing_distance(double latitude_a, double longitude_a,
									double latitude_b, double longitude_b);

#endif							/* OMNI_SOURCING_PLAN_CORE_H */
