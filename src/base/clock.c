/* Time: the only file that asks the kernel for it. Civil dates after Howard Hinnant's
 * "chrono-Compatible Low-Level Date Algorithms"; text after RFC 3339. Any thread. */
#include "tomsd/base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "tomsd/base/err.h"
#include "tomsd/base/num.h"

#define S_PER_DAY INT64_C(86400)

static _Atomic int64_t fixed_ns; /* 0: the kernel's clock */

static int64_t ask(clockid_t id)
{
	struct timespec ts = { 0, 0 };
	int rc = clock_gettime(id, &ts);
	assert(rc == 0);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
	int64_t fixed = atomic_load_explicit(&fixed_ns, memory_order_relaxed);
	return unlikely(fixed != 0) ? fixed : ask(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
	return ask(CLOCK_MONOTONIC);
}

int64_t clock_boot_ns(void)
{
	return ask(CLOCK_BOOTTIME);
}

int64_t clock_thread_cpu_ns(void)
{
	return ask(CLOCK_THREAD_CPUTIME_ID);
}

void clock_fix(int64_t now_ns)
{
	atomic_store_explicit(&fixed_ns, now_ns, memory_order_relaxed);
}

void clock_sleep_ms(int64_t ms)
{
	if (ms <= 0)
		return;
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000 * NS_PER_MS) };
	(void)nanosleep(&ts, NULL); /* a signal may end it early: that is wanted */
}

/* Division that rounds down, also before 1970. */
static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b < 0 ? q - 1 : q;
}

struct civil {
	int64_t year;
	unsigned month, day; /* 1..12, 1..31 */
};

static struct civil civil_of_days(int64_t days)
{
	int64_t z = days + 719468; /* since 0000-03-01 */
	int64_t era = floor_div(z, 146097);
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153; /* March is 0 */
	int64_t month = mp < 10 ? mp + 3 : mp - 9;
	return (struct civil){
		.year = yoe + era * 400 + (month <= 2),
		.month = (unsigned)month,
		.day = (unsigned)(doy - (153 * mp + 2) / 5 + 1),
	};
}

