/*
 * allocate.c
 *	  Decide where units come from, and reserve them there, in one go.
 *
 * - Requests with a fixed node (pickup) are planned first, then each address;
 *	 what one request has planned is not there for the next.  Lines of the same
 *	 item count together.
 * - The plan reads counters and takes nothing; then all of it is reserved by
 *	 one call, all or nothing.  When another buyer was faster the whole is
 *	 planned again, a bounded number of times; after that, an order that may be
 *	 refused is, and of any other each part is tried by itself.
 * - Nobody waits here: the stock engine answers at once.
 */
#include "omni.h"

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "master/master.h"
#include "orders/orders.h"
#include "sourcing/sourcing.h"
#include "stock/stock.h"

#define MAX_ATTEMPTS 8

/* Units of an item at a node (or of the pool) that this call has planned. */
typedef struct TakenKey
{
	int64		item;
	int64		node;
} TakenKey;

typedef struct TakenEntry
{
	TakenKey	key;
	int64		units;
} TakenEntry;

/* What demands are sorted by. */
typedef struct DemandOrder
{
	bool		ship;			/* after what is picked up */
	int			wish;
	int64		item;
	int			demand;
} DemandOrder;

typedef struct Allocator
{
	OmniAllocation *allocation;
	DemandOrder *sorted;		/* demands that are not barred */
	int			nsorted;
	HTAB	   *taken;			/* NULL: one request alone */
	int			max_grants;
	TimestampTz at;				/* what is planned is planned for now */
	bool		complete;		/* everything or nothing */
	bool		first_request;	/* in the plan's text */
	bool		withdrawn;		/* all or nothing: it is nothing */
} Allocator;

/* One request's share of the sorted demands. */
typedef struct DemandGroup
{
	int			from;			/* index in sorted */
	int			to;				/* one behind the last */
	int			nitems;
	OmniSourcingLine *items;	/* different ones, ascending */
	int		   *first;			/* index in sorted of its first demand */
} DemandGroup;

/* qsort comparator of DemandOrder */
static int
compare_demands(const void *a, const void *b)
{
	const DemandOrder *left = a;
	const DemandOrder *right = b;

	if (left->ship != right->ship)
		return left->ship ? 1 : -1;
	if (left->wish != right->wish)
		return left->wish < right->wish ? -1 : 1;
	if (left->item != right->item)
		return left->item < right->item ? -1 : 1;
	return left->demand < right->demand ? -1 : left->demand > right->demand;
}

/* Sort the demands that may be allocated; load their items' blocks. */
static void
sort_demands(Allocator *allocator)
{
	OmniAllocation *allocation = allocator->allocation;
	int64	   *items = palloc(sizeof(int64) * allocation->ndemands);
	int			nitems = 0;

	allocator->sorted = palloc(sizeof(DemandOrder) * allocation->ndemands);
	for (int d = 0; d < allocation->ndemands; d++)
	{
		const OmniDemand *demand = &allocation->demands[d];
		DemandOrder *order;

		if (demand->barred)
			continue;
		order = &allocator->sorted[allocator->nsorted++];
		order->ship =
			allocation->wishes[demand->wish].kind == OMNI_FULFILMENT_SHIP;
		order->wish = demand->wish;
		order->item = demand->item;
		order->demand = d;
	}
	qsort(allocator->sorted, allocator->nsorted, sizeof(DemandOrder),
		  compare_demands);
	for (int s = 0; s < allocator->nsorted; s++)
	{
		int64		item = allocator->sorted[s].item;

		/* items that two requests share may stand twice */
		if (nitems == 0 || items[nitems - 1] != item)
			items[nitems++] = item;
	}
	if (nitems > 0)
		omni_stock_prefetch(items, nitems);
	pfree(items);
}

/* Is there more than one request to serve? */
static bool
has_many_requests(const Allocator *allocator)
{
	int			n = allocator->nsorted;

	return n > 0 &&
		allocator->sorted[0].wish != allocator->sorted[n - 1].wish;
}

