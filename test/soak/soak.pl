#!/usr/bin/env perl
# make soak: rounds of load, each with a fault, and after each a full check.
#
#   ROUNDS=100     rounds
#   SEED=n         the same plan again: faults, and what each client does (not
#                  how the clients interleave); printed at the start
#   KINDS=a,b      only these faults: backend server worker promotion prepared
#   CLIENTS=10     sessions that change stock, beside one that follows the feed
#   BASKETS=60     seconds of 64 sessions with random baskets before the rounds
#
# Faults: kill -9 of a session under work; the server stopped as by a power
# cut; the worker killed; a standby that every commit waited for promoted; and
# two-phase transactions left in doubt over one of these.  The check is in
# SoakCheck.pm.  The last line says rounds, faults by kind and violations; the
# exit status is 0 when there are none.  Durability is on throughout.
use strict;
use warnings;

# PostgreSQL's modules send STDOUT to their log.
my $out;
BEGIN { open($out, '>&', \*STDOUT) or die "STDOUT: $!\n"; }

use OmniRandom;
use OmniSession;
use OmniBaskets;
use SoakCheck;
use SoakLoad;
use SoakServers;
use Test::More;
use Time::HiRes qw(time);

open(my $chatter, '>', "$ENV{TESTDIR}/servers.log") or die "servers.log: $!\n";
Test::More->builder->output($chatter);
$out->autoflush(1);

sub say
{
	my ($format, @values) = @_;

	printf {$out} $format, @values;
	return;
}

my $rounds = $ENV{ROUNDS} // 100;
my $seed = $ENV{SEED} // int(time() * 1000) % 1000000;
my $count = $ENV{CLIENTS} // 10;
my $baskets = $ENV{BASKETS} // 60;
my @kinds = split(/,/, $ENV{KINDS} // 'backend,server,worker,promotion,prepared');
my $random = OmniRandom->new($seed, 'faults');

my (%faults, @violations);
my $where = 'set-up';

sub violation
{
	push @violations, "$where: $_[0]";
	say("%s", "VIOLATION $where: $_[0]\n") if @violations <= 30;
	return;
}

say "soak: %d rounds, SEED=%s, %d clients\n", $rounds, $seed, $count;
my $servers = SoakServers->new;
my $check = SoakCheck->new(tell => \&violation);
my $s = $servers->connect;
$s->rows($_) for split(/;\n/, <<'SQL');
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude) SELECT 'N' || g, 'store', g, g FROM generate_series(1, 3) g;
INSERT INTO omni.item (sku) SELECT 'HOT' || g FROM generate_series(1, 4) g;
INSERT INTO omni.item (sku) SELECT 'TILL' || g FROM generate_series(1, 2) g
SQL
OmniBaskets::run($servers->{primary}, seconds => $baskets, seed => $seed,
	sessions => 64, tell => \&violation, say => \&say)
  if $baskets > 0;
# What the baskets left is not the rounds' to account for.
$check->start_from($s);

