/* bench_query [-k flow|log] [-n ROWS] [-D DAYS] [-p FOLDER] [-r REPEATS] [-o ONLY]: what the pages of the panel
 * cost over a store of ROWS flows or lines (default 10 million in one day). The store is made when FOLDER has none, and kept.
 * Prints one JSON line a kind of query: p50, p95 and longest, in milliseconds of wall time, over REPEATS
 * different questions of that kind, each through a fresh request as the API does it. cpu_ms is the mean
 * of the thread's CPU time: what is left where other programs do not take turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen_flows.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"
#include "tomsd/store.h"

enum { CHUNK = 4096, REPEATS_MAX = 1000, PAGE = 50 };

static struct options {
	uint64_t rows, days, repeats;
	const char *path, *only;
	bool logs;
} opt = { 10000000, 1, 40, NULL, NULL, false };

static struct store *st;
static struct gen_flows rnd = { .state = 7 };
static int64_t begin_ns, end_ns; /* of the rows */

static void die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "bench_query: %s: %s\n", what, e->text);
	exit(1);
}

/* More applications and peers than the writer's bench has, and rows that end by idling: they arrive up
 * to two minutes after their last packet. */
static void vary(struct gen_flows *g, struct flow *f)
{
	uint64_t x = gen_next(g);

	if (f->direction == FLOW_DIR_OUTBOUND)
		f->dst = addr_v4(0x14000000u + gen_skewed(g, 50000) * 977u);
	if (x % 4 == 0 && f->direction == FLOW_DIR_OUTBOUND)
		(void)snprintf(f->app, sizeof(f->app), "app%u", gen_skewed(g, 60));
	if (f->l4 != 6 || x % 5 == 0) {
		int64_t late = (int64_t)(x >> 32) % 120 * NS_PER_S;

		f->end_ns -= late;
		f->start_ns -= late;
		f->flow_start_ns -= late;
	}
	if (x % 5000 == 0)
		f->src_bytes += (x >> 20) % 2000000000u;
}

static void fill_flows(void)
{
	struct err e = ERR_INIT;
	struct flow *rows = calloc(CHUNK, sizeof(*rows));
	struct gen_flows g = { 1, begin_ns,
			       (int64_t)(86400e9 * (double)opt.days / (double)opt.rows) };

	for (uint64_t done = 0; done < opt.rows;) {
		size_t n = opt.rows - done < CHUNK ? (size_t)(opt.rows - done) : CHUNK;

		for (size_t i = 0; i < n; i++) {
			gen_flow(&g, &rows[i]);
			vary(&g, &rows[i]);
		}
		if (store_put_many(st, &flow_record, rows, n))
			die("putting", &e);
		done += n;
		if (isatty(2) && done % (CHUNK * 100) == 0)
			(void)fprintf(stderr, "\r%llu rows", (unsigned long long)done);
	}
	if (store_flush(st, 600000, &e))
		die("flushing", &e);
	free(rows);
}

static int count_rows(void *arg, const void *row)
{
	(void)row;
	(*(size_t *)arg)++;
	return 0;
}

static int count_sums(void *arg, const struct rollup_row *r)
{
	(void)r;
	(*(size_t *)arg)++;
	return 0;
}

static int64_t hours_uncut(void)
{
	static const char text[] =
		"SELECT count(*) FROM (SELECT at FROM rollup_hour WHERE dim=4 GROUP BY at HAVING count(*)>1001)";
	struct err e = ERR_INIT;
	struct sql *db = NULL;
	struct stmt *s = NULL;
	int64_t n = 0;

	if (store_read_begin(st, 0, &db, &e) || sql_prepare(db, text, &s, &e) ||
	    stmt_step(s, &e) < 0)
		die("asking", &e);
	n = stmt_col_i64(s, 0);
	stmt_done(s);
	store_read_end(st, db);
	return n;
}

/* The store cuts hours that are over in quiet moments. An hour after the last row all of them are over,
 * and the last day is not: as it is whenever somebody looks at the last 24 hours. */
