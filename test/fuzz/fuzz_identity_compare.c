/*
 * fuzz_identity_compare.c
 *	  libFuzzer target for src/identity/compare_core.c: equal to naive
 *	  versions of itself, symmetric, within bounds.
 *
 * The first byte is a limit and says whether all letters are to be of four;
 * the second is where the rest is cut into two strings.
 */
#include "check.h"

#include <math.h>

#include "identity/compare_core.h"
#include "identity/text_core.h"

/* Jaro by the definition. */
static double
jaro_slowly(const char *a, int alen, const char *b, int blen)
{
	char		taken_a[1024] = {0};
	char		taken_b[1024] = {0};
	int			longer = alen > blen ? alen : blen;
	int			window = longer / 2 - 1 > 0 ? longer / 2 - 1 : 0;
	int			m = 0;
	int			crossed = 0;

	if (longer == 0)
		return 1;
	for (int i = 0; i < alen; i++)
		for (int j = 0; j < blen; j++)
			if (!taken_b[j] && a[i] == b[j] && abs(i - j) <= window)
			{
				taken_a[i] = taken_b[j] = 1;
				m++;
				break;
			}
	if (m == 0)
		return 0;
	for (int i = 0, j = 0; i < alen; i++)
	{
		if (!taken_a[i])
			continue;
		while (!taken_b[j])
			j++;
		crossed += a[i] != b[j++];
	}
	return ((double) m / alen + (double) m / blen +
			(double) (m - crossed / 2) / m) / 3;
}

