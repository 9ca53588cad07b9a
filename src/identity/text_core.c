/*
 * text_core.c
 *	  Any text as a short string of plain letters; no PostgreSQL in it.
 *
 * fold() is one pass: decode, look the letters up, keep or drop the blank
 * before them.  A letter's context matters in a few scripts only: the scripts
 * of India have an "a" in each consonant that a sign after it takes away,
 * kana and Greek have pairs.  So the folder remembers the last character and
 * may take the last letter back.
 *
 * loosen() applies a list of rules until none applies.  Each rule shortens the
 * text or exchanges a letter for one that no rule exchanges further, so it
 * ends, and what comes out is its own loose form.
 */
#include "identity/text_core.h"

#include <string.h>

#include "identity/fold_table.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- decoding ---- */

/* One character, by the table of well-formed sequences (Unicode, 3.9). */
uint32_t
omni_identity_decode(const char *text, size_t len, size_t *at)
{
	const unsigned char *s = (const unsigned char *) text + *at;
	size_t		left = len - *at;
	uint32_t	c = s[0];
	int			more;

	(*at)++;
	if (c < 0x80)
		return c;
	if (c >= 0xC2 && c <= 0xDF)
		more = 1;
	else if (c >= 0xE0 && c <= 0xEF)
		more = 2;
	else if (c >= 0xF0 && c <= 0xF4)
		more = 3;
	else
		return UINT32_MAX;
	if (left <= (size_t) more)
		return UINT32_MAX;
	c &= 0x3F >> more;
	for (int i = 1; i <= more; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return UINT32_MAX;
		c = c << 6 | (s[i] & 0x3F);
	}
	if (more == 2 && (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF)))
		return UINT32_MAX;
	if (more == 3 && (c < 0x10000 || c > 0x10FFFF))
		return UINT32_MAX;
	*at += more;
	return c;
}

/* ---- folding ---- */

typedef struct Folder
{
	char	   *result;
	int			size;
	int			len;
	bool		blank;			/* one is due before the next letter */
	bool		inherent;		/* the last letter is a consonant's own "a" */
	bool		full;
	uint32_t	before;			/* last character, 0 after a blank */
} Folder;

/* Add letters, and the blank that is due; all or nothing. */
static void
add(Folder *f, const char *letters, int n)
{
	int			blank = f->blank && f->len > 0;

	if (n == 0)
		return;
	if (f->len + blank + n > f->size)
	{
		f->full = true;
		return;
	}
	if (blank)
		f->result[f->len++] = ' ';
	memcpy(f->result + f->len, letters, n);
	f->len += n;
	f->blank = false;
	f->inherent = false;
}

/* Add an entry of a table; " " is a blank. */
static void
add_entry(Folder *f, const char *entry)
{
	int			n = 0;

	while (n < FOLD_LETTERS && entry[n] != '\0')
		n++;
	if (n == 1 && entry[0] == ' ')
		f->blank = true;
	else
		add(f, entry, n);
}

/* Take the last letter of the present word back, if it is "letter". */
static bool
take_back(Folder *f, char letter)
{
	if (f->blank || f->len == 0 || f->result[f->len - 1] != letter)
		return false;
	f->len--;
	return true;
}

/* End of a word of an Indian script: its last "a" is not spoken. */
static void
end_word(Folder *f)
{
	if (f->inherent && f->len > 2 && f->result[f->len - 2] != ' ')
		f->len--;
	f->inherent = false;
}

