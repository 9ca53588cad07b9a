# Lint.pm
#	What the lints share: the tree's files in memory, and proof that a lint
#	can fail.
#
# A lint is a function from the tree (path => content) to a list of
# complaints.  "check" runs it twice: on the tree as it is, where it must find
# nothing, and on a copy that "break" has spoiled, where it must complain.  So
# a lint that has gone blind fails the run.
package Lint;

use strict;
use warnings;

use Exporter 'import';
use File::Find;
use Test::More;

our @EXPORT = qw(tree check paths statements calls strip_c strip_sql
  domain_of @domains);

# In the order in which a domain may lean on another: to the left only.
our @domains = qw(core types master stock identity customer pricing sourcing orders
  returns replenishment channels);

# The files that belong to the project, by their path from its root.
sub tree
{
	my %tree;

	find(
		{   no_chdir => 1,
			wanted => sub {
				my $path = $_ =~ s{^\./}{}r;

				if (-d $_)
				{
					$File::Find::prune = 1
					  if $path =~ m{^(\.git|build|results|log|tmp_check)$};
					return;
				}
				return
				  if $path eq '.git'
				  || $path =~ m{\.(o|bc|so|a|gcda|gcno|tmp|png|gz)$}
				  || $path =~ m{^omni--[^/]*\.sql$}
				  || -B $_ && -s $_;
				open(my $file, '<', $_) or die "$_: $!";
				local $/;
				$tree{$path} = <$file> // '';
			}
		},
		'.');
	return \%tree;
}

sub paths
{
	my ($tree, $pattern) = @_;
	return sort grep { /$pattern/ } keys %$tree;
}

# check 'what holds', \&lint, sub { spoil $_[0] };
sub check
{
	my ($name, $lint, $break) = @_;
	my $tree = tree();
	my @found = $lint->($tree);

	ok(!@found, $name);
	diag($_) for @found;

	my %before = map { $_ => 1 } @found;
	$break->($tree);
	ok(scalar(grep { !$before{$_} } $lint->($tree)),
		"$name: a breach is noticed");
}

sub domain_of
{
	my ($path) = @_;
	return $path =~ m{^src/([a-z]+)/} ? $1 : '';
}

# C without comments; strings and line numbers stay.
sub strip_c
{
	my ($text) = @_;

	$text =~ s{("(?:[^"\\\n]|\\.)*")|('(?:[^'\\\n]|\\.)*')|(/\*.*?\*/)|(//[^\n]*)}
		{ defined $1 ? $1 : defined $2 ? $2
		  : ' ' . ("\n" x (defined $3 ? ($3 =~ tr/\n//) : 0)) }gse;
	return $text;
}

# SQL without comments; strings stay.
sub strip_sql
{
	my ($text) = @_;

	$text =~ s{('(?:[^']|'')*')|(--[^\n]*)|(/\*.*?\*/)}
		{ defined $1 ? $1 : defined $2 ? ''
		  : ' ' . ("\n" x ($3 =~ tr/\n//)) }gse;
	return $text;
}

# Statements of an SQL file, split at semicolons outside strings, dollar
# quotes, parentheses and BEGIN ATOMIC bodies.
sub statements
{
	my ($text) = @_;
	my @found;
	my $one = '';
	my $depth = 0;

	$text = strip_sql($text);
	while ($text =~ m{\G('(?:[^']|'')*'|\$(\w*)\$.*?\$\2\$|BEGIN\s+ATOMIC\b
			|\bCASE\b|\bEND\b|\w+|.)}gsxi)
	{
		my $token = $1;

		if ($token =~ /^BEGIN\s/i) { $depth++; }
		elsif ($depth && $token =~ /^CASE$/i) { $depth++; }
		elsif ($depth && $token =~ /^END$/i) { $depth--; }
		elsif ($token eq '(') { $depth++; }
		elsif ($token eq ')') { $depth--; }
		if ($token eq ';' && $depth <= 0)
		{
			push @found, $one =~ s/^\s+|\s+$//gr;
			$one = '';
			$depth = 0;
		}
		else
		{
			$one .= $token;
		}
	}
	return @found;
}

# Calls of a C function: [line, text between its outer parentheses] each.
sub calls
{
	my ($text, $function) = @_;
	my @found;

	$text = strip_c($text);
	while ($text =~ /\b$function\s*\(/g)
	{
		my $from = pos($text);
		my $line = 1 + (substr($text, 0, $from) =~ tr/\n//);
		my $depth = 1;

		while ($depth && $text =~ /\G(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'|([()])|.)/gs)
		{
			$depth += $1 eq '(' ? 1 : -1 if defined $1;
		}
		push @found, [ $line, substr($text, $from, pos($text) - $from - 1) ];
		pos($text) = $from;
	}
	return @found;
}

1;
