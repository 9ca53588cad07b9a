/*
 * calendar_core.c
 *	  Opening hours, cut-offs, holidays, transit days, over local days.
 *
 * Pure C over plain arrays: no server, no allocation.  The rules:
 *
 * - A special day replaces its weekday's hours; without hours the node is open
 *	 day and night.  A working day is one on which it is open at all.
 * - An order that comes up to the cut-off of a working day counts as of that
 *	 day, also before it opens; any other as of the next working day.  The
 *	 earlier of the node's and the service's cut-off counts.
 * - It leaves lead_days working days later, on the first working day on which
 *	 the carrier comes.
 * - It arrives transit_days delivery days of the carrier later; with none, on
 *	 the first delivery day from the day that it left.
 * - A pickup is ready after ready_minutes during which the node was open.
 * - Nothing is looked for beyond OMNI_CALENDAR_DAYS, so every loop ends.
 */
#include <stddef.h>

#include "sourcing/calendar_core.h"

#define LESSER(a, b) ((a) < (b) ? (a) : (b))
#define GREATER(a, b) ((a) > (b) ? (a) : (b))

/* 1 Monday … 7 Sunday; 2000-01-01, day 0, was a Saturday. */
int
omni_calendar_weekday(int32_t day)
{
	int			from_saturday = (int) (day % 7);

	if (from_saturday < 0)
		from_saturday += 7;
	return (from_saturday + 5) % 7 + 1;
}

/* A day so many days later, OMNI_NO_DAY beyond the calendar. */
static int32_t
add_days(int32_t day, int days)
{
	if (day > OMNI_NO_DAY - 1 - days)
		return OMNI_NO_DAY;
	return day + days;
}

