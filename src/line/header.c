/* What stands in front of a message: RFC 5424, RFC 3164 with the dialects that devices and relays speak, or
 * FortiOS's priority alone. A relay may have put a second header in front: the inner one, nearest to
 * the device, is taken. Sources: RFC 3164 4.1, RFC 5424 6, lines seen from FortiOS 3.0 to 7.6. Any thread. */
#include "inside.h"

/* "<189>": 0..191 without leading zeros (RFC 5424 6.2.1); anything else is text. */
static bool take_pri(const char **p, const char *end, struct header *h)
{
	const char *at = *p + 1;
	unsigned v = 0;

	if (*p >= end || **p != '<')
		return false;
	while (at < end && *at >= '0' && *at <= '9' && at - *p <= 3)
		v = v * 10 + (unsigned)(*at++ - '0');
	if (at >= end || *at != '>' || at == *p + 1 || v > 191 ||
	    ((*p)[1] == '0' && at > *p + 2))
		return false;
	h->pri = (uint16_t)(v + 1);
	h->pri_text = str_n(*p + 1, (size_t)(at - *p - 1));
	*p = at + 1;
	return true;
}

static void skip_blanks(const char **p, const char *end)
{
	while (*p < end &&
	       (**p == ' ' || **p == '\t' || **p == '\r' || **p == '\n' || **p == '\0'))
		(*p)++;
}

static struct str word_at(const char *p, const char *end)
{
	const char *at = p;

	while (at < end && (unsigned char)*at > ' ')
		at++;
	return str_n(p, (size_t)(at - p));
}

static bool is_nil(struct str s)
{
	return s.n == 1 && s.p[0] == '-';
}

/* One word and the blank behind it; "-" is none. */
static bool take_word(const char **p, const char *end, struct str *word)
{
	*word = word_at(*p, end);
	if (!word->n)
		return false;
	*p += word->n;
	if (*p < end && **p == ' ')
		(*p)++;
	if (is_nil(*word))
		*word = STR("");
	return true;
}

/* "[id name="value" ...][id ...]": behind its last bracket, or NULL where it is not well-formed. */
static const char *sd_end(const char *p, const char *end)
{
	bool quoted = false;

	while (p < end && *p == '[') {
		if (++p >= end || *p == ' ' || *p == ']' || *p == '"')
			return NULL;
		for (; p < end && (quoted || *p != ']'); p++) {
			if (*p == '\\' && quoted && p + 1 < end)
				p++;
			else if (*p == '"')
				quoted = !quoted;
		}
		if (p++ >= end)
			return NULL;
	}
	return p;
}

/* Structured data, or the nil sign, then one blank and perhaps a byte order mark. */
static void take_sd(const char **p, const char *end, struct header *h)
{
	const char *at = *p;

	if (at < end && *at == '-' && (at + 1 == end || at[1] == ' ')) {
		at++;
	} else if (at < end && *at == '[') {
		const char *behind = sd_end(at, end);

		if (!behind || (behind < end && *behind != ' '))
			return; /* text that begins with a bracket */
		h->sd = str_n(at, (size_t)(behind - at));
		at = behind;
	} else {
		return;
	}
	if (at < end && *at == ' ')
		at++;
	*p = at;
}

/* "1 2026-11-22T14:05:06.123Z host app procid msgid sd message". Without a priority a stamp must follow. */
static bool take_5424(const char **p, const char *end, struct header *h, bool pri)
{
	const char *at = *p;
	struct line_time when = { 0 };
	struct header got = *h;

	while (at < end && *at >= '0' && *at <= '9' && at - *p < 4)
		at++;
	got.version = str_n(*p, (size_t)(at - *p));
	if (!got.version.n || got.version.n > 3 || *got.version.p == '0' || at >= end ||
	    *at++ != ' ')
		return false;
	got.timestamp = word_at(at, end);
	if (!is_nil(got.timestamp)) {
		const char *stamp = at;

		if (!time_iso(&stamp, end, &when) || stamp != at + got.timestamp.n)
			return false;
	} else if (!pri) {
		return false;
	}
	at += got.timestamp.n;
	if (is_nil(got.timestamp))
		got.timestamp = STR("");
	skip_blanks(&at, end);
	/* a message may end in the middle of its header: what is there is taken */
	if (take_word(&at, end, &got.host) && take_word(&at, end, &got.app) &&
	    take_word(&at, end, &got.procid) && take_word(&at, end, &got.msgid))
		take_sd(&at, end, &got);
	*h = got;
	h->is_5424 = true;
	h->when = when;
	*p = at;
	return true;
}

