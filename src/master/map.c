/*
 * map.c
 *	  Codes and ids of channels, nodes and items, kept per session.
 *
 * One map per table, with an entry for each row that was asked for: by code,
 * by id, and what other domains want to know of the row.  Rules:
 *
 * - Positive answers only.  What is not in the map is looked up in the table,
 *	 under a snapshot of that moment, own rows included, whatever the isolation
 *	 level: an older one would put into the map what is no longer so, after the
 *	 message about it has come and gone.
 * - A change of a row's entry sends a relcache invalidation of its table (see
 *	 change.c).  Every look-up takes in what others have sent, before it takes
 *	 its snapshot; the callback only counts, and the next look-up empties the
 *	 map.  Whoever commits becomes visible first and sends then: a change that
 *	 a snapshot does not see sends its message after that, and the message
 *	 ends what was learned meanwhile.
 * - INSERT sends nothing for items and channels, so an answer may rest on a
 *	 row of this very transaction: what a transaction that has written learns
 *	 is noted with the subtransaction it was learned in, and forgotten when
 *	 that one aborts, or when the transaction is prepared.
 * - Callbacks allocate nothing and cannot fail.
 * - A map that has grown to OMNI_MAP_MAX entries (some 15 MB) begins anew.
 */
#include "omni.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "master/private.h"

#define OMNI_MAP_MAX 131072

/* One row of a table. */
typedef struct Entry
{
	int64		id;
	union
	{
		OmniChannelInfo channel;
		OmniNodeInfo node;
		OmniItemInfo item;
	}			info;			/* only the table's own member is allocated */
} Entry;

/* An entry's code follows its info. */
#define ENTRY_CODE(map, entry) \
	((char *) (entry) + offsetof(Entry, info) + (map)->info_size)

typedef struct CodeSlot
{
	const char *code;
	Entry	   *entry;
	uint32		hash;
	char		status;
} CodeSlot;

typedef struct IdSlot
{
	int64		id;
	Entry	   *entry;
	char		status;
} IdSlot;

