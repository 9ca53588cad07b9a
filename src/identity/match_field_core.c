/*
 * match_field_core.c
 *	  The fields that are compared: their levels, what chance usually does in
 *	  them, which value decides how rare an agreement is.
 *
 * A field is personal when two people of one household agree in it by chance
 * alone.
 */
#include "identity/match_private.h"

#include <math.h>

#define FILLER_SHARE	0.03	/* of records born on one day of the year */

static const char *const name_levels[] = {"missing", "same, rare",
	"same", "same, common", "variant or nickname", "one typo, rare",
	"one typo, common", "similar, rare", "similar, common", "initial",
	"shared part", "given and family name swapped", "slightly similar",
"differ"};
static const char *const text_levels[] = {"missing", "same, rare", "same",
"same, common", "typo", "shared word", "differ"};
static const char *const middle_levels[] = {"missing", "same, rare", "same",
"initial", "shared word", "differ"};
static const char *const suffix_levels[] = {"missing", "same", "differ"};
static const char *const sex_levels[] = {"missing", "same, rare", "same",
"differ"};
static const char *const token_levels[] = {"missing", "same, rare", "same",
	"nearly the same words", "all words in the other", "most words",
"most words in the other", "some words", "few words", "differ"};
static const char *const date_levels[] = {"missing", "same, rare", "same",
	"same, common", "day and month swapped", "one digit", "two parts",
"year", "near in time", "differ"};
static const char *const phone_levels[] = {"missing", "same", "same, shared",
	"same, common", "same without country", "one digit", "last seven digits",
"two digits", "differ"};
static const char *const email_levels[] = {"missing", "same", "same, shared",
"same, common", "same mailbox elsewhere", "typo", "similar", "differ"};
static const char *const id_levels[] = {"missing", "same", "same, shared",
"same, common", "last four", "one typo", "two typos", "differ"};
static const char *const address_levels[] = {"missing", "same house",
	"same house, place unknown", "same house, street typo",
	"same street, number near", "same street", "street typo",
	"same number and rare street elsewhere", "same number and street elsewhere",
"same rare street elsewhere", "same street elsewhere", "differ"};
static const char *const locality_levels[] = {"missing",
	"same code and city, rare", "same code and city", "same code, rare",
	"same code", "same code, other city", "code typo, same city",
	"same city, rare", "same city", "typo", "code begins the same",
"same region", "differ"};

/* How often chance gives each level, where a table is too small to tell. */
static const double name_chance[] = {0, 5e-4, 2e-3, 5e-3, 4e-3, 3e-4, 8e-4,
1.5e-3, 1.5e-3, 4e-3, 2e-3, 1e-5, 1e-2};
static const double text_chance[] = {0, 2e-3, 1e-2, 3e-2, 2e-3, 1e-2};
static const double middle_chance[] = {0, 3e-3, 1e-2, 2e-2, 1e-2};
static const double suffix_chance[] = {0, 0.3};
static const double sex_chance[] = {0, 0.2, 0.3};
static const double token_chance[] = {0, 1e-5, 1e-5, 2e-5, 1e-4, 3e-4, 1e-3,
5e-3, 3e-2};
static const double date_chance[] = {0, 2e-5, 1e-5, 1e-5, 2e-5, 8e-4, 1.2e-2,
1.2e-2, 2.5e-2};
static const double phone_chance[] = {0, 2e-6, 1e-6, 1e-6, 2e-6, 1e-5, 3e-5,
1e-4};
static const double email_chance[] = {0, 5e-7, 5e-7, 5e-7, 1e-5, 2e-5, 3e-4};
static const double id_chance[] = {0, 5e-7, 5e-7, 5e-7, 1e-4, 1e-5, 1e-4};
static const double address_chance[] = {0, 2e-6, 5e-6, 2e-6, 2e-5, 1e-4, 5e-5,
1e-6, 2e-5, 1e-4, 1e-3};
static const double locality_chance[] = {0, 2e-4, 1e-3, 2e-4, 1e-3, 3e-4,
1e-4, 1e-3, 5e-3, 2e-3, 1e-2, 0.1};

