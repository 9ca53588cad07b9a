/*
 * bytes.h
 *	  Numbers drawn from a fuzz target's input, 0 behind its end.
 */
#ifndef OMNI_FUZZ_BYTES_H
#define OMNI_FUZZ_BYTES_H

#include <stddef.h>
#include <stdint.h>

typedef struct Bytes
{
	const uint8_t *data;
	size_t		size;
	size_t		at;
} Bytes;

/* The next byte. */
static inline int
next_byte(Bytes *bytes)
{
	return bytes->at < bytes->size ? bytes->data[bytes->at++] : 0;
}

/* A number from 0 up to "most", of two bytes. */
static inline int
next_number(Bytes *bytes, int most)
{
	int			high = next_byte(bytes);

	return (high * 256 + next_byte(bytes)) % (most + 1);
}

#endif							/* OMNI_FUZZ_BYTES_H */
