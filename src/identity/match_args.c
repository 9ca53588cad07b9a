/*
 * match_args.c
 *	  The arguments of omni.match_table() and its companions: the source, the
 *	  roles of its columns, the options.
 *
 * Everything is checked before a row is read; an error names the key.
 */
#include "omni.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "identity/match.h"

#define DEFAULT_THRESHOLD	0.5
#define DEFAULT_REVIEW_PAIRS 1000
#define MAX_REVIEW_PAIRS	100000

/* A JSON string as a C string. */
static char *
value_text(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* OM006, with what is wrong at a key. */
static void pg_attribute_noreturn()
reject(const char *document, const char *key, const char *detail)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
			 errmsg("malformed %s: \"%s\"", document, key),
			 errdetail("%s", detail)));
}

/* Every key of a JSON object goes to "take"; OM006 when it is none. */
static void
each_key(Jsonb *document, const char *what,
		 void (*take) (const char *key, const JsonbValue *value,
					   OmniMatchRequest *request),
		 OmniMatchRequest *request)
{
	JsonbIterator *iterator;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_OBJECT(document))
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("%s must be a JSON object", what)));
	iterator = JsonbIteratorInit(&document->root);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char	   *key;

		if (token != WJB_KEY)
			continue;
		key = value_text(&value);
		(void) JsonbIteratorNext(&iterator, &value, true);
		take(key, &value, request);
	}
}

/* One column's role. */
static void
take_role(const char *key, const JsonbValue *value, OmniMatchRequest *request)
{
	char	   *name;
	AttrNumber	attribute;

	if (value->type != jbvString)
		reject("roles", key, "A role is a JSON string.");
	attribute = get_attnum(request->relation, key);
	if (attribute <= 0)
		reject("roles", key, "The source has no such column.");
	name = value_text(value);
	for (int r = 0; r < OMNI_MATCH_ROLES; r++)
		if (strcmp(name, omni_match_role_name(r)) == 0)
		{
			/* in the order of the table's columns */
			int			at = request->ncolumns;

			if (at == OMNI_MATCH_MAX_COLUMNS)
				reject("roles", key, "There are too many columns.");
			while (at > 0 && get_attnum(request->relation,
										request->column[at - 1]) > attribute)
			{
				request->column[at] = request->column[at - 1];
				request->role[at] = request->role[at - 1];
				at--;
			}
			request->column[at] = pstrdup(key);
			request->role[at] = r;
			request->ncolumns++;
			return;
		}
	reject("roles", key, psprintf("There is no role \"%s\".", name));
}

/* The list of roles within which records are unique. */
static void
take_unique_within(const JsonbValue *value, OmniMatchRequest *request)
{
	JsonbIterator *iterator;
	JsonbValue	item;
	JsonbIteratorToken token;
	bool		scalar;

	if (value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		reject("options", "unique_within", "It must be an array of roles.");
	iterator = JsonbIteratorInit(value->val.binary.data);
	token = JsonbIteratorNext(&iterator, &item, true);
	scalar = token == WJB_BEGIN_ARRAY && item.val.array.rawScalar;
	if (scalar)
		reject("options", "unique_within", "It must be an array of roles.");
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (item.type != jbvString || item.val.string.len != 6 ||
			memcmp(item.val.string.val, "source", 6) != 0)
			reject("options", "unique_within",
				   "Records can be unique within \"source\" alone.");
		request->options.unique_within_source = true;
	}
}

/* A number between two bounds. */
static double
number_between(const char *key, const JsonbValue *value, double least,
			   double most)
{
	double		number;

	if (value->type != jbvNumeric)
		reject("options", key, "It must be a number.");
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	if (!(number >= least && number <= most))
		reject("options", key, psprintf("It must be from %g to %g.", least,
										most));
	return number;
}

/* One option. */
static void
take_option(const char *key, const JsonbValue *value,
			OmniMatchRequest *request)
{
	if (strcmp(key, "unique_within") == 0)
		take_unique_within(value, request);
	else if (strcmp(key, "threshold") == 0)
		request->options.threshold = number_between(key, value, 0.01, 0.9999);
	else if (strcmp(key, "review_pairs") == 0)
		request->review_pairs = (int) number_between(key, value, 0,
													 MAX_REVIEW_PAIRS);
	else if (strcmp(key, "keep") == 0)
	{
		if (value->type != jbvBool)
			reject("options", key, "It must be true or false.");
		request->keep = value->val.boolean;
	}
	else
		reject("options", key, "There is no such option.");
}

/*
 * Name a source and see that the caller may read it at all; that he may read
 * the columns, and which rows, the server checks when they are read.
 */
void
omni_match_find_source(Oid relation, OmniMatchRequest *request)
{
	Relation	source = relation_open(relation, AccessShareLock);
	char		kind = source->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_VIEW && kind != RELKIND_MATVIEW &&
		kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("\"%s\" is no table or view",
						RelationGetRelationName(source))));
	request->relation = relation;
	request->source =
		quote_qualified_identifier(get_namespace_name(RelationGetNamespace(source)),
								   RelationGetRelationName(source));
	request->temporary = source->rd_rel->relpersistence ==
		RELPERSISTENCE_TEMP;
	relation_close(source, AccessShareLock);
}

/*
 * Read source, roles and options (the argument "options_arg"; NULL counts as
 * {}).  OM002 for NULLs, OM006 for what is wrong in a document, OM007 for a
 * source that is no table.
 */
void
omni_match_read_request(FunctionCallInfo fcinfo, int options_arg,
						OmniMatchRequest *request)
{
	bool		id = false;
	bool		source = false;

	memset(request, 0, sizeof(*request));
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null",
						PG_ARGISNULL(0) ? "source" : "roles")));
	request->options.threshold = DEFAULT_THRESHOLD;
	request->review_pairs = DEFAULT_REVIEW_PAIRS;
	request->keep = true;
	omni_match_find_source(PG_GETARG_OID(0), request);
	request->roles = PG_GETARG_JSONB_P(1);
	each_key(request->roles, "roles", take_role, request);
	if (!PG_ARGISNULL(options_arg))
	{
		request->given_options = PG_GETARG_JSONB_P(options_arg);
		each_key(request->given_options, "options", take_option, request);
	}
	for (int c = 0; c < request->ncolumns; c++)
	{
		id |= request->role[c] == OMNI_MATCH_ID;
		source |= request->role[c] == OMNI_MATCH_SOURCE;
	}
	if (!id)
		reject("roles", "id", "One column must have the role \"id\".");
	if (request->options.unique_within_source && !source)
		reject("options", "unique_within",
			   "No column has the role \"source\".");
}
