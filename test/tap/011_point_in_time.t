# Recovery to a point in time: counters, promises and feed are those of that
# moment, on a timeline of the feed of its own; and a consumer whose process has
# read what came after it is told, and acknowledges nothing of that.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Nothing ticks by itself, so a row without a position stays so.
my $primary = omni_node('primary',
	init => { allows_streaming => 1, has_archiving => 1 },
	conf => "omni.tick_interval = '60s'\n");

$primary->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.channel (code, kind) VALUES ('web', 'web');
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N1', 'store', 1, 1), ('N2', 'store', 2, 2);
INSERT INTO omni.item (sku) VALUES ('A'), ('B');
SELECT omni.receive_stock('N1', 'A', 100), omni.receive_stock('N2', 'B', 50);
SELECT omni.wait_for_tick();
SQL
$primary->backup('base');

sub events
{
	my ($node, $where) = @_;

	return value($node, "SELECT string_agg(position || ':' || kind || ':'"
		  . " || entity_id, ' ' ORDER BY position) FROM omni.event WHERE $where");
}

sub stock
{
	my ($node) = @_;

	return value($node, "SELECT string_agg(concat_ws(':', a.sku, a.node,"
		  . ' a.on_hand, a.reserved, a.available), \' \' ORDER BY a.sku, a.node)'
		  . " FROM omni.availability(ARRAY['A', 'B']) a")
	  . ' pools '
	  . value($node, "SELECT omni.available('A') || ' ' || omni.available('B')");
}

# Reads to the end, acknowledges, and returns the last position.
sub consume
{
	my ($node) = @_;
	my $last = value($node, "SELECT max(position) FROM omni.read_events('till', 1000)");

	value($node, "SELECT omni.ack_events('till', $last)") if $last;
	return $last;
}

# ---- before the point ----

my $kept = value($primary, "SELECT omni.reserve_stock('A', 7, 'N1')");
my $pool = value($primary, "SELECT omni.reserve_stock('B', 9, NULL, '1 day')");
value($primary, 'SELECT omni.wait_for_tick()');
my $shared = consume($primary);
my $known = events($primary, 'true');
# committed, without a position
my $open = value($primary, "SELECT omni.reserve_stock('A', 11)");
my $then = stock($primary);
value($primary, "SELECT pg_create_restore_point('here')");

# ---- after it ----

my $lost = value($primary, "SELECT omni.reserve_stock('A', 20, 'N1')");
value($primary, "SELECT omni.release_reservation($kept)");
value($primary, "SELECT omni.pin_reservation($pool, 'N2')");
value($primary, "SELECT omni.sell_stock('N2', 'B', 3) FROM generate_series(1, 5)");
value($primary, 'SELECT omni.wait_for_tick()');
my $stale = consume($primary);
cmp_ok($stale, '>', $shared + 5, 'the consumer has read what will be lost');
# the worker may write on, into the next file
my $file = value($primary, 'SELECT pg_walfile_name(pg_switch_wal())');
$primary->poll_query_until('postgres',
	"SELECT last_archived_wal >= '$file' FROM pg_stat_archiver")
  or die 'the log is not archived';
$primary->stop;

# ---- recovered ----

my $node = PostgreSQL::Test::Cluster->new('recovered');
$node->init_from_backup($primary, 'base', has_restoring => 1);
$node->append_conf('postgresql.conf', <<'CONF');
recovery_target_name = 'here'
recovery_target_action = 'promote'
CONF
$node->start;
$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
ok(wait_for_worker($node, 'postgres'), 'the worker runs after the recovery');

is(stock($node), $then, 'what is available is what was, then');
is( value($node, 'SELECT string_agg(id::text, \' \' ORDER BY id) FROM omni.reservation'),
	"$kept $pool $open", 'so are the promises');
is(value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
	'', 'verify_stock()');
