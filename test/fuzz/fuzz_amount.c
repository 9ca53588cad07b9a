/*
 * fuzz_amount.c
 *	  libFuzzer target for src/types/amount_core.c.
 *
 * The first byte chooses what the rest is: text, wire form, two amounts, a
 * decimal number to round, or an amount to divide.  Each is held against a
 * second way to work out the answer, written without the core's code.
 */
#include "check.h"

#include <regex.h>

#include "types/amount_core.h"
#include "types/currency_core.h"

typedef __int128 wide;

/* 10^n, n ≤ 38 */
static wide
ten_to(int n)
{
	wide		power = 1;

	while (n-- > 0)
		power *= 10;
	return power;
}

/* Big-endian 64 bits. */
static int64_t
read_int64(const uint8_t *data)
{
	uint64_t	value = 0;

	for (int i = 0; i < 8; i++)
		value = value * 256 + data[i];
	return (int64_t) value;
}

/* Print, wire form and order of an amount lead back to it. */
static void
check_round_trip(const OmniAmount *amount)
{
	char		text[OMNI_AMOUNT_TEXT_SIZE];
	uint8_t		wire[OMNI_AMOUNT_WIRE_SIZE];
	OmniAmount	again;
	OmniAmount	normal;
	size_t		len;

	memset(text, 'x', sizeof(text));
	len = omni_types_amount_print(amount, text);
	CHECK(len < sizeof(text) && strlen(text) == len);
	CHECK(omni_types_amount_parse(text, len, &again) == OMNI_AMOUNT_OK);
	CHECK(memcmp(amount, &again, sizeof(again)) == 0);

	omni_types_amount_to_wire(amount, wire);
	CHECK(omni_types_amount_from_wire(wire, sizeof(wire), &again) ==
		  OMNI_AMOUNT_OK);
	CHECK(memcmp(amount, &again, sizeof(again)) == 0);

	omni_types_amount_normalise(amount, &normal);
	CHECK(omni_types_amount_compare(amount, &normal) == 0);
	CHECK(normal.exponent == 0 || normal.minor % 10 != 0);
}

/*
 * Is the text an amount?  By a regular expression and 128 bits.
 */
static OmniAmountError
parse_slowly(const char *text, OmniAmount *amount)
{
	static regex_t regex;
	static int	compiled = 0;
	regmatch_t	part[5];
	wide		value = 0;
	int			decimals = 0;

	if (!compiled)
		CHECK(regcomp(&regex, "^([A-Z]{3})(/[0-9])? -?(0|[1-9][0-9]*)"
					  "(\\.[0-9]+)?$", REG_EXTENDED) == 0);
	compiled = 1;
	if (regexec(&regex, text, 5, part, 0) != 0)
		return OMNI_AMOUNT_BAD_FORM;
	amount->exponent = (uint8_t) omni_types_currency_exponent(text, 3);
	if (omni_types_currency_exponent(text, 3) < 0)
		return OMNI_AMOUNT_UNKNOWN_CURRENCY;
	if (part[2].rm_so >= 0)
		amount->exponent = (uint8_t) atoi(text + part[2].rm_so + 1);
	if (amount->exponent > OMNI_AMOUNT_MAX_EXPONENT)
		return OMNI_AMOUNT_BAD_EXPONENT;
	if (part[4].rm_so >= 0)
		decimals = (int) (part[4].rm_eo - part[4].rm_so - 1);
	if (decimals > amount->exponent)
		return OMNI_AMOUNT_TOO_MANY_DECIMALS;
	if (part[3].rm_eo - part[3].rm_so > 19)
		return OMNI_AMOUNT_OUT_OF_RANGE;
	for (const char *c = text + part[3].rm_so; *c; c++)
		if (*c != '.')
			value = value * 10 + (*c - '0');
	value *= ten_to(amount->exponent - decimals);
	if (text[part[3].rm_so - 1] == '-')
		value = -value;
	if (value < INT64_MIN || value > INT64_MAX)
		return OMNI_AMOUNT_OUT_OF_RANGE;
	amount->minor = (int64_t) value;
	return OMNI_AMOUNT_OK;
}

/* Any text: taken or refused as the slow way says. */
static void
fuzz_text(const char *text, size_t len)
{
	OmniAmount	amount;
	OmniAmount	slow;
	char	   *copy = malloc(len + 1);
	OmniAmountError error = omni_types_amount_parse(text, len, &amount);

	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strlen(copy) != len)
		CHECK(error != OMNI_AMOUNT_OK);
	else
	{
		OmniAmountError expected = parse_slowly(copy, &slow);

		CHECK((error == OMNI_AMOUNT_OK) == (expected == OMNI_AMOUNT_OK));
		/* which of several faults is named first is the core's own choice */
		if (expected == OMNI_AMOUNT_OUT_OF_RANGE ||
			expected == OMNI_AMOUNT_TOO_MANY_DECIMALS)
			CHECK(error == expected);
	}
	if (error == OMNI_AMOUNT_OK)
	{
		CHECK(memcmp(text, amount.currency, 3) == 0);
		CHECK(amount.minor == slow.minor && amount.exponent == slow.exponent);
		CHECK(amount.unused == 0);
		check_round_trip(&amount);
	}
	free(copy);
}

