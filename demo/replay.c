/*
 * replay.c
 *	  The days: deliveries, then the day's invoices over all connections at
 *	  once, then the fulfilments' steps.
 *
 * Order.  A connection sends its invoices in the order of time, many in
 * flight.  Between connections, an invoice waits until those earlier ones
 * have been confirmed that could change what omni decides about it: an order
 * that may be shipped from anywhere waits for every earlier invoice with one
 * of its skus; a till sale, pickup or return, which concerns one store, waits
 * for earlier shipped orders with one of its skus and for the same store's
 * earlier invoices with it.  So whatever the timing, each order finds the
 * stock that it would have found one invoice after the other, and the outcome
 * is the same.  The rest runs side by side.  (--race leaves the waiting out.)
 *
 * Because a connection's results come in order, "wait for these invoices" is
 * one number per other connection: how many of its invoices must be done.
 *
 * A crash loses nothing: what an invoice waits for has been confirmed, so what
 * is committed is always closed under "earlier and in conflict".  The day is
 * sent again from its start; every statement is harmless the second time.
 */
#include "replay.h"

#include <unistd.h>

#define LATE_HOUR 16			/* pickups ordered later wait over night */

/* One step of one order's fulfilments. */
typedef struct Step
{
	int32_t		invoice;
	const char *statement;
} Step;

typedef struct StepList
{
	Step	   *steps;
	int			count;
	size_t		room;
	int			sent;
	int			done;
} StepList;

/* What one lane has to send today, by invoice number. */
typedef struct Queue
{
	int32_t    *invoices;
	bool	   *complete;
	int32_t   (*need)[MAX_CONNECTIONS];
	int			count;
	int			room;
	int			sent;
	int			done;			/* all before this one are complete */
	bool		stalled;
} Queue;

/* Who touched an item at a node last: open addressing over (code, node). */
typedef struct Touch
{
	int64_t		key;			/* 0: free */
	int32_t		last[MAX_CONNECTIONS];
} Touch;

typedef struct Replay
{
	World	   *world;
	Pool	   *pool;
	PGconn	   *control;
	Figures    *figures;
	bool		ordered;
	int64_t    *order_ids;		/* by invoice; 0: none or not known */
	bool	   *answered;		/* by invoice */
	Queue		queues[MAX_CONNECTIONS];
	int32_t   (*shipped)[MAX_CONNECTIONS];	/* by code: last shipped order */
	int32_t   (*fixed)[MAX_CONNECTIONS];	/* by code: last at a given node */
	Touch	   *touches;
	size_t		ntouches;
	StepList	steps[MAX_CONNECTIONS];
	Letters		letters;
	int			total;			/* invoices to send in the whole window */
	int			sent_before;	/* … and those of days gone by */
	int			base;			/* … when this run began */
	double		started;
	double		shown;
	int			day;
} Replay;

/* ---- who waits for whom ---- */

/* The entry of an item at a node. */
static Touch *
touch(Replay *replay, int code, int node)
{
	int64_t		key = ((int64_t) code << 24 | node) + 1;
	size_t		mask = replay->ntouches - 1;
	size_t		at = mix((uint64_t) key, 3) & mask;

	while (replay->touches[at].key != 0 && replay->touches[at].key != key)
		at = (at + 1) & mask;
	replay->touches[at].key = key;
	return &replay->touches[at];
}

static void
raise_to(int32_t *need, const int32_t *last, int lanes)
{
	for (int k = 0; k < lanes; k++)
		if (need[k] < last[k])
			need[k] = last[k];
}

