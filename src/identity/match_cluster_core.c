/*
 * match_cluster_core.c
 *	  From probabilities of pairs to clusters of records.
 *
 * Connected components would chain: a father's record that lacks the birth
 * date is close to the son's. So a component is only where clusters are looked
 * for. In it every pair is compared, those too that share no key, and the two
 * clusters that are closest on average are joined, again and again, as long
 * as the average of the log odds is positive: evidence of all members is
 * pooled, and who has little to say is outvoted. The odds of one pair are
 * bounded before, so that no pair alone decides. What must not be together (a
 * person's decision, two records of a source without duplicates, father and
 * son) keeps whole clusters apart.
 *
 * Components that are too large for this are cut along their weakest links
 * first; only records that are all but identical stay together unexamined.
 */
#include "identity/match_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DENSE_MAX	1000		/* records that are compared all with all */
#define BEST_ODDS	8.0			/* bounds of one pair's log odds */
#define WORST_ODDS	(-6.0)
#define CUT_STEP	2.0			/* how the bar rises for large components */
#define COPY_ODDS	99.0f		/* of records that are the same in all */
#define CUT_MOST	24.0		/* links beyond this bar are not examined */

/* A record of a component. */
typedef struct Item
{
	uint32_t	root;
	uint32_t	record;
} Item;

/* The clusters of one component while they are joined. */
typedef struct Joiner
{
	OmniMatchEngine *engine;
	const uint32_t *members;
	int			k;
	float	   *sums;			/* k × k: log odds of all pairs between two */
	uint8_t    *apart;			/* k × k */
	int		   *size;			/* 0: joined to another */
	int		   *into;			/* the cluster of each member */
	int		   *nearest;		/* of each cluster, or -1 */
} Joiner;

/* The root of a record's tree. */
static uint32_t
find_root(uint32_t *parent, uint32_t x)
{
	while (parent[x] != x)
		x = parent[x] = parent[parent[x]];
	return x;
}

/* Join two trees; the smaller number is the root. */
static void
join_trees(uint32_t *parent, uint32_t a, uint32_t b)
{
	a = find_root(parent, a);
	b = find_root(parent, b);
	if (a < b)
		parent[b] = a;
	else
		parent[a] = b;
}

