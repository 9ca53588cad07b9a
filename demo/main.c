/*
 * main.c
 *	  omni_replay: a retailer's invoices, replayed through four channels at
 *	  once against a database with omni.
 *
 * An integration as a user would write it: ordinary connections, parameters,
 * pipeline mode, a journal of its own beside omni's tables.  Everything that
 * it needs comes from its arguments; the server is found as by any libpq
 * program.
 */
#include "replay.h"

#include <getopt.h>
#include <signal.h>

typedef struct Options
{
	const char *conninfo;
	const char *data;			/* folder, NULL: the embedded sample */
	const char *report;			/* file for the report, NULL: none */
	int			days;
	int			connections;	/* per channel */
	uint64_t	seed;
	bool		ordered;
	bool		fingerprint;
	bool		reconcile;
} Options;

static void
usage(FILE *out)
{
	fputs("omni_replay replays a retailer's invoices against omni.\n\n"
		  "  --data DIR         real input (network/, retail/); default: an"
		  " invented shop\n"
		  "  --days N           how many days of it (30)\n"
		  "  --connections N    connections per channel, 1 to 4 (2)\n"
		  "  --seed N           seed of every choice (20101201)\n"
		  "  --race             do not order what could change an outcome\n"
		  "  --report FILE      write the report there, too\n"
		  "  --reconcile        read the input, show how it is mapped, and"
		  " end\n"
		  "  --fingerprint      print hashes of availability and order"
		  " documents, and end\n"
		  "  --dbname CONNINFO  where omni is (default: PGHOST, PGDATABASE"
		  " …)\n", out);
}

/* A whole number between bounds, or the end. */
static long
number_option(const char *name, const char *text, long low, long high)
{
	char	   *end;
	long		value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < low || value > high)
		fail("--%s must be a number from %ld to %ld", name, low, high);
	return value;
}

static void
read_options(Options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"data", required_argument, NULL, 'd'},
		{"days", required_argument, NULL, 'n'},
		{"connections", required_argument, NULL, 'c'},
		{"seed", required_argument, NULL, 's'},
		{"race", no_argument, NULL, 'r'},
		{"report", required_argument, NULL, 'o'},
		{"reconcile", no_argument, NULL, 'm'},
		{"fingerprint", no_argument, NULL, 'f'},
		{"dbname", required_argument, NULL, 'b'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}
	};
	int			option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (option)
		{
			case 'd':
				options->data = optarg;
				break;
			case 'n':
				options->days = (int) number_option("days", optarg, 1, 100000);
				break;
			case 'c':
				options->connections = (int) number_option("connections",
														   optarg, 1, 4);
				break;
			case 's':
				options->seed = (uint64_t) number_option("seed", optarg, 0,
														 2147483647);
				break;
			case 'r':
				options->ordered = false;
				break;
			case 'o':
				options->report = optarg;
				break;
			case 'm':
				options->reconcile = true;
				break;
			case 'f':
				options->fingerprint = true;
				break;
			case 'b':
				options->conninfo = optarg;
				break;
			case 'h':
				usage(stdout);
				exit(0);
			default:
				usage(stderr);
				exit(2);
		}
	if (optind < argc)
		fail("\"%s\" is no option", argv[optind]);
}

/* Copy the report's text to the terminal. */
static void
show(FILE *report)
{
	char		block[4096];
	size_t		len;

	rewind(report);
	while ((len = fread(block, 1, sizeof(block), report)) > 0)
		fwrite(block, 1, len, stdout);
	fflush(stdout);
}

/* Let the consumer read what has been committed, then stop it. */
static bool
drain_feed(Consumer *consumer, PGconn *connection)
{
	PGresult   *result = must_ask(connection,
								  "SELECT omni.wait_for_tick('2 min')", 0,
								  NULL);
	int64_t		position = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	bool		there = consumer_catch_up(consumer, position, 600);

	PQclear(result);
	consumer_stop(consumer);
	return there;
}

/* Rates; these differ from run to run. */
static void
show_speed(const Figures *figures, const Consumer *consumer, double seconds)
{
	printf("\nSpeed (differs from run to run)\n");
	printf("  %lld orders in %.1f s: %.0f orders per second, %lld "
		   "transactions: %.0f per second\n",
		   (long long) figures->orders_sent, figures->seconds,
		   (double) figures->orders_sent / (figures->seconds + 1e-9),
		   (long long) figures->statements,
		   (double) figures->statements / (figures->seconds + 1e-9));
	printf("  load %.1f s, all %.1f s; an idle connection waited for another"
		   " one %d times\n", figures->load_seconds, seconds, figures->stalls);
	if (figures->crashes)
		printf("  the server went away %d times\n", figures->crashes);
	consumer_show(consumer, stdout);
}

/* Load, replay, report.  True when every check holds. */
static bool
run(const Options *options, World *world, FILE *report)
{
	Pool		pool = {.conninfo = options->conninfo,
		.nlanes = options->connections * CHANNELS};
	Figures		figures = {0};
	double		began = now_seconds();
	Consumer   *consumer;
	PGconn	   *connection;
	bool		fine = true;

	fprintf(stderr, "loading %d nodes and %d stock codes\n", world->nnodes,
			world->codes.count);
	load_world(world, options->conninfo);
	if (!pool_open(&pool, 30))
		fail("no server");
	consumer = consumer_start(world, options->conninfo);
	while (load_stock(world, &pool) != OUTCOME_DONE)
	{
		pool_come_back(&pool);
		figures.crashes++;
	}
	figures.load_seconds = now_seconds() - began;
	fprintf(stderr, "replaying %d days over %d connections\n", world->days,
			pool.nlanes);
	replay_days(world, &pool, options->ordered, &figures);
	pool_close(&pool);

	connection = must_connect(options->conninfo, "omni_replay report");
	if (!drain_feed(consumer, connection))
	{
		fprintf(stderr, "the consumer did not reach the feed's end\n");
		fine = false;
	}
	fine &= report_service(world, connection, report);
	fine &= consumer_report(consumer, connection, report);
	fprintf(report, "\nEverything adds up: %s\n", fine ? "yes" : "NO");
	show(report);
	show_speed(&figures, consumer, now_seconds() - began);
	PQfinish(connection);
	consumer_free(consumer);
	return fine;
}

int
main(int argc, char **argv)
{
	Options		options = {.conninfo = "", .days = 30, .connections = 2,
		.seed = 20101201, .ordered = true};
	World		world = {0};
	FILE	   *report;
	bool		fine;

	signal(SIGPIPE, SIG_IGN);
	read_options(&options, argc, argv);
	if (options.fingerprint)
	{
		PGconn	   *connection = must_connect(options.conninfo,
											  "omni_replay");

		fine = fingerprint(connection, stdout);
		PQfinish(connection);
		return fine ? 0 : 1;
	}

	world.seed = options.seed;
	fprintf(stderr, "reading the source\n");
	if (options.data)
		source_uci(&world, options.data);
	else
		source_sample(&world);
	world_finish(&world, options.days);
	plan_invoices(&world, options.connections);

	report = options.report ? fopen(options.report, "w+") : tmpfile();
	if (report == NULL)
		fail("could not open the report's file");
	fine = reconcile_source(&world, report);
	if (options.reconcile)
		show(report);
	else
		fine &= run(&options, &world, report);
	fclose(report);
	world_free(&world);
	return fine ? 0 : 1;
}
