/*
 * config_nodes.c
 *	  The nodes' part of the configuration: costs, hours, special days,
 *	  capacity.
 *
 * What a node has not been told it takes from its kind's row, and what that
 * does not say from the built-in defaults.  Joins are by code, results by id.
 */
#include "omni.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"

#include "sourcing/config.h"

#define DEFAULT_READY_MINUTES 60

/* ---- the nodes themselves ---- */

/* Place as a point of the unit sphere. */
static void
set_point(OmniConfigNode *node)
{
	double		latitude = node->info.latitude * M_PI / 180.0;
	double		longitude = node->info.longitude * M_PI / 180.0;

	node->x = cos(latitude) * cos(longitude);
	node->y = cos(latitude) * sin(longitude);
	node->z = sin(latitude);
}

/* Index of a time zone, noted when it is new. */
static int
intern_timezone(OmniConfig *config, pg_tz *timezone)
{
	for (int t = 0; t < config->ntimezones; t++)
	{
		if (config->timezones[t] == timezone)
			return t;
	}
	config->timezones[config->ntimezones] = timezone;
	return config->ntimezones++;
}

/* Every active node. */
static void
copy_nodes(OmniConfig *config)
{
	const OmniNodeInfo *infos;

	config->nnodes = omni_master_nodes(&infos);
	config->nodes = omni_sourcing_keep(config, sizeof(OmniConfigNode) *
									   config->nnodes);
	config->timezones = omni_sourcing_keep(config, sizeof(pg_tz *) *
										   config->nnodes);
	for (int n = 0; n < config->nnodes; n++)
	{
		OmniConfigNode *node = &config->nodes[n];

		node->info = infos[n];
		if (node->info.located)
			set_point(node);
		node->timezone = intern_timezone(config, node->info.timezone);
		omni_sourcing_normalise_postal(node->info.postal_code, node->postal);
		node->daily_units = -1;
		node->soft_daily_units = -1;
		node->calendar.cutoff = OMNI_MINUTES_A_DAY;
		node->calendar.ready_minutes = DEFAULT_READY_MINUTES;
	}
}

/* ---- policies ---- */

/* What row r says, where it says something. */
static void
apply_policy(OmniConfigNode *node, const OmniRows *rows, int r)
{
	OmniCalendar *calendar = &node->calendar;

	node->shipment_cost = omni_sourcing_int(rows, r, 2, INT8OID,
											node->shipment_cost);
	node->unit_cost = omni_sourcing_int(rows, r, 3, INT8OID, node->unit_cost);
	calendar->cutoff = omni_sourcing_minutes(rows, r, 4, calendar->cutoff);
	calendar->lead_days = omni_sourcing_int(rows, r, 5, INT2OID,
											calendar->lead_days);
	calendar->ready_minutes = omni_sourcing_int(rows, r, 6, INT4OID,
												calendar->ready_minutes);
	node->daily_units = omni_sourcing_int(rows, r, 7, INT4OID,
										  node->daily_units);
	node->soft_daily_units = omni_sourcing_int(rows, r, 8, INT4OID,
											   node->soft_daily_units);
	node->over_cost = omni_sourcing_int(rows, r, 9, INT8OID, node->over_cost);
}

/* Rows of kinds first, those of nodes over them. */
static void
load_policies(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT p.node_kind, n.id, p.shipment_cost, p.unit_cost,"
		" p.cutoff, p.lead_days, p.ready_minutes, p.daily_units,"
		" p.soft_daily_units, p.over_cost"
		" FROM omni.node_policy p LEFT JOIN omni.node n ON n.code = p.node"
		" ORDER BY p.node_kind IS NULL",
		.custom_plan = true,
	};
	OmniRows	rows;

	omni_sourcing_query(&query, snapshot, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		char		kind[16];
		int			node;

		omni_sourcing_copy_text(&rows, r, 0, kind, sizeof(kind));
		if (kind[0] == '\0')
		{
			node = omni_sourcing_find_node(config,
										   omni_sourcing_int(&rows, r, 1,
															 INT8OID, 0));
			if (node >= 0)
				apply_policy(&config->nodes[node], &rows, r);
			continue;
		}
		for (int n = 0; n < config->nnodes; n++)
		{
			OmniNodeKind own = config->nodes[n].info.kind;

			if (strcmp(omni_master_node_kinds[own], kind) == 0)
				apply_policy(&config->nodes[n], &rows, r);
		}
	}
}

