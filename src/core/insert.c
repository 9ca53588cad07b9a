/*
 * insert.c
 *	  Rows into omni's own tables by the executor's insertion, without a
 *	  statement.
 *
 * Where one call writes a dozen small rows, as an order does, statements cost
 * several times what the rows and their indexes cost: plan revalidation, range
 * tables, projections, functions that turn arrays into rows, snapshots.  Here a
 * table is opened once and its rows follow.  Rules:
 *
 * - Indexes, constraints, row triggers, foreign keys and logical decoding work
 *	 as for any row.  Statement triggers do not fire, so those on omni's tables
 *	 see other people's statements only.
 * - There is no permission check and no row policy: the caller's rights were
 *	 checked before, in C, as for every statement (spi.c).
 * - Columns are named, and looked up by name each time; one that is not named
 *	 becomes null, whatever its default is, so all that have one are named.
 *	 OM016 where the table does not have them.
 * - What a row's insertion needs beyond the row is freed with the next one.
 */
#include "omni.h"

#include "access/table.h"
#include "access/xact.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "core/core.h"
#include "core/private.h"

/* OM016: the table is not as the install script made it. */
static void
raise_columns(const OmniTable *table)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_VERSION_MISMATCH),
			 errmsg("table \"%s.%s\" does not have the columns that this library writes",
					table->schema, table->name),
			 errhint("Restore its columns, or run: ALTER EXTENSION omni UPDATE;")));
}

/* Number of a column, searched for from "from" on, where it mostly is. */
static AttrNumber
find_column(TupleDesc desc, const char *name, int len, int from)
{
	for (int i = 0; i < desc->natts; i++)
	{
		int			att = (from + i) % desc->natts;
		Form_pg_attribute column = TupleDescAttr(desc, att);

		if (!column->attisdropped &&
			strncmp(NameStr(column->attname), name, len) == 0 &&
			NameStr(column->attname)[len] == '\0')
			return att + 1;
	}
	return InvalidAttrNumber;
}

/* Where the named columns are in the table. */
static void
find_columns(OmniInsertion *insertion)
{
	TupleDesc	desc = RelationGetDescr(insertion->relation);
	const char *name = insertion->table->columns;
	int			from = 0;

	insertion->natts = 0;
	while (*name)
	{
		int			len = strcspn(name, ",");
		AttrNumber	att = find_column(desc, name, len, from);

		if (att == InvalidAttrNumber || insertion->natts >= OMNI_INSERT_MAX)
			raise_columns(insertion->table);
		insertion->atts[insertion->natts++] = att;
		from = att;
		name += len;
		name += strspn(name, ", ");
	}
}

/*
 * Open a table for rows.  The caller has passed the gate.  OM011 where the
 * extension has just been dropped.
 */
void
omni_core_insert_begin(OmniInsertion *insertion, const OmniTable *table)
{
	Oid			relid = omni_core_relation_oid(table->schema, table->name);
	MemoryContext old;
	ResultRelInfo *target;

	insertion->table = table;
	insertion->nput = 0;
	insertion->relation = OidIsValid(relid) ?
		try_table_open(relid, RowExclusiveLock) : NULL;
	if (insertion->relation == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("extension \"omni\" is not installed in this database"),
				 errhint("Run: CREATE EXTENSION omni;")));
	find_columns(insertion);

	insertion->estate = CreateExecutorState();
	old = MemoryContextSwitchTo(insertion->estate->es_query_cxt);
	target = makeNode(ResultRelInfo);
	InitResultRelInfo(target, insertion->relation, 0, NULL, 0);
	ExecOpenIndices(target, false);
	omni_core_prepare_checks(target);
	insertion->target = target;
	/* triggers look here before they open the table once more */
	insertion->estate->es_opened_result_relations = list_make1(target);
	insertion->slot =
		MakeSingleTupleTableSlot(RelationGetDescr(insertion->relation),
								 &TTSOpsVirtual);
	insertion->triggers = target->ri_TrigDesc &&
		target->ri_TrigDesc->trig_insert_after_row;
	if (insertion->triggers)
		AfterTriggerBeginQuery();
	MemoryContextSwitchTo(old);
}

/* Insert one row: a value for each named column. */
void
omni_core_insert_row(OmniInsertion *insertion, const Datum *values,
					 const bool *isnull)
{
	EState	   *estate = insertion->estate;
	TupleTableSlot *slot = insertion->slot;
	MemoryContext old;

	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	ExecStoreAllNullTuple(slot);
	for (int i = 0; i < insertion->natts; i++)
	{
		slot->tts_values[insertion->atts[i] - 1] = values[i];
		slot->tts_isnull[insertion->atts[i] - 1] = isnull[i];
	}
	ExecSimpleRelationInsert(insertion->target, estate, slot);
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(estate);
	CHECK_FOR_INTERRUPTS();
}

/* The next value of the row that is being put together. */
void
omni_core_put(OmniInsertion *insertion, Datum value)
{
	Assert(insertion->nput < insertion->natts);
	insertion->put[insertion->nput] = value;
	insertion->put_null[insertion->nput++] = false;
}

/* The same: null. */
void
omni_core_put_null(OmniInsertion *insertion)
{
	Assert(insertion->nput < insertion->natts);
	insertion->put[insertion->nput] = (Datum) 0;
	insertion->put_null[insertion->nput++] = true;
}

/* The same: text, or null where there is none. */
void
omni_core_put_text(OmniInsertion *insertion, const char *text)
{
	if (text)
		omni_core_put(insertion, CStringGetTextDatum(text));
	else
		omni_core_put_null(insertion);
}

/* The row has all its values: insert it. */
void
omni_core_put_row(OmniInsertion *insertion)
{
	if (insertion->nput != insertion->natts)
		elog(ERROR, "a row of \"%s\" has %d values for %d columns",
			 insertion->table->name, insertion->nput, insertion->natts);
	insertion->nput = 0;
	omni_core_insert_row(insertion, insertion->put, insertion->put_null);
}

/* Memory in which a row's values may be made: gone after its insertion. */
MemoryContext
omni_core_insert_memory(OmniInsertion *insertion)
{
	return GetPerTupleMemoryContext(insertion->estate);
}

/* Close the table; what comes next in this statement sees the rows. */
void
omni_core_insert_end(OmniInsertion *insertion)
{
	if (insertion->triggers)
		AfterTriggerEndQuery(insertion->estate);
	ExecDropSingleTupleTableSlot(insertion->slot);
	ExecResetTupleTable(insertion->estate->es_tupleTable, false);
	ExecCloseResultRelations(insertion->estate);
	FreeExecutorState(insertion->estate);
	table_close(insertion->relation, NoLock);
	CommandCounterIncrement();
}

/* Insert one row, and that is all. */
void
omni_core_insert(const OmniTable *table, const Datum *values,
				 const bool *isnull)
{
	OmniInsertion insertion;

	omni_core_insert_begin(&insertion, table);
	omni_core_insert_row(&insertion, values, isnull);
	omni_core_insert_end(&insertion);
}

/* The next id of a table's own sequence. */
int64
omni_core_next_id(const char *schema, const char *sequence)
{
	Oid			relid = omni_core_relation_oid(schema, sequence);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(OMNI_ERR_VERSION_MISMATCH),
				 errmsg("there is no sequence \"%s.%s\"", schema, sequence),
				 errhint("Restore it, or run: ALTER EXTENSION omni UPDATE;")));
	return nextval_internal(relid, false);
}
