/*
 * trigger.c
 *	  What the triggers on master data share: reading a row by column names.
 *
 * Columns are found by name, so that a later version may add or move some.
 */
#include "omni.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "utils/datum.h"
#include "utils/rel.h"

#include "master/private.h"

/* The trigger call; an error when it was called in any other way. */
TriggerData *
omni_master_trigger(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function can only be called as a trigger")));
	return (TriggerData *) fcinfo->context;
}

/* Number of a column that the install script made. */
int
omni_master_column(TupleDesc desc, const char *name)
{
	int			attnum = SPI_fnumber(desc, name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" does not exist", name)));
	return attnum;
}

/* Is the column another one in the new row?  True in an INSERT. */
bool
omni_master_column_changed(const TriggerData *data, int attnum)
{
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	Form_pg_attribute att = TupleDescAttr(desc, attnum - 1);
	Datum		old_value;
	Datum		new_value;
	bool		old_null;
	bool		new_null;

	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		return true;
	if (att->attisdropped)
		return false;
	old_value = heap_getattr(data->tg_trigtuple, attnum, desc, &old_null);
	new_value = heap_getattr(data->tg_newtuple, attnum, desc, &new_null);
	if (old_null || new_null)
		return old_null != new_null;
	return !datum_image_eq(old_value, new_value, att->attbyval, att->attlen);
}

/* A column as text, NULL when it is null. */
char *
omni_master_column_text(HeapTuple tuple, TupleDesc desc, const char *name)
{
	return SPI_getvalue(tuple, desc, omni_master_column(desc, name));
}
