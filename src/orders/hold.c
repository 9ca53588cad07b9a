/*
 * hold.c
 *	  Holds: what keeps an order from being fulfilled.
 *
 * - A hold blocks the steps that bring units to the customer.  It does not
 *	 touch what is promised: units are planned, reserved and re-sourced as
 *	 without it, and the order can be cancelled.
 * - An order has at most one open hold for each reason, any number in all.
 *	 Closed ones stay, as the record of who held and released what.
 * - Holds change under the order's row lock, and sales_order.holds counts the
 *	 open ones: a step reads that count from the row it locks, so that it sees
 *	 a hold that committed before under every isolation level (above READ
 *	 COMMITTED the lock itself fails with 40001).
 * - A hold with a time limit is over when its time is, by the database's
 *	 clock; the worker closes its row later and says so in the feed.
 * - Reasons are free text and stay out of the feed, but for the known codes.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "orders/orders.h"

PG_FUNCTION_INFO_V1(omni_orders_hold_order);
PG_FUNCTION_INFO_V1(omni_orders_release_hold);

/* the chore: orders at once, and how often it looks */
#define EXPIRE_AT_ONCE 100
#define EXPIRE_MS 1000

static const char *const known_reasons[] = {
	"payment", "fraud", "address", "customer", NULL
};

/* The reason for an event: nobody knows what free text holds. */
const char *
omni_orders_known_reason(const char *reason)
{
	for (int r = 0; known_reasons[r] != NULL; r++)
	{
		if (strcmp(known_reasons[r], reason) == 0)
			return known_reasons[r];
	}
	return "other";
}

/* The role that asks, as a parameter. */
static Datum
asker_name(void)
{
	return CStringGetTextDatum(GetUserNameFromId(omni_core_asker(), false));
}

/* Say that a hold is open. */
static void
announce_hold(int64 order, int64 hold, const char *reason)
{
	omni_orders_order_event("order.held", order,
							"\"hold\":" INT64_FORMAT ",\"reason\":\"%s\"",
							hold, omni_orders_known_reason(reason));
}

/* Say that holds are closed: rows of (id, reason, time is up). */
static void
announce_release(int64 order, const OmniRows *rows, int left)
{
	for (int r = 0; r < rows->nrows; r++)
	{
		char	   *reason = TextDatumGetCString(OMNI_VALUE(rows, r, 1));

		omni_orders_order_event("order.released", order,
								"\"hold\":" INT64_FORMAT ",\"reason\":\"%s\","
								"\"expired\":%s,\"holds\":%d",
								DatumGetInt64(OMNI_VALUE(rows, r, 0)),
								omni_orders_known_reason(reason),
								DatumGetBool(OMNI_VALUE(rows, r, 2)) ?
								"true" : "false",
								left + rows->nrows - 1 - r);
	}
}

/* Take closed holds off the order's count. */
static void
count_down(OmniLockedOrder *order, int closed)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.sales_order SET holds = holds - $2 WHERE id = $1",
		.nargs = 2,
		.argtypes = {INT8OID, INT4OID}
	};
	Datum		values[2];

	values[0] = Int64GetDatum(order->id);
	values[1] = Int32GetDatum(closed);
	omni_core_query(&query, values, NULL, false, NULL);
	order->holds -= closed;
}

/* Close those holds of a locked order whose time is up. */
static void
close_expired(OmniLockedOrder *order)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.order_hold SET released_at = held_until"
		" WHERE order_id = $1 AND released_at IS NULL AND held_until <= $2"
		" RETURNING id, reason, true",
		.nargs = 2,
		.argtypes = {INT8OID, TIMESTAMPTZOID}
	};
	Datum		values[2];
	OmniRows	rows;

	if (order->holds == 0)
		return;
	values[0] = Int64GetDatum(order->id);
	values[1] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.nrows == 0)
		return;
	count_down(order, rows.nrows);
	announce_release(order->id, &rows, order->holds);
}

/* The order ends: so do its holds.  Its own count is set by the caller. */
void
omni_orders_end_holds(const OmniLockedOrder *order)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.order_hold SET"
		" released_at = LEAST(held_until, $2),"
		" released_by = CASE WHEN held_until <= $2 THEN NULL ELSE $3 END"
		" WHERE order_id = $1 AND released_at IS NULL"
		" RETURNING id, reason, (held_until <= $2) IS TRUE",
		.nargs = 3,
		.argtypes = {INT8OID, TIMESTAMPTZOID, TEXTOID}
	};
	Datum		values[3];
	OmniRows	rows;

	values[0] = Int64GetDatum(order->id);
	values[1] = TimestampTzGetDatum(omni_core_now());
	values[2] = asker_name();
	omni_core_query(&query, values, NULL, false, &rows);
	announce_release(order->id, &rows, 0);
}

