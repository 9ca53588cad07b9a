/*
 * amount.c
 *	  SQL functions of omni.amount: input and output, constructors, parts,
 *	  comparison, arithmetic.
 *
 * All of them are IMMUTABLE, STRICT (NULL in, NULL out), PARALLEL SAFE, touch
 * no table and work without the library being preloaded.  What an amount is,
 * and what is exact, stands in amount_core.c.
 */
#include "omni.h"

#include "common/hashfn.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"

#include "types/types.h"

/* how much of a rejected text a message shows */
#define EXCERPT_BYTES 64

PG_FUNCTION_INFO_V1(omni_types_amount_in);
PG_FUNCTION_INFO_V1(omni_types_amount_out);
PG_FUNCTION_INFO_V1(omni_types_amount_recv);
PG_FUNCTION_INFO_V1(omni_types_amount_send);
PG_FUNCTION_INFO_V1(omni_types_amount_is);
PG_FUNCTION_INFO_V1(omni_types_amount_exact);
PG_FUNCTION_INFO_V1(omni_types_amount_round);
PG_FUNCTION_INFO_V1(omni_types_amount_currency);
PG_FUNCTION_INFO_V1(omni_types_amount_value);
PG_FUNCTION_INFO_V1(omni_types_amount_minor_units);
PG_FUNCTION_INFO_V1(omni_types_amount_exponent);
PG_FUNCTION_INFO_V1(omni_types_amount_sign);
PG_FUNCTION_INFO_V1(omni_types_amount_abs);
PG_FUNCTION_INFO_V1(omni_types_amount_eq);
PG_FUNCTION_INFO_V1(omni_types_amount_ne);
PG_FUNCTION_INFO_V1(omni_types_amount_lt);
PG_FUNCTION_INFO_V1(omni_types_amount_le);
PG_FUNCTION_INFO_V1(omni_types_amount_gt);
PG_FUNCTION_INFO_V1(omni_types_amount_ge);
PG_FUNCTION_INFO_V1(omni_types_amount_cmp);
PG_FUNCTION_INFO_V1(omni_types_amount_sortsupport);
PG_FUNCTION_INFO_V1(omni_types_amount_hash);
PG_FUNCTION_INFO_V1(omni_types_amount_hash_extended);
PG_FUNCTION_INFO_V1(omni_types_amount_smaller);
PG_FUNCTION_INFO_V1(omni_types_amount_larger);
PG_FUNCTION_INFO_V1(omni_types_amount_add);
PG_FUNCTION_INFO_V1(omni_types_amount_subtract);
PG_FUNCTION_INFO_V1(omni_types_amount_negate);
PG_FUNCTION_INFO_V1(omni_types_amount_multiply);
PG_FUNCTION_INFO_V1(omni_types_amount_multiply_by);
PG_FUNCTION_INFO_V1(omni_types_currency_decimals);
PG_FUNCTION_INFO_V1(omni_types_currency_is);
PG_FUNCTION_INFO_V1(omni_types_currencies);

/*
 * The first bytes of a rejected text, for a message: whole characters only.
 */
char *
omni_types_excerpt(const char *text, size_t len)
{
	int			shown;

	if (len <= EXCERPT_BYTES)
		return pnstrdup(text, len);
	shown = pg_mbcliplen(text, EXCERPT_BYTES, EXCERPT_BYTES);
	return psprintf("%.*s...", shown, text);
}

/*
 * Reject a text.  "seen" holds what omni_types_amount_parse() understood.
 */
