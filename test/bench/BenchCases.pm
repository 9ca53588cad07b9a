# What "make bench" runs: cases, and the ways that are compared in each.
#
# A case says which items are asked for (hot: one and the same; uniform; zipf
# with exponent 1.1), how many lines a call has, how many clients there are and
# which protocol they speak.  A way is the pgbench script that does it.
package BenchCases;

use strict;
use warnings;

our $items = 10000;

our %title = (
	omni => 'omni',
	select => 'SELECT FOR UPDATE, UPDATE, INSERT by the application',
	guarded => 'guarded UPDATE and INSERT in a function',
	narrow => 'bare INSERT, narrow row, two indexes',
	wide => 'bare INSERT, the ledger\'s columns and indexes',
	feed => 'omni, a consumer following the feed',
	notify => 'omni, NOTIFY in the transaction',
	redis => 'Redis, Lua, append-only file synced at every write',
	orders => 'omni.place_order(), two lines, 1,037 stores',
	'order_rows' => 'bare INSERTs of an order\'s rows, in a function',
	available => 'omni.available()',
	select1 => 'SELECT 1',
);

# What a ratio "omni to that way" should be at least.
our %target = (
	'hot-32c' => { wide => 0.9, narrow => 0.8, guarded => 8, feed => '-0.9' },
	'hot-32c-simple' => { wide => 0.9, narrow => 0.8, guarded => 8 },
	'disk-32c' => { guarded => 20 },
	'uniform-32c' => { wide => 0.85 },
	'bulk-1c' => { wide => 0.5 },
	'bulk-8c' => { wide => 0.5 },
	'orders-8c' => { order_rows => 0.6 },
	'reads-8c' => { select1 => 0.667 },
	'reads-8c-simple' => { select1 => 0.667 },
);

sub reserving
{
	my ($name, $which, $clients, @ways) = @_;

	return { name => $name, items => $which, clients => $clients, lines => 1,
		protocol => 'prepared', ways => [ 'omni', @ways ] };
}

our @cases = (
	reserving('hot-1c', 'hot', 1, qw(select guarded narrow wide)),
	reserving('hot-8c', 'hot', 8, qw(select guarded narrow wide)),
	reserving('hot-32c', 'hot', 32,
		qw(select guarded narrow wide feed notify redis)),
	reserving('hot-64c', 'hot', 64, qw(select guarded narrow wide)),
	{ %{ reserving('hot-32c-simple', 'hot', 32, qw(guarded narrow wide)) },
		protocol => 'simple' },
	{ %{ reserving('hot-32c-3l', 'hot', 32,
				qw(select guarded narrow wide redis)) }, lines => 3 },
	(map { reserving("uniform-${_}c", 'uniform', $_, qw(guarded narrow wide)) }
		  1, 8, 32, 64),
	{ %{ reserving('uniform-32c-3l', 'uniform', 32, qw(guarded narrow wide)) },
		lines => 3 },
	(map { reserving("zipf-${_}c", 'zipf', $_, qw(guarded narrow wide)) }
		  1, 8, 32, 64),
	{ %{ reserving('zipf-32c-3l', 'zipf', 32, qw(guarded narrow wide)) },
		lines => 3 },
	(map { { %{ reserving("bulk-${_}c", 'uniform', $_,
				qw(guarded narrow wide)) }, lines => 1000 } } 1, 8),
	# whole orders, decided and recorded
	{ name => 'orders-8c', items => 'uniform', clients => 8, lines => 1,
		protocol => 'simple', what => 'orders',
		ways => [ 'orders', 'order_rows' ] },
	# A flush of a millisecond, as on a network disk: whoever flushes first
	# waits as long, for all.
	{ %{ reserving('disk-32c', 'hot', 32, qw(select guarded narrow wide)) },
		settings => { commit_delay => 1000, commit_siblings => 0 } },
	(map { { name => "reads-8c$_->[0]", items => 'uniform', clients => 8,
			lines => 1, protocol => $_->[1], what => 'reading',
			ways => [ 'available', 'select1' ] } }
		  [ '', 'prepared' ], [ '-simple', 'simple' ]),
	{ name => 'availability', measure => 'availability', ways => [],
		what => 'omni.availability(), 50 skus of 1,000 nodes' },
	{ name => 'solver', measure => 'solver', ways => [],
		what => 'the sourcing solver: times, gaps, what rules would cost' },
	{ name => 'identity', measure => 'identity', ways => [],
		what => 'comparators of identity, in C and from SQL' },
	{ name => 'matching', measure => 'matching', ways => [],
		what => 'omni.match_table(), a million customers' },
);

my $order_variables = join('', map { "\\set $_\n" } 'a random(1, 500)',
	'b random(1, 500)', 'x random(1, 1000000000000000)', 'c random(0, 999)',
	'la random(30000, 48000) / 1000.0', 'lo random(75000, 120000) / 1000.0');
# As plain.document() of orders.sql, in the client's own words.
my $order = '{"channel": "web", "external_id": "W-:x", "currency": "USD",'
  . ' "customer": {"email": "c:c@example.com"}, "fulfilment": {"kind": "ship",'
  . ' "address": {"country": "US", "latitude": :la, "longitude": -:lo}},'
  . ' "lines": [{"sku": "O:a", "quantity": 1, "unit_price": "19.99"},'
  . ' {"sku": "O:b", "quantity": 1, "unit_price": "9.99"}],'
  . ' "tenders": [{"kind": "card", "reference": "r", "amount": "29.98"}]}';

