/*
 * world.c
 *	  What a source has told: nodes, areas, stock codes, invoices, and the
 *	  fate of every invoice line.
 *
 * Every line gets exactly one fate, so that the lines of all fates together
 * are the source, to the line and to the thousandth of a pound.
 */
#include "replay.h"

/* Stock codes that stand for money and not for goods. */
static const struct
{
	const char *code;
	bool		carriage;
} service_codes[] = {
	{"POST", true},				/* postage */
	{"DOT", true},				/* postage of the web shop */
	{"C2", true},				/* carriage */
	{"M", false},				/* typed in by hand */
	{"m", false},
	{"D", false},				/* discount */
	{"S", false},				/* samples */
	{"B", false},				/* bad debt */
	{"BANK CHARGES", false},
	{"AMAZONFEE", false},
	{"CRUK", false},			/* commission of a charity */
};

#define SERVICE_CODES (sizeof(service_codes) / sizeof(service_codes[0]))

static const char *const fate_names[FATES] = {
	[FATE_SALE] = "goods sold (order lines)",
	[FATE_CARRIAGE] = "carriage (orders' shipping)",
	[FATE_FEE] = "charges (orders' fees)",
	[FATE_BACK] = "goods that came back",
	[FATE_NO_CODE] = "no stock code",
	[FATE_FREE] = "price 0, units out: gift or note",
	[FATE_WRITE_OFF] = "price 0, units below 0: write-off",
	[FATE_ADJUSTMENT] = "bad debt adjusted",
	[FATE_CHARGE_ALONE] = "charge without goods",
	[FATE_CHARGE_BACK] = "charge or discount credited",
	[FATE_ODD_SIGN] = "priced units of the wrong sign",
};

/* Five warehouses in cities that distribution uses; true coordinates. */
static const Node warehouses[] = {
	{"WH-ATL", true, "Atlanta, GA", "30303", 33.7490, -84.3880},
	{"WH-CMH", true, "Columbus, OH", "43215", 39.9612, -82.9988},
	{"WH-DFW", true, "Dallas, TX", "75201", 32.7767, -96.7970},
	{"WH-MDT", true, "Harrisburg, PA", "17101", 40.2732, -76.8867},
	{"WH-RNO", true, "Reno, NV", "89501", 39.5296, -119.8138},
};

const char *
fate_name(Fate fate)
{
	return fate_names[fate];
}

/* The channel's code in omni. */
const char *
channel_code(Channel channel)
{
	static const char *const codes[CHANNELS] = {"pos", "web", "app", "market"};

	return codes[channel];
}

void
world_add_node(World *world, const Node *node)
{
	world->nodes = grow(world->nodes, (size_t) world->nnodes,
						&world->nodes_room, sizeof(Node));
	world->nodes[world->nnodes++] = *node;
	if (!node->warehouse)
		world->nstores = world->nnodes;
}

/* The five warehouses; the stores have been added before. */
void
world_add_warehouses(World *world)
{
	for (size_t i = 0; i < sizeof(warehouses) / sizeof(warehouses[0]); i++)
		world_add_node(world, &warehouses[i]);
}

void
world_add_area(World *world, const Area *area)
{
	world->areas = grow(world->areas, (size_t) world->nareas,
						&world->areas_room, sizeof(Area));
	world->areas[world->nareas] = *area;
	world->areas[world->nareas++].store = -1;
}

/* The store nearest to an area; remembered. */
int
world_nearest_store(World *world, int area)
{
	Area	   *place = &world->areas[area];
	double		best = 1e9;

	if (place->store >= 0)
		return place->store;
	for (int i = 0; i < world->nstores; i++)
	{
		double		km = distance_km(place->latitude, place->longitude,
									 world->nodes[i].latitude,
									 world->nodes[i].longitude);

		if (km < best)
		{
			best = km;
			place->store = i;
		}
	}
	return place->store;
}

/* The stock code's number, with what is known of it at first sight. */
static int
note_code(World *world, const SourceRow *row)
{
	int			known = world->codes.count;
	int			number = dictionary_add(&world->codes, row->code);
	Code	   *code;

	world->code = grow(world->code, (size_t) number, &world->code_room,
					   sizeof(Code));
	code = &world->code[number];
	if (number == known)
	{
		memset(code, 0, sizeof(*code));
		for (size_t i = 0; i < SERVICE_CODES; i++)
			if (strcmp(row->code, service_codes[i].code) == 0)
			{
				code->service = true;
				code->carriage = service_codes[i].carriage;
			}
	}
	/* notes of the shop floor stand in lines without a price */
	if (code->name == NULL && row->price > 0 && *row->description)
		code->name = copy_text(row->description);
	return number;
}

