/*
 * api.c
 *	  The SQL functions of stock: arguments checked here, work done elsewhere.
 *
 * Every function that loads counters is VOLATILE and PARALLEL UNSAFE, and
 * passes the gate before anything else, so none runs on a standby.
 */
#include "omni.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "master/master.h"
#include "stock/block.h"

PG_FUNCTION_INFO_V1(omni_stock_receive_stock);
PG_FUNCTION_INFO_V1(omni_stock_sell_stock);
PG_FUNCTION_INFO_V1(omni_stock_adjust_stock);
PG_FUNCTION_INFO_V1(omni_stock_set_stock);
PG_FUNCTION_INFO_V1(omni_stock_available_units);
PG_FUNCTION_INFO_V1(omni_stock_availability);
PG_FUNCTION_INFO_V1(omni_stock_reserve_stock);
PG_FUNCTION_INFO_V1(omni_stock_reserve_lines);
PG_FUNCTION_INFO_V1(omni_stock_extend_reservation);
PG_FUNCTION_INFO_V1(omni_stock_pin_reservation);
PG_FUNCTION_INFO_V1(omni_stock_release_reservation);
PG_FUNCTION_INFO_V1(omni_stock_consume_reservation);

#define MAY_CHANGE (OMNI_PROFILE_STORE | OMNI_PROFILE_ADMIN)
#define MAY_RESERVE (OMNI_PROFILE_CHANNEL | OMNI_PROFILE_STORE | \
					 OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN)
#define MAY_READ (MAY_RESERVE | OMNI_PROFILE_READER)

/* Our own class of heavyweight lock, beside pg_advisory_lock's 1 and 2. */
#define LOCK_CLASS_SET_STOCK 7601

/* A hundred years; nobody holds a basket for longer. */
#define MAX_TTL_DAYS 36525

/* Of omni.availability(): kB, some hundred thousand rows. */
#define RESULT_MEMORY 32768

/* The channel argument's id; 0 when NULL. */
static int64
optional_channel(FunctionCallInfo fcinfo, int arg)
{
	char	   *code = omni_core_optional_text(fcinfo, arg);

	return code ? omni_master_channel_id(code) : 0;
}

/* One change of what is on hand. */
static int64
change_one(int64 node, int64 item, int32 quantity, const char *kind,
		   const char *reference, int64 channel,
		   const TimestampTz *occurred_at)
{
	OmniStockChange change = {.item = item, .node = node,
	.quantity = quantity};

	omni_stock_change(&change, 1, kind, reference, channel, occurred_at);
	return change.ledger_id;
}

/* receive_stock(node, sku, quantity, reference) → ledger id */
static Datum
receive_stock(PG_FUNCTION_ARGS)
{
	int64		node;
	int64		item;
	int32		quantity;

	(void) omni_core_gate();
	node = omni_master_node_id(omni_core_required_text(fcinfo, 0, "node"));
	item = omni_master_item_id(omni_core_required_text(fcinfo, 1, "sku"));
	quantity = omni_core_required_quantity(fcinfo, 2, "quantity");
	omni_core_require(MAY_CHANGE, 0, node, "receive stock");
	PG_RETURN_INT64(change_one(node, item, quantity, "receive",
							   omni_core_optional_text(fcinfo, 3), 0,
							   NULL));
}

/*
 * A point of time, put into *at; NULL when NULL.  OM007 when infinite: what was
 * sold at the end of time would stay on top of every later count.
 */
static const TimestampTz *
optional_time(FunctionCallInfo fcinfo, int arg, const char *name,
			  TimestampTz *at)
{
	if (PG_ARGISNULL(arg))
		return NULL;
	*at = PG_GETARG_TIMESTAMPTZ(arg);
	if (TIMESTAMP_NOT_FINITE(*at))
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must not be infinite", name)));
	return at;
}

