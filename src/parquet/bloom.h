/* XXH64 and split-block bloom filters, as parquet-format's BloomFilter.md has them: whoever looks for one
 * address asks 32 bytes of the filter whether a row group can hold it. Pure functions. */
#ifndef TOMSD_PARQUET_BLOOM_H
#define TOMSD_PARQUET_BLOOM_H

#include "tomsd/base/compiler.h"

#define BLOOM_BLOCK 32u       /* bytes that one value touches */
#define BLOOM_MAX (1u << 20)

uint64_t xxh64(const void *p, size_t n); /* seed 0 */

/* Bytes for n values at 1 % false answers; a power of two, since some readers take no other size. */
size_t bloom_bytes(size_t n);
void bloom_put(uint8_t *bits, size_t bytes, uint64_t hash);
/* false: it was never put. block are the 32 bytes at bloom_block. */
size_t bloom_block(size_t bytes, uint64_t hash);
bool bloom_has(const uint8_t block[BLOOM_BLOCK], uint64_t hash);

#endif
