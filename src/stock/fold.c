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

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/owner.h"
#include "stock/block.h"

#define TIDY_AT_ONCE 500
/* folds that may change a row before its old versions can be removed */
#define MAX_VERSIONS 8
/* rows that were put apart and are added up at once */
#define MERGE_AT_ONCE 4000

/*
 * How the balances are written.  Worker only, and forgotten with it.
 */
static struct
{
	TransactionId mark;			/* of a fold: were its old versions removed? */
	int			since;			/* folds since the mark */
	bool		merged;			/* nothing is put apart */
}			balances;

/* Up to where expired promises were gone over: deadline and id. */
typedef struct TidyPosition
{
	TimestampTz deadline;
	int64		id;
} TidyPosition;

static struct
{
	TidyPosition done;			/* by transactions that committed */
	TidyPosition next;			/* if the last one commits */
	TransactionId last;			/* that one */
}			tidy = {{DT_NOBEGIN, 0}, {DT_NOBEGIN, 0}, InvalidTransactionId};

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

/*
 * At a fold: does an old snapshot keep the versions of rows that the last
 * folds left behind from being removed?  Each fold would then go over more of
 * them: 0.45 ms became 80 ms a fold in a quarter of an hour.
 */
static bool
versions_pile_up(void)
{
	if (mark_is_past())
	{
		balances.mark = GetTopTransactionId();
		balances.since = 0;
	}
	return ++balances.since > MAX_VERSIONS;
}

/*
 * The part of a fold's statement that carries the open promises on.  They are
 * looked up one by one, whatever the planner thinks of how many there are: it
 * would go over all that are open.
 */
#define FOLD_PROMISES \
	" g AS (" \
	" SELECT r.reservation, sum(r.reserved)::integer AS quantity," \
	" max(r.id) AS last_id" \
	" FROM r WHERE r.reservation IS NOT NULL GROUP BY r.reservation)," \
	" c AS MATERIALIZED (" \
	" SELECT g.reservation, g.quantity, g.last_id, r.node_id, r.expires_at" \
	" FROM g JOIN r ON r.id = g.last_id)," \
	" m AS MATERIALIZED (" \
	" SELECT c.*, o.quantity + c.quantity AS rest FROM c CROSS JOIN LATERAL (" \
	" SELECT o.quantity FROM omni_internal.open_reservation o" \
	" WHERE o.id = c.reservation OFFSET 0) o)," \
	" d AS (" \
	" DELETE FROM omni_internal.open_reservation o WHERE o.id = ANY (ARRAY(" \
	" SELECT m.reservation FROM m WHERE m.rest <= 0)))," \
	" u AS (" \
	" UPDATE omni_internal.open_reservation o" \
	" SET quantity = m.rest, node_id = m.node_id," \
	" expires_at = m.expires_at, last_id = m.last_id" \
	" FROM m WHERE o.id = m.reservation AND o.id = ANY (ARRAY(" \
	" SELECT m.reservation FROM m WHERE m.rest > 0)))," \
	" i AS (" \
	" INSERT INTO omni_internal.open_reservation (id, item_id, node_id," \
	" quantity, expires_at, reference, channel_id, opened_at, last_id)" \
	" SELECT c.reservation, r.item_id, c.node_id, c.quantity," \
	" c.expires_at, r.reference, r.channel_id, r.recorded_at, c.last_id" \
	" FROM c JOIN r ON r.id = c.reservation WHERE c.quantity > 0)" \
	" UPDATE omni_internal.fold_state" \
	" SET tick = $2, seen_xmax = pg_snapshot_xmax($1::pg_snapshot)," \
	" seen_xip = ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))" \
	" RETURNING (SELECT min(c.expires_at) FROM c)"

#define FOLD_ROWS \
	"WITH r AS MATERIALIZED (" \
	" SELECT u.* FROM omni_internal.unfolded u" \
	" WHERE pg_visible_in_snapshot(u.xid, $1::pg_snapshot)),"

/*
 * Fold what the tick's snapshot sees; $1 its text, $2 its id.  Tables are read
 * by their indexes alone: how much is open or on hand must not matter.
 */
