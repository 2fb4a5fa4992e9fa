/* Community ID v1 (github.com/corelight/community-id-spec): "1:" and base64 of SHA-1 over seed,
 * the smaller endpoint, the larger one, protocol, a zero, and the ports in the same order. ICMP's type
 * stands for the source port and the type that answers it for the destination's; a type without an
 * answer is one-way: code for the destination's port and no ordering. */
#include "community_id.h"

#include "tomsd/base/hash.h"

static const uint8_t icmp_pairs[][2] = {
	{ 0, 8 }, { 9, 10 }, { 13, 14 }, { 15, 16 }, { 17, 18 }
};
static const uint8_t icmp6_pairs[][2] = { { 128, 129 }, { 130, 131 }, { 133, 134 },
					  { 135, 136 }, { 139, 140 }, { 144, 145 } };

/* The type that answers this one, or -1. */
static int icmp_answer(uint8_t l4, uint8_t type)
{
	const uint8_t(*pairs)[2] = l4 == 1 ? icmp_pairs : icmp6_pairs;
	size_t n = l4 == 1 ? ARRAY_LEN(icmp_pairs) : ARRAY_LEN(icmp6_pairs);

	for (size_t i = 0; i < n; i++) {
		if (pairs[i][0] == type)
			return pairs[i][1];
		if (pairs[i][1] == type)
			return pairs[i][0];
	}
	return -1;
}

static uint8_t *put_u16(uint8_t *p, uint16_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

void community_id(const struct flow *f, char *out)
{
	size_t skip = f->ip_version == 4 ? 12 : 0, addr_bytes = 16 - skip;
	bool is_icmp = f->l4 == 1 || f->l4 == 58;
	bool has_ports = is_icmp || f->l4 == 6 || f->l4 == 17 || f->l4 == 132;
	uint16_t ports[2] = { f->src_port, f->dst_port };
	const uint8_t *addrs[2] = { f->src.b + skip, f->dst.b + skip };
	bool one_way = false;
	uint8_t text[2 + 32 + 2 + 4], hash[20];
	uint8_t *p = text;
	int order, first;

	if (is_icmp) {
		uint8_t type = (uint8_t)(f->dst_port >> 8);
		int answer = icmp_answer(f->l4, type);

		one_way = answer < 0;
		ports[0] = type;
		ports[1] = (uint16_t)(one_way ? f->dst_port & 0xff : answer);
	}
	order = memcmp(addrs[0], addrs[1], addr_bytes);
	first = !one_way && (order > 0 || (order == 0 && has_ports && ports[0] > ports[1]));
	p = put_u16(p, 0);
	memcpy(p, addrs[first], addr_bytes);
	p += addr_bytes;
	memcpy(p, addrs[1 - first], addr_bytes);
	p += addr_bytes;
	*p++ = f->l4;
	*p++ = 0;
	if (has_ports) {
		p = put_u16(p, ports[first]);
		p = put_u16(p, ports[1 - first]);
	}
	hash_sha1(text, (size_t)(p - text), hash);
	out[0] = '1';
	out[1] = ':';
	hash_base64(hash, sizeof(hash), out + 2);
}
