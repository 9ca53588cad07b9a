/*
 * solve_bound_core.c
 *	  A floor under every solution, in a few passes over the offers.
 *
 * Dual ascent (Erlenkotter 1978, for uncapacitated facility location; here
 * with columns that are not additive): every node has its base cost as slack;
 * raising a line's price eats the slack of the nodes that would gain by it;
 * a price stops where the first of them has none left.  What the sum of prices
 * reaches is a lower bound.
 *
 * Freight is not linear, so a node's reduced cost is bounded from below by a
 * straight line under its freight: for each option the chord that no bracket
 * undercuts, and over options (the least of straight lines is concave) the
 * chord of their minimum between one bracket and the whole order.  Caps and
 * soft caps only make a node dearer, so leaving them out keeps the bound true.
 *
 * The order of raising matters.  Prices first go no higher than what the best
 * single node (the guide) asks for the line, so that no other node blocks a
 * line before the guide itself is paid for; then, scarce lines first, as high
 * as they can.
 */
#include <string.h>

#include "sourcing/solve_work.h"

#define LEAN_STEP	4			/* of OMNI_SOLVE_LEAN */

/*
 * The least rise for each further bracket, from the first on, that no parcel
 * of up to b brackets undercuts; where prices fall below the first bracket's,
 * -1 - (the lowest price).
 */
void
omni_sourcing_rate_slopes(const int64_t *cost, int32_t brackets,
						  int64_t *slope)
{
	int64_t		least = OMNI_SOLVE_NEVER;
	int64_t		lowest = cost[1];

	slope[0] = 0;
	slope[1] = cost[1] * OMNI_SOLVE_ONE;
	for (int32_t b = 2; b <= brackets; b++)
	{
		int64_t		rise = cost[b] - cost[1];

		if (cost[b] < lowest)
			lowest = cost[b];
		if (rise >= 0)
		{
			rise = (rise * OMNI_SOLVE_ONE) / (b - 1);
			if (rise < least)
				least = rise;
		}
		slope[b] = lowest < cost[1] ? -1 - lowest : least;
	}
}

/* The line under one option: at the first bracket, and at "most" of them. */
static void
option_line(const OmniSolveProblem *problem, const OmniSolveOption *option,
			int64_t most, int64_t *start, int64_t *end)
{
	int64_t		first = option->cost[1];
	int64_t		rise = option->slope[most < problem->brackets ?
									 most : problem->brackets];

	if (rise < 0)
	{
		first = -1 - rise;
		rise = 0;
	}
	else if (rise > first * OMNI_SOLVE_ONE)
		rise = first * OMNI_SOLVE_ONE;
	*start = (first + option->surcharge) * OMNI_SOLVE_ONE;
	*end = *start + rise * (most - 1);
}

/* The straight line under each freight, as intercept and rise per line. */
static void
draw_chords(OmniSolveWork *work)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		weight = 0;
	int64_t		most;

	for (int l = 0; l < problem->nlines; l++)
		weight += work->lines[l].weight * work->lines[l].levels;
	most = brackets_of(problem, weight);

	for (int f = 0; f < problem->nfreights; f++)
	{
		const OmniSolveFreight *freight = &problem->freights[f];
		int64_t		first = OMNI_SOLVE_NEVER;
		int64_t		last = OMNI_SOLVE_NEVER;
		int64_t		rise = 0;

		for (int o = 0; o < freight->noptions; o++)
		{
			int64_t		start;
			int64_t		end;

			option_line(problem,
						&problem->options[freight->first_option + o], most,
						&start, &end);
			first = start < first ? start : first;
			last = end < last ? end : last;
		}
		if (most > 1 && freight->noptions > 0)
			rise = (last - first) / (most - 1);
		work->intercept[f] = first - rise;
		for (int l = 0; l < problem->nlines; l++)
			work->slope[(size_t) f * problem->nlines + l] =
				rise_of(&work->lines[l], rise);
	}
}

/* Slack and cap of every node. */
static void
prepare_nodes(OmniSolveWork *work)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		base = (problem->split_penalty * OMNI_SOLVE_ONE) +
		work->toll;

	for (int n = 0; n < problem->nnodes; n++)
	{
		const OmniSolveNode *node = &problem->nodes[n];
		OmniSolveWorkNode *mine = &work->nodes[n];

		mine->freight = node->freight;
		mine->slack = base + (node->fixed * OMNI_SOLVE_ONE) +
			work->intercept[node->freight];
		mine->cap = node->unit_cap < 0 ? INT32_MAX : node->unit_cap;
		if (problem->freights[node->freight].noptions == 0)
		{
			mine->cap = 0;
			mine->slack = OMNI_SOLVE_NEVER;
		}
	}
}

