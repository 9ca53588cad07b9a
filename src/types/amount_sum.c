/*
 * amount_sum.c
 *	  The aggregate sum(omni.amount), and omni.allocate().
 *
 * The state of a sum is an OmniAmountSum in the aggregate's memory context:
 * exact in 128 bits, so only the final result can be out of range.  It can
 * travel between parallel workers, and take an amount back out (window
 * frames).
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "types/types.h"

/* keeps the time of a sort, and the size of the result, within reason */
#define MAX_PARTS 1000000

PG_FUNCTION_INFO_V1(omni_types_amount_sum_add);
PG_FUNCTION_INFO_V1(omni_types_amount_sum_remove);
PG_FUNCTION_INFO_V1(omni_types_amount_sum_combine);
PG_FUNCTION_INFO_V1(omni_types_amount_sum_serialize);
PG_FUNCTION_INFO_V1(omni_types_amount_sum_deserialize);
PG_FUNCTION_INFO_V1(omni_types_amount_sum_final);
PG_FUNCTION_INFO_V1(omni_types_amount_allocate);

/*
 * A state, taken from argument "arg" or, if that is NULL, made in the
 * aggregate's context.
 */
static OmniAmountSum *
get_state(FunctionCallInfo fcinfo, int arg)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "function of an aggregate called outside of one");
	if (!PG_ARGISNULL(arg))
		return (OmniAmountSum *) PG_GETARG_POINTER(arg);
	return MemoryContextAllocZero(context, sizeof(OmniAmountSum));
}

/*
 * amount_sum_add(internal, amount): NULL amounts do not count.  OM009 for a
 * second currency.
 */
Datum
omni_types_amount_sum_add(PG_FUNCTION_ARGS)
{
	OmniAmountSum *state = get_state(fcinfo, 0);

	if (!PG_ARGISNULL(1))
	{
		OmniAmount *amount = PG_GETARG_OMNI_AMOUNT(1);
		OmniAmountError error = omni_types_amount_sum_put(state, amount);

		if (error != OMNI_AMOUNT_OK)
			omni_types_amount_fail(error, state->currency, amount->currency);
	}
	PG_RETURN_POINTER(state);
}

/* amount_sum_remove(internal, amount): the inverse, for moving frames. */
Datum
omni_types_amount_sum_remove(PG_FUNCTION_ARGS)
{
	OmniAmountSum *state = get_state(fcinfo, 0);

	if (!PG_ARGISNULL(1))
	{
		OmniAmount *amount = PG_GETARG_OMNI_AMOUNT(1);
		OmniAmountError error = omni_types_amount_sum_take(state, amount);

		if (error != OMNI_AMOUNT_OK)
			omni_types_amount_fail(error, state->currency, amount->currency);
	}
	PG_RETURN_POINTER(state);
}

/* amount_sum_combine(internal, internal).  OM009 for two currencies. */
Datum
omni_types_amount_sum_combine(PG_FUNCTION_ARGS)
{
	OmniAmountSum *state = get_state(fcinfo, 0);

	if (!PG_ARGISNULL(1))
	{
		OmniAmountSum *other = (OmniAmountSum *) PG_GETARG_POINTER(1);
		OmniAmountError error = omni_types_amount_sum_merge(state, other);

		if (error != OMNI_AMOUNT_OK)
			omni_types_amount_fail(error, state->currency, other->currency);
	}
	PG_RETURN_POINTER(state);
}

