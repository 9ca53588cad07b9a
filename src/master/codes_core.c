/*
 * codes_core.c
 *	  Rules for codes, countries, postal codes and time zone names.
 *
 * Plain C over plain strings: no server, no memory, no locale.  Codes are
 * compared byte by byte everywhere, so what the eye cannot tell apart is
 * refused where it enters: blanks at either end, control characters and
 * characters without width.  Letters are not folded and not normalised: a
 * sku is what its owner says it is.
 */
#include "master/codes_core.h"

#include <string.h>

/* One character of UTF-8 that is well-formed; *len: its bytes. */
static unsigned int
decode_utf8(const unsigned char *s, size_t left, size_t *len)
{
	if (s[0] < 0x80 || left < 2)
	{
		*len = 1;
		return s[0];
	}
	if (s[0] < 0xE0)
	{
		*len = 2;
		return ((s[0] & 0x1Fu) << 6) | (s[1] & 0x3Fu);
	}
	if (s[0] < 0xF0 && left >= 3)
	{
		*len = 3;
		return ((s[0] & 0x0Fu) << 12) | ((s[1] & 0x3Fu) << 6) |
			(s[2] & 0x3Fu);
	}
	if (left >= 4)
	{
		*len = 4;
		return ((s[0] & 0x07u) << 18) | ((s[1] & 0x3Fu) << 12) |
			((s[2] & 0x3Fu) << 6) | (s[3] & 0x3Fu);
	}
	*len = left;
	return 0;
}

/* Unicode's white space that is printed as a gap. */
static bool
is_blank(unsigned int c)
{
	return c == 0x20 || c == 0xA0 || c == 0x1680 ||
		(c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F ||
		c == 0x3000;
}

/*
 * Control characters, line and paragraph separators, and what has no width of
 * its own: joiners, direction marks, byte order mark, soft hyphen.
 */
static bool
is_control(unsigned int c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD ||
		(c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
		(c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

/* What is wrong with this text as a code? */
OmniCodeFault
omni_master_code_fault(const char *text, size_t len, size_t max, bool utf8)
{
	const unsigned char *s = (const unsigned char *) text;
	unsigned int c = 0;
	size_t		step;

	if (len == 0)
		return OMNI_CODE_EMPTY;
	if (len > max)
		return OMNI_CODE_LONG;
	for (size_t i = 0; i < len; i += step)
	{
		step = 1;
		c = s[i];
		if (utf8 && c >= 0x80)
			c = decode_utf8(s + i, len - i, &step);
		if (!utf8 && c >= 0x80)
			continue;
		if (is_control(c))
			return OMNI_CODE_CONTROL;
		if (i == 0 && is_blank(c))
			return OMNI_CODE_BLANK;
	}
	if ((utf8 || c < 0x80) && is_blank(c))
		return OMNI_CODE_BLANK;
	return OMNI_CODE_FINE;
}

/*
 * ISO 3166-1 alpha-2: the second letters that go with each first one, from A
 * to Z.  249 codes, and XK, which the standard leaves to its users and customs
 * and carriers use for Kosovo.
 */
static const char *const country_letters[26] = {
	"DEFGILMOQRSTUWXZ",			/* A */
	"ABDEFGHIJLMNOQRSTVWYZ",	/* B */
	"ACDFGHIKLMNORUVWXYZ",		/* C */
	"EJKMOZ",					/* D */
	"CEGHRST",					/* E */
	"IJKMOR",					/* F */
	"ABDEFGHILMNPQRSTUWY",		/* G */
	"KMNRTU",					/* H */
	"DELMNOQRST",				/* I */
	"EMOP",						/* J */
	"EGHIMNPRWYZ",				/* K */
	"ABCIKRSTUVY",				/* L */
	"ACDEFGHKLMNOPQRSTUVWXYZ",	/* M */
	"ACEFGILOPRUZ",				/* N */
	"M",						/* O */
	"AEFGHKLMNRSTWY",			/* P */
	"A",						/* Q */
	"EOSUW",					/* R */
	"ABCDEGHIJKLMNORSTVXYZ",	/* S */
	"CDFGHJKLMNORTVWZ",			/* T */
	"AGMSYZ",					/* U */
	"ACEGINU",					/* V */
	"FS",						/* W */
	"K",						/* X */
	"ET",						/* Y */
	"AMW"						/* Z */
};

/* Is it an ISO 3166-1 alpha-2 code, in capitals? */
bool
omni_master_country_valid(const char *code)
{
	if (code[0] < 'A' || code[0] > 'Z' || code[1] == '\0' || code[2] != '\0')
		return false;
	return strchr(country_letters[code[0] - 'A'], code[1]) != NULL;
}

/* Equal but for the case of ASCII letters? */
static bool
same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
	{
		char		x = *a >= 'A' && *a <= 'Z' ? *a + ('a' - 'A') : *a;
		char		y = *b >= 'A' && *b <= 'Z' ? *b + ('a' - 'A') : *b;

		if (x != y)
			return false;
	}
	return *a == *b;
}

/*
 * Names of the time zone database that have digits.  Every POSIX zone
 * specification has one, too, and the server takes it for a zone: 'Mars5'
 * would be five hours west of Greenwich.
 */
static const char *const zones_with_digits[] = {
	"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT",
	"GMT0", "GMT+0", "GMT-0",
	"Etc/GMT0", "Etc/GMT+0", "Etc/GMT-0",
	NULL
};

/* Files of the database that name no zone, or whatever zone the host is in. */
static const char *const no_zones[] = {
	"localtime", "posixrules", "Factory", NULL
};

/* Is it 'Etc/GMT+n', n up to 12, or 'Etc/GMT-n', n up to 14? */
static bool
is_etc_gmt(const char *name)
{
	char		prefix[8];
	int			hours;

	if (strlen(name) < 9 || strlen(name) > 10)
		return false;
	memcpy(prefix, name, 7);
	prefix[7] = '\0';
	if (!same_name(prefix, "Etc/GMT") || (name[7] != '+' && name[7] != '-'))
		return false;
	if (name[8] < '1' || name[8] > '9')
		return false;
	hours = name[8] - '0';
	if (name[9] != '\0')
	{
		if (name[9] < '0' || name[9] > '9')
			return false;
		hours = hours * 10 + (name[9] - '0');
	}
	return hours <= (name[7] == '+' ? 12 : 14);
}

/* May this be the name of a time zone, going by its form? */
bool
omni_master_timezone_form(const char *name)
{
	for (int i = 0; no_zones[i]; i++)
	{
		if (same_name(name, no_zones[i]))
			return false;
	}
	if (strpbrk(name, "0123456789<>") == NULL)
		return true;
	for (int i = 0; zones_with_digits[i]; i++)
	{
		if (same_name(name, zones_with_digits[i]))
			return true;
	}
	return is_etc_gmt(name);
}
