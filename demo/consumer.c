/*
 * consumer.c
 *	  A consumer of the feed on a thread and a connection of its own: it
 *	  listens, reads, checks that no position is missing or comes twice, counts
 *	  by kind, and rebuilds every balance from the deltas alone.
 *
 * Events come at least once: after a crash those that had not been
 * acknowledged come again, under the same positions, so what is not beyond
 * the last position has been counted before.  A client that was started anew
 * reads the feed again from its start.
 *
 * "lock" protects everything but the thread's own connection.
 */
#include "replay.h"

#include <poll.h>
#include <pthread.h>

#define CONSUMER "replay report"
#define BATCH "5000"

/* One kind of event: how many, and the sums of its deltas. */
typedef struct KindCount
{
	int64_t		events;
	int64_t		quantity;
	int64_t		reserved;
} KindCount;

struct Consumer
{
	const World *world;
	const char *conninfo;
	pthread_t	thread;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool		stop;
	int64_t		first;			/* position of the first event */
	int64_t		last;			/* … of the last one counted */
	int64_t		events;
	int64_t		again;			/* events that came a second time */
	int64_t		gaps;
	int64_t		strange;		/* stock events of unknown sku or node */
	int64_t		wakeups;
	int64_t		reconnects;
	Dictionary	kinds;
	KindCount  *counts;
	size_t		counts_room;
	Dictionary	node_codes;
	int32_t    *on_hand;		/* by code and node; pool last */
	int32_t    *reserved;
};

/*
 * The value of a key in one level of JSON as the server prints it; false when
 * it is absent or null.  Strings come without quotes; the codes of the two
 * sources need no escapes.
 */
static bool
json_value(const char *json, const char *key, char *into, size_t size)
{
	char		mark[40];
	const char *at;
	size_t		len;

	snprintf(mark, sizeof(mark), "\"%s\": ", key);
	at = strstr(json, mark);
	if (at == NULL)
		return false;
	at += strlen(mark);
	if (*at == '"')
		len = strcspn(++at, "\"");
	else
		len = strcspn(at, ",}");
	if (len >= size || strncmp(at, "null", 4) == 0)
		return false;
	memcpy(into, at, len);
	into[len] = '\0';
	return true;
}

/* Apply a stock event's deltas to the balance that it names. */
static void
apply_stock(Consumer *consumer, KindCount *count, const char *payload)
{
	char		text[64];
	int			node = consumer->world->nnodes;
	int			code = -1;
	size_t		at;
	long		quantity = 0;
	long		reserved = 0;

	if (json_value(payload, "sku", text, sizeof(text)))
		code = dictionary_find(&consumer->world->codes, text);
	if (json_value(payload, "node", text, sizeof(text)))
		node = dictionary_find(&consumer->node_codes, text);
	if (code < 0 || node < 0)
	{
		consumer->strange++;
		return;
	}
	if (json_value(payload, "quantity", text, sizeof(text)))
		quantity = strtol(text, NULL, 10);
	if (json_value(payload, "reserved", text, sizeof(text)))
		reserved = strtol(text, NULL, 10);
	at = (size_t) code * (size_t) (consumer->world->nnodes + 1) +
		(size_t) node;
	consumer->on_hand[at] += (int32_t) quantity;
	consumer->reserved[at] += (int32_t) reserved;
	count->quantity += quantity;
	count->reserved += reserved;
}

