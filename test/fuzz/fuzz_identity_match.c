/*
 * fuzz_identity_match.c
 *	  libFuzzer target for the matching engine, src/identity/match_*_core.c.
 *
 * The input is a small table: cells divided by '|', rows by new lines; the
 * first line gives a role for each column, A for the first one of the enum.  The engine must
 * survive it, put every record into one cluster, and say the same of the rows
 * in the opposite order.
 */
#include "check.h"

#include <math.h>

#include "identity/match_core.h"

#define ROWS	24
#define COLUMNS 12

typedef struct Block
{
	struct Block *next;
} Block;

static Block *blocks;

static void *
get_memory(void *arg, size_t size)
{
	Block	   *block = malloc(sizeof(Block) + 8 + size);

	(void) arg;
	if (block == NULL)
		abort();
	block->next = blocks;
	blocks = block;
	return (char *) block + sizeof(Block) + 8;
}

/* All goes at once, after the run. */
static void
give_memory(void *arg, void *memory)
{
	(void) arg;
	(void) memory;
}

static void
tick(void *arg, OmniMatchPhase phase, uint64_t done, uint64_t total)
{
	(void) arg;
	(void) total;
	CHECK(phase <= OMNI_MATCH_PHASE_DONE);
	CHECK(done < UINT64_C(1) << 40);
}

static OmniMatchCell cells[ROWS][OMNI_MATCH_ROLES];
static char ids[ROWS][8];

/* Cut the input into cells; how many rows. */
static int
read_table(const char *text, size_t len, bool *unique)
{
	OmniMatchRole roles[COLUMNS];
	int			ncolumns = 0;
	int			nrows = 0;
	size_t		at = 0;

	memset(cells, 0, sizeof(cells));
	for (; at < len && text[at] != '\n'; at++)
		if (ncolumns < COLUMNS)
			roles[ncolumns++] = (OmniMatchRole)
				((unsigned char) (text[at] - 'A') % OMNI_MATCH_ROLES);
	*unique = ncolumns % 2 == 1;
	while (at < len && nrows < ROWS)
	{
		int			column = 0;

		at++;
		for (;; column++)
		{
			size_t		end = at;

			while (end < len && text[end] != '|' && text[end] != '\n')
				end++;
			if (column < ncolumns && cells[nrows][roles[column]].len == 0)
			{
				cells[nrows][roles[column]].text = text + at;
				cells[nrows][roles[column]].len = end - at;
			}
			at = end;
			if (at >= len || text[at] == '\n')
				break;
			at++;
		}
		sprintf(ids[nrows], "%d", nrows);
		cells[nrows][OMNI_MATCH_ID].text = ids[nrows];
		cells[nrows][OMNI_MATCH_ID].len = strlen(ids[nrows]);
		nrows++;
	}
	return nrows;
}

/* Run over the rows, forwards or backwards; the cluster of each. */
static void
run(int nrows, bool unique, bool backwards, uint32_t *clusters,
	OmniMatchModel *model)
{
	static const OmniMatchEnv env = {get_memory, give_memory, tick, NULL};
	OmniMatchOptions options = {unique, 0.5};
	OmniMatchEngine *engine = omni_match_create(&env, &options);
	OmniMatchExplanation explanation;

	for (int i = 0; i < nrows; i++)
		CHECK(omni_match_add(engine, cells[backwards ? nrows - 1 - i : i]) ==
			  (uint32_t) i);
	if (nrows >= 4)
		omni_match_decide(engine, backwards ? nrows - 1 : 0,
						  backwards ? 0 : nrows - 1, -1);
	omni_match_run(engine);
	for (int i = 0; i < nrows; i++)
	{
		uint32_t	cluster = omni_match_cluster_of(engine, (uint32_t) i);

		CHECK(cluster >= 1 && cluster <= omni_match_cluster_count(engine));
		clusters[backwards ? nrows - 1 - i : i] = cluster;
	}
	*model = *omni_match_get_model(engine);
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		for (int l = 1; l <= model->field[f].nlevels; l++)
			CHECK(model->field[f].m[l] > 0 && model->field[f].m[l] <= 1.01 &&
				  model->field[f].u[l] > 0 && model->field[f].u[l] <= 1.01);
	if (nrows >= 2)
	{
		omni_match_explain(engine, 0, (uint32_t) nrows - 1, &explanation);
		CHECK(!isnan(explanation.log_odds));
	}
	while (blocks)
	{
		Block	   *next = blocks->next;

		free(blocks);
		blocks = next;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t	clusters[ROWS];
	uint32_t	again[ROWS];
	OmniMatchModel model;
	OmniMatchModel second;
	bool		unique;
	int			nrows;

	nrows = read_table((const char *) data, size, &unique);
	run(nrows, unique, false, clusters, &model);
	run(nrows, unique, true, again, &second);
	CHECK(memcmp(&model, &second, sizeof(model)) == 0);
	CHECK(memcmp(clusters, again, sizeof(uint32_t) * (size_t) nrows) == 0);
	if (nrows >= 4)
		CHECK(clusters[0] != clusters[nrows - 1]);
	return 0;
}
