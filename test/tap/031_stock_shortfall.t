# No shortfall goes unnoticed, and none is told twice: flags that are lost with
# shared memory, a turn of the worker that fails, a dead worker, a restore.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('stock_shortfall', conf => "log_min_messages = warning\n");
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES ('N', 'store', 1, 1);
INSERT INTO omni.item (sku) SELECT 'SKU' || g FROM generate_series(1, 6) g;
SELECT omni.receive_stock('N', 'SKU' || g, 10) FROM generate_series(1, 6) g;
SELECT omni.reserve_stock('SKU' || g, 8, 'N') FROM generate_series(1, 6) g;
SQL

# How often a node's shortfall of an item was told, in which depth.
sub told
{
	my ($sku, $dbname) = @_;

	return $node->safe_psql($dbname // 'postgres',
		    "SELECT string_agg(substr(kind, 7) || COALESCE(' ' || (payload ->> 'short'), ''), ', ' ORDER BY position)"
		  . " FROM omni.event WHERE kind LIKE 'stock.shortfall%'"
		  . " AND payload ->> 'sku' = '$sku' AND payload ->> 'node' = 'N'");
}

sub wait_told
{
	my ($sku, $what, $name, $dbname) = @_;
	my @events = split(/,/, $what);

	$node->poll_query_until(
		$dbname // 'postgres',
		"SELECT omni.wait_for_tick() IS NOT NULL AND (SELECT count(*) FROM"
		  . " omni.event WHERE kind LIKE 'stock.shortfall%' AND payload ->> 'sku' = '$sku'"
		  . " AND payload ->> 'node' = 'N') >= "
		  . @events);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(told($sku, $dbname), $what, $name);
	return;
}

# ---- flags that a crash takes with it ----

# The worker cannot write what it knows while the table is locked.
my ($locked, $err) = ('', '');
my $commands = "BEGIN;\nLOCK TABLE omni_internal.announced_shortfall;\n\\echo locked\n";
my $locker = IPC::Run::start(
	[ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ],
	'<', \$commands, '>', \$locked, '2>', \$err);
$locker->pump until $locked =~ /locked/;
$node->safe_psql('postgres', "SELECT omni.sell_stock('N', 'SKU1', 5)");
$node->stop('immediate');
$locker->kill_kill;
$node->start;
wait_told('SKU1', 'shortfall 3', 'a shortfall whose flag a crash took is told');

# ---- state that a crash does not take ----

$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', "SELECT omni.sell_stock('N', 'SKU2', 4)");
wait_told('SKU2', 'shortfall 2', 'after another crash a new one is told');
is(told('SKU1'), 'shortfall 3', 'but the old one not again');
$node->safe_psql('postgres', "SELECT omni.sell_stock('N', 'SKU1', 1)");
wait_told('SKU1', 'shortfall 3, shortfall 4', 'it deepens: told');

# ---- an end that a crash took ----

$commands = "BEGIN;\nLOCK TABLE omni_internal.announced_shortfall;\n\\echo locked\n";
$locked = '';
$locker = IPC::Run::start(
	[ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ],
	'<', \$commands, '>', \$locked, '2>', \$err);
$locker->pump until $locked =~ /locked/;
$node->safe_psql('postgres', "SELECT omni.receive_stock('N', 'SKU2', 5)");
$node->stop('immediate');
$locker->kill_kill;
$node->start;
wait_told('SKU2', 'shortfall 2, shortfall_over', 'the end of one, too');

# ---- a turn of the worker that fails ----

$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON omni_internal.announced_shortfall
    FOR EACH ROW EXECUTE FUNCTION fail();
SELECT omni.sell_stock('N', 'SKU3', 3);
SQL
my $log = 0;
for (1 .. 600)
{
	last if $log = slurp_file($node->logfile) =~ /not now/;
	$node->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
}
ok($log, 'the worker\'s turn fails');
$node->safe_psql('postgres', 'DROP TRIGGER fail ON omni_internal.announced_shortfall');
wait_told('SKU3', 'shortfall 1', 'what it had taken off the list is told later');

