/*
 * reasons.c
 *	  A plan of one address in words: who ships what at which cost, by when, and
 *	  why not others.
 *
 * A plan is stored with every order, so what is 0 or false is left out where
 * that says the same; doc/sourcing.md has the members.
 */
#include "omni.h"

#include "utils/datetime.h"
#include "utils/json.h"

#include "master/master.h"
#include "sourcing/sourcing.h"

/* A date, or null. */
void
omni_sourcing_append_day(StringInfo json, const char *key, int32 day)
{
	int			year;
	int			month;
	int			of_month;

	if (day == OMNI_NO_DAY)
	{
		appendStringInfo(json, ",\"%s\":null", key);
		return;
	}
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &of_month);
	appendStringInfo(json, ",\"%s\":\"%04d-%02d-%02d\"", key, year, month,
					 of_month);
}

/* A term of the cost, unless it is 0. */
static void
append_term(StringInfo json, const char *key, int64 value)
{
	if (value != 0)
		appendStringInfo(json, ",\"%s\":" INT64_FORMAT, key, value);
}

/* A node's code, units and, where known, its distance: without braces. */
static void
append_node(const OmniNetworkNode *node, int64 units, StringInfo json)
{
	char	   *code = omni_master_node_code(node->id);

	appendStringInfoString(json, "{\"node\":");
	escape_json(json, code ? code : "");
	appendStringInfo(json, ",\"units\":" INT64_FORMAT, units);
	if (node->distance_m >= 0)
		appendStringInfo(json, ",\"distance_km\":" INT64_FORMAT "." INT64_FORMAT,
						 node->distance_m / 1000,
						 node->distance_m % 1000 / 100);
}

/* What a shipment costs, and when it comes. */
static void
append_shipment(const OmniSourcing *sourcing, const OmniSolveShipment *shipment,
				StringInfo json)
{
	const OmniNetwork *network = sourcing->network;
	const OmniNetworkNode *node =
		&network->nodes[sourcing->candidates[shipment->node]];
	const OmniNetworkOption *option = &network->options[shipment->option];

	append_node(node, shipment->units, json);
	appendStringInfoString(json, ",\"service\":");
	escape_json(json, omni_network_service_code(network, option->service));
	omni_sourcing_append_day(json, "ship_day", option->ship_day);
	omni_sourcing_append_day(json, "delivery_day", option->delivery_day);
	append_term(json, "late_days", option->late_days);
	appendStringInfo(json, ",\"cost\":" INT64_FORMAT ",\"freight\":" INT64_FORMAT,
					 shipment->fixed + shipment->freight +
					 shipment->surcharge + shipment->unit_costs +
					 shipment->over, shipment->freight);
	append_term(json, "shipment_cost", node->shipment_cost);
	append_term(json, "distance_cost", node->distance_cost);
	append_term(json, "rule_cost", node->rule_cost);
	append_term(json, "lateness_cost", shipment->surcharge);
	append_term(json, "unit_costs", shipment->unit_costs);
	append_term(json, "over_cost", shipment->over);
	appendStringInfoChar(json, '}');
}

/* The best of those that were not chosen. */
static void
append_losers(const OmniSourcing *sourcing, StringInfo json)
{
	appendStringInfoString(json, "],\"losers\":[");
	for (int l = 0; l < sourcing->nlosers; l++)
	{
		const OmniSourcingLoser *loser = &sourcing->losers[l];

		if (l > 0)
			appendStringInfoChar(json, ',');
		append_node(&sourcing->network->nodes
					[sourcing->candidates[loser->node]], loser->units, json);
		appendStringInfo(json, ",\"extra_cost\":" INT64_FORMAT "}",
						 loser->extra_cost);
	}
}

