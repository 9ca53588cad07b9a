/*
 * document.c
 *	  Reading a JSON document strictly into plain structs.
 *
 * - A shape is data: one loop reads every object of every document.
 * - The path to the value at hand is kept as a chain of stack frames and put
 *	 into words only when an error is raised.
 * - Messages name keys and types, never a value: documents hold personal data.
 * - Recursion is bounded by the shapes, which do not contain themselves.
 */
#include "omni.h"

#include <math.h>

#include "common/cryptohash.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/document.h"

#define DEFAULT_TEXT_LIMIT 255
#define MAX_DECIMAL_DIGITS 18

/* One step of the path: a key, or an element's index when key is NULL. */
typedef struct PathStep
{
	const struct PathStep *parent;
	const char *key;
	int			key_length;
	int			index;
	const char *what;			/* the document, in the root */
} PathStep;

static void read_object(JsonbContainer *object, const OmniShape *shape,
						const PathStep *path, void *target);

/* ---- errors ---- */

/* Append the path in words: lines[2].fulfilment.kind */
static void
append_path(StringInfo buffer, const PathStep *path)
{
	if (path->parent == NULL)
		return;
	append_path(buffer, path->parent);
	if (path->key == NULL)
		appendStringInfo(buffer, "[%d]", path->index);
	else
	{
		if (buffer->len > 0)
			appendStringInfoChar(buffer, '.');
		appendBinaryStringInfo(buffer, path->key,
							   pg_mbcliplen(path->key, path->key_length, 60));
	}
}

/* The path in words; the root's name when it is the document itself. */
static char *
path_name(const PathStep *path)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	append_path(&buffer, path);
	return buffer.data;
}

/* What document is this? */
static const char *
document_name(const PathStep *path)
{
	while (path->parent != NULL)
		path = path->parent;
	return path->what;
}

/* OM006: the value at "path" is not what it "must" be. */
static void
refuse_value(const PathStep *path, const char *must)
{
	if (path->parent == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("%s must be %s", document_name(path), must)));
	ereport(ERROR,
			(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
			 errmsg("key \"%s\" of the %s must be %s",
					path_name(path), document_name(path), must)));
}

/* OM008: the number at "path" leaves its type. */
static void
refuse_range(const PathStep *path)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_OUT_OF_RANGE),
			 errmsg("key \"%s\" of the %s is out of range",
					path_name(path), document_name(path))));
}

/* OM006 unless the value is of this JSON type. */
static void
require_type(const PathStep *path, const JsonbValue *value,
			 enum jbvType type, const char *must)
{
	if (value->type == type)
		return;
	if (value->type == jbvNull)
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("key \"%s\" of the %s must not be null",
						path_name(path), document_name(path)),
				 errhint("Leave the key out if it has no value.")));
	refuse_value(path, must);
}

/* ---- scalars ---- */

/* A text of 1 to "limit" bytes. */
static char *
read_text(const PathStep *path, const JsonbValue *value, int limit)
{
	require_type(path, value, jbvString, "a string");
	if (limit == 0)
		limit = DEFAULT_TEXT_LIMIT;
	if (value->val.string.len == 0)
		refuse_value(path, "a string that is not empty");
	if (value->val.string.len > limit)
		refuse_value(path, psprintf("a string of at most %d bytes", limit));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* The same, but an empty string is NULL. */
static char *
read_blank_text(const PathStep *path, const JsonbValue *value, int limit)
{
	if (value->type == jbvString && value->val.string.len == 0)
		return NULL;
	return read_text(path, value, limit);
}

/* A whole number from "least" to the largest int4. */
static int32
read_integer(const PathStep *path, const JsonbValue *value, int least)
{
	const char *digits;
	int64		result = 0;
	bool		negative = false;

	require_type(path, value, jbvNumeric, "a whole number");
	digits = numeric_normalize(value->val.numeric);
	if (*digits == '-')
	{
		negative = true;
		digits++;
	}
	for (const char *c = digits; *c != '\0'; c++)
	{
		if (*c < '0' || *c > '9')
			refuse_value(path, "a whole number");
		if (result <= PG_INT32_MAX)
			result = result * 10 + (*c - '0');
	}
	if (negative)
		result = -result;
	if (result < least)
		refuse_value(path, psprintf("a whole number of at least %d", least));
	if (result > PG_INT32_MAX)
		refuse_range(path);
	return (int32) result;
}

/* A decimal string >= 0; trailing zeros of the fraction do not count. */
static void
read_decimal(const PathStep *path, const JsonbValue *value,
			 OmniDecimal *target)
{
	const char *must = "a decimal string such as \"19.99\", zero or more";
	const char *c;
	const char *end;
	const char *point = NULL;
	int64		unscaled = 0;
	int			digits = 0;

	require_type(path, value, jbvString, must);
	c = value->val.string.val;
	end = c + value->val.string.len;
	point = memchr(c, '.', end - c);
	if (c == end || point == c || (point != NULL && point == end - 1))
		refuse_value(path, must);
	for (const char *d = c; d < end; d++)
	{
		if ((*d < '0' || *d > '9') && d != point)
			refuse_value(path, must);
	}
	while (point != NULL && end > point && (end[-1] == '0' || end[-1] == '.'))
	{
		end--;
		if (end == point)
			point = NULL;
	}
	for (; c < end; c++)
	{
		if (*c == '.')
			continue;
		unscaled = unscaled * 10 + (*c - '0');
		if (unscaled > 0 && ++digits > MAX_DECIMAL_DIGITS)
			refuse_range(path);
	}
	/* an int16 holds it: leading zeros of a fraction are bounded, too */
	if (point != NULL && end - point - 1 > MAX_DECIMAL_DIGITS)
		refuse_value(path,
					 psprintf("a decimal with at most %d decimal places",
							  MAX_DECIMAL_DIGITS));
	target->unscaled = unscaled;
	target->scale = point == NULL ? 0 : (int16) (end - point - 1);
	target->given = true;
}

/* A JSON number as a double; what overflows one is out of range. */
static void
read_double(const PathStep *path, const JsonbValue *value, OmniDouble *target)
{
	require_type(path, value, jbvNumeric, "a number");
	target->value =
		DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
										   NumericGetDatum(value->val.numeric)));
	if (!isfinite(target->value))
		refuse_range(path);
	target->given = true;
}

