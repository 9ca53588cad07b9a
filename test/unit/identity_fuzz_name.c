/*
 * identity_fuzz_name.c
 *	  The checks of test/fuzz/fuzz_identity_name.c on its seeds and changes of
 *	  them.
 *
 * Sources: src/identity/text_core.c src/identity/compare_core.c
 * Sources: src/identity/phonetic_core.c src/identity/nickname_core.c
 * Sources: src/identity/word_core.c src/identity/name_core.c
 * Sources: src/identity/organization_core.c src/identity/align_core.c
 */
#include "fuzz_driver.h"

#include "../fuzz/fuzz_identity_name.c"

int
main(void)
{
	drive("test/fuzz/identity_name.seeds", 8000);
	return 0;
}