#define SH_PREFIX codes
#define SH_ELEMENT_TYPE CodeSlot
#define SH_KEY_TYPE const char *
#define SH_KEY code
#define SH_HASH_KEY(tb, key) \
	hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(tb, a, b) (strcmp(a, b) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) ((a)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX ids
#define SH_ELEMENT_TYPE IdSlot
#define SH_KEY_TYPE int64
#define SH_KEY id
#define SH_HASH_KEY(tb, key) \
	murmurhash32((uint32) (key) ^ (uint32) ((uint64) (key) >> 32))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* An entry that goes when the subtransaction aborts. */
typedef struct Learned
{
	SubTransactionId subid;
	Entry	   *entry;
} Learned;

typedef struct Map
{
	const char *table;			/* in schema omni */
	const char *noun;			/* for messages */
	Size		info_size;
	void		(*read_info) (const OmniRows *rows, int r, Entry *entry);
	OmniQuery	by_code;
	OmniQuery	by_id;
	OmniQuery	by_codes;

	Oid			relid;			/* whose messages count; InvalidOid: ask */
	uint64		generation;		/* messages so far */
	uint64		emptied_at;		/* generation that the contents belong to */
	MemoryContext context;		/* holds all below; NULL: empty */
	codes_hash *codes;
	ids_hash   *ids;
	Learned    *learned;		/* in the order of learning */
	int			nlearned;
	int			maxlearned;
} Map;

static void read_channel(const OmniRows *rows, int r, Entry *entry);
static void read_node(const OmniRows *rows, int r, Entry *entry);
static void read_item(const OmniRows *rows, int r, Entry *entry);

#define LOOKUPS(columns, table, code) \
	.by_code = { \
		.sql = "SELECT " columns " FROM omni." table " AS m" \
		" WHERE m." code " OPERATOR(pg_catalog.=) $1", \
		.nargs = 1, \
		.argtypes = {TEXTOID}, \
	}, \
	.by_id = { \
		.sql = "SELECT " columns " FROM omni." table " AS m" \
		" WHERE m.id OPERATOR(pg_catalog.=) $1", \
		.nargs = 1, \
		.argtypes = {INT8OID}, \
	}, \
	.by_codes = { \
		.sql = "SELECT " columns " FROM omni." table " AS m" \
		" WHERE m." code " OPERATOR(pg_catalog.=) ANY ($1)", \
		.nargs = 1, \
		.argtypes = {TEXTARRAYOID}, \
	}

static Map channel_map = {
	.table = "channel",
	.noun = "channel",
	.info_size = sizeof(OmniChannelInfo),
	.read_info = read_channel,
	LOOKUPS("m.id, m.code, m.kind, m.currency, m.may_refuse, m.status",
			"channel", "code")
};

static Map node_map = {
	.table = "node",
	.noun = "node",
	.info_size = sizeof(OmniNodeInfo),
	.read_info = read_node,
	LOOKUPS(OMNI_NODE_COLUMNS, "node", "code")
};

static Map item_map = {
	.table = "item",
	.noun = "sku",
	.info_size = sizeof(OmniItemInfo),
	.read_info = read_item,
	LOOKUPS("m.id, m.sku, m.unit, m.status, m.category, m.weight_g,"
			" m.splittable, m.unfilled_cost", "item", "sku")
};

static Map *const maps[] = {&channel_map, &node_map, &item_map};

static bool callback_registered = false;

/* ---- what rows say ---- */

/* Position of a word in a list that CHECK constraints repeat; 0 for none. */
static int
word_index(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++)
	{
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return 0;
}

/* Copy a text value into a field of a struct; NULL gives "". */
static void
read_text(const OmniRows *rows, int r, int c, char *field, Size size)
{
	field[0] = '\0';
	if (!OMNI_ISNULL(rows, r, c))
		text_to_cstring_buffer(DatumGetTextPP(OMNI_VALUE(rows, r, c)),
							   field, size);
}

/* Is this text value "active"? */
static bool
read_active(const OmniRows *rows, int r, int c)
{
	char		status[16];

	read_text(rows, r, c, status, sizeof(status));
	return strcmp(status, "active") == 0;
}

/* id, code, kind, currency, may_refuse, status */
static void
read_channel(const OmniRows *rows, int r, Entry *entry)
{
	OmniChannelInfo *info = &entry->info.channel;
	char		kind[16];

	info->id = entry->id;
	read_text(rows, r, 2, kind, sizeof(kind));
	info->kind = word_index(omni_master_channel_kinds, kind);
	read_text(rows, r, 3, info->currency, sizeof(info->currency));
	info->may_refuse = DatumGetBool(OMNI_VALUE(rows, r, 4));
	info->active = read_active(rows, r, 5);
}

/* OMNI_NODE_COLUMNS */
void
omni_master_read_node(const OmniRows *rows, int r, OmniNodeInfo *info)
{
	char		word[256];

	memset(info, 0, sizeof(*info));
	info->id = DatumGetInt64(OMNI_VALUE(rows, r, 0));
	read_text(rows, r, 2, word, sizeof(word));
	info->kind = word_index(omni_master_node_kinds, word);
	info->located = !OMNI_ISNULL(rows, r, 3) && !OMNI_ISNULL(rows, r, 4);
	if (info->located)
	{
		info->latitude = DatumGetFloat8(OMNI_VALUE(rows, r, 3));
		info->longitude = DatumGetFloat8(OMNI_VALUE(rows, r, 4));
	}
	read_text(rows, r, 5, word, sizeof(word));
	info->timezone = pg_tzset(word);
	if (info->timezone == NULL) /* the server's database has lost it */
		info->timezone = pg_tzset("GMT");
	info->active = read_active(rows, r, 6);
	info->safety = DatumGetInt32(OMNI_VALUE(rows, r, 7));
	info->ships = DatumGetBool(OMNI_VALUE(rows, r, 8));
	info->pickup = DatumGetBool(OMNI_VALUE(rows, r, 9));
	read_text(rows, r, 10, info->country, sizeof(info->country));
	read_text(rows, r, 11, info->region, sizeof(info->region));
	read_text(rows, r, 12, info->postal_code, sizeof(info->postal_code));
}

/* OMNI_NODE_COLUMNS */
static void
read_node(const OmniRows *rows, int r, Entry *entry)
{
	omni_master_read_node(rows, r, &entry->info.node);
}

/* id, sku, unit, status, category, weight_g, splittable, unfilled_cost */
static void
read_item(const OmniRows *rows, int r, Entry *entry)
{
	OmniItemInfo *info = &entry->info.item;

	info->id = entry->id;
	read_text(rows, r, 2, info->unit, sizeof(info->unit));
	info->active = read_active(rows, r, 3);
	read_text(rows, r, 4, info->category, sizeof(info->category));
	info->weight_g = OMNI_ISNULL(rows, r, 5) ? -1 :
		DatumGetInt32(OMNI_VALUE(rows, r, 5));
	info->splittable = DatumGetBool(OMNI_VALUE(rows, r, 6));
	info->unfilled_cost = OMNI_ISNULL(rows, r, 7) ? -1 :
		DatumGetInt64(OMNI_VALUE(rows, r, 7));
}

/* ---- forgetting ---- */

/* Callback: a relation changed, or all of them may have. */
static void
relation_changed(Datum arg, Oid relid)
{
	for (int i = 0; i < lengthof(maps); i++)
	{
		if (relid == InvalidOid || relid == maps[i]->relid)
		{
			maps[i]->generation++;
			maps[i]->relid = InvalidOid;
		}
	}
}

/* Begin anew. */
static void
empty_map(Map *map)
{
	MemoryContext context = map->context;

	map->context = NULL;
	map->codes = NULL;
	map->ids = NULL;
	map->learned = NULL;
	map->nlearned = map->maxlearned = 0;
	if (context)
		MemoryContextDelete(context);
}

/* Forget what was learned in this subtransaction and in those within it. */
static void
forget_learned(Map *map, SubTransactionId subid)
{
	while (map->nlearned > 0 &&
		   map->learned[map->nlearned - 1].subid >= subid)
	{
		Entry	   *entry = map->learned[--map->nlearned].entry;

		codes_delete(map->codes, ENTRY_CODE(map, entry));
		ids_delete(map->ids, entry->id);
		pfree(entry);
	}
}

/* At the end of a transaction. */
static void
map_transaction_ends(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT)
	{
		for (int i = 0; i < lengthof(maps); i++)
			maps[i]->nlearned = 0;
	}
	else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
	{
		for (int i = 0; i < lengthof(maps); i++)
			forget_learned(maps[i], InvalidSubTransactionId);
	}
}

