/*
 * email_core.h
 *	  E-mail addresses in one spelling; no PostgreSQL in it.
 */
#ifndef OMNI_IDENTITY_EMAIL_CORE_H
#define OMNI_IDENTITY_EMAIL_CORE_H

#include <stdbool.h>
#include <stddef.h>

#define OMNI_EMAIL_SIZE 321		/* longest address and a zero byte */

/*
 * The address as it is written: no blanks around it, ASCII letters in lower
 * case, nothing guessed; into "result" of OMNI_EMAIL_SIZE bytes, with a
 * closing zero byte.  Returns its length; 0 when it is none.  This is the
 * identifier of a customer: two mailboxes never share it.
 */
extern int	omni_identity_clean_email(const char *text, size_t len,
									  char *result);
/*
 * The mailbox: omni_identity_clean_email(), then without dots and +tags where
 * the provider is known to ignore them, with one name for providers that have
 * several, and without "mailto:" or <> around it.  Idempotent.
 */
extern int	omni_identity_normalise_email(const char *text, size_t len,
										  char *result);

typedef enum OmniEmailLevel
{
	OMNI_EMAIL_NULL,
	OMNI_EMAIL_EXACT,
	OMNI_EMAIL_SAME_LOCAL,		/* the part before @ is the same, and no
								 * role's (info, sales …) */
	OMNI_EMAIL_TYPO,			/* distance 1 of the whole */
	OMNI_EMAIL_SIMILAR_LOCAL,	/* Jaro-Winkler of the local parts >= 0.92 */
	OMNI_EMAIL_DIFFERENT
} OmniEmailLevel;

/* Of normalised addresses; empty is NULL. */
extern OmniEmailLevel omni_identity_compare_emails(const char *a, int alen,
												   const char *b, int blen);

#endif							/* OMNI_IDENTITY_EMAIL_CORE_H */
