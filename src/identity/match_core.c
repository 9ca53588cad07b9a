/*
 * match_core.c
 *	  The engine's frame: records in, one run, clusters and pairs out.
 */
#include "identity/match_private.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_RECORDS 1024

static const char *const role_names[OMNI_MATCH_ROLES] = {
	[OMNI_MATCH_ID] = "id",
	[OMNI_MATCH_SOURCE] = "source",
	[OMNI_MATCH_GIVEN_NAME] = "given_name",
	[OMNI_MATCH_MIDDLE_NAME] = "middle_name",
	[OMNI_MATCH_FAMILY_NAME] = "family_name",
	[OMNI_MATCH_FULL_NAME] = "full_name",
	[OMNI_MATCH_NAME_SUFFIX] = "name_suffix",
	[OMNI_MATCH_SEX] = "sex",
	[OMNI_MATCH_BIRTH_DATE] = "birth_date",
	[OMNI_MATCH_BIRTH_YEAR] = "birth_year",
	[OMNI_MATCH_BIRTH_MONTH] = "birth_month",
	[OMNI_MATCH_BIRTH_DAY] = "birth_day",
	[OMNI_MATCH_BIRTH_PLACE] = "birth_place",
	[OMNI_MATCH_AGE] = "age",
	[OMNI_MATCH_PHONE] = "phone",
	[OMNI_MATCH_EMAIL] = "email",
	[OMNI_MATCH_HOUSE_NUMBER] = "house_number",
	[OMNI_MATCH_STREET] = "street",
	[OMNI_MATCH_UNIT] = "unit",
	[OMNI_MATCH_ADDRESS] = "address",
	[OMNI_MATCH_CITY] = "city",
	[OMNI_MATCH_POSTAL_CODE] = "postal_code",
	[OMNI_MATCH_REGION] = "region",
	[OMNI_MATCH_COUNTRY] = "country",
	[OMNI_MATCH_NATIONAL_ID] = "national_id",
	[OMNI_MATCH_ORGANIZATION_NAME] = "organization_name",
	[OMNI_MATCH_OCCUPATION] = "occupation",
	[OMNI_MATCH_OTHER] = "other",
};

const char *
omni_match_role_name(OmniMatchRole role)
{
	return role_names[role];
}

/* ---- memory ---- */

void *
omni_match_alloc(OmniMatchEngine *engine, size_t size)
{
	return engine->env.alloc(engine->env.arg, size > 0 ? size : 1);
}

void *
omni_match_alloc_zero(OmniMatchEngine *engine, size_t size)
{
	return memset(omni_match_alloc(engine, size), 0, size);
}

/* A larger copy; "old" is released. */
void *
omni_match_grow(OmniMatchEngine *engine, void *old, size_t old_size,
		   size_t new_size)
{
	void	   *memory = omni_match_alloc(engine, new_size);

	if (old_size > 0)
		memcpy(memory, old, old_size);
	omni_match_free(engine, old);
	return memory;
}

void
omni_match_free(OmniMatchEngine *engine, void *memory)
{
	if (memory != NULL)
		engine->env.release(engine->env.arg, memory);
}

/* ---- records ---- */

/*
 * An engine without records.
 */
OmniMatchEngine *
omni_match_create(const OmniMatchEnv *env, const OmniMatchOptions *options)
{
	OmniMatchEngine *engine = env->alloc(env->arg, sizeof(OmniMatchEngine));

	memset(engine, 0, sizeof(*engine));
	engine->env = *env;
	engine->options = *options;
	engine->size = FIRST_RECORDS;
	engine->kind = omni_match_alloc(engine, engine->size);
	engine->hash = omni_match_alloc(engine, engine->size * sizeof(uint64_t));
	for (int a = 0; a < ATTRIBUTES; a++)
		omni_match_dictionary_init(engine, &engine->dictionary[a]);
	omni_match_dictionary_init(engine, &engine->words);
	engine->tokens.size = 1024;
	engine->tokens.tokens = omni_match_alloc(engine, engine->tokens.size *
										sizeof(uint32_t));
	return engine;
}

/* Room for twice as many records. */
static void
grow_records(OmniMatchEngine *engine)
{
	size_t		old = engine->size;
	size_t		new = old * 2;

	engine->kind = omni_match_grow(engine, engine->kind, old, new);
	engine->hash = omni_match_grow(engine, engine->hash,
								   old * sizeof(uint64_t),
								   new * sizeof(uint64_t));
	for (int a = 0; a < ATTRIBUTES; a++)
		if (engine->column[a] != NULL)
		{
			engine->column[a] = omni_match_grow(engine, engine->column[a],
										   old * sizeof(uint32_t),
										   new * sizeof(uint32_t));
			memset(engine->column[a] + old, 0, old * sizeof(uint32_t));
		}
	engine->size = (uint32_t) new;
}

/*
 * Add a record.
 */
uint32_t
omni_match_add(OmniMatchEngine *engine, const OmniMatchCell *cells)
{
	uint32_t	record = engine->n;
	uint64_t	hash = 0;

	if (record == engine->size)
		grow_records(engine);
	for (int r = 0; r < OMNI_MATCH_ROLES; r++)
		if (cells[r].text != NULL && cells[r].len > 0)
			hash = omni_match_hash(cells[r].text, cells[r].len,
								   hash + (uint64_t) r);
	engine->hash[record] = hash;
	engine->n++;
	omni_match_prepare(engine, record, cells);
	return record;
}