/*
 * At the end of a subtransaction.  Ids of subtransactions ascend, and while
 * one is open nothing is noted under an older id; so what its descendants
 * learned stands behind what came before it.
 */
static void
map_subtransaction_ends(SubXactEvent event, SubTransactionId mySubid,
						SubTransactionId parentSubid, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	for (int i = 0; i < lengthof(maps); i++)
		forget_learned(maps[i], mySubid);
}

/* Called in _PG_init. */
void
omni_master_map_init(void)
{
	RegisterXactCallback(map_transaction_ends, NULL);
	RegisterSubXactCallback(map_subtransaction_ends, NULL);
}

/* Take in what other sessions have changed. */
static void
freshen_map(Map *map)
{
	AcceptInvalidationMessages();
	if (unlikely(map->emptied_at != map->generation))
	{
		empty_map(map);
		map->emptied_at = map->generation;
	}
	if (unlikely(!OidIsValid(map->relid)))
	{
		if (!callback_registered)
		{
			CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
			callback_registered = true;
		}
		map->relid = omni_core_relation_oid(OMNI_SCHEMA, map->table);
	}
}

/* How often the nodes may have changed; see master.h. */
uint64
omni_master_nodes_generation(void)
{
	freshen_map(&node_map);
	return node_map.generation;
}

/* ---- learning ---- */

/* Room for one more entry and a note of it. */
static void
make_room(Map *map)
{
	if (map->context && map->ids->members >= OMNI_MAP_MAX)
		empty_map(map);
	if (map->context == NULL)
	{
		MemoryContext context;

		context = AllocSetContextCreate(TopMemoryContext, "omni codes",
										ALLOCSET_DEFAULT_SIZES);
		MemoryContextSetIdentifier(context, map->table);
		map->codes = codes_create(context, 256, NULL);
		map->ids = ids_create(context, 256, NULL);
		map->context = context;
	}
	if (map->nlearned >= map->maxlearned)
	{
		int			max = Max(64, map->maxlearned * 2);

		if (map->learned == NULL)
			map->learned = MemoryContextAlloc(map->context,
											  sizeof(Learned) * max);
		else
			map->learned = repalloc(map->learned, sizeof(Learned) * max);
		map->maxlearned = max;
	}
}

