/*
 * gtin.c
 *	  SQL functions of omni.gtin.
 *
 * A GTIN is stored as an 8-byte integer by value (see gtin_core.c); only its
 * input checks it.  All functions are IMMUTABLE, STRICT, PARALLEL SAFE, touch
 * no table and work without the library being preloaded.
 */
#include "omni.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"

#include "types/types.h"

PG_FUNCTION_INFO_V1(omni_types_gtin_in);
PG_FUNCTION_INFO_V1(omni_types_gtin_out);
PG_FUNCTION_INFO_V1(omni_types_gtin_recv);
PG_FUNCTION_INFO_V1(omni_types_gtin_send);
PG_FUNCTION_INFO_V1(omni_types_gtin_is);
PG_FUNCTION_INFO_V1(omni_types_gtin_14);
PG_FUNCTION_INFO_V1(omni_types_gtin_check_digit);
PG_FUNCTION_INFO_V1(omni_types_gtin_eq);
PG_FUNCTION_INFO_V1(omni_types_gtin_ne);
PG_FUNCTION_INFO_V1(omni_types_gtin_lt);
PG_FUNCTION_INFO_V1(omni_types_gtin_le);
PG_FUNCTION_INFO_V1(omni_types_gtin_gt);
PG_FUNCTION_INFO_V1(omni_types_gtin_ge);
PG_FUNCTION_INFO_V1(omni_types_gtin_cmp);
PG_FUNCTION_INFO_V1(omni_types_gtin_sortsupport);
PG_FUNCTION_INFO_V1(omni_types_gtin_hash);
PG_FUNCTION_INFO_V1(omni_types_gtin_hash_extended);

/* ---- input and output ---- */

/*
 * gtin_in(cstring): 8, 12, 13 or 14 digits.  OM010 for anything else, and for
 * a wrong check digit.
 */
Datum
omni_types_gtin_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	size_t		len = strlen(text);
	int64_t		gtin;
	int			expected;

	switch (omni_types_gtin_parse(text, len, &gtin, &expected))
	{
		case OMNI_GTIN_OK:
			break;
		case OMNI_GTIN_BAD_CHECK_DIGIT:
			OMNI_REJECT(fcinfo->context,
						(errcode(OMNI_ERR_INVALID_TEXT),
						 errmsg("invalid GTIN: \"%s\"", text),
						 errdetail("The check digit is %c, expected %d.",
								   text[len - 1], expected)));
		case OMNI_GTIN_BAD_LENGTH:
			OMNI_REJECT(fcinfo->context,
						(errcode(OMNI_ERR_INVALID_TEXT),
						 errmsg("invalid GTIN: \"%s\"",
								omni_types_excerpt(text, len)),
						 errdetail("A GTIN has 8, 12, 13 or 14 digits, not %zu.",
								   len)));
		default:
			OMNI_REJECT(fcinfo->context,
						(errcode(OMNI_ERR_INVALID_TEXT),
						 errmsg("invalid GTIN: \"%s\"",
								omni_types_excerpt(text, len)),
						 errdetail("A GTIN consists of digits alone.")));
	}
	PG_RETURN_INT64(gtin);
}

/* gtin_out(gtin): the shortest of 8, 12, 13 and 14 digits that holds it. */
Datum
omni_types_gtin_out(PG_FUNCTION_ARGS)
{
	char	   *text = palloc(OMNI_GTIN_TEXT_SIZE);

	omni_types_gtin_print(PG_GETARG_INT64(0), text);
	PG_RETURN_CSTRING(text);
}

/* gtin_recv(internal): 8 bytes; OM010 unless they are a GTIN. */
Datum
omni_types_gtin_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			len = buffer->len - buffer->cursor;
	int64		gtin;
	int			expected;

	if (len != sizeof(int64))
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_TEXT),
				 errmsg("invalid binary GTIN"),
				 errdetail("It has %d bytes, not %d.", len,
						   (int) sizeof(int64))));
	gtin = pq_getmsgint64(buffer);
	switch (omni_types_gtin_check(gtin, &expected))
	{
		case OMNI_GTIN_OK:
			break;
		case OMNI_GTIN_BAD_CHECK_DIGIT:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_TEXT),
					 errmsg("invalid binary GTIN"),
					 errdetail("The check digit is %d, expected %d.",
							   (int) (gtin % 10), expected)));
			break;
		default:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_TEXT),
					 errmsg("invalid binary GTIN"),
					 errdetail("A GTIN has at most 14 digits.")));
	}
	PG_RETURN_INT64(gtin);
}

