/* What the files of this room share: the header of a message, the reader of its body, the table of keys.
 * Everything here points into the line; nothing is copied, nothing allocated. Any thread. */
#ifndef TOMSD_LINE_INSIDE_H
#define TOMSD_LINE_INSIDE_H

#include "tomsd/line.h"

/* ---- header.c: what stands in front of the message */
struct header {
	uint16_t pri; /* priority + 1; 0: none */
	struct str pri_text, version, timestamp, host, app, procid, msgid;
	struct str sd;   /* structured data of RFC 5424, with its brackets; "" when nil */
	struct str rest; /* the message */
	bool is_5424;
	struct line_time when; /* of timestamp; unit stays 0 */
};
void header_read(struct str line, struct header *h);
/* "su[230]:" of RFC 3164 4.1.3 in front of the message: app and procid are set, rest moves on. */
void header_read_tag(struct header *h);

/* ---- body.c: one field after another, whatever the format */
enum {
	CEF_VERSION,
	CEF_VENDOR,
	CEF_PRODUCT,
	CEF_DEVICE_VERSION,
	CEF_ID,
	CEF_NAME,
	CEF_SEVERITY,
	CEF_FIELDS
};
struct reader {
	const char *p, *end; /* what is left of the body */
	const char *begin;
	enum log_format format;
	enum log_problem problem;
	struct str cef[CEF_FIELDS]; /* header of CEF */
	struct str label;           /* CEF: what cn1Label says of cn1 */
	struct str sd_id;           /* element of structured data that p stands in */
};
extern const uint8_t key_classes[256]; /* 1: begins a key, 2: goes on */
static inline bool is_key_start(char c)
{
	return key_classes[(uint8_t)c] & 1;
}
static inline bool is_key_char(char c)
{
	return key_classes[(uint8_t)c] & 2;
}
void body_open(struct reader *r, struct str body, struct str sd);
bool body_next(struct reader *r, struct line_field *f);
/* A value of the body, or a part of one, as it was written there. */
struct line_field body_value(const struct reader *r, struct str value);
bool kv_looks(struct str body, bool *csv);
bool kv_next(struct reader *r, struct line_field *f);
bool csv_next(struct reader *r, struct line_field *f);
bool cef_open(struct reader *r, struct str body);
bool cef_next(struct reader *r, struct line_field *f);
bool sd_next(struct reader *r, struct line_field *f);
bool flat_json_looks(struct str body);
bool flat_json_next(struct reader *r, struct line_field *f);

/* ---- keys.c: which key is what */
enum key_type {
	KEY_PLAIN, /* no ECS home: fortinet.firewall.<key> */
	KEY_TEXT,
	KEY_LOWER,   /* ECS wants lower case */
	KEY_DOMAIN,  /* a name; an address in its place is none */
	KEY_COUNTRY, /* "Reserved" is none */
	KEY_IP,
	KEY_IP_LIST, /* "1.2.3.4, 1.2.3.5" */
	KEY_IPS,     /* one or several */
	KEY_PORT,
	KEY_U32,
	KEY_U64,
	KEY_ID,      /* number that is text in ECS: rule.id */
	KEY_SECONDS, /* duration, to ns */
	KEY_MAC,
	KEY_PROTO, /* number or name of the protocol above IP */
	KEY_MAIL,  /* address of electronic mail; "sip:..." is not one */
	KEY_HASH,  /* SHA-256 in hexadecimal */
	KEY_TLS,   /* "tls1.2" */
	KEY_DIRECTION,
	KEY_STATUS,    /* of HTTP, 100..599 */
	KEY_FOR_DERIVE /* meaning.c makes something of it; ecs says what, for people */
};
enum key_flag {
	KEY_KEPT = 1, /* under fortinet.firewall too: people search by it */
};
/* Keys that meaning.c and time.c ask for. */
enum key_mark {
	MARK_NONE,
	MARK_TYPE,
	MARK_SUBTYPE,
	MARK_LOGID,
	MARK_ACTION,
	MARK_STATUS,
	MARK_LEVEL,
	MARK_DEVID,
	MARK_EVENTTIME,
	MARK_DATE,
	MARK_TIME,
	MARK_TZ,
	MARK_SERVICE,
	MARK_SENTBYTE,
	MARK_RCVDBYTE,
	MARK_SENTDELTA,
	MARK_RCVDDELTA,
	MARK_SENTPKTDELTA,
	MARK_RCVDPKTDELTA,
	MARK_SENTPKT,
	MARK_RCVDPKT,
	MARK_DURATION,
	MARK_USER,
	MARK_EAPUSER,
	MARK_HOSTNAME,
	MARK_QNAME,
	MARK_URL,
	MARK_SRCCOUNTRY,
	MARK_DSTCOUNTRY,
	MARK_EVENTTYPE,
	MARK_CFGPATH,
	MARK_MSG,
	MARK_LOGDESC,
	MARK_SRCROLE,
	MARK_DSTROLE,
	MARK_DIRECTION,
	MARK_CAT,
	MARK_VIRUS,
	MARK_ATTACK,
	MARK_APP,
	MARK_TUNNELTYPE,
	MARK_DEVNAME,
	MARK_METHOD,
	MARK_REASON,
	MARK_SRCNAME,
	MARK_DSTNAME,
	MARK_SCHEME,
	MARK_SRCIP,
	MARK_DSTIP,
	MARK_PROTO,
	MARK_RESULT,
	MARK_DHCP,
	MARK_UI,
	MARK_CLAIMED,
	MARK_FOREIGN,
	MARK_COUNT
};
struct key {
	const char *name;   /* as FortiOS says */
	const char *ecs;    /* NULL: fortinet.firewall.<name> alone */
	uint16_t col, size; /* of struct log; size 0: no column */
	uint8_t type, mark, flags;
};
extern const struct key keys[];
extern const size_t n_keys;
#define KEYS_MAX 768
const struct key *key_find(struct str name);
/* Of a body's own spelling: prefixes of CEF are taken off, its names become FortiOS's. */
const struct key *key_of(const struct reader *r, const struct line_field *f, struct str *bare);