static void
fold_to(const char *snapshot, int64 tick)
{
	static OmniQuery change = {
		.sql = FOLD_ROWS
		" b AS ("
		" INSERT INTO omni_internal.stock_balance AS s"
		" (item_id, node_id, on_hand, reserved)"
		" SELECT r.item_id, r.node_id, sum(r.quantity), sum(r.reserved)"
		" FROM r GROUP BY 1, 2 ORDER BY 1, 2"
		" ON CONFLICT ON CONSTRAINT stock_balance_pkey DO UPDATE"
		" SET on_hand = s.on_hand + excluded.on_hand,"
		" reserved = s.reserved + excluded.reserved),"
		FOLD_PROMISES,
		.nargs = 2,
		.argtypes = {TEXTOID, INT8OID},
		.custom_plan = true,
	};
	static OmniQuery apart = {
		.sql = FOLD_ROWS
		" s AS MATERIALIZED ("
		" SELECT r.item_id, r.node_id, sum(r.quantity) AS on_hand,"
		" sum(r.reserved) AS reserved FROM r GROUP BY 1, 2 ORDER BY 1, 2),"
		" z AS ("
		" INSERT INTO omni_internal.stock_balance"
		" (item_id, node_id, on_hand, reserved)"
		" SELECT s.item_id, s.node_id, 0, 0 FROM s"
		" ON CONFLICT ON CONSTRAINT stock_balance_pkey DO NOTHING),"
		" b AS ("
		" INSERT INTO omni_internal.stock_balance"
		" (item_id, node_id, tick, on_hand, reserved)"
		" SELECT s.item_id, s.node_id, $2, s.on_hand, s.reserved FROM s),"
		FOLD_PROMISES,
		.nargs = 2,
		.argtypes = {TEXTOID, INT8OID},
		.custom_plan = true,
	};
	OmniOwnerScope scope;
	OmniRows	rows;
	Datum		values[2];
	bool		pile_up = versions_pile_up();

	values[0] = CStringGetTextDatum(snapshot);
	values[1] = Int64GetDatum(tick);
	if (pile_up)
		balances.merged = false;
	omni_core_owner_begin(&scope, true);
	omni_core_query(pile_up ? &apart : &change, values, NULL, false, &rows);
	omni_core_owner_end(&scope);

	/* deadlines that tidying up has passed already */
	if (rows.nrows > 0 && !OMNI_ISNULL(&rows, 0, 0))
	{
		TimestampTz first = DatumGetTimestampTz(OMNI_VALUE(&rows, 0, 0));

		if (first <= tidy.done.deadline)
			tidy.done = (TidyPosition) {first, 0};
		if (first <= tidy.next.deadline)
			tidy.next = (TidyPosition) {first, 0};
	}
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

/*
 * Chore: when old versions are removed again, add to the balances what was put
 * apart meanwhile, a part at a time, an item's rows together.
 */
static int
run_merge(void)
{
	static OmniQuery query = {
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
	OmniOwnerScope scope;
	OmniRows	rows;
	Datum		value = Int32GetDatum(MERGE_AT_ONCE);

	if (balances.merged ||
		(balances.since > MAX_VERSIONS && !mark_is_past()))
		return omni_fold_interval;
	omni_core_owner_begin(&scope, true);
	omni_core_query(&query, &value, NULL, false, &rows);
	omni_core_owner_end(&scope);
	balances.merged = DatumGetInt64(OMNI_VALUE(&rows, 0, 0)) == 0;
	return balances.merged ? omni_fold_interval : 100;
}

/* Write the row that ends an expired promise; false: not now. */
static bool
tidy_promise(OmniChain *chain)
{
	OmniLedgerRow row;

	if (!omni_stock_claim_expired(chain))
		return false;
	memset(&row, 0, sizeof(row));
	row.id = omni_core_next_feed_id();
	row.item = chain->item;
	row.node = chain->node;
	row.reserved = -(int32) chain->quantity;
	row.kind = "expire";
	row.channel = chain->channel;
	row.expires_at = chain->expires_at;
	row.closes = chain->last;
	row.reservation = chain->reservation;
	/* the clock has given the units back: the counters stay as they are */
	omni_stock_ledger_insert(&row, 1);
	return true;
}

/*
 * Chore: write the closing rows of promises whose time has passed, in the
 * order of their deadlines.  It goes on where it was: what it has passed is
 * closed, though it is in the table until it is folded, and, under an old
 * snapshot, in the index even after that.  A promise that is in use holds it
 * there.
 */
static int
run_tidy(void)
{
	static OmniQuery query = {
		.sql = "SELECT o.id, o.expires_at FROM omni_internal.open_reservation o"
		" WHERE o.expires_at <= $1 AND o.expires_at >= $3"
		" AND (o.expires_at > $3 OR o.id > $4)"
		" ORDER BY o.expires_at, o.id LIMIT $2",
		.nargs = 4,
		.argtypes = {TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID, INT8OID},
	};
	Datum		values[4];
	OmniRows	rows;
	bool		passing = true;

	if (TransactionIdIsValid(tidy.last) && TransactionIdDidCommit(tidy.last))
		tidy.done = tidy.next;
	tidy.last = InvalidTransactionId;

	values[0] = TimestampTzGetDatum(omni_core_now());
	values[1] = Int32GetDatum(TIDY_AT_ONCE);
	values[2] = TimestampTzGetDatum(tidy.done.deadline);
	values[3] = Int64GetDatum(tidy.done.id);
	omni_core_query(&query, values, NULL, false, &rows);
	tidy.next = tidy.done;
	for (int i = 0; i < rows.nrows; i++)
	{
		OmniChain	chain = {0};

		CHECK_FOR_INTERRUPTS();
		chain.reservation = DatumGetInt64(OMNI_VALUE(&rows, i, 0));
		if (!tidy_promise(&chain) && chain.found && chain.quantity > 0)
			passing = false;
		if (passing)
			tidy.next = (TidyPosition) {
				DatumGetTimestampTz(OMNI_VALUE(&rows, i, 1)), chain.reservation
			};
	}
	tidy.last = GetTopTransactionIdIfAny();
	return rows.nrows == TIDY_AT_ONCE && passing ? 0 : 1000;
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
	omni_core_query(&start, &value, NULL, false, NULL);
}

static const OmniChore fold_chore = {
	.name = "fold", .run = run_fold, .at_start = true
};
static const OmniChore tidy_chore = {
	.name = "tidy reservations", .run = run_tidy
};
static const OmniChore merge_chore = {
	.name = "merge balances", .run = run_merge
};

void
omni_stock_fold_init(void)
{
	omni_core_register_chore(&fold_chore);
	omni_core_register_chore(&tidy_chore);
	omni_core_register_chore(&merge_chore);
	omni_core_register_adopt_hook(adopt_folds);
}
