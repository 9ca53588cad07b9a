/*
 * phone_core.c
 *	  Telephone numbers in one spelling; no PostgreSQL in it.
 *
 * omni_identity_clean_phone() is certain and knows no country: a national
 * number stays national, and the same digits with a + are another number.
 * omni_identity_e164() is the fast path before libphonenumber: it answers for
 * the plain numbers of a few plans and sends everything else on, so that the
 * two never differ (a test holds them equal where both are).
 */
#include "identity/phone_core.h"

#include <string.h>

#include "identity/compare_core.h"

#define MIN_PHONE_DIGITS 5
#define MAX_PHONE_DIGITS 15		/* ITU-T E.164 */
#define MAX_EXTENSION_DIGITS 11
#define SUFFIX_DIGITS 7			/* a number without its area, about */

/* ASCII white space and control characters. */
static bool
is_blank(char c)
{
	return (unsigned char) c <= ' ' || (unsigned char) c == 0x7f;
}

/* An ASCII digit? */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Is c one of "set", which is text? */
static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/*
 * Copy an extension, "x" first; its length, 0 where it is none.
 */
static int
take_extension(const char *text, const char *end, char *result)
{
	int			n = 0;

	/* x 12, ext. 12, extension 12, #12 */
	while (text < end && !is_digit(*text))
	{
		if (!is_one_of(*text, "extnsionXETNSIO.:# "))
			return 0;
		text++;
	}
	result[n++] = 'x';
	for (; text < end; text++)
	{
		if (is_digit(*text) && n <= MAX_EXTENSION_DIGITS)
			result[n++] = *text;
		else if (!is_blank(*text))
			return 0;
	}
	return n > 1 ? n : 0;
}

/* Digits, a + where it was international, the extension behind an x. */
int
omni_identity_clean_phone(const char *text, size_t len, char *result)
{
	const char *end = text + len;
	char		digits[MAX_PHONE_DIGITS + 2];
	int			ndigits = 0;
	int			n = 0;
	bool		international = false;

	for (; text < end; text++)
	{
		if (is_digit(*text))
		{
			/* two more: a leading 00 goes */
			if (ndigits >= MAX_PHONE_DIGITS + 2)
				return 0;
			digits[ndigits++] = *text;
		}
		else if (*text == '+')
		{
			if (ndigits > 0 || international)
				return 0;
			international = true;
		}
		else if (is_one_of(*text, "xXeE#") && ndigits > 0)
			break;
		else if (!is_one_of(*text, "-.()/") && !is_blank(*text))
			return 0;
	}
	if (!international && ndigits > 2 && digits[0] == '0' && digits[1] == '0')
	{
		international = true;
		ndigits -= 2;
		memmove(digits, digits + 2, ndigits);
	}
	if (ndigits < MIN_PHONE_DIGITS || ndigits > MAX_PHONE_DIGITS)
		return 0;
	if (international)
		result[n++] = '+';
	memcpy(result + n, digits, ndigits);
	n += ndigits;
	if (text < end)
	{
		int			extension = take_extension(text, end, result + n);

		if (extension == 0)
			return 0;
		n += extension;
	}
	result[n] = '\0';
	return n;
}

/* ---- E.164 ---- */

typedef struct Plan
{
	char		country[3];
	char		code[4];		/* country code */
	char		trunk;			/* written before national numbers, or 0 */
	uint8_t		min_digits;		/* of the number without the trunk prefix */
	uint8_t		max_digits;
	char		first[10];		/* digits that it begins with */
} Plan;

/* A number outside of these bounds may be one, too: the library knows. */
static const Plan plans[] = {
	{"US", "1", '1', 10, 10, "23456789"},
	{"CA", "1", '1', 10, 10, "23456789"},
	{"GB", "44", '0', 10, 10, "1237"},
	{"FR", "33", '0', 9, 9, "12345679"},
	{"AU", "61", '0', 9, 9, "23478"},
	{"NZ", "64", '0', 8, 9, "34679"},
	{"DE", "49", '0', 7, 11, "235678"},
	{"ES", "34", '\0', 9, 9, "6789"},
	{"NL", "31", '0', 9, 9, "1234567"},
	{"BE", "32", '0', 8, 9, "1234567"},
	{"CH", "41", '0', 9, 9, "234567"},
	{"DK", "45", '\0', 8, 8, "23456789"},
	{"NO", "47", '\0', 8, 8, "23456789"},
	{"SE", "46", '0', 7, 9, "1234567"},
	{"PL", "48", '\0', 9, 9, "12345678"},
	{"PT", "351", '\0', 9, 9, "29"},
	{"IE", "353", '0', 8, 9, "124567"},
	{"IN", "91", '0', 10, 10, "678"},
};

#define NPLANS (sizeof(plans) / sizeof(plans[0]))

/* Does a number without prefixes fit the plan? */
static bool
fits(const Plan *plan, const char *digits, int n)
{
	return n >= plan->min_digits && n <= plan->max_digits &&
		is_one_of(digits[0], plan->first);
}

/* +, the country code, the number. */
static OmniPhoneResult
write_e164(const char *code, const char *digits, int n, char *result)
{
	int			len = (int) strlen(code);

	result[0] = '+';
	memcpy(result + 1, code, len);
	memcpy(result + 1 + len, digits, n);
	result[1 + len + n] = '\0';
	return OMNI_PHONE_OK;
}

/* Digits behind a + or 00. */
static OmniPhoneResult
read_international(const char *digits, int n, char *result)
{
	for (size_t i = 0; i < NPLANS; i++)
	{
		int			len = (int) strlen(plans[i].code);

		if (n > len && memcmp(digits, plans[i].code, len) == 0 &&
			fits(&plans[i], digits + len, n - len))
			return write_e164(plans[i].code, digits + len, n - len, result);
	}
	return OMNI_PHONE_UNSURE;
}

