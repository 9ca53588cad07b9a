/*
 * pipeline.c
 *	  A pool of connections in pipeline mode under one poll loop.
 *
 * Each command is a prepared statement followed by a Sync, so each is a
 * transaction of its own and one that fails takes no other along.  Commands
 * of a connection run, and their results arrive, in the order of sending.
 * A connection that breaks ends the run with OUTCOME_LOST: what was in flight
 * may have been committed or not, and the caller sends it again.
 */
#include "replay.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#define PATIENCE 120.0			/* seconds to wait for a server that is away */

/*
 * Connect, trying for "patience" seconds while the server is away or starts;
 * NULL when it stays away.
 */
PGconn *
connect_server(const char *conninfo, const char *name, double patience)
{
	const char *const keywords[] = {"dbname", "fallback_application_name",
		"connect_timeout", NULL};
	const char *const values[] = {conninfo, name, "10", NULL};
	const struct timespec pause = {0, 50 * 1000 * 1000};
	double		until = now_seconds() + patience;

	for (;;)
	{
		PGconn	   *connection = PQconnectdbParams(keywords, values, 1);

		if (PQstatus(connection) == CONNECTION_OK)
			return connection;
		PQfinish(connection);
		if (now_seconds() >= until)
			return NULL;
		nanosleep(&pause, NULL);
	}
}

/* Connect at once, or the end. */
PGconn *
must_connect(const char *conninfo, const char *name)
{
	const char *const keywords[] = {"dbname", "fallback_application_name",
		NULL};
	const char *const values[] = {conninfo, name, NULL};
	PGconn	   *connection = PQconnectdbParams(keywords, values, 1);

	if (PQstatus(connection) != CONNECTION_OK)
		fail("%s", PQerrorMessage(connection));
	return connection;
}

/* Open every lane with its statements prepared; false: the server is away. */
bool
pool_open(Pool *pool, double patience)
{
	for (int i = 0; i < pool->nlanes; i++)
	{
		Lane	   *lane = &pool->lanes[i];

		lane->head = lane->count = 0;
		lane->connection = connect_server(pool->conninfo, "omni_replay",
										  patience);
		if (lane->connection == NULL)
			return false;
		for (const Statement *s = statements; s->name; s++)
		{
			PGresult   *result = PQprepare(lane->connection, s->name, s->sql,
										   0, NULL);

			if (PQresultStatus(result) != PGRES_COMMAND_OK)
			{
				if (PQstatus(lane->connection) == CONNECTION_BAD)
				{
					PQclear(result);
					return false;
				}
				fail("statement \"%s\": %s", s->name,
					 PQresultErrorMessage(result));
			}
			PQclear(result);
		}
		if (PQsetnonblocking(lane->connection, 1) != 0 ||
			PQenterPipelineMode(lane->connection) != 1)
			fail("pipeline mode: %s", PQerrorMessage(lane->connection));
	}
	return true;
}

void
pool_close(Pool *pool)
{
	for (int i = 0; i < pool->nlanes; i++)
	{
		PQfinish(pool->lanes[i].connection);
		pool->lanes[i].connection = NULL;
		pool->lanes[i].count = 0;
	}
}

/* The server has gone: wait until every lane is open again, or the end. */
void
pool_come_back(Pool *pool)
{
	double		until = now_seconds() + PATIENCE;

	fprintf(stderr, "\n  the server has gone; waiting for it\n");
	do
	{
		pool_close(pool);
		if (now_seconds() > until)
			fail("the server stays away");
	} while (!pool_open(pool, PATIENCE));
}

/* May another command be sent? */
bool
lane_room(const Lane *lane)
{
	return lane->count < PIPELINE_DEPTH;
}

/* Send one command and its Sync; false: the connection is gone. */
bool
lane_send(Lane *lane, const char *statement, Command command, int nparams,
		  const char *const *params)
{
	if (PQsendQueryPrepared(lane->connection, statement, nparams, params,
							NULL, NULL, 0) != 1 ||
		PQpipelineSync(lane->connection) != 1)
	{
		if (PQstatus(lane->connection) == CONNECTION_BAD)
			return false;
		fail("statement \"%s\": %s", statement,
			 PQerrorMessage(lane->connection));
	}
	lane->flight[(lane->head + lane->count++) % PIPELINE_DEPTH] = command;
	lane->statements++;
	return true;
}

