/*
 * date_core.c
 *	  Dates, also parts of dates, in many spellings; no PostgreSQL in it.
 *
 * A text becomes at most five pieces, numbers and names of months, which are
 * then laid out by their kinds.  What does not fit any layout is no date: a
 * wrong date is worse for telling people apart than none.
 */
#include "identity/date_core.h"

#include <string.h>

#include "identity/text_core.h"

#define MAX_PIECES 5

typedef struct Piece
{
	int			value;			/* number, or month */
	int			digits;			/* 0: the name of a month */
} Piece;

typedef struct MonthName
{
	char		name[10];		/* folded; what begins so, from three letters */
	uint8_t		month;
} MonthName;

/* Names in seven languages; an abbreviation fits where it is one's start. */
static const MonthName month_names[] = {
	{"january", 1}, {"januar", 1}, {"janvier", 1}, {"enero", 1},
	{"ene", 1}, {"gennaio", 1}, {"janeiro", 1}, {"januari", 1}, {"janner", 1},
	{"february", 2}, {"februar", 2}, {"fevrier", 2}, {"febrero", 2},
	{"febbraio", 2}, {"fevereiro", 2}, {"februari", 2},
	{"march", 3}, {"marz", 3}, {"maerz", 3}, {"mars", 3}, {"marzo", 3},
	{"marco", 3}, {"maart", 3}, {"mrt", 3}, {"mrz", 3},
	{"april", 4}, {"avril", 4}, {"abril", 4}, {"aprile", 4},
	{"may", 5}, {"mai", 5}, {"mayo", 5}, {"maggio", 5}, {"maio", 5},
	{"mei", 5},
	{"june", 6}, {"juni", 6}, {"juin", 6}, {"junio", 6}, {"giugno", 6},
	{"junho", 6},
	{"july", 7}, {"juli", 7}, {"juillet", 7}, {"julio", 7}, {"luglio", 7},
	{"julho", 7},
	{"august", 8}, {"aout", 8}, {"agosto", 8}, {"augustus", 8},
	{"september", 9}, {"sept", 9}, {"septembre", 9}, {"septiembre", 9},
	{"settembre", 9}, {"setembro", 9},
	{"october", 10}, {"oktober", 10}, {"octobre", 10}, {"octubre", 10},
	{"ottobre", 10}, {"outubro", 10},
	{"november", 11}, {"novembre", 11}, {"noviembre", 11}, {"novembro", 11},
	{"december", 12}, {"dezember", 12}, {"decembre", 12}, {"diciembre", 12},
	{"dicembre", 12}, {"dezembro", 12},
};

/* Month that a folded word names, 0: none. */
static int
find_month(const char *word, int len)
{
	if (len < 3)
		return 0;
	for (size_t i = 0; i < sizeof(month_names) / sizeof(month_names[0]); i++)
		if (strlen(month_names[i].name) >= (size_t) len &&
			memcmp(month_names[i].name, word, len) == 0)
			return month_names[i].month;
	return 0;
}