/* "n" digits at *c as a number, or -1; moves *c. */
static int
take_digits(const char **c, const char *end, int n)
{
	int			result = 0;

	if (end - *c < n)
		return -1;
	for (int i = 0; i < n; i++)
	{
		if ((*c)[i] < '0' || (*c)[i] > '9')
			return -1;
		result = result * 10 + ((*c)[i] - '0');
	}
	*c += n;
	return result;
}

/* Is "wanted" next?  Then move *c past it. */
static bool
take_char(const char **c, const char *end, char wanted)
{
	if (*c < end && **c == wanted)
	{
		(*c)++;
		return true;
	}
	return false;
}

/* .ffffff as microseconds, or -1; further digits are dropped. */
static int
take_fraction(const char **c, const char *end)
{
	int			usec = 0;
	int			ndigits = 0;

	while (*c < end && **c >= '0' && **c <= '9')
	{
		if (ndigits < 6)
			usec = usec * 10 + (**c - '0');
		ndigits++;
		(*c)++;
	}
	if (ndigits == 0)
		return -1;
	for (; ndigits < 6; ndigits++)
		usec *= 10;
	return usec;
}

/* Z, +hh, +hhmm or +hh:mm as seconds west of UTC. */
static bool
take_offset(const char **c, const char *end, int *west)
{
	bool		east;
	int			hours;
	int			minutes = 0;

	*west = 0;
	if (take_char(c, end, 'Z') || take_char(c, end, 'z'))
		return true;
	east = take_char(c, end, '+');
	if (!east && !take_char(c, end, '-'))
		return false;
	hours = take_digits(c, end, 2);
	if (*c < end)
	{
		(void) take_char(c, end, ':');
		minutes = take_digits(c, end, 2);
	}
	if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59)
		return false;
	*west = (hours * 60 + minutes) * SECS_PER_MINUTE;
	if (east)
		*west = -*west;
	return true;
}

/* Parse yyyy-mm-ddThh:mm[:ss[.ffffff]] with its offset; false if it is not. */
static bool
parse_timestamp(const char *c, const char *end, TimestampTz *result)
{
	struct pg_tm tm;
	fsec_t		fsec = 0;
	int			west;
	int			year;
	int			month;
	int			day;

	memset(&tm, 0, sizeof(tm));
	tm.tm_year = take_digits(&c, end, 4);
	if (tm.tm_year < 1 || !take_char(&c, end, '-'))
		return false;
	tm.tm_mon = take_digits(&c, end, 2);
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || !take_char(&c, end, '-'))
		return false;
	tm.tm_mday = take_digits(&c, end, 2);
	if (tm.tm_mday < 1 || tm.tm_mday > 31)
		return false;
	if (!take_char(&c, end, 'T') && !take_char(&c, end, 't') &&
		!take_char(&c, end, ' '))
		return false;
	tm.tm_hour = take_digits(&c, end, 2);
	if (tm.tm_hour < 0 || tm.tm_hour > 23 || !take_char(&c, end, ':'))
		return false;
	tm.tm_min = take_digits(&c, end, 2);
	if (tm.tm_min < 0 || tm.tm_min > 59)
		return false;
	if (take_char(&c, end, ':'))
	{
		tm.tm_sec = take_digits(&c, end, 2);
		if (tm.tm_sec < 0 || tm.tm_sec > 59)
			return false;
		if (take_char(&c, end, '.'))
			fsec = take_fraction(&c, end);
		if (fsec < 0)
			return false;
	}
	if (!take_offset(&c, end, &west) || c != end)
		return false;

	/* the 30th of February is no day */
	j2date(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday), &year, &month, &day);
	if (month != tm.tm_mon || day != tm.tm_mday)
		return false;
	return tm2timestamp(&tm, fsec, &west, result) == 0;
}