/* The group of demands that starts at "from". */
static DemandGroup
make_group(const Allocator *allocator, int from)
{
	DemandGroup		group = {.from = from};
	const DemandOrder *sorted = allocator->sorted;
	int			room;

	for (group.to = from; group.to < allocator->nsorted; group.to++)
	{
		if (sorted[group.to].wish != sorted[from].wish)
			break;
	}
	room = group.to - group.from;
	group.items = palloc(sizeof(OmniSourcingLine) * room);
	group.first = palloc(sizeof(int) * room);
	for (int s = group.from; s < group.to; s++)
	{
		const OmniDemand *demand =
			&allocator->allocation->demands[sorted[s].demand];
		OmniSourcingLine *item;

		if (group.nitems == 0 ||
			group.items[group.nitems - 1].item != sorted[s].item)
		{
			group.first[group.nitems] = s;
			item = &group.items[group.nitems++];
			item->item = sorted[s].item;
			item->wanted = 0;
			item->price = demand->price;
		}
		item = &group.items[group.nitems - 1];
		item->wanted += demand->quantity;
		/* of prices for the same thing the lowest counts */
		item->price = Min(item->price, demand->price);
	}
	return group;
}

/* Units that this call has planned already. */
static int64
get_taken(void *context, int64 item, int64 node)
{
	Allocator  *allocator = context;
	TakenKey	key = {item, node};
	TakenEntry *entry;

	if (allocator->taken == NULL)
		return 0;
	entry = hash_search(allocator->taken, &key, HASH_FIND, NULL);
	return entry ? entry->units : 0;
}

/* Note units as planned. */
static void
add_taken(Allocator *allocator, int64 item, int64 node, int32 units)
{
	TakenKey	key = {item, node};
	TakenEntry *entry;
	bool		found;

	if (allocator->taken == NULL)
		return;
	entry = hash_search(allocator->taken, &key, HASH_ENTER, &found);
	if (!found)
		entry->units = 0;
	entry->units += units;
}

/* Note a grant. */
static void
add_grant(Allocator *allocator, int demand, int64 node, int32 units,
		  int32 capacity_day)
{
	OmniAllocation *allocation = allocator->allocation;
	OmniGrant  *grant;

	if (allocation->ngrants == allocator->max_grants)
	{
		allocator->max_grants = Max(64, allocator->max_grants * 2);
		if (allocation->grants == NULL)
			allocation->grants = palloc(sizeof(OmniGrant) *
										allocator->max_grants);
		else
			allocation->grants = repalloc_huge(allocation->grants,
											   sizeof(OmniGrant) *
											   (Size) allocator->max_grants);
	}
	grant = &allocation->grants[allocation->ngrants++];
	grant->demand = demand;
	grant->node = node;
	grant->quantity = units;
	grant->capacity_day = capacity_day;
	grant->reservation = 0;
	grant->capacity = 0;
	allocation->demands[demand].missing -= units;
}

/*
 * Units of an item at a node: to the demands in their order, those before
 * *next being served.
 */
static void
hand_out(Allocator *allocator, const DemandGroup *group, int item, int64 node,
		 int64 units, int32 capacity_day, int *next)
{
	OmniAllocation *allocation = allocator->allocation;

	add_taken(allocator, group->items[item].item, node, (int32) units);
	add_taken(allocator, group->items[item].item, OMNI_POOL, (int32) units);
	if (capacity_day != OMNI_NO_DAY)
		add_taken(allocator, omni_stock_capacity_item(capacity_day), node,
				  (int32) units);
	while (units > 0)
	{
		int			d = allocator->sorted[*next].demand;
		int32		part = (int32) Min(units, allocation->demands[d].missing);

		if (part > 0)
			add_grant(allocator, d, node, part, capacity_day);
		units -= part;
		if (allocation->demands[d].missing == 0)
			(*next)++;
	}
}

/* Give the demands of one item of a group that lack something a reason. */
static void
explain_missing(Allocator *allocator, const DemandGroup *group, int item,
				const char *reason)
{
	int			to = item + 1 < group->nitems ? group->first[item + 1] :
		group->to;

	for (int s = group->first[item]; s < to; s++)
	{
		OmniDemand *demand =
			&allocator->allocation->demands[allocator->sorted[s].demand];

		if (demand->missing > 0)
			demand->reason = reason;
	}
}

