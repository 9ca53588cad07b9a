/*
 * block.h
 *	  The stock engine's shared memory: between the files of this folder.
 *
 * A block holds what one item's availability is computed from.  README.md
 * tells the rules; each field below says what protects it.
 */
#ifndef OMNI_STOCK_BLOCK_H
#define OMNI_STOCK_BLOCK_H

#include "access/transam.h"
#include "lib/pairingheap.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "storage/proc.h"

#include "stock/stock.h"

/*
 * In place of a process id: the opener or claimer of a promise is a prepared
 * transaction.
 */
#define OMNI_IN_DOUBT (-1)

/* What a block counts; one kind now. */
#define OMNI_BLOCK_ITEM 1

/* Never zeroed padding: memset before filling, it is hashed as bytes. */
typedef struct OmniBlockKey
{
	Oid			database;
	Oid			ledger;			/* of omni.stock_ledger: DROP and CREATE
								 * EXTENSION never find an old block */
	int32		kind;
	int32		unused;
	int64		id;
} OmniBlockKey;

/* One node that stocks the item.  Protected by the block's lock. */
typedef struct OmniSlot
{
	int64		node;			/* 0: free */
	int64		on_hand;		/* committed, less what is leaving in flight */
	int64		reserved;		/* committed, plus what is promised in flight */
	int32		safety;
	bool		sellable;
} OmniSlot;

typedef enum OmniPromiseState
{
	OMNI_PROMISE_HELD,			/* counts; expires when its time comes */
	OMNI_PROMISE_CLAIMED,		/* a transaction is closing or changing it */
	OMNI_PROMISE_EXPIRED		/* given back by the clock while its own
								 * transaction is still in flight */
} OmniPromiseState;

/*
 * A promise with a time limit, or any promise while a transaction claims it.
 * Protected by its block's lock.
 */
typedef struct OmniPromise
{
	pairingheap_node heap;		/* in the block's heap while HELD with a
								 * deadline */
	struct OmniPromise *next;	/* in its bucket, or in the free list */
	int64		reservation;
	int64		node;
	int64		taken;			/* what it took from the shared counters */
	TimestampTz deadline;		/* DT_NOEND: none */
	OmniPromiseState state;
	bool		in_flight;		/* its opener's transaction has not ended, or
								 * its callback has not run yet */
	bool		transient;		/* here for a claim alone: goes with it */
	int			opener;			/* process id or OMNI_IN_DOUBT, while in
								 * flight */
	int			claimer;		/* the same, while CLAIMED */
} OmniPromise;

typedef enum OmniBlockState
{
	OMNI_BLOCK_EMPTY,			/* nobody has loaded it (or a load failed) */
	OMNI_BLOCK_LOADING,
	OMNI_BLOCK_READY
} OmniBlockState;

typedef struct OmniBlock
{
	OmniBlockKey key;			/* constant while pinned */
	pg_atomic_uint32 pins;		/* raised under the partition's lock */
	LWLock		lock;
	ConditionVariable loaded;	/* broadcast when LOADING ends */

	/* all below: protected by "lock" */
	OmniBlockState state;
	uint64		policy_generation;	/* under which safety and sellable were
									 * read */
	int64		pool_sum;		/* Σ c(n) over sellable nodes */
	int64		pool_reserved;	/* promised, no node chosen */
	int			nshort;			/* slots with on_hand < reserved */
	bool		watched;		/* the worker was told that it is short, and
								 * must be told when it no longer is */
	int			nslots;
	int			capacity;		/* of slots, a power of two */
	OmniSlot   *slots;			/* open addressing by node, in the arena */
	int			npromises;
	int			nbuckets;		/* a power of two, 0: no table yet */
	OmniPromise **buckets;		/* by reservation, in the arena */
	OmniPromise *free_promises;
	pairingheap deadlines;		/* earliest first */
	int			ndoubts;
	struct OmniDoubt *doubts;	/* of prepared transactions; may be compared
								 * with NULL without the lock */
} OmniBlock;

