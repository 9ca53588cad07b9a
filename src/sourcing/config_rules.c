/*
 * config_rules.c
 *	  The routing rules and sourcing policies of the configuration.
 *
 * What a rule says of nodes that does not depend on the order (node, kind,
 * group, country, region) is worked out here, once, as a set of nodes.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "sourcing/config.h"
#include "types/types.h"

/* what holds until somebody says otherwise; doc/sourcing.md lists them */
#define DEFAULT_SPLIT_PENALTY	500
#define DEFAULT_LATE_FIXED		1000
#define DEFAULT_LATE_PER_DAY	500
#define DEFAULT_UNFILLED_COST	1000000
#define DEFAULT_UNIT_WEIGHT		500

/* ---- policies ---- */

/* What row r says, where it says something. */
static void
apply_policy(OmniNetworkPolicy *policy, const OmniRows *rows, int r)
{
	policy->split_penalty = omni_sourcing_int(rows, r, 2, INT8OID,
											  policy->split_penalty);
	if (!OMNI_ISNULL(rows, r, 3))
		policy->ship_complete = DatumGetBool(OMNI_VALUE(rows, r, 3));
	if (!OMNI_ISNULL(rows, r, 4))
		policy->whole_lines = DatumGetBool(OMNI_VALUE(rows, r, 4));
	policy->max_shipments = omni_sourcing_int(rows, r, 5, INT4OID,
											  policy->max_shipments);
	if (!OMNI_ISNULL(rows, r, 6))
	{
		const OmniAmount *amount = DatumGetOmniAmount(OMNI_VALUE(rows, r, 6));

		memcpy(policy->min_split_currency, amount->currency, 3);
		policy->min_split_currency[3] = '\0';
		policy->min_split_value = amount->minor;
	}
	policy->late_fixed = omni_sourcing_int(rows, r, 7, INT8OID,
										   policy->late_fixed);
	policy->late_per_day = omni_sourcing_int(rows, r, 8, INT8OID,
											 policy->late_per_day);
	policy->unfilled_cost = omni_sourcing_int(rows, r, 9, INT8OID,
											  policy->unfilled_cost);
	policy->unfilled_percent = omni_sourcing_int(rows, r, 10, INT4OID,
												 policy->unfilled_percent);
	policy->unit_weight_g = omni_sourcing_int(rows, r, 11, INT4OID,
											  policy->unit_weight_g);
}

/* Everybody's first, then those of channels over it. */
static void
load_policies(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT c.id, p.id, p.split_penalty, p.ship_complete,"
		" p.whole_lines, p.max_shipments, p.min_split_value, p.late_fixed,"
		" p.late_per_day, p.unfilled_cost, p.unfilled_percent,"
		" p.unit_weight_g"
		" FROM omni.sourcing_policy p"
		" LEFT JOIN omni.channel c ON c.code = p.channel"
		" ORDER BY p.channel IS NOT NULL, p.id",
		.custom_plan = true,
	};
	OmniRows	rows;
	OmniConfigPolicy *first;

	omni_sourcing_query(&query, snapshot, &rows);
	config->policies = omni_sourcing_keep(config, sizeof(OmniConfigPolicy) *
										  (rows.nrows + 1));
	config->npolicies = 1;
	first = &config->policies[0];
	first->policy.split_penalty = DEFAULT_SPLIT_PENALTY;
	first->policy.late_fixed = DEFAULT_LATE_FIXED;
	first->policy.late_per_day = DEFAULT_LATE_PER_DAY;
	first->policy.unfilled_cost = DEFAULT_UNFILLED_COST;
	first->policy.unit_weight_g = DEFAULT_UNIT_WEIGHT;
	for (int r = 0; r < rows.nrows; r++)
	{
		OmniConfigPolicy *policy = first;

		if (!OMNI_ISNULL(&rows, r, 0))
		{
			policy = &config->policies[config->npolicies++];
			*policy = *first;
			policy->channel = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
		}
		apply_policy(&policy->policy, &rows, r);
	}
}

/* ---- rules ---- */

/* columns of the rules' query */
enum
{
	RULE_POSITION, RULE_NAME, RULE_CHANNEL, RULE_COUNTRY, RULE_REGION,
	RULE_POSTAL_PREFIX, RULE_CATEGORY, RULE_MIN_VALUE, RULE_MAX_VALUE,
	RULE_NODE, RULE_NODE_KIND, RULE_NODE_GROUP, RULE_NODE_COUNTRY,
	RULE_NODE_REGION, RULE_WITHIN_KM, RULE_SAME_COUNTRY, RULE_SAME_REGION,
	RULE_SERVICE, RULE_ACTION, RULE_STRICT, RULE_SURCHARGE
};