/* Start a request's part of the plan's text. */
static void
begin_request(Allocator *allocator, const OmniWishPlace *wish)
{
	StringInfo	plan = &allocator->allocation->plan;

	appendStringInfo(plan, "%s{\"request\":%d,\"kind\":\"%s\",",
					 allocator->first_request ? "" : ",",
					 wish->number, omni_fulfilment_kinds[wish->kind]);
	allocator->first_request = false;
}

/* Plan what is shipped to one address. */
static void
plan_shipment(Allocator *allocator, const DemandGroup *group)
{
	OmniAllocation *allocation = allocator->allocation;
	const OmniWishPlace *wish =
		&allocation->wishes[allocator->sorted[group->from].wish];
	OmniSourcingRequest request = {
		.place = wish->place,
		.channel = allocation->channel,
		.at = allocator->at,
		.promised = wish->promised,
		.promise_by = wish->promise_by,
		.currency = allocation->currency,
		.value = allocation->value,
		.nlines = group->nitems,
		.lines = group->items,
		.nrejected = allocation->nrejected,
		.rejected = allocation->rejected,
		.max_shipments = allocation->max_splits < 0 ? 0 :
		allocation->max_splits + 1,
		.shipments = wish->parcels,
		.complete = allocation->complete,
		.must_serve = allocation->may_refuse,
		.nexplain = allocation->nexplain,
		.explain = allocation->explain
	};
	OmniSourcing *sourcing;
	int			next = group->from;

	if (allocator->taken)
	{
		request.taken = get_taken;
		request.taken_context = allocator;
	}
	sourcing = omni_sourcing_plan(&request);
	for (int p = 0; p < sourcing->nparts; p++)
	{
		const OmniSourcingPart *part = &sourcing->parts[p];

		if (p == 0 || part[-1].line != part->line)
			next = group->first[part->line];
		hand_out(allocator, group, part->line, part->node, part->units,
				 part->capacity_day, &next);
	}
	for (int i = 0; i < group->nitems; i++)
	{
		if (sourcing->shorts[i])
			explain_missing(allocator, group, i, sourcing->shorts[i]);
	}
	if (sourcing->network->policy.ship_complete)
		allocator->complete = true;
	begin_request(allocator, wish);
	omni_sourcing_describe(sourcing, &allocation->plan);
	appendStringInfoChar(&allocation->plan, '}');
}

/* Units of an item that can be collected at the node, beside the plan's. */
static int64
units_for_pickup(Allocator *allocator, int64 item, int64 node)
{
	int64		units = omni_stock_available(item, node);

	if (allocator->taken == NULL)
		return units;
	units -= get_taken(allocator, item, node);
	return Min(units, omni_stock_available(item, OMNI_POOL) -
			   get_taken(allocator, item, OMNI_POOL));
}

/* Why and how much: the part of a pickup in the plan's text. */
static void
describe_pickup(Allocator *allocator, const OmniWishPlace *wish, int64 wanted,
				int64 planned, const OmniSourcingPickup *pickup)
{
	StringInfo	plan = &allocator->allocation->plan;
	char	   *code = omni_master_node_code(wish->node);

	begin_request(allocator, wish);
	appendStringInfo(plan, "\"method\":\"fixed\",\"wanted\":" INT64_FORMAT
					 ",\"planned\":" INT64_FORMAT ",\"nodes\":[", wanted,
					 planned);
	if (planned > 0)
	{
		appendStringInfoString(plan, "{\"node\":");
		escape_json(plan, code ? code : "");
		appendStringInfo(plan, ",\"units\":" INT64_FORMAT, planned);
		omni_sourcing_append_day(plan, "ready_day", pickup->ready_day);
		appendStringInfoChar(plan, '}');
	}
	appendStringInfoString(plan, "]}");
}