/* A character of one of the nine Indian blocks of 128. */
static void
add_indic(Folder *f, uint32_t place)
{
	if (place >= 0x05 && place < 0x05 + COUNT(indic_vowels))
		add_entry(f, indic_vowels[place - 0x05]);
	else if (place >= 0x15 && place < 0x15 + COUNT(indic_consonants))
	{
		const char *entry = indic_consonants[place - 0x15];
		char		letters[FOLD_LETTERS + 1];
		int			n = 0;

		while (n < FOLD_LETTERS && entry[n] != '\0')
		{
			letters[n] = entry[n];
			n++;
		}
		letters[n++] = 'a';
		add(f, letters, n);
		f->inherent = !f->full;
	}
	else if (place >= 0x3E && place < 0x3E + COUNT(indic_signs))
	{
		if (f->inherent)
			f->len--;
		f->inherent = false;
		add_entry(f, indic_signs[place - 0x3E]);
	}
	else if (place == 0x4D && f->inherent)
	{
		f->len--;
		f->inherent = false;
	}
	else if (place == 0x02)
		add_entry(f, "n");
	else if (place >= 0x66 && place <= 0x6F)
	{
		char		digit = (char) ('0' + (place - 0x66));

		add(f, &digit, 1);
	}
	else if (place == 0x64 || place == 0x65)
		f->blank = true;
	/* other signs vanish */
}

/* Kana; "at" counts from Hiragana small a. */
static void
add_kana(Folder *f, uint32_t at)
{
	/* small ya, yu, yo after ki, shi …: kya, sha */
	if (at == 0x42 || at == 0x44 || at == 0x46)
	{
		const char *entry = kana[at];

		if (take_back(f, 'i'))
		{
			bool		soft = f->len > 0 && (f->result[f->len - 1] == 'h' ||
											  f->result[f->len - 1] == 'j');

			if (soft)
				add(f, entry + 1, 1);
			else
				add(f, entry, 2);
			return;
		}
	}
	add_entry(f, kana[at]);
}

/* A syllable of Hangul: up to three letters. */
static void
add_hangul(Folder *f, uint32_t at)
{
	bool		inner = f->before >= 0xAC00 && f->before <= 0xD7A3;
	uint32_t	initial = at / (21 * 28);

	if (initial == 11 || !inner)
		add_entry(f, hangul_initials[initial]);
	else if (initial == 0)
		add_entry(f, "g");
	else
		add_entry(f, hangul_initials[initial]);
	add_entry(f, hangul_medials[at / 28 % 21]);
	add_entry(f, hangul_finals[at % 28]);
}

/* Greek: ou, av, ev; gamma before a guttural is n. */
static void
add_greek(Folder *f, const char *entry, uint32_t c)
{
	bool		upsilon = c == 0x03C5 || c == 0x03CD || c == 0x03A5 ||
		c == 0x038E || (c >= 0x1F50 && c <= 0x1F57) || c == 0x1F7A ||
		c == 0x1F7B;

	if (upsilon && f->len > 0 && !f->blank)
	{
		char		last = f->result[f->len - 1];

		if (last == 'o')
			entry = "u";
		else if ((last == 'a' || last == 'e') && c != 0x03CD && c != 0x038E)
			entry = "v";
	}
	else if (strchr("gkx", entry[0]) && entry[0] != '\0' &&
			 (f->before == 0x03B3 || f->before == 0x0393) && take_back(f, 'g'))
		add(f, "n", 1);
	add_entry(f, entry);
}

/* Is it nothing: marks above and below letters, signs of direction? */
static bool
is_nothing(uint32_t c)
{
	return (c >= 0x0300 && c <= 0x036F) || (c >= 0x0483 && c <= 0x0489) ||
		(c >= 0x0591 && c <= 0x05C7) || (c >= 0x0610 && c <= 0x061A) ||
		(c >= 0x064B && c <= 0x065F) || c == 0x0670 || c == 0x0640 ||
		(c >= 0x02B0 && c <= 0x02FF) || c == 0x00AD || c == 0x200B ||
		c == 0x200C || c == 0x200D || c == 0x200E || c == 0x200F ||
		(c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2064) ||
		c == 0xFEFF || (c >= 0xFE00 && c <= 0xFE0F) || c == 0x30FC ||
		c == 0x3099 || c == 0x309A || (c >= 0xE0100 && c <= 0xE01EF);
}

/* Does an apostrophe join what it stands between? */
static bool
is_apostrophe(uint32_t c)
{
	return c == '\'' || c == '`' || c == 0x00B4 || c == 0x2018 ||
		c == 0x2019 || c == 0x201B || c == 0x2032 || c == 0x055A ||
		c == 0x05F3;
}

