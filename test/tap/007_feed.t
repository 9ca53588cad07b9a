# The feed against a model: sessions commit, roll back, roll back to savepoints
# and hold transactions open at random, while consumers with random page sizes
# read; the server is killed in between.  Every committed event has one
# position, once, positions are dense, nothing else is there, each entity's
# events are in its order, and a position never changes its event.
use strict;
use warnings;

use IPC::Run qw(start pump finish);
use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = 6;
my $node = omni_node('feed', conf => "omni.tick_interval = 20ms\n");
my $dir = $node->basedir;
my $seed = $ENV{OMNI_SEED} // int(rand(1000000));

diag("OMNI_SEED=$seed");
srand($seed);

$node->safe_psql('postgres', 'CREATE EXTENSION omni');
$node->safe_psql('postgres', <<'SQL');
SELECT omni.adopt();
CREATE SEQUENCE key;
-- what was committed, by the same transactions
CREATE TABLE committed(key bigint PRIMARY KEY, kind text);
CREATE FUNCTION note(n int) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	k bigint;
	name text;
BEGIN
	FOR i IN 1 .. n LOOP
		k := nextval('key');
		name := CASE WHEN random() < 0.02 THEN 'rare' ELSE 'common' END;
		PERFORM omni_internal.write_event(name, 'thing', k, NULL);
		INSERT INTO committed VALUES (k, name);
	END LOOP;
END
$$;
-- an entity whose events are written under its row lock
CREATE TABLE entity(id int PRIMARY KEY, n bigint NOT NULL);
INSERT INTO entity SELECT id, 0 FROM generate_series(1, 3) id;
CREATE FUNCTION step(entity int) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	k bigint := nextval('key');
	count bigint;
BEGIN
	UPDATE entity e SET n = n + 1 WHERE id = entity RETURNING n INTO count;
	PERFORM omni_internal.write_event('step', 'thing', k,
		jsonb_build_object('entity', entity, 'n', count));
	INSERT INTO committed VALUES (k, 'step');
END
$$;
-- what the consumers have read, and where
CREATE TABLE seen(consumer text, position bigint, kind text, key bigint,
	n bigserial);
CREATE FUNCTION consume(name text, size int, kinds text[]) RETURNS bigint
LANGUAGE plpgsql AS
$$
DECLARE
	last bigint;
BEGIN
	WITH e AS (
		INSERT INTO seen(consumer, position, kind, key)
		SELECT name, position, kind, entity_id
		FROM omni.read_events(name, size, kinds) RETURNING position)
	SELECT max(position) INTO last FROM e;
	IF last IS NOT NULL THEN
		PERFORM omni.ack_events(name, last);
	END IF;
	RETURN last;
END
$$;
SQL

# ---- the writers: pgbench, and their scripts' weights ----

my %scripts = (
	commit => [ 6, <<'EOS' ],
\set n random(1, 4)
SELECT note(:n);
EOS
	step => [ 3, <<'EOS' ],
\set entity random(1, 3)
\set end random(1, 4)
BEGIN;
SELECT note(1);
SELECT step(:entity);
SELECT note(1);
\if :end = 1
ROLLBACK;
\else
COMMIT;
\endif
EOS
	rollback => [ 2, <<'EOS' ],
BEGIN;
SELECT note(3);
ROLLBACK;
EOS
	savepoint => [ 3, <<'EOS' ],
\set n random(1, 300)
BEGIN;
SELECT note(1);
SAVEPOINT a;
SELECT note(:n);
SAVEPOINT b;
SELECT note(1);
ROLLBACK TO b;
SELECT note(1);
ROLLBACK TO a;
SELECT note(2);
SAVEPOINT c;
SELECT note(1);
RELEASE c;
COMMIT;
EOS
	hold => [ 2, <<'EOS' ],
\set ms random(1, 400)
BEGIN;
SELECT note(2);
\sleep :ms ms
SELECT note(1);
COMMIT;
EOS
);

sub start_writers
{
	my @command = (
		'pgbench', '-n', '-c', '8', '-T', "$seconds",
		'--random-seed', int(rand(1000000)));

	for my $name (sort keys %scripts)
	{
		my ($weight, $text) = @{ $scripts{$name} };

		append_to_file("$dir/$name.sql", $text) unless -e "$dir/$name.sql";
		push @command, '-f', "$dir/$name.sql\@$weight";
	}
	my $output = '';
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $run = start([ @command, 'postgres' ], '<', \undef, '>&', \$output);

	return ($run, \$output);
}

# ---- the consumers ----

my %consumers = (
	all => 'NULL',
	rare => "'{rare}'",
	some => "'{step,rare}'");

sub read_some
{
	my $statements = '';

	for my $name (sort keys %consumers)
	{
		my $size = (1, 2, 7, 50, 1000, 3000)[ int(rand(6)) ];

		$statements .= "SELECT consume('$name', $size, $consumers{$name});\n";
	}
	# one time in four the transaction comes to nothing
	$statements = "BEGIN;\n${statements}ROLLBACK;\n" if rand() < 0.25;
	return $node->psql('postgres', $statements);
}

# Read until there is no more.
sub read_all
{
	$node->safe_psql('postgres', 'SELECT omni.wait_for_tick()');
	for my $name (sort keys %consumers)
	{
		$node->safe_psql('postgres', <<"SQL");
DO \$\$
BEGIN
	WHILE consume('$name', 777, $consumers{$name}) IS NOT NULL LOOP END LOOP;
END
\$\$;
SQL
	}
	return;
}