/* Plan what is collected at one node. */
static void
plan_pickup(Allocator *allocator, const DemandGroup *group)
{
	OmniAllocation *allocation = allocator->allocation;
	const OmniWishPlace *wish =
		&allocation->wishes[allocator->sorted[group->from].wish];
	OmniSourcingRequest request = {
		.channel = allocation->channel,
		.at = allocator->at,
		.taken = allocator->taken ? get_taken : NULL,
		.taken_context = allocator
	};
	OmniSourcingPickup pickup;
	int64		wanted = 0;
	int64		planned = 0;
	bool		asked = true;

	for (int r = 0; r < allocation->nrejected; r++)
	{
		if (allocation->rejected[r] == wish->node)
			asked = false;
	}
	omni_sourcing_pickup(&request, wish->node, &pickup);
	for (int i = 0; i < group->nitems; i++)
	{
		const char *reason = OMNI_REASON_STOCK;
		int64		units;
		int			next = group->first[i];

		wanted += group->items[i].wanted;
		units = asked ? units_for_pickup(allocator, group->items[i].item,
										 wish->node) : 0;
		units = Min(units, group->items[i].wanted);
		if (pickup.unit_cap >= 0 && units > pickup.unit_cap - planned)
		{
			units = pickup.unit_cap - planned;
			reason = OMNI_SHORT_CAPACITY;
		}
		if (units > 0)
		{
			planned += units;
			hand_out(allocator, group, i, wish->node, units,
					 pickup.capacity_day, &next);
		}
		explain_missing(allocator, group, i, reason);
	}
	describe_pickup(allocator, wish, wanted, planned, &pickup);
}

