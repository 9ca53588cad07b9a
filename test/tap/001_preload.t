# Without preload: CREATE EXTENSION says what to put where, LOAD is harmless.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('bare', preload => 0);

raises(
	$node,
	'CREATE EXTENSION omni',
	'OM011',
	qr/must be loaded via "shared_preload_libraries".*HINT:  Set shared_preload_libraries = 'omni' in postgresql\.conf and restart/s,
	'CREATE EXTENSION without preload fails and says what to do');
is( value(
		$node,
		"SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'omni%'"),
	'0', 'and leaves nothing behind');

is($node->psql('postgres', "LOAD 'omni'"),
	0, 'LOAD without preload is harmless');
is( value(
		$node,
		"LOAD 'omni'; CREATE TABLE t (a int); INSERT INTO t VALUES (1); "
		  . "SELECT count(*) FROM t; DROP TABLE t"),
	'1',
	'and the session goes on');
is( value(
		$node,
		"SELECT count(*) FROM pg_stat_activity "
		  . "WHERE backend_type LIKE 'omni%'"),
	'0', 'no process of omni runs');

$node->append_conf('postgresql.conf',
	"shared_preload_libraries = 'auto_explain'\n");
$node->restart;
raises(
	$node, 'CREATE EXTENSION omni', 'OM011',
	qr/shared_preload_libraries = 'auto_explain, omni'/,
	'the hint keeps what is preloaded already');

# A database that has omni, on a server that lost its preload.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'omni'\n");
$node->restart;
$node->safe_psql('postgres', 'CREATE EXTENSION omni');
is(value($node, 'SELECT omni.adopt()'),
	'1', 'with preload the extension works');
is(value($node, "SHOW omni.tick_interval"), '200ms', 'settings exist');

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
raises($node, 'SELECT omni.adopt()', 'OM011',
	qr/must be loaded via "shared_preload_libraries"/,
	'writes are refused when the preload was taken away');
raises(
	$node, 'SELECT omni.wait_for_tick()', 'OM011',
	qr/must be loaded via "shared_preload_libraries"/,
	'so is waiting for a tick');
is(value($node, 'SELECT state FROM omni.describe_worker()'),
	'none', 'there is no worker');
is($node->psql('postgres', 'DROP EXTENSION omni'),
	0, 'DROP EXTENSION works without preload');

$node->stop;
done_testing();
