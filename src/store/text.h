/* Lines as text: folded once, cut into words for the index, and searched. Writing an index and asking
 * it go through the same code here, so that the two can never disagree about what a word is.
 *
 * A word is a run of ASCII letters and digits, folded to lower case. Of bytes from 0x80 on (no spaces
 * between words in Japanese) each UTF-8 character is a word, and each two that stand together are; a
 * byte that is no UTF-8 separates, as all other bytes do. Not in the index: words of more than 12
 * digits (times in nanoseconds, no two alike) and of up to 3 (in nearly every line), but four of these
 * with dots between, an IPv4 address, are a word. Of words longer than 64 bytes the first 64 count.
 * One thread at a time. */
#ifndef TOMSD_STORE_TEXT_H
#define TOMSD_STORE_TEXT_H

#include "token.h"

enum {
	TEXT_MAX = 65536, /* longest line */
	TEXT_WORD_MAX = 64,
	TEXT_NUMBER_MAX = 3,  /* numbers of up to so many digits are not indexed, */
	TEXT_DIGITS_MAX = 12, /* nor are those of more */
	TEXT_WORDS_MAX =
		16384, /* of a line; what is beyond is not indexed, and its granule says so */
};

struct text {
	size_t n;
	char folded[TEXT_MAX + 64];        /* ASCII letters in lower case, zeros behind */
	uint64_t alpha[TEXT_MAX / 64 + 2]; /* a bit a byte: letter; digit; from 0x80 on */
	uint64_t digit[TEXT_MAX / 64 + 2];
	uint64_t high[TEXT_MAX / 64 + 2];
};
/* Makes a line ready for what is below; what is behind TEXT_MAX is left out. */
void text_set(struct text *t, struct str line);
static inline bool text_bit(const uint64_t *bits, size_t at)
{
	return bits[at / 64] >> (at % 64) & 1;
}
static inline bool text_in_word(const struct text *t, size_t at)
{
	return text_bit(t->alpha, at) || text_bit(t->digit, at);
}

/* Word tokens. They have the upper half of all tokens, in records with a tail; words of digits only have
 * the upper quarter. The last WORD_SHIFT bits are zero: 26 bits of hash are enough for the words of one
 * bucket, and make their list shorter. */
#define WORD_TOKEN UINT32_C(0x80000000)
#define WORD_DIGITS UINT32_C(0x40000000)
enum { WORD_SHIFT = 4 };
static inline bool token_is_word(uint32_t token)
{
	return token & WORD_TOKEN;
}
static inline bool token_is_digits(uint32_t token)
{
	return token >= (WORD_TOKEN | WORD_DIGITS);
}
/* A column's token in a record with a tail. */
static inline uint32_t token_beside_words(uint32_t token)
{
	return token & ~WORD_TOKEN;
}
/* The byte behind a word in _tok; see layout.h. */
enum { WORD_NUMBERS = 64, WORD_NUMBERS_MAX = 7, WORD_MASK = 128 };
size_t word_entry(const uint8_t *p, size_t n, uint64_t *granules); /* bytes of it; 0: damaged */
uint64_t word_seed(uint64_t seed);                                 /* class seed of words */
/* Carried by a granule that has words which are not in the index. */
uint32_t word_loose(uint64_t class_seed);

/* Tokens of the words, repeated as they repeat; how many, at most cap. *more is set where there are others. */
size_t text_words(const struct text *t, uint64_t class_seed, uint32_t *out, size_t cap,
		  bool *more);

/* What somebody looks for: parts with '*' between them. */
enum { TEXT_PATTERN_MAX = 256, TEXT_PARTS_MAX = 128 };
struct text_pattern {
	char folded[TEXT_PATTERN_MAX];
	struct {
		uint16_t first, n;
	} part[TEXT_PARTS_MAX];
	size_t n_parts;             /* 0: any line that is not empty */
	bool open_front, open_back; /* '*' there: may begin, end inside a word */
};
void text_pattern_set(struct text_pattern *p, struct str wanted);
bool text_find(const struct text *t, const struct text_pattern *p);
/* Tokens that every line with this text carries, at most cap; none: the index cannot help. */
size_t text_pattern_words(const struct text_pattern *p, uint64_t class_seed, uint32_t *out,
			  size_t cap);

#endif