/* amount_sum_serialize(internal): for a parallel worker's leader. */
Datum
omni_types_amount_sum_serialize(PG_FUNCTION_ARGS)
{
	OmniAmountSum *state = get_state(fcinfo, 0);
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendint64(&buffer, (int64) (state->total >> 64));
	pq_sendint64(&buffer, (int64) (uint64) state->total);
	pq_sendint64(&buffer, state->count);
	for (int i = 0; i <= OMNI_AMOUNT_MAX_EXPONENT; i++)
		pq_sendint64(&buffer, state->by_exponent[i]);
	pq_sendbytes(&buffer, state->currency, sizeof(state->currency));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* amount_sum_deserialize(bytea, internal) */
Datum
omni_types_amount_sum_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	OmniAmountSum *state = palloc0(sizeof(OmniAmountSum));
	StringInfoData buffer;
	uint64		high;
	uint64		low;

	initStringInfo(&buffer);
	appendBinaryStringInfo(&buffer, VARDATA_ANY(bytes),
						   VARSIZE_ANY_EXHDR(bytes));
	high = (uint64) pq_getmsgint64(&buffer);
	low = (uint64) pq_getmsgint64(&buffer);
	state->total = (OmniInt128) ((OmniUInt128) high << 64 | low);
	state->count = pq_getmsgint64(&buffer);
	for (int i = 0; i <= OMNI_AMOUNT_MAX_EXPONENT; i++)
		state->by_exponent[i] = pq_getmsgint64(&buffer);
	pq_copymsgbytes(&buffer, state->currency, sizeof(state->currency));
	pq_getmsgend(&buffer);
	pfree(buffer.data);
	PG_RETURN_POINTER(state);
}

/*
 * amount_sum_final(internal): NULL over no amounts.  OM008 if the sum is out
 * of range.
 */
Datum
omni_types_amount_sum_final(PG_FUNCTION_ARGS)
{
	OmniAmountSum *state = PG_ARGISNULL(0) ? NULL :
		(OmniAmountSum *) PG_GETARG_POINTER(0);
	OmniAmount *result;
	OmniAmountError error;

	if (state == NULL || state->count == 0)
		PG_RETURN_NULL();
	result = palloc(sizeof(OmniAmount));
	error = omni_types_amount_sum_result(state, result);
	if (error != OMNI_AMOUNT_OK)
		omni_types_amount_fail(error, state->currency, NULL);
	PG_RETURN_OMNI_AMOUNT(result);
}

/*
 * The weights of an array of bigint: one dimension, 1 to MAX_PARTS elements,
 * none NULL.
 */
static int64 *
get_weights(ArrayType *array, int *n)
{
	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("weights must be an array of one dimension, not empty")));
	*n = ARR_DIMS(array)[0];
	if (*n > MAX_PARTS)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("too many weights: %d", *n),
				 errdetail("An amount is divided into at most %d parts.",
						   MAX_PARTS)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("a weight must not be null")));
	return (int64 *) ARR_DATA_PTR(array);
}

/*
 * allocate(amount, bigint[]): the amount in parts proportional to the
 * weights, by largest remainder, ties to the earlier part; the parts add up
 * to the amount.  Strict.  OM007 for a negative weight, for weights that are
 * all zero, none, too many or of several dimensions; OM002 for a NULL weight.
 */
Datum
omni_types_amount_allocate(PG_FUNCTION_ARGS)
{
	OmniAmount *whole = PG_GETARG_OMNI_AMOUNT(0);
	int			n;
	int64	   *weights = get_weights(PG_GETARG_ARRAYTYPE_P(1), &n);
	int64_t    *parts = palloc(sizeof(int64_t) * n);
	OmniAmountShare *room = palloc(sizeof(OmniAmountShare) * n);
	Datum	   *values = palloc(sizeof(Datum) * n);
	OmniAmount *amounts = palloc(sizeof(OmniAmount) * n);
	Oid			amount_oid;

	switch (omni_types_amount_divide(whole->minor, (const int64_t *) weights,
									 n, parts, room))
	{
		case OMNI_AMOUNT_OK:
			break;
		case OMNI_AMOUNT_NEGATIVE_WEIGHT:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("a weight must not be negative")));
			break;
		default:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("at least one weight must be greater than zero")));
	}
	for (int i = 0; i < n; i++)
	{
		amounts[i] = *whole;
		amounts[i].minor = parts[i];
		values[i] = OmniAmountGetDatum(&amounts[i]);
	}
	/* the type's oid is that of this very function's result */
	amount_oid = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, amount_oid,
										  sizeof(OmniAmount), false,
										  TYPALIGN_DOUBLE));
}
