/*
 * organization_core.c
 *	  The name of an organisation without its legal form; no PostgreSQL in it.
 *
 * A legal form is one or several words at the end, or, as in Russian and
 * Indonesian, at the start.  Forms are compared by the sequence of their words;
 * the longest that fits is taken, and long words may have a letter wrong.  One
 * word of the name always stays.
 */
#include "identity/name_core.h"

#include <string.h>

#define READ_MAX 4096

typedef struct LegalForm
{
	const char *words;			/* folded, single letters run together */
	uint8_t		form;
	bool		in_front;		/* may stand at the start */
} LegalForm;

static const LegalForm legal_forms[] = {
	{"gesellschaft mit beschrankter haftung", OMNI_LEGAL_LIMITED, false},
	{"open joint stock company", OMNI_LEGAL_STOCK, true},
	{"public joint stock company", OMNI_LEGAL_STOCK, true},
	{"closed joint stock company", OMNI_LEGAL_STOCK, true},
	{"private joint stock company", OMNI_LEGAL_STOCK, true},
	{"joint stock company", OMNI_LEGAL_STOCK, true},
	{"otkrytoe aktsionernoe obshchestvo", OMNI_LEGAL_STOCK, true},
	{"publichnoe aktsionernoe obshchestvo", OMNI_LEGAL_STOCK, true},
	{"zakrytoe aktsionernoe obshchestvo", OMNI_LEGAL_STOCK, true},
	{"aktsionernoe obshchestvo", OMNI_LEGAL_STOCK, true},
	{"obshchestvo s ogranichennoy otvetstvennostyu", OMNI_LEGAL_LIMITED, true},
	{"limited liability company", OMNI_LEGAL_LIMITED, true},
	{"limited liability partnership", OMNI_LEGAL_PARTNERSHIP, false},
	{"limited partnership", OMNI_LEGAL_PARTNERSHIP, false},
	{"public limited company", OMNI_LEGAL_STOCK, false},
	{"private limited", OMNI_LEGAL_LIMITED, false},
	{"limited company", OMNI_LEGAL_LIMITED, false},
	{"company limited", OMNI_LEGAL_LIMITED, false},
	{"societe a responsabilite limitee", OMNI_LEGAL_LIMITED, false},
	{"societatea cu raspundere limitata", OMNI_LEGAL_LIMITED, true},
	{"societe anonyme", OMNI_LEGAL_STOCK, true},
	{"sociedad anonima de capital variable", OMNI_LEGAL_STOCK, false},
	{"sociedad anonima", OMNI_LEGAL_STOCK, false},
	{"sociedad limitada", OMNI_LEGAL_LIMITED, false},
	{"sociedade anonima", OMNI_LEGAL_STOCK, false},
	{"societa per azioni", OMNI_LEGAL_STOCK, false},
	{"societa a responsabilita limitata", OMNI_LEGAL_LIMITED, false},
	{"naamloze vennootschap", OMNI_LEGAL_STOCK, false},
	{"besloten vennootschap", OMNI_LEGAL_LIMITED, false},
	{"kommanditgesellschaft", OMNI_LEGAL_PARTNERSHIP, false},
	{"aktiengesellschaft", OMNI_LEGAL_STOCK, false},
	{"aktiebolag", OMNI_LEGAL_STOCK, false},
	{"aktieselskab", OMNI_LEGAL_STOCK, false},
	{"anonim sirketi", OMNI_LEGAL_STOCK, false},
	{"limited sirketi", OMNI_LEGAL_LIMITED, false},
	{"spolka z ograniczona odpowiedzialnoscia", OMNI_LEGAL_LIMITED, false},
	{"spolka akcyjna", OMNI_LEGAL_STOCK, false},
	{"eingetragener verein", OMNI_LEGAL_OTHER, false},
	{"gmbh co kg", OMNI_LEGAL_PARTNERSHIP, false},
	{"gmbh cokg", OMNI_LEGAL_PARTNERSHIP, false},
	{"ag co kg", OMNI_LEGAL_PARTNERSHIP, false},
	{"sp zoo", OMNI_LEGAL_LIMITED, false},
	{"spzoo", OMNI_LEGAL_LIMITED, false},
	{"sa de cv", OMNI_LEGAL_STOCK, false},
	{"pty ltd", OMNI_LEGAL_LIMITED, false},
	{"pty limited", OMNI_LEGAL_LIMITED, false},
	{"pvt ltd", OMNI_LEGAL_LIMITED, false},
	{"private ltd", OMNI_LEGAL_LIMITED, false},
	{"pte ltd", OMNI_LEGAL_LIMITED, false},
	{"sdn bhd", OMNI_LEGAL_LIMITED, false},
	{"co ltd", OMNI_LEGAL_LIMITED, false},
	{"kabushiki kaisha", OMNI_LEGAL_STOCK, true},
	{"gmbh", OMNI_LEGAL_LIMITED, false}, {"mbh", OMNI_LEGAL_LIMITED, false},
	{"ug", OMNI_LEGAL_LIMITED, false}, {"limited", OMNI_LEGAL_LIMITED, false},
	{"ltd", OMNI_LEGAL_LIMITED, false}, {"ltda", OMNI_LEGAL_LIMITED, false},
	{"limitada", OMNI_LEGAL_LIMITED, false},
	{"llc", OMNI_LEGAL_LIMITED, true}, {"lc", OMNI_LEGAL_LIMITED, false},
	{"sarl", OMNI_LEGAL_LIMITED, true}, {"eurl", OMNI_LEGAL_LIMITED, false},
	{"srl", OMNI_LEGAL_LIMITED, true}, {"bv", OMNI_LEGAL_LIMITED, false},
	{"bvba", OMNI_LEGAL_LIMITED, false}, {"ooo", OMNI_LEGAL_LIMITED, true},
	{"tov", OMNI_LEGAL_LIMITED, true}, {"sro", OMNI_LEGAL_LIMITED, false},
	{"doo", OMNI_LEGAL_LIMITED, false}, {"kft", OMNI_LEGAL_LIMITED, false},
	{"oy", OMNI_LEGAL_LIMITED, false}, {"ou", OMNI_LEGAL_LIMITED, true},
	{"eood", OMNI_LEGAL_LIMITED, false}, {"ood", OMNI_LEGAL_LIMITED, false},
	{"sl", OMNI_LEGAL_LIMITED, false}, {"sia", OMNI_LEGAL_LIMITED, true},
	{"uab", OMNI_LEGAL_LIMITED, true}, {"aps", OMNI_LEGAL_LIMITED, false},
	{"fzco", OMNI_LEGAL_LIMITED, false}, {"fze", OMNI_LEGAL_LIMITED, false},
	{"fzc", OMNI_LEGAL_LIMITED, false}, {"wll", OMNI_LEGAL_LIMITED, false},
	{"ag", OMNI_LEGAL_STOCK, false}, {"se", OMNI_LEGAL_STOCK, false},
	{"sa", OMNI_LEGAL_STOCK, false}, {"sas", OMNI_LEGAL_STOCK, false},
	{"spa", OMNI_LEGAL_STOCK, false}, {"plc", OMNI_LEGAL_STOCK, false},
	{"nv", OMNI_LEGAL_STOCK, false}, {"ab", OMNI_LEGAL_STOCK, false},
	{"asa", OMNI_LEGAL_STOCK, false}, {"as", OMNI_LEGAL_STOCK, false},
	{"oyj", OMNI_LEGAL_STOCK, false}, {"oao", OMNI_LEGAL_STOCK, true},
	{"pao", OMNI_LEGAL_STOCK, true}, {"zao", OMNI_LEGAL_STOCK, true},
	{"ao", OMNI_LEGAL_STOCK, true}, {"ojsc", OMNI_LEGAL_STOCK, true},
	{"pjsc", OMNI_LEGAL_STOCK, true}, {"cjsc", OMNI_LEGAL_STOCK, true},
	{"jsc", OMNI_LEGAL_STOCK, true}, {"prjsc", OMNI_LEGAL_STOCK, true},
	{"pat", OMNI_LEGAL_STOCK, true}, {"saog", OMNI_LEGAL_STOCK, false},
	{"dd", OMNI_LEGAL_STOCK, false}, {"ad", OMNI_LEGAL_STOCK, false},
	{"nyrt", OMNI_LEGAL_STOCK, false}, {"zrt", OMNI_LEGAL_STOCK, false},
	{"kk", OMNI_LEGAL_STOCK, false}, {"tbk", OMNI_LEGAL_STOCK, false},
	{"pt", OMNI_LEGAL_LIMITED, true}, {"cv", OMNI_LEGAL_PARTNERSHIP, true},
	{"inc", OMNI_LEGAL_CORPORATION, false},
	{"incorporated", OMNI_LEGAL_CORPORATION, false},
	{"corp", OMNI_LEGAL_CORPORATION, false},
	{"corporation", OMNI_LEGAL_CORPORATION, false},
	{"company", OMNI_LEGAL_CORPORATION, false},
	{"co", OMNI_LEGAL_CORPORATION, false},
	{"cie", OMNI_LEGAL_CORPORATION, false},
	{"compagnie", OMNI_LEGAL_CORPORATION, false},
	{"kg", OMNI_LEGAL_PARTNERSHIP, false},
	{"ohg", OMNI_LEGAL_PARTNERSHIP, false},
	{"gbr", OMNI_LEGAL_PARTNERSHIP, false},
	{"lp", OMNI_LEGAL_PARTNERSHIP, false},
	{"llp", OMNI_LEGAL_PARTNERSHIP, false},
	{"ev", OMNI_LEGAL_OTHER, false}, {"eg", OMNI_LEGAL_OTHER, false},
	{"fup", OMNI_LEGAL_OTHER, true}, {"fgup", OMNI_LEGAL_OTHER, true},
};

