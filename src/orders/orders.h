/*
 * orders.h
 *	  Orders' own business: between the files of this domain.
 *
 * README.md of this folder has the states, the lock order and the invariants.
 */
#ifndef OMNI_ORDERS_H
#define OMNI_ORDERS_H

#include "core/document.h"
#include "customer/customer.h"
#include "orders/money_core.h"
#include "sourcing/sourcing.h"

#include "lib/stringinfo.h"

#define OMNI_ORDER_MAX_LINES 50000
#define OMNI_ORDER_MAX_PRIORITY 1000000
/* of a hold's reason, in bytes; holds of one order at placing */
#define OMNI_HOLD_REASON_MAX 255
#define OMNI_ORDER_MAX_HOLDS 100

/* ---- the document as read (parse.c) ---- */

typedef enum OmniFulfilmentKind
{
	OMNI_FULFILMENT_SHIP,
	OMNI_FULFILMENT_PICKUP,
	OMNI_FULFILMENT_TAKE_AWAY
} OmniFulfilmentKind;

extern const char *const omni_fulfilment_kinds[];

/* Where a shipment goes; every text may be NULL. */
typedef struct OmniAddress
{
	char	   *name;
	char	   *company;
	char	   *street;
	char	   *street2;
	char	   *city;
	char	   *region;
	char	   *postal_code;
	char	   *country;		/* ISO 3166-1 alpha-2 */
	char	   *phone;
	char	   *email;
	char	   *instructions;
	OmniDouble	latitude;
	OmniDouble	longitude;
} OmniAddress;

/* How the customer wants lines: "fulfilment" of the document or a line. */
typedef struct OmniFulfilmentWish
{
	char	   *kind_name;
	OmniBytes	bytes;			/* as they stand in the document */
	char	   *node_code;		/* pickup and take_away */
	OmniAddress *address;		/* ship */
	OmniMoment	promise_by;
	OmniFulfilmentKind kind;
	int64		node;			/* id, once looked up */
	bool		node_refuses;	/* pickup: it is inactive or offers none */
	uint32		hash;			/* of bytes */
} OmniFulfilmentWish;

typedef struct OmniDiscount
{
	char	   *code;			/* may be NULL */
	OmniDecimal amount;
} OmniDiscount;

typedef struct OmniTax
{
	OmniDecimal rate;
	OmniDecimal amount;
} OmniTax;

typedef struct OmniShippingCharge
{
	OmniDecimal amount;
	OmniTax    *tax;
} OmniShippingCharge;

typedef struct OmniFee
{
	char	   *code;
	OmniDecimal amount;
} OmniFee;

typedef struct OmniTender
{
	char	   *kind;
	char	   *reference;		/* may be NULL */
	OmniDecimal amount;
} OmniTender;

typedef struct OmniOrderOptions
{
	bool		ship_complete;
	bool		backorder;
	bool		park;
	OmniInteger max_splits;		/* parcels beyond the first; not given: any */
	OmniInteger priority;		/* not given: the channel's */
	OmniList	hold;			/* char *: reasons */
} OmniOrderOptions;

typedef struct OmniOrderLine
{
	int32		line;
	char	   *sku;
	int32		quantity;
	OmniDecimal unit_price;
	OmniFulfilmentWish *own_wish;	/* NULL: the order's */
	OmniList	discounts;		/* OmniDiscount */
	OmniTax    *tax;

	int			wish;			/* index in the order's wishes */
	int64		item;			/* id, once looked up */
	bool		item_active;
	int64		id;				/* of the row, once written */
} OmniOrderLine;

typedef struct OmniOrder
{
	char	   *channel_code;
	char	   *external_id;
	OmniMoment	placed_at;
	char	   *currency;
	OmniPerson *customer;
	OmniFulfilmentWish *wish;
	OmniList	line_list;		/* OmniOrderLine */
	OmniList	coupons;		/* char * */
	OmniList	tenders;		/* OmniTender */
	OmniOrderOptions *options_given;
	OmniList	discounts;		/* OmniDiscount */
	OmniShippingCharge *shipping;
	OmniList	fees;			/* OmniFee */
	bool		taxes_included;

	OmniOrderOptions options;
	int			nlines;
	OmniOrderLine *lines;		/* in the document's order */
	int			nwishes;
	OmniFulfilmentWish **wishes;	/* different ones, in order of use */
	int			decimals;		/* of the currency */
	OmniOrderMoney money;

	int64		channel;
	bool		channel_active;
	bool		may_refuse;		/* neither channel nor order forbids it */
	int32		priority;
	int64		customer_id;	/* 0: none */
	int64		id;				/* of the row, once written */
	uint8		digest[OMNI_DIGEST_LENGTH];
} OmniOrder;