/* Is 00 written, in one piece, in front? */
static bool
starts_with_zeros(const char *text, size_t len)
{
	size_t		i = 0;

	while (i < len && is_blank(text[i]))
		i++;
	return i + 1 < len && text[i] == '0' && text[i + 1] == '0';
}

/* Read the digits, then place them in the country's plan, or be unsure. */
OmniPhoneResult
omni_identity_e164(const char *text, size_t len, const char *country,
				   char *result)
{
	char		digits[MAX_PHONE_DIGITS + 2];
	const Plan *plan = NULL;
	int			n = 0;
	bool		plus = false;
	bool		plain = true;
	bool		other = false;

	result[0] = '\0';
	for (size_t i = 0; i < len; i++)
	{
		if (is_digit(text[i]))
		{
			if (n == MAX_PHONE_DIGITS + 2)
				return OMNI_PHONE_UNSURE;
			digits[n++] = text[i];
		}
		else if (text[i] == '+' && n == 0 && !plus)
			plus = true;
		else if ((unsigned char) text[i] >= 0x80)
			plain = false, other = true;
		else if (!is_one_of(text[i], " -.()/"))
			plain = false;
	}
	if (n < 2 && !other)
		return OMNI_PHONE_NONE;
	if (!plain)
		return OMNI_PHONE_UNSURE;
	if (plus)
		return read_international(digits, n, result);
	if (country == NULL || country[0] == '\0')
	{
		if (n > 2 && starts_with_zeros(text, len))
			return read_international(digits + 2, n - 2, result);
		/* nobody can tell which country it is in */
		return OMNI_PHONE_NONE;
	}
	for (size_t i = 0; i < NPLANS; i++)
		if (strcmp(plans[i].country, country) == 0)
			plan = &plans[i];
	if (plan == NULL)
		return OMNI_PHONE_UNSURE;
	if (plan->trunk == '0' && plan->code[0] != '6' && n > 2 &&
		digits[0] == '0' && digits[1] == '0')
		return read_international(digits + 2, n - 2, result);
	if (plan->trunk != '\0' && digits[0] == plan->trunk &&
		fits(plan, digits + 1, n - 1))
		return write_e164(plan->code, digits + 1, n - 1, result);
	if (fits(plan, digits, n) && plan->min_digits == plan->max_digits &&
		memcmp(digits, plan->code, strlen(plan->code)) != 0)
		return write_e164(plan->code, digits, n, result);
	return OMNI_PHONE_UNSURE;
}

/* ---- comparison ---- */

/* Digits apart from their signs. */
bool
omni_identity_prepare_phone(const char *text, size_t len, OmniPhone *phone)
{
	size_t		i = 0;

	memset(phone, 0, sizeof(*phone));
	if (len > 0 && text[0] == '+')
	{
		phone->international = true;
		i++;
	}
	for (; i < len && is_digit(text[i]); i++)
	{
		if (phone->digits == MAX_PHONE_DIGITS)
		{
			memset(phone, 0, sizeof(*phone));
			return false;
		}
		phone->text[phone->digits++] = text[i];
	}
	if (i < len && text[i] == 'x')
		for (i++; i < len && i < OMNI_PHONE_SIZE && is_digit(text[i]); i++)
			phone->extension = phone->extension * 10 +
				(uint64_t) (text[i] - '0');
	if (phone->digits == 0)
		memset(phone, 0, sizeof(*phone));
	return phone->digits > 0;
}

/* A national number without its trunk prefix, or as it is. */
static int
skip_trunk(const OmniPhone *phone)
{
	if (phone->international)
		return 0;
	return (phone->text[0] == '0' && phone->digits > SUFFIX_DIGITS) ||
		(phone->text[0] == '1' && phone->digits == 11);
}

/* Do the last "n" digits agree? */
static bool
ends_alike(const OmniPhone *a, const OmniPhone *b, int n)
{
	return a->digits >= n && b->digits >= n &&
		memcmp(a->text + a->digits - n, b->text + b->digits - n, n) == 0;
}

/* Equal, then national, then near. */
OmniPhoneLevel
omni_identity_compare_phones(const OmniPhone *a, const OmniPhone *b)
{
	bool		same;
	int			na;
	int			nb;

	if (a->digits == 0 || b->digits == 0)
		return OMNI_PHONE_NULL;
	same = a->digits == b->digits &&
		memcmp(a->text, b->text, a->digits) == 0;
	if (same && a->international == b->international)
		return a->extension == b->extension || a->extension == 0 ||
			b->extension == 0 ? OMNI_PHONE_EXACT : OMNI_PHONE_EXTENSION;
	na = a->digits - skip_trunk(a);
	nb = b->digits - skip_trunk(b);
	if (a->international && b->international)
		;
	else if (!a->international && !b->international)
	{
		if (na == nb && na >= SUFFIX_DIGITS && ends_alike(a, b, na))
			return OMNI_PHONE_NATIONAL;
	}
	else
	{
		int			n = a->international ? nb : na;

		if (n >= SUFFIX_DIGITS && ends_alike(a, b, n))
			return OMNI_PHONE_NATIONAL;
	}
	if (!same && omni_identity_damerau(a->text, a->digits, b->text, b->digits,
									   1) <= 1)
		return OMNI_PHONE_TYPO;
	return ends_alike(a, b, SUFFIX_DIGITS) ? OMNI_PHONE_SUFFIX :
		OMNI_PHONE_DIFFERENT;
}
