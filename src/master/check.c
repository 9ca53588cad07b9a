/*
 * check.c
 *	  Validation of master data: BEFORE INSERT OR UPDATE triggers that say
 *	  what is wrong and how to put it right.
 *
 * A trigger looks at its own row alone, so a restore, which loads table by
 * table, meets the same answers as the session that wrote the row.  On UPDATE
 * only what changed is checked: a row stays changeable when the server's time
 * zones, or a later version's rules, no longer know a value that it has.
 * NULLs are left to the NOT NULL constraints (23502), rows of other tables to
 * the foreign keys (23503).  CHECK constraints repeat the rules that SQL can
 * express, for when triggers are off.
 *
 * All errors are OM007, but for a changed id, which is OM004.
 */
#include "omni.h"

#include <math.h>

#include "access/htup_details.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "master/codes_core.h"
#include "master/private.h"
#include "types/currency_core.h"

PG_FUNCTION_INFO_V1(omni_master_check_channel);
PG_FUNCTION_INFO_V1(omni_master_check_node);
PG_FUNCTION_INFO_V1(omni_master_check_item);
PG_FUNCTION_INFO_V1(omni_master_check_item_code);
PG_FUNCTION_INFO_V1(omni_master_check_stock_policy);

const char *const omni_master_node_kinds[] = {
	"store", "warehouse", "dropship", "virtual", NULL
};

const char *const omni_master_channel_kinds[] = {
	"web", "app", "pos", "marketplace", "social", "service", "dropship", NULL
};

static const char *const units[] = {
	"piece", "pair", "gram", "kilogram", "millilitre", "litre",
	"millimetre", "centimetre", "metre", "square_centimetre", "square_metre",
	NULL
};

static const char *const statuses[] = {"active", "inactive", NULL};
static const char *const node_statuses[] = {
	"active", "paused", "closed", "inactive", NULL
};

/* The row that a check looks at. */
typedef struct Row
{
	TriggerData *data;
	TupleDesc	desc;
	HeapTuple	tuple;			/* as it shall be */
	const char *noun;			/* what it is: "node" */
	const char *label;			/* for messages: node "N1" */
} Row;

/* A text that may be anything, cut to what a message can bear. */
static char *
clip(const char *text)
{
	int			len = strlen(text);
	int			fits = pg_mbcliplen(text, len, OMNI_CODE_MAX);

	if (fits == len)
		return pstrdup(text);
	return psprintf("%.*s...", fits, text);
}

/*
 * Open the row and make its label from the code column, if it has one.  The
 * id, once given, never changes: other rows keep it.
 */
static void
open_row(FunctionCallInfo fcinfo, Row *row, const char *noun,
		 const char *code_column)
{
	TriggerData *data = omni_master_trigger(fcinfo);
	char	   *code = NULL;
	int			id;

	if (!TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be a row trigger before changes")));

	row->data = data;
	row->desc = RelationGetDescr(data->tg_relation);
	row->tuple = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ?
		data->tg_newtuple : data->tg_trigtuple;
	row->noun = noun;
	id = SPI_fnumber(row->desc, "id");
	if (code_column)
		code = omni_master_column_text(row->tuple, row->desc, code_column);
	row->label = code ? psprintf("%s \"%s\"", noun, clip(code)) : noun;

	if (id > 0 && TRIGGER_FIRED_BY_UPDATE(data->tg_event) &&
		omni_master_column_changed(data, id))
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("id of %s cannot be changed", row->label),
				 errdetail("Stock, orders and events refer to the id; "
						   "everything else may change.")));
}

/*
 * Value of a column that must be checked: false when it is null, or is the
 * same as before the UPDATE.
 */
static bool
get_column(const Row *row, const char *name, Datum *value)
{
	int			attnum = omni_master_column(row->desc, name);
	bool		isnull;

	*value = heap_getattr(row->tuple, attnum, row->desc, &isnull);
	return !isnull && omni_master_column_changed(row->data, attnum);
}

/* The same for a text column, as a C string; NULL: nothing to check. */
static char *
get_text(const Row *row, const char *name)
{
	Datum		value;

	if (!get_column(row, name, &value))
		return NULL;
	return TextDatumGetCString(value);
}

