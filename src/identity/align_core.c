/*
 * align_core.c
 *	  How alike are two names of several words; no PostgreSQL in it.
 *
 * Each word of one name finds its partner in the other: the most similar pair
 * first, then the next among what is left.  What that gives is weighed by the
 * words' lengths, and what is left over counts against: twice as much as an
 * agreement where both names have words without a partner (another middle
 * name), little where one name just says less.
 *
 * The two names are put in one order before, so that ties are broken in the
 * same way and the result is symmetric.
 */
#include "identity/name_core.h"

#include <string.h>

#define LEAST_SIMILAR 0.8		/* Jaro-Winkler of words that may be one */
#define VARIANT 0.97			/* the same loose form */
#define PET_FORM 0.93			/* share a nickname group */
#define INITIAL_ONLY 0.85
#define OTHER_GENERATION 0.5
#define CONTRADICTION 4.0		/* weight of words that stand against others */
#define MISSING 0.25			/* weight of a word that only one name has */
#define MISSING_OF_COMPANY 0.6

/* Two names side by side; words that weigh nothing are left out. */
typedef struct Pairing
{
	const OmniNameWords *a;
	const OmniNameWords *b;
	bool		person;
} Pairing;

/* Bits that are set (Hacker's Delight, 5-1; not every machine has one for it) */
static inline int
count_bits(uint32_t x)
{
	x -= x >> 1 & 0x55555555;
	x = (x & 0x33333333) + (x >> 2 & 0x33333333);
	x = (x + (x >> 4)) & 0x0F0F0F0F;
	return (int) (x * 0x01010101u >> 24);
}

/*
 * Can two words reach LEAST_SIMILAR?  Letters that only one of them has are
 * not common, which bounds Jaro's m; the common start says how much of
 * Jaro-Winkler it has to reach.
 */
static inline bool
may_be_similar(const char *x, int xlen, uint32_t xletters, const char *y,
			   int ylen, uint32_t yletters)
{
	/* 3 * (0.8 - 0.1 p) / (1 - 0.1 p) - 1 for a common start of p, rounded
	 * down in hundredths */
	static const int least[] = {140, 133, 125, 114, 99};
	int			m = xlen - count_bits(xletters & ~yletters);
	int			other = ylen - count_bits(yletters & ~xletters);
	int			prefix = 0;

	if (other < m)
		m = other;
	if (m <= 0)
		return false;
	while (prefix < 4 && prefix < xlen && prefix < ylen &&
		   x[prefix] == y[prefix])
		prefix++;
	return 100 * m * (xlen + ylen) >= least[prefix] * xlen * ylen;
}

/* Do two given names share a nickname group? */
static bool
are_forms(const char *x, int xlen, const char *y, int ylen)
{
	OmniNickname nx;
	OmniNickname ny;

	return omni_identity_find_nickname(x, xlen, &nx) &&
		omni_identity_find_nickname(y, ylen, &ny) &&
		omni_identity_share_nickname(&nx, &ny);
}

/* How alike are two words, 0 where they are two words? */
static float
word_similarity(const Pairing *p, int i, int j)
{
	const OmniNameWords *a = p->a;
	const OmniNameWords *b = p->b;
	const char *x = a->text + a->words[i].at;
	const char *y = b->text + b->words[j].at;
	int			xlen = a->words[i].len;
	int			ylen = b->words[j].len;
	double		similarity;

	if (x[0] == y[0] && xlen == ylen && memcmp(x, y, xlen) == 0)
		return 1;
	if (xlen == 1 || ylen == 1)
		return p->person && x[0] == y[0] ? (float) INITIAL_ONLY : 0;
	if (a->loose_lens[i] == b->loose_lens[j] &&
		a->loose[a->words[i].at] == b->loose[b->words[j].at] &&
		memcmp(a->loose + a->words[i].at, b->loose + b->words[j].at,
			   a->loose_lens[i]) == 0)
		return (float) VARIANT;
	/* numbers are equal or not */
	if (x[0] <= '9' && y[0] <= '9' && x[0] >= '0' && y[0] >= '0')
		return 0;
	if ((a->forms[i] & b->forms[j]) != 0 && are_forms(x, xlen, y, ylen))
		return (float) PET_FORM;
	if (!may_be_similar(x, xlen, a->letters[i], y, ylen, b->letters[j]))
		return 0;
	similarity = omni_identity_jaro_winkler(x, xlen, y, ylen);
	if (similarity < LEAST_SIMILAR)
		return 0;
	/* 0.8 is half alike, from there on to 1 */
	return (float) (1 - (1 - similarity) * 2.5);
}

/*
 * The pairing's result: weight of what is alike in the weight of what counts.
 */