static bool is_host_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_' || c == ':' || c == '/' || c == '>' ||
	       c == '%' || c == '@' || c == '+';
}

/* A word that can be the name or the address of a device; "su:" and "sshd[12]:" are tags, "a=b" a field,
 * "CEF:0|..." a body. */
static bool is_host(struct str word)
{
	struct addr a;
	bool colon = word.n && word.p[word.n - 1] == ':';

	if (!word.n || word.n > 255)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		if (!is_host_char(word.p[i]))
			return false;
	}
	return !colon || !addr_parse(word, &a);
}

/* A field that FortiOS or FortiAnalyzer begins a line with. */
static bool begins_fields(const char *p, const char *end)
{
	static const struct str first[] = { STR("date="),    STR("time="),
					    STR("logver="),  STR("timestamp="),
					    STR("devname="), STR("eventtime="),
					    STR("itime="),   STR("devid="),
					    STR("CEF:"),     STR("logid=") };

	for (size_t i = 0; p < end && i < ARRAY_LEN(first); i++) {
		if (*p == *first[i].p && str_starts(str_n(p, (size_t)(end - p)), first[i]))
			return true;
	}
	return false;
}

/* The host behind a stamp, or (no stamp) a host that fields follow at once. */
static void take_host(const char **p, const char *end, struct header *h, bool stamped)
{
	struct str word = word_at(*p, end);
	const char *behind = *p + word.n;

	if (!is_host(word))
		return;
	skip_blanks(&behind, end);
	if (!stamped && !begins_fields(behind, end))
		return;
	h->host = word;
	*p = behind;
}

static bool take_3164(const char **p, const char *end, struct header *h)
{
	const char *at = *p;
	struct line_time when;
	bool stamped = time_bsd(&at, end, &when) || time_iso(&at, end, &when);

	if (stamped && at < end && *at != ' ' && *at != ':' && *at != '\t')
		return false; /* "2026-11-22 10:00:00.123foo": text */
	if (stamped) {
		h->timestamp = str_n(*p, (size_t)(at - *p));
		h->when = when;
		if (at < end && *at == ':')
			at++;
		skip_blanks(&at, end);
	}
	take_host(&at, end, h, stamped);
	if (at == *p)
		return false;
	*p = at;
	return true;
}

void header_read(struct str line, struct header *h)
{
	const char *p = line.p, *end = line.p + line.n;

	*h = (struct header){ 0 };
	while (end > p && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == '\0'))
		end--;
	for (int i = 0; i < 3;
	     i++) { /* the device's own, and at most two relays' in front of it */
		struct header inner = *h;
		const char *at;
		bool pri;

		skip_blanks(&p, end);
		pri = take_pri(&p, end, &inner);
		if (pri)
			skip_blanks(&p, end);
		at = p;
		if (begins_fields(p, end)) {
			*h = inner;
			break;
		}
		if (!take_5424(&at, end, &inner, pri) && !take_3164(&at, end, &inner) && !pri)
			break;
		/* a stamp at the head of a text is part of the text */
		if (i > 0 && !pri && !begins_fields(at, end))
			break;
		p = at;
		*h = inner;
	}
	skip_blanks(&p, end);
	if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	h->rest = str_n(p, (size_t)(end - p));
}

static bool is_tag_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_' || c == '/' || c == '%' || c == '(' || c == ')';
}

void header_read_tag(struct header *h)
{
	const char *p = h->rest.p, *end = p + h->rest.n, *pid = NULL;
	struct str app, procid = STR("");

	if (h->is_5424 || h->app.n)
		return;
	while (p < end && is_tag_char(*p) && p - h->rest.p < 48)
		p++;
	app = str_n(h->rest.p, (size_t)(p - h->rest.p));
	if (app.n && p < end && *p == '[') {
		pid = ++p;
		while (p < end && *p != ']' && *p > ' ' && p - pid < 32)
			p++;
		if (p >= end || *p != ']')
			return;
		procid = str_n(pid, (size_t)(p++ - pid));
	}
	if (!app.n || p >= end || *p != ':' || (p + 1 < end && p[1] != ' ' && !pid))
		return; /* "10:20:30 text" has no tag */
	p++;
	skip_blanks(&p, end);
	h->app = app;
	h->procid = procid;
	h->rest = str_n(p, (size_t)(end - p));
}
