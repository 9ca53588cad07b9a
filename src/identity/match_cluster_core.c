/*
 * match_cluster_core.c
 *	  From pairs to clusters.
 */
#include "identity/match_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DENSE_MAX 800

double		cl_clip = 8, cl_low = 8;
double		cl_edge = 0, cl_stop = 0;
int			cl_mode = 0;

static uint32_t
find(uint32_t *parent, uint32_t x)
{
	while (parent[x] != x)
		x = parent[x] = parent[parent[x]];
	return x;
}

/* dense agglomeration of k members */
static void
agglomerate(OmniMatchEngine *engine, const uint32_t *members, int k)
{
	float	   *s = match_alloc(engine, (size_t) k * k * sizeof(float));	/* sums */
	int		   *size = match_alloc(engine, k * sizeof(int));
	uint8_t    *apart = match_alloc_zero(engine, (size_t) k * k);
	int		   *label = match_alloc(engine, k * sizeof(int));

	for (int i = 0; i < k; i++)
	{
		size[i] = 1;
		label[i] = i;
		for (int j = 0; j < i; j++)
		{
			uint64_t	v = match_compare(engine, members[i], members[j]);
			double		o = match_odds(engine, members[i], members[j], v);

			if (match_apart(engine, members[i], members[j], v))
				apart[i * k + j] = apart[j * k + i] = 1;
			if (o > cl_clip)
				o = cl_clip;
			if (o < -cl_low)
				o = -cl_low;
			s[i * k + j] = s[j * k + i] = (float) o;
		}
	}
	for (;;)
	{
		int			bi = -1,
					bj = -1;
		double		best = cl_stop;

		for (int i = 0; i < k; i++)
			if (size[i] > 0)
				for (int j = 0; j < i; j++)
					if (size[j] > 0 && !apart[i * k + j])
					{
						double		avg = s[i * k + j] / ((double) size[i] * size[j]);

						if (avg > best)
						{
							best = avg;
							bi = i;
							bj = j;
						}
					}
		if (bi < 0)
			break;
		for (int x = 0; x < k; x++)
			if (size[x] > 0 && x != bi && x != bj)
			{
				s[bj * k + x] += s[bi * k + x];
				s[x * k + bj] = s[bj * k + x];
				apart[bj * k + x] |= apart[bi * k + x];
				apart[x * k + bj] = apart[bj * k + x];
			}
		size[bj] += size[bi];
		size[bi] = 0;
		for (int x = 0; x < k; x++)
			if (label[x] == bi)
				label[x] = bj;
	}
	for (int i = 0; i < k; i++)
		engine->cluster[members[i]] = members[label[i]];
	match_free(engine, s);
	match_free(engine, size);
	match_free(engine, apart);
	match_free(engine, label);
}

typedef struct Item
{
	uint32_t	root;
	uint32_t	record;
} Item;

static int
compare_items(const void *a, const void *b)
{
	const Item *x = a;
	const Item *y = b;

	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

void
match_cluster(OmniMatchEngine *engine)
{
	uint32_t   *parent = match_alloc(engine, (engine->n + 1) * sizeof(uint32_t));
	Item	   *items = match_alloc(engine, (engine->n + 1) * sizeof(Item));
	uint32_t   *members = match_alloc(engine, (engine->n + 1) * sizeof(uint32_t));
	size_t		big = 0;

	engine->cluster = match_alloc(engine, (engine->n + 1) * sizeof(uint32_t));
	engine->pair_odds = match_alloc(engine, (engine->npairs + 1) * sizeof(float));
	for (size_t i = 0; i < engine->npairs; i++)
	{
		Candidate  *p = &engine->pairs[i];

		engine->pair_odds[i] = (float) match_odds(engine, p->a, p->b, engine->vectors.keys[p->vector]);
	}
	for (uint32_t r = 0; r < engine->n; r++)
	{
		parent[r] = r;
		engine->cluster[r] = r;
	}
	for (size_t i = 0; i < engine->npairs; i++)
	{
		Candidate  *p = &engine->pairs[i];

		if (engine->pair_odds[i] > cl_edge &&
			!match_apart(engine, p->a, p->b, engine->vectors.keys[p->vector]))
		{
			uint32_t	x = find(parent, p->a),
						y = find(parent, p->b);

			if (x != y)
				parent[x > y ? x : y] = x > y ? y : x;
		}
	}
	for (uint32_t r = 0; r < engine->n; r++)
	{
		items[r].root = find(parent, r);
		items[r].record = r;
	}
	qsort(items, engine->n, sizeof(Item), compare_items);
	for (uint32_t i = 0; i < engine->n;)
	{
		uint32_t	end = i;
		int			k = 0;

		while (end < engine->n && items[end].root == items[i].root)
			members[k++] = items[end++].record;
		if (k == 2)
			engine->cluster[members[1]] = members[0];
		else if (k > 2 && k <= 6000)
			agglomerate(engine, members, k);
		if ((size_t) k > big)
			big = k;
		i = end;
	}
	engine->nclusters = (uint32_t) big;
}
