/*
 * compare.c
 *	  SQL functions that say how alike two values are.
 *
 * Thin wrappers of the pure cores: they prepare both values and compare them
 * once.  Where many pairs are compared, the preparation is most of the cost
 * here; the matching engine prepares each value once.
 *
 * Functions that give a number are strict.  Those that give a level say
 * "missing" where one of the values says nothing, NULL included: that is a
 * level of its own, neither agreement nor disagreement.
 */
#include "omni.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "identity/address_core.h"
#include "identity/date_core.h"
#include "identity/email_core.h"
#include "identity/id_core.h"
#include "identity/identity.h"
#include "identity/name_core.h"
#include "identity/phone_core.h"
#include "identity/phonetic_core.h"

PG_FUNCTION_INFO_V1(omni_identity_compare_jaro);
PG_FUNCTION_INFO_V1(omni_identity_count_edits);
PG_FUNCTION_INFO_V1(omni_identity_compare_qgrams);
PG_FUNCTION_INFO_V1(omni_identity_compare_sets);
PG_FUNCTION_INFO_V1(omni_identity_compare_values);
PG_FUNCTION_INFO_V1(omni_identity_measure_distance);
PG_FUNCTION_INFO_V1(omni_identity_compare_given);
PG_FUNCTION_INFO_V1(omni_identity_compare_family);
PG_FUNCTION_INFO_V1(omni_identity_are_swapped);
PG_FUNCTION_INFO_V1(omni_identity_compare_persons);
PG_FUNCTION_INFO_V1(omni_identity_compare_companies);
PG_FUNCTION_INFO_V1(omni_identity_compare_birthdays);
PG_FUNCTION_INFO_V1(omni_identity_compare_mailboxes);
PG_FUNCTION_INFO_V1(omni_identity_compare_numbers_called);
PG_FUNCTION_INFO_V1(omni_identity_compare_national_ids);
PG_FUNCTION_INFO_V1(omni_identity_compare_places);

/* The levels' names, in the order of their enums. */
static const char *const word_levels[] = {
	"missing", "exact", "variant", "nickname", "initial", "part", "typo",
	"sound", "similar", "different"
};
static const char *const date_levels[] = {
	"missing", "exact", "partial", "swapped", "one_digit", "permuted",
	"two_parts", "close", "different"
};
static const char *const email_levels[] = {
	"missing", "exact", "same_local", "typo", "similar_local", "different"
};
static const char *const phone_levels[] = {
	"missing", "exact", "national", "extension", "typo", "suffix", "different"
};
static const char *const id_levels[] = {
	"missing", "exact", "last_four", "typo", "two_typos", "different"
};
static const char *const address_levels[] = {
	"missing", "exact", "same_house", "typo", "other_unit", "same_street",
	"same_place", "different"
};

StaticAssertDecl(lengthof(word_levels) == OMNI_WORD_DIFFERENT + 1, "names");
StaticAssertDecl(lengthof(date_levels) == OMNI_DATE_DIFFERENT + 1, "names");
StaticAssertDecl(lengthof(email_levels) == OMNI_EMAIL_DIFFERENT + 1, "names");
StaticAssertDecl(lengthof(phone_levels) == OMNI_PHONE_DIFFERENT + 1, "names");
StaticAssertDecl(lengthof(id_levels) == OMNI_ID_DIFFERENT + 1, "names");
StaticAssertDecl(lengthof(address_levels) == OMNI_ADDRESS_DIFFERENT + 1,
				 "names");

#define RETURN_LEVEL(levels, level) \
	PG_RETURN_TEXT_P(cstring_to_text((levels)[level]))

/* Argument n as bytes; none for NULL. */
static OmniBytes
get_bytes(FunctionCallInfo fcinfo, int n)
{
	OmniBytes	nothing = {"", 0};

	return PG_ARGISNULL(n) ? nothing : omni_identity_get_text(fcinfo, n);
}