/* Read, check and work out the money of a document; no table is touched. */
extern void omni_orders_parse(Jsonb *document, OmniOrder *order);
/* Do the money of a parsed order; OM006 or OM008 (money.c). */
extern void omni_orders_compute_money(OmniOrder *order);

/* ---- allocation (allocate.c) ---- */

/* Why units of a line are not allocated; sourcing.h has more. */
#define OMNI_REASON_STOCK		OMNI_SHORT_STOCK
#define OMNI_REASON_SPLITS		OMNI_SHORT_SPLITS
#define OMNI_REASON_COMPLETE	"ship_complete"
#define OMNI_REASON_ITEM		"inactive_item"
#define OMNI_REASON_PICKUP		"no_pickup"
#define OMNI_REASON_REJECTED	"rejected"
#define OMNI_REASON_SHORT		"short_pick"

/* Units of one order line that are to be allocated. */
typedef struct OmniDemand
{
	int64		item;
	int32		quantity;
	int			wish;			/* index in wishes */
	int			line;			/* the caller's own index */
	int64		price;			/* of a unit, in minor units; -1 unknown */
	bool		barred;			/* must not be allocated; reason says why */
	int32		missing;		/* out: units that nobody can give */
	const char *reason;			/* out: why, NULL when nothing is missing */
} OmniDemand;

/* Units promised at a node. */
typedef struct OmniGrant
{
	int			demand;			/* index in demands */
	int64		node;
	int32		quantity;
	int32		capacity_day;	/* on which it takes of the node's capacity;
								 * OMNI_NO_DAY: it takes none */
	int64		reservation;	/* 0 in a dry run */
	int64		capacity;		/* promise of capacity; 0: none */
} OmniGrant;

/* How demands of a wish may be met. */
typedef struct OmniWishPlace
{
	OmniFulfilmentKind kind;
	int			number;			/* of the request, from 1 */
	int64		node;			/* pickup */
	bool		promised;
	TimestampTz promise_by;		/* where promised */
	OmniNetworkPlace place;		/* ship */
	int			parcels;		/* that were made for it before */
} OmniWishPlace;

typedef struct OmniAllocation
{
	/* in */
	int			nwishes;
	const OmniWishPlace *wishes;
	int			ndemands;
	OmniDemand *demands;
	int			nrejected;		/* nodes that must not be asked again */
	const int64 *rejected;
	int			max_splits;		/* -1: any number */
	bool		complete;		/* everything or nothing */
	bool		may_refuse;		/* OM001 when something is missing */
	bool		dry_run;		/* plan, do not reserve */
	int64		channel;
	const char *currency;		/* of prices and value */
	int64		value;			/* of the order's goods; -1 unknown */
	int			nexplain;		/* nodes that the plan is to say more of */
	const int64 *explain;
	const char *reference;
	/* out */
	int			ngrants;
	OmniGrant  *grants;			/* ascending by demand */
	StringInfoData plan;		/* jsonb as text */
} OmniAllocation;

extern void omni_orders_allocate(OmniAllocation *allocation);

/* ---- what is wanted of whom (demand.c) ---- */

/* The channel: OM002 when unknown, OM005 when not the role's own. */
extern void omni_orders_look_up_channel(OmniOrder *order, const char *what);
/* Nodes and items: OM002 when unknown, OM004 when they take no orders. */
extern void omni_orders_look_up_codes(OmniOrder *order);
/*
 * Demands of all lines that somebody must reserve for; demand_of_line gets
 * each line's index in them, or -1 (take_away).
 */
extern void omni_orders_make_demands(const OmniOrder *order,
									 OmniAllocation *allocation,
									 int *demand_of_line);

/* ---- writing rows ---- */

/* values.c: parameters */
extern Datum omni_orders_money(int64 minor, int decimals);
extern Datum omni_orders_decimal(const OmniDecimal *decimal, int decimals);
/*
 * A column of rows to insert, as an array.  Types: int4, int8, text, numeric,
 * float8, timestamptz.
 */
