#!/usr/bin/env perl
# What holds for the objects that CREATE EXTENSION makes, asked of a server.
#
# Each check is a query that must give no row; with it comes a statement that
# breaks the rule, after which the query must give one: a check that has gone
# blind fails.
use strict;
use warnings;

use Test::More;

my $database = 'lint_catalog';

sub psql
{
	my ($db, @commands) = @_;
	my @options = map { ('-c', $_) } @commands;

	open(my $psql, '-|', 'psql', '-X', '-q', '-A', '-t', '-v',
		'ON_ERROR_STOP=1', '-d', $db, @options)
	  or die "psql: $!";
	my @rows = <$psql>;
	chomp @rows;
	close($psql) or die "psql failed\n";
	return @rows;
}

# What belongs to the extension, by its own word.
my $members = q{
CREATE TEMPORARY VIEW member AS
SELECT classid, objid, i.type, i.identity
  FROM pg_depend
 CROSS JOIN LATERAL pg_identify_object(classid, objid, objsubid) AS i
 WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
   AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'omni')};

my $schemas = q{('omni'::regnamespace, 'omni_internal'::regnamespace)};

sub check
{
	my ($name, $query, @break) = @_;
	my @found = psql($database, $members, $query);

	ok(!@found, $name);
	diag($_) for @found;

	my %before = map { $_ => 1 } @found;
	my @broken = psql($database, $members, 'BEGIN', @break, $query, 'ROLLBACK');
	ok(scalar(grep { !$before{$_} } @broken), "$name: a breach is noticed");
}

# Psql runs each -c in the session's one transaction between BEGIN and
# ROLLBACK, so what breaks a rule is gone afterwards.
sub add_member
{
	my ($kind, $signature, $create) = @_;
	return ($create, "ALTER EXTENSION omni ADD $kind $signature");
}

my @plain_function = add_member('FUNCTION', 'omni.lint()',
	q{CREATE FUNCTION omni.lint() RETURNS int LANGUAGE sql AS 'SELECT 1'});
my @plain_table =
  add_member('TABLE', 'omni.lint', q{CREATE TABLE omni.lint (a int)});

psql('postgres', "CREATE DATABASE $database");
psql($database, 'CREATE EXTENSION omni');

check('every object has a comment', q{
SELECT type || ' ' || identity
  FROM member
 WHERE obj_description(objid, classid::regclass::name) IS NULL
   AND NOT (classid = 'pg_type'::regclass
            AND EXISTS (SELECT FROM pg_type t
                         WHERE t.oid = objid
                           AND (t.typelem <> 0 AND t.typsubscript = 'array_subscript_handler'::regproc
                                OR t.typrelid <> 0
                                   AND EXISTS (SELECT FROM pg_class c
                                                WHERE c.oid = t.typrelid AND c.relkind <> 'c'))))
   AND type NOT IN ('function of access method', 'operator of access method', 'sequence')
 ORDER BY 1}, @plain_function);

check('every column of a public relation has a comment', q{
SELECT attrelid::regclass || '.' || attname
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
 WHERE relnamespace = 'omni'::regnamespace AND relkind IN ('r', 'v', 'm', 'c', 'p')
   AND attnum > 0 AND NOT attisdropped
   AND col_description(attrelid, attnum) IS NULL
 ORDER BY 1}, @plain_table);

check('no function is PUBLIC\'s to execute, the types\' own aside', qq{
SELECT p.oid::regprocedure
  FROM pg_proc p
 WHERE p.pronamespace IN $schemas
   AND has_function_privilege('public', p.oid, 'EXECUTE')
   AND NOT (p.prosrc LIKE 'omni\\_types\\_%' AND p.provolatile <> 'v' AND NOT prosecdef)
   AND NOT EXISTS (SELECT FROM pg_aggregate JOIN pg_proc f ON f.oid = aggtransfn
                    WHERE aggfnoid = p.oid AND f.prosrc LIKE 'omni\\_types\\_%')
 ORDER BY 1}, @plain_function);

check('no relation or column is PUBLIC\'s', qq{
SELECT c.oid::regclass FROM pg_class c
 WHERE relnamespace IN $schemas
   AND EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0)
UNION
SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
 WHERE relnamespace IN $schemas
   AND EXISTS (SELECT FROM aclexplode(attacl) WHERE grantee = 0)
 ORDER BY 1}, @plain_table, 'GRANT SELECT ON omni.lint TO PUBLIC');

check('what lends its owner\'s rights pins its search_path', qq{
SELECT oid::regprocedure FROM pg_proc
 WHERE pronamespace IN $schemas AND prosecdef
   AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)
 ORDER BY 1},
	@plain_function, 'ALTER FUNCTION omni.lint() SECURITY DEFINER');

