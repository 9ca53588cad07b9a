/*
 * capacity.c
 *	  Units of work that a node takes on a day, promised like units of stock.
 *
 * A day is a block whose id is below 0, with a slot for each node that has
 * promised something; ledger, fold, callbacks, prepared transactions, expiry
 * and retention know no difference.  What is special stands here:
 *
 * - A slot's "safety" is the limit and its "on_hand" what was done, both below
 *	 0, so what a node can promise is limit - done - promised.  There is no
 *	 pool: other nodes' promises do not count.
 * - A node's first promise of a day makes the slot.  A node without a limit is
 *	 counted, too: others may want to know.
 * - Limits are read as committed, like safety stock, and anew when a count in
 *	 shared memory has been raised, after the change has become visible.  A
 *	 prepared transaction's end would not raise it, so one that has changed a
 *	 limit cannot be prepared (0A000).
 * - A limit below what is promised already refuses new promises, and breaks
 *	 none.
 */
#include "omni.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "master/master.h"
#include "stock/block.h"

/* Databases share a few counts by their oid; see master/policy.c. */
#define NCOUNTS 64

/* Nodes of a day that are read under one hold of the block's lock. */
#define READ_AT_ONCE 64

/* Days that are past everywhere, and balances that are deleted at once. */
#define PAST_DAYS 2
#define FORGET_AT_ONCE 1000

PG_FUNCTION_INFO_V1(omni_stock_reserve_capacity);

static pg_atomic_uint64 *counts = NULL; /* NULL without preload */
static bool changed = false;	/* by this transaction, or one of its parts */
static OmniCapacityReader reader = NULL;

/* The worker's: days whose balances this transaction has deleted. */
static int64 forgotten[FORGET_AT_ONCE];
static int	nforgotten = 0;
static OmniBlockKey forgotten_key;	/* of one of them */

/* ---- limits ---- */

static Size
counts_size(void)
{
	return sizeof(pg_atomic_uint64) * NCOUNTS;
}

/* Make the counts, or find them. */
static void
init_counts(void *area, bool found)
{
	counts = area;
	if (found)
		return;
	for (int i = 0; i < NCOUNTS; i++)
		pg_atomic_init_u64(&counts[i], 1);
}

static const OmniShmemItem counts_item = {
	.name = "omni capacity counts",
	.size = counts_size,
	.init = init_counts,
};

/* How often limits may have changed. */
uint64
omni_stock_capacity_generation(void)
{
	return counts ? pg_atomic_read_u64(&counts[MyDatabaseId % NCOUNTS]) : 0;
}

void
omni_stock_capacity_changed(void)
{
	changed = true;
}

void
omni_stock_register_capacity(OmniCapacityReader function)
{
	reader = function;
}

/* At the end of a transaction.  Cannot fail, but before PREPARE. */
static void
capacity_transaction_ends(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			if (changed)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot PREPARE a transaction that has "
								"changed limits of capacity"),
						 errhint("COMMIT it, or change them in a transaction "
								 "of their own.")));
			break;
		case XACT_EVENT_COMMIT:
			if (changed && counts != NULL)
				pg_atomic_fetch_add_u64(&counts[MyDatabaseId % NCOUNTS], 1);
			changed = false;
			for (; nforgotten > 0; nforgotten--)
			{
				OmniBlockKey key = forgotten_key;

				key.id = forgotten[nforgotten - 1];
				omni_stock_block_reload_one(&key);
			}
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			changed = false;
			nforgotten = 0;
			break;
		default:
			break;
	}
}

/* Called in _PG_init. */
void
omni_stock_capacity_init(void)
{
	omni_core_register_shmem(&counts_item);
	RegisterXactCallback(capacity_transaction_ends, NULL);
}

/*
 * Rows of id, sellable and safety for a day's nodes, as the snapshot shows
 * them; none for nodes that it does not see.
 */
void
omni_stock_capacity_policies(int64 item, const int64 *nodes, int n,
							 Snapshot snapshot, OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT n.id, n.status = 'active', 0"
		" FROM omni.node n WHERE n.id = ANY ($1)",
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	Datum		value = omni_core_int64_array(nodes, n);
	int64	   *found;
	int32	   *limits;

	omni_core_query_snapshot(&query, &value, NULL, snapshot, rows);
	found = palloc(sizeof(int64) * Max(rows->nrows, 1));
	limits = palloc(sizeof(int32) * Max(rows->nrows, 1));
	for (int r = 0; r < rows->nrows; r++)
	{
		found[r] = DatumGetInt64(OMNI_VALUE(rows, r, 0));
		limits[r] = OMNI_NO_LIMIT;
	}
	if (reader != NULL && rows->nrows > 0)
		reader(omni_stock_capacity_day(item), found, rows->nrows, snapshot,
			   limits);
	for (int r = 0; r < rows->nrows; r++)
		OMNI_VALUE(rows, r, 2) =
			Int32GetDatum(limits[r] == OMNI_NO_LIMIT ? OMNI_UNLIMITED :
						  -limits[r]);
	pfree(found);
	pfree(limits);
}

