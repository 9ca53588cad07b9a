/*
 * config.h
 *	  The session's copy of the configuration; between sourcing's files.
 */
#ifndef OMNI_SOURCING_CONFIG_H
#define OMNI_SOURCING_CONFIG_H

#include "omni.h"

#include "utils/snapshot.h"

#include "master/master.h"
#include "sourcing/network.h"

#define OMNI_MAX_SERVICES	64	/* a bit each in OmniRuleNode */
#define OMNI_MAX_ZONES		64	/* 0 … 63 */
#define OMNI_NO_ZONE		(-1)
#define OMNI_POSTAL_MAX		16

/* the tariff that holds while there is no service */
#define OMNI_BUILT_IN_PARCEL	500 /* and, for each kilometre, 1 */
#define OMNI_BUILT_IN_SERVICE	"standard"

/* A node's capacity on a day; -1: as on other days. */
typedef struct OmniDayCapacity
{
	int32		day;
	int32		units;
	int32		soft_units;
	int64		over_cost;
} OmniDayCapacity;

typedef struct OmniConfigNode
{
	OmniNodeInfo info;
	double		x;				/* unit vector of its place */
	double		y;
	double		z;
	OmniCalendar calendar;
	int64		shipment_cost;
	int64		unit_cost;
	int64		over_cost;
	int32		daily_units;	/* -1: no limit */
	int32		soft_daily_units;
	int32		ncapacities;
	const OmniDayCapacity *capacities;	/* ascending by day */
	int32		timezone;		/* index */
	char		postal[OMNI_POSTAL_MAX + 1];	/* capitals and digits */
} OmniConfigNode;

typedef struct OmniDistanceBand
{
	int32		up_to_km;
	int32		zone;
	double		chord;			/* square of the chord over the unit sphere */
} OmniDistanceBand;

typedef struct OmniConfigChart
{
	char	   *code;			/* NULL: the built-in one */
	char		country[3];		/* "": any */
	int32		origin_length;
	int32		destination_length;
	int32		default_zone;
	int32		abroad_zone;
	int32		nbands;
	OmniDistanceBand *bands;	/* ascending */
} OmniConfigChart;

typedef struct OmniConfigService
{
	char	   *code;
	char	   *carrier;
	uint32		kinds;			/* bit by OmniNodeKind */
	int32		chart;			/* index */
	OmniPickups pickups;
	OmniRateCard card;
	int16		transit[OMNI_MAX_ZONES];
	const int64 *cost[OMNI_MAX_ZONES];	/* by brackets; NULL: not there */
	const int64 *slope[OMNI_MAX_ZONES]; /* of the same, for the solver */
} OmniConfigService;

/* When an order of one day ships: up to its cut-off, and after. */
typedef struct OmniShipDay
{
	int32		day;			/* of the order; OMNI_NO_DAY: not known yet */
	int32		before;
	int32		after;
	int16		cutoff;			/* -1: all of the day is "after" */
} OmniShipDay;

typedef struct OmniConfigPolicy
{
	int64		channel;		/* id; 0: of all that have none of their own */
	OmniNetworkPolicy policy;
} OmniConfigPolicy;

typedef struct OmniConfig
{
	uint64		nodes_generation;
	uint64		tables_generation;
	int			nnodes;			/* active ones, ascending by id */
	OmniConfigNode *nodes;
	int			ntimezones;
	pg_tz	  **timezones;
	int			ncharts;
	OmniConfigChart *charts;	/* the first is the built-in one */
	int			nservices;
	OmniConfigService *services;	/* ascending by code */
	bool		built_in;		/* the only service is the built-in one */
	OmniRateScale scale;
	int			nrules;
	OmniRule   *rules;
	int32	   *rule_positions;
	char	  **rule_names;
	bool		rules_ask_distance;
	bool		rules_ask_market;	/* the destination's country or region */
	int			npolicies;
	OmniConfigPolicy *policies;	/* the first is everybody's */
	char		currency[4];	/* of costs; "": not said */
	OmniShipDay *ship_days;		/* by node × service; filled as asked */
	MemoryContext context;		/* holds all of it */
} OmniConfig;

/* ---- config.c ---- */

/*
 * The configuration as of now, in memory; it is valid until the next call.
 */
extern OmniConfig *omni_sourcing_config(void);
/* Index of an active node, -1 when there is none. */
extern int	omni_sourcing_find_node(const OmniConfig *config, int64 node);
/* Index of an active service; OM002 when there is none. */
extern int	omni_sourcing_find_service(const OmniConfig *config,
									   const char *code);
