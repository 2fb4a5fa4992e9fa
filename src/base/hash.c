/* Hashes. SHA-1 and SHA-256 after FIPS 180-4, base64 after RFC 4648. hash_bytes folds 64x64-bit
 * products, the idea of wyhash: two multiplications for a flow key. Any thread. */
#include "tomsd/base/hash.h"

#include "tomsd/base/err.h"

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t load32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t fold_mul(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Odd constants with half their bits set, from the fraction of pi. */
static const uint64_t key_a = UINT64_C(0x243f6a8885a308d3);
static const uint64_t key_b = UINT64_C(0x13198a2e03707345);
static const uint64_t key_c = UINT64_C(0xa4093822299f31d1);
static const uint64_t key_d = UINT64_C(0x082efa98ec4e6c89);

uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed)
{
	const uint8_t *p = bytes;
	uint64_t h = fold_mul(seed ^ key_a, key_b) ^ seed, a = 0, b = 0;
	size_t left = n;
	if (left > 48) {
		uint64_t h2 = h, h3 = h;
		for (; left > 48; left -= 48, p += 48) {
			h = fold_mul(load64(p) ^ key_b, load64(p + 8) ^ h);
			h2 = fold_mul(load64(p + 16) ^ key_c, load64(p + 24) ^ h2);
			h3 = fold_mul(load64(p + 32) ^ key_d, load64(p + 40) ^ h3);
		}
		h ^= h2 ^ h3;
	}
	for (; left > 16; left -= 16, p += 16)
		h = fold_mul(load64(p) ^ key_b, load64(p + 8) ^ h);
	/* The last 0..16 bytes as two words that may overlap; n goes in below. */
	if (left >= 8) {
		a = load64(p);
		b = load64(p + left - 8);
	} else if (left >= 4) {
		a = load32(p);
		b = load32(p + left - 4);
	} else if (left > 0) {
		a = (uint64_t)p[0] << 16 | (uint64_t)p[left >> 1] << 8 | p[left - 1];
	}
	return fold_mul(key_c ^ n, fold_mul(a ^ key_b, b ^ h) ^ key_d);
}

static inline uint32_t rotl32(uint32_t v, int by)
{
	return v << by | v >> (32 - by);
}

static inline uint32_t load_be32(const uint8_t *p)
{
	return __builtin_bswap32((uint32_t)load32(p));
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "load_be32 swaps");

/* One word of SHA-1's schedule, kept in a ring of 16. */
static inline uint32_t sha1_next(uint32_t w[16], int i)
{
	uint32_t mixed = w[(i + 13) & 15] ^ w[(i + 8) & 15] ^ w[(i + 2) & 15] ^ w[i & 15];
	return w[i & 15] = rotl32(mixed, 1);
}
#define SHA1_W(i) sha1_next(w, (i))
#define SHA1_STEP(a, b, c, d, e, f, k, word)                \
	do {                                                \
		(e) += rotl32((a), 5) + (f) + (k) + (word); \
		(b) = rotl32((b), 30);                      \
	} while (0)
#define SHA1_CH(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
#define SHA1_PARITY(b, c, d) ((b) ^ (c) ^ (d))
#define SHA1_MAJ(b, c, d) (((b) & (c)) | ((d) & ((b) | (c))))
/* Five steps: the names move round instead of the values. */
#define SHA1_FIVE(F, k, i, W)                                        \
	do {                                                         \
		SHA1_STEP(a, b, c, d, e, F(b, c, d), k, W((i)));     \
		SHA1_STEP(e, a, b, c, d, F(a, b, c), k, W((i) + 1)); \
		SHA1_STEP(d, e, a, b, c, F(e, a, b), k, W((i) + 2)); \
		SHA1_STEP(c, d, e, a, b, F(d, e, a), k, W((i) + 3)); \
		SHA1_STEP(b, c, d, e, a, F(c, d, e), k, W((i) + 4)); \
	} while (0)
#define SHA1_PLAIN(i) (w[(i)])

