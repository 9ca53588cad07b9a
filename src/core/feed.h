/*
 * feed.h
 *	  Between the worker (worker.c, database.c) and the feed (tick.c, feed.c):
 *	  core's own business, not for other domains.
 */
#ifndef OMNI_CORE_FEED_H
#define OMNI_CORE_FEED_H

#include "core/core.h"

/* What a turn's tick did. */
typedef struct OmniTickResult
{
	bool		closed;			/* false: nothing new, nothing written */
	int64		last_position;	/* of the feed, after this turn */
	TimestampTz closed_at;		/* the last tick's time, whether closed now or
								 * earlier; 0: there is none */
	uint32		sources;		/* bit n: source n had rows in this tick */
} OmniTickResult;

/*
 * Close a tick over what committed since the last one.  The worker calls it
 * in a REPEATABLE READ transaction that has neither snapshot nor transaction
 * id yet, with the extension locked; the function takes the tick lock, then
 * the snapshot, and leaves the commit to its caller.
 */
extern void omni_core_tick_close(int32 era, OmniTickResult *result);

/*
 * Adoption's half of the feed, in the adopting transaction (REPEATABLE READ,
 * its snapshot taken, the stamp's table locked): close a tick of
 * old_era over the rows that its last tick's snapshot had not seen, compared
 * by that era's ids.  No-op when there are none or old_era is 0.
 */
extern void omni_core_tick_close_old_era(int32 old_era);

/* After the tick's commit, in a transaction of its own: the wake-ups. */
extern void omni_core_tick_notify(const OmniTickResult *result);

/*
 * Wait for a tick, implemented by wait.c over shared memory: returns the last
 * position once everything that committed before the call has one.  OM015 at
 * the time limit, OM011 where no tick can come.
 */
extern int64 omni_core_wait_for_tick(long timeout_ms);

/* retention.c: the outbox's part of deleting; see OmniFeedSource. */
extern int64 omni_core_prune_outbox(int64 from, int64 next);

/* The registered sources, 0 being the outbox. */
extern int	omni_core_feed_sources(const OmniFeedSource **sources);

#endif							/* OMNI_CORE_FEED_H */
