/*
 * registry.c
 *	  What sessions, workers and the launcher share about each database.
 *
 * A fixed table in shared memory: omni.max_databases entries, and a few more
 * for databases in which the launcher looks for the extension.  One LWLock,
 * "omni_core", protects it; nothing else is taken under it, no SPI and no
 * catalog access happens under it, and it is held for microseconds.  The gate
 * reads two atomics without it.
 *
 * An entry is freed when its database is dropped.  One whose database turned
 * out to have no extension stays until another database needs the room.  So
 * who sleeps on an entry's condition variable looks its database up again on
 * waking, and sleeps a second at most.
 *
 * After a crash of any process the server starts anew with an empty table, and
 * the launcher looks at every database again.
 */
#include "omni.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "core/private.h"

PG_FUNCTION_INFO_V1(omni_core_describe_worker);

OmniRegistry *omni_core_registry = NULL;

static OmniDatabase *my_database = NULL;

/* Bytes of the table. */
static Size
registry_size(void)
{
	return offsetof(OmniRegistry, databases) +
		mul_size(omni_max_databases + OMNI_MAX_PROBES, sizeof(OmniDatabase));
}

/* Make the table. */
static void
registry_startup(void *area, bool found)
{
	OmniRegistry *registry = area;

	omni_core_registry = registry;
	if (found)
		return;

	memset(registry, 0, registry_size());
	registry->lock = &GetNamedLWLockTranche("omni_core")->lock;
	registry->ndatabases = omni_max_databases + OMNI_MAX_PROBES;
	for (int i = 0; i < registry->ndatabases; i++)
	{
		OmniDatabase *db = &registry->databases[i];

		pg_atomic_init_u32(&db->database, InvalidOid);
		pg_atomic_init_u64(&db->adopted, 0);
		pg_atomic_init_u64(&db->last_tick_time, 0);
		pg_atomic_init_u64(&db->clock_offset, 0);
		pg_atomic_init_u32(&db->wake, 0);
		ConditionVariableInit(&db->cv);
	}
}

static const OmniShmemItem registry_item = {
	.name = "omni registry",
	.size = registry_size,
	.init = registry_startup,
	.tranche = "omni_core",
	.nlocks = 1,
};

/* Called in _PG_init. */
void
omni_core_registry_init(void)
{
	omni_core_register_shmem(&registry_item);
}

/* Entry of a database, or NULL.  The caller holds the lock. */
OmniDatabase *
omni_core_find_database(Oid database)
{
	for (int i = 0; i < omni_core_registry->ndatabases; i++)
	{
		OmniDatabase *db = &omni_core_registry->databases[i];

		if (pg_atomic_read_u32(&db->database) == database)
			return db;
	}
	return NULL;
}

/* Give an entry back.  Exclusive; nobody works for it. */
void
omni_core_free_database(OmniDatabase *db)
{
	/* adopted first: the gate reads it before it reads the database */
	pg_atomic_write_u64(&db->adopted, 0);
	pg_write_barrier();
	pg_atomic_write_u32(&db->database, InvalidOid);
	pg_atomic_write_u64(&db->last_tick_time, 0);
	pg_atomic_write_u64(&db->clock_offset, 0);
	pg_atomic_write_u32(&db->wake, 0);
	db->state = OMNI_WORKER_NONE;
	db->pid = 0;
	db->latch = NULL;
	db->bars = 0;
	db->probe = false;
	db->settled = false;
	db->start_asked = 0;
	db->failures = 0;
	db->start_after = 0;
	db->adopt_asked = db->adopt_answered = db->adopt_refused = 0;
	db->adopt_extension = InvalidOid;
	db->tick_asked = db->tick_done = 0;
	db->last_position = 0;
	db->turns = 0;
	db->prune_asked = db->prune_done = 0;
	db->prune_before = 0;
	db->problem[0] = '\0';
	ConditionVariableBroadcast(&db->cv);
}

/* Does nobody need this entry, though it has a database? */
static bool
is_idle(OmniDatabase *db)
{
	return db->state == OMNI_WORKER_NONE && db->pid == 0 && db->bars == 0 &&
		pg_atomic_read_u64(&db->adopted) == 0;
}

/* Is there room for one more database that counts? */
static bool
has_room(void)
{
	int			used = 0;

	for (int i = 0; i < omni_core_registry->ndatabases; i++)
	{
		OmniDatabase *db = &omni_core_registry->databases[i];

		if (pg_atomic_read_u32(&db->database) != InvalidOid &&
			!db->probe && !is_idle(db))
			used++;
	}
	return used < omni_max_databases;
}

/* A free entry, or one that nobody needs; NULL when there is none. */
static OmniDatabase *
take_entry(void)
{
	OmniDatabase *db = omni_core_find_database(InvalidOid);

	for (int i = 0; db == NULL && i < omni_core_registry->ndatabases; i++)
	{
		if (is_idle(&omni_core_registry->databases[i]))
		{
			db = &omni_core_registry->databases[i];
			omni_core_free_database(db);
		}
	}
	return db;
}

