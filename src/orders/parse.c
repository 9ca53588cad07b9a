/*
 * parse.c
 *	  The order document: its keys, and what must hold between them.
 *
 * The shapes below are the format; document.c reads by them.  What is checked
 * here needs no table: whatever fails is OM006 (OM008 for a number that
 * leaves its type) and nothing has been looked up or written yet.
 */
#include "omni.h"

#include <math.h>

#include "common/hashfn.h"
#include "utils/builtins.h"

#include "master/master.h"
#include "orders/orders.h"
#include "types/currency_core.h"

const char *const omni_fulfilment_kinds[] = {
	"ship", "pickup", "take_away", NULL
};

#define FIELDS(list) (list), lengthof(list)

static const OmniField address_fields[] = {
	{"name", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, name)},
	{"company", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, company)},
	{"street", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, street)},
	{"street2", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, street2)},
	{"city", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, city)},
	{"region", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, region)},
	{"postal_code", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, postal_code)},
	{"country", OMNI_FIELD_TEXT, offsetof(OmniAddress, country)},
	{"phone", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, phone)},
	{"email", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, email), false, 320},
	{"instructions", OMNI_FIELD_BLANK_TEXT, offsetof(OmniAddress, instructions), false, 2000},
	{"latitude", OMNI_FIELD_DOUBLE, offsetof(OmniAddress, latitude)},
	{"longitude", OMNI_FIELD_DOUBLE, offsetof(OmniAddress, longitude)},
};

static const OmniShape address_shape = {
	FIELDS(address_fields), sizeof(OmniAddress)
};

static const OmniField wish_fields[] = {
	{"kind", OMNI_FIELD_TEXT, offsetof(OmniFulfilmentWish, kind_name), true},
	{"node", OMNI_FIELD_TEXT, offsetof(OmniFulfilmentWish, node_code)},
	{"address", OMNI_FIELD_OBJECT, offsetof(OmniFulfilmentWish, address), false, 0, &address_shape},
	{"promise_by", OMNI_FIELD_TIMESTAMP, offsetof(OmniFulfilmentWish, promise_by)},
};

static const OmniShape wish_shape = {
	FIELDS(wish_fields), sizeof(OmniFulfilmentWish),
	offsetof(OmniFulfilmentWish, bytes)
};

static const OmniField discount_fields[] = {
	{"code", OMNI_FIELD_TEXT, offsetof(OmniDiscount, code)},
	{"amount", OMNI_FIELD_DECIMAL, offsetof(OmniDiscount, amount), true},
};

static const OmniShape discount_shape = {
	FIELDS(discount_fields), sizeof(OmniDiscount), 0, 1000
};

static const OmniField tax_fields[] = {
	{"rate", OMNI_FIELD_DECIMAL, offsetof(OmniTax, rate)},
	{"amount", OMNI_FIELD_DECIMAL, offsetof(OmniTax, amount)},
};

static const OmniShape tax_shape = {FIELDS(tax_fields), sizeof(OmniTax)};

static const OmniField shipping_fields[] = {
	{"amount", OMNI_FIELD_DECIMAL, offsetof(OmniShippingCharge, amount), true},
	{"tax", OMNI_FIELD_OBJECT, offsetof(OmniShippingCharge, tax), false, 0, &tax_shape},
};

static const OmniShape shipping_shape = {
	FIELDS(shipping_fields), sizeof(OmniShippingCharge)
};

static const OmniField fee_fields[] = {
	{"code", OMNI_FIELD_TEXT, offsetof(OmniFee, code), true},
	{"amount", OMNI_FIELD_DECIMAL, offsetof(OmniFee, amount), true},
};

static const OmniShape fee_shape = {
	FIELDS(fee_fields), sizeof(OmniFee), 0, 1000
};

static const OmniField tender_fields[] = {
	{"kind", OMNI_FIELD_TEXT, offsetof(OmniTender, kind), true},
	{"reference", OMNI_FIELD_BLANK_TEXT, offsetof(OmniTender, reference)},
	{"amount", OMNI_FIELD_DECIMAL, offsetof(OmniTender, amount), true},
};

static const OmniShape tender_shape = {
	FIELDS(tender_fields), sizeof(OmniTender), 0, 1000
};

static const OmniField option_fields[] = {
	{"ship_complete", OMNI_FIELD_BOOLEAN, offsetof(OmniOrderOptions, ship_complete)},
	{"backorder", OMNI_FIELD_BOOLEAN, offsetof(OmniOrderOptions, backorder)},
	{"park", OMNI_FIELD_BOOLEAN, offsetof(OmniOrderOptions, park)},
	{"max_splits", OMNI_FIELD_GIVEN_INTEGER, offsetof(OmniOrderOptions, max_splits), false, 0},
	{"priority", OMNI_FIELD_GIVEN_INTEGER, offsetof(OmniOrderOptions, priority), false, -OMNI_ORDER_MAX_PRIORITY},
	{"hold", OMNI_FIELD_TEXT_LIST, offsetof(OmniOrderOptions, hold)},
};

