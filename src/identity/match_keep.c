/*
 * match_keep.c
 *	  What stays of a run: its model, and the pairs that a person should look
 *	  at; and the decisions of people, which the next run respects.
 *
 * Rows are written with the owner's rights, in the caller's transaction.
 * Records are named by the keys of the source; nothing else of them is kept.
 */
#include "omni.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "identity/match.h"

#define METHOD_VERSION	1		/* rises when the same rows may give another
								 * model */
#define RUNS_KEPT		10		/* of one source */
#define GREY_ODDS		2.95	/* log odds of 0.95 */

PG_FUNCTION_INFO_V1(omni_identity_decide_match);
PG_FUNCTION_INFO_V1(omni_identity_withdraw_decision);

/* A pair that may be worth a look. */
typedef struct GreyPair
{
	float		distance;		/* from even odds */
	size_t		number;
} GreyPair;

/* An array of n values. */
static Datum
make_array(Datum *values, bool *nulls, int n, Oid type)
{
	int			dims[1] = {n};
	int			lower[1] = {1};
	int16		len = type == TEXTOID ? -1 : type == INT4OID ? 4 : 8;

	if (n == 0)
		return PointerGetDatum(construct_empty_array(type));
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, lower,
											  type, len, type != TEXTOID,
											  type == INT4OID ||
											  type == TEXTOID ? TYPALIGN_INT :
											  TYPALIGN_DOUBLE));
}

/* ---- decisions ---- */

/* Tell the engine what people decided on records of this source. */
void
omni_match_read_decisions(OmniMatchRun *run)
{
	static OmniQuery query = {
		.sql = "SELECT d.record_a, d.record_b, d.same"
		" FROM omni.match_decision d WHERE d.source = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum		value = CStringGetTextDatum(run->request->source);
	OmniRows	rows;

	omni_core_query(&query, &value, NULL, true, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		int64		a = omni_match_find_record(run,
											   TextDatumGetCString(OMNI_VALUE(&rows, r, 0)));
		int64		b = omni_match_find_record(run,
											   TextDatumGetCString(OMNI_VALUE(&rows, r, 1)));

		/* records that are gone need no decision */
		if (a >= 0 && b >= 0)
			omni_match_decide(run->engine, (uint32) a, (uint32) b,
							  DatumGetBool(OMNI_VALUE(&rows, r, 2)) ? 1 : -1);
	}
}

/* The arguments source, a and b, keys in byte order. */
static void
read_pair(FunctionCallInfo fcinfo, Datum *values)
{
	OmniMatchRequest request;
	char	   *a;
	char	   *b;

	omni_core_require(OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN, 0, 0,
					  "decide on matches");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "source")));
	a = omni_core_required_text(fcinfo, 1, "a");
	b = omni_core_required_text(fcinfo, 2, "b");
	omni_match_find_source(PG_GETARG_OID(0), &request);
	if (strcmp(a, b) == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("a and b are the same record")));
	values[0] = CStringGetTextDatum(request.source);
	values[1] = CStringGetTextDatum(strcmp(a, b) < 0 ? a : b);
	values[2] = CStringGetTextDatum(strcmp(a, b) < 0 ? b : a);
}

/*
 * decide_match(source, a, b, same, reason): two records are one, or are not,
 * for every later run over this source.  A later decision replaces an earlier
 * one.  OM002 for NULL (but the reason), OM005, OM007.
 */
Datum
omni_identity_decide_match(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.match_decision AS d (source, record_a,"
		" record_b, same, reason, decided_by, decided_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7)"
		" ON CONFLICT (source, record_a, record_b) DO UPDATE SET"
		" same = excluded.same, reason = excluded.reason,"
		" decided_by = excluded.decided_by, decided_at = excluded.decided_at",
		.nargs = 7,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, BOOLOID, TEXTOID, TEXTOID,
		TIMESTAMPTZOID},
	};
	static OmniQuery seen = {
		.sql = "DELETE FROM omni.match_review WHERE source = $1"
		" AND record_a = $2 AND record_b = $3",
		.nargs = 3,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID},
	};
	Datum		values[7];
	char		nulls[8] = "       ";

	read_pair(fcinfo, values);
	if (PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "same")));
	(void) omni_core_gate();
	values[3] = BoolGetDatum(PG_GETARG_BOOL(3));
	if (PG_ARGISNULL(4))
		nulls[4] = 'n';
	else
		values[4] = PointerGetDatum(PG_GETARG_TEXT_PP(4));
	values[5] = CStringGetTextDatum(GetUserNameFromId(omni_core_asker(),
													  false));
	values[6] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, nulls, false, NULL);
	omni_core_query(&seen, values, NULL, false, NULL);
	PG_RETURN_VOID();
}

