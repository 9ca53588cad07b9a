/*
 * fuzz_driver.h
 *	  Run a fuzz target without libFuzzer: its seeds, and changes of them.
 *
 * The changes are drawn from a fixed start, so every run is the same.  "make
 * fuzz" searches; this only makes sure that the checks hold where a compiler
 * is all there is.
 */
#ifndef OMNI_FUZZ_DRIVER_H
#define OMNI_FUZZ_DRIVER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER_INPUT_MAX	256
#define DRIVER_SEEDS_MAX	64

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t driver_state = 1;

/* The next number of a fixed sequence (Knuth's MMIX generator). */
static unsigned int
draw(unsigned int below)
{
	driver_state = driver_state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (unsigned int) (driver_state >> 33) % below;
}

/* Bytes of a seed's line, in which a byte may be written \ooo. */
static size_t
unescape(const char *line, uint8_t *bytes)
{
	size_t		n = 0;

	for (const char *c = line; *c != '\0' && *c != '\n';)
	{
		if (n == DRIVER_INPUT_MAX)
			abort();
		if (*c == '\\')
		{
			char		octal[4] = {c[1], c[2], c[3], '\0'};

			bytes[n++] = (uint8_t) strtol(octal, NULL, 8);
			c += 4;
		}
		else
			bytes[n++] = (uint8_t) *c++;
	}
	return n;
}

/* Change one to four bytes: replace, insert or delete. */
static size_t
change(uint8_t *bytes, size_t n)
{
	static const char likely[] = "0123456789.-/ UD";

	for (unsigned int i = 1 + draw(4); i > 0 && n > 1; i--)
	{
		/* the first byte says what the input is */
		size_t		at = 1 + draw((unsigned int) n - 1);
		unsigned int how = draw(4);

		if (how == 0)
			memmove(bytes + at, bytes + at + 1, --n - at);
		else
		{
			if (how == 1 && n < DRIVER_INPUT_MAX)
				memmove(bytes + at + 1, bytes + at, n++ - at);
			bytes[at] = draw(2) ? (uint8_t) draw(256) :
				(uint8_t) likely[draw(sizeof(likely) - 1)];
		}
	}
	return n;
}

/* Run the target over the seeds of "path" and "count" changes of them. */
static void
drive(const char *path, unsigned int count)
{
	static uint8_t seeds[DRIVER_SEEDS_MAX][DRIVER_INPUT_MAX];
	static size_t sizes[DRIVER_SEEDS_MAX];
	char		line[4 * DRIVER_INPUT_MAX + 2];
	unsigned int n = 0;
	FILE	   *file = fopen(path, "r");

	printf("1..2\n");
	while (file && n < DRIVER_SEEDS_MAX && fgets(line, sizeof(line), file))
		if (line[0] != '#')
		{
			sizes[n] = unescape(line, seeds[n]);
			LLVMFuzzerTestOneInput(seeds[n], sizes[n]);
			n++;
		}
	printf("%s 1 - %u seeds of %s\n", n > 0 ? "ok" : "not ok", n, path);
	fflush(stdout);
	if (n == 0)
		exit(1);
	fclose(file);
	for (unsigned int i = 0; i < count; i++)
	{
		uint8_t		input[DRIVER_INPUT_MAX];
		unsigned int seed = draw(n);

		memcpy(input, seeds[seed], sizes[seed]);
		LLVMFuzzerTestOneInput(input, change(input, sizes[seed]));
	}
	printf("ok 2 - %u changes of them\n", count);
}

#endif							/* OMNI_FUZZ_DRIVER_H */