/* ---- promising ---- */

/* The line's node gets its slot; the day's block is pinned and loaded. */
void
omni_stock_capacity_slot(const OmniReserveLine *line)
{
	OmniBlock  *block = omni_stock_local_find(line->item)->block;
	bool		there;

	Assert(line->node != OMNI_POOL);
	omni_stock_block_lock(block);
	there = omni_stock_slot_find(block, line->node) != NULL;
	omni_stock_block_unlock(block);
	if (unlikely(!there))
		omni_stock_load_slot(block, line->node);
}

/* A day as people write it. */
char *
omni_stock_day_text(int64 item)
{
	int			year;
	int			month;
	int			day;

	j2date(omni_stock_capacity_day(item) + POSTGRES_EPOCH_JDATE, &year,
		   &month, &day);
	return psprintf("%04d-%02d-%02d", year, month, day);
}

/* OM018 for one line, from what was seen there. */
void
omni_stock_raise_no_capacity(const OmniReserveLine *line, int lineno,
							 int nlines, int64 have)
{
	char	   *node = omni_master_node_code(line->node);

	ereport(ERROR,
			(errcode(OMNI_ERR_NO_CAPACITY),
			 errmsg("insufficient capacity of node \"%s\" on %s",
					node ? node : "?", omni_stock_day_text(line->item)),
			 nlines > 1 ?
			 errdetail("Line %d asks for %d units, available are %lld.",
					   lineno, line->quantity, (long long) Max(have, 0)) :
			 errdetail("Asked for %d units, available are %lld.",
					   line->quantity, (long long) Max(have, 0)),
			 errhint("Ask for another node or day; see omni.capacity().")));
}

/* ---- reading ---- */

/*
 * Lock the block for reading its counters.  Exclusive only where the clock has
 * promises to give back: many sessions plan on a day at once.
 */
static void
lock_for_reading(OmniBlock *block)
{
	TimestampTz now = omni_core_now();
	bool		due = false;

	LWLockAcquire(&block->lock, LW_SHARED);
	if (!pairingheap_is_empty(&block->deadlines))
		due = pairingheap_container(OmniPromise, heap,
									pairingheap_first(&block->deadlines))
			->deadline <= now;
	if (likely(!due))
		return;
	omni_stock_block_unlock(block);
	omni_stock_block_lock(block);
	omni_stock_promise_expire(block, now);
}

/* What one slot says, with what is pending here; block locked. */
static void
read_slot(OmniLocalBlock *local, const OmniSlot *slot, OmniCapacityUse *use)
{
	int64		d_on_hand = 0;
	int64		d_reserved = 0;
	int64		free;

	if (local->pending)
		omni_stock_node_pending(local, slot->node, &d_on_hand, &d_reserved);
	use->counted = true;
	use->open = slot->sellable;
	use->limit = slot->safety == OMNI_UNLIMITED ? OMNI_NO_LIMIT :
		-slot->safety;
	use->promised = slot->reserved + d_reserved;
	use->done = -(slot->on_hand + d_on_hand);
	free = slot->sellable ?
		omni_stock_free_with(slot, d_on_hand, d_reserved) : 0;
	if (slot->sellable && use->limit == OMNI_NO_LIMIT)
		free = PG_INT32_MAX;
	use->available = (int32) Min(Max(free, 0), PG_INT32_MAX);
}

void
omni_stock_capacity(int32 day, OmniCapacityUse *uses, int n)
{
	int64		item = omni_stock_capacity_item(day);
	OmniLocalBlock *local;

	omni_stock_load(&item, 1);
	local = omni_stock_local_find(item);
	lock_for_reading(local->block);
	for (int i = 0; i < n; i++)
	{
		OmniCapacityUse *use = &uses[i];
		OmniSlot   *slot;

		/* who wants to promise on this day shall not wait for long */
		if (i % READ_AT_ONCE == READ_AT_ONCE - 1)
		{
			omni_stock_block_unlock(local->block);
			lock_for_reading(local->block);
		}
		slot = omni_stock_slot_find(local->block, use->node);
		if (slot)
			read_slot(local, slot, use);
		else
		{
			use->promised = use->done = 0;
			use->counted = use->open = false;
			use->limit = OMNI_NO_LIMIT;
			use->available = 0;
		}
	}
	omni_stock_block_unlock(local->block);
}

/* ---- forgetting ---- */

/*
 * For the worker: delete the balances of days past of which retention has
 * left nothing that counts: pruned_stock says as much as the balance.  Both go
 * in one statement, so ledger and pruned_stock still give the balances.  The
 * days' blocks are read anew at commit.  False when there is no more.
 *
 * Called when everything was added up, and nothing folds meanwhile.
 */
