#!/usr/bin/env perl
# What holds for the sources: domain order, errors, form.
use strict;
use warnings;

use Lint;
use Test::More;

my %rank = map { $domains[$_] => $_ } 0 .. $#domains;
my $code = qr{^src/.*\.(c|cpp|h)$};
my $script = qr{^src/(?!updates/).*\.sql$};

check 'C includes point to the left',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, $code))
	{
		my $mine = domain_of($path);

		next if $mine eq '';
		while ($tree->{$path} =~ /^\s*#\s*include\s+"([a-z]+)\/[^"]*"/mg)
		{
			next if !exists $rank{$1};
			push @found, "$path includes $1"
			  if $rank{$1} > $rank{$mine};
		}
	}
	return @found;
  },
  sub { $_[0]{'src/core/x.c'} = qq(#include "orders/orders.h"\n) };

check 'every folder of src is a domain with a place in the order',
  sub {
	my ($tree) = @_;
	my %seen = map { domain_of($_) => 1 } paths($tree, qr{^src/[^/]+/});

	delete $seen{updates};
	return map { "src/$_" } grep { !exists $rank{$_} } sort keys %seen;
  },
  sub { $_[0]{'src/shipping/x.c'} = '' };

# A domain owns the tables that its scripts create.
sub owners
{
	my ($tree) = @_;
	my %owner;

	for my $path (paths($tree, $script))
	{
		for my $statement (statements($tree->{$path}))
		{
			$owner{ lc $1 } = domain_of($path)
			  if $statement =~ /^CREATE\s+TABLE\s+([\w.]+)/i;
		}
	}
	return %owner;
}

check 'SQL references point to the left',
  sub {
	my ($tree) = @_;
	my %owner = owners($tree);
	my @found;

	for my $path (paths($tree, $script))
	{
		my $mine = domain_of($path);
		my $text = strip_sql($tree->{$path});

		while ($text =~ /\bREFERENCES\s+([\w.]+)/gi)
		{
			my $theirs = $owner{ lc $1 };

			if (!defined $theirs)
			{
				push @found, "$path references $1, which no script creates";
			}
			elsif ($rank{$theirs} > $rank{$mine})
			{
				push @found, "$path references $1 of $theirs";
			}
		}
	}
	return @found;
  },
  sub {
	$_[0]{'src/orders/x.sql'} = "CREATE TABLE omni.far (id int);\n";
	$_[0]{'src/core/x.sql'} =
	  "CREATE TABLE omni.near (id int REFERENCES omni.far(id));\n";
  };

check 'Makefile lists the domains in their order',
  sub {
	my ($tree) = @_;
	my @found;

	for my $list (qw(OBJS SQL))
	{
		my @order = $tree->{Makefile} =~ /^${list}_([a-z]+)\s*[:+]?=/mg;
		my @sorted = sort { $rank{$a} <=> $rank{$b} } @order;

		push @found, "${list}_… stand as @order" if "@order" ne "@sorted";
	}
	return @found;
  },
  sub { $_[0]{Makefile} .= "\nOBJS_core = x.o\n" };

check 'Makefile lists every C and SQL file, and none that is not there',
  sub {
	my ($tree) = @_;
	my %listed;
	my %there = map { $_ => 1 } paths($tree, qr{^src/.*\.(c|cpp|sql)$});
	my %included = map { ("src/$_" => 1) }
	  map { $tree->{$_} =~ /#\s*include\s+"([^"]+\.c)"/g } paths($tree, $code);
	my $text = $tree->{Makefile} =~ s/\\\n/ /gr;
	my @found;

	while ($text =~ /^(OBJS|SQL)(_[a-z_]+|_MODULES|)\s*=(.*)$/mg)
	{
		my $files = $3;
		$listed{$_} = 1 for $files =~ m{\b(src/[\w/.-]+)}g;
	}
	for my $path (sort keys %there)
	{
		my $built = $path =~ s/\.(c|cpp)$/.o/r;

		next if $path =~ m{^src/updates/};
		next if $included{$path};
		push @found, "$path is not in the Makefile" if !$listed{$built};
		$listed{$built} = 2;
	}
	push @found, map { "$_ is in the Makefile alone" }
	  grep { $listed{$_} == 1 } sort keys %listed;
	return @found;
  },
  sub { $_[0]{'src/core/unlisted.c'} = '' };

check 'every error that can be raised has an errcode',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, $code))
	{
		for my $call (
			calls($tree->{$path}, qr/(?:ereport|errsave|ereturn|OMNI_REJECT)/))
		{
			my ($line, $text) = @$call;

			next if $text =~ /__VA_ARGS__|^context, \.\.\.$/;	# a macro's text
			next if $text =~ /^\s*(?:DEBUG\d|LOG|LOG_SERVER_ONLY|INFO|NOTICE)\b/;
			push @found, "$path:$line: no errcode"
			  if $text !~ /\berrcode(?:_for_\w+)?\s*\(/;
			push @found, "$path:$line: an internal error's code"
			  if $text =~ /ERRCODE_INTERNAL_ERROR/;
		}
	}
	return @found;
  },
  sub { $_[0]{'src/core/x.c'} = qq{ereport(ERROR, (errmsg("no (code)")));} };

# The format string that starts an argument list: literals, and macros such as
# INT64_FORMAT between them.
sub format_string
{
	my ($text) = @_;
	my $string = '';

	while ($text =~ /\G\s*(?:"((?:[^"\\]|\\.)*)"|([A-Z][A-Z0-9_]+)\b)/gc)
	{
		$string .= $1 // '%d';
	}
	return $string eq '' ? undef : $string;
}

