/*
 * identity_score.c
 *	  The matching engine on a CSV file with its truth: time, memory, precision,
 *	  recall and F1 of pairs, B-cubed, calibration, pairs scored per second.
 *
 * identity_score RECORDS TRUTH COLUMN=ROLE … [unique] [model]
 *
 * TRUTH has the columns id and cluster.  Times are of the processor.  Lines of
 * the form "name<tab>value" are for programs, the others for people.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "identity/match_private.h"

#define COLUMNS_MAX 64

typedef struct Table
{
	int			ncolumns;
	int			nrows;			/* the header is row 0 */
	char	 ***cells;
} Table;

static size_t memory_now;
static size_t memory_peak;
static OmniMatchPhase phase_now;
static double phase_began;

/* ---- what the engine asks for ---- */

static void *
get_memory(void *arg, size_t size)
{
	size_t	   *memory = malloc(size + 16);

	(void) arg;
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
	size_t	   *block = (size_t *) memory - 2;

	(void) arg;
	memory_now -= *block;
	free(block);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void
tick(void *arg, OmniMatchPhase phase, uint64_t done, uint64_t total)
{
	static const char *const names[] = {"read", "block", "compare", "model",
	"cluster", "done"};

	(void) arg;
	(void) done;
	(void) total;
	if (phase == phase_now)
		return;
	printf("  %-8s %6.2f s\n", names[phase_now], now() - phase_began);
	phase_now = phase;
	phase_began = now();
}

/* ---- reading ---- */

static char *
read_file(const char *path)
{
	FILE	   *file = fopen(path, "r");
	char	   *text;
	size_t		len;

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	fseek(file, 0, SEEK_END);
	len = (size_t) ftell(file);
	rewind(file);
	text = malloc(len + 1);
	len = fread(text, 1, len, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

/* The cell at *at, unquoted in place; *end is what ended it. */
static char *
read_cell(char **at, char *end)
{
	char	   *p = *at;
	bool		quoted = *p == '"';
	char	   *cell = p += quoted;
	char	   *out = p;

	while (*p != '\0' && (quoted || (*p != ',' && *p != '\n')))
	{
		if (quoted && *p == '"' && *++p != '"')
		{
			quoted = false;
			continue;
		}
		*out++ = *p++;
	}
	*end = *p;
	*at = p + (*p != '\0');
	if (out > cell && out[-1] == '\r')
		out--;
	*out = '\0';
	return cell;
}

static Table
read_csv(const char *path)
{
	Table		table = {0, 0, NULL};
	char	   *at = read_file(path);
	char	   *row[COLUMNS_MAX] = {NULL};
	int			size = 0;
	int			n = 0;

	while (*at != '\0')
	{
		char		end;

		row[n] = read_cell(&at, &end);
		n += n < COLUMNS_MAX - 1;
		if (end == ',')
			continue;
		if (table.ncolumns == 0)
			table.ncolumns = n;
		if (table.nrows == size)
		{
			size = size == 0 ? 1024 : size * 2;
			table.cells = realloc(table.cells, (size_t) size *
								  sizeof(char **));
		}
		table.cells[table.nrows] = malloc((size_t) table.ncolumns *
										  sizeof(char *));
		for (int c = 0; c < table.ncolumns; c++)
			table.cells[table.nrows][c] = c < n ? row[c] : (char *) "";
		table.nrows++;
		n = 0;
	}
	return table;
}

/* The role of each column by the arguments; -1: none.  The id's column. */
static int
read_roles(const Table *records, int argc, char **argv, int *roles,
		   OmniMatchOptions *options, bool *show_model)
{
	int			id = 0;

	for (int c = 0; c < records->ncolumns; c++)
		roles[c] = -1;
	for (int i = 3; i < argc; i++)
	{
		char	   *equals = strchr(argv[i], '=');

		if (strcmp(argv[i], "unique") == 0)
			options->unique_within_source = true;
		else if (strcmp(argv[i], "model") == 0)
			*show_model = true;
		for (int c = 0; equals && c < records->ncolumns; c++)
			if (strlen(records->cells[0][c]) == (size_t) (equals - argv[i]) &&
				strncmp(records->cells[0][c], argv[i],
						(size_t) (equals - argv[i])) == 0)
				for (int r = 0; r < OMNI_MATCH_ROLES; r++)
					if (strcmp(equals + 1, omni_match_role_name(r)) == 0)
					{
						roles[c] = r;
						id = r == OMNI_MATCH_ID ? c : id;
					}
	}
	return id;
}

static const Table *sorted;

static int
by_id(const void *a, const void *b)
{
	return strcmp(sorted->cells[*(const int *) a][0],
				  sorted->cells[*(const int *) b][0]);
}

/* The true cluster of each record. */
static uint32_t *
read_truth(const Table *records, const Table *truth, int id)
{
	uint32_t   *want = malloc((size_t) records->nrows * sizeof(uint32_t));
	int		   *order = malloc((size_t) truth->nrows * sizeof(int));

	for (int i = 1; i < truth->nrows; i++)
		order[i - 1] = i;
	sorted = truth;
	qsort(order, (size_t) truth->nrows - 1, sizeof(int), by_id);
	for (int r = 1; r < records->nrows; r++)
	{
		int			low = 0;
		int			high = truth->nrows - 2;

		want[r - 1] = UINT32_MAX - (uint32_t) r;
		while (low <= high)
		{
			int			middle = (low + high) / 2;
			int			order_of = strcmp(truth->cells[order[middle]][0],
										  records->cells[r][id]);

			if (order_of == 0)
			{
				want[r - 1] = (uint32_t) strtoul(truth->cells[order[middle]][1],
												 NULL, 10);
				break;
			}
			if (order_of < 0)
				low = middle + 1;
			else
				high = middle - 1;
		}
	}
	free(order);
	return want;
}

/* ---- scores ---- */

static const uint32_t *key1;
static const uint32_t *key2;

static int
by_keys(const void *a, const void *b)
{
	uint32_t	x = *(const uint32_t *) a;
	uint32_t	y = *(const uint32_t *) b;

	if (key1[x] != key1[y])
		return key1[x] < key1[y] ? -1 : 1;
	return key2[x] < key2[y] ? -1 : key2[x] > key2[y];
}

/* For each record, how many have both keys; returns the pairs of them. */
static double
count_groups(const uint32_t *a, const uint32_t *b, uint32_t n,
			 uint32_t *sizes)
{
	uint32_t   *order = malloc(n * sizeof(uint32_t));
	double		pairs = 0;

	for (uint32_t r = 0; r < n; r++)
		order[r] = r;
	key1 = a;
	key2 = b;
	qsort(order, n, sizeof(uint32_t), by_keys);
	for (uint32_t i = 0; i < n;)
	{
		uint32_t	end = i;

		while (end < n && a[order[end]] == a[order[i]] &&
			   b[order[end]] == b[order[i]])
			end++;
		pairs += (double) (end - i) * (end - i - 1) / 2;
		for (uint32_t k = i; k < end; k++)
			sizes[order[k]] = end - i;
		i = end;
	}
	free(order);
	return pairs;
}

static void
print_f1(const char *name, double precision, double recall)
{
	double		f1 = precision + recall > 0 ?
		2 * precision * recall / (precision + recall) : 0;

	printf("  %-8s precision %.5f  recall %.5f  F1 %.5f\n", name, precision,
		   recall, f1);
	printf("%s_f1\t%.5f\n", name, f1);
}

static void
print_scores(const uint32_t *want, const uint32_t *got, uint32_t n)
{
	uint32_t   *both = malloc(n * sizeof(uint32_t));
	uint32_t   *of_want = malloc(n * sizeof(uint32_t));
	uint32_t   *of_got = malloc(n * sizeof(uint32_t));
	double		pairs_both = count_groups(want, got, n, both);
	double		pairs_want = count_groups(want, want, n, of_want);
	double		pairs_got = count_groups(got, got, n, of_got);
	double		precision = 0;
	double		recall = 0;

	print_f1("pairs", pairs_got > 0 ? pairs_both / pairs_got : 1,
			 pairs_want > 0 ? pairs_both / pairs_want : 1);
	for (uint32_t r = 0; r < n; r++)
	{
		precision += (double) both[r] / of_got[r] / n;
		recall += (double) both[r] / of_want[r] / n;
	}
	print_f1("b_cubed", precision, recall);
	free(both);
	free(of_want);
	free(of_got);
}

/* How often pairs of a probability are right. */
static void
print_calibration(const OmniMatchEngine *engine, const uint32_t *want)
{
	static const double edges[] = {0, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.1};
	double		count[7] = {0};
	double		right[7] = {0};
	double		sum[7] = {0};
	double		blocked = 0;

	for (size_t i = 0; i < omni_match_pair_count(engine); i++)
	{
		OmniMatchPair pair = omni_match_get_pair(engine, i);
		double		p = 1 / (1 + exp(-pair.log_odds));
		bool		same = want[pair.a] == want[pair.b];
		int			b = 0;

		while (p >= edges[b + 1])
			b++;
		count[b]++;
		right[b] += same;
		sum[b] += p;
		blocked += same;
	}
	printf("  true pairs among the candidates: %.0f\n", blocked);
	for (int b = 0; b < 7; b++)
		printf("  p %5.3f to %5.3f: %9.0f pairs, mean p %.4f, right %.4f\n",
			   edges[b], edges[b + 1] > 1 ? 1 : edges[b + 1], count[b],
			   count[b] > 0 ? sum[b] / count[b] : 0,
			   count[b] > 0 ? right[b] / count[b] : 0);
	if (count[5] + count[6] > 0)
		printf("certain_right\t%.5f\n", (right[5] + right[6]) /
			   (count[5] + count[6]));
}

static void
print_model(const OmniMatchModel *model)
{
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		for (int l = 1; model->field[f].used && l <= model->field[f].nlevels;
			 l++)
			printf("  %-12s %-32s m %.5f h %.5f u %.3e w %6.2f %9llu\n",
				   omni_match_field_name(f), omni_match_level_name(f, l),
				   model->field[f].m[l], model->field[f].h[l],
				   model->field[f].u[l],
				   log2(model->field[f].m[l] / model->field[f].u[l]),
				   (unsigned long long) model->field[f].pairs[l]);
}

/* Compare and score the candidates once more: pairs per second. */
static void
print_rate(const OmniMatchEngine *engine)
{
	double		began = now();
	double		sum = 0;

	for (size_t i = 0; i < engine->npairs; i++)
	{
		const Candidate *pair = &engine->pairs[i];

		sum += omni_match_odds(engine, pair->a, pair->b,
							   omni_match_compare(engine, pair->a, pair->b));
	}
	printf("mean_odds\t%.3f\n", sum / (double) (engine->npairs + 1));
	printf("pairs_per_second\t%.0f\n", (double) engine->npairs /
		   (now() - began + 1e-9));
}

int
main(int argc, char **argv)
{
	static const OmniMatchEnv env = {get_memory, give_memory, tick, NULL};
	OmniMatchOptions options = {false, 0.5};
	OmniMatchEngine *engine;
	const OmniMatchModel *model;
	Table		records = read_csv(argc > 3 ? argv[1] : "");
	Table		truth = read_csv(argv[2]);
	int			roles[COLUMNS_MAX];
	bool		show_model = false;
	int			id = read_roles(&records, argc, argv, roles, &options,
								&show_model);
	uint32_t	n = (uint32_t) records.nrows - 1;
	uint32_t   *want = read_truth(&records, &truth, id);
	uint32_t   *got = malloc(n * sizeof(uint32_t));
	double		began = phase_began = now();

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
	model = omni_match_get_model(engine);
	printf("seconds\t%.2f\nmegabytes\t%.0f\n", now() - began,
		   (double) memory_peak / 1e6);
	printf("  records %u, candidates %.0f, matches %.0f, households %.0f, "
		   "classes %d, iterations %d, recall of keys %.4f\n", n,
		   model->candidates, model->matches, model->households,
		   model->classes, model->iterations, model->recall);
	for (uint32_t r = 0; r < n; r++)
		got[r] = omni_match_cluster_of(engine, r);
	print_scores(want, got, n);
	print_calibration(engine, want);
	if (show_model)
		print_model(model);
	print_rate(engine);
	return 0;
}