/* Does it divide words: punctuation, symbols, white space, private use? */
static bool
divides(uint32_t c)
{
	return c < 0xC0 || (c >= 0x2000 && c <= 0x2BFF) ||
		(c >= 0x2E00 && c <= 0x2E7F) || (c >= 0x3000 && c <= 0x3004) ||
		(c >= 0x3008 && c <= 0x3020) || c == 0x3030 || c == 0x30FB ||
		(c >= 0xE000 && c <= 0xF8FF) || (c >= 0xFE10 && c <= 0xFE6F) ||
		(c >= 0xFF00 && c <= 0xFF0F) || (c >= 0xFF5F && c <= 0xFF65) ||
		(c >= 0xFFE0 && c <= 0xFFFF) || (c >= 0x1F000 && c <= 0x1FAFF) ||
		c == 0x060C || c == 0x061B || c == 0x061F || c == 0x066A ||
		c == 0x066B || c == 0x066C || c == 0x066D || c == 0x06D4 ||
		(c >= 0x0559 && c <= 0x055F) || c == 0x0589 || c == 0x058A ||
		c == 0x10FB || c == 0x05F4 || c > 0x10FFFF;
}

/* A character beyond ASCII. */
static void
add_wide(Folder *f, const char *text, size_t at, size_t n, uint32_t c)
{
	char		digit;

	if (c >= LATIN_FIRST && c < LATIN_FIRST + COUNT(latin))
		add_entry(f, latin[c - LATIN_FIRST]);
	else if (c >= VIETNAMESE_FIRST && c < VIETNAMESE_FIRST + COUNT(vietnamese))
		add_entry(f, vietnamese[c - VIETNAMESE_FIRST]);
	else if (c == 0x0259 || c == 0x018F)
		add_entry(f, "a");
	else if (c == 0x00AA || c == 0x00BA)
		add_entry(f, c == 0x00AA ? "a" : "o");
	else if (c == 0x2116)
		add_entry(f, "no");
	else if (c >= GREEK_FIRST && c < GREEK_FIRST + COUNT(greek))
		add_greek(f, greek[c - GREEK_FIRST], c);
	else if (c >= POLYTONIC_FIRST && c < POLYTONIC_FIRST + COUNT(polytonic))
		add_greek(f, polytonic[c - POLYTONIC_FIRST], c);
	else if (c >= CYRILLIC_FIRST && c < CYRILLIC_FIRST + COUNT(cyrillic))
		add_entry(f, cyrillic[c - CYRILLIC_FIRST]);
	else if (c >= ARMENIAN_FIRST && c < ARMENIAN_FIRST + COUNT(armenian))
		add_entry(f, armenian[c - ARMENIAN_FIRST]);
	else if (c >= ARMENIAN_FIRST + 48 && c < ARMENIAN_FIRST + 48 + COUNT(armenian))
	{
		if (c == 0x0582 && take_back(f, 'o'))
			add_entry(f, "u");
		else
			add_entry(f, armenian[c - 48 - ARMENIAN_FIRST]);
	}
	else if (c == 0x0587)
		add_entry(f, "ev");
	else if (c >= GEORGIAN_FIRST && c < GEORGIAN_FIRST + COUNT(georgian))
		add_entry(f, georgian[c - GEORGIAN_FIRST]);
	else if (c >= HEBREW_FIRST && c < HEBREW_FIRST + COUNT(hebrew))
		add_entry(f, hebrew[c - HEBREW_FIRST]);
	else if (c >= ARABIC_FIRST && c < ARABIC_FIRST + COUNT(arabic))
		add_entry(f, arabic[c - ARABIC_FIRST]);
	else if (c == 0x067E)
		add_entry(f, "p");
	else if (c == 0x0686)
		add_entry(f, "ch");
	else if (c == 0x0698)
		add_entry(f, "zh");
	else if (c == 0x06A9)
		add_entry(f, "k");
	else if (c == 0x06AF)
		add_entry(f, "g");
	else if (c == 0x06CC)
		add_entry(f, "y");
	else if ((c >= 0x0660 && c <= 0x0669) || (c >= 0x06F0 && c <= 0x06F9))
	{
		digit = (char) ('0' + (c & 0xF));
		add(f, &digit, 1);
	}
	else if (c >= 0x0900 && c <= 0x0D7F)
		add_indic(f, c & 0x7F);
	else if (c >= KANA_FIRST && c < KANA_FIRST + COUNT(kana))
		add_kana(f, c - KANA_FIRST);
	else if (c >= KANA_FIRST + 96 && c < KANA_FIRST + 96 + COUNT(kana))
		add_kana(f, c - 96 - KANA_FIRST);
	else if (c >= 0xAC00 && c <= 0xD7A3)
		add_hangul(f, c - 0xAC00);
	else if (divides(c))
		f->blank = true;
	else
		add(f, text + at, (int) n);
}

