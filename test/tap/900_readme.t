#!/usr/bin/env perl
# The sessions that README.md and doc/*.md print, run as printed.
#
# A session is a fenced block that starts with psql's prompt, "shop=# ".  The
# lines that follow a prompt, up to the next one, are what the statement
# prints.  Blocks of one document run in their order in one database, in one
# psql.  "…" in an expected line stands for any text.
use strict;
use warnings;
use utf8;

use Test::More;

sub slurp
{
	my ($path) = @_;

	open(my $file, '<:utf8', $path) or die "$path: $!";
	local $/;
	return <$file>;
}

# [statement, what it prints] for each prompt of a document.
sub session
{
	my ($text) = @_;
	my @steps;

	while ($text =~ /^```\w*\n(shop=# .*?)^```$/msg)
	{
		for my $line (split(/\n/, $1))
		{
			if ($line =~ /^shop=# (.*)/) { push @steps, [ $1, '' ]; }
			elsif ($line =~ /^shop[-('"*]# ?(.*)/ && $steps[-1][1] eq '')
			{
				$steps[-1][0] .= "\n$1";
			}
			else { $steps[-1][1] .= "$line\n"; }
		}
	}
	return @steps;
}

# What each statement prints when it is run.
sub run
{
	my ($database, @steps) = @_;
	my $script = "$ENV{TESTDIR}/session.sql";

	open(my $file, '>:utf8', $script) or die "$script: $!";
	print $file "\\echo @\@step@\@\n$_->[0]\n" for @steps;
	close($file);
	my $output =
	  `stdbuf -oL psql -X -P pager=off -d $database <'$script' 2>&1`;
	utf8::decode($output);
	my (undef, @printed) = split(/^@\@step@@\n/m, $output);
	return @printed;
}

sub same
{
	my ($printed, $expected) = @_;
	my $pattern = join('.*', map { quotemeta } split(/…/, $expected, -1));

	return $printed =~ /\A$pattern\z/s;
}

sub trim
{
	my ($text) = @_;

	$text =~ s/[ \t]+$//mg;
	$text =~ s/\n+\z//;
	return $text;
}

binmode(Test::More->builder->$_, ':utf8')
  for qw(output failure_output todo_output);

for my $path ('README.md', sort glob('doc/*.md'))
{
	my @steps = session(slurp($path));
	my $database = 'shop_' . lc($path =~ s/\W/_/gr);

	next if !@steps;
	system('psql', '-X', '-q', '-d', 'postgres', '-c',
		"CREATE DATABASE $database") == 0 or die "psql failed\n";
	if ($path ne 'README.md')
	{
		system('psql', '-X', '-q', '-d', $database, '-c',
			'CREATE EXTENSION omni') == 0 or die "psql failed\n";
	}
	my @printed = run($database, @steps);

	for my $i (0 .. $#steps)
	{
		my ($statement, $expected) = @{ $steps[$i] };
		my $got = trim($printed[$i] // '');
		my $name = "$path: " . substr($statement =~ s/\s+/ /gr, 0, 60);

		ok(same($got, trim($expected)), $name)
		  or diag("printed:\n$got\n\nthe document says:\n$expected");
	}
	system('psql', '-X', '-q', '-d', 'postgres', '-c',
		"DROP DATABASE $database WITH (FORCE)");
}
ok(!same('INSERT 0 1', 'INSERT 0 2'), 'a difference is noticed');
ok(!same('INSERT 0 1', '… 0 2') && same('INSERT 0 1', '… 0 1'),
	'also where the document leaves something open');

done_testing();
