/*
 * match_dict_core.c
 *	  Each distinct value of an attribute once, with what comparing it needs.
 *
 * Open addressing over value numbers; texts lie one behind the other.  What is
 * derived from a value (letters, sound, nickname groups) is worked out when it
 * is first seen.
 */
#include "identity/match_private.h"

#include <string.h>

#include "identity/phonetic_core.h"

#define FIRST_VALUES	64
#define FIRST_TEXTS		1024

/*
 * A hash of bytes; "seed" makes different ones.
 */
uint64_t
omni_match_hash(const char *text, size_t len, uint64_t seed)
{
	uint64_t	hash = omni_match_mix(seed + len +
									  UINT64_C(0x9e3779b97f4a7c15));

	while (len >= 8)
	{
		uint64_t	part;

		memcpy(&part, text, 8);
		hash = omni_match_mix(hash ^ part) * UINT64_C(0x9fb21c651e98df25);
		text += 8;
		len -= 8;
	}
	if (len > 0)
	{
		uint64_t	part = 0;

		memcpy(&part, text, len);
		hash = omni_match_mix(hash ^ part ^ ((uint64_t) len << 56));
	}
	return omni_match_mix(hash);
}

/* An empty dictionary. */
void
omni_match_dictionary_init(OmniMatchEngine *engine, Dictionary *dict)
{
	memset(dict, 0, sizeof(*dict));
	dict->texts_size = FIRST_TEXTS;
	dict->texts = omni_match_alloc(engine, dict->texts_size);
	dict->values_size = FIRST_VALUES;
	dict->values = omni_match_alloc_zero(engine,
									dict->values_size * sizeof(Value));
	dict->nvalues = 1;
	dict->slots_size = FIRST_VALUES * 2;
	dict->slots = omni_match_alloc_zero(engine,
								   dict->slots_size * sizeof(uint32_t));
}

/* Twice as many slots. */
static void
grow_slots(OmniMatchEngine *engine, Dictionary *dict)
{
	uint32_t	size = dict->slots_size * 2;
	uint32_t   *slots = omni_match_alloc_zero(engine, size * sizeof(uint32_t));

	for (uint32_t v = 1; v < dict->nvalues; v++)
	{
		const Value *value = &dict->values[v];
		uint32_t	at = value->hash & (size - 1);

		while (slots[at] != 0)
			at = (at + 1) & (size - 1);
		slots[at] = v;
	}
	omni_match_free(engine, dict->slots);
	dict->slots = slots;
	dict->slots_size = size;
}

/*
 * What rules out that two values are few edits apart.  One edit changes at
 * most two of these bits: for texts, which letters occur (and characters of
 * five other groups); for numbers, whether each digit occurs once, twice,
 * three times.  The highest bit tells numbers from texts.
 */
static uint32_t
letters_of(const char *text, size_t len)
{
	uint32_t	letters = 0;
	uint32_t	digits = NUMBER_BIT;
	bool		number = len > 0;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c >= '0' && c <= '9')
		{
			uint32_t	three = digits >> (c - '0') * 3 & 7;

			three = three << 1 | 1;
			digits |= (three & 7) << (c - '0') * 3;
		}
		else
			number = false;
		if (c >= 'a' && c <= 'z')
			letters |= UINT32_C(1) << (c - 'a');
		else if (c != ' ')
			letters |= UINT32_C(1) << (26 + c % 5);
	}
	return number ? digits : letters;
}

/* What comparing a new value needs. */
static void
derive(OmniMatchEngine *engine, Value *value, Attribute attribute,
	   const char *text, size_t len)
{
	value->letters = letters_of(text, len);
	if (attribute == A_GIVEN || attribute == A_FAMILY ||
		attribute == A_STREET || attribute == A_CITY)
	{
		uint64_t	second = 0;
		uint64_t	first = omni_identity_sound(text, (int) len, 6, &second);

		value->sound = first == 0 ? 0 : (uint32_t) (omni_match_mix(first) | 1);
		value->sound2 = second == 0 ? value->sound :
			(uint32_t) (omni_match_mix(second) | 1);
	}
	if (attribute == A_GIVEN)
	{
		KinPool    *pool = &engine->kin;
		OmniNickname nickname;

		if (!omni_identity_find_nickname(text, (int) len, &nickname))
			return;
		if (pool->n == pool->size)
		{
			uint32_t	size = pool->size == 0 ? 256 : pool->size * 2;

			pool->kin = omni_match_grow(engine, pool->kin,
								   pool->n * sizeof(OmniNickname),
								   size * sizeof(OmniNickname));
			pool->size = size;
			if (pool->n == 0)
				pool->n = 1;
		}
		pool->kin[pool->n] = nickname;
		value->kin = pool->n++;
	}
}

