/*
 * match_vector_core.c
 *	  Counts of vectors of levels: a hash table from 64 bits to a count.
 */
#include "identity/match_private.h"

#include <string.h>

#define FIRST_SIZE 1024

/* An empty table. */
void
omni_match_vectors_init(OmniMatchEngine *engine, VectorTable *table)
{
	memset(table, 0, sizeof(*table));
	table->size = FIRST_SIZE;
	table->keys = omni_match_alloc(engine, table->size * sizeof(uint64_t));
	table->counts = omni_match_alloc(engine, table->size * sizeof(uint64_t));
	table->slots_size = FIRST_SIZE * 2;
	table->slots = omni_match_alloc_zero(engine,
									table->slots_size * sizeof(uint32_t));
}

/* Twice as much of everything. */
static void
grow(OmniMatchEngine *engine, VectorTable *table)
{
	size_t		size = table->size;

	table->keys = omni_match_grow(engine, table->keys, size * sizeof(uint64_t),
							 size * 2 * sizeof(uint64_t));
	table->counts = omni_match_grow(engine, table->counts,
							   size * sizeof(uint64_t),
							   size * 2 * sizeof(uint64_t));
	table->size *= 2;
	omni_match_free(engine, table->slots);
	table->slots_size *= 2;
	table->slots = omni_match_alloc_zero(engine,
									table->slots_size * sizeof(uint32_t));
	for (uint32_t i = 0; i < table->n; i++)
	{
		uint32_t	at = (uint32_t) omni_match_mix(table->keys[i]) &
			(table->slots_size - 1);

		while (table->slots[at] != 0)
			at = (at + 1) & (table->slots_size - 1);
		table->slots[at] = i + 1;
	}
}

/* Count a vector; its number in the table is returned. */
uint32_t
omni_match_vector_add(OmniMatchEngine *engine, VectorTable *table, uint64_t key,
				 uint64_t count)
{
	uint32_t	at = (uint32_t) omni_match_mix(key) & (table->slots_size - 1);

	for (; table->slots[at] != 0; at = (at + 1) & (table->slots_size - 1))
	{
		uint32_t	number = table->slots[at] - 1;

		if (table->keys[number] == key)
		{
			table->counts[number] += count;
			return number;
		}
	}
	if (table->n == table->size)
	{
		grow(engine, table);
		return omni_match_vector_add(engine, table, key, count);
	}
	table->keys[table->n] = key;
	table->counts[table->n] = count;
	table->slots[at] = ++table->n;
	return table->n - 1;
}