typedef struct OmniColumn
{
	Oid			type;
	int			n;
	Datum	   *values;
	bool	   *nulls;
} OmniColumn;

extern void omni_orders_column_begin(OmniColumn *column, Oid type, int room);
extern void omni_orders_column_add(OmniColumn *column, Datum value);
extern void omni_orders_column_add_null(OmniColumn *column);
/* A text, or null. */
extern void omni_orders_column_add_text(OmniColumn *column, const char *text);
extern Datum omni_orders_column_end(OmniColumn *column);
/* A text parameter; *null as SPI wants it. */
extern Datum omni_orders_text(const char *text, char *null);

/* record.c: the order's own row, and what belongs to it */
extern bool omni_orders_insert_order(OmniOrder *order, bool completed);
extern void omni_orders_insert_parts(const OmniOrder *order);
/*
 * The lines; sets their ids.  demands[i], where demand_of_line[i] is not
 * negative, says what of line i is missing; all else is allocated, or, of a
 * take_away line, collected.
 */
extern void omni_orders_insert_lines(OmniOrder *order,
									 const OmniDemand *demands,
									 const int *demand_of_line);
extern void omni_orders_insert_plan(int64 order, bool first, const char *plan);

/* grant.c: fulfilments */

typedef struct OmniNewFulfilment
{
	int64		id;				/* out */
	int			request;		/* number */
	OmniFulfilmentKind kind;
	int64		node;
	int64		units;
} OmniNewFulfilment;

typedef struct OmniNewFulfilmentLine
{
	int			fulfilment;		/* index */
	int64		order_line;		/* id */
	int32		quantity;
	int64		reservation;	/* 0: none, it was sold */
	int64		capacity;		/* promise of capacity; 0: none */
} OmniNewFulfilmentLine;

extern void omni_orders_insert_fulfilments(int64 order, const char *status,
										   OmniNewFulfilment *fulfilments,
										   int nfulfilments,
										   const OmniNewFulfilmentLine *lines,
										   int nlines);
/*
 * Turn grants into fulfilments, one for each request and node: rows and
 * events.  order_lines: id of the order line of each demand.
 */
extern void omni_orders_record_grants(int64 order,
									  const OmniAllocation *allocation,
									  const int64 *order_lines);

/* ---- events (event.c) ---- */

extern void omni_orders_order_event(const char *kind, int64 order,
									const char *format,...)
			pg_attribute_printf(3, 4);
extern void omni_orders_fulfilment_event(const char *kind, int64 order,
										 int64 fulfilment,
										 OmniFulfilmentKind fulfilment_kind,
										 int64 node, int64 units);

/* ---- existing orders (existing.c) ---- */

/* An order whose row is locked; what of it decides about steps. */
typedef struct OmniLockedOrder
{
	int64		id;
	int64		channel;
	bool		open;
	bool		backorder;
	bool		ship_complete;
	int			max_splits;		/* -1: any number */
	int32		priority;
	int32		holds;			/* rows that are not closed, in force or not */
	char	   *status;
	char	   *reference;		/* for the stock ledger */
} OmniLockedOrder;

/* A fulfilment of a locked order. */
typedef struct OmniLockedFulfilment
{
	OmniLockedOrder order;
	int64		id;
	int64		node;
	OmniFulfilmentKind kind;
} OmniLockedFulfilment;

/*
 * Lock an order, or a fulfilment's order; "what" names the step.  OM002 when
 * there is none, or the role may not see it; OM005 when it may see it and not
 * do this.
 */
extern void omni_orders_lock(int64 id, const char *what,
							 OmniLockedOrder *order);
/*
 * For the worker and others who have checked rights, and must not wait: false
 * when another transaction has the order locked, or there is none.
 */
extern bool omni_orders_try_lock(int64 id, OmniLockedOrder *order);
extern void omni_orders_lock_of_line(int64 order_line, const char *what,
									 OmniLockedOrder *order);
extern void omni_orders_lock_fulfilment(int64 id, const char *what,
										OmniLockedFulfilment *fulfilment);

/* ---- guard.c: who may ---- */

/* Only grants that are not limited to a node count. */
#define OMNI_NO_NODE INT64CONST(-1)

