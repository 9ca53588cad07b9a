/*
 * shmem.c
 *	  Shared memory as a table of subsystems, sized and initialised by two
 *	  loops.
 *
 * Domains register their items from their init functions in _PG_init, while
 * shared_preload_libraries are loaded.  Sizes may depend on GUCs: they are
 * asked for in shmem_request_hook, when every GUC has its value.  init() runs
 * in the postmaster (found = false, AddinShmemInitLock held) and, after a
 * crash of any backend, again with fresh memory: nothing that was in shared
 * memory survives a crash, and nothing here may rely on it.
 */
#include "omni.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "core/core.h"
#include "core/private.h"

#define MAX_SHMEM_ITEMS 32

static const OmniShmemItem *items[MAX_SHMEM_ITEMS];
static int	nitems = 0;
static bool preloaded = false;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/* Add a subsystem; only meaningful while libraries are being preloaded. */
void
omni_core_register_shmem(const OmniShmemItem *item)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	if (nitems >= MAX_SHMEM_ITEMS)
		elog(ERROR, "too many shared memory items in omni");
	items[nitems++] = item;
}

/* true when the library was loaded by shared_preload_libraries */
bool
omni_core_preloaded(void)
{
	return preloaded;
}

/* shmem_request_hook: say how much memory and which locks are wanted. */
static void
request_shmem(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();

	for (int i = 0; i < nitems; i++)
	{
		if (items[i]->size)
			RequestAddinShmemSpace(MAXALIGN(items[i]->size()));
		if (items[i]->tranche)
			RequestNamedLWLockTranche(items[i]->tranche, items[i]->nlocks);
	}
}

/* shmem_startup_hook: make the areas, or find them. */
static void
startup_shmem(void)
{
	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < nitems; i++)
	{
		bool		found = false;
		void	   *area = NULL;

		if (items[i]->size)
			area = ShmemInitStruct(items[i]->name, items[i]->size(), &found);
		items[i]->init(area, found);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Called first in _PG_init, before any domain registers an item. */
void
omni_core_shmem_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	preloaded = true;

	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}
