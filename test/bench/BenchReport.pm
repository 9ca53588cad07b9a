# The benchmark's report: a table for the terminal, doc/benchmarks.md and a
# plot, doc/bench.svg.
#
# A result is a case with, for each way, the figures of its rounds; ratios are
# the medians of the ratios round by round, since the ways of one round ran one
# after the other in the same minute.
package BenchReport;

use strict;
use warnings;

use BenchCases;

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	my $n = @sorted;

	return if !$n;
	return $n % 2 ? $sorted[ $n / 2 ]
	  : ($sorted[ $n / 2 - 1 ] + $sorted[ $n / 2 ]) / 2;
}

sub ratio
{
	my ($result, $way, $of) = @_;
	my @a = @{ $result->{rounds}{$way} };
	my @b = @{ $result->{rounds}{$of} };

	return median(map { $a[$_] / $b[$_] } 0 .. ($#a < $#b ? $#a : $#b));
}

sub number
{
	my ($value) = @_;
	my $text = sprintf('%.0f', $value);

	1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;
	return $text;
}

# Rows of a case: way, median, least and most, ratio, target, and whether met.
sub rows
{
	my ($result) = @_;
	my $case = $result->{case};
	my ($first, @others) = @{ $case->{ways} };
	my $target = $BenchCases::target{ $case->{name} } // {};
	my @rows;

	for my $way ($first, @others)
	{
		my @figures = @{ $result->{rounds}{$way} // [] } or next;
		my @sorted = sort { $a <=> $b } @figures;
		my %row = (way => $way, median => median(@figures),
			least => $sorted[0], most => $sorted[-1]);

		if ($way ne $first)
		{
			my $wanted = $target->{$way};
			# a consumer is compared the other way round: with to without
			my $turned = defined $wanted && $wanted < 0;

			$row{ratio} = $turned ? ratio($result, $way, $first)
			  : ratio($result, $first, $way);
			$row{of} = $turned ? 'with / without' : "$first / this";
			$row{target} = abs($wanted) if defined $wanted;
			$row{met} = $row{ratio} >= $row{target} if defined $wanted;
		}
		push @rows, \%row;
	}
	return @rows;
}

sub describe
{
	my ($case) = @_;
	my $what = $case->{what} // { hot => 'one hot item', uniform => 'uniform', zipf => 'zipf 1.1' }
	  ->{ $case->{items} };

	return join(', ', $what,
		"$case->{clients} client" . ($case->{clients} > 1 ? 's' : ''),
		$case->{what} ? () : $case->{lines} == 1 ? 'one line a call'
		: number($case->{lines}) . ' lines a call',
		"$case->{protocol} protocol",
		map { "$_ = $case->{settings}{$_}" }
		  sort keys %{ $case->{settings} // {} });
}

sub text
{
	my ($result) = @_;
	my $text = "$result->{case}{name}: " . describe($result->{case}) . "\n";

	for my $row (rows($result))
	{
		$text .= sprintf('  %-9s %11s/s  (%s … %s)', $row->{way},
			number($row->{median}), number($row->{least}),
			number($row->{most}));
		$text .= sprintf('  %s %.2f', $row->{of}, $row->{ratio})
		  if defined $row->{ratio};
		$text .= sprintf(', target %s: %s', $row->{target},
			$row->{met} ? 'met' : 'MISSED') if defined $row->{target};
		$text .= "\n";
	}
	return $text;
}

# ---- doc/benchmarks.md ----

sub markdown
{
	my ($report) = @_;
	my $text = <<"MD";
# Benchmarks

Written by `make bench PUBLISH=1`; do not edit. $report->{machine}

Lines reserved per second, one durable commit for each call (`fsync` and
`synchronous_commit` on). In each of the $report->{rounds} rounds the ways of a
case run one after the other, $report->{seconds} s each, on the same server;
figures are medians of the rounds, ratios medians of the ratios round by round.

![reservations per second by clients](bench.svg)

MD

	for my $result (@{ $report->{results} })
	{
		$text .= "## $result->{case}{name}\n\n\u@{[ describe($result->{case}) ]}."
		  . "\n\n| way | per second | range | ratio | target |\n"
		  . "|---|--:|--:|--:|---|\n";
		for my $row (rows($result))
		{
			$text .= sprintf("| %s | %s | %s … %s | %s | %s |\n",
				$BenchCases::title{ $row->{way} }, number($row->{median}),
				number($row->{least}), number($row->{most}),
				defined $row->{ratio}
				? sprintf('%.2f (%s)', $row->{ratio}, $row->{of}) : '',
				defined $row->{target}
				? "$row->{target}, " . ($row->{met} ? 'met' : 'missed') : '');
		}
		$text .= "\n";
	}
	$text .= "$_\n\n" for @{ $report->{notes} };
	return $text . <<'MD';
## How to read this

- The bare INSERTs are the limit of anything durable: they check nothing.
- Items are 10,000 at one node, with stock that never ends. *Hot* asks for one
  of them every time (with two others where a call has three lines).
- The application's transaction is five statements of one client; the guarded
  UPDATE is one call of a PL/pgSQL function. Both hold the item's row until
  their commit is on disk.
- `commit_delay` = 1000 with `commit_siblings` = 0 makes whoever flushes the
  log wait a millisecond first while the others queue behind it: a flush takes
  as long as on a network disk. What is written meanwhile goes with the same
  flush, which is kinder than a slow disk to everybody.
- Redis runs beside the server with `appendfsync always`, keeps stock and
  reservations in hashes, and checks and records in one script.
MD
}

# ---- doc/bench.svg ----

my %colour = (omni => '#1a6', select => '#c33', guarded => '#e80',
	narrow => '#36c', wide => '#77a');

# Three panels, one for each choice of items: clients across, lines per second
# (logarithmic) up.
sub svg
{
	my ($report) = @_;
	my (%point, %clients);

	for my $result (@{ $report->{results} })
	{
		my $case = $result->{case};

		next if $case->{name} !~ /^(hot|uniform|zipf)-\d+c$/;
		for my $row (rows($result))
		{
			next if !$colour{ $row->{way} };
			$point{$1}{ $row->{way} }{ $case->{clients} } = $row->{median};
			$clients{ $case->{clients} } = 1;
		}
	}
	my @all = map { values %$_ } map { values %$_ } values %point;
	return '' if !@all;
	my ($low, $high) = (sort { $a <=> $b } @all)[ 0, -1 ];
	my ($from, $to) = (int(log($low) / log(10)), int(log($high) / log(10)) + 1);
	my @x = sort { $a <=> $b } keys %clients;
	my ($width, $height, $gap) = (230, 220, 60);
	my $y = sub { 40 + $height
		  - $height * (log($_[0]) / log(10) - $from) / ($to - $from) };
	my $svg = '';
	my $left = $gap;

	for my $panel (grep { $point{$_} } qw(hot uniform zipf))
	{
		my $x = sub { $left + $width * ($_[0] + 0.5) / @x };

		$svg .= "<text x=\"$left\" y=\"28\" font-weight=\"bold\">"
		  . { hot => 'one hot item', uniform => 'uniform', zipf => 'zipf' }
		  ->{$panel} . "</text>\n<rect x=\"$left\" y=\"40\" width=\"$width\""
		  . " height=\"$height\" fill=\"none\" stroke=\"#999\"/>\n";
		for my $power ($from .. $to)
		{
			my $at = $y->(10**$power);

			$svg .= sprintf('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f"'
				  . ' stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">'
				  . "%s</text>\n", $left, $left + $width, $at, $at, $left - 4,
				$at + 4, number(10**$power));
		}
		$svg .= sprintf("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d"
			  . "</text>\n", $x->($_), 56 + $height, $x[$_]) for 0 .. $#x;
		for my $way (sort keys %{ $point{$panel} })
		{
			my $line = $point{$panel}{$way};
			my @at = grep { $line->{ $x[$_] } } 0 .. $#x;

			$svg .= "<polyline fill=\"none\" stroke=\"$colour{$way}\""
			  . " stroke-width=\"2\" points=\""
			  . join(' ', map { sprintf('%.1f,%.1f', $x->($_),
					$y->($line->{ $x[$_] })) } @at) . "\"/>\n";
			$svg .= sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\""
				  . " fill=\"%s\"/>\n", $x->($_), $y->($line->{ $x[$_] }),
				$colour{$way}) for @at;
		}
		$left += $width + $gap;
	}
	my $key = $gap;
	for my $way (qw(omni narrow wide guarded select))
	{
		$svg .= sprintf("<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"4\""
			  . " fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n", $key,
			84 + $height, $colour{$way}, $key + 16, 90 + $height,
			{ omni => 'omni', narrow => 'bare INSERT, narrow',
				wide => 'bare INSERT, ledger\'s columns',
				guarded => 'guarded UPDATE', select => 'SELECT FOR UPDATE' }
			->{$way});
		$key += { omni => 70, narrow => 160, wide => 210, guarded => 130 }
		  ->{$way} // 0;
	}
	return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"$left\" height=\""
	  . (104 + $height) . "\" font-family=\"sans-serif\" font-size=\"11\">\n"
	  . "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
	  . "<text x=\"$gap\" y=\"12\">lines reserved per second (logarithmic), by"
	  . " clients; durable commits</text>\n$svg</svg>\n";
}

1;
