/*
 * shortfall.c
 *	  Telling that more was promised, or sold, than there is.
 *
 * A sale at the till is never refused, so a node may hold less than it has
 * promised, and the pool's counter may fall below zero.  The worker records an
 * event about it, never the transaction that caused it.
 *
 * - Who changed a block looks at it when its transaction has ended, by commit
 *	 or abort: because a node's contribution to the pool is not linear, a
 *	 shortfall may first show when another transaction ends than the sale's.
 *	 Where the block is short, or was and no longer is, the item's id goes into
 *	 a list in shared memory.  Whoever ends last sees everybody's changes, and
 *	 has become visible before it looks: so what the worker finds in the tables
 *	 afterwards is what made the block short.
 * - The list holds ids, not blocks: it pins nothing and outlives an eviction.
 *	 Where it is full, and after a start, the worker looks at every item once,
 *	 in slices between which its other work goes on.  So it does when a node or
 *	 a policy has changed: that makes items short whose blocks nobody touches.
 * - The tables decide.  A block also holds what is in flight, which may be
 *	 rolled back: then the worker finds nothing, and will be told again when
 *	 that transaction ends.
 * - A prepared transaction's end runs nothing of ours, and its block may have
 *	 left memory: the worker knows which ones were prepared at its last look,
 *	 and looks at the items of those that have ended since.
 * - Of a day's capacity nothing is ever short: a limit that was lowered below
 *	 what is promised breaks no promise.
 * - omni_internal.announced_shortfall says how much was announced last.  A
 *	 shortfall is announced when it begins and when it deepens, and its end is.
 * - The list's lock is taken alone, for a moment, never under a block's.
 */
#include "omni.h"

#include "access/transam.h"
#include "access/twophase.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "core/test_point.h"
#include "master/master.h"
#include "stock/block.h"

#define MAX_NOTED 1024			/* items in the list, of all databases */
#define INTERVAL_MS 250			/* between two looks, and two wake-ups */
#define AT_ONCE 1000			/* changes in one transaction */
#define MIN_SLICE 64			/* items of a look at everything at once … */
#define MAX_SLICE 4096
#define SHORT_SLICE_MS 25		/* … more where it took less than this, */
#define LONG_SLICE_MS 100		/* fewer where it took more */
#define REST_FACTOR 3			/* it rests so long after a slice, and */
#define LONG_REST_FACTOR 20		/* so long after the whole, as that took */

typedef struct NotedItem
{
	Oid			database;
	int64		item;
} NotedItem;

/* All protected by the lock; "n" and "overflows" are read without, as hints. */
typedef struct NotedItems
{
	uint64		overflows;		/* how often the list was full, or stock
								 * was changed by hand */
	TimestampTz woken_at;		/* when a worker was last woken */
	int			n;
	NotedItem	items[MAX_NOTED];
} NotedItems;

static NotedItems *noted = NULL;	/* NULL without preload */
static LWLock *noted_lock = NULL;

/* The worker's: what it must look at, and what it has seen. */
static bool look_at_all = true;
static int64 looked_up_to = 0;	/* a look at everything: last item done */
static int64 look_until = 0;	/* where it stood when its cause came up: it
								 * goes round to there; 0: to the end */
static bool wrapped = false;	/* it has come to the end, and begun anew */
static int	slice = MIN_SLICE;
static int64 spent_us = 0;		/* in the present look at everything */
static TimestampTz rest_until = 0;
static bool looking = false;	/* a look began and has not ended */
static TransactionId looked_by = InvalidTransactionId;
static uint64 seen_overflows = 0;
static uint64 seen_policies = 0;

/* Bytes of the list. */
static Size
noted_size(void)
{
	return sizeof(NotedItems);
}

/* Make the list, or find it. */
static void
noted_startup(void *area, bool found)
{
	noted = area;
	noted_lock = &GetNamedLWLockTranche("omni_stock_shortfall")[0].lock;
	if (!found)
		memset(noted, 0, sizeof(NotedItems));
}