/* Lines with few offers first: they decide most. */
static void
order_lines(OmniSolveWork *work)
{
	for (int i = 0; i < work->problem->nlines; i++)
	{
		int			place = i;

		for (; place > 0 && work->lines[work->order[place - 1]].noffers >
			 work->lines[i].noffers; place--)
			work->order[place] = work->order[place - 1];
		work->order[place] = i;
	}
}

/*
 * The offers of a line as prices see them, and what each node saves by them.
 * False: there are fewer than wanted.
 */
static bool
look_at_line(OmniSolveWork *work, int l)
{
	const OmniSolveProblem *problem = work->problem;
	OmniSolveWorkLine *line = &work->lines[l];
	const OmniSolveOffer *offer = &problem->offers[line->first_offer];
	const int64_t *slope = work->slope + l;
	OmniSolveLook *look = &work->looks[line->first_offer];
	int64_t		unfilled = line->unfilled < OMNI_SOLVE_NEVER ?
		line->unfilled : work->missing;
	int64_t		cheapest = line->unfilled;
	int64_t		scale = line->per_level * OMNI_SOLVE_ONE;
	int64_t		offered = 0;

	for (int o = 0; o < line->noffers; o++, offer++)
	{
		const OmniSolveWorkNode *node = &work->nodes[offer->node];
		int32_t		levels = levels_at(line, offer->units, node->cap);
		int64_t		cost;

		if (levels == 0)
			continue;
		cost = offer->cost * scale +
			slope[(size_t) node->freight * problem->nlines];
		offered += levels;
		if (cost < cheapest)
			cheapest = cost;
		if (cost < unfilled)
			work->alone[offer->node] += levels * (cost - unfilled);
		look->cost = cost;
		look->node = offer->node;
		look->levels = levels;
		look++;
	}
	line->nlooks = (int32_t) (look - &work->looks[line->first_offer]);
	line->price = cheapest;
	return offered >= line->levels;
}

/*
 * Everything that prices start from: they begin where nobody gains by them.
 * "alone" bounds each node's cost when it ships all that pays, less what the
 * same units cost unfilled.  False: some units lie nowhere.
 */
bool
omni_sourcing_prepare_bound(OmniSolveWork *work)
{
	const OmniSolveProblem *problem = work->problem;
	bool		enough = true;

	draw_chords(work);
	prepare_nodes(work);
	order_lines(work);
	for (int n = 0; n < problem->nnodes; n++)
		work->alone[n] = work->nodes[n].slack;
	for (int l = 0; l < problem->nlines; l++)
		enough &= look_at_line(work, l);
	spend(work, problem->noffers + problem->nnodes);
	return enough;
}

/* How high can a line's price go before a node would gain? */
static int64_t
price_limit(const OmniSolveWork *work, int l, int64_t most)
{
	const OmniSolveWorkLine *line = &work->lines[l];
	const OmniSolveLook *look = &work->looks[line->first_offer];

	for (const OmniSolveLook *end = look + line->nlooks; look < end; look++)
	{
		int64_t		limit = look->cost > line->price ? look->cost : line->price;

		if (limit >= most)
			continue;
		limit += look->levels == 1 ? work->nodes[look->node].slack :
			work->nodes[look->node].slack / look->levels;
		if (limit < most)
			most = limit;
	}
	return most;
}

/*
 * Set a line's price, and take from the slack of who would gain by it, or give
 * back.  The least slack that is left of any of them.
 */
static int64_t
set_price(OmniSolveWork *work, int l, int64_t price)
{
	OmniSolveWorkLine *line = &work->lines[l];
	const OmniSolveLook *look = &work->looks[line->first_offer];
	int64_t		before = line->price;
	int64_t		higher = price > before ? price : before;
	int64_t		least = 0;

	for (const OmniSolveLook *end = look + line->nlooks; look < end; look++)
	{
		if (look->cost < higher)
		{
			int64_t    *slack = &work->nodes[look->node].slack;
			int64_t		from = look->cost > before ? look->cost : before;
			int64_t		to = look->cost > price ? look->cost : price;

			*slack -= look->levels * (to - from);
			if (*slack < least)
				least = *slack;
		}
	}
	line->price = price;
	return least;
}

