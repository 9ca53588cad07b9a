/*
 * fold.c
 *	  The worker's chore of folding the ledger into balances and open promises.
 *
 * - A fold takes whole ticks: the rows that a tick's snapshot sees and the fold
 *	 state's does not.  One transaction adds them to the balances, carries the
 *	 open promises on, and moves the fold state, so it holds for all or for
 *	 none of them.  Only the worker folds (and adoption, in the worker).
 * - The rows are read once, without a sort or a join, and summed up here; what
 *	 is written is one row for each balance and for each promise that outlived
 *	 the fold.  So a fold costs what its rows cost, however large the tables.
 * - A promise that no row of this fold opens is in open_reservation: its
 *	 opening row was folded before, or closed by a row that was.
 * - A backlog is folded in steps of about FOLD_AT_ONCE rows.
 */
#include "omni.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "core/test_point.h"
#include "stock/block.h"

#define FOLD_AT_ONCE 200000

/* The tick to fold to. */
typedef struct FoldTarget
{
	int64		tick;
	uint64		xmax;
	Datum		xip;			/* xid8[] */
	uint64	   *running;		/* its elements, ascending */
	int			nrunning;
	bool		last;			/* no later tick */
} FoldTarget;

/* Sums of an item at a node. */
typedef struct FoldBalance
{
	int64		item;			/* hash key, with node */
	int64		node;
	int64		on_hand;
	int64		reserved;
} FoldBalance;

/* What the fold's rows say of a promise. */
typedef struct FoldPromise
{
	int64		reservation;	/* hash key */
	int64		quantity;		/* sum of its reserved deltas */
	int64		last_id;
	int64		node;			/* of the last row */
	TimestampTz expires_at;		/* of the last row; DT_NOEND: none */
	/* from the row that opens it, if that is one of them */
	bool		opened;
	int64		item;
	int64		channel;		/* 0: none */
	TimestampTz opened_at;
	Datum		reference;		/* 0: none */
} FoldPromise;

typedef struct Fold
{
	FoldTarget	target;
	MemoryContext context;		/* of all below */
	HTAB	   *balances;
	HTAB	   *promises;
} Fold;

/* ---- reading ---- */

/* Was the transaction still running when the tick was closed? */
static bool
was_running(const FoldTarget *target, uint64 xid)
{
	int			low = 0;
	int			high = target->nrunning;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (target->running[middle] < xid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < target->nrunning && target->running[low] == xid;
}

/* Take one ledger row; the columns are those of read_rows(). */
static void
fold_row(const Datum *values, const bool *isnull, void *arg)
{
	Fold	   *fold = arg;
	uint64		xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[5]));
	int64		id = DatumGetInt64(values[0]);
	FoldBalance key;
	FoldBalance *balance;
	FoldPromise *promise;
	int64		reservation;
	bool		found;

	if (was_running(&fold->target, xid))
		return;

	memset(&key, 0, sizeof(key));
	key.item = DatumGetInt64(values[1]);
	key.node = DatumGetInt64(values[2]);
	balance = hash_search(fold->balances, &key, HASH_ENTER, &found);
	if (!found)
		balance->on_hand = balance->reserved = 0;
	balance->on_hand += DatumGetInt32(values[3]);
	balance->reserved += DatumGetInt32(values[4]);

	if (isnull[6])
		return;
	reservation = DatumGetInt64(values[6]);
	promise = hash_search(fold->promises, &reservation, HASH_ENTER, &found);
	if (!found)
	{
		promise->quantity = 0;
		promise->last_id = 0;
		promise->opened = false;
		promise->reference = (Datum) 0;
	}
	promise->quantity += DatumGetInt32(values[4]);
	if (id > promise->last_id)
	{
		promise->last_id = id;
		promise->node = key.node;
		promise->expires_at = isnull[7] ? DT_NOEND :
			DatumGetTimestampTz(values[7]);
	}
	if (id == reservation)
	{
		promise->opened = true;
		promise->item = key.item;
		promise->channel = isnull[8] ? 0 : DatumGetInt64(values[8]);
		promise->opened_at = DatumGetTimestampTz(values[10]);
		if (!isnull[9])
		{
			MemoryContext old = MemoryContextSwitchTo(fold->context);

			promise->reference =
				PointerGetDatum(PG_DETOAST_DATUM_COPY(values[9]));
			MemoryContextSwitchTo(old);
		}
	}
}

