/*
 * owner.c
 *	  Who owns the extension: the role as which omni's own statements run.
 *
 * It is the owner of omni_internal.outbox; it changes with the relation, whose
 * invalidation drops the cached answer.
 */
#include "omni.h"

#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "access/htup_details.h"
#include "catalog/pg_class.h"

#include "core/private.h"

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
