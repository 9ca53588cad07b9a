/*
 * private.h
 *	  Master data's own business: between its files, not for other domains.
 */
#ifndef OMNI_MASTER_PRIVATE_H
#define OMNI_MASTER_PRIVATE_H

#include "master/master.h"

#include "access/tupdesc.h"
#include "commands/trigger.h"

/* ---- map.c ---- */

extern void omni_master_map_init(void);

/* Columns that a node's info is made of, over the alias m. */
#define OMNI_NODE_COLUMNS \
	"m.id, m.code, m.kind, m.latitude, m.longitude, m.timezone, m.status," \
	" m.safety, m.ships, m.pickup, m.country, m.region, m.postal_code"
/* Make it of row r of a query for them. */
extern void omni_master_read_node(const OmniRows *rows, int r,
								  OmniNodeInfo *info);

/* ---- shared.c: items known to all sessions ---- */

extern void omni_master_shared_init(void);
/* The current transaction changes what sessions keep of items. */
extern void omni_master_shared_changed(void);
/* Read before the snapshot of a look-up; 0: neither ask nor store. */
extern uint64 omni_master_shared_generation(void);
extern bool omni_master_shared_find(uint64 generation, Oid relation,
									const char *code, OmniItemInfo *info);
extern void omni_master_shared_store(uint64 generation, Oid relation,
									 const char *code,
									 const OmniItemInfo *info);

/* ---- policy.c ---- */

extern void omni_master_policy_init(void);

/* ---- announce.c ---- */

extern void omni_master_announce_init(void);

/* ---- trigger.c: what the triggers share ---- */

/* The trigger call; an error when it was called in any other way. */
extern TriggerData *omni_master_trigger(FunctionCallInfo fcinfo);
/* Number of a column that the install script made. */
extern int	omni_master_column(TupleDesc desc, const char *name);
/* Is the column another one in the new row?  True in an INSERT. */
extern bool omni_master_column_changed(const TriggerData *data, int attnum);
/* A column as text, NULL when it is null. */
extern char *omni_master_column_text(HeapTuple tuple, TupleDesc desc,
									 const char *name);

#endif							/* OMNI_MASTER_PRIVATE_H */
