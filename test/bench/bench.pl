#!/usr/bin/env perl
# make bench: what omni does per second, as ratios to what one would otherwise
# write, on a throw-away server with fsync on.
#
#   CASES=hot-32c,reads   only the cases whose names begin so
#   ROUNDS=5              rounds; in each all ways of a case take their turn
#   SECONDS_EACH=4        length of one run
#   PUBLISH=1             write doc/benchmarks.md and doc/bench.svg
#   CASES=list            names, and what they are
#
# Cases and ways are in BenchCases.pm.  Redis takes part where redis-server is
# installed.  The exit status says whether the runs worked, not how fast.
use strict;
use warnings;

use BenchCases;
use BenchIdentity;
use BenchMatch;
use BenchReport;
use BenchRun;
use POSIX qw(strftime);

$| = 1;
my $rounds = $ENV{ROUNDS} // 5;
my @wanted = split(/,/, $ENV{CASES} // '');
my $results = "$ENV{OMNI_WORK}/results";

$BenchRun::work = "$ENV{OMNI_WORK}/bench";
$BenchRun::seconds = $ENV{SECONDS_EACH} // 4;
$ENV{PATH} .= ':/usr/sbin';
mkdir($BenchRun::work);

if ("@wanted" eq 'list')
{
	printf "%-18s %s\n", $_->{name},
	  $_->{measure} ? $_->{what}
	  : BenchReport::describe($_) for @BenchCases::cases;
	exit 0;
}
my @cases = grep {
	my $name = $_->{name};
	!@wanted || grep { index($name, $_) == 0 } @wanted
} @BenchCases::cases;
die "no such case: @wanted (CASES=list shows them)\n" if !@cases;
if (!BenchRun::redis_there())
{
	print "redis: left out (redis-server is not installed)\n"
	  if grep { grep { $_ eq 'redis' } @{ $_->{ways} } } @cases;
	@{ $_->{ways} } = grep { $_ ne 'redis' } @{ $_->{ways} } for @cases;
}

sub psql
{
	my ($database, @arguments) = @_;

	return BenchRun::command("$BenchRun::work/psql", 'psql', '-X', '-q', '-A',
		'-t', '-v', 'ON_ERROR_STOP=1', '-d', $database, @arguments);
}

my $runs = 0;
$runs += @{ $_->{ways} } * $rounds for @cases;
printf "%d cases, %d rounds, %d runs of %s s: about %d minutes\n",
  scalar @cases, $rounds, $runs, $BenchRun::seconds,
  $runs * ($BenchRun::seconds + 1) / 60 + 1;
psql('postgres', '-c', 'CREATE DATABASE bench');
psql('bench', '-v', "items=$BenchCases::items", '-f', 'test/bench/setup.sql');
psql('bench', '-f', 'test/bench/orders.sql')
  if grep { ($_->{what} // '') eq 'orders' } @cases;
chomp(my ($version, $fsync, $commit) = map { psql('bench', '-c', "SHOW $_") }
	qw(server_version fsync synchronous_commit));
die "fsync is $fsync, synchronous_commit $commit\n"
  if $fsync ne 'on' || $commit ne 'on';
chomp(my $cores = `nproc`);
my $machine = "PostgreSQL $version, $cores cores, "
  . strftime('%Y-%m-%d', gmtime) . '.';
print "$machine\n\n";

my (@done, %notes, @text_notes);

sub settings
{
	my ($case, $on) = @_;
	my %settings = %{ $case->{settings} // {} } or return;

	for my $name (sort keys %settings)
	{
		psql('postgres', '-c', $on
			? "ALTER SYSTEM SET $name = $settings{$name}"
			: "ALTER SYSTEM RESET $name");
	}
	psql('postgres', '-c', 'SELECT pg_reload_conf()');
	return;
}

sub run_way
{
	my ($case, $way) = @_;

	return BenchRun::redis($case) if $way eq 'redis';
	psql('bench', '-c', 'CHECKPOINT');
	return $way eq 'feed' ? BenchRun::with_consumer($case, \%notes)
	  : BenchRun::pgbench($case, $way);
}

# Cases that are no runs of pgbench; each gives its text.
my %measures = (
	solver => \&BenchRun::solver,
	identity => sub { return join("\n", BenchIdentity::run()); },
	matching => sub { return join("\n", BenchMatch::run()); },
	availability => sub { return availability_text(); },
);

sub availability_text
{
	my @ms = BenchRun::availability($rounds);
	my $median = BenchReport::median(@ms);

	return sprintf('omni.availability() of 50 skus that 1,000 nodes stock,'
		  . ' 50,000 rows counted by the server: %.1f ms (median of %d calls;'
		  . ' target: at most 5 ms, %s).', $median, scalar @ms,
		$median <= 5 ? 'met' : 'missed');
}

for my $case (@cases)
{
	my %figures;
	my @ways = @{ $case->{ways} };

	if ($case->{measure})
	{
		my $text = $measures{ $case->{measure} }->();

		print "$text\n\n";
		push @text_notes, "\n```\n$text\n```";
		next;
	}
	psql('bench', '-c', 'TRUNCATE plain.narrow, plain.wide, plain.reservation');
	settings($case, 1);
	{
		# caches and plans, before anything counts
		local $BenchRun::seconds = 1;
		run_way($case, $_) for grep { $_ ne 'feed' } @ways;
	}
	for my $round (1 .. $rounds)
	{
		# nobody is always the first after a checkpoint, or the last
		for my $way (@ways)
		{
			push @{ $figures{$way} }, run_way($case, $way);
		}
		push @ways, shift @ways;
	}
	settings($case, 0);
	push @done, { case => $case, rounds => \%figures };
	print BenchReport::text($done[-1]), "\n";
}
if (my @consumer = @{ $notes{consumer} // [] })
{
	push @text_notes, sprintf('The consumer read %s events a second beside the'
		  . ' load, and was %s events behind at its end (medians).',
		BenchReport::number(BenchReport::median(map { $_->[0] } @consumer)),
		BenchReport::number(BenchReport::median(map { $_->[1] } @consumer)));
	print "$text_notes[-1]\n";
}
chomp(my $differences =
	psql('bench', '-c', 'SELECT count(*) FROM omni.verify_stock()'));
print "verify_stock(): $differences rows\n";

my $report = { machine => $machine, rounds => $rounds, results => \@done,
	seconds => $BenchRun::seconds, notes => \@text_notes };
mkdir($results);
for my $file ([ 'benchmarks.md', BenchReport::markdown($report) ],
	[ 'bench.svg', BenchReport::svg($report) ])
{
	next if $file->[1] eq '';
	open(my $out, '>', "$results/$file->[0]") or die "$file->[0]: $!\n";
	print $out $file->[1];
	close($out);
}
exit($differences == 0 ? 0 : 1);
