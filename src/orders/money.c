/*
 * money.c
 *	  The money of a document: from its decimals to exact minor units.
 *
 * money_core.c does the arithmetic.  An amount may have the decimals of its
 * currency, a unit price four more, a rate nine; more is an error, because
 * rounding what a channel has already worked out would change it.
 */
#include "omni.h"

#include "common/int.h"
#include "utils/memutils.h"

#include "orders/orders.h"

/* Where in the document an amount stands. */
typedef struct AmountPlace
{
	int			line;			/* index, -1: not in a line */
	const char *list;			/* list in which it stands, or NULL */
	int			index;			/* place in that list */
	const char *key;
} AmountPlace;

/* The place as a path. */
static char *
place_name(const AmountPlace *place)
{
	StringInfoData name;

	initStringInfo(&name);
	if (place->line >= 0)
		appendStringInfo(&name, "lines[%d].", place->line);
	if (place->list)
		appendStringInfo(&name, "%s[%d].", place->list, place->index);
	appendStringInfoString(&name, place->key);
	return name.data;
}

/* A decimal as a whole number of 10^-decimals. */
static int64
scale_decimal(const OmniDecimal *decimal, int decimals,
			  const AmountPlace *place)
{
	int64		result = decimal->unscaled;

	if (!decimal->given)
		return 0;
	if (decimal->scale > decimals)
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("key \"%s\" of the order document has more than %d decimal places",
						place_name(place), decimals)));
	for (int d = decimal->scale; d < decimals; d++)
	{
		if (pg_mul_s64_overflow(result, 10, &result))
			ereport(ERROR,
					(errcode(OMNI_ERR_OUT_OF_RANGE),
					 errmsg("key \"%s\" of the order document is out of range",
							place_name(place))));
	}
	return result;
}

/* *sum += amount, OM008 when that leaves 64 bits. */
static void
add_amount(int64 *sum, int64 amount, const AmountPlace *place)
{
	if (pg_add_s64_overflow(*sum, amount, sum))
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_RANGE),
				 errmsg("key \"%s\" of the order document is out of range",
						place_name(place))));
}

/* A tax as given. */
static void
read_tax(const OmniTax *tax, int decimals, int line, bool shipping,
		 OmniTaxRule *rule)
{
	AmountPlace rate = {line, NULL, 0, shipping ? "shipping.tax.rate" : "tax.rate"};
	AmountPlace amount = {line, NULL, 0, shipping ? "shipping.tax.amount" : "tax.amount"};

	memset(rule, 0, sizeof(OmniTaxRule));
	if (tax == NULL)
		return;
	if (!tax->rate.given && !tax->amount.given)
	{
		AmountPlace both = {line, NULL, 0, shipping ? "shipping.tax" : "tax"};

		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("key \"%s\" of the order document must have a \"rate\" or an \"amount\"",
						place_name(&both))));
	}
	rule->has_rate = tax->rate.given;
	rule->has_amount = tax->amount.given;
	rule->rate = scale_decimal(&tax->rate, OMNI_RATE_DECIMALS, &rate);
	rule->amount = scale_decimal(&tax->amount, decimals, &amount);
	if (rule->rate > OMNI_RATE_ONE)
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("key \"%s\" of the order document must be at most \"1\"",
						place_name(&rate)),
				 errhint("A rate is a fraction: write \"0.10\" for 10 %%.")));
}

/* The sum of a list of discounts. */
static int64
sum_discounts(const OmniList *list, int decimals, int line)
{
	const OmniDiscount *discounts = list->items;
	int64		sum = 0;

	for (int i = 0; i < list->n; i++)
	{
		AmountPlace place = {line, "discounts", i, "amount"};

		add_amount(&sum, scale_decimal(&discounts[i].amount, decimals,
									   &place), &place);
	}
	return sum;
}

/* Put the document's amounts where the computation wants them. */
static void
read_amounts(OmniOrder *order)
{
	OmniOrderMoney *money = &order->money;
	const OmniFee *fees = order->fees.items;
	int			decimals = order->decimals;

	money->taxes_included = order->taxes_included;
	money->nlines = order->nlines;
	money->lines = palloc0(sizeof(OmniLineMoney) * order->nlines);
	for (int i = 0; i < order->nlines; i++)
	{
		const OmniOrderLine *line = &order->lines[i];
		AmountPlace price = {i, NULL, 0, "unit_price"};

		money->lines[i].quantity = line->quantity;
		money->lines[i].unit_price =
			scale_decimal(&line->unit_price,
						  decimals + OMNI_UNIT_PRICE_MORE_DECIMALS, &price);
		money->lines[i].own_discount =
			sum_discounts(&line->discounts, decimals, i);
		read_tax(line->tax, decimals, i, false, &money->lines[i].tax_rule);
	}
	money->order_discount = sum_discounts(&order->discounts, decimals, -1);
	if (order->shipping)
	{
		AmountPlace place = {-1, NULL, 0, "shipping.amount"};

		money->shipping = scale_decimal(&order->shipping->amount, decimals,
										&place);
		read_tax(order->shipping->tax, decimals, -1, true,
				 &money->shipping_tax_rule);
	}
	for (int i = 0; i < order->fees.n; i++)
	{
		AmountPlace place = {-1, "fees", i, "amount"};

		add_amount(&money->fees, scale_decimal(&fees[i].amount, decimals,
											   &place), &place);
	}
}

/* Tenders are stored as given; here they are only checked. */
static void
check_tenders(const OmniOrder *order)
{
	const OmniTender *tenders = order->tenders.items;

	for (int i = 0; i < order->tenders.n; i++)
	{
		AmountPlace place = {-1, "tenders", i, "amount"};

		(void) scale_decimal(&tenders[i].amount, order->decimals, &place);
	}
}

/* The money of a parsed order. */
void
omni_orders_compute_money(OmniOrder *order)
{
	OmniMoneyRoom *room;
	OmniMoneyError error;
	int			line;

	read_amounts(order);
	check_tenders(order);
	room = palloc_extended(sizeof(OmniMoneyRoom) * (Size) order->nlines,
						   MCXT_ALLOC_HUGE);
	error = omni_orders_money_compute(&order->money, room, &line);
	pfree(room);
	if (error == OMNI_MONEY_OK)
		return;
	if (error == OMNI_MONEY_TAX_TOO_HIGH)
	{
		AmountPlace place = {line, NULL, 0, line < 0 ? "shipping.tax.amount" : "tax.amount"};

		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("key \"%s\" of the order document is more than the amount that includes it",
						place_name(&place))));
	}
	if (line >= 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_RANGE),
				 errmsg("line %d of the order comes to more than an amount can hold",
						order->lines[line].line)));
	ereport(ERROR,
			(errcode(OMNI_ERR_OUT_OF_RANGE),
			 errmsg("the order comes to more than an amount can hold")));
}
