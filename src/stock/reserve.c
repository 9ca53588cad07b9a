/*
 * reserve.c
 *	  Promising units, changing what is on hand, and reading availability.
 *
 * A reservation takes from the shared counters at once, under the block's
 * lock, and then writes one row.  Where its own transaction has additions that
 * are not committed yet, these count and are netted first: what was netted is
 * a pending change that commits, or goes, together with them.  (Safe, because
 * whatever used an addition came later in the same or an inner
 * subtransaction.)  What the pending changes would add to the pool never falls
 * below zero: what exceeds it is moved to the shared counter at once.
 */
#include "omni.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "master/master.h"
#include "stock/block.h"

/* What this transaction's pending changes amount to, for one item. */
typedef struct Overlay
{
	int64		d_on_hand;		/* at the node in question */
	int64		d_reserved;
	int64		pool;			/* what they would add to the pool's counter */
	int64		d_pool;			/* pending pool-level reservations */
} Overlay;

/* Does a pending record count (its promise has not expired)? */
static inline bool
entry_counts(const OmniStockLog *entry)
{
	return entry->promise == NULL ||
		entry->promise->state != OMNI_PROMISE_EXPIRED;
}

/* Sum of the pending records at one node. */
void
omni_stock_node_pending(OmniLocalBlock *local, int64 node, int64 *d_on_hand,
						int64 *d_reserved)
{
	*d_on_hand = 0;
	*d_reserved = 0;
	for (OmniStockLog *e = local->pending; e; e = e->next_pending)
	{
		if (e->node != node || !entry_counts(e))
			continue;
		*d_on_hand += e->d_on_hand;
		*d_reserved += e->d_reserved;
	}
}

/* Block locked.  Pending records are few; each node is summed once. */
static void
read_overlay(OmniLocalBlock *local, int64 node, Overlay *overlay)
{
	memset(overlay, 0, sizeof(*overlay));
	if (local->pending == NULL)
		return;
	omni_stock_node_pending(local, node, &overlay->d_on_hand,
							&overlay->d_reserved);
	for (OmniStockLog *e = local->pending; e; e = e->next_pending)
	{
		OmniSlot   *slot;
		int64		d_on_hand;
		int64		d_reserved;
		bool		seen = false;

		if (e->node == OMNI_POOL)
		{
			if (entry_counts(e))
				overlay->d_pool += e->d_reserved;
			continue;
		}
		for (OmniStockLog *f = local->pending; f != e && !seen;
			 f = f->next_pending)
			seen = f->node == e->node;
		if (seen)
			continue;
		slot = omni_stock_slot_find(local->block, e->node);
		if (!slot->sellable)
			continue;
		omni_stock_node_pending(local, e->node, &d_on_hand, &d_reserved);
		overlay->pool += omni_stock_free_with(slot, d_on_hand, d_reserved) -
			omni_stock_free_with(slot, 0, 0);
	}
	overlay->pool -= overlay->d_pool;
	if (node == OMNI_POOL)
		overlay->d_on_hand = overlay->d_reserved = 0;
}

/* Push a change: applied now, or pending until the commit. */
static void
push_delta(OmniLocalBlock *local, int64 node, int64 d_on_hand,
		   int64 d_reserved, bool pending, OmniPromise *promise)
{
	OmniStockLog *entry = omni_stock_log_push(local, OMNI_LOG_DELTA);

	entry->node = node;
	entry->d_on_hand = d_on_hand;
	entry->d_reserved = d_reserved;
	entry->pending = pending;
	entry->promise = promise;
	if (pending)
	{
		entry->next_pending = local->pending;
		local->pending = entry;
	}
	else
		omni_stock_slot_apply(local->block, node, d_on_hand, d_reserved);
}

/* A change of what is on hand: what arrives is pending, what leaves is not. */
void
omni_stock_push_change(OmniLocalBlock *local, int64 node, int64 quantity)
{
	push_delta(local, node, quantity, 0, quantity > 0, NULL);
}

void
omni_stock_push_pending(OmniLocalBlock *local, int64 node, int64 d_on_hand,
						int64 d_reserved)
{
	push_delta(local, node, d_on_hand, d_reserved, true, NULL);
}

/* What this transaction could reserve at the node, or of the pool. */
static int64
own_available(OmniLocalBlock *local, int64 node, Overlay *overlay)
{
	OmniBlock  *block = local->block;
	OmniSlot   *slot;
	int64		pool;
	int64		offered;

	read_overlay(local, node, overlay);
	pool = block->pool_sum - block->pool_reserved + overlay->pool;
	if (node == OMNI_POOL)
		return pool;
	slot = omni_stock_slot_find(block, node);
	if (slot == NULL || !slot->sellable)
		return 0;
	offered = omni_stock_free_with(slot, overlay->d_on_hand,
								   overlay->d_reserved);
	/* a day's capacity is each node's own: there is no pool */
	if (unlikely(omni_stock_is_capacity(local->item)))
		return offered;
	return Min(pool, offered);
}

