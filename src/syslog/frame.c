/* See frame.h. What belongs to a line: of a counted message all octets but one LF, CR LF or NUL at its end
 * (some senders count it); of other messages all bytes up to the LF or NUL but a CR right before the
 * LF. LF, CR and NUL between messages belong to none. Digits are a length when a blank and then "<" follow,
 * as RFC 6587 3.4.1 has it; once a stream has counted a message, anything may follow. A relay may have
 * taken the "<189>" off: then the first number of a stream is a length when that many octets hold no LF or NUL
 * and either begin as a device's message does or end where one may begin. That is seen only when they are
 * here, so they are gathered first: how a stream is cut must not matter. */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>

#define DIGITS_MAX 7 /* a longer number is no length */
#define WINDOW \
	4096 /* LF and NUL are looked for in turns, so that many short lines of one kind stay cheap */
#define FIRST_ROOM 256
#define COUNT_MIN 8u /* "5 of ..." begins a sentence */

static void carry_free(struct frame *f, struct frame_pool *pool)
{
	atomic_fetch_sub(&pool->used, f->room);
	free(f->p);
	f->p = NULL;
	f->n = f->room = 0;
}

static bool may_grow(struct frame_pool *pool, size_t room, size_t more, bool is_trusted)
{
	size_t used = atomic_load(&pool->used);
	return used + more <= (room <= FRAME_SMALL || is_trusted ? pool->max : pool->max / 2);
}

static bool carry_put(struct frame *f, struct frame_pool *pool, const char *p, size_t n)
{
	size_t room = f->room ? f->room : FIRST_ROOM;
	while (room < f->n + n)
		room *= 4;
	if (room > f->room) {
		if (room > LOG_LINE_MAX)
			room = LOG_LINE_MAX;
		char *to = may_grow(pool, room, room - f->room, f->is_trusted) ?
				   realloc(f->p, room) :
				   NULL;
		if (!to) {
			f->state = FRAME_FAILED;
			return false;
		}
		atomic_fetch_add(&pool->used, room - f->room);
		f->p = to;
		f->room = (uint32_t)room;
	}
	memcpy(f->p + f->n, p, n);
	f->n += (uint32_t)n;
	return true;
}

/* The digits were no length: they begin a line. */
static bool digits_back(struct frame *f, struct frame_pool *pool, const char *behind)
{
	char text[DIGITS_MAX + 4];
	int n = snprintf(text, sizeof(text), "%u%s", (unsigned)f->count, behind);
	f->state = FRAME_LINE;
	return carry_put(f, pool, text, (size_t)n);
}

static void way_is(struct frame *f, enum frame_way way)
{
	f->is_mixed |= f->way != FRAME_NONE && f->way != way;
	f->way = way;
	f->state = FRAME_START;
}

static struct str counted_trim(struct str s)
{
	if (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\0')) {
		bool is_lf = s.p[--s.n] == '\n';
		if (is_lf && s.n > 0 && s.p[s.n - 1] == '\r')
			s.n--;
	}
	return s;
}

struct str frame_datagram(struct str in)
{
	while (in.n > 0 && in.p[in.n - 1] == '\0')
		in.n--;
	return counted_trim(in);
}

/* Where the line ends; -1: not in here. */
static ptrdiff_t line_end(struct str s)
{
	for (size_t at = 0; at < s.n; at += WINDOW) {
		size_t n = s.n - at < WINDOW ? s.n - at : WINDOW;
		const char *lf = memchr(s.p + at, '\n', n);
		const char *nul = memchr(s.p + at, '\0', lf ? (size_t)(lf - s.p) - at : n);
		if (nul || lf)
			return (nul ? nul : lf) - s.p;
	}
	return -1;
}

static void start(struct frame *f, struct str *in)
{
	while (in->n > 0 && (*in->p == '\n' || *in->p == '\r' || *in->p == '\0'))
		*in = str_sub(*in, 1, in->n);
	if (in->n == 0)
		return;
	f->count = f->digits = 0;
	f->state = *in->p >= '1' && *in->p <= '9' ? FRAME_COUNT : FRAME_LINE;
}

