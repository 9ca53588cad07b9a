/*
 * utility.c
 *	  Statements that the worker would stand in the way of.
 *
 * DROP DATABASE, CREATE DATABASE from a template, ALTER DATABASE … RENAME
 * and … SET TABLESPACE fail while somebody is connected to the database.  So the
 * hook bars the worker, waits until it has gone, runs the statement, and lifts
 * the bar whatever became of it.  The caller's right is checked first: without
 * it the hook does nothing, and the statement raises its own error.
 *
 * ALTER EXTENSION omni makes every session compare versions again.
 *
 * COMMIT PREPARED runs no callback of the transaction that it ends: what must
 * happen after any of them is called from here.
 */
#include "omni.h"

#include <signal.h>

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/syscache.h"
#include "utils/wait_event.h"

#include "core/core.h"
#include "core/private.h"

/* a worker gets this long to end its step by itself, then it is told to */
#define GRACE_MS 1000
/* and this long in all; the statement then reports who is connected */
#define LEAVE_MS 10000

#define MAX_COMMIT_PREPARED 4

static ProcessUtility_hook_type prev_process_utility = NULL;
static void (*commit_prepared[MAX_COMMIT_PREPARED]) (void);
static int	ncommit_prepared = 0;

/* Have "callback" called after each COMMIT PREPARED; it cannot fail. */
void
omni_core_on_commit_prepared(void (*callback) (void))
{
	if (ncommit_prepared >= MAX_COMMIT_PREPARED)
		elog(ERROR, "too many callbacks of COMMIT PREPARED in omni");
	commit_prepared[ncommit_prepared++] = callback;
}

/* The bar is lifted; the launcher may start the worker again. */
static void
lift_bar(int code, Datum arg)
{
	OmniDatabase *db;

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	db = omni_core_find_database(DatumGetObjectId(arg));
	if (db != NULL && db->bars > 0)
	{
		db->bars--;
		if (db->bars == 0 && db->state == OMNI_WORKER_WANTED)
			omni_core_wake_launcher();
	}
	LWLockRelease(omni_core_registry->lock);
}

/*
 * Wait until the barred worker has gone.  A worker that is in the middle of a
 * step, or waits for a lock that this very statement's transaction holds, is
 * terminated; its pid is its own as long as it stands in the registry.
 */
static void
wait_until_gone(Oid database)
{
	int64		start = omni_core_monotonic_ms();
	bool		told = false;

	for (;;)
	{
		OmniDatabase *db;
		int64		waited = omni_core_monotonic_ms() - start;
		bool		gone = true;

		LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
		db = omni_core_find_database(database);
		if (db != NULL && db->pid != 0)
		{
			gone = false;
			if (!told && waited >= GRACE_MS)
			{
				(void) kill(db->pid, SIGTERM);
				told = true;
			}
		}
		LWLockRelease(omni_core_registry->lock);

		if (gone || waited >= LEAVE_MS)
			break;
		(void) ConditionVariableTimedSleep(&db->cv, 100,
										   omni_wait_event("OmniWorkerLeave"));
	}
	ConditionVariableCancelSleep();
}

/* Bar the database's worker, if omni knows the database. */
static bool
set_bar(Oid database)
{
	OmniDatabase *db;

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	db = omni_core_find_database(database);
	if (db != NULL)
	{
		db->bars++;
		if (db->latch)
			SetLatch(db->latch);
	}
	LWLockRelease(omni_core_registry->lock);
	return db != NULL;
}

/* The database is gone: its entry, and what domains keep of it. */
static void
forget_database(Oid database)
{
	OmniDatabase *db;

	LWLockAcquire(omni_core_registry->lock, LW_EXCLUSIVE);
	db = omni_core_find_database(database);
	/* one that is just starting finds out by itself */
	if (db != NULL && db->pid == 0 && db->state != OMNI_WORKER_STARTING)
		omni_core_free_database(db);
	LWLockRelease(omni_core_registry->lock);
	omni_core_run_drop_hooks(database);
}

/*
 * May the current user create databases?  The server's own function for this
 * is not exported by every minor release of 15.
 */
static bool
may_create_databases(void)
{
	HeapTuple	tuple;
	bool		may = false;

	if (superuser())
		return true;
	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	if (HeapTupleIsValid(tuple))
	{
		may = ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
		ReleaseSysCache(tuple);
	}
	return may;
}

/* Could the current user make a copy of this database? */
static bool
may_copy(Oid database)
{
	HeapTuple	tuple;
	bool		may = false;

	if (omni_owns_database(database, GetUserId()))
		return true;
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	if (HeapTupleIsValid(tuple))
	{
		may = ((Form_pg_database) GETSTRUCT(tuple))->datistemplate &&
			may_create_databases();
		ReleaseSysCache(tuple);
	}
	return may;
}

/* The template of CREATE DATABASE. */
static const char *
template_name(CreatedbStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = (DefElem *) lfirst(lc);

		if (strcmp(option->defname, "template") == 0 && option->arg)
			return defGetString(option);
	}
	return "template1";
}

