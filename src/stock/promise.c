/*
 * promise.c
 *	  Promises that the block must know itself: those with a time limit, and
 *	  those that a transaction has claimed.
 *
 * Exactly one of clock, abort and close returns a promise: its entry is held,
 * claimed or gone, changed under the block's lock, which the caller of every
 * function here but omni_stock_promise_reserve() holds.  Entries are allocated
 * before the ledger's row is written, and freed to the block's own list, so
 * that no other lock is taken under the block's.
 */
#include "omni.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "stock/block.h"

#define FIRST_BUCKETS 16
#define FREE_TO_KEEP 256		/* entries, beside as many as are in use */
#define SURPLUS_AT_ONCE 16

/* Earliest deadline first: pairingheap wants the larger on top. */
static int
compare_deadlines(const pairingheap_node *a, const pairingheap_node *b,
				  void *arg)
{
	TimestampTz da = pairingheap_const_container(OmniPromise, heap, a)->deadline;
	TimestampTz db = pairingheap_const_container(OmniPromise, heap, b)->deadline;

	return (da < db) ? 1 : (da > db) ? -1 : 0;
}

/* The heap, with this process's address of the comparator. */
static pairingheap *
deadlines(OmniBlock *block)
{
	block->deadlines.ph_compare = compare_deadlines;
	return &block->deadlines;
}

/* The head of a reservation's chain; there is a table. */
static inline OmniPromise **
bucket_of(const OmniPaged *buckets, int64 reservation)
{
	return omni_stock_paged_at(buckets,
							   omni_stock_hash(reservation) & (buckets->n - 1),
							   sizeof(OmniPromise *));
}

/* The head of chain i. */
static inline OmniPromise **
bucket_at(const OmniBlock *block, uint32 i)
{
	return omni_stock_paged_at(&block->buckets, i, sizeof(OmniPromise *));
}

/* OM012: promises with a limit, or claimed, live within omni.stock_memory. */
static void
raise_full(void)
{
	omni_stock_raise_full("no memory left for a promise");
}

/* Give a list of free entries back; bytes freed. */
static Size
free_list(OmniPromise *promise)
{
	Size		freed = 0;

	while (promise)
	{
		OmniPromise *next = promise->next;

		freed += omni_stock_arena_free(promise, sizeof(OmniPromise));
		promise = next;
	}
	return freed;
}

/*
 * Take some entries off a free list that has become long for "wanted" more
 * promises, for the caller to give back when it has let go of the block.
 */
static OmniPromise *
detach_surplus(OmniBlock *block, int wanted)
{
	OmniPromise *surplus = NULL;

	for (int i = 0; i < SURPLUS_AT_ONCE &&
		 block->nfree > block->npromises + wanted + FREE_TO_KEEP; i++)
	{
		OmniPromise *promise = block->free_promises;

		block->free_promises = promise->next;
		block->nfree--;
		promise->next = surplus;
		surplus = promise;
	}
	return surplus;
}

/*
 * Have at least "wanted" buckets; called without the block's lock.  Where
 * memory is used up chains get longer, but there must be a table.
 */
static void
grow_buckets(OmniBlock *block, uint32 wanted)
{
	OmniPaged	buckets;

	if (!omni_stock_paged_alloc(&buckets, wanted, sizeof(OmniPromise *)))
	{
		if (block->buckets.n == 0)
			raise_full();
		return;
	}
	omni_stock_block_lock(block);
	if (block->buckets.n < wanted)
	{
		OmniPaged	old = block->buckets;

		for (uint32 i = 0; i < old.n; i++)
		{
			OmniPromise *next;

			for (OmniPromise *p = *bucket_at(block, i); p; p = next)
			{
				OmniPromise **bucket = bucket_of(&buckets, p->reservation);

				next = p->next;
				p->next = *bucket;
				*bucket = p;
			}
		}
		block->buckets = buckets;
		buckets = old;
	}
	omni_stock_block_unlock(block);
	(void) omni_stock_paged_free(&buckets, sizeof(OmniPromise *));
}

/*
 * Make sure that "n" entries can be added without allocating.  Called without
 * the block's lock, on a pinned block; what another session takes meanwhile
 * is asked for again by omni_stock_promise_add()'s caller.
 */