/* A hash table of the fold. */
static HTAB *
make_table(Fold *fold, const char *name, Size keysize, Size entrysize)
{
	HASHCTL		info;

	memset(&info, 0, sizeof(info));
	info.keysize = keysize;
	info.entrysize = entrysize;
	info.hcxt = fold->context;
	return hash_create(name, 1024, &info,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Sum up the rows between the fold state and the target. */
static void
read_rows(Fold *fold)
{
	static OmniQuery query = {
		.sql = "SELECT l.id, l.item_id, l.node_id, l.quantity, l.reserved,"
		" l.xid, l.reservation, l.expires_at, l.channel_id, l.reference,"
		" l.recorded_at FROM omni_internal.unfolded l WHERE l.xid < $1",
		.nargs = 1,
		.argtypes = {XID8OID},
	};
	Datum		value;

	value = FullTransactionIdGetDatum(FullTransactionIdFromU64(fold->target.xmax));
	fold->balances = make_table(fold, "omni folded balances",
								2 * sizeof(int64), sizeof(FoldBalance));
	fold->promises = make_table(fold, "omni folded promises",
								sizeof(int64), sizeof(FoldPromise));
	omni_core_query_each(&query, &value, fold_row, fold);
}

/* ---- writing ---- */

/* Columns that grow by rows, as arguments for unnest(). */
typedef struct Column
{
	Oid			type;
	Datum	   *values;
	bool	   *isnull;
} Column;

#define MAX_COLUMNS 9

/* As many columns of these types, with room for n rows. */
static void
make_columns(Column *columns, const Oid *types, int ncolumns, long n)
{
	for (int c = 0; c < ncolumns; c++)
	{
		columns[c].type = types[c];
		columns[c].values = palloc_extended(sizeof(Datum) * Max(n, 1),
											MCXT_ALLOC_HUGE);
		columns[c].isnull = palloc_extended(sizeof(bool) * Max(n, 1),
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	}
}

/* Run a statement over the columns as arrays. */
static void
run_columns(OmniQuery *query, Column *columns, int ncolumns, int n)
{
	Datum		arrays[MAX_COLUMNS];
	int			lbs = 1;

	if (n == 0)
		return;
	for (int c = 0; c < ncolumns; c++)
	{
		bool		text = columns[c].type == TEXTOID;

		arrays[c] = PointerGetDatum(construct_md_array(columns[c].values,
													   columns[c].isnull, 1,
													   &n, &lbs,
													   columns[c].type,
													   text ? -1 : 8, !text,
													   text ? 'i' : 'd'));
	}
	omni_core_query(query, arrays, NULL, false, NULL);
}

/* Compare for qsort, by the leading one or two int64 of what is pointed to. */
static int
compare_balances(const void *a, const void *b)
{
	const FoldBalance *ba = *(FoldBalance *const *) a;
	const FoldBalance *bb = *(FoldBalance *const *) b;

	if (ba->item != bb->item)
		return ba->item < bb->item ? -1 : 1;
	return (ba->node > bb->node) - (ba->node < bb->node);
}

static int
compare_promises(const void *a, const void *b)
{
	const FoldPromise *pa = *(FoldPromise *const *) a;
	const FoldPromise *pb = *(FoldPromise *const *) b;

	return (pa->reservation > pb->reservation) -
		(pa->reservation < pb->reservation);
}

/* The entries of a table, sorted. */
static void **
sorted_entries(HTAB *table, int (*compare) (const void *, const void *))
{
	long		n = hash_get_num_entries(table);
	void	  **entries = palloc_extended(sizeof(void *) * Max(n, 1),
										  MCXT_ALLOC_HUGE);
	HASH_SEQ_STATUS status;
	void	   *entry;
	long		i = 0;

	hash_seq_init(&status, table);
	while ((entry = hash_seq_search(&status)) != NULL)
		entries[i++] = entry;
	qsort(entries, n, sizeof(void *), compare);
	return entries;
}

/*
 * Add the sums to the balances, or, while an old snapshot is open, put them
 * beside: see balance.c.
 */
static void
write_balances(Fold *fold)
{
	static OmniQuery add = {
		.sql = "INSERT INTO omni_internal.stock_balance AS s"
		" (item_id, node_id, on_hand, reserved)"
		" SELECT u.* FROM ROWS FROM (pg_catalog.unnest($1),"
		" pg_catalog.unnest($2), pg_catalog.unnest($3),"
		" pg_catalog.unnest($4)) u"
		" ON CONFLICT ON CONSTRAINT stock_balance_pkey DO UPDATE"
		" SET on_hand = s.on_hand + excluded.on_hand,"
		" reserved = s.reserved + excluded.reserved",
		.nargs = 4,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID},
	};
	static OmniQuery know = {
		.sql = "INSERT INTO omni_internal.stock_balance"
		" (item_id, node_id, on_hand, reserved)"
		" SELECT u.item, u.node, 0, 0 FROM ROWS FROM (pg_catalog.unnest($1),"
		" pg_catalog.unnest($2)) u (item, node)"
		" ON CONFLICT ON CONSTRAINT stock_balance_pkey DO NOTHING",
		.nargs = 2,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID},
	};
	static OmniQuery put_beside = {
		.sql = "INSERT INTO omni_internal.stock_balance"
		" (item_id, node_id, on_hand, reserved, tick)"
		" SELECT u.* FROM ROWS FROM (pg_catalog.unnest($1),"
		" pg_catalog.unnest($2), pg_catalog.unnest($3),"
		" pg_catalog.unnest($4), pg_catalog.unnest($5)) u",
		.nargs = 5,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID},
	};
	static const Oid types[] = {INT8OID, INT8OID, INT8OID, INT8OID, INT8OID};
	long		n = hash_get_num_entries(fold->balances);
	FoldBalance **sums;
	Column		columns[lengthof(types)];

	sums = (FoldBalance **) sorted_entries(fold->balances, compare_balances);
	make_columns(columns, types, lengthof(types), n);
	for (long i = 0; i < n; i++)
	{
		columns[0].values[i] = Int64GetDatum(sums[i]->item);
		columns[1].values[i] = Int64GetDatum(sums[i]->node);
		columns[2].values[i] = Int64GetDatum(sums[i]->on_hand);
		columns[3].values[i] = Int64GetDatum(sums[i]->reserved);
		columns[4].values[i] = Int64GetDatum(fold->target.tick);
	}
	if (!omni_stock_versions_pile_up())
	{
		run_columns(&add, columns, add.nargs, n);
		return;
	}
	run_columns(&know, columns, know.nargs, n);
	run_columns(&put_beside, columns, put_beside.nargs, n);
}

