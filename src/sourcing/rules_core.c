/*
 * rules_core.c
 *	  Apply routing rules to an order's candidates, and count what each did.
 *
 * Pure C over plain arrays: no server, no allocation.
 *
 * - Rules are applied in their order.  A candidate that one rule has kept out
 *	 is not there for the next, so each is counted once, by the first.
 * - A rule whose conditions do not hold for the order does nothing.  A value
 *	 in another currency than the order's does not hold.
 * - "Only" keeps out whom the rule does not match, "exclude" whom it does.  A
 *	 rule that is not strict and would keep out the last candidate is dropped.
 * - "Prefer" keeps nobody out: whom it does not match costs more.  A match
 *	 with a rank costs rank times the surcharge; who does not match, one more
 *	 than the last rank.
 * - A rule with a category is about the lines of that category alone: its
 *	 exclusions and surcharges hold for their units.  (From the 65th of an
 *	 order on it counts for the whole order: too strict rather than too lax.)
 * - What is not known (a distance, a region) is not matched.
 */
#include <string.h>

#include "sourcing/rules_core.h"

/* Is this the category, or one below it? */
bool
omni_rules_in_category(const char *category, const char *wanted)
{
	size_t		length = strlen(wanted);

	return strncmp(category, wanted, length) == 0 &&
		(category[length] == '\0' || category[length] == '/');
}

/* Is the rule about this order? */
static bool
is_about(const OmniRule *rule, const OmniRuleOrder *order)
{
	if (rule->channel != 0 && rule->channel != order->channel)
		return false;
	if (rule->country[0] != '\0' && strcmp(rule->country, order->country) != 0)
		return false;
	if (rule->region[0] != '\0' && strcmp(rule->region, order->region) != 0)
		return false;
	if (strncmp(rule->postal_prefix, order->postal_code,
				strlen(rule->postal_prefix)) != 0)
		return false;
	if (rule->min_value == INT64_MIN && rule->max_value == INT64_MAX)
		return true;
	return order->value >= 0 && strcmp(rule->currency, order->currency) == 0 &&
		order->value >= rule->min_value && order->value <= rule->max_value;
}

/* Is the candidate one of those that the rule names? */
static bool
is_named(const OmniRule *rule, const OmniRuleNode *candidate)
{
	if (rule->nodes && !(rule->nodes[candidate->node / 64] >>
						 (candidate->node % 64) & 1))
		return false;
	if (rule->within_m >= 0 && (candidate->distance_m < 0 ||
								candidate->distance_m > rule->within_m))
		return false;
	if (rule->service >= 0 && !(candidate->services >> rule->service & 1))
		return false;
	if (rule->same_country && !candidate->same_country)
		return false;
	return !rule->same_region || candidate->same_region;
}

/* Does the rule keep the candidate out? */
static bool
keeps_out(const OmniRule *rule, const OmniRuleNode *candidate)
{
	return is_named(rule, candidate) == (rule->action == OMNI_RULE_EXCLUDE);
}

/* Is the candidate still one? */
static bool
is_left(const OmniRuleNode *candidate, const OmniRuleVerdict *verdict)
{
	return candidate->node >= 0 && verdict->excluded_by < 0;
}

/*
 * Give the lines that the rule is about its bit, if there is one left; false:
 * there are no such lines.
 */
static bool
mark_lines(const OmniRule *rule, const OmniRuleOrder *order, int bit,
		   uint64_t *line_rules)
{
	bool		any = false;

	for (int32_t l = 0; l < order->nlines; l++)
	{
		if (!omni_rules_in_category(order->categories[l], rule->category))
			continue;
		if (bit < OMNI_RULES_BY_LINE)
			line_rules[l] |= UINT64_C(1) << bit;
		any = true;
	}
	return any;
}

/* Would anybody be left for a line about which there are these line rules? */
static bool
leaves_for_line(const OmniRule *rule, const OmniRuleNode *candidates,
				int ncandidates, const OmniRuleVerdict *verdicts,
				uint64_t line_rules)
{
	for (int c = 0; c < ncandidates; c++)
	{
		if (is_left(&candidates[c], &verdicts[c]) &&
			omni_rules_allow(&verdicts[c], line_rules) &&
			!keeps_out(rule, &candidates[c]))
			return true;
	}
	return false;
}

