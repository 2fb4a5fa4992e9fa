/* The times that lines tell: FortiOS's eventtime (unit by magnitude), date= and time= with tz=, and the
 * stamps of syslog headers (RFC 3164 4.1.2, RFC 5424 6.2.3, and what devices make of them). Any thread. */
#include "inside.h"

#include <stdlib.h>

#include "tomsd/base/num.h"

#define YEAR_2000_S INT64_C(946684800)
#define YEAR_2100_S INT64_C(4102444800)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Days since 1970 of a civil date (proleptic Gregorian calendar, months counted from March). */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t year = m > 2 ? y : y - 1;
	int64_t era = year / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool civil_ns(const int64_t v[6], int64_t frac_ns, int64_t *ns)
{
	static const uint8_t month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (v[0] < 1970 || v[0] > 2200 || v[1] < 1 || v[1] > 12 || v[2] < 1 ||
	    v[2] > month_days[v[1] - 1] || v[3] > 23 || v[4] > 59 || v[5] > 60)
		return false;
	if (v[1] == 2 && v[2] == 29 && (v[0] % 4 || (v[0] % 100 == 0 && v[0] % 400)))
		return false;
	*ns = ((days_of(v[0], v[1], v[2]) * 24 + v[3]) * 60 + v[4]) * 60 * NS_PER_S +
	      v[5] * NS_PER_S + frac_ns;
	return true;
}

/* Between min and max digits; moves *p behind them. */
static bool take_number(const char **p, const char *end, int min, int max, int64_t *v)
{
	int n = 0;

	*v = 0;
	while (*p < end && n < max && is_digit(**p)) {
		*v = *v * 10 + (*(*p)++ - '0');
		n++;
	}
	return n >= min;
}

static bool take_char(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c)
		return false;
	(*p)++;
	return true;
}

/* ".123", ",123": any number of digits, nine of them count. */
static int64_t take_fraction(const char **p, const char *end)
{
	int64_t ns = 0, unit = NS_PER_S / 10;
	const char *at = *p;

	if (end - at < 2 || (*at != '.' && *at != ',') || !is_digit(at[1]))
		return 0;
	for (at++; at < end && is_digit(*at); at++, unit /= 10)
		ns += (*at - '0') * unit;
	*p = at;
	return ns;
}

static bool take_clock(const char **p, const char *end, int64_t v[6], int64_t *frac_ns)
{
	if (!take_number(p, end, 1, 2, &v[3]) || !take_char(p, end, ':') ||
	    !take_number(p, end, 1, 2, &v[4]) || !take_char(p, end, ':') ||
	    !take_number(p, end, 1, 2, &v[5]))
		return false;
	*frac_ns = take_fraction(p, end);
	return true;
}

/* The unit is told by the size alone: only one of the four falls into this century. */
bool time_epoch(struct str digits, int64_t *ns, uint8_t *unit)
{
	static const int64_t per_unit[] = { NS_PER_S, NS_PER_MS, NS_PER_US, 1 };
	int64_t v;

	if (digits.n < 9 || digits.n > 19 || num_i64(digits, 0, INT64_MAX, &v))
		return false;
	for (uint8_t i = 0; i < 4; i++) {
		int64_t per_s = NS_PER_S / per_unit[i];

		if (v / per_s >= YEAR_2000_S && v / per_s < YEAR_2100_S) {
			*ns = v * per_unit[i];
			*unit = (uint8_t)(i + 1);
			return true;
		}
	}
	return false;
}

/* "+0200" "-07:00" "+2" "UTC+2" "UTC+2:00" "GMT-3:30" "UTC" "Z". */
bool time_zone(struct str tz, int32_t *seconds)
{
	const char *p = tz.p, *end;
	int64_t h, m = 0;
	int sign;

	if (!tz.n)
		return false;
	end = p + tz.n;
	if (tz.n >= 3 &&
	    (str_ieq(str_sub(tz, 0, 3), STR("UTC")) || str_ieq(str_sub(tz, 0, 3), STR("GMT"))))
		p += 3;
	else if (tz.n == 1 && (*p == 'Z' || *p == 'z'))
		p++;
	*seconds = 0;
	if (p == end)
		return true;
	if (*p != '+' && *p != '-')
		return false;
	sign = *p++ == '-' ? -1 : 1;
	if (end - p == 4 && is_digit(p[1]) && is_digit(p[2])) {
		if (!take_number(&p, end, 2, 2, &h) || !take_number(&p, end, 2, 2, &m))
			return false;
	} else if (!take_number(&p, end, 1, 2, &h) ||
		   (take_char(&p, end, ':') && !take_number(&p, end, 2, 2, &m))) {
		return false;
	}
	if (p != end || h > 15 || m > 59)
		return false;
	*seconds = sign * (int32_t)(h * 3600 + m * 60);
	return true;
}

