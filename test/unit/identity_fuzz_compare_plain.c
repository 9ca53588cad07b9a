/*
 * identity_fuzz_compare_plain.c
 *	  identity_fuzz_compare.c without the instructions of one processor.
 */
#define OMNI_PLAIN_C
#include "identity_fuzz_compare.c"
