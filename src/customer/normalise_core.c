/*
 * normalise_core.c
 *	  One way to write an identifier, so that equal ones are equal bytes.
 *
 * Pure C over strings: no server, no locale.  Only what is certain is folded:
 * two different people must never share a normal form because of a guess.
 *
 * - E-mail: blanks around it go, ASCII letters become lower-case.  Dots and
 *	 "+tags" before the @ stay: their meaning is the mail server's secret.
 * - Telephone: digits, with a leading + when the number is international
 *	 (written with + or 00), and an extension after an x.  A national number
 *	 stays national: its country is unknown here, and the same digits with a +
 *	 are another number.
 */
#include <string.h>

#include "customer/normalise_core.h"

#define MIN_PHONE_DIGITS 5
#define MAX_PHONE_DIGITS 15		/* ITU-T E.164 */
#define MAX_EXTENSION_DIGITS 11

/* ASCII white space and control characters. */
static bool
is_blank(char c)
{
	return (unsigned char) c <= ' ' || (unsigned char) c == 0x7f;
}

/* ASCII digit. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ASCII letter in lower case. */
static char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/*
 * "text" as an e-mail address into "result" of OMNI_IDENTIFIER_SIZE bytes;
 * false when it is none.
 */
bool
omni_customer_normalise_email(const char *text, char *result)
{
	const char *end = text + strlen(text);
	const char *at = NULL;
	int			length;

	while (is_blank(*text) && text < end)
		text++;
	while (end > text && is_blank(end[-1]))
		end--;
	length = end - text;
	if (length >= OMNI_IDENTIFIER_SIZE)
		return false;
	for (int i = 0; i < length; i++)
	{
		if (is_blank(text[i]))
			return false;
		if (text[i] == '@')
			at = text + i;
		result[i] = to_lower(text[i]);
	}
	result[length] = '\0';
	return at != NULL && at > text && at < end - 1;
}

/* Copy the digits of an extension; false when it is none. */
static bool
take_extension(const char *text, char *result)
{
	int			ndigits = 0;

	/* x 12, ext. 12, extension 12, #12 */
	while (*text != '\0' && !is_digit(*text))
	{
		if (strchr("extnsionXETNSIO.:# ", *text) == NULL)
			return false;
		text++;
	}
	*result++ = 'x';
	for (; *text != '\0'; text++)
	{
		if (is_digit(*text) && ++ndigits <= MAX_EXTENSION_DIGITS)
			*result++ = *text;
		else if (!is_blank(*text))
			return false;
	}
	*result = '\0';
	return ndigits > 0;
}

/*
 * "text" as a telephone number into "result" of OMNI_IDENTIFIER_SIZE bytes;
 * false when it is none.
 */
bool
omni_customer_normalise_phone(const char *text, char *result)
{
	char		digits[MAX_PHONE_DIGITS + 3];
	int			ndigits = 0;
	bool		international = false;

	for (; *text != '\0'; text++)
	{
		if (is_digit(*text))
		{
			/* two more: a leading 00 goes */
			if (ndigits >= MAX_PHONE_DIGITS + 2)
				return false;
			digits[ndigits++] = *text;
		}
		else if (*text == '+')
		{
			if (ndigits > 0 || international)
				return false;
			international = true;
		}
		else if (strchr("xXeE#", *text) != NULL && ndigits > 0)
			break;
		else if (strchr("-.()/", *text) == NULL && !is_blank(*text))
			return false;
	}
	digits[ndigits] = '\0';
	if (!international && ndigits > 2 && digits[0] == '0' && digits[1] == '0')
	{
		international = true;
		ndigits -= 2;
		memmove(digits, digits + 2, ndigits + 1);
	}
	if (ndigits < MIN_PHONE_DIGITS || ndigits > MAX_PHONE_DIGITS)
		return false;
	if (international)
		*result++ = '+';
	memcpy(result, digits, ndigits);
	result += ndigits;
	if (*text != '\0')
		return take_extension(text, result);
	*result = '\0';
	return true;
}
