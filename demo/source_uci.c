/*
 * source_uci.c
 *	  Real input from a folder: stores, ZIP areas, and a year of invoices.
 *
 * network/stores.csv (the BigBox stores), network/zips.csv and
 * retail/online_retail_2010_2011.csv.gz.  A record that is not of the file's
 * form ends the program: nothing is skipped in silence.
 */
#include "replay.h"

#include <errno.h>

/* A whole number within bounds, or the end. */
static long
whole(const CsvReader *reader, const char *text, long low, long high)
{
	char	   *end;
	long		value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0 || value < low ||
		value > high)
		fail("%s, line %lld: \"%s\" is no whole number from %ld to %ld",
			 reader->name, (long long) reader->line, text, low, high);
	return value;
}

/* A coordinate, or the end. */
static double
coordinate(const CsvReader *reader, const char *text, double limit)
{
	char	   *end;
	double		value = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(value >= -limit && value <= limit))
		fail("%s, line %lld: \"%s\" is no coordinate", reader->name,
			 (long long) reader->line, text);
	return value;
}

static void
expect_fields(const CsvReader *reader, int fields)
{
	if (reader->nfields != fields)
		fail("%s, line %lld: %d fields instead of %d", reader->name,
			 (long long) reader->line, reader->nfields, fields);
}

static void
read_stores(World *world, const char *path)
{
	CsvReader	reader;

	csv_open(&reader, path);
	csv_header(&reader, "store_id,type,name,city,state,zip,latitude,longitude,"
			   "hours,services");
	while (csv_next(&reader))
	{
		Node		node = {0};
		char		name[160];

		expect_fields(&reader, 10);
		if (strcmp(reader.fields[1], "BigBox") != 0)
			continue;
		snprintf(node.code, sizeof(node.code), "S%ld",
				 whole(&reader, reader.fields[0], 1, 9999999));
		snprintf(name, sizeof(name), "%s, %s", reader.fields[2],
				 reader.fields[4]);
		copy_short(node.name, sizeof(node.name), name);
		copy_short(node.postal, sizeof(node.postal), reader.fields[5]);
		node.latitude = coordinate(&reader, reader.fields[6], 90);
		node.longitude = coordinate(&reader, reader.fields[7], 180);
		world_add_node(world, &node);
	}
	csv_close(&reader);
	world_add_warehouses(world);
}

static void
read_areas(World *world, const char *path)
{
	CsvReader	reader;

	csv_open(&reader, path);
	csv_header(&reader, "zip,latitude,longitude,population");
	while (csv_next(&reader))
	{
		Area		area = {0};

		expect_fields(&reader, 4);
		copy_short(area.postal, sizeof(area.postal), reader.fields[0]);
		area.latitude = coordinate(&reader, reader.fields[1], 90);
		area.longitude = coordinate(&reader, reader.fields[2], 180);
		if (*reader.fields[3])
			area.population = (int32_t) whole(&reader, reader.fields[3], 0,
											  100000000);
		world_add_area(world, &area);
	}
	csv_close(&reader);
}

/* "2010-12-01 08:26:00" */
static void
read_time(const CsvReader *reader, const char *text, SourceRow *row)
{
	int			year, month, day, hour, minute, second;
	char		rest;

	if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d%c", &year, &month, &day, &hour,
			   &minute, &second, &rest) != 6 ||
		month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
		minute > 59 || second > 59)
		fail("%s, line %lld: \"%s\" is no time", reader->name,
			 (long long) reader->line, text);
	row->day = day_number(year, month, day);
	row->second = (hour * 60 + minute) * 60 + second;
}

static void
read_invoices(World *world, const char *path)
{
	CsvReader	reader;

	csv_open(&reader, path);
	csv_header(&reader, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,"
			   "UnitPrice,CustomerID,Country");
	while (csv_next(&reader))
	{
		SourceRow	row = {0};

		expect_fields(&reader, 8);
		row.invoice = reader.fields[0];
		row.code = reader.fields[1];
		row.description = reader.fields[2];
		row.quantity = (int32_t) whole(&reader, reader.fields[3], -10000000,
									   10000000);
		read_time(&reader, reader.fields[4], &row);
		if (!parse_mills(reader.fields[5], &row.price))
			fail("%s, line %lld: \"%s\" is no price in thousandths",
				 reader.name, (long long) reader.line, reader.fields[5]);
		row.customer = reader.fields[6];
		if (*row.invoice == '\0')
			fail("%s, line %lld: no invoice number", reader.name,
				 (long long) reader.line);
		world_add_row(world, &row);
	}
	csv_close(&reader);
}

/* Fill the world from "folder". */
void
source_uci(World *world, const char *folder)
{
	Buffer		path = {0};

	world->source =
		"UCI Online Retail invoices, Best Buy stores, US ZIP areas";
	world->whole_totals = true;
	world->folder = folder;
	buffer_printf(&path, "%s/network/stores.csv", folder);
	read_stores(world, path.data);
	buffer_reset(&path);
	buffer_printf(&path, "%s/network/zips.csv", folder);
	read_areas(world, path.data);
	buffer_reset(&path);
	buffer_printf(&path, "%s/retail/online_retail_2010_2011.csv.gz", folder);
	read_invoices(world, path.data);
	free(path.data);
}
