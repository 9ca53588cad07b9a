/*
 * network.c
 *	  What the configured network says of an order: see network.h.
 *
 * One pass over the candidates finds each one's zone and ship day for each
 * service and with them its options; candidates with the same options share
 * them (a thousand nodes have a few dozen kinds).  Then the rules are applied,
 * and what is left is costs that the configuration holds ready.
 *
 * - A service is open to a candidate when it serves its kind, has a rate for its
 *	 zone, and ever comes to it.
 * - A pickup's own node sends no parcel: it has the one option that is free.
 *	 Others send theirs to that node's address.
 * - Late is a delivery day after the local date of the promise at the node.
 */
#include "omni.h"

#include "utils/memutils.h"

#include "sourcing/config.h"

/* a price beyond which only the lines' order matters */
#define PRICE_MAX		INT64CONST(1000000000000)

/* An option as candidates share it. */
typedef struct SharedOption
{
	OmniNetworkOption option;
	int32		next;			/* of the same service and zone; -1 */
} SharedOption;

/* Candidates with the same options. */
typedef struct FreightGroup
{
	uint32		hash;
	int32		freight;		/* index in freights */
	int32		next;			/* in its bucket; -1 */
} FreightGroup;

#define GROUP_BUCKETS 256

/* An instant as the nodes' clocks show it. */
typedef struct LocalTimes
{
	int32		day;
	int32		promise_day;	/* OMNI_NO_DAY: none */
	int			minute;
} LocalTimes;

typedef struct Reading
{
	const OmniNetworkRequest *request;
	OmniNetwork *network;
	OmniConfig *config;
	OmniNetworkAim aim;
	LocalTimes *times;			/* by time zone */
	const int8 *postal[OMNI_MAX_SERVICES];	/* by service: zones by node */
	bool		ask_distance;
	int64	   *free_cost;		/* rate, and slope, of what sends no parcel */

	SharedOption *shared;
	int32		nshared;
	int32		maxshared;
	int32	   *first_shared;	/* by service × zone */

	FreightGroup *groups;
	int32		ngroups;
	int32		maxgroups;
	int32		buckets[GROUP_BUCKETS];
	int32		maxfreights;
	int32		maxoptions;
} Reading;

/* ---- preparing ---- */

/* Where the order goes: the pickup node's own place, or the address. */
static void
set_aim(Reading *reading)
{
	const OmniNetworkRequest *request = reading->request;
	OmniNetworkPlace place = request->place;

	if (request->pickup_node != 0)
	{
		const OmniNodeInfo *info;
		int			node = omni_sourcing_find_node(reading->config,
												   request->pickup_node);

		if (node < 0)
			ereport(ERROR,
					(errcode(OMNI_ERR_NOT_FOUND),
					 errmsg("node with id " INT64_FORMAT " does not exist or is not active",
							request->pickup_node)));
		info = &reading->config->nodes[node].info;
		place.located = info->located;
		place.latitude = info->latitude;
		place.longitude = info->longitude;
		place.country = info->country;
		place.region = info->region;
		place.postal_code = info->postal_code;
	}
	omni_sourcing_aim(&place, &reading->aim);
}

/* The order's moment, and its promise, on every clock. */
static void
set_times(Reading *reading)
{
	const OmniConfig *config = reading->config;

	reading->times = palloc(sizeof(LocalTimes) * Max(config->ntimezones, 1));
	for (int t = 0; t < config->ntimezones; t++)
	{
		LocalTimes *times = &reading->times[t];
		int			minute;

		omni_sourcing_local_time(reading->request->at, config->timezones[t],
								 &times->day, &times->minute);
		times->promise_day = OMNI_NO_DAY;
		if (reading->request->promised)
			omni_sourcing_local_time(reading->request->promise_by,
									 config->timezones[t],
									 &times->promise_day, &minute);
	}
}

/*
 * The zones by postal codes of each service's chart.  A chart's array is valid
 * until the next is asked for, so all but the last chart's are copied.
 */
