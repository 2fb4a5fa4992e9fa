/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers, options, extension headers and fragments.
 * Trims link padding: w->end moves to the end that the total length says. */
#include <string.h>

#include "walk.h"

#define EXTENSIONS_MAX 12 /* RFC 8200 section 4.1 lists 7 for one packet */

enum decode_result layer_ip(struct walk *w, uint32_t off)
{
	if (!has(w, off, 1))
		return DECODE_BAD_IP;
	switch (w->f[off] >> 4) {
	case 4:
		return layer_ip4(w, off);
	case 6:
		return layer_ip6(w, off);
	default:
		return DECODE_BAD_IP;
	}
}

/* Notes where the IP packet lies and where it ends. False: a guessed packet that cannot fit in what
 * is around it. */
static bool ip_extent(struct walk *w, uint32_t off, uint32_t total)
{
	struct pkt *p = w->p;
	uint32_t there = w->end - off;
	if (w->guess && total > w->said - off)
		return false;
	w->guess = false;
	p->l3_off = off;
	p->l3_bytes = total < there ? total : there;
	if (total > there)
		p->flags |= PKT_CUT;
	w->end = off + p->l3_bytes;
	w->said = off + total;
	return true;
}

/* A fragment behind the first has no L4 header: no ports, nothing for dissectors. */
static enum decode_result later_fragment(struct walk *w, uint8_t protocol)
{
	w->p->flags |= PKT_FRAG_LATER;
	w->p->key.l4 = protocol;
	return DECODE_OK;
}

enum decode_result layer_ip4(struct walk *w, uint32_t off)
{
	struct pkt *p = w->p;
	if (unlikely(!has(w, off, 20)))
		return DECODE_BAD_IP;
	const uint8_t *h = w->f + off;
	uint32_t header = (h[0] & 15u) * 4, total = be16(h + 2);
	if (unlikely(h[0] >> 4 != 4 || header < 20 || !has(w, off, header)))
		return DECODE_BAD_IP;
	if (unlikely(total == 0 && !w->guess)) /* the sender's card was to cut it up: TSO */
		total = w->end - off;
	if (unlikely(total < header || !ip_extent(w, off, total)))
		return DECODE_BAD_IP_LENGTH;
	p->key.src = p->key.dst = (struct addr){ .b = { [10] = 0xff, [11] = 0xff } };
	memcpy(p->key.src.b + 12, h + 12, 4);
	memcpy(p->key.dst.b + 12, h + 16, 4);
	p->key.ip_version = 4;
	p->ethertype = TYPE_IPV4;
	uint16_t fragment = be16(h + 6);
	if (unlikely(fragment & 0x3fff)) { /* more to come, or an offset */
		p->frag_id = be16(h + 4);
		if (fragment & 0x1fff)
			return later_fragment(w, h[9]);
		p->flags |= PKT_FRAG_FIRST;
	}
	return layer_l4(w, h[9], off + header);
}

/* Walks the extension headers. All but two share one form: next, length in units of 8 bytes
 * without the first. AH hides nothing, so it is one of them here. */
static enum decode_result extensions(struct walk *w, uint8_t next, uint32_t off)
{
	struct pkt *p = w->p;
	for (unsigned n = 0; n < EXTENSIONS_MAX; n++) {
		p->key.l4 = next;
		switch (next) {
		case IP_HOPOPT:
		case IP_ROUTING:
		case IP_DSTOPTS:
		case IP_MOBILITY:
		case IP_HIP:
		case IP_SHIM6:
			if (!has(w, off, 8))
				return DECODE_BAD_EXT;
			next = w->f[off];
			off += (w->f[off + 1] + 1u) * 8;
			break;
		case IP_FRAGMENT: {
			if (!has(w, off, 8))
				return DECODE_BAD_EXT;
			uint16_t fragment = be16(w->f + off + 2);
			next = w->f[off];
			if (fragment & 0xfff9) { /* not an atomic one (RFC 6946) */
				p->frag_id = be32(w->f + off + 4);
				if (fragment & 0xfff8)
					return later_fragment(w, next);
				p->flags |= PKT_FRAG_FIRST;
			}
			off += 8;
			break;
		}
		case IP_AH: /* RFC 4302: units of 4 bytes, less 2 */
			if (!has(w, off, 12))
				return DECODE_BAD_EXT;
			next = w->f[off];
			off += (w->f[off + 1] + 2u) * 4;
			break;
		default:
			return off > w->end ? DECODE_BAD_EXT : layer_l4(w, next, off);
		}
	}
	return DECODE_BAD_EXT;
}

enum decode_result layer_ip6(struct walk *w, uint32_t off)
{
	struct pkt *p = w->p;
	if (unlikely(!has(w, off, 40) || w->f[off] >> 4 != 6))
		return DECODE_BAD_IP;
	const uint8_t *h = w->f + off;
	uint32_t total = 40u + be16(h + 4);
	/* Nothing behind the header but something announced: jumbogram (RFC 2675) or TSO. */
	if (unlikely(total == 40 && h[6] != IP_NONE && !w->guess))
		total = w->end - off;
	if (unlikely(!ip_extent(w, off, total)))
		return DECODE_BAD_IP_LENGTH;
	memcpy(p->key.src.b, h + 8, 16);
	memcpy(p->key.dst.b, h + 24, 16);
	p->key.ip_version = 6;
	p->ethertype = TYPE_IPV6;
	return extensions(w, h[6], off + 40);
}
