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

#include "core/core.h"

/* The pool in place of a node: nobody has chosen where the units come from. */
#define OMNI_POOL INT64CONST(0)

/* One line of a reservation request. */
typedef struct OmniReserveLine
{
	int64		item;
	int64		node;			/* OMNI_POOL: pool-level */
	int32		quantity;		/* > 0 */
	int64		reservation;	/* out: id of the promise */
} OmniReserveLine;

/*
 * Promise all lines or none (OM001, whose detail names the first line that
 * lacks stock).  expires_at DT_NOEND: without limit.  "reference" may be
 * NULL; channel 0: none.  One INSERT of n ledger rows.
 */
extern void omni_stock_reserve(OmniReserveLine *lines, int nlines,
							   TimestampTz expires_at, const char *reference,
							   int64 channel);
/* The same, but false instead of OM001; nothing is taken then. */
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

/* init.c: called in _PG_init */
extern void omni_stock_init(void);

#endif							/* OMNI_STOCK_H */
