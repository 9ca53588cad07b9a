/*
 * fuzz_identity_text.c
 *	  libFuzzer target for src/identity/text_core.c.
 *
 * The first byte chooses the room for the result; the rest is the text.
 */
#include "check.h"

#include "identity/text_core.h"

/* Is it what the header calls folded? */
static void
check_folded(const char *text, int len)
{
	for (int i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];

		CHECK(c >= 0x80 || (c >= 'a' && c <= 'z') ||
			  (c >= '0' && c <= '9') ||
			  (c == ' ' && i > 0 && i < len - 1 && text[i - 1] != ' '));
	}
	for (size_t at = 0; at < (size_t) len;)
		CHECK(omni_identity_decode(text, len, &at) != UINT32_MAX);
}

/* Decoding: by the definition of UTF-8, encode again and compare. */
static void
check_decode(const char *text, size_t len)
{
	for (size_t at = 0; at < len;)
	{
		size_t		start = at;
		uint32_t	c = omni_identity_decode(text, len, &at);
		unsigned char again[4];
		size_t		n;

		CHECK(at > start && at <= len && at - start <= 4);
		if (c == UINT32_MAX)
		{
			CHECK(at == start + 1);
			continue;
		}
		CHECK(c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF));
		if (c < 0x80)
			n = 1, again[0] = (unsigned char) c;
		else if (c < 0x800)
			n = 2, again[0] = (unsigned char) (0xC0 | c >> 6);
		else if (c < 0x10000)
			n = 3, again[0] = (unsigned char) (0xE0 | c >> 12);
		else
			n = 4, again[0] = (unsigned char) (0xF0 | c >> 18);
		for (size_t i = 1; i < n; i++)
			again[i] = (unsigned char)
				(0x80 | (c >> (6 * (n - 1 - i)) & 0x3F));
		CHECK(n == at - start && memcmp(again, text + start, n) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text;
	char	   *result;
	char		again[OMNI_FOLD_MAX];
	char		loose[OMNI_FOLD_MAX];
	OmniSpan	words[4];
	int			room;
	int			len;
	int			n;

	if (size == 0)
		return 0;
	/* memory of exactly the size, so that reading beyond it shows */
	room = data[0] % 4 == 0 ? data[0] / 4 : OMNI_FOLD_MAX;
	text = malloc(size);
	result = malloc(room + 1);
	memcpy(text, data + 1, size - 1);
	check_decode(text, size - 1);
	result[room] = 'X';
	len = omni_identity_fold(text, size - 1, result, room);
	CHECK(result[room] == 'X');
	CHECK(len >= 0 && len <= room);
	check_folded(result, len);
	n = omni_identity_fold(result, len, again, sizeof(again));
	CHECK(n == len && memcmp(result, again, n) == 0);

	n = omni_identity_loosen(result, len, loose);
	CHECK(n <= len && (n > 0) == (len > 0));
	check_folded(loose, n);
	CHECK(omni_identity_loosen(loose, n, again) == n);
	CHECK(memcmp(loose, again, n) == 0);
	CHECK(omni_identity_split(result, len, words, 4) ==
		  omni_identity_split(loose, n, words, 4));
	n = omni_identity_split(result, len, words, 4);
	for (int i = 0; i < n; i++)
	{
		CHECK(words[i].len > 0 && words[i].at + words[i].len <= len);
		CHECK(memchr(result + words[i].at, ' ', words[i].len) == NULL);
		CHECK(i > 0 || words[i].at == 0);
		CHECK(i == 0 || words[i].at ==
			  words[i - 1].at + words[i - 1].len + 1);
	}
	CHECK(omni_identity_hash(result, len) == omni_identity_hash(result, len));
	free(text);
	free(result);
	return 0;
}
