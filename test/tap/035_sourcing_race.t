# 64 sessions place orders for ten hot items with mixed baskets, at nodes whose
# capacity is hard: nothing is sold twice, no node takes more than it can, no
# deadlock, and an order is planned again, inside the call, when others were
# faster.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('sourcing_race', conf => "max_connections = 100\n");

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web'), ('app', 'app');
INSERT INTO omni.node(code, kind, latitude, longitude) SELECT 'S' || g, 'store', 30 + g, -90 - g FROM generate_series(1, 8) g;
INSERT INTO omni.item(sku) SELECT 'I' || g FROM generate_series(1, 10) g;
SELECT count(omni.receive_stock('S' || n, 'I' || i, 40)) FROM generate_series(1, 8) n, generate_series(1, 10) i;
-- 3,200 units lie there, and 1,200 of them can be sent
INSERT INTO omni.node_policy(node_kind, daily_units) VALUES ('store', 150);

CREATE TABLE attempt (session int, answer text, attempts int);
CREATE PROCEDURE work(session int) LANGUAGE plpgsql AS $$
DECLARE
    o bigint;
    tries int;
    said text;
BEGIN
    o := omni.place_order(jsonb_build_object('channel', CASE session % 2 WHEN 0 THEN 'web' ELSE 'app' END, 'external_id', gen_random_uuid(), 'currency', 'USD',
        'options', jsonb_build_object('backorder', random() < 0.1),
        'fulfilment', CASE WHEN random() < 0.1 THEN jsonb_build_object('kind', 'pickup', 'node', 'S' || 1 + floor(random() * 8))
            ELSE jsonb_build_object('kind', 'ship', 'address', jsonb_build_object('latitude', 31 + random() * 7, 'longitude', -91 - random() * 7)) END,
        'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'I' || 1 + floor(random() * 10), 'quantity', 1 + floor(random() * 3), 'unit_price', '9.99'))
            FROM generate_series(1, 1 + floor(random() * 4)::int))));
    SELECT (plan ->> 'attempts')::int INTO tries FROM omni.order_plan WHERE order_id = o AND plan_number = 1;
    INSERT INTO attempt VALUES (session, 'placed', tries);
    -- hold the units for a moment, so that others meet them, and give some back
    IF random() < 0.3 THEN
        PERFORM omni.cancel_order(o, NULL);
    END IF;
EXCEPTION WHEN SQLSTATE 'OM001' THEN
    INSERT INTO attempt VALUES (session, 'refused', NULL);
END $$;
SQL

my $script = $node->basedir . '/work.sql';
append_to_file($script, "CALL work(:client_id);\n");
$node->command_ok(
	[ 'pgbench', '-n', '-c', '64', '-j', '2', '-t', '25', '-f', $script, 'postgres' ],
	'64 sessions, nothing but refusals');

ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM omni.verify_stock()'), 'the stock is right');
is($node->safe_psql('postgres', 'SELECT count(*) FROM attempt'), 64 * 25, 'every call was answered');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM attempt WHERE answer = 'placed'"), '>', 150, 'many orders were placed');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM attempt WHERE answer = 'refused'"), '>', 150, 'and many refused, when the nodes were full');
is($node->safe_psql('postgres', <<'SQL'), '', 'nobody has sold what was not there');
SELECT sku, node, on_hand, reserved FROM omni.availability((SELECT array_agg(sku) FROM omni.item)) WHERE on_hand < reserved
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'no node takes more than it can');
SELECT f.node_id, sum(l.quantity) FROM omni.fulfilment f JOIN omni.fulfilment_line l ON l.fulfilment_id = f.id
WHERE f.status NOT IN ('cancelled', 'rejected') GROUP BY 1, (f.created_at AT TIME ZONE 'UTC')::date HAVING sum(l.quantity) > 150
SQL
is($node->safe_psql('postgres', <<'SQL'), 't', 'and what it has promised is what its orders have of it');
SELECT (SELECT sum(c.promised) FROM generate_series(0, 5) d, omni.node n, omni.capacity(n.code, current_date - 1 + d) c)
    = (SELECT sum(allocated) FROM omni.order_line)
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'lines and fulfilments agree');
SELECT l.id FROM omni.order_line l WHERE l.allocated <> (SELECT COALESCE(sum(fl.quantity), 0) FROM omni.fulfilment_line fl
    JOIN omni.fulfilment f ON f.id = fl.fulfilment_id WHERE fl.order_line_id = l.id AND f.status = 'allocated')
SQL
my $again = $node->safe_psql('postgres', 'SELECT COALESCE(sum(attempts - 1), 0) FROM attempt');
is($node->safe_psql('postgres', "SELECT count(*) FROM attempt WHERE answer = 'placed' AND COALESCE(attempts, 0) < 1"), 0,
	"plans count how often they were made: $again times again, inside the call");
unlike(slurp_file($node->logfile), qr/deadlock detected|PANIC|XX000|server process .* was terminated/, 'no deadlock');

$node->stop;
done_testing();
