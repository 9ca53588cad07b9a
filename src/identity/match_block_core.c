/*
 * match_block_core.c
 *	  Which pairs are worth comparing: records that share a key.
 *
 * A record has some twenty keys, each a hash of exact values with the
 * fuzziness inside: sounds instead of letters, the year or the day of a birth
 * alone, names in either order.  A key that too many records have is not
 * dropped but combined with one of several second values.  A pair that shares
 * several keys counts once, under the least of them: so no set of pairs is
 * kept to tell.
 */
#include "identity/match_private.h"

#include <string.h>

#define ALL_PAIRS_UP_TO 1500	/* records: no blocking at all */
#define BROAD_KEYS_UP_TO 60000	/* records: keys of one value alone, too */
#define BUDGET_FIXED	UINT64_C(3000000)
#define BUDGET_EACH		8		/* pairs for each record, before combining */
#define CAP_MAX			2000	/* records under one key, whatever the budget */
#define SECOND_PARTS	8		/* that over-full keys are combined with */

/* Keys and records, key in the upper half. */
typedef struct Entries
{
	uint64_t   *entries;
	size_t		n;
	size_t		size;
} Entries;

typedef struct Blocker
{
	OmniMatchEngine *engine;
	Entries		keys;
	Entries		scratch;
	uint32_t	cap;
	uint32_t   *content;		/* hash of each record's values */
	uint32_t   *second;			/* SECOND_PARTS for each record */
	uint32_t   *first;			/* by record: its keys in by_record */
	uint32_t   *by_record;
} Blocker;

/* What keys are made of; 0: not known. */
typedef struct Parts
{
	uint32_t	given;			/* nickname group, or the name */
	uint32_t	given_sound;
	uint32_t	given_start;
	uint32_t	family;
	uint32_t	family_sound;
	uint32_t	family_start;
	uint32_t	birth;			/* day and month in either order */
	uint32_t	year;
	uint32_t	day;			/* of a year: month and day in either order */
	uint32_t	postal;
	uint32_t	city;
	uint32_t	street;
	uint32_t	street_sound;
	uint32_t	number;
	uint32_t	place;			/* postal code, else city */
	uint32_t	birth_place;
	uint32_t	phone_end;
	uint32_t	other;
} Parts;

/* Append a key. */
static void
push(Blocker *blocker, Entries *list, uint64_t entry)
{
	if (list->n == list->size)
	{
		size_t		size = list->size == 0 ? 4096 : list->size * 2;

		list->entries = omni_match_grow(blocker->engine, list->entries,
								   list->n * sizeof(uint64_t),
								   size * sizeof(uint64_t));
		list->size = size;
	}
	list->entries[list->n++] = entry;
}

/* A hash of a rule and up to three parts; 0 when a part is missing. */
static inline uint32_t
combine(uint32_t rule, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t	key;

	if (a == 0 || b == 0 || c == 0)
		return 0;
	key = (uint32_t) omni_match_mix(omni_match_mix((uint64_t) a << 32 | b) +
							   ((uint64_t) c << 8) + rule);
	return key | (key == 0);
}

/* A hash of some bytes of a value; 0 when it has fewer than "least". */
static uint32_t
part_of(const char *text, size_t len, size_t least)
{
	return len < least ? 0 : (uint32_t) omni_match_hash(text, len, 1) | 1;
}

/* The hash of a record's value; 0 when it has none. */
static uint32_t
hash_of(const OmniMatchEngine *engine, Attribute attribute, uint32_t record)
{
	uint32_t	number = omni_match_number(engine, attribute, record);

	return number == 0 ? 0 :
		omni_match_value(engine, attribute, number)->hash | 1;
}