/* A bound of the order's value. */
static void
read_value(const OmniRows *rows, int r, int c, OmniRule *rule, int64 *bound)
{
	const OmniAmount *amount;

	if (OMNI_ISNULL(rows, r, c))
		return;
	amount = DatumGetOmniAmount(OMNI_VALUE(rows, r, c));
	memcpy(rule->currency, amount->currency, 3);
	*bound = amount->minor;
}

/* When the rule holds. */
static void
read_conditions(const OmniRows *rows, int r, OmniRule *rule)
{
	rule->channel = omni_sourcing_int(rows, r, RULE_CHANNEL, INT8OID, 0);
	omni_sourcing_copy_text(rows, r, RULE_COUNTRY, rule->country,
							sizeof(rule->country));
	omni_sourcing_copy_text(rows, r, RULE_REGION, rule->region,
							sizeof(rule->region));
	omni_sourcing_copy_text(rows, r, RULE_POSTAL_PREFIX, rule->postal_prefix,
							sizeof(rule->postal_prefix));
	omni_sourcing_copy_text(rows, r, RULE_CATEGORY, rule->category,
							sizeof(rule->category));
	rule->min_value = PG_INT64_MIN;
	rule->max_value = PG_INT64_MAX;
	read_value(rows, r, RULE_MIN_VALUE, rule, &rule->min_value);
	read_value(rows, r, RULE_MAX_VALUE, rule, &rule->max_value);
}

/* Keep those nodes of a set that a test is true of. */
#define KEEP_NODES(config, set, test) \
	do { \
		for (int n = 0; n < (config)->nnodes; n++) \
		{ \
			const OmniNodeInfo *info = &(config)->nodes[n].info; \
			\
			if (!(test)) \
				(set)[n / 64] &= ~(UINT64CONST(1) << (n % 64)); \
		} \
	} while (0)

/* A member of a group. */
typedef struct Member
{
	int			node;			/* index */
	int16		rank;
} Member;

/* Members of a group that are active. */
static int
read_members(const OmniConfig *config, const OmniRows *members,
			 const char *group, Member *list)
{
	int			n = 0;

	for (int r = 0; r < members->nrows; r++)
	{
		char		code[65];
		int			node;

		omni_sourcing_copy_text(members, r, 0, code, sizeof(code));
		if (strcmp(code, group) != 0)
			continue;
		node = omni_sourcing_find_node(config,
									   DatumGetInt64(OMNI_VALUE(members, r,
																1)));
		if (node < 0)
			continue;
		list[n].node = node;
		list[n++].rank = DatumGetInt16(OMNI_VALUE(members, r, 2));
	}
	return n;
}

/* Limit the set to a group; a preference takes its ranks. */
static void
apply_group(OmniConfig *config, const OmniRows *members, const char *group,
			OmniRule *rule, uint64 *set)
{
	Member	   *list = palloc(sizeof(Member) * Max(members->nrows, 1));
	int			n = read_members(config, members, group, list);
	bool	   *is_member = palloc0(sizeof(bool) * Max(config->nnodes, 1));
	int16	   *ranks = omni_sourcing_keep(config, sizeof(int16) *
										   config->nnodes);

	for (int i = 0; i < n; i++)
	{
		is_member[list[i].node] = true;
		ranks[list[i].node] = list[i].rank;
		rule->max_rank = Max(rule->max_rank, list[i].rank);
	}
	rule->ranks = ranks;
	KEEP_NODES(config, set, info != NULL && is_member[n]);
	pfree(is_member);
	pfree(list);
}

/* Whom the rule is about, as far as the order does not decide. */
static void
read_nodes(OmniConfig *config, const OmniRows *rows, int r,
		   const OmniRows *members, OmniRule *rule)
{
	Size		words = config->nnodes / 64 + 1;
	uint64	   *set = omni_sourcing_keep(config, sizeof(uint64) * words);
	char		text[65];

	memset(set, 0xff, sizeof(uint64) * words);
	if (!OMNI_ISNULL(rows, r, RULE_NODE))
	{
		int64		id = DatumGetInt64(OMNI_VALUE(rows, r, RULE_NODE));

		KEEP_NODES(config, set, info->id == id);
	}
	omni_sourcing_copy_text(rows, r, RULE_NODE_KIND, text, sizeof(text));
	if (text[0] != '\0')
		KEEP_NODES(config, set,
				   strcmp(omni_master_node_kinds[info->kind], text) == 0);
	omni_sourcing_copy_text(rows, r, RULE_NODE_COUNTRY, text, sizeof(text));
	if (text[0] != '\0')
		KEEP_NODES(config, set, strcmp(info->country, text) == 0);
	omni_sourcing_copy_text(rows, r, RULE_NODE_REGION, text, sizeof(text));
	if (text[0] != '\0')
		KEEP_NODES(config, set, strcmp(info->region, text) == 0);
	omni_sourcing_copy_text(rows, r, RULE_NODE_GROUP, text, sizeof(text));
	if (text[0] != '\0')
		apply_group(config, members, text, rule, set);
	rule->nodes = set;
}