/* ---- hours ---- */

/*
 * The stretch of rows that starts at r and is about one node (column 0); sets
 * *node to its index, or -1 when it is not active.  Returns one behind.
 */
static int
next_node(const OmniConfig *config, const OmniRows *rows, int r, int *node)
{
	int64		id = DatumGetInt64(OMNI_VALUE(rows, r, 0));
	int			behind = r;

	*node = omni_sourcing_find_node(config, id);
	while (behind < rows->nrows &&
		   DatumGetInt64(OMNI_VALUE(rows, behind, 0)) == id)
		behind++;
	return behind;
}

/* Opening hours. */
static void
load_hours(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT n.id, h.weekday, h.opens, h.closes"
		" FROM omni.opening_hours h JOIN omni.node n ON n.code = h.node"
		" ORDER BY n.id, h.weekday, h.opens",
		.custom_plan = true,
	};
	OmniRows	rows;
	OmniHours  *hours;

	omni_sourcing_query(&query, snapshot, &rows);
	hours = omni_sourcing_keep(config, sizeof(OmniHours) * rows.nrows);
	for (int r = 0; r < rows.nrows;)
	{
		int			node;
		int			behind = next_node(config, &rows, r, &node);

		if (node >= 0)
		{
			config->nodes[node].calendar.hours = &hours[r];
			config->nodes[node].calendar.nhours = behind - r;
		}
		for (; r < behind; r++)
		{
			hours[r].weekday = DatumGetInt16(OMNI_VALUE(&rows, r, 1));
			hours[r].opens = omni_sourcing_minutes(&rows, r, 2, 0);
			/* a closing within a minute is one at its end */
			hours[r].closes = Max(hours[r].opens + 1,
								  omni_sourcing_minutes(&rows, r, 3, 0));
		}
	}
}

/* ---- special days ---- */

/* A row of special days, and whose it is. */
typedef struct SpecialRow
{
	OmniSpecialDay special;
	int64		node;			/* id; 0: not of one node */
	char		country[3];		/* "": any */
	const bool *members;		/* by node; NULL: of no group */
} SpecialRow;

/* Members of a group, by node; once for rows of the same group. */
static const bool *
find_members(const OmniConfig *config, const char *group,
			 const OmniRows *rows)
{
	bool	   *members = palloc0(sizeof(bool) * Max(config->nnodes, 1));

	for (int r = 0; r < rows->nrows; r++)
	{
		char		code[65];
		int			node;

		omni_sourcing_copy_text(rows, r, 0, code, sizeof(code));
		if (strcmp(code, group) != 0)
			continue;
		node = omni_sourcing_find_node(config,
									   DatumGetInt64(OMNI_VALUE(rows, r, 1)));
		if (node >= 0)
			members[node] = true;
	}
	return members;
}

/* All of them: by day, the one that goes before the others first. */
static SpecialRow *
read_special_days(const OmniConfig *config, Snapshot snapshot, int *n)
{
	static OmniQuery query = {
		.sql = "SELECT d.day, d.opens, d.closes, d.cutoff, n.id, d.country,"
		" d.node_group FROM omni.special_day d"
		" LEFT JOIN omni.node n ON n.code = d.node"
		" ORDER BY d.day, d.node IS NULL, d.node_group IS NULL,"
		" d.country IS NULL, d.id",
		.custom_plan = true,
	};
	OmniRows	rows;
	OmniRows	members = {0};
	SpecialRow *days;
	const bool *last_members = NULL;
	char		last_group[65] = "";

	omni_sourcing_query(&query, snapshot, &rows);
	*n = rows.nrows;
	days = palloc0(sizeof(SpecialRow) * Max(rows.nrows, 1));
	for (int r = 0; r < rows.nrows; r++)
	{
		SpecialRow *row = &days[r];
		char		group[65];

		row->special.day = DatumGetDateADT(OMNI_VALUE(&rows, r, 0));
		row->special.opens = omni_sourcing_minutes(&rows, r, 1, -1);
		row->special.closes = omni_sourcing_minutes(&rows, r, 2, -1);
		if (row->special.opens >= 0)
			row->special.closes = Max(row->special.opens + 1,
									  row->special.closes);
		row->special.cutoff = omni_sourcing_minutes(&rows, r, 3, -1);
		row->node = omni_sourcing_int(&rows, r, 4, INT8OID, 0);
		omni_sourcing_copy_text(&rows, r, 5, row->country,
								sizeof(row->country));
		omni_sourcing_copy_text(&rows, r, 6, group, sizeof(group));
		if (group[0] == '\0')
			continue;
		if (members.natts == 0)
			omni_sourcing_load_members(snapshot, &members);
		/* most of them are of one group */
		if (strcmp(group, last_group) != 0)
			last_members = find_members(config, group, &members);
		row->members = last_members;
		strlcpy(last_group, group, sizeof(last_group));
	}
	return days;
}

