/* Addresses as text and back: IPv4 dotted, IPv6 after RFC 4291 (in) and RFC 5952 (out), ranges, MACs.
 * Own code rather than inet_pton: input is a view without a NUL, output has exactly one form, and
 * nothing depends on the locale or the C library. Any thread. */
#include "tomsd/record.h"

#include <stdio.h>

#include "tomsd/base/err.h"
#include "tomsd/base/num.h"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool addr_is_zero(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->b, zero, sizeof(zero)) == 0;
}

struct addr addr_v4(uint32_t host_order)
{
	struct addr a;

	memcpy(a.b, v4_prefix, sizeof(v4_prefix));
	for (unsigned i = 0; i < 4; i++)
		a.b[12 + i] = (uint8_t)(host_order >> (24 - 8 * i));
	return a;
}

uint32_t addr_v4_of(const struct addr *a)
{
	return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 | (uint32_t)a->b[14] << 8 |
	       a->b[15];
}

/* Decimal digits of a byte; returns behind them. */
static char *put_dec(char *p, uint8_t v)
{
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *put_v4(char *p, const uint8_t b[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			*p++ = '.';
		p = put_dec(p, b[i]);
	}
	return p;
}

/* Lower case, leading zeros left out (RFC 5952 4.1, 4.3). */
static char *put_hex16(char *p, unsigned v)
{
	bool begun = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = v >> shift & 15;

		if (!digit && !begun && shift)
			continue;
		begun = true;
		*p++ = "0123456789abcdef"[digit];
	}
	return p;
}

static unsigned group_at(const struct addr *a, unsigned i)
{
	return (unsigned)a->b[2 * i] << 8 | a->b[2 * i + 1];
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952 4.2). */
static void longest_zero_run(const struct addr *a, unsigned *from, unsigned *n)
{
	*from = 8;
	*n = 1;
	for (unsigned i = 0; i < 8; i++) {
		unsigned run = 0;

		while (i + run < 8 && group_at(a, i + run) == 0)
			run++;
		if (run > *n) {
			*from = i;
			*n = run;
		}
		i += run;
	}
}

void addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	char *p = out;
	unsigned zero_from, zero_n;

	if (addr_is_v4(a)) {
		*put_v4(p, a->b + 12) = '\0';
		return;
	}
	longest_zero_run(a, &zero_from, &zero_n);
	for (unsigned i = 0; i < 8; i++) {
		if (i == zero_from) {
			*p++ = ':';
			*p++ = ':';
			i += zero_n - 1;
			continue;
		}
		if (i && i != zero_from + zero_n)
			*p++ = ':';
		p = put_hex16(p, group_at(a, i));
	}
	*p = '\0';
}

/* Four numbers without leading zeros: "010" is octal to some readers, so nobody gets to say it. */
static int parse_v4(struct str s, uint8_t out[4])
{
	struct str part;
	unsigned n = 0;

	while (str_split(&s, '.', &part)) {
		uint16_t v = 0;

		if (n == 4 || part.n == 0 || part.n > 3 || (part.n > 1 && part.p[0] == '0'))
			return -ERR_INVALID;
		if (num_u16(part, 0, 255, &v))
			return -ERR_INVALID;
		out[n++] = (uint8_t)v;
	}
	return n == 4 ? 0 : -ERR_INVALID;
}

/* Groups "a:b:c" up to the end of s into out; a dotted quad may be the last two. Number of groups or
 * -ERR_INVALID; an empty s has none. */
static int parse_groups(struct str s, uint16_t out[8])
{
	struct str part;
	unsigned n = 0;

	if (s.n == 0)
		return 0;
	while (str_split(&s, ':', &part)) {
		unsigned v = 0;

		if (str_chr(part, '.') >= 0) {
			uint8_t quad[4];

			if (n > 6 || s.p != NULL || parse_v4(part, quad))
				return -ERR_INVALID;
			out[n++] = (uint16_t)(quad[0] << 8 | quad[1]);
			out[n++] = (uint16_t)(quad[2] << 8 | quad[3]);
			continue;
		}
		if (n == 8 || part.n == 0 || part.n > 4)
			return -ERR_INVALID;
		for (size_t i = 0; i < part.n; i++) {
			int d = num_hex_digit(part.p[i]);

			if (d < 0)
				return -ERR_INVALID;
			v = v << 4 | (unsigned)d;
		}
		out[n++] = (uint16_t)v;
	}
	return (int)n;
}

