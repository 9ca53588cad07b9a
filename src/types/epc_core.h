/*
 * epc_core.h
 *	  Electronic Product Codes over plain buffers; no PostgreSQL in it.
 *
 * An EPC is kept as the bytes that a tag's EPC memory holds.  The first one,
 * the header, names the scheme, so schemes of other lengths can follow.
 */
#ifndef OMNI_TYPES_EPC_CORE_H
#define OMNI_TYPES_EPC_CORE_H

#include <stddef.h>
#include <stdint.h>

#define OMNI_EPC_HEADER_SGTIN_96	0x30
#define OMNI_EPC_SGTIN_96_BYTES		12
/* the longest scheme known here, as bytes, hex and URI (with a zero byte) */
#define OMNI_EPC_MAX_BYTES			OMNI_EPC_SGTIN_96_BYTES
#define OMNI_EPC_HEX_SIZE			(2 * OMNI_EPC_MAX_BYTES + 1)
#define OMNI_EPC_URI_SIZE			64
/* serial numbers have 38 bits */
#define OMNI_EPC_MAX_SERIAL			((INT64_C(1) << 38) - 1)
#define OMNI_EPC_MIN_COMPANY_DIGITS 6
#define OMNI_EPC_MAX_COMPANY_DIGITS 12
/* digits of company prefix and item reference together */
#define OMNI_EPC_SGTIN_DIGITS		13

typedef enum OmniEpcError
{
	OMNI_EPC_OK = 0,
	OMNI_EPC_BAD_LENGTH,		/* no scheme has that many bytes */
	OMNI_EPC_NOT_HEX,
	OMNI_EPC_UNKNOWN_HEADER,
	OMNI_EPC_BAD_PARTITION,
	OMNI_EPC_COMPANY_RANGE,		/* more digits than the partition has */
	OMNI_EPC_ITEM_RANGE,
	OMNI_EPC_UNKNOWN_URI,		/* a URN, but none known here */
	OMNI_EPC_NEEDS_FILTER,		/* a pure identity */
	OMNI_EPC_BAD_FILTER,
	OMNI_EPC_BAD_COMPANY,
	OMNI_EPC_BAD_ITEM,
	OMNI_EPC_BAD_SERIAL
} OmniEpcError;

/* The fields of an SGTIN-96. */
typedef struct OmniSgtin
{
	int			filter;			/* 0 … 7 */
	int			company_digits; /* 6 … 12 */
	int64_t		company;		/* GS1 company prefix */
	int64_t		item;			/* indicator and item reference */
	int64_t		serial;			/* 0 … OMNI_EPC_MAX_SERIAL */
} OmniSgtin;

/* text and bytes */
extern OmniEpcError omni_types_epc_parse(const char *text, size_t len,
										 uint8_t *epc, size_t *bytes);
extern OmniEpcError omni_types_epc_check(const uint8_t *epc, size_t bytes);
extern size_t omni_types_epc_print_hex(const uint8_t *epc, size_t bytes,
									   char *text);

/* SGTIN-96 */
extern OmniEpcError omni_types_sgtin_check(const OmniSgtin *sgtin);
extern OmniEpcError omni_types_sgtin_decode(const uint8_t *epc, size_t bytes,
											OmniSgtin *sgtin);
extern void omni_types_sgtin_encode(const OmniSgtin *sgtin, uint8_t *epc);
extern OmniEpcError omni_types_sgtin_parse_identity(const char *text,
													size_t len,
													OmniSgtin *sgtin);
extern size_t omni_types_sgtin_print_tag_uri(const OmniSgtin *sgtin,
											 char *text);
extern size_t omni_types_sgtin_print_identity(const OmniSgtin *sgtin,
											  char *text);
extern int64_t omni_types_sgtin_gtin(const OmniSgtin *sgtin);
extern void omni_types_sgtin_set_gtin(OmniSgtin *sgtin, int64_t gtin,
									  int company_digits);

#endif							/* OMNI_TYPES_EPC_CORE_H */
