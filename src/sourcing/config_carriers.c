/*
 * config_carriers.c
 *	  The carriers' part of the configuration: zones by distance, services,
 *	  rates, transit and pick-up days.
 *
 * Rates of all services are put on one scale of brackets here (rate_core.c),
 * one table for each service and zone, so that an order copies pointers only.
 * While there is no service at all, the built-in one stands in: a fixed sum for
 * each parcel, and the distance on top of the shipment (network.c).
 */
#include "omni.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"

#include "sourcing/config.h"
#include "sourcing/solve_core.h"

#define EARTH_RADIUS_KM 6371.0088

/* where a chart of its own is not named */
static const struct
{
	int32		up_to_km;
	int32		zone;
	int16		transit;		/* of the built-in service */
}			built_in_bands[] = {
	{80, 1, 1}, {240, 2, 1}, {480, 3, 2}, {965, 4, 2}, {1610, 5, 3},
	{2250, 6, 3}, {2900, 7, 4}, {25000, 8, 5}
};

#define BUILT_IN_DEFAULT_ZONE	8
#define BUILT_IN_ABROAD_ZONE	9
#define BUILT_IN_ABROAD_TRANSIT	10

#define WORKDAYS	0x1f		/* Monday to Friday */
#define DELIVERIES	0x3f		/* Monday to Saturday */

/* ---- zone charts ---- */

/* A band; what is compared is the chord, so that no order needs arcs. */
static void
set_band(OmniDistanceBand *band, int32 up_to_km, int32 zone)
{
	double		half = Min(up_to_km / EARTH_RADIUS_KM / 2, M_PI / 2);
	double		chord = 2 * sin(half);

	band->up_to_km = up_to_km;
	band->zone = zone;
	band->chord = chord * chord;
}

/* The chart of whoever names none. */
static void
make_built_in_chart(OmniConfig *config, OmniConfigChart *chart)
{
	chart->origin_length = chart->destination_length = 3;
	chart->default_zone = BUILT_IN_DEFAULT_ZONE;
	chart->abroad_zone = BUILT_IN_ABROAD_ZONE;
	chart->nbands = lengthof(built_in_bands);
	chart->bands = omni_sourcing_keep(config, sizeof(OmniDistanceBand) *
									  chart->nbands);
	for (int b = 0; b < chart->nbands; b++)
		set_band(&chart->bands[b], built_in_bands[b].up_to_km,
				 built_in_bands[b].zone);
}

/* Index of a chart by its code; the built-in one for NULL. */
static int
find_chart(const OmniConfig *config, const char *code)
{
	for (int c = 1; code && c < config->ncharts; c++)
	{
		if (strcmp(config->charts[c].code, code) == 0)
			return c;
	}
	return 0;
}

/* The charts' distance bands. */
static void
load_bands(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT chart, up_to_km, zone FROM omni.distance_band"
		" ORDER BY chart, up_to_km",
		.custom_plan = true,
	};
	OmniRows	rows;
	OmniDistanceBand *bands;

	omni_sourcing_query(&query, snapshot, &rows);
	bands = omni_sourcing_keep(config, sizeof(OmniDistanceBand) * rows.nrows);
	for (int r = 0; r < rows.nrows; r++)
	{
		char		code[65];
		int			chart;

		omni_sourcing_copy_text(&rows, r, 0, code, sizeof(code));
		set_band(&bands[r], DatumGetInt32(OMNI_VALUE(&rows, r, 1)),
				 DatumGetInt16(OMNI_VALUE(&rows, r, 2)));
		chart = find_chart(config, code);
		if (chart == 0)
			continue;
		if (config->charts[chart].nbands++ == 0)
			config->charts[chart].bands = &bands[r];
	}
}

/* The charts. */
static void
load_charts(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT code, country, origin_length, destination_length,"
		" default_zone, abroad_zone FROM omni.zone_chart ORDER BY code",
		.custom_plan = true,
	};
	OmniRows	rows;

	omni_sourcing_query(&query, snapshot, &rows);
	config->ncharts = rows.nrows + 1;
	config->charts = omni_sourcing_keep(config, sizeof(OmniConfigChart) *
										config->ncharts);
	make_built_in_chart(config, &config->charts[0]);
	for (int r = 0; r < rows.nrows; r++)
	{
		OmniConfigChart *chart = &config->charts[r + 1];

		chart->code = omni_sourcing_keep_text(config, &rows, r, 0);
		omni_sourcing_copy_text(&rows, r, 1, chart->country,
								sizeof(chart->country));
		chart->origin_length = DatumGetInt16(OMNI_VALUE(&rows, r, 2));
		chart->destination_length = DatumGetInt16(OMNI_VALUE(&rows, r, 3));
		chart->default_zone = omni_sourcing_int(&rows, r, 4, INT2OID,
												OMNI_NO_ZONE);
		chart->abroad_zone = omni_sourcing_int(&rows, r, 5, INT2OID,
											   OMNI_NO_ZONE);
	}
	load_bands(config, snapshot);
}

