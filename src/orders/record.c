/*
 * record.c
 *	  The rows of a new order, apart from lines and fulfilments.
 *
 * The order's own row is inserted by a statement, because that may have to
 * wait for another session with the same order.  All others go straight to
 * their tables (core/insert.c).
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
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "order_contact",
		.columns = "order_id, given_name, family_name, email, phone"
	};
	const OmniPerson *person = order->customer;
	const OmniPersonName *name = person->name;
	OmniInsertion rows;

	if (!person->email && !person->phone &&
		!(name && (name->given || name->family)))
		return;
	omni_core_insert_begin(&rows, &table);
	omni_core_put(&rows, Int64GetDatum(order->id));
	omni_core_put_text(&rows, name ? name->given : NULL);
	omni_core_put_text(&rows, name ? name->family : NULL);
	omni_core_put_text(&rows, person->email);
	omni_core_put_text(&rows, person->phone);
	omni_core_put_row(&rows);
	omni_core_insert_end(&rows);
}

/* The wishes, numbered from 1. */
static void
insert_requests(const OmniOrder *order)
{
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "order_request",
		.columns = "order_id, request, kind, node_id, promise_by"
	};
	OmniInsertion rows;

	omni_core_insert_begin(&rows, &table);
	for (int w = 0; w < order->nwishes; w++)
	{
		const OmniFulfilmentWish *wish = order->wishes[w];

		omni_core_put(&rows, Int64GetDatum(order->id));
		omni_core_put(&rows, Int32GetDatum(w + 1));
		omni_core_put_text(&rows, wish->kind_name);
		if (wish->kind == OMNI_FULFILMENT_SHIP)
			omni_core_put_null(&rows);
		else
			omni_core_put(&rows, Int64GetDatum(wish->node));
		if (wish->promise_by.given)
			omni_core_put(&rows,
						  TimestampTzGetDatum(wish->promise_by.value));
		else
			omni_core_put_null(&rows);
		omni_core_put_row(&rows);
	}
	omni_core_insert_end(&rows);
}

/* The texts of an address, in the order of the columns. */
#define NADDRESS_TEXTS 11
static const Size address_texts[NADDRESS_TEXTS] = {
	offsetof(OmniAddress, country), offsetof(OmniAddress, postal_code),
	offsetof(OmniAddress, name), offsetof(OmniAddress, company),
	offsetof(OmniAddress, street), offsetof(OmniAddress, street2),
	offsetof(OmniAddress, city), offsetof(OmniAddress, region),
	offsetof(OmniAddress, phone), offsetof(OmniAddress, email),
	offsetof(OmniAddress, instructions)
};

/* A coordinate, or null. */
static void
put_coordinate(OmniInsertion *rows, const OmniDouble *coordinate)
{
	if (coordinate->given)
		omni_core_put(rows, Float8GetDatum(coordinate->value));
	else
		omni_core_put_null(rows);
}

/* Where shipments go: personal data, in a table of its own. */
static void
insert_addresses(const OmniOrder *order)
{
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "delivery_address",
		.columns = "order_id, request, latitude, longitude, country,"
		" postal_code, name, company, street, street2, city, region, phone,"
		" email, instructions"
	};
	OmniInsertion rows;
	bool		any = false;

	for (int w = 0; w < order->nwishes; w++)
		any = any || order->wishes[w]->address != NULL;
	if (!any)
		return;
	omni_core_insert_begin(&rows, &table);
	for (int w = 0; w < order->nwishes; w++)
	{
		const OmniAddress *address = order->wishes[w]->address;

		if (address == NULL)
			continue;
		omni_core_put(&rows, Int64GetDatum(order->id));
		omni_core_put(&rows, Int32GetDatum(w + 1));
		put_coordinate(&rows, &address->latitude);
		put_coordinate(&rows, &address->longitude);
		for (int t = 0; t < NADDRESS_TEXTS; t++)
			omni_core_put_text(&rows,
							   *(char *const *) ((const char *) address +
												 address_texts[t]));
		omni_core_put_row(&rows);
	}
	omni_core_insert_end(&rows);
}

