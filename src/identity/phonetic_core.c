/*
 * phonetic_core.c
 *	  What a word sounds like; no PostgreSQL in it.
 *
 * Double metaphone after L. Philips, "The double metaphone search algorithm",
 * C/C++ Users Journal 18(6), 2000: consonants become one of sixteen sounds,
 * vowels only count at the start, and where a spelling is spoken in two ways
 * there are two codes.  A letter's rules are one function, which says how many
 * letters it has used.  Letters come in folded form, so C with cedilla and N
 * with tilde have become c and n.
 */
#include "identity/phonetic_core.h"

#include <stdbool.h>
#include <string.h>

#define MAX_WORD 64				/* letters looked at */
#define MARGIN 6				/* blanks before and behind, to look at */

typedef struct Speaker
{
	char		text[MAX_WORD + 2 * MARGIN];
	int			len;
	int			at;
	bool		slavic;			/* and Germanic: w, k, cz, witz in it */
	char		code[2][OMNI_SOUND_LETTERS];
	int			n[2];
	int			letters;
} Speaker;

/* The letter "offset" away from the present one; a blank beyond the ends. */
static inline char
letter(const Speaker *s, int offset)
{
	return s->text[MARGIN + s->at + offset];
}

/* Does one of the words in "list" (divided by blanks) stand at "offset"? */
static bool
is_at(const Speaker *s, int offset, const char *list)
{
	const char *text = s->text + MARGIN + s->at + offset;

	if (s->at + offset < 0)
		return false;
	while (*list != '\0')
	{
		int			n = (int) strcspn(list, " ");

		if (s->at + offset + n <= s->len && memcmp(text, list, n) == 0)
			return true;
		list += n;
		list += *list == ' ';
	}
	return false;
}

/* Does the word begin with one of these? */
static bool
begins(const Speaker *s, const char *list)
{
	return is_at(s, -s->at, list);
}

/* A name of several words that begins with van or von, or one with sch? */
static bool
is_germanic(const Speaker *s)
{
	return (begins(s, "van von") && s->text[MARGIN + 3] == ' ' &&
			s->len > 3) || begins(s, "sch");
}

/* A vowel; y is one. */
static bool
is_vowel(char c)
{
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' ||
		c == 'y';
}

/* Is c, which is no blank, in the set? */
static bool
is_one_of(char c, const char *set)
{
	return c != ' ' && strchr(set, c) != NULL;
}

/* Add sounds to one code. */
static void
add_to(Speaker *s, int which, const char *sounds)
{
	for (; *sounds != '\0'; sounds++)
		if (s->n[which] < s->letters)
			s->code[which][s->n[which]++] = *sounds;
}

/* Two ways to speak it. */
static void
say2(Speaker *s, const char *first, const char *second)
{
	add_to(s, 0, first);
	add_to(s, 1, second);
}

/* One way to speak it. */
static void
say(Speaker *s, const char *sounds)
{
	say2(s, sounds, sounds);
}

/* ---- letters with few rules; each returns how many letters it used ---- */

/* Letters used: two where the letter is doubled. */
static int
twice(const Speaker *s, char c)
{
	return letter(s, 1) == c ? 2 : 1;
}

/* c before h. */
static int
say_ch(Speaker *s)
{
	bool		germanic;

	if (s->at > 0 && is_at(s, 0, "chae"))
		say2(s, "K", "X");		/* michael */
	else if (s->at == 0 && (is_at(s, 1, "harac haris") ||
							is_at(s, 1, "hor hym hia hem")) &&
			 !begins(s, "chore"))
		say(s, "K");			/* chemistry, chorus */
	else
	{
		germanic = is_germanic(s) ||
			is_at(s, -2, "orches archit orchid") || is_at(s, 2, "t s") ||
			((is_at(s, -1, "a o u e") || s->at == 0) &&
			 (is_at(s, 2, "l r n m b h f v w") || s->at + 2 >= s->len));
		if (germanic)
			say(s, "K");
		else if (s->at == 0)
			say(s, "X");
		else if (begins(s, "mc"))
			say(s, "K");
		else
			say2(s, "X", "K");
	}
	return 2;
}

