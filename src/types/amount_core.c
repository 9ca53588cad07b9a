/*
 * amount_core.c
 *	  Exact money over plain buffers; no PostgreSQL in it.
 *
 * Rules:
 *	- Nothing is rounded but in omni_types_amount_round_decimal(), which rounds
 *	  half to even; nothing wraps around: what does not fit 64 bits of minor
 *	  units is an error.
 *	- Two amounts of one currency with different exponents are equal when they
 *	  are worth the same (1.5 = 1.50), and hash alike by way of
 *	  omni_types_amount_normalise().  Arithmetic goes to the finer exponent.
 *	- Products of 128 bits are taken unsigned: a signed one that is checked for
 *	  overflow needs a helper that not every compiler's library has.  They
 *	  cannot overflow where they are used.
 */
#include "amount_core.h"

#include <stdlib.h>
#include <string.h>

#include "currency_core.h"

_Static_assert(sizeof(OmniAmount) == 16, "an amount is 16 bytes");

static const int64_t power_of_ten[OMNI_AMOUNT_MAX_EXPONENT + 1] = {
	1, 10, 100, 1000, 10000, 100000, 1000000
};

/* Is it an ASCII digit?  (isdigit() depends on the locale.) */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Is it an ASCII capital letter? */
static bool
is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

/*
 * Give a magnitude its sign, if 64 bits hold it.
 */
static OmniAmountError
apply_sign(uint64_t magnitude, bool negative, int64_t *minor)
{
	if (magnitude > (uint64_t) INT64_MAX + (negative ? 1 : 0))
		return OMNI_AMOUNT_OUT_OF_RANGE;
	if (!negative)
		*minor = (int64_t) magnitude;
	else if (magnitude == 0)
		*minor = 0;
	else
		*minor = -(int64_t) (magnitude - 1) - 1;
	return OMNI_AMOUNT_OK;
}

/*
 * The minor units of an amount at the finer exponent "exponent": exact, at
 * most 2^63 × 10^OMNI_AMOUNT_MAX_EXPONENT.
 */
static __int128
scale_to(const OmniAmount *amount, int exponent)
{
	return (__int128) ((unsigned __int128) (__int128) amount->minor *
					   (unsigned __int128)
					   power_of_ten[exponent - amount->exponent]);
}

/*
 * Read the number of an amount: an optional minus, digits without a leading
 * zero, and at most amount->exponent decimals.  Sets minor.
 */
static OmniAmountError
parse_number(const char *text, const char *end, OmniAmount *amount)
{
	bool		negative = false;
	bool		overflow = false;
	uint64_t	magnitude = 0;
	int			decimals = 0;

	if (text < end && *text == '-')
	{
		negative = true;
		text++;
	}
	if (text == end || !is_digit(*text))
		return OMNI_AMOUNT_BAD_FORM;
	if (*text == '0' && text + 1 < end && is_digit(text[1]))
		return OMNI_AMOUNT_BAD_FORM;
	for (; text < end && is_digit(*text); text++)
		overflow |= __builtin_mul_overflow(magnitude, 10, &magnitude) ||
			__builtin_add_overflow(magnitude, *text - '0', &magnitude);
	if (text < end && *text == '.')
	{
		const char *point = text++;

		for (; text < end && is_digit(*text); text++)
		{
			if (++decimals > amount->exponent)
				continue;		/* counted, to tell junk from decimals */
			overflow |= __builtin_mul_overflow(magnitude, 10, &magnitude) ||
				__builtin_add_overflow(magnitude, *text - '0', &magnitude);
		}
		if (text == point + 1)
			return OMNI_AMOUNT_BAD_FORM;
	}
	if (text < end)
		return OMNI_AMOUNT_BAD_FORM;
	if (decimals > amount->exponent)
		return OMNI_AMOUNT_TOO_MANY_DECIMALS;
	overflow |= __builtin_mul_overflow(magnitude,
									   power_of_ten[amount->exponent - decimals],
									   &magnitude);
	if (overflow)
		return OMNI_AMOUNT_OUT_OF_RANGE;
	return apply_sign(magnitude, negative, &amount->minor);
}

