/*
 * config.c
 *	  The session's copy of the configuration: read when stale, in memory else.
 *
 * Every order asks it, so it is read as a whole and kept.  Rules:
 *
 * - A change of a configuration table sends a relcache invalidation of it: for
 *	 each row, ENABLE ALWAYS, INSERT included, because "there is none" is
 *	 remembered, too.  Every call takes in what others have sent before it
 *	 answers; the callback only counts.  Whoever commits becomes visible first
 *	 and sends then, so what a reading missed makes it stale.
 * - It is read under a snapshot of this moment, own rows included, under every
 *	 isolation level.  What this transaction wrote and then rolled back, its
 *	 savepoints included, goes with it: the server applies the messages of a
 *	 transaction that aborts, or is prepared, to its own session.
 * - The new copy replaces the old one when all of it has been read.  A caller
 *	 may go on with what it holds until it asks again.
 * - Zones and shadow prices are large, and read as they are needed (zones.c,
 *	 values.c).
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "sourcing/capacity.h"
#include "sourcing/config.h"
#include "stock/stock.h"

PG_FUNCTION_INFO_V1(omni_sourcing_config_changed);

/* What is read as a whole, and what is not. */
typedef enum Part
{
	PART_TABLES,
	PART_ZONES,
	PART_VALUES,
	NPARTS
} Part;

typedef struct Watched
{
	const char *table;
	Part		part;
	Oid			relid;			/* InvalidOid: to be looked up */
} Watched;

static Watched watched[] = {
	{"cost_currency"},
	{"zone_chart"},
	{"distance_band"},
	{"carrier"},
	{"carrier_holiday"},
	{"service"},
	{"service_rate"},
	{"service_zone"},
	{"node_group"},
	{"node_group_member"},
	{"node_policy"},
	{"opening_hours"},
	{"special_day"},
	{"node_capacity"},
	{"routing_rule"},
	{"sourcing_policy"},
	{"channel"},				/* its ids stand in rules and policies */
	{"postal_zone", PART_ZONES},
	{"shadow_price", PART_VALUES},
};

static uint64 generations[NPARTS];
static bool relids_known = false;
static bool callback_registered = false;

static OmniConfig *current_config = NULL;

/* ---- noticing changes ---- */

/* Callback: a relation changed, or all of them may have. */
static void
relation_changed(Oid relid)
{
	for (int i = 0; i < lengthof(watched); i++)
	{
		if (relid != InvalidOid && relid != watched[i].relid)
			continue;
		generations[watched[i].part]++;
		watched[i].relid = InvalidOid;
		relids_known = false;
	}
}

/* Take in what other sessions have changed. */
static void
freshen(void)
{
	AcceptInvalidationMessages();
	if (likely(relids_known))
		return;
	if (!callback_registered)
	{
		omni_master_watch_relations(relation_changed);
		callback_registered = true;
	}
	/* set first: a message that comes meanwhile takes it back */
	relids_known = true;
	for (int i = 0; i < lengthof(watched); i++)
	{
		if (!OidIsValid(watched[i].relid))
			watched[i].relid = omni_core_relation_oid(OMNI_SCHEMA,
													  watched[i].table);
	}
}

/* How often the zones may have changed. */
uint64
omni_sourcing_zones_generation(void)
{
	freshen();
	return generations[PART_ZONES];
}

/* How often the shadow prices may have changed. */
uint64
omni_sourcing_values_generation(void)
{
	freshen();
	return generations[PART_VALUES];
}

/* More active services than a session has bits for? */
static void
check_service_count(void)
{
	static OmniQuery query = {
		.sql = "SELECT pg_catalog.count(*) FROM omni.service"
		" WHERE status = 'active'",
	};
	OmniRows	rows;

	omni_core_query(&query, NULL, NULL, false, &rows);
	if (DatumGetInt64(OMNI_VALUE(&rows, 0, 0)) > OMNI_MAX_SERVICES)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_RANGE),
				 errmsg("more than %d services would be active",
						OMNI_MAX_SERVICES),
				 errhint("Set the status of those that are not used to "
						 "inactive.")));
}

/*
 * Trigger on every table of the configuration, after INSERT, UPDATE or DELETE
 * of a row, and after TRUNCATE: tell every session, at commit.  OM008 for more
 * active services than 64.
 *
 * The counters of capacity hear of limits alone, row by row; see capacity.c.
 * Sessions: once for a statement is enough: when the first of its triggers fires, all of
 * its rows are written.  (The function's info lives as long as the statement.
 * A message for each row would have this session build its relcache entry anew
 * for each: 60 us a row.)
 */
Datum
omni_sourcing_config_changed(PG_FUNCTION_ARGS)
{
	static char told;
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function can only be called as a trigger")));
	if (omni_sourcing_changes_limit(data))
		omni_stock_capacity_changed();
	if (fcinfo->flinfo->fn_extra == &told)
		return PointerGetDatum(NULL);
	if (strcmp(RelationGetRelationName(data->tg_relation), "service") == 0 &&
		(TRIGGER_FIRED_BY_INSERT(data->tg_event) ||
		 TRIGGER_FIRED_BY_UPDATE(data->tg_event)))
		check_service_count();
	CacheInvalidateRelcache(data->tg_relation);
	fcinfo->flinfo->fn_extra = &told;
	return PointerGetDatum(NULL);
}

/* ---- reading rows ---- */

/* Run a query of the configuration. */
void
omni_sourcing_query(OmniQuery *query, Snapshot snapshot, OmniRows *rows)
{
	omni_core_query_snapshot(query, NULL, NULL, snapshot, rows);
}