/* What a value says nothing with: "", "N/A", "(null)". */
bool value_is_none(struct str v);
/* A number or an address in the way the table says; false: it stays text. */
bool value_u64(struct str v, uint64_t *out);
bool value_ip(struct str v, struct addr *out);
bool value_proto(struct str v, uint8_t *out);
const char *proto_name(uint8_t proto); /* network.transport; NULL: no name */

/* ---- meaning.c: what the fields say together */
struct facts {
	struct str v[MARK_COUNT]; /* values of the keys that carry a mark, the first of each */
	struct str cef_vendor;
	bool prefixed; /* keys carry Fortinet's prefix of CEF */
};
bool facts_are_fortinet(const struct facts *f);
void facts_split_cat(
	struct facts *f); /* "utm:dlp" into type and subtype where those are not told */
#define MEANING_LIST 4
struct meaning {
	enum log_kind kind;
	enum log_outcome outcome;
	bool alert;
	const char *category[MEANING_LIST], *type[MEANING_LIST]; /* NULL behind the last */
};
void meaning_of(const struct facts *f, struct meaning *m);
enum log_severity level_of(struct str name);
bool facts_ui_ip(const struct facts *f,
		 struct addr *out); /* ui="https(192.0.2.3)": where an administrator sat */
/* hostname= is the host that was asked for in traffic and utm, the client in a lease, else anything. */
bool facts_asked_for(const struct facts *f, uint8_t mark);
struct str facts_user(const struct facts *f);
/* Bytes and packets: what went since the last line of this session where the line tells that, else in all. */
bool facts_amount(const struct facts *f, enum key_mark delta, enum key_mark total,
		  uint64_t *out);
struct url {
	struct str scheme, domain, port, path, query;
	bool is_full; /* the line's own text is one already */
};
bool facts_url(const struct facts *f, struct url *u);

/* ---- line.c: a whole line taken apart, for those who want more than columns */
struct split {
	struct header h;
	struct reader r;
};
void line_split(struct str line, struct split *s); /* header read, body open */
bool key_is_new(uint64_t seen[KEYS_MAX / 64], const struct key *k);

/* ---- time.c */
void time_of_facts(const struct facts *f, const struct header *h, struct line_time *t);
bool time_epoch(struct str digits, int64_t *ns, uint8_t *unit);
bool time_zone(struct str tz, int32_t *seconds);
bool time_civil(struct str date, struct str time,
		int64_t *ns); /* "2026-11-22" "14:05:06.123" */
bool time_bsd(const char **p, const char *end,
	      struct line_time *t); /* "Mar 22 19:21:00", and its relatives */
bool time_iso(const char **p, const char *end, struct line_time *t);

#endif
