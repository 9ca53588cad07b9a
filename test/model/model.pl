#!/usr/bin/env perl
# make model: random operations in several sessions against a naive model.
#
#   OPERATIONS=100000   how many
#   SEED=n              the same ones again; printed at the start
#
# After each operation the session itself and another one must see what the
# model says.  The last line says how many differences there were; a failing
# run prints the shortest trail of operations that it finds.
use strict;
use warnings;

use ModelDriver;
use Time::HiRes qw(time);

$| = 1;
my $operations = $ENV{OPERATIONS} // 100000;
my $seed = $ENV{SEED} // int(time() * 1000) % 1000000;
my $began = time();
my $driver = ModelDriver->new(host => $ENV{PGHOST}, port => $ENV{PGPORT},
	dbname => $ENV{PGDATABASE},
	seed => $seed, say => sub { my ($f, @v) = @_; printf $f, @v; });

printf "model: %d operations, SEED=%s\n", $operations, $seed;
$driver->{admin}->rows('CREATE EXTENSION omni');
$driver->{admin}->rows('SELECT omni.adopt()');
my $skipped = $driver->look_around;
print "left out, since this version has none: $skipped\n" if $skipped ne '';
my $failure = $driver->run($operations);
if ($failure ne '')
{
	print "DIFFERENCE, SEED=$seed\n$failure\n1 difference\n";
	exit 1;
}
printf "%s\n", $driver->summary;
printf "%d operations, %d comparisons, %.0f s, 0 differences, SEED=%s\n",
  $operations, $driver->{compared}, time() - $began, $seed;
