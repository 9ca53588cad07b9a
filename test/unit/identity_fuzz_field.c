/*
 * identity_fuzz_field.c
 *	  The checks of test/fuzz/fuzz_identity_field.c on its seeds and changes of
 *	  them.
 *
 * Sources: src/identity/text_core.c src/identity/compare_core.c
 * Sources: src/identity/date_core.c src/identity/email_core.c
 * Sources: src/identity/phone_core.c src/identity/id_core.c
 * Sources: src/identity/address_core.c src/identity/street_core.c
 */
#include "fuzz_driver.h"

#include "../fuzz/fuzz_identity_field.c"

int
main(void)
{
	drive("test/fuzz/identity_field.seeds", 8000);
	return 0;
}
