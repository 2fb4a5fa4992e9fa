/* bench_seal [-n FLOWS] [-m LINES] [-p FOLDER] [-x COLUMN]... [-o] [-f]: what sealing costs. Rows are put into a store first,
 * flows and lines apart; then each is cut and sealed: read from the store, written as Parquet, hashed, its words
 * collected, manifest signed, all of it durable. Prints JSON lines; CPU is that of the sealing thread and of the
 * store's, whose transaction puts the index. -x leaves a column out, -o leaves all out that others give; -f
 * only fills the store, for a daemon to seal. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/archive/seal.h"
#include "gen_flows.h"
#include "gen_logs.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "tomsd/base/thread.h"

enum { CHUNK = 4096 };

struct options {
	uint64_t flows, lines;
	const char *path;
	char leave_out[SEAL_LEAVE_OUT_MAX];
	bool fill_only;
};

static void die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "bench_seal: %s: %s\n", what, e->text);
	exit(1);
}

static void leave_out(struct options *o, const char *name)
{
	size_t n = strlen(o->leave_out);
	(void)snprintf(o->leave_out + n, sizeof(o->leave_out) - n, "%s%s", n ? " " : "", name);
}

/* What docs/archive.md allows. */
static void leave_out_computed(struct options *o)
{
	static const char *const names[] = {
		"network.community_id", "event.end",     "event.duration",     "network.bytes",
		"network.packets",      "source.domain", "destination.domain", "tls.client.server_name",
		"dns.question.name",    "url.domain",    "toms.flow.tcp_flags",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		leave_out(o, names[i]);
}

static struct options parse(int argc, char **argv)
{
	struct options o = { .flows = 500000, .lines = 100000, .path = "bench-seal" };
	int c;
	while ((c = getopt(argc, argv, "n:m:p:x:of")) != -1) {
		if (c == 'n' && num_u64(str_of(optarg), 0, UINT64_MAX, &o.flows) == 0)
			continue;
		if (c == 'm' && num_u64(str_of(optarg), 0, UINT64_MAX, &o.lines) == 0)
			continue;
		if (c == 'p')
			o.path = optarg;
		else if (c == 'x')
			leave_out(&o, optarg);
		else if (c == 'o')
			leave_out_computed(&o);
		else if (c == 'f')
			o.fill_only = true;
		else
			exit(2);
	}
	return o;
}

static void put_flows(struct store *st, uint64_t n)
{
	struct gen_flows g = { .state = 1, .now_ns = INT64_C(1795348800) * NS_PER_S, .mean_gap_ns = 2 * NS_PER_MS };
	struct flow *rows = calloc(CHUNK, sizeof(*rows));
	for (uint64_t i = 0; rows && i < n;) {
		size_t k = 0;
		for (; k < CHUNK && i < n; k++, i++)
			gen_flow(&g, &rows[k]);
		if (store_put_many(st, &flow_record, rows, k))
			exit(1);
	}
	free(rows);
}

static void put_lines(struct store *st, uint64_t n)
{
	static union gen_log line;
	for (uint64_t i = 0; i < n; i++) {
		gen_log_number(i, INT64_C(1795348800) * NS_PER_S, &line);
		if (store_put(st, &log_record, &line.row))
			exit(1);
	}
}

static int64_t store_cpu_ns(void)
{
	struct thread_state list[16];
	size_t n = thread_list(list, ARRAY_LEN(list));
	for (size_t i = 0; i < n && i < ARRAY_LEN(list); i++)
		if (strcmp(list[i].name, "store") == 0)
			return list[i].cpu_ms * NS_PER_MS;
	return 0;
}

static void seal(const struct sealer *sl, const char *what)
{
	struct err e = ERR_INIT;
	struct seal s;
	if (store_flush(sl->store, 600000, &e))
		die("writing rows", &e);
	if (cut_make(sl, true, NULL, &e))
		die("cutting", &e);
	int64_t wall = clock_mono_ns(), cpu = clock_thread_cpu_ns(), store = store_cpu_ns();
	if (seal_finish(sl, &s, &e))
		die("sealing", &e);
	double took = (double)(clock_mono_ns() - wall) / 1e9, own = (double)(clock_thread_cpu_ns() - cpu) / 1e9;
	double others = (double)(store_cpu_ns() - store) / 1e9, rows = (double)s.rows;
	(void)printf("{\"bench\":\"seal_%s\",\"rows\":%llu,\"rows_per_cpu_s\":%.0f,\"us_per_row\":%.2f,"
		     "\"store_us_per_row\":%.2f,\"rows_per_s\":%.0f,\"bytes\":%llu,\"bytes_per_row\":%.1f}\n",
		     what, (unsigned long long)s.rows, rows / (own + others), own * 1e6 / rows, others * 1e6 / rows,
		     rows / took, (unsigned long long)s.bytes, (double)s.bytes / rows);
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	struct store_conf conf = { .path = o.path };
	struct err e = ERR_INIT;
	struct store *st;
	struct house_key *hk;
	char folder[4096];
	(void)snprintf(folder, sizeof(folder), "%s/archive", o.path);
	if (store_open(&st, &conf, &e) || store_start(st, &e) || house_key_load(&hk, o.path, true, &e))
		die("opening the store", &e);
	const struct sealer sl = {
		.store = st, .house_key = hk, .folder = folder, .appliance = "bench", .leave_out = o.leave_out
	};
	if (seal_begin(&sl, &e))
		die("beginning", &e);
	put_flows(st, o.flows);
	if (o.flows && !o.fill_only)
		seal(&sl, o.leave_out[0] ? "flow_lean" : "flow");
	put_lines(st, o.lines);
	if (o.lines && !o.fill_only)
		seal(&sl, "log");
	store_stop(st);
	store_free(st);
	house_key_free(hk);
	return 0;
}
