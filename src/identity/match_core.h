/*
 * match_core.h
 *	  Which records are one person or organisation: the engine of identity
 *	  resolution, over plain memory; no PostgreSQL in it.
 *
 * A caller makes an engine, adds every record (omni_match_add), runs it
 * (omni_match_run) and reads clusters, pairs and model from it.  README.md
 * has the method.
 *
 * Rules:
 * - Memory comes from the caller's callbacks; neither they nor "tick" need
 *   return: they may jump out, and the caller then frees what it gave.
 * - Records may come in any order: the result hangs on their contents and ids
 *   alone.
 */
#ifndef OMNI_IDENTITY_MATCH_CORE_H
#define OMNI_IDENTITY_MATCH_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a column of the caller's table means. */
typedef enum OmniMatchRole
{
	OMNI_MATCH_ID,
	OMNI_MATCH_SOURCE,
	OMNI_MATCH_GIVEN_NAME,
	OMNI_MATCH_MIDDLE_NAME,
	OMNI_MATCH_FAMILY_NAME,
	OMNI_MATCH_FULL_NAME,
	OMNI_MATCH_NAME_SUFFIX,
	OMNI_MATCH_SEX,
	OMNI_MATCH_BIRTH_DATE,
	OMNI_MATCH_BIRTH_YEAR,
	OMNI_MATCH_BIRTH_MONTH,
	OMNI_MATCH_BIRTH_DAY,
	OMNI_MATCH_BIRTH_PLACE,
	OMNI_MATCH_AGE,
	OMNI_MATCH_PHONE,
	OMNI_MATCH_EMAIL,
	OMNI_MATCH_HOUSE_NUMBER,
	OMNI_MATCH_STREET,
	OMNI_MATCH_UNIT,
	OMNI_MATCH_ADDRESS,
	OMNI_MATCH_CITY,
	OMNI_MATCH_POSTAL_CODE,
	OMNI_MATCH_REGION,
	OMNI_MATCH_COUNTRY,
	OMNI_MATCH_NATIONAL_ID,
	OMNI_MATCH_ORGANIZATION_NAME,
	OMNI_MATCH_OCCUPATION,
	OMNI_MATCH_OTHER,
	OMNI_MATCH_ROLES			/* how many there are */
} OmniMatchRole;

/* What the engine compares; each field has levels of agreement. */
typedef enum OmniMatchField
{
	OMNI_MATCH_F_GIVEN,
	OMNI_MATCH_F_MIDDLE,
	OMNI_MATCH_F_FAMILY,
	OMNI_MATCH_F_SUFFIX,
	OMNI_MATCH_F_NAME,			/* organisations, and names not in parts */
	OMNI_MATCH_F_BIRTH,
	OMNI_MATCH_F_SEX,
	OMNI_MATCH_F_BIRTH_PLACE,
	OMNI_MATCH_F_PHONE,
	OMNI_MATCH_F_EMAIL,
	OMNI_MATCH_F_ADDRESS,		/* number and street as one */
	OMNI_MATCH_F_UNIT,
	OMNI_MATCH_F_LOCALITY,		/* postal code, city, region as one */
	OMNI_MATCH_F_NATIONAL_ID,
	OMNI_MATCH_F_OCCUPATION,
	OMNI_MATCH_F_OTHER,
	OMNI_MATCH_FIELDS			/* at most 16: four bits each in a vector */
} OmniMatchField;

#define OMNI_MATCH_LEVELS	16	/* level 0: missing on either side */

typedef enum OmniMatchPhase
{
	OMNI_MATCH_PHASE_READ,
	OMNI_MATCH_PHASE_BLOCK,
	OMNI_MATCH_PHASE_COMPARE,
	OMNI_MATCH_PHASE_MODEL,
	OMNI_MATCH_PHASE_CLUSTER,
	OMNI_MATCH_PHASE_DONE
} OmniMatchPhase;

typedef struct OmniMatchEnv
{
	void	   *(*alloc) (void *arg, size_t size);	/* never NULL */
	void		(*release) (void *arg, void *memory);
	/* called now and then; may jump out to cancel */
	void		(*tick) (void *arg, OmniMatchPhase phase, uint64_t done,
						 uint64_t total);
	void	   *arg;
} OmniMatchEnv;