/* Count a batch: position, kind, payload; the caller holds the lock. */
static void
count_batch(Consumer *consumer, const PGresult *result)
{
	for (int i = 0; i < PQntuples(result); i++)
	{
		int64_t		position = strtoll(PQgetvalue(result, i, 0), NULL, 10);
		const char *kind = PQgetvalue(result, i, 1);
		int			known = consumer->kinds.count;
		int			number;

		if (consumer->events > 0 && position <= consumer->last)
		{
			consumer->again++;
			continue;
		}
		if (consumer->events == 0)
			consumer->first = position;
		else if (position != consumer->last + 1)
			consumer->gaps++;
		consumer->last = position;
		consumer->events++;
		number = dictionary_add(&consumer->kinds, kind);
		consumer->counts = grow(consumer->counts, (size_t) number,
								&consumer->counts_room, sizeof(KindCount));
		if (number == known)
			memset(&consumer->counts[number], 0, sizeof(KindCount));
		consumer->counts[number].events++;
		if (strncmp(kind, "stock.", 6) == 0)
			apply_stock(consumer, &consumer->counts[number],
						PQgetvalue(result, i, 2));
	}
}

/*
 * Read and acknowledge one batch.  1: there was something, 0: nothing, -1:
 * the connection is gone.
 */
static int
read_batch(Consumer *consumer, PGconn *connection)
{
	static const char *const read_params[] = {CONSUMER, BATCH};
	PGresult   *result = ask(connection, "SELECT position, kind, payload"
							 " FROM omni.read_events($1, $2::int)", 2,
							 read_params);
	char		position[24];
	const char *ack_params[] = {CONSUMER, position};
	int			rows = PQntuples(result);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		if (PQstatus(connection) == CONNECTION_OK)
			fail("consumer: %s", PQresultErrorMessage(result));
		PQclear(result);
		return -1;
	}
	if (rows == 0)
	{
		PQclear(result);
		return 0;
	}
	snprintf(position, sizeof(position), "%s",
			 PQgetvalue(result, rows - 1, 0));
	pthread_mutex_lock(&consumer->lock);
	count_batch(consumer, result);
	pthread_cond_broadcast(&consumer->moved);
	pthread_mutex_unlock(&consumer->lock);
	PQclear(result);

	result = ask(connection, "SELECT omni.ack_events($1, $2::bigint)", 2,
				 ack_params);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		if (PQstatus(connection) == CONNECTION_OK)
			fail("consumer: %s", PQresultErrorMessage(result));
		PQclear(result);
		return -1;
	}
	PQclear(result);
	return 1;
}

/* Wait for a wake-up, half a second at most; false: the connection is gone. */
static bool
wait_for_wakeup(Consumer *consumer, PGconn *connection)
{
	struct pollfd wait = {PQsocket(connection), POLLIN, 0};
	PGnotify   *notify;

	if (poll(&wait, 1, 500) > 0 && PQconsumeInput(connection) != 1)
		return false;
	while ((notify = PQnotifies(connection)) != NULL)
	{
		pthread_mutex_lock(&consumer->lock);
		consumer->wakeups++;
		pthread_mutex_unlock(&consumer->lock);
		PQfreemem(notify);
	}
	return PQstatus(connection) == CONNECTION_OK;
}

static bool
told_to_stop(Consumer *consumer)
{
	bool		stop;

	pthread_mutex_lock(&consumer->lock);
	stop = consumer->stop;
	pthread_mutex_unlock(&consumer->lock);
	return stop;
}

/* Connect and listen; NULL when told to stop meanwhile. */
static PGconn *
start_listening(Consumer *consumer)
{
	while (!told_to_stop(consumer))
	{
		PGconn	   *connection = connect_server(consumer->conninfo,
												"omni_replay consumer", 2);
		PGresult   *result;
		bool		fine;

		if (connection == NULL)
			continue;
		result = PQexec(connection, "LISTEN omni_event; LISTEN omni_stock");
		fine = PQresultStatus(result) == PGRES_COMMAND_OK;
		PQclear(result);
		if (fine)
			return connection;
		PQfinish(connection);
	}
	return NULL;
}

static void *
consume(void *argument)
{
	Consumer   *consumer = argument;
	PGconn	   *connection = start_listening(consumer);

	while (connection != NULL && !told_to_stop(consumer))
	{
		int			outcome = read_batch(consumer, connection);

		if (outcome > 0 ||
			(outcome == 0 && wait_for_wakeup(consumer, connection)))
			continue;
		PQfinish(connection);
		pthread_mutex_lock(&consumer->lock);
		consumer->reconnects++;
		pthread_mutex_unlock(&consumer->lock);
		connection = start_listening(consumer);
	}
	PQfinish(connection);
	return NULL;
}

