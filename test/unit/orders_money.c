/*
 * orders_money.c
 *	  What an order costs: cases worked out by hand, and what holds for any.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orders/money_core.c"
#include "types/amount_core.c"
#include "types/currency_core.c"

#define MAX_LINES 64

static int	ntests = 0;
static int	nfailed = 0;

static void
ok(bool good, const char *what)
{
	ntests++;
	if (!good)
		nfailed++;
	printf("%sok %d - %s\n", good ? "" : "not ", ntests, what);
}

/* Compute with room that ends where it must. */
static OmniMoneyError
compute(OmniOrderMoney *order, int *line)
{
	OmniMoneyRoom *room = malloc(sizeof(OmniMoneyRoom) * order->nlines);
	OmniMoneyError error = omni_orders_money_compute(order, room, line);

	free(room);
	return error;
}

/* A line at a price in minor units. */
static OmniLineMoney
line_of(int64_t price, int quantity, int64_t discount, int64_t rate)
{
	OmniLineMoney line;

	memset(&line, 0, sizeof(line));
	line.unit_price = price * 10000;
	line.quantity = quantity;
	line.own_discount = discount;
	line.tax_rule.has_rate = rate >= 0;
	line.tax_rule.rate = rate;
	return line;
}

#define PERCENT (OMNI_RATE_ONE / 100)

static void
test_by_hand(void)
{
	OmniLineMoney lines[3];
	OmniOrderMoney order;
	int			at;

	/* unit 100.00 × 2, order discount 20.00, tax 10 % on top */
	memset(&order, 0, sizeof(order));
	lines[0] = line_of(10000, 2, 0, 10 * PERCENT);
	order.nlines = 1;
	order.lines = lines;
	order.order_discount = 2000;
	ok(compute(&order, &at) == OMNI_MONEY_OK && order.goods == 20000 &&
	   order.discount == 2000 && order.tax == 1800 && order.total == 19800,
	   "200.00 - 20.00 + 10 % = 198.00");

	/* the same with the tax inside: 180.00 × 10 / 110 = 16.36 */
	order.taxes_included = true;
	ok(compute(&order, &at) == OMNI_MONEY_OK && order.tax == 1636 &&
	   order.total == 18000, "tax inside: 180.00 of which 16.36");
	order.taxes_included = false;

	/* half to even: 0.25 × 10 % = 0.025, 0.35 × 10 % = 0.035 */
	lines[0] = line_of(25, 1, 0, 10 * PERCENT);
	lines[1] = line_of(35, 1, 0, 10 * PERCENT);
	order.nlines = 2;
	order.order_discount = 0;
	ok(compute(&order, &at) == OMNI_MONEY_OK && lines[0].tax == 2 &&
	   lines[1].tax == 4, "halves go to the even cent");

	/* unit price 0.3333 × 3 = 0.9999, 0.0050 × 1 = 0.005 → 0.00 */
	lines[0].unit_price = 333300;
	lines[0].quantity = 3;
	lines[1].unit_price = 5000;
	ok(compute(&order, &at) == OMNI_MONEY_OK && lines[0].goods == 100 &&
	   lines[1].goods == 0, "a line is rounded once, not its unit");

	/* 10.00 over three equal lines: 3.34, 3.33, 3.33 */
	for (int i = 0; i < 3; i++)
		lines[i] = line_of(1000, 1, 0, -1);
	order.nlines = 3;
	order.order_discount = 1000;
	ok(compute(&order, &at) == OMNI_MONEY_OK &&
	   lines[0].order_discount == 334 && lines[1].order_discount == 333 &&
	   lines[2].order_discount == 333, "10.00 over three lines");

	/* more discount than goods */
	lines[0].own_discount = 5000;
	order.order_discount = 1000000;
	ok(compute(&order, &at) == OMNI_MONEY_OK && order.total == 0 &&
	   order.discount == 3000 && lines[0].discount == 1000 &&
	   lines[0].order_discount == 0, "nothing falls below zero");

	/* shipping with tax, fees */
	lines[0] = line_of(1000, 1, 0, 20 * PERCENT);
	order.nlines = 1;
	order.order_discount = 0;
	order.shipping = 500;
	order.shipping_tax_rule.has_rate = true;
	order.shipping_tax_rule.rate = 20 * PERCENT;
	order.fees = 99;
	ok(compute(&order, &at) == OMNI_MONEY_OK && order.shipping_tax == 100 &&
	   order.tax == 300 && order.total == 1000 + 500 + 99 + 300,
	   "shipping, its tax and fees");
	order.taxes_included = true;
	ok(compute(&order, &at) == OMNI_MONEY_OK && order.shipping_tax == 83 &&
	   order.tax == 167 + 83 && order.total == 1599,
	   "the same with taxes inside");

	/* a tax given as an amount wins over a rate */
	lines[0].tax_rule.has_amount = true;
	lines[0].tax_rule.amount = 123;
	ok(compute(&order, &at) == OMNI_MONEY_OK && lines[0].tax == 123,
	   "an amount wins over a rate");
	lines[0].tax_rule.amount = 1001;
	ok(compute(&order, &at) == OMNI_MONEY_TAX_TOO_HIGH && at == 0,
	   "a tax inside cannot be more than the whole");
	order.taxes_included = false;
	ok(compute(&order, &at) == OMNI_MONEY_OK && lines[0].total == 2001,
	   "on top it may");

	/* ranges */
	memset(&order, 0, sizeof(order));
	order.lines = lines;
	order.nlines = 2;
	lines[0] = line_of(1, 1, 0, -1);
	lines[1] = line_of(1, 1, 0, -1);
	lines[1].unit_price = INT64_MAX;
	lines[1].quantity = INT32_MAX;
	ok(compute(&order, &at) == OMNI_MONEY_OUT_OF_RANGE && at == 1,
	   "a line beyond 64 bits");
	lines[0].unit_price = lines[1].unit_price = INT64_MAX;
	lines[0].quantity = lines[1].quantity = 9000;
	ok(compute(&order, &at) == OMNI_MONEY_OUT_OF_RANGE,
	   "lines that fit, a sum that does not");
}