/* Promises that this fold opens, and that outlive it. */
static void
write_opened(FoldPromise **promises, long n)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni_internal.open_reservation (id, item_id,"
		" node_id, quantity, expires_at, reference, channel_id, opened_at,"
		" last_id)"
		" SELECT u.* FROM ROWS FROM (pg_catalog.unnest($1),"
		" pg_catalog.unnest($2), pg_catalog.unnest($3),"
		" pg_catalog.unnest($4), pg_catalog.unnest($5),"
		" pg_catalog.unnest($6), pg_catalog.unnest($7),"
		" pg_catalog.unnest($8), pg_catalog.unnest($9)) u",
		.nargs = 9,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
			TIMESTAMPTZARRAYOID, TEXTARRAYOID, INT8ARRAYOID,
		TIMESTAMPTZARRAYOID, INT8ARRAYOID},
	};
	static const Oid types[] = {INT8OID, INT8OID, INT8OID, INT8OID,
	TIMESTAMPTZOID, TEXTOID, INT8OID, TIMESTAMPTZOID, INT8OID};
	Column		columns[lengthof(types)];
	int			r = 0;

	make_columns(columns, types, lengthof(types), n);
	for (long i = 0; i < n; i++)
	{
		const FoldPromise *promise = promises[i];

		if (!promise->opened || promise->quantity <= 0)
			continue;
		columns[0].values[r] = Int64GetDatum(promise->reservation);
		columns[1].values[r] = Int64GetDatum(promise->item);
		columns[2].values[r] = Int64GetDatum(promise->node);
		columns[3].values[r] = Int64GetDatum(promise->quantity);
		columns[4].values[r] = TimestampTzGetDatum(promise->expires_at);
		columns[4].isnull[r] = TIMESTAMP_IS_NOEND(promise->expires_at);
		columns[5].values[r] = promise->reference;
		columns[5].isnull[r] = promise->reference == (Datum) 0;
		columns[6].values[r] = Int64GetDatum(promise->channel);
		columns[6].isnull[r] = promise->channel == 0;
		columns[7].values[r] = TimestampTzGetDatum(promise->opened_at);
		columns[8].values[r] = Int64GetDatum(promise->last_id);
		omni_stock_tidy_again(promise->expires_at);
		r++;
	}
	run_columns(&query, columns, lengthof(types), r);
}

