/*
 * id_core.h
 *	  Numbers that a state gives its people; no PostgreSQL in it.
 */
#ifndef OMNI_IDENTITY_ID_CORE_H
#define OMNI_IDENTITY_ID_CORE_H

#include <stdbool.h>
#include <stddef.h>

#define OMNI_ID_SIZE 33			/* longest and a zero byte */

/*
 * Letters in upper case and digits alone, into "result" of OMNI_ID_SIZE bytes
 * with a closing zero byte; returns the length.  0: none, which goes also for
 * fillers (one and the same character all over, 123456789, N/A) and for what
 * has no digit or is longer.  Idempotent.
 */
extern int	omni_identity_normalise_id(const char *text, size_t len,
									   char *result);

typedef enum OmniIdLevel
{
	OMNI_ID_NULL,
	OMNI_ID_EXACT,
	OMNI_ID_LAST_FOUR,			/* one is the last four of the other */
	OMNI_ID_TYPO,				/* distance 1 */
	OMNI_ID_TWO_TYPOS,			/* distance 2, eight characters or more */
	OMNI_ID_DIFFERENT
} OmniIdLevel;

extern OmniIdLevel omni_identity_compare_ids(const char *a, int alen,
											 const char *b, int blen);

#endif							/* OMNI_IDENTITY_ID_CORE_H */
