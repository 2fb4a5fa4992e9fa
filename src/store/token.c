/* Tokens: 32-bit keyed hashes of (class, value). The seed is random for each database, so
 * nobody on the network can choose names that fall together. Any thread. */
#include "token.h"

#include "tomsd/base/hash.h"

uint64_t token_class(uint64_t seed, const char *name)
{
	return hash_bytes(name, strlen(name), seed);
}

enum token_kind token_kind_of(const struct col *c)
{
	if (!(c->flags & COL_TOKEN))
		return TOKEN_NONE;
	switch (c->type) {
	case COL_ADDR:
		return TOKEN_HOST;
	case COL_MAC:
		return TOKEN_MAC;
	case COL_TEXT:
	case COL_JSON:
		return TOKEN_TEXT;
	case COL_U64:
		return TOKEN_BITS;
	case COL_U16:
		return str_ends(str_of(c->name), STR("_port")) ? TOKEN_PORT : TOKEN_NUM;
	case COL_I64:
	case COL_U32:
	case COL_U8:
	case COL_ENUM:
		return TOKEN_NUM;
	case COL_TIME:
		break;
	}
	return TOKEN_NONE;
}

uint32_t token_of_num(uint64_t class_seed, uint64_t v)
{
	return token_fold(hash_mix64(hash_mix64(v ^ class_seed) + class_seed));
}

/* Addresses are the bulk of all tokens: two mixes instead of a hash over bytes. */
uint32_t token_of_host(uint64_t class_seed, const struct addr *a)
{
	uint64_t hi, lo;
	memcpy(&hi, a->b, 8);
	memcpy(&lo, a->b + 8, 8);
	return token_fold(hash_mix64(hash_mix64(hi ^ class_seed) + lo));
}

uint32_t token_of_net(uint64_t class_seed, const struct addr *a)
{
	struct addr net = *a;
	if (addr_is_v4(a))
		net.b[15] = 0;
	else
		memset(net.b + 8, 0, 8);
	return token_of_host(class_seed, &net);
}

uint64_t mac_number(const uint8_t mac[6])
{
	uint64_t v = 0;
	for (int i = 0; i < 6; i++)
		v = v << 8 | mac[i];
	return v;
}

uint32_t token_of_mac(uint64_t class_seed, uint64_t mac48)
{
	return token_of_num(class_seed, mac48);
}

uint32_t token_of_text(uint64_t class_seed, struct str text)
{
	char folded[512];
	size_t n = text.n < sizeof(folded) ? text.n : sizeof(folded);
	for (size_t i = 0; i < n; i++) {
		char c = text.p[i];
		folded[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return token_fold(hash_bytes(folded, n, class_seed));
}

uint32_t token_host(uint64_t seed, const struct addr *a)
{
	return token_of_host(token_class(seed, "host"), a);
}
uint32_t token_net(uint64_t seed, const struct addr *a)
{
	return token_of_net(token_class(seed, "net"), a);
}
uint32_t token_mac(uint64_t seed, const uint8_t mac[6])
{
	return token_of_mac(token_class(seed, "mac"), mac_number(mac));
}
uint32_t token_port(uint64_t seed, uint16_t port)
{
	return token_of_num(token_class(seed, "port"), port);
}
uint32_t token_text(uint64_t seed, const struct col *c, struct str text)
{
	return token_of_text(token_class(seed, c->name), text);
}
uint32_t token_num(uint64_t seed, const struct col *c, uint64_t v)
{
	return token_of_num(token_class(seed, c->name), v);
}

size_t varint_put(uint8_t *p, uint64_t v)
{
	size_t n = 0;
	while (v >= 0x80) {
		p[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	return n;
}

size_t varint_get(const uint8_t *p, size_t n, uint64_t *v)
{
	uint64_t x = 0;
	for (size_t i = 0; i < n && i < 10; i++) {
		x |= (uint64_t)(p[i] & 0x7f) << (7 * i);
		if (!(p[i] & 0x80)) {
			*v = x;
			return i + 1;
		}
	}
	return 0;
}
