/*
 * network.h
 *	  What the configured network says of an order: for each candidate where
 *	  it lies, when it ships, and what a shipment costs.
 *
 * The cost model is that of doc/sourcing.md.  All money is minor units of the
 * cost currency, weights are grams, days are PostgreSQL's dates.  Nothing here
 * reads stock, reserves or writes; the caller knows who has units.
 */
#ifndef OMNI_SOURCING_NETWORK_H
#define OMNI_SOURCING_NETWORK_H

#include "omni.h"

#include "datatype/timestamp.h"

#include "sourcing/calendar_core.h"
#include "sourcing/rate_core.h"
#include "sourcing/rules_core.h"

struct OmniConfig;

/* ---- in ---- */

typedef struct OmniNetworkPlace
{
	bool		located;		/* has coordinates */
	double		latitude;
	double		longitude;
	const char *country;		/* ISO 3166-1 alpha-2; NULL unknown */
	const char *region;
	const char *postal_code;
} OmniNetworkPlace;

typedef struct OmniNetworkLine
{
	int64		item;
	int32		quantity;		/* > 0 */
	int64		price;			/* of a unit, minor units of the order's
								 * currency; -1 unknown */
} OmniNetworkLine;

typedef struct OmniNetworkRequest
{
	int64		channel;		/* 0: none */
	TimestampTz at;				/* when the order comes */
	bool		promised;
	TimestampTz promise_by;		/* where promised; later is late */
	OmniNetworkPlace place;		/* where it goes */
	int64		pickup_node;	/* it is collected there: no parcel from it,
								 * and place is ignored; 0: shipped */
	const char *currency;		/* of value and prices; NULL unknown */
	int64		value;			/* of the order, for rules; -1 unknown */
	int			nlines;
	const OmniNetworkLine *lines;
	int			ncandidates;
	const int64 *candidates;	/* active nodes, ascending, each once */
	/*
	 * Units of its capacity that a node has given away for a day; NULL: none.
	 * The place where counted capacity comes in.
	 */
	int64		(*used) (void *context, int64 node, int32 day);
	void	   *used_context;
} OmniNetworkRequest;

/* ---- out ---- */

/* How a parcel may go. */
typedef struct OmniNetworkOption
{
	int32		service;		/* index; omni_network_service_code() */
	int32		zone;
	int32		ship_day;
	int32		delivery_day;
	int32		late_days;		/* beyond the promise */
	const int64 *cost;			/* by brackets, 0 … network->scale.brackets */
	const int64 *slope;			/* of these, for the solver */
	int64		surcharge;		/* for lateness, once a shipment */
} OmniNetworkOption;

/* Options that a group of candidates shares: a stretch of options. */
typedef struct OmniNetworkFreight
{
	int32		first_option;
	int32		noptions;
} OmniNetworkFreight;

/* A candidate, in the order of the request. */
typedef struct OmniNetworkNode
{
	int64		id;
	int32		node;			/* index in the configuration */
	int32		freight;		/* index in freights; -1: nobody carries */
	int32		zone;			/* of its first option; -1: none */
	int32		ship_day;		/* its earliest; OMNI_NO_DAY: none */
	int32		unit_cap;		/* units that it may still take on that day;
								 * -1: no limit */
	int32		soft_cap;		/* units that it takes without over_cost; -1 */
	int64		over_cost;		/* of each unit above soft_cap */
	int64		shipment_cost;	/* once a shipment: handling … */
	int64		distance_cost;	/* … without rates: by kilometres … */
	int64		rule_cost;		/* … and what rules add */
	int64		unit_cost;		/* of each unit: labour */
	int64		distance_m;		/* -1: unknown, or nobody asked */
	OmniRuleVerdict verdict;
} OmniNetworkNode;

/* What a line is, for the solver. */
typedef struct OmniNetworkLineInfo
{
	int64		weight_g;		/* of a unit */
	int64		unfilled;		/* cost of a unit that nobody serves */
	bool		splittable;
	uint64		rules;			/* line rules about it */
	const struct OmniItemValues *values;	/* shadow prices; NULL: none */
} OmniNetworkLineInfo;

/* How a channel's orders may be split. */
typedef struct OmniNetworkPolicy
{
	int64		split_penalty;
	int64		late_fixed;
	int64		late_per_day;
	int64		unfilled_cost;
	int32		unfilled_percent;	/* of the price, where the currency fits */
	int32		unit_weight_g;
	int32		max_shipments;	/* 0: any number */
	bool		ship_complete;
	bool		whole_lines;
	char		min_split_currency[4];	/* "" : no bound */
	int64		min_split_value;	/* goods that each shipment of a split
									 * order must hold */
} OmniNetworkPolicy;

typedef struct OmniNetwork
{
	const struct OmniConfig *config;	/* valid until the next network */
	OmniNetworkPolicy policy;
	OmniRateScale scale;
	int			nnodes;
	OmniNetworkNode *nodes;
	int			nlines;
	OmniNetworkLineInfo *lines;
	int			nfreights;
	OmniNetworkFreight *freights;
	int			noptions;
	OmniNetworkOption *options;
	int			nrules;
	const OmniRule *rules;
	OmniRuleEffect *effects;	/* by rule */
	int			no_service;		/* candidates that nobody carries for */
	int			no_capacity;	/* and whose day is full */
} OmniNetwork;

/*
 * What the network says of the request, palloc'd.  Reads the session's copy of
 * the configuration: no SQL, unless that is stale, or the destination's zones
 * or the items' shadow prices are not in it yet.  OM002 for a pickup node that
 * is not active.
 */
extern OmniNetwork *omni_network_read(const OmniNetworkRequest *request);

/* Is the candidate one for any line?  For this line? */
extern bool omni_network_node_allowed(const OmniNetwork *network, int node);
extern bool omni_network_allowed(const OmniNetwork *network, int node,
								 int line);
/* What a unit of the line costs from there, freight apart; may be < 0. */
extern int64 omni_network_unit_cost(const OmniNetwork *network, int node,
									int line);
/* Everything that a shipment from there costs once, freight apart. */
extern int64 omni_network_fixed_cost(const OmniNetwork *network, int node);

/* Names, for the reasons; they live as long as the network's config. */
extern const char *omni_network_service_code(const OmniNetwork *network,
											 int service);
extern const char *omni_network_rule_name(const OmniNetwork *network,
										  int rule);
extern int	omni_network_rule_position(const OmniNetwork *network, int rule);
/* true: no carrier is configured, and costs are made of distances */
extern bool omni_network_is_built_in(const OmniNetwork *network);

#endif							/* OMNI_SOURCING_NETWORK_H */
