/*
 * close.c
 *	  Ending and changing promises: release, consume, extend, pin.
 *
 * A change first claims the promise: an entry of the block says so until the
 * claimer's transaction ends, and writes nothing.  A promise that another
 * transaction has claimed is an error at once, never a wait.  After the claim
 * the chain is read under a latest snapshot, own rows included; then one row
 * (two for a pin) closes its last row.  A claimed promise does not expire
 * until its claimer ends.
 */
#include "omni.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "master/master.h"
#include "stock/block.h"

/* OM004 for a promise that is over. */
static void
raise_over(int64 reservation, const char *how)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_ILLEGAL_STEP),
			 errmsg("reservation %lld is %s", (long long) reservation, how),
			 errhint("Reserve anew.")));
}

/* Claim one promise whose item is known; false: it is not there to claim. */
static bool
claim_promise(OmniChain *chain, bool *busy)
{
	OmniLocalBlock *local = omni_stock_local_find(chain->item);
	OmniBlock  *block = local->block;
	TimestampTz now = omni_core_now();
	OmniPromise *promise;

	*busy = false;
	chain->local = local;
	for (;;)
	{
		omni_stock_log_prepare(1);
		omni_stock_promise_reserve(block, 1);
		omni_stock_block_lock(block);
		omni_stock_promise_expire(block, now);
		promise = omni_stock_promise_find(block, chain->reservation);
		if (promise)
			break;
		/* one without a limit is known only while claimed */
		promise = omni_stock_promise_add(block, chain->reservation,
										 chain->node, 0, DT_NOEND);
		if (promise)
		{
			promise->transient = true;
			break;
		}
		omni_stock_block_unlock(block);
	}

	chain->promise = promise;
	/*
	 * Its row may be visible although its opener's callback has not run: that
	 * one still points to the entry, so nobody else may end it.
	 */
	if (promise->in_flight && promise->opener != MyProcPid)
		*busy = true;
	else if (promise->state == OMNI_PROMISE_HELD)
	{
		omni_stock_promise_claim(block, promise);
		omni_stock_log_push(local, OMNI_LOG_CLAIM)->promise = promise;
	}
	else if (promise->state == OMNI_PROMISE_EXPIRED)
		chain->promise = NULL;
	else if (promise->transient && !TIMESTAMP_IS_NOEND(chain->expires_at))
		chain->promise = NULL;	/* its own entry is gone: it has expired, and
								 * the worker, say, is tidying it up */
	else if (!omni_stock_log_claims(promise))
		*busy = true;
	omni_stock_block_unlock(block);
	return chain->promise != NULL && !*busy;
}

/* Compare for qsort. */
static int
compare_int64(const void *a, const void *b)
{
	int64		ia = *(const int64 *) a;
	int64		ib = *(const int64 *) b;

	return (ia > ib) - (ia < ib);
}

/* OM007 where one call names a promise twice. */
static void
refuse_duplicates(const OmniChain *chains, int n)
{
	int64	   *ids = palloc(sizeof(int64) * n);

	for (int i = 0; i < n; i++)
		ids[i] = chains[i].reservation;
	qsort(ids, n, sizeof(int64), compare_int64);
	for (int i = 1; i < n; i++)
		if (ids[i] == ids[i - 1])
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("reservation %lld is named twice",
							(long long) ids[i])));
	pfree(ids);
}

/*
 * Claim open promises and read their chains.  OM002 unknown, OM013 claimed by
 * another transaction, OM004 closed or expired.
 */