static void wait_until_tidy(void)
{
	clock_fix(end_ns + 3600 * NS_PER_S);
	for (unsigned i = 0; i < 60 && hours_uncut(); i++)
		clock_sleep_ms(1000);
}

/* One question: its words, sort and range; {H} frequent host, {h} any host, {P} peer, {N} name, {d} digit,
 * {r} rare word, {s} session. */
enum kind { PAGE_OF, NEXT_PAGE, COUNT, SERIES, TOP };
static const struct question {
	const char *name, *words;
	enum kind kind;
	enum query_sort sort;
	int hours; /* the last so many; 0: all. A page: ends at a random moment when negative */
	enum rollup_dim dim;
	int limit_ms; /* 0: none */
} questions[] = {
	{ "newest", "", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "newest_deep", "", NEXT_PAGE, QUERY_NEWEST, -1, 0, 0 },
	{ "oldest", "", PAGE_OF, QUERY_OLDEST, 0, 0, 0 },
	{ "host_frequent", "host:{H}", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "host_rare", "host:{h}", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "host_unknown", "host:172.16.99.{b}", PAGE_OF, QUERY_NEWEST, 0, 0, 0 },
	{ "host_deep", "host:{h}", NEXT_PAGE, QUERY_NEWEST, -1, 0, 0 },
	{ "host_mac", "host:{m}", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "net24", "host:10.0.5.0/24", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "net16_unknown", "host:172.16.0.0/16", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "peer", "peer:{P}", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "host_peer", "host:{H} peer:{P}", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "app_frequent", "app:dns", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "app_rare", "app:app5{d}", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "app_unknown", "app:gopher", PAGE_OF, QUERY_NEWEST, 0, 0, 0 },
	{ "port_frequent", "port:443", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "port_unknown", "port:6667", PAGE_OF, QUERY_NEWEST, 0, 0, 0 },
	{ "proto", "proto:icmp", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "name", "name:{N}", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "text_frequent", "example", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "text_rare", "host79{d}{d}", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "text_unknown", "nobody-says-this", PAGE_OF, QUERY_NEWEST, 0, 0, 0 },
	{ "excluded", "-app:dns -host:{H}", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "combined", "host:{h} proto:tls site4", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "combined_port", "host:{H} port:2575 -peer:10.0.10.11", PAGE_OF, QUERY_NEWEST, 24,
	  0, 0 },
	{ "large", "source.bytes>1GB", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "risk", "risk:smb_insecure_version", PAGE_OF, QUERY_NEWEST, 24, 0, 0 },
	{ "by_bytes", "", PAGE_OF, QUERY_BYTES, 24, 0, 0 },
	{ "by_bytes_next", "", NEXT_PAGE, QUERY_BYTES, 24, 0, 0 },
	{ "by_bytes_1h", "", PAGE_OF, QUERY_BYTES, 1, 0, 0 },
	{ "by_bytes_host", "host:{H}", PAGE_OF, QUERY_BYTES, 24, 0, 0 },
	{ "by_bytes_host_rare", "host:{h}", PAGE_OF, QUERY_BYTES, 24, 0, 0 },
	{ "by_bytes_app", "app:dns", PAGE_OF, QUERY_BYTES, 24, 0, 0 },
	{ "by_bytes_excluded", "-app:microsoft365", PAGE_OF, QUERY_BYTES, 24, 0, 0 },
	{ "by_risk", "", PAGE_OF, QUERY_RISK, 24, 0, 0 },
	{ "by_risk_host", "host:{H}", PAGE_OF, QUERY_RISK, 24, 0, 0 },
	{ "by_duration", "", PAGE_OF, QUERY_DURATION, 24, 0, 0 },
	{ "by_duration_host", "host:{h}", PAGE_OF, QUERY_DURATION, 24, 0, 0 },
	{ "count_all", "", COUNT, QUERY_NEWEST, 24, 0, 0 },
	{ "count_host_frequent", "host:{H}", COUNT, QUERY_NEWEST, 24, 0, 0 },
	{ "count_host_rare", "host:{h}", COUNT, QUERY_NEWEST, 24, 0, 0 },
	{ "count_app", "app:dns", COUNT, QUERY_NEWEST, 24, 0, 0 },
	{ "count_text", "example", COUNT, QUERY_NEWEST, 24, 0, 0 },
	{ "count_excluded", "-app:dns", COUNT, QUERY_NEWEST, 24, 0, 0 },
	{ "series_total_1h", "", SERIES, 0, 1, ROLLUP_TOTAL, 0 },
	{ "series_total_24h", "", SERIES, 0, 24, ROLLUP_TOTAL, 0 },
	{ "series_total_7d", "", SERIES, 0, 168, ROLLUP_TOTAL, 0 },
	{ "series_total_30d", "", SERIES, 0, 720, ROLLUP_TOTAL, 0 },
	{ "series_direction_24h", "", SERIES, 0, 24, ROLLUP_DIRECTION, 0 },
	{ "series_direction_30d", "", SERIES, 0, 720, ROLLUP_DIRECTION, 0 },
	{ "series_app_1h", "", SERIES, 0, 1, ROLLUP_APP, 0 },
	{ "series_app_24h", "", SERIES, 0, 24, ROLLUP_APP, 0 },
	{ "series_app_7d", "", SERIES, 0, 168, ROLLUP_APP, 0 },
	{ "series_app_30d", "", SERIES, 0, 720, ROLLUP_APP, 0 },
	{ "series_host_24h", "", SERIES, 0, 24, ROLLUP_HOST, 0 },
	{ "series_host_7d", "", SERIES, 0, 168, ROLLUP_HOST, 0 },
	{ "series_host_30d", "", SERIES, 0, 720, ROLLUP_HOST, 0 },
	{ "top_app_1h", "", TOP, 0, 1, ROLLUP_APP, 0 },
	{ "top_app_24h", "", TOP, 0, 24, ROLLUP_APP, 0 },
	{ "top_app_7d", "", TOP, 0, 168, ROLLUP_APP, 0 },
	{ "top_app_30d", "", TOP, 0, 720, ROLLUP_APP, 0 },
	{ "top_host_1h", "", TOP, 0, 1, ROLLUP_HOST, 0 },
	{ "top_host_24h", "", TOP, 0, 24, ROLLUP_HOST, 0 },
	{ "top_host_7d", "", TOP, 0, 168, ROLLUP_HOST, 0 },
	{ "top_host_30d", "", TOP, 0, 720, ROLLUP_HOST, 0 },
	{ "top_peer_1h", "", TOP, 0, 1, ROLLUP_PEER, 0 },
	{ "top_peer_24h", "", TOP, 0, 24, ROLLUP_PEER, 0 },
	{ "top_peer_7d", "", TOP, 0, 168, ROLLUP_PEER, 0 },
	{ "top_peer_30d", "", TOP, 0, 720, ROLLUP_PEER, 0 },
};

