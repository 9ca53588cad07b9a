/*
 * identity_name.c
 *	  Folding, names of persons and organisations, nicknames and sounds.
 *
 * Sources: src/identity/text_core.c src/identity/compare_core.c
 * Sources: src/identity/phonetic_core.c src/identity/word_core.c
 * Sources: src/identity/name_core.c src/identity/organization_core.c
 */
#include "identity_check.h"

#include "identity/align_core.c"
#include "identity/nickname_core.c"
#include "identity/phonetic_core.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

typedef struct Case
{
	const char *text;
	const char *result;
} Case;

static const Case folds[] = {
	{"Jos\303\251 O'Brien-Smith", "jose obrien smith"}, {"  M\303\274ller\t", "muller"},
	{"Stra\303\237e", "strasse"}, {"\303\230rsted \303\206gir", "orsted aegir"},
	{"\304\260stanbul \304\261", "istanbul i"}, {"\305\201\303\263d\305\272", "lodz"},
	{"Nguy\341\273\205n", "nguyen"}, {"Jose\314\201", "jose"},
	{"\320\220\320\273\320\265\320\272\321\201\320\265\320\271", "aleksey"},
	{"\320\251\321\203\320\272\320\260", "shchuka"}, {"\320\204\320\262\320\260", "yeva"},
	{"\316\223\316\271\316\254\316\275\316\275\316\267\317\202", "giannis"},
	{"\316\240\316\261\317\200\316\261\316\264\317\214\317\200\316\277\317\205\316\273\316\277\317\202", "papadopoulos"},
	{"\316\206\316\263\316\263\316\265\316\273\316\277\317\202", "angelos"},
	{"\352\271\200\354\240\225\354\235\200", "kimjeongeun"}, {"\343\201\227\343\202\203\343\202\266", "shaza"},
	{"\340\244\250\340\244\260\340\245\207\340\244\250\340\245\215\340\244\246\340\245\215\340\244\260", "narendr"},
	{"\331\205\330\255\331\205\330\257", "mhmd"}, {"\327\223\327\225\327\223", "dvd"},
	{"\346\235\216 \345\260\217", "\346\235\216 \345\260\217"}, {"\357\274\241\357\274\222", "a2"},
	{"A & B", "a and b"}, {"\331\241\331\242", "12"}, {"a\377b", "a b"}, {"", ""}, {" .,- ", ""},
	{"\342\200\217x\342\200\213y", "xy"}, {"\360\237\230\200", ""},
};

static const Case looses[] = {
	{"mueller", "muler"}, {"muller", "muler"}, {"mikhail", "mihail"}, {"yuri", "iuri"}, {"iouri", "iuri"},
	{"ivanoff", "ivanov"}, {"sarah", "sara"}, {"schmidt", "smidt"}, {"aleksandr", "alexandr"},
	{"philipp", "filip"}, {"de la cruz", "de la crus"}, {"oooof", "uf"}, {"oof of", "uf ov"},
};

/* title|given|middle|family|suffix|nickname */
static const Case names[] = {
	{"John Smith", "|john||smith||"}, {"Smith, John", "|john||smith||"}, {"SMITH, John Michael, Jr.", "|john|michael|smith|jr|"},
	{"Dr. John Smith III, PhD", "dr|john||smith|iii phd|"}, {"John Smith, Jr.", "|john||smith|jr|"},
	{"William \"Bill\" Gates", "|william||gates||bill"}, {"Robert (Bob) J. Smith", "|robert|j|smith||bob"},
	{"Ludwig van Beethoven", "|ludwig||van beethoven||"}, {"Beethoven, Ludwig van", "|ludwig||van beethoven||"},
	{"Maria de la Cruz", "|maria||de la cruz||"}, {"Al Gore", "|al||gore||"}, {"Van Morrison", "|van||morrison||"},
	{"Osama bin Laden", "|osama||bin laden||"}, {"Madonna", "|||madonna||"}, {"Mr", "|||mr||"}, {"Jr.", "|||jr||"},
	{"Sir Dr. X", "sir dr|||x||"}, {"", "|||||"}, {",,;()", "|||||"}, {"O'Neil, Shaun", "|shaun||oneil||"},
	{"Smith Sr, Robert E", "|robert|e|smith|sr|"}, {"\"\" ' '", "|||||"},
};

