/*
 * compare_core.c
 *	  How alike are two strings; no PostgreSQL in it.
 *
 * Strings of up to 64 bytes are compared by bits: one 64-bit word holds a bit
 * for each letter of the longer string (the pattern), and each letter of the
 * shorter one costs a few operations.  Where the letters of the pattern are
 * equal to a given one is found by comparing 16 bytes at once (SSE2), which
 * needs no table of 256 entries to be cleared for each pair; other machines
 * use a plain loop.  Longer strings are rare and go by the textbook.
 *
 * Sources: M. Jaro (1989); W. Winkler (1990); H. Hyyro, "A bit-vector
 * algorithm for computing Levenshtein and Damerau edit distances" (2003), whose
 * Damerau distance is the restricted one.
 */
#include "identity/compare_core.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "identity/text_core.h"

#if defined(__SSE2__) && !defined(OMNI_PLAIN_C)
#include <emmintrin.h>
#define HAVE_SSE2 1
#endif

#define WORD_BITS 64

/* ---- where a letter is in the pattern ---- */

typedef struct Pattern
{
#ifdef HAVE_SSE2
	__m128i		parts[WORD_BITS / 16];
#else
	const char *text;
#endif
	int			len;
	uint64_t	all;			/* a bit for each letter */
} Pattern;

#ifdef HAVE_SSE2
/* 16 bytes of which the first n (0 to 16) are from "s", the others zero. */
static inline __m128i
load_bytes(const char *s, int n)
{
	uint64_t	low = 0;
	uint64_t	high = 0;

	if (n >= 8)
	{
		memcpy(&low, s, 8);
		if (n > 8)
		{
			memcpy(&high, s + n - 8, 8);
			high >>= 8 * (16 - n);
		}
	}
	else if (n >= 4)
	{
		uint32_t	first;
		uint32_t	last;

		memcpy(&first, s, 4);
		memcpy(&last, s + n - 4, 4);
		low = first | (uint64_t) last << (8 * (n - 4));
	}
	else
		for (int i = 0; i < n; i++)
			low |= (uint64_t) (unsigned char) s[i] << (8 * i);
	return _mm_set_epi64x((long long) high, (long long) low);
}
#endif

/* "parts" times 16 is not below len. */
static inline void
set_pattern(Pattern *p, const char *text, int len, int parts)
{
	p->len = len;
	p->all = len == WORD_BITS ? ~UINT64_C(0) : (UINT64_C(1) << len) - 1;
#ifdef HAVE_SSE2
	for (int i = 0; i < parts; i++)
	{
		int			left = len - 16 * i;

		p->parts[i] = load_bytes(text + (left > 0 ? 16 * i : 0),
								 left < 0 ? 0 : left > 16 ? 16 : left);
	}
#else
	(void) parts;
	p->text = text;
#endif
}

/* A bit for each place of the pattern where the letter is. */
static inline uint64_t
find_letter(const Pattern *p, char letter, int parts)
{
	uint64_t	found = 0;

#ifdef HAVE_SSE2
	__m128i		wanted = _mm_set1_epi8(letter);

	for (int i = 0; i < parts; i++)
		found |= (uint64_t) (unsigned int)
			_mm_movemask_epi8(_mm_cmpeq_epi8(p->parts[i], wanted)) << (16 * i);
	return found & p->all;
#else
	(void) parts;
	for (int i = 0; i < p->len; i++)
		found |= (uint64_t) (p->text[i] == letter) << i;
	return found;
#endif
}

/* The first bit that is set; there is one. */
static inline int
first_bit(uint64_t bits)
{
	return __builtin_ctzll(bits);
}

/* ---- Jaro and Jaro-Winkler ---- */

/* The formula of m common letters of which t pairs stand crosswise. */
static double
jaro_formula(int alen, int blen, int m, int crossed)
{
	if (m == 0)
		return 0;
	return ((double) m / alen + (double) m / blen +
			(double) (m - crossed / 2) / m) / 3;
}

/*
 * Letters are common when they are equal and not farther apart than half the
 * longer string; each letter of "b" takes the first free one of "a".
 */
