/*
 * recover.c
 *	  What prepared transactions did to an item whose block is being loaded.
 *
 * A load's snapshot sees what has committed.  What a prepared transaction took
 * must be taken off all the same, what it will give must be given when it is
 * committed, and the promises that it closes must not be given back by the
 * clock.  Its rows are in the ledger, where only a dirty snapshot sees them:
 * the one raw access to a table.  They are replayed by the functions that
 * wrote them, and become doubts of the block (doubt.c), as if the server had
 * never been restarted.
 *
 * Which transactions: those that are prepared when the block is LOADING and
 * the snapshot is not taken yet, and that the snapshot sees as running.  These
 * are all, and no other rows count twice or never:
 * - A row is written while its block is pinned and READY, and the writer's pin
 *	 lasts until its transaction has committed, aborted or is prepared.  No
 *	 pinned block is loaded.  So a row's writer, when its block is LOADING, has
 *	 ended, or is prepared: in the list, whose processes the server makes anew
 *	 before it lets anybody in after a restart or a promotion.
 * - One that ends before the list is read is seen, or not, by the snapshot.
 *	 One that ends after the list and before the snapshot, too: the snapshot
 *	 does not call it running.
 * - One that ends after the snapshot is not seen by it.  Committed before the
 *	 dirty scan or not, its rows become a doubt, which the next touch settles;
 *	 aborted before the scan it has no rows there, and nothing to undo.
 * - Rows of savepoints that were rolled back are dead to a dirty snapshot.
 * - An older era has no prepared transactions: a dump and a copy by CREATE
 *	 DATABASE contain committed rows alone, and an extension whose ledger a
 *	 prepared transaction has written to cannot be dropped.
 *
 * A prepared transaction's rows are read by (era, xid): all of them, for each
 * load, however few are of the items being loaded.
 */
#include "omni.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "stock/block.h"

/* Records that one row needs at most: an opening and four of its taking. */
#define RECORDS_PER_ROW 6

typedef enum RowKind
{
	ROW_OTHER,
	ROW_UNPOOL,
	ROW_PIN
} RowKind;

/* A row of a prepared transaction. */
typedef struct Row
{
	OmniBlock  *block;
	int			prepared;		/* index of its transaction */
	RowKind		kind;
	int64		id;
	int64		item;
	int64		node;
	int32		quantity;
	int32		reserved;
	int64		closes;			/* 0: none */
	int64		reservation;	/* 0: none */
	TimestampTz expires_at;		/* DT_NOEND: none */
	int64		left;			/* of the promise, after this row */
} Row;

struct OmniRecovery
{
	OmniPrepared *prepared;
	int			nprepared;
	Row		   *rows;
	int			nrows;
	int			room;
};

/* What a prepared transaction has left of a promise so far. */
typedef struct Left
{
	int64		reservation;	/* hash key */
	int64		quantity;
} Left;

/* The ledger's columns, by name. */
static const char *const column_names[] = {
	"era", "xid", "id", "item_id", "node_id", "quantity", "reserved",
	"closes", "reservation", "expires_at", "kind"
};

enum
{
	COL_ERA, COL_XID, COL_ID, COL_ITEM, COL_NODE, COL_QUANTITY, COL_RESERVED,
	COL_CLOSES, COL_RESERVATION, COL_EXPIRES, COL_KIND, NCOLUMNS
};

/*
 * Called when the blocks are LOADING, before the load's snapshot is taken:
 * which transactions are prepared.
 */
OmniRecovery *
omni_stock_recover_begin(void)
{
	OmniRecovery *recovery = palloc0(sizeof(OmniRecovery));

	recovery->nprepared = omni_stock_prepared_list(&recovery->prepared);
	return recovery;
}

