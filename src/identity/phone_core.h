/*
 * phone_core.h
 *	  Telephone numbers in one spelling; no PostgreSQL in it.
 */
#ifndef OMNI_IDENTITY_PHONE_CORE_H
#define OMNI_IDENTITY_PHONE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OMNI_PHONE_SIZE 32		/* +, 15 digits, x, 11 digits, zero byte */

/* digits 0: nothing known */
typedef struct OmniPhone
{
	char		text[16];		/* country code and number, or the digits */
	uint64_t	extension;		/* 0: none */
	uint8_t		digits;			/* of the number, leading zeros included */
	bool		international;	/* begins with a country code */
} OmniPhone;

/*
 * The digits as they are written: with a leading + where they were written so
 * or with 00, an extension behind an x; no country is guessed.  Into "result"
 * of OMNI_PHONE_SIZE bytes with a closing zero byte; returns the length, 0
 * when it is none.  This is the identifier of a customer.
 */
extern int	omni_identity_clean_phone(const char *text, size_t len,
									  char *result);

/* What omni_identity_e164() found. */
typedef enum OmniPhoneResult
{
	OMNI_PHONE_OK,
	OMNI_PHONE_NONE,			/* no number can be made of it */
	OMNI_PHONE_UNSURE			/* beyond the fast path: ask the library */
} OmniPhoneResult;

/*
 * E.164 of a number for a default country (two capitals; NULL or "": only
 * international numbers), the fast path: numbers without extension in
 * countries whose plan is simple enough to be held equal to libphonenumber by a
 * test.  "result" as above.
 */
extern OmniPhoneResult omni_identity_e164(const char *text, size_t len,
										  const char *country, char *result);

/* Of a text as omni_identity_clean_phone() or E.164 writes it. */
extern bool omni_identity_prepare_phone(const char *text, size_t len,
										OmniPhone *phone);

typedef enum OmniPhoneLevel
{
	OMNI_PHONE_NULL,
	OMNI_PHONE_EXACT,			/* same number; extensions equal or missing */
	OMNI_PHONE_NATIONAL,		/* one lacks the country: last digits agree */
	OMNI_PHONE_EXTENSION,		/* same number, other extension */
	OMNI_PHONE_TYPO,			/* one digit differs, is missing or too much,
								 * or two neighbours are exchanged */
	OMNI_PHONE_SUFFIX,			/* the last seven digits agree: area changed */
	OMNI_PHONE_DIFFERENT
} OmniPhoneLevel;

extern OmniPhoneLevel omni_identity_compare_phones(const OmniPhone *a,
												   const OmniPhone *b);

#endif							/* OMNI_IDENTITY_PHONE_CORE_H */
