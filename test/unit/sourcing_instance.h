/*
 * sourcing_instance.h
 *	  Read an instance of the sourcing data ($OMNI_DATA/sourcing/orders) into a
 *	  problem; for tests and figures, so a file that does not fit aborts.
 */
#ifndef OMNI_SOURCING_INSTANCE_H
#define OMNI_SOURCING_INSTANCE_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sourcing/solve_core.h"

/* ---- JSON: just enough, keys found by walking ---- */

typedef struct Json
{
	const char *at;
} Json;

static void
json_fail(const char *what)
{
	fprintf(stderr, "instance: %s\n", what);
	exit(2);
}

static const char *
json_space(const char *at)
{
	while (isspace((unsigned char) *at))
		at++;
	return at;
}

/* Behind the value at "at". */
static const char *
json_skip(const char *at)
{
	int			depth = 0;

	at = json_space(at);
	do
	{
		if (*at == '"')
		{
			for (at++; *at != '"'; at++)
				if (*at == '\\')
					at++;
			at++;
		}
		else if (*at == '[' || *at == '{')
			depth++, at++;
		else if (*at == ']' || *at == '}')
			depth--, at++;
		else if (*at == '\0')
			json_fail("cut off");
		else if (depth > 0 && (*at == ',' || *at == ':'))
			at++;
		else
			while (*at && !strchr(",:]}[{\" \n\r\t", *at))
				at++;
		if (depth > 0)
			at = json_space(at);
	} while (depth > 0);
	return json_space(at);
}

static Json
json_key(Json object, const char *key)
{
	const char *at = json_space(object.at);
	size_t		length = strlen(key);

	if (*at != '{')
		json_fail("no object");
	at = json_space(at + 1);
	while (*at == '"')
	{
		const char *value = json_space(json_skip(at) + 1);

		if (strncmp(at + 1, key, length) == 0 && at[length + 1] == '"')
			return (Json) {value};
		at = json_skip(value);
		if (*at == ',')
			at = json_space(at + 1);
	}
	json_fail(key);
	return object;
}

/* The elements of an array, one after the other: false at the end. */
static bool
json_next(Json *array, Json *element)
{
	const char *at = json_space(array->at);

	if (*at == '[' || *at == ',')
		at = json_space(at + 1);
	if (*at == ']')
		return false;
	element->at = at;
	array->at = json_skip(at);
	return true;
}

static int
json_length(Json array)
{
	Json		element;
	int			n = 0;

	while (json_next(&array, &element))
		n++;
	return n;
}

static int64_t
json_int(Json value)
{
	return strtoll(value.at, NULL, 10);
}

static bool
json_bool(Json value)
{
	return *json_space(value.at) == 't';
}

static bool
json_is(Json value, const char *text)
{
	return strncmp(value.at + 1, text, strlen(text)) == 0 &&
		value.at[strlen(text) + 1] == '"';
}

/* An array of whole numbers, malloc'd. */
static int64_t *
json_ints(Json array, int *n)
{
	int64_t    *values = malloc(sizeof(int64_t) * (json_length(array) + 1));
	Json		element;

	*n = 0;
	while (json_next(&array, &element))
		values[(*n)++] = json_int(element);
	return values;
}

/* ---- an instance ---- */

#define INSTANCE_SERVICES 16
#define INSTANCE_ZONES 32
#define INSTANCE_TYPES 4

typedef struct Instance
{
	OmniSolveProblem problem;
	OmniSolveLine *lines;
	OmniSolveNode *nodes;
	OmniSolveOffer *offers;
	OmniSolveFreight *freights;
	OmniSolveOption *options;

	/* rates: the same for all orders of a retailer */
	int			nservices;
	unsigned int types[INSTANCE_SERVICES];	/* one bit for each node type */
	int			nzones;
	int64_t    *cost[INSTANCE_SERVICES][INSTANCE_ZONES];
	int64_t    *slope[INSTANCE_SERVICES][INSTANCE_ZONES];
	int64_t    *transit[INSTANCE_SERVICES];
	int64_t		late_fixed;
	int64_t		late_per_day;
	int64_t		promise_day;
	/* groups of nodes: type, zone, day */
	struct
	{
		int			type;
		int			zone;
		int64_t		day;
	}		   *groups;
	int64_t    *distance;		/* km, by node */
} Instance;

static const char *const instance_types[INSTANCE_TYPES] =
{"dc", "store", "vendor", "future"};

