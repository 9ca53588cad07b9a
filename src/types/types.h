/*
 * types.h
 *	  The custom types, as other domains' C code uses them.
 *
 * amount: pointer to 16 bytes.  gtin: an int64 by value.  epc: a varlena over
 * the bytes of a tag.
 */
#ifndef OMNI_TYPES_H
#define OMNI_TYPES_H

#include "omni.h"

#include "utils/numeric.h"

#include "types/amount_core.h"
#include "types/currency_core.h"
#include "types/epc_core.h"
#include "types/gtin_core.h"

#define DatumGetOmniAmount(d)		((OmniAmount *) DatumGetPointer(d))
#define OmniAmountGetDatum(p)		PointerGetDatum(p)
#define PG_GETARG_OMNI_AMOUNT(n)	DatumGetOmniAmount(PG_GETARG_DATUM(n))
#define PG_RETURN_OMNI_AMOUNT(p)	return OmniAmountGetDatum(p)

/* amount.c */

/* Exponent of a currency; OM007 if it is none or has no minor unit. */
extern int	omni_types_require_currency(const char *code, size_t len);
/*
 * "value" of the currency as an amount in palloc'd memory, rounded half to
 * even; with "exact", OM007 if that would change it.  OM007 for NaN, infinity
 * or an unknown currency; OM008 beyond the range of amounts.
 */
extern OmniAmount *omni_types_amount_make(Numeric value, const char *code,
										  size_t len, bool exact);
/* Raise the error for what the core said of one or two amounts. */
extern void omni_types_amount_fail(OmniAmountError error, const char *a,
								   const char *b) pg_attribute_noreturn();
/* The first bytes of a rejected text, for a message; palloc'd. */
extern char *omni_types_excerpt(const char *text, size_t len);

#endif							/* OMNI_TYPES_H */
