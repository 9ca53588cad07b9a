/*
 * epc_core.c
 *	  Electronic Product Codes over plain buffers; no PostgreSQL in it.
 *
 * Source: GS1 EPC Tag Data Standard, "SGTIN-96": header 0x30 (8 bits), filter
 * (3), partition (3), company prefix and item reference (44 together, divided
 * as the partition says), serial number (38).  The item reference begins with
 * the GTIN's indicator digit; the check digit is left out.  A number beyond
 * the digits of its field is no EPC, though the bits could hold it.
 */
#include "epc_core.h"

#include <stdbool.h>
#include <string.h>

#include "gtin_core.h"

#define TAG_PREFIX		"urn:epc:tag:sgtin-96:"
#define IDENTITY_PREFIX "urn:epc:id:sgtin:"
#define URN_PREFIX		"urn:"

#define SERIAL_BITS		38
#define SERIAL_DIGITS	12
#define LAST_PARTITION	6

/* Partition p: the company prefix has 12 - p digits, the item 1 + p. */
static const struct
{
	int			company_bits;
	int			item_bits;
}			partitions[LAST_PARTITION + 1] = {
	{40, 4}, {37, 7}, {34, 10}, {30, 14}, {27, 17}, {24, 20}, {20, 24}
};

/* 10^digits, for at most 13. */
static int64_t
power_of_ten(int digits)
{
	int64_t		power = 1;

	while (digits-- > 0)
		power *= 10;
	return power;
}

/* Read "count" bits at bit "*at" (from the left), and step over them. */
static int64_t
take_bits(const uint8_t *bytes, int *at, int count)
{
	int64_t		value = 0;

	for (; count > 0; count--, (*at)++)
		value = value << 1 | ((bytes[*at / 8] >> (7 - *at % 8)) & 1);
	return value;
}

/* Write "count" bits at bit "*at" of zeroed bytes, and step over them. */
static void
put_bits(uint8_t *bytes, int *at, int count, int64_t value)
{
	for (; count > 0; count--, (*at)++)
		bytes[*at / 8] |=
			(uint8_t) (((value >> (count - 1)) & 1) << (7 - *at % 8));
}

/* Value of a hex digit, either case; -1 when it is none. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Does the text begin with the prefix? */
static bool
starts_with(const char *text, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * Read the digits up to "stop" (or to the end, for 0), at most "max" of them,
 * and step over the stop.  How many there were is returned, 0 for anything
 * else than one to max digits and the stop.
 */
static int
take_digits(const char **text, const char *end, char stop, int max,
			int64_t *value)
{
	const char *c = *text;
	int			digits = 0;

	*value = 0;
	for (; c < end && *c >= '0' && *c <= '9' && digits < max; c++, digits++)
		*value = *value * 10 + (*c - '0');
	if (stop == '\0' ? c != end : c == end || *c != stop)
		return 0;
	*text = stop == '\0' ? c : c + 1;
	return digits;
}

/* Write exactly "digits" digits; the position behind them is returned. */
static char *
put_digits(char *text, int64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--)
	{
		text[i] = (char) ('0' + value % 10);
		value /= 10;
	}
	return text + digits;
}

/*
 * Read the part "company.item.serial" that both URIs end with.
 */
static OmniEpcError
parse_fields(const char *text, const char *end, OmniSgtin *sgtin)
{
	const char *serial;

	sgtin->company_digits = take_digits(&text, end, '.',
										OMNI_EPC_MAX_COMPANY_DIGITS,
										&sgtin->company);
	if (sgtin->company_digits < OMNI_EPC_MIN_COMPANY_DIGITS)
		return OMNI_EPC_BAD_COMPANY;
	if (take_digits(&text, end, '.', OMNI_EPC_SGTIN_DIGITS, &sgtin->item) !=
		OMNI_EPC_SGTIN_DIGITS - sgtin->company_digits)
		return OMNI_EPC_BAD_ITEM;
	serial = text;
	if (take_digits(&text, end, '\0', SERIAL_DIGITS, &sgtin->serial) == 0 ||
		(*serial == '0' && text - serial > 1) ||
		sgtin->serial > OMNI_EPC_MAX_SERIAL)
		return OMNI_EPC_BAD_SERIAL;
	return OMNI_EPC_OK;
}

/*
 * Read a tag URI, urn:epc:tag:sgtin-96:filter.company.item.serial.
 */
static OmniEpcError
parse_tag_uri(const char *text, size_t len, OmniSgtin *sgtin)
{
	const char *end = text + len;
	int64_t		filter;

	if (starts_with(text, len, IDENTITY_PREFIX))
		return OMNI_EPC_NEEDS_FILTER;
	if (!starts_with(text, len, TAG_PREFIX))
		return OMNI_EPC_UNKNOWN_URI;
	text += strlen(TAG_PREFIX);
	if (take_digits(&text, end, '.', 1, &filter) != 1 || filter > 7)
		return OMNI_EPC_BAD_FILTER;
	sgtin->filter = (int) filter;
	return parse_fields(text, end, sgtin);
}

