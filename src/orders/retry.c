/*
 * retry.c
 *	  Serving the queue: orders that wait are tried again, in their order.
 *
 * - Whose turn it is: the highest priority, then the oldest (placed_at, then
 *	 the order's id).  An order is tried as a whole, with all of its waiting
 *	 lines, under its row lock and on what the lines say then; so a cancelled
 *	 unit is not allocated, and no unit twice.
 * - Nobody is waited for, and nobody waits: an order that another transaction
 *	 has locked is passed over, and as many units as it wants are left for it.
 * - A walk serves who waits for a *ready* item (arrival.c).  Their other items
 *	 may have come in meanwhile, too, and somebody before them may wait for one:
 *	 then that item is ready as well, and the walk begins anew.
 * - An order that could not be served though there were units (all or nothing,
 *	 a node that may not serve it …) is not tried again for those before its
 *	 next try, which is put off further each time.
 */
#include "omni.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "master/master.h"
#include "orders/queue.h"
#include "stock/stock.h"

PG_FUNCTION_INFO_V1(omni_orders_retry_parked);

/* orders that are read at once */
#define PLACES_AT_ONCE 20
/* a fruitless try puts the next one off: doubled each time, up to a bound */
#define FIRST_DELAY_S 5
#define LAST_DELAY_S 900
/* when orders that were locked have their turn */
#define KEPT_MS 1000

/* ---- what is known of items ---- */

