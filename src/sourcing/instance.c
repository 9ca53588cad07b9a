/*
 * instance.c
 *	  Reading a sourcing instance; doc/sourcing.md has the format.
 *
 * - Strict: an unknown key, a missing one, a wrong type or a number out of
 *	 range is OM006 with its path, as in "nodes.zone[17]".
 * - Nodes are put in the order of their ids and lines in that of their items
 *	 (then by content), so the answer does not depend on the order in which the
 *	 document lists them.
 * - Large arrays are read by iterating, in linear time.
 */
#include "omni.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "core/core.h"
#include "sourcing/instance.h"

#define MAX_MONEY	INT64CONST(1000000000000000)
#define MAX_DAYS	1000000
#define MAX_LINES	10000
#define MAX_BRACKETS 1000000

/* Where in the document we are: a chain of stack frames. */
typedef struct Place
{
	const struct Place *parent;
	const char *key;			/* NULL: an element */
	int			index;
} Place;

/* A node as it stands in the document. */
typedef struct RawNode
{
	const char *id;
	int			id_length;
	int			type;			/* the first node that has the same type */
	int64		zone;
	int64		day;
	int64		unit_cost;
	OmniSolveNode node;
	int			number;
} RawNode;

typedef struct RawLine
{
	int64		item;
	OmniSolveLine line;
	int			number;
} RawLine;

typedef struct RawOffer
{
	int			line;			/* of the problem */
	int			row;
	OmniSolveOffer offer;
} RawOffer;

/* A service of the params. */
typedef struct RawService
{
	int			ntypes;
	JsonbValue *types;
	int			nzones;
	int64	   *transit;
	int64	  **rate;			/* by zone */
	int64	  **slope;
} RawService;

typedef struct Reading
{
	OmniInstance *instance;
	RawService *services;
	RawNode    *nodes;
	RawLine    *lines;
	JsonbValue *types;			/* by node number */
	int64		late_fixed;
	int64		late_per_day;
	int64		promise_day;
} Reading;

/* ---- errors and scalars ---- */

static void
append_place(StringInfo buffer, const Place *place)
{
	if (place == NULL)
		return;
	append_place(buffer, place->parent);
	if (place->key == NULL)
		appendStringInfo(buffer, "[%d]", place->index);
	else
		appendStringInfo(buffer, "%s%s", buffer->len > 0 ? "." : "",
						 place->key);
}

/* OM006: what is at the place must be something else. */
static void
refuse(const Place *place, const char *must)
{
	StringInfoData path;

	initStringInfo(&path);
	append_place(&path, place);
	if (path.len == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("sourcing instance must be %s", must)));
	ereport(ERROR,
			(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
			 errmsg("key \"%s\" of the sourcing instance must be %s",
					path.data, must)));
}

/* A whole number of a range. */
static int64
read_int(const Place *place, const JsonbValue *value, int64 least, int64 most)
{
	char	   *digits;
	int64		number = 0;
	bool		negative;
	bool		whole = true;

	if (value->type != jbvNumeric)
		refuse(place, "a whole number");
	digits = numeric_normalize(value->val.numeric);
	negative = digits[0] == '-';
	for (const char *c = digits + (negative ? 1 : 0); *c != '\0'; c++)
	{
		if (*c < '0' || *c > '9')
			whole = false;
		else if (number <= INT64CONST(99999999999999999))
			number = number * 10 + (*c - '0');
	}
	if (!whole)
		refuse(place, "a whole number");
	pfree(digits);
	if (negative)
		number = -number;
	if (number < least || number > most)
		refuse(place, psprintf("a whole number from " INT64_FORMAT " to "
							   INT64_FORMAT, least, most));
	return number;
}

static bool
read_bool(const Place *place, const JsonbValue *value)
{
	if (value->type != jbvBool)
		refuse(place, "true or false");
	return value->val.boolean;
}

static void
check_text(const Place *place, const JsonbValue *value)
{
	if (value->type != jbvString)
		refuse(place, "a string");
}