/*
 * Read an EPC: the hex digits of a tag's memory (either case), or a tag URI.
 * "epc" has room for OMNI_EPC_MAX_BYTES; how many it has is set.
 */
OmniEpcError
omni_types_epc_parse(const char *text, size_t len, uint8_t *epc,
					 size_t *bytes)
{
	OmniSgtin	sgtin;
	OmniEpcError error;

	*bytes = OMNI_EPC_SGTIN_96_BYTES;
	memset(epc, 0, OMNI_EPC_MAX_BYTES);
	if (starts_with(text, len, URN_PREFIX))
	{
		error = parse_tag_uri(text, len, &sgtin);
		if (error == OMNI_EPC_OK)
			omni_types_sgtin_encode(&sgtin, epc);
		return error;
	}
	for (size_t i = 0; i < len; i++)
	{
		int			value = hex_value(text[i]);

		if (value < 0)
			return OMNI_EPC_NOT_HEX;
		if (i >= 2 * OMNI_EPC_SGTIN_96_BYTES)
			return OMNI_EPC_BAD_LENGTH;
		epc[i / 2] |= (uint8_t) (i % 2 == 0 ? value << 4 : value);
	}
	if (len != 2 * OMNI_EPC_SGTIN_96_BYTES)
		return OMNI_EPC_BAD_LENGTH;
	return omni_types_epc_check(epc, *bytes);
}

/*
 * Are the bytes an EPC of a scheme known here, with every field in range?
 */
OmniEpcError
omni_types_epc_check(const uint8_t *epc, size_t bytes)
{
	OmniSgtin	sgtin;

	return omni_types_sgtin_decode(epc, bytes, &sgtin);
}

/*
 * Write the bytes as capital hex digits and a closing zero byte; the length
 * is returned.
 */
size_t
omni_types_epc_print_hex(const uint8_t *epc, size_t bytes, char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < bytes; i++)
	{
		text[2 * i] = digits[epc[i] >> 4];
		text[2 * i + 1] = digits[epc[i] & 0xf];
	}
	text[2 * bytes] = '\0';
	return 2 * bytes;
}

/*
 * Is every field within its range?
 */
OmniEpcError
omni_types_sgtin_check(const OmniSgtin *sgtin)
{
	if (sgtin->filter < 0 || sgtin->filter > 7)
		return OMNI_EPC_BAD_FILTER;
	if (sgtin->company_digits < OMNI_EPC_MIN_COMPANY_DIGITS ||
		sgtin->company_digits > OMNI_EPC_MAX_COMPANY_DIGITS)
		return OMNI_EPC_BAD_COMPANY;
	if (sgtin->company < 0 ||
		sgtin->company >= power_of_ten(sgtin->company_digits))
		return OMNI_EPC_COMPANY_RANGE;
	if (sgtin->item < 0 ||
		sgtin->item >= power_of_ten(OMNI_EPC_SGTIN_DIGITS -
									sgtin->company_digits))
		return OMNI_EPC_ITEM_RANGE;
	if (sgtin->serial < 0 || sgtin->serial > OMNI_EPC_MAX_SERIAL)
		return OMNI_EPC_BAD_SERIAL;
	return OMNI_EPC_OK;
}

/*
 * Take an SGTIN-96 apart.
 */
OmniEpcError
omni_types_sgtin_decode(const uint8_t *epc, size_t bytes, OmniSgtin *sgtin)
{
	int			at = 8;
	int			partition;

	if (bytes != OMNI_EPC_SGTIN_96_BYTES)
		return OMNI_EPC_BAD_LENGTH;
	if (epc[0] != OMNI_EPC_HEADER_SGTIN_96)
		return OMNI_EPC_UNKNOWN_HEADER;
	sgtin->filter = (int) take_bits(epc, &at, 3);
	partition = (int) take_bits(epc, &at, 3);
	if (partition > LAST_PARTITION)
		return OMNI_EPC_BAD_PARTITION;
	sgtin->company_digits = OMNI_EPC_MAX_COMPANY_DIGITS - partition;
	sgtin->company = take_bits(epc, &at, partitions[partition].company_bits);
	sgtin->item = take_bits(epc, &at, partitions[partition].item_bits);
	sgtin->serial = take_bits(epc, &at, SERIAL_BITS);
	return omni_types_sgtin_check(sgtin);
}

/*
 * Put an SGTIN-96, checked before, together: OMNI_EPC_SGTIN_96_BYTES.
 */