static void count(struct frame *f, struct frame_pool *pool, struct str *in)
{
	while (in->n > 0 && *in->p >= '0' && *in->p <= '9' && f->digits < DIGITS_MAX) {
		f->count = f->count * 10 + (uint32_t)(*in->p - '0');
		f->digits++;
		*in = str_sub(*in, 1, in->n);
	}
	if (in->n == 0)
		return;
	if (*in->p == ' ') {
		*in = str_sub(*in, 1, in->n);
		f->state = FRAME_BEHIND;
	} else {
		(void)digits_back(f, pool, ""); /* FRAME_FAILED says it */
	}
}

/* Does a message begin here as devices write it, when its "<189>" is gone: date=... or CEF:... */
static bool is_message(struct str s)
{
	size_t key = 0;
	while (key < s.n && ((s.p[key] | 0x20) >= 'a' && (s.p[key] | 0x20) <= 'z'))
		key++;
	return (key > 0 && key < s.n && s.p[key] == '=') || str_starts(s, STR("CEF:"));
}

static void behind(struct frame *f, struct frame_pool *pool, const struct str *in)
{
	f->left = f->count;
	if (*in->p == '<' || (f->way == FRAME_COUNTED && !f->is_mixed))
		f->state = FRAME_OCTETS;
	else if (digits_back(f, pool, " ") && f->way == FRAME_NONE && f->count >= COUNT_MIN &&
		 f->count < LOG_LINE_MAX - COUNT_MIN - DIGITS_MAX)
		f->state = FRAME_GUESS;
}

/* Takes n bytes of *in into the message; what is too long goes. True: the message is there. */
static struct str gather(struct frame *f, struct frame_pool *pool, struct str part)
{
	if (f->n == 0)
		return part;
	if (!carry_put(f, pool, part.p, part.n))
		return STR_NULL;
	f->given = true;
	return str_n(f->p, f->n);
}

static bool line(struct frame *f, struct frame_pool *pool, struct str *in,
		 struct frame_line *out)
{
	ptrdiff_t end = line_end(*in);
	size_t have = end < 0 ? in->n : (size_t)end;
	size_t fits = LOG_LINE_MAX - f->n;
	if (have > fits) { /* the rest is skipped from the next call on */
		out->line = gather(f, pool, str_sub(*in, 0, fits));
		out->is_truncated = true;
		if (f->state == FRAME_FAILED)
			return false;
		*in = str_sub(*in, fits, in->n);
		f->state = FRAME_SKIP;
		return true;
	}
	if (end < 0) {
		if (carry_put(f, pool, in->p, in->n))
			*in = str_sub(*in, in->n, 0);
		return false;
	}
	bool is_lf = in->p[end] == '\n';
	out->line = gather(f, pool, str_sub(*in, 0, have));
	out->is_truncated = false;
	if (f->state == FRAME_FAILED)
		return false;
	*in = str_sub(*in, have + 1, in->n);
	if (is_lf && out->line.n > 0 && out->line.p[out->line.n - 1] == '\r')
		out->line.n--;
	way_is(f, is_lf ? FRAME_LF : FRAME_NUL);
	return true;
}

/* What has been gathered behind the number was a message of that length. */
static void guessed(struct frame *f, struct frame_line *out)
{
	size_t head = f->digits + 1u;
	out->line = counted_trim(str_n(f->p + head, f->n - head));
	out->is_truncated = false;
	f->given = true;
	way_is(f, FRAME_COUNTED);
}

static bool guess(struct frame *f, struct frame_pool *pool, struct str *in,
		  struct frame_line *out)
{
	size_t have = in->n < f->left ? in->n : f->left;
	ptrdiff_t end =
		line_end(str_sub(*in, 0, have == f->left && have > 0 ? have - 1 : have));
	if (end >= 0)
		have = (size_t)end;
	if (have > 0 && !carry_put(f, pool, in->p, have))
		return false;
	*in = str_sub(*in, have, in->n);
	f->left -= (uint32_t)have;
	if (end >= 0) { /* it ends before its time: no length */
		f->state = FRAME_LINE;
		return false;
	}
	if (f->left > 0)
		return false;
	bool is_one = is_message(str_sub(str_n(f->p, f->n), f->digits + 1u, f->n));
	if (!is_one && in->n == 0)
		return false; /* the next byte tells */
	if (!is_one && !(*in->p >= '1' && *in->p <= '9') && *in->p != '<' && *in->p != '\n' &&
	    *in->p != '\r') {
		f->state = FRAME_LINE;
		return false;
	}
	guessed(f, out);
	return true;
}

