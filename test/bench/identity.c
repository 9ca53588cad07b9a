/*
 * identity.c
 *	  Pairs per second of each comparator, inside C and on one core.
 *
 *	  identity FILE
 *
 * FILE has a line for each record: given name, family name, street, date, id,
 * divided by tabs.  Values are prepared once; then pairs that step through the
 * file in two strides are compared, so nearly all differ, as in blocking that
 * misses.  Each line of output is a comparator's name and its millions of pairs
 * per second, the loop that picks the pairs included.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "identity/address_core.h"
#include "identity/date_core.h"
#include "identity/email_core.h"
#include "identity/id_core.h"
#include "identity/name_core.h"
#include "identity/phone_core.h"
#include "identity/phonetic_core.h"

#define MAX_RECORDS 5000
#define PAIRS 3000000

/* A column of each kind, as an engine keeps them. */
static OmniWord givens[MAX_RECORDS];
static OmniWord families[MAX_RECORDS];
static OmniName names[MAX_RECORDS];
static OmniOrganization organizations[MAX_RECORDS];
static OmniGrams grams[MAX_RECORDS];
static OmniTokens tokens[MAX_RECORDS];
static OmniDate dates[MAX_RECORDS];
static OmniAddress addresses[MAX_RECORDS];
static OmniPhone phones[MAX_RECORDS];
static char ids[MAX_RECORDS][OMNI_ID_SIZE];
static char emails[MAX_RECORDS][OMNI_EMAIL_SIZE];
static int	id_lens[MAX_RECORDS];
static int	email_lens[MAX_RECORDS];
static int	n = 0;
static double sink = 0;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Prepare a record of five columns. */
static void
prepare(int r, char **columns)
{
	char		text[400];

	omni_identity_prepare_given(columns[0], strlen(columns[0]), &givens[r]);
	omni_identity_prepare_family(columns[1], strlen(columns[1]), &families[r]);
	snprintf(text, sizeof(text), "%s %s", columns[0], columns[1]);
	omni_identity_parse_name(text, strlen(text), &names[r]);
	omni_identity_parse_organization(columns[2], strlen(columns[2]),
									 &organizations[r]);
	omni_identity_prepare_grams(families[r].text, families[r].len, &grams[r]);
	omni_identity_prepare_tokens(organizations[r].w.text, organizations[r].w.len,
								 NULL, NULL, &tokens[r]);
	omni_identity_parse_date(columns[3], strlen(columns[3]), 0, 0, &dates[r]);
	id_lens[r] = omni_identity_normalise_id(columns[4], strlen(columns[4]),
										   ids[r]);
	snprintf(text, sizeof(text), "%.3s %s, Springfield IL 62%.3s",
			 columns[4], columns[2], columns[4]);
	omni_identity_parse_address(text, strlen(text), NULL, &addresses[r]);
	snprintf(text, sizeof(text), "+1612%.7s", columns[4]);
	omni_identity_prepare_phone(text, strlen(text), &phones[r]);
	snprintf(text, sizeof(text), "%.20s.%.20s@example.com", givens[r].text,
			 families[r].text);
	email_lens[r] = omni_identity_normalise_email(text, strlen(text), emails[r]);
}

/* Records of the file. */
static void
read_records(const char *path)
{
	char		line[1000];
	FILE	   *file = fopen(path, "r");

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	while (n < MAX_RECORDS && fgets(line, sizeof(line), file))
	{
		char	   *columns[5];
		int			k = 0;

		for (char *c = strtok(line, "\t\n"); c && k < 5;
			 c = strtok(NULL, "\t\n"))
			columns[k++] = c;
		if (k == 5)
			prepare(n++, columns);
	}
	fclose(file);
	if (n < 100)
	{
		fprintf(stderr, "%s: too few records\n", path);
		exit(1);
	}
}

#define MEASURE(name, expression) \
	do { \
		double		start = seconds(); \
		for (int i = 0; i < PAIRS; i++) \
		{ \
			int			a = (int) ((unsigned) i * 7919u % n); \
			int			b = (int) (((unsigned) i * 104729u + i / n) % n); \
			sink += (expression); \
		} \
		printf("%s\t%.1f\n", name, PAIRS / (seconds() - start) / 1e6); \
	} while (0)

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 1;
	read_records(argv[1]);
	MEASURE("Jaro-Winkler",
			omni_identity_jaro_winkler(families[a].text, families[a].len,
									   families[b].text, families[b].len));
	MEASURE("Damerau-Levenshtein, at most 2",
			omni_identity_damerau(families[a].text, families[a].len,
								  families[b].text, families[b].len, 2));
	MEASURE("Damerau-Levenshtein, unbounded",
			omni_identity_damerau(families[a].text, families[a].len,
								  families[b].text, families[b].len,
								  OMNI_COMPARE_MAX));
	MEASURE("q-grams", omni_identity_compare_grams(&grams[a], &grams[b]));
	MEASURE("token set",
			omni_identity_compare_tokens(&tokens[a], &tokens[b], NULL));
	MEASURE("sound",
			omni_identity_sounds_like(families[a].sound, families[a].sound2,
									  families[b].sound, families[b].sound2));
	MEASURE("given name, with nicknames and initials",
			omni_identity_compare_words(&givens[a], &givens[b]));
	MEASURE("family name", omni_identity_compare_words(&families[a], &families[b]));
	MEASURE("names swapped",
			omni_identity_names_swapped(&givens[a], &families[a], &givens[b],
										&families[b]));
	MEASURE("full name", omni_identity_name_similarity(&names[a], &names[b]));
	MEASURE("organisation",
			omni_identity_organization_similarity(&organizations[a],
												  &organizations[b]));
	MEASURE("date", omni_identity_compare_dates(&dates[a], &dates[b]));
	MEASURE("phone", omni_identity_compare_phones(&phones[a], &phones[b]));
	MEASURE("e-mail",
			omni_identity_compare_emails(emails[a], email_lens[a], emails[b],
										 email_lens[b]));
	MEASURE("national id",
			omni_identity_compare_ids(ids[a], id_lens[a], ids[b], id_lens[b]));
	MEASURE("address", omni_identity_compare_addresses(&addresses[a],
													   &addresses[b]));
	MEASURE("number", omni_identity_compare_numbers(dates[a].year,
													dates[b].year, 10));
	MEASURE("distance",
			omni_identity_distance_km(dates[a].day, dates[a].month, dates[b].day,
									  dates[b].month));
	return sink < -1;
}