/* Discounts as given, of the order and of its lines. */
static void
insert_discounts(const OmniOrder *order)
{
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "order_discount",
		.columns = "order_id, discount, line, code, amount"
	};
	OmniInsertion rows;
	int			n = order->discounts.n;
	int			number = 0;

	for (int i = 0; i < order->nlines; i++)
		n += order->lines[i].discounts.n;
	if (n == 0)
		return;
	omni_core_insert_begin(&rows, &table);
	for (int i = -1; i < order->nlines; i++)
	{
		const OmniList *list = i < 0 ? &order->discounts :
			&order->lines[i].discounts;
		const OmniDiscount *discounts = list->items;

		for (int d = 0; d < list->n; d++)
		{
			omni_core_put(&rows, Int64GetDatum(order->id));
			omni_core_put(&rows, Int32GetDatum(++number));
			if (i < 0)
				omni_core_put_null(&rows);
			else
				omni_core_put(&rows, Int32GetDatum(order->lines[i].line));
			omni_core_put_text(&rows, discounts[d].code);
			omni_core_put(&rows, omni_orders_decimal(&discounts[d].amount,
													 order->decimals));
			omni_core_put_row(&rows);
		}
	}
	omni_core_insert_end(&rows);
}

/* Fees as given. */
static void
insert_fees(const OmniOrder *order)
{
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "order_fee",
		.columns = "order_id, fee, code, amount"
	};
	const OmniFee *fees = order->fees.items;
	OmniInsertion rows;

	if (order->fees.n == 0)
		return;
	omni_core_insert_begin(&rows, &table);
	for (int i = 0; i < order->fees.n; i++)
	{
		omni_core_put(&rows, Int64GetDatum(order->id));
		omni_core_put(&rows, Int32GetDatum(i + 1));
		omni_core_put_text(&rows, fees[i].code);
		omni_core_put(&rows, omni_orders_decimal(&fees[i].amount,
												 order->decimals));
		omni_core_put_row(&rows);
	}
	omni_core_insert_end(&rows);
}

/* Tenders as given. */
static void
insert_tenders(const OmniOrder *order)
{
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "order_tender",
		.columns = "order_id, tender, kind, reference, amount"
	};
	const OmniTender *tenders = order->tenders.items;
	OmniInsertion rows;

	if (order->tenders.n == 0)
		return;
	omni_core_insert_begin(&rows, &table);
	for (int i = 0; i < order->tenders.n; i++)
	{
		omni_core_put(&rows, Int64GetDatum(order->id));
		omni_core_put(&rows, Int32GetDatum(i + 1));
		omni_core_put_text(&rows, tenders[i].kind);
		omni_core_put_text(&rows, tenders[i].reference);
		omni_core_put(&rows, omni_orders_decimal(&tenders[i].amount,
												 order->decimals));
		omni_core_put_row(&rows);
	}
	omni_core_insert_end(&rows);
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

/* How many plans the order has. */
static int
count_plans(int64 order)
{
	static OmniQuery query = {
		.sql = "SELECT COALESCE(pg_catalog.max(plan_number), 0)"
		" FROM omni.order_plan WHERE order_id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order);
	OmniRows	rows;

	omni_core_query(&query, &value, NULL, false, &rows);
	return DatumGetInt32(OMNI_VALUE(&rows, 0, 0));
}

/* A plan: the first one of a new order, or behind those that it has. */
void
omni_orders_insert_plan(int64 order, bool first, const char *plan)
{
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "order_plan",
		.columns = "order_id, plan_number, planned_at, plan"
	};
	int			number = first ? 1 : count_plans(order) + 1;
	OmniInsertion rows;

	omni_core_insert_begin(&rows, &table);
	omni_core_put(&rows, Int64GetDatum(order));
	omni_core_put(&rows, Int32GetDatum(number));
	omni_core_put(&rows, TimestampTzGetDatum(omni_core_now()));
	omni_core_put(&rows, DirectFunctionCall1(jsonb_in, CStringGetDatum(plan)));
	omni_core_put_row(&rows);
	omni_core_insert_end(&rows);
}
