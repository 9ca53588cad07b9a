# Many sessions prepare, commit and roll back in two phases, and in one, on a
# hundred units, through crashes of the server: never one too many, and in the
# end exactly what there was.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('two_phase_race',
	conf => "max_connections = 60\nmax_prepared_transactions = 64\n"
	  . "deadlock_timeout = 1s\nstatement_timeout = 30s\nrestart_after_crash = on\n");
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N', 'store', 1, 1), ('M', 'store', 2, 2);
INSERT INTO omni.item (sku) VALUES ('hundred'), ('A'), ('B'), ('C');
SELECT omni.receive_stock('N', 'hundred', 60), omni.receive_stock('M', 'hundred', 40);
SELECT omni.receive_stock(n, s, 40)
FROM unnest('{A,B,C}'::text[]) s, unnest('{N,M}'::text[]) n;

CREATE FUNCTION try_reserve(sku text, node text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM omni.reserve_stock(sku, 1, node,
        CASE WHEN random() < 0.5 THEN interval '10 days' END);
    RETURN true;
EXCEPTION WHEN SQLSTATE 'OM001' THEN
    RETURN false;
END $$;
-- One random step; what may be refused, is.
CREATE FUNCTION step() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s text := (ARRAY['A', 'B', 'C'])[1 + floor(random() * 3)::int];
    n text := (ARRAY['N', 'M'])[1 + floor(random() * 2)::int];
    q int := 1 + floor(random() * 6)::int;
    r bigint;
    t interval := CASE WHEN random() < 0.5 THEN random() * interval '2 s'
                       + interval '1 ms' END;
BEGIN
    SELECT id INTO r FROM omni.reservation
    WHERE sku IN ('A', 'B', 'C') ORDER BY random() LIMIT 1;
    CASE floor(random() * 12)::int
        WHEN 0 THEN PERFORM omni.receive_stock(n, s, q);
        WHEN 1 THEN PERFORM omni.sell_stock(n, s, q);
        WHEN 2 THEN PERFORM omni.adjust_stock(n, s, q - 7, 'x');
        WHEN 3, 4 THEN PERFORM omni.reserve_stock(s, q, n, t);
        WHEN 5, 6 THEN PERFORM omni.reserve_stock(s, q, NULL, t);
        WHEN 7, 8 THEN PERFORM omni.release_reservation(r);
        WHEN 9 THEN PERFORM omni.consume_reservation(r);
        WHEN 10 THEN PERFORM omni.pin_reservation(r, n);
        ELSE PERFORM omni.extend_reservation(r, '1 s');
    END CASE;
EXCEPTION WHEN SQLSTATE 'OM001' OR SQLSTATE 'OM002' OR SQLSTATE 'OM004'
        OR SQLSTATE 'OM013' THEN
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

# Decide everything that is prepared, by chance.
sub decide_all
{
	$node->safe_psql('postgres', <<'SQL');
SELECT CASE WHEN random() < 0.5 THEN 'COMMIT' ELSE 'ROLLBACK' END
       || ' PREPARED ' || quote_literal(gid)
FROM pg_prepared_xacts \gexec
SQL
	return;
}

sub clean
{
	my ($name) = @_;

	is(value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
		'', "$name: verify_stock()");
	return;
}

# ---- a hundred units ----

# decided by the session that prepared it, after a look at the rest
script('commit', <<'E');
BEGIN;
SELECT try_reserve('hundred');
PREPARE TRANSACTION 'c:client_id';
SELECT omni.available('hundred') >= 0 AS good;
COMMIT PREPARED 'c:client_id';
E
script('rollback', <<'E');
BEGIN;
SELECT try_reserve('hundred', 'N');
SAVEPOINT a;
SELECT try_reserve('hundred', 'M');
ROLLBACK TO SAVEPOINT a;
PREPARE TRANSACTION 'r:client_id';
SELECT omni.available('hundred', 'N') >= 0 AS good;
ROLLBACK PREPARED 'r:client_id';
E
script('two', <<'E');
BEGIN;
SELECT try_reserve('hundred');
SELECT try_reserve('hundred', 'M');
ROLLBACK;
E
script('one', "SELECT try_reserve('hundred', 'M');\n");

my @scripts = ('-f', "$dir/commit\@3", '-f', "$dir/rollback\@4",
	'-f', "$dir/two\@2", '-f', "$dir/one\@1");
my $promised = "SELECT COALESCE(sum(quantity), 0) FROM omni.reservation"
  . " WHERE sku = 'hundred'";

bench('32 sessions on 100 units', '-c', '32', '-t', '4', @scripts);
is( value($node, "SELECT ($promised) + omni.available('hundred')"),
	'100', 'promised and available are 100 together');
clean('32 sessions');
bench('32 sessions try again', '-c', '32', '-t', '12', @scripts);
# and those that nobody rolls back take the rest
bench('until they are refused', '-c', '32', '-t', '5', '-f', "$dir/commit");
is(value($node, "SELECT ($promised) || ' ' || omni.available('hundred')"),
	'100 0', 'exactly 100 units are promised');
is( value($node, 'SELECT count(*) FROM pg_prepared_xacts'),
	'0', 'nothing is left in doubt');
clean('100 units');

# ---- every kind of step, and crashes in the middle ----

# Half of the sessions hold something in doubt at any time, over several of
# their next transactions.
my $steps = script('steps', <<'E');
\set next random(1, 8)
\if :held = 1 and :next <= 2
COMMIT PREPARED 's:client_id';
\set held 0
\elif :held = 1 and :next <= 4
ROLLBACK PREPARED 's:client_id';
\set held 0
\endif
BEGIN;
SELECT step();
SELECT step();
SAVEPOINT a;
SELECT step();
\if :next % 2 = 0
ROLLBACK TO SAVEPOINT a;
\endif
\if :held = 0
PREPARE TRANSACTION 's:client_id';
\set held 1
\elif :next = 8
ROLLBACK;
\else
COMMIT;
\endif
SELECT omni.available('A') + omni.available('B', 'N') >= 0 AS good;
E
my $clock = script('clock', "SELECT omni_internal.move_clock('20 ms');\n");

bench('steps of every kind in two phases', '-c', '16', '-t', '40',
	'-D', 'held=0', '-f', "$steps\@20", '-f', "$clock\@1");
$node->safe_psql('postgres', "SELECT omni_internal.move_clock('1 minute')");
clean('steps, some in doubt');
decide_all();
clean('steps');

# A restart forgets how far the clock was moved, but for the last tick's time:
# so each time further than any before.
my $hours = 0;

sub pass_time
{
	$hours += 2;
	$node->safe_psql('postgres',
		"SELECT omni_internal.move_clock('$hours hours')");
	return;
}

# What every item can promise.
my $state = "SELECT string_agg(omni.available(sku) || '/' || omni.available(sku,"
  . " 'N') || '/' || omni.available(sku, 'M'), ' ' ORDER BY id) FROM omni.item";
my $back = script('back', "BEGIN;\nSELECT step();\nSELECT step();\nROLLBACK;\n");

for my $round (1 .. 3)
{
	my ($out, $err) = ('', '');
	my $run = start_bench(\$out, \$err, '-c', '16', '-T', '60',
		'-D', 'held=0', '-f', $steps);
	my $pid;

	# the crash comes while some are in doubt
	ok( $node->poll_query_until(
			'postgres', 'SELECT count(*) >= 4 FROM pg_prepared_xacts'),
		"crash $round: transactions are in doubt");
	for (1 .. 1000)
	{
		$pid = value($node,
			"SELECT pid FROM pg_stat_activity WHERE backend_type ="
			  . " 'client backend' AND query LIKE '%step%'"
			  . ' AND pid <> pg_backend_pid() LIMIT 1');
		last if $pid;
	}
	kill('KILL', $pid);
	$run->finish;
	ok($node->poll_query_until('postgres', 'SELECT true'),
		"crash $round: the server is back");
	my $left = value($node, 'SELECT count(*) FROM pg_prepared_xacts');
	cmp_ok($left, '>', 0, "crash $round: $left transactions are in doubt");
	clean("crash $round: while they are in doubt");
	bench("crash $round: others go on", '-c', '8', '-t', '10', '-f', $back);
	# time that passes gives back, and decides nothing
	pass_time();
	clean("crash $round: with the limits over");
	my $held = value($node, $state);
	$node->restart;
	pass_time();
	is(value($node, $state), $held,
		"crash $round: one more restart finds the same");
	decide_all();
	clean("crash $round: decided");
	my $decided = value($node, $state);
	$node->restart;
	pass_time();
	is(value($node, $state), $decided,
		"crash $round: what the counters hold is what the tables say");
	clean("crash $round: and after a restart");
}

my $log = slurp_file($node->logfile);
unlike($log, qr/deadlock detected/, 'no deadlock in the log');
unlike($log, qr/PANIC|TRAP|signal 11/, 'no crash of its own in the log');

$node->stop;
done_testing();