typedef struct Abbreviation
{
	char		from[8];
	const char *to;
} Abbreviation;

static const Abbreviation abbreviations[] = {
	{"intl", "international"}, {"natl", "national"}, {"mfg", "manufacturing"},
	{"bros", "brothers"}, {"assoc", "association"}, {"assn", "association"},
	{"univ", "university"}, {"svc", "service"}, {"svcs", "services"},
	{"mgmt", "management"}, {"grp", "group"}, {"ind", "industries"},
	{"hldgs", "holdings"}, {"hldg", "holding"}, {"tech", "technology"},
	{"govt", "government"}, {"dept", "department"}, {"inst", "institute"},
	{"engr", "engineering"}, {"eng", "engineering"}, {"ent", "enterprises"},
	{"dist", "distribution"}, {"natnl", "national"}, {"hosp", "hospital"},
};

typedef struct Words
{
	char		text[OMNI_FOLD_MAX];
	int			n;
	OmniSpan	words[OMNI_NAME_WORDS + 8];
} Words;

#define MAX_WORDS ((int) (sizeof(((Words *) NULL)->words) / sizeof(OmniSpan)))

/* Is a word of a legal form meant?  Long ones may have a letter wrong. */
static bool
is_meant(const char *word, int len, const char *known, int known_len)
{
	if (len == known_len && memcmp(word, known, len) == 0)
		return true;
	if (known_len < 7)
		return false;
	return omni_identity_damerau(word, len, known, known_len, 1) <= 1;
}