/* A moment, independent of the session's settings. */
static void
read_timestamp(const PathStep *path, const JsonbValue *value,
			   OmniMoment *target)
{
	const char *must = "an ISO 8601 time with its offset, such as \"2026-11-01T10:00:00Z\"";

	require_type(path, value, jbvString, must);
	if (!parse_timestamp(value->val.string.val,
						 value->val.string.val + value->val.string.len,
						 &target->value))
		refuse_value(path, must);
	target->given = true;
}

/* ---- objects and lists ---- */

/* The container of an object or array, OM006 otherwise. */
static JsonbContainer *
require_container(const PathStep *path, const JsonbValue *value, bool array)
{
	const char *must = array ? "an array" : "an object";

	require_type(path, value, jbvBinary, must);
	if (array != (bool) JsonContainerIsArray(value->val.binary.data))
		refuse_value(path, must);
	return value->val.binary.data;
}

/* A nested object, palloc'd. */
static void *
read_nested(const PathStep *path, const JsonbValue *value,
			const OmniShape *shape)
{
	JsonbContainer *object = require_container(path, value, false);
	char	   *target = palloc0(shape->size);

	read_object(object, shape, path, target);
	if (shape->bytes_offset > 0)
	{
		OmniBytes  *bytes = (OmniBytes *) (target + shape->bytes_offset);

		bytes->data = (const char *) object;
		bytes->length = value->val.binary.len;
	}
	return target;
}

/* An array: of objects of "shape", or of texts when shape is NULL. */
static void
read_list(JsonbContainer *array, const OmniShape *shape, int limit,
		  const PathStep *path, OmniList *target)
{
	Size		size = shape ? shape->size : sizeof(char *);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	PathStep	step = {.parent = path};
	char	   *item;

	target->given = true;
	target->n = JsonContainerSize(array);
	if (shape && shape->max_items > 0 && target->n > shape->max_items)
		refuse_value(path, psprintf("an array of at most %d elements",
									shape->max_items));
	if (target->n == 0)
		return;
	target->items = palloc_extended(size * target->n,
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	item = target->items;
	it = JsonbIteratorInit(array);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (shape)
			read_object(require_container(&step, &value, false), shape,
						&step, item);
		else
			*(char **) item = read_text(&step, &value, limit);
		item += size;
		step.index++;
		CHECK_FOR_INTERRUPTS();
	}
}

/* One value into its place. */
static void
read_field(const OmniField *field, const JsonbValue *value,
		   const PathStep *path, char *target)
{
	switch (field->kind)
	{
		case OMNI_FIELD_TEXT:
			*(char **) target = read_text(path, value, field->limit);
			break;
		case OMNI_FIELD_BLANK_TEXT:
			*(char **) target = read_blank_text(path, value, field->limit);
			break;
		case OMNI_FIELD_INTEGER:
			*(int32 *) target = read_integer(path, value, field->limit);
			break;
		case OMNI_FIELD_GIVEN_INTEGER:
			((OmniInteger *) target)->value =
				read_integer(path, value, field->limit);
			((OmniInteger *) target)->given = true;
			break;
		case OMNI_FIELD_BOOLEAN:
			require_type(path, value, jbvBool, "true or false");
			*(bool *) target = value->val.boolean;
			break;
		case OMNI_FIELD_DECIMAL:
			read_decimal(path, value, (OmniDecimal *) target);
			break;
		case OMNI_FIELD_DOUBLE:
			read_double(path, value, (OmniDouble *) target);
			break;
		case OMNI_FIELD_TIMESTAMP:
			read_timestamp(path, value, (OmniMoment *) target);
			break;
		case OMNI_FIELD_OBJECT:
			*(void **) target = read_nested(path, value, field->shape);
			break;
		case OMNI_FIELD_LIST:
		case OMNI_FIELD_TEXT_LIST:
			read_list(require_container(path, value, true), field->shape,
					  field->limit, path, (OmniList *) target);
			break;
	}
}