/* How many nodes each reason, and each rule, kept out. */
static void
append_excluded(const OmniSourcing *sourcing, StringInfo json)
{
	const OmniNetwork *network = sourcing->network;
	bool		first = true;

	appendStringInfo(json, "],\"candidates\":%d,\"excluded\":{\"rejected\":%d",
					 sourcing->problem.nnodes, sourcing->rejected);
	append_term(json, "not_shipping", sourcing->not_shipping);
	append_term(json, "no_service", network->no_service);
	append_term(json, "no_capacity", network->no_capacity);
	for (int r = 0; r < network->nrules; r++)
	{
		const OmniRuleEffect *effect = &network->effects[r];

		if (network->rules[r].action == OMNI_RULE_PREFER ||
			(effect->nodes == 0 && !effect->dropped))
			continue;
		appendStringInfo(json, "%s{\"position\":%d,\"name\":",
						 first ? ",\"rules\":[" : ",",
						 omni_network_rule_position(network, r));
		first = false;
		escape_json(json, omni_network_rule_name(network, r));
		appendStringInfo(json, ",\"nodes\":%d%s}", effect->nodes,
						 effect->dropped ? ",\"dropped\":true" : "");
	}
	appendStringInfoString(json, first ? "}" : "]}");
}

/* "Why not this node?" */
static void
append_answer(const OmniSourcing *sourcing, const OmniSourcingAnswer *answer,
			  StringInfo json)
{
	static const char *const verdicts[] = {
		"chosen", "candidate", "not_active", "no_stock", "not_shipping",
		"rejected", "no_service", "no_capacity", "routing_rule"
	};
	const OmniNetwork *network = sourcing->network;
	const OmniNetworkNode *node;

	if (answer->candidate < 0)
	{
		char	   *code = omni_master_node_code(answer->node);

		appendStringInfoString(json, "{\"node\":");
		escape_json(json, code ? code : "");
		appendStringInfo(json, ",\"units\":0,\"verdict\":\"%s\","
						 "\"extra_cost\":null}", verdicts[answer->verdict]);
		return;
	}
	node = &network->nodes[answer->candidate];
	append_node(node, answer->units, json);
	appendStringInfo(json, ",\"verdict\":\"%s\"", verdicts[answer->verdict]);
	if (answer->verdict == OMNI_NODE_RULE && node->verdict.excluded_by >= 0)
	{
		appendStringInfo(json, ",\"position\":%d,\"rule\":",
						 omni_network_rule_position(network,
													node->verdict.excluded_by));
		escape_json(json, omni_network_rule_name(network,
												 node->verdict.excluded_by));
	}
	if (node->freight >= 0)
		omni_sourcing_append_day(json, "ship_day", node->ship_day);
	append_term(json, "shipment_cost", node->shipment_cost);
	append_term(json, "distance_cost", node->distance_cost);
	append_term(json, "rule_cost", node->rule_cost);
	if (answer->extra_cost < 0)
		appendStringInfoString(json, ",\"extra_cost\":null}");
	else
		appendStringInfo(json, ",\"extra_cost\":" INT64_FORMAT "}",
						 answer->extra_cost);
}

/* Append the plan's reasons. */
void
omni_sourcing_describe(const OmniSourcing *sourcing, StringInfo json)
{
	const OmniSolution *solution = &sourcing->solution;

	appendStringInfo(json, "\"method\":\"%s\",\"wanted\":" INT64_FORMAT
					 ",\"planned\":" INT64_FORMAT ",\"cost\":" INT64_FORMAT
					 ",\"bound\":" INT64_FORMAT ",\"proven\":%s",
					 solution->nshipments == 0 ? "none" :
					 sourcing->proven ? "optimal" : "best_found",
					 sourcing->wanted, sourcing->planned, sourcing->cost,
					 sourcing->lower_bound,
					 sourcing->proven ? "true" : "false");
	append_term(json, "split_cost", solution->split_cost);
	append_term(json, "unfilled_cost", sourcing->unfilled_cost);
	appendStringInfoString(json, ",\"nodes\":[");
	for (int s = 0; s < solution->nshipments; s++)
	{
		if (s > 0)
			appendStringInfoChar(json, ',');
		append_shipment(sourcing, &solution->shipments[s], json);
	}
	append_losers(sourcing, json);
	append_excluded(sourcing, json);
	appendStringInfo(json, ",\"max_nodes_reached\":%s",
					 sourcing->stopped ? "true" : "false");
	if (sourcing->nanswers == 0)
		return;
	appendStringInfoString(json, ",\"explain\":[");
	for (int i = 0; i < sourcing->nanswers; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		append_answer(sourcing, &sourcing->answers[i], json);
	}
	appendStringInfoChar(json, ']');
}
