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

/* Where a node's slot is, or would be; there is a free one. */
static OmniSlot *
probe(const OmniPaged *slots, int64 node)
{
	uint32		mask = slots->n - 1;

	for (uint32 i = omni_stock_hash(node) & mask;; i = (i + 1) & mask)
	{
		OmniSlot   *slot = omni_stock_paged_at(slots, i, sizeof(OmniSlot));

		if (slot->node == node || slot->node == 0)
			return slot;
	}
}

/* The node's slot or NULL; block locked. */
OmniSlot *
omni_stock_slot_find(OmniBlock *block, int64 node)
{
	OmniSlot   *slot;

	if (block->slots.n == 0)
		return NULL;
	slot = probe(&block->slots, node);
	return slot->node != 0 ? slot : NULL;
}

/* Add a slot, empty and not sellable; NULL when there is no room. */
OmniSlot *
omni_stock_slot_add(OmniBlock *block, int64 node)
{
	OmniSlot   *slot;

	if ((block->nslots + 1) * INT64CONST(4) > block->slots.n * INT64CONST(3))
		return NULL;
	slot = probe(&block->slots, node);
	memset(slot, 0, sizeof(OmniSlot));
	slot->node = node;
	block->nslots++;
	return slot;
}

/*
 * Make room for "nodes" more slots; called without the block's lock.  OM012
 * when the arena is used up.
 */
void
omni_stock_block_grow(OmniBlock *block, int nodes)
{
	uint32		capacity = 4;
	int64		needed;
	uint32		have;
	OmniPaged	slots;

	omni_stock_block_lock(block);
	needed = block->nslots + nodes;
	have = block->slots.n;
	omni_stock_block_unlock(block);
	while (needed * 4 > capacity * INT64CONST(3))
		capacity *= 2;
	if (capacity <= have)
		return;

	if (!omni_stock_paged_alloc(&slots, capacity, sizeof(OmniSlot)))
		omni_stock_raise_full("no memory left for the counters of another node");
	omni_stock_block_lock(block);
	if (block->slots.n < capacity)
	{
		OmniPaged	old = block->slots;

		for (uint32 i = 0; i < old.n; i++)
		{
			OmniSlot   *slot = omni_stock_slot_at(block, i);

			if (slot->node != 0)
				*probe(&slots, slot->node) = *slot;
		}
		block->slots = slots;
		slots = old;
	}
	omni_stock_block_unlock(block);
	(void) omni_stock_paged_free(&slots, sizeof(OmniSlot));
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
	for (uint32 i = 0; i < block->slots.n; i++)
	{
		OmniSlot   *slot = omni_stock_slot_at(block, i);

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
	omni_stock_promise_remove_all(block);
	for (uint32 i = 0; i < block->slots.n; i++)
		memset(omni_stock_slot_at(block, i), 0, sizeof(OmniSlot));
	block->nslots = 0;
	block->nshort = 0;
	block->pool_sum = 0;
	block->pool_reserved = 0;
}

/* Give everything but the block itself back; nobody can find it any more. */
Size
omni_stock_block_free_parts(OmniBlock *block)
{
	omni_stock_doubt_forget(block);
	return omni_stock_promise_free_all(block) +
		omni_stock_paged_free(&block->slots, sizeof(OmniSlot));
}
