/*
 * block.c
 *	  Inside a block: its slots, and the counters' arithmetic.
 *
 * Everything inside a block is protected by the block's own lock, held for
 * nanoseconds: never two block locks at once, nothing else taken under one,
 * and nothing that can fail.  table.c finds and pins blocks.
 *
 * With a = on_hand - reserved a node offers c = a - safety if a >= safety,
 * else min(0, max(on_hand, 0) - reserved): an undercut safety stock gives
 * nothing, and only broken promises weigh on the pool.  The pool's counter is
 * the sum of c over sellable nodes less what is reserved at pool level.
 */
#include "omni.h"

#include "stock/block.h"

StaticAssertDecl(sizeof(OmniBlock) <= 256,
				 "a block takes 256 bytes of the arena");
StaticAssertDecl(sizeof(OmniSlot) == 32, "a slot takes 32 bytes");
StaticAssertDecl(sizeof(OmniPromise) <= 128, "a promise takes 128 bytes");

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

	slots = omni_stock_alloc(sizeof(OmniSlot) * capacity);
	if (slots == NULL)
		omni_stock_raise_full("no memory left for the counters of another node");
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
	slot->on_hand += d_on_hand;
	slot->reserved += d_reserved;
	block->pool_sum += omni_stock_slot_free(slot);
}

/* The pool's sum anew, after safety or sellable changed. */
void
omni_stock_block_recount(OmniBlock *block)
{
	block->pool_sum = 0;
	for (int i = 0; i < block->capacity; i++)
		if (block->slots[i].node != 0)
			block->pool_sum += omni_stock_slot_free(&block->slots[i]);
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
	block->pool_sum = 0;
	block->pool_reserved = 0;
}

/* Give everything but the block itself back; nobody can find it any more. */
Size
omni_stock_block_free_parts(OmniBlock *block)
{
	Size		freed = omni_stock_promise_free_all(block);

	if (block->capacity)
		freed += omni_stock_arena_free(block->slots,
									   sizeof(OmniSlot) * block->capacity);
	return freed;
}
