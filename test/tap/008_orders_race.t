# Many real sessions place orders for few units, take random steps on each
# other's orders, hold and cancel them, while the queue is being served: no deadlock, nothing sold twice, and in the
# end lines, fulfilments, promises and stock agree.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('orders_race', conf => "max_connections = 60\n");

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.node(code, kind, latitude, longitude) SELECT 'S' || g, 'store', 30 + g, -90 - g FROM generate_series(1, 5) g;
INSERT INTO omni.item(sku) SELECT 'I' || g FROM generate_series(1, 8) g;
SELECT count(omni.receive_stock('S' || n, 'I' || i, 30)) FROM generate_series(1, 5) n, generate_series(1, 8) i;

CREATE FUNCTION document(external_id text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('channel', 'web', 'external_id', external_id, 'currency', 'USD',
        'customer', jsonb_build_object('email', 'c' || floor(random() * 20) || '@example.com', 'phone', '+1612555010' || floor(random() * 10)),
        'options', jsonb_build_object('backorder', random() < 0.2, 'ship_complete', random() < 0.2),
        'fulfilment', jsonb_build_object('kind', 'ship', 'address', jsonb_build_object('latitude', 30 + floor(random() * 6), 'longitude', -90)),
        'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'I' || 1 + floor(random() * 8), 'quantity', 1 + floor(random() * 3), 'unit_price', '9.99'))
            FROM generate_series(1, 1 + floor(random() * 4)::int))) $$;
-- Refusals are the contract's; anything else fails the run.
CREATE PROCEDURE try(call text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE call;
EXCEPTION WHEN SQLSTATE 'OM001' OR SQLSTATE 'OM002' OR SQLSTATE 'OM003' OR SQLSTATE 'OM004' OR SQLSTATE 'OM017' THEN
    NULL;
END $$;
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$
DECLARE
    what text := (ARRAY['place', 'place', 'place', 'place', 'again', 'cancel', 'line', 'step', 'step', 'step', 'step', 'step', 'reject', 'short', 'hold', 'release', 'release', 'retry', 'prioritise'])[1 + floor(random() * 19)];
    o bigint;
    f record;
BEGIN
    -- the latest hundred: sessions shall meet
    SELECT id INTO o FROM (SELECT id FROM omni.sales_order ORDER BY id DESC LIMIT 100) t ORDER BY random() LIMIT 1;
    SELECT id, status INTO f FROM omni.fulfilment WHERE order_id = o AND status NOT IN ('shipped', 'cancelled', 'rejected') LIMIT 1;
    IF o IS NULL OR (f.id IS NULL AND what IN ('step', 'reject', 'short')) THEN
        what := 'place';
    END IF;
    CASE what
        WHEN 'place' THEN
            CALL try(format('SELECT omni.place_order(document(%L))', gen_random_uuid()));
        WHEN 'again' THEN
            CALL try(format('SELECT omni.place_order(document(%L))', 'same ' || floor(random() * 10)));
        WHEN 'cancel' THEN
            CALL try(format('SELECT omni.cancel_order(%s, NULL)', o));
        WHEN 'line' THEN
            CALL try(format('SELECT omni.cancel_order_line(min(id), 1, NULL) FROM omni.order_line WHERE order_id = %s', o));
        WHEN 'hold' THEN
            CALL try(format('SELECT omni.hold_order(%s, %L)', o, 'payment'));
        WHEN 'release' THEN
            CALL try(format('SELECT omni.release_hold(%s, %L)', o, 'payment'));
        WHEN 'prioritise' THEN
            CALL try(format('SELECT omni.prioritise_order(%s, %s)', o, floor(random() * 3)));
        WHEN 'retry' THEN
            CALL try('SELECT omni.retry_parked(5)');
        WHEN 'reject' THEN
            CALL try(format('SELECT omni.reject_fulfilment(%s, NULL)', f.id));
        WHEN 'short' THEN
            CALL try(format('SELECT omni.pick_fulfilment(%s, %L)', f.id, '[{"line": 1, "quantity": 1}]'));
        ELSE
            CALL try(format('SELECT omni.%s_fulfilment(%s)', CASE f.status WHEN 'allocated' THEN 'accept' WHEN 'accepted' THEN 'pick' WHEN 'picked' THEN 'pack' ELSE 'ship' END, f.id));
    END CASE;
END $$;
SQL

my $script = $node->basedir . '/work.sql';
append_to_file($script, "CALL work();\n");
for my $round (1 .. 3)
{
	# pgbench stops a client at its first error, and says so by its status
	$node->command_ok(
		[ 'pgbench', '-n', '-c', '8', '-j', '2', '-t', '120', '-f', $script, 'postgres' ],
		"round $round: 8 sessions, nothing but refusals");
	$node->safe_psql('postgres',
		"SELECT omni.receive_stock('S' || 1 + g % 5, 'I' || 1 + g % 8, 5) FROM generate_series(1, 20) g");
}

# at rest, that is: the worker may be serving the queue
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM omni.verify_stock()'), 'the stock is right');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM omni.sales_order'), '>', 300, 'many orders');
is($node->safe_psql('postgres', "SELECT count(*) FROM omni.sales_order WHERE external_id LIKE 'same%'"), 10, 'a key has one order, whoever came first');
is($node->safe_psql('postgres', <<'SQL'), '', 'nobody has sold what was not there');
SELECT sku, node, on_hand, reserved FROM omni.availability((SELECT array_agg(sku) FROM omni.item)) WHERE on_hand < 0 OR on_hand < reserved
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'lines and fulfilments agree');
SELECT l.id FROM omni.order_line l LEFT JOIN LATERAL (
    SELECT COALESCE(sum(fl.quantity) FILTER (WHERE f.status IN ('allocated', 'accepted')), 0) AS allocated,
        COALESCE(sum(fl.quantity) FILTER (WHERE f.status IN ('picked', 'packed')), 0) AS picked,
        COALESCE(sum(fl.quantity) FILTER (WHERE f.status = 'shipped'), 0) AS shipped
    FROM omni.fulfilment_line fl JOIN omni.fulfilment f ON f.id = fl.fulfilment_id WHERE fl.order_line_id = l.id) s ON true
