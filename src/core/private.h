/*
 * private.h
 *	  Core's own business: between its files, not for other domains.
 */
#ifndef OMNI_CORE_PRIVATE_H
#define OMNI_CORE_PRIVATE_H

#include "core/core.h"

/* shmem.c */
extern void omni_core_shmem_init(void);
/* guc.c */
extern int	omni_max_databases;
extern int	omni_adopt_timeout; /* ms */
extern void omni_core_guc_init(void);
/* database.c */
extern void omni_core_database_init(void);

#endif							/* OMNI_CORE_PRIVATE_H */