/* Queue an invoice, with what it must wait for on the other lanes. */
static void
queue_invoice(Replay *replay, int number)
{
	const Invoice *invoice = &replay->world->invoices[number];
	int			own = invoice->connection;
	int			lanes = replay->pool->nlanes;
	Queue	   *queue = &replay->queues[own];
	int			at = queue->count++;
	int32_t    *need = queue->need[at];

	queue->invoices[at] = number;
	queue->complete[at] = false;
	memset(need, 0, sizeof(queue->need[at]));
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < invoice->nlines; i++)
		{
			const Line *line = &replay->world->lines[invoice->first + i];
			Touch	   *place;

			if (line->fate != FATE_SALE && line->fate != FATE_BACK)
				continue;
			if (invoice->node < 0)
			{
				if (pass == 0)
				{
					raise_to(need, replay->shipped[line->code], lanes);
					raise_to(need, replay->fixed[line->code], lanes);
				}
				else
					replay->shipped[line->code][own] = at + 1;
				continue;
			}
			place = touch(replay, line->code, invoice->node);
			if (pass == 0)
			{
				raise_to(need, replay->shipped[line->code], lanes);
				raise_to(need, place->last, lanes);
			}
			else
			{
				replay->fixed[line->code][own] = at + 1;
				place->last[own] = at + 1;
			}
		}
	need[own] = 0;				/* its own lane keeps the order */
}

/* Empty queues with room for the invoices from "first" up to "last". */
static void
reset_queues(Replay *replay, int first, int last)
{
	size_t		codes = (size_t) replay->world->codes.count;
	size_t		lines = 0;

	for (int i = first; i < last; i++)
		lines += (size_t) replay->world->invoices[i].nlines;
	free(replay->touches);
	for (replay->ntouches = 64; replay->ntouches < lines * 2;)
		replay->ntouches *= 2;
	replay->touches = allocate(replay->ntouches * sizeof(Touch));
	memset(replay->shipped, 0, codes * sizeof(*replay->shipped));
	memset(replay->fixed, 0, codes * sizeof(*replay->fixed));
	for (int k = 0; k < replay->pool->nlanes; k++)
	{
		Queue	   *queue = &replay->queues[k];

		if (queue->room < last - first)
		{
			free(queue->invoices);
			free(queue->complete);
			free(queue->need);
			queue->room = last - first;
			queue->invoices = allocate((size_t) queue->room * sizeof(int32_t));
			queue->complete = allocate((size_t) queue->room * sizeof(bool));
			queue->need = allocate((size_t) queue->room *
								   sizeof(*queue->need));
		}
		queue->count = queue->sent = queue->done = 0;
		queue->stalled = false;
	}
}

/* ---- the day's invoices ---- */

/* Rate and time left, on one line of a terminal or now and then. */
static void
show_progress(Replay *replay, bool now)
{
	static int	terminal = -1;
	double		clock = now_seconds();
	int			done = replay->sent_before;
	double		rate;
	int			left;
	char		day[11];

	if (terminal < 0)
		terminal = isatty(STDERR_FILENO);
	if (!now && clock - replay->shown < (terminal ? 0.5 : 5.0))
		return;
	replay->shown = clock;
	for (int k = 0; k < replay->pool->nlanes; k++)
		done += replay->queues[k].done;
	rate = (done - replay->base) / (clock - replay->started + 1e-9);
	left = rate > 0 ? (int) ((replay->total - done) / rate + 0.5) : 0;
	fprintf(stderr, "%s  %s  %d of %d invoices  %.0f invoices/s  "
			"%d:%02d left%s", terminal ? "\r" : "", day_text(replay->day, day),
			done, replay->total, rate, left / 60, left % 60,
			terminal ? "   " : "\n");
	if (terminal && now)
		fputc('\n', stderr);
	fflush(stderr);
}

static bool
may_send(const Replay *replay, const Queue *queue)
{
	if (!replay->ordered)
		return true;
	for (int k = 0; k < replay->pool->nlanes; k++)
		if (replay->queues[k].done < queue->need[queue->sent][k])
			return false;
	return true;
}

static bool
fill_invoices(void *state, Pool *pool, int number)
{
	Replay	   *replay = state;
	Queue	   *queue = &replay->queues[number];
	Lane	   *lane = &pool->lanes[number];

	while (queue->sent < queue->count && lane_room(lane))
	{
		if (!may_send(replay, queue))
		{
			if (!queue->stalled && lane->count == 0)
			{
				queue->stalled = true;
				replay->figures->stalls++;
			}
			return true;
		}
		queue->stalled = false;
		if (!send_invoice(&replay->letters, replay->world, lane,
						  queue->invoices[queue->sent]))
			return false;
		queue->sent++;
	}
	return true;
}

