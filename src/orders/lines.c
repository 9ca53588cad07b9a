/*
 * lines.c
 *	  The lines of a new order.
 */
#include "omni.h"

#include "orders/orders.h"

/* The quantities of a line, by state. */
static void
put_quantities(OmniInsertion *rows, const OmniOrder *order,
			   const OmniOrderLine *line, const OmniDemand *demand)
{
	int32		missing = demand ? demand->missing : 0;
	bool		backorder = missing > 0 && order->options.backorder &&
		!demand->barred;

	omni_core_put(rows, Int32GetDatum(line->quantity));
	omni_core_put(rows, Int32GetDatum(backorder ? 0 : missing));
	omni_core_put(rows, Int32GetDatum(backorder ? missing : 0));
	omni_core_put(rows, Int32GetDatum(demand ? line->quantity - missing : 0));
	omni_core_put(rows, Int32GetDatum(demand ? 0 : line->quantity));
	for (int i = 0; i < 4; i++) /* picked, shipped, cancelled, returned */
		omni_core_put(rows, Int32GetDatum(0));
	omni_core_put_text(rows, missing > 0 ? demand->reason : NULL);
}

/* The money of a line. */
static void
put_money(OmniInsertion *rows, const OmniOrder *order,
		  const OmniOrderLine *line, const OmniLineMoney *money)
{
	int			decimals = order->decimals;

	omni_core_put(rows, omni_orders_decimal(&line->unit_price, decimals));
	omni_core_put(rows, omni_orders_money(money->goods, decimals));
	omni_core_put(rows, omni_orders_money(money->discount, decimals));
	omni_core_put(rows, omni_orders_money(money->order_discount, decimals));
	if (money->tax_rule.has_rate)
		omni_core_put(rows, omni_orders_decimal(&line->tax->rate, 0));
	else
		omni_core_put_null(rows);
	omni_core_put(rows, omni_orders_money(money->tax, decimals));
	omni_core_put(rows, omni_orders_money(money->total, decimals));
}

/* All lines; sets their ids.  See orders.h. */
void
omni_orders_insert_lines(OmniOrder *order, const OmniDemand *demands,
						 const int *demand_of_line)
{
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "order_line",
		.columns = "id, order_id, item_id, line, request, quantity, open,"
		" backordered, allocated, collected, picked, shipped, cancelled,"
		" returned, reason, unit_price, goods, discount, order_discount,"
		" tax_rate, tax, total"
	};
	OmniInsertion rows;

	omni_core_insert_begin(&rows, &table);
	for (int i = 0; i < order->nlines; i++)
	{
		OmniOrderLine *line = &order->lines[i];
		MemoryContext old;

		line->id = omni_core_next_id(OMNI_SCHEMA, "order_line_id_seq");
		old = MemoryContextSwitchTo(omni_core_insert_memory(&rows));
		omni_core_put(&rows, Int64GetDatum(line->id));
		omni_core_put(&rows, Int64GetDatum(order->id));
		omni_core_put(&rows, Int64GetDatum(line->item));
		omni_core_put(&rows, Int32GetDatum(line->line));
		omni_core_put(&rows, Int32GetDatum(line->wish + 1));
		put_quantities(&rows, order, line, demand_of_line[i] < 0 ? NULL :
					   &demands[demand_of_line[i]]);
		put_money(&rows, order, line, &order->money.lines[i]);
		MemoryContextSwitchTo(old);
		omni_core_put_row(&rows);
	}
	omni_core_insert_end(&rows);
}