/* A small generator, the same on every machine. */
static uint64_t state = 20261101;

static int64_t
draw(int64_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t) ((state >> 33) % (uint64_t) below);
}

/* Whatever the order: parts add up, nothing is negative. */
static bool
holds(const OmniOrderMoney *order)
{
	int64_t		goods = 0;
	int64_t		discount = 0;
	int64_t		parts = 0;
	int64_t		tax = order->shipping_tax;
	int64_t		total = order->shipping + order->fees;
	int64_t		room = 0;
	int64_t		own = 0;

	for (int i = 0; i < order->nlines; i++)
	{
		const OmniLineMoney *line = &order->lines[i];
		int64_t		taken = line->own_discount < line->goods ?
			line->own_discount : line->goods;

		if (line->goods < 0 || line->order_discount < 0 || line->tax < 0 ||
			line->total < 0 || line->discount > line->goods ||
			line->discount != taken + line->order_discount)
			return false;
		if (line->total != line->goods - line->discount +
			(order->taxes_included ? 0 : line->tax))
			return false;
		goods += line->goods;
		discount += line->discount;
		parts += line->order_discount;
		own += taken;
		tax += line->tax;
		total += line->total;
	}
	room = goods - own;
	if (!order->taxes_included)
		total += order->shipping_tax;
	return goods == order->goods && discount == order->discount &&
		tax == order->tax && total == order->total &&
		parts == (order->order_discount < room ? order->order_discount : room);
}

static void
test_any(void)
{
	OmniLineMoney lines[MAX_LINES];
	int			bad = 0;

	for (int n = 0; n < 20000; n++)
	{
		OmniOrderMoney order;
		int			at;

		memset(&order, 0, sizeof(order));
		order.nlines = 1 + (int) draw(n % 50 == 0 ? MAX_LINES : 6);
		order.lines = lines;
		order.taxes_included = draw(2);
		order.order_discount = draw(3) == 0 ? draw(20000) : 0;
		order.shipping = draw(1000);
		order.shipping_tax_rule.has_rate = draw(2);
		order.shipping_tax_rule.rate = draw(OMNI_RATE_ONE);
		order.fees = draw(100);
		for (int i = 0; i < order.nlines; i++)
		{
			lines[i] = line_of(0, 1 + (int) draw(5), draw(4) ? 0 : draw(3000),
							   draw(4) ? draw(OMNI_RATE_ONE) : -1);
			lines[i].unit_price = draw(20000000);
		}
		if (compute(&order, &at) != OMNI_MONEY_OK || !holds(&order))
			bad++;
	}
	ok(bad == 0, "20,000 drawn orders add up");
}

int
main(void)
{
	test_by_hand();
	test_any();
	printf("1..%d\n", ntests);
	return nfailed != 0;
}
