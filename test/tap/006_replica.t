# A standby does nothing of omni's until it is promoted; then the feed goes on,
# in the same era, on another timeline.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = omni_node('primary', init => { allows_streaming => 1 });
$primary->safe_psql('postgres', 'CREATE EXTENSION omni');
$primary->safe_psql('postgres',
	"SELECT omni_internal.write_event('test.counted', 'test', n, '{}') "
	  . 'FROM generate_series(1, 10) AS n');
$primary->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
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
	'10', 'the feed can be read');

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
		"SELECT string_agg(position || ':' || kind || ':' || entity_id, ' ' "
		  . 'ORDER BY position) FROM omni.event WHERE position > 9'),
	'10:test.counted:10 11:test.counted:11 12:feed.timeline:2 '
	  . '13:test.counted:12',
	'the feed goes on without gap or repeat, and tells of the timeline');
is( value($standby, "SELECT payload FROM omni.event WHERE kind = 'feed.timeline'"),
	'{"era": 1, "position": 10, "timeline": 2}',
	'and up to where it is the one that readers know');

$standby->stop;
done_testing();
