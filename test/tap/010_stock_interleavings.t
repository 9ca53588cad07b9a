# Sessions that stand still at one exact point: in the middle of a callback,
# between the flush of a commit and its being visible, between a reading and
# its use.  What others do meanwhile must come out right.
#
# Where the server itself has no place to wait, the session stops at a test
# point (src/core/test_point.h), which only the tests' build has.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Commits that ask for it wait for a standby that never comes.
my $node = omni_node('interleavings', init => { allows_streaming => 1 },
	conf => "max_connections = 40\nsynchronous_standby_names = 'nobody'\n"
	  . "synchronous_commit = local\n");

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
SELECT 'N' || g, 'store', g, g FROM generate_series(1, 3) g;
INSERT INTO omni.item (sku) SELECT 'SKU' || g FROM generate_series(1, 20) g;
SELECT omni.receive_stock('N1', 'SKU' || g, 10) FROM generate_series(1, 20) g;
CREATE PROCEDURE close_tick(era integer) LANGUAGE c
    AS '$libdir/omni', 'omni_core_test_tick';
SQL

my $limit = 300;    # tenths of a second

# Until the condition holds; false when it never does.
sub poll
{
	my ($condition) = @_;

	for (1 .. $limit)
	{
		return 1 if $condition->();
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

# A session that waits for no answer where it is told to go.
sub session
{
	my $psql = $node->background_psql('postgres', on_error_stop => 0);

	return { psql => $psql, pid => $psql->query_safe('SELECT pg_backend_pid()') };
}

# Run statements one by one and wait for each.
sub run
{
	my ($session, @statements) = @_;
	my @values = map { scalar $session->{psql}->query_safe($_) } @statements;

	return $values[-1];
}

# Send a statement and do not wait for it.
sub send_off
{
	my ($session, $statement) = @_;

	$session->{psql}->query_until(qr/off/, "\\echo off\n$statement;\n");
	return;
}

# SQLSTATE of the statement that was sent off, once it has ended.
sub answer
{
	my ($session) = @_;

	my ($out) = $session->{psql}->query('\echo answer :SQLSTATE');

	# what it has said of an error is no matter of the next statement
	$session->{psql}{stderr} = '';
	return $out =~ /^answer (\w+)$/m ? $1 : $out;
}

# Does the process stand still?
sub stopped
{
	my ($session) = @_;

	return poll(
		sub { slurp_file("/proc/$session->{pid}/stat") =~ /\) T / });
}

# Does it wait for a lock, as the server's own view says?
sub waits_for
{
	my ($session, $event) = @_;

	return poll(
		sub {
			value($node,
				    'SELECT wait_event FROM pg_stat_activity WHERE pid = '
				  . $session->{pid}) eq $event;
		});
}

sub go_on
{
	my ($session) = @_;

	kill('CONT', $session->{pid});
	return;
}

sub available
{
	my ($sku) = @_;

	return value($node, "SELECT omni.available('$sku')");
}

sub clean
{
	my ($name) = @_;

	is( value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
		'', "$name: verify_stock()");
	return;
}

my $buyer = session();
my $other = session();

# ---- rule 1: an arrival and what its own transaction promises of it ----

# Two arrive and are promised at once.  The callback stops after the first of
# the two changes; whoever comes then gets nothing, however the two are sorted.
run($buyer, "SET omni.test_point = 'apply'", 'BEGIN',
	"SELECT omni.receive_stock('N2', 'SKU1', 2)",
	"SELECT omni.reserve_stock('SKU1', 2, 'N2')");
send_off($buyer, 'COMMIT');
ok(stopped($buyer), 'arrival: its callback stands in the middle');
send_off($other, "SELECT omni.reserve_stock('SKU1', 1, 'N2')");
ok(waits_for($other, 'omni_stock_block'), 'arrival: another buyer waits');
go_on($buyer);
is(answer($other), 'OM001', 'arrival: and is refused');
run($buyer, 'SELECT 1');
is(value($node, "SELECT omni.available('SKU1', 'N2')"), '0',
	'arrival: nothing is left');
clean('arrival');

# ---- rule 6: exactly one of clock and abort returns a promise ----

sub hold
{
	my ($sku, $ttl) = @_;

	return run($buyer, "SET omni.test_point = ''", 'BEGIN',
		"SELECT omni.reserve_stock('$sku', 4, 'N1', '$ttl')");
}

hold('SKU2', '1 min');
is(available('SKU2'), 6, 'clock, then abort: promised');
value($node, "SELECT omni_internal.move_clock('2 min')");
is(available('SKU2'), 10, 'clock, then abort: the clock gives it back');
run($buyer, 'ROLLBACK');
is(available('SKU2'), 10, 'clock, then abort: the abort does not, once more');
clean('clock, then abort');

hold('SKU3', '1 min');
value($node, "SELECT omni_internal.move_clock('2 min')");
is(available('SKU3'), 10, 'clock, then commit: the clock gives it back');
run($buyer, 'COMMIT');
is(available('SKU3'), 10, 'clock, then commit: it stays given back');
clean('clock, then commit');

# The abort has given the units back and not yet forgotten the promise.
hold('SKU4', '1 min');
run($buyer, "SET omni.test_point = 'undo'");
send_off($buyer, 'ROLLBACK');
ok(stopped($buyer), 'clock in the middle of an abort: it stands there');
value($node, "SELECT omni_internal.move_clock('2 min')");
is(available('SKU4'), 10, 'clock in the middle of an abort: once');
go_on($buyer);
run($buyer, 'SELECT 1');
is(available('SKU4'), 10, 'clock in the middle of an abort: and not again');
clean('clock in the middle of an abort');

# Part of it was netted against the transaction's own arrival: the clock gives
# others what was taken from them, and the arrival gets back its own.
run($buyer, 'BEGIN', "SELECT omni.receive_stock('N1', 'SKU5', 3)",
	"SELECT omni.reserve_stock('SKU5', 8, 'N1', '1 min')");
is(available('SKU5'), 5, 'netted: five were taken from the others');
value($node, "SELECT omni_internal.move_clock('2 min')");
is(available('SKU5'), 10, 'netted: the clock gives back five');
run($buyer, 'COMMIT');
is(available('SKU5'), 13, 'netted: and the commit the three that arrived');
clean('netted');

run($buyer, 'BEGIN', "SELECT omni.receive_stock('N1', 'SKU6', 3)",
	"SELECT omni.reserve_stock('SKU6', 8, 'N1', '1 min')");
value($node, "SELECT omni_internal.move_clock('2 min')");
is(available('SKU6'), 10, 'netted, then abort: the clock gives back five');
run($buyer, 'ROLLBACK');
is(available('SKU6'), 10, 'netted, then abort: nothing arrived');
clean('netted, then abort');

# ---- rule 6: a promise is its opener's until its callback has run ----

# An expired promise in flight, and another promise made after it: neither
# touches the other, whichever way the first one ends.
for my $end ('ROLLBACK', 'COMMIT')
{
	my $sku = $end eq 'COMMIT' ? 'SKU8' : 'SKU7';
	my $name = "expired in flight, $end";

	hold($sku, '1 min');
	value($node, "SELECT omni_internal.move_clock('2 min')");
	my $id = run($other,
		"SELECT omni.reserve_stock('$sku', 3, 'N1', '1 day')");
	is(available($sku), 7, "$name: another promise");
	run($buyer, $end);
	is(available($sku), 7, "$name: which stands");
	is( run($other, "SELECT omni.extend_reservation($id, '2 days') IS NULL"),
		'f', "$name: and can be extended");
	clean($name);
}

# Its row is visible, its callback has not run.
my $id = hold('SKU9', '1 min');
run($buyer, "SET omni.test_point = 'commit'");
send_off($buyer, 'COMMIT');
ok(stopped($buyer), 'visible, in flight: the callback has not run');
is(value($node, "SELECT quantity FROM omni.reservation WHERE id = $id"),
	4, 'visible, in flight: its row is there');
raises($node, "SELECT omni.release_reservation($id)",
	'OM013', qr/being changed by another/, 'visible, in flight: no release');
raises($node, "SELECT omni.consume_reservation($id)",
	'OM013', qr/being changed by another/, 'visible, in flight: no consume');
raises($node, "SELECT omni.extend_reservation($id, '1 h')",
	'OM013', qr/being changed by another/, 'visible, in flight: no extension');
value($node, "SELECT omni_internal.move_clock('2 min')");
is(available('SKU9'), 10, 'visible, in flight: it expires all the same');
my $next = run($other, "SELECT omni.reserve_stock('SKU9', 5, 'N1', '1 day')");
go_on($buyer);
run($buyer, 'SELECT 1');
is(available('SKU9'), 5, 'visible, in flight: the next promise stands');
run($other, "SELECT omni.release_reservation($next)");
is(available('SKU9'), 10, 'visible, in flight: and can be released');
raises($node, "SELECT omni.release_reservation($id)",
	'OM004', qr/expired|closed/, 'visible, in flight: the first is over');
clean('visible, in flight');

# ---- rule 8: a policy is read again when it is visible, not before ----

# The commit of a policy has been flushed and waits for a standby that never
# comes: nobody sees it yet.  What is read then must not count as current.
my $manager = session();
run($manager, 'SET synchronous_commit = on');
is(available('SKU10'), 10, 'policy: none yet');
send_off($manager, "SELECT omni.set_stock_policy('SKU10', 'N1', 4)");
ok(waits_for($manager, 'SyncRep'), 'policy: its commit is not visible yet');
is(available('SKU10'), 10, 'policy: nor counts');
$node->adjust_conf('postgresql.conf', 'synchronous_standby_names', "''");
$node->reload;
run($manager, 'SELECT 1');
is(available('SKU10'), 6, 'policy: it counts when it is visible');

# ---- rule 8: an older reading of policies never replaces a newer one ----

# A session has its snapshot and waits for the table; meanwhile the policy
# changes and another session reads it.
run($other, "SELECT omni.available('SKU11')");
value($node, "SELECT omni.set_stock_policy('SKU12', 'N1', 1)");
run($manager, 'BEGIN', 'LOCK TABLE omni.stock_policy IN ACCESS EXCLUSIVE MODE');
send_off($buyer, "SELECT omni.available('SKU11')");
ok(waits_for($buyer, 'relation'), 'older reading: has its snapshot and waits');
kill('STOP', $buyer->{pid});
ok(stopped($buyer), 'older reading: and stands there');
run($manager, "SELECT omni.set_stock_policy('SKU11', 'N1', 3)", 'COMMIT');
is(run($other, "SELECT omni.available('SKU11')"), 7,
	'older reading: another session reads the new policy');
go_on($buyer);
run($buyer, 'SELECT 1');
is(run($other, "SELECT omni.available('SKU11')"), 7,
	'older reading: which stays');
is( value($node, "SELECT safety FROM omni.availability(ARRAY['SKU11'])"
		  . " WHERE node = 'N1'"),
	3, 'older reading: for every session');
clean('policies');

# ---- rule 8: a node that is new to an item comes while policies are read ----

# A session has read that a node keeps nothing back, and adds it to the item's
# counters only after that has changed and another session has read the item's
# policies anew.
run($buyer, "SET omni.test_point = 'slot'");
send_off($buyer, "SELECT omni.receive_stock('N2', 'SKU15', 5)");
ok(stopped($buyer), 'new node: its policy is read, and not in use yet');
run($manager, "SELECT omni.set_stock_policy('SKU15', 'N2', 3)");
is(run($other, "SELECT omni.available('SKU15')"), 10,
	'new node: another session reads the policies');
go_on($buyer);
run($buyer, 'SELECT 1');
is(run($other, "SELECT omni.available('SKU15', 'N2')"), 2,
	'new node: what it keeps back counts');
clean('new node');

# The same, when that other session has its reading and has not used it either.
run($buyer, "SET omni.test_point = ''", "SET omni.test_point = 'slot'");
send_off($buyer, "SELECT omni.receive_stock('N2', 'SKU16', 5)");
ok(stopped($buyer), 'new node, two readers: its policy is read');
run($manager, "SELECT omni.set_stock_policy('SKU16', 'N2', 3)");
run($other, "SET omni.test_point = 'policies'");
send_off($other, "SELECT omni.available('SKU16')");
ok(stopped($other), 'new node, two readers: so are the item\'s');
go_on($buyer);
run($buyer, 'SELECT 1');
go_on($other);
run($other, 'SELECT 1');
is(run($other, "SELECT omni.available('SKU16', 'N2')"), 2,
	'new node, two readers: what it keeps back counts');
clean('new node, two readers');

# ---- a session that is terminated in the middle of verify_stock() ----

my $pinned = 'SELECT pinned_blocks FROM omni.stat_stock';

is(value($node, $pinned), 0, 'terminated: nobody uses a counter');
for my $end ('cancel', 'terminate')
{
	my $victim = session();

	run($victim, "SET omni.test_point = 'verify'");
	send_off($victim, 'SELECT count(*) FROM omni.verify_stock()');
	ok(stopped($victim), "$end: verify_stock() stands at an item");
	is(value($node, $pinned), 1, "$end: whose counters it uses");
	# it reads policies next, and notices there
	run($manager, "SELECT omni.set_stock_policy('SKU17', 'N1', 1)");
	value($node, "SELECT pg_${end}_backend($victim->{pid})");
	go_on($victim);
	ok( $node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid ="
			  . " $victim->{pid} AND state = 'active'"),
		"$end: it has ended");
	is(value($node, $pinned), 0, "$end: and lets go of them");
	is(answer($victim), '57014', "$end: with its own error")
	  if $end eq 'cancel';
	eval { $victim->{psql}->quit };
}
clean('terminated');

