/*
 * phonetic_core.h
 *	  What a word sounds like; no PostgreSQL in it.
 */
#ifndef OMNI_IDENTITY_PHONETIC_CORE_H
#define OMNI_IDENTITY_PHONETIC_CORE_H

#include <stdint.h>

#define OMNI_SOUND_LETTERS 8	/* of a code at most */

/*
 * The two codes of a folded word by double metaphone (Lawrence Philips, 2000),
 * "letters" of each at most (1 to OMNI_SOUND_LETTERS; usually 4), packed: the
 * first letter in the lowest byte, zero bytes behind the last.  Equal words
 * sound equal; 0: no sound (no letter).  *second is the same as the first
 * where there is one way only.
 */
extern uint64_t omni_identity_sound(const char *folded, int len, int letters,
									uint64_t *second);

/* Do two words, each with its two codes, sound alike? 0 is like nothing. */
static inline int
omni_identity_sounds_like(uint64_t a, uint64_t a2, uint64_t b, uint64_t b2)
{
	return (a != 0 && (a == b || a == b2)) ||
		(a2 != 0 && (a2 == b || a2 == b2));
}

#endif							/* OMNI_IDENTITY_PHONETIC_CORE_H */
