# Capacity is not passed: many sessions on one node's day, together with stock,
# through savepoints, two-phase commit, limits that change, and crashes.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('capacity',
	conf => "max_connections = 60\nmax_prepared_transactions = 40\n"
	  . "deadlock_timeout = 1s\nstatement_timeout = 30s\nrestart_after_crash = on\n");
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N', 'store', 1, 1), ('M', 'store', 2, 2);
INSERT INTO omni.item (sku) VALUES ('MUG');
SELECT omni.receive_stock('N', 'MUG', 1000), omni.receive_stock('M', 'MUG', 1000);
INSERT INTO omni.node_policy (node_kind, daily_units) VALUES ('store', 100);

-- A shipment: so many mugs, and the node's capacity for them.
CREATE FUNCTION ship(node text, day date, units int) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM omni_internal.reserve_capacity(ARRAY[node, node], ARRAY[NULL, day],
        ARRAY[units, units], ARRAY['MUG', NULL],
        CASE WHEN random() < 0.3 THEN 100000 END, day::text);
    RETURN true;
EXCEPTION WHEN SQLSTATE 'OM018' THEN
    RETURN false;
END $$;
-- End one, half of the time because it was done.
CREATE FUNCTION finish(the_day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r bigint;
BEGIN
    SELECT id INTO r FROM omni.capacity_reservation WHERE day = the_day
    ORDER BY random() LIMIT 1;
    IF random() < 0.5 THEN
        PERFORM omni.consume_reservation(r);
    ELSE
        PERFORM omni.release_reservation(r);
    END IF;
EXCEPTION WHEN SQLSTATE 'OM002' OR SQLSTATE 'OM004' OR SQLSTATE 'OM013' THEN
    NULL;
END $$;
SQL

sub script
{
	my ($name, $text) = @_;

	append_to_file("$dir/$name", $text);
	return "$dir/$name";
}

sub start_bench
{
	my ($out, $err, @arguments) = @_;

	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	return IPC::Run::start([ 'pgbench', '-n', '-j', '2', @arguments ],
		'>', $out, '2>', $err, IPC::Run::timeout(200));
}

sub bench
{
	my ($name, @arguments) = @_;
	my ($out, $err) = ('', '');
	my $run = start_bench(\$out, \$err, @arguments);

	ok($run->finish && $out =~ /number of failed transactions: 0 /, $name)
	  or diag($out, $err);
	return;
}

sub clean
{
	my ($name) = @_;

	is(value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
		'', "$name: verify_stock()");
	return;
}

# What the counters and what the tables say of a day: promised, done, left.
sub day
{
	my ($day) = @_;
	my $counters = value($node, "SELECT promised || ' ' || done || ' ' || available"
		  . " FROM omni.capacity('N', '$day')");
	my $tables = value($node, "SELECT sum(promised) || ' ' || sum(done) || ' ' ||"
		  . " greatest(100 - sum(promised + done), 0) FROM omni.capacity_now"
		  . " WHERE node = 'N' AND day = '$day'");

	is($counters, $tables, "$day: counters and tables agree");
	return $counters;
}

# ---- 32 sessions, a day of a hundred ----

script('commit', "BEGIN;\nSELECT ship('N', :day, 1);\nCOMMIT;\n");
script('rollback', "BEGIN;\nSELECT ship('N', :day, 3);\nROLLBACK;\n");
script('savepoint', <<'E');
BEGIN;
SELECT ship('N', :day, 2);
SAVEPOINT a;
SELECT ship('N', :day, 5);
ROLLBACK TO SAVEPOINT a;
SELECT ship('M', :day, 1);
COMMIT;
E
script('prepared', <<'E');
BEGIN;
SELECT ship('N', :day, 2);
PREPARE TRANSACTION 'p:client_id';
SELECT available >= 0 FROM omni.capacity('N', :day);
ROLLBACK PREPARED 'p:client_id';
E
for my $level ('read committed', 'repeatable read')
{
	my $day = $level eq 'read committed' ? '2026-12-01' : '2026-12-02';

	local $ENV{PGOPTIONS} =
	  '-c default_transaction_isolation=' . ($level =~ s/ /\\ /r);
	bench("$level: 32 sessions, no error and no deadlock",
		'-c', '32', '-t', '8', '-D', "day='$day'", '-f', "$dir/commit\@2",
		'-f', "$dir/rollback\@3", '-f', "$dir/savepoint\@2",
		'-f', "$dir/prepared\@2");
	bench("$level: until all are refused",
		'-c', '32', '-t', '5', '-D', "day='$day'", '-f', "$dir/commit");
	is(day($day), '100 0 0', "$level: exactly a hundred are promised");
}
is( value($node, "SELECT (SELECT sum(promised) FROM omni.capacity_now) ="
		  . " (SELECT sum(quantity) FROM omni.reservation)"),
	't', 'as much stock as capacity is promised');
clean('full days');

# ---- ends, and limits that change under the load ----

$node->safe_psql('postgres', "SELECT ship('N', '2026-12-03', 60)");
script('finish', "SELECT finish(:day);\n");
script('both', <<'E');
BEGIN;
SELECT finish(:day);
SELECT ship('N', :day, 2);
COMMIT;
E
script('limit', <<'E');
INSERT INTO omni.node_capacity (node, day, units)
VALUES ('N', :day, 10 + floor(random() * 90)::int)
ON CONFLICT ON CONSTRAINT node_capacity_pkey DO UPDATE SET units = excluded.units;
E
bench('promises, ends and limits', '-c', '16', '-t', '60',
	'-D', "day='2026-12-03'", '-f', "$dir/commit\@4", '-f', "$dir/finish\@3",
	'-f', "$dir/both\@3", '-f', "$dir/rollback\@2", '-f', "$dir/limit\@1");
clean('limits that change');
$node->safe_psql('postgres', 'DELETE FROM omni.node_capacity');
my ($promised, $done) = split / /, day('2026-12-03');
cmp_ok($promised + $done, '<=', 100, 'never more than the highest limit');
cmp_ok($done, '>', 0, 'work was done');

# ---- a crash, with promises open and in doubt ----

$node->safe_psql('postgres', <<'SQL');
SELECT ship('N', '2026-12-04', 90);
BEGIN;
SELECT ship('N', '2026-12-04', 7);
PREPARE TRANSACTION 'seven';
BEGIN;
SELECT omni.release_reservation(id) FROM omni.capacity_reservation
WHERE day = '2026-12-04';
PREPARE TRANSACTION 'release';
SQL
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe("BEGIN; SELECT ship('N', '2026-12-04', 3)");
my $left = "SELECT available FROM omni.capacity('N', '2026-12-04')";
is(value($node, $left), '0', 'promised, in doubt and in flight fill the day');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
kill('KILL', $pid);
ok($node->poll_query_until('postgres', "SELECT pg_postmaster_start_time() IS NOT NULL"
		  . " AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)"),
	'the server is back');
is(value($node, $left), '3', 'what was in flight is given back, what is in doubt is not');
clean('after the crash');
is(value($node, "SELECT ship('N', '2026-12-04', 4)"), 'f', 'four are too many');
is(value($node, "SELECT ship('N', '2026-12-04', 3)"), 't', 'three are not');
$node->restart;
is(value($node, $left), '0', 'a restart finds the same');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'seven'");
is(value($node, $left), '7', 'rolled back, it gives back');
$node->safe_psql('postgres', "COMMIT PREPARED 'release'");
is(value($node, $left), '97', 'committed, the release gives');
day('2026-12-04');
clean('decided');
$node->restart;
is(value($node, $left), '97', 'and so after one more restart');
is(day('2026-12-03'), "$promised $done " . (100 - $promised - $done),
	'the other day, too');

# ---- a dump, restored ----

my $dump = "$dir/dump.sql";
$node->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-o', '/dev/null',
		$node->connstr('copy') ], 'restored');
$node->safe_psql('copy', 'SELECT omni.adopt()');
my $all = "SELECT string_agg(c::text, ' ' ORDER BY node, day) FROM omni.capacity_now c";
is($node->safe_psql('copy', $all), value($node, $all), 'the copy has the same');
is($node->safe_psql('copy', $left), '97', 'and its counters');
is($node->safe_psql('copy', 'SELECT count(*) FROM omni.verify_stock()'), '0',
	'verify_stock() in the copy');
clean('in the end');

my $log = slurp_file($node->logfile);
unlike($log, qr/deadlock detected/, 'no deadlock in the log');
unlike($log, qr/PANIC|TRAP|signal 11/, 'no crash but the one that was wanted');

done_testing();
