/* nDPI: the only file that knows the library. A module a flow thread, states in a pool of its own,
 * few packets a flow, texts copied out clean. Thread: flow/N (dpi_new: main).
 *
 * The library reads hostile bytes: it gets whole packets only, never one more after its answer, and
 * the state of a finished flow is gone. Its stdout messages are the app's business (stdout is not used
 * for data while flows run). Source: ndpi_api.h and ndpi_typedefs.h of 4.2, docs/dpi.md. */
#include "dpi.h"

#include <ndpi/ndpi_api.h>
#include <ndpi/ndpi_main.h>
#include <stdlib.h>

#include "detail.h"
#include "dpi_versions.h"
#include "tomsd/base/num.h"
#include "tomsd/flow.h"

#define POOL_BITS 6
#define POOL_SLAB (1u << POOL_BITS)
#define NAME_MAX_BYTES 24

/* What the library may have put aside of open flows (unfinished TLS records, say) is at most what it was
 * given of them; this much for each state that there may be. */
#define HELD_BYTES_A_STATE 4096u

/* More than these never told anything new. TCP counts every packet of the conversation, as the library
 * itself does: it stops for good at 32. */
enum { LIMIT_TCP = 32, LIMIT_UDP = 24, LIMIT_OTHER = 8 };

struct dpi_state {
	uint32_t prev, next; /* in the order of opening; next also links free ones */
	uint32_t owner;
	uint32_t fed_bytes;
	uint8_t l4, fed;
	ndpi_protocol answer;
	struct ndpi_flow_struct flow;
};

struct dpi {
	struct ndpi_detection_module_struct *module;
	struct dpi_state **slabs;
	uint32_t max, n_slabs, next_new, free, open, oldest, newest;
	uint64_t calls, fed_bytes; /* fed_bytes: to the states open now */
	unsigned n_names;
	char (*names)[NAME_MAX_BYTES];
	struct ndpi_flow_struct scratch;
};

static struct dpi_state *state_of(const struct dpi *d, uint32_t i)
{
	return &d->slabs[i >> POOL_BITS][i & (POOL_SLAB - 1)];
}

const char *flow_dpi_version(void)
{
	return ndpi_revision();
}

/* ---- module ---- */

