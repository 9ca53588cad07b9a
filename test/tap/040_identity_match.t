# A run of omni.match_table() shows how far it is, can be cancelled, and leaves
# nothing when it is cancelled, terminated or killed.
#
# The source is a view that waits for a lock in the middle: the run stands still
# while it is looked at.
use strict;
use warnings;

use OmniSession;
use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('identity_match', conf => "restart_after_crash = on\n");

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
CREATE TABLE person (id int, name text, mail text);
INSERT INTO person SELECT i, 'Name ' || md5((i / 2)::text), md5((i / 2)::text) || '@x.org'
    FROM generate_series(1, 2000) i;
CREATE FUNCTION stop_at(i int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF i = 1000 THEN
        PERFORM pg_advisory_xact_lock_shared(1);
    END IF;
    RETURN i;
END$$;
CREATE VIEW slow AS SELECT stop_at(id) AS id, name, mail FROM person;
SQL

my @where = (host => $node->host, port => $node->port);
my $call = q{SELECT count(*), count(DISTINCT cluster) FROM omni.match_table('slow',
    '{"id": "id", "name": "full_name", "mail": "email"}')};

# What a run that has ended may not have left.
sub nothing_left
{
	my ($how) = @_;

	is($node->safe_psql('postgres', 'SELECT count(*) FROM omni.stat_match'),
		0, "$how: no progress is shown");
	is($node->safe_psql('postgres',
			'SELECT count(*) FROM omni.match_run'), 0, "$how: no model");
	is($node->safe_psql('postgres',
			"SELECT count(*) FROM pg_class WHERE relpersistence = 't'"),
		0, "$how: no temporary table");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_ls_tmpdir()'),
		0, "$how: no temporary file");
	return;
}

for my $how ('cancelled', 'terminated', 'killed')
{
	my $holder = OmniSession->new(@where);
	my $runner = OmniSession->new(@where);
	my $pid = $runner->value('SELECT pg_backend_pid()');

	$holder->rows('SELECT pg_advisory_lock(1)');
	$runner->send($call);
	ok($node->poll_query_until('postgres',
			"SELECT count(*) = 1 FROM omni.stat_match WHERE pid = $pid"
			  . " AND source = 'slow'::regclass AND phase = 'reading'"
			  . ' AND done BETWEEN 200 AND 999 AND started_at <= now()'),
		"$how: the run shows how far it is");
	if ($how eq 'cancelled')
	{
		$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
		is($runner->wait->{error}, '57014', "$how: it ends at once");
		$runner->close;
	}
	elsif ($how eq 'terminated')
	{
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
		is($runner->wait->{error}, '57P01', "$how: it ends at once");
	}
	else
	{
		kill 'KILL', $pid;
		ok($runner->wait->{lost}, "$how: the session is gone");
		$node->poll_query_until('postgres', 'SELECT true');
	}
	eval { $holder->close };
	ok($node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"),
		"$how: the process has ended");
	nothing_left($how);
}

# Afterwards all is as ever.
$node->safe_psql('postgres', 'SELECT omni.adopt()');
is($node->safe_psql('postgres', $call), '2000|1001', 'a run to the end');
is($node->safe_psql('postgres', 'SELECT count(*) FROM omni.match_run'),
	1, 'keeps its model');
is($node->safe_psql('postgres', 'SELECT count(*) FROM omni.stat_match'),
	0, 'and shows no progress any more');

# Any number of workers, any plan: the same.
my $same = q{SELECT md5(string_agg(record || ' ' || cluster, ',' ORDER BY record))
    FROM omni.match_table('person', '{"id": "id", "name": "full_name", "mail": "email"}')};
my $plain = $node->safe_psql('postgres', $same);
is( $node->safe_psql('postgres',
		'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;'
		  . ' SET min_parallel_table_scan_size = 0; SET force_parallel_mode = on;'
		  . $same),
	$plain, 'the plan changes nothing');
$node->safe_psql('postgres',
	'CREATE INDEX ON person (md5(mail)); CLUSTER person USING person_md5_idx');
is($node->safe_psql('postgres', $same), $plain,
	'nor does the order of the rows');

$node->stop;
done_testing();