/* The service that candidates must offer; -2: it is not active. */
static int
read_service(const OmniConfig *config, const OmniRows *rows, int r)
{
	char		code[65];

	omni_sourcing_copy_text(rows, r, RULE_SERVICE, code, sizeof(code));
	if (code[0] == '\0')
		return -1;
	for (int s = 0; s < config->nservices; s++)
	{
		if (strcmp(config->services[s].code, code) == 0)
			return s;
	}
	return -2;
}

/* What the rule does. */
static void
read_action(const OmniRows *rows, int r, OmniRule *rule)
{
	char		action[16];

	omni_sourcing_copy_text(rows, r, RULE_ACTION, action, sizeof(action));
	rule->action = strcmp(action, "only") == 0 ? OMNI_RULE_ONLY :
		strcmp(action, "exclude") == 0 ? OMNI_RULE_EXCLUDE : OMNI_RULE_PREFER;
	rule->strict = DatumGetBool(OMNI_VALUE(rows, r, RULE_STRICT));
	rule->surcharge = omni_sourcing_int(rows, r, RULE_SURCHARGE, INT8OID, 0);
}

/* Groups' members: group, id of the node, rank. */
void
omni_sourcing_load_members(Snapshot snapshot, OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT m.node_group, n.id, m.rank"
		" FROM omni.node_group_member m JOIN omni.node n ON n.code = m.node",
		.custom_plan = true,
	};

	omni_sourcing_query(&query, snapshot, rows);
}

/* One rule. */
static void
read_rule(OmniConfig *config, const OmniRows *rows, int r,
		  const OmniRows *members, OmniRule *rule)
{
	int32		within_km;

	read_conditions(rows, r, rule);
	read_nodes(config, rows, r, members, rule);
	within_km = omni_sourcing_int(rows, r, RULE_WITHIN_KM, INT4OID, -1);
	rule->within_m = within_km < 0 ? -1 : INT64CONST(1000) * within_km;
	if (within_km >= 0)
		config->rules_ask_distance = true;
	rule->same_country = DatumGetBool(OMNI_VALUE(rows, r, RULE_SAME_COUNTRY));
	rule->same_region = DatumGetBool(OMNI_VALUE(rows, r, RULE_SAME_REGION));
	if (rule->same_country || rule->same_region)
		config->rules_ask_market = true;
	rule->service = read_service(config, rows, r);
	if (rule->service == -2)
	{
		/* nobody offers what is not active */
		rule->service = -1;
		rule->nodes = omni_sourcing_keep(config, sizeof(uint64) *
										 (config->nnodes / 64 + 1));
	}
	read_action(rows, r, rule);
}

/* The active rules, in their order. */
static void
load_rules(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT r.position, r.name, c.id, r.country, r.region,"
		" r.postal_prefix, r.item_category, r.min_value, r.max_value, n.id,"
		" r.node_kind, r.node_group, r.node_country, r.node_region,"
		" r.within_km, r.same_country, r.same_region, r.service, r.action,"
		" r.strict, r.surcharge"
		" FROM omni.routing_rule r"
		" LEFT JOIN omni.channel c ON c.code = r.channel"
		" LEFT JOIN omni.node n ON n.code = r.node"
		" WHERE r.active ORDER BY r.position",
		.custom_plan = true,
	};
	OmniRows	rows;
	OmniRows	members;

	omni_sourcing_query(&query, snapshot, &rows);
	config->nrules = rows.nrows;
	config->rules = omni_sourcing_keep(config, sizeof(OmniRule) * rows.nrows);
	config->rule_positions = omni_sourcing_keep(config, sizeof(int32) *
												rows.nrows);
	config->rule_names = omni_sourcing_keep(config, sizeof(char *) *
											rows.nrows);
	if (rows.nrows > 0)
		omni_sourcing_load_members(snapshot, &members);
	for (int r = 0; r < rows.nrows; r++)
	{
		config->rule_positions[r] =
			DatumGetInt32(OMNI_VALUE(&rows, r, RULE_POSITION));
		config->rule_names[r] = omni_sourcing_keep_text(config, &rows, r,
														RULE_NAME);
		read_rule(config, &rows, r, &members, &config->rules[r]);
	}
}

/* Rules and policies. */
void
omni_sourcing_load_rules(OmniConfig *config, Snapshot snapshot)
{
	load_policies(config, snapshot);
	load_rules(config, snapshot);
}
