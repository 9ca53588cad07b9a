/*
 * gtin_core.c
 *	  GTINs and GS1 check digits over plain buffers; no PostgreSQL in it.
 *
 * Source: GS1 General Specifications, "Check digit calculations" (the digits
 * before the check digit weigh 3, 1, 3 … from the right; the check digit
 * brings the sum up to a multiple of 10) and "GTIN" (8, 12, 13 or 14 digits,
 * right-justified and filled with zeros to 14 in databases).
 */
#include "gtin_core.h"

#include <string.h>

/*
 * The check digit that belongs behind "len" digits: 0 … 9; -1 when there are
 * none or one is no digit.
 */
int
omni_types_gs1_check_digit(const char *digits, size_t len)
{
	unsigned int sum = 0;
	unsigned int weight = 3;

	if (len == 0)
		return -1;
	for (size_t i = len; i > 0; i--)
	{
		if (digits[i - 1] < '0' || digits[i - 1] > '9')
			return -1;
		sum = (sum + weight * (unsigned int) (digits[i - 1] - '0')) % 10;
		weight = 4 - weight;
	}
	return (int) ((10 - sum) % 10);
}

/*
 * Read 8, 12, 13 or 14 digits, the last one the check digit; nothing else.
 * With OMNI_GTIN_BAD_CHECK_DIGIT, "expected" is what it should be.
 */
OmniGtinError
omni_types_gtin_parse(const char *text, size_t len, int64_t *gtin,
					  int *expected)
{
	int64_t		value = 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return OMNI_GTIN_NOT_A_DIGIT;
	if (len != 8 && len != 12 && len != 13 && len != 14)
		return OMNI_GTIN_BAD_LENGTH;
	for (size_t i = 0; i < len; i++)
		value = value * 10 + (text[i] - '0');
	*gtin = value;
	*expected = omni_types_gs1_check_digit(text, len - 1);
	return text[len - 1] - '0' == *expected ?
		OMNI_GTIN_OK : OMNI_GTIN_BAD_CHECK_DIGIT;
}

/*
 * Is the number a GTIN?  "expected" as in omni_types_gtin_parse().
 */
OmniGtinError
omni_types_gtin_check(int64_t gtin, int *expected)
{
	char		text[OMNI_GTIN_TEXT_SIZE];

	if (gtin < 0 || gtin > OMNI_GTIN_MAX)
		return OMNI_GTIN_OUT_OF_RANGE;
	omni_types_gtin_print_14(gtin, text);
	return omni_types_gtin_parse(text, OMNI_GTIN_DIGITS, &gtin, expected);
}

/*
 * Write all 14 digits and a closing zero byte.
 */
void
omni_types_gtin_print_14(int64_t gtin, char *text)
{
	text[OMNI_GTIN_DIGITS] = '\0';
	for (int i = OMNI_GTIN_DIGITS - 1; i >= 0; i--)
	{
		text[i] = (char) ('0' + gtin % 10);
		gtin /= 10;
	}
}

/*
 * Write the shortest of 8, 12, 13 and 14 digits that holds the GTIN, and a
 * closing zero byte; the length is returned.  "text" has room for
 * OMNI_GTIN_TEXT_SIZE bytes.
 */
size_t
omni_types_gtin_print(int64_t gtin, char *text)
{
	char		all[OMNI_GTIN_TEXT_SIZE];
	size_t		len = 14;

	if (gtin < INT64_C(100000000))
		len = 8;
	else if (gtin < INT64_C(1000000000000))
		len = 12;
	else if (gtin < INT64_C(10000000000000))
		len = 13;
	omni_types_gtin_print_14(gtin, all);
	memcpy(text, all + OMNI_GTIN_DIGITS - len, len + 1);
	return len;
}