/* An empty table of items. */
HTAB *
omni_orders_queue_items(MemoryContext context)
{
	HASHCTL		ctl = {
		.keysize = sizeof(int64),
		.entrysize = sizeof(OmniQueueItem),
		.hcxt = context
	};

	return hash_create("omni queue items", 256, &ctl,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* An item's entry. */
OmniQueueItem *
omni_orders_queue_item(HTAB *items, int64 item)
{
	OmniQueueItem *entry;
	bool		found;

	entry = hash_search(items, &item, HASH_ENTER, &found);
	if (!found)
	{
		memset(entry, 0, sizeof(OmniQueueItem));
		entry->item = item;
		entry->due = DT_NOEND;
	}
	return entry;
}

/* Units of it that may be handed out now. */
static int64
units_left(const OmniQueueItem *item)
{
	return omni_stock_available(item->item, OMNI_POOL) - item->kept;
}

/* The ready items that there still are units of. */
static Datum
list_ready(OmniQueueWalk *walk, int *n)
{
	int64	   *list = palloc(sizeof(int64) *
							  Max(1, hash_get_num_entries(walk->items)));
	HASH_SEQ_STATUS scan;
	OmniQueueItem *item;
	Datum		array;

	*n = 0;
	hash_seq_init(&scan, walk->items);
	while ((item = hash_seq_search(&scan)) != NULL)
	{
		if (item->ready)
			list[(*n)++] = item->item;
	}
	if (*n > 0)
		omni_stock_prefetch(list, *n);
	for (int i = *n - 1; i >= 0; i--)
	{
		if (units_left(omni_orders_queue_item(walk->items, list[i])) <= 0)
			list[i] = list[--(*n)];
	}
	array = omni_core_int64_array(list, *n);
	pfree(list);
	return array;
}

/* ---- who is next ---- */

/* The head of the queue comes next. */
void
omni_orders_begin_walk(OmniQueueWalk *walk)
{
	walk->place.rank = PG_INT32_MIN;
	walk->place.placed_at = DT_NOBEGIN;
	walk->place.order = 0;
	walk->done = false;
}

#define PLACE "(-p.priority), p.placed_at, p.order_id"
#define BEHIND "((-p.priority), p.placed_at, p.order_id) > ($1, $2, $3)"

/* The next orders behind the walk's place: rank, placed_at, order. */
static void
next_places(OmniQueueWalk *walk, OmniRows *rows)
{
	static OmniQuery all_query = {
		.sql = "SELECT DISTINCT " PLACE " FROM omni_internal.parked_line p"
		" WHERE " BEHIND " ORDER BY " PLACE " LIMIT $4",
		.nargs = 4,
		.argtypes = {INT4OID, TIMESTAMPTZOID, INT8OID, INT4OID}
	};
	static OmniQuery ready_query = {
		.sql = "SELECT DISTINCT x.rank, x.placed_at, x.order_id"
		" FROM unnest($5) AS i(id) CROSS JOIN LATERAL ("
		" SELECT (-p.priority) AS rank, p.placed_at, p.order_id"
		" FROM omni_internal.parked_line p WHERE p.item_id = i.id AND " BEHIND
		" ORDER BY " PLACE " LIMIT $4) AS x"
		" ORDER BY x.rank, x.placed_at, x.order_id LIMIT $4",
		.nargs = 5,
		.argtypes = {INT4OID, TIMESTAMPTZOID, INT8OID, INT4OID, INT8ARRAYOID}
	};
	Datum		values[5];
	int			nready;

	values[0] = Int32GetDatum(walk->place.rank);
	values[1] = TimestampTzGetDatum(walk->place.placed_at);
	values[2] = Int64GetDatum(walk->place.order);
	values[3] = Int32GetDatum(PLACES_AT_ONCE);
	if (walk->everybody)
	{
		omni_core_query(&all_query, values, NULL, false, rows);
		return;
	}
	values[4] = list_ready(walk, &nready);
	rows->nrows = 0;
	if (nready > 0)
		omni_core_query(&ready_query, values, NULL, false, rows);
}

/* Does somebody before this place wait for the item? */
static bool
is_wanted_before(int64 item, const OmniQueuePlace *place)
{
	static OmniQuery query = {
		.sql = "SELECT EXISTS (SELECT FROM omni_internal.parked_line p"
		" WHERE p.item_id = $1"
		" AND ((-p.priority), p.placed_at, p.order_id) < ($2, $3, $4))",
		.nargs = 4,
		.argtypes = {INT8OID, INT4OID, TIMESTAMPTZOID, INT8OID}
	};
	Datum		values[4];
	OmniRows	rows;

	values[0] = Int64GetDatum(item);
	values[1] = Int32GetDatum(place->rank);
	values[2] = TimestampTzGetDatum(place->placed_at);
	values[3] = Int64GetDatum(place->order);
	omni_core_query(&query, values, NULL, false, &rows);
	return DatumGetBool(OMNI_VALUE(&rows, 0, 0));
}

/* ---- one order ---- */

/* A line that waits, as the queue shows it, without a lock. */
typedef struct WaitingLine
{
	OmniQueueItem *item;
	int64		wanted;
	TimestampTz next_try;		/* DT_NOBEGIN: at once */
} WaitingLine;

/* What an order waits for; *n lines. */
static WaitingLine *
read_waiting(OmniQueueWalk *walk, int64 order, int *n)
{
	static OmniQuery query = {
		.sql = "SELECT p.item_id, l.open::pg_catalog.int8 + l.backordered,"
		" p.next_try_at FROM omni_internal.parked_line p"
		" JOIN omni.order_line l ON l.id = p.order_line_id"
		" WHERE p.order_id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order);
	OmniRows	rows;
	WaitingLine *lines;
	int64	   *items;

	omni_core_query(&query, &value, NULL, false, &rows);
	*n = rows.nrows;
	lines = palloc(sizeof(WaitingLine) * Max(1, rows.nrows));
	items = palloc(sizeof(int64) * Max(1, rows.nrows));
	for (int r = 0; r < rows.nrows; r++)
	{
		items[r] = DatumGetInt64(OMNI_VALUE(&rows, r, 0));
		lines[r].item = omni_orders_queue_item(walk->items, items[r]);
		lines[r].wanted = DatumGetInt64(OMNI_VALUE(&rows, r, 1));
		lines[r].next_try = OMNI_ISNULL(&rows, r, 2) ? DT_NOBEGIN :
			DatumGetTimestampTz(OMNI_VALUE(&rows, r, 2));
	}
	if (rows.nrows > 0)
		omni_stock_prefetch(items, rows.nrows);
	pfree(items);
	return lines;
}

/*
 * Is there anything for an order with these lines?  An item of which there is
 * enough for who was tried already counts only once the line is due.
 */
static bool
is_worth_trying(const OmniQueueWalk *walk, const WaitingLine *lines, int n)
{
	TimestampTz now = omni_core_now();
	bool		worth = false;

	for (int l = 0; l < n; l++)
	{
		OmniQueueItem *item = lines[l].item;

		if (units_left(item) <= 0)
			continue;
		if (walk->everybody ||
			(item->ready && (item->risen || lines[l].next_try <= now)))
			worth = true;
		else if (item->ready)
			item->due = Min(item->due, lines[l].next_try);
	}
	return worth;
}

/* Would it take what is left for somebody before it? */
static bool
takes_what_is_kept(const WaitingLine *lines, int n)
{
	for (int l = 0; l < n; l++)
	{
		if (lines[l].item->kept > 0 &&
			units_left(lines[l].item) < lines[l].wanted)
			return true;
	}
	return false;
}

/* Leave the order what it wants; end_walk() sees to it that it is tried soon. */
static void
keep_for_order(const WaitingLine *lines, int n)
{
	for (int l = 0; l < n; l++)
		lines[l].item->kept += lines[l].wanted;
}

/* Items of the order that have come in meanwhile; true: begin anew. */
static bool
is_overtaking(const OmniQueueWalk *walk, const OmniQueuePlace *place,
			  const WaitingLine *lines, int n)
{
	bool		overtaking = false;

	for (int l = 0; !walk->everybody && l < n; l++)
	{
		OmniQueueItem *item = lines[l].item;

		if (item->ready || units_left(item) <= item->seen)
			continue;
		item->ready = true;
		item->risen = true;
		item->due = DT_NOEND;
		if (is_wanted_before(item->item, place))
			overtaking = true;
	}
	return overtaking;
}

/* Note a try on the order's lines that still wait; when the next one is. */
static TimestampTz
note_try(int64 order)
{
	static OmniQuery query = {
		.sql = "UPDATE omni_internal.parked_line SET attempts = attempts + 1,"
		" last_tried_at = $2, next_try_at = $2 + LEAST($3,"
		" $4 * pg_catalog.power(2, LEAST(attempts, 20)))"
		" * '1 second'::pg_catalog.interval WHERE order_id = $1"
		" RETURNING next_try_at",
		.nargs = 4,
		.argtypes = {INT8OID, TIMESTAMPTZOID, FLOAT8OID, FLOAT8OID}
	};
	Datum		values[4];
	OmniRows	rows;
	TimestampTz next = DT_NOEND;

	values[0] = Int64GetDatum(order);
	values[1] = TimestampTzGetDatum(omni_core_now());
	values[2] = Float8GetDatum(LAST_DELAY_S);
	values[3] = Float8GetDatum(FIRST_DELAY_S);
	omni_core_query(&query, values, NULL, false, &rows);
	for (int r = 0; r < rows.nrows; r++)
		next = Min(next, DatumGetTimestampTz(OMNI_VALUE(&rows, r, 0)));
	return next;
}

/* Waiting units of a locked order's lines. */
static OmniStepLine *
read_lines(int64 order, int *n, OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT l.id, l.item_id, l.line, l.request, l.open,"
		" l.backordered, l.reason FROM omni_internal.parked_line p"
		" JOIN omni.order_line l ON l.id = p.order_line_id"
		" WHERE p.order_id = $1 AND (l.open > 0 OR l.backordered > 0)"
		" ORDER BY l.id",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(order);
	OmniStepLine *lines;

	omni_core_query(&query, &value, NULL, false, rows);
	*n = rows->nrows;
	lines = palloc0(sizeof(OmniStepLine) * Max(1, rows->nrows));
	for (int r = 0; r < rows->nrows; r++)
	{
		lines[r].order_line = DatumGetInt64(OMNI_VALUE(rows, r, 0));
		lines[r].item = DatumGetInt64(OMNI_VALUE(rows, r, 1));
		lines[r].line = DatumGetInt32(OMNI_VALUE(rows, r, 2));
		lines[r].request = DatumGetInt32(OMNI_VALUE(rows, r, 3));
		/* cannot overflow: both are part of the line's quantity */
		lines[r].quantity = DatumGetInt32(OMNI_VALUE(rows, r, 4)) +
			DatumGetInt32(OMNI_VALUE(rows, r, 5));
	}
	return lines;
}

/*
 * Does the reason say that a node has failed the order?  That other nodes have
 * nothing either is no better reason.
 */
static bool
is_node_failure(const char *reason)
{
	return strcmp(reason, OMNI_REASON_REJECTED) == 0 ||
		strcmp(reason, OMNI_REASON_SHORT) == 0;
}

/*
 * Try an order.  False: another transaction has it locked.  *units: what could
 * be allocated; *next: when it is due again, DT_NOEND when nothing waits.
 */
static bool
try_order(int64 id, int64 *units, TimestampTz *next)
{
	OmniLockedOrder order;
	OmniStepLine *lines;
	OmniLineDelta *deltas;
	OmniLineDelta *changed;
	OmniRows	rows;
	int			nchanged = 0;
	int			n;

	*units = 0;
	*next = DT_NOEND;
	if (!omni_orders_try_lock(id, &order))
		return false;
	lines = read_lines(id, &n, &rows);
	if (n == 0)
		return true;
	deltas = palloc0(sizeof(OmniLineDelta) * n);
	changed = palloc(sizeof(OmniLineDelta) * n);
	*units = omni_orders_plan_waiting(&order, lines, n, deltas);
	for (int l = 0; l < n; l++)
	{
		int32		open = DatumGetInt32(OMNI_VALUE(&rows, l, 4));
		OmniLineDelta *delta = &deltas[l];
		char	   *reason = OMNI_ISNULL(&rows, l, 6) ? NULL :
			TextDatumGetCString(OMNI_VALUE(&rows, l, 6));

		delta->order_line = lines[l].order_line;
		delta->open = -Min(open, delta->allocated);
		delta->backordered = -(delta->allocated + delta->open);
		if (reason && is_node_failure(reason) && delta->reason &&
			strcmp(delta->reason, OMNI_REASON_STOCK) == 0)
			delta->reason = NULL;	/* it stays as it is */
		if (delta->allocated > 0 ||
			(delta->reason && (!reason || strcmp(reason, delta->reason) != 0)))
			changed[nchanged++] = *delta;
	}
	omni_orders_apply_deltas(id, changed, nchanged);
	*next = note_try(id);
	return true;
}

/*
 * An order could not be tried at all: say so, and let it wait.  When it is due
 * again; its lock went with what has failed.
 */
static TimestampTz
put_off(int64 id, const ErrorData *error)
{
	OmniLockedOrder order;

	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("order " INT64_FORMAT " could not be allocated", id),
			 errdetail("%s", error->message)));
	if (!omni_orders_try_lock(id, &order))
		return TimestampTzPlusMilliseconds(omni_core_now(),
										   FIRST_DELAY_S * 1000);
	return note_try(id);
}

/* The same in a subtransaction: an error costs this order alone. */
static bool
try_order_apart(int64 id, int64 *units, TimestampTz *next)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool found = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		found = try_order(id, units, next);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		/* the worker is told to end, or its database's memory is full */
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) ==
			ERRCODE_OPERATOR_INTERVENTION ||
			error->sqlerrcode == OMNI_ERR_OUT_OF_MEMORY)
			ReThrowError(error);
		FlushErrorState();
		*units = 0;
		*next = put_off(id, error);
		FreeErrorData(error);
		found = true;
	}
	PG_END_TRY();
	return found;
}

