/*
 * owner.c
 *	  Running a few statements with the rights of the extension's owner.
 *
 * - The owner is that of omni_internal.outbox; it changes with the relation,
 *	 whose invalidation drops the cached answer.
 * - Statements that run as the owner must not be led astray by the caller's
 *	 search_path, and those of the feed must not be led astray by statistics:
 *	 the rows that a tick looks for are newer than any ANALYZE.  Plans are
 *	 generic and kept, and the server plans a kept statement anew when
 *	 search_path differs, so every use pins the same.
 */
#include "omni.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "access/htup_details.h"
#include "catalog/pg_class.h"

#include "core/owner.h"

static Oid	owner = InvalidOid;
static Oid	owner_relation = InvalidOid;

/* Callback: the relation that tells the owner changed. */
static void
forget_owner(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == owner_relation)
		owner = InvalidOid;
}

/* The extension's owner; InvalidOid where it is not installed. */
Oid
omni_core_owner_if_any(void)
{
	static bool registered = false;
	HeapTuple	tuple;
	Oid			relid;

	if (likely(OidIsValid(owner)))
		return owner;
	if (!registered)
	{
		CacheRegisterRelcacheCallback(forget_owner, (Datum) 0);
		registered = true;
	}

	relid = omni_core_relation_oid(OMNI_INTERNAL_SCHEMA, "outbox");
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner_relation = relid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* The extension's owner; superusers only may create the extension. */
Oid
omni_core_owner(void)
{
	Oid			role = omni_core_owner_if_any();

	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("extension \"omni\" does not exist in this database"),
				 errhint("Run: CREATE EXTENSION omni;")));
	return role;
}

/* Set a setting until the scope ends. */
static void
pin_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Become the owner; see owner.h. */
void
omni_core_owner_begin(OmniOwnerScope *scope, bool planning)
{
	Oid			role = omni_core_owner();

	GetUserIdAndSecContext(&scope->user, &scope->context);
	SetUserIdAndSecContext(role,
						   scope->context | SECURITY_LOCAL_USERID_CHANGE);
	scope->guc_level = 0;
	if (planning)
	{
		scope->guc_level = NewGUCNestLevel();
		pin_setting("search_path", OMNI_SEARCH_PATH);
		pin_setting("enable_seqscan", "off");
		pin_setting("enable_bitmapscan", "off");
		pin_setting("jit", "off");
	}
}

/* Be the caller again. */
void
omni_core_owner_end(OmniOwnerScope *scope)
{
	if (scope->guc_level != 0)
		AtEOXact_GUC(true, scope->guc_level);
	SetUserIdAndSecContext(scope->user, scope->context);
}