static inline double
jaro_by_bits(const char *a, int alen, const char *b, int blen, int parts)
{
	Pattern		pattern;
	uint64_t	taken = 0;		/* of a */
	uint64_t	common = 0;		/* of b */
	int			window = alen / 2 - 1;
	uint64_t	reach;
	int			m = 0;
	int			crossed = 0;

	if (window < 0)
		window = 0;
	set_pattern(&pattern, a, alen, parts);
	/* alen <= 64, so window <= 31 */
	reach = (UINT64_C(1) << (window + 1)) - 1;
	for (int j = 0; j < blen; j++)
	{
		uint64_t	free = find_letter(&pattern, b[j], parts) & reach & ~taken;
		uint64_t	first = free & (~free + 1);

		taken |= first;
		common |= (uint64_t) (free != 0) << j;
		m += free != 0;
		reach = j < window ? reach << 1 | 1 : reach << 1;
	}
	for (int i = 0; i < m; i++)
	{
		crossed += a[first_bit(taken)] != b[first_bit(common)];
		taken &= taken - 1;
		common &= common - 1;
	}
	return jaro_formula(alen, blen, m, crossed);
}

/* The same for longer strings, letter by letter. */
static double
jaro_by_letters(const char *a, int alen, const char *b, int blen)
{
	bool		taken[OMNI_COMPARE_MAX] = {false};
	char		common[OMNI_COMPARE_MAX];
	int			window = alen / 2 - 1;
	int			m = 0;
	int			crossed = 0;

	for (int j = 0; j < blen; j++)
	{
		int			from = j > window ? j - window : 0;
		int			to = j + window < alen - 1 ? j + window : alen - 1;

		for (int i = from; i <= to; i++)
			if (!taken[i] && a[i] == b[j])
			{
				taken[i] = true;
				common[m++] = b[j];
				break;
			}
	}
	for (int i = 0, k = 0; i < alen; i++)
		if (taken[i])
			crossed += a[i] != common[k++];
	return jaro_formula(alen, blen, m, crossed);
}

/* Longest first, which both algorithms want. */
static inline void
put_longer_first(const char **a, int *alen, const char **b, int *blen)
{
	if (*alen < *blen)
	{
		const char *s = *a;
		int			n = *alen;

		*a = *b;
		*alen = *blen;
		*b = s;
		*blen = n;
	}
}

/* The largest value that is not "equal". */
static double
not_quite(double similarity)
{
	return similarity >= 1 ? nextafter(1, 0) : similarity;
}

/* Jaro of strings that are no longer than can be compared. */
static double
jaro_cut(const char *a, int alen, const char *b, int blen)
{
	put_longer_first(&a, &alen, &b, &blen);
	if (blen == 0)
		return alen == 0;
	if (alen <= 16)
		return jaro_by_bits(a, alen, b, blen, 1);
	if (alen <= WORD_BITS)
		return jaro_by_bits(a, alen, b, blen, 4);
	return jaro_by_letters(a, alen, b, blen);
}

/* Do two strings that agree as far as they are compared differ behind? */
static bool
differ_behind(const char *a, int alen, const char *b, int blen)
{
	return (alen > OMNI_COMPARE_MAX || blen > OMNI_COMPARE_MAX) &&
		(alen != blen || memcmp(a, b, alen) != 0);
}

/* How much of a string is compared. */
static inline int
cut(int len)
{
	return len < OMNI_COMPARE_MAX ? len : OMNI_COMPARE_MAX;
}

/* Jaro's similarity. */
double
omni_identity_jaro(const char *a, int alen, const char *b, int blen)
{
	double		similarity = jaro_cut(a, cut(alen), b, cut(blen));

	return differ_behind(a, alen, b, blen) ? not_quite(similarity) :
		similarity;
}

/* Jaro's similarity, raised by the common start. */
double
omni_identity_jaro_winkler(const char *a, int alen, const char *b, int blen)
{
	double		similarity = jaro_cut(a, cut(alen), b, cut(blen));
	int			prefix = 0;

	while (prefix < 4 && prefix < alen && prefix < blen &&
		   a[prefix] == b[prefix])
		prefix++;
	similarity += prefix * 0.1 * (1 - similarity);
	return differ_behind(a, alen, b, blen) ? not_quite(similarity) :
		similarity;
}

/* Bytes common at the start. */
int
omni_identity_common_prefix(const char *a, int alen, const char *b, int blen)
{
	int			n = 0;

	while (n < alen && n < blen && a[n] == b[n])
		n++;
	return n;
}

