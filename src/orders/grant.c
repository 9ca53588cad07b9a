/*
 * grant.c
 *	  Fulfilments: one node's part of an order, made of what was granted.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "orders/orders.h"

/* Rows of fulfilments; sets their ids. */
static void
insert_heads(int64 order, const char *status, OmniNewFulfilment *fulfilments,
			 int n)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.fulfilment (order_id, request, node_id,"
		" kind, status, created_at, changed_at)"
		" SELECT $1, d.request, d.node_id, d.kind, $2, $3, $3"
		" FROM unnest($4, $5, $6) AS d(request, node_id, kind)"
		" RETURNING id, request, node_id",
		.nargs = 6,
		.argtypes = {INT8OID, TEXTOID, TIMESTAMPTZOID, INT4ARRAYOID,
		INT8ARRAYOID, TEXTARRAYOID}
	};
	OmniColumn	request;
	OmniColumn	node;
	OmniColumn	kind;
	Datum		values[6];
	OmniRows	rows;

	omni_orders_column_begin(&request, INT4OID, n);
	omni_orders_column_begin(&node, INT8OID, n);
	omni_orders_column_begin(&kind, TEXTOID, n);
	for (int f = 0; f < n; f++)
	{
		omni_orders_column_add(&request, Int32GetDatum(fulfilments[f].request));
		omni_orders_column_add(&node, Int64GetDatum(fulfilments[f].node));
		omni_orders_column_add_text(&kind,
									omni_fulfilment_kinds[fulfilments[f].kind]);
	}
	values[0] = Int64GetDatum(order);
	values[1] = CStringGetTextDatum(status);
	values[2] = TimestampTzGetDatum(omni_core_now());
	values[3] = omni_orders_column_end(&request);
	values[4] = omni_orders_column_end(&node);
	values[5] = omni_orders_column_end(&kind);
	omni_core_query(&query, values, NULL, false, &rows);

	if (rows.nrows != n)
		elog(ERROR, "inserted %d of %d fulfilments", rows.nrows, n);
	for (int f = 0; f < n; f++)
	{
		if (DatumGetInt32(OMNI_VALUE(&rows, f, 1)) != fulfilments[f].request ||
			DatumGetInt64(OMNI_VALUE(&rows, f, 2)) != fulfilments[f].node)
			elog(ERROR, "fulfilments came back in another order");
		fulfilments[f].id = DatumGetInt64(OMNI_VALUE(&rows, f, 0));
	}
}

/* Rows of fulfilment lines. */
static void
insert_lines(const OmniNewFulfilment *fulfilments,
			 const OmniNewFulfilmentLine *lines, int n)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.fulfilment_line"
		" (fulfilment_id, order_line_id, quantity, reservation_id)"
		" SELECT d.* FROM unnest($1, $2, $3, $4) AS d",
		.nargs = 4,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID, INT8ARRAYOID}
	};
	OmniColumn	fulfilment;
	OmniColumn	order_line;
	OmniColumn	quantity;
	OmniColumn	reservation;
	Datum		values[4];

	omni_orders_column_begin(&fulfilment, INT8OID, n);
	omni_orders_column_begin(&order_line, INT8OID, n);
	omni_orders_column_begin(&quantity, INT4OID, n);
	omni_orders_column_begin(&reservation, INT8OID, n);
	for (int l = 0; l < n; l++)
	{
		omni_orders_column_add(&fulfilment,
							   Int64GetDatum(fulfilments[lines[l].fulfilment].id));
		omni_orders_column_add(&order_line, Int64GetDatum(lines[l].order_line));
		omni_orders_column_add(&quantity, Int32GetDatum(lines[l].quantity));
		if (lines[l].reservation == 0)
			omni_orders_column_add_null(&reservation);
		else
			omni_orders_column_add(&reservation,
								   Int64GetDatum(lines[l].reservation));
	}
	values[0] = omni_orders_column_end(&fulfilment);
	values[1] = omni_orders_column_end(&order_line);
	values[2] = omni_orders_column_end(&quantity);
	values[3] = omni_orders_column_end(&reservation);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* Rows and events of new fulfilments, all in the same status. */
void
omni_orders_insert_fulfilments(int64 order, const char *status,
							   OmniNewFulfilment *fulfilments,
							   int nfulfilments,
							   const OmniNewFulfilmentLine *lines, int nlines)
{
	char	   *event = psprintf("fulfilment.%s", status);

	if (nfulfilments == 0)
		return;
	insert_heads(order, status, fulfilments, nfulfilments);
	insert_lines(fulfilments, lines, nlines);
	for (int f = 0; f < nfulfilments; f++)
		omni_orders_fulfilment_event(event, order, fulfilments[f].id,
									 fulfilments[f].kind, fulfilments[f].node,
									 fulfilments[f].units);
}

/* A grant and where it belongs. */
typedef struct GrantOrder
{
	int			request;
	int64		node;
	int			grant;
} GrantOrder;

/* qsort comparator of GrantOrder */
static int
compare_orders(const void *a, const void *b)
{
	const GrantOrder *left = a;
	const GrantOrder *right = b;

	if (left->request != right->request)
		return left->request < right->request ? -1 : 1;
	if (left->node != right->node)
		return left->node < right->node ? -1 : 1;
	return left->grant < right->grant ? -1 : left->grant > right->grant;
}

/* Grants become fulfilments, one for each request and node. */
void
omni_orders_record_grants(int64 order, const OmniAllocation *allocation,
						  const int64 *order_lines)
{
	int			n = allocation->ngrants;
	GrantOrder *sorted;
	OmniNewFulfilment *fulfilments;
	OmniNewFulfilmentLine *lines;
	int			nfulfilments = 0;

	if (n == 0)
		return;
	sorted = palloc(sizeof(GrantOrder) * n);
	fulfilments = palloc(sizeof(OmniNewFulfilment) * n);
	lines = palloc(sizeof(OmniNewFulfilmentLine) * n);
	for (int g = 0; g < n; g++)
	{
		const OmniGrant *grant = &allocation->grants[g];
		int			wish = allocation->demands[grant->demand].wish;

		sorted[g].request = allocation->wishes[wish].number;
		sorted[g].node = grant->node;
		sorted[g].grant = g;
	}
	qsort(sorted, n, sizeof(GrantOrder), compare_orders);

	for (int s = 0; s < n; s++)
	{
		const OmniGrant *grant = &allocation->grants[sorted[s].grant];
		const OmniDemand *demand = &allocation->demands[grant->demand];
		OmniNewFulfilment *last = NULL;

		if (nfulfilments > 0)
			last = &fulfilments[nfulfilments - 1];
		if (last == NULL || last->request != sorted[s].request ||
			last->node != sorted[s].node)
		{
			last = &fulfilments[nfulfilments++];
			last->request = sorted[s].request;
			last->node = sorted[s].node;
			last->kind = allocation->wishes[demand->wish].kind;
			last->units = 0;
		}
		last->units += grant->quantity;
		lines[s].fulfilment = nfulfilments - 1;
		lines[s].order_line = order_lines[grant->demand];
		lines[s].quantity = grant->quantity;
		lines[s].reservation = grant->reservation;
	}
	omni_orders_insert_fulfilments(order, "allocated", fulfilments,
								   nfulfilments, lines, n);
}