/*
 * withdraw_match_decision(source, a, b): let the model decide again.  OM002
 * also when there is no decision.
 */
Datum
omni_identity_withdraw_decision(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "DELETE FROM omni.match_decision WHERE source = $1"
		" AND record_a = $2 AND record_b = $3",
		.nargs = 3,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID},
	};
	Datum		values[3];
	OmniRows	rows;

	read_pair(fcinfo, values);
	(void) omni_core_gate();
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.processed == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("there is no decision on these two records")));
	PG_RETURN_VOID();
}

/* ---- model and review ---- */

/* One row about the run; its id. */
static int64
keep_run(const OmniMatchRun *run)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.match_run (source, roles, options, method,"
		" ran_at, records, clusters, all_pairs, candidate_pairs, key_recall,"
		" classes, matched_pairs, household_pairs, log_likelihood, bic_two,"
		" bic_three, iterations, refused) VALUES ($1, $2, $3, $4, $5, $6, $7,"
		" $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) RETURNING id",
		.nargs = 18,
		.argtypes = {TEXTOID, JSONBOID, JSONBOID, INT4OID, TIMESTAMPTZOID,
			INT8OID, INT8OID, FLOAT8OID, INT8OID, FLOAT8OID, INT4OID,
			FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, INT4OID,
		TEXTOID},
	};
	const OmniMatchRequest *request = run->request;
	const OmniMatchModel *model = omni_match_get_model(run->engine);
	const char *refused = omni_match_refusal_text(model->refusal);
	Datum		values[18];
	char		nulls[19] = "                  ";
	OmniRows	rows;

	values[0] = CStringGetTextDatum(request->source);
	values[1] = JsonbPGetDatum(request->roles);
	values[2] = request->given_options ?
		JsonbPGetDatum(request->given_options) :
		DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
	values[3] = Int32GetDatum(METHOD_VERSION);
	values[4] = TimestampTzGetDatum(omni_core_now());
	values[5] = Int64GetDatum(run->nrecords);
	values[6] = Int64GetDatum(omni_match_cluster_count(run->engine));
	values[7] = Float8GetDatum(model->all_pairs);
	values[8] = Int64GetDatum((int64) model->candidates);
	values[9] = Float8GetDatum(model->recall);
	values[10] = Int32GetDatum(model->classes);
	values[11] = Float8GetDatum(model->matches);
	values[12] = Float8GetDatum(model->households);
	values[13] = Float8GetDatum(model->log_likelihood);
	values[14] = Float8GetDatum(model->bic[2]);
	values[15] = Float8GetDatum(model->bic[3]);
	values[16] = Int32GetDatum(model->iterations);
	if (refused != NULL)
		values[17] = CStringGetTextDatum(refused);
	else
		nulls[17] = 'n';
	omni_core_query(&query, values, nulls, false, &rows);
	return DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

#define MAX_LEVELS (OMNI_MATCH_FIELDS * OMNI_MATCH_LEVELS)

/* The model's levels. */
static void
keep_levels(const OmniMatchRun *run, int64 id)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.match_model (run_id, field, level, agreement,"
		" m, h, u, weight, pairs) SELECT $1, * FROM"
		" unnest($2, $3, $4, $5, $6, $7, $8, $9)",
		.nargs = 9,
		.argtypes = {INT8OID, TEXTARRAYOID, INT4ARRAYOID, TEXTARRAYOID,
			FLOAT8ARRAYOID, FLOAT8ARRAYOID, FLOAT8ARRAYOID, FLOAT8ARRAYOID,
		INT8ARRAYOID},
	};
	static const Oid types[] = {TEXTOID, INT4OID, TEXTOID, FLOAT8OID,
	FLOAT8OID, FLOAT8OID, FLOAT8OID, INT8OID};
	const OmniMatchModel *model = omni_match_get_model(run->engine);
	Datum	   *columns = palloc(sizeof(Datum) * MAX_LEVELS * 8);
	bool	   *nulls = palloc0(sizeof(bool) * MAX_LEVELS);
	bool	   *none = palloc0(sizeof(bool) * MAX_LEVELS);
	Datum		values[9];
	int			n = 0;

	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
	{
		const OmniMatchFieldModel *field = &model->field[f];

		for (int l = 1; field->used && l <= field->nlevels; l++, n++)
		{
			Datum	   *row = columns + n;

			row[0] = CStringGetTextDatum(omni_match_field_name(f));
			row[MAX_LEVELS] = Int32GetDatum(l);
			row[MAX_LEVELS * 2] =
				CStringGetTextDatum(omni_match_level_name(f, l));
			row[MAX_LEVELS * 3] = Float8GetDatum(field->m[l]);
			row[MAX_LEVELS * 4] = Float8GetDatum(field->h[l]);
			nulls[n] = model->classes != 3;
			row[MAX_LEVELS * 5] = Float8GetDatum(field->u[l]);
			row[MAX_LEVELS * 6] =
				Float8GetDatum(log2(field->m[l] / field->u[l]));
			row[MAX_LEVELS * 7] = Int64GetDatum((int64) field->pairs[l]);
		}
	}
	values[0] = Int64GetDatum(id);
	for (int c = 0; c < 8; c++)
		values[c + 1] = make_array(columns + MAX_LEVELS * c,
								   c == 4 ? nulls : none, n, types[c]);
	omni_core_query(&query, values, NULL, false, NULL);
}