static const OmniShape option_shape = {
	FIELDS(option_fields), sizeof(OmniOrderOptions)
};

static const OmniField line_fields[] = {
	{"sku", OMNI_FIELD_TEXT, offsetof(OmniOrderLine, sku), true},
	{"quantity", OMNI_FIELD_INTEGER, offsetof(OmniOrderLine, quantity), true, 1},
	{"unit_price", OMNI_FIELD_DECIMAL, offsetof(OmniOrderLine, unit_price), true},
	{"line", OMNI_FIELD_INTEGER, offsetof(OmniOrderLine, line), false, 1},
	{"fulfilment", OMNI_FIELD_OBJECT, offsetof(OmniOrderLine, own_wish), false, 0, &wish_shape},
	{"discounts", OMNI_FIELD_LIST, offsetof(OmniOrderLine, discounts), false, 0, &discount_shape},
	{"tax", OMNI_FIELD_OBJECT, offsetof(OmniOrderLine, tax), false, 0, &tax_shape},
};

static const OmniShape line_shape = {
	FIELDS(line_fields), sizeof(OmniOrderLine), 0, OMNI_ORDER_MAX_LINES
};

static const OmniField order_fields[] = {
	{"channel", OMNI_FIELD_TEXT, offsetof(OmniOrder, channel_code), true},
	{"external_id", OMNI_FIELD_TEXT, offsetof(OmniOrder, external_id), true},
	{"placed_at", OMNI_FIELD_TIMESTAMP, offsetof(OmniOrder, placed_at)},
	{"currency", OMNI_FIELD_TEXT, offsetof(OmniOrder, currency), true},
	{"customer", OMNI_FIELD_OBJECT, offsetof(OmniOrder, customer), false, 0, &omni_customer_person_shape},
	{"fulfilment", OMNI_FIELD_OBJECT, offsetof(OmniOrder, wish), false, 0, &wish_shape},
	{"lines", OMNI_FIELD_LIST, offsetof(OmniOrder, line_list), true, 0, &line_shape},
	{"coupons", OMNI_FIELD_TEXT_LIST, offsetof(OmniOrder, coupons)},
	{"tenders", OMNI_FIELD_LIST, offsetof(OmniOrder, tenders), false, 0, &tender_shape},
	{"options", OMNI_FIELD_OBJECT, offsetof(OmniOrder, options_given), false, 0, &option_shape},
	{"discounts", OMNI_FIELD_LIST, offsetof(OmniOrder, discounts), false, 0, &discount_shape},
	{"shipping", OMNI_FIELD_OBJECT, offsetof(OmniOrder, shipping), false, 0, &shipping_shape},
	{"fees", OMNI_FIELD_LIST, offsetof(OmniOrder, fees), false, 0, &fee_shape},
	{"taxes_included", OMNI_FIELD_BOOLEAN, offsetof(OmniOrder, taxes_included)},
};

static const OmniShape order_shape = {FIELDS(order_fields), sizeof(OmniOrder)};

/* OM006: the value at path.key is not what it "must" be. */
static void
refuse(const char *path, const char *key, const char *must)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
			 errmsg("key \"%s%s\" of the order document must %s",
					path, key, must)));
}

/* Check an address; "path" ends with a point. */
static void
check_address(const OmniAddress *address, const char *path)
{
	if (address->country && !omni_master_country_valid(address->country))
		refuse(path, "country", "be a country's two letters of ISO 3166-1, in capitals");
	if (address->latitude.given != address->longitude.given)
		refuse(path, address->latitude.given ? "longitude" : "latitude",
			   "be given where the other coordinate is");
	if (address->latitude.given && fabs(address->latitude.value) > 90)
		refuse(path, "latitude", "lie between -90 and 90 degrees");
	if (address->longitude.given && fabs(address->longitude.value) > 180)
		refuse(path, "longitude", "lie between -180 and 180 degrees");
	if (!address->country && !address->latitude.given)
		refuse(path, "country", "be given, or the coordinates");
}

/* Check a wish; "path" names it. */
static void
check_wish(OmniFulfilmentWish *wish, const char *path)
{
	char	   *prefix = psprintf("%s.", path);
	int			kind;

	for (kind = 0; omni_fulfilment_kinds[kind] != NULL; kind++)
	{
		if (strcmp(omni_fulfilment_kinds[kind], wish->kind_name) == 0)
			break;
	}
	if (omni_fulfilment_kinds[kind] == NULL)
		refuse(prefix, "kind", "be \"ship\", \"pickup\" or \"take_away\"");
	wish->kind = kind;
	wish->hash = hash_bytes((const unsigned char *) wish->bytes.data,
							wish->bytes.length);
	if (wish->kind == OMNI_FULFILMENT_SHIP)
	{
		if (wish->address == NULL)
			refuse(prefix, "address", "be given for kind \"ship\"");
		if (wish->node_code)
			refuse(prefix, "node", "be left out for kind \"ship\"");
		check_address(wish->address, psprintf("%saddress.", prefix));
		return;
	}
	if (wish->node_code == NULL)
		refuse(prefix, "node", psprintf("be given for kind \"%s\"",
										wish->kind_name));
	if (wish->address)
		refuse(prefix, "address", psprintf("be left out for kind \"%s\"",
										   wish->kind_name));
}

