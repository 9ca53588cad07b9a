/*
 * match_private.h
 *	  What the files of the matching engine share.
 *
 * Attributes are columns of normalised values, each value once in the
 * attribute's dictionary; records hold value numbers, 0 for missing.  Fields
 * compare one attribute or several.
 */
#ifndef OMNI_IDENTITY_MATCH_PRIVATE_H
#define OMNI_IDENTITY_MATCH_PRIVATE_H

#include "identity/match_core.h"
#include "identity/nickname_core.h"

typedef enum Attribute
{
	A_GIVEN,
	A_MIDDLE,
	A_FAMILY,
	A_SUFFIX,
	A_NAME,						/* organisation, or a name not in parts */
	A_BIRTH,					/* yyyymmdd, zeros for parts not known */
	A_SEX,
	A_BIRTH_PLACE,
	A_PHONE,
	A_EMAIL,
	A_NUMBER,
	A_STREET,
	A_UNIT,
	A_CITY,
	A_POSTAL,
	A_REGION,
	A_COUNTRY,
	A_NATIONAL_ID,
	A_OCCUPATION,
	A_OTHER,
	A_SOURCE,
	ATTRIBUTES
} Attribute;

#define VALUE_BYTES	120			/* longer values are cut */

#define NUMBER_BIT		UINT32_C(0x80000000)	/* in Value.letters */
#define INLINE_BYTES	24		/* shorter values need no second look-up */

/* One distinct value of an attribute; a cache line. */
typedef struct Value
{
	union
	{
		char		bytes[INLINE_BYTES];
		size_t		offset;		/* in the dictionary's texts, if longer */
	}			text;
	uint32_t	count;			/* records that have it */
	uint32_t	hash;			/* of its text */
	uint32_t	letters;		/* which letters occur, or how often digits;
								 * see letters_of() */
	uint32_t	sound;			/* phonetic code, hashed; 0: none */
	uint32_t	sound2;			/* a second way to say it, or 0 */
	uint32_t	kin;			/* its groups of nicknames; 0: none */
	uint32_t	tokens;			/* first of its tokens; of A_NAME alone */
	uint16_t	ntokens;
	uint16_t	len;
	float		log_frequency;	/* ln (count / filled); set before comparing */
	float		log_smoothed;	/* the same for a count a little larger */
} Value;

typedef struct Dictionary
{
	char	   *texts;
	size_t		texts_used;
	size_t		texts_size;
	Value	   *values;			/* number 0 is not used */
	uint32_t	nvalues;		/* including number 0 */
	uint32_t	values_size;
	uint32_t   *slots;			/* open addressing; 0: free */
	uint32_t	slots_size;		/* a power of two */
	uint64_t	filled;			/* records with a value */
} Dictionary;

/* A token of names that come as sets of words. */
typedef struct TokenPool
{
	uint32_t   *tokens;			/* numbers in the tokens' dictionary */
	size_t		used;
	size_t		size;
} TokenPool;

/* Groups of nicknames, by the "kin" of values. */
typedef struct KinPool
{
	OmniNickname *kin;			/* number 0 is not used */
	uint32_t	n;
	uint32_t	size;
} KinPool;

enum
{
	KIND_UNKNOWN,
	KIND_PERSON,
	KIND_ORGANISATION
};

typedef struct Decision
{
	uint32_t	a;
	uint32_t	b;
	int			together;
} Decision;

/* A candidate pair; "vector" counts in the table of vectors. */
typedef struct Candidate
{
	uint32_t	a;
	uint32_t	b;
	uint32_t	vector:30;
	uint32_t	shared:2;		/* keys that both have: 1, 2, 3 for more */
} Candidate;

typedef struct VectorTable
{
	uint64_t   *keys;
	uint64_t   *counts;
	uint32_t	n;
	uint32_t	size;
	uint32_t   *slots;			/* number + 1; 0: free */
	uint32_t	slots_size;
} VectorTable;

/* Logarithms of the model, as scoring wants them. */
typedef struct Logs
{
	double		m[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];
	double		h[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];
	double		u[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];
	double		prior_m;
	double		prior_h;
	double		prior_u;
} Logs;

struct OmniMatchEngine
{
	OmniMatchEnv env;
	OmniMatchOptions options;

	/* records */
	uint32_t	n;
	uint32_t	size;
	uint32_t   *column[ATTRIBUTES]; /* while records are added */
	uint32_t   *rows;			/* afterwards: a record's values side by side */
	uint32_t	stride;			/* values of a row; the first one is always 0 */
	uint8_t		place[ATTRIBUTES];	/* of an attribute in a row; 0: none */
	uint8_t    *kind;
	bool		has_organisations;	/* in a column of their own */
	uint64_t   *hash;			/* of contents and id */
	uint32_t   *origin;			/* canonical number -> caller's */
	uint32_t   *rank;			/* caller's number -> canonical */
	Dictionary	dictionary[ATTRIBUTES];
	Dictionary	words;			/* of A_NAME's values */
	Dictionary	given_cells;	/* what names' cells were prepared to */
	Dictionary	family_cells;
	TokenPool	tokens;
	KinPool		kin;
	bool		filler_day[10000];	/* month * 100 + day: says nothing */

