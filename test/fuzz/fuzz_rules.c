/*
 * fuzz_rules.c
 *	  libFuzzer target for src/sourcing/rules_core.c: any rules over a few
 *	  nodes and lines, against the rules taken one candidate at a time.
 */
#include "bytes.h"
#include "check.h"

#include "sourcing/rules_core.h"

#define MAX_RULES	6
#define MAX_NODES	7
#define MAX_LINES	4

static const char *const categories[] = {"", "toys", "toys/outdoor", "toysx",
"food"};

typedef struct Case
{
	uint64_t	sets[MAX_RULES];
	int16_t		ranks[MAX_RULES][MAX_NODES];
	OmniRule	rules[MAX_RULES];
	int			nrules;
	OmniRuleNode nodes[MAX_NODES];
	int			nnodes;
	const char *lines[MAX_LINES];
	OmniRuleOrder order;
} Case;

static void
make_rule(Bytes *bytes, Case *c, int r)
{
	OmniRule   *rule = &c->rules[r];
	int			flags = next_byte(bytes);

	c->sets[r] = (uint64_t) next_byte(bytes);
	rule->nodes = flags & 1 ? NULL : &c->sets[r];
	rule->strict = flags & 2;
	rule->same_country = (flags & 12) == 12;
	rule->same_region = (flags & 48) == 48;
	rule->action = next_byte(bytes) % 3;
	rule->channel = next_byte(bytes) % 5 == 0 ? 2 : 0;
	rule->within_m = next_byte(bytes) % 2 ? next_number(bytes, 300) : -1;
	rule->service = next_byte(bytes) % 3 ? -1 : next_byte(bytes) % 2;
	rule->surcharge = 1 + next_byte(bytes);
	rule->min_value = INT64_MIN;
	rule->max_value = INT64_MAX;
	if (next_byte(bytes) % 4 == 0)
	{
		rule->min_value = next_byte(bytes);
		strcpy(rule->currency, next_byte(bytes) % 2 ? "USD" : "EUR");
	}
	strcpy(rule->category, categories[next_byte(bytes) % 5]);
	strcpy(rule->postal_prefix, next_byte(bytes) % 4 ? "" : "55");
	if (next_byte(bytes) % 2)
	{
		rule->ranks = c->ranks[r];
		for (int n = 0; n < MAX_NODES; n++)
		{
			c->ranks[r][n] = next_byte(bytes) % 4;
			if (c->ranks[r][n] > rule->max_rank)
				rule->max_rank = c->ranks[r][n];
		}
	}
}

static void
make_case(Bytes *bytes, Case *c)
{
	static const char *const codes[] = {"55425", "5", ""};

	memset(c, 0, sizeof(Case));
	c->order.channel = 1 + next_byte(bytes) % 2;
	c->order.value = next_byte(bytes) - 1;
	c->order.currency = "USD";
	c->order.country = "US";
	c->order.region = "MN";
	c->order.postal_code = codes[next_byte(bytes) % 3];
	c->order.nlines = next_byte(bytes) % (MAX_LINES + 1);
	for (int l = 0; l < c->order.nlines; l++)
		c->lines[l] = categories[next_byte(bytes) % 5];
	c->order.categories = c->lines;
	c->nnodes = next_byte(bytes) % (MAX_NODES + 1);
	for (int n = 0; n < c->nnodes; n++)
	{
		int			flags = next_byte(bytes);

		c->nodes[n].node = flags % 16 == 15 ? -1 : n;
		c->nodes[n].distance_m = next_number(bytes, 301) - 1;
		c->nodes[n].services = flags >> 4 & 3;
		c->nodes[n].same_country = flags & 1;
		c->nodes[n].same_region = flags & 2;
	}
	c->nrules = next_byte(bytes) % (MAX_RULES + 1);
	for (int r = 0; r < c->nrules; r++)
		make_rule(bytes, c, r);
}

/* ---- one at a time ---- */

static bool
named_slowly(const OmniRule *rule, const OmniRuleNode *node)
{
	bool		named = true;

	if (rule->nodes)
		named &= (*rule->nodes & (UINT64_C(1) << node->node)) != 0;
	if (rule->within_m >= 0)
		named &= node->distance_m >= 0 && node->distance_m <= rule->within_m;
	if (rule->service >= 0)
		named &= (node->services & (UINT64_C(1) << rule->service)) != 0;
	if (rule->same_country)
		named &= node->same_country;
	if (rule->same_region)
		named &= node->same_region;
	return named;
}

