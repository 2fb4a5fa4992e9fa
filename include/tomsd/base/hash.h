/* Hashes: quick ones for tables, SHA for facts, and constant-time comparison. Any thread. */
#ifndef TOMSD_BASE_HASH_H
#define TOMSD_BASE_HASH_H

#include "tomsd/base/buf.h"
#include "tomsd/base/compiler.h"
#include "tomsd/base/str.h"

static inline uint64_t hash_mix64(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	return x;
}
/* Keyed, not cryptographic; the seed makes collisions unpredictable from outside. Stable for a seed. */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);
void hash_sha1(const void *p, size_t n, uint8_t out[20]);
void hash_sha256(const void *p, size_t n, uint8_t out[32]);
/* The same over pieces: begin, put as often as there are any, end. */
struct hash_sum {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t left[64]; /* behind the last whole block */
};
void hash_sum_begin(struct hash_sum *s);
void hash_sum_put(struct hash_sum *s, const void *p, size_t n);
void hash_sum_end(struct hash_sum *s, uint8_t out[32]);
bool hash_equal(const void *a, const void *b, size_t n); /* constant time */
void hash_hex(const void *p, size_t n, char *out);       /* 2n + NUL */
/* RFC 4648 base64 with padding; out needs 4*((n+2)/3)+1. */
void hash_base64(const void *p, size_t n, char *out);
/* URL-safe without padding; decode: bytes written, or -ERR_INVALID. */
void hash_base64url(const void *p, size_t n, char *out);
int hash_base64url_decode(struct str s, void *out, size_t cap);

#endif
