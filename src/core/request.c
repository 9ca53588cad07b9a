/*
 * request.c
 *	  Calls that are made exactly once, however often a client sends them.
 *
 * A client names its call by a key; the call's own transaction records the
 * key, a digest of the arguments and the answer.  So the record is there
 * exactly when the effect is, and a client whose connection broke at COMMIT
 * calls again.
 *
 * - A key belongs to the role that asks (omni_core_asker(), by name, so that it
 *	 survives a dump): two channels' systems neither collide nor read each
 *	 other's answers.  The look-up comes before any other argument is looked
 *	 at: a promise that was released since must not spoil the repeated answer.
 * - Arguments are compared as values, not as text: '1 hour' is '60 minutes',
 *	 an omitted argument is NULL, a point of time is the same in every zone.
 *	 They are not resolved: what a sku means may have changed since.
 * - The look-up is an index scan under a dirty snapshot.  It sees what has
 *	 committed, whatever snapshot the caller reads by, and tells which
 *	 transaction is about to commit the same key.  The unique index alone would
 *	 wait for that one, and two sessions with two keys in opposite orders would
 *	 deadlock.
 * - From the look-up to the record a heavyweight lock of a class of its own
 *	 (7602) keeps other sessions with this key away; it goes with the call, so
 *	 a transaction of ten thousand calls holds none.  After it, until commit,
 *	 the row itself keeps them away.
 * - Who waits holds nothing that others wait for: a session waits for another
 *	 one's call only while its transaction has no id, that is, has written
 *	 nothing and so made no request of its own; else it gets OM013.  A wait for
 *	 a request is therefore never part of a circle.
 * - A repeated answer must not be less durable than the first one was to be:
 *	 the first call's session may have been cut off while its commit waited for
 *	 a standby.  So the repeating transaction writes a record of a few bytes,
 *	 and its own commit waits for the log up to there.
 * - PREPARE TRANSACTION needs nothing: the row is in flight until the
 *	 transaction is resolved, after a restart too.
 */
#include "omni.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/rmgr.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "core/document.h"

/* Our own class of heavyweight lock, beside pg_advisory_lock's 1 and 2. */
#define LOCK_CLASS_REQUEST 7602

#define MAX_REQUEST_LENGTH 200	/* characters */

/* Columns of omni_internal.request. */
#define ANUM_ROLE 1
#define ANUM_REQUEST 2
#define ANUM_FUNCTION 3
#define ANUM_DIGEST 4
#define ANUM_ANSWER 5
#define ANUM_RECORDED 6

/* A call that carries a key. */
typedef struct RequestedCall
{
	char	   *role;
	char	   *request;
	char	   *function;
	Oid			result_type;	/* bigint, bigint[] or void */
	uint8		digest[OMNI_DIGEST_LENGTH];
	LOCKTAG		lock;
} RequestedCall;

/* What is known of the key. */
typedef enum RequestState
{
	REQUEST_FREE,
	REQUEST_MADE,				/* committed, or by this transaction */
	REQUEST_IN_FLIGHT			/* by another transaction */
} RequestState;

/* ---- the digest ---- */

/* Append bytes with their length. */
static void
append_bytes(StringInfo buffer, const char *data, int length)
{
	pq_sendint32(buffer, length);
	appendBinaryStringInfo(buffer, data, length);
}

/* Append a value in a form that depends on neither platform nor encoding. */
static void
append_value(StringInfo buffer, Oid type, Datum value)
{
	switch (type)
	{
		case INT4OID:
			pq_sendint32(buffer, DatumGetInt32(value));
			break;
		case INT8OID:
		case TIMESTAMPTZOID:
			pq_sendint64(buffer, DatumGetInt64(value));
			break;
		case INTERVALOID:
			{
				Interval   *interval = DatumGetIntervalP(value);

				pq_sendint64(buffer, interval->time);
				pq_sendint32(buffer, interval->day);
				pq_sendint32(buffer, interval->month);
			}
			break;
		case TEXTOID:
			{
				char	   *string = TextDatumGetCString(value);

				if (GetDatabaseEncoding() != PG_SQL_ASCII)
					string = pg_server_to_any(string, strlen(string), PG_UTF8);
				append_bytes(buffer, string, strlen(string));
			}
			break;
		case INT4ARRAYOID:
		case TEXTARRAYOID:
			{
				ArrayType  *array = DatumGetArrayTypeP(value);
				bool		of_text = type == TEXTARRAYOID;
				Oid			element = of_text ? TEXTOID : INT4OID;
				Datum	   *values;
				bool	   *nulls;
				int			n;

				deconstruct_array(array, element, of_text ? -1 : 4,
								  !of_text, TYPALIGN_INT, &values, &nulls, &n);
				pq_sendint32(buffer, ARR_NDIM(array));
				pq_sendint32(buffer, n);
				for (int i = 0; i < n; i++)
				{
					pq_sendint8(buffer, nulls[i] ? 0 : 1);
					if (!nulls[i])
						append_value(buffer, element, values[i]);
				}
			}
			break;
		default:
			elog(ERROR, "unexpected argument type of a request: %u", type);
	}
}

