/*
 * table.c
 *	  The table of blocks: finding, pinning, evicting, and reloading them.
 *
 * - The table has partitions.  A partition's lock protects its buckets, the
 *	 raising of pins, and the mark STALE.  Pins fall without a lock; who has
 *	 let go of a block does not look at it any more.
 * - A block and all that belongs to it live in the arena.  Only a block
 *	 without pins leaves the table, under its partition's exclusive lock;
 *	 afterwards nobody can find it, and its memory goes back.  One LWLock at a
 *	 time: memory is taken before a block is entered, and given back after it
 *	 was unlinked.
 * - Everything that an unpinned block knows can be read from the tables again.
 *	 So when memory is used up, a clock goes over the buckets and drops blocks
 *	 that nobody has pinned since it last came by.
 * - A reload drops unpinned blocks and marks the others STALE.  The last unpin
 *	 drops a stale block.  Until then a transaction that pins nothing yet waits
 *	 for it, and one that does goes on with the old counters: it may be what
 *	 the first one waits for.
 */
#include "omni.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "stock/block.h"

#define NPARTITIONS 64
#define BYTES_PER_BUCKET 512
#define ALLOC_ROUNDS 1000		/* then others have taken what was freed */
#define PINS(word) ((word) & ~OMNI_PIN_STALE)

typedef struct Table
{
	uint32		mask;			/* number of buckets - 1; constant */
	pg_atomic_uint32 nblocks;
	pg_atomic_uint32 nstale;	/* marked, and not dropped yet */
	pg_atomic_uint32 hand;		/* bucket that the clock looks at next */
	ConditionVariable drained[NPARTITIONS]; /* a stale block was dropped */
	OmniBlock  *buckets[FLEXIBLE_ARRAY_MEMBER]; /* chained by "next" */
} Table;

int			omni_stock_memory = 262144;

static Table *table = NULL;		/* NULL without preload */
static LWLockPadded *locks = NULL;
static int	block_tranche = 0;

/* A power of two, and at least one bucket for each partition. */
static uint32
wanted_buckets(void)
{
	Size		wanted = (Size) omni_stock_memory * 1024 / BYTES_PER_BUCKET;
	uint32		n = NPARTITIONS;

	while (n < wanted && n < (UINT32_C(1) << 28))
		n *= 2;
	return n;
}

static Size
table_size(void)
{
	return add_size(offsetof(Table, buckets),
					mul_size(sizeof(OmniBlock *), wanted_buckets()));
}

static void
init_table(void *area, bool found)
{
	table = (Table *) area;
	locks = GetNamedLWLockTranche("omni_stock_table");
	if (found)
		return;
	table->mask = wanted_buckets() - 1;
	pg_atomic_init_u32(&table->nblocks, 0);
	pg_atomic_init_u32(&table->nstale, 0);
	pg_atomic_init_u32(&table->hand, 0);
	for (int i = 0; i < NPARTITIONS; i++)
		ConditionVariableInit(&table->drained[i]);
	memset(table->buckets, 0, sizeof(OmniBlock *) * wanted_buckets());
}

static void
init_arena(void *area, bool found)
{
	omni_stock_arena_init(area, found,
						  &GetNamedLWLockTranche("omni_stock_arena")->lock);
}

/* The blocks' own locks stand in the blocks; the tranche gives their name. */
static void
init_blocks(void *area, bool found)
{
	block_tranche = GetNamedLWLockTranche("omni_stock_block")->lock.tranche;
}

static const OmniShmemItem items[] = {
	{
		.name = "omni stock arena",
		.size = omni_stock_arena_size,
		.init = init_arena,
		.tranche = "omni_stock_arena",
		.nlocks = 1
	},
	{
		.name = "omni stock table",
		.size = table_size,
		.init = init_table,
		.tranche = "omni_stock_table",
		.nlocks = NPARTITIONS
	},
	{
		.init = init_blocks,
		.tranche = "omni_stock_block",
		.nlocks = 1
	},
};