static int64_t days_of_civil(struct civil c)
{
	int64_t y = c.year - (c.month <= 2);
	int64_t era = floor_div(y, 400);
	int64_t yoe = y - era * 400;
	int64_t mp = c.month > 2 ? c.month - 3 : c.month + 9;
	int64_t doy = (153 * mp + 2) / 5 + c.day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

/* width digits of v, zeros in front; returns the end. */
static char *put_digits(char *p, uint64_t v, int width)
{
	for (int i = width - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

static char *put_local(char *p, int64_t s, uint64_t frac_ns)
{
	int64_t days = floor_div(s, S_PER_DAY);
	uint64_t in_day = (uint64_t)(s - days * S_PER_DAY);
	struct civil c = civil_of_days(days);
	p = put_digits(p, (uint64_t)c.year, 4);
	*p++ = '-';
	p = put_digits(p, c.month, 2);
	*p++ = '-';
	p = put_digits(p, c.day, 2);
	*p++ = 'T';
	p = put_digits(p, in_day / 3600, 2);
	*p++ = ':';
	p = put_digits(p, in_day / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, in_day % 60, 2);
	if (frac_ns == 0)
		return p;
	*p++ = '.';
	if (frac_ns % 1000000 == 0)
		return put_digits(p, frac_ns / 1000000, 3);
	if (frac_ns % 1000 == 0)
		return put_digits(p, frac_ns / 1000, 6);
	return put_digits(p, frac_ns, 9);
}

void clock_rfc3339(int64_t ns, char out[CLOCK_RFC3339_MAX])
{
	int64_t s = floor_div(ns, NS_PER_S);
	char *p = put_local(out, s, (uint64_t)(ns - s * NS_PER_S));
	*p++ = 'Z';
	*p = '\0';
}

void clock_rfc3339_at(int64_t ns, int offset_min, char out[CLOCK_RFC3339_MAX])
{
	assert(offset_min > -24 * 60 && offset_min < 24 * 60);
	int64_t s = floor_div(ns, NS_PER_S);
	char *p = put_local(out, s + (int64_t)offset_min * 60, (uint64_t)(ns - s * NS_PER_S));
	unsigned east = (unsigned)(offset_min < 0 ? -offset_min : offset_min);
	*p++ = offset_min < 0 ? '-' : '+';
	p = put_digits(p, east / 60, 2);
	*p++ = ':';
	p = put_digits(p, east % 60, 2);
	*p = '\0';
}

/* A cursor over the text that turns bad and stays bad, like struct rd. */
struct scan {
	const char *p, *end;
	bool bad;
};

static unsigned scan_digits(struct scan *s, int width)
{
	unsigned v = 0;
	for (int i = 0; i < width; i++) {
		if (s->p == s->end || *s->p < '0' || *s->p > '9') {
			s->bad = true;
			return 0;
		}
		v = v * 10 + (unsigned)(*s->p++ - '0');
	}
	return v;
}

static bool scan_is(struct scan *s, const char *any_of)
{
	if (s->p == s->end || *s->p == '\0' || !strchr(any_of, *s->p))
		return false;
	s->p++;
	return true;
}

static void scan_char(struct scan *s, const char *any_of)
{
	if (!scan_is(s, any_of))
		s->bad = true;
}

/* ".123" of any length; digits below a nanosecond are cut. */
static int64_t scan_fraction(struct scan *s)
{
	if (!scan_is(s, "."))
		return 0;
	int64_t v = 0, unit = NS_PER_S;
	const char *first = s->p;
	for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
		unit /= 10;
		v += unit * (*s->p - '0');
	}
	s->bad |= s->p == first;
	return v;
}

static int64_t scan_offset_s(struct scan *s)
{
	if (scan_is(s, "Zz"))
		return 0;
	bool west = s->p < s->end && *s->p == '-';
	scan_char(s, "+-");
	unsigned h = scan_digits(s, 2);
	scan_char(s, ":");
	unsigned m = scan_digits(s, 2);
	s->bad |= h > 23 || m > 59;
	int64_t east = (int64_t)(h * 60 + m) * 60;
	return west ? -east : east;
}

int clock_parse_rfc3339(struct str text, int64_t *out)
{
	if (!text.p)
		return -ERR_INVALID;
	struct scan s = { text.p, text.p + text.n, false };
	struct civil c = { 0, 0, 0 };
	c.year = scan_digits(&s, 4);
	scan_char(&s, "-");
	c.month = scan_digits(&s, 2);
	scan_char(&s, "-");
	c.day = scan_digits(&s, 2);
	if (s.bad || c.month < 1 || c.month > 12 || c.day < 1 ||
	    c.day > days_in_month(c.year, c.month))
		return -ERR_INVALID;
	int64_t at_s = days_of_civil(c) * S_PER_DAY, frac_ns = 0;
	if (s.p < s.end) {
		scan_char(&s, "Tt ");
		unsigned h = scan_digits(&s, 2);
		scan_char(&s, ":");
		unsigned m = scan_digits(&s, 2);
		scan_char(&s, ":");
		unsigned sec = scan_digits(&s, 2); /* 60, a leap second, is the next one */
		frac_ns = scan_fraction(&s);
		at_s += (int64_t)(h * 3600 + m * 60 + sec) - scan_offset_s(&s);
		if (s.bad || s.p != s.end || h > 23 || m > 59 || sec > 60)
			return -ERR_INVALID;
	}
	int64_t ns;
	if (ckd_mul(&ns, at_s, NS_PER_S) || ckd_add(&ns, ns, frac_ns))
		return -ERR_INVALID;
	*out = ns;
	return 0;
}

int clock_parse_when(struct str s, int64_t now_ns, int64_t *out)
{
	if (str_eq(s, STR("now"))) {
		*out = now_ns;
		return 0;
	}
	if (s.n < 2 || s.p[0] != '-')
		return clock_parse_rfc3339(s, out);
	int64_t back_ns, at_ns;
	int rc = num_duration(str_sub(s, 1, s.n), &back_ns);
	if (rc)
		return rc;
	if (ckd_sub(&at_ns, now_ns, back_ns))
		return -ERR_RANGE;
	*out = at_ns;
	return 0;
}

int32_t clock_day(int64_t ns)
{
	struct civil c = civil_of_days(floor_div(ns, NS_PER_S * S_PER_DAY));
	return (int32_t)(c.year * 10000 + c.month * 100 + c.day);
}

int64_t clock_day_start(int32_t yyyymmdd)
{
	struct civil c = {
		.year = yyyymmdd / 10000,
		.month = (unsigned)(yyyymmdd / 100 % 100),
		.day = (unsigned)(yyyymmdd % 100),
	};
	int64_t ns;
	/* Before 1677-09-21 and after 2262-04-11 there are no nanoseconds in 64 bits. */
	if (ckd_mul(&ns, days_of_civil(c), S_PER_DAY * NS_PER_S))
		return c.year < 1970 ? INT64_MIN : INT64_MAX;
	return ns;
}