/*
 * Read "CUR 12.34": three capital letters, one space, the number.  An amount
 * whose exponent is not its currency's of today is written "CUR/2 12.34".
 * Upon an error, currency and exponent are set as far as they were understood
 * (currency[0] is 0 if it was not).
 */
OmniAmountError
omni_types_amount_parse(const char *text, size_t len, OmniAmount *amount)
{
	const char *end = text + len;
	int			exponent;

	memset(amount, 0, sizeof(*amount));
	if (len < 3 || !is_capital(text[0]) || !is_capital(text[1]) ||
		!is_capital(text[2]))
		return OMNI_AMOUNT_BAD_FORM;
	if (len > 3 && text[3] != ' ' && text[3] != '/')
		return OMNI_AMOUNT_BAD_FORM;
	memcpy(amount->currency, text, 3);
	exponent = omni_types_currency_exponent(text, 3);
	if (exponent == OMNI_CURRENCY_UNKNOWN)
		return OMNI_AMOUNT_UNKNOWN_CURRENCY;
	if (exponent == OMNI_CURRENCY_NO_EXPONENT)
		return OMNI_AMOUNT_NO_EXPONENT;
	amount->exponent = (uint8_t) exponent;
	text += 3;
	if (text < end && *text == '/')
	{
		if (end - text < 2 || !is_digit(text[1]))
			return OMNI_AMOUNT_BAD_FORM;
		if (text[1] - '0' > OMNI_AMOUNT_MAX_EXPONENT)
			return OMNI_AMOUNT_BAD_EXPONENT;
		amount->exponent = (uint8_t) (text[1] - '0');
		text += 2;
	}
	if (text == end || *text != ' ')
		return OMNI_AMOUNT_BAD_FORM;
	return parse_number(text + 1, end, amount);
}

/*
 * Write the number alone, "-12.34", with all the amount's decimals and a
 * closing zero byte; the length is returned.  "text" has room for
 * OMNI_AMOUNT_TEXT_SIZE bytes.
 */
size_t
omni_types_amount_print_number(const OmniAmount *amount, char *text)
{
	char		digits[OMNI_AMOUNT_TEXT_SIZE];
	uint64_t	magnitude = (uint64_t) amount->minor;
	size_t		n = 0;
	size_t		len = 0;

	if (amount->minor < 0)
	{
		magnitude = 0 - magnitude;
		text[len++] = '-';
	}
	/* backwards: decimals, point, at least one digit before it */
	while (magnitude > 0 || n <= amount->exponent)
	{
		digits[n++] = (char) ('0' + magnitude % 10);
		magnitude /= 10;
	}
	while (n > 0)
	{
		text[len++] = digits[--n];
		if (n == amount->exponent && n > 0)
			text[len++] = '.';
	}
	text[len] = '\0';
	return len;
}

/*
 * Write the text form, with a closing zero byte; the length is returned.
 * "text" has room for OMNI_AMOUNT_TEXT_SIZE bytes.
 */
size_t
omni_types_amount_print(const OmniAmount *amount, char *text)
{
	size_t		len = 3;

	memcpy(text, amount->currency, 3);
	if (amount->exponent != omni_types_currency_exponent(text, 3))
	{
		text[len++] = '/';
		text[len++] = (char) ('0' + amount->exponent);
	}
	text[len++] = ' ';
	return len + omni_types_amount_print_number(amount, text + len);
}

/*
 * Read the wire form: 8 bytes of minor units, most significant first, 3 of
 * the currency, 1 of the exponent.
 */