/* A text that identifies something: see codes_core.c. */
static void
check_code(const Row *row, const char *name, int max)
{
	char	   *text = get_text(row, name);
	OmniCodeFault fault;

	if (text == NULL)
		return;
	fault = omni_master_code_fault(text, strlen(text), max,
								   GetDatabaseEncoding() == PG_UTF8);
	switch (fault)
	{
		case OMNI_CODE_FINE:
			break;
		case OMNI_CODE_EMPTY:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("%s of %s must not be empty", name, row->noun)));
			break;
		case OMNI_CODE_LONG:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("%s \"%s\" of %s is too long", name, clip(text),
							row->noun),
					 errdetail("It has %zu bytes; %d are allowed.",
							   strlen(text), max)));
			break;
		case OMNI_CODE_BLANK:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("%s \"%s\" of %s begins or ends with a blank",
							name, text, row->noun),
					 errhint("Use btrim() where the file that you load has "
							 "padded columns.")));
			break;
		case OMNI_CODE_CONTROL:
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("%s of %s contains a control or invisible "
							"character", name, row->noun),
					 errdetail("The text has %zu bytes.", strlen(text)),
					 errhint("Look for tabs, line ends, byte order marks and "
							 "zero-width characters in what you load.")));
			break;
	}
}

/* "a, b, c" */
static char *
join_names(const char *const *names)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; names[i]; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? ", " : "", names[i]);
	return buf.data;
}

/* One of a list of words. */
static void
check_word(const Row *row, const char *name, const char *const *words)
{
	char	   *text = get_text(row, name);

	if (text == NULL)
		return;
	for (int i = 0; words[i]; i++)
	{
		if (strcmp(text, words[i]) == 0)
			return;
	}
	ereport(ERROR,
			(errcode(OMNI_ERR_INVALID_ARGUMENT),
			 errmsg("invalid %s \"%s\" of %s", name, clip(text), row->label),
			 errhint("Use one of: %s.", join_names(words))));
}

/* ISO 3166-1 alpha-2, in capitals. */
static void
check_country(const Row *row)
{
	char	   *text = get_text(row, "country");

	if (text == NULL || omni_master_country_valid(text))
		return;
	ereport(ERROR,
			(errcode(OMNI_ERR_INVALID_ARGUMENT),
			 errmsg("invalid country \"%s\" of %s", clip(text), row->label),
			 errdetail("A country is a code of ISO 3166-1 alpha-2."),
			 pg_strcasecmp(text, "UK") == 0 ?
			 errhint("The United Kingdom's code is GB.") :
			 errhint("Write two capital letters, such as US or DE.")));
}

/* ISO 4217, in capitals, of a currency that has a minor unit. */
static void
check_currency(const Row *row)
{
	char	   *text = get_text(row, "currency");

	if (text == NULL || omni_types_currency_exponent(text, strlen(text)) >= 0)
		return;
	ereport(ERROR,
			(errcode(OMNI_ERR_INVALID_ARGUMENT),
			 errmsg("invalid currency \"%s\" of %s", clip(text), row->label),
			 errdetail("A currency is a code of ISO 4217 for money that "
					   "people pay with."),
			 errhint("Write three capital letters, such as USD or EUR.")));
}

/*
 * A zone that the server knows by name.  pg_timezone_names reads every file of
 * the database; pg_tzset() reads one, once.
 */
static void
check_timezone(const Row *row)
{
	char	   *text = get_text(row, "timezone");
	pg_tz	   *zone = NULL;

	if (text == NULL)
		return;
	if (omni_master_timezone_form(text))
		zone = pg_tzset(text);
	if (zone != NULL && pg_tz_acceptable(zone))
		return;
	ereport(ERROR,
			(errcode(OMNI_ERR_INVALID_ARGUMENT),
			 errmsg("invalid timezone \"%s\" of %s", clip(text), row->label),
			 errdetail("The server's time zone database does not have it."),
			 errhint("Use a name such as America/Chicago; SELECT name FROM "
					 "pg_timezone_names lists them.")));
}

