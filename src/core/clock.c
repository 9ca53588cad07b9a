/*
 * clock.c
 *	  One clock per database: what every deadline is measured by.
 *
 * It is the server's clock plus an offset (0 but in tests), and never behind
 * the time of the last tick: a server whose clock was set back, or a standby
 * that was promoted on a slower machine, does not give expired promises back
 * to life.  Both values are atomics in the database's entry; after a start of
 * the server the worker sets the last tick's time before any write is let
 * through.  An offset does not outlive the server.
 *
 * Where omni is not preloaded, or works for this database not yet, the clock
 * is the server's.
 */
#include "omni.h"

#include <math.h>

#include "common/int.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "core/private.h"

/* a hundred years, at once */
#define MAX_MOVE_DAYS 36525

PG_FUNCTION_INFO_V1(omni_core_read_clock);
PG_FUNCTION_INFO_V1(omni_core_move_clock);

/* The database's time. */
TimestampTz
omni_core_now(void)
{
	OmniDatabase *db = omni_core_my_database();
	TimestampTz now = GetCurrentTimestamp();

	if (db != NULL)
	{
		TimestampTz last = (int64) pg_atomic_read_u64(&db->last_tick_time);

		now += (int64) pg_atomic_read_u64(&db->clock_offset);
		if (now < last)
			now = last;
	}
	return now;
}

/* Milliseconds since some moment before the server's start. */
int64
omni_core_monotonic_ms(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MILLISEC(now);
}

/* A tick was closed at that time; the caller holds the registry's lock. */
void
omni_core_clock_ticked(OmniDatabase *db, TimestampTz closed_at)
{
	if (closed_at > (int64) pg_atomic_read_u64(&db->last_tick_time))
		pg_atomic_write_u64(&db->last_tick_time, (uint64) closed_at);
}

/* omni_internal.clock(): the database's time. */
Datum
omni_core_read_clock(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(omni_core_now());
}

/*
 * omni_internal.move_clock(by interval): for tests; moves this database's
 * clock by so much more, for all sessions, and wakes the worker.  Returns the
 * new time, which is not before the last tick's.  Superusers only (42501);
 * OM002 for NULL, OM007 for more than a hundred years at once and when the
 * time leaves the range of timestamptz.
 */
Datum
omni_core_move_clock(PG_FUNCTION_ARGS)
{
	OmniDatabase *db;
	TimestampTz now;
	TimestampTz moved;
	int64		offset;
	bool		overflow = false;
	Interval   *by;
	double		days;

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be superuser to move the clock")));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "by")));
	(void) omni_core_gate();

	by = PG_GETARG_INTERVAL_P(0);
	days = by->month * (DAYS_PER_YEAR / MONTHS_PER_YEAR) + by->day +
		by->time / (double) USECS_PER_DAY;
	if (fabs(days) > MAX_MOVE_DAYS)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("the clock cannot be moved by more than %d days at "
						"once", MAX_MOVE_DAYS)));

	now = GetCurrentTimestamp();
	moved = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
													TimestampTzGetDatum(now),
													IntervalPGetDatum(by)));

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	db = omni_core_find_database(MyDatabaseId);
	if (db != NULL)
	{
		offset = (int64) pg_atomic_read_u64(&db->clock_offset);
		overflow = pg_add_s64_overflow(offset, moved - now, &offset) ||
			pg_add_s64_overflow(now, offset, &moved) ||
			!IS_VALID_TIMESTAMP(moved);
		if (!overflow)
			pg_atomic_write_u64(&db->clock_offset, (uint64) offset);
	}
	LWLockRelease(omni_core_registry->lock);
	if (overflow)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("clock out of range")));

	omni_core_wake_worker();
	PG_RETURN_TIMESTAMPTZ(omni_core_now());
}