bool time_civil(struct str date, struct str time, int64_t *ns)
{
	const char *p = date.p, *end = date.p + date.n;
	int64_t v[6] = { 0 }, frac_ns = 0;

	if (!take_number(&p, end, 4, 4, &v[0]) ||
	    (!take_char(&p, end, '-') && !take_char(&p, end, '/')) ||
	    !take_number(&p, end, 1, 2, &v[1]) ||
	    (!take_char(&p, end, '-') && !take_char(&p, end, '/')) ||
	    !take_number(&p, end, 1, 2, &v[2]) || p != end || !time.n)
		return false;
	p = time.p;
	end = time.p + time.n;
	/* FortiOS 3 wrote "10: 13:03" */
	if (time.n > 4 && time.p[2] == ':' && time.p[3] == ' ') {
		if (!take_number(&p, end, 2, 2, &v[3]))
			return false;
		p += 2;
		if (!take_number(&p, end, 1, 2, &v[4]) || !take_char(&p, end, ':') ||
		    !take_number(&p, end, 1, 2, &v[5]))
			return false;
	} else if (!take_clock(&p, end, v, &frac_ns)) {
		return false;
	}
	return p == end && civil_ns(v, frac_ns, ns);
}

/* "Jan" .. "Dec" -> 1..12, 0: none. */
static int64_t month_at(const char *p, const char *end)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	if (end - p < 4 || p[3] != ' ')
		return 0;
	for (int i = 0; i < 12; i++) {
		if (str_ieq(str_n(p, 3), str_n(names + 3 * i, 3)))
			return i + 1;
	}
	return 0;
}

static void skip_blanks(const char **p, const char *end)
{
	while (*p < end && **p == ' ')
		(*p)++;
}

/* A year stands alone: four digits and a blank (or the end) behind them. */
static bool take_year(const char **p, const char *end, int64_t *year)
{
	const char *at = *p;

	if (!take_number(&at, end, 4, 4, year) || *year < 1970 || *year > 2200 ||
	    (at < end && *at != ' ' && *at != ':'))
		return false;
	*p = at;
	return true;
}

/* "Mar 22 19:21:00", the year in front, in the middle or behind, a fraction, a zone ("JST" says nothing
 * exact and is passed over only where it is UTC or GMT). */
bool time_bsd(const char **p, const char *end, struct line_time *t)
{
	const char *at = *p, *mark;
	int64_t v[6] = { 0 }, frac_ns;
	bool year;

	if (at < end && (*at == '*' || *at == '.')) /* Cisco: clock not set by NTP */
		at++;
	year = take_year(&at, end, &v[0]);
	skip_blanks(&at, end);
	v[1] = month_at(at, end);
	if (!v[1])
		return false;
	at += 4;
	skip_blanks(&at, end);
	if (!take_number(&at, end, 1, 2, &v[2]) || !take_char(&at, end, ' '))
		return false;
	skip_blanks(&at, end);
	if (!year && (year = take_year(&at, end, &v[0])))
		skip_blanks(&at, end);
	if (!take_clock(&at, end, v, &frac_ns))
		return false;
	mark = at;
	skip_blanks(&at, end);
	if (!year && at > mark && take_year(&at, end, &v[0])) {
		year = true;
		mark = at;
		skip_blanks(&at, end);
	}
	*t = (struct line_time){ .clock = LINE_CLOCK_LOCAL, .no_year = !year };
	if (end - at >= 3 && (memcmp(at, "UTC", 3) == 0 || memcmp(at, "GMT", 3) == 0) &&
	    (end - at == 3 || at[3] == ' ' || at[3] == ':')) {
		t->clock = LINE_CLOCK_UTC;
		mark = at + 3;
	}
	if (!year)
		v[0] = 2000; /* a leap year, so that every day exists; line_set_time knows better */
	if (!civil_ns(v, frac_ns, &t->ns))
		return false;
	*p = mark;
	return true;
}

