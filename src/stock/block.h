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

/*
 * What a block counts, one kind now: an item's units, or, where the id is below
 * 0, the units of capacity of a day; see stock.h.
 */
#define OMNI_BLOCK_ITEM 1

/* In a slot's safety: the node's capacity has no limit. */
#define OMNI_UNLIMITED PG_INT32_MIN

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

/*
 * One node that stocks the item.  Protected by the block's lock.  Of a day's
 * capacity: "on_hand" is what was done, below 0, and "safety" the limit, below
 * 0; so what can be promised is the same difference.
 */
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

/* An array of a power of two elements, in the arena; see paged.c. */
typedef struct OmniPaged
{
	uint32		n;				/* elements; 0: none yet */
	char	   *page;			/* all of them, where they fit in a page */
	char	  **pages;			/* else the pages */
} OmniPaged;

#define OMNI_PAGE_BYTES 1024

/* In a block's pins: the last unpin drops it.  Below are the transactions. */
#define OMNI_PIN_STALE (UINT32_C(1) << 31)

typedef struct OmniBlock
{
	OmniBlockKey key;			/* constant */
	pg_atomic_uint32 pins;		/* raised, and marked OMNI_PIN_STALE, under
								 * the partition's lock */
	uint32		hash;			/* of the key; constant */
	LWLock		lock;
	bool		used;			/* pinned since the clock last came by; a
								 * hint, written under the partition's lock,
								 * shared or not */

	/* protected by "lock" */
	OmniBlockState state;
	uint64		policy_generation;	/* under which safety and sellable were
									 * read */
	int64		pool_sum;		/* Σ c(n) over sellable nodes */
	int64		pool_reserved;	/* promised, no node chosen */
	int			nshort;			/* slots with on_hand < reserved */
	bool		watched;		/* the worker was told that it is short, and
								 * must be told when it no longer is */
	int			nslots;
	OmniPaged	slots;			/* OmniSlot: open addressing by node */
	int			npromises;
	int			nfree;			/* in free_promises */
	OmniPaged	buckets;		/* OmniPromise *: by reservation */
	OmniPromise *free_promises;
	pairingheap deadlines;		/* earliest first */
	int			ndoubts;
	struct OmniDoubt *doubts;	/* of prepared transactions; may be compared
								 * with NULL without the lock */

	ConditionVariable loaded;	/* broadcast when LOADING ends */
	struct OmniBlock *next;		/* in its bucket; by the partition's lock */
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

/* Element i of an array; width is a constant. */
static inline void *
omni_stock_paged_at(const OmniPaged *array, uint32 i, Size width)
{
	uint32		per_page = OMNI_PAGE_BYTES / width;

	if (array->n <= per_page)
		return array->page + i * width;
	return array->pages[i / per_page] + (i % per_page) * width;
}

/* Slot i of a block. */
static inline OmniSlot *
omni_stock_slot_at(const OmniBlock *block, uint32 i)
{
	return omni_stock_paged_at(&block->slots, i, sizeof(OmniSlot));
}

/* ---- arena.c ---- */
extern Size omni_stock_arena_size(void);
extern void omni_stock_arena_init(void *area, bool found, LWLock *lock);
/* NULL when the memory is used up */
extern void *omni_stock_arena_alloc(Size size);
extern Size omni_stock_arena_free(void *chunk, Size size);
extern Size omni_stock_arena_used(void);
extern Size omni_stock_arena_total(void);

/* ---- table.c ---- */
#define OMNI_STOCK_WAIT_MS 30000	/* for a load, or for a reload's drain */

extern int	omni_stock_memory;	/* kB */
extern void omni_stock_table_init(void);
/* the arena's, after evicting what it takes; NULL: all blocks are pinned */
extern void *omni_stock_alloc(Size size);
extern void omni_stock_raise_full(const char *message) pg_attribute_noreturn();
/*
 * Pin the block, EMPTY when new.  "wait" until a stale one is drained: only
 * who pins no block yet may.
 */
extern OmniBlock *omni_stock_block_pin(const OmniBlockKey *key, bool wait);
/* the same if it is there and not stale, else NULL */
extern OmniBlock *omni_stock_block_find(const OmniBlockKey *key);
extern void omni_stock_block_settle(const OmniBlockKey *key);
/* the last one empties a stale block; for callbacks, too */
extern void omni_stock_block_unpin(OmniBlock *block);
/* drop, or drain, all blocks of a database; for callbacks, too */
extern uint32 omni_stock_block_reload(Oid database);
extern void omni_stock_block_reload_one(const OmniBlockKey *key);
/* items of this database and ledger that have a block; for verifying */
extern int	omni_stock_block_list(Oid ledger, int64 **ids);
extern void omni_stock_block_count(uint32 *blocks, uint32 *pinned);

/* ---- paged.c ---- */
extern bool omni_stock_paged_alloc(OmniPaged *array, uint32 n, Size width);
extern Size omni_stock_paged_free(OmniPaged *array, Size width);

/* ---- stat.c ---- */
typedef enum OmniStockCounter
{
	OMNI_STAT_LOADS,
	OMNI_STAT_LOAD_WAITS,
	OMNI_STAT_EVICTIONS,
	OMNI_STAT_RELOADS,
	OMNI_STAT_REFUSED,
	OMNI_STAT_COUNT
} OmniStockCounter;

extern void omni_stock_stat_init(void);
extern void omni_stock_count(OmniStockCounter counter, int64 n);
extern void omni_stock_stat_evicted(uint32 n);

/* ---- block.c ---- */
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
extern Size omni_stock_block_free_parts(OmniBlock *block);

/* ---- promise.c; block locked, but for _reserve ---- */
extern void omni_stock_promise_reserve(OmniBlock *block, int n);
extern OmniPromise *omni_stock_promise_add(OmniBlock *block,
										   int64 reservation, int64 node,
										   int64 taken, TimestampTz deadline);
extern OmniPromise *omni_stock_promise_find(OmniBlock *block,
											int64 reservation);
extern void omni_stock_promise_remove(OmniBlock *block, OmniPromise *promise);
extern void omni_stock_promise_remove_all(OmniBlock *block);
extern void omni_stock_promise_claim(OmniBlock *block, OmniPromise *promise);
extern void omni_stock_promise_unclaim(OmniBlock *block,
									   OmniPromise *promise);
extern void omni_stock_promise_expire(OmniBlock *block, TimestampTz now);

/* for an unlinked block: give all promises back; bytes freed */
extern Size omni_stock_promise_free_all(OmniBlock *block);

/* ---- load.c ---- */
extern Oid	omni_stock_ledger_oid(void);
extern void omni_stock_load(const int64 *items, int n);
extern void omni_stock_load_slot(OmniBlock *block, int64 node);
extern void omni_stock_refresh_policies(OmniBlock *block);

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
/* before pinning several: wait for those that are being drained */
extern void omni_stock_local_settle(const int64 *items, int n);
extern void omni_stock_item_key(OmniBlockKey *key, int64 item);
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
extern uint32 omni_stock_doubt_count(void);
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
	const TimestampTz *occurred_at; /* NULL: when it is written */
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
/* block locked: what is pending at a node */
extern void omni_stock_node_pending(OmniLocalBlock *local, int64 node,
									int64 *d_on_hand, int64 *d_reserved);
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

/* ---- capacity.c ---- */
extern void omni_stock_capacity_init(void);
/* how often limits may have changed */
extern uint64 omni_stock_capacity_generation(void);
/* id, sellable and safety of a day's nodes, as a statement gives them */
extern void omni_stock_capacity_policies(int64 item, const int64 *nodes,
										 int n, Snapshot snapshot,
										 OmniRows *rows);
/* the line's node gets its slot; its block is pinned and loaded */
extern void omni_stock_capacity_slot(const OmniReserveLine *line);
extern void omni_stock_raise_no_capacity(const OmniReserveLine *line,
										 int lineno, int nlines, int64 have)
			pg_attribute_noreturn();
/* a day as people write it, palloc'd */
extern char *omni_stock_day_text(int64 item);

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
/* block locked: after a load */
extern void omni_stock_shortfall_watch(OmniBlock *block);
extern void omni_stock_shortfall_look(void);
extern void omni_stock_shortfall_doubt(const OmniBlock *block);

/* ---- fold.c ---- */
extern void omni_stock_fold_init(void);

/* false: somebody holds a lock; see there */
extern bool omni_stock_lock_folded(void);

/* ---- balance.c ---- */
extern void omni_stock_balance_init(void);
extern bool omni_stock_versions_pile_up(void);
extern void omni_stock_add_up_later(void);

/* capacity.c: delete balances of days that retention has cleared; false: none */
extern bool omni_stock_forget_days(void);

/* ---- tidy.c ---- */
extern void omni_stock_tidy_init(void);
extern void omni_stock_tidy_again(TimestampTz deadline);

/* ---- history.c ---- */
extern int64 omni_stock_folded_tick(void);
extern int64 omni_stock_prune(int64 from, int64 next);

/* ---- verify.c ---- */
struct ReturnSetInfo;
extern void omni_stock_put_difference(struct ReturnSetInfo *rsinfo, int64 item,
									  int64 node, const char *what,
									  int64 counter, int64 expected);
extern void omni_stock_verify_counters(struct ReturnSetInfo *rsinfo,
									   bool own_rows);
/* ---- reload.c ---- */
extern void omni_stock_reload_init(void);
/* around omni's own statements that write tables which counters are read from */
extern void omni_stock_own_write(bool running);
extern void omni_stock_reload_at_commit(void);

/* ---- reference.c ---- */
extern void omni_stock_reference_init(void);

#endif							/* OMNI_STOCK_BLOCK_H */
