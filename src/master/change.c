/*
 * change.c
 *	  What follows from a change of master data: events, and word to every
 *	  session and to the stock engine.
 *
 * One AFTER trigger per table, for each row, ENABLE ALWAYS: rows that arrive
 * by logical replication are changes, too, and the apply worker fires no
 * statement triggers, TRUNCATE apart.  An UPDATE that changes nothing is no
 * change.
 *
 * - Maps (map.c) are told by relcache invalidation of the table, sent at
 *	 commit, and to this session at the end of the command.  It costs every
 *	 session a look at its plans over that table, so it is sent for the columns
 *	 that the maps hold only, and not for new items and channels.  What all
 *	 sessions share of them (shared.c) ends with it.
 * - The stock engine is told by policy.c's count.
 * - The event goes into the feed's table, which is dumped, so only where the
 *	 database's stamp is its own: during a restore the trigger is silent, and
 *	 so it is in a fresh database before its first write or omni.adopt().  It
 *	 is written after the row was locked by the change itself, which is what
 *	 keeps the events of an entity in order.
 *
 * Payloads name the row (id, codes) and the columns that changed, not their
 * values: the row has them.
 */
#include "omni.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "master/private.h"

PG_FUNCTION_INFO_V1(omni_master_record_change);
PG_FUNCTION_INFO_V1(omni_master_record_truncate);

/* Columns of which a change matters; NULL at the end, or NULL: any. */
typedef const char *const *Columns;

typedef struct Table
{
	const char *name;			/* of the table and of the entity */
	const char *created;		/* kinds of events */
	const char *updated;
	const char *deleted;
	const char *code;			/* column that names the row, or NULL */
	bool		mapped;			/* sessions keep what it says */
	bool		tell_inserts;	/* … and must hear of new rows */
	Columns		told;			/* columns that they keep */
	bool		policy;			/* the stock engine keeps what it says */
	Columns		policies;		/* columns that it keeps */
} Table;

#define EVENTS(entity) \
	.name = entity, \
	.created = entity ".created", \
	.updated = entity ".updated", \
	.deleted = entity ".deleted"

static const char *const item_told[] = {
	"sku", "unit", "status", "category", "weight_g", "splittable",
	"unfilled_cost", NULL
};
/* the kind: limits of capacity hang on it */
static const char *const node_policies[] = {"status", "safety", "kind", NULL};

static const Table tables[] = {
	{EVENTS("channel"), .code = "code", .mapped = true},
	{EVENTS("node"), .code = "code", .mapped = true, .tell_inserts = true,
	.policy = true, .policies = node_policies},
	{EVENTS("item"), .code = "sku", .mapped = true, .told = item_told},
	{EVENTS("item_code"), .code = "code"},
	{EVENTS("stock_policy"), .policy = true},
};

/* What the trigger needs of one call. */
typedef struct Change
{
	TriggerData *data;
	TupleDesc	desc;
	const Table *table;
	HeapTuple	tuple;			/* the row as it is, or was */
	bool	   *changed;		/* by column, from 0 */
} Change;

/* The table of this trigger. */
static const Table *
find_table(Relation rel)
{
	for (int i = 0; i < lengthof(tables); i++)
	{
		if (strcmp(tables[i].name, RelationGetRelationName(rel)) == 0)
			return &tables[i];
	}
	elog(ERROR, "no master data in table \"%s\"",
		 RelationGetRelationName(rel));
}

/* Which columns differ?  False when none does. */
static bool
compare_columns(Change *change)
{
	bool		any = false;

	change->changed = palloc0(sizeof(bool) * change->desc->natts);
	for (int i = 0; i < change->desc->natts; i++)
	{
		change->changed[i] = omni_master_column_changed(change->data, i + 1);
		any = any || change->changed[i];
	}
	return any;
}

/* Is one of these columns among those that changed?  NULL: any is. */
static bool
touches(const Change *change, Columns columns)
{
	if (columns == NULL)
		return true;
	for (int i = 0; columns[i]; i++)
	{
		if (change->changed[omni_master_column(change->desc,
											   columns[i]) - 1])
			return true;
	}
	return false;
}

/* Tell the sessions and the stock engine. */
static void
tell_others(const Change *change)
{
	const Table *table = change->table;
	TriggerEvent event = change->data->tg_event;
	bool		tell = table->mapped;
	bool		policy = table->policy;

	if (TRIGGER_FIRED_BY_INSERT(event))
		tell = tell && table->tell_inserts;
	else if (TRIGGER_FIRED_BY_UPDATE(event))
	{
		tell = tell && touches(change, table->told);
		policy = policy && touches(change, table->policies);
	}
	if (tell)
	{
		CacheInvalidateRelcache(change->data->tg_relation);
		omni_master_shared_changed();
	}
	if (policy)
		omni_master_policy_changed();
}

/* ---- events ---- */

/* Add a key to the object that is being built. */
static void
push_key(JsonbParseState **state, const char *key)
{
	JsonbValue	jv;

	jv.type = jbvString;
	jv.val.string.val = (char *) key;
	jv.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &jv);
}

