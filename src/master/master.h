/*
 * master.h
 *	  Channels, nodes, items and their codes: what other domains may ask.
 *
 * Maps from code to id are kept per session, positive entries only; a trigger
 * on the tables drops them everywhere by relcache invalidation, and entries
 * learned in a (sub)transaction go when it aborts.  A change that another
 * session committed before the call is seen by the call, under every
 * isolation level.
 *
 * Look-ups may run SQL, as the current user: none under an LWLock, and not in
 * transaction callbacks.
 */
#ifndef OMNI_MASTER_H
#define OMNI_MASTER_H

#include "core/core.h"

#include "pgtime.h"

/* Longest code of an item, node or channel, and longest region, in bytes. */
#define OMNI_CODE_MAX			128
#define OMNI_REGION_MAX			32
#define OMNI_POSTAL_CODE_MAX	16
#define OMNI_CATEGORY_MAX		64

typedef enum OmniMasterKind
{
	OMNI_MASTER_CHANNEL,
	OMNI_MASTER_NODE,
	OMNI_MASTER_ITEM
} OmniMasterKind;

/* ---- map.c: codes and ids ---- */

/* Ids of codes; OM002 when unknown or NULL.  Never 0. */
extern int64 omni_master_item_id(const char *sku);
extern int64 omni_master_node_id(const char *code);
extern int64 omni_master_channel_id(const char *code);
/*
 * Ids of n skus, in their order; those that this session does not know yet
 * take one statement.  OM002 names the first that is unknown or NULL.
 */
extern void omni_master_item_ids(const char *const *skus, int n, int64 *ids);

/* Codes of ids, palloc'd; for messages and documents.  NULL when unknown. */
extern char *omni_master_item_sku(int64 item);
extern char *omni_master_node_code(int64 node);
extern char *omni_master_channel_code(int64 channel);

/*
 * Have the callback called for every relcache invalidation from now on, by its
 * rules (it only counts); InvalidOid: any relation.  A process has ten places
 * for such callbacks in all, so two domains share one.
 */
extern void omni_master_watch_relations(void (*callback) (Oid relid));

/* ---- map.c: what the rows say, from the same maps ---- */

/* In the order of omni_master_node_kinds. */
typedef enum OmniNodeKind
{
	OMNI_NODE_STORE,
	OMNI_NODE_WAREHOUSE,
	OMNI_NODE_DROPSHIP,
	OMNI_NODE_VIRTUAL
} OmniNodeKind;

typedef struct OmniNodeInfo
{
	int64		id;
	double		latitude;		/* degrees; meaningless unless located */
	double		longitude;
	pg_tz	   *timezone;		/* never NULL, never freed */
	OmniNodeKind kind;
	int32		safety;			/* the node's own, without stock_policy */
	bool		located;		/* has coordinates */
	bool		active;			/* sells: its stock may be promised */
	bool		ships;			/* may serve orders that are shipped */
	bool		pickup;			/* customers may collect there */
	char		country[3];		/* ISO 3166-1 alpha-2; "" when not given */
	char		region[OMNI_REGION_MAX + 1];	/* "" when not given */
	char		postal_code[OMNI_POSTAL_CODE_MAX + 1];	/* "" when not given */
} OmniNodeInfo;

/* In the order of omni_master_channel_kinds. */
typedef enum OmniChannelKind
{
	OMNI_CHANNEL_WEB,
	OMNI_CHANNEL_APP,
	OMNI_CHANNEL_POS,
	OMNI_CHANNEL_MARKETPLACE,
	OMNI_CHANNEL_SOCIAL,
	OMNI_CHANNEL_SERVICE,
	OMNI_CHANNEL_DROPSHIP
} OmniChannelKind;

typedef struct OmniChannelInfo
{
	int64		id;
	OmniChannelKind kind;
	bool		active;			/* takes new orders */
	bool		may_refuse;		/* false: its orders are taken even where
								 * stock is missing */
	int32		priority;		/* of its orders that do not say */
	char		currency[4];	/* default, ISO 4217; "" when not given */
} OmniChannelInfo;

typedef struct OmniItemInfo
{
	int64		id;
	bool		active;			/* new orders may contain it */
	char		unit[20];		/* of which quantities are whole numbers */
	bool		splittable;		/* a line of it may come from two nodes */
	int32		weight_g;		/* of one unit; -1: not given */
	int64		unfilled_cost;	/* of one unit that nobody serves, in minor
								 * units of the cost currency; -1: not given */
	char		category[OMNI_CATEGORY_MAX + 1];	/* "" when not given */
} OmniItemInfo;

/* Copy into *info; OM002 when the id is unknown. */
extern void omni_master_node_info(int64 node, OmniNodeInfo *info);
extern void omni_master_channel_info(int64 channel, OmniChannelInfo *info);
extern void omni_master_item_info(int64 item, OmniItemInfo *info);

/* Names of the kinds, NULL at the end. */
extern const char *const omni_master_node_kinds[];
extern const char *const omni_master_channel_kinds[];

/* ---- nodes.c: all of them ---- */

/*
 * Every active node, ascending by id.  The array is the session's own and is
 * valid until this function is called again.
 */
extern int	omni_master_nodes(const OmniNodeInfo **nodes);
/*
 * Take in what other sessions have changed, and say how often the nodes may
 * have changed since this session began.
 */
extern uint64 omni_master_nodes_generation(void);

/* ---- codes_core.c: codes that the world has agreed on ---- */

/* Is it an ISO 3166-1 alpha-2 code, in capitals?  (XK, Kosovo, counts.) */
extern bool omni_master_country_valid(const char *code);

/* ---- policy.c ---- */

/*
 * Stock policies change when a node or a policy row changes: a count that
 * every such transaction raises when it commits.  A block re-reads its values
 * when this differs from the count it read them under.  Databases may share a
 * count, so it may also rise for nothing.
 */
extern uint64 omni_master_policy_generation(void);
/* raise it when the current transaction commits (for the triggers) */
extern void omni_master_policy_changed(void);

/* ---- reference.c: what keeps a row from being deleted ---- */

/*
 * Does anything refer to this channel, node or item?  Returns what, as the
 * subject of "… refers to it", or NULL.  Called for every row that is to be
 * deleted, as the extension's owner; rows that refer by a foreign key need no
 * check.
 */
typedef const char *(*OmniReferenceCheck) (OmniMasterKind kind, int64 id);
extern void omni_master_register_reference_check(OmniReferenceCheck check);

/* ---- init.c ---- */

extern void omni_master_init(void);

#endif							/* OMNI_MASTER_H */
