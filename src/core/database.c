/*
 * database.c
 *	  The stamp of a database, and the gate that every write passes.
 *
 * Ids of transactions mean nothing in another cluster, so the feed's state
 * carries a stamp: system identifier, database oid, extension oid.  Where the
 * stamp is not this database's own (after a restore, in a copy, in a fresh
 * extension), nothing is written to the feed before the worker has adopted
 * the database, in a transaction of its own; every row after that carries the
 * new era.  See adopt.c for the worker's half.
 *
 * The gate compares two atomics with two variables of the session.  They are
 * set once everything was checked slowly, and the extension's invalidation
 * unsets them.  The era becomes visible there only after the adopting
 * transaction has committed, and only on a server that has left recovery.
 */
#include "omni.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "core/core.h"
#include "core/private.h"

#define ADOPTED_EXTENSION(value) ((Oid) ((value) >> 32))
#define ADOPTED_ERA(value) ((int32) ((value) & 0xFFFFFFFF))

/* What the gate found in order, and when: see omni_core_gate(). */
static Oid	gate_extension = InvalidOid;
static uint64 gate_generation = 0;

/* the era of this process, when it is the worker; 0: not, or not yet */
static int32 worker_era = 0;

PG_FUNCTION_INFO_V1(omni_core_require_preload);
PG_FUNCTION_INFO_V1(omni_core_adopt_database);

static bool start_at_commit = false;

/* OM011 where nothing of omni can write. */
void
omni_core_require_server(void)
{
	const char *others = shared_preload_libraries_string ?
		shared_preload_libraries_string : "";

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("omni cannot work during recovery"),
				 errhint("Connect to the primary server.")));
	if (!omni_core_preloaded())
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("omni must be loaded via \"shared_preload_libraries\""),
				 errhint("Set shared_preload_libraries = '%s%somni' in "
						 "postgresql.conf and restart the server.",
						 others, others[0] != '\0' ? ", " : "")));
	if (IsBinaryUpgrade)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("omni cannot work during an upgrade of the server")));
}

/* ---- the stamp ---- */

/*
 * Read the stamp as committed, and judge it.  The table is nobody's but the
 * extension's, so it is read as the bootstrap superuser; an error gives the
 * user back with the transaction.
 */
void
omni_core_read_stamp(Oid extension, OmniStamp *stamp)
{
	static OmniQuery query = {
		.sql = "SELECT system_identifier, database_oid, extension_oid,"
		" era, timeline FROM omni_internal.feed_state",
	};
	OmniRows	rows;
	Snapshot	snapshot;
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID,
						   context | SECURITY_LOCAL_USERID_CHANGE);
	snapshot = omni_core_latest_snapshot(false);
	omni_core_query_snapshot(&query, NULL, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	SetUserIdAndSecContext(user, context);

	memset(stamp, 0, sizeof(*stamp));
	stamp->state = OMNI_STAMP_NONE;
	if (rows.nrows == 0)
		return;

	stamp->era = DatumGetInt32(OMNI_VALUE(&rows, 0, 3));
	stamp->timeline = DatumGetInt32(OMNI_VALUE(&rows, 0, 4));
	if ((uint64) DatumGetInt64(OMNI_VALUE(&rows, 0, 0)) ==
		GetSystemIdentifier() &&
		DatumGetObjectId(OMNI_VALUE(&rows, 0, 1)) == MyDatabaseId &&
		DatumGetObjectId(OMNI_VALUE(&rows, 0, 2)) == extension)
		stamp->state = OMNI_STAMP_OWN;
	else
		stamp->state = OMNI_STAMP_FOREIGN;
}

/* Make the stamp this database's own; the adopting worker alone does. */
void
omni_core_write_stamp(Oid extension, int32 era)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni_internal.feed_state AS f (system_identifier,"
		" database_oid, extension_oid, timeline, era, adopted_at)"
		" VALUES ($1, $2, $3, $4, $5, $6)"
		" ON CONFLICT ON CONSTRAINT feed_state_pkey DO UPDATE"
		" SET system_identifier = excluded.system_identifier,"
		" database_oid = excluded.database_oid,"
		" extension_oid = excluded.extension_oid,"
		" timeline = excluded.timeline,"
		" era = excluded.era, adopted_at = excluded.adopted_at",
		.nargs = 6,
		.argtypes = {INT8OID, OIDOID, OIDOID, INT4OID, INT4OID,
		TIMESTAMPTZOID},
	};
	Datum		values[6];

	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	values[1] = ObjectIdGetDatum(MyDatabaseId);
	values[2] = ObjectIdGetDatum(extension);
	values[3] = Int32GetDatum((int32) GetWALInsertionTimeLine());
	values[4] = Int32GetDatum(era);
	values[5] = TimestampTzGetDatum(GetCurrentTimestamp());
	omni_core_query(&query, values, NULL, false, NULL);
}

