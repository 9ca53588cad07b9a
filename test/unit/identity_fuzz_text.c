/*
 * identity_fuzz_text.c
 *	  The checks of test/fuzz/fuzz_identity_text.c on its seeds and changes of
 *	  them.
 *
 * Sources: src/identity/text_core.c
 */
#include "fuzz_driver.h"

#include "../fuzz/fuzz_identity_text.c"

int
main(void)
{
	drive("test/fuzz/identity_text.seeds", 30000);
	return 0;
}