/* Parts of a date of birth. */
static void
birth_parts(const OmniMatchEngine *engine, uint32_t record, Parts *parts)
{
	uint32_t	number = omni_match_number(engine, A_BIRTH, record);
	const char *text;
	uint32_t	month;
	uint32_t	day;

	if (number == 0)
		return;
	text = omni_match_text(engine, A_BIRTH,
						   omni_match_value(engine, A_BIRTH, number));
	if (memcmp(text, "0000", 4) != 0)
		parts->year = part_of(text, 4, 4);
	month = (uint32_t) ((text[4] - '0') * 10 + text[5] - '0');
	day = (uint32_t) ((text[6] - '0') * 10 + text[7] - '0');
	if (month == 0 || day == 0)
		return;
	parts->day = month < day ? month * 100 + day : day * 100 + month;
	parts->birth = combine(0, parts->year, parts->day, 1);
}

/* All parts of a record. */
static void
find_parts(const OmniMatchEngine *engine, uint32_t record, Parts *parts)
{
	const Value *value;
	const char *text;
	uint32_t	number;

#define VALUE_OF(attribute) \
	((number = omni_match_number(engine, attribute, record)) != 0 && \
	 (value = omni_match_value(engine, attribute, number), \
	  text = omni_match_text(engine, attribute, value), true))

	memset(parts, 0, sizeof(*parts));
	if (VALUE_OF(A_GIVEN))
	{
		/* the first of its groups stands for a name that has nicknames */
		parts->given = value->kin != 0 ?
			engine->kin.kin[value->kin].groups[0] * 2 : value->hash | 1;
		parts->given_sound = value->kin != 0 ? parts->given :
			value->sound != 0 ? value->sound : value->hash | 1;
		parts->given_start = (uint32_t) (unsigned char) text[0];
	}
	if (VALUE_OF(A_FAMILY))
	{
		parts->family = value->hash | 1;
		parts->family_sound = value->sound != 0 ? value->sound :
			value->hash | 1;
		parts->family_start = part_of(text, value->len < 3 ? value->len : 3,
									  2);
	}
	birth_parts(engine, record, parts);
	if (VALUE_OF(A_STREET))
	{
		parts->street = value->hash | 1;
		parts->street_sound = value->sound != 0 ? value->sound :
			value->hash | 1;
	}
	if (VALUE_OF(A_PHONE))
		parts->phone_end = part_of(text + (value->len > 7 ?
										   value->len - 7 : 0),
								   value->len > 7 ? 7 : value->len, 5);
	parts->postal = hash_of(engine, A_POSTAL, record);
	parts->city = hash_of(engine, A_CITY, record);
	parts->number = hash_of(engine, A_NUMBER, record);
	parts->birth_place = hash_of(engine, A_BIRTH_PLACE, record);
	parts->other = hash_of(engine, A_OTHER, record);
	parts->place = parts->postal != 0 ? parts->postal : parts->city;
}

/* Keys of identifiers. */
static int
identifier_keys(const OmniMatchEngine *engine, uint32_t record,
				const Parts *parts, uint32_t *keys)
{
	const Value *value;
	const char *text;
	uint32_t	number;
	int			n = 0;

	keys[n++] = combine(1, hash_of(engine, A_PHONE, record), 1, 1);
	keys[n++] = combine(2, parts->phone_end, 1, 1);
	if (VALUE_OF(A_EMAIL))
	{
		const char *at = memchr(text, '@', value->len);

		keys[n++] = combine(3, value->hash | 1, 1, 1);
		if (at != NULL)
			keys[n++] = combine(4, part_of(text, (size_t) (at - text), 4), 1,
								1);
	}
	if (VALUE_OF(A_NATIONAL_ID))
	{
		size_t		half = (size_t) value->len / 2;

		keys[n++] = combine(5, value->hash | 1, 1, 1);
		/* a typing error is in one of the halves */
		keys[n++] = combine(6, part_of(text, half, 3), 1, 1);
		keys[n++] = combine(7, part_of(text + half, value->len - half, 3), 1,
							1);
	}
	return n;
}

