/*
 * match.c
 *	  omni.match_table() and omni.explain_match(): one run of the engine over a
 *	  table, in the calling session.
 *
 * - The source is read with the caller's rights; what is kept of a run is
 *	 written with the owner's.
 * - The result hangs on the records alone: not on their order, nor on the
 *	 plan that read them.
 * - Cancelling, an error or the session's end leave nothing: memory is a
 *	 context of the call, the progress slot is given back by a clean-up that
 *	 also runs when the session is terminated, rows belong to the transaction.
 * - On a standby and in a read-only transaction nothing is kept.
 */
#include "omni.h"

#include <math.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "identity/match.h"

#define MAY_MATCH (OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN)

int			omni_match_memory = 2 * 1024 * 1024;

PG_FUNCTION_INFO_V1(omni_identity_match_table);
PG_FUNCTION_INFO_V1(omni_identity_explain_match);

/* Called in _PG_init. */
void
omni_identity_match_init(void)
{
	omni_match_progress_init();
	if (!process_shared_preload_libraries_in_progress)
		return;
	DefineCustomIntVariable("omni.match_memory",
							"Memory that one run of omni.match_table() may use.",
							"A million customers need about a gigabyte.",
							&omni_match_memory,
							2 * 1024 * 1024, 16 * 1024, INT_MAX,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
}

/* Give the progress slot back when the session ends in the middle. */
static void
end_progress(int code, Datum arg)
{
	omni_match_progress_end(DatumGetInt32(arg));
}

/* Read the source and run the engine over it. */
static void
run_engine(OmniMatchRun *run)
{
	omni_match_read_source(run);
	omni_match_read_decisions(run);
	omni_match_run(run->engine);
	omni_match_progress_update(run->slot, OMNI_MATCH_PHASE_DONE, 0, 0);
}

/* Say why there are no clusters. */
static void
warn_refusal(const OmniMatchRun *run)
{
	const OmniMatchModel *model = omni_match_get_model(run->engine);

	if (model->refusal != OMNI_MATCH_FINE)
		ereport(WARNING,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("no records of %s were called the same",
						run->request->source),
				 errdetail("%s", omni_match_refusal_text(model->refusal)),
				 errhint("Give more columns a role, or look into omni.match_model.")));
}

