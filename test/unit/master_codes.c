/*
 * master_codes.c
 *	  Rules for codes, countries and names of time zones, without a server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/codes_core.c"

static int	ntests = 0;
static int	nfailed = 0;

/* One line of TAP. */
static void
ok(bool good, const char *what, const char *value)
{
	ntests++;
	if (!good)
		nfailed++;
	printf("%sok %d - %s \"%s\"\n", good ? "" : "not ", ntests, what, value);
}

/* The fault of a text that ends exactly where its memory does. */
static OmniCodeFault
fault_of(const char *text, size_t len, size_t max, bool utf8)
{
	char	   *copy = malloc(len > 0 ? len : 1);
	OmniCodeFault fault;

	memcpy(copy, text, len);
	fault = omni_master_code_fault(copy, len, max, utf8);
	free(copy);
	return fault;
}

static void
test_codes(void)
{
	static const struct
	{
		const char *text;
		OmniCodeFault fault;
	}			cases[] = {
		{"A", OMNI_CODE_FINE},
		{"85123A", OMNI_CODE_FINE},
		{"a b", OMNI_CODE_FINE},
		{"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", OMNI_CODE_FINE},
		{"\xC3\xA4\xC3\xB6", OMNI_CODE_FINE},
		{"\xE6\x9D\xB1\xE4\xBA\xAC", OMNI_CODE_FINE},
		{"\xF0\x9F\x91\x9F", OMNI_CODE_FINE},
		{"a\xC2\xA0" "b", OMNI_CODE_FINE},
		{"", OMNI_CODE_EMPTY},
		{" ", OMNI_CODE_BLANK},
		{" a", OMNI_CODE_BLANK},
		{"a ", OMNI_CODE_BLANK},
		{"\xC2\xA0" "a", OMNI_CODE_BLANK},
		{"a\xE3\x80\x80", OMNI_CODE_BLANK},
		{"\xE2\x80\x83" "a", OMNI_CODE_BLANK},
		{"a\tb", OMNI_CODE_CONTROL},
		{"a\n", OMNI_CODE_CONTROL},
		{"\x7f", OMNI_CODE_CONTROL},
		{"a\xC2\x85", OMNI_CODE_CONTROL},
		{"\xEF\xBB\xBF" "a", OMNI_CODE_CONTROL},
		{"a\xE2\x80\x8B", OMNI_CODE_CONTROL},
		{"a\xE2\x80\xAE" "b", OMNI_CODE_CONTROL},
		{"a\xC2\xAD" "b", OMNI_CODE_CONTROL},
	};
	char		long_code[130];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(fault_of(cases[i].text, strlen(cases[i].text), 128, true) ==
		   cases[i].fault, "code", cases[i].text);

	memset(long_code, 'x', sizeof(long_code));
	ok(fault_of(long_code, 128, 128, true) == OMNI_CODE_FINE, "code of",
	   "128 bytes");
	ok(fault_of(long_code, 129, 128, true) == OMNI_CODE_LONG, "code of",
	   "129 bytes");
	/* LATIN1: bytes above 127 are letters, whatever they would be in UTF-8 */
	ok(fault_of("caf\xE9", 4, 128, false) == OMNI_CODE_FINE, "single bytes",
	   "cafe with an accent");
	/* not well-formed: nothing beyond the end is read (the sanitizer looks) */
	for (int c = 0x80; c < 0x100; c++)
	{
		char		text[3] = {'a', (char) c, (char) 0x80};

		(void) fault_of(text, 2, 128, true);
		(void) fault_of(text, 3, 128, true);
		(void) fault_of(text + 1, 1, 128, true);
	}
}

static void
test_countries(void)
{
	static const char *const good[] = {"US", "DE", "GB", "JP", "XK", "ZW",
		"AD", "CW", "SS", "BQ", "AX", "OM", "QA", NULL};
	static const char *const bad[] = {"", "U", "us", "Us", "USA", "UK", "EU",
		"SU", "YU", "AN", "XX", "ZZ", "AA", "Q", "U\xC3", "\xC3\xA4", NULL};
	int			n = 0;
	char		count[16];

	for (int i = 0; good[i]; i++)
		ok(omni_master_country_valid(good[i]), "country", good[i]);
	for (int i = 0; bad[i]; i++)
		ok(!omni_master_country_valid(bad[i]), "no country", bad[i]);
	for (char a = 'A'; a <= 'Z'; a++)
	{
		for (char b = 'A'; b <= 'Z'; b++)
		{
			char		code[3] = {a, b, '\0'};

			n += omni_master_country_valid(code);
		}
	}
	snprintf(count, sizeof(count), "%d", n);
	ok(n == 250, "countries, XK included:", count);
}

static void
test_timezones(void)
{
	static const char *const good[] = {"UTC", "America/Chicago",
		"America/Argentina/Buenos_Aires", "America/Port-au-Prince", "CET",
		"EST5EDT", "GMT0", "GMT+0", "Etc/GMT+12", "Etc/GMT-14", "Etc/GMT+1",
		"etc/gmt+5", NULL};
	static const char *const bad[] = {"EST5", "UTC+3", "Mars5", "<A>5",
		"Etc/GMT+13", "Etc/GMT-15", "Etc/GMT+00", "Etc/GMT5",
		"Etc/FOO+3", "Etc/GMT+1x", "Etc/GMT+123", "+02:00", "localtime",
		"LocalTime", "posixrules", "Factory", "Europe/Berlin2", NULL};

	for (int i = 0; good[i]; i++)
		ok(omni_master_timezone_form(good[i]), "zone", good[i]);
	for (int i = 0; bad[i]; i++)
		ok(!omni_master_timezone_form(bad[i]), "no zone", bad[i]);
}

int
main(void)
{
	test_codes();
	test_countries();
	test_timezones();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
