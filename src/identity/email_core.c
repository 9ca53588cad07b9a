/*
 * email_core.c
 *	  E-mail addresses in one spelling; no PostgreSQL in it.
 *
 * Two rules, for two purposes.  What identifies a customer folds only what is
 * certain everywhere: blanks around the address and the case of ASCII letters.
 * What compares records folds what the provider says of itself: the list
 * below holds those whose own help pages say that they ignore dots or +tags,
 * or deliver several domains to one mailbox.
 */
#include "identity/email_core.h"

#include <string.h>

#include "identity/compare_core.h"

typedef struct Provider
{
	const char *domain;
	const char *chief;			/* the domain it is one with */
	const char *ignored;		/* characters that do not count */
	bool		tags;			/* "+" and what is behind it does not count */
} Provider;

static const Provider providers[] = {
	{"gmail.com", "gmail.com", ".", true},
	{"googlemail.com", "gmail.com", ".", true},
	{"protonmail.com", "proton.me", ".-_", true},
	{"protonmail.ch", "proton.me", ".-_", true},
	{"proton.me", "proton.me", ".-_", true},
	{"pm.me", "proton.me", ".-_", true},
	{"icloud.com", "icloud.com", "", true},
	{"me.com", "icloud.com", "", true},
	{"mac.com", "icloud.com", "", true},
	{"outlook.com", "outlook.com", "", true},
	{"hotmail.com", "hotmail.com", "", true},
	{"live.com", "live.com", "", true},
	{"fastmail.com", "fastmail.com", "", true},
	{"fastmail.fm", "fastmail.fm", "", true},
	{"yandex.ru", "yandex.ru", "", true},
	{"ya.ru", "yandex.ru", "", true},
	{"yandex.com", "yandex.ru", "", true},
};

/* ASCII white space and control characters. */
static bool
is_blank(char c)
{
	return (unsigned char) c <= ' ' || (unsigned char) c == 0x7f;
}

/* ASCII letter in lower case. */
static char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* What is certain: blanks around, case of ASCII letters. */
int
omni_identity_clean_email(const char *text, size_t len, char *result)
{
	const char *at = NULL;
	const char *end = text + len;

	while (text < end && is_blank(*text))
		text++;
	while (end > text && is_blank(end[-1]))
		end--;
	len = end - text;
	if (len >= OMNI_EMAIL_SIZE)
		return 0;
	for (size_t i = 0; i < len; i++)
	{
		if (is_blank(text[i]))
			return 0;
		if (text[i] == '@')
			at = text + i;
		result[i] = to_lower(text[i]);
	}
	result[len] = '\0';
	return at != NULL && at > text && at < end - 1 ? (int) len : 0;
}

/* The last @, or NULL. */
static const char *
find_at(const char *text, int len)
{
	for (int i = len - 1; i >= 0; i--)
		if (text[i] == '@')
			return text + i;
	return NULL;
}

/* Drop from the local part what its provider ignores; the new length. */
static int
simplify(char *address, int len)
{
	const char *at = find_at(address, len);
	int			local = (int) (at - address);
	int			domain_len = len - local - 1;
	const Provider *provider = NULL;
	char		kept[OMNI_EMAIL_SIZE];
	int			n = 0;

	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
		if (strlen(providers[i].domain) == (size_t) domain_len &&
			memcmp(providers[i].domain, at + 1, domain_len) == 0)
			provider = &providers[i];
	if (provider == NULL || address[0] == '"')
		return len;
	for (int i = 0; i < local && !(provider->tags && address[i] == '+'); i++)
		if (strchr(provider->ignored, address[i]) == NULL ||
			address[i] == '\0')
			kept[n++] = address[i];
	if (n == 0)
		return len;
	domain_len = (int) strlen(provider->chief);
	if (n + 1 + domain_len >= OMNI_EMAIL_SIZE)
		return len;
	memcpy(address, kept, n);
	address[n] = '@';
	memcpy(address + n + 1, provider->chief, domain_len + 1);
	return n + 1 + domain_len;
}

/* Take off one layer of what may be around and in an address. */
static int
normalise_once(const char *text, size_t len, char *result)
{
	static const char scheme[] = "mailto:";
	const char *end = text + len;

	while (text < end && is_blank(*text))
		text++;
	while (end > text && is_blank(end[-1]))
		end--;
	/* Jane Roe <jane@example.com> */
	if (end > text && end[-1] == '>')
	{
		const char *open = end - 1;

		while (open > text && *open != '<')
			open--;
		if (*open == '<')
		{
			text = open + 1;
			end--;
		}
	}
	while (text < end && is_blank(*text))
		text++;
	if ((size_t) (end - text) > sizeof(scheme) - 1)
	{
		size_t		n = 0;

		while (n < sizeof(scheme) - 1 && to_lower(text[n]) == scheme[n])
			n++;
		if (n == sizeof(scheme) - 1)
			text += n;
	}
	len = omni_identity_clean_email(text, end - text, result);
	if (len == 0)
		return 0;
	/* a domain may be written with its closing dot */
	while (len > 1 && result[len - 1] == '.')
		result[--len] = '\0';
	if (result[len - 1] == '@' || memchr(result, '<', len) ||
		memchr(result, '>', len))
		return 0;
	return simplify(result, (int) len);
}

/* The mailbox: layers off, then what the provider ignores. */
int
omni_identity_normalise_email(const char *text, size_t len, char *result)
{
	char		copy[OMNI_EMAIL_SIZE];
	int			before = 0;
	int			n = normalise_once(text, len, result);

	/* until nothing changes; a domain grows once, all else shrinks */
	while (n > 0)
	{
		memcpy(copy, result, n);
		before = n;
		n = normalise_once(copy, n, result);
		if (n == before && memcmp(copy, result, n) == 0)
			break;
	}
	return n;
}

/* Mailboxes of an office, not of a person. */
static bool
is_role(const char *local, int len)
{
	static const char *const roles[] = {
		"info", "sales", "contact", "admin", "office", "mail", "email",
		"support", "hello", "webmaster", "postmaster", "noreply", "no-reply",
		"service", "kontakt", "contacto", "post", "accounts", "billing",
		"orders", "shop", "team", "help", "test", "none", "unknown"
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strlen(roles[i]) == (size_t) len &&
			memcmp(roles[i], local, len) == 0)
			return true;
	return false;
}

/* Cheap questions first. */
OmniEmailLevel
omni_identity_compare_emails(const char *a, int alen, const char *b, int blen)
{
	const char *at_a;
	const char *at_b;
	int			local_a;
	int			local_b;

	if (alen == 0 || blen == 0)
		return OMNI_EMAIL_NULL;
	if (alen == blen && memcmp(a, b, alen) == 0)
		return OMNI_EMAIL_EXACT;
	at_a = find_at(a, alen);
	at_b = find_at(b, blen);
	local_a = at_a ? (int) (at_a - a) : alen;
	local_b = at_b ? (int) (at_b - b) : blen;
	if (local_a == local_b && local_a >= 3 && memcmp(a, b, local_a) == 0 &&
		!is_role(a, local_a))
		return OMNI_EMAIL_SAME_LOCAL;
	if (omni_identity_damerau(a, alen, b, blen, 1) <= 1)
		return OMNI_EMAIL_TYPO;
	if (omni_identity_jaro_winkler(a, local_a, b, local_b) >= 0.92)
		return OMNI_EMAIL_SIMILAR_LOCAL;
	return OMNI_EMAIL_DIFFERENT;
}