/*
 * How many words, from the "at"th on, are the form "words"; 0 where they are
 * not it.
 */
static int
form_fits(const Words *w, int at, const char *words)
{
	int			n = 0;

	while (*words != '\0')
	{
		int			len = (int) strcspn(words, " ");

		if (at + n >= w->n ||
			!is_meant(w->text + w->words[at + n].at, w->words[at + n].len,
					  words, len))
			return 0;
		n++;
		words += len;
		words += *words == ' ';
	}
	return n;
}

/* Run single letters together: s a is sa. */
static void
join_letters(const char *folded, int len, Words *w)
{
	OmniSpan	words[OMNI_NAME_WORDS + 8];
	int			nwords = omni_identity_split(folded, len, words, MAX_WORDS);
	int			at = 0;

	w->n = 0;
	for (int i = 0; i < nwords; i++)
	{
		bool		joins = i > 0 && words[i].len == 1 &&
			words[i - 1].len == 1 && (unsigned char) folded[words[i].at] < 0x80;

		if (!joins)
		{
			w->words[w->n].at = (uint16_t) at;
			w->words[w->n].len = 0;
			w->n++;
		}
		memcpy(w->text + at, folded + words[i].at, words[i].len);
		w->words[w->n - 1].len += words[i].len;
		at += words[i].len;
	}
}

/* Take word "i" out. */
static void
remove_words(Words *w, int i, int n)
{
	memmove(w->words + i, w->words + i + n,
			(w->n - i - n) * sizeof(OmniSpan));
	w->n -= n;
}

