# The custom types need no preload: a table of them stays readable, writable,
# indexed and dumpable on a server that lost it, and the dump restores.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('types');

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
CREATE TABLE price (
    id int PRIMARY KEY,
    gtin omni.gtin UNIQUE,
    tag omni.epc UNIQUE,
    amount omni.amount NOT NULL
);
CREATE INDEX price_amount_idx ON price (amount);
CREATE INDEX price_hash_idx ON price USING hash (amount);
INSERT INTO price VALUES
    (1, '12345670', '3034257BF7194E4000001A85', 'USD 12.34'),
    (2, '0012345678905', 'urn:epc:tag:sgtin-96:6.50712192365.88.0', 'ISK/2 12.50'),
    (3, '80614141123458', NULL, 'USD -92233720368547758.08'),
    (4, NULL, NULL, 'KWD 0.001');
SQL

my $all = 'SELECT * FROM price ORDER BY id';
my $before = value($node, $all);
is( $before, join("\n",
		'1|12345670|3034257BF7194E4000001A85|USD 12.34',
		'2|012345678905|30C579D5D4ADB60000000000|ISK/2 12.50',
		'3|80614141123458||USD -92233720368547758.08',
		'4|||KWD 0.001'),
	'with preload');

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
is(value($node, $all), $before, 'without preload they read the same');
is( value($node, <<'SQL'), '1|1234', 'they are found by their indexes');
SET enable_seqscan = off;
SET search_path = omni, public;
SELECT id, amount_minor_units(amount) FROM price WHERE amount = 'USD/4 12.3400';
SQL
is( value($node, <<'SQL'), "012345678905\nISK/2 25.00", 'written and reckoned with');
SET search_path = omni, public;
INSERT INTO price SELECT 5, '96385074', NULL, amount * 2 FROM price WHERE id = 2;
SELECT gtin FROM price WHERE gtin = '012345678905';
SELECT sum(amount) FROM price WHERE id = 5;
DELETE FROM price WHERE id = 5;
SQL
raises($node, q{SELECT 'USD 1.234'::omni.amount}, 'OM010',
	qr/At most 2 decimals/, 'bad text is refused');

# Text and binary through files, into another database: nothing changes.
my $dump = $node->basedir . '/price.sql';
my $binary = $node->basedir . '/price.bin';
$node->command_ok(
	[
		'pg_dump', '--table', 'price', '--file', $dump,
		'--dbname', $node->connstr('postgres')
	],
	'pg_dump');
$node->safe_psql('postgres', "COPY price TO '$binary' (FORMAT binary)");
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'omni'\n");
$node->restart;
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION omni');
$node->command_ok(
	[
		'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d',
		$node->connstr('other'), '-f', $dump
	],
	'restore');
is(value($node, $all, dbname => 'other'), $before, 'the dump has the same');
$node->safe_psql('other',
	"TRUNCATE price; COPY price FROM '$binary' (FORMAT binary)");
is(value($node, $all, dbname => 'other'),
	$before, 'and so has the binary copy');

$node->stop;
done_testing();
