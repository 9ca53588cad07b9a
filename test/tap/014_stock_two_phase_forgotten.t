# A decided transaction whose outcome the server has truncated away before
# anybody touched its item: the ledger tells it.  (Ids wrap around in the end;
# what is keyed by them must not ask for what is no more.)
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Outcomes are kept in segments of 2^20 transactions: start near the end of one.
my $node = omni_node('forgotten', start => 0,
	conf => "max_prepared_transactions = 10\nautovacuum = off\n"
	  . "omni.fold_interval = '1h'\nomni.tick_interval = '1min'\n");
my $segment = $node->data_dir . '/pg_xact/0000';
append_to_file($segment, "\0" x (32 * 8192 - -s $segment));
$node->command_ok(
	[ 'pg_resetwal', '-x', 2**20 - 400, $node->data_dir ],
	'the next transaction is near the end of a segment');
$node->start;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N', 'store', 1, 1);
INSERT INTO omni.item (sku) VALUES ('committed'), ('undone');
SELECT omni.receive_stock('N', sku, 10) FROM omni.item;
SELECT omni.reserve_stock(sku, 2) FROM omni.item;
BEGIN;
SELECT omni.reserve_stock('committed', 1);
SELECT omni.receive_stock('N', 'committed', 5);
PREPARE TRANSACTION 'committed';
BEGIN;
SELECT omni.reserve_stock('undone', 1);
SELECT omni.receive_stock('N', 'undone', 5);
PREPARE TRANSACTION 'undone';
SQL
is( value(
		$node,
		"SELECT string_agg(omni.available(sku)::text, ' ' ORDER BY id),"
		  . ' (SELECT transactions FROM omni_internal.stock_in_doubt())'
		  . ' FROM omni.item'),
	'7 7|2', 'two transactions are in doubt');
my @xids = split(/\n/,
	value($node, 'SELECT transaction FROM pg_prepared_xacts ORDER BY prepared'));
cmp_ok($xids[1], '<', 2**20, 'in the old segment');
$node->safe_psql('postgres',
	"COMMIT PREPARED 'committed'; ROLLBACK PREPARED 'undone'");

# into the next segment, and let the server forget the one before
$node->safe_psql('postgres', "SELECT pg_current_xact_id();\n" x 600);
$node->safe_psql('postgres',
	"UPDATE pg_database SET datallowconn = true WHERE datname = 'template0'");
for my $database ('template0', 'template1', 'postgres')
{
	$node->safe_psql($database, 'VACUUM FREEZE');
}
is( value(
		$node,
		"SELECT pg_xact_status('$xids[0]'::xid8) IS NULL,"
		  . " pg_xact_status('$xids[1]'::xid8) IS NULL"),
	't|t', 'the server has forgotten how they ended');

is(value($node, "SELECT omni.available('committed')"), '12',
	'the one that was committed counts');
is(value($node, "SELECT omni.available('undone')"), '8',
	'the one that was rolled back does not');
is(value($node, "SELECT string_agg(v::text, ',') FROM omni.verify_stock() v"),
	'', 'verify_stock()');

$node->stop;
done_testing();