static Datum
reject_text(Node *context, const char *text, const OmniAmount *seen,
			OmniAmountError error)
{
	const char *what = omni_types_excerpt(text, strlen(text));

	switch (error)
	{
		case OMNI_AMOUNT_UNKNOWN_CURRENCY:
			OMNI_REJECT(context,
						(errcode(OMNI_ERR_INVALID_TEXT),
						 errmsg("invalid amount: \"%s\"", what),
						 errdetail("ISO 4217 has no currency \"%.3s\".",
								   seen->currency)));
		case OMNI_AMOUNT_NO_EXPONENT:
			OMNI_REJECT(context,
						(errcode(OMNI_ERR_INVALID_TEXT),
						 errmsg("invalid amount: \"%s\"", what),
						 errdetail("\"%.3s\" has no minor unit.",
								   seen->currency)));
		case OMNI_AMOUNT_BAD_EXPONENT:
			OMNI_REJECT(context,
						(errcode(OMNI_ERR_INVALID_TEXT),
						 errmsg("invalid amount: \"%s\"", what),
						 errdetail("An amount has at most %d decimals.",
								   OMNI_AMOUNT_MAX_EXPONENT)));
		case OMNI_AMOUNT_TOO_MANY_DECIMALS:
			if (seen->exponent == 0)
				OMNI_REJECT(context,
							(errcode(OMNI_ERR_INVALID_TEXT),
							 errmsg("invalid amount: \"%s\"", what),
							 errdetail("No decimals are allowed here for \"%.3s\".",
									   seen->currency)));
			OMNI_REJECT(context,
						(errcode(OMNI_ERR_INVALID_TEXT),
						 errmsg("invalid amount: \"%s\"", what),
						 errdetail_plural("At most %d decimal is allowed here for \"%.3s\".",
										  "At most %d decimals are allowed here for \"%.3s\".",
										  seen->exponent, seen->exponent,
										  seen->currency)));
		case OMNI_AMOUNT_OUT_OF_RANGE:
			OMNI_REJECT(context,
						(errcode(OMNI_ERR_OUT_OF_RANGE),
						 errmsg("amount out of range: \"%s\"", what)));
		default:
			OMNI_REJECT(context,
						(errcode(OMNI_ERR_INVALID_TEXT),
						 errmsg("invalid amount: \"%s\"", what),
						 errdetail("An amount is written as three capital letters, one space and a decimal number: \"USD 12.34\".")));
	}
}

/*
 * Raise the error for what the core said of amounts, whose currencies are "a"
 * and, if there are two, "b".
 */
void
omni_types_amount_fail(OmniAmountError error, const char *a, const char *b)
{
	switch (error)
	{
		case OMNI_AMOUNT_MISMATCH:
			ereport(ERROR,
					(errcode(OMNI_ERR_CURRENCY_MISMATCH),
					 errmsg("amounts in \"%.3s\" and \"%.3s\" do not add up",
							a, b)));
			break;
		case OMNI_AMOUNT_OUT_OF_RANGE:
			ereport(ERROR,
					(errcode(OMNI_ERR_OUT_OF_RANGE),
					 errmsg("amount in \"%.3s\" out of range", a)));
			break;
		default:
			elog(ERROR, "unexpected result %d of amount arithmetic", error);
	}
	pg_unreachable();
}

/*
 * Exponent of a currency.  OM007 if there is no such currency, or if it has
 * no minor unit.
 */
int
omni_types_require_currency(const char *code, size_t len)
{
	int			exponent = omni_types_currency_exponent(code, len);

	if (exponent == OMNI_CURRENCY_UNKNOWN)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("unknown currency \"%s\"",
						omni_types_excerpt(code, len)),
				 errdetail("A currency is three capital letters of ISO 4217.")));
	if (exponent == OMNI_CURRENCY_NO_EXPONENT)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("currency \"%.3s\" has no minor unit", code),
				 errdetail("No amount can be expressed in it.")));
	return exponent;
}

/*
 * Round a numeric to "exponent" decimals, in units of the last one.  OM007
 * for NaN and infinity, and with "exact" if rounding would change it; OM008
 * beyond 64 bits.  "code" is the currency, for messages.
 */
static int64
round_numeric(Numeric value, int exponent, bool exact, const char *code)
{
	char	   *text;
	int64_t		minor = 0;

	text = DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(value)));
	switch (omni_types_amount_round_decimal(text, strlen(text), exponent,
											exact, &minor))
	{
		case OMNI_AMOUNT_OK:
			break;
		case OMNI_AMOUNT_TOO_MANY_DECIMALS:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("value has more decimals than currency \"%.3s\"",
							code),
					 errdetail_plural("\"%.3s\" has %d decimal.",
									  "\"%.3s\" has %d decimals.",
									  exponent, code, exponent),
					 errhint("Use omni.round_amount(value, '%.3s') to round it.",
							 code)));
			break;
		case OMNI_AMOUNT_OUT_OF_RANGE:
			omni_types_amount_fail(OMNI_AMOUNT_OUT_OF_RANGE, code, NULL);
			break;
		default:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("an amount cannot be made of \"%s\"",
							omni_types_excerpt(text, strlen(text)))));
	}
	pfree(text);
	return minor;
}

