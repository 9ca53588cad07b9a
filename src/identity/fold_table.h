/*
 * fold_table.h
 *	  What letters of many scripts are in plain Latin ones; text_core.c alone
 *	  includes it.
 *
 * An entry has up to FOLD_LETTERS letters, without closing zero byte where it
 * has so many; "" is a letter that vanishes, " " what divides words.
 */
#ifndef OMNI_IDENTITY_FOLD_TABLE_H
#define OMNI_IDENTITY_FOLD_TABLE_H

#define FOLD_LETTERS 4

/* Latin-1 letters, Latin Extended-A and -B */
#define LATIN_FIRST 0x00C0
static const char latin[][FOLD_LETTERS] = {
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i",
	"i", "i", "i", "d", "n", "o", "o", "o", "o", "o", " ", "o", "u", "u",
	"u", "u", "y", "th", "ss", "a", "a", "a", "a", "a", "a", "ae", "c",
	"e", "e", "e", "e", "i", "i", "i", "i", "d", "n", "o", "o", "o", "o",
	"o", " ", "o", "u", "u", "u", "u", "y", "th", "y", "a", "a", "a",
	"a", "a", "a", "c", "c", "c", "c", "c", "c", "c", "c", "d", "d", "d",
	"d", "e", "e", "e", "e", "e", "e", "e", "e", "e", "e", "g", "g", "g",
	"g", "g", "g", "g", "g", "h", "h", "h", "h", "i", "i", "i", "i", "i",
	"i", "i", "i", "i", "i", "ij", "ij", "j", "j", "k", "k", "k", "l",
	"l", "l", "l", "l", "l", "l", "l", "l", "l", "n", "n", "n", "n", "n",
	"n", "n", "ng", "ng", "o", "o", "o", "o", "o", "o", "oe", "oe", "r",
	"r", "r", "r", "r", "r", "s", "s", "s", "s", "s", "s", "s", "s", "t",
	"t", "t", "t", "t", "t", "u", "u", "u", "u", "u", "u", "u", "u", "u",
	"u", "u", "u", "w", "w", "y", "y", "y", "z", "z", "z", "z", "z", "z",
	"s", "b", "b", "b", "b", "b", "b", "o", "c", "c", "d", "d", "d", "d",
	"", "e", "a", "e", "f", "f", "g", "g", "hv", "i", "i", "k", "k", "l",
	"l", "m", "n", "n", "o", "o", "o", "gh", "gh", "p", "p", "r", "s",
	"s", "sh", "", "t", "t", "t", "t", "u", "u", "u", "v", "y", "y", "z",
	"z", "zh", "zh", "zh", "zh", "", "", "", "", "w", "", "", "", "",
	"dz", "dz", "dz", "lj", "lj", "lj", "nj", "nj", "nj", "a", "a", "i",
	"i", "o", "o", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u", "e",
	"a", "a", "a", "a", "ae", "ae", "g", "g", "g", "g", "k", "k", "o",
	"o", "o", "o", "zh", "zh", "j", "dz", "dz", "dz", "g", "g", "hv",
	"w", "n", "n", "a", "a", "ae", "ae", "o", "o", "a", "a", "a", "a",
	"e", "e", "e", "e", "i", "i", "i", "i", "o", "o", "o", "o", "r", "r",
	"r", "r", "u", "u", "u", "u", "s", "s", "t", "t", "y", "y", "h", "h",
	"n", "d", "ou", "ou", "z", "z", "a", "a", "e", "e", "o", "o", "o",
	"o", "o", "o", "o", "o", "y", "y", "l", "n", "t", "j", "db", "qp",
	"a", "c", "c", "l", "t", "s", "z", "", "", "b", "u", "v", "e", "e",
	"j", "j", "q", "q", "r", "r", "y", "y",
};

/* Latin Extended Additional */
#define VIETNAMESE_FIRST 0x1E00
static const char vietnamese[][FOLD_LETTERS] = {
	"a", "a", "b", "b", "b", "b", "b", "b", "c", "c", "d", "d", "d", "d",
	"d", "d", "d", "d", "d", "d", "e", "e", "e", "e", "e", "e", "e", "e",
	"e", "e", "f", "f", "g", "g", "h", "h", "h", "h", "h", "h", "h", "h",
	"h", "h", "i", "i", "i", "i", "k", "k", "k", "k", "k", "k", "l", "l",
	"l", "l", "l", "l", "l", "l", "m", "m", "m", "m", "m", "m", "n", "n",
	"n", "n", "n", "n", "n", "n", "o", "o", "o", "o", "o", "o", "o", "o",
	"p", "p", "p", "p", "r", "r", "r", "r", "r", "r", "r", "r", "s", "s",
	"s", "s", "s", "s", "s", "s", "s", "s", "t", "t", "t", "t", "t", "t",
	"t", "t", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u", "v", "v",
	"v", "v", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "x", "x",
	"x", "x", "y", "y", "z", "z", "z", "z", "z", "z", "h", "t", "w", "y",
	"a", "s", "s", "s", "ss", "d", "a", "a", "a", "a", "a", "a", "a",
	"a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a",
	"a", "a", "a", "e", "e", "e", "e", "e", "e", "e", "e", "e", "e", "e",
	"e", "e", "e", "e", "e", "i", "i", "i", "i", "o", "o", "o", "o", "o",
	"o", "o", "o", "o", "o", "o", "o", "o", "o", "o", "o", "o", "o", "o",
	"o", "o", "o", "o", "o", "u", "u", "u", "u", "u", "u", "u", "u", "u",
	"u", "u", "u", "u", "u", "y", "y", "y", "y", "y", "y", "y", "y",
	"ll", "ll", "v", "v", "y", "y",
};

