/*
 * queue.h
 *	  Serving the queue: between retry.c, which walks it, and arrival.c, the
 *	  worker's chore that says when.
 */
#ifndef OMNI_ORDERS_QUEUE_H
#define OMNI_ORDERS_QUEUE_H

#include "orders/orders.h"

#include "utils/hsearch.h"

/* What is known of an item that somebody waits for. */
typedef struct OmniQueueItem
{
	int64		item;			/* key */
	int64		seen;			/* least available since it was last of no
								 * use to anybody who waits */
	TimestampTz due;			/* to be tried by then, though no more came */
	uint64		pass;			/* arrival.c: when it was last looked at */
	bool		ready;			/* this walk hands it out */
	bool		risen;			/* there is more of it than was seen */
	int64		kept;			/* units left for orders that were locked */
	TimestampTz rest_until;		/* because of them */
} OmniQueueItem;

/* A place in the queue: priority descending, then age. */
typedef struct OmniQueuePlace
{
	int32		rank;			/* minus the priority */
	TimestampTz placed_at;
	int64		order;
} OmniQueuePlace;

/*
 * A walk through the queue, which may take several calls, each in a
 * transaction of its own.  Starts zeroed, but for "items" and "place".
 */
typedef struct OmniQueueWalk
{
	HTAB	   *items;			/* OmniQueueItem */
	bool		everybody;		/* not only who waits for a ready item */
	bool		apart;			/* an order's failure costs that order alone */
	OmniQueuePlace place;		/* the last one that was looked at */
	bool		done;
	int64		units;			/* allocated so far */
} OmniQueueWalk;

extern HTAB *omni_orders_queue_items(MemoryContext context);
/* The item's entry, made when missing: nothing seen, not due. */
extern OmniQueueItem *omni_orders_queue_item(HTAB *items, int64 item);
extern void omni_orders_begin_walk(OmniQueueWalk *walk);
/* Go on; at most so many orders are tried. */
extern void omni_orders_walk_queue(OmniQueueWalk *walk, int max_orders);

#endif							/* OMNI_ORDERS_QUEUE_H */
