/*
 * load.c
 *	  Filling blocks from the tables, and keeping their policies current.
 *
 * A block becomes visible (EMPTY, then LOADING) before the load's snapshot is
 * taken, and a ledger row is written only by a transaction that has the block
 * pinned and READY: so the snapshot sees every committed row, and none of what
 * is in flight, which is nothing.  The snapshot sees nothing of its own
 * transaction either, so what is not committed never enters shared memory.
 *
 * A load never waits for another one while its own blocks are LOADING: first
 * all empty blocks of the call are loaded, by one statement each for counters,
 * deadlines and policies, then others' loads are waited for, interruptibly and
 * with a time limit.  A failed load leaves the block EMPTY for the next comer.
 * No SQL runs under a block's lock.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "core/test_point.h"
#include "master/master.h"
#include "stock/block.h"

/* oid of the ledger: part of every block's key */
Oid
omni_stock_ledger_oid(void)
{
	Oid			oid = omni_core_relation_oid(OMNI_SCHEMA, "stock_ledger");

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("extension \"omni\" is not installed in this database"),
				 errhint("Run: CREATE EXTENSION omni;")));
	return oid;
}

/* An int8[] of these values. */
static Datum
int8_array(const int64 *values, int n)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		datums[i] = Int64GetDatum(values[i]);
	return PointerGetDatum(construct_array(datums, n, INT8OID, 8,
										   FLOAT8PASSBYVAL, 'd'));
}

/* Compare for bsearch. */
static int
compare_local(const void *a, const void *b)
{
	int64		ia = (*(OmniLocalBlock *const *) a)->item;
	int64		ib = (*(OmniLocalBlock *const *) b)->item;

	return (ia > ib) - (ia < ib);
}

/* The block of an item among those being loaded, sorted by item. */
OmniBlock *
omni_stock_find_loading(OmniLocalBlock **locals, int n, int64 item)
{
	OmniLocalBlock key = {.item = item};
	OmniLocalBlock *pkey = &key;
	OmniLocalBlock **hit;

	hit = bsearch(&pkey, locals, n, sizeof(*locals), compare_local);
	return hit ? (*hit)->block : NULL;
}

/*
 * Which unfolded rows l are those of the items $1: rows are looked at one by
 * one, and an array is gone through for each, so many items are hashed.
 */
#define OF_FEW_ITEMS "l.item_id = ANY ($1)"
#define OF_MANY_ITEMS "(l.item_id IN (SELECT pg_catalog.unnest($1))) IS TRUE"
#define MANY_ITEMS 16

#define COUNTERS_SQL(of_items) \
	"SELECT u.item_id, u.node_id, sum(u.on_hand)::int8," \
	" sum(u.reserved)::int8 FROM (" \
	" SELECT b.item_id, b.node_id, b.on_hand, b.reserved" \
	" FROM omni_internal.stock_balance b" \
	" WHERE b.item_id = ANY ($1)" \
	" UNION ALL" \
	" SELECT l.item_id, l.node_id, l.quantity, l.reserved" \
	" FROM omni_internal.unfolded l" \
	" WHERE " of_items ") u" \
	" GROUP BY 1, 2 ORDER BY 1, 2"