/* Any bytes: refused, or the same bytes come back. */
static void
fuzz_wire(const uint8_t *data, size_t size)
{
	OmniAmount	amount;
	uint8_t		wire[OMNI_AMOUNT_WIRE_SIZE];

	if (omni_types_amount_from_wire(data, size, &amount) != OMNI_AMOUNT_OK)
		return;
	CHECK(size == OMNI_AMOUNT_WIRE_SIZE);
	omni_types_amount_to_wire(&amount, wire);
	CHECK(memcmp(wire, data, size) == 0);
	check_round_trip(&amount);
}

/* An amount of one of three currencies from 9 bytes. */
static void
make_amount(const uint8_t *data, OmniAmount *amount)
{
	memset(amount, 0, sizeof(*amount));
	amount->minor = read_int64(data);
	/* often small, often at the edges */
	if (data[8] & 1)
		amount->minor >>= 48;
	memcpy(amount->currency, &"EURISKUSD"[3 * ((data[8] >> 1 & 3) % 3)], 3);
	amount->exponent = (data[8] >> 3) % (OMNI_AMOUNT_MAX_EXPONENT + 1);
}

/* Worth in units of 10^-MAX_EXPONENT. */
static wide
worth(const OmniAmount *amount)
{
	return amount->minor * ten_to(OMNI_AMOUNT_MAX_EXPONENT - amount->exponent);
}

/* Two amounts: order, hash key, sum, difference, running sums. */
static void
fuzz_pair(const uint8_t *data, size_t size)
{
	OmniAmount	a;
	OmniAmount	b;
	OmniAmount	na;
	OmniAmount	nb;
	OmniAmount	result;
	OmniAmount	result2;
	OmniAmountSum sum = {0};
	OmniAmountSum other = {0};
	OmniAmountError error;
	int			order;
	int			same;

	if (size < 18)
		return;
	make_amount(data, &a);
	make_amount(data + 9, &b);
	check_round_trip(&a);
	same = memcmp(a.currency, b.currency, 3);
	order = omni_types_amount_compare(&a, &b);
	CHECK(order == -omni_types_amount_compare(&b, &a));
	if (same != 0)
		CHECK((order < 0) == (same < 0) && order != 0);
	else
		CHECK(order == (worth(&a) > worth(&b)) - (worth(&a) < worth(&b)));
	omni_types_amount_normalise(&a, &na);
	omni_types_amount_normalise(&b, &nb);
	CHECK((order == 0) == (memcmp(&na, &nb, sizeof(na)) == 0));

	error = omni_types_amount_plus(&a, &b, &result);
	CHECK((error == OMNI_AMOUNT_MISMATCH) == (same != 0));
	CHECK(omni_types_amount_sum_put(&sum, &a) == OMNI_AMOUNT_OK);
	CHECK(omni_types_amount_sum_put(&other, &b) == OMNI_AMOUNT_OK);
	CHECK(omni_types_amount_sum_merge(&other, &sum) ==
		  (same ? OMNI_AMOUNT_MISMATCH : OMNI_AMOUNT_OK));
	CHECK(omni_types_amount_sum_put(&sum, &b) ==
		  (same ? OMNI_AMOUNT_MISMATCH : OMNI_AMOUNT_OK));
	if (same != 0)
		return;
	if (error == OMNI_AMOUNT_OK)
	{
		CHECK(worth(&result) == worth(&a) + worth(&b));
		CHECK(result.exponent == a.exponent || result.exponent == b.exponent);
	}
	CHECK(memcmp(&sum, &other, sizeof(sum)) == 0);
	CHECK(omni_types_amount_sum_result(&sum, &result2) == error);
	if (error == OMNI_AMOUNT_OK)
		CHECK(memcmp(&result, &result2, sizeof(result)) == 0);
	CHECK(omni_types_amount_sum_take(&sum, &a) == OMNI_AMOUNT_OK);
	CHECK(omni_types_amount_sum_result(&sum, &result2) == OMNI_AMOUNT_OK);
	CHECK(memcmp(&b, &result2, sizeof(b)) == 0);

	if (omni_types_amount_minus(&a, &b, &result) == OMNI_AMOUNT_OK)
		CHECK(worth(&result) == worth(&a) - worth(&b));
	if (omni_types_amount_opposite(&a, &result) == OMNI_AMOUNT_OK)
		CHECK(worth(&result) == -worth(&a));
	else
		CHECK(a.minor == INT64_MIN);
}