typedef struct Folded
{
	char		text[OMNI_FOLD_MAX];
	int			len;
} Folded;

/* Argument n, folded. */
static void
get_folded(FunctionCallInfo fcinfo, int n, Folded *folded)
{
	OmniBytes	value = get_bytes(fcinfo, n);

	folded->len = omni_identity_fold(value.bytes, value.len, folded->text,
									 sizeof(folded->text));
}

/* ---- texts ---- */

/* compare_jaro_winkler(text, text): 0 to 1, of the folded texts. */
Datum
omni_identity_compare_jaro(PG_FUNCTION_ARGS)
{
	Folded		a;
	Folded		b;

	get_folded(fcinfo, 0, &a);
	get_folded(fcinfo, 1, &b);
	PG_RETURN_FLOAT8(omni_identity_jaro_winkler(a.text, a.len, b.text, b.len));
}

/*
 * count_edits(text, text, max_edits int): letters inserted, deleted, replaced
 * or exchanged with their neighbour between the folded texts (optimal string
 * alignment); max_edits + 1 where it is more.  OM007 for a negative one.
 */
Datum
omni_identity_count_edits(PG_FUNCTION_ARGS)
{
	int32		limit = PG_GETARG_INT32(2);
	Folded		a;
	Folded		b;

	if (limit < 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"max_edits\" must not be negative")));
	get_folded(fcinfo, 0, &a);
	get_folded(fcinfo, 1, &b);
	PG_RETURN_INT32(omni_identity_damerau(a.text, a.len, b.text, b.len,
										  limit));
}

/* compare_grams(text, text): Dice's coefficient of pairs of letters. */
Datum
omni_identity_compare_qgrams(PG_FUNCTION_ARGS)
{
	Folded		texts[2];
	OmniGrams	grams[2];

	for (int i = 0; i < 2; i++)
	{
		get_folded(fcinfo, i, &texts[i]);
		omni_identity_prepare_grams(texts[i].text, texts[i].len, &grams[i]);
	}
	PG_RETURN_FLOAT8(omni_identity_compare_grams(&grams[0], &grams[1]));
}

/* Words that do not weigh 1. */
typedef struct Weights
{
	int			n;
	Folded	   *words;
	float	   *weights;
} Weights;

/* OmniTokenWeight of a list. */
static float
find_weight(const char *word, int len, void *arg)
{
	const Weights *weights = arg;

	for (int i = 0; i < weights->n; i++)
		if (weights->words[i].len == len &&
			memcmp(weights->words[i].text, word, len) == 0)
			return weights->weights[i];
	return 1;
}

#define MAX_WEIGHTS 10000

/* The list of arguments n (text[]) and n + 1 (float8[]). */
static void
get_weights(FunctionCallInfo fcinfo, int n, Weights *weights)
{
	Datum	   *words;
	Datum	   *values;
	bool	   *word_nulls;
	bool	   *value_nulls;
	int			nvalues;

	weights->n = 0;
	if (PG_ARGISNULL(n) && PG_ARGISNULL(n + 1))
		return;
	if (PG_ARGISNULL(n) || PG_ARGISNULL(n + 1))
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("arguments \"words\" and \"weights\" must be given together")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false,
					  TYPALIGN_INT, &words, &word_nulls, &weights->n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n + 1), FLOAT8OID,
					  sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values, &value_nulls, &nvalues);
	if (weights->n != nvalues || nvalues > MAX_WEIGHTS)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("arguments \"words\" and \"weights\" must be equally long, %d elements at most",
						MAX_WEIGHTS)));
	weights->words = palloc(nvalues * sizeof(Folded));
	weights->weights = palloc(nvalues * sizeof(float));
	for (int i = 0; i < nvalues; i++)
	{
		float8		weight = value_nulls[i] ? -1 : DatumGetFloat8(values[i]);
		text	   *word;

		if (word_nulls[i] || isnan(weight) || weight < 0 || weight > 1e6)
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("weights must be from 0 to 1000000, and words not null")));
		word = DatumGetTextPP(words[i]);
		weights->words[i].len =
			omni_identity_fold(VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word),
							   weights->words[i].text, OMNI_FOLD_MAX);
		weights->weights[i] = (float) weight;
	}
}

