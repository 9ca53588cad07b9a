/*
 * fuzz_calendar.c
 *	  libFuzzer target for src/sourcing/calendar_core.c: any calendar, against
 *	  the rules taken minute by minute and day by day.
 */
#include "bytes.h"
#include "check.h"

#include <stdbool.h>

#include "sourcing/calendar_core.h"

#define MAX_HOURS	12
#define MAX_SPECIAL	6
#define MAX_HOLIDAYS 4

typedef struct Case
{
	OmniHours	hours[MAX_HOURS];
	OmniSpecialDay special[MAX_SPECIAL];
	int32_t		holidays[MAX_HOLIDAYS];
	OmniCalendar calendar;
	OmniPickups pickups;
	int32_t		day;
	int			minute;
	int			transit;
} Case;

/* Sort hours as the core wants them. */
static void
sort_hours(OmniHours *hours, int n)
{
	for (int i = 1; i < n; i++)
	{
		OmniHours	one = hours[i];
		int			j = i;

		for (; j > 0 && (hours[j - 1].weekday > one.weekday ||
						 (hours[j - 1].weekday == one.weekday &&
						  hours[j - 1].opens > one.opens)); j--)
			hours[j] = hours[j - 1];
		hours[j] = one;
	}
}

/* A case from the input. */
static void
make_case(Bytes *bytes, Case *c)
{
	int32_t		day;

	memset(c, 0, sizeof(Case));
	c->day = next_number(bytes, 20000) - 10000;
	c->minute = next_number(bytes, OMNI_MINUTES_A_DAY - 1);
	c->transit = next_byte(bytes) % 8;
	c->calendar.nhours = next_byte(bytes) % (MAX_HOURS + 1);
	for (int i = 0; i < c->calendar.nhours; i++)
	{
		c->hours[i].weekday = next_byte(bytes) % 7 + 1;
		c->hours[i].opens = next_number(bytes, OMNI_MINUTES_A_DAY - 1);
		c->hours[i].closes = c->hours[i].opens + 1 +
			next_number(bytes, OMNI_MINUTES_A_DAY - 1 - c->hours[i].opens);
	}
	sort_hours(c->hours, c->calendar.nhours);
	c->calendar.nspecial = next_byte(bytes) % (MAX_SPECIAL + 1);
	day = c->day;
	for (int i = 0; i < c->calendar.nspecial; i++)
	{
		OmniSpecialDay *special = &c->special[i];

		day += next_byte(bytes) % 4 + (i > 0 ? 1 : 0);
		special->day = day;
		special->opens = -1;
		special->closes = -1;
		special->cutoff = -1;
		if (next_byte(bytes) % 2)
		{
			special->opens = next_number(bytes, OMNI_MINUTES_A_DAY - 1);
			special->closes = special->opens + 1 +
				next_number(bytes, OMNI_MINUTES_A_DAY - 1 - special->opens);
			if (next_byte(bytes) % 2)
				special->cutoff = next_number(bytes, OMNI_MINUTES_A_DAY);
		}
	}
	c->calendar.hours = c->hours;
	c->calendar.special = c->special;
	c->calendar.cutoff = next_number(bytes, OMNI_MINUTES_A_DAY);
	c->calendar.lead_days = next_byte(bytes) % 4;
	c->calendar.ready_minutes = next_number(bytes, 3000);
	c->pickups.nholidays = next_byte(bytes) % (MAX_HOLIDAYS + 1);
	day = c->day;
	for (int i = 0; i < c->pickups.nholidays; i++)
	{
		day += next_byte(bytes) % 3 + (i > 0 ? 1 : 0);
		c->holidays[i] = day;
	}
	c->pickups.holidays = c->holidays;
	c->pickups.cutoff = next_byte(bytes) % 2 ?
		next_number(bytes, OMNI_MINUTES_A_DAY) : -1;
	/* at the very minute of the cut-off, and the one behind it */
	if (next_byte(bytes) % 4 == 0)
		c->minute = (c->calendar.cutoff + next_byte(bytes) % 2) %
			OMNI_MINUTES_A_DAY;
	c->pickups.pickup_days = next_byte(bytes) & 0x7f;
	c->pickups.delivery_days = next_byte(bytes) & 0x7f;
}

/* ---- the rules, one by one ---- */

static const OmniSpecialDay *
special_of(const Case *c, int32_t day)
{
	for (int i = 0; i < c->calendar.nspecial; i++)
	{
		if (c->special[i].day == day)
			return &c->special[i];
	}
	return NULL;
}

static bool
open_slowly(const Case *c, int32_t day, int minute)
{
	const OmniSpecialDay *special = special_of(c, day);

	if (special)
		return special->opens >= 0 && minute >= special->opens &&
			minute < special->closes;
	if (c->calendar.nhours == 0)
		return true;
	for (int i = 0; i < c->calendar.nhours; i++)
	{
		/* day 2 of the calendar was a Monday */
		if (c->hours[i].weekday - 1 == ((day - 2) % 7 + 7) % 7 &&
			minute >= c->hours[i].opens && minute < c->hours[i].closes)
			return true;
	}
	return false;
}

