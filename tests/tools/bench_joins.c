/* bench_joins [-n LOGS] [-p FOLDER]: how long a log takes to show its flows, and a flow its logs. Prints JSON
 * lines. Puts so many made-up logs of a firewall and, for every other one of a session, the flow of its
 * conversation; then asks the routes of the room api, in this process, for rows all over the day. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gen_logs.h"
#include "tomsd/api.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"
#include "tomsd/flow_row.h"
#include "tomsd/store.h"

#define ASKED 400

static void die(const char *what, const char *words)
{
	(void)fprintf(stderr, "bench_joins: %s: %s\n", what, words);
	exit(1);
}

static void put_flow(struct store *st, const struct log *g, struct gen_logs *dice)
{
	struct flow f = { .end_ns = g->device_ns,
			  .start_ns = g->device_ns - g->duration_ns,
			  .flow_start_ns = g->device_ns - g->duration_ns,
			  .src = g->src,
			  .dst = g->dst,
			  .src_port = g->src_port,
			  .dst_port = g->dst_port,
			  .src_bytes = g->src_bytes,
			  .dst_bytes = g->dst_bytes,
			  .src_packets = 1 + gen_log_pick(dice, 9),
			  .ip_version = 4,
			  .l4 = g->l4,
			  .end_reason = FLOW_END_FIN,
			  .proto = "tls" };
	if (store_put(st, &flow_record, &f))
		die("put", "the store is closed");
}

static void fill(struct store *st, uint64_t n)
{
	/* a day of them, evenly */
	struct gen_logs g = { { 7, clock_day_start(20261122), 86000 * NS_PER_S / (int64_t)n }, 1000, 0 };
	struct err e = ERR_INIT;
	union gen_log *one = calloc(1, sizeof(*one));
	int64_t began = clock_mono_ns();
	uint64_t flows = 0;
	for (uint64_t i = 0; one && i < n; i++) {
		gen_log(&g, one);
		if (store_put(st, &log_record, &one->row))
			die("put", "the store is closed");
		if (one->row.kind == LOG_KIND_TRAFFIC && i % 2) {
			put_flow(st, &one->row, &g);
			flows++;
		}
	}
	free(one);
	if (store_flush(st, 600000, &e))
		die("flush", e.text);
	printf("{\"bench\":\"joins_fill\",\"logs\":%llu,\"flows\":%llu,\"s\":%.1f}\n",
	       (unsigned long long)n, (unsigned long long)flows, (double)(clock_mono_ns() - began) / 1e9);
}

/* Ids of rows all over the span. */
struct ids {
	int64_t id[ASKED];
	size_t n;
	bool is_log;
};

static int take_id(void *arg, const void *row)
{
	struct ids *ids = arg;
	ids->id[ids->n++] = ids->is_log ? ((const struct log *)row)->id : ((const struct flow *)row)->id;
	return 1;
}

static int take_time(void *arg, const void *row)
{
	*(int64_t *)arg = ((const struct log *)row)->at_ns;
	return 1;
}

static void pick(struct store *st, const struct record *r, int64_t since_ns, int64_t until_ns, struct ids *out)
{
	for (int64_t i = 0; i < ASKED; i++) {
		struct query q = { .record = r,
				   .since_ns = since_ns,
				   .until_ns = since_ns + (until_ns - since_ns) / ASKED * (i + 1) };
		struct query_page_info info;
		struct err e = ERR_INIT;
		if ((out->is_log && query_add(&q, "toms.log.kind", ":", "traffic", &e)) ||
		    store_query(st, &q, 1, 0, take_id, out, &info, &e))
			die("pick", e.text);
	}
}

static int by_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static void ask(struct app *a, const char *what, const char *rows, const char *part, const struct ids *ids)
{
	static int64_t took[ASKED];
	size_t joined = 0, cut = 0;
	for (size_t i = 0; i < ids->n; i++) {
		char path[96];
		struct reply rp;
		struct request rq = { .app = a,
				      .method = STR("GET"),
				      .lang = "en",
				      .who = { .role = ROLE_ADMIN, .name = "bench", .from = "local" } };
		(void)snprintf(path, sizeof(path), "/api/v1/%s/%lld/%s", rows, (long long)ids->id[i], part);
		rq.path = str_of(path);
		buf_init(&rq.arena, 65536);
		reply_init(&rp);
		int64_t began = clock_mono_ns();
		api_dispatch(&rq, &rp);
		took[i] = clock_mono_ns() - began;
		if (rp.status != 200)
			die(path, rp.body.p);
		joined += strstr(rp.body.p, "\"matched_by\"") != NULL;
		cut += strstr(rp.body.p, "\"complete\":false") != NULL;
		reply_fini(&rp);
		buf_fini(&rq.arena);
	}
	qsort(took, ids->n, sizeof(took[0]), by_ns);
	printf("{\"bench\":\"%s\",\"asked\":%zu,\"joined\":%zu,\"cut\":%zu,\"p50_ms\":%.1f,\"p95_ms\":%.1f,\"max_ms\":%.1f}\n", what,
	       ids->n, joined, cut, (double)took[ids->n / 2] / 1e6, (double)took[ids->n * 95 / 100] / 1e6,
	       (double)took[ids->n - 1] / 1e6);
}

int main(int argc, char **argv)
{
	static const struct room *const rooms[] = { &api_room, NULL };
	static struct ids logs = { .is_log = true }, flows;
	struct app_setup setup = { .mode = APP_CHECK, .rooms = rooms }; /* no audit rows: reading alone */
	struct store_conf conf = { .path = "bench-joins", .inbox_bytes = 64u << 20 };
	struct app *a = NULL;
	struct store *st = NULL;
	struct err e = ERR_INIT;
	uint64_t n = 1000000;
	int64_t first_ns = 0, last_ns = 0;
	struct query q = { .record = &log_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	for (int c; (c = getopt(argc, argv, "n:p:")) != -1;) {
		if (c == 'p')
			conf.path = optarg;
		else if (c != 'n' || num_u64(str_of(optarg), 1000, UINT64_MAX, &n))
			die("usage", "bench_joins [-n LOGS] [-p FOLDER]");
	}
	if (file_mkdirs(conf.path, 0700, &e) || store_open(&st, &conf, &e) || store_start(st, &e) ||
	    app_new(&a, &setup, &e))
		die("start", e.text);
	app_set_store(a, st);
	if (api_room.init(a, &e))
		die("start", e.text);
	fill(st, n);
	if (store_query(st, &q, 1, 0, take_time, &last_ns, &info, &e))
		die("newest", e.text);
	q.sort = QUERY_OLDEST;
	if (store_query(st, &q, 1, 0, take_time, &first_ns, &info, &e))
		die("oldest", e.text);
	pick(st, &log_record, first_ns, last_ns + NS_PER_S, &logs);
	pick(st, &flow_record, first_ns, last_ns + NS_PER_S, &flows);
	ask(a, "log_flows", "logs", "flows", &logs);
	ask(a, "flow_logs", "flows", "logs", &flows);
	ask(a, "log_fields", "logs", "fields", &logs);
	api_room.fini(a);
	store_stop(st);
	store_free(st);
	app_free(a);
	return 0;
}