/*
 * Take "quantity" from the node and the pool together, or from the pool
 * alone, whether it is there or not; needs four prepared records.  Block
 * locked.
 */
void
omni_stock_take(OmniLocalBlock *local, int64 node, int64 quantity,
				OmniPromise *promise)
{
	Overlay		overlay;
	int64		netted;
	int64		excess;

	if (local->pending == NULL)
	{
		push_delta(local, node, 0, quantity, false, promise);
		if (promise)
			promise->taken += quantity;
		return;
	}

	read_overlay(local, node, &overlay);
	if (node == OMNI_POOL)
		netted = Min(quantity, Max(0, overlay.pool));
	else
		netted = Min(quantity,
					 Max(0, overlay.d_on_hand - overlay.d_reserved));
	if (netted > 0)
		push_delta(local, node, 0, netted, true, promise);
	if (quantity > netted)
	{
		push_delta(local, node, 0, quantity - netted, false, promise);
		if (promise)
			promise->taken += quantity - netted;
	}

	/* what was netted may have been the cover of pool-level promises */
	read_overlay(local, OMNI_POOL, &overlay);
	excess = Min(-overlay.pool, overlay.d_pool);
	if (excess > 0)
	{
		push_delta(local, OMNI_POOL, 0, excess, false, NULL);
		push_delta(local, OMNI_POOL, 0, -excess, true, NULL);
	}
}

/* The same, but only if it is there. */
static bool
take(OmniLocalBlock *local, int64 node, int64 quantity, OmniPromise *promise)
{
	Overlay		overlay;

	if (own_available(local, node, &overlay) < quantity)
		return false;
	omni_stock_take(local, node, quantity, promise);
	return true;
}

/*
 * A pool-level promise moves to a node, whether that has the units or not;
 * needs four prepared records.  Block locked.
 */
void
omni_stock_move_to_node(OmniLocalBlock *local, int64 node, int64 quantity)
{
	Overlay		overlay;
	int64		netted;

	read_overlay(local, node, &overlay);
	netted = Min(quantity, Max(0, overlay.d_on_hand - overlay.d_reserved));
	if (netted > 0)
	{
		push_delta(local, node, 0, netted, true, NULL);
		push_delta(local, OMNI_POOL, 0, -netted, true, NULL);
	}
	if (quantity > netted)
	{
		push_delta(local, node, 0, quantity - netted, false, NULL);
		push_delta(local, OMNI_POOL, 0, -(quantity - netted), false, NULL);
	}
}

/* A pool-level promise moves to a node: the pool is the same before and after. */
bool
omni_stock_take_pin(OmniLocalBlock *local, int64 node, int64 quantity)
{
	OmniBlock  *block = local->block;
	OmniSlot   *slot = omni_stock_slot_find(block, node);
	Overlay		overlay;

	if (slot == NULL || !slot->sellable)
		return false;
	read_overlay(local, node, &overlay);
	if (omni_stock_free_with(slot, overlay.d_on_hand,
							 overlay.d_reserved) < quantity)
		return false;
	omni_stock_move_to_node(local, node, quantity);
	return true;
}

/* OM001 for one line, or OM018, from what was seen there. */
static void
raise_insufficient(const OmniReserveLine *line, int lineno, int nlines,
				   int64 have)
{
	char	   *sku;
	char	   *node;

	if (omni_stock_is_capacity(line->item))
		omni_stock_raise_no_capacity(line, lineno, nlines, have);
	sku = omni_master_item_sku(line->item);
	node = line->node == OMNI_POOL ? NULL : omni_master_node_code(line->node);
	ereport(ERROR,
			(errcode(OMNI_ERR_INSUFFICIENT_STOCK),
			 node ?
			 errmsg("insufficient stock of \"%s\" at node \"%s\"",
					sku ? sku : "?", node) :
			 errmsg("insufficient stock of \"%s\"", sku ? sku : "?"),
			 nlines > 1 ?
			 errdetail("Line %d asks for %d, available are %lld.",
					   lineno, line->quantity, (long long) Max(have, 0)) :
			 errdetail("Asked for %d, available are %lld.",
					   line->quantity, (long long) Max(have, 0)),
			 errhint("Ask for less, for another node, or for the pool; see omni.availability().")));
}

