/*
 * block.c
 *	  Blocks in shared memory: finding, pinning, and the counters' arithmetic.
 *
 * Blocks are found in a partitioned hash table; a partition's lock protects
 * its part of the table and the raising of pins.  Everything inside a block is
 * protected by the block's own lock, held for nanoseconds: never two block
 * locks at once, nothing else taken under one, and nothing that can fail.
 *
 * With a = on_hand - reserved a node offers c = a - safety if a >= safety,
 * else min(0, max(on_hand, 0) - reserved): an undercut safety stock gives
 * nothing, and only broken promises weigh on the pool.  The pool's counter is
 * the sum of c over sellable nodes less what is reserved at pool level.
 */
#include "omni.h"

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/hsearch.h"

#include "stock/block.h"

#define NPARTITIONS 64
#define LOCK_ARENA 0			/* then the partitions, then the blocks' own */
#define BYTES_PER_BLOCK 1024	/* expected: sizes the table of blocks */

int			omni_stock_memory = 262144;

static HTAB *blocks = NULL;
static LWLockPadded *locks = NULL;
static int	block_tranche = 0;

/* The most blocks that the setting gives room for. */
static long
max_blocks(void)
{
	return Max(1024, (Size) omni_stock_memory * 1024 / BYTES_PER_BLOCK);
}

static Size
arena_size(void)
{
	return omni_stock_arena_size();
}

static void
init_arena(void *area, bool found)
{
	locks = GetNamedLWLockTranche("omni_stock");
	block_tranche = locks[0].lock.tranche;
	omni_stock_arena_init(area, found, &locks[LOCK_ARENA].lock);
}

static Size
table_size(void)
{
	return hash_estimate_size(max_blocks(), sizeof(OmniBlock));
}

static void
init_table(void *area, bool found)
{
	HASHCTL		info;

	memset(&info, 0, sizeof(info));
	info.keysize = sizeof(OmniBlockKey);
	info.entrysize = sizeof(OmniBlock);
	info.num_partitions = NPARTITIONS;
	blocks = ShmemInitHash("omni stock blocks", max_blocks(), max_blocks(),
						   &info,
						   HASH_ELEM | HASH_BLOBS | HASH_PARTITION |
						   HASH_FIXED_SIZE);
}

/* ShmemInitHash asks for its memory itself, so the item only reserves it. */
static const OmniShmemItem arena_item = {
	.name = "omni stock arena",
	.size = arena_size,
	.init = init_arena,
	.tranche = "omni_stock",
	.nlocks = 1 + NPARTITIONS
};

static void
request_table(void)
{
	RequestAddinShmemSpace(table_size());
}

static shmem_request_hook_type prev_request_hook = NULL;

static void
request_hook(void)
{
	if (prev_request_hook)
		prev_request_hook();
	request_table();
}

static const OmniShmemItem table_item = {
	.name = "omni stock table",
	.init = init_table
};

/* Without preload there is nothing to size, and no counter to use. */
void
omni_stock_block_init(void)
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
	omni_core_register_shmem(&arena_item);
	omni_core_register_shmem(&table_item);
	prev_request_hook = shmem_request_hook;
	shmem_request_hook = request_hook;
}

static inline LWLock *
partition_lock(uint32 hash)
{
	return &locks[1 + hash % NPARTITIONS].lock;
}

/* Find or make the block and pin it; OM012 when the table is full. */
OmniBlock *
omni_stock_block_pin(const OmniBlockKey *key)
{
	uint32		hash = get_hash_value(blocks, key);
	LWLock	   *lock = partition_lock(hash);
	OmniBlock  *block;
	bool		found;

	LWLockAcquire(lock, LW_SHARED);
	block = hash_search_with_hash_value(blocks, key, hash, HASH_FIND, NULL);
	if (block)
		pg_atomic_fetch_add_u32(&block->pins, 1);
	LWLockRelease(lock);
	if (block)
		return block;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	block = hash_search_with_hash_value(blocks, key, hash, HASH_ENTER_NULL,
										&found);
	if (block && !found)
	{
		memset((char *) block + sizeof(OmniBlockKey), 0,
			   sizeof(OmniBlock) - sizeof(OmniBlockKey));
		pg_atomic_init_u32(&block->pins, 0);
		LWLockInitialize(&block->lock, block_tranche);
		ConditionVariableInit(&block->loaded);
		block->state = OMNI_BLOCK_EMPTY;
	}
	if (block)
		pg_atomic_fetch_add_u32(&block->pins, 1);
	LWLockRelease(lock);
	if (block == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_MEMORY),
				 errmsg("no memory left for another item's counters"),
				 errhint("Raise omni.stock_memory in postgresql.conf and restart the server.")));
	return block;
}

void
omni_stock_block_unpin(OmniBlock *block)
{
	pg_atomic_fetch_sub_u32(&block->pins, 1);
}

void
omni_stock_block_lock(OmniBlock *block)
{
	LWLockAcquire(&block->lock, LW_EXCLUSIVE);
}

void
omni_stock_block_unlock(OmniBlock *block)
{
	LWLockRelease(&block->lock);
}

/* The node's slot or NULL; block locked. */
OmniSlot *
omni_stock_slot_find(OmniBlock *block, int64 node)
{
	uint32		mask = block->capacity - 1;
	uint32		i;

	if (block->capacity == 0)
		return NULL;
	for (i = omni_stock_hash(node) & mask;
		 block->slots[i].node != 0; i = (i + 1) & mask)
		if (block->slots[i].node == node)
			return &block->slots[i];
	return NULL;
}