/* The day's special rules, or NULL. */
static const OmniSpecialDay *
find_special(const OmniCalendar *calendar, int32_t day)
{
	int			low = 0;
	int			high = calendar->nspecial - 1;

	while (low <= high)
	{
		int			middle = low + (high - low) / 2;

		if (calendar->special[middle].day == day)
			return &calendar->special[middle];
		if (calendar->special[middle].day < day)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

/*
 * The first stretch of a day that ends after "minute"; false: none.
 * Stretches of a weekday that touch are joined.
 */
static bool
next_stretch(const OmniCalendar *calendar, int32_t day, int minute,
			 int *opens, int *closes)
{
	const OmniSpecialDay *special = find_special(calendar, day);
	int			weekday;
	bool		found = false;

	if (special)
	{
		*opens = special->opens;
		*closes = special->closes;
		return special->opens >= 0 && special->closes > minute;
	}
	if (calendar->nhours == 0)
	{
		*opens = 0;
		*closes = OMNI_MINUTES_A_DAY;
		return minute < OMNI_MINUTES_A_DAY;
	}
	weekday = omni_calendar_weekday(day);
	for (int i = 0; i < calendar->nhours; i++)
	{
		const OmniHours *hours = &calendar->hours[i];

		if (hours->weekday != weekday || hours->closes <= minute)
			continue;
		if (!found)
		{
			*opens = hours->opens;
			*closes = hours->closes;
			found = true;
		}
		else if (hours->opens <= *closes)
			*closes = GREATER(*closes, hours->closes);
	}
	return found;
}

/* Does the node work on that day?  Says why not. */
static bool
is_working_day(const OmniCalendar *calendar, int32_t day, int *delays)
{
	int			opens;
	int			closes;

	if (next_stretch(calendar, day, 0, &opens, &closes))
		return true;
	*delays |= find_special(calendar, day) ? OMNI_DELAY_SPECIAL_DAY :
		OMNI_DELAY_CLOSED;
	return false;
}

/* Is the node open at this minute? */
bool
omni_calendar_is_open(const OmniCalendar *calendar, int32_t day, int minute)
{
	int			opens;
	int			closes;

	return next_stretch(calendar, day, minute, &opens, &closes) &&
		opens <= minute;
}

/* The first open minute from there on. */
bool
omni_calendar_next_open(const OmniCalendar *calendar, int32_t day, int minute,
						int32_t *open_day, int *open_minute)
{
	for (int i = 0; i < OMNI_CALENDAR_DAYS; i++)
	{
		int32_t		at = add_days(day, i);
		int			opens;
		int			closes;

		if (at == OMNI_NO_DAY)
			break;
		if (next_stretch(calendar, at, i == 0 ? minute : 0, &opens, &closes))
		{
			*open_day = at;
			*open_minute = i == 0 ? GREATER(opens, minute) : opens;
			return true;
		}
	}
	return false;
}

/* The minute up to which an order counts as of that day, -1: no work. */
int
omni_calendar_cutoff(const OmniCalendar *calendar, const OmniPickups *pickups,
					 int32_t day)
{
	const OmniSpecialDay *special = find_special(calendar, day);
	int			cutoff = calendar->cutoff;
	int			delays = 0;

	if (!is_working_day(calendar, day, &delays))
		return -1;
	if (special && special->cutoff >= 0)
		cutoff = special->cutoff;
	if (pickups && pickups->cutoff >= 0)
		cutoff = LESSER(cutoff, pickups->cutoff);
	return cutoff;
}

/* Is the day among the carrier's holidays? */
static bool
is_holiday(const OmniPickups *pickups, int32_t day)
{
	int			low = 0;
	int			high = pickups->nholidays - 1;

	while (low <= high)
	{
		int			middle = low + (high - low) / 2;

		if (pickups->holidays[middle] == day)
			return true;
		if (pickups->holidays[middle] < day)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return false;
}

/* Does the carrier work on that day?  Says why not. */
static bool
carrier_works(const OmniPickups *pickups, uint8_t weekdays, int32_t day,
			  int delay, int *delays)
{
	if (!(weekdays & (1 << (omni_calendar_weekday(day) - 1))))
	{
		*delays |= delay;
		return false;
	}
	if (is_holiday(pickups, day))
	{
		*delays |= OMNI_DELAY_CARRIER_HOLIDAY;
		return false;
	}
	return true;
}

/* The working day that an order which comes at this minute counts as of. */
static int32_t
order_day(const OmniCalendar *calendar, const OmniPickups *pickups,
		  int32_t day, int minute, int *delays)
{
	int			cutoff = omni_calendar_cutoff(calendar, pickups, day);

	if (cutoff >= 0 && minute <= cutoff)
		return day;
	if (cutoff >= 0)
		*delays |= OMNI_DELAY_CUTOFF;
	else
		(void) is_working_day(calendar, day, delays);
	for (int i = 1; i < OMNI_CALENDAR_DAYS; i++)
	{
		int32_t		at = add_days(day, i);

		if (at == OMNI_NO_DAY)
			break;
		if (is_working_day(calendar, at, delays))
			return at;
	}
	return OMNI_NO_DAY;
}

/* The day on which an order's parcel leaves. */
int32_t
omni_calendar_ship_day(const OmniCalendar *calendar,
					   const OmniPickups *pickups, int32_t day, int minute,
					   int *delays)
{
	int32_t		at = order_day(calendar, pickups, day, minute, delays);
	int			lead = calendar->lead_days;

	if (lead > 0)
		*delays |= OMNI_DELAY_LEAD_TIME;
	for (int i = 0; i < OMNI_CALENDAR_DAYS && at != OMNI_NO_DAY; i++)
	{
		if (is_working_day(calendar, at, delays))
		{
			if (lead > 0)
				lead--;
			else if (carrier_works(pickups, pickups->pickup_days, at,
								   OMNI_DELAY_NO_PICKUP, delays))
				return at;
		}
		at = add_days(at, 1);
	}
	*delays |= OMNI_DELAY_NEVER;
	return OMNI_NO_DAY;
}

/* The day on which a parcel arrives. */
int32_t
omni_calendar_delivery_day(const OmniPickups *pickups, int32_t ship_day,
						   int transit_days, int *delays)
{
	int32_t		at = ship_day;
	int			left = transit_days;

	if (at != OMNI_NO_DAY && left > 0)
		at = add_days(at, 1);
	for (int i = 0; i < OMNI_CALENDAR_DAYS && at != OMNI_NO_DAY; i++)
	{
		if (carrier_works(pickups, pickups->delivery_days, at,
						  OMNI_DELAY_NO_DELIVERY, delays) && --left <= 0)
			return at;
		at = add_days(at, 1);
	}
	*delays |= OMNI_DELAY_NEVER;
	return OMNI_NO_DAY;
}

/* When an order is ready to be collected. */
bool
omni_calendar_ready(const OmniCalendar *calendar, int32_t day, int minute,
					int32_t *ready_day, int *ready_minute)
{
	int			left = calendar->ready_minutes;

	for (int i = 0; i < OMNI_CALENDAR_DAYS; i++)
	{
		int32_t		at = add_days(day, i);
		int			from = i == 0 ? minute : 0;
		int			opens;
		int			closes;

		if (at == OMNI_NO_DAY)
			break;
		while (next_stretch(calendar, at, from, &opens, &closes))
		{
			from = GREATER(from, opens);
			/* ready when it closes is ready when it opens again */
			if (from + left < closes)
			{
				*ready_day = at;
				*ready_minute = from + left;
				return true;
			}
			left -= closes - from;
			from = closes;
		}
	}
	return false;
}
