# Orders in every state over a dump and restore: the same documents, the same
# promises, repeated calls know their orders, and work goes on.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('main');
my $documents = 'SELECT omni.order_document(id) FROM omni.sales_order ORDER BY id';
# (The worker tries those who wait in vain, now and then.)
my $rows = join(' UNION ALL ', map { "SELECT '$_', (to_jsonb(t) - '{attempts,last_tried_at,next_try_at}'::text[])::text FROM omni.$_ t" }
	  qw(sales_order order_contact order_request delivery_address order_line
	  order_discount order_fee order_tender order_plan fulfilment
	  fulfilment_line pickup_person customer customer_identifier order_hold
	  parked_line)) . ' ORDER BY 1, 2';
my $promises = 'SELECT id, sku, node, quantity FROM omni.reservation ORDER BY id';

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.channel(code, kind, may_refuse) VALUES ('market', 'marketplace', false);
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S1', 'store', 44.9, -93.2), ('S2', 'store', 41.9, -87.6);
INSERT INTO omni.item(sku) VALUES ('A'), ('B');
SELECT omni.receive_stock(n, s, 50) FROM unnest(ARRAY['S1', 'S2']) n, unnest(ARRAY['A', 'B']) s;
SQL

# One order for each way that a fulfilment can have gone.
my $place = <<'SQL';
SELECT omni.place_order(jsonb_build_object('channel', 'web', 'external_id', '%d', 'currency', 'USD',
    'customer', jsonb_build_object('email', 'c%d@example.com', 'name', '{"given": "Jane"}'::jsonb),
    'fulfilment', '%s'::jsonb, 'coupons', '["X"]'::jsonb,
    'lines', '[{"sku": "A", "quantity": 3, "unit_price": "1.2345", "tax": {"rate": "0.07"}}, {"sku": "B", "quantity": 1, "unit_price": "2", "discounts": [{"amount": "0.5"}]}]'::jsonb,
    'discounts', '[{"code": "D", "amount": "1"}]'::jsonb, 'fees', '[{"code": "bag", "amount": "0.1"}]'::jsonb,
    'tenders', '[{"kind": "card", "reference": "t", "amount": "5"}]'::jsonb))
SQL
my $ship = '{"kind": "ship", "address": {"country": "US", "name": "Jane Roe", "latitude": 44.9, "longitude": -93.2}}';
my $pickup = '{"kind": "pickup", "node": "S1", "promise_by": "2026-12-24T18:00:00Z"}';
my @ways = (
	[ $ship, [] ], [ $ship, ['accept'] ], [ $ship, [ 'accept', 'pick' ] ],
	[ $ship, [ 'accept', 'pick', 'pack' ] ],
	[ $ship, [ 'accept', 'pick', 'pack', 'ship' ] ],
	[ $ship, ['reject'] ], [ $ship, ['cancel'] ],
	[ $pickup, [] ], [ $pickup, [ 'accept', 'pick', 'ready' ] ],
	[ $pickup, [ 'accept', 'pick', 'ready', 'collect' ] ],
	[ $pickup, ['reject'] ], [ '{"kind": "take_away", "node": "S2"}', [] ]);
my @calls;
for my $n (1 .. @ways)
{
	my ($wish, $steps) = @{ $ways[ $n - 1 ] };
	my $call = sprintf($place, $n, $n, $wish);
	my $order = $node->safe_psql('postgres', $call);

	push @calls, $call;
	for my $step (@$steps)
	{
		my $fulfilment = "(SELECT max(id) FROM omni.fulfilment WHERE order_id = $order)";

		$node->safe_psql('postgres',
			  $step eq 'cancel' ? "SELECT omni.cancel_order($order, 'x')"
			: $step eq 'reject' ? "SELECT omni.reject_fulfilment($fulfilment, 'x')"
			: $step eq 'collect' ? "SELECT omni.collect_fulfilment($fulfilment, 'Jane')"
			: "SELECT omni.${step}_fulfilment($fulfilment)");
	}
}
$node->safe_psql('postgres', <<'SQL');
SELECT omni.place_order('{"channel": "market", "external_id": "p", "currency": "USD", "options": {"ship_complete": true},
    "fulfilment": {"kind": "ship", "address": {"country": "US"}}, "lines": [{"sku": "A", "quantity": 500, "unit_price": "1"}]}');
