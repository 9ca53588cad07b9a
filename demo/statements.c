/*
 * statements.c
 *	  Every statement that the replay sends, and the client's own journal.
 *
 * Each can be sent again after a crash.  What omni makes idempotent by itself
 * (an order has its channel and external id, a step its state) needs nothing;
 * what it cannot know (that a delivery has been booked, that a customer found
 * the shelf empty or was refused) is noted in the schema "replay" by the same
 * transaction as its effect.
 */
#include "replay.h"

const char	journal_tables[] =
	"CREATE SCHEMA replay;"
	"CREATE TABLE replay.run (source text NOT NULL, seed text NOT NULL,"
	" days int NOT NULL, first_day date NOT NULL);"
	/* days that every connection has finished */
	"CREATE TABLE replay.progress (day date PRIMARY KEY);"
	/* deliveries and goods that came back */
	"CREATE TABLE replay.receipt (reference text PRIMARY KEY);"
	/* till sales, also those that found nothing on the shelf */
	"CREATE TABLE replay.till (invoice text PRIMARY KEY);"
	"CREATE TABLE replay.not_on_shelf (invoice text NOT NULL,"
	" line int NOT NULL, sku text NOT NULL, quantity int NOT NULL,"
	" price numeric NOT NULL, PRIMARY KEY (invoice, line));"
	/* orders that omni refused for lack of stock */
	"CREATE TABLE replay.refused (invoice text PRIMARY KEY);";

/*
 * How many events of each kind the feed must have had, from the tables that
 * the changes themselves are in: states say which steps an order has taken,
 * fulfilment lines what was promised, sold and handed over.
 */
const char	expected_events[] =
	"SELECT kind, count FROM (SELECT 'channel.created' AS kind, count(*)"
	"   FROM omni.channel"
	" UNION ALL SELECT 'node.created', count(*) FROM omni.node"
	" UNION ALL SELECT 'item.created', count(*) FROM omni.item"
	" UNION ALL SELECT 'customer.created', count(*) FROM omni.customer"
	" UNION ALL SELECT 'order.placed', count(*) FROM omni.sales_order"
	" UNION ALL SELECT 'order.completed', count(*) FROM omni.sales_order"
	"   WHERE status = 'completed'"
	" UNION ALL SELECT 'order.' || s.kind, count(DISTINCT l.order_id)"
	"   FROM (VALUES ('backordered'), ('parked')) AS s(kind)"
	"   LEFT JOIN omni.order_line AS l ON l.backordered > 0"
	"     AND s.kind = 'backordered' OR l.open > 0 AND s.kind = 'parked'"
	"   GROUP BY s.kind"
	" UNION ALL SELECT 'fulfilment.' || s.step, count(f.id)"
	"   FROM (VALUES ('allocated', '{allocated,accepted,picked,packed,shipped,"
	"ready,collected}'::text[], false),"
	"   ('accepted', '{accepted,picked,packed,shipped,ready,collected}',"
	"     false),"
	"   ('picked', '{picked,packed,shipped,ready,collected}', false),"
	"   ('packed', '{packed,shipped}', false),"
	"   ('shipped', '{shipped}', false),"
	"   ('ready', '{ready,collected}', false),"
	"   ('collected', '{collected}', true)) AS s(step, states, till)"
	"   LEFT JOIN omni.fulfilment AS f ON f.status = ANY (s.states)"
	"   AND (s.till OR f.kind <> 'take_away') GROUP BY s.step"
	" UNION ALL SELECT 'stock.' || s.kind, count(l.order_line_id)"
	"   FROM (VALUES ('reserve', '{ship,pickup}'::text[], '{}'::text[]),"
	"   ('sell', '{take_away}', '{}'),"
	"   ('consume', '{ship,pickup}', '{shipped,collected}'))"
	"     AS s(kind, kinds, states)"
	"   LEFT JOIN omni.fulfilment AS f ON f.kind = ANY (s.kinds)"
	"   AND (f.status = ANY (s.states) OR s.states = '{}')"
	"   LEFT JOIN omni.fulfilment_line AS l ON l.fulfilment_id = f.id"
	"   GROUP BY s.kind"
	" UNION ALL SELECT 'stock.receive', count(*) FROM omni.stock_ledger"
	"   WHERE kind = 'receive') AS expected ORDER BY kind COLLATE \"C\"";