/* Keys of names, birth and places. */
static int
person_keys(const Parts *p, uint32_t *keys)
{
	int			n = 0;

	/* names in either order */
	keys[n++] = combine(8, p->given < p->family ? p->given : p->family,
						p->given < p->family ? p->family : p->given, 1);
	keys[n++] = combine(9, p->given_sound < p->family_sound ?
						p->given_sound : p->family_sound,
						p->given_sound < p->family_sound ?
						p->family_sound : p->given_sound, 1);
	keys[n++] = combine(10, p->birth, 1, 1);
	keys[n++] = combine(11, p->family_sound, p->year, 1);
	keys[n++] = combine(12, p->given_sound, p->year, 1);
	keys[n++] = combine(13, p->family_sound, p->day, 1);
	keys[n++] = combine(14, p->given_sound, p->day, 1);
	keys[n++] = combine(15, p->family_sound, p->place, 1);
	keys[n++] = combine(16, p->given_sound, p->place, 1);
	keys[n++] = combine(17, p->day, p->place, 1);
	keys[n++] = combine(18, p->street, p->number, 1);
	keys[n++] = combine(19, p->street_sound, p->family_start, 1);
	keys[n++] = combine(20, p->street_sound, p->given_start, p->place);
	keys[n++] = combine(21, p->family_start, p->given_start, p->year);
	keys[n++] = combine(22, p->family_sound, p->birth_place, 1);
	keys[n++] = combine(23, p->given_sound, p->birth_place, 1);
	/* where there is one name only */
	if (p->given == 0 || p->family == 0)
	{
		keys[n++] = combine(24, p->given | p->family, p->place, 1);
		keys[n++] = combine(25, p->given | p->family, p->year, 1);
	}
	return n;
}

/* One value alone: for tables small enough to compare so many. */
static int
broad_keys(const Parts *p, uint32_t *keys)
{
	keys[0] = combine(30, p->given_sound, 1, 1);
	keys[1] = combine(31, p->family_sound, 1, 1);
	keys[2] = combine(32, p->street_sound, 1, 1);
	keys[3] = combine(33, p->postal, 1, 1);
	keys[4] = combine(34, p->city, 1, 1);
	keys[5] = combine(35, p->day, 1, 1);
	return 6;
}

/* Keys of a name that is a set of words: its rarest ones. */
static int
word_keys(const OmniMatchEngine *engine, uint32_t record, const Parts *parts,
		  uint32_t *keys)
{
	const Value *value;
	const uint32_t *words;
	uint32_t	rare[3] = {0, 0, 0};
	int			n = 0;

	uint32_t	number = omni_match_number(engine, A_NAME, record);

	if (engine->kind[record] == KIND_PERSON || number == 0)
		return 0;
	value = omni_match_value(engine, A_NAME, number);
	words = engine->tokens.tokens + value->tokens;
	for (int i = 0; i < value->ntokens; i++)
	{
		uint32_t	word = words[i];

		for (int k = 0; k < 3; k++)
		{
			const Value *a = &engine->words.values[word];
			const Value *b = &engine->words.values[rare[k]];

			if (rare[k] == 0 || a->count < b->count ||
				(a->count == b->count && a->hash < b->hash))
			{
				uint32_t	next = rare[k];

				rare[k] = word;
				if (next == 0)
					break;
				word = next;
			}
		}
	}
	keys[n++] = combine(26, value->hash | 1, 1, 1);
	for (int k = 0; k < 3 && rare[k] != 0; k++)
	{
		const Value *word = &engine->words.values[rare[k]];

		keys[n++] = combine(27, word->hash | 1, 1, 1);
		keys[n++] = combine(28, word->sound | 1, parts->place, 1);
	}
	return n;
}
#undef VALUE_OF

/* What over-full keys of a record may be combined with. */
static void
keep_second_parts(Blocker *blocker, uint32_t record, const Parts *parts)
{
	uint32_t   *second = blocker->second + (size_t) record * SECOND_PARTS;

	second[0] = parts->given_sound;
	second[1] = parts->family_sound;
	second[2] = parts->year;
	second[3] = parts->place;
	second[4] = parts->day;
	second[5] = parts->street;
	second[6] = parts->city;
	second[7] = parts->birth_place;
}

