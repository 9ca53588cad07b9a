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
#define GENERIC 0.4				/* weight of words like "bank" and "group" */

/* Two names side by side. */
typedef struct Pairing
{
	const OmniNameWords *a;
	const OmniNameWords *b;
	bool		use_a[OMNI_NAME_WORDS]; /* does the word take part? */
	bool		use_b[OMNI_NAME_WORDS];
	float		weight_a[OMNI_NAME_WORDS];
	float		weight_b[OMNI_NAME_WORDS];
	bool		person;
} Pairing;

/* Letters set in both may be common, the others of each are not. */
static inline int
most_common(int len, uint32_t mine, uint32_t others)
{
	return len - __builtin_popcount(mine & ~others);
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
	int			m;
	double		similarity;

	if (xlen == ylen && memcmp(x, y, xlen) == 0)
		return 1;
	if (xlen == 1 || ylen == 1)
		return p->person && x[0] == y[0] ? (float) INITIAL_ONLY : 0;
	if (a->loose_lens[i] == b->loose_lens[j] &&
		memcmp(a->loose + a->words[i].at, b->loose + b->words[j].at,
			   a->loose_lens[i]) == 0)
		return (float) VARIANT;
	/* numbers are equal or not */
	if (x[0] <= '9' && y[0] <= '9' && x[0] >= '0' && y[0] >= '0')
		return 0;
	if (p->person && xlen <= 12 && ylen <= 12)
	{
		OmniNickname nx;
		OmniNickname ny;

		if (omni_identity_find_nickname(x, xlen, &nx) &&
			omni_identity_find_nickname(y, ylen, &ny) &&
			omni_identity_share_nickname(&nx, &ny))
			return (float) PET_FORM;
	}
	/* no more letters can be common than these; is that enough? */
	m = most_common(xlen, a->letters[i], b->letters[j]);
	if (most_common(ylen, b->letters[j], a->letters[i]) < m)
		m = most_common(ylen, b->letters[j], a->letters[i]);
	similarity = ((double) m / xlen + (double) m / ylen + 1) / 3;
	if (similarity + 0.4 * (1 - similarity) < LEAST_SIMILAR)
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
pair_words(Pairing *p, double missing)
{
	float		similarity[OMNI_NAME_WORDS][OMNI_NAME_WORDS];
	bool		free_a[OMNI_NAME_WORDS];
	bool		free_b[OMNI_NAME_WORDS];
	double		alike = 0;
	double		matched = 0;
	double		left_a = 0;
	double		left_b = 0;
	double		less;
	double		more;

	for (int i = 0; i < p->a->nwords; i++)
		for (int j = 0; j < p->b->nwords; j++)
			similarity[i][j] = p->use_a[i] && p->use_b[j] ?
				word_similarity(p, i, j) : 0;
	memcpy(free_a, p->use_a, sizeof(free_a));
	memcpy(free_b, p->use_b, sizeof(free_b));
	for (;;)
	{
		float		best = 0;
		int			best_i = 0;
		int			best_j = 0;
		double		weight;

		for (int i = 0; i < p->a->nwords; i++)
			for (int j = 0; free_a[i] && j < p->b->nwords; j++)
				if (free_b[j] && similarity[i][j] > best)
				{
					best = similarity[i][j];
					best_i = i;
					best_j = j;
				}
		if (best <= 0)
			break;
		free_a[best_i] = false;
		free_b[best_j] = false;
		weight = p->weight_a[best_i] + p->weight_b[best_j];
		/* an initial tells as little as it is long */
		if (p->a->words[best_i].len == 1 || p->b->words[best_j].len == 1)
			weight = 2;
		matched += weight;
		alike += best * weight;
	}
	for (int i = 0; i < p->a->nwords; i++)
		left_a += free_a[i] ? p->weight_a[i] : 0;
	for (int j = 0; j < p->b->nwords; j++)
		left_b += free_b[j] ? p->weight_b[j] : 0;
	less = left_a < left_b ? left_a : left_b;
	more = left_a < left_b ? left_b : left_a;
	if (alike <= 0)
		return 0;
	/* what both have and does not agree tells more than what agrees */
	return alike / (matched + CONTRADICTION * less + missing * (more - less));
}

/* The words run together, for names written without their blanks. */
static int
run_together(const OmniNameWords *w, const bool *use, char *result)
{
	int			n = 0;

	for (int i = 0; i < w->nwords; i++)
		if (use[i])
		{
			memcpy(result + n, w->text + w->words[i].at, w->words[i].len);
			n += w->words[i].len;
		}
	return n;
}

/* How alike the names are when blanks do not count; 0 where not nearly. */
static double
compare_together(const Pairing *p)
{
	char		a[OMNI_FOLD_MAX];
	char		b[OMNI_FOLD_MAX];
	int			alen = run_together(p->a, p->use_a, a);
	int			blen = run_together(p->b, p->use_b, b);
	int			longer = alen > blen ? alen : blen;
	int			limit = 1 + longer / 16;
	int			distance;

	if (longer < 6)
		return 0;
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

static int
count_used(const bool *use, int n)
{
	int			used = 0;

	for (int i = 0; i < n; i++)
		used += use[i];
	return used;
}

/* Either empty: 0; equal: 1; else by pairs, or run together. */
static double
compare_pairing(Pairing *p, double missing)
{
	double		result;
	int			na = count_used(p->use_a, p->a->nwords);
	int			nb = count_used(p->use_b, p->b->nwords);

	if (na == 0 || nb == 0)
		return 0;
	result = pair_words(p, missing);
	if (na != nb)
	{
		double		together = compare_together(p);

		if (together > result)
			result = together;
	}
	return result > 1 ? 1 : result;
}

/* Weight of a word by its letters: long ones tell more, up to a point. */
static float
weigh(int len)
{
	return len < 8 ? (float) len : 8;
}

/* Which words of a person's name take part, and what they weigh. */
static void
use_person(const OmniName *name, bool *use, float *weight)
{
	bool		any = false;

	for (int i = 0; i < name->w.nwords; i++)
	{
		use[i] = name->parts[i] != OMNI_NAME_TITLE &&
			name->parts[i] != OMNI_NAME_SUFFIX;
		any = any || use[i];
		weight[i] = weigh(name->w.words[i].len);
		if (name->parts[i] == OMNI_NAME_PARTICLE ||
			name->parts[i] == OMNI_NAME_NICKNAME)
			weight[i] /= 2;
	}
	for (int i = 0; i < name->w.nwords && !any; i++)
		use[i] = true;
}

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
	use_person(a, p.use_a, p.weight_a);
	use_person(b, p.use_b, p.weight_b);
	result = compare_pairing(&p, MISSING);
	if (a->generation != 0 && b->generation != 0 &&
		a->generation != b->generation && result > OTHER_GENERATION)
		result = OTHER_GENERATION;
	return result;
}

/* Words that many companies have. */
static bool
is_generic(const char *word, int len)
{
	static const char *const generic[] = {
		"bank", "group", "holding", "holdings", "international", "services",
		"service", "trading", "industries", "industry", "company",
		"enterprises", "enterprise", "solutions", "systems", "technology",
		"technologies", "consulting", "management", "investment",
		"investments", "capital", "global", "partners", "association",
		"gruppe", "groupe", "grupo", "of", "for", "und", "et", "de", "del",
		"di", "la", "le", "les", "des"
	};

	for (size_t i = 0; i < sizeof(generic) / sizeof(generic[0]); i++)
		if (strlen(generic[i]) == (size_t) len &&
			memcmp(generic[i], word, len) == 0)
			return true;
	return false;
}

static void
use_company(const OmniNameWords *w, bool *use, float *weight)
{
	for (int i = 0; i < w->nwords; i++)
	{
		const char *word = w->text + w->words[i].at;

		use[i] = true;
		weight[i] = weigh(w->words[i].len);
		if (is_generic(word, w->words[i].len))
			weight[i] *= (float) GENERIC;
		else if (word[0] >= '0' && word[0] <= '9')
			weight[i] = 8;		/* Fund 1 is not Fund 2 */
	}
}

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
	use_company(&a->w, p.use_a, p.weight_a);
	use_company(&b->w, p.use_b, p.weight_b);
	result = compare_pairing(&p, MISSING_OF_COMPANY);
	/* two legal forms are two companies of one group, mostly */
	if (a->legal_form != OMNI_LEGAL_NONE && b->legal_form != OMNI_LEGAL_NONE &&
		a->legal_form != b->legal_form)
		result *= 0.9;
	return result;
}