/* c and the letters that change it. */
static int
say_c(Speaker *s)
{
	/* bacher, macher */
	if (s->at > 1 && !is_vowel(letter(s, -2)) && is_at(s, -1, "ach") &&
		letter(s, 2) != 'i' &&
		(letter(s, 2) != 'e' || is_at(s, -2, "bacher macher")))
	{
		say(s, "K");
		return 2;
	}
	if (s->at == 0 && is_at(s, 0, "caesar"))
	{
		say(s, "S");
		return 2;
	}
	if (is_at(s, 0, "chia"))
	{
		say(s, "K");
		return 2;
	}
	if (letter(s, 1) == 'h')
		return say_ch(s);
	if (is_at(s, 0, "cz") && !is_at(s, -2, "wicz"))
	{
		say2(s, "S", "X");
		return 2;
	}
	if (is_at(s, 1, "cia"))
	{
		say(s, "X");
		return 3;
	}
	/* double c, but not mcclelland */
	if (letter(s, 1) == 'c' && !(s->at == 1 && s->text[MARGIN] == 'm'))
	{
		if (is_one_of(letter(s, 2), "ieh") && !is_at(s, 2, "hu"))
		{
			if ((s->at == 1 && letter(s, -1) == 'a') ||
				is_at(s, -1, "uccee ucces"))
				say(s, "KS");
			else
				say(s, "X");
			return 3;
		}
		say(s, "K");
		return 2;
	}
	if (is_one_of(letter(s, 1), "kgq"))
	{
		say(s, "K");
		return 2;
	}
	if (is_one_of(letter(s, 1), "iey"))
	{
		if (is_at(s, 0, "cio cie cia"))
			say2(s, "S", "X");
		else
			say(s, "S");
		return 2;
	}
	say(s, "K");
	if (is_one_of(letter(s, 1), "ckq") && !is_at(s, 1, "ce ci"))
		return 2;
	return 1;
}

/* d and the letters that change it. */
static int
say_d(Speaker *s)
{
	if (letter(s, 1) == 'g')
	{
		if (is_one_of(letter(s, 2), "iey"))
		{
			say(s, "J");
			return 3;
		}
		say(s, "TK");
		return 2;
	}
	say(s, "T");
	return is_one_of(letter(s, 1), "td") ? 2 : 1;
}

/* g before h. */
static int
say_gh(Speaker *s)
{
	if (s->at > 0 && !is_vowel(letter(s, -1)))
	{
		say(s, "K");
		return 2;
	}
	if (s->at == 0)
	{
		say(s, letter(s, 2) == 'i' ? "J" : "K");
		return 2;
	}
	/* hugh, bough, broughton */
	if ((s->at > 1 && is_one_of(letter(s, -2), "bhd")) ||
		(s->at > 2 && is_one_of(letter(s, -3), "bhd")) ||
		(s->at > 3 && is_one_of(letter(s, -4), "bh")))
		return 2;
	/* laugh, cough, rough */
	if (s->at > 2 && letter(s, -1) == 'u' &&
		is_one_of(letter(s, -3), "cglrt"))
		say(s, "F");
	else if (letter(s, -1) != 'i')
		say(s, "K");
	return 2;
}

/* g and the letters that change it. */
static int
say_g(Speaker *s)
{
	char		next = letter(s, 1);

	if (next == 'h')
		return say_gh(s);
	if (next == 'n')
	{
		if (s->at == 1 && is_vowel(s->text[MARGIN]) && !s->slavic)
			say2(s, "KN", "N");
		else if (!is_at(s, 2, "ey") && letter(s, 1) != 'y' && !s->slavic)
			say2(s, "N", "KN");
		else
			say(s, "KN");
		return 2;
	}
	if (is_at(s, 1, "li") && !s->slavic)
	{
		say2(s, "KL", "L");
		return 2;
	}
	if (s->at == 0 &&
		(next == 'y' ||
		 is_at(s, 1, "es ep eb el ey ib il in ie ei er")))
	{
		say2(s, "K", "J");
		return 2;
	}
	if ((is_at(s, 1, "er") || next == 'y') &&
		!begins(s, "danger ranger manger") &&
		!is_one_of(letter(s, -1), "ei") && !is_at(s, -1, "rgy ogy"))
	{
		say2(s, "K", "J");
		return 2;
	}
	if (is_one_of(next, "eiy") || is_at(s, -1, "aggi oggi"))
	{
		if (is_germanic(s) || is_at(s, 1, "et"))
			say(s, "K");
		else if (is_at(s, 1, "ier") && s->at + 4 >= s->len)
			say(s, "J");
		else
			say2(s, "J", "K");
		return 2;
	}
	say(s, "K");
	return twice(s, 'g');
}