/* An entry of row r, in the current memory context. */
static Entry *
make_entry(Map *map, const OmniRows *rows, int r)
{
	text	   *code = DatumGetTextPP(OMNI_VALUE(rows, r, 1));
	Size		len = VARSIZE_ANY_EXHDR(code);
	Entry	   *entry;

	entry = palloc0(offsetof(Entry, info) + map->info_size + len + 1);
	entry->id = DatumGetInt64(OMNI_VALUE(rows, r, 0));
	map->read_info(rows, r, entry);
	memcpy(ENTRY_CODE(map, entry), VARDATA_ANY(code), len);
	return entry;
}

/* Put row r into the map. */
static Entry *
keep_entry(Map *map, const OmniRows *rows, int r)
{
	MemoryContext old;
	Entry	   *entry;
	CodeSlot   *code_slot;
	IdSlot	   *id_slot;
	bool		found;

	make_room(map);
	old = MemoryContextSwitchTo(map->context);
	entry = make_entry(map, rows, r);
	MemoryContextSwitchTo(old);

	/*
	 * Only a transaction that has written can have seen a row of its own.
	 * Noted first, in case there is no memory for what follows.
	 */
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
	{
		Learned    *note = &map->learned[map->nlearned++];

		note->subid = GetCurrentSubTransactionId();
		note->entry = entry;
	}

	/* seldom found: when the row changed a moment ago, and no word came yet */
	code_slot = codes_insert(map->codes, ENTRY_CODE(map, entry), &found);
	code_slot->code = ENTRY_CODE(map, entry);
	code_slot->entry = entry;
	id_slot = ids_insert(map->ids, entry->id, &found);
	id_slot->entry = entry;
	return entry;
}

/* Run one of the map's queries under a snapshot of this moment. */
static void
query_rows(OmniQuery *query, Datum value, OmniRows *rows)
{
	Snapshot	snapshot;

	snapshot = omni_core_latest_snapshot(true);
	omni_core_query_snapshot(query, &value, NULL, snapshot, rows);
	UnregisterSnapshot(snapshot);
}

/*
 * Look one row up in its table.  NULL when there is none.  The entry is valid
 * until the next look-up.
 */
static Entry *
look_up(Map *map, OmniQuery *query, Datum value)
{
	OmniRows	rows;

	query_rows(query, value, &rows);
	return rows.nrows > 0 ? keep_entry(map, &rows, 0) : NULL;
}

/* The entry of a code, or NULL. */
static inline Entry *
find_code(Map *map, const char *code)
{
	freshen_map(map);
	if (likely(map->codes != NULL))
	{
		CodeSlot   *slot = codes_lookup(map->codes, code);

		if (likely(slot != NULL))
			return slot->entry;
	}
	return look_up(map, &map->by_code, CStringGetTextDatum(code));
}

/* The entry of an id, or NULL. */
static inline Entry *
find_id(Map *map, int64 id)
{
	freshen_map(map);
	if (likely(map->ids != NULL))
	{
		IdSlot	   *slot = ids_lookup(map->ids, id);

		if (likely(slot != NULL))
			return slot->entry;
	}
	return look_up(map, &map->by_id, Int64GetDatum(id));
}

/* ---- answers ---- */

/* OM002 for a code that is NULL or that nobody has. */
static void
report_unknown_code(Map *map, const char *code)
{
	int			len;
	int			fits;

	if (code == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("%s must not be null", map->noun)));
	len = strlen(code);
	fits = pg_mbcliplen(code, len, OMNI_CODE_MAX);
	ereport(ERROR,
			(errcode(OMNI_ERR_NOT_FOUND),
			 errmsg("%s \"%.*s%s\" does not exist", map->noun, fits, code,
					fits < len ? "..." : "")));
}

/* Id of a code; OM002. */
static inline int64
id_of_code(Map *map, const char *code)
{
	Entry	   *entry = NULL;

	if (likely(code != NULL))
		entry = find_code(map, code);
	if (unlikely(entry == NULL))
		report_unknown_code(map, code);
	return entry->id;
}

/* Code of an id, palloc'd, or NULL. */
static char *
code_of_id(Map *map, int64 id)
{
	Entry	   *entry = find_id(map, id);

	return entry ? pstrdup(ENTRY_CODE(map, entry)) : NULL;
}

