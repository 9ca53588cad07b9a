/*
 * extension.c
 *	  The extension and its relations, as this session's catalogs show them.
 *
 * Caches hold positive answers only.  The schema "omni" is made and dropped
 * with the extension, so its invalidation drops the cached extension; a
 * relation's entry goes with that relation's own.  ALTER EXTENSION sends no
 * message by itself: the utility hook invalidates omni_internal.feed_state for
 * it, and that drops the cached extension, too.
 */
#include "omni.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
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

uint64		omni_core_extension_generation = 0;

static Oid	extension_oid = InvalidOid;
static uint32 schema_hash = 0;	/* of schema "omni" in the cache by oid */
static Oid	state_relation = InvalidOid;
static CachedRelation relations[MAX_CACHED_RELATIONS];
static int	nrelations = 0;
static bool callbacks_registered = false;

/* The extension may be another one now. */
static void
forget_extension(void)
{
	extension_oid = InvalidOid;
	omni_core_extension_generation++;
}

/* Callback: a schema changed.  hashvalue 0: all of them may have. */
static void
schema_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	if (hashvalue == 0 || hashvalue == schema_hash)
		forget_extension();
}

/* Callback: a relation changed, or all of them may have. */
static void
relation_changed(Datum arg, Oid relid)
{
	for (int i = 0; i < nrelations; i++)
	{
		if (relid == InvalidOid || relations[i].oid == relid)
			relations[i].oid = InvalidOid;
	}
	if (relid == InvalidOid || relid == state_relation)
		forget_extension();
}

/* Callbacks cannot be taken back, so they are registered when first used. */
static void
register_callbacks(void)
{
	if (callbacks_registered)
		return;
	CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	callbacks_registered = true;
}

/* Read the extension's row; the catalog has no cache of its own. */
void
omni_core_read_extension(OmniExtension *extension)
{
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	memset(extension, 0, sizeof(*extension));

	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(OMNI_EXTENSION_NAME));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		version;
		TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

		extension->oid = ((Form_pg_extension) GETSTRUCT(tuple))->oid;
		extension->own = TransactionIdIsCurrentTransactionId(xmin);
		version = heap_getattr(tuple, Anum_pg_extension_extversion,
							   RelationGetDescr(rel), &isnull);
		if (!isnull)
			text_to_cstring_buffer(DatumGetTextPP(version),
								   extension->version,
								   sizeof(extension->version));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* oid of the extension in this database, InvalidOid if there is none */
Oid
omni_core_extension_oid(void)
{
	OmniExtension extension;
	Oid			schema;
	uint64		generation;

	if (likely(OidIsValid(extension_oid)))
		return extension_oid;

	register_callbacks();
	do
	{
		/* a message that came in between makes the answer doubtful */
		generation = omni_core_extension_generation;
		omni_core_read_extension(&extension);
		if (!OidIsValid(extension.oid))
			return InvalidOid;
		schema = get_namespace_oid(OMNI_SCHEMA, true);
		schema_hash = GetSysCacheHashValue1(NAMESPACEOID,
											ObjectIdGetDatum(schema));
		state_relation = omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
												"feed_state");
	} while (generation != omni_core_extension_generation);

	extension_oid = extension.oid;
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

/* Compare two dotted version numbers: below 0, 0, above 0. */
static int
compare_versions(const char *a, const char *b)
{
	while (*a || *b)
	{
		char	   *end_a;
		char	   *end_b;
		long		part_a = strtol(a, &end_a, 10);
		long		part_b = strtol(b, &end_b, 10);

		if (part_a != part_b)
			return part_a < part_b ? -1 : 1;
		if (end_a == a || end_b == b)
			return strcmp(a, b);	/* not a number: any order will do */
		a = *end_a == '.' ? end_a + 1 : end_a;
		b = *end_b == '.' ? end_b + 1 : end_b;
		if (!*a || !*b)
			return (*a != '\0') - (*b != '\0');
	}
	return 0;
}

/* Below 0: the SQL is older than the library; 0: the same; above 0: newer. */
int
omni_core_version_order(const OmniExtension *extension)
{
	return compare_versions(extension->version, OMNI_VERSION);
}

/* OM016 unless the library and the extension's SQL are of one version. */
void
omni_core_check_version(const OmniExtension *extension)
{
	int			order = omni_core_version_order(extension);

	if (order == 0)
		return;
	ereport(ERROR,
			(errcode(OMNI_ERR_VERSION_MISMATCH),
			 errmsg("omni's library has version %s, its SQL objects have "
					"version %s", OMNI_VERSION, extension->version),
			 order > 0
			 ? errhint("Restart the server, so that it loads the installed "
					   "library.")
			 : errhint("Run: ALTER EXTENSION omni UPDATE;")));
}

/* ALTER EXTENSION omni: make every session check again, at commit. */
void
omni_core_extension_altered(void)
{
	Oid			relid = omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
											   "feed_state");

	if (OidIsValid(relid))
		CacheInvalidateRelcacheByRelid(relid);
	forget_extension();
}
