/* The tables of struct log and struct gap. What is not a column is read out of the line by src/line. */
#include "tomsd/log_row.h"

static const char *const format_names[] = {
	"plain", "kv", "csv", "cef", "rfc5424", "json", NULL
};
static const char *const kind_names[] = { "",      "traffic", "security", "vpn",
					  "admin", "system",  "device",   NULL };
static const char *const outcome_names[] = { "", "success", "failure", NULL };
static const char *const level_names[] = { "",      "emergency", "alert",  "critical",
					   "error", "warning",   "notice", "information",
					   "debug", NULL };
static const char *const transport_names[] = { "", "udp", "tcp", "tls", "file", NULL };
static const char *const trust_names[] = { "unknown", "accepted", "refused", "impostor", NULL };
static const char *const problem_names[] = { "",       "empty",           "no_fields", "cut",
					     "broken", "too_many_fields", NULL };
static const char *const gap_kind_names[] = { "",     "silent",  "socket", "limit",
					      "down", "capture", NULL };

/* Text is in the index by equality; the words of the line are there besides. */
#define WORD (COL_OMIT_ZERO | COL_TOKEN)

static const struct col log_cols[] = {
	COL(log, id, COL_I64, "event.id", "given by the store, rising in order of arrival"),
	COL(log, at_ns, COL_TIME, "toms.log.filed",
	    "files the row: the device's time where plausible, else ours"),
	COL(log, created_ns, COL_TIME, "event.created", "when the line was received"),
	COLF(log, device_ns, COL_TIME, NULL, "the device's own time", COL_OMIT_ZERO),
	COLF(log, duration_ns, COL_I64, "event.duration", "of the session, ns", COL_OMIT_ZERO),
	COLF(log, src_bytes, COL_U64, "source.bytes", "sent by the source", COL_OMIT_ZERO),
	COLF(log, dst_bytes, COL_U64, "destination.bytes", "sent by the destination",
	     COL_OMIT_ZERO),
	COLF(log, src_packets, COL_U64, "source.packets", "sent by the source", COL_OMIT_ZERO),
	COLF(log, dst_packets, COL_U64, "destination.packets", "sent by the destination",
	     COL_OMIT_ZERO),
	COLF(log, session, COL_U64, "fortinet.firewall.sessionid", "FortiGate's session",
	     COL_OMIT_ZERO | COL_BODY),
	COLF(log, src, COL_ADDR, "source.ip", "source", COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, dst, COL_ADDR, "destination.ip", "destination", COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, src_nat, COL_ADDR, "source.nat.ip", "source after translation",
	     COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, dst_nat, COL_ADDR, "destination.nat.ip", "destination after translation",
	     COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, sender, COL_ADDR, "log.source.ip", "who sent the line", COL_OMIT_ZERO),
	COLF(log, source, COL_U32, "toms.log.source", "number of the registered source",
	     COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, policy, COL_U32, NULL, "policy id", COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, src_port, COL_U16, "source.port", "source", COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, dst_port, COL_U16, "destination.port", "destination",
	     COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, src_nat_port, COL_U16, "source.nat.port", "after translation", COL_OMIT_ZERO),
	COLF(log, dst_nat_port, COL_U16, "destination.nat.port", "after translation",
	     COL_OMIT_ZERO),
	COLF(log, pri, COL_U16, NULL, "syslog priority + 1", COL_OMIT_ZERO),
	COLF(log, flags, COL_U16, NULL, "see enum log_flag", COL_OMIT_ZERO),
	COLF(log, src_mac, COL_MAC, "source.mac", "source", COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, dst_mac, COL_MAC, "destination.mac", "destination",
	     COL_OMIT_ZERO | COL_TOKEN),
	COLF(log, l4, COL_U8, "network.iana_number", "IP protocol number",
	     COL_OMIT_ZERO | COL_TOKEN),
	COLE(log, format, "toms.log.format", "how the body is written", 0, format_names),
	COLE(log, kind, "toms.log.kind", "what it is about", COL_OMIT_ZERO | COL_TOKEN,
	     kind_names),
	COLE(log, outcome, "event.outcome", "of what was tried", COL_OMIT_ZERO | COL_TOKEN,
	     outcome_names),
	COLE(log, level, "log.level", "severity", COL_OMIT_ZERO | COL_TOKEN, level_names),
	COLE(log, transport, "toms.log.transport", "how the line came", COL_OMIT_ZERO,
	     transport_names),
	COLE(log, trust, "toms.log.trust", "whether the sender was accepted", COL_TOKEN,
	     trust_names),
	COLE(log, problem, "toms.log.problem", "why the line was not understood whole",
	     COL_OMIT_ZERO | COL_TOKEN, problem_names),
	COLF(log, serial, COL_TEXT, "observer.serial_number", "devid", WORD),
	COLF(log, host, COL_TEXT, "observer.name", "devname, or the header's host", WORD),
	COLF(log, vdom, COL_TEXT, "observer.vdom", "virtual domain", WORD),
	COLF(log, type, COL_TEXT, NULL, "as the device says", WORD),
	COLF(log, subtype, COL_TEXT, NULL, "as the device says", WORD),
	COLF(log, code, COL_TEXT, "event.code", "logid", WORD),
	COLF(log, action, COL_TEXT, "event.action", "what was done", WORD),
	COLF(log, user, COL_TEXT, "user.name", "user of the source, or administrator", WORD),
	COLF(log, service, COL_TEXT, "network.protocol", "service as the device names it",
	     WORD),
	COLF(log, app, COL_TEXT, "network.application", "application", WORD),
	COLF(log, rule, COL_TEXT, "rule.name", "policy", WORD),
	COLF(log, threat, COL_TEXT, NULL, "virus or attack", WORD),
	COLF(log, name, COL_TEXT, "destination.domain", "host asked for", WORD),
	COLF(log, country, COL_TEXT, NULL, "of the other side, as the device says", WORD),
	COLF(log, program, COL_TEXT, "process.name", "tag of the header", WORD),
};