# ---- a cause that comes up while the worker looks at everything ----

# It looks at a few items at a time, and stands at the last of them; then an
# item that it has passed becomes short, of which nothing but the table tells.
$node->append_conf('postgresql.conf', "omni.test_at_once = 2\n");
$node->reload;
$node->safe_psql('postgres', <<'SQL');
INSERT INTO omni.item (sku) SELECT 'ALL' || g FROM generate_series(1, 8) g;
SELECT omni.receive_stock('N', 'ALL' || g, 10) FROM generate_series(1, 8) g;
SELECT omni.reserve_stock('ALL' || g, 8, 'N') FROM generate_series(1, 8) g;
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
CREATE TRIGGER wait BEFORE INSERT ON omni_internal.announced_shortfall
    FOR EACH ROW EXECUTE FUNCTION wait();
-- a row of the ledger as no function of omni writes it
CREATE FUNCTION lose(lost text, units int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO omni.stock_ledger (id, item_id, node_id, quantity, reserved,
        era, kind, occurred_at, recorded_at, actor)
    SELECT nextval('omni_internal.feed_id_seq'), i.id, n.id, -units, 0, era,
        'adjust', now(), now(), 'me'
    FROM omni_internal.feed_state, omni.item i, omni.node n
    WHERE i.sku = lost AND n.code = 'N' $$;
SQL
$commands = "BEGIN;\nSELECT pg_advisory_xact_lock(1);\n\\echo locked\n";
$locked = '';
$locker = IPC::Run::start(
	[ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ],
	'<', \$commands, '>', \$locked, '2>', \$err);
$locker->pump until $locked =~ /locked/;
$node->safe_psql('postgres', "SELECT lose('ALL7', 4)");
my $stands = "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type ="
  . " 'omni worker' AND wait_event = 'advisory'";
ok($node->poll_query_until('postgres', $stands), 'the worker stands at an item');
$node->safe_psql('postgres', "SELECT lose('ALL2', 5)");
$commands .= "COMMIT;\n\\q\n";
$locker->finish;
wait_told('ALL7', 'shortfall 2', 'it tells of the item at which it stood');
wait_told('ALL2', 'shortfall 3', 'and comes round to the one behind it');
$node->safe_psql('postgres', 'DROP TRIGGER wait ON omni_internal.announced_shortfall');
$node->append_conf('postgresql.conf', "omni.test_at_once = 0\n");
$node->reload;

# ---- a worker that is dead for a while ----

my $pid = worker_pid($node, 'postgres');
$node->safe_psql('postgres',
	"SELECT pg_terminate_backend($pid); SELECT omni.sell_stock('N', 'SKU4', 3)");
ok(wait_for_worker($node, 'postgres', $pid), 'another worker starts');
wait_told('SKU4', 'shortfall 1', 'and tells what it finds');

# ---- a restored database knows what was told ----

my $dump = $node->basedir . '/dump.sql';
$node->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d',
		$node->connstr('copy'), '-f', $dump ], 'restore');
$node->safe_psql('copy', "SELECT omni.sell_stock('N', 'SKU5', 3)");
wait_told('SKU5', 'shortfall 1', 'the copy tells what is new there', 'copy');
is(told('SKU1', 'copy'), 'shortfall 3, shortfall 4', 'and not what was told before');
$node->safe_psql('copy', "SELECT omni.receive_stock('N', 'SKU1', 5)");
wait_told('SKU1', 'shortfall 3, shortfall 4, shortfall_over',
	'but its end', 'copy');
is(told('SKU1'), 'shortfall 3, shortfall 4', 'each database its own');

is(value($node, 'SELECT count(*) FROM omni.verify_stock()'), '0', 'verify_stock()');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11/, 'no crash of its own');
done_testing();