/* gtin_send(gtin): 8 bytes, most significant first. */
Datum
omni_types_gtin_send(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendint64(&buffer, PG_GETARG_INT64(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* is_gtin(text): would it be taken as a GTIN? */
Datum
omni_types_gtin_is(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	int64_t		gtin;
	int			expected;

	PG_RETURN_BOOL(omni_types_gtin_parse(VARDATA_ANY(value),
										 VARSIZE_ANY_EXHDR(value),
										 &gtin, &expected) == OMNI_GTIN_OK);
}

/* gtin_14(gtin): all 14 digits. */
Datum
omni_types_gtin_14(PG_FUNCTION_ARGS)
{
	char		text[OMNI_GTIN_TEXT_SIZE];

	omni_types_gtin_print_14(PG_GETARG_INT64(0), text);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

/*
 * gs1_check_digit(text): the check digit that belongs behind these digits
 * (GTIN, SSCC, GLN …).  OM010 if there are none, or other characters.
 */
Datum
omni_types_gtin_check_digit(PG_FUNCTION_ARGS)
{
	text	   *digits = PG_GETARG_TEXT_PP(0);
	int			result;

	result = omni_types_gs1_check_digit(VARDATA_ANY(digits),
										VARSIZE_ANY_EXHDR(digits));
	if (result < 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_TEXT),
				 errmsg("no check digit for \"%s\"",
						omni_types_excerpt(VARDATA_ANY(digits),
										   VARSIZE_ANY_EXHDR(digits))),
				 errdetail("Digits are required, and nothing else.")));
	PG_RETURN_INT32(result);
}

/* ---- comparison: as numbers of 14 digits ---- */

/* gtin_eq(gtin, gtin) */
Datum
omni_types_gtin_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT64(0) == PG_GETARG_INT64(1));
}

/* gtin_ne(gtin, gtin) */
Datum
omni_types_gtin_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT64(0) != PG_GETARG_INT64(1));
}

/* gtin_lt(gtin, gtin) */
Datum
omni_types_gtin_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT64(0) < PG_GETARG_INT64(1));
}

/* gtin_le(gtin, gtin) */
Datum
omni_types_gtin_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT64(0) <= PG_GETARG_INT64(1));
}

/* gtin_gt(gtin, gtin) */
Datum
omni_types_gtin_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT64(0) > PG_GETARG_INT64(1));
}

/* gtin_ge(gtin, gtin) */
Datum
omni_types_gtin_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT64(0) >= PG_GETARG_INT64(1));
}

/* gtin_cmp(gtin, gtin): -1, 0 or 1, for btree. */
Datum
omni_types_gtin_cmp(PG_FUNCTION_ARGS)
{
	int64		a = PG_GETARG_INT64(0);
	int64		b = PG_GETARG_INT64(1);

	PG_RETURN_INT32((a > b) - (a < b));
}

#if SIZEOF_DATUM < 8
/* gtin_cmp() without a function call's overhead, for sorts. */
static int
compare_for_sort(Datum x, Datum y, SortSupport ssup)
{
	int64		a = DatumGetInt64(x);
	int64		b = DatumGetInt64(y);

	return (a > b) - (a < b);
}
#endif

/* gtin_sortsupport(internal) */
Datum
omni_types_gtin_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

#if SIZEOF_DATUM >= 8
	ssup->comparator = ssup_datum_signed_cmp;
#else
	ssup->comparator = compare_for_sort;
#endif
	PG_RETURN_VOID();
}

/* gtin_hash(gtin) */
Datum
omni_types_gtin_hash(PG_FUNCTION_ARGS)
{
	int64		gtin = PG_GETARG_INT64(0);

	return hash_any((const unsigned char *) &gtin, sizeof(gtin));
}

/* gtin_hash_extended(gtin, int8): the same with a seed. */
Datum
omni_types_gtin_hash_extended(PG_FUNCTION_ARGS)
{
	int64		gtin = PG_GETARG_INT64(0);

	return hash_any_extended((const unsigned char *) &gtin, sizeof(gtin),
							 PG_GETARG_INT64(1));
}