/*
 * compare_tokens(text, text, words text[], weights float8[]): weight of the
 * common words in that of all; a word that is not listed weighs 1.  NULL where
 * a text is NULL; OM007 for lists that do not fit each other.
 */
Datum
omni_identity_compare_sets(PG_FUNCTION_ARGS)
{
	Folded		texts[2];
	OmniTokens	tokens[2];
	Weights		weights;

	get_weights(fcinfo, 2, &weights);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	for (int i = 0; i < 2; i++)
	{
		get_folded(fcinfo, i, &texts[i]);
		omni_identity_prepare_tokens(texts[i].text, texts[i].len, find_weight,
									 &weights, &tokens[i]);
	}
	PG_RETURN_FLOAT8(omni_identity_compare_tokens(&tokens[0], &tokens[1],
												  NULL));
}

/* ---- numbers and places ---- */

/*
 * compare_numbers(a, b, scale): 1 where equal, 0 where "scale" or more apart.
 * OM007 unless scale > 0.
 */
Datum
omni_identity_compare_values(PG_FUNCTION_ARGS)
{
	float8		scale = PG_GETARG_FLOAT8(2);

	if (!(scale > 0))
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"scale\" must be greater than 0")));
	PG_RETURN_FLOAT8(omni_identity_compare_numbers(PG_GETARG_FLOAT8(0),
												   PG_GETARG_FLOAT8(1),
												   scale));
}

/* Refuse what is no latitude or longitude: OM007. */
static float8
get_degrees(FunctionCallInfo fcinfo, int n, const char *name, float8 limit)
{
	float8		value = PG_GETARG_FLOAT8(n);

	if (!(value >= -limit && value <= limit))
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must be from -%g to %g", name, limit,
						limit)));
	return value;
}

/* measure_distance(latitude, longitude, latitude, longitude): kilometres. */
Datum
omni_identity_measure_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(omni_identity_distance_km(
						 get_degrees(fcinfo, 0, "latitude_a", 90),
						 get_degrees(fcinfo, 1, "longitude_a", 180),
						 get_degrees(fcinfo, 2, "latitude_b", 90),
						 get_degrees(fcinfo, 3, "longitude_b", 180)));
}

/* ---- names ---- */

/* compare_given_names(text, text): a level. */
Datum
omni_identity_compare_given(PG_FUNCTION_ARGS)
{
	OmniWord	words[2];

	for (int i = 0; i < 2; i++)
	{
		OmniBytes	value = get_bytes(fcinfo, i);

		omni_identity_prepare_given(value.bytes, value.len, &words[i]);
	}
	RETURN_LEVEL(word_levels, omni_identity_compare_words(&words[0],
														  &words[1]));
}

/* compare_family_names(text, text): a level, never "nickname". */
Datum
omni_identity_compare_family(PG_FUNCTION_ARGS)
{
	OmniWord	words[2];

	for (int i = 0; i < 2; i++)
	{
		OmniBytes	value = get_bytes(fcinfo, i);

		omni_identity_prepare_family(value.bytes, value.len, &words[i]);
	}
	RETURN_LEVEL(word_levels, omni_identity_compare_words(&words[0],
														  &words[1]));
}

/*
 * are_names_swapped(given_a, family_a, given_b, family_b): is the given name
 * of each, but for typing errors, the family name of the other?
 */
Datum
omni_identity_are_swapped(PG_FUNCTION_ARGS)
{
	OmniWord	words[4];

	for (int i = 0; i < 4; i++)
	{
		OmniBytes	value = omni_identity_get_text(fcinfo, i);

		omni_identity_prepare_word(value.bytes, value.len, &words[i]);
	}
	PG_RETURN_BOOL(omni_identity_names_swapped(&words[0], &words[1],
											   &words[2], &words[3]));
}

