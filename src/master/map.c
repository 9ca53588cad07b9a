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

#include "access/genam.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "master/private.h"

#define OMNI_MAP_MAX 131072
#define OMNI_MAP_MAX_COLUMNS 16

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
	const char *columns;		/* what read_info reads: "m.id, m.code, ..." */
	const char *code_index;
	const char *id_index;

	Oid			relid;			/* whose messages count; InvalidOid: ask */
	int			natts;			/* of columns, and their numbers */
	AttrNumber	atts[OMNI_MAP_MAX_COLUMNS];
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

static Map channel_map = {
	.table = "channel",
	.noun = "channel",
	.info_size = sizeof(OmniChannelInfo),
	.read_info = read_channel,
	.columns = "m.id, m.code, m.kind, m.currency, m.may_refuse, m.status,"
	" m.priority",
	.code_index = "channel_code_key",
	.id_index = "channel_pkey"
};

static Map node_map = {
	.table = "node",
	.noun = "node",
	.info_size = sizeof(OmniNodeInfo),
	.read_info = read_node,
	.columns = OMNI_NODE_COLUMNS,
	.code_index = "node_code_key",
	.id_index = "node_pkey"
};

static Map item_map = {
	.table = "item",
	.noun = "sku",
	.info_size = sizeof(OmniItemInfo),
	.read_info = read_item,
	.columns = "m.id, m.sku, m.unit, m.status, m.category, m.weight_g,"
		" m.splittable, m.unfilled_cost",
	.code_index = "item_sku_key",
	.id_index = "item_pkey"
};

static Map *const maps[] = {&channel_map, &node_map, &item_map};

static bool callback_registered = false;
static void (*watcher) (Oid relid) = NULL;

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

/* id, code, kind, currency, may_refuse, status, priority */
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
	info->priority = DatumGetInt32(OMNI_VALUE(rows, r, 6));
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
	if (watcher)
		watcher(relid);
	for (int i = 0; i < lengthof(maps); i++)
	{
		if (relid == InvalidOid || relid == maps[i]->relid)
		{
			maps[i]->generation++;
			maps[i]->relid = InvalidOid;
		}
	}
}

/* Hear of changed relations from now on. */
static void
register_callback(void)
{
	if (callback_registered)
		return;
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	callback_registered = true;
}

/* Have one other domain hear of them, too; see master.h. */
void
omni_master_watch_relations(void (*callback) (Oid relid))
{
	Assert(watcher == NULL || watcher == callback);
	register_callback();
	watcher = callback;
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

/* Find the numbers of the columns that a map reads; the first is id. */
static void
resolve_columns(Map *map, Oid relid)
{
	const char *name = map->columns;

	map->natts = 0;
	while (*name)
	{
		int			len = strcspn(name, ",");
		char		column[NAMEDATALEN];

		/* without the alias */
		strlcpy(column, name + 2, Min(len - 1, (int) sizeof(column)));
		Assert(map->natts < OMNI_MAP_MAX_COLUMNS);
		map->atts[map->natts] = get_attnum(relid, column);
		if (map->atts[map->natts] == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(OMNI_ERR_VERSION_MISMATCH),
					 errmsg("table \"omni.%s\" does not have the column \"%s\" that this library reads",
							map->table, column),
					 errhint("Restore its columns, or run: ALTER EXTENSION omni UPDATE;")));
		map->natts++;
		name += len;
		name += strspn(name, ", ");
	}
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
		register_callback();
		map->relid = omni_core_relation_oid(OMNI_SCHEMA, map->table);
		map->natts = 0;
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

/* An entry with its code, and nothing else yet. */
static Entry *
make_entry(Map *map, int64 id, const char *code, Size len)
{
	Entry	   *entry;

	make_room(map);
	entry = MemoryContextAllocZero(map->context, offsetof(Entry, info) +
								   map->info_size + len + 1);
	entry->id = id;
	memcpy(ENTRY_CODE(map, entry), code, len);
	return entry;
}

/* Put an entry into the map that make_entry() made last. */
static void
place_entry(Map *map, Entry *entry)
{
	CodeSlot   *code_slot;
	IdSlot	   *id_slot;
	bool		found;

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
}

/* Put a row into the map. */
static Entry *
keep_row(Map *map, const OmniRows *row)
{
	text	   *code = DatumGetTextPP(OMNI_VALUE(row, 0, 1));
	Entry	   *entry;

	entry = make_entry(map, DatumGetInt64(OMNI_VALUE(row, 0, 0)),
					   VARDATA_ANY(code), VARSIZE_ANY_EXHDR(code));
	map->read_info(row, 0, entry);
	place_entry(map, entry);
	return entry;
}

/* What a look-up opens; several may follow each other. */
typedef struct Reader
{
	Map		   *map;
	Snapshot	snapshot;
	Relation	relation;
	Oid			index;
	ScanKeyData key;
	OmniRows	row;			/* the last row found */
	Datum		values[OMNI_MAP_MAX_COLUMNS];
	bool		isnull[OMNI_MAP_MAX_COLUMNS];
	HeapTuple	tuple;			/* what they point into */
} Reader;

/*
 * Begin to look rows up by code or by id, under a snapshot of this moment.
 *
 * Straight through the unique index: a statement costs more than ten times as
 * much, and at each session's first touch of an item that was an eighth of all
 * that a server did (see doc/architecture.md).
 */
static void
begin_reading(Reader *reader, Map *map, bool by_code)
{
	AttrNumber	att;

	reader->map = map;
	reader->relation = OidIsValid(map->relid) ?
		try_table_open(map->relid, AccessShareLock) : NULL;
	reader->index = omni_core_relation_oid(OMNI_SCHEMA, by_code ?
										   map->code_index : map->id_index);
	if (reader->relation == NULL || !OidIsValid(reader->index))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("extension \"omni\" is not installed in this database, or without its index on \"%s\"",
						map->table),
				 errhint("Run: CREATE EXTENSION omni;")));
	if (map->natts == 0)
		resolve_columns(map, RelationGetRelid(reader->relation));
	att = map->atts[by_code ? 1 : 0];
	ScanKeyEntryInitialize(&reader->key, 0, att, BTEqualStrategyNumber,
						   InvalidOid,
						   TupleDescAttr(RelationGetDescr(reader->relation),
										 att - 1)->attcollation,
						   by_code ? F_TEXTEQ : F_INT8EQ, (Datum) 0);
	reader->row.natts = map->natts;
	reader->row.values = reader->values;
	reader->row.isnull = reader->isnull;
	reader->snapshot = omni_core_latest_snapshot(true);
}