static void
set_postal_zones(Reading *reading)
{
	const OmniConfig *config = reading->config;
	const int8 **by_chart = palloc0(sizeof(int8 *) * config->ncharts);
	bool	   *asked = palloc0(sizeof(bool) * config->ncharts);
	int			last = -1;

	for (int s = 0; s < config->nservices; s++)
	{
		int			chart = config->services[s].chart;

		if (!asked[chart])
		{
			if (last >= 0 && by_chart[last])
			{
				int8	   *copy = palloc(Max(config->nnodes, 1));

				memcpy(copy, by_chart[last], config->nnodes);
				by_chart[last] = copy;
			}
			by_chart[chart] = omni_sourcing_postal_zones(config, chart,
														 reading->aim.postal);
			asked[chart] = true;
			last = chart;
		}
	}
	for (int s = 0; s < config->nservices; s++)
		reading->postal[s] = by_chart[config->services[s].chart];
	pfree(asked);
}

/* ---- options ---- */

/* Days beyond the promise. */
static int32
days_late(int32 delivery_day, int32 promise_day)
{
	if (promise_day == OMNI_NO_DAY || delivery_day <= promise_day)
		return 0;
	if (delivery_day == OMNI_NO_DAY)
		return OMNI_CALENDAR_DAYS;
	return (int32) Min((int64) delivery_day - promise_day,
					   OMNI_CALENDAR_DAYS);
}

/* What so many days cost, once a shipment. */
static int64
lateness_cost(const OmniNetworkPolicy *policy, int32 late_days)
{
	return late_days == 0 ? 0 :
		policy->late_fixed + policy->late_per_day * late_days;
}

/* The option of a service, zone and ship day; made when it is new. */
static int32
share_option(Reading *reading, int service, int zone, int32 ship_day,
			 int32 promise_day)
{
	const OmniConfigService *info = &reading->config->services[service];
	const OmniNetworkPolicy *policy = &reading->network->policy;
	int32	   *first = &reading->first_shared[service * OMNI_MAX_ZONES + zone];
	OmniNetworkOption *option;
	SharedOption *shared;
	int			delays = 0;

	for (int32 s = *first; s >= 0; s = reading->shared[s].next)
	{
		/* the same day's promise may be another date in another time zone */
		if (reading->shared[s].option.ship_day == ship_day &&
			reading->shared[s].option.late_days ==
			days_late(reading->shared[s].option.delivery_day, promise_day))
			return s;
	}
	if (reading->nshared == reading->maxshared)
	{
		reading->maxshared *= 2;
		reading->shared = repalloc(reading->shared, sizeof(SharedOption) *
								   reading->maxshared);
	}
	shared = &reading->shared[reading->nshared];
	shared->next = *first;
	option = &shared->option;
	option->service = service;
	option->zone = zone;
	option->ship_day = ship_day;
	option->delivery_day = omni_calendar_delivery_day(&info->pickups,
													  ship_day,
													  info->transit[zone],
													  &delays);
	option->late_days = days_late(option->delivery_day, promise_day);
	option->cost = info->cost[zone];
	option->slope = info->slope[zone];
	option->surcharge = lateness_cost(policy, option->late_days);
	*first = reading->nshared;
	return reading->nshared++;
}

/*
 * The options of a node: indexes in shared, ascending by service; also which
 * services it offers, and its first ship day and zone.
 */