/*
 * Digest of the function's name and the arguments before the key.  A NULL
 * leaves no trace, so that an argument that a later version adds changes no
 * digest.
 */
static void
digest_call(FunctionCallInfo fcinfo, int arg, RequestedCall *call)
{
	HeapTuple	tuple;
	Form_pg_proc proc;
	StringInfoData buffer;

	tuple = SearchSysCache1(PROCOID,
							ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u",
			 fcinfo->flinfo->fn_oid);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	Assert(arg == proc->pronargs - 1);
	call->function = pstrdup(NameStr(proc->proname));
	call->result_type = proc->prorettype;

	initStringInfo(&buffer);
	append_bytes(&buffer, call->function, strlen(call->function));
	for (int i = 0; i < arg; i++)
	{
		if (PG_ARGISNULL(i))
			continue;
		pq_sendint8(&buffer, i);
		append_value(&buffer, proc->proargtypes.values[i], PG_GETARG_DATUM(i));
	}
	ReleaseSysCache(tuple);
	omni_core_digest(buffer.data, buffer.len, call->digest);
	pfree(buffer.data);
}

/* Who asks, by which key, for what.  OM007 for an empty or overlong key. */
static void
describe_call(FunctionCallInfo fcinfo, int arg, RequestedCall *call)
{
	int			length;
	uint64		hash;

	call->request = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	length = pg_mbstrlen(call->request);
	if (length < 1 || length > MAX_REQUEST_LENGTH)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("request must have 1 to %d characters",
						MAX_REQUEST_LENGTH),
				 errdetail("It has %d.", length)));
	call->role = GetUserNameFromId(omni_core_asker(), false);
	digest_call(fcinfo, arg, call);

	hash = hash_bytes_extended((unsigned char *) call->request,
							   strlen(call->request),
							   hash_bytes_extended((unsigned char *) call->role,
												   strlen(call->role), 0));
	SET_LOCKTAG_ADVISORY(call->lock, MyDatabaseId, (uint32) (hash >> 32),
						 (uint32) hash, LOCK_CLASS_REQUEST);
}

/* ---- the record ---- */

/* A column of the record; false when it is NULL. */
static bool
record_column(HeapTuple tuple, int column, Relation relation, Datum *value)
{
	bool		isnull;

	*value = heap_getattr(tuple, column, RelationGetDescr(relation), &isnull);
	return !isnull;
}

/* OM003: the key was used for another call. */
static void
refuse_other_call(const RequestedCall *call, HeapTuple tuple,
				  Relation relation)
{
	Datum		function;
	Datum		recorded;

	(void) record_column(tuple, ANUM_FUNCTION, relation, &function);
	(void) record_column(tuple, ANUM_RECORDED, relation, &recorded);
	ereport(ERROR,
			(errcode(OMNI_ERR_CONFLICT),
			 errmsg("request \"%s\" was made before with other content",
					call->request),
			 errdetail("It was a call of omni.%s at %s.",
					   TextDatumGetCString(function),
					   timestamptz_to_str(DatumGetTimestampTz(recorded))),
			 errhint("To repeat a call, pass the same arguments; for another call use a new key.")));
}

/*
 * The first call's answer, as this call's result.  OM003 when it was another
 * one.
 */
static Datum
read_answer(const RequestedCall *call, HeapTuple tuple, Relation relation)
{
	Datum		value;
	ArrayType  *answer;
	bytea	   *digest;

	(void) record_column(tuple, ANUM_DIGEST, relation, &value);
	digest = DatumGetByteaPP(value);
	if (VARSIZE_ANY_EXHDR(digest) != OMNI_DIGEST_LENGTH ||
		memcmp(VARDATA_ANY(digest), call->digest, OMNI_DIGEST_LENGTH) != 0)
		refuse_other_call(call, tuple, relation);
	if (!record_column(tuple, ANUM_ANSWER, relation, &value))
		return (Datum) 0;
	answer = DatumGetArrayTypePCopy(value);
	if (call->result_type == INT8OID)
		return Int64GetDatum(*(int64 *) ARR_DATA_PTR(answer));
	return PointerGetDatum(answer);
}

/*
 * Look the key up as the tables are now.  MADE: *answer is filled.  IN_FLIGHT:
 * *other is the transaction whose end decides.
 */