# elog(ERROR) is for what cannot happen.  The list holds those that somebody
# has read and found to be so: path, then the format string.
check 'every elog(ERROR) is on the list of those that cannot happen',
  sub {
	my ($tree) = @_;
	my (%used, %listed, @found);

	for my $path (paths($tree, $code))
	{
		for my $call (calls($tree->{$path}, 'elog'))
		{
			my ($line, $text) = @$call;

			next if $text !~ s/^\s*(?:ERROR|FATAL|PANIC)\s*,//;
			$used{"$path: " . format_string($text)} = $line;
		}
	}
	for my $line (split(/\n/, $tree->{'test/lint/elog.list'} // ''))
	{
		$listed{$line} = 1 if $line =~ /^src/;
	}
	push @found, map { "$_: not in test/lint/elog.list; add it if it cannot happen" }
	  grep { !$listed{$_} } sort keys %used;
	push @found, map { "$_: gone, but still in test/lint/elog.list" }
	  grep { !$used{$_} } sort keys %listed;
	return @found;
  },
  sub { $_[0]{'src/core/x.c'} = qq{elog(ERROR, "cache lookup failed: %u", x);} };

check 'messages have PostgreSQL\'s form',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, $code))
	{
		for my $kind (qw(errmsg errdetail errhint))
		{
			for my $call (calls($tree->{$path}, $kind))
			{
				my $place = "$path:$call->[0]";
				my $message = format_string($call->[1]);

				next if !defined $message || $message =~ /^%s$/;
				if ($kind eq 'errmsg')
				{
					push @found, "$place: errmsg with a capital or a full stop"
					  if $message =~ /^[A-Z][a-z]/ || $message =~ /[.!]$/;
				}
				else
				{
					push @found, "$place: $kind is no full sentence"
					  if $message =~ /^[a-z]+ / || $message !~ /[.?!;]["')]*$|: [^.]+$/;
				}
			}
		}
	}
	return @found;
  },
  sub { $_[0]{'src/core/x.c'} = qq{errmsg("No such thing.")} };

check 'SPI is called by its helper alone',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, $code))
	{
		push @found, "$path calls SPI itself"
		  if $path !~ m{^src/core/spi\.c$}
		  && strip_c($tree->{$path}) =~ /\bSPI_(?:exec\w*|prepare\w*)\s*\(/;
	}
	return @found;
  },
  sub { $_[0]{'src/orders/x.c'} = 'SPI_execute(sql, false, 0);' };

check 'install modules use plain CREATE, and no code that is run once',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, $script))
	{
		for my $statement (statements($tree->{$path}))
		{
			my $start = substr($statement =~ s/\s+/ /gr, 0, 60);

			push @found, "$path: $start"
			  if $statement =~ /^CREATE\s+OR\s+REPLACE/i
			  || $statement =~ /^DO\b/i
			  || $statement =~ /\bLANGUAGE\s+plpgsql\b/i
			  || $statement =~ /^CREATE\s.*?\bIF\s+NOT\s+EXISTS/i;
		}
	}
	return @found;
  },
  sub {
	$_[0]{'src/core/x.sql'} =
	  "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';";
  };