/* Keep a row if it is of one of these items. */
static void
keep_row(OmniRecovery *recovery, int which, OmniLocalBlock **locals, int n,
		 HeapTuple tuple, TupleDesc desc, const AttrNumber *columns)
{
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS];
	OmniBlock  *block;
	Row		   *row;
	char	   *kind;

	for (int c = 0; c < NCOLUMNS; c++)
		values[c] = heap_getattr(tuple, columns[c], desc, &nulls[c]);
	block = omni_stock_find_loading(locals, n,
									DatumGetInt64(values[COL_ITEM]));
	if (block == NULL)
		return;

	if (recovery->nrows == recovery->room)
	{
		recovery->room = Max(64, recovery->room * 2);
		recovery->rows = recovery->rows == NULL ?
			palloc(sizeof(Row) * recovery->room) :
			repalloc_huge(recovery->rows, sizeof(Row) * recovery->room);
	}
	row = &recovery->rows[recovery->nrows++];
	memset(row, 0, sizeof(*row));
	row->block = block;
	row->prepared = which;
	row->id = DatumGetInt64(values[COL_ID]);
	row->item = DatumGetInt64(values[COL_ITEM]);
	row->node = DatumGetInt64(values[COL_NODE]);
	row->quantity = DatumGetInt32(values[COL_QUANTITY]);
	row->reserved = DatumGetInt32(values[COL_RESERVED]);
	row->closes = nulls[COL_CLOSES] ? 0 : DatumGetInt64(values[COL_CLOSES]);
	row->reservation = nulls[COL_RESERVATION] ? 0 :
		DatumGetInt64(values[COL_RESERVATION]);
	row->expires_at = nulls[COL_EXPIRES] ? DT_NOEND :
		DatumGetTimestampTz(values[COL_EXPIRES]);
	kind = TextDatumGetCString(values[COL_KIND]);
	row->kind = strcmp(kind, "unpool") == 0 ? ROW_UNPOOL :
		strcmp(kind, "pin") == 0 ? ROW_PIN : ROW_OTHER;
	pfree(kind);
}

/* Read one prepared transaction's rows, committed meanwhile or not. */
static void
scan_ledger(OmniRecovery *recovery, int which, OmniLocalBlock **locals, int n,
			Relation ledger, const AttrNumber *columns)
{
	Oid			index = omni_core_relation_oid(OMNI_SCHEMA,
											   "stock_ledger_era_xid_idx");
	SnapshotData dirty;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	InitDirtySnapshot(dirty);
	ScanKeyInit(&keys[0], columns[COL_ERA], BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(omni_core_gate()));
	ScanKeyInit(&keys[1], columns[COL_XID], BTEqualStrategyNumber, F_XID8EQ,
				FullTransactionIdGetDatum(recovery->prepared[which].xid));
	scan = systable_beginscan(ledger, index, OidIsValid(index), &dirty, 2,
							  keys);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		keep_row(recovery, which, locals, n, tuple, RelationGetDescr(ledger),
				 columns);
	}
	systable_endscan(scan);
}

/* By item, transaction and id: the order in which each was written. */
static int
compare_rows(const void *a, const void *b)
{
	const Row  *ra = (const Row *) a;
	const Row  *rb = (const Row *) b;

	if (ra->item != rb->item)
		return ra->item < rb->item ? -1 : 1;
	if (ra->prepared != rb->prepared)
		return ra->prepared - rb->prepared;
	return (ra->id > rb->id) - (ra->id < rb->id);
}

/* A slot for each node that the rows name; its policy is read after this. */
static void
add_slots(OmniRecovery *recovery)
{
	for (int i = 0; i < recovery->nrows; i++)
	{
		Row		   *row = &recovery->rows[i];

		if (row->node == OMNI_POOL)
			continue;
		omni_stock_block_grow(row->block, 1);
		omni_stock_block_lock(row->block);
		if (omni_stock_slot_find(row->block, row->node) == NULL)
			(void) omni_stock_slot_add(row->block, row->node);
		omni_stock_block_unlock(row->block);
	}
}

/* What is left of each promise after each row. */
static void
count_left(OmniRecovery *recovery)
{
	HASHCTL		info;
	HTAB	   *promises;

	memset(&info, 0, sizeof(info));
	info.keysize = sizeof(int64);
	info.entrysize = sizeof(Left);
	info.hcxt = CurrentMemoryContext;
	promises = hash_create("omni promises in doubt", 64, &info,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < recovery->nrows; i++)
	{
		Row		   *row = &recovery->rows[i];
		Left	   *left;
		bool		found;

		if (row->reservation == 0)
			continue;
		left = hash_search(promises, &row->reservation, HASH_ENTER, &found);
		if (!found)
		{
			OmniPromise *promise;

			omni_stock_block_lock(row->block);
			promise = omni_stock_promise_find(row->block, row->reservation);
			left->quantity = promise ? promise->taken : 0;
			omni_stock_block_unlock(row->block);
		}
		left->quantity += row->reserved;
		row->left = left->quantity;
	}
	hash_destroy(promises);
}

/*
 * Read the rows of the transactions that were prepared at the beginning and
 * that the load's snapshot sees as running.
 */
