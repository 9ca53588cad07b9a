/*
 * reload.c
 *	  Counters read anew from the tables: on demand, after changes by hand, and
 *	  when a database is dropped.
 *
 * Whatever changes the ledger, the balances, the open promises or the fold
 * state (their owner, COPY included) is noticed by a statement trigger, and the
 * database's blocks are reloaded when that transaction has committed.  A
 * reload drains; see table.c.  omni itself appends to the ledger without a
 * statement, and the fold's statements say that they are its own.
 *
 * Rows that logical replication applies fire no statement trigger: after
 * those, call omni.reload_stock().
 */
#include "omni.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "tcop/utility.h"

#include "stock/block.h"

PG_FUNCTION_INFO_V1(omni_stock_reload_stock);
PG_FUNCTION_INFO_V1(omni_stock_notice_change);

static bool own_write = false;	/* a statement of omni's own is running */
static bool by_hand = false;	/* this transaction has changed a table */

/* Around omni's own statements; an error ends it, too. */
void
omni_stock_own_write(bool running)
{
	own_write = running;
}

/* Have this database's blocks read anew when this transaction has committed. */
void
omni_stock_reload_at_commit(void)
{
	by_hand = true;
}

/* Have every block of this database read anew. */
static uint32
reload(void)
{
	uint32		n = omni_stock_block_reload(MyDatabaseId);

	/* what was changed by hand may make items short that nobody touches */
	omni_stock_shortfall_look();
	if (n > 0)
		omni_stock_count(OMNI_STAT_RELOADS, n);
	return n;
}

/*
 * reload_stock() → how many items' counters were dropped or, where a
 * transaction uses them, will be dropped by the last one.  OM005 without the
 * profile admin; 25006 in a read-only transaction: it changes what others use.
 */
Datum
omni_stock_reload_stock(PG_FUNCTION_ARGS)
{
	(void) omni_core_gate();
	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "reload stock");
	PreventCommandIfReadOnly("omni.reload_stock()");
	PG_RETURN_INT64(reload());
}

/* Trigger: somebody may be changing a table that counters are read from. */
Datum
omni_stock_notice_change(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("must be called as a trigger")));
	if (!own_write)
		by_hand = true;
	PG_RETURN_POINTER(NULL);
}

/* At the end of a transaction.  Cannot fail, but before PREPARE. */
static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			if (by_hand)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot PREPARE a transaction that has changed tables of stock by hand"),
						 errhint("Use COMMIT.")));
			break;
		case XACT_EVENT_COMMIT:
			own_write = false;
			if (by_hand)
			{
				by_hand = false;
				(void) reload();
			}
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			own_write = by_hand = false;
			break;
		default:
			break;
	}
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		own_write = false;
}

/* The database is gone, and nobody can be connected to it. */
static void
drop_database(Oid database)
{
	(void) omni_stock_block_reload(database);
}

/* Called in _PG_init. */
void
omni_stock_reload_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
	omni_core_register_drop_hook(drop_database);
}
