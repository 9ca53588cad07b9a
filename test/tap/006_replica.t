# A standby does nothing of omni's until it is promoted, and loads no counter;
# then the feed goes on, in the same era, on another timeline, and the counters
# are right: also what was prepared on the primary, and is decided here.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = omni_node('primary', init => { allows_streaming => 1 },
	conf => "max_prepared_transactions = 20\n");
$primary->safe_psql('postgres', 'CREATE EXTENSION omni');
$primary->safe_psql('postgres',
	"SELECT omni_internal.write_event('test.counted', 'test', n, '{}') "
	  . 'FROM generate_series(1, 10) AS n');
$primary->safe_psql('postgres', 'SELECT omni.wait_for_tick()');

# Items of ten units, and transactions prepared before and after the backup.
$primary->safe_psql('postgres', <<'SQL');
INSERT INTO omni.channel (code, kind) VALUES ('web', 'web');
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N', 'store', 1, 1);
INSERT INTO omni.item (sku)
SELECT unnest('{old,take,give,release,decided,lost}'::text[]);
SELECT omni.receive_stock('N', sku, 10) FROM omni.item;
SELECT omni.reserve_stock('release', 4, 'N', '1 day');
BEGIN;
SELECT omni.reserve_stock('old', 3);
PREPARE TRANSACTION 'old';
SQL
$primary->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
my $tick = value($primary, 'SELECT max(position) FROM omni.event');
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
# an event that has no position yet when the primary goes away
$primary->append_conf('postgresql.conf', "omni.tick_interval = '60s'\n");
$primary->reload;
$primary->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
$primary->safe_psql('postgres',
	"SELECT omni_internal.write_event('test.counted', 'test', 11, '{}')");
$primary->wait_for_catchup($standby);

# every function that would load a counter, while there is stock to be seen
is( value($standby, "SELECT sum(on_hand) FROM omni.stock_now"),
	'60', 'views show the stock on a standby');
for my $call (
	"available('take')", "available('take', 'N')", "availability('{take}')",
	'verify_stock()', "receive_stock('N', 'take', 1)",
	"sell_stock('N', 'take', 1)", "adjust_stock('N', 'take', 1, 'x')",
	"set_stock('N', 'take', 1)", "reserve_stock('take', 1)",
	"reserve_lines('{take}', '{1}')", "extend_reservation(1, '1 h')",
	"pin_reservation(1, 'N')", 'release_reservation(1)',
	'consume_reservation(1)',
	'place_order(\'{"channel": "web", "external_id": "W", "currency": "USD",'
	  . ' "fulfilment": {"kind": "pickup", "node": "N"}, "lines":'
	  . ' [{"sku": "take", "quantity": 1, "unit_price": "1"}]}\')')
{
	raises($standby, "SELECT omni.$call", 'OM011', qr/during recovery/,
		"refused on a standby: $call");
}

# what changes afterwards must be in the counters of the promoted server
$primary->safe_psql('postgres', <<'SQL');
SELECT omni.reserve_stock('lost', 10);
BEGIN;
SELECT omni.reserve_stock('take', 4, 'N');
PREPARE TRANSACTION 'take';
BEGIN;
SELECT omni.receive_stock('N', 'give', 5);
PREPARE TRANSACTION 'give';
BEGIN;
SELECT omni.release_reservation(id) FROM omni.reservation WHERE sku = 'release';
PREPARE TRANSACTION 'release';
BEGIN;
SELECT omni.reserve_stock('decided', 6);
PREPARE TRANSACTION 'decided';
COMMIT PREPARED 'decided';
SQL
$primary->wait_for_catchup($standby);

is( value(
		$standby,
		"SELECT count(*) FROM pg_stat_activity "
		  . "WHERE backend_type LIKE 'omni%'"),
	'0',
	'no process of omni runs on a standby');
raises($standby, 'SELECT omni.adopt()', 'OM011',
	qr/during recovery.*HINT:  Connect to the primary/s,
	'writes are refused there');
raises(
	$standby,
	"SELECT omni_internal.write_event('test.counted', 'test', 12, '{}')",
	'OM011', qr/during recovery/, 'all of them');
raises($standby, 'SELECT omni.wait_for_tick()',
	'OM011', qr/during recovery/, 'waiting for a tick, too');
raises($standby, "SELECT omni_internal.move_clock('1 h')",
	'OM011', qr/during recovery/, 'and moving the clock');
is( value($standby, 'SELECT max(position) FROM omni.event'),
	$tick, 'the feed can be read');

$primary->stop('immediate');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
ok(wait_for_worker($standby, 'postgres'), 'promotion brings the worker');
is(value($standby, 'SELECT omni.adopt()'), '1', 'the era stays');
is( value($standby, 'SELECT era, timeline FROM omni_internal.feed_state'),
	'1|2', 'the stamp carries the new timeline');
$standby->safe_psql('postgres',
	"SELECT omni_internal.write_event('test.counted', 'test', 12, '{}')");
$standby->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
is( value(
		$standby,
		"SELECT string_agg(kind || ':' || entity_id, ' ' ORDER BY position)"
		  . " FROM omni.event WHERE kind IN ('test.counted', 'feed.timeline')"
		  . ' AND (entity_id > 9 OR kind = \'feed.timeline\')'),
	'test.counted:10 test.counted:11 feed.timeline:2 test.counted:12',
	'the feed goes on without gap or repeat, and tells of the timeline');
is( value($standby, "SELECT payload - 'position' FROM omni.event"
		  . " WHERE kind = 'feed.timeline'"),
	'{"era": 1, "timeline": 2}', 'and of the era');
is( value($standby, "SELECT (e.payload->>'position')::bigint < e.position"
		  . " FROM omni.event e WHERE e.kind = 'feed.timeline'"),
	't', 'and up to where it is the one that readers know');

my $units = "SELECT string_agg(sku || ' ' || omni.available(sku), ', '"
  . ' ORDER BY id) FROM omni.item';
my $differences = "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v";
is( value($standby, $units),
	'old 7, take 6, give 10, release 6, decided 4, lost 0',
	'promoted: the counters are right, with what is in doubt');
is(value($standby, $differences), '', 'promoted: verify_stock()');
raises($standby, "SELECT omni.reserve_stock('take', 7)",
	'OM001', qr/available are 6/, 'promoted: nothing is sold twice');
raises($standby, 'SELECT omni.release_reservation(id) FROM omni.reservation'
	  . " WHERE sku = 'release'",
	'OM013', qr/pg_prepared_xacts/, 'promoted: a claim in doubt holds');
is( value($standby, "ROLLBACK PREPARED 'old'; COMMIT PREPARED 'take';"
		  . " COMMIT PREPARED 'give'; ROLLBACK PREPARED 'release'; $units"),
	'old 10, take 6, give 15, release 6, decided 4, lost 0',
	'promoted: the first answer after the decisions counts them');
is(value($standby, $differences), '', 'promoted: verify_stock() after them');
is( value($standby, 'SELECT omni.release_reservation(id) FROM omni.reservation'
		  . " WHERE sku = 'release'; SELECT omni.available('release')"),
	"\n10", 'promoted: the promise is there to be closed');
$standby->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
is( value($standby, 'SELECT count(*), count(DISTINCT position),'
		  . " (SELECT count(*) FROM omni.stock_ledger) FROM omni.event"
		  . " WHERE kind LIKE 'stock.%'"),
	'12|12|12', 'promoted: each ledger row is published once');

$standby->stop;
done_testing();
