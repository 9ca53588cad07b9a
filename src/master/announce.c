/*
 * announce.c
 *	  Events for master data that were loaded before the feed began.
 *
 * Until the first write adopts a fresh database, the trigger on master data
 * cannot tell an INSERT from a restore, and is silent (change.c).  So the
 * worker, when it starts and before it lets the first write through, looks
 * whether the feed has never had an event; if so, it writes one "created"
 * event for each row that is there, in one transaction.  A crash before its
 * commit leaves the feed empty, and the next start does it again; a restored
 * feed has ticks, and is left alone.
 *
 * What remains: a transaction that was open while this happened, and had
 * written master data before, has no events for those rows.  Who cares calls
 * omni.adopt() first.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "master/private.h"

#define ROWS_AT_ONCE 1000

/* How long until the chore looks again; it has nothing more to do. */
#define IDLE_MS (60 * 60 * 1000)

/*
 * The next rows after key $1 (NULL: from the start): key, id, payload.
 * Planned anew each time, so that the first call and the others use the index.
 */
#define NEXT_ROWS(table, key, type, above, id, payload) { \
	.sql = "SELECT CAST(m." key " AS text), " id "," \
	" pg_catalog.jsonb_build_object(" payload ")" \
	" FROM omni." table \
	" WHERE $1 IS NULL OR m." key " OPERATOR(" above ") CAST($1 AS " type ")" \
	" ORDER BY m." key " LIMIT 1000", \
	.nargs = 1, \
	.argtypes = {TEXTOID}, \
	.custom_plan = true, \
}

typedef struct Announcement
{
	const char *kind;
	const char *entity;
	OmniQuery	query;
} Announcement;

static Announcement announcements[] = {
	{"channel.created", "channel",
		NEXT_ROWS("channel AS m", "id", "bigint", "pg_catalog.>", "m.id",
				  "'code', m.code")},
	{"node.created", "node",
		NEXT_ROWS("node AS m", "id", "bigint", "pg_catalog.>", "m.id",
				  "'code', m.code")},
	{"item.created", "item",
		NEXT_ROWS("item AS m", "id", "bigint", "pg_catalog.>", "m.id",
				  "'sku', m.sku")},
	{"item_code.created", "item_code",
		NEXT_ROWS("item_code AS m", "code", "omni.gtin", "omni.>",
				  "CAST(CAST(m.code AS text) AS bigint)",
				  "'code', CAST(m.code AS text), 'sku', m.sku")},
	{"stock_policy.created", "stock_policy",
		NEXT_ROWS("stock_policy AS m JOIN omni.item AS i ON i.id = m.item"
				  " JOIN omni.node AS n ON n.id = m.node",
				  "id", "bigint", "pg_catalog.>", "m.id",
				  "'item_id', m.item, 'node_id', m.node,"
				  " 'sku', i.sku, 'node', n.code")},
};

/* Has the feed never had an event? */
static bool
feed_is_empty(void)
{
	static OmniQuery query = {
		.sql = "SELECT NOT EXISTS (SELECT FROM omni.tick)"
		" AND NOT EXISTS (SELECT FROM omni_internal.outbox)",
	};
	OmniRows	rows;

	omni_core_query(&query, NULL, NULL, true, &rows);
	return DatumGetBool(OMNI_VALUE(&rows, 0, 0));
}

/* Write the events of one table. */
static void
announce_table(Announcement *table)
{
	MemoryContext context;
	MemoryContext old;
	char		key[64];
	bool		first = true;
	OmniRows	rows;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"omni announcement",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	do
	{
		Datum		value = (Datum) 0;

		CHECK_FOR_INTERRUPTS();
		if (!first)
			value = CStringGetTextDatum(key);
		omni_core_query(&table->query, &value, first ? "n" : " ", true,
						&rows);
		for (int r = 0; r < rows.nrows; r++)
		{
			Datum		id = OMNI_VALUE(&rows, r, 1);
			Datum		payload = OMNI_VALUE(&rows, r, 2);

			(void) omni_core_write_event(table->kind, table->entity,
										 DatumGetInt64(id),
										 DatumGetJsonbP(payload));
		}
		if (rows.nrows > 0)
			text_to_cstring_buffer(DatumGetTextPP(OMNI_VALUE(&rows,
															 rows.nrows - 1,
															 0)),
								   key, sizeof(key));
		first = false;
		MemoryContextReset(context);
	} while (rows.nrows == ROWS_AT_ONCE);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* The chore: once per extension and worker. */
static int
announce_master_data(void)
{
	static Oid	looked_at = InvalidOid;
	Oid			extension = omni_core_extension_oid();

	if (extension == looked_at)
		return IDLE_MS;
	(void) omni_core_gate();
	if (feed_is_empty())
	{
		for (int i = 0; i < lengthof(announcements); i++)
			announce_table(&announcements[i]);
	}
	looked_at = extension;
	return IDLE_MS;
}

static const OmniChore announce_chore = {
	.name = "announce master data",
	.run = announce_master_data,
	.at_start = true,
};

/* Called in _PG_init. */
void
omni_master_announce_init(void)
{
	omni_core_register_chore(&announce_chore);
}
