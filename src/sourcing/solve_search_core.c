/*
 * solve_search_core.c
 *	  The cheapest choice of columns, by complete search.
 *
 * Lines are settled one after the other, scarce ones first: by columns in the
 * order of their reduced cost, or by leaving what is left unfilled.  All terms
 * above the floor are >= 0, so a branch ends as soon as they reach what the
 * best solution found so far has; the rest of a sorted list ends with it.
 *
 * Every column belongs to the list of its first line; what was settled before
 * has nothing left, so columns of other lists cannot fit.  Within a line
 * columns are taken in ascending order.  So each choice is seen exactly once.
 *
 * What is left of an order is a set of fields, each with a guard bit above it:
 * a column fits if no guard is borrowed from when it is taken off.
 */
#include <string.h>

#include "sourcing/solve_work.h"

typedef struct Search
{
	OmniSolveWork *work;
	int64_t		limit;			/* what must be undercut */
	int64_t		refunds;		/* of the survivors that are not used */
	int			npath;
	int			nbest;			/* -1: nothing found */
} Search;

/* Of a line at a place: what is left, in levels. */
static inline int64_t
left_of(const OmniSolveWorkLine *line, const OmniSolveSet *left)
{
	return (int64_t) ((left->word[line->word] >> line->shift) &
					  (((uint64_t) 1 << line->bits) - 1));
}

/* Take a column off what is left; false: it does not fit. */
static inline bool
take_off(const OmniSolveWork *work, const OmniSolveSet *left,
		 const OmniSolveSet *set, OmniSolveSet *rest)
{
	for (int w = 0; w < work->words; w++)
	{
		uint64_t	word = (left->word[w] | work->guards.word[w]) -
			set->word[w];

		if ((word & work->guards.word[w]) != work->guards.word[w])
			return false;
		rest->word[w] = word & ~work->guards.word[w];
	}
	return true;
}

/* The first place of which a column takes something. */
static int
first_place(const OmniSolveWork *work, const OmniSolveSet *set)
{
	for (int w = 0; w < work->words; w++)
	{
		if (set->word[w] != 0)
			return work->place_of_bit[w * 64 +
									  __builtin_ctzll(set->word[w])];
	}
	return 0;
}

/* Sort columns by reduced cost, then by number (Shell's method). */
static void
sort_list(const OmniSolveColumn *columns, int32_t *list, int n)
{
	static const int gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};

	for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
	{
		int			gap = gaps[g];

		for (int i = gap; i < n; i++)
		{
			int32_t		moved = list[i];
			int64_t		key = columns[moved].reduced;
			int			place = i;

			for (; place >= gap; place -= gap)
			{
				int32_t		other = list[place - gap];

				if (columns[other].reduced < key ||
					(columns[other].reduced == key && other < moved))
					break;
				list[place] = other;
			}
			list[place] = moved;
		}
	}
}

/* One list for each place. */
static void
make_lists(OmniSolveWork *work)
{
	int			nlines = work->problem->nlines;
	int32_t		start = 0;

	memset(work->list_start, 0, sizeof(int32_t) * (nlines + 1));
	for (int c = 0; c < work->ncolumns; c++)
	{
		work->columns[c].place = first_place(work, &work->columns[c].set);
		work->list_start[work->columns[c].place]++;
	}
	for (int p = 0; p <= nlines; p++)
	{
		int32_t		n = work->list_start[p];

		work->list_start[p] = start;
		start += n;
	}
	for (int c = 0; c < work->ncolumns; c++)
		work->list[work->list_start[work->columns[c].place]++] = c;
	for (int p = nlines; p > 0; p--)
		work->list_start[p] = work->list_start[p - 1];
	work->list_start[0] = 0;
	for (int p = 0; p < nlines; p++)
		sort_list(work->columns, work->list + work->list_start[p],
				  work->list_start[p + 1] - work->list_start[p]);
	spend(work, work->ncolumns);
}

/*
 * Settle the line at "place" and all later ones; "next" is the first column of
 * its list that may be taken.  False: the budget is used up.
 */
static bool
settle(Search *search, int place, int32_t next, const OmniSolveSet *left,
	   int64_t spent)
{
	OmniSolveWork *work = search->work;
	const OmniSolveProblem *problem = work->problem;
	const OmniSolveWorkLine *line;
	int64_t		open;

	if (!spend(work, 1))
		return false;
	for (;; place++, next = -1)
	{
		if (place == problem->nlines)
		{
			if (problem->max_nodes > 0)
				spent += work->toll * (problem->max_nodes - search->npath);
			spent += search->refunds;
			if (search->npath > 0 && spent < search->limit)
			{
				search->limit = spent;
				search->nbest = search->npath;
				memcpy(work->path_best, work->path,
					   sizeof(int32_t) * search->npath);
			}
			return true;
		}
		line = &work->lines[work->order[place]];
		open = left_of(line, left);
		if (open > 0)
			break;
	}
	if (next < 0)
		next = work->list_start[place];

	if (problem->max_nodes == 0 || search->npath < problem->max_nodes)
	{
		for (; next < work->list_start[place + 1]; next++)
		{
			const OmniSolveColumn *column = &work->columns[work->list[next]];
			OmniSolveSet rest = {{0}};
			bool		went_on;

			work->work++;
			if (spent + column->reduced >= search->limit)
				break;
			if (work->used[column->survivor] ||
				!take_off(work, left, &column->set, &rest))
				continue;
			work->used[column->survivor] = 1;
			search->refunds -= work->survivors[column->survivor].refund;
			work->path[search->npath++] = work->list[next];
			went_on = settle(search, place, next + 1, &rest,
							 spent + column->reduced);
			search->npath--;
			search->refunds += work->survivors[column->survivor].refund;
			work->used[column->survivor] = 0;
			if (!went_on)
				return false;
		}
	}
	if (line->unfilled < OMNI_SOLVE_NEVER)
	{
		OmniSolveSet rest = *left;

		spent += open * (line->unfilled - line->price);
		if (spent >= search->limit)
			return true;
		rest.word[line->word] &=
			~((((uint64_t) 1 << line->bits) - 1) << line->shift);
		return settle(search, place + 1, -1, &rest, spent);
	}
	return true;
}

/* Keep what the search has found as the solution at hand. */
static void
keep_path(OmniSolveWork *work, const Search *search)
{
	const OmniSolveProblem *problem = work->problem;

	work->nbest_parts = 0;
	for (int i = 0; i < search->nbest; i++)
	{
		const OmniSolveColumn *column = &work->columns[work->path_best[i]];

		for (int l = 0; l < problem->nlines; l++)
		{
			const OmniSolveWorkLine *line = &work->lines[l];
			int64_t		levels = left_of(line, &column->set);
			OmniSolvePart *part;

			if (levels == 0)
				continue;
			part = &work->best_parts[work->nbest_parts++];
			part->node = work->survivors[column->survivor].node;
			part->line = l;
			part->units = (int32_t) (levels * line->per_level);
		}
	}
	work->best = (work->floor + search->limit) >> OMNI_SOLVE_SCALE;
}

/*
 * Search the columns for a solution whose terms above the floor stay below
 * "gap", and keep the best.  False: the budget was used up (what was found by
 * then is kept).
 */
bool
omni_sourcing_search(OmniSolveWork *work, int64_t gap)
{
	Search		search = {.work = work,.limit = gap,.nbest = -1,
	.refunds = work->refunds};
	bool		complete;

	make_lists(work);
	memset(work->used, 0, work->nsurvivors);
	complete = settle(&search, 0, -1, &work->all, 0);
	if (search.nbest >= 0)
		keep_path(work, &search);
	return complete;
}