/*
 * Entry of a database, made when missing; NULL when omni.max_databases is
 * reached.  Exclusive.  An entry that was made for a probe, or that nobody
 * needed, counts from when somebody else asks for it.
 */
OmniDatabase *
omni_core_make_database(Oid database, bool probe)
{
	OmniDatabase *db = omni_core_find_database(database);

	if (db != NULL && (probe || !(db->probe || is_idle(db))))
		return db;
	if (!probe && !has_room())
		return NULL;
	if (db == NULL)
	{
		db = take_entry();
		if (db == NULL)
			return NULL;
		pg_atomic_write_u32(&db->database, database);
	}
	db->probe = probe;
	return db;
}

/* OM012: omni.max_databases is reached. */
void
omni_core_report_full(void)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_OUT_OF_MEMORY),
			 errmsg("more databases than \"omni.max_databases\" use omni"),
			 errhint("Raise omni.max_databases in postgresql.conf and "
					 "restart the server.")));
}

/*
 * This session's entry, without a lock.  It may be freed and made anew
 * elsewhere at any time, so what is read from it must be checked by the
 * reader, or be harmless when stale.
 */
OmniDatabase *
omni_core_my_database(void)
{
	if (omni_core_registry == NULL)
		return NULL;
	if (my_database != NULL &&
		pg_atomic_read_u32(&my_database->database) == MyDatabaseId)
		return my_database;
	my_database = NULL;
	for (int i = 0; i < omni_core_registry->ndatabases; i++)
	{
		OmniDatabase *db = &omni_core_registry->databases[i];

		if (pg_atomic_read_u32(&db->database) == MyDatabaseId)
			my_database = db;
	}
	return my_database;
}

/* Wake the launcher.  The caller holds the lock; cannot fail. */
void
omni_core_wake_launcher(void)
{
	if (omni_core_registry->launcher_latch)
		SetLatch(omni_core_registry->launcher_latch);
}

/*
 * Ask the launcher for a worker, if there is none.  Exclusive; cannot fail.
 * The count tells a worker that is about to leave that it is wanted again.
 */
void
omni_core_want_worker(OmniDatabase *db)
{
	db->start_asked++;
	if (db->state == OMNI_WORKER_NONE)
	{
		db->state = OMNI_WORKER_WANTED;
		db->failures = 0;
		db->start_after = 0;
	}
	if (db->state == OMNI_WORKER_WANTED)
		omni_core_wake_launcher();
}

/*
 * omni.describe_worker(): one row about this database's worker; all fields
 * but the state are NULL where nothing is known.
 */
Datum
omni_core_describe_worker(PG_FUNCTION_ARGS)
{
	static const char *const states[] = {
		[OMNI_WORKER_NONE] = "none",
		[OMNI_WORKER_WANTED] = "wanted",
		[OMNI_WORKER_STARTING] = "starting",
		[OMNI_WORKER_RUNNING] = "running",
	};
	TupleDesc	desc;
	Datum		values[9] = {0};
	bool		nulls[9];
	OmniDatabase db;
	OmniDatabase *entry = NULL;
	uint64		adopted;
	Interval   *offset;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	if (omni_core_registry != NULL)
	{
		LWLockAcquire(omni_core_registry->lock, LW_SHARED);
		entry = omni_core_find_database(MyDatabaseId);
		if (entry)
			db = *entry;
		LWLockRelease(omni_core_registry->lock);
	}
	memset(nulls, true, sizeof(nulls));
	nulls[0] = false;
	if (entry == NULL)
	{
		values[0] = CStringGetTextDatum(states[OMNI_WORKER_NONE]);
		PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values,
														  nulls)));
	}

	adopted = pg_atomic_read_u64(&db.adopted);
	offset = palloc0(sizeof(Interval));
	offset->time = (int64) pg_atomic_read_u64(&db.clock_offset);

	values[0] = CStringGetTextDatum(db.bars > 0 ? "barred" :
									states[db.state]);
	values[1] = Int32GetDatum(db.pid);
	nulls[1] = db.pid == 0;
	values[2] = Int32GetDatum((int32) (adopted & 0xFFFFFFFF));
	nulls[2] = adopted == 0;
	values[3] = Int64GetDatum(db.last_position);
	nulls[3] = db.turns == 0;
	values[4] = TimestampTzGetDatum((int64)
									pg_atomic_read_u64(&db.last_tick_time));
	nulls[4] = pg_atomic_read_u64(&db.last_tick_time) == 0;
	values[5] = Int64GetDatum((int64) db.turns);
	nulls[5] = false;
	values[6] = IntervalPGetDatum(offset);
	nulls[6] = false;
	values[7] = CStringGetTextDatum(db.problem);
	nulls[7] = db.problem[0] == '\0';
	values[8] = TimestampTzGetDatum(db.last_turn_at);
	nulls[8] = db.turns == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