#define LEVELS(kind) kind##_levels, kind##_chance, \
	sizeof(kind##_levels) / sizeof(kind##_levels[0]) - 1

static const struct
{
	const char *name;
	const char *const *levels;
	const double *chance;
	int			nlevels;
	bool		personal;
} fields[OMNI_MATCH_FIELDS] = {
	[OMNI_MATCH_F_GIVEN] = {"given_name", LEVELS(name), true},
	[OMNI_MATCH_F_MIDDLE] = {"middle_name", LEVELS(middle), true},
	[OMNI_MATCH_F_FAMILY] = {"family_name", LEVELS(name), false},
	[OMNI_MATCH_F_SUFFIX] = {"name_suffix", LEVELS(suffix), true},
	[OMNI_MATCH_F_NAME] = {"name", LEVELS(token), true},
	[OMNI_MATCH_F_BIRTH] = {"birth_date", LEVELS(date), true},
	[OMNI_MATCH_F_SEX] = {"sex", LEVELS(sex), true},
	[OMNI_MATCH_F_BIRTH_PLACE] = {"birth_place", LEVELS(text), false},
	[OMNI_MATCH_F_PHONE] = {"phone", LEVELS(phone), false},
	[OMNI_MATCH_F_EMAIL] = {"email", LEVELS(email), false},
	[OMNI_MATCH_F_ADDRESS] = {"address", LEVELS(address), false},
	[OMNI_MATCH_F_UNIT] = {"unit", LEVELS(text), false},
	[OMNI_MATCH_F_LOCALITY] = {"locality", LEVELS(locality), false},
	[OMNI_MATCH_F_NATIONAL_ID] = {"national_id", LEVELS(id), true},
	[OMNI_MATCH_F_OCCUPATION] = {"occupation", LEVELS(text), true},
	[OMNI_MATCH_F_OTHER] = {"other", LEVELS(text), false},
};

/* The field's name, as users see it. */
const char *
omni_match_field_name(OmniMatchField field)
{
	return fields[field].name;
}

/* What a level of a field means. */
const char *
omni_match_level_name(OmniMatchField field, int level)
{
	return level >= 0 && level <= fields[field].nlevels ?
		fields[field].levels[level] : "unknown";
}

/* See match_private.h. */
const double *
omni_match_usual_chance(OmniMatchField field)
{
	return fields[field].chance;
}

/*
 * Days of the year that more records have than birth can explain (the first of
 * January, as a rule) fill a form and say nothing.
 */
static void
find_filler_days(OmniMatchEngine *engine)
{
	const Dictionary *dict = &engine->dictionary[A_BIRTH];
	uint64_t	counts[10000] = {0};

	for (uint32_t v = 1; v < dict->nvalues; v++)
	{
		const char *digits = omni_match_dictionary_text(dict,
														&dict->values[v]);

		counts[(digits[4] - '0') * 1000 + (digits[5] - '0') * 100 +
			   (digits[6] - '0') * 10 + digits[7] - '0'] +=
			dict->values[v].count;
	}
	for (int d = 0; d < 10000; d++)
		engine->filler_day[d] = counts[d] >= 50 &&
			(double) counts[d] > FILLER_SHARE * (double) dict->filled;
}

/* Levels of the fields, and the values' frequencies. */
void
omni_match_levels_init(OmniMatchEngine *engine)
{
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
	{
		engine->model.field[f].nlevels = fields[f].nlevels;
		engine->model.field[f].personal = fields[f].personal;
	}
	find_filler_days(engine);
	for (int a = 0; a <= ATTRIBUTES; a++)
	{
		Dictionary *dict = a < ATTRIBUTES ? &engine->dictionary[a] :
			&engine->words;
		double		filled = a < ATTRIBUTES ? (double) dict->filled :
			(double) engine->dictionary[A_NAME].filled;

		for (uint32_t v = 1; v < dict->nvalues; v++)
			dict->values[v].log_frequency =
				(float) log(dict->values[v].count / filled);
	}
}

/*
 * The attribute whose value's frequency says how much an exact agreement
 * tells, or -1 where the level says it all.
 */
int
omni_match_frequency_attribute(OmniMatchField field, int level)
{
	switch (field)
	{
		case OMNI_MATCH_F_GIVEN:
			return level <= 3 ? A_GIVEN : -1;
		case OMNI_MATCH_F_FAMILY:
			return level <= 3 ? A_FAMILY : -1;
		case OMNI_MATCH_F_MIDDLE:
			return level <= 2 ? A_MIDDLE : -1;
		case OMNI_MATCH_F_NAME:
			return level <= 2 ? A_NAME : -1;
		case OMNI_MATCH_F_BIRTH:
			return level <= 3 ? A_BIRTH : -1;
		case OMNI_MATCH_F_SEX:
			return level <= 2 ? A_SEX : -1;
		case OMNI_MATCH_F_BIRTH_PLACE:
			return level <= 3 ? A_BIRTH_PLACE : -1;
		case OMNI_MATCH_F_PHONE:
			return level <= 3 ? A_PHONE : -1;
		case OMNI_MATCH_F_EMAIL:
			return level <= 3 ? A_EMAIL : -1;
		case OMNI_MATCH_F_UNIT:
			return level <= 3 ? A_UNIT : -1;
		case OMNI_MATCH_F_NATIONAL_ID:
			return level <= 3 ? A_NATIONAL_ID : -1;
		case OMNI_MATCH_F_OCCUPATION:
			return level <= 3 ? A_OCCUPATION : -1;
		case OMNI_MATCH_F_OTHER:
			return level <= 3 ? A_OTHER : -1;
		case OMNI_MATCH_F_ADDRESS:
			return level >= 7 && level <= 10 ? A_STREET : -1;
		case OMNI_MATCH_F_LOCALITY:
			return level <= 5 ? A_POSTAL :
				level == 7 || level == 8 ? A_CITY : -1;
		default:
			return -1;
	}
}

/*
 * Two records that no evidence brings together: a person and an organisation,
 * father and son by their suffixes, two records of a source without
 * duplicates.
 */
bool
omni_match_apart(const OmniMatchEngine *engine, uint32_t a, uint32_t b,
			uint64_t vector)
{
	if (engine->kind[a] + engine->kind[b] == KIND_PERSON + KIND_ORGANISATION &&
		engine->kind[a] != engine->kind[b])
		return true;
	if (engine->options.unique_within_source &&
		omni_match_number(engine, A_SOURCE, a) != 0 &&
		omni_match_number(engine, A_SOURCE, a) == omni_match_number(engine, A_SOURCE, b))
		return true;
	return LEVEL_OF(vector, OMNI_MATCH_F_SUFFIX) == 2;
}
