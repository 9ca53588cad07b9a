/*
 * place.c
 *	  Where a destination lies for each node, and what a node's clock says.
 *
 * Time zones are the server's own (pg_localtime and its inverse), so a day of
 * 23 or 25 hours is what PostgreSQL says it is; calendar_core.c works on local
 * days and minutes.
 */
#include "omni.h"

#include <math.h>

#include "pgtime.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "sourcing/config.h"

#define EARTH_RADIUS_M 6371008.8

/* where a distance is unknown: as if it were so many kilometres */
#define UNLOCATED_KM	30000
#define ABROAD_KM		50000

/* Local day and minute of an instant. */
void
omni_sourcing_local_time(TimestampTz at, const pg_tz *timezone, int32 *day,
						 int *minute)
{
	pg_time_t	seconds = timestamptz_to_time_t(at);
	struct pg_tm *tm = pg_localtime(&seconds, timezone);

	if (tm == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	*day = date2j(tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday) -
		POSTGRES_EPOCH_JDATE;
	*minute = tm->tm_hour * 60 + tm->tm_min;
}

/*
 * The instant of a local day and minute.  A minute that the clocks skip counts
 * as the server counts it; of one that comes twice it is the first.
 */
TimestampTz
omni_sourcing_instant(int32 day, int minute, pg_tz *timezone)
{
	struct pg_tm tm = {0};
	TimestampTz instant;
	int			offset;

	/* minute 1440 is the next midnight */
	day += minute / OMNI_MINUTES_A_DAY;
	minute %= OMNI_MINUTES_A_DAY;
	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_hour = minute / 60;
	tm.tm_min = minute % 60;
	tm.tm_isdst = -1;
	offset = DetermineTimeZoneOffset(&tm, timezone);
	if (tm2timestamp(&tm, 0, &offset, &instant) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return instant;
}

/* Ship day of a node by a service; a node's day is worked out once. */
int32
omni_sourcing_ship_day(OmniConfig *config, int node, int service, int32 day,
					   int minute)
{
	OmniShipDay *memory =
		&config->ship_days[(Size) node * config->nservices + service];

	if (unlikely(memory->day != day))
	{
		const OmniCalendar *calendar = &config->nodes[node].calendar;
		const OmniPickups *pickups = &config->services[service].pickups;
		int			delays = 0;

		memory->cutoff = omni_calendar_cutoff(calendar, pickups, day);
		memory->before = omni_calendar_ship_day(calendar, pickups, day, 0,
												&delays);
		memory->after = omni_calendar_ship_day(calendar, pickups, day,
											   OMNI_MINUTES_A_DAY + 1,
											   &delays);
		memory->day = day;
	}
	return minute <= memory->cutoff ? memory->before : memory->after;
}

/* Make a destination ready for zones. */
void
omni_sourcing_aim(const OmniNetworkPlace *place, OmniNetworkAim *aim)
{
	memset(aim, 0, sizeof(OmniNetworkAim));
	aim->located = place->located;
	if (place->located)
	{
		double		latitude = place->latitude * M_PI / 180.0;
		double		longitude = place->longitude * M_PI / 180.0;

		aim->x = cos(latitude) * cos(longitude);
		aim->y = cos(latitude) * sin(longitude);
		aim->z = sin(latitude);
	}
	aim->country = place->country ? place->country : "";
	aim->region = place->region ? place->region : "";
	omni_sourcing_normalise_postal(place->postal_code ? place->postal_code :
								   "", aim->postal);
}

/* Square of the chord between a node and the aim, over the unit sphere. */
static inline double
chord_square(const OmniConfigNode *node, const OmniNetworkAim *aim)
{
	double		x = node->x - aim->x;
	double		y = node->y - aim->y;
	double		z = node->z - aim->z;

	return x * x + y * y + z * z;
}

/* Metres between a node and the aim; -1 unknown. */
int64
omni_sourcing_metres(const OmniConfigNode *node, const OmniNetworkAim *aim)
{
	double		half;

	if (!node->info.located || !aim->located)
		return -1;
	half = sqrt(chord_square(node, aim)) / 2;
	return llround(2 * EARTH_RADIUS_M * asin(Min(half, 1.0)));
}

/*
 * The built-in tariff's way: a minor unit for each kilometre that has begun.
 * Where the distance is unknown, nodes of the destination's country come first,
 * then warehouse, store, dropship, virtual.
 */
int64
omni_sourcing_distance_cost(const OmniConfigNode *node,
							const OmniNetworkAim *aim, int64 metres)
{
	/* by OmniNodeKind */
	static const int order[] = {1, 0, 2, 3};

	if (metres >= 0)
		return (metres + 999) / 1000;
	if (aim->country[0] != '\0' &&
		strcmp(aim->country, node->info.country) != 0)
		return ABROAD_KM + order[node->info.kind];
	return UNLOCATED_KM + order[node->info.kind];
}

/* What is configured for a day: its own row goes before the usual. */
void
omni_sourcing_capacity(const OmniConfigNode *node, int32 day,
					   OmniDayCapacity *capacity)
{
	int			low = 0;
	int			high = node->ncapacities - 1;

	capacity->day = day;
	capacity->units = node->daily_units;
	capacity->soft_units = node->soft_daily_units;
	capacity->over_cost = node->over_cost;
	while (low <= high)
	{
		int			middle = low + (high - low) / 2;
		const OmniDayCapacity *row = &node->capacities[middle];

		if (row->day < day)
			low = middle + 1;
		else if (row->day > day)
			high = middle - 1;
		else
		{
			if (row->units >= 0)
				capacity->units = row->units;
			if (row->soft_units >= 0)
				capacity->soft_units = row->soft_units;
			if (row->over_cost >= 0)
				capacity->over_cost = row->over_cost;
			return;
		}
	}
}

/* Zone by distance. */
static int
band_zone(const OmniConfigChart *chart, const OmniConfigNode *node,
		  const OmniNetworkAim *aim)
{
	double		chord;

	if (chart->nbands == 0 || !node->info.located || !aim->located)
		return chart->default_zone;
	chord = chord_square(node, aim);
	for (int b = 0; b < chart->nbands; b++)
	{
		if (chord <= chart->bands[b].chord)
			return chart->bands[b].zone;
	}
	return chart->default_zone;
}

/* Are two codes of countries the same? */
static inline bool
same_country(const char *a, const char *b)
{
	return a[0] == b[0] && a[1] == b[1];
}

/*
 * Zone of a node: abroad where both countries are known and differ; else by
 * postal codes, by distance, or the chart's default.
 */
int
omni_sourcing_zone(const OmniConfig *config, int chart, int node,
				   const OmniNetworkAim *aim, const int8 *postal)
{
	const OmniConfigChart *chart_info = &config->charts[chart];
	const OmniConfigNode *from = &config->nodes[node];
	const char *own = from->info.country;

	if (own[0] != '\0' && aim->country[0] != '\0' &&
		!same_country(own, aim->country))
		return chart_info->abroad_zone;
	if (chart_info->country[0] != '\0')
	{
		const char *country = aim->country[0] != '\0' ? aim->country : own;

		if (country[0] != '\0' &&
			!same_country(country, chart_info->country))
			return OMNI_NO_ZONE;
	}
	if (postal && postal[node] != OMNI_NO_ZONE)
		return postal[node];
	return band_zone(chart_info, from, aim);
}