/* Index of the field with that name, or -1. */
static int
find_field(const OmniShape *shape, const JsonbValue *key)
{
	for (int i = 0; i < shape->nfields; i++)
	{
		if (strncmp(shape->fields[i].name, key->val.string.val,
					key->val.string.len) == 0 &&
			shape->fields[i].name[key->val.string.len] == '\0')
			return i;
	}
	return -1;
}

/* OM006 for the first required field that is missing. */
static void
require_fields(const OmniShape *shape, uint32 seen, const PathStep *path)
{
	for (int i = 0; i < shape->nfields; i++)
	{
		PathStep	step = {.parent = path};

		if (!shape->fields[i].required || (seen & ((uint32) 1 << i)))
			continue;
		step.key = shape->fields[i].name;
		step.key_length = strlen(step.key);
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("key \"%s\" of the %s is missing",
						path_name(&step), document_name(path))));
	}
}

/* Read an object into "target", which is zeroed. */
static void
read_object(JsonbContainer *object, const OmniShape *shape,
			const PathStep *path, void *target)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	value;
	PathStep	step = {.parent = path};
	int			field = -1;
	uint32		seen = 0;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			step.key = value.val.string.val;
			step.key_length = value.val.string.len;
			field = find_field(shape, &value);
			if (field < 0)
				ereport(ERROR,
						(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
						 errmsg("unknown key \"%s\" in the %s",
								path_name(&step), document_name(path))));
			seen |= (uint32) 1 << field;
		}
		else if (token == WJB_VALUE)
			read_field(&shape->fields[field], &value, &step,
					   (char *) target + shape->fields[field].offset);
	}
	require_fields(shape, seen, path);
}

/* Read a document that is one object. */
void
omni_core_read_document(Jsonb *document, const OmniShape *shape,
						const char *what, void *target)
{
	PathStep	root = {.what = what};

	if (!JB_ROOT_IS_OBJECT(document))
		refuse_value(&root, "a JSON object");
	memset(target, 0, shape->size);
	read_object(&document->root, shape, &root, target);
}

/* Read a document that is an array of objects. */
void
omni_core_read_document_list(Jsonb *document, const OmniShape *shape,
							 const char *what, OmniList *target)
{
	PathStep	root = {.what = what};

	if (!JB_ROOT_IS_ARRAY(document) || JB_ROOT_IS_SCALAR(document))
		refuse_value(&root, "a JSON array");
	memset(target, 0, sizeof(OmniList));
	read_list(&document->root, shape, 0, &root, target);
}

/* ---- digest ---- */

/* Append a tag, a length and the bytes: no two values look alike. */
static void
append_token(StringInfo buffer, char tag, const char *data, int length)
{
	uint32		n = pg_hton32((uint32) length);

	appendStringInfoChar(buffer, tag);
	appendBinaryStringInfo(buffer, (const char *) &n, sizeof(n));
	appendBinaryStringInfo(buffer, data, length);
}

/* Append a scalar or a key in its canonical form. */
static void
append_scalar(StringInfo buffer, const JsonbValue *value)
{
	const char *text;

	switch (value->type)
	{
		case jbvNull:
			appendStringInfoChar(buffer, 'z');
			break;
		case jbvBool:
			appendStringInfoChar(buffer, value->val.boolean ? 't' : 'f');
			break;
		case jbvString:
			append_token(buffer, 's', value->val.string.val,
						 value->val.string.len);
			break;
		case jbvNumeric:
			/* 1.0 and 1.00 are equal as jsonb */
			text = numeric_normalize(value->val.numeric);
			append_token(buffer, 'n', text, strlen(text));
			break;
		default:
			elog(ERROR, "unexpected jsonb value of type %d", value->type);
	}
}

/* SHA-256 of some bytes. */
void
omni_core_digest(const char *data, int length, uint8 *digest)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0 ||
		pg_cryptohash_update(hash, (const uint8 *) data, length) < 0 ||
		pg_cryptohash_final(hash, digest, OMNI_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256");
	pg_cryptohash_free(hash);
}

/* A document's digest; jsonb keeps an object's keys unique and sorted. */
void
omni_core_document_digest(Jsonb *document, uint8 *digest)
{
	JsonbIterator *it = JsonbIteratorInit(&document->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	StringInfoData buffer;

	initStringInfo(&buffer);
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		switch (token)
		{
			case WJB_BEGIN_ARRAY:
				appendStringInfoChar(&buffer, '[');
				break;
			case WJB_END_ARRAY:
				appendStringInfoChar(&buffer, ']');
				break;
			case WJB_BEGIN_OBJECT:
				appendStringInfoChar(&buffer, '{');
				break;
			case WJB_END_OBJECT:
				appendStringInfoChar(&buffer, '}');
				break;
			default:
				append_scalar(&buffer, &value);
				break;
		}
	}

	omni_core_digest(buffer.data, buffer.len, digest);
	pfree(buffer.data);
}
