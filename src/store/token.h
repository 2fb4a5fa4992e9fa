/* Private half of the token index: class seeds and varints. */
#ifndef TOMSD_STORE_TOKEN_H
#define TOMSD_STORE_TOKEN_H

#include "layout.h"

/* Seed of a class of values ("host", "mac", "port", a column's name) under the database's
 * seed. */
uint64_t token_class(uint64_t seed, const char *name);
static inline uint32_t token_fold(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}
uint32_t token_of_host(uint64_t class_seed, const struct addr *a);
uint32_t token_of_net(uint64_t class_seed, const struct addr *a);
uint32_t token_of_mac(uint64_t class_seed, uint64_t mac48);
uint32_t token_of_num(uint64_t class_seed, uint64_t v);
uint32_t token_of_text(uint64_t class_seed, struct str text);
uint64_t mac_number(const uint8_t mac[6]);
enum token_kind token_kind_of(const struct col *c);

/* One token's entry in a piece of _tok. get: bytes of it, *token moves on by its difference; 0: damaged. */
struct tok_entry {
	const uint8_t *p; /* differences of ordinals; or a bit a row, the lowest first */
	size_t n;
	bool is_bitmap;
};
size_t tok_entry_get(const uint8_t *p, size_t n, uint64_t *token, struct tok_entry *out);

/* LEB128; put returns the bytes written (at most 10), get the bytes read or 0 when p ends too
 * early. */
size_t varint_put(uint8_t *p, uint64_t v);
size_t varint_get(const uint8_t *p, size_t n, uint64_t *v);

#endif
