/*
 * report.c
 *	  What a retailer asks after the days are over, from omni's tables and the
 *	  client's journal: sales by channel, service, stock-outs, and whether all
 *	  that was mapped is there.
 *
 * Distances are worked out here, from the client's own coordinates.
 */
#include "replay.h"

#define MOST_MISSED 5

/* One channel's figures. */
typedef struct ChannelSum
{
	int64_t		invoices;		/* that were to become orders */
	int64_t		asked_units;
	int64_t		asked_mills;
	int64_t		orders;
	int64_t		units;
	int64_t		mills;			/* goods, exactly */
	int64_t		goods;			/* goods as the orders round them */
	int64_t		shipping;
	int64_t		fees;
	int64_t		total;
	int64_t		full;			/* orders that lack nothing */
	int64_t		waiting_units;	/* open or backordered */
	int64_t		refused;
	int64_t		refused_units;
	int64_t		refused_mills;
	int64_t		refused_charges;
	int64_t		shelf_units;	/* not on the shelf */
	int64_t		shelf_mills;
	int64_t		left;			/* till customers who found nothing */
	int64_t		left_charges;
	int64_t		served;			/* orders with a shipment or pickup */
	int64_t		split;			/* … with more than one */
	int64_t		parcels;
	int64_t		from_stores;
	int64_t		finished;		/* parcels shipped, pickups collected */
	int64_t		waiting;		/* pickups not collected yet */
	double		km;
} ChannelSum;

typedef struct Report
{
	const World *world;
	PGconn	   *connection;
	int		   *by_number;		/* dictionary's number → invoice */
	int		   *parcels;		/* by invoice */
	bool	   *short_till;		/* by invoice: shelf lacked something */
	bool	   *has_order;
	Dictionary	node_codes;
	ChannelSum	channels[CHANNELS];
	int64_t		unknown;		/* rows that belong to no invoice */
} Report;

/* The invoice of an external id, -1 for none. */
static int
find_invoice(const Report *report, const char *number)
{
	int			found = dictionary_find(&report->world->numbers, number);

	return found < 0 ? -1 : report->by_number[found];
}

/* The channel of an invoice by its number, or NULL, counted. */
static ChannelSum *
channel_of(Report *report, const char *number, int *invoice)
{
	*invoice = find_invoice(report, number);
	if (*invoice < 0)
	{
		report->unknown++;
		return NULL;
	}
	return &report->channels[report->world->invoices[*invoice].channel];
}

/* An amount of the server's, in thousandths. */
static int64_t
mills_at(const PGresult *result, int row, int column)
{
	int64_t		mills;

	if (!parse_mills(PQgetvalue(result, row, column), &mills))
		fail("the server's amount \"%s\" is no thousandths",
			 PQgetvalue(result, row, column));
	return mills;
}

