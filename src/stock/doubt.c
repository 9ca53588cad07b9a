/*
 * doubt.c
 *	  What prepared transactions did to the counters, until they are decided.
 *
 * PREPARE TRANSACTION leaves what a transaction did to a block (what to undo,
 * what is pending, what it opened and claimed) with the block, as a *doubt*,
 * keyed by the full transaction id.
 *
 * - Memory is taken before the transaction is prepared, when it can still
 *	 fail; what follows cannot.
 * - COMMIT PREPARED runs nothing of ours: whoever touches a block first
 *	 settles the doubts whose transactions have ended (omni_stock_load()).  The
 *	 worker does so for blocks that nobody touches, before each fold.
 * - A transaction is in doubt as long as its dummy process stands in the
 *	 server's array of processes, which it leaves after its outcome is
 *	 recorded.  The outcome is asked for by full id, and where the server has
 *	 truncated it away, the ledger says it: a row that is visible committed.
 *	 (Each fold settles first, and only what has long been folded is pruned.)
 * - A doubt holds no pin.  Who empties a block forgets its doubts, and the
 *	 next load finds the same in the ledger: see recover.c.
 * - A block's doubts are protected by its lock, the list of all doubts by a
 *	 lock of its own; never both at once.  Under neither is the server asked
 *	 anything.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "access/twophase.h"
#include "funcapi.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "stock/block.h"

PG_FUNCTION_INFO_V1(omni_stock_in_doubt);

struct OmniDoubt
{
	dlist_node	link;			/* in the list of all: by that list's lock */
	OmniDoubt  *next;			/* in its block's list: by the block's lock */
	/* constant from the moment it is linked */
	OmniBlockKey key;
	OmniPrepared prepared;
	int			capacity;
	int			nentries;
	OmniStockLog entries[FLEXIBLE_ARRAY_MEMBER];	/* oldest first */
};

/* All doubts of all databases. */
typedef struct DoubtList
{
	pg_atomic_uint32 n;			/* raised and lowered under the lock */
	dlist_head	list;			/* protected by the lock */
} DoubtList;

typedef enum Outcome
{
	UNDECIDED,
	COMMITTED,
	ABORTED
} Outcome;

/* A doubt as copied from a list. */
typedef struct Question
{
	OmniPrepared prepared;
	int64		item;
	Outcome		outcome;
} Question;

static DoubtList *all = NULL;
static LWLock *all_lock = NULL;

static Size
list_size(void)
{
	return sizeof(DoubtList);
}

static void
init_list(void *area, bool found)
{
	all = (DoubtList *) area;
	all_lock = &GetNamedLWLockTranche("omni_stock_doubt")[0].lock;
	if (found)
		return;
	pg_atomic_init_u32(&all->n, 0);
	dlist_init(&all->list);
}

static const OmniShmemItem list_item = {
	.name = "omni stock doubts",
	.size = list_size,
	.init = init_list,
	.tranche = "omni_stock_doubt",
	.nlocks = 1
};

/* Called in _PG_init. */
void
omni_stock_doubt_init(void)
{
	omni_core_register_shmem(&list_item);
}

/* Bytes of a doubt. */
static Size
doubt_size(int nentries)
{
	return offsetof(OmniDoubt, entries) + sizeof(OmniStockLog) * nentries;
}

/* ---- the server's prepared transactions ---- */

/* Does the process still stand for this transaction?  ProcArrayLock held. */
static bool
stands_for(const PGPROC *proc, TransactionId xid)
{
	return proc->xid == xid && ProcGlobal->xids[proc->pgxactoff] == xid;
}

/*
 * The prepared transactions of this database: each one whose PREPARE has
 * returned before the call and that has not ended before it.
 */
int
omni_stock_prepared_list(OmniPrepared **list)
{
	FullTransactionId next;
	int			n = 0;

	*list = NULL;
	if (max_prepared_xacts == 0)
		return 0;
	*list = palloc(sizeof(OmniPrepared) * max_prepared_xacts);
	LWLockAcquire(ProcArrayLock, LW_SHARED);
	for (int i = 0; i < max_prepared_xacts; i++)
	{
		PGPROC	   *proc = &PreparedXactProcs[i];
		TransactionId xid = proc->xid;

		if (!TransactionIdIsValid(xid) || proc->databaseId != MyDatabaseId ||
			!stands_for(proc, xid))
			continue;
		(*list)[n].proc = proc;
		(*list)[n].xid = FullTransactionIdFromEpochAndXid(0, xid);
		n++;
	}
	LWLockRelease(ProcArrayLock);

	/* none of them is older than half the ids, nor newer than the next one */
	next = ReadNextFullTransactionId();
	for (int i = 0; i < n; i++)
	{
		TransactionId xid = XidFromFullTransactionId((*list)[i].xid);
		uint32		epoch = EpochFromFullTransactionId(next);

		if (xid > XidFromFullTransactionId(next))
			epoch--;
		(*list)[i].xid = FullTransactionIdFromEpochAndXid(epoch, xid);
	}
	return n;
}

