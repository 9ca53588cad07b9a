/*
 * text.c
 *	  Strings, array literals, hashing and dates for the replay client.
 *
 * Hashing is fixed (FNV-1a, then a 64-bit finaliser) and never that of the
 * platform: what is chosen by it must be the same everywhere.
 */
#include "replay.h"

#include <math.h>
#include <stdarg.h>
#include <time.h>

/* Say what is wrong and end the program. */
void
fail(const char *format, ...)
{
	va_list		args;

	fflush(stdout);
	fputs("omni_replay: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* Zeroed memory, or the end. */
void *
allocate(size_t size)
{
	void	   *memory = calloc(1, size ? size : 1);

	if (memory == NULL)
		fail("out of memory");
	return memory;
}

/* Make room in an array for one more than "count" elements. */
void *
grow(void *array, size_t count, size_t *room, size_t width)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 64;
	array = realloc(array, *room * width);
	if (array == NULL)
		fail("out of memory");
	return array;
}

char *
copy_text(const char *text)
{
	size_t		size = strlen(text) + 1;

	return memcpy(allocate(size), text, size);
}

/* Copy into a fixed array, cut to its size between two characters. */
void
copy_short(char *into, size_t size, const char *text)
{
	size_t		len = strlen(text);

	if (len >= size)
	{
		len = size - 1;
		while (len > 0 && ((unsigned char) text[len] & 0xC0) == 0x80)
			len--;
	}
	memcpy(into, text, len);
	into[len] = '\0';
}

void
buffer_reset(Buffer *buffer)
{
	buffer->len = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

/* Room for "more" bytes and the closing zero. */
static void
buffer_room(Buffer *buffer, size_t more)
{
	if (buffer->len + more + 1 > buffer->size)
	{
		size_t		size = buffer->size ? buffer->size : 256;

		while (size < buffer->len + more + 1)
			size *= 2;
		buffer->data = realloc(buffer->data, size);
		if (buffer->data == NULL)
			fail("out of memory");
		buffer->size = size;
	}
}

void
buffer_add(Buffer *buffer, const char *text)
{
	size_t		len = strlen(text);

	buffer_room(buffer, len);
	memcpy(buffer->data + buffer->len, text, len + 1);
	buffer->len += len;
}

void
buffer_char(Buffer *buffer, char c)
{
	buffer_room(buffer, 1);
	buffer->data[buffer->len++] = c;
	buffer->data[buffer->len] = '\0';
}

void
buffer_printf(Buffer *buffer, const char *format, ...)
{
	va_list		args;
	int			len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	buffer_room(buffer, (size_t) len);
	va_start(args, format);
	vsnprintf(buffer->data + buffer->len, (size_t) len + 1, format, args);
	va_end(args);
	buffer->len += (size_t) len;
}

/* A JSON string with its quotes; the text is UTF-8. */
void
buffer_json(Buffer *buffer, const char *text)
{
	buffer_char(buffer, '"');
	for (; *text; text++)
	{
		if (*text == '"' || *text == '\\')
			buffer_char(buffer, '\\');
		if ((unsigned char) *text < ' ')
			buffer_printf(buffer, "\\u%04x", *text);
		else
			buffer_char(buffer, *text);
	}
	buffer_char(buffer, '"');
}

/* A price as decimal text with two decimals, three where it has them. */
void
buffer_price(Buffer *buffer, int64_t mills)
{
	int64_t		size = mills < 0 ? -mills : mills;

	if (mills < 0)
		buffer_char(buffer, '-');
	if (size % 10)
		buffer_printf(buffer, "%lld.%03d", (long long) (size / 1000),
					  (int) (size % 1000));
	else
		buffer_printf(buffer, "%lld.%02d", (long long) (size / 1000),
					  (int) (size % 1000 / 10));
}

/* Array literals, built element by element: parameters, never SQL text. */
void
array_open(Buffer *buffer)
{
	buffer_reset(buffer);
	buffer_char(buffer, '{');
}

static void
array_next(Buffer *buffer)
{
	if (buffer->len > 1)
		buffer_char(buffer, ',');
}

void
array_text(Buffer *buffer, const char *text)
{
	array_next(buffer);
	buffer_char(buffer, '"');
	for (; *text; text++)
	{
		if (*text == '"' || *text == '\\')
			buffer_char(buffer, '\\');
		buffer_char(buffer, *text);
	}
	buffer_char(buffer, '"');
}

void
array_int(Buffer *buffer, int64_t value)
{
	array_next(buffer);
	buffer_printf(buffer, "%lld", (long long) value);
}

void
array_price(Buffer *buffer, int64_t mills)
{
	array_next(buffer);
	buffer_price(buffer, mills);
}

void
array_close(Buffer *buffer)
{
	buffer_char(buffer, '}');
}

uint64_t
hash_text(const char *text)
{
	uint64_t	hash = UINT64_C(14695981039346656037);

	for (; *text; text++)
		hash = (hash ^ (unsigned char) *text) * UINT64_C(1099511628211);
	return hash;
}

/* Two numbers to one that looks random (splitmix64's finaliser). */
uint64_t
mix(uint64_t a, uint64_t b)
{
	uint64_t	z = a + UINT64_C(0x9E3779B97F4A7C15) * (b + 1);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* Days since 1970-01-01 in the Gregorian calendar. */
int
day_number(int year, int month, int day)
{
	int			y = month > 2 ? year : year - 1;
	int			m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 -
		719468;
}

/* "2010-12-01"; "into" has room for 11 bytes. */
const char *
day_text(int day, char *into)
{
	time_t		seconds = (time_t) day * 86400;
	struct tm	parts;

	gmtime_r(&seconds, &parts);
	strftime(into, 11, "%Y-%m-%d", &parts);
	return into;
}

/* Decimal text with up to three decimals; exact or refused. */
bool
parse_mills(const char *text, int64_t *mills)
{
	bool		negative = *text == '-';
	int64_t		value = 0;
	int			decimals = -1;
	int			digits = 0;

	if (negative)
		text++;
	for (; *text; text++)
	{
		if (*text == '.' && decimals < 0)
		{
			decimals = 0;
			continue;
		}
		if (*text < '0' || *text > '9' || ++digits > 15 || decimals == 3)
			return false;
		value = value * 10 + (*text - '0');
		if (decimals >= 0)
			decimals++;
	}
	if (digits == 0)
		return false;
	for (decimals = decimals < 0 ? 0 : decimals; decimals < 3; decimals++)
		value *= 10;
	*mills = negative ? -value : value;
	return true;
}

double
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* Great-circle distance on a sphere of 6,371.0088 km. */
double
distance_km(double lat1, double lon1, double lat2, double lon2)
{
	const double radian = 3.14159265358979323846 / 180.0;
	double		dlat = sin((lat2 - lat1) * radian / 2);
	double		dlon = sin((lon2 - lon1) * radian / 2);
	double		a = dlat * dlat +
		cos(lat1 * radian) * cos(lat2 * radian) * dlon * dlon;

	return 2 * 6371.0088 * asin(sqrt(a < 1 ? a : 1));
}

/* Where the text is, or the free slot for it. */
static size_t
dictionary_slot(const Dictionary *dictionary, const char *text)
{
	size_t		mask = dictionary->nslots - 1;
	size_t		at = hash_text(text) & mask;

	while (dictionary->slots[at] != 0 &&
		   strcmp(dictionary->texts[dictionary->slots[at] - 1], text) != 0)
		at = (at + 1) & mask;
	return at;
}

/* The text's number, -1 when it has none. */
int
dictionary_find(const Dictionary *dictionary, const char *text)
{
	if (dictionary->nslots == 0)
		return -1;
	return dictionary->slots[dictionary_slot(dictionary, text)] - 1;
}

/* The text's number, given to it now if it has none yet. */
int
dictionary_add(Dictionary *dictionary, const char *text)
{
	size_t		at;

	if ((size_t) dictionary->count * 2 >= dictionary->nslots)
	{
		free(dictionary->slots);
		dictionary->nslots = dictionary->nslots ? dictionary->nslots * 2 : 128;
		dictionary->slots = allocate(dictionary->nslots * sizeof(int));
		for (int i = 0; i < dictionary->count; i++)
			dictionary->slots[dictionary_slot(dictionary,
											  dictionary->texts[i])] = i + 1;
	}
	at = dictionary_slot(dictionary, text);
	if (dictionary->slots[at] == 0)
	{
		dictionary->texts = grow(dictionary->texts, (size_t) dictionary->count,
								 &dictionary->room, sizeof(char *));
		dictionary->texts[dictionary->count] = copy_text(text);
		dictionary->slots[at] = ++dictionary->count;
	}
	return dictionary->slots[at] - 1;
}

void
dictionary_free(Dictionary *dictionary)
{
	for (int i = 0; i < dictionary->count; i++)
		free(dictionary->texts[i]);
	free(dictionary->texts);
	free(dictionary->slots);
}
