/*
 * address_core.c
 *	  The parts of a postal address; no PostgreSQL in it.
 *
 * A text is cut at commas and line ends into segments, and these into words,
 * which remember the sign before them (4/12 is unit 4 of number 12).  Then
 * parts are taken from where they are surest: the country and what looks like
 * a postal code at the end, box and unit by their words, the street by its
 * number or type.  What is left names the city, if it stands behind the
 * street, or anything else.
 */
#include "identity/address_core.h"

#include <string.h>

#include "identity/address_table.h"

#define READ_MAX 1024			/* bytes of an address that are looked at */
#define MAX_TOKENS 48
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

typedef struct Token
{
	const char *text;
	uint8_t		len;
	char		before;			/* sign that joins it to the one before, or 0 */
	uint8_t		segment;
	bool		used;
} Token;

typedef struct Reader
{
	char		buffer[OMNI_FOLD_MAX];
	int			len;
	Token		tokens[MAX_TOKENS];
	int			n;
	int			nsegments;
	const char *country;		/* of the address, or NULL */
} Reader;

/* ---- words ---- */

/* An ASCII digit? */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A small ASCII letter? */
static bool
is_alpha(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Is the token this word? */
static bool
equals(const Token *t, const char *word)
{
	return strlen(word) == t->len && memcmp(word, t->text, t->len) == 0;
}

/* Is it one of a list? */
static bool
is_in(const Token *t, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (equals(t, list[i]))
			return true;
	return false;
}

/* A type of street, alone or as the end of a word? */
static bool
is_street_type(const Token *t)
{
	static const char *const ends[] = {"strasse", "str", "straat", "weg", "platz",
	"gasse", "allee", "laan", "plein", "gatan", "vej", "gata", "veien"};

	if (find_word(t->text, t->len, street_types, COUNT(street_types)))
		return true;
	for (size_t i = 0; i < COUNT(ends); i++)
	{
		int			len = (int) strlen(ends[i]);

		if (t->len > len + 2 &&
			memcmp(t->text + t->len - len, ends[i], len) == 0)
			return true;
	}
	return false;
}

/* Digits, with a letter or two behind: 12, 12a. */
static bool
is_number(const Token *t)
{
	int			digits = 0;

	while (digits < t->len && is_digit(t->text[digits]))
		digits++;
	return digits > 0 && digits <= 6 && t->len - digits <= 1;
}

/* Digits alone, from "least" to "most" of them? */
static bool
all_digits(const Token *t, int least, int most)
{
	for (int i = 0; i < t->len; i++)
		if (!is_digit(t->text[i]))
			return false;
	return t->len >= least && t->len <= most;
}

/* ---- cutting ---- */

/* Fold one raw word, which may become several. */
static void
add_token(Reader *r, const char *text, size_t len, char before)
{
	OmniSpan	words[4];
	int			n = omni_identity_fold(text, len, r->buffer + r->len,
									   OMNI_FOLD_MAX - r->len);
	int			nwords = omni_identity_split(r->buffer + r->len, n, words, 4);

	for (int i = 0; i < nwords && r->n < MAX_TOKENS; i++)
	{
		Token	   *t = &r->tokens[r->n++];

		t->text = r->buffer + r->len + words[i].at;
		t->len = (uint8_t) (words[i].len < 255 ? words[i].len : 255);
		t->before = i == 0 ? before : '\0';
		t->segment = (uint8_t) r->nsegments;
		t->used = false;
	}
	r->len += n;
}

/* Cut the text into segments and words. */
static void
cut(Reader *r, const char *text, size_t len)
{
	size_t		start = 0;
	char		before = '\0';

	for (size_t i = 0; i <= len; i++)
	{
		char		c = i < len ? text[i] : ',';
		bool		ends = c == ',' || c == ';' || c == '\n';

		if (!ends && c != ' ' && c != '\t' && c != '\r' && c != '/' &&
			c != '-' && c != '#')
			continue;
		if (i > start)
		{
			add_token(r, text + start, i - start, before);
			before = '\0';
		}
		start = i + 1;
		if (c == '/' || c == '-')
			before = c;
		else if (c == '#')
			add_token(r, "unit", 4, '#');
		else
			before = '\0';
		if (ends && r->n > 0 && r->tokens[r->n - 1].segment == r->nsegments &&
			r->nsegments < MAX_TOKENS)
			r->nsegments++;
	}
}

/* ---- writing parts ---- */

/* Add words to a part of the address, with or without blanks between. */
static void
write_part(OmniAddress *address, OmniSpan *part, const char *text, int len,
		   bool blank)
{
	int			gap = blank && part->len > 0;

	if (part->len == 0)
		part->at = address->len;
	/* a part grows at the end only; else it is complete */
	if (part->at + part->len != address->len ||
		address->len + gap + len > OMNI_FOLD_MAX)
		return;
	if (gap)
		address->text[address->len++] = ' ';
	memcpy(address->text + address->len, text, len);
	address->len += len;
	part->len += gap + len;
}

/* Tokens "from" to "to" that nobody has used yet, as words of a part. */
static void
take(Reader *r, OmniAddress *address, OmniSpan *part, int from, int to,
	 bool blank)
{
	for (int i = from; i < to; i++)
		if (!r->tokens[i].used)
		{
			write_part(address, part, r->tokens[i].text, r->tokens[i].len,
					   blank);
			r->tokens[i].used = true;
		}
}

/* The same for a street, whose words are written in one way. */
static void
take_street(Reader *r, OmniAddress *address, int from, int to)
{
	for (int i = from; i < to; i++)
		if (!r->tokens[i].used)
		{
			char		word[OMNI_FOLD_MAX];
			int			len;

			len = omni_identity_normalise_street(r->tokens[i].text,
												 r->tokens[i].len, word,
												 sizeof(word));
			write_part(address, &address->street, word, len, true);
			r->tokens[i].used = true;
		}
}

/* ---- finding parts ---- */

/* First and last word of a segment. */
static void
find_segment(const Reader *r, int segment, int *from, int *to)
{
	*from = 0;
	while (*from < r->n && r->tokens[*from].segment < segment)
		(*from)++;
	*to = *from;
	while (*to < r->n && r->tokens[*to].segment == segment)
		(*to)++;
}

/* The country, when the last segment or its last words are one. */
static void
find_country(Reader *r, OmniAddress *address)
{
	int			from;
	int			to;

	if (r->nsegments < 2)
		return;
	find_segment(r, r->nsegments - 1, &from, &to);
	for (size_t i = 0; i < COUNT(countries); i++)
	{
		const char *word = countries[i];
		int			at = from;

		while (*word != '\0' && at < to)
		{
			int			len = (int) strcspn(word, " ");

			if (r->tokens[at].len != len ||
				memcmp(r->tokens[at].text, word, len) != 0)
				break;
			at++;
			word += len;
			word += *word == ' ';
		}
		if (*word == '\0' && at == to)
		{
			take(r, address, &address->country, from, to, true);
			return;
		}
	}
}

/* PO Box 123, Postfach 123, BP 123 and so on. */
static void
find_box(Reader *r, OmniAddress *address)
{
	static const char *const words[] = {"postfach", "bp", "apartado", "pobox",
	"postbus", "box"};

	for (int i = 0; i + 1 < r->n; i++)
	{
		int			first = i;
		Token	   *next = &r->tokens[i + 1];

		if (!is_in(&r->tokens[i], words, COUNT(words)) ||
			!is_digit(next->text[0]))
			continue;
		if (equals(&r->tokens[i], "box"))
		{
			if (i > 0 && (equals(&r->tokens[i - 1], "po") ||
						  equals(&r->tokens[i - 1], "gpo")))
				first = i - 1;
			else if (i > 1 && equals(&r->tokens[i - 2], "p") &&
					 equals(&r->tokens[i - 1], "o"))
				first = i - 2;
			else if (i > 1 && equals(&r->tokens[i - 2], "post") &&
					 equals(&r->tokens[i - 1], "office"))
				first = i - 2;
			else
				continue;
		}
		for (int k = first; k <= i; k++)
			r->tokens[k].used = true;
		take(r, address, &address->box, i + 1, i + 2, false);
		return;
	}
}

/* Can a number of so many digits be a postal code there? */
static bool
allows_digits(const char *country, int digits)
{
	if (country == NULL)
		return true;
	if (strcmp(country, "US") == 0)
		return digits == 5;
	if (strcmp(country, "GB") == 0 || strcmp(country, "CA") == 0 ||
		strcmp(country, "IE") == 0)
		return false;
	if (strcmp(country, "AU") == 0 || strcmp(country, "NZ") == 0)
		return digits == 4;
	return true;
}

/* How many words, from "at" on, are a postal code; 0: it is none. */
static int
match_postal_code(const Reader *r, int at, int to)
{
	const Token *t = &r->tokens[at];
	const Token *next = at + 1 < to ? &r->tokens[at + 1] : NULL;

	if (all_digits(t, 4, 6) && !allows_digits(r->country, t->len))
		return 0;
	/* 12345-6789; 123 45 is not told from a number */
	if (all_digits(t, 5, 5))
		return next && next->before == '-' && all_digits(next, 4, 4) ? 2 : 1;
	if (all_digits(t, 2, 2) && next && next->before == '-' &&
		all_digits(next, 3, 3))
		return 2;				/* 00-950 */
	if (all_digits(t, 4, 4))
	{
		if (next && next->before == '-' && all_digits(next, 3, 3))
			return 2;			/* 1000-205 */
		if (next && next->len == 2 && is_alpha(next->text[0]) &&
			is_alpha(next->text[1]) && at + 2 < to)
			return 2;			/* 1012 AB Amsterdam */
		return 1;
	}
	if (all_digits(t, 6, 6))
		return 1;
	/* SW1A 1AA, K1A 0B1: a letter, later a digit and two letters, or digits
	 * and letters in turn */
	if (next && next->len == 3 && is_digit(next->text[0]) &&
		is_alpha(next->text[1]) && t->len >= 2 && t->len <= 4 &&
		is_alpha(t->text[0]) &&
		(is_digit(t->text[t->len - 1]) || is_digit(t->text[1]) ||
		 is_digit(t->text[t->len - 2])))
		return 2;
	if (t->len >= 5 && t->len <= 7 && is_alpha(t->text[0]) &&
		is_digit(t->text[t->len - 3]) &&
		(is_digit(t->text[1]) || is_digit(t->text[2])))
		return 1;				/* sw1a1aa */
	return 0;
}

/* A postal code in words "at" and behind. */
static void
take_postal_code(Reader *r, OmniAddress *address, int at, int n)
{
	char		joined[32];
	char		code[OMNI_FOLD_MAX];
	int			len = 0;

	for (int i = at; i < at + n; i++)
	{
		if (len + r->tokens[i].len + 1 < (int) sizeof(joined))
		{
			if (i > at)
				joined[len++] = ' ';
			memcpy(joined + len, r->tokens[i].text, r->tokens[i].len);
			len += r->tokens[i].len;
		}
		r->tokens[i].used = true;
	}
	len = omni_identity_normalise_postal_code(joined, len, code,
											  sizeof(code));
	for (int i = 0; i < len; i++)
		if (code[i] >= 'A' && code[i] <= 'Z')
			code[i] = (char) (code[i] - 'A' + 'a');
	write_part(address, &address->postal_code, code, len, false);
}

/*
 * The code: at the end of a segment (US, UK, AU), or at its start with a city
 * behind it (the rest of Europe); the last one that there is.  The region
 * stands before or behind it.
 */
static void
find_postal_code(Reader *r, OmniAddress *address)
{
	for (int segment = r->nsegments - 1; segment >= 0; segment--)
	{
		int			from;
		int			to;

		find_segment(r, segment, &from, &to);
		while (to > from && r->tokens[to - 1].used)
			to--;
		/* D-10115 */
		if (to - from > 1 && r->tokens[from].len <= 3 &&
			is_alpha(r->tokens[from].text[0]) &&
			r->tokens[from + 1].before == '-' &&
			all_digits(&r->tokens[from + 1], 4, 5))
			r->tokens[from++].used = true;
		for (int at = from; at < to; at++)
		{
			int			n = r->tokens[at].used ? 0 :
				match_postal_code(r, at, to);
			bool		at_end = n > 0 && at + n == to;
			bool		at_start = n > 0 && at == from && segment > 0 &&
				at + n < to;

			/* a house number is no code */
			if (n == 0 || (segment == 0 && at == from) ||
				(!at_end && !at_start))
				continue;
			if (at_end && at > from &&
				is_in(&r->tokens[at - 1], regions, COUNT(regions)) &&
				!r->tokens[at - 1].used)
				take(r, address, &address->region, at - 1, at, true);
			else if (at_end && at == from && segment > 0)
			{
				int			before;
				int			end;

				find_segment(r, segment - 1, &before, &end);
				if (end - before == 1 &&
					is_in(&r->tokens[before], regions, COUNT(regions)))
					take(r, address, &address->region, before, end, true);
			}
			take_postal_code(r, address, at, n);
			return;
		}
	}
}

/* Units by their words: Apt 4B, Level 3, Flat 2. */
static void
find_unit(Reader *r, OmniAddress *address)
{
	for (int i = 0; i < r->n; i++)
	{
		Token	   *t = &r->tokens[i];
		Token	   *next = i + 1 < r->n &&
			r->tokens[i + 1].segment == t->segment ? &r->tokens[i + 1] : NULL;

		if (t->used || !is_in(t, unit_words, COUNT(unit_words)))
			continue;
		/* "Unit #4" has the word twice */
		if (next && equals(next, "unit") && next->before == '#')
		{
			t->used = true;
			continue;
		}
		if (next == NULL || next->used ||
			(!is_number(next) && next->len > 2 &&
			 !(is_alpha(next->text[0]) && all_digits(next, 1, 4))))
			continue;
		t->used = true;
		take(r, address, &address->unit, i + 1, i + 2, true);
	}
	/* 3rd floor, 2. Stock */
	for (int i = 0; i + 1 < r->n; i++)
		if (!r->tokens[i].used && !r->tokens[i + 1].used &&
			is_digit(r->tokens[i].text[0]) &&
			(equals(&r->tokens[i + 1], "floor") ||
			 equals(&r->tokens[i + 1], "stock") ||
			 equals(&r->tokens[i + 1], "etage")))
		{
			r->tokens[i + 1].used = true;
			take(r, address, &address->unit, i, i + 1, true);
		}
}

/* House number at "i": 12, 12a, 12-14; 4/12 has its unit before. */
static void
take_number(Reader *r, OmniAddress *address, int i, int to)
{
	int			end = i + 1;

	if (end < to && !r->tokens[end].used && r->tokens[end].before == '/' &&
		is_number(&r->tokens[end]))
	{
		/* in front of a street: unit/number; behind: number/unit */
		bool		front = end + 1 < to;
		int			unit = front ? i : end;

		if (address->unit.len == 0)
			take(r, address, &address->unit, unit, unit + 1, true);
		i = front ? end : i;
		end = i + 1;
	}
	while (end < to && !r->tokens[end].used &&
		   r->tokens[end].before == '-' && is_number(&r->tokens[end]))
		end++;
	take(r, address, &address->number, i, end, true);
	/* 12 a Main St */
	if (end < to && !r->tokens[end].used && r->tokens[end].len == 1 &&
		end + 2 < to && r->tokens[end].text[0] >= 'a' &&
		r->tokens[end].text[0] <= 'd')
		take(r, address, &address->number, end, end + 1, false);
}

/*
 * Where the street ends in a segment that goes on with the city: behind its
 * type, and a direction behind that.
 */
static int
find_street_end(const Reader *r, int from, int to)
{
	for (int i = to - 1; i > from; i--)
		if (!r->tokens[i].used &&
			find_word(r->tokens[i].text, r->tokens[i].len, street_types,
					  COUNT(street_types)))
		{
			i++;
			if (i < to && is_in(&r->tokens[i], directions, COUNT(directions)))
				i++;
			return i;
		}
	return to;
}

/* Is this segment the street's?  By number or type. */
static bool
is_street_segment(const Reader *r, int from, int to)
{
	for (int i = from; i < to; i++)
		if (!r->tokens[i].used &&
			(is_number(&r->tokens[i]) || is_street_type(&r->tokens[i])))
			return true;
	return false;
}

/* The street with its number; the segment that it was in, or -1. */
static int
find_street(Reader *r, OmniAddress *address, bool alone)
{
	for (int segment = 0; segment < r->nsegments; segment++)
	{
		int			from;
		int			to;
		int			end;
		int			number = -1;

		find_segment(r, segment, &from, &to);
		if (!is_street_segment(r, from, to))
			continue;
		while (from < to && r->tokens[from].used)
			from++;
		end = alone || r->nsegments > segment + 1 ? to :
			find_street_end(r, from, to);
		if (is_number(&r->tokens[from]))
			number = from;
		for (int i = end - 1; i > from && number < 0; i--)
			if (!r->tokens[i].used && is_number(&r->tokens[i]) &&
				r->tokens[i].before == '\0')
				number = i;
		if (number >= 0)
			take_number(r, address, number, end);
		/* a number in a segment of its own: its street comes next */
		if (number == from && number + 1 >= to && segment + 1 < r->nsegments)
			find_segment(r, segment + 1, &from, &end);
		take_street(r, address, from, end);
		return segment;
	}
	return -1;
}

/* The city: what stands with the postal code, or is the last segment. */
static void
find_city(Reader *r, OmniAddress *address, int street)
{
	int			from;
	int			to;

	for (int segment = r->nsegments - 1; segment >= 0; segment--)
	{
		bool		any = false;

		find_segment(r, segment, &from, &to);
		for (int i = from; i < to; i++)
			any = any || !r->tokens[i].used;
		if (!any)
			continue;
		if (segment < street || (street < 0 && segment == 0 &&
								 address->postal_code.len == 0))
			return;
		/* Las Vegas NV */
		if (address->region.len == 0 && to - from > 1 &&
			!r->tokens[to - 1].used &&
			is_in(&r->tokens[to - 1], regions, COUNT(regions)))
			take(r, address, &address->region, to - 1, to, true);
		else if (address->region.len == 0 && to - from == 1 &&
				 segment > street &&
				 is_in(&r->tokens[from], regions, COUNT(regions)))
		{
			take(r, address, &address->region, from, to, true);
			continue;
		}
		take(r, address, &address->city, from, to, true);
		return;
	}
}

/* Parts from one text: the surest first, what is left names city and name. */
void
omni_identity_parse_address(const char *text, size_t len, const char *country,
							OmniAddress *address)
{
	Reader		r;
	int			street;

	memset(address, 0, sizeof(*address));
	r.len = r.n = r.nsegments = 0;
	r.country = country;
	cut(&r, text, len < READ_MAX ? len : READ_MAX);
	find_country(&r, address);
	find_box(&r, address);
	find_postal_code(&r, address);
	find_unit(&r, address);
	street = find_street(&r, address, false);
	find_city(&r, address, street);
	take(&r, address, &address->name, 0, r.n, true);
}

/* ---- from columns ---- */

/* One column, folded. */
static void
add_column(OmniAddress *address, OmniSpan *part, const char *text, size_t len)
{
	char		folded[OMNI_FOLD_MAX];
	int			n;

	if (text == NULL || part->len > 0)
		return;
	n = omni_identity_fold(text, len, folded, sizeof(folded));
	write_part(address, part, folded, n, false);
}

/* Parts from columns, of which the street may hold number and unit. */
void
omni_identity_join_address(const OmniAddressColumns *columns,
						   OmniAddress *address)
{
	Reader		r;
	char		code[OMNI_FOLD_MAX];
	int			n;

	memset(address, 0, sizeof(*address));
	r.len = r.n = r.nsegments = 0;
	if (columns->number)
	{
		cut(&r, columns->number, columns->number_len < READ_MAX ?
			columns->number_len : READ_MAX);
		if (r.n > 0)
			take_number(&r, address, 0, r.n);
	}
	r.len = r.n = r.nsegments = 0;
	if (columns->street)
	{
		cut(&r, columns->street, columns->street_len < READ_MAX ?
			columns->street_len : READ_MAX);
		/* the column is the street, whatever commas are in it */
		for (int i = 0; i < r.n; i++)
			r.tokens[i].segment = 0;
		r.nsegments = r.n > 0;
		find_box(&r, address);
		if (columns->unit == NULL || columns->unit_len == 0)
			find_unit(&r, address);
		if (address->number.len == 0)
			find_street(&r, address, true);
		take_street(&r, address, 0, r.n);
	}
	r.len = r.n = r.nsegments = 0;
	if (columns->unit && columns->unit_len > 0)
	{
		cut(&r, columns->unit, columns->unit_len < READ_MAX ?
			columns->unit_len : READ_MAX);
		if (r.n > 1)
			find_unit(&r, address);
		if (address->unit.len == 0)
			take(&r, address, &address->unit, 0, r.n, true);
	}
	add_column(address, &address->city, columns->city, columns->city_len);
	add_column(address, &address->region, columns->region,
			   columns->region_len);
	if (columns->postal_code)
	{
		n = omni_identity_normalise_postal_code(columns->postal_code,
												columns->postal_code_len,
												code, sizeof(code));
		add_column(address, &address->postal_code, code, n);
	}
	add_column(address, &address->country, columns->country,
			   columns->country_len);
}
