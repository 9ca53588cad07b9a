#!/usr/bin/env perl
# Run omni's tests of every kind and count them.
#
#   perl test/run.pl [--domain D] [--suite S,…] [--match TEXT] [--jobs N]
#
# Called by "make test" through test/throwaway.sh.  Every kind of test speaks
# TAP to this script: C unit tests, lints and TAP scripts by themselves,
# pg_regress, isolation specs and pgTAP files through a small wrapper.  Tests
# are found by their place, so a new file needs no entry anywhere:
#
#   lint        test/lint/*.t
#   unit        test/unit/*.c            a program of its own, no server
#   regress     sql/*.sql                one database, in this order:
#                                        00_install, …, 99_uninstall
#   isolation   test/isolation/specs/*.spec    a fresh database each
#   pgtap       test/pgtap/*.sql               a fresh database each
#   tap         test/tap/*.t                   servers of their own
#
# The last line is "N passed, N failed", with ", N skipped" when there are
# any; a file that dies, prints no plan or runs over its time counts as one
# failure.  The exit status is 0 when nothing failed and something ran.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use Getopt::Long;
use IO::Select;
use POSIX qw(:sys_wait_h setpgid);
use TAP::Parser;
use Time::HiRes qw(time);

$| = 1;

my @domains = qw(core types master stock identity customer sourcing orders returns);
my @suites = qw(lint unit regress isolation pgtap tap);

# A file may take this long; nothing that is well comes near it.
my $limit = $ENV{OMNI_TEST_LIMIT} // 420;

my ($domain, $suite, $match, $jobs) = ('', '', '', 2);
GetOptions(
	'domain=s' => \$domain,
	'suite=s' => \$suite,
	'match=s' => \$match,
	'jobs=i' => \$jobs) or exit 2;

chdir(dirname(dirname(abs_path($0)))) or die "chdir: $!";
my $tree = abs_path('.');
my $work = $ENV{OMNI_WORK} // die "run me through make test\n";

my %known = map { $_ => 1 } @domains;
die "no such domain: $domain (one of @domains)\n"
  if $domain ne '' && !$known{$domain};
my %wanted = map { $_ => 1 } ($suite eq '' ? @suites : split(/,/, $suite));
for my $s (keys %wanted)
{
	die "no such suite: $s (one of @suites)\n" if !grep { $_ eq $s } @suites;
}