/* A decimal number: rounded as a division of 128 bits does it. */
static void
fuzz_decimal(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data + 1;
	size_t		len = size - 1;
	int			exponent;
	int64_t		minor;
	int64_t		exact_minor;
	OmniAmountError error;
	OmniAmountError exact;
	wide		value = 0;
	wide		quotient;
	wide		remainder;
	wide		unit;
	int			decimals = 0;
	int			digits = 0;
	int			point = 0;

	if (size < 2)
		return;
	exponent = data[0] % (OMNI_AMOUNT_MAX_EXPONENT + 1);
	error = omni_types_amount_round_decimal(text, len, exponent, false,
											&minor);
	exact = omni_types_amount_round_decimal(text, len, exponent, true,
											&exact_minor);
	if (exact == OMNI_AMOUNT_OK)
		CHECK(error == OMNI_AMOUNT_OK && exact_minor == minor);
	if (len > 30 || (error != OMNI_AMOUNT_OK &&
					 error != OMNI_AMOUNT_OUT_OF_RANGE))
		return;
	for (size_t i = text[0] == '-'; i < len; i++)
	{
		point |= text[i] == '.';
		if (text[i] == '.')
			continue;
		CHECK(text[i] >= '0' && text[i] <= '9');
		value = value * 10 + (text[i] - '0');
		decimals += point;
		digits++;
	}
	CHECK(digits > 0);
	if (decimals < exponent)
		value *= ten_to(exponent - decimals);
	unit = ten_to(decimals > exponent ? decimals - exponent : 0);
	quotient = value / unit;
	remainder = value % unit;
	CHECK((exact == OMNI_AMOUNT_TOO_MANY_DECIMALS) == (remainder != 0));
	if (2 * remainder > unit || (2 * remainder == unit && quotient % 2 == 1))
		quotient++;
	if (text[0] == '-')
		quotient = -quotient;
	CHECK((error == OMNI_AMOUNT_OK) ==
		  (quotient >= INT64_MIN && quotient <= INT64_MAX));
	if (error == OMNI_AMOUNT_OK)
		CHECK(minor == (int64_t) quotient);
}

/* An amount and weights: the parts are the largest remainders'. */
static void
fuzz_divide(const uint8_t *data, size_t size)
{
	enum
	{
		MAX = 12
	};
	int64_t		weights[MAX];
	int64_t		parts[MAX];
	OmniAmountShare room[MAX];
	unsigned __int128 rest[MAX];
	int			extra[MAX];
	int64_t		whole;
	uint64_t	magnitude;
	wide		total = 0;
	wide		sum = 0;
	int			negative = 0;
	size_t		n = 0;
	OmniAmountError error;

	if (size < 10)
		return;
	whole = read_int64(data + 1);
	if (data[0] & 1)
		whole >>= 52;
	for (size_t at = 9;
		 n < MAX && (data[0] & 2 ? at + 8 : at + 1) <= size;
		 n++)
	{
		weights[n] = data[0] & 2 ? read_int64(data + at) : data[at] % 8;
		if (data[0] & 4)
			weights[n] &= INT64_MAX;
		at += data[0] & 2 ? 8 : 1;
		negative |= weights[n] < 0;
		total += weights[n];
	}
	error = omni_types_amount_divide(whole, weights, n, parts, room);
	CHECK((error == OMNI_AMOUNT_NEGATIVE_WEIGHT) == negative);
	if (negative)
		return;
	CHECK((error == OMNI_AMOUNT_NO_WEIGHT) == (total == 0));
	if (total == 0)
		return;
	CHECK(error == OMNI_AMOUNT_OK);
	magnitude = whole < 0 ? 0 - (uint64_t) whole : (uint64_t) whole;
	for (size_t i = 0; i < n; i++)
	{
		unsigned __int128 ideal = (unsigned __int128) magnitude * weights[i];
		uint64_t	part = whole < 0 ?
			0 - (uint64_t) parts[i] : (uint64_t) parts[i];

		CHECK(parts[i] == 0 || (parts[i] < 0) == (whole < 0));
		CHECK(weights[i] > 0 || parts[i] == 0);
		rest[i] = ideal % total;
		extra[i] = (int) (part - (uint64_t) (ideal / total));
		CHECK(extra[i] == 0 || extra[i] == 1);
		sum += parts[i];
	}
	CHECK(sum == whole);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (extra[i] && !extra[j])
				CHECK(rest[i] > rest[j] || (rest[i] == rest[j] && i < j));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % 5)
	{
		case 0:
			fuzz_text((const char *) data + 1, size - 1);
			break;
		case 1:
			fuzz_wire(data + 1, size - 1);
			break;
		case 2:
			fuzz_pair(data + 1, size - 1);
			break;
		case 3:
			fuzz_decimal(data + 1, size - 1);
			break;
		default:
			fuzz_divide(data + 1, size - 1);
	}
	return 0;
}
