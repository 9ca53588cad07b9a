/*
 * match_prepare_core.c
 *	  From the cells of a record to normalised values of attributes.
 *
 * Everything said in two ways is drawn together here: a name in full or in
 * parts, a date as one or in parts, an address as one text or in columns.
 * Cells are any bytes of any length; nothing is refused, what cannot be read
 * is missing or stays as folded text.
 */
#include "identity/match_private.h"

#include <stdio.h>
#include <string.h>

#include "identity/address_core.h"
#include "identity/date_core.h"
#include "identity/email_core.h"
#include "identity/id_core.h"
#include "identity/name_core.h"
#include "identity/phone_core.h"
#include "identity/text_core.h"

#define AGE_YEAR	2000		/* in which ages are turned into years */
#define HAS(cells, role) ((cells)[role].text != NULL && (cells)[role].len > 0)

/* Set an attribute of a record, unless it has a value already. */
static void
set_value(OmniMatchEngine *engine, uint32_t record, Attribute attribute,
		  const char *text, int len)
{
	uint32_t   *column = engine->column[attribute];

	if (len <= 0 || (column != NULL && column[record] != 0))
		return;
	if (column == NULL)
	{
		column = omni_match_alloc_zero(engine, engine->size * sizeof(uint32_t));
		engine->column[attribute] = column;
	}
	column[record] = omni_match_intern(engine, attribute, text, (size_t) len);
}

/* Set an attribute to a cell's folded text. */
static void
set_folded(OmniMatchEngine *engine, uint32_t record, Attribute attribute,
		   const OmniMatchCell *cell)
{
	char		folded[OMNI_FOLD_MAX];

	if (cell->text == NULL || cell->len == 0)
		return;
	set_value(engine, record, attribute, folded,
			  omni_identity_fold(cell->text, cell->len, folded,
								 sizeof(folded)));
}

/*
 * Words that come with names and are none, not even alone in a name's column:
 * forms of address, ranks of nobility, honours, learned degrees.  What is also
 * a family name (king, baron, major) is not among them.  Sorted.
 */
static const char *const no_names[] = {"bart", "baronet", "baroness", "bt",
	"cb", "cbe", "cie", "cmg", "csi", "cvo", "dame", "dcl", "dl", "dr", "dso",
	"esq", "esquire", "frcs", "frs", "frse", "fsa", "gbe", "gcb", "gcie",
	"gcmg", "gcsi", "gcvo", "herr", "hon", "honble", "honourable", "jp",
	"kbe", "kcb", "kcie", "kcmg", "kcsi", "kcvo", "kg", "kt", "lady", "lld",
	"lord", "madame", "mademoiselle", "mbe", "md", "miss", "monsieur", "mp",
	"mr", "mrs", "ms", "obe", "om", "phd", "prof", "professor", "qc", "rev",
	"revd", "reverend", "rt", "senor", "senora", "signor", "sir", "tbe",
"vc", "viscount", "viscountess"};

/* Is it one of them, or an ordinal (1st, 2nd)? */
static bool
is_no_name(const char *word, int len)
{
	int			low = 0;
	int			high = (int) (sizeof(no_names) / sizeof(no_names[0])) - 1;

	if (len >= 3 && word[0] >= '0' && word[0] <= '9')
	{
		const char *end = word + len - 2;

		return memcmp(end, "st", 2) == 0 || memcmp(end, "nd", 2) == 0 ||
			memcmp(end, "rd", 2) == 0 || memcmp(end, "th", 2) == 0;
	}
	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			order = strncmp(word, no_names[middle], (size_t) len);

		if (order == 0 && no_names[middle][len] != '\0')
			order = -1;
		if (order == 0)
			return true;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return false;
}

/*
 * A name's cell without such words: the cell itself where it has none, else
 * what is left, in "buffer".  Parts that commas divide stay divided, and one
 * of which nothing is left goes.
 */
