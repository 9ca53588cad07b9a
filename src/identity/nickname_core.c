/*
 * nickname_core.c
 *	  Which given names are forms of each other; no PostgreSQL in it.
 *
 * The number of a group is the place of its chief form in the sorted table.
 */
#include "identity/nickname_core.h"

#include <stddef.h>
#include <string.h>

#include "identity/nickname_table.h"

#define NNICKNAMES ((int) (sizeof(nicknames) / sizeof(nicknames[0])))

/* Place of a name in the table, -1: none. */
static int
find_entry(const char *name, int len)
{
	int			low = 0;
	int			high = NNICKNAMES;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		const char *other = nicknames[middle].name;
		int			order = strncmp(other, name, len);

		if (order == 0 && other[len] == '\0')
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* The numbers of the chiefs that stand behind the name. */
bool
omni_identity_find_nickname(const char *folded, int len,
							OmniNickname *nickname)
{
	const char *chief;
	int			entry;
	int			n = 0;

	memset(nickname, 0, sizeof(*nickname));
	if (len <= 0 || memchr(folded, '\0', len) != NULL)
		return false;
	entry = find_entry(folded, len);
	if (entry < 0)
		return false;
	chief = nicknames[entry].chiefs;
	while (*chief != '\0' && n < OMNI_NICKNAME_GROUPS)
	{
		int			chief_len = (int) strcspn(chief, " ");

		/* chiefs stand sorted, so their numbers rise */
		nickname->groups[n++] =
			(uint16_t) (find_entry(chief, chief_len) + 1);
		chief += chief_len;
		chief += *chief == ' ';
	}
	return n > 0;
}

/* Merge two sorted lists. */
bool
omni_identity_share_nickname(const OmniNickname *a, const OmniNickname *b)
{
	for (int i = 0, j = 0;
		 i < OMNI_NICKNAME_GROUPS && j < OMNI_NICKNAME_GROUPS &&
		 a->groups[i] != 0 && b->groups[j] != 0;)
	{
		if (a->groups[i] == b->groups[j])
			return true;
		if (a->groups[i] < b->groups[j])
			i++;
		else
			j++;
	}
	return false;
}

/* The name at a group's place. */
const char *
omni_identity_nickname_chief(uint16_t group)
{
	return group >= 1 && group <= NNICKNAMES ? nicknames[group - 1].name : "";
}
