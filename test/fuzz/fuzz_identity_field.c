/*
 * fuzz_identity_field.c
 *	  libFuzzer target for dates, e-mail addresses, telephone numbers, national
 *	  ids and postal addresses.
 *
 * The first byte says where the rest is cut into two texts.
 */
#include "check.h"

#include "identity/address_core.h"
#include "identity/date_core.h"
#include "identity/email_core.h"
#include "identity/id_core.h"
#include "identity/phone_core.h"

/* Days by counting years and months. */
static int
count_days(const OmniDate *date)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			n = 0;

	for (int y = 1; y < date->year; y++)
		n += y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 366 : 365;
	for (int m = 1; m < date->month; m++)
		n += days[m - 1] + (m == 2 && date->year % 4 == 0 &&
							(date->year % 100 != 0 || date->year % 400 == 0));
	return n + date->day - 1 - 719162;
}

static void
check_dates(const char *a, size_t alen, const char *b, size_t blen, int order)
{
	OmniDate	x;
	OmniDate	y;
	OmniDate	again;
	char		text[OMNI_DATE_TEXT_SIZE];
	OmniDateLevel level;
	bool		good = omni_identity_parse_date(a, alen, order, 2026, &x);

	omni_identity_parse_date(b, blen, order, 2026, &y);
	CHECK(good == (x.year != 0 || x.month != 0));
	CHECK(good || (x.day == 0 && !x.ambiguous && !x.century_guessed));
	CHECK(x.year >= 0 && x.year <= 9999 && x.month <= 12 && x.day <= 31);
	CHECK(x.day == 0 || x.month != 0);
	if (good)
	{
		int			len = omni_identity_print_date(&x, text);

		CHECK(len < OMNI_DATE_TEXT_SIZE && (int) strlen(text) == len);
		CHECK(omni_identity_parse_date(text, len, order, 2026, &again));
		CHECK(again.year == x.year && again.month == x.month &&
			  again.day == x.day && !again.ambiguous);
		if (x.year && x.day)
			CHECK(omni_identity_date_days(&x) == count_days(&x));
	}
	level = omni_identity_compare_dates(&x, &y);
	CHECK(level <= OMNI_DATE_DIFFERENT);
	CHECK(level == omni_identity_compare_dates(&y, &x));
	CHECK((level == OMNI_DATE_EXACT) ==
		  (x.year && x.month && x.day && x.year == y.year &&
		   x.month == y.month && x.day == y.day));
	level = omni_identity_compare_dates(&x, &x);
	CHECK(level == (good ? x.year && x.day ? OMNI_DATE_EXACT :
					OMNI_DATE_PARTIAL : OMNI_DATE_NULL));
}

static void
check_emails(const char *a, size_t alen, const char *b, size_t blen)
{
	char		clean[OMNI_EMAIL_SIZE];
	char		x[OMNI_EMAIL_SIZE];
	char		y[OMNI_EMAIL_SIZE];
	char		again[OMNI_EMAIL_SIZE];
	int			n = omni_identity_clean_email(a, alen, clean);
	int			m;
	OmniEmailLevel level;

	CHECK(n >= 0 && n < OMNI_EMAIL_SIZE);
	CHECK(n == 0 || (clean[n] == '\0' && memchr(clean, '@', n) != NULL));
	CHECK(n == 0 || (omni_identity_clean_email(clean, n, again) == n &&
					 memcmp(clean, again, n) == 0));
	n = omni_identity_normalise_email(a, alen, x);
	m = omni_identity_normalise_email(b, blen, y);
	CHECK(n == 0 || (x[n] == '\0' && memchr(x, '@', n) != NULL));
	CHECK(n == 0 || (omni_identity_normalise_email(x, n, again) == n &&
					 memcmp(x, again, n) == 0));
	level = omni_identity_compare_emails(x, n, y, m);
	CHECK(level <= OMNI_EMAIL_DIFFERENT);
	CHECK(level == omni_identity_compare_emails(y, m, x, n));
	CHECK(omni_identity_compare_emails(x, n, x, n) ==
		  (n ? OMNI_EMAIL_EXACT : OMNI_EMAIL_NULL));
}