/* Where a node's offer of a line is among all looks; -1: it has none. */
static int
find_look(const OmniSolveWork *work, int l, int32_t node)
{
	int			low = work->lines[l].first_offer;
	int			end = low + work->lines[l].nlooks;
	int			high = end;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (work->looks[middle].node < node)
			low = middle + 1;
		else
			high = middle;
	}
	return low < end && work->looks[low].node == node ? low : -1;
}

/*
 * Raise prices: first each no higher than "most", then as high as they can.
 */
static void
raise_prices(OmniSolveWork *work, const int64_t *most)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		sum = 0;

	for (int i = 0; i < problem->nlines && most; i++)
	{
		int			l = work->order[i];
		int64_t		limit = most[l];
		int64_t		before = work->lines[l].price;

		if (limit > work->lines[l].unfilled)
			limit = work->lines[l].unfilled;
		/* mostly nobody minds: find out by doing it */
		if (limit < OMNI_SOLVE_NEVER && limit > before &&
			set_price(work, l, limit) < 0)
		{
			set_price(work, l, before);
			set_price(work, l, price_limit(work, l, limit));
		}
	}
	for (int i = 0; i < problem->nlines; i++)
	{
		int			l = work->order[i];
		const OmniSolveWorkLine *line = &work->lines[l];

		if (line->price < line->unfilled)
			set_price(work, l, price_limit(work, l, line->unfilled));
		sum += line->price * line->levels;
	}
	work->floor = sum - (problem->split_penalty * OMNI_SOLVE_ONE) -
		work->toll * problem->max_nodes;
	spend(work, 4 * problem->noffers);
}

/* Raise prices as the file header says. */
void
omni_sourcing_raise_prices(OmniSolveWork *work, int32_t guide)
{
	for (int l = 0; l < work->problem->nlines; l++)
	{
		int			at = find_look(work, l, guide);

		work->scratch[l] = at < 0 ? OMNI_SOLVE_NEVER : work->looks[at].cost;
	}
	raise_prices(work, work->scratch);
}

/*
 * With at most one node there is nothing to share: prices are what is unfilled
 * costs, and the toll takes what the best node would gain.
 */
void
omni_sourcing_price_single(OmniSolveWork *work)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		least = 0;
	int64_t		sum = 0;

	for (int n = 0; n < problem->nnodes; n++)
	{
		if (work->nodes[n].cap > 0 && work->alone[n] < least)
			least = work->alone[n];
	}
	work->toll = -least;
	for (int n = 0; n < problem->nnodes; n++)
		work->nodes[n].slack = work->alone[n] + work->toll;
	for (int l = 0; l < problem->nlines; l++)
	{
		OmniSolveWorkLine *line = &work->lines[l];

		line->price = line->unfilled < OMNI_SOLVE_NEVER ?
			line->unfilled : work->missing;
		sum += line->price * line->levels;
	}
	work->floor = sum - (problem->split_penalty * OMNI_SOLVE_ONE) -
		work->toll;
}

/*
 * The line along full parcels under each option: its start, at the first
 * bracket, and its rise.
 */
static void
draw_parcel_lines(OmniSolveWork *work)
{
	const OmniSolveProblem *problem = work->problem;

	for (int o = 0; o < problem->noptions; o++)
	{
		const OmniSolveOption *option = &problem->options[o];
		int64_t		rise = option->cost[problem->brackets] *
			OMNI_SOLVE_ONE / problem->brackets;
		int64_t		least = 0;

		for (int32_t b = 1; b < problem->brackets; b++)
		{
			int64_t		over = option->cost[b] * OMNI_SOLVE_ONE - b * rise;

			least = over < least ? over : least;
		}
		work->parcel_rise[o] = rise;
		work->parcel_start[o] = option->surcharge * OMNI_SOLVE_ONE +
			least + rise;
	}
	spend(work, (int64_t) problem->noptions * problem->brackets);
}

/* A pair of lines under an option: where they start and end. */
typedef struct Lines
{
	int64_t		start[2];
	int64_t		end[2];
} Lines;

static Lines
lines_under(const OmniSolveWork *work, int o, int64_t most)
{
	const OmniSolveProblem *problem = work->problem;
	Lines		lines;

	option_line(problem, &problem->options[o], most, &lines.start[0],
				&lines.end[0]);
	lines.start[1] = lines.start[0];
	lines.end[1] = lines.end[0];
	if (most > problem->brackets)
	{
		lines.start[1] = work->parcel_start[o];
		lines.end[1] = lines.start[1] + work->parcel_rise[o] * (most - 1);
	}
	return lines;
}

/* Is a below b everywhere? */
static bool
is_below(const Lines *a, const Lines *b)
{
	return a->start[0] <= b->start[0] && a->end[0] <= b->end[0] &&
		a->start[1] <= b->start[1] && a->end[1] <= b->end[1];
}