/* The container of an object or an array. */
static JsonbContainer *
read_container(const Place *place, const JsonbValue *value, bool array)
{
	const char *must = array ? "an array" : "an object";

	if (value->type != jbvBinary ||
		array != (bool) JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		refuse(place, must);
	return value->val.binary.data;
}

/* Is this a key that the object may have?  OM006 for the first that is not. */
static void
check_keys(const Place *place, JsonbContainer *object,
		   const char *const *keys)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		const char *const *key = keys;

		if (token != WJB_KEY)
			continue;
		while (*key && (strlen(*key) != (size_t) value.val.string.len ||
						memcmp(*key, value.val.string.val,
							   value.val.string.len) != 0))
			key++;
		if (*key == NULL)
		{
			Place		at = {place,
			pnstrdup(value.val.string.val, Min(value.val.string.len, 60)), 0};
			StringInfoData path;

			initStringInfo(&path);
			append_place(&path, &at);
			ereport(ERROR,
					(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
					 errmsg("unknown key \"%s\" in the sourcing instance",
							path.data)));
		}
	}
}

/* The value of a key, or NULL. */
static JsonbValue *
find_key(JsonbContainer *object, const char *key)
{
	JsonbValue	name;

	name.type = jbvString;
	name.val.string.val = unconstify(char *, key);
	name.val.string.len = strlen(key);
	return findJsonbValueFromContainer(object, JB_FOBJECT, &name);
}

/* The value of a key that must be there. */
static JsonbValue *
need_key(const Place *parent, JsonbContainer *object, const char *key)
{
	JsonbValue *value = find_key(object, key);
	Place		place = {parent, key, 0};

	if (value == NULL)
		refuse(&place, "there");
	return value;
}

/* The number of a key; without "otherwise" it must be there. */
static int64
int_key(const Place *parent, JsonbContainer *object, const char *key,
		int64 least, int64 most, const int64 *otherwise)
{
	JsonbValue *value = otherwise ? find_key(object, key) :
		need_key(parent, object, key);
	Place		place = {parent, key, 0};

	return value ? read_int(&place, value, least, most) : *otherwise;
}

/* The elements of an array, palloc'd. */
static JsonbValue *
read_elements(const Place *place, const JsonbValue *value, int *n)
{
	JsonbContainer *array = read_container(place, value, true);
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbValue *elements;
	JsonbValue	element;
	JsonbIteratorToken token;

	elements = palloc_extended(sizeof(JsonbValue) *
							   (JsonContainerSize(array) + (Size) 1),
							   MCXT_ALLOC_HUGE);
	*n = 0;
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
			elements[(*n)++] = element;
	}
	return elements;
}

/* An array of numbers; "expected" >= 0: exactly so many. */
static int64 *
read_ints(const Place *place, const JsonbValue *value, int expected,
		  int64 least, int64 most, int *n)
{
	JsonbValue *elements = read_elements(place, value, n);
	int64	   *numbers;

	if (expected >= 0 && *n != expected)
		refuse(place, psprintf("an array of %d numbers", expected));
	numbers = palloc_extended(sizeof(int64) * (*n + (Size) 1),
							  MCXT_ALLOC_HUGE);
	for (int i = 0; i < *n; i++)
	{
		Place		at = {place, NULL, i};

		numbers[i] = read_int(&at, &elements[i], least, most);
	}
	pfree(elements);
	return numbers;
}

/* ---- params ---- */

static void
read_service(Reading *reading, const Place *place, const JsonbValue *value,
			 RawService *service, char **code)
{
	static const char *const keys[] = {"code", "types", "transit", "rate",
	NULL};
	JsonbContainer *object = read_container(place, value, false);
	int			brackets = reading->instance->problem.brackets;
	JsonbValue *found;
	JsonbValue *rates;
	int			n;

	check_keys(place, object, keys);
	found = need_key(place, object, "code");
	check_text(&(Place) {place, "code", 0}, found);
	*code = pnstrdup(found->val.string.val, found->val.string.len);

	found = need_key(place, object, "types");
	service->types = read_elements(&(Place) {place, "types", 0}, found,
								   &service->ntypes);
	for (int i = 0; i < service->ntypes; i++)
	{
		Place		types = {place, "types", 0};

		check_text(&(Place) {&types, NULL, i}, &service->types[i]);
	}
	found = need_key(place, object, "transit");
	service->transit = read_ints(&(Place) {place, "transit", 0}, found, -1,
								 0, MAX_DAYS, &service->nzones);
	found = need_key(place, object, "rate");
	rates = read_elements(&(Place) {place, "rate", 0}, found, &n);
	if (n != service->nzones)
		refuse(&(Place) {place, "rate", 0},
			   psprintf("an array of %d zones, as \"transit\"",
						service->nzones));
	service->rate = palloc(sizeof(int64 *) * (n + 1));
	service->slope = palloc(sizeof(int64 *) * (n + 1));
	for (int z = 0; z < n; z++)
	{
		Place		rate = {place, "rate", 0};
		int			length;

		service->rate[z] = read_ints(&(Place) {&rate, NULL, z}, &rates[z],
									 brackets + 1, 0, MAX_MONEY, &length);
		service->slope[z] = palloc(sizeof(int64) * length);
		omni_sourcing_rate_slopes(service->rate[z], brackets,
								  service->slope[z]);
	}
}

