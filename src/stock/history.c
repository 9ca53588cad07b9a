/*
 * history.c
 *	  The ledger's part of retention: which rows go with a page of the feed.
 *
 * - A row that belongs to no promise goes when its page has left the feed.
 * - A promise goes as a whole, with the page that holds its last row: the row
 *	 that no other one closes, when nothing is promised any more at any node.
 *	 Nobody can add to such a promise, and its earlier rows have lower
 *	 positions: they have left the feed before, or leave it now.  Until then
 *	 they stay, whatever has become of their pages.
 * - Only what is folded goes (last_done), so balances and open promises stay as
 *	 they are; what the deleted rows amounted to is added to
 *	 omni_internal.pruned_stock by the same statement, so that ledger and
 *	 pruned_stock together give the balances, always.
 * - The ledger refuses DELETE to everybody.  This code lets its own one
 *	 statement through: a mark in this process, which the trigger uses up, so
 *	 that nothing else that runs meanwhile can.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"

#include "stock/block.h"

PG_FUNCTION_INFO_V1(omni_stock_refuse_change);

/* The next DELETE on the ledger is ours. */
static bool own_delete = false;

/* BEFORE UPDATE, DELETE or TRUNCATE on the ledger, once a statement. */
Datum
omni_stock_refuse_change(PG_FUNCTION_ARGS)
{
	bool		own = own_delete;

	own_delete = false;
	if (own && CALLED_AS_TRIGGER(fcinfo) &&
		TRIGGER_FIRED_BY_DELETE(((TriggerData *) fcinfo->context)->tg_event))
		PG_RETURN_POINTER(NULL);
	ereport(ERROR,
			(errcode(OMNI_ERR_NOT_PERMITTED),
			 errmsg("the stock ledger is append-only"),
			 errdetail("Rows may be inserted, by omni's functions alone."),
			 errhint("Correct stock with omni.adjust_stock(); old rows go with omni.prune_history().")));
	PG_RETURN_NULL();
}

/* The tick up to which the ledger is folded; 0: none. */
int64
omni_stock_folded_tick(void)
{
	static OmniQuery query = {
		.sql = "SELECT f.tick FROM omni_internal.fold_state f",
	};
	OmniRows	rows;

	omni_core_query(&query, NULL, NULL, true, &rows);
	return rows.nrows == 0 ? 0 : DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/*
 * Of the rows of these pages: those that belong to no promise (column 2 is
 * NULL) and those that are the last of their promise (column 2).
 */
static void
find_candidates(int64 from, int64 next, OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT x.id, x.reservation FROM omni_internal.feed_page p"
		" CROSS JOIN LATERAL ("
		" SELECT l.id, l.reservation FROM omni.stock_ledger l"
		" WHERE l.id BETWEEN p.first_id AND p.last_id AND l.era + 0 = p.era"
		" AND pg_visible_in_snapshot(l.xid, p.snapshot)"
		" AND (p.previous IS NULL"
		" OR NOT pg_visible_in_snapshot(l.xid, p.previous))"
		" AND (l.reservation IS NULL OR l.closes IS NOT NULL AND NOT EXISTS ("
		" SELECT FROM omni.stock_ledger n"
		" WHERE n.reservation = l.reservation AND n.closes = l.id))"
		" OFFSET 0) x"
		" WHERE p.first_position >= $1 AND p.first_position < $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	Datum		values[2];

	values[0] = Int64GetDatum(from);
	values[1] = Int64GetDatum(next);
	omni_core_query(&query, values, NULL, false, rows);
}

/* All rows of those of these promises that hold nothing at any node. */
static void
find_chains(const int64 *reservations, int n, OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT y.id FROM ("
		" SELECT x.id, bool_and(x.held = 0) OVER (PARTITION BY x.reservation)"
		" AS closed FROM ("
		" SELECT c.id, r.id AS reservation, sum(c.reserved)"
		" OVER (PARTITION BY r.id, c.node_id) AS held"
		" FROM pg_catalog.unnest($1) r (id) CROSS JOIN LATERAL ("
		" SELECT l.id, l.node_id, l.reserved FROM omni.stock_ledger l"
		" WHERE l.id = r.id AND l.reservation = r.id"
		" UNION ALL"
		" SELECT l.id, l.node_id, l.reserved FROM omni.stock_ledger l"
		" WHERE l.reservation = r.id AND l.closes IS NOT NULL) c) x) y"
		" WHERE y.closed",
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	Datum		value = omni_core_int64_array(reservations, n);

	omni_core_query(&query, &value, NULL, false, rows);
}

/*
 * Delete these rows, and remember what they amounted to: the batch is known by
 * the position up to which it goes.
 */
static void
delete_rows(const int64 *ids, int n, int64 next)
{
	static OmniQuery query = {
		.sql = "WITH gone AS ("
		" DELETE FROM omni.stock_ledger WHERE id = ANY ($1)"
		" RETURNING item_id, node_id, quantity, occurred_at)"
		" INSERT INTO omni_internal.pruned_stock"
		" (item_id, node_id, batch, on_hand, last_occurred_at)"
		" SELECT g.item_id, g.node_id, $2, sum(g.quantity), max(g.occurred_at)"
		" FROM gone g WHERE g.quantity <> 0 GROUP BY 1, 2",
		.nargs = 2,
		.argtypes = {INT8ARRAYOID, INT8OID},
	};
	Datum		values[2];

	values[0] = omni_core_int64_array(ids, n);
	values[1] = Int64GetDatum(next);
	PG_TRY();
	{
		own_delete = true;
		omni_core_query(&query, values, NULL, false, NULL);
	}
	PG_FINALLY();
	{
		own_delete = false;
	}
	PG_END_TRY();
}

/* The ledger's part of clearing these pages; see OmniFeedSource. */
int64
omni_stock_prune(int64 from, int64 next)
{
	OmniRows	candidates;
	OmniRows	chains = {0};
	int64	   *ended;
	int64	   *ids;
	int			nended = 0;
	int			n = 0;

	find_candidates(from, next, &candidates);
	ended = palloc(sizeof(int64) * (candidates.nrows + 1));
	for (int r = 0; r < candidates.nrows; r++)
		if (!OMNI_ISNULL(&candidates, r, 1))
			ended[nended++] = DatumGetInt64(OMNI_VALUE(&candidates, r, 1));
	if (nended > 0)
		find_chains(ended, nended, &chains);

	ids = palloc(sizeof(int64) * (candidates.nrows + chains.nrows + 1));
	for (int r = 0; r < candidates.nrows; r++)
		if (OMNI_ISNULL(&candidates, r, 1))
			ids[n++] = DatumGetInt64(OMNI_VALUE(&candidates, r, 0));
	for (int r = 0; r < chains.nrows; r++)
		ids[n++] = DatumGetInt64(OMNI_VALUE(&chains, r, 0));
	if (n > 0)
	{
		delete_rows(ids, n, next);
		omni_stock_add_up_later();
	}
	return n;
}
