/*
 * verify.c
 *	  omni.verify_stock(): counters against tables, tables against the ledger.
 *
 * At rest there is never a difference.  While transactions are in flight the
 * counters hold what these have taken and the tables do not, so run it when
 * nobody changes stock.  What prepared transactions have taken is known, and
 * is taken off the counters first: they need not be decided.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/test_point.h"
#include "master/master.h"
#include "stock/block.h"

PG_FUNCTION_INFO_V1(omni_stock_verify);

typedef struct Expected
{
	int64		item;			/* with node the hash key */
	int64		node;
	int64		on_hand;
	int64		reserved;
	int32		safety;
	bool		sellable;
	bool		seen;
} Expected;

/* One difference; for omni.repair_stock(), one change. */
void
omni_stock_put_difference(ReturnSetInfo *rsinfo, int64 item, int64 node,
						  const char *what, int64 counter, int64 expected)
{
	Datum		values[5];
	bool		nulls[5] = {0};
	char	   *sku = omni_stock_is_capacity(item) ? NULL :
		omni_master_item_sku(item);
	char	   *code = node == OMNI_POOL ? NULL : omni_master_node_code(node);

	values[0] = sku ? CStringGetTextDatum(sku) : (Datum) 0;
	nulls[0] = sku == NULL;
	values[1] = code ? CStringGetTextDatum(code) : (Datum) 0;
	nulls[1] = code == NULL;
	if (omni_stock_is_capacity(item))
		what = psprintf("%s of the capacity on %s", what,
						omni_stock_day_text(item));
	values[2] = CStringGetTextDatum(what);
	values[3] = Int64GetDatum(counter);
	values[4] = Int64GetDatum(expected);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * What the tables say, for every item and node that they name; own_rows: also
 * what this transaction has changed.
 */
static HTAB *
read_expected(TimestampTz now, bool own_rows)
{
	static OmniQuery query = {
		.sql = "SELECT u.item_id, u.node_id, sum(u.on_hand)::int8,"
		" sum(u.reserved)::int8,"
		" COALESCE(max(p.safety), max(n.safety), 0)::int4,"
		" COALESCE(bool_and(n.status = 'active'), false) FROM ("
		" SELECT b.item_id, b.node_id, b.on_hand, b.reserved"
		" FROM omni_internal.stock_balance b"
		" UNION ALL"
		" SELECT l.item_id, l.node_id, l.quantity, l.reserved"
		" FROM omni_internal.unfolded l"
		" UNION ALL"
		" SELECT r.item_id, r.node_id, 0, -r.quantity"
		" FROM omni_internal.reservation_state r WHERE r.expires_at <= $1) u"
		" LEFT JOIN omni.node n ON n.id = u.node_id"
		" LEFT JOIN omni.stock_policy p"
		" ON p.item = u.item_id AND p.node = u.node_id"
		" GROUP BY 1, 2",
		.nargs = 1,
		.argtypes = {TIMESTAMPTZOID},
		.custom_plan = true,
	};
	Datum		value = TimestampTzGetDatum(now);
	Snapshot	snapshot = omni_core_latest_snapshot(own_rows);
	HASHCTL		info;
	HTAB	   *expected;
	OmniRows	rows;

	omni_core_query_snapshot(&query, &value, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	memset(&info, 0, sizeof(info));
	info.keysize = 2 * sizeof(int64);
	info.entrysize = sizeof(Expected);
	info.hcxt = CurrentMemoryContext;
	expected = hash_create("omni expected stock", Max(rows.nrows, 16), &info,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int r = 0; r < rows.nrows; r++)
	{
		int64		key[2];
		Expected   *e;

		key[0] = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
		key[1] = DatumGetInt64(OMNI_VALUE(&rows, r, 1));
		e = hash_search(expected, key, HASH_ENTER, NULL);
		e->on_hand = DatumGetInt64(OMNI_VALUE(&rows, r, 2));
		e->reserved = DatumGetInt64(OMNI_VALUE(&rows, r, 3));
		e->safety = DatumGetInt32(OMNI_VALUE(&rows, r, 4));
		e->sellable = DatumGetBool(OMNI_VALUE(&rows, r, 5));
		e->seen = false;
	}
	return expected;
}

/*
 * The limits of a day's slots, as expected safety and sellable; nodes that were
 * never promised anything have no entry, and get one.
 */
static void
expect_limits(int64 item, const OmniSlot *slots, int n, HTAB *expected)
{
	Snapshot	snapshot = omni_core_latest_snapshot(false);
	int64	   *nodes = palloc(sizeof(int64) * Max(n, 1));
	OmniRows	rows;

	for (int i = 0; i < n; i++)
		nodes[i] = slots[i].node;
	omni_stock_capacity_policies(item, nodes, n, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	for (int r = 0; r < rows.nrows; r++)
	{
		int64		key[2];
		Expected   *e;
		bool		found;

		key[0] = item;
		key[1] = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
		e = hash_search(expected, key, HASH_ENTER, &found);
		if (!found)
			e->on_hand = e->reserved = 0;
		e->sellable = DatumGetBool(OMNI_VALUE(&rows, r, 1));
		e->safety = DatumGetInt32(OMNI_VALUE(&rows, r, 2));
	}
	pfree(nodes);
}

/* Compare one block, whose counters are copied under its lock. */
static void
verify_block(ReturnSetInfo *rsinfo, OmniBlock *block, HTAB *expected,
			 TimestampTz now)
{
	int			room = block->slots.n;
	OmniSlot   *slots = palloc(sizeof(OmniSlot) * Max(room, 1));
	int			n = 0;
	int64		pool;
	int64		pool_reserved;
	int64		pool_expected = 0;
	int64		key[2];
	Expected   *e;

	omni_stock_block_lock(block);
	omni_stock_promise_expire(block, now);
	for (uint32 i = 0; i < block->slots.n && n < room; i++)
		if (omni_stock_slot_at(block, i)->node != 0)
			slots[n++] = *omni_stock_slot_at(block, i);
	pool_reserved = block->pool_reserved;
	pool = block->pool_sum - pool_reserved;
	if (block->doubts != NULL)
	{
		/* the pool's counter, as it would be without what is in doubt */
		for (int i = 0; i < n; i++)
			pool -= omni_stock_slot_free(&slots[i]);
		pool += pool_reserved;
		omni_stock_doubt_subtract(block, slots, n, &pool_reserved, now);
		for (int i = 0; i < n; i++)
			pool += omni_stock_slot_free(&slots[i]);
		pool -= pool_reserved;
	}
	omni_stock_block_unlock(block);

	key[0] = block->key.id;
	if (omni_stock_is_capacity(key[0]))
		expect_limits(key[0], slots, n, expected);
	for (int i = 0; i < n; i++)
	{
		Expected	none = {0};

		key[1] = slots[i].node;
		e = hash_search(expected, key, HASH_FIND, NULL);
		if (e == NULL)
		{
			e = &none;
			e->safety = slots[i].safety;
			e->sellable = slots[i].sellable;
		}
		e->seen = true;
		if (slots[i].on_hand != e->on_hand)
			omni_stock_put_difference(rsinfo, key[0], key[1], "counter on_hand",
						   slots[i].on_hand, e->on_hand);
		if (slots[i].reserved != e->reserved)
			omni_stock_put_difference(rsinfo, key[0], key[1], "counter reserved",
						   slots[i].reserved, e->reserved);
		if (slots[i].safety != e->safety)
			omni_stock_put_difference(rsinfo, key[0], key[1], "counter safety",
						   slots[i].safety, e->safety);
		slots[i].on_hand = e->on_hand;
		slots[i].reserved = e->reserved;
		slots[i].safety = e->safety;
		slots[i].sellable = e->sellable;
		pool_expected += omni_stock_slot_free(&slots[i]);
	}
	key[1] = OMNI_POOL;
	e = hash_search(expected, key, HASH_FIND, NULL);
	if (e)
	{
		e->seen = true;
		pool_expected -= e->reserved;
	}
	if (pool_reserved != (e ? e->reserved : 0))
		omni_stock_put_difference(rsinfo, key[0], OMNI_POOL, "counter reserved", pool_reserved,
					   e ? e->reserved : 0);
	if (pool != pool_expected)
		omni_stock_put_difference(rsinfo, key[0], OMNI_POOL, "counter pool", pool,
					   pool_expected);
	pfree(slots);
}

/* Let go of a block after an error, or when the session is terminated. */
static void
unpin_block(int code, Datum arg)
{
	omni_stock_block_unpin((OmniBlock *) DatumGetPointer(arg));
}

/*
 * Compare the item's block, if there is one that is loaded and not waiting to
 * be dropped.  It is pinned for so long only, lest all memory be in use.
 */
static bool
verify_item(ReturnSetInfo *rsinfo, int64 item, HTAB *expected,
			TimestampTz now)
{
	OmniBlockKey key;
	OmniBlock  *block;
	volatile bool ready = false;

	omni_stock_item_key(&key, item);
	block = omni_stock_block_find(&key);
	if (block == NULL)
		return false;
	PG_ENSURE_ERROR_CLEANUP(unpin_block, PointerGetDatum(block));
	{
		omni_stock_block_lock(block);
		ready = block->state == OMNI_BLOCK_READY;
		omni_stock_block_unlock(block);
		OMNI_TEST_POINT("verify");
		if (ready)
		{
			if (block->doubts != NULL)
				omni_stock_doubt_settle(block);
			/* policies as new as the tables' */
			omni_stock_refresh_policies(block);
			verify_block(rsinfo, block, expected, now);
		}
	}
	PG_END_ENSURE_ERROR_CLEANUP(unpin_block, PointerGetDatum(block));
	omni_stock_block_unpin(block);
	return ready;
}

/* Slots that a loaded block lacks though the tables have stock there. */
static void
verify_missing(ReturnSetInfo *rsinfo, HTAB *expected, HTAB *loaded)
{
	HASH_SEQ_STATUS status;
	Expected   *e;

	hash_seq_init(&status, expected);
	while ((e = hash_seq_search(&status)) != NULL)
	{
		if (e->seen || (e->on_hand == 0 && e->reserved == 0) ||
			hash_search(loaded, &e->item, HASH_FIND, NULL) == NULL)
			continue;
		omni_stock_put_difference(rsinfo, e->item, e->node, "counter on_hand", 0, e->on_hand);
	}
}

/* Balances, open promises and master data against the ledger. */
static void
verify_tables(ReturnSetInfo *rsinfo)
{
	static OmniQuery query = {
		.sql = "SELECT item_id, node_id, what, object, counter, expected"
		" FROM omni_internal.table_difference",
		.custom_plan = true,
	};
	Snapshot	snapshot = omni_core_latest_snapshot(true);
	OmniRows	rows;

	omni_core_query_snapshot(&query, NULL, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	for (int r = 0; r < rows.nrows; r++)
	{
		char	   *what = TextDatumGetCString(OMNI_VALUE(&rows, r, 2));

		if (!OMNI_ISNULL(&rows, r, 3))
			what = psprintf("%s (%lld)", what,
							(long long) DatumGetInt64(OMNI_VALUE(&rows, r, 3)));
		omni_stock_put_difference(rsinfo,
								  DatumGetInt64(OMNI_VALUE(&rows, r, 0)),
								  DatumGetInt64(OMNI_VALUE(&rows, r, 1)), what,
								  DatumGetInt64(OMNI_VALUE(&rows, r, 4)),
								  DatumGetInt64(OMNI_VALUE(&rows, r, 5)));
	}
}

/*
 * Every block in memory against the tables.  No lock beyond each block's for
 * a moment.
 */
void
omni_stock_verify_counters(ReturnSetInfo *rsinfo, bool own_rows)
{
	TimestampTz now = omni_core_now();
	int64	   *items;
	HTAB	   *expected;
	HTAB	   *loaded;
	HASHCTL		info;
	int			n;

	n = omni_stock_block_list(omni_stock_ledger_oid(), &items);
	memset(&info, 0, sizeof(info));
	info.keysize = sizeof(int64);
	info.entrysize = sizeof(int64);
	info.hcxt = CurrentMemoryContext;
	loaded = hash_create("omni loaded items", Max(n, 16), &info,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	expected = read_expected(now, own_rows);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (verify_item(rsinfo, items[i], expected, now))
			hash_search(loaded, &items[i], HASH_ENTER, NULL);
	}
	verify_missing(rsinfo, expected, loaded);
}

/* verify_stock() → sku, node (NULL: the pool), what, counter, expected. */
Datum
omni_stock_verify(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	(void) omni_core_gate();
	InitMaterializedSRF(fcinfo, 0);
	omni_stock_verify_counters(rsinfo, false);
	verify_tables(rsinfo);
	return (Datum) 0;
}