void
omni_stock_promise_reserve(OmniBlock *block, int n)
{
	int			have;
	uint32		had;
	uint32		wanted;
	OmniPromise *surplus;

	omni_stock_block_lock(block);
	surplus = detach_surplus(block, n);
	have = block->nfree;
	had = block->buckets.n;
	wanted = Max(had, FIRST_BUCKETS);
	while (wanted < (block->npromises + n) / 2)
		wanted *= 2;
	omni_stock_block_unlock(block);

	(void) free_list(surplus);
	if (wanted > had)
		grow_buckets(block, wanted);
	for (; have < n; have++)
	{
		OmniPromise *promise = omni_stock_alloc(sizeof(OmniPromise));

		if (promise == NULL)
			raise_full();
		omni_stock_block_lock(block);
		promise->next = block->free_promises;
		block->free_promises = promise;
		block->nfree++;
		omni_stock_block_unlock(block);
	}
}

/* Add a held entry; NULL when no free entry is left (reserve again). */
OmniPromise *
omni_stock_promise_add(OmniBlock *block, int64 reservation, int64 node,
					   int64 taken, TimestampTz deadline)
{
	OmniPromise *promise = block->free_promises;
	OmniPromise **bucket;

	if (promise == NULL || block->buckets.n == 0)
		return NULL;
	block->free_promises = promise->next;
	block->nfree--;
	memset(promise, 0, sizeof(*promise));
	promise->reservation = reservation;
	promise->node = node;
	promise->taken = taken;
	promise->deadline = deadline;
	promise->state = OMNI_PROMISE_HELD;
	bucket = bucket_of(&block->buckets, reservation);
	promise->next = *bucket;
	*bucket = promise;
	block->npromises++;
	if (!TIMESTAMP_IS_NOEND(deadline))
		pairingheap_add(deadlines(block), &promise->heap);
	return promise;
}

OmniPromise *
omni_stock_promise_find(OmniBlock *block, int64 reservation)
{
	if (block->buckets.n == 0)
		return NULL;
	for (OmniPromise *p = *bucket_of(&block->buckets, reservation); p; p = p->next)
		if (p->reservation == reservation)
			return p;
	return NULL;
}

/* Take an entry out of table and heap and keep its memory for the next. */
void
omni_stock_promise_remove(OmniBlock *block, OmniPromise *promise)
{
	OmniPromise **link = bucket_of(&block->buckets, promise->reservation);

	while (*link != promise)
		link = &(*link)->next;
	*link = promise->next;
	if (promise->state == OMNI_PROMISE_HELD &&
		!TIMESTAMP_IS_NOEND(promise->deadline))
		pairingheap_remove(deadlines(block), &promise->heap);
	promise->next = block->free_promises;
	block->free_promises = promise;
	block->nfree++;
	block->npromises--;
}

/* All entries of a block that has left the table. */
Size
omni_stock_promise_free_all(OmniBlock *block)
{
	Size		freed = free_list(block->free_promises);

	for (uint32 i = 0; i < block->buckets.n; i++)
		freed += free_list(*bucket_at(block, i));
	return freed + omni_stock_paged_free(&block->buckets,
										 sizeof(OmniPromise *));
}

/* Take all entries out, and keep their memory. */
void
omni_stock_promise_remove_all(OmniBlock *block)
{
	for (uint32 i = 0; i < block->buckets.n; i++)
		while (*bucket_at(block, i))
			omni_stock_promise_remove(block, *bucket_at(block, i));
}

/* Mark it as this process's to close; the clock leaves it alone. */
void
omni_stock_promise_claim(OmniBlock *block, OmniPromise *promise)
{
	Assert(promise->state == OMNI_PROMISE_HELD);
	if (!TIMESTAMP_IS_NOEND(promise->deadline))
		pairingheap_remove(deadlines(block), &promise->heap);
	promise->state = OMNI_PROMISE_CLAIMED;
	promise->claimer = MyProcPid;
}

/* The claim ended and the promise goes on; an overdue one expires next. */
void
omni_stock_promise_unclaim(OmniBlock *block, OmniPromise *promise)
{
	promise->state = OMNI_PROMISE_HELD;
	promise->claimer = 0;
	if (!TIMESTAMP_IS_NOEND(promise->deadline))
		pairingheap_add(deadlines(block), &promise->heap);
}

/* Give back every held promise whose time has come. */
void
omni_stock_promise_expire(OmniBlock *block, TimestampTz now)
{
	while (!pairingheap_is_empty(&block->deadlines))
	{
		OmniPromise *promise;

		promise = pairingheap_container(OmniPromise, heap,
										pairingheap_first(&block->deadlines));
		if (promise->deadline > now)
			return;
		omni_stock_slot_apply(block, promise->node, 0, -promise->taken);
		if (promise->in_flight)
		{
			pairingheap_remove(deadlines(block), &promise->heap);
			promise->state = OMNI_PROMISE_EXPIRED;
		}
		else
			omni_stock_promise_remove(block, promise);
	}
}