/* The server has been promoted since: the feed goes on, on a new timeline. */
void
omni_core_write_timeline(void)
{
	static OmniQuery query = {
		.sql = "UPDATE omni_internal.feed_state SET timeline = $1",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	Datum		values[1];

	values[0] = Int32GetDatum((int32) GetWALInsertionTimeLine());
	omni_core_query(&query, values, NULL, false, NULL);
}

/* The worker's own era, before others may know it. */
void
omni_core_set_worker_era(int32 era)
{
	worker_era = era;
}

/* Is this process the database's worker? */
bool
omni_core_is_worker(void)
{
	return worker_era > 0;
}

/* ---- the gate ---- */

/* The error of a first write whose wait ended. */
static void
report_not_adopted(const char *problem)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_NOT_READY),
			 errmsg("omni's worker has not adopted this database yet"),
			 problem[0] != '\0' ?
			 errdetail("%s", problem) :
			 errdetail("It did not answer within %d ms.",
					   omni_adopt_timeout),
			 errhint("Try again; if that does not help, the server's log "
					 "says more.")));
}

/*
 * Ask the worker to adopt "extension".  Returns this database's entry, and
 * the era where it is adopted now.  *asked is the number of the request.
 */
static OmniDatabase *
ask_for_adoption(Oid extension, uint64 *asked, int32 *era, bool *refused,
				 char *problem)
{
	OmniDatabase *db;
	uint64		adopted;

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	db = omni_core_make_database(MyDatabaseId, false);
	if (db == NULL)
	{
		LWLockRelease(omni_core_registry->lock);
		ConditionVariableCancelSleep();
		omni_core_report_full();
	}
	adopted = pg_atomic_read_u64(&db->adopted);
	*era = ADOPTED_EXTENSION(adopted) == extension ? ADOPTED_ERA(adopted) : 0;
	if (db->adopt_asked < *asked)
		*asked = 0;				/* the entry was made anew since */
	*refused = *asked > 0 && db->adopt_refused >= *asked;
	snprintf(problem, OMNI_PROBLEM_SIZE, "%s", db->problem);

	if (*era == 0 && !*refused)
	{
		/*
		 * Again at each turn of the wait: a session that still saw another
		 * extension may have asked for that one since.
		 */
		db->adopt_asked++;
		db->adopt_extension = extension;
		if (*asked == 0)
			*asked = db->adopt_asked;
		omni_core_want_worker(db);
		if (db->latch)
			SetLatch(db->latch);
	}
	LWLockRelease(omni_core_registry->lock);
	return db;
}

/*
 * Ask the worker, and wait until it has answered.  Returns the era, 0 when
 * the extension has become another one meanwhile.  The wait can be cancelled
 * and ends after omni.adopt_timeout; the worker goes on.
 */
static int32
wait_for_adoption(Oid extension, int64 deadline)
{
	uint64		asked = 0;
	char		problem[OMNI_PROBLEM_SIZE];
	int32		era;
	bool		refused;

	for (;;)
	{
		OmniDatabase *db = ask_for_adoption(extension, &asked, &era, &refused,
											problem);
		int64		rest = deadline - omni_core_monotonic_ms();

		if (era > 0)
			break;
		AcceptInvalidationMessages();
		if (omni_core_extension_oid() != extension)
			break;
		if (refused || rest <= 0)
		{
			ConditionVariableCancelSleep();
			report_not_adopted(problem);
		}
		/* a second at most: the entry may have been freed and made anew */
		(void) ConditionVariableTimedSleep(&db->cv, Min(rest, 1000),
										   omni_wait_event("OmniAdopt"));
	}
	ConditionVariableCancelSleep();
	return era;
}

