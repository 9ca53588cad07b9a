/*
 * fulfilment.c
 *	  The steps of a fulfilment that concern the whole of it.
 *
 * Each locks the order's row first (see existing.c).  No step that brings the
 * units nearer to the customer is taken while a hold is in force; giving them
 * back is.  Which step may follow which is data; nothing here repeats it.  The status is changed first, so
 * that an illegal step fails before it has touched anything.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "orders/orders.h"
#include "stock/stock.h"

PG_FUNCTION_INFO_V1(omni_orders_accept_fulfilment);
PG_FUNCTION_INFO_V1(omni_orders_reject_fulfilment);
PG_FUNCTION_INFO_V1(omni_orders_pack_fulfilment);
PG_FUNCTION_INFO_V1(omni_orders_ready_fulfilment);
PG_FUNCTION_INFO_V1(omni_orders_ship_fulfilment);
PG_FUNCTION_INFO_V1(omni_orders_collect_fulfilment);

/* The id argument, and its fulfilment, locked. */
static void
begin_step(FunctionCallInfo fcinfo, const char *what,
		   OmniLockedFulfilment *fulfilment)
{
	int64		id = omni_core_required_int64(fcinfo, 0, "id");

	omni_core_gate();
	omni_orders_lock_fulfilment(id, what, fulfilment);
}

/*
 * omni.accept_fulfilment(id bigint) RETURNS void
 *
 * The node takes the work on.  OM002 when there is no such fulfilment, OM004
 * unless it is allocated, OM005 when the role may not, OM017 while the order
 * is held.
 */
Datum
omni_orders_accept_fulfilment(PG_FUNCTION_ARGS)
{
	OmniLockedFulfilment fulfilment;

	begin_step(fcinfo, "accept the fulfilment", &fulfilment);
	omni_orders_require_no_hold(&fulfilment.order);
	omni_orders_announce_status(&fulfilment, "accepted");
	PG_RETURN_VOID();
}

/* Note why a fulfilment ended. */
static void
set_reason(int64 id, const char *reason)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.fulfilment SET reason = $2 WHERE id = $1",
		.nargs = 2,
		.argtypes = {INT8OID, TEXTOID}
	};
	Datum		values[2];

	if (reason == NULL)
		return;
	values[0] = Int64GetDatum(id);
	values[1] = CStringGetTextDatum(reason);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* Ids of the promises of lines, of capacity, too; *n of them. */
static int64 *
list_reservations(const OmniStepLine *lines, int nlines, int *n)
{
	int64	   *reservations = palloc(sizeof(int64) * Max(1, 2 * nlines));

	*n = 0;
	for (int l = 0; l < nlines; l++)
	{
		if (lines[l].reservation != 0)
			reservations[(*n)++] = lines[l].reservation;
		if (lines[l].capacity != 0)
			reservations[(*n)++] = lines[l].capacity;
	}
	return reservations;
}

/*
 * The node gives all of a fulfilment back: its promises end and the units are
 * planned again elsewhere.
 */
void
omni_orders_give_back(const OmniLockedFulfilment *fulfilment,
					  const char *reason, const char *line_reason)
{
	OmniStepLine *lines;
	OmniLineDelta *deltas;
	int64	   *reservations;
	int			nreservations;
	int			n;

	omni_orders_announce_status(fulfilment, "rejected");
	set_reason(fulfilment->id, reason);
	lines = omni_orders_step_lines(fulfilment->id, &n);
	reservations = list_reservations(lines, n, &nreservations);
	if (nreservations > 0)
		omni_stock_release(reservations, nreservations,
						   fulfilment->order.reference);

	deltas = palloc0(sizeof(OmniLineDelta) * Max(1, n));
	for (int l = 0; l < n; l++)
	{
		deltas[l].order_line = lines[l].order_line;
		deltas[l].allocated = -lines[l].quantity;
	}
	omni_orders_resource(&fulfilment->order, lines, n, line_reason, deltas);
	omni_orders_apply_deltas(fulfilment->order.id, deltas, n);
}

/*
 * omni.reject_fulfilment(id bigint, reason text) RETURNS void
 *
 * The node cannot serve it: its units are planned again at other nodes; what
 * nobody has becomes backordered, or stays open.  OM002 when there is no such
 * fulfilment, OM004 when it is picked or ended, OM005 when the role may not.
 */
Datum
omni_orders_reject_fulfilment(PG_FUNCTION_ARGS)
{
	OmniLockedFulfilment fulfilment;

	begin_step(fcinfo, "reject the fulfilment", &fulfilment);
	omni_orders_give_back(&fulfilment, omni_core_optional_text(fcinfo, 1),
						  OMNI_REASON_REJECTED);
	PG_RETURN_VOID();
}

/* A jsonb argument into a column of the fulfilment, when there is one. */
static void
note_document(FunctionCallInfo fcinfo, OmniQuery *query, const char *name,
			  int64 id)
{
	Datum		values[2];

	if (PG_ARGISNULL(1))
		return;
	if (JB_ROOT_IS_SCALAR(PG_GETARG_JSONB_P(1)))
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("argument \"%s\" must be a JSON object or array",
						name)));
	values[0] = Int64GetDatum(id);
	values[1] = PG_GETARG_DATUM(1);
	omni_core_query(query, values, NULL, false, NULL);
}

