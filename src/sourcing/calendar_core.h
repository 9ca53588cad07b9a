/*
 * calendar_core.h
 *	  Opening hours, cut-offs, holidays, transit days; no PostgreSQL in it.
 *
 * Everything here is local to one node: days are counted from 2000-01-01, as
 * PostgreSQL's dates are, minutes from the local midnight.  What instant that
 * is, and that some days have 23 or 25 hours, is the caller's business.
 */
#ifndef OMNI_SOURCING_CALENDAR_CORE_H
#define OMNI_SOURCING_CALENDAR_CORE_H

#include <stdbool.h>
#include <stdint.h>

#define OMNI_MINUTES_A_DAY	1440
/* how far ahead anything is looked for */
#define OMNI_CALENDAR_DAYS	500
/* a day that does not come */
#define OMNI_NO_DAY			INT32_MAX

/* Open on a weekday (1 Monday … 7 Sunday) from "opens" up to "closes". */
typedef struct OmniHours
{
	int16_t		weekday;
	int16_t		opens;			/* 0 … 1439 */
	int16_t		closes;			/* above opens, up to 1440 */
} OmniHours;

/* A date that is not like its weekday. */
typedef struct OmniSpecialDay
{
	int32_t		day;
	int16_t		opens;			/* -1: closed all day */
	int16_t		closes;
	int16_t		cutoff;			/* -1: as on other days */
} OmniSpecialDay;

/* When a node works. */
typedef struct OmniCalendar
{
	const OmniHours *hours;		/* ascending by weekday and opens; touching
								 * or overlapping ones are one stretch */
	const OmniSpecialDay *special;	/* ascending by day, each once */
	int32_t		nhours;			/* 0: open day and night */
	int32_t		nspecial;
	int32_t		ready_minutes;	/* of work until a pickup is ready */
	int16_t		cutoff;			/* orders up to this minute count as of the
								 * same day */
	int16_t		lead_days;		/* working days between order and dispatch */
} OmniCalendar;

/* When a carrier's service comes, and when it delivers. */
typedef struct OmniPickups
{
	const int32_t *holidays;	/* ascending: neither pickup nor delivery */
	int32_t		nholidays;
	int16_t		cutoff;			/* -1: none of its own */
	uint8_t		pickup_days;	/* bit 0 Monday … bit 6 Sunday */
	uint8_t		delivery_days;
} OmniPickups;

/* Why a day came later than it might have; bits. */
#define OMNI_DELAY_CLOSED			(1 << 0)	/* the node does not work */
#define OMNI_DELAY_SPECIAL_DAY		(1 << 1)	/* nor on this date */
#define OMNI_DELAY_CUTOFF			(1 << 2)	/* the order came too late */
#define OMNI_DELAY_LEAD_TIME		(1 << 3)
#define OMNI_DELAY_NO_PICKUP		(1 << 4)	/* the carrier does not come */
#define OMNI_DELAY_NO_DELIVERY		(1 << 5)	/* nor does it deliver */
#define OMNI_DELAY_CARRIER_HOLIDAY	(1 << 6)
#define OMNI_DELAY_NEVER			(1 << 7)	/* not within the horizon */

extern int	omni_calendar_weekday(int32_t day);

/* Is the node open at this minute? */
extern bool omni_calendar_is_open(const OmniCalendar *calendar, int32_t day,
								  int minute);
/* The first open minute from there on; false: none. */
extern bool omni_calendar_next_open(const OmniCalendar *calendar,
									int32_t day, int minute,
									int32_t *open_day, int *open_minute);
/* The minute up to which an order counts as of that day, -1: no work. */
extern int	omni_calendar_cutoff(const OmniCalendar *calendar,
								 const OmniPickups *pickups, int32_t day);
/*
 * The day on which a parcel of an order that comes at this minute leaves by
 * this service, or OMNI_NO_DAY; adds to *delays.
 */
extern int32_t omni_calendar_ship_day(const OmniCalendar *calendar,
									  const OmniPickups *pickups,
									  int32_t day, int minute, int *delays);
/* The day on which it arrives, so many delivery days later. */
extern int32_t omni_calendar_delivery_day(const OmniPickups *pickups,
										  int32_t ship_day, int transit_days,
										  int *delays);
/* When an order is ready to be collected; false: never. */
extern bool omni_calendar_ready(const OmniCalendar *calendar, int32_t day,
								int minute, int32_t *ready_day,
								int *ready_minute);

#endif							/* OMNI_SOURCING_CALENDAR_CORE_H */