static void sha1_block(uint32_t h[8], const uint8_t *p)
{
	uint32_t w[16], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	for (int i = 0; i < 16; i++)
		w[i] = load_be32(p + 4 * i);
	SHA1_FIVE(SHA1_CH, 0x5a827999U, 0, SHA1_PLAIN);
	SHA1_FIVE(SHA1_CH, 0x5a827999U, 5, SHA1_PLAIN);
	SHA1_FIVE(SHA1_CH, 0x5a827999U, 10, SHA1_PLAIN);
	SHA1_STEP(a, b, c, d, e, SHA1_CH(b, c, d), 0x5a827999U, w[15]);
	SHA1_STEP(e, a, b, c, d, SHA1_CH(a, b, c), 0x5a827999U, SHA1_W(16));
	SHA1_STEP(d, e, a, b, c, SHA1_CH(e, a, b), 0x5a827999U, SHA1_W(17));
	SHA1_STEP(c, d, e, a, b, SHA1_CH(d, e, a), 0x5a827999U, SHA1_W(18));
	SHA1_STEP(b, c, d, e, a, SHA1_CH(c, d, e), 0x5a827999U, SHA1_W(19));
	for (int i = 20; i < 40; i += 5)
		SHA1_FIVE(SHA1_PARITY, 0x6ed9eba1U, i, SHA1_W);
	for (int i = 40; i < 60; i += 5)
		SHA1_FIVE(SHA1_MAJ, 0x8f1bbcdcU, i, SHA1_W);
	for (int i = 60; i < 80; i += 5)
		SHA1_FIVE(SHA1_PARITY, 0xca62c1d6U, i, SHA1_W);
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

/* clang-format off */
static const uint32_t sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
/* clang-format on */

#define ROTR32(v, by) rotl32((v), 32 - (by))

static void sha256_block(uint32_t h[8], const uint8_t *p)
{
	uint32_t w[64], s[8];
	for (int i = 0; i < 16; i++)
		w[i] = load_be32(p + 4 * i);
	for (int i = 16; i < 64; i++) {
		uint32_t x = w[i - 15], y = w[i - 2];
		w[i] = w[i - 16] + (ROTR32(x, 7) ^ ROTR32(x, 18) ^ x >> 3) + w[i - 7] +
		       (ROTR32(y, 17) ^ ROTR32(y, 19) ^ y >> 10);
	}
	memcpy(s, h, sizeof(s));
	for (int i = 0; i < 64; i++) {
		uint32_t e = s[4], a = s[0];
		uint32_t t1 = s[7] + (ROTR32(e, 6) ^ ROTR32(e, 11) ^ ROTR32(e, 25)) +
			      SHA1_CH(e, s[5], s[6]) + sha256_k[i] + w[i];
		uint32_t t2 = (ROTR32(a, 2) ^ ROTR32(a, 13) ^ ROTR32(a, 22)) +
			      SHA1_MAJ(a, s[1], s[2]);
		s[7] = s[6];
		s[6] = s[5];
		s[5] = e;
		s[4] = s[3] + t1;
		s[3] = s[2];
		s[2] = s[1];
		s[1] = a;
		s[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h[i] += s[i];
}

/* The tail with its 1 bit and the length of all in bits (FIPS 180-4, 5.1.1). */
static void sha_end(uint32_t h[8], void (*block)(uint32_t h[8], const uint8_t *),
		    const uint8_t *p, size_t left, uint64_t n)
{
	uint8_t tail[128] = { 0 };
	if (left > 0)
		memcpy(tail, p, left);
	tail[left] = 0x80;
	size_t end = left < 56 ? 64 : 128;
	uint64_t bits = n * 8;
	store_be32(tail + end - 8, (uint32_t)(bits >> 32));
	store_be32(tail + end - 4, (uint32_t)bits);
	block(h, tail);
	if (end == 128)
		block(h, tail + 64);
}

static void sha_run(uint32_t h[8], void (*block)(uint32_t h[8], const uint8_t *),
		    const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n / 64; i++, p += 64)
		block(h, p);
	sha_end(h, block, p, n % 64, n);
}

void hash_sha1(const void *p, size_t n, uint8_t out[20])
{
	uint32_t h[8] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	sha_run(h, sha1_block, p, n);
	for (int i = 0; i < 5; i++)
		store_be32(out + 4 * i, h[i]);
}

static const uint32_t sha256_h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

void hash_sha256(const void *p, size_t n, uint8_t out[32])
{
	uint32_t h[8];
	memcpy(h, sha256_h, sizeof(h));
	sha_run(h, sha256_block, p, n);
	for (int i = 0; i < 8; i++)
		store_be32(out + 4 * i, h[i]);
}

void hash_sum_begin(struct hash_sum *s)
{
	*s = (struct hash_sum){ .bytes = 0 };
	memcpy(s->h, sha256_h, sizeof(s->h));
}

void hash_sum_put(struct hash_sum *s, const void *p, size_t n)
{
	const uint8_t *from = p;
	size_t have = s->bytes % 64;
	s->bytes += n;
	if (have > 0) {
		size_t take = n < 64 - have ? n : 64 - have;
		memcpy(s->left + have, from, take);
		from += take;
		n -= take;
		if (have + take < 64)
			return;
		sha256_block(s->h, s->left);
	}
	for (; n >= 64; n -= 64, from += 64)
		sha256_block(s->h, from);
	if (n > 0)
		memcpy(s->left, from, n);
}

void hash_sum_end(struct hash_sum *s, uint8_t out[32])
{
	sha_end(s->h, sha256_block, s->left, s->bytes % 64, s->bytes);
	for (int i = 0; i < 8; i++)
		store_be32(out + 4 * i, s->h[i]);
}

bool hash_equal(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;
	uint8_t diff = 0;
	for (size_t i = 0; i < n; i++) {
		diff |= (uint8_t)(x[i] ^ y[i]);
		/* Keeps the compiler from leaving the loop at the first difference. */
		__asm__ volatile("" : "+r"(diff));
	}
	return diff == 0;
}

void hash_hex(const void *p, size_t n, char *out)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++) {
		*out++ = hex[b[i] >> 4];
		*out++ = hex[b[i] & 15];
	}
	*out = '\0';
}

