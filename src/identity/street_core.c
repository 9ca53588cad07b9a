/*
 * street_core.c
 *	  Streets and postal codes in one spelling, and how alike two addresses
 *	  are; no PostgreSQL in it.
 */
#include "identity/address_core.h"

#include <string.h>

#include "identity/address_table.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define NEAR_CITY 0.9			/* Jaro-Winkler */

/* ---- one spelling ---- */

/* Fold, and write each word in one way. */
int
omni_identity_normalise_street(const char *text, size_t len, char *result,
							   int size)
{
	static const char ending[] = "strasse";
	char		folded[OMNI_FOLD_MAX];
	OmniSpan	words[OMNI_FOLD_MAX / 2];
	int			n = omni_identity_fold(text, len, folded, sizeof(folded));
	int			nwords = omni_identity_split(folded, n, words,
											 OMNI_FOLD_MAX / 2);

	n = 0;
	for (int i = 0; i < nwords; i++)
	{
		const char *word = folded + words[i].at;
		int			word_len = words[i].len;
		const char *other = find_word(word, word_len, street_types,
									  COUNT(street_types));
		int			ending_len = (int) sizeof(ending) - 1;

		if (other == NULL)
			other = find_word(word, word_len, street_words,
							  COUNT(street_words));
		if (other)
		{
			word = other;
			word_len = (int) strlen(other);
		}
		else if (word_len > ending_len &&
				 memcmp(word + word_len - ending_len, ending,
						ending_len) == 0)
			word_len -= ending_len - 3; /* hauptstr */
		if (n + (n > 0) + word_len > size)
			break;
		if (n > 0)
			result[n++] = ' ';
		memcpy(result + n, word, word_len);
		n += word_len;
	}
	return n;
}

/* Letters and digits in capitals; nine digits are ZIP+4. */
int
omni_identity_normalise_postal_code(const char *text, size_t len,
									char *result, int size)
{
	char		folded[OMNI_FOLD_MAX];
	int			n = omni_identity_fold(text, len, folded, sizeof(folded));
	int			m = 0;
	bool		digits = true;

	for (int i = 0; i < n && m < size; i++)
	{
		char		c = folded[i];

		if (c == ' ')
			continue;
		digits = digits && c >= '0' && c <= '9';
		result[m++] = c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
	}
	/* ZIP+4 */
	return digits && m == 9 ? 5 : m;
}

/* ---- comparison ---- */

/* How two parts agree. */
typedef enum Agreement
{
	UNKNOWN,					/* one or both are not there */
	EQUAL,
	NEAR,
	OTHER
} Agreement;

/* The bytes of a part. */
static inline const char *
part_text(const OmniAddress *address, const OmniSpan *part)
{
	return address->text + part->at;
}

/* Equal, near by distance, or other. */
static Agreement
compare_parts(const OmniAddress *a, const OmniSpan *x, const OmniAddress *b,
			  const OmniSpan *y, int limit)
{
	if (x->len == 0 || y->len == 0)
		return UNKNOWN;
	if (x->len == y->len &&
		memcmp(part_text(a, x), part_text(b, y), x->len) == 0)
		return EQUAL;
	if (limit > 0 && omni_identity_damerau(part_text(a, x), x->len,
										   part_text(b, y), y->len,
										   limit) <= limit)
		return NEAR;
	return OTHER;
}

/* Is "word" a type of street or a direction, as it is written here? */
static bool
is_side_word(const char *word, int len)
{
	for (size_t i = 0; i < COUNT(directions); i++)
		if (strlen(directions[i]) == (size_t) len &&
			memcmp(directions[i], word, len) == 0)
			return true;
	return find_word(word, len, street_types, COUNT(street_types)) != NULL;
}

