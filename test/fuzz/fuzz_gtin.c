/*
 * fuzz_gtin.c
 *	  libFuzzer target for src/types/gtin_core.c.
 *
 * The first byte chooses what the rest is: text, or the 8 bytes of a stored
 * GTIN.
 */
#include "check.h"

#include "types/gtin_core.h"

/*
 * Check digit by the definition: odd places from the right count three times.
 */
static int
check_digit_slowly(int64_t body)
{
	int			sum = 0;

	for (int place = 1; body > 0; place++, body /= 10)
		sum += (int) (body % 10) * (place % 2 == 1 ? 3 : 1);
	return (1000 - sum) % 10;
}

/* What is taken prints as the shortest form, and that leads back to it. */
static void
check_gtin(int64_t gtin)
{
	static const int lengths[] = {8, 12, 13, 14};
	char		text[OMNI_GTIN_TEXT_SIZE];
	char		all[OMNI_GTIN_TEXT_SIZE];
	int64_t		again;
	int			expected;
	size_t		len;

	CHECK(gtin >= 0 && gtin <= OMNI_GTIN_MAX);
	CHECK(gtin % 10 == check_digit_slowly(gtin / 10));
	CHECK(omni_types_gtin_check(gtin, &expected) == OMNI_GTIN_OK);
	len = omni_types_gtin_print(gtin, text);
	CHECK(strlen(text) == len);
	CHECK(omni_types_gtin_parse(text, len, &again, &expected) ==
		  OMNI_GTIN_OK);
	CHECK(again == gtin && expected == gtin % 10);
	omni_types_gtin_print_14(gtin, all);
	CHECK(strlen(all) == OMNI_GTIN_DIGITS);
	CHECK(strcmp(all + OMNI_GTIN_DIGITS - len, text) == 0);
	/* a shorter form would lose a digit; every longer one is the same */
	for (int i = 0; i < 4; i++)
	{
		char	   *form = all + OMNI_GTIN_DIGITS - lengths[i];

		if (lengths[i] < (int) len)
			CHECK(strspn(all, "0") < (size_t) (form - all));
		else
		{
			CHECK(omni_types_gtin_parse(form, lengths[i], &again,
										&expected) == OMNI_GTIN_OK);
			CHECK(again == gtin);
		}
	}
}

/* Any text: taken exactly if it is digits, of a length, with its digit. */
static void
fuzz_text(const char *text, size_t len)
{
	int64_t		gtin = -1;
	int			expected = -1;
	int			digits = 1;
	OmniGtinError error = omni_types_gtin_parse(text, len, &gtin, &expected);

	for (size_t i = 0; i < len; i++)
		digits &= text[i] >= '0' && text[i] <= '9';
	CHECK((error == OMNI_GTIN_NOT_A_DIGIT) == !digits);
	if (!digits)
		return;
	CHECK((error == OMNI_GTIN_BAD_LENGTH) ==
		  (len != 8 && len != 12 && len != 13 && len != 14));
	if (error == OMNI_GTIN_BAD_LENGTH)
		return;
	CHECK(expected == check_digit_slowly(gtin / 10));
	CHECK(expected == omni_types_gs1_check_digit(text, len - 1));
	if (error == OMNI_GTIN_OK)
		check_gtin(gtin);
	else
	{
		CHECK(error == OMNI_GTIN_BAD_CHECK_DIGIT);
		check_gtin(gtin - gtin % 10 + expected);
	}
}

/* Any number: taken exactly if it has 14 digits at most, and its digit. */
static void
fuzz_number(int64_t gtin)
{
	int			expected;
	OmniGtinError error = omni_types_gtin_check(gtin, &expected);

	CHECK((error == OMNI_GTIN_OUT_OF_RANGE) ==
		  (gtin < 0 || gtin > OMNI_GTIN_MAX));
	if (error == OMNI_GTIN_OUT_OF_RANGE)
		return;
	CHECK(expected == check_digit_slowly(gtin / 10));
	CHECK((error == OMNI_GTIN_OK) == (gtin % 10 == expected));
	check_gtin(gtin - gtin % 10 + expected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t		number = 0;

	if (size == 0)
		return 0;
	if (data[0] % 2 == 0)
		fuzz_text((const char *) data + 1, size - 1);
	else
	{
		memcpy(&number, data + 1, size - 1 < 8 ? size - 1 : 8);
		fuzz_number(number);
		fuzz_number(number & ((INT64_C(1) << 47) - 1));
	}
	return 0;
}
