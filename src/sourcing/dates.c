/*
 * dates.c
 *	  What people ask of the network: promise dates, opening hours, freight.
 *
 * The same configuration and the same rules that an order meets; nothing is
 * reserved, and capacity is not looked at.  VOLATILE, because the answer is of
 * this moment, not of the statement's snapshot.
 */
#include "omni.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "core/document.h"
#include "sourcing/config.h"
#include "sourcing/destination.h"

PG_FUNCTION_INFO_V1(omni_sourcing_promise_dates);
PG_FUNCTION_INFO_V1(omni_sourcing_shipping_rates);
PG_FUNCTION_INFO_V1(omni_sourcing_node_open);
PG_FUNCTION_INFO_V1(omni_sourcing_next_opening);
PG_FUNCTION_INFO_V1(omni_sourcing_pickup_ready);
PG_FUNCTION_INFO_V1(omni_sourcing_read_capacity);

/* ---- destinations ---- */

static const OmniField destination_fields[] = {
	{"country", OMNI_FIELD_TEXT, offsetof(OmniDestinationDocument, country)},
	{"region", OMNI_FIELD_BLANK_TEXT, offsetof(OmniDestinationDocument, region)},
	{"postal_code", OMNI_FIELD_BLANK_TEXT, offsetof(OmniDestinationDocument, postal_code)},
	{"latitude", OMNI_FIELD_DOUBLE, offsetof(OmniDestinationDocument, latitude)},
	{"longitude", OMNI_FIELD_DOUBLE, offsetof(OmniDestinationDocument, longitude)},
};

const OmniShape omni_sourcing_destination_shape = {
	destination_fields, lengthof(destination_fields),
	sizeof(OmniDestinationDocument)
};

/* Check a destination and make a place of it; OM006. */
void
omni_sourcing_read_place(const OmniDestinationDocument *document,
						 OmniNetworkPlace *place)
{
	memset(place, 0, sizeof(OmniNetworkPlace));
	if (document->country && !omni_master_country_valid(document->country))
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("key \"country\" of the destination is no code of ISO 3166-1 alpha-2"),
				 errhint("Write two capital letters, such as US or DE.")));
	if (document->latitude.given != document->longitude.given)
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("a destination has both latitude and longitude, or neither")));
	if (document->latitude.given &&
		!(fabs(document->latitude.value) <= 90.0 &&
		  fabs(document->longitude.value) <= 180.0))
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("latitude or longitude of the destination is out of range"),
				 errdetail("They lie between -90 and 90, and between -180 and 180 degrees.")));
	place->located = document->latitude.given;
	place->latitude = document->latitude.value;
	place->longitude = document->longitude.value;
	place->country = document->country;
	place->region = document->region;
	place->postal_code = document->postal_code;
}

/* A destination argument, as an aim; OM002 when NULL, OM006. */
static void
get_aim(FunctionCallInfo fcinfo, int arg, OmniNetworkAim *aim)
{
	OmniDestinationDocument document;
	OmniNetworkPlace place;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "destination")));
	omni_core_read_document(PG_GETARG_JSONB_P(arg),
							&omni_sourcing_destination_shape, "destination",
							&document);
	omni_sourcing_read_place(&document, &place);
	omni_sourcing_aim(&place, aim);
}

/* ---- arguments ---- */

/* A node argument: OM002 when there is none; *index -1 when it is not active. */
static OmniConfig *
get_node(FunctionCallInfo fcinfo, int arg, int *index)
{
	char	   *code = omni_core_required_text(fcinfo, arg, "node");
	int64		id = omni_master_node_id(code);
	OmniConfig *config = omni_sourcing_config();

	*index = omni_sourcing_find_node(config, id);
	return config;
}

/* The same where it must be active: OM004. */
static OmniConfig *
get_active_node(FunctionCallInfo fcinfo, int arg, int *index)
{
	OmniConfig *config = get_node(fcinfo, arg, index);

	if (*index < 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("node \"%s\" is not active",
						text_to_cstring(PG_GETARG_TEXT_PP(arg)))));
	return config;
}

/* A moment argument, by default now. */
static TimestampTz
get_moment(FunctionCallInfo fcinfo, int arg)
{
	TimestampTz at;

	if (PG_ARGISNULL(arg))
		return omni_core_now();
	at = PG_GETARG_TIMESTAMPTZ(arg);
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must be finite", "at")));
	return at;
}

/* The services that are asked for: one, or all. */
static void
get_services(FunctionCallInfo fcinfo, int arg, const OmniConfig *config,
			 int *from, int *to)
{
	char	   *code = omni_core_optional_text(fcinfo, arg);

	*from = 0;
	*to = config->nservices;
	if (code)
	{
		*from = omni_sourcing_find_service(config, code);
		*to = *from + 1;
	}
}

/* ---- promise dates ---- */

/* Names of the bits OMNI_DELAY_…, in their order. */
static const char *const delay_names[] = {
	"closed", "special_day", "cutoff", "lead_time", "no_pickup",
	"no_delivery", "carrier_holiday", "never"
};

