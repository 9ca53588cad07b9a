/*
 * sourcing_fuzz_calendar.c
 *	  The checks of test/fuzz/fuzz_calendar.c on its seeds and changes of them.
 */
#include "fuzz_driver.h"

#include "sourcing/calendar_core.c"
#include "../fuzz/fuzz_calendar.c"

int
main(void)
{
	drive("test/fuzz/calendar.seeds", 8000);
	return 0;
}
