/*
 * launcher.c
 *	  One static background worker that starts and restarts the others.
 *
 * Connected to the shared catalogs only, it stands in no database's way.  It
 * starts when the server has left recovery, so nothing of omni runs on a
 * standby before its promotion, and not at all during a binary upgrade.
 *
 * - After a start it looks at every database that can be connected to: a
 *	 worker goes there, and leaves at once where the extension is not
 *	 installed.  A few at a time, so that max_worker_processes is not used up
 *	 by them.
 * - Afterwards it serves the registry: an entry in state WANTED gets a worker,
 *	 once its bars are lifted and its back-off has passed.
 * - Workers never restart by themselves.  A worker that ends reports that in
 *	 the registry; one that ended before it could is found by its handle.
 *
 * The launcher holds no lock but the registry's, for moments.  When it fails,
 * the postmaster starts it anew after a second, and it goes on from the
 * registry; a worker that was STARTING then is asked for once more, and of two
 * workers of one database the second leaves.
 */
#include "omni.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/core.h"
#include "core/private.h"

/* back-off: after the first failure, and at most */
#define FIRST_DELAY_MS 1000
#define MAX_DELAY_MS 60000
/* how long to wait when no background worker is free */
#define FULL_DELAY_MS 1000
/* without a request: how often to look whether a handle has stopped */
#define IDLE_MS 60000
/* the same while databases are still to be looked at */
#define PROBE_MS 1000

/* Per entry, in the launcher's own memory: what it started there. */
typedef struct Started
{
	Oid			database;
	BackgroundWorkerHandle *handle;
} Started;

static Started *started;		/* parallel to the registry */
static Oid *probes = NULL;		/* databases still to be looked at */
static int	nprobes = 0;
static int64 full_logged = -1;	/* monotonic ms */

/*
 * The databases that can be connected to, in TopMemoryContext; or, with
 * "only" given, that one alone, if it is there: where a session asks, it does
 * not matter whether further ones are allowed.
 */
static int
list_databases(Oid only, Oid **list)
{
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;
	int			n = 0;
	int			room = 16;
	Oid		   *oids = MemoryContextAlloc(TopMemoryContext,
										  room * sizeof(Oid));

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);

		if (form->datconnlimit == OMNI_DATCONNLIMIT_INVALID_DB ||
			(OidIsValid(only) ? form->oid != only : !form->datallowconn))
			continue;
		if (n == room)
		{
			room *= 2;
			oids = repalloc(oids, room * sizeof(Oid));
		}
		oids[n++] = form->oid;
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();

	*list = oids;
	return n;
}

/* Is the database there, and whole? */
static bool
database_exists(Oid database)
{
	Oid		   *list;
	int			n = list_databases(database, &list);

	pfree(list);
	return n > 0;
}

/* Delay before the next start, after so many failures in a row. */
static int
backoff_ms(int failures)
{
	int			delay = FIRST_DELAY_MS;

	while (--failures > 0 && delay < MAX_DELAY_MS)
		delay *= 2;
	return Min(delay, MAX_DELAY_MS);
}

/* The launcher ends: nobody shall wake it any more. */
static void
launcher_exit(int code, Datum arg)
{
	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	if (omni_core_registry->launcher_latch == MyLatch)
		omni_core_registry->launcher_latch = NULL;
	LWLockRelease(omni_core_registry->lock);
}

/* Enter the registry; what a former launcher left half done is done again. */
static void
enter_registry(void)
{
	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	omni_core_registry->launcher_latch = MyLatch;
	for (int i = 0; i < omni_core_registry->ndatabases; i++)
	{
		OmniDatabase *db = &omni_core_registry->databases[i];

		if (db->state == OMNI_WORKER_STARTING)
			db->state = OMNI_WORKER_WANTED;
	}
	LWLockRelease(omni_core_registry->lock);
	before_shmem_exit(launcher_exit, (Datum) 0);
}

/* How many entries are being probed just now?  The caller holds the lock. */
static int
count_probes(void)
{
	int			n = 0;

	for (int i = 0; i < omni_core_registry->ndatabases; i++)
	{
		OmniDatabase *db = &omni_core_registry->databases[i];

		if (db->probe && db->state != OMNI_WORKER_NONE)
			n++;
	}
	return n;
}

/* Take the next databases from the list of those to be looked at. */
static void
start_probes(void)
{
	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	while (nprobes > 0 && count_probes() < OMNI_MAX_PROBES)
	{
		OmniDatabase *db = omni_core_make_database(probes[nprobes - 1], true);

		if (db == NULL)
			break;
		nprobes--;
		if (db->state == OMNI_WORKER_NONE)
			db->state = OMNI_WORKER_WANTED;
	}
	if (nprobes == 0)
		omni_core_registry->probed = true;
	LWLockRelease(omni_core_registry->lock);
}

