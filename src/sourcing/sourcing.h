/*
 * sourcing.h
 *	  Which nodes serve what: from an order to the cheapest plan.
 *
 * sourcing.c gathers who has units (the counters in memory) and what the
 * network says of them (network.h), and has the solver choose (solve_core.h);
 * reasons.c puts the plan into words.  Nothing here reserves or writes.
 */
#ifndef OMNI_SOURCING_H
#define OMNI_SOURCING_H

#include "omni.h"

#include "lib/stringinfo.h"

#include "sourcing/network.h"
#include "sourcing/solve_core.h"

/* ---- solve.c ---- */

/* work units for one order: omni.sourcing_budget */
extern int	omni_sourcing_budget;

extern void omni_sourcing_init(void);

/* ---- sourcing.c ---- */

/* Why units of a line are not planned. */
#define OMNI_SHORT_STOCK		"insufficient_stock"
#define OMNI_SHORT_SPLITS		"max_splits"
#define OMNI_SHORT_RULE			"routing_rule"
#define OMNI_SHORT_SERVICE		"no_service"
#define OMNI_SHORT_CAPACITY		"no_capacity"
#define OMNI_SHORT_WHOLE		"whole_line"
#define OMNI_SHORT_VALUE		"min_split_value"
#define OMNI_SHORT_COST			"unfilled_cost"

/* Units of an item that one address wants. */
typedef struct OmniSourcingLine
{
	int64		item;
	int64		wanted;			/* > 0 */
	int64		price;			/* of a unit, minor units of the order's
								 * currency; -1 unknown */
} OmniSourcingLine;

/* What one address wants; each item once. */
typedef struct OmniSourcingRequest
{
	OmniNetworkPlace place;
	int64		channel;
	TimestampTz at;				/* when it is to be planned for */
	bool		promised;
	TimestampTz promise_by;
	const char *currency;		/* of prices and value; NULL unknown */
	int64		value;			/* of the order's goods; -1 unknown */
	int			nlines;
	const OmniSourcingLine *lines;
	int			nrejected;
	const int64 *rejected;		/* nodes that must not be asked again */
	int			max_shipments;	/* the order's wish; 0: any number */
	int			shipments;		/* that were made before, and count */
	/* all or nothing, and: all, whatever it costs, if it can be had at all */
	bool		complete;
	bool		must_serve;
	/*
	 * Units that the caller has planned already, of an item or of a day's
	 * capacity (omni_stock_capacity_item()); NULL: none.
	 */
	int64		(*taken) (void *context, int64 item, int64 node);
	void	   *taken_context;
	int			nexplain;		/* nodes to be explained */
	const int64 *explain;
} OmniSourcingRequest;

/* Units of a line that come from a node. */
typedef struct OmniSourcingPart
{
	int32		line;			/* index */
	int32		units;
	int64		node;			/* id */
	int32		capacity_day;	/* on which its units count against the node's
								 * capacity; OMNI_NO_DAY: on none */
} OmniSourcingPart;

#define OMNI_SOURCING_MAX_LOSERS 5

/* A candidate that was not chosen. */
typedef struct OmniSourcingLoser
{
	int32		node;			/* index in the problem */
	int64		units;			/* that it could have served alone */
	int64		extra_cost;		/* at least, if it were used */
} OmniSourcingLoser;

/* Why a node asked about is none, or that it is one. */
typedef enum OmniSourcingVerdict
{
	OMNI_NODE_CHOSEN,
	OMNI_NODE_CANDIDATE,
	OMNI_NODE_NOT_ACTIVE,
	OMNI_NODE_NO_STOCK,
	OMNI_NODE_NOT_SHIPPING,
	OMNI_NODE_REJECTED,
	OMNI_NODE_NO_SERVICE,
	OMNI_NODE_NO_CAPACITY,
	OMNI_NODE_RULE
} OmniSourcingVerdict;

typedef struct OmniSourcingAnswer
{
	int64		node;			/* id */
	OmniSourcingVerdict verdict;
	int32		candidate;		/* index in network->nodes, or -1 */
	int64		units;			/* that it could serve alone */
	int64		extra_cost;		/* at least, if it were used; -1 unknown */
} OmniSourcingAnswer;

typedef struct OmniSourcing
{
	const OmniSourcingRequest *request;
	OmniNetwork *network;
	OmniSolveProblem problem;	/* of the lines that somebody has units of */
	OmniSolution solution;
	int32	   *candidates;		/* by node of the problem: index in
								 * network->nodes */
	int32	   *lines;			/* by line of the problem: index in request */
	int64		wanted;			/* units */
	int64		planned;
	int64		cost;			/* with what is left unfilled */
	int64		unfilled_cost;
	int64		lower_bound;
	bool		proven;			/* they are equal */
	bool		stopped;		/* max_shipments kept units from being planned */
	int			nparts;
	OmniSourcingPart *parts;	/* ascending by line, then by node */
	const char **shorts;		/* by line: why units are missing, or NULL */
	/* nodes with units that were kept out before the network was asked */
	int			not_shipping;
	int			rejected;
	int			nlosers;
	OmniSourcingLoser losers[OMNI_SOURCING_MAX_LOSERS];	/* best first */
	int			nanswers;
	OmniSourcingAnswer *answers;	/* in the order of request->explain */
} OmniSourcing;

/*
 * Plan one address, palloc'd; the request must live as long.  Reads the
 * counters, so it may load blocks and is for write functions (or dry runs)
 * alone.  OM008 when what it costs leaves all bounds.
 */
extern OmniSourcing *omni_sourcing_plan(const OmniSourcingRequest *request);

/* What is known of a node where an order is to be collected. */
typedef struct OmniSourcingPickup
{
	int32		ready_day;		/* OMNI_NO_DAY: never */
	int32		unit_cap;		/* units that it may take that day; -1: any */
	int32		capacity_day;	/* as in OmniSourcingPart */
} OmniSourcingPickup;

/* Ask about an active node; of the request, lines and moment count. */
extern void omni_sourcing_pickup(const OmniSourcingRequest *request,
								 int64 node, OmniSourcingPickup *pickup);

/* Units of a node, each line for itself, that the problem knows of. */
extern int64 omni_sourcing_units_at(const OmniSourcing *sourcing, int node);

/* ---- reasons.c ---- */

/* Append the plan's reasons as the members of a JSON object, no braces. */
extern void omni_sourcing_describe(const OmniSourcing *sourcing,
								   StringInfo json);
/* A member "key": "2026-11-28", or null for OMNI_NO_DAY. */
extern void omni_sourcing_append_day(StringInfo json, const char *key,
									 int32 day);

#endif							/* OMNI_SOURCING_H */