# The first word of a file's name is its domain; without one it is core's.
sub domain_of
{
	my ($file) = @_;
	my $name = basename($file);

	$name =~ s/^\d+_//;
	$name =~ /^([a-z]+)/;
	return $known{ $1 // '' } ? $1 : 'core';
}

sub selected
{
	my ($file) = @_;

	return 0 if $domain ne '' && domain_of($file) ne $domain;
	return index(basename($file), $match) >= 0;
}

my @units;

sub add
{
	my ($kind, $name, @command) = @_;

	push @units, { kind => $kind, name => $name, command => [@command] };
}

for my $file (sort glob("test/lint/*.t"))
{
	# Lints look at the whole tree: no domain has them alone.
	add('lint', basename($file, '.t'), 'perl', $file)
	  if $domain eq '' && index(basename($file), $match) >= 0;
}
for my $file (sort grep { selected($_) } glob("test/unit/*.c"))
{
	add('unit', basename($file, '.c'), 'test/run_unit.sh', $file);
}
# Names with a number frame the others.
my @regress = map { basename($_, '.sql') } sort glob("sql/*.sql");
@regress = ((grep { /^0/ } @regress), (grep { /^[^0-9]/ } @regress),
	(grep { /^[1-9]/ } @regress));
my @chosen = grep { selected("$_.sql") } @regress;
if (@chosen)
{
	# The first installs the extension for all that follow.
	my %run = map { $_ => 1 } ('00_install', @chosen);

	add('regress', 'pg_regress', 'perl', 'test/run_regress.pl', 'regress',
		'regression', grep { $run{$_} } @regress);
}
for my $file (sort grep { selected($_) } glob("test/isolation/specs/*.spec"))
{
	my $name = basename($file, '.spec');

	add('isolation', $name, 'perl', 'test/run_regress.pl', 'isolation',
		"isolation_$name", $name);
}
for my $file (sort grep { selected($_) } glob("test/pgtap/*.sql"))
{
	add('pgtap', basename($file, '.sql'), 'test/run_pgtap.sh', $file);
}
for my $file (sort grep { selected($_) } glob("test/tap/*.t"))
{
	add('tap', basename($file, '.t'), 'perl', $file);
}
@units = grep { $wanted{ $_->{kind} } } @units;

# What the tools of PostgreSQL's own tests expect to find.
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
chomp(my $pkglibdir = `$pg_config --pkglibdir`);
my $pgxs = "$pkglibdir/pgxs/src/test";
$ENV{PG_REGRESS} = "$pgxs/regress/pg_regress";
$ENV{PG_ISOLATION_REGRESS} = "$pgxs/isolation/pg_isolation_regress";
$ENV{PERL5LIB} = join(':', "$pgxs/perl", "$tree/test/tap", "$tree/test/lint",
	$ENV{PERL5LIB} // ());
$ENV{PGTZ} = 'UTC';
$ENV{PGAPPNAME} = 'omni test';

my %running;    # by pid
my %total = (passed => 0, failed => 0, skipped => 0);
my @failures;

sub kill_all
{
	kill 'TERM', map { -$_ } keys %running;
}
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { kill_all(); exit 130; };

sub start
{
	my ($unit) = @_;

	pipe(my $read, my $write) or die "pipe: $!";
	my $dir = "$work/$unit->{kind}_$unit->{name}";
	make_path($dir);
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		setpgid(0, 0);
		$SIG{INT} = $SIG{TERM} = $SIG{HUP} = 'DEFAULT';
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>&', $write);
		open(STDERR, '>&', $write);
		$ENV{TESTDIR} = $dir;
		exec(@{ $unit->{command} }) or print "Bail out! exec: $!\n";
		POSIX::_exit(127);
	}
	close($write);
	$unit->{began} = $unit->{told} = time();
	$unit->{pipe} = $read;
	$unit->{text} = '';
	$running{$pid} = $unit;
}

sub read_lines
{
	my ($path) = @_;

	open(my $file, '<', $path) or return ();
	return <$file>;
}

sub last_lines
{
	my ($path, $n) = @_;
	my @lines = read_lines($path);

	return @lines > $n ? @lines[ -$n .. -1 ] : @lines;
}

# Show what a reader needs of a failed unit's output: what is no success, and
# of that, when it is long, the failed lines with their diagnostics, and the
# end.
sub show_output
{
	my ($unit) = @_;
	my @lines = grep { !/^(?:ok\b|\d+\.\.\d+$)/ }
	  split(/\n/, $unit->{text});

	if (@lines > 60)
	{
		my @keep;
		my $in = 0;

		for my $line (@lines[ 0 .. $#lines - 20 ])
		{
			$in = $line =~ /^not ok/ ? 1 : $line =~ /^#/ ? $in : 0;
			push @keep, $line if $in && @keep < 200;
		}
		@lines = (@keep, '…', @lines[ -20 .. -1 ]);
	}
	print "    $_\n" for @lines;

	# What the server modules of PostgreSQL's own tests wrote, for one that
	# died.
	for my $log (glob("$work/$unit->{kind}_$unit->{name}/tmp_check/log/regress_log_*"))
	{
		next if grep { /^not ok/ } @lines;
		print "    | $_" for last_lines($log, 12);
	}
}

sub finish
{
	my ($pid, $status) = @_;
	my $unit = delete $running{$pid};
	my $parser = TAP::Parser->new({ tap => "# begin\n$unit->{text}" });
	my ($passed, $failed, $skipped) = (0, 0, 0);
	my @why;

	while (my $result = $parser->next)
	{
		push @why, 'bailed out' if $result->is_bailout;
		next if !$result->is_test;
		if ($result->has_skip) { $skipped++; }
		elsif ($result->is_ok) { $passed++; }
		else { $failed++; }
	}
	if (defined $parser->skip_all)
	{
		$skipped++;
		$unit->{skip} = $parser->skip_all;
	}
	elsif ($parser->parse_errors)
	{
		push @why, $parser->parse_errors;
	}
	push @why, "ran longer than $limit s" if $unit->{killed};
	push @why, sprintf('exit status %d, signal %d', $status >> 8,
		$status & 127)
	  if $status != 0 && !$unit->{killed};
	$failed++ if @why && $failed == 0;

	$total{passed} += $passed;
	$total{failed} += $failed;
	$total{skipped} += $skipped;

	my $seconds = time() - $unit->{began};
	my $label = "$unit->{kind}: $unit->{name}";
	if ($failed)
	{
		push @failures, $label;
		printf "%-48s FAILED %d of %d (%.1f s)%s\n", $label, $failed,
		  $passed + $failed, $seconds, @why ? ": $why[0]" : '';
		show_output($unit);
	}
	else
	{
		printf "%-48s ok %4d (%.1f s)%s\n", $label, $passed, $seconds,
		  defined $unit->{skip} ? " skipped: $unit->{skip}"
		  : $skipped ? " skipped: $skipped"
		  : '';
	}
}

sub turn
{
	my %by_pipe = map { ($running{$_}{pipe} => $_) } keys %running;
	my $select = IO::Select->new(map { $_->{pipe} } values %running);
	my $now;

	for my $pipe ($select->can_read(1))
	{
		my $unit = $running{ $by_pipe{$pipe} };
		my $got = sysread($pipe, $unit->{text}, 65536,
			length($unit->{text}));

		$unit->{eof} = 1 if !$got;
	}
	$now = time();
	for my $pid (keys %running)
	{
		my $unit = $running{$pid};

		if ($unit->{eof})
		{
			waitpid($pid, 0);
			finish($pid, $?);
		}
		elsif ($now - $unit->{began} > $limit && !$unit->{killed})
		{
			$unit->{killed} = 1;
			kill 'TERM', -$pid;
		}
		elsif ($now - $unit->{began} > $limit + 20)
		{
			kill 'KILL', -$pid;
		}
		elsif ($now - $unit->{told} > 30)
		{
			$unit->{told} = $now;
			printf "%-48s … %.0f s\n", "$unit->{kind}: $unit->{name}",
			  $now - $unit->{began};
		}
	}
}

# Kinds that need the two-core machine to themselves are none so far; what
# is slow goes first, so that the end is not one long file.
my %order = (tap => 0, regress => 1, isolation => 2, pgtap => 3, unit => 4,
	lint => 5);
my @queue = sort { $order{ $a->{kind} } <=> $order{ $b->{kind} } } @units;
printf "%d files of tests\n", scalar @queue;
my $began = time();
while (@queue || %running)
{
	start(shift @queue) while @queue && keys %running < $jobs;
	turn();
}

# What the tests do not see: an error in a background process of the server
# that they shared, or a crash.
my @log = grep {
	/\] omni [a-z]+ (?:\S+ )?(?:ERROR|FATAL|PANIC):/
	  && !/due to administrator command/
	  || /\bPANIC:|was terminated by signal|TRAP:/
} read_lines($ENV{OMNI_LOG});
if (@log)
{
	$total{failed}++;
	push @failures, 'server: log';
	printf "%-48s FAILED: %d lines like these\n", 'server: log', scalar @log;
	print map { "    $_" } @log[ 0 .. ($#log > 19 ? 19 : $#log) ];
}
else
{
	$total{passed}++;
	printf "%-48s ok    1\n", 'server: log';
}
printf "%.0f s\n", time() - $began;

print "failed: $_\n" for @failures;
printf "%d passed, %d failed%s\n", $total{passed}, $total{failed},
  $total{skipped} ? ", $total{skipped} skipped" : '';
exit($total{failed} || !$total{passed} ? 1 : 0);