static void
read_params(Reading *reading, JsonbContainer *root)
{
	static const char *const keys[] = {"bracket_g", "parcel_max_g",
		"split_penalty", "late_fixed", "late_per_day", "services", NULL};
	Place		place = {NULL, "params", 0};
	Place		at = {&place, "services", 0};
	OmniInstance *instance = reading->instance;
	OmniSolveProblem *problem = &instance->problem;
	JsonbContainer *object = read_container(&place,
											need_key(NULL, root, "params"),
											false);
	JsonbValue *services;
	int64		parcel;

	check_keys(&place, object, keys);
	problem->bracket = int_key(&place, object, "bracket_g", 1, MAX_MONEY,
							   NULL);
	parcel = int_key(&place, object, "parcel_max_g", problem->bracket,
					 MAX_MONEY, NULL);
	if (parcel / problem->bracket > MAX_BRACKETS)
		refuse(&(Place) {&place, "parcel_max_g", 0},
			   psprintf("at most %d brackets", MAX_BRACKETS));
	problem->brackets = (int32) (parcel / problem->bracket);
	problem->split_penalty = int_key(&place, object, "split_penalty", 0,
									 MAX_MONEY, NULL);
	reading->late_fixed = int_key(&place, object, "late_fixed", 0, MAX_MONEY,
								  NULL);
	reading->late_per_day = int_key(&place, object, "late_per_day", 0,
									MAX_MONEY, NULL);
	services = read_elements(&at, need_key(&place, object, "services"),
							 &instance->nservices);
	reading->services = palloc0(sizeof(RawService) *
								(instance->nservices + 1));
	instance->services = palloc0(sizeof(char *) * (instance->nservices + 1));
	for (int s = 0; s < instance->nservices; s++)
		read_service(reading, &(Place) {&at, NULL, s}, &services[s],
					 &reading->services[s], &instance->services[s]);
}

/* ---- order ---- */

static void
read_line(const Place *place, const JsonbValue *value, RawLine *raw)
{
	static const char *const keys[] = {"item", "qty", "weight_g", "price",
		"unfilled_cost", "splittable", NULL};
	static const int64 zero = 0;
	JsonbContainer *object = read_container(place, value, false);

	check_keys(place, object, keys);
	raw->item = int_key(place, object, "item", PG_INT64_MIN, PG_INT64_MAX,
						&zero);
	(void) int_key(place, object, "price", 0, MAX_MONEY, &zero);
	raw->line.quantity = (int32) int_key(place, object, "qty", 1,
										 PG_INT32_MAX, NULL);
	raw->line.weight = int_key(place, object, "weight_g", 0, MAX_MONEY, NULL);
	raw->line.unfilled = int_key(place, object, "unfilled_cost", 0, MAX_MONEY,
								 NULL);
	raw->line.splittable = read_bool(&(Place) {place, "splittable", 0},
									 need_key(place, object, "splittable"));
}

/* The order of lines that does not depend on the document's. */
static int
compare_lines(const void *a, const void *b)
{
	const RawLine *x = a;
	const RawLine *y = b;

#define COMPARE(member) \
	if (x->member != y->member) \
		return x->member < y->member ? -1 : 1
	COMPARE(item);
	COMPARE(line.quantity);
	COMPARE(line.weight);
	COMPARE(line.unfilled);
	COMPARE(line.splittable);
	COMPARE(number);
	return 0;
}

