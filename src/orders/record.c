/*
 * record.c
 *	  The rows of a new order: one statement per table, whatever its size.
 *
 * Every statement takes arrays and inserts all its rows at once.  Statements
 * that nothing needs (no discounts, no tenders …) are not run.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "orders/orders.h"

/* Coupons as a text array, null when there are none. */
static Datum
coupon_array(const OmniOrder *order, char *null)
{
	char	  **coupons = order->coupons.items;
	OmniColumn	column;

	*null = order->coupons.n == 0 ? 'n' : ' ';
	if (order->coupons.n == 0)
		return (Datum) 0;
	omni_orders_column_begin(&column, TEXTOID, order->coupons.n);
	for (int i = 0; i < order->coupons.n; i++)
		omni_orders_column_add_text(&column, coupons[i]);
	return omni_orders_column_end(&column);
}

/*
 * The order's row.  Waits for a transaction that is inserting the same
 * (channel, external id); false when that one was first.  Above READ
 * COMMITTED the server raises 40001 instead.
 */
bool
omni_orders_insert_order(OmniOrder *order, bool completed)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.sales_order (channel_id, external_id, status,"
		" customer_id, placed_at, recorded_at, currency, decimals,"
		" taxes_included, goods, discount, shipping, shipping_tax, tax, fees,"
		" total, coupons, ship_complete, backorder, park, max_splits, digest,"
		" priority, holds)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
		" $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)"
		" ON CONFLICT (channel_id, external_id) DO NOTHING RETURNING id",
		.nargs = 24,
		.argtypes = {INT8OID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID,
			TIMESTAMPTZOID, TEXTOID, INT2OID, BOOLOID, NUMERICOID, NUMERICOID,
			NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID,
		TEXTARRAYOID, BOOLOID, BOOLOID, BOOLOID, INT4OID, BYTEAOID, INT4OID,
		INT4OID}
	};
	const OmniOrderMoney *money = &order->money;
	int			decimals = order->decimals;
	TimestampTz now = omni_core_now();
	bytea	   *digest = palloc(VARHDRSZ + OMNI_DIGEST_LENGTH);
	Datum		values[24];
	char		nulls[] = "                        ";
	OmniRows	rows;

	SET_VARSIZE(digest, VARHDRSZ + OMNI_DIGEST_LENGTH);
	memcpy(VARDATA(digest), order->digest, OMNI_DIGEST_LENGTH);
	values[0] = Int64GetDatum(order->channel);
	values[1] = CStringGetTextDatum(order->external_id);
	values[2] = CStringGetTextDatum(completed ? "completed" : "open");
	values[3] = Int64GetDatum(order->customer_id);
	nulls[3] = order->customer_id == 0 ? 'n' : ' ';
	values[4] = TimestampTzGetDatum(order->placed_at.given ?
									order->placed_at.value : now);
	values[5] = TimestampTzGetDatum(now);
	values[6] = CStringGetTextDatum(order->currency);
	values[7] = Int16GetDatum(decimals);
	values[8] = BoolGetDatum(order->taxes_included);
	values[9] = omni_orders_money(money->goods, decimals);
	values[10] = omni_orders_money(money->discount, decimals);
	values[11] = omni_orders_money(money->shipping, decimals);
	values[12] = omni_orders_money(money->shipping_tax, decimals);
	values[13] = omni_orders_money(money->tax, decimals);
	values[14] = omni_orders_money(money->fees, decimals);
	values[15] = omni_orders_money(money->total, decimals);
	values[16] = coupon_array(order, &nulls[16]);
	values[17] = BoolGetDatum(order->options.ship_complete);
	values[18] = BoolGetDatum(order->options.backorder);
	values[19] = BoolGetDatum(!order->may_refuse);
	values[20] = Int32GetDatum(order->options.max_splits.value);
	nulls[20] = order->options.max_splits.given ? ' ' : 'n';
	values[21] = PointerGetDatum(digest);
	values[22] = Int32GetDatum(order->priority);
	values[23] = Int32GetDatum(order->options.hold.n);
	omni_core_query(&query, values, nulls, false, &rows);
	if (rows.nrows == 0)
		return false;
	order->id = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	return true;
}