/* Add a slot, empty and not sellable; NULL when there is no room. */
OmniSlot *
omni_stock_slot_add(OmniBlock *block, int64 node)
{
	uint32		mask = block->capacity - 1;
	uint32		i;

	if (block->capacity == 0 || (block->nslots + 1) * 4 > block->capacity * 3)
		return NULL;
	for (i = omni_stock_hash(node) & mask;
		 block->slots[i].node != 0; i = (i + 1) & mask)
		;
	memset(&block->slots[i], 0, sizeof(OmniSlot));
	block->slots[i].node = node;
	block->nslots++;
	return &block->slots[i];
}

/*
 * Make room for "nodes" more slots; called without the block's lock.  OM012
 * when the arena is used up.
 */
void
omni_stock_block_grow(OmniBlock *block, int nodes)
{
	int			capacity = 4;
	int			needed;
	OmniSlot   *slots;
	OmniSlot   *old;
	int			nold;

	omni_stock_block_lock(block);
	needed = block->nslots + nodes;
	nold = block->capacity;
	omni_stock_block_unlock(block);
	while (needed * 4 > capacity * 3)
		capacity *= 2;
	if (capacity <= nold)
		return;

	slots = omni_stock_arena_alloc(sizeof(OmniSlot) * capacity);
	if (slots == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_MEMORY),
				 errmsg("no memory left for the counters of another node"),
				 errhint("Raise omni.stock_memory in postgresql.conf and restart the server.")));
	memset(slots, 0, sizeof(OmniSlot) * capacity);

	omni_stock_block_lock(block);
	old = slots;
	nold = capacity;
	if (block->capacity < capacity)
	{
		old = block->slots;
		nold = block->capacity;
		block->slots = slots;
		block->capacity = capacity;
		for (int i = 0; i < nold; i++)
		{
			uint32		j;

			if (old[i].node == 0)
				continue;
			for (j = omni_stock_hash(old[i].node) & (capacity - 1);
				 slots[j].node != 0; j = (j + 1) & (capacity - 1))
				;
			slots[j] = old[i];
		}
	}
	omni_stock_block_unlock(block);
	if (old)
		omni_stock_arena_free(old, sizeof(OmniSlot) * nold);
}

/* c of the node as if the deltas were applied, sellable or not. */
int64
omni_stock_free_with(const OmniSlot *slot, int64 d_on_hand, int64 d_reserved)
{
	int64		on_hand = slot->on_hand + d_on_hand;
	int64		reserved = slot->reserved + d_reserved;
	int64		a = on_hand - reserved;

	if (a >= slot->safety)
		return a - slot->safety;
	return Min(0, Max(on_hand, 0) - reserved);
}

/* c of the node; 0 where nothing is sold from it. */
int64
omni_stock_slot_free(const OmniSlot *slot)
{
	return slot->sellable ? omni_stock_free_with(slot, 0, 0) : 0;
}

/* Change a slot, or the pool's reservations, and the pool's sum with it. */
void
omni_stock_slot_apply(OmniBlock *block, int64 node, int64 d_on_hand,
					  int64 d_reserved)
{
	OmniSlot   *slot;

	if (node == OMNI_POOL)
	{
		block->pool_reserved += d_reserved;
		return;
	}
	slot = omni_stock_slot_find(block, node);
	Assert(slot != NULL);
	block->pool_sum -= omni_stock_slot_free(slot);
	block->nshort -= slot->on_hand < slot->reserved;
	slot->on_hand += d_on_hand;
	slot->reserved += d_reserved;
	block->nshort += slot->on_hand < slot->reserved;
	block->pool_sum += omni_stock_slot_free(slot);
}

/* The sums over slots anew, after they were filled or a policy changed. */
void
omni_stock_block_recount(OmniBlock *block)
{
	block->pool_sum = 0;
	block->nshort = 0;
	for (int i = 0; i < block->capacity; i++)
	{
		OmniSlot   *slot = &block->slots[i];

		if (slot->node == 0)
			continue;
		block->pool_sum += omni_stock_slot_free(slot);
		block->nshort += slot->on_hand < slot->reserved;
	}
}

/* Forget what a failed load left; block locked. */
void
omni_stock_block_clear(OmniBlock *block)
{
	for (int i = 0; i < block->nbuckets; i++)
		while (block->buckets[i])
			omni_stock_promise_remove(block, block->buckets[i]);
	if (block->capacity)
		memset(block->slots, 0, sizeof(OmniSlot) * block->capacity);
	block->nslots = 0;
	block->nshort = 0;
	block->pool_sum = 0;
	block->pool_reserved = 0;
}

/* Every READY block of this database and ledger, pinned. */
int
omni_stock_block_list(Oid ledger, OmniBlock ***list)
{
	HASH_SEQ_STATUS status;
	OmniBlock  *block;
	int			n = 0;
	long		room = hash_get_num_entries(blocks) + 64;

	*list = palloc_extended(sizeof(OmniBlock *) * room, MCXT_ALLOC_HUGE);
	for (int i = 0; i < NPARTITIONS; i++)
		LWLockAcquire(&locks[1 + i].lock, LW_SHARED);
	hash_seq_init(&status, blocks);
	while ((block = hash_seq_search(&status)) != NULL)
	{
		if (n < room && block->key.database == MyDatabaseId &&
			block->key.ledger == ledger && block->state == OMNI_BLOCK_READY)
		{
			pg_atomic_fetch_add_u32(&block->pins, 1);
			(*list)[n++] = block;
		}
	}
	for (int i = NPARTITIONS - 1; i >= 0; i--)
		LWLockRelease(&locks[1 + i].lock);
	return n;
}
