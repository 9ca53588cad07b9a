/*
 * worker.c
 *	  The background worker of a database: ticks, wake-ups and chores.
 *
 * A turn is a sequence of steps, each a transaction of its own: the check of
 * extension and stamp where something changed, the tick, its NOTIFY, and the
 * chores that are due.  Rules:
 *
 * - Every step first locks the extension, without waiting, and looks whether
 *	 it is still the one that was checked.  So DROP EXTENSION cannot deadlock
 *	 with a step, and a step never works on tables of another extension.
 * - An error, or a cancel, costs the step: it is logged, the transaction is
 *	 rolled back, and the step runs again after a delay.  Only FATAL ends the
 *	 worker; the launcher then starts another.
 * - Between steps the worker is idle outside a transaction, processes
 *	 interrupts, and leaves when it is barred.
 * - The tick's step is REPEATABLE READ and has no snapshot before the tick
 *	 takes it.
 * - The era is published (see the gate) after the stamp was found own, one
 *	 tick has run, which sets the clock, and the chores that want so have run
 *	 once, whatever became of them.
 * - A crash at any point loses and repeats nothing: all state is in tables,
 *	 and shared memory is made anew.
 */
#include "omni.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "core/core.h"
#include "core/feed.h"
#include "core/private.h"

/* how long a failed step waits, the first time and at most */
#define FIRST_RETRY_MS 1000
/*
 * Ticks that somebody waits for, apart at least: a consumer that asks again
 * and again would have the worker flush the log as often as it can.
 */
#define TICKS_APART_MS 20
#define MAX_RETRY_MS 30000
/* how often a worker that has nothing to tick looks after its extension */
#define UNADOPTED_MS 1000
/* a worker that lived so long has earned a quick restart */
#define STEADY_MS 60000

typedef enum LeaveReason
{
	LEAVE_FAILED,				/* an error, a signal; the default */
	LEAVE_BARRED,				/* a utility statement wants it gone */
	LEAVE_GONE					/* the extension is not here */
} LeaveReason;

/* What became of a step. */
typedef enum StepResult
{
	STEP_DONE,
	STEP_SKIPPED,				/* extension busy, gone or another one */
	STEP_FAILED
} StepResult;

typedef bool (*StepFunction) (void *arg);

/* One thing that runs again and again, and backs off when it fails. */
typedef struct Schedule
{
	int64		due;			/* monotonic ms */
	int			failures;		/* in a row */
} Schedule;

static struct
{
	OmniDatabase *db;			/* stays ours as long as our pid is in it */
	LeaveReason reason;
	int64		started_at;		/* monotonic ms */
	uint64		start_seen;		/* requests for a worker known to the check */

	Oid			extension;		/* the one that was checked */
	uint64		generation;		/* when it was checked */
	bool		checked;
	bool		fits;			/* versions of library and SQL are equal */
	int32		era;			/* 0: the stamp is not own */
	bool		published;

	int64		ticked_at;		/* when a tick last found rows, monotonic ms */
	Schedule	check;
	Schedule	tick;
	Schedule	chores[OMNI_MAX_CHORES];
	MemoryContext context;		/* reset at every turn */
} me;

/* ---- coming and going ---- */

/* before_shmem_exit: leave the registry, saying what shall come next. */
static void
leave_registry(int code, Datum arg)
{
	OmniDatabase *db = me.db;

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	if (db->pid == MyProcPid)
	{
		db->pid = 0;
		db->latch = NULL;
		db->settled = false;
		db->state = OMNI_WORKER_WANTED;
		db->start_after = 0;
		if (me.reason == LEAVE_GONE)
		{
			pg_atomic_write_u64(&db->adopted, 0);
			/* somebody may have made the extension since it was looked for */
			if (db->start_asked == me.start_seen)
				db->state = OMNI_WORKER_NONE;
		}
		else if (me.reason == LEAVE_FAILED)
		{
			if (omni_core_monotonic_ms() - me.started_at > STEADY_MS)
				db->failures = 0;
			db->failures++;
		}
		omni_core_wake_launcher();
		ConditionVariableBroadcast(&db->cv);
	}
	LWLockRelease(omni_core_registry->lock);
}