static int names_new(struct dpi *d)
{
	d->n_names = DPI_PROTOCOLS(d->module);
	d->names = calloc(d->n_names ? d->n_names : 1, sizeof(*d->names));
	if (!d->names)
		return -ERR_NOMEM;
	for (unsigned i = 1; i < d->n_names; i++) {
		const char *name = ndpi_get_proto_name(d->module, (u_int16_t)i);
		str_copy_clean(d->names[i], sizeof(d->names[i]), str_of(name ? name : ""));
		for (char *c = d->names[i]; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	}
	return 0;
}

/* Everything but what is switched off; words for a name the library does not know. */
static int protocols_choose(struct dpi *d, const char *const *off, size_t n_off, struct err *e)
{
	DPI_SET(set);
	char name[64]; /* the library wants a text it could write to */
	DPI_SET_ALL(set);
	for (size_t i = 0; i < n_off; i++) {
		if (!str_copy(name, sizeof(name), str_of(off[i])) ||
		    DPI_SET_OFF(d->module, set, name) < 0)
			return err_set(e, ERR_INVALID, "nDPI %s has no protocol \"%s\"",
				       ndpi_revision(), off[i]);
	}
	DPI_SET_TAKE(d->module, set);
	return 0;
}

int dpi_new(struct dpi **out, uint32_t max_states, const char *const *off, size_t n_off,
	    struct err *e)
{
	int rc = 0;
	/* A library newer than the headers would write beyond our states. */
	if (ndpi_detection_get_sizeof_ndpi_flow_struct() != sizeof(struct ndpi_flow_struct))
		return err_set(
			e, ERR_UNSUPPORTED,
			"nDPI %s is not the version this was built with (flow of %u bytes, not %zu): "
			"build again with its headers",
			ndpi_revision(), ndpi_detection_get_sizeof_ndpi_flow_struct(),
			sizeof(struct ndpi_flow_struct));
	struct dpi *d = calloc(1, sizeof(*d));
	if (!d)
		return err_set(e, ERR_NOMEM, "no memory for nDPI");
	d->max = max_states;
	d->next_new = 1;
	d->slabs = calloc((max_states >> POOL_BITS) + 1, sizeof(struct dpi_state *));
	d->module = DPI_MODULE();
	if (!d->module || !d->slabs)
		rc = err_set(e, ERR_NOMEM, "nDPI could not make its detection module");
	rc = rc ? rc : protocols_choose(d, off, n_off, e);
	if (!rc && (!DPI_FINALIZE(d->module) || names_new(d) != 0))
		rc = err_set(e, ERR_NOMEM, "nDPI could not finish its detection module");
	if (rc) {
		dpi_free(d);
		return rc;
	}
	*out = d;
	return 0;
}

void dpi_free(struct dpi *d)
{
	if (!d)
		return;
	while (d->oldest)
		dpi_finish(d, d->oldest, NULL);
	for (uint32_t i = 0; i < d->n_slabs; i++)
		free(d->slabs[i]);
	if (d->module)
		ndpi_exit_detection_module(d->module);
	free(d->slabs);
	free(d->names);
	free(d);
}

const char *dpi_name(const struct dpi *d, uint16_t proto)
{
	return proto < d->n_names ? d->names[proto] : "";
}

uint64_t dpi_calls(const struct dpi *d)
{
	return d->calls;
}

uint32_t dpi_states(const struct dpi *d)
{
	return d->open;
}

size_t dpi_memory(const struct dpi *d)
{
	return d->n_slabs * POOL_SLAB * sizeof(struct dpi_state);
}

/* ---- pool of states: a free list, and a list in the order of opening ---- */

static uint32_t state_take(struct dpi *d)
{
	uint32_t i = d->free;
	if (i) {
		d->free = state_of(d, i)->next;
		return i;
	}
	if (d->next_new > d->max)
		return 0;
	i = d->next_new;
	if (i >> POOL_BITS >= d->n_slabs) {
		/* Zeroed by the kernel or by calloc: zero is the library's only valid beginning. */
		struct dpi_state *slab = calloc(POOL_SLAB, sizeof(*slab));
		if (!slab)
			return 0;
		d->slabs[d->n_slabs++] = slab;
	}
	d->next_new++;
	return i;
}

uint32_t dpi_open(struct dpi *d, uint32_t owner, uint8_t l4)
{
	uint32_t i = d->open < d->max ? state_take(d) : 0;
	if (!i)
		return 0;
	struct dpi_state *s = state_of(d, i);
	s->owner = owner;
	s->l4 = l4;
	s->next = 0;
	s->prev = d->newest;
	if (d->newest)
		state_of(d, d->newest)->next = i;
	else
		d->oldest = i;
	d->newest = i;
	d->open++;
	return i;
}

uint32_t dpi_oldest(const struct dpi *d)
{
	return d->oldest ? state_of(d, d->oldest)->owner : 0;
}

bool dpi_is_heavy(const struct dpi *d)
{
	return d->fed_bytes > (uint64_t)d->max * HELD_BYTES_A_STATE;
}

static void state_give(struct dpi *d, uint32_t i)
{
	struct dpi_state *s = state_of(d, i);
	uint32_t prev = s->prev, next = s->next;
	if (next)
		state_of(d, next)->prev = prev;
	else
		d->newest = prev;
	if (prev)
		state_of(d, prev)->next = next;
	else
		d->oldest = next;
	ndpi_free_flow_data(&s->flow);
	d->fed_bytes -= s->fed_bytes;
	memset(s, 0, sizeof(*s));
	s->next = d->free;
	d->free = i;
	d->open--;
}

/* ---- packets ---- */

static uint64_t to_ms(int64_t ts_ns)
{
	return ts_ns > 0 ? (uint64_t)(ts_ns / NS_PER_MS) : 0;
}

static ndpi_protocol process(struct dpi *d, struct ndpi_flow_struct *f, const uint8_t *l3,
			     uint32_t n, int64_t ts_ns)
{
	d->calls++;
	return DPI_PROCESS(d->module, f, l3, (unsigned short)(n < 65535 ? n : 65535),
			   to_ms(ts_ns));
}

bool dpi_packet(struct dpi *d, uint32_t state, const uint8_t *l3, uint32_t n, uint32_t seen,
		int64_t ts_ns)
{
	struct dpi_state *s = state_of(d, state);
	s->answer = process(d, &s->flow, l3, n, ts_ns);
	s->fed_bytes += n;
	d->fed_bytes += n;
	if (s->fed < UINT8_MAX)
		s->fed++;
	if (DPI_FAILED(&s->flow))
		return true;
	if (s->l4 == 6  ? seen >= LIMIT_TCP :
	    s->l4 == 17 ? s->fed > LIMIT_UDP :
			  s->fed > LIMIT_OTHER)
		return true;
	return DPI_APP(s->answer) && !DPI_MORE(d->module, &s->flow, s->answer);
}

void dpi_syn(struct dpi *d, uint32_t state, const struct pkt_key *k, uint32_t seq,
	     int64_t ts_ns)
{
	struct dpi_state *s = state_of(d, state);
	uint8_t syn[60];
	uint32_t n = dpi_packet_make(syn, k, seq);
	s->answer = process(d, &s->flow, syn, n, ts_ns);
}

/* ---- what was learned ---- */

static bool is_one_of(const struct dpi_result *r, const uint16_t *protocols)
{
	for (; *protocols; protocols++)
		if (r->proto == *protocols || r->app == *protocols)
			return true;
	return false;
}

static const uint16_t tls_protocols[] = { NDPI_PROTOCOL_TLS,
					  NDPI_PROTOCOL_QUIC,
					  NDPI_PROTOCOL_DTLS,
					  NDPI_PROTOCOL_MAIL_SMTPS,
					  NDPI_PROTOCOL_MAIL_IMAPS,
					  NDPI_PROTOCOL_MAIL_POPS,
					  0 };
static const uint16_t http_protocols[] = { NDPI_PROTOCOL_HTTP, NDPI_PROTOCOL_HTTP_PROXY,
					   NDPI_PROTOCOL_HTTP_CONNECT, 0 };
static const uint16_t dns_protocols[] = { NDPI_PROTOCOL_DNS, NDPI_PROTOCOL_LLMNR, 0 };
static const uint16_t mdns_protocols[] = { NDPI_PROTOCOL_MDNS, 0 };
static const uint16_t dhcp_protocols[] = { NDPI_PROTOCOL_DHCP, NDPI_PROTOCOL_DHCPV6, 0 };
static const uint16_t netbios_protocols[] = { NDPI_PROTOCOL_NETBIOS, 0 };
static const uint16_t ssh_protocols[] = { NDPI_PROTOCOL_SSH, 0 };
static const uint16_t whois_protocols[] = { NDPI_PROTOCOL_WHOIS_DAS, 0 };
static const uint16_t kerberos_protocols[] = { NDPI_PROTOCOL_KERBEROS, 0 };

static bool is_zero(const uint8_t *p, size_t n)
{
	for (; n; n--)
		if (p[n - 1])
			return false;
	return true;
}

/* The common name of a distinguished name; without one, all of it. */
static void tell_name(struct detail *j, const char *key, const char *dn)
{
	char name[64];
	const char *cn = dn ? strstr(dn, "CN=") : NULL;
	if (!cn) {
		detail_text(j, key, dn, 63);
		return;
	}
	(void)str_copy(name, sizeof(name), str_n(cn + 3, strcspn(cn + 3, ",")));
	detail_text(j, key, name, 63);
}

static void tell_tls(struct ndpi_flow_struct *f, struct dpi_result *r, struct detail *j)
{
	static const struct {
		uint16_t version;
		const char *name;
	} versions[] = {
		{ 0x0002, "ssl2" },    { 0x0300, "ssl3" },    { 0x0301, "1.0" },
		{ 0x0302, "1.1" },     { 0x0303, "1.2" },     { 0x0304, "1.3" },
		{ 0xfeff, "dtls1.0" }, { 0xfefd, "dtls1.2" }, { 0xfefc, "dtls1.3" },
	};
	__typeof__(f->protos.tls_quic) *t = &f->protos.tls_quic;
	str_copy_clean(r->ja3, sizeof(r->ja3),
		       str_n(DPI_JA3_CLIENT(t), strnlen(DPI_JA3_CLIENT(t), 32)));
	for (size_t i = 0; i < ARRAY_LEN(versions); i++)
		if (versions[i].version == t->ssl_version)
			detail_text(j, "tls_version", versions[i].name, 16);
	detail_text(j, "alpn", DPI_ALPN(t), 32);
	if (t->server_cipher)
		detail_number(j, "cipher", t->server_cipher);
	detail_text(j, "ja3s", t->ja3_server, 33);
	detail_text(j, "ja4", DPI_JA4_CLIENT(t), 40);
	if (t->notAfter)
		detail_time(j, "not_after", (int64_t)t->notAfter * NS_PER_S);
	if (!is_zero(t->sha1_certificate_fingerprint, 20))
		detail_hex(j, "cert_sha1", t->sha1_certificate_fingerprint, 20);
	tell_name(j, "subject", t->subjectDN);
	tell_name(j, "issuer", t->issuerDN);
}

/* No URL: paths and queries of clinical systems carry patients' numbers. The host is enough to say who
 * was asked, and the risks say what was wrong with the request. */
static void tell_http(struct ndpi_flow_struct *f, struct detail *j)
{
	if (f->http.method != NDPI_HTTP_METHOD_UNKNOWN)
		detail_text(j, "method", ndpi_http_method2str(f->http.method), 16);
	if (f->http.response_status_code)
		detail_number(j, "status", f->http.response_status_code);
	detail_text(j, "content_type", f->http.content_type, 48);
	detail_text(j, "server", DPI_HTTP_SERVER(f), 48);
	detail_text(j, "os", f->http.detected_os, 32);
}

static void tell_dns(struct ndpi_flow_struct *f, struct detail *j)
{
	const ndpi_ip_addr_t *answer = DPI_DNS_ANSWER(f);
	char text[ADDR_TEXT_MAX];
	struct addr a;
	detail_number(j, "query_type", f->protos.dns.query_type);
	if (f->protos.dns.reply_code)
		detail_number(j, "reply_code", f->protos.dns.reply_code);
	if (f->protos.dns.rsp_type == 1) {
		a = addr_v4(__builtin_bswap32(answer->ipv4));
	} else if (f->protos.dns.rsp_type == 28) {
		memcpy(a.b, &answer->ipv6, sizeof(a.b));
	} else {
		return;
	}
	addr_text(&a, text);
	detail_text(j, "answer", text, sizeof(text));
}

/* In lower case, as Zeek and others write it, so that lists of known ones join. */
static void tell_hassh(struct detail *j, const char *key, const char *md5)
{
	char lower[33];
	size_t n = strnlen(md5, sizeof(lower) - 1);
	for (size_t i = 0; i < n; i++)
		lower[i] = md5[i] >= 'A' && md5[i] <= 'F' ? (char)(md5[i] - 'A' + 'a') : md5[i];
	lower[n] = '\0';
	detail_text(j, key, lower, sizeof(lower));
}

static void tell_ssh(struct ndpi_flow_struct *f, struct detail *j)
{
	detail_text(j, "ssh_client", f->protos.ssh.client_signature, 48);
	detail_text(j, "ssh_server", f->protos.ssh.server_signature, 48);
	tell_hassh(j, "hassh", f->protos.ssh.hassh_client);
	tell_hassh(j, "hassh_server", f->protos.ssh.hassh_server);
}

static void tell_dhcp(struct ndpi_flow_struct *f, struct detail *j)
{
	detail_text(j, "dhcp_options", f->protos.dhcp.fingerprint, 48);
	detail_text(j, "dhcp_class", f->protos.dhcp.class_ident, 48);
}

static void tell_kerberos(struct ndpi_flow_struct *f, struct detail *j)
{
	detail_text(j, "realm", f->protos.kerberos.domain, 48);
	detail_text(j, "machine", f->protos.kerberos.hostname, 48);
}

/* Protocol by protocol: the fields share a union, with pointers in it, so what is asked must be what a
 * dissector has recognised, never a guess. Login names and passwords (FTP, POP, IMAP, SMTP, Telnet,
 * Kerberos) are never asked for. */
static void tell_protocol(struct ndpi_flow_struct *f, uint8_t l4, struct dpi_result *r)
{
	struct detail j;
	detail_begin(&j, r->detail, sizeof(r->detail));
	if (is_one_of(r, dns_protocols))
		tell_dns(f, &j);
	else if (r->proto == NDPI_PROTOCOL_DHCP && l4 == 17)
		tell_dhcp(f, &j);
	else if (is_one_of(r, ssh_protocols))
		tell_ssh(f, &j);
	else if (is_one_of(r, kerberos_protocols))
		tell_kerberos(f, &j);
	else if (is_one_of(r, tls_protocols))
		tell_tls(f, r, &j);
	else if (is_one_of(r, http_protocols))
		tell_http(f, &j);
	detail_end(&j);
}

static enum flow_name_kind name_kind_of(const struct dpi_result *r)
{
	static const struct {
		const uint16_t *protocols;
		enum flow_name_kind kind;
	} kinds[] = {
		{ dns_protocols, FLOW_NAME_DNS },   { mdns_protocols, FLOW_NAME_MDNS },
		{ dhcp_protocols, FLOW_NAME_DHCP }, { netbios_protocols, FLOW_NAME_NETBIOS },
		{ tls_protocols, FLOW_NAME_TLS },   { http_protocols, FLOW_NAME_HTTP },
	};
	if (!r->name[0])
		return FLOW_NAME_NONE;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (is_one_of(r, kinds[i].protocols))
			return kinds[i].kind;
	return FLOW_NAME_OTHER;
}

static void tell(struct ndpi_flow_struct *f, uint8_t l4, struct dpi_result *r)
{
	if (r->confidence >= FLOW_CONF_CACHE)
		tell_protocol(f, l4, r);
	/* A WHOIS question is free text, whatever listens on its port: no name of a host. */
	const char *name = is_one_of(r, whois_protocols) ? "" : f->host_server_name;
	str_copy_clean(r->name, sizeof(r->name),
		       str_n(name, strnlen(name, sizeof(f->host_server_name))));
	r->name_kind = (uint8_t)name_kind_of(r);
	if (f->http.user_agent)
		str_copy_clean(r->user_agent, sizeof(r->user_agent),
			       str_of(f->http.user_agent));
}

static uint8_t confidence_of(ndpi_confidence_t c)
{
	if (c == NDPI_CONFIDENCE_UNKNOWN || c == NDPI_CONFIDENCE_MATCH_BY_PORT)
		return FLOW_CONF_PORT; /* a name without a reason: giving up guesses by port */
	if (c == NDPI_CONFIDENCE_MATCH_BY_IP)
		return FLOW_CONF_IP;
	if (c == NDPI_CONFIDENCE_DPI_CACHE)
		return FLOW_CONF_CACHE;
	return FLOW_CONF_DPI; /* later versions have kinds of it */
}

/* What a URL tries (scripts, SQL, commands) the library says only when asked; the URL itself goes. */
static void judge_url(struct ndpi_flow_struct *f)
{
	ndpi_risk_enum risk = f->http.url ? ndpi_validate_url(f->http.url) : NDPI_NO_RISK;
	if (risk != NDPI_NO_RISK)
		f->risk |= UINT64_C(1) << risk;
}

/* "master.app", or one of them alone. */
static void take_answer(const ndpi_protocol *p, struct ndpi_flow_struct *f,
			struct dpi_result *r)
{
	uint16_t client, server;
	r->proto = DPI_MASTER(*p) ? DPI_MASTER(*p) : DPI_APP(*p);
	r->app = DPI_APP(*p) != r->proto ? DPI_APP(*p) : 0;
	r->confidence = r->proto ? confidence_of(f->confidence) : FLOW_CONF_UNKNOWN;
	r->risks = f->risk;
	r->risk_score = f->risk ? ndpi_risk2score(f->risk, &client, &server) : 0;
}

void dpi_finish(struct dpi *d, uint32_t state, struct dpi_result *out)
{
	struct dpi_state *s = state_of(d, state);
	if (out) {
		u_int8_t guessed = 0;
		*out = (struct dpi_result){ .proto = 0 };
		if (!DPI_APP(s->answer))
			s->answer = DPI_GIVEUP(d->module, &s->flow, &guessed);
		judge_url(&s->flow);
		take_answer(&s->answer, &s->flow, out);
		tell(&s->flow, s->l4, out);
	}
	state_give(d, state);
}

/* Whatever the library claims to know of a flow without payload, it knows from ports or addresses. */
void dpi_guess(struct dpi *d, const struct pkt_key *k, struct dpi_result *out)
{
	struct ndpi_flow_struct *f = &d->scratch;
	u_int8_t guessed = 0, packet[60];
	memset(f, 0, sizeof(*f));
	ndpi_protocol p = process(d, f, packet, dpi_packet_make(packet, k, 1), 0);
	if (!DPI_APP(p))
		p = DPI_GIVEUP(d->module, f, &guessed);
	*out = (struct dpi_result){ .proto = 0 };
	take_answer(&p, f, out);
	if (out->confidence == FLOW_CONF_DPI || out->confidence == FLOW_CONF_CACHE)
		out->confidence = FLOW_CONF_PORT;
	out->risks = out->risk_score = 0;
	ndpi_free_flow_data(f);
}
