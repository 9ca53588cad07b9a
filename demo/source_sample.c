/*
 * source_sample.c
 *	  An invented shop, so that the demonstration needs no input: cities with
 *	  their true coordinates, items and baskets made up by the seed.
 *
 * It has the dirt of real books on purpose: several lines of one item on an
 * invoice, carriage, charges typed in by hand, credits, gifts, write-offs and
 * a bad debt, so that the same paths run as with real input.
 */
#include "replay.h"

/* name, state, ZIP, latitude, longitude, people (thousands, 2020) */
static const struct
{
	const char *name;
	const char *postal;
	double		latitude;
	double		longitude;
	int			people;
} cities[] = {
	{"New York, NY", "10007", 40.7128, -74.0060, 8804},
	{"Los Angeles, CA", "90012", 34.0522, -118.2437, 3899},
	{"Chicago, IL", "60602", 41.8781, -87.6298, 2746},
	{"Houston, TX", "77002", 29.7604, -95.3698, 2305},
	{"Phoenix, AZ", "85003", 33.4484, -112.0740, 1608},
	{"Philadelphia, PA", "19107", 39.9526, -75.1652, 1604},
	{"San Antonio, TX", "78205", 29.4241, -98.4936, 1435},
	{"San Diego, CA", "92101", 32.7157, -117.1611, 1387},
	{"Dallas, TX", "75202", 32.7767, -96.7970, 1304},
	{"Austin, TX", "78701", 30.2672, -97.7431, 962},
	{"Jacksonville, FL", "32202", 30.3322, -81.6557, 950},
	{"Columbus, OH", "43215", 39.9612, -82.9988, 906},
	{"Charlotte, NC", "28202", 35.2271, -80.8431, 875},
	{"San Francisco, CA", "94102", 37.7749, -122.4194, 874},
	{"Indianapolis, IN", "46204", 39.7684, -86.1581, 888},
	{"Seattle, WA", "98104", 47.6062, -122.3321, 737},
	{"Denver, CO", "80202", 39.7392, -104.9903, 716},
	{"Washington, DC", "20004", 38.9072, -77.0369, 690},
	{"Boston, MA", "02108", 42.3601, -71.0589, 676},
	{"El Paso, TX", "79901", 31.7619, -106.4850, 679},
	{"Nashville, TN", "37201", 36.1627, -86.7816, 689},
	{"Detroit, MI", "48226", 42.3314, -83.0458, 639},
	{"Oklahoma City, OK", "73102", 35.4676, -97.5164, 681},
	{"Portland, OR", "97204", 45.5152, -122.6784, 653},
	{"Las Vegas, NV", "89101", 36.1699, -115.1398, 642},
	{"Memphis, TN", "38103", 35.1495, -90.0490, 633},
	{"Louisville, KY", "40202", 38.2527, -85.7585, 633},
	{"Baltimore, MD", "21202", 39.2904, -76.6122, 586},
	{"Milwaukee, WI", "53202", 43.0389, -87.9065, 577},
	{"Albuquerque, NM", "87102", 35.0844, -106.6504, 565},
	{"Kansas City, MO", "64106", 39.0997, -94.5786, 508},
	{"Atlanta, GA", "30303", 33.7490, -84.3880, 499},
	{"Omaha, NE", "68102", 41.2565, -95.9345, 486},
	{"Miami, FL", "33130", 25.7617, -80.1918, 442},
	{"Minneapolis, MN", "55415", 44.9778, -93.2650, 430},
	{"New Orleans, LA", "70112", 29.9511, -90.0715, 384},
	{"Honolulu, HI", "96813", 21.3069, -157.8583, 351},
	{"Pittsburgh, PA", "15219", 40.4406, -79.9959, 303},
	{"Anchorage, AK", "99501", 61.2181, -149.9003, 291},
	{"Salt Lake City, UT", "84111", 40.7608, -111.8910, 200},
};

static const char *const manners[] = {
	"Amber", "Birch", "Copper", "Dotted", "Enamel", "Folding", "Glass",
	"Hanging", "Ivory", "Jade", "Knitted", "Linen", "Mossy", "Nested",
	"Oak", "Painted", "Quilted", "Rattan", "Slate", "Tartan",
};

static const char *const things[] = {
	"apron", "basket", "candle holder", "doorstop", "egg cup", "frame",
	"garland", "hook", "ice bucket", "jug", "kettle", "lantern", "mug",
	"napkin ring", "oven glove", "planter", "quilt", "rolling pin",
	"storage tin", "tea towel",
};

#define COUNT(array) ((int) (sizeof(array) / sizeof((array)[0])))
#define SAMPLE_ITEMS (COUNT(manners) * COUNT(things))
#define SAMPLE_DAYS 28
#define SAMPLE_CUSTOMERS 900

/* The next number below "limit". */
static int
draw(uint64_t *state, int limit)
{
	*state = mix(*state, 1);
	return (int) (*state % (uint64_t) limit);
}