/* What is below both: the chord of their minimum. */
static void
lower_lines(Lines *a, const Lines *b)
{
	for (int i = 0; i < 2; i++)
	{
		a->start[i] = a->start[i] < b->start[i] ? a->start[i] : b->start[i];
		a->end[i] = a->end[i] < b->end[i] ? a->end[i] : b->end[i];
	}
}

/* Let a line under a survivor's freight lean between its two. */
void
omni_sourcing_lean(OmniSolveWork *work, OmniSolveSurvivor *survivor,
				   int piece, int lean)
{
	OmniSolveHeld *held = &work->held[survivor->first];
	const int64_t *starts = survivor->start[piece];
	const int64_t *rises = survivor->rise[piece];
	int64_t		start = starts[0];
	int64_t		rise = rises[0];

	if (lean > 0)
	{
		start = ((OMNI_SOLVE_LEAN - lean) * starts[0] + lean * starts[1]) >> 4;
		rise = ((OMNI_SOLVE_LEAN - lean) * rises[0] + lean * rises[1]) >> 4;
	}
	survivor->lean[piece] = lean;
	survivor->piece[piece] = start - rise;
	for (int h = 0; h < survivor->nheld; h++)
		held[h].low[piece] = held[h].cost +
			rise_of(&work->lines[held[h].line], rise);
}

/* The lines under a survivor's freight, as steep as what it holds allows. */
static void
draw_pieces(OmniSolveWork *work, OmniSolveSurvivor *survivor)
{
	const OmniSolveProblem *problem = work->problem;
	const OmniSolveNode *node = &problem->nodes[survivor->node];
	const OmniSolveFreight *freight = &problem->freights[node->freight];
	const OmniSolveHeld *held = &work->held[survivor->first];
	Lines		kept[OMNI_SOLVE_PIECES];
	int64_t		weight = 0;
	int64_t		most;
	int			n = 0;

	for (int h = 0; h < survivor->nheld; h++)
		weight += held[h].levels * work->lines[held[h].line].weight;
	most = brackets_of(problem, weight);
	survivor->brackets = most;
	for (int o = 0; o < freight->noptions; o++)
	{
		Lines		lines = lines_under(work, freight->first_option + o, most);
		int			after = 0;
		bool		needed = true;

		for (int i = 0; i < n; i++)
		{
			needed &= !is_below(&kept[i], &lines);
			if (!needed || !is_below(&lines, &kept[i]))
				kept[after++] = kept[i];
		}
		n = after;
		if (!needed)
			continue;
		if (n == OMNI_SOLVE_PIECES)
			lower_lines(&kept[n - 1], &lines);
		else
			kept[n++] = lines;
	}
	survivor->npieces = n;
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < 2; j++)
		{
			survivor->start[i][j] = kept[i].start[j];
			survivor->rise[i][j] = most > 1 ?
				(kept[i].end[j] - kept[i].start[j]) / (most - 1) : 0;
		}
		omni_sourcing_lean(work, survivor, i, 0);
	}
}

/* Could a node ship more than a full parcel? */
static bool
is_heavy(const OmniSolveWork *work)
{
	int64_t		weight = 0;

	for (int l = 0; l < work->problem->nlines; l++)
		weight += work->lines[l].weight * work->lines[l].levels;
	return brackets_of(work->problem, weight) > work->problem->brackets;
}

/* A line's reduced cost when it leans so far, without what is the same. */
static int64_t
reduced_leaning(OmniSolveWork *work, OmniSolveSurvivor *survivor, int piece,
				int lean)
{
	const OmniSolveHeld *held = &work->held[survivor->first];
	int64_t		reduced;

	omni_sourcing_lean(work, survivor, piece, lean);
	reduced = survivor->piece[piece];
	for (int h = 0; h < survivor->nheld; h++)
	{
		int64_t		gain = work->lines[held[h].line].price - held[h].low[piece];

		reduced -= gain > 0 ? gain * held[h].levels : 0;
	}
	return reduced;
}