/* Policy of a channel. */
extern const OmniNetworkPolicy *
			omni_sourcing_policy(const OmniConfig *config, int64 channel);
/* How often the zones, and the shadow prices, may have changed. */
extern uint64 omni_sourcing_zones_generation(void);
extern uint64 omni_sourcing_values_generation(void);

/* ---- config_nodes.c, config_carriers.c, config_rules.c: its parts ---- */

/* Each reads under the snapshot; what stays is made by these two. */
extern void *omni_sourcing_keep(OmniConfig *config, Size size);
extern char *omni_sourcing_keep_text(OmniConfig *config, const OmniRows *rows,
									 int r, int c);
extern void omni_sourcing_load_nodes(OmniConfig *config, Snapshot snapshot);
extern void omni_sourcing_load_carriers(OmniConfig *config,
										Snapshot snapshot);
extern void omni_sourcing_load_rules(OmniConfig *config, Snapshot snapshot);

/* Groups' members: group, id of the node, rank. */
extern void omni_sourcing_load_members(Snapshot snapshot, OmniRows *rows);

/* Run a query of the configuration. */
extern void omni_sourcing_query(OmniQuery *query, Snapshot snapshot,
								OmniRows *rows);
/* A column as a C string in a field; "" when null. */
extern void omni_sourcing_copy_text(const OmniRows *rows, int r, int c,
									char *field, Size size);
/* A number, or "missing" when null. */
extern int64 omni_sourcing_int(const OmniRows *rows, int r, int c, Oid type,
							   int64 missing);
/* A time as minutes of the day, or "missing" when null. */
extern int	omni_sourcing_minutes(const OmniRows *rows, int r, int c,
								  int missing);

/* ---- zones.c ---- */

/* Capitals and digits of a postal code, at most OMNI_POSTAL_MAX. */
extern void omni_sourcing_normalise_postal(const char *code, char *postal);
/*
 * Zone of each node of the configuration for a destination, by postal codes:
 * OMNI_NO_ZONE where the chart has no pair.  Valid until the next call.
 */
extern const int8 *omni_sourcing_postal_zones(const OmniConfig *config,
											  int chart, const char *postal);

/* ---- values.c ---- */

/* Shadow prices of an item, ascending by node. */
typedef struct OmniNodeValue
{
	int32		node;			/* index in the configuration */
	int64		shadow;
	int64		markdown;
} OmniNodeValue;

typedef struct OmniItemValues
{
	int64		item;
	int32		n;
	OmniNodeValue values[FLEXIBLE_ARRAY_MEMBER];
} OmniItemValues;

/* Those of n items, NULL where there are none; valid until the next call. */
extern void omni_sourcing_item_values(const OmniConfig *config,
									  const int64 *items, int n,
									  const OmniItemValues **values);

/* ---- place.c ---- */

/* Local day and minute of an instant. */
extern void omni_sourcing_local_time(TimestampTz at, const pg_tz *timezone,
									 int32 *day, int *minute);
/* The instant of a local day and minute. */
extern TimestampTz omni_sourcing_instant(int32 day, int minute,
										 pg_tz *timezone);
/* Ship day of a node by a service, from the configuration's memory. */
extern int32 omni_sourcing_ship_day(OmniConfig *config, int node, int service,
									int32 day, int minute);
/* Where a destination lies, ready for zones. */
typedef struct OmniNetworkAim
{
	bool		located;
	double		x;
	double		y;
	double		z;
	const char *country;		/* "" unknown */
	const char *region;
	char		postal[OMNI_POSTAL_MAX + 1];
} OmniNetworkAim;

extern void omni_sourcing_aim(const OmniNetworkPlace *place,
							  OmniNetworkAim *aim);
/* Zone of a node for a service, or OMNI_NO_ZONE; postal as postal_zones(). */
extern int	omni_sourcing_zone(const OmniConfig *config, int chart, int node,
							   const OmniNetworkAim *aim,
							   const int8 *postal);
/* Metres between a node and the aim; -1 unknown. */
extern int64 omni_sourcing_metres(const OmniConfigNode *node,
								  const OmniNetworkAim *aim);
/* What the built-in tariff charges for the way, of so many metres or -1. */
extern int64 omni_sourcing_distance_cost(const OmniConfigNode *node,
										 const OmniNetworkAim *aim,
										 int64 metres);
/* What is configured for a day; -1: no limit. */
extern void omni_sourcing_capacity(const OmniConfigNode *node, int32 day,
								   OmniDayCapacity *capacity);

#endif							/* OMNI_SOURCING_CONFIG_H */
