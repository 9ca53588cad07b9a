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

#include "sourcing/plan_core.h"

/* ---- solve.c ---- */

/* work units for one order: omni.sourcing_budget */
extern int	omni_sourcing_budget;

extern void omni_sourcing_init(void);

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