/* Degrees within ±limit; both coordinates or neither. */
static void
check_coordinates(const Row *row)
{
	static const char *const names[] = {"latitude", "longitude"};
	static const double limits[] = {90.0, 180.0};
	bool		isnull[2];

	for (int i = 0; i < 2; i++)
	{
		int			attnum = omni_master_column(row->desc, names[i]);
		double		degrees;

		degrees = DatumGetFloat8(heap_getattr(row->tuple, attnum, row->desc,
											  &isnull[i]));
		if (isnull[i])
			continue;
		if (isnan(degrees) || fabs(degrees) > limits[i])
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("%s %g of %s is out of range", names[i], degrees,
							row->label),
					 errdetail("It must lie between %g and %g degrees.",
							   -limits[i], limits[i]),
					 i == 0 && fabs(degrees) <= 180.0 ?
					 errhint("Latitude comes first; were the two swapped?") :
					 0));
	}
	if (isnull[0] != isnull[1])
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("%s has a %s but no %s", row->label,
						names[isnull[0] ? 1 : 0], names[isnull[0] ? 0 : 1]),
				 errhint("Give both, or leave both NULL.")));
}

/* An integer of at least "least". */
static void
check_at_least(const Row *row, const char *name, int32 least)
{
	Datum		value;

	if (get_column(row, name, &value) && DatumGetInt32(value) < least)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("%s %d of %s is out of range", name,
						DatumGetInt32(value), row->label),
				 errdetail("It must be at least %d.", least)));
}

/*
 * Trigger on omni.channel: code, kind, currency, status.  OM007, or OM004 for
 * a changed id.
 */
Datum
omni_master_check_channel(PG_FUNCTION_ARGS)
{
	Row			row;

	open_row(fcinfo, &row, "channel", "code");
	check_code(&row, "code", OMNI_CODE_MAX);
	check_word(&row, "kind", omni_master_channel_kinds);
	check_currency(&row);
	check_word(&row, "status", statuses);
	return PointerGetDatum(row.tuple);
}

/*
 * Where a node's row leaves "pickup" open, its kind decides: customers collect
 * in stores.
 */
static HeapTuple
fill_pickup(const Row *row)
{
	int			attnum = omni_master_column(row->desc, "pickup");
	bool		isnull;
	char	   *kind;
	Datum		value;

	if (TRIGGER_FIRED_BY_UPDATE(row->data->tg_event))
		return row->tuple;
	(void) heap_getattr(row->tuple, attnum, row->desc, &isnull);
	kind = omni_master_column_text(row->tuple, row->desc, "kind");
	if (!isnull || kind == NULL)
		return row->tuple;
	value = BoolGetDatum(strcmp(kind, "store") == 0);
	isnull = false;
	return heap_modify_tuple_by_cols(row->tuple, row->desc, 1, &attnum,
									 &value, &isnull);
}

/*
 * Trigger on omni.node: code, kind, coordinates, country, region, postal code,
 * timezone, status, safety; gives "pickup" its default.  OM007, or OM004 for
 * a changed id.
 */
Datum
omni_master_check_node(PG_FUNCTION_ARGS)
{
	Row			row;

	open_row(fcinfo, &row, "node", "code");
	check_code(&row, "code", OMNI_CODE_MAX);
	check_word(&row, "kind", omni_master_node_kinds);
	check_coordinates(&row);
	check_country(&row);
	check_code(&row, "region", OMNI_REGION_MAX);
	check_code(&row, "postal_code", OMNI_POSTAL_CODE_MAX);
	check_timezone(&row);
	check_word(&row, "status", node_statuses);
	check_at_least(&row, "safety", 0);
	return PointerGetDatum(fill_pickup(&row));
}

/*
 * Trigger on omni.item: sku, unit, status, category, weight.  OM007, or OM004
 * for a changed id.
 */
Datum
omni_master_check_item(PG_FUNCTION_ARGS)
{
	Row			row;

	open_row(fcinfo, &row, "item", "sku");
	check_code(&row, "sku", OMNI_CODE_MAX);
	check_word(&row, "unit", units);
	check_word(&row, "status", statuses);
	check_code(&row, "category", OMNI_CATEGORY_MAX);
	check_at_least(&row, "weight_g", 0);
	return PointerGetDatum(row.tuple);
}

/* Trigger on omni.item_code: pack_quantity.  OM007. */
Datum
omni_master_check_item_code(PG_FUNCTION_ARGS)
{
	Row			row;

	open_row(fcinfo, &row, "item code", "code");
	check_at_least(&row, "pack_quantity", 1);
	return PointerGetDatum(row.tuple);
}

/* Trigger on omni.stock_policy: safety.  OM007. */
Datum
omni_master_check_stock_policy(PG_FUNCTION_ARGS)
{
	Row			row;

	open_row(fcinfo, &row, "stock policy", NULL);
	check_at_least(&row, "safety", 0);
	return PointerGetDatum(row.tuple);
}