/* The dummy process of a transaction that this session has just prepared. */
static PGPROC *
find_process(FullTransactionId xid)
{
	PGPROC	   *found = NULL;

	LWLockAcquire(ProcArrayLock, LW_SHARED);
	for (int i = 0; i < max_prepared_xacts && found == NULL; i++)
		if (stands_for(&PreparedXactProcs[i], XidFromFullTransactionId(xid)))
			found = &PreparedXactProcs[i];
	LWLockRelease(ProcArrayLock);
	return found;
}

/* Does the ledger show a row of this transaction, of the current era? */
static bool
ledger_shows(FullTransactionId xid)
{
	static OmniQuery query = {
		.sql = "SELECT EXISTS (SELECT FROM omni.stock_ledger l"
		" WHERE l.era = $1 AND l.xid = $2)",
		.nargs = 2,
		.argtypes = {INT4OID, XID8OID},
	};
	Snapshot	snapshot = omni_core_latest_snapshot(false);
	Datum		values[2];
	OmniRows	rows;

	values[0] = Int32GetDatum(omni_core_gate());
	values[1] = FullTransactionIdGetDatum(xid);
	omni_core_query_snapshot(&query, values, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	return DatumGetBool(OMNI_VALUE(&rows, 0, 0));
}

/* How a transaction ended whose process has left the array, or UNDECIDED. */
static Outcome
ask_outcome(FullTransactionId xid)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum		result;
	char	   *status;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = FullTransactionIdGetDatum(xid);
	fcinfo->args[0].isnull = false;
	result = pg_xact_status(fcinfo);
	if (fcinfo->isnull)
		return ledger_shows(xid) ? COMMITTED : ABORTED;
	status = TextDatumGetCString(result);
	if (strcmp(status, "committed") == 0)
		return COMMITTED;
	return strcmp(status, "aborted") == 0 ? ABORTED : UNDECIDED;
}

/* Find the outcomes; false where nothing is decided. */
static bool
ask_outcomes(Question *questions, int n)
{
	bool		decided = false;

	LWLockAcquire(ProcArrayLock, LW_SHARED);
	for (int i = 0; i < n; i++)
	{
		const OmniPrepared *prepared = &questions[i].prepared;

		questions[i].outcome = UNDECIDED;
		if (prepared->proc &&
			stands_for(prepared->proc,
					   XidFromFullTransactionId(prepared->xid)))
			continue;
		questions[i].outcome = COMMITTED;	/* or not: asked below */
		decided = true;
	}
	LWLockRelease(ProcArrayLock);
	if (!decided)
		return false;

	for (int i = 0; i < n; i++)
		if (questions[i].outcome != UNDECIDED)
			questions[i].outcome = ask_outcome(questions[i].prepared.xid);
	return true;
}

/* ---- making one ---- */

/* A doubt with room for so many records; OM012. */
OmniDoubt *
omni_stock_doubt_make(OmniBlock *block, FullTransactionId xid, int nentries)
{
	OmniDoubt  *doubt = omni_stock_alloc(doubt_size(nentries));

	if (doubt == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_MEMORY),
				 errmsg("no memory left for what a prepared transaction did to stock"),
				 errdetail("Until it is decided, %d changes of an item are kept within omni.stock_memory.",
						   nentries),
				 errhint("COMMIT without PREPARE TRANSACTION, or raise omni.stock_memory in postgresql.conf and restart the server.")));
	memset(doubt, 0, offsetof(OmniDoubt, entries));
	doubt->key = block->key;
	doubt->prepared.xid = xid;
	doubt->capacity = nentries;
	return doubt;
}

/* Copy a record into it, oldest first.  Cannot fail. */
void
omni_stock_doubt_add(OmniDoubt *doubt, const OmniStockLog *entry)
{
	OmniStockLog *copy = &doubt->entries[doubt->nentries++];

	Assert(doubt->nentries <= doubt->capacity);
	*copy = *entry;
	copy->next = NULL;
	copy->next_pending = NULL;
	copy->local = NULL;
}

/*
 * Give it to its block.  "proc" stands for the transaction; NULL: look it up.
 * Cannot fail.  Nobody else can settle or forget it before this has returned:
 * the caller either holds a pin and the prepared transaction itself, or is
 * loading the block.
 */