/* Without preload there is nothing to size, and no counter to use. */
void
omni_stock_table_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	DefineCustomIntVariable("omni.stock_memory",
							"Shared memory for the counters of stock.",
							"Holds a block for each item in use and the promises with a time limit.",
							&omni_stock_memory,
							262144, 8192, 64 * 1024 * 1024,
							PGC_POSTMASTER, GUC_UNIT_KB,
							NULL, NULL, NULL);
	for (int i = 0; i < lengthof(items); i++)
		omni_core_register_shmem(&items[i]);
}

/* ---- finding ---- */

static inline uint32
hash_key(const OmniBlockKey *key)
{
	return omni_stock_hash(key->id ^ ((int64) key->database << 32) ^
						   ((int64) key->ledger << 20) ^
						   ((int64) key->kind << 56));
}

static inline LWLock *
partition_lock(uint32 hash)
{
	return &locks[hash % NPARTITIONS].lock;
}

/* What points to the block of this key, or the chain's end; locked. */
static inline OmniBlock **
find_link(const OmniBlockKey *key, uint32 hash)
{
	OmniBlock **link = &table->buckets[hash & table->mask];

	while (*link && ((*link)->hash != hash ||
					 memcmp(&(*link)->key, key, sizeof(*key)) != 0))
		link = &(*link)->next;
	return link;
}

static inline bool
is_stale(OmniBlock *block)
{
	return (pg_atomic_read_u32(&block->pins) & OMNI_PIN_STALE) != 0;
}

/* Does no transaction use the block?  Partition locked. */
static inline bool
is_free(OmniBlock *block)
{
	return PINS(pg_atomic_read_u32(&block->pins)) == 0;
}

/* Take a block out; partition locked exclusively, the block is free. */
static void
unlink_block(OmniBlock **link)
{
	OmniBlock  *block = *link;

	*link = block->next;
	block->next = NULL;
	pg_atomic_fetch_sub_u32(&table->nblocks, 1);
	if (is_stale(block))
		pg_atomic_fetch_sub_u32(&table->nstale, 1);
}

/* Give a chain of unlinked blocks back to the arena; bytes freed. */
static Size
free_blocks(OmniBlock *block)
{
	Size		freed = 0;

	while (block)
	{
		OmniBlock  *next = block->next;

		freed += omni_stock_block_free_parts(block);
		freed += omni_stock_arena_free(block, sizeof(OmniBlock));
		block = next;
	}
	return freed;
}

/* ---- eviction ---- */

/*
 * Drop blocks without pins until "wanted" bytes went back or the clock has
 * gone round once.  With "chance" a block that was pinned since the clock
 * last came by stays, for this time.
 */
static Size
go_round(Size wanted, bool chance, uint32 *dropped)
{
	Size		freed = 0;

	for (uint32 i = 0; i <= table->mask && freed < wanted; i++)
	{
		uint32		bucket;
		OmniBlock **link;
		OmniBlock  *victims = NULL;

		bucket = pg_atomic_fetch_add_u32(&table->hand, 1) & table->mask;
		if (*(OmniBlock *volatile *) &table->buckets[bucket] == NULL)
			continue;
		LWLockAcquire(partition_lock(bucket), LW_EXCLUSIVE);
		for (link = &table->buckets[bucket]; *link;)
		{
			OmniBlock  *block = *link;

			if (!is_free(block) || (chance && block->used))
			{
				if (is_free(block))
					block->used = false;
				link = &block->next;
				continue;
			}
			unlink_block(link);
			block->next = victims;
			victims = block;
			(*dropped)++;
		}
		LWLockRelease(partition_lock(bucket));
		freed += free_blocks(victims);
	}
	return freed;
}

/* Make room for a chunk of this size; false when every block is pinned. */
static bool
evict(Size size)
{
	uint32		dropped = 0;
	Size		freed = go_round(size, true, &dropped);

	if (freed < size)
		freed += go_round(size - freed, false, &dropped);
	if (dropped > 0)
		omni_stock_stat_evicted(dropped);
	return freed > 0;
}