/* Enter the registry; false when there is no work for this process. */
static bool
enter_registry(Oid database)
{
	OmniDatabase *db;
	bool		entered = false;

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	db = omni_core_find_database(database);
	if (db != NULL && db->pid == 0)
	{
		if (db->bars > 0)
		{
			/* back to the launcher, until the bar is lifted */
			if (db->state == OMNI_WORKER_STARTING)
				db->state = OMNI_WORKER_WANTED;
		}
		else
		{
			db->pid = MyProcPid;
			db->latch = MyLatch;
			db->state = OMNI_WORKER_RUNNING;
			db->settled = false;
			me.db = db;
			me.started_at = omni_core_monotonic_ms();
			entered = true;
		}
	}
	omni_core_wake_launcher();
	LWLockRelease(omni_core_registry->lock);

	if (entered)
		before_shmem_exit(leave_registry, (Datum) 0);
	return entered;
}

/* End the worker in good order. */
static void
leave(LeaveReason reason)
{
	me.reason = reason;
	proc_exit(0);
}

/*
 * Settings that ALTER DATABASE or ALTER ROLE may have given, but that the
 * worker's own statements rely on.
 */
static void
set_options(void)
{
	static const char *const options[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"row_security", "on"},
		{"session_replication_role", "origin"},
		/* the worker waits for no user's transaction for long */
		{"lock_timeout", "5s"},
#if OMNI_HAVE_TRANSACTION_TIMEOUT
		{"transaction_timeout", "0"},
#endif
	};

	for (int i = 0; i < lengthof(options); i++)
		SetConfigOption(options[i][0], options[i][1], PGC_SUSET,
						PGC_S_OVERRIDE);
}

/* ---- steps ---- */

/* Error context: which step it was. */
static void
report_step(void *arg)
{
	errcontext("omni worker, step \"%s\"", (const char *) arg);
}

/*
 * Is the extension still the one that was checked, and is it locked now?
 * Called first in a step's transaction.
 */
static bool
lock_extension(void)
{
	Oid			oid = omni_core_extension_oid();

	if (!OidIsValid(oid) || oid != me.extension ||
		!ConditionalLockDatabaseObject(ExtensionRelationId, oid, 0,
									   AccessShareLock))
		return false;
	/* taking the lock has let invalidations in */
	return omni_core_extension_oid() == oid &&
		omni_core_extension_generation == me.generation;
}

/* What must be forgotten after an error that was caught. */
static void
recover_from_error(void)
{
	HOLD_INTERRUPTS();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	EmitErrorReport();
	AbortCurrentTransaction();
	FlushErrorState();
	RESUME_INTERRUPTS();
}

/* What sessions that wait in vain are told. */
static void
set_problem(const char *problem)
{
	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	snprintf(me.db->problem, sizeof(me.db->problem), "%s", problem);
	LWLockRelease(omni_core_registry->lock);
}

/*
 * Run one step in a transaction of its own.  "locked" steps skip when the
 * extension cannot be locked; the step itself may return false to say that it
 * could not do its work, which is no error.
 */
