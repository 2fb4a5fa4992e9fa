/* What the header of a line and the row itself know, as members. Any thread. */
#include <stdio.h>

#include "members.h"

void members_head(struct members *ms)
{
	static const char *const facilities[] = {
		"kernel", "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
		"uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
		"local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"
	};
	static const char *const severities[] = {
		"emergency", "alert",  "critical",    "error",
		"warning",   "notice", "information", "debug"
	};
	const struct header *h = &ms->split.h;
	struct member *m;
	uint64_t pid;

	if (h->pri) {
		unsigned pri = h->pri - 1u;

		(void)members_u64(ms, "log.syslog.priority", pri);
		(void)members_u64(ms, "log.syslog.facility.code", pri / 8);
		members_cstr(ms, "log.syslog.facility.name", facilities[pri / 8]);
		(void)members_u64(ms, "log.syslog.severity.code", pri % 8);
		members_cstr(ms, "log.syslog.severity.name", severities[pri % 8]);
		members_cstr(ms, "log.level", severities[pri % 8]);
	}
	(void)members_str(ms, "log.syslog.hostname", h->host);
	(void)members_str(ms, "log.syslog.appname", h->app);
	(void)members_str(ms, "log.syslog.procid", h->procid);
	(void)members_str(ms, "log.syslog.msgid", h->msgid);
	(void)members_str(ms, "log.syslog.version", h->is_5424 ? h->version : STR(""));
	m = h->sd.n ? members_put(ms, "log.syslog.structured_data", MEMBER_SD) : NULL;
	if (m)
		m->s = h->sd;
	(void)members_str(ms, "observer.name", h->host);
	(void)members_str(ms, "process.name", h->app);
	if (value_u64(h->procid, &pid))
		(void)members_u64(ms, "process.pid", pid);
}

static void put_flags(struct members *ms)
{
	static const struct {
		unsigned flag;
		const char *word;
	} flags[] = {
		{ LOG_TRUNCATED, "truncated" },
		{ LOG_NOT_UTF8, "not_utf8" },
		{ LOG_NO_TIME, "no_time" },
		{ LOG_NO_ZONE, "no_zone" },
		{ LOG_TIME_DOUBTFUL, "time_doubtful" },
		{ LOG_TEST, "test" },
		{ LOG_PARTIAL, "partial" },
	};
	struct member *m = ms->row->flags ? members_put(ms, "toms.log.flags", MEMBER_WORDS) :
					    NULL;
	int n = 0;

	for (size_t i = 0; m && i < ARRAY_LEN(flags); i++) {
		if (ms->row->flags & flags[i].flag)
			m->words[n++] = flags[i].word;
	}
}

/* Names of a column's values, from the record's own table. */
static void put_enum(struct members *ms, const char *ecs, const char *col)
{
	const struct col *c = record_col(&log_record, col);

	(void)members_str(ms, ecs, col_text(c, ms->row));
}

void members_row(struct members *ms)
{
	const struct log *row = ms->row;
	struct member *m;

	members_time(ms, "@timestamp", row->device_ns ? row->device_ns : row->created_ns);
	members_time(ms, "event.created", row->created_ns);
	members_time(ms, "toms.log.filed", row->at_ns);
	/* opaque outside: text, since readers of JSON round numbers over 2^53 */
	(void)snprintf(ms->id_text, sizeof(ms->id_text), "%lld", (long long)row->id);
	members_cstr(ms, "event.id", ms->id_text);
	if (row->level)
		(void)members_u64(ms, "event.severity", row->level - 1u);
	m = addr_is_zero(&row->sender) ? NULL : members_put(ms, "log.source.ip", MEMBER_IP);
	if (m)
		m->ip = row->sender;
	(void)members_str(ms, "event.original", ms->line);
	if (!str_utf8_valid(ms->line)) {
		m = members_put(ms, "toms.log.original_base64", MEMBER_BASE64);
		if (m)
			m->s = ms->line;
	}
	(void)snprintf(ms->dataset, sizeof(ms->dataset), "fortigate.%s", row->type);
	members_cstr(ms, "event.dataset", row->type[0] ? ms->dataset : "syslog");
	put_enum(ms, "toms.log.kind", "kind");
	put_enum(ms, "toms.log.trust", "trust");
	put_enum(ms, "toms.log.transport", "transport");
	put_enum(ms, "toms.log.format", "format");
	put_enum(ms, "toms.log.problem", "problem");
	if (row->source)
		(void)members_u64(ms, "toms.log.source", row->source);
	(void)members_str(ms, "toms.log.threat", str_of(row->threat));
	(void)members_str(ms, "toms.log.country", str_of(row->country));
	put_flags(ms);
}
