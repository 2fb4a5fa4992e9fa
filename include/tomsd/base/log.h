/* Log lines for journald: "<4>store: commit slow rows=4096 ms=812" on stderr. Any thread.
 * Outside strings are passed through LOGQ() so that they arrive quoted and escaped. Each call
 * site is limited to 10 lines a second; the next line that passes says how many were left out. */
#ifndef TOMSD_BASE_LOG_H
#define TOMSD_BASE_LOG_H

#include "tomsd/base/compiler.h"

enum log_level { LOG_LV_ERR = 3, LOG_LV_WARNING = 4, LOG_LV_NOTICE = 5, LOG_LV_INFO = 6, LOG_LV_DEBUG = 7 };

/* One call site's rate limit; made by the macros. */
struct log_site {
	_Atomic int64_t window; /* second of CLOCK_MONOTONIC */
	_Atomic uint32_t lines, left_out;
};

void log_set_level(enum log_level highest);         /* default LOG_LV_INFO */
/* Tests: lines go to fn instead of stderr (NULL: back). Not for use while threads run. */
void log_set_sink(void (*fn)(enum log_level, const char *line, void *arg), void *arg);
void log_line(struct log_site *site, enum log_level lv, const char *room, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

#define LOG_AT(lv, room, ...)                                       \
	do {                                                        \
		static struct log_site log_site_;                   \
		log_line(&log_site_, (lv), (room), __VA_ARGS__);    \
	} while (0)
#define log_err(room, ...) LOG_AT(LOG_LV_ERR, room, __VA_ARGS__)         /* someone must act */
#define log_warning(room, ...) LOG_AT(LOG_LV_WARNING, room, __VA_ARGS__) /* we went on without */
#define log_notice(room, ...) LOG_AT(LOG_LV_NOTICE, room, __VA_ARGS__)   /* life of the daemon */
#define log_info(room, ...) LOG_AT(LOG_LV_INFO, room, __VA_ARGS__)       /* rare sums */
#define log_debug(room, ...) LOG_AT(LOG_LV_DEBUG, room, __VA_ARGS__)

/* Quotes and escapes an outside string into one of 8 rotating thread-local buffers of 256 bytes
 * (longer ones end in "..."); for arguments of a log line only. */
const char *log_quote(const char *p, size_t n);
#define LOGQ(cstr) log_quote((cstr), (size_t)-1)

#endif