/* ---- distance ---- */

/* Hyyro's algorithm; 1 <= blen <= alen <= 64. */
static inline int
damerau_by_bits(const char *a, int alen, const char *b, int blen, int limit,
				int parts)
{
	Pattern		pattern;
	uint64_t	vp = ~UINT64_C(0);
	uint64_t	vn = 0;
	uint64_t	d0 = 0;
	uint64_t	before = 0;
	int			distance = alen;
	int			top = alen - 1;

	set_pattern(&pattern, a, alen, parts);
	for (int j = 0; j < blen; j++)
	{
		uint64_t	here = find_letter(&pattern, b[j], parts);
		uint64_t	exchange = ((~d0 & here) << 1) & before;
		uint64_t	hp;
		uint64_t	hn;

		d0 = (((here & vp) + vp) ^ vp) | here | vn | exchange;
		hp = vn | ~(d0 | vp);
		hn = d0 & vp;
		distance += (int) (hp >> top & 1) - (int) (hn >> top & 1);
		/* each letter that is left takes one off at best */
		if (distance - (blen - 1 - j) > limit)
			return limit + 1;
		hp = hp << 1 | 1;
		hn <<= 1;
		vp = hn | ~(d0 | hp);
		vn = hp & d0;
		before = here;
	}
	return distance;
}

/* The least of three. */
static inline int
min3(int a, int b, int c)
{
	int			m = a < b ? a : b;

	return m < c ? m : c;
}

/* The same for longer strings: three rows of the textbook's table. */
static int
damerau_by_rows(const char *a, int alen, const char *b, int blen, int limit)
{
	uint16_t	rows[3][OMNI_COMPARE_MAX + 1];
	uint16_t   *before = rows[0];
	uint16_t   *last = rows[1];
	uint16_t   *row = rows[2];

	for (int i = 0; i <= alen; i++)
		last[i] = (uint16_t) i;
	for (int j = 1; j <= blen; j++)
	{
		uint16_t   *spare = before;
		int			least = j;

		row[0] = (uint16_t) j;
		for (int i = 1; i <= alen; i++)
		{
			int			d = min3(row[i - 1] + 1, last[i] + 1,
								 last[i - 1] + (a[i - 1] != b[j - 1]));

			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1] && before[i - 2] + 1 < d)
				d = before[i - 2] + 1;
			row[i] = (uint16_t) d;
			if (d < least)
				least = d;
		}
		/* an exchange may come from the row before, one cheaper at most */
		if (least > limit + 1)
			return limit + 1;
		before = last;
		last = row;
		row = spare;
	}
	return last[alen] <= limit ? last[alen] : limit + 1;
}

/* Distance up to a limit, by bits where the longer string fits a word. */
int
omni_identity_damerau(const char *a, int alen, const char *b, int blen,
					  int limit)
{
	bool		behind = differ_behind(a, alen, b, blen);
	int			distance;

	if (limit < 0)
		limit = 0;
	if (limit > OMNI_COMPARE_MAX)
		limit = OMNI_COMPARE_MAX;
	alen = cut(alen);
	blen = cut(blen);
	put_longer_first(&a, &alen, &b, &blen);
	if (alen - blen > limit)
		return limit + 1;
	if (blen == 0)
		distance = alen;
	else if (alen <= 16)
		distance = damerau_by_bits(a, alen, b, blen, limit, 1);
	else if (alen <= WORD_BITS)
		distance = damerau_by_bits(a, alen, b, blen, limit, 4);
	else
		distance = damerau_by_rows(a, alen, b, blen, limit);
	return behind && distance == 0 ? 1 : distance;
}

/* ---- q-grams ---- */

/* For qsort: by value. */
static int
order_grams(const void *a, const void *b)
{
	return (int) *(const uint16_t *) a - (int) *(const uint16_t *) b;
}

/* Pairs of letters with blanks around words, sorted. */
void
omni_identity_prepare_grams(const char *folded, int len, OmniGrams *grams)
{
	unsigned int before = ' ';

	grams->n = 0;
	for (int i = 0; i <= len && grams->n < OMNI_GRAMS_MAX; i++)
	{
		unsigned int c = i < len ? (unsigned char) folded[i] : ' ';

		if (c == ' ' && before == ' ')
			continue;
		grams->grams[grams->n++] = (uint16_t) (before << 8 | c);
		before = c;
	}
	qsort(grams->grams, grams->n, sizeof(grams->grams[0]), order_grams);
}

