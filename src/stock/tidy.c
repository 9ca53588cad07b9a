/*
 * tidy.c
 *	  The worker's chore of tidying up: the rows that end expired promises.
 *
 * - A promise is over when its time is; the row that says so comes later, and
 *	 changes no counter.
 * - It goes over open promises in the order of their deadlines, and goes on
 *	 where it was: what it has passed is closed, though the table has it until
 *	 the next fold, and, under an old snapshot, the index even after that.  A
 *	 promise that is in use holds it there, and is tried again.
 * - Rows of the table come from folds, in the same process, and a fold that
 *	 brings a deadline which was passed already sets it back.  For other rows it
 *	 starts anew now and then.
 * - A position counts when the transaction that came so far has committed.
 */
#include "omni.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "stock/block.h"

#define TIDY_AT_ONCE 500
/* how often it starts at the earliest deadline again: for rows that somebody
 * else has put there, omni.repair_stock() for one */
#define ANEW_MS 600000

/* How far it came: deadline and id. */
typedef struct TidyPosition
{
	TimestampTz deadline;
	int64		id;
} TidyPosition;

static TidyPosition done = {DT_NOBEGIN, 0}; /* by what has committed */
static TidyPosition next = {DT_NOBEGIN, 0}; /* if the last one has */
static TransactionId last = InvalidTransactionId;	/* that one */

/* A fold brings a promise with this deadline. */
void
omni_stock_tidy_again(TimestampTz deadline)
{
	if (deadline <= done.deadline)
		done = (TidyPosition) {deadline, 0};
	if (deadline <= next.deadline)
		next = (TidyPosition) {deadline, 0};
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

/* Chore: write the closing rows of promises whose time has passed. */
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
	static Oid	extension = InvalidOid;
	static TimestampTz anew_at = 0;
	TimestampTz now = GetCurrentTimestamp();
	Datum		values[4];
	OmniRows	rows;
	bool		passing = true;

	if (TransactionIdIsValid(last) && TransactionIdDidCommit(last))
		done = next;
	last = InvalidTransactionId;
	if (omni_core_extension_oid() != extension || now > anew_at)
	{
		done = (TidyPosition) {DT_NOBEGIN, 0};
		extension = omni_core_extension_oid();
		anew_at = TimestampTzPlusMilliseconds(now, ANEW_MS);
	}

	values[0] = TimestampTzGetDatum(omni_core_now());
	values[1] = Int32GetDatum(TIDY_AT_ONCE);
	values[2] = TimestampTzGetDatum(done.deadline);
	values[3] = Int64GetDatum(done.id);
	omni_core_query(&query, values, NULL, false, &rows);
	next = done;
	for (int i = 0; i < rows.nrows; i++)
	{
		OmniChain	chain = {0};

		CHECK_FOR_INTERRUPTS();
		chain.reservation = DatumGetInt64(OMNI_VALUE(&rows, i, 0));
		/* closed already is as good as closed now */
		if (!tidy_promise(&chain) && chain.found && chain.quantity > 0)
			passing = false;
		if (passing)
			next = (TidyPosition) {
				DatumGetTimestampTz(OMNI_VALUE(&rows, i, 1)), chain.reservation
			};
	}
	last = GetTopTransactionIdIfAny();
	if (!TransactionIdIsValid(last))
		done = next;			/* nothing was written that could be undone */
	return rows.nrows == TIDY_AT_ONCE && passing ? 0 : 1000;
}

static const OmniChore tidy_chore = {
	.name = "tidy reservations", .run = run_tidy
};

void
omni_stock_tidy_init(void)
{
	omni_core_register_chore(&tidy_chore);
}