static void
read_order(Reading *reading, JsonbContainer *root)
{
	static const char *const keys[] = {"mode", "dest", "promise_day",
		"max_nodes", "ship_complete", "lines", "pickup_node", NULL};
	Place		place = {NULL, "order", 0};
	Place		at = {&place, "lines", 0};
	OmniSolveProblem *problem = &reading->instance->problem;
	JsonbContainer *object = read_container(&place,
											need_key(NULL, root, "order"),
											false);
	JsonbValue *lines;
	OmniSolveLine *sorted;

	check_keys(&place, object, keys);
	reading->promise_day = int_key(&place, object, "promise_day", -MAX_DAYS,
								   MAX_DAYS, NULL);
	problem->max_nodes = (int) int_key(&place, object, "max_nodes", 0,
									   PG_INT32_MAX, NULL);
	problem->ship_complete = read_bool(&(Place) {&place, "ship_complete", 0},
									   need_key(&place, object,
												"ship_complete"));
	lines = read_elements(&at, need_key(&place, object, "lines"),
						  &problem->nlines);
	if (problem->nlines == 0 || problem->nlines > MAX_LINES)
		refuse(&at, psprintf("an array of 1 to %d lines", MAX_LINES));
	reading->lines = palloc0(sizeof(RawLine) * problem->nlines);
	for (int l = 0; l < problem->nlines; l++)
	{
		read_line(&(Place) {&at, NULL, l}, &lines[l], &reading->lines[l]);
		reading->lines[l].number = l;
	}
	qsort(reading->lines, problem->nlines, sizeof(RawLine), compare_lines);
	sorted = palloc(sizeof(OmniSolveLine) * problem->nlines);
	reading->instance->line_number = palloc(sizeof(int) * problem->nlines);
	for (int l = 0; l < problem->nlines; l++)
	{
		sorted[l] = reading->lines[l].line;
		reading->instance->line_number[l] = reading->lines[l].number;
	}
	problem->lines = sorted;
}

/* ---- nodes ---- */

