/* What programs in a hospital say first, as bytes: enough of each protocol that a sensor knows
 * it. */
#ifndef GEN_APPS_H
#define GEN_APPS_H

#include "gen_bytes.h"

UNUSED static void dns_name(struct gen *g, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");
		gen_u8(g, (unsigned)n);
		gen_put(g, name, n);
		name += n + (name[n] == '.');
	}
	gen_u8(g, 0);
}

/* Question, or with answer != 0 its answer (an address; UINT32_MAX: no such name). */
UNUSED static void dns_message(struct gen *g, unsigned id, const char *name, uint32_t answer)
{
	bool missing = answer == UINT32_MAX;
	gen_be16(g, id);
	gen_be16(g, !answer ? 0x0100 : missing ? 0x8183 : 0x8180);
	gen_be16(g, 1);
	gen_be16(g, answer && !missing);
	gen_be32(g, 0);
	dns_name(g, name);
	gen_be32(g, 0x00010001);
	if (!answer || missing)
		return;
	gen_be16(g, 0xc00c);
	gen_be32(g, 0x00010001);
	gen_be32(g, 300);
	gen_be16(g, 4);
	gen_be32(g, answer);
}

struct dhcp_client {
	const char *vendor_class;
	uint8_t wishes[16]; /* option 55, 0 at the end */
};

UNUSED static void dhcp_message(struct gen *g, unsigned type, const uint8_t *mac,
				const char *host, const struct dhcp_client *c, uint32_t address,
				uint32_t server)
{
	bool answer = type == 2 || type == 5;
	gen_u8(g, answer ? 2 : 1);
	gen_be24(g, 0x010600);
	gen_put(g, mac, 4); /* transaction */
	gen_be32(g, 0);
	gen_be32(g, 0);
	gen_be32(g, answer ? address : 0);
	gen_be32(g, answer ? server : 0);
	gen_be32(g, 0);
	gen_put(g, mac, 6);
	gen_fill(g, 0, 10 + 64 + 128);
	gen_be32(g, 0x63825363);
	gen_be24(g, 0x350100 | type);
	if (answer) {
		gen_be16(g, 0x3604);
		gen_be32(g, server);
		gen_be16(g, 0x3304);
		gen_be32(g, 28800);
	} else {
		gen_be16(g, 0x3d07);
		gen_u8(g, 1);
		gen_put(g, mac, 6);
		gen_be16(g, 0x0c00 | (unsigned)strlen(host));
		gen_text(g, host);
		gen_be16(g, 0x3c00 | (unsigned)strlen(c->vendor_class));
		gen_text(g, c->vendor_class);
		gen_be16(g, 0x3700 | (unsigned)strlen((const char *)c->wishes));
		gen_text(g, (const char *)c->wishes);
		if (type == 3) {
			gen_be16(g, 0x3204);
			gen_be32(g, address);
		}
	}
	gen_u8(g, 255);
	gen_fill(g, 0, 8);
}

UNUSED static size_t tls_record(struct gen *g, unsigned handshake)
{
	gen_be24(g, 0x160301);
	size_t record = gen_mark(g, 2);
	gen_u8(g, handshake);
	gen_be24(g, 0);
	return record;
}
UNUSED static void tls_record_end(struct gen *g, size_t record)
{
	gen_len(g, record, 2);
	gen_len(g, record + 4, 3);
}

/* RFC 8446 section 4.1.2: name in server_name, versions, groups, ALPN. sni NULL: none. */
UNUSED static void tls_client_hello(struct gen *g, struct gen_random *r, const char *sni,
				    const char *alpn)
{
	size_t record = tls_record(g, 1);
	gen_be16(g, 0x0303);
	gen_noise(g, r, 32);
	gen_u8(g, 32);
	gen_noise(g, r, 32);
	gen_be16(g, 16);
	gen_put(g, "\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\x00\x9d", 16);
	gen_be16(g, 0x0100);
	size_t extensions = gen_mark(g, 2);
	if (sni) {
		unsigned n = (unsigned)strlen(sni);
		gen_be16(g, 0);
		gen_be16(g, n + 5);
		gen_be16(g, n + 3);
		gen_u8(g, 0);
		gen_be16(g, n);
		gen_text(g, sni);
	}
	gen_put(g, "\0\x0a\0\x08\0\x06\0\x1d\0\x17\0\x18", 12);
	gen_put(g, "\0\x0b\0\x02\x01\0", 6);
	gen_put(g, "\0\x0d\0\x0c\0\x0a\x04\x03\x08\x04\x04\x01\x08\x05\x05\x01", 16);
	gen_put(g, "\0\x2b\0\x05\x04\x03\x04\x03\x03", 9);
	if (alpn) {
		unsigned n = (unsigned)strlen(alpn);
		gen_be16(g, 0x10);
		gen_be16(g, n + 3);
		gen_be16(g, n + 1);
		gen_u8(g, n);
		gen_text(g, alpn);
	}
	gen_put(g, "\0\x33\0\x26\0\x24\0\x1d\0\x20", 10);
	gen_noise(g, r, 32);
	gen_len(g, extensions, 2);
	tls_record_end(g, record);
}

