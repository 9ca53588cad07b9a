/*
 * master.h
 *	  Channels, nodes, items and their codes: what other domains may ask.
 *
 * Maps from code to id are kept per session, positive entries only; a trigger
 * on the tables drops them everywhere by relcache invalidation, and entries
 * learned in a (sub)transaction go when it aborts.
 */
#ifndef OMNI_MASTER_H
#define OMNI_MASTER_H

#include "core/core.h"

/* Ids of codes; OM002 when unknown or NULL.  Never 0. */
extern int64 omni_master_item_id(const char *sku);
extern int64 omni_master_node_id(const char *code);
extern int64 omni_master_channel_id(const char *code);

/* Codes of ids, palloc'd; for messages and documents.  NULL when unknown. */
extern char *omni_master_item_sku(int64 item);
extern char *omni_master_node_code(int64 node);
extern char *omni_master_channel_code(int64 channel);

/*
 * Stock policies change when a node or a policy row changes: a count that
 * every such transaction raises when it commits.  A block re-reads its values
 * when this differs from the count it read them under.
 */
extern uint64 omni_master_policy_generation(void);
/* raise it when the current transaction commits (for the triggers) */
extern void omni_master_policy_changed(void);

#endif							/* OMNI_MASTER_H */
