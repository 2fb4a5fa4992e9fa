/* Time. int64_t nanoseconds since 1970 UTC; *_mono_ns for intervals. Only clock.c asks the
 * kernel, so tests and --replay can set the clock. Any thread. */
#ifndef TOMSD_BASE_CLOCK_H
#define TOMSD_BASE_CLOCK_H

#include "tomsd/base/buf.h"
#include "tomsd/base/compiler.h"
#include "tomsd/base/str.h"

int64_t clock_now_ns(void);  /* wall clock, or the fixed one of clock_fix */
int64_t clock_mono_ns(void); /* CLOCK_MONOTONIC, never fixed */
int64_t clock_boot_ns(void); /* CLOCK_BOOTTIME */
int64_t clock_thread_cpu_ns(void);
void clock_fix(int64_t now_ns); /* tests and replay; 0 gives the kernel's clock back */
void clock_sleep_ms(int64_t ms); /* for back-off loops outside the queues; interruptible */

/* RFC 3339. */
#define CLOCK_RFC3339_MAX 36 /* with nanoseconds, Z and NUL */
/* Writes "2026-11-22T14:05:06.123456789Z"; fraction of 0, 3, 6 or 9 digits, the fewest that lose
 * nothing. Years 1678..2262. */
void clock_rfc3339(int64_t ns, char out[CLOCK_RFC3339_MAX]);
/* With a fixed offset east of UTC in minutes: "2026-11-22T23:05:06+09:00". */
void clock_rfc3339_at(int64_t ns, int offset_min, char out[CLOCK_RFC3339_MAX]);
/* Parses RFC 3339 (any fraction, Z or offset; also "YYYY-MM-DD" alone = 00:00Z). 0 or -ERR_INVALID. */
int clock_parse_rfc3339(struct str s, int64_t *out) MUST_CHECK;
/* As people type it: RFC 3339, "now", "-2h", "-7d", "-30m", "-90s" relative to now_ns. */
int clock_parse_when(struct str s, int64_t now_ns, int64_t *out) MUST_CHECK;
/* Civil UTC date of ns as YYYYMMDD (20261122) and back (start of that day). */
int32_t clock_day(int64_t ns);
int64_t clock_day_start(int32_t yyyymmdd);

#endif