/* sell_stock(node, sku, quantity, reference, channel, occurred_at) → ledger id */
static Datum
sell_stock(PG_FUNCTION_ARGS)
{
	int64		node;
	int64		item;
	int64		channel;
	int32		quantity;
	TimestampTz at;

	(void) omni_core_gate();
	node = omni_master_node_id(omni_core_required_text(fcinfo, 0, "node"));
	item = omni_master_item_id(omni_core_required_text(fcinfo, 1, "sku"));
	quantity = omni_core_required_quantity(fcinfo, 2, "quantity");
	channel = optional_channel(fcinfo, 4);
	omni_core_require(MAY_CHANGE | OMNI_PROFILE_CHANNEL, channel, node,
					  "sell stock");
	PG_RETURN_INT64(change_one(node, item, -quantity, "sell",
							   omni_core_optional_text(fcinfo, 3), channel,
							   optional_time(fcinfo, 5, "occurred_at", &at)));
}

/* adjust_stock(node, sku, delta, reason, reference) → ledger id */
static Datum
adjust_stock(PG_FUNCTION_ARGS)
{
	int64		node;
	int64		item;
	int32		delta;
	char	   *reason;
	char	   *reference;

	(void) omni_core_gate();
	node = omni_master_node_id(omni_core_required_text(fcinfo, 0, "node"));
	item = omni_master_item_id(omni_core_required_text(fcinfo, 1, "sku"));
	delta = omni_core_required_int32(fcinfo, 2, "delta");
	if (delta == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("delta must not be zero")));
	reason = omni_core_required_text(fcinfo, 3, "reason");
	reference = omni_core_optional_text(fcinfo, 4);
	omni_core_require(MAY_CHANGE, 0, node, "adjust stock");
	PG_RETURN_INT64(change_one(node, item, delta, "adjust",
							   reference ? psprintf("%s: %s", reason, reference) : reason,
							   0, NULL));
}

/* Exclude another set_stock() of this item and node until the end. */
static void
lock_set_stock(int64 node, int64 item)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId,
						 (uint32) ((uint64) item >> 32) ^ (uint32) item,
						 (uint32) ((uint64) node >> 32) ^ (uint32) node,
						 LOCK_CLASS_SET_STOCK);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/*
 * What the ledger says is on hand at a node, own rows included, less what
 * moved after as_of.  OM007 where rows of a later time have been deleted.
 */
static int64
on_hand_as_of(int64 node, int64 item, const TimestampTz *as_of)
{
	static OmniQuery now_query = {
		.sql = "SELECT COALESCE(sum(u.on_hand), 0)::int8 FROM ("
		" SELECT b.on_hand FROM omni_internal.stock_balance b"
		" WHERE b.item_id = $1 AND b.node_id = $2"
		" UNION ALL"
		" SELECT l.quantity FROM omni_internal.unfolded l"
		" WHERE l.item_id = $1 AND l.node_id = $2) u",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	static OmniQuery since_query = {
		.sql = "SELECT COALESCE(sum(l.quantity), 0)::int8, EXISTS ("
		" SELECT FROM omni_internal.pruned_stock p"
		" WHERE p.item_id = $1 AND p.node_id = $2"
		" AND p.last_occurred_at > $3)"
		" FROM omni.stock_ledger l WHERE l.item_id = $1 AND l.node_id = $2"
		" AND l.occurred_at > $3 AND l.quantity <> 0",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, TIMESTAMPTZOID},
	};
	Datum		values[3];
	OmniRows	rows;
	Snapshot	snapshot;
	int64		result;

	values[0] = Int64GetDatum(item);
	values[1] = Int64GetDatum(node);
	values[2] = TimestampTzGetDatum(as_of ? *as_of : DT_NOBEGIN);
	snapshot = omni_core_latest_snapshot(true);
	omni_core_query_snapshot(&now_query, values, NULL, snapshot, &rows);
	result = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	if (as_of)
	{
		omni_core_query_snapshot(&since_query, values, NULL, snapshot, &rows);
		if (DatumGetBool(OMNI_VALUE(&rows, 0, 1)))
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("as_of lies before what retention has kept"),
					 errdetail("What moved there after that time has been deleted in part."),
					 errhint("Count again, or leave as_of out.")));
		result -= DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	}
	UnregisterSnapshot(snapshot);
	return result;
}

