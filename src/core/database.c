/*
 * database.c
 *	  What a session knows of its database: the extension, its relations.
 *
 * Caches here are per session and hold positive answers only.  Schemas are
 * made and dropped with the extension, so the invalidation of any schema drops
 * the cached extension; a relation's entry goes with that relation's own.
 */
#include "omni.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core/core.h"
#include "core/private.h"

#define MAX_CACHED_RELATIONS 64

typedef struct CachedRelation
{
	const char *schema;
	const char *name;
	Oid			oid;
} CachedRelation;

static Oid	extension_oid = InvalidOid;
static CachedRelation relations[MAX_CACHED_RELATIONS];
static int	nrelations = 0;
static bool callbacks_registered = false;

/* A schema changed: the extension may be another one. */
static void
forget_extension(Datum arg, int cacheid, uint32 hashvalue)
{
	extension_oid = InvalidOid;
}

/* A relation changed: forget it, or all of them. */
static void
forget_relation(Datum arg, Oid relid)
{
	for (int i = 0; i < nrelations; i++)
	{
		if (relid == InvalidOid || relations[i].oid == relid)
			relations[i].oid = InvalidOid;
	}
}

/* Callbacks cannot be taken back, so they are registered when first used. */
static void
register_callbacks(void)
{
	if (callbacks_registered)
		return;
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_extension, (Datum) 0);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	callbacks_registered = true;
}

/* Look the extension up in its catalog, which has no cache. */
static Oid
find_extension(void)
{
	Oid			result = InvalidOid;
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(OMNI_EXTENSION_NAME));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		result = ((Form_pg_extension) GETSTRUCT(tuple))->oid;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* oid of the extension in this database, InvalidOid if there is none */
Oid
omni_core_extension_oid(void)
{
	if (unlikely(!OidIsValid(extension_oid)))
	{
		register_callbacks();
		extension_oid = find_extension();
	}
	return extension_oid;
}

/*
 * oid of a relation in one of omni's schemas, InvalidOid if there is none.
 * The two strings must live as long as the session: literals.
 */
Oid
omni_core_relation_oid(const char *schema, const char *name)
{
	CachedRelation *entry = NULL;
	Oid			namespace;
	Oid			oid;

	for (int i = 0; i < nrelations; i++)
	{
		if ((relations[i].name == name ||
			 strcmp(relations[i].name, name) == 0) &&
			strcmp(relations[i].schema, schema) == 0)
		{
			entry = &relations[i];
			if (likely(OidIsValid(entry->oid)))
				return entry->oid;
			break;
		}
	}

	register_callbacks();
	namespace = get_namespace_oid(schema, true);
	if (!OidIsValid(namespace))
		return InvalidOid;
	oid = get_relname_relid(name, namespace);
	if (!OidIsValid(oid))
		return InvalidOid;
	if (entry == NULL && nrelations < MAX_CACHED_RELATIONS)
	{
		entry = &relations[nrelations++];
		entry->schema = schema;
		entry->name = name;
	}
	if (entry)
		entry->oid = oid;
	return oid;
}

/* The gate of every write function. */
int32
omni_core_gate(void)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("omni cannot write during recovery")));
	return 1;
}

/* Is the stamp this database's own? */
bool
omni_core_is_adopted(void)
{
	return true;
}

/* Called in _PG_init. */
void
omni_core_database_init(void)
{
}
