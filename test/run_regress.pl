#!/usr/bin/env perl
# Run pg_regress or pg_isolation_regress on a fresh database, and print TAP.
#
#   perl test/run_regress.pl regress|isolation DATABASE TEST…
#
# regress: sql/TEST.sql against expected/TEST.out; the first test installs
# the extension.  isolation: test/isolation/specs/TEST.spec against
# test/isolation/expected/TEST.out, with the extension installed.
use strict;
use warnings;

my ($kind, $database, @tests) = @ARGV;
my $input = $kind eq 'regress' ? '.' : 'test/isolation';
my $program =
  $kind eq 'regress' ? $ENV{PG_REGRESS} : $ENV{PG_ISOLATION_REGRESS};
my $output = $ENV{TESTDIR} // die "TESTDIR is not set\n";
my %status;
my @other;

$database = substr(lc($database), 0, 63);

sub psql
{
	my ($db, $command) = @_;

	system('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $db, '-c',
		$command) == 0
	  or print "Bail out! $command\n" and exit 1;
}

print "1..", scalar @tests, "\n";
psql('postgres', "CREATE DATABASE $database");
psql($database, 'CREATE EXTENSION omni') if $kind eq 'isolation';

open(
	my $run, '-|', $program, '--use-existing', "--dbname=$database",
	"--host=$ENV{PGHOST}", "--port=$ENV{PGPORT}", "--user=$ENV{PGUSER}",
	"--inputdir=$input", "--outputdir=$output", @tests)
  or die "$program: $!\n";
while (my $line = <$run>)
{
	if ($line =~ /^test (\S+)\s+\.\.\. (ok|FAILED)/)
	{
		$status{$1} = $2;
	}
	else
	{
		push @other, $line;
	}
}
close($run);

for my $test (@tests)
{
	my $ok = ($status{$test} // '') eq 'ok' ? 'ok' : 'not ok';

	print "$ok - $test\n";
}
if (grep { ($status{$_} // '') ne 'ok' } @tests)
{
	push @other, '', slurp("$output/regression.diffs");
	print map { "# $_" . (/\n\z/ ? '' : "\n") } @other;
}
psql('postgres', "DROP DATABASE $database WITH (FORCE)");

sub slurp
{
	my ($path) = @_;

	open(my $file, '<', $path) or return ();
	my @lines = <$file>;
	return @lines;
}