is(value($node, 'SELECT omni.adopt()'), '1', 'the era stays');
is( value($node, 'SELECT string_agg(concat_ws(\':\', id, era, timeline,'
		  . ' after_position), \' \' ORDER BY id) FROM omni.feed_timeline'),
	"1:1:1:0 2:1:2:$shared", 'the feed says from where it is another one');

value($node, 'SELECT omni.wait_for_tick()');
is(events($node, "position <= $shared"), $known, 'positions have not moved');
is( events($node, "position > $shared"),
	($shared + 1) . ":stock.reserve:1 " . ($shared + 2) . ':feed.timeline:2',
	'what had none got one, once, and an event tells of the timeline');

# ---- the consumer's process, which has read what is lost ----

my $told = qr/has not read on this timeline.*Positions after $shared were given anew.*stands at position $shared\..*HINT:  Read on/s;
raises($node, "SELECT omni.ack_events('till', $stale)", 'OM014', $told,
	'it is told when it acknowledges what is not there yet');
value($node, "SELECT omni.receive_stock('N1', 'B', 1) FROM generate_series(1, 40)");
value($node, 'SELECT omni.wait_for_tick()');
cmp_ok(value($node, 'SELECT max(position) FROM omni.event'), '>', $stale,
	'the feed passes that position');
raises($node, "SELECT omni.ack_events('till', $stale)", 'OM014', $told,
	'it is told all the same');
raises($node, "SELECT omni.ack_events('till', $shared + 1)", 'OM014', $told,
	'also about the very next one');
is( value($node, "BEGIN READ ONLY; SELECT count(*) FROM omni.read_events('till', 1); COMMIT"),
	'1', 'it can read in a read-only transaction');
raises($node, "SELECT omni.ack_events('till', $shared + 1)", 'OM014', $told,
	'which is not noted');
is( value($node, "SELECT string_agg(kind, ' ') FROM omni.read_events('till', 3)"),
	'stock.reserve feed.timeline stock.receive',
	'it reads on from where the feeds part');
is( value($node, "SELECT payload FROM omni.event WHERE kind = 'feed.timeline'"),
	qq({"era": 1, "position": $shared, "timeline": 2}),
	'the event says where that is');
value($node, "SELECT omni.ack_events('till', $shared + 2)");
is(value($node, "SELECT position FROM omni.consumer WHERE name = 'till'"),
	$shared + 2, 'and acknowledges again');
is(consume($node), value($node, 'SELECT max(position) FROM omni.event'),
	'up to the end');
is(value($node, "SELECT count(*) FROM omni.read_events('new', 1)"),
	1, 'a new consumer reads from the start');
value($node, "SELECT omni.ack_events('new', $shared + 1)");
is( value($node, "SELECT position FROM omni.consumer WHERE name = 'new'"),
	$shared + 1, 'and acknowledges over the change of timeline');

# ---- life goes on ----

raises($node, "SELECT omni.release_reservation($lost)",
	'OM002', qr/does not exist/, 'what came after the point does not exist');
value($node, "SELECT omni.release_reservation($kept)");
value($node, "SELECT omni.pin_reservation($pool, 'N2')");
value($node, "SELECT omni.consume_reservation($pool)");
is( value($node, "SELECT omni.available('A') || ' ' || omni.available('B')"),
	'89 81', 'the promises of then can be closed');
is(value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
	'', 'verify_stock(), in the end');
$node->restart;
is(value($node, 'SELECT count(*) FROM omni.feed_timeline'),
	2, 'a restart is no change of timeline');
value($node, 'SELECT omni.adopt(), omni.wait_for_tick()');
is( value($node, 'SELECT count(*) = max(position) AND count(*) ='
		  . ' (SELECT count(*) FROM omni.stock_ledger)'
		  . ' + (SELECT count(*) FROM omni_internal.outbox) FROM omni.event'),
	't', 'the feed has every row once');

$node->stop;
done_testing();
