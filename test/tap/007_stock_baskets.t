# Rule 5 of the stock engine: baskets over the same items, in any order and any
# number of calls, never wait for each other.  64 sessions for five seconds;
# "make soak" does it for longer.
use strict;
use warnings;

use OmniBaskets;
use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = omni_node('stock_baskets', conf => "max_connections = 80\n"
	  . "log_min_messages = error\nlog_min_error_statement = panic\n");
$node->safe_psql('postgres', 'CREATE EXTENSION omni; SELECT omni.adopt()');

my @violations;
my $report = OmniBaskets::run($node, seconds => 5, sessions => 64, seed => 64,
	tell => sub { push @violations, $_[0]; });
is("@violations", '',
	'no deadlock, no lock timeout, and the counters are what the tables say');
cmp_ok($report->{promises}, '>', 1000,
	"$report->{promises} promises in $report->{transactions} transactions");
cmp_ok($report->{refused}, '>', 0, 'baskets were refused as well');
unlike(slurp_file($node->logfile), qr/deadlock detected|lock timeout|PANIC/,
	'nor in the log');

done_testing();
