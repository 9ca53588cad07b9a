/*
 * match_explain_core.c
 *	  Why two records are one, or not, field by field; what a refusal means.
 */
#include "identity/match_private.h"

#include <math.h>
#include <string.h>

/* Does the pair share a key? */
static bool
is_candidate(const OmniMatchEngine *engine, uint32_t a, uint32_t b)
{
	for (size_t i = 0; i < engine->npairs; i++)
		if (engine->pairs[i].a == a && engine->pairs[i].b == b)
			return true;
	return false;
}

/*
 * The evidence on two records, after a run.
 */
void
omni_match_explain(OmniMatchEngine *engine, uint32_t a, uint32_t b,
				   OmniMatchExplanation *explanation)
{
	uint32_t	x = engine->rank[a];
	uint32_t	y = engine->rank[b];
	uint64_t	vector;

	if (x > y)
	{
		uint32_t	swap = x;

		x = y;
		y = swap;
	}
	memset(explanation, 0, sizeof(*explanation));
	vector = omni_match_compare(engine, x, y);
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
	{
		int			l = LEVEL_OF(vector, f);
		int			attribute;
		uint32_t	number;

		explanation->level[f] = l;
		if (l == 0)
			continue;
		explanation->weight[f] = engine->logs.m[f][l] - engine->logs.u[f][l] +
			omni_match_rarity_of(engine, x, f, l);
		attribute = omni_match_frequency_attribute(f, l);
		if (attribute < 0)
			continue;
		number = omni_match_number(engine, attribute, x);
		if (number != 0)
			explanation->frequency[f] =
				exp(omni_match_value(engine, attribute,
									 number)->log_frequency);
	}
	explanation->prior = engine->logs.prior_m - engine->logs.prior_u;
	explanation->log_odds = omni_match_odds(engine, x, y, vector);
	explanation->candidate = is_candidate(engine, x, y);
	explanation->vetoed = omni_match_apart(engine, x, y, vector);
	explanation->household = engine->model.classes == 3 ?
		omni_match_household_odds(engine, x, vector) : -HUGE_VAL;
}

/* What a refusal means, as a sentence for users; NULL when there is none. */
const char *
omni_match_refusal_text(OmniMatchRefusal refusal)
{
	switch (refusal)
	{
		case OMNI_MATCH_NO_FIELDS:
			return "No two records have values that can be compared.";
		case OMNI_MATCH_NO_PAIRS:
			return "No two records share a key.";
		case OMNI_MATCH_NO_CONTRAST:
			return "The columns say too little to tell a match from chance.";
		case OMNI_MATCH_TOO_MANY:
			return "The model found more matches than a table can hold: the columns do not tell records apart.";
		default:
			return NULL;
	}
}