check('no public function is overloaded', q{
SELECT proname, count(*) FROM pg_proc
 WHERE pronamespace = 'omni'::regnamespace
   AND oid NOT IN (SELECT oprcode FROM pg_operator)
   AND oid NOT IN (SELECT castfunc FROM pg_cast)
 GROUP BY proname HAVING count(*) > 1 ORDER BY 1},
	@plain_function,
	add_member('FUNCTION', 'omni.lint(int)',
		q{CREATE FUNCTION omni.lint(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'}));

check('there is no PL/pgSQL', qq{
SELECT p.oid::regprocedure, lanname
  FROM pg_proc p JOIN pg_language l ON l.oid = prolang
 WHERE pronamespace IN $schemas AND prokind <> 'a'
   AND lanname NOT IN ('c', 'sql') ORDER BY 1},
	add_member('FUNCTION', 'omni.lint()',
		q{CREATE FUNCTION omni.lint() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'}));

check('SQL functions are parsed when they are made', qq{
SELECT p.oid::regprocedure
  FROM pg_proc p JOIN pg_language l ON l.oid = prolang
 WHERE pronamespace IN $schemas AND lanname = 'sql' AND prosqlbody IS NULL
 ORDER BY 1}, @plain_function);

# A function that writes is not safe in a parallel worker; the clock only reads.
check('no volatile function is parallel safe', qq{
SELECT oid::regprocedure FROM pg_proc
 WHERE pronamespace IN $schemas AND provolatile = 'v' AND proparallel = 's'
   AND oid NOT IN ('omni_internal.clock()'::regprocedure)
 ORDER BY 1}, @plain_function, 'ALTER FUNCTION omni.lint() PARALLEL SAFE');

check('every table has a primary key', qq{
SELECT c.oid::regclass FROM pg_class c
 WHERE relnamespace IN $schemas AND relkind IN ('r', 'p')
   AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)
 ORDER BY 1}, @plain_table);

my @lists = do
{
	open(my $list, '<', 'test/lint/not_dumped.list') or die $!;
	map { /^(omni\S*)/ ? $1 : () } <$list>;
};
my $not_dumped = join(', ', map { "'$_'" } '', @lists);
check('every table and sequence is dumped, or known not to be', qq{
SELECT c.oid::regclass FROM pg_class c
 WHERE relnamespace IN $schemas AND relkind IN ('r', 'p', 'S')
   AND c.oid <> ALL ((SELECT coalesce(extconfig, '{}') FROM pg_extension
                       WHERE extname = 'omni')::oid[])
   AND c.oid::regclass::text NOT IN ($not_dumped)
 ORDER BY 1}, @plain_table);

check('every constraint and index is named on purpose', qq{
SELECT conrelid::regclass, conname FROM pg_constraint
 WHERE connamespace IN $schemas
   AND conname ~ '_(check|fkey|key|excl)[0-9]+\$'
 ORDER BY 1, 2}, @plain_table,
	'ALTER TABLE omni.lint ADD CHECK (a > 0), ADD CHECK (a > 1)');

check('columns that point to a row have an index where rows go', qq{
SELECT conrelid::regclass, conname FROM pg_constraint k
 WHERE contype = 'f' AND connamespace IN $schemas
   AND NOT EXISTS (
       SELECT FROM pg_index i
        WHERE indrelid = conrelid
          AND (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey)
 ORDER BY 1, 2}, @plain_table,
	'ALTER TABLE omni.lint ADD PRIMARY KEY (a), ADD b int REFERENCES omni.lint(a)');

psql('postgres', "DROP DATABASE $database WITH (FORCE)");

# The settings and doc/configuration.md: for each a heading, and below it the
# line that a server would print.
sub documented
{
	my ($text) = @_;
	return map { $_ => 1 } $text =~ /^## (`omni\.\w+`\n\n.*)$/mg;
}

sub differences
{
	my ($settings, $text) = @_;
	my %documented = documented($text);
	my %there = map { $_ =~ s/\\n/\n/gr => 1 } @$settings;

	return (
		(map { "of the server: $_" }
			  grep { !$documented{$_} } sort keys %there),
		(map { "of doc/configuration.md: $_" }
			  grep { !$there{$_} } sort keys %documented));
}

my @settings = psql('postgres', q{
SELECT '`' || name || '`\n\ndefault ' || boot_val
       || coalesce(' · from ' || min_val || ' to ' || max_val, '')
       || coalesce(' · unit ' || unit, '') || ' · takes effect '
       || CASE context WHEN 'postmaster' THEN 'on restart'
                       WHEN 'sighup' THEN 'on reload'
                       WHEN 'user' THEN 'in the session'
                       WHEN 'superuser' THEN 'in a superuser''s session'
                       ELSE context END
  FROM pg_settings WHERE name LIKE 'omni.%'
   AND name NOT LIKE 'omni.test%' -- which only the tests' build has
 ORDER BY 1});
my $text = do
{
	local $/;
	open(my $file, '<', 'doc/configuration.md') or die "doc/configuration.md: $!";
	<$file>;
};
my @found = differences(\@settings, $text);
my @more = differences([ @settings, '`omni.lint`\n\ndefault 1' ],
	"$text\n## `omni.gone`\n\ndefault 1\n");
ok(!@found, 'every setting is in doc/configuration.md, as the server has it');
diag($_) for @found;
is(scalar @more, 2 + @found, 'a missing or stale setting is noticed');

done_testing();
