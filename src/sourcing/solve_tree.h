/*
 * solve_tree.h
 *	  What branching over nodes and sharing an order among them have in common;
 *	  included by solve_tree_core.c and solve_share_core.c alone.
 */
#ifndef OMNI_SOURCING_SOLVE_TREE_H
#define OMNI_SOURCING_SOLVE_TREE_H

#include "sourcing/solve_work.h"

typedef struct OmniSolveHolder
{
	int64_t		low;			/* cost per level with freight */
	int32_t		site;			/* within the frame */
	int32_t		levels;
} OmniSolveHolder;

/*
 * A site that is in: it ships from lo to hi brackets, which cost at least
 * base + slope * brackets; a row has what it holds by line.
 */
typedef struct OmniSolveInside
{
	int32_t		survivor;
	int32_t		lo;
	int32_t		hi;
	int64_t		slope;
	int64_t		base;			/* with all that a site costs once */
	const int64_t *freight;		/* by brackets, scaled */
	OmniSolveHolder	   *row;
	int64_t		load;			/* grams, where it is the cheapest */
} OmniSolveInside;

/* The state of a search: it needs nothing of the frames before it. */
typedef struct OmniSolveFrame
{
	OmniSolveInside	   *inside;
	int			ninside;
	int64_t    *top;			/* by line: what a price may be at most */
	int64_t    *cap;			/* by line: the same, however sites lean */

	int64_t		floor;			/* without negative slacks */
	int64_t    *price;			/* by line */
	int32_t    *start;			/* by line: in holders */
	OmniSolveHolder	   *holders;
	int64_t    *slack;			/* by site; NEVER: out */
	int32_t    *name;			/* by site: survivor and piece */
	int32_t		nsites;
} OmniSolveFrame;

typedef struct OmniSolveTree
{
	OmniSolveWork *work;
	char	   *room;
	size_t		used;
	size_t		size;
	int64_t		target;			/* scaled */
	int64_t		fixed;			/* what every bound starts with */
	int64_t		least;			/* of the leaves below the target */
	int64_t		steepest;		/* slope that is tried */
	int32_t    *nowhere;		/* starts of no holders */
	int64_t		most_sharing;	/* steps of one attempt to share an order */
} OmniSolveTree;

/* ---- shared helpers ---- */

/* Room for a part of a frame; NULL: there is none. */
static inline void *
omni_sourcing_tree_room(OmniSolveTree *tree, size_t bytes)
{
	void	   *given = tree->room + tree->used;

	bytes = (bytes + 15) & ~(size_t) 15;
	if (tree->size - tree->used < bytes)
		return NULL;
	tree->used += bytes;
	return given;
}

/* Nothing above the best solution needs to be searched. */
static inline void
lower_target(OmniSolveTree *tree)
{
	int64_t		whole = (tree->work->best - 1) * OMNI_SOLVE_ONE + 1;

	if (tree->target > whole)
		tree->target = whole;
}

/* ---- solve_share_core.c ---- */
extern bool omni_sourcing_share_order(OmniSolveTree *tree,
									  const OmniSolveFrame *frame,
									  int64_t bound);

#endif							/* OMNI_SOURCING_SOLVE_TREE_H */