static int parse_v6(struct str s, struct addr *out)
{
	uint16_t groups[8] = { 0 }, tail[8] = { 0 };
	ptrdiff_t gap = str_find(s, STR("::"));
	int n_head, n_tail = 0;

	if (gap < 0) {
		n_head = parse_groups(s, groups);
		if (n_head != 8)
			return -ERR_INVALID;
	} else {
		struct str head = str_sub(s, 0, (size_t)gap);

		/* a quad before "::" would stand in the middle of the address */
		if (str_chr(head, '.') >= 0)
			return -ERR_INVALID;
		n_head = parse_groups(head, groups);
		n_tail = parse_groups(str_sub(s, (size_t)gap + 2, s.n), tail);
		if (n_head < 0 || n_tail < 0 || n_head + n_tail > 7)
			return -ERR_INVALID;
		for (int i = 0; i < n_tail; i++)
			groups[8 - n_tail + i] = tail[i];
	}
	for (unsigned i = 0; i < 8; i++) {
		out->b[2 * i] = (uint8_t)(groups[i] >> 8);
		out->b[2 * i + 1] = (uint8_t)groups[i];
	}
	return 0;
}

int addr_parse(struct str s, struct addr *out)
{
	struct addr a;
	uint8_t quad[4];

	if (str_chr(s, ':') < 0) {
		if (parse_v4(s, quad))
			return -ERR_INVALID;
		memcpy(a.b, v4_prefix, sizeof(v4_prefix));
		memcpy(a.b + 12, quad, 4);
	} else if (parse_v6(s, &a)) {
		return -ERR_INVALID;
	}
	*out = a;
	return 0;
}

/* Clears what lies behind the prefix, so that equal ranges are equal bytes. */
static void addr_mask(struct addr *a, unsigned bits)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = bits > 8 * i ? bits - 8 * i : 0;

		if (keep < 8)
			a->b[i] &= (uint8_t)(0xff00 >> keep);
	}
}

int cidr_parse(struct str s, struct cidr *out)
{
	struct cidr c = { .bits = 128 };
	ptrdiff_t slash = str_chr(s, '/');
	struct str base = slash < 0 ? s : str_sub(s, 0, (size_t)slash);
	bool is_v4 = str_chr(base, ':') < 0;
	uint16_t bits = is_v4 ? 32 : 128;

	if (addr_parse(base, &c.base))
		return -ERR_INVALID;
	if (slash >= 0) {
		struct str digits = str_sub(s, (size_t)slash + 1, s.n);

		if (digits.n > 1 && digits.p[0] == '0')
			return -ERR_INVALID;
		if (num_u16(digits, 0, bits, &bits))
			return -ERR_INVALID;
	}
	c.bits = (uint8_t)(is_v4 ? bits + 96 : bits);
	addr_mask(&c.base, c.bits);
	*out = c;
	return 0;
}

bool cidr_has(const struct cidr *c, const struct addr *a)
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	if (memcmp(c->base.b, a->b, whole) != 0)
		return false;
	return rest == 0 || ((c->base.b[whole] ^ a->b[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

void mac_text(const uint8_t mac[6], char out[MAC_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = 0; i < 6; i++) {
		out[3 * i] = hex[mac[i] >> 4];
		out[3 * i + 1] = hex[mac[i] & 15];
		out[3 * i + 2] = i < 5 ? ':' : '\0';
	}
}

/* Twelve digits; separators stand after every second digit (':' '-') or every fourth ('.', as Cisco
 * writes it), the same one throughout, or there are none. */
int mac_parse(struct str s, uint8_t out[6])
{
	uint8_t mac[6] = { 0 };
	char sep = s.n == 17 ? s.p[2] : s.n == 14 ? s.p[4] : '\0';
	unsigned group = s.n == 17 ? 2 : s.n == 14 ? 4 : 12;
	unsigned digits = 0;

	if (s.n != 12 && !(s.n == 17 && (sep == ':' || sep == '-')) &&
	    !(s.n == 14 && sep == '.'))
		return -ERR_INVALID;
	for (size_t i = 0; i < s.n; i++) {
		int d;

		if (i % (group + 1) == group) {
			if (s.p[i] != sep)
				return -ERR_INVALID;
			continue;
		}
		d = num_hex_digit(s.p[i]);
		if (d < 0)
			return -ERR_INVALID;
		mac[digits / 2] = (uint8_t)(mac[digits / 2] << 4 | d);
		digits++;
	}
	memcpy(out, mac, sizeof(mac));
	return 0;
}
