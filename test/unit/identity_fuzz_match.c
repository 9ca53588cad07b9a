/*
 * identity_fuzz_match.c
 *	  The checks of test/fuzz/fuzz_identity_match.c on its seeds and changes of
 *	  them.
 *
 * Sources: src/identity/match_core.c src/identity/match_dict_core.c
 * Sources: src/identity/match_prepare_core.c src/identity/match_level_core.c
 * Sources: src/identity/match_block_core.c src/identity/match_vector_core.c
 * Sources: src/identity/match_model_core.c src/identity/match_cluster_core.c
 * Sources: src/identity/match_explain_core.c src/identity/match_field_core.c
 * Sources: src/identity/text_core.c src/identity/compare_core.c
 * Sources: src/identity/phonetic_core.c src/identity/nickname_core.c
 * Sources: src/identity/word_core.c src/identity/name_core.c
 * Sources: src/identity/organization_core.c src/identity/align_core.c
 * Sources: src/identity/date_core.c src/identity/email_core.c
 * Sources: src/identity/phone_core.c src/identity/id_core.c
 * Sources: src/identity/address_core.c src/identity/street_core.c
 */
#include "fuzz_driver.h"

#include "../fuzz/fuzz_identity_match.c"

int
main(void)
{
	drive("test/fuzz/identity_match.seeds", 2000);
	return 0;
}