static bool
works_slowly(const Case *c, int32_t day)
{
	for (int minute = 0; minute < OMNI_MINUTES_A_DAY; minute++)
	{
		if (open_slowly(c, day, minute))
			return true;
	}
	return false;
}

static bool
carrier_slowly(const Case *c, int days, int32_t day)
{
	for (int i = 0; i < c->pickups.nholidays; i++)
	{
		if (c->holidays[i] == day)
			return false;
	}
	return days >> ((day - 2) % 7 + 7) % 7 & 1;
}

static int
cutoff_slowly(const Case *c, int32_t day)
{
	const OmniSpecialDay *special = special_of(c, day);
	int			cutoff = c->calendar.cutoff;

	if (special && special->cutoff >= 0)
		cutoff = special->cutoff;
	if (c->pickups.cutoff >= 0 && c->pickups.cutoff < cutoff)
		cutoff = c->pickups.cutoff;
	return cutoff;
}

/* Which of the next days it leaves on: counted, day by day. */
static int32_t
ship_slowly(const Case *c, int within)
{
	int			left = c->calendar.lead_days;
	bool		counted = false;

	for (int i = 0; i < within; i++)
	{
		int32_t		day = c->day + i;

		if (!works_slowly(c, day))
			continue;
		if (!counted)
		{
			if (i == 0 && c->minute > cutoff_slowly(c, day))
				continue;
			counted = true;
		}
		if (left-- > 0)
			continue;
		if (carrier_slowly(c, c->pickups.pickup_days, day))
			return day;
	}
	return OMNI_NO_DAY;
}

/* ---- checks ---- */

#define WITHIN 40

static void
check_days(const Case *c)
{
	int			delays = 0;
	int32_t		ship = omni_calendar_ship_day(&c->calendar, &c->pickups, c->day,
											  c->minute, &delays);
	int32_t		slow = ship_slowly(c, WITHIN);
	int32_t		arrive;
	int			left = c->transit;

	CHECK((ship == OMNI_NO_DAY) == ((delays & OMNI_DELAY_NEVER) != 0));
	CHECK(ship >= c->day);
	if (ship < c->day + WITHIN || slow != OMNI_NO_DAY)
		CHECK(ship == slow);
	/* what is on time has no excuse, and what is late has one */
	if (ship != OMNI_NO_DAY)
		CHECK((ship == c->day) == (delays == 0));
	if (ship == OMNI_NO_DAY)
		return;

	delays = 0;
	arrive = omni_calendar_delivery_day(&c->pickups, ship, c->transit, &delays);
	if (arrive == OMNI_NO_DAY)
	{
		CHECK((c->pickups.delivery_days & 0x7f) == 0);
		return;
	}
	CHECK(carrier_slowly(c, c->pickups.delivery_days, arrive));
	for (int32_t day = ship + 1; day <= arrive; day++)
		left -= carrier_slowly(c, c->pickups.delivery_days, day);
	if (c->transit > 0)
		CHECK(left == 0);
	else
	{
		for (int32_t day = ship; day < arrive; day++)
			CHECK(!carrier_slowly(c, c->pickups.delivery_days, day));
	}
}

static void
check_hours(const Case *c)
{
	int32_t		day;
	int			minute;
	int			left = c->calendar.ready_minutes;
	bool		found;

	CHECK(omni_calendar_is_open(&c->calendar, c->day, c->minute) ==
		  open_slowly(c, c->day, c->minute));
	found = omni_calendar_next_open(&c->calendar, c->day, c->minute, &day,
									&minute);
	for (int i = 0; i < 3 * OMNI_MINUTES_A_DAY; i++)
	{
		int32_t		at = c->day + (c->minute + i) / OMNI_MINUTES_A_DAY;
		int			of = (c->minute + i) % OMNI_MINUTES_A_DAY;

		if (found && at == day && of == minute)
		{
			CHECK(open_slowly(c, at, of));
			break;
		}
		CHECK(!open_slowly(c, at, of));
	}

	found = omni_calendar_ready(&c->calendar, c->day, c->minute, &day, &minute);
	for (int i = 0; i < 7 * OMNI_MINUTES_A_DAY; i++)
	{
		int32_t		at = c->day + (c->minute + i) / OMNI_MINUTES_A_DAY;
		int			of = (c->minute + i) % OMNI_MINUTES_A_DAY;

		if (!open_slowly(c, at, of))
			continue;
		if (left-- == 0)
		{
			CHECK(found && at == day && of == minute);
			break;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes		bytes = {data, size, 1};
	Case		c;

	if (size == 0)
		return 0;
	make_case(&bytes, &c);
	if (data[0] % 2 == 0)
		check_days(&c);
	else
		check_hours(&c);
	return 0;
}