/* Register a worker for an entry; false when the server has none free. */
static bool
register_worker(Oid database, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker;
	bool		registered;
	MemoryContext old;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "omni");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "omni_core_worker_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "omni worker for database %u",
			 database);
	snprintf(worker.bgw_type, BGW_MAXLEN, "omni worker");

	old = MemoryContextSwitchTo(TopMemoryContext);
	registered = RegisterDynamicBackgroundWorker(&worker, handle);
	MemoryContextSwitchTo(old);
	return registered;
}

/* Say that no background worker is free; once a minute is enough. */
static void
log_full(void)
{
	int64		now = omni_core_monotonic_ms();

	if (full_logged >= 0 && now - full_logged < 60000)
		return;
	full_logged = now;
	ereport(LOG,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("no background worker is free for omni; trying again"),
			 errhint("Raise max_worker_processes in postgresql.conf and "
					 "restart the server.")));
}

/* Start the worker of an entry that was WANTED; without the lock. */
static void
start_worker(int i, Oid database)
{
	OmniDatabase *db = &omni_core_registry->databases[i];
	bool		exists = database_exists(database);
	bool		registered = false;
	BackgroundWorkerHandle *handle = NULL;

	/*
	 * The state changes before the worker is registered: a worker may report
	 * before this function has returned from registering it.
	 */
	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	if (pg_atomic_read_u32(&db->database) != database ||
		db->state != OMNI_WORKER_WANTED || db->bars > 0)
		exists = false;
	else if (!exists)
		omni_core_free_database(db);
	else
		db->state = OMNI_WORKER_STARTING;
	LWLockRelease(omni_core_registry->lock);
	if (!exists)
		return;

	if (started[i].handle)
		pfree(started[i].handle);
	started[i].handle = NULL;
	registered = register_worker(database, &handle);
	if (registered)
	{
		started[i].database = database;
		started[i].handle = handle;
		return;
	}

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	if (pg_atomic_read_u32(&db->database) == database &&
		db->state == OMNI_WORKER_STARTING)
	{
		db->state = OMNI_WORKER_WANTED;
		db->start_after = omni_core_monotonic_ms() + FULL_DELAY_MS;
		snprintf(db->problem, sizeof(db->problem), "%s",
				 "No background worker is free: "
				 "max_worker_processes is reached.");
	}
	LWLockRelease(omni_core_registry->lock);
	log_full();
}

/* A worker that ended before it could report: back to WANTED, later. */
static void
check_started(int i)
{
	OmniDatabase *db = &omni_core_registry->databases[i];
	pid_t		pid;

	if (started[i].handle == NULL ||
		GetBackgroundWorkerPid(started[i].handle, &pid) != BGWH_STOPPED)
		return;
	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	if (pg_atomic_read_u32(&db->database) == started[i].database &&
		db->state == OMNI_WORKER_STARTING)
	{
		db->state = OMNI_WORKER_WANTED;
		db->failures++;
		db->start_after = omni_core_monotonic_ms() + backoff_ms(db->failures);
	}
	LWLockRelease(omni_core_registry->lock);
	pfree(started[i].handle);
	started[i].handle = NULL;
}

/* Serve the registry once; returns how long there is nothing to do. */
static long
serve_registry(void)
{
	long		wait = IDLE_MS;

	if (nprobes > 0)
		start_probes();
	if (nprobes > 0)
		wait = PROBE_MS;

	for (int i = 0; i < omni_core_registry->ndatabases; i++)
	{
		OmniDatabase *db = &omni_core_registry->databases[i];
		Oid			database;
		bool		start = false;

		check_started(i);
		LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
		database = pg_atomic_read_u32(&db->database);
		if (db->state == OMNI_WORKER_WANTED && db->bars == 0)
		{
			int64		now = omni_core_monotonic_ms();

			if (db->start_after == 0 && db->failures > 0)
				db->start_after = now + backoff_ms(db->failures);
			if (db->start_after <= now)
				start = true;
			else
				wait = Min(wait, db->start_after - now);
		}
		LWLockRelease(omni_core_registry->lock);

		if (start)
		{
			start_worker(i, database);
			wait = Min(wait, FULL_DELAY_MS);
		}
		CHECK_FOR_INTERRUPTS();
	}
	return wait;
}

/* Main function of the launcher. */
void
omni_core_launcher_main(Datum arg)
{
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);

	started = MemoryContextAllocZero(TopMemoryContext,
									 omni_core_registry->ndatabases *
									 sizeof(Started));
	enter_registry();
	if (!omni_core_registry->probed)
		nprobes = list_databases(InvalidOid, &probes);

	for (;;)
	{
		long		wait;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		wait = serve_registry();
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 wait, omni_wait_event("OmniLauncherMain"));
		ResetLatch(MyLatch);
	}
}

/* Called in _PG_init. */
void
omni_core_launcher_init(void)
{
	BackgroundWorker worker;

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "omni");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "omni_core_launcher_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "omni launcher");
	snprintf(worker.bgw_type, BGW_MAXLEN, "omni launcher");
	RegisterBackgroundWorker(&worker);
}
