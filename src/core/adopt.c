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
#include "access/xlog.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"

#include "core/core.h"
#include "core/feed.h"
#include "core/private.h"

/* Add a number to the object that is being built. */
static void
push_number(JsonbParseState **state, const char *key, int64 value)
{
	JsonbValue	jv;

	jv.type = jbvString;
	jv.val.string.val = (char *) key;
	jv.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &jv);

	jv.type = jbvNumeric;
	jv.val.numeric = int64_to_numeric(value);
	pushJsonbValue(state, WJB_VALUE, &jv);
}

/* The event that tells consumers of the new era. */
static void
write_adopted_event(int32 era)
{
	JsonbParseState *state = NULL;
	JsonbValue *payload;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_number(&state, "era", era);
	push_number(&state, "timeline", GetWALInsertionTimeLine());
	payload = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	(void) omni_core_write_event("feed.adopted", "feed", era,
								 JsonbValueToJsonb(payload));
}

/* Body of the adopting transaction; see private.h. */
int32
omni_core_adopt(Oid extension)
{
	OmniStamp	stamp;
	OmniAdoptHook *hooks;
	int			nhooks;
	int32		era;
	Oid			relid = omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
											   "feed_state");

	if (!OidIsValid(relid) ||
		!ConditionalLockRelationOid(relid, ShareRowExclusiveLock))
		return 0;

	omni_core_read_stamp(extension, &stamp);
	if (stamp.state == OMNI_STAMP_OWN)
		return stamp.era;
	era = stamp.era + 1;

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
		write_adopted_event(era);
	return era;
}
