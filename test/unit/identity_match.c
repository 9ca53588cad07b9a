/*
 * identity_match.c
 *	  The matching engine: what its result may hang on, and what it may not.
 *
 * Sources: src/identity/match_core.c src/identity/match_dict_core.c
 * Sources: src/identity/match_prepare_core.c src/identity/match_level_core.c
 * Sources: src/identity/match_block_core.c src/identity/match_vector_core.c
 * Sources: src/identity/match_model_core.c src/identity/match_cluster_core.c
 * Sources: src/identity/match_explain_core.c src/identity/match_field_core.c
 * Sources: src/identity/text_core.c src/identity/compare_core.c
 * Sources: src/identity/phonetic_core.c src/identity/nickname_core.c
 * Sources: src/identity/word_core.c src/identity/name_core.c
 * Sources: src/identity/organization_core.c src/identity/align_core.c
 * Sources: src/identity/date_core.c src/identity/email_core.c
 * Sources: src/identity/phone_core.c src/identity/id_core.c
 * Sources: src/identity/address_core.c src/identity/street_core.c
 */
#include <math.h>
#include <setjmp.h>
#include <stdint.h>

#include "identity_check.h"

#include "identity/match_core.h"

/* ---- memory that a caller can drop as a whole ---- */

typedef struct Block
{
	struct Block *next;
	struct Block *last;
} Block;

static Block all = {&all, &all};
static size_t ticks_left = SIZE_MAX;
static jmp_buf cancelled;

static void *
get_memory(void *arg, size_t size)
{
	Block	   *block = malloc(sizeof(Block) + size);

	(void) arg;
	if (block == NULL)
		abort();
	/* nothing may lean on fresh memory being zero */
	memset(block + 1, 0xa5, size);
	block->next = all.next;
	block->last = &all;
	block->next->last = block;
	all.next = block;
	return block + 1;
}

static void
give_memory(void *arg, void *memory)
{
	Block	   *block = (Block *) memory - 1;

	(void) arg;
	block->next->last = block->last;
	block->last->next = block->next;
	free(block);
}

/* What a caller does after a run, or when he left one. */
static void
drop_memory(void)
{
	while (all.next != &all)
		give_memory(NULL, all.next + 1);
}

static void
tick(void *arg, OmniMatchPhase phase, uint64_t done, uint64_t total)
{
	(void) arg;
	(void) phase;
	(void) done;
	(void) total;
	if (ticks_left-- == 0)
		longjmp(cancelled, 1);
}

static const OmniMatchEnv env = {get_memory, give_memory, tick, NULL};

/* ---- people ---- */

#define PEOPLE_MAX 6000

typedef struct Person
{
	char		cell[8][48];	/* id given family birth phone city street src */
	int			who;
} Person;

static const OmniMatchRole roles[8] = {OMNI_MATCH_ID, OMNI_MATCH_GIVEN_NAME,
	OMNI_MATCH_FAMILY_NAME, OMNI_MATCH_BIRTH_DATE, OMNI_MATCH_PHONE,
OMNI_MATCH_CITY, OMNI_MATCH_STREET, OMNI_MATCH_SOURCE};

static Person people[PEOPLE_MAX];
static uint64_t state;

static unsigned int
draw(unsigned int below)
{
	state = state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (unsigned int) (state >> 33) % below;
}

static void
syllables(char *text, unsigned int number, int n)
{
	static const char *const parts[] = {"ba", "ro", "lin", "ta", "mer", "ko",
	"su", "van", "del", "fi", "gor", "hu"};

	text[0] = '\0';
	for (int i = 0; i < n; i++, number /= 12)
		strcat(text, parts[number % 12]);
}

/*
 * n records: person w has two of them when w is even, the second one with
 * errors.
 */
static int
make_people(int n)
{
	int			count = 0;

	state = 7;
	for (int who = 0; count < n; who++)
	{
		Person		first;

		memset(&first, 0, sizeof(first));
		first.who = who;
		syllables(first.cell[1], draw(12 * 12 * 2), 2);
		syllables(first.cell[2], draw(12 * 12 * 12), 3);
		sprintf(first.cell[3], "%u-%02u-%02u", 1930 + draw(80), 1 + draw(12),
				1 + draw(28));
		sprintf(first.cell[4], "+1202%07u", draw(10000000));
		syllables(first.cell[5], draw(200), 3);
		syllables(first.cell[6], draw(1728), 3);
		strcat(first.cell[6], " street");
		for (int copy = 0; copy <= (who % 2 == 0) && count < n; copy++)
		{
			Person	   *p = &people[count];

			*p = first;
			sprintf(p->cell[0], "r%d", count);
			strcpy(p->cell[7], copy ? "shop" : "web");
			if (copy && draw(4) == 0)
				p->cell[1][2] = 'x';
			if (copy && draw(4) == 0)
				p->cell[3][0] = '\0';
			if (copy && draw(4) == 0)
				p->cell[4][6] = '9';
			count++;
		}
	}
	return count;
}

