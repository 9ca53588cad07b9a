/*
 * name_core.h
 *	  Names of persons and organisations: their parts, and how alike two are;
 *	  no PostgreSQL in it.
 *
 * Everything is prepared once for each distinct value and compared often.
 */
#ifndef OMNI_IDENTITY_NAME_CORE_H
#define OMNI_IDENTITY_NAME_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/compare_core.h"
#include "identity/nickname_core.h"
#include "identity/text_core.h"

/* ---- one name, or any other short text, prepared ---- */

#define OMNI_WORD_MAX 40		/* longer ones are cut */

typedef struct OmniWord
{
	char		text[OMNI_WORD_MAX];	/* folded; blanks between words */
	uint8_t		len;			/* 0: nothing known */
	uint8_t		loose_len;
	bool		several;		/* words */
	char		loose[OMNI_WORD_MAX];	/* omni_identity_loosen() of it, without
										 * blanks */
	uint64_t	sound;			/* of all words, six letters of the code */
	uint64_t	sound2;
	OmniNickname nickname;		/* given names only */
} OmniWord;

/* Any text; without nicknames. */
extern void omni_identity_prepare_word(const char *text, size_t len,
									   OmniWord *word);
/* A given name: titles and suffixes cut off, nickname groups looked up. */
extern void omni_identity_prepare_given(const char *text, size_t len,
										OmniWord *word);
/* A family name: titles and suffixes cut off; particles stay. */
extern void omni_identity_prepare_family(const char *text, size_t len,
										 OmniWord *word);

/* From best to worst. */
typedef enum OmniWordLevel
{
	OMNI_WORD_NULL,				/* one of them is empty */
	OMNI_WORD_EXACT,
	OMNI_WORD_VARIANT,			/* the same loose form, blanks aside */
	OMNI_WORD_NICKNAME,			/* share a nickname group */
	OMNI_WORD_INITIAL,			/* one is the other's first letter */
	OMNI_WORD_PART,				/* one is a whole word of the other
								 * (garcia, garcia lopez) */
	OMNI_WORD_TYPO,				/* distance 1 from four letters on, 2 from
								 * eight */
	OMNI_WORD_SOUND,			/* sound alike and Jaro-Winkler >= 0.8 */
	OMNI_WORD_SIMILAR,			/* Jaro-Winkler >= 0.88 */
	OMNI_WORD_DIFFERENT
} OmniWordLevel;

extern OmniWordLevel omni_identity_compare_words(const OmniWord *a,
												 const OmniWord *b);

/* ---- the name of a person in full ---- */

#define OMNI_NAME_WORDS 16		/* further ones are ignored */

typedef enum OmniNamePart
{
	OMNI_NAME_TITLE,			/* mr, dr, sir, sheikh */
	OMNI_NAME_GIVEN,
	OMNI_NAME_MIDDLE,			/* names and initials between */
	OMNI_NAME_PARTICLE,			/* van, de la, bin: belongs to the family */
	OMNI_NAME_FAMILY,
	OMNI_NAME_SUFFIX,			/* jr, iii, phd */
	OMNI_NAME_NICKNAME			/* in quotes or parentheses */
} OmniNamePart;

/* The words of a name, prepared for comparison; spans are of "text". */
typedef struct OmniNameWords
{
	char		text[OMNI_FOLD_MAX];	/* folded, in the order as written */
	char		loose[OMNI_FOLD_MAX];	/* each word's loose form at its place */
	uint16_t	len;			/* 0: nothing known */
	uint8_t		nwords;
	OmniSpan	words[OMNI_NAME_WORDS];
	uint8_t		loose_lens[OMNI_NAME_WORDS];
	uint8_t		weights[OMNI_NAME_WORDS];	/* in comparisons; 0: takes no part */
	uint32_t	letters[OMNI_NAME_WORDS];	/* a bit for each that is there */
	uint32_t	forms[OMNI_NAME_WORDS]; /* some bits of its nickname groups */
} OmniNameWords;

typedef struct OmniName
{
	OmniNameWords w;
	uint8_t		generation;		/* 1 senior, 2 junior, 3 iii ...; 0 none */
	uint8_t		parts[OMNI_NAME_WORDS]; /* OmniNamePart of each word */
} OmniName;

/* Split w->text of w->len bytes into words and prepare each. */
extern void omni_identity_prepare_words(OmniNameWords *w);

/*
 * Read a full name: "Given Middle Family", "Family, Given Middle", with titles,
 * particles, suffixes and a nickname in quotes or parentheses.  Always gives
 * something where there is a letter or digit.
 */
extern void omni_identity_parse_name(const char *text, size_t len,
									 OmniName *name);
/*
 * The words of one part, with blanks between, into "result" of OMNI_FOLD_MAX
 * bytes; FAMILY has its particles before it.  Returns the length.
 */
extern int	omni_identity_name_part(const OmniName *name, OmniNamePart part,
									char *result);

/*
 * How alike two full names of persons are, 0 to 1, whatever the order of the
 * words: the best pairing of their words, weighed by length.  Words that only
 * one name has count little (a middle name left out), words that both lack a
 * partner for count in full (another middle name).  Titles do not count; two
 * different generations are two people (0.5 at most).  From 0.75 on the names
 * may well be one person's.  Either empty: 0.
 */
extern double omni_identity_name_similarity(const OmniName *a,
											const OmniName *b);

/* Given and family name of one are family and given name of the other? */
extern bool omni_identity_names_swapped(const OmniWord *given_a,
										const OmniWord *family_a,
										const OmniWord *given_b,
										const OmniWord *family_b);

/* Generation that a suffix tells: jr, sr, ii, 3rd; 0: none. */
extern int	omni_identity_generation(const char *text, size_t len);

/* ---- the name of an organisation ---- */

typedef struct OmniOrganization
{
	OmniNameWords w;			/* without legal forms, "the" and "and";
								 * abbreviations written out */
	uint8_t		legal_form;		/* OmniLegalForm; 0: none written */
} OmniOrganization;

/* Forms that are one thing in several languages and spellings. */
typedef enum OmniLegalForm
{
	OMNI_LEGAL_NONE,
	OMNI_LEGAL_STOCK,			/* ag, sa, plc, spa, oao, nv, a/s, oyj */
	OMNI_LEGAL_LIMITED,			/* gmbh, ltd, llc, sarl, bv, ooo, srl */
	OMNI_LEGAL_CORPORATION,		/* inc, corp, co, company */
	OMNI_LEGAL_PARTNERSHIP,		/* kg, lp, llp, ohg, gbr */
	OMNI_LEGAL_OTHER			/* ev, foundation, coop, trust */
} OmniLegalForm;

extern void omni_identity_parse_organization(const char *text, size_t len,
											 OmniOrganization *name);
/* How alike two are, 0 to 1; 0.75 as above; either empty: 0. */
extern double omni_identity_organization_similarity(const OmniOrganization *a,
													const OmniOrganization *b);

#endif							/* OMNI_IDENTITY_NAME_CORE_H */