UNUSED static void tls_server_hello(struct gen *g, struct gen_random *r)
{
	size_t record = tls_record(g, 2);
	gen_be16(g, 0x0303);
	gen_noise(g, r, 32);
	gen_u8(g, 32);
	gen_noise(g, r, 32);
	gen_be24(g, 0x130200);
	size_t extensions = gen_mark(g, 2);
	gen_put(g, "\0\x2b\0\x02\x03\x04\0\x33\0\x24\0\x1d\0\x20", 14);
	gen_noise(g, r, 32);
	gen_len(g, extensions, 2);
	tls_record_end(g, record);
	gen_put(g, "\x14\x03\x03\0\x01\x01", 6);
}

UNUSED static void tls_data(struct gen *g, struct gen_random *r, size_t n)
{
	gen_be24(g, 0x170303);
	gen_be16(g, (unsigned)n);
	gen_noise(g, r, n);
}

/* RFC 9000 section 17.2.2 from outside: an initial packet whose protected part is noise. */
UNUSED static void quic_initial(struct gen *g, struct gen_random *r)
{
	size_t from = g->n;
	gen_u8(g, 0xc3);
	gen_be32(g, 1);
	gen_u8(g, 8);
	gen_noise(g, r, 8);
	gen_be16(g, 0);
	gen_be16(g, 0x4000 | (1250 - 18));
	gen_noise(g, r, 1250 - (g->n - from));
}
UNUSED static void quic_short(struct gen *g, struct gen_random *r, size_t n)
{
	gen_u8(g, 0x40 | gen_below(r, 0x20));
	gen_noise(g, r, n);
}