/* Run the engine over people in an order; clusters by number of the record. */
static OmniMatchEngine *
run(int n, const int *order, const OmniMatchOptions *options,
	uint32_t *clusters)
{
	OmniMatchEngine *engine = omni_match_create(&env, options);

	for (int i = 0; i < n; i++)
	{
		OmniMatchCell cells[OMNI_MATCH_ROLES];
		const Person *p = &people[order ? order[i] : i];

		memset(cells, 0, sizeof(cells));
		for (int c = 0; c < 8; c++)
		{
			cells[roles[c]].text = p->cell[c];
			cells[roles[c]].len = strlen(p->cell[c]);
		}
		omni_match_add(engine, cells);
	}
	omni_match_run(engine);
	for (int i = 0; clusters && i < n; i++)
		clusters[order ? order[i] : i] =
			omni_match_cluster_of(engine, (uint32_t) i);
	return engine;
}

static const OmniMatchOptions plain = {false, 0.5};
static const OmniMatchOptions unique = {true, 0.5};

static double
f1(int n, const uint32_t *clusters)
{
	double		both = 0;
	double		called = 0;
	double		true_pairs = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
		{
			int			same = people[i].who == people[j].who;
			int			one = clusters[i] == clusters[j];

			both += same && one;
			called += one;
			true_pairs += same;
		}
	return 2 * both / (called + true_pairs);
}

/* ---- tests ---- */

static uint32_t clusters[PEOPLE_MAX];
static uint32_t again[PEOPLE_MAX];
static int	order[PEOPLE_MAX];

/* The same rows in another order: the same model and the same clusters. */
static void
test_order(void)
{
	int			n = make_people(2500);
	OmniMatchModel model;
	OmniMatchEngine *engine = run(n, NULL, &plain, clusters);

	model = *omni_match_get_model(engine);
	check_number("people are found", f1(n, clusters) > 0.99, 1);
	check_number("the likelihood has not fallen",
				 model.log_likelihood >= model.first_log_likelihood, 1);
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
	{
		double		m = 0;
		double		u = 0;

		if (!model.field[f].used)
			continue;
		for (int l = 1; l <= model.field[f].nlevels; l++)
		{
			m += model.field[f].m[l];
			u += model.field[f].u[l];
		}
		check_number("levels of matches are a distribution",
					 fabs(m - 1) < 0.01, 1);
		check_number("levels of chance are a distribution",
					 fabs(u - 1) < 0.01, 1);
	}
	for (int round = 0; round < 2; round++)
	{
		int			same = 1;

		for (int i = 0; i < n; i++)
			order[i] = i;
		for (int i = n - 1; i > 0; i--)
		{
			int			j = (int) draw((unsigned int) i + 1);
			int			swap = order[i];

			order[i] = order[j];
			order[j] = swap;
		}
		engine = run(n, order, &plain, again);
		for (int i = 0; i < n; i++)
			same &= clusters[i] == again[i];
		check_number("another order: the same clusters", same, 1);
		check_number("another order: the same model",
					 memcmp(&model, omni_match_get_model(engine),
							sizeof(model)) == 0, 1);
	}
}

/* No pair is compared twice. */
static void
test_pairs(void)
{
	int			n = make_people(2500);
	OmniMatchEngine *engine = run(n, NULL, &plain, NULL);
	size_t		npairs = omni_match_pair_count(engine);
	uint8_t    *seen = calloc((size_t) n * (size_t) n, 1);
	int			twice = 0;
	int			missed = 0;

	for (size_t i = 0; i < npairs; i++)
	{
		OmniMatchPair pair = omni_match_get_pair(engine, i);

		twice += seen[pair.a * (size_t) n + pair.b];
		seen[pair.a * (size_t) n + pair.b] = 1;
		seen[pair.b * (size_t) n + pair.a] = 1;
	}
	check_number("no pair is compared twice", twice, 0);
	/* naively: whoever shares phone, or family name and birth */
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			if ((people[i].cell[4][0] &&
				 strcmp(people[i].cell[4], people[j].cell[4]) == 0) ||
				(people[i].cell[3][0] &&
				 strcmp(people[i].cell[3], people[j].cell[3]) == 0 &&
				 strcmp(people[i].cell[2], people[j].cell[2]) == 0))
				missed += !seen[(size_t) i * (size_t) n + (size_t) j];
	check_number("who shares a phone, or name and birth, is compared",
				 missed, 0);
	free(seen);
}

/* A source without duplicates has none. */
static void
test_unique(void)
{
	int			n = make_people(1200);
	int			broken = 0;

	/* the same person twice in one source */
	strcpy(people[1].cell[7], people[0].cell[7]);
	(void) run(n, NULL, &unique, clusters);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			broken += clusters[i] == clusters[j] &&
				strcmp(people[i].cell[7], people[j].cell[7]) == 0;
	check_number("unique within source", broken, 0);
	check_number("people are found over two sources", f1(n, clusters) > 0.99,
				 1);
}