static void
forget_consumer(const char *conninfo)
{
	static const char *const params[] = {CONSUMER};
	PGconn	   *connection = must_connect(conninfo, "omni_replay consumer");

	PQclear(must_ask(connection, "SELECT omni.drop_consumer(name)"
					 " FROM omni.consumer WHERE name = $1", 1, params));
	PQfinish(connection);
}

/*
 * Begin at the oldest event of the feed.  A consumer that exists already, of
 * a client that ended, is forgotten and made anew.
 */
Consumer *
consumer_start(const World *world, const char *conninfo)
{
	Consumer   *consumer = allocate(sizeof(Consumer));
	size_t		balances = (size_t) world->codes.count *
		(size_t) (world->nnodes + 1);

	consumer->world = world;
	consumer->conninfo = conninfo;
	consumer->on_hand = allocate(balances * sizeof(int32_t));
	consumer->reserved = allocate(balances * sizeof(int32_t));
	forget_consumer(conninfo);
	for (int i = 0; i < world->nnodes; i++)
		dictionary_add(&consumer->node_codes, world->nodes[i].code);
	pthread_mutex_init(&consumer->lock, NULL);
	pthread_cond_init(&consumer->moved, NULL);
	if (pthread_create(&consumer->thread, NULL, consume, consumer) != 0)
		fail("could not start the consumer's thread");
	return consumer;
}

/* Wait until everything up to a position has been read. */
bool
consumer_catch_up(Consumer *consumer, int64_t position, double patience)
{
	double		until = now_seconds() + patience;
	bool		there;

	pthread_mutex_lock(&consumer->lock);
	while (consumer->last < position && now_seconds() < until)
	{
		struct timespec wake;

		clock_gettime(CLOCK_REALTIME, &wake);
		wake.tv_sec++;
		pthread_cond_timedwait(&consumer->moved, &consumer->lock, &wake);
	}
	there = consumer->last >= position;
	pthread_mutex_unlock(&consumer->lock);
	return there;
}

void
consumer_stop(Consumer *consumer)
{
	pthread_mutex_lock(&consumer->lock);
	consumer->stop = true;
	pthread_mutex_unlock(&consumer->lock);
	pthread_join(consumer->thread, NULL);
}

/* Balances of the tables that the feed's deltas do not add up to. */
static int64_t
compare_balances(Consumer *consumer, PGconn *connection, int64_t *compared)
{
	const World *world = consumer->world;
	size_t		width = (size_t) world->nnodes + 1;
	Buffer		skus = {0};
	const char *params[1];
	PGresult   *result;
	int64_t		different = 0;

	array_open(&skus);
	for (int i = 0; i < world->codes.count; i++)
		if (!world->code[i].service && world->codes.texts[i][0])
			array_text(&skus, world->codes.texts[i]);
	array_close(&skus);
	params[0] = skus.data;
	result = must_ask(connection, "SELECT sku, node, on_hand, reserved"
					  " FROM omni.availability($1::text[])", 1, params);
	*compared = PQntuples(result);
	for (int i = 0; i < PQntuples(result); i++)
	{
		int			code = dictionary_find(&world->codes,
										   PQgetvalue(result, i, 0));
		int			node = dictionary_find(&consumer->node_codes,
										   PQgetvalue(result, i, 1));
		size_t		at = (size_t) code * width + (size_t) node;

		if (code < 0 || node < 0 ||
			consumer->on_hand[at] != atoi(PQgetvalue(result, i, 2)) ||
			consumer->reserved[at] != atoi(PQgetvalue(result, i, 3)))
			different++;
		if (code >= 0 && node >= 0)
			consumer->on_hand[at] = consumer->reserved[at] = 0;
	}
	/* what is left over is known to the feed alone */
	for (size_t i = 0; i < width * (size_t) world->codes.count; i++)
		different += consumer->on_hand[i] != 0 || consumer->reserved[i] != 0;
	PQclear(result);
	free(skus.data);
	return different;
}