/* set_stock(node, sku, on_hand, reference, as_of) → ledger id */
static Datum
set_stock(PG_FUNCTION_ARGS)
{
	int64		node;
	int64		item;
	int32		on_hand;
	int64		delta;
	TimestampTz at;
	const TimestampTz *as_of;

	(void) omni_core_gate();
	node = omni_master_node_id(omni_core_required_text(fcinfo, 0, "node"));
	item = omni_master_item_id(omni_core_required_text(fcinfo, 1, "sku"));
	on_hand = omni_core_required_int32(fcinfo, 2, "on_hand");
	as_of = optional_time(fcinfo, 4, "as_of", &at);
	omni_core_require(MAY_CHANGE, 0, node, "set stock");

	omni_stock_load(&item, 1);
	lock_set_stock(node, item);
	delta = (int64) on_hand - on_hand_as_of(node, item, as_of);
	if (delta > PG_INT32_MAX || delta < PG_INT32_MIN)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_RANGE),
				 errmsg("the difference to the stock on hand is out of range for integer")));
	PG_RETURN_INT64(change_one(node, item, (int32) delta, "set",
							   omni_core_optional_text(fcinfo, 3), 0, NULL));
}

/* available(sku, node, channel) → what could be reserved now */
Datum
omni_stock_available_units(PG_FUNCTION_ARGS)
{
	int64		item;
	int64		node = OMNI_POOL;
	int64		channel;
	char	   *code;

	(void) omni_core_gate();
	item = omni_master_item_id(omni_core_required_text(fcinfo, 0, "sku"));
	code = omni_core_optional_text(fcinfo, 1);
	if (code)
		node = omni_master_node_id(code);
	channel = optional_channel(fcinfo, 2);
	omni_core_require(MAY_READ, channel, 0, "read availability");
	PG_RETURN_INT32(omni_stock_available(item, node));
}

/* The ids of a text array of skus; OM002 for NULL, OM007 for a wrong form. */
static int64 *
item_ids(ArrayType *array, const char *name, int *n)
{
	Datum	   *elems;
	bool	   *nulls;
	int64	   *ids;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("%s must be a one-dimensional array", name)));
	deconstruct_array(array, TEXTOID, -1, false, 'i', &elems, &nulls, n);
	ids = palloc(sizeof(int64) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		ids[i] = omni_master_item_id(nulls[i] ? NULL :
									 TextDatumGetCString(elems[i]));
	return ids;
}

/* A code as text in the short form that rows hold, where that can hold it. */
static Datum
short_text(const char *code)
{
	Size		size = strlen(code) + VARHDRSZ_SHORT;
	struct varlena *text;

	if (size > VARATT_SHORT_MAX)
		return CStringGetTextDatum(code);
	text = palloc(size);
	SET_VARSIZE_SHORT(text, size);
	memcpy(VARDATA_SHORT(text), code, size - VARHDRSZ_SHORT);
	return PointerGetDatum(text);
}

/* Codes of nodes as text, by node: found once in a call. */
typedef struct NodeCodes
{
	uint32		capacity;		/* a power of two, 0: no table yet */
	uint32		n;
	int64	   *nodes;			/* 0: free */
	Datum	   *codes;			/* 0: the node is gone */
} NodeCodes;

/* Where the node is in the table, or belongs. */
static inline uint32
code_place(const NodeCodes *codes, int64 node)
{
	uint32		i = omni_stock_hash(node) & (codes->capacity - 1);

	while (codes->nodes[i] != 0 && codes->nodes[i] != node)
		i = (i + 1) & (codes->capacity - 1);
	return i;
}

/* Twice the room. */
static void
grow_codes(NodeCodes *codes)
{
	NodeCodes	old = *codes;

	codes->capacity = Max(64, old.capacity * 2);
	codes->nodes = palloc0(sizeof(int64) * codes->capacity);
	codes->codes = palloc(sizeof(Datum) * codes->capacity);
	for (uint32 i = 0; i < old.capacity; i++)
	{
		uint32		place;

		if (old.nodes[i] == 0)
			continue;
		place = code_place(codes, old.nodes[i]);
		codes->nodes[place] = old.nodes[i];
		codes->codes[place] = old.codes[i];
	}
}

/* A node's code as text; 0 where the node is gone. */
static Datum
node_code(NodeCodes *codes, int64 node)
{
	uint32		place;

	if (codes->n * 2 >= codes->capacity)
		grow_codes(codes);
	place = code_place(codes, node);
	if (unlikely(codes->nodes[place] == 0))
	{
		char	   *code = omni_master_node_code(node);

		codes->nodes[place] = node;
		codes->codes[place] = code ? short_text(code) : (Datum) 0;
		codes->n++;
	}
	return codes->codes[place];
}