/*
 * A value of a currency as an amount; see types.h.
 */
OmniAmount *
omni_types_amount_make(Numeric value, const char *code, size_t len, bool exact)
{
	int			exponent = omni_types_require_currency(code, len);
	OmniAmount *amount = palloc0(sizeof(OmniAmount));

	amount->minor = round_numeric(value, exponent, exact, code);
	memcpy(amount->currency, code, 3);
	amount->exponent = (uint8) exponent;
	return amount;
}

/* ---- input and output ---- */

/*
 * amount_in(cstring): "USD 12.34".  OM010 if it is no amount, OM008 if it is
 * too large.
 */
Datum
omni_types_amount_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	OmniAmount *amount = palloc(sizeof(OmniAmount));
	OmniAmountError error = omni_types_amount_parse(text, strlen(text),
													amount);

	if (error != OMNI_AMOUNT_OK)
		return reject_text(fcinfo->context, text, amount, error);
	PG_RETURN_OMNI_AMOUNT(amount);
}

/* amount_out(amount): with all its decimals. */
Datum
omni_types_amount_out(PG_FUNCTION_ARGS)
{
	char	   *text = palloc(OMNI_AMOUNT_TEXT_SIZE);

	omni_types_amount_print(PG_GETARG_OMNI_AMOUNT(0), text);
	PG_RETURN_CSTRING(text);
}

/*
 * amount_recv(internal): 12 bytes; OM010 unless they are minor units, a known
 * currency and an exponent in range.
 */
Datum
omni_types_amount_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	OmniAmount *amount = palloc(sizeof(OmniAmount));
	int			len = buffer->len - buffer->cursor;
	const char *wire = pq_getmsgbytes(buffer, len);
	const char *detail;

	switch (omni_types_amount_from_wire((const uint8 *) wire, len, amount))
	{
		case OMNI_AMOUNT_OK:
			PG_RETURN_OMNI_AMOUNT(amount);
		case OMNI_AMOUNT_BAD_LENGTH:
			detail = psprintf("It has %d bytes, not %d.", len,
							  OMNI_AMOUNT_WIRE_SIZE);
			break;
		case OMNI_AMOUNT_BAD_EXPONENT:
			detail = psprintf("An amount has at most %d decimals.",
							  OMNI_AMOUNT_MAX_EXPONENT);
			break;
		default:
			detail = "Its currency is none, or one without a minor unit.";
	}
	ereport(ERROR,
			(errcode(OMNI_ERR_INVALID_TEXT),
			 errmsg("invalid binary amount"),
			 errdetail_internal("%s", detail)));
}

/* amount_send(amount): 12 bytes. */
Datum
omni_types_amount_send(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	uint8		wire[OMNI_AMOUNT_WIRE_SIZE];

	omni_types_amount_to_wire(PG_GETARG_OMNI_AMOUNT(0), wire);
	pq_begintypsend(&buffer);
	pq_sendbytes(&buffer, (const char *) wire, sizeof(wire));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* is_amount(text): would it be taken as an amount? */
Datum
omni_types_amount_is(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	OmniAmount	amount;

	PG_RETURN_BOOL(omni_types_amount_parse(VARDATA_ANY(value),
										   VARSIZE_ANY_EXHDR(value),
										   &amount) == OMNI_AMOUNT_OK);
}

/* ---- constructors and parts ---- */

/*
 * amount(numeric, text): that value, exactly.  OM007 if it has digits beyond
 * the currency's decimals, is not finite, or the currency is unknown; OM008
 * if it is too large.
 */
Datum
omni_types_amount_exact(PG_FUNCTION_ARGS)
{
	text	   *currency = PG_GETARG_TEXT_PP(1);

	PG_RETURN_OMNI_AMOUNT(omni_types_amount_make(PG_GETARG_NUMERIC(0),
												 VARDATA_ANY(currency),
												 VARSIZE_ANY_EXHDR(currency),
												 true));
}

/*
 * round_amount(numeric, text): the amount nearest to the value, a tie going
 * to the even minor unit.  OM007 if it is not finite or the currency is
 * unknown; OM008 if it is too large.
 */
Datum
omni_types_amount_round(PG_FUNCTION_ARGS)
{
	text	   *currency = PG_GETARG_TEXT_PP(1);

	PG_RETURN_OMNI_AMOUNT(omni_types_amount_make(PG_GETARG_NUMERIC(0),
												 VARDATA_ANY(currency),
												 VARSIZE_ANY_EXHDR(currency),
												 false));
}

/* amount_currency(amount): the three letters. */
Datum
omni_types_amount_currency(PG_FUNCTION_ARGS)
{
	OmniAmount *amount = PG_GETARG_OMNI_AMOUNT(0);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(amount->currency, 3));
}

