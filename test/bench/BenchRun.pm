# Running the ways of "make bench": pgbench, Redis, the feed's consumer, and
# the reads that are timed by hand.  Each returns lines per second.
package BenchRun;

use strict;
use warnings;

use BenchCases;
use OmniSession;
use POSIX qw(_exit);
use Time::HiRes qw(time sleep);

our ($work, $seconds);

sub session
{
	return OmniSession->new(host => $ENV{PGHOST}, port => $ENV{PGPORT},
		dbname => 'bench', name => 'bench');
}

sub command
{
	my ($output, @command) = @_;
	my $pid = fork() // die "fork: $!\n";

	if ($pid == 0)
	{
		open(STDOUT, '>', $output);
		open(STDERR, '>&', \*STDOUT);
		exec(@command) or _exit(127);
	}
	waitpid($pid, 0);
	open(my $file, '<', $output) or die "$output: $!\n";
	local $/;
	my $text = <$file>;
	die "@command failed:\n$text" if $? != 0;
	return $text;
}

sub pgbench
{
	my ($case, $way) = @_;
	my $file = "$work/$case->{name}.$way.sql";

	open(my $script, '>', $file) or die "$file: $!\n";
	print $script BenchCases::script($case, $way);
	close($script);
	my $text = command("$work/out", 'pgbench', '-n', '-M', $case->{protocol},
		'-c', $case->{clients}, '-j', $case->{clients} > 1 ? 2 : 1,
		'-T', $seconds, '-f', $file, 'bench');
	my ($tps) = $text =~ /^tps = ([\d.]+)/m or die "pgbench said:\n$text";
	die "transactions failed:\n$text" if $text !~ /failed transactions: 0 /;
	return $tps * $case->{lines};
}

# ---- the feed's consumer ----

# The run with a consumer beside it (consumer.c), and how far that was behind
# in the end.
sub with_consumer
{
	my ($case, $notes) = @_;
	my $program = "$work/consumer";

	if (!-x $program)
	{
		chomp(my $include = command("$work/out", $ENV{PG_CONFIG} // 'pg_config',
				'--includedir'));
		command("$work/out", 'gcc', '-O2', '-Wall', '-Werror', "-I$include",
			'-o', $program, 'test/bench/consumer.c', '-lpq');
	}
	local $ENV{PGDATABASE} = 'bench';
	my $pid = open(my $out, '-|', $program, 'bench')
	  // die "$program: $!\n";
	(<$out> // '') eq "ready\n" or die "the consumer did not start\n";

	my $lines = pgbench($case, 'feed');
	my $s = session();
	my $lag = $s->value('SELECT (SELECT max(first_position + count - 1)'
		  . " FROM omni.tick) - (SELECT position FROM omni.consumer"
		  . " WHERE name = 'bench')");
	kill('TERM', $pid);
	my $events = <$out> // die "the consumer failed\n";
	close($out) or die "the consumer failed\n";
	push @{ $notes->{consumer} }, [ $events / $seconds, $lag ];
	return $lines;
}

# ---- Redis ----

my ($redis, $socket, $sha);

sub redis_there
{
	return grep { -x "$_/redis-server" } split(/:/, $ENV{PATH}), '/usr/sbin';
}

sub start_redis
{
	my $dir = "$work/redis";

	return if $redis;
	mkdir($dir);
	$socket = "$dir/socket";
	$redis = fork() // die "fork: $!\n";
	if ($redis == 0)
	{
		open(STDOUT, '>', "$dir/log");
		open(STDERR, '>&', \*STDOUT);
		exec('redis-server', '--port', 0, '--unixsocket', $socket, '--dir',
			$dir, '--appendonly', 'yes', '--appendfsync', 'always', '--save',
			'', '--daemonize', 'no') or _exit(127);
	}
	for (1 .. 100)
	{
		last if -S $socket;
		sleep(0.05);
	}
	open(my $script, '>', "$dir/reserve.lua") or die "$dir: $!\n";
	print $script $BenchCases::lua;
	close($script);
	($sha) = command("$work/out", 'redis-cli', '-s', $socket, 'SCRIPT', 'LOAD',
		$BenchCases::lua) =~ /([0-9a-f]{40})/ or die "redis: no script\n";
	return;
}

sub redis
{
	my ($case) = @_;
	my @keys = $case->{items} eq 'hot' ? ('stock:1') : ('stock:__rand_int__');

	push @keys, ('stock:__rand_int__') x 2 if $case->{lines} == 3;
	start_redis();
	my @command = ('redis-benchmark', '-s', $socket, '-c', $case->{clients},
		'-r', $BenchCases::items, '--csv');
	my $rate = 0;
	# it counts requests, not seconds: a short run says how many
	for my $n (2000, 0)
	{
		my $text = command("$work/out", @command, '-n',
			$n || int($rate * $seconds) + 1, 'EVALSHA', $sha, scalar @keys,
			@keys);

		($rate) = $text =~ /^"EVALSHA[^"]*","([\d.]+)"/m
		  or die "redis-benchmark said:\n$text";
	}
	return $rate * $case->{lines};
}

sub stop_redis
{
	return if !$redis;
	kill('TERM', $redis);
	waitpid($redis, 0);
	$redis = undef;
	return;
}

END { my $status = $?; stop_redis(); $? = $status; }

# ---- the sourcing solver, without a server ----

# Compile and run solver.c; what it prints.  Compiled as the extension is.
sub solver
{
	my $program = "$work/solver";

	command("$work/solver.log", 'gcc', '-std=gnu99', '-O2', '-Wall', '-Isrc',
		'-Itest/unit', '-o', $program, 'test/bench/solver.c',
		glob('src/sourcing/solve_*core.c'), '-lm');
	return command("$work/solver.out", $program, $ENV{OMNI_DATA} // ());
}

# ---- reads ----

# One call of omni.availability() for 50 skus that 1,000 nodes stock: ms.
sub availability
{
	my ($rounds) = @_;
	my $s = session();
	my @ms;

	if ($s->value("SELECT count(*) FROM omni.node WHERE code LIKE 'A%'") == 0)
	{
		$s->rows("INSERT INTO omni.node (code, kind, latitude, longitude)"
			  . " SELECT 'A' || g, 'store', 1, 1 FROM generate_series(1, 1000) g");
		$s->rows("INSERT INTO omni.item (sku)"
			  . " SELECT 'A' || g FROM generate_series(1, 50) g");
		$s->rows("SELECT count(omni.receive_stock('A' || n, 'A' || g, 10))"
			  . ' FROM generate_series(1, 1000) n, generate_series(1, 50) g');
	}
	my $list = "ARRAY(SELECT 'A' || g FROM generate_series(1, 50) g)";
	for (1 .. 10 * $rounds)
	{
		my $began = time();
		my $rows = $s->value(
			"SELECT count(*) FROM omni.availability($list)");

		push @ms, (time() - $began) * 1000;
		die "availability gave $rows rows\n" if $rows != 50000;
	}
	return @ms;
}

1;
