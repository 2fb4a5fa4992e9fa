/* Folding, words, and looking for a text: see text.h. Bytes are looked at 64 at a time and become bits,
 * so that a word costs a few shifts wherever it lies; this runs for every line that is stored. */
#include "text.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "tomsd/base/hash.h"

enum { CHUNK = 64 };

#ifdef __SSE2__
/* Is each byte in [first, first + n)? Signed comparison after moving the range to the lowest values. */
static inline __m128i within(__m128i v, char first, int n)
{
	__m128i moved = _mm_add_epi8(v, _mm_set1_epi8((char)(-128 - first)));

	return _mm_cmplt_epi8(moved, _mm_set1_epi8((char)(-128 + n)));
}

static void fold_chunk(const char in[CHUNK], char out[CHUNK], uint64_t *alpha, uint64_t *digit,
		       uint64_t *high)
{
	const __m128i bit = _mm_set1_epi8(0x20);

	*alpha = *digit = *high = 0;
	for (unsigned i = 0; i < CHUNK; i += 16) {
		__m128i v, letters;

		memcpy(&v, in + i, sizeof(v));
		letters = within(_mm_or_si128(v, bit), 'a', 26);
		*alpha |= (uint64_t)(uint32_t)_mm_movemask_epi8(letters) << i;
		*digit |= (uint64_t)(uint32_t)_mm_movemask_epi8(within(v, '0', 10)) << i;
		*high |= (uint64_t)(uint32_t)_mm_movemask_epi8(v) << i;
		v = _mm_or_si128(v, _mm_and_si128(letters, bit));
		memcpy(out + i, &v, sizeof(v));
	}
}
#else
static void fold_chunk(const char in[CHUNK], char out[CHUNK], uint64_t *alpha, uint64_t *digit,
		       uint64_t *high)
{
	*alpha = *digit = *high = 0;
	for (unsigned i = 0; i < CHUNK; i++) {
		unsigned char c = (unsigned char)in[i], lower = c | 0x20;
		bool is_letter = lower >= 'a' && lower <= 'z';

		*alpha |= (uint64_t)is_letter << i;
		*digit |= (uint64_t)(c >= '0' && c <= '9') << i;
		*high |= (uint64_t)(c >> 7) << i;
		out[i] = (char)(is_letter ? lower : c);
	}
}
#endif

void text_set(struct text *t, struct str line)
{
	size_t i = 0, n = line.n < TEXT_MAX ? line.n : TEXT_MAX;
	char last[CHUNK] = { 0 };

	t->n = n;
	for (; i + CHUNK <= n; i += CHUNK)
		fold_chunk(line.p + i, t->folded + i, &t->alpha[i / CHUNK],
			   &t->digit[i / CHUNK], &t->high[i / CHUNK]);
	if (i < n)
		memcpy(last, line.p + i, n - i);
	fold_chunk(last, t->folded + i, &t->alpha[i / CHUNK], &t->digit[i / CHUNK],
		   &t->high[i / CHUNK]);
	i = i / CHUNK + 1; /* readers look at one word more than there is */
	t->alpha[i] = t->digit[i] = t->high[i] = 0;
}

uint64_t word_seed(uint64_t seed)
{
	return token_class(seed, "word");
}

/* The first n of 8 bytes, n from 0 to 8 and more. */
static inline uint64_t first_bytes(const char *p, size_t n)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v)); /* little endian; text.folded goes on behind every word */
	return n < 8 ? v & ((UINT64_C(1) << 8 * n) - 1) : v;
}

/* Most words are short: one product of 128 bits. p: 16 bytes can be read. */
static inline uint64_t hash_word(const char *p, size_t n, uint64_t seed)
{
	unsigned __int128 product;

	if (n > 16)
		return hash_bytes(p, n < TEXT_WORD_MAX ? n : TEXT_WORD_MAX, seed);
	product = (unsigned __int128)(first_bytes(p, n) ^ seed) *
		  ((n > 8 ? first_bytes(p + 8, n - 8) : 0) + n + (seed >> 32 | seed << 32 | 1));
	return hash_mix64((uint64_t)product ^ (uint64_t)(product >> 64));
}

static inline uint32_t token_of_word(uint64_t class_seed, const char *p, size_t n, bool digits)
{
	uint64_t hash = hash_word(p, n, class_seed);

	return WORD_TOKEN | (digits ? WORD_DIGITS : 0) | (uint32_t)(hash >> 38) << WORD_SHIFT;
}

