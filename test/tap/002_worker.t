# The life of a database's worker: it comes with the extension and goes with
# it, stands in nobody's way, and survives what goes wrong in a turn.
use strict;
use warnings;

use File::Path qw(make_path);
use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('worker');
my ($pid, $other, $offset);

sub has_logged
{
	my ($server, $pattern, $from) = @_;

	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1 if slurp_file($server->logfile, $from) =~ $pattern;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

# ---- it comes with the extension ----

is(worker_pid($node, 'postgres'), '', 'without the extension no worker');

$node->safe_psql('postgres', 'BEGIN; CREATE EXTENSION omni; ROLLBACK');
raises($node, 'SELECT omni_internal.clock()',
	'3F000', qr/schema/, 'an aborted CREATE EXTENSION leaves nothing');
is(worker_pid($node, 'postgres'), '', 'nor a worker');

raises(
	$node,
	'BEGIN; CREATE EXTENSION omni; SELECT omni.adopt();',
	'OM011',
	qr/created or altered by this transaction.*HINT:.*COMMIT first/s,
	'a first write in the transaction of CREATE EXTENSION says so');

$node->safe_psql('postgres', 'CREATE EXTENSION omni');
ok(wait_for_worker($node, 'postgres'), 'CREATE EXTENSION brings the worker');
ok( $node->poll_query_until(
		'postgres',
		"SELECT state = 'idle' AND xact_start IS NULL FROM pg_stat_activity "
		  . "WHERE backend_type = 'omni worker'"),
	'it is idle outside a transaction');
is( value(
		$node,
		"SELECT count(*) FROM pg_stat_activity "
		  . "WHERE backend_type = 'omni launcher' AND datname IS NULL"),
	'1',
	'the launcher is connected to no database');

# ---- adoption of a fresh extension ----

is(value($node, 'SELECT count(*) FROM omni_internal.feed_state'),
	'0', 'the install script writes no state');
is(value($node, 'SELECT omni.wait_for_tick()'),
	'0', 'where nothing was written there is nothing to wait for');
is(value($node, 'SELECT omni.adopt()'), '1', 'the first write adopts');
is( value(
		$node,
		"SELECT era, database_oid = (SELECT oid FROM pg_database "
		  . "WHERE datname = current_database()), extension_oid = "
		  . "(SELECT oid FROM pg_extension WHERE extname = 'omni'), "
		  . "system_identifier = (SELECT system_identifier "
		  . "FROM pg_control_system()) FROM omni_internal.feed_state"),
	'1|t|t|t',
	'the stamp is this database\'s own');
is(value($node, 'SELECT omni.adopt()'), '1', 'adopting again does nothing');

# ---- restart ----

$node->restart;
is(value($node, 'SELECT omni.adopt()'),
	'1', 'after a restart writes wait for the worker, in the same era');
ok(wait_for_worker($node, 'postgres'), 'it has come back by itself');

$node->stop('immediate');
$node->start;
is(value($node, 'SELECT omni.adopt()'), '1', 'after a crash, too');

# ---- waiting for a tick ----

raises($node, 'SELECT omni.wait_for_tick(NULL)',
	'OM002', qr/must not be null/, 'wait_for_tick wants a time limit');
raises($node, "SELECT omni.wait_for_tick('-1 s')",
	'OM007', qr/must not be negative/, 'and no negative one');

# ---- errors in a turn ----

wait_for_worker($node, 'postgres');
$pid = worker_pid($node, 'postgres');
is(value($node, "SELECT pg_cancel_backend($pid)"), 't', 'cancel the worker');
is(value($node, 'SELECT omni.wait_for_tick() >= 0'),
	't', 'it goes on after a cancel');
is(worker_pid($node, 'postgres'), $pid, 'as the same process');

$offset = -s $node->logfile;
$node->safe_psql('postgres', 'ALTER TABLE omni.tick RENAME TO hidden');
raises(
	$node, "SELECT omni.wait_for_tick('300 ms')",
	'OM015', qr/no tick was closed within 300 ms/,
	'while ticks fail, waiting ends at its time limit');
ok(has_logged($node, qr/relation "omni\.tick" does not exist/, $offset),
	'the error is in the log');
is(value($node, 'SELECT omni.adopt()'), '1', 'writes go on meanwhile');
$node->safe_psql('postgres', 'ALTER TABLE omni.hidden RENAME TO tick');
is(value($node, "SELECT omni.wait_for_tick('20 s') >= 0"),
	't', 'the worker goes on after the error');
is(worker_pid($node, 'postgres'), $pid, 'as the same process');

is(value($node, "SELECT pg_terminate_backend($pid)"),
	't', 'terminate the worker');
is(value($node, 'SELECT omni.adopt()'),
	'1', 'writes do not wait for another worker');
ok(wait_for_worker($node, 'postgres', $pid), 'the launcher starts another');
is(value($node, 'SELECT omni.wait_for_tick() >= 0'), 't', 'and it ticks');

my $launcher = value($node,
	"SELECT pid FROM pg_stat_activity WHERE backend_type = 'omni launcher'");
$node->safe_psql('postgres', "SELECT pg_terminate_backend($launcher)");
$pid = worker_pid($node, 'postgres');
ok( $node->poll_query_until(
		'postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE "
		  . "backend_type = 'omni launcher' AND pid <> $launcher"),
	'a terminated launcher comes back');
is(worker_pid($node, 'postgres'), $pid, 'and leaves the worker alone');

# ---- DROP EXTENSION ----

my $session = $node->background_psql('postgres');
is($session->query_safe('SELECT omni.adopt()'), '1', 'a session that stays');

$node->safe_psql('postgres', 'BEGIN; DROP EXTENSION omni; ROLLBACK');
is(value($node, 'SELECT omni.wait_for_tick() >= 0'),
	't', 'an aborted DROP EXTENSION harms nothing');

$node->safe_psql('postgres', 'DROP EXTENSION omni');
ok(worker_gone($node, 'postgres'), 'DROP EXTENSION takes the worker along');
$node->safe_psql('postgres', 'CREATE EXTENSION omni');
is($session->query_safe('SELECT omni.adopt()'),
	'1', 'another extension is adopted anew, in an old session, too');
is(value($node, 'SELECT count(*) FROM omni_internal.feed_state'),
	'1', 'with a stamp of its own');
ok(wait_for_worker($node, 'postgres'), 'and has a worker');

is( $session->query_safe(
		"DROP EXTENSION omni;\nCREATE EXTENSION omni;\n"
		  . "SELECT omni.adopt()"),
	'1',
	'DROP, CREATE and a first write in one session');
is( $session->query_safe(
		"BEGIN;\nDROP EXTENSION omni;\nCREATE EXTENSION omni;\nCOMMIT;\n"
		  . "SELECT omni.adopt()"),
	'1',
	'DROP and CREATE in one transaction');
$session->quit;

# DROP EXTENSION does not deadlock with turns that come thick and fast.
$node->append_conf('postgresql.conf', "omni.tick_interval = 10\n");
$node->reload;
my $failed = 0;
for my $i (1 .. 10)
{
	$failed++
	  if $node->psql('postgres',
		"SET deadlock_timeout = '10ms'; DROP EXTENSION omni; "
		  . "CREATE EXTENSION omni") != 0;
}
is($failed, 0, 'ten times DROP and CREATE EXTENSION under a busy worker');
is(value($node, 'SELECT omni.adopt()'), '1', 'the last one can be adopted');

# ---- statements that want a database without sessions ----

$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', 'CREATE EXTENSION omni');
is(value($node, 'SELECT omni.adopt()', dbname => 'shop'), '1', 'a shop');
wait_for_worker($node, 'shop');

$pid = worker_pid($node, 'shop');
$node->safe_psql('postgres', 'CREATE ROLE nobody LOGIN');
raises($node, "SET ROLE nobody; DROP DATABASE shop;",
	'42501', qr/must be owner/, 'who does not own a database cannot drop it');
raises(
	$node, "SET ROLE nobody; ALTER DATABASE shop RENAME TO mine;",
	'42501', qr/must be owner/, 'nor rename it');
is(worker_pid($node, 'shop'), $pid, 'nor disturb its worker');

is($node->psql('postgres', 'ALTER DATABASE shop RENAME TO store'),
	0, 'ALTER DATABASE RENAME');
ok(wait_for_worker($node, 'store'), 'the worker comes back');
is(value($node, 'SELECT omni.adopt()', dbname => 'store'),
	'1', 'a renamed database is still the same');

is($node->psql('postgres', 'CREATE DATABASE copy TEMPLATE store'),
	0, 'CREATE DATABASE from it');
ok(wait_for_worker($node, 'store'), 'the worker comes back');
is(value($node, 'SELECT omni.adopt()', dbname => 'copy'),
	'2', 'a copy is adopted, in the next era');
ok(wait_for_worker($node, 'copy'), 'and has a worker');

is( $node->psql(
		'store', 'CREATE DATABASE copy2 TEMPLATE store; DROP DATABASE copy2'),
	0,
	'CREATE DATABASE from one\'s own');
$session = $node->background_psql('store');
$session->query_safe('SELECT omni.adopt()');
$node->safe_psql('postgres', 'ALTER DATABASE store ALLOW_CONNECTIONS false');
$pid = worker_pid($node, 'store');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok(wait_for_worker($node, 'store', $pid),
	'the worker comes back where new sessions are not allowed');
is($session->query_safe('SELECT omni.wait_for_tick() >= 0'),
	't', 'for those that are there');
$session->quit;
$node->safe_psql('postgres', 'ALTER DATABASE store ALLOW_CONNECTIONS true');

my $space = PostgreSQL::Test::Utils::tempdir_short();
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$space'");
is($node->psql('postgres', 'ALTER DATABASE copy SET TABLESPACE space'),
	0, 'ALTER DATABASE SET TABLESPACE');
is(value($node, 'SELECT omni.wait_for_tick() >= 0', dbname => 'copy'),
	't', 'the feed goes on');

raises($node, 'ALTER DATABASE store SET TABLESPACE nowhere;',
	'42704', qr/tablespace "nowhere" does not exist/,
	'a statement that fails');
raises($node, 'BEGIN; DROP DATABASE store;',
	'25001', qr/cannot run inside a transaction block/,
	'another one');
is(value($node, 'SELECT omni.wait_for_tick() >= 0', dbname => 'store'),
	't', 'lifts the bar all the same');

# Two renames in one transaction: the worker that was asked to come back in
# between waits for this transaction, and must not be waited for.
$session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe('BEGIN; ALTER DATABASE store RENAME TO one');
ok( $node->poll_query_until(
		'postgres',
		"SELECT count(*) = 1 FROM pg_locks WHERE NOT granted "
		  . "AND classid = 'pg_database'::regclass"),
	'after a rename the new worker waits for its transaction');
is( $session->query(
		"ALTER DATABASE one RENAME TO store;\nCOMMIT;\nSELECT 'done'"),
	'done',
	'but a second one does not wait for that worker');
$session->quit;
is(value($node, 'SELECT omni.wait_for_tick() >= 0', dbname => 'store'),
	't', 'and the worker is back');

wait_for_worker($node, 'copy');
$session = $node->background_psql('store');
$session->query_safe('SELECT 1');
raises($node, 'DROP DATABASE store;', '55006', qr/being accessed/,
	'DROP DATABASE still minds other sessions');
$session->quit;

is($node->psql('postgres', 'DROP DATABASE copy'), 0, 'DROP DATABASE');
is($node->psql('postgres', 'DROP DATABASE store WITH (FORCE)'),
	0, 'DROP DATABASE WITH (FORCE)');
is( value(
		$node,
		"SELECT count(*) FROM pg_stat_activity WHERE "
		  . "backend_type = 'omni worker'"),
	'1',
	'their workers are gone');
$node->safe_psql('postgres', 'CREATE DATABASE store');
$node->safe_psql('store', 'CREATE EXTENSION omni');
is(value($node, 'SELECT omni.adopt()', dbname => 'store'),
	'1', 'a new database of the same name starts afresh');

# ---- bounds ----

$node->append_conf('postgresql.conf', "omni.max_databases = 2\n");
$node->restart;
is(value($node, 'SELECT omni.adopt()', dbname => 'store'), '1', 'two fit');
is(value($node, 'SELECT omni.adopt()'), '1', 'into two places');
$node->safe_psql('postgres', 'CREATE DATABASE third');
raises(
	$node, 'CREATE EXTENSION omni', 'OM012',
	qr/omni\.max_databases.*HINT:  Raise omni\.max_databases/s,
	'a third does not', dbname => 'third');
$node->safe_psql('store', 'DROP EXTENSION omni');
worker_gone($node, 'store');
is($node->psql('third', 'CREATE EXTENSION omni'),
	0, 'until one has dropped its extension');
is(value($node, 'SELECT omni.adopt()', dbname => 'third'), '1', 'it works');
$node->safe_psql('postgres', 'DROP DATABASE store');

# The two launchers, omni's and logical replication's, take two of three.
$node->append_conf('postgresql.conf', "max_worker_processes = 3\n");
$offset = -s $node->logfile;
$node->restart;
ok( has_logged(
		$node,
		qr/no background worker is free for omni.*HINT:  Raise max_worker_processes/s,
		$offset),
	'a full max_worker_processes is logged, with a hint');
my @dbs = worker_pid($node, 'third') ? ('third', 'postgres') :
  ('postgres', 'third');
is(value($node, 'SELECT omni.adopt()', dbname => $dbs[0]), '1', 'one works');
raises(
	$node,
	"SET omni.adopt_timeout = '500ms'; SELECT omni.adopt();",
	'OM011',
	qr/has not adopted.*DETAIL:  No background worker is free/s,
	'the other says why not',
	dbname => $dbs[1]);
raises($node, "SET statement_timeout = '200ms'; SELECT omni.adopt();",
	'57014', qr/statement timeout/, 'and its wait can be cancelled',
	dbname => $dbs[1]);
$node->safe_psql($dbs[0], 'DROP EXTENSION omni');
is(value($node, 'SELECT omni.adopt()', dbname => $dbs[1]),
	'1', 'and works as soon as a worker is free');
$node->safe_psql('postgres', 'DROP EXTENSION IF EXISTS omni');
$node->safe_psql('postgres', 'DROP DATABASE third');
$node->append_conf('postgresql.conf', "max_worker_processes = 16\n");
$node->restart;

# ---- the clock ----

$node->safe_psql('postgres', 'CREATE EXTENSION omni; GRANT USAGE ON SCHEMA '
	  . 'omni_internal TO nobody; GRANT EXECUTE ON FUNCTION '
	  . 'omni_internal.move_clock TO nobody');
raises($node, "SET ROLE nobody; SELECT omni_internal.move_clock('1 day');",
	'42501', qr/must be superuser/, 'only superusers move the clock');
$node->safe_psql('postgres', "SELECT omni_internal.move_clock('1 day')");
is( value(
		$node,
		"SELECT date_trunc('day', omni_internal.clock() - now() + '1 h')"),
	'1 day',
	'the clock has moved, in another session');
raises($node, "SELECT omni_internal.move_clock('101 years');",
	'OM007', qr/by more than/, 'but not by any amount');
raises($node, "SELECT omni_internal.move_clock(NULL);",
	'OM002', qr/must not be null/, 'by how much must be said');

# ---- library and SQL of different versions ----

my $dest = PostgreSQL::Test::Utils::tempdir();
PostgreSQL::Test::RecursiveCopy::copypath($ENV{OMNI_DEST}, "$dest/omni");
my ($control) = glob("$dest/omni/usr/share/postgresql/*/extension/omni.control");
(my $script = $control) =~ s/omni\.control$/omni--0.1.0--99.0.sql/;
append_to_file($script, "SELECT 1;\n");
(my $back = $control) =~ s/omni\.control$/omni--99.0--0.0.1.sql/;
append_to_file($back, "SELECT 1;\n");
$node->append_conf('postgresql.conf', omni_conf(dest => "$dest/omni"));
$node->restart;

$session = $node->background_psql('postgres', on_error_stop => 0);
is($session->query('SELECT omni.adopt()'), '1', 'before the update');
$offset = -s $node->logfile;
$node->safe_psql('postgres', "ALTER EXTENSION omni UPDATE TO '99.0'");
raises($node, 'SELECT omni.adopt()', 'OM016',
	qr/SQL objects have version 99\.0.*HINT:  Restart the server/s,
	'newer SQL than the library: restart the server');
$session->query('SELECT omni.adopt()');
like($session->{stderr}, qr/SQL objects have version 99\.0/,
	'a session that had passed the gate before is told, too');
$session->quit;
ok(has_logged($node, qr/omni's worker does nothing/, $offset),
	'the worker does nothing, and says so');
$node->safe_psql('postgres', "ALTER EXTENSION omni UPDATE TO '0.0.1'");
raises($node, 'SELECT omni.adopt()', 'OM016',
	qr/version 0\.0\.1.*HINT:  Run: ALTER EXTENSION omni UPDATE/s,
	'older SQL than the library: update the extension');

$node->stop;

unlike(slurp_file($node->logfile), qr/PANIC|was terminated by signal|TRAP|deadlock detected/,
	'nothing has crashed');
done_testing();