/* Promises of earlier folds: carried on, or over. */
static void
write_carried(FoldPromise **promises, long n)
{
	static OmniQuery update = {
		.sql = "UPDATE omni_internal.open_reservation o"
		" SET quantity = o.quantity + c.quantity, node_id = c.node_id,"
		" expires_at = c.expires_at, last_id = c.last_id"
		" FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2),"
		" pg_catalog.unnest($3), pg_catalog.unnest($4),"
		" pg_catalog.unnest($5)) c (id, quantity, node_id, expires_at, last_id)"
		" WHERE o.id = c.id AND o.quantity + c.quantity > 0",
		.nargs = 5,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		TIMESTAMPTZARRAYOID, INT8ARRAYOID},
	};
	static OmniQuery delete = {
		.sql = "DELETE FROM omni_internal.open_reservation o"
		" USING ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2))"
		" c (id, quantity)"
		" WHERE o.id = c.id AND o.quantity + c.quantity <= 0",
		.nargs = 2,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID},
	};
	static const Oid types[] = {INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID,
	INT8OID};
	Column		columns[lengthof(types)];
	int			r = 0;

	make_columns(columns, types, lengthof(types), n);
	for (long i = 0; i < n; i++)
	{
		const FoldPromise *promise = promises[i];

		if (promise->opened)
			continue;
		columns[0].values[r] = Int64GetDatum(promise->reservation);
		columns[1].values[r] = Int64GetDatum(promise->quantity);
		columns[2].values[r] = Int64GetDatum(promise->node);
		columns[3].values[r] = TimestampTzGetDatum(promise->expires_at);
		columns[3].isnull[r] = TIMESTAMP_IS_NOEND(promise->expires_at);
		columns[4].values[r] = Int64GetDatum(promise->last_id);
		omni_stock_tidy_again(promise->expires_at);
		r++;
	}
	/* first what is over: an update would make it go on from nothing */
	run_columns(&delete, columns, delete.nargs, r);
	run_columns(&update, columns, update.nargs, r);
}

/* Where the ledger is folded to, from now on. */
static void
write_state(const FoldTarget *target)
{
	static OmniQuery query = {
		.sql = "UPDATE omni_internal.fold_state"
		" SET tick = $1, seen_xmax = $2, seen_xip = $3",
		.nargs = 3,
		.argtypes = {INT8OID, XID8OID, XID8ARRAYOID},
	};
	Datum		values[3];

	values[0] = Int64GetDatum(target->tick);
	values[1] = FullTransactionIdGetDatum(FullTransactionIdFromU64(target->xmax));
	values[2] = target->xip;
	omni_core_query(&query, values, NULL, false, NULL);
}

/* ---- the fold ---- */

