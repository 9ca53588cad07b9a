/*
 * balance.c
 *	  How a fold writes the balances while an old snapshot is open.
 *
 * - An update leaves an old version of its row behind.  While a snapshot is
 *	 open that is older (a nightly pg_dump is enough), none can be removed, and
 *	 every later fold goes over all versions of each row that it changes: 0.45
 *	 ms became 80 ms in a quarter of an hour.
 * - So after a few folds whose versions stay, a fold puts its sums beside the
 *	 balances: one further row for each item and node that it is about, with the
 *	 number of its tick.  Rows that are inserted have no versions.  Every reader
 *	 takes the sum of an item's and node's rows, of which the one with tick 0 is
 *	 always there.
 * - When old versions can be removed again the worker adds up what was put
 *	 beside, a part at a time.
 * - What this process remembers is only about when: after a restart the first
 *	 folds change the balances, and the first call of the chore looks whether
 *	 anything was put beside.
 */
#include "omni.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "storage/procarray.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "stock/block.h"

/* folds that may change a row before its old versions can be removed */
#define MAX_VERSIONS 8
/* rows that are added up at once */
#define ADD_UP_AT_ONCE 4000

static struct
{
	TransactionId mark;			/* of a fold: were its old versions removed? */
	int			since;			/* folds since that one */
	bool		none_beside;	/* everything was added up, */
	bool		none_past;		/* and no day can be forgotten */
	Oid			extension;		/* in this one's table */
}			balances;

/* Can the versions that the marked fold left behind be removed? */
static bool
mark_is_past(void)
{
	Relation	rel;
	TransactionId oldest;

	if (!TransactionIdIsValid(balances.mark))
		return true;
	rel = table_open(omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
											"stock_balance"),
					 AccessShareLock);
	oldest = GetOldestNonRemovableTransactionId(rel);
	table_close(rel, NoLock);
	return TransactionIdPrecedes(balances.mark, oldest);
}

/* Asked by each fold: shall its sums be put beside the balances? */
bool
omni_stock_versions_pile_up(void)
{
	if (mark_is_past())
	{
		balances.mark = GetTopTransactionId();
		balances.since = 0;
	}
	if (++balances.since <= MAX_VERSIONS)
		return false;
	balances.none_beside = false;
	return true;
}

/* Run a statement that adds rows up; false when there were none. */
static bool
add_up(OmniQuery *query)
{
	OmniRows	rows;
	Datum		value = Int32GetDatum(ADD_UP_AT_ONCE);

	omni_stock_own_write(true);
	omni_core_query(query, &value, NULL, false, &rows);
	omni_stock_own_write(false);
	return DatumGetInt64(OMNI_VALUE(&rows, 0, 0)) > 0;
}

/*
 * Chore: add up what was put beside, an item's rows together.  (Rows are found
 * by their place, lest the planner go over the whole table.)  So with what
 * retention has deleted; then days of capacity are forgotten.
 */
static int
run_add_up(void)
{
	static OmniQuery stock = {
		.sql = "WITH w AS MATERIALIZED ("
		" SELECT a.ctid AS place"
		" FROM omni_internal.stock_balance a WHERE a.tick > 0"
		" ORDER BY a.item_id, a.node_id LIMIT $1),"
		" gone AS ("
		" DELETE FROM omni_internal.stock_balance a"
		" WHERE a.ctid = ANY (ARRAY(SELECT w.place FROM w))"
		" RETURNING a.item_id, a.node_id, a.on_hand, a.reserved),"
		" b AS ("
		" INSERT INTO omni_internal.stock_balance AS s"
		" (item_id, node_id, on_hand, reserved)"
		" SELECT g.item_id, g.node_id, sum(g.on_hand), sum(g.reserved)"
		" FROM gone g GROUP BY 1, 2 ORDER BY 1, 2"
		" ON CONFLICT ON CONSTRAINT stock_balance_pkey DO UPDATE"
		" SET on_hand = s.on_hand + excluded.on_hand,"
		" reserved = s.reserved + excluded.reserved)"
		" SELECT count(*) FROM w",
		.nargs = 1,
		.argtypes = {INT4OID},
		.custom_plan = true,
	};
	static OmniQuery pruned = {
		.sql = "WITH w AS MATERIALIZED ("
		" SELECT a.ctid AS place"
		" FROM omni_internal.pruned_stock a WHERE a.batch > 0"
		" ORDER BY a.item_id, a.node_id LIMIT $1),"
		" gone AS ("
		" DELETE FROM omni_internal.pruned_stock a"
		" WHERE a.ctid = ANY (ARRAY(SELECT w.place FROM w))"
		" RETURNING a.item_id, a.node_id, a.on_hand, a.last_occurred_at),"
		" b AS ("
		" INSERT INTO omni_internal.pruned_stock AS s"
		" (item_id, node_id, on_hand, last_occurred_at)"
		" SELECT g.item_id, g.node_id, sum(g.on_hand), max(g.last_occurred_at)"
		" FROM gone g GROUP BY 1, 2 ORDER BY 1, 2"
		" ON CONFLICT ON CONSTRAINT pruned_stock_pkey DO UPDATE"
		" SET on_hand = s.on_hand + excluded.on_hand, last_occurred_at ="
		" GREATEST(s.last_occurred_at, excluded.last_occurred_at))"
		" SELECT count(*) FROM w",
		.nargs = 1,
		.argtypes = {INT4OID},
		.custom_plan = true,
	};

	if (balances.extension != omni_core_extension_oid())
		omni_stock_add_up_later();
	balances.extension = omni_core_extension_oid();
	if ((balances.none_beside && balances.none_past) || !mark_is_past() ||
		!omni_stock_lock_folded())
		return omni_fold_interval;
	if (!balances.none_beside)
		balances.none_beside = !add_up(&stock) && !add_up(&pruned);
	else
		balances.none_past = !omni_stock_forget_days();
	return balances.none_beside && balances.none_past ?
		omni_fold_interval : 100;
}

/* Retention has put rows beside those that there are. */
void
omni_stock_add_up_later(void)
{
	balances.none_beside = false;
	balances.none_past = false;
}

static const OmniChore add_up_chore = {
	.name = "add up balances", .run = run_add_up
};

void
omni_stock_balance_init(void)
{
	omni_core_register_chore(&add_up_chore);
}
