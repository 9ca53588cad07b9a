/*
 * match.h
 *	  What the files behind omni.match_table() share; the engine itself is
 *	  match_core.h.
 */
#ifndef OMNI_IDENTITY_MATCH_H
#define OMNI_IDENTITY_MATCH_H

#include "omni.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "core/core.h"
#include "identity/match_core.h"

#define OMNI_MATCH_MAX_COLUMNS 256

/* What a call asks for. */
typedef struct OmniMatchRequest
{
	Oid			relation;
	char	   *source;			/* schema.table, quoted */
	bool		temporary;		/* nothing is kept of a temporary table */
	int			ncolumns;
	char	   *column[OMNI_MATCH_MAX_COLUMNS]; /* in the table's order */
	OmniMatchRole role[OMNI_MATCH_MAX_COLUMNS];
	OmniMatchOptions options;
	int			review_pairs;	/* pairs to put up for review at most */
	bool		keep;			/* keep model and review */
	Jsonb	   *roles;
	Jsonb	   *given_options;
} OmniMatchRequest;

/* A run: the records' keys and the engine that has them. */
typedef struct OmniMatchRun
{
	const OmniMatchRequest *request;
	MemoryContext context;
	MemoryContext row_context;	/* values of a few rows */
	Size		row_bytes;		/* of them */
	Size		used;			/* bytes that the engine has */
	int			slot;			/* of the progress table, or -1 */
	OmniMatchEngine *engine;
	uint32		nrecords;
	uint32		ids_size;
	char	  **ids;			/* by number */
	char	   *chunk;			/* ids are written into chunks */
	Size		chunk_left;
	uint32	   *by_id;			/* numbers in the order of the ids */
} OmniMatchRun;

extern int	omni_match_memory;	/* kB */

/* ---- match_args.c ---- */
extern void omni_match_read_request(FunctionCallInfo fcinfo, int options_arg,
									OmniMatchRequest *request);
extern void omni_match_find_source(Oid relation, OmniMatchRequest *request);

/* ---- match_source.c ---- */
extern void omni_match_begin(OmniMatchRun *run,
							 const OmniMatchRequest *request);
extern void omni_match_read_source(OmniMatchRun *run);
/* the number of a key, or -1 */
extern int64 omni_match_find_record(const OmniMatchRun *run, const char *id);

/* ---- match_keep.c ---- */
extern void omni_match_read_decisions(OmniMatchRun *run);
extern void omni_match_keep(OmniMatchRun *run);

/* ---- match_progress.c ---- */
extern void omni_match_progress_init(void);
extern int	omni_match_progress_begin(Oid relation);
extern void omni_match_progress_update(int slot, OmniMatchPhase phase,
									   uint64 done, uint64 total);
extern void omni_match_progress_end(int slot);

/* ---- match.c ---- */
extern void omni_identity_match_init(void);

#endif							/* OMNI_IDENTITY_MATCH_H */
