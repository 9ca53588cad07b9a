/*
 * sourcing.c
 *	  From counters and master data to a plan, and its reasons in words.
 *
 * - Candidates are the nodes whose counters have units now, that are active,
 *	 ship, and have not rejected the order before; each rule counts whom it
 *	 kept out.
 * - With a located destination a parcel costs its distance in metres; a node
 *	 without coordinates ranks behind every other.  Where only the country is
 *	 known, nodes of that country come first, then by kind (warehouse, store,
 *	 dropship, virtual), then by id; such costs are ranks, not metres.
 * - Planning takes no lock and promises nothing.
 */
#include "omni.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "master/master.h"
#include "sourcing/sourcing.h"
#include "stock/stock.h"

/* farther than any place on earth */
#define COST_UNLOCATED		INT64CONST(100000000)
#define COST_ABROAD			INT64CONST(1000000)
#define COST_KIND			INT64CONST(1000)

/* Why a node with stock is no candidate. */
typedef enum NodeVerdict
{
	NODE_UNSEEN,
	NODE_ALLOWED,
	NODE_NOT_SHIPPING,
	NODE_REJECTED
} NodeVerdict;

/* Gathering: the growing problem. */
typedef struct Gathering
{
	const OmniSourcingRequest *request;
	const OmniNodeInfo *infos;	/* every active node, ascending by id */
	int			ninfos;
	int32	   *index;			/* by info: node in the problem, or -1 */
	uint8	   *verdict;		/* by info: NodeVerdict */
	OmniPlanNode *nodes;
	int			nnodes;
	OmniPlanItem *items;
	OmniPlanOffer *offers;
	int			noffers;
	int			max_offers;
	OmniSourcing *sourcing;
} Gathering;

/* Kinds in the order in which they are asked when distance is unknown. */
static int
kind_rank(OmniNodeKind kind)
{
	switch (kind)
	{
		case OMNI_NODE_WAREHOUSE:
			return 0;
		case OMNI_NODE_STORE:
			return 1;
		case OMNI_NODE_DROPSHIP:
			return 2;
		case OMNI_NODE_VIRTUAL:
			break;
	}
	return 3;
}

/* What one parcel from the node costs. */
static int64
parcel_cost(const OmniDestination *destination, const OmniNodeInfo *node)
{
	if (destination->located)
	{
		if (!node->located)
			return COST_UNLOCATED + COST_KIND * kind_rank(node->kind);
		return omni_sourcing_distance(destination->latitude,
									  destination->longitude,
									  node->latitude, node->longitude);
	}
	return COST_KIND * kind_rank(node->kind) +
		(strcmp(destination->country, node->country) == 0 ? 0 : COST_ABROAD);
}