/* An invoice is done with; let others go on. */
static void
complete(Replay *replay, int number, int64_t order)
{
	int			lane = replay->world->invoices[number].connection;
	Queue	   *queue = &replay->queues[lane];

	replay->order_ids[number] = order;
	replay->answered[number] = true;
	for (int i = queue->done; i < queue->sent; i++)
		if (queue->invoices[i] == number)
			queue->complete[i] = true;
	while (queue->done < queue->sent && queue->complete[queue->done])
		queue->done++;
	show_progress(replay, false);
}

static bool
invoice_result(void *state, Pool *pool, int number, Command command,
			   PGresult *result)
{
	Replay	   *replay = state;
	const Invoice *invoice = &replay->world->invoices[command.subject];
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	int64_t		order = 0;

	if (command.kind == KIND_PICKUP && sqlstate &&
		strcmp(sqlstate, "OM001") == 0)
	{
		/* not done before the refusal is on record: nobody overtakes it */
		const char *params[1] = {invoice->number};

		command.kind = KIND_REFUSED;
		return lane_send(&pool->lanes[number], "refused", command, 1, params);
	}
	if (PQresultStatus(result) != PGRES_TUPLES_OK &&
		PQresultStatus(result) != PGRES_COMMAND_OK)
		fail("invoice %s: %s (%s)", invoice->number,
			 PQresultErrorMessage(result), sqlstate ? sqlstate : "-");
	if (command.kind != KIND_BACK && command.kind != KIND_REFUSED)
	{
		replay->figures->orders_sent++;
		if (PQntuples(result) > 0)
			order = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	}
	complete(replay, command.subject, order);
	return true;
}

static bool
invoices_finished(void *state)
{
	const Replay *replay = state;

	for (int k = 0; k < replay->pool->nlanes; k++)
		if (replay->queues[k].done < replay->queues[k].count)
			return false;
	return true;
}

/* ---- the evening's steps ---- */

static bool
fill_steps(void *state, Pool *pool, int number)
{
	Replay	   *replay = state;
	StepList   *list = &replay->steps[number];
	Lane	   *lane = &pool->lanes[number];

	while (list->sent < list->count && lane_room(lane))
	{
		const Step *step = &list->steps[list->sent];
		char		order[24];
		const char *params[1] = {order};
		Command		command = {KIND_STEP, list->sent};

		snprintf(order, sizeof(order), "%lld",
				 (long long) replay->order_ids[step->invoice]);
		if (!lane_send(lane, step->statement, command, 1, params))
			return false;
		list->sent++;
	}
	return true;
}

static bool
step_result(void *state, Pool *pool, int number, Command command,
			PGresult *result)
{
	Replay	   *replay = state;
	StepList   *list = &replay->steps[number];
	const Step *step = &list->steps[command.subject];

	(void) pool;
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail("invoice %s, %s: %s",
			 replay->world->invoices[step->invoice].number, step->statement,
			 PQresultErrorMessage(result));
	list->done++;
	show_progress(replay, false);
	return true;
}

static bool
steps_finished(void *state)
{
	const Replay *replay = state;

	for (int k = 0; k < replay->pool->nlanes; k++)
		if (replay->steps[k].done < replay->steps[k].count)
			return false;
	return true;
}

static bool
is_late(const Invoice *invoice)
{
	return invoice->sale && invoice->channel == CHANNEL_APP &&
		invoice->second >= LATE_HOUR * 3600;
}

static void
add_step(Replay *replay, int number, const char *statement)
{
	StepList   *list =
		&replay->steps[replay->world->invoices[number].connection];

	list->steps = grow(list->steps, (size_t) list->count, &list->room,
					   sizeof(Step));
	list->steps[list->count].invoice = number;
	list->steps[list->count++].statement = statement;
}

/*
 * The waves of a day, from one to the next: yesterday's late pickups are
 * collected, today's orders are accepted, picked, packed and shipped, or made
 * ready and, when ordered early enough, collected.
 */
