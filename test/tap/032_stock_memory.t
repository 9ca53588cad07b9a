# The life of counters in memory: a working set larger than
# omni.stock_memory, memory that open transactions use up, reloads under
# load, changes by hand, and dropped databases.  In the end it is always what
# the tables say.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# 8 MB hold 21,845 items of one node: 256 bytes and four slots each.
my $items = 32000;
my $node = omni_node('stock_memory',
	conf => "max_connections = 40\nmax_prepared_transactions = 2\n"
	  . "omni.stock_memory = 8MB\nautovacuum = off\n"
	  . "log_min_messages = warning\n");
my $dir = PostgreSQL::Test::Utils::tempdir();

sub sql
{
	return $node->safe_psql('postgres', @_);
}

# One column of omni.stat_stock.
sub stat_of
{
	my ($column) = @_;
	return value($node, "SELECT $column FROM omni.stat_stock");
}

# Run pgbench with 16 sessions; scripts may carry a weight.
sub bench
{
	my ($name, $transactions, @scripts) = @_;
	my ($out, $err, $n) = ('', '', 0);
	my @files;

	for my $script (@scripts)
	{
		my ($text, $weight) = @$script;
		my $file = "$dir/" . ($name =~ s/\W+/_/gr) . $n++;
		append_to_file($file, $text);
		push @files, '-f', "$file\@$weight";
	}
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	my $ok = IPC::Run::run(
		[ 'pgbench', '-n', '-M', 'prepared', '-j', '2', '-c', '16', '-t',
			$transactions, '-D', "items=$items", @files ],
		'>', \$out, '2>', \$err, IPC::Run::timeout(120));
	ok($ok && $out =~ /number of failed transactions: 0 /, $name)
	  or diag($out, $err);
	return;
}

# The first so many items, through memory that holds some of them: what can be
# promised is what the ledger says, and every counter that is in memory in the
# end is what the tables say.
sub exact
{
	my ($name, $to) = @_;
	my @wrong;

	for (my $from = 1; $from <= $to; $from += 12000)
	{
		push @wrong, value($node, <<"SQL");
SELECT count(*) FROM (
	SELECT i.sku, n.code AS node,
		sum(l.quantity) - sum(l.reserved) AS available
	FROM omni.stock_ledger l
	JOIN omni.item i ON i.id = l.item_id
	JOIN omni.node n ON n.id = l.node_id
	WHERE l.item_id BETWEEN $from AND least($from + 11999, $to)
	GROUP BY 1, 2) m
FULL JOIN omni.availability((SELECT array_agg(sku) FROM omni.item
	WHERE id BETWEEN $from AND least($from + 11999, $to))) a USING (sku, node)
WHERE a.available IS DISTINCT FROM m.available::integer
SQL
	}
	push @wrong, value($node, 'SELECT count(*) FROM omni.verify_stock()');
	is("@wrong", join(' ', ('0') x @wrong), $name);
	return;
}

sql(<<"SQL");
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
SELECT 'N' || g, 'store', 1, 1 FROM generate_series(1, 500) g;
INSERT INTO omni.item (sku) SELECT 'S' || g FROM generate_series(1, $items) g;
CREATE FUNCTION skus(a int, b int) RETURNS text[] LANGUAGE sql AS
	'SELECT array_agg(\$\$S\$\$ || g) FROM generate_series(a, b) g';
