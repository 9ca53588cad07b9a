/*
 * fuzz_epc.c
 *	  libFuzzer target for src/types/epc_core.c.
 *
 * The first byte chooses what the rest is: text, the bytes of a tag, a pure
 * identity, or fields.
 */
#include "check.h"

#include "types/epc_core.h"
#include "types/gtin_core.h"

/* Bits from-to (from the left) of 12 bytes, by 128-bit arithmetic. */
static int64_t
bits_slowly(const uint8_t *epc, int from, int count)
{
	unsigned __int128 all = 0;

	for (int i = 0; i < 12; i++)
		all = all << 8 | epc[i];
	return (int64_t) (all >> (96 - from - count) &
					  (((unsigned __int128) 1 << count) - 1));
}

/* Everything that an EPC is turned into leads back to it. */
static void
check_epc(const uint8_t *epc, size_t bytes)
{
	static const int company_bits[] = {40, 37, 34, 30, 27, 24, 20};
	OmniSgtin	sgtin;
	OmniSgtin	again;
	uint8_t		copy[OMNI_EPC_MAX_BYTES];
	char		text[OMNI_EPC_URI_SIZE];
	char		digits[OMNI_GTIN_TEXT_SIZE];
	size_t		n;
	size_t		len;
	int			partition;
	int			expected;
	int64_t		gtin;

	CHECK(omni_types_sgtin_decode(epc, bytes, &sgtin) == OMNI_EPC_OK);
	CHECK(omni_types_sgtin_check(&sgtin) == OMNI_EPC_OK);
	partition = (int) bits_slowly(epc, 11, 3);
	CHECK(epc[0] == 0x30 && sgtin.filter == bits_slowly(epc, 8, 3));
	CHECK(sgtin.company_digits == 12 - partition);
	CHECK(sgtin.company == bits_slowly(epc, 14, company_bits[partition]));
	CHECK(sgtin.item == bits_slowly(epc, 14 + company_bits[partition],
									44 - company_bits[partition]));
	CHECK(sgtin.serial == bits_slowly(epc, 58, 38));

	omni_types_sgtin_encode(&sgtin, copy);
	CHECK(memcmp(copy, epc, bytes) == 0);

	len = omni_types_epc_print_hex(epc, bytes, text);
	CHECK(len == 24 && strlen(text) == len);
	CHECK(omni_types_epc_parse(text, len, copy, &n) == OMNI_EPC_OK);
	CHECK(n == bytes && memcmp(copy, epc, bytes) == 0);

	len = omni_types_sgtin_print_tag_uri(&sgtin, text);
	CHECK(len < OMNI_EPC_URI_SIZE && strlen(text) == len);
	CHECK(omni_types_epc_parse(text, len, copy, &n) == OMNI_EPC_OK);
	CHECK(n == bytes && memcmp(copy, epc, bytes) == 0);

	len = omni_types_sgtin_print_identity(&sgtin, text);
	CHECK(len < OMNI_EPC_URI_SIZE && strlen(text) == len);
	CHECK(omni_types_epc_parse(text, len, copy, &n) ==
		  OMNI_EPC_NEEDS_FILTER);
	CHECK(omni_types_sgtin_parse_identity(text, len, &again) == OMNI_EPC_OK);
	again.filter = sgtin.filter;
	omni_types_sgtin_encode(&again, copy);
	CHECK(memcmp(copy, epc, bytes) == 0);

	/* the GTIN: indicator, company prefix, item, check digit, as text */
	gtin = omni_types_sgtin_gtin(&sgtin);
	CHECK(omni_types_gtin_check(gtin, &expected) == OMNI_GTIN_OK);
	omni_types_gtin_print_14(gtin, digits);
	CHECK(strncmp(text + strlen("urn:epc:id:sgtin:"), digits + 1,
				  (size_t) sgtin.company_digits) == 0);
	CHECK(text[strlen("urn:epc:id:sgtin:") + sgtin.company_digits + 1] ==
		  digits[0]);
	CHECK(strncmp(text + strlen("urn:epc:id:sgtin:") + sgtin.company_digits +
				  2, digits + 1 + sgtin.company_digits,
				  (size_t) (12 - sgtin.company_digits)) == 0);
	memset(&again, 0, sizeof(again));
	again.filter = sgtin.filter;
	again.serial = sgtin.serial;
	omni_types_sgtin_set_gtin(&again, gtin, sgtin.company_digits);
	omni_types_sgtin_encode(&again, copy);
	CHECK(memcmp(copy, epc, bytes) == 0);
}

