/*
 * identity_people.c
 *	  A million customers as CSV, some of them several times with what happens
 *	  to addresses, phones and spellings over the years; deterministic.
 *
 * identity_people RECORDS records.csv truth.csv
 *
 * People live in households that share address, family name and, in part,
 * telephone; given and family names have Zipf's frequencies.  Every second
 * record is a person's second or later one: fields are mistyped, missing,
 * abbreviated, out of date (moved, another number, married).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>

static uint64_t state = 20200707;

static uint32_t
draw(uint32_t limit)
{
	uint64_t	x;

	state += UINT64_C(0x9e3779b97f4a7c15);
	x = state;
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (uint32_t) ((x >> 32) * limit >> 32);
}

static int
chance(double p)
{
	return draw(1000000) < p * 1000000;
}

/*
 * A rank below n, about as Zipf and Mandelbrot have it: the larger "offset",
 * the less the first ones stand out.
 */
static uint32_t
zipf(uint32_t n, double offset)
{
	double		u = (draw(1000000) + 0.5) / 1000000;

	return (uint32_t) (pow(n / offset + 1, u) * offset - offset);
}

static const char *const starts[] = {"b", "br", "c", "ch", "d", "dr", "f",
	"g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p", "r", "s", "sch", "st",
	"t", "th", "tr", "v", "w"};
static const char *const middles[] = {"a", "e", "i", "o", "u", "ai", "ea",
	"ie", "ou", "ar", "er", "or", "an", "en", "in", "on", "al", "el", "il"};
static const char *const ends[] = {"n", "l", "s", "t", "r", "ck", "ng", "m",
	"son", "ley", "man", "ton", "berg", "ski", "ez", "i", "a", "o", "", "ford"};
static const char *const types[] = {"street", "road", "avenue", "lane",
	"drive", "court", "place", "way"};
static const char *const mails[] = {"gmail.com", "yahoo.com", "outlook.com",
	"icloud.com", "gmx.net", "example.net"};

#define PICK(list, i) (list)[(i) % (sizeof(list) / sizeof((list)[0]))]

/* The i-th word of a kind: always the same. */
static void
word(char *out, uint32_t i, uint32_t kind)
{
	uint64_t	x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) +
		kind * UINT64_C(0xda942042e4dd58b5);

	x ^= x >> 29;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 32;
	strcpy(out, PICK(starts, x));
	strcat(out, PICK(middles, x >> 8));
	if (kind > 0 || (x >> 40) % 2)
	{
		strcat(out, PICK(starts, x >> 16));
		strcat(out, PICK(middles, x >> 24));
	}
	strcat(out, PICK(ends, x >> 32));
}

typedef struct Person
{
	char		given[40];
	char		family[40];
	char		sex;
	int			year, month, day;
	char		phone[16];
	char		email[90];
	int			number;
	char		street[60];
	char		city[40];
	int			postal;
	uint32_t	id;
} Person;

static void
move_house(Person *p)
{
	uint32_t	city = zipf(3000, 10);

	p->number = 1 + (int) draw(180);
	word(p->street, draw(60) + city * 7 % 9000, 3);
	strcat(p->street, " ");
	strcat(p->street, PICK(types, draw(8)));
	word(p->city, city, 2);
	p->postal = 10000 + (int) (city * 29 % 89000) + (int) draw(12);
}

static void
new_phone(Person *p)
{
	sprintf(p->phone, "+1%03u%07u", 201 + draw(700), 2000000 + draw(7999999));
}

static void
new_email(Person *p)
{
	switch (draw(4))
	{
		case 0:
			sprintf(p->email, "%s.%s%u@%s", p->given, p->family, draw(100),
					PICK(mails, draw(6)));
			break;
		case 1:
			sprintf(p->email, "%c%s%u@%s", p->given[0], p->family, draw(1000),
					PICK(mails, draw(6)));
			break;
		case 2:
			sprintf(p->email, "%s%d@%s", p->given, p->year * 100 + (int)
					draw(100), PICK(mails, draw(6)));
			break;
		default:
			sprintf(p->email, "%s_%s%u@%s", p->family, p->given, draw(3000),
					PICK(mails, draw(6)));
	}
}