/*
 * A result of ordinary size shall not go through a file where work_mem is the
 * server's default.
 */
static void
keep_in_memory(ReturnSetInfo *rsinfo)
{
	MemoryContext old;

	if (work_mem >= RESULT_MEMORY)
		return;
	tuplestore_end(rsinfo->setResult);
	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	rsinfo->setResult =
		tuplestore_begin_heap((rsinfo->allowedModes &
							   SFRM_Materialize_Random) != 0, false,
							  RESULT_MEMORY);
	MemoryContextSwitchTo(old);
}

/*
 * One sku's rows, made from a copy of the last one where only the node's code
 * and the numbers differ, and the code is as long: forming each row anew was a
 * fifth of the call.
 */
typedef struct RowMaker
{
	ReturnSetInfo *rsinfo;
	TupleTableSlot *slot;		/* holds the row */
	MinimalTuple row;			/* NULL: none yet */
	Size		code_size;		/* of its node's code, with header */
	char	   *code;			/* where that is in the row */
	char	   *numbers;		/* and where the numbers are */
} RowMaker;

/* Form a row and see where things are in it; false where codes are long. */
static bool
form_row(RowMaker *maker, Datum *values)
{
	bool		nulls[6] = {0};
	Size		sku_size = VARSIZE_ANY(DatumGetPointer(values[0]));
	Size		code_size = VARSIZE_ANY(DatumGetPointer(values[1]));
	MinimalTuple row;
	char	   *data;

	if (!VARATT_IS_SHORT(DatumGetPointer(values[0])) ||
		!VARATT_IS_SHORT(DatumGetPointer(values[1])))
		return false;
	row = heap_form_minimal_tuple(maker->rsinfo->setDesc, values, nulls);
	data = (char *) row + row->t_hoff - MINIMAL_TUPLE_OFFSET;
	maker->row = row;
	maker->code_size = code_size;
	maker->code = data + sku_size;
	maker->numbers = data + INTALIGN(sku_size + code_size);
	ExecStoreMinimalTuple(row, maker->slot, false);
	return true;
}

/* Put a row into the result: sku, node, and four numbers. */
static void
put_row(RowMaker *maker, Datum *values, const int32 *numbers)
{
	ReturnSetInfo *rsinfo = maker->rsinfo;
	struct varlena *code = (struct varlena *) DatumGetPointer(values[1]);

	if (maker->row == NULL || VARSIZE_ANY(code) != maker->code_size)
	{
		for (int i = 0; i < 4; i++)
			values[2 + i] = Int32GetDatum(numbers[i]);
		if (!form_row(maker, values))
		{
			bool		nulls[6] = {0};

			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
								 nulls);
			return;
		}
	}
	else
	{
		memcpy(maker->code, code, maker->code_size);
		memcpy(maker->numbers, numbers, sizeof(int32) * 4);
	}
	tuplestore_puttupleslot(rsinfo->setResult, maker->slot);
}

/* availability(skus, channel) → one row per stocked sku and node */
Datum
omni_stock_availability(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	NodeCodes	codes = {0};
	RowMaker	maker = {0};
	int64	   *items;
	int			n;

	(void) omni_core_gate();
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("skus must not be null")));
	items = item_ids(PG_GETARG_ARRAYTYPE_P(0), "skus", &n);
	omni_core_require(MAY_READ, optional_channel(fcinfo, 1), 0,
					  "read availability");
	InitMaterializedSRF(fcinfo, 0);
	keep_in_memory(rsinfo);
	maker.rsinfo = rsinfo;
	maker.slot = MakeSingleTupleTableSlot(rsinfo->setDesc,
										  &TTSOpsMinimalTuple);
	omni_stock_load(items, n);
	for (int i = 0; i < n; i++)
	{
		OmniNodeStock *nodes;
		int			nnodes = omni_stock_nodes(items[i], &nodes);
		Datum		values[6];

		CHECK_FOR_INTERRUPTS();
		values[0] = short_text(omni_master_item_sku(items[i]));
		maker.row = NULL;
		for (int j = 0; j < nnodes; j++)
		{
			values[1] = node_code(&codes, nodes[j].node);
			if (values[1] == (Datum) 0)
				continue;
			put_row(&maker, values, (int32[4])
					{
						(int32) nodes[j].on_hand, (int32) nodes[j].reserved,
						nodes[j].safety, nodes[j].available
					});
		}
		pfree(nodes);
	}
	ExecDropSingleTupleTableSlot(maker.slot);
	return (Datum) 0;
}

