# The network's configuration over a dump and restore, by logical replication, on
# a standby, and in a prepared transaction: the same answers everywhere, and
# nobody remembers what is no longer so.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @tables = qw(cost_currency zone_chart postal_zone distance_band carrier
  carrier_holiday service service_rate service_zone node_group
  node_group_member node_policy opening_hours special_day node_capacity
  shadow_price routing_rule sourcing_policy);
my $all = 'SELECT '
  . join(" || ' ' || ",
	map { "(SELECT count(*) || coalesce(string_agg(t::text, ',' ORDER BY t::text), '') FROM omni.$_ t)" }
	  @tables);
my $empty = 'SELECT '
  . join(" || ' ' || ",
	map { "(SELECT CASE count(*) WHEN 0 THEN '$_' ELSE '' END FROM omni.$_)" }
	  @tables);
my $explain = q{SELECT omni.explain_routing('{"channel": "web", "placed_at": "2026-11-02T12:00:00Z", "currency": "USD", "value": "10.00",
  "destination": {"country": "US", "postal_code": "55401", "region": "MN"}, "promise_by": "2026-11-03T12:00:00Z", "lines": [{"sku": "A", "quantity": 2, "unit_price": "5.00"}]}')};

my $node = omni_node('main',
	init => { allows_streaming => 'logical' },
	conf => "max_prepared_transactions = 10\n");
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.channel(code, kind) VALUES ('web', 'web');
INSERT INTO omni.node(code, kind, country, region, postal_code) VALUES ('S1', 'store', 'US', 'MN', '55425'), ('W1', 'warehouse', 'US', 'IL', '60601');
INSERT INTO omni.item(sku, category, weight_g, splittable, unfilled_cost) VALUES ('A', 'toys', 700, false, 900);
INSERT INTO omni.cost_currency(currency) VALUES ('USD');
INSERT INTO omni.zone_chart(code, country, default_zone) VALUES ('c', 'US', 8);
INSERT INTO omni.postal_zone VALUES ('c', '554', '554', 1), ('c', '554', '606', 4);
INSERT INTO omni.distance_band VALUES ('c', 100, 2);
INSERT INTO omni.carrier(code, zone_chart, currency) VALUES ('UPS', 'c', 'USD');
INSERT INTO omni.carrier_holiday VALUES ('UPS', '2026-11-26');
INSERT INTO omni.service(code, carrier) VALUES ('ground', 'UPS');
INSERT INTO omni.service_rate SELECT 'ground', z, 20000, 100 * z FROM generate_series(1, 8) z;
INSERT INTO omni.service_zone VALUES ('ground', 4, 4);
INSERT INTO omni.node_group(code) VALUES ('g');
INSERT INTO omni.node_group_member VALUES ('g', 'S1', 1);
INSERT INTO omni.node_policy(node_kind, shipment_cost) VALUES ('store', 11);
INSERT INTO omni.node_policy(node, daily_units) VALUES ('W1', 5);
INSERT INTO omni.opening_hours VALUES ('S1', 1, '10:00', '24:00');
INSERT INTO omni.special_day(day, node_group) VALUES ('2026-11-03', 'g');
INSERT INTO omni.node_capacity(node, day, units) VALUES ('W1', '2026-11-02', 9);
INSERT INTO omni.shadow_price SELECT i.id, n.id, 7, 0 FROM omni.item i, omni.node n WHERE n.code = 'S1';
INSERT INTO omni.routing_rule(position, name, action, channel, node_group, service, min_value, surcharge)
VALUES (1, 'r', 'prefer', 'web', 'g', 'ground', 'USD 1.00', 50);
INSERT INTO omni.sourcing_policy(channel, min_split_value, late_fixed) VALUES ('web', 'USD 5.00', 33);
SQL
my $rows = $node->safe_psql('postgres', $all);
my $answer = $node->safe_psql('postgres', $explain);
is($node->safe_psql('postgres', $empty) =~ s/ //gr, '', 'every table has a row');
like($answer, qr/"rule_cost": 100/, 'and they have their effect');

# ---- dump and restore ----

my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'postgres' ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '-d', 'restored', $dump ],
	'restored without an error');
is($node->safe_psql('restored', $all), $rows, 'the same rows');
is($node->safe_psql('restored', $explain), $answer, 'the same answer');
$node->safe_psql('restored', <<'SQL');
INSERT INTO omni.special_day(day) VALUES ('2027-01-01');
INSERT INTO omni.node_policy(node_kind) VALUES ('dropship');
SQL
pass('ids go on');

# ---- a prepared transaction ----

my $session = $node->background_psql('postgres');
my $cost = q{SELECT n ->> 'shipment_cost' FROM jsonb_array_elements((omni.explain_routing('{"lines": []}'))-> 'nodes') n WHERE n ->> 'node' = 'S1'};

is($session->query_safe($cost), '11', 'before');
$session->query_safe('BEGIN');
$session->query_safe("UPDATE omni.node_policy SET shipment_cost = 12 WHERE node_kind = 'store'");
is($session->query_safe($cost), '12', 'one\'s own change counts at once');
$session->query_safe("PREPARE TRANSACTION 'p'");
is($session->query_safe($cost), '11', 'and no longer, once it is prepared');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
is($session->query_safe($cost), '12', 'until it is committed');
$session->quit;

# ---- logical replication ----

my $copy = omni_node('copy');
my $connection = $node->connstr . ' dbname=postgres';
$copy->safe_psql('postgres', 'CREATE EXTENSION omni');
$node->safe_psql('postgres',
	"CREATE PUBLICATION network FOR TABLE omni.channel, omni.node, omni.item, "
	  . join(', ', map { "omni.$_" } @tables));
my $reader = $copy->background_psql('postgres');
$reader->query_safe(q{SELECT omni.explain_routing('{"lines": []}')});
$copy->safe_psql('postgres',
	"CREATE SUBSCRIPTION network CONNECTION '$connection' PUBLICATION network");
$copy->wait_for_subscription_sync($node, 'network');
is($copy->safe_psql('postgres', $all), $node->safe_psql('postgres', $all),
	'replicated: the same rows');
is($reader->query_safe($cost), '12',
	'a session of the copy that had found nothing sees them');
$node->safe_psql('postgres',
	"UPDATE omni.node_policy SET shipment_cost = 13 WHERE node_kind = 'store'");
$node->wait_for_catchup('network');
is($reader->query_safe($cost), '13', 'and each change after that');
$reader->quit;
$copy->stop;

# ---- a standby ----

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
my $far = $standby->background_psql('postgres');
is($far->query_safe($cost), '13', 'a standby answers');
$node->safe_psql('postgres',
	"UPDATE omni.node_policy SET shipment_cost = 14 WHERE node_kind = 'store'");
$node->wait_for_catchup($standby);
is($far->query_safe($cost), '14', 'and follows');
$far->quit;

done_testing();