/* j and the letters that change it. */
static int
say_j(Speaker *s)
{
	bool		saint = begins(s, "san") && s->text[MARGIN + 3] == ' ';

	if (is_at(s, 0, "jose") || saint)
	{
		if ((s->at == 0 && (letter(s, 4) == ' ' || s->len == 4)) || saint)
			say(s, "H");
		else
			say2(s, "J", "H");
		return 1;
	}
	if (s->at == 0)
		say2(s, "J", "A");		/* yankelovich, jankelowicz */
	else if (is_vowel(letter(s, -1)) && !s->slavic &&
			 is_one_of(letter(s, 1), "ao"))
		say2(s, "J", "H");
	else if (s->at == s->len - 1)
		say2(s, "J", "");
	else if (!is_one_of(letter(s, 1), "ltksnmbz") &&
			 !is_one_of(letter(s, -1), "skl"))
		say(s, "J");
	return twice(s, 'j');
}

/* l and the letters that change it. */
static int
say_l(Speaker *s)
{
	if (letter(s, 1) != 'l')
	{
		say(s, "L");
		return 1;
	}
	/* cabrillo, gallegos */
	if ((s->at == s->len - 3 && is_at(s, -1, "illo illa alle")) ||
		((s->text[MARGIN + s->len - 1] == 'a' ||
		  s->text[MARGIN + s->len - 1] == 'o' ||
		  memcmp(s->text + MARGIN + s->len - 2, "as", 2) == 0 ||
		  memcmp(s->text + MARGIN + s->len - 2, "os", 2) == 0) &&
		 is_at(s, -1, "alle")))
		say2(s, "L", "");
	else
		say(s, "L");
	return 2;
}

/* m and the letters that change it. */
static int
say_m(Speaker *s)
{
	say(s, "M");
	/* dumb, thumb */
	if (letter(s, 1) == 'm' ||
		(is_at(s, -1, "umb") &&
		 (s->at + 1 == s->len - 1 || is_at(s, 2, "er"))))
		return 2;
	return 1;
}

/* p and the letters that change it. */
static int
say_p(Speaker *s)
{
	if (letter(s, 1) == 'h')
	{
		say(s, "F");
		return 2;
	}
	say(s, "P");
	return is_one_of(letter(s, 1), "pb") ? 2 : 1;
}

/* r and the letters that change it. */
static int
say_r(Speaker *s)
{
	/* rogier, hochmeier */
	if (s->at == s->len - 1 && !s->slavic && is_at(s, -2, "ie") &&
		!is_at(s, -4, "me ma"))
		say2(s, "", "R");
	else
		say(s, "R");
	return twice(s, 'r');
}

/* s before c. */
static int
say_sc(Speaker *s)
{
	if (letter(s, 2) == 'h')
	{
		/* school, schooner; schermerhorn, schenker */
		if (is_at(s, 3, "oo er en uy ed em"))
		{
			if (is_at(s, 3, "er en"))
				say2(s, "X", "SK");
			else
				say(s, "SK");
		}
		else if (s->at == 0 && !is_vowel(letter(s, 3)) && letter(s, 3) != 'w')
			say2(s, "X", "S");
		else
			say(s, "X");
	}
	else if (is_one_of(letter(s, 2), "iey"))
		say(s, "S");
	else
		say(s, "SK");
	return 3;
}

/* s and the letters that change it. */
static int
say_s(Speaker *s)
{
	if (is_at(s, -1, "isl ysl"))
		return 1;				/* island, carlisle */
	if (s->at == 0 && is_at(s, 0, "sugar"))
	{
		say2(s, "X", "S");
		return 1;
	}
	if (letter(s, 1) == 'h')
	{
		say(s, is_at(s, 1, "heim hoek holm holz") ? "S" : "X");
		return 2;
	}
	if (is_at(s, 0, "sio sia"))
	{
		if (s->slavic)
			say(s, "S");
		else
			say2(s, "S", "X");
		return 3;
	}
	/* smith and schmidt, snider and schneider */
	if ((s->at == 0 && is_one_of(letter(s, 1), "mnlw")) ||
		letter(s, 1) == 'z')
	{
		say2(s, "S", "X");
		return letter(s, 1) == 'z' ? 2 : 1;
	}
	if (letter(s, 1) == 'c')
		return say_sc(s);
	if (s->at == s->len - 1 && is_at(s, -2, "ai oi"))
		say2(s, "", "S");		/* resnais, artois */
	else
		say(s, "S");
	return is_one_of(letter(s, 1), "sz") ? 2 : 1;
}

/* t and the letters that change it. */
static int
say_t(Speaker *s)
{
	if (is_at(s, 0, "tion tia tch"))
	{
		say(s, "X");
		return 3;
	}
	if (is_at(s, 0, "th tth"))
	{
		/* thomas, thames */
		if (is_at(s, 2, "om am") || is_germanic(s))
			say(s, "T");
		else
			say2(s, "0", "T");
		return 2;
	}
	say(s, "T");
	return is_one_of(letter(s, 1), "td") ? 2 : 1;
}