/* Would anybody be left for every line that the rule is about? */
static bool
leaves_somebody(const OmniRule *rule, int line_bit,
				const OmniRuleNode *candidates, int ncandidates,
				const OmniRuleVerdict *verdicts, int nlines,
				const uint64_t *line_rules)
{
	if (line_bit < 0)
		return leaves_for_line(rule, candidates, ncandidates, verdicts, 0);
	for (int l = 0; l < nlines; l++)
	{
		if ((line_rules[l] >> line_bit & 1) &&
			!leaves_for_line(rule, candidates, ncandidates, verdicts,
							 line_rules[l]))
			return false;
	}
	return true;
}

/* Keep out whom the rule keeps out. */
static void
apply_filter(const OmniRule *rule, int index, const OmniRuleNode *candidates,
			 int ncandidates, OmniRuleEffect *effect,
			 OmniRuleVerdict *verdicts, int nlines,
			 const uint64_t *line_rules)
{
	if (!rule->strict &&
		!leaves_somebody(rule, effect->line_bit, candidates, ncandidates,
						 verdicts, nlines, line_rules))
	{
		effect->dropped = true;
		return;
	}
	for (int c = 0; c < ncandidates; c++)
	{
		if (!is_left(&candidates[c], &verdicts[c]) ||
			!keeps_out(rule, &candidates[c]))
			continue;
		if (effect->line_bit >= 0)
			verdicts[c].barred |= UINT64_C(1) << effect->line_bit;
		else
			verdicts[c].excluded_by = index;
		effect->nodes++;
	}
}

/* Make the others dearer. */
static void
apply_preference(const OmniRule *rule, const OmniRuleNode *candidates,
				 int ncandidates, OmniRuleEffect *effect,
				 OmniRuleVerdict *verdicts)
{
	for (int c = 0; c < ncandidates; c++)
	{
		const OmniRuleNode *candidate = &candidates[c];
		int64_t		steps = (int64_t) rule->max_rank + 1;

		if (!is_left(candidate, &verdicts[c]))
			continue;
		if (is_named(rule, candidate))
		{
			effect->nodes++;
			steps = rule->ranks ? rule->ranks[candidate->node] : 0;
		}
		if (effect->line_bit < 0)
			verdicts[c].surcharge += steps * rule->surcharge;
		else if (steps > 0)
			verdicts[c].dear |= UINT64_C(1) << effect->line_bit;
	}
}

/* Apply the rules in order. */
void
omni_rules_apply(const OmniRule *rules, int nrules,
				 const OmniRuleOrder *order,
				 const OmniRuleNode *candidates, int ncandidates,
				 OmniRuleEffect *effects, OmniRuleVerdict *verdicts,
				 uint64_t *line_rules)
{
	int			bits = 0;

	for (int32_t l = 0; l < order->nlines; l++)
		line_rules[l] = 0;
	for (int c = 0; c < ncandidates; c++)
	{
		verdicts[c].excluded_by = -1;
		verdicts[c].surcharge = 0;
		verdicts[c].barred = 0;
		verdicts[c].dear = 0;
	}
	for (int r = 0; r < nrules; r++)
	{
		const OmniRule *rule = &rules[r];
		OmniRuleEffect *effect = &effects[r];

		memset(effect, 0, sizeof(OmniRuleEffect));
		effect->line_bit = -1;
		if (!is_about(rule, order))
			continue;
		if (rule->category[0] != '\0')
		{
			if (!mark_lines(rule, order, bits, line_rules))
				continue;
			if (bits < OMNI_RULES_BY_LINE)
				effect->line_bit = (int8_t) bits++;
		}
		effect->applied = true;
		if (rule->action == OMNI_RULE_PREFER)
			apply_preference(rule, candidates, ncandidates, effect, verdicts);
		else
			apply_filter(rule, r, candidates, ncandidates, effect, verdicts,
						 order->nlines, line_rules);
	}
}

/* May the candidate serve the line? */
bool
omni_rules_allow(const OmniRuleVerdict *verdict, uint64_t line_rules)
{
	return verdict->excluded_by < 0 && (verdict->barred & line_rules) == 0;
}

/* What a unit of the line costs more from there. */
int64_t
omni_rules_unit_surcharge(const OmniRule *rules, int nrules,
						  const OmniRuleEffect *effects,
						  const OmniRuleVerdict *verdict, uint64_t line_rules)
{
	uint64_t	dear = verdict->dear & line_rules;
	int64_t		surcharge = 0;

	if (dear == 0)
		return 0;
	for (int r = 0; r < nrules; r++)
	{
		if (effects[r].line_bit >= 0 && (dear >> effects[r].line_bit & 1))
			surcharge += rules[r].surcharge;
	}
	return surcharge;
}
