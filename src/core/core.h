/*
 * core.h
 *	  What the domains may use of core: nothing here knows retail.
 *
 * Each group names the file that implements it.
 */
#ifndef OMNI_CORE_H
#define OMNI_CORE_H

#include "omni.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "utils/jsonb.h"
#include "utils/snapshot.h"

/* ---- init.c: called first, and last, in _PG_init ---- */

extern void omni_core_init(void);
extern void omni_core_init_end(void);

/* ---- shmem.c: shared memory as a table of subsystems ---- */

typedef struct OmniShmemItem
{
	const char *name;			/* as shown in pg_shmem_allocations */
	Size		(*size) (void);	/* bytes wanted, from GUCs alone */
	void		(*init) (void *area, bool found);	/* first process: fill;
													 * every one: remember */
	const char *tranche;		/* LWLock tranche to request, or NULL */
	int			nlocks;			/* how many locks of that tranche */
} OmniShmemItem;

/* Call from a domain's init function, in _PG_init, when preloading. */
extern void omni_core_register_shmem(const OmniShmemItem *item);
/* true when the library was loaded by shared_preload_libraries */
extern bool omni_core_preloaded(void);

/* ---- spi.c: the one way to run SQL from C ---- */

#define OMNI_QUERY_MAX_ARGS 24

/*
 * A statement with a plan kept for the life of the session.  Declare it
 * static; values are parameters of built-in types, never spliced into the
 * text.  Qualify relations, functions and types by their schema.  The plan is
 * generic: made once, whatever the values are.
 */
typedef struct OmniQuery
{
	const char *sql;
	int			nargs;
	Oid			argtypes[OMNI_QUERY_MAX_ARGS];
	SPIPlanPtr	plan;			/* NULL until first used */
	bool		custom_plan;	/* plan anew at every call: for large and rare
								 * statements whose plan hangs on a value */
} OmniQuery;

/* A result, copied into the caller's memory context, row by row. */
typedef struct OmniRows
{
	int			nrows;
	int			natts;
	Datum	   *values;			/* nrows × natts */
	bool	   *isnull;
	uint64		processed;		/* rows affected, also without a result */
} OmniRows;

#define OMNI_VALUE(rows, r, c) ((rows)->values[(r) * (rows)->natts + (c)])
#define OMNI_ISNULL(rows, r, c) ((rows)->isnull[(r) * (rows)->natts + (c)])

/*
 * Run "query".  "nulls" as in SPI ('n' or ' ' per argument), or NULL.
 * read_only false takes a new command's snapshot (sees one's own rows).
 */
extern void omni_core_query(OmniQuery *query, const Datum *values,
							const char *nulls, bool read_only, OmniRows *rows);
/* The same under a given registered snapshot, read-only. */
extern void omni_core_query_snapshot(OmniQuery *query, const Datum *values,
									 const char *nulls, Snapshot snapshot,
									 OmniRows *rows);
/*
 * Run a query under a new command's snapshot and hand each row to "callback"
 * as it comes: for results that need not be kept.  By-reference values are the
 * callback's to copy, and maybe to detoast.  No SQL in it.
 */
typedef void (*OmniRowCallback) (const Datum *values, const bool *isnull,
								 void *arg);
extern void omni_core_query_each(OmniQuery *query, const Datum *values,
								 OmniRowCallback callback, void *arg);
/*
 * Run a statement that reads what the caller may read, with the caller's own
 * rights and row policies, once and read-only; each row goes to "callback" as
 * above.  The one statement whose text is made at run time: of identifiers,
 * qualified and quoted, never of values.
 */
extern void omni_core_query_as_caller(const char *sql,
									  OmniRowCallback callback, void *arg);
/*
 * A registered copy of GetLatestSnapshot().  own_rows false: sees exactly what
 * is committed and nothing of its own transaction; true: one's own rows too.
 * Give back with UnregisterSnapshot().
 */
extern Snapshot omni_core_latest_snapshot(bool own_rows);

/* ---- guc.c: settings that other domains read ---- */

extern int omni_tick_interval;	/* ms */
extern int omni_fold_interval;	/* ms */

/* ---- clock.c: one clock per database ---- */

/* never behind the last tick's time; what every deadline is measured by */
extern TimestampTz omni_core_now(void);

/* ---- database.c: per database state, gate, adoption ---- */

/*
 * The gate of every write function: refuses during recovery (OM011), without
 * preload (OM011), with a library of another version (OM016); waits until the
 * worker has adopted this database where its stamp is not its own.  Returns
 * the era under which ledger and event rows are written.  Costs a few
 * nanoseconds once the database is adopted.
 */
