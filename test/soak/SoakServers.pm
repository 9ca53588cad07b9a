# The soak test's server, and what happens to it.
#
# At any time there is one primary.  A promotion first makes a standby that
# every commit waits for, then stops the primary as a power cut would, and the
# standby takes its place; the old one is deleted.
package SoakServers;

use strict;
use warnings;

use File::Path qw(rmtree);
use OmniSession;
use OmniTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

sub new
{
	my ($class) = @_;
	my $self = bless { made => 1, logs => {} }, $class;

	$self->{primary} = omni_node('soak1',
		init => { allows_streaming => 1 },
		conf => <<'CONF');
fsync = on
synchronous_commit = on
max_connections = 100
max_prepared_transactions = 30
restart_after_crash = on
log_min_messages = warning
log_min_error_statement = panic
log_connections = off
log_disconnections = off
omni.fold_interval = '200ms'
deadlock_timeout = '200ms'
CONF
	return $self;
}

# A session, after waiting for the server where it is still recovering.
sub connect
{
	my ($self, %opt) = @_;
	my $node = $self->{primary};
	my $s;

	for (1 .. 600)
	{
		$s = OmniSession->try_new(host => $node->host, port => $node->port,
			%opt) and return $s;
		select(undef, undef, undef, 0.05);
	}
	die "the server does not come back: see " . $node->logfile . "\n";
}

# A standby that commits wait for.
sub add_standby
{
	my ($self) = @_;
	my $primary = $self->{primary};
	my $name = 'soak' . ++$self->{made};
	my $standby = PostgreSQL::Test::Cluster->new($name);

	$primary->backup($name);
	$standby->init_from_backup($primary, $name, has_streaming => 1);
	rmtree($primary->backup_dir . "/$name");
	$standby->start;
	$primary->append_conf('postgresql.conf',
		"synchronous_standby_names = '*'\n");
	$primary->reload;
	$primary->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_replication"
		  . " WHERE sync_state = 'sync' AND state = 'streaming'")
	  or die "the standby does not follow\n";
	$self->{standby} = $standby;
	return;
}

sub promote
{
	my ($self) = @_;
	my $old = $self->{primary};

	$self->check_log(sub { $self->{kept} .= "$_[0]\n" });
	$old->stop('immediate');
	$self->{standby}->promote;
	$self->{primary} = delete $self->{standby};
	$old->clean_node;
	return;
}

# Power cut and start.
sub crash
{
	my ($self) = @_;

	$self->{primary}->stop('immediate');
	$self->{primary}->start;
	return;
}

# The worker of the database, ended by a signal.
sub kill_worker
{
	my ($self, $s, $signal) = @_;
	my $pid = $s->value('SELECT pid FROM pg_stat_activity'
		  . " WHERE backend_type = 'omni worker'");

	return defined $pid && kill($signal, $pid);
}

# Lines of the log, since the last look, that must not be there.
sub check_log
{
	my ($self, $tell) = @_;
	my $file = $self->{primary}->logfile;
	my $text = slurp_file($file, $self->{logs}{$file} // 0);

	$self->{logs}{$file} = -s $file;
	$tell->($_) for split(/\n/, delete $self->{kept} // '');
	for my $line (split(/\n/, $text))
	{
		$tell->("log: $line")
		  if $line =~ /PANIC:|TRAP:|signal (?:6|7|11)\b|deadlock detected|XX000|lock timeout/;
	}
	return;
}

1;
