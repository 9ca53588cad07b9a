/*
 * demand.c
 *	  From a document's codes to what is wanted of the stock.
 *
 * Unknown codes are errors always.  Inactive ones refuse an order that may be
 * refused; any other is taken, and the lines that meet them stay open.  What
 * was sold over the counter is a fact and asks nobody.
 */
#include "omni.h"

#include "master/master.h"
#include "orders/orders.h"

/* Who may place orders. */
#define PLACING_PROFILES \
	(OMNI_PROFILE_CHANNEL | OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN)

/* Is every line sold over the counter? */
static bool
is_till_sale(const OmniOrder *order)
{
	for (int w = 0; w < order->nwishes; w++)
	{
		if (order->wishes[w]->kind != OMNI_FULFILMENT_TAKE_AWAY)
			return false;
	}
	return true;
}

/* The order's channel; "what" names the step for OM005. */
void
omni_orders_look_up_channel(OmniOrder *order, const char *what)
{
	OmniChannelInfo info;

	order->channel = omni_master_channel_id(order->channel_code);
	omni_core_require(PLACING_PROFILES, order->channel, 0, what);
	omni_master_channel_info(order->channel, &info);
	order->may_refuse = info.may_refuse && !order->options.park;
	order->channel_active = info.active;
	order->priority = order->options.priority.given ?
		order->options.priority.value : info.priority;
}

/* Nodes of the wishes. */
static void
look_up_nodes(OmniOrder *order)
{
	for (int w = 0; w < order->nwishes; w++)
	{
		OmniFulfilmentWish *wish = order->wishes[w];
		OmniNodeInfo info;

		if (wish->kind == OMNI_FULFILMENT_SHIP)
			continue;
		wish->node = omni_master_node_id(wish->node_code);
		if (wish->kind == OMNI_FULFILMENT_TAKE_AWAY)
		{
			/* a till's role may be limited to its store */
			omni_core_require(PLACING_PROFILES, order->channel, wish->node,
							  "sell at the node");
			continue;
		}
		omni_master_node_info(wish->node, &info);
		wish->node_refuses = !info.active || !info.pickup;
		if (wish->node_refuses && order->may_refuse)
			ereport(ERROR,
					(errcode(OMNI_ERR_ILLEGAL_STEP),
					 errmsg("nothing can be picked up at node \"%s\"",
							wish->node_code)));
	}
}

/* Items of the lines. */
static void
look_up_items(OmniOrder *order)
{
	const char **skus = palloc(sizeof(char *) * order->nlines);
	int64	   *ids = palloc(sizeof(int64) * order->nlines);

	for (int i = 0; i < order->nlines; i++)
		skus[i] = order->lines[i].sku;
	omni_master_item_ids(skus, order->nlines, ids);
	for (int i = 0; i < order->nlines; i++)
	{
		OmniOrderLine *line = &order->lines[i];
		OmniItemInfo info;

		line->item = ids[i];
		omni_master_item_info(line->item, &info);
		line->item_active = info.active;
		if (!line->item_active && order->may_refuse &&
			order->wishes[line->wish]->kind != OMNI_FULFILMENT_TAKE_AWAY)
			ereport(ERROR,
					(errcode(OMNI_ERR_ILLEGAL_STEP),
					 errmsg("item \"%s\" is not active", line->sku)));
	}
	pfree(skus);
	pfree(ids);
}

/* All codes of a parsed order but the channel's. */
void
omni_orders_look_up_codes(OmniOrder *order)
{
	if (!order->channel_active && !is_till_sale(order))
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("channel \"%s\" is not active",
						order->channel_code)));
	look_up_nodes(order);
	look_up_items(order);
}

/* Where a wish can be met. */
static void
describe_wish(const OmniFulfilmentWish *wish, int number,
			  OmniWishPlace *place)
{
	memset(place, 0, sizeof(OmniWishPlace));
	place->kind = wish->kind;
	place->number = number;
	place->node = wish->node;
	place->promised = wish->promise_by.given;
	place->promise_by = wish->promise_by.value;
	if (wish->address)
	{
		place->place.located = wish->address->latitude.given;
		place->place.latitude = wish->address->latitude.value;
		place->place.longitude = wish->address->longitude.value;
		place->place.country = wish->address->country;
		place->place.region = wish->address->region;
		place->place.postal_code = wish->address->postal_code;
	}
}

/* What is wanted, as an allocation that is ready to run. */
void
omni_orders_make_demands(const OmniOrder *order, OmniAllocation *allocation,
						 int *demand_of_line)
{
	OmniWishPlace *places = palloc(sizeof(OmniWishPlace) * order->nwishes);

	memset(allocation, 0, sizeof(OmniAllocation));
	for (int w = 0; w < order->nwishes; w++)
		describe_wish(order->wishes[w], w + 1, &places[w]);
	allocation->nwishes = order->nwishes;
	allocation->wishes = places;
	allocation->demands = palloc0(sizeof(OmniDemand) * order->nlines);
	allocation->max_splits = order->options.max_splits.given ?
		order->options.max_splits.value : -1;
	allocation->complete = order->options.ship_complete;
	allocation->may_refuse = order->may_refuse && !order->options.backorder;
	allocation->channel = order->channel;
	allocation->currency = order->currency;
	allocation->value = order->money.goods - order->money.discount;

	for (int i = 0; i < order->nlines; i++)
	{
		const OmniOrderLine *line = &order->lines[i];
		const OmniFulfilmentWish *wish = order->wishes[line->wish];
		OmniDemand *demand;

		demand_of_line[i] = -1;
		if (wish->kind == OMNI_FULFILMENT_TAKE_AWAY)
			continue;
		demand_of_line[i] = allocation->ndemands;
		demand = &allocation->demands[allocation->ndemands++];
		demand->item = line->item;
		demand->quantity = line->quantity;
		demand->wish = line->wish;
		demand->line = i;
		demand->price = order->money.lines[i].unit_price;
		for (int d = 0; d < OMNI_UNIT_PRICE_MORE_DECIMALS; d++)
			demand->price /= 10;
		if (!line->item_active)
			demand->reason = OMNI_REASON_ITEM;
		else if (wish->node_refuses)
			demand->reason = OMNI_REASON_PICKUP;
		demand->barred = demand->reason != NULL;
	}
}