/*
 * omni.pack_fulfilment(id bigint, parcels jsonb) RETURNS void
 *
 * It is packed; parcels (any object or array, NULL: nothing to say) is kept.
 * OM002, OM004 unless it is picked and to be shipped, OM005, OM006, OM017
 * while the order is held.
 */
Datum
omni_orders_pack_fulfilment(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.fulfilment SET parcels = $2 WHERE id = $1",
		.nargs = 2,
		.argtypes = {INT8OID, JSONBOID}
	};
	OmniLockedFulfilment fulfilment;

	begin_step(fcinfo, "pack the fulfilment", &fulfilment);
	omni_orders_require_no_hold(&fulfilment.order);
	omni_orders_announce_status(&fulfilment, "packed");
	note_document(fcinfo, &query, "parcels", fulfilment.id);
	PG_RETURN_VOID();
}

/*
 * omni.ready_fulfilment(id bigint) RETURNS void
 *
 * It waits for the customer.  OM002, OM004 unless it is picked and to be
 * picked up, OM005, OM017 while the order is held.
 */
Datum
omni_orders_ready_fulfilment(PG_FUNCTION_ARGS)
{
	OmniLockedFulfilment fulfilment;

	begin_step(fcinfo, "make the fulfilment ready", &fulfilment);
	omni_orders_require_no_hold(&fulfilment.order);
	omni_orders_announce_status(&fulfilment, "ready");
	PG_RETURN_VOID();
}

/* The units leave the building: promises are consumed, lines move on. */
static void
hand_over(const OmniLockedFulfilment *fulfilment, OmniQuery *move)
{
	static OmniQuery query = {
		.sql = "SELECT reservation_id, capacity_reservation_id"
		" FROM omni.fulfilment_line"
		" WHERE fulfilment_id = $1 AND quantity > 0"
		" AND reservation_id IS NOT NULL",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		values[2];
	OmniRows	rows;
	int64	   *reservations;
	int			n;

	values[0] = Int64GetDatum(fulfilment->id);
	values[1] = Int64GetDatum(fulfilment->order.id);
	omni_core_query(move, values, NULL, false, NULL);
	omni_core_query(&query, values, NULL, false, &rows);
	reservations = omni_orders_promises(&rows, &n);
	if (n > 0)
		omni_stock_consume(reservations, n, fulfilment->order.reference);
	omni_orders_close_if_done(&fulfilment->order, NULL);
}

/*
 * omni.ship_fulfilment(id bigint, tracking jsonb) RETURNS void
 *
 * It has left the node; tracking (any object or array, NULL: nothing to say)
 * is kept.  OM002, OM004 unless it is packed, OM005, OM006, OM017
 * while the order is held.
 */
Datum
omni_orders_ship_fulfilment(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.fulfilment SET tracking = $2 WHERE id = $1",
		.nargs = 2,
		.argtypes = {INT8OID, JSONBOID}
	};
	static OmniQuery move = {
		.sql = "UPDATE omni.order_line l SET picked = l.picked - f.quantity,"
		" shipped = l.shipped + f.quantity FROM omni.fulfilment_line f"
		" WHERE f.fulfilment_id = $1 AND f.quantity > 0"
		" AND l.id = f.order_line_id AND l.order_id = $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID}
	};
	OmniLockedFulfilment fulfilment;

	begin_step(fcinfo, "ship the fulfilment", &fulfilment);
	omni_orders_require_no_hold(&fulfilment.order);
	omni_orders_announce_status(&fulfilment, "shipped");
	note_document(fcinfo, &query, "tracking", fulfilment.id);
	hand_over(&fulfilment, &move);
	PG_RETURN_VOID();
}

/* Who collected: personal data, in a table of its own. */
static void
note_person(int64 id, const char *person)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.pickup_person (fulfilment_id, collected_by)"
		" VALUES ($1, $2)",
		.nargs = 2,
		.argtypes = {INT8OID, TEXTOID}
	};
	Datum		values[2];

	if (person == NULL)
		return;
	values[0] = Int64GetDatum(id);
	values[1] = CStringGetTextDatum(person);
	omni_core_query(&query, values, NULL, false, NULL);
}

/*
 * omni.collect_fulfilment(id bigint, collected_by text) RETURNS void
 *
 * The customer, or whoever collected_by names, has taken it.  OM002, OM004
 * unless it is ready, OM005, OM017 while the order is held.
 */
Datum
omni_orders_collect_fulfilment(PG_FUNCTION_ARGS)
{
	static OmniQuery move = {
		.sql = "UPDATE omni.order_line l SET picked = l.picked - f.quantity,"
		" collected = l.collected + f.quantity FROM omni.fulfilment_line f"
		" WHERE f.fulfilment_id = $1 AND f.quantity > 0"
		" AND l.id = f.order_line_id AND l.order_id = $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID}
	};
	OmniLockedFulfilment fulfilment;

	begin_step(fcinfo, "hand the fulfilment over", &fulfilment);
	omni_orders_require_no_hold(&fulfilment.order);
	omni_orders_announce_status(&fulfilment, "collected");
	note_person(fulfilment.id, omni_core_optional_text(fcinfo, 1));
	hand_over(&fulfilment, &move);
	PG_RETURN_VOID();
}