check 'tables and identity sequences are registered for dumps at once',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, $script))
	{
		my @list = statements($tree->{$path});

		for my $i (0 .. $#list)
		{
			next if $list[$i] !~ /^CREATE\s+(?:UNLOGGED\s+)?TABLE\s+([\w.]+)/i;
			my $table = $1;
			next
			  if ($tree->{'test/lint/not_dumped.list'} // '') =~
			  /^\Q$table\E\b/m;
			push @found, "$path: $table is not registered on the next line"
			  if ($list[ $i + 1 ] // '') !~
			  /^SELECT\s+(?:pg_catalog\.)?pg_extension_config_dump\(\s*'\Q$table\E'/i;
		}
	}
	return @found;
  },
  sub { $_[0]{'src/core/x.sql'} = "CREATE TABLE omni.x (id int);\n" };

check 'every C and SQL file starts with its name and purpose',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, $code))
	{
		my $name = $path =~ s{.*/}{}r;

		push @found, "$path has no header"
		  if $tree->{$path} !~ m{\A/\*[ -]*\n \* \Q$name\E\n \*\s+\S};
	}
	for my $path (paths($tree, $script))
	{
		push @found, "$path has no header"
		  if $tree->{$path} !~ /\A-- [a-z]+: /;
	}
	return @found;
  },
  sub { $_[0]{'src/core/x.c'} = "int x;\n" };

# The install script is read in the encoding of the database.
check 'the install script is ASCII',
  sub {
	my ($tree) = @_;

	return map { my $path = $_; "$path: " . join(' ', $tree->{$path} =~ /(\S*[^\x00-\x7f]\S*)/g) }
	  grep { $tree->{$_} =~ /[^\x00-\x7f]/ } paths($tree, $script);
  },
  sub { $_[0]{'src/core/x.sql'} = "-- core: \x{e9}\n" };

check 'no file is longer than 1,000 lines',
  sub {
	my ($tree) = @_;

	return map { "$_: " . ($tree->{$_} =~ tr/\n//) . ' lines' }
	  grep { ($tree->{$_} =~ tr/\n//) > 1000 }
	  paths($tree, qr{\.(c|cpp|h|sql|pl|pm|t|sh|spec)$});
  },
  sub { $_[0]{'src/core/x.c'} = "\n" x 1001 };

check 'no white space at line ends, and a newline at the end',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, qr{.}))
	{
		next if $path =~ m{(^|/)(?:expected|corpus)/};
		push @found, "$path:" . (1 + (substr($tree->{$path}, 0, $-[0]) =~ tr/\n//))
		  if $tree->{$path} =~ /[ \t]+$/m;
		push @found, "$path has no newline at its end"
		  if $tree->{$path} =~ /[^\n]\z/;
	}
	return @found;
  },
  sub { $_[0]{'src/core/x.c'} = "int x; \n" };

check 'no test sleeps',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, qr{^(sql|test)/}))
	{
		next if $path =~ m{^test/(lint|bench)/};
		push @found, "$path: $1"
		  if $tree->{$path} =~ /(pg_sleep\w*|\bu?sleep\s*\(?\s*[\d\$]|\busleep\b)/;
	}
	return @found;
  },
  sub { $_[0]{'test/pgtap/x.sql'} = 'SELECT pg_sleep(1);' };

# Test points are compiled into the objects that the Makefile lists: elsewhere
# they would be nothing in the tests, too.
check 'the Makefile lists every file with a test point',
  sub {
	my ($tree) = @_;
	my ($list) = $tree->{'Makefile'} =~ /^TEST_POINT_OBJS = ((?:.*\\\n)*.*)/m;
	my %listed = map { $_ => 1 } ($list // '') =~ /(\S+)\.o\b/g;
	my %has = map { s/\.c$//r => 1 }
	  grep { $tree->{$_} =~ /OMNI_TEST_(?:POINT|AT_ONCE)/ } paths($tree, qr{^src/.*\.c$});

	return ((map { "$_.c is not in TEST_POINT_OBJS" }
		grep { !$listed{$_} } sort keys %has),
		map { "$_.c has no test point" } grep { !$has{$_} } sort keys %listed);
  },
  sub { $_[0]{'src/stock/x.c'} = 'OMNI_TEST_POINT("x");' };

check 'project files name no place outside the project',
  sub {
	my ($tree) = @_;
	my @found;

	for my $path (paths($tree, qr{.}))
	{
		next if $path =~ m{^test/lint/source\.t$};
		push @found, "$path: $1"
		  if $tree->{$path} =~
		  m{((?<![\w/.\$\}])(?:/work/|/tmp/(?!omni-|\.s)[a-z]+/|/home/|/root/)\S*)};
	}
	return @found;
  },
  sub { $_[0]{'doc/x.md'} = "see /work/x\n" };

done_testing();
