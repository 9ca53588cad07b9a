/*
 * identity_fuzz_compare.c
 *	  The checks of test/fuzz/fuzz_identity_compare.c on its seeds and changes of
 *	  them.
 *
 * Sources: src/identity/text_core.c src/identity/compare_core.c
 */
#include "fuzz_driver.h"

#include "../fuzz/fuzz_identity_compare.c"

int
main(void)
{
	drive("test/fuzz/identity_compare.seeds", 2000);
	return 0;
}
