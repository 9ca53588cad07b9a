/*
 * sourcing.h
 *	  Which nodes serve what: the interface behind which the solver works.
 *
 * plan_core.c decides, over plain arrays; sourcing.c gathers what it needs
 * from the counters in memory and from master data, and puts the answer into
 * words.  Nothing here reserves or writes.
 */
#ifndef OMNI_SOURCING_H
#define OMNI_SOURCING_H

#include "omni.h"

#include "lib/stringinfo.h"

/* ---- plan_core.c: pure, no server needed ---- */

/* A node that may serve; in an array ascending by id. */
typedef struct OmniPlanNode
{
	int64		id;
	int64		cost;			/* of one parcel from it, >= 0 */
} OmniPlanNode;

/* So many units lie at a node. */
typedef struct OmniPlanOffer
{
	int32		node;			/* index in nodes */
	int32		units;			/* > 0 */
} OmniPlanOffer;

/* An item that is wanted; each item once. */
typedef struct OmniPlanItem
{
	int64		id;
	int64		wanted;			/* units, > 0 */
	int64		limit;			/* of all nodes together: the pool's counter */
	int32		first_offer;	/* its offers, each node once */
	int32		noffers;
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
	int32		item;
	int32		node;
	int32		units;
} OmniPlanPart;

#define OMNI_PLAN_MAX_LOSERS 5

/* A node that could have served but was not chosen. */
typedef struct OmniPlanLoser
{
	int32		node;
	int64		units;			/* that it could have served alone */
} OmniPlanLoser;

typedef struct OmniPlan
{
	/* room given by the caller; parts: one for each offer is enough */
	OmniPlanPart *parts;		/* ascending by item, then by node's rank */
	int32	   *chosen;			/* nodes in the order of their cost; nnodes */

	int			nparts;
	int			nchosen;
	int64		wanted;
	int64		units;			/* planned; wanted when the plan is complete */
	int64		cost;			/* of one parcel from each chosen node */
	int64		bound;			/* no plan for all units costs less */
	bool		single;			/* one node serves all */
	bool		stopped;		/* max_nodes kept units from being planned */
	int			nlosers;
	OmniPlanLoser losers[OMNI_PLAN_MAX_LOSERS];	/* best first */
} OmniPlan;

/* Bytes that omni_sourcing_solve() needs to work in. */
extern Size omni_sourcing_workspace(const OmniPlanProblem *problem);
extern void omni_sourcing_solve(const OmniPlanProblem *problem,
								OmniPlan *plan, void *workspace);

/* Great-circle distance in metres; degrees, WGS 84's mean radius. */
extern int64 omni_sourcing_distance(double latitude_a, double longitude_a,
									double latitude_b, double longitude_b);

/* ---- sourcing.c ---- */

typedef struct OmniDestination
{
	bool		located;		/* has coordinates */
	double		latitude;
	double		longitude;
	char		country[3];		/* "" when not given */
} OmniDestination;

/* What one address wants; each item once. */
typedef struct OmniSourcingRequest
{
	OmniDestination destination;
	int			nitems;
	const int64 *items;
	const int64 *wanted;
	int			nrejected;
	const int64 *rejected;		/* nodes that must not be asked again */
	int			max_nodes;		/* 0: any number */
	/* units that the caller has planned already; NULL: none */
	int64		(*taken) (void *context, int64 item, int64 node);
	void	   *taken_context;
} OmniSourcingRequest;

typedef struct OmniSourcing
{
	OmniPlanProblem problem;
	OmniPlan	plan;
	bool		distances;		/* costs are metres */
	/* nodes with stock that a rule kept out */
	int			not_shipping;
	int			rejected;
} OmniSourcing;

/*
 * Plan one address, palloc'd.  Reads the counters, so it may load blocks and
 * is for write functions (or dry runs) alone.
 */
extern OmniSourcing *omni_sourcing_plan(const OmniSourcingRequest *request);

/* Append the plan's reasons as the members of a JSON object, no braces. */
extern void omni_sourcing_describe(const OmniSourcing *sourcing,
								   StringInfo json);

#endif							/* OMNI_SOURCING_H */