static int
compare_items(const void *a, const void *b)
{
	const Item *x = a;
	const Item *y = b;

	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

/* The average log odds between two clusters. */
static inline double
average(const Joiner *joiner, int i, int j)
{
	return joiner->sums[(size_t) i * joiner->k + j] /
		((double) joiner->size[i] * joiner->size[j]);
}

/* Find the nearest cluster that i may be joined with. */
static void
find_nearest(Joiner *joiner, int i)
{
	double		best = 0;

	joiner->nearest[i] = -1;
	for (int j = 0; j < joiner->k; j++)
	{
		double		odds;

		if (j == i || joiner->size[j] == 0 ||
			joiner->apart[(size_t) i * joiner->k + j])
			continue;
		odds = average(joiner, i, j);
		if (odds > best)
		{
			best = odds;
			joiner->nearest[i] = j;
		}
	}
}

/* Join cluster j to cluster i. */
static void
join_clusters(Joiner *joiner, int i, int j)
{
	int			k = joiner->k;

	for (int x = 0; x < k; x++)
	{
		if (joiner->into[x] == j)
			joiner->into[x] = i;
		if (joiner->size[x] == 0 || x == i || x == j)
			continue;
		joiner->sums[(size_t) i * k + x] += joiner->sums[(size_t) j * k + x];
		joiner->sums[(size_t) x * k + i] = joiner->sums[(size_t) i * k + x];
		joiner->apart[(size_t) i * k + x] |=
			joiner->apart[(size_t) j * k + x];
		joiner->apart[(size_t) x * k + i] = joiner->apart[(size_t) i * k + x];
	}
	joiner->size[i] += joiner->size[j];
	joiner->size[j] = 0;
}

/* Compare all members with each other. */
static void
compare_members(Joiner *joiner)
{
	OmniMatchEngine *engine = joiner->engine;
	int			k = joiner->k;

	for (int i = 0; i < k; i++)
	{
		joiner->size[i] = 1;
		joiner->into[i] = i;
		if ((i & 63) == 63)
			engine->env.tick(engine->env.arg, OMNI_MATCH_PHASE_CLUSTER,
							 joiner->members[i], engine->n);
		for (int j = 0; j < i; j++)
		{
			uint32_t	a = joiner->members[j];
			uint32_t	b = joiner->members[i];
			uint64_t	vector = omni_match_compare(engine, a, b);
			double		odds = omni_match_odds(engine, a, b, vector);
			bool		apart = omni_match_apart(engine, a, b, vector);

			if (odds > BEST_ODDS)
				odds = BEST_ODDS;
			if (odds < WORST_ODDS)
				odds = WORST_ODDS;
			joiner->sums[(size_t) i * k + j] = (float) odds;
			joiner->sums[(size_t) j * k + i] = (float) odds;
			joiner->apart[(size_t) i * k + j] = apart;
			joiner->apart[(size_t) j * k + i] = apart;
		}
	}
}

/* Where a record stands among the members, or -1. */
static int
member_number(const Joiner *joiner, uint32_t record)
{
	int			low = 0;
	int			high = joiner->k - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (joiner->members[middle] == record)
			return middle;
		if (joiner->members[middle] < record)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

/* What people decided: apart first, then together. */
static void
apply_decisions(Joiner *joiner)
{
	OmniMatchEngine *engine = joiner->engine;
	int			k = joiner->k;

	for (int together = -1; together <= 1; together += 2)
		for (uint32_t d = 0; d < engine->ndecisions; d++)
		{
			const Decision *decision = &engine->decisions[d];
			int			a;
			int			b;

			if (decision->together != together)
				continue;
			a = member_number(joiner, decision->a);
			b = member_number(joiner, decision->b);
			if (a < 0 || b < 0 || joiner->into[a] == joiner->into[b])
				continue;
			a = joiner->into[a];
			b = joiner->into[b];
			if (together < 0)
				joiner->apart[(size_t) a * k + b] =
					joiner->apart[(size_t) b * k + a] = 1;
			else
				join_clusters(joiner, a < b ? a : b, a < b ? b : a);
		}
}

/* Divide the members of a component into clusters. */
static void
cluster_members(OmniMatchEngine *engine, const uint32_t *members, int k)
{
	Joiner		joiner;

	joiner.engine = engine;
	joiner.members = members;
	joiner.k = k;
	joiner.sums = omni_match_alloc(engine, (size_t) k * k * sizeof(float));
	joiner.apart = omni_match_alloc_zero(engine, (size_t) k * k);
	joiner.size = omni_match_alloc(engine, (size_t) k * 3 * sizeof(int));
	joiner.into = joiner.size + k;
	joiner.nearest = joiner.into + k;
	compare_members(&joiner);
	if (engine->ndecisions > 0)
		apply_decisions(&joiner);
	for (int i = 0; i < k; i++)
		if (joiner.size[i] > 0)
			find_nearest(&joiner, i);
	for (;;)
	{
		double		best = 0;
		int			i = -1;
		int			j;

		for (int x = 0; x < k; x++)
			if (joiner.size[x] > 0 && joiner.nearest[x] >= 0 &&
				average(&joiner, x, joiner.nearest[x]) > best)
			{
				best = average(&joiner, x, joiner.nearest[x]);
				i = x;
			}
		if (i < 0)
			break;
		j = joiner.nearest[i];
		if (j < i)
		{
			j = i;
			i = joiner.nearest[j];
		}
		join_clusters(&joiner, i, j);
		for (int x = 0; x < k; x++)
		{
			if (joiner.size[x] == 0)
				continue;
			if (x == i || joiner.nearest[x] == i || joiner.nearest[x] == j)
				find_nearest(&joiner, x);
			else if (!joiner.apart[(size_t) x * k + i])
			{
				double		odds = average(&joiner, x, i);

				if (odds > 0 && (joiner.nearest[x] < 0 ||
								 odds > average(&joiner, x,
												joiner.nearest[x])))
					joiner.nearest[x] = i;
			}
		}
	}
	for (int x = 0; x < k; x++)
		engine->cluster[members[x]] = members[joiner.into[x]];
	omni_match_free(engine, joiner.sums);
	omni_match_free(engine, joiner.apart);
	omni_match_free(engine, joiner.size);
}

/* Did somebody decide that these two are not one? */
static bool
decided_apart(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	uint32_t	low = 0;
	uint32_t	high = engine->ndecisions;

	if (!engine->decided)
		return false;
	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;
		const Decision *decision = &engine->decisions[middle];

		if (decision->a == a && decision->b == b)
			return decision->together < 0;
		if (decision->a < a || (decision->a == a && decision->b < b))
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int
compare_decisions(const void *a, const void *b)
{
	const Decision *x = a;
	const Decision *y = b;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	if (x->b != y->b)
		return x->b < y->b ? -1 : 1;
	return x->together - y->together;
}

/* Bring the decisions into the order of the records' contents. */
static void
sort_decisions(OmniMatchEngine *engine)
{
	for (uint32_t d = 0; d < engine->ndecisions; d++)
	{
		Decision   *decision = &engine->decisions[d];
		uint32_t	a = engine->rank[decision->a];
		uint32_t	b = engine->rank[decision->b];

		decision->a = a < b ? a : b;
		decision->b = a < b ? b : a;
		engine->decided |= decision->together < 0;
	}
	if (engine->ndecisions > 0)
		qsort(engine->decisions, engine->ndecisions, sizeof(Decision),
			  compare_decisions);
}

/* Join the trees of pairs whose odds are above the bar. */
static void
join_pairs(OmniMatchEngine *engine, uint32_t *parent, double bar,
		   const uint8_t *large)
{
	for (size_t i = 0; i < engine->npairs; i++)
	{
		const Candidate *pair = &engine->pairs[i];

		if (engine->pair_odds[i] > bar &&
			(large == NULL || (large[pair->a] && large[pair->b])) &&
			!omni_match_apart(engine, pair->a, pair->b,
						 engine->vectors.keys[pair->vector]) &&
			!decided_apart(engine, pair->a, pair->b))
			join_trees(parent, pair->a, pair->b);
	}
	for (uint32_t d = 0; d < engine->ndecisions; d++)
		if (engine->decisions[d].together > 0)
			join_trees(parent, engine->decisions[d].a,
					   engine->decisions[d].b);
}

/*
 * Go through the components.  Small ones become clusters; the records of
 * large ones are marked for the next round, with a higher bar.  Returns
 * whether there are any.
 */
static bool
divide(OmniMatchEngine *engine, uint32_t *parent, Item *items,
	   uint32_t *members, uint8_t *large, bool last)
{
	uint32_t	n = 0;
	bool		any = false;

	for (uint32_t r = 0; r < engine->n; r++)
	{
		uint32_t	root;

		if (large != NULL && !large[r])
			continue;
		root = find_root(parent, r);
		if (root != r || large != NULL)
		{
			items[n].root = root;
			items[n++].record = r;
		}
	}
	/* roots were left out where most records are alone */
	if (large == NULL)
	{
		uint32_t	with_root = n;
		uint32_t	last_root = UINT32_MAX;

		qsort(items, n, sizeof(Item), compare_items);
		for (uint32_t i = 0; i < with_root; i++)
			if (items[i].root != last_root)
			{
				last_root = items[i].root;
				items[n].root = last_root;
				items[n++].record = last_root;
			}
	}
	qsort(items, n, sizeof(Item), compare_items);
	for (uint32_t i = 0; i < n;)
	{
		uint32_t	end = i;
		int			k = 0;

		while (end < n && items[end].root == items[i].root)
			members[k++] = items[end++].record;
		for (int x = 0; x < k; x++)
			engine->large[members[x]] = k > DENSE_MAX && !last;
		if (k > DENSE_MAX)
		{
			any = true;
			for (int x = 0; x < k; x++)
				engine->cluster[members[x]] = members[0];
		}
		else if (k == 2)
			engine->cluster[members[1]] = members[0];
		else if (k > 2)
			cluster_members(engine, members, k);
		if ((i & 0xff) == 0)
			engine->env.tick(engine->env.arg, OMNI_MATCH_PHASE_CLUSTER, i, n);
		i = end;
	}
	return any;
}

/* Log odds of every candidate, each way the same. */
static void
score_pairs(OmniMatchEngine *engine, double bar)
{
	engine->pair_odds = omni_match_alloc(engine, (engine->npairs + 1) *
									sizeof(float));
	for (size_t i = 0; i < engine->npairs; i++)
	{
		const Candidate *pair = &engine->pairs[i];

		engine->pair_odds[i] = (float)
			omni_match_odds(engine, pair->a, pair->b,
							engine->vectors.keys[pair->vector]);
		/* copies hold together however many there are */
		if (engine->pair_odds[i] > bar &&
			memcmp(engine->rows + (size_t) pair->a * engine->stride,
				   engine->rows + (size_t) pair->b * engine->stride,
				   engine->stride * sizeof(uint32_t)) == 0)
			engine->pair_odds[i] = COPY_ODDS;
		if ((i & 0xffff) == 0)
			engine->env.tick(engine->env.arg, OMNI_MATCH_PHASE_CLUSTER, 0,
							 engine->n);
	}
}

/*
 * The share of matches that share a key, estimated by the pairs of clusters of
 * three and more: they are known by way of others, too.
 */
static void
estimate_recall(OmniMatchEngine *engine, uint32_t *size)
{
	double		found = 0;
	double		all = 0;

	memset(size, 0, (engine->n + 1) * sizeof(uint32_t));
	for (uint32_t r = 0; r < engine->n; r++)
		size[engine->cluster[r]]++;
	for (uint32_t r = 0; r < engine->n; r++)
		if (size[r] > 2 && size[r] <= DENSE_MAX)
			all += (double) size[r] * (size[r] - 1) / 2;
	for (size_t i = 0; i < engine->npairs; i++)
	{
		uint32_t	cluster = engine->cluster[engine->pairs[i].a];

		found += size[cluster] > 2 && size[cluster] <= DENSE_MAX &&
			cluster == engine->cluster[engine->pairs[i].b];
	}
	engine->model.recall = all > 0 ? found / all : 1;
}

/*
 * Find the clusters.
 */
void
omni_match_cluster(OmniMatchEngine *engine)
{
	uint32_t   *parent = omni_match_alloc(engine, (engine->n + 1) *
									 sizeof(uint32_t));
	Item	   *items = omni_match_alloc(engine, (engine->n + 1) *
										 sizeof(Item));
	uint32_t   *members = omni_match_alloc(engine, (engine->n + 1) *
									  sizeof(uint32_t));
	double		bar = log(engine->options.threshold /
						  (1 - engine->options.threshold));
	bool		more;

	engine->cluster = omni_match_alloc(engine, (engine->n + 1) *
								  sizeof(uint32_t));
	engine->large = omni_match_alloc_zero(engine, engine->n + 1);
	for (uint32_t r = 0; r < engine->n; r++)
		engine->cluster[r] = parent[r] = r;
	score_pairs(engine, bar);
	sort_decisions(engine);
	{
		if (engine->model.refusal != OMNI_MATCH_FINE)
			bar = HUGE_VAL;
		join_pairs(engine, parent, bar, NULL);
		more = divide(engine, parent, items, members, NULL, false);
		while (more)
		{
			bar += CUT_STEP;
			for (uint32_t r = 0; r < engine->n; r++)
				if (engine->large[r])
					engine->cluster[r] = parent[r] = r;
			join_pairs(engine, parent, bar, engine->large);
			more = divide(engine, parent, items, members, engine->large,
						  bar >= CUT_MOST) && bar < CUT_MOST;
		}
	}
	estimate_recall(engine, parent);
	omni_match_free(engine, parent);
	omni_match_free(engine, items);
	omni_match_free(engine, members);
}