static void
check_phones(const char *a, size_t alen, const char *b, size_t blen)
{
	static const char *const countries[] = {NULL, "US", "GB", "DE", "FR",
	"AU", "DK", "XX"};
	char		x[OMNI_PHONE_SIZE];
	char		y[OMNI_PHONE_SIZE];
	char		again[OMNI_PHONE_SIZE];
	OmniPhone	p;
	OmniPhone	q;
	OmniPhoneLevel level;
	int			n = omni_identity_clean_phone(a, alen, x);
	int			m = omni_identity_clean_phone(b, blen, y);

	CHECK(n >= 0 && n < OMNI_PHONE_SIZE);
	CHECK(n == 0 || (x[n] == '\0' &&
					 omni_identity_clean_phone(x, n, again) == n &&
					 memcmp(x, again, n) == 0));
	CHECK(omni_identity_prepare_phone(x, n, &p) == (n > 0));
	CHECK(omni_identity_prepare_phone(y, m, &q) == (m > 0));
	level = omni_identity_compare_phones(&p, &q);
	CHECK(level <= OMNI_PHONE_DIFFERENT);
	CHECK(level == omni_identity_compare_phones(&q, &p));
	CHECK(omni_identity_compare_phones(&p, &p) ==
		  (n ? OMNI_PHONE_EXACT : OMNI_PHONE_NULL));
	omni_identity_prepare_phone(a, alen, &p);
	for (int i = 0; i < 8; i++)
	{
		OmniPhoneResult result = omni_identity_e164(a, alen, countries[i], x);

		CHECK(result != OMNI_PHONE_OK || (x[0] == '+' && strlen(x) > 7 &&
										  strlen(x) < 17));
		if (result == OMNI_PHONE_OK)
		{
			CHECK(omni_identity_e164(x, strlen(x), NULL, again) ==
				  OMNI_PHONE_OK && strcmp(x, again) == 0);
		}
	}
}

static void
check_ids(const char *a, size_t alen, const char *b, size_t blen)
{
	char		x[OMNI_ID_SIZE];
	char		y[OMNI_ID_SIZE];
	char		again[OMNI_ID_SIZE];
	int			n = omni_identity_normalise_id(a, alen, x);
	int			m = omni_identity_normalise_id(b, blen, y);
	OmniIdLevel level;

	CHECK(n >= 0 && n < OMNI_ID_SIZE);
	CHECK(n == 0 || (omni_identity_normalise_id(x, n, again) == n &&
					 memcmp(x, again, n) == 0));
	level = omni_identity_compare_ids(x, n, y, m);
	CHECK(level <= OMNI_ID_DIFFERENT);
	CHECK(level == omni_identity_compare_ids(y, m, x, n));
	CHECK(omni_identity_compare_ids(x, n, x, n) ==
		  (n ? OMNI_ID_EXACT : OMNI_ID_NULL));
}

static void
check_part(const OmniAddress *address, const OmniSpan *part)
{
	CHECK(part->at + part->len <= address->len);
}

static void
check_address(const OmniAddress *x)
{
	CHECK(x->len <= OMNI_FOLD_MAX);
	check_part(x, &x->number);
	check_part(x, &x->street);
	check_part(x, &x->unit);
	check_part(x, &x->box);
	check_part(x, &x->city);
	check_part(x, &x->region);
	check_part(x, &x->postal_code);
	check_part(x, &x->country);
	check_part(x, &x->name);
}

static void
check_addresses(const char *a, size_t alen, const char *b, size_t blen)
{
	OmniAddress x;
	OmniAddress y;
	OmniAddress z;
	OmniAddressColumns columns = {.street = a,.street_len = alen,.number = b,
	.number_len = blen,.unit = b,.unit_len = blen / 2,.postal_code = b,
	.postal_code_len = blen,.city = a,.city_len = alen};
	OmniAddressLevel level;
	char		street[OMNI_FOLD_MAX];
	char		again[OMNI_FOLD_MAX];
	int			n;

	omni_identity_parse_address(a, alen, NULL, &x);
	omni_identity_parse_address(b, blen, alen % 2 ? "US" : "AU", &y);
	omni_identity_join_address(&columns, &z);
	check_address(&x);
	check_address(&z);
	level = omni_identity_compare_addresses(&x, &y);
	CHECK(level <= OMNI_ADDRESS_DIFFERENT);
	CHECK(level == omni_identity_compare_addresses(&y, &x));
	level = omni_identity_compare_addresses(&z, &y);
	CHECK(level == omni_identity_compare_addresses(&y, &z));
	n = omni_identity_normalise_street(a, alen, street, sizeof(street));
	CHECK(n >= 0 && n <= OMNI_FOLD_MAX);
	CHECK(omni_identity_normalise_street(street, n, again, sizeof(again)) == n);
	CHECK(memcmp(street, again, n) == 0);
	n = omni_identity_normalise_postal_code(a, alen, street, sizeof(street));
	CHECK(omni_identity_normalise_postal_code(street, n, again,
											  sizeof(again)) == n);
	CHECK(memcmp(street, again, n) == 0);
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
	check_dates(a, alen, b, blen, data[0] % 3);
	check_emails(a, alen, b, blen);
	check_phones(a, alen, b, blen);
	check_ids(a, alen, b, blen);
	check_addresses(a, alen, b, blen);
	free(a);
	free(b);
	return 0;
}