/* Index of a wish among the order's different ones; added when new. */
static int
find_wish(OmniOrder *order, OmniFulfilmentWish *wish)
{
	for (int w = 0; w < order->nwishes; w++)
	{
		const OmniFulfilmentWish *other = order->wishes[w];

		if (other == wish ||
			(other->hash == wish->hash &&
			 other->bytes.length == wish->bytes.length &&
			 memcmp(other->bytes.data, wish->bytes.data,
					wish->bytes.length) == 0))
			return w;
	}
	order->wishes[order->nwishes] = wish;
	return order->nwishes++;
}

/* Give every line its wish: its own, or else the order's. */
static void
assign_wishes(OmniOrder *order)
{
	order->wishes = palloc(sizeof(OmniFulfilmentWish *) * order->nlines);
	if (order->wish)
		check_wish(order->wish, "fulfilment");
	for (int i = 0; i < order->nlines; i++)
	{
		OmniOrderLine *line = &order->lines[i];

		if (line->own_wish)
			check_wish(line->own_wish, psprintf("lines[%d].fulfilment", i));
		else if (order->wish == NULL)
			ereport(ERROR,
					(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
					 errmsg("key \"lines[%d].fulfilment\" of the order document is missing",
							i),
					 errhint("Give \"fulfilment\" on the order or on each line.")));
		line->wish = find_wish(order,
							   line->own_wish ? line->own_wish : order->wish);
	}
}

/* qsort comparator of line numbers */
static int
compare_numbers(const void *a, const void *b)
{
	int32		left = *(const int32 *) a;
	int32		right = *(const int32 *) b;

	return left < right ? -1 : left > right;
}

/* Number the lines; a number may stand once. */
static void
number_lines(OmniOrder *order)
{
	int32	   *numbers = palloc(sizeof(int32) * order->nlines);

	for (int i = 0; i < order->nlines; i++)
	{
		if (order->lines[i].line == 0)
			order->lines[i].line = i + 1;
		numbers[i] = order->lines[i].line;
	}
	qsort(numbers, order->nlines, sizeof(int32), compare_numbers);
	for (int i = 1; i < order->nlines; i++)
	{
		if (numbers[i] == numbers[i - 1])
			ereport(ERROR,
					(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
					 errmsg("line %d stands twice in the order document",
							numbers[i]),
					 errdetail("A line without \"line\" has the number of its place, counted from 1.")));
	}
	pfree(numbers);
}

/* Check what the options ask of an order that waits. */
static void
check_waiting(const OmniOrder *order)
{
	const OmniOrderOptions *options = &order->options;
	char	  **reasons = options->hold.items;
	bool		till_sale = true;

	if (options->priority.given &&
		options->priority.value > OMNI_ORDER_MAX_PRIORITY)
		refuse("options.", "priority",
			   psprintf("be at most %d", OMNI_ORDER_MAX_PRIORITY));
	if (options->hold.n == 0)
		return;
	if (options->hold.n > OMNI_ORDER_MAX_HOLDS)
		refuse("options.", "hold",
			   psprintf("have at most %d elements", OMNI_ORDER_MAX_HOLDS));
	for (int r = 1; r < options->hold.n; r++)
	{
		for (int s = 0; s < r; s++)
		{
			if (strcmp(reasons[r], reasons[s]) == 0)
				refuse("options.", "hold", "name each reason once");
		}
	}
	for (int w = 0; w < order->nwishes; w++)
	{
		if (order->wishes[w]->kind != OMNI_FULFILMENT_TAKE_AWAY)
			till_sale = false;
	}
	if (till_sale)
		refuse("options.", "hold",
			   "be left out where all lines are sold over the counter");
}

/* The decimals of the order's currency. */
static void
check_currency(OmniOrder *order)
{
	int			exponent = omni_types_currency_exponent(order->currency,
														strlen(order->currency));

	if (exponent == OMNI_CURRENCY_UNKNOWN)
		refuse("", "currency", "be an ISO 4217 code, such as \"USD\"");
	if (exponent < 0)
		refuse("", "currency", "be a currency with a minor unit");
	order->decimals = exponent;
}

/* Read and check a document, and work out its money. */
void
omni_orders_parse(Jsonb *document, OmniOrder *order)
{
	omni_core_read_document(document, &order_shape, "order document", order);
	if (order->line_list.n == 0)
		refuse("", "lines", "have at least one element");
	order->nlines = order->line_list.n;
	order->lines = order->line_list.items;
	if (order->options_given)
		order->options = *order->options_given;
	check_currency(order);
	number_lines(order);
	assign_wishes(order);
	check_waiting(order);
	if (order->customer)
		omni_customer_normalise(order->customer);
	omni_orders_compute_money(order);
	omni_core_document_digest(document, order->digest);
}