static int64_t
number_at(const PGresult *result, int row, int column)
{
	return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* What the window asks for. */
static void
sum_asked(Report *report)
{
	const World *world = report->world;

	for (int i = 0; i < world->window; i++)
	{
		const Invoice *invoice = &world->invoices[i];
		ChannelSum *sum = &report->channels[invoice->channel];

		if (!invoice->sale)
			continue;
		sum->invoices++;
		for (int j = 0; j < invoice->nlines; j++)
		{
			const Line *line = &world->lines[invoice->first + j];

			if (line->fate != FATE_SALE)
				continue;
			sum->asked_units += line->quantity;
			sum->asked_mills += line->price * line->quantity;
		}
	}
}

/* The orders that omni holds. */
static void
sum_orders(Report *report)
{
	PGresult   *result = must_ask(report->connection,
		"SELECT o.external_id, o.shipping, o.fees, o.total, l.units, l.exact,"
		" l.goods, l.waiting"
		" FROM omni.sales_order AS o, LATERAL (SELECT sum(quantity) AS units,"
		"   sum(quantity * unit_price) AS exact, sum(goods) AS goods,"
		"   sum(open + backordered) AS waiting"
		"   FROM omni.order_line WHERE order_id = o.id) AS l", 0, NULL);

	for (int i = 0; i < PQntuples(result); i++)
	{
		int			number;
		ChannelSum *sum = channel_of(report, PQgetvalue(result, i, 0),
									 &number);

		if (sum == NULL)
			continue;
		report->has_order[number] = true;
		sum->orders++;
		sum->shipping += mills_at(result, i, 1);
		sum->fees += mills_at(result, i, 2);
		sum->total += mills_at(result, i, 3);
		sum->units += number_at(result, i, 4);
		sum->mills += mills_at(result, i, 5);
		sum->goods += mills_at(result, i, 6);
		sum->waiting_units += number_at(result, i, 7);
		sum->full += number_at(result, i, 7) == 0 &&
			!report->short_till[number];
	}
	PQclear(result);
}

/* Orders refused, shelves empty: the client's journal. */
static void
sum_journal(Report *report)
{
	PGresult   *result = must_ask(report->connection,
		"SELECT invoice, sum(quantity), sum(quantity * price)"
		" FROM replay.not_on_shelf GROUP BY invoice", 0, NULL);
	int			number;

	for (int i = 0; i < PQntuples(result); i++)
	{
		ChannelSum *sum = channel_of(report, PQgetvalue(result, i, 0),
									 &number);

		if (sum == NULL)
			continue;
		report->short_till[number] = true;
		sum->shelf_units += number_at(result, i, 1);
		sum->shelf_mills += mills_at(result, i, 2);
	}
	PQclear(result);

	result = must_ask(report->connection,
					  "SELECT invoice FROM replay.refused", 0, NULL);
	for (int i = 0; i < PQntuples(result); i++)
	{
		ChannelSum *sum = channel_of(report, PQgetvalue(result, i, 0),
									 &number);
		const Invoice *invoice;

		if (sum == NULL)
			continue;
		invoice = &report->world->invoices[number];
		sum->refused++;
		sum->refused_charges += invoice->carriage + invoice->fees;
		for (int j = 0; j < invoice->nlines; j++)
		{
			const Line *line = &report->world->lines[invoice->first + j];

			if (line->fate != FATE_SALE)
				continue;
			sum->refused_units += line->quantity;
			sum->refused_mills += line->price * line->quantity;
		}
	}
	PQclear(result);
}

/* Till customers who found nothing at all; the orders have been summed. */
static void
sum_left(Report *report)
{
	PGresult   *result = must_ask(report->connection,
								  "SELECT invoice FROM replay.till", 0, NULL);

	for (int i = 0; i < PQntuples(result); i++)
	{
		int			number;
		ChannelSum *sum = channel_of(report, PQgetvalue(result, i, 0),
									 &number);

		if (sum == NULL || report->has_order[number])
			continue;
		sum->left++;
		sum->left_charges += report->world->invoices[number].fees;
	}
	PQclear(result);
}

/* Shipments and pickups. */
static void
sum_fulfilments(Report *report)
{
	const World *world = report->world;
	PGresult   *result = must_ask(report->connection,
		"SELECT o.external_id, n.code, f.status"
		" FROM omni.fulfilment AS f"
		" JOIN omni.sales_order AS o ON o.id = f.order_id"
		" JOIN omni.node AS n ON n.id = f.node_id"
		" WHERE f.kind <> 'take_away'"
		" AND f.status NOT IN ('cancelled', 'rejected')"
		" ORDER BY o.channel_id, o.external_id, n.code", 0, NULL);

	for (int i = 0; i < PQntuples(result); i++)
	{
		const char *status = PQgetvalue(result, i, 2);
		int			node = dictionary_find(&report->node_codes,
										   PQgetvalue(result, i, 1));
		int			number;
		ChannelSum *sum = channel_of(report, PQgetvalue(result, i, 0),
									 &number);
		const Area *area;

		if (sum == NULL || node < 0)
			continue;
		area = &world->areas[world->invoices[number].area];
		report->parcels[number]++;
		sum->served += report->parcels[number] == 1;
		sum->split += report->parcels[number] == 2;
		sum->parcels++;
		sum->from_stores += !world->nodes[node].warehouse;
		sum->finished += strcmp(status, "shipped") == 0 ||
			strcmp(status, "collected") == 0;
		sum->waiting += strcmp(status, "ready") == 0;
		sum->km += distance_km(area->latitude, area->longitude,
							   world->nodes[node].latitude,
							   world->nodes[node].longitude);
	}
	PQclear(result);
}

static double
percent(int64_t part, int64_t whole)
{
	return whole > 0 ? 100.0 * (double) part / (double) whole : 0.0;
}

static void
print_channels(const Report *report, FILE *out)
{
	static const char *const names[CHANNELS] = {
		"pos     till sales", "web     shipped", "app     pickups",
		"market  shipped"};
	int64_t		orders = 0;
	int64_t		units = 0;
	int64_t		mills = 0;
	int64_t		full = 0;
	int64_t		invoices = 0;
	char		a[32];
	char		b[32];
	char		c[32];

	fprintf(out, "\nOrders by channel\n");
	fprintf(out, "  %-20s %9s %11s %17s %9s %9s %9s\n", "", "orders", "units",
			"goods, GBP", "in full", "split", "mean km");
	for (int i = 0; i < CHANNELS; i++)
	{
		const ChannelSum *sum = &report->channels[i];

		fprintf(out, "  %-20s %9s %11s %17s %8.1f%%", names[i],
				grouped(sum->orders, a), grouped(sum->units, b),
				money(sum->mills, c), percent(sum->full, sum->invoices));
		if (i == CHANNEL_POS)
			fprintf(out, "\n");
		else
			fprintf(out, " %8.1f%% %9.1f\n", percent(sum->split, sum->served),
					sum->parcels ? sum->km / (double) sum->parcels : 0.0);
		orders += sum->orders;
		units += sum->units;
		mills += sum->mills;
		full += sum->full;
		invoices += sum->invoices;
	}
	fprintf(out, "  %-20s %9s %11s %17s %8.1f%%\n", "all", grouped(orders, a),
			grouped(units, b), money(mills, c), percent(full, invoices));
	fprintf(out, "  in full: of all orders asked for, those that got every"
			" unit; split: of orders\n  served, those in more than one parcel;"
			" mean km: node to customer, each parcel\n");
}

/* What plans of shipments cost, term by term, as omni.order_plan has it. */
static void
print_costs(const Report *report, FILE *out)
{
	static const char *const terms[] = {
		"freight", "handling of shipments", "labour of units", "splits"
	};
	PGresult   *result = must_ask(report->connection,
		"WITH request AS MATERIALIZED (SELECT r FROM omni.order_plan AS p,"
		"   jsonb_array_elements(p.plan -> 'requests') AS r"
		"   WHERE p.plan_number = 1 AND r ->> 'kind' = 'ship'"
		"   AND (r ->> 'planned')::bigint = (r ->> 'wanted')::bigint),"
		" shipment AS (SELECT sum((n ->> 'freight')::bigint) AS freight,"
		"   sum((n ->> 'shipment_cost')::bigint) AS handling,"
		"   sum((n ->> 'unit_costs')::bigint) AS labour, count(*) AS n"
		"   FROM request, jsonb_array_elements(r -> 'nodes') AS n)"
		" SELECT count(*), count(*) FILTER (WHERE (r -> 'proven')::boolean),"
		"   sum((r ->> 'cost')::bigint), min(freight), min(handling),"
		"   min(labour), coalesce(sum((r ->> 'split_cost')::bigint), 0),"
		"   min(n),"
		"   sum((r ->> 'candidates')::bigint),"
		"   sum((r ->> 'cost')::bigint - (r ->> 'bound')::bigint)"
		" FROM request, shipment", 0, NULL);
	double		orders = atof(PQgetvalue(result, 0, 0));
	char		a[32];

	fprintf(out, "\nWhat shipments cost (plans that serve everything)\n");
	if (orders > 0)
	{
		fprintf(out, "  %s orders, mean candidates %.0f, shipments an order"
				" %.3f;\n  proven cheapest %.1f%%, at most above the bound"
				" together %.2f%%\n",
				grouped((int64_t) orders, a),
				atof(PQgetvalue(result, 0, 8)) / orders,
				atof(PQgetvalue(result, 0, 7)) / orders,
				100 * atof(PQgetvalue(result, 0, 1)) / orders,
				100 * atof(PQgetvalue(result, 0, 9)) /
				atof(PQgetvalue(result, 0, 2)));
		fprintf(out, "  %-26s %9.2f GBP an order\n", "cost",
				atof(PQgetvalue(result, 0, 2)) / orders / 100);
		for (int t = 0; t < 4; t++)
			fprintf(out, "    %-24s %9.2f\n", terms[t],
					atof(PQgetvalue(result, 0, 3 + t)) / orders / 100);
	}
	PQclear(result);
}

static void
print_service(const Report *report, FILE *out)
{
	const ChannelSum *pos = &report->channels[CHANNEL_POS];
	const ChannelSum *web = &report->channels[CHANNEL_WEB];
	const ChannelSum *app = &report->channels[CHANNEL_APP];
	const ChannelSum *market = &report->channels[CHANNEL_MARKET];
	char		a[32];
	char		b[32];
	char		c[32];

	fprintf(out, "\nShipments, pickups, stock-outs\n");
	fprintf(out, "  parcels shipped: %s, of them %s from stores; not shipped"
			" yet: %s\n", grouped(web->finished + market->finished, a),
			grouped(web->from_stores + market->from_stores, b),
			grouped(web->parcels + market->parcels - web->finished -
					market->finished, c));
	fprintf(out, "  pickups collected: %s, ready and waiting: %s, refused for"
			" lack of stock: %s\n", grouped(app->finished, a),
			grouped(app->waiting, b), grouped(app->refused, c));
	fprintf(out, "  units not on the shelf at the till: %s; customers who left"
			" without anything: %s\n", grouped(pos->shelf_units, a),
			grouped(pos->left, b));
	fprintf(out, "  units backordered on the web: %s; parked of marketplace"
			" orders: %s; in refused pickups: %s\n",
			grouped(web->waiting_units, a), grouped(market->waiting_units, b),
			grouped(app->refused_units, c));
}

/* The items that were missed most. */
static void
print_missed(const Report *report, FILE *out)
{
	PGresult   *result = must_ask(report->connection,
		"SELECT m.sku, i.name, sum(m.units), count(*)"
		" FROM (SELECT i.sku, l.open + l.backordered AS units"
		"   FROM omni.order_line AS l JOIN omni.item AS i ON i.id = l.item_id"
		"   WHERE l.open + l.backordered > 0"
		"   UNION ALL SELECT sku, quantity FROM replay.not_on_shelf) AS m"
		" JOIN omni.item AS i USING (sku)"
		" GROUP BY m.sku, i.name ORDER BY sum(m.units) DESC,"
		" m.sku COLLATE \"C\"", 0, NULL);
	char		a[32];
	char		b[32];

	fprintf(out, "  items with a stock-out: %s, the most missed:\n",
			grouped(PQntuples(result), a));
	for (int i = 0; i < PQntuples(result) && i < MOST_MISSED; i++)
		fprintf(out, "    %-12s %-36.36s %9s units in %s lines\n",
				PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
				grouped(number_at(result, i, 2), a),
				grouped(number_at(result, i, 3), b));
	PQclear(result);
}

/* One row of the second reconciliation. */
static bool
print_match(FILE *out, const char *name, bool units, int64_t mapped,
			int64_t found, int64_t refused, int64_t missing)
{
	const char *(*show) (int64_t, char *) = units ? grouped : money;
	int64_t		rest = mapped - found - refused - missing;
	char		a[32];
	char		b[32];
	char		c[32];
	char		d[32];
	char		e[32];

	fprintf(out, "  %-22s %15s %15s %13s %13s %9s\n", name, show(mapped, a),
			show(found, b), show(refused, c), show(missing, d),
			show(rest, e));
	return rest == 0;
}

/* Units of C… invoices that stores have received. */
static int64_t
units_received(const Report *report, int64_t *mapped)
{
	const World *world = report->world;
	Buffer		numbers = {0};
	const char *params[1];
	PGresult   *result;
	int64_t		units;

	array_open(&numbers);
	*mapped = 0;
	for (int i = 0; i < world->window; i++)
	{
		const Invoice *invoice = &world->invoices[i];

		if (!invoice->back)
			continue;
		array_text(&numbers, invoice->number);
		for (int j = 0; j < invoice->nlines; j++)
			if (world->lines[invoice->first + j].fate == FATE_BACK)
				*mapped -= world->lines[invoice->first + j].quantity;
	}
	array_close(&numbers);
	params[0] = numbers.data;
	result = must_ask(report->connection, "SELECT coalesce(sum(quantity), 0)"
					  " FROM omni.stock_ledger WHERE kind = 'receive'"
					  " AND reference = ANY ($1::text[])", 1, params);
	units = number_at(result, 0, 0);
	PQclear(result);
	free(numbers.data);
	return units;
}

/* Everything that was mapped is in omni or accounted for. */
static bool
print_matches(const Report *report, FILE *out)
{
	ChannelSum	all = {0};
	int64_t		carriage = 0;
	int64_t		fees = 0;
	int64_t		back;
	int64_t		received = units_received(report, &back);
	bool		fine = report->unknown == 0;
	char		a[32];
	char		b[32];

	for (int i = 0; i < CHANNELS; i++)
	{
		const ChannelSum *sum = &report->channels[i];

		all.asked_units += sum->asked_units;
		all.asked_mills += sum->asked_mills;
		all.units += sum->units;
		all.mills += sum->mills;
		all.goods += sum->goods;
		all.shipping += sum->shipping;
		all.fees += sum->fees;
		all.total += sum->total;
		all.refused_units += sum->refused_units;
		all.refused_mills += sum->refused_mills;
		all.refused_charges += sum->refused_charges;
		all.shelf_units += sum->shelf_units;
		all.shelf_mills += sum->shelf_mills;
		all.left_charges += sum->left_charges;
	}
	for (int i = 0; i < report->world->window; i++)
	{
		carriage += report->world->invoices[i].carriage;
		fees += report->world->invoices[i].fees;
	}
	fprintf(out, "\nMapped, and found in omni\n");
	fprintf(out, "  %-22s %15s %15s %13s %13s %9s\n", "", "mapped", "in omni",
			"refused", "not on shelf", "rest");
	fine &= print_match(out, "goods, GBP", false, all.asked_mills, all.mills,
						all.refused_mills, all.shelf_mills);
	fine &= print_match(out, "carriage, GBP", false, carriage, all.shipping,
						0, 0);
	fine &= print_match(out, "charges, GBP", false, fees, all.fees,
						all.refused_charges, all.left_charges);
	fine &= print_match(out, "goods, units", true, all.asked_units, all.units,
						all.refused_units, all.shelf_units);
	fine &= print_match(out, "came back, units", true, back, received, 0, 0);
	fprintf(out, "  orders' totals: %s GBP; rounding lines to pence took"
			" %s\n", money(all.total, a), money(all.goods - all.mills, b));
	fine &= all.total == all.goods + all.shipping + all.fees;
	if (report->unknown)
		fprintf(out, "  rows in omni of no invoice: %lld\n",
				(long long) report->unknown);
	return fine;
}

/* verify_stock() has no rows, or the first ones are shown. */
static bool
print_verify(const Report *report, FILE *out)
{
	PGresult   *result = must_ask(report->connection,
								  "SELECT * FROM omni.verify_stock()", 0,
								  NULL);
	int			rows = PQntuples(result);

	fprintf(out, "\nverify_stock(): %d rows\n", rows);
	for (int i = 0; i < rows && i < 10; i++)
	{
		for (int j = 0; j < PQnfields(result); j++)
			fprintf(out, "  %s", PQgetvalue(result, i, j));
		fprintf(out, "\n");
	}
	PQclear(result);
	return rows == 0;
}

/* Print service and sales; false when something does not add up. */
bool
report_service(const World *world, PGconn *connection, FILE *out)
{
	Report		report = {.world = world, .connection = connection};
	size_t		invoices = (size_t) world->ninvoices;
	bool		fine;

	report.by_number = allocate(invoices * sizeof(int));
	report.parcels = allocate(invoices * sizeof(int));
	report.short_till = allocate(invoices * sizeof(bool));
	report.has_order = allocate(invoices * sizeof(bool));
	for (int i = 0; i < world->ninvoices; i++)
		report.by_number[dictionary_find(&world->numbers,
										 world->invoices[i].number)] = i;
	for (int i = 0; i < world->nnodes; i++)
		dictionary_add(&report.node_codes, world->nodes[i].code);

	sum_asked(&report);
	sum_journal(&report);
	sum_orders(&report);
	sum_left(&report);
	sum_fulfilments(&report);
	print_channels(&report, out);
	print_service(&report, out);
	print_costs(&report, out);
	print_missed(&report, out);
	fine = print_matches(&report, out);
	fine &= print_verify(&report, out);

	free(report.by_number);
	free(report.parcels);
	free(report.short_till);
	free(report.has_order);
	dictionary_free(&report.node_codes);
	return fine;
}

/*
 * Hashes of what a dump must carry over: availability of every item at every
 * node and in the pool, and every order's document.
 */
bool
fingerprint(PGconn *connection, FILE *out)
{
	static const struct
	{
		const char *what;
		const char *sql;
	} prints[] = {
		{"availability by node",
			"SELECT count(*), md5(string_agg(concat_ws(' ', a.sku, a.node,"
			"   a.on_hand, a.reserved, a.safety, a.available), ','"
			"   ORDER BY a.sku COLLATE \"C\", a.node COLLATE \"C\"))"
			" FROM omni.availability((SELECT array_agg(sku)"
			"   FROM omni.item)) AS a"},
		{"availability of the pool",
			"SELECT count(*), md5(string_agg(sku || ' '"
			"   || omni.available(sku), ',' ORDER BY sku COLLATE \"C\"))"
			" FROM omni.item"},
		{"order documents",
			"SELECT count(*), md5(string_agg(md5(omni.order_document(id)"
			"   ::text), '' ORDER BY id)) FROM omni.sales_order"},
	};

	for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++)
	{
		PGresult   *result = must_ask(connection, prints[i].sql, 0, NULL);

		fprintf(out, "  %-26s %8s  %s\n", prints[i].what,
				PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
		PQclear(result);
	}
	return true;
}
