/*
 * sourcing_fuzz.c
 *	  The checks of test/fuzz/fuzz_solve.c on its seeds and changes of them.
 */
#include "fuzz_driver.h"

#include "sourcing/solve_core.c"
#include "sourcing/solve_bound_core.c"
#include "sourcing/solve_dual_core.c"
#include "sourcing/solve_greedy_core.c"
#include "sourcing/solve_columns_core.c"
#include "sourcing/solve_search_core.c"
#include "sourcing/solve_local_core.c"
#include "sourcing/solve_tree_core.c"
#include "sourcing/solve_share_core.c"
#include "sourcing/solve_check_core.c"
#include "sourcing/solve_explain_core.c"
#include "../fuzz/fuzz_solve.c"

int
main(void)
{
	drive("test/fuzz/solve.seeds", 5000);
	return 0;
}