/* ---- the walk ---- */

/*
 * Nobody is left: ready items are of no use to those who wait, but for what
 * was kept, for which the walk is made again.
 */
static void
end_walk(OmniQueueWalk *walk)
{
	TimestampTz soon = TimestampTzPlusMilliseconds(omni_core_now(), KEPT_MS);
	HASH_SEQ_STATUS scan;
	OmniQueueItem *item;

	hash_seq_init(&scan, walk->items);
	while ((item = hash_seq_search(&scan)) != NULL)
	{
		if (item->ready)
			item->seen = item->kept > 0 ? 0 :
				omni_stock_available(item->item, OMNI_POOL);
		if (item->kept > 0)
			item->rest_until = soon;
		item->ready = false;
		item->risen = false;
		item->kept = 0;
	}
	walk->done = true;
}

/* The order at a place has its turn; returns whether it was tried. */
static bool
visit_order(OmniQueueWalk *walk, const OmniQueuePlace *place)
{
	int			n;
	WaitingLine *lines = read_waiting(walk, place->order, &n);
	TimestampTz next;
	int64		units;
	bool		found;

	if (!is_worth_trying(walk, lines, n))
		return false;
	if (is_overtaking(walk, place, lines, n))
	{
		omni_orders_begin_walk(walk);
		return false;
	}
	if (takes_what_is_kept(lines, n))
	{
		keep_for_order(lines, n);
		return false;
	}
	found = walk->apart ? try_order_apart(place->order, &units, &next) :
		try_order(place->order, &units, &next);
	if (!found)
		keep_for_order(lines, n);
	else
	{
		walk->units += units;
		for (int l = 0; l < n; l++)
			lines[l].item->due = Min(lines[l].item->due, next);
	}
	return true;
}

