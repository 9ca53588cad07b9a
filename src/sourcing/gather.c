/*
 * gather.c
 *	  Who has units of an order, what the network says of them, and the
 *	  solver's problem.
 *
 * - Candidates are the nodes whose counters have units now, that are active,
 *	 ship, and have not rejected the order before; then the network says what
 *	 each costs and whom its rules keep out.  Each reason counts its nodes.
 * - An item's units are bounded by its pool counter, which may be less than
 *	 the nodes' sum: its line is reduced to that, and what is left is unfilled
 *	 in every plan, so cost and bound stay true.
 * - Items that nobody offers are left out of the problem.
 */
#include "omni.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "sourcing/gather.h"
#include "stock/stock.h"

/* ---- who has units ---- */

/* Place of a node among all active ones, or -1. */
int
omni_sourcing_find_info(const OmniGathering *gathering, int64 node)
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

/* What comes before the network, once for each node: 0, or why not. */
static int32
judge_node(OmniGathering *gathering, int info)
{
	const OmniNodeInfo *node = &gathering->infos[info];

	if (!node->ships)
	{
		gathering->sourcing->not_shipping++;
		return OMNI_PLACE_NOT_SHIPPING;
	}
	if (is_rejected(gathering->request, node->id))
	{
		gathering->sourcing->rejected++;
		return OMNI_PLACE_REJECTED;
	}
	return 0;
}

/* The line's units, ascending by node. */
static void
keep_stocked(OmniGathering *gathering, OmniLineFacts *facts, int n)
{
	if (gathering->nstocked + n > gathering->maxstocked)
	{
		gathering->maxstocked = Max(2 * gathering->maxstocked,
									gathering->nstocked + n);
		gathering->stocked = repalloc_huge(gathering->stocked,
										   sizeof(OmniStocked) *
										   (Size) gathering->maxstocked);
	}
	for (int i = 0; i < gathering->ninfos && facts->n < n; i++)
	{
		OmniStocked    *stocked;

		if (gathering->units[i] == 0)
			continue;
		stocked = &gathering->stocked[gathering->nstocked++];
		stocked->info = i;
		stocked->units = gathering->units[i];
		gathering->units[i] = 0;
		facts->stocked += stocked->units;
		facts->n++;
	}
}

/* Who has units of a line. */
static void
gather_line(OmniGathering *gathering, int l)
{
	const OmniSourcingRequest *request = gathering->request;
	OmniLineFacts  *facts = &gathering->facts[l];
	int64		item = request->lines[l].item;
	OmniStockCandidate *candidates;
	int			ncandidates;
	int			n = 0;

	facts->first = gathering->nstocked;
	facts->line = -1;
	facts->limit = omni_stock_available(item, OMNI_POOL);
	if (request->taken)
		facts->limit -= request->taken(request->taken_context, item,
									   OMNI_POOL);
	ncandidates = omni_stock_candidates(item, &candidates);
	for (int c = 0; c < ncandidates; c++)
	{
		int			info = omni_sourcing_find_info(gathering, candidates[c].node);
		int64		units = candidates[c].available;

		/* deactivated since its counter was read */
		if (info < 0)
			continue;
		if (gathering->place[info] == OMNI_PLACE_UNSEEN)
			gathering->place[info] = judge_node(gathering, info);
		if (gathering->place[info] < 0)
			continue;
		if (request->taken)
			units -= request->taken(request->taken_context, item,
									candidates[c].node);
		if (units <= 0)
			continue;
		gathering->units[info] = (int32) units;
		n++;
	}
	pfree(candidates);
	keep_stocked(gathering, facts, n);
}

/* Who has units of anything. */
static void
gather_stock(OmniGathering *gathering)
{
	const OmniSourcingRequest *request = gathering->request;

	gathering->ninfos = omni_master_nodes(&gathering->infos);
	gathering->place = palloc(sizeof(int32) * (gathering->ninfos + 1));
	memset(gathering->place, 0xff, sizeof(int32) * (gathering->ninfos + 1));
	gathering->units = palloc0(sizeof(int32) * (gathering->ninfos + 1));
	gathering->facts = palloc0(sizeof(OmniLineFacts) * request->nlines);
	gathering->maxstocked = 1024;
	gathering->stocked = palloc(sizeof(OmniStocked) * gathering->maxstocked);
	for (int l = 0; l < request->nlines; l++)
	{
		gather_line(gathering, l);
		CHECK_FOR_INTERRUPTS();
	}

	/* number those that have units, ascending by id */
	gathering->ids = palloc(sizeof(int64) * (gathering->ninfos + 1));
	for (int s = 0; s < gathering->nstocked; s++)
		gathering->units[gathering->stocked[s].info] = 1;
	for (int i = 0; i < gathering->ninfos; i++)
	{
		if (gathering->units[i] == 0)
			continue;
		gathering->place[i] = gathering->nids;
		gathering->ids[gathering->nids++] = gathering->infos[i].id;
	}
}