OmniAmountError
omni_types_amount_from_wire(const uint8_t *wire, size_t len,
							OmniAmount *amount)
{
	uint64_t	minor = 0;
	int			exponent;

	memset(amount, 0, sizeof(*amount));
	if (len != OMNI_AMOUNT_WIRE_SIZE)
		return OMNI_AMOUNT_BAD_LENGTH;
	for (int i = 0; i < 8; i++)
		minor = minor << 8 | wire[i];
	if (!is_capital((char) wire[8]) || !is_capital((char) wire[9]) ||
		!is_capital((char) wire[10]))
		return OMNI_AMOUNT_UNKNOWN_CURRENCY;
	memcpy(amount->currency, wire + 8, 3);
	exponent = omni_types_currency_exponent(amount->currency, 3);
	if (exponent == OMNI_CURRENCY_UNKNOWN)
		return OMNI_AMOUNT_UNKNOWN_CURRENCY;
	if (exponent == OMNI_CURRENCY_NO_EXPONENT)
		return OMNI_AMOUNT_NO_EXPONENT;
	if (wire[11] > OMNI_AMOUNT_MAX_EXPONENT)
		return OMNI_AMOUNT_BAD_EXPONENT;
	amount->exponent = wire[11];
	memcpy(&amount->minor, &minor, sizeof(minor));
	return OMNI_AMOUNT_OK;
}

/* Write the wire form, OMNI_AMOUNT_WIRE_SIZE bytes. */
void
omni_types_amount_to_wire(const OmniAmount *amount, uint8_t *wire)
{
	uint64_t	minor = (uint64_t) amount->minor;

	for (int i = 7; i >= 0; i--)
	{
		wire[i] = (uint8_t) (minor & 0xff);
		minor >>= 8;
	}
	memcpy(wire + 8, amount->currency, 3);
	wire[11] = amount->exponent;
}

/*
 * Round a decimal number as numeric prints it (optional minus, digits,
 * optionally a point and digits) to "exponent" decimals, half to even, and
 * give it in units of the last one.  With "exact", digits other than zero
 * beyond them are OMNI_AMOUNT_TOO_MANY_DECIMALS.
 */
OmniAmountError
omni_types_amount_round_decimal(const char *text, size_t len, int exponent,
								bool exact, int64_t *minor)
{
	const char *end = text + len;
	bool		negative = false;
	bool		point = false;
	bool		overflow = false;
	uint64_t	magnitude = 0;
	int			decimals = 0;	/* taken into magnitude, of exponent */
	size_t		digits = 0;
	int			first_lost = -1;	/* first digit beyond them */
	bool		rest_lost = false;	/* a digit other than 0 after that */

	if (text < end && *text == '-')
	{
		negative = true;
		text++;
	}
	for (; text < end; text++)
	{
		if (*text == '.' && !point && digits > 0)
		{
			point = true;
			continue;
		}
		if (!is_digit(*text))
			return digits == 0 && (*text == 'N' || *text == 'I') ?
				OMNI_AMOUNT_NOT_FINITE : OMNI_AMOUNT_BAD_FORM;
		digits++;
		if (!point || decimals < exponent)
		{
			overflow |= __builtin_mul_overflow(magnitude, 10, &magnitude) ||
				__builtin_add_overflow(magnitude, *text - '0', &magnitude);
			decimals += point;
		}
		else if (first_lost < 0)
			first_lost = *text - '0';
		else
			rest_lost |= *text != '0';
	}
	if (digits == 0)
		return OMNI_AMOUNT_BAD_FORM;
	if (exact && (first_lost > 0 || rest_lost))
		return OMNI_AMOUNT_TOO_MANY_DECIMALS;
	overflow |= __builtin_mul_overflow(magnitude,
									   power_of_ten[exponent - decimals],
									   &magnitude);
	if (first_lost > 5 ||
		(first_lost == 5 && (rest_lost || magnitude % 2 == 1)))
		overflow |= __builtin_add_overflow(magnitude, 1, &magnitude);
	if (overflow)
		return OMNI_AMOUNT_OUT_OF_RANGE;
	return apply_sign(magnitude, negative, minor);
}

/*
 * Total order: by currency, then by worth.  -1, 0 or 1.
 */