/* Go on with a walk; see queue.h. */
void
omni_orders_walk_queue(OmniQueueWalk *walk, int max_orders)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "omni queue",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	while (!walk->done && max_orders > 0)
	{
		OmniRows	rows;

		next_places(walk, &rows);
		if (rows.nrows == 0)
			end_walk(walk);
		for (int r = 0; r < rows.nrows && max_orders > 0; r++)
		{
			OmniQueuePlace place = {
				DatumGetInt32(OMNI_VALUE(&rows, r, 0)),
				DatumGetTimestampTz(OMNI_VALUE(&rows, r, 1)),
				DatumGetInt64(OMNI_VALUE(&rows, r, 2))
			};

			CHECK_FOR_INTERRUPTS();
			walk->place = place;
			if (visit_order(walk, &place))
				max_orders--;
			else if (walk->place.order != place.order)
				break;			/* it begins anew */
		}
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * omni.retry_parked(max_orders integer) RETURNS bigint
 *
 * Try the orders in the queue now, from its head, whatever their next try;
 * returns the units allocated.  At most max_orders are tried; those that
 * nothing can be had for do not count, nor those that another transaction has
 * locked, which are passed over.  The worker does the same by itself when
 * units arrive.  OM002 for NULL, OM005 when the role may not, OM007 for a
 * number below 1.
 */
Datum
omni_orders_retry_parked(PG_FUNCTION_ARGS)
{
	int32		max_orders = omni_core_required_quantity(fcinfo, 0,
														 "max_orders");
	OmniQueueWalk walk = {.everybody = true};

	/* the queue is everybody's: grants for one channel or node do not do */
	omni_core_require(OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN,
					  OMNI_NO_NODE, OMNI_NO_NODE, "retry parked orders");
	omni_core_gate();
	walk.items = omni_orders_queue_items(CurrentMemoryContext);
	omni_orders_begin_walk(&walk);
	omni_orders_walk_queue(&walk, max_orders);
	PG_RETURN_INT64(walk.units);
}