/* A column of the nodes; an absent one has one value throughout. */
static int64 *
read_column(const Place *parent, JsonbContainer *object, const char *key,
			int n, int64 least, int64 most, const int64 *otherwise)
{
	JsonbValue *value = otherwise ? find_key(object, key) :
		need_key(parent, object, key);
	Place		place = {parent, key, 0};
	int64	   *numbers;
	int			length;

	if (value)
		return read_ints(&place, value, n, least, most, &length);
	numbers = palloc_extended(sizeof(int64) * (n + (Size) 1),
							  MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
		numbers[i] = *otherwise;
	return numbers;
}

static int
compare_nodes(const void *a, const void *b)
{
	const RawNode *x = a;
	const RawNode *y = b;
	int			order = memcmp(x->id, y->id, Min(x->id_length, y->id_length));

	if (order != 0)
		return order;
	COMPARE(id_length);
	COMPARE(zone);
	COMPARE(day);
	COMPARE(unit_cost);
	COMPARE(node.fixed);
	COMPARE(node.unit_cap);
	COMPARE(node.soft_cap);
	COMPARE(node.over_cost);
	COMPARE(number);
	return 0;
}

/* The columns, as rows. */
static void
fill_nodes(Reading *reading, const Place *place, JsonbContainer *object, int n)
{
	static const int64 none = -1;
	static const int64 zero = 0;
	int64	   *zone = read_column(place, object, "zone", n, 0, PG_INT32_MAX,
								   NULL);
	int64	   *day = read_column(place, object, "ship_day", n, -MAX_DAYS,
								  MAX_DAYS, NULL);
	int64	   *fixed = read_column(place, object, "shipment_cost", n, 0,
									MAX_MONEY, NULL);
	int64	   *unit_cost = read_column(place, object, "unit_cost", n,
										-MAX_MONEY, MAX_MONEY, NULL);
	int64	   *cap = read_column(place, object, "unit_cap", n, -1,
								  PG_INT32_MAX, &none);
	int64	   *soft = read_column(place, object, "soft_cap", n, -1,
								   PG_INT32_MAX, &none);
	int64	   *over = read_column(place, object, "over_cost", n, 0,
								   MAX_MONEY, &zero);

	for (int i = 0; i < n; i++)
	{
		RawNode    *node = &reading->nodes[i];

		node->number = i;
		node->zone = zone[i];
		node->day = day[i];
		node->unit_cost = unit_cost[i];
		node->node.fixed = fixed[i];
		node->node.unit_cap = (int32) cap[i];
		node->node.soft_cap = (int32) soft[i];
		node->node.over_cost = over[i];
		for (int s = 0; s < reading->instance->nservices; s++)
		{
			Place		at = {place, "zone", 0};

			if (zone[i] >= reading->services[s].nzones)
				refuse(&(Place) {&at, NULL, i},
					   "a zone that every service has");
		}
	}
}

/* Is the value the same text as the other? */
static bool
same_text(const JsonbValue *a, const JsonbValue *b)
{
	return a->val.string.len == b->val.string.len &&
		memcmp(a->val.string.val, b->val.string.val, a->val.string.len) == 0;
}

/* Types and ids; columns that only inform must be as long as the others. */
static int
read_names(Reading *reading, const Place *place, JsonbContainer *object)
{
	static const char *const inform[] = {"lat", "lon", "dist_km", NULL};
	Place		types = {place, "type", 0};
	Place		ids = {place, "id", 0};
	JsonbValue *id = find_key(object, "id");
	int			n;
	int			m;

	reading->types = read_elements(&types, need_key(place, object, "type"),
								   &n);
	reading->nodes = palloc_extended(sizeof(RawNode) * (n + (Size) 1),
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < n; i++)
	{
		check_text(&(Place) {&types, NULL, i}, &reading->types[i]);
		reading->nodes[i].id = "";
		CHECK_FOR_INTERRUPTS();
	}
	if (id)
	{
		JsonbValue *elements = read_elements(&ids, id, &m);

		if (m != n)
			refuse(&ids, psprintf("an array of %d strings", n));
		for (int i = 0; i < n; i++)
		{
			check_text(&(Place) {&ids, NULL, i}, &elements[i]);
			reading->nodes[i].id = elements[i].val.string.val;
			reading->nodes[i].id_length = elements[i].val.string.len;
		}
	}
	for (const char *const *key = inform; *key; key++)
	{
		JsonbValue *column = find_key(object, *key);

		if (column)
		{
			(void) read_elements(&(Place) {place, *key, 0}, column, &m);
			if (m != n)
				refuse(&(Place) {place, *key, 0},
					   psprintf("an array of %d numbers", n));
		}
	}
	return n;
}

static void
read_nodes(Reading *reading, JsonbContainer *root)
{
	static const char *const keys[] = {"id", "type", "lat", "lon", "dist_km",
		"zone", "ship_day", "shipment_cost", "unit_cost", "unit_cap",
		"soft_cap", "over_cost", NULL};
	Place		place = {NULL, "nodes", 0};
	OmniInstance *instance = reading->instance;
	JsonbContainer *object = read_container(&place,
											need_key(NULL, root, "nodes"),
											false);
	int			n;

	check_keys(&place, object, keys);
	n = read_names(reading, &place, object);
	fill_nodes(reading, &place, object, n);
	qsort(reading->nodes, n, sizeof(RawNode), compare_nodes);
	instance->problem.nnodes = n;
	instance->node_number = palloc(sizeof(int) * (n + 1));
	instance->node_place = palloc(sizeof(int) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		instance->node_number[i] = reading->nodes[i].number;
		instance->node_place[reading->nodes[i].number] = i;
	}
}

/* Does the service serve nodes of this type? */
static bool
serves(const RawService *service, const JsonbValue *type)
{
	for (int i = 0; i < service->ntypes; i++)
	{
		if (same_text(&service->types[i], type))
			return true;
	}
	return false;
}

/* Add the freight of a node; its options are those that serve its type. */
static void
add_freight(Reading *reading, const RawNode *raw, OmniSolveFreight *freight,
			OmniSolveOption *options)
{
	OmniInstance *instance = reading->instance;
	OmniSolveProblem *problem = &instance->problem;

	freight->first_option = problem->noptions;
	for (int s = 0; s < instance->nservices; s++)
	{
		const RawService *service = &reading->services[s];
		OmniSolveOption *option = &options[problem->noptions];
		int64		late;

		if (!serves(service, &reading->types[raw->number]))
			continue;
		late = raw->day + service->transit[raw->zone] - reading->promise_day;
		option->cost = service->rate[raw->zone];
		option->slope = service->slope[raw->zone];
		option->surcharge = 0;
		if (late > 0 &&
			(pg_mul_s64_overflow(late, reading->late_per_day,
								 &option->surcharge) ||
			 pg_add_s64_overflow(option->surcharge, reading->late_fixed,
								 &option->surcharge)))
			option->surcharge = PG_INT64_MAX;	/* found out of range later */
		instance->option_service[problem->noptions++] = s;
	}
	freight->noptions = problem->noptions - freight->first_option;
}

/* Do two nodes send alike? */
static int
compare_freights(const Reading *reading, const RawNode *x, const RawNode *y)
{
	const JsonbValue *a = &reading->types[x->number];
	const JsonbValue *b = &reading->types[y->number];

	COMPARE(zone);
	COMPARE(day);
	if (a->val.string.len != b->val.string.len)
		return a->val.string.len < b->val.string.len ? -1 : 1;
	return memcmp(a->val.string.val, b->val.string.val, a->val.string.len);
}

static int
compare_by_freight(const void *a, const void *b, void *arg)
{
	const Reading *reading = arg;

	return compare_freights(reading, &reading->nodes[*(const int *) a],
							&reading->nodes[*(const int *) b]);
}

/* Group the nodes that send alike. */
static void
make_freights(Reading *reading)
{
	OmniInstance *instance = reading->instance;
	OmniSolveProblem *problem = &instance->problem;
	int			n = problem->nnodes;
	int		   *sorted = palloc(sizeof(int) * (n + 1));
	OmniSolveNode *nodes = palloc(sizeof(OmniSolveNode) * (n + 1));
	OmniSolveFreight *freights;
	OmniSolveOption *options;
	Size		noptions;

	for (int i = 0; i < n; i++)
		sorted[i] = i;
	qsort_arg(sorted, n, sizeof(int), compare_by_freight, reading);
	for (int i = 0; i < n; i++)
	{
		if (i == 0 || compare_freights(reading,
									   &reading->nodes[sorted[i - 1]],
									   &reading->nodes[sorted[i]]) != 0)
			problem->nfreights++;
		reading->nodes[sorted[i]].node.freight = problem->nfreights - 1;
	}
	noptions = (Size) problem->nfreights * instance->nservices + 1;
	if (noptions > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_RANGE),
				 errmsg("sourcing instance has too many services")));
	freights = palloc(sizeof(OmniSolveFreight) * (problem->nfreights + 1));
	options = palloc_extended(sizeof(OmniSolveOption) * noptions,
							  MCXT_ALLOC_HUGE);
	instance->option_service = palloc_extended(sizeof(int) * noptions,
											   MCXT_ALLOC_HUGE);
	for (int i = 0, done = 0; i < n; i++)
	{
		const RawNode *raw = &reading->nodes[sorted[i]];

		if (raw->node.freight == done)
			add_freight(reading, raw, &freights[done++], options);
		CHECK_FOR_INTERRUPTS();
	}
	for (int i = 0; i < n; i++)
		nodes[i] = reading->nodes[i].node;
	problem->freights = freights;
	problem->options = options;
	problem->nodes = nodes;
}