/* Check everything, wait where needed, and remember that all is well. */
static int32
pass_gate_slowly(void)
{
	int64		deadline = omni_core_monotonic_ms() + omni_adopt_timeout;
	int32		era = 0;

	omni_core_require_server();
	if (worker_era > 0)
		return worker_era;

	while (era == 0)
	{
		OmniExtension extension;
		OmniDatabase *db = omni_core_my_database();
		uint64		adopted = db ? pg_atomic_read_u64(&db->adopted) : 0;
		/* this look-up registers the callbacks that unset what is kept */
		Oid			oid = omni_core_extension_oid();
		uint64		generation = omni_core_extension_generation;

		CHECK_FOR_INTERRUPTS();
		omni_core_read_extension(&extension);
		if (!OidIsValid(extension.oid))
			ereport(ERROR,
					(errcode(OMNI_ERR_NOT_READY),
					 errmsg("extension \"%s\" is not installed in this "
							"database", OMNI_EXTENSION_NAME),
					 errhint("Run: CREATE EXTENSION omni;")));
		if (extension.oid != oid)
			continue;			/* it has just become another one */
		omni_core_check_version(&extension);

		if (ADOPTED_EXTENSION(adopted) == oid)
			era = ADOPTED_ERA(adopted);
		else if (extension.own)
			ereport(ERROR,
					(errcode(OMNI_ERR_NOT_READY),
					 errmsg("extension \"%s\" was created or altered by this "
							"transaction", OMNI_EXTENSION_NAME),
					 errdetail("Its worker sees it when the transaction has "
							   "committed."),
					 errhint("COMMIT first, then call the function again.")));
		else
			era = wait_for_adoption(oid, deadline);
		gate_extension = oid;
		gate_generation = generation;
	}
	return era;
}

/*
 * The gate of every write function.  Returns the era under which ledger and
 * event rows are written.  OM011 during recovery, without preload, where the
 * extension is not committed yet, and when the worker does not adopt the
 * database within omni.adopt_timeout; OM012 when omni.max_databases is
 * reached; OM016 when library and SQL differ.
 */
int32
omni_core_gate(void)
{
	OmniDatabase *db;

	if (likely(gate_generation == omni_core_extension_generation &&
			   gate_extension != InvalidOid &&
			   (db = omni_core_my_database()) != NULL))
	{
		uint64		adopted = pg_atomic_read_u64(&db->adopted);

		pg_read_barrier();
		if (likely(ADOPTED_EXTENSION(adopted) == gate_extension &&
				   pg_atomic_read_u32(&db->database) == MyDatabaseId))
			return ADOPTED_ERA(adopted);
	}
	return pass_gate_slowly();
}

/*
 * Is the stamp this database's own?  Never waits.  Until the worker has
 * published the era (after a start of the server) the table is read, so that
 * no trigger is silent where it must speak; what the caller then writes
 * passes the gate, and waits there.
 */
bool
omni_core_is_adopted(void)
{
	OmniDatabase *db = omni_core_my_database();
	Oid			extension;
	OmniStamp	stamp;

	if (worker_era > 0)
		return true;
	extension = omni_core_extension_oid();
	if (!OidIsValid(extension))
		return false;
	if (db != NULL &&
		ADOPTED_EXTENSION(pg_atomic_read_u64(&db->adopted)) == extension)
		return true;
	if (RecoveryInProgress())
		return false;
	if (!OidIsValid(omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
										   "feed_state")))
		return false;
	omni_core_read_stamp(extension, &stamp);
	return stamp.state == OMNI_STAMP_OWN;
}

/* ---- SQL functions ---- */

/* At the end of the transaction that made the extension: ask for a worker. */
static void
start_worker_at_commit(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	if (start_at_commit && event == XACT_EVENT_COMMIT)
	{
		OmniDatabase *db;

		LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
		db = omni_core_make_database(MyDatabaseId, false);
		if (db)
		{
			omni_core_want_worker(db);
			if (db->latch)
				SetLatch(db->latch);
		}
		LWLockRelease(omni_core_registry->lock);
	}
	start_at_commit = false;
}

/*
 * omni_internal.require_preload(): called by the install script before it
 * makes anything.  OM011 without preload, OM012 when no further database has
 * room in omni.max_databases.  Asks for the worker at commit.
 */
Datum
omni_core_require_preload(PG_FUNCTION_ARGS)
{
	static bool registered = false;
	OmniDatabase *db;

	omni_core_require_server();

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	db = omni_core_make_database(MyDatabaseId, false);
	LWLockRelease(omni_core_registry->lock);
	if (db == NULL)
		omni_core_report_full();
	if (!registered)
	{
		RegisterXactCallback(start_worker_at_commit, NULL);
		registered = true;
	}
	start_at_commit = true;
	PG_RETURN_VOID();
}

/*
 * omni.adopt(): make this database's feed go on here, after a restore or in
 * a copy, without writing anything else; the first write function does the
 * same.  Returns the era.  Errors as the gate's.
 */
Datum
omni_core_adopt_database(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(omni_core_gate());
}