void
omni_stock_doubt_link(OmniBlock *block, OmniDoubt *doubt, PGPROC *proc)
{
	doubt->prepared.proc = proc ? proc : find_process(doubt->prepared.xid);

	LWLockAcquire(all_lock, LW_EXCLUSIVE);
	dlist_push_tail(&all->list, &doubt->link);
	pg_atomic_fetch_add_u32(&all->n, 1);
	LWLockRelease(all_lock);

	omni_stock_block_lock(block);
	for (int i = 0; i < doubt->nentries; i++)
	{
		OmniStockLog *entry = &doubt->entries[i];

		if (entry->kind == OMNI_LOG_OPEN)
			entry->promise->opener = OMNI_IN_DOUBT;
		else if (entry->kind == OMNI_LOG_CLAIM)
			entry->promise->claimer = OMNI_IN_DOUBT;
	}
	doubt->next = block->doubts;
	block->doubts = doubt;
	block->ndoubts++;
	omni_stock_block_unlock(block);
}

/* How many there are, of all databases. */
uint32
omni_stock_doubt_count(void)
{
	return pg_atomic_read_u32(&all->n);
}

/* Free one that was not linked. */
void
omni_stock_doubt_discard(OmniDoubt *doubt)
{
	omni_stock_arena_free(doubt, doubt_size(doubt->capacity));
}

/* Free what has been taken off a block's list. */
static void
free_doubts(OmniDoubt *doubts)
{
	LWLockAcquire(all_lock, LW_EXCLUSIVE);
	for (OmniDoubt *d = doubts; d; d = d->next)
	{
		dlist_delete(&d->link);
		pg_atomic_fetch_sub_u32(&all->n, 1);
	}
	LWLockRelease(all_lock);
	while (doubts)
	{
		OmniDoubt  *doubt = doubts;

		doubts = doubt->next;
		omni_stock_doubt_discard(doubt);
	}
}

/* The block is being emptied: its next load registers them anew. */
void
omni_stock_doubt_forget(OmniBlock *block)
{
	OmniDoubt  *doubts;

	if (block->doubts == NULL)
		return;
	omni_stock_block_lock(block);
	doubts = block->doubts;
	block->doubts = NULL;
	block->ndoubts = 0;
	omni_stock_block_unlock(block);
	free_doubts(doubts);
	omni_stock_shortfall_doubt(block);
}

/* ---- settling ---- */

/*
 * Do to the block what the transaction's callback would have done, under one
 * hold of the lock.
 */
static void
settle_one(OmniBlock *block, OmniDoubt *doubt, bool committed)
{
	if (!committed)
	{
		for (int i = doubt->nentries - 1; i >= 0; i--)
			omni_stock_entry_undo(block, &doubt->entries[i]);
		return;
	}
	/* what is pending comes first: a claimed promise's result is its last */
	for (int i = 0; i < doubt->nentries; i++)
		if (doubt->entries[i].kind == OMNI_LOG_DELTA)
			omni_stock_entry_apply(block, &doubt->entries[i]);
	for (int i = 0; i < doubt->nentries; i++)
		if (doubt->entries[i].kind == OMNI_LOG_RESULT)
			omni_stock_entry_apply(block, &doubt->entries[i]);
	for (int i = 0; i < doubt->nentries; i++)
		omni_stock_entry_finish(block, &doubt->entries[i]);
}

/* The answer for a transaction. */
static Outcome
answer_for(const Question *questions, int n, FullTransactionId xid)
{
	for (int i = 0; i < n; i++)
		if (FullTransactionIdEquals(questions[i].prepared.xid, xid))
			return questions[i].outcome;
	return UNDECIDED;
}

/*
 * Settle what has been decided at this block.  Another session may do the same
 * at the same time: who finds a doubt in the list takes it off.
 */
void
omni_stock_doubt_settle(OmniBlock *block)
{
	Question   *questions = NULL;
	int			room;
	int			n;
	OmniDoubt **link;
	OmniDoubt  *done = NULL;

	for (;;)
	{
		n = 0;
		room = block->ndoubts + 4;
		questions = palloc(sizeof(Question) * room);
		omni_stock_block_lock(block);
		for (OmniDoubt *d = block->doubts; d && n < room; d = d->next)
			questions[n++].prepared = d->prepared;
		room -= block->ndoubts;
		omni_stock_block_unlock(block);
		if (room >= 0)
			break;
		pfree(questions);
	}

	if (ask_outcomes(questions, n))
	{
		omni_stock_block_lock(block);
		link = &block->doubts;
		while (*link)
		{
			OmniDoubt  *doubt = *link;
			Outcome		outcome = answer_for(questions, n,
											 doubt->prepared.xid);

			if (outcome == UNDECIDED)
			{
				link = &doubt->next;
				continue;
			}
			*link = doubt->next;
			block->ndoubts--;
			settle_one(block, doubt, outcome == COMMITTED);
			doubt->next = done;
			done = doubt;
		}
		omni_stock_block_unlock(block);
		if (done)
		{
			free_doubts(done);
			omni_stock_shortfall_note(block);
		}
	}
	pfree(questions);
}

