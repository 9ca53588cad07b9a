#!/usr/bin/env perl
# What the documents and lists of files say, and what is there.
use strict;
use warnings;

use JSON::PP;
use Lint;
use Test::More;

# Code => name, in order, as "OM001 insufficient_stock".
sub codes_in_header
{
	my ($tree) = @_;
	my @codes;

	while ($tree->{'src/core/errors.h'} =~
		/^#define OMNI_ERR_(\w+)\s+OMNI_SQLSTATE\('(.)', '(.)', '(.)'\)/mg)
	{
		push @codes, "OM$2$3$4 " . lc $1;
	}
	return @codes;
}

check 'doc/errors.md and src/core/errors.h have the same codes in order',
  sub {
	my ($tree) = @_;
	my @header = codes_in_header($tree);
	my @rows = split(/\n/, $tree->{'doc/errors.md'});
	my @doc =
	  map { /^\| `(OM\w{3})` \| (\w+) \| \S[^|]+ \| \S[^|]+ \|$/ ? "$1 $2" : () }
	  @rows;
	my @found;

	for my $i (0 .. ($#header > $#doc ? $#header : $#doc))
	{
		my ($a, $b) = ($header[$i] // 'nothing', $doc[$i] // 'nothing');

		push @found, "errors.h has $a where errors.md has $b" if $a ne $b;
	}
	push @found, map { "errors.md: not a full row: $_" }
	  grep { /^\|.*OM\d/ && !/^\| `OM\w{3}` \| \w+ \| \S[^|]+ \| \S[^|]+ \|$/ }
	  @rows;
	push @found, 'errors.h: no code at all' if !@header;
	return @found;
  },
  sub { $_[0]{'doc/errors.md'} =~ s/^\| `OM003.*\n//m };

check 'no code has two names or two meanings',
  sub {
	my ($tree) = @_;
	my (%seen, @found);

	for my $pair (codes_in_header($tree))
	{
		my ($code, $name) = split(/ /, $pair);

		push @found, "$code stands twice" if $seen{$code}++;
		push @found, "$name stands twice" if $seen{$name}++;
	}
	return @found;
  },
  sub {
	$_[0]{'src/core/errors.h'} .=
	  "#define OMNI_ERR_TWICE OMNI_SQLSTATE('0', '0', '1')\n";
  };

check 'every code of class OM in text and tests is in the table',
  sub {
	my ($tree) = @_;
	my %known = map { (split(/ /, $_))[0] => 1 } codes_in_header($tree);
	my @found;

	for my $path (paths($tree, qr{\.(c|h|sql|md|t|pl|spec|out)$}))
	{
		my %wrong = map { $_ => 1 }
		  grep { !$known{$_} } $tree->{$path} =~ /\b(OM\d{3})\b/g;

		push @found, map { "$path: $_" } sort keys %wrong;
	}
	return @found;
  },
  sub { $_[0]{'README.md'} .= 'OM' . "999\n" };

check 'every code is raised somewhere',
  sub {
	my ($tree) = @_;
	my $text = join("\n", map { $tree->{$_} } paths($tree, qr{^src/.*\.c$}));
	my @found;

	for my $pair (codes_in_header($tree))
	{
		my ($code, $name) = split(/ /, $pair);

		push @found, "$code ($name) is never raised"
		  if $text !~ /\bOMNI_ERR_\U$name\E\b/;
	}
	return @found;
  },
  sub {
	$_[0]{'src/core/errors.h'} .=
	  "#define OMNI_ERR_NOBODY OMNI_SQLSTATE('9', '9', '8')\n";
  };

check 'one version: control file, META.json, CHANGELOG.md',
  sub {
	my ($tree) = @_;
	my ($control) =
	  $tree->{'omni.control'} =~ /^default_version\s*=\s*'([^']+)'/m;
	my $meta = eval { decode_json($tree->{'META.json'}) };
	my ($change) = $tree->{'CHANGELOG.md'} =~ /^## (\d\S*)/m;
	my @found;

	return ("META.json: $@") if !$meta;
	push @found, "META.json has $meta->{version}, omni.control $control"
	  if $meta->{version} ne $control;
	push @found, "META.json provides $meta->{provides}{omni}{version}"
	  if $meta->{provides}{omni}{version} ne $control
	  || $meta->{provides}{omni}{file} ne "omni--$control.sql";
	push @found, "CHANGELOG.md starts with " . ($change // 'nothing')
	  if ($change // '') ne $control;
	return @found;
  },
  sub { $_[0]{'omni.control'} =~ s/^(default_version\s*=\s*)'[^']+'/$1'9.9.9'/m };

check 'META.json has what PGXN requires',
  sub {
	my ($tree) = @_;
	my $meta = eval { decode_json($tree->{'META.json'}) } // {};

	return map { "META.json lacks $_" }
	  grep { !defined $meta->{$_} }
	  qw(name version abstract maintainer license provides meta-spec);
  },
  sub { $_[0]{'META.json'} =~ s/"license"/"licence"/ };

check 'every test has its expected output, and the other way round',
  sub {
	my ($tree) = @_;
	my @found;

	for my $pair ([ 'sql', 'expected', 'sql' ],
		[ 'test/isolation/specs', 'test/isolation/expected', 'spec' ])
	{
		my ($from, $to, $ending) = @$pair;
		my %tests = map { m{([^/]+)\.$ending$} ? ($1 => 1) : () }
		  paths($tree, qr{^$from/[^/]+\.$ending$});
		my %outputs = map { m{([^/]+)\.out$} ? ($1 => 1) : () }
		  paths($tree, qr{^$to/[^/]+\.out$});

		push @found, map { "$from/$_.$ending has no $to/$_.out" }
		  grep { !$outputs{$_} } sort keys %tests;
		push @found, map { "$to/$_.out belongs to no test" }
		  grep { !$tests{$_} } sort keys %outputs;
	}
	return @found;
  },
  sub { $_[0]{'sql/core_lint.sql'} = "SELECT 1;\n" };

# The runner finds tests by their place: a file elsewhere would never run.
check 'every test file is where the runner looks',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, qr{\.(t|spec)$}), paths($tree, qr{^test/.*\.sql$}),
		paths($tree, qr{^test/unit/}))
	{
		next
		  if $path =~ m{^test/lint/[^/]+\.t$}
		  || $path =~ m{^test/tap/[^/]+\.t$}
		  || $path =~ m{^test/isolation/specs/[^/]+\.spec$}
		  || $path =~ m{^test/pgtap/[^/]+\.sql$}
		  || $path =~ m{^test/unit/[^/]+\.[ch]$}
		  || $path =~ m{^test/(bench|fuzz|demo)/};
		push @found, "$path would not be run";
	}
	return @found;
  },
  sub { $_[0]{'test/pgtap/deep/x.sql'} = "SELECT 1;\n" };

check 'links between the documents lead somewhere',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, qr{\.md$}))
	{
		my ($folder) = $path =~ m{^(.*/)?[^/]+$};

		while ($tree->{$path} =~ /\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)
		{
			my $target = ($folder // '') . $1;

			1 while $target =~ s{(^|/)[^/]+/\.\./}{$1};
			$target =~ s{/$}{};
			push @found, "$path: $1"
			  if !exists $tree->{$target}
			  && !grep { index($_, "$target/") == 0 } keys %$tree;
		}
	}
	return @found;
  },
  sub { $_[0]{'README.md'} .= "[x](doc/no_such.md)\n" };

done_testing();