/* The nearest to even odds first; else in the order of the records. */
static int
compare_grey(const void *a, const void *b)
{
	const GreyPair *x = a;
	const GreyPair *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Find the pairs of the grey zone; how many. */
static int
find_grey(const OmniMatchRun *run, GreyPair **grey)
{
	size_t		npairs = omni_match_pair_count(run->engine);
	size_t		n = 0;
	size_t		size = 1024;

	*grey = palloc(sizeof(GreyPair) * size);
	for (size_t i = 0; i < npairs; i++)
	{
		float		odds = omni_match_get_pair(run->engine, i).log_odds;

		if (!(fabsf(odds) < GREY_ODDS))
			continue;
		if (n == size)
		{
			size *= 2;
			*grey = repalloc_huge(*grey, sizeof(GreyPair) * size);
		}
		(*grey)[n].distance = fabsf(odds);
		(*grey)[n++].number = i;
	}
	qsort(*grey, n, sizeof(GreyPair), compare_grey);
	return (int) Min(n, (size_t) run->request->review_pairs);
}

/* Put up for review what the run was least sure of, and nobody decided. */
static void
keep_review(const OmniMatchRun *run, int64 id)
{
	static OmniQuery clear = {
		.sql = "DELETE FROM omni.match_review WHERE source = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	static OmniQuery insert = {
		.sql = "INSERT INTO omni.match_review (source, record_a, record_b,"
		" probability, together, run_id) SELECT $1, r.a, r.b, r.p, r.t = 1, $2"
		" FROM unnest($3, $4, $5, $6) AS r (a, b, p, t)"
		" WHERE NOT EXISTS (SELECT FROM omni.match_decision d"
		" WHERE d.source = $1 AND d.record_a = r.a AND d.record_b = r.b)",
		.nargs = 6,
		.argtypes = {TEXTOID, INT8OID, TEXTARRAYOID, TEXTARRAYOID,
		FLOAT8ARRAYOID, INT4ARRAYOID},
	};
	static const Oid types[] = {TEXTOID, TEXTOID, FLOAT8OID, INT4OID};
	Datum		values[6];
	Datum	   *columns[4];
	GreyPair   *grey;
	int			n = find_grey(run, &grey);

	for (int c = 0; c < 4; c++)
		columns[c] = palloc(sizeof(Datum) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		OmniMatchPair pair = omni_match_get_pair(run->engine, grey[i].number);
		const char *a = run->ids[pair.a];
		const char *b = run->ids[pair.b];
		bool		swap = strcmp(a, b) > 0;

		columns[0][i] = CStringGetTextDatum(swap ? b : a);
		columns[1][i] = CStringGetTextDatum(swap ? a : b);
		columns[2][i] = Float8GetDatum(1 / (1 + exp(-pair.log_odds)));
		columns[3][i] =
			Int32GetDatum(omni_match_cluster_of(run->engine, pair.a) ==
						  omni_match_cluster_of(run->engine, pair.b));
	}
	values[0] = CStringGetTextDatum(run->request->source);
	values[1] = Int64GetDatum(id);
	for (int c = 0; c < 4; c++)
		values[c + 2] = make_array(columns[c], NULL, n, types[c]);
	omni_core_query(&clear, values, NULL, false, NULL);
	omni_core_query(&insert, values, NULL, false, NULL);
}

/*
 * Keep a run: its model and its review; older runs of the source go.
 */
void
omni_match_keep(OmniMatchRun *run)
{
	static OmniQuery prune = {
		.sql = "DELETE FROM omni.match_run r WHERE r.source = $1 AND r.id <="
		" (SELECT k.id FROM omni.match_run k WHERE k.source = $1"
		" ORDER BY k.id DESC OFFSET $2 LIMIT 1)",
		.nargs = 2,
		.argtypes = {TEXTOID, INT4OID},
	};
	Datum		values[2];
	int64		id = keep_run(run);

	keep_levels(run, id);
	keep_review(run, id);
	values[0] = CStringGetTextDatum(run->request->source);
	values[1] = Int32GetDatum(RUNS_KEPT);
	omni_core_query(&prune, values, NULL, false, NULL);
}
