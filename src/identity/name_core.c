/*
 * name_core.c
 *	  The parts of a person's name; no PostgreSQL in it.
 *
 * A text is cut at commas and where a nickname stands in quotes or
 * parentheses, each piece is folded, and its words are told apart by lists:
 * titles before, suffixes behind, particles that belong to the family name.
 * Where nothing tells, the first word is the given name and the last one the
 * family name.
 */
#include "identity/name_core.h"

#include <string.h>

#define READ_MAX 4096			/* bytes of a name that are looked at */
#define MAX_PIECES 8

/* ---- words that are known ---- */

static const char *const titles[] = {
	"mr", "mrs", "ms", "miss", "mx", "dr", "doctor", "prof", "professor",
	"sir", "dame", "lord", "lady", "rev", "reverend", "father", "capt",
	"captain", "col", "colonel", "gen", "general", "lt", "lieutenant", "sgt",
	"sergeant", "maj", "major", "hon", "honorable", "judge", "sen", "senator",
	"pres", "president", "gov", "governor", "herr", "frau", "fraulein", "hr",
	"fr", "dipl", "ing", "mag", "monsieur", "madame", "mme", "mlle", "senor",
	"senora", "senorita", "sr", "sra", "srta", "don", "dona", "dott", "avv",
	"sig", "signor", "signora", "sheikh", "shaikh", "sheik", "shaykh", "haji",
	"hajji", "hadji", "mullah", "imam", "maulvi", "mawlawi", "mevr", "dhr",
	"pan", "pani", "hrh", "king", "queen", "prince", "princess", "baron",
	"baroness", "count", "countess", "duke", "duchess", "graf", "freiherr"
};

static const char *const suffixes[] = {
	"jr", "sr", "jnr", "snr", "junior", "senior", "ii", "iii", "iv", "vi",
	"vii", "viii", "2nd", "3rd", "4th", "5th", "phd", "md", "dds", "dvm",
	"esq", "esquire", "jd", "mba", "cpa", "rn", "obe", "mbe", "cbe", "qc",
	"kc", "filho", "neto"
};

static const char *const particles[] = {
	"de", "da", "do", "dos", "das", "del", "della", "dello", "di", "du", "des",
	"d", "van", "von", "vom", "zu", "zum", "zur", "der", "den", "het", "ter",
	"ten", "te", "la", "le", "las", "los", "lo", "bin", "ibn", "ben", "bint",
	"al", "el", "ul", "abu", "st", "saint", "san", "santa", "mac", "mc", "af",
	"av", "zur", "und", "y"
};

/* Is it one of a list? */
static bool
is_in(const char *word, int len, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == (size_t) len && memcmp(list[i], word, len) == 0)
			return true;
	return false;
}

#define IS_IN(word, len, list) \
	is_in(word, len, list, sizeof(list) / sizeof((list)[0]))

/* Generation of a folded word. */
static int
find_generation(const char *word, int len)
{
	static const struct
	{
		char		word[8];
		int			generation;
	}			generations[] = {
		{"sr", 1}, {"snr", 1}, {"senior", 1}, {"jr", 2}, {"jnr", 2},
		{"junior", 2}, {"ii", 2}, {"2nd", 2}, {"iii", 3}, {"3rd", 3},
		{"iv", 4}, {"4th", 4}, {"v", 5}, {"5th", 5}, {"vi", 6}, {"vii", 7},
		{"viii", 8}, {"filho", 2}
	};

	for (size_t i = 0; i < sizeof(generations) / sizeof(generations[0]); i++)
		if (strlen(generations[i].word) == (size_t) len &&
			memcmp(generations[i].word, word, len) == 0)
			return generations[i].generation;
	return 0;
}

/* Of the first word that tells one. */
int
omni_identity_generation(const char *text, size_t len)
{
	char		folded[OMNI_WORD_MAX];
	OmniSpan	words[4];
	int			n = omni_identity_fold(text, len, folded, sizeof(folded));
	int			nwords = omni_identity_split(folded, n, words, 4);
	int			generation = 0;

	for (int i = 0; i < nwords && generation == 0; i++)
		generation = find_generation(folded + words[i].at, words[i].len);
	return generation;
}

/* ---- words ---- */

/* Spans, loose forms and letters of each word. */
void
omni_identity_prepare_words(OmniNameWords *w)
{
	w->nwords = (uint8_t) omni_identity_split(w->text, w->len, w->words,
											  OMNI_NAME_WORDS);
	for (int i = 0; i < w->nwords; i++)
	{
		const OmniSpan *span = &w->words[i];
		uint32_t	letters = 0;

		w->loose_lens[i] = (uint8_t)
			omni_identity_loosen(w->text + span->at,
								 span->len < 255 ? span->len : 255,
								 w->loose + span->at);
		for (int k = 0; k < span->len; k++)
			letters |= UINT32_C(1) << (w->text[span->at + k] & 31);
		w->letters[i] = letters;
	}
}

