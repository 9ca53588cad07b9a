/*
 * customer_normalise.c
 *	  E-mail addresses and telephone numbers in their normal form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "customer/normalise_core.c"

static int	ntests = 0;
static int	nfailed = 0;

typedef struct Case
{
	const char *text;
	const char *result;			/* NULL: none can be made */
} Case;

/* Run one case on memory that ends where its text does. */
static void
check(bool (*normalise) (const char *, char *), const Case *test)
{
	char	   *copy = strdup(test->text);
	char		result[OMNI_IDENTIFIER_SIZE];
	bool		found = normalise(copy, result);
	bool		good = test->result ? found && strcmp(result, test->result) == 0 :
		!found;

	ntests++;
	if (!good)
		nfailed++;
	printf("%sok %d - ", good ? "" : "not ", ntests);
	for (const char *c = test->text; *c != '\0'; c++)
		putchar(*c < ' ' || *c == '#' ? '?' : *c);
	putchar('\n');
	if (!good)
		printf("# gives \"%s\"\n", found ? result : "nothing");
	free(copy);
}

static const Case emails[] = {
	{"joe@example.com", "joe@example.com"},
	{"Joe.Public+Omni@Example.COM", "joe.public+omni@example.com"},
	{"  joe@example.com\t\n", "joe@example.com"},
	{"\"a@b\"@example.com", "\"a@b\"@example.com"},
	{"J\xC3\x96@example.com", "j\xC3\x96@example.com"},
	{"a@b", "a@b"},
	{"", NULL},
	{"   ", NULL},
	{"@", NULL},
	{"joe", NULL},
	{"joe@", NULL},
	{"@example.com", NULL},
	{"joe public@example.com", NULL},
	{"joe@exam\nple.com", NULL},
};

static const Case phones[] = {
	{"+1 612 555 0101", "+16125550101"},
	{"+1 (612) 555-0101", "+16125550101"},
	{"001 612 555.0101", "+16125550101"},
	{"+44/20/7946-0000", "+442079460000"},
	{"(612) 555-0101", "6125550101"},
	{"612 555 0101", "6125550101"},
	{" 112233 ", "112233"},
	{"+1 415-419-8616 ext. 33721", "+14154198616x33721"},
	{"+1 415-419-8616 x33721", "+14154198616x33721"},
	{"+1 415-419-8616 Extension 33721", "+14154198616x33721"},
	{"+1 415-419-8616 #33721", "+14154198616x33721"},
	{"+123456789012345", "+123456789012345"},
	{"00123456789012345", "+123456789012345"},
	{"+1234567890123456", NULL},
	{"12345678901234567890", NULL},
	{"", NULL},
	{"+", NULL},
	{"1234", NULL},
	{"n/a", NULL},
	{"call me", NULL},
	{"+1 612 +555 0101", NULL},
	{"612+5550101", NULL},
	{"x12", NULL},
	{"6125550101 x", NULL},
	{"6125550101 ext", NULL},
	{"6125550101 x12y", NULL},
	{"6125550101 x123456789012", NULL},
	{"\xD9\xA1\xD9\xA2\xD9\xA3\xD9\xA4\xD9\xA5", NULL},
};

int
main(void)
{
	char		text[OMNI_IDENTIFIER_SIZE + 8];
	Case		longest = {text, text};
	Case		too_long = {text, NULL};

	for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++)
		check(omni_customer_normalise_email, &emails[i]);
	for (size_t i = 0; i < sizeof(phones) / sizeof(phones[0]); i++)
		check(omni_customer_normalise_phone, &phones[i]);

	memset(text, 'a', sizeof(text));
	text[1] = '@';
	text[OMNI_IDENTIFIER_SIZE - 1] = '\0';
	check(omni_customer_normalise_email, &longest);
	text[OMNI_IDENTIFIER_SIZE - 1] = 'a';
	text[OMNI_IDENTIFIER_SIZE] = '\0';
	check(omni_customer_normalise_email, &too_long);
	printf("1..%d\n", ntests);
	return nfailed != 0;
}
