/*
 * replay.h
 *	  A retailer's year replayed against omni: what the parts of the client
 *	  share.
 *
 * The client knows two things: a *world* (nodes, ship-to areas, stock codes,
 * customers, invoices), which a source fills, and a *pool* of connections in
 * pipeline mode.  Everything that is chosen (channel, ship-to area, stock) is
 * chosen from the world and the seed alone, so that two runs choose the same.
 * Money is counted in thousandths of a pound: four prices of the real file
 * have three decimals.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#if defined(__GNUC__)
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NO_RETURN __attribute__((noreturn))
#else
#define PRINTF_LIKE(f, a)
#define NO_RETURN
#endif

/* ---- text.c: strings, arrays, hashing, dates ---- */

typedef struct Buffer
{
	char	   *data;
	size_t		len;
	size_t		size;
} Buffer;

extern void fail(const char *format, ...) PRINTF_LIKE(1, 2) NO_RETURN;
extern void *allocate(size_t size);
extern void *grow(void *array, size_t count, size_t *room, size_t width);
extern char *copy_text(const char *text);
extern void copy_short(char *into, size_t size, const char *text);

extern void buffer_reset(Buffer *buffer);
extern void buffer_add(Buffer *buffer, const char *text);
extern void buffer_char(Buffer *buffer, char c);
extern void buffer_printf(Buffer *buffer, const char *format, ...)
	PRINTF_LIKE(2, 3);
extern void buffer_json(Buffer *buffer, const char *text);
extern void buffer_price(Buffer *buffer, int64_t mills);
extern void array_open(Buffer *buffer);
extern void array_text(Buffer *buffer, const char *text);
extern void array_int(Buffer *buffer, int64_t value);
extern void array_price(Buffer *buffer, int64_t mills);
extern void array_close(Buffer *buffer);

extern uint64_t hash_text(const char *text);
extern uint64_t mix(uint64_t a, uint64_t b);

extern int	day_number(int year, int month, int day);
extern const char *day_text(int day, char *into);
extern bool parse_mills(const char *text, int64_t *mills);
extern double now_seconds(void);
extern double distance_km(double lat1, double lon1, double lat2, double lon2);

/* Text → small number, in order of first sight. */
typedef struct Dictionary
{
	char	  **texts;
	int			count;
	size_t		room;
	int		   *slots;
	size_t		nslots;
} Dictionary;

extern int	dictionary_find(const Dictionary *dictionary, const char *text);
extern int	dictionary_add(Dictionary *dictionary, const char *text);
extern void dictionary_free(Dictionary *dictionary);

/* ---- csv.c ---- */

typedef struct CsvReader
{
	FILE	   *file;
	const char *name;
	int			child;			/* process that decompresses, 0: none */
	int64_t		line;
	char	   *text;			/* the record's fields, zero-terminated */
	size_t		room;
	char	  **fields;
	size_t		fields_room;
	int			nfields;
} CsvReader;

extern void csv_open(CsvReader *reader, const char *path);
extern bool csv_next(CsvReader *reader);
extern void csv_header(CsvReader *reader, const char *expected);
extern void csv_close(CsvReader *reader);

/* ---- world.c: what a source has told ---- */

typedef enum Channel
{
	CHANNEL_POS,				/* till sale in a store */
	CHANNEL_WEB,				/* shipped to an address */
	CHANNEL_APP,				/* collected in a store */
	CHANNEL_MARKET,				/* sold by a marketplace, shipped */
	CHANNELS
} Channel;

typedef struct Node
{
	char		code[16];
	bool		warehouse;
	char		name[48];
	char		postal[12];
	double		latitude;
	double		longitude;
} Node;

typedef struct Area
{
	char		postal[12];
	double		latitude;
	double		longitude;
	int32_t		population;
	int32_t		store;			/* nearest store, -1: not asked yet */
} Area;

