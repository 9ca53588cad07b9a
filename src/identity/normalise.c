/*
 * normalise.c
 *	  SQL functions that bring names, addresses and the like into one
 *	  spelling.
 *
 * Thin wrappers of the pure cores.  Each takes any text and gives NULL where
 * the text says nothing; none raises an error for what is written in it.  The
 * cores read a bounded part of long texts, so a megabyte costs no more than
 * its detoasting.  All but omni.normalise_phone() (phone.c) are immutable.
 */
#include "omni.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "identity/address_core.h"
#include "identity/date_core.h"
#include "identity/email_core.h"
#include "identity/id_core.h"
#include "identity/identity.h"
#include "identity/name_core.h"
#include "identity/phonetic_core.h"

PG_FUNCTION_INFO_V1(omni_identity_fold_text);
PG_FUNCTION_INFO_V1(omni_identity_loosen_text);
PG_FUNCTION_INFO_V1(omni_identity_normalise_person);
PG_FUNCTION_INFO_V1(omni_identity_parse_person);
PG_FUNCTION_INFO_V1(omni_identity_normalise_company);
PG_FUNCTION_INFO_V1(omni_identity_normalise_mailbox);
PG_FUNCTION_INFO_V1(omni_identity_normalise_birthday);
PG_FUNCTION_INFO_V1(omni_identity_parse_birthday);
PG_FUNCTION_INFO_V1(omni_identity_parse_place);
PG_FUNCTION_INFO_V1(omni_identity_normalise_road);
PG_FUNCTION_INFO_V1(omni_identity_normalise_code);
PG_FUNCTION_INFO_V1(omni_identity_normalise_number);
PG_FUNCTION_INFO_V1(omni_identity_find_chiefs);
PG_FUNCTION_INFO_V1(omni_identity_encode_sound);

/* Argument n, which is not NULL. */
OmniBytes
omni_identity_get_text(FunctionCallInfo fcinfo, int n)
{
	text	   *value = PG_GETARG_TEXT_PP(n);
	OmniBytes	result = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};

	return result;
}

/* A text to return, NULL for the empty one. */
#define RETURN_TEXT(text, len) \
	do { \
		int			len_ = (len); \
		if (len_ == 0) \
			PG_RETURN_NULL(); \
		PG_RETURN_TEXT_P(cstring_to_text_with_len(text, len_)); \
	} while (0)

/* ---- text ---- */

/* fold_text(text): plain letters, digits and single blanks; see text_core.h. */
Datum
omni_identity_fold_text(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	char		folded[OMNI_FOLD_MAX];

	RETURN_TEXT(folded, omni_identity_fold(value.bytes, value.len, folded,
										   sizeof(folded)));
}

/* loosen_text(text): folded, and ways of transliteration drawn together. */
Datum
omni_identity_loosen_text(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	char		folded[OMNI_FOLD_MAX];
	char		loose[OMNI_FOLD_MAX];
	int			len;

	len = omni_identity_fold(value.bytes, value.len, folded, sizeof(folded));
	RETURN_TEXT(loose, omni_identity_loosen(folded, len, loose));
}

/* ---- names ---- */

/* The parts of a name that make up omni.normalise_name(), in this order. */
static const OmniNamePart person_parts[] = {
	OMNI_NAME_GIVEN, OMNI_NAME_MIDDLE, OMNI_NAME_FAMILY, OMNI_NAME_SUFFIX
};

/*
 * normalise_name(text): given, middle and family name and suffix, folded, in
 * this order however they were written; without titles and nicknames.
 */
Datum
omni_identity_normalise_person(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	OmniName	name;
	char		result[2 * OMNI_FOLD_MAX];
	int			len = 0;

	omni_identity_parse_name(value.bytes, value.len, &name);
	for (int i = 0; i < lengthof(person_parts); i++)
	{
		int			n;

		n = omni_identity_name_part(&name, person_parts[i],
									result + len + (len > 0));
		if (n > 0 && len > 0)
			result[len++] = ' ';
		len += n;
	}
	RETURN_TEXT(result, len);
}