/* A leap year? Year 0 stands for an unknown one. */
static bool
is_leap(int year)
{
	return year == 0 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Days of a month; of an unknown year (0) a February has 29. */
static int
month_days(int year, int month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Is it a day of the calendar?  Parts that are 0 are not known. */
static bool
is_date(int year, int month, int day)
{
	if (year < 0 || year > 9999 || month < 0 || month > 12 || day < 0)
		return false;
	return day <= (month > 0 ? month_days(year, month) : 31);
}

/* Take the parts, if they are a date. */
static bool
set_date(OmniDate *date, int year, int month, int day)
{
	if (!is_date(year, month, day) || (year == 0 && month == 0))
		return false;
	date->year = (int16_t) year;
	date->month = (uint8_t) month;
	date->day = (uint8_t) day;
	return true;
}

/* "01 02 2003", in the order asked for, or the only one possible. */
static bool
set_by_order(OmniDate *date, int year, int first, int second,
			 OmniDateOrder order)
{
	bool		month_first = first > 0 && second > 0 &&
		is_date(year, first, second);
	bool		day_first = first > 0 && second > 0 &&
		is_date(year, second, first);

	if (month_first && day_first)
	{
		date->ambiguous = order == OMNI_DATE_UNKNOWN_ORDER && first != second;
		day_first = order == OMNI_DATE_DAY_FIRST;
	}
	else if (!month_first && !day_first)
		return false;
	return day_first ? set_date(date, year, second, first) :
		set_date(date, year, first, second);
}

/* The year of two digits that is the last not after "this_year". */
static int
guess_century(int year, int this_year, OmniDate *date)
{
	int			result = this_year - this_year % 100 + year;

	date->century_guessed = true;
	return result > this_year ? result - 100 : result;
}

/* Full year of a piece; 0 is no year, -1 where it cannot be one. */
static int
read_year(const Piece *piece, int this_year, OmniDate *date)
{
	if (piece->digits == 4)
		return piece->value > 0 ? piece->value : -1;
	if (piece->digits == 2)
		return guess_century(piece->value, this_year, date);
	return -1;
}

/* Eight, six or four digits in one piece. */
static bool
read_one_number(const Piece *piece, OmniDateOrder order, int this_year,
				OmniDate *date)
{
	int			v = piece->value;

	if (piece->digits == 8)
	{
		if (v / 10000 >= 1000 && v / 100 % 100 <= 12 &&
			set_date(date, v / 10000, v / 100 % 100,
					 v / 100 % 100 ? v % 100 : 0))
			return true;
		/* 17061951, 06171951 */
		return set_by_order(date, v % 10000, v / 1000000, v / 10000 % 100,
							order);
	}
	if (piece->digits == 6)
	{
		/* 195106 or 510617 */
		if (v / 100 >= 1800 && v / 100 <= this_year && v % 100 >= 1 &&
			v % 100 <= 12)
			return set_date(date, v / 100, v % 100, 0);
		return v / 100 % 100 >= 1 && v % 100 >= 1 &&
			set_date(date, guess_century(v / 10000, this_year, date),
					 v / 100 % 100, v % 100);
	}
	return piece->digits == 4 && v > 0 && set_date(date, v, 0, 0);
}

/* Two pieces: a year and a month, or a month's name and a day. */
static bool
read_two(const Piece *a, const Piece *b, OmniDate *date)
{
	const Piece *name = a->digits == 0 ? a : b;
	const Piece *other = name == a ? b : a;

	if (name->digits == 0)
	{
		if (other->digits == 4)
			return other->value > 0 &&
				set_date(date, other->value, name->value, 0);
		return (other->digits == 1 || other->digits == 2) &&
			other->value > 0 && set_date(date, 0, name->value, other->value);
	}
	if (a->digits == 4 && b->digits <= 2)
		return a->value > 0 && set_date(date, a->value, b->value, 0);
	if (b->digits == 4 && a->digits <= 2)
		return b->value > 0 && set_date(date, b->value, a->value, 0);
	return false;
}

/* Three pieces. */
static bool
read_three(const Piece *p, OmniDateOrder order, int this_year, OmniDate *date)
{
	int			year;

	for (int i = 0; i < 3; i++)
	{
		const Piece *day;
		const Piece *last;

		if (p[i].digits != 0)
			continue;
		/* 17 Jun 1951, Jun 17 1951, 1951 Jun 17; the year has four digits or
		 * stands last */
		day = i == 0 ? &p[1] : &p[0];
		last = i == 2 ? &p[1] : &p[2];
		if (day->digits == 4)
		{
			const Piece *swap = day;

			day = last;
			last = swap;
		}
		year = read_year(last, this_year, date);
		return day->digits >= 1 && day->digits <= 2 && year > 0 &&
			day->value > 0 && set_date(date, year, p[i].value, day->value);
	}
	if (p[0].digits == 4)
	{
		/* 1951-06-17; 1951-00-00 is a year; 1951-17-06 is a slip */
		if (p[0].value == 0 || p[1].digits > 2 || p[2].digits > 2)
			return false;
		if (p[1].value == 0 && p[2].value > 0)
			return false;
		return set_date(date, p[0].value, p[1].value, p[2].value) ||
			(p[2].value > 0 &&
			 set_date(date, p[0].value, p[2].value, p[1].value));
	}
	if (p[0].digits > 2 || p[1].digits > 2)
		return false;
	year = read_year(&p[2], this_year, date);
	return year > 0 && set_by_order(date, year, p[0].value, p[1].value, order);
}

/* An ordinal's end: 17th, 1st, 1er. */
static bool
is_ordinal_end(const char *s, int len)
{
	static const char *const ends[] = {"st", "nd", "rd", "th", "er", "e"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if ((int) strlen(ends[i]) == len && memcmp(ends[i], s, len) == 0)
			return true;
	return false;
}

/* Words that may stand in a date and say nothing. */
static bool
is_filler(const char *word, int len)
{
	static const char *const fillers[] = {
		"of", "de", "del", "den", "der", "am", "le", "the", "on",
		"mon", "monday", "tue", "tuesday", "wed", "wednesday", "thu",
		"thursday", "fri", "friday", "sat", "saturday", "sun", "sunday"
	};

	for (size_t i = 0; i < sizeof(fillers) / sizeof(fillers[0]); i++)
		if ((int) strlen(fillers[i]) == len &&
			memcmp(fillers[i], word, len) == 0)
			return true;
	return false;
}

/*
 * Cut a folded text into pieces; how many, -1 where something is none.  Digits
 * and letters part: 17jun1951.
 */
static int
cut_pieces(const char *text, int len, Piece *pieces)
{
	int			n = 0;

	for (int at = 0; at < len;)
	{
		int			start = at;
		bool		digits = text[at] >= '0' && text[at] <= '9';
		int			value = 0;
		int			month;

		while (at < len && text[at] != ' ' &&
			   (text[at] >= '0' && text[at] <= '9') == digits)
		{
			if (digits && at - start < 8)
				value = value * 10 + (text[at] - '0');
			at++;
		}
		if (digits)
		{
			if (at - start > 8 || n == MAX_PIECES)
				return -1;
			pieces[n].value = value;
			pieces[n++].digits = at - start;
		}
		else if (at > start)
		{
			month = find_month(text + start, at - start);
			if (month > 0 && n < MAX_PIECES)
			{
				pieces[n].value = month;
				pieces[n++].digits = 0;
			}
			else if (!is_filler(text + start, at - start) &&
					 !(n > 0 && pieces[n - 1].digits > 0 && start > 0 &&
					   text[start - 1] != ' ' &&
					   is_ordinal_end(text + start, at - start)))
				return -1;
		}
		if (at < len && text[at] == ' ')
			at++;
	}
	return n;
}

/* Where a time of day begins behind a date ("T10:00", " 10:00"), or len. */
static size_t
find_time(const char *text, size_t len)
{
	for (size_t i = 2; i < len; i++)
		if (text[i] == ':')
		{
			size_t		start = i;

			while (start > 0 && text[start - 1] >= '0' &&
				   text[start - 1] <= '9')
				start--;
			if (start > 0 && (text[start - 1] == 'T' ||
							  text[start - 1] == 't' ||
							  text[start - 1] == ' '))
				return start - 1;
			return i;
		}
	return len;
}

/* Cut a text into pieces and lay them out. */
bool
omni_identity_parse_date(const char *text, size_t len, OmniDateOrder order,
						 int this_year, OmniDate *date)
{
	char		folded[64];
	Piece		pieces[MAX_PIECES];
	bool		good = false;
	bool		no_year;
	int			n;
	int			npieces;

	memset(date, 0, sizeof(*date));
	if (this_year <= 0 || this_year > 9999)
		this_year = 2029;
	while (len > 0 && (unsigned char) *text <= ' ')
	{
		text++;
		len--;
	}
	/* beyond this nothing is a date, and blanks are no reason to read on */
	while (len > 0 && (unsigned char) text[len - 1] <= ' ')
		len--;
	if (len > sizeof(folded))
		return false;
	no_year = len > 2 && text[0] == '-' && text[1] == '-';
	n = omni_identity_fold(text, find_time(text, len), folded,
						   sizeof(folded));
	npieces = cut_pieces(folded, n, pieces);
	if (no_year)
	{
		if (npieces == 2 && pieces[0].digits == 2 && pieces[1].digits == 2 &&
			pieces[0].value > 0)
			good = set_date(date, 0, pieces[0].value, pieces[1].value);
		else if (npieces == 1 && pieces[0].digits == 2)
			good = set_date(date, 0, pieces[0].value, 0);
	}
	else if (npieces == 1 && pieces[0].digits > 0)
		good = read_one_number(&pieces[0], order, this_year, date);
	else if (npieces == 2)
		good = read_two(&pieces[0], &pieces[1], date);
	else if (npieces == 3)
		good = read_three(pieces, order, this_year, date);
	if (!good)
		memset(date, 0, sizeof(*date));
	return good;
}

/* As much of YYYY-MM-DD as is known. */
int
omni_identity_print_date(const OmniDate *date, char *text)
{
	char	   *s = text;

	if (date->year > 0)
	{
		*s++ = (char) ('0' + date->year / 1000);
		*s++ = (char) ('0' + date->year / 100 % 10);
		*s++ = (char) ('0' + date->year / 10 % 10);
		*s++ = (char) ('0' + date->year % 10);
	}
	else if (date->month > 0)
		*s++ = '-';
	if (date->month > 0)
	{
		*s++ = '-';
		*s++ = (char) ('0' + date->month / 10);
		*s++ = (char) ('0' + date->month % 10);
		if (date->day > 0)
		{
			*s++ = '-';
			*s++ = (char) ('0' + date->day / 10);
			*s++ = (char) ('0' + date->day % 10);
		}
	}
	*s = '\0';
	return (int) (s - text);
}

/* Days from 1970-01-01. */
int32_t
omni_identity_date_days(const OmniDate *date)
{
	/* years begin in March, so that the odd day is the last */
	int			year = date->year - (date->month <= 2);
	int			month = date->month > 2 ? date->month - 3 : date->month + 9;
	int			century = year / 100;

	return (int32_t) (century * 146097 / 4 + year % 100 * 1461 / 4 +
					  (153 * month + 2) / 5 + date->day - 719469);
}

/* Do all digits but one agree, or two neighbours stand crosswise? */
static bool
digits_differ_by(const char *a, const char *b, int len, bool *crossed)
{
	int			first = -1;
	int			ndiffer = 0;

	for (int i = 0; i < len; i++)
		if (a[i] != b[i])
		{
			if (first < 0)
				first = i;
			ndiffer++;
		}
	*crossed = ndiffer == 2 && first + 1 < len && a[first] == b[first + 1] &&
		a[first + 1] == b[first];
	return ndiffer == 1;
}

/* The same two or four digits in another order? */
static bool
is_permutation(const char *a, const char *b, int len)
{
	int			count[10] = {0};

	for (int i = 0; i < len; i++)
	{
		count[a[i] - '0']++;
		count[b[i] - '0']--;
	}
	for (int i = 0; i < 10; i++)
		if (count[i] != 0)
			return false;
	return true;
}

/* Eight digits, by value. */
static void
write_digits(const OmniDate *date, char *digits)
{
	int			year = date->year;

	for (int i = 3; i >= 0; i--, year /= 10)
		digits[i] = (char) ('0' + year % 10);
	digits[4] = (char) ('0' + date->month / 10);
	digits[5] = (char) ('0' + date->month % 10);
	digits[6] = (char) ('0' + date->day / 10);
	digits[7] = (char) ('0' + date->day % 10);
}

/* Two full dates that differ. */
static OmniDateLevel
compare_full(const OmniDate *a, const OmniDate *b)
{
	char		x[8];
	char		y[8];
	bool		year = a->year == b->year;
	bool		month = a->month == b->month;
	bool		day = a->day == b->day;
	bool		crossed;
	int			apart;

	if (year && a->month == b->day && a->day == b->month)
		return OMNI_DATE_SWAPPED;
	write_digits(a, x);
	write_digits(b, y);
	if (digits_differ_by(x, y, 8, &crossed))
		return OMNI_DATE_ONE_DIGIT;
	if (crossed ||
		(month && day && is_permutation(x, y, 4)) ||
		(year && day && is_permutation(x + 4, y + 4, 2)) ||
		(year && month && is_permutation(x + 6, y + 6, 2)))
		return OMNI_DATE_PERMUTED;
	if (year + month + day == 2)
		return OMNI_DATE_TWO_PARTS;
	apart = omni_identity_date_days(a) - omni_identity_date_days(b);
	return apart >= -366 && apart <= 366 ? OMNI_DATE_CLOSE :
		OMNI_DATE_DIFFERENT;
}

/* What both have is compared; full dates part by part. */
OmniDateLevel
omni_identity_compare_dates(const OmniDate *a, const OmniDate *b)
{
	bool		years = a->year != 0 && b->year != 0;
	bool		months = a->month != 0 && b->month != 0;
	bool		days = a->day != 0 && b->day != 0;

	if (!years && !months && !days)
		return OMNI_DATE_NULL;
	if ((!years || a->year == b->year) && (!months || a->month == b->month) &&
		(!days || a->day == b->day))
		return years && months && days ? OMNI_DATE_EXACT : OMNI_DATE_PARTIAL;
	if (years && months && days)
		return compare_full(a, b);
	if (years)
	{
		int			apart = a->year - b->year;

		if (apart >= -1 && apart <= 1)
			return OMNI_DATE_CLOSE;
	}
	return OMNI_DATE_DIFFERENT;
}