/* OM017 while a hold is in force; the common case costs no statement. */
void
omni_orders_require_no_hold(const OmniLockedOrder *order)
{
	static OmniQuery query = {
		.sql = "SELECT pg_catalog.string_agg(reason, ', ' ORDER BY id)"
		" FROM omni.order_hold WHERE order_id = $1 AND released_at IS NULL"
		" AND (held_until <= $2) IS NOT TRUE",
		.nargs = 2,
		.argtypes = {INT8OID, TIMESTAMPTZOID}
	};
	Datum		values[2];
	OmniRows	rows;

	if (likely(order->holds == 0))
		return;
	values[0] = Int64GetDatum(order->id);
	values[1] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, NULL, false, &rows);
	if (OMNI_ISNULL(&rows, 0, 0))
		return;
	ereport(ERROR,
			(errcode(OMNI_ERR_ON_HOLD),
			 errmsg("order " INT64_FORMAT " is on hold", order->id),
			 errdetail("It is held for these reasons: %s.",
					   TextDatumGetCString(OMNI_VALUE(&rows, 0, 0))),
			 errhint("Release it with omni.release_hold(" INT64_FORMAT ", reason).",
					 order->id)));
}

/* Holds at placing; sales_order.holds was inserted with their number. */
void
omni_orders_insert_holds(const OmniOrder *order)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.order_hold (order_id, reason, held_at,"
		" held_by) SELECT $1, d.reason, $3, $4"
		" FROM unnest($2) WITH ORDINALITY AS d(reason, n) ORDER BY d.n"
		" RETURNING id, reason",
		.nargs = 4,
		.argtypes = {INT8OID, TEXTARRAYOID, TIMESTAMPTZOID, TEXTOID}
	};
	char	  **reasons = order->options.hold.items;
	OmniColumn	reason;
	Datum		values[4];
	OmniRows	rows;

	if (order->options.hold.n == 0)
		return;
	omni_orders_column_begin(&reason, TEXTOID, order->options.hold.n);
	for (int r = 0; r < order->options.hold.n; r++)
		omni_orders_column_add_text(&reason, reasons[r]);
	values[0] = Int64GetDatum(order->id);
	values[1] = omni_orders_column_end(&reason);
	values[2] = TimestampTzGetDatum(omni_core_now());
	values[3] = asker_name();
	omni_core_query(&query, values, NULL, false, &rows);
	for (int r = 0; r < rows.nrows; r++)
		announce_hold(order->id, DatumGetInt64(OMNI_VALUE(&rows, r, 0)),
					  TextDatumGetCString(OMNI_VALUE(&rows, r, 1)));
}

/* The reason argument: OM002 when NULL, OM007 when empty or too long. */
static char *
reason_argument(FunctionCallInfo fcinfo)
{
	char	   *reason = omni_core_required_text(fcinfo, 1, "reason");

	if (*reason == '\0' || strlen(reason) > OMNI_HOLD_REASON_MAX)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must have 1 to %d bytes", "reason",
						OMNI_HOLD_REASON_MAX)));
	return reason;
}