/* Take legal forms off both ends; the first one found tells the form. */
static uint8_t
strip_forms(Words *w)
{
	uint8_t		found = OMNI_LEGAL_NONE;
	bool		again = true;

	while (again && w->n > 1)
	{
		again = false;
		for (size_t f = 0;
			 f < sizeof(legal_forms) / sizeof(legal_forms[0]) && !again; f++)
		{
			const LegalForm *form = &legal_forms[f];
			int			n = 0;
			int			at = 0;

			for (int start = w->n - 1; start > 0 && n == 0; start--)
			{
				n = form_fits(w, start, form->words);
				if (n > 0 && start + n != w->n)
					n = 0;
				at = start;
			}
			if (n == 0 && form->in_front)
			{
				n = form_fits(w, 0, form->words);
				at = 0;
			}
			if (n == 0 || n >= w->n)
				continue;
			remove_words(w, at, n);
			if (found == OMNI_LEGAL_NONE)
				found = form->form;
			again = true;
		}
	}
	return found;
}

/* Does the word say nothing? */
static bool
is_empty_word(const char *word, int len)
{
	return (len == 3 && (memcmp(word, "the", 3) == 0 ||
						 memcmp(word, "and", 3) == 0)) ||
		(len == 1 && word[0] == 'y');
}

/* Write a word out. */
static const char *
write_out(const char *word, int *len)
{
	for (size_t i = 0; i < sizeof(abbreviations) / sizeof(abbreviations[0]);
		 i++)
		if (strlen(abbreviations[i].from) == (size_t) *len &&
			memcmp(abbreviations[i].from, word, *len) == 0)
		{
			*len = (int) strlen(abbreviations[i].to);
			return abbreviations[i].to;
		}
	return word;
}

/* Words that many companies have. */
static bool
is_generic(const char *word, int len)
{
	static const char *const generic[] = {
		"bank", "group", "holding", "holdings", "international", "services",
		"service", "trading", "industries", "industry", "company",
		"enterprises", "enterprise", "solutions", "systems", "technology",
		"technologies", "consulting", "management", "investment",
		"investments", "capital", "global", "partners", "association",
		"gruppe", "groupe", "grupo", "of", "for", "und", "et", "de", "del",
		"di", "la", "le", "les", "des"
	};

	for (size_t i = 0; i < sizeof(generic) / sizeof(generic[0]); i++)
		if (strlen(generic[i]) == (size_t) len &&
			memcmp(generic[i], word, len) == 0)
			return true;
	return false;
}

/* What each word weighs: its letters, generic ones less, numbers much. */
static void
weigh_words(OmniNameWords *w)
{
	for (int i = 0; i < w->nwords; i++)
	{
		const char *word = w->text + w->words[i].at;
		int			len = w->words[i].len;

		w->weights[i] = (uint8_t) (len < 8 ? 10 * len : 80);
		if (is_generic(word, len))
			w->weights[i] = (uint8_t) (w->weights[i] * 2 / 5);
		else if (word[0] >= '0' && word[0] <= '9')
			w->weights[i] = 80; /* Fund 1 is not Fund 2 */
	}
}

/* Fold, join letters, take forms off, write out, weigh. */
void
omni_identity_parse_organization(const char *text, size_t len,
								 OmniOrganization *name)
{
	char		folded[OMNI_FOLD_MAX];
	Words		w;
	int			n;

	memset(name, 0, sizeof(*name));
	n = omni_identity_fold(text, len < READ_MAX ? len : READ_MAX, folded,
						   sizeof(folded));
	join_letters(folded, n, &w);
	for (int i = 0; i < w.n && w.n > 1;)
	{
		if (is_empty_word(w.text + w.words[i].at, w.words[i].len))
			remove_words(&w, i, 1);
		else
			i++;
	}
	name->legal_form = strip_forms(&w);
	for (int i = 0; i < w.n; i++)
	{
		int			word_len = w.words[i].len;
		const char *word = write_out(w.text + w.words[i].at, &word_len);
		int			blank = name->w.len > 0;

		if (name->w.len + blank + word_len > OMNI_FOLD_MAX)
			break;
		if (blank)
			name->w.text[name->w.len++] = ' ';
		memcpy(name->w.text + name->w.len, word, word_len);
		name->w.len += word_len;
	}
	omni_identity_prepare_words(&name->w);
	weigh_words(&name->w);
}