UNUSED static void http_get(struct gen *g, const char *host, const char *path,
			    const char *agent)
{
	gen_fmt(g,
		"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nAccept-Language: ja\r\n\r\n",
		path, host, agent);
}
UNUSED static void http_reply(struct gen *g, const char *server, const char *type, size_t n)
{
	gen_fmt(g,
		"HTTP/1.1 200 OK\r\nServer: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		server, type, n);
}

/* MS-SMB2 2.2.1: negotiate (0), session set-up (1), tree connect (3), read (8), write (9). */
UNUSED static void smb2(struct gen *g, unsigned command, bool answer, unsigned id, size_t body)
{
	gen_be32(g, (uint32_t)(64 + body));
	gen_text(g, "\xfeSMB");
	gen_le16(g, 64);
	gen_le16(g, 1);
	gen_le32(g, 0);
	gen_le16(g, command);
	gen_le16(g, 1);
	gen_le32(g, answer);
	gen_le32(g, 0);
	gen_le32(g, id);
	gen_fill(g, 0, 36);
	if (command == 0 && !answer && body >= 46) {
		gen_le16(g, 36);
		gen_le16(g, 5);
		gen_le16(g, 1);
		gen_fill(g, 0, 30);
		gen_put(g, "\x02\x02\x10\x02\0\x03\x02\x03\x11\x03", 10);
		body -= 46;
	}
	gen_fill(g, 0, body);
}
UNUSED static void smb1_negotiate(struct gen *g)
{
	gen_be32(g, 32 + 15);
	gen_text(g, "\xffSMB");
	gen_u8(g, 0x72);
	gen_fill(g, 0, 4);
	gen_be24(g, 0x1853c8);
	gen_fill(g, 0, 20);
	gen_u8(g, 0);
	gen_le16(g, 12);
	gen_put(g, "\x02NT LM 0.12", 12);
}

/* RFC 4120: an AS-REQ for user in realm, and the usual answer to the first one:
 * pre-authentication required. */
UNUSED static size_t der(struct gen *g, unsigned tag)
{
	gen_u8(g, tag);
	gen_u8(g, 0x82);
	return gen_mark(g, 2);
}
UNUSED static void der_string(struct gen *g, const char *text)
{
	gen_u8(g, 0x1b);
	gen_u8(g, (unsigned)strlen(text));
	gen_text(g, text);
}
UNUSED static void der_principal(struct gen *g, unsigned tag, const char *one, const char *two)
{
	size_t field = der(g, tag), name = der(g, 0x30);
	gen_put(g, two ? "\xa0\x03\x02\x01\x02" : "\xa0\x03\x02\x01\x01", 5);
	size_t parts = der(g, 0xa1), list = der(g, 0x30);
	der_string(g, one);
	if (two)
		der_string(g, two);
	gen_len(g, list, 2);
	gen_len(g, parts, 2);
	gen_len(g, name, 2);
	gen_len(g, field, 2);
}
UNUSED static void kerberos_request(struct gen *g, const char *user, const char *realm)
{
	size_t tcp = gen_mark(g, 4), app = der(g, 0x6a), seq = der(g, 0x30);
	gen_put(g, "\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a", 10);
	size_t field = der(g, 0xa4), body = der(g, 0x30);
	gen_put(g, "\xa0\x07\x03\x05\0\x40\x81\0\x10", 9);
	der_principal(g, 0xa1, user, NULL);
	size_t r = der(g, 0xa2);
	der_string(g, realm);
	gen_len(g, r, 2);
	der_principal(g, 0xa3, "krbtgt", realm);
	gen_put(g,
		"\xa5\x11\x18\x0f"
		"20370913024805Z",
		19);
	gen_put(g, "\xa7\x06\x02\x04\x4b\x1c\x2d\x3e", 8);
	gen_put(g, "\xa8\x08\x30\x06\x02\x01\x12\x02\x01\x11", 10);
	gen_len(g, body, 2);
	gen_len(g, field, 2);
	gen_len(g, seq, 2);
	gen_len(g, app, 2);
	gen_len(g, tcp, 4);
}

UNUSED static void kerberos_error(struct gen *g, const char *realm)
{
	size_t tcp = gen_mark(g, 4), app = der(g, 0x7e), seq = der(g, 0x30);
	gen_put(g, "\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e", 10);
	gen_put(g,
		"\xa4\x11\x18\x0f"
		"20261121000000Z",
		19);
	gen_put(g, "\xa5\x05\x02\x03\x01\x02\x03\xa6\x03\x02\x01\x19", 12);
	size_t r = der(g, 0xa9);
	der_string(g, realm);
	gen_len(g, r, 2);
	der_principal(g, 0xaa, "krbtgt", realm);
	gen_len(g, seq, 2);
	gen_len(g, app, 2);
	gen_len(g, tcp, 4);
}

UNUSED static void rdp_request(struct gen *g, const char *cookie)
{
	unsigned n = (unsigned)strlen(cookie) + 19;
	gen_be16(g, 0x0300);
	gen_be16(g, 11 + n + 8);
	gen_u8(g, 6 + n + 8);
	gen_put(g, "\xe0\0\0\0\0\0", 6);
	gen_fmt(g, "Cookie: mstshash=%s\r\n", cookie);
	gen_put(g, "\x01\0\x08\0\x0b\0\0\0", 8);
}
UNUSED static void rdp_confirm(struct gen *g)
{
	gen_put(g, "\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0", 19);
}

/* MS-TDS 2.2.6.5; TNS connect; PostgreSQL start-up; and a Caché that nobody documents. */
UNUSED static void tds_prelogin(struct gen *g)
{
	gen_be16(g, 0x1201);
	gen_be16(g, 8 + 6 + 5 + 1 + 6 + 1);
	gen_be32(g, 0);
	gen_put(g, "\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x10\0\0\0\0\0\0\x02", 19);
}
UNUSED static void tns_connect(struct gen *g, const char *service)
{
	char text[200];
	int n = snprintf(text, sizeof(text),
			 "(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=%s)(CID=(PROGRAM=ehr.exe)))"
			 "(ADDRESS=(PROTOCOL=TCP)(PORT=1521)))",
			 service);
	gen_be16(g, 58 + (unsigned)n);
	gen_be16(g, 0);
	gen_be32(g, 0x01000000);
	gen_put(g, "\x01\x3a\x01\x2c\0\x41\x20\0\xff\xff\x7f\x08\0\0\x01\0", 16);
	gen_be16(g, (unsigned)n);
	gen_be16(g, 58);
	gen_fill(g, 0, 30);
	gen_put(g, text, (size_t)n);
}
UNUSED static void postgres_startup(struct gen *g)
{
	size_t len = gen_mark(g, 4);
	gen_be32(g, 196608);
	gen_put(g, "user\0orca\0database\0orca\0", 24);
	gen_u8(g, 0);
	gen_len(g, len, 4);
	g->p[len - 1] = (uint8_t)(g->p[len - 1] + 4);
}

UNUSED static void snmp_get(struct gen *g, bool answer, unsigned id, const char *said)
{
	unsigned n = answer ? (unsigned)strlen(said) : 0;
	gen_put(g, (const uint8_t[]){ 0x30, (uint8_t)(38 + n) }, 2);
	gen_put(g, "\x02\x01\x01\x04\x06public", 11);
	gen_put(g,
		(const uint8_t[]){ answer ? 0xa2 : 0xa0, (uint8_t)(25 + n), 2, 2,
				   (uint8_t)(id >> 8 & 0x7f), (uint8_t)id },
		6);
	gen_put(g, "\x02\x01\0\x02\x01\0", 6);
	gen_put(g, (const uint8_t[]){ 0x30, (uint8_t)(13 + n), 0x30, (uint8_t)(11 + n) }, 4);
	gen_put(g, "\x06\x07\x2b\x06\x01\x02\x01\x01\x05", 9);
	gen_put(g, (const uint8_t[]){ answer ? 4 : 5, (uint8_t)n }, 2);
	gen_put(g, answer ? said : "", n);
}

UNUSED static void ntp_message(struct gen *g, struct gen_random *r, bool answer)
{
	gen_be32(g, answer ? 0x240206e9 : 0x230006ec);
	gen_be32(g, answer ? 0x00000120 : 0);
	gen_be32(g, answer ? 0x00000200 : 0);
	gen_be32(g, answer ? 0xc0000201 : 0);
	gen_noise(g, r, 32);
}

UNUSED static void rtp_packet(struct gen *g, struct gen_random *r, unsigned seq, size_t n)
{
	gen_be16(g, 0x8060);
	gen_be16(g, seq);
	gen_be32(g, seq * 3000);
	gen_be32(g, 0x5eed1234);
	gen_noise(g, r, n);
}

UNUSED static void bacnet_who_is(struct gen *g)
{
	gen_put(g, "\x81\x0b\0\x08\x01\0\x10\x08", 8);
}
UNUSED static void bacnet_i_am(struct gen *g, uint32_t instance, unsigned vendor)
{
	gen_put(g, "\x81\x0b\0\x15\x01\0\x10\0\xc4", 9);
	gen_be32(g, 8u << 22 | instance);
	gen_put(g, "\x22\x05\xc4\x91\x03\x22", 6);
	gen_be16(g, vendor);
}
UNUSED static void bacnet_read(struct gen *g, unsigned invoke, uint32_t instance,
			       unsigned property, const char *value)
{
	size_t from = g->n;
	gen_be32(g, 0x810a0000);
	gen_be16(g, value ? 0x0100 : 0x0104);
	if (value)
		gen_u8(g, 0x30);
	else
		gen_be16(g, 0x0005);
	gen_u8(g, invoke);
	gen_be16(g, 0x0c0c);
	gen_be32(g, 8u << 22 | instance);
	gen_be16(g, 0x1900 | property);
	if (value) {
		gen_be16(g, 0x3e75);
		gen_u8(g, 1 + (unsigned)strlen(value));
		gen_u8(g, 0);
		gen_text(g, value);
		gen_u8(g, 0x3f);
	}
	g->p[from + 3] = (uint8_t)(g->n - from);
}

#endif
