/*
 * explain.c
 *	  omni.explain_routing(): what the network says of an order, node by node.
 *
 * The same reading that an order gets, put into words: who is a candidate, who
 * is not and why, what each term of the cost would be, and what every rule did.
 * Stock is not looked at: every node that is asked for counts as if it had the
 * units.
 */
#include "omni.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "sourcing/capacity.h"
#include "sourcing/config.h"
#include "sourcing/destination.h"
#include "sourcing/sourcing.h"
#include "types/currency_core.h"

PG_FUNCTION_INFO_V1(omni_sourcing_explain_routing);

/* The request as a document. */
typedef struct LineDocument
{
	char	   *sku;
	int32		quantity;
	OmniDecimal unit_price;
} LineDocument;

typedef struct RequestDocument
{
	char	   *channel;
	OmniMoment	placed_at;
	OmniMoment	promise_by;
	char	   *currency;
	OmniDecimal value;
	OmniDestinationDocument *destination;
	char	   *pickup_node;
	OmniList	lines;			/* LineDocument */
	OmniList	nodes;			/* char * */
} RequestDocument;

static const OmniField line_fields[] = {
	{"sku", OMNI_FIELD_TEXT, offsetof(LineDocument, sku), true},
	{"quantity", OMNI_FIELD_INTEGER, offsetof(LineDocument, quantity), true, 1},
	{"unit_price", OMNI_FIELD_DECIMAL, offsetof(LineDocument, unit_price)},
};

static const OmniShape line_shape = {
	line_fields, lengthof(line_fields), sizeof(LineDocument), 0, 10000
};

static const OmniField request_fields[] = {
	{"channel", OMNI_FIELD_TEXT, offsetof(RequestDocument, channel)},
	{"placed_at", OMNI_FIELD_TIMESTAMP, offsetof(RequestDocument, placed_at)},
	{"promise_by", OMNI_FIELD_TIMESTAMP, offsetof(RequestDocument, promise_by)},
	{"currency", OMNI_FIELD_TEXT, offsetof(RequestDocument, currency)},
	{"value", OMNI_FIELD_DECIMAL, offsetof(RequestDocument, value)},
	{"destination", OMNI_FIELD_OBJECT, offsetof(RequestDocument, destination), false, 0, &omni_sourcing_destination_shape},
	{"pickup_node", OMNI_FIELD_TEXT, offsetof(RequestDocument, pickup_node)},
	{"lines", OMNI_FIELD_LIST, offsetof(RequestDocument, lines), true, 0, &line_shape},
	{"nodes", OMNI_FIELD_TEXT_LIST, offsetof(RequestDocument, nodes)},
};

static const OmniShape request_shape = {
	request_fields, lengthof(request_fields), sizeof(RequestDocument)
};

/* ---- the request ---- */

/* A decimal in minor units, rounded down; OM006 without a currency, OM008. */
static int64
minor_units(const OmniDecimal *decimal, const char *currency)
{
	int			exponent;
	int64		minor = decimal->unscaled;

	if (!decimal->given)
		return -1;
	if (currency == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("key \"currency\" is missing in the routing request"),
				 errdetail("Values and prices are given.")));
	exponent = omni_types_currency_exponent(currency, strlen(currency));
	if (exponent < 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("key \"currency\" of the routing request is no code of ISO 4217")));
	for (int i = decimal->scale; i < exponent; i++)
	{
		if (minor > OMNI_RATE_MAX)
			ereport(ERROR,
					(errcode(OMNI_ERR_OUT_OF_RANGE),
					 errmsg("amount out of range")));
		minor *= 10;
	}
	for (int i = exponent; i < decimal->scale; i++)
		minor /= 10;
	return minor;
}

/* qsort comparator of int64 */
static int
compare_ids(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : left > right;
}

/* The nodes that are asked for; all active ones where none are named. */
static void
read_candidates(const RequestDocument *document, OmniNetworkRequest *request)
{
	int64	   *ids;
	int			n = 0;

	if (document->nodes.given)
	{
		char	  **codes = document->nodes.items;

		ids = palloc(sizeof(int64) * Max(document->nodes.n, 1));
		for (int i = 0; i < document->nodes.n; i++)
			ids[n++] = omni_master_node_id(codes[i]);
		qsort(ids, n, sizeof(int64), compare_ids);
	}
	else
	{
		const OmniNodeInfo *infos;
		int			ninfos = omni_master_nodes(&infos);

		ids = palloc(sizeof(int64) * Max(ninfos, 1));
		for (; n < ninfos; n++)
			ids[n] = infos[n].id;
	}
	request->candidates = ids;
	for (int i = 0; i < n; i++)
	{
		if (request->ncandidates == 0 ||
			ids[request->ncandidates - 1] != ids[i])
			ids[request->ncandidates++] = ids[i];
	}
}