/* compare_names(text, text): full names of persons, 0 to 1. */
Datum
omni_identity_compare_persons(PG_FUNCTION_ARGS)
{
	OmniName	names[2];

	for (int i = 0; i < 2; i++)
	{
		OmniBytes	value = omni_identity_get_text(fcinfo, i);

		omni_identity_parse_name(value.bytes, value.len, &names[i]);
	}
	PG_RETURN_FLOAT8(omni_identity_name_similarity(&names[0], &names[1]));
}

/* compare_organizations(text, text): 0 to 1. */
Datum
omni_identity_compare_companies(PG_FUNCTION_ARGS)
{
	OmniOrganization names[2];

	for (int i = 0; i < 2; i++)
	{
		OmniBytes	value = omni_identity_get_text(fcinfo, i);

		omni_identity_parse_organization(value.bytes, value.len, &names[i]);
	}
	PG_RETURN_FLOAT8(omni_identity_organization_similarity(&names[0],
														   &names[1]));
}

/* ---- the rest: each a level ---- */

/* compare_dates(text, text) */
Datum
omni_identity_compare_birthdays(PG_FUNCTION_ARGS)
{
	OmniDate	dates[2];

	for (int i = 0; i < 2; i++)
	{
		OmniBytes	value = get_bytes(fcinfo, i);

		omni_identity_parse_date(value.bytes, value.len,
								 OMNI_DATE_UNKNOWN_ORDER, 0, &dates[i]);
	}
	RETURN_LEVEL(date_levels, omni_identity_compare_dates(&dates[0],
														  &dates[1]));
}

/* compare_emails(text, text) */
Datum
omni_identity_compare_mailboxes(PG_FUNCTION_ARGS)
{
	char		emails[2][OMNI_EMAIL_SIZE];
	int			lens[2];

	for (int i = 0; i < 2; i++)
	{
		OmniBytes	value = get_bytes(fcinfo, i);

		lens[i] = omni_identity_normalise_email(value.bytes, value.len,
												emails[i]);
	}
	RETURN_LEVEL(email_levels,
				 omni_identity_compare_emails(emails[0], lens[0], emails[1],
											  lens[1]));
}

/* compare_phones(text, text): as written; no country is guessed. */
Datum
omni_identity_compare_numbers_called(PG_FUNCTION_ARGS)
{
	OmniPhone	phones[2];

	for (int i = 0; i < 2; i++)
	{
		OmniBytes	value = get_bytes(fcinfo, i);
		char		clean[OMNI_PHONE_SIZE];
		int			len;

		len = omni_identity_clean_phone(value.bytes, value.len, clean);
		omni_identity_prepare_phone(clean, len, &phones[i]);
	}
	RETURN_LEVEL(phone_levels, omni_identity_compare_phones(&phones[0],
															&phones[1]));
}

/* compare_national_ids(text, text) */
Datum
omni_identity_compare_national_ids(PG_FUNCTION_ARGS)
{
	char		ids[2][OMNI_ID_SIZE];
	int			lens[2];

	for (int i = 0; i < 2; i++)
	{
		OmniBytes	value = get_bytes(fcinfo, i);

		lens[i] = omni_identity_normalise_id(value.bytes, value.len, ids[i]);
	}
	RETURN_LEVEL(id_levels, omni_identity_compare_ids(ids[0], lens[0], ids[1],
													  lens[1]));
}

/* compare_addresses(text, text) */
Datum
omni_identity_compare_places(PG_FUNCTION_ARGS)
{
	OmniAddress addresses[2];

	for (int i = 0; i < 2; i++)
	{
		OmniBytes	value = get_bytes(fcinfo, i);

		omni_identity_parse_address(value.bytes, value.len, NULL,
									&addresses[i]);
	}
	RETURN_LEVEL(address_levels,
				 omni_identity_compare_addresses(&addresses[0],
												 &addresses[1]));
}