/* amount_value(amount): the number, with all its decimals. */
Datum
omni_types_amount_value(PG_FUNCTION_ARGS)
{
	OmniAmount *amount = PG_GETARG_OMNI_AMOUNT(0);

	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(amount->minor,
												amount->exponent));
}

/* amount_minor_units(amount): the number without its decimal point. */
Datum
omni_types_amount_minor_units(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_OMNI_AMOUNT(0)->minor);
}

/* amount_exponent(amount): how many decimals it has. */
Datum
omni_types_amount_exponent(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_OMNI_AMOUNT(0)->exponent);
}

/* amount_sign(amount): -1, 0 or 1. */
Datum
omni_types_amount_sign(PG_FUNCTION_ARGS)
{
	int64		minor = PG_GETARG_OMNI_AMOUNT(0)->minor;

	PG_RETURN_INT32((minor > 0) - (minor < 0));
}

/* amount_abs(amount): without its sign.  OM008 for the smallest of all. */
Datum
omni_types_amount_abs(PG_FUNCTION_ARGS)
{
	if (PG_GETARG_OMNI_AMOUNT(0)->minor < 0)
		return omni_types_amount_negate(fcinfo);
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* ---- comparison: total, by currency, then by worth ---- */

#define COMPARE_ARGS() \
	omni_types_amount_compare(PG_GETARG_OMNI_AMOUNT(0), \
							  PG_GETARG_OMNI_AMOUNT(1))

/* amount_eq(amount, amount) */
Datum
omni_types_amount_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() == 0);
}

/* amount_ne(amount, amount) */
Datum
omni_types_amount_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() != 0);
}

/* amount_lt(amount, amount) */
Datum
omni_types_amount_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() < 0);
}

/* amount_le(amount, amount) */
Datum
omni_types_amount_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() <= 0);
}

/* amount_gt(amount, amount) */
Datum
omni_types_amount_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() > 0);
}

/* amount_ge(amount, amount) */
Datum
omni_types_amount_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGS() >= 0);
}

/* amount_cmp(amount, amount): -1, 0 or 1, for btree. */
Datum
omni_types_amount_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(COMPARE_ARGS());
}

/* amount_cmp() without a function call's overhead, for sorts. */
static int
compare_for_sort(Datum a, Datum b, SortSupport ssup)
{
	return omni_types_amount_compare(DatumGetOmniAmount(a),
									 DatumGetOmniAmount(b));
}

/* amount_sortsupport(internal) */
Datum
omni_types_amount_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = compare_for_sort;
	PG_RETURN_VOID();
}

/* amount_hash(amount): equal amounts hash alike, whatever their exponents. */
Datum
omni_types_amount_hash(PG_FUNCTION_ARGS)
{
	OmniAmount	normal;

	omni_types_amount_normalise(PG_GETARG_OMNI_AMOUNT(0), &normal);
	return hash_any((const unsigned char *) &normal, sizeof(normal));
}

/* amount_hash_extended(amount, int8): the same with a seed. */
Datum
omni_types_amount_hash_extended(PG_FUNCTION_ARGS)
{
	OmniAmount	normal;

	omni_types_amount_normalise(PG_GETARG_OMNI_AMOUNT(0), &normal);
	return hash_any_extended((const unsigned char *) &normal, sizeof(normal),
							 PG_GETARG_INT64(1));
}

/* amount_smaller(amount, amount): for min(). */
Datum
omni_types_amount_smaller(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(COMPARE_ARGS() <= 0 ? 0 : 1));
}

/* amount_larger(amount, amount): for max(). */
Datum
omni_types_amount_larger(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(COMPARE_ARGS() >= 0 ? 0 : 1));
}

/* ---- arithmetic: OM008 when the result is too large ---- */