/* ---- stock ---- */

static int
compare_raw_offers(const void *a, const void *b)
{
	const RawOffer *x = a;
	const RawOffer *y = b;

	COMPARE(line);
	COMPARE(offer.node);
	COMPARE(row);
	return 0;
}

/* One row: node, line, atp, shadow, markdown. */
static void
read_row(Reading *reading, const Place *place, const JsonbValue *value,
		 const int *line_place, RawOffer *raw)
{
	const OmniInstance *instance = reading->instance;
	JsonbValue *fields;
	int64		numbers[5];
	int			n;

	fields = read_elements(place, value, &n);
	if (n != 5)
		refuse(place, "an array of node, line, atp, shadow, markdown");
	for (int i = 0; i < 5; i++)
	{
		Place		at = {place, NULL, i};
		int64		most = i == 0 ? instance->problem.nnodes - 1 :
			i == 1 ? instance->problem.nlines - 1 : MAX_MONEY;

		numbers[i] = read_int(&at, &fields[i], i < 2 ? 0 : -MAX_MONEY, most);
	}
	pfree(fields);
	raw->offer.node = instance->node_place[numbers[0]];
	raw->line = line_place[numbers[1]];
	/* a node may have promised more than it has: that is no stock */
	raw->offer.units = (int32) Max(0, Min(numbers[2], PG_INT32_MAX));
	raw->offer.cost = reading->nodes[raw->offer.node].unit_cost +
		numbers[3] - numbers[4];
}