static const OmniShmemItem noted_item = {
	.name = "omni stock shortfalls",
	.size = noted_size,
	.init = noted_startup,
	.tranche = "omni_stock_shortfall",
	.nlocks = 1
};

/* Put an item on the list; true: wake the worker.  Cannot fail. */
static bool
note_item(Oid database, int64 item)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		wake;
	int			i;

	LWLockAcquire(noted_lock, LW_EXCLUSIVE);
	for (i = 0; i < noted->n; i++)
		if (noted->items[i].item == item &&
			noted->items[i].database == database)
			break;
	wake = i == noted->n &&
		now - noted->woken_at >= INTERVAL_MS * INT64CONST(1000);
	if (i == MAX_NOTED)
	{
		/* also what nobody collects any more goes here */
		noted->n = 0;
		noted->overflows++;
	}
	else if (i == noted->n)
	{
		noted->items[i].database = database;
		noted->items[i].item = item;
		noted->n++;
	}
	if (wake)
		noted->woken_at = now;
	LWLockRelease(noted_lock);
	return wake;
}

/* Is a node, or the pool, short? */
static inline bool
is_short(const OmniBlock *block)
{
	return block->nshort > 0 || block->pool_sum < block->pool_reserved;
}

/*
 * Tell the worker if the block is short, or no longer is.  For whoever has
 * changed it and is visible to others; without a lock held.  The first look
 * needs none: a change that it misses comes from a transaction that will look
 * itself, later.
 */
void
omni_stock_shortfall_note(OmniBlock *block)
{
	bool		tell;

	if (likely(!is_short(block) && !block->watched))
		return;
	if (omni_stock_is_capacity(block->key.id))
		return;
	omni_stock_block_lock(block);
	tell = is_short(block) || block->watched;
	block->watched = is_short(block);
	omni_stock_block_unlock(block);
	if (tell && note_item(block->key.database, block->key.id))
		omni_core_wake_worker();
}

/*
 * A block has been loaded, and is locked: where it is short the worker may
 * know, from before an eviction, and must hear when it no longer is.
 */
void
omni_stock_shortfall_watch(OmniBlock *block)
{
	block->watched = is_short(block) &&
		!omni_stock_is_capacity(block->key.id);
}

/*
 * A block's doubts were forgotten: what they become shows in no block, so the
 * worker watches their transactions.  Cannot fail.
 */
void
omni_stock_shortfall_doubt(const OmniBlock *block)
{
	if (!omni_stock_is_capacity(block->key.id))
		(void) note_item(block->key.database, block->key.id);
}

/* Have the workers look at every item.  Cannot fail. */
void
omni_stock_shortfall_look(void)
{
	LWLockAcquire(noted_lock, LW_EXCLUSIVE);
	noted->overflows++;
	LWLockRelease(noted_lock);
}

/* Take this database's items off the list; the number of them. */
static int
collect_items(int64 *items)
{
	int			n = 0;
	int			kept = 0;

	LWLockAcquire(noted_lock, LW_EXCLUSIVE);
	for (int i = 0; i < noted->n; i++)
	{
		if (noted->items[i].database == MyDatabaseId)
			items[n++] = noted->items[i].item;
		else
			noted->items[kept++] = noted->items[i];
	}
	noted->n = kept;
	LWLockRelease(noted_lock);
	return n;
}

/* Hook: a database was dropped. */
static void
forget_database(Oid database)
{
	int			kept = 0;

	if (noted == NULL)
		return;
	LWLockAcquire(noted_lock, LW_EXCLUSIVE);
	for (int i = 0; i < noted->n; i++)
		if (noted->items[i].database != database)
			noted->items[kept++] = noted->items[i];
	noted->n = kept;
	LWLockRelease(noted_lock);
}

/* ---- the worker ---- */