extern int32 omni_core_gate(void);
/*
 * Is the stamp this database's own?  Never waits; for triggers on dumped
 * tables, which must stay silent during a restore.
 */
extern bool omni_core_is_adopted(void);
/* Is this process the database's worker, which waits for no transaction? */
extern bool omni_core_is_worker(void);
/* oid of the extension in this database, InvalidOid if there is none */
extern Oid	omni_core_extension_oid(void);
/* oid of a relation of one of omni's schemas; kept, dropped by invalidation */
extern Oid	omni_core_relation_oid(const char *schema, const char *name);

/* ---- events.c: ids and business events ---- */

/* next id of the sequence that ledger and event rows share */
extern int64 omni_core_next_feed_id(void);
/* the same for n ids at once, in ascending order */
extern void omni_core_next_feed_ids(int64 *ids, int n);
/*
 * Record a business event in this transaction; the caller has passed the
 * gate, and holds the row lock of the entity.  The payload carries ids and
 * quantities, never personal data.  Returns the event's id.
 */
extern int64 omni_core_write_event(const char *kind, const char *entity,
								   int64 entity_id, Jsonb *payload);

/*
 * A source of rows that the feed shows: the outbox itself, and other domains'
 * append-only tables with the columns id, era and xid.  "relation" is the
 * qualified table; "columns" gives, over the table's alias s, the list
 * "kind, entity, entity_id, payload, occurred_at".
 */
typedef struct OmniFeedSource
{
	const char *relation;
	const char *columns;
	const char *wake_channel;	/* LISTEN channel for new rows, or NULL */

	/*
	 * Retention; in the worker, as the extension's owner.  prune: the pages
	 * (omni_internal.feed_page) with from <= first_position < next have left
	 * the feed for good: delete what the domain needs no more of their rows,
	 * or has kept of earlier ones because of them; returns how many rows.
	 * last_done: the tick up to which the domain has dealt with the rows;
	 * later ones stay.  NULL: all.
	 */
	int64		(*prune) (int64 from, int64 next);
	int64		(*last_done) (void);
} OmniFeedSource;

extern void omni_core_register_feed_source(const OmniFeedSource *source);

/* The last closed tick, as of the calling transaction; for folds. */
typedef struct OmniTick
{
	int64		id;				/* 0: none yet */
	int32		era;
	int64		last_position;
	char	   *snapshot;		/* text form of pg_snapshot */
} OmniTick;

extern void omni_core_last_tick(OmniTick *tick);

/* Ids as an array argument of a statement. */
extern Datum omni_core_int64_array(const int64 *values, int n);
/*
 * Run a DELETE … WHERE id = ANY ($1) over the first column of "rows"; returns
 * how many rows went.
 */
extern int64 omni_core_delete_ids(OmniQuery *query, const OmniRows *rows);

/* ---- insert.c: rows into omni's tables, without a statement ---- */

#define OMNI_INSERT_MAX 32

/* A table, and those of its columns that are given: "id, order_id, ..." */
typedef struct OmniTable
{
	const char *schema;
	const char *name;
	const char *columns;
} OmniTable;

typedef struct OmniInsertion
{
	const OmniTable *table;
	struct RelationData *relation;
	struct EState *estate;
	struct ResultRelInfo *target;
	struct TupleTableSlot *slot;
	bool		triggers;
	int			natts;
	int16		atts[OMNI_INSERT_MAX];
	/* the next row, while it is being put together */
	int			nput;
	Datum		put[OMNI_INSERT_MAX];
	bool		put_null[OMNI_INSERT_MAX];
} OmniInsertion;

extern void omni_core_insert_begin(OmniInsertion *insertion,
								   const OmniTable *table);
/* A value for each named column, in their order. */
extern void omni_core_insert_row(OmniInsertion *insertion,
								 const Datum *values, const bool *isnull);
/* Or value by value, in the same order, and then the row. */
extern void omni_core_put(OmniInsertion *insertion, Datum value);
extern void omni_core_put_null(OmniInsertion *insertion);
/* text, or null where there is none */
extern void omni_core_put_text(OmniInsertion *insertion, const char *text);
extern void omni_core_put_row(OmniInsertion *insertion);
/* Values may be made here; gone after the row's insertion. */
extern MemoryContext omni_core_insert_memory(OmniInsertion *insertion);
extern void omni_core_insert_end(OmniInsertion *insertion);
/* One row. */
extern void omni_core_insert(const OmniTable *table, const Datum *values,
							 const bool *isnull);
