/*
 * text_core.h
 *	  Any text as a short string of plain letters; no PostgreSQL in it.
 *
 * A *folded* text holds a-z, 0-9 and single blanks between words, none at its
 * ends; accents and case are gone, Cyrillic, Greek, Armenian, Georgian,
 * Hebrew, Arabic, Devanagari, kana and Hangul are written in Latin letters.
 * Characters that have no Latin letters here (Han among them) stay as they
 * are, in well-formed UTF-8, so folded texts are compared as bytes and any two
 * of them can be.
 * Input is any bytes: what is no UTF-8 counts as a blank.
 */
#ifndef OMNI_IDENTITY_TEXT_CORE_H
#define OMNI_IDENTITY_TEXT_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Folded texts longer than this are cut; buffers of this size always do. */
#define OMNI_FOLD_MAX 256

/* A part of a text: where it starts and how many bytes it has. */
typedef struct OmniSpan
{
	uint16_t	at;
	uint16_t	len;
} OmniSpan;

/*
 * The character at text[*at], which moves behind it; UINT32_MAX (and one byte
 * on) where the bytes are no UTF-8: overlong forms, surrogates and what is
 * beyond U+10FFFF included.
 */
extern uint32_t omni_identity_decode(const char *text, size_t len,
									 size_t *at);

/*
 * Fold "text" into at most "size" bytes (no closing zero byte) and return how
 * many.  Cut between characters where it does not fit; reads no further then,
 * so the time is bounded by what is folded and by the blanks before it.
 * Folding what is folded changes nothing.  Apostrophes vanish (O'Brien is
 * obrien), & is the word "and"; other punctuation and white space are a
 * blank.
 */
extern int	omni_identity_fold(const char *text, size_t len, char *result,
							   int size);

/*
 * The loose form of a folded text into "result" of "len" bytes: spellings
 * that differ by the way of transliteration (mueller and muller, aleksandr and
 * alexander's "ks", mohammed and mohamad, yuri and iouri) are drawn together.
 * Words stay apart.  Never longer; loosening twice changes nothing.
 */
extern int	omni_identity_loosen(const char *folded, int len, char *result);

/* The words of a folded text, "max" of them at most; how many. */
extern int	omni_identity_split(const char *folded, int len, OmniSpan *words,
								int max);

/* A hash of bytes, the same on every machine and in every version. */
extern uint64_t omni_identity_hash(const char *bytes, size_t len);

#endif							/* OMNI_IDENTITY_TEXT_CORE_H */
