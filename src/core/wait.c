/*
 * wait.c
 *	  What a session asks of its database's worker: a turn, or a tick.
 *
 * A session that waits raises a count under the registry's lock and wakes the
 * worker.  The worker reads the count before its tick takes its snapshot, and
 * writes it back when the tick has committed: so whatever committed before
 * the call is in that tick or an earlier one.
 */
#include "omni.h"

#include <limits.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "utils/inval.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "core/core.h"
#include "core/feed.h"
#include "core/private.h"

PG_FUNCTION_INFO_V1(omni_core_wait_for_tick_sql);

/* Ask this database's worker to take a turn now, with all chores. */
void
omni_core_wake_worker(void)
{
	OmniDatabase *db = omni_core_my_database();

	if (db == NULL || pg_atomic_exchange_u32(&db->wake, 1) != 0)
		return;
	LWLockAcquire(omni_core_registry->lock, LW_SHARED);
	if (pg_atomic_read_u32(&db->database) == MyDatabaseId && db->latch)
		SetLatch(db->latch);
	LWLockRelease(omni_core_registry->lock);
}

/*
 * Is there a feed here whose ticks can be waited for?  False in a fresh
 * extension, where nothing was ever written; OM011 where it was not adopted
 * yet after a restore.
 */
static bool
feed_exists(void)
{
	OmniStamp	stamp;
	Oid			extension;

	omni_core_require_server();
	extension = omni_core_extension_oid();
	if (!OidIsValid(extension))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("extension \"%s\" is not installed in this database",
						OMNI_EXTENSION_NAME),
				 errhint("Run: CREATE EXTENSION omni;")));
	if (omni_core_is_adopted())
		return true;
	omni_core_read_stamp(extension, &stamp);
	if (stamp.state == OMNI_STAMP_FOREIGN)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("the feed of this database was restored and has not "
						"been adopted yet"),
				 errhint("Run: SELECT omni.adopt();")));
	return stamp.state == OMNI_STAMP_OWN;
}

/* The wait ended without a tick. */
static void
report_timeout(long timeout_ms, const char *problem)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_TIMEOUT),
			 errmsg("no tick was closed within %ld ms", timeout_ms),
			 problem[0] != '\0' ? errdetail("%s", problem) : 0));
}

/*
 * Wait until everything that committed before the call has a position, and
 * return the last one.
 */
int64
omni_core_wait_for_tick(long timeout_ms)
{
	int64		deadline;
	uint64		asked = 0;
	int64		position = 0;
	bool		done = false;
	uint64		generation;

	if (!feed_exists())
		return 0;
	generation = omni_core_extension_generation;

	deadline = omni_core_monotonic_ms() + timeout_ms;
	for (;;)
	{
		OmniDatabase *db;
		char		problem[OMNI_PROBLEM_SIZE] = "";
		long		rest;

		LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
		db = omni_core_find_database(MyDatabaseId);
		if (db == NULL || db->tick_asked < asked)
			asked = 0;			/* freed, or made anew since */
		if (asked == 0)
			db = omni_core_make_database(MyDatabaseId, false);
		if (db != NULL)
		{
			if (asked == 0)
			{
				asked = ++db->tick_asked;
				if (db->latch)
					SetLatch(db->latch);
			}
			omni_core_want_worker(db);
			done = db->tick_done >= asked;
			position = db->last_position;
			snprintf(problem, sizeof(problem), "%s", db->problem);
		}
		LWLockRelease(omni_core_registry->lock);

		if (done)
			break;
		AcceptInvalidationMessages();
		if (generation != omni_core_extension_generation)
		{
			/* perhaps another extension, whose feed nobody has begun */
			if (!feed_exists())
			{
				position = 0;
				break;
			}
			generation = omni_core_extension_generation;
		}
		rest = deadline - omni_core_monotonic_ms();
		if (db == NULL || rest <= 0)
		{
			ConditionVariableCancelSleep();
			if (db == NULL)
				omni_core_report_full();
			report_timeout(timeout_ms, problem);
		}
		(void) ConditionVariableTimedSleep(&db->cv, Min(rest, 1000),
										   omni_wait_event("OmniTick"));
	}
	ConditionVariableCancelSleep();
	return position;
}

/*
 * omni.wait_for_tick(timeout interval): the last position, once everything
 * committed before the call has one; the caller's own uncommitted rows are
 * excepted.  0 where nothing was ever written.  A month counts 30 days.
 * OM002 for NULL, OM007 for a negative time limit, OM015 at the time limit,
 * OM011 during recovery, without preload, and before adoption.
 */
Datum
omni_core_wait_for_tick_sql(PG_FUNCTION_ARGS)
{
	Interval   *timeout;
	double		ms;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "timeout")));
	timeout = PG_GETARG_INTERVAL_P(0);
	ms = timeout->time / 1000.0 +
		(timeout->day + timeout->month * (double) DAYS_PER_MONTH) *
		SECS_PER_DAY * 1000.0;
	if (ms < 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must not be negative", "timeout")));
	PG_RETURN_INT64(omni_core_wait_for_tick((long) Min(ms, INT_MAX)));
}