static bool put_text(struct value *v, const char *text)
{
	v->type = *text ? VALUE_TEXT : VALUE_NONE;
	(void)str_copy(v->text, sizeof(v->text), str_of(text)); /* columns are shorter */
	return *text != '\0';
}

/* The device's own time; where it tells none, ours. */
static void out_time(const void *row, struct value *v)
{
	const struct log *g = row;

	v->type = VALUE_TIME;
	v->i = g->device_ns ? g->device_ns : g->created_ns;
}

static void out_dataset(const void *row, struct value *v)
{
	const struct log *g = row;

	if (g->type[0] && put_text(v, "fortigate."))
		(void)str_copy(v->text + 10, sizeof(v->text) - 10, str_of(g->type));
	else
		(void)put_text(v, "syslog");
}

static void out_type(const void *row, struct value *v)
{
	(void)put_text(v, ((const struct log *)row)->type);
}

static void out_subtype(const void *row, struct value *v)
{
	(void)put_text(v, ((const struct log *)row)->subtype);
}

static void out_country(const void *row, struct value *v)
{
	(void)put_text(v, ((const struct log *)row)->country);
}

static void out_threat(const void *row, struct value *v)
{
	(void)put_text(v, ((const struct log *)row)->threat);
}

static void out_policy(const void *row, struct value *v)
{
	const struct log *g = row;

	if (!g->policy)
		return;
	v->type = VALUE_U64;
	v->u = g->policy;
}

static void out_line(const void *row, struct value *v)
{
	v->type = VALUE_REF;
	v->ref = record_tail_of(&log_record, row);
}