static int
instance_type(Json value)
{
	for (int t = 0; t < INSTANCE_TYPES; t++)
		if (json_is(value, instance_types[t]))
			return t;
	json_fail("node type");
	return 0;
}

static void
instance_rates(Instance *instance, Json params)
{
	Json		services = json_key(params, "services");
	Json		service;

	while (json_next(&services, &service))
	{
		int			s = instance->nservices++;
		Json		list = json_key(service, "types");
		Json		element;
		int			n;

		while (json_next(&list, &element))
			instance->types[s] |= 1u << instance_type(element);
		instance->transit[s] = json_ints(json_key(service, "transit"), &n);
		list = json_key(service, "rate");
		instance->nzones = 0;
		while (json_next(&list, &element))
		{
			int			z = instance->nzones++;

			instance->cost[s][z] = json_ints(element, &n);
			instance->slope[s][z] = malloc(sizeof(int64_t) * n);
			omni_sourcing_rate_slopes(instance->cost[s][z], n - 1,
									  instance->slope[s][z]);
		}
	}
}

/* The freight options of every group: what is done anew for each order. */
static void
instance_freights(Instance *instance)
{
	int32_t		next = 0;

	for (int f = 0; f < instance->problem.nfreights; f++)
	{
		OmniSolveFreight *freight = &instance->freights[f];
		int			zone = instance->groups[f].zone;

		freight->first_option = next;
		for (int s = 0; s < instance->nservices; s++)
		{
			OmniSolveOption *option = &instance->options[next];
			int64_t		late = instance->groups[f].day +
				instance->transit[s][zone] - instance->promise_day;

			if (!(instance->types[s] & (1u << instance->groups[f].type)))
				continue;
			option->cost = instance->cost[s][zone];
			option->slope = instance->slope[s][zone];
			option->surcharge = late <= 0 ? 0 :
				instance->late_fixed + instance->late_per_day * late;
			next++;
		}
		freight->noptions = next - freight->first_option;
	}
	instance->problem.noptions = next;
}

/* The group of a node, made if it is new. */
static int
instance_group(Instance *instance, int type, int zone, int64_t day)
{
	int			n = instance->problem.nfreights;

	for (int f = 0; f < n; f++)
		if (instance->groups[f].type == type &&
			instance->groups[f].zone == zone && instance->groups[f].day == day)
			return f;
	instance->groups[n].type = type;
	instance->groups[n].zone = zone;
	instance->groups[n].day = day;
	return instance->problem.nfreights++;
}

static void
instance_nodes(Instance *instance, Json nodes, int64_t **unit_cost)
{
	int			n;
	int64_t    *zone = json_ints(json_key(nodes, "zone"), &n);
	int64_t    *day = json_ints(json_key(nodes, "ship_day"), &n);
	int64_t    *fixed = json_ints(json_key(nodes, "shipment_cost"), &n);
	int64_t    *cap = json_ints(json_key(nodes, "unit_cap"), &n);
	int64_t    *soft = json_ints(json_key(nodes, "soft_cap"), &n);
	int64_t    *over = json_ints(json_key(nodes, "over_cost"), &n);
	Json		types = json_key(nodes, "type");
	Json		type;

	*unit_cost = json_ints(json_key(nodes, "unit_cost"), &n);
	instance->distance = json_ints(json_key(nodes, "dist_km"), &n);
	instance->problem.nnodes = n;
	instance->nodes = calloc(n + 1, sizeof(OmniSolveNode));
	instance->groups = calloc(n + 1, sizeof(*instance->groups));
	for (int i = 0; json_next(&types, &type); i++)
	{
		OmniSolveNode *node = &instance->nodes[i];

		node->fixed = fixed[i];
		node->over_cost = over[i];
		node->unit_cap = (int32_t) cap[i];
		node->soft_cap = (int32_t) soft[i];
		node->freight = instance_group(instance, instance_type(type),
									   (int) zone[i], day[i]);
	}
	n = instance->problem.nfreights;
	instance->freights = calloc(n + 1, sizeof(OmniSolveFreight));
	instance->options = calloc((size_t) n * INSTANCE_SERVICES + 1,
							   sizeof(OmniSolveOption));
	free(zone);
	free(day);
	free(fixed);
	free(cap);
	free(soft);
	free(over);
}

static int
compare_offers(const void *a, const void *b)
{
	const int32_t x = ((const OmniSolveOffer *) a)->node;
	const int32_t y = ((const OmniSolveOffer *) b)->node;

	return x < y ? -1 : x > y;
}