/* The document as a request. */
static void
read_request(const RequestDocument *document, OmniNetworkRequest *request)
{
	LineDocument *documents = document->lines.items;
	OmniNetworkLine *lines;

	memset(request, 0, sizeof(OmniNetworkRequest));
	if (document->channel)
		request->channel = omni_master_channel_id(document->channel);
	request->at = document->placed_at.given ? document->placed_at.value :
		omni_core_now();
	request->promised = document->promise_by.given;
	request->promise_by = document->promise_by.value;
	if (document->destination)
		omni_sourcing_read_place(document->destination, &request->place);
	if (document->pickup_node)
		request->pickup_node = omni_master_node_id(document->pickup_node);
	request->currency = document->currency;
	request->value = minor_units(&document->value, document->currency);
	lines = palloc(sizeof(OmniNetworkLine) * Max(document->lines.n, 1));
	for (int l = 0; l < document->lines.n; l++)
	{
		lines[l].item = omni_master_item_id(documents[l].sku);
		lines[l].quantity = documents[l].quantity;
		lines[l].price = minor_units(&documents[l].unit_price,
									 document->currency);
	}
	request->nlines = document->lines.n;
	request->lines = lines;
	read_candidates(document, request);
}

/* ---- the answer ---- */

/* A number, or null where it is below 0. */
static void
append_limit(StringInfo json, const char *key, int64 value)
{
	if (value < 0)
		appendStringInfo(json, ",\"%s\":null", key);
	else
		appendStringInfo(json, ",\"%s\":" INT64_FORMAT, key, value);
}

/* Grams of the whole order, as far as they count. */
static int64
order_weight(const OmniNetwork *network, const OmniNetworkRequest *request)
{
	int64		grams = 0;

	for (int l = 0; l < network->nlines; l++)
		grams += network->lines[l].weight_g * request->lines[l].quantity;
	return grams;
}

/* Freight of so many grams by an option. */
static int64
option_freight(const OmniNetwork *network, const OmniNetworkOption *option,
			   int64 grams)
{
	const OmniRateScale *scale = &network->scale;
	int64		brackets;

	brackets = (Max(grams, 1) + scale->bracket_g - 1) / scale->bracket_g;
	return brackets / scale->brackets * option->cost[scale->brackets] +
		option->cost[brackets % scale->brackets] + option->surcharge;
}

/* The ways in which a node can send the whole order. */
static void
describe_options(const OmniNetwork *network, int freight, int64 grams,
				 StringInfo json)
{
	appendStringInfoString(json, ",\"services\":[");
	for (int o = 0; freight >= 0 && o < network->freights[freight].noptions;
		 o++)
	{
		const OmniNetworkOption *option =
			&network->options[network->freights[freight].first_option + o];

		appendStringInfo(json, "%s{\"service\":", o > 0 ? "," : "");
		escape_json(json, omni_network_service_code(network, option->service));
		appendStringInfo(json, ",\"zone\":%d", option->zone);
		omni_sourcing_append_day(json, "ship_day", option->ship_day);
		omni_sourcing_append_day(json, "delivery_day", option->delivery_day);
		appendStringInfo(json, ",\"late_days\":%d,\"lateness_cost\":" INT64_FORMAT
						 ",\"freight\":" INT64_FORMAT "}",
						 option->late_days, option->surcharge,
						 option_freight(network, option, grams) -
						 option->surcharge);
	}
	appendStringInfoChar(json, ']');
}

/* Why a node is none, or null. */
static void
describe_exclusion(const OmniNetwork *network, const OmniNetworkNode *node,
				   StringInfo json)
{
	appendStringInfoString(json, ",\"excluded\":");
	if (node->node < 0)
		appendStringInfoString(json, "\"not_active\"");
	else if (node->freight < 0)
		appendStringInfoString(json, "\"no_service\"");
	else if (node->unit_cap == 0)
		appendStringInfoString(json, "\"no_capacity\"");
	else if (node->verdict.excluded_by >= 0)
		appendStringInfo(json, "\"rule %d\"",
						 omni_network_rule_position(network,
													node->verdict.excluded_by));
	else
		appendStringInfoString(json, "null");
}

/* What its units cost, line by line; null where it may not serve the line. */
static void
describe_lines(const OmniNetwork *network, int node, StringInfo json)
{
	appendStringInfoString(json, ",\"unit_costs\":[");
	for (int l = 0; l < network->nlines; l++)
	{
		if (l > 0)
			appendStringInfoChar(json, ',');
		if (!omni_network_allowed(network, node, l))
			appendStringInfoString(json, "null");
		else
			appendStringInfo(json, INT64_FORMAT,
							 omni_network_unit_cost(network, node, l));
	}
	appendStringInfoChar(json, ']');
}