/* A character of ASCII. */
static void
add_ascii(Folder *f, uint32_t c)
{
	char		letter = (char) c;

	if (c >= 'A' && c <= 'Z')
		letter = (char) (c + 'a' - 'A');
	else if (c == '&')
	{
		f->blank = true;
		add(f, "and", 3);
		f->blank = true;
		return;
	}
	else if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
	{
		f->blank = true;
		return;
	}
	add(f, &letter, 1);
}

/* An ASCII letter or digit? */
static inline bool
is_plain(uint32_t c)
{
	return (c | 0x20) - 'a' <= 'z' - 'a' || c - '0' <= 9;
}

/* One pass; plain letters on a short path. */
int
omni_identity_fold(const char *text, size_t len, char *result, int size)
{
	Folder		f = {.result = result, .size = size};

	for (size_t at = 0; at < len && !f.full;)
	{
		size_t		start = at;
		uint32_t	c = (unsigned char) text[at];

		/* most text is plain letters within a word */
		if (is_plain(c) && !f.blank && !f.inherent && f.len < size)
		{
			f.result[f.len++] = (char) (c >= 'A' && c <= 'Z' ?
										c + 'a' - 'A' : c);
			f.before = c;
			at++;
			continue;
		}
		c = omni_identity_decode(text, len, &at);
		if (c >= 0xFF01 && c <= 0xFF5E) /* ASCII of full width */
			c -= 0xFF01 - '!';
		if (is_apostrophe(c) || is_nothing(c))
			continue;
		if (f.inherent && (c < 0x0900 || c > 0x0D7F))
			end_word(&f);
		if (c < 0x80)
			add_ascii(&f, c);
		else
			add_wide(&f, text, start, at - start, c);
		f.before = f.blank ? 0 : c;
	}
	end_word(&f);
	return f.len;
}

/* ---- loosening ---- */

/* What a rule asks of the letter behind. */
typedef enum RuleEnd
{
	ANYWHERE,
	AT_END						/* of the word */
} RuleEnd;

typedef struct LooseRule
{
	char		from[5];
	char		to[3];			/* never longer */
	RuleEnd		end;
} LooseRule;

/* The first that fits at a place is taken; longer ones come first. */
static const LooseRule rules[] = {
	{"tsch", "c", ANYWHERE}, {"shch", "s", ANYWHERE},
	{"tch", "c", ANYWHERE}, {"sch", "s", ANYWHERE}, {"iou", "iu", ANYWHERE},
	{"ck", "k", ANYWHERE}, {"ch", "c", ANYWHERE}, {"sh", "s", ANYWHERE},
	{"kh", "h", ANYWHERE}, {"gh", "g", ANYWHERE}, {"dh", "d", ANYWHERE},
	{"th", "t", ANYWHERE}, {"ph", "f", ANYWHERE}, {"zh", "s", ANYWHERE},
	{"bh", "b", ANYWHERE}, {"ks", "x", ANYWHERE}, {"cz", "c", ANYWHERE},
	{"ae", "a", ANYWHERE}, {"oe", "o", ANYWHERE}, {"ue", "u", ANYWHERE},
	{"ou", "u", ANYWHERE}, {"oo", "u", ANYWHERE}, {"ee", "i", ANYWHERE},
	{"ie", "i", ANYWHERE}, {"of", "ov", AT_END}, {"ef", "ev", AT_END},
	{"y", "i", ANYWHERE}, {"j", "i", ANYWHERE}, {"w", "v", ANYWHERE},
	{"q", "k", ANYWHERE}, {"z", "s", ANYWHERE},
};