/* A hash of all that is known of a record, but its source. */
static uint32_t
hash_content(const OmniMatchEngine *engine, uint32_t record)
{
	uint64_t	hash = engine->kind[record];

	for (int a = 0; a < A_SOURCE; a++)
		hash = omni_match_mix(hash + (uint64_t) a +
							  hash_of(engine, a, record));
	return (uint32_t) hash | 1;
}

/* Put all keys of all records into the list. */
static void
emit_keys(Blocker *blocker)
{
	OmniMatchEngine *engine = blocker->engine;

	for (uint32_t record = 0; record < engine->n; record++)
	{
		uint32_t	keys[64];
		Parts		parts;
		int			n;

		if ((record & 0xfff) == 0)
			engine->env.tick(engine->env.arg, OMNI_MATCH_PHASE_BLOCK, record,
							 engine->n);
		find_parts(engine, record, &parts);
		keep_second_parts(blocker, record, &parts);
		n = identifier_keys(engine, record, &parts, keys);
		blocker->content[record] = hash_content(engine, record);
		keys[n++] = combine(29, blocker->content[record], 1, 1);
		n += person_keys(&parts, keys + n);
		n += word_keys(engine, record, &parts, keys + n);
		if (engine->n <= BROAD_KEYS_UP_TO)
			n += broad_keys(&parts, keys + n);
		for (int i = 0; i < n; i++)
			if (keys[i] != 0)
				push(blocker, &blocker->keys, (uint64_t) keys[i] << 32 |
					 record);
	}
}

/*
 * Sort entries by key: radix, 11 bits at a time.  The order of the records
 * under a key stays as it was, which is ascending.
 */
