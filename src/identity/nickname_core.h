/*
 * nickname_core.h
 *	  Which given names are forms of each other; no PostgreSQL in it.
 *
 * A name may be in several groups (alex: alexander, alexandra, alexis), so a
 * word gets a short list of them.  Two names are forms of each other when they
 * share a group.  Groups are numbered from 1, for this version only: never
 * store them.
 */
#ifndef OMNI_IDENTITY_NICKNAME_CORE_H
#define OMNI_IDENTITY_NICKNAME_CORE_H

#include <stdbool.h>
#include <stdint.h>

#define OMNI_NICKNAME_GROUPS 8	/* of one name at most */

typedef struct OmniNickname
{
	uint16_t	groups[OMNI_NICKNAME_GROUPS];	/* ascending, then 0 */
} OmniNickname;

/* The groups of a folded given name; none: all 0, and false. */
extern bool omni_identity_find_nickname(const char *folded, int len,
										OmniNickname *nickname);
/* Do two names share a group? */
extern bool omni_identity_share_nickname(const OmniNickname *a,
										 const OmniNickname *b);
/* The chief form of a group (robert for bob's); "" for 0. */
extern const char *omni_identity_nickname_chief(uint16_t group);

#endif							/* OMNI_IDENTITY_NICKNAME_CORE_H */