static void
read_stock(Reading *reading, JsonbContainer *root)
{
	Place		place = {NULL, "stock", 0};
	OmniInstance *instance = reading->instance;
	OmniSolveProblem *problem = &instance->problem;
	OmniSolveLine *lines = unconstify(OmniSolveLine *, problem->lines);
	int		   *line_place = palloc(sizeof(int) * problem->nlines);
	OmniSolveOffer *offers;
	JsonbValue *rows;
	RawOffer   *raw;
	int			n;

	for (int l = 0; l < problem->nlines; l++)
		line_place[instance->line_number[l]] = l;
	rows = read_elements(&place, need_key(NULL, root, "stock"), &n);
	raw = palloc_extended(sizeof(RawOffer) * (n + (Size) 1), MCXT_ALLOC_HUGE);
	for (int r = 0; r < n; r++)
	{
		read_row(reading, &(Place) {&place, NULL, r}, &rows[r], line_place,
				 &raw[r]);
		raw[r].row = r;
		CHECK_FOR_INTERRUPTS();
	}
	qsort(raw, n, sizeof(RawOffer), compare_raw_offers);
	offers = palloc_extended(sizeof(OmniSolveOffer) * (n + (Size) 1),
							 MCXT_ALLOC_HUGE);
	for (int r = 0; r < n; r++)
	{
		OmniSolveLine *line = &lines[raw[r].line];

		if (r > 0 && raw[r - 1].line == raw[r].line &&
			raw[r - 1].offer.node == raw[r].offer.node)
			refuse(&(Place) {&place, NULL, raw[r].row},
				   "the only row of its node and line");
		if (line->noffers++ == 0)
			line->first_offer = r;
		offers[r] = raw[r].offer;
	}
	problem->noffers = n;
	problem->offers = offers;
}

/* ---- all of it ---- */

static void
read_explain(OmniInstance *instance, JsonbContainer *root)
{
	JsonbValue *value = find_key(root, "explain");
	int64	   *numbers;

	if (value == NULL)
		return;
	numbers = read_ints(&(Place) {NULL, "explain", 0}, value, -1, 0,
						instance->problem.nnodes - 1, &instance->nexplain);
	instance->explain = palloc(sizeof(int) * (instance->nexplain + 1));
	for (int i = 0; i < instance->nexplain; i++)
		instance->explain[i] = (int) numbers[i];
}

/* Read; see instance.h. */
OmniInstance *
omni_sourcing_read_instance(Jsonb *document)
{
	static const char *const keys[] = {"id", "version", "cls",
		"opportunity_terms", "params", "order", "nodes", "stock", "explain",
	NULL};
	OmniInstance *instance = palloc0(sizeof(OmniInstance));
	Reading		reading = {.instance = instance};
	JsonbContainer *root = &document->root;
	const char *fault;

	if (!JB_ROOT_IS_OBJECT(document))
		refuse(NULL, "an object");
	check_keys(NULL, root, keys);
	read_params(&reading, root);
	read_order(&reading, root);
	read_nodes(&reading, root);
	make_freights(&reading);
	read_stock(&reading, root);
	read_explain(instance, root);
	fault = omni_sourcing_problem_fault(&instance->problem);
	if (fault)
		ereport(ERROR,
				(errcode(OMNI_ERR_OUT_OF_RANGE),
				 errmsg("sourcing instance is out of range"),
				 errdetail("The solver refuses it: %s.", fault)));
	return instance;
}