/* A new hold; returns its id. */
static int64
open_hold(const OmniLockedOrder *order, const Datum *values,
		  const char *nulls)
{
	static OmniQuery insert_query = {
		.sql = "INSERT INTO omni.order_hold (order_id, reason, note,"
		" held_until, held_at, held_by) VALUES ($1, $2, $3, $4, $5, $6)"
		" RETURNING id",
		.nargs = 6,
		.argtypes = {INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
		TIMESTAMPTZOID, TEXTOID}
	};
	static OmniQuery count_query = {
		.sql = "UPDATE omni.sales_order SET holds = holds + 1 WHERE id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	OmniRows	rows;

	omni_core_query(&insert_query, values, nulls, false, &rows);
	omni_core_query(&count_query, values, NULL, false, NULL);
	return DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/*
 * omni.hold_order(order_id bigint, reason text, note text,
 * held_until timestamptz) RETURNS bigint
 *
 * Hold an order; returns the hold's id.  One that is held for this reason
 * stays so: the answer is that hold's id, and note and limit are from now on
 * what this call says.  OM002 for NULL and when there is no such order, OM004
 * when it is completed or cancelled, OM005 when the role may not, OM007 for a
 * reason that is empty or too long, or a limit that has passed.  Waits for a
 * step that is being taken on the order; what that has shipped is not held.
 */
Datum
omni_orders_hold_order(PG_FUNCTION_ARGS)
{
	/* one statement finds the open hold and changes it; columns: id, reason,
	 * was anything different? */
	static OmniQuery change_query = {
		.sql = "UPDATE omni.order_hold h SET note = $3, held_until = $4"
		" FROM omni.order_hold b"
		" WHERE h.order_id = $1 AND h.reason = $2 AND h.released_at IS NULL"
		" AND b.id = h.id RETURNING h.id,"
		" (b.note, b.held_until) IS DISTINCT FROM ($3, $4)",
		.nargs = 4,
		.argtypes = {INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID}
	};
	int64		id = omni_core_required_int64(fcinfo, 0, "order_id");
	char	   *reason = reason_argument(fcinfo);
	OmniLockedOrder order;
	TimestampTz now;
	Datum		values[6];
	char		nulls[] = "      ";
	OmniRows	rows;
	int64		hold;

	omni_core_gate();
	omni_orders_lock(id, "hold the order", &order);
	now = omni_core_now();
	if (!order.open)
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("order " INT64_FORMAT " is \"%s\" and cannot be held",
						id, order.status)));
	if (!PG_ARGISNULL(3) && PG_GETARG_TIMESTAMPTZ(3) <= now)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must lie ahead", "held_until")));
	close_expired(&order);

	values[0] = Int64GetDatum(id);
	values[1] = CStringGetTextDatum(reason);
	values[2] = omni_orders_text(omni_core_optional_text(fcinfo, 2),
								 &nulls[2]);
	values[3] = PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3);
	nulls[3] = PG_ARGISNULL(3) ? 'n' : ' ';
	values[4] = TimestampTzGetDatum(now);
	values[5] = asker_name();
	omni_core_query(&change_query, values, nulls, false, &rows);
	if (rows.nrows == 0)
		hold = open_hold(&order, values, nulls);
	else
	{
		hold = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
		if (!DatumGetBool(OMNI_VALUE(&rows, 0, 1)))
			PG_RETURN_INT64(hold);
	}
	announce_hold(id, hold, reason);
	PG_RETURN_INT64(hold);
}

/*
 * omni.release_hold(order_id bigint, reason text) RETURNS boolean
 *
 * End the hold for this reason; false when the order is not held for it (any
 * more).  Other reasons go on holding it.  OM002 for NULL and when there is no
 * such order, OM005 when the role may not, OM007.
 */
Datum
omni_orders_release_hold(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.order_hold SET released_at = $3, released_by = $4"
		" WHERE order_id = $1 AND reason = $2 AND released_at IS NULL"
		" RETURNING id, reason, false",
		.nargs = 4,
		.argtypes = {INT8OID, TEXTOID, TIMESTAMPTZOID, TEXTOID}
	};
	int64		id = omni_core_required_int64(fcinfo, 0, "order_id");
	char	   *reason = reason_argument(fcinfo);
	OmniLockedOrder order;
	Datum		values[4];
	OmniRows	rows;

	omni_core_gate();
	omni_orders_lock(id, "release the order", &order);
	close_expired(&order);
	if (order.holds == 0)
		PG_RETURN_BOOL(false);
	values[0] = Int64GetDatum(id);
	values[1] = CStringGetTextDatum(reason);
	values[2] = TimestampTzGetDatum(omni_core_now());
	values[3] = asker_name();
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.nrows == 0)
		PG_RETURN_BOOL(false);
	count_down(&order, rows.nrows);
	announce_release(id, &rows, order.holds);
	PG_RETURN_BOOL(true);
}

/* Chore: close the rows of holds whose time is up. */
static int
run_expiry(void)
{
	static OmniQuery query = {
		.sql = "SELECT order_id FROM omni.order_hold"
		" WHERE released_at IS NULL AND held_until <= $1"
		" ORDER BY held_until LIMIT $2",
		.nargs = 2,
		.argtypes = {TIMESTAMPTZOID, INT4OID}
	};
	Datum		values[2];
	OmniRows	rows;
	bool		done = false;

	(void) omni_core_gate();
	values[0] = TimestampTzGetDatum(omni_core_now());
	values[1] = Int32GetDatum(EXPIRE_AT_ONCE);
	omni_core_query(&query, values, NULL, false, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		OmniLockedOrder order;

		CHECK_FOR_INTERRUPTS();
		/* one that is being worked on has its turn later */
		if (!omni_orders_try_lock(DatumGetInt64(OMNI_VALUE(&rows, r, 0)),
								  &order))
			continue;
		close_expired(&order);
		done = true;
	}
	return rows.nrows == EXPIRE_AT_ONCE && done ? 0 : EXPIRE_MS;
}

static const OmniChore expiry_chore = {
	.name = "close expired holds", .run = run_expiry
};

/* Called in _PG_init. */
void
omni_orders_hold_init(void)
{
	omni_core_register_chore(&expiry_chore);
}
