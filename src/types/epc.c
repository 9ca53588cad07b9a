/*
 * epc.c
 *	  SQL functions of omni.epc.
 *
 * An EPC is a varlena over the bytes of a tag's EPC memory (see epc_core.c);
 * its input has checked them, so what is stored can be taken apart.  Equal
 * means: the same bytes.  All functions are IMMUTABLE, STRICT, PARALLEL SAFE,
 * touch no table and work without the library being preloaded.
 */
#include "omni.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"

#include "types/types.h"

PG_FUNCTION_INFO_V1(omni_types_epc_in);
PG_FUNCTION_INFO_V1(omni_types_epc_out);
PG_FUNCTION_INFO_V1(omni_types_epc_recv);
PG_FUNCTION_INFO_V1(omni_types_epc_send);
PG_FUNCTION_INFO_V1(omni_types_epc_is);
PG_FUNCTION_INFO_V1(omni_types_epc_make_sgtin);
PG_FUNCTION_INFO_V1(omni_types_epc_from_identity);
PG_FUNCTION_INFO_V1(omni_types_epc_scheme);
PG_FUNCTION_INFO_V1(omni_types_epc_gtin);
PG_FUNCTION_INFO_V1(omni_types_epc_serial);
PG_FUNCTION_INFO_V1(omni_types_epc_filter);
PG_FUNCTION_INFO_V1(omni_types_epc_company_prefix);
PG_FUNCTION_INFO_V1(omni_types_epc_tag_uri);
PG_FUNCTION_INFO_V1(omni_types_epc_identity_uri);
PG_FUNCTION_INFO_V1(omni_types_epc_eq);
PG_FUNCTION_INFO_V1(omni_types_epc_ne);
PG_FUNCTION_INFO_V1(omni_types_epc_lt);
PG_FUNCTION_INFO_V1(omni_types_epc_le);
PG_FUNCTION_INFO_V1(omni_types_epc_gt);
PG_FUNCTION_INFO_V1(omni_types_epc_ge);
PG_FUNCTION_INFO_V1(omni_types_epc_cmp);
PG_FUNCTION_INFO_V1(omni_types_epc_sortsupport);
PG_FUNCTION_INFO_V1(omni_types_epc_hash);
PG_FUNCTION_INFO_V1(omni_types_epc_hash_extended);

/* What is wrong, as a sentence for errdetail. */
static const char *
explain(OmniEpcError error)
{
	switch (error)
	{
		case OMNI_EPC_BAD_LENGTH:
			return "An SGTIN-96 has 24 hexadecimal digits (12 bytes).";
		case OMNI_EPC_NOT_HEX:
			return "An EPC is written in hexadecimal digits, or as a tag URI: \"urn:epc:tag:sgtin-96:...\".";
		case OMNI_EPC_UNKNOWN_HEADER:
			return "Its header is not that of an SGTIN-96 (hexadecimal 30).";
		case OMNI_EPC_BAD_PARTITION:
			return "Its partition is 7, which does not exist.";
		case OMNI_EPC_COMPANY_RANGE:
			return "Its company prefix has more digits than its partition says.";
		case OMNI_EPC_ITEM_RANGE:
			return "Its item reference has more digits than its partition says.";
		case OMNI_EPC_UNKNOWN_URI:
			return "The URI is not one of an SGTIN-96.";
		case OMNI_EPC_NEEDS_FILTER:
			return "A pure identity does not say what the tag's filter value is.";
		case OMNI_EPC_BAD_FILTER:
			return "A filter value is one digit from 0 to 7.";
		case OMNI_EPC_BAD_COMPANY:
			return "A company prefix has 6 to 12 digits.";
		case OMNI_EPC_BAD_ITEM:
			return "Company prefix and item reference together have 13 digits.";
		case OMNI_EPC_BAD_SERIAL:
			return "A serial number is from 0 to 274877906943, without leading zeros.";
		default:
			return "It is malformed.";
	}
}

