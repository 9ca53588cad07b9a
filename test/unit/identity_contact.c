/*
 * identity_contact.c
 *	  E-mail addresses, telephone numbers and national ids in one spelling, and
 *	  how alike two are.
 *
 * Sources: src/identity/text_core.c src/identity/compare_core.c
 * Sources: src/identity/email_core.c src/identity/phone_core.c
 * Sources: src/identity/id_core.c
 */
#include "identity_check.h"

#include "identity/email_core.h"
#include "identity/id_core.h"
#include "identity/phone_core.h"

typedef struct Case
{
	const char *text;
	const char *result;			/* "": none can be made */
} Case;

/* Run cases on memory that ends where the text does. */
static void
check_cases(const char *name, int (*normalise) (const char *, size_t, char *),
			const Case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		size_t		len = strlen(cases[i].text);
		char	   *copy = malloc(len + 1);
		char		result[OMNI_EMAIL_SIZE];
		char		title[512];
		int			got;

		memcpy(copy, cases[i].text, len);
		copy[len] = 'X';
		got = normalise(copy, len, result);
		result[got] = '\0';
		snprintf(title, sizeof(title), "%s %s", name, cases[i].text);
		check_text(title, result, cases[i].result);
		free(copy);
	}
}

#define CHECK_CASES(name, function, cases) \
	check_cases(name, function, cases, sizeof(cases) / sizeof((cases)[0]))

static const Case emails[] = {
	{"joe@example.com", "joe@example.com"},
	{"Joe.Public+Omni@Example.COM", "joe.public+omni@example.com"},
	{"  joe@example.com\t\n", "joe@example.com"},
	{"\"a@b\"@example.com", "\"a@b\"@example.com"},
	{"J\xC3\x96@example.com", "j\xC3\x96@example.com"},
	{"a@b", "a@b"}, {"", ""}, {"   ", ""}, {"@", ""}, {"joe", ""},
	{"joe@", ""}, {"@example.com", ""}, {"joe public@example.com", ""},
	{"joe@exam\nple.com", ""},
};

static const Case mailboxes[] = {
	{"Joe.Public+Omni@GMail.com", "joepublic@gmail.com"},
	{"joe.public@googlemail.com", "joepublic@gmail.com"},
	{"joe.public+omni@example.com", "joe.public+omni@example.com"},
	{"joe.public+x@outlook.com", "joe.public@outlook.com"},
	{"Joe_P-X@pm.me", "joepx@proton.me"}, {"a+b@me.com", "a@icloud.com"},
	{"Joe Public <joe@example.com>", "joe@example.com"},
	{"mailto:Joe@example.com", "joe@example.com"},
	{"joe@example.com.", "joe@example.com"}, {"+x@gmail.com", "+x@gmail.com"},
	{"<>", ""}, {"a@.", ""}, {"nobody", ""},
};

static const Case phones[] = {
	{"+1 612 555 0101", "+16125550101"}, {"+1 (612) 555-0101", "+16125550101"},
	{"001 612 555.0101", "+16125550101"}, {"+44/20/7946-0000", "+442079460000"},
	{"(612) 555-0101", "6125550101"}, {"612 555 0101", "6125550101"},
	{" 112233 ", "112233"},
	{"+1 415-419-8616 ext. 33721", "+14154198616x33721"},
	{"+1 415-419-8616 x33721", "+14154198616x33721"},
	{"+1 415-419-8616 Extension 33721", "+14154198616x33721"},
	{"+1 415-419-8616 #33721", "+14154198616x33721"},
	{"+123456789012345", "+123456789012345"},
	{"00123456789012345", "+123456789012345"},
	{"+1234567890123456", ""}, {"12345678901234567890", ""}, {"", ""},
	{"+", ""}, {"1234", ""}, {"n/a", ""}, {"call me", ""},
	{"+1 612 +555 0101", ""}, {"612+5550101", ""}, {"x12", ""},
	{"6125550101 x", ""}, {"6125550101 ext", ""}, {"6125550101 x12y", ""},
	{"6125550101 x123456789012", ""},
	{"\xD9\xA1\xD9\xA2\xD9\xA3\xD9\xA4\xD9\xA5", ""},
};

static const Case ids[] = {
	{"123-45-6780", "123456780"}, {"ab 12 34 56 c", "AB123456C"},
	{"5341983", "5341983"}, {"000-00-0000", ""}, {"999999999", ""},
	{"123456789", ""}, {"1234567890", ""}, {"987654321", ""}, {"n/a", ""},
	{"none", ""}, {"12", ""}, {"", ""}, {"1985", "1985"},
	{"123456789012345678901234567890123", ""}, {"\xD0\x90" "B123456", ""},
};

typedef struct NationalCase
{
	const char *text;
	const char *country;
	const char *result;			/* "": none, "?": ask the library */
} NationalCase;

static const NationalCase e164[] = {
	{"(612) 555-0101", "US", "+16125550101"}, {"1-612-555-0101", "US", "+16125550101"},
	{"+1 612 555 0101", NULL, "+16125550101"}, {"612 555 0101", NULL, ""},
	{"020 7946 0000", "GB", "+442079460000"}, {"+44 20 7946 0000", "US", "+442079460000"},
	{"0044 20 7946 0000", "DE", "+442079460000"}, {"0044 20 7946 0000", NULL, "+442079460000"},
	{"06 12 34 56 78", "FR", "+33612345678"}, {"20 12 34 56", "DK", "+4520123456"},
	{"0171 1234567", "DE", "?"}, {"030 1234567", "DE", "+49301234567"},
	{"06 12345678", "IT", "?"}, {"112 555 0101", "US", "?"}, {"612 555 0101 x1", "US", "?"},
	{"1-800-FLOWERS", "US", "?"}, {"n/a", "US", ""}, {"", "US", ""}, {"+", "US", ""},
};