int
omni_types_amount_compare(const OmniAmount *a, const OmniAmount *b)
{
	int			order = memcmp(a->currency, b->currency, 3);

	if (order != 0)
		return order < 0 ? -1 : 1;
	if (a->exponent == b->exponent)
		return (a->minor > b->minor) - (a->minor < b->minor);
	else
	{
		__int128	x = scale_to(a, OMNI_AMOUNT_MAX_EXPONENT);
		__int128	y = scale_to(b, OMNI_AMOUNT_MAX_EXPONENT);

		return (x > y) - (x < y);
	}
}

/*
 * The one representation that all amounts equal to this one share: the
 * smallest exponent that holds it.  For hashing.
 */
void
omni_types_amount_normalise(const OmniAmount *amount, OmniAmount *normal)
{
	*normal = *amount;
	while (normal->exponent > 0 && normal->minor % 10 == 0)
	{
		normal->minor /= 10;
		normal->exponent--;
	}
}

/*
 * a + b or a - b at the finer of the two exponents.
 */
static OmniAmountError
combine(const OmniAmount *a, const OmniAmount *b, bool subtract,
		OmniAmount *result)
{
	int			exponent = a->exponent > b->exponent ?
		a->exponent : b->exponent;
	__int128	sum;

	if (memcmp(a->currency, b->currency, 3) != 0)
		return OMNI_AMOUNT_MISMATCH;
	sum = scale_to(b, exponent);
	sum = scale_to(a, exponent) + (subtract ? -sum : sum);
	if (sum < INT64_MIN || sum > INT64_MAX)
		return OMNI_AMOUNT_OUT_OF_RANGE;
	*result = *a;
	result->minor = (int64_t) sum;
	result->exponent = (uint8_t) exponent;
	return OMNI_AMOUNT_OK;
}

/* a + b, at the finer exponent. */
OmniAmountError
omni_types_amount_plus(const OmniAmount *a, const OmniAmount *b,
					   OmniAmount *result)
{
	return combine(a, b, false, result);
}

/* a - b, at the finer exponent. */
OmniAmountError
omni_types_amount_minus(const OmniAmount *a, const OmniAmount *b,
						OmniAmount *result)
{
	return combine(a, b, true, result);
}

/* -amount; the smallest of all has no opposite. */
OmniAmountError
omni_types_amount_opposite(const OmniAmount *amount, OmniAmount *result)
{
	if (amount->minor == INT64_MIN)
		return OMNI_AMOUNT_OUT_OF_RANGE;
	*result = *amount;
	result->minor = -amount->minor;
	return OMNI_AMOUNT_OK;
}

/*
 * Add an amount to a running sum.  An error leaves the sum as it was.
 */
OmniAmountError
omni_types_amount_sum_put(OmniAmountSum *sum, const OmniAmount *amount)
{
	__int128	total;

	if (sum->count > 0 && memcmp(sum->currency, amount->currency, 3) != 0)
		return OMNI_AMOUNT_MISMATCH;
	if (__builtin_add_overflow((__int128) sum->total,
							   scale_to(amount, OMNI_AMOUNT_MAX_EXPONENT),
							   &total))
		return OMNI_AMOUNT_OUT_OF_RANGE;
	memcpy(sum->currency, amount->currency, 3);
	sum->total = total;
	sum->count++;
	sum->by_exponent[amount->exponent]++;
	return OMNI_AMOUNT_OK;
}

/*
 * Take an amount, put before, out of a running sum again.
 */
OmniAmountError
omni_types_amount_sum_take(OmniAmountSum *sum, const OmniAmount *amount)
{
	if (sum->by_exponent[amount->exponent] <= 0 ||
		memcmp(sum->currency, amount->currency, 3) != 0)
		return OMNI_AMOUNT_MISMATCH;
	sum->total -= scale_to(amount, OMNI_AMOUNT_MAX_EXPONENT);
	sum->count--;
	sum->by_exponent[amount->exponent]--;
	return OMNI_AMOUNT_OK;
}

/*
 * Add another running sum to this one.  An error leaves it as it was.
 */
