/*
 * stat.c
 *	  What the stock engine's memory is doing, and what the worker has yet to
 *	  do: omni.stat_stock, and parts of omni.stat_worker.
 *
 * Counters are atomics of the whole server, as the memory is; none is raised
 * by a reservation that finds its item in memory.  They begin anew with a
 * crash, as the memory does.
 */
#include "omni.h"

#include "funcapi.h"
#include "utils/timestamp.h"

#include "stock/block.h"

/* one line in the log for so long, while memory is full */
#define LOG_EVERY_MS (10 * 60 * 1000)

typedef struct Stats
{
	pg_atomic_uint64 counters[OMNI_STAT_COUNT];
	pg_atomic_uint64 reset_at;
	pg_atomic_uint64 logged_at; /* 0: not yet */
	pg_atomic_uint64 unlogged;	/* evictions since */
} Stats;

static Stats *stats = NULL;		/* NULL without preload */

PG_FUNCTION_INFO_V1(omni_stock_read_stat);
PG_FUNCTION_INFO_V1(omni_stock_reset_stat);
PG_FUNCTION_INFO_V1(omni_stock_read_lag);

static Size
stats_size(void)
{
	return sizeof(Stats);
}

static void
init_stats(void *area, bool found)
{
	stats = area;
	if (found)
		return;
	for (int i = 0; i < OMNI_STAT_COUNT; i++)
		pg_atomic_init_u64(&stats->counters[i], 0);
	pg_atomic_init_u64(&stats->reset_at, GetCurrentTimestamp());
	pg_atomic_init_u64(&stats->logged_at, 0);
	pg_atomic_init_u64(&stats->unlogged, 0);
}

static const OmniShmemItem stats_item = {
	.name = "omni stock statistics",
	.size = stats_size,
	.init = init_stats
};

/* Called in _PG_init. */
void
omni_stock_stat_init(void)
{
	omni_core_register_shmem(&stats_item);
}

/* Raise a counter; never fails. */
void
omni_stock_count(OmniStockCounter counter, int64 n)
{
	pg_atomic_fetch_add_u64(&stats->counters[counter], n);
}

/*
 * Blocks were evicted: count them, and tell the log when it begins and now
 * and then while it goes on.
 */
void
omni_stock_stat_evicted(uint32 n)
{
	TimestampTz now = GetCurrentTimestamp();
	uint64		logged_at = pg_atomic_read_u64(&stats->logged_at);
	uint64		evicted;
	uint32		blocks;
	uint32		pinned;

	omni_stock_count(OMNI_STAT_EVICTIONS, n);
	evicted = pg_atomic_add_fetch_u64(&stats->unlogged, n);
	if (logged_at != 0 &&
		!TimestampDifferenceExceeds((TimestampTz) logged_at, now,
									LOG_EVERY_MS))
		return;
	if (!pg_atomic_compare_exchange_u64(&stats->logged_at, &logged_at, now))
		return;					/* another session says it */
	pg_atomic_fetch_sub_u64(&stats->unlogged, evicted);
	omni_stock_block_count(&blocks, &pinned);
	ereport(LOG_SERVER_ONLY,
			(errmsg("omni.stock_memory is full: counters of items that nobody uses are dropped, and read from the tables when they are needed again"),
			 errdetail("%llu items were dropped since the last such line; %u are in memory, open transactions use %u of them.",
					   (unsigned long long) evicted, blocks, pinned),
			 errhint("If evictions in omni.stat_stock keep rising, raise omni.stock_memory in postgresql.conf and restart the server.")));
}

/*
 * omni_internal.stat_stock(): the columns of omni.stat_stock, without any
 * lock but each partition's for a moment.
 */
Datum
omni_stock_read_stat(PG_FUNCTION_ARGS)
{
	Datum		values[OMNI_STAT_COUNT + 6];
	bool		nulls[OMNI_STAT_COUNT + 6] = {0};
	TupleDesc	desc;
	uint32		blocks;
	uint32		pinned;
	int			n = 0;

	if (stats == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("omni must be loaded via \"shared_preload_libraries\"")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	omni_stock_block_count(&blocks, &pinned);
	for (int i = 0; i < OMNI_STAT_COUNT; i++)
		values[n++] = Int64GetDatum((int64) pg_atomic_read_u64(&stats->counters[i]));
	values[n++] = Int64GetDatum(omni_stock_doubt_count());
	values[n++] = Int64GetDatum(blocks);
	values[n++] = Int64GetDatum(pinned);
	values[n++] = Int64GetDatum((int64) omni_stock_arena_used());
	values[n++] = Int64GetDatum((int64) omni_stock_arena_total());
	values[n++] = TimestampTzGetDatum((TimestampTz)
									  pg_atomic_read_u64(&stats->reset_at));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * omni.reset_stat_stock(): counters start again at 0, for the whole server;
 * what is in memory or in doubt now is no counter.  OM005 without the profile
 * admin.
 */
Datum
omni_stock_reset_stat(PG_FUNCTION_ARGS)
{
	(void) omni_core_gate();
	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "reset statistics");
	for (int i = 0; i < OMNI_STAT_COUNT; i++)
		pg_atomic_write_u64(&stats->counters[i], 0);
	pg_atomic_write_u64(&stats->reset_at, GetCurrentTimestamp());
	PG_RETURN_VOID();
}

/*
 * omni_internal.stat_lag(): under the caller's snapshot, rows that the last
 * tick has not seen, ledger rows that are not folded, and the time of the tick
 * up to which they are; NULLs where the database was never adopted.  It goes
 * by index over what it counts, whatever the statistics say.
 */
Datum
omni_stock_read_lag(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "SELECT ("
		" SELECT count(*) FROM omni.stock_ledger l"
		" WHERE l.era = s.era AND l.xid >= s.xmax) + ("
		" SELECT count(*) FROM unnest(s.xip) x (xid)"
		" JOIN omni.stock_ledger l ON l.era = s.era AND l.xid = x.xid) + ("
		" SELECT count(*) FROM omni_internal.outbox o"
		" WHERE o.era = s.era AND o.xid >= s.xmax) + ("
		" SELECT count(*) FROM unnest(s.xip) x (xid)"
		" JOIN omni_internal.outbox o ON o.era = s.era AND o.xid = x.xid),"
		" (SELECT count(*) FROM omni_internal.unfolded),"
		" (SELECT t.closed_at FROM omni_internal.fold_state f"
		" JOIN omni.tick t ON t.id = f.tick)"
		" FROM (SELECT e.era, COALESCE(pg_snapshot_xmax(t.snapshot), '0') AS xmax,"
		" ARRAY(SELECT pg_snapshot_xip(t.snapshot)) AS xip"
		" FROM omni_internal.feed_state e LEFT JOIN LATERAL ("
		" SELECT k.era, k.snapshot FROM omni.tick k"
		" ORDER BY k.id DESC LIMIT 1) t ON t.era = e.era) s",
	};
	TupleDesc	desc;
	OmniRows	rows;
	Datum		values[3] = {0};
	bool		nulls[3] = {true, true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	omni_core_query(&query, NULL, NULL, true, &rows);
	for (int i = 0; i < 3 && rows.nrows > 0; i++)
	{
		values[i] = OMNI_VALUE(&rows, 0, i);
		nulls[i] = OMNI_ISNULL(&rows, 0, i);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