static void
check_levels(const char *a, const char *b, int level, int got, int back)
{
	char		title[200];

	snprintf(title, sizeof(title), "%s and %s", a, b);
	check_number(title, got, level);
	check_number(title, back, level);
}

typedef struct Pair
{
	const char *a;
	const char *b;
	int			level;
} Pair;

static const Pair email_pairs[] = {
	{"joe@a.com", "joe@a.com", OMNI_EMAIL_EXACT}, {"", "joe@a.com", OMNI_EMAIL_NULL},
	{"jane.roe@a.com", "jane.roe@b.org", OMNI_EMAIL_SAME_LOCAL},
	{"info@a.com", "info@bcd.org", OMNI_EMAIL_SIMILAR_LOCAL},
	{"jane.roe@a.com", "jane.ro@a.com", OMNI_EMAIL_TYPO},
	{"jane.roe@a.com", "jane.roe2@b.com", OMNI_EMAIL_SIMILAR_LOCAL},
	{"jane.roe@a.com", "x.smith@a.com", OMNI_EMAIL_DIFFERENT},
};

static const Pair phone_pairs[] = {
	{"+16125550101", "+16125550101", OMNI_PHONE_EXACT}, {"", "+16125550101", OMNI_PHONE_NULL},
	{"+16125550101", "6125550101", OMNI_PHONE_NATIONAL}, {"+442079460000", "02079460000", OMNI_PHONE_NATIONAL},
	{"02079460000", "2079460000", OMNI_PHONE_NATIONAL}, {"16125550101", "6125550101", OMNI_PHONE_NATIONAL},
	{"+16125550101x1", "+16125550101", OMNI_PHONE_EXACT}, {"+16125550101x1", "+16125550101x2", OMNI_PHONE_EXTENSION},
	{"+16125550101", "+16125550102", OMNI_PHONE_TYPO}, {"+16125550101", "+16125550110", OMNI_PHONE_TYPO},
	{"+16125550101", "+17635550101", OMNI_PHONE_SUFFIX}, {"+16125550101", "+4930123456", OMNI_PHONE_DIFFERENT},
	{"555010", "+16125550101", OMNI_PHONE_DIFFERENT},
};

static const Pair id_pairs[] = {
	{"5341983", "5341983", OMNI_ID_EXACT}, {"5341983", "5341938", OMNI_ID_TYPO},
	{"5341983", "534198", OMNI_ID_TYPO}, {"123456780", "6780", OMNI_ID_LAST_FOUR},
	{"123456780", "123456708", OMNI_ID_TYPO}, {"123456780", "223456790", OMNI_ID_TWO_TYPOS},
	{"5341983", "7041983", OMNI_ID_DIFFERENT}, {"", "7041983", OMNI_ID_NULL},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

int
main(void)
{
	char		text[OMNI_EMAIL_SIZE + 8];
	char		result[OMNI_EMAIL_SIZE];

	CHECK_CASES("clean", omni_identity_clean_email, emails);
	CHECK_CASES("mailbox", omni_identity_normalise_email, mailboxes);
	CHECK_CASES("clean", omni_identity_clean_phone, phones);
	CHECK_CASES("id", omni_identity_normalise_id, ids);
	memset(text, 'a', sizeof(text));
	text[1] = '@';
	check_number("the longest address", omni_identity_clean_email(text, OMNI_EMAIL_SIZE - 1, result), OMNI_EMAIL_SIZE - 1);
	check_number("a longer one", omni_identity_clean_email(text, OMNI_EMAIL_SIZE, result), 0);
	for (size_t i = 0; i < COUNT(e164); i++)
	{
		OmniPhoneResult found = omni_identity_e164(e164[i].text, strlen(e164[i].text), e164[i].country, result);

		check_text(e164[i].text, found == OMNI_PHONE_OK ? result : found == OMNI_PHONE_NONE ? "" : "?", e164[i].result);
	}
	for (size_t i = 0; i < COUNT(email_pairs); i++)
	{
		const Pair *p = &email_pairs[i];

		check_levels(p->a, p->b, p->level, omni_identity_compare_emails(p->a, strlen(p->a), p->b, strlen(p->b)),
					 omni_identity_compare_emails(p->b, strlen(p->b), p->a, strlen(p->a)));
	}
	for (size_t i = 0; i < COUNT(phone_pairs); i++)
	{
		const Pair *p = &phone_pairs[i];
		OmniPhone	a;
		OmniPhone	b;

		omni_identity_prepare_phone(p->a, strlen(p->a), &a);
		omni_identity_prepare_phone(p->b, strlen(p->b), &b);
		check_levels(p->a, p->b, p->level, omni_identity_compare_phones(&a, &b), omni_identity_compare_phones(&b, &a));
	}
	for (size_t i = 0; i < COUNT(id_pairs); i++)
	{
		const Pair *p = &id_pairs[i];

		check_levels(p->a, p->b, p->level, omni_identity_compare_ids(p->a, strlen(p->a), p->b, strlen(p->b)),
					 omni_identity_compare_ids(p->b, strlen(p->b), p->a, strlen(p->a)));
	}
	return finish();
}
