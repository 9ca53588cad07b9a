/*
 * address_core.h
 *	  Postal addresses: their parts, and how alike two are; no PostgreSQL in
 *	  it.
 */
#ifndef OMNI_IDENTITY_ADDRESS_CORE_H
#define OMNI_IDENTITY_ADDRESS_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/compare_core.h"
#include "identity/text_core.h"

/* Parts are spans of "text", folded; len 0: not there. */
typedef struct OmniAddress
{
	char		text[OMNI_FOLD_MAX];
	uint16_t	len;			/* used of "text"; 0: nothing known */
	OmniSpan	number;			/* house: "12", "12a", "12 14" */
	OmniSpan	street;			/* types, directions, ordinals written in one
								 * way: "n main st", "5th ave" */
	OmniSpan	unit;			/* "4b" of "Apt. 4B", "3" of "Level 3" */
	OmniSpan	box;			/* "123" of "PO Box 123" */
	OmniSpan	city;
	OmniSpan	region;			/* state, province: as written, folded */
	OmniSpan	postal_code;	/* letters and digits without blank */
	OmniSpan	country;		/* as written, folded */
	OmniSpan	name;			/* what else was there: house name, suburb */
} OmniAddress;

/*
 * Read an address in one text: "12 Main St Apt 4B, Las Vegas NV 89132" (US, UK,
 * AU, FR order) or "Hauptstr. 5, 10115 Berlin" (the rest of Europe); parts
 * divided by commas, semicolons or new lines, or the street alone.  "country"
 * (two capitals, or NULL) says which numbers may be postal codes.  Never fails:
 * what is not understood is in "name".
 */
extern void omni_identity_parse_address(const char *text, size_t len,
										const char *country,
										OmniAddress *address);

/* A prepared address from columns; each may be NULL with length 0. */
typedef struct OmniAddressColumns
{
	const char *number;
	const char *street;			/* may hold number and unit, too */
	const char *unit;
	const char *city;
	const char *region;
	const char *postal_code;
	const char *country;
	size_t		number_len;
	size_t		street_len;
	size_t		unit_len;
	size_t		city_len;
	size_t		region_len;
	size_t		postal_code_len;
	size_t		country_len;
} OmniAddressColumns;

extern void omni_identity_join_address(const OmniAddressColumns *columns,
									   OmniAddress *address);

/* A street alone, folded and written in one way; its length. */
extern int	omni_identity_normalise_street(const char *text, size_t len,
										   char *result, int size);
/* A postal code: letters and digits without blanks, ZIP+4 cut to ZIP. */
extern int	omni_identity_normalise_postal_code(const char *text, size_t len,
												char *result, int size);

typedef enum OmniAddressLevel
{
	OMNI_ADDRESS_NULL,
	OMNI_ADDRESS_EXACT,			/* number, street, unit (or none), place */
	OMNI_ADDRESS_SAME_HOUSE,	/* as before, one unit missing */
	OMNI_ADDRESS_TYPO,			/* same house but for small errors */
	OMNI_ADDRESS_OTHER_UNIT,	/* same house, two different units */
	OMNI_ADDRESS_SAME_STREET,	/* street and place, other or no number */
	OMNI_ADDRESS_SAME_PLACE,	/* postal code, or city and no two codes */
	OMNI_ADDRESS_DIFFERENT
} OmniAddressLevel;

extern OmniAddressLevel omni_identity_compare_addresses(const OmniAddress *a,
														const OmniAddress *b);

#endif							/* OMNI_IDENTITY_ADDRESS_CORE_H */
