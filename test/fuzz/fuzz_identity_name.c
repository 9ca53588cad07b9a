/*
 * fuzz_identity_name.c
 *	  libFuzzer target for names of persons and organisations, nicknames and
 *	  sounds.
 *
 * The first byte says where the rest is cut into two texts.
 */
#include "check.h"

#include "identity/name_core.h"
#include "identity/phonetic_core.h"

static void
check_words(const OmniNameWords *w)
{
	CHECK(w->len <= OMNI_FOLD_MAX && w->nwords <= OMNI_NAME_WORDS);
	CHECK((w->len == 0) == (w->nwords == 0));
	for (int i = 0; i < w->nwords; i++)
	{
		CHECK(w->words[i].len > 0);
		CHECK(w->words[i].at + w->words[i].len <= w->len);
		CHECK(w->loose_lens[i] > 0 && w->loose_lens[i] <= w->words[i].len);
	}
}

static void
check_names(const char *a, size_t alen, const char *b, size_t blen)
{
	OmniName	x;
	OmniName	y;
	OmniName	again;
	char		part[OMNI_FOLD_MAX];
	int			total = 0;
	double		s;

	omni_identity_parse_name(a, alen, &x);
	omni_identity_parse_name(b, blen, &y);
	check_words(&x.w);
	/* every word is in one part */
	for (OmniNamePart p = OMNI_NAME_TITLE; p <= OMNI_NAME_NICKNAME; p++)
	{
		int			n = p == OMNI_NAME_PARTICLE ? 0 :
			omni_identity_name_part(&x, p, part);
		OmniSpan	words[OMNI_FOLD_MAX];

		CHECK(n >= 0 && n <= OMNI_FOLD_MAX);
		total += omni_identity_split(part, n, words, OMNI_FOLD_MAX);
	}
	CHECK(total == x.w.nwords);
	s = omni_identity_name_similarity(&x, &y);
	CHECK(s >= 0 && s <= 1);
	CHECK(s == omni_identity_name_similarity(&y, &x));
	CHECK(x.w.len == 0 || omni_identity_name_similarity(&x, &x) >= 0.999);
	CHECK(x.w.len > 0 || omni_identity_name_similarity(&x, &y) == 0);
	/* reading a folded name gives the same words */
	omni_identity_parse_name(x.w.text, x.w.len, &again);
	CHECK(again.w.len == x.w.len);
	CHECK(memcmp(again.w.text, x.w.text, x.w.len) == 0);
}

static void
check_organizations(const char *a, size_t alen, const char *b, size_t blen)
{
	OmniOrganization x;
	OmniOrganization y;
	double		s;

	omni_identity_parse_organization(a, alen, &x);
	omni_identity_parse_organization(b, blen, &y);
	check_words(&x.w);
	CHECK(x.legal_form <= OMNI_LEGAL_OTHER);
	s = omni_identity_organization_similarity(&x, &y);
	CHECK(s >= 0 && s <= 1);
	CHECK(s == omni_identity_organization_similarity(&y, &x));
	CHECK(x.w.len == 0 ||
		  omni_identity_organization_similarity(&x, &x) >= 0.999);
}

static void
check_word_pair(const char *a, size_t alen, const char *b, size_t blen)
{
	OmniWord	x[3];
	OmniWord	y[3];

	omni_identity_prepare_word(a, alen, &x[0]);
	omni_identity_prepare_given(a, alen, &x[1]);
	omni_identity_prepare_family(a, alen, &x[2]);
	omni_identity_prepare_word(b, blen, &y[0]);
	omni_identity_prepare_given(b, blen, &y[1]);
	omni_identity_prepare_family(b, blen, &y[2]);
	for (int i = 0; i < 3; i++)
	{
		OmniWordLevel level = omni_identity_compare_words(&x[i], &y[i]);
		OmniWord	again;

		CHECK(x[i].len <= OMNI_WORD_MAX && x[i].loose_len <= x[i].len);
		CHECK(level <= OMNI_WORD_DIFFERENT);
		CHECK(level == omni_identity_compare_words(&y[i], &x[i]));
		CHECK((level == OMNI_WORD_NULL) == (x[i].len == 0 || y[i].len == 0));
		CHECK(omni_identity_compare_words(&x[i], &x[i]) ==
			  (x[i].len ? OMNI_WORD_EXACT : OMNI_WORD_NULL));
		omni_identity_prepare_word(x[i].text, x[i].len, &again);
		CHECK(again.len == x[i].len &&
			  memcmp(again.text, x[i].text, again.len) == 0);
	}
	CHECK(omni_identity_names_swapped(&x[1], &x[2], &y[1], &y[2]) ==
		  omni_identity_names_swapped(&y[1], &y[2], &x[1], &x[2]));
}

/* A code has the letters of metaphone alone, none behind a zero. */
static void
check_sound(const char *a, size_t alen)
{
	char		folded[OMNI_FOLD_MAX];
	int			n = omni_identity_fold(a, alen, folded, sizeof(folded));
	int			letters = 1 + (int) (alen % OMNI_SOUND_LETTERS);
	uint64_t	second;
	uint64_t	first = omni_identity_sound(folded, n, letters, &second);
	OmniNickname nickname;

	for (int i = 0; i < 8; i++)
	{
		char		c = (char) (first >> (8 * i));

		CHECK(c == '\0' || strchr("APSKXTFJLMNRH0", c) != NULL);
		CHECK(c == '\0' || i < letters);
		CHECK(c != '\0' || first >> (8 * i) == 0);
	}
	CHECK(omni_identity_sounds_like(first, second, first, second) ==
		  (first != 0 || second != 0));
	if (omni_identity_find_nickname(folded, n, &nickname))
		for (int i = 0; i < OMNI_NICKNAME_GROUPS && nickname.groups[i]; i++)
			CHECK(omni_identity_nickname_chief(nickname.groups[i])[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *a;
	char	   *b;
	size_t		alen;
	size_t		blen;

	if (size < 1)
		return 0;
	alen = data[0] % size;
	blen = size - 1 - alen;
	a = malloc(alen + 1);
	b = malloc(blen + 1);
	memcpy(a, data + 1, alen);
	memcpy(b, data + 1 + alen, blen);
	check_names(a, alen, b, blen);
	check_organizations(a, alen, b, blen);
	check_word_pair(a, alen, b, blen);
	check_sound(a, alen);
	omni_identity_generation(a, alen);
	free(a);
	free(b);
	return 0;
}
