/*
 * money_core.h
 *	  What an order costs, exactly; no server needed.
 *
 * Amounts are whole minor units of the order's currency; unit prices have
 * OMNI_UNIT_PRICE_MORE_DECIMALS more; rates are parts of OMNI_RATE_ONE.
 */
#ifndef OMNI_ORDERS_MONEY_CORE_H
#define OMNI_ORDERS_MONEY_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "types/amount_core.h"

#define OMNI_RATE_DECIMALS 9
#define OMNI_RATE_ONE INT64_C(1000000000)

/* A tax as given: nothing, a rate, or the amount itself (which wins). */
typedef struct OmniTaxRule
{
	bool		has_rate;
	bool		has_amount;
	int64_t		rate;
	int64_t		amount;
} OmniTaxRule;

typedef struct OmniLineMoney
{
	/* in */
	int64_t		unit_price;
	int32_t		quantity;
	int64_t		own_discount;	/* as given */
	OmniTaxRule tax_rule;
	/* out */
	int64_t		goods;			/* unit price × quantity, rounded */
	int64_t		discount;		/* taken off, order_discount included */
	int64_t		order_discount; /* the line's part of the order's discounts */
	int64_t		tax;
	int64_t		total;			/* due for the line */
} OmniLineMoney;

typedef struct OmniOrderMoney
{
	/* in */
	bool		taxes_included;
	int			nlines;
	OmniLineMoney *lines;
	int64_t		order_discount; /* as given */
	int64_t		shipping;
	OmniTaxRule shipping_tax_rule;
	int64_t		fees;
	/* out */
	int64_t		goods;
	int64_t		discount;
	int64_t		shipping_tax;
	int64_t		tax;			/* shipping's included */
	int64_t		total;
} OmniOrderMoney;

typedef enum OmniMoneyError
{
	OMNI_MONEY_OK,
	OMNI_MONEY_OUT_OF_RANGE,	/* an amount leaves 64 bits */
	OMNI_MONEY_TAX_TOO_HIGH		/* included tax above what it is part of */
} OmniMoneyError;

/* What the computation works in, for each line. */
typedef struct OmniMoneyRoom
{
	int64_t		weight;
	int64_t		part;
	OmniAmountShare share;
} OmniMoneyRoom;

/*
 * Compute everything that is "out".  "room" has one element per line.  *line:
 * where an error is, -1 when not in a line.
 */
extern OmniMoneyError omni_orders_money_compute(OmniOrderMoney *order,
												OmniMoneyRoom *room,
												int *line);

#endif							/* OMNI_ORDERS_MONEY_CORE_H */