static void
instance_stock(Instance *instance, Json stock, const int64_t *unit_cost)
{
	int			nlines = instance->problem.nlines;
	int			nrows = json_length(stock);
	int64_t   (*rows)[5] = malloc(sizeof(*rows) * (nrows + 1));
	Json		row;

	for (int r = 0; json_next(&stock, &row); r++)
	{
		Json		field;

		for (int i = 0; i < 5 && json_next(&row, &field); i++)
			rows[r][i] = json_int(field);
	}
	instance->problem.noffers = nrows;
	instance->offers = malloc(sizeof(OmniSolveOffer) * (nrows + 1));
	for (int l = 0, next = 0; l < nlines; l++)
	{
		instance->lines[l].first_offer = next;
		for (int r = 0; r < nrows; r++)
		{
			OmniSolveOffer *offer = &instance->offers[next];

			if (rows[r][1] != l)
				continue;
			offer->node = (int32_t) rows[r][0];
			offer->units = (int32_t) rows[r][2];
			offer->cost = unit_cost[rows[r][0]] + rows[r][3] - rows[r][4];
			next++;
		}
		instance->lines[l].noffers = next - instance->lines[l].first_offer;
		qsort(&instance->offers[instance->lines[l].first_offer],
			  instance->lines[l].noffers, sizeof(OmniSolveOffer),
			  compare_offers);
	}
	free(rows);
}

static Instance *
instance_read(const char *text)
{
	Instance   *instance = calloc(1, sizeof(Instance));
	OmniSolveProblem *problem = &instance->problem;
	Json		all = {text};
	Json		params = json_key(all, "params");
	Json		order = json_key(all, "order");
	Json		lines = json_key(order, "lines");
	Json		line;
	int64_t    *unit_cost;

	problem->bracket = json_int(json_key(params, "bracket_g"));
	problem->brackets = (int32_t)
		(json_int(json_key(params, "parcel_max_g")) / problem->bracket);
	problem->split_penalty = json_int(json_key(params, "split_penalty"));
	problem->max_nodes = (int) json_int(json_key(order, "max_nodes"));
	problem->ship_complete = json_bool(json_key(order, "ship_complete"));
	instance->late_fixed = json_int(json_key(params, "late_fixed"));
	instance->late_per_day = json_int(json_key(params, "late_per_day"));
	instance->promise_day = json_int(json_key(order, "promise_day"));
	instance->lines = calloc(json_length(lines) + 1, sizeof(OmniSolveLine));
	while (json_next(&lines, &line))
	{
		OmniSolveLine *mine = &instance->lines[problem->nlines++];

		mine->quantity = (int32_t) json_int(json_key(line, "qty"));
		mine->weight = json_int(json_key(line, "weight_g"));
		mine->unfilled = json_int(json_key(line, "unfilled_cost"));
		mine->splittable = json_bool(json_key(line, "splittable"));
	}
	instance_rates(instance, params);
	instance_nodes(instance, json_key(all, "nodes"), &unit_cost);
	instance_stock(instance, json_key(all, "stock"), unit_cost);
	free(unit_cost);
	problem->lines = instance->lines;
	problem->nodes = instance->nodes;
	problem->offers = instance->offers;
	problem->freights = instance->freights;
	problem->options = instance->options;
	instance_freights(instance);
	return instance;
}

static void
instance_free(Instance *instance)
{
	for (int s = 0; s < instance->nservices; s++)
	{
		for (int z = 0; z < instance->nzones; z++)
		{
			free(instance->cost[s][z]);
			free(instance->slope[s][z]);
		}
		free(instance->transit[s]);
	}
	free(instance->lines);
	free(instance->nodes);
	free(instance->offers);
	free(instance->freights);
	free(instance->options);
	free(instance->groups);
	free(instance->distance);
	free(instance);
}

/* A whole file, closed by a zero byte; NULL when it cannot be read. */
static char *
instance_file(const char *path)
{
	FILE	   *file = fopen(path, "rb");
	char	   *text;
	long		size;

	if (file == NULL)
		return NULL;
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = malloc(size + 1);
	if (fread(text, 1, size, file) != (size_t) size)
		json_fail("cannot be read");
	text[size] = '\0';
	fclose(file);
	return text;
}

#endif							/* OMNI_SOURCING_INSTANCE_H */
