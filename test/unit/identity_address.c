/*
 * identity_address.c
 *	  Parts of postal addresses, and how alike two are.
 *
 * Sources: src/identity/text_core.c src/identity/compare_core.c
 * Sources: src/identity/address_core.c src/identity/street_core.c
 */
#include "identity_check.h"

#include "identity/address_core.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

typedef struct Case
{
	const char *text;
	/* number|street|unit|box|city|region|postal code|country|name */
	const char *result;
} Case;

static const Case cases[] = {
	{"12 Main St Apt 4B, Las Vegas NV 89132", "12|main st|4b||las vegas|nv|89132||"},
	{"123 Main Street Las Vegas NV 89132", "123|main st|||las vegas|nv|89132||"},
	{"Hauptstr. 5, 10115 Berlin", "5|hauptstr|||berlin||10115||"},
	{"Hauptstra\303\237e 5a, D-10115 Berlin, Germany", "5a|hauptstr|||berlin||10115|germany|"},
	{"10 Downing Street, London SW1A 2AA, UK", "10|downing st|||london||sw1a2aa|uk|"},
	{"Flat 2, 10 High St, Leeds LS1 4AB", "10|high st|2||leeds||ls14ab||"},
	{"4/12 Smith Road, Newtown NSW 2042", "12|smith rd|4||newtown|nsw|2042||"},
	{"12 rue de la Paix, 75002 Paris", "12|rue de la paix|||paris||75002||"},
	{"PO Box 123, Springfield, IL 62701-1234", "|||123|springfield|il|62701||"},
	{"P.O. Box 77, Perth WA 6000", "|||77|perth|wa|6000||"},
	{"Unit #4, 77 North Fifth Avenue, New York, NY, 10003", "77|n 5th ave|4||new york|ny|10003||"},
	{"12-14 Oak Lane", "12 14|oak ln|||||||"},
	{"Rose Cottage, Church Lane, Norfolk NR21 0AA", "|church ln|||norfolk||nr210aa||rose cottage"},
	{"Damrak 1, 1012 LG Amsterdam", "1|damrak|||amsterdam||1012lg||"},
	{"221B Baker Street, London", "221b|baker st|||london||||"},
	{"Level 3, 9 Saint Georges Tce, Perth", "9|st georges ter|3||perth||||"},
	{"Las Vegas", "||||||||las vegas"},
	{"", "||||||||"}, {",,\n;", "||||||||"}, {"89132", "89132||||||||"},
	{"12 Main St\nLas Vegas NV 89132", "12|main st|||las vegas|nv|89132||"},
};

typedef struct Pair
{
	const char *a;
	const char *b;
	OmniAddressLevel level;
} Pair;

static const Pair pairs[] = {
	{"12 Main St, Las Vegas NV 89132", "12 MAIN STREET, Las Vegas, NV 89132-1111", OMNI_ADDRESS_EXACT},
	{"12 Main St Apt 4, Las Vegas NV 89132", "12 Main St #4, Las Vegas NV 89132", OMNI_ADDRESS_EXACT},
	{"12 Main St Apt 4, Las Vegas NV 89132", "12 Main St, Las Vegas NV 89132", OMNI_ADDRESS_SAME_HOUSE},
	{"12 Main St Apt 4, Las Vegas NV 89132", "12 Main St Apt 5, Las Vegas NV 89132", OMNI_ADDRESS_OTHER_UNIT},
	{"12 Featherstone St, Las Vegas NV 89132", "12 Fetherston St, Las Vegas NV 89132", OMNI_ADDRESS_TYPO},
	{"12 Main St, Las Vegas NV 89132", "13 Main St, Las Vegas NV 89132", OMNI_ADDRESS_TYPO},
	{"12 Main St, Las Vegas NV 89132", "12 Main, Las Vegas NV 89132", OMNI_ADDRESS_TYPO},
	{"12 Main St, Las Vegas NV 89132", "777 Main St, Las Vegas NV 89132", OMNI_ADDRESS_SAME_STREET},
	{"12 Main St, Las Vegas NV 89132", "Las Vegas NV 89132", OMNI_ADDRESS_SAME_PLACE},
	{"12 Main St, Las Vegas NV 89132", "5 Oak Ln, Reno NV 89501", OMNI_ADDRESS_DIFFERENT},
	{"12 Main St, Las Vegas NV 89132", "12 Main St, Boston MA 02115", OMNI_ADDRESS_DIFFERENT},
	{"PO Box 7, Reno NV 89501", "P.O. Box 7, Reno NV 89501", OMNI_ADDRESS_EXACT},
	{"", "12 Main St", OMNI_ADDRESS_NULL}, {"", "", OMNI_ADDRESS_NULL},
};