OmniAmountError
omni_types_amount_sum_merge(OmniAmountSum *sum, const OmniAmountSum *other)
{
	__int128	total;

	if (other->count == 0)
		return OMNI_AMOUNT_OK;
	if (sum->count > 0 && memcmp(sum->currency, other->currency, 3) != 0)
		return OMNI_AMOUNT_MISMATCH;
	if (__builtin_add_overflow((__int128) sum->total, (__int128) other->total,
							   &total))
		return OMNI_AMOUNT_OUT_OF_RANGE;
	memcpy(sum->currency, other->currency, 3);
	sum->total = total;
	sum->count += other->count;
	for (int i = 0; i <= OMNI_AMOUNT_MAX_EXPONENT; i++)
		sum->by_exponent[i] += other->by_exponent[i];
	return OMNI_AMOUNT_OK;
}

/*
 * The amount that a running sum of at least one amount comes to, at the
 * finest exponent in it.
 */
OmniAmountError
omni_types_amount_sum_result(const OmniAmountSum *sum, OmniAmount *result)
{
	int			exponent = OMNI_AMOUNT_MAX_EXPONENT;
	__int128	minor;

	while (exponent > 0 && sum->by_exponent[exponent] == 0)
		exponent--;
	minor = sum->total / power_of_ten[OMNI_AMOUNT_MAX_EXPONENT - exponent];
	if (minor < INT64_MIN || minor > INT64_MAX)
		return OMNI_AMOUNT_OUT_OF_RANGE;
	memset(result, 0, sizeof(*result));
	result->minor = (int64_t) minor;
	memcpy(result->currency, sum->currency, 3);
	result->exponent = (uint8_t) exponent;
	return OMNI_AMOUNT_OK;
}

/* Order shares by remainder, largest first, then by part. */
static int
compare_shares(const void *a, const void *b)
{
	const OmniAmountShare *x = a;
	const OmniAmountShare *y = b;

	if (x->remainder != y->remainder)
		return x->remainder > y->remainder ? -1 : 1;
	return (x->part > y->part) - (x->part < y->part);
}

/*
 * Divide "whole" into n parts in proportion to the weights: each gets the
 * floor of its share (of the magnitude, so that a refund divides as the sale
 * did), and what is left goes, one unit each, to the largest remainders; ties
 * to the earlier part (Hare's method).  The parts always add up to the whole.
 * "room" is scratch space for n shares; parts may not overlap weights.
 *
 * Bounds: magnitude ≤ 2^63 and weight < 2^63, so products stay below 2^126;
 * the total of the weights below 2^127 for every n that memory can hold.
 */
OmniAmountError
omni_types_amount_divide(int64_t whole, const int64_t *weights, size_t n,
						 int64_t *parts, OmniAmountShare *room)
{
	bool		negative = whole < 0;
	uint64_t	magnitude = negative ? 0 - (uint64_t) whole : (uint64_t) whole;
	uint64_t	left = magnitude;
	unsigned __int128 total = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (weights[i] < 0)
			return OMNI_AMOUNT_NEGATIVE_WEIGHT;
		total += (uint64_t) weights[i];
	}
	if (total == 0)
		return OMNI_AMOUNT_NO_WEIGHT;
	for (size_t i = 0; i < n; i++)
	{
		unsigned __int128 product = (unsigned __int128) magnitude *
			(uint64_t) weights[i];
		uint64_t	part = (uint64_t) (product / total);

		room[i].remainder = product % total;
		room[i].part = i;
		left -= part;
		parts[i] = (int64_t) part;	/* 2^63 wraps to the right bits */
	}

	/* left < number of remainders above 0, so no part of weight 0 gets any */
	if (left > 0)
		qsort(room, n, sizeof(OmniAmountShare), compare_shares);
	for (size_t i = 0; i < left; i++)
		parts[room[i].part] = (int64_t) ((uint64_t) parts[room[i].part] + 1);
	if (negative)
		for (size_t i = 0; i < n; i++)
			parts[i] = (int64_t) (0 - (uint64_t) parts[i]);
	return OMNI_AMOUNT_OK;
}