/* ---- what the network says of them ---- */

/* Units of its capacity that a node has given away, here and elsewhere. */
int64
omni_sourcing_count_used(void *context, int64 node, int32 day)
{
	const OmniCounting *counting = context;
	const OmniSourcingRequest *request = counting->request;
	int64		used;

	/* what is before the counters' first day, or beyond, has none */
	if (day < 0 || day >= OMNI_CAPACITY_DAYS)
		return 0;
	used = omni_sourcing_used(counting->used, node, day);
	if (request->taken)
		used += request->taken(request->taken_context,
							   omni_stock_capacity_item(day), node);
	return used;
}

/* The day on which units count against the node's capacity. */
int32
omni_sourcing_capacity_day(const OmniNetworkNode *node)
{
	return (node->unit_cap < 0 && node->soft_cap < 0) ||
		node->ship_day < 0 || node->ship_day >= OMNI_CAPACITY_DAYS ?
		OMNI_NO_DAY : node->ship_day;
}

/* Ask the network about the candidates. */
static void
ask_network(OmniGathering *gathering)
{
	const OmniSourcingRequest *request = gathering->request;
	OmniNetworkLine *lines = palloc(sizeof(OmniNetworkLine) *
									request->nlines);
	OmniCounting counting = {
		.request = request,
		.used = omni_sourcing_used_begin(gathering->ids, gathering->nids)
	};
	OmniNetworkRequest question = {
		.channel = request->channel,
		.at = request->at,
		.promised = request->promised,
		.promise_by = request->promise_by,
		.place = request->place,
		.currency = request->currency,
		.value = request->value,
		.nlines = request->nlines,
		.lines = lines,
		.ncandidates = gathering->nids,
		.candidates = gathering->ids,
		.used = omni_sourcing_count_used,
		.used_context = &counting
	};

	for (int l = 0; l < request->nlines; l++)
	{
		lines[l].item = request->lines[l].item;
		lines[l].quantity = (int32) Min(request->lines[l].wanted,
										PG_INT32_MAX);
		lines[l].price = request->lines[l].price;
	}
	gathering->sourcing->network = omni_network_read(&question);
	pfree(lines);
}

/* The nodes of the problem: candidates that may serve something. */
static void
make_nodes(OmniGathering *gathering)
{
	OmniSourcing *sourcing = gathering->sourcing;
	const OmniNetwork *network = sourcing->network;
	int			n = 0;

	gathering->solved = palloc(sizeof(int32) * (network->nnodes + 1));
	gathering->nodes = palloc(sizeof(OmniSolveNode) * (network->nnodes + 1));
	sourcing->candidates = palloc(sizeof(int32) * (network->nnodes + 1));
	for (int c = 0; c < network->nnodes; c++)
	{
		const OmniNetworkNode *info = &network->nodes[c];
		OmniSolveNode *node = &gathering->nodes[n];

		gathering->solved[c] = -1;
		if (!omni_network_node_allowed(network, c))
			continue;
		node->fixed = omni_network_fixed_cost(network, c);
		node->over_cost = info->over_cost;
		node->freight = info->freight;
		node->unit_cap = info->unit_cap;
		node->soft_cap = info->soft_cap;
		sourcing->candidates[n] = c;
		gathering->solved[c] = n++;
	}
	sourcing->problem.nnodes = n;
	sourcing->problem.nodes = gathering->nodes;
}

