/*
 * guc.c
 *	  omni's settings; doc/configuration.md says what each is for.
 *
 * They exist only where the library is preloaded.  Nothing here changes what
 * a function answers: all context of a call comes in its arguments.
 */
#include "omni.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "core/core.h"
#include "core/private.h"

int			omni_max_databases = 64;
int			omni_tick_interval = 200;
int			omni_fold_interval = 1000;
int			omni_adopt_timeout = 30000;

/* Define core's settings. */
void
omni_core_guc_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;

	DefineCustomIntVariable("omni.max_databases",
							"Databases that can hold omni at the same time.",
							"Each takes half a kilobyte of shared memory.",
							&omni_max_databases,
							64, 1, 10000,
							PGC_POSTMASTER, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("omni.tick_interval",
							"Time between two ticks of a database's worker.",
							"A change shows in the feed at most this much, "
							"and the work of one tick, after its commit.",
							&omni_tick_interval,
							200, 10, 60000,
							PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomIntVariable("omni.fold_interval",
							"Time between two folds of the ledger.",
							NULL,
							&omni_fold_interval,
							1000, 100, 3600000,
							PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomIntVariable("omni.adopt_timeout",
							"How long a first write waits for the worker.",
							"The worker goes on with its work when the "
							"wait has ended.",
							&omni_adopt_timeout,
							30000, 100, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
}