/* ---- cutting ---- */

typedef struct Piece
{
	int			first;			/* its words */
	int			n;
	bool		nickname;
} Piece;

typedef struct Reader
{
	OmniName   *name;
	Piece		pieces[MAX_PIECES];
	int			npieces;
} Reader;

/* Fold a piece of the text behind what is there. */
static void
add_piece(Reader *r, const char *text, size_t len, bool nickname)
{
	OmniNameWords *w = &r->name->w;
	int			at = w->len + (w->len > 0);
	int			n;
	OmniSpan	words[OMNI_NAME_WORDS];
	Piece	   *piece = &r->pieces[r->npieces];

	if (r->npieces == MAX_PIECES || at >= OMNI_FOLD_MAX ||
		w->nwords == OMNI_NAME_WORDS)
		return;
	n = omni_identity_fold(text, len, w->text + at, OMNI_FOLD_MAX - at);
	if (n == 0)
		return;
	if (at > 0)
		w->text[at - 1] = ' ';
	w->len = (uint16_t) (at + n);
	piece->first = w->nwords;
	piece->n = omni_identity_split(w->text + at, n, words,
								   OMNI_NAME_WORDS - w->nwords);
	piece->nickname = nickname;
	w->nwords += piece->n;
	r->npieces++;
}

/* Where a nickname that is opened by text[at] ends; at when it is none. */
static size_t
find_close(const char *text, size_t len, size_t at)
{
	char		close;

	if (text[at] == '(')
		close = ')';
	else if (text[at] == '"')
		close = '"';
	else if (text[at] == '\'' && (at == 0 || text[at - 1] == ' '))
		close = '\'';
	else
		return at;
	for (size_t i = at + 1; i < len && i < at + 64; i++)
		if (text[i] == close &&
			(close != '\'' || i + 1 == len || text[i + 1] == ' ' ||
			 text[i + 1] == ','))
			return i;
	return at;
}

/* Cut the text into pieces. */
static void
cut_pieces(Reader *r, const char *text, size_t len)
{
	size_t		start = 0;

	for (size_t i = 0; i < len; i++)
	{
		size_t		close = find_close(text, len, i);

		if (close > i)
		{
			add_piece(r, text + start, i - start, false);
			add_piece(r, text + i + 1, close - i - 1, true);
			/* what follows belongs to what stands before */
			i = close;
			start = i + 1;
		}
		else if (text[i] == ',' || text[i] == ';')
		{
			/* an empty piece marks the comma */
			add_piece(r, text + start, i - start, false);
			if (r->npieces > 0 && r->npieces < MAX_PIECES)
			{
				r->pieces[r->npieces].first = r->name->w.nwords;
				r->pieces[r->npieces].n = 0;
				r->pieces[r->npieces].nickname = false;
				r->npieces++;
			}
			start = i + 1;
		}
	}
	add_piece(r, text + start, len - start, false);
}

/* ---- telling parts apart ---- */

/* The bytes of a word. */
static const char *
word_at(const OmniName *name, int i)
{
	return name->w.text + name->w.words[i].at;
}

/* A title by its word? */
static bool
is_title(const OmniName *name, int i)
{
	return IS_IN(word_at(name, i), name->w.words[i].len, titles);
}

/* A suffix by its word? */
static bool
is_suffix(const OmniName *name, int i)
{
	return IS_IN(word_at(name, i), name->w.words[i].len, suffixes);
}

/* A particle by its word? */
static bool
is_particle(const OmniName *name, int i)
{
	return IS_IN(word_at(name, i), name->w.words[i].len, particles);
}

/*
 * Name the titles at the start of a list of words and the suffixes at its
 * end, as long as a word is left; what is left is in the list.
 */
static int
strip(OmniName *name, int *words, int n)
{
	int			first = 0;

	while (first + 1 < n && is_title(name, words[first]))
		name->parts[words[first++]] = OMNI_NAME_TITLE;
	while (n - first > 1 && is_suffix(name, words[n - 1]))
		name->parts[words[--n]] = OMNI_NAME_SUFFIX;
	memmove(words, words + first, (n - first) * sizeof(int));
	return n - first;
}

/* Words of a family name from "first" on. */
static void
mark_family(OmniName *name, const int *words, int first, int n)
{
	for (int i = first; i < n; i++)
		name->parts[words[i]] = i + 1 < n && is_particle(name, words[i]) ?
			OMNI_NAME_PARTICLE : OMNI_NAME_FAMILY;
}

/* Given Middle Family. */
static void
mark_natural(OmniName *name, int *words, int n)
{
	int			family = n - 1;

	n = strip(name, words, n);
	if (n == 0)
		return;
	family = n - 1;
	for (int i = 1; i + 1 < n; i++)
		if (is_particle(name, words[i]) &&
			!(name->w.words[words[i]].len == 1))
		{
			family = i;
			break;
		}
	for (int i = 0; i < family; i++)
		name->parts[words[i]] = i == 0 ? OMNI_NAME_GIVEN : OMNI_NAME_MIDDLE;
	mark_family(name, words, family, n);
}

