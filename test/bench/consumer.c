/*
 * consumer.c
 *	  A consumer of the feed as a connector would be: it listens, reads what is
 *	  new, acknowledges it, and sleeps until it is told of more.
 *
 *	  consumer NAME
 *
 * Begins where the feed is now, says "ready", and at SIGTERM prints how many
 * events it has read.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#define BATCH "5000"

static volatile sig_atomic_t stop = 0;

static void
on_term(int signo)
{
	stop = 1;
}

/* Run a statement with parameters; ends the program when it fails. */
static PGresult *
run(PGconn *conn, const char *sql, int nparams, const char *const *params)
{
	PGresult   *result = PQexecParams(conn, sql, nparams, NULL, params, NULL,
									  NULL, 0);

	if (PQresultStatus(result) != PGRES_TUPLES_OK &&
		PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		fprintf(stderr, "consumer: %s", PQerrorMessage(conn));
		exit(1);
	}
	return result;
}

/* Sleep until something comes, and take all notifications in. */
static void
wait_for_more(PGconn *conn)
{
	struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};
	PGnotify   *notify;

	if (poll(&fd, 1, 1000) < 0 && errno != EINTR)
		exit(1);
	if (!PQconsumeInput(conn))
		exit(1);
	while ((notify = PQnotifies(conn)) != NULL)
		PQfreemem(notify);
}

int
main(int argc, char **argv)
{
	const char *params[2] = {argv[1], NULL};
	struct sigaction action = {.sa_handler = on_term};
	PGconn	   *conn;
	PGresult   *result;
	long long	events = 0;

	if (argc != 2)
		return 2;
	sigaction(SIGTERM, &action, NULL);
	conn = PQconnectdb("");
	if (PQstatus(conn) != CONNECTION_OK)
	{
		fprintf(stderr, "consumer: %s", PQerrorMessage(conn));
		return 1;
	}
	PQclear(run(conn, "LISTEN omni_event", 0, NULL));
	PQclear(run(conn, "SELECT count(*) FROM omni.read_events($1, 1)", 1,
				params));
	PQclear(run(conn, "SELECT omni.ack_events($1, omni.wait_for_tick())", 1,
				params));
	printf("ready\n");
	fflush(stdout);

	while (!stop)
	{
		int			n;

		result = run(conn, "SELECT \"position\", kind, entity, entity_id,"
					 " payload, occurred_at FROM omni.read_events($1, "
					 BATCH ")", 1, params);
		n = PQntuples(result);
		events += n;
		if (n == 0)
			wait_for_more(conn);
		else
		{
			params[1] = PQgetvalue(result, n - 1, 0);
			PQclear(run(conn, "SELECT omni.ack_events($1, $2)", 2, params));
		}
		PQclear(result);
	}
	printf("%lld\n", events);
	PQfinish(conn);
	return 0;
}