/* One node. */
static void
describe_node(const OmniNetwork *network, int n, int64 grams, StringInfo json)
{
	const OmniNetworkNode *node = &network->nodes[n];
	char	   *code = omni_master_node_code(node->id);

	appendStringInfoString(json, "{\"node\":");
	escape_json(json, code ? code : "");
	describe_exclusion(network, node, json);
	append_limit(json, "zone", node->zone);
	omni_sourcing_append_day(json, "ship_day", node->ship_day);
	if (node->distance_m >= 0)
		appendStringInfo(json, ",\"distance_km\":" INT64_FORMAT "." INT64_FORMAT,
						 node->distance_m / 1000, node->distance_m % 1000 / 100);
	appendStringInfo(json, ",\"shipment_cost\":" INT64_FORMAT
					 ",\"distance_cost\":" INT64_FORMAT
					 ",\"rule_cost\":" INT64_FORMAT,
					 node->shipment_cost, node->distance_cost,
					 node->rule_cost);
	describe_lines(network, n, json);
	append_limit(json, "unit_cap", node->unit_cap);
	append_limit(json, "soft_cap", node->soft_cap);
	appendStringInfo(json, ",\"over_cost\":" INT64_FORMAT, node->over_cost);
	describe_options(network, node->freight, grams, json);
	appendStringInfoChar(json, '}');
}

/* What the rules did. */
static void
describe_rules(const OmniNetwork *network, StringInfo json)
{
	static const char *const actions[] = {"only", "exclude", "prefer"};

	appendStringInfoString(json, "\"rules\":[");
	for (int r = 0; r < network->nrules; r++)
	{
		const OmniRuleEffect *effect = &network->effects[r];

		appendStringInfo(json, "%s{\"position\":%d,\"name\":",
						 r > 0 ? "," : "",
						 omni_network_rule_position(network, r));
		escape_json(json, omni_network_rule_name(network, r));
		appendStringInfo(json, ",\"action\":\"%s\",\"applied\":%s,"
						 "\"dropped\":%s,\"nodes\":%d}",
						 actions[network->rules[r].action],
						 effect->applied ? "true" : "false",
						 effect->dropped ? "true" : "false", effect->nodes);
	}
	appendStringInfoChar(json, ']');
}

/* What is said of lines and splits. */
static void
describe_policy(const OmniNetwork *network, StringInfo json)
{
	const OmniNetworkPolicy *policy = &network->policy;

	appendStringInfo(json, "\"policy\":{\"split_penalty\":" INT64_FORMAT
					 ",\"ship_complete\":%s,\"max_shipments\":",
					 policy->split_penalty,
					 policy->ship_complete ? "true" : "false");
	if (policy->max_shipments > 0)
		appendStringInfo(json, "%d", policy->max_shipments);
	else
		appendStringInfoString(json, "null");
	appendStringInfoString(json, ",\"min_split_value\":");
	if (policy->min_split_currency[0] != '\0')
		appendStringInfo(json, INT64_FORMAT ",\"min_split_currency\":\"%s\"",
						 policy->min_split_value, policy->min_split_currency);
	else
		appendStringInfoString(json, "null");
	appendStringInfoString(json, "},\"lines\":[");
	for (int l = 0; l < network->nlines; l++)
	{
		const OmniNetworkLineInfo *line = &network->lines[l];

		appendStringInfo(json, "%s{\"weight_g\":" INT64_FORMAT
						 ",\"unfilled_cost\":" INT64_FORMAT
						 ",\"splittable\":%s}", l > 0 ? "," : "",
						 line->weight_g, line->unfilled,
						 line->splittable ? "true" : "false");
	}
	appendStringInfoChar(json, ']');
}

/*
 * omni.explain_routing(request jsonb) RETURNS jsonb: what the network says of
 * an order as if every node had the units, with what is left of its capacity
 * (on a standby: with all of it); doc/network.md has the keys.  OM002
 * for NULL and unknown codes, OM006 and OM008 for what is wrong with the
 * document.  Reserves and writes nothing.
 */
Datum
omni_sourcing_explain_routing(PG_FUNCTION_ARGS)
{
	RequestDocument document;
	OmniNetworkRequest request;
	OmniNetwork *network;
	StringInfoData json;
	int64		grams;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "request")));
	omni_core_read_document(PG_GETARG_JSONB_P(0), &request_shape,
							"routing request", &document);
	read_request(&document, &request);
	/* a standby has no counters, nor has who has promised nothing yet */
	if (!RecoveryInProgress() && omni_core_is_adopted())
	{
		request.used = omni_sourcing_used;
		request.used_context = omni_sourcing_used_begin(request.candidates,
														request.ncandidates);
	}
	network = omni_network_read(&request);
	grams = order_weight(network, &request);
	initStringInfo(&json);
	appendStringInfo(&json, "{\"built_in\":%s,\"bracket_g\":%d,"
					 "\"no_service\":%d,\"no_capacity\":%d,",
					 omni_network_is_built_in(network) ? "true" : "false",
					 network->scale.bracket_g, network->no_service,
					 network->no_capacity);
	describe_policy(network, &json);
	appendStringInfoChar(&json, ',');
	describe_rules(network, &json);
	appendStringInfoString(&json, ",\"nodes\":[");
	for (int n = 0; n < network->nnodes; n++)
	{
		if (n > 0)
			appendStringInfoChar(&json, ',');
		describe_node(network, n, grams, &json);
	}
	appendStringInfoString(&json, "]}");
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