void
omni_types_sgtin_encode(const OmniSgtin *sgtin, uint8_t *epc)
{
	int			at = 0;
	int			partition = OMNI_EPC_MAX_COMPANY_DIGITS -
		sgtin->company_digits;

	memset(epc, 0, OMNI_EPC_SGTIN_96_BYTES);
	put_bits(epc, &at, 8, OMNI_EPC_HEADER_SGTIN_96);
	put_bits(epc, &at, 3, sgtin->filter);
	put_bits(epc, &at, 3, partition);
	put_bits(epc, &at, partitions[partition].company_bits, sgtin->company);
	put_bits(epc, &at, partitions[partition].item_bits, sgtin->item);
	put_bits(epc, &at, SERIAL_BITS, sgtin->serial);
}

/*
 * Read a pure identity, urn:epc:id:sgtin:company.item.serial, whose serial
 * number an SGTIN-96 can hold.  Sets everything but the filter, which a pure
 * identity does not have.
 */
OmniEpcError
omni_types_sgtin_parse_identity(const char *text, size_t len,
								OmniSgtin *sgtin)
{
	if (!starts_with(text, len, IDENTITY_PREFIX))
		return OMNI_EPC_UNKNOWN_URI;
	sgtin->filter = 0;
	return parse_fields(text + strlen(IDENTITY_PREFIX), text + len, sgtin);
}

/* Write "company.item.serial" and a closing zero byte; its end is returned. */
static char *
print_fields(const OmniSgtin *sgtin, char *text)
{
	int			digits = 1;

	text = put_digits(text, sgtin->company, sgtin->company_digits);
	*text++ = '.';
	text = put_digits(text, sgtin->item,
					  OMNI_EPC_SGTIN_DIGITS - sgtin->company_digits);
	*text++ = '.';
	while (digits < SERIAL_DIGITS && sgtin->serial >= power_of_ten(digits))
		digits++;
	text = put_digits(text, sgtin->serial, digits);
	*text = '\0';
	return text;
}

/*
 * Write the tag URI and a closing zero byte; the length is returned.  "text"
 * has room for OMNI_EPC_URI_SIZE bytes.
 */
size_t
omni_types_sgtin_print_tag_uri(const OmniSgtin *sgtin, char *text)
{
	char	   *c = text + strlen(TAG_PREFIX);

	memcpy(text, TAG_PREFIX, strlen(TAG_PREFIX));
	*c++ = (char) ('0' + sgtin->filter);
	*c++ = '.';
	return (size_t) (print_fields(sgtin, c) - text);
}

/*
 * Write the pure identity and a closing zero byte; the length is returned.
 * "text" has room for OMNI_EPC_URI_SIZE bytes.
 */
size_t
omni_types_sgtin_print_identity(const OmniSgtin *sgtin, char *text)
{
	memcpy(text, IDENTITY_PREFIX, strlen(IDENTITY_PREFIX));
	return (size_t) (print_fields(sgtin, text + strlen(IDENTITY_PREFIX)) -
					 text);
}

/*
 * The GTIN: indicator, company prefix, the rest of the item reference, check
 * digit.
 */
int64_t
omni_types_sgtin_gtin(const OmniSgtin *sgtin)
{
	int			rest_digits = OMNI_EPC_SGTIN_DIGITS - 1 -
		sgtin->company_digits;
	int64_t		indicator = sgtin->item / power_of_ten(rest_digits);
	int64_t		rest = sgtin->item % power_of_ten(rest_digits);
	int64_t		body;
	char		digits[OMNI_EPC_SGTIN_DIGITS];

	body = indicator * power_of_ten(OMNI_EPC_SGTIN_DIGITS - 1) +
		sgtin->company * power_of_ten(rest_digits) + rest;
	put_digits(digits, body, OMNI_EPC_SGTIN_DIGITS);
	return body * 10 +
		omni_types_gs1_check_digit(digits, OMNI_EPC_SGTIN_DIGITS);
}

/*
 * Set company prefix and item reference from a GTIN whose company prefix has
 * "company_digits" (6 … 12) digits.
 */
void
omni_types_sgtin_set_gtin(OmniSgtin *sgtin, int64_t gtin, int company_digits)
{
	int			rest_digits = OMNI_EPC_SGTIN_DIGITS - 1 - company_digits;
	int64_t		body = gtin / 10;
	int64_t		indicator = body / power_of_ten(OMNI_EPC_SGTIN_DIGITS - 1);

	body %= power_of_ten(OMNI_EPC_SGTIN_DIGITS - 1);
	sgtin->company_digits = company_digits;
	sgtin->company = body / power_of_ten(rest_digits);
	sgtin->item = indicator * power_of_ten(rest_digits) +
		body % power_of_ten(rest_digits);
}
