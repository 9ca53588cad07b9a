/*
 * types_epc.c
 *	  The checks of test/fuzz/fuzz_epc.c on its seeds and changes of them.
 */
#include "fuzz_driver.h"

#include "types/gtin_core.c"
#include "types/epc_core.c"
#include "../fuzz/fuzz_epc.c"

int
main(void)
{
	drive("test/fuzz/epc.seeds", 100000);
	return 0;
}
