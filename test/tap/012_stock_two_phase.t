# Prepared transactions: what each kind of change counts while it is in doubt,
# and from the first answer after COMMIT PREPARED or ROLLBACK PREPARED on, with
# and without a crash of the server in between.  Then what can go wrong.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('two_phase',
	conf => "max_connections = 60\nmax_prepared_transactions = 120\n"
	  . "deadlock_timeout = 1s\nstatement_timeout = 30s\n");
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.channel (code, kind) VALUES ('web', 'web');
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N', 'store', 1, 1), ('M', 'store', 2, 2);
CREATE FUNCTION r(text) RETURNS bigint LANGUAGE sql AS
    'SELECT id FROM omni.reservation WHERE sku = $1';
SQL

# Every item starts with 10 at N and 10 at M.  "given": what was committed
# before; "do": the prepared transaction; then "pool N" while it is in doubt,
# and after its end.  "later": in doubt, with the clock hours on, when limits have
# passed; where that makes a difference after the end, "soon_…" is without.
my @cases = (
	{ name => 'receive', do => "SELECT omni.receive_stock('N', :sku, 5)",
	  doubt => '20 10', commit => '25 15', rollback => '20 10' },
	{ name => 'sell', do => "SELECT omni.sell_stock('N', :sku, 4)",
	  doubt => '16 6', commit => '16 6', rollback => '20 10' },
	{ name => 'oversell', do => "SELECT omni.sell_stock('N', :sku, 14)",
	  doubt => '10 0', commit => '10 0', rollback => '20 10' },
	{ name => 'set_up', do => "SELECT omni.set_stock('N', :sku, 13)",
	  doubt => '20 10', commit => '23 13', rollback => '20 10' },
	{ name => 'reserve', do => "SELECT omni.reserve_stock(:sku, 3, 'N')",
	  doubt => '17 7', commit => '17 7', rollback => '20 10' },
	{ name => 'reserve_pool',
	  do => "SELECT omni.reserve_stock(:sku, 12, NULL, '5 days')",
	  doubt => '8 8', commit => '8 8', rollback => '20 10' },
	{ name => 'reserve_limit',
	  do => "SELECT omni.reserve_stock(:sku, 3, 'N', '1 hour')",
	  doubt => '17 7', later => '20 10', soon_commit => '17 7',
	  commit => '20 10', rollback => '20 10' },
	{ name => 'release', given => "SELECT omni.reserve_stock(:sku, 4, 'N')",
	  do => 'SELECT omni.release_reservation(r(:sku))', claims => 1,
	  doubt => '16 6', commit => '20 10', rollback => '16 6' },
	{ name => 'release_pool', given => 'SELECT omni.reserve_stock(:sku, 4)',
	  do => 'SELECT omni.release_reservation(r(:sku))', claims => 1,
	  doubt => '16 10', commit => '20 10', rollback => '16 10' },
	{ name => 'release_limit',
	  given => "SELECT omni.reserve_stock(:sku, 4, 'N', '1 hour')",
	  do => 'SELECT omni.release_reservation(r(:sku))', claims => 1,
	  doubt => '16 6', later => '16 6', commit => '20 10',
	  soon_rollback => '16 6', rollback => '20 10' },
	{ name => 'consume', given => "SELECT omni.reserve_stock(:sku, 4, 'N')",
	  do => 'SELECT omni.consume_reservation(r(:sku))', claims => 1,
	  doubt => '16 6', commit => '16 6', rollback => '16 6' },
	{ name => 'consume_limit',
	  given => "SELECT omni.reserve_stock(:sku, 4, 'N', '1 hour')",
	  do => 'SELECT omni.consume_reservation(r(:sku))', claims => 1,
	  doubt => '16 6', later => '16 6', commit => '16 6',
	  soon_rollback => '16 6', rollback => '20 10' },
	{ name => 'extend',
	  given => "SELECT omni.reserve_stock(:sku, 4, 'N', '1 hour')",
	  do => "SELECT omni.extend_reservation(r(:sku), '1 day')", claims => 1,
	  doubt => '16 6', later => '16 6', commit => '16 6',
	  soon_rollback => '16 6', rollback => '20 10' },
	{ name => 'pin', given => 'SELECT omni.reserve_stock(:sku, 4)',
	  do => "SELECT omni.pin_reservation(r(:sku), 'N')", claims => 1,
	  doubt => '16 6', commit => '16 6', rollback => '16 10' },
	{ name => 'pin_limit',
	  given => "SELECT omni.reserve_stock(:sku, 4, NULL, '1 hour')",
	  do => "SELECT omni.pin_reservation(r(:sku), 'N')", claims => 1,
	  doubt => '16 6', later => '16 6', soon_commit => '16 6',
	  commit => '20 10', soon_rollback => '16 10', rollback => '20 10' },
	{ name => 'netted',
	  do => "SELECT omni.receive_stock('N', :sku, 5);"
		. " SELECT omni.reserve_stock(:sku, 12, 'N', '5 days')",
	  doubt => '13 3', commit => '13 3', rollback => '20 10' },
	{ name => 'netted_pool',
	  do => "SELECT omni.receive_stock('N', :sku, 5);"
		. " SELECT omni.reserve_stock(:sku, 3, NULL);"
		. " SELECT omni.reserve_stock(:sku, 4, 'N')",
	  doubt => '18 10', commit => '18 11', rollback => '20 10' },
	{ name => 'opened_and_closed',
	  do => "SELECT omni.reserve_stock(:sku, 3, 'N', '5 days');"
		. ' SELECT omni.release_reservation(r(:sku))',
	  doubt => '17 7', commit => '20 10', rollback => '20 10' },
	{ name => 'savepoint',
	  do => "SELECT omni.reserve_stock(:sku, 1, 'N', '5 days'); SAVEPOINT s;"
		. " SELECT omni.reserve_stock(:sku, 5, 'N');"
		. " SELECT omni.receive_stock('M', :sku, 9); ROLLBACK TO s;"
		. " SELECT omni.reserve_stock(:sku, 2, 'N'); RELEASE s",
	  doubt => '17 7', commit => '17 7', rollback => '20 10' },
	{ name => 'new_node', given => "INSERT INTO omni.node (code, kind,"
		. " latitude, longitude) VALUES (:sku, 'store', 3, 3)",
	  do => "SELECT omni.receive_stock(:sku, :sku, 5)",
	  doubt => '20 10', commit => '25 10', rollback => '20 10' },
	# everything goes by the same ids: also where nothing is left
	{ name => 'nothing',
	  do => "SELECT omni.available(:sku)",
	  doubt => '20 10', commit => '20 10', rollback => '20 10' });

