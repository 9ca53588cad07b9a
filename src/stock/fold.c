/*
 * fold.c
 *	  The worker's chores: folding the ledger into balances, and tidying up
 *	  expired promises.
 *
 * A fold takes whole ticks: the rows that the last tick's snapshot sees and
 * the fold state's does not.  One statement adds them to the balances, carries
 * the open promises on, and moves the fold state, so it holds for all or for
 * none of them.  A promise that is not known yet was opened by a row of this
 * very fold, whose id is the promise's.  Only the worker folds (and adoption, in the worker).
 */
#include "omni.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "stock/block.h"

#define TIDY_AT_ONCE 500

/* Fold what the tick's snapshot sees; $1 its text, $2 its id. */
static void
fold_to(const char *snapshot, int64 tick)
{
	static OmniQuery query = {
		.sql =
		"WITH r AS MATERIALIZED ("
		" SELECT u.* FROM omni_internal.unfolded u"
		" WHERE pg_visible_in_snapshot(u.xid, $1::pg_snapshot)),"
		" b AS ("
		" INSERT INTO omni_internal.stock_balance AS s"
		" (item_id, node_id, on_hand, reserved)"
		" SELECT r.item_id, r.node_id, sum(r.quantity), sum(r.reserved)"
		" FROM r GROUP BY 1, 2 ORDER BY 1, 2"
		" ON CONFLICT ON CONSTRAINT stock_balance_pkey DO UPDATE"
		" SET on_hand = s.on_hand + excluded.on_hand,"
		" reserved = s.reserved + excluded.reserved),"
		" g AS ("
		" SELECT r.reservation, sum(r.reserved)::integer AS quantity,"
		" max(r.id) AS last_id"
		" FROM r WHERE r.reservation IS NOT NULL GROUP BY r.reservation),"
		" c AS MATERIALIZED ("
		" SELECT g.reservation, g.quantity, g.last_id, r.node_id, r.expires_at"
		" FROM g JOIN r ON r.id = g.last_id),"
		" d AS ("
		" DELETE FROM omni_internal.open_reservation o USING c"
		" WHERE o.id = c.reservation AND o.quantity + c.quantity <= 0),"
		" u AS ("
		" UPDATE omni_internal.open_reservation o"
		" SET quantity = o.quantity + c.quantity, node_id = c.node_id,"
		" expires_at = c.expires_at, last_id = c.last_id"
		" FROM c WHERE o.id = c.reservation"
		" AND o.quantity + c.quantity > 0),"
		" i AS ("
		" INSERT INTO omni_internal.open_reservation (id, item_id, node_id,"
		" quantity, expires_at, reference, channel_id, opened_at, last_id)"
		" SELECT c.reservation, r.item_id, c.node_id, c.quantity,"
		" c.expires_at, r.reference, r.channel_id, r.recorded_at, c.last_id"
		" FROM c JOIN r ON r.id = c.reservation WHERE c.quantity > 0)"
		" UPDATE omni_internal.fold_state"
		" SET tick = $2, seen_xmax = pg_snapshot_xmax($1::pg_snapshot),"
		" seen_xip = ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))",
		.nargs = 2,
		.argtypes = {TEXTOID, INT8OID},
		.custom_plan = true,
	};
	Datum		values[2];

	values[0] = CStringGetTextDatum(snapshot);
	values[1] = Int64GetDatum(tick);
	omni_stock_own_write(true);
	omni_core_query(&query, values, NULL, false, NULL);
	omni_stock_own_write(false);
}

/* Fold up to the last tick of an era; false when there was nothing new. */
static bool
fold_era(int32 era)
{
	static OmniQuery query = {
		.sql = "SELECT t.id, t.snapshot::text FROM omni.tick t"
		" WHERE t.era = $1 AND t.id > ("
		" SELECT f.tick FROM omni_internal.fold_state f)"
		" ORDER BY t.id DESC LIMIT 1",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	Datum		value = Int32GetDatum(era);
	OmniRows	rows;

	omni_core_query(&query, &value, NULL, false, &rows);
	if (rows.nrows == 0)
		return false;
	fold_to(TextDatumGetCString(OMNI_VALUE(&rows, 0, 1)),
			DatumGetInt64(OMNI_VALUE(&rows, 0, 0)));
	return true;
}

/* Chore: fold. */
static int
run_fold(void)
{
	fold_era(omni_core_gate());
	return omni_fold_interval;
}

/* Chore: write the closing rows of promises whose time has passed. */
static int
run_tidy(void)
{
	static OmniQuery query = {
		.sql = "SELECT o.id FROM omni_internal.open_reservation o"
		" WHERE o.expires_at <= $1 ORDER BY o.expires_at LIMIT $2",
		.nargs = 2,
		.argtypes = {TIMESTAMPTZOID, INT4OID},
	};
	Datum		values[2];
	OmniRows	rows;
	int			closed = 0;

	values[0] = TimestampTzGetDatum(omni_core_now());
	values[1] = Int32GetDatum(TIDY_AT_ONCE);
	omni_core_query(&query, values, NULL, false, &rows);
	for (int i = 0; i < rows.nrows; i++)
	{
		OmniChain	chain = {0};
		OmniLedgerRow row;

		CHECK_FOR_INTERRUPTS();
		chain.reservation = DatumGetInt64(OMNI_VALUE(&rows, i, 0));
		if (!omni_stock_claim_expired(&chain))
			continue;
		memset(&row, 0, sizeof(row));
		row.id = omni_core_next_feed_id();
		row.item = chain.item;
		row.node = chain.node;
		row.reserved = -(int32) chain.quantity;
		row.kind = "expire";
		row.channel = chain.channel;
		row.expires_at = chain.expires_at;
		row.closes = chain.last;
		row.reservation = chain.reservation;
		/* the clock has given the units back: the counters stay as they are */
		omni_stock_ledger_insert(&row, 1);
		closed++;
	}
	return closed == TIDY_AT_ONCE ? 0 : 1000;
}

/*
 * Adoption: what the old era's last tick covers is folded; then the fold
 * state starts the new era with nothing seen.
 */
static void
adopt_folds(int32 old_era, int32 new_era)
{
	static OmniQuery start = {
		.sql = "INSERT INTO omni_internal.fold_state AS f"
		" (era, tick, seen_xmax, seen_xip) VALUES ($1, COALESCE(("
		" SELECT max(t.id) FROM omni.tick t), 0), '0', '{}')"
		" ON CONFLICT ON CONSTRAINT fold_state_pkey DO UPDATE"
		" SET era = excluded.era, tick = excluded.tick,"
		" seen_xmax = excluded.seen_xmax, seen_xip = excluded.seen_xip",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	Datum		value = Int32GetDatum(new_era);

	if (old_era > 0)
		fold_era(old_era);
	omni_stock_own_write(true);
	omni_core_query(&start, &value, NULL, false, NULL);
	omni_stock_own_write(false);
}

static const OmniChore fold_chore = {
	.name = "fold", .run = run_fold, .at_start = true
};
static const OmniChore tidy_chore = {
	.name = "tidy reservations", .run = run_tidy
};

void
omni_stock_fold_init(void)
{
	omni_core_register_chore(&fold_chore);
	omni_core_register_chore(&tidy_chore);
	omni_core_register_adopt_hook(adopt_folds);
}