/* Whom to tell: personal data, in a table of its own. */
static void
insert_contact(const OmniOrder *order)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.order_contact"
		" (order_id, given_name, family_name, email, phone)"
		" VALUES ($1, $2, $3, $4, $5)",
		.nargs = 5,
		.argtypes = {INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
	};
	const OmniPerson *person = order->customer;
	const OmniPersonName *name = person->name;
	Datum		values[5];
	char		nulls[] = "     ";

	if (!person->email && !person->phone &&
		!(name && (name->given || name->family)))
		return;
	values[0] = Int64GetDatum(order->id);
	values[1] = omni_orders_text(name ? name->given : NULL, &nulls[1]);
	values[2] = omni_orders_text(name ? name->family : NULL, &nulls[2]);
	values[3] = omni_orders_text(person->email, &nulls[3]);
	values[4] = omni_orders_text(person->phone, &nulls[4]);
	omni_core_query(&query, values, nulls, false, NULL);
}

/* The wishes, numbered from 1. */
static void
insert_requests(const OmniOrder *order)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.order_request"
		" (order_id, request, kind, node_id, promise_by)"
		" SELECT $1, d.request, d.kind, d.node_id, d.promise_by"
		" FROM unnest($2, $3, $4, $5)"
		" AS d(request, kind, node_id, promise_by)",
		.nargs = 5,
		.argtypes = {INT8OID, INT4ARRAYOID, TEXTARRAYOID, INT8ARRAYOID,
		TIMESTAMPTZARRAYOID}
	};
	OmniColumn	request;
	OmniColumn	kind;
	OmniColumn	node;
	OmniColumn	promise_by;
	Datum		values[5];

	omni_orders_column_begin(&request, INT4OID, order->nwishes);
	omni_orders_column_begin(&kind, TEXTOID, order->nwishes);
	omni_orders_column_begin(&node, INT8OID, order->nwishes);
	omni_orders_column_begin(&promise_by, TIMESTAMPTZOID, order->nwishes);
	for (int w = 0; w < order->nwishes; w++)
	{
		const OmniFulfilmentWish *wish = order->wishes[w];

		omni_orders_column_add(&request, Int32GetDatum(w + 1));
		omni_orders_column_add_text(&kind, wish->kind_name);
		if (wish->kind == OMNI_FULFILMENT_SHIP)
			omni_orders_column_add_null(&node);
		else
			omni_orders_column_add(&node, Int64GetDatum(wish->node));
		if (wish->promise_by.given)
			omni_orders_column_add(&promise_by,
								   TimestampTzGetDatum(wish->promise_by.value));
		else
			omni_orders_column_add_null(&promise_by);
	}
	values[0] = Int64GetDatum(order->id);
	values[1] = omni_orders_column_end(&request);
	values[2] = omni_orders_column_end(&kind);
	values[3] = omni_orders_column_end(&node);
	values[4] = omni_orders_column_end(&promise_by);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* The texts of an address, in the order of the statement's columns. */
#define NADDRESS_TEXTS 11
static const Size address_texts[NADDRESS_TEXTS] = {
	offsetof(OmniAddress, country), offsetof(OmniAddress, postal_code),
	offsetof(OmniAddress, name), offsetof(OmniAddress, company),
	offsetof(OmniAddress, street), offsetof(OmniAddress, street2),
	offsetof(OmniAddress, city), offsetof(OmniAddress, region),
	offsetof(OmniAddress, phone), offsetof(OmniAddress, email),
	offsetof(OmniAddress, instructions)
};