static int
find_options(Reading *reading, OmniNetworkNode *node, int32 *options,
			 uint64 *services)
{
	OmniConfig *config = reading->config;
	const OmniConfigNode *from = &config->nodes[node->node];
	const LocalTimes *times = &reading->times[from->timezone];
	int			n = 0;

	*services = 0;
	node->zone = OMNI_NO_ZONE;
	node->ship_day = OMNI_NO_DAY;
	if (!from->info.ships)
		return 0;
	for (int s = 0; s < config->nservices; s++)
	{
		const OmniConfigService *service = &config->services[s];
		int			zone;
		int32		ship_day;

		if (!(service->kinds >> from->info.kind & 1))
			continue;
		zone = omni_sourcing_zone(config, service->chart, node->node,
								  &reading->aim, reading->postal[s]);
		if (zone == OMNI_NO_ZONE || service->cost[zone] == NULL)
			continue;
		ship_day = omni_sourcing_ship_day(config, node->node, s, times->day,
										  times->minute);
		if (ship_day == OMNI_NO_DAY)
			continue;
		options[n] = share_option(reading, s, zone, ship_day,
								  times->promise_day);
		*services |= UINT64CONST(1) << s;
		if (n++ == 0)
			node->zone = zone;
		node->ship_day = Min(node->ship_day, ship_day);
	}
	return n;
}

/* Is a freight made of just these options? */
static bool
same_options(const Reading *reading, const OmniNetworkFreight *freight,
			 const int32 *options, int n)
{
	const OmniNetwork *network = reading->network;

	if (freight->noptions != n)
		return false;
	for (int i = 0; i < n; i++)
	{
		const OmniNetworkOption *a =
			&network->options[freight->first_option + i];
		const OmniNetworkOption *b = &reading->shared[options[i]].option;

		if (a->service != b->service || a->zone != b->zone ||
			a->ship_day != b->ship_day || a->late_days != b->late_days)
			return false;
	}
	return true;
}

/* Append a freight of these options. */
static int
add_freight(Reading *reading, const OmniNetworkOption *const *options, int n)
{
	OmniNetwork *network = reading->network;
	OmniNetworkFreight *freight;

	if (network->nfreights == reading->maxfreights)
	{
		reading->maxfreights *= 2;
		network->freights = repalloc(network->freights,
									 sizeof(OmniNetworkFreight) *
									 reading->maxfreights);
	}
	while (network->noptions + n > reading->maxoptions)
	{
		reading->maxoptions *= 2;
		network->options = repalloc(network->options,
									sizeof(OmniNetworkOption) *
									reading->maxoptions);
	}
	freight = &network->freights[network->nfreights];
	freight->first_option = network->noptions;
	freight->noptions = n;
	for (int i = 0; i < n; i++)
		network->options[network->noptions++] = *options[i];
	return network->nfreights++;
}

/* The freight of a group of candidates with the same options. */
static int
share_freight(Reading *reading, const int32 *options, int n)
{
	const OmniNetworkOption *list[OMNI_MAX_SERVICES];
	uint32		hash = 2166136261U;
	int32	   *bucket;
	FreightGroup *group;

	for (int i = 0; i < n; i++)
		hash = (hash ^ (uint32) options[i]) * 16777619U;
	bucket = &reading->buckets[hash % GROUP_BUCKETS];
	for (int32 g = *bucket; g >= 0; g = reading->groups[g].next)
	{
		group = &reading->groups[g];
		if (group->hash == hash &&
			same_options(reading, &reading->network->freights[group->freight],
						 options, n))
			return group->freight;
	}
	if (reading->ngroups == reading->maxgroups)
	{
		reading->maxgroups *= 2;
		reading->groups = repalloc(reading->groups, sizeof(FreightGroup) *
								   reading->maxgroups);
	}
	for (int i = 0; i < n; i++)
		list[i] = &reading->shared[options[i]].option;
	group = &reading->groups[reading->ngroups];
	group->hash = hash;
	group->freight = add_freight(reading, list, n);
	group->next = *bucket;
	*bucket = reading->ngroups++;
	return group->freight;
}

/* The free option of a pickup's own node. */
static void
set_pickup(Reading *reading, OmniNetworkNode *node)
{
	const OmniConfigNode *from = &reading->config->nodes[node->node];
	const LocalTimes *times = &reading->times[from->timezone];
	const OmniNetworkOption *option;
	OmniNetworkOption own = {.service = -1};
	int			minute;

	if (!omni_calendar_ready(&from->calendar, times->day, times->minute,
							 &own.ship_day, &minute))
		return;
	own.delivery_day = own.ship_day;
	own.late_days = days_late(own.delivery_day, times->promise_day);
	own.surcharge = lateness_cost(&reading->network->policy, own.late_days);
	own.cost = own.slope = reading->free_cost;
	option = &own;
	node->freight = add_freight(reading, &option, 1);
	node->zone = 0;
	node->ship_day = own.ship_day;
}

