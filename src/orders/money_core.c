/*
 * money_core.c
 *	  What an order costs, exactly.
 *
 * Pure C over plain arrays: no server, no allocation, no floating point.
 *
 * - goods = unit price × quantity, rounded once, half to even.
 * - A line's own discounts are taken off its goods, the order's discounts are
 *	 then divided over the lines by what is left of them: largest remainder,
 *	 ties to the earlier line, so the parts add up to the whole.  A discount
 *	 takes what there is and no more: nothing falls below zero.
 * - Tax with a rate is worked out of goods - discount of the line, rounded
 *	 once, half to even: × rate where taxes come on top, × rate / (1 + rate)
 *	 where prices include them.  A tax given as an amount is taken as it is.
 * - due for a line = goods - discount, + tax where it comes on top.
 * - The order: total = lines + shipping (+ its tax on top) + fees.
 */
#include "orders/money_core.h"

typedef __int128 int128_money;

/* numerator / denominator, half to even; both positive, or zero above. */
static bool
divide_rounded(int128_money numerator, int128_money denominator,
			   int64_t *result)
{
	int128_money quotient = numerator / denominator;
	int128_money twice = (numerator - quotient * denominator) * 2;

	if (twice > denominator || (twice == denominator && (quotient & 1)))
		quotient++;
	if (quotient > INT64_MAX)
		return false;
	*result = (int64_t) quotient;
	return true;
}

/* *sum += amount; false when that leaves 64 bits. */
static bool
add(int64_t *sum, int64_t amount)
{
	return !__builtin_add_overflow(*sum, amount, sum);
}

/* The tax on "base", which includes it or does not. */
static OmniMoneyError
compute_tax(const OmniTaxRule *rule, bool included, int64_t base,
			int64_t *tax)
{
	*tax = 0;
	if (rule->has_amount)
	{
		if (included && rule->amount > base)
			return OMNI_MONEY_TAX_TOO_HIGH;
		*tax = rule->amount;
	}
	else if (rule->has_rate &&
			 !divide_rounded((int128_money) base * rule->rate,
							 (int128_money) OMNI_RATE_ONE +
							 (included ? rule->rate : 0), tax))
		return OMNI_MONEY_OUT_OF_RANGE;
	return OMNI_MONEY_OK;
}

/* Price and own discounts of each line. */
static OmniMoneyError
price_lines(OmniOrderMoney *order, int *line)
{
	int64_t		unit = 1;

	for (int d = 0; d < OMNI_UNIT_PRICE_MORE_DECIMALS; d++)
		unit *= 10;
	for (int i = 0; i < order->nlines; i++)
	{
		OmniLineMoney *money = &order->lines[i];

		*line = i;
		if (!divide_rounded((int128_money) money->unit_price *
							money->quantity, unit, &money->goods))
			return OMNI_MONEY_OUT_OF_RANGE;
		money->discount = money->own_discount;
		if (money->discount > money->goods)
			money->discount = money->goods;
		money->order_discount = 0;
	}
	return OMNI_MONEY_OK;
}

/* Divide the order's discounts over what is left of the lines. */
static OmniMoneyError
spread_discount(OmniOrderMoney *order, OmniMoneyRoom *room)
{
	/* the three arrays lie side by side, one element each per line */
	int64_t    *weights = (int64_t *) room;
	int64_t    *parts = weights + order->nlines;
	OmniAmountShare *shares = (OmniAmountShare *) (parts + order->nlines);
	int64_t		left = 0;
	int64_t		whole = order->order_discount;

	if (whole == 0)
		return OMNI_MONEY_OK;
	for (int i = 0; i < order->nlines; i++)
	{
		weights[i] = order->lines[i].goods - order->lines[i].discount;
		if (!add(&left, weights[i]))
			return OMNI_MONEY_OUT_OF_RANGE;
	}
	if (whole > left)
		whole = left;
	if (whole == 0)
		return OMNI_MONEY_OK;
	if (omni_types_amount_divide(whole, weights, order->nlines, parts,
								 shares) != OMNI_AMOUNT_OK)
		return OMNI_MONEY_OUT_OF_RANGE;
	for (int i = 0; i < order->nlines; i++)
	{
		order->lines[i].order_discount = parts[i];
		order->lines[i].discount += parts[i];
	}
	return OMNI_MONEY_OK;
}

/* Tax and total of each line, and the sums of all. */
static OmniMoneyError
total_lines(OmniOrderMoney *order, int *line)
{
	order->goods = 0;
	order->discount = 0;
	order->tax = 0;
	order->total = 0;
	for (int i = 0; i < order->nlines; i++)
	{
		OmniLineMoney *money = &order->lines[i];
		OmniMoneyError error;

		*line = i;
		money->total = money->goods - money->discount;
		error = compute_tax(&money->tax_rule, order->taxes_included,
							money->total, &money->tax);
		if (error != OMNI_MONEY_OK)
			return error;
		if (!order->taxes_included && !add(&money->total, money->tax))
			return OMNI_MONEY_OUT_OF_RANGE;
		if (!add(&order->goods, money->goods) ||
			!add(&order->discount, money->discount) ||
			!add(&order->tax, money->tax) ||
			!add(&order->total, money->total))
			return OMNI_MONEY_OUT_OF_RANGE;
	}
	return OMNI_MONEY_OK;
}

/* All of it. */
OmniMoneyError
omni_orders_money_compute(OmniOrderMoney *order, OmniMoneyRoom *room,
						  int *line)
{
	OmniMoneyError error;

	*line = -1;
	error = price_lines(order, line);
	if (error != OMNI_MONEY_OK)
		return error;
	*line = -1;
	error = spread_discount(order, room);
	if (error != OMNI_MONEY_OK)
		return error;
	error = total_lines(order, line);
	if (error != OMNI_MONEY_OK)
		return error;
	*line = -1;
	error = compute_tax(&order->shipping_tax_rule, order->taxes_included,
						order->shipping, &order->shipping_tax);
	if (error != OMNI_MONEY_OK)
		return error;
	if (!add(&order->tax, order->shipping_tax) ||
		!add(&order->total, order->shipping) ||
		!add(&order->total, order->fees) ||
		(!order->taxes_included && !add(&order->total, order->shipping_tax)))
		return OMNI_MONEY_OUT_OF_RANGE;
	return OMNI_MONEY_OK;
}
