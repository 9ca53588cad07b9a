# Random operations in several sessions against a naive model: after each of
# them the session itself and another one see what the model says, through
# aborts, savepoints, lapsing promises, two-phase commit and changes of policy.
# "make model" does many more.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../model";

use ModelDriver;
use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SEED} // int(rand(1000000));
my $node = omni_node('stock_model',
	conf => "max_prepared_transactions = 20\nlog_min_messages = warning\n"
	  . "log_min_error_statement = panic\n");
$node->safe_psql('postgres', 'CREATE EXTENSION omni; SELECT omni.adopt()');

my $driver = ModelDriver->new(host => $node->host, port => $node->port,
	seed => $seed, shrink => 30, say => sub { });
my $skipped = $driver->look_around;
note("left out, since this version has none: $skipped") if $skipped ne '';
my $failure = $driver->run($ENV{OPERATIONS} // 3000);
is($failure, '', "the server and the model agree (SEED=$seed)");
cmp_ok($driver->{compared}, '>', 2000, $driver->summary);

SKIP:
{
	skip('they did not agree', 1) if $failure ne '';
	# what is in memory is what a restart reads from the tables
	$node->restart;
	$driver->reconnect;
	is($driver->rest, '', 'and agree after a restart');
}
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|deadlock detected/,
	'nothing of it in the log');

done_testing();
