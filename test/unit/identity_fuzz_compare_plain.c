/*
 * identity_fuzz_compare_plain.c
 *	  identity_fuzz_compare.c without the instructions of one processor.
 *
 * Sources: src/identity/text_core.c
 */
#define OMNI_PLAIN_C
#include "fuzz_driver.h"

#include "identity/compare_core.c"
#include "../fuzz/fuzz_identity_compare.c"

int
main(void)
{
	drive("test/fuzz/identity_compare.seeds", 2000);
	return 0;
}