/* Add what one statement says of (item, node, on_hand, reserved). */
static void
fill_counters(OmniLocalBlock **locals, int n, Datum items, Snapshot snapshot)
{
	static OmniQuery few = {
		.sql = COUNTERS_SQL(OF_FEW_ITEMS),
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	static OmniQuery many = {
		.sql = COUNTERS_SQL(OF_MANY_ITEMS),
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	OmniRows	rows;

	omni_core_query_snapshot(n < MANY_ITEMS ? &few : &many, &items, NULL, snapshot, &rows);
	for (int r = 0; r < rows.nrows;)
	{
		int64		item = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
		OmniBlock  *block = omni_stock_find_loading(locals, n, item);
		int			end = r;

		while (end < rows.nrows &&
			   DatumGetInt64(OMNI_VALUE(&rows, end, 0)) == item)
			end++;
		omni_stock_block_grow(block, end - r);
		omni_stock_block_lock(block);
		for (; r < end; r++)
		{
			int64		node = DatumGetInt64(OMNI_VALUE(&rows, r, 1));
			OmniSlot   *slot;

			if (node == OMNI_POOL)
			{
				block->pool_reserved = DatumGetInt64(OMNI_VALUE(&rows, r, 3));
				continue;
			}
			slot = omni_stock_slot_add(block, node);
			slot->on_hand = DatumGetInt64(OMNI_VALUE(&rows, r, 2));
			slot->reserved = DatumGetInt64(OMNI_VALUE(&rows, r, 3));
		}
		omni_stock_block_unlock(block);
	}
}

#define PROMISES_SQL(of_items) \
	"SELECT u.item_id, u.reservation_id," \
	" (array_agg(u.node_id ORDER BY u.id DESC))[1]," \
	" sum(u.reserved)::int8," \
	" (array_agg(u.expires_at ORDER BY u.id DESC))[1] FROM (" \
	" SELECT r.item_id, r.id AS reservation_id, r.node_id, r.last_id AS id," \
	" r.quantity AS reserved, r.expires_at" \
	" FROM omni_internal.open_reservation r" \
	" WHERE r.item_id = ANY ($1) AND r.expires_at IS NOT NULL" \
	" UNION ALL" \
	" SELECT l.item_id, l.reservation, l.node_id, l.id, l.reserved," \
	" l.expires_at FROM omni_internal.unfolded l" \
	" WHERE l.reservation IS NOT NULL AND l.expires_at IS NOT NULL" \
	" AND " of_items ") u" \
	" GROUP BY 1, 2 HAVING sum(u.reserved) > 0 ORDER BY 1"

/* Add the open promises that have a time limit. */
static void
fill_promises(OmniLocalBlock **locals, int n, Datum items, Snapshot snapshot)
{
	static OmniQuery few = {
		.sql = PROMISES_SQL(OF_FEW_ITEMS),
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	static OmniQuery many = {
		.sql = PROMISES_SQL(OF_MANY_ITEMS),
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	OmniRows	rows;

	omni_core_query_snapshot(n < MANY_ITEMS ? &few : &many, &items, NULL, snapshot, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		int64		item = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
		OmniBlock  *block = omni_stock_find_loading(locals, n, item);

		omni_stock_promise_reserve(block, 1);
		omni_stock_block_lock(block);
		omni_stock_promise_add(block,
							   DatumGetInt64(OMNI_VALUE(&rows, r, 1)),
							   DatumGetInt64(OMNI_VALUE(&rows, r, 2)),
							   DatumGetInt64(OMNI_VALUE(&rows, r, 3)),
							   DatumGetTimestampTz(OMNI_VALUE(&rows, r, 4)));
		omni_stock_block_unlock(block);
	}
}

/* How often the policies of an item, or of a day, may have changed. */
static inline uint64
policy_generation(int64 item)
{
	uint64		generation = omni_master_policy_generation();

	/* both only rise: equal sums mean that neither did */
	if (unlikely(omni_stock_is_capacity(item)))
		generation += omni_stock_capacity_generation();
	return generation;
}

/*
 * Id, sellable and safety of these nodes for an item, or a day, as the snapshot
 * shows them; no row for nodes that it does not see.
 */
static void
query_policies(int64 item, const int64 *nodes, int n, Snapshot snapshot,
			   OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT n.id, n.status = 'active',"
		" COALESCE(p.safety, n.safety)"
		" FROM omni.node n LEFT JOIN omni.stock_policy p"
		" ON p.node = n.id AND p.item = $1"
		" WHERE n.id = ANY ($2)",
		.nargs = 2,
		.argtypes = {INT8OID, INT8ARRAYOID},
	};
	Datum		values[2];

	if (omni_stock_is_capacity(item))
	{
		omni_stock_capacity_policies(item, nodes, n, snapshot, rows);
		return;
	}
	values[0] = Int64GetDatum(item);
	values[1] = int8_array(nodes, n);
	omni_core_query_snapshot(&query, values, NULL, snapshot, rows);
}

/*
 * Read safety and sellable of a block's slots under "snapshot"; rows of nodes
 * that it does not see leave their slots as they are.
 */
static void
read_policies(OmniBlock *block, Snapshot snapshot, uint64 generation)
{
	OmniRows	rows;
	int64	   *nodes;
	int			nnodes = 0;
	int			room;

	omni_stock_block_lock(block);
	room = block->nslots;
	omni_stock_block_unlock(block);
	nodes = palloc(sizeof(int64) * (room + 16));
	omni_stock_block_lock(block);
	for (uint32 i = 0; i < block->slots.n && nnodes < room + 16; i++)
		if (omni_stock_slot_at(block, i)->node != 0)
			nodes[nnodes++] = omni_stock_slot_at(block, i)->node;
	omni_stock_block_unlock(block);

	query_policies(block->key.id, nodes, nnodes, snapshot, &rows);
	OMNI_TEST_POINT("policies");

	omni_stock_block_lock(block);
	/* another session may have read newer ones meanwhile */
	for (int r = 0; r < rows.nrows && generation >= block->policy_generation;
		 r++)
	{
		OmniSlot   *slot;

		slot = omni_stock_slot_find(block,
									DatumGetInt64(OMNI_VALUE(&rows, r, 0)));
		if (slot == NULL)
			continue;
		slot->sellable = DatumGetBool(OMNI_VALUE(&rows, r, 1));
		slot->safety = DatumGetInt32(OMNI_VALUE(&rows, r, 2));
	}
	/* a slot that came meanwhile may stand under an older count */
	if (block->nslots == nnodes)
		block->policy_generation = Max(block->policy_generation, generation);
	omni_stock_block_recount(block);
	omni_stock_block_unlock(block);
	omni_stock_shortfall_note(block);
}

/* The blocks that this process is loading. */
typedef struct Loading
{
	OmniLocalBlock **locals;
	int			n;
} Loading;

/*
 * The load failed, or the session is being terminated: leave the blocks EMPTY
 * for the next comer.
 */
static void
abandon_load(int code, Datum arg)
{
	Loading    *loading = (Loading *) DatumGetPointer(arg);

	for (int i = 0; i < loading->n; i++)
	{
		OmniBlock  *block = loading->locals[i]->block;

		omni_stock_doubt_forget(block);
		omni_stock_block_lock(block);
		omni_stock_block_clear(block);
		block->state = OMNI_BLOCK_EMPTY;
		omni_stock_block_unlock(block);
		ConditionVariableBroadcast(&block->loaded);
	}
}

/* Load these blocks, all LOADING by this process, and make them READY. */
static void
load_blocks(OmniLocalBlock **locals, int n)
{
	Loading		loading = {.locals = locals,.n = n};

	PG_ENSURE_ERROR_CLEANUP(abandon_load, PointerGetDatum(&loading));
	{
		MemoryContext old;
		MemoryContext context;
		/* read before the snapshot: of items, and of days */
		uint64		of_items = policy_generation(0);
		uint64		of_days = policy_generation(-1);
		OmniRecovery *recovery;
		Snapshot	snapshot;
		int64	   *ids;
		Datum		items;

		context = AllocSetContextCreate(CurrentMemoryContext,
										"omni stock load",
										ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(context);
		recovery = omni_stock_recover_begin();
		snapshot = omni_core_latest_snapshot(false);
		qsort(locals, n, sizeof(*locals), compare_local);
		ids = palloc(sizeof(int64) * n);
		for (int i = 0; i < n; i++)
			ids[i] = locals[i]->item;
		items = int8_array(ids, n);
		fill_counters(locals, n, items, snapshot);
		fill_promises(locals, n, items, snapshot);
		omni_stock_recover_read(recovery, locals, n, snapshot);
		for (int i = 0; i < n; i++)
			read_policies(locals[i]->block, snapshot,
						  omni_stock_is_capacity(locals[i]->item) ? of_days :
						  of_items);
		omni_stock_recover_replay(recovery);
		UnregisterSnapshot(snapshot);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
	PG_END_ENSURE_ERROR_CLEANUP(abandon_load, PointerGetDatum(&loading));

	omni_stock_count(OMNI_STAT_LOADS, n);
	for (int i = 0; i < n; i++)
	{
		OmniBlock  *block = locals[i]->block;

		omni_stock_block_lock(block);
		block->state = OMNI_BLOCK_READY;
		omni_stock_shortfall_watch(block);
		omni_stock_block_unlock(block);
		ConditionVariableBroadcast(&block->loaded);
	}
}

/* The state of a block; an EMPTY one becomes ours to load. */
static OmniBlockState
look_or_begin(OmniBlock *block)
{
	OmniBlockState state;

	omni_stock_block_lock(block);
	state = block->state;
	if (state == OMNI_BLOCK_EMPTY)
		block->state = OMNI_BLOCK_LOADING;
	omni_stock_block_unlock(block);
	return state;
}

/* Wait until somebody else's load ended; OM015 at the time limit. */
static void
wait_for_load(OmniBlock *block)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													OMNI_STOCK_WAIT_MS);

	omni_stock_count(OMNI_STAT_LOAD_WAITS, 1);
	ConditionVariablePrepareToSleep(&block->loaded);
	for (;;)
	{
		OmniBlockState state;
		long		left;

		omni_stock_block_lock(block);
		state = block->state;
		omni_stock_block_unlock(block);
		if (state != OMNI_BLOCK_LOADING)
			break;
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
		if (left <= 0)
		{
			ConditionVariableCancelSleep();
			ereport(ERROR,
					(errcode(OMNI_ERR_TIMEOUT),
					 errmsg("timed out waiting for an item's counters to be loaded"),
					 errhint("Another session's load waits, perhaps for a lock on a table of omni; see pg_stat_activity.")));
		}
		(void) ConditionVariableTimedSleep(&block->loaded, left,
										   omni_wait_event("OmniStockLoad"));
	}
	ConditionVariableCancelSleep();
}

/* Re-read policies where a node or a policy changed since. */
void
omni_stock_refresh_policies(OmniBlock *block)
{
	uint64		generation = policy_generation(block->key.id);
	Snapshot	snapshot;

	if (likely(block->policy_generation == generation))
		return;
	snapshot = omni_core_latest_snapshot(false);
	read_policies(block, snapshot, generation);
	UnregisterSnapshot(snapshot);
}

/*
 * Pin the blocks of these items until the transaction's end, load those that
 * nobody has loaded, settle what prepared transactions left that have ended,
 * and bring their policies up to date.
 */
void
omni_stock_load(const int64 *items, int n)
{
	OmniLocalBlock **mine = NULL;
	OmniLocalBlock **others = NULL;
	int			nmine = 0;
	int			nothers = 0;

	if (n > 1)
		omni_stock_local_settle(items, n);
	/* what can fail comes before any block is marked LOADING */
	for (int i = 0; i < n; i++)
	{
		OmniLocalBlock *local = omni_stock_local_find(items[i]);

		if (local == NULL)
			local = omni_stock_local_pin(items[i]);
		if (unlikely(local->block->state != OMNI_BLOCK_READY) && mine == NULL)
		{
			mine = palloc(sizeof(*mine) * n);
			others = palloc(sizeof(*others) * n);
		}
	}
	for (int i = 0; i < n && mine != NULL; i++)
	{
		OmniLocalBlock *local = omni_stock_local_find(items[i]);

		switch (look_or_begin(local->block))
		{
			case OMNI_BLOCK_EMPTY:
				mine[nmine++] = local;
				break;
			case OMNI_BLOCK_LOADING:
				{
					bool		own = false;

					for (int j = 0; j < nmine && !own; j++)
						own = mine[j] == local;
					if (!own)
						others[nothers++] = local;
				}
				break;
			case OMNI_BLOCK_READY:
				break;
		}
	}
	if (nmine > 0)
		load_blocks(mine, nmine);
	for (int i = 0; i < nothers; i++)
	{
		while (others[i]->block->state != OMNI_BLOCK_READY)
		{
			wait_for_load(others[i]->block);
			if (look_or_begin(others[i]->block) == OMNI_BLOCK_EMPTY)
				load_blocks(&others[i], 1);
		}
	}
	for (int i = 0; i < n; i++)
	{
		OmniBlock  *block = omni_stock_local_find(items[i])->block;

		if (unlikely(block->doubts != NULL))
			omni_stock_doubt_settle(block);
		omni_stock_refresh_policies(block);
	}
}

/*
 * A slot for a node that the item's block does not know yet.  Its policy is
 * read as committed; a node that only this transaction sees, as it sees it
 * (the policy generation rises when it commits).
 */
void
omni_stock_load_slot(OmniBlock *block, int64 node)
{
	OmniRows	rows;
	OmniSlot   *slot = NULL;
	uint64		generation = policy_generation(block->key.id);

	for (int own = 0; own < 2; own++)
	{
		Snapshot	snapshot = omni_core_latest_snapshot(own == 1);

		query_policies(block->key.id, &node, 1, snapshot, &rows);
		UnregisterSnapshot(snapshot);
		if (rows.nrows > 0)
			break;
	}
	OMNI_TEST_POINT("slot");

	while (slot == NULL)
	{
		omni_stock_block_grow(block, 1);
		omni_stock_block_lock(block);
		slot = omni_stock_slot_find(block, node);
		if (slot == NULL)
		{
			slot = omni_stock_slot_add(block, node);
			if (slot != NULL && rows.nrows > 0)
			{
				slot->sellable = DatumGetBool(OMNI_VALUE(&rows, 0, 1));
				slot->safety = DatumGetInt32(OMNI_VALUE(&rows, 0, 2));
				/* the others were read anew meanwhile: so must this be */
				if (block->policy_generation > generation)
					block->policy_generation = 0;
				omni_stock_block_recount(block);
			}
		}
		omni_stock_block_unlock(block);
	}
}
