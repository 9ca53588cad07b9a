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
 * - Each item that it needs stays in memory until its transaction ends.  Where
 *	 there is no room for another, it ends there and goes on in the next one; an
 *	 item that finds none though the transaction has closed nothing waits, and
 *	 the log says so once.
 */
#include "omni.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "core/test_point.h"
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

/*
 * Have an item's counters in memory, and room for a claim; false where that is
 * used up.  Nothing is written in here, so the subtransaction takes no id.
 */
static bool
make_room(int64 item)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		omni_stock_load(&item, 1);
		omni_stock_promise_reserve(omni_stock_local_find(item)->block, 1);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error && error->sqlerrcode != OMNI_ERR_OUT_OF_MEMORY)
		ReThrowError(error);
	return error == NULL;
}

/* Nothing could be closed for want of memory: say so, once until it can. */
static void
report_full(bool full)
{
	static bool reported = false;

	if (full && !reported)
		ereport(LOG,
				(errcode(OMNI_ERR_OUT_OF_MEMORY),
				 errmsg("omni.stock_memory has no room to write what ends expired reservations"),
				 errdetail("Open transactions use it.  The units of these reservations are free all the same."),
				 errhint("End long transactions (see pg_stat_activity), or raise omni.stock_memory in postgresql.conf and restart the server.")));
	reported = full;
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
	int			at_once = OMNI_TEST_AT_ONCE(TIDY_AT_ONCE);
	Datum		values[4];
	OmniRows	rows;
	bool		passing = true;
	bool		full = false;
	int			closed = 0;

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
	values[1] = Int32GetDatum(at_once);
	values[2] = TimestampTzGetDatum(done.deadline);
	values[3] = Int64GetDatum(done.id);
	omni_core_query(&query, values, NULL, false, &rows);
	next = done;
	for (int i = 0; i < rows.nrows; i++)
	{
		OmniChain	chain = {0};

		CHECK_FOR_INTERRUPTS();
		chain.reservation = DatumGetInt64(OMNI_VALUE(&rows, i, 0));
		omni_stock_read_chains(&chain, 1);
		/* closed already is as good as closed now */
		if (chain.found && chain.quantity > 0)
		{
			full = !make_room(chain.item);
			if (full)
				break;
			if (tidy_promise(&chain))
				closed++;
			else if (chain.quantity > 0)
				passing = false;
		}
		if (passing)
			next = (TidyPosition) {
				DatumGetTimestampTz(OMNI_VALUE(&rows, i, 1)), chain.reservation
			};
	}
	last = GetTopTransactionIdIfAny();
	if (!TransactionIdIsValid(last))
		done = next;			/* nothing was written that could be undone */
	report_full(full && closed == 0);
	if (full)
		return closed > 0 ? 0 : 1000;
	return rows.nrows == at_once && passing ? 0 : 1000;
}

static const OmniChore tidy_chore = {
	.name = "tidy reservations", .run = run_tidy
};

void
omni_stock_tidy_init(void)
{
	omni_core_register_chore(&tidy_chore);
}