static RequestState
look_up(const RequestedCall *call, Datum *answer, TransactionId *other)
{
	Relation	relation;
	SnapshotData dirty;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	RequestState state = REQUEST_FREE;

	relation = table_open(omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
												 "request"),
						  AccessShareLock);
	InitDirtySnapshot(dirty);
	/* ScanKeyInit() gives collation "C", which is the columns' own */
	ScanKeyInit(&keys[0], ANUM_ROLE, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(call->role));
	ScanKeyInit(&keys[1], ANUM_REQUEST, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(call->request));
	scan = systable_beginscan(relation,
							  omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
													 "request_pkey"),
							  true, &dirty, 2, keys);
	while (state == REQUEST_FREE &&
		   HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (TransactionIdIsValid(dirty.xmin))
		{
			state = REQUEST_IN_FLIGHT;
			*other = dirty.xmin;
		}
		else
		{
			state = REQUEST_MADE;
			*answer = read_answer(call, tuple, relation);
		}
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return state;
}

/* Record the call; its transaction commits both or none. */
static void
record_call(const RequestedCall *call, Datum result)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni_internal.request (role_name, request,"
		" function, digest, answer, recorded_at)"
		" VALUES ($1, $2, $3, $4, $5, $6)",
		.nargs = 6,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, BYTEAOID, INT8ARRAYOID,
		TIMESTAMPTZOID},
	};
	Datum		values[6];
	char		nulls[6] = "      ";
	bytea	   *digest = palloc(VARHDRSZ + OMNI_DIGEST_LENGTH);

	SET_VARSIZE(digest, VARHDRSZ + OMNI_DIGEST_LENGTH);
	memcpy(VARDATA(digest), call->digest, OMNI_DIGEST_LENGTH);
	values[0] = CStringGetTextDatum(call->role);
	values[1] = CStringGetTextDatum(call->request);
	values[2] = CStringGetTextDatum(call->function);
	values[3] = PointerGetDatum(digest);
	values[4] = result;
	if (call->result_type == VOIDOID)
		nulls[4] = 'n';
	else if (call->result_type == INT8OID)
		values[4] = PointerGetDatum(construct_array(&result, 1, INT8OID, 8,
													FLOAT8PASSBYVAL,
													TYPALIGN_DOUBLE));
	values[5] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, nulls, false, NULL);
}

/* ---- the call ---- */

/* OM013: somebody else is making this very call. */
static void
refuse_busy(const RequestedCall *call)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_BUSY),
			 errmsg("request \"%s\" is being made by another transaction",
					call->request),
			 errhint("Try again when that transaction has ended.")));
}

/* Nobody waits for a transaction that has written nothing. */
static bool
may_wait(void)
{
	return !TransactionIdIsValid(GetTopTransactionIdIfAny());
}

/*
 * Have the key to oneself; REQUEST_MADE or REQUEST_FREE.  OM013 where that
 * would need a wait that this transaction must not enter into.
 */
static RequestState
enter_request(const RequestedCall *call, Datum *answer)
{
	for (;;)
	{
		TransactionId other = InvalidTransactionId;
		RequestState state;

		if (LockAcquire(&call->lock, ExclusiveLock, false, !may_wait()) ==
			LOCKACQUIRE_NOT_AVAIL)
			refuse_busy(call);
		state = look_up(call, answer, &other);
		if (state != REQUEST_IN_FLIGHT)
			return state;
		(void) LockRelease(&call->lock, ExclusiveLock, false);
		if (!may_wait())
			refuse_busy(call);
		XactLockTableWait(other, NULL, NULL, XLTW_None);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Make this transaction's commit wait until the log is as safe as the caller
 * wants it, up to what it has read here.
 */
static void
commit_behind_answer(void)
{
	char		nothing = 0;

	(void) GetTopTransactionId();
	XLogBeginInsert();
	XLogRegisterData(&nothing, 1);
	(void) XLogInsert(RM_XLOG_ID, XLOG_NOOP);
}

/*
 * Call "work" once for the request in argument "arg", the function's last;
 * see core.h.
 */
Datum
omni_core_once(FunctionCallInfo fcinfo, int arg, PGFunction work)
{
	RequestedCall call;
	Datum		result = (Datum) 0;

	if (likely(PG_ARGISNULL(arg)))
		return work(fcinfo);

	(void) omni_core_gate();
	describe_call(fcinfo, arg, &call);
	if (enter_request(&call, &result) == REQUEST_MADE)
		commit_behind_answer();
	else
	{
		result = work(fcinfo);
		record_call(&call, result);
	}
	(void) LockRelease(&call.lock, ExclusiveLock, false);
	return result;
}
