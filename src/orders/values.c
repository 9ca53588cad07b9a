/*
 * values.c
 *	  C values as parameters of statements.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "orders/orders.h"

/* Minor units as a numeric with the currency's decimals. */
Datum
omni_orders_money(int64 minor, int decimals)
{
	return NumericGetDatum(int64_div_fast_to_numeric(minor, decimals));
}

/* A decimal of the document as a numeric with at least so many decimals. */
Datum
omni_orders_decimal(const OmniDecimal *decimal, int decimals)
{
	int64		unscaled = decimal->unscaled;
	int			scale = decimal->scale;

	/* cannot overflow: the money was worked out with more decimals */
	for (; scale < decimals; scale++)
		unscaled *= 10;
	return NumericGetDatum(int64_div_fast_to_numeric(unscaled, scale));
}

/* A text parameter, null when there is no text. */
Datum
omni_orders_text(const char *text, char *null)
{
	*null = text ? ' ' : 'n';
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Start a column with room for so many values. */
void
omni_orders_column_begin(OmniColumn *column, Oid type, int room)
{
	column->type = type;
	column->n = 0;
	column->values = palloc_extended(sizeof(Datum) * (Size) room,
									 MCXT_ALLOC_HUGE);
	column->nulls = palloc_extended(sizeof(bool) * (Size) room,
									MCXT_ALLOC_HUGE);
}

/* Append a value. */
void
omni_orders_column_add(OmniColumn *column, Datum value)
{
	column->values[column->n] = value;
	column->nulls[column->n++] = false;
}

/* Append a null. */
void
omni_orders_column_add_null(OmniColumn *column)
{
	column->values[column->n] = (Datum) 0;
	column->nulls[column->n++] = true;
}

/* Append a text, or a null. */
void
omni_orders_column_add_text(OmniColumn *column, const char *text)
{
	if (text)
		omni_orders_column_add(column, CStringGetTextDatum(text));
	else
		omni_orders_column_add_null(column);
}

/* The column as an array. */
Datum
omni_orders_column_end(OmniColumn *column)
{
	int			lower = 1;
	int			length = -1;
	bool		by_value = false;
	char		align = TYPALIGN_INT;

	switch (column->type)
	{
		case INT4OID:
			length = 4;
			by_value = true;
			break;
		case INT8OID:
		case FLOAT8OID:
		case TIMESTAMPTZOID:
			length = 8;
			by_value = FLOAT8PASSBYVAL;
			align = TYPALIGN_DOUBLE;
			break;
		case TEXTOID:
		case NUMERICOID:
			break;
		default:
			elog(ERROR, "unexpected column type: %u", column->type);
	}
	return PointerGetDatum(construct_md_array(column->values, column->nulls,
											  1, &column->n, &lower,
											  column->type, length, by_value,
											  align));
}
