/*
 * currency_core.c
 *	  ISO 4217 currency codes and their exponents; no PostgreSQL in it.
 *
 * Source: ISO 4217 list one (current) and list three (historic).  List three
 * gives no minor units; a historic code has those of its last edition of list
 * one, as far as they are known, and 2 otherwise.  Codes whose minor unit is
 * "N.A." (precious metals, bond units, XTS, XXX …) are listed without an
 * exponent: no amount can be made of them.
 *
 * Rules for whoever edits the list:
 *	- A code is never removed: stored amounts and dumps hold it.
 *	- A changed exponent leaves stored amounts alone, because each carries its
 *	  own.  But a dump written before the change prints amounts with the old
 *	  number of decimals and no mark of it, so the release that lowers an
 *	  exponent must also teach omni_types_amount_parse() to take that many.
 */
#include "currency_core.h"

#include <stdlib.h>
#include <string.h>

#define NONE OMNI_CURRENCY_NO_EXPONENT

/* ascending by code: the search depends on it, a test checks it */
static const OmniCurrency currencies[] = {
	{"ADP", 0}, {"AED", 2}, {"AFA", 2}, {"AFN", 2}, {"ALK", 2}, {"ALL", 2},
	{"AMD", 2}, {"ANG", 2}, {"AOA", 2}, {"AOK", 2}, {"AON", 2}, {"AOR", 2},
	{"ARA", 2}, {"ARP", 2}, {"ARS", 2}, {"ARY", 2}, {"ATS", 2}, {"AUD", 2},
	{"AWG", 2}, {"AYM", 2}, {"AZM", 2}, {"AZN", 2}, {"BAD", 2}, {"BAM", 2},
	{"BBD", 2}, {"BDT", 2}, {"BEC", 2}, {"BEF", 0}, {"BEL", 2}, {"BGJ", 2},
	{"BGK", 2}, {"BGL", 2}, {"BGN", 2}, {"BHD", 3}, {"BIF", 0}, {"BMD", 2},
	{"BND", 2}, {"BOB", 2}, {"BOP", 2}, {"BOV", 2}, {"BRB", 2}, {"BRC", 2},
	{"BRE", 2}, {"BRL", 2}, {"BRN", 2}, {"BRR", 2}, {"BSD", 2}, {"BTN", 2},
	{"BUK", 2}, {"BWP", 2}, {"BYB", 0}, {"BYN", 2}, {"BYR", 0}, {"BZD", 2},
	{"CAD", 2}, {"CDF", 2}, {"CHC", 2}, {"CHE", 2}, {"CHF", 2}, {"CHW", 2},
	{"CLF", 4}, {"CLP", 0}, {"CNY", 2}, {"COP", 2}, {"COU", 2}, {"CRC", 2},
	{"CSD", 2}, {"CSJ", 2}, {"CSK", 2}, {"CUC", 2}, {"CUP", 2}, {"CVE", 2},
	{"CYP", 2}, {"CZK", 2}, {"DDM", 2}, {"DEM", 2}, {"DJF", 0}, {"DKK", 2},
	{"DOP", 2}, {"DZD", 2}, {"ECS", 2}, {"ECV", 2}, {"EEK", 2}, {"EGP", 2},
	{"ERN", 2}, {"ESA", 2}, {"ESB", 2}, {"ESP", 0}, {"ETB", 2}, {"EUR", 2},
	{"FIM", 2}, {"FJD", 2}, {"FKP", 2}, {"FRF", 2}, {"GBP", 2}, {"GEK", 2},
	{"GEL", 2}, {"GHC", 2}, {"GHP", 2}, {"GHS", 2}, {"GIP", 2}, {"GMD", 2},
	{"GNE", 2}, {"GNF", 0}, {"GNS", 2}, {"GQE", 2}, {"GRD", 0}, {"GTQ", 2},
	{"GWE", 2}, {"GWP", 2}, {"GYD", 2}, {"HKD", 2}, {"HNL", 2}, {"HRD", 2},
	{"HRK", 2}, {"HTG", 2}, {"HUF", 2}, {"IDR", 2}, {"IEP", 2}, {"ILP", 2},
	{"ILR", 2}, {"ILS", 2}, {"INR", 2}, {"IQD", 3}, {"IRR", 2}, {"ISJ", 2},
	{"ISK", 0}, {"ITL", 0}, {"JMD", 2}, {"JOD", 3}, {"JPY", 0}, {"KES", 2},
	{"KGS", 2}, {"KHR", 2}, {"KMF", 0}, {"KPW", 2}, {"KRW", 0}, {"KWD", 3},
	{"KYD", 2}, {"KZT", 2}, {"LAJ", 2}, {"LAK", 2}, {"LBP", 2}, {"LKR", 2},
	{"LRD", 2}, {"LSL", 2}, {"LSM", 2}, {"LTL", 2}, {"LTT", 2}, {"LUC", 2},
	{"LUF", 0}, {"LUL", 2}, {"LVL", 2}, {"LVR", 2}, {"LYD", 3}, {"MAD", 2},
	{"MDL", 2}, {"MGA", 2}, {"MGF", 0}, {"MKD", 2}, {"MLF", 2}, {"MMK", 2},
	{"MNT", 2}, {"MOP", 2}, {"MRO", 2}, {"MRU", 2}, {"MTL", 2}, {"MTP", 2},
	{"MUR", 2}, {"MVQ", 2}, {"MVR", 2}, {"MWK", 2}, {"MXN", 2}, {"MXP", 2},
	{"MXV", 2}, {"MYR", 2}, {"MZE", 2}, {"MZM", 2}, {"MZN", 2}, {"NAD", 2},
	{"NGN", 2}, {"NIC", 2}, {"NIO", 2}, {"NLG", 2}, {"NOK", 2}, {"NPR", 2},
	{"NZD", 2}, {"OMR", 3}, {"PAB", 2}, {"PEH", 2}, {"PEI", 2}, {"PEN", 2},
	{"PES", 2}, {"PGK", 2}, {"PHP", 2}, {"PKR", 2}, {"PLN", 2}, {"PLZ", 2},
	{"PTE", 0}, {"PYG", 0}, {"QAR", 2}, {"RHD", 2}, {"ROK", 2}, {"ROL", 2},
	{"RON", 2}, {"RSD", 2}, {"RUB", 2}, {"RUR", 2}, {"RWF", 0}, {"SAR", 2},
	{"SBD", 2}, {"SCR", 2}, {"SDD", 2}, {"SDG", 2}, {"SDP", 2}, {"SEK", 2},
	{"SGD", 2}, {"SHP", 2}, {"SIT", 2}, {"SKK", 2}, {"SLE", 2}, {"SLL", 2},
	{"SOS", 2}, {"SRD", 2}, {"SRG", 2}, {"SSP", 2}, {"STD", 2}, {"STN", 2},
	{"SUR", 2}, {"SVC", 2}, {"SYP", 2}, {"SZL", 2}, {"THB", 2}, {"TJR", 2},
	{"TJS", 2}, {"TMM", 2}, {"TMT", 2}, {"TND", 3}, {"TOP", 2}, {"TPE", 0},
	{"TRL", 0}, {"TRY", 2}, {"TTD", 2}, {"TWD", 2}, {"TZS", 2}, {"UAH", 2},
	{"UAK", 2}, {"UGS", 2}, {"UGW", 2}, {"UGX", 0}, {"USD", 2}, {"USN", 2},
	{"USS", 2}, {"UYI", 0}, {"UYN", 2}, {"UYP", 2}, {"UYU", 2}, {"UYW", 4},
	{"UZS", 2}, {"VEB", 2}, {"VED", 2}, {"VEF", 2}, {"VES", 2}, {"VNC", 2},
	{"VND", 0}, {"VUV", 0}, {"WST", 2}, {"XAD", 2}, {"XAF", 0},
	{"XAG", NONE}, {"XAU", NONE}, {"XBA", NONE}, {"XBB", NONE},
	{"XBC", NONE}, {"XBD", NONE}, {"XCD", 2}, {"XCG", 2}, {"XDR", NONE},
	{"XEU", 2}, {"XFO", NONE}, {"XFU", NONE}, {"XOF", 0}, {"XPD", NONE},
	{"XPF", 0}, {"XPT", NONE}, {"XRE", NONE}, {"XSU", NONE}, {"XTS", NONE},
	{"XUA", NONE}, {"XXX", NONE}, {"YDD", 2}, {"YER", 2}, {"YUD", 2},
	{"YUM", 2}, {"YUN", 2}, {"ZAL", 2}, {"ZAR", 2}, {"ZMK", 2}, {"ZMW", 2},
	{"ZRN", 2}, {"ZRZ", 2}, {"ZWC", 2}, {"ZWD", 2}, {"ZWG", 2}, {"ZWL", 2},
	{"ZWN", 2}, {"ZWR", 2}
};

#undef NONE

#define NCURRENCIES (sizeof(currencies) / sizeof(currencies[0]))

/* Order of a code (not zero-terminated) and an entry of the list. */
static int
compare_code(const void *key, const void *entry)
{
	return memcmp(key, ((const OmniCurrency *) entry)->code, 3);
}

/*
 * Decimals of a currency's minor unit; OMNI_CURRENCY_NO_EXPONENT or
 * OMNI_CURRENCY_UNKNOWN when it has none or is none.
 */
int
omni_types_currency_exponent(const char *code, size_t len)
{
	const OmniCurrency *found;

	if (len != 3)
		return OMNI_CURRENCY_UNKNOWN;
	found = bsearch(code, currencies, NCURRENCIES, sizeof(OmniCurrency),
					compare_code);
	return found ? found->exponent : OMNI_CURRENCY_UNKNOWN;
}

/* The whole list, ascending by code. */
const OmniCurrency *
omni_types_currency_list(size_t *n)
{
	*n = NCURRENCIES;
	return currencies;
}
