#!/usr/bin/env perl
# What the shared library shows to the process that loads it: modules are
# loaded with RTLD_GLOBAL, so every name has to be omni's own.
use strict;
use warnings;

use Test::More;

sub foreign
{
	return grep { !/^(?:omni_\w+|_PG_init|Pg_magic_func|pg_finfo_omni_\w+)$/ }
	  @_;
}

my ($library) = glob("$ENV{OMNI_DEST}/usr/lib/postgresql/*/lib/omni.so");
chomp($library //= `$ENV{PG_CONFIG} --pkglibdir` =~ s{^(.*)\n}{$ENV{OMNI_DEST}$1/omni.so}r);
my @symbols = map { /(\S+)$/ } `nm -D --defined-only '$library'`;

cmp_ok(scalar @symbols, '>', 1, 'the library has symbols');
is_deeply([ foreign(@symbols) ], [], 'every exported symbol is omni\'s own');
is_deeply([ foreign('omni_x', 'reserve') ],
	['reserve'], 'a foreign name is noticed');

# Every function that SQL names is there, and none that SQL does not name.
my %sql = map { $_ => 1 } split(
	/\n/,
	`psql -X -A -t -d postgres -c 'CREATE DATABASE lint_symbols' >/dev/null &&
	psql -X -A -t -q -d lint_symbols -c 'CREATE EXTENSION omni' -c "
	SELECT DISTINCT prosrc FROM pg_proc JOIN pg_language l ON l.oid = prolang
	WHERE lanname = 'c' AND probin LIKE '%omni%'"`);
system('psql', '-X', '-q', '-d', 'postgres', '-c',
	'DROP DATABASE lint_symbols WITH (FORCE)');
my %exported = map { $_ => 1 } grep { /^omni_/ } @symbols;
my %callable = map { /^pg_finfo_(\w+)/ ? ($1 => 1) : () } @symbols;

is_deeply([ grep { !$callable{$_} } sort keys %sql ],
	[], 'every C function of the extension is in the library');
# What only test builds have begins so: the tests make its SQL themselves.
delete @callable{ grep { /^omni_core_test_/ } keys %callable };
delete @exported{ grep { /^omni_core_test_/ } keys %exported };
is_deeply([ grep { !$sql{$_} } sort keys %callable ],
	[], 'every SQL-callable function of the library is in the extension');

# Background workers are entered by name.
my %entered;
for my $file (glob("src/*/*.c"))
{
	open(my $in, '<', $file) or die "$file: $!";
	while (<$in>)
	{
		$entered{$1} = 1 if /bgw_function_name\b.*"(\w+)"/;
	}
}
is_deeply([ grep { !$exported{$_} } sort keys %entered ],
	[], 'every entry of a background worker is exported');
is_deeply([ grep { !$callable{$_} && !$entered{$_} } sort keys %exported ],
	[], 'nothing is exported but what SQL calls, and workers\' entries');

done_testing();