/* The fields of an EPC argument. */
static void
get_sgtin(Datum datum, OmniSgtin *sgtin)
{
	struct varlena *epc = PG_DETOAST_DATUM_PACKED(datum);

	if (omni_types_sgtin_decode((const uint8 *) VARDATA_ANY(epc),
								VARSIZE_ANY_EXHDR(epc), sgtin) != OMNI_EPC_OK)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored EPC is damaged")));
}

/* An EPC datum over checked bytes. */
static Datum
make_epc(const uint8 *bytes, size_t n)
{
	struct varlena *epc = palloc(VARHDRSZ + n);

	SET_VARSIZE(epc, VARHDRSZ + n);
	memcpy(VARDATA(epc), bytes, n);
	return PointerGetDatum(epc);
}

/* ---- input and output ---- */

/*
 * epc_in(cstring): hexadecimal digits or a tag URI.  OM010 for anything else,
 * and for fields out of their range.
 */
Datum
omni_types_epc_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	uint8		bytes[OMNI_EPC_MAX_BYTES];
	size_t		n;
	OmniEpcError error = omni_types_epc_parse(text, strlen(text), bytes, &n);

	if (error == OMNI_EPC_NEEDS_FILTER)
		OMNI_REJECT(fcinfo->context,
					(errcode(OMNI_ERR_INVALID_TEXT),
					 errmsg("invalid EPC: \"%s\"",
							omni_types_excerpt(text, strlen(text))),
					 errdetail_internal("%s", explain(error)),
					 errhint("Use omni.epc_from_identity(uri, filter).")));
	if (error != OMNI_EPC_OK)
		OMNI_REJECT(fcinfo->context,
					(errcode(OMNI_ERR_INVALID_TEXT),
					 errmsg("invalid EPC: \"%s\"",
							omni_types_excerpt(text, strlen(text))),
					 errdetail_internal("%s", explain(error))));
	return make_epc(bytes, n);
}

/* epc_out(epc): capital hexadecimal digits. */
Datum
omni_types_epc_out(PG_FUNCTION_ARGS)
{
	struct varlena *epc = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	size_t		n = VARSIZE_ANY_EXHDR(epc);
	char	   *text = palloc(2 * n + 1);

	omni_types_epc_print_hex((const uint8 *) VARDATA_ANY(epc), n, text);
	PG_RETURN_CSTRING(text);
}

/* epc_recv(internal): the bytes of a tag; OM010 unless they are an EPC. */
Datum
omni_types_epc_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			n = buffer->len - buffer->cursor;
	const uint8 *bytes = (const uint8 *) pq_getmsgbytes(buffer, n);
	OmniEpcError error = omni_types_epc_check(bytes, n);

	if (error != OMNI_EPC_OK)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_TEXT),
				 errmsg("invalid binary EPC"),
				 errdetail_internal("%s", explain(error))));
	return make_epc(bytes, n);
}

/* epc_send(epc): the bytes of the tag. */
Datum
omni_types_epc_send(PG_FUNCTION_ARGS)
{
	struct varlena *epc = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendbytes(&buffer, VARDATA_ANY(epc), VARSIZE_ANY_EXHDR(epc));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* is_epc(text): would it be taken as an EPC? */
Datum
omni_types_epc_is(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	uint8		bytes[OMNI_EPC_MAX_BYTES];
	size_t		n;

	PG_RETURN_BOOL(omni_types_epc_parse(VARDATA_ANY(value),
										VARSIZE_ANY_EXHDR(value),
										bytes, &n) == OMNI_EPC_OK);
}

/* ---- to and from GTIN, serial number and URI ---- */

/*
 * Make an EPC of fields; OM007 if one is out of its range.
 */
static Datum
make_sgtin(const OmniSgtin *sgtin)
{
	uint8		bytes[OMNI_EPC_SGTIN_96_BYTES];
	OmniEpcError error = omni_types_sgtin_check(sgtin);

	if (error != OMNI_EPC_OK)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("no SGTIN-96 can be made of this"),
				 errdetail_internal("%s", explain(error))));
	omni_types_sgtin_encode(sgtin, bytes);
	return make_epc(bytes, sizeof(bytes));
}