static const char alphabet_std[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *base64(const uint8_t *p, size_t n, const char *alphabet, char *out)
{
	for (; n >= 3; n -= 3, p += 3) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		*out++ = alphabet[v >> 6 & 63];
		*out++ = alphabet[v & 63];
	}
	if (n > 0) {
		uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0);
		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		if (n > 1)
			*out++ = alphabet[v >> 6 & 63];
	}
	return out;
}

void hash_base64(const void *p, size_t n, char *out)
{
	char *end = base64(p, n, alphabet_std, out);
	while ((end - out) % 4)
		*end++ = '=';
	*end = '\0';
}

void hash_base64url(const void *p, size_t n, char *out)
{
	*base64(p, n, alphabet_url, out) = '\0';
}

/* 0..63, or -1. By comparison, so that no table look-up depends on a secret. */
static int base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int hash_base64url_decode(struct str s, void *out, size_t cap)
{
	uint8_t *to = out;
	size_t made = s.n / 4 * 3 + (s.n % 4 ? s.n % 4 - 1 : 0);
	uint32_t bits = 0;
	int have = 0;
	if (s.n % 4 == 1 || made > cap || made > INT32_MAX)
		return -ERR_INVALID;
	for (size_t i = 0; i < s.n; i++) {
		int v = base64url_value(s.p[i]);
		if (v < 0)
			return -ERR_INVALID;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*to++ = (uint8_t)(bits >> have);
			bits &= (1U << have) - 1;
		}
	}
	/* Bits left over are zero in the one right spelling; another must not pass for it. */
	return bits == 0 ? (int)made : -ERR_INVALID;
}