void
omni_stock_recover_read(OmniRecovery *recovery, OmniLocalBlock **locals,
						int n, Snapshot snapshot)
{
	AttrNumber	columns[NCOLUMNS];
	Relation	ledger;

	if (likely(recovery->nprepared == 0))
		return;
	ledger = table_open(omni_stock_ledger_oid(), AccessShareLock);
	for (int c = 0; c < NCOLUMNS; c++)
		columns[c] = get_attnum(RelationGetRelid(ledger), column_names[c]);
	for (int i = 0; i < recovery->nprepared; i++)
	{
		FullTransactionId xid = recovery->prepared[i].xid;

		if (XidInMVCCSnapshot(XidFromFullTransactionId(xid), snapshot))
			scan_ledger(recovery, i, locals, n, ledger, columns);
	}
	table_close(ledger, AccessShareLock);

	if (recovery->nrows == 0)
		return;
	qsort(recovery->rows, recovery->nrows, sizeof(Row), compare_rows);
	add_slots(recovery);
	count_left(recovery);
}

/* The row opened a promise. */
static void
replay_opening(OmniLocalBlock *local, const Row *row)
{
	OmniPromise *promise = NULL;

	if (!TIMESTAMP_IS_NOEND(row->expires_at))
	{
		promise = omni_stock_promise_add(local->block, row->reservation,
										 row->node, 0, row->expires_at);
		promise->in_flight = true;
		promise->opener = OMNI_IN_DOUBT;
		omni_stock_log_push(local, OMNI_LOG_OPEN)->promise = promise;
	}
	omni_stock_take(local, row->node, row->reserved, promise);
}

/* The row closed another one: its transaction has claimed the promise. */
static void
replay_closing(OmniLocalBlock *local, const Row *row)
{
	OmniBlock  *block = local->block;
	OmniPromise *promise;
	OmniStockLog *entry;

	promise = omni_stock_promise_find(block, row->reservation);
	if (promise == NULL)
	{
		promise = omni_stock_promise_add(block, row->reservation, row->node,
										 0, DT_NOEND);
		promise->transient = true;
	}
	if (promise->state == OMNI_PROMISE_HELD)
	{
		omni_stock_promise_claim(block, promise);
		promise->claimer = OMNI_IN_DOUBT;
		omni_stock_log_push(local, OMNI_LOG_CLAIM)->promise = promise;
	}
	/* "unpool" and the "pin" that follows it are one step */
	if (row->kind == ROW_PIN)
		omni_stock_move_to_node(local, row->node, row->reserved);
	else if (row->kind != ROW_UNPOOL &&
			 (row->quantity != 0 || row->reserved != 0))
		omni_stock_push_pending(local, row->node, row->quantity,
								row->reserved);
	entry = omni_stock_log_push(local, OMNI_LOG_RESULT);
	entry->promise = promise;
	entry->node = row->node;
	entry->quantity = row->left;
	entry->deadline = row->expires_at;
}

/* Make a doubt of one transaction's rows of one item. */
static void
replay_rows(OmniRecovery *recovery, const Row *rows, int n)
{
	OmniPrepared *prepared = &recovery->prepared[rows[0].prepared];
	OmniBlock  *block = rows[0].block;
	OmniLocalBlock local = {.item = rows[0].item,.block = block};
	OmniStockLog *saved;
	OmniStockLog *chain;
	OmniDoubt  *doubt;
	int			npromises = 0;
	int			nrecords = 0;

	for (int i = 0; i < n; i++)
		npromises += rows[i].reservation != 0;
	if (npromises > 0)
		omni_stock_promise_reserve(block, npromises);
	omni_stock_log_prepare(n * RECORDS_PER_ROW);

	/* nothing from here to the unlocking can fail */
	omni_stock_block_lock(block);
	saved = omni_stock_log_swap(NULL);
	for (int i = 0; i < n; i++)
	{
		const Row  *row = &rows[i];

		if (row->reservation == 0)
		{
			if (row->quantity != 0)
				omni_stock_push_change(&local, row->node, row->quantity);
		}
		else if (row->closes == 0)
			replay_opening(&local, row);
		else
			replay_closing(&local, row);
	}
	chain = omni_stock_log_reverse(omni_stock_log_swap(saved));
	omni_stock_block_unlock(block);

	for (OmniStockLog *e = chain; e; e = e->next)
		nrecords++;
	if (nrecords == 0)
		return;
	doubt = omni_stock_doubt_make(block, prepared->xid, nrecords);
	for (OmniStockLog *e = chain; e; e = e->next)
		omni_stock_doubt_add(doubt, e);
	omni_stock_doubt_link(block, doubt, prepared->proc);
}

/* Replay what was read, when the blocks have their policies. */
void
omni_stock_recover_replay(OmniRecovery *recovery)
{
	for (int start = 0; start < recovery->nrows;)
	{
		const Row  *first = &recovery->rows[start];
		int			end = start;

		while (end < recovery->nrows &&
			   recovery->rows[end].item == first->item &&
			   recovery->rows[end].prepared == first->prepared)
			end++;
		replay_rows(recovery, first, end - start);
		start = end;
	}
}