static OmniMatchCell
clean_name(const OmniMatchCell *cell, char *buffer)
{
	OmniMatchCell clean = *cell;
	int			used = 0;
	bool		dropped = false;
	size_t		at = 0;

	if (cell->text == NULL || cell->len == 0 || cell->len > OMNI_FOLD_MAX)
		return clean;
	while (at < cell->len)
	{
		size_t		end = at;
		char		folded[32];
		int			len;

		while (end < cell->len && cell->text[end] != ' ' &&
			   cell->text[end] != ',')
			end++;
		len = end - at > 16 ? 0 :
			omni_identity_fold(cell->text + at, end - at, folded,
							   sizeof(folded));
		if (len > 0 && is_no_name(folded, len))
			dropped = true;
		else
		{
			memcpy(buffer + used, cell->text + at, end - at);
			used += (int) (end - at);
		}
		if (end < cell->len)
			buffer[used++] = cell->text[end++];
		at = end;
	}
	if (!dropped)
		return clean;
	while (used > 0 && (buffer[used - 1] == ' ' || buffer[used - 1] == ','))
		used--;
	clean.text = buffer;
	clean.len = (size_t) used;
	return clean;
}

/* Is one of the words of "text" this one? */
static bool
has_word(const char *text, int len, const char *word, int word_len)
{
	for (int start = 0; start < len;)
	{
		int			end = start;

		while (end < len && text[end] != ' ')
			end++;
		if (end - start == word_len &&
			memcmp(text + start, word, (size_t) word_len) == 0)
			return true;
		start = end + 1;
	}
	return false;
}

/*
 * What a full name says beyond given and family name: the words of the given
 * and middle parts that are in neither.
 */
static int
rest_of_name(const OmniName *full, const OmniWord *given,
			 const OmniWord *family, char *rest)
{
	int			len = 0;

	for (int i = 0; i < full->w.nwords; i++)
	{
		const char *word = full->w.text + full->w.words[i].at;
		int			word_len = full->w.words[i].len;

		if (full->parts[i] == OMNI_NAME_TITLE ||
			full->parts[i] == OMNI_NAME_SUFFIX ||
			full->parts[i] == OMNI_NAME_PARTICLE ||
			has_word(given->text, given->len, word, word_len) ||
			has_word(family->text, family->len, word, word_len) ||
			len + word_len + 1 > OMNI_FOLD_MAX)
			continue;
		if (len > 0)
			rest[len++] = ' ';
		memcpy(rest + len, word, (size_t) word_len);
		len += word_len;
	}
	return len;
}

/* A given or a family name from its cell; the generation that it tells. */
static int
prepare_name(OmniMatchEngine *engine, uint32_t record, bool is_given,
			 const OmniMatchCell *cell)
{
	char		buffer[OMNI_FOLD_MAX + 1];
	OmniMatchCell clean = clean_name(cell, buffer);
	OmniWord	word;

	if (clean.len == 0)
		return 0;
	if (is_given)
		omni_identity_prepare_given(clean.text, clean.len, &word);
	else
		omni_identity_prepare_family(clean.text, clean.len, &word);
	set_value(engine, record, is_given ? A_GIVEN : A_FAMILY, word.text,
			  word.len);
	return omni_identity_generation(clean.text, clean.len);
}

/*
 * Given and family name where no full name is to be compared with them: most
 * cells were seen before, and what became of them is kept.  An entry's
 * "tokens" is the name's number, its "kin" the generation that it tells.
 */
static int
prepare_cell(OmniMatchEngine *engine, uint32_t record, bool is_given,
			 const OmniMatchCell *cell)
{
	Dictionary *cells = is_given ? &engine->given_cells :
		&engine->family_cells;
	Attribute	attribute = is_given ? A_GIVEN : A_FAMILY;
	Value	   *entry;
	bool		is_new;

	if (cell->text == NULL || cell->len == 0)
		return 0;
	if (cell->len > VALUE_BYTES)
		return prepare_name(engine, record, is_given, cell);
	entry = omni_match_find_cell(engine, cells, cell->text, cell->len,
								 &is_new);
	if (is_new)
	{
		entry->kin = (uint32_t) prepare_name(engine, record, is_given, cell);
		entry->tokens = engine->column[attribute] == NULL ? 0 :
			engine->column[attribute][record];
	}
	else if (entry->tokens != 0)
	{
		engine->column[attribute][record] = entry->tokens;
		engine->dictionary[attribute].values[entry->tokens].count++;
		engine->dictionary[attribute].filled++;
	}
	return (int) entry->kin;
}

