/*
 * zones.c
 *	  Zones by postal codes, remembered by destination.
 *
 * A chart may have a million pairs; a session that read them all would need
 * 50 MB and a second.  So the pairs of one destination are read when an order
 * first goes there, by one stretch of the primary key's index, and turned into
 * one byte for each node of the configuration.  What is remembered is dropped
 * when a pair or the configuration changes, and when it has grown to
 * ZONES_MAX bytes.
 *
 * Of pairs that fit, the one with the longest destination counts, then the one
 * with the longest origin.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "sourcing/config.h"

/* 4,000 destinations of 1,000 nodes */
#define ZONES_MAX (4 * 1024 * 1024)

typedef struct ZonesKey
{
	int32		chart;
	char		postal[OMNI_POSTAL_MAX + 4];	/* a prefix, zeros behind it */
} ZonesKey;

typedef struct ZonesEntry
{
	ZonesKey	key;
	int8	   *zones;			/* by node */
} ZonesEntry;

/* Pairs of one destination, by origin. */
typedef struct OriginEntry
{
	char		origin[OMNI_POSTAL_MAX];
	int8		zone;
} OriginEntry;

static MemoryContext zones_context = NULL;
static HTAB *zones_table = NULL;
static Size zones_size = 0;
static uint64 zones_config_tables = 0;
static uint64 zones_config_nodes = 0;
static uint64 zones_read_at = 0;

/* Capitals and digits of a postal code. */
void
omni_sourcing_normalise_postal(const char *code, char *postal)
{
	int			n = 0;

	for (const char *c = code; *c != '\0' && n < OMNI_POSTAL_MAX; c++)
	{
		if ((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z'))
			postal[n++] = *c;
		else if (*c >= 'a' && *c <= 'z')
			postal[n++] = *c - 'a' + 'A';
	}
	postal[n] = '\0';
}

/* Begin anew. */
static void
empty_zones(void)
{
	HASHCTL		info = {
		.keysize = sizeof(ZonesKey),
		.entrysize = sizeof(ZonesEntry)
	};

	zones_table = NULL;
	if (zones_context == NULL)
		zones_context = AllocSetContextCreate(TopMemoryContext, "omni zones",
											  ALLOCSET_DEFAULT_SIZES);
	else
		MemoryContextReset(zones_context);
	info.hcxt = zones_context;
	zones_table = hash_create("omni zones", 256, &info,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	zones_size = 0;
}

/* Drop what is stale. */
static void
freshen_zones(const OmniConfig *config)
{
	uint64		generation = omni_sourcing_zones_generation();

	if (zones_table != NULL &&
		zones_config_tables == config->tables_generation &&
		zones_config_nodes == config->nodes_generation &&
		zones_read_at == generation && zones_size < ZONES_MAX)
		return;
	empty_zones();
	zones_config_tables = config->tables_generation;
	zones_config_nodes = config->nodes_generation;
	zones_read_at = generation;
}

/* Prefixes of a postal code, the longest first. */
static Datum
prefixes_of(const char *postal)
{
	Datum		values[OMNI_POSTAL_MAX];
	int			n = strlen(postal);

	for (int i = 0; i < n; i++)
		values[i] = PointerGetDatum(cstring_to_text_with_len(postal, n - i));
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* The pairs of a destination, by origin; the longest destination counts. */
static HTAB *
read_origins(const OmniConfigChart *chart, const char *postal)
{
	static OmniQuery query = {
		.sql = "SELECT z.origin, z.zone FROM omni.postal_zone z"
		" WHERE z.chart = $1 AND z.destination = ANY ($2)"
		" ORDER BY pg_catalog.length(z.destination) DESC",
		.nargs = 2,
		.argtypes = {TEXTOID, TEXTARRAYOID},
	};
	HASHCTL		info = {
		.keysize = OMNI_POSTAL_MAX,
		.entrysize = sizeof(OriginEntry),
		.hcxt = CurrentMemoryContext
	};
	Datum		values[2];
	Snapshot	snapshot;
	OmniRows	rows;
	HTAB	   *origins;

	values[0] = CStringGetTextDatum(chart->code);
	values[1] = prefixes_of(postal);
	snapshot = omni_core_latest_snapshot(true);
	omni_core_query_snapshot(&query, values, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);

	origins = hash_create("omni origins", Max(rows.nrows, 16), &info,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int r = 0; r < rows.nrows; r++)
	{
		char		origin[OMNI_POSTAL_MAX] = {0};
		text	   *value = DatumGetTextPP(OMNI_VALUE(&rows, r, 0));
		OriginEntry *entry;
		bool		found;

		memcpy(origin, VARDATA_ANY(value),
			   Min(VARSIZE_ANY_EXHDR(value), OMNI_POSTAL_MAX));
		entry = hash_search(origins, origin, HASH_ENTER, &found);
		if (!found)
			entry->zone = DatumGetInt16(OMNI_VALUE(&rows, r, 1));
	}
	return origins;
}

/* Zone of an origin: its longest prefix counts. */
static int8
zone_of_origin(HTAB *origins, const char *postal, int length)
{
	for (int n = Min(length, (int) strlen(postal)); n > 0; n--)
	{
		char		origin[OMNI_POSTAL_MAX] = {0};
		OriginEntry *entry;

		memcpy(origin, postal, n);
		entry = hash_search(origins, origin, HASH_FIND, NULL);
		if (entry)
			return entry->zone;
	}
	return OMNI_NO_ZONE;
}

/* Read the zones of a destination for all nodes, into the context. */
static int8 *
read_zones(const OmniConfig *config, const OmniConfigChart *chart,
		   const char *postal)
{
	MemoryContext scratch;
	MemoryContext old;
	HTAB	   *origins;
	int8	   *zones;

	scratch = AllocSetContextCreate(CurrentMemoryContext, "omni zones read",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	origins = read_origins(chart, postal);
	zones = MemoryContextAlloc(zones_context, Max(config->nnodes, 1));
	for (int n = 0; n < config->nnodes; n++)
		zones[n] = zone_of_origin(origins, config->nodes[n].postal,
								  chart->origin_length);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return zones;
}

/* Zone of each node for a destination; NULL: the chart has no postal codes. */
const int8 *
omni_sourcing_postal_zones(const OmniConfig *config, int chart,
						   const char *postal)
{
	const OmniConfigChart *chart_info = &config->charts[chart];
	ZonesKey	key;
	ZonesEntry *entry;
	int8	   *zones;
	bool		found;

	if (chart_info->code == NULL || postal[0] == '\0')
		return NULL;
	freshen_zones(config);
	memset(&key, 0, sizeof(key));
	key.chart = chart;
	memcpy(key.postal, postal,
		   Min(chart_info->destination_length, (int) strlen(postal)));
	entry = hash_search(zones_table, &key, HASH_FIND, NULL);
	if (entry)
		return entry->zones;
	zones = read_zones(config, chart_info, key.postal);
	entry = hash_search(zones_table, &key, HASH_ENTER, &found);
	entry->zones = zones;
	zones_size += config->nnodes + sizeof(ZonesEntry);
	return zones;
}