/* Does ALTER DATABASE move the database to another tablespace? */
static bool
moves_tablespace(AlterDatabaseStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		if (strcmp(((DefElem *) lfirst(lc))->defname, "tablespace") == 0)
			return true;
	}
	return false;
}

/*
 * The database that must have no worker while the statement runs, InvalidOid
 * for none: also where the caller may not run it.
 */
static Oid
database_to_bar(Node *statement, bool *drops)
{
	const char *name = NULL;
	bool		copies = false;
	Oid			database;

	*drops = false;
	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			name = ((DropdbStmt *) statement)->dbname;
			*drops = true;
			break;
		case T_CreatedbStmt:
			name = template_name((CreatedbStmt *) statement);
			copies = true;
			break;
		case T_RenameStmt:
			if (((RenameStmt *) statement)->renameType == OBJECT_DATABASE)
				name = ((RenameStmt *) statement)->subname;
			break;
		case T_AlterDatabaseStmt:
			if (moves_tablespace((AlterDatabaseStmt *) statement))
				name = ((AlterDatabaseStmt *) statement)->dbname;
			break;
		default:
			break;
	}
	if (name == NULL)
		return InvalidOid;
	database = get_database_oid(name, true);
	/* one's own database can be copied, the others' statements fail */
	if (!OidIsValid(database) || (database == MyDatabaseId && !copies))
		return InvalidOid;
	if (copies ? !may_copy(database) :
		!omni_owns_database(database, GetUserId()))
		return InvalidOid;
	return database;
}

/* Is this ALTER EXTENSION omni UPDATE (or ADD, DROP, SET SCHEMA …)? */
static bool
alters_extension(Node *statement)
{
	const char *name = NULL;

	if (IsA(statement, AlterExtensionStmt))
		name = ((AlterExtensionStmt *) statement)->extname;
	else if (IsA(statement, AlterExtensionContentsStmt))
		name = ((AlterExtensionContentsStmt *) statement)->extname;
	return name != NULL && strcmp(name, OMNI_EXTENSION_NAME) == 0;
}

/* A statement and all that a ProcessUtility hook is given with it. */
typedef struct Utility
{
	PlannedStmt *pstmt;
	const char *query_string;
	bool		read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *query_env;
	DestReceiver *dest;
	QueryCompletion *qc;
} Utility;

/* Pass the statement on. */
static void
run_utility(const Utility *u)
{
	ProcessUtility_hook_type next = prev_process_utility ?
		prev_process_utility : standard_ProcessUtility;

	next(u->pstmt, u->query_string, u->read_only_tree, u->context, u->params,
		 u->query_env, u->dest, u->qc);
}

/* Pass it on while the worker of "database" is barred. */
static void
run_without_worker(const Utility *u, Oid database)
{
	if (!set_bar(database))
	{
		run_utility(u);
		return;
	}
	/* as PG_FINALLY, and when the session ends in the middle, too */
	PG_ENSURE_ERROR_CLEANUP(lift_bar, ObjectIdGetDatum(database));
	{
		wait_until_gone(database);
		run_utility(u);
	}
	PG_END_ENSURE_ERROR_CLEANUP(lift_bar, ObjectIdGetDatum(database));
	lift_bar(0, ObjectIdGetDatum(database));
}

/* Is this COMMIT PREPARED? */
static bool
commits_prepared(Node *statement)
{
	return IsA(statement, TransactionStmt) &&
		((TransactionStmt *) statement)->kind == TRANS_STMT_COMMIT_PREPARED;
}

/* Call what is to be called after it. */
static void
prepared_committed(void)
{
	for (int i = 0; i < ncommit_prepared; i++)
		commit_prepared[i] ();
}

/*
 * Pass COMMIT PREPARED on.  Between the moment at which its changes become
 * visible and its return the server takes no interrupt, so an error is the
 * only other way out.  (It registers a callback of its own for the session's
 * end, under which no other can be taken away again.)
 */
static void
run_commit_prepared(const Utility *u)
{
	PG_TRY();
	{
		run_utility(u);
	}
	PG_CATCH();
	{
		prepared_committed();
		PG_RE_THROW();
	}
	PG_END_TRY();
	prepared_committed();
}

/* ProcessUtility_hook. */
static void
process_utility(PlannedStmt *pstmt, const char *query_string,
				bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *query_env,
				DestReceiver *dest, QueryCompletion *qc)
{
	Utility		u = {pstmt, query_string, read_only_tree, context, params,
	query_env, dest, qc};
	bool		drops;
	Oid			database = database_to_bar(pstmt->utilityStmt, &drops);
	bool		alters = alters_extension(pstmt->utilityStmt);

	if (commits_prepared(pstmt->utilityStmt))
		run_commit_prepared(&u);
	else if (!OidIsValid(database))
		run_utility(&u);
	else
		run_without_worker(&u, database);

	if (OidIsValid(database) && drops)
		forget_database(database);
	if (alters)
		omni_core_extension_altered();
}

/* Called in _PG_init. */
void
omni_core_utility_init(void)
{
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