/* Zeroed room in the copy. */
void *
omni_sourcing_keep(OmniConfig *config, Size size)
{
	return MemoryContextAllocExtended(config->context, Max(size, 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* A column as a C string in the copy; NULL when null. */
char *
omni_sourcing_keep_text(OmniConfig *config, const OmniRows *rows, int r,
						int c)
{
	char	   *string;

	if (OMNI_ISNULL(rows, r, c))
		return NULL;
	string = TextDatumGetCString(OMNI_VALUE(rows, r, c));
	return MemoryContextStrdup(config->context, string);
}

/* A column as a C string in a field; "" when null. */
void
omni_sourcing_copy_text(const OmniRows *rows, int r, int c, char *field,
						Size size)
{
	field[0] = '\0';
	if (!OMNI_ISNULL(rows, r, c))
		text_to_cstring_buffer(DatumGetTextPP(OMNI_VALUE(rows, r, c)),
							   field, size);
}

/* A number, or "missing" when null. */
int64
omni_sourcing_int(const OmniRows *rows, int r, int c, Oid type, int64 missing)
{
	Datum		value = OMNI_VALUE(rows, r, c);

	if (OMNI_ISNULL(rows, r, c))
		return missing;
	if (type == INT2OID)
		return DatumGetInt16(value);
	return type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

/* A time as minutes of the day, or "missing" when null. */
int
omni_sourcing_minutes(const OmniRows *rows, int r, int c, int missing)
{
	if (OMNI_ISNULL(rows, r, c))
		return missing;
	return (int) (DatumGetTimeADT(OMNI_VALUE(rows, r, c)) / USECS_PER_MINUTE);
}

/* ---- the copy ---- */

/* The currency that costs are in. */
static void
load_currency(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT currency FROM omni.cost_currency",
		.custom_plan = true,
	};
	OmniRows	rows;

	omni_sourcing_query(&query, snapshot, &rows);
	if (rows.nrows > 0)
		omni_sourcing_copy_text(&rows, 0, 0, config->currency,
								sizeof(config->currency));
}

/* No ship day is known yet. */
static void
clear_ship_days(OmniConfig *config)
{
	Size		n = (Size) config->nnodes * config->nservices;

	config->ship_days = omni_sourcing_keep(config, sizeof(OmniShipDay) * n);
	for (Size i = 0; i < n; i++)
		config->ship_days[i].day = OMNI_NO_DAY;
}

/* Read all of it into a new copy; the old one goes when that has succeeded. */
static void
read_config(uint64 nodes_generation)
{
	MemoryContext scratch;
	MemoryContext context;
	MemoryContext old;
	Snapshot	snapshot;
	OmniConfig *config;

	scratch = AllocSetContextCreate(CurrentMemoryContext, "omni network read",
									ALLOCSET_DEFAULT_SIZES);
	context = AllocSetContextCreate(scratch, "omni network",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	config = MemoryContextAllocZero(context, sizeof(OmniConfig));
	config->context = context;
	config->nodes_generation = nodes_generation;
	config->tables_generation = generations[PART_TABLES];
	snapshot = omni_core_latest_snapshot(true);
	load_currency(config, snapshot);
	omni_sourcing_load_nodes(config, snapshot);
	omni_sourcing_load_carriers(config, snapshot);
	omni_sourcing_load_rules(config, snapshot);
	UnregisterSnapshot(snapshot);
	clear_ship_days(config);
	MemoryContextSwitchTo(old);

	MemoryContextSetParent(context, TopMemoryContext);
	MemoryContextDelete(scratch);
	if (current_config)
		MemoryContextDelete(current_config->context);
	current_config = config;
}

/* The configuration as of now. */
OmniConfig *
omni_sourcing_config(void)
{
	uint64		nodes_generation = omni_master_nodes_generation();

	freshen();
	if (current_config == NULL ||
		current_config->nodes_generation != nodes_generation ||
		current_config->tables_generation != generations[PART_TABLES])
		read_config(nodes_generation);
	return current_config;
}

/* Index of an active node, -1 when there is none. */
int
omni_sourcing_find_node(const OmniConfig *config, int64 node)
{
	int			low = 0;
	int			high = config->nnodes - 1;

	/* ids without gaps are the usual case */
	if (high >= 0)
	{
		int64		guess = node - config->nodes[0].info.id;

		if (guess >= 0 && guess <= high &&
			config->nodes[guess].info.id == node)
			return (int) guess;
	}
	while (low <= high)
	{
		int			middle = low + (high - low) / 2;

		if (config->nodes[middle].info.id == node)
			return middle;
		if (config->nodes[middle].info.id < node)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

/* Index of an active service; OM002 when there is none. */
int
omni_sourcing_find_service(const OmniConfig *config, const char *code)
{
	for (int s = 0; s < config->nservices; s++)
	{
		if (strcmp(config->services[s].code, code) == 0)
			return s;
	}
	ereport(ERROR,
			(errcode(OMNI_ERR_NOT_FOUND),
			 errmsg("service \"%s\" does not exist or is not active", code)));
}

/* Policy of a channel. */
const OmniNetworkPolicy *
omni_sourcing_policy(const OmniConfig *config, int64 channel)
{
	for (int p = 1; p < config->npolicies; p++)
	{
		if (config->policies[p].channel == channel)
			return &config->policies[p].policy;
	}
	return &config->policies[0].policy;
}
