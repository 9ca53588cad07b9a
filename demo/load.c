/*
 * load.c
 *	  Channels, nodes, items and opening stock: what a DBA loads once.
 *
 * Master data and the journal come in one transaction, stock afterwards in
 * parcels that the journal makes repeatable, so a load that was interrupted
 * goes on where it was.
 */
#include "replay.h"

#define PARCEL 500				/* stock rows in one transaction */

/* One field of COPY's text format, and what follows it. */
static void
copy_field(Buffer *buffer, const char *text, char after)
{
	for (; *text; text++)
	{
		if (*text == '\\' || *text == '\t' || *text == '\n' || *text == '\r')
			buffer_char(buffer, '\\');
		buffer_char(buffer, *text);
	}
	buffer_char(buffer, after);
}

/* COPY the buffer's lines in. */
void
copy_in(PGconn *control, const char *sql, const Buffer *buffer)
{
	PGresult   *result = PQexec(control, sql);

	if (PQresultStatus(result) != PGRES_COPY_IN)
		fail("%s%s", PQresultErrorMessage(result), sql);
	PQclear(result);
	if (PQputCopyData(control, buffer->data, (int) buffer->len) != 1 ||
		PQputCopyEnd(control, NULL) != 1)
		fail("%s", PQerrorMessage(control));
	result = PQgetResult(control);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail("%s%s", PQresultErrorMessage(result), sql);
	PQclear(result);
	while ((result = PQgetResult(control)) != NULL)
		PQclear(result);
}

/* Statements without parameters; an error is the end. */
void
must_run(PGconn *control, const char *sql)
{
	PGresult   *result = PQexec(control, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail("%s%s", PQresultErrorMessage(result), sql);
	PQclear(result);
}

static void
load_nodes(const World *world, PGconn *control)
{
	Buffer		rows = {0};

	for (int i = 0; i < world->nnodes; i++)
	{
		const Node *node = &world->nodes[i];

		copy_field(&rows, node->code, '\t');
		buffer_add(&rows, node->warehouse ? "warehouse\t" : "store\t");
		copy_field(&rows, node->name, '\t');
		buffer_printf(&rows, "%.7f\t%.7f\tUS\t", node->latitude,
					  node->longitude);
		copy_field(&rows, node->postal, '\n');
	}
	copy_in(control, "COPY omni.node (code, kind, name, latitude, longitude,"
			" country, postal_code) FROM STDIN", &rows);
	free(rows.data);
}

static void
load_items(const World *world, PGconn *control)
{
	Buffer		rows = {0};

	for (int i = 0; i < world->codes.count; i++)
	{
		const char *sku = world->codes.texts[i];

		if (world->code[i].service || *sku == '\0')
			continue;
		copy_field(&rows, sku, '\t');
		copy_field(&rows, world->code[i].name ? world->code[i].name : sku,
				   '\n');
	}
	copy_in(control, "COPY omni.item (sku, name) FROM STDIN", &rows);
	free(rows.data);
}

/* Note what this database replays, with everything but stock. */
static void
load_master(const World *world, PGconn *control, const char *seed,
			const char *days, const char *first_day)
{
	const char *const params[] = {world->source, seed, days, first_day};

	must_run(control, "BEGIN");
	must_run(control, journal_tables);
	PQclear(must_ask(control, "INSERT INTO replay.run"
					 " VALUES ($1, $2, $3::int, $4::date)", 4, params));
	must_run(control, "INSERT INTO omni.channel (code, kind, name) VALUES"
			 " ('pos', 'pos', 'Tills'), ('web', 'web', 'Web shop'),"
			 " ('app', 'app', 'App, collected in a store'),"
			 " ('market', 'marketplace', 'Marketplace')");
	load_nodes(world, control);
	load_items(world, control);
	load_network(world, control);
	must_run(control, "COMMIT");
}

/*
 * Load channels, nodes, items and the journal where they are not loaded yet.
 * A database that replays something else is refused.
 */
void
load_world(const World *world, const char *conninfo)
{
	PGconn	   *control = must_connect(conninfo, "omni_replay load");
	PGresult   *result;
	char		seed[32];
	char		days[16];
	char		first_day[11];
	bool		fresh;

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long) world->seed);
	snprintf(days, sizeof(days), "%d", world->days);
	day_text(world->first_day, first_day);

	result = must_ask(control, "SELECT to_regclass('replay.run')", 0, NULL);
	fresh = PQgetisnull(result, 0, 0);
	PQclear(result);
	if (fresh)
		load_master(world, control, seed, days, first_day);
	else
	{
		const char *const params[] = {world->source, seed, days, first_day};

		result = must_ask(control, "SELECT FROM replay.run WHERE source = $1"
						  " AND seed = $2 AND days = $3::int"
						  " AND first_day = $4::date", 4, params);
		if (PQntuples(result) != 1)
			fail("this database holds another replay (see replay.run)");
		PQclear(result);
	}
	PQfinish(control);
}

