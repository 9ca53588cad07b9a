/*
 * guard.c
 *	  Who may see an order, and who may take its steps.
 *
 * A channel's role sees its channel's orders, a store's role the orders that
 * have a fulfilment at its node; reader, support and admin see what their
 * grants cover.  A grant that is limited to a node covers an order when one of
 * its fulfilments is there.  The row policies of the domain's tables ask here,
 * too.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "orders/orders.h"

PG_FUNCTION_INFO_V1(omni_orders_may_see_order);
PG_FUNCTION_INFO_V1(omni_orders_may_see_order_person);

#define SEEING_PROFILES \
	(OMNI_PROFILE_READER | OMNI_PROFILE_CHANNEL | OMNI_PROFILE_SUPPORT | \
	 OMNI_PROFILE_ADMIN)
#define ACTING_PROFILES \
	(OMNI_PROFILE_CHANNEL | OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN)
#define PERSON_PROFILES (OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN)

/* no channel has it: only grants for every channel count */
#define NO_CHANNEL INT64CONST(-1)

/* May the role take steps there? */
bool
omni_orders_may_act(int64 channel, int64 node)
{
	if (node == OMNI_NO_NODE)
		return omni_core_may(ACTING_PROFILES, channel, node);
	return omni_core_may(ACTING_PROFILES | OMNI_PROFILE_STORE, channel, node);
}

/*
 * Does a grant cover one of the nodes that work for the order?  read_only:
 * as the running statement sees them.
 */
static bool
works_for(int64 order, int64 channel, bool read_only)
{
	static OmniQuery query = {
		.sql = "SELECT DISTINCT node_id FROM omni.fulfilment"
		" WHERE order_id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order);
	OmniRows	rows;

	if (!omni_core_may(SEEING_PROFILES | OMNI_PROFILE_STORE, channel, 0))
		return false;
	omni_core_query(&query, &value, NULL, read_only, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		if (omni_core_may(SEEING_PROFILES | OMNI_PROFILE_STORE, channel,
						  DatumGetInt64(OMNI_VALUE(&rows, r, 0))))
			return true;
	}
	return false;
}

/* May the role see the order? */
bool
omni_orders_may_see(int64 order, int64 channel)
{
	return omni_core_may(SEEING_PROFILES, channel, OMNI_NO_NODE) ||
		works_for(order, channel, false);
}

/* The channel of an order; 0 when there is no such order. */
static int64
read_channel(int64 order)
{
	static OmniQuery query = {
		.sql = "SELECT channel_id FROM omni.sales_order WHERE id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order);
	OmniRows	rows;

	omni_core_query(&query, &value, NULL, true, &rows);
	return rows.nrows == 0 ? 0 : DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/* What a policy was told about the order before, kept for its query. */
typedef struct Verdict
{
	int64		order;
	bool		allowed;
} Verdict;

/* Ask once per order, for rows of one order mostly follow each other. */
static bool
ask(FunctionCallInfo fcinfo, bool person)
{
	int64		order = PG_GETARG_INT64(0);
	Verdict    *verdict = fcinfo->flinfo->fn_extra;
	int64		channel;

	if (verdict && verdict->order == order)
		return verdict->allowed;
	if (verdict == NULL)
	{
		verdict = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt,
									 sizeof(Verdict));
		fcinfo->flinfo->fn_extra = verdict;
	}
	verdict->order = 0;
	channel = read_channel(order);
	if (channel == 0)
		verdict->allowed = false;
	else if (person)
		verdict->allowed = omni_core_may(PERSON_PROFILES, channel,
										 OMNI_NO_NODE);
	else
		verdict->allowed =
			omni_core_may(SEEING_PROFILES, channel, OMNI_NO_NODE) ||
			works_for(order, channel, true);
	verdict->order = order;
	return verdict->allowed;
}

/*
 * omni_internal.may_see_order(order_id bigint) RETURNS boolean: for row
 * policies.  False for NULL.
 */
Datum
omni_orders_may_see_order(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	/* without limits there is nothing to look up */
	if (omni_core_may(SEEING_PROFILES, NO_CHANNEL, OMNI_NO_NODE))
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(ask(fcinfo, false));
}

/*
 * omni_internal.may_see_order_person(order_id bigint) RETURNS boolean: the
 * same for an order's personal data.
 */
Datum
omni_orders_may_see_order_person(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	if (omni_core_may(PERSON_PROFILES, NO_CHANNEL, OMNI_NO_NODE))
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(ask(fcinfo, true));
}
