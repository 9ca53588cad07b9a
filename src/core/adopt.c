/*
 * adopt.c
 *	  Adoption: the worker makes a database's feed go on under a new era.
 *
 * It happens where the stamp is not this database's own: in a fresh extension
 * (no stamp at all), after a restore, in a copy.  One transaction closes a
 * last tick of the old era over what its snapshots had not seen (compared by
 * the old ids), lets the domains do the same for what they derive, writes
 * the stamp with the next era, and one event that says so.  A crash before
 * its commit leaves everything as it was; after it, the stamp is own.
 *
 * No row of the new era exists before that commit, because every write passes
 * the gate.  The stamp's table is locked against a restore that is still
 * loading it: without waiting, because the worker waits for no user
 * transaction.
 */
#include "omni.h"

#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"

#include "core/core.h"
#include "core/feed.h"
#include "core/private.h"

/* Body of the adopting transaction; see private.h. */
int32
omni_core_adopt(Oid extension)
{
	OmniStamp	stamp;
	OmniAdoptHook *hooks;
	int			nhooks;
	int32		era;
	int64		position;
	Oid			relid = omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
											   "feed_state");

	if (!OidIsValid(relid) ||
		!ConditionalLockRelationOid(relid, ShareRowExclusiveLock))
		return 0;

	omni_core_read_stamp(extension, &stamp);
	if (stamp.state == OMNI_STAMP_OWN)
		return stamp.era;
	era = stamp.era + 1;
	/* before the old era's last tick: its source may give these positions to
	 * other rows */
	position = omni_core_begin_timeline(era);

	omni_core_tick_close_old_era(stamp.era);
	CommandCounterIncrement();

	nhooks = omni_core_adopt_hooks(&hooks);
	for (int i = 0; i < nhooks; i++)
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		hooks[i] (stamp.era, era);
		PopActiveSnapshot();
		CommandCounterIncrement();
	}

	omni_core_write_stamp(extension, era);
	omni_core_set_worker_era(era);
	if (stamp.state == OMNI_STAMP_FOREIGN)
		omni_core_write_timeline_event("feed.adopted", era, era, position);
	return era;
}
