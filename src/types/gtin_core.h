/*
 * gtin_core.h
 *	  GTINs and GS1 check digits over plain buffers; no PostgreSQL in it.
 *
 * A GTIN is kept as the number that its 14 digits write, check digit
 * included: leading zeros do not make another GTIN.
 */
#ifndef OMNI_TYPES_GTIN_CORE_H
#define OMNI_TYPES_GTIN_CORE_H

#include <stddef.h>
#include <stdint.h>

#define OMNI_GTIN_DIGITS	14
#define OMNI_GTIN_TEXT_SIZE (OMNI_GTIN_DIGITS + 1)
#define OMNI_GTIN_MAX		INT64_C(99999999999999)

typedef enum OmniGtinError
{
	OMNI_GTIN_OK = 0,
	OMNI_GTIN_BAD_LENGTH,		/* not 8, 12, 13 or 14 digits */
	OMNI_GTIN_NOT_A_DIGIT,
	OMNI_GTIN_BAD_CHECK_DIGIT,
	OMNI_GTIN_OUT_OF_RANGE		/* binary beyond 14 digits */
} OmniGtinError;

extern int	omni_types_gs1_check_digit(const char *digits, size_t len);
extern OmniGtinError omni_types_gtin_parse(const char *text, size_t len,
										   int64_t *gtin, int *expected);
extern OmniGtinError omni_types_gtin_check(int64_t gtin, int *expected);
extern void omni_types_gtin_print_14(int64_t gtin, char *text);
extern size_t omni_types_gtin_print(int64_t gtin, char *text);

#endif							/* OMNI_TYPES_GTIN_CORE_H */