#include "bench_query_logs.h"

static void fill_logs(void)
{
	struct err e = ERR_INIT;
	int64_t began = clock_mono_ns();

	if (bench_log_fill(st, opt.rows, begin_ns,
			   (int64_t)(86400e9 * (double)opt.days / (double)opt.rows)) ||
	    store_flush(st, 600000, &e))
		die("putting", &e);
	(void)fprintf(stderr, "filled in %.1f s\n", (double)(clock_mono_ns() - began) / 1e9);
}

static void put_host(struct buf *b, uint32_t host)
{
	struct addr a = addr_v4(0x0a000000u | (host / 200 + 1) << 8 | (host % 200 + 10));
	char text[ADDR_TEXT_MAX];

	addr_text(&a, text);
	buf_cstr(b, text);
}

static void put_peer(struct buf *b)
{
	struct addr a = addr_v4(0x14000000u + gen_skewed(&rnd, 50000) * 977u);
	char text[ADDR_TEXT_MAX];

	addr_text(&a, text);
	buf_cstr(b, text);
}

static void words_of(const struct question *q, struct buf *b)
{
	uint32_t name = gen_skewed(&rnd, 8000);

	for (const char *p = q->words; *p; p++) {
		if (*p != '{') {
			buf_char(b, *p);
			continue;
		}
		switch (p[1]) {
		case 'H':
			put_host(b, (uint32_t)(gen_next(&rnd) % 10));
			break;
		case 'h':
			put_host(b, (uint32_t)(500 + gen_next(&rnd) % 500));
			break;
		case 'm':
			buf_fmt(b, "00:1b:21:00:%02x:%02x", (unsigned)(gen_next(&rnd) % 4),
				(unsigned)(gen_next(&rnd) % 256));
			break;
		case 'P':
			put_peer(b);
			break;
		case 'N':
			buf_fmt(b, "host%u.site%u.example.jp", name, name % 700);
			break;
		case 'r':
			buf_u64(b, gen_next(&rnd) % NEEDLE_KINDS);
			break;
		case 's':
			buf_u64(b, gen_next(&rnd) % (2 * opt.rows));
			break;
		case 'b':
			buf_u64(b, gen_next(&rnd) % 256);
			break;
		default:
			buf_u64(b, gen_next(&rnd) % 10);
		}
		p += 2;
	}
}

