# Random numbers that a seed repeats, a stream for each user of them.
#
#   my $r = OmniRandom->new($seed, 'client', 3);
#   $r->below(6)            0 … 5
#   $r->chance(0.3)         true three times in ten
#   $r->pick(@list)         one of them
#   $r->weighted(a => 3, b => 1)    'a' three times in four
#
# The generator is xorshift64 of Marsaglia (Journal of Statistical Software
# 8(14), 2003) in two halves of 32 bits, so that it is the same on every Perl.
package OmniRandom;

use strict;
use warnings;

sub new
{
	my ($class, @seed) = @_;
	my ($high, $low) = (0x9E3779B9, 0x7F4A7C15);

	for my $byte (unpack('C*', join("\0", @seed)))
	{
		$low = (($low ^ $byte) * 16777619) & 0xFFFFFFFF;
		$high = ($high + ($low >> 7) + $byte * 40503) & 0xFFFFFFFF;
	}
	my $self = bless { high => $high || 1, low => $low || 1 }, $class;
	$self->next for 1 .. 8;
	return $self;
}

sub next
{
	my ($self) = @_;
	my ($h, $l) = ($self->{high}, $self->{low});

	# x ^= x << 13; x ^= x >> 7; x ^= x << 17
	($h, $l) = ($h ^ ((($h << 13) | ($l >> 19)) & 0xFFFFFFFF),
		$l ^ (($l << 13) & 0xFFFFFFFF));
	($h, $l) = ($h ^ ($h >> 7),
		$l ^ ((($l >> 7) | ($h << 25)) & 0xFFFFFFFF));
	($h, $l) = ($h ^ ((($h << 17) | ($l >> 15)) & 0xFFFFFFFF),
		$l ^ (($l << 17) & 0xFFFFFFFF));
	($self->{high}, $self->{low}) = ($h, $l);
	return $h;
}

sub below
{
	my ($self, $n) = @_;

	return $self->next % $n;
}

sub chance
{
	my ($self, $p) = @_;

	return $self->next < $p * 4294967296;
}

sub pick
{
	my ($self, @list) = @_;

	return $list[ $self->below(scalar @list) ];
}

sub weighted
{
	my ($self, @pairs) = @_;
	my $sum = 0;

	for (my $i = 1; $i < @pairs; $i += 2) { $sum += $pairs[$i]; }
	my $at = $self->below($sum);
	for (my $i = 0; $i < @pairs; $i += 2)
	{
		return $pairs[$i] if $at < $pairs[ $i + 1 ];
		$at -= $pairs[ $i + 1 ];
	}
	return;
}

1;