/* Append a coordinate. */
static void
add_coordinate(OmniColumn *column, const OmniDouble *coordinate)
{
	if (coordinate->given)
		omni_orders_column_add(column, Float8GetDatum(coordinate->value));
	else
		omni_orders_column_add_null(column);
}

/* Where shipments go: personal data, in a table of its own. */
static void
insert_addresses(const OmniOrder *order)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.delivery_address (order_id, request,"
		" latitude, longitude, country, postal_code, name, company, street,"
		" street2, city, region, phone, email, instructions)"
		" SELECT $1, d.* FROM unnest($2, $3, $4, $5, $6, $7, $8,"
		" $9, $10, $11, $12, $13, $14, $15) AS d",
		.nargs = 15,
		.argtypes = {INT8OID, INT4ARRAYOID, FLOAT8ARRAYOID, FLOAT8ARRAYOID,
			TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
			TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
	};
	OmniColumn	request;
	OmniColumn	latitude;
	OmniColumn	longitude;
	OmniColumn	texts[NADDRESS_TEXTS];
	Datum		values[4 + NADDRESS_TEXTS];

	omni_orders_column_begin(&request, INT4OID, order->nwishes);
	omni_orders_column_begin(&latitude, FLOAT8OID, order->nwishes);
	omni_orders_column_begin(&longitude, FLOAT8OID, order->nwishes);
	for (int t = 0; t < NADDRESS_TEXTS; t++)
		omni_orders_column_begin(&texts[t], TEXTOID, order->nwishes);
	for (int w = 0; w < order->nwishes; w++)
	{
		const OmniAddress *address = order->wishes[w]->address;

		if (address == NULL)
			continue;
		omni_orders_column_add(&request, Int32GetDatum(w + 1));
		add_coordinate(&latitude, &address->latitude);
		add_coordinate(&longitude, &address->longitude);
		for (int t = 0; t < NADDRESS_TEXTS; t++)
			omni_orders_column_add_text(&texts[t],
										*(char *const *) ((const char *) address +
														  address_texts[t]));
	}
	if (request.n == 0)
		return;
	values[0] = Int64GetDatum(order->id);
	values[1] = omni_orders_column_end(&request);
	values[2] = omni_orders_column_end(&latitude);
	values[3] = omni_orders_column_end(&longitude);
	for (int t = 0; t < NADDRESS_TEXTS; t++)
		values[4 + t] = omni_orders_column_end(&texts[t]);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* Discounts as given, of the order and of its lines. */
static void
insert_discounts(const OmniOrder *order)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.order_discount"
		" (order_id, discount, line, code, amount)"
		" SELECT $1, d.discount, d.line, d.code, d.amount"
		" FROM unnest($2, $3, $4) WITH ORDINALITY"
		" AS d(line, code, amount, discount)",
		.nargs = 4,
		.argtypes = {INT8OID, INT4ARRAYOID, TEXTARRAYOID, NUMERICARRAYOID}
	};
	OmniColumn	line;
	OmniColumn	code;
	OmniColumn	amount;
	Datum		values[4];
	int			n = order->discounts.n;

	for (int i = 0; i < order->nlines; i++)
		n += order->lines[i].discounts.n;
	if (n == 0)
		return;
	omni_orders_column_begin(&line, INT4OID, n);
	omni_orders_column_begin(&code, TEXTOID, n);
	omni_orders_column_begin(&amount, NUMERICOID, n);
	for (int i = -1; i < order->nlines; i++)
	{
		const OmniList *list = i < 0 ? &order->discounts :
			&order->lines[i].discounts;
		const OmniDiscount *discounts = list->items;

		for (int d = 0; d < list->n; d++)
		{
			if (i < 0)
				omni_orders_column_add_null(&line);
			else
				omni_orders_column_add(&line,
									   Int32GetDatum(order->lines[i].line));
			omni_orders_column_add_text(&code, discounts[d].code);
			omni_orders_column_add(&amount,
								   omni_orders_decimal(&discounts[d].amount,
													   order->decimals));
		}
	}
	values[0] = Int64GetDatum(order->id);
	values[1] = omni_orders_column_end(&line);
	values[2] = omni_orders_column_end(&code);
	values[3] = omni_orders_column_end(&amount);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* Fees as given. */