/* Each record with its cluster. */
static void
return_clusters(const OmniMatchRun *run, ReturnSetInfo *rsinfo)
{
	for (uint32 r = 0; r < run->nrecords; r++)
	{
		Datum		values[2];
		bool		nulls[2] = {0};

		if ((r & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		values[0] = CStringGetTextDatum(run->ids[r]);
		values[1] = Int64GetDatum(omni_match_cluster_of(run->engine, r));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
		pfree(DatumGetPointer(values[0]));
	}
}

/*
 * match_table(source, roles, options) → (record, cluster): every record once.
 *
 * OM002: source or roles is NULL; OM005: neither support nor admin; OM006:
 * malformed roles or options; OM007: a record has no id, or two have the same;
 * OM012: omni.match_memory does not suffice.  Reading the source needs the
 * caller's own privileges (42501).  Method: README.md.
 */
Datum
omni_identity_match_table(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OmniMatchRequest request;
	OmniMatchRun run;

	omni_core_require(MAY_MATCH, 0, 0, "match records");
	omni_match_read_request(fcinfo, 2, &request);
	request.keep &= !XactReadOnly && !RecoveryInProgress() &&
		!request.temporary;
	if (request.keep)
		(void) omni_core_gate();
	InitMaterializedSRF(fcinfo, 0);
	run.slot = omni_match_progress_begin(request.relation);
	PG_ENSURE_ERROR_CLEANUP(end_progress, Int32GetDatum(run.slot));
	{
		omni_match_begin(&run, &request);
		run_engine(&run);
		if (request.keep)
			omni_match_keep(&run);
		warn_refusal(&run);
		return_clusters(&run, rsinfo);
		MemoryContextDelete(run.context);
	}
	PG_END_ENSURE_ERROR_CLEANUP(end_progress, Int32GetDatum(run.slot));
	omni_match_progress_end(run.slot);
	return (Datum) 0;
}

/* ---- why two records are one, or not ---- */

/* One row of an explanation; weights in bits, as people read them. */
static void
put_line(ReturnSetInfo *rsinfo, const char *field, const char *level,
		 double weight, double frequency)
{
	Datum		values[4];
	bool		nulls[4] = {0};

	values[0] = CStringGetTextDatum(field);
	values[1] = CStringGetTextDatum(level);
	values[2] = Float8GetDatum(rint(weight / M_LN2 * 1000) / 1000);
	nulls[2] = isnan(weight);
	values[3] = Float8GetDatum(frequency);
	nulls[3] = frequency <= 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* The last line: what became of the two, and what decided it. */
static const char *
verdict(const OmniMatchRun *run, uint32 a, uint32 b,
		const OmniMatchExplanation *explanation)
{
	const OmniMatchModel *model = omni_match_get_model(run->engine);
	double		bar = log(run->request->options.threshold /
						  (1 - run->request->options.threshold));

	if (omni_match_cluster_of(run->engine, a) ==
		omni_match_cluster_of(run->engine, b))
		return explanation->log_odds > bar ? "same" :
			"same, by the other records of the cluster";
	if (model->refusal != OMNI_MATCH_FINE)
		return omni_match_refusal_text(model->refusal);
	if (explanation->vetoed)
		return "apart: a rule forbids it (person and organisation, generations, or one source without duplicates)";
	if (explanation->log_odds <= bar)
		return explanation->household > 0 ?
			"apart: more likely two of one household" :
			"apart: the evidence is too weak";
	if (!explanation->candidate)
		return "apart: they share no key";
	return "apart: the other records of their clusters, or a decision, speak against it";
}

/*
 * explain_match(source, roles, a, b, options) → (field, level, weight,
 * frequency): the evidence, then prior, total and verdict.  The model is that
 * of all records of the source, so it costs what match_table() costs.  Errors
 * as there; OM002 when there is no record a or b.
 */
Datum
omni_identity_explain_match(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OmniMatchRequest request;
	OmniMatchRun run;
	char	   *keys[2];
	int64		records[2];

	omni_core_require(MAY_MATCH, 0, 0, "match records");
	omni_match_read_request(fcinfo, 4, &request);
	keys[0] = omni_core_required_text(fcinfo, 2, "a");
	keys[1] = omni_core_required_text(fcinfo, 3, "b");
	InitMaterializedSRF(fcinfo, 0);
	run.slot = omni_match_progress_begin(request.relation);
	PG_ENSURE_ERROR_CLEANUP(end_progress, Int32GetDatum(run.slot));
	{
		OmniMatchExplanation explanation;

		omni_match_begin(&run, &request);
		run_engine(&run);
		for (int i = 0; i < 2; i++)
		{
			records[i] = omni_match_find_record(&run, keys[i]);
			if (records[i] < 0)
				ereport(ERROR,
						(errcode(OMNI_ERR_NOT_FOUND),
						 errmsg("record \"%s\" does not exist in %s", keys[i],
								request.source)));
		}
		omni_match_explain(run.engine, (uint32) records[0],
						   (uint32) records[1], &explanation);
		for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
			if (omni_match_get_model(run.engine)->field[f].used)
				put_line(rsinfo, omni_match_field_name(f),
						 omni_match_level_name(f, explanation.level[f]),
						 explanation.weight[f], explanation.frequency[f]);
		put_line(rsinfo, "prior", "before any evidence", explanation.prior,
				 0);
		put_line(rsinfo, "total", psprintf("probability %.6f", 1 /
										   (1 + exp(-explanation.log_odds))),
				 explanation.log_odds, 0);
		put_line(rsinfo, "verdict", verdict(&run, (uint32) records[0],
											(uint32) records[1],
											&explanation), NAN, 0);
		MemoryContextDelete(run.context);
	}
	PG_END_ENSURE_ERROR_CLEANUP(end_progress, Int32GetDatum(run.slot));
	omni_match_progress_end(run.slot);
	return (Datum) 0;
}