/* name|legal form */
static const Case organizations[] = {
	{"Siemens AG", "siemens|1"}, {"Siemens Aktiengesellschaft", "siemens|1"}, {"Siemens Aktiengeselschaft", "siemens|1"},
	{"The Acme Company, Inc.", "acme|3"}, {"OAO Gazprom", "gazprom|1"}, {"Open Joint Stock Company Gazprom", "gazprom|1"},
	{"Foo S.p.A.", "foo|1"}, {"Meyer GmbH & Co. KG", "meyer|4"}, {"U.S. Steel Corp", "us steel|3"}, {"Smith Bros Intl Ltd.", "smith brothers international|2"},
	{"Inc", "inc|0"}, {"The", "the|0"}, {"", "|0"}, {"AG", "ag|0"}, {"Co Co Co", "co|3"},
};

typedef struct Pair
{
	const char *a;
	const char *b;
	double		result;
} Pair;

static const Pair givens[] = {
	{"Bob", "bob", OMNI_WORD_EXACT}, {"Bob", "Robert", OMNI_WORD_NICKNAME}, {"Bill", "William", OMNI_WORD_NICKNAME},
	{"Bob", "William", OMNI_WORD_DIFFERENT}, {"R.", "Robert", OMNI_WORD_INITIAL}, {"R", "William", OMNI_WORD_DIFFERENT},
	{"Yuri", "Iouri", OMNI_WORD_VARIANT}, {"Mary Ann", "Maryann", OMNI_WORD_VARIANT}, {"Dr. John", "John", OMNI_WORD_EXACT},
	{"Hannah", "Hanah", OMNI_WORD_VARIANT}, {"Oliver", "Olivar", OMNI_WORD_TYPO}, {"Tom", "Tim", OMNI_WORD_DIFFERENT},
	{"", "Tim", OMNI_WORD_NULL}, {"-", "Tim", OMNI_WORD_NULL}, {"Anne Marie", "Marie", OMNI_WORD_PART}, {"Bobby Lee", "Robert", OMNI_WORD_NICKNAME},
};

static const Pair families[] = {
	{"Garcia Lopez", "Garc\303\255a", OMNI_WORD_PART}, {"M\303\274ller", "Mueller", OMNI_WORD_VARIANT}, {"de la Cruz", "Delacruz", OMNI_WORD_VARIANT},
	{"Schmidt", "Smith", OMNI_WORD_DIFFERENT}, {"Ivanov", "Ivanoff", OMNI_WORD_VARIANT}, {"Smith Jr", "Smith", OMNI_WORD_EXACT},
	{"Featherstone", "Fetherston", OMNI_WORD_TYPO}, {"Steven", "Stephan", OMNI_WORD_SOUND}, {"Bob", "Robert", OMNI_WORD_DIFFERENT},
	{"Bennett", "Bennetton", OMNI_WORD_TYPO}, {"Hamilton", "Hamiltenson", OMNI_WORD_SIMILAR},
};

/* 1: alike (0.75 and more), 0: not */
static const Pair persons[] = {
	{"John Smith", "Smith, John", 1}, {"Bob Smith", "Robert Smith", 1}, {"John M. Smith", "John Michael Smith", 1},
	{"John Smith", "John Michael Smith", 1}, {"John Peter Smith", "John Michael Smith", 0}, {"John Smith Jr", "John Smith Sr", 0},
	{"John Smith Jr", "John Smith II", 1}, {"John Smith", "Jane Smith", 0}, {"JohnSmith", "John Smith", 1}, {"", "John", 0}, {"", "", 0},
	{"\320\220\320\273\320\265\320\272\321\201\320\265\320\271 \320\230\320\262\320\260\320\275\320\276\320\262", "Alexei Ivanoff", 1},
	{"Dr. Mary Jones PhD", "Mary Jones", 1},
};

static const Pair companies[] = {
	{"Siemens AG", "Siemens Aktiengesellschaft", 1}, {"Siemens AG", "Volkswagen AG", 0}, {"Fund 1", "Fund 2", 0}, {"", "", 0},
	{"Smith Bros. Ltd", "Smith Brothers Limited", 1}, {"Deutsche Bank AG", "Dresdner Bank AG", 0},
};

static const Case sounds[] = {
	{"smith", "SM0/XMT"}, {"schmidt", "XMT/SMT"}, {"thomas", "TMS/TMS"}, {"knight", "NT/NT"}, {"xavier", "SF/SFR"}, {"wright", "RT/RT"},
	{"", "/"}, {"123", "/"}, {"jose", "HS/HS"}, {"caesar", "SSR/SSR"}, {"michael", "MKL/MXL"}, {"cabrillo", "KPRL/KPR"}, {"aeiou", "A/A"},
};

