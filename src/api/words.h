/* Text for people: one table a language, sorted by key; a test compares the keys of both. */
#ifndef API_WORDS_H
#define API_WORDS_H

#include <stddef.h>

struct word {
	const char *key, *text; /* {1} and {2} stand for what api_text puts in */
};
extern const struct word words_ja[], words_en[];
extern const size_t n_words_ja, n_words_en;

#endif