/* Does this error say that the server is going away? */
static bool
server_leaves(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return state == NULL || strncmp(state, "57P", 3) == 0 ||
		strncmp(state, "08", 2) == 0;
}

/*
 * Take what has arrived on a lane; each command has one result, then NULL,
 * then the answer to its Sync.  False: the connection is gone.
 */
static bool
lane_receive(const Driver *driver, void *state, Pool *pool, int number,
			 PGresult **waiting)
{
	Lane	   *lane = &pool->lanes[number];

	if (PQconsumeInput(lane->connection) != 1)
		return false;
	while (lane->count > 0 && !PQisBusy(lane->connection))
	{
		PGresult   *result = PQgetResult(lane->connection);
		ExecStatusType status = PQresultStatus(result);

		if (result == NULL)
		{
			if (PQstatus(lane->connection) == CONNECTION_BAD)
				return false;
			continue;
		}
		if (status == PGRES_PIPELINE_SYNC)
		{
			Command		command = lane->flight[lane->head];
			PGresult   *answer = *waiting;
			bool		goes_on;

			PQclear(result);
			lane->head = (lane->head + 1) % PIPELINE_DEPTH;
			lane->count--;
			*waiting = NULL;
			goes_on = driver->result(state, pool, number, command, answer);
			PQclear(answer);
			if (!goes_on)
				return false;
			continue;
		}
		if ((status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) &&
			(PQstatus(lane->connection) == CONNECTION_BAD ||
			 server_leaves(result)))
		{
			PQclear(result);
			return false;
		}
		PQclear(*waiting);
		*waiting = result;
	}
	return true;
}

/* Fill the lanes as far as the driver wants to, and push bytes out. */
static bool
fill_lanes(const Driver *driver, void *state, Pool *pool,
		   struct pollfd *waits)
{
	for (int i = 0; i < pool->nlanes; i++)
	{
		int			left;

		if (!driver->fill(state, pool, i))
			return false;
		left = PQflush(pool->lanes[i].connection);
		if (left < 0)
			return false;
		waits[i].fd = PQsocket(pool->lanes[i].connection);
		waits[i].events = (short) (POLLIN | (left > 0 ? POLLOUT : 0));
		waits[i].revents = 0;
	}
	return true;
}

/* Let the driver send and hear until it has finished or a lane is lost. */
Outcome
pool_run(Pool *pool, const Driver *driver, void *state)
{
	struct pollfd waits[MAX_CONNECTIONS];
	PGresult   *waiting[MAX_CONNECTIONS] = {NULL};
	Outcome		outcome = OUTCOME_LOST;

	while (fill_lanes(driver, state, pool, waits))
	{
		int			flying = 0;
		bool		lost = false;

		for (int i = 0; i < pool->nlanes; i++)
			flying += pool->lanes[i].count;
		if (flying == 0)
		{
			if (!driver->finished(state))
				fail("nothing in flight and nothing to send");
			outcome = OUTCOME_DONE;
			break;
		}
		if (poll(waits, (nfds_t) pool->nlanes, 1000) < 0 && errno != EINTR)
			fail("poll: %s", strerror(errno));
		for (int i = 0; i < pool->nlanes && !lost; i++)
			if (waits[i].revents & (POLLIN | POLLHUP | POLLERR))
				lost = !lane_receive(driver, state, pool, i, &waiting[i]);
		if (lost)
			break;
	}
	for (int i = 0; i < pool->nlanes; i++)
		PQclear(waiting[i]);
	return outcome;
}

/* One statement with parameters on an ordinary connection. */
PGresult *
ask(PGconn *connection, const char *sql, int nparams,
	const char *const *params)
{
	return PQexecParams(connection, sql, nparams, NULL, params, NULL, NULL, 0);
}

/* The same where an error is the end. */
PGresult *
must_ask(PGconn *connection, const char *sql, int nparams,
		 const char *const *params)
{
	PGresult   *result = ask(connection, sql, nparams, params);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail("%s%s", PQresultErrorMessage(result), sql);
	return result;
}
