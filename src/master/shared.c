/*
 * shared.c
 *	  What sessions have learned of items, for the next one that asks.
 *
 * A session that meets a sku for the first time finds it here, if another has
 * met it, for a fifteenth of what the index costs; with many sessions, most
 * first meetings are such.  It is a cache of fixed size that may lose anything
 * at any time.  Rules:
 *
 * - An entry is valid under the generation that it was stored with, and that
 *	 was read before the snapshot under which its row was read.  A change of
 *	 items raises the generation when it has become visible, at COMMIT and at
 *	 COMMIT PREPARED.  So an entry that an older snapshot saw dies with the
 *	 change; as with invalidation messages, a session may meet it in the moment
 *	 between, and that message, which is sent later still, ends what its own
 *	 map made of it.
 * - A transaction that has written neither asks nor stores: it may have changed
 *	 items itself.  Nor does a standby, which hears of no change.
 * - Entries are read and written without waiting: odd sequence numbers mark one
 *	 that is being written; who finds one, or a number that moved while it
 *	 copied, has not found anything.  No interrupt is taken in between.
 */
#include "omni.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"

#include "master/private.h"

#define NGENERATIONS 64
#define NSETS 8192				/* a power of two */
#define WAYS 4
#define ENTRY_SIZE 192

typedef struct SharedEntry
{
	pg_atomic_uint32 sequence;	/* odd while it is being written */
	uint32		hash;
	uint64		generation;		/* 0: empty */
	Oid			database;
	Oid			relation;
	OmniItemInfo info;
	uint8		length;			/* of the code, which ends the entry */
	char		code[FLEXIBLE_ARRAY_MEMBER];
} SharedEntry;

#define MAX_LENGTH (ENTRY_SIZE - offsetof(SharedEntry, code))

typedef struct SharedItems
{
	/* by database; two of them may share one */
	pg_atomic_uint64 generations[NGENERATIONS];
	union
	{
		SharedEntry entry;
		char		size[ENTRY_SIZE];
	}			entries[NSETS][WAYS];
} SharedItems;

static SharedItems *shared = NULL;	/* NULL without preload */
static bool changed = false;	/* items, by this transaction */

/* Bytes of the cache. */
static Size
shared_size(void)
{
	return sizeof(SharedItems);
}

/* Make the cache, or find it. */
static void
shared_startup(void *area, bool found)
{
	StaticAssertStmt(MAX_LENGTH >= 32, "entries hold usual codes");
	shared = area;
	if (found)
		return;
	memset(shared, 0, sizeof(SharedItems));
	for (int i = 0; i < NGENERATIONS; i++)
		pg_atomic_init_u64(&shared->generations[i], 1);
	for (int i = 0; i < NSETS; i++)
	{
		for (int k = 0; k < WAYS; k++)
			pg_atomic_init_u32(&shared->entries[i][k].entry.sequence, 0);
	}
}

static const OmniShmemItem shared_item = {
	.name = "omni items known to all sessions",
	.size = shared_size,
	.init = shared_startup,
};

/* The generation of this session's database. */
static pg_atomic_uint64 *
my_generation(void)
{
	return &shared->generations[MyDatabaseId % NGENERATIONS];
}

/* What was stored under the generation before this is no longer valid. */
static void
raise_generation(void)
{
	if (shared != NULL)
		pg_atomic_fetch_add_u64(my_generation(), 1);
}

/* The current transaction changes items. */
void
omni_master_shared_changed(void)
{
	changed = true;
}

/* At the end of a transaction.  Cannot fail. */
static void
shared_transaction_ends(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (changed)
				raise_generation();
			changed = false;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			changed = false;
			break;
		default:
			break;
	}
}

/* Called in _PG_init. */
void
omni_master_shared_init(void)
{
	omni_core_register_shmem(&shared_item);
	omni_core_on_commit_prepared(raise_generation);
	RegisterXactCallback(shared_transaction_ends, NULL);
}

/* The generation to ask and to store under; 0: do neither. */
uint64
omni_master_shared_generation(void)
{
	if (shared == NULL || TransactionIdIsValid(GetTopTransactionIdIfAny()) ||
		RecoveryInProgress())
		return 0;
	return pg_atomic_read_u64(my_generation());
}

/* Copy an entry if it is whole and what was asked for. */
static bool
copy_entry(SharedEntry *entry, uint64 generation, uint32 hash, Oid relation,
		   const char *code, Size length, OmniItemInfo *info)
{
	uint32		sequence = pg_atomic_read_u32(&entry->sequence);

	if ((sequence & 1) != 0)
		return false;
	pg_read_barrier();
	if (entry->hash != hash || entry->generation != generation ||
		entry->database != MyDatabaseId || entry->relation != relation ||
		entry->length != length || memcmp(entry->code, code, length) != 0)
		return false;
	memcpy(info, &entry->info, sizeof(*info));
	pg_read_barrier();
	return pg_atomic_read_u32(&entry->sequence) == sequence;
}

/* What is known of an item by its code; false when it is not known here. */
bool
omni_master_shared_find(uint64 generation, Oid relation, const char *code,
						OmniItemInfo *info)
{
	Size		length = strlen(code);
	uint32		hash;

	if (generation == 0 || length > MAX_LENGTH)
		return false;
	hash = hash_bytes((const unsigned char *) code, length);
	for (int k = 0; k < WAYS; k++)
	{
		if (copy_entry(&shared->entries[hash % NSETS][k].entry, generation,
					   hash, relation, code, length, info))
			return true;
	}
	return false;
}

/*
 * Store what a snapshot that was taken after "generation" was read has seen of
 * an item.  In place of an entry that is not valid any more, or of any one.
 */
void
omni_master_shared_store(uint64 generation, Oid relation, const char *code,
						 const OmniItemInfo *info)
{
	Size		length = strlen(code);
	SharedEntry *entry;
	uint32		hash;
	uint32		sequence;
	uint32		way;

	if (generation == 0 || length > MAX_LENGTH)
		return;
	hash = hash_bytes((const unsigned char *) code, length);
	way = (hash / NSETS) % WAYS;
	for (uint32 k = 0; k < WAYS; k++)
	{
		entry = &shared->entries[hash % NSETS][k].entry;
		if (entry->generation == 0 || (entry->database == MyDatabaseId &&
									   entry->generation != generation))
		{
			way = k;
			break;
		}
	}
	entry = &shared->entries[hash % NSETS][way].entry;
	sequence = pg_atomic_read_u32(&entry->sequence);
	if ((sequence & 1) != 0 ||
		!pg_atomic_compare_exchange_u32(&entry->sequence, &sequence,
										sequence + 1))
		return;
	entry->hash = hash;
	entry->generation = generation;
	entry->database = MyDatabaseId;
	entry->relation = relation;
	memcpy(&entry->info, info, sizeof(*info));
	entry->length = (uint8) length;
	memcpy(entry->code, code, length);
	pg_write_barrier();
	pg_atomic_write_u32(&entry->sequence, sequence + 2);
}
