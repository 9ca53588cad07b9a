/*
 * identity.h
 *	  What the SQL functions of identity share.
 */
#ifndef OMNI_IDENTITY_H
#define OMNI_IDENTITY_H

#include "omni.h"

/* A text argument, detoasted, as bytes; it stays in place. */
typedef struct OmniBytes
{
	const char *bytes;
	size_t		len;
} OmniBytes;

/* normalise.c */
extern OmniBytes omni_identity_get_text(FunctionCallInfo fcinfo, int n);
/* E.164 of a number, or as omni.normalise_phone() says; phone.c */
extern int	omni_identity_find_e164(const char *text, size_t len,
									const char *country, char *result);

#endif							/* OMNI_IDENTITY_H */
