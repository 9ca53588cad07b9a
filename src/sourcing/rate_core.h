/*
 * rate_core.h
 *	  What a carrier's service charges for a weight; no PostgreSQL in it.
 *
 * All money is whole minor units, all weights are whole grams.
 */
#ifndef OMNI_SOURCING_RATE_CORE_H
#define OMNI_SOURCING_RATE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* more than any order costs; sums of a few hundred of it stay in 64 bits */
#define OMNI_RATE_MAX		INT64_C(1000000000000000)
/* brackets that an expanded rate may have */
#define OMNI_RATE_BRACKETS	4096

/* A parcel of up to so many grams, to a zone. */
typedef struct OmniRateRow
{
	int32_t		zone;
	int32_t		up_to_g;
	int64_t		rate;
} OmniRateRow;

/* A service's rates. */
typedef struct OmniRateCard
{
	const OmniRateRow *rows;	/* ascending by zone and up_to_g */
	int32_t		nrows;
	int32_t		bracket_g;		/* weights are rounded up to these */
	int32_t		parcel_max_g;	/* a multiple of it */
} OmniRateCard;

/* The one scale on which the rates of all services are compared. */
typedef struct OmniRateScale
{
	int32_t		bracket_g;
	int32_t		brackets;		/* of a full parcel */
	bool		exact;			/* no rate loses by being put on it */
} OmniRateScale;

/* Grams that one parcel to that zone may weigh; 0: it does not go there. */
extern int32_t omni_rate_parcel_max(const OmniRateCard *card, int32_t zone);
/*
 * Freight of so many grams: as many full parcels as there are, and the rest;
 * -1: it does not go there.  At most OMNI_RATE_MAX.
 */
extern int64_t omni_rate_freight(const OmniRateCard *card, int32_t zone,
								 int64_t grams);
/* A scale that fits all cards. */
extern void omni_rate_scale(const OmniRateCard *const *cards, int ncards,
							OmniRateScale *scale);
/*
 * Freight of each number of brackets of the scale: cost[0 … brackets], cost[0]
 * is 0.  false: it does not go there, and cost is left alone.
 */
extern bool omni_rate_expand(const OmniRateCard *card, int32_t zone,
							 const OmniRateScale *scale, int64_t *cost);

#endif							/* OMNI_SOURCING_RATE_CORE_H */