static struct query query_of(const struct question *qu)
{
	struct query q = { .record = opt.logs ? &log_record : &flow_record, .until_ns = INT64_MAX, .sort = qu->sort };
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 1000);
	words_of(qu, &b);
	if (query_parse(&q, buf_view(&b), &e))
		die(qu->name, &e);
	buf_fini(&b);
	if (qu->hours > 0)
		q.since_ns = end_ns - qu->hours * 3600 * NS_PER_S;
	if (qu->hours < 0) {
		q.until_ns =
			begin_ns + (int64_t)(gen_next(&rnd) % (uint64_t)(end_ns - begin_ns));
		q.since_ns = q.until_ns - 86400 * NS_PER_S;
	}
	return q;
}

struct result {
	double ms[REPEATS_MAX];
	size_t n, rows;
	uint64_t looked_at;
	int64_t cpu_ns;
};

static void timed_page(struct query *q, struct result *r, bool next, int limit_ms)
{
	struct query_page_info info;
	struct err e = ERR_INIT;
	int64_t began, cpu;

	if (next) {
		if (store_query(st, q, PAGE, 0, count_rows, &(size_t){ 0 }, &info, &e))
			die("query", &e);
		memcpy(q->cursor, info.next, sizeof(q->cursor));
	}
	began = clock_mono_ns();
	cpu = clock_thread_cpu_ns();
	int64_t deadline = limit_ms ? began + limit_ms * NS_PER_MS : 0;
	if (store_query(st, q, PAGE, deadline, count_rows, &r->rows, &info, &e))
		die("query", &e);
	r->cpu_ns += clock_thread_cpu_ns() - cpu;
	r->ms[r->n++] = (double)(clock_mono_ns() - began) / 1e6;
	r->looked_at += info.rows_looked_at;
}

static void timed_sums(const struct question *qu, struct result *r)
{
	/* not at a full hour, as nobody asks then */
	int64_t until = end_ns - (int64_t)(gen_next(&rnd) % 3600) * NS_PER_S,
		since = until - qu->hours * 3600 * NS_PER_S;
	int64_t began = clock_mono_ns(), cpu = clock_thread_cpu_ns(), step;
	struct err e = ERR_INIT;
	int rc = qu->kind == SERIES ?
			 store_series(st, qu->dim, since, until, 720, 5, 0, &step, count_sums,
				      &r->rows, &e) :
			 store_top(st, qu->dim, since, until, 10, 0, count_sums, &r->rows, &e);

	if (rc)
		die(qu->name, &e);
	r->cpu_ns += clock_thread_cpu_ns() - cpu;
	r->ms[r->n++] = (double)(clock_mono_ns() - began) / 1e6;
}

