/*
 * init.c
 *	  What core does in _PG_init, before any domain.
 */
#include "omni.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "core/core.h"
#include "core/private.h"
#include "core/test_point.h"

/* Each of these does nothing unless the library is being preloaded. */
void
omni_core_init(void)
{
	omni_core_shmem_init();
	omni_core_guc_init();
	omni_core_registry_init();
	omni_core_utility_init();
	omni_core_launcher_init();
#ifdef OMNI_TEST_POINTS
	if (process_shared_preload_libraries_in_progress)
		omni_core_test_point_init();
#endif
}

/* After every domain has defined its settings: others so named are typos. */
void
omni_core_init_end(void)
{
	if (process_shared_preload_libraries_in_progress)
		MarkGUCPrefixReserved("omni");
}
