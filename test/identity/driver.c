/*
 * driver.c
 *	  The matching engine on a CSV file with its truth: precision, recall, F1
 *	  of pairs and of B-cubed, calibration, time.
 *
 * driver records.csv truth.csv column=role ... [unique] [model] [errors]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "identity/match_core.h"

typedef struct Table
{
	int			ncolumns;
	int			nrows;
	char	 ***cells;			/* row 0 is the header */
} Table;

static size_t memory_now,
			memory_peak;

static void *
get_memory(void *arg, size_t size)
{
	size_t	   *memory = malloc(size + 16);

	if (memory == NULL)
		abort();
	*memory = size;
	memory_now += size;
	if (memory_now > memory_peak)
		memory_peak = memory_now;
	return memory + 2;
}

static void
give_memory(void *arg, void *memory)
{
	memory_now -= ((size_t *) memory)[-2];
	free((size_t *) memory - 2);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static OmniMatchPhase last_phase;
static double phase_start;

static void
tick(void *arg, OmniMatchPhase phase, uint64_t done, uint64_t total)
{
	static const char *const names[] = {"read", "block", "compare", "model",
	"cluster", "done"};

	if (phase == last_phase)
		return;
	printf("  %-8s %6.2f s\n", names[last_phase], now() - phase_start);
	last_phase = phase;
	phase_start = now();
}

/* Read a CSV file. */
static Table
read_csv(const char *path)
{
	Table		table = {0, 0, NULL};
	FILE	   *file = fopen(path, "r");
	char	   *text;
	size_t		len;
	char	   *out;
	int			size = 0;
	char	  **row = NULL;
	int			n = 0;

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	fseek(file, 0, SEEK_END);
	len = (size_t) ftell(file);
	rewind(file);
	text = malloc(len + 2);
	len = fread(text, 1, len, file);
	fclose(file);
	text[len] = '\0';
	for (char *p = text; *p != '\0';)
	{
		char	   *start;
		bool		quoted = *p == '"';
		char		end;

		if (n == 0)
			row = calloc(64, sizeof(char *));
		if (quoted)
			p++;
		start = out = p;
		while (*p != '\0' && (quoted || (*p != ',' && *p != '\n')))
		{
			if (quoted && *p == '"')
			{
				if (p[1] != '"')
				{
					p++;
					quoted = false;
					continue;
				}
				p++;
			}
			*out++ = *p++;
		}
		end = *p;
		if (*p != '\0')
			p++;
		if (out > start && out[-1] == '\r')
			out--;
		*out = '\0';
		row[n++] = start;
		if (end != ',')
		{
			if (table.nrows == size)
			{
				size = size == 0 ? 1024 : size * 2;
				table.cells = realloc(table.cells, size * sizeof(char **));
			}
			table.cells[table.nrows++] = row;
			if (table.ncolumns == 0)
				table.ncolumns = n;
			n = 0;
		}
	}
	return table;
}

static int
column_of(const Table *table, const char *name)
{
	for (int c = 0; c < table->ncolumns; c++)
		if (strcmp(table->cells[0][c], name) == 0)
			return c;
	fprintf(stderr, "no column %s\n", name);
	exit(1);
}

static const Table *sort_table;

static int
by_id(const void *a, const void *b)
{
	return strcmp(sort_table->cells[*(const int *) a][0],
				  sort_table->cells[*(const int *) b][0]);
}

static const uint32_t *sort_key1,
		   *sort_key2;

static int
by_keys(const void *a, const void *b)
{
	uint32_t	x = *(const uint32_t *) a;
	uint32_t	y = *(const uint32_t *) b;

	if (sort_key1[x] != sort_key1[y])
		return sort_key1[x] < sort_key1[y] ? -1 : 1;
	if (sort_key2[x] != sort_key2[y])
		return sort_key2[x] < sort_key2[y] ? -1 : 1;
	return 0;
}

static double
pairs_of(const uint32_t *key1, const uint32_t *key2, uint32_t n,
		 uint32_t *order)
{
	double		sum = 0;

	sort_key1 = key1;
	sort_key2 = key2;
	qsort(order, n, sizeof(uint32_t), by_keys);
	for (uint32_t i = 0; i < n;)
	{
		uint32_t	end = i;

		while (end < n && key1[order[end]] == key1[order[i]] &&
			   key2[order[end]] == key2[order[i]])
			end++;
		sum += (double) (end - i) * (end - i - 1) / 2;
		i = end;
	}
	return sum;
}

int
main(int argc, char **argv)
{
	static const OmniMatchEnv env = {get_memory, give_memory, tick, NULL};
	OmniMatchOptions options = {false, 0.5};
	OmniMatchEngine *engine;
	const OmniMatchModel *model;
	Table		records = read_csv(argv[1]);
	Table		truth = read_csv(argv[2]);
	int			roles[64];
	int			id = 0;
	bool		show_model = false;
	int			show_errors = 0;
	uint32_t	n = (uint32_t) records.nrows - 1;
	uint32_t   *want = malloc((n + 1) * sizeof(uint32_t));
	uint32_t   *got = malloc((n + 1) * sizeof(uint32_t));
	uint32_t   *order = malloc((n + 1) * sizeof(uint32_t));
	int		   *ids = malloc((n + 2) * sizeof(int));
	double		start;

	for (int c = 0; c < records.ncolumns; c++)
		roles[c] = -1;
	for (int i = 3; i < argc; i++)
	{
		char	   *equals = strchr(argv[i], '=');

		if (strcmp(argv[i], "unique") == 0)
			options.unique_within_source = true;
		else if (strcmp(argv[i], "model") == 0)
			show_model = true;
		else if (strncmp(argv[i], "errors", 6) == 0)
			show_errors = equals ? atoi(equals + 1) : 10;
		else
		{
			int			r;

			*equals = '\0';
			for (r = 0; r < OMNI_MATCH_ROLES; r++)
				if (strcmp(equals + 1, omni_match_role_name(r)) == 0)
					break;
			if (r == OMNI_MATCH_ROLES)
			{
				fprintf(stderr, "no role %s\n", equals + 1);
				return 1;
			}
			roles[column_of(&records, argv[i])] = r;
			if (r == OMNI_MATCH_ID)
				id = column_of(&records, argv[i]);
		}
	}
	/* truth by id */
	for (int i = 0; i + 1 < truth.nrows; i++)
		ids[i] = i + 1;
	sort_table = &truth;
	qsort(ids, (size_t) truth.nrows - 1, sizeof(int), by_id);
	for (uint32_t r = 0; r < n; r++)
	{
		int			low = 0;
		int			high = truth.nrows - 2;

		want[r] = UINT32_MAX - r;
		while (low <= high)
		{
			int			mid = (low + high) / 2;
			int			c = strcmp(truth.cells[ids[mid]][0],
								   records.cells[r + 1][id]);

			if (c == 0)
			{
				want[r] = (uint32_t) strtoul(truth.cells[ids[mid]][1], NULL, 10);
				break;
			}
			if (c < 0)
				low = mid + 1;
			else
				high = mid - 1;
		}
		order[r] = r;
	}

	start = phase_start = now();
	engine = omni_match_create(&env, &options);
	for (uint32_t r = 0; r < n; r++)
	{
		OmniMatchCell cells[OMNI_MATCH_ROLES];

		memset(cells, 0, sizeof(cells));
		for (int c = 0; c < records.ncolumns; c++)
			if (roles[c] >= 0 && cells[roles[c]].len == 0)
			{
				cells[roles[c]].text = records.cells[r + 1][c];
				cells[roles[c]].len = strlen(records.cells[r + 1][c]);
			}
		omni_match_add(engine, cells);
	}
	omni_match_run(engine);
	tick(NULL, OMNI_MATCH_PHASE_DONE, 0, 0);
	printf("  total    %6.2f s, %.0f MB\n", now() - start,
		   (double) memory_peak / 1e6);
	model = omni_match_get_model(engine);
	printf("  records %u, candidates %.0f, matches %.0f, households %.0f, "
		   "classes %d (bic %.0f, %.0f), iterations %d, recall %.4f\n", n,
		   model->candidates, model->matches, model->households,
		   model->classes, model->bic[2], model->bic[3], model->iterations,
		   model->recall);
	if (show_model)
		for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
			for (int l = 1; l <= model->field[f].nlevels &&
				 model->field[f].used; l++)
				printf("    %-14s %-32s m %.5f h %.5f u %.3e  w %6.2f  %llu\n",
					   omni_match_field_name(f), omni_match_level_name(f, l),
					   model->field[f].m[l], model->field[f].h[l],
					   model->field[f].u[l],
					   log(model->field[f].m[l] / model->field[f].u[l]),
					   (unsigned long long) model->field[f].pairs[l]);
	for (uint32_t r = 0; r < n; r++)
		got[r] = omni_match_cluster_of(engine, r);
	{
		double		true_pairs = pairs_of(want, want, n, order);
		double		got_pairs = pairs_of(got, got, n, order);
		double		both = pairs_of(want, got, n, order);
		double		p = got_pairs > 0 ? both / got_pairs : 1;
		double		r = true_pairs > 0 ? both / true_pairs : 1;

		printf("  pairs: precision %.5f recall %.5f F1 %.5f  (%.0f true, "
			   "%.0f called, %.0f both)\n", p, r,
			   p + r > 0 ? 2 * p * r / (p + r) : 0, true_pairs, got_pairs,
			   both);
	}
	/* blocking recall and calibration */
	{
		double		edges[] = {0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99,
		0.999, 1.01};
		double		count[10] = {0};
		double		right[10] = {0};
		double		sum[10] = {0};
		double		blocked = 0;
		double		called = 0,
					hit = 0;

		for (size_t i = 0; i < omni_match_pair_count(engine); i++)
		{
			OmniMatchPair pair = omni_match_get_pair(engine, i);
			double		p = 1 / (1 + exp(-pair.log_odds));
			int			b = 0;
			bool		same = want[pair.a] == want[pair.b];

			while (p >= edges[b + 1])
				b++;
			count[b]++;
			right[b] += same;
			sum[b] += p;
			blocked += same;
			if (p >= 0.5)
			{
				called++;
				hit += same;
			}
			if (p >= 0.99 && !same && show_errors > 0)
			{
				show_errors--;
				printf("   wrong %.2f\n", pair.log_odds);
				for (int k = 0; k < 2; k++)
				{
					for (int c = 0; c < records.ncolumns; c++)
						printf("|%s", records.cells[(k ? pair.b : pair.a) + 1][c]);
					printf("\n");
				}
			}
		}
		printf("  blocking: %.0f true pairs are candidates; pairs at 0.5: "
			   "%.0f called, %.0f right\n", blocked, called, hit);
		for (int b = 0; b < 10; b++)
			printf("    p %.3f-%.3f  pairs %9.0f  mean p %.4f  right %.4f\n",
				   edges[b], edges[b + 1] > 1 ? 1 : edges[b + 1], count[b],
				   count[b] > 0 ? sum[b] / count[b] : 0,
				   count[b] > 0 ? right[b] / count[b] : 0);
	}
	return 0;
}
