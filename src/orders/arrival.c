/*
 * arrival.c
 *	  The worker's chore that serves the queue when units have come in.
 *
 * - It asks the counters in memory how much there is of each item that
 *	 somebody waits for, a slice of the items at a time.  So its work grows with
 *	 the queue, not with the traffic; whatever adds units (a receipt, a
 *	 cancelled order, a promise that lapsed, a node that opens again) counts;
 *	 and no transaction that does is made to do more than it did before.
 * - An item is ready when there is more of it than at the end of the last walk
 *	 that served it (or, since then, at the least), or when an order that found
 *	 no use for what there is has its next try.  Then the queue is walked from
 *	 its head (retry.c), a bounded number of orders in a transaction.
 * - What it knows of items is a memory of this process.  After a restart, or
 *	 when a transaction of its own has failed, it knows nothing, and tries
 *	 everybody for whom there is something.
 * - Between a receipt's commit and the walk an order that is placed may be
 *	 faster than those that wait.
 */
#include "omni.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "orders/queue.h"
#include "stock/stock.h"

/* items that are asked about at once */
#define SLICE 256
/* orders that are tried in one transaction */
#define ORDERS_AT_ONCE 20
/* how often it looks at all items; between slices it rests so many times as
 * long as it worked */
#define INTERVAL_MS 250
#define REST_FACTOR 9

static bool omni_serve_parked = true;

static MemoryContext memory = NULL; /* of all that follows */
static OmniQueueWalk walk;		/* items NULL: nothing is known */
static bool walking = false;
static int64 asked_up_to = 0;	/* in this pass over the items */
static uint64 pass = 1;
static Oid	known_of = InvalidOid;	/* the extension */
static bool running = false;	/* a turn began and has not ended */
static TransactionId turn = InvalidTransactionId;	/* the last one's */

/* Start from nothing where what is known may be wrong. */
static void
check_memory(void)
{
	if (!running && known_of == omni_core_extension_oid() &&
		(!TransactionIdIsValid(turn) || TransactionIdDidCommit(turn)))
		return;
	if (memory == NULL)
		memory = AllocSetContextCreate(TopMemoryContext, "omni arrivals",
									   ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(memory);
	memset(&walk, 0, sizeof(walk));
	walk.items = omni_orders_queue_items(memory);
	walk.apart = true;
	walking = false;
	asked_up_to = 0;
	pass = 1;
	known_of = omni_core_extension_oid();
}

/* Ids of the next items that somebody waits for. */
static int
next_items(int64 *items)
{
	static OmniQuery query = {
		.sql = "WITH RECURSIVE t AS ("
		" (SELECT p.item_id FROM omni_internal.parked_line p"
		" WHERE p.item_id > $1 ORDER BY p.item_id LIMIT 1)"
		" UNION ALL SELECT (SELECT p.item_id FROM omni_internal.parked_line p"
		" WHERE p.item_id > t.item_id ORDER BY p.item_id LIMIT 1)"
		" FROM t WHERE t.item_id IS NOT NULL)"
		" SELECT t.item_id FROM t WHERE t.item_id IS NOT NULL LIMIT $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT4OID}
	};
	Datum		values[2];
	OmniRows	rows;

	values[0] = Int64GetDatum(asked_up_to);
	values[1] = Int32GetDatum(SLICE);
	omni_core_query(&query, values, NULL, false, &rows);
	for (int r = 0; r < rows.nrows; r++)
		items[r] = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
	return rows.nrows;
}

/* How much is there of it?  True: walk. */
static bool
ask_item(int64 id, TimestampTz now)
{
	OmniQueueItem *item = omni_orders_queue_item(walk.items, id);
	int64		available = omni_stock_available(id, OMNI_POOL);

	/* nobody has waited for it for a while, or ever: what was seen is old */
	if (item->pass + 1 < pass)
		item->seen = 0;
	item->pass = pass;
	if (item->rest_until > now)
		return false;
	item->risen = available > item->seen;
	item->ready = item->risen || (available > 0 && item->due <= now);
	item->seen = Min(item->seen, available);
	if (item->ready)
		item->due = DT_NOEND;
	return item->ready;
}

/* Ask about a slice; true when that was the last of this pass. */
static bool
ask_slice(void)
{
	int64	   *items = palloc(sizeof(int64) * SLICE);
	int			n = next_items(items);
	TimestampTz now = omni_core_now();

	if (n > 0)
		omni_stock_prefetch(items, n);
	for (int i = 0; i < n; i++)
	{
		if (ask_item(items[i], now))
			walking = true;
	}
	if (walking)
		omni_orders_begin_walk(&walk);
	if (n == SLICE)
	{
		asked_up_to = items[n - 1];
		return false;
	}
	asked_up_to = 0;
	pass++;
	return true;
}

/* Chore: serve those who wait for what has come in. */
static int
run_arrival(void)
{
	TimestampTz began = GetCurrentTimestamp();
	bool		whole = false;
	int64		took;

	if (!omni_serve_parked)
		return INTERVAL_MS;
	check_memory();
	running = true;
	(void) omni_core_gate();
	if (!walking)
		whole = ask_slice();
	if (walking)
	{
		omni_orders_walk_queue(&walk, ORDERS_AT_ONCE);
		walking = !walk.done;
	}
	running = false;
	turn = GetTopTransactionIdIfAny();
	took = GetCurrentTimestamp() - began;
	if (walking)
		return 1;
	return whole ? INTERVAL_MS : Max(1, took * REST_FACTOR / 1000);
}

static const OmniChore arrival_chore = {
	.name = "serve the queue", .run = run_arrival
};

/* Called in _PG_init. */
void
omni_orders_arrival_init(void)
{
	omni_core_register_chore(&arrival_chore);
	if (!omni_core_preloaded())
		return;
	DefineCustomBoolVariable("omni.serve_parked",
							 "Serve the queue of waiting orders when units "
							 "come in.",
							 "When off, only omni.retry_parked() does.",
							 &omni_serve_parked,
							 true,
							 PGC_SIGHUP, 0,
							 NULL, NULL, NULL);
}