static bool
about_slowly(const OmniRule *rule, const OmniRuleOrder *order)
{
	bool		about = rule->channel == 0 || rule->channel == order->channel;

	if (rule->postal_prefix[0])
		about &= strlen(order->postal_code) >= 2 &&
			memcmp(order->postal_code, "55", 2) == 0;
	if (rule->min_value != INT64_MIN)
		about &= strcmp(rule->currency, "USD") == 0 && order->value >= 0 &&
			order->value >= rule->min_value;
	return about;
}

static bool
line_slowly(const OmniRule *rule, const char *category)
{
	size_t		n = strlen(rule->category);

	return n == 0 || (strlen(category) >= n &&
					  memcmp(category, rule->category, n) == 0 &&
					  (category[n] == 0 || category[n] == '/'));
}

/* served[n][l]: may node n serve line l?  Column MAX_LINES: any order. */
static void
apply_slowly(const Case *c, bool served[MAX_NODES][MAX_LINES + 1],
			 int64_t dear[MAX_NODES][MAX_LINES + 1])
{
	for (int n = 0; n < c->nnodes; n++)
	{
		for (int l = 0; l <= MAX_LINES; l++)
		{
			served[n][l] = c->nodes[n].node >= 0;
			dear[n][l] = 0;
		}
	}
	for (int r = 0; r < c->nrules; r++)
	{
		const OmniRule *rule = &c->rules[r];
		bool		of_lines = rule->category[0] != '\0';
		bool		hit[MAX_LINES + 1] = {false};
		bool		drop = false;

		if (!about_slowly(rule, &c->order))
			continue;
		for (int l = 0; l <= MAX_LINES; l++)
			hit[l] = !of_lines || (l < c->order.nlines &&
								   line_slowly(rule, c->lines[l]));
		if (rule->action != OMNI_RULE_PREFER && !rule->strict)
		{
			for (int l = 0; l <= MAX_LINES; l++)
			{
				bool		left = false;

				if (!hit[l] || (!of_lines && l < MAX_LINES))
					continue;
				for (int n = 0; n < c->nnodes; n++)
					left |= served[n][l] && served[n][MAX_LINES] &&
						named_slowly(rule, &c->nodes[n]) ==
						(rule->action == OMNI_RULE_ONLY);
				drop |= !left;
			}
		}
		for (int n = 0; n < c->nnodes && !drop; n++)
		{
			bool		named;

			if (!served[n][MAX_LINES])
				continue;
			named = named_slowly(rule, &c->nodes[n]);
			for (int l = 0; l <= MAX_LINES; l++)
			{
				int			steps = !named ? rule->max_rank + 1 :
					rule->ranks ? rule->ranks[n] : 0;

				if (!hit[l])
					continue;
				if (rule->action == OMNI_RULE_PREFER)
					dear[n][l] += rule->surcharge *
						(of_lines ? steps > 0 : steps);
				else if (named != (rule->action == OMNI_RULE_ONLY))
					served[n][l] = false;
			}
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes		bytes = {data, size, 1};
	Case		c;
	OmniRuleEffect effects[MAX_RULES];
	OmniRuleVerdict verdicts[MAX_NODES];
	uint64_t	lines[MAX_LINES];
	bool		served[MAX_NODES][MAX_LINES + 1];
	int64_t		dear[MAX_NODES][MAX_LINES + 1];
	int			excluded[MAX_RULES] = {0};

	if (size == 0)
		return 0;
	make_case(&bytes, &c);
	omni_rules_apply(c.rules, c.nrules, &c.order, c.nodes, c.nnodes, effects,
					 verdicts, lines);
	apply_slowly(&c, served, dear);
	for (int n = 0; n < c.nnodes; n++)
	{
		bool		left = c.nodes[n].node >= 0 &&
			verdicts[n].excluded_by < 0;

		CHECK(left == served[n][MAX_LINES]);
		if (verdicts[n].excluded_by >= 0)
			excluded[verdicts[n].excluded_by]++;
		if (!left)
			continue;
		CHECK(verdicts[n].surcharge == dear[n][MAX_LINES]);
		for (int l = 0; l < c.order.nlines; l++)
		{
			CHECK(omni_rules_allow(&verdicts[n], lines[l]) == served[n][l]);
			CHECK(omni_rules_unit_surcharge(c.rules, c.nrules, effects,
											&verdicts[n], lines[l]) +
				  verdicts[n].surcharge == dear[n][l]);
		}
	}
	for (int r = 0; r < c.nrules; r++)
	{
		if (c.rules[r].action != OMNI_RULE_PREFER && effects[r].line_bit < 0)
			CHECK(effects[r].nodes == excluded[r]);
		if (effects[r].dropped)
			CHECK(effects[r].nodes == 0 && !c.rules[r].strict);
	}
	return 0;
}
