/*
 * values.c
 *	  Shadow prices, remembered by item.
 *
 * A job may fill one for each item and node, so they are read as orders ask for
 * items, those that are missing by one statement, and kept up to VALUES_MAX
 * bytes.  While the table is empty, that is all that is remembered.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "sourcing/config.h"

#define VALUES_MAX (16 * 1024 * 1024)

typedef struct ValuesEntry
{
	int64		item;
	OmniItemValues *values;		/* NULL: it has none */
} ValuesEntry;

static MemoryContext values_context = NULL;
static HTAB *values_table = NULL;
static Size values_size = 0;
static bool values_none = false;	/* there is no row at all */
static uint64 values_config_tables = 0;
static uint64 values_config_nodes = 0;
static uint64 values_read_at = 0;

/* Is the table empty? */
static bool
has_no_values(void)
{
	static OmniQuery query = {
		.sql = "SELECT NOT EXISTS (SELECT FROM omni.shadow_price)",
	};
	Snapshot	snapshot = omni_core_latest_snapshot(true);
	OmniRows	rows;

	omni_core_query_snapshot(&query, NULL, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	return DatumGetBool(OMNI_VALUE(&rows, 0, 0));
}

/* Begin anew when it is stale or too large. */
static void
freshen_values(const OmniConfig *config)
{
	HASHCTL		info = {
		.keysize = sizeof(int64),
		.entrysize = sizeof(ValuesEntry)
	};
	uint64		generation = omni_sourcing_values_generation();

	if (values_table != NULL && values_read_at == generation &&
		values_config_tables == config->tables_generation &&
		values_config_nodes == config->nodes_generation &&
		values_size < VALUES_MAX)
		return;
	values_table = NULL;
	if (values_context == NULL)
		values_context = AllocSetContextCreate(TopMemoryContext,
											   "omni shadow prices",
											   ALLOCSET_DEFAULT_SIZES);
	else
		MemoryContextReset(values_context);
	values_none = has_no_values();
	info.hcxt = values_context;
	values_table = hash_create("omni shadow prices", 256, &info,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	values_size = 0;
	values_config_tables = config->tables_generation;
	values_config_nodes = config->nodes_generation;
	values_read_at = generation;
}

/* Keep the rows of one item, from r on; returns one behind. */
static int
keep_values(const OmniConfig *config, const OmniRows *rows, int r)
{
	int64		item = DatumGetInt64(OMNI_VALUE(rows, r, 0));
	int			behind = r;
	OmniItemValues *values;
	ValuesEntry *entry;
	Size		size;
	bool		found;

	while (behind < rows->nrows &&
		   DatumGetInt64(OMNI_VALUE(rows, behind, 0)) == item)
		behind++;
	size = offsetof(OmniItemValues, values) +
		sizeof(OmniNodeValue) * (behind - r);
	values = MemoryContextAlloc(values_context, size);
	values->item = item;
	values->n = 0;
	for (; r < behind; r++)
	{
		int			node;
		OmniNodeValue *value = &values->values[values->n];

		node = omni_sourcing_find_node(config,
									   DatumGetInt64(OMNI_VALUE(rows, r, 1)));
		if (node < 0)
			continue;
		value->node = node;
		value->shadow = DatumGetInt64(OMNI_VALUE(rows, r, 2));
		value->markdown = DatumGetInt64(OMNI_VALUE(rows, r, 3));
		values->n++;
	}
	entry = hash_search(values_table, &item, HASH_ENTER, &found);
	entry->values = values;
	values_size += size + sizeof(ValuesEntry);
	return behind;
}

/* Read items that are not known yet. */
static void
read_values(const OmniConfig *config, const int64 *items, int n)
{
	static OmniQuery query = {
		.sql = "SELECT v.item, v.node, v.shadow, v.markdown"
		" FROM omni.shadow_price v WHERE v.item = ANY ($1)"
		" ORDER BY v.item, v.node",
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	Datum		value = omni_core_int64_array(items, n);
	Snapshot	snapshot = omni_core_latest_snapshot(true);
	OmniRows	rows;

	omni_core_query_snapshot(&query, &value, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);
	for (int r = 0; r < rows.nrows;)
		r = keep_values(config, &rows, r);
	for (int i = 0; i < n; i++)
	{
		ValuesEntry *entry;
		bool		found;

		entry = hash_search(values_table, &items[i], HASH_ENTER, &found);
		if (found)
			continue;
		entry->values = NULL;
		values_size += sizeof(ValuesEntry);
	}
}

/* Shadow prices of n items. */
void
omni_sourcing_item_values(const OmniConfig *config, const int64 *items, int n,
						  const OmniItemValues **values)
{
	int64	   *missing;
	int			nmissing = 0;

	freshen_values(config);
	memset(values, 0, sizeof(OmniItemValues *) * n);
	if (values_none || n == 0)
		return;
	missing = palloc(sizeof(int64) * n);
	for (int i = 0; i < n; i++)
	{
		if (hash_search(values_table, &items[i], HASH_FIND, NULL) == NULL)
			missing[nmissing++] = items[i];
	}
	if (nmissing > 0)
	{
		MemoryContext scratch;
		MemoryContext old;

		scratch = AllocSetContextCreate(CurrentMemoryContext,
										"omni shadow prices read",
										ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(scratch);
		read_values(config, missing, nmissing);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(scratch);
	}
	pfree(missing);
	for (int i = 0; i < n; i++)
	{
		ValuesEntry *entry = hash_search(values_table, &items[i], HASH_FIND,
										 NULL);

		values[i] = entry ? entry->values : NULL;
	}
}
