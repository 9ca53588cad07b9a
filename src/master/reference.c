/*
 * reference.c
 *	  What keeps a channel, node or item from being deleted.
 *
 * The ledger has no foreign keys: their locks on the parent row would cost a
 * third of its throughput.  So the parent asks.  Domains to the right register
 * a check; a BEFORE DELETE trigger calls them all, and refuses with OM004.
 *
 * A check sees what has committed, and its own transaction's rows.  A row that
 * another transaction has written and not yet committed escapes it; that is
 * why the way out is a status, and DELETE is for rows made by mistake.
 *
 * TRUNCATE is always refused: it would leave no event behind.
 */
#include "omni.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "master/private.h"

#define MAX_CHECKS 16

PG_FUNCTION_INFO_V1(omni_master_refuse_delete);
PG_FUNCTION_INFO_V1(omni_master_refuse_truncate);

static OmniReferenceCheck checks[MAX_CHECKS];
static int	nchecks = 0;

/* Add a check; from a domain's init function. */
void
omni_master_register_reference_check(OmniReferenceCheck check)
{
	if (nchecks >= MAX_CHECKS)
		elog(ERROR, "too many reference checks in omni");
	checks[nchecks++] = check;
}

/* Which of the three is this table?  An error for any other. */
static OmniMasterKind
kind_of_table(const char *table)
{
	if (strcmp(table, "channel") == 0)
		return OMNI_MASTER_CHANNEL;
	if (strcmp(table, "node") == 0)
		return OMNI_MASTER_NODE;
	if (strcmp(table, "item") == 0)
		return OMNI_MASTER_ITEM;
	elog(ERROR, "no master data in table \"%s\"", table);
}

/*
 * Trigger before DELETE of a row of omni.channel, omni.node or omni.item:
 * OM004 when something refers to it.
 */
Datum
omni_master_refuse_delete(PG_FUNCTION_ARGS)
{
	TriggerData *data = omni_master_trigger(fcinfo);
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	const char *table = RelationGetRelationName(data->tg_relation);
	OmniMasterKind kind = kind_of_table(table);
	const char *column = kind == OMNI_MASTER_ITEM ? "sku" : "code";
	bool		isnull;
	int64		id;

	id = DatumGetInt64(heap_getattr(data->tg_trigtuple,
									omni_master_column(desc, "id"), desc,
									&isnull));
	for (int i = 0; i < nchecks; i++)
	{
		const char *referrer = checks[i] (kind, id);
		char	   *code;

		if (referrer == NULL)
			continue;
		code = omni_master_column_text(data->tg_trigtuple, desc, column);
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("%s \"%s\" cannot be deleted", table, code),
				 errdetail("%c%s refers to it.",
						   pg_toupper((unsigned char) referrer[0]),
						   referrer + 1),
				 errhint("Run: UPDATE omni.%s SET status = 'inactive' "
						 "WHERE %s = %s;", table, column,
						 quote_literal_cstr(code))));
	}
	return PointerGetDatum(data->tg_trigtuple);
}

/*
 * Trigger before TRUNCATE of a table of master data: OM004, always.
 */
Datum
omni_master_refuse_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *data = omni_master_trigger(fcinfo);
	const char *table = RelationGetRelationName(data->tg_relation);

	ereport(ERROR,
			(errcode(OMNI_ERR_ILLEGAL_STEP),
			 errmsg("table \"omni.%s\" cannot be truncated", table),
			 errdetail("Each row that goes leaves an event behind, and rows "
					   "that are in use stay."),
			 errhint("Run: DELETE FROM omni.%s;", table)));
}