typedef struct OmniMatchOptions
{
	bool		unique_within_source;	/* a source holds no duplicates */
	double		threshold;		/* probability from which pairs join */
} OmniMatchOptions;

/* Why a run gave singletons, or what it left out. */
typedef enum OmniMatchRefusal
{
	OMNI_MATCH_FINE,
	OMNI_MATCH_NO_FIELDS,		/* nothing that can be compared */
	OMNI_MATCH_NO_PAIRS,		/* no two records share a key */
	OMNI_MATCH_NO_CONTRAST,		/* the class of matches looks like chance */
	OMNI_MATCH_TOO_MANY			/* more matches than can be */
} OmniMatchRefusal;

/* The model of one field. */
typedef struct OmniMatchFieldModel
{
	bool		used;
	bool		personal;		/* the same in no two persons of a household */
	int			nlevels;		/* levels are 1 … nlevels */
	double		m[OMNI_MATCH_LEVELS];	/* P(level | same, both there) */
	double		h[OMNI_MATCH_LEVELS];	/* … | same household */
	double		u[OMNI_MATCH_LEVELS];	/* … | chance */
	uint64_t	pairs[OMNI_MATCH_LEVELS];	/* among the candidates */
} OmniMatchFieldModel;

typedef struct OmniMatchModel
{
	OmniMatchRefusal refusal;
	int			classes;		/* 2 or 3 */
	int			iterations;
	double		all_pairs;		/* the whole pair space */
	double		candidates;
	double		recall;			/* estimated share of matches blocked */
	double		matches;		/* expected number */
	double		households;
	double		log_likelihood;
	double		first_log_likelihood;	/* of the first guess */
	double		bic[4];			/* of two and three classes, by their number */
	OmniMatchFieldModel field[OMNI_MATCH_FIELDS];
} OmniMatchModel;

/* A scored pair of records, by the numbers omni_match_add() gave. */
typedef struct OmniMatchPair
{
	uint32_t	a;
	uint32_t	b;
	float		log_odds;
} OmniMatchPair;

typedef struct OmniMatchEngine OmniMatchEngine;

/* One cell; text NULL or len 0: empty. */
typedef struct OmniMatchCell
{
	const char *text;
	size_t		len;
} OmniMatchCell;

extern OmniMatchEngine *omni_match_create(const OmniMatchEnv *env,
										  const OmniMatchOptions *options);
/* cells by role; returns the record's number: 0, 1, 2 … */
extern uint32_t omni_match_add(OmniMatchEngine *engine,
							   const OmniMatchCell *cells);
/* a person's decision: together (+1) or apart (-1), whatever the model says */
extern void omni_match_decide(OmniMatchEngine *engine, uint32_t a, uint32_t b,
							  int together);
extern void omni_match_run(OmniMatchEngine *engine);
/* the cluster of a record: 1, 2, 3 …, the same for the same records */
extern uint32_t omni_match_cluster_count(const OmniMatchEngine *engine);
extern uint32_t omni_match_cluster_of(const OmniMatchEngine *engine,
									  uint32_t record);
extern const OmniMatchModel *omni_match_get_model(const OmniMatchEngine *engine);
extern size_t omni_match_pair_count(const OmniMatchEngine *engine);
extern OmniMatchPair omni_match_get_pair(const OmniMatchEngine *engine,
										 size_t number);

/* What two records have to do with each other, field by field. */
typedef struct OmniMatchExplanation
{
	int			level[OMNI_MATCH_FIELDS];
	double		weight[OMNI_MATCH_FIELDS];	/* natural log of m / u */
	double		frequency[OMNI_MATCH_FIELDS];	/* of the agreed value; 0: none */
	double		prior;			/* log odds before any evidence */
	double		log_odds;
	bool		candidate;		/* do they share a key? */
	bool		vetoed;			/* kept apart by a rule */
	double		household;		/* log odds of a household against chance, or
								 * minus infinity */
} OmniMatchExplanation;

extern void omni_match_explain(OmniMatchEngine *engine, uint32_t a,
							   uint32_t b, OmniMatchExplanation *explanation);

extern const char *omni_match_field_name(OmniMatchField field);
extern const char *omni_match_level_name(OmniMatchField field, int level);
extern const char *omni_match_role_name(OmniMatchRole role);
extern const char *omni_match_refusal_text(OmniMatchRefusal refusal);

#endif							/* OMNI_IDENTITY_MATCH_CORE_H */