/* Family, Given Middle. */
static void
mark_reversed(OmniName *name, int *before, int nbefore, int *behind,
			  int nbehind)
{
	int			last;

	nbefore = strip(name, before, nbefore);
	mark_family(name, before, 0, nbefore);
	nbehind = strip(name, behind, nbehind);
	/* Beethoven, Ludwig van */
	last = nbehind;
	while (last > 1 && is_particle(name, behind[last - 1]))
		name->parts[behind[--last]] = OMNI_NAME_PARTICLE;
	for (int i = 0; i < last; i++)
		name->parts[behind[i]] = i == 0 ? OMNI_NAME_GIVEN : OMNI_NAME_MIDDLE;
}

/* Bits that two words with a common nickname group have in common. */
static uint32_t
find_forms(const char *word, int len)
{
	OmniNickname nickname;
	uint32_t	forms = 0;

	if (omni_identity_find_nickname(word, len, &nickname))
		for (int i = 0; i < OMNI_NICKNAME_GROUPS && nickname.groups[i]; i++)
			forms |= UINT32_C(1) << nickname.groups[i] % 32;
	return forms;
}

/*
 * What each word weighs in a comparison: its letters, of which more than eight
 * tell no more; particles and nicknames half of that, titles and suffixes
 * nothing, unless there is nothing else.
 */
static void
weigh_words(OmniName *name)
{
	bool		any = false;

	for (int i = 0; i < name->w.nwords; i++)
	{
		int			len = name->w.words[i].len;
		uint8_t		weight = (uint8_t) (len < 8 ? 10 * len : 80);

		if (name->parts[i] == OMNI_NAME_PARTICLE ||
			name->parts[i] == OMNI_NAME_NICKNAME)
			weight /= 2;
		else if (name->parts[i] == OMNI_NAME_TITLE ||
				 name->parts[i] == OMNI_NAME_SUFFIX)
			weight = 0;
		any = any || weight > 0;
		name->w.weights[i] = weight;
		name->w.forms[i] = find_forms(word_at(name, i), len);
	}
	for (int i = 0; i < name->w.nwords && !any; i++)
		name->w.weights[i] = 10;
}

/* Cut, then tell the parts apart. */
void
omni_identity_parse_name(const char *text, size_t len, OmniName *name)
{
	Reader		r = {.name = name};
	int			lists[2][OMNI_NAME_WORDS];
	int			n[2] = {0, 0};
	int			side = 0;

	memset(name, 0, sizeof(*name));
	cut_pieces(&r, text, len < READ_MAX ? len : READ_MAX);
	omni_identity_prepare_words(&name->w);
	for (int p = 0; p < r.npieces; p++)
	{
		const Piece *piece = &r.pieces[p];
		bool		all_suffixes = n[0] > 0;

		for (int i = 0; i < piece->n; i++)
			all_suffixes = all_suffixes && is_suffix(name, piece->first + i);
		if (piece->n == 0)
		{
			side += side == 0 && n[0] > 0;
			continue;
		}
		for (int i = piece->first; i < piece->first + piece->n; i++)
		{
			if (piece->nickname)
				name->parts[i] = OMNI_NAME_NICKNAME;
			else if (side > 0 && all_suffixes)
				name->parts[i] = OMNI_NAME_SUFFIX;
			else
				lists[side][n[side]++] = i;
		}
	}
	if (n[1] > 0)
		mark_reversed(name, lists[0], n[0], lists[1], n[1]);
	else
		mark_natural(name, lists[0], n[0]);
	for (int i = 0; i < name->w.nwords && name->generation == 0; i++)
		if (name->parts[i] == OMNI_NAME_SUFFIX)
			name->generation = (uint8_t)
				find_generation(word_at(name, i), name->w.words[i].len);
	weigh_words(name);
}

/* Words of one part; particles come before the family name. */
int
omni_identity_name_part(const OmniName *name, OmniNamePart part, char *result)
{
	int			n = 0;

	/* particles first: those of "Beethoven, Ludwig van" stand behind */
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < name->w.nwords; i++)
		{
			bool		particle = name->parts[i] == OMNI_NAME_PARTICLE;
			bool		late = false;

			if (part == OMNI_NAME_FAMILY && particle)
			{
				/* a particle with no family name behind it comes first */
				late = true;
				for (int k = i; k < name->w.nwords; k++)
					late = late && name->parts[k] != OMNI_NAME_FAMILY;
				if (late != (pass == 0))
					continue;
			}
			else if (name->parts[i] != part || pass == 0)
				continue;
			if (n > 0)
				result[n++] = ' ';
			memcpy(result + n, word_at(name, i), name->w.words[i].len);
			n += name->w.words[i].len;
		}
	return n;
}