uint32_t word_loose(uint64_t class_seed)
{
	return token_of_word(class_seed, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 0, false);
}

/* 64 bits of a and b together, from any position on. */
static inline uint64_t window(const uint64_t *a, const uint64_t *b, size_t at)
{
	size_t i = at / 64, shift = at % 64;
	uint64_t w = (a[i] | b[i]) >> shift;

	return shift ? w | (a[i + 1] | b[i + 1]) << (64 - shift) : w;
}

/* How many bits in a row are set from here on. */
static inline size_t run(const uint64_t *a, const uint64_t *b, size_t at)
{
	size_t n = 0;

	for (;;) {
		uint64_t w = ~window(a, b, at + n);

		if (w)
			return n + (size_t)__builtin_ctzll(w);
		n += 64;
	}
}

/* Bytes of the UTF-8 character at the front (RFC 3629); 0: it is none. */
static size_t character(const unsigned char *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t bytes = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = p[0] & (0xffu >> (bytes + 1));

	if (p[0] < 0xc2 || p[0] > 0xf4 || bytes > n)
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	return c < least[bytes] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : bytes;
}

struct words {
	uint64_t seed;
	uint32_t *out;
	size_t n, cap;
	bool more, singles;
};

static inline void put_word(struct words *w, const char *p, size_t n, bool digits)
{
	if (w->n == w->cap)
		w->more = true;
	else
		w->out[w->n++] = token_of_word(w->seed, p, n, digits);
}

/* A run of bytes from 0x80 on: its characters and their pairs. A search leaves out characters that
 * stand in a pair: the pair says more. */
static void add_characters(struct words *w, const char *p, size_t n)
{
	size_t before = 0; /* bytes of the character before */

	for (size_t i = 0; i < n && !w->more;) {
		size_t bytes = character((const unsigned char *)p + i, n - i);
		size_t next =
			bytes && i + bytes < n ?
				character((const unsigned char *)p + i + bytes, n - i - bytes) :
				0;

		if (bytes && before)
			put_word(w, p + i - before, before + bytes, false);
		if (bytes && (w->singles || (!before && !next)))
			put_word(w, p + i, bytes, false);
		before = bytes;
		i += bytes ? bytes : 1;
	}
}

/* An IPv4 address that begins with this number of n digits. */
static void add_address(struct words *w, const struct text *t, size_t at, size_t n, size_t to)
{
	size_t end = at + n;

	for (unsigned i = 0; i < 3; i++) {
		if (end + 1 >= to || t->folded[end] != '.')
			return;
		n = run(t->digit, t->digit, end + 1);
		if (!n || n > TEXT_NUMBER_MAX || end + 1 + n > to ||
		    text_bit(t->alpha, end + 1 + n))
			return;
		end += 1 + n;
	}
	put_word(w, t->folded + at, end - at, true);
}

/* The word of letters and digits that begins here. */
static inline void add_ascii(struct words *w, const struct text *t, size_t at, size_t to)
{
	size_t n = run(t->alpha, t->digit, at);
	bool digits;

	if (n > to - at)
		n = to - at;
	digits = n <= TEXT_DIGITS_MAX ?
			 !(window(t->alpha, t->alpha, at) & ((UINT64_C(1) << n) - 1)) :
			 run(t->digit, t->digit, at) >= n;
	if (!digits || (n > TEXT_NUMBER_MAX && n <= TEXT_DIGITS_MAX))
		put_word(w, t->folded + at, n, digits);
	else if (n <= TEXT_NUMBER_MAX && t->folded[at + n] == '.')
		add_address(w, t, at, n, to);
}

/* Positions in a chunk where a run of bits begins. */
static inline uint64_t starts(const uint64_t *bits, size_t i)
{
	return bits[i] & ~(bits[i] << 1 | (i ? bits[i - 1] >> 63 : 0));
}