/* One typing error. */
static void
mistype(char *text)
{
	size_t		len = strlen(text);
	size_t		at;

	if (len < 3)
		return;
	at = draw((uint32_t) len - 1);
	switch (draw(4))
	{
		case 0:
			text[at] = (char) ('a' + draw(26));
			break;
		case 1:
			memmove(text + at, text + at + 1, len - at);
			break;
		case 2:
			{
				char		c = text[at];

				text[at] = text[at + 1];
				text[at + 1] = c;
				break;
			}
		default:
			memmove(text + at + 1, text + at, len - at + 1);
			text[at] = (char) ('a' + draw(26));
	}
}

static void
mistype_digits(char *text)
{
	size_t		len = strlen(text);

	if (len > 3)
		text[2 + draw((uint32_t) len - 2)] = (char) ('0' + draw(10));
}

static void
print(FILE *out, FILE *truth, uint32_t id, const Person *original, int again)
{
	Person		p = *original;
	char		birth[48];
	double		e = again ? 1 : 0.15;

	if (chance(0.04 * e))
		mistype(p.given);
	if (chance(0.04 * e))
		mistype(p.family);
	if (chance(0.04 * e))
		mistype(p.street);
	if (chance(0.03 * e))
		mistype(p.city);
	if (chance(0.05 * e))
		p.given[1] = '\0';
	if (chance(0.02 * e))
	{
		char		swap[40];

		strcpy(swap, p.given);
		strcpy(p.given, p.family);
		strcpy(p.family, swap);
	}
	if (chance(0.02 * e) && p.sex == 'f')
		word(p.family, zipf(30000, 20), 1);
	if (chance(0.08 * e))
		move_house(&p);
	if (chance(0.12 * e))
		new_phone(&p);
	if (chance(0.12 * e))
		new_email(&p);
	if (chance(0.03 * e))
		mistype_digits(p.phone);
	if (chance(0.03 * e))
		mistype(p.email);
	sprintf(birth, "%04d-%02d-%02d", p.year, p.month, p.day);
	if (chance(0.03 * e))
		sprintf(birth, "%04d-%02d-%02d", p.year, 1 + (int) draw(12), p.day);
	if (chance(0.02 * e) && p.day <= 12)
		sprintf(birth, "%04d-%02d-%02d", p.year, p.day, p.month);
	if (chance(0.2))
		birth[0] = '\0';
	if (chance(0.2))
		p.phone[0] = '\0';
	if (chance(0.1))
		p.email[0] = '\0';
	if (chance(0.03))
		p.given[0] = '\0';
	fprintf(out, "%u,%s,%s,%s,%s,%s,%s,", id, p.given, p.family,
			chance(0.3) ? "" : p.sex == 'f' ? "f" : "m", birth, p.phone,
			p.email);
	if (chance(0.1))
		fprintf(out, ",,,\n");
	else
		fprintf(out, "%d,%s,%s,%05d\n", p.number, p.street, p.city, p.postal);
	fprintf(truth, "%u,%u\n", id, original->id);
}

int
main(int argc, char **argv)
{
	uint32_t	n = (uint32_t) strtoul(argv[1], NULL, 10);
	FILE	   *out = fopen(argv[2], "w");
	FILE	   *truth = fopen(argv[3], "w");
	uint32_t	id = 0;
	uint32_t	person = 0;

	if (argc < 4 || out == NULL || truth == NULL)
		return 1;
	fprintf(out, "id,given,family,sex,birth,phone,email,number,street,city,postal\n");
	fprintf(truth, "id,cluster\n");
	while (id < n)
	{
		Person		home;
		uint32_t	members = draw(10) < 6 ? 1 : 2 + draw(3);

		memset(&home, 0, sizeof(home));
		move_house(&home);
		word(home.family, zipf(30000, 20), 1);
		new_phone(&home);
		for (uint32_t k = 0; k < members && id < n; k++)
		{
			Person		p = home;
			uint32_t	copies = draw(10) < 6 ? 1 : draw(10) < 7 ? 2 :
				3 + draw(3);

			p.id = person++;
			p.sex = draw(2) ? 'f' : 'm';
			word(p.given, zipf(700, 8) * 2 + (p.sex == 'f'), 0);
			p.year = 1930 + (int) draw(78);
			p.month = 1 + (int) draw(12);
			p.day = 1 + (int) draw(28);
			if (draw(10) < 6)
				new_phone(&p);
			new_email(&p);
			for (uint32_t c = 0; c < copies && id < n; c++)
				print(out, truth, id++, &p, c > 0);
		}
	}
	fclose(out);
	fclose(truth);
	return 0;
}
