/*
 * transition.c
 *	  Triggers that hold orders and fulfilments to their states.
 *
 * They fire for everybody, the tables' owner and replicas' apply workers
 * included (ENABLE ALWAYS).  Only updates are checked: a restore inserts rows
 * in whatever state they were.  The states are rows of
 * omni_internal.order_transition and omni_internal.fulfilment_transition.
 */
#include "omni.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"

#include "orders/orders.h"

PG_FUNCTION_INFO_V1(omni_orders_check_order);
PG_FUNCTION_INFO_V1(omni_orders_check_fulfilment);
PG_FUNCTION_INFO_V1(omni_orders_check_line);

/* Is this a row update, as declared? */
static TriggerData *
require_update(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function can only be called by its own trigger")));
	return data;
}

/* Number of a column. */
static int
column_number(TriggerData *data, const char *name)
{
	TupleDesc	desc = data->tg_relation->rd_att;

	for (int c = 0; c < desc->natts; c++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, c);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return c + 1;
	}
	elog(ERROR, "column \"%s\" does not exist", name);
}

/* A column of the old and the new row; true when they differ. */
static bool
column_changed(TriggerData *data, const char *name, Datum *old_value,
			   Datum *new_value)
{
	TupleDesc	desc = data->tg_relation->rd_att;
	int			number = column_number(data, name);
	Form_pg_attribute att = TupleDescAttr(desc, number - 1);
	bool		old_null;
	bool		new_null;

	*old_value = heap_getattr(data->tg_trigtuple, number, desc, &old_null);
	*new_value = heap_getattr(data->tg_newtuple, number, desc, &new_null);
	if (old_null || new_null)
		return old_null != new_null;
	return !datumIsEqual(*old_value, *new_value, att->attbyval, att->attlen);
}

/* OM004 when one of these columns changes. */
static void
require_fixed(TriggerData *data, const char *const *names)
{
	Datum		old_value;
	Datum		new_value;

	for (; *names != NULL; names++)
	{
		if (column_changed(data, *names, &old_value, &new_value))
			ereport(ERROR,
					(errcode(OMNI_ERR_ILLEGAL_STEP),
					 errmsg("column \"%s\" of \"%s\" cannot change", *names,
							RelationGetRelationName(data->tg_relation))));
	}
}

/* id of the row, for messages */
static int64
row_id(TriggerData *data)
{
	bool		null;

	return DatumGetInt64(heap_getattr(data->tg_trigtuple,
									  column_number(data, "id"),
									  data->tg_relation->rd_att, &null));
}

/* OM004 unless the states have this step. */
static void
require_transition(OmniQuery *query, const Datum *values, const char *entity,
				   int64 id, Datum from, Datum to)
{
	OmniRows	rows;

	omni_core_query(query, values, NULL, false, &rows);
	if (rows.nrows == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("%s " INT64_FORMAT " is \"%s\" and cannot become \"%s\"",
						entity, id, TextDatumGetCString(from),
						TextDatumGetCString(to))));
}

/*
 * Trigger BEFORE UPDATE on omni.sales_order: the key stays, the status takes
 * only steps that there are.  OM004.
 */
Datum
omni_orders_check_order(PG_FUNCTION_ARGS)
{
	static const char *const fixed[] = {
		"id", "channel_id", "external_id", "currency", "decimals", NULL
	};
	static OmniQuery query = {
		.sql = "SELECT 1 FROM omni_internal.order_transition"
		" WHERE from_status = $1 AND to_status = $2",
		.nargs = 2,
		.argtypes = {TEXTOID, TEXTOID}
	};
	TriggerData *data = require_update(fcinfo);
	Datum		values[2];

	require_fixed(data, fixed);
	if (column_changed(data, "status", &values[0], &values[1]))
		require_transition(&query, values, "order", row_id(data), values[0],
						   values[1]);
	return PointerGetDatum(data->tg_newtuple);
}

/*
 * Trigger BEFORE UPDATE on omni.fulfilment: it stays what it is and where it
 * is, the status takes only steps that there are.  OM004.
 */
Datum
omni_orders_check_fulfilment(PG_FUNCTION_ARGS)
{
	static const char *const fixed[] = {
		"id", "order_id", "request", "node_id", "kind", NULL
	};
	static OmniQuery query = {
		.sql = "SELECT 1 FROM omni_internal.fulfilment_transition"
		" WHERE kind = $1 AND from_status = $2 AND to_status = $3",
		.nargs = 3,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID}
	};
	TriggerData *data = require_update(fcinfo);
	Datum		values[3];
	Datum		kind;

	require_fixed(data, fixed);
	(void) column_changed(data, "kind", &values[0], &kind);
	if (column_changed(data, "status", &values[1], &values[2]))
		require_transition(&query, values, "fulfilment", row_id(data),
						   values[1], values[2]);
	return PointerGetDatum(data->tg_newtuple);
}

/*
 * Trigger BEFORE UPDATE on omni.order_line: it stays a line of its order for
 * its item, and what has left or was cancelled does not come back.  OM004.
 */
Datum
omni_orders_check_line(PG_FUNCTION_ARGS)
{
	static const char *const fixed[] = {
		"id", "order_id", "item_id", "line", NULL
	};
	static const char *const growing[] = {
		"shipped", "collected", "cancelled", NULL
	};
	TriggerData *data = require_update(fcinfo);

	require_fixed(data, fixed);
	for (int c = 0; growing[c] != NULL; c++)
	{
		Datum		old_value;
		Datum		new_value;

		if (column_changed(data, growing[c], &old_value, &new_value) &&
			DatumGetInt32(new_value) < DatumGetInt32(old_value))
			ereport(ERROR,
					(errcode(OMNI_ERR_ILLEGAL_STEP),
					 errmsg("column \"%s\" of \"%s\" cannot become less",
							growing[c],
							RelationGetRelationName(data->tg_relation))));
	}
	return PointerGetDatum(data->tg_newtuple);
}
