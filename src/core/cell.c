/*
 * cell.c
 *	  The number of this cell: ids of different cells never collide.
 *
 * - Every id is cell × 2^43 + sequence.  The sequences are set to their cell's
 *	 first id by setval() alone, because a sequence's minimum and start do not
 *	 survive a dump; the number is a row of a dumped table.
 * - It is given once, to an empty database: every table that draws ids is
 *	 locked against writers, and must have no row, committed or one's own.
 * - setval() is not undone by a rollback.  Then sequences and number differ,
 *	 the next id is refused (events.c), and set_cell() repairs it.
 */
#include "omni.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "core/cell.h"
#include "core/feed.h"

PG_FUNCTION_INFO_V1(omni_core_set_cell);

static OmniQuery cell_query = {
	.sql = "SELECT cell FROM omni_internal.cell",
};

/* What a result of cell_query says. */
static int
cell_of_rows(const OmniRows *rows)
{
	return rows->nrows == 0 ? 0 : DatumGetInt32(OMNI_VALUE(rows, 0, 0));
}

/* The cell of this database; see cell.h. */
int
omni_core_cell(bool committed)
{
	OmniRows	rows;

	if (committed)
	{
		Snapshot	snapshot = omni_core_latest_snapshot(false);

		omni_core_query_snapshot(&cell_query, NULL, NULL, snapshot, &rows);
		UnregisterSnapshot(snapshot);
	}
	else
		omni_core_query(&cell_query, NULL, NULL, false, &rows);
	return cell_of_rows(&rows);
}

/* A relation of the extension, as read_relations() gives it. */
enum
{
	RELATION_OID,
	RELATION_KIND,
	RELATION_SCHEMA,
	RELATION_NAME,
	RELATION_DRAWS_IDS
};

/* The extension's tables and sequences, by oid. */
static void
read_relations(OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT c.oid, c.relkind, n.nspname::text, c.relname::text,"
		" EXISTS (SELECT FROM pg_depend AS i JOIN pg_class AS s"
		" ON s.oid = i.objid AND s.relkind = 'S'"
		" WHERE i.refclassid = 'pg_class'::regclass AND i.refobjid = c.oid"
		" AND i.classid = 'pg_class'::regclass AND i.deptype IN ('a', 'i'))"
		" FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid"
		" JOIN pg_namespace AS n ON n.oid = c.relnamespace"
		" WHERE d.classid = 'pg_class'::regclass"
		" AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = $1"
		" AND d.deptype = 'e' AND c.relkind IN ('r', 'S') ORDER BY c.oid",
		.nargs = 1,
		.argtypes = {OIDOID},
	};
	Datum		values[1];

	values[0] = ObjectIdGetDatum(omni_core_extension_oid());
	omni_core_query(&query, values, NULL, true, rows);
}

/* Is it a sequence? */
static bool
is_sequence(const OmniRows *relations, int r)
{
	return DatumGetChar(OMNI_VALUE(relations, r, RELATION_KIND)) ==
		RELKIND_SEQUENCE;
}

/* Is it a table that ids are drawn for, or a source of the feed? */
static bool
must_be_empty(const OmniRows *relations, int r)
{
	const OmniFeedSource *sources;
	int			nsources = omni_core_feed_sources(&sources);
	char	   *qualified;

	if (is_sequence(relations, r))
		return false;
	if (DatumGetBool(OMNI_VALUE(relations, r, RELATION_DRAWS_IDS)))
		return true;
	qualified = psprintf("%s.%s",
						 TextDatumGetCString(OMNI_VALUE(relations, r,
														RELATION_SCHEMA)),
						 TextDatumGetCString(OMNI_VALUE(relations, r,
														RELATION_NAME)));
	for (int i = 0; i < nsources; i++)
	{
		if (strcmp(qualified, sources[i].relation) == 0)
			return true;
	}
	return false;
}

/* Keep writers away, in the order of oids. */
static void
lock_relations(const OmniRows *relations)
{
	for (int r = 0; r < relations->nrows; r++)
	{
		if (is_sequence(relations, r) || must_be_empty(relations, r))
			LockRelationOid(DatumGetObjectId(OMNI_VALUE(relations, r,
														RELATION_OID)),
							ShareRowExclusiveLock);
	}
}

/* OM004 when one of the tables has a row; names come from the catalogs. */
static void
require_empty(const OmniRows *relations)
{
	OmniQuery	query = {0};
	StringInfoData sql;
	OmniRows	rows;
	const char *separator = "";

	initStringInfo(&sql);
	for (int r = 0; r < relations->nrows; r++)
	{
		char	   *schema;
		char	   *name;

		if (!must_be_empty(relations, r))
			continue;
		schema = TextDatumGetCString(OMNI_VALUE(relations, r,
												RELATION_SCHEMA));
		name = TextDatumGetCString(OMNI_VALUE(relations, r, RELATION_NAME));
		appendStringInfo(&sql,
						 "%sSELECT %d WHERE EXISTS (SELECT FROM %s)",
						 separator, r,
						 quote_qualified_identifier(schema, name));
		separator = " UNION ALL ";
	}

	query.sql = sql.data;
	omni_core_query(&query, NULL, NULL, false, &rows);
	SPI_freeplan(query.plan);
	if (rows.nrows > 0)
	{
		int			r = DatumGetInt32(OMNI_VALUE(&rows, 0, 0));

		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("the cell can be set on an empty database only"),
				 errdetail("Table \"%s.%s\" has rows.",
						   TextDatumGetCString(OMNI_VALUE(relations, r, RELATION_SCHEMA)),
						   TextDatumGetCString(OMNI_VALUE(relations, r, RELATION_NAME)))));
	}
}

/* Set every sequence to the first id of the cell. */
static void
set_sequences(const OmniRows *relations, int cell)
{
	static OmniQuery query = {
		.sql = "SELECT setval($1, $2, false)",
		.nargs = 2,
		.argtypes = {REGCLASSOID, INT8OID},
	};

	for (int r = 0; r < relations->nrows; r++)
	{
		Datum		values[2];

		if (!is_sequence(relations, r))
			continue;
		values[0] = OMNI_VALUE(relations, r, RELATION_OID);
		values[1] = Int64GetDatum(((int64) cell << OMNI_CELL_BITS) + 1);
		omni_core_query(&query, values, NULL, false, NULL);
	}
}

/*
 * omni.set_cell(cell int) RETURNS void: give this database its number; for the
 * profile admin.  Locks tables and sequences of ids against writers until
 * commit, after the gate, so that the worker has nothing to write to them.
 * OM002: NULL; OM004: the database is not empty; OM005; OM007: not within
 * 0..1023.
 */
Datum
omni_core_set_cell(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni_internal.cell (cell) VALUES ($1)"
		" ON CONFLICT ON CONSTRAINT cell_pkey DO UPDATE"
		" SET cell = excluded.cell",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	int32		cell = omni_core_required_int32(fcinfo, 0, "cell");
	OmniRows	relations;
	Datum		values[1];

	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "set the cell");
	if (cell < 0 || cell > OMNI_CELL_MAX)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("cell must be between 0 and %d", OMNI_CELL_MAX),
				 errdetail("It is %d.", cell)));
	(void) omni_core_gate();

	read_relations(&relations);
	lock_relations(&relations);
	require_empty(&relations);
	values[0] = Int32GetDatum(cell);
	omni_core_query(&query, values, NULL, false, NULL);
	set_sequences(&relations, cell);
	PG_RETURN_VOID();
}
