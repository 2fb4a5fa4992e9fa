/* Lines understood: bytes of one log message -> struct log. Pure functions, no state, any thread; nothing
 * is allocated. Header: RFC 3164, RFC 5424, FortiOS's bare "<189>date=...", and what relays put in front.
 * Body: FortiOS's default (key=value), CSV, CEF, RFC 5424 structured data, JSON. One table (src/line/keys.c)
 * says which key becomes which ECS field and column. */
#ifndef TOMSD_LINE_H
#define TOMSD_LINE_H

#include "tomsd/log_row.h"

/* The time a line tells. */
enum line_clock { LINE_CLOCK_NONE, LINE_CLOCK_UTC /* exact */, LINE_CLOCK_LOCAL /* no zone told */ };
struct line_time {
	int64_t ns; /* LOCAL: as if it were UTC */
	enum line_clock clock;
	uint8_t unit; /* eventtime was told in: 0 not at all, 1 s, 2 ms, 3 us, 4 ns */
	bool no_year; /* RFC 3164 header: the year is the one nearest to the reception */
};

/* Never fails: what cannot be understood is plain and says why in out->problem. Clears the row and sets every
 * column that the line tells; sender, source, trust, transport, line_n and line stay as they are, so line may
 * lie in out itself. flags: LOG_NOT_UTF8 or none; times come by line_set_time. line is at most LOG_LINE_MAX. */
void line_parse(struct str line, struct log *out, struct line_time *when);

/* created_ns, device_ns, at_ns and the flags of time. zone_s: seconds east of UTC for a line without a
 * zone. A device's time is plausible when it is at most back_ns before and 10 minutes after received_ns;
 * the row is filed by received_ns otherwise. */
void line_set_time(struct log *out, const struct line_time *when, int32_t zone_s, int64_t received_ns,
		   int64_t back_ns);

/* All fields of a line in its order, as the panel's drawer and tests read them. Values are the exact text
 * between the quotes; line_value takes the escapes off (backslash before " \ = |, doubled quotes of CSV). */
enum line_quoting {
	LINE_QUOTING_NONE,
	LINE_QUOTING_BACKSLASH, /* of FortiOS's default */
	LINE_QUOTING_DOUBLED,   /* CSV: as above, and "" */
	LINE_QUOTING_CEF,
	LINE_QUOTING_SD, /* RFC 5424 */
	LINE_QUOTING_JSON
};
struct line_field {
	struct str key, value;
	uint8_t quoting; /* how value writes what it cannot hold as it is */
	bool is_header; /* of the syslog or CEF header: "pri" "version" "timestamp" "host" "app" ... */
};
#define LINE_FIELDS_MAX 512
size_t line_fields(struct str line, struct line_field out[LINE_FIELDS_MAX]);
struct str line_value(const struct line_field *f, char *buf, size_t cap); /* cut where buf is too short */
/* Its ECS name, as log_json has it; NULL: none, it is found under fortinet.firewall.<key>. */
const char *line_field_ecs(const struct line_field *f, enum log_format format);

/* The table of keys, for documents and tests: the i-th key and what it becomes (NULL: see docs/fortigate.md);
 * NULL behind the last. */
const char *line_key(size_t i, const char **ecs);

#endif