/* Kinds that nothing in the tables accounts for. */
static void
print_unexpected(const Consumer *consumer, const PGresult *result, FILE *out)
{
	for (int kind = 0; kind < consumer->kinds.count; kind++)
	{
		bool		known = false;
		char		a[32];

		for (int i = 0; i < PQntuples(result) && !known; i++)
			known = strcmp(PQgetvalue(result, i, 0),
						   consumer->kinds.texts[kind]) == 0;
		if (!known)
			fprintf(out, "  %-28s %13s %13s  DIFFERENT\n",
					consumer->kinds.texts[kind],
					grouped(consumer->counts[kind].events, a), "0");
	}
}

/* Events by kind, read and expected, as the tables tell. */
static bool
report_kinds(const Consumer *consumer, PGconn *connection, FILE *out)
{
	PGresult   *result = must_ask(connection, expected_events, 0, NULL);
	int64_t		expected = 0;
	bool		fine = true;
	char		a[32];
	char		b[32];

	fprintf(out, "  %-28s %13s %13s\n", "kind", "read", "expected");
	for (int i = 0; i < PQntuples(result); i++)
	{
		int			kind = dictionary_find(&consumer->kinds,
										   PQgetvalue(result, i, 0));
		int64_t		count = strtoll(PQgetvalue(result, i, 1), NULL, 10);
		int64_t		got = kind < 0 ? 0 : consumer->counts[kind].events;

		expected += count;
		fine = fine && got == count;
		if (got != 0 || count != 0)
			fprintf(out, "  %-28s %13s %13s%s\n", PQgetvalue(result, i, 0),
					grouped(got, a), grouped(count, b),
					got == count ? "" : "  DIFFERENT");
	}
	fine = fine && consumer->events == expected;
	print_unexpected(consumer, result, out);
	PQclear(result);
	fprintf(out, "  %-28s %13s %13s%s\n", "all", grouped(consumer->events, a),
			grouped(expected, b), consumer->events == expected ? "" :
			"  DIFFERENT");
	return fine;
}

/*
 * What the consumer saw against what the tables say; the consumer has
 * stopped.  False when they differ.
 */
bool
consumer_report(Consumer *consumer, PGconn *connection, FILE *out)
{
	int64_t		balances;
	int64_t		different = compare_balances(consumer, connection, &balances);
	bool		fine;
	char		a[32];

	fprintf(out, "\nFeed, as a listening consumer read it\n");
	fine = report_kinds(consumer, connection, out);
	fprintf(out, "  positions missing or out of order: %lld\n",
			(long long) consumer->gaps);
	fprintf(out, "  balances rebuilt from deltas alone: %s, different from the"
			" tables: %lld\n", grouped(balances, a), (long long) different);
	if (consumer->strange)
		fprintf(out, "  stock events of unknown sku or node: %lld\n",
				(long long) consumer->strange);
	return fine && consumer->gaps == 0 && different == 0 &&
		consumer->strange == 0;
}

/* How the consumer fared; differs from run to run. */
void
consumer_show(const Consumer *consumer, FILE *out)
{
	fprintf(out, "  consumer: %lld wake-ups, %lld reconnections, %lld events "
			"that came again and were not counted twice\n",
			(long long) consumer->wakeups, (long long) consumer->reconnects,
			(long long) consumer->again);
}

void
consumer_free(Consumer *consumer)
{
	free(consumer->on_hand);
	free(consumer->reserved);
	free(consumer->counts);
	dictionary_free(&consumer->kinds);
	dictionary_free(&consumer->node_codes);
	pthread_mutex_destroy(&consumer->lock);
	pthread_cond_destroy(&consumer->moved);
	free(consumer);
}