static const struct out_col log_outs[] = {
	{ "@timestamp", NULL, out_time, "device_ns created_ns" },
	{ "event.id", "id", NULL, NULL },
	{ "event.created", "created_ns", NULL, NULL },
	{ "event.code", "code", NULL, NULL },
	{ "event.action", "action", NULL, NULL },
	{ "event.outcome", "outcome", NULL, NULL },
	{ "event.dataset", NULL, out_dataset, "type" },
	{ "event.duration", "duration_ns", NULL, NULL },
	{ "event.original", NULL, out_line, "id" },
	{ "log.level", "level", NULL, NULL },
	{ "log.source.ip", "sender", NULL, NULL },
	{ "observer.name", "host", NULL, NULL },
	{ "observer.serial_number", "serial", NULL, NULL },
	{ "observer.vdom", "vdom", NULL, NULL },
	{ "source.ip", "src", NULL, NULL },
	{ "source.port", "src_port", NULL, NULL },
	{ "source.mac", "src_mac", NULL, NULL },
	{ "source.bytes", "src_bytes", NULL, NULL },
	{ "source.packets", "src_packets", NULL, NULL },
	{ "source.nat.ip", "src_nat", NULL, NULL },
	{ "source.nat.port", "src_nat_port", NULL, NULL },
	{ "destination.ip", "dst", NULL, NULL },
	{ "destination.port", "dst_port", NULL, NULL },
	{ "destination.mac", "dst_mac", NULL, NULL },
	{ "destination.bytes", "dst_bytes", NULL, NULL },
	{ "destination.packets", "dst_packets", NULL, NULL },
	{ "destination.domain", "name", NULL, NULL },
	{ "destination.nat.ip", "dst_nat", NULL, NULL },
	{ "destination.nat.port", "dst_nat_port", NULL, NULL },
	{ "network.iana_number", "l4", NULL, NULL },
	{ "network.protocol", "service", NULL, NULL },
	{ "network.application", "app", NULL, NULL },
	{ "user.name", "user", NULL, NULL },
	{ "rule.id", NULL, out_policy, "policy" },
	{ "rule.name", "rule", NULL, NULL },
	{ "process.name", "program", NULL, NULL },
	{ "fortinet.firewall.type", NULL, out_type, "type" },
	{ "fortinet.firewall.subtype", NULL, out_subtype, "subtype" },
	{ "fortinet.firewall.sessionid", "session", NULL, NULL },
	{ "toms.log.kind", "kind", NULL, NULL },
	{ "toms.log.source", "source", NULL, NULL },
	{ "toms.log.trust", "trust", NULL, NULL },
	{ "toms.log.transport", "transport", NULL, NULL },
	{ "toms.log.format", "format", NULL, NULL },
	{ "toms.log.problem", "problem", NULL, NULL },
	{ "toms.log.filed", "at_ns", NULL, NULL },
	{ "toms.log.threat", NULL, out_threat, "threat" },
	{ "toms.log.country", NULL, out_country, "country" },
};

static const struct record_tail log_tail = {
	.n_off = offsetof(struct log, line_n),
	.off = offsetof(struct log, line),
	.max = LOG_LINE_MAX,
	.json = log_json,
	.has_member = log_has_member,
	.member = log_member,
};

const struct record log_record = {
	.name = "log",
	.bytes = sizeof(struct log),
	.cols = log_cols,
	.n_cols = ARRAY_LEN(log_cols),
	.id_col = "id",
	.time_col = "at_ns",
	.out = log_outs,
	.n_out = ARRAY_LEN(log_outs),
	.tail = &log_tail,
};

static const struct col gap_cols[] = {
	COL(gap, id, COL_I64, "event.id", "given by the store"),
	COL(gap, start_ns, COL_TIME, "event.start", "from then on something is missing"),
	COL(gap, end_ns, COL_TIME, "event.end", "up to then"),
	COLF(gap, lost, COL_U64, "toms.gap.lost", "lines known to be lost; absent: unknown",
	     COL_OMIT_ZERO),
	COLF(gap, source, COL_U32, "toms.gap.source", "number of the log source; absent: all",
	     COL_OMIT_ZERO | COL_TOKEN),
	COLE(gap, kind, "toms.gap.kind", "why", COL_OMIT_ZERO | COL_TOKEN, gap_kind_names),
	COLF(gap, ongoing, COL_U8, "toms.gap.ongoing", "1: it had not ended", COL_OMIT_ZERO),
	COLF(gap, name, COL_TEXT, "toms.gap.name", "of the source or listener",
	     WORD | COL_BODY),
};

static const struct out_col gap_outs[] = {
	{ "@timestamp", "end_ns", NULL, NULL },        { "event.id", "id", NULL, NULL },
	{ "event.start", "start_ns", NULL, NULL },     { "event.end", "end_ns", NULL, NULL },
	{ "toms.gap.kind", "kind", NULL, NULL },       { "toms.gap.name", "name", NULL, NULL },
	{ "toms.gap.source", "source", NULL, NULL },   { "toms.gap.lost", "lost", NULL, NULL },
	{ "toms.gap.ongoing", "ongoing", NULL, NULL },
};

const struct record gap_record = RECORD(gap, gap_cols, gap_outs, "id", "end_ns");