/* w and the letters that change it. */
static int
say_w(Speaker *s)
{
	if (letter(s, 1) == 'r')
	{
		say(s, "R");
		return 2;
	}
	if (s->at == 0 && (is_vowel(letter(s, 1)) || letter(s, 1) == 'h'))
	{
		if (is_vowel(letter(s, 1)))
			say2(s, "A", "F");	/* wasserman and vasserman */
		else
			say(s, "A");
	}
	if ((s->at == s->len - 1 && is_vowel(letter(s, -1))) ||
		is_at(s, -1, "ewski ewsky owski owsky") || begins(s, "sch"))
	{
		say2(s, "", "F");		/* arnow and arnoff */
		return 1;
	}
	if (is_at(s, 0, "wicz witz"))
	{
		say2(s, "TS", "FX");	/* filipowicz */
		return 4;
	}
	return 1;
}

/* x and the letters that change it. */
static int
say_x(Speaker *s)
{
	if (s->at == 0)
		say(s, "S");			/* xavier */
	else if (!(s->at == s->len - 1 &&
			   (is_at(s, -3, "iau eau") || is_at(s, -2, "au ou"))))
		say(s, "KS");
	return is_one_of(letter(s, 1), "cx") ? 2 : 1;
}

/* z and the letters that change it. */
static int
say_z(Speaker *s)
{
	if (letter(s, 1) == 'h')
	{
		say(s, "J");
		return 2;
	}
	if (is_at(s, 1, "zo zi za") ||
		(s->slavic && s->at > 0 && letter(s, -1) != 't'))
		say2(s, "S", "TS");
	else
		say(s, "S");
	return twice(s, 'z');
}

/* The letter at hand; how many were used. */
static int
say_letter(Speaker *s)
{
	char		c = letter(s, 0);

	switch (c)
	{
		case 'a':
		case 'e':
		case 'i':
		case 'o':
		case 'u':
		case 'y':
			if (s->at == 0)
				say(s, "A");
			return 1;
		case 'b':
			say(s, "P");
			return twice(s, c);
		case 'c':
			return say_c(s);
		case 'd':
			return say_d(s);
		case 'f':
			say(s, "F");
			return twice(s, c);
		case 'g':
			return say_g(s);
		case 'h':
			if ((s->at == 0 || is_vowel(letter(s, -1))) &&
				is_vowel(letter(s, 1)))
			{
				say(s, "H");
				return 2;
			}
			return 1;
		case 'j':
			return say_j(s);
		case 'k':
		case 'q':
			say(s, "K");
			return twice(s, c);
		case 'l':
			return say_l(s);
		case 'm':
			return say_m(s);
		case 'n':
			say(s, "N");
			return twice(s, c);
		case 'p':
			return say_p(s);
		case 'r':
			return say_r(s);
		case 's':
			return say_s(s);
		case 't':
			return say_t(s);
		case 'v':
			say(s, "F");
			return twice(s, c);
		case 'w':
			return say_w(s);
		case 'x':
			return say_x(s);
		case 'z':
			return say_z(s);
		default:
			return 1;
	}
}

/* Up to eight letters as a number. */
static uint64_t
pack(const char *code, int n)
{
	uint64_t	result = 0;

	for (int i = 0; i < n; i++)
		result |= (uint64_t) (unsigned char) code[i] << (8 * i);
	return result;
}

/* Both codes of a word. */
uint64_t
omni_identity_sound(const char *folded, int len, int letters,
					uint64_t *second)
{
	Speaker		s;

	memset(&s, 0, sizeof(s));
	memset(s.text, ' ', sizeof(s.text));
	s.len = len < MAX_WORD ? len : MAX_WORD;
	memcpy(s.text + MARGIN, folded, s.len);
	s.letters = letters < 1 ? 1 :
		letters > OMNI_SOUND_LETTERS ? OMNI_SOUND_LETTERS : letters;
	s.slavic = memchr(s.text + MARGIN, 'w', s.len) != NULL ||
		memchr(s.text + MARGIN, 'k', s.len) != NULL;
	for (int i = 0; !s.slavic && i + 1 < s.len; i++)
		s.slavic = memcmp(s.text + MARGIN + i, "cz", 2) == 0;
	if (begins(&s, "gn kn pn wr ps"))
		s.at = 1;				/* not spoken */
	if (s.text[MARGIN] == 'x')
	{
		say(&s, "S");
		s.at = 1;
	}
	while (s.at < s.len &&
		   (s.n[0] < s.letters || s.n[1] < s.letters))
		s.at += say_letter(&s);
	*second = pack(s.code[1], s.n[1]);
	return pack(s.code[0], s.n[0]);
}
