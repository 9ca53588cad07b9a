/*
 * plan.c
 *	  What no published file tells: the channel of an invoice, where its
 *	  customer lives, and what stock the nodes hold.
 *
 * Every choice is a hash of the seed and of a name (invoice number, customer,
 * node, week), never of a counter, so that it does not depend on the window,
 * on the order of work, or on what happened before.
 *
 * Stores are supplied weekly by what the week's till and pickup invoices will
 * ask for, with a seeded share of lorries that come with half their load: the
 * forecast of a retailer who knows his trade, and his bad days.  Warehouses
 * are topped up weekly to a target.
 */
#include "replay.h"

#define LORRY_SHORT_PERCENT 8	/* store weeks whose lorry lacks goods … */
#define LORRY_LACKS_PERCENT 50	/* … and the share of items it lacks */
#define RANGE_ITEMS 400			/* best-sellers that stores keep some of */
#define RANGE_PER_STORE 40
#define COVER_WEEKS 6			/* warehouse target: weeks of mean demand */
#define COVER_BASE 36			/* … and units on top */
#define COVER_LINE 144			/* a line counts up to this for the mean */
#define GAP_PERCENT 1			/* items that a warehouse does not carry */

enum
{
	SALT_AREA = 1, SALT_CHANNEL, SALT_LANE, SALT_LORRY, SALT_LACKS,
	SALT_EXTRA, SALT_RANGE, SALT_GAP
};

/* A number below "limit", from the seed, a purpose and a name. */
static int
choose(const World *world, int salt, uint64_t name, int64_t limit)
{
	return (int) (mix(mix(world->seed, (uint64_t) salt), name) %
				  (uint64_t) limit);
}

