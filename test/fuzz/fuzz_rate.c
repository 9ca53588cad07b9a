/*
 * fuzz_rate.c
 *	  libFuzzer target for src/sourcing/rate_core.c: any cards, against the
 *	  definition, and the common scale against the cards.
 */
#include "bytes.h"
#include "check.h"

#include <stdbool.h>

#include "sourcing/rate_core.h"

#define MAX_CARDS	3
#define MAX_ROWS	8

/* Freight by the definition. */
static int64_t
freight_slowly(const OmniRateCard *card, int zone, int64_t grams)
{
	int64_t		last = -1;
	int64_t		full;
	int64_t		cost = 0;

	for (int r = 0; r < card->nrows; r++)
	{
		if (card->rows[r].zone == zone)
			last = card->rows[r].up_to_g;
	}
	if (last < 0)
		return -1;
	full = last / card->bracket_g * card->bracket_g;
	if (full < card->bracket_g)
		full = card->bracket_g;
	if (full > card->parcel_max_g)
		full = card->parcel_max_g;
	if (grams < 1)
		grams = 1;
	if (grams % card->bracket_g != 0)
		grams += card->bracket_g - grams % card->bracket_g;
	while (grams > 0)
	{
		int64_t		parcel = grams < full ? grams : full;
		int64_t		rate = -1;

		for (int r = 0; r < card->nrows; r++)
		{
			if (card->rows[r].zone != zone)
				continue;
			if (rate < 0 || card->rows[r - 1].up_to_g < parcel)
				rate = card->rows[r].rate;
		}
		cost += rate;
		grams -= parcel;
	}
	return cost;
}

/* What b brackets of a table cost, as the solver takes it. */
static int64_t
table_cost(const int64_t *cost, const OmniRateScale *scale, int64_t grams)
{
	int64_t		b = grams <= 0 ? 1 :
		(grams + scale->bracket_g - 1) / scale->bracket_g;

	return b / scale->brackets * cost[scale->brackets] +
		cost[b % scale->brackets];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int brackets[] = {1, 50, 100, 250, 454, 500, 1000, 7};
	static int64_t cost[OMNI_RATE_BRACKETS + 1];
	Bytes		bytes = {data, size, 1};
	OmniRateRow rows[MAX_CARDS][MAX_ROWS];
	OmniRateCard cards[MAX_CARDS];
	const OmniRateCard *list[MAX_CARDS];
	OmniRateScale scale;
	int			ncards;

	if (size == 0)
		return 0;
	ncards = next_byte(&bytes) % (MAX_CARDS + 1);
	for (int c = 0; c < ncards; c++)
	{
		OmniRateCard *card = &cards[c];
		int			zone = 0;
		int			up_to = 0;

		card->bracket_g = brackets[next_byte(&bytes) % 8];
		card->parcel_max_g = card->bracket_g *
			(1 + next_number(&bytes, data[0] % 2 ? 999 : 20));
		card->nrows = next_byte(&bytes) % (MAX_ROWS + 1);
		card->rows = rows[c];
		list[c] = card;
		for (int r = 0; r < card->nrows; r++)
		{
			if (next_byte(&bytes) % 3 == 0)
			{
				zone += 1 + next_byte(&bytes) % 2;
				up_to = 0;
			}
			up_to += 1 + next_number(&bytes, 20000);
			rows[c][r].zone = zone;
			rows[c][r].up_to_g = up_to;
			rows[c][r].rate = next_number(&bytes, 5000);
		}
	}
	omni_rate_scale(list, ncards, &scale);
	CHECK(scale.bracket_g > 0 && scale.brackets > 0 &&
		  scale.brackets <= OMNI_RATE_BRACKETS);
	for (int c = 0; c < ncards; c++)
	{
		for (int zone = 0; zone < 5; zone++)
		{
			int64_t		grams[] = {0, 1, next_number(&bytes, 65535),
				next_number(&bytes, 65535) * INT64_C(3)};
			bool		served = omni_rate_expand(&cards[c], zone, &scale,
												  cost);

			for (int g = 0; g < 4; g++)
			{
				int64_t		slow = freight_slowly(&cards[c], zone, grams[g]);

				CHECK(omni_rate_freight(&cards[c], zone, grams[g]) == slow);
				CHECK(served == (slow >= 0));
				if (served && scale.exact)
					CHECK(table_cost(cost, &scale, grams[g]) == slow);
			}
		}
	}
	return 0;
}
