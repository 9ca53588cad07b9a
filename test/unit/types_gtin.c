/*
 * types_gtin.c
 *	  The checks of test/fuzz/fuzz_gtin.c on its seeds and changes of them.
 */
#include "fuzz_driver.h"

#include "types/gtin_core.c"
#include "../fuzz/fuzz_gtin.c"

int
main(void)
{
	drive("test/fuzz/gtin.seeds", 100000);
	return 0;
}
