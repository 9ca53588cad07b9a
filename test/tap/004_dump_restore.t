# Dump and restore, and copies of a database: the feed goes on, nothing is lost
# and nothing is published twice, whatever the ids of transactions are there.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Nothing ticks by itself after the first tick, so rows without a position stay
# so until somebody asks for a tick.
my $lazy = "omni.tick_interval = '60s'\nautovacuum = off\n";

# Use up ids of transactions.
sub burn_xids
{
	my ($node, $n) = @_;

	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE burnt (a int);
DO \$\$ BEGIN FOR i IN 1 .. $n LOOP
  BEGIN INSERT INTO burnt VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END;
END LOOP; END \$\$;
DROP TABLE burnt;
SQL
	return;
}

# Events $from … $to, each in a transaction of its own.
sub write_events
{
	my ($node, $dbname, $from, $to) = @_;

	$node->safe_psql(
		$dbname,
		join(
			'',
			map {
				"SELECT omni_internal.write_event('test.counted', 'test', $_, "
				  . "'{\"n\": $_}');\n"
			} $from .. $to));
	return;
}

sub events
{
	my ($node, $dbname, $where) = @_;
	$where //= 'true';

	return $node->safe_psql($dbname,
		    "SELECT string_agg(position || ':' || entity_id, ' ' "
		  . "ORDER BY position) FROM omni.event "
		  . "WHERE kind = 'test.counted' AND $where");
}

# What a consumer gets when it reads, and acknowledges, to the end.
sub consume
{
	my ($node, $dbname) = @_;
	my @got;

	while (1)
	{
		my $rows = $node->safe_psql($dbname,
			"SELECT position, kind, entity_id "
			  . "FROM omni.read_events('till', 7)");
		last if $rows eq '';
		my $last;
		for my $row (split(/\n/, $rows))
		{
			my ($position, $kind, $id) = split(/\|/, $row);
			push @got, $kind eq 'test.counted' ? $id : $kind;
			$last = $position;
		}
		$node->safe_psql($dbname, "SELECT omni.ack_events('till', $last)");
	}
	return join(' ', @got);
}

sub era
{
	my ($node, $dbname) = @_;

	return $node->safe_psql($dbname,
		'SELECT era FROM omni_internal.feed_state');
}

# The feed of a copy, checked against the source's list and what was not read.
# $lost: events that had committed, but had no position, when it was taken.
sub check_copy
{
	my ($node, $dbname, $era, $ticked, $unticked, $name) = @_;
	my @unticked = @$unticked;

	is(era($node, $dbname), $era - 1, "$name: the stamp is another's");
	is(events($node, $dbname), $ticked,
		"$name: what had a position has the same");
	raises($node, 'SELECT omni.wait_for_tick()',
		'OM011', qr/has not been adopted.*HINT:  Run: SELECT omni\.adopt\(\)/s,
		"$name: a tick before adoption is refused", dbname => $dbname);

	is(value($node, 'SELECT omni.adopt()', dbname => $dbname),
		$era, "$name: adopted, in the next era");
	is(era($node, $dbname), $era, "$name: and the stamp says so");
	write_events($node, $dbname, 900 + $era, 900 + $era);
	$node->safe_psql($dbname, 'SELECT omni.wait_for_tick()');

	is( events($node, $dbname, "position <= " . split_last($ticked)),
		$ticked, "$name: positions have not moved");
	is( ids_after($node, $dbname, split_last($ticked)),
		join(' ', @unticked, 'feed.adopted', 900 + $era),
		"$name: what had none got one, once, before what came after");

	$node->safe_psql($dbname, 'SELECT omni.wait_for_tick()') for 1 .. 3;
	my $before = events($node, $dbname);
	is( $node->safe_psql($dbname, 'SELECT count(*) FROM omni.event'),
		$node->safe_psql($dbname, 'SELECT max(position) FROM omni.event'),
		"$name: no gap and no repeat");
	return $before;
}

sub split_last
{
	my ($list) = @_;

	return ($list =~ /(\d+):\d+$/)[0];
}

sub ids_after
{
	my ($node, $dbname, $position) = @_;

	return $node->safe_psql($dbname,
		    "SELECT string_agg(CASE WHEN kind = 'test.counted' "
		  . "THEN entity_id::text ELSE kind END, ' ' ORDER BY position) "
		  . "FROM omni.event WHERE position > $position");
}

# ---- the source ----

my $source = omni_node('source', conf => $lazy, start => 1);
burn_xids($source, 20000);
$source->safe_psql('postgres', 'CREATE DATABASE shop');
$source->safe_psql('shop', 'CREATE EXTENSION omni');
write_events($source, 'shop', 1, 30);
$source->safe_psql('shop', 'SELECT omni.wait_for_tick()');
$source->safe_psql('shop', "SELECT count(*) FROM omni.read_events('till', 10)");
$source->safe_psql('shop', "SELECT omni.ack_events('till', 10)");

# An old transaction that a later tick saw running …
my $old = $source->background_psql('shop');
$old->query_safe("BEGIN; SELECT omni_internal.write_event('test.counted', "
	  . "'test', 31, '{}')");
write_events($source, 'shop', 32, 40);
$source->safe_psql('shop', 'SELECT omni.wait_for_tick()');
# … commits after that tick, and others after it.
$old->query_safe('COMMIT');
$old->quit;
write_events($source, 'shop', 41, 45);

my $ticked = events($source, 'shop');
my @unticked = (31, 41 .. 45);
like($ticked, qr/ 39:40$/, 'the source: 39 events have a position');