/*
 * Remember a person's decision on two records.
 */
void
omni_match_decide(OmniMatchEngine *engine, uint32_t a, uint32_t b,
				  int together)
{
	if (engine->ndecisions == engine->decisions_size)
	{
		uint32_t	size = engine->decisions_size == 0 ? 64 :
			engine->decisions_size * 2;

		engine->decisions = omni_match_grow(engine, engine->decisions,
									   engine->ndecisions * sizeof(Decision),
									   size * sizeof(Decision));
		engine->decisions_size = size;
	}
	engine->decisions[engine->ndecisions].a = a;
	engine->decisions[engine->ndecisions].b = b;
	engine->decisions[engine->ndecisions++].together = together;
}

/* ---- the run ---- */

typedef struct Order
{
	uint64_t	hash;
	uint32_t	record;
} Order;

static int
compare_orders(const void *a, const void *b)
{
	const Order *x = a;
	const Order *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

/* Has a record, before it was numbered anew, a given or a family name? */
static bool
has_person_name(const OmniMatchEngine *engine, uint32_t record)
{
	const uint32_t *given = engine->column[A_GIVEN];
	const uint32_t *family = engine->column[A_FAMILY];

	return (given != NULL && given[record] != 0) ||
		(family != NULL && family[record] != 0);
}

/*
 * Give the records numbers by their contents, so that nothing that follows
 * hangs on the order in which they came.
 */
static void
sort_records(OmniMatchEngine *engine)
{
	Order	   *orders = omni_match_alloc(engine, engine->n * sizeof(Order));
	uint8_t    *kinds = omni_match_alloc(engine, engine->size);

	for (uint32_t r = 0; r < engine->n; r++)
	{
		orders[r].hash = engine->hash[r];
		orders[r].record = r;
	}
	qsort(orders, engine->n, sizeof(Order), compare_orders);
	engine->origin = omni_match_alloc(engine, (engine->n + 1) *
									  sizeof(uint32_t));
	engine->rank = omni_match_alloc(engine, (engine->n + 1) *
									sizeof(uint32_t));
	for (uint32_t i = 0; i < engine->n; i++)
	{
		engine->origin[i] = orders[i].record;
		engine->rank[orders[i].record] = i;
		kinds[i] = engine->kind[orders[i].record];
		/* where organisations have a column, other names are people's */
		if (kinds[i] == KIND_UNKNOWN && engine->has_organisations &&
			has_person_name(engine, orders[i].record))
			kinds[i] = KIND_PERSON;
	}
	omni_match_free(engine, engine->kind);
	engine->kind = kinds;
	engine->stride = 1;
	for (int a = 0; a < ATTRIBUTES; a++)
		if (engine->column[a] != NULL)
			engine->place[a] = (uint8_t) engine->stride++;
	engine->rows = omni_match_alloc_zero(engine, ((size_t) engine->n + 1) *
										 engine->stride * sizeof(uint32_t));
	for (int a = 0; a < ATTRIBUTES; a++)
		if (engine->column[a] != NULL)
		{
			for (uint32_t i = 0; i < engine->n; i++)
				engine->rows[(size_t) i * engine->stride + engine->place[a]] =
					engine->column[a][orders[i].record];
			omni_match_free(engine, engine->column[a]);
			engine->column[a] = NULL;
		}
	omni_match_free(engine, orders);
}

/* Number the clusters in the order of their records' contents. */
static void
number_clusters(OmniMatchEngine *engine)
{
	uint32_t   *numbers = omni_match_alloc_zero(engine, ((size_t) engine->n +
														 1) *
												sizeof(uint32_t));

	for (uint32_t r = 0; r < engine->n; r++)
	{
		uint32_t   *number = &numbers[engine->cluster[r]];

		if (*number == 0)
			*number = ++engine->nclusters;
		engine->cluster[r] = *number;
	}
	omni_match_free(engine, numbers);
}

/*
 * Do everything; afterwards clusters, pairs and model can be read.
 */
void
omni_match_run(OmniMatchEngine *engine)
{
	sort_records(engine);
	omni_match_levels_init(engine);
	omni_match_block(engine);
	omni_match_model_fit(engine);
	omni_match_cluster(engine);
	number_clusters(engine);
}

/* ---- results ---- */

uint32_t
omni_match_cluster_count(const OmniMatchEngine *engine)
{
	return engine->nclusters;
}

uint32_t
omni_match_cluster_of(const OmniMatchEngine *engine, uint32_t record)
{
	return engine->cluster[engine->rank[record]];
}

const OmniMatchModel *
omni_match_get_model(const OmniMatchEngine *engine)
{
	return &engine->model;
}

size_t
omni_match_pair_count(const OmniMatchEngine *engine)
{
	return engine->npairs;
}

OmniMatchPair
omni_match_get_pair(const OmniMatchEngine *engine, size_t number)
{
	OmniMatchPair pair;

	pair.a = engine->origin[engine->pairs[number].a];
	pair.b = engine->origin[engine->pairs[number].b];
	pair.log_odds = engine->pair_odds[number];
	return pair;
}
