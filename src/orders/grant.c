/*
 * grant.c
 *	  Fulfilments: one node's part of an order, made of what was granted.
 */
#include "omni.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "orders/orders.h"

/* Rows of fulfilments; sets their ids. */
static void
insert_heads(int64 order, const char *status, OmniNewFulfilment *fulfilments,
			 int n)
{
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "fulfilment",
		.columns = "id, order_id, request, node_id, kind, status, created_at,"
		" changed_at"
	};
	Datum		now = TimestampTzGetDatum(omni_core_now());
	OmniInsertion rows;

	omni_core_insert_begin(&rows, &table);
	for (int f = 0; f < n; f++)
	{
		fulfilments[f].id = omni_core_next_id(OMNI_SCHEMA,
											  "fulfilment_id_seq");
		omni_core_put(&rows, Int64GetDatum(fulfilments[f].id));
		omni_core_put(&rows, Int64GetDatum(order));
		omni_core_put(&rows, Int32GetDatum(fulfilments[f].request));
		omni_core_put(&rows, Int64GetDatum(fulfilments[f].node));
		omni_core_put_text(&rows, omni_fulfilment_kinds[fulfilments[f].kind]);
		omni_core_put_text(&rows, status);
		omni_core_put(&rows, now);
		omni_core_put(&rows, now);
		omni_core_put_row(&rows);
	}
	omni_core_insert_end(&rows);
}

/* Rows of fulfilment lines. */
static void
insert_lines(const OmniNewFulfilment *fulfilments,
			 const OmniNewFulfilmentLine *lines, int n)
{
	static const OmniTable table = {
		.schema = OMNI_SCHEMA,
		.name = "fulfilment_line",
		.columns = "fulfilment_id, order_line_id, quantity, reservation_id,"
		" capacity_reservation_id"
	};
	OmniInsertion rows;

	omni_core_insert_begin(&rows, &table);
	for (int l = 0; l < n; l++)
	{
		omni_core_put(&rows,
					  Int64GetDatum(fulfilments[lines[l].fulfilment].id));
		omni_core_put(&rows, Int64GetDatum(lines[l].order_line));
		omni_core_put(&rows, Int32GetDatum(lines[l].quantity));
		if (lines[l].reservation == 0)
			omni_core_put_null(&rows);
		else
			omni_core_put(&rows, Int64GetDatum(lines[l].reservation));
		if (lines[l].capacity == 0)
			omni_core_put_null(&rows);
		else
			omni_core_put(&rows, Int64GetDatum(lines[l].capacity));
		omni_core_put_row(&rows);
	}
	omni_core_insert_end(&rows);
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
		lines[s].capacity = grant->capacity;
	}
	omni_orders_insert_fulfilments(order, "allocated", fulfilments,
								   nfulfilments, lines, n);
}