/* Greek */
#define GREEK_FIRST 0x0370
static const char greek[][FOLD_LETTERS] = {
	" ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ",
	" ", "j", " ", " ", " ", " ", " ", " ", "a", " ", "e", "i", "i", " ",
	"o", " ", "y", "o", "i", "a", "v", "g", "d", "e", "z", "i", "th",
	"i", "k", "l", "m", "n", "x", "o", "p", "r", " ", "s", "t", "y", "f",
	"ch", "ps", "o", "i", "y", "a", "e", "i", "i", "y", "a", "v", "g",
	"d", "e", "z", "i", "th", "i", "k", "l", "m", "n", "x", "o", "p",
	"r", "s", "s", "t", "y", "f", "ch", "ps", "o", "i", "y", "o", "y",
	"o", " ", "v", "th", "y", "y", "y", "f", "p", " ", " ", " ", " ",
	" ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ",
	" ", " ", " ", " ", " ", " ", " ", "k", "r", "s", "j", "th", "e",
	" ", " ", " ", "s", " ", " ", " ", " ", " ", " ",
};

/* Greek Extended */
#define POLYTONIC_FIRST 0x1F00
static const char polytonic[][FOLD_LETTERS] = {
	"a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a",
	"a", "a", "e", "e", "e", "e", "e", "e", " ", " ", "e", "e", "e", "e",
	"e", "e", " ", " ", "i", "i", "i", "i", "i", "i", "i", "i", "i", "i",
	"i", "i", "i", "i", "i", "i", "i", "i", "i", "i", "i", "i", "i", "i",
	"i", "i", "i", "i", "i", "i", "i", "i", "o", "o", "o", "o", "o", "o",
	" ", " ", "o", "o", "o", "o", "o", "o", " ", " ", "y", "y", "y", "y",
	"y", "y", "y", "y", " ", "y", " ", "y", " ", "y", " ", "y", "o", "o",
	"o", "o", "o", "o", "o", "o", "o", "o", "o", "o", "o", "o", "o", "o",
	"a", "a", "e", "e", "i", "i", "i", "i", "o", "o", "y", "y", "o", "o",
	" ", " ", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a",
	"a", "a", "a", "a", "i", "i", "i", "i", "i", "i", "i", "i", "i", "i",
	"i", "i", "i", "i", "i", "i", "o", "o", "o", "o", "o", "o", "o", "o",
	"o", "o", "o", "o", "o", "o", "o", "o", "a", "a", "a", "a", "a", " ",
	"a", "a", "a", "a", "a", "a", "a", " ", "i", " ", " ", " ", "i", "i",
	"i", " ", "i", "i", "e", "e", "i", "i", "i", " ", " ", " ", "i", "i",
	"i", "i", " ", " ", "i", "i", "i", "i", "i", "i", " ", " ", " ", " ",
	"y", "y", "y", "y", "r", "r", "y", "y", "y", "y", "y", "y", "r", " ",
	" ", " ", " ", " ", "o", "o", "o", " ", "o", "o", "o", "o", "o", "o",
	"o", " ", " ", " ",
};

/* Cyrillic */
#define CYRILLIC_FIRST 0x0400
static const char cyrillic[][FOLD_LETTERS] = {
	"e", "e", "dj", "gj", "ye", "dz", "i", "yi", "j", "lj", "nj", "c",
	"kj", "i", "u", "dz", "a", "b", "v", "g", "d", "e", "zh", "z", "i",
	"y", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f", "kh",
	"ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya", "a", "b",
	"v", "g", "d", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o",
	"p", "r", "s", "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "",
	"y", "", "e", "yu", "ya", "e", "e", "dj", "gj", "ye", "dz", "i",
	"yi", "j", "lj", "nj", "c", "kj", "i", "u", "dz", "o", "o", "e", "e",
	"ye", "ye", "ya", "ya", "ya", "ya", "a", "a", "yu", "yu", "x", "x",
	"ps", "ps", "f", "f", "i", "i", "i", "i", "u", "u", "", "", "", "",
	"", "", "k", "k", "", "", "", "", "", "", "", "", "y", "y", "", "",
	"r", "r", "g", "g", "g", "g", "", "", "j", "j", "z", "z", "k", "k",
	"g", "g", "k", "k", "k", "k", "n", "n", "ng", "ng", "p", "p", "o",
	"o", "s", "s", "t", "t", "u", "u", "u", "u", "h", "h", "ts", "ts",
	"j", "j", "j", "j", "h", "h", "ch", "ch", "ch", "ch", "", "zh", "zh",
	"k", "k", "l", "l", "n", "n", "n", "n", "ch", "ch", "m", "m", "",
	"a", "a", "a", "a", "", "", "e", "e", "a", "a", "a", "a", "zh", "zh",
	"z", "z", "dz", "dz", "i", "i", "i", "i", "o", "o", "o", "o", "o",
	"o", "e", "e", "u", "u", "u", "u", "u", "u", "ch", "ch", "", "", "y",
	"y", "", "", "", "", "", "",
};