static void
plan_steps(Replay *replay, int previous, int first, int last)
{
	static const char *const ship[] = {"accept", "pick", "pack", "ship"};
	static const char *const pickup[] = {"accept", "pick", "ready", "collect"};

	for (int k = 0; k < replay->pool->nlanes; k++)
		replay->steps[k].count = replay->steps[k].sent =
			replay->steps[k].done = 0;
	for (int i = previous; i < first; i++)
		if (is_late(&replay->world->invoices[i]) && replay->order_ids[i])
			add_step(replay, i, "collect");
	for (int wave = 0; wave < 4; wave++)
		for (int i = first; i < last; i++)
		{
			const Invoice *invoice = &replay->world->invoices[i];

			if (!invoice->sale || invoice->channel == CHANNEL_POS ||
				replay->order_ids[i] == 0 || (wave == 3 && is_late(invoice)))
				continue;
			add_step(replay, i, invoice->node < 0 ? ship[wave] : pickup[wave]);
		}
}

/* ---- days ---- */

static const Driver invoice_driver = {fill_invoices, invoice_result,
	invoices_finished};
static const Driver step_driver = {fill_steps, step_result, steps_finished};

/*
 * Learn the orders of yesterday's late pickups by sending them again, where a
 * client that was started anew does not know them.
 */
static Outcome
learn_late(Replay *replay, int previous, int first)
{
	reset_queues(replay, previous, first);
	for (int i = previous; i < first; i++)
		if (is_late(&replay->world->invoices[i]) && !replay->answered[i])
			queue_invoice(replay, i);
	if (invoices_finished(replay))
		return OUTCOME_DONE;
	return pool_run(replay->pool, &invoice_driver, replay);
}

/* Lorries for the stores and a top-up for the warehouses. */
static Outcome
deliver(Replay *replay, int week)
{
	SupplyList	supply = {0};
	char		label[40];
	Outcome		outcome;

	snprintf(label, sizeof(label), "week %d, stores", week);
	plan_week(replay->world, week, &supply);
	outcome = receive_supply(replay->world, replay->pool, label, &supply,
							 false);
	if (outcome == OUTCOME_DONE && week > 0)
	{
		snprintf(label, sizeof(label), "week %d, warehouses", week);
		plan_targets(replay->world, &supply);
		outcome = receive_supply(replay->world, replay->pool, label, &supply,
								 true);
	}
	free(supply.rows);
	return outcome;
}

/* One day, from "first" up to "last"; "previous" is where yesterday began. */
static Outcome
run_day(Replay *replay, int previous, int first, int last)
{
	const Invoice *invoices = replay->world->invoices;
	int			week = (invoices[first].day - replay->world->first_day) / 7;
	char		day[11];
	const char *params[1] = {day_text(invoices[first].day, day)};
	PGresult   *result;
	bool		noted;

	replay->day = invoices[first].day;
	if (learn_late(replay, previous, first) != OUTCOME_DONE)
		return OUTCOME_LOST;
	if ((first == 0 ||
		 (invoices[first - 1].day - replay->world->first_day) / 7 != week) &&
		deliver(replay, week) != OUTCOME_DONE)
		return OUTCOME_LOST;

	reset_queues(replay, first, last);
	for (int i = first; i < last; i++)
		if (invoices[i].sale || invoices[i].back)
			queue_invoice(replay, i);
	if (!invoices_finished(replay) &&
		pool_run(replay->pool, &invoice_driver, replay) != OUTCOME_DONE)
		return OUTCOME_LOST;

	plan_steps(replay, previous, first, last);
	if (!steps_finished(replay) &&
		pool_run(replay->pool, &step_driver, replay) != OUTCOME_DONE)
		return OUTCOME_LOST;

	/* all connections have met */
	result = ask(replay->control, "INSERT INTO replay.progress"
				 " VALUES ($1::date) ON CONFLICT DO NOTHING", 1, params);
	noted = PQresultStatus(result) == PGRES_COMMAND_OK;
	if (!noted && PQstatus(replay->control) == CONNECTION_OK)
		fail("%s", PQresultErrorMessage(result));
	PQclear(result);
	return noted ? OUTCOME_DONE : OUTCOME_LOST;
}

