/* See intake.h. One thread each. */
#include "intake.h"

#include <stdlib.h>

#include "tomsd/base/log.h"

#define ARENA (1u << 20)
#define ALIGN 16u

struct pending {
	bool is_test;
	struct log *log;
	struct inlet *inlet;
	struct line_time when;
	int64_t received_ns;
};

struct intake {
	struct syslog *s;
	char *arena;
	size_t used, n;
	struct pending rows[INTAKE_ROWS];
	const void *kept[INTAKE_ROWS];
};

int intake_new(struct intake **out, struct syslog *s, struct err *e)
{
	struct intake *in = calloc(1, sizeof(*in));
	if (in)
		in->arena = malloc(ARENA);
	if (!in || !in->arena) {
		free(in);
		return err_set(e, ERR_NOMEM, "no memory for lines");
	}
	in->s = s;
	*out = in;
	return 0;
}

void intake_free(struct intake *in)
{
	if (!in)
		return;
	free(in->arena);
	free(in);
}

static size_t room_for(size_t n)
{
	return (sizeof(struct log) + n + ALIGN - 1) / ALIGN * ALIGN;
}

void intake_line(struct intake *in, struct str line, const struct origin *o, unsigned flags)
{
	if (line.n == 0)
		return;
	if (line.n > LOG_LINE_MAX) {
		line.n = LOG_LINE_MAX;
		flags |= LOG_TRUNCATED;
	}
	size_t bytes = room_for(line.n);
	if (in->n == INTAKE_ROWS || in->used + bytes > ARENA)
		intake_flush(in);
	struct pending *p = &in->rows[in->n++];
	struct log *g = (struct log *)(void *)(in->arena + in->used);
	in->used += bytes;
	memset(g, 0, sizeof(*g));
	memcpy(g->line, line.p, line.n);
	g->line_n = (uint32_t)line.n;
	*p = (struct pending){ .log = g, .inlet = o->inlet, .received_ns = o->received_ns };
	if (unlikely(atomic_load_explicit(&in->s->sender.is_waiting, memory_order_relaxed)))
		p->is_test = sender_is_ours(&in->s->sender, line);
	line_parse(str_n(g->line, line.n), g, &p->when);
	g->line_n = (uint32_t)line.n;
	g->created_ns = o->received_ns;
	g->sender = o->sender;
	g->transport = (uint8_t)o->inlet->transport;
	g->flags = (uint16_t)(g->flags | flags);
}

/* Of the lines of a batch, by inlet and in all. */
static void count(const struct intake *in)
{
	struct syslog_counts c = { 0 };
	for (size_t i = 0; i < in->n; i++) {
		const struct log *g = in->rows[i].log;
		counter_add(&in->rows[i].inlet->lines, 1);
		counter_add(&in->rows[i].inlet->bytes, g->line_n);
		c.bytes += g->line_n;
		c.lines_udp += g->transport == LOG_VIA_UDP;
		c.lines_tcp += g->transport == LOG_VIA_TCP;
		c.lines_tls += g->transport == LOG_VIA_TLS;
		c.truncated += (g->flags & LOG_TRUNCATED) != 0;
		c.partial += (g->flags & LOG_PARTIAL) != 0;
		c.not_utf8 += (g->flags & LOG_NOT_UTF8) != 0;
		c.problems += g->problem != LOG_PROBLEM_NONE;
	}
	counter_add(&syslog_counts.lines, in->n);
	counter_add(&syslog_counts.bytes, c.bytes);
	counter_add(&syslog_counts.lines_udp, c.lines_udp);
	counter_add(&syslog_counts.lines_tcp, c.lines_tcp);
	counter_add(&syslog_counts.lines_tls, c.lines_tls);
	counter_add(&syslog_counts.truncated, c.truncated);
	counter_add(&syslog_counts.partial, c.partial);
	counter_add(&syslog_counts.not_utf8, c.not_utf8);
	counter_add(&syslog_counts.problems, c.problems);
}

/* A line of the test sender belongs to no source and to no budget. */
static enum verdict test_line(struct pending *p)
{
	p->log->flags |= LOG_TEST;
	p->log->trust = LOG_TRUST_ACCEPTED;
	line_set_time(p->log, &p->when, 0, p->received_ns, NS_PER_S * 60);
	return VERDICT_KEEP;
}

static void tell_tests(struct intake *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->rows[i].is_test)
			sender_put(&in->s->sender,
				   str_n(in->rows[i].log->line, in->rows[i].log->line_n));
}

static size_t judge(struct intake *in)
{
	size_t kept = 0;
	uint64_t refused = 0, over = 0;
	sources_begin(in->s->sources);
	for (size_t i = 0; i < in->n; i++) {
		struct pending *p = &in->rows[i];
		struct judged j = { p->log, &p->when, p->received_ns };
		enum verdict v = p->is_test ? test_line(p) : sources_judge(in->s->sources, &j);
		refused += v == VERDICT_REFUSED;
		over += v == VERDICT_LIMIT;
		if (v == VERDICT_KEEP)
			in->kept[kept++] = p->log;
		else
			counter_add(&p->inlet->lost, 1);
	}
	sources_end(in->s->sources);
	counter_add(&syslog_counts.refused_lines, refused);
	counter_add(&syslog_counts.limit_drops, over);
	return kept;
}

void intake_flush(struct intake *in)
{
	if (in->n == 0)
		return;
	count(in);
	size_t kept = judge(in);
	if (kept > 0 && store_put_each(in->s->store, &log_record, in->kept, kept) != 0) {
		counter_add(&syslog_counts.store_drops, kept);
		log_err("syslog", "lines came after the store was closed lines=%zu", kept);
	}
	tell_tests(in);
	in->n = in->used = 0;
}