my $dir = PostgreSQL::Test::Utils::tempdir();
$source->command_ok(
	[ 'pg_dump', '-Fc', '-f', "$dir/shop.dump", $source->connstr('shop') ],
	'pg_dump, custom format');
$source->command_ok(
	[ 'pg_dump', '-f', "$dir/shop.sql", $source->connstr('shop') ],
	'pg_dump, plain');

# ---- same server, another name ----

$source->safe_psql('postgres', 'CREATE DATABASE other');
$source->command_ok(
	[
		'pg_restore', '-j', '2', '--exit-on-error', '-d',
		$source->connstr('other'), "$dir/shop.dump"
	],
	'pg_restore into the same server, under another name');
check_copy($source, 'other', 2, $ticked, \@unticked, 'other name');
is( consume($source, 'other'),
	join(' ', 11 .. 30, 32 .. 40, @unticked, 'feed.adopted', 902),
	'other name: the consumer goes on where it was, and misses nothing');

# ---- a copy by template ----

is($source->psql('postgres', 'CREATE DATABASE copy TEMPLATE shop'),
	0, 'CREATE DATABASE TEMPLATE');
check_copy($source, 'copy', 2, $ticked, \@unticked, 'template');
is( consume($source, 'copy'),
	join(' ', 11 .. 30, 32 .. 40, @unticked, 'feed.adopted', 902),
	'template: the consumer goes on where it was, and misses nothing');

# ---- a fresh cluster whose ids of transactions are far behind ----

my $behind = omni_node('behind', conf => $lazy);
$behind->safe_psql('postgres', 'CREATE DATABASE shop');
$behind->command_ok(
	[ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-q', '-1', '-o', '/dev/null',
		'-d', $behind->connstr('shop'), '-f', "$dir/shop.sql" ],
	'restore into a fresh cluster, in one transaction');
cmp_ok(
	value($behind, 'SELECT pg_current_xact_id()::text::bigint'), '<',
	value($source, 'SELECT min(xid::text::bigint) FROM omni_internal.outbox',
		dbname => 'shop'),
	'its ids are behind those of the dump');
check_copy($behind, 'shop', 2, $ticked, \@unticked, 'fresh cluster');
is( consume($behind, 'shop'),
	join(' ', 11 .. 30, 32 .. 40, @unticked, 'feed.adopted', 902),
	'fresh cluster: the consumer goes on where it was, and misses nothing');

# Life goes on there: restarts, crashes, then a second dump.
my $now = events($behind, 'shop');
$behind->restart;
is(value($behind, 'SELECT omni.adopt()', dbname => 'shop'),
	2, 'a restart is no reason for another era');
$behind->stop('immediate');
$behind->start;
write_events($behind, 'shop', 46, 50);
$behind->safe_psql('shop', 'SELECT omni.wait_for_tick()');
is(events($behind, 'shop'),
	$now . ' ' . join(' ', map { my $p = split_last($now) + $_; "$p:" . (45 + $_) } 1 .. 5),
	'nor is a crash; new events follow the old ones');
is(consume($behind, 'shop'), '46 47 48 49 50', 'the consumer gets them');

# ---- a cluster whose ids are far ahead, from the second dump ----

write_events($behind, 'shop', 51, 52);
$ticked = events($behind, 'shop');
$behind->command_ok(
	[ 'pg_dump', '-Fc', '-f', "$dir/second.dump", $behind->connstr('shop') ],
	'pg_dump of the restored database');
my $ahead = omni_node('ahead', conf => $lazy);
burn_xids($ahead, 60000);
$ahead->safe_psql('postgres', 'CREATE DATABASE shop');
$ahead->command_ok(
	[
		'pg_restore', '--exit-on-error', '-d', $ahead->connstr('shop'),
		"$dir/second.dump"
	],
	'pg_restore into a cluster whose ids are ahead');
check_copy($ahead, 'shop', 3, $ticked, [ 51, 52 ], 'ahead');
is(consume($ahead, 'shop'), '51 52 feed.adopted 903',
	'ahead: the consumer goes on where it was, and misses nothing');

# The worker works under its own power, too.
$ahead->append_conf('postgresql.conf', "omni.tick_interval = '20ms'\n");
$ahead->reload;
write_events($ahead, 'shop', 53, 60);
ok( $ahead->poll_query_until(
		'shop', "SELECT count(*) = 8 FROM omni.event WHERE "
		  . "kind = 'test.counted' AND entity_id BETWEEN 53 AND 60"),
	'ticks come by themselves');
is(consume($ahead, 'shop'), '53 54 55 56 57 58 59 60', 'each event once');

# ---- a restore that is still running ----

$ahead->safe_psql('postgres', 'CREATE DATABASE slow');
$ahead->safe_psql('slow', 'CREATE EXTENSION omni');
my $restore = $ahead->background_psql('slow');
$restore->query_safe('BEGIN; INSERT INTO omni_internal.feed_state VALUES '
	  . "(true, 1, 1, 1, 1, 4, now())");
raises(
	$ahead, "SET omni.adopt_timeout = '500ms'; SELECT omni.adopt();", 'OM011',
	qr/has not adopted.*DETAIL:.*locked by another session; a restore/s,
	'no adoption while the stamp is being restored', dbname => 'slow');
$restore->query_safe('COMMIT');
$restore->quit;
is(value($ahead, 'SELECT omni.adopt()', dbname => 'slow'),
	5, 'afterwards, in the era after the dump\'s');

$_->stop for $source, $behind, $ahead;
done_testing();
