/*
 * match_source.c
 *	  Reading the records of a source into the engine.
 *
 * The source is read by one statement, row by row, with the rights of the
 * caller: his privileges on table and columns, and the row policies that
 * hold for him.  Names are quoted, nothing of the values is ever part of a
 * statement.  All memory is a child context of the call's: an error, a
 * cancel or the session's end leaves nothing.
 */
#include "omni.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "identity/match.h"

#define RESET_ROWS	200			/* after which their memory is given back */
#define RESET_BYTES	(4 * 1024 * 1024)
#define CHUNK_SIZE	(64 * 1024)

/* The engine's memory, up to omni.match_memory. */
static void *
get_memory(void *arg, size_t size)
{
	OmniMatchRun *run = arg;
	void	   *memory;

	if (run->used + size > (Size) omni_match_memory * 1024)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_MEMORY),
				 errmsg("matching needs more memory than \"omni.match_memory\" allows"),
				 errdetail("%u records were read, %d kB are allowed.",
						   run->nrecords, omni_match_memory),
				 errhint("Raise the setting: SET omni.match_memory = '%d MB'.",
						 omni_match_memory / 512)));
	memory = MemoryContextAllocHuge(run->context, size);
	run->used += GetMemoryChunkSpace(memory);
	return memory;
}

static void
give_memory(void *arg, void *memory)
{
	OmniMatchRun *run = arg;

	run->used -= GetMemoryChunkSpace(memory);
	pfree(memory);
}

/* Now and then: may be cancelled, and tells how far it is. */
static void
tick(void *arg, OmniMatchPhase phase, uint64_t done, uint64_t total)
{
	OmniMatchRun *run = arg;

	CHECK_FOR_INTERRUPTS();
	omni_match_progress_update(run->slot, phase, done, total);
}

/* An engine without records. */
void
omni_match_begin(OmniMatchRun *run, const OmniMatchRequest *request)
{
	OmniMatchEnv env = {
		.alloc = get_memory, .release = give_memory, .tick = tick, .arg = run
	};

	run->request = request;
	run->context = AllocSetContextCreate(CurrentMemoryContext, "omni match",
										 ALLOCSET_DEFAULT_SIZES);
	run->used = 0;
	run->row_bytes = 0;
	run->nrecords = 0;
	run->ids_size = 1024;
	run->ids = get_memory(run, sizeof(char *) * run->ids_size);
	run->chunk_left = 0;
	run->engine = omni_match_create(&env, &request->options);
}

/* The statement that reads the source. */
static char *
source_query(const OmniMatchRequest *request)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int c = 0; c < request->ncolumns; c++)
		appendStringInfo(&sql, "%s%s::pg_catalog.text", c > 0 ? ", " : "",
						 quote_identifier(request->column[c]));
	appendStringInfo(&sql, " FROM %s", request->source);
	return sql.data;
}

/* Keep a record's key. */
static void
add_id(OmniMatchRun *run, const OmniMatchCell *cell)
{
	if (cell->len == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("a record of the source has no id"),
				 errdetail("It is record %u in the order of the table.",
						   run->nrecords + 1)));
	if (run->nrecords == run->ids_size)
	{
		char	  **ids = get_memory(run, sizeof(char *) *
									 (Size) run->ids_size * 2);

		memcpy(ids, run->ids, sizeof(char *) * (Size) run->ids_size);
		give_memory(run, run->ids);
		run->ids = ids;
		run->ids_size *= 2;
	}
	if (cell->len + 1 > run->chunk_left)
	{
		run->chunk_left = Max((Size) CHUNK_SIZE, cell->len + 1);
		run->chunk = get_memory(run, run->chunk_left);
	}
	memcpy(run->chunk, cell->text, cell->len);
	run->chunk[cell->len] = '\0';
	run->ids[run->nrecords] = run->chunk;
	run->chunk += cell->len + 1;
	run->chunk_left -= cell->len + 1;
}

/* One row: the first column of a role that is not empty counts. */
static void
add_row(const Datum *values, const bool *isnull, void *arg)
{
	OmniMatchRun *run = arg;
	const OmniMatchRequest *request = run->request;
	OmniMatchCell cells[OMNI_MATCH_ROLES];
	MemoryContext old = MemoryContextSwitchTo(run->row_context);

	memset(cells, 0, sizeof(cells));
	for (int c = 0; c < request->ncolumns; c++)
	{
		OmniMatchCell *cell = &cells[request->role[c]];
		text	   *content;

		if (cell->len > 0 || isnull[c])
			continue;
		content = DatumGetTextPP(values[c]);
		cell->text = VARDATA_ANY(content);
		cell->len = VARSIZE_ANY_EXHDR(content);
		run->row_bytes += cell->len;
	}
	add_id(run, &cells[OMNI_MATCH_ID]);
	if (run->nrecords == PG_UINT32_MAX / 4)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_RANGE),
				 errmsg("the source has too many records")));
	run->nrecords = omni_match_add(run->engine, cells) + 1;
	if (run->nrecords % RESET_ROWS == 0 || run->row_bytes > RESET_BYTES)
	{
		run->row_bytes = 0;
		MemoryContextReset(run->row_context);
		tick(run, OMNI_MATCH_PHASE_READ, run->nrecords, 0);
	}
	MemoryContextSwitchTo(old);
}

/* Order of two records by their keys. */
static int
compare_ids(const void *a, const void *b, void *arg)
{
	const OmniMatchRun *run = arg;

	return strcmp(run->ids[*(const uint32 *) a],
				  run->ids[*(const uint32 *) b]);
}

/* Sort the keys; OM007 when two records have the same. */
static void
sort_ids(OmniMatchRun *run)
{
	run->by_id = get_memory(run, sizeof(uint32) * ((Size) run->nrecords + 1));
	for (uint32 r = 0; r < run->nrecords; r++)
		run->by_id[r] = r;
	qsort_arg(run->by_id, run->nrecords, sizeof(uint32), compare_ids, run);
	for (uint32 r = 1; r < run->nrecords; r++)
		if (strcmp(run->ids[run->by_id[r - 1]], run->ids[run->by_id[r]]) == 0)
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("two records of the source have the same id"),
					 errdetail("They are records %u and %u in the order of the table.",
							   Min(run->by_id[r - 1], run->by_id[r]) + 1,
							   Max(run->by_id[r - 1], run->by_id[r]) + 1)));
}

/*
 * Read all records.  Errors of the statement are the server's own.
 */
void
omni_match_read_source(OmniMatchRun *run)
{
	run->row_context = AllocSetContextCreate(run->context, "omni match row",
											 ALLOCSET_DEFAULT_SIZES);
	omni_core_query_as_caller(source_query(run->request), add_row, run);
	MemoryContextDelete(run->row_context);
	sort_ids(run);
}

/* The number of the record with a key; -1 when there is none. */
int64
omni_match_find_record(const OmniMatchRun *run, const char *id)
{
	uint32		low = 0;
	uint32		high = run->nrecords;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;
		int			order = strcmp(run->ids[run->by_id[middle]], id);

		if (order == 0)
			return run->by_id[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}