/* The rest of a person's names. */
static void
finish_person(OmniMatchEngine *engine, uint32_t record,
			  const OmniMatchCell *cells, int generation)
{
	const OmniMatchCell *suffix = &cells[OMNI_MATCH_NAME_SUFFIX];
	char		letter;

	if (HAS(cells, OMNI_MATCH_NAME_SUFFIX))
	{
		int			own = omni_identity_generation(suffix->text, suffix->len);

		if (own != 0)
			generation = own;
	}
	set_folded(engine, record, A_MIDDLE, &cells[OMNI_MATCH_MIDDLE_NAME]);
	if (generation != 0)
	{
		letter = (char) ('a' + generation % 26);
		set_value(engine, record, A_SUFFIX, &letter, 1);
	}
	/* a name in full alone may be an organisation's; see sort_records() */
	if (HAS(cells, OMNI_MATCH_GIVEN_NAME) ||
		HAS(cells, OMNI_MATCH_FAMILY_NAME))
		engine->kind[record] = KIND_PERSON;
}

/* Names of a person. */
static void
prepare_person(OmniMatchEngine *engine, uint32_t record,
			   const OmniMatchCell *cells)
{
	OmniName	full;
	OmniWord	given;
	OmniWord	family;
	char		part[OMNI_FOLD_MAX];
	char		buffer[OMNI_FOLD_MAX + 1];
	OmniMatchCell cell;
	int			generation = 0;
	int			len;

	if (!HAS(cells, OMNI_MATCH_FULL_NAME))
	{
		generation = prepare_cell(engine, record, true,
								  &cells[OMNI_MATCH_GIVEN_NAME]);
		len = prepare_cell(engine, record, false,
						   &cells[OMNI_MATCH_FAMILY_NAME]);
		finish_person(engine, record, cells, generation ? generation : len);
		return;
	}
	full.w.len = 0;
	full.w.nwords = 0;
	given.len = 0;
	family.len = 0;
	cell = clean_name(&cells[OMNI_MATCH_FULL_NAME], buffer);
	if (cell.len > 0)
	{
		omni_identity_parse_name(cell.text, cell.len, &full);
		if (full.w.len > 0)
			generation = full.generation;
	}
	cell = clean_name(&cells[OMNI_MATCH_GIVEN_NAME], buffer);
	if (cell.len > 0)
	{
		omni_identity_prepare_given(cell.text, cell.len, &given);
		if (generation == 0)
			generation = omni_identity_generation(cell.text, cell.len);
	}
	cell = clean_name(&cells[OMNI_MATCH_FAMILY_NAME], buffer);
	if (cell.len > 0)
	{
		omni_identity_prepare_family(cell.text, cell.len, &family);
		if (generation == 0)
			generation = omni_identity_generation(cell.text, cell.len);
	}
	set_value(engine, record, A_GIVEN, given.text, given.len);
	set_value(engine, record, A_FAMILY, family.text, family.len);
	if (full.w.len > 0)
	{
		/* a title stood where the name should be, or nothing did */
		if (given.len == 0)
		{
			len = omni_identity_name_part(&full, OMNI_NAME_GIVEN, part);
			if (len != family.len || memcmp(part, family.text, (size_t) len) != 0)
				set_value(engine, record, A_GIVEN, part, len);
		}
		if (family.len == 0)
		{
			len = omni_identity_name_part(&full, OMNI_NAME_FAMILY, part);
			if (len != given.len || memcmp(part, given.text, (size_t) len) != 0)
				set_value(engine, record, A_FAMILY, part, len);
		}
		if (given.len == 0 && family.len == 0)
			len = omni_identity_name_part(&full, OMNI_NAME_MIDDLE, part);
		else
			len = rest_of_name(&full, &given, &family, part);
		if (!HAS(cells, OMNI_MATCH_MIDDLE_NAME))
			set_value(engine, record, A_MIDDLE, part, len);
		set_value(engine, record, A_NAME, full.w.text, full.w.len);
	}
	finish_person(engine, record, cells, generation);
}

