/*
 * rate_core.c
 *	  What a carrier's service charges for a weight.
 *
 * Pure C over plain arrays: no server, no allocation.
 *
 * - A weight is rounded up to the card's brackets, at least one; a parcel costs
 *	 the first row of its zone that reaches so far.  What is heavier than a
 *	 parcel may be goes in full parcels and a rest.  The last row of a zone
 *	 bounds the parcel, too.
 * - The solver compares services by one table of brackets each.  The common
 *	 bracket is the greatest that divides every card's, and the common full
 *	 parcel is the smallest that every card's parcels divide: then the table
 *	 gives exactly what the card does, for any weight.  Where that would take
 *	 more than OMNI_RATE_BRACKETS, the scale is coarser and not exact: weights
 *	 are rounded up further, never down.
 */
#include "sourcing/rate_core.h"

#define LESSER(a, b) ((a) < (b) ? (a) : (b))
#define GREATER(a, b) ((a) > (b) ? (a) : (b))

/* Index of the first row of the zone that reaches so far; nrows: none. */
static int32_t
find_row(const OmniRateCard *card, int32_t zone, int64_t grams)
{
	int32_t		low = 0;
	int32_t		high = card->nrows;

	while (low < high)
	{
		int32_t		middle = low + (high - low) / 2;
		const OmniRateRow *row = &card->rows[middle];

		if (row->zone < zone || (row->zone == zone && row->up_to_g < grams))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Grams that one parcel to that zone may weigh; 0: it does not go there. */
int32_t
omni_rate_parcel_max(const OmniRateCard *card, int32_t zone)
{
	int32_t		behind = find_row(card, zone + 1, 0);
	int32_t		last;

	if (behind == 0 || card->rows[behind - 1].zone != zone)
		return 0;
	last = card->rows[behind - 1].up_to_g;
	last -= last % card->bracket_g;
	return GREATER(card->bracket_g, LESSER(last, card->parcel_max_g));
}

/* What one parcel costs, of at most what a parcel may weigh. */
static int64_t
parcel_rate(const OmniRateCard *card, int32_t zone, int64_t grams)
{
	int32_t		row = find_row(card, zone, grams);

	/* the last row of a zone may be less than a bracket */
	if (row == card->nrows || card->rows[row].zone != zone)
		row--;
	return LESSER(card->rows[row].rate, OMNI_RATE_MAX);
}

/* Freight of so many grams. */
int64_t
omni_rate_freight(const OmniRateCard *card, int32_t zone, int64_t grams)
{
	int64_t		full = omni_rate_parcel_max(card, zone);
	int64_t		rate;
	int64_t		parcels;
	int64_t		rest;

	if (full == 0)
		return -1;
	grams = GREATER(grams, 1);
	if (grams > INT64_MAX - card->bracket_g)
		return OMNI_RATE_MAX;
	grams = (grams + card->bracket_g - 1) / card->bracket_g * card->bracket_g;
	parcels = grams / full;
	rest = grams % full;
	rate = parcels > 0 ? parcel_rate(card, zone, full) : 0;
	if (rate > 0 && parcels > OMNI_RATE_MAX / rate)
		return OMNI_RATE_MAX;
	rate *= parcels;
	if (rest > 0)
		rate += parcel_rate(card, zone, rest);
	return LESSER(rate, OMNI_RATE_MAX);
}

/* Greatest common divisor of two positive numbers. */
static int64_t
common_divisor(int64_t a, int64_t b)
{
	while (b != 0)
	{
		int64_t		rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Take the parcel of one zone into the common one; false: it grew too big. */
static bool
fit_parcel(int64_t *full, int32_t parcel, int64_t most)
{
	int64_t		multiple;

	if (*full == 0)
		multiple = parcel;
	else
		multiple = *full / common_divisor(*full, parcel) * parcel;
	if (multiple > most)
		return false;
	*full = multiple;
	return true;
}

/* A scale that fits all cards. */
void
omni_rate_scale(const OmniRateCard *const *cards, int ncards,
				OmniRateScale *scale)
{
	int64_t		bracket = 0;
	int64_t		full = 0;
	int64_t		largest = 0;

	for (int c = 0; c < ncards; c++)
	{
		bracket = bracket == 0 ? cards[c]->bracket_g :
			common_divisor(bracket, cards[c]->bracket_g);
		largest = GREATER(largest, cards[c]->parcel_max_g);
	}
	if (bracket == 0)
	{
		scale->bracket_g = 500;
		scale->brackets = 1;
		scale->exact = true;
		return;
	}
	scale->exact = true;
	for (int c = 0; c < ncards && scale->exact; c++)
	{
		for (int32_t r = 0; r < cards[c]->nrows && scale->exact; r++)
		{
			int32_t		zone = cards[c]->rows[r].zone;

			if (r + 1 < cards[c]->nrows && cards[c]->rows[r + 1].zone == zone)
				continue;
			scale->exact = fit_parcel(&full,
									  omni_rate_parcel_max(cards[c], zone),
									  bracket * OMNI_RATE_BRACKETS);
		}
	}
	if (!scale->exact)
	{
		/* whole brackets of a card still, where they are large enough */
		while (largest / bracket > OMNI_RATE_BRACKETS)
			bracket *= 2;
		full = (largest + bracket - 1) / bracket * bracket;
	}
	else if (full == 0)
		full = bracket;
	scale->bracket_g = (int32_t) bracket;
	scale->brackets = (int32_t) LESSER(full / bracket, OMNI_RATE_BRACKETS);
}

/* Freight of each number of brackets. */
bool
omni_rate_expand(const OmniRateCard *card, int32_t zone,
				 const OmniRateScale *scale, int64_t *cost)
{
	if (omni_rate_parcel_max(card, zone) == 0)
		return false;
	cost[0] = 0;
	for (int32_t b = 1; b <= scale->brackets; b++)
		cost[b] = omni_rate_freight(card, zone, (int64_t) b * scale->bracket_g);
	return true;
}