/* Spread ids over a table: the finaliser of SplitMix64. */
static inline uint32
omni_stock_hash(int64 id)
{
	uint64		h = (uint64) id + UINT64CONST(0x9E3779B97F4A7C15);

	h = (h ^ (h >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	h = (h ^ (h >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return (uint32) (h ^ (h >> 31));
}

/* ---- arena.c ---- */
extern Size omni_stock_arena_size(void);
extern void omni_stock_arena_init(void *area, bool found, LWLock *lock);
/* NULL when the memory is used up */
extern void *omni_stock_arena_alloc(Size size);
extern void omni_stock_arena_free(void *chunk, Size size);
extern Size omni_stock_arena_used(void);

/* ---- block.c ---- */
extern int	omni_stock_memory;	/* kB */
extern void omni_stock_block_init(void);
/* pinned; EMPTY when new */
extern OmniBlock *omni_stock_block_pin(const OmniBlockKey *key);
extern void omni_stock_block_unpin(OmniBlock *block);
extern void omni_stock_block_lock(OmniBlock *block);
extern void omni_stock_block_unlock(OmniBlock *block);
extern OmniSlot *omni_stock_slot_find(OmniBlock *block, int64 node);
/* block locked; false: slots are full, grow first */
extern OmniSlot *omni_stock_slot_add(OmniBlock *block, int64 node);
extern void omni_stock_block_grow(OmniBlock *block, int nodes);
extern int64 omni_stock_slot_free(const OmniSlot *slot);
extern int64 omni_stock_free_with(const OmniSlot *slot, int64 d_on_hand,
								  int64 d_reserved);
extern void omni_stock_slot_apply(OmniBlock *block, int64 node,
								  int64 d_on_hand, int64 d_reserved);
extern void omni_stock_block_recount(OmniBlock *block);
extern void omni_stock_block_clear(OmniBlock *block);
/* every READY block of this database and ledger, pinned; for verifying */
extern int	omni_stock_block_list(Oid ledger, OmniBlock ***blocks);

/* ---- promise.c; block locked, but for _reserve ---- */
extern void omni_stock_promise_reserve(OmniBlock *block, int n);
extern OmniPromise *omni_stock_promise_add(OmniBlock *block,
										   int64 reservation, int64 node,
										   int64 taken, TimestampTz deadline);
extern OmniPromise *omni_stock_promise_find(OmniBlock *block,
											int64 reservation);
extern void omni_stock_promise_remove(OmniBlock *block, OmniPromise *promise);
extern void omni_stock_promise_claim(OmniBlock *block, OmniPromise *promise);
extern void omni_stock_promise_unclaim(OmniBlock *block,
									   OmniPromise *promise);
extern void omni_stock_promise_expire(OmniBlock *block, TimestampTz now);

/* ---- load.c ---- */
extern Oid	omni_stock_ledger_oid(void);
extern void omni_stock_load(const int64 *items, int n);
extern void omni_stock_load_slot(OmniBlock *block, int64 node);

/* ---- xact.c ---- */

/* An item in this transaction: its block, pinned until the end. */
typedef struct OmniLocalBlock
{
	int64		item;			/* hash key */
	OmniBlock  *block;			/* NULL where pinning it failed */
	struct OmniLocalBlock *next;	/* in the list of all of them */
	struct OmniStockLog *pending;	/* pending deltas, latest first */
	int			nrecords;		/* at PREPARE: records of this block */
	struct OmniDoubt *doubt;	/* the same: where they go, or NULL */
	bool		changed;		/* by this transaction, undone or not */
} OmniLocalBlock;

typedef enum OmniLogKind
{
	OMNI_LOG_DELTA,				/* a change of a slot or of the pool */
	OMNI_LOG_OPEN,				/* a promise with a time limit was made */
	OMNI_LOG_CLAIM,				/* a promise was claimed */
	OMNI_LOG_RESULT				/* what a claimed promise becomes at commit */
} OmniLogKind;

typedef struct OmniStockLog
{
	struct OmniStockLog *next;	/* older */
	struct OmniStockLog *next_pending;	/* older pending one of the block */
	OmniLocalBlock *local;
	OmniLogKind kind;
	int			nest;			/* transaction nesting level it belongs to */
	bool		pending;		/* DELTA: applies at commit; else it is
								 * applied and undone on abort */
	int64		node;
	int64		d_on_hand;
	int64		d_reserved;
	int64		quantity;		/* RESULT: what stays promised */
	TimestampTz deadline;		/* RESULT */
	OmniPromise *promise;		/* DELTA: of the promise it made, or NULL */
} OmniStockLog;

extern void omni_stock_xact_init(void);
extern OmniLocalBlock *omni_stock_local_find(int64 item);
extern OmniLocalBlock *omni_stock_local_pin(int64 item);
/* Records for the coming operation, so that none is allocated under a lock. */
extern void omni_stock_log_prepare(int n);
extern OmniStockLog *omni_stock_log_push(OmniLocalBlock *local,
										 OmniLogKind kind);
extern OmniStockLog *omni_stock_log_mark(void);
extern void omni_stock_log_undo(OmniStockLog *mark);
extern bool omni_stock_log_claims(const OmniPromise *promise);
extern OmniStockLog *omni_stock_log_swap(OmniStockLog *head);
extern OmniStockLog *omni_stock_log_reverse(OmniStockLog *head);
/* one record of a block, which is locked; see xact.c */
extern void omni_stock_entry_undo(OmniBlock *block, OmniStockLog *entry);
extern void omni_stock_entry_apply(OmniBlock *block, OmniStockLog *entry);
extern void omni_stock_entry_finish(OmniBlock *block, OmniStockLog *entry);

/* ---- doubt.c ---- */

/* A prepared transaction. */
typedef struct OmniPrepared
{
	FullTransactionId xid;
	PGPROC	   *proc;			/* stands for it while it is in doubt */
} OmniPrepared;

typedef struct OmniDoubt OmniDoubt;

extern void omni_stock_doubt_init(void);
extern OmniDoubt *omni_stock_doubt_make(OmniBlock *block,
										FullTransactionId xid, int nentries);
extern void omni_stock_doubt_add(OmniDoubt *doubt, const OmniStockLog *entry);
extern void omni_stock_doubt_link(OmniBlock *block, OmniDoubt *doubt,
								  PGPROC *proc);
extern void omni_stock_doubt_discard(OmniDoubt *doubt);
/* apply or undo what has been decided; called where "doubts" is not NULL */
extern void omni_stock_doubt_settle(OmniBlock *block);
/* the same for all blocks of this database */
extern void omni_stock_doubt_settle_all(void);
/*
 * Whoever empties or frees a block calls this first (unlocked): the next load
 * finds the same in the ledger.
 */
extern void omni_stock_doubt_forget(OmniBlock *block);
extern void omni_stock_doubt_subtract(OmniBlock *block, OmniSlot *slots,
									  int nslots, int64 *pool_reserved,
									  TimestampTz now);
extern int	omni_stock_prepared_list(OmniPrepared **list);

/* ---- recover.c ---- */
typedef struct OmniRecovery OmniRecovery;

extern OmniRecovery *omni_stock_recover_begin(void);
extern void omni_stock_recover_read(OmniRecovery *recovery,
									OmniLocalBlock **locals, int n,
									Snapshot snapshot);
extern void omni_stock_recover_replay(OmniRecovery *recovery);
/* load.c: the block of an item among those being loaded, or NULL */
extern OmniBlock *omni_stock_find_loading(OmniLocalBlock **locals, int n,
										  int64 item);

/* ---- ledger.c ---- */
typedef struct OmniLedgerRow
{
	int64		id;
	int64		item;
	int64		node;
	int32		quantity;
	int32		reserved;
	const char *kind;
	int64		channel;		/* 0: none */
	const char *reference;		/* NULL: none */
	TimestampTz occurred_at;	/* 0: now */
	TimestampTz expires_at;		/* DT_NOEND: none */
	int64		closes;			/* 0: none */
	int64		reservation;	/* 0: none */
} OmniLedgerRow;

extern void omni_stock_ledger_insert(const OmniLedgerRow *rows, int n);

/* The state of a promise, from its rows. */
typedef struct OmniChain
{
	int64		reservation;
	int64		item;
	int64		node;
	int64		quantity;		/* still promised */
	TimestampTz expires_at;		/* DT_NOEND: none */
	int64		last;			/* id of the last row */
	int64		channel;
	bool		found;
	OmniLocalBlock *local;
	OmniPromise *promise;		/* claimed */
} OmniChain;

/* ---- reserve.c ---- */

/* A stocked node as this transaction sees it. */
typedef struct OmniNodeStock
{
	int64		node;
	int64		on_hand;
	int64		reserved;
	int32		safety;
	int32		available;
	bool		sellable;
} OmniNodeStock;

extern int	omni_stock_nodes(int64 item, OmniNodeStock **nodes);
/* block locked, records prepared */
extern void omni_stock_push_pending(OmniLocalBlock *local, int64 node,
									int64 d_on_hand, int64 d_reserved);
extern void omni_stock_push_change(OmniLocalBlock *local, int64 node,
								   int64 quantity);
extern void omni_stock_take(OmniLocalBlock *local, int64 node,
							int64 quantity, OmniPromise *promise);
extern void omni_stock_move_to_node(OmniLocalBlock *local, int64 node,
									int64 quantity);
extern bool omni_stock_take_pin(OmniLocalBlock *local, int64 node,
								int64 quantity);

/* ---- close.c ---- */
extern void omni_stock_claim(OmniChain *chains, int n);
extern bool omni_stock_claim_expired(OmniChain *chain);
extern void omni_stock_extend(int64 reservation, TimestampTz deadline);
extern void omni_stock_pin(int64 reservation, int64 node);
extern void omni_stock_read_chains(OmniChain *chains, int n);

/* ---- shortfall.c ---- */
extern void omni_stock_shortfall_init(void);
/* not under a lock; cannot fail */
extern void omni_stock_shortfall_note(OmniBlock *block);

/* ---- fold.c ---- */
extern void omni_stock_fold_init(void);

/* ---- reference.c ---- */
extern void omni_stock_reference_init(void);

#endif							/* OMNI_STOCK_BLOCK_H */