/*
 * The name of an organisation; "by_form": only if a legal form behind two words
 * or more says that it is one.
 */
static void
prepare_organisation(OmniMatchEngine *engine, uint32_t record,
					 const OmniMatchCell *cell, bool by_form)
{
	OmniOrganization name;

	omni_identity_parse_organization(cell->text, cell->len, &name);
	if (name.w.len == 0 ||
		(by_form && (name.legal_form == OMNI_LEGAL_NONE ||
					 memchr(cell->text, ' ', cell->len) == NULL)))
		return;
	set_value(engine, record, A_NAME, name.w.text, name.w.len);
	engine->kind[record] = KIND_ORGANISATION;
}

/* The number that a cell's digits write, at most "max"; 0 if there is none. */
static int
cell_number(const OmniMatchCell *cell, int max)
{
	int			number = 0;
	size_t		at = 0;

	if (cell->text == NULL)
		return 0;
	while (at < cell->len && at < 32 &&
		   (cell->text[at] < '0' || cell->text[at] > '9'))
		at++;
	for (; at < cell->len && cell->text[at] >= '0' && cell->text[at] <= '9';
		 at++)
	{
		number = number * 10 + (cell->text[at] - '0');
		if (number > max)
			return 0;
	}
	return number;
}

/* Eight digits year, month, day; zeros where not known; unless all are. */
static void
set_birth(OmniMatchEngine *engine, uint32_t record, int year, int month,
		  int day)
{
	char		text[16];

	if (year == 0 && month == 0 && day == 0)
		return;
	snprintf(text, sizeof(text), "%04d%02d%02d", year % 10000, month % 100,
			 day % 100);
	set_value(engine, record, A_BIRTH, text, 8);
}

/*
 * The date of birth.  One that no calendar has, as a typing error makes it, is
 * kept by its digits: the error is in one of them.
 */
static void
prepare_birth(OmniMatchEngine *engine, uint32_t record,
			  const OmniMatchCell *cells)
{
	const OmniMatchCell *cell = &cells[OMNI_MATCH_BIRTH_DATE];
	OmniDate	date;
	char		digits[8];
	int			ndigits = 0;

	if (HAS(cells, OMNI_MATCH_BIRTH_DATE))
	{
		if (omni_identity_parse_date(cell->text, cell->len,
									 OMNI_DATE_UNKNOWN_ORDER, 0, &date))
		{
			set_birth(engine, record, date.year, date.month, date.day);
			return;
		}
		for (size_t i = 0; i < cell->len && i < 32 && ndigits <= 8; i++)
			if (cell->text[i] >= '0' && cell->text[i] <= '9')
			{
				if (ndigits < 8)
					digits[ndigits] = cell->text[i];
				ndigits++;
			}
		if (ndigits == 8 && memcmp(digits, "00000000", 8) != 0)
		{
			set_value(engine, record, A_BIRTH, digits, 8);
			return;
		}
	}
	/* an age is as good as a year, of a calendar that all records share */
	if (!HAS(cells, OMNI_MATCH_BIRTH_YEAR) && HAS(cells, OMNI_MATCH_AGE))
	{
		int			age = cell_number(&cells[OMNI_MATCH_AGE], 130);

		if (age > 0)
			set_birth(engine, record, AGE_YEAR - age, 0, 0);
		return;
	}
	set_birth(engine, record,
			  cell_number(&cells[OMNI_MATCH_BIRTH_YEAR], 9999),
			  cell_number(&cells[OMNI_MATCH_BIRTH_MONTH], 99),
			  cell_number(&cells[OMNI_MATCH_BIRTH_DAY], 99));
}

