/*
 * init.c
 *	  What customer does in _PG_init.
 */
#include "omni.h"

#include "catalog/pg_type.h"

#include "customer/customer.h"
#include "master/master.h"

/* A channel whose external ids are known stays; see master.h. */
static const char *
find_reference(OmniMasterKind kind, int64 id)
{
	static OmniQuery query = {
		.sql = "SELECT EXISTS (SELECT FROM omni.customer_identifier"
		" WHERE channel_id = $1)",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(id);
	OmniRows	rows;

	if (kind != OMNI_MASTER_CHANNEL)
		return NULL;
	omni_core_query(&query, &value, NULL, false, &rows);
	return DatumGetBool(OMNI_VALUE(&rows, 0, 0)) ? "a customer's identifier" :
		NULL;
}

void
omni_customer_init(void)
{
	omni_master_register_reference_check(find_reference);
}