/* Is the longer street the shorter one and one more type or direction? */
static bool
differs_by_type(const OmniAddress *a, const OmniAddress *b)
{
	const char *x = part_text(a, &a->street);
	const char *y = part_text(b, &b->street);
	int			xlen = a->street.len;
	int			ylen = b->street.len;

	if (xlen < ylen)
		return differs_by_type(b, a);
	if (xlen < ylen + 2)
		return false;
	if (memcmp(x, y, ylen) == 0 && x[ylen] == ' ')
		return is_side_word(x + ylen + 1, xlen - ylen - 1);
	if (memcmp(x + xlen - ylen, y, ylen) == 0 && x[xlen - ylen - 1] == ' ')
		return is_side_word(x, xlen - ylen - 1);
	return false;
}

/* Small errors, and a missing type, are near. */
static Agreement
compare_streets(const OmniAddress *a, const OmniAddress *b)
{
	int			longer = a->street.len > b->street.len ? a->street.len :
		b->street.len;
	Agreement	result;

	result = compare_parts(a, &a->street, b, &b->street,
						   longer >= 8 ? 2 : longer >= 4 ? 1 : 0);
	if (result == OTHER && differs_by_type(a, b))
		result = NEAR;
	return result;
}

/* The place: by code, or by city where one lacks the code. */
static Agreement
compare_places(const OmniAddress *a, const OmniAddress *b)
{
	Agreement	code = compare_parts(a, &a->postal_code, b, &b->postal_code, 1);
	Agreement	city = UNKNOWN;

	if (code == EQUAL)
		return EQUAL;
	if (a->city.len > 0 && b->city.len > 0)
	{
		city = compare_parts(a, &a->city, b, &b->city, 0);
		if (city == OTHER &&
			omni_identity_jaro_winkler(part_text(a, &a->city), a->city.len,
									   part_text(b, &b->city),
									   b->city.len) >= NEAR_CITY)
			city = NEAR;
	}
	if (code == UNKNOWN)
		return city;
	/* two codes that differ: the same city makes a slip likely */
	return city == EQUAL || code == NEAR ? NEAR : OTHER;
}

/* Same house; what do the units say? */
static OmniAddressLevel
compare_units(const OmniAddress *a, const OmniAddress *b,
			  OmniAddressLevel same, OmniAddressLevel missing)
{
	if (a->unit.len == 0 && b->unit.len == 0)
		return same;
	switch (compare_parts(a, &a->unit, b, &b->unit, 0))
	{
		case EQUAL:
			return same;
		case UNKNOWN:
			return missing;
		default:
			return OMNI_ADDRESS_OTHER_UNIT;
	}
}

/* Place, street, number and box, each for itself; then the level. */
OmniAddressLevel
omni_identity_compare_addresses(const OmniAddress *a, const OmniAddress *b)
{
	Agreement	place;
	Agreement	street;
	Agreement	number;
	Agreement	box;

	if (a->len == 0 || b->len == 0)
		return OMNI_ADDRESS_NULL;
	place = compare_places(a, b);
	street = compare_streets(a, b);
	number = compare_parts(a, &a->number, b, &b->number, 1);
	box = compare_parts(a, &a->box, b, &b->box, 0);
	if (place == UNKNOWN && street == UNKNOWN && box == UNKNOWN)
		return OMNI_ADDRESS_NULL;
	if (box == EQUAL && place != OTHER)
		return place == EQUAL || place == UNKNOWN ? OMNI_ADDRESS_EXACT :
			OMNI_ADDRESS_TYPO;
	if ((street == EQUAL || street == NEAR) && place != OTHER)
	{
		if (number == EQUAL && street == EQUAL && place != NEAR)
			return compare_units(a, b, OMNI_ADDRESS_EXACT,
								 OMNI_ADDRESS_SAME_HOUSE);
		if (number == EQUAL || (number == NEAR && street == EQUAL &&
								place != NEAR))
			return compare_units(a, b, OMNI_ADDRESS_TYPO, OMNI_ADDRESS_TYPO);
		return OMNI_ADDRESS_SAME_STREET;
	}
	return place == EQUAL ? OMNI_ADDRESS_SAME_PLACE : OMNI_ADDRESS_DIFFERENT;
}