void
omni_stock_claim(OmniChain *chains, int n)
{
	int64	   *items = palloc(sizeof(int64) * Max(n, 1));

	if (n > 1)
		refuse_duplicates(chains, n);
	omni_stock_read_chains(chains, n);
	for (int i = 0; i < n; i++)
	{
		if (!chains[i].found)
			ereport(ERROR,
					(errcode(OMNI_ERR_NOT_FOUND),
					 errmsg("reservation %lld does not exist",
							(long long) chains[i].reservation)));
		items[i] = chains[i].item;
	}
	omni_stock_load(items, n);

	for (int i = 0; i < n; i++)
	{
		bool		busy;

		if (claim_promise(&chains[i], &busy))
			continue;
		if (busy)
			ereport(ERROR,
					(errcode(OMNI_ERR_BUSY),
					 errmsg("reservation %lld is being changed by another transaction",
							(long long) chains[i].reservation),
					 errhint("Try again when that transaction has ended; see pg_prepared_xacts if it is a prepared one.")));
		raise_over(chains[i].reservation, "expired");
	}

	omni_stock_read_chains(chains, n);
	for (int i = 0; i < n; i++)
	{
		if (chains[i].quantity <= 0)
			raise_over(chains[i].reservation, "closed");
		/* with a limit, but the block no longer holds it: the clock had it */
		if (chains[i].promise->transient &&
			!TIMESTAMP_IS_NOEND(chains[i].expires_at))
			raise_over(chains[i].reservation, "expired");
	}
	pfree(items);
}

/*
 * For the worker: claim a promise whose time has passed, to tidy it up; its
 * chain has been read, and its block is loaded.  False when it is not to be
 * closed now: in use, extended, or closed.
 */
bool
omni_stock_claim_expired(OmniChain *chain)
{
	OmniBlock  *block;
	bool		known;
	bool		busy;

	block = omni_stock_local_find(chain->item)->block;
	omni_stock_block_lock(block);
	omni_stock_promise_expire(block, omni_core_now());
	known = omni_stock_promise_find(block, chain->reservation) != NULL;
	omni_stock_block_unlock(block);
	if (known)
		return false;			/* extended, or being changed */
	if (!claim_promise(chain, &busy) || !chain->promise->transient)
		return false;
	omni_stock_read_chains(chain, 1);
	return chain->quantity > 0 && !TIMESTAMP_IS_NOEND(chain->expires_at);
}

/* What the claimed promise becomes when this transaction commits. */
static void
push_result(OmniChain *chain, int64 node, int64 quantity,
			TimestampTz deadline)
{
	OmniStockLog *entry;

	omni_stock_log_prepare(1);
	entry = omni_stock_log_push(chain->local, OMNI_LOG_RESULT);
	entry->promise = chain->promise;
	entry->node = node;
	entry->quantity = quantity;
	entry->deadline = deadline;
}

/* A row that closes the chain's last row. */
static void
closing_row(const OmniChain *chain, OmniLedgerRow *row, int64 id,
			const char *kind, const char *reference)
{
	memset(row, 0, sizeof(*row));
	row->id = id;
	row->item = chain->item;
	row->node = chain->node;
	row->kind = kind;
	row->channel = chain->channel;
	row->reference = reference;
	row->expires_at = chain->expires_at;
	row->closes = chain->last;
	row->reservation = chain->reservation;
}

/* Reduce promises by these quantities (0: all of it). */
static void
reduce(const int64 *reservations, const int32 *quantities, int n,
	   bool consume, const char *reference)
{
	OmniChain  *chains = palloc0(sizeof(OmniChain) * Max(n, 1));
	OmniLedgerRow *rows = palloc(sizeof(OmniLedgerRow) * Max(n, 1));
	int64	   *ids = palloc(sizeof(int64) * Max(n, 1));

	for (int i = 0; i < n; i++)
		chains[i].reservation = reservations[i];
	omni_stock_claim(chains, n);
	omni_core_next_feed_ids(ids, n);

	for (int i = 0; i < n; i++)
	{
		OmniChain  *chain = &chains[i];
		int64		quantity = quantities ? quantities[i] : chain->quantity;

		if (quantity <= 0 || quantity > chain->quantity)
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("quantity %lld is not between 1 and the %lld still promised",
							(long long) quantity,
							(long long) chain->quantity)));
		if (consume && chain->node == OMNI_POOL)
			ereport(ERROR,
					(errcode(OMNI_ERR_ILLEGAL_STEP),
					 errmsg("reservation %lld has no node to take the units from",
							(long long) chain->reservation),
					 errhint("Pin it first: SELECT omni.pin_reservation(%lld, 'node');",
							 (long long) chain->reservation)));
		omni_stock_log_prepare(1);
		omni_stock_block_lock(chain->local->block);
		omni_stock_push_pending(chain->local, chain->node,
								consume ? -quantity : 0, -quantity);
		omni_stock_block_unlock(chain->local->block);
		push_result(chain, chain->node, chain->quantity - quantity,
					chain->expires_at);

		closing_row(chain, &rows[i], ids[i],
					consume ? "consume" : "release", reference);
		rows[i].reserved = -(int32) quantity;
		rows[i].quantity = consume ? -(int32) quantity : 0;
	}
	omni_stock_ledger_insert(rows, n);
}