# ---- one feed, two tickers ----

# The worker ticks a few times a second; a second ticker stands still after it
# has looked and before it has written.  It holds the tick lock, so nobody
# hands out the same positions, and nobody's rows are passed over.
my $era = value($node, 'SELECT omni.adopt()');
value($node, 'SELECT omni.wait_for_tick()');
run($other, "SELECT omni.receive_stock('N3', 'SKU13', 1)");
run($buyer, "SET omni.test_point = 'tick'");
my $third = session();
my $tries = 0;
# where the worker was faster the tick is over nothing, and stops all the same
send_off($buyer, "CALL close_tick($era)");
ok(stopped($buyer), 'two tickers: one stands in its tick');
run($other, "SELECT omni.receive_stock('N3', 'SKU13', 2)");
send_off($third, "CALL close_tick($era)");
ok(waits_for($third, 'object'), 'two tickers: another waits for it');
ok( $node->poll_query_until('postgres',
		"SELECT wait_event = 'object' FROM pg_stat_activity"
		  . " WHERE backend_type = 'omni worker'"),
	'two tickers: so does the worker');
go_on($buyer);
is(answer($buyer), '00000', 'two tickers: the first succeeds');
is(answer($third), '00000', 'two tickers: and the second');
value($node, 'SELECT omni.wait_for_tick()');
is( value($node, "SELECT string_agg(payload ->> 'quantity', ' ' ORDER BY position)"
		  . " FROM omni.event WHERE payload ->> 'sku' = 'SKU13'"
		  . " AND payload ->> 'node' = 'N3'"),
	'1 2', 'two tickers: each row once, in order');