/* How many invoices of a day have left a trace. */
static int
count_recorded(Replay *replay, int first, int last)
{
	Buffer		numbers = {0};
	const char *params[1];
	PGresult   *result;
	int			count;

	array_open(&numbers);
	for (int i = first; i < last; i++)
		array_text(&numbers, replay->world->invoices[i].number);
	array_close(&numbers);
	params[0] = numbers.data;
	result = must_ask(replay->control, "SELECT count(*)"
					  " FROM unnest($1::text[]) AS i(number)"
					  " WHERE number IN"
					  "   (SELECT external_id FROM omni.sales_order)"
					  " OR number IN (SELECT invoice FROM replay.till)"
					  " OR number IN (SELECT invoice FROM replay.refused)"
					  " OR number IN (SELECT reference FROM replay.receipt)",
					  1, params);
	count = atoi(PQgetvalue(result, 0, 0));
	PQclear(result);
	free(numbers.data);
	return count;
}

/* The server went away: wait until it is back, and say where we are. */
static void
come_back(Replay *replay, int first, int last)
{
	double		began = now_seconds();
	char		day[11];
	int			known;

	replay->figures->crashes++;
	pool_come_back(replay->pool);
	PQfinish(replay->control);
	replay->control = must_connect(replay->pool->conninfo, "omni_replay");
	known = count_recorded(replay, first, last);
	fprintf(stderr, "  back after %.1f s; %s is sent again, %d of its %d "
			"invoices had been recorded\n", now_seconds() - began,
			day_text(replay->day, day), known, last - first);
}

/* The first invoice after the last day that every connection has finished. */
static int
find_start(Replay *replay)
{
	const World *world = replay->world;
	PGresult   *result = must_ask(replay->control,
								  "SELECT max(day) - DATE '1970-01-01'"
								  " FROM replay.progress", 0, NULL);
	int			first = 0;

	if (!PQgetisnull(result, 0, 0))
		while (first < world->window &&
			   world->invoices[first].day <= atoi(PQgetvalue(result, 0, 0)))
			first++;
	PQclear(result);
	return first;
}

static void
free_replay(Replay *replay)
{
	for (int k = 0; k < MAX_CONNECTIONS; k++)
	{
		free(replay->queues[k].invoices);
		free(replay->queues[k].complete);
		free(replay->queues[k].need);
		free(replay->steps[k].steps);
	}
	free(replay->order_ids);
	free(replay->answered);
	free(replay->shipped);
	free(replay->fixed);
	free(replay->touches);
	free_letters(&replay->letters);
	PQfinish(replay->control);
}

/* Replay the days of the window that have not been replayed yet. */
void
replay_days(World *world, Pool *pool, bool ordered, Figures *figures)
{
	Replay		replay = {.world = world, .pool = pool, .ordered = ordered,
		.figures = figures, .started = now_seconds()};
	size_t		codes = (size_t) world->codes.count;
	int			first;
	int			previous;

	replay.order_ids = allocate((size_t) world->ninvoices * sizeof(int64_t));
	replay.answered = allocate((size_t) world->ninvoices * sizeof(bool));
	replay.shipped = allocate(codes * sizeof(*replay.shipped));
	replay.fixed = allocate(codes * sizeof(*replay.fixed));
	replay.control = must_connect(pool->conninfo, "omni_replay");
	first = find_start(&replay);
	for (int i = 0; i < world->window; i++)
		if (world->invoices[i].sale || world->invoices[i].back)
		{
			replay.total++;
			replay.sent_before += i < first;
		}
	replay.base = replay.sent_before;
	for (previous = first; previous > 0 &&
		 world->invoices[previous - 1].day == world->invoices[first - 1].day;)
		previous--;

	while (first < world->window)
	{
		int			last = first;

		while (last < world->window &&
			   world->invoices[last].day == world->invoices[first].day)
			last++;
		while (run_day(&replay, previous, first, last) != OUTCOME_DONE)
			come_back(&replay, first, last);
		for (int i = first; i < last; i++)
			replay.sent_before += world->invoices[i].sale ||
				world->invoices[i].back;
		for (int k = 0; k < pool->nlanes; k++)
			replay.queues[k].done = 0;
		previous = first;
		first = last;
	}
	if (replay.total > replay.base)
		show_progress(&replay, true);
	figures->seconds = now_seconds() - replay.started;
	for (int k = 0; k < pool->nlanes; k++)
		figures->statements += pool->lanes[k].statements;
	free_replay(&replay);
}