/* Remember what was announced; short 0: it is over. */
static void
remember(int64 item, int64 node, int64 quantity)
{
	static OmniQuery upsert = {
		.sql = "INSERT INTO omni_internal.announced_shortfall AS a"
		" (item_id, node_id, short, since) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT ON CONSTRAINT announced_shortfall_pkey DO UPDATE"
		" SET short = excluded.short",
		.nargs = 4,
		.argtypes = {INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID},
	};
	static OmniQuery forget = {
		.sql = "DELETE FROM omni_internal.announced_shortfall"
		" WHERE item_id = $1 AND node_id = $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	Datum		values[4];

	values[0] = Int64GetDatum(item);
	values[1] = Int64GetDatum(node);
	values[2] = Int64GetDatum(quantity);
	values[3] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(quantity > 0 ? &upsert : &forget, values, NULL, false,
					NULL);
}

/* A change that the feed shall hear of, or that is to be remembered alone. */
typedef struct Change
{
	int64		item;
	int64		node;
	int64		now;			/* how much is short */
	int64		before;			/* how much was announced */
} Change;

/*
 * Record the events of these changes.  "promises" are those that cannot be
 * served in full when the oldest are served first.
 */
static void
write_events(const OmniRows *rows, const Change *changes, int n)
{
	static OmniQuery query = {
		.sql =
		"WITH d AS MATERIALIZED ("
		" SELECT * FROM ROWS FROM (pg_catalog.unnest($1),"
		" pg_catalog.unnest($2), pg_catalog.unnest($3),"
		" pg_catalog.unnest($4), pg_catalog.unnest($5)) WITH ORDINALITY"
		" AS u (item_id, node_id, short, broken, served, n)),"
		" p AS ("
		" SELECT d.n, count(*) AS promises FROM d JOIN ("
		" SELECT o.item_id, o.node_id, sum(o.quantity) OVER ("
		" PARTITION BY o.item_id, o.node_id ORDER BY o.id) AS up_to"
		" FROM omni_internal.open_promise o WHERE o.item_id = ANY ($1)"
		" AND (o.expires_at > omni_internal.clock()) IS NOT FALSE) w"
		" ON w.item_id = d.item_id AND w.node_id = d.node_id"
		" AND w.up_to > d.served GROUP BY d.n)"
		" SELECT jsonb_build_object('sku', i.sku, 'node', c.code) ||"
		" CASE WHEN d.short > 0 THEN jsonb_build_object('short', d.short,"
		" 'broken', d.broken, 'promises', COALESCE(p.promises, 0))"
		" ELSE '{}' END"
		" FROM d LEFT JOIN p ON p.n = d.n"
		" LEFT JOIN omni.item i ON i.id = d.item_id"
		" LEFT JOIN omni.node c ON c.id = d.node_id ORDER BY d.n",
		.nargs = 5,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID},
		.custom_plan = true,
	};
	Datum		values[5];
	OmniRows	payloads;

	if (n == 0)
		return;
	for (int c = 0; c < 5; c++)
	{
		static const int columns[5] = {0, 1, 2, 4, 5};
		Datum	   *elems = palloc(sizeof(Datum) * n);
		int			e = 0;

		for (int r = 0; r < rows->nrows; r++)
			if (changes[r].now > changes[r].before || changes[r].now == 0)
				elems[e++] = OMNI_VALUE(rows, r, columns[c]);
		values[c] = PointerGetDatum(construct_array(elems, n, INT8OID, 8,
													FLOAT8PASSBYVAL,
													TYPALIGN_DOUBLE));
	}
	omni_core_query(&query, values, NULL, false, &payloads);
	for (int r = 0, e = 0; r < rows->nrows; r++)
	{
		const Change *change = &changes[r];

		if (change->now > change->before || change->now == 0)
			omni_core_write_event(change->now > 0 ? "stock.shortfall" :
								  "stock.shortfall_over", "item",
								  change->item,
								  DatumGetJsonbP(OMNI_VALUE(&payloads, e++, 0)));
	}
}

