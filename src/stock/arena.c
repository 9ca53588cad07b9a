/*
 * arena.c
 *	  Memory of the blocks: a buddy allocator over one area of shared memory.
 *
 * The area is part of the main shared memory segment, mapped in every process
 * at the same address: so pointers may be stored, and a transaction callback
 * can follow them without attaching anything.  Sizes are rounded up to powers
 * of two.  Protected by one LWLock, held for a split or a merge; no other lock
 * is taken under it.  Nothing survives a crash.
 */
#include "omni.h"

#include "port/pg_bitutils.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "stock/block.h"

#define MIN_SHIFT 7				/* 128 bytes: a promise */
#define MAX_SHIFT 26			/* 64 MB */
#define NORDERS (MAX_SHIFT - MIN_SHIFT + 1)
#define USED 0x80

typedef struct FreeChunk
{
	struct FreeChunk *prev;
	struct FreeChunk *next;
} FreeChunk;

typedef struct Arena
{
	Size		units;			/* constant */
	Size		used;			/* bytes; all below: protected by the lock */
	FreeChunk  *free[NORDERS];
	char	   *base;			/* first unit; constant */
	uint8		map[FLEXIBLE_ARRAY_MEMBER]; /* per unit, at a chunk's first:
											 * order, and USED */
} Arena;

static Arena *arena = NULL;
static LWLock *arena_lock = NULL;

/* How many units the setting asks for. */
static Size
wanted_units(void)
{
	return ((Size) omni_stock_memory * 1024) >> MIN_SHIFT;
}

Size
omni_stock_arena_size(void)
{
	Size		units = wanted_units();

	return add_size(add_size(offsetof(Arena, map), units + PG_CACHE_LINE_SIZE),
					units << MIN_SHIFT);
}

/* Put a chunk of this order on its free list. */
static void
push_chunk(Size unit, int order)
{
	FreeChunk  *chunk = (FreeChunk *) (arena->base + (unit << MIN_SHIFT));

	arena->map[unit] = order;
	chunk->prev = NULL;
	chunk->next = arena->free[order];
	if (chunk->next)
		chunk->next->prev = chunk;
	arena->free[order] = chunk;
}

/* Take a chunk off its free list. */
static void
unlink_chunk(FreeChunk *chunk, int order)
{
	if (chunk->prev)
		chunk->prev->next = chunk->next;
	else
		arena->free[order] = chunk->next;
	if (chunk->next)
		chunk->next->prev = chunk->prev;
}

void
omni_stock_arena_init(void *area, bool found, LWLock *lock)
{
	arena = (Arena *) area;
	arena_lock = lock;
	if (found)
		return;

	arena->units = wanted_units();
	arena->used = 0;
	memset(arena->free, 0, sizeof(arena->free));
	memset(arena->map, 0, arena->units);
	arena->base = (char *) CACHELINEALIGN(arena->map + arena->units);

	/* the largest aligned chunks that fit, from the start on */
	for (Size unit = 0; unit < arena->units;)
	{
		int			order = NORDERS - 1;

		while ((unit & (((Size) 1 << order) - 1)) != 0 ||
			   unit + ((Size) 1 << order) > arena->units)
			order--;
		push_chunk(unit, order);
		unit += (Size) 1 << order;
	}
}

/* The order whose chunks hold "size" bytes. */
static int
size_order(Size size)
{
	int			shift = MIN_SHIFT;

	while (((Size) 1 << shift) < size)
		shift++;
	return shift - MIN_SHIFT;
}

/* A chunk of at least "size" bytes, not zeroed; NULL when there is none. */
void *
omni_stock_arena_alloc(Size size)
{
	int			want = size_order(size);
	int			order;
	FreeChunk  *chunk;
	Size		unit;

	if (want >= NORDERS)
		return NULL;

	LWLockAcquire(arena_lock, LW_EXCLUSIVE);
	for (order = want; order < NORDERS && arena->free[order] == NULL;)
		order++;
	if (order >= NORDERS)
	{
		LWLockRelease(arena_lock);
		return NULL;
	}
	chunk = arena->free[order];
	unlink_chunk(chunk, order);
	unit = ((char *) chunk - arena->base) >> MIN_SHIFT;
	while (order > want)
	{
		order--;
		push_chunk(unit + ((Size) 1 << order), order);
	}
	arena->map[unit] = want | USED;
	arena->used += (Size) 1 << (want + MIN_SHIFT);
	LWLockRelease(arena_lock);
	return chunk;
}

/* Give back what omni_stock_arena_alloc(size) returned; bytes of the chunk. */
Size
omni_stock_arena_free(void *pointer, Size size)
{
	int			order = size_order(size);
	Size		bytes = (Size) 1 << (order + MIN_SHIFT);
	Size		unit = ((char *) pointer - arena->base) >> MIN_SHIFT;

	LWLockAcquire(arena_lock, LW_EXCLUSIVE);
	Assert(arena->map[unit] == (order | USED));
	arena->used -= bytes;
	while (order < NORDERS - 1)
	{
		Size		buddy = unit ^ ((Size) 1 << order);

		if (buddy + ((Size) 1 << order) > arena->units ||
			arena->map[buddy] != order)
			break;
		unlink_chunk((FreeChunk *) (arena->base + (buddy << MIN_SHIFT)),
					 order);
		/* the upper half's entry must not look like a chunk's first */
		arena->map[Max(unit, buddy)] = USED;
		unit = Min(unit, buddy);
		order++;
	}
	push_chunk(unit, order);
	LWLockRelease(arena_lock);
	return bytes;
}

/* Bytes that there are. */
Size
omni_stock_arena_total(void)
{
	return arena->units << MIN_SHIFT;
}

/* Bytes in use. */
Size
omni_stock_arena_used(void)
{
	Size		used;

	LWLockAcquire(arena_lock, LW_SHARED);
	used = arena->used;
	LWLockRelease(arena_lock);
	return used;
}