/* ---- candidates ---- */

/* What is left of the node's capacity on its ship day. */
static void
set_capacity(Reading *reading, OmniNetworkNode *node)
{
	const OmniNetworkRequest *request = reading->request;
	const OmniConfigNode *from = &reading->config->nodes[node->node];
	int64		used = 0;

	node->unit_cap = from->daily_units;
	node->soft_cap = from->soft_daily_units;
	node->over_cost = from->over_cost;
	if (from->ncapacities > 0)
	{
		OmniDayCapacity capacity;

		omni_sourcing_capacity(from, node->ship_day, &capacity);
		node->unit_cap = capacity.units;
		node->soft_cap = capacity.soft_units;
		node->over_cost = capacity.over_cost;
	}
	if (node->unit_cap < 0 && node->soft_cap < 0)
		return;
	if (request->used)
		used = request->used(request->used_context, node->id, node->ship_day);
	if (node->unit_cap >= 0)
		node->unit_cap = Max(0, node->unit_cap - used);
	if (node->soft_cap >= 0)
		node->soft_cap = Max(0, node->soft_cap - used);
}

/* One candidate, but for the rules. */
static void
read_candidate(Reading *reading, int64 id, OmniNetworkNode *node,
			   OmniRuleNode *facts)
{
	OmniConfig *config = reading->config;
	const OmniConfigNode *from;
	int32		options[OMNI_MAX_SERVICES];

	memset(node, 0, sizeof(OmniNetworkNode));
	memset(facts, 0, sizeof(OmniRuleNode));
	facts->node = -1;
	node->id = id;
	node->node = omni_sourcing_find_node(config, id);
	node->freight = -1;
	node->zone = OMNI_NO_ZONE;
	node->ship_day = OMNI_NO_DAY;
	node->distance_m = -1;
	node->unit_cap = node->soft_cap = -1;
	/* paused, closed, or gone since its counter was read */
	if (node->node < 0)
		return;
	from = &config->nodes[node->node];
	node->shipment_cost = from->shipment_cost;
	node->unit_cost = from->unit_cost;
	if (reading->ask_distance)
		node->distance_m = omni_sourcing_metres(from, &reading->aim);
	if (id == reading->request->pickup_node)
		set_pickup(reading, node);
	else
	{
		int			n = find_options(reading, node, options, &facts->services);

		if (n > 0)
			node->freight = share_freight(reading, options, n);
		if (config->built_in)
			node->distance_cost = omni_sourcing_distance_cost(from,
															  &reading->aim,
															  node->distance_m);
	}
	if (node->freight < 0)
	{
		reading->network->no_service++;
		return;
	}
	set_capacity(reading, node);
	if (node->unit_cap == 0)
	{
		reading->network->no_capacity++;
		return;
	}

	facts->node = node->node;
	facts->distance_m = node->distance_m;
	if (!config->rules_ask_market)
		return;
	facts->same_country = reading->aim.country[0] != '\0' &&
		strcmp(from->info.country, reading->aim.country) == 0;
	facts->same_region = facts->same_country &&
		reading->aim.region[0] != '\0' &&
		strcmp(from->info.region, reading->aim.region) == 0;
}

/* ---- lines ---- */

