# Servers of their own for omni's TAP tests.
#
#   my $node = omni_node('name', preload => 1, conf => '…');
#
# makes and starts a server that finds omni in OMNI_DEST (where "make install
# DESTDIR=…" put it) and has it preloaded unless preload is 0.  conf adds lines
# to postgresql.conf; dest names another installation; start => 0 leaves it
# stopped.
#
#   raises($node, $sql, $sqlstate, $pattern, $name, dbname => …)
#
# passes when the statement fails with that SQLSTATE and a message (detail and
# hint included) that matches.
#
#   kill_server($node)
#
# kills the server and every session with -9, and starts it again.
package OmniTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(omni_node omni_conf raises worker_pid worker_gone
  wait_for_worker value kill_server);

# Where one thing was waited for in vain, others will be: they shall not cost
# as long, each, before the script says so.
{
	no warnings 'redefine';
	my $poll = \&PostgreSQL::Test::Cluster::poll_query_until;

	*PostgreSQL::Test::Cluster::poll_query_until = sub {
		my $found = $poll->(@_);

		$PostgreSQL::Test::Utils::timeout_default = 5 if !$found;
		return $found;
	};
}

my $pg_config = $ENV{PG_CONFIG} // '/usr/lib/postgresql/15/bin/pg_config';

# Lines of postgresql.conf that make a server find omni.
sub omni_conf
{
	my (%opt) = @_;
	my $dest = $opt{dest} // $ENV{OMNI_DEST}
	  // die "OMNI_DEST must name the folder of make install DESTDIR=…\n";
	my $preload = ($opt{preload} // 1) ? 'omni' : '';

	chomp(my $pkglibdir = `$pg_config --pkglibdir`);
	return <<"CONF";
shared_preload_libraries = '$preload'
extension_destdir = '$dest'
dynamic_library_path = '$dest$pkglibdir:\$libdir'
max_worker_processes = 16
timezone = 'UTC'
log_line_prefix = '%m [%p] %b '
@{[ $opt{conf} // '' ]}
CONF
}

sub omni_node
{
	my ($name, %opt) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%{ $opt{init} // {} });
	$node->append_conf('postgresql.conf', omni_conf(%opt));
	$node->start if $opt{start} // 1;
	return $node;
}

# One value, or undef when the statement failed.
sub value
{
	my ($node, $sql, %opt) = @_;
	my ($status, $out, $err) =
	  $node->psql($opt{dbname} // 'postgres', $sql);

	diag($err) if $status != 0;
	return $status == 0 ? $out : undef;
}

sub raises
{
	my ($node, $sql, $sqlstate, $pattern, $name, %opt) = @_;
	my $dbname = $opt{dbname} // 'postgres';
	my ($status, $out, $err) =
	  $node->psql($dbname, "\\set VERBOSITY verbose\n$sql");
	my $good = $status != 0 && $err =~ /ERROR:  \Q$sqlstate\E:/
	  && $err =~ $pattern;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($good, $name) or diag("status $status\n$err$out");
	return;
}

# Process of a database's worker, '' when there is none.
sub worker_pid
{
	my ($node, $dbname) = @_;

	return $node->safe_psql('postgres',
		    "SELECT pid FROM pg_stat_activity "
		  . "WHERE backend_type = 'omni worker' AND datname = '$dbname'");
}

# Wait for a worker, one with another pid than $not where that is given.
sub wait_for_worker
{
	my ($node, $dbname, $not) = @_;
	$not ||= 0;

	return $node->poll_query_until('postgres',
		    "SELECT count(*) = 1 FROM pg_stat_activity "
		  . "WHERE backend_type = 'omni worker' AND datname = '$dbname' "
		  . "AND pid <> $not");
}

sub worker_gone
{
	my ($node, $dbname) = @_;

	return $node->poll_query_until('postgres',
		    "SELECT count(*) = 0 FROM pg_stat_activity "
		  . "WHERE backend_type = 'omni worker' AND datname = '$dbname'");
}

# kill -9 of the postmaster and of every session; then start again.
sub kill_server
{
	my ($node) = @_;
	my ($postmaster) = split(/\n/, slurp_file($node->data_dir . '/postmaster.pid'));
	my @pids = split(/\n/, value($node,
			"SELECT pid FROM pg_stat_activity WHERE backend_type ~ 'client|omni'"
			  . ' AND pid <> pg_backend_pid()'));

	$node->kill9;
	kill('KILL', @pids);
	for (1 .. 300)
	{
		last if !grep { kill(0, $_) } $postmaster, @pids;
		select(undef, undef, undef, 0.1);
	}
	for (1 .. 300)
	{
		return if $node->start(fail_ok => 1);
		select(undef, undef, undef, 0.2);
	}
	BAIL_OUT('the server does not start again');
	return;
}

1;
