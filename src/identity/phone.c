/*
 * phone.c
 *	  omni.normalise_phone(): E.164, by the fast path or by libphonenumber.
 *
 * libphonenumber is C++ and several megabytes, so it is in a shared library of
 * its own, omni_phone, which is loaded by the first session and call that asks
 * for more than the fast path knows.  Where it was not built or cannot be
 * loaded, such a call is OM011.
 */
#include "omni.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "identity/identity.h"
#include "identity/phone_core.h"

#define PHONE_LIBRARY "omni_phone"
#define PHONE_FUNCTION "omni_phone_library_e164"

typedef int (*PhoneFunction) (const char *text, size_t len,
							  const char *country, char *result, size_t size);

PG_FUNCTION_INFO_V1(omni_identity_normalise_phone);

/* The library's function, or NULL where it cannot be loaded. */
static PhoneFunction
load_library(void)
{
	static PhoneFunction function = NULL;
	MemoryContext context = CurrentMemoryContext;

	if (function)
		return function;
	/* a file that is not there is an error of the loader, and no harm */
	PG_TRY();
	{
		function = (PhoneFunction) load_external_function(PHONE_LIBRARY,
														  PHONE_FUNCTION,
														  false, NULL);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (ERRCODE_TO_CATEGORY(geterrcode()) ==
			ERRCODE_OPERATOR_INTERVENTION)
			PG_RE_THROW();
		FlushErrorState();
		function = NULL;
	}
	PG_END_TRY();
	return function;
}

/* Ask the library; OM011 where there is none. */
static int
ask_library(const char *text, size_t len, const char *country, char *result)
{
	PhoneFunction function = load_library();
	int			n;

	if (function == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("library \"omni_phone\" is needed for this telephone number and cannot be loaded"),
				 errhint("Install libphonenumber (Debian: apt-get install libphonenumber-dev g++), then make and install omni again.")));
	n = function(text, len, country, result, OMNI_PHONE_SIZE);
	if (n < 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("libphonenumber failed")));
	return n;
}

/* What a phone number can be at most; longer texts are none. */
#define LONGEST_TEXT 250

/*
 * E.164 into "result" of OMNI_PHONE_SIZE bytes; its length, 0 where it is
 * none.  Numbers that begin with 00 are international where no country says
 * otherwise.
 */
int
omni_identity_find_e164(const char *text, size_t len, const char *country,
						char *result)
{
	char		rewritten[LONGEST_TEXT + 1];

	while (len > 0 && (unsigned char) text[0] <= ' ')
	{
		text++;
		len--;
	}
	if (len > LONGEST_TEXT)
		return 0;
	if (country == NULL && len > 2 && text[0] == '0' && text[1] == '0')
	{
		rewritten[0] = '+';
		memcpy(rewritten + 1, text + 2, len - 2);
		text = rewritten;
		len--;
	}
	switch (omni_identity_e164(text, len, country, result))
	{
		case OMNI_PHONE_OK:
			return (int) strlen(result);
		case OMNI_PHONE_NONE:
			return 0;
		case OMNI_PHONE_UNSURE:
			break;
	}
	return ask_library(text, len, country, result);
}

/* The country of argument n: two capitals, or NULL; OM007 for others. */
static const char *
get_country(FunctionCallInfo fcinfo, int n)
{
	char	   *country;

	if (PG_ARGISNULL(n))
		return NULL;
	country = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (strlen(country) != 2 || country[0] < 'A' || country[0] > 'Z' ||
		country[1] < 'A' || country[1] > 'Z')
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("argument \"country\" must be two capital letters"),
				 errhint("Use the code of ISO 3166, such as \"US\".")));
	return country;
}

/*
 * normalise_phone(phone text, country text): E.164, and "x" with the extension
 * where there is one.  Numbers without country code are of "country"; without
 * it they are NULL, as is what is no number of a possible length.  NULL for
 * NULL.  OM007 for a malformed country, OM011 where omni_phone is needed and
 * not there.
 */
Datum
omni_identity_normalise_phone(PG_FUNCTION_ARGS)
{
	OmniBytes	value;
	const char *country = get_country(fcinfo, 1);
	char		result[OMNI_PHONE_SIZE];
	int			len;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	value = omni_identity_get_text(fcinfo, 0);
	len = omni_identity_find_e164(value.bytes, value.len, country, result);
	if (len == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(result, len));
}