/* Freights and options are the network's, in the solver's own form. */
static void
make_freights(OmniGathering *gathering)
{
	OmniSolveProblem *problem = &gathering->sourcing->problem;
	const OmniNetwork *network = gathering->sourcing->network;
	OmniSolveFreight *freights;
	OmniSolveOption *options;

	freights = palloc(sizeof(OmniSolveFreight) * (network->nfreights + 1));
	options = palloc(sizeof(OmniSolveOption) * (network->noptions + 1));
	for (int f = 0; f < network->nfreights; f++)
	{
		freights[f].first_option = network->freights[f].first_option;
		freights[f].noptions = network->freights[f].noptions;
	}
	for (int o = 0; o < network->noptions; o++)
	{
		options[o].cost = network->options[o].cost;
		options[o].slope = network->options[o].slope;
		options[o].surcharge = network->options[o].surcharge;
	}
	problem->nfreights = network->nfreights;
	problem->freights = freights;
	problem->noptions = network->noptions;
	problem->options = options;
	problem->bracket = network->scale.bracket_g;
	problem->brackets = network->scale.brackets;
}

/* Why a candidate with units of a line may not serve it. */
static void
note_barred(OmniLineFacts *facts, const OmniNetworkNode *node)
{
	if (node->node < 0)
		return;
	if (node->freight < 0)
		facts->by_service = true;
	else if (node->unit_cap == 0)
		facts->by_capacity = true;
	else
		facts->by_rule = true;
}

/* The offers of a line, from "o" on; returns one behind the last. */
static int
make_offers(OmniGathering *gathering, int l, int o)
{
	const OmniNetwork *network = gathering->sourcing->network;
	OmniLineFacts  *facts = &gathering->facts[l];

	for (int s = facts->first; s < facts->first + facts->n; s++)
	{
		const OmniStocked *stocked = &gathering->stocked[s];
		int			c = gathering->place[stocked->info];
		const OmniNetworkNode *node = &network->nodes[c];
		OmniSolveOffer *offer = &gathering->offers[o];

		if (gathering->solved[c] < 0 ||
			!omni_rules_allow(&node->verdict, network->lines[l].rules))
		{
			note_barred(facts, node);
			continue;
		}
		offer->node = gathering->solved[c];
		offer->units = stocked->units;
		offer->cost = omni_network_unit_cost(network, c, l);
		facts->offered += node->unit_cap >= 0 ?
			Min(stocked->units, node->unit_cap) : stocked->units;
		if (node->unit_cap >= 0 && node->unit_cap < stocked->units)
			facts->by_capacity = true;
		o++;
	}
	return o;
}

/*
 * The lines of the problem: those that somebody may serve, reduced to what the
 * pool has.
 */
static void
make_lines(OmniGathering *gathering)
{
	const OmniSourcingRequest *request = gathering->request;
	OmniSourcing *sourcing = gathering->sourcing;
	const OmniNetwork *network = sourcing->network;
	int			n = 0;
	int			o = 0;

	gathering->lines = palloc(sizeof(OmniSolveLine) * request->nlines);
	gathering->real_unfilled = palloc(sizeof(int64) * request->nlines);
	sourcing->lines = palloc(sizeof(int32) * request->nlines);
	gathering->offers = palloc_extended(sizeof(OmniSolveOffer) *
										((Size) gathering->nstocked + 1),
										MCXT_ALLOC_HUGE);
	for (int l = 0; l < request->nlines; l++)
	{
		OmniLineFacts  *facts = &gathering->facts[l];
		const OmniNetworkLineInfo *info = &network->lines[l];
		OmniSolveLine *line = &gathering->lines[n];
		int64		wanted = request->lines[l].wanted;
		int			behind = make_offers(gathering, l, o);

		if (behind == o || facts->limit <= 0 ||
			(!info->splittable && Min(facts->limit, PG_INT32_MAX) < wanted))
			continue;
		line->quantity = (int32) Min(wanted, Min(facts->limit, PG_INT32_MAX));
		line->splittable = info->splittable;
		line->weight = info->weight_g;
		line->unfilled = info->unfilled;
		line->first_offer = o;
		line->noffers = behind - o;
		gathering->real_unfilled[n] = info->unfilled;
		facts->line = n;
		sourcing->lines[n++] = l;
		o = behind;
	}
	sourcing->problem.nlines = n;
	sourcing->problem.lines = gathering->lines;
	sourcing->problem.noffers = o;
	sourcing->problem.offers = gathering->offers;
}

/* All of it. */
void
omni_sourcing_gather(OmniGathering *gathering)
{
	gather_stock(gathering);
	ask_network(gathering);
	make_nodes(gathering);
	make_freights(gathering);
	make_lines(gathering);
}