SELECT omni.place_order('{"channel": "web", "external_id": "h", "currency": "USD", "options": {"hold": ["payment", "fraud"], "priority": 3},
    "fulfilment": {"kind": "ship", "address": {"country": "US"}}, "lines": [{"sku": "A", "quantity": 1, "unit_price": "1"}]}');
SELECT omni.release_hold(max(id), 'fraud') FROM omni.sales_order;
INSERT INTO omni_internal.fulfilment_transition(kind, from_status, to_status) VALUES ('ship', 'picked', 'accepted');
SELECT omni.wait_for_tick();
SQL
my %before = map { $_ => $node->safe_psql('postgres', $_) } ($documents, $rows, $promises);
my $events = $node->safe_psql('postgres', q{SELECT count(*) FROM omni.event});

my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'postgres' ], 'dump');
my $copy = omni_node('copy');
for my $options ([], ['--single-transaction'])
{
	my $db = @$options ? 'restored_at_once' : 'restored';
	my $name = "restored @$options";

	$copy->safe_psql('postgres', "CREATE DATABASE $db");
	$copy->command_ok(
		[ 'pg_restore', '--exit-on-error', @$options, '-d', $db, $dump ],
		"$name: no error");
	$copy->safe_psql($db, 'SELECT omni.adopt()');
	is($copy->safe_psql($db, $documents), $before{$documents}, "$name: the same documents");
	is($copy->safe_psql($db, $rows), $before{$rows}, "$name: the same rows");
	is($copy->safe_psql($db, $promises), $before{$promises}, "$name: the same promises");
	is($copy->safe_psql($db, 'SELECT * FROM omni.verify_stock()'), '', "$name: the stock is right");

	my $repeated = join(',', map { $copy->safe_psql($db, $_) } @calls);
	is($repeated, join(',', 1 .. @calls), "$name: repeated calls know their orders");
	is($copy->safe_psql($db, 'SELECT count(*) FROM omni_internal.fulfilment_transition'),
		21, "$name: the states, each once, and the retailer's own");

	# what was held is held, and who waited is served
	my (undef, undef, $held) = $copy->psql($db, "SELECT omni.accept_fulfilment(id) FROM omni.work_list WHERE holds IS NOT NULL");
	like($held, qr/is on hold/, "$name: holds hold");
	$copy->safe_psql($db, "SELECT omni.release_hold(order_id, holds[1]), omni.accept_fulfilment(id) FROM omni.work_list WHERE holds IS NOT NULL");
	$copy->safe_psql($db, "SELECT omni.receive_stock('S1', 'A', 500)");
	$copy->poll_query_until($db, "SELECT count(*) = 0 FROM omni.parked_line WHERE external_id = 'p'")
	  or die 'nobody served the queue';
	is($copy->safe_psql($db, "SELECT l.allocated FROM omni.order_line l JOIN omni.sales_order o ON o.id = l.order_id WHERE o.external_id = 'p'"),
		500, "$name: who waited is served");

	# what is packed is shipped, and the feed goes on
	$copy->safe_psql($db, "SELECT omni.ship_fulfilment(id) FROM omni.fulfilment WHERE status = 'packed'");
	my (undef, undef, $error) = $copy->psql($db, "SELECT omni.ship_fulfilment(id) FROM omni.fulfilment WHERE status = 'allocated' LIMIT 1");
	like($error, qr/is "allocated" and cannot become "shipped"/, "$name: the states hold");
	is($copy->safe_psql($db, sprintf($place, 100, 100, $ship)), @calls + 3, "$name: ids go on");
	is($copy->safe_psql($db, "SELECT customer_id FROM omni.sales_order WHERE external_id = '100'"),
		@calls + 1, "$name: customers', too");
	$copy->safe_psql($db, 'SELECT omni.wait_for_tick()');
	cmp_ok($copy->safe_psql($db, 'SELECT count(*) FROM omni.event'), '>', $events, "$name: the feed goes on");
	is($copy->safe_psql($db, 'SELECT * FROM omni.verify_stock()'), '', "$name: the stock is still right");
}

$node->stop;
$copy->stop;
done_testing();