const Statement statements[] = {
	/* an order that is shipped: $1 document */
	{"place", "SELECT omni.place_order($1::jsonb)"},

	/* one that is collected: $1 document, $2 invoice */
	{"place_or_refuse",
		"SELECT omni.place_order($1::jsonb)"
		" WHERE NOT EXISTS (SELECT FROM replay.refused WHERE invoice = $2)"},
	{"refused",
		"INSERT INTO replay.refused (invoice) VALUES ($1)"
		" ON CONFLICT DO NOTHING"},

	/*
	 * A till sale: the customer takes what is on the shelf and not put aside
	 * for somebody else.  $1 document without lines, $2 invoice, $3 store, $4
	 * skus, $5 quantities, $6 prices.
	 */
	{"sell",
		"WITH first AS (INSERT INTO replay.till (invoice) VALUES ($2)"
		"   ON CONFLICT DO NOTHING RETURNING invoice),"
		" basket AS MATERIALIZED (SELECT f.invoice, b.line, b.sku, b.quantity,"
		"   b.price, least(b.quantity, greatest(0, omni.available(b.sku, $3)"
		"     - coalesce(sum(b.quantity) OVER (PARTITION BY b.sku"
		"       ORDER BY b.line ROWS BETWEEN UNBOUNDED PRECEDING"
		"       AND 1 PRECEDING), 0)))::int AS found"
		"   FROM first f, unnest($4::text[], $5::int[], $6::text[])"
		"     WITH ORDINALITY AS b(sku, quantity, price, line)),"
		" missed AS (INSERT INTO replay.not_on_shelf"
		"   SELECT invoice, line, sku, quantity - found, price::numeric"
		"   FROM basket WHERE found < quantity)"
		"SELECT omni.place_order($1::jsonb || jsonb_build_object('lines',"
		"   jsonb_agg(jsonb_build_object('sku', sku, 'quantity', found,"
		"     'unit_price', price) ORDER BY line)))"
		" FROM basket WHERE found > 0 HAVING count(*) > 0"},

	/* goods received: $1 reference, $2 nodes, $3 skus, $4 quantities */
	{"receive",
		"WITH journal AS (INSERT INTO replay.receipt (reference) VALUES ($1)"
		"   ON CONFLICT DO NOTHING RETURNING reference)"
		"SELECT count(omni.receive_stock(r.node, r.sku, r.quantity,"
		"   j.reference)) FROM journal j,"
		" unnest($2::text[], $3::text[], $4::int[])"
		"   AS r(node, sku, quantity)"},

	/* the same up to a target, where less than half of it is left */
	{"top_up",
		"WITH journal AS (INSERT INTO replay.receipt (reference) VALUES ($1)"
		"   ON CONFLICT DO NOTHING RETURNING reference),"
		" lack AS MATERIALIZED (SELECT j.reference, r.node, r.sku, r.target,"
		"   r.target - omni.available(r.sku, r.node) AS quantity"
		"   FROM journal j, unnest($2::text[], $3::text[], $4::int[])"
		"     AS r(node, sku, target))"
		"SELECT count(omni.receive_stock(node, sku, quantity, reference))"
		" FROM lack WHERE quantity * 2 > target"},

	/* the steps of an order's fulfilments: $1 order */
	{"accept",
		"SELECT omni.accept_fulfilment(id) FROM omni.fulfilment"
		" WHERE order_id = $1::bigint AND status = 'allocated'"},
	{"pick",
		"SELECT omni.pick_fulfilment(id) FROM omni.fulfilment"
		" WHERE order_id = $1::bigint AND status = 'accepted'"},
	{"pack",
		"SELECT omni.pack_fulfilment(id) FROM omni.fulfilment"
		" WHERE order_id = $1::bigint AND status = 'picked'"
		" AND kind = 'ship'"},
	{"ship",
		"SELECT omni.ship_fulfilment(id) FROM omni.fulfilment"
		" WHERE order_id = $1::bigint AND status = 'packed'"},
	{"ready",
		"SELECT omni.ready_fulfilment(id) FROM omni.fulfilment"
		" WHERE order_id = $1::bigint AND status = 'picked'"
		" AND kind = 'pickup'"},
	{"collect",
		"SELECT omni.collect_fulfilment(id) FROM omni.fulfilment"
		" WHERE order_id = $1::bigint AND status = 'ready'"},
	{NULL, NULL}
};
