/*
 * stock.h
 *	  What other domains may ask of the stock engine.
 *
 * All write functions here expect that the caller has passed
 * omni_core_gate().  Each is all or nothing: an error leaves the counters as
 * they were.
 */
#ifndef OMNI_STOCK_H
#define OMNI_STOCK_H

#include "utils/snapshot.h"

#include "core/core.h"

/* The pool in place of a node: nobody has chosen where the units come from. */
#define OMNI_POOL INT64CONST(0)

/*
 * Capacity: the units that a node may take on a day are promised like units of
 * stock.  In place of an item stands the day, as an id below 0: -1 is
 * 2000-01-01.  A capacity promise always names its node.  Consuming it means
 * that the work was done: the units stay counted.
 */
static inline bool
omni_stock_is_capacity(int64 item)
{
	return item < 0;
}

/* The id of a day that is not before 2000-01-01 (a DateADT). */
static inline int64
omni_stock_capacity_item(int32 day)
{
	return -(int64) day - 1;
}

/* The day of such an id. */
static inline int32
omni_stock_capacity_day(int64 item)
{
	return (int32) (-item - 1);
}

/* One line of a reservation request. */
typedef struct OmniReserveLine
{
	int64		item;			/* or a day: omni_stock_capacity_item() */
	int64		node;			/* OMNI_POOL: pool-level */
	int32		quantity;		/* > 0 */
	int64		reservation;	/* out: id of the promise */
	bool		lacking;		/* out, when refused: this line lacked units */
} OmniReserveLine;

/*
 * Promise all lines or none (OM001, or OM018 for capacity, whose detail names
 * the first line that lacks units).  expires_at DT_NOEND: without limit.
 * "reference" may be NULL; channel 0: none.  One INSERT of n ledger rows.
 * Lines of stock and of capacity may be mixed.
 */
extern void omni_stock_reserve(OmniReserveLine *lines, int nlines,
							   TimestampTz expires_at, const char *reference,
							   int64 channel);
/* The same, but false instead of OM001 or OM018; nothing is taken then. */
extern bool omni_stock_try_reserve(OmniReserveLine *lines, int nlines,
								   TimestampTz expires_at,
								   const char *reference, int64 channel);

/* End promises.  Consume: the units left the building (on_hand falls too). */
extern void omni_stock_release(const int64 *reservations, int n,
							   const char *reference);
extern void omni_stock_consume(const int64 *reservations, int n,
							   const char *reference);
/*
 * Reduce a promise by "quantity" (0 < quantity <= what is open): the units
 * are released, or consumed; what is left stays promised under the same id.
 */
extern void omni_stock_release_part(int64 reservation, int32 quantity,
									const char *reference);
extern void omni_stock_consume_part(int64 reservation, int32 quantity,
									const char *reference);

/* One change of on_hand. */
typedef struct OmniStockChange
{
	int64		item;
	int64		node;
	int32		quantity;		/* signed: + arrives, - leaves */
	int64		ledger_id;		/* out */
} OmniStockChange;

/*
 * Record changes of on_hand.  kind: 'receive', 'sell', 'adjust', 'return' …
 * Never refused for lack of stock: what the shop floor did is a fact.
 * occurred_at NULL: now.
 */
extern void omni_stock_change(OmniStockChange *changes, int n,
							  const char *kind, const char *reference,
							  int64 channel,
							  const TimestampTz *occurred_at);

/* What could be reserved now at a node of an item, for planning. */
typedef struct OmniStockCandidate
{
	int64		node;
	int32		available;		/* min(c(node), pool counter), >= 0 */
} OmniStockCandidate;

/* What could be reserved now: at a node, or of the pool; never below 0. */
extern int32 omni_stock_available(int64 item, int64 node);
/*
 * Every sellable node with available > 0, in a palloc'd array; reads the
 * counters in memory.
 */
extern int	omni_stock_candidates(int64 item, OmniStockCandidate **candidates);
/* Load the blocks of many items by one statement, ahead of their use. */
extern void omni_stock_prefetch(const int64 *items, int n);

/* ---- capacity.c ---- */

/* What a node has given away of its capacity for a day. */
typedef struct OmniCapacityUse
{
	int64		node;			/* in; the rest is out */
	int64		promised;
	int64		done;			/* consumed */
	bool		counted;		/* false: nothing was ever promised, or the
								 * counter was dropped since; the limit is not
								 * known here then */
	bool		open;			/* the node takes promises */
	int32		limit;			/* OMNI_NO_LIMIT: none */
	int32		available;		/* what could be promised now; of a node that
								 * is open and has no limit PG_INT32_MAX */
} OmniCapacityUse;

#define OMNI_NO_LIMIT (-1)

/*
 * Read the counters of a day for these nodes, as this transaction sees them:
 * no statement, unless the day must be loaded.  The day's block stays pinned
 * until the end of the transaction.
 */
extern void omni_stock_capacity(int32 day, OmniCapacityUse *uses, int n);

/*
 * The limits themselves are another domain's: it registers how they are read,
 * in _PG_init.  The reader sets limits[i] of nodes[i] for the day, as the
 * snapshot shows them, OMNI_NO_LIMIT where there is none.
 */
typedef void (*OmniCapacityReader) (int32 day, const int64 *nodes, int n,
									Snapshot snapshot, int32 *limits);
extern void omni_stock_register_capacity(OmniCapacityReader reader);
/* Limits were changed: counters read them anew when this has committed. */
extern void omni_stock_capacity_changed(void);

/* init.c: called in _PG_init */
extern void omni_stock_init(void);

#endif							/* OMNI_STOCK_H */