# Variables i, j, k: items.  Bulk: s, the first of a thousand.
sub variables
{
	my ($case) = @_;
	my %one = (
		hot => '1',
		uniform => "random(1, $items)",
		zipf => "random_zipfian(1, $items, 1.1)");
	# the companions of a hot item are any others
	my $rest = $one{ $case->{items} eq 'hot' ? 'uniform' : $case->{items} };

	return $order_variables if ($case->{what} // '') eq 'orders';
	return "\\set s random(1, $items - 999)\n" if $case->{lines} == 1000;
	return "\\set i $one{ $case->{items} }\n"
	  . ($case->{lines} == 3 ? "\\set j $rest\n\\set k $rest\n" : '');
}

my $wide = 'INSERT INTO plain.wide (id, item_id, node_id, quantity, reserved,'
  . ' era, reservation, occurred_at, recorded_at, kind, actor)';

sub wide_row
{
	my ($item) = @_;

	return "(nextval('plain.id'), $item, 1, 0, 1, 1, currval('plain.id'),"
	  . " now(), now(), 'reserve', 'postgres')";
}

sub narrow_rows
{
	my ($table, @list) = @_;

	return "INSERT INTO plain.$table (item, node, quantity) VALUES "
	  . join(', ', map { "($_, 1, 1)" } @list) . ";\n";
}

sub statements
{
	my ($way, $lines, $protocol) = @_;
	my @list = $lines == 3 ? (':i', ':j', ':k') : (':i');
	my $in = join(', ', @list);

	if ($way =~ /^(?:omni|feed|notify)$/)
	{
		my $also = $way eq 'notify' ? ", pg_notify('bench', 'x')" : '';

		return "SELECT omni.reserve_stock(:i::text, 1, 'N')$also;\n"
		  if $lines == 1;
		return 'SELECT omni.reserve_lines(ARRAY['
		  . join(', ', map { "$_\::text" } @list)
		  . "], '{1,1,1}', '{N,N,N}')$also;\n" if $lines == 3;
		return 'SELECT cardinality(omni.reserve_lines(ARRAY(SELECT'
		  . ' (:s::bigint + g)::text FROM generate_series(0, 999) g),'
		  . " array_fill(1, ARRAY[1000]), array_fill('N'::text,"
		  . " ARRAY[1000])))$also;\n";
	}
	return "BEGIN;\nSELECT on_hand - reserved FROM plain.stock WHERE item IN"
	  . " ($in) AND node = 1 ORDER BY item FOR UPDATE;\nUPDATE plain.stock SET"
	  . " reserved = reserved + 1 WHERE item IN ($in) AND node = 1;\n"
	  . narrow_rows('reservation', @list) . "COMMIT;\n"
	  if $way eq 'select';
	if ($way eq 'guarded')
	{
		return "SELECT plain.reserve(:i, 1);\n" if $lines == 1;
		return "SELECT plain.reserve_lines(ARRAY[$in]::bigint[]);\n"
		  if $lines == 3;
		return "SELECT plain.reserve_range(:s, 1000);\n";
	}
	my $range = 'FROM generate_series(:s::bigint, :s::bigint + 999) g';
	return $lines == 1000
	  ? "INSERT INTO plain.narrow (item, node, quantity) SELECT g, 1, 1 $range;\n"
	  : narrow_rows('narrow', @list) if $way eq 'narrow';
	return $lines == 1000
	  ? "$wide SELECT " . (wide_row('g') =~ s/^\(|\)$//gr) . " $range;\n"
	  : "$wide VALUES " . join(', ', map { wide_row($_) } @list) . ";\n"
	  if $way eq 'wide';
	# as a client sends it: the simple protocol has a literal
	return $protocol eq 'simple' ? "SELECT omni.available(':i', 'N');\n"
	  : "SELECT omni.available(:i::text, 'N');\n" if $way eq 'available';
	return "SELECT 1;\n" if $way eq 'select1';
	return "SELECT omni.place_order('$order');\n" if $way eq 'orders';
	return "SELECT plain.place_order();\n" if $way eq 'order_rows';
	die "no such way: $way\n";
}

# The script of a way.  Reading has the same \set in both ways.
sub script
{
	my ($case, $way) = @_;

	return variables($case) . statements($way, $case->{lines},
		$case->{protocol});
}

# Redis: the same check and record by a script on the server.
our $lua = <<'LUA';
for i = 1, #KEYS do
  local free = tonumber(redis.call('HGET', KEYS[i], 'free') or 2000000000)
  if free < 1 then return redis.error_reply('insufficient stock') end
end
local id
for i = 1, #KEYS do
  if redis.call('HEXISTS', KEYS[i], 'free') == 0 then
    redis.call('HSET', KEYS[i], 'free', 2000000000)
  end
  redis.call('HINCRBY', KEYS[i], 'free', -1)
  id = redis.call('INCR', 'last')
  redis.call('HSET', 'reservation:' .. id, 'item', KEYS[i], 'quantity', 1)
end
return id
LUA

1;
