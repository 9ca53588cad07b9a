/*
 * worker.c
 *	  The background worker of a database: ticks, wake-ups and chores.
 */
#include "omni.h"

#include "core/core.h"
#include "core/private.h"

#define MAX_CHORES 16
#define MAX_ADOPT_HOOKS 16

static const OmniChore *chores[MAX_CHORES];
static int	nchores = 0;
static OmniAdoptHook adopt_hooks[MAX_ADOPT_HOOKS];
static int	nadopt_hooks = 0;

/* Add a chore; from a domain's init function. */
void
omni_core_register_chore(const OmniChore *chore)
{
	if (nchores >= MAX_CHORES)
		elog(ERROR, "too many chores in omni");
	chores[nchores++] = chore;
}

/* Add a hook of adoption; from a domain's init function. */
void
omni_core_register_adopt_hook(OmniAdoptHook hook)
{
	if (nadopt_hooks >= MAX_ADOPT_HOOKS)
		elog(ERROR, "too many adoption hooks in omni");
	adopt_hooks[nadopt_hooks++] = hook;
}

/* Ask this database's worker to take a turn now. */
void
omni_core_wake_worker(void)
{
}