/* Reasons as text[]. */
static Datum
make_reasons(int delays, const char *other)
{
	Datum		values[lengthof(delay_names) + 1];
	int			n = 0;

	if (other)
		values[n++] = CStringGetTextDatum(other);
	for (int i = 0; i < lengthof(delay_names); i++)
	{
		if (delays & (1 << i))
			values[n++] = CStringGetTextDatum(delay_names[i]);
	}
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* The last instant at which an order still has the same ship day. */
static TimestampTz
order_by(OmniConfig *config, int node, int service, int32 day,
		 int32 ship_day)
{
	const OmniConfigNode *from = &config->nodes[node];
	const OmniPickups *pickups = &config->services[service].pickups;

	for (int32 d = ship_day; d >= day; d--)
	{
		int			cutoff = omni_calendar_cutoff(&from->calendar, pickups, d);
		int			delays = 0;

		if (cutoff >= 0 &&
			omni_calendar_ship_day(&from->calendar, pickups, d, cutoff,
								   &delays) == ship_day)
			return omni_sourcing_instant(d, cutoff, from->info.timezone);
	}
	/* the cut-off of the order's own day has passed */
	return DT_NOBEGIN;
}

/* Why a service does not go there; NULL: it does. */
static const char *
why_not_served(OmniConfig *config, int node, int service,
			   const OmniNetworkAim *aim, int *zone)
{
	const OmniConfigService *info = &config->services[service];
	const OmniConfigNode *from = &config->nodes[node];

	*zone = omni_sourcing_zone(config, info->chart, node, aim,
							   omni_sourcing_postal_zones(config, info->chart,
														  aim->postal));
	if (!from->info.ships)
		return "not_shipping";
	if (!(info->kinds >> from->info.kind & 1))
		return "node_kind";
	if (*zone == OMNI_NO_ZONE)
		return "no_zone";
	return info->cost[*zone] ? NULL : "no_rate";
}

/*
 * omni.promise_dates(node, destination, service, at) RETURNS TABLE(service,
 * carrier, zone, ship_day, delivery_day, order_by, reasons): when an order that
 * comes at this moment would leave the node and arrive, by each active
 * service or by one.  A service that does not go there has null days, and the
 * reason.  OM002 unknown node or service, NULL; OM004 the node is not active;
 * OM006 the destination.
 */
Datum
omni_sourcing_promise_dates(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OmniNetworkAim aim;
	OmniConfig *config;
	TimestampTz at;
	int			node;
	int			from;
	int			to;
	int32		day;
	int			minute;

	InitMaterializedSRF(fcinfo, 0);
	get_aim(fcinfo, 1, &aim);
	at = get_moment(fcinfo, 3);
	config = get_active_node(fcinfo, 0, &node);
	get_services(fcinfo, 2, config, &from, &to);
	omni_sourcing_local_time(at, config->nodes[node].info.timezone, &day,
							 &minute);
	for (int s = from; s < to; s++)
	{
		const OmniConfigService *service = &config->services[s];
		Datum		values[7] = {0};
		bool		nulls[7] = {0};
		int			delays = 0;
		int			zone;
		const char *why = why_not_served(config, node, s, &aim, &zone);
		int32		ship_day = OMNI_NO_DAY;
		int32		delivery_day = OMNI_NO_DAY;
		TimestampTz until = DT_NOBEGIN;

		if (why == NULL)
			ship_day = omni_calendar_ship_day(&config->nodes[node].calendar,
											  &service->pickups, day, minute,
											  &delays);
		if (ship_day != OMNI_NO_DAY)
		{
			delivery_day = omni_calendar_delivery_day(&service->pickups,
													  ship_day,
													  service->transit[zone],
													  &delays);
			until = order_by(config, node, s, day, ship_day);
		}
		values[0] = CStringGetTextDatum(service->code);
		nulls[1] = service->carrier == NULL;
		if (service->carrier)
			values[1] = CStringGetTextDatum(service->carrier);
		values[2] = Int32GetDatum(zone);
		nulls[2] = zone == OMNI_NO_ZONE;
		values[3] = DateADTGetDatum(ship_day);
		nulls[3] = ship_day == OMNI_NO_DAY;
		values[4] = DateADTGetDatum(delivery_day);
		nulls[4] = delivery_day == OMNI_NO_DAY;
		values[5] = TimestampTzGetDatum(until);
		nulls[5] = until == DT_NOBEGIN;
		values[6] = make_reasons(delays, why);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}

/*
 * omni.shipping_rates(node, destination, weight_g) RETURNS TABLE(service,
 * carrier, zone, rate): what a shipment of so many grams costs, in minor units
 * of the cost currency; null where the service does not go.  Without any
 * service the built-in tariff answers, the kilometres included.  OM002, OM004,
 * OM006 as in promise_dates; OM007 for a weight below 0.
 */
Datum
omni_sourcing_shipping_rates(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		grams = omni_core_required_int64(fcinfo, 2, "weight_g");
	OmniNetworkAim aim;
	OmniConfig *config;
	int			node;

	InitMaterializedSRF(fcinfo, 0);
	if (grams < 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"%s\" must not be negative", "weight_g")));
	get_aim(fcinfo, 1, &aim);
	config = get_active_node(fcinfo, 0, &node);
	for (int s = 0; s < config->nservices; s++)
	{
		const OmniConfigService *service = &config->services[s];
		Datum		values[4] = {0};
		bool		nulls[4] = {0};
		int			zone;
		const char *why = why_not_served(config, node, s, &aim, &zone);

		values[0] = CStringGetTextDatum(service->code);
		nulls[1] = service->carrier == NULL;
		if (service->carrier)
			values[1] = CStringGetTextDatum(service->carrier);
		values[2] = Int32GetDatum(zone);
		nulls[2] = zone == OMNI_NO_ZONE;
		nulls[3] = why != NULL;
		if (why == NULL)
		{
			int64		rate = omni_rate_freight(&service->card, zone, grams);

			if (config->built_in)
				rate += omni_sourcing_distance_cost(&config->nodes[node],
													&aim,
													omni_sourcing_metres
													(&config->nodes[node],
													 &aim));
			values[3] = Int64GetDatum(rate);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}

/* ---- hours ---- */

/*
 * omni.node_open(node, at) RETURNS boolean: is it open at this moment?  A node
 * that is not active is not.  OM002 unknown node or NULL.
 */
Datum
omni_sourcing_node_open(PG_FUNCTION_ARGS)
{
	TimestampTz at = get_moment(fcinfo, 1);
	int			node;
	OmniConfig *config = get_node(fcinfo, 0, &node);
	int32		day;
	int			minute;

	if (node < 0)
		PG_RETURN_BOOL(false);
	omni_sourcing_local_time(at, config->nodes[node].info.timezone, &day,
							 &minute);
	PG_RETURN_BOOL(omni_calendar_is_open(&config->nodes[node].calendar, day,
										 minute));
}

/*
 * omni.next_opening(node, at) RETURNS timestamptz: the moment itself when the
 * node is open then, else when it opens; null: it does not.  OM002 unknown
 * node or NULL.
 */
Datum
omni_sourcing_next_opening(PG_FUNCTION_ARGS)
{
	TimestampTz at = get_moment(fcinfo, 1);
	int			node;
	OmniConfig *config = get_node(fcinfo, 0, &node);
	pg_tz	   *timezone;
	int32		day;
	int			minute;
	int32		open_day;
	int			open_minute;

	if (node < 0)
		PG_RETURN_NULL();
	timezone = config->nodes[node].info.timezone;
	omni_sourcing_local_time(at, timezone, &day, &minute);
	if (!omni_calendar_next_open(&config->nodes[node].calendar, day, minute,
								 &open_day, &open_minute))
		PG_RETURN_NULL();
	if (open_day == day && open_minute == minute)
		PG_RETURN_TIMESTAMPTZ(at);
	PG_RETURN_TIMESTAMPTZ(omni_sourcing_instant(open_day, open_minute,
												timezone));
}

/*
 * omni.pickup_ready(node, at) RETURNS timestamptz: when an order that comes at
 * this moment can be collected; null: never.  OM002 unknown node or NULL;
 * OM004 when nothing can be collected there.
 */
Datum
omni_sourcing_pickup_ready(PG_FUNCTION_ARGS)
{
	TimestampTz at = get_moment(fcinfo, 1);
	int			node;
	OmniConfig *config = get_active_node(fcinfo, 0, &node);
	const OmniConfigNode *info = &config->nodes[node];
	int32		day;
	int			minute;
	int32		ready_day;
	int			ready_minute;

	if (!info->info.pickup)
		ereport(ERROR,
				(errcode(OMNI_ERR_ILLEGAL_STEP),
				 errmsg("nothing can be picked up at node \"%s\"",
						text_to_cstring(PG_GETARG_TEXT_PP(0)))));
	/* a minute that has begun is not there to work in */
	if (at % USECS_PER_MINUTE != 0)
		at += USECS_PER_MINUTE;
	omni_sourcing_local_time(at, info->info.timezone, &day, &minute);
	if (!omni_calendar_ready(&info->calendar, day, minute, &ready_day,
							 &ready_minute))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(omni_sourcing_instant(ready_day, ready_minute,
												info->info.timezone));
}

/*
 * omni.read_capacity(node, day, OUT units, OUT soft_units, OUT over_cost):
 * what is configured for the day, from the day's row, the node's, its kind's;
 * null: no limit.  OM002 unknown node or NULL; OM004 it is not active.
 */
Datum
omni_sourcing_read_capacity(PG_FUNCTION_ARGS)
{
	int			node;
	OmniConfig *config;
	OmniDayCapacity capacity;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3];

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "day")));
	config = get_active_node(fcinfo, 0, &node);
	omni_sourcing_capacity(&config->nodes[node], PG_GETARG_DATEADT(1),
						   &capacity);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int32GetDatum(capacity.units);
	nulls[0] = capacity.units < 0;
	values[1] = Int32GetDatum(capacity.soft_units);
	nulls[1] = capacity.soft_units < 0;
	values[2] = Int64GetDatum(capacity.over_cost);
	nulls[2] = capacity.soft_units < 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