/* The opening stock; what has been booked before is not booked again. */
Outcome
load_stock(const World *world, Pool *pool)
{
	SupplyList	supply = {0};
	Outcome		outcome;

	/* every item once first, while the ledger is short */
	plan_targets(world, &supply);
	outcome = receive_supply(world, pool, "opening, warehouses", &supply,
							 false);
	if (outcome == OUTCOME_DONE)
	{
		plan_opening(world, &supply);
		outcome = receive_supply(world, pool, "opening, stores", &supply,
								 false);
	}
	free(supply.rows);
	return outcome;
}

/* ---- stock in parcels over all lanes ---- */

typedef struct Delivery
{
	const World *world;
	const SupplyList *list;
	const char *label;
	bool		top_up;
	int			next;			/* parcel to send */
	int			done;
	int			parcels;
	Buffer		nodes;
	Buffer		skus;
	Buffer		quantities;
} Delivery;

static bool
fill_delivery(void *state, Pool *pool, int number)
{
	Delivery   *delivery = state;
	Lane	   *lane = &pool->lanes[number];

	/* few at a time on each lane, so that all have some */
	while (delivery->next < delivery->parcels && lane->count < 2)
	{
		int			from = delivery->next * PARCEL;
		char		reference[80];
		const char *params[4];
		Command		command = {0, delivery->next++};

		array_open(&delivery->nodes);
		array_open(&delivery->skus);
		array_open(&delivery->quantities);
		for (int i = from; i < from + PARCEL && i < delivery->list->count; i++)
		{
			const Supply *row = &delivery->list->rows[i];

			array_text(&delivery->nodes,
					   delivery->world->nodes[row->node].code);
			array_text(&delivery->skus,
					   delivery->world->codes.texts[row->code]);
			array_int(&delivery->quantities, row->quantity);
		}
		array_close(&delivery->nodes);
		array_close(&delivery->skus);
		array_close(&delivery->quantities);
		snprintf(reference, sizeof(reference), "%s/%d", delivery->label,
				 command.subject);
		params[0] = reference;
		params[1] = delivery->nodes.data;
		params[2] = delivery->skus.data;
		params[3] = delivery->quantities.data;
		if (!lane_send(lane, delivery->top_up ? "top_up" : "receive", command,
					   4, params))
			return false;
	}
	return true;
}

static bool
delivery_result(void *state, Pool *pool, int lane, Command command,
				PGresult *result)
{
	Delivery   *delivery = state;

	(void) pool;
	(void) lane;
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail("%s, parcel %d: %s", delivery->label, command.subject,
			 PQresultErrorMessage(result));
	delivery->done++;
	return true;
}

static bool
delivery_finished(void *state)
{
	const Delivery *delivery = state;

	return delivery->done == delivery->parcels;
}

/*
 * Receive the list's quantities, or top up to them; each parcel once, however
 * often it is sent.
 */
Outcome
receive_supply(const World *world, Pool *pool, const char *label,
			   const SupplyList *list, bool top_up)
{
	static const Driver driver = {fill_delivery, delivery_result,
		delivery_finished};
	Delivery	delivery = {world, list, label, top_up, 0, 0,
		(list->count + PARCEL - 1) / PARCEL, {0}, {0}, {0}};
	Outcome		outcome = pool_run(pool, &driver, &delivery);

	free(delivery.nodes.data);
	free(delivery.skus.data);
	free(delivery.quantities.data);
	return outcome;
}
