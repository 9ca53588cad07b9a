# pg_upgrade: nothing of omni's runs while it works, everything is there
# afterwards, and the feed goes on under the next era.  From 15 to 15, which
# pg_upgrade allows: the new cluster has another system identifier.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $conf = "omni.tick_interval = '60s'\nlog_min_messages = debug1\n";
my $old = omni_node('old', conf => $conf);

$old->safe_psql('postgres', 'CREATE DATABASE shop');
$old->safe_psql('shop', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
CREATE ROLE up_reader LOGIN;
SELECT omni.grant_access('up_reader', 'reader');
INSERT INTO omni.channel (code, kind) VALUES ('web', 'web');
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N1', 'store', 44.9, -93.2), ('N2', 'store', 41.8, -87.6);
INSERT INTO omni.item (sku) SELECT 'SKU' || g FROM generate_series(1, 5) g;
SELECT omni.receive_stock('N' || n, 'SKU' || g, 40)
FROM generate_series(1, 2) n, generate_series(1, 5) g;
SELECT omni.set_stock_policy('SKU2', 'N1', 5);
SELECT omni.reserve_stock('SKU1', g, CASE WHEN g = 2 THEN 'N1' END,
    CASE WHEN g = 3 THEN interval '30 days' END) FROM generate_series(1, 3) g;
SELECT omni.place_order('{"channel": "web", "external_id": "W-1", "currency": "USD",
  "fulfilment": {"kind": "ship", "address": {"country": "US", "latitude": 44.9, "longitude": -93.2}},
  "lines": [{"sku": "SKU3", "quantity": 2, "unit_price": "7.50"}]}');
SELECT omni.wait_for_tick();
SELECT omni.ack_events('till', 9) FROM omni.read_events('till', 1);
-- committed, without a position
SELECT omni.sell_stock('N2', 'SKU4', 3);
CREATE TABLE priced (tag omni.epc, code omni.gtin, price omni.amount);
INSERT INTO priced VALUES ('urn:epc:tag:sgtin-96:1.0614141.812345.6789',
    '4006381333931', 'USD 12.34');
SQL

# What must be the same.
my %same = (
	availability => "SELECT string_agg(a::text, ' ' ORDER BY a.sku, a.node) FROM "
	  . 'omni.availability((SELECT array_agg(sku) FROM omni.item)) a',
	pools => "SELECT string_agg(omni.available(sku)::text, ' ' ORDER BY sku)"
	  . ' FROM omni.item',
	promises => "SELECT string_agg(r::text, ' ' ORDER BY r.id) FROM omni.reservation r",
	order => 'SELECT omni.order_document(1)',
	consumers => "SELECT string_agg(concat_ws(':', name, position), ' ')"
	  . ' FROM omni.consumer',
	feed => "SELECT string_agg(concat_ws(':', position, kind, entity_id, payload),"
	  . " ' ' ORDER BY position) FROM omni.event WHERE position <= %d",
	'custom types' => 'SELECT p::text FROM priced p',
	members => "SELECT count(*) FROM pg_depend WHERE deptype = 'e' AND refobjid ="
	  . " (SELECT oid FROM pg_extension WHERE extname = 'omni')",
	dumped => "SELECT array_agg(c.relname ORDER BY c.relname) FROM pg_extension e,"
	  . " unnest(e.extconfig) x(oid) JOIN pg_class c ON c.oid = x.oid"
	  . " WHERE extname = 'omni'");
my $last = value($old, 'SELECT max(position) FROM omni.event', dbname => 'shop');
my %before = map {
	$_ => value($old, sprintf($same{$_}, $last), dbname => 'shop')
} keys %same;
$old->stop;

my $new = omni_node('new', conf => $conf, start => 0);
my $bindir = $new->config_data('--bindir');
my $dir = PostgreSQL::Test::Utils::tempdir();

chdir($dir) or die "$dir: $!";
my ($out, $err);
ok( IPC::Run::run(
		[ 'pg_upgrade', '--no-sync', '--retain', '-d', $old->data_dir, '-D',
			$new->data_dir, '-b', $bindir, '-B', $bindir, '-s', $new->host,
			'-p', $old->port, '-P', $new->port ],
		'>', \$out, '2>', \$err),
	'pg_upgrade')
  or diag($out, $err);

# Its servers' logs, in which the postmaster names what it starts.
my $log = join('', map { slurp_file($_) }
	  glob($new->data_dir . '/pg_upgrade_output.d/*/log/pg_upgrade_server.log'));
like($log, qr/starting background worker process "logical replication/,
	'the log of pg_upgrade\'s servers names what they start');
unlike($log, qr/starting background worker process "omni/,
	'nothing of omni\'s among it');
unlike($log, qr/ERROR|FATAL|PANIC/, 'and nothing fails');

$new->start;
ok(wait_for_worker($new, 'shop'), 'the worker runs');
is( value($new, 'SELECT era || \' \' || (system_identifier = (SELECT system_identifier'
		  . ' FROM pg_control_system())) FROM omni_internal.feed_state',
		dbname => 'shop'),
	'1 false', 'the stamp is the old cluster\'s: nothing has been written');
for my $what (grep { $_ ne 'feed' } sort keys %same)
{
	is(value($new, $same{$what}, dbname => 'shop'), $before{$what},
		"the same: $what");
}

is(value($new, 'SELECT omni.adopt()', dbname => 'shop'),
	'2', 'adopted, in the next era');
value($new, "SELECT omni.receive_stock('N1', 'SKU5', 1)", dbname => 'shop');
value($new, 'SELECT omni.wait_for_tick()', dbname => 'shop');
is(value($new, sprintf($same{feed}, $last), dbname => 'shop'),
	$before{feed}, 'positions have not moved');
is( value($new, "SELECT string_agg(kind, ' ' ORDER BY position) FROM omni.event"
		  . " WHERE position > $last", dbname => 'shop'),
	'stock.sell feed.adopted stock.receive',
	'what had none got one, once, before what came after');
is( value($new, 'SELECT count(*) = max(position) AND count(*) ='
		  . ' (SELECT count(*) FROM omni.stock_ledger)'
		  . ' + (SELECT count(*) FROM omni_internal.outbox) FROM omni.event',
		dbname => 'shop'),
	't', 'no gap and no repeat');
is( value($new, "SELECT min(position) FROM omni.read_events('till', 1000)",
		dbname => 'shop'),
	'10', 'the consumer goes on where it was');
is(value($new, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v",
		dbname => 'shop'),
	'', 'verify_stock()');
is( value($new, 'SET ROLE up_reader; SELECT count(*) > 0 FROM omni.stock_now',
		dbname => 'shop'),
	't', 'access that was granted is there');
value($new, 'SELECT omni.release_reservation(min(id)) FROM omni.reservation',
	dbname => 'shop');
value($new, 'SELECT omni.accept_fulfilment(1), omni.pick_fulfilment(1),'
	  . ' omni.pack_fulfilment(1), omni.ship_fulfilment(1)', dbname => 'shop');
is(value($new, "SELECT omni.order_document(1) ->> 'status'", dbname => 'shop'),
	'completed', 'the order goes on');
is(value($new, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v",
		dbname => 'shop'),
	'', 'verify_stock(), in the end');
is( $new->psql('shop', 'DROP TABLE priced; DROP EXTENSION omni;'
		  . ' CREATE EXTENSION omni'),
	0, 'the extension can be dropped and made anew');

$new->stop;
done_testing();