static bool octets(struct frame *f, struct frame_pool *pool, struct str *in,
		   struct frame_line *out)
{
	size_t have = in->n < f->left ? in->n : f->left;
	size_t fits = LOG_LINE_MAX - f->n;
	bool is_cut = have > fits;
	if (is_cut)
		have = fits;
	struct str part = str_sub(*in, 0, have);
	f->left -= (uint32_t)have;
	if (!is_cut && f->left > 0) {
		if (carry_put(f, pool, part.p, part.n))
			*in = str_sub(*in, have, in->n);
		return false;
	}
	out->line = gather(f, pool, part);
	out->is_truncated = is_cut;
	if (f->state == FRAME_FAILED)
		return false;
	*in = str_sub(*in, have, in->n);
	if (!is_cut)
		out->line = counted_trim(out->line);
	way_is(f, FRAME_COUNTED);
	if (is_cut)
		f->state = FRAME_SKIP_OCTETS;
	return true;
}

static void skip(struct frame *f, struct str *in, uint64_t *skipped)
{
	ptrdiff_t end = line_end(*in);
	*skipped += end < 0 ? in->n : (size_t)end;
	if (end >= 0)
		way_is(f, in->p[end] == '\n' ? FRAME_LF : FRAME_NUL);
	*in = str_sub(*in, end < 0 ? in->n : (size_t)end + 1, in->n);
}

static void skip_octets(struct frame *f, struct str *in, uint64_t *skipped)
{
	size_t n = in->n < f->left ? in->n : f->left;
	*skipped += n;
	f->left -= (uint32_t)n;
	*in = str_sub(*in, n, in->n);
	if (f->left == 0)
		f->state = FRAME_START;
}

static bool step(struct frame *f, struct frame_pool *pool, struct str *in,
		 struct frame_line *out, uint64_t *skipped)
{
	switch (f->state) {
	case FRAME_START:
		start(f, in);
		return false;
	case FRAME_COUNT:
		count(f, pool, in);
		return false;
	case FRAME_BEHIND:
		behind(f, pool, in);
		return false;
	case FRAME_GUESS:
		return guess(f, pool, in, out);
	case FRAME_LINE:
		return line(f, pool, in, out);
	case FRAME_OCTETS:
		return octets(f, pool, in, out);
	case FRAME_SKIP:
		skip(f, in, skipped);
		return false;
	case FRAME_SKIP_OCTETS:
		skip_octets(f, in, skipped);
		return false;
	case FRAME_FAILED:
	default:
		return false;
	}
}

bool frame_next(struct frame *f, struct frame_pool *pool, struct str *in,
		struct frame_line *out, uint64_t *skipped)
{
	if (f->given) {
		f->given = false;
		f->n = 0;
	}
	while (in->n > 0 && f->state != FRAME_FAILED)
		if (step(f, pool, in, out, skipped))
			return true;
	if (f->n == 0 && f->p)
		carry_free(f, pool);
	return false;
}

bool frame_end(struct frame *f, struct frame_pool *pool, struct frame_line *out)
{
	if (f->given) {
		f->given = false;
		f->n = 0;
	}
	if (f->state == FRAME_COUNT || f->state == FRAME_BEHIND)
		(void)digits_back(f, pool, f->state == FRAME_COUNT ? "" : " ");
	out->line = str_n(f->p, f->n);
	out->is_truncated = false;
	if (f->state == FRAME_GUESS && f->left == 0)
		guessed(f, out);
	return out->line.n > 0;
}

void frame_fini(struct frame *f, struct frame_pool *pool)
{
	carry_free(f, pool);
}
