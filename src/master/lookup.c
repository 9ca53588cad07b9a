/*
 * lookup.c
 *	  The maps, as SQL functions of omni_internal, and the look-up of barcodes.
 *
 * Thin wrappers, for SQL of other domains and for tests that must see what a
 * session remembers.  They read the tables as the current user.  VOLATILE: the
 * answer is of this moment, not of the statement's snapshot.
 */
#include "omni.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "master/private.h"

PG_FUNCTION_INFO_V1(omni_master_read_item_id);
PG_FUNCTION_INFO_V1(omni_master_read_item_ids);
PG_FUNCTION_INFO_V1(omni_master_read_node_id);
PG_FUNCTION_INFO_V1(omni_master_read_channel_id);
PG_FUNCTION_INFO_V1(omni_master_read_item_sku);
PG_FUNCTION_INFO_V1(omni_master_read_node_code);
PG_FUNCTION_INFO_V1(omni_master_read_channel_code);
PG_FUNCTION_INFO_V1(omni_master_describe_channel);
PG_FUNCTION_INFO_V1(omni_master_describe_node);
PG_FUNCTION_INFO_V1(omni_master_describe_item);
PG_FUNCTION_INFO_V1(omni_master_read_nodes);
PG_FUNCTION_INFO_V1(omni_master_scan_barcode);

/* item_id(sku): OM002 when unknown or NULL. */
Datum
omni_master_read_item_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(omni_master_item_id(omni_core_optional_text(fcinfo, 0)));
}

/* node_id(code): OM002 when unknown or NULL. */
Datum
omni_master_read_node_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(omni_master_node_id(omni_core_optional_text(fcinfo, 0)));
}

/* channel_id(code): OM002 when unknown or NULL. */
Datum
omni_master_read_channel_id(PG_FUNCTION_ARGS)
{
	char	   *code = omni_core_optional_text(fcinfo, 0);

	PG_RETURN_INT64(omni_master_channel_id(code));
}

/* item_ids(skus): OM002 when one is unknown or NULL, or the array is NULL. */
Datum
omni_master_read_item_ids(PG_FUNCTION_ARGS)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	const char **skus;
	int64	   *ids;
	Datum	   *values;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "skus")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &n);
	skus = palloc(sizeof(char *) * Max(n, 1));
	ids = palloc(sizeof(int64) * Max(n, 1));
	values = palloc(sizeof(Datum) * Max(n, 1));
	for (int i = 0; i < n; i++)
		skus[i] = nulls[i] ? NULL : TextDatumGetCString(elements[i]);
	omni_master_item_ids(skus, n, ids);
	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(ids[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, INT8OID, sizeof(int64),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Text or NULL. */
static Datum
return_code(FunctionCallInfo fcinfo, char *code)
{
	if (code == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(code));
}

/* item_sku(item): NULL when unknown; OM002 for NULL. */
Datum
omni_master_read_item_sku(PG_FUNCTION_ARGS)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "item");

	return return_code(fcinfo, omni_master_item_sku(id));
}

/* node_code(node): NULL when unknown; OM002 for NULL. */
Datum
omni_master_read_node_code(PG_FUNCTION_ARGS)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "node");

	return return_code(fcinfo, omni_master_node_code(id));
}

/* channel_code(channel): NULL when unknown; OM002 for NULL. */
Datum
omni_master_read_channel_code(PG_FUNCTION_ARGS)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "channel");

	return return_code(fcinfo, omni_master_channel_code(id));
}

/* Add a key and a text to the object that is being built. */
static void
push_string(JsonbParseState **state, const char *key, const char *value)
{
	JsonbValue	jv;

	jv.type = jbvString;
	jv.val.string.val = (char *) key;
	jv.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &jv);
	jv.val.string.val = (char *) value;
	jv.val.string.len = strlen(value);
	pushJsonbValue(state, WJB_VALUE, &jv);
}