WHERE (l.allocated, l.picked, l.shipped) IS DISTINCT FROM (s.allocated, s.picked, s.shipped)
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'who waits is in the queue, and nobody else');
SELECT l.id FROM omni.order_line l LEFT JOIN omni_internal.parked_line p ON p.order_line_id = l.id JOIN omni.sales_order o ON o.id = l.order_id
WHERE (l.open + l.backordered > 0) <> (p.order_line_id IS NOT NULL) OR p.priority <> o.priority
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'orders count their holds');
SELECT o.id FROM omni.sales_order o WHERE o.holds <> (SELECT count(*) FROM omni.order_hold h WHERE h.order_id = o.id AND h.released_at IS NULL)
SQL
is($node->safe_psql('postgres', <<'SQL'), 't', 'every promise belongs to work that is under way');
SELECT (SELECT COALESCE(sum(quantity), 0) FROM omni.reservation) = (SELECT COALESCE(sum(allocated + picked), 0) FROM omni.order_line)
SQL
is($node->safe_psql('postgres', <<'SQL'), 't', 'what left was shipped');
SELECT (SELECT -COALESCE(sum(quantity), 0) FROM omni.stock_ledger WHERE kind = 'consume') = (SELECT sum(shipped) FROM omni.order_line)
SQL
is($node->safe_psql('postgres', 'SELECT count(*) FROM omni.customer_identifier'), 30, 'twenty addresses, ten numbers, each once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM omni.customer c WHERE NOT EXISTS (SELECT FROM omni.customer_identifier WHERE customer_id = c.id)'), 0, 'nobody without one');
unlike(slurp_file($node->logfile), qr/deadlock detected|PANIC|XX000|server process .* was terminated/, 'no deadlock');

$node->stop;
done_testing();