/* What becomes of an invoice line; the mapped ones first. */
typedef enum Fate
{
	FATE_SALE,					/* an order's line */
	FATE_CARRIAGE,				/* an order's shipping amount */
	FATE_FEE,					/* an order's fee */
	FATE_BACK,					/* goods that came back to a store */
	FATE_NO_CODE,				/* from here on: not mapped */
	FATE_FREE,					/* price 0, units leave: gift, sample, note */
	FATE_WRITE_OFF,				/* price 0, units below 0: stock correction */
	FATE_ADJUSTMENT,			/* A… invoice or a price below 0: bad debt */
	FATE_CHARGE_ALONE,			/* a charge on an invoice without goods */
	FATE_CHARGE_BACK,			/* a charge or discount credited by C… */
	FATE_ODD_SIGN,				/* priced units of the wrong sign */
	FATES
} Fate;

typedef struct Code
{
	bool		service;		/* carriage or fee: no goods */
	bool		carriage;
	char	   *name;			/* the first description, or NULL */
	int64_t		sale_lines;
	int64_t		shipped_units;	/* by sale invoices of shipping channels */
} Code;

typedef struct Line
{
	int32_t		invoice;
	int32_t		code;
	int32_t		quantity;
	int32_t		fate;
	int64_t		price;			/* mills */
	int32_t		row;			/* in the source's order */
} Line;

typedef struct Invoice
{
	const char *number;
	int32_t		day;			/* since 1970 */
	int32_t		second;
	int32_t		customer;		/* -1: none */
	int32_t		first;			/* its lines are consecutive */
	int32_t		nlines;
	bool		sale;			/* becomes an order */
	bool		back;			/* becomes goods received */
	int8_t		channel;
	int8_t		connection;
	int32_t		area;			/* where the customer lives */
	int32_t		node;			/* store of till, pickup, return; else -1 */
	int64_t		carriage;
	int64_t		fees;
} Invoice;

typedef struct World
{
	const char *source;			/* for the report's head */
	const char *folder;			/* of real input, NULL: none */
	bool		whole_totals;	/* the source's totals are published */
	uint64_t	seed;
	Node	   *nodes;			/* stores, then warehouses */
	int			nnodes;
	size_t		nodes_room;
	int			nstores;
	Area	   *areas;
	int			nareas;
	size_t		areas_room;
	int64_t    *people;			/* running sum of population */
	Dictionary	codes;
	Code	   *code;
	size_t		code_room;
	Dictionary	customers;
	Dictionary	numbers;		/* invoice numbers */
	Invoice    *invoices;		/* by time once world_finish has run */
	int			ninvoices;
	size_t		invoices_room;
	Line	   *lines;			/* by invoice */
	int			nlines;
	size_t		lines_room;
	int			first_day;
	int			days;			/* of the window */
	int			window;			/* invoices before this one are in it */
} World;

typedef struct SourceRow
{
	const char *invoice;
	const char *code;
	const char *description;
	const char *customer;		/* "" : none */
	int32_t		quantity;
	int64_t		price;			/* mills */
	int			day;
	int			second;
} SourceRow;

extern void world_add_node(World *world, const Node *node);
extern void world_add_area(World *world, const Area *area);
extern void world_add_row(World *world, const SourceRow *row);
extern void world_add_warehouses(World *world);
extern void world_finish(World *world, int days);
extern void world_free(World *world);
extern const char *fate_name(Fate fate);
extern const char *channel_code(Channel channel);
extern int	world_nearest_store(World *world, int area);

extern void source_uci(World *world, const char *folder);
extern void source_sample(World *world);

/* ---- plan.c: what the retailer's books would have told ---- */

/* One quantity of one item for one node. */
typedef struct Supply
{
	int32_t		node;
	int32_t		code;
	int32_t		quantity;
} Supply;

typedef struct SupplyList
{
	Supply	   *rows;
	int			count;
	size_t		room;
} SupplyList;

extern void plan_invoices(World *world, int connections_per_channel);
extern void plan_opening(const World *world, SupplyList *list);
extern void plan_targets(const World *world, SupplyList *list);
extern void plan_week(const World *world, int week, SupplyList *list);

/* ---- pipeline.c: connections in pipeline mode ---- */

#define MAX_CONNECTIONS 16
#define PIPELINE_DEPTH 48

/* What a command in flight was, for the one who hears its result. */
typedef struct Command
{
	int32_t		kind;
	int32_t		subject;
} Command;