/*
 * A ttl argument as a point of time; OM007 unless positive and no longer than
 * a hundred years.
 */
static TimestampTz
deadline_of(FunctionCallInfo fcinfo, int arg)
{
	TimestampTz now = omni_core_now();
	TimestampTz deadline;
	Interval   *ttl;
	double		days;

	if (PG_ARGISNULL(arg))
		return DT_NOEND;
	ttl = PG_GETARG_INTERVAL_P(arg);
	days = ttl->month * (DAYS_PER_YEAR / MONTHS_PER_YEAR) + ttl->day +
		ttl->time / (double) USECS_PER_DAY;
	if (fabs(days) > MAX_TTL_DAYS)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("ttl must not be longer than %d days", MAX_TTL_DAYS),
				 errhint("Leave ttl out for a promise without a time limit.")));
	deadline = DatumGetTimestampTz(
								   DirectFunctionCall2(timestamptz_pl_interval,
													   TimestampTzGetDatum(now),
													   PG_GETARG_DATUM(arg)));
	if (deadline <= now)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("ttl must be positive")));
	return deadline;
}

/* reserve_stock(sku, quantity, node, ttl, reference, channel) → reservation */
static Datum
reserve_stock(PG_FUNCTION_ARGS)
{
	OmniReserveLine line = {0};
	char	   *node;
	int64		channel;

	(void) omni_core_gate();
	line.item = omni_master_item_id(omni_core_required_text(fcinfo, 0, "sku"));
	line.quantity = omni_core_required_quantity(fcinfo, 1, "quantity");
	node = omni_core_optional_text(fcinfo, 2);
	if (node)
		line.node = omni_master_node_id(node);
	channel = optional_channel(fcinfo, 5);
	omni_core_require(MAY_RESERVE, channel, line.node, "reserve stock");
	omni_stock_reserve(&line, 1, deadline_of(fcinfo, 3),
					   omni_core_optional_text(fcinfo, 4), channel);
	PG_RETURN_INT64(line.reservation);
}

/* OM007 for arrays that do not fit each other. */
static void
raise_arrays(const char *message)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_INVALID_ARGUMENT),
			 errmsg("%s", message),
			 errhint("Pass one-dimensional arrays of equal length, one element for each line.")));
}

/* reserve_lines(skus, quantities, nodes, ttl, reference, channel) → ids */
static Datum
reserve_lines(PG_FUNCTION_ARGS)
{
	ArrayType  *quantities;
	OmniReserveLine *lines;
	Datum	   *elems;
	Datum	   *codes = NULL;
	bool	   *nulls;
	bool	   *no_code = NULL;
	int64	   *items;
	int64		channel;
	int			n;
	int			m;

	(void) omni_core_gate();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("skus and quantities must not be null")));
	items = item_ids(PG_GETARG_ARRAYTYPE_P(0), "skus", &n);
	quantities = PG_GETARG_ARRAYTYPE_P(1);
	if (n == 0)
		raise_arrays("no lines to reserve");
	if (ARR_NDIM(quantities) != 1)
		raise_arrays("quantities must be a one-dimensional array");
	deconstruct_array(quantities, INT4OID, 4, true, 'i', &elems, &nulls, &m);
	if (m != n)
		raise_arrays("skus and quantities differ in length");
	if (!PG_ARGISNULL(2))
	{
		ArrayType  *array = PG_GETARG_ARRAYTYPE_P(2);

		if (ARR_NDIM(array) != 1)
			raise_arrays("nodes must be a one-dimensional array");
		deconstruct_array(array, TEXTOID, -1, false, 'i', &codes, &no_code,
						  &m);
		if (m != n)
			raise_arrays("skus and nodes differ in length");
	}
	channel = optional_channel(fcinfo, 5);

	lines = palloc0(sizeof(OmniReserveLine) * n);
	for (int i = 0; i < n; i++)
	{
		lines[i].item = items[i];
		if (nulls[i])
			ereport(ERROR,
					(errcode(OMNI_ERR_NOT_FOUND),
					 errmsg("quantity of line %d must not be null", i + 1)));
		lines[i].quantity = DatumGetInt32(elems[i]);
		if (lines[i].quantity <= 0)
			ereport(ERROR,
					(errcode(OMNI_ERR_INVALID_ARGUMENT),
					 errmsg("quantity of line %d must be positive", i + 1)));
		if (codes && !no_code[i])
			lines[i].node =
				omni_master_node_id(TextDatumGetCString(codes[i]));
		omni_core_require(MAY_RESERVE, channel, lines[i].node,
						  "reserve stock");
	}
	omni_stock_reserve(lines, n, deadline_of(fcinfo, 3),
					   omni_core_optional_text(fcinfo, 4), channel);

	elems = palloc(sizeof(Datum) * n);
	for (int i = 0; i < n; i++)
		elems[i] = Int64GetDatum(lines[i].reservation);
	PG_RETURN_ARRAYTYPE_P(construct_array(elems, n, INT8OID, 8,
										  FLOAT8PASSBYVAL, 'd'));
}