/* A store in each city, a second one in the larger, areas around them. */
static void
make_network(World *world)
{
	uint64_t	state = mix(world->seed, 11);

	for (int i = 0; i < COUNT(cities); i++)
	{
		Node		node = {0};

		snprintf(node.code, sizeof(node.code), "S%d", 100 + i);
		copy_short(node.name, sizeof(node.name), cities[i].name);
		copy_short(node.postal, sizeof(node.postal), cities[i].postal);
		node.latitude = cities[i].latitude;
		node.longitude = cities[i].longitude;
		world_add_node(world, &node);
		if (cities[i].people > 1000)
		{
			snprintf(node.code, sizeof(node.code), "S%d", 200 + i);
			node.latitude += 0.11;
			node.longitude -= 0.09;
			world_add_node(world, &node);
		}
	}
	world_add_warehouses(world);

	for (int i = 0; i < COUNT(cities); i++)
		for (int j = 0; j < 6; j++)
		{
			Area		area = {0};

			copy_short(area.postal, sizeof(area.postal), cities[i].postal);
			area.latitude = cities[i].latitude +
				(draw(&state, 61) - 30) / 100.0;
			area.longitude = cities[i].longitude +
				(draw(&state, 61) - 30) / 100.0;
			area.population = cities[i].people * 1000 / 6;
			world_add_area(world, &area);
		}
}

/* An item's number; the low ones sell more often. */
static int
draw_item(uint64_t *state)
{
	int			a = draw(state, SAMPLE_ITEMS);
	int			b = draw(state, SAMPLE_ITEMS);

	return a < b ? a : b;
}

static void
add_line(World *world, SourceRow *row, const char *code,
		 const char *description, int quantity, int64_t price)
{
	row->code = code;
	row->description = description;
	row->quantity = quantity;
	row->price = price;
	world_add_row(world, row);
}

/* A line of goods. */
static void
add_goods(World *world, SourceRow *row, int item, int quantity, bool free)
{
	char		code[16];
	char		name[48];
	int64_t		price = 0;

	snprintf(code, sizeof(code), "%d%c", 20000 + item * 7, 'A' + item % 5);
	snprintf(name, sizeof(name), "%s %s", manners[item % COUNT(manners)],
			 things[item / COUNT(manners)]);
	if (!free)
		price = 290 +
			(int64_t) (mix(world->seed, (uint64_t) item) % 160) * 110;
	add_line(world, row, code, name, quantity, price);
}

/* A sale with its baskets' dirt. */
static void
make_sale(World *world, SourceRow *row, uint64_t *state)
{
	int			lines = 1 + draw(state, 6);
	int			item = 0;

	if (draw(state, 4) == 0)
		lines += draw(state, 24);
	for (int i = 0; i < lines; i++)
	{
		int			quantity = 1 + draw(state, 4);

		if (i == 0 || draw(state, 40) != 0)
			item = draw_item(state);
		if (draw(state, 12) == 0)
			quantity = 12 * (1 + draw(state, 8));
		if (draw(state, 400) == 0)
			quantity = 300 + 12 * draw(state, 60);
		add_goods(world, row, item, quantity, draw(state, 150) == 0);
	}
	if (draw(state, 5) == 0)
		add_line(world, row, "POST", "Postage", 1, 4950);
	if (draw(state, 60) == 0)
		add_line(world, row, "M", "Manual", 1, 1250 + draw(state, 40) * 10);
	if (draw(state, 90) == 0)
		add_line(world, row, "20001P", "Pads to match all covers", 1, 1);
}

/* Something that is no sale: a credit, a correction, a bad debt. */
static void
make_other(World *world, SourceRow *row, uint64_t *state)
{
	int			kind = draw(state, 8);
	int			item = draw_item(state);

	if (row->invoice[0] == 'C')
	{
		for (int i = 0; kind < 6 && i <= kind; i++)
		{
			add_goods(world, row, item, -1 - draw(state, 6), false);
			item = draw_item(state);
		}
		if (kind >= 5)
			add_line(world, row, "D", "Discount", -1,
					 2000 + draw(state, 90) * 100);
	}
	else if (row->invoice[0] == 'A')
		add_line(world, row, "B", "Adjust bad debt", 1, -18060);
	else if (kind < 6)
		add_goods(world, row, item, -1 - draw(state, 30), true);
	else
		add_line(world, row, "DOT", "Postage without an order", 1, 9750);
}

/* Fill the world with the invented shop. */
void
source_sample(World *world)
{
	uint64_t	state = mix(world->seed, 29);
	int			next = 40001;
	int			monday = day_number(2026, 11, 2);

	world->source = "embedded sample: an invented shop in true cities";
	make_network(world);
	for (int day = 0; day < SAMPLE_DAYS; day++)
	{
		int			invoices = 80 + draw(&state, 40) + day * 2;

		if (day % 7 == 6)
			continue;			/* closed on Sundays */
		for (int i = 0; i < invoices; i++)
		{
			SourceRow	row = {0};
			char		number[16];
			char		customer[16] = "";
			int			kind = draw(&state, 100);
			const char *prefix = kind < 8 ? "C" : "";

			if (day == 17 && i == 33)
				prefix = "A";
			snprintf(number, sizeof(number), "%s%d", prefix, next++);
			if (draw(&state, 5) != 0)
				snprintf(customer, sizeof(customer), "%d",
						 7000 + draw(&state, SAMPLE_CUSTOMERS));
			row.invoice = number;
			row.customer = customer;
			row.day = monday + day;
			row.second = 9 * 3600 + i * (10 * 3600 / invoices);
			if (*prefix || kind >= 97)
				make_other(world, &row, &state);
			else
				make_sale(world, &row, &state);
		}
	}
}
