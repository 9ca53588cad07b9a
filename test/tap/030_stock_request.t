# Exactly once, whatever becomes of connections: clients call with requests
# while their sessions are cut off, most of them while the commit waits, and
# call again until they have an answer.  In the end everything was done once.
use strict;
use warnings;

use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX ();
use Test::More;

my $clients = 8;
my $calls = 18;					# of each client

my $node = omni_node('stock_request', init => { allows_streaming => 1 },
	conf => "max_connections = 40\nmax_prepared_transactions = 5\n"
	  . "log_min_messages = fatal\nrestart_after_crash = on\n");
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude) VALUES ('N', 'store', 1, 1);
INSERT INTO omni.item (sku) VALUES ('A'), ('B');
SELECT omni.receive_stock('N', 'A', 1000);
SQL

# Commits wait for a standby that does not exist, or no longer.
sub hold_commits
{
	my ($on) = @_;

	$node->safe_psql('postgres',
		'ALTER SYSTEM SET synchronous_standby_names = '
		  . ($on ? "'nobody'" : "''"));
	$node->reload;
	return;
}

my $waiting = "FROM pg_stat_activity WHERE backend_type = 'client backend'"
  . " AND wait_event = 'SyncRep'";

# ---- an answer is not less durable than the call it repeats ----

sub start_call
{
	my ($out, $err) = @_;

	return IPC::Run::start(
		[ 'psql', '-X', '-At', '-d', $node->connstr('postgres'), '-c',
			"SELECT omni.receive_stock('N', 'B', 7, request => 'held')" ],
		'>', $out, '2>', $err);
}

hold_commits(1);
my ($out1, $err1, $out2, $err2) = ('', '', '', '');
my $first = start_call(\$out1, \$err1);
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $waiting"),
	'the first call\'s commit waits for a standby');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) $waiting");
$first->finish;
is($out1, '', 'its session is cut off: no answer');
is( value($node, "SELECT count(*) FROM omni.stock_ledger l JOIN omni.item i"
		  . " ON i.id = l.item_id WHERE i.sku = 'B'"),
	'1', 'although it has committed here');
my $second = start_call(\$out2, \$err2);
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $waiting"),
	'the same call again waits for the standby, too');
is($out2, '', 'and does not answer before');
hold_commits(0);
$second->finish;
chomp $out2;
is( value($node, "SELECT l.id || ' ' || l.quantity FROM omni.stock_ledger l"
		  . " JOIN omni.item i ON i.id = l.item_id WHERE i.sku = 'B'"),
	"$out2 7", 'then it answers as the first would have');

$node->restart;
is( value($node, "SELECT omni.receive_stock('N', 'B', 7, request => 'held')"),
	$out2, 'the same answer after a restart');

# ---- clients that call until they are answered ----

# A call by its number, with the request's key as the reference.
sub statement
{
	my ($key, $n) = @_;

	return "SELECT omni.sell_stock('N', 'A', 1, '$key', request => '$key')"
	  if $n % 3 == 0;
	return "SELECT omni.receive_stock('N', 'A', 2, '$key', request => '$key')"
	  if $n % 3 == 1;
	return "SELECT omni.reserve_stock('A', 1, reference => '$key', request => '$key')";
}

my $dir = PostgreSQL::Test::Utils::tempdir();

# A client: prints key, number of attempts and answer of each of its calls.
sub run_client
{
	my ($client) = @_;

	$ENV{PGHOST} = $node->host;
	$ENV{PGPORT} = $node->port;
	open(my $log, '>', "$dir/client$client") or die $!;
	for my $n (1 .. $calls)
	{
		my $key = "$client-$n";
		my $sql = statement($key, $n);

		for my $attempt (1 .. 2000)
		{
			my $answer = `psql -XAt -d postgres -c "$sql" 2>/dev/null`;

			if ($? == 0 && $answer =~ /^(\d+)$/)
			{
				print $log "$key $attempt $1\n";
				last;
			}
		}
	}
	close($log);
	return;
}

my @children;
for my $client (1 .. $clients)
{
	my $pid = fork() // die "fork: $!";

	if ($pid == 0)
	{
		run_client($client);
		POSIX::_exit(0);
	}
	push @children, $pid;
}

# Cut sessions off while their commits wait, and others anywhere; once the
# whole server.
my $rounds = 0;
my $crashed = 0;
my $until = time() + 60;
while (time() < $until)
{
	@children = grep { waitpid($_, 1) == 0 } @children;
	last if !@children;
	$rounds++;
	hold_commits(1);
	for (1 .. 50)
	{
		my $n = $node->safe_psql('postgres', "SELECT count(*) $waiting");

		last if $n >= @children / 2;
	}
	$node->safe_psql('postgres',
		    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity'
		  . " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
		  . ' AND random() < 0.7');
	if ($rounds == 4)
	{
		my $victim = $node->safe_psql('postgres',
			"SELECT min(pid) FROM pg_stat_activity WHERE"
			  . " backend_type = 'client backend' AND pid <> pg_backend_pid()");

		if ($victim)
		{
			kill('KILL', $victim);
			$crashed++;
			$node->poll_query_until('postgres', 'SELECT true');
		}
	}
	hold_commits(0);
	for (1 .. 20)
	{
		last if !$node->safe_psql('postgres', "SELECT count(*) $waiting");
	}
}
hold_commits(0);
waitpid($_, 0) for @children;

my (%answer, $again);
for my $client (1 .. $clients)
{
	for my $line (split(/\n/, slurp_file("$dir/client$client")))
	{
		my ($key, $attempts, $answer) = split(/ /, $line);

		$answer{$key} = $answer;
		$again++ if $attempts > 1;
	}
}
note("$rounds rounds of cutting, $crashed of them a crash of the server;"
	  . " $again of " . $clients * $calls . ' calls were made again');
is(scalar keys %answer, $clients * $calls, 'every call was answered in the end');
cmp_ok($again, '>=', $calls, 'many of them more than once');
is( value(
		$node,
		'SELECT count(*) FROM (SELECT reference FROM omni.stock_ledger'
		  . " WHERE reference LIKE '%-%' GROUP BY 1 HAVING count(*) <> 1) d"),
	'0', 'none was done twice');
my %done = map { split(/\|/, $_) } split(
	/\n/,
	$node->safe_psql('postgres',
		"SELECT reference, id FROM omni.stock_ledger WHERE reference LIKE '%-%'"));
is_deeply(\%done, \%answer, 'every one was done, and the answers say so');
my $third = $clients * $calls / 3;
is( value(
		$node,
		'SELECT on_hand, reserved FROM omni.stock_now n WHERE node IS NOT NULL'
		  . " AND n.sku = 'A'"),
	(1000 + $third) . '|0', 'what is on hand is what was done once');
is(value($node, "SELECT omni.available('A')"), 1000, 'and so is what is available');
is(value($node, 'SELECT count(*) FROM omni.verify_stock()'), '0', 'verify_stock()');
my $repeat = join(";\n", map { statement($_, (split(/-/, $_))[1]) } sort keys %answer);
is( $node->safe_psql('postgres', $repeat),
	join("\n", map { $answer{$_} } sort keys %answer),
	'every call answers the same once more');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|deadlock/, 'no crash of its own');

done_testing();