# Two-phase commit, where this version has it.
my $skip_prepared = '';
{
	my $r = $s->query("BEGIN; SELECT omni.receive_stock('N1', 'HOT1', 1);"
		  . " PREPARE TRANSACTION 'try'");

	if (($r->{error} // '') eq '0A000')
	{
		$skip_prepared = $r->{message};
		$s->query('ROLLBACK');
	}
	else
	{
		$s->rows("ROLLBACK PREPARED 'try'");
	}
}
if ($skip_prepared ne '' && grep { $_ eq 'prepared' } @kinds)
{
	say "prepared: skipped (%s)\n", $skip_prepared;
	@kinds = grep { $_ ne 'prepared' } @kinds;
}
die "no kind of fault is left\n" if !@kinds;
$s->rows("SELECT omni.receive_stock('$_->[1]', '$_->[0]', 60, 'start')")
  for map { my $sku = $_; map { [ $sku, $_ ] } @SoakLoad::nodes }
  @SoakLoad::items, @SoakLoad::till;
$check->start_from($s);
$s->close;

my @clients = map { SoakLoad->new(number => $_, seed => $seed) } 1 .. $count;

# ---- the load of one round ----

# Nobody gets on: say what the sessions wait for, and end.
sub stand_still
{
	my ($kind, $ended, $fired) = @_;
	my $s = eval { $servers->connect(name => 'onlooker') };
	my $rows = $s ? eval { $s->rows(<<'SQL') } // [] : [];
SELECT pid, application_name, backend_type, state, wait_event, query
FROM pg_stat_activity WHERE pid <> pg_backend_pid()
SQL

	say("  %s\n", join(' | ', map { ($_ // '-') =~ s/\s+/ /gr } @$_)) for @$rows;
	say("  no session to look with\n") if !$s;
	die sprintf "the load stands still (%s, %d steps, fault %s)\n", $kind,
	  $ended, $fired ? 'fired' : 'not yet';
}

# The reader: read, note, acknowledge; wait for the next tick when it has all.
sub turn_reader
{
	my ($reader, $answer) = @_;
	my $s = $reader->{session};

	if (($reader->{doing} // '') eq 'ack' && $answer && $answer->{sets}[0])
	{
		$check->acknowledge($reader->{position});
	}
	if (($reader->{doing} // '') eq 'read' && $answer && $answer->{sets}[0])
	{
		my $rows = $answer->{sets}[0]{rows};

		$check->event(@$_) for @$rows;
		$reader->{position} = @$rows ? $rows->[-1][0] : undef;
		$reader->{doing} = @$rows ? 'note' : 'empty';
	}
	return 0 if $answer && $answer->{lost};
	if ($answer && defined $answer->{error})
	{
		violation("the reader: $answer->{error} $answer->{message}");
		return 0;
	}
	if (($reader->{doing} // '') eq 'note')
	{
		$reader->{doing} = 'ack';
		$s->send("SELECT omni.ack_events('soak', $reader->{position})");
	}
	elsif (($reader->{doing} // '') eq 'empty')
	{
		$reader->{doing} = 'wait';
		$s->send('SELECT omni.wait_for_tick()');
	}
	else
	{
		$reader->{doing} = 'read';
		$s->send($SoakCheck::read_events);
	}
	return 1;
}

# Load until so many transactions have ended; then the fault; then until every
# session is lost, or (where the fault takes no session) until each is idle.
sub load
{
	my ($kind, $wanted, $fault) = @_;
	my $ended = 0;
	my $fired = 0;
	my $drain = 0;
	my $began = time();
	my $turned = $began;
	my %player;
	my $reader = { session => $servers->connect(name => 'reader') };

	for my $client (@clients)
	{
		my $session = $servers->connect(name => "client $client->{number}");

		$player{ $session->pid } = { session => $session, client => $client };
		$client->begin;
		$client->go_on($session);
	}
	turn_reader($reader);
	while (%player)
	{
		my @ready = OmniSession::wait_any(1,
			(map { $_->{session} } values %player),
			$reader->{session} ? $reader->{session} : ());

		# time in which this process itself was stopped does not count
		$began += time() - $turned if time() - $turned > 5;
		$turned = time();
		stand_still($kind, $ended, $fired) if time() - $began > 120;
		for my $session (@ready)
		{
			my $answer = $session->receive or next;

			if ($reader->{session} && $session == $reader->{session})
			{
				delete $reader->{session} if !turn_reader($reader, $answer);
				next;
			}
			my $client = $player{ $session->pid }{client};
			my $useful = $client->answer($answer, \&violation);

			$ended++ if $client->idle;
			if (!$useful || $drain && $client->idle)
			{
				$session->close if $useful;
				delete $player{ $session->pid };
				next;
			}
			$client->begin if $client->idle;
			$client->go_on($session);
		}
		if (!$fired && $ended >= $wanted)
		{
			$fired = 1;
			$fault->(map { $_->{session} } values %player);
		}
		$drain = 1 if $kind eq 'worker' && $ended >= 2 * $wanted;
	}
	# the reader's last words
	while ($reader->{session})
	{
		my $answer = $reader->{session}->wait;

		last if !turn_reader($reader, $answer)
		  || $kind eq 'worker' && $reader->{doing} eq 'wait';
	}
	return $ended;
}

# ---- transactions in doubt ----

sub resolve_prepared
{
	my ($s) = @_;
	my %there = map { $_->[0] => 1 }
	  @{ $s->rows('SELECT gid FROM pg_prepared_xacts') };
	my (@doubt, %seen);

	for my $client (@clients)
	{
		my @rest;

		for my $tx (splice(@{ $client->{ended} }))
		{
			my $is = defined $tx->{gid} && delete $there{ $tx->{gid} };

			if ($is) { push @doubt, [ $client, $tx ]; next; }
			if (($tx->{state}) eq 'prepared')
			{
				violation("$tx->{gid} was prepared and is gone");
			}
			$tx->{state} = 'aborted' if defined $tx->{gid};
			$client->settle($tx) if defined $tx->{gid};
			push @rest, $tx;
		}
		$client->{ended} = \@rest;
	}
	violation("transactions in doubt that nobody prepared: @{[ keys %there ]}")
	  if %there;
	$check->check_ledger($s, @clients);
	while (1)
	{
		my %held;

		for my $pair (@doubt)
		{
			for my $step (SoakLoad::kept_steps($pair->[1]))
			{
				$held{ "$_->{sku}|" . ($_->{node} // '') } += $_->{quantity}
				  for @{ $step->{lines} // [] };
				next if !$step->{promise};
				my $r = $s->query('SELECT omni.release_reservation('
					  . "$step->{promise}{id})");
				violation("promise $step->{promise}{id}, claimed in doubt: "
					  . ($r->{error} // 'released'))
				  if ($r->{error} // '') ne 'OM013';
			}
		}
		$check->check_counters($s, \%held);
		my $pair = shift @doubt or last;
		my ($client, $tx) = @$pair;

		$tx->{state} = $random->chance(0.5) ? 'committed' : 'aborted';
		$s->rows(($tx->{state} eq 'committed' ? 'COMMIT' : 'ROLLBACK')
			. " PREPARED '$tx->{gid}'");
		$client->settle($tx);
		push @{ $client->{ended} }, $tx;
		$check->check_ledger($s, @clients);
		$faults{'in doubt'}++;
	}
	return;
}

# ---- rounds ----

sub round
{
	my ($number) = @_;
	my $kind = $random->pick(@kinds);
	my $prepare = $kind eq 'prepared';
	my $fault = $prepare ? $random->pick(qw(backend server promotion)) : $kind;
	my $began = time();
	my $done = '';

	$where = "round $number ($kind" . ($prepare ? ", $fault)" : ')');
	$servers->add_standby if $fault eq 'promotion';
	$SoakLoad::may_prepare = $prepare ? 4 + $random->below(16) : 0;
	my $ended = load($fault, 100 + $random->below(500), sub {
		my @sessions = @_;

		if ($fault eq 'backend')
		{
			kill('KILL', $random->pick(sort { $a <=> $b }
					map { $_->pid } @sessions))
			  or violation('no session to kill');
		}
		elsif ($fault eq 'server') { $servers->crash; }
		elsif ($fault eq 'promotion') { $servers->promote; }
		else
		{
			my $s = $servers->connect;

			$servers->kill_worker($s, 'TERM') or violation('no worker to kill');
			$s->close;
		}
	});
	$faults{$kind}++;

	my $s = $servers->connect(name => 'check');
	my $lapsed = 0;
	for (1 .. 400)
	{
		$lapsed = $s->value('SELECT NOT EXISTS (SELECT FROM omni.reservation'
			  . " WHERE expires_at < omni_internal.clock() + interval '1 year')")
		  eq 't';
		last if $lapsed;
		select(undef, undef, undef, 0.05);
	}
	violation('lapsed promises are not tidied up') if !$lapsed;
	if ($prepare) { resolve_prepared($s); }
	else { $check->check_ledger($s, @clients); }
	# keep the shelves neither empty nor full
	for my $sku (@SoakLoad::items)
	{
		my $units = $s->value("SELECT omni.available('$sku')");

		$check->restock($s, $sku, $random->pick(@SoakLoad::nodes))
		  if $units < 30;
	}
	$check->check_state($s);
	$servers->check_log(\&violation);
	$s->close;
	say "%s: %d transactions, %.1f s, %d violations\n", $where, $ended,
	  time() - $began, scalar @violations;
	return;
}

my $finished = 0;
for my $number (1 .. $rounds)
{
	eval { round($number); 1 } or do {
		violation("$@");
		last;
	};
	$finished++;
	last if @violations > 30;
}

my $by_kind = join(', ', map { "$faults{$_} $_" } sort keys %faults);
say "%d rounds (%s), %d transactions confirmed, %d ledger rows, "
  . "%d events, %d violations, SEED=%s\n", $finished, $by_kind,
  $check->{confirmed}, $check->{rows}, $check->{events},
  scalar @violations, $seed;
if (@violations)
{
	say "%s\n", $_ for @violations[ 0 .. ($#violations > 9 ? 9 : $#violations) ];
}
exit(@violations ? 1 : 0);