/* amount_add(amount, amount).  OM009 for two currencies. */
Datum
omni_types_amount_add(PG_FUNCTION_ARGS)
{
	OmniAmount *a = PG_GETARG_OMNI_AMOUNT(0);
	OmniAmount *b = PG_GETARG_OMNI_AMOUNT(1);
	OmniAmount *result = palloc(sizeof(OmniAmount));
	OmniAmountError error = omni_types_amount_plus(a, b, result);

	if (error != OMNI_AMOUNT_OK)
		omni_types_amount_fail(error, a->currency, b->currency);
	PG_RETURN_OMNI_AMOUNT(result);
}

/* amount_subtract(amount, amount).  OM009 for two currencies. */
Datum
omni_types_amount_subtract(PG_FUNCTION_ARGS)
{
	OmniAmount *a = PG_GETARG_OMNI_AMOUNT(0);
	OmniAmount *b = PG_GETARG_OMNI_AMOUNT(1);
	OmniAmount *result = palloc(sizeof(OmniAmount));
	OmniAmountError error = omni_types_amount_minus(a, b, result);

	if (error != OMNI_AMOUNT_OK)
		omni_types_amount_fail(error, a->currency, b->currency);
	PG_RETURN_OMNI_AMOUNT(result);
}

/* amount_negate(amount) */
Datum
omni_types_amount_negate(PG_FUNCTION_ARGS)
{
	OmniAmount *amount = PG_GETARG_OMNI_AMOUNT(0);
	OmniAmount *result = palloc(sizeof(OmniAmount));
	OmniAmountError error = omni_types_amount_opposite(amount, result);

	if (error != OMNI_AMOUNT_OK)
		omni_types_amount_fail(error, amount->currency, NULL);
	PG_RETURN_OMNI_AMOUNT(result);
}

/*
 * amount × factor at the amount's exponent, half to even; exact for a whole
 * number.  OM007 for NaN and infinity.
 */
static Datum
multiply(OmniAmount *amount, Numeric factor)
{
	OmniAmount *result = palloc(sizeof(OmniAmount));
	bool		overflow = false;
	Numeric		product;

	/* exact: a whole number times something adds no decimals */
	product = numeric_mul_opt_error(int64_to_numeric(amount->minor), factor,
									&overflow);
	if (overflow)
		omni_types_amount_fail(OMNI_AMOUNT_OUT_OF_RANGE, amount->currency,
							   NULL);
	*result = *amount;
	result->minor = round_numeric(product, 0, false, amount->currency);
	PG_RETURN_OMNI_AMOUNT(result);
}

/* amount_multiply(amount, numeric) */
Datum
omni_types_amount_multiply(PG_FUNCTION_ARGS)
{
	return multiply(PG_GETARG_OMNI_AMOUNT(0), PG_GETARG_NUMERIC(1));
}

/* amount_multiply_by(numeric, amount): the same, the other way round. */
Datum
omni_types_amount_multiply_by(PG_FUNCTION_ARGS)
{
	return multiply(PG_GETARG_OMNI_AMOUNT(1), PG_GETARG_NUMERIC(0));
}

/* ---- currencies ---- */

/*
 * currency_exponent(text): decimals of a currency.  OM007 if there is no such
 * currency, or if it has no minor unit.
 */
Datum
omni_types_currency_decimals(PG_FUNCTION_ARGS)
{
	text	   *currency = PG_GETARG_TEXT_PP(0);

	PG_RETURN_INT32(omni_types_require_currency(VARDATA_ANY(currency),
												VARSIZE_ANY_EXHDR(currency)));
}

/* is_currency(text): can amounts be in it? */
Datum
omni_types_currency_is(PG_FUNCTION_ARGS)
{
	text	   *currency = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(omni_types_currency_exponent(VARDATA_ANY(currency),
												VARSIZE_ANY_EXHDR(currency)) >= 0);
}

/*
 * currencies(): code and exponent of every known currency, historic ones
 * included; a NULL exponent where no amount can be in it.
 */
Datum
omni_types_currencies(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const OmniCurrency *list;
	size_t		n;

	InitMaterializedSRF(fcinfo, 0);
	list = omni_types_currency_list(&n);
	for (size_t i = 0; i < n; i++)
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};

		values[0] = PointerGetDatum(cstring_to_text(list[i].code));
		values[1] = Int32GetDatum(list[i].exponent);
		nulls[1] = list[i].exponent == OMNI_CURRENCY_NO_EXPONENT;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}