/* One phone number on thousands of records brings nobody together. */
static void
test_shared_phone(void)
{
	int			n = make_people(5000);
	uint32_t	largest = 0;
	uint32_t   *sizes = calloc((size_t) n + 1, sizeof(uint32_t));

	for (int i = 0; i < n; i++)
		strcpy(people[i].cell[4], "+12025550100");
	(void) run(n, NULL, &plain, clusters);
	for (int i = 0; i < n; i++)
		if (++sizes[clusters[i]] > largest)
			largest = sizes[clusters[i]];
	check_number("one phone on 5,000 records makes no cluster", largest <= 4,
				 1);
	check_number("people are found all the same", f1(n, clusters) > 0.97, 1);
	free(sizes);
}

/* One record hundreds of times is one cluster. */
static void
test_copies(void)
{
	int			n = make_people(3000);
	int			together = 1;

	for (int i = 1; i < 200; i++)
	{
		char		id[48];

		strcpy(id, people[i].cell[0]);
		people[i] = people[0];
		strcpy(people[i].cell[0], id);
	}
	(void) run(n, NULL, &plain, clusters);
	for (int i = 1; i < 200; i++)
		together &= clusters[i] == clusters[0];
	check_number("200 copies of one record are one cluster", together, 1);
	check_number("and nobody else is in it", clusters[202] != clusters[0],
				 1);
}

/* What people decided holds, whatever the model says. */
static void
test_decisions(void)
{
	int			n = make_people(1000);
	OmniMatchEngine *engine;

	engine = omni_match_create(&env, &plain);
	for (int i = 0; i < n; i++)
	{
		OmniMatchCell cells[OMNI_MATCH_ROLES];

		memset(cells, 0, sizeof(cells));
		for (int c = 0; c < 7; c++)
		{
			cells[roles[c]].text = people[i].cell[c];
			cells[roles[c]].len = strlen(people[i].cell[c]);
		}
		omni_match_add(engine, cells);
	}
	/* 0 and 1 are one; 2 is alone, and so is 5 */
	omni_match_decide(engine, 0, 1, -1);
	omni_match_decide(engine, 2, 5, 1);
	omni_match_run(engine);
	check_number("decided apart",
				 omni_match_cluster_of(engine, 0) ==
				 omni_match_cluster_of(engine, 1), 0);
	check_number("decided together",
				 omni_match_cluster_of(engine, 2) ==
				 omni_match_cluster_of(engine, 5), 1);
}

/* Too little to say, or nothing. */
static void
test_refusals(void)
{
	static const char *const texts[] = {"", "same", "\xff\xfe", "1234567"};
	OmniMatchEngine *engine;
	uint32_t	distinct = 0;

	engine = omni_match_create(&env, &plain);
	omni_match_run(engine);
	check_number("no records: nothing to refuse",
				 omni_match_get_model(engine)->refusal, OMNI_MATCH_FINE);
	for (int t = 0; t < 4; t++)
	{
		engine = omni_match_create(&env, &plain);
		for (int i = 0; i < 2000; i++)
		{
			char		id[16];
			OmniMatchCell cells[OMNI_MATCH_ROLES];

			memset(cells, 0, sizeof(cells));
			cells[OMNI_MATCH_ID].text = id;
			cells[OMNI_MATCH_ID].len = (size_t) sprintf(id, "%d", i);
			cells[OMNI_MATCH_CITY].text = texts[t];
			cells[OMNI_MATCH_CITY].len = strlen(texts[t]);
			omni_match_add(engine, cells);
		}
		omni_match_run(engine);
		distinct = omni_match_cluster_count(engine);
		check_number("a column that tells nothing: nobody is the same",
					 distinct, 2000);
		check_number("and the model says why",
					 omni_match_get_model(engine)->refusal != OMNI_MATCH_FINE,
					 1);
	}
}

/* A run may be left at any tick. */
static void
test_cancel(void)
{
	int			n = make_people(2000);

	for (int after = 0; after < 60; after += 6)
	{
		ticks_left = (size_t) after;
		if (setjmp(cancelled) == 0)
			(void) run(n, NULL, &plain, NULL);
		drop_memory();
	}
	ticks_left = SIZE_MAX;
	check_number("a run can be left at any tick", 1, 1);
}

int
main(void)
{
	static void (*const tests[]) (void) = {test_order, test_pairs,
		test_unique, test_shared_phone, test_copies, test_decisions,
	test_refusals, test_cancel};

	for (size_t t = 0; t < sizeof(tests) / sizeof(tests[0]); t++)
	{
		tests[t] ();
		drop_memory();
	}
	check_text("levels have names",
			   omni_match_level_name(OMNI_MATCH_F_FAMILY, 11),
			   "given and family name swapped");
	return finish();
}
