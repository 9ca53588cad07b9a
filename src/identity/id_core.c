/*
 * id_core.c
 *	  Numbers that a state gives its people; no PostgreSQL in it.
 *
 * No check digits are asked for: which state's number it is is not known, and
 * a number with one wrong digit still tells much.
 */
#include "identity/id_core.h"

#include <string.h>

#include "identity/compare_core.h"

#define MIN_LENGTH 4

/* Is it written only because a form wanted something? */
static bool
is_filler(const char *id, int len)
{
	bool		same = true;
	bool		rising = true;
	bool		falling = true;
	bool		digit = false;

	for (int i = 0; i < len; i++)
	{
		digit = digit || (id[i] >= '0' && id[i] <= '9');
		if (i == 0)
			continue;
		same = same && id[i] == id[i - 1];
		/* 1234567890 */
		rising = rising && (id[i] == id[i - 1] + 1 ||
							(id[i] == '0' && id[i - 1] == '9'));
		falling = falling && id[i] == id[i - 1] - 1;
	}
	return !digit || same || (len >= 6 && (rising || falling));
}

/* Letters and digits in capitals, unless they are a filler. */
int
omni_identity_normalise_id(const char *text, size_t len, char *result)
{
	int			n = 0;

	for (size_t i = 0; i < len; i++)
	{
		char		c = text[i];

		if (c >= 'a' && c <= 'z')
			c = (char) (c - 'a' + 'A');
		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
		{
			/* what divides it goes, letters of other scripts do not */
			if ((unsigned char) c >= 0x80)
				return 0;
			continue;
		}
		if (n == OMNI_ID_SIZE - 1)
			return 0;
		result[n++] = c;
	}
	result[n] = '\0';
	if (n < MIN_LENGTH || is_filler(result, n))
		return 0;
	return n;
}

/* By distance, or the last four. */
OmniIdLevel
omni_identity_compare_ids(const char *a, int alen, const char *b, int blen)
{
	int			longer = alen > blen ? alen : blen;
	int			shorter = alen < blen ? alen : blen;
	int			distance;

	if (alen == 0 || blen == 0)
		return OMNI_ID_NULL;
	if (alen == blen && memcmp(a, b, alen) == 0)
		return OMNI_ID_EXACT;
	if (shorter == 4 && longer >= 8 &&
		memcmp(a + alen - 4, b + blen - 4, 4) == 0)
		return OMNI_ID_LAST_FOUR;
	distance = omni_identity_damerau(a, alen, b, blen, 2);
	if (distance == 1)
		return OMNI_ID_TYPO;
	return distance == 2 && longer >= 8 ? OMNI_ID_TWO_TYPOS :
		OMNI_ID_DIFFERENT;
}
