/* Log lines for journald (sd-daemon(3) prefixes). Any thread: one write(2) a line, no lock. */
#include "tomsd/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "utf8.h"

#define LINE_MAX_BYTES 2048 /* a line; below PIPE_BUF, so lines of threads do not mix */
#define LINES_A_SECOND 10   /* of one call site */
#define QUOTE_BYTES 256
#define QUOTES 8

static _Atomic int highest_level = LOG_LV_INFO;
static void (*sink)(enum log_level, const char *, void *);
static void *sink_arg;

void log_set_level(enum log_level highest)
{
	atomic_store_explicit(&highest_level, (int)highest, memory_order_relaxed);
}

void log_set_sink(void (*fn)(enum log_level, const char *, void *), void *arg)
{
	sink = fn;
	sink_arg = arg;
}

/* Two threads may both see a new second; one of them resets the count. */
static bool site_passes(struct log_site *s, uint32_t *left_out)
{
	int64_t now = clock_mono_ns() / NS_PER_S;
	int64_t window = atomic_load_explicit(&s->window, memory_order_relaxed);
	if (window != now && atomic_compare_exchange_strong(&s->window, &window, now))
		atomic_store(&s->lines, 0);
	if (atomic_fetch_add(&s->lines, 1) >= LINES_A_SECOND) {
		atomic_fetch_add(&s->left_out, 1);
		return false;
	}
	*left_out = atomic_exchange(&s->left_out, 0);
	return true;
}

/* journald takes a newline for the end of the line: nothing below a space may pass. */
static size_t one_line(char *p, size_t n)
{
	while (n > 0 && p[n - 1] == '\n')
		n--;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			p[i] = ' ';
	return n;
}

static void write_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(STDERR_FILENO, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return; /* nobody left to tell */
		p += w;
		n -= (size_t)w;
	}
}

static void emit(enum log_level lv, char *line, size_t n)
{
	if (sink) {
		line[n] = '\0';
		sink(lv, line, sink_arg);
		return;
	}
	char out[LINE_MAX_BYTES + 8];
	size_t at = 0;
	/* Somebody at a terminal reads the words, journald the level. */
	if (!isatty(STDERR_FILENO)) {
		out[at++] = '<';
		out[at++] = (char)('0' + (int)lv);
		out[at++] = '>';
	}
	memcpy(out + at, line, n);
	at += n;
	out[at++] = '\n';
	write_all(out, at);
}

void log_line(struct log_site *site, enum log_level lv, const char *room, const char *fmt, ...)
{
	if ((int)lv > atomic_load_explicit(&highest_level, memory_order_relaxed))
		return;
	uint32_t left_out = 0;
	if (site && !site_passes(site, &left_out))
		return;
	int saved = errno;
	char line[LINE_MAX_BYTES];
	const size_t tail = 32; /* kept free for left_out= */
	size_t n = 0;
	int w = snprintf(line, sizeof(line) - tail, "%s: ", room);
	if (w > 0)
		n = (size_t)w < sizeof(line) - tail ? (size_t)w : sizeof(line) - tail - 1;
	va_list ap;
	va_start(ap, fmt);
	errno = saved; /* for %m */
	w = vsnprintf(line + n, sizeof(line) - tail - n, fmt, ap);
	va_end(ap);
	if (w > 0) {
		size_t room_left = sizeof(line) - tail - n - 1;
		n += (size_t)w < room_left ? (size_t)w : utf8_cut(line + n, room_left);
	}
	n = one_line(line, n);
	if (left_out > 0) {
		w = snprintf(line + n, sizeof(line) - n, " left_out=%u", left_out);
		n += w > 0 ? (size_t)w : 0;
	}
	emit(lv, line, n);
	errno = saved;
}

/* What one character of outside text becomes: itself, \n, \" or \xNN. Returns bytes read. */
static size_t quote_one(const char *p, size_t n, char out[8], size_t *made)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\n\r\t\"\\", to[] = "nrt\"\\";
	const char *special = *p ? strchr(from, *p) : NULL;
	size_t len = utf8_len(p, n);
	if (special) {
		out[0] = '\\';
		out[1] = to[special - from];
		*made = 2;
		return 1;
	}
	if (len == 0 || utf8_is_control(p, len)) {
		unsigned char c = (unsigned char)*p;
		out[0] = '\\';
		out[1] = 'x';
		out[2] = hex[c >> 4];
		out[3] = hex[c & 15];
		*made = 4;
		return 1;
	}
	memcpy(out, p, len);
	*made = len;
	return len;
}

const char *log_quote(const char *p, size_t n)
{
	static _Thread_local char quotes[QUOTES][QUOTE_BYTES];
	static _Thread_local unsigned turn;
	char *out = quotes[turn++ % QUOTES];
	const size_t last = QUOTE_BYTES - 5; /* room for ..." and NUL */
	if (!p)
		n = 0;
	else if (n == (size_t)-1)
		n = strnlen(p, QUOTE_BYTES); /* one more than can be shown is enough */
	size_t at = 0;
	out[at++] = '"';
	for (size_t i = 0; i < n;) {
		char one[8];
		size_t made = 0;
		i += quote_one(p + i, n - i, one, &made);
		if (at + made > last) {
			memcpy(out + at, "...", 3);
			at += 3;
			break;
		}
		memcpy(out + at, one, made);
		at += made;
	}
	out[at++] = '"';
	out[at] = '\0';
	return out;
}