static void
sort_entries(Blocker *blocker, Entries *list)
{
	OmniMatchEngine *engine = blocker->engine;
	uint64_t   *from = list->entries;
	uint64_t   *to;
	uint64_t   *memory;

	if (list->n < 2)
		return;
	memory = to = omni_match_alloc(engine, list->n * sizeof(uint64_t));
	for (int shift = 32; shift < 64; shift += 11)
	{
		size_t		counts[2048] = {0};
		size_t		sum = 0;

		for (size_t i = 0; i < list->n; i++)
			counts[from[i] >> shift & 2047]++;
		for (int d = 0; d < 2048; d++)
		{
			size_t		count = counts[d];

			counts[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < list->n; i++)
			to[counts[from[i] >> shift & 2047]++] = from[i];
		{
			uint64_t   *swap = from;

			from = to;
			to = swap;
		}
		engine->env.tick(engine->env.arg, OMNI_MATCH_PHASE_BLOCK, engine->n,
						 engine->n);
	}
	if (from != list->entries)
	{
		memcpy(list->entries, from, list->n * sizeof(uint64_t));
	}
	omni_match_free(engine, memory);
}

/*
 * The largest block that the budget of pairs allows, all smaller ones
 * included.
 */
static uint32_t
choose_cap(Blocker *blocker)
{
	static const uint32_t least = 8;
	uint64_t	budget = BUDGET_FIXED +
		(uint64_t) blocker->engine->n * BUDGET_EACH;
	uint64_t   *pairs = omni_match_alloc_zero(blocker->engine, (CAP_MAX + 1) *
										 sizeof(uint64_t));
	const Entries *list = &blocker->keys;
	uint64_t	sum = 0;
	uint32_t	cap;

	for (size_t i = 0; i < list->n;)
	{
		size_t		end = i;
		uint64_t	size;

		while (end < list->n &&
			   list->entries[end] >> 32 == list->entries[i] >> 32)
			end++;
		size = end - i;
		if (size <= CAP_MAX)
			pairs[size] += size * (size - 1) / 2;
		i = end;
	}
	for (cap = 1; cap < CAP_MAX; cap++)
	{
		sum += pairs[cap + 1];
		if (sum > budget)
			break;
	}
	omni_match_free(blocker->engine, pairs);
	return cap < least ? least : cap;
}

/*
 * Take blocks of two to "cap" records from "keys" into "kept"; combine the
 * keys of larger ones with further values, into "larger".
 */
static void
split_blocks(Blocker *blocker, Entries *kept, Entries *larger, int round)
{
	const Entries *list = &blocker->keys;

	for (size_t i = 0; i < list->n;)
	{
		size_t		end = i;

		while (end < list->n &&
			   list->entries[end] >> 32 == list->entries[i] >> 32)
			end++;
		for (size_t k = i; k < end && end - i >= 2; k++)
		{
			uint32_t	key = (uint32_t) (list->entries[k] >> 32);
			uint32_t	record = (uint32_t) list->entries[k];
			const uint32_t *second;

			if (k > i && list->entries[k] == list->entries[k - 1])
				continue;
			if (end - i <= blocker->cap)
			{
				push(blocker, kept, list->entries[k]);
				continue;
			}
			if (larger == NULL)
				continue;
			second = blocker->second + (size_t) record * SECOND_PARTS +
				round * SECOND_PARTS / 2;
			for (int q = 0; q < SECOND_PARTS / 2; q++)
			{
				uint32_t	combined = combine((uint32_t) (40 + round * 4 + q),
											   key, second[q], 1);

				if (combined != 0)
					push(blocker, larger, (uint64_t) combined << 32 | record);
			}
		}
		i = end;
	}
}

/* Each record's keys in ascending order, one record's behind the other's. */
static void
index_by_record(Blocker *blocker, const Entries *kept)
{
	OmniMatchEngine *engine = blocker->engine;
	uint32_t	sum = 0;

	blocker->first = omni_match_alloc_zero(engine, ((size_t) engine->n + 2) *
									  sizeof(uint32_t));
	blocker->by_record = omni_match_alloc(engine, (kept->n + 1) *
									 sizeof(uint32_t));
	for (size_t i = 0; i < kept->n; i++)
		blocker->first[(uint32_t) kept->entries[i] + 2]++;
	for (uint32_t r = 0; r < engine->n + 2; r++)
	{
		sum += blocker->first[r];
		blocker->first[r] = sum;
	}
	for (size_t i = 0; i < kept->n; i++)
		blocker->by_record[blocker->first[(uint32_t) kept->entries[i] + 1]++]
			= (uint32_t) (kept->entries[i] >> 32);
}

/*
 * Is "key" the least one that both records have?  If so, how many they share,
 * three at most; else 0.
 */
static int
least_common_key(const Blocker *blocker, uint32_t a, uint32_t b, uint32_t key)
{
	const uint32_t *ka = blocker->by_record + blocker->first[a];
	const uint32_t *kb = blocker->by_record + blocker->first[b];
	const uint32_t *end_a = blocker->by_record + blocker->first[a + 1];
	const uint32_t *end_b = blocker->by_record + blocker->first[b + 1];
	int			shared = 0;

	while (ka < end_a && kb < end_b)
	{
		if (*ka == *kb)
		{
			if (shared == 0 && *ka != key)
				return 0;
			if (++shared == 3)
				return 3;
			ka++;
			kb++;
		}
		else
		{
			uint32_t	va = *ka;
			uint32_t	vb = *kb;

			ka += va < vb;
			kb += vb < va;
		}
	}
	return shared;
}

/* Compare a pair and remember it. */
static void
add_pair(OmniMatchEngine *engine, uint32_t a, uint32_t b, int shared)
{
	Candidate  *pair;
	uint32_t	source = omni_match_number(engine, A_SOURCE, a);

	if (engine->options.unique_within_source && source != 0 &&
		source == omni_match_number(engine, A_SOURCE, b))
		return;
	if (engine->npairs == engine->pairs_size)
	{
		size_t		size = engine->pairs_size == 0 ? 65536 :
			engine->pairs_size + engine->pairs_size / 2;

		engine->pairs = omni_match_grow(engine, engine->pairs,
								   engine->npairs * sizeof(Candidate),
								   size * sizeof(Candidate));
		engine->pairs_size = size;
	}
	pair = &engine->pairs[engine->npairs++];
	pair->a = a < b ? a : b;
	pair->b = a < b ? b : a;
	pair->shared = (unsigned) shared & 3;
	pair->vector = omni_match_vector_add(engine, &engine->vectors,
									omni_match_compare(engine, pair->a, pair->b),
									1) & 0x3fffffff;
}

/* Every pair of records under each key. */
static void
enumerate(Blocker *blocker, const Entries *kept)
{
	OmniMatchEngine *engine = blocker->engine;
	uint64_t	done = 0;

	for (size_t i = 0; i < kept->n;)
	{
		size_t		end = i;
		uint32_t	key = (uint32_t) (kept->entries[i] >> 32);

		while (end < kept->n && (uint32_t) (kept->entries[end] >> 32) == key)
			end++;
		for (size_t j = i; j < end; j++)
			for (size_t k = j + 1; k < end; k++)
			{
				uint32_t	a = (uint32_t) kept->entries[j];
				uint32_t	b = (uint32_t) kept->entries[k];
				int			shared = a == b ? 0 :
					least_common_key(blocker, a, b, key);

				if (shared > 0)
					add_pair(engine, a, b, shared);
				if ((++done & 0x3fff) == 0)
					engine->env.tick(engine->env.arg,
									 OMNI_MATCH_PHASE_COMPARE, i, kept->n);
			}
		i = end;
	}
}

/*
 * Records that are the same in everything, but are too many for one key, are
 * candidates with their neighbours alone.
 */
static void
chain_copies(Blocker *blocker)
{
	OmniMatchEngine *engine = blocker->engine;
	Entries		list;

	memset(&list, 0, sizeof(list));
	for (uint32_t r = 0; r < engine->n; r++)
		push(blocker, &list, (uint64_t) blocker->content[r] << 32 | r);
	sort_entries(blocker, &list);
	for (size_t i = 0; i < list.n;)
	{
		size_t		end = i;

		while (end < list.n && list.entries[end] >> 32 ==
			   list.entries[i] >> 32)
			end++;
		for (size_t k = i; end - i > blocker->cap && k + 1 < end; k++)
			add_pair(engine, (uint32_t) list.entries[k],
					 (uint32_t) list.entries[k + 1], 3);
		i = end;
	}
	omni_match_free(engine, list.entries);
}

/*
 * Find, compare and count all candidate pairs.
 */
void
omni_match_block(OmniMatchEngine *engine)
{
	Blocker		blocker;
	Entries		kept;
	Entries		larger;

	omni_match_vectors_init(engine, &engine->vectors);
	if (engine->n <= ALL_PAIRS_UP_TO)
	{
		for (uint32_t a = 0; a < engine->n; a++)
		{
			engine->env.tick(engine->env.arg, OMNI_MATCH_PHASE_COMPARE, a,
							 engine->n);
			for (uint32_t b = a + 1; b < engine->n; b++)
				add_pair(engine, a, b, 3);
		}
		return;
	}
	memset(&blocker, 0, sizeof(blocker));
	memset(&kept, 0, sizeof(kept));
	blocker.engine = engine;
	blocker.second = omni_match_alloc(engine, (size_t) engine->n *
									  SECOND_PARTS * sizeof(uint32_t));
	blocker.content = omni_match_alloc(engine, (size_t) engine->n *
									   sizeof(uint32_t));
	emit_keys(&blocker);
	sort_entries(&blocker, &blocker.keys);
	blocker.cap = choose_cap(&blocker);
	for (int round = 0; round < 3; round++)
	{
		memset(&larger, 0, sizeof(larger));
		split_blocks(&blocker, &kept, round < 2 ? &larger : NULL, round);
		omni_match_free(engine, blocker.keys.entries);
		blocker.keys = larger;
		sort_entries(&blocker, &blocker.keys);
	}
	omni_match_free(engine, blocker.keys.entries);
	omni_match_free(engine, blocker.second);
	sort_entries(&blocker, &kept);
	index_by_record(&blocker, &kept);
	chain_copies(&blocker);
	enumerate(&blocker, &kept);
	omni_match_free(engine, blocker.content);
	omni_match_free(engine, kept.entries);
	omni_match_free(engine, blocker.first);
	omni_match_free(engine, blocker.by_record);
}
