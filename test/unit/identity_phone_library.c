/*
 * identity_phone_library.c
 *	  The fast path of telephone numbers says what libphonenumber says, for many
 *	  thousands of generated numbers.
 *
 * Skipped where the library omni_phone was not built.
 *
 * Sources: src/identity/text_core.c src/identity/compare_core.c
 * Sources: src/identity/phone_core.c
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/phone_core.h"
#include "identity/phone_library.h"

#define NUMBERS 60000

typedef int (*E164) (const char *, size_t, const char *, char *, size_t);

static const struct
{
	const char *country;
	const char *code;
	int			digits;
}			plans[] = {
	{"US", "1", 10}, {"CA", "1", 10}, {"GB", "44", 10}, {"FR", "33", 9}, {"AU", "61", 9}, {"NZ", "64", 9},
	{"DE", "49", 10}, {"ES", "34", 9}, {"NL", "31", 9}, {"BE", "32", 9}, {"CH", "41", 9}, {"DK", "45", 8},
	{"NO", "47", 8}, {"SE", "46", 9}, {"PL", "48", 9}, {"PT", "351", 9}, {"IE", "353", 9}, {"IN", "91", 10},
	{"IT", "39", 10}, {"BR", "55", 11},
};

static uint64_t state = 7;

static unsigned int
draw(unsigned int below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int) (state >> 33) % below;
}

/* A number in one of the ways in which people write them. */
static const char *
make_number(char *text, const char **country)
{
	static const char signs[] = " -.()/";
	int			plan = (int) draw(sizeof(plans) / sizeof(plans[0]));
	int			digits = plans[plan].digits + (draw(4) == 0 ? (int) draw(5) - 2 : 0);
	int			n = 0;

	*country = draw(5) ? plans[plan].country : NULL;
	switch (draw(5))
	{
		case 0:
			n = sprintf(text, "+%s", plans[plan].code);
			break;
		case 1:
			n = sprintf(text, "00%s", plans[plan].code);
			break;
		case 2:
			n = sprintf(text, "0");
			break;
		case 3:
			n = sprintf(text, "%s", plan < 2 ? "1" : "");
			break;
	}
	for (int i = 0; i < digits; i++)
	{
		if (draw(4) == 0)
			text[n++] = signs[draw(sizeof(signs) - 1)];
		text[n++] = (char) ('0' + draw(10));
	}
	text[n] = '\0';
	return text;
}

int
main(void)
{
	void	   *library = dlopen("./omni_phone.so", RTLD_NOW);
	E164		ask = library ? (E164) dlsym(library, "omni_phone_library_e164") : NULL;
	int			ok = 0;
	int			none = 0;
	int			different = 0;

	printf("1..3\n");
	if (ask == NULL)
	{
		for (int i = 1; i <= 3; i++)
			printf("ok %d - # SKIP omni_phone was not built\n", i);
		return 0;
	}
	for (int i = 0; i < NUMBERS; i++)
	{
		char		text[80];
		char		fast[OMNI_PHONE_SIZE];
		char		slow[OMNI_PHONE_SIZE];
		const char *country;
		OmniPhoneResult result;

		make_number(text, &country);
		result = omni_identity_e164(text, strlen(text), country, fast);
		if (result == OMNI_PHONE_UNSURE)
			continue;
		ok += result == OMNI_PHONE_OK;
		none += result == OMNI_PHONE_NONE;
		/* what omni.normalise_phone() does before it asks */
		if (country == NULL && strncmp(text, "00", 2) == 0)
		{
			memmove(text + 1, text + 2, strlen(text + 2) + 1);
			text[0] = '+';
		}
		slow[ask(text, strlen(text), country, slow, sizeof(slow))] = '\0';
		if (strcmp(result == OMNI_PHONE_OK ? fast : "", slow) != 0 && different++ < 10)
			printf("# %s (%s): fast %s, library %s\n", text, country ? country : "none", fast, slow);
	}
	printf("%sok 1 - equal for %d numbers\n", different ? "not " : "", ok + none);
	printf("%sok 2 - which are many: %d\n", ok > NUMBERS / 4 ? "" : "not ", ok);
	printf("%sok 3 - none of them, where it is none: %d\n", none > 100 ? "" : "not ", none);
	return different != 0;
}
