/*
 * amount_core.h
 *	  Exact money over plain buffers; no PostgreSQL in it.
 *
 * An amount is a whole number of minor units, a currency, and the number of
 * decimals (exponent) that the minor units have.  The exponent lies in the
 * value: when ISO 4217 changes one, stored amounts keep their worth.
 */
#ifndef OMNI_TYPES_AMOUNT_CORE_H
#define OMNI_TYPES_AMOUNT_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ISO 4217 goes up to 4 today */
#define OMNI_AMOUNT_MAX_EXPONENT	6
/* "ISK/6 -9223372036854.775808" and its zero, rounded up */
#define OMNI_AMOUNT_TEXT_SIZE		32
/* on the wire: minor units, currency, exponent */
#define OMNI_AMOUNT_WIRE_SIZE		12
/* a unit price may have this many decimals more than its currency */
#define OMNI_UNIT_PRICE_MORE_DECIMALS	4

typedef struct OmniAmount
{
	int64_t		minor;			/* worth × 10^exponent */
	char		currency[3];	/* ISO 4217, capital letters, no zero */
	uint8_t		exponent;		/* 0 … OMNI_AMOUNT_MAX_EXPONENT */
	uint32_t	unused;			/* always 0 */
} OmniAmount;

typedef enum OmniAmountError
{
	OMNI_AMOUNT_OK = 0,
	OMNI_AMOUNT_BAD_FORM,		/* not "CUR 12.34" */
	OMNI_AMOUNT_UNKNOWN_CURRENCY,
	OMNI_AMOUNT_NO_EXPONENT,	/* gold and its like: no minor unit */
	OMNI_AMOUNT_BAD_EXPONENT,	/* beyond OMNI_AMOUNT_MAX_EXPONENT */
	OMNI_AMOUNT_TOO_MANY_DECIMALS,
	OMNI_AMOUNT_OUT_OF_RANGE,	/* minor units beyond 64 bits */
	OMNI_AMOUNT_MISMATCH,		/* two currencies */
	OMNI_AMOUNT_NOT_FINITE,		/* NaN, Infinity */
	OMNI_AMOUNT_BAD_LENGTH,		/* binary of another size */
	OMNI_AMOUNT_NO_WEIGHT,		/* no weight above zero */
	OMNI_AMOUNT_NEGATIVE_WEIGHT
} OmniAmountError;

/* 128 bits, at an alignment that every allocator keeps */
typedef __int128 OmniInt128 __attribute__((aligned(8)));
typedef unsigned __int128 OmniUInt128 __attribute__((aligned(8)));

/*
 * A running sum over one currency; all zero bytes is the empty sum.  The
 * total is kept in units of 10^-OMNI_AMOUNT_MAX_EXPONENT, so it is exact
 * whatever exponents come in, and 10^13 of the largest amounts fit.
 */
typedef struct OmniAmountSum
{
	OmniInt128	total;
	int64_t		count;			/* amounts in it */
	int64_t		by_exponent[OMNI_AMOUNT_MAX_EXPONENT + 1];	/* by theirs */
	char		currency[3];	/* meaningless while count is 0 */
} OmniAmountSum;

/* Room that omni_types_amount_allocate() needs per part. */
typedef struct OmniAmountShare
{
	OmniUInt128 remainder;
	size_t		part;
} OmniAmountShare;

/* text and binary */
extern OmniAmountError omni_types_amount_parse(const char *text, size_t len,
											   OmniAmount *amount);
extern size_t omni_types_amount_print(const OmniAmount *amount, char *text);
extern size_t omni_types_amount_print_number(const OmniAmount *amount,
											 char *text);
extern OmniAmountError omni_types_amount_from_wire(const uint8_t *wire,
												   size_t len,
												   OmniAmount *amount);
extern void omni_types_amount_to_wire(const OmniAmount *amount,
									  uint8_t *wire);

/* decimal numbers */
extern OmniAmountError omni_types_amount_round_decimal(const char *text,
													   size_t len,
													   int exponent,
													   bool exact,
													   int64_t *minor);

/* order and arithmetic */
extern int	omni_types_amount_compare(const OmniAmount *a,
									  const OmniAmount *b);
extern void omni_types_amount_normalise(const OmniAmount *amount,
										OmniAmount *normal);
extern OmniAmountError omni_types_amount_plus(const OmniAmount *a,
											  const OmniAmount *b,
											  OmniAmount *result);
extern OmniAmountError omni_types_amount_minus(const OmniAmount *a,
											   const OmniAmount *b,
											   OmniAmount *result);
extern OmniAmountError omni_types_amount_opposite(const OmniAmount *amount,
												  OmniAmount *result);

/* sums */
extern OmniAmountError omni_types_amount_sum_put(OmniAmountSum *sum,
												 const OmniAmount *amount);
extern OmniAmountError omni_types_amount_sum_take(OmniAmountSum *sum,
												  const OmniAmount *amount);
extern OmniAmountError omni_types_amount_sum_merge(OmniAmountSum *sum,
												   const OmniAmountSum *other);
extern OmniAmountError omni_types_amount_sum_result(const OmniAmountSum *sum,
													OmniAmount *result);

/* division into parts */
extern OmniAmountError omni_types_amount_divide(int64_t whole,
												const int64_t *weights,
												size_t n, int64_t *parts,
												OmniAmountShare *room);

#endif							/* OMNI_TYPES_AMOUNT_CORE_H */