/* One part of a name and a bar behind it. */
static void
append_part(const OmniName *name, OmniNamePart part, char *text)
{
	char		result[OMNI_FOLD_MAX];

	strncat(text, result, omni_identity_name_part(name, part, result));
	strcat(text, part == OMNI_NAME_NICKNAME ? "" : "|");
}

static void
check_parts(void)
{
	for (size_t i = 0; i < COUNT(names); i++)
	{
		OmniName	name;
		char		text[OMNI_FOLD_MAX * 2] = "";

		omni_identity_parse_name(names[i].text, strlen(names[i].text), &name);
		append_part(&name, OMNI_NAME_TITLE, text);
		append_part(&name, OMNI_NAME_GIVEN, text);
		append_part(&name, OMNI_NAME_MIDDLE, text);
		append_part(&name, OMNI_NAME_FAMILY, text);
		append_part(&name, OMNI_NAME_SUFFIX, text);
		append_part(&name, OMNI_NAME_NICKNAME, text);
		check_text(names[i].text, text, names[i].result);
	}
	for (size_t i = 0; i < COUNT(organizations); i++)
	{
		OmniOrganization name;
		char		text[OMNI_FOLD_MAX + 8];

		omni_identity_parse_organization(organizations[i].text, strlen(organizations[i].text), &name);
		snprintf(text, sizeof(text), "%.*s|%d", name.w.len, name.w.text, name.legal_form);
		check_text(organizations[i].text, text, organizations[i].result);
	}
}

static void
check_pairs(void)
{
	char		title[200];
	OmniWord	a;
	OmniWord	b;

	for (size_t i = 0; i < COUNT(givens) + COUNT(families); i++)
	{
		bool		given = i < COUNT(givens);
		const Pair *p = given ? &givens[i] : &families[i - COUNT(givens)];
		void		(*prepare) (const char *, size_t, OmniWord *) = given ? omni_identity_prepare_given : omni_identity_prepare_family;

		prepare(p->a, strlen(p->a), &a);
		prepare(p->b, strlen(p->b), &b);
		snprintf(title, sizeof(title), "%s and %s", p->a, p->b);
		check_number(title, omni_identity_compare_words(&a, &b), p->result);
	}
	for (size_t i = 0; i < COUNT(persons); i++)
	{
		OmniName	x;
		OmniName	y;

		omni_identity_parse_name(persons[i].a, strlen(persons[i].a), &x);
		omni_identity_parse_name(persons[i].b, strlen(persons[i].b), &y);
		snprintf(title, sizeof(title), "%s and %s", persons[i].a, persons[i].b);
		check_number(title, omni_identity_name_similarity(&x, &y) >= 0.75, persons[i].result);
	}
	for (size_t i = 0; i < COUNT(companies); i++)
	{
		OmniOrganization x;
		OmniOrganization y;

		omni_identity_parse_organization(companies[i].a, strlen(companies[i].a), &x);
		omni_identity_parse_organization(companies[i].b, strlen(companies[i].b), &y);
		snprintf(title, sizeof(title), "%s and %s", companies[i].a, companies[i].b);
		check_number(title, omni_identity_organization_similarity(&x, &y) >= 0.75, companies[i].result);
	}
}

/* The table is sorted, and every chief is in it and in its own group. */
static void
check_nicknames(void)
{
	int			wrong = 0;

	for (int i = 0; i < NNICKNAMES; i++)
	{
		OmniNickname own;
		OmniNickname chief;

		if (i > 0 && strcmp(nicknames[i - 1].name, nicknames[i].name) >= 0)
			wrong++;
		omni_identity_find_nickname(nicknames[i].name, strlen(nicknames[i].name), &own);
		for (int g = 0; g < OMNI_NICKNAME_GROUPS && own.groups[g]; g++)
		{
			const char *name = omni_identity_nickname_chief(own.groups[g]);

			omni_identity_find_nickname(name, strlen(name), &chief);
			wrong += !omni_identity_share_nickname(&own, &chief) || (g > 0 && own.groups[g - 1] >= own.groups[g]);
		}
		wrong += own.groups[0] == 0;
	}
	check_number("the table of nicknames is in order", wrong, 0);
	check_number("and has many", NNICKNAMES > 1500, 1);
}

