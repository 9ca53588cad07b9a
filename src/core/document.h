/*
 * document.h
 *	  Reading a JSON document strictly into plain structs.
 *
 * A shape lists the keys that an object may have, what each must look like
 * and where its value goes.  Whatever does not fit (an unknown key, a missing
 * one, a wrong JSON type, a null, a value out of range) is one error that
 * names the key with its path, as in "lines[2].quantity"; elements count from
 * 0, as in PostgreSQL's own JSON paths.
 */
#ifndef OMNI_CORE_DOCUMENT_H
#define OMNI_CORE_DOCUMENT_H

#include "core/core.h"

typedef enum OmniFieldKind
{
	OMNI_FIELD_TEXT,			/* char *: 1 to "limit" bytes */
	OMNI_FIELD_BLANK_TEXT,		/* char *: the same, but "" is NULL */
	OMNI_FIELD_INTEGER,			/* int32: a whole JSON number >= "limit" */
	OMNI_FIELD_GIVEN_INTEGER,	/* OmniInteger: the same */
	OMNI_FIELD_BOOLEAN,			/* bool */
	OMNI_FIELD_DECIMAL,			/* OmniDecimal: a string such as "19.99" */
	OMNI_FIELD_DOUBLE,			/* OmniDouble: a JSON number */
	OMNI_FIELD_TIMESTAMP,		/* OmniMoment: ISO 8601 with its offset */
	OMNI_FIELD_OBJECT,			/* pointer to a struct of "shape", or NULL */
	OMNI_FIELD_LIST,			/* OmniList of structs of "shape" */
	OMNI_FIELD_TEXT_LIST		/* OmniList of char *, each as TEXT */
} OmniFieldKind;

/* A decimal >= 0, exact: unscaled / 10^scale, no trailing zero digits. */
typedef struct OmniDecimal
{
	int64		unscaled;
	int16		scale;
	bool		given;
} OmniDecimal;

typedef struct OmniInteger
{
	int32		value;
	bool		given;
} OmniInteger;

typedef struct OmniDouble
{
	double		value;
	bool		given;
} OmniDouble;

typedef struct OmniMoment
{
	TimestampTz value;
	bool		given;
} OmniMoment;

typedef struct OmniList
{
	int			n;
	void	   *items;			/* contiguous; NULL when n is 0 */
	bool		given;
} OmniList;

/* The bytes of an object as they stand in the document. */
typedef struct OmniBytes
{
	const char *data;
	int			length;
} OmniBytes;

struct OmniShape;

typedef struct OmniField
{
	const char *name;
	OmniFieldKind kind;
	Size		offset;			/* of the value in the struct */
	bool		required;
	int			limit;			/* see the kinds; TEXT: 0 means 255 */
	const struct OmniShape *shape;
} OmniField;

typedef struct OmniShape
{
	const OmniField *fields;
	int			nfields;		/* at most 32 */
	Size		size;			/* of the struct, which starts zeroed */
	Size		bytes_offset;	/* of an OmniBytes to fill; 0: none */
	int			max_items;		/* as elements of a list; 0: no bound */
} OmniShape;

/*
 * Read "document" as one object of "shape" into "target", which is zeroed
 * first.  "what" names the document in messages, as in "order document".
 * Texts and lists are palloc'd in the current context.  OM006, or OM008 for a
 * number that leaves its type.
 */
extern void omni_core_read_document(Jsonb *document, const OmniShape *shape,
									const char *what, void *target);
/* The same for a document that is an array of objects. */
extern void omni_core_read_document_list(Jsonb *document,
										 const OmniShape *shape,
										 const char *what, OmniList *target);

/*
 * A digest (SHA-256) that two documents share exactly if they are equal as
 * jsonb: key order, white space and a number's trailing zeros do not count.
 */
#define OMNI_DIGEST_LENGTH 32
extern void omni_core_document_digest(Jsonb *document, uint8 *digest);
/* SHA-256 of any bytes. */
extern void omni_core_digest(const char *data, int length, uint8 *digest);

#endif							/* OMNI_CORE_DOCUMENT_H */