/* What the lines are; their categories for the rules. */
static const char **
read_lines(Reading *reading)
{
	const OmniNetworkRequest *request = reading->request;
	OmniNetwork *network = reading->network;
	const OmniNetworkPolicy *policy = &network->policy;
	const char **categories = palloc(sizeof(char *) * Max(request->nlines, 1));
	bool		priced = request->currency &&
		(reading->config->currency[0] == '\0' ||
		 strcmp(reading->config->currency, request->currency) == 0);

	for (int l = 0; l < request->nlines; l++)
	{
		OmniNetworkLineInfo *line = &network->lines[l];
		OmniItemInfo info;

		omni_master_item_info(request->lines[l].item, &info);
		line->weight_g = info.weight_g >= 0 ? info.weight_g :
			policy->unit_weight_g;
		line->splittable = info.splittable && !policy->whole_lines;
		line->unfilled = info.unfilled_cost;
		if (line->unfilled < 0)
		{
			line->unfilled = policy->unfilled_cost;
			if (priced && request->lines[l].price > 0)
				line->unfilled += Min(request->lines[l].price, PRICE_MAX) *
					policy->unfilled_percent / 100;
		}
		categories[l] = pstrdup(info.category);
	}
	return categories;
}

/* Their shadow prices. */
static void
read_line_values(Reading *reading)
{
	const OmniNetworkRequest *request = reading->request;
	OmniNetwork *network = reading->network;
	int64	   *items = palloc(sizeof(int64) * Max(request->nlines, 1));
	const OmniItemValues **values;

	values = palloc(sizeof(OmniItemValues *) * Max(request->nlines, 1));
	for (int l = 0; l < request->nlines; l++)
		items[l] = request->lines[l].item;
	omni_sourcing_item_values(reading->config, items, request->nlines, values);
	for (int l = 0; l < request->nlines; l++)
		network->lines[l].values = values[l];
	pfree(items);
	pfree(values);
}

/* ---- all of it ---- */

/* Apply the rules. */
static void
apply_rules(Reading *reading, const OmniRuleNode *facts,
			const char *const *categories)
{
	const OmniNetworkRequest *request = reading->request;
	OmniNetwork *network = reading->network;
	OmniRuleVerdict *verdicts;
	uint64	   *line_rules;
	OmniRuleOrder order = {
		.channel = request->channel,
		.value = request->value,
		.currency = request->currency ? request->currency : "",
		.country = reading->aim.country,
		.region = reading->aim.region,
		.postal_code = reading->aim.postal,
		.nlines = request->nlines,
		.categories = categories
	};

	verdicts = palloc(sizeof(OmniRuleVerdict) * Max(network->nnodes, 1));
	line_rules = palloc(sizeof(uint64) * Max(request->nlines, 1));
	omni_rules_apply(network->rules, network->nrules, &order, facts,
					 network->nnodes, network->effects, verdicts, line_rules);
	for (int n = 0; n < network->nnodes; n++)
	{
		network->nodes[n].verdict = verdicts[n];
		network->nodes[n].rule_cost = verdicts[n].surcharge;
	}
	for (int l = 0; l < request->nlines; l++)
		network->lines[l].rules = line_rules[l];
	pfree(verdicts);
	pfree(line_rules);
}

/* Room for what grows. */
static void
make_rooms(Reading *reading)
{
	OmniNetwork *network = reading->network;
	OmniConfig *config = reading->config;
	int			n = config->nservices * OMNI_MAX_ZONES;

	reading->maxshared = reading->maxgroups = reading->maxfreights = 64;
	reading->maxoptions = 256;
	reading->shared = palloc(sizeof(SharedOption) * reading->maxshared);
	reading->groups = palloc(sizeof(FreightGroup) * reading->maxgroups);
	reading->first_shared = palloc(sizeof(int32) * Max(n, 1));
	memset(reading->first_shared, 0xff, sizeof(int32) * Max(n, 1));
	memset(reading->buckets, 0xff, sizeof(reading->buckets));
	network->freights = palloc(sizeof(OmniNetworkFreight) *
							   reading->maxfreights);
	network->options = palloc(sizeof(OmniNetworkOption) *
							  reading->maxoptions);
	if (reading->request->pickup_node != 0)
		reading->free_cost = palloc0(sizeof(int64) *
									 (config->scale.brackets + 1));
}