/* One line of the source's books, in the source's order. */
void
world_add_row(World *world, const SourceRow *row)
{
	int			known = world->numbers.count;
	int			number = dictionary_add(&world->numbers, row->invoice);
	Line	   *line;

	if (number == known)
	{
		Invoice    *invoice;

		world->invoices = grow(world->invoices, (size_t) number,
							   &world->invoices_room, sizeof(Invoice));
		invoice = &world->invoices[number];
		memset(invoice, 0, sizeof(*invoice));
		invoice->day = row->day;
		invoice->second = row->second;
		invoice->customer = *row->customer ?
			dictionary_add(&world->customers, row->customer) : -1;
		invoice->node = -1;
		world->ninvoices = number + 1;
	}
	world->invoices[number].nlines++;

	world->lines = grow(world->lines, (size_t) world->nlines,
						&world->lines_room, sizeof(Line));
	line = &world->lines[world->nlines];
	line->invoice = number;
	line->code = note_code(world, row);
	line->quantity = row->quantity;
	line->price = row->price;
	line->row = world->nlines++;
}

/* Bring each invoice's lines together, in the source's order. */
static void
group_lines(World *world)
{
	size_t		size = (size_t) world->nlines * sizeof(Line);
	Line	   *grouped_lines = allocate(size);
	int			first = 0;

	for (int i = 0; i < world->ninvoices; i++)
	{
		world->invoices[i].number = world->numbers.texts[i];
		world->invoices[i].first = first;
		first += world->invoices[i].nlines;
		world->invoices[i].nlines = 0;
	}
	for (int i = 0; i < world->nlines; i++)
	{
		Invoice    *invoice = &world->invoices[world->lines[i].invoice];

		grouped_lines[invoice->first + invoice->nlines++] = world->lines[i];
	}
	free(world->lines);
	world->lines = grouped_lines;
}

static int
compare_invoices(const void *a, const void *b)
{
	const Invoice *x = a;
	const Invoice *y = b;

	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	if (x->second != y->second)
		return x->second < y->second ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* The fate of a line, given whether its invoice has priced goods. */
static Fate
judge_line(const World *world, const Invoice *invoice, const Line *line,
		   bool has_goods)
{
	const Code *code = &world->code[line->code];
	bool		credit = invoice->number[0] == 'C';

	if (invoice->number[0] == 'A' || line->price < 0)
		return FATE_ADJUSTMENT;
	if (line->price == 0)
		return line->quantity < 0 ? FATE_WRITE_OFF : FATE_FREE;
	if (world->codes.texts[line->code][0] == '\0')
		return FATE_NO_CODE;
	if (credit != (line->quantity < 0) || line->quantity == 0)
		return FATE_ODD_SIGN;
	if (credit)
		return code->service ? FATE_CHARGE_BACK : FATE_BACK;
	if (!code->service)
		return FATE_SALE;
	if (!has_goods)
		return FATE_CHARGE_ALONE;
	return code->carriage ? FATE_CARRIAGE : FATE_FEE;
}

/* Judge an invoice's lines and say what becomes of it. */
static void
judge_invoice(World *world, Invoice *invoice)
{
	bool		has_goods = false;

	/* the first pass finds goods, the second decides about charges */
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < invoice->nlines; i++)
		{
			Line	   *line = &world->lines[invoice->first + i];

			line->fate = judge_line(world, invoice, line, has_goods);
			if (pass == 0)
				has_goods |= line->fate == FATE_SALE;
			else if (line->fate == FATE_SALE)
				invoice->sale = true;
			else if (line->fate == FATE_BACK)
				invoice->back = true;
			else if (line->fate == FATE_CARRIAGE)
				invoice->carriage += line->price * line->quantity;
			else if (line->fate == FATE_FEE)
				invoice->fees += line->price * line->quantity;
		}
}

/*
 * The source has told everything: bring the invoices into the order of time,
 * judge every line, and open the window of "days" days.  A last day that is
 * only begun belongs to the day before: a source that spans 373 days and some
 * hours is whole with 373.
 */
void
world_finish(World *world, int days)
{
	int			span;
	int64_t		people = 0;

	if (world->ninvoices == 0 || world->nstores == 0 || world->nareas == 0)
		fail("the source has no invoices, no stores or no areas");
	group_lines(world);
	qsort(world->invoices, (size_t) world->ninvoices, sizeof(Invoice),
		  compare_invoices);
	for (int i = 0; i < world->ninvoices; i++)
	{
		judge_invoice(world, &world->invoices[i]);
		for (int j = 0; j < world->invoices[i].nlines; j++)
			world->lines[world->invoices[i].first + j].invoice = i;
	}

	world->people = allocate((size_t) world->nareas * sizeof(int64_t));
	for (int i = 0; i < world->nareas; i++)
	{
		people += world->areas[i].population;
		world->people[i] = people;
	}
	if (people == 0)
		fail("nobody lives in the source's areas");

	world->first_day = world->invoices[0].day;
	span = world->invoices[world->ninvoices - 1].day - world->first_day + 1;
	world->days = days >= span - 1 ? span : days;
	while (world->window < world->ninvoices &&
		   world->invoices[world->window].day <
		   world->first_day + world->days)
		world->window++;
}

void
world_free(World *world)
{
	for (int i = 0; i < world->codes.count; i++)
		free(world->code[i].name);
	free(world->code);
	free(world->nodes);
	free(world->areas);
	free(world->people);
	free(world->invoices);
	free(world->lines);
	dictionary_free(&world->codes);
	dictionary_free(&world->customers);
	dictionary_free(&world->numbers);
}
