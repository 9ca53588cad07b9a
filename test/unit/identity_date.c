/*
 * identity_date.c
 *	  Dates in many spellings, and how alike two are.
 *
 * Sources: src/identity/text_core.c src/identity/date_core.c
 */
#include "identity_check.h"

#include "identity/date_core.h"

typedef struct Case
{
	const char *text;
	const char *result;			/* "" for none; ? ambiguous, ~ century guessed */
} Case;

static const Case cases[] = {
	{"1951-06-17", "1951-06-17"}, {"19510617", "1951-06-17"},
	{"1951/6/7", "1951-06-07"}, {"1951.06.17", "1951-06-17"},
	{" 1951-06-17T10:20:30Z ", "1951-06-17"},
	{"1951-06-17 10:20", "1951-06-17"},
	{"6/17/1951", "1951-06-17"}, {"17/6/1951", "1951-06-17"},
	{"17.06.1951", "1951-06-17"}, {"01/02/2003", "2003-01-02?"},
	{"02/02/2003", "2003-02-02"}, {"17 June 1951", "1951-06-17"},
	{"June 17, 1951", "1951-06-17"}, {"Jun 17th 1951", "1951-06-17"},
	{"17. Juni 1951", "1951-06-17"}, {"1er mai 1951", "1951-05-01"},
	{"17 de junio de 1951", "1951-06-17"}, {"M\303\244rz 1951", "1951-03"},
	{"17jun1951", "1951-06-17"}, {"17-JUN-51", "1951-06-17~"},
	{"Wed, 17 Jan 1951", "1951-01-17"}, {"1951 Jun 17", "1951-06-17"},
	{"6/17/51", "1951-06-17~"}, {"1/2/03", "2003-01-02?~"},
	{"1951", "1951"}, {"1951-06", "1951-06"}, {"06/1951", "1951-06"},
	{"June 1951", "1951-06"}, {"17 June", "--06-17"}, {"--06-17", "--06-17"},
	{"--06", "--06"}, {"195106", "1951-06"}, {"510617", "1951-06-17~"},
	{"17061951", "1951-06-17"}, {"06171951", "1951-06-17"},
	{"1951-00-00", "1951"}, {"1951-06-00", "1951-06"},
	{"1951-17-06", "1951-06-17"}, {"2000-02-29", "2000-02-29"},
	{"29 February", "--02-29"}, {"30/12/2028", "2028-12-30"},
	{"", ""}, {" ", ""}, {"n/a", ""}, {"unknown", ""}, {"1951-02-30", ""},
	{"1900-02-29", ""}, {"2001-02-29", ""}, {"1951-13-40", ""}, {"0000-00-00", ""},
	{"1951-00-17", ""}, {"32/01/1951", ""}, {"123456789", ""}, {"12", ""},
	{"17 Foo 1951", ""}, {"1951-06-17-18", ""}, {"00000000", ""},
	{"99999999999999999999", ""}, {"0-0-0", ""}, {"June", ""}, {"-", ""},
	{"1 1 1 1 1 1 1 1 1 1", ""}, {"10:20", ""}, {"\377\376", ""},
};

typedef struct Pair
{
	const char *a;
	const char *b;
	OmniDateLevel level;
} Pair;

static const Pair pairs[] = {
	{"1951-06-17", "1951-06-17", OMNI_DATE_EXACT},
	{"1951-06-17", "1951-06", OMNI_DATE_PARTIAL},
	{"1951", "1951", OMNI_DATE_PARTIAL},
	{"--06-17", "1951-06-17", OMNI_DATE_PARTIAL},
	{"", "1951-06-17", OMNI_DATE_NULL},
	{"", "", OMNI_DATE_NULL},
	{"1951", "--06-17", OMNI_DATE_NULL},
	{"1951-06-07", "1951-07-06", OMNI_DATE_SWAPPED},
	{"1951-06-17", "1951-06-18", OMNI_DATE_ONE_DIGIT},
	{"1951-06-17", "1961-06-17", OMNI_DATE_ONE_DIGIT},
	{"1951-06-12", "1951-06-21", OMNI_DATE_PERMUTED},
	{"1951-06-17", "1915-06-17", OMNI_DATE_PERMUTED},
	{"1951-06-17", "1195-06-17", OMNI_DATE_PERMUTED},
	{"1951-06-10", "1951-07-22", OMNI_DATE_CLOSE},
	{"1951-06-17", "1988-06-17", OMNI_DATE_TWO_PARTS},
	{"1951-12-31", "1952-01-01", OMNI_DATE_CLOSE},
	{"1951-06-17", "1984-01-02", OMNI_DATE_DIFFERENT},
	{"1951", "1952-01-02", OMNI_DATE_CLOSE},
	{"1951", "1962-01-02", OMNI_DATE_DIFFERENT},
	{"--06-17", "--06-18", OMNI_DATE_DIFFERENT},
};

int
main(void)
{
	OmniDate	date;
	OmniDate	other;
	char		text[OMNI_DATE_TEXT_SIZE + 2];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		omni_identity_parse_date(cases[i].text, strlen(cases[i].text),
								 OMNI_DATE_UNKNOWN_ORDER, 2026, &date);
		omni_identity_print_date(&date, text);
		if (date.ambiguous)
			strcat(text, "?");
		if (date.century_guessed)
			strcat(text, "~");
		check_text(cases[i].text, text, cases[i].result);
	}
	omni_identity_parse_date("01/02/2003", 10, OMNI_DATE_DAY_FIRST, 0, &date);
	check_number("day first", date.month * 100 + date.day + date.ambiguous, 201);
	omni_identity_parse_date("01/22/2003", 10, OMNI_DATE_DAY_FIRST, 0, &date);
	check_number("day first, but it cannot be", date.month * 100 + date.day, 122);
	omni_identity_parse_date("1/2/27", 6, OMNI_DATE_MONTH_FIRST, 2026, &date);
	check_number("not in the future", date.year, 1927);
	omni_identity_parse_date("2000-03-01", 10, 0, 0, &date);
	check_number("days since 1970", omni_identity_date_days(&date), 11017);
	omni_identity_parse_date("1970-01-01", 10, 0, 0, &date);
	check_number("the first of them", omni_identity_date_days(&date), 0);
	omni_identity_parse_date("0001-01-01", 10, 0, 0, &date);
	check_number("long before", omni_identity_date_days(&date), -719162);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
	{
		char		name[40];

		omni_identity_parse_date(pairs[i].a, strlen(pairs[i].a), 0, 0, &date);
		omni_identity_parse_date(pairs[i].b, strlen(pairs[i].b), 0, 0, &other);
		snprintf(name, sizeof(name), "%s and %s", pairs[i].a, pairs[i].b);
		check_number(name, omni_identity_compare_dates(&date, &other),
					 pairs[i].level);
		check_number(name, omni_identity_compare_dates(&other, &date),
					 pairs[i].level);
	}
	return finish();
}