/* An area, as likely as people live in it. */
static int
choose_area(const World *world, uint64_t name)
{
	uint64_t	people = (uint64_t) world->people[world->nareas - 1];
	int64_t		person = (int64_t)
		(mix(mix(world->seed, SALT_AREA), name) % people);
	int			low = 0;
	int			high = world->nareas - 1;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (world->people[middle] > person)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The channel: what was charged for carriage was shipped. */
static Channel
choose_channel(const World *world, const Invoice *invoice, uint64_t name)
{
	int			percent = choose(world, SALT_CHANNEL, name, 100);

	if (invoice->back && !invoice->sale)
		return CHANNEL_POS;		/* the store's till takes goods back */
	if (invoice->carriage > 0)
		return percent < 65 ? CHANNEL_WEB : CHANNEL_MARKET;
	if (percent < 42)
		return CHANNEL_POS;
	if (percent < 66)
		return CHANNEL_WEB;
	return percent < 84 ? CHANNEL_APP : CHANNEL_MARKET;
}

/*
 * Give every invoice its channel, its customer's area, its store where it has
 * one, and the connection that sends it: one store's tills and pickups keep
 * to one connection each.
 */
void
plan_invoices(World *world, int connections_per_channel)
{
	for (int i = 0; i < world->ninvoices; i++)
	{
		Invoice    *invoice = &world->invoices[i];
		uint64_t	name = hash_text(invoice->number);
		uint64_t	person = invoice->customer < 0 ? name :
			hash_text(world->customers.texts[invoice->customer]) ^ 0x5bd1e995;
		Channel		channel = choose_channel(world, invoice, name);

		if (!invoice->sale && !invoice->back)
			continue;
		invoice->channel = (int8_t) channel;
		invoice->area = choose_area(world, person);
		if (channel == CHANNEL_POS || channel == CHANNEL_APP)
		{
			invoice->node = world_nearest_store(world, invoice->area);
			name = hash_text(world->nodes[invoice->node].code);
		}
		invoice->connection = (int8_t)
			((int) channel * connections_per_channel +
			 choose(world, SALT_LANE, name, connections_per_channel));

		for (int j = 0; j < invoice->nlines; j++)
		{
			const Line *line = &world->lines[invoice->first + j];
			Code	   *code = &world->code[line->code];

			if (line->fate != FATE_SALE)
				continue;
			code->sale_lines++;
			if (invoice->node < 0)
				code->shipped_units += line->quantity < COVER_LINE ?
					line->quantity : COVER_LINE;
		}
	}
}

static void
add_supply(SupplyList *list, int node, int code, int64_t quantity)
{
	Supply	   *supply;

	list->rows = grow(list->rows, (size_t) list->count, &list->room,
					  sizeof(Supply));
	supply = &list->rows[list->count++];
	supply->node = node;
	supply->code = code;
	supply->quantity = (int32_t) quantity;
}

static int
compare_supply(const void *a, const void *b)
{
	const Supply *x = a;
	const Supply *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->code < y->code ? -1 : x->code > y->code;
}

/* Sort by node and code, and make one row of equal ones. */
static void
merge_supply(SupplyList *list)
{
	int			kept = 0;

	if (list->count == 0)
		return;
	qsort(list->rows, (size_t) list->count, sizeof(Supply), compare_supply);
	for (int i = 1; i < list->count; i++)
	{
		if (compare_supply(&list->rows[kept], &list->rows[i]) == 0)
			list->rows[kept].quantity += list->rows[i].quantity;
		else
			list->rows[++kept] = list->rows[i];
	}
	list->count = kept + 1;
}

/* Best-sellers first; ties in the order of first sight. */
static const World *sorted_world;

static int
compare_sellers(const void *a, const void *b)
{
	int			x = *(const int *) a;
	int			y = *(const int *) b;
	int64_t		more = sorted_world->code[x].sale_lines -
		sorted_world->code[y].sale_lines;

	if (more != 0)
		return more > 0 ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* What the stores hold before the first day: some of the best-sellers. */
void
plan_opening(const World *world, SupplyList *list)
{
	int		   *sellers = allocate((size_t) world->codes.count * sizeof(int));
	int			count = 0;

	for (int i = 0; i < world->codes.count; i++)
		if (!world->code[i].service && world->code[i].sale_lines > 0)
			sellers[count++] = i;
	sorted_world = world;
	qsort(sellers, (size_t) count, sizeof(int), compare_sellers);
	if (count > RANGE_ITEMS)
		count = RANGE_ITEMS;

	list->count = 0;
	for (int store = 0; store < world->nstores && count > 0; store++)
	{
		uint64_t	name = hash_text(world->nodes[store].code);

		for (int i = 0; i < RANGE_PER_STORE; i++)
		{
			int			roll = choose(world, SALT_RANGE,
									  mix(name, (uint64_t) i), 1 << 30);

			add_supply(list, store, sellers[roll % count],
					   4 + roll / count % 20);
		}
	}
	free(sellers);
	merge_supply(list);
}

/* To what the warehouses are filled up: weeks of their share of demand. */
void
plan_targets(const World *world, SupplyList *list)
{
	int			nwarehouses = world->nnodes - world->nstores;
	int			last = world->invoices[world->ninvoices - 1].day;
	int64_t		weeks = (last - world->first_day) / 7 + 1;
	int64_t    *people = allocate((size_t) nwarehouses * sizeof(int64_t));
	int64_t		all = world->people[world->nareas - 1];

	for (int i = 0; i < world->nareas; i++)
	{
		const Area *area = &world->areas[i];
		double		best = 1e9;
		int			nearest = 0;

		for (int j = 0; j < nwarehouses; j++)
		{
			const Node *node = &world->nodes[world->nstores + j];
			double		km = distance_km(area->latitude, area->longitude,
										 node->latitude, node->longitude);

			if (km < best)
			{
				best = km;
				nearest = j;
			}
		}
		people[nearest] += area->population;
	}

	list->count = 0;
	for (int j = 0; j < nwarehouses; j++)
		for (int i = 0; i < world->codes.count; i++)
		{
			const Code *code = &world->code[i];
			int			node = world->nstores + j;
			uint64_t	name = mix(hash_text(world->nodes[node].code),
								   hash_text(world->codes.texts[i]));

			if (code->service || code->sale_lines == 0 ||
				choose(world, SALT_GAP, name, 100) < GAP_PERCENT)
				continue;
			add_supply(list, node, i, COVER_BASE + code->shipped_units *
					   COVER_WEEKS * people[j] / (weeks * all));
		}
	free(people);
}

/* What the lorries bring to the stores before the first day of a week. */
void
plan_week(const World *world, int week, SupplyList *list)
{
	int			kept = 0;

	list->count = 0;
	for (int i = 0; i < world->ninvoices; i++)
	{
		const Invoice *invoice = &world->invoices[i];

		if (!invoice->sale || invoice->node < 0 ||
			(invoice->day - world->first_day) / 7 != week)
			continue;
		for (int j = 0; j < invoice->nlines; j++)
		{
			const Line *line = &world->lines[invoice->first + j];

			if (line->fate == FATE_SALE)
				add_supply(list, invoice->node, line->code, line->quantity);
		}
	}
	merge_supply(list);

	for (int i = 0; i < list->count; i++)
	{
		Supply		supply = list->rows[i];
		uint64_t	lorry = mix(hash_text(world->nodes[supply.node].code),
								(uint64_t) week);
		uint64_t	item = mix(lorry,
							   hash_text(world->codes.texts[supply.code]));

		if (choose(world, SALT_LORRY, lorry, 100) < LORRY_SHORT_PERCENT &&
			choose(world, SALT_LACKS, item, 100) < LORRY_LACKS_PERCENT)
			continue;
		if (choose(world, SALT_EXTRA, item, 5) == 0)
			supply.quantity += 1 + supply.quantity / 4;
		list->rows[kept++] = supply;
	}
	list->count = kept;
}
