/*
 * init.c
 *	  Master data's part of _PG_init.
 */
#include "omni.h"

#include "master/private.h"

/* Called in _PG_init, after core. */
void
omni_master_init(void)
{
	omni_master_map_init();
	omni_master_shared_init();
	omni_master_policy_init();
	omni_master_announce_init();
	omni_core_register_code_resolvers(omni_master_channel_id,
									  omni_master_node_id);
}