/*
 * A chunk of the arena, at the cost of blocks that nobody uses; NULL when all
 * are in use.  The caller holds no LWLock.
 */
void *
omni_stock_alloc(Size size)
{
	Size		wanted = size;

	for (int round = 0; round < ALLOC_ROUNDS; round++)
	{
		void	   *chunk = omni_stock_arena_alloc(size);

		if (likely(chunk != NULL))
			return chunk;
		CHECK_FOR_INTERRUPTS();
		if (!evict(wanted))
			break;
		/* what was freed lay apart: more of it is more likely to join */
		wanted = Min(wanted * 2, omni_stock_arena_total());
	}
	return NULL;
}

/* OM012: nothing that could be evicted is left. */
void
omni_stock_raise_full(const char *message)
{
	uint32		blocks;
	uint32		pinned;

	omni_stock_block_count(&blocks, &pinned);
	ereport(ERROR,
			(errcode(OMNI_ERR_OUT_OF_MEMORY),
			 errmsg("%s", message),
			 pinned >= blocks ?
			 errdetail("Open transactions use all %u items whose counters are in memory.",
					   blocks) :
			 errdetail("Open transactions use %u of the %u items whose counters are in memory; dropping others did not make room enough.",
					   pinned, blocks),
			 errhint("Change fewer items in one transaction, end long ones (see pg_stat_activity), or raise omni.stock_memory in postgresql.conf and restart the server.")));
}

/* ---- pinning ---- */

/* Enter a chunk as the block of this key; partition locked exclusively. */
static OmniBlock *
enter_block(OmniBlock *block, const OmniBlockKey *key, uint32 hash)
{
	OmniBlock **bucket = &table->buckets[hash & table->mask];

	memset(block, 0, sizeof(*block));
	block->key = *key;
	block->hash = hash;
	block->state = OMNI_BLOCK_EMPTY;
	pg_atomic_init_u32(&block->pins, 0);
	LWLockInitialize(&block->lock, block_tranche);
	ConditionVariableInit(&block->loaded);
	block->next = *bucket;
	*bucket = block;
	pg_atomic_fetch_add_u32(&table->nblocks, 1);
	return block;
}

/* Raise the pins; partition locked. */
static inline void
raise_pins(OmniBlock *block)
{
	pg_atomic_fetch_add_u32(&block->pins, 1);
	if (!block->used)
		block->used = true;
}

/* Is there a stale block of this key that somebody still uses? */
static bool
is_draining(const OmniBlockKey *key, uint32 hash)
{
	OmniBlock  *block;
	bool		draining;

	LWLockAcquire(partition_lock(hash), LW_SHARED);
	block = *find_link(key, hash);
	draining = block && is_stale(block) && !is_free(block);
	LWLockRelease(partition_lock(hash));
	return draining;
}

/* Wait until the stale block of this key has been dropped; OM015. */
static void
wait_for_drain(const OmniBlockKey *key, uint32 hash)
{
	ConditionVariable *drained = &table->drained[hash % NPARTITIONS];
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													OMNI_STOCK_WAIT_MS);

	omni_stock_count(OMNI_STAT_LOAD_WAITS, 1);
	ConditionVariablePrepareToSleep(drained);
	while (is_draining(key, hash))
	{
		long		left;

		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
		if (left <= 0)
		{
			ConditionVariableCancelSleep();
			ereport(ERROR,
					(errcode(OMNI_ERR_TIMEOUT),
					 errmsg("timed out waiting for an item's counters to be reloaded"),
					 errdetail("A transaction that used them before the reload is still open."),
					 errhint("End it, and try again; see pg_stat_activity for transactions that are idle.")));
		}
		(void) ConditionVariableTimedSleep(drained, left,
										   omni_wait_event("OmniStockReload"));
	}
	ConditionVariableCancelSleep();
}

