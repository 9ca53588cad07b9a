/*
 * codes_core.h
 *	  Rules for codes, countries, postal codes and time zone names; no
 *	  PostgreSQL in it.
 */
#ifndef OMNI_MASTER_CODES_CORE_H
#define OMNI_MASTER_CODES_CORE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum OmniCodeFault
{
	OMNI_CODE_FINE,
	OMNI_CODE_EMPTY,
	OMNI_CODE_LONG,				/* more bytes than allowed */
	OMNI_CODE_BLANK,			/* begins or ends with a blank */
	OMNI_CODE_CONTROL			/* has a control or an invisible character */
} OmniCodeFault;

/*
 * What is wrong with this text as a code?  "utf8": bytes above 127 are UTF-8
 * (well-formed: the server has checked); else they are taken as they are.
 */
extern OmniCodeFault omni_master_code_fault(const char *text, size_t len,
											size_t max, bool utf8);

/* declared in master.h, too, for other domains */
extern bool omni_master_country_valid(const char *code);

/*
 * May this be the name of a time zone, going by its form?  False for POSIX
 * zone specifications such as 'EST+5' and for names that mean another zone on
 * another machine.
 */
extern bool omni_master_timezone_form(const char *name);

#endif							/* OMNI_MASTER_CODES_CORE_H */