static double
pair_words(const Pairing *p, double missing)
{
	float		similarity[OMNI_NAME_WORDS][OMNI_NAME_WORDS];
	uint32_t	free_a = 0;
	uint32_t	free_b = 0;
	float		any = 0;
	double		alike = 0;
	double		matched = 0;
	double		left_a = 0;
	double		left_b = 0;
	double		less;
	double		more;

	for (int i = 0; i < p->a->nwords; i++)
		free_a |= (uint32_t) (p->a->weights[i] > 0) << i;
	for (int j = 0; j < p->b->nwords; j++)
		free_b |= (uint32_t) (p->b->weights[j] > 0) << j;
	for (int i = 0; i < p->a->nwords; i++)
		for (int j = 0; j < p->b->nwords; j++)
		{
			similarity[i][j] = (free_a >> i & free_b >> j & 1) ?
				word_similarity(p, i, j) : 0;
			any += similarity[i][j];
		}
	while (any > 0)
	{
		float		best = 0;
		int			best_i = 0;
		int			best_j = 0;
		double		weight;

		for (int i = 0; i < p->a->nwords; i++)
			for (int j = 0; (free_a >> i & 1) && j < p->b->nwords; j++)
				if ((free_b >> j & 1) && similarity[i][j] > best)
				{
					best = similarity[i][j];
					best_i = i;
					best_j = j;
				}
		if (best <= 0)
			break;
		free_a &= ~(UINT32_C(1) << best_i);
		free_b &= ~(UINT32_C(1) << best_j);
		weight = p->a->weights[best_i] + p->b->weights[best_j];
		/* an initial tells as little as it is long */
		if (p->a->words[best_i].len == 1 || p->b->words[best_j].len == 1)
			weight = 20;
		matched += weight;
		alike += best * weight;
	}
	if (alike <= 0)
		return 0;
	for (int i = 0; i < p->a->nwords; i++)
		left_a += (free_a >> i & 1) ? p->a->weights[i] : 0;
	for (int j = 0; j < p->b->nwords; j++)
		left_b += (free_b >> j & 1) ? p->b->weights[j] : 0;
	less = left_a < left_b ? left_a : left_b;
	more = left_a < left_b ? left_b : left_a;
	/* what both have and does not agree tells more than what agrees */
	return alike / (matched + CONTRADICTION * less + missing * (more - less));
}

/* Words that take part; *len: their letters. */
static int
count_used(const OmniNameWords *w, int *len)
{
	int			used = 0;

	*len = 0;
	for (int i = 0; i < w->nwords; i++)
		if (w->weights[i] > 0)
		{
			used++;
			*len += w->words[i].len;
		}
	return used;
}

/* The words run together, for names written without their blanks. */
static void
run_together(const OmniNameWords *w, char *result)
{
	for (int i = 0; i < w->nwords; i++)
		if (w->weights[i] > 0)
		{
			memcpy(result, w->text + w->words[i].at, w->words[i].len);
			result += w->words[i].len;
		}
}

/* How alike the names are when blanks do not count; 0 where not nearly. */
static double
compare_together(const Pairing *p, int alen, int blen)
{
	char		a[OMNI_FOLD_MAX];
	char		b[OMNI_FOLD_MAX];
	int			longer = alen > blen ? alen : blen;
	int			limit = 1 + longer / 16;
	int			distance;

	if (longer < 6 || alen - blen > limit || blen - alen > limit)
		return 0;
	run_together(p->a, a);
	run_together(p->b, b);
	distance = omni_identity_damerau(a, alen, b, blen, limit);
	return distance <= limit ? VARIANT - (double) distance / longer : 0;
}

/* Which order are the two names put in? */
static bool
comes_before(const OmniNameWords *a, const OmniNameWords *b)
{
	if (a->len != b->len)
		return a->len > b->len;
	return memcmp(a->text, b->text, a->len) < 0;
}

/* Either empty: 0; else by pairs, or run together. */
static double
compare_pairing(const Pairing *p, double missing)
{
	double		result;
	int			alen;
	int			blen;
	int			na = count_used(p->a, &alen);
	int			nb = count_used(p->b, &blen);

	if (na == 0 || nb == 0)
		return 0;
	result = pair_words(p, missing);
	if (na != nb)
	{
		double		together = compare_together(p, alen, blen);

		if (together > result)
			result = together;
	}
	return result > 1 ? 1 : result;
}

/* Names of persons; symmetric because of the order they are put in. */
double
omni_identity_name_similarity(const OmniName *a, const OmniName *b)
{
	Pairing		p = {.person = true};
	double		result;

	if (comes_before(&b->w, &a->w))
	{
		const OmniName *swap = a;

		a = b;
		b = swap;
	}
	p.a = &a->w;
	p.b = &b->w;
	result = compare_pairing(&p, MISSING);
	if (a->generation != 0 && b->generation != 0 &&
		a->generation != b->generation && result > OTHER_GENERATION)
		result = OTHER_GENERATION;
	return result;
}

/* Names of organisations; as above. */
double
omni_identity_organization_similarity(const OmniOrganization *a,
									  const OmniOrganization *b)
{
	Pairing		p = {.person = false};
	double		result;

	if (comes_before(&b->w, &a->w))
	{
		const OmniOrganization *swap = a;

		a = b;
		b = swap;
	}
	p.a = &a->w;
	p.b = &b->w;
	result = compare_pairing(&p, MISSING_OF_COMPANY);
	/* two legal forms are two companies of one group, mostly */
	if (a->legal_form != OMNI_LEGAL_NONE && b->legal_form != OMNI_LEGAL_NONE &&
		a->legal_form != b->legal_form)
		result *= 0.9;
	return result;
}
