/*
 * date_core.h
 *	  Dates, also parts of dates, in many spellings; no PostgreSQL in it.
 */
#ifndef OMNI_IDENTITY_DATE_CORE_H
#define OMNI_IDENTITY_DATE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is 0 is not known; all 0: no date. */
typedef struct OmniDate
{
	int16_t		year;			/* 1 to 9999 */
	uint8_t		month;
	uint8_t		day;
	bool		ambiguous;		/* day and month may be the other way round */
	bool		century_guessed;	/* the year was written with two digits */
} OmniDate;

/* How to read 01/02/2003; what cannot be read so is read the other way. */
typedef enum OmniDateOrder
{
	OMNI_DATE_UNKNOWN_ORDER,	/* as month, day; "ambiguous" says so */
	OMNI_DATE_MONTH_FIRST,
	OMNI_DATE_DAY_FIRST
} OmniDateOrder;

/*
 * Read a date: ISO 8601, 19510617, with / . - or blanks, with names of months
 * (English, German, French, Spanish, Italian, Portuguese, Dutch), a year, a
 * year and a month, a month and a day (--06-17); a time of day behind it is
 * ignored.  A two-digit year is the last one that is not after "this_year"
 * (full year; 0 takes 2029).  False, and all 0, when it is none, also for the
 * 30th of February.
 */
extern bool omni_identity_parse_date(const char *text, size_t len,
									 OmniDateOrder order, int this_year,
									 OmniDate *date);

#define OMNI_DATE_TEXT_SIZE 11
/* 1951-06-17, 1951-06, 1951, --06-17, --06, or nothing; its length. */
extern int	omni_identity_print_date(const OmniDate *date, char *text);

/* From best to worst; what is compared is what both dates have. */
typedef enum OmniDateLevel
{
	OMNI_DATE_NULL,				/* nothing that both have */
	OMNI_DATE_EXACT,			/* year, month and day */
	OMNI_DATE_PARTIAL,			/* the same as far as both are known */
	OMNI_DATE_SWAPPED,			/* day and month exchanged */
	OMNI_DATE_ONE_DIGIT,		/* one of the eight digits differs */
	OMNI_DATE_PERMUTED,			/* the same digits within one part, or two
								 * neighbouring digits exchanged */
	OMNI_DATE_TWO_PARTS,		/* two of year, month and day agree */
	OMNI_DATE_CLOSE,			/* not more than a year apart */
	OMNI_DATE_DIFFERENT
} OmniDateLevel;

extern OmniDateLevel omni_identity_compare_dates(const OmniDate *a,
												 const OmniDate *b);

/* Days from 1970-01-01 of a full date, proleptic Gregorian. */
extern int32_t omni_identity_date_days(const OmniDate *date);

#endif							/* OMNI_IDENTITY_DATE_CORE_H */