/*
 * Find the block and pin it, or pin "fresh" as the block; NULL where that
 * is missing, or where the block is draining and the caller waits for that.
 */
static OmniBlock *
pin_slowly(const OmniBlockKey *key, uint32 hash, OmniBlock **fresh, bool wait,
		   bool *draining)
{
	OmniBlock **link;
	OmniBlock  *block;
	OmniBlock  *dead = NULL;

	*draining = false;
	LWLockAcquire(partition_lock(hash), LW_EXCLUSIVE);
	link = find_link(key, hash);
	block = *link;
	if (block && is_stale(block) && is_free(block))
	{
		unlink_block(link);
		dead = block;
		block = NULL;
	}
	if (block && wait && is_stale(block))
	{
		*draining = true;
		block = NULL;
	}
	else if (block == NULL && *fresh)
	{
		block = enter_block(*fresh, key, hash);
		*fresh = NULL;
	}
	if (block)
		raise_pins(block);
	LWLockRelease(partition_lock(hash));
	(void) free_blocks(dead);
	return block;
}

/*
 * Find or make the block and pin it; EMPTY when new.  "wait" for one that is
 * being drained: for who pins nothing else.  OM012, OM015.
 */
OmniBlock *
omni_stock_block_pin(const OmniBlockKey *key, bool wait)
{
	uint32		hash = hash_key(key);
	OmniBlock  *block = omni_stock_block_find(key);
	OmniBlock  *fresh = NULL;

	while (unlikely(block == NULL))
	{
		bool		draining;

		block = pin_slowly(key, hash, &fresh, wait, &draining);
		if (block)
			break;
		if (draining)
		{
			if (fresh)
				omni_stock_arena_free(fresh, sizeof(OmniBlock));
			fresh = NULL;
			wait_for_drain(key, hash);
		}
		else
		{
			/* nothing can fail between this and its entry */
			fresh = omni_stock_alloc(sizeof(OmniBlock));
			if (fresh == NULL)
				omni_stock_raise_full("no memory left for another item's counters");
		}
	}
	if (fresh)
		omni_stock_arena_free(fresh, sizeof(OmniBlock));
	return block;
}

/* Pin the block if it is there and not stale, else NULL. */
OmniBlock *
omni_stock_block_find(const OmniBlockKey *key)
{
	uint32		hash = hash_key(key);
	OmniBlock  *block;

	LWLockAcquire(partition_lock(hash), LW_SHARED);
	block = *find_link(key, hash);
	if (block && unlikely(is_stale(block)))
		block = NULL;
	if (block)
		raise_pins(block);
	LWLockRelease(partition_lock(hash));
	return block;
}

/* Wait, pinning nothing, until the block is not being drained. */
void
omni_stock_block_settle(const OmniBlockKey *key)
{
	if (unlikely(pg_atomic_read_u32(&table->nstale) > 0) &&
		is_draining(key, hash_key(key)))
		wait_for_drain(key, hash_key(key));
}

/* The last pin of a stale block is gone: drop it, unless somebody has. */
static void
drop_stale(OmniBlock *block, uint32 hash)
{
	OmniBlock **link = &table->buckets[hash & table->mask];
	OmniBlock  *dead = NULL;

	LWLockAcquire(partition_lock(hash), LW_EXCLUSIVE);
	/* an address alone: it may be another block by now, or none */
	while (*link && *link != block)
		link = &(*link)->next;
	if (*link && is_stale(block) && is_free(block))
	{
		unlink_block(link);
		dead = block;
	}
	LWLockRelease(partition_lock(hash));
	(void) free_blocks(dead);
	ConditionVariableBroadcast(&table->drained[hash % NPARTITIONS]);
}

/*
 * Let go of a block.  Cannot fail: transaction callbacks call it.  The last
 * one empties a stale block.
 */
