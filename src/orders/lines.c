/*
 * lines.c
 *	  The lines of a new order: one INSERT.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "orders/orders.h"

/* Columns that differ from line to line, in the statement's order. */
typedef enum LineColumn
{
	LINE_ITEM,
	LINE_LINE,
	LINE_REQUEST,
	LINE_QUANTITY,
	LINE_OPEN,
	LINE_BACKORDERED,
	LINE_ALLOCATED,
	LINE_COLLECTED,
	LINE_UNIT_PRICE,
	LINE_GOODS,
	LINE_DISCOUNT,
	LINE_ORDER_DISCOUNT,
	LINE_TAX_RATE,
	LINE_TAX,
	LINE_TOTAL,
	LINE_REASON,
	NLINE_COLUMNS
} LineColumn;

static const Oid line_types[NLINE_COLUMNS] = {
	INT8OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID,
	NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID,
	NUMERICOID, TEXTOID
};

/* The quantities of a line, by state. */
static void
add_quantities(OmniColumn *columns, const OmniOrder *order,
			   const OmniOrderLine *line, const OmniDemand *demand)
{
	int32		missing = demand ? demand->missing : 0;
	bool		backorder = missing > 0 && order->options.backorder &&
		!demand->barred;

	omni_orders_column_add(&columns[LINE_QUANTITY],
						   Int32GetDatum(line->quantity));
	omni_orders_column_add(&columns[LINE_OPEN],
						   Int32GetDatum(backorder ? 0 : missing));
	omni_orders_column_add(&columns[LINE_BACKORDERED],
						   Int32GetDatum(backorder ? missing : 0));
	omni_orders_column_add(&columns[LINE_ALLOCATED],
						   Int32GetDatum(demand ? line->quantity - missing : 0));
	omni_orders_column_add(&columns[LINE_COLLECTED],
						   Int32GetDatum(demand ? 0 : line->quantity));
	omni_orders_column_add_text(&columns[LINE_REASON],
								missing > 0 ? demand->reason : NULL);
}

/* The money of a line. */
static void
add_money(OmniColumn *columns, const OmniOrder *order,
		  const OmniOrderLine *line, const OmniLineMoney *money)
{
	int			decimals = order->decimals;

	omni_orders_column_add(&columns[LINE_UNIT_PRICE],
						   omni_orders_decimal(&line->unit_price, decimals));
	omni_orders_column_add(&columns[LINE_GOODS],
						   omni_orders_money(money->goods, decimals));
	omni_orders_column_add(&columns[LINE_DISCOUNT],
						   omni_orders_money(money->discount, decimals));
	omni_orders_column_add(&columns[LINE_ORDER_DISCOUNT],
						   omni_orders_money(money->order_discount, decimals));
	if (money->tax_rule.has_rate)
		omni_orders_column_add(&columns[LINE_TAX_RATE],
							   omni_orders_decimal(&line->tax->rate, 0));
	else
		omni_orders_column_add_null(&columns[LINE_TAX_RATE]);
	omni_orders_column_add(&columns[LINE_TAX],
						   omni_orders_money(money->tax, decimals));
	omni_orders_column_add(&columns[LINE_TOTAL],
						   omni_orders_money(money->total, decimals));
}

/* All lines; sets their ids.  See orders.h. */
void
omni_orders_insert_lines(OmniOrder *order, const OmniDemand *demands,
						 const int *demand_of_line)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.order_line (order_id, item_id, line,"
		" request, quantity, open, backordered, allocated, picked, shipped,"
		" collected, cancelled, returned, unit_price, goods, discount,"
		" order_discount, tax_rate, tax, total, reason)"
		" SELECT $1, d.item_id, d.line, d.request, d.quantity, d.open,"
		" d.backordered, d.allocated, 0, 0, d.collected, 0, 0, d.unit_price,"
		" d.goods, d.discount, d.order_discount, d.tax_rate, d.tax, d.total,"
		" d.reason"
		" FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
		" $12, $13, $14, $15, $16, $17) AS d(item_id, line, request,"
		" quantity, open, backordered, allocated, collected, unit_price,"
		" goods, discount, order_discount, tax_rate, tax, total, reason)"
		" RETURNING id, line",
		.nargs = 1 + NLINE_COLUMNS,
		.argtypes = {INT8OID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID,
			INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID,
			INT4ARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID,
			NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID,
		NUMERICARRAYOID, TEXTARRAYOID}
	};
	OmniColumn	columns[NLINE_COLUMNS];
	Datum		values[1 + NLINE_COLUMNS];
	OmniRows	rows;

	for (int c = 0; c < NLINE_COLUMNS; c++)
		omni_orders_column_begin(&columns[c], line_types[c], order->nlines);
	for (int i = 0; i < order->nlines; i++)
	{
		const OmniOrderLine *line = &order->lines[i];

		omni_orders_column_add(&columns[LINE_ITEM], Int64GetDatum(line->item));
		omni_orders_column_add(&columns[LINE_LINE], Int32GetDatum(line->line));
		omni_orders_column_add(&columns[LINE_REQUEST],
							   Int32GetDatum(line->wish + 1));
		add_quantities(columns, order, line, demand_of_line[i] < 0 ? NULL :
					   &demands[demand_of_line[i]]);
		add_money(columns, order, line, &order->money.lines[i]);
	}
	values[0] = Int64GetDatum(order->id);
	for (int c = 0; c < NLINE_COLUMNS; c++)
		values[1 + c] = omni_orders_column_end(&columns[c]);
	omni_core_query(&query, values, NULL, false, &rows);

	if (rows.nrows != order->nlines)
		elog(ERROR, "inserted %d of %d order lines", rows.nrows,
			 order->nlines);
	for (int i = 0; i < order->nlines; i++)
	{
		if (DatumGetInt32(OMNI_VALUE(&rows, i, 1)) != order->lines[i].line)
			elog(ERROR, "order lines came back in another order");
		order->lines[i].id = DatumGetInt64(OMNI_VALUE(&rows, i, 0));
	}
}