	Decision   *decisions;
	uint32_t	ndecisions;
	uint32_t	decisions_size;

	/* pairs */
	Candidate  *pairs;
	size_t		npairs;
	size_t		pairs_size;
	VectorTable vectors;
	VectorTable sample;			/* of random pairs */
	float	   *pair_odds;

	OmniMatchModel model;
	Logs		logs;
	double		frequency_mean[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];
	uint32_t   *cluster;		/* by canonical number: a member's number */
	uint32_t	nclusters;
	uint8_t    *large;			/* still in too large a component */
	bool		decided;		/* somebody decided that two are not one */
};

#define LEVEL_SHIFT(field) ((field) * 4)
#define LEVEL_OF(vector, field) ((int) (((vector) >> LEVEL_SHIFT(field)) & 15))

/* ---- match_core.c ---- */
extern void *omni_match_alloc(OmniMatchEngine *engine, size_t size);
extern void *omni_match_alloc_zero(OmniMatchEngine *engine, size_t size);
extern void *omni_match_grow(OmniMatchEngine *engine, void *old, size_t old_size,
						size_t new_size);
extern void omni_match_free(OmniMatchEngine *engine, void *memory);
static inline uint64_t
omni_match_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	return x;
}
extern uint64_t omni_match_hash(const char *text, size_t len, uint64_t seed);

/* ---- match_dict_core.c ---- */
extern uint32_t omni_match_intern(OmniMatchEngine *engine, Attribute attribute,
							 const char *text, size_t len);
extern void omni_match_dictionary_init(OmniMatchEngine *engine,
									   Dictionary *dict);
/* an entry of a dictionary of cells; "is_new": not seen before */
extern Value *omni_match_find_cell(OmniMatchEngine *engine, Dictionary *dict,
								   const char *text, size_t len,
								   bool *is_new);
static inline const Value *
omni_match_value(const OmniMatchEngine *engine, Attribute attribute,
			uint32_t number)
{
	return &engine->dictionary[attribute].values[number];
}
static inline const char *
omni_match_dictionary_text(const Dictionary *dict, const Value *value)
{
	return value->len <= INLINE_BYTES ? value->text.bytes :
		dict->texts + value->text.offset;
}
static inline const char *
omni_match_text(const OmniMatchEngine *engine, Attribute attribute,
				const Value *value)
{
	return omni_match_dictionary_text(&engine->dictionary[attribute], value);
}
/* the number of a record's value; 0: it has none */
static inline uint32_t
omni_match_number(const OmniMatchEngine *engine, Attribute attribute,
				  uint32_t record)
{
	return engine->rows[(size_t) record * engine->stride +
						engine->place[attribute]];
}

/* ---- match_prepare_core.c ---- */
extern void omni_match_prepare(OmniMatchEngine *engine, uint32_t record,
						  const OmniMatchCell *cells);

/* ---- match_level_core.c ---- */
extern void omni_match_levels_init(OmniMatchEngine *engine);
extern uint64_t omni_match_compare(const OmniMatchEngine *engine, uint32_t a,
							  uint32_t b);
/* the chance of each level in general; the last one is what is left */
extern const double *omni_match_usual_chance(OmniMatchField field);
/* attribute whose value decides how rare an agreement is, or -1 */
extern int	omni_match_frequency_attribute(OmniMatchField field, int level);
extern bool omni_match_apart(const OmniMatchEngine *engine, uint32_t a,
						uint32_t b, uint64_t vector);

/* ---- match_block_core.c ---- */
extern void omni_match_block(OmniMatchEngine *engine);

/* ---- match_vector_core.c ---- */
extern void omni_match_vectors_init(OmniMatchEngine *engine, VectorTable *table);
extern uint32_t omni_match_vector_add(OmniMatchEngine *engine, VectorTable *table,
								 uint64_t key, uint64_t count);

/* ---- match_model_core.c ---- */
extern void omni_match_model_fit(OmniMatchEngine *engine);
extern double omni_match_odds(const OmniMatchEngine *engine, uint32_t a,
						 uint32_t b, uint64_t vector);

/* how much rarer than usual at its level the agreed value is */
extern double omni_match_rarity_of(const OmniMatchEngine *engine,
								   uint32_t record, int field, int level);
extern double omni_match_household_odds(const OmniMatchEngine *engine,
										uint32_t a, uint64_t vector);

/* ---- match_cluster_core.c ---- */
extern void omni_match_cluster(OmniMatchEngine *engine);

#endif							/* OMNI_IDENTITY_MATCH_PRIVATE_H */