/* Optimal string alignment by the definition. */
static int
damerau_slowly(const char *a, int alen, const char *b, int blen)
{
	static int	d[512][512];

	for (int i = 0; i <= alen; i++)
		for (int j = 0; j <= blen; j++)
		{
			int			best;

			if (i == 0 || j == 0)
			{
				d[i][j] = i + j;
				continue;
			}
			best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[alen][blen];
}

static void
check_strings(const char *a, int alen, const char *b, int blen, int limit)
{
	bool		equal = alen == blen && memcmp(a, b, alen) == 0;
	double		jaro = omni_identity_jaro(a, alen, b, blen);
	double		winkler = omni_identity_jaro_winkler(a, alen, b, blen);
	int			distance = omni_identity_damerau(a, alen, b, blen, limit);

	CHECK(jaro >= 0 && jaro <= 1 && winkler >= jaro && winkler <= 1);
	CHECK(!equal || (jaro == 1 && winkler == 1 && distance == 0));
	CHECK((distance == 0) == equal);
	CHECK(distance >= 0 && distance <= limit + 1);
	CHECK(jaro == omni_identity_jaro(b, blen, a, alen));
	CHECK(winkler == omni_identity_jaro_winkler(b, blen, a, alen));
	CHECK(distance == omni_identity_damerau(b, blen, a, alen, limit));
	if (alen <= OMNI_COMPARE_MAX && blen <= OMNI_COMPARE_MAX)
	{
		int			slow = damerau_slowly(a, alen, b, blen);
		int			prefix = omni_identity_common_prefix(a, alen, b, blen);

		CHECK(fabs(jaro - jaro_slowly(a, alen, b, blen)) < 1e-12);
		CHECK(fabs(winkler - (jaro + (prefix < 4 ? prefix : 4) * 0.1 *
							  (1 - jaro))) < 1e-12);
		CHECK(distance == (slow <= limit ? slow : limit + 1));
	}
}

/* How often is the gram there? */
static int
count_gram(const OmniGrams *grams, int gram)
{
	int			n = 0;

	for (int i = 0; i < grams->n; i++)
		n += grams->grams[i] == gram;
	return n;
}

static float
weigh(const char *word, int len, void *arg)
{
	return (float) ((unsigned char) word[0] % 7 + len % *(int *) arg) / 3;
}

static void
check_sets(const char *a, int alen, const char *b, int blen, int base)
{
	OmniGrams	ga;
	OmniGrams	gb;
	OmniTokens	ta;
	OmniTokens	tb;
	double		contained;
	double		again;
	double		result;
	int			common = 0;

	omni_identity_prepare_grams(a, alen, &ga);
	omni_identity_prepare_grams(b, blen, &gb);
	for (int i = 0; i < ga.n; i++)
		if (i == 0 || ga.grams[i] != ga.grams[i - 1])
		{
			int			x = count_gram(&ga, ga.grams[i]);
			int			y = count_gram(&gb, ga.grams[i]);

			common += x < y ? x : y;
		}
	result = omni_identity_compare_grams(&ga, &gb);
	CHECK(result >= 0 && result <= 1);
	CHECK(ga.n + gb.n == 0 ? result == 1 :
		  fabs(result - 2.0 * common / (ga.n + gb.n)) < 1e-12);
	CHECK(result == omni_identity_compare_grams(&gb, &ga));
	CHECK(omni_identity_compare_grams(&ga, &ga) == 1);

	omni_identity_prepare_tokens(a, alen, weigh, &base, &ta);
	omni_identity_prepare_tokens(b, blen, weigh, &base, &tb);
	result = omni_identity_compare_tokens(&ta, &tb, &contained);
	CHECK(result >= 0 && result <= 1 && contained >= 0 && contained <= 1);
	CHECK(result == omni_identity_compare_tokens(&tb, &ta, &again));
	CHECK(contained == again);
	CHECK(omni_identity_compare_tokens(&ta, &ta, NULL) == 1);
	if (ta.n > 0 && tb.n > 0 && ta.total > 0)
	{
		double		sum = 0;

		for (int i = 0; i < ta.n; i++)
			for (int j = 0; j < tb.n; j++)
				if (ta.tokens[i].hash == tb.tokens[j].hash)
					sum += ta.tokens[i].weight;
		if (result < 1)
			CHECK(fabs(result - sum / ((double) ta.total + tb.total - sum)) <
				  1e-4);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *a;
	char	   *b;
	int			alen;
	int			blen;
	char		folded[2][OMNI_FOLD_MAX];
	int			lens[2];

	if (size < 2)
		return 0;
	alen = (int) (data[1] % (size - 1));
	blen = (int) size - 2 - alen;
	a = malloc(alen + 1);
	b = malloc(blen + 1);
	memcpy(a, data + 2, alen);
	memcpy(b, data + 2 + alen, blen);
	if (data[0] & 1)
	{
		for (int i = 0; i < alen; i++)
			a[i] = (char) ('a' + (a[i] & 3));
		for (int i = 0; i < blen; i++)
			b[i] = (char) ('a' + (b[i] & 3));
	}
	check_strings(a, alen, b, blen, data[0] / 8);
	check_strings(a, alen, a, alen, data[0] / 8);
	lens[0] = omni_identity_fold(a, alen, folded[0], OMNI_FOLD_MAX);
	lens[1] = omni_identity_fold(b, blen, folded[1], OMNI_FOLD_MAX);
	check_sets(folded[0], lens[0], folded[1], lens[1], 1 + data[0] / 16);
	/* long ones */
	if (data[0] % 16 == 3 && alen > 0)
	{
		char	   *x = malloc(600);
		char	   *y = malloc(600);

		for (int i = 0; i < 600; i++)
		{
			x[i] = a[i % alen];
			y[i] = i % 41 == data[0] % 41 && blen > 0 ? b[i % blen] : x[i];
		}
		check_strings(x, 200, y, 190, data[0] / 8);
		check_strings(x, 256, y, 256, 5);
		check_strings(x, 600, y, 600, 3);
		y[599] = (char) (x[599] + 1);
		check_strings(x, 600, y, 600, 3);
		free(x);
		free(y);
	}
	free(a);
	free(b);
	return 0;
}