/* Let a survivor's lines lean to where they ask most at the present prices. */
void
omni_sourcing_fit_leans(OmniSolveWork *work, OmniSolveSurvivor *survivor)
{
	int64_t		tried = 0;

	for (int i = 0; i < survivor->npieces; i++)
	{
		int			best = survivor->lean[i];
		int64_t		most = reduced_leaning(work, survivor, i, best);

		for (int way = -1; way <= 1; way += 2)
		{
			int			lean = best + way * LEAN_STEP;

			for (; lean >= 0 && lean <= OMNI_SOLVE_LEAN;
				 lean += way * LEAN_STEP)
			{
				int64_t		reduced = reduced_leaning(work, survivor, i, lean);

				tried++;
				if (reduced <= most)
					break;
				most = reduced;
				best = lean;
			}
		}
		omni_sourcing_lean(work, survivor, i, best);
		tried += 2;
	}
	spend(work, tried * survivor->nheld);
}

/* Where a node's units become dearer or end. */
static void
set_limit(OmniSolveSurvivor *survivor, const OmniSolveNode *node)
{
	survivor->limit = INT64_MAX;
	survivor->beyond = 0;
	if (node->unit_cap >= 0)
	{
		survivor->limit = node->unit_cap;
		survivor->beyond = OMNI_SOLVE_NEVER;
	}
	if (node->soft_cap >= 0 && node->soft_cap < survivor->limit)
	{
		survivor->limit = node->soft_cap;
		survivor->beyond = node->over_cost * OMNI_SOLVE_ONE;
	}
}

/* Note what a survivor holds of a line. */
static inline void
hold_offer(OmniSolveWork *work, OmniSolveHeld *held, int l,
		   const OmniSolveLook *look)
{
	held->line = l;
	held->levels = look->levels;
	held->cost = look->cost -
		work->slope[(size_t) work->nodes[look->node].freight *
					work->problem->nlines + l];
}

/* What survivors hold, looked up for each; how much it is. */
static int32_t
hold_few(OmniSolveWork *work)
{
	int32_t		first = 0;

	for (int s = 0; s < work->nsurvivors; s++)
	{
		OmniSolveSurvivor *survivor = &work->survivors[s];

		survivor->first = first;
		for (int i = 0; i < work->problem->nlines; i++)
		{
			int			l = work->order[i];
			int			at = find_look(work, l, survivor->node);

			if (at >= 0)
				hold_offer(work, &work->held[first++], l, &work->looks[at]);
		}
		survivor->nheld = first - survivor->first;
	}
	return first;
}

/* The same, in two passes over all offers. */
static int32_t
hold_many(OmniSolveWork *work)
{
	int32_t		first = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 0; i < work->problem->nlines; i++)
		{
			int			l = work->order[i];
			const OmniSolveLook *look =
				&work->looks[work->lines[l].first_offer];

			for (int o = 0; o < work->lines[l].nlooks; o++, look++)
			{
				OmniSolveSurvivor *survivor;

				if (work->slot[look->node] < 0)
					continue;
				survivor = &work->survivors[work->slot[look->node]];
				if (pass == 1)
					hold_offer(work, &work->held[survivor->first +
												 survivor->nheld], l, look);
				survivor->nheld++;
			}
		}
		for (int s = 0; s < work->nsurvivors && pass == 0; s++)
		{
			work->survivors[s].first = first;
			first += work->survivors[s].nheld;
			work->survivors[s].nheld = 0;
		}
	}
	return first;
}

/*
 * The nodes that may still be part of a solution whose terms add up to less
 * than "gap" above the floor, and what they hold.
 */
void
omni_sourcing_pick_survivors(OmniSolveWork *work, int64_t gap)
{
	const OmniSolveProblem *problem = work->problem;
	int64_t		base = problem->split_penalty * OMNI_SOLVE_ONE;
	int32_t		first = 0;

	work->nsurvivors = 0;
	for (int n = 0; n < problem->nnodes; n++)
	{
		OmniSolveSurvivor *survivor;

		work->slot[n] = -1;
		if (work->nodes[n].slack >= gap || work->nodes[n].cap == 0)
			continue;
		work->slot[n] = work->nsurvivors;
		survivor = &work->survivors[work->nsurvivors++];
		survivor->node = n;
		survivor->nheld = 0;
		survivor->base = base + (problem->nodes[n].fixed * OMNI_SOLVE_ONE);
		survivor->refund = 0;
		survivor->best_piece = 0;
		survivor->active = true;
		set_limit(survivor, &problem->nodes[n]);
	}
	if ((int64_t) work->nsurvivors * problem->nlines * 8 < problem->noffers)
		first = hold_few(work);
	else
		first = hold_many(work);
	work->nheld = first;
	work->refunds = 0;
	if (is_heavy(work))
		draw_parcel_lines(work);
	for (int s = 0; s < work->nsurvivors; s++)
		draw_pieces(work, &work->survivors[s]);
	spend(work, 2 * problem->noffers + problem->nnodes);
}