/* Of a table's own sequence. */
extern int64 omni_core_next_id(const char *schema, const char *sequence);

/* ---- utility.c ---- */

extern void omni_core_on_commit_prepared(void (*callback) (void));

/* ---- chores.c, worker.c: chores of the database's worker ---- */

/*
 * A chore runs in the worker, in a transaction of its own (READ COMMITTED,
 * with an active snapshot), after the tick of a turn.  It returns how many
 * milliseconds may pass until it wants to run again (0: at once, there is
 * more to do).  An error in it is logged, costs that transaction alone, and
 * the chore runs again after a second.  Inside it the gate answers at once.
 */
typedef struct OmniChore
{
	const char *name;
	int			(*run) (void);
	bool		at_start;		/* run before the first write is let through */
} OmniChore;

extern void omni_core_register_chore(const OmniChore *chore);
/*
 * Ask this database's worker to take a turn now, with all chores.  Cannot
 * fail, and may be called from a transaction callback.
 */
extern void omni_core_wake_worker(void);

/*
 * Hooks of adoption: called in the adopting transaction (REPEATABLE READ, with
 * an active snapshot), after the old era's last tick and before the new era.
 * old_era 0: a fresh extension.
 */
typedef void (*OmniAdoptHook) (int32 old_era, int32 new_era);
extern void omni_core_register_adopt_hook(OmniAdoptHook hook);

/*
 * Hooks of DROP DATABASE: called in the session that dropped it, after its
 * files are gone.  For memory that is kept by database; must not fail.
 */
typedef void (*OmniDropHook) (Oid database);
extern void omni_core_register_drop_hook(OmniDropHook hook);

/* ---- access.c: who may do what ---- */

typedef enum OmniProfile
{
	OMNI_PROFILE_READER = 1 << 0,
	OMNI_PROFILE_CHANNEL = 1 << 1,
	OMNI_PROFILE_STORE = 1 << 2,
	OMNI_PROFILE_SUPPORT = 1 << 3,
	OMNI_PROFILE_ADMIN = 1 << 4
} OmniProfile;

/*
 * Who is asking: GetOuterUserId(), but in a security-restricted operation the
 * role whose code runs, or InvalidOid where that is not known.
 */
extern Oid omni_core_asker_if_known(void);
/* The same, OM005 where it is not known. */
extern Oid omni_core_asker(void);
/*
 * May who is asking act for this channel (0: none in play) and this node
 * (0: none in play) with one of these profiles?  Superusers and the
 * extension's owner may everything.  Membership in a granted role counts.
 */
extern bool omni_core_may(int profiles, int64 channel, int64 node);
/* The same, OM005 when not. */
extern void omni_core_require(int profiles, int64 channel, int64 node,
							  const char *what);
/*
 * How omni.grant_access() turns codes of channels and nodes into ids; they
 * raise OM002 when unknown.  Set once, by the domain that has them.
 */
typedef int64 (*OmniCodeResolver) (const char *code);
extern void omni_core_register_code_resolvers(OmniCodeResolver channel,
											  OmniCodeResolver node);

/* ---- request.c: calls that are made exactly once ---- */

/*
 * What a function that changes something does when its last argument, number
 * "arg", is "request text DEFAULT NULL".  NULL: work(fcinfo).  Else the work
 * is done, and the key recorded, unless the asking role has made the same call
 * under this key before: then the answer is that call's, and nothing is done.
 * The function returns bigint, bigint[] or void; arguments are of the types
 * that request.c lists.  OM003: the key was used for another call; OM007: it
 * is empty or too long; OM013: another transaction is making this call, and
 * this one has written something already, so it must not wait.
 */
extern Datum omni_core_once(FunctionCallInfo fcinfo, int arg, PGFunction work);

/* ---- args.c: arguments of SQL functions ---- */

/* Text argument as a C string; OM002 "… must not be null" when NULL. */
extern char *omni_core_required_text(FunctionCallInfo fcinfo, int arg,
									 const char *name);
extern char *omni_core_optional_text(FunctionCallInfo fcinfo, int arg);
extern int32 omni_core_required_int32(FunctionCallInfo fcinfo, int arg,
									  const char *name);
extern int64 omni_core_required_int64(FunctionCallInfo fcinfo, int arg,
									  const char *name);
/* required, and > 0, else OM007 */
extern int32 omni_core_required_quantity(FunctionCallInfo fcinfo, int arg,
										 const char *name);

#endif							/* OMNI_CORE_H */
