/*
 * policy.c
 *	  Stock policies: units kept back per item and node, and the count that
 *	  tells the stock engine to read them again.
 *
 * The count lives in shared memory and is raised after COMMIT has made the
 * change visible: who reads the count before it reads the tables never keeps
 * an older value under a newer count.  Databases are spread over a few counts
 * by their oid; sharing one costs a look that finds nothing new.
 *
 * After a crash the counts begin anew; so do the blocks that remembered one.
 *
 * A prepared transaction ends in a session that knows nothing of it, so one
 * that has changed a policy cannot be prepared (0A000).
 */
#include "omni.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port/atomics.h"

#include "master/private.h"

#define NCOUNTS 64

PG_FUNCTION_INFO_V1(omni_master_set_stock_policy);
PG_FUNCTION_INFO_V1(omni_master_read_policy_generation);

static pg_atomic_uint64 *counts = NULL; /* NULL without preload */
static bool changed = false;	/* by this transaction, or one of its parts */

/* Bytes of the counts. */
static Size
policy_size(void)
{
	return sizeof(pg_atomic_uint64) * NCOUNTS;
}

/* Make the counts, or find them. */
static void
policy_startup(void *area, bool found)
{
	counts = area;
	if (found)
		return;
	for (int i = 0; i < NCOUNTS; i++)
		pg_atomic_init_u64(&counts[i], 1);
}

static const OmniShmemItem policy_item = {
	.name = "omni stock policy counts",
	.size = policy_size,
	.init = policy_startup,
};

/* How often policies may have changed; never 0 where omni is preloaded. */
uint64
omni_master_policy_generation(void)
{
	if (counts == NULL)
		return 0;
	return pg_atomic_read_u64(&counts[MyDatabaseId % NCOUNTS]);
}

/*
 * Raise the count when the current transaction commits.  If a savepoint takes
 * the change back, the count rises all the same.
 */
void
omni_master_policy_changed(void)
{
	changed = true;
}

/* At the end of a transaction.  Cannot fail, but before PREPARE. */
static void
policy_transaction_ends(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			if (changed)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot PREPARE a transaction that has "
								"changed nodes or stock policies"),
						 errhint("COMMIT it, or change them in a transaction "
								 "of their own.")));
			break;
		case XACT_EVENT_COMMIT:
			if (changed && counts != NULL)
				pg_atomic_fetch_add_u64(&counts[MyDatabaseId % NCOUNTS], 1);
			changed = false;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			changed = false;
			break;
		default:
			break;
	}
}

/* Called in _PG_init. */
void
omni_master_policy_init(void)
{
	omni_core_register_shmem(&policy_item);
	RegisterXactCallback(policy_transaction_ends, NULL);
}

/*
 * omni_internal.policy_generation(): the count, for tests.
 */
Datum
omni_master_read_policy_generation(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) omni_master_policy_generation());
}

/*
 * omni.set_stock_policy(sku text, node text, safety integer): keep back so
 * many units of the item at the node, in place of the node's own safety; NULL
 * takes the exception away.  OM002 for an unknown or NULL code, OM007 for a
 * negative number, OM005 without the profile admin.  Locks the policy's row;
 * blocks that hold the item read the new value after COMMIT.
 */
Datum
omni_master_set_stock_policy(PG_FUNCTION_ARGS)
{
	static OmniQuery set_query = {
		.sql = "INSERT INTO omni.stock_policy AS p (item, node, safety)"
		" VALUES ($1, $2, $3)"
		" ON CONFLICT ON CONSTRAINT stock_policy_item_node_key DO UPDATE"
		" SET safety = excluded.safety"
		" WHERE p.safety <> excluded.safety",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, INT4OID},
	};
	static OmniQuery delete_query = {
		.sql = "DELETE FROM omni.stock_policy AS p"
		" WHERE p.item = $1 AND p.node = $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	char	   *sku = omni_core_required_text(fcinfo, 0, "sku");
	char	   *node = omni_core_required_text(fcinfo, 1, "node");
	Datum		values[3];

	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "change stock policies");
	values[0] = Int64GetDatum(omni_master_item_id(sku));
	values[1] = Int64GetDatum(omni_master_node_id(node));
	values[2] = PG_GETARG_DATUM(2);
	if (PG_ARGISNULL(2))
		omni_core_query(&delete_query, values, NULL, false, NULL);
	else
		omni_core_query(&set_query, values, NULL, false, NULL);
	PG_RETURN_VOID();
}