/* Armenian, capitals; small ones are 48 further on */
#define ARMENIAN_FIRST 0x0531
static const char armenian[][FOLD_LETTERS] = {
	"a", "b", "g", "d", "e", "z", "e", "y", "t", "zh", "i", "l", "kh",
	"ts", "k", "h", "dz", "gh", "ch", "m", "y", "n", "sh", "o", "ch",
	"p", "j", "r", "s", "v", "t", "r", "ts", "v", "p", "k", "o", "f",
};

/* Georgian */
#define GEORGIAN_FIRST 0x10D0
static const char georgian[][FOLD_LETTERS] = {
	"a", "b", "g", "d", "e", "v", "z", "t", "i", "k", "l", "m", "n", "o",
	"p", "zh", "r", "s", "t", "u", "p", "k", "gh", "q", "sh", "ch", "ts",
	"dz", "ts", "ch", "kh", "j", "h",
};

/* Hebrew */
#define HEBREW_FIRST 0x05D0
static const char hebrew[][FOLD_LETTERS] = {
	"a", "b", "g", "d", "h", "v", "z", "ch", "t", "y", "k", "k", "l",
	"m", "m", "n", "n", "s", "a", "p", "p", "tz", "tz", "k", "r", "sh",
	"t",
};

/* Arabic */
#define ARABIC_FIRST 0x0621
static const char arabic[][FOLD_LETTERS] = {
	"", "a", "a", "w", "i", "y", "a", "b", "a", "t", "th", "j", "h",
	"kh", "d", "dh", "r", "z", "s", "sh", "s", "d", "t", "z", "a", "gh",
	"", "", "", "", "", "", "f", "q", "k", "l", "m", "n", "h", "w", "a",
	"y",
};

/* Hiragana; Katakana are 96 further on */
#define KANA_FIRST 0x3041
static const char kana[][FOLD_LETTERS] = {
	"a", "a", "i", "i", "u", "u", "e", "e", "o", "o", "ka", "ga", "ki",
	"gi", "ku", "gu", "ke", "ge", "ko", "go", "sa", "za", "shi", "ji",
	"su", "zu", "se", "ze", "so", "zo", "ta", "da", "chi", "ji", "",
	"tsu", "zu", "te", "de", "to", "do", "na", "ni", "nu", "ne", "no",
	"ha", "ba", "pa", "hi", "bi", "pi", "fu", "bu", "pu", "he", "be",
	"pe", "ho", "bo", "po", "ma", "mi", "mu", "me", "mo", "ya", "ya",
	"yu", "yu", "yo", "yo", "ra", "ri", "ru", "re", "ro", "wa", "wa",
	"i", "e", "o", "n", "vu", "ka", "ke",
};

/* The scripts of India share their places: vowels from 05 */
static const char indic_vowels[][FOLD_LETTERS] = {
	"a", "a", "i", "i", "u", "u", "r", "l", "e", "e", "e", "ai", "o",
	"o", "o", "au",
};

/* Consonants from 15 */
static const char indic_consonants[][FOLD_LETTERS] = {
	"k", "kh", "g", "gh", "n", "ch", "ch", "j", "jh", "n", "t", "th",
	"d", "dh", "n", "t", "th", "d", "dh", "n", "n", "p", "ph", "b", "bh",
	"m", "y", "r", "r", "l", "l", "l", "v", "sh", "sh", "s", "h",
};

/* Signs of vowels from 3E */
static const char indic_signs[][FOLD_LETTERS] = {
	"a", "i", "i", "u", "u", "r", "r", "e", "e", "e", "ai", "o", "o",
	"o", "au",
};

/* Hangul */
static const char hangul_initials[][FOLD_LETTERS] = {
	"k", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j",
	"jj", "ch", "k", "t", "p", "h",
};

static const char hangul_medials[][FOLD_LETTERS] = {
	"a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae",
	"oe", "yo", "u", "wo", "we", "wi", "yu", "eu", "ui", "i",
};

static const char hangul_finals[][FOLD_LETTERS] = {
	"", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l",
	"p", "l", "m", "p", "p", "t", "t", "ng", "t", "t", "k", "t", "p",
	"t",
};

#endif							/* OMNI_IDENTITY_FOLD_TABLE_H */