typedef struct Lane
{
	PGconn	   *connection;
	Command		flight[PIPELINE_DEPTH];
	int			head;
	int			count;
	int64_t		statements;
} Lane;

typedef struct Pool
{
	const char *conninfo;
	Lane		lanes[MAX_CONNECTIONS];
	int			nlanes;
} Pool;

typedef enum Outcome
{
	OUTCOME_DONE,
	OUTCOME_LOST				/* the server went away */
} Outcome;

typedef struct Driver
{
	/* send what may be sent on this lane while lane_room() says so */
	bool		(*fill) (void *state, Pool *pool, int lane);
	/* a command's result; false: the connection is gone */
	bool		(*result) (void *state, Pool *pool, int lane,
						   Command command, PGresult *result);
	bool		(*finished) (void *state);
} Driver;

extern PGconn *connect_server(const char *conninfo, const char *name,
							  double patience);
extern PGconn *must_connect(const char *conninfo, const char *name);
extern bool pool_open(Pool *pool, double patience);
extern void pool_close(Pool *pool);
extern void pool_come_back(Pool *pool);
extern Outcome pool_run(Pool *pool, const Driver *driver, void *state);
extern bool lane_room(const Lane *lane);
extern bool lane_send(Lane *lane, const char *statement, Command command,
					  int nparams, const char *const *params);
extern PGresult *ask(PGconn *connection, const char *sql, int nparams,
					 const char *const *params);
extern PGresult *must_ask(PGconn *connection, const char *sql, int nparams,
						  const char *const *params);

/* ---- statements.c ---- */

typedef struct Statement
{
	const char *name;
	const char *sql;
} Statement;

extern const Statement statements[];
extern const char journal_tables[];
extern const char expected_events[];

/* ---- load.c ---- */

extern void load_world(const World *world, const char *conninfo);
/* COPY the buffer's lines in; statements without parameters. */
extern void copy_in(PGconn *control, const char *sql, const Buffer *buffer);
extern void must_run(PGconn *control, const char *sql);

/* ---- network.c ---- */

extern void load_network(const World *world, PGconn *control);
extern Outcome load_stock(const World *world, Pool *pool);
extern Outcome receive_supply(const World *world, Pool *pool,
							  const char *label, const SupplyList *list,
							  bool top_up);

/* ---- documents.c ---- */

/* What a command in flight is, besides deliveries. */
enum
{
	KIND_ORDER, KIND_PICKUP, KIND_TILL, KIND_BACK, KIND_REFUSED, KIND_STEP
};

/* Room to write in, used again for every invoice. */
typedef struct Letters
{
	Buffer		document;
	Buffer		nodes;
	Buffer		skus;
	Buffer		quantities;
	Buffer		prices;
} Letters;

extern bool send_invoice(Letters *letters, const World *world, Lane *lane,
						 int number);
extern void free_letters(Letters *letters);

/* ---- replay.c ---- */

typedef struct Figures
{
	double		seconds;		/* of replaying, waits for a server included */
	double		load_seconds;
	int64_t		orders_sent;
	int64_t		statements;
	int			crashes;
	int			stalls;			/* a lane waited for another one */
} Figures;

extern void replay_days(World *world, Pool *pool, bool ordered,
						Figures *figures);

/* ---- consumer.c: a listening consumer on a thread of its own ---- */

typedef struct Consumer Consumer;

extern Consumer *consumer_start(const World *world, const char *conninfo);
extern bool consumer_catch_up(Consumer *consumer, int64_t position,
							  double patience);
extern void consumer_stop(Consumer *consumer);
extern bool consumer_report(Consumer *consumer, PGconn *connection,
							FILE *out);
extern void consumer_show(const Consumer *consumer, FILE *out);
extern void consumer_free(Consumer *consumer);

/* ---- reconcile.c, report.c ---- */

extern const char *grouped(int64_t value, char *into);
extern const char *money(int64_t mills, char *into);
extern bool reconcile_source(const World *world, FILE *out);
extern bool report_service(const World *world, PGconn *connection, FILE *out);
extern bool fingerprint(PGconn *connection, FILE *out);

#endif							/* REPLAY_H */