/* Start a row of the function's result type, all NULL. */
static TupleDesc
start_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls, int n)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != n)
		elog(ERROR, "identity: unexpected result type");
	memset(values, 0, n * sizeof(Datum));
	memset(nulls, true, n * sizeof(bool));
	return BlessTupleDesc(desc);
}

/* Put a text into a row, unless it is empty. */
static void
put_text(Datum *values, bool *nulls, int i, const char *text, int len)
{
	if (len == 0)
		return;
	values[i] = PointerGetDatum(cstring_to_text_with_len(text, len));
	nulls[i] = false;
}

/* parse_name(text): title, given, middle, family, suffix, nickname, generation */
Datum
omni_identity_parse_person(PG_FUNCTION_ARGS)
{
	static const OmniNamePart parts[] = {
		OMNI_NAME_TITLE, OMNI_NAME_GIVEN, OMNI_NAME_MIDDLE, OMNI_NAME_FAMILY,
		OMNI_NAME_SUFFIX, OMNI_NAME_NICKNAME
	};
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	Datum		values[lengthof(parts) + 1];
	bool		nulls[lengthof(parts) + 1];
	TupleDesc	desc = start_row(fcinfo, values, nulls, lengthof(values));
	OmniName	name;

	omni_identity_parse_name(value.bytes, value.len, &name);
	for (int i = 0; i < lengthof(parts); i++)
	{
		char		part[OMNI_FOLD_MAX];

		put_text(values, nulls, i, part,
				 omni_identity_name_part(&name, parts[i], part));
	}
	if (name.generation > 0)
	{
		values[lengthof(parts)] = Int32GetDatum(name.generation);
		nulls[lengthof(parts)] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * normalise_organization(text): folded, without legal form, "the" and "and";
 * usual abbreviations written out.
 */
Datum
omni_identity_normalise_company(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	OmniOrganization name;

	omni_identity_parse_organization(value.bytes, value.len, &name);
	RETURN_TEXT(name.w.text, name.w.len);
}

/*
 * find_chief_names(text): the names of which a given name is a form; empty
 * where none is known.
 */
Datum
omni_identity_find_chiefs(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	OmniWord	word;
	Datum		names[OMNI_NICKNAME_GROUPS];
	int			n = 0;

	omni_identity_prepare_given(value.bytes, value.len, &word);
	while (n < OMNI_NICKNAME_GROUPS && word.nickname.groups[n] != 0)
	{
		uint16_t	group = word.nickname.groups[n];

		names[n++] =
			CStringGetTextDatum(omni_identity_nickname_chief(group));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(names, n, TEXTOID, -1, false,
										  TYPALIGN_INT));
}

/*
 * encode_sound(text): the one or two codes of double metaphone, four letters
 * each; empty where there is no letter.
 */
Datum
omni_identity_encode_sound(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	char		folded[OMNI_FOLD_MAX];
	uint64_t	codes[2];
	Datum		names[2];
	int			len;
	int			n = 0;

	len = omni_identity_fold(value.bytes, value.len, folded, sizeof(folded));
	codes[0] = omni_identity_sound(folded, len, 4, &codes[1]);
	for (int i = 0; i < 2; i++)
	{
		char		code[OMNI_SOUND_LETTERS + 1] = {0};

		for (int k = 0; k < OMNI_SOUND_LETTERS; k++)
			code[k] = (char) (codes[i] >> (8 * k));
		if (codes[i] != 0 && (i == 0 || codes[1] != codes[0]))
			names[n++] = CStringGetTextDatum(code);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(names, n, TEXTOID, -1, false,
										  TYPALIGN_INT));
}

/* ---- e-mail and ids ---- */

/* normalise_email(text): the mailbox; NULL when it is no address. */
Datum
omni_identity_normalise_mailbox(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	char		result[OMNI_EMAIL_SIZE];

	RETURN_TEXT(result, omni_identity_normalise_email(value.bytes, value.len,
													  result));
}

/* normalise_national_id(text): capitals and digits; NULL for fillers. */
Datum
omni_identity_normalise_number(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	char		result[OMNI_ID_SIZE];

	RETURN_TEXT(result, omni_identity_normalise_id(value.bytes, value.len,
												   result));
}

/* ---- dates ---- */

/* Read the date of arguments (text, boolean); false when there is none. */
static bool
read_date(FunctionCallInfo fcinfo, OmniDate *date)
{
	OmniBytes	value;
	OmniDateOrder order = OMNI_DATE_UNKNOWN_ORDER;

	if (PG_ARGISNULL(0))
		return false;
	value = omni_identity_get_text(fcinfo, 0);
	if (!PG_ARGISNULL(1))
		order = PG_GETARG_BOOL(1) ? OMNI_DATE_DAY_FIRST :
			OMNI_DATE_MONTH_FIRST;
	return omni_identity_parse_date(value.bytes, value.len, order, 0, date);
}

/*
 * normalise_date(text, day_first boolean): 1951-06-17, 1951-06, 1951, --06-17;
 * NULL when it is no date.
 */
Datum
omni_identity_normalise_birthday(PG_FUNCTION_ARGS)
{
	OmniDate	date;
	char		result[OMNI_DATE_TEXT_SIZE];

	if (!read_date(fcinfo, &date))
		PG_RETURN_NULL();
	RETURN_TEXT(result, omni_identity_print_date(&date, result));
}

/* parse_date(text, boolean): year, month, day, ambiguous, century_guessed */
Datum
omni_identity_parse_birthday(PG_FUNCTION_ARGS)
{
	Datum		values[5];
	bool		nulls[5];
	TupleDesc	desc = start_row(fcinfo, values, nulls, lengthof(values));
	OmniDate	date;

	if (!read_date(fcinfo, &date))
		PG_RETURN_NULL();
	values[0] = Int32GetDatum(date.year);
	nulls[0] = date.year == 0;
	values[1] = Int32GetDatum(date.month);
	nulls[1] = date.month == 0;
	values[2] = Int32GetDatum(date.day);
	nulls[2] = date.day == 0;
	values[3] = BoolGetDatum(date.ambiguous);
	nulls[3] = false;
	values[4] = BoolGetDatum(date.century_guessed);
	nulls[4] = false;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* ---- addresses ---- */

/*
 * parse_address(text, country text): number, street, unit, box, city, region,
 * postal_code, country, name
 */
Datum
omni_identity_parse_place(PG_FUNCTION_ARGS)
{
	OmniBytes	value;
	const char *country = NULL;
	Datum		values[9];
	bool		nulls[9];
	TupleDesc	desc = start_row(fcinfo, values, nulls, lengthof(values));
	OmniAddress address;
	const OmniSpan *parts[9];
	char		code[OMNI_FOLD_MAX];

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	value = omni_identity_get_text(fcinfo, 0);
	if (!PG_ARGISNULL(1))
		country = text_to_cstring(PG_GETARG_TEXT_PP(1));
	omni_identity_parse_address(value.bytes, value.len, country, &address);
	parts[0] = &address.number;
	parts[1] = &address.street;
	parts[2] = &address.unit;
	parts[3] = &address.box;
	parts[4] = &address.city;
	parts[5] = &address.region;
	parts[6] = &address.postal_code;
	parts[7] = &address.country;
	parts[8] = &address.name;
	for (int i = 0; i < lengthof(parts); i++)
	{
		const char *text = address.text + parts[i]->at;
		int			len = parts[i]->len;

		if (i == 6)
		{
			len = omni_identity_normalise_postal_code(text, len, code,
													  sizeof(code));
			text = code;
		}
		put_text(values, nulls, i, text, len);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* normalise_street(text): folded; types, directions, ordinals in one way. */
Datum
omni_identity_normalise_road(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	char		result[OMNI_FOLD_MAX];

	RETURN_TEXT(result, omni_identity_normalise_street(value.bytes, value.len,
													   result,
													   sizeof(result)));
}

/* normalise_postal_code(text): letters and digits; ZIP+4 cut to ZIP. */
Datum
omni_identity_normalise_code(PG_FUNCTION_ARGS)
{
	OmniBytes	value = omni_identity_get_text(fcinfo, 0);
	char		result[OMNI_FOLD_MAX];

	RETURN_TEXT(result, omni_identity_normalise_postal_code(value.bytes,
															value.len, result,
															sizeof(result)));
}