/*
 * make_sgtin_96(gtin, bigint, integer, integer): GTIN, serial number, digits
 * of the company prefix (6 … 12), filter value (0 … 7).  OM007 for a value
 * out of its range.
 */
Datum
omni_types_epc_make_sgtin(PG_FUNCTION_ARGS)
{
	OmniSgtin	sgtin = {0};
	int			company_digits = PG_GETARG_INT32(2);

	sgtin.serial = PG_GETARG_INT64(1);
	sgtin.filter = PG_GETARG_INT32(3);
	/* a number of digits that is out of range is left to the check */
	if (company_digits >= OMNI_EPC_MIN_COMPANY_DIGITS &&
		company_digits <= OMNI_EPC_MAX_COMPANY_DIGITS)
		omni_types_sgtin_set_gtin(&sgtin, PG_GETARG_INT64(0), company_digits);
	return make_sgtin(&sgtin);
}

/*
 * epc_from_identity(text, integer): pure identity URI and filter value.
 * OM010 for a URI that is none of an SGTIN, or whose serial number an
 * SGTIN-96 cannot hold; OM007 for another filter value than 0 … 7.
 */
Datum
omni_types_epc_from_identity(PG_FUNCTION_ARGS)
{
	text	   *uri = PG_GETARG_TEXT_PP(0);
	OmniSgtin	sgtin;
	OmniEpcError error;

	error = omni_types_sgtin_parse_identity(VARDATA_ANY(uri),
											VARSIZE_ANY_EXHDR(uri), &sgtin);
	if (error != OMNI_EPC_OK)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_TEXT),
				 errmsg("invalid pure identity: \"%s\"",
						omni_types_excerpt(VARDATA_ANY(uri),
										   VARSIZE_ANY_EXHDR(uri))),
				 errdetail_internal("%s", error == OMNI_EPC_UNKNOWN_URI ?
									"It does not begin with \"urn:epc:id:sgtin:\"." :
									explain(error))));
	sgtin.filter = PG_GETARG_INT32(1);
	return make_sgtin(&sgtin);
}

/* epc_scheme(epc): "sgtin-96", the only one so far. */
Datum
omni_types_epc_scheme(PG_FUNCTION_ARGS)
{
	OmniSgtin	sgtin;

	get_sgtin(PG_GETARG_DATUM(0), &sgtin);
	PG_RETURN_TEXT_P(cstring_to_text("sgtin-96"));
}

/* epc_gtin(epc): the trade item. */
Datum
omni_types_epc_gtin(PG_FUNCTION_ARGS)
{
	OmniSgtin	sgtin;

	get_sgtin(PG_GETARG_DATUM(0), &sgtin);
	PG_RETURN_INT64(omni_types_sgtin_gtin(&sgtin));
}

/* epc_serial(epc): text, because other schemes have letters in it. */
Datum
omni_types_epc_serial(PG_FUNCTION_ARGS)
{
	OmniSgtin	sgtin;

	get_sgtin(PG_GETARG_DATUM(0), &sgtin);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(INT64_FORMAT,
											  (int64) sgtin.serial)));
}

/* epc_filter(epc): 0 … 7. */
Datum
omni_types_epc_filter(PG_FUNCTION_ARGS)
{
	OmniSgtin	sgtin;

	get_sgtin(PG_GETARG_DATUM(0), &sgtin);
	PG_RETURN_INT32(sgtin.filter);
}

/* epc_company_prefix(epc): with its leading zeros. */
Datum
omni_types_epc_company_prefix(PG_FUNCTION_ARGS)
{
	OmniSgtin	sgtin;

	get_sgtin(PG_GETARG_DATUM(0), &sgtin);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%0*lld", sgtin.company_digits,
											  (long long) sgtin.company)));
}

