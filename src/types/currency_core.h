/*
 * currency_core.h
 *	  ISO 4217 currency codes and their exponents; no PostgreSQL in it.
 */
#ifndef OMNI_TYPES_CURRENCY_CORE_H
#define OMNI_TYPES_CURRENCY_CORE_H

#include <stddef.h>

/* what omni_types_currency_exponent() answers when there is no exponent */
#define OMNI_CURRENCY_NO_EXPONENT	(-1)	/* listed, but "N.A.": gold … */
#define OMNI_CURRENCY_UNKNOWN		(-2)	/* not in the list */

typedef struct OmniCurrency
{
	char		code[4];		/* three capital letters and a zero */
	signed char exponent;		/* decimals, or OMNI_CURRENCY_NO_EXPONENT */
} OmniCurrency;

/* Decimals of a currency's minor unit, or one of the two codes above. */
extern int	omni_types_currency_exponent(const char *code, size_t len);
/* The whole list, ascending by code. */
extern const OmniCurrency *omni_types_currency_list(size_t *n);

#endif							/* OMNI_TYPES_CURRENCY_CORE_H */
