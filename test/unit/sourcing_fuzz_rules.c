/*
 * sourcing_fuzz_rules.c
 *	  The checks of test/fuzz/fuzz_rules.c on its seeds and changes of them.
 */
#include "fuzz_driver.h"

#include "sourcing/rules_core.c"
#include "../fuzz/fuzz_rules.c"

int
main(void)
{
	drive("test/fuzz/rules.seeds", 20000);
	return 0;
}
