/*
 * address_table.h
 *	  Words of addresses; address_core.c and street_core.c include it.
 */
#ifndef OMNI_IDENTITY_ADDRESS_TABLE_H
#define OMNI_IDENTITY_ADDRESS_TABLE_H

#include <stddef.h>
#include <string.h>

typedef struct StreetWord
{
	const char *from;
	const char *to;				/* no entry's "from" but its own */
} StreetWord;

/* How a word is written, or NULL where as it is. */
static inline const char *
find_word(const char *text, int len, const StreetWord *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i].from) == (size_t) len &&
			memcmp(list[i].from, text, len) == 0)
			return list[i].to;
	return NULL;
}

/* Types of streets, each with the way in which it is written here. */
static const StreetWord street_types[] = {
	{"alley", "aly"}, {"aly", "aly"}, {"allee", "allee"},
	{"avenue", "ave"}, {"ave", "ave"}, {"av", "ave"}, {"avenida", "ave"},
	{"avda", "ave"}, {"boulevard", "blvd"}, {"blvd", "blvd"},
	{"boul", "blvd"}, {"bd", "blvd"}, {"calle", "calle"}, {"via", "via"},
	{"viale", "viale"}, {"chemin", "chemin"}, {"circle", "cir"},
	{"cir", "cir"}, {"circ", "cir"}, {"circuit", "cct"}, {"cct", "cct"},
	{"close", "cl"}, {"cl", "cl"}, {"court", "ct"}, {"ct", "ct"},
	{"crt", "ct"}, {"cove", "cv"}, {"cv", "cv"}, {"crescent", "cres"},
	{"cres", "cres"}, {"crst", "cres"}, {"cr", "cres"}, {"crossing", "xing"},
	{"xing", "xing"}, {"drive", "dr"}, {"dr", "dr"}, {"drv", "dr"},
	{"esplanade", "esp"}, {"esp", "esp"}, {"expressway", "expy"},
	{"expy", "expy"}, {"freeway", "fwy"}, {"fwy", "fwy"},
	{"gardens", "gdns"}, {"gdns", "gdns"}, {"grove", "gr"}, {"gr", "gr"},
	{"grv", "gr"}, {"highway", "hwy"}, {"hwy", "hwy"}, {"lane", "ln"},
	{"ln", "ln"}, {"loop", "loop"}, {"mews", "mews"}, {"parade", "pde"},
	{"pde", "pde"}, {"parkway", "pkwy"}, {"pkwy", "pkwy"},
	{"pky", "pkwy"}, {"piazza", "piazza"}, {"place", "pl"}, {"pl", "pl"},
	{"platz", "platz"}, {"plaza", "plz"}, {"plz", "plz"}, {"plein", "plein"},
	{"quai", "quai"}, {"road", "rd"}, {"rd", "rd"}, {"route", "rte"},
	{"rte", "rte"}, {"rue", "rue"}, {"rua", "rua"}, {"square", "sq"},
	{"sq", "sq"}, {"sqr", "sq"}, {"straat", "straat"}, {"strasse", "str"},
	{"str", "str"}, {"street", "st"}, {"st", "st"}, {"strt", "st"},
	{"terrace", "ter"}, {"ter", "ter"}, {"terr", "ter"}, {"tce", "ter"},
	{"trail", "trl"}, {"trl", "trl"}, {"turnpike", "tpke"},
	{"tpke", "tpke"}, {"walk", "walk"}, {"way", "way"}, {"weg", "weg"},
	{"gasse", "gasse"}, {"ulica", "ul"}, {"ul", "ul"}, {"ulitsa", "ul"},
};

/* Other words of streets that are written in one way. */
static const StreetWord street_words[] = {
	{"north", "n"}, {"south", "s"}, {"east", "e"}, {"west", "w"},
	{"northeast", "ne"}, {"northwest", "nw"}, {"southeast", "se"},
	{"southwest", "sw"}, {"first", "1st"}, {"second", "2nd"},
	{"third", "3rd"}, {"fourth", "4th"}, {"fifth", "5th"},
	{"sixth", "6th"}, {"seventh", "7th"}, {"eighth", "8th"},
	{"ninth", "9th"}, {"tenth", "10th"}, {"eleventh", "11th"},
	{"twelfth", "12th"}, {"saint", "st"}, {"sainte", "ste"},
	{"mount", "mt"}, {"fort", "ft"},
};

/* Directions, which may stand behind a street's type. */
static const char *const directions[] = {
	"n", "s", "e", "w", "ne", "nw", "se", "sw"
};

/* What names a part of a house. */
static const char *const unit_words[] = {
	"apt", "apartment", "appt", "unit", "suite", "ste", "flat", "floor", "fl",
	"level", "lvl", "room", "rm", "bldg", "building", "shop", "lot", "whg",
	"wohnung", "etage", "stock", "piso", "puerta", "interno", "bus", "studio",
	"penthouse", "ph", "villa", "trailer", "trlr", "space", "spc"
};

/* States and provinces of the USA, Canada and Australia. */
static const char *const regions[] = {
	"al", "ak", "az", "ar", "ca", "co", "ct", "de", "dc", "fl", "ga", "hi",
	"id", "il", "in", "ia", "ks", "ky", "la", "me", "md", "ma", "mi", "mn",
	"ms", "mo", "mt", "ne", "nv", "nh", "nj", "nm", "ny", "nc", "nd", "oh",
	"ok", "or", "pa", "pr", "ri", "sc", "sd", "tn", "tx", "ut", "vt", "va",
	"wa", "wv", "wi", "wy", "ab", "bc", "mb", "nb", "nl", "ns", "nt", "nu",
	"on", "pe", "qc", "sk", "yt", "nsw", "vic", "qld", "sa", "tas", "act"
};

/* Countries as they stand on the last line. */
static const char *const countries[] = {
	"usa", "us", "united states", "united states of america", "uk",
	"united kingdom", "great britain", "england", "scotland", "wales",
	"northern ireland", "ireland", "canada", "australia", "new zealand",
	"germany", "deutschland", "france", "spain", "espana", "italy", "italia",
	"netherlands", "nederland", "the netherlands", "belgium", "belgique",
	"belgie", "austria", "osterreich", "switzerland", "schweiz", "suisse",
	"portugal", "poland", "polska", "sweden", "sverige", "norway", "norge",
	"denmark", "danmark", "finland", "suomi", "india", "japan", "china",
	"singapore", "brazil", "brasil", "mexico"
};

#endif							/* OMNI_IDENTITY_ADDRESS_TABLE_H */
