/*
 * chores.c
 *	  What domains register with core's worker.
 *
 * The tables are filled in _PG_init and never change afterwards; every process
 * has them, the worker alone runs what is in them.
 */
#include "omni.h"

#include "core/core.h"
#include "core/private.h"

static const OmniChore *chores[OMNI_MAX_CHORES];
static int	nchores = 0;
static OmniAdoptHook adopt_hooks[OMNI_MAX_HOOKS];
static int	nadopt_hooks = 0;
static OmniDropHook drop_hooks[OMNI_MAX_HOOKS];
static int	ndrop_hooks = 0;

/* Add a chore; from a domain's init function. */
void
omni_core_register_chore(const OmniChore *chore)
{
	if (nchores >= OMNI_MAX_CHORES)
		elog(ERROR, "too many chores in omni");
	chores[nchores++] = chore;
}

/* Add a hook of adoption; from a domain's init function. */
void
omni_core_register_adopt_hook(OmniAdoptHook hook)
{
	if (nadopt_hooks >= OMNI_MAX_HOOKS)
		elog(ERROR, "too many adoption hooks in omni");
	adopt_hooks[nadopt_hooks++] = hook;
}

/* Add a hook of DROP DATABASE; from a domain's init function. */
void
omni_core_register_drop_hook(OmniDropHook hook)
{
	if (ndrop_hooks >= OMNI_MAX_HOOKS)
		elog(ERROR, "too many drop hooks in omni");
	drop_hooks[ndrop_hooks++] = hook;
}

/* The registered chores. */
int
omni_core_chores(const OmniChore ***list)
{
	*list = chores;
	return nchores;
}

/* The registered hooks of adoption. */
int
omni_core_adopt_hooks(OmniAdoptHook **list)
{
	*list = adopt_hooks;
	return nadopt_hooks;
}

/* A database has been dropped. */
void
omni_core_run_drop_hooks(Oid database)
{
	for (int i = 0; i < ndrop_hooks; i++)
		drop_hooks[i] (database);
}