bool
omni_stock_forget_days(void)
{
	static OmniQuery query = {
		.sql = "WITH w AS MATERIALIZED ("
		" SELECT b.item_id, b.node_id FROM omni_internal.stock_balance b"
		" LEFT JOIN omni_internal.pruned_stock p ON p.item_id = b.item_id"
		" AND p.node_id = b.node_id AND p.batch = 0"
		" WHERE b.item_id > $1 AND b.item_id < 0 AND b.tick = 0"
		" AND b.reserved = 0"
		" AND b.on_hand = COALESCE(p.on_hand, 0) LIMIT $2),"
		" p AS (DELETE FROM omni_internal.pruned_stock p USING w"
		" WHERE p.item_id = w.item_id AND p.node_id = w.node_id),"
		" b AS (DELETE FROM omni_internal.stock_balance b USING w"
		" WHERE b.item_id = w.item_id AND b.node_id = w.node_id)"
		" SELECT DISTINCT w.item_id FROM w",
		.nargs = 2,
		.argtypes = {INT8OID, INT4OID},
		.custom_plan = true,
	};
	Datum		values[2];
	OmniRows	rows;
	int32		today;

	today = (int32) (omni_core_now() / USECS_PER_DAY);
	values[0] = Int64GetDatum(omni_stock_capacity_item(today - PAST_DAYS));
	values[1] = Int32GetDatum(FORGET_AT_ONCE);
	omni_stock_own_write(true);
	omni_core_query(&query, values, NULL, false, &rows);
	omni_stock_own_write(false);
	for (int r = 0; r < rows.nrows; r++)
		forgotten[r] = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
	omni_stock_item_key(&forgotten_key, -1);
	nforgotten = rows.nrows;
	return rows.nrows > 0;
}

/* ---- SQL ---- */

/* An array argument's elements; OM007 unless it has n, or -1, elements. */
static void
array_argument(FunctionCallInfo fcinfo, int arg, Oid type, Datum **elems,
			   bool **nulls, int *n)
{
	ArrayType  *array;
	int			m;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument %d must not be null", arg + 1)));
	array = PG_GETARG_ARRAYTYPE_P(arg);
	deconstruct_array(array, type, type == TEXTOID ? -1 : 4, type != TEXTOID,
					  'i', elems, nulls, &m);
	if (m == 0 || (*n >= 0 && m != *n) || ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("arrays must be one-dimensional, equally long and not empty")));
	*n = m;
}

/*
 * omni_internal.reserve_capacity(nodes text[], days date[], units int[],
 * skus text[], seconds int, reference text) RETURNS bigint[]: promise all
 * lines or none; a line with a sku is one of stock at the node (the pool where
 * node is null), one without is of the node's capacity on the day.  seconds:
 * until when it stands; NULL: without limit.  For tests of what orders do in
 * C; nobody but the owner may.  OM001, OM002, OM007, OM018.
 */
Datum
omni_stock_reserve_capacity(PG_FUNCTION_ARGS)
{
	Datum	   *elems[4];
	bool	   *nulls[4];
	static const Oid types[4] = {TEXTOID, DATEOID, INT4OID, TEXTOID};
	TimestampTz expires_at = DT_NOEND;
	OmniReserveLine *lines;
	int			n = -1;

	(void) omni_core_gate();
	for (int a = 0; a < 4; a++)
		array_argument(fcinfo, a, types[a], &elems[a], &nulls[a], &n);
	if (!PG_ARGISNULL(4))
		expires_at = TimestampTzPlusMilliseconds(omni_core_now(),
												 PG_GETARG_INT32(4) * INT64CONST(1000));
	lines = palloc0(sizeof(OmniReserveLine) * n);
	for (int i = 0; i < n; i++)
	{
		bool		stock = !nulls[3][i];

		if (nulls[2][i] || (!stock && (nulls[0][i] || nulls[1][i])))
			ereport(ERROR,
					(errcode(OMNI_ERR_NOT_FOUND),
					 errmsg("line %d lacks its node, day or units", i + 1)));
		lines[i].quantity = DatumGetInt32(elems[2][i]);
		if (lines[i].quantity <= 0 ||
			(!stock && DatumGetDateADT(elems[1][i]) < 0))
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("units of line %d, or its day, are out of range",
							i + 1)));
		if (!nulls[0][i])
			lines[i].node =
				omni_master_node_id(TextDatumGetCString(elems[0][i]));
		lines[i].item = stock ?
			omni_master_item_id(TextDatumGetCString(elems[3][i])) :
			omni_stock_capacity_item(DatumGetDateADT(elems[1][i]));
	}
	omni_stock_reserve(lines, n, expires_at, omni_core_optional_text(fcinfo, 5),
					   0);
	for (int i = 0; i < n; i++)
		elems[0][i] = Int64GetDatum(lines[i].reservation);
	PG_RETURN_ARRAYTYPE_P(construct_array(elems[0], n, INT8OID, 8,
										  FLOAT8PASSBYVAL, 'd'));
}
