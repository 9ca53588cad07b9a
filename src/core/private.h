/*
 * private.h
 *	  Core's own business: between its files, not for other domains.
 */
#ifndef OMNI_CORE_PRIVATE_H
#define OMNI_CORE_PRIVATE_H

#include "core/core.h"

#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

/* ---- shmem.c ---- */

extern void omni_core_shmem_init(void);

/* ---- guc.c ---- */

extern int	omni_max_databases;
extern int	omni_adopt_timeout; /* ms */
extern void omni_core_guc_init(void);

/* ---- extension.c: the extension as this session's catalogs show it ---- */

typedef struct OmniExtension
{
	Oid			oid;			/* InvalidOid: not installed */
	bool		own;			/* written by the current transaction */
	char		version[64];	/* of its SQL */
} OmniExtension;

/* Read the catalog, past every cache. */
extern void omni_core_read_extension(OmniExtension *extension);
/* OM016 unless the library and the extension's SQL are of one version. */
extern void omni_core_check_version(const OmniExtension *extension);
/* Below 0: the SQL is older than the library; 0: the same; above 0: newer. */
extern int	omni_core_version_order(const OmniExtension *extension);
/*
 * Raised whenever the extension may have become another one, or another
 * version of itself; what was checked at an older count is in doubt.
 */
extern uint64 omni_core_extension_generation;
/* ALTER EXTENSION omni: make every session check again, at commit. */
extern void omni_core_extension_altered(void);

/* ---- owner.c: who owns the extension ---- */

/* what all of omni's SQL is written for */
#define OMNI_SEARCH_PATH "pg_catalog, pg_temp"

/* OM011 where the extension is not installed. */
extern Oid	omni_core_owner(void);
/* The same, InvalidOid there. */
extern Oid	omni_core_owner_if_any(void);

/* ---- registry.c: per database state in shared memory ---- */

typedef enum OmniWorkerState
{
	OMNI_WORKER_NONE,			/* nobody wants one */
	OMNI_WORKER_WANTED,			/* the launcher shall start one */
	OMNI_WORKER_STARTING,		/* registered, has not reported yet */
	OMNI_WORKER_RUNNING			/* has reported: pid and latch are its own */
} OmniWorkerState;

#define OMNI_PROBLEM_SIZE 256

/* databases that the launcher looks at together after a start */
#define OMNI_MAX_PROBES 2

/*
 * One database.  Fields without a note are protected by the registry's lock;
 * the atomics are written under it, too, and read without.
 */
typedef struct OmniDatabase
{
	pg_atomic_uint32 database;	/* oid; 0: entry is free */
	/*
	 * extension oid << 32 | era, once the worker has found or made the stamp
	 * this database's own; 0 before.  All that the gate reads.
	 */
	pg_atomic_uint64 adopted;
	pg_atomic_uint64 last_tick_time;	/* the clock is never behind it */
	pg_atomic_uint64 clock_offset;	/* microseconds; tests move it */
	pg_atomic_uint32 wake;		/* 1: a turn with all chores is asked for */

	OmniWorkerState state;
	int			pid;			/* of the worker; 0: none */
	Latch	   *latch;			/* of the worker; NULL: none */
	int			bars;			/* utility statements that forbid a worker */
	bool		probe;			/* the launcher looks for the extension; does
								 * not count against omni.max_databases */
	bool		settled;		/* the worker found the extension and stays */
	uint64		start_asked;	/* requests for a worker, counted */
	int			failures;		/* starts in a row that came to nothing */
	int64		start_after;	/* do not start one before, monotonic ms */

	uint64		adopt_asked;	/* requests to adopt, counted */
	uint64		adopt_answered; /* the last one dealt with, well or ill */
	uint64		adopt_refused;	/* the last one dealt with ill */
	Oid			adopt_extension;	/* that the last request is about */
	uint64		tick_asked;		/* requests for a tick, counted */
	uint64		tick_done;		/* the last one that a closed tick covers */
	int64		last_position;	/* of the feed, after the last turn */
	uint64		turns;			/* ticks that ran, since the server's start */
	TimestampTz last_turn_at;	/* when the last of them had ended, whether it
								 * found anything or not */

	uint64		prune_asked;	/* requests for retention, counted */
	uint64		prune_done;		/* the last one that is done */
	TimestampTz prune_before;	/* of those that are not: the latest */

	/* what keeps the worker from its work; empty: nothing */
	char		problem[OMNI_PROBLEM_SIZE];
	ConditionVariable cv;		/* any change of the above; never
								 * initialised anew */
} OmniDatabase;