/* Is the row about this node? */
static bool
is_day_of(const OmniConfig *config, const SpecialRow *row, int node)
{
	const OmniNodeInfo *info = &config->nodes[node].info;

	if (row->node != 0)
		return row->node == info->id;
	if (row->members)
		return row->members[node];
	return row->country[0] == '\0' || strcmp(row->country, info->country) == 0;
}

/* Are two lists of special days the same? */
static bool
same_days(const OmniSpecialDay *a, int na, const OmniSpecialDay *b, int nb)
{
	if (na != nb)
		return false;
	for (int i = 0; i < na; i++)
	{
		if (a[i].day != b[i].day || a[i].opens != b[i].opens ||
			a[i].closes != b[i].closes || a[i].cutoff != b[i].cutoff)
			return false;
	}
	return true;
}

/*
 * Special days.  A node's own row goes before one of its groups', that before
 * one of its country's, that before everybody's.  Most nodes share theirs with
 * the node before them, and then do so in memory.
 */
static void
load_special_days(OmniConfig *config, Snapshot snapshot)
{
	int			nrows;
	SpecialRow *rows = read_special_days(config, snapshot, &nrows);
	OmniSpecialDay *days = palloc(sizeof(OmniSpecialDay) * Max(nrows, 1));
	OmniSpecialDay *last = NULL;
	int			nlast = 0;

	for (int node = 0; node < config->nnodes && nrows > 0; node++)
	{
		int			n = 0;

		for (int r = 0; r < nrows; r++)
		{
			const OmniSpecialDay *special = &rows[r].special;

			if ((n == 0 || days[n - 1].day != special->day) &&
				is_day_of(config, &rows[r], node))
				days[n++] = *special;
		}
		if (last == NULL || !same_days(days, n, last, nlast))
		{
			last = omni_sourcing_keep(config, sizeof(OmniSpecialDay) * n);
			memcpy(last, days, sizeof(OmniSpecialDay) * n);
			nlast = n;
		}
		config->nodes[node].calendar.special = last;
		config->nodes[node].calendar.nspecial = nlast;
	}
}

/* ---- capacity ---- */

/* Days whose capacity differs. */
static void
load_capacities(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT n.id, c.day, c.units, c.soft_units, c.over_cost"
		" FROM omni.node_capacity c JOIN omni.node n ON n.code = c.node"
		" ORDER BY n.id, c.day",
		.custom_plan = true,
	};
	OmniRows	rows;
	OmniDayCapacity *days;

	omni_sourcing_query(&query, snapshot, &rows);
	days = omni_sourcing_keep(config, sizeof(OmniDayCapacity) * rows.nrows);
	for (int r = 0; r < rows.nrows;)
	{
		int			node;
		int			behind = next_node(config, &rows, r, &node);

		if (node >= 0)
		{
			config->nodes[node].capacities = &days[r];
			config->nodes[node].ncapacities = behind - r;
		}
		for (; r < behind; r++)
		{
			days[r].day = DatumGetDateADT(OMNI_VALUE(&rows, r, 1));
			days[r].units = omni_sourcing_int(&rows, r, 2, INT4OID, -1);
			days[r].soft_units = omni_sourcing_int(&rows, r, 3, INT4OID, -1);
			days[r].over_cost = omni_sourcing_int(&rows, r, 4, INT8OID, -1);
		}
	}
}

/* Everything about nodes. */
void
omni_sourcing_load_nodes(OmniConfig *config, Snapshot snapshot)
{
	copy_nodes(config);
	load_policies(config, snapshot);
	load_hours(config, snapshot);
	load_special_days(config, snapshot);
	load_capacities(config, snapshot);
}