/* Merge two sorted lists and count what is common; no branch depends on it. */
double
omni_identity_compare_grams(const OmniGrams *a, const OmniGrams *b)
{
	int			common = 0;

	if (a->n + b->n == 0)
		return 1;
	for (int i = 0, j = 0; i < a->n && j < b->n;)
	{
		int			x = a->grams[i];
		int			y = b->grams[j];

		common += x == y;
		i += x <= y;
		j += y <= x;
	}
	return 2.0 * common / (a->n + b->n);
}

/* ---- sets of words ---- */

/* For qsort: by hash. */
static int
order_tokens(const void *a, const void *b)
{
	uint32_t	x = ((const OmniToken *) a)->hash;
	uint32_t	y = ((const OmniToken *) b)->hash;

	return (x > y) - (x < y);
}

/* Words as hashes with weights, sorted, each once. */
void
omni_identity_prepare_tokens(const char *folded, int len,
							 OmniTokenWeight weight, void *arg,
							 OmniTokens *tokens)
{
	OmniSpan	words[OMNI_TOKENS_MAX];
	int			nwords;
	int			n = 0;

	nwords = omni_identity_split(folded, len, words, OMNI_TOKENS_MAX);
	for (int i = 0; i < nwords; i++)
	{
		const char *word = folded + words[i].at;
		float		w = weight ? weight(word, words[i].len, arg) : 1;

		tokens->tokens[i].hash = (uint32_t)
			omni_identity_hash(word, words[i].len);
		tokens->tokens[i].weight = w > 0 ? w : 0;	/* NaN too */
	}
	qsort(tokens->tokens, nwords, sizeof(OmniToken), order_tokens);
	for (int i = 0; i < nwords; i++)
		if (n == 0 || tokens->tokens[i].hash != tokens->tokens[n - 1].hash)
			tokens->tokens[n++] = tokens->tokens[i];
	tokens->n = n;
	tokens->total = 0;
	for (int i = 0; i < n; i++)
		tokens->total += tokens->tokens[i].weight;
}

/* Merge two sorted sets; sums run in one order, so equal sets give 1. */
double
omni_identity_compare_tokens(const OmniTokens *a, const OmniTokens *b,
							 double *contained)
{
	float		common = 0;
	int			ncommon = 0;
	float		lighter = a->total < b->total ? a->total : b->total;
	double		all;
	double		result;

	for (int i = 0, j = 0; i < a->n && j < b->n;)
	{
		uint32_t	x = a->tokens[i].hash;
		uint32_t	y = b->tokens[j].hash;
		float		v = a->tokens[i].weight;
		float		w = b->tokens[j].weight;

		common += x == y ? (v < w ? v : w) : 0;
		ncommon += x == y;
		i += x <= y;
		j += y <= x;
	}
	all = (double) a->total + b->total - common;
	if (ncommon == a->n && ncommon == b->n)
		result = 1;
	else
		result = all > 0 ? common / all : 0;
	if (result > 1)
		result = 1;
	if (contained)
	{
		*contained = lighter > 0 ? common / lighter : result;
		if (*contained > 1)
			*contained = 1;
	}
	return result;
}

/* ---- numbers and places ---- */

/* Linear between equal and "scale" apart. */
double
omni_identity_compare_numbers(double a, double b, double scale)
{
	double		difference = fabs(a - b);

	if (a == b)
		return 1;				/* infinities too */
	if (!(difference < scale))
		return 0;
	return 1 - difference / scale;
}

/* Haversine formula. */
double
omni_identity_distance_km(double latitude_a, double longitude_a,
						  double latitude_b, double longitude_b)
{
	const double radius = 6371.0088;	/* mean, IUGG */
	const double degree = 3.14159265358979323846 / 180;
	double		x = sin((latitude_b - latitude_a) * degree / 2);
	double		y = sin((longitude_b - longitude_a) * degree / 2);
	double		h = x * x + cos(latitude_a * degree) *
		cos(latitude_b * degree) * y * y;

	return 2 * radius * asin(sqrt(h < 1 ? h : 1));
}