/* May the role see an order of this channel? */
extern bool omni_orders_may_see(int64 order, int64 channel);
/*
 * May it take steps: on a fulfilment at that node, or (OMNI_NO_NODE) on an
 * order as a whole?
 */
extern bool omni_orders_may_act(int64 channel, int64 node);

/*
 * Close the order when nothing of it is under way any more: completed, or
 * cancelled when nothing reached the customer.
 */
extern void omni_orders_close_if_done(const OmniLockedOrder *order,
									  const char *reason);
/* "order 17": what the stock ledger shows as the cause. */
extern char *omni_orders_reference(int64 order);
/* Kind by its name, which a CHECK has vouched for. */
extern OmniFulfilmentKind omni_orders_kind(const char *name);

/* ---- a fulfilment's lines (step.c) ---- */

typedef struct OmniStepLine
{
	int64		order_line;
	int64		item;
	int64		reservation;
	int64		capacity;		/* promise of capacity; 0: none */
	int32		line;			/* number */
	int32		request;
	int32		quantity;		/* that the fulfilment is for */
	int32		given;			/* pick.c: units that were found */
} OmniStepLine;

/* Promises in rows of (of stock, of capacity), each may be null. */
extern int64 *omni_orders_promises(const OmniRows *rows, int *n);
/* Its lines with units, ascending by order line. */
extern OmniStepLine *omni_orders_step_lines(int64 fulfilment, int *n);
/*
 * Change its status; OM004 when the states do not allow it.  Returns its
 * units.
 */
extern int64 omni_orders_change_status(const OmniLockedFulfilment *fulfilment,
									   const char *status);
/* The same check without the change. */
extern void omni_orders_require_step(const OmniLockedFulfilment *fulfilment,
									 const char *status);
/* The change with the event that says so. */
extern void omni_orders_announce_status(const OmniLockedFulfilment *fulfilment,
										const char *status);

/* Changes of one order line's quantities. */
typedef struct OmniLineDelta
{
	int64		order_line;
	int32		open;
	int32		backordered;
	int32		allocated;
	int32		picked;
	int32		cancelled;
	const char *reason;			/* NULL: leave it, unless nothing is missing */
} OmniLineDelta;

extern void omni_orders_apply_deltas(int64 order, const OmniLineDelta *deltas,
									 int n);

/* ---- fulfilment.c ---- */

/* All of it is given back to be planned again: rejected, for this reason. */
extern void omni_orders_give_back(const OmniLockedFulfilment *fulfilment,
								  const char *reason,
								  const char *line_reason);

/* ---- resource.c ---- */

/*
 * Units that a node gave back ("quantity - given" of each line) are planned
 * again at nodes that have not failed this order; what nobody has becomes
 * backordered or open.  Adds the outcome to deltas[i], one for each line.
 */
extern void omni_orders_resource(const OmniLockedOrder *order,
								 const OmniStepLine *lines, int n,
								 const char *reason, OmniLineDelta *deltas);

/*
 * Plan units that have waited ("quantity" of each line) as far as somebody has
 * them now, and record that.  Sets allocated of deltas[i], and reason where
 * units are still missing; returns the units allocated.
 */
extern int64 omni_orders_plan_waiting(const OmniLockedOrder *order,
									  const OmniStepLine *lines, int n,
									  OmniLineDelta *deltas);

/* ---- hold.c ---- */

/* A reason that may stand in an event: "other" for free text. */
extern const char *omni_orders_known_reason(const char *reason);
/* The holds that a new order was placed with. */
extern void omni_orders_insert_holds(const OmniOrder *order);
/* OM017 while a hold is in force. */
extern void omni_orders_require_no_hold(const OmniLockedOrder *order);
/* Close all holds of an order that ends. */
extern void omni_orders_end_holds(const OmniLockedOrder *order);
extern void omni_orders_hold_init(void);

/* ---- parking.c: the queue ---- */

/* Those of these lines of a locked, or new, order that wait enter the queue. */
extern void omni_orders_park_lines(int64 order, const int64 *lines, int n);
/* The same, and those that do not wait any more leave it. */
extern void omni_orders_update_queue(int64 order, const int64 *lines, int n);
/* Nothing of the order waits any more. */
extern void omni_orders_unpark_order(int64 order);

/* ---- arrival.c ---- */

extern void omni_orders_arrival_init(void);

extern void omni_orders_init(void);

#endif							/* OMNI_ORDERS_H */