# Every case and end of a round.
sub each_case
{
	my ($do) = @_;

	return map { my $case = $_; map { $do->($case, $_) } 'commit', 'rollback' }
	  @cases;
}

# Make the items of a round, and prepare its transactions.
sub prepare_all
{
	my ($round) = @_;

	$node->safe_psql('postgres', join('', each_case(sub {
		my ($case, $end) = @_;

		return <<"SQL";
\\set sku '\\'$case->{name} $end $round\\''
INSERT INTO omni.item (sku) VALUES (:sku);
SELECT omni.receive_stock('N', :sku, 10), omni.receive_stock('M', :sku, 10);
@{[ $case->{given} // 'SELECT' ]};
BEGIN;
$case->{do};
PREPARE TRANSACTION :sku;
SQL
	})));
	return;
}

# What all items of a round can promise: item => "pool N".
sub available
{
	my ($round) = @_;
	my %found;

	for my $row (split(/\n/, value($node, <<"SQL")))
SELECT sku, omni.available(sku) || ' ' || omni.available(sku, 'N')
FROM omni.item WHERE sku LIKE '% $round'
SQL
	{
		my ($sku, $units) = split(/\|/, $row);

		$found{$sku} = $units;
	}
	return %found;
}

sub check
{
	my ($round, $when, $of) = @_;
	my %found = available($round);

	each_case(sub {
		my ($case, $end) = @_;

		is($found{"$case->{name} $end $round"}, $of->($case, $end),
			"$round: $case->{name}, $when $end");
	});
	is(value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
		'', "$round: verify_stock() $when the end");
	return;
}

# The claims that are in doubt are in everybody's way, and in nobody's wait.
sub check_claims
{
	my ($round) = @_;

	for my $case (grep { $_->{claims} } @cases)
	{
		my $sku = "$case->{name} commit $round";

		raises($node, "SELECT omni.release_reservation(r('$sku'))", 'OM013',
			qr/pg_prepared_xacts/,
			"$round: $case->{name} in doubt: nobody else closes the promise");
	}
	return;
}

# COMMIT PREPARED and ROLLBACK PREPARED, in a session that did not prepare them.
sub end_all
{
	my ($round) = @_;

	$node->safe_psql('postgres', join('', each_case(
		sub { uc($_[1]) . " PREPARED '$_[0]{name} $_[1] $round';\n" })));
	return;
}

sub in_doubt
{
	return value($node, 'SELECT * FROM omni_internal.stock_in_doubt()');
}

# ---- each kind of change ----

my $changes = 2 * (@cases - 1);

prepare_all('live');
check('live', 'before', sub { $_[0]{doubt} });
is(in_doubt(), "$changes|$changes", 'live: the transactions are counted');
check_claims('live');
end_all('live');
# the first answer counts it, whoever gives it
check('live', 'after', sub { my ($c, $e) = @_; $c->{"soon_$e"} // $c->{$e} });
is(in_doubt(), '0|0', 'live: nothing is in doubt afterwards');
$node->safe_psql('postgres', "SELECT omni_internal.move_clock('2 hours')");
check('live', 'later, after', sub { my ($c, $e) = @_; $c->{$e} });

prepare_all('crash');
my %before = available('crash');
kill_server($node);
check('crash', 'before', sub { $_[0]{doubt} });
is_deeply({ available('crash') }, \%before,
	'crash: as before it, for every item');
is(in_doubt(), "$changes|$changes", 'crash: the transactions are counted');
check_claims('crash');
# a restart sets the clock back to the last tick's time at most
$node->safe_psql('postgres', "SELECT omni_internal.move_clock('6 hours')");
check('crash', 'hours later, before',
	sub { $_[0]{later} // $_[0]{doubt} });
# the worker tidies up what has expired, and folds, and waits for none of them
ok( $node->poll_query_until(
		'postgres',
		"SELECT omni.wait_for_tick() IS NOT NULL AND NOT EXISTS (SELECT FROM"
		  . " omni.reservation WHERE sku LIKE '% live'"
		  . ' AND expires_at <= omni_internal.clock())'),
	'the worker goes on while transactions are in doubt');
check('crash', 'after the worker, before',
	sub { $_[0]{later} // $_[0]{doubt} });
end_all('crash');
check('crash', 'after', sub { my ($c, $e) = @_; $c->{$e} });
is(in_doubt(), '0|0', 'crash: nothing is in doubt afterwards');

# decided before anybody has looked: the load sees it itself
prepare_all('again');
kill_server($node);
end_all('again');
$node->safe_psql('postgres', "SELECT omni_internal.move_clock('12 hours')");
check('again', 'after', sub { my ($c, $e) = @_; $c->{$e} });

# ---- COMMIT PREPARED between a load's snapshot and its look at the ledger ----

for my $end ('COMMIT', 'ROLLBACK')
{
	my $sku = "race $end";

	$node->safe_psql('postgres', <<"SQL");
INSERT INTO omni.item (sku) VALUES ('$sku');
SELECT omni.receive_stock('N', '$sku', 10);
SELECT omni.reserve_stock('$sku', 2, 'N', '10 days');
BEGIN;
SELECT omni.receive_stock('M', '$sku', 5);
SELECT omni.reserve_stock('$sku', 4, 'N');
SELECT omni.release_reservation(id) FROM omni.reservation
WHERE sku = '$sku' AND expires_at IS NOT NULL;
PREPARE TRANSACTION '$sku';
SQL
	$node->restart;
	my $commands = "BEGIN;\nLOCK TABLE omni_internal.stock_balance;\n\\echo locked\n";
	my ($locked, $lerr, $out, $err) = ('', '', '', '');
	my $locker = IPC::Run::start(
		[ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ],
		'<', \$commands, '>', \$locked, '2>', \$lerr);
	$locker->pump until $locked =~ /locked/;
	my $loader = IPC::Run::start(
		[ 'psql', '-X', '-A', '-t', '-d', $node->connstr('postgres'), '-c',
			"SELECT omni.available('$sku'), omni.available('$sku', 'N'),"
			  . " omni.available('$sku', 'M')" ],
		'>', \$out, '2>', \$err);
	ok( $node->poll_query_until(
			'postgres',
			"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event ="
			  . " 'relation' AND query LIKE 'SELECT omni.available%'"),
		"$sku: a load has its snapshot and waits");
	$node->safe_psql('postgres', "$end PREPARED '$sku'");
	$commands .= "COMMIT;\n\\q\n";
	$locker->finish;
	$loader->finish;
	is($out, $end eq 'COMMIT' ? "11|6|5\n" : "8|8|0\n",
		"$sku: the load counts what its snapshot does not see");
	is(value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
		'', "$sku: verify_stock()");
	is( value(
			$node,
			"SELECT count(omni.release_reservation(id)) FROM omni.reservation"
			  . " WHERE sku = '$sku'"),
		'1', "$sku: what is still promised can be released");
	is(value($node, "SELECT omni.available('$sku')"),
		$end eq 'COMMIT' ? 15 : 10, "$sku: all of it is free");
}

# ---- the session that prepared, and ends twice ----

$node->safe_psql('postgres', <<'SQL');
INSERT INTO omni.item (sku) VALUES ('own'), ('twice'), ('fails'), ('set'), ('order');
SELECT omni.receive_stock('N', sku, 10) FROM omni.item
WHERE sku IN ('own', 'twice', 'fails', 'set', 'order');
SELECT omni.reserve_stock('own', 4, 'N', '10 days');
SQL
raises($node, <<'SQL', 'OM013', qr/pg_prepared_xacts/,
BEGIN;
SELECT omni.release_reservation(r('own'));
PREPARE TRANSACTION 'own';
SELECT omni.release_reservation(r('own'));
SQL
	'a claim in doubt is not its session\'s any more');
is(value($node, "SELECT omni.available('own')"), '6',
	'and what the session tried has left nothing');
is( value($node, "ROLLBACK PREPARED 'own'; SELECT omni.release_reservation(r('own'));"
		  . " SELECT omni.available('own')"),
	"\n10", 'after ROLLBACK PREPARED the promise can be closed');

$node->safe_psql('postgres', <<'SQL');
BEGIN;
SELECT omni.reserve_stock('twice', 3);
SELECT omni.receive_stock('N', 'twice', 9);
PREPARE TRANSACTION 'twice';
COMMIT PREPARED 'twice';
SQL
for my $again ('COMMIT', 'ROLLBACK')
{
	raises($node, "$again PREPARED 'twice'", '42704', qr/does not exist/,
		"$again PREPARED of what is decided");
	is(value($node, "SELECT omni.available('twice')"), '16',
		'changes nothing');
}

# ---- PREPARE fails when everything was ready for it ----

$node->safe_psql('postgres', <<'SQL');
BEGIN;
SELECT omni.reserve_stock('fails', 1);
PREPARE TRANSACTION 'taken';
SQL
my %failures = (
	'an id in use' => [ '', "'taken'", '42710' ],
	'an id too long' => [ '', "'" . 'x' x 300 . "'", '22023' ],
	'a temporary table' => [ 'CREATE TEMP TABLE t (); ', "'t'", '0A000' ],
	'a changed policy' =>
	  [ "SELECT omni.set_stock_policy('fails', 'N', 1); ", "'p'", '0A000' ]);
for my $what (sort keys %failures)
{
	my ($first, $gid, $state) = @{ $failures{$what} };

	raises($node, <<"SQL", $state, qr/./, "PREPARE fails with $what");
BEGIN;
$first
SELECT omni.reserve_stock('fails', 3, 'N', '1 hour');
SELECT omni.receive_stock('M', 'fails', 7);
PREPARE TRANSACTION $gid;
SQL
	is( value(
			$node,
			"SELECT omni.available('fails'), t.* FROM"
			  . ' omni_internal.stock_in_doubt() t'),
		'9|1|1', "PREPARE fails with $what: everything is undone");
}
is(value($node, "ROLLBACK PREPARED 'taken'; SELECT omni.available('fails')"),
	'10', 'the one that had the id is not touched');

# ---- set_stock excludes itself until COMMIT PREPARED, over a restart too ----

$node->safe_psql('postgres',
	"BEGIN; SELECT omni.set_stock('N', 'set', 4); PREPARE TRANSACTION 'set'");
for my $when ('at once', 'after a restart')
{
	$node->restart if $when ne 'at once';
	raises($node, "SET lock_timeout = '50ms'; SELECT omni.set_stock('N', 'set', 7)",
		'55P03', qr/lock timeout/, "set_stock waits for a prepared one $when");
}
is( value($node, "COMMIT PREPARED 'set'; SELECT omni.available('set');"
		  . " SELECT omni.set_stock('N', 'set', 7) > 0; SELECT omni.available('set')"),
	"4\nt\n7", 'and goes on after COMMIT PREPARED');

# ---- ticks, folds and orders ----

my $document = '{"channel": "web", "external_id": "W1", "currency": "USD",'
  . ' "fulfilment": {"kind": "pickup", "node": "N"},'
  . ' "lines": [{"sku": "order", "quantity": 3, "unit_price": "9.99"}]}';
my $events = "SELECT string_agg(kind, ' ' ORDER BY position) FROM omni.event"
  . " WHERE kind LIKE 'order%' OR payload ->> 'sku' = 'order'";
my $seen = value($node, "SELECT omni.wait_for_tick(); $events");
$node->safe_psql('postgres',
	"BEGIN; SELECT omni.place_order('$document'); PREPARE TRANSACTION 'order'");
is(value($node, "SELECT omni.available('order')"), '7',
	'an order in doubt has its promises');
# others' changes get their positions and are folded meanwhile
$node->safe_psql('postgres', "SELECT omni.receive_stock('M', 'order', 1)");
ok( $node->poll_query_until(
		'postgres',
		"SELECT omni.wait_for_tick() IS NOT NULL AND EXISTS (SELECT FROM"
		  . " omni.stock WHERE sku = 'order' AND node = 'M')"),
	'ticks and folds wait for no transaction in doubt');
is(value($node, $events),
	($seen =~ /\n(.*)/)[0] . ' stock.receive', 'its events are not there yet');
$node->restart;
is(value($node, "SELECT omni.available('order')"), '8',
	'the order is in doubt after a restart as well');
$node->safe_psql('postgres', "COMMIT PREPARED 'order'");
is( value($node, "SELECT omni.wait_for_tick() > 0; $events"),
	"t\n" . ($seen =~ /\n(.*)/)[0]
	  . ' stock.receive stock.reserve order.placed',
	'after COMMIT PREPARED each is there once');
is( value($node, "SELECT omni.order_document(id) ->> 'status', omni.available('order')"
		  . " FROM omni.sales_order WHERE external_id = 'W1'"),
	'open|8', 'and so is the order');
ok( $node->poll_query_until(
		'postgres',
		"SELECT reserved = 3 FROM omni.stock WHERE sku = 'order' AND node = 'N'"),
	'its rows are folded');
is(value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
	'', 'verify_stock()');

# ---- no memory ----

my $small = omni_node('small',
	conf => "max_prepared_transactions = 20\nomni.stock_memory = 8MB\n");
$small->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N', 'store', 1, 1);
INSERT INTO omni.item (sku) VALUES ('A'), ('B'), ('C');
SELECT omni.receive_stock('N', 'A', 1000000), omni.receive_stock('N', 'B', 10);
SELECT omni.receive_stock('N', 'C', 10), omni.reserve_stock('C', 1, 'N', '10 minutes');
BEGIN; SELECT omni.reserve_stock('A', 1); PREPARE TRANSACTION 'taken';
SQL
# each needs an eighth of the memory and more
for my $n (1 .. 9)
{
	raises($small, <<'SQL', '42710', qr/already in use/,
BEGIN;
SELECT count(omni.sell_stock('N', 'A', 1)) FROM generate_series(1, 7000);
PREPARE TRANSACTION 'taken';
SQL
		"PREPARE fails, and gives its memory back: $n");
}
ok( $small->poll_query_until('postgres',
		'SELECT count(*) = 1 FROM omni_internal.open_reservation WHERE expires_at'
		  . ' IS NOT NULL'),
	'a promise with a limit is folded');
$small->safe_psql('postgres', 'SELECT omni.reload_stock()');
# fill it to the last byte: what is rolled back stays with an item that an open
# transaction uses
my ($typed, $said) = ('', '');
my $late = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $small->connstr('postgres') ],
	'<', \$typed, '>&', \$said, IPC::Run::timeout(60));
$typed .= <<'SQL';
\set VERBOSITY verbose
BEGIN;
SELECT omni.receive_stock('N', 'B', 5);
SELECT omni.reserve_stock('B', 12, 'N');
\echo changed
SQL
$late->pump until $said =~ /changed/;
my ($typed_too, $said_too) = ('', '');
my $filler = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $small->connstr('postgres') ],
	'<', \$typed_too, '>&', \$said_too, IPC::Run::timeout(60));
$typed_too .= <<'SQL';
BEGIN;
DO $$ BEGIN
    LOOP
        PERFORM omni.reserve_stock('A', 1, NULL, '1 day')
        FROM generate_series(1, 500);
    END LOOP;
EXCEPTION WHEN SQLSTATE 'OM012' THEN NULL;
END $$;
\echo filled
SQL
$filler->pump until $said_too =~ /filled/;
# the worker has no room for C, either
$small->safe_psql('postgres', "SELECT omni_internal.move_clock('20 minutes')");
my $no_room = 0;
for (1 .. 300)
{
	last if $no_room = slurp_file($small->logfile) =~ /no room to write/;
	select(undef, undef, undef, 0.1);
}
ok($no_room, 'no memory left: the worker says that it cannot tidy up');
$small->safe_psql('postgres',
	"SELECT omni_internal.move_clock('0')") for 1 .. 5;
$typed .= "PREPARE TRANSACTION 'b';\n\\echo tried\n";
$late->pump until $said =~ /tried/;
like($said, qr/OM012:.*prepared.*HINT:  COMMIT without PREPARE/s,
	'no memory left: PREPARE says so');
is( value($small, "SELECT omni.available('B'); BEGIN;"
		  . " SELECT omni.reserve_stock('B', 4) > 0; COMMIT;"
		  . " SELECT omni.available('B')"),
	"10\nt\n6", 'nothing is lost, and COMMIT works');
$typed .= "\\q\n";
$late->finish;
$typed_too .= "ROLLBACK;\n\\q\n";
$filler->finish;
ok( $small->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM omni.stock_ledger WHERE kind = 'expire'"),
	'with room it does');
my @told = slurp_file($small->logfile) =~ /no room to write/g;
is(scalar @told, 1, 'and has said so once');
is(value($small, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
	'', 'verify_stock() there');
$small->stop;

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|deadlock detected/,
	'no crash of its own in the log');
$node->stop;
done_testing();