/* Take every line or none; the index of the line that failed, or -1. */
static int
take_lines(OmniReserveLine *lines, int nlines, TimestampTz expires_at,
		   int64 *have)
{
	OmniStockLog *mark = omni_stock_log_mark();
	TimestampTz now = omni_core_now();
	bool		limited = !TIMESTAMP_IS_NOEND(expires_at);

	for (int i = 0; i < nlines; i++)
	{
		OmniReserveLine *line = &lines[i];
		OmniLocalBlock *local = omni_stock_local_find(line->item);
		OmniBlock  *block = local->block;
		OmniPromise *promise = NULL;
		bool		done;

		for (;;)
		{
			omni_stock_log_prepare(5);
			if (limited)
				omni_stock_promise_reserve(block, 1);
			omni_stock_block_lock(block);
			omni_stock_promise_expire(block, now);
			if (!limited)
				break;
			promise = omni_stock_promise_add(block, line->reservation,
											 line->node, 0, expires_at);
			if (promise)
			{
				promise->in_flight = true;
				promise->opener = MyProcPid;
				omni_stock_log_push(local, OMNI_LOG_OPEN)->promise = promise;
				break;
			}
			/* another session took the free entry */
			omni_stock_block_unlock(block);
		}
		done = take(local, line->node, line->quantity, promise);
		if (!done)
		{
			Overlay		overlay;

			*have = own_available(local, line->node, &overlay);
		}
		omni_stock_block_unlock(block);
		if (!done)
		{
			omni_stock_log_undo(mark);
			return i;
		}
	}
	return -1;
}

/* Pin and load the blocks of all lines. */
static void
load_lines(OmniReserveLine *lines, int nlines)
{
	if (nlines == 1)
		omni_stock_load(&lines[0].item, 1);
	else
	{
		int64	   *items = palloc(sizeof(int64) * nlines);

		for (int i = 0; i < nlines; i++)
			items[i] = lines[i].item;
		omni_stock_load(items, nlines);
		pfree(items);
	}
}

/* The common part: false, or OM001 or OM018, when a line lacks units. */
static bool
reserve(OmniReserveLine *lines, int nlines, TimestampTz expires_at,
		const char *reference, int64 channel, bool raise)
{
	OmniLedgerRow *rows;
	int64	   *ids;
	int64		have = 0;
	int			failed;

	load_lines(lines, nlines);
	ids = palloc(sizeof(int64) * nlines);
	omni_core_next_feed_ids(ids, nlines);
	for (int i = 0; i < nlines; i++)
	{
		lines[i].reservation = ids[i];
		if (unlikely(omni_stock_is_capacity(lines[i].item)))
			omni_stock_capacity_slot(&lines[i]);
	}

	failed = take_lines(lines, nlines, expires_at, &have);
	if (failed >= 0)
	{
		omni_stock_count(OMNI_STAT_REFUSED, 1);
		for (int i = 0; i < nlines; i++)
			lines[i].lacking = i == failed;
		if (raise)
			raise_insufficient(&lines[failed], failed + 1, nlines, have);
		return false;
	}

	rows = palloc0(sizeof(OmniLedgerRow) * nlines);
	for (int i = 0; i < nlines; i++)
	{
		rows[i].id = rows[i].reservation = ids[i];
		rows[i].item = lines[i].item;
		rows[i].node = lines[i].node;
		rows[i].reserved = lines[i].quantity;
		rows[i].kind = "reserve";
		rows[i].channel = channel;
		rows[i].reference = reference;
		rows[i].expires_at = expires_at;
	}
	omni_stock_ledger_insert(rows, nlines);
	pfree(rows);
	pfree(ids);
	return true;
}

void
omni_stock_reserve(OmniReserveLine *lines, int nlines, TimestampTz expires_at,
				   const char *reference, int64 channel)
{
	(void) reserve(lines, nlines, expires_at, reference, channel, true);
}

bool
omni_stock_try_reserve(OmniReserveLine *lines, int nlines,
					   TimestampTz expires_at, const char *reference,
					   int64 channel)
{
	return reserve(lines, nlines, expires_at, reference, channel, false);
}

/* OM008 where a node's stock would leave the range of integer. */
static void
raise_range(void)
{
	ereport(ERROR,
			(errcode(OMNI_ERR_OUT_OF_RANGE),
			 errmsg("stock on hand would leave the range of integer")));
}

/*
 * Record changes of on_hand.  What arrives counts for others when this
 * transaction has committed, what leaves counts at once.
 */
