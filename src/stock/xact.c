/*
 * xact.c
 *	  What the current transaction did to the counters, and its callbacks.
 *
 * - What takes availability is applied to the block at once and undone on
 *	 abort, savepoint rollback included.  What gives availability is pending
 *	 and applied when the transaction has committed.
 * - Every block touched stays pinned until the callbacks have applied all.
 * - Callbacks cannot fail: they allocate nothing, run no SQL and look nothing
 *	 up outside shared memory.  All memory is taken when the operation is made.
 *	 Each record is unlinked before it is applied, so that a second call is
 *	 harmless.  Parallel workers' events are ignored.
 * - PREPARE TRANSACTION leaves the records with the blocks, as doubts: see
 *	 doubt.c.
 * - The log is a stack, newest first; a record belongs to a nesting level, and
 *	 moves to its parent's when a subtransaction commits.
 */
#include "omni.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "core/test_point.h"
#include "stock/block.h"

static MemoryContext log_context = NULL;	/* reset at every transaction's end */
/*
 * The transaction's blocks: the first few stand in an array, so that a small
 * transaction makes no hash table; further ones in "locals", in log_context.
 */
#define NFIRST 8
static OmniLocalBlock first_locals[NFIRST];
static int	nfirst = 0;
static HTAB *locals = NULL;		/* item -> OmniLocalBlock */
static OmniLocalBlock *local_list = NULL;	/* all of them */
static OmniLocalBlock *last_local = NULL;	/* the one looked up last */
static int	npinned = 0;		/* blocks that the transaction has pinned */
static OmniStockLog *log_head = NULL;
static OmniStockLog *spare = NULL;	/* prepared records */
static int	nspare = 0;

/* The record of an item, whether it holds a block or not; NULL: none. */
static OmniLocalBlock *
find_record(int64 item)
{
	for (int i = 0; i < nfirst; i++)
		if (first_locals[i].item == item)
			return &first_locals[i];
	return locals ? hash_search(locals, &item, HASH_FIND, NULL) : NULL;
}

/* The transaction's record of the item's block, or NULL. */
OmniLocalBlock *
omni_stock_local_find(int64 item)
{
	if (last_local && last_local->item == item)
		return last_local;
	last_local = find_record(item);
	/* one whose pinning failed holds no block */
	if (last_local && last_local->block == NULL)
		last_local = NULL;
	return last_local;
}