/* RFC 3339, also with a blank in place of T and without a zone. */
bool time_iso(const char **p, const char *end, struct line_time *t)
{
	const char *at = *p;
	int64_t v[6] = { 0 }, frac_ns, h = 0, m = 0;
	int sign = 0;

	if (!take_number(&at, end, 4, 4, &v[0]) || !take_char(&at, end, '-') ||
	    !take_number(&at, end, 2, 2, &v[1]) || !take_char(&at, end, '-') ||
	    !take_number(&at, end, 2, 2, &v[2]) || at >= end ||
	    (*at != 'T' && *at != 't' && *at != ' '))
		return false;
	at++;
	if (!take_clock(&at, end, v, &frac_ns))
		return false;
	*t = (struct line_time){ .clock = LINE_CLOCK_LOCAL };
	if (at < end && (*at == 'Z' || *at == 'z')) {
		t->clock = LINE_CLOCK_UTC;
		at++;
	} else if (at < end && (*at == '+' || *at == '-')) {
		sign = *at++ == '-' ? -1 : 1;
		if (!take_number(&at, end, 2, 2, &h))
			return false;
		(void)take_char(&at, end, ':');
		if (!take_number(&at, end, 2, 2, &m) || h > 15 || m > 59)
			return false;
		t->clock = LINE_CLOCK_UTC;
	}
	if (!civil_ns(v, frac_ns, &t->ns))
		return false;
	t->ns -= sign * (h * 3600 + m * 60) * NS_PER_S;
	*p = at;
	return true;
}

/* FortiOS's own clock first; what a relay wrote in front counts only where the device tells nothing. Never
 * FortiAnalyzer's timestamp= and itime=: those are local time written as an epoch. */
void time_of_facts(const struct facts *f, const struct header *h, struct line_time *t)
{
	struct str eventtime = f->v[MARK_EVENTTIME], tz = f->v[MARK_TZ];
	int32_t zone_s;

	*t = (struct line_time){ 0 };
	if (eventtime.n && time_epoch(eventtime, &t->ns, &t->unit)) {
		t->clock = LINE_CLOCK_UTC;
		return;
	}
	if (!f->v[MARK_DATE].n || !time_civil(f->v[MARK_DATE], f->v[MARK_TIME], &t->ns)) {
		*t = h->when;
		return;
	}
	t->clock = LINE_CLOCK_LOCAL;
	if (time_zone(tz, &zone_s)) {
		t->clock = LINE_CLOCK_UTC;
		t->ns -= zone_s * NS_PER_S;
	}
}

/* The year that puts a stamp without one nearest to when it came. */
static int64_t with_year(int64_t ns_2000, int64_t received_ns)
{
	int64_t best = 0,
		year_s = 365 * INT64_C(86400) + 20952; /* mean Gregorian year: 365.2425 days */
	int64_t guess = 1970 + received_ns / NS_PER_S / year_s;
	int64_t in_year = ns_2000 - days_of(2000, 1, 1) * 86400 * NS_PER_S;
	int64_t day = in_year / (86400 * NS_PER_S);

	for (int64_t y = guess - 1; y <= guess + 1; y++) {
		bool leap = (y % 4 == 0 && y % 100) || y % 400 == 0;
		/* 2000 was a leap year: behind 28 February its days are one too many in others */
		int64_t shift = day > 58 && !leap ? 1 : 0;
		int64_t ns = days_of(y, 1, 1) * 86400 * NS_PER_S + in_year -
			     shift * 86400 * NS_PER_S;

		if (!best || llabs(ns - received_ns) < llabs(best - received_ns))
			best = ns;
	}
	return best;
}

void line_set_time(struct log *out, const struct line_time *when, int32_t zone_s,
		   int64_t received_ns, int64_t back_ns)
{
	int64_t ns = when->ns, ahead_ns = 600 * NS_PER_S;

	out->created_ns = out->at_ns = received_ns;
	out->device_ns = 0;
	out->flags &= (uint16_t) ~(LOG_NO_TIME | LOG_NO_ZONE | LOG_TIME_DOUBTFUL);
	if (when->clock == LINE_CLOCK_NONE) {
		out->flags |= LOG_NO_TIME;
		return;
	}
	if (when->clock == LINE_CLOCK_LOCAL) {
		out->flags |= LOG_NO_ZONE;
		/* the year is chosen by UTC, and the zone is part of that */
		ns -= zone_s * NS_PER_S;
	}
	if (when->no_year)
		ns = with_year(ns, received_ns);
	out->device_ns = ns;
	if (ns > received_ns + ahead_ns || ns < received_ns - back_ns)
		out->flags |= LOG_TIME_DOUBTFUL;
	else
		out->at_ns = ns;
}