/* The reservation argument; its channel and node must be the caller's. */
static int64
reservation_arg(FunctionCallInfo fcinfo, const char *what)
{
	OmniChain	chain = {0};

	(void) omni_core_gate();
	chain.reservation = omni_core_required_int64(fcinfo, 0, "reservation");
	omni_stock_read_chains(&chain, 1);
	if (!chain.found || !omni_core_may(MAY_RESERVE, chain.channel, chain.node))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("reservation %lld does not exist",
						(long long) chain.reservation)));
	return chain.reservation;
}

/* extend_reservation(reservation, ttl): its time limit becomes now + ttl */
static Datum
extend_reservation(PG_FUNCTION_ARGS)
{
	int64		reservation = reservation_arg(fcinfo, "extend a reservation");

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "ttl")));
	omni_stock_extend(reservation, deadline_of(fcinfo, 1));
	PG_RETURN_VOID();
}

/* pin_reservation(reservation, node) */
static Datum
pin_reservation(PG_FUNCTION_ARGS)
{
	int64		reservation = reservation_arg(fcinfo, "pin a reservation");
	int64		node;

	node = omni_master_node_id(omni_core_required_text(fcinfo, 1, "node"));
	omni_core_require(MAY_RESERVE, 0, node, "pin a reservation");
	omni_stock_pin(reservation, node);
	PG_RETURN_VOID();
}

/* release_reservation(reservation) */
static Datum
release_reservation(PG_FUNCTION_ARGS)
{
	int64		reservation = reservation_arg(fcinfo, "release a reservation");

	omni_stock_release(&reservation, 1, NULL);
	PG_RETURN_VOID();
}

/* consume_reservation(reservation): it left the building */
static Datum
consume_reservation(PG_FUNCTION_ARGS)
{
	int64		reservation = reservation_arg(fcinfo, "consume a reservation");

	omni_stock_consume(&reservation, 1, NULL);
	PG_RETURN_VOID();
}

/*
 * The functions that change stock, each once for each request: its last
 * argument (core/request.c).
 */

Datum
omni_stock_receive_stock(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 4, receive_stock);
}

Datum
omni_stock_sell_stock(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 6, sell_stock);
}

Datum
omni_stock_adjust_stock(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 5, adjust_stock);
}

Datum
omni_stock_set_stock(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 5, set_stock);
}

Datum
omni_stock_reserve_stock(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 6, reserve_stock);
}

Datum
omni_stock_reserve_lines(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 6, reserve_lines);
}

Datum
omni_stock_extend_reservation(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 2, extend_reservation);
}

Datum
omni_stock_pin_reservation(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 2, pin_reservation);
}

Datum
omni_stock_release_reservation(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 1, release_reservation);
}

Datum
omni_stock_consume_reservation(PG_FUNCTION_ARGS)
{
	return omni_core_once(fcinfo, 1, consume_reservation);
}
