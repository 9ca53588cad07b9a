/*
 * network.c
 *	  What the demonstration's shop pays for a parcel: two services by zone and
 *	  weight, and the labour of a store and of a warehouse.
 *
 * The rates are made up, in pence.  Zones are those of the folder's
 * network/usps_zip3_zones.csv.gz where there is a folder (pairs of the first
 * three digits of postal codes), else bands of distance.
 */
#include "replay.h"

static const char *const network_tables =
	"INSERT INTO omni.cost_currency (currency) VALUES ('GBP');"
	"INSERT INTO omni.zone_chart (code, country, default_zone)"
	" VALUES ('zones', 'US', 8);"
	"INSERT INTO omni.distance_band (chart, up_to_km, zone) VALUES"
	" ('zones', 240, 2), ('zones', 480, 3), ('zones', 965, 4),"
	" ('zones', 1610, 5), ('zones', 2250, 6), ('zones', 2900, 7);"
	"INSERT INTO omni.carrier (code, zone_chart) VALUES ('POST', 'zones'),"
	" ('VAN', 'zones');"
	"INSERT INTO omni.service (code, carrier, bracket_g, parcel_max_g,"
	" transit_days) VALUES ('parcel', 'POST', 1000, 30000, 3),"
	" ('bulk', 'VAN', 5000, 100000, 4);"
	"INSERT INTO omni.service_rate (service, zone, up_to_g, rate)"
	" SELECT 'parcel', z, g * 1000, 320 + 25 * z + (38 + 9 * z) * (g - 1)"
	" FROM generate_series(1, 9) z, generate_series(1, 30) g;"
	"INSERT INTO omni.service_rate (service, zone, up_to_g, rate)"
	" SELECT 'bulk', z, g * 5000, 900 + 60 * z + (55 + 22 * z) * (g - 1)"
	" FROM generate_series(1, 9) z, generate_series(1, 20) g;"
	"INSERT INTO omni.node_policy (node_kind, shipment_cost, unit_cost)"
	" VALUES ('store', 210, 45), ('warehouse', 90, 20);"
	"INSERT INTO omni.sourcing_policy (split_penalty) VALUES (150);";

/* The first three digits of a postal code as a number, or -1. */
static int
prefix_of(const char *postal)
{
	for (int i = 0; i < 3; i++)
	{
		if (postal[i] < '0' || postal[i] > '9')
			return -1;
	}
	return (postal[0] - '0') * 100 + (postal[1] - '0') * 10 + postal[2] - '0';
}

/* Pairs whose origin has a node. */
static void
load_zones(const World *world, PGconn *control)
{
	bool		origins[1000] = {false};
	Buffer		path = {0};
	Buffer		rows = {0};
	CsvReader	reader;

	for (int i = 0; i < world->nnodes; i++)
	{
		int			prefix = prefix_of(world->nodes[i].postal);

		if (prefix >= 0)
			origins[prefix] = true;
	}
	buffer_printf(&path, "%s/network/usps_zip3_zones.csv.gz", world->folder);
	csv_open(&reader, path.data);
	csv_header(&reader, "origin_zip,dest_zip,zone,specific_to_priority_mail,"
			   "same_ndc,has_five_digit_exceptions");
	while (csv_next(&reader))
	{
		int			origin = prefix_of(reader.fields[0]);

		/* some origins are listed without any zone */
		if (reader.nfields < 3 || origin < 0 || !origins[origin] ||
			prefix_of(reader.fields[1]) < 0 || *reader.fields[2] == '\0')
			continue;
		buffer_printf(&rows, "zones\t%s\t%s\t%s\n", reader.fields[1],
					  reader.fields[0], reader.fields[2]);
	}
	csv_close(&reader);
	copy_in(control, "COPY omni.postal_zone (chart, destination, origin, zone)"
			" FROM STDIN", &rows);
	free(rows.data);
	free(path.data);
}

/* All of it. */
void
load_network(const World *world, PGconn *control)
{
	must_run(control, network_tables);
	if (world->folder)
		load_zones(world, control);
}