/* Male and female in the usual words and letters; others as they are. */
static void
prepare_sex(OmniMatchEngine *engine, uint32_t record,
			const OmniMatchCell *cell)
{
	static const char *const male[] = {"m", "male", "man", "mann",
	"maennlich", "mannlich", "homme", "h", "masculino", "masculin", "boy"};
	static const char *const female[] = {"f", "female", "woman", "w", "frau",
	"weiblich", "femme", "femenino", "feminin", "girl"};
	char		folded[OMNI_FOLD_MAX];
	int			len;

	if (cell->text == NULL || cell->len == 0)
		return;
	if (cell->len == 1 && strchr("mfMF", cell->text[0]) != NULL)
	{
		folded[0] = (char) (cell->text[0] | 0x20);
		set_value(engine, record, A_SEX, folded, 1);
		return;
	}
	len = omni_identity_fold(cell->text, cell->len, folded, 32);
	for (size_t i = 0; i < sizeof(male) / sizeof(male[0]); i++)
		if (len == (int) strlen(male[i]) && memcmp(folded, male[i],
												   (size_t) len) == 0)
			folded[0] = 'm', len = 1;
	for (size_t i = 0; i < sizeof(female) / sizeof(female[0]); i++)
		if (len == (int) strlen(female[i]) && memcmp(folded, female[i],
													 (size_t) len) == 0)
			folded[0] = 'f', len = 1;
	set_value(engine, record, A_SEX, folded, len);
}

/* A telephone number: its digits, with the country's where they are known. */
static void
prepare_phone(OmniMatchEngine *engine, uint32_t record,
			  const OmniMatchCell *cell, const OmniMatchCell *country)
{
	char		phone[OMNI_PHONE_SIZE];
	char		digits[OMNI_PHONE_SIZE];
	char		code[3] = {0};
	int			len;
	int			ndigits = 0;

	if (cell->text == NULL || cell->len == 0)
		return;
	if (country->len == 2 && country->text != NULL)
		for (int i = 0; i < 2; i++)
			code[i] = (char) (country->text[i] >= 'a' &&
							  country->text[i] <= 'z' ?
							  country->text[i] - 32 : country->text[i]);
	if (code[0] != '\0' && omni_identity_e164(cell->text, cell->len, code,
											  phone) == OMNI_PHONE_OK)
		len = (int) strlen(phone);
	else
		len = omni_identity_clean_phone(cell->text, cell->len, phone);
	for (int i = 0; i < len && phone[i] != 'x'; i++)
		if (phone[i] >= '0' && phone[i] <= '9')
			digits[ndigits++] = phone[i];
	if (ndigits >= 5)
		set_value(engine, record, A_PHONE, digits, ndigits);
}

/* A part of a parsed address. */
static void
set_part(OmniMatchEngine *engine, uint32_t record, Attribute attribute,
		 const OmniAddress *address, OmniSpan part)
{
	set_value(engine, record, attribute, address->text + part.at, part.len);
}