/* The number of a text in a dictionary; a new one if it is not there yet. */
static uint32_t
find_or_add(OmniMatchEngine *engine, Dictionary *dict, Attribute attribute,
			const char *text, size_t len)
{
	uint32_t	hash = (uint32_t) omni_match_hash(text, len, 0);
	uint32_t	at = hash & (dict->slots_size - 1);
	Value	   *value;

	for (; dict->slots[at] != 0; at = (at + 1) & (dict->slots_size - 1))
	{
		value = &dict->values[dict->slots[at]];
		if (value->hash == hash && value->len == len &&
			memcmp(omni_match_dictionary_text(dict, value), text, len) == 0)
			return dict->slots[at];
	}
	if (len > INLINE_BYTES && dict->texts_used + len > dict->texts_size)
	{
		size_t		size = dict->texts_size * 2;

		dict->texts = omni_match_grow(engine, dict->texts, dict->texts_used,
									  size);
		dict->texts_size = size;
	}
	if (dict->nvalues == dict->values_size)
	{
		uint32_t	size = dict->values_size * 2;

		dict->values = omni_match_grow(engine, dict->values,
								  dict->values_size * sizeof(Value),
								  size * sizeof(Value));
		dict->values_size = size;
	}
	value = &dict->values[dict->nvalues];
	memset(value, 0, sizeof(*value));
	value->len = (uint16_t) len;
	value->hash = hash;
	if (len <= INLINE_BYTES)
		memcpy(value->text.bytes, text, len);
	else
	{
		value->text.offset = dict->texts_used;
		memcpy(dict->texts + dict->texts_used, text, len);
		dict->texts_used += len;
	}
	derive(engine, value, attribute, text, len);
	dict->slots[at] = dict->nvalues++;
	if (dict->nvalues > dict->slots_size / 2)
		grow_slots(engine, dict);
	return dict->nvalues - 1;
}

/* Split a value of A_NAME into words, which are kept by their numbers. */
static void
add_tokens(OmniMatchEngine *engine, uint32_t number)
{
	Dictionary *dict = &engine->dictionary[A_NAME];
	TokenPool  *pool = &engine->tokens;
	char		text[VALUE_BYTES];
	size_t		len = dict->values[number].len;
	uint32_t	first = (uint32_t) pool->used;

	memcpy(text, omni_match_dictionary_text(dict, &dict->values[number]),
		   len);
	for (size_t start = 0; start < len;)
	{
		size_t		end = start;
		uint32_t	word;
		bool		known = false;

		while (end < len && text[end] != ' ')
			end++;
		if (end > start)
		{
			word = find_or_add(engine, &engine->words, A_FAMILY,
							   text + start, end - start);
			for (size_t i = first; i < pool->used; i++)
				known |= pool->tokens[i] == word;
			if (!known)
			{
				if (pool->used == pool->size)
				{
					size_t		size = pool->size * 2;

					pool->tokens = omni_match_grow(engine, pool->tokens,
											  pool->used * sizeof(uint32_t),
											  size * sizeof(uint32_t));
					pool->size = size;
				}
				pool->tokens[pool->used++] = word;
			}
		}
		start = end + 1;
	}
	dict->values[number].tokens = first;
	dict->values[number].ntokens = (uint16_t) (pool->used - first);
}

/*
 * The number of a value, counted once more; 0 for an empty one.  What is
 * longer than VALUE_BYTES is cut.
 */
uint32_t
omni_match_intern(OmniMatchEngine *engine, Attribute attribute, const char *text,
			 size_t len)
{
	Dictionary *dict = &engine->dictionary[attribute];
	uint32_t	before;
	uint32_t	number;

	if (len == 0)
		return 0;
	if (len > VALUE_BYTES)
		len = VALUE_BYTES;
	if (dict->values == NULL)
		omni_match_dictionary_init(engine, dict);
	before = dict->nvalues;
	number = find_or_add(engine, dict, attribute, text, len);
	dict->values[number].count++;
	dict->filled++;
	if (attribute == A_NAME)
	{
		const Value *value;

		if (number == before)
			add_tokens(engine, number);
		value = &dict->values[number];
		for (int i = 0; i < value->ntokens; i++)
		{
			uint32_t	word = engine->tokens.tokens[value->tokens + i];

			engine->words.values[word].count++;
			engine->words.filled++;
		}
	}
	return number;
}

/*
 * The entry of a cell's text, which is at most VALUE_BYTES long, in a
 * dictionary of cells.
 */
Value *
omni_match_find_cell(OmniMatchEngine *engine, Dictionary *dict,
					 const char *text, size_t len, bool *is_new)
{
	uint32_t	before;
	uint32_t	number;

	if (dict->values == NULL)
		omni_match_dictionary_init(engine, dict);
	before = dict->nvalues;
	number = find_or_add(engine, dict, A_OTHER, text, len);
	*is_new = number == before;
	return &dict->values[number];
}