-- One attempt; false when it was refused.
CREATE FUNCTION try_reserve(sku text, quantity int, ttl interval DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS \$\$
BEGIN
    PERFORM omni.reserve_stock(sku, quantity, 'N1', ttl);
    RETURN true;
EXCEPTION WHEN SQLSTATE 'OM001' THEN
    RETURN false;
END \$\$;
-- A ledger row as no function of omni writes it.
CREATE FUNCTION by_hand(item bigint, node bigint, quantity int)
RETURNS void LANGUAGE sql AS \$\$
	INSERT INTO omni.stock_ledger (id, item_id, node_id, quantity, reserved,
		era, kind, occurred_at, recorded_at, actor)
	SELECT nextval('omni_internal.feed_id_seq'), item, node, quantity, 0, era,
		'adjust', now(), now(), 'me' FROM omni_internal.feed_state \$\$;
SQL

# ---- rule 9: the owner's own changes are noticed ----

my $one = "SELECT omni.available('S1') || ' ' || omni.available('S1', 'N1')";

is(value($node, $one), '0 0', 'counters of an item are in memory');
sql('SELECT by_hand(1, 1, 10)');
is(value($node, $one), '10 10', 'rule 9: an INSERT by hand counts at once');
sql(q{COPY (SELECT nextval('omni_internal.feed_id_seq'), 1, 1, 5, 0,
	(SELECT era FROM omni_internal.feed_state), 'adjust', now(), now(), 'me')
	TO '} . "$dir/rows'");
sql("COPY omni.stock_ledger (id, item_id, node_id, quantity, reserved, era,"
	  . " kind, occurred_at, recorded_at, actor) FROM '$dir/rows'");
is(value($node, $one), '15 15', 'rule 9: so does COPY');
sql("SET session_replication_role = replica; SELECT by_hand(1, 1, 1)");
is(value($node, $one), '16 16', 'rule 9: also where triggers are silent');
is( value(
		$node,
		"BEGIN; SELECT by_hand(1, 1, 4); $one; COMMIT; $one"),
	"\n16 16\n20 20", 'rule 9: when it has committed, not before');
sql('BEGIN; SELECT by_hand(1, 1, 4); ROLLBACK');
is(value($node, $one), '20 20', 'rule 9: and not when it was rolled back');
ok( $node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM omni.stock WHERE on_hand = 20"),
	'the worker folds');
sql('UPDATE omni_internal.stock_balance SET on_hand = on_hand + 2');
is(value($node, $one), '22 22', 'rule 9: an UPDATE of the balances is noticed');
is(value($node, "SELECT string_agg(what || ' ' || counter || ' '"
		  . " || expected, ',') FROM omni.verify_stock()"),
	'balance on_hand 22 20', 'and omni.verify_stock() tells the two apart');
sql('TRUNCATE omni_internal.stock_balance');
is(value($node, $one), '0 0', 'rule 9: so is TRUNCATE');
sql(q{INSERT INTO omni_internal.stock_balance VALUES (1, 1, 0, 20, 0)});
is(value($node, $one), '20 20', 'rule 9: and an INSERT');
sql("SELECT omni.reserve_stock('S1', 3, 'N1', '1 hour')");
ok( $node->poll_query_until('postgres',
		'SELECT count(*) = 1 FROM omni_internal.open_reservation'),
	'the worker folds a promise');
sql("UPDATE omni_internal.open_reservation SET expires_at = now()");
is(value($node, $one), '20 20', 'rule 9: a promise that was made to expire has');
sql("SELECT omni_internal.move_clock('2 hours')");
raises($node, "BEGIN; SELECT by_hand(1, 1, 1); PREPARE TRANSACTION 'hand'",
	'0A000', qr/cannot PREPARE/, 'rule 9: a change by hand cannot be prepared');
my $reloads = stat_of('reloads');
sql("SELECT omni.receive_stock('N1', 'S1', 2); SELECT omni.wait_for_tick()");
ok( $node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM omni.stock WHERE on_hand = 22"),
	'the worker folds again');
is(stat_of('reloads'), $reloads, 'what omni itself writes reloads nothing');
is(value($node, 'SELECT count(*) FROM omni.verify_stock()'), '0',
	'verify_stock() after changes by hand');

# ---- memory by the formula ----

# 256 bytes an item, 32 a slot; slots are a power of two, at least four, and
# at most three quarters of them are used.  More than 32 slots stand in pages,
# and 8 bytes for each page make a piece of a power of two, at least 128.
sub formula
{
	my ($nodes) = @_;
	my $slots = 4;

	$slots *= 2 while $nodes * 4 > $slots * 3;
	my $directory = $slots > 32 ? $slots / 4 : 0;
	$directory = 128 if $directory > 0 && $directory < 128;
	return 256 + 32 * $slots + $directory;
}

sql("SELECT by_hand(i, n, 5) FROM generate_series(1, 500) i,"
	  . " generate_series(1, 5) n; SELECT by_hand(501, n, 5)"
	  . " FROM generate_series(1, 500) n");
sql("SELECT by_hand(i, 1, 5) FROM generate_series(502, $items) i");
is(stat_of("blocks || ' ' || memory_used"), '0 0',
	'changes by hand have left nothing in memory');
my $rows = value($node, 'SELECT count(*) FROM omni.availability(skus(1, 1500))');
is($rows, 500 * 5 + 500 + 999, 'nodes of all items');
is( stat_of("blocks || ' ' || memory_used"),
	'1500 ' . (500 * formula(5) + formula(500) + 999 * formula(1)),
	'memory per item and node is what the formula says');
is(value($node, 'SELECT omni.reload_stock()'), '1500',
	'reload_stock() counts what it drops');
is(stat_of("blocks || ' ' || memory_used"), '0 0', 'and gives its memory back');

# ---- what is pinned stays ----

# Run something in a session that may hang where memory is spoilt; a minute is
# for ever then, and the rest of this script pointless.
sub bounded
{
	my ($name, $sql) = @_;
	my $late = 0;

	$node->psql('postgres', $sql, timeout => 60, timed_out => \$late,
		on_error_die => 0);
	return if !$late;
	fail("$name: hangs");
	$node->stop('immediate');
	done_testing();
	exit 1;
}

# An open transaction has promised three of five, and uses nearly all of memory;
# others push out of the rest what nobody uses, by small steps.  The worker ends
# expired promises of more items than there is room for, by smaller steps.
sql("SELECT count(omni.reserve_stock('S' || i, 1, 'N1', '1 minute'))"
	  . ' FROM generate_series(30001, 30500) i');
ok( $node->poll_query_until('postgres',
		'SELECT count(*) >= 500 FROM omni_internal.open_reservation'),
	'pinned: the worker has folded promises of many items');
my $open = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
	'<', \(my $typing = ''), '>', \(my $heard = ''), IPC::Run::timeout(60));
$typing .= "BEGIN; SELECT omni.reserve_stock('S600', 3, 'N1');"
  . " SELECT count(*) FROM omni.availability(skus(1000, 22500));\n\\echo done\n";
$open->pump until $heard =~ /done/;
bounded('pinned', join('', map {
		"SELECT count(*) FROM omni.availability(skus($_, $_ + 99));\n"
	} map { 22501 + 100 * $_ } 0 .. 19));
sql("SELECT omni_internal.move_clock('2 minutes')");
ok( $node->poll_query_until('postgres',
		"SELECT count(*) = 500 FROM omni.stock_ledger WHERE kind = 'expire'"
		  . ' AND item_id BETWEEN 30001 AND 30500'),
	'pinned: the worker ends promises of more items than fit');
ok( $node->poll_query_until('postgres',
		'SELECT pinned_blocks <= 21502 FROM omni.stat_stock'),
	'pinned: and uses none of them any more');
unlike(slurp_file($node->logfile), qr/omni worker.*ERROR/, 'pinned: without an error');
ok(stat_of('evictions') > 1500, 'pinned: the rest of memory has been used anew');
if (value($node, "SELECT omni.available('S600', 'N1') || ' '"
		  . " || (SELECT pinned_blocks FROM omni.stat_stock)") ne '2 21502')
{
	fail('pinned: a promise in flight outlives it');
	$node->stop('immediate');
	done_testing();
	exit 1;
}
pass('pinned: a promise in flight outlives it');
$typing .= "ROLLBACK;\n\\q\n";
$open->finish;
is(value($node, "SELECT omni.available('S600', 'N1')"), '5',
	'pinned: and is given back');

# ---- a load that is cancelled while it makes room ----

# S501 has a thousand slots, in pages; memory is full, so each of them takes
# the place of others.
my $loader = $node->background_psql('postgres', on_error_stop => 0);
my $loader_pid = $loader->query_safe('SELECT pg_backend_pid()');
$loader->query_safe("SET omni.test_point = 'page'");
$loader->query_until(qr/sent/, "\\echo sent\nSELECT omni.available('S501');\n");
my $standing = 0;
for (1 .. 300)
{
	last if $standing = slurp_file("/proc/$loader_pid/stat") =~ /\) T /;
	select(undef, undef, undef, 0.1);
}
ok($standing, 'cancelled: a load has its first page');
sql("SELECT pg_cancel_backend($loader_pid)");
kill('CONT', $loader_pid);
ok( $node->poll_query_until('postgres',
		"SELECT state = 'idle' FROM pg_stat_activity WHERE pid = $loader_pid"),
	'cancelled: it ends');
eval { $loader->quit };
sql('SELECT omni.reload_stock()');
is(stat_of("blocks || ' ' || pinned_blocks || ' ' || memory_used"), '0 0 0',
	'cancelled: and leaves no page behind');

# ---- a working set larger than memory ----

sql('SELECT omni.reset_stat_stock()');
for my $from (1, 10001, 20001)
{
	bounded('large', "SELECT count(*) FROM omni.availability(skus($from, $from + 11999))");
}
ok(stat_of('evictions') > 5000, 'half as much again: blocks are evicted');
is(stat_of('loads - evictions - blocks'), '0', 'what was loaded is there or evicted');
exact('rule 2: exact before, with eviction', 3000);
my $log = slurp_file($node->logfile);
like($log, qr/LOG:.*omni.stock_memory is full/, 'the log says so');
is(scalar(() = $log =~ /omni.stock_memory is full/g), 1, 'once');

# rule 1: five or more units an item, and sixteen sessions that want more of a
# few, with others between that push them out of memory.
my $rare = [ <<'E', 4 ];
\set i random(502, 560)
SELECT try_reserve('S' || :i, 1);
E
my $undone = [ <<'E', 2 ];
\set i random(502, 560)
BEGIN;
SELECT try_reserve('S' || :i, 2, '1 day');
SELECT omni.available('S' || :i);
ROLLBACK;
E
my $far = [ <<'E', 8 ];
\set i random(561, :items)
SELECT try_reserve('S' || :i, 1, '1 hour');
E
my $sweep = [ <<'E', 1 ];
\set i random(1, :items - 200)
SELECT count(*) FROM omni.availability(skus(:i, :i + 199));
E
my $close = [ <<'E', 3 ];
\set i random(561, :items)
BEGIN;
SELECT omni.release_reservation(omni.reserve_stock('S' || :i, 1, 'N1', '1 day'));
SELECT omni.reserve_stock('S501', 1);
COMMIT;
E
my $evictions = stat_of('evictions');
bench('sixteen sessions, memory too small', 150, $rare, $undone, $far, $sweep,
	$close);
ok(stat_of('evictions') > $evictions + 500, 'with evictions all the while');
is( value(
		$node,
		'SELECT count(*) FROM (SELECT sum(quantity) - sum(reserved) AS left'
		  . ' FROM omni.stock_ledger GROUP BY item_id) s WHERE s.left < 0'),
	'0', 'rule 1: no item was promised more often than it is there');
exact('rule 2: exact after sixteen sessions with eviction', 12000);
sql("SELECT try_reserve('S' || i, 1) FROM generate_series(502, 560) i,"
	  . ' generate_series(1, 6) n');
is( value(
		$node,
		'SELECT count(*) FROM (SELECT sum(quantity) - sum(reserved) AS left'
		  . ' FROM omni.stock_ledger WHERE item_id BETWEEN 502 AND 560'
		  . ' GROUP BY item_id) s WHERE s.left <> 0'),
	'0', 'rule 1: and exactly as often when all try again');

# An expired promise is given back, whoever was evicted meanwhile (rule 6).
sql("SELECT omni.reserve_stock('S30000', omni.available('S30000'), 'N1', '1 minute')");
sql('SELECT count(*) FROM omni.availability(skus(1, 12000))') for 1 .. 2;
sql('SELECT count(*) FROM omni.availability(skus(12001, 24000))') for 1 .. 2;
is(value($node, "SELECT omni.available('S30000')"), '0', 'a promise outlives eviction');
sql("SELECT omni_internal.move_clock('2 minutes')");
ok(value($node, "SELECT omni.available('S30000')") > 0, 'and expires after it');

# ---- everything is pinned ----

my ($said, $typed) = ('', '');
my $holder = IPC::Run::start(
	[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d',
		$node->connstr('postgres') ],
	'<', \$typed, '>', \$said, IPC::Run::timeout(120));

# Have the holder run something, and wait until it has.
sub hold
{
	my ($statements) = @_;

	$said = '';
	$typed .= "$statements;\n\\echo done\n";
	$holder->pump until $said =~ /done/;
	return;
}

hold("BEGIN; SELECT omni.reserve_stock('S600', 1, 'N1'); SELECT count(*) FROM"
	  . ' omni.availability(skus(1000, 20000))');
my $held = stat_of('pinned_blocks');
is($held, 19002, 'an open transaction pins what it has read');
raises($node, 'SELECT count(*) FROM omni.availability(skus(20001, 32000))',
	'OM012', qr/Open transactions use/, 'OM012 when the rest does not fit');
like(value($node, "SELECT omni.available('S25000')"), qr/^\d+$/,
	'but one more item does');
hold('SELECT count(*) FROM omni.availability(skus(20001, 20900))');
is(value($node, "SELECT omni.available('S600') =  (SELECT sum(quantity) -"
		  . " sum(reserved) FROM omni.stock_ledger WHERE item_id = 600) - 1"),
	't', 'what is pinned goes on');
hold('COMMIT');
$typed .= "\\q\n";
$holder->finish;
is(stat_of('pinned_blocks'), '0', 'its end lets all go');
is( value(
		$node, 'SELECT count(*) FROM omni.availability(skus(20001, 32000))'),
	'12000', 'then there is room');
raises($node, "BEGIN; SELECT omni.reserve_stock('S700', 1); SELECT count(*)"
	  . " FROM omni.availability(skus(1, $items)); COMMIT",
	'OM012', qr/Change fewer items in one transaction/,
	'OM012 for a transaction that wants more than there is');
exact('rule 2: nothing is lost by it', 1000);

# ---- reload under load ----

my $reload = [ <<'E', 1 ];
SELECT omni.reload_stock();
E
my $receive = [ <<'E', 2 ];
\set i random(502, 520)
SELECT omni.receive_stock('N1', 'S' || :i, 1);
E
my $hand = [ <<'E', 1 ];
\set i random(502, 520)
SELECT by_hand(:i, 1, 1);
E
my $two = [ <<'E', 3 ];
\set i random(502, 520)
\set j random(502, 520)
BEGIN;
SELECT try_reserve('S' || :i, 1, '1 day');
SELECT try_reserve('S' || :j, 1);
COMMIT;
E
my $few = [ $rare->[0] =~ s/560/520/r, 4 ];
bench('sixteen sessions, with reloads and changes by hand', 100, $reload,
	$receive, $hand, $two, $few, $undone);
exact('rule 3: exact after reloads under load', 1000);
is( value(
		$node,
		'SELECT count(*) FROM (SELECT sum(quantity) - sum(reserved) AS left'
		  . ' FROM omni.stock_ledger GROUP BY item_id) s WHERE s.left < 0'),
	'0', 'rule 3: nothing was promised twice');
is(stat_of('pinned_blocks'), '0', 'no pin is left');

# ---- what is in doubt outlives reload and eviction ----

my $both = "SELECT omni.available('S700', 'N1'), omni.available('S701', 'N1')";
sql("SELECT omni.receive_stock('N1', 'S700', 5)");
my ($promised, $arriving) = split(/\|/, value($node, $both));
sql("BEGIN; SELECT omni.reserve_stock('S700', 2, 'N1', '1 day');"
	  . " SELECT omni.receive_stock('N1', 'S701', 4);"
	  . " PREPARE TRANSACTION 'doubt'");
my $in_doubt = ($promised - 2) . "|$arriving";
is(stat_of("in_doubt || ' ' || pinned_blocks"), '2 0',
	'rule 10: two items are in doubt, and pin nothing');
ok(value($node, 'SELECT omni.reload_stock()') > 0, 'a reload does not wait for it');
is(value($node, $both), $in_doubt, 'rule 10: a reload finds what is in doubt');
sql('SELECT count(*) FROM omni.availability(skus(1, 12000))') for 1 .. 2;
sql('SELECT count(*) FROM omni.availability(skus(12001, 24000))') for 1 .. 2;
is(value($node, $both), $in_doubt, 'rule 10: so does a load after an eviction');
is(value($node, 'SELECT count(*) FROM omni.verify_stock()'), '0',
	'verify_stock() with changes in doubt');
sql("COMMIT PREPARED 'doubt'");
is(value($node, $both), ($promised - 2) . '|' . ($arriving + 4),
	'rule 10: the first answer after COMMIT PREPARED counts it');
exact('rule 10: exact after it', 1000);

# ---- a dropped extension, and a dropped database ----

sql('CREATE DATABASE other');
$node->safe_psql('other', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('X', 'store', 1, 1);
INSERT INTO omni.item (sku) SELECT 'S' || g FROM generate_series(1, 300) g;
SELECT omni.receive_stock('X', 'S' || g, 3) FROM generate_series(1, 300) g;
SQL
sql('SELECT omni.reload_stock()');
is(stat_of('blocks'), '300', 'another database has counters in memory');
$node->safe_psql('other', 'DROP EXTENSION omni; CREATE EXTENSION omni;'
	  . " INSERT INTO omni.item (sku) VALUES ('S1'); SELECT omni.adopt();");
is(value($node, "SELECT omni.available('S1')", dbname => 'other'), '0',
	'a new extension never finds the old one\'s counters');
is(value($node, 'SELECT omni.reload_stock()', dbname => 'other'), '301',
	'a reload drops these, too');
$node->safe_psql('other', <<'SQL');
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('X', 'store', 1, 1);
SELECT omni.receive_stock('X', 'S1', 3);
SQL
is(stat_of("blocks || ' ' || memory_used"), '1 ' . formula(1), 'one block');
sql('DROP DATABASE other');
is(stat_of("blocks || ' ' || memory_used"), '0 0', 'a dropped database\'s is freed');

$node->restart;
exact('after a restart', 1000);
$log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP|signal \d+:/, 'no crash in the log');
unlike($log, qr/OM015|deadlock detected/, 'no wait was in vain');

done_testing();
