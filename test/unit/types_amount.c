/*
 * types_amount.c
 *	  The checks of test/fuzz/fuzz_amount.c on its seeds and changes of them.
 */
#include "fuzz_driver.h"

#include "types/amount_core.c"
#include "types/currency_core.c"
#include "../fuzz/fuzz_amount.c"

int
main(void)
{
	drive("test/fuzz/amount.seeds", 100000);
	return 0;
}