static StepResult
run_step(const char *name, StepFunction step, void *arg, bool locked)
{
	volatile StepResult result = STEP_SKIPPED;
	ErrorContextCallback callback;
	volatile int sqlstate = 0;

	callback.callback = report_step;
	callback.arg = (void *) name;
	callback.previous = error_context_stack;

	pgstat_report_activity(STATE_RUNNING, name);
	PG_TRY();
	{
		error_context_stack = &callback;
		StartTransactionCommand();
		if ((!locked || lock_extension()) && step(arg))
			result = STEP_DONE;
		CommitTransactionCommand();
		error_context_stack = callback.previous;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(me.context);
		sqlstate = geterrcode();
		recover_from_error();
		result = STEP_FAILED;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(me.context);

	if (result == STEP_FAILED)
	{
		char		problem[OMNI_PROBLEM_SIZE];

		snprintf(problem, sizeof(problem),
				 "The worker's step \"%s\" failed with SQLSTATE %s.",
				 name, unpack_sql_state(sqlstate));
		set_problem(problem);
	}
	pgstat_report_activity(STATE_IDLE, NULL);
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	return result;
}

/* When does it run again: after "ms", or later when it failed. */
static void
reschedule(Schedule *schedule, StepResult result, int ms)
{
	if (result == STEP_FAILED)
	{
		ms = FIRST_RETRY_MS;
		for (int i = 0; i < schedule->failures && ms < MAX_RETRY_MS; i++)
			ms *= 2;
		ms = Min(ms, MAX_RETRY_MS);
		schedule->failures++;
	}
	else
		schedule->failures = 0;
	schedule->due = omni_core_monotonic_ms() + ms;
}

/* ---- the check: which extension, which version, whose stamp ---- */

/* The extension has become another one: nothing that was known holds. */
static void
forget_adoption(void)
{
	me.era = 0;
	me.published = false;
	omni_core_set_worker_era(0);
	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	pg_atomic_write_u64(&me.db->adopted, 0);
	me.db->last_position = 0;
	LWLockRelease(omni_core_registry->lock);
}

/*
 * The server was promoted since the stamp was written, or recovered to a point
 * in time: readers are told before anything else is written.
 */
static void
change_timeline(int32 era)
{
	int64		position = omni_core_begin_timeline(era);

	omni_core_write_timeline();
	omni_core_set_worker_era(era);
	omni_core_write_timeline_event("feed.timeline",
								   GetWALInsertionTimeLine(), era, position);
}

/* Step: find the extension, compare versions, read the stamp. */
static bool
check_step(void *arg)
{
	OmniExtension extension;
	OmniStamp	stamp;
	Oid			oid;

	LWLockAcquire(omni_core_registry->lock, LW_SHARED);
	me.start_seen = me.db->start_asked;
	LWLockRelease(omni_core_registry->lock);

	/* after the count: what was committed before it is seen now */
	AcceptInvalidationMessages();
	oid = omni_core_extension_oid();
	me.generation = omni_core_extension_generation;
	if (oid != me.extension)
	{
		me.extension = oid;
		forget_adoption();
	}
	if (!OidIsValid(oid))
		return false;
	if (!lock_extension())
		return false;

	omni_core_read_extension(&extension);
	me.fits = omni_core_version_order(&extension) == 0;
	if (!me.fits)
	{
		ereport(LOG,
				(errcode(OMNI_ERR_VERSION_MISMATCH),
				 errmsg("omni's worker does nothing: the library has version "
						"%s, the SQL objects have version %s",
						OMNI_VERSION, extension.version),
				 errhint("Restart the server, or run ALTER EXTENSION omni "
						 "UPDATE.")));
		set_problem("Library and SQL objects of omni differ in version.");
		return true;
	}

	omni_core_read_stamp(oid, &stamp);
	if (stamp.state == OMNI_STAMP_OWN)
	{
		if (stamp.timeline != (int32) GetWALInsertionTimeLine())
			change_timeline(stamp.era);
		if (me.era != stamp.era)
			me.published = false;
		me.era = stamp.era;
	}
	else if (me.era != 0)
		forget_adoption();
	return true;
}

/*
 * The extension is here, so the worker stays, where there is a place for its
 * database.
 */
static void
settle(void)
{
	bool		room;

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	room = omni_core_make_database(MyDatabaseId, false) != NULL;
	me.db->settled = room;
	omni_core_wake_launcher();
	LWLockRelease(omni_core_registry->lock);
	if (room)
		return;

	ereport(LOG,
			(errcode(OMNI_ERR_OUT_OF_MEMORY),
			 errmsg("more databases than \"omni.max_databases\" use omni: "
					"nothing is done for this one"),
			 errhint("Raise omni.max_databases in postgresql.conf and "
					 "restart the server.")));
	leave(LEAVE_GONE);
}

/* Run the check where something may have changed; false: nothing to do. */
static bool
check_extension(void)
{
	StepResult	result;

	if (!me.checked || me.generation != omni_core_extension_generation)
	{
		if (me.check.due > omni_core_monotonic_ms())
			return false;
		result = run_step("check", check_step, NULL, false);
		me.checked = result == STEP_DONE;
		if (result == STEP_FAILED)
		{
			/* what was known was not found wrong: it holds until then */
			omni_core_set_worker_era(me.era);
			reschedule(&me.check, result, 0);
			return false;
		}
		me.check.failures = 0;
		if (!OidIsValid(me.extension))
			leave(LEAVE_GONE);
		if (!me.checked)
			return false;
		omni_core_set_worker_era(me.era);
		if (!me.db->settled)
			settle();
	}
	return me.fits;
}

/* ---- adoption ---- */

/* Step: adopt.  *arg: the era, 0 when it could not be done now. */
static bool
adopt_step(void *arg)
{
	int32	   *era = arg;

	XactIsoLevel = XACT_REPEATABLE_READ;
	*era = omni_core_adopt(me.extension);
	return *era > 0;
}

/* Adopt the database where somebody asks for it. */
static void
adopt_if_asked(void)
{
	uint64		asked;
	bool		pending;
	StepResult	result;
	int32		era = 0;

	/*
	 * A request about an extension that is gone must not adopt the one that
	 * a restore has just made and is about to fill.
	 */
	LWLockAcquire(omni_core_registry->lock, LW_SHARED);
	asked = me.db->adopt_asked;
	pending = asked > me.db->adopt_answered &&
		me.db->adopt_extension == me.extension;
	LWLockRelease(omni_core_registry->lock);
	if (!pending)
		return;

	result = run_step("adopt", adopt_step, &era, true);
	if (result == STEP_DONE)
	{
		me.era = era;
		omni_core_set_worker_era(era);
		me.tick.due = 0;
		return;					/* publishing answers */
	}
	omni_core_set_worker_era(0);
	if (result == STEP_SKIPPED)
	{
		/*
		 * Not now: something is locked, or it is about another extension.
		 * Who waits asks again every second.
		 */
		if (me.generation == omni_core_extension_generation)
			set_problem("The stamp of the feed, or the extension, is locked "
						"by another session; a restore may be running.");
		else
			SetLatch(MyLatch);
		return;
	}

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	me.db->adopt_answered = me.db->adopt_refused = asked;
	LWLockRelease(omni_core_registry->lock);
	ConditionVariableBroadcast(&me.db->cv);
}

/* ---- the tick ---- */

/* Step: close a tick.  The snapshot is the tick's to take. */
static bool
tick_step(void *arg)
{
	XactIsoLevel = XACT_REPEATABLE_READ;
	omni_core_tick_close(me.era, (OmniTickResult *) arg);
	return true;
}

/* Step: the wake-ups, in a transaction of their own. */
static bool
notify_step(void *arg)
{
	omni_core_tick_notify((OmniTickResult *) arg);
	return true;
}

/* Tell everybody what the tick has brought. */
static void
report_tick(const OmniTickResult *tick, uint64 asked)
{
	OmniDatabase *db = me.db;

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	omni_core_clock_ticked(db, tick->closed_at);
	db->last_position = tick->last_position;
	db->tick_done = asked;
	db->turns++;
	db->last_turn_at = GetCurrentTimestamp();
	db->problem[0] = '\0';
	if (omni_core_monotonic_ms() - me.started_at > STEADY_MS)
		db->failures = 0;
	LWLockRelease(omni_core_registry->lock);
	ConditionVariableBroadcast(&db->cv);
}

/* Close a tick, when it is time to or somebody waits for it. */
static bool
take_tick(bool woken)
{
	OmniTickResult tick = {0};
	uint64		asked;
	bool		wanted;
	StepResult	result;

	LWLockAcquire(omni_core_registry->lock, LW_SHARED);
	asked = me.db->tick_asked;
	wanted = woken || asked > me.db->tick_done;
	LWLockRelease(omni_core_registry->lock);
	if (me.tick.failures > 0)
		wanted = false;			/* a failing tick keeps its delay */
	if (wanted && omni_core_monotonic_ms() < me.ticked_at + TICKS_APART_MS)
	{
		me.tick.due = Min(me.tick.due, me.ticked_at + TICKS_APART_MS);
		wanted = false;
	}
	if (!wanted && me.tick.due > omni_core_monotonic_ms())
		return true;

	result = run_step("tick", tick_step, &tick, true);
	reschedule(&me.tick, result, omni_tick_interval);
	if (result != STEP_DONE)
		return false;
	report_tick(&tick, asked);
	if (tick.closed)
	{
		me.ticked_at = omni_core_monotonic_ms();
		(void) run_step("notify", notify_step, &tick, true);
	}
	return true;
}

/* ---- chores ---- */

typedef struct ChoreCall
{
	const OmniChore *chore;
	int			again_ms;
} ChoreCall;

/* Step: run a chore. */
static bool
chore_step(void *arg)
{
	ChoreCall  *call = arg;

	PushActiveSnapshot(GetTransactionSnapshot());
	call->again_ms = call->chore->run();
	PopActiveSnapshot();
	return true;
}

/* Run the chores that are due; all of them when woken. */
static void
run_chores(bool woken, bool at_start)
{
	const OmniChore **chores;
	int			n = omni_core_chores(&chores);

	for (int i = 0; i < n; i++)
	{
		ChoreCall	call = {chores[i], FIRST_RETRY_MS};
		StepResult	result;

		if (at_start && !chores[i]->at_start)
			continue;
		if (!at_start && !(woken && me.chores[i].failures == 0) &&
			me.chores[i].due > omni_core_monotonic_ms())
			continue;
		do
			result = run_step(chores[i]->name, chore_step, &call, true);
		while (at_start && result == STEP_DONE && call.again_ms == 0);
		reschedule(&me.chores[i], result,
				   result == STEP_DONE ? Max(call.again_ms, 0) :
				   omni_tick_interval);
	}
}

/* Let writes through: everything that had to come before has been done. */
static void
publish_era(void)
{
	OmniDatabase *db = me.db;

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	pg_atomic_write_u64(&db->adopted,
						((uint64) me.extension << 32) | (uint32) me.era);
	if (db->adopt_extension == me.extension)
		db->adopt_answered = db->adopt_asked;
	LWLockRelease(omni_core_registry->lock);
	me.published = true;
	ConditionVariableBroadcast(&db->cv);
}

/* ---- turns ---- */

/* Has a utility statement barred this worker? */
static bool
is_barred(void)
{
	bool		barred;

	LWLockAcquire(omni_core_registry->lock, LW_SHARED);
	barred = me.db->bars > 0;
	LWLockRelease(omni_core_registry->lock);
	return barred;
}

/* One turn. */
static void
take_turn(void)
{
	bool		woken = pg_atomic_exchange_u32(&me.db->wake, 0) != 0;
	bool		ticked;

	if (!check_extension())
		return;
	if (me.era == 0)
		adopt_if_asked();
	if (me.era == 0)
		return;
	ticked = take_tick(woken);
	if (!me.published)
	{
		if (!ticked)
			return;
		run_chores(false, true);
		publish_era();
	}
	run_chores(woken, false);
}

/* How long until something is due. */
static long
time_to_wait(void)
{
	int64		due;
	const OmniChore **chores;
	int			n = omni_core_chores(&chores);

	if (me.era == 0 || !me.fits)
		return UNADOPTED_MS;
	due = me.tick.due;
	for (int i = 0; me.published && i < n; i++)
		due = Min(due, me.chores[i].due);
	/* a check that has to wait shall not make the loop spin */
	return Max(due - omni_core_monotonic_ms(), me.checked ? 0 : 100);
}

/*
 * Look for another extension, or for none: an idle transaction takes the
 * invalidations in, which raise the generation.
 */
static bool
idle_step(void *arg)
{
	if (!OidIsValid(omni_core_extension_oid()) ||
		omni_core_extension_generation != me.generation)
		me.checked = false;
	return true;
}

/* Main function of the worker; "arg" is the database's oid. */
void
omni_core_worker_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	if (!enter_registry(database))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);
	set_options();
	me.context = AllocSetContextCreate(TopMemoryContext, "omni worker turn",
									   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(me.context);

	for (;;)
	{
		/* a cancel that comes between steps has nothing to cancel */
		ResetLatch(MyLatch);
		QueryCancelPending = false;
		CHECK_FOR_INTERRUPTS();
		if (is_barred())
			leave(LEAVE_BARRED);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			/* an interval may have become shorter */
			pg_atomic_write_u32(&me.db->wake, 1);
		}

		MemoryContextReset(me.context);
		take_turn();
		if (me.era == 0 || !me.fits)
			(void) run_step("idle", idle_step, NULL, false);
		pgstat_report_stat(false);

		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 time_to_wait(),
						 omni_wait_event("OmniWorkerMain"));
	}
}