/* Place of a node among all active ones, or -1. */
static int
find_info(const Gathering *gathering, int64 node)
{
	int			low = 0;
	int			high = gathering->ninfos - 1;

	/* ids without gaps are the usual case */
	if (high >= 0)
	{
		int64		guess = node - gathering->infos[0].id;

		if (guess >= 0 && guess <= high && gathering->infos[guess].id == node)
			return (int) guess;
	}
	while (low <= high)
	{
		int			middle = low + (high - low) / 2;

		if (gathering->infos[middle].id == node)
			return middle;
		if (gathering->infos[middle].id < node)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

/* Has the node rejected this order before? */
static bool
is_rejected(const OmniSourcingRequest *request, int64 node)
{
	for (int i = 0; i < request->nrejected; i++)
	{
		if (request->rejected[i] == node)
			return true;
	}
	return false;
}

/* The rules, once for each node. */
static NodeVerdict
judge_node(Gathering *gathering, int info)
{
	const OmniNodeInfo *node = &gathering->infos[info];

	if (!node->ships)
	{
		gathering->sourcing->not_shipping++;
		return NODE_NOT_SHIPPING;
	}
	if (is_rejected(gathering->request, node->id))
	{
		gathering->sourcing->rejected++;
		return NODE_REJECTED;
	}
	return NODE_ALLOWED;
}

/* Keep an offer. */
static void
add_offer(Gathering *gathering, int info, int32 units)
{
	OmniPlanOffer *offer;

	if (gathering->noffers == gathering->max_offers)
	{
		gathering->max_offers *= 2;
		gathering->offers = repalloc_huge(gathering->offers,
										  sizeof(OmniPlanOffer) *
										  (Size) gathering->max_offers);
	}
	offer = &gathering->offers[gathering->noffers++];
	offer->node = info;			/* made an index in nodes later */
	offer->units = units;
}

/* The offers of one item. */
static void
gather_item(Gathering *gathering, OmniPlanItem *item)
{
	const OmniSourcingRequest *request = gathering->request;
	OmniStockCandidate *candidates;
	int			ncandidates;

	item->limit = omni_stock_available(item->id, OMNI_POOL);
	if (request->taken)
		item->limit -= request->taken(request->taken_context, item->id,
									  OMNI_POOL);
	item->first_offer = gathering->noffers;
	ncandidates = omni_stock_candidates(item->id, &candidates);
	for (int c = 0; c < ncandidates; c++)
	{
		int			info = find_info(gathering, candidates[c].node);
		int64		units = candidates[c].available;

		/* deactivated since its counter was read */
		if (info < 0)
			continue;
		if (gathering->verdict[info] == NODE_UNSEEN)
			gathering->verdict[info] = judge_node(gathering, info);
		if (gathering->verdict[info] != NODE_ALLOWED)
			continue;
		if (request->taken)
			units -= request->taken(request->taken_context, item->id,
									candidates[c].node);
		if (units > 0)
			add_offer(gathering, info, (int32) units);
	}
	item->noffers = gathering->noffers - item->first_offer;
	if (ncandidates > 0)
		pfree(candidates);
}

/* Number the nodes that have an offer, ascending by id. */
static void
number_nodes(Gathering *gathering)
{
	for (int o = 0; o < gathering->noffers; o++)
		gathering->index[gathering->offers[o].node] = 0;
	for (int n = 0; n < gathering->ninfos; n++)
	{
		OmniPlanNode *node;

		if (gathering->index[n] < 0)
			continue;
		gathering->index[n] = gathering->nnodes;
		node = &gathering->nodes[gathering->nnodes++];
		node->id = gathering->infos[n].id;
		node->cost = parcel_cost(&gathering->request->destination,
								 &gathering->infos[n]);
	}
	for (int o = 0; o < gathering->noffers; o++)
		gathering->offers[o].node =
			gathering->index[gathering->offers[o].node];
}

/* Everything that the solver needs to know. */
static void
gather_problem(Gathering *gathering)
{
	const OmniSourcingRequest *request = gathering->request;
	OmniPlanProblem *problem = &gathering->sourcing->problem;

	gathering->ninfos = omni_master_nodes(&gathering->infos);
	gathering->index = palloc(sizeof(int32) * (gathering->ninfos + 1));
	memset(gathering->index, 0xff, sizeof(int32) * (gathering->ninfos + 1));
	gathering->verdict = palloc0(gathering->ninfos + 1);
	gathering->nodes = palloc(sizeof(OmniPlanNode) * (gathering->ninfos + 1));
	gathering->items = palloc(sizeof(OmniPlanItem) * request->nitems);
	gathering->max_offers = 256;
	gathering->offers = palloc(sizeof(OmniPlanOffer) * gathering->max_offers);

	for (int i = 0; i < request->nitems; i++)
	{
		gathering->items[i].id = request->items[i];
		gathering->items[i].wanted = request->wanted[i];
		gather_item(gathering, &gathering->items[i]);
		CHECK_FOR_INTERRUPTS();
	}
	number_nodes(gathering);

	problem->nnodes = gathering->nnodes;
	problem->nodes = gathering->nodes;
	problem->nitems = request->nitems;
	problem->items = gathering->items;
	problem->noffers = gathering->noffers;
	problem->offers = gathering->offers;
	problem->max_nodes = request->max_nodes;
}

/* Plan one address. */
OmniSourcing *
omni_sourcing_plan(const OmniSourcingRequest *request)
{
	OmniSourcing *sourcing = palloc0(sizeof(OmniSourcing));
	Gathering	gathering = {.request = request, .sourcing = sourcing};
	OmniPlan   *plan = &sourcing->plan;
	void	   *workspace;

	sourcing->distances = request->destination.located;
	gather_problem(&gathering);
	plan->parts = palloc_extended(sizeof(OmniPlanPart) *
								  ((Size) gathering.noffers + 1),
								  MCXT_ALLOC_HUGE);
	plan->chosen = palloc(sizeof(int32) * (gathering.nnodes + 1));
	workspace = palloc_extended(omni_sourcing_workspace(&sourcing->problem) + 1,
								MCXT_ALLOC_HUGE);
	omni_sourcing_solve(&sourcing->problem, plan, workspace);
	pfree(workspace);
	pfree(gathering.index);
	pfree(gathering.verdict);
	return sourcing;
}

/* ---- the reasons ---- */

/* A node's code and, where known, its distance: members without braces. */
static void
describe_node(const OmniSourcing *sourcing, int node, int64 units,
			  StringInfo json)
{
	const OmniPlanNode *info = &sourcing->problem.nodes[node];
	char	   *code = omni_master_node_code(info->id);

	appendStringInfoString(json, "{\"node\":");
	escape_json(json, code ? code : "");
	appendStringInfo(json, ",\"units\":" INT64_FORMAT, units);
	if (sourcing->distances && info->cost < COST_UNLOCATED)
		appendStringInfo(json, ",\"distance_km\":" INT64_FORMAT "." INT64_FORMAT,
						 info->cost / 1000, info->cost % 1000 / 100);
	appendStringInfoChar(json, '}');
}

/* Append the plan's reasons. */
void
omni_sourcing_describe(const OmniSourcing *sourcing, StringInfo json)
{
	const OmniPlan *plan = &sourcing->plan;
	int64	   *units = palloc0(sizeof(int64) * (sourcing->problem.nnodes + 1));

	for (int p = 0; p < plan->nparts; p++)
		units[plan->parts[p].node] += plan->parts[p].units;

	appendStringInfo(json, "\"method\":\"%s\",\"wanted\":" INT64_FORMAT
					 ",\"planned\":" INT64_FORMAT ",\"cost\":" INT64_FORMAT
					 ",\"cost_unit\":\"%s\",\"bound\":",
					 plan->nchosen == 0 ? "none" :
					 plan->single ? "single_node" : "greedy",
					 plan->wanted, plan->units, plan->cost,
					 sourcing->distances ? "metres" : "rank");
	if (plan->units == plan->wanted)
		appendStringInfo(json, INT64_FORMAT, plan->bound);
	else
		appendStringInfoString(json, "null");
	appendStringInfoString(json, ",\"nodes\":[");
	for (int c = 0; c < plan->nchosen; c++)
	{
		if (c > 0)
			appendStringInfoChar(json, ',');
		describe_node(sourcing, plan->chosen[c], units[plan->chosen[c]], json);
	}
	appendStringInfoString(json, "],\"losers\":[");
	for (int l = 0; l < plan->nlosers; l++)
	{
		if (l > 0)
			appendStringInfoChar(json, ',');
		describe_node(sourcing, plan->losers[l].node, plan->losers[l].units,
					  json);
	}
	appendStringInfo(json, "],\"candidates\":%d,\"excluded\":"
					 "{\"not_shipping\":%d,\"rejected\":%d},"
					 "\"max_nodes_reached\":%s",
					 sourcing->problem.nnodes, sourcing->not_shipping,
					 sourcing->rejected,
					 plan->stopped ? "true" : "false");
	pfree(units);
}