/* Find the tick to fold to; false when all are folded. */
static bool
find_target(int32 era, FoldTarget *target)
{
	static OmniQuery query = {
		.sql = "WITH f AS (SELECT t.id, t.first_position FROM omni.tick t"
		" WHERE t.era = $1 AND t.id > ("
		" SELECT s.tick FROM omni_internal.fold_state s)"
		" ORDER BY t.id LIMIT 1)"
		" SELECT t.id, pg_catalog.pg_snapshot_xmax(t.snapshot),"
		" ARRAY(SELECT x FROM pg_catalog.pg_snapshot_xip(t.snapshot) x"
		" ORDER BY x),"
		" NOT EXISTS (SELECT FROM omni.tick n WHERE n.era = $1"
		" AND n.id > t.id)"
		" FROM f JOIN omni.tick t ON t.era = $1 AND t.id >= f.id"
		" WHERE t.id = f.id"
		" OR t.first_position + t.count <= f.first_position + $2"
		" ORDER BY t.id DESC LIMIT 1",
		.nargs = 2,
		.argtypes = {INT4OID, INT8OID},
	};
	Datum		values[2];
	OmniRows	rows;
	Datum	   *elems;

	values[0] = Int32GetDatum(era);
	values[1] = Int64GetDatum(OMNI_TEST_AT_ONCE(FOLD_AT_ONCE));
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.nrows == 0)
		return false;
	target->tick = DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
	target->xmax =
		U64FromFullTransactionId(DatumGetFullTransactionId(OMNI_VALUE(&rows,
																	  0, 1)));
	target->xip = OMNI_VALUE(&rows, 0, 2);
	target->last = DatumGetBool(OMNI_VALUE(&rows, 0, 3));
	deconstruct_array(DatumGetArrayTypeP(target->xip), XID8OID, 8,
					  FLOAT8PASSBYVAL, 'd', &elems, NULL, &target->nrunning);
	target->running = palloc(sizeof(uint64) * Max(target->nrunning, 1));
	for (int i = 0; i < target->nrunning; i++)
		target->running[i] =
			U64FromFullTransactionId(DatumGetFullTransactionId(elems[i]));
	return true;
}

/* Fold one step of an era; false when nothing is left to fold. */
static bool
fold_era(int32 era)
{
	Fold		fold = {0};
	MemoryContext old;
	FoldPromise **promises;
	long		n;

	fold.context = AllocSetContextCreate(CurrentMemoryContext, "omni fold",
										 ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(fold.context);
	if (!find_target(era, &fold.target))
		fold.target.last = true;
	else
	{
		read_rows(&fold);
		omni_stock_own_write(true);
		write_balances(&fold);
		n = hash_get_num_entries(fold.promises);
		promises = (FoldPromise **) sorted_entries(fold.promises,
												   compare_promises);
		write_opened(promises, n);
		write_carried(promises, n);
		write_state(&fold.target);
		omni_stock_own_write(false);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(fold.context);
	return !fold.target.last;
}

/*
 * Lock what a fold writes, if it is free at once: where it is being repaired,
 * or somebody has locked it by hand, ticks shall not wait for that.
 */
bool
omni_stock_lock_folded(void)
{
	static const char *const tables[] = {"stock_balance", "open_reservation",
	"fold_state"};

	for (int i = 0; i < lengthof(tables); i++)
		if (!ConditionalLockRelationOid(omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
															   tables[i]),
										RowExclusiveLock))
			return false;
	return true;
}

/* Chore: fold. */
static int
run_fold(void)
{
	if (!omni_stock_lock_folded())
		return omni_fold_interval;
	/* what is folded has been settled: doubt.c counts on it */
	omni_stock_doubt_settle_all();
	return fold_era(omni_core_gate()) ? 0 : omni_fold_interval;
}

/*
 * Adoption: what the old era's last tick covers is folded; then the fold
 * state starts the new era with nothing seen.
 */
static void
adopt_folds(int32 old_era, int32 new_era)
{
	static OmniQuery start = {
		.sql = "INSERT INTO omni_internal.fold_state AS f"
		" (era, tick, seen_xmax, seen_xip) VALUES ($1, COALESCE(("
		" SELECT max(t.id) FROM omni.tick t), 0), '0', '{}')"
		" ON CONFLICT ON CONSTRAINT fold_state_pkey DO UPDATE"
		" SET era = excluded.era, tick = excluded.tick,"
		" seen_xmax = excluded.seen_xmax, seen_xip = excluded.seen_xip",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	Datum		value = Int32GetDatum(new_era);

	while (old_era > 0 && fold_era(old_era))
		;
	omni_stock_own_write(true);
	omni_core_query(&start, &value, NULL, false, NULL);
	omni_stock_own_write(false);
}

static const OmniChore fold_chore = {
	.name = "fold", .run = run_fold, .at_start = true
};

void
omni_stock_fold_init(void)
{
	omni_core_register_chore(&fold_chore);
	omni_stock_tidy_init();
	omni_stock_balance_init();
	omni_core_register_adopt_hook(adopt_folds);
}