/* This database's doubts, in a palloc'd array. */
static int
list_all(Question **questions)
{
	Oid			ledger = omni_stock_ledger_oid();
	dlist_iter	iter;
	uint32		room;
	int			n;

	for (;;)
	{
		room = pg_atomic_read_u32(&all->n) + 16;
		*questions = palloc(sizeof(Question) * room);
		n = 0;
		LWLockAcquire(all_lock, LW_SHARED);
		if (pg_atomic_read_u32(&all->n) <= room)
			break;
		LWLockRelease(all_lock);
		pfree(*questions);
	}
	dlist_foreach(iter, &all->list)
	{
		OmniDoubt  *doubt = dlist_container(OmniDoubt, link, iter.cur);

		if (doubt->key.database != MyDatabaseId ||
			doubt->key.ledger != ledger)
			continue;
		(*questions)[n].prepared = doubt->prepared;
		(*questions)[n].item = doubt->key.id;
		n++;
	}
	LWLockRelease(all_lock);
	return n;
}

/*
 * Settle what has been decided at any block of this database.  The worker
 * does, so that it does not lie where nobody looks, and before a fold: see
 * above.
 */
void
omni_stock_doubt_settle_all(void)
{
	Question   *questions;
	OmniLocalBlock *local;
	int			n;

	if (likely(pg_atomic_read_u32(&all->n) == 0))
		return;
	n = list_all(&questions);
	if (n > 0 && ask_outcomes(questions, n))
	{
		for (int i = 0; i < n; i++)
		{
			if (questions[i].outcome == UNDECIDED)
				continue;
			/* pinned, but not loaded: an empty block has no doubts */
			local = omni_stock_local_pin(questions[i].item);
			omni_stock_doubt_settle(local->block);
		}
	}
	pfree(questions);
}

/* Take deltas off a copy of the pool's reservations or of a slot. */
static void
subtract(OmniSlot *slots, int nslots, int64 *pool_reserved, int64 node,
		 int64 d_on_hand, int64 d_reserved)
{
	if (node == OMNI_POOL)
		*pool_reserved -= d_reserved;
	for (int i = 0; i < nslots; i++)
	{
		if (slots[i].node != node)
			continue;
		slots[i].on_hand -= d_on_hand;
		slots[i].reserved -= d_reserved;
	}
}

/*
 * Take what is in doubt off copies of a block's slots, so that these say what
 * the tables say; so is a promise that would have expired by now, were it not
 * claimed by a prepared transaction.  Block locked.
 */
void
omni_stock_doubt_subtract(OmniBlock *block, OmniSlot *slots, int nslots,
						  int64 *pool_reserved, TimestampTz now)
{
	for (OmniDoubt *doubt = block->doubts; doubt; doubt = doubt->next)
	{
		for (int i = 0; i < doubt->nentries; i++)
		{
			OmniStockLog *entry = &doubt->entries[i];
			OmniPromise *promise = entry->promise;

			if (entry->kind == OMNI_LOG_DELTA && !entry->pending &&
				(promise == NULL || promise->state != OMNI_PROMISE_EXPIRED))
				subtract(slots, nslots, pool_reserved, entry->node,
						 entry->d_on_hand, entry->d_reserved);
			else if (entry->kind == OMNI_LOG_CLAIM &&
					 !promise->in_flight && promise->deadline <= now)
				subtract(slots, nslots, pool_reserved, promise->node,
						 0, promise->taken);
		}
	}
}

/* Compare for qsort. */
static int
compare_questions(const void *a, const void *b)
{
	FullTransactionId xa = ((const Question *) a)->prepared.xid;
	FullTransactionId xb = ((const Question *) b)->prepared.xid;

	if (FullTransactionIdEquals(xa, xb))
		return 0;
	return FullTransactionIdPrecedes(xa, xb) ? -1 : 1;
}

/*
 * omni_internal.stock_in_doubt() → transactions, items: how many prepared
 * transactions of this database are undecided and have changed stock, and how
 * many items' counters (each counted for each transaction) carry a change of
 * theirs.  Of loaded items alone: after a restart an item counts from its
 * first use.
 */
Datum
omni_stock_in_doubt(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {0};
	Question   *questions;
	int64		transactions = 0;
	int64		items = 0;
	int			n;

	(void) omni_core_gate();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	n = list_all(&questions);
	qsort(questions, n, sizeof(Question), compare_questions);
	(void) ask_outcomes(questions, n);
	for (int i = 0; i < n; i++)
	{
		if (questions[i].outcome != UNDECIDED)
			continue;
		items++;
		if (i == 0 || compare_questions(&questions[i], &questions[i - 1]) != 0)
			transactions++;
	}
	values[0] = Int64GetDatum(transactions);
	values[1] = Int64GetDatum(items);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
