/*
 * match_progress.c
 *	  How far runs of the matching engine are: omni.stat_match.
 *
 * A few slots in shared memory.  A slot is claimed by writing its process id,
 * by compare-and-swap, and given back by writing 0; the rest are atomics that
 * only its process writes, read without a lock: a reader may see one figure
 * newer than another.  Where no slot is free a run is not shown.
 */
#include "omni.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "identity/match.h"

#define SLOTS 64

typedef struct Slot
{
	pg_atomic_uint32 pid;		/* 0: free */
	pg_atomic_uint32 database;
	pg_atomic_uint32 relation;
	pg_atomic_uint32 phase;
	pg_atomic_uint64 done;
	pg_atomic_uint64 total;
	pg_atomic_uint64 started_at;
} Slot;

static Slot *slots = NULL;

PG_FUNCTION_INFO_V1(omni_identity_stat_match);

static Size
slots_size(void)
{
	return sizeof(Slot) * SLOTS;
}

static void
init_slots(void *area, bool found)
{
	slots = area;
	if (found)
		return;
	for (int i = 0; i < SLOTS; i++)
	{
		pg_atomic_init_u32(&slots[i].pid, 0);
		pg_atomic_init_u32(&slots[i].database, 0);
		pg_atomic_init_u32(&slots[i].relation, 0);
		pg_atomic_init_u32(&slots[i].phase, 0);
		pg_atomic_init_u64(&slots[i].done, 0);
		pg_atomic_init_u64(&slots[i].total, 0);
		pg_atomic_init_u64(&slots[i].started_at, 0);
	}
}

static const OmniShmemItem slots_item = {
	.name = "omni match progress",
	.size = slots_size,
	.init = init_slots
};

/* Called in _PG_init. */
void
omni_match_progress_init(void)
{
	omni_core_register_shmem(&slots_item);
}

/* Claim a slot; -1 when none is free. */
int
omni_match_progress_begin(Oid relation)
{
	for (int i = 0; slots != NULL && i < SLOTS; i++)
	{
		uint32		nobody = 0;

		if (!pg_atomic_compare_exchange_u32(&slots[i].pid, &nobody,
											(uint32) MyProcPid))
			continue;
		pg_atomic_write_u32(&slots[i].database, MyDatabaseId);
		pg_atomic_write_u32(&slots[i].relation, relation);
		pg_atomic_write_u32(&slots[i].phase, OMNI_MATCH_PHASE_READ);
		pg_atomic_write_u64(&slots[i].done, 0);
		pg_atomic_write_u64(&slots[i].total, 0);
		pg_atomic_write_u64(&slots[i].started_at,
							(uint64) GetCurrentTimestamp());
		return i;
	}
	return -1;
}

/* Say how far it is. */
void
omni_match_progress_update(int slot, OmniMatchPhase phase, uint64 done,
						   uint64 total)
{
	if (slot < 0)
		return;
	pg_atomic_write_u32(&slots[slot].phase, phase);
	pg_atomic_write_u64(&slots[slot].done, done);
	pg_atomic_write_u64(&slots[slot].total, total);
}

/* Give the slot back; cannot fail. */
void
omni_match_progress_end(int slot)
{
	if (slot >= 0)
		pg_atomic_write_u32(&slots[slot].pid, 0);
}

/*
 * omni_internal.stat_match() → a row for each run in this database.
 */
Datum
omni_identity_stat_match(PG_FUNCTION_ARGS)
{
	static const char *const phases[] = {"reading", "finding keys",
		"comparing pairs", "fitting the model", "clustering",
	"writing the result"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; slots != NULL && i < SLOTS; i++)
	{
		Slot	   *slot = &slots[i];
		uint32		pid = pg_atomic_read_u32(&slot->pid);
		uint32		phase = pg_atomic_read_u32(&slot->phase);
		uint64		total = pg_atomic_read_u64(&slot->total);
		Datum		values[6];
		bool		nulls[6] = {0};

		if (pid == 0 || phase >= lengthof(phases) ||
			pg_atomic_read_u32(&slot->database) != MyDatabaseId)
			continue;
		values[0] = Int32GetDatum((int32) pid);
		values[1] = ObjectIdGetDatum(pg_atomic_read_u32(&slot->relation));
		values[2] = CStringGetTextDatum(phases[phase]);
		values[3] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->done));
		values[4] = Int64GetDatum((int64) total);
		nulls[4] = total == 0;
		values[5] = TimestampTzGetDatum((TimestampTz)
										pg_atomic_read_u64(&slot->started_at));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}