/* A vowel, or a y. */
static bool
is_vowel(char c)
{
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' ||
		c == 'y';
}

/* Does the rule fit at "at"? Its length, or 0. */
static int
rule_fits(const LooseRule *rule, const char *text, int len, int at)
{
	int			n;
	char		next;

	if (text[at] != rule->from[0])
		return 0;
	n = (int) strlen(rule->from);
	if (at + n > len || memcmp(text + at, rule->from, n) != 0)
		return 0;
	next = at + n < len ? text[at + n] : ' ';
	return rule->end == ANYWHERE || next == ' ' ? n : 0;
}

/* Apply the rules once, left to right; returns the new length. */
static int
loosen_once(const char *text, int len, char *result, bool *changed)
{
	int			n = 0;

	for (int at = 0; at < len;)
	{
		char		c = text[at];
		int			used = 0;

		for (size_t r = 0; r < COUNT(rules); r++)
		{
			used = rule_fits(&rules[r], text, len, at);
			if (used > 0)
			{
				int			m = (int) strlen(rules[r].to);

				memcpy(result + n, rules[r].to, m);
				n += m;
				break;
			}
		}
		if (used == 0 && c >= 'a' && c <= 'z' && at + 1 < len &&
			text[at + 1] == c)
		{
			/* a double letter counts once */
			used = 1;
		}
		else if (used == 0 && c == 'h' && at > 0 && is_vowel(text[at - 1]) &&
				 (at + 1 == len || !is_vowel(text[at + 1])))
		{
			/* an h that only makes the vowel long */
			used = 1;
		}
		else if (used == 0)
		{
			result[n++] = c;
			at++;
			continue;
		}
		*changed = true;
		at += used;
	}
	return n;
}

/* Until no rule applies. */
int
omni_identity_loosen(const char *folded, int len, char *result)
{
	char		copy[OMNI_FOLD_MAX];
	bool		changed = true;

	if (len > OMNI_FOLD_MAX)
		len = OMNI_FOLD_MAX;
	memcpy(result, folded, len);
	while (changed)
	{
		changed = false;
		memcpy(copy, result, len);
		len = loosen_once(copy, len, result, &changed);
	}
	return len;
}

/* ---- words and hashes ---- */

/* Words between blanks. */
int
omni_identity_split(const char *folded, int len, OmniSpan *words, int max)
{
	int			n = 0;

	if (len > UINT16_MAX)
		len = UINT16_MAX;
	for (int at = 0; at < len && n < max;)
	{
		int			start = at;

		while (at < len && folded[at] != ' ')
			at++;
		if (at > start)
		{
			words[n].at = (uint16_t) start;
			words[n].len = (uint16_t) (at - start);
			n++;
		}
		at++;
	}
	return n;
}

/* Mix 64 bits well (the finalizer of MurmurHash3, public domain). */
static uint64_t
mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

/* Eight bytes at a time, mixed. */
uint64_t
omni_identity_hash(const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *) bytes;
	uint64_t	h = UINT64_C(0x9e3779b97f4a7c15) ^ len;

	for (size_t at = 0; at < len; at += 8)
	{
		uint64_t	part = 0;
		size_t		n = len - at < 8 ? len - at : 8;

		for (size_t i = 0; i < n; i++)
			part |= (uint64_t) s[at + i] << (8 * i);
		h = mix(h ^ part) + UINT64_C(0x9e3779b97f4a7c15);
	}
	return mix(h);
}