/* The parts of an address. */
static void
prepare_address(OmniMatchEngine *engine, uint32_t record,
				const OmniMatchCell *cells)
{
	OmniAddress address;
	OmniAddressColumns columns;

	memset(&columns, 0, sizeof(columns));
#define COLUMN(member, role) \
	columns.member = cells[role].text, \
	columns.member##_len = cells[role].text == NULL ? 0 : cells[role].len
	COLUMN(number, OMNI_MATCH_HOUSE_NUMBER);
	COLUMN(street, OMNI_MATCH_STREET);
	COLUMN(unit, OMNI_MATCH_UNIT);
	COLUMN(city, OMNI_MATCH_CITY);
	COLUMN(region, OMNI_MATCH_REGION);
	COLUMN(postal_code, OMNI_MATCH_POSTAL_CODE);
	COLUMN(country, OMNI_MATCH_COUNTRY);
#undef COLUMN
	for (int pass = 0; pass < 2; pass++)
	{
		if (pass == 0)
			omni_identity_join_address(&columns, &address);
		else if (HAS(cells, OMNI_MATCH_ADDRESS))
			omni_identity_parse_address(cells[OMNI_MATCH_ADDRESS].text,
										cells[OMNI_MATCH_ADDRESS].len, NULL,
										&address);
		else
			break;
		if (address.len == 0)
			continue;
		set_part(engine, record, A_STREET, &address, address.street);
		if (address.street.len == 0 && address.box.len > 0)
			set_part(engine, record, A_NUMBER, &address, address.box);
		set_part(engine, record, A_NUMBER, &address, address.number);
		set_part(engine, record, A_UNIT, &address, address.unit);
		set_part(engine, record, A_CITY, &address, address.city);
		set_part(engine, record, A_REGION, &address, address.region);
		set_part(engine, record, A_POSTAL, &address, address.postal_code);
		set_part(engine, record, A_COUNTRY, &address, address.country);
		if (address.street.len == 0)
			set_part(engine, record, A_STREET, &address, address.name);
	}
	/* a house's or estate's name in the unit's column */
	set_folded(engine, record, A_UNIT, &cells[OMNI_MATCH_UNIT]);
}

/* All attributes of a record. */
void
omni_match_prepare(OmniMatchEngine *engine, uint32_t record,
			  const OmniMatchCell *cells)
{
	char		email[OMNI_EMAIL_SIZE];
	char		id[OMNI_ID_SIZE];

	engine->kind[record] = KIND_UNKNOWN;
	engine->has_organisations |= HAS(cells, OMNI_MATCH_ORGANIZATION_NAME);
	if (HAS(cells, OMNI_MATCH_SOURCE))
		set_value(engine, record, A_SOURCE, cells[OMNI_MATCH_SOURCE].text,
				  (int) (cells[OMNI_MATCH_SOURCE].len > VALUE_BYTES ?
						 VALUE_BYTES : cells[OMNI_MATCH_SOURCE].len));
	if (!HAS(cells, OMNI_MATCH_GIVEN_NAME) &&
		!HAS(cells, OMNI_MATCH_FAMILY_NAME))
	{
		if (HAS(cells, OMNI_MATCH_ORGANIZATION_NAME))
			prepare_organisation(engine, record,
								 &cells[OMNI_MATCH_ORGANIZATION_NAME], false);
		else if (HAS(cells, OMNI_MATCH_FULL_NAME))
			prepare_organisation(engine, record,
								 &cells[OMNI_MATCH_FULL_NAME], true);
	}
	if (engine->kind[record] == KIND_UNKNOWN)
		prepare_person(engine, record, cells);
	prepare_birth(engine, record, cells);
	prepare_sex(engine, record, &cells[OMNI_MATCH_SEX]);
	set_folded(engine, record, A_BIRTH_PLACE,
			   &cells[OMNI_MATCH_BIRTH_PLACE]);
	prepare_phone(engine, record, &cells[OMNI_MATCH_PHONE],
				  &cells[OMNI_MATCH_COUNTRY]);
	if (HAS(cells, OMNI_MATCH_EMAIL))
		set_value(engine, record, A_EMAIL, email,
				  omni_identity_normalise_email(cells[OMNI_MATCH_EMAIL].text,
												cells[OMNI_MATCH_EMAIL].len,
												email));
	prepare_address(engine, record, cells);
	if (HAS(cells, OMNI_MATCH_NATIONAL_ID))
		set_value(engine, record, A_NATIONAL_ID, id,
				  omni_identity_normalise_id(
											 cells[OMNI_MATCH_NATIONAL_ID].text,
											 cells[OMNI_MATCH_NATIONAL_ID].len,
											 id));
	set_folded(engine, record, A_OCCUPATION, &cells[OMNI_MATCH_OCCUPATION]);
	set_folded(engine, record, A_OTHER, &cells[OMNI_MATCH_OTHER]);
}