/* The row with this code or id; false when there is none. */
static bool
read_row(Reader *reader, Datum value)
{
	SysScanDesc scan;
	HeapTuple	tuple;

	reader->key.sk_argument = value;
	scan = systable_beginscan(reader->relation, reader->index, true,
							  reader->snapshot, 1, &reader->key);
	tuple = systable_getnext(scan);
	reader->row.nrows = HeapTupleIsValid(tuple) ? 1 : 0;
	if (HeapTupleIsValid(tuple))
	{
		reader->tuple = heap_copytuple(tuple);
		for (int i = 0; i < reader->map->natts; i++)
			reader->values[i] =
				heap_getattr(reader->tuple, reader->map->atts[i],
							 RelationGetDescr(reader->relation),
							 &reader->isnull[i]);
	}
	systable_endscan(scan);
	return reader->row.nrows > 0;
}

/* Close what begin_reading() opened. */
static void
end_reading(Reader *reader)
{
	UnregisterSnapshot(reader->snapshot);
	table_close(reader->relation, AccessShareLock);
}

/*
 * Look one row up in its table.  NULL when there is none.  The entry is valid
 * until the next look-up.
 */
static Entry *
look_up(Map *map, bool by_code, Datum value)
{
	Reader		reader;
	Entry	   *entry = NULL;

	begin_reading(&reader, map, by_code);
	if (read_row(&reader, value))
	{
		entry = keep_row(map, &reader.row);
		heap_freetuple(reader.tuple);
	}
	end_reading(&reader);
	return entry;
}

/* An item as another session has met it, or NULL. */
static Entry *
find_shared(uint64 generation, const char *sku)
{
	OmniItemInfo info;
	Entry	   *entry;

	if (!omni_master_shared_find(generation, item_map.relid, sku, &info))
		return NULL;
	entry = make_entry(&item_map, info.id, sku, strlen(sku));
	entry->info.item = info;
	place_entry(&item_map, entry);
	return entry;
}

/* Look a code up that is not in the map.  The same rules. */
static Entry *
look_up_code(Map *map, const char *code)
{
	Datum		value = CStringGetTextDatum(code);
	uint64		generation;
	Oid			relid = map->relid;
	Entry	   *entry;

	if (map != &item_map)
		return look_up(map, true, value);
	generation = omni_master_shared_generation();
	entry = find_shared(generation, code);
	if (entry == NULL)
	{
		entry = look_up(map, true, value);
		if (entry != NULL)
			omni_master_shared_store(generation, relid, code,
									 &entry->info.item);
	}
	return entry;
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
	return look_up_code(map, code);
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
	return look_up(map, false, Int64GetDatum(id));
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

/* Look up those skus whose id is still 0. */
static void
look_up_missing(const char *const *skus, int n, int64 *ids)
{
	for (int i = 0; i < n; i++)
	{
		Entry	   *entry;

		if (ids[i] != 0)
			continue;
		entry = find_code(&item_map, skus[i]);
		if (entry == NULL)
			report_unknown_code(&item_map, skus[i]);
		ids[i] = entry->id;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Ids of n skus; OM002 names the first that is unknown or NULL. */
void
omni_master_item_ids(const char *const *skus, int n, int64 *ids)
{
	bool		missing = false;
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
			missing = true;
	}
	if (missing)
	{
		MemoryContext context;
		MemoryContext old;

		context = AllocSetContextCreate(CurrentMemoryContext,
										"omni codes read",
										ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(context);
		look_up_missing(skus, n, ids);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
	if (n < ngiven)
		report_unknown_code(&item_map, NULL);
}