/* Entry of an id; OM002. */
static Entry *
require_id(Map *map, int64 id)
{
	Entry	   *entry = find_id(map, id);

	if (entry == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("%s with id " INT64_FORMAT " does not exist",
						map->table, id)));
	return entry;
}

/* Id of an item; OM002 when unknown or NULL. */
int64
omni_master_item_id(const char *sku)
{
	return id_of_code(&item_map, sku);
}

/* Id of a node; OM002 when unknown or NULL. */
int64
omni_master_node_id(const char *code)
{
	return id_of_code(&node_map, code);
}

/* Id of a channel; OM002 when unknown or NULL. */
int64
omni_master_channel_id(const char *code)
{
	return id_of_code(&channel_map, code);
}

/* Code of an item, palloc'd; NULL when unknown. */
char *
omni_master_item_sku(int64 item)
{
	return code_of_id(&item_map, item);
}

/* Code of a node, palloc'd; NULL when unknown. */
char *
omni_master_node_code(int64 node)
{
	return code_of_id(&node_map, node);
}

/* Code of a channel, palloc'd; NULL when unknown. */
char *
omni_master_channel_code(int64 channel)
{
	return code_of_id(&channel_map, channel);
}

/* What a node's row says; OM002 when unknown. */
void
omni_master_node_info(int64 node, OmniNodeInfo *info)
{
	*info = require_id(&node_map, node)->info.node;
}

/* What a channel's row says; OM002 when unknown. */
void
omni_master_channel_info(int64 channel, OmniChannelInfo *info)
{
	*info = require_id(&channel_map, channel)->info.channel;
}

/* What an item's row says; OM002 when unknown. */
void
omni_master_item_info(int64 item, OmniItemInfo *info)
{
	*info = require_id(&item_map, item)->info.item;
}

/* ---- many at once ---- */

/* Look up those skus whose id is still 0, by one statement. */
static void
look_up_missing(const char *const *skus, int n, int64 *ids, int nmissing)
{
	Datum	   *values = palloc(sizeof(Datum) * nmissing);
	codes_hash *found_codes;
	OmniRows	rows;
	bool		found;
	int			k = 0;

	for (int i = 0; i < n; i++)
	{
		if (ids[i] == 0)
			values[k++] = CStringGetTextDatum(skus[i]);
	}
	query_rows(&item_map.by_codes,
			   PointerGetDatum(construct_array(values, nmissing, TEXTOID, -1,
											   false, TYPALIGN_INT)),
			   &rows);

	/* the map may begin anew while it takes the rows in: answer from here */
	found_codes = codes_create(CurrentMemoryContext, Max(rows.nrows, 1), NULL);
	for (int r = 0; r < rows.nrows; r++)
	{
		Entry	   *entry = make_entry(&item_map, &rows, r);

		codes_insert(found_codes, ENTRY_CODE(&item_map, entry),
					 &found)->entry = entry;
		keep_entry(&item_map, &rows, r);
	}
	for (int i = 0; i < n; i++)
	{
		CodeSlot   *slot;

		if (ids[i] != 0)
			continue;
		slot = codes_lookup(found_codes, skus[i]);
		if (slot == NULL)
			report_unknown_code(&item_map, skus[i]);
		ids[i] = slot->entry->id;
	}
}

/* Ids of n skus; OM002 names the first that is unknown or NULL. */
void
omni_master_item_ids(const char *const *skus, int n, int64 *ids)
{
	int			nmissing = 0;
	int			ngiven = n;

	freshen_map(&item_map);
	for (int i = 0; i < n; i++)
	{
		CodeSlot   *slot = NULL;

		if (skus[i] == NULL)
		{
			n = i;				/* unknown ones before it come first */
			break;
		}
		if (item_map.codes != NULL)
			slot = codes_lookup(item_map.codes, skus[i]);
		ids[i] = slot ? slot->entry->id : 0;
		if (slot == NULL)
			nmissing++;
	}
	if (nmissing > 0)
	{
		MemoryContext context;
		MemoryContext old;

		context = AllocSetContextCreate(CurrentMemoryContext,
										"omni codes read",
										ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(context);
		look_up_missing(skus, n, ids, nmissing);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
	if (n < ngiven)
		report_unknown_code(&item_map, NULL);
}
