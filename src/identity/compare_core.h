/*
 * compare_core.h
 *	  How alike are two strings; no PostgreSQL in it.
 *
 * All functions take bytes and lengths, need no padding, allocate nothing and
 * are symmetric.  They are meant for folded texts (text_core.h): a byte is a
 * letter there.  Strings beyond OMNI_COMPARE_MAX bytes are compared by that
 * many first bytes; two that differ behind them are never called equal.
 */
#ifndef OMNI_IDENTITY_COMPARE_CORE_H
#define OMNI_IDENTITY_COMPARE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#define OMNI_COMPARE_MAX 256

/*
 * Jaro-Winkler similarity, 0 to 1: prefix of 4, factor 0.1, at every
 * similarity (as in Winkler's paper of 1990, without the boost threshold).
 * Two empty strings: 1; one empty: 0.
 */
extern double omni_identity_jaro_winkler(const char *a, int alen,
										 const char *b, int blen);
/* The same without Winkler's prefix. */
extern double omni_identity_jaro(const char *a, int alen, const char *b,
								 int blen);

/*
 * Optimal string alignment distance (restricted Damerau-Levenshtein: insert,
 * delete, replace, exchange neighbours; no part is edited twice), or limit + 1
 * where it is more than "limit".  Bit-parallel (Hyyro 2003).
 */
extern int	omni_identity_damerau(const char *a, int alen, const char *b,
								  int blen, int limit);

/* Bytes common to both at their starts. */
extern int	omni_identity_common_prefix(const char *a, int alen,
										const char *b, int blen);

/*
 * q-grams: prepare once, compare often.  Grams of two letters, each word with
 * a blank before and behind, so that starts and ends count; a multiset.
 */
#define OMNI_GRAMS_MAX 64

typedef struct OmniGrams
{
	uint16_t	n;
	uint16_t	grams[OMNI_GRAMS_MAX];	/* sorted */
} OmniGrams;

extern void omni_identity_prepare_grams(const char *folded, int len,
										OmniGrams *grams);
/* Dice's coefficient of two multisets, 0 to 1; both empty: 1. */
extern double omni_identity_compare_grams(const OmniGrams *a,
										  const OmniGrams *b);

/*
 * Sets of words with weights: prepare once, compare often.  The weight of a
 * word says how much it tells; usually log(rows / rows with the word).
 */
#define OMNI_TOKENS_MAX 24

typedef struct OmniToken
{
	uint32_t	hash;
	float		weight;
} OmniToken;

typedef struct OmniTokens
{
	int			n;
	float		total;			/* of the weights */
	OmniToken	tokens[OMNI_TOKENS_MAX];	/* sorted by hash, distinct */
} OmniTokens;

typedef float (*OmniTokenWeight) (const char *word, int len, void *arg);

/* The first OMNI_TOKENS_MAX words; weight NULL: each weighs 1. */
extern void omni_identity_prepare_tokens(const char *folded, int len,
										 OmniTokenWeight weight, void *arg,
										 OmniTokens *tokens);
/*
 * Weight of the common words in that of all words (weighted Jaccard), 0 to 1;
 * both empty: 1.  "contained", unless NULL, gets the weight of the common
 * words in that of the lighter set.
 */
extern double omni_identity_compare_tokens(const OmniTokens *a,
										   const OmniTokens *b,
										   double *contained);

/*
 * Numbers (ages, amounts, sizes): 1 where equal, falling to 0 where they
 * differ by "scale" or more.  scale > 0; NaN gives 0.
 */
extern double omni_identity_compare_numbers(double a, double b, double scale);

/* Kilometres between two points on the earth, by the haversine formula. */
extern double omni_identity_distance_km(double latitude_a, double longitude_a,
										double latitude_b,
										double longitude_b);

#endif							/* OMNI_IDENTITY_COMPARE_CORE_H */
