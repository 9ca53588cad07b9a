/*
 * sourcing_fuzz_rate.c
 *	  The checks of test/fuzz/fuzz_rate.c on its seeds and changes of them.
 */
#include "fuzz_driver.h"

#include "sourcing/rate_core.c"
#include "../fuzz/fuzz_rate.c"

int
main(void)
{
	drive("test/fuzz/rate.seeds", 8000);
	return 0;
}