/* epc_tag_uri(epc): urn:epc:tag:sgtin-96:filter.company.item.serial */
Datum
omni_types_epc_tag_uri(PG_FUNCTION_ARGS)
{
	OmniSgtin	sgtin;
	char		uri[OMNI_EPC_URI_SIZE];

	get_sgtin(PG_GETARG_DATUM(0), &sgtin);
	omni_types_sgtin_print_tag_uri(&sgtin, uri);
	PG_RETURN_TEXT_P(cstring_to_text(uri));
}

/* epc_identity_uri(epc): urn:epc:id:sgtin:company.item.serial */
Datum
omni_types_epc_identity_uri(PG_FUNCTION_ARGS)
{
	OmniSgtin	sgtin;
	char		uri[OMNI_EPC_URI_SIZE];

	get_sgtin(PG_GETARG_DATUM(0), &sgtin);
	omni_types_sgtin_print_identity(&sgtin, uri);
	PG_RETURN_TEXT_P(cstring_to_text(uri));
}

/* ---- comparison: byte by byte, a prefix first ---- */

/* Order of two EPCs: -1, 0 or 1. */
static int
compare_epcs(struct varlena *a, struct varlena *b)
{
	size_t		a_len = VARSIZE_ANY_EXHDR(a);
	size_t		b_len = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b),
							   Min(a_len, b_len));

	if (order != 0)
		return order < 0 ? -1 : 1;
	return (a_len > b_len) - (a_len < b_len);
}

/* Order of two EPC datums; frees what it had to detoast. */
static int
compare_datums(Datum x, Datum y)
{
	struct varlena *a = PG_DETOAST_DATUM_PACKED(x);
	struct varlena *b = PG_DETOAST_DATUM_PACKED(y);
	int			order = compare_epcs(a, b);

	if ((Pointer) a != DatumGetPointer(x))
		pfree(a);
	if ((Pointer) b != DatumGetPointer(y))
		pfree(b);
	return order;
}

#define COMPARE_ARGS() compare_datums(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1))

/* epc_eq(epc, epc) */
Datum
omni_types_epc_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() == 0);
}

/* epc_ne(epc, epc) */
Datum
omni_types_epc_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() != 0);
}

/* epc_lt(epc, epc) */
Datum
omni_types_epc_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() < 0);
}

/* epc_le(epc, epc) */
Datum
omni_types_epc_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() <= 0);
}

/* epc_gt(epc, epc) */
Datum
omni_types_epc_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() > 0);
}

/* epc_ge(epc, epc) */
Datum
omni_types_epc_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() >= 0);
}

/* epc_cmp(epc, epc): -1, 0 or 1, for btree. */
Datum
omni_types_epc_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(COMPARE_ARGS());
}

/* epc_cmp() without a function call's overhead, for sorts. */
static int
compare_for_sort(Datum a, Datum b, SortSupport ssup)
{
	return compare_datums(a, b);
}

/* epc_sortsupport(internal) */
Datum
omni_types_epc_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = compare_for_sort;
	PG_RETURN_VOID();
}

/* epc_hash(epc) */
Datum
omni_types_epc_hash(PG_FUNCTION_ARGS)
{
	struct varlena *epc = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	Datum		hash = hash_any((const unsigned char *) VARDATA_ANY(epc),
								VARSIZE_ANY_EXHDR(epc));

	PG_FREE_IF_COPY(epc, 0);
	return hash;
}

/* epc_hash_extended(epc, int8): the same with a seed. */
Datum
omni_types_epc_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *epc = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	Datum		hash;

	hash = hash_any_extended((const unsigned char *) VARDATA_ANY(epc),
							 VARSIZE_ANY_EXHDR(epc), PG_GETARG_INT64(1));
	PG_FREE_IF_COPY(epc, 0);
	return hash;
}