sub check_feed
{
	my ($when) = @_;
	my $last = value($node, 'SELECT omni.wait_for_tick()');

	is( value($node, 'SELECT count(*) FROM committed'),
		$last, "$when: as many positions as committed events ($last)");
	is( value(
			$node, "SELECT count(*) FROM committed c "
			  . "FULL JOIN (SELECT kind, key FROM seen WHERE consumer = 'all') s "
			  . "USING (key, kind) WHERE c.key IS NULL OR s.key IS NULL"),
		'0',
		"$when: read is what was committed, and nothing else");
	is( value(
			$node, "SELECT count(*) - count(DISTINCT position), min(position), "
			  . "max(position) FROM seen WHERE consumer = 'all'"),
		"0|1|$last",
		"$when: each position once, from 1 to the last");
	is( value(
			$node, "SELECT count(*) FROM (SELECT position - lag(position, 1, 0::bigint) "
			  . "OVER (ORDER BY n) AS d FROM seen WHERE consumer = 'all') s "
			  . "WHERE d <> 1"),
		'0',
		"$when: in their order, without a gap");
	for my $name (qw(rare some))
	{
		is( value(
				$node, "SELECT count(*) FROM (SELECT position, key FROM seen "
				  . "WHERE consumer = 'all' AND kind = ANY ($consumers{$name})) a "
				  . "FULL JOIN (SELECT position, key FROM seen "
				  . "WHERE consumer = '$name') b USING (position, key) "
				  . "WHERE a.key IS NULL OR b.key IS NULL"),
			'0',
			"$when: who reads some kinds gets all of these, where they are");
	}
	is( value(
			$node, "SELECT count(*) FROM omni.event e FULL JOIN "
			  . "(SELECT position, key FROM seen WHERE consumer = 'all') s "
			  . "ON s.position = e.position AND s.key = e.entity_id "
			  . "WHERE e.position IS NULL OR s.position IS NULL"),
		'0',
		"$when: the view shows the same, wherever it was read from");
	is( value(
			$node, "SELECT count(*) FROM (SELECT payload ->> 'entity' AS entity, "
			  . "(payload ->> 'n')::bigint - row_number() OVER "
			  . "(PARTITION BY payload ->> 'entity' ORDER BY position) AS d "
			  . "FROM omni.event WHERE kind = 'step') s WHERE d <> 0"),
		'0',
		"$when: each entity's events are in its order");
	return $last;
}

# ---- a round with a clean end ----

my ($writers, $output) = start_writers();
my $reads = 0;

while ($writers->pumpable)
{
	my ($status, $out, $err) = read_some();

	if ($status != 0)
	{
		fail('a consumer can read');
		diag($err);
		last;
	}
	$reads++;
	$writers->pump_nb if $writers->pumpable;
}
ok($writers->finish, 'the writers came to their end') or diag($$output);
cmp_ok($reads, '>', 10, "consumers read meanwhile ($reads times)");
read_all();
my $last = check_feed('after a clean end');

cmp_ok($last, '>', 300, 'there was something to read');
cmp_ok(
	value($node, 'SELECT count(*) FROM omni.tick'),
	'>', 20, 'over many ticks');
cmp_ok(
	value(
		$node, 'SELECT count(*) FROM omni_internal.tick_page p '
		  . 'WHERE last_id - first_id >= count'),
	'>', 0,
	'some of whose ids interleave');

# ---- a round in which the server is killed ----

($writers, $output) = start_writers();
for (1 .. 10)
{
	read_some();
	$writers->pump_nb if $writers->pumpable;
}
ok($writers->pumpable, 'the writers are at work');
$node->stop('immediate');
$writers->finish;
$node->start;
ok(wait_for_worker($node, 'postgres'), 'the worker is back after the crash');
read_all();
check_feed('after a crash');

# ---- positions are for ever: the same from the start, in other steps ----

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE first AS SELECT consumer, position, kind, key FROM seen;
TRUNCATE seen;
SELECT omni.ack_events(name, 0) FROM omni.consumer;
SQL
read_all();
is( value(
		$node, 'SELECT count(*) FROM first f FULL JOIN seen s '
		  . 'USING (consumer, position, kind, key) '
		  . 'WHERE f.key IS NULL OR s.key IS NULL OR s.n IS NULL'),
	'0',
	'a rewound consumer reads the same events at the same positions');

# ---- wake-ups, in a database of their own ----

# A turn sends its wake-ups after its tick; the next turn comes after that.
sub notifications
{
	my ($change) = @_;
	my $out = $node->safe_psql('wake', <<"SQL");
LISTEN omni_event;
LISTEN omni_stock;
$change;
SELECT omni.wait_for_tick();
SELECT omni.wait_for_tick();
SELECT 1;
SELECT 1;
SQL
	my @found = $out =~ /notification "(\w+)" with payload "(\d+)"/g;

	return join(' ', @found);
}

my $event = "SELECT omni_internal.write_event('a', 'thing', 1, NULL)";

$node->safe_psql('postgres', 'CREATE DATABASE wake');
$node->safe_psql('wake', 'CREATE EXTENSION omni');
$node->safe_psql('wake', <<'SQL');
INSERT INTO omni.item(sku) VALUES ('A');
INSERT INTO omni.node(code, kind, latitude, longitude) VALUES ('S', 'store', 1, 1);
SELECT omni.adopt();
SELECT omni.wait_for_tick();
SELECT omni.wait_for_tick();
SQL
my $before = value($node, 'SELECT max(position) FROM omni.event', dbname => 'wake');

is( notifications($event),
	'omni_event ' . ($before + 1),
	'an event wakes who listens to omni_event, and says its position');
is(notifications("BEGIN; $event; ROLLBACK"), '',
	'what is rolled back wakes nobody');
is( notifications("SELECT omni.receive_stock('S', 'A', 1)"),
	join(' ', map { "$_ " . ($before + 2) } qw(omni_event omni_stock)),
	'a change of stock wakes who listens to either');

$node->stop;
done_testing();