/* Add a text, or null, as the value of a key or an element of an array. */
static void
push_text(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue	jv;

	if (text == NULL)
		jv.type = jbvNull;
	else
	{
		jv.type = jbvString;
		jv.val.string.val = (char *) text;
		jv.val.string.len = strlen(text);
	}
	pushJsonbValue(state, token, &jv);
}

/* Add an id under a key. */
static void
push_id(JsonbParseState **state, const char *key, int64 id)
{
	JsonbValue	jv;

	push_key(state, key);
	jv.type = jbvNumeric;
	jv.val.numeric = int64_to_numeric(id);
	pushJsonbValue(state, WJB_VALUE, &jv);
}

/* A bigint column that is never null. */
static int64
get_id(const Change *change, const char *name)
{
	bool		isnull;

	return DatumGetInt64(heap_getattr(change->tuple,
									  omni_master_column(change->desc, name),
									  change->desc, &isnull));
}

/* The codes that name the row. */
static void
push_names(JsonbParseState **state, const Change *change)
{
	const Table *table = change->table;
	TupleDesc	desc = change->desc;

	if (table->code)
	{
		push_key(state, table->code);
		push_text(state, WJB_VALUE,
				  omni_master_column_text(change->tuple, desc, table->code));
		if (TRIGGER_FIRED_BY_UPDATE(change->data->tg_event) &&
			change->changed[omni_master_column(desc, table->code) - 1])
		{
			push_key(state, psprintf("old_%s", table->code));
			push_text(state, WJB_VALUE,
					  omni_master_column_text(change->data->tg_trigtuple,
											  desc, table->code));
		}
	}
	if (strcmp(table->name, "item_code") == 0)
	{
		push_key(state, "sku");
		push_text(state, WJB_VALUE,
				  omni_master_column_text(change->tuple, desc, "sku"));
	}
	if (strcmp(table->name, "stock_policy") == 0)
	{
		int64		item = get_id(change, "item");
		int64		node = get_id(change, "node");

		/* one of them may be what is being deleted, and nameless by now */
		push_id(state, "item_id", item);
		push_id(state, "node_id", node);
		push_key(state, "sku");
		push_text(state, WJB_VALUE, omni_master_item_sku(item));
		push_key(state, "node");
		push_text(state, WJB_VALUE, omni_master_node_code(node));
	}
}

/* {"sku": …, "changed": ["name", …]} */
static Jsonb *
make_payload(const Change *change)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_names(&state, change);
	if (TRIGGER_FIRED_BY_UPDATE(change->data->tg_event))
	{
		push_key(&state, "changed");
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		for (int i = 0; i < change->desc->natts; i++)
		{
			if (change->changed[i])
				push_text(&state, WJB_ELEM,
						  NameStr(TupleDescAttr(change->desc, i)->attname));
		}
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* The entity's id: an item code is its own number. */
static int64
entity_id(const Change *change)
{
	char	   *code;

	if (SPI_fnumber(change->desc, "id") > 0)
		return get_id(change, "id");
	code = omni_master_column_text(change->tuple, change->desc, "code");
	return DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(code)));
}

/* Write the event. */
static void
write_event(const Change *change)
{
	TriggerEvent event = change->data->tg_event;
	const char *kind;

	if (TRIGGER_FIRED_BY_INSERT(event))
		kind = change->table->created;
	else if (TRIGGER_FIRED_BY_DELETE(event))
		kind = change->table->deleted;
	else
		kind = change->table->updated;
	(void) omni_core_gate();
	(void) omni_core_write_event(kind, change->table->name, entity_id(change),
								 make_payload(change));
}

/*
 * Is the database adopted?  "No" costs a query, so it is remembered for the
 * rest of the statement: the function's info lives as long.
 */
static bool
is_adopted(FmgrInfo *flinfo)
{
	static char no;

	if (flinfo->fn_extra == &no)
		return false;
	if (omni_core_is_adopted())
		return true;
	flinfo->fn_extra = &no;
	return false;
}

/*
 * Trigger after INSERT, UPDATE or DELETE of a row of master data.  Errors are
 * those of writing an event.
 */
Datum
omni_master_record_change(PG_FUNCTION_ARGS)
{
	TriggerData *data = omni_master_trigger(fcinfo);
	Change		change;

	if (!TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be a row trigger after changes")));

	change.data = data;
	change.desc = RelationGetDescr(data->tg_relation);
	change.table = find_table(data->tg_relation);
	change.tuple = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ?
		data->tg_newtuple : data->tg_trigtuple;
	change.changed = NULL;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) && !compare_columns(&change))
		return PointerGetDatum(NULL);

	tell_others(&change);
	if (is_adopted(fcinfo->flinfo))
		write_event(&change);
	return PointerGetDatum(NULL);
}

/*
 * Trigger after TRUNCATE, for where refusing it was switched off: the maps and
 * the stock engine must hear of it all the same.
 */
Datum
omni_master_record_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *data = omni_master_trigger(fcinfo);
	const Table *table = find_table(data->tg_relation);

	if (table->mapped)
	{
		CacheInvalidateRelcache(data->tg_relation);
		omni_master_shared_changed();
	}
	if (table->policy)
		omni_master_policy_changed();
	return PointerGetDatum(NULL);
}
