/*
 * capacity.h
 *	  What is counted of nodes' capacity, for who plans on it.
 */
#ifndef OMNI_SOURCING_CAPACITY_H
#define OMNI_SOURCING_CAPACITY_H

#include "omni.h"

/* 2000-01-01 to 2999-12-31: days that a capacity can be told of */
#define OMNI_CAPACITY_DAYS 365243

typedef struct OmniCapacityUsed OmniCapacityUsed;

/*
 * For OmniNetworkRequest.used_context: reads the counters of each day that is
 * asked for, of all candidates (ascending, the request's) at once.  palloc'd;
 * valid for one reading of the network, with what its transaction has done.
 */
extern OmniCapacityUsed *omni_sourcing_used_begin(const int64 *candidates,
												  int n);
/* For OmniNetworkRequest.used: units promised and done. */
extern int64 omni_sourcing_used(void *context, int64 node, int32 day);

/*
 * For the trigger on the configuration: does this row's change change a limit?
 * (Who has changed one cannot be prepared, and makes counters read anew.)
 */
struct TriggerData;
extern bool omni_sourcing_changes_limit(struct TriggerData *data);

/* called by omni_sourcing_init() */
extern void omni_sourcing_capacity_init(void);

#endif							/* OMNI_SOURCING_CAPACITY_H */
