# What the comparators of src/identity do per second: inside C over prepared
# values, and called from SQL over a table beside pg_trgm and fuzzystrmatch.
package BenchIdentity;

use strict;
use warnings;

use BenchRun;
use Time::HiRes qw(time);

our $target = 6;	# million pairs per second of each comparator inside C
my $sql_pairs = 200_000;

# Records as the program reads them: febrl3 where the data folder has it, else
# names put together from syllables.
sub write_records
{
	my ($path) = @_;
	my $source = ($ENV{OMNI_DATA} // '') . '/identity/febrl3/records.csv';
	my @syllables = qw(ma ri an jo ha ler son ton berg field cle ver lin da wil
	  ar ne ken dra pe ter);
	my $what = 'generated names';
	my $word = sub {
		join('', map { $syllables[ rand @syllables ] } 1 .. 2 + int(rand(2)));
	};
	my $n = 0;

	srand(1);
	open(my $out, '>', $path) or die "$path: $!\n";
	if (open(my $in, '<', $source))
	{
		$what = 'febrl3';
		<$in>;
		while (<$in>)
		{
			my (undef, @column) = split(/,/);
			chomp $column[-1];
			my @record = @column[ 0, 1, 3, 8, 9 ];
			next if grep { !defined || !length } @record;
			print $out join("\t", @record), "\n";
			$n++;
		}
	}
	while ($n < 4000)
	{
		printf $out "%s\t%s\t%s street\t%d%02d%02d\t%07d\n", $word->(),
		  $word->(), $word->(), 1930 + rand(70), 1 + rand(12), 1 + rand(28),
		  rand(1e7);
		$n++;
	}
	close($out);
	return $what;
}

# Millions of pairs per second of one expression over the table of pairs.
sub sql_rate
{
	my ($session, $expression) = @_;
	my @rates;

	for (1 .. 3)
	{
		my $began = time();

		$session->value("SELECT sum($expression) FROM identity_pair");
		push @rates, $sql_pairs / (time() - $began) / 1e6;
	}
	return (sort { $a <=> $b } @rates)[1];
}

# Lines of text for the report.
sub run
{
	my $work = $BenchRun::work;
	my $what = write_records("$work/records");
	my @lines;

	BenchRun::command("$work/cc", 'gcc', '-std=gnu99', '-O2', '-Isrc', '-o',
		"$work/identity", 'test/bench/identity.c',
		glob('src/identity/{text,compare,date,phonetic,nickname,word,name}_core.c'
			  . ' src/identity/{organization,align,email,phone,id}_core.c'
			  . ' src/identity/{address,street}_core.c'),
		'-lm');
	push @lines, "Comparators inside C, one core, $what prepared, million pairs"
	  . " per second (target $target):";
	for my $line (split(/\n/,
			BenchRun::command("$work/out", "$work/identity", "$work/records")))
	{
		my ($name, $rate) = split(/\t/, $line);

		push @lines, sprintf('%-42s %6.1f%s', $name, $rate,
			$rate < $target ? '  missed' : '');
	}

	my $session = BenchRun::session();
	my @there = map { $_->[0] } @{ $session->rows(
		"SELECT name FROM pg_available_extensions"
		  . " WHERE name IN ('pg_trgm', 'fuzzystrmatch') ORDER BY 1") };

	$session->rows("CREATE EXTENSION IF NOT EXISTS $_") for @there;
	$session->rows('CREATE UNLOGGED TABLE identity_name (n int, name text)');
	open(my $in, '<', "$work/records") or die $!;
	my (@names, $n);
	while (<$in>) { push @names, (split(/\t/))[1] =~ s/'//gr; }
	$n = @names;
	$session->rows("INSERT INTO identity_name SELECT row_number() OVER () - 1, v"
		  . " FROM unnest(string_to_array('" . join(',', @names)
		  . "', ',')) v");
	$session->rows('CREATE UNLOGGED TABLE identity_pair AS SELECT x.name AS a,'
		  . " y.name AS b FROM generate_series(1, $sql_pairs) g"
		  . " JOIN identity_name x ON x.n = g * 7919 % $n"
		  . " JOIN identity_name y ON y.n = (g::bigint * 104729 + g / $n) % $n");
	$session->rows('SET max_parallel_workers_per_gather = 0');
	push @lines, '', "The same from SQL over $sql_pairs pairs of family names,"
	  . ' beside what PostgreSQL brings along:';
	for my $way (
		[ '', 'length(a) + length(b) (the scan alone)', 'length(a) + length(b)' ],
		[ '', 'omni.compare_jaro_winkler', 'omni.compare_jaro_winkler(a, b)' ],
		[ '', 'omni.count_edits', 'omni.count_edits(a, b)' ],
		[ '', 'omni.count_edits, at most 2', 'omni.count_edits(a, b, 2)' ],
		[ '', 'omni.compare_grams', 'omni.compare_grams(a, b)' ],
		[ 'pg_trgm', 'pg_trgm: similarity', 'similarity(a, b)' ],
		[ 'fuzzystrmatch', 'fuzzystrmatch: levenshtein', 'levenshtein(a, b)' ],
		[ 'fuzzystrmatch', 'fuzzystrmatch: levenshtein_less_equal, 2',
			'levenshtein_less_equal(a, b, 2)' ])
	{
		my ($extension, $name, $expression) = @$way;

		next if $extension ne '' && !grep { $_ eq $extension } @there;
		push @lines, sprintf('%-42s %6.2f', $name,
			sql_rate($session, $expression));
	}
	$session->rows('DROP TABLE identity_name, identity_pair');
	return @lines;
}

1;
