/*
 * args.c
 *	  Arguments of SQL functions: NULL and range checks with omni's errors.
 *
 * SQL functions that need a value are not STRICT: a NULL raises OM002 and
 * names the argument, instead of silently giving NULL and doing nothing.
 */
#include "omni.h"

#include "utils/builtins.h"

#include "core/core.h"

/* Raise OM002 when argument "arg" is NULL. */
static void
require_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", name)));
}

/* Text argument as a C string; OM002 when NULL. */
char *
omni_core_required_text(FunctionCallInfo fcinfo, int arg, const char *name)
{
	require_argument(fcinfo, arg, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* Text argument as a C string, or NULL. */
char *
omni_core_optional_text(FunctionCallInfo fcinfo, int arg)
{
	if (PG_ARGISNULL(arg))
		return NULL;
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* int4 argument; OM002 when NULL. */
int32
omni_core_required_int32(FunctionCallInfo fcinfo, int arg, const char *name)
{
	require_argument(fcinfo, arg, name);
	return PG_GETARG_INT32(arg);
}

/* int8 argument; OM002 when NULL. */
int64
omni_core_required_int64(FunctionCallInfo fcinfo, int arg, const char *name)
{
	require_argument(fcinfo, arg, name);
	return PG_GETARG_INT64(arg);
}

/* int4 argument above 0; OM002 when NULL, OM007 when not positive. */
int32
omni_core_required_quantity(FunctionCallInfo fcinfo, int arg,
							const char *name)
{
	int32		quantity = omni_core_required_int32(fcinfo, arg, name);

	if (quantity <= 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must be greater than zero", name),
				 errdetail("It is %d.", quantity)));
	return quantity;
}