/* The same with a number. */
static void
push_number(JsonbParseState **state, const char *key, Datum numeric)
{
	JsonbValue	jv;

	jv.type = jbvString;
	jv.val.string.val = (char *) key;
	jv.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &jv);
	jv.type = jbvNumeric;
	jv.val.numeric = DatumGetNumeric(numeric);
	pushJsonbValue(state, WJB_VALUE, &jv);
}

/* The same with a truth value. */
static void
push_bool(JsonbParseState **state, const char *key, bool value)
{
	JsonbValue	jv;

	jv.type = jbvString;
	jv.val.string.val = (char *) key;
	jv.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &jv);
	jv.type = jbvBool;
	jv.val.boolean = value;
	pushJsonbValue(state, WJB_VALUE, &jv);
}

/* Close the object. */
static Datum
finish_object(JsonbParseState **state)
{
	JsonbValue *object = pushJsonbValue(state, WJB_END_OBJECT, NULL);

	return JsonbPGetDatum(JsonbValueToJsonb(object));
}

/* describe_channel(channel): OM002 when unknown or NULL. */
Datum
omni_master_describe_channel(PG_FUNCTION_ARGS)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "channel");
	JsonbParseState *state = NULL;
	OmniChannelInfo info;

	omni_master_channel_info(id, &info);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_string(&state, "kind", omni_master_channel_kinds[info.kind]);
	push_string(&state, "currency", info.currency);
	push_bool(&state, "active", info.active);
	push_bool(&state, "may_refuse", info.may_refuse);
	return finish_object(&state);
}

/* describe_node(node): OM002 when unknown or NULL. */
Datum
omni_master_describe_node(PG_FUNCTION_ARGS)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "node");
	JsonbParseState *state = NULL;
	OmniNodeInfo info;

	omni_master_node_info(id, &info);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_string(&state, "kind", omni_master_node_kinds[info.kind]);
	if (info.located)
	{
		push_number(&state, "latitude",
					DirectFunctionCall1(float8_numeric,
										Float8GetDatum(info.latitude)));
		push_number(&state, "longitude",
					DirectFunctionCall1(float8_numeric,
										Float8GetDatum(info.longitude)));
	}
	push_string(&state, "timezone", pg_get_timezone_name(info.timezone));
	push_string(&state, "country", info.country);
	push_string(&state, "region", info.region);
	push_string(&state, "postal_code", info.postal_code);
	push_number(&state, "safety",
				NumericGetDatum(int64_to_numeric(info.safety)));
	push_bool(&state, "active", info.active);
	push_bool(&state, "ships", info.ships);
	push_bool(&state, "pickup", info.pickup);
	return finish_object(&state);
}

/* describe_item(item): OM002 when unknown or NULL. */
Datum
omni_master_describe_item(PG_FUNCTION_ARGS)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "item");
	JsonbParseState *state = NULL;
	OmniItemInfo info;

	omni_master_item_info(id, &info);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_string(&state, "unit", info.unit);
	push_bool(&state, "active", info.active);
	return finish_object(&state);
}

/* active_nodes(): ids, ascending. */
Datum
omni_master_read_nodes(PG_FUNCTION_ARGS)
{
	const OmniNodeInfo *nodes;
	int			n = omni_master_nodes(&nodes);
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(nodes[i].id);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, INT8OID, sizeof(int64),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * omni.scan_barcode(code text) RETURNS (sku text, pack_quantity integer): the
 * item that a GTIN stands for, and how many units of it the pack holds.  OM002
 * when it is unknown or NULL, OM010 when the text is no GTIN.
 */
Datum
omni_master_scan_barcode(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "SELECT c.sku, c.pack_quantity FROM omni.item_code AS c"
		" WHERE c.code OPERATOR(omni.=) CAST($1 AS omni.gtin)",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	char	   *code = omni_core_required_text(fcinfo, 0, "code");
	Datum		value = CStringGetTextDatum(code);
	TupleDesc	desc;
	OmniRows	rows;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	omni_core_query(&query, &value, NULL, false, &rows);
	if (rows.nrows == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("no item has the barcode \"%s\"", code)));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  rows.values,
													  rows.isnull)));
}