/*
 * Compare what the tables say of these items with what was announced, and
 * announce what has begun, deepened or ended.  False: there may be more.
 */
static bool
announce_changes(const int64 *items, int n)
{
	static OmniQuery query = {
		.sql =
		"SELECT COALESCE(s.item_id, a.item_id), COALESCE(s.node_id, a.node_id),"
		" COALESCE(s.short, 0), COALESCE(a.short, 0),"
		" COALESCE(s.broken, 0), COALESCE(s.served, 0)"
		" FROM (SELECT * FROM omni_internal.shortfall_now"
		" WHERE item_id = ANY ($1)) s"
		" FULL JOIN (SELECT * FROM omni_internal.announced_shortfall"
		" WHERE item_id = ANY ($1)) a"
		" ON a.item_id = s.item_id AND a.node_id = s.node_id"
		" WHERE s.short IS DISTINCT FROM a.short"
		" ORDER BY 1, 2 LIMIT $2",
		.nargs = 2,
		.argtypes = {INT8ARRAYOID, INT4OID},
	};
	Datum		values[2];
	Datum	   *elems;
	OmniRows	rows;
	Change	   *changes;
	int			events = 0;

	if (n == 0)
		return true;
	elems = palloc(sizeof(Datum) * n);
	for (int i = 0; i < n; i++)
		elems[i] = Int64GetDatum(items[i]);
	values[0] = PointerGetDatum(construct_array(elems, n, INT8OID, 8,
												FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	values[1] = Int32GetDatum(AT_ONCE);
	omni_core_query(&query, values, NULL, false, &rows);

	changes = palloc(sizeof(Change) * Max(rows.nrows, 1));
	for (int r = 0; r < rows.nrows; r++)
	{
		Change	   *change = &changes[r];

		CHECK_FOR_INTERRUPTS();
		change->item = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
		change->node = DatumGetInt64(OMNI_VALUE(&rows, r, 1));
		change->now = DatumGetInt64(OMNI_VALUE(&rows, r, 2));
		change->before = DatumGetInt64(OMNI_VALUE(&rows, r, 3));
		remember(change->item, change->node, change->now);
		events += change->now > change->before || change->now == 0;
	}
	write_events(&rows, changes, events);
	return rows.nrows < AT_ONCE;
}

/* What makes the worker begin a look at everything, from the first item. */
static void
decide_extent(void)
{
	uint64		policies = omni_master_policy_generation();

	/* an earlier look failed, or its commit did: its items are unknown now */
	if (looking || (TransactionIdIsValid(looked_by) &&
					!TransactionIdDidCommit(looked_by)) ||
		seen_overflows != noted->overflows || seen_policies != policies)
	{
		/* one that is under way goes on, lest the last items never come */
		look_at_all = true;
		look_until = looked_up_to;
		wrapped = false;
	}
	looked_by = InvalidTransactionId;
	seen_overflows = noted->overflows;
	seen_policies = policies;
}

/* The next slice of a look at everything; true when that was the last. */
static bool
look_at_slice(void)
{
	static OmniQuery query = {
		.sql = "SELECT i.id FROM omni.item i WHERE i.id > $1"
		" ORDER BY i.id LIMIT $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT4OID},
	};
	int			n = OMNI_TEST_AT_ONCE(slice);
	Datum		values[2];
	OmniRows	rows;
	int64	   *items;

	values[0] = Int64GetDatum(looked_up_to);
	values[1] = Int32GetDatum(n);
	omni_core_query(&query, values, NULL, false, &rows);
	items = palloc(sizeof(int64) * Max(rows.nrows, 1));
	for (int r = 0; r < rows.nrows; r++)
		items[r] = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
	if (!announce_changes(items, rows.nrows))
		return false;
	if (rows.nrows == n)
	{
		looked_up_to = items[rows.nrows - 1];
		return wrapped && looked_up_to >= look_until;
	}
	if (wrapped || look_until == 0)
		return true;
	wrapped = true;
	looked_up_to = 0;
	return false;
}

/* Put the items on the list that a transaction has changed. */
static void
note_transaction(FullTransactionId xid)
{
	static OmniQuery query = {
		.sql = "SELECT DISTINCT l.item_id FROM omni.stock_ledger l"
		" WHERE l.era = $1 AND l.xid = $2 AND l.item_id > 0",
		.nargs = 2,
		.argtypes = {INT4OID, XID8OID},
	};
	Datum		values[2];
	OmniRows	rows;

	values[0] = Int32GetDatum(omni_core_gate());
	values[1] = FullTransactionIdGetDatum(xid);
	omni_core_query(&query, values, NULL, false, &rows);
	for (int r = 0; r < rows.nrows; r++)
		(void) note_item(MyDatabaseId, DatumGetInt64(OMNI_VALUE(&rows, r, 0)));
}

/*
 * Prepared transactions end without a callback, and a block that was evicted
 * has no doubts to settle: note the items of those that have ended since the
 * last look, for the next one.
 *
 * Called after the list was taken, before the snapshot: of a transaction whose
 * doubts were forgotten the item was noted then (omni_stock_shortfall_doubt),
 * and it is either seen by the snapshot or remembered here.
 */
static void
note_decided(void)
{
	static FullTransactionId *known = NULL;
	static int	nknown = 0;
	OmniPrepared *list;
	int			n = omni_stock_prepared_list(&list);

	for (int i = 0; i < nknown; i++)
	{
		bool		open = false;

		for (int j = 0; j < n && !open; j++)
			open = FullTransactionIdEquals(known[i], list[j].xid);
		if (open)
			continue;
		note_transaction(known[i]);
	}
	if (n > 0 && known == NULL)
		known = MemoryContextAlloc(TopMemoryContext,
								   sizeof(*known) * max_prepared_xacts);
	for (int i = 0; i < n; i++)
		known[i] = list[i].xid;
	nknown = n;
}

/* Chore: announce shortfalls. */
static int
run_shortfall(void)
{
	int64	   *items = palloc(sizeof(int64) * MAX_NOTED);
	TimestampTz began = GetCurrentTimestamp();
	int64		took;
	int			again_ms = INTERVAL_MS;
	int			n;

	decide_extent();
	looking = true;
	n = collect_items(items);
	note_decided();
	if (!announce_changes(items, n))
	{
		for (int i = 0; i < n; i++)
			(void) note_item(MyDatabaseId, items[i]);
		again_ms = 0;
	}
	if (look_at_all && began >= rest_until)
	{
		bool		done = look_at_slice();

		took = GetCurrentTimestamp() - began;
		spent_us += took;
		if (took < SHORT_SLICE_MS * INT64CONST(1000))
			slice = Min(slice * 2, MAX_SLICE);
		else if (took > LONG_SLICE_MS * INT64CONST(1000))
			slice = Max(slice / 2, MIN_SLICE);
		if (done)
		{
			look_at_all = false;
			looked_up_to = 0;
			rest_until = began + spent_us * LONG_REST_FACTOR;
			spent_us = 0;
		}
		else
			again_ms = Min(again_ms, took * REST_FACTOR / 1000);
	}
	looking = false;
	looked_by = GetTopTransactionIdIfAny();
	return again_ms;
}

static const OmniChore shortfall_chore = {
	.name = "announce shortfalls", .run = run_shortfall
};

/* Called in _PG_init. */
void
omni_stock_shortfall_init(void)
{
	omni_core_register_shmem(&noted_item);
	omni_core_register_chore(&shortfall_chore);
	omni_core_register_drop_hook(forget_database);
}