/* ---- services ---- */

/* Weekdays 1 … 7 as bits. */
static uint8
read_weekdays(Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *days;
	int			n;
	uint8		bits = 0;

	deconstruct_array(array, INT2OID, sizeof(int16), true, TYPALIGN_SHORT,
					  &days, NULL, &n);
	for (int i = 0; i < n; i++)
		bits |= 1 << (DatumGetInt16(days[i]) - 1);
	return bits;
}

/* Kinds of nodes as bits. */
static uint32
read_kinds(Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *kinds;
	int			n;
	uint32		bits = 0;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &kinds, NULL,
					  &n);
	for (int i = 0; i < n; i++)
	{
		char	   *kind = TextDatumGetCString(kinds[i]);

		for (int k = 0; omni_master_node_kinds[k]; k++)
		{
			if (strcmp(omni_master_node_kinds[k], kind) == 0)
				bits |= 1 << k;
		}
	}
	return bits;
}

/* One row of services. */
static void
read_service(OmniConfig *config, const OmniRows *rows, int r,
			 OmniConfigService *service)
{
	char		chart[65];
	int16		transit = DatumGetInt16(OMNI_VALUE(rows, r, 6));

	service->code = omni_sourcing_keep_text(config, rows, r, 0);
	service->carrier = omni_sourcing_keep_text(config, rows, r, 1);
	omni_sourcing_copy_text(rows, r, 2, chart, sizeof(chart));
	service->chart = find_chart(config, chart[0] ? chart : NULL);
	service->kinds = read_kinds(OMNI_VALUE(rows, r, 3));
	service->card.parcel_max_g = DatumGetInt32(OMNI_VALUE(rows, r, 4));
	service->card.bracket_g = DatumGetInt32(OMNI_VALUE(rows, r, 5));
	for (int z = 0; z < OMNI_MAX_ZONES; z++)
		service->transit[z] = transit;
	service->pickups.pickup_days = read_weekdays(OMNI_VALUE(rows, r, 7));
	service->pickups.delivery_days = read_weekdays(OMNI_VALUE(rows, r, 8));
	service->pickups.cutoff = omni_sourcing_minutes(rows, r, 9, -1);
}

/* The active services of active carriers; no more than there are bits for. */
static void
load_services(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT s.code, s.carrier, c.zone_chart, s.node_kinds,"
		" s.parcel_max_g, s.bracket_g, s.transit_days, s.pickup_days,"
		" s.delivery_days, s.cutoff"
		" FROM omni.service s JOIN omni.carrier c ON c.code = s.carrier"
		" WHERE s.status = 'active' AND c.status = 'active'"
		" ORDER BY s.code LIMIT 64",
		.custom_plan = true,
	};
	OmniRows	rows;

	omni_sourcing_query(&query, snapshot, &rows);
	config->nservices = rows.nrows;
	config->services = omni_sourcing_keep(config, sizeof(OmniConfigService) *
										  config->nservices);
	for (int r = 0; r < rows.nrows; r++)
		read_service(config, &rows, r, &config->services[r]);
}

/* A service by a column of a row; NULL when it is not active. */
static OmniConfigService *
service_of_row(OmniConfig *config, const OmniRows *rows, int r)
{
	char		code[65];

	omni_sourcing_copy_text(rows, r, 0, code, sizeof(code));
	for (int s = 0; s < config->nservices; s++)
	{
		if (strcmp(config->services[s].code, code) == 0)
			return &config->services[s];
	}
	return NULL;
}

/* Transit days by zone. */
static void
load_transit(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT service, zone, transit_days FROM omni.service_zone",
		.custom_plan = true,
	};
	OmniRows	rows;

	omni_sourcing_query(&query, snapshot, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		OmniConfigService *service = service_of_row(config, &rows, r);

		if (service)
			service->transit[DatumGetInt16(OMNI_VALUE(&rows, r, 1))] =
				DatumGetInt16(OMNI_VALUE(&rows, r, 2));
	}
}

/* Carriers' holidays, shared by their services. */
static void
load_holidays(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT s.code, h.day FROM omni.carrier_holiday h"
		" JOIN omni.service s ON s.carrier = h.carrier"
		" ORDER BY s.code, h.day",
		.custom_plan = true,
	};
	OmniRows	rows;
	int32	   *days;

	omni_sourcing_query(&query, snapshot, &rows);
	days = omni_sourcing_keep(config, sizeof(int32) * rows.nrows);
	for (int r = 0; r < rows.nrows; r++)
	{
		OmniConfigService *service = service_of_row(config, &rows, r);

		days[r] = DatumGetDateADT(OMNI_VALUE(&rows, r, 1));
		if (service && service->pickups.nholidays++ == 0)
			service->pickups.holidays = &days[r];
	}
}

