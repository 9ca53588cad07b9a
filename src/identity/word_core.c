/*
 * word_core.c
 *	  One name, or another short text, prepared and compared; no PostgreSQL in
 *	  it.
 *
 * compare_words() asks the cheap questions first and stops at the first that
 * is answered by yes: the levels stand in that order, and a pair has one.
 */
#include "identity/name_core.h"

#include <string.h>

#include "identity/phonetic_core.h"

#define SOUND_LETTERS 6
#define SOUND_SIMILARITY 0.8
#define SIMILAR 0.88

/* Copy without blanks; the new length. */
static int
squeeze(const char *text, int len, char *result)
{
	int			n = 0;

	for (int i = 0; i < len; i++)
		if (text[i] != ' ')
			result[n++] = text[i];
	return n;
}

/* Prepare a folded text of "len" bytes. */
static void
prepare_folded(const char *folded, int len, OmniWord *word)
{
	char		loose[OMNI_FOLD_MAX];
	char		squeezed[OMNI_FOLD_MAX];
	int			n;

	memset(word, 0, sizeof(*word));
	if (len > OMNI_WORD_MAX)
	{
		/* cut between characters */
		len = OMNI_WORD_MAX;
		while (len > 0 && ((unsigned char) folded[len] & 0xC0) == 0x80)
			len--;
	}
	while (len > 0 && folded[len - 1] == ' ')
		len--;
	memcpy(word->text, folded, len);
	word->len = (uint8_t) len;
	word->several = memchr(word->text, ' ', word->len) != NULL;
	n = omni_identity_loosen(word->text, len, loose);
	word->loose_len = (uint8_t) squeeze(loose, n, word->loose);
	n = squeeze(word->text, len, squeezed);
	word->sound = omni_identity_sound(squeezed, n, SOUND_LETTERS,
									  &word->sound2);
}

/* Folded, loose and spoken. */
void
omni_identity_prepare_word(const char *text, size_t len, OmniWord *word)
{
	char		folded[OMNI_WORD_MAX];
	int			n = omni_identity_fold(text, len, folded, sizeof(folded));

	prepare_folded(folded, n, word);
}

/* The words of a name but titles, suffixes and nicknames, as written. */
static int
join_parts(const OmniName *name, char *result)
{
	int			n = 0;

	for (int i = 0; i < name->w.nwords; i++)
	{
		if (name->parts[i] == OMNI_NAME_TITLE ||
			name->parts[i] == OMNI_NAME_SUFFIX ||
			name->parts[i] == OMNI_NAME_NICKNAME)
			continue;
		if (n > 0)
			result[n++] = ' ';
		memcpy(result + n, name->w.text + name->w.words[i].at,
			   name->w.words[i].len);
		n += name->w.words[i].len;
	}
	return n;
}

/* Without titles, suffixes and nicknames. */
void
omni_identity_prepare_family(const char *text, size_t len, OmniWord *word)
{
	OmniName	name;
	char		folded[OMNI_FOLD_MAX];

	omni_identity_parse_name(text, len, &name);
	prepare_folded(folded, join_parts(&name, folded), word);
}

/* The same, with the groups of the whole name or its first word. */
void
omni_identity_prepare_given(const char *text, size_t len, OmniWord *word)
{
	int			first;

	omni_identity_prepare_family(text, len, word);
	if (omni_identity_find_nickname(word->text, word->len, &word->nickname) ||
		!word->several)
		return;
	first = (int) ((char *) memchr(word->text, ' ', word->len) - word->text);
	omni_identity_find_nickname(word->text, first, &word->nickname);
}

/* Is "part" one of the words of "whole"? */
static bool
is_word_of(const OmniWord *part, const OmniWord *whole)
{
	for (int at = 0; at + part->len <= whole->len;)
	{
		const char *blank;
		int			n;

		blank = memchr(whole->text + at, ' ', whole->len - at);
		n = blank ? (int) (blank - whole->text) - at : whole->len - at;
		if (n == part->len && memcmp(whole->text + at, part->text, n) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

/* Cheap questions first; the first yes is the level. */
OmniWordLevel
omni_identity_compare_words(const OmniWord *a, const OmniWord *b)
{
	int			longer = a->len > b->len ? a->len : b->len;
	int			limit;
	bool		alike;
	double		similarity;

	if (a->len == 0 || b->len == 0)
		return OMNI_WORD_NULL;
	if (a->len == b->len && memcmp(a->text, b->text, a->len) == 0)
		return OMNI_WORD_EXACT;
	if (a->loose_len == b->loose_len &&
		memcmp(a->loose, b->loose, a->loose_len) == 0)
		return OMNI_WORD_VARIANT;
	if (a->nickname.groups[0] != 0 && b->nickname.groups[0] != 0 &&
		omni_identity_share_nickname(&a->nickname, &b->nickname))
		return OMNI_WORD_NICKNAME;
	if (a->text[0] == b->text[0] && (a->len == 1 || b->len == 1))
		return OMNI_WORD_INITIAL;
	if ((a->several && is_word_of(b, a)) || (b->several && is_word_of(a, b)))
		return OMNI_WORD_PART;
	limit = longer >= 8 ? 2 : longer >= 4 ? 1 : 0;
	if (omni_identity_damerau(a->text, a->len, b->text, b->len, limit) <=
		limit)
		return OMNI_WORD_TYPO;
	alike = omni_identity_sounds_like(a->sound, a->sound2, b->sound,
									  b->sound2);
	similarity = omni_identity_jaro_winkler(a->text, a->len, b->text, b->len);
	if (alike && similarity >= SOUND_SIMILARITY)
		return OMNI_WORD_SOUND;
	return similarity >= SIMILAR ? OMNI_WORD_SIMILAR : OMNI_WORD_DIFFERENT;
}

/* Is it the same name, or near enough? */
static bool
is_near(OmniWordLevel level)
{
	return level == OMNI_WORD_EXACT || level == OMNI_WORD_VARIANT ||
		level == OMNI_WORD_TYPO;
}

/* Crosswise equal, but for variants and typing errors. */
bool
omni_identity_names_swapped(const OmniWord *given_a, const OmniWord *family_a,
							const OmniWord *given_b, const OmniWord *family_b)
{
	if (given_a->len < 2 || family_a->len < 2 || given_b->len < 2 ||
		family_b->len < 2)
		return false;
	return is_near(omni_identity_compare_words(given_a, family_b)) &&
		is_near(omni_identity_compare_words(family_a, given_b));
}
