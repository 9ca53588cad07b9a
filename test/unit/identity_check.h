/*
 * identity_check.h
 *	  What the table-driven tests of identity share: one line of TAP each.
 */
#ifndef OMNI_IDENTITY_CHECK_H
#define OMNI_IDENTITY_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int	ntests = 0;
static int	nfailed = 0;

/* Print a text so that TAP is not broken by it. */
static void
print_name(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		putchar((unsigned char) *c < ' ' || *c == '#' ? '?' : *c);
}

static void
check_text(const char *name, const char *got, const char *expected)
{
	int			good = strcmp(got, expected) == 0;

	ntests++;
	nfailed += !good;
	printf("%sok %d - ", good ? "" : "not ", ntests);
	print_name(name);
	putchar('\n');
	if (!good)
		printf("# got \"%s\", expected \"%s\"\n", got, expected);
}

static void
check_number(const char *name, double got, double expected)
{
	int			good = got - expected < 1e-6 && expected - got < 1e-6;

	ntests++;
	nfailed += !good;
	printf("%sok %d - ", good ? "" : "not ", ntests);
	print_name(name);
	putchar('\n');
	if (!good)
		printf("# got %.6f, expected %.6f\n", got, expected);
}

static int
finish(void)
{
	printf("1..%d\n", ntests);
	return nfailed != 0;
}

#endif							/* OMNI_IDENTITY_CHECK_H */