/* ---- rates ---- */

/* The rate cards, as they stand. */
static void
load_cards(OmniConfig *config, Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT service, zone, up_to_g, rate FROM omni.service_rate"
		" ORDER BY service, zone, up_to_g",
		.custom_plan = true,
	};
	OmniRows	rows;
	OmniRateRow *cards;

	omni_sourcing_query(&query, snapshot, &rows);
	cards = omni_sourcing_keep(config, sizeof(OmniRateRow) * rows.nrows);
	for (int r = 0; r < rows.nrows; r++)
	{
		OmniConfigService *service = service_of_row(config, &rows, r);

		cards[r].zone = DatumGetInt16(OMNI_VALUE(&rows, r, 1));
		cards[r].up_to_g = DatumGetInt32(OMNI_VALUE(&rows, r, 2));
		cards[r].rate = DatumGetInt64(OMNI_VALUE(&rows, r, 3));
		if (service && service->card.nrows++ == 0)
			service->card.rows = &cards[r];
	}
}

/* Has nobody told us of any service, not even of an inactive one? */
static bool
has_no_service(Snapshot snapshot)
{
	static OmniQuery query = {
		.sql = "SELECT NOT EXISTS (SELECT FROM omni.service)",
		.custom_plan = true,
	};
	OmniRows	rows;

	omni_sourcing_query(&query, snapshot, &rows);
	return DatumGetBool(OMNI_VALUE(&rows, 0, 0));
}

/* The service that stands in while there is none. */
static void
make_built_in_service(OmniConfig *config)
{
	OmniConfigService *service;
	OmniRateRow *rows;

	config->built_in = true;
	config->nservices = 1;
	config->services = omni_sourcing_keep(config, sizeof(OmniConfigService));
	service = &config->services[0];
	service->code = MemoryContextStrdup(config->context,
										OMNI_BUILT_IN_SERVICE);
	service->kinds = ~0;
	service->pickups.pickup_days = WORKDAYS;
	service->pickups.delivery_days = DELIVERIES;
	service->pickups.cutoff = -1;
	service->card.bracket_g = 500;
	service->card.parcel_max_g = 20000;
	service->card.nrows = lengthof(built_in_bands) + 1;
	rows = omni_sourcing_keep(config, sizeof(OmniRateRow) *
							  service->card.nrows);
	for (int b = 0; b < service->card.nrows; b++)
	{
		bool		abroad = b == lengthof(built_in_bands);

		rows[b].zone = abroad ? BUILT_IN_ABROAD_ZONE : built_in_bands[b].zone;
		rows[b].up_to_g = service->card.parcel_max_g;
		rows[b].rate = OMNI_BUILT_IN_PARCEL;
		service->transit[rows[b].zone] = abroad ? BUILT_IN_ABROAD_TRANSIT :
			built_in_bands[b].transit;
	}
	service->card.rows = rows;
}

/* Put every rate on the common scale. */
static void
expand_rates(OmniConfig *config)
{
	const OmniRateCard *cards[OMNI_MAX_SERVICES];

	for (int s = 0; s < config->nservices; s++)
		cards[s] = &config->services[s].card;
	omni_rate_scale(cards, config->nservices, &config->scale);
	for (int s = 0; s < config->nservices; s++)
	{
		OmniConfigService *service = &config->services[s];

		for (int z = 0; z < OMNI_MAX_ZONES; z++)
		{
			int64	   *cost;
			int64	   *slope;

			if (omni_rate_parcel_max(&service->card, z) == 0)
				continue;
			cost = omni_sourcing_keep(config, sizeof(int64) *
									  (config->scale.brackets + 1));
			(void) omni_rate_expand(&service->card, z, &config->scale, cost);
			service->cost[z] = cost;
			slope = omni_sourcing_keep(config, sizeof(int64) *
									   (config->scale.brackets + 1));
			omni_sourcing_rate_slopes(cost, config->scale.brackets, slope);
			service->slope[z] = slope;
		}
	}
}

/* Everything about carriers. */
void
omni_sourcing_load_carriers(OmniConfig *config, Snapshot snapshot)
{
	load_charts(config, snapshot);
	load_services(config, snapshot);
	if (config->nservices == 0 && has_no_service(snapshot))
		make_built_in_service(config);
	else
	{
		load_transit(config, snapshot);
		load_holidays(config, snapshot);
		load_cards(config, snapshot);
	}
	expand_rates(config);
}