void
omni_stock_block_unpin(OmniBlock *block)
{
	uint32		hash = block->hash;
	uint32		before = pg_atomic_fetch_sub_u32(&block->pins, 1);

	if (unlikely((before & OMNI_PIN_STALE) != 0 && PINS(before) == 1))
		drop_stale(block, hash);
}

/* ---- reloading ---- */

/*
 * Have every block of a database read anew: unpinned ones are dropped, pinned
 * ones marked; returns how many.  Cannot fail: transaction callbacks call it.
 */
uint32
omni_stock_block_reload(Oid database)
{
	uint32		n = 0;

	for (uint32 bucket = 0; table != NULL && bucket <= table->mask; bucket++)
	{
		OmniBlock **link;
		OmniBlock  *dead = NULL;

		if (*(OmniBlock *volatile *) &table->buckets[bucket] == NULL)
			continue;
		LWLockAcquire(partition_lock(bucket), LW_EXCLUSIVE);
		for (link = &table->buckets[bucket]; *link;)
		{
			OmniBlock  *block = *link;

			if (block->key.database == database)
			{
				n++;
				if (is_free(block))
				{
					unlink_block(link);
					block->next = dead;
					dead = block;
					continue;
				}
				if (!is_stale(block))
				{
					pg_atomic_fetch_or_u32(&block->pins, OMNI_PIN_STALE);
					pg_atomic_fetch_add_u32(&table->nstale, 1);
				}
			}
			link = &block->next;
		}
		LWLockRelease(partition_lock(bucket));
		(void) free_blocks(dead);
	}
	return n;
}

/* The same for one block.  Cannot fail. */
void
omni_stock_block_reload_one(const OmniBlockKey *key)
{
	uint32		hash = hash_key(key);
	OmniBlock **link;
	OmniBlock  *dead = NULL;

	LWLockAcquire(partition_lock(hash), LW_EXCLUSIVE);
	link = find_link(key, hash);
	if (*link && is_free(*link))
	{
		dead = *link;
		unlink_block(link);
	}
	else if (*link && !is_stale(*link))
	{
		pg_atomic_fetch_or_u32(&(*link)->pins, OMNI_PIN_STALE);
		pg_atomic_fetch_add_u32(&table->nstale, 1);
	}
	LWLockRelease(partition_lock(hash));
	(void) free_blocks(dead);
}

/* ---- looking at all of them ---- */

/* Ids of the blocks of this database and ledger, in a palloc'd array. */
int
omni_stock_block_list(Oid ledger, int64 **ids)
{
	uint32		room = pg_atomic_read_u32(&table->nblocks) + 64;
	int			n = 0;

	*ids = palloc_extended(sizeof(int64) * room, MCXT_ALLOC_HUGE);
	for (uint32 bucket = 0; bucket <= table->mask; bucket++)
	{
		if (*(OmniBlock *volatile *) &table->buckets[bucket] == NULL)
			continue;
		LWLockAcquire(partition_lock(bucket), LW_SHARED);
		for (OmniBlock *block = table->buckets[bucket]; block;
			 block = block->next)
			if (n < room && block->key.database == MyDatabaseId &&
				block->key.ledger == ledger &&
				block->key.kind == OMNI_BLOCK_ITEM)
				(*ids)[n++] = block->key.id;
		LWLockRelease(partition_lock(bucket));
	}
	return n;
}

/* How many blocks there are, of all databases, and how many are pinned. */
void
omni_stock_block_count(uint32 *blocks, uint32 *pinned)
{
	*blocks = *pinned = 0;
	for (uint32 bucket = 0; bucket <= table->mask; bucket++)
	{
		if (*(OmniBlock *volatile *) &table->buckets[bucket] == NULL)
			continue;
		LWLockAcquire(partition_lock(bucket), LW_SHARED);
		for (OmniBlock *block = table->buckets[bucket]; block;
			 block = block->next)
		{
			(*blocks)++;
			if (!is_free(block))
				(*pinned)++;
		}
		LWLockRelease(partition_lock(bucket));
	}
}
