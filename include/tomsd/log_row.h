/* struct log: one line that a device sent, as it came and as it was understood.
 *
 * The line itself lies behind the fixed part, byte for byte, so a row is of any length: record_bytes
 * says how long. Fixed columns are what people search, sort and join by; everything else is read out of
 * the line again when it is shown (log_json, log_member), so no key is ever lost and a newer
 * version understands old lines better. */
#ifndef TOMSD_LOG_ROW_H
#define TOMSD_LOG_ROW_H

#include "tomsd/record.h"

#define LOG_LINE_MAX 65536u /* longer lines are cut here and marked; never dropped */

/* How the body is written. */
enum log_format {
	LOG_FORMAT_PLAIN,
	LOG_FORMAT_KV,
	LOG_FORMAT_CSV,
	LOG_FORMAT_CEF,
	LOG_FORMAT_RFC5424 /* structured data */,
	LOG_FORMAT_JSON
};
/* What it is about, for people: the tabs of the search page. */
enum log_kind {
	LOG_KIND_UNKNOWN,
	LOG_KIND_TRAFFIC,
	LOG_KIND_SECURITY /* utm */,
	LOG_KIND_VPN,
	LOG_KIND_ADMIN /* sign-ins of
	administrators, changes of configuration */
	,
	LOG_KIND_SYSTEM,
	LOG_KIND_DEVICE /* syslog of other devices */
};
enum log_outcome { LOG_OUTCOME_UNKNOWN, LOG_OUTCOME_SUCCESS, LOG_OUTCOME_FAILURE };
/* syslog severity + 1 (RFC 5424 6.2.1); from level= or the severity of the header. */
enum log_severity {
	LOG_LEVEL_UNKNOWN,
	LOG_LEVEL_EMERGENCY,
	LOG_LEVEL_ALERT,
	LOG_LEVEL_CRITICAL,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFORMATION,
	LOG_LEVEL_DEBUG
};
enum log_transport { LOG_VIA_UNKNOWN, LOG_VIA_UDP, LOG_VIA_TCP, LOG_VIA_TLS, LOG_VIA_FILE };
/* Whether the sender is one that people have accepted. */
enum log_trust {
	LOG_TRUST_UNKNOWN /* nobody has said anything about this sender */,
	LOG_TRUST_ACCEPTED,
	LOG_TRUST_REFUSED,
	LOG_TRUST_IMPOSTOR /* serial number of an accepted device, from an address that is not its */
};
/* Why a line could not be understood whole; it is kept all the same. */
enum log_problem {
	LOG_PROBLEM_NONE,
	LOG_PROBLEM_EMPTY,
	LOG_PROBLEM_NO_FIELDS /* looked like a FortiGate's, no key in it */,
	LOG_PROBLEM_CUT /* ends inside a quoted value */,
	LOG_PROBLEM_BROKEN /* stray bytes between fields */,
	LOG_PROBLEM_TOO_MANY_FIELDS
};
enum log_flag {
	LOG_TRUNCATED = 1, /* was longer than LOG_LINE_MAX */
	LOG_NOT_UTF8 =
		2, /* shown with signs in place of bytes; toms.log.original_base64 has them all */
	LOG_NO_TIME = 4, /* the line tells no time of its own */
	LOG_NO_ZONE =
		8, /* tells a local time without a zone; the device's setting or ours was taken */
	LOG_TIME_DOUBTFUL = 16, /* its clock is so far off that the row is filed by our time */
	LOG_TEST = 32,          /* from the test sender */
	LOG_PARTIAL = 64,       /* the sender went away in the middle of it */
};

struct log {
	int64_t id; /* given by the store */
	int64_t at_ns; /* files the row: the device's time where that is plausible, else created_ns */
	int64_t created_ns; /* when we received it */
	int64_t device_ns; /* the device's own time; 0: none told. @timestamp, where there is one */
	int64_t duration_ns;
	uint64_t src_bytes, dst_bytes; /* sent by src / by dst since the last line of this session */
	uint64_t src_packets, dst_packets;
	uint64_t session;                                        /* FortiGate's session id */
	struct addr src, dst, src_nat, dst_nat;
	struct addr sender; /* who sent the line to us */
	uint32_t source;    /* row of log_source; 0: none */
	uint32_t policy;
	uint16_t src_port, dst_port, src_nat_port, dst_nat_port;
	uint16_t pri;   /* syslog priority + 1; 0: the line had none */
	uint16_t flags; /* enum log_flag */
	uint8_t src_mac[6], dst_mac[6];
	uint8_t l4; /* IP protocol number; 0: none told */
	uint8_t format, kind, outcome, level, transport, trust, problem;
	char serial[24]; /* devid: observer.serial_number */
	char host[64];   /* devname or the header's host: observer.name */
	char vdom[32];
	char type[16], subtype[24]; /* as the device says: "utm", "webfilter" */
	char code[16];              /* logid, its zeros kept */
	char action[32];
	char user[96];    /* of the source, or the administrator */
	char service[32]; /* FortiGate's service name in lower case: "https", "tcp/8080" */
	char app[48];     /* in lower case, as flows have it */
	char rule[64];   /* name of the policy */
	char threat[96]; /* virus, attack or message of what was found; "" mostly */
	char name[128];  /* host asked for: hostname, qname, host of the URL */
	char country[48]; /* of the other side (dstcountry, for inbound srccountry), as the device says */
	char program[32]; /* other devices: tag or app-name of the header */
	uint32_t line_n;
	char line[]; /* line_n bytes; not NUL-terminated, may hold any byte */
};
extern const struct record log_record;

/* Hooks of log_record, made by src/line. Any thread. */
void log_json(const void *row,
	      struct json *j); /* all of the row and the line as one ECS object */
/* Whether a member of this dotted ECS name can exist beside the columns: "fortinet.firewall.*" and what
 * the key table maps. */
bool log_has_member(struct str ecs);
/* Its text in this row, good as long as the row or buf; false: this row has none. */
bool log_member(const void *row, struct str ecs, char *buf, size_t cap, struct str *out);

/* struct gap: a time of which something is missing, so that every count over it can say so. */
enum gap_kind {
	GAP_UNKNOWN,
	GAP_SILENT /* an accepted source sent nothing for longer than its habit */,
	GAP_SOCKET /* the kernel dropped datagrams: buffer full */,
	GAP_LIMIT /* over a limit of ours */,
	GAP_DOWN /* the daemon did not run */,
	GAP_CAPTURE
};
struct gap {
	int64_t id;
	int64_t start_ns,
		end_ns; /* [start, end); end files the row. A gap that goes on has a row every hour */
	uint64_t lost;   /* lines known to be lost; 0: unknown how many */
	uint32_t source; /* row of log_source; 0: all */
	uint8_t kind;
	uint8_t ongoing; /* 1: it had not ended */
	char name[64];   /* of the source or the listener, for people */
};
extern const struct record gap_record;

#endif