static const Case streets[] = {
	{"North Main Street", "n main st"}, {"5th Avenue", "5th ave"}, {"Fifth Ave.", "5th ave"}, {"Hauptstrasse", "hauptstr"},
	{"Haupt Stra\303\237e", "haupt str"}, {"", ""},
};

static const Case codes[] = {
	{"89132-1234", "89132"}, {"sw1a 2aa", "SW1A2AA"}, {" 1012 LG", "1012LG"}, {"", ""}, {"--", ""},
};

static void
append(const OmniAddress *address, const OmniSpan *part, char *text)
{
	strncat(text, address->text + part->at, part->len);
	strcat(text, part == &address->name ? "" : "|");
}

int
main(void)
{
	OmniAddress a;
	OmniAddress b;
	OmniAddressColumns columns = {.number = "12",.number_len = 2,
	.street = "Main Street Apt 4B",.street_len = 18,.city = "Reno",.city_len = 4,.postal_code = "89501-1",.postal_code_len = 5};
	char		text[OMNI_FOLD_MAX * 2];
	int			n;

	for (size_t i = 0; i < COUNT(cases); i++)
	{
		omni_identity_parse_address(cases[i].text, strlen(cases[i].text), NULL, &a);
		text[0] = '\0';
		append(&a, &a.number, text);
		append(&a, &a.street, text);
		append(&a, &a.unit, text);
		append(&a, &a.box, text);
		append(&a, &a.city, text);
		append(&a, &a.region, text);
		append(&a, &a.postal_code, text);
		append(&a, &a.country, text);
		append(&a, &a.name, text);
		check_text(cases[i].text, text, cases[i].result);
	}
	for (size_t i = 0; i < COUNT(pairs); i++)
	{
		omni_identity_parse_address(pairs[i].a, strlen(pairs[i].a), NULL, &a);
		omni_identity_parse_address(pairs[i].b, strlen(pairs[i].b), NULL, &b);
		snprintf(text, sizeof(text), "%s and %s", pairs[i].a, pairs[i].b);
		check_number(text, omni_identity_compare_addresses(&a, &b), pairs[i].level);
		check_number(text, omni_identity_compare_addresses(&b, &a), pairs[i].level);
	}
	for (size_t i = 0; i < COUNT(streets); i++)
	{
		n = omni_identity_normalise_street(streets[i].text, strlen(streets[i].text), text, OMNI_FOLD_MAX);
		text[n] = '\0';
		check_text(streets[i].text, text, streets[i].result);
	}
	for (size_t i = 0; i < COUNT(codes); i++)
	{
		n = omni_identity_normalise_postal_code(codes[i].text, strlen(codes[i].text), text, OMNI_FOLD_MAX);
		text[n] = '\0';
		check_text(codes[i].text, text, codes[i].result);
	}
	omni_identity_join_address(&columns, &a);
	omni_identity_parse_address("12 Main St Unit 4b, Reno NV 89501", 33, "US", &b);
	check_number("columns and one text", omni_identity_compare_addresses(&a, &b), OMNI_ADDRESS_EXACT);
	omni_identity_parse_address("12 Main St, Berlin 1234", 23, "US", &b);
	check_number("no postal code of this country", b.postal_code.len, 0);
	return finish();
}