static void
insert_fees(const OmniOrder *order)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.order_fee (order_id, fee, code, amount)"
		" SELECT $1, d.fee, d.code, d.amount"
		" FROM unnest($2, $3) WITH ORDINALITY"
		" AS d(code, amount, fee)",
		.nargs = 3,
		.argtypes = {INT8OID, TEXTARRAYOID, NUMERICARRAYOID}
	};
	const OmniFee *fees = order->fees.items;
	OmniColumn	code;
	OmniColumn	amount;
	Datum		values[3];

	if (order->fees.n == 0)
		return;
	omni_orders_column_begin(&code, TEXTOID, order->fees.n);
	omni_orders_column_begin(&amount, NUMERICOID, order->fees.n);
	for (int i = 0; i < order->fees.n; i++)
	{
		omni_orders_column_add_text(&code, fees[i].code);
		omni_orders_column_add(&amount, omni_orders_decimal(&fees[i].amount,
															order->decimals));
	}
	values[0] = Int64GetDatum(order->id);
	values[1] = omni_orders_column_end(&code);
	values[2] = omni_orders_column_end(&amount);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* Tenders as given. */
static void
insert_tenders(const OmniOrder *order)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.order_tender"
		" (order_id, tender, kind, reference, amount)"
		" SELECT $1, d.tender, d.kind, d.reference, d.amount"
		" FROM unnest($2, $3, $4) WITH ORDINALITY"
		" AS d(kind, reference, amount, tender)",
		.nargs = 4,
		.argtypes = {INT8OID, TEXTARRAYOID, TEXTARRAYOID, NUMERICARRAYOID}
	};
	const OmniTender *tenders = order->tenders.items;
	OmniColumn	kind;
	OmniColumn	reference;
	OmniColumn	amount;
	Datum		values[4];

	if (order->tenders.n == 0)
		return;
	omni_orders_column_begin(&kind, TEXTOID, order->tenders.n);
	omni_orders_column_begin(&reference, TEXTOID, order->tenders.n);
	omni_orders_column_begin(&amount, NUMERICOID, order->tenders.n);
	for (int i = 0; i < order->tenders.n; i++)
	{
		omni_orders_column_add_text(&kind, tenders[i].kind);
		omni_orders_column_add_text(&reference, tenders[i].reference);
		omni_orders_column_add(&amount,
							   omni_orders_decimal(&tenders[i].amount,
												   order->decimals));
	}
	values[0] = Int64GetDatum(order->id);
	values[1] = omni_orders_column_end(&kind);
	values[2] = omni_orders_column_end(&reference);
	values[3] = omni_orders_column_end(&amount);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* Everything that is neither order, line nor fulfilment. */
void
omni_orders_insert_parts(const OmniOrder *order)
{
	insert_requests(order);
	insert_addresses(order);
	if (order->customer)
		insert_contact(order);
	insert_discounts(order);
	insert_fees(order);
	insert_tenders(order);
}

/* A plan, numbered behind those that the order has. */
void
omni_orders_insert_plan(int64 order, const char *plan)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.order_plan"
		" (order_id, plan_number, planned_at, plan)"
		" SELECT $1, 1 + COALESCE(pg_catalog.max(plan_number), 0), $2,"
		" $3::pg_catalog.jsonb FROM omni.order_plan WHERE order_id = $1",
		.nargs = 3,
		.argtypes = {INT8OID, TIMESTAMPTZOID, TEXTOID}
	};
	Datum		values[3];

	values[0] = Int64GetDatum(order);
	values[1] = TimestampTzGetDatum(omni_core_now());
	values[2] = CStringGetTextDatum(plan);
	omni_core_query(&query, values, NULL, false, NULL);
}