# The same with rows coming from many sessions and several tickers.
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/write", "SELECT omni.receive_stock('N2', 'SKU14', 1);\n");
append_to_file("$dir/tick", "CALL close_tick($era);\n");
{
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my ($out, $err);
	my $ok = IPC::Run::run(
		[ 'pgbench', '-n', '-c', '8', '-j', '2', '-t', '150', '-f',
			"$dir/write\@2", '-f', "$dir/tick\@1", 'postgres' ],
		'>', \$out, '2>', \$err, IPC::Run::timeout(120));

	ok($ok && $out =~ /number of failed transactions: 0 /,
		'many tickers: none fails')
	  or diag($out, $err);
}
value($node, 'SELECT omni.wait_for_tick()');
is( value($node, "SELECT count(*) = max(position) AND count(*) ="
		  . " (SELECT count(*) FROM omni.stock_ledger)"
		  . " + (SELECT count(*) FROM omni_internal.outbox) FROM omni.event"),
	't', 'many tickers: every row has one position');
is( value($node, 'SELECT count(*) FROM (SELECT first_position, count,'
		  . ' lead(first_position) OVER (ORDER BY id) AS next FROM omni.tick) t'
		  . ' WHERE next <> first_position + count'),
	'0', 'many tickers: each tick begins where the one before ends');

$_->{psql}->quit for $buyer, $other, $manager, $third;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11/, 'no crash in the log');
$node->stop;
done_testing();