/* Forget an earlier attempt. */
static void
start_attempt(Allocator *allocator)
{
	OmniAllocation *allocation = allocator->allocation;

	allocation->ngrants = 0;
	resetStringInfo(&allocation->plan);
	appendStringInfoString(&allocation->plan, "{\"requests\":[");
	allocator->first_request = true;
	for (int d = 0; d < allocation->ndemands; d++)
	{
		allocation->demands[d].missing = allocation->demands[d].quantity;
		if (!allocation->demands[d].barred)
			allocation->demands[d].reason = NULL;
	}
	if (allocator->taken)
	{
		hash_destroy(allocator->taken);
		allocator->taken = NULL;
	}
	if (has_many_requests(allocator))
	{
		HASHCTL		ctl = {
			.keysize = sizeof(TakenKey),
			.entrysize = sizeof(TakenEntry),
			.hcxt = CurrentMemoryContext
		};

		allocator->taken = hash_create("omni planned units", 256, &ctl,
									   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
}

/* Plan everything once. */
static void
plan_once(Allocator *allocator)
{
	start_attempt(allocator);
	for (int from = 0; from < allocator->nsorted;)
	{
		DemandGroup		group = make_group(allocator, from);

		if (allocator->sorted[from].ship)
			plan_shipment(allocator, &group);
		else
			plan_pickup(allocator, &group);
		from = group.to;
		CHECK_FOR_INTERRUPTS();
	}
}

/* The first demand that lacks units, or NULL. */
static const OmniDemand *
find_missing(const OmniAllocation *allocation)
{
	for (int d = 0; d < allocation->ndemands; d++)
	{
		if (allocation->demands[d].missing > 0)
			return &allocation->demands[d];
	}
	return NULL;
}

/* OM001. */
static void
refuse_order(const OmniDemand *demand)
{
	char	   *sku = omni_master_item_sku(demand->item);

	ereport(ERROR,
			(errcode(OMNI_ERR_INSUFFICIENT_STOCK),
			 errmsg("insufficient stock for the order"),
			 errdetail("A line wants %d of \"%s\"; %d of them cannot be promised (%s).",
					   demand->quantity, sku ? sku : "?", demand->missing,
					   demand->reason ? demand->reason : OMNI_REASON_STOCK)));
}

/* All or nothing was asked for, and it is not all. */
static void
withdraw_grants(Allocator *allocator)
{
	OmniAllocation *allocation = allocator->allocation;

	for (int d = 0; d < allocation->ndemands; d++)
	{
		OmniDemand *demand = &allocation->demands[d];

		if (demand->reason == NULL)
			demand->reason = OMNI_REASON_COMPLETE;
		demand->missing = demand->quantity;
	}
	allocation->ngrants = 0;
	allocator->withdrawn = true;
}

/* What a grant needs promised: units, and capacity; how many lines. */
static int
list_promises(const OmniAllocation *allocation, const OmniGrant *grant,
			  OmniReserveLine *lines)
{
	lines[0].item = allocation->demands[grant->demand].item;
	lines[0].node = grant->node;
	lines[0].quantity = grant->quantity;
	lines[0].reservation = 0;
	if (grant->capacity_day == OMNI_NO_DAY)
		return 1;
	lines[1] = lines[0];
	lines[1].item = omni_stock_capacity_item(grant->capacity_day);
	return 2;
}

/* Note what was promised. */
static int
note_promises(OmniGrant *grant, const OmniReserveLine *lines)
{
	grant->reservation = lines[0].reservation;
	if (grant->capacity_day == OMNI_NO_DAY)
		return 1;
	grant->capacity = lines[1].reservation;
	return 2;
}

/* Reserve all grants by one call; false when one cannot be had any more. */
static bool
reserve_grants(OmniAllocation *allocation)
{
	OmniReserveLine *lines;
	bool		reserved;
	int			n = 0;

	if (allocation->ngrants == 0)
		return true;
	lines = palloc_extended(sizeof(OmniReserveLine) * 2 *
							(Size) allocation->ngrants, MCXT_ALLOC_HUGE);
	for (int g = 0; g < allocation->ngrants; g++)
		n += list_promises(allocation, &allocation->grants[g], &lines[n]);
	reserved = omni_stock_try_reserve(lines, n, DT_NOEND,
									  allocation->reference,
									  allocation->channel);
	n = 0;
	for (int g = 0; reserved && g < allocation->ngrants; g++)
		n += note_promises(&allocation->grants[g], &lines[n]);
	pfree(lines);
	return reserved;
}

/* Reserve grant by grant, and drop those that cannot be had. */
static void
reserve_singly(OmniAllocation *allocation)
{
	int			kept = 0;

	for (int g = 0; g < allocation->ngrants; g++)
	{
		OmniGrant  *grant = &allocation->grants[g];
		OmniDemand *demand = &allocation->demands[grant->demand];
		OmniReserveLine lines[2];
		int			n = list_promises(allocation, grant, lines);

		if (omni_stock_try_reserve(lines, n, DT_NOEND, allocation->reference,
								   allocation->channel))
		{
			note_promises(grant, lines);
			allocation->grants[kept++] = *grant;
		}
		else
		{
			demand->missing += grant->quantity;
			demand->reason = OMNI_REASON_STOCK;
		}
	}
	allocation->ngrants = kept;
}

/* qsort comparator of grants: by demand */
static int
compare_grants(const void *a, const void *b)
{
	const OmniGrant *left = a;
	const OmniGrant *right = b;

	if (left->demand != right->demand)
		return left->demand < right->demand ? -1 : 1;
	return left->node < right->node ? -1 : left->node > right->node;
}

/* Plan and, unless it is a dry run, reserve; see orders.h. */
void
omni_orders_allocate(OmniAllocation *allocation)
{
	Allocator	allocator = {.allocation = allocation};
	int			attempt;

	allocation->grants = NULL;
	allocator.at = omni_core_now();
	allocator.complete = allocation->complete;
	initStringInfo(&allocation->plan);
	sort_demands(&allocator);
	for (attempt = 1;; attempt++)
	{
		const OmniDemand *missing;

		plan_once(&allocator);
		missing = find_missing(allocation);
		if (missing && allocation->may_refuse && !allocation->dry_run)
			refuse_order(missing);
		if (missing && allocator.complete)
			withdraw_grants(&allocator);
		if (allocation->dry_run || reserve_grants(allocation))
			break;
		if (attempt >= MAX_ATTEMPTS)
		{
			/* the first grant's demand stands for all of them */
			if (allocation->may_refuse)
			{
				OmniDemand *demand =
					&allocation->demands[allocation->grants[0].demand];

				demand->missing = demand->quantity;
				demand->reason = OMNI_REASON_STOCK;
				refuse_order(demand);
			}
			if (allocator.complete)
				withdraw_grants(&allocator);
			else
				reserve_singly(allocation);
			break;
		}
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfo(&allocation->plan, "],\"attempts\":%d,\"withdrawn\":%s}",
					 attempt, allocator.withdrawn ? "true" : "false");
	qsort(allocation->grants, allocation->ngrants, sizeof(OmniGrant),
		  compare_grants);
}
