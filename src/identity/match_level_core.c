/*
 * match_level_core.c
 *	  From two records to a vector of levels: how well each field agrees.
 *
 * Levels of a field go from 1, the best, to its last one, "differ"; 0 says
 * that one of the records has no value.  Exact agreement has several levels by
 * how frequent the value is, and so have errors: two rare spellings of one
 * name are as good as a signature, two common names a letter apart are not.
 * Fields that hang together are one composite field: a house number means
 * nothing without its street, a city little beside its postal code.
 */
#include "identity/match_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "identity/compare_core.h"

/* A value is rare, or common, by the share of records that have it. */
#define RARE_SHARE		0.001
#define COMMON_SHARE	0.01
#define RARE_COUNT		3		/* … or by this few records */

/* How many bits are set: not every machine that we compile for counts them. */
static inline int
bits_in(uint32_t x)
{
	x -= x >> 1 & 0x55555555;
	x = (x & 0x33333333) + (x >> 2 & 0x33333333);
	return (int) (((x + (x >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24);
}

/* 0 rare, 1 neither, 2 common. */
static inline int
bucket(const Value *value)
{
	static const float rare = -6.9077553f;	/* ln RARE_SHARE */
	static const float common = -4.6051702f;	/* ln COMMON_SHARE */

	if (value->count <= RARE_COUNT || value->log_frequency < rare)
		return 0;
	return value->log_frequency < common ? 1 : 2;
}

/* Identifiers: of one household, of a few, of many. */
static inline int
id_bucket(const Value *value)
{
	return value->count <= 8 ? 0 : value->count <= 64 ? 1 : 2;
}

/* Distance of two values, or limit + 1; most pairs are told by letters. */
static int
distance(const char *a, const Value *va, const char *b, const Value *vb,
		 int limit)
{
	uint32_t	differ = va->letters ^ vb->letters;

	if (!(differ & NUMBER_BIT) && bits_in(differ) > 2 * limit)
		return limit + 1;
	return omni_identity_damerau(a, va->len, b, vb->len, limit);
}

/* Is one a word, of three letters at least, of the other? */
static bool
share_word(const char *a, int alen, const char *b, int blen, int least)
{
	for (int start = 0; start < alen;)
	{
		int			end = start;

		while (end < alen && a[end] != ' ')
			end++;
		if (end - start >= least)
			for (int s = 0; s < blen;)
			{
				int			e = s;

				while (e < blen && b[e] != ' ')
					e++;
				if (e - s == end - start &&
					memcmp(a + start, b + s, (size_t) (e - s)) == 0)
					return true;
				s = e + 1;
			}
		start = end + 1;
	}
	return false;
}

/* Equal when blanks are left out? */
static bool
same_without_blanks(const char *a, int alen, const char *b, int blen)
{
	int			i = 0;
	int			j = 0;

	for (;;)
	{
		while (i < alen && a[i] == ' ')
			i++;
		while (j < blen && b[j] == ' ')
			j++;
		if (i == alen || j == blen)
			return i == alen && j == blen;
		if (a[i++] != b[j++])
			return false;
	}
}

/* Level of two names, each a value of any attribute that holds names. */
static int
compare_names(const OmniMatchEngine *engine, const char *a, const Value *va,
			  const char *b, const Value *vb, bool given)
{
	int			alen = va->len;
	int			blen = vb->len;
	bool		rare;
	int			edits;
	double		winkler;

	if (alen == blen && memcmp(a, b, (size_t) alen) == 0)
		return 1 + bucket(va);
	if (alen == 1 || blen == 1)
		return a[0] == b[0] ? 9 : 13;
	if (given && va->kin != 0 && vb->kin != 0 &&
		omni_identity_share_nickname(&engine->kin.kin[va->kin],
									 &engine->kin.kin[vb->kin]))
		return 4;
	rare = bucket(va->count < vb->count ? va : vb) == 0;
	edits = distance(a, va, b, vb, 2);
	if (edits <= 1 && alen + blen >= 6)
		return rare ? 5 : 6;
	if (same_without_blanks(a, alen, b, blen))
		return 4;
	if (memchr(a, ' ', (size_t) alen) || memchr(b, ' ', (size_t) blen))
	{
		if (share_word(a, alen, b, blen, 3))
			return 10;
	}
	if (edits == 2 && alen + blen >= 11)
		return rare ? 7 : 8;
	/* most names have too few letters in common to be alike */
	if (bits_in(va->letters & vb->letters) * 5 <
		bits_in(va->letters | vb->letters) * 2)
		return 13;
	winkler = omni_identity_jaro_winkler(a, alen, b, blen);
	if (winkler >= 0.90 ||
		(winkler >= 0.80 && va->sound != 0 &&
		 (va->sound == vb->sound || va->sound == vb->sound2 ||
		  va->sound2 == vb->sound)))
		return rare ? 7 : 8;
	return winkler >= 0.80 ? 12 : 13;
}

/* compare_names() of values of two attributes. */
static int
names_level(const OmniMatchEngine *engine, Attribute attr_a, uint32_t a,
			Attribute attr_b, uint32_t b)
{
	const Value *va = omni_match_value(engine, attr_a, a);
	const Value *vb = omni_match_value(engine, attr_b, b);

	if (attr_a == attr_b && a == b)
		return 1 + bucket(va);
	return compare_names(engine, omni_match_text(engine, attr_a, va), va,
						 omni_match_text(engine, attr_b, vb), vb,
						 attr_a == A_GIVEN && attr_b == A_GIVEN);
}

#define ALIKE(level) ((level) >= 1 && (level) <= 8)

/*
 * Given and family name.  A name alone may be either of the two; both may have
 * been exchanged; a given name may be the other's middle name.
 */
static void
compare_person(const OmniMatchEngine *engine, uint32_t a, uint32_t b,
			   int *levels)
{
	uint32_t	given_a = omni_match_number(engine, A_GIVEN, a);
	uint32_t	given_b = omni_match_number(engine, A_GIVEN, b);
	uint32_t	family_a = omni_match_number(engine, A_FAMILY, a);
	uint32_t	family_b = omni_match_number(engine, A_FAMILY, b);
	int			given = 0;
	int			family = 0;
	int			cross;

	if (given_a != 0 && given_b != 0)
		given = names_level(engine, A_GIVEN, given_a, A_GIVEN, given_b);
	if (family_a != 0 && family_b != 0)
		family = names_level(engine, A_FAMILY, family_a, A_FAMILY, family_b);
	if (given == 13 && family == 13)
	{
		cross = names_level(engine, A_GIVEN, given_a, A_FAMILY, family_b);
		if (ALIKE(cross))
		{
			cross = names_level(engine, A_FAMILY, family_a, A_GIVEN, given_b);
			if (ALIKE(cross))
			{
				given = 0;
				family = 11;
			}
		}
	}
	/* one of the two has one name only, and it is the other's other name */
	if (given >= 9 && family == 0 && given != 9)
	{
		if (family_a == 0 && family_b != 0)
			cross = names_level(engine, A_GIVEN, given_a, A_FAMILY, family_b);
		else if (family_b == 0 && family_a != 0)
			cross = names_level(engine, A_FAMILY, family_a, A_GIVEN, given_b);
		else
			cross = 13;
		if (ALIKE(cross))
		{
			given = 0;
			family = cross;
		}
	}
	if (given == 0 && family == 0 && (given_a | family_a) != 0 &&
		(given_b | family_b) != 0)
	{
		if (given_a != 0)
			cross = names_level(engine, A_GIVEN, given_a, A_FAMILY, family_b);
		else
			cross = names_level(engine, A_FAMILY, family_a, A_GIVEN, given_b);
		if (cross <= 9)
			family = cross;
	}
	if (given == 13 &&
		(omni_match_number(engine, A_MIDDLE, a) | omni_match_number(engine, A_MIDDLE, b)))
	{
		uint32_t	ma = omni_match_number(engine, A_MIDDLE, a);
		uint32_t	mb = omni_match_number(engine, A_MIDDLE, b);
		const Value *ga = omni_match_value(engine, A_GIVEN, given_a);
		const Value *gb = omni_match_value(engine, A_GIVEN, given_b);

		if (mb != 0)
		{
			const Value *m = omni_match_value(engine, A_MIDDLE, mb);

			if (share_word(omni_match_text(engine, A_GIVEN, ga), ga->len,
						   omni_match_text(engine, A_MIDDLE, m), m->len, 2))
				given = 10;
		}
		if (ma != 0 && given == 13)
		{
			const Value *m = omni_match_value(engine, A_MIDDLE, ma);

			if (share_word(omni_match_text(engine, A_GIVEN, gb), gb->len,
						   omni_match_text(engine, A_MIDDLE, m), m->len, 2))
				given = 10;
		}
	}
	levels[OMNI_MATCH_F_GIVEN] = given;
	levels[OMNI_MATCH_F_FAMILY] = family;
}

/* Any text that is compared for itself. */
static int
compare_text(const OmniMatchEngine *engine, Attribute attribute, uint32_t a,
			 uint32_t b)
{
	const Value *va = omni_match_value(engine, attribute, a);
	const Value *vb = omni_match_value(engine, attribute, b);
	const char *ta = omni_match_text(engine, attribute, va);
	const char *tb = omni_match_text(engine, attribute, vb);
	int			edits;

	if (a == b)
		return 1 + bucket(va);
	edits = distance(ta, va, tb, vb, 2);
	if ((edits <= 1 && va->len + vb->len >= 7) ||
		(edits == 2 && va->len + vb->len >= 14) ||
		same_without_blanks(ta, va->len, tb, vb->len))
		return 4;
	if (share_word(ta, va->len, tb, vb->len, 4))
		return 5;
	return 6;
}

/* Middle names: words in any order, initials. */
static int
compare_middle(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	const Value *va = omni_match_value(engine, A_MIDDLE, a);
	const Value *vb = omni_match_value(engine, A_MIDDLE, b);
	const char *ta = omni_match_text(engine, A_MIDDLE, va);
	const char *tb = omni_match_text(engine, A_MIDDLE, vb);

	if (a == b)
		return va->len == 1 ? 3 : bucket(va) == 0 ? 1 : 2;
	if (share_word(ta, va->len, tb, vb->len, 2) ||
		distance(ta, va, tb, vb, 1) <= 1)
		return va->len == 1 || vb->len == 1 ? 5 : 4;
	if ((va->len == 1 || vb->len == 1) && ta[0] == tb[0])
		return 3;
	return 5;
}

/* Are two words the same, but for a typing error or being an initial? */
static double
word_match(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	const Value *va = &engine->words.values[a];
	const Value *vb = &engine->words.values[b];
	const char *ta = omni_match_dictionary_text(&engine->words, va);
	const char *tb = omni_match_dictionary_text(&engine->words, vb);

	if (a == b)
		return 1.0;
	if (va->len >= 4 && vb->len >= 4)
		return distance(ta, va, tb, vb, 1) <= 1 ? 0.85 :
			va->sound != 0 && va->sound == vb->sound ? 0.6 : 0;
	if (va->len == 1 || vb->len == 1)
		return ta[0] == tb[0] ? 0.3 : 0;
	return 0;
}

/* Names as sets of words, each weighed by how rare it is. */
static int
compare_word_sets(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	const Value *va = omni_match_value(engine, A_NAME, a);
	const Value *vb = omni_match_value(engine, A_NAME, b);
	const uint32_t *ta = engine->tokens.tokens + va->tokens;
	const uint32_t *tb = engine->tokens.tokens + vb->tokens;
	double		total_a = 0;
	double		total_b = 0;
	double		common = 0;
	double		jaccard;
	double		contained;
	uint64_t	taken = 0;

	if (a == b)
		return va->count <= 2 * RARE_COUNT || bucket(va) == 0 ? 1 : 2;
	for (int i = 0; i < va->ntokens; i++)
		total_a += 0.5 - engine->words.values[ta[i]].log_frequency;
	for (int j = 0; j < vb->ntokens; j++)
		total_b += 0.5 - engine->words.values[tb[j]].log_frequency;
	for (int i = 0; i < va->ntokens; i++)
	{
		int			best = -1;
		double		best_match = 0;

		for (int j = 0; j < vb->ntokens && j < 64; j++)
		{
			double		match;

			if (taken & (UINT64_C(1) << j))
				continue;
			match = word_match(engine, ta[i], tb[j]);
			if (match > best_match)
			{
				best_match = match;
				best = j;
			}
		}
		if (best >= 0)
		{
			double		wa = 0.5 - engine->words.values[ta[i]].log_frequency;
			double		wb = 0.5 -
				engine->words.values[tb[best]].log_frequency;

			taken |= UINT64_C(1) << best;
			common += best_match * (wa < wb ? wa : wb);
		}
	}
	jaccard = common / (total_a + total_b - common);
	contained = common / (total_a < total_b ? total_a : total_b);
	if (jaccard >= 0.8)
		return 3;
	if (contained >= 0.95)
		return 4;
	if (jaccard >= 0.55)
		return 5;
	if (contained >= 0.7)
		return 6;
	if (jaccard >= 0.3)
		return 7;
	return jaccard >= 0.12 ? 8 : 9;
}

/* Is the day of the year missing, or one that stands for "not known"? */
static bool
unknown_day(const OmniMatchEngine *engine, const char *digits)
{
	int			month = (digits[4] - '0') * 10 + digits[5] - '0';
	int			day = (digits[6] - '0') * 10 + digits[7] - '0';

	return month == 0 || day == 0 || engine->filler_day[month * 100 + day];
}

/* Dates of birth: eight digits, zeros for what is not known. */
static int
compare_births(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	const Value *va = omni_match_value(engine, A_BIRTH, a);
	const Value *vb = omni_match_value(engine, A_BIRTH, b);
	const char *ta = omni_match_text(engine, A_BIRTH, va);
	const char *tb = omni_match_text(engine, A_BIRTH, vb);
	bool		year = memcmp(ta, tb, 4) == 0;
	bool		month = memcmp(ta + 4, tb + 4, 2) == 0;
	bool		day = memcmp(ta + 6, tb + 6, 2) == 0;
	int			year_a = 0;
	int			year_b = 0;
	int			edits;

	for (int i = 0; i < 4; i++)
	{
		year_a = year_a * 10 + (ta[i] - '0');
		year_b = year_b * 10 + (tb[i] - '0');
	}
	/* parts that are not known, or that only fill a form */
	if (unknown_day(engine, ta) || unknown_day(engine, tb))
	{
		if (year_a != 0 && year_b != 0)
			return year ? (a == b ? 3 : 7) :
				abs(year_a - year_b) <= 1 ? 8 : 9;
		return a == b ? 6 : 9;
	}
	if (year_a == 0 || year_b == 0)
		return month && day ? 6 : 9;
	if (a == b)
		return va->log_frequency < -7.6f || va->count <= RARE_COUNT ? 1 :
			va->log_frequency < -5.8f ? 2 : 3;
	if (year && memcmp(ta + 4, tb + 6, 2) == 0 &&
		memcmp(ta + 6, tb + 4, 2) == 0)
		return 4;
	edits = omni_identity_damerau(ta, 8, tb, 8, 2);
	if (edits <= 1)
		return 5;
	if (year + month + day == 2 || edits == 2)
		return 6;
	if (year)
		return 7;
	return abs(year_a - year_b) <= 1 ? 8 : 9;
}

/* Phones: digits with or without the country's. */
static int
compare_phones(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	const Value *va = omni_match_value(engine, A_PHONE, a);
	const Value *vb = omni_match_value(engine, A_PHONE, b);
	const char *ta = omni_match_text(engine, A_PHONE, va);
	const char *tb = omni_match_text(engine, A_PHONE, vb);
	int			la = va->len;
	int			lb = vb->len;
	int			common = 0;
	int			edits;

	if (a == b)
		return 1 + id_bucket(va);
	while (common < la && common < lb &&
		   ta[la - common - 1] == tb[lb - common - 1])
		common++;
	/* without country and trunk prefix */
	if (common >= 7 && (common >= la - 1 || common >= lb - 1) &&
		abs(la - lb) <= 3 && la != lb)
		return 4;
	edits = distance(ta, va, tb, vb, 2);
	if (edits <= 1)
		return 5;
	if (common >= 7)
		return 6;
	return edits == 2 && la >= 8 ? 7 : 8;
}

/* E-mail addresses. */
static int
compare_emails(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	const Value *va = omni_match_value(engine, A_EMAIL, a);
	const Value *vb = omni_match_value(engine, A_EMAIL, b);
	const char *ta = omni_match_text(engine, A_EMAIL, va);
	const char *tb = omni_match_text(engine, A_EMAIL, vb);
	const char *at_a = memchr(ta, '@', va->len);
	const char *at_b = memchr(tb, '@', vb->len);
	int			la = at_a ? (int) (at_a - ta) : va->len;
	int			lb = at_b ? (int) (at_b - tb) : vb->len;
	int			edits;

	if (a == b)
		return 1 + id_bucket(va);
	if (la == lb && la >= 5 && memcmp(ta, tb, (size_t) la) == 0)
		return 4;
	edits = distance(ta, va, tb, vb, 2);
	if (edits <= (la >= 8 ? 2 : 1) && la >= 4)
		return 5;
	if (la >= 6 && lb >= 6 &&
		bits_in(va->letters ^ vb->letters) <= 10 &&
		omni_identity_jaro_winkler(ta, la, tb, lb) >= 0.92)
		return 6;
	return 7;
}

/* Numbers that a state gives. */
static int
compare_ids(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	const Value *va = omni_match_value(engine, A_NATIONAL_ID, a);
	const Value *vb = omni_match_value(engine, A_NATIONAL_ID, b);
	const char *ta = omni_match_text(engine, A_NATIONAL_ID, va);
	const char *tb = omni_match_text(engine, A_NATIONAL_ID, vb);
	int			edits;

	if (a == b)
		return 1 + id_bucket(va);
	if ((va->len == 4) != (vb->len == 4) && va->len >= 4 && vb->len >= 4 &&
		memcmp(ta + va->len - 4, tb + vb->len - 4, 4) == 0)
		return 4;
	edits = distance(ta, va, tb, vb, 2);
	if (edits <= 1)
		return 5;
	return edits == 2 && va->len + vb->len >= 14 ? 6 : 7;
}

/* How alike two texts of places are: 2 the same, 1 nearly, 0 not, -1 missing. */
static int
compare_place(const OmniMatchEngine *engine, Attribute attribute, uint32_t a,
			  uint32_t b)
{
	const Value *va;
	const Value *vb;
	const char *ta;
	const char *tb;
	int			edits;

	if (a == 0 || b == 0)
		return -1;
	if (a == b)
		return 2;
	va = omni_match_value(engine, attribute, a);
	vb = omni_match_value(engine, attribute, b);
	ta = omni_match_text(engine, attribute, va);
	tb = omni_match_text(engine, attribute, vb);
	edits = distance(ta, va, tb, vb, 2);
	if ((edits <= 1 && va->len + vb->len >= 6) ||
		(edits == 2 && va->len + vb->len >= 12) ||
		same_without_blanks(ta, va->len, tb, vb->len))
		return 1;
	if (attribute == A_STREET && va->len + vb->len >= 14 &&
		bits_in(va->letters ^ vb->letters) <= 6 &&
		omni_identity_jaro_winkler(ta, va->len, tb, vb->len) >= 0.92)
		return 1;
	return 0;
}

/*
 * Number, street and place as one.  Where the street agrees in an agreeing
 * place, the place has been counted: its own level becomes "missing".
 */
static int
compare_addresses(const OmniMatchEngine *engine, uint32_t a, uint32_t b,
				  int *locality)
{
	uint32_t	street_a = omni_match_number(engine, A_STREET, a);
	uint32_t	street_b = omni_match_number(engine, A_STREET, b);
	uint32_t	number_a = omni_match_number(engine, A_NUMBER, a);
	uint32_t	number_b = omni_match_number(engine, A_NUMBER, b);
	int			street = compare_place(engine, A_STREET, street_a, street_b);
	int			number = -1;
	bool		rare;

	if (number_a != 0 && number_b != 0)
	{
		const Value *va = omni_match_value(engine, A_NUMBER, number_a);
		const Value *vb = omni_match_value(engine, A_NUMBER, number_b);

		number = number_a == number_b ? 2 :
			omni_identity_damerau(omni_match_text(engine, A_NUMBER, va), va->len,
								  omni_match_text(engine, A_NUMBER, vb), vb->len,
								  1) <= 1 && va->len + vb->len >= 3 ? 1 : 0;
	}
	if (street < 0)
		return 0;
	if (street == 0)
		return 11;
	if (*locality <= 9)
	{
		/* the place is part of this agreement, or not known */
		bool		known = *locality > 0;

		*locality = 0;
		if (number == 2)
			return street == 2 ? (known ? 1 : 2) : 3;
		return street != 2 ? 6 : number == 1 || number < 0 ? 4 : 5;
	}
	if (street == 1)
		return 11;
	rare = bucket(omni_match_value(engine, A_STREET, street_a)) == 0;
	return number == 2 ? (rare ? 7 : 8) : (rare ? 9 : 10);
}

/* Postal code, city and region as one. */
static int
compare_localities(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	uint32_t	postal_a = omni_match_number(engine, A_POSTAL, a);
	uint32_t	postal_b = omni_match_number(engine, A_POSTAL, b);
	uint32_t	city_a = omni_match_number(engine, A_CITY, a);
	uint32_t	city_b = omni_match_number(engine, A_CITY, b);
	uint32_t	region_a = omni_match_number(engine, A_REGION, a);
	uint32_t	region_b = omni_match_number(engine, A_REGION, b);
	int			city = compare_place(engine, A_CITY, city_a, city_b);
	int			postal = -1;
	const Value *va = NULL;
	const Value *vb = NULL;

	if (postal_a != 0 && postal_b != 0)
	{
		va = omni_match_value(engine, A_POSTAL, postal_a);
		vb = omni_match_value(engine, A_POSTAL, postal_b);
		postal = postal_a == postal_b ? 2 :
			omni_identity_damerau(omni_match_text(engine, A_POSTAL, va), va->len,
								  omni_match_text(engine, A_POSTAL, vb), vb->len,
								  1) <= 1 ? 1 : 0;
	}
	if (postal < 0 && city < 0)
		return region_a == 0 || region_b == 0 ? 0 :
			region_a == region_b ? 11 : 12;
	if (postal == 2)
	{
		bool		rare = bucket(va) == 0;

		return city == 2 ? (rare ? 1 : 2) :
			city != 0 ? (rare ? 3 : 4) : 5;
	}
	if (city == 2)
		return postal == 1 ? 6 :
			bucket(omni_match_value(engine, A_CITY, city_a)) == 0 ? 7 : 8;
	if (postal == 1 || city == 1)
		return postal == 1 && city == 1 ? 6 : 9;
	if (postal == 0 && va->len >= 5 && vb->len >= 5 &&
		memcmp(omni_match_text(engine, A_POSTAL, va),
			   omni_match_text(engine, A_POSTAL, vb), 3) == 0)
		return 10;
	return region_a != 0 && region_a == region_b ? 11 : 12;
}

/*
 * The vector of two records' levels: four bits for each field.
 */
uint64_t
omni_match_compare(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	int			levels[OMNI_MATCH_FIELDS] = {0};
	uint64_t	vector = 0;
	uint32_t	va;
	uint32_t	vb;

#define BOTH(attribute) \
	((va = omni_match_number(engine, attribute, a)) != 0 && \
	 (vb = omni_match_number(engine, attribute, b)) != 0)

	if (engine->kind[a] == KIND_ORGANISATION ||
		engine->kind[b] == KIND_ORGANISATION)
	{
		if (BOTH(A_NAME))
			levels[OMNI_MATCH_F_NAME] = compare_word_sets(engine, va, vb);
	}
	else
	{
		compare_person(engine, a, b, levels);
		if (BOTH(A_MIDDLE))
			levels[OMNI_MATCH_F_MIDDLE] = compare_middle(engine, va, vb);
	}
	if (BOTH(A_SUFFIX))
		levels[OMNI_MATCH_F_SUFFIX] = va == vb ? 1 : 2;
	if (BOTH(A_BIRTH))
		levels[OMNI_MATCH_F_BIRTH] = compare_births(engine, va, vb);
	if (BOTH(A_SEX))
		levels[OMNI_MATCH_F_SEX] = va != vb ? 3 :
			omni_match_value(engine, A_SEX, va)->log_frequency < -1.2f ? 1 : 2;
	if (BOTH(A_BIRTH_PLACE))
		levels[OMNI_MATCH_F_BIRTH_PLACE] =
			compare_text(engine, A_BIRTH_PLACE, va, vb);
	if (BOTH(A_PHONE))
		levels[OMNI_MATCH_F_PHONE] = compare_phones(engine, va, vb);
	if (BOTH(A_EMAIL))
	{
		int			email = compare_emails(engine, va, vb);
		int			names = ALIKE(levels[OMNI_MATCH_F_GIVEN]) +
			ALIKE(levels[OMNI_MATCH_F_FAMILY]) +
			(levels[OMNI_MATCH_F_FAMILY] == 11) +
			(levels[OMNI_MATCH_F_NAME] != 0 && levels[OMNI_MATCH_F_NAME] < 8);

		/* mailboxes are named after people: alike because the names are */
		levels[OMNI_MATCH_F_EMAIL] = email >= 4 && email <= 6 &&
			names > 0 ? 0 : email;
	}
	levels[OMNI_MATCH_F_LOCALITY] = compare_localities(engine, a, b);
	levels[OMNI_MATCH_F_ADDRESS] =
		compare_addresses(engine, a, b, &levels[OMNI_MATCH_F_LOCALITY]);
	if (BOTH(A_UNIT))
		levels[OMNI_MATCH_F_UNIT] = compare_text(engine, A_UNIT, va, vb);
	if (BOTH(A_NATIONAL_ID))
		levels[OMNI_MATCH_F_NATIONAL_ID] = compare_ids(engine, va, vb);
	if (BOTH(A_OCCUPATION))
		levels[OMNI_MATCH_F_OCCUPATION] =
			compare_text(engine, A_OCCUPATION, va, vb);
	if (BOTH(A_OTHER))
		levels[OMNI_MATCH_F_OTHER] = compare_text(engine, A_OTHER, va, vb);
#undef BOTH
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		vector |= (uint64_t) levels[f] << LEVEL_SHIFT(f);
	return vector;
}