void
omni_stock_change(OmniStockChange *changes, int n, const char *kind,
				  const char *reference, int64 channel,
				  const TimestampTz *occurred_at)
{
	OmniLedgerRow *rows = palloc0(sizeof(OmniLedgerRow) * Max(n, 1));
	int64	   *ids = palloc(sizeof(int64) * Max(n, 1));

	for (int i = 0; i < n; i++)
		ids[i] = changes[i].item;
	omni_stock_load(ids, n);
	omni_core_next_feed_ids(ids, n);

	for (int i = 0; i < n; i++)
	{
		OmniStockChange *change = &changes[i];
		OmniLocalBlock *local = omni_stock_local_find(change->item);
		OmniBlock  *block = local->block;
		OmniSlot   *slot;
		int64		d_on_hand;
		int64		d_reserved;
		int64		after;

		omni_stock_log_prepare(1);
		for (;;)
		{
			omni_stock_block_lock(block);
			slot = omni_stock_slot_find(block, change->node);
			if (slot)
				break;
			omni_stock_block_unlock(block);
			omni_stock_load_slot(block, change->node);
		}
		omni_stock_node_pending(local, change->node, &d_on_hand, &d_reserved);
		after = slot->on_hand + d_on_hand + change->quantity;
		if (after > PG_INT32_MAX || after < PG_INT32_MIN)
		{
			omni_stock_block_unlock(block);
			raise_range();
		}
		omni_stock_push_change(local, change->node, change->quantity);
		omni_stock_block_unlock(block);

		change->ledger_id = ids[i];
		rows[i].id = ids[i];
		rows[i].item = change->item;
		rows[i].node = change->node;
		rows[i].quantity = change->quantity;
		rows[i].kind = kind;
		rows[i].channel = channel;
		rows[i].reference = reference;
		rows[i].occurred_at = occurred_at;
		rows[i].expires_at = DT_NOEND;
	}
	omni_stock_ledger_insert(rows, n);
	pfree(rows);
	pfree(ids);
}

/* What could be reserved now, never below 0. */
int32
omni_stock_available(int64 item, int64 node)
{
	OmniLocalBlock *local;
	Overlay		overlay;
	int64		available;

	omni_stock_load(&item, 1);
	local = omni_stock_local_find(item);
	omni_stock_block_lock(local->block);
	omni_stock_promise_expire(local->block, omni_core_now());
	available = own_available(local, node, &overlay);
	omni_stock_block_unlock(local->block);
	return (int32) Min(Max(available, 0), PG_INT32_MAX);
}

/* Every stocked node of an item, as this transaction sees it. */
int
omni_stock_nodes(int64 item, OmniNodeStock **nodes)
{
	OmniLocalBlock *local;
	OmniBlock  *block;
	Overlay		overlay;
	int			room;
	int			n = 0;
	int64		pool;

	omni_stock_load(&item, 1);
	local = omni_stock_local_find(item);
	block = local->block;
	for (;;)
	{
		room = block->nslots;
		*nodes = palloc(sizeof(OmniNodeStock) * Max(room, 1));
		omni_stock_block_lock(block);
		if (block->nslots <= room)
			break;
		omni_stock_block_unlock(block);
		pfree(*nodes);
	}
	omni_stock_promise_expire(block, omni_core_now());
	pool = own_available(local, OMNI_POOL, &overlay);
	for (uint32 i = 0; i < block->slots.n; i++)
	{
		OmniSlot   *slot = omni_stock_slot_at(block, i);
		OmniNodeStock *out = &(*nodes)[n];
		int64		d_on_hand = 0;
		int64		d_reserved = 0;
		int64		c;

		if (slot->node == 0)
			continue;
		if (local->pending)
			omni_stock_node_pending(local, slot->node, &d_on_hand,
									&d_reserved);
		c = slot->sellable ?
			omni_stock_free_with(slot, d_on_hand, d_reserved) : 0;
		out->node = slot->node;
		out->on_hand = slot->on_hand + d_on_hand;
		out->reserved = slot->reserved + d_reserved;
		out->safety = slot->safety;
		out->sellable = slot->sellable;
		out->available = (int32) Min(Max(Min(c, pool), 0), PG_INT32_MAX);
		n++;
	}
	omni_stock_block_unlock(block);
	return n;
}

/* Nodes that could serve at least one unit, for planning. */
int
omni_stock_candidates(int64 item, OmniStockCandidate **candidates)
{
	OmniNodeStock *nodes;
	int			nnodes = omni_stock_nodes(item, &nodes);
	int			n = 0;

	*candidates = palloc(sizeof(OmniStockCandidate) * Max(nnodes, 1));
	for (int i = 0; i < nnodes; i++)
	{
		if (nodes[i].available <= 0)
			continue;
		(*candidates)[n].node = nodes[i].node;
		(*candidates)[n].available = nodes[i].available;
		n++;
	}
	pfree(nodes);
	return n;
}

/* Load the blocks of many items by one statement, ahead of their use. */
void
omni_stock_prefetch(const int64 *items, int n)
{
	omni_stock_load(items, n);
}
