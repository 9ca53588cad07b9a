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

/* One row of special days; the id comes first. */
static OmniSpecialDay
read_special_day(const OmniRows *rows, int r)
{
	OmniSpecialDay special;

	special.day = DatumGetDateADT(OMNI_VALUE(rows, r, 1));
	special.opens = omni_sourcing_minutes(rows, r, 2, -1);
	special.closes = omni_sourcing_minutes(rows, r, 3, -1);
	if (special.opens >= 0)
		special.closes = Max(special.opens + 1, special.closes);
	special.cutoff = omni_sourcing_minutes(rows, r, 4, -1);
	return special;
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
	static OmniQuery query = {
		.sql = "SELECT DISTINCT ON (n.id, d.day) n.id, d.day, d.opens,"
		" d.closes, d.cutoff"
		" FROM omni.special_day d JOIN omni.node n ON n.status = 'active'"
		" AND (d.node = n.code OR (d.node IS NULL"
		" AND (d.country IS NULL OR d.country = n.country)"
		" AND (d.node_group IS NULL OR EXISTS (SELECT"
		" FROM omni.node_group_member m"
		" WHERE m.node_group = d.node_group AND m.node = n.code))))"
		" ORDER BY n.id, d.day, d.node IS NULL, d.node_group IS NULL,"
		" d.country IS NULL, d.id",
		.custom_plan = true,
	};
	OmniRows	rows;
	const OmniSpecialDay *last = NULL;
	int			nlast = 0;

	omni_sourcing_query(&query, snapshot, &rows);
	for (int r = 0; r < rows.nrows;)
	{
		int			node;
		int			behind = next_node(config, &rows, r, &node);
		int			n = behind - r;
		OmniSpecialDay *days = palloc(sizeof(OmniSpecialDay) * n);

		for (int i = 0; i < n; i++, r++)
			days[i] = read_special_day(&rows, r);
		if (last == NULL || !same_days(days, n, last, nlast))
		{
			OmniSpecialDay *kept;

			kept = omni_sourcing_keep(config, sizeof(OmniSpecialDay) * n);
			memcpy(kept, days, sizeof(OmniSpecialDay) * n);
			last = kept;
			nlast = n;
		}
		pfree(days);
		if (node >= 0)
		{
			config->nodes[node].calendar.special = last;
			config->nodes[node].calendar.nspecial = nlast;
		}
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