typedef struct OmniRegistry
{
	LWLock	   *lock;			/* protects all but what is said otherwise */
	Latch	   *launcher_latch; /* NULL: no launcher */
	bool		probed;			/* every database was looked at since start */
	int			ndatabases;
	OmniDatabase databases[FLEXIBLE_ARRAY_MEMBER];
} OmniRegistry;

extern OmniRegistry *omni_core_registry;	/* NULL without preload */

extern void omni_core_registry_init(void);
/* Entry of a database, or NULL.  The caller holds the lock. */
extern OmniDatabase *omni_core_find_database(Oid database);
/*
 * The same, made when missing; NULL when omni.max_databases is reached.
 * Exclusive.  A probe may have the places beyond that.
 */
extern OmniDatabase *omni_core_make_database(Oid database, bool probe);
/* OM012: omni.max_databases is reached. */
extern void omni_core_report_full(void) pg_attribute_noreturn();
/* Give an entry back.  Exclusive. */
extern void omni_core_free_database(OmniDatabase *db);
/* This session's entry, looked up without a lock; NULL when there is none. */
extern OmniDatabase *omni_core_my_database(void);
/* Ask the launcher for a worker, if there is none.  Exclusive; cannot fail. */
extern void omni_core_want_worker(OmniDatabase *db);
/* Wake the launcher.  The caller holds the lock; cannot fail. */
extern void omni_core_wake_launcher(void);

/* ---- database.c: the stamp ---- */

typedef enum OmniStampState
{
	OMNI_STAMP_NONE,			/* no state row: a fresh extension */
	OMNI_STAMP_FOREIGN,			/* restored, or copied from a template */
	OMNI_STAMP_OWN
} OmniStampState;

typedef struct OmniStamp
{
	OmniStampState state;
	int32		era;			/* 0 when there is no row */
	int32		timeline;
} OmniStamp;

/* Read the stamp as committed, and judge it. */
extern void omni_core_read_stamp(Oid extension, OmniStamp *stamp);
/* Write it anew; in the adopting transaction, by the worker alone. */
extern void omni_core_write_stamp(Oid extension, int32 era);
/* The row is this database's own but of an earlier timeline. */
extern void omni_core_write_timeline(void);
/* What the gate answers inside the worker before the era is published. */
extern void omni_core_set_worker_era(int32 era);
/* OM011 where nothing can work: recovery, no preload, binary upgrade. */
extern void omni_core_require_server(void);

/* ---- timeline.c ---- */

/*
 * The feed goes on in this era, on the server's timeline: record it.  Returns
 * the last position given before.
 */
extern int64 omni_core_begin_timeline(int32 era);
/* The event that says so, once the worker may write in that era. */
extern void omni_core_write_timeline_event(const char *kind, int64 entity_id,
										   int32 era, int64 position);

/* ---- clock.c ---- */

/*
 * Milliseconds that never jump, the same in all processes: for schedules and
 * time limits, which a clock that is set must not disturb.
 */
extern int64 omni_core_monotonic_ms(void);
/* A worker's tick has been closed at that time. */
extern void omni_core_clock_ticked(OmniDatabase *db, TimestampTz closed_at);

/* ---- launcher.c ---- */

extern void omni_core_launcher_init(void);
extern PGDLLEXPORT void omni_core_launcher_main(Datum arg);

/* ---- worker.c ---- */

extern PGDLLEXPORT void omni_core_worker_main(Datum arg);

/* ---- adopt.c ---- */

/*
 * The body of the adopting transaction, which is REPEATABLE READ and has
 * neither snapshot nor transaction id yet.  Returns the new era, or 0 when
 * another session is writing the stamp, as a restore does.
 */
extern int32 omni_core_adopt(Oid extension);

/* ---- chores.c ---- */

#define OMNI_MAX_CHORES 16
#define OMNI_MAX_HOOKS 16

extern int	omni_core_chores(const OmniChore ***list);
extern int	omni_core_adopt_hooks(OmniAdoptHook **list);
extern void omni_core_run_drop_hooks(Oid database);

/* ---- checks.c ---- */

/* Give the executor a table's CHECK constraints, ready for use. */
struct ResultRelInfo;
extern void omni_core_prepare_checks(struct ResultRelInfo *target);

/* ---- retention.c ---- */

extern void omni_core_retention_init(void);

/* ---- utility.c ---- */

extern void omni_core_utility_init(void);

#endif							/* OMNI_CORE_PRIVATE_H */