/* What the network says of the request; see network.h. */
OmniNetwork *
omni_network_read(const OmniNetworkRequest *request)
{
	OmniNetwork *network = palloc0(sizeof(OmniNetwork));
	OmniConfig *config = omni_sourcing_config();
	Reading		reading = {
		.request = request,
		.network = network,
		.config = config
	};
	OmniRuleNode *facts;
	const char **categories;

	network->config = config;
	network->policy = *omni_sourcing_policy(config, request->channel);
	network->scale = config->scale;
	network->nrules = config->nrules;
	network->rules = config->rules;
	network->effects = palloc0(sizeof(OmniRuleEffect) *
							   Max(config->nrules, 1));
	network->nlines = request->nlines;
	network->lines = palloc0(sizeof(OmniNetworkLineInfo) *
							 Max(request->nlines, 1));
	network->nnodes = request->ncandidates;
	network->nodes = palloc(sizeof(OmniNetworkNode) *
							Max(request->ncandidates, 1));
	facts = palloc(sizeof(OmniRuleNode) * Max(request->ncandidates, 1));
	reading.ask_distance = config->built_in || config->rules_ask_distance;
	make_rooms(&reading);
	set_aim(&reading);
	set_times(&reading);
	set_postal_zones(&reading);
	categories = read_lines(&reading);
	read_line_values(&reading);
	for (int n = 0; n < network->nnodes; n++)
		read_candidate(&reading, request->candidates[n], &network->nodes[n],
					   &facts[n]);
	apply_rules(&reading, facts, categories);
	pfree(facts);
	return network;
}

/* Is the candidate one for any line? */
bool
omni_network_node_allowed(const OmniNetwork *network, int node)
{
	const OmniNetworkNode *info = &network->nodes[node];

	return info->node >= 0 && info->freight >= 0 && info->unit_cap != 0 &&
		info->verdict.excluded_by < 0;
}

/* Is it one for this line? */
bool
omni_network_allowed(const OmniNetwork *network, int node, int line)
{
	return omni_network_node_allowed(network, node) &&
		omni_rules_allow(&network->nodes[node].verdict,
						 network->lines[line].rules);
}

/* Shadow price less markdown of an item at a node. */
static int64
item_value(const OmniItemValues *values, int node)
{
	int			low = 0;
	int			high = values->n - 1;

	while (low <= high)
	{
		int			middle = low + (high - low) / 2;
		const OmniNodeValue *value = &values->values[middle];

		if (value->node == node)
			return value->shadow - value->markdown;
		if (value->node < node)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return 0;
}

/* What a unit of the line costs from there, freight apart. */
int64
omni_network_unit_cost(const OmniNetwork *network, int node, int line)
{
	const OmniNetworkNode *info = &network->nodes[node];
	const OmniNetworkLineInfo *line_info = &network->lines[line];
	int64		cost = info->unit_cost;

	if (line_info->values)
		cost += item_value(line_info->values, info->node);
	if (info->verdict.dear & line_info->rules)
		cost += omni_rules_unit_surcharge(network->rules, network->nrules,
										  network->effects, &info->verdict,
										  line_info->rules);
	return cost;
}

/* Everything that a shipment from there costs once, freight apart. */
int64
omni_network_fixed_cost(const OmniNetwork *network, int node)
{
	const OmniNetworkNode *info = &network->nodes[node];

	return info->shipment_cost + info->distance_cost + info->rule_cost;
}

/* Code of a service; "" for a pickup's own node. */
const char *
omni_network_service_code(const OmniNetwork *network, int service)
{
	return service < 0 ? "" : network->config->services[service].code;
}

/* Name of a rule. */
const char *
omni_network_rule_name(const OmniNetwork *network, int rule)
{
	return network->config->rule_names[rule];
}

/* Position of a rule. */
int
omni_network_rule_position(const OmniNetwork *network, int rule)
{
	return network->config->rule_positions[rule];
}

/* Is no carrier configured? */
bool
omni_network_is_built_in(const OmniNetwork *network)
{
	return network->config->built_in;
}
