# Master data over a dump and restore, and by logical replication: the rows
# arrive, each change is told once, and what sessions remember stays right.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('main', init => { allows_streaming => 'logical' });
my $all = <<'SQL';
SELECT jsonb_build_object(
    'channel', (SELECT jsonb_agg(c ORDER BY c.id) FROM omni.channel AS c),
    'node', (SELECT jsonb_agg(n ORDER BY n.id) FROM omni.node AS n),
    'item', (SELECT jsonb_agg(i ORDER BY i.id) FROM omni.item AS i),
    'item_code', (SELECT jsonb_agg(c ORDER BY c.sku) FROM omni.item_code AS c),
    'stock_policy', (SELECT jsonb_agg(p ORDER BY p.id) FROM omni.stock_policy AS p))
SQL
my $events = <<'SQL';
SELECT string_agg(kind || ' ' || entity_id, ',' ORDER BY position) FROM omni.event
WHERE kind ~ '^(channel|node|item|item_code|stock_policy)[.]'
SQL

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.channel(code, kind, currency, may_refuse)
VALUES ('web', 'web', 'USD', true), ('mkt', 'marketplace', NULL, false);
INSERT INTO omni.node(code, kind, name, latitude, longitude, country, region, city, street,
    postal_code, timezone, safety)
VALUES ('S1', 'store', 'First', 44.97, -93.27, 'US', 'MN', 'Minneapolis', '1 Main St', '55401',
    'America/Chicago', 2),
    ('W1', 'warehouse', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'UTC', 0);
UPDATE omni.node SET status = 'inactive', pickup = true WHERE code = 'W1';
INSERT INTO omni.item(sku, name, unit) VALUES ('A', 'Apple', 'gram'), ('B', NULL, 'piece');
INSERT INTO omni.item_code(code, sku, pack_quantity)
VALUES ('4006381333931', 'A', 6), ('96385074', 'B', 1);
SELECT omni.set_stock_policy('A', 'S1', 5), omni.set_stock_policy('B', 'S1', 0);
SELECT omni.wait_for_tick();
SQL
my $rows = $node->safe_psql('postgres', $all);
my $told = $node->safe_psql('postgres', $events);
like($told, qr/item_code\.created 4006381333931/, 'the source has events');

# ---- dump and restore, as one script and table by table ----

my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'postgres' ], 'dump');
for my $options ([], ['--single-transaction'])
{
	my $name = "restored @$options";
	my $db = @$options ? 'restored_at_once' : 'restored';

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->command_ok(
		[ 'pg_restore', '--exit-on-error', @$options, '-d', $db, $dump ],
		"$name: no error");
	is($node->safe_psql($db, $all), $rows, "$name: the same rows");
	is(value($node, 'SELECT omni.adopt()', dbname => $db),
		2, "$name: adopted");
	$node->safe_psql($db, 'SELECT omni.wait_for_tick()');
	is($node->safe_psql($db, $events),
		$told, "$name: the same events, none for rows that were loaded");
	is( $node->safe_psql(
			$db,
			"INSERT INTO omni.item(sku) VALUES ('C') RETURNING id, "
			  . "omni_internal.item_id('A')"),
		'3|1',
		"$name: ids go on");
	$node->safe_psql($db, 'SELECT omni.wait_for_tick()');
	is( $node->safe_psql($db, $events),
		"$told,item.created 3",
		"$name: and so do events");
}

# ---- logical replication of master data into another cell ----

my $cell = omni_node('cell');
$cell->safe_psql('postgres', 'CREATE EXTENSION omni; SELECT omni.adopt()');
$node->safe_psql('postgres',
	'CREATE PUBLICATION master FOR TABLE omni.channel, omni.node, omni.item');
my $conninfo = $node->connstr . ' dbname=postgres';
$cell->safe_psql('postgres',
	"CREATE SUBSCRIPTION master CONNECTION '$conninfo' PUBLICATION master");
$cell->wait_for_subscription_sync($node, 'master');

# A session of the subscriber that remembers.
my $session = $cell->background_psql('postgres', on_error_stop => 0);
is( $session->query(
		q{SELECT omni_internal.item_id('A'), omni_internal.active_nodes()}),
	'1|{1}', 'a session of the subscriber knows the item and the node');
my $count =
  $cell->safe_psql('postgres', 'SELECT omni_internal.policy_generation()');

is( join(',', sort split(/,/, value($cell, "SELECT omni.wait_for_tick() > 0; $events") =~ s/^t\n//r)),
	'channel.created 1,channel.created 2,item.created 1,item.created 2,'
	  . 'node.created 1,node.created 2',
	'rows that the subscription copied are events of its own feed');

$node->safe_psql('postgres', <<'SQL');
UPDATE omni.item SET sku = 'A2' WHERE sku = 'A';
UPDATE omni.node SET status = 'active' WHERE code = 'W1';
INSERT INTO omni.item(sku) VALUES ('D');
DELETE FROM omni.item WHERE sku = 'D';
SQL
$node->wait_for_catchup('master');
is( $session->query(
		q{SELECT omni_internal.item_id('A2'), omni_internal.item_sku(1), }
		  . q{omni_internal.active_nodes()}),
	'1|A2|{1,2}',
	'it hears of changes that the apply worker makes');
like($session->query(q{SELECT omni_internal.item_id('A')}) . $session->{stderr},
	qr/sku "A" does not exist/, 'the old sku is gone');
cmp_ok(
	$cell->safe_psql('postgres', 'SELECT omni_internal.policy_generation()'),
	'>', $count, 'the stock engine is told');
$session->quit;
$cell->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
like($cell->safe_psql('postgres', $events),
	qr/,item\.updated 1,node\.updated 2,item\.created 3,item\.deleted 3$/,
	'and so are changes that arrive later');
$cell->safe_psql('postgres', 'DROP SUBSCRIPTION master');

$node->stop;
$cell->stop;
done_testing();