static unsigned int draw_state = 1;

static unsigned int
draw(unsigned int below)
{
	draw_state = draw_state * 1103515245u + 12345u;
	return (draw_state >> 16) % below;
}

/* Words of few letters, so that many pairs are nearly alike, and ties many. */
static int
draw_words(char *text, unsigned int nwords)
{
	int			n = 0;

	for (unsigned int w = 0; w <= draw(nwords); w++)
	{
		if (w > 0)
			text[n++] = ' ';
		for (unsigned int i = 0; i < 2 + draw(6); i++)
			text[n++] = (char) ('a' + draw(4));
	}
	return n;
}

/*
 * What is left out as hopeless is so, and the order of two names is nothing.
 */
static void
check_alignment(void)
{
	int			wrong = 0;
	int			left_out = 0;
	int			asymmetric = 0;
	int			some = 0;

	for (int i = 0; i < 40000; i++)
	{
		char		a[128];
		char		b[128];
		int			alen = draw_words(a, 1);
		int			blen = draw_words(b, 1);
		uint32_t	letters[2] = {0, 0};
		OmniName	x;
		OmniName	y;

		for (int k = 0; k < alen; k++)
			letters[0] |= UINT32_C(1) << (a[k] & 31);
		for (int k = 0; k < blen; k++)
			letters[1] |= UINT32_C(1) << (b[k] & 31);
		if (!may_be_similar(a, alen, letters[0], b, blen, letters[1]))
		{
			left_out++;
			wrong += omni_identity_jaro_winkler(a, alen, b, blen) >= LEAST_SIMILAR;
		}
		alen = draw_words(a, 4);
		blen = draw_words(b, 4);
		omni_identity_parse_name(a, alen, &x);
		omni_identity_parse_name(b, blen, &y);
		some += omni_identity_name_similarity(&x, &y) > 0;
		asymmetric += omni_identity_name_similarity(&x, &y) != omni_identity_name_similarity(&y, &x);
	}
	check_number("no pair of words is left out that could be similar", wrong, 0);
	check_number("many are left out", left_out > 4000, 1);
	check_number("names compare the same both ways round", asymmetric, 0);
	check_number("many of them are alike", some > 10000, 1);
}

int
main(void)
{
	char		text[OMNI_FOLD_MAX + 1];
	int			n;

	for (size_t i = 0; i < COUNT(folds); i++)
	{
		n = omni_identity_fold(folds[i].text, strlen(folds[i].text), text, OMNI_FOLD_MAX);
		text[n] = '\0';
		check_text(folds[i].text, text, folds[i].result);
	}
	for (size_t i = 0; i < COUNT(looses); i++)
	{
		n = omni_identity_loosen(looses[i].text, strlen(looses[i].text), text);
		text[n] = '\0';
		check_text(looses[i].text, text, looses[i].result);
	}
	for (size_t i = 0; i < COUNT(sounds); i++)
	{
		uint64_t	codes[2];

		codes[0] = omni_identity_sound(sounds[i].text, strlen(sounds[i].text), 4, &codes[1]);
		snprintf(text, sizeof(text), "%.8s/%.8s", (const char *) &codes[0], (const char *) &codes[1]);
		check_text(sounds[i].text, text, sounds[i].result);
	}
	check_parts();
	check_pairs();
	check_nicknames();
	check_alignment();
	check_number("generation", omni_identity_generation("J. Smith, 3rd", 13), 3);
	check_number("none", omni_identity_generation("J. Smith", 8), 0);
	/* a megabyte is read as far as its start */
	{
		char	   *long_text = malloc(1 << 20);
		OmniName	name;
		OmniOrganization organization;
		OmniWord	word;

		memset(long_text, ' ', 1 << 20);
		long_text[(1 << 20) - 1] = 'x';
		check_number("blanks", omni_identity_fold(long_text, 1 << 20, text, OMNI_FOLD_MAX), 1);
		for (int i = 0; i < 1 << 20; i += 2)
			long_text[i] = 'a';
		omni_identity_parse_name(long_text, 1 << 20, &name);
		check_number("words of a name", name.w.nwords, OMNI_NAME_WORDS);
		omni_identity_parse_organization(long_text, 1 << 20, &organization);
		omni_identity_prepare_given(long_text, 1 << 20, &word);
		check_number("letters of a word", word.len <= OMNI_WORD_MAX, 1);
		free(long_text);
	}
	return finish();
}