void
omni_stock_release(const int64 *reservations, int n, const char *reference)
{
	reduce(reservations, NULL, n, false, reference);
}

void
omni_stock_consume(const int64 *reservations, int n, const char *reference)
{
	reduce(reservations, NULL, n, true, reference);
}

void
omni_stock_release_part(int64 reservation, int32 quantity,
						const char *reference)
{
	reduce(&reservation, &quantity, 1, false, reference);
}

void
omni_stock_consume_part(int64 reservation, int32 quantity,
						const char *reference)
{
	reduce(&reservation, &quantity, 1, true, reference);
}

/* Give a promise with a time limit another one. */
void
omni_stock_extend(int64 reservation, TimestampTz deadline)
{
	OmniChain	chain = {.reservation = reservation};
	OmniLedgerRow row;

	omni_stock_claim(&chain, 1);
	if (TIMESTAMP_IS_NOEND(chain.expires_at))
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("reservation %lld has no time limit to extend",
						(long long) reservation)));
	push_result(&chain, chain.node, chain.quantity, deadline);
	closing_row(&chain, &row, omni_core_next_feed_id(), "extend", NULL);
	row.expires_at = deadline;
	omni_stock_ledger_insert(&row, 1);
}

/* Choose the node of a pool-level promise; OM001 when it has too little. */
void
omni_stock_pin(int64 reservation, int64 node)
{
	OmniChain	chain = {.reservation = reservation};
	OmniLedgerRow rows[2];
	int64		ids[2];
	bool		done;

	omni_stock_claim(&chain, 1);
	if (chain.node != OMNI_POOL)
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("reservation %lld is pinned already",
						(long long) reservation)));
	omni_core_next_feed_ids(ids, 2);
	omni_stock_log_prepare(4);
	omni_stock_block_lock(chain.local->block);
	omni_stock_promise_expire(chain.local->block, omni_core_now());
	done = omni_stock_take_pin(chain.local, node, chain.quantity);
	omni_stock_block_unlock(chain.local->block);
	if (!done)
	{
		char	   *code = omni_master_node_code(node);

		omni_stock_count(OMNI_STAT_REFUSED, 1);
		ereport(ERROR,
				(errcode(OMNI_ERR_INSUFFICIENT_STOCK),
				 errmsg("insufficient stock at node \"%s\" for reservation %lld",
						code ? code : "?", (long long) reservation),
				 errdetail("The promise is for %lld units.",
						   (long long) chain.quantity),
				 errhint("Choose another node; the promise itself stands.")));
	}
	push_result(&chain, node, chain.quantity, chain.expires_at);

	closing_row(&chain, &rows[0], ids[0], "unpool", NULL);
	rows[0].reserved = -(int32) chain.quantity;
	closing_row(&chain, &rows[1], ids[1], "pin", NULL);
	rows[1].node = node;
	rows[1].closes = ids[0];
	rows[1].reserved = (int32) chain.quantity;
	omni_stock_ledger_insert(rows, 2);
}