/* Words between two positions, of which the first is not in the middle of one. */
static void add_words(struct words *w, const struct text *t, size_t from, size_t to)
{
	uint64_t before = 0; /* the last byte of the chunk before was in a word */

	for (size_t i = 0; i * 64 < to && !w->more; i++) {
		uint64_t word = t->alpha[i] | t->digit[i];
		uint64_t first = word & ~(word << 1 | before);

		before = word >> 63;
		for (; first; first &= first - 1) {
			size_t at = i * 64 + (size_t)__builtin_ctzll(first);

			if (at >= from && at < to)
				add_ascii(w, t, at, to);
		}
		if (!t->high[i])
			continue;
		for (first = starts(t->high, i); first; first &= first - 1) {
			size_t at = i * 64 + (size_t)__builtin_ctzll(first);
			size_t n = run(t->high, t->high, at);

			if (at >= from && at < to)
				add_characters(w, t->folded + at, n < to - at ? n : to - at);
		}
	}
}

size_t text_words(const struct text *t, uint64_t class_seed, uint32_t *out, size_t cap,
		  bool *more)
{
	struct words w = { .seed = class_seed, .out = out, .cap = cap, .singles = true };

	add_words(&w, t, 0, t->n);
	*more |= w.more;
	return w.n;
}

static bool is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

void text_pattern_set(struct text_pattern *p, struct str wanted)
{
	size_t n = 0;

	*p = (struct text_pattern){ .open_front = wanted.n && wanted.p[0] == '*',
				    .open_back = wanted.n && wanted.p[wanted.n - 1] == '*' };
	for (size_t i = 0; i < wanted.n && n < sizeof(p->folded);) {
		size_t first = n;

		for (; i < wanted.n && wanted.p[i] != '*' && n < sizeof(p->folded); i++) {
			char c = wanted.p[i];

			p->folded[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		}
		while (i < wanted.n && wanted.p[i] == '*')
			i++;
		if (n > first) {
			p->part[p->n_parts].first = (uint16_t)first;
			p->part[p->n_parts++].n = (uint16_t)(n - first);
		}
	}
}

/* May this part not begin (end) in the middle of a word? */
static bool is_closed(const struct text_pattern *p, size_t part, bool front)
{
	size_t first = p->part[part].first, last = first + p->part[part].n - 1;

	if (front)
		return part == 0 && !p->open_front && is_word_byte(p->folded[first]);
	return part + 1 == p->n_parts && !p->open_back && is_word_byte(p->folded[last]);
}

/* Where the part stands from `at` on, its ends where they may be; SIZE_MAX: nowhere. */
static size_t find_part(const struct text *t, const struct text_pattern *p, size_t part,
			size_t at)
{
	const char *what = p->folded + p->part[part].first;
	size_t n = p->part[part].n;
	bool front = is_closed(p, part, true), back = is_closed(p, part, false);

	while (at + n <= t->n) {
		const char *hit = memmem(t->folded + at, t->n - at, what, n);

		if (!hit)
			break;
		at = (size_t)(hit - t->folded);
		if (front && at && text_in_word(t, at - 1))
			at += run(t->alpha, t->digit,
				  at); /* no word begins before this one ends */
		else if (back && text_in_word(t, at + n))
			at += run(t->alpha, t->digit, at + n); /* nor ends */
		else
			return at;
	}
	return SIZE_MAX;
}

bool text_find(const struct text *t, const struct text_pattern *p)
{
	size_t at = 0;

	/* the first place of each part leaves the most to those behind it */
	for (size_t i = 0; i < p->n_parts; i++) {
		at = find_part(t, p, i, at);
		if (at == SIZE_MAX)
			return false;
		at += p->part[i].n;
	}
	return p->n_parts || t->n;
}

/* A part that may begin inside a word says nothing about the word there. */
static void trim(const struct text_pattern *p, size_t part, const struct text *t, size_t *from,
		 size_t *to)
{
	if (!is_closed(p, part, true) && text_in_word(t, *from))
		*from += run(t->alpha, t->digit, *from);
	if (!is_closed(p, part, false))
		while (*to > *from && text_in_word(t, *to - 1))
			--*to;
}

size_t text_pattern_words(const struct text_pattern *p, uint64_t class_seed, uint32_t *out,
			  size_t cap)
{
	struct words w = { .seed = class_seed, .out = out, .cap = cap };
	struct text *t = malloc(sizeof(*t));

	if (!t)
		return 0; /* the search looks at more rows, and is right all the same */
	for (size_t i = 0; i < p->n_parts; i++) {
		size_t from = 0, to = p->part[i].n;

		text_set(t, str_n(p->folded + p->part[i].first, to));
		trim(p, i, t, &from, &to);
		add_words(&w, t, from, to);
	}
	free(t);
	return w.n;
}