/* A new record, without a block. */
static OmniLocalBlock *
add_record(int64 item)
{
	OmniLocalBlock *local;

	if (nfirst < NFIRST)
	{
		local = &first_locals[nfirst++];
		local->item = item;
	}
	else
	{
		if (locals == NULL)
		{
			HASHCTL		info;

			memset(&info, 0, sizeof(info));
			info.keysize = sizeof(int64);
			info.entrysize = sizeof(OmniLocalBlock);
			info.hcxt = log_context;
			locals = hash_create("omni stock blocks of the transaction", 64,
								 &info,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		}
		local = hash_search(locals, &item, HASH_ENTER, NULL);
	}
	local->block = NULL;
	local->pending = NULL;
	local->doubt = NULL;
	local->changed = false;
	local->next = local_list;
	local_list = local;
	return local;
}

/* The key of an item's block in this database. */
void
omni_stock_item_key(OmniBlockKey *key, int64 item)
{
	memset(key, 0, sizeof(*key));
	key->database = MyDatabaseId;
	key->ledger = omni_stock_ledger_oid();
	key->kind = OMNI_BLOCK_ITEM;
	key->id = item;
}

/*
 * May this transaction wait until a stale block is drained?  Who pins a block
 * may be what others wait for, and the worker waits for no transaction.
 */
static inline bool
may_wait_for_drain(void)
{
	return npinned == 0 && !omni_core_is_worker();
}

/* Before several are pinned: wait for all that are being drained. */
void
omni_stock_local_settle(const int64 *items, int n)
{
	if (!may_wait_for_drain())
		return;
	for (int i = 0; i < n; i++)
	{
		OmniBlockKey key;

		omni_stock_item_key(&key, items[i]);
		omni_stock_block_settle(&key);
	}
}

/* Pin the item's block until the end of the transaction. */
OmniLocalBlock *
omni_stock_local_pin(int64 item)
{
	OmniBlockKey key;
	OmniLocalBlock *local;

	if (log_context == NULL)
		log_context = AllocSetContextCreate(TopMemoryContext,
											"omni stock log",
											ALLOCSET_DEFAULT_SIZES);
	local = find_record(item);
	if (local == NULL)
		local = add_record(item);
	else if (local->block)
		return local;

	omni_stock_item_key(&key, item);
	local->block = omni_stock_block_pin(&key, may_wait_for_drain());
	npinned++;
	last_local = local;
	return local;
}

/* Have at least "n" records ready. */
void
omni_stock_log_prepare(int n)
{
	while (nspare < n)
	{
		OmniStockLog *entry = MemoryContextAlloc(log_context, sizeof(*entry));

		entry->next = spare;
		spare = entry;
		nspare++;
	}
}

/* Push a prepared record; fails nowhere. */
OmniStockLog *
omni_stock_log_push(OmniLocalBlock *local, OmniLogKind kind)
{
	OmniStockLog *entry = spare;

	Assert(entry != NULL);
	spare = entry->next;
	nspare--;
	memset(entry, 0, sizeof(*entry));
	entry->local = local;
	local->changed = true;
	entry->kind = kind;
	entry->nest = GetCurrentTransactionNestLevel();
	entry->next = log_head;
	log_head = entry;
	return entry;
}

/* Where the log stands now. */
OmniStockLog *
omni_stock_log_mark(void)
{
	return log_head;
}

/*
 * Put another log in place of this transaction's; returns the one that was
 * there.  For recover.c, which replays what another transaction did.
 */
OmniStockLog *
omni_stock_log_swap(OmniStockLog *head)
{
	OmniStockLog *old = log_head;

	log_head = head;
	return old;
}

/* Undo one record; what was pending has changed nothing.  Block locked. */
void
omni_stock_entry_undo(OmniBlock *block, OmniStockLog *entry)
{
	OmniPromise *promise = entry->promise;

	switch (entry->kind)
	{
		case OMNI_LOG_DELTA:
			if (!entry->pending &&
				(promise == NULL || promise->state != OMNI_PROMISE_EXPIRED))
			{
				omni_stock_slot_apply(block, entry->node,
									  -entry->d_on_hand, -entry->d_reserved);
				/* the clock must not give it back once more */
				if (promise)
					promise->taken -= entry->d_reserved;
			}
			break;
		case OMNI_LOG_OPEN:
			omni_stock_promise_remove(block, promise);
			break;
		case OMNI_LOG_CLAIM:
			omni_stock_promise_unclaim(block, promise);
			if (promise->transient)
				omni_stock_promise_remove(block, promise);
			break;
		case OMNI_LOG_RESULT:
			break;
	}
}

/* Undo one record of this transaction, already unlinked. */
static void
undo_entry(OmniStockLog *entry)
{
	OmniBlock  *block = entry->local->block;

	omni_stock_block_lock(block);
	if (entry->kind == OMNI_LOG_DELTA && entry->pending)
		entry->local->pending = entry->next_pending;
	omni_stock_entry_undo(block, entry);
	omni_stock_block_unlock(block);
	OMNI_TEST_POINT("undo");
}

/* Undo everything that was pushed after "mark". */
void
omni_stock_log_undo(OmniStockLog *mark)
{
	while (log_head != mark)
	{
		OmniStockLog *entry = log_head;

		log_head = entry->next;
		undo_entry(entry);
	}
}

/* Has this transaction claimed the promise? */
bool
omni_stock_log_claims(const OmniPromise *promise)
{
	return promise->state == OMNI_PROMISE_CLAIMED &&
		promise->claimer == MyProcPid;
}

/*
 * Apply one record after the commit, if there is anything to apply: a pending
 * change, or what a claimed promise becomes.  Block locked.
 */
void
omni_stock_entry_apply(OmniBlock *block, OmniStockLog *entry)
{
	OmniPromise *promise = entry->promise;

	if (entry->kind == OMNI_LOG_RESULT)
	{
		promise->node = entry->node;
		promise->taken = entry->quantity;
		promise->deadline = entry->deadline;
	}
	else if (entry->kind == OMNI_LOG_DELTA && entry->pending &&
			 (promise == NULL || promise->state != OMNI_PROMISE_EXPIRED))
	{
		omni_stock_slot_apply(block, entry->node, entry->d_on_hand,
							  entry->d_reserved);
		/* what was netted counts in the shared counters from now */
		if (promise)
			promise->taken += entry->d_reserved;
	}
}

/*
 * Apply what is pending at one block after the commit, all of it under one
 * hold of the lock: between an addition and what was netted against it nobody
 * else may take.
 */
static void
apply_pending(OmniLocalBlock *local)
{
	OmniBlock  *block = local->block;
	OmniStockLog *entry = local->pending;

	local->pending = NULL;
	omni_stock_block_lock(block);
	for (; entry; entry = entry->next_pending)
	{
		omni_stock_entry_apply(block, entry);
		OMNI_TEST_POINT("apply");
	}
	omni_stock_block_unlock(block);
}

/*
 * Apply one record after the commit.  A claimed promise is finished by its
 * CLAIM record, which the caller applies after all others; RESULT records
 * have by then left in the promise what becomes of it.
 */
static void
apply_entry(OmniStockLog *entry)
{
	if (entry->kind == OMNI_LOG_DELTA && entry->local->pending != NULL)
		apply_pending(entry->local);
	else if (entry->kind == OMNI_LOG_RESULT)
	{
		omni_stock_block_lock(entry->local->block);
		omni_stock_entry_apply(entry->local->block, entry);
		omni_stock_block_unlock(entry->local->block);
	}
}

/* Second pass over a committed log: the promises themselves.  Block locked. */
void
omni_stock_entry_finish(OmniBlock *block, OmniStockLog *entry)
{
	OmniPromise *promise = entry->promise;

	if (entry->kind == OMNI_LOG_OPEN)
	{
		promise->in_flight = false;
		if (promise->state == OMNI_PROMISE_EXPIRED)
			omni_stock_promise_remove(block, promise);
	}
	else if (entry->kind == OMNI_LOG_CLAIM)
	{
		if (promise->transient || promise->taken <= 0)
			omni_stock_promise_remove(block, promise);
		else
			omni_stock_promise_unclaim(block, promise);
	}
}

/* The same for a record of this transaction. */
static void
finish_entry(OmniStockLog *entry)
{
	if (entry->kind != OMNI_LOG_OPEN && entry->kind != OMNI_LOG_CLAIM)
		return;
	omni_stock_block_lock(entry->local->block);
	omni_stock_entry_finish(entry->local->block, entry);
	omni_stock_block_unlock(entry->local->block);
}

/*
 * Let go of everything: pins, then the memory.  Before a block is let go, the
 * worker hears of a shortfall that begins, deepens or ends here.
 */
static void
release_all(void)
{
	log_head = NULL;
	spare = NULL;
	nspare = 0;
	last_local = NULL;
	npinned = 0;
	if (local_list == NULL)
		return;
	while (local_list)
	{
		OmniBlock  *block = local_list->block;

		if (local_list->doubt)
			omni_stock_doubt_discard(local_list->doubt);
		local_list->doubt = NULL;
		if (block && local_list->changed)
			omni_stock_shortfall_note(block);
		local_list->block = NULL;
		local_list = local_list->next;
		if (block)
			omni_stock_block_unpin(block);
	}
	locals = NULL;
	nfirst = 0;
	MemoryContextReset(log_context);
}

/* A log in the order in which it was written. */
OmniStockLog *
omni_stock_log_reverse(OmniStockLog *entry)
{
	OmniStockLog *reversed = NULL;

	while (entry)
	{
		OmniStockLog *next = entry->next;

		entry->next = reversed;
		reversed = entry;
		entry = next;
	}
	return reversed;
}

/*
 * Before PREPARE TRANSACTION, which may still fail: take the memory that this
 * transaction's records need.  OM012 when there is none.
 */
static void
before_prepare(void)
{
	FullTransactionId xid;

	if (log_head == NULL)
		return;
	xid = GetTopFullTransactionId();
	for (OmniLocalBlock *local = local_list; local; local = local->next)
		local->nrecords = 0;
	for (OmniStockLog *e = log_head; e; e = e->next)
		e->local->nrecords++;
	for (OmniLocalBlock *local = local_list; local; local = local->next)
	{
		Assert(local->doubt == NULL);
		if (local->nrecords > 0)
			local->doubt = omni_stock_doubt_make(local->block, xid,
												 local->nrecords);
	}
}

/*
 * The transaction is prepared: it leaves its records with the blocks.  Nobody
 * can end it before this has returned.  (Nothing changes stock between
 * before_prepare() and this, so the records have room.)
 */
static void
after_prepare(void)
{
	OmniStockLog *chain = omni_stock_log_reverse(log_head);

	log_head = NULL;
	for (OmniStockLog *e = chain; e; e = e->next)
		omni_stock_doubt_add(e->local->doubt, e);
	for (OmniLocalBlock *local = local_list; local; local = local->next)
	{
		if (local->doubt == NULL)
			continue;
		omni_stock_doubt_link(local->block, local->doubt, NULL);
		local->doubt = NULL;
	}
	release_all();
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			{
				OmniStockLog *chain = omni_stock_log_reverse(log_head);

				OMNI_TEST_POINT("commit");
				log_head = NULL;
				for (OmniStockLog *e = chain; e; e = e->next)
					apply_entry(e);
				/*
				 * An OPEN comes before the CLAIM of the same promise, so a
				 * promise that the CLAIM removes has left flight by then.
				 */
				for (OmniStockLog *e = chain; e; e = e->next)
					finish_entry(e);
				release_all();
			}
			break;
		case XACT_EVENT_ABORT:
			omni_stock_log_undo(NULL);
			release_all();
			break;
		case XACT_EVENT_PRE_PREPARE:
			before_prepare();
			break;
		case XACT_EVENT_PREPARE:
			after_prepare();
			break;
		default:
			break;
	}
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	int			nest = GetCurrentTransactionNestLevel();

	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (log_head && log_head->nest >= nest)
		{
			OmniStockLog *entry = log_head;

			log_head = entry->next;
			undo_entry(entry);
		}
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (OmniStockLog *e = log_head; e && e->nest >= nest; e = e->next)
			e->nest = nest - 1;
	}
}

void
omni_stock_xact_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}
