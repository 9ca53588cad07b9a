# omni.match_table() on generated customers: the engine alone at three sizes, and
# a million customers from table to clusters.
package BenchMatch;

use strict;
use warnings;

use BenchRun;
use Time::HiRes qw(time);

our @sizes = (100_000, 1_000_000, 2_000_000);
our $target_rate = 1.5;	# million pairs scored per second and core
our $target_seconds = 25;
our $target_memory = 1500;	# MB
our $target_f1 = 0.990;
my $roles = 'id=id given=given_name family=family_name sex=sex'
  . ' birth=birth_date phone=phone email=email number=house_number'
  . ' street=street city=city postal=postal_code';

sub compile
{
	my ($program, @sources) = @_;

	BenchRun::command("$BenchRun::work/cc", 'gcc', '-std=gnu99', '-O2',
		'-Isrc', '-o', "$BenchRun::work/$program", @sources, '-lm');
	return;
}

# The engine on so many generated customers: its figures by name.
sub run_engine
{
	my ($n) = @_;
	my $work = $BenchRun::work;
	my %figures;

	BenchRun::command("$work/out", "$work/identity_people", $n,
		"$work/people.csv", "$work/truth.csv");
	for (split(/\n/, BenchRun::command("$work/out", "$work/identity_score",
				"$work/people.csv", "$work/truth.csv", split(/ /, $roles))))
	{
		$figures{$1} = $2 if /^(\w+)\t(\S+)$/;
	}
	return \%figures;
}

# A million customers from a table to a table of clusters.
sub run_table
{
	my $session = BenchRun::session();
	my $json = join(', ', map { my ($c, $r) = split(/=/); qq{"$c": "$r"} }
		  split(/ /, $roles));
	my $columns = join(', ', map { (split(/=/))[0] . ' text' }
		  split(/ /, $roles));

	$session->rows("CREATE UNLOGGED TABLE people ($columns)");
	system('psql', '-X', '-q', '-d', 'bench', '-c',
		"\\copy people FROM '$BenchRun::work/people.csv' CSV HEADER") == 0
	  or die "copy failed\n";
	my $pid = $session->value('SELECT pg_backend_pid()');
	my $began = time();
	$session->rows('CREATE UNLOGGED TABLE people_cluster AS SELECT * FROM'
		  . " omni.match_table('people', '{$json}')");
	my $seconds = time() - $began;
	my $n = $session->value('SELECT count(*) FROM people_cluster');

	open(my $status, '<', "/proc/$pid/status") or die $!;
	my ($peak) = map { /^VmHWM:\s+(\d+)/ ? $1 / 1024 : () } <$status>;
	$session->rows('DROP TABLE people, people_cluster');
	$session->close;
	return ($n, $seconds, $peak);
}

sub verdict
{
	my ($good) = @_;

	return $good ? 'met' : 'missed';
}

# Lines of text for the report.
sub run
{
	my @lines = ('Matching generated customers, the engine alone, one core,'
		  . ' processor time:');
	my (%seconds, $table);

	compile('identity_people', 'test/bench/identity_people.c');
	compile('identity_score', 'test/bench/identity_score.c',
		glob('src/identity/*_core.c'));
	for my $n (@sizes)
	{
		my $f = run_engine($n);

		$seconds{$n} = $f->{seconds};
		push @lines, sprintf('%9d records: %6.1f s, %5d MB, F1 %.4f, certain'
			  . ' pairs right %.4f, %.1f million pairs scored per second',
			$n, $f->{seconds}, $f->{megabytes}, $f->{pairs_f1},
			$f->{certain_right}, $f->{pairs_per_second} / 1e6);
		next if $n != 1_000_000;
		my ($rows, $time, $peak) = run_table();
		$table = sprintf('A million customers (%d rows) from table to'
			  . ' clusters: %.1f s (target %d, %s), %d MB of the session at'
			  . ' most (target %d, %s), F1 %.4f (target %.3f, %s); %.1f million'
			  . ' pairs scored per second (target %.1f, %s)', $rows, $time,
			$target_seconds, verdict($time <= $target_seconds), $peak,
			$target_memory, verdict($peak <= $target_memory), $f->{pairs_f1},
			$target_f1, verdict($f->{pairs_f1} >= $target_f1),
			$f->{pairs_per_second} / 1e6, $target_rate,
			verdict($f->{pairs_per_second} / 1e6 >= $target_rate));
	}
	my ($small, undef, $large) = @sizes;
	my $linear = $large / $small;
	my $nlogn = $linear * log($large) / log($small);

	push @lines, $table, sprintf('From %d to %d records the time grows %.1f'
		  . ' times (n log n: %.1f, %s)', $small, $large,
		$seconds{$large} / $seconds{$small}, $nlogn,
		verdict($seconds{$large} / $seconds{$small} <= $nlogn));
	return @lines;
}

1;