static void timed_count(struct query *q, struct result *r)
{
	struct err e = ERR_INIT;
	uint64_t n;
	bool more;
	int64_t began = clock_mono_ns(), cpu = clock_thread_cpu_ns();

	if (store_count(st, q, 10000, 0, &n, &more, &e))
		die("count", &e);
	r->cpu_ns += clock_thread_cpu_ns() - cpu;
	r->ms[r->n++] = (double)(clock_mono_ns() - began) / 1e6;
	r->rows += n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void ask(const struct question *qu)
{
	struct result r = { .n = 0 };

	for (uint64_t i = 0; i < opt.repeats; i++) {
		struct query q = query_of(qu);

		if (qu->kind == PAGE_OF || qu->kind == NEXT_PAGE)
			timed_page(&q, &r, qu->kind == NEXT_PAGE, qu->limit_ms);
		else if (qu->kind == COUNT)
			timed_count(&q, &r);
		else
			timed_sums(qu, &r);
	}
	qsort(r.ms, r.n, sizeof(r.ms[0]), by_value);
	printf("{\"bench\":\"query\",\"who\":\"%s\",\"rows\":%llu,\"days\":%llu,\"p50_ms\":%.2f,\"p95_ms\":%.2f,\"max_ms\":%.2f,"
	       "\"cpu_ms\":%.2f,\"given\":%zu,\"looked_at\":%llu}\n",
	       qu->name, (unsigned long long)opt.rows, (unsigned long long)opt.days,
	       r.ms[r.n / 2], r.ms[r.n * 95 / 100], r.ms[r.n - 1],
	       (double)r.cpu_ns / 1e6 / (double)r.n, r.rows / r.n,
	       (unsigned long long)(r.looked_at / r.n));
	(void)fflush(stdout);
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "k:n:D:p:r:o:")) != -1) {
		struct str v = str_of(optarg);
		bool fine = true;

		if (c == 'n')
			fine = num_u64(v, 1, UINT32_MAX, &opt.rows) == 0;
		else if (c == 'D')
			fine = num_u64(v, 1, 400, &opt.days) == 0;
		else if (c == 'r')
			fine = num_u64(v, 1, REPEATS_MAX, &opt.repeats) == 0;
		else if (c == 'k')
			fine = (opt.logs = str_eq(v, STR("log"))) || str_eq(v, STR("flow"));
		else if (c == 'p')
			opt.path = optarg;
		else if (c == 'o')
			opt.only = optarg;
		else
			fine = false;
		if (!fine) {
			(void)fputs(
				"usage: bench_query [-k flow|log] [-n ROWS] [-D DAYS] [-p FOLDER] [-r REPEATS] [-o ONLY]\n",
				stderr);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct store_conf conf = { 0 };
	char file[4200];

	parse(argc, argv);
	if (!opt.path)
		opt.path = opt.logs ? "build/bench/query-logs" : "build/bench/query-store";
	conf.path = opt.path;
	begin_ns = clock_day_start(20261122) - (int64_t)(opt.days - 1) * 86400 * NS_PER_S;
	end_ns = begin_ns + (int64_t)opt.days * 86400 * NS_PER_S;
	(void)snprintf(file, sizeof(file), "%s/tomsd.db", opt.path);
	bool is_new = file_size(file) < 0;
	if (file_mkdirs(opt.path, 0700, &e) || store_open(&st, &conf, &e) ||
	    store_start(st, &e))
		die("opening", &e);
	if (is_new)
		opt.logs ? fill_logs() : fill_flows();
	wait_until_tidy();
	const struct question *all = opt.logs ? log_questions : questions;
	size_t n = opt.logs ? ARRAY_LEN(log_questions) : ARRAY_LEN(questions);
	for (size_t i = 0; i < n; i++) {
		if (!opt.only || strstr(all[i].name, opt.only))
			ask(&all[i]);
	}
	store_stop(st);
	store_free(st);
	return 0;
}