/* Any text: what is taken leads back, and a tag URI is its own print. */
static void
fuzz_text(const char *text, size_t len)
{
	uint8_t		epc[OMNI_EPC_MAX_BYTES];
	char		printed[OMNI_EPC_URI_SIZE];
	OmniSgtin	sgtin;
	size_t		n;

	if (omni_types_epc_parse(text, len, epc, &n) != OMNI_EPC_OK)
		return;
	check_epc(epc, n);
	if (text[0] != 'u')
	{
		CHECK(len == 24);
		return;
	}
	CHECK(omni_types_sgtin_decode(epc, n, &sgtin) == OMNI_EPC_OK);
	CHECK(omni_types_sgtin_print_tag_uri(&sgtin, printed) == len);
	CHECK(memcmp(printed, text, len) == 0);
}

/* Any pure identity likewise. */
static void
fuzz_identity(const char *text, size_t len)
{
	uint8_t		epc[OMNI_EPC_MAX_BYTES];
	char		printed[OMNI_EPC_URI_SIZE];
	OmniSgtin	sgtin;

	if (omni_types_sgtin_parse_identity(text, len, &sgtin) != OMNI_EPC_OK)
		return;
	CHECK(omni_types_sgtin_print_identity(&sgtin, printed) == len);
	CHECK(memcmp(printed, text, len) == 0);
	CHECK(omni_types_sgtin_check(&sgtin) == OMNI_EPC_OK);
	omni_types_sgtin_encode(&sgtin, epc);
	check_epc(epc, OMNI_EPC_SGTIN_96_BYTES);
}

/* Any GTIN, serial number, prefix length and filter make an EPC. */
static void
fuzz_fields(const uint8_t *data, size_t size)
{
	uint8_t		epc[OMNI_EPC_MAX_BYTES];
	char		digits[OMNI_GTIN_TEXT_SIZE];
	OmniSgtin	sgtin = {0};
	uint64_t	gtin;
	uint64_t	serial;

	if (size < 17)
		return;
	memcpy(&gtin, data, 8);
	memcpy(&serial, data + 8, 8);
	omni_types_gtin_print_14((int64_t) (gtin % 10000000000000 * 10), digits);
	gtin = gtin % 10000000000000 * 10 +
		(uint64_t) omni_types_gs1_check_digit(digits, 13);
	sgtin.serial = (int64_t) (serial & OMNI_EPC_MAX_SERIAL);
	sgtin.filter = data[16] % 8;
	omni_types_sgtin_set_gtin(&sgtin, (int64_t) gtin, 6 + data[16] / 8 % 7);
	CHECK(omni_types_sgtin_check(&sgtin) == OMNI_EPC_OK);
	CHECK(omni_types_sgtin_gtin(&sgtin) == (int64_t) gtin);
	omni_types_sgtin_encode(&sgtin, epc);
	check_epc(epc, OMNI_EPC_SGTIN_96_BYTES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % 4)
	{
		case 0:
			fuzz_text((const char *) data + 1, size - 1);
			break;
		case 1:
			if (omni_types_epc_check(data + 1, size - 1) == OMNI_EPC_OK)
				check_epc(data + 1, size - 1);
			break;
		case 2:
			fuzz_identity((const char *) data + 1, size - 1);
			break;
		default:
			fuzz_fields(data + 1, size - 1);
	}
	return 0;
}
